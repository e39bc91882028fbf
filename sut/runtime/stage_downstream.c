/* stage_downstream.c: a stage and its consumers: who subscribes, what they ask for, what waits for them.
 *
 *     subscription    ends by
 *     being asked     the consumer's cancel, its death, the stage's own stage_unsubscribe(), or a refusal
 */
#include "sut/runtime/stage_internal.h"

#include <inttypes.h>
#include <utlist.h>

POINT_ABOUT("stage/subscription/start", "A consumer subscribed to a stage.");
POINT_ABOUT("stage/subscription/end", "A subscription is over, as its producer sees it.");
POINT_ABOUT("stage/demand/forward", "A producer is asked for events that its consumers want.");

/* ---- subscriptions ---- */

struct sink *sink_find(const struct stage *stage, ref_id ref)
{
    struct id_node *node = id_table_find(&stage->sink_refs, ref);
    return node ? CONTAINER_OF(node, struct sink, by_ref) : NULL;
}

struct sink *sink_by_monitor(const struct stage *stage, ref_id monitor)
{
    struct id_node *node = id_table_find(&stage->sink_monitors, monitor);
    return node ? CONTAINER_OF(node, struct sink, by_monitor) : NULL;
}

static bool has_subscribed(const struct stage *stage, proc_id pid)
{
    const struct sink *sink;
    DL_FOREACH (stage->sinks, sink)
        if (sink->from.pid == pid)
            return true;
    return false;
}

/* NULL: it may. */
static const char *why_not(const struct stage *stage, struct stage_from from,
                           const struct stage_subscription *subscription)
{
    if (stage->spec.type == STAGE_CONSUMER)
        return "not_a_producer";
    if (sink_find(stage, from.ref))
        return "duplicated_subscription";
    if (stage->spec.dispatch == DISPATCH_BROADCAST && has_subscribed(stage, from.pid))
        return "already_subscribed";
    if (stage->spec.dispatch != DISPATCH_PARTITION)
        return NULL;
    if (subscription->partition >= stage->spec.partitions)
        return "unknown_partition";
    return stage->partition_sinks[subscription->partition] ? "partition_taken" : NULL;
}

static struct sink *sink_add(struct proc *self, struct stage *stage, struct stage_from from,
                             const struct stage_subscription *subscription)
{
    struct sink *sink = heap_alloc(&self->heap, sizeof *sink);
    sink->from = from;
    sink->subscription = *subscription;
    if (stage->spec.dispatch != DISPATCH_BROADCAST)
        sink->subscription.selector = NULL;
    if (stage->spec.dispatch == DISPATCH_PARTITION)
        stage->partition_sinks[subscription->partition] = sink;
    id_table_insert(&stage->sink_refs, &sink->by_ref, from.ref);
    id_table_insert(&stage->sink_monitors, &sink->by_monitor, proc_monitor(self, from.pid));
    DL_APPEND(stage->sinks, sink);
    stage->sink_count++;
    return sink;
}

void sink_subscribe(struct proc *self, struct stage *stage, struct stage_from from,
                    const struct stage_subscription *subscription)
{
    const char *no = why_not(stage, from, subscription);
    if (no) {
        stage_say(self, from.pid,
                  &(struct stage_word){.kind = SAY_CANCELLED,
                                       .ref = from.ref,
                                       .why = reason_make(EXIT_ERROR, "%s", no)});
        return;
    }
    sink_add(self, stage, from, subscription);
    TRACE(&self->site, "stage/subscription/start", T_U64("ref", from.ref),
          T_U64("producer", proc_id_of(self)), T_U64("consumer", from.pid),
          T_U64("max", subscription->max_demand));
    if (stage->spec.ops->subscribe)
        stage->spec.ops->subscribe(self, stage->state, STAGE_DOWNSTREAM, subscription, from);
    emitted_flush(self, stage);
    stage_serve(self,
                stage); /* a broadcast waits for the new one, a partition has got its consumer */
}

static void partition_leave(struct proc *self, struct stage *stage, const struct sink *sink)
{
    if (stage->spec.dispatch != DISPATCH_PARTITION)
        return;
    struct stage_queue *queue = &stage->partitions[sink->subscription.partition];
    stage->queued -= queue->count; /* so they are wanted again (GST-24) */
    queue_clear(&self->heap, queue);
    stage->partition_sinks[sink->subscription.partition] = NULL;
}

void sink_end(struct proc *self, struct stage *stage, struct sink *sink, struct reason why)
{
    struct stage_from from = sink->from;
    TRACE(&self->site, "stage/subscription/end", T_U64("ref", from.ref),
          T_U64("producer", proc_id_of(self)), T_U64("consumer", from.pid),
          T_STR("reason", reason_text(why, (char[REASON_WORDS]){0})));
    partition_leave(self, stage, sink);
    proc_demonitor(self, sink->by_monitor.id, true);
    id_table_remove(&stage->sink_refs, &sink->by_ref);
    id_table_remove(&stage->sink_monitors, &sink->by_monitor);
    DL_DELETE(stage->sinks, sink);
    stage->sink_count--;
    stage->demand -= sink->demand; /* what was asked for it upstream stays outstanding (GST-13) */
    heap_release(&self->heap, sink);
    if (stage->spec.ops->cancel)
        stage->spec.ops->cancel(self, stage->state, STAGE_DOWNSTREAM, why, from);
    emitted_flush(self, stage);
    stage_serve(self, stage);
}

/* ---- events ---- */

static size_t buffer_max(const struct stage *stage)
{
    if (stage->spec.buffer_max > 0)
        return stage->spec.buffer_max;
    return stage->spec.type == STAGE_PRODUCER ? 10000 : SIZE_MAX;
}

/* The oldest ones, or (keep_first) all behind the first `max`. */
static void buffer_trim(struct proc *self, struct stage *stage)
{
    size_t max = buffer_max(stage), over = stage->buffer.count - max;
    if (stage->buffer.count <= max)
        return;
    struct stage_queue kept = {0};
    for (size_t i = 0; stage->spec.keep_first && i < max; i++)
        queue_append(&kept, queue_take(&stage->buffer));
    for (size_t i = 0; i < over; i++)
        heap_release(&self->heap, queue_take(&stage->buffer));
    queue_move(&kept, &stage->buffer);
    stage->buffer = kept;
    stage->dropped += over;
    env_log(stage->runtime->env, LOG_WARN, "%s: buffer of %zu events is full, %zu dropped",
            self->label, max, over);
}

/* By a message, so that others get their turn between. */
static void serve_later(struct proc *self, struct stage *stage)
{
    if (stage->serve_later || stage->spec.type != STAGE_PRODUCER ||
        stage_wanted(stage) <= stage->outstanding)
        return;
    stage->serve_later = true;
    stage_say(self, proc_id_of(self), &(struct stage_word){.kind = SAY_SERVE});
}

void emitted_flush(struct proc *self, struct stage *stage)
{
    size_t count = stage->emitted.count;
    if (count == 0)
        return;
    stage->outstanding -= count < stage->outstanding ? count : stage->outstanding;
    queue_move(&stage->buffer, &stage->emitted);
    stage_dispatch_all(self, stage);
    buffer_trim(self, stage);
    serve_later(self, stage); /* events that nobody got count as not come */
}

/* ---- demand ---- */

static void demand_call(struct proc *self, struct stage *stage, uint64_t count)
{
    TRACE(&self->site, "stage/demand/forward", T_U64("producer", proc_id_of(self)),
          T_U64("count", count));
    if (stage->spec.ops->demand)
        stage->spec.ops->demand(self, stage->state, count);
    emitted_flush(self, stage);
}

static void ask_keep(struct proc *self, struct stage *stage, uint64_t count)
{
    stage->asks =
        heap_realloc(&self->heap, stage->asks, (stage->ask_count + 1) * sizeof *stage->asks);
    stage->asks[stage->ask_count++] = count;
}

void stage_serve(struct proc *self, struct stage *stage)
{
    stage->serve_later = false;
    stage_dispatch_all(self, stage);
    if (stage->spec.type == STAGE_PRODUCER_CONSUMER)
        arrivals_take(self, stage);
    uint64_t wanted = stage_wanted(stage);
    if (stage->spec.type != STAGE_PRODUCER || wanted <= stage->outstanding)
        return;
    uint64_t count = wanted - stage->outstanding;
    stage->outstanding = wanted;
    if (stage->accumulate)
        ask_keep(self, stage, count);
    else
        demand_call(self, stage, count);
}

void demand_forward(struct proc *self, struct stage *stage)
{
    uint64_t *asks = stage->asks;
    size_t count = stage->ask_count;
    stage->accumulate = false;
    stage->asks = NULL;
    stage->ask_count = 0;
    for (size_t i = 0; i < count; i++)
        demand_call(self, stage, asks[i]);
    heap_release(&self->heap, asks);
}
