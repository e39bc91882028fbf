/* stage_upstream.c: a stage and its producers: subscribing, asking, and working off what comes. A message of events is kept
 * as it came, and handled in batches; in a producer-consumer it waits until somebody downstream wants something, and the end of
 * its subscription waits behind it (GST-29).
 */
#include "sut/runtime/stage_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <utlist.h>

POINT_ABOUT("stage/demand/ask", "A consumer asks a stage for events.");

enum { MAX_DEFAULT = 1000 };

/* ---- subscriptions ---- */

uint32_t stage_max(const struct stage_subscription *subscription)
{
    return subscription->max_demand ? subscription->max_demand : MAX_DEFAULT;
}

uint32_t stage_min(const struct stage_subscription *subscription)
{
    if (subscription->min_demand == STAGE_MIN_ZERO)
        return 0;
    return subscription->min_demand ? subscription->min_demand : stage_max(subscription) / 2;
}

int subscription_check(const struct stage_subscription *subscription)
{
    bool fine = subscription->cancel <= CANCEL_TEMPORARY &&
                stage_min(subscription) < stage_max(subscription);
    return fine ? 0 : -EINVAL;
}

struct source *source_find(const struct stage *stage, ref_id ref)
{
    struct id_node *node = id_table_find(&stage->source_refs, ref);
    return node ? CONTAINER_OF(node, struct source, by_ref) : NULL;
}

static struct source *source_add(struct proc *self, struct stage *stage, ref_id ref,
                                 const struct stage_subscription *subscription)
{
    struct source *source = heap_alloc(&self->heap, sizeof *source);
    source->from = (struct stage_from){subscription->to, ref};
    source->cancel = subscription->cancel;
    source->max = stage_max(subscription);
    source->min = stage_min(subscription);
    id_table_insert(&stage->source_refs, &source->by_ref, ref);
    DL_APPEND(stage->sources, source);
    stage->source_count++;
    return source;
}

void source_ask(struct proc *self, struct source *source, uint64_t count)
{
    source->pending += count;
    source->open += count;
    TRACE(&self->site, "stage/demand/ask", T_U64("ref", source->from.ref),
          T_U64("consumer", proc_id_of(self)), T_U64("producer", source->from.pid),
          T_U64("count", count));
    stage_say(self, source->from.pid,
              &(struct stage_word){.kind = SAY_ASK, .ref = source->from.ref, .count = count});
}

struct stage_subscribed source_subscribe(struct proc *self, struct stage *stage,
                                         const struct stage_subscription *subscription)
{
    if (stage->spec.type == STAGE_PRODUCER || subscription_check(subscription) != 0)
        return (struct stage_subscribed){.err = -EINVAL};
    ref_id ref = proc_monitor(self, subscription->to);
    struct source *source = source_add(self, stage, ref, subscription);
    struct stage_from from = source->from;
    struct stage_word word = {.kind = SAY_SUBSCRIBE, .ref = ref, .subscription = *subscription};
    word.subscription.max_demand = source->max;
    stage_say(self, subscription->to, &word);
    enum stage_mode mode = STAGE_AUTOMATIC;
    if (stage->spec.ops->subscribe)
        mode = stage->spec.ops->subscribe(self, stage->state, STAGE_UPSTREAM, subscription, from);
    source = source_find(stage, ref);
    if (source) {
        source->mode = mode;
        if (mode == STAGE_AUTOMATIC)
            source_ask(self, source, source->max);
    }
    return (struct stage_subscribed){.from = from};
}

static void source_remove(struct proc *self, struct stage *stage, struct source *source)
{
    proc_demonitor(self, source->from.ref, true);
    id_table_remove(&stage->source_refs, &source->by_ref);
    DL_DELETE(stage->sources, source);
    stage->source_count--;
    heap_release(&self->heap, source);
}

/* As its `cancel` says; whoever subscribes twice where that is not possible has lost nothing (GST-19). */
static void source_gone(struct proc *self, struct stage *stage, ref_id ref,
                        const struct reason *why)
{
    struct source *source = source_find(stage, ref);
    if (!source)
        return;
    struct stage_from from = source->from;
    enum stage_cancel cancel = source->cancel;
    bool twice = why->kind == EXIT_ERROR && strcmp(why->text, "already_subscribed") == 0;
    source_remove(self, stage, source);
    if (stage->spec.ops->cancel)
        stage->spec.ops->cancel(self, stage->state, STAGE_UPSTREAM, *why, from);
    emitted_flush(self, stage);
    if (!twice &&
        (cancel == CANCEL_PERMANENT || (cancel == CANCEL_TRANSIENT && !reason_is_calm(*why))))
        proc_exit(self, *why);
}

/* ---- what came ---- */

static void arrival_add(struct proc *self, struct stage *stage, const struct arrival *arrival)
{
    struct arrival *added = heap_memdup(&self->heap, arrival, sizeof *arrival);
    *stage->arrivals_end = added;
    stage->arrivals_end = &added->next;
}

static void arrival_done(struct proc *self, struct stage *stage)
{
    struct arrival *done = stage->arrivals;
    stage->arrivals = done->next;
    if (!stage->arrivals)
        stage->arrivals_end = &stage->arrivals;
    heap_release(&self->heap, done->envelope);
    heap_release(&self->heap, done->why);
    heap_release(&self->heap, done);
}

static const char *event_read(const char *at, struct stage_event *event)
{
    memcpy(&event->size, at, sizeof event->size);
    event->data = at + 16;
    return at + 16 + (event->size + 15) / 16 * 16;
}

/* After a batch: what of it was asked for is worked off, and at min it is time to ask again (GST-04). */
static void source_handled(struct proc *self, struct source *source, uint64_t count)
{
    source->pending -= count < source->pending ? count : source->pending;
    if (source->mode == STAGE_AUTOMATIC && source->pending <= source->min)
        source_ask(self, source, source->max - source->pending);
}

/* One batch of the first arrival. */
static void batch_handle(struct proc *self, struct stage *stage, struct arrival *arrival)
{
    struct source *source = source_find(stage, arrival->from.ref);
    if (!source) { /* it was cancelled meanwhile */
        arrival->left = 0;
        return;
    }
    uint64_t step = source->mode == STAGE_AUTOMATIC ? source->max - source->min : UINT64_MAX;
    uint64_t count = arrival->left < step ? arrival->left : step;
    uint64_t asked = count < arrival->credit ? count : arrival->credit;
    struct stage_event *events = heap_alloc(&self->heap, count * sizeof *events);
    for (uint64_t i = 0; i < count; i++)
        arrival->at = event_read(arrival->at, &events[i]);
    arrival->left -= count;
    arrival->credit -= asked;
    stage->spec.ops->events(self, stage->state, events, count, arrival->from);
    heap_release(&self->heap, events);
    emitted_flush(self, stage);
    source = source_find(stage, arrival->from.ref);
    if (source && asked > 0)
        source_handled(self, source, asked);
}

static bool is_wanted(const struct stage *stage)
{
    return stage->spec.type == STAGE_CONSUMER || stage_wanted(stage) > 0;
}

void arrivals_take(struct proc *self, struct stage *stage)
{
    if (stage->arriving)
        return; /* further up on the stack it goes on */
    stage->arriving = true;
    while (stage->arrivals && (is_wanted(stage) || !stage->arrivals->envelope)) {
        struct arrival *arrival = stage->arrivals;
        if (arrival->envelope)
            batch_handle(self, stage, arrival);
        else
            source_gone(self, stage, arrival->from.ref, arrival->why);
        if (arrival->left == 0)
            arrival_done(self, stage);
    }
    stage->arriving = false;
}

/* The message is taken out of the hands of the receive that it came by: it lasts until the last event is handled. */
void source_events(struct proc *self, struct stage *stage, const struct message *message)
{
    const struct stage_events *events = message->data;
    struct source *source = source_find(stage, events->ref);
    if (!source) {
        stage_say(self, message->from,
                  &(struct stage_word){.kind = SAY_CANCEL,
                                       .ref = events->ref,
                                       .why = reason_make(EXIT_ERROR, "unknown_subscription")});
        return;
    }
    uint64_t credit = events->count < source->open ? events->count : source->open;
    source->open -= credit;
    if (credit < events->count)
        env_log(stage->runtime->env, LOG_WARN,
                "%s: %" PRIu64 " events more than were asked for, from process %" PRIu64,
                self->label, events->count - credit, message->from);
    arrival_add(self, stage,
                &(struct arrival){.from = source->from,
                                  .envelope = self->received,
                                  .at = events->bytes,
                                  .left = events->count,
                                  .credit = credit});
    self->received = NULL;
    arrivals_take(self, stage);
}

void source_end(struct proc *self, struct stage *stage, ref_id ref, struct reason why)
{
    struct source *source = source_find(stage, ref);
    if (!source)
        return;
    struct reason *kept = reason_copy(&self->heap, &why);
    arrival_add(self, stage, &(struct arrival){.from = source->from, .why = kept});
    arrivals_take(self, stage);
}
