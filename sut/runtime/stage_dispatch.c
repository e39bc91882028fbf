/* stage_dispatch.c: which consumer gets which event. A batch is one message to one consumer; its size is known before it is
 * written, so events are copied once, into the consumer's heap.
 */
#include "sut/runtime/stage_internal.h"

#include <inttypes.h>
#include <string.h>
#include <utlist.h>

POINT_ABOUT("stage/events/send", "A stage gives a consumer events that it has asked for.");

static size_t round_up(size_t size)
{
    return (size + 15) / 16 * 16;
}

static size_t event_room(const struct stage_node *node)
{
    return 16 + round_up(node->size);
}

/* ---- one message ---- */

/* Events of the nodes from `first` on, `count` of them, of which the sink wants those that its selector lets through. */
struct batch {
    struct sink *sink;
    const struct stage_node *first;
    size_t count;
};

static bool is_selected(const struct sink *sink, const struct stage_node *node)
{
    struct stage_event event = node_event(node);
    return !sink->subscription.selector ||
           sink->subscription.selector(&event, sink->subscription.selector_ctx);
}

static void event_write(char **at, const struct stage_node *node)
{
    memcpy(*at, &node->size, sizeof node->size);
    memcpy(*at + 16, node->data, node->size);
    *at += event_room(node);
}

static void batch_write(struct proc *self, struct proc *consumer, const struct batch *batch,
                        size_t room, uint64_t count)
{
    struct envelope *envelope =
        envelope_new(consumer, &(struct message){.tag = MSG_STAGE,
                                                 .from = proc_id_of(self),
                                                 .size = sizeof(struct stage_events) + room});
    struct stage_events *events = (struct stage_events *)(void *)envelope->data;
    *events = (struct stage_events){SAY_EVENTS, batch->sink->from.ref, count};
    char *at = events->bytes;
    const struct stage_node *node = batch->first;
    for (size_t i = 0; i < batch->count; i++, node = node->next)
        if (is_selected(batch->sink, node))
            event_write(&at, node);
    mailbox_put(consumer, envelope);
}

/* How many events went out; those that it does not want cost it no demand (GST-18). */
static uint64_t batch_send(struct proc *self, struct stage *stage, const struct batch *batch)
{
    struct proc *consumer = runtime_find(stage->runtime, batch->sink->from.pid);
    const struct stage_node *node = batch->first;
    size_t room = 0;
    uint64_t count = 0;
    for (size_t i = 0; i < batch->count; i++, node = node->next)
        if (is_selected(batch->sink, node)) {
            room += event_room(node);
            count++;
        }
    if (count == 0)
        return 0;
    batch->sink->demand -= count;
    stage->demand -= count;
    TRACE(&self->site, "stage/events/send", T_U64("ref", batch->sink->from.ref),
          T_U64("producer", proc_id_of(self)), T_U64("consumer", batch->sink->from.pid),
          T_U64("count", count), T_U64("demand", batch->sink->demand));
    if (consumer) /* else its DOWN is on the way */
        batch_write(self, consumer, batch, room, count);
    return count;
}

static void queue_drop(struct heap *heap, struct stage_queue *queue, size_t count)
{
    for (; count > 0; count--)
        heap_release(heap, queue_take(queue));
}

static size_t at_most(size_t available, uint64_t wanted)
{
    return wanted < available ? (size_t)wanted : available;
}

/* ---- the dispatchers ---- */

/* Its place is behind those that have asked for as much (GST-12). */
static void sink_place(struct stage *stage, struct sink *sink)
{
    struct sink *at;
    DL_DELETE(stage->sinks, sink);
    for (at = stage->sinks; at && at->demand >= sink->demand; at = at->next)
        continue;
    if (at)
        DL_PREPEND_ELEM(stage->sinks, at, sink);
    else
        DL_APPEND(stage->sinks, sink);
}

/* What the first consumer asks for at first is taken for the measure of all (GST-15). */
static void ask_judge(struct stage *stage, const struct sink *sink, uint64_t count)
{
    if (stage->first_ask == 0)
        stage->first_ask = count;
    if (count > stage->first_ask)
        env_log(stage->runtime->env, LOG_WARN,
                "process %" PRIu64 " asks for %" PRIu64 " events, others for %" PRIu64
                ": the largest demand gets most",
                sink->from.pid, count, stage->first_ask);
}

void sink_ask(struct stage *stage, struct sink *sink, uint64_t count)
{
    if (stage->spec.dispatch == DISPATCH_DEMAND)
        ask_judge(stage, sink, count);
    sink->demand += count;
    stage->demand += count;
    if (stage->spec.dispatch == DISPATCH_DEMAND)
        sink_place(stage, sink);
}

static void dispatch_demand(struct proc *self, struct stage *stage)
{
    while (stage->buffer.first && stage->sinks && stage->sinks->demand > 0) {
        struct sink *sink = stage->sinks;
        size_t count = at_most(stage->buffer.count, sink->demand);
        batch_send(self, stage, &(struct batch){sink, stage->buffer.first, count});
        queue_drop(&self->heap, &stage->buffer, count);
        sink_place(stage, sink);
    }
}

static uint64_t least_demand(const struct stage *stage)
{
    uint64_t least = stage->sinks ? UINT64_MAX : 0;
    const struct sink *sink;
    DL_FOREACH (stage->sinks, sink)
        least = sink->demand < least ? sink->demand : least;
    return least;
}

static void dispatch_broadcast(struct proc *self, struct stage *stage)
{
    size_t count;
    struct sink *sink;
    while ((count = at_most(stage->buffer.count, least_demand(stage))) > 0) {
        DL_FOREACH (stage->sinks, sink)
            batch_send(self, stage, &(struct batch){sink, stage->buffer.first, count});
        queue_drop(&self->heap, &stage->buffer, count);
    }
}

/* Into the queue of its partition. */
static void node_sort(struct proc *self, struct stage *stage, struct stage_node *node)
{
    struct stage_event event = node_event(node);
    int64_t partition = stage->spec.partition_of(&event, stage->spec.partition_ctx);
    if (partition >= (int64_t)stage->spec.partitions)
        proc_exit(self, reason_make(EXIT_RAISED, "unknown partition %lld", (long long)partition));
    if (partition < 0) {
        heap_release(&self->heap, node);
        return;
    }
    queue_append(&stage->partitions[partition], node);
    stage->queued++;
}

static void partition_serve(struct proc *self, struct stage *stage, uint32_t partition)
{
    struct sink *sink = stage->partition_sinks[partition];
    struct stage_queue *queue = &stage->partitions[partition];
    size_t count = sink ? at_most(queue->count, sink->demand) : 0;
    if (count == 0)
        return;
    batch_send(self, stage, &(struct batch){sink, queue->first, count});
    queue_drop(&self->heap, queue, count);
    stage->queued -= count;
}

static void dispatch_partition(struct proc *self, struct stage *stage)
{
    do {
        while (stage->buffer.first && stage->demand > stage->queued)
            node_sort(self, stage, queue_take(&stage->buffer));
        for (uint32_t i = 0; i < stage->spec.partitions; i++)
            partition_serve(self, stage, i);
    } while (stage->buffer.first && stage->demand > stage->queued);
}

uint64_t stage_wanted(const struct stage *stage)
{
    switch (stage->spec.dispatch) {
    case DISPATCH_DEMAND: return stage->demand;
    case DISPATCH_BROADCAST: return least_demand(stage);
    case DISPATCH_PARTITION:
        return stage->demand > stage->queued ? stage->demand - stage->queued : 0;
    }
    return 0;
}

void stage_dispatch_all(struct proc *self, struct stage *stage)
{
    switch (stage->spec.dispatch) {
    case DISPATCH_DEMAND: dispatch_demand(self, stage); break;
    case DISPATCH_BROADCAST: dispatch_broadcast(self, stage); break;
    case DISPATCH_PARTITION: dispatch_partition(self, stage); break;
    }
}
