/* stage_supervisor.c: a stage in manual mode that counts its children. Each is watched from its spawn on, by whoever restarts it;
 * so the stage hears of the end of each process, and the reason tells whether another one takes its place.
 */
#include "sut/runtime/stage_supervisor.h"

#include "sut/runtime/id_table.h"
#include "sut/runtime/proc_internal.h"
#include <string.h>

enum { TAG_WATCH = MSG_USER, TAG_COUNT };

/* A subscription, found by its ref. */
struct inflow {
    struct id_node by_ref;
    struct stage_from from;
    uint64_t ended; /* since it was asked for */
    uint32_t min, max;
};

/* A process of a child, found by the ref of its DOWN. */
struct watched {
    struct id_node by_ref;
    ref_id inflow;
};

struct nursery {
    struct stage_supervisor_spec spec;
    proc_id supervisor;
    struct id_table inflows, watched;
    uint64_t children;
};

/* What the supervisor keeps of a child: the event follows. */
struct child {
    proc_main *main;
    proc_id stage;
    ref_id inflow;
    const char *label;
    size_t size;
    _Alignas(16) char event[];
};

struct watch {
    ref_id down, inflow;
};

static struct server_next nursery_init(struct proc *self, void *state, const void *arg)
{
    struct nursery *nursery = state;
    nursery->spec = *(const struct stage_supervisor_spec *)arg;
    id_table_init(&nursery->inflows, &self->heap);
    id_table_init(&nursery->watched, &self->heap);
    struct started started =
        supervisor_start_link(self, &(struct supervisor_spec){.label = nursery->spec.label,
                                                              .strategy = DYNAMIC,
                                                              .intensity = nursery->spec.intensity,
                                                              .period_s = nursery->spec.period_s});
    if (started.how != STARTED_OK)
        return server_end(self, started.why);
    nursery->supervisor = started.pid;
    return server_go();
}

/* ---- demand ---- */

static enum stage_mode nursery_subscribe(struct proc *self, void *state, enum stage_side side,
                                         const struct stage_subscription *subscription,
                                         struct stage_from from)
{
    struct nursery *nursery = state;
    struct inflow *inflow = proc_alloc(self, sizeof *inflow);
    (void)side;
    inflow->from = from;
    inflow->max = stage_max(subscription);
    inflow->min = stage_min(subscription);
    id_table_insert(&nursery->inflows, &inflow->by_ref, from.ref);
    stage_ask(self, from, inflow->max);
    return STAGE_MANUAL;
}

static struct inflow *inflow_find(const struct nursery *nursery, ref_id ref)
{
    struct id_node *node = id_table_find(&nursery->inflows, ref);
    return node ? CONTAINER_OF(node, struct inflow, by_ref) : NULL;
}

static void child_ended(struct proc *self, struct nursery *nursery, ref_id ref)
{
    struct inflow *inflow = inflow_find(nursery, ref);
    nursery->children--;
    if (!inflow || ++inflow->ended < inflow->min)
        return;
    uint64_t count = inflow->ended;
    inflow->ended = 0;
    stage_ask(self, inflow->from, count);
}

static void nursery_cancel(struct proc *self, void *state, enum stage_side side, struct reason why,
                           struct stage_from from)
{
    struct nursery *nursery = state;
    struct inflow *inflow = inflow_find(nursery, from.ref);
    (void)side, (void)why;
    if (!inflow)
        return;
    id_table_remove(&nursery->inflows, &inflow->by_ref);
    heap_release(&self->heap, inflow);
}

/* ---- children ---- */

/* Runs in the supervisor. The stage gets to know of the process before it can end. */
static struct started child_start_one(struct proc *supervisor, const void *arg)
{
    const struct child *child = arg;
    struct watch watch = {.inflow = child->inflow};
    struct proc *stage = runtime_find(supervisor->runtime, child->stage);
    struct proc_spec spec = {.label = child->label,
                             .main = child->main,
                             .arg = child->size > 0 ? child->event : NULL,
                             .arg_size = child->size,
                             .link = proc_id_of(supervisor),
                             .monitor = child->stage,
                             .ret_monitor = &watch.down};
    proc_id pid = proc_spawn(supervisor->runtime, &spec);
    if (!pid || !stage)
        return started_error(reason_of_error(&error_no_room));
    proc_post(stage, &(struct message){.tag = TAG_WATCH,
                                       .from = proc_id_of(supervisor),
                                       .size = sizeof watch,
                                       .data = &watch});
    return started_ok(pid);
}

static void child_begin(struct proc *self, struct nursery *nursery, const struct stage_event *event,
                        ref_id inflow)
{
    struct child *child = proc_alloc(self, sizeof *child + event->size);
    *child = (struct child){nursery->spec.main, proc_id_of(self), inflow, nursery->spec.label,
                            event->size};
    memcpy(child->event, event->data, event->size);
    struct child_answer answer =
        supervisor_start_child(self, nursery->supervisor,
                               &(struct child_spec){.id = nursery->spec.label,
                                                    .start = child_start_one,
                                                    .arg = child,
                                                    .arg_size = sizeof *child + event->size,
                                                    .restart = nursery->spec.restart,
                                                    .shutdown_ns = nursery->spec.shutdown_ns});
    heap_release(&self->heap, child);
    nursery->children++;
    if (answer.err || answer.started.how != STARTED_OK)
        child_ended(self, nursery, inflow);
}

static void nursery_events(struct proc *self, void *state, const struct stage_event *events,
                           size_t count, struct stage_from from)
{
    for (size_t i = 0; i < count; i++)
        child_begin(self, state, &events[i], from.ref);
}

static void down_heard(struct proc *self, struct nursery *nursery, const struct message *message)
{
    struct id_node *node = id_table_find(&nursery->watched, message->ref);
    if (!node)
        return;
    struct watched *watched = CONTAINER_OF(node, struct watched, by_ref);
    ref_id inflow = watched->inflow;
    bool calm = reason_is_calm(((const struct exit_message *)message->data)->reason);
    id_table_remove(&nursery->watched, node);
    heap_release(&self->heap, watched);
    if (calm || nursery->spec.restart == RESTART_TEMPORARY)
        child_ended(self, nursery, inflow);
}

static struct server_next nursery_info(struct proc *self, void *state,
                                       const struct message *message)
{
    struct nursery *nursery = state;
    if (message->tag == TAG_WATCH) {
        const struct watch *watch = message->data;
        struct watched *watched = proc_alloc(self, sizeof *watched);
        watched->inflow = watch->inflow;
        id_table_insert(&nursery->watched, &watched->by_ref, watch->down);
    } else if (message->tag == MSG_DOWN) {
        down_heard(self, nursery, message);
    }
    return server_go();
}

static struct server_next nursery_call(struct proc *self, void *state,
                                       const struct message *request)
{
    const struct nursery *nursery = state;
    (void)request;
    server_reply(self, &nursery->children, sizeof nursery->children);
    return server_go();
}

static const struct stage_ops nursery_ops = {.init = nursery_init,
                                             .events = nursery_events,
                                             .subscribe = nursery_subscribe,
                                             .cancel = nursery_cancel,
                                             .call = nursery_call,
                                             .info = nursery_info};

/* ---- from outside ---- */

static struct started nursery_begin(struct proc *self, const struct stage_supervisor_spec *spec,
                                    bool link)
{
    if (spec->restart == RESTART_PERMANENT)
        return started_error(reason_make(EXIT_ERROR, "a permanent child would never end"));
    struct stage_supervisor_spec copy = *spec;
    if (!copy.label)
        copy.label = "child";
    struct stage_spec stage = {.label = copy.label,
                               .type = STAGE_CONSUMER,
                               .ops = &nursery_ops,
                               .state_size = sizeof(struct nursery),
                               .arg = &copy,
                               .arg_size = sizeof copy,
                               .subscriptions = spec->subscriptions,
                               .subscription_count = spec->subscription_count};
    return link ? stage_start_link(self, &stage) : stage_start(self, &stage);
}

struct started stage_supervisor_start_link(struct proc *self,
                                           const struct stage_supervisor_spec *spec)
{
    return nursery_begin(self, spec, true);
}

struct started stage_supervisor_start(struct proc *self, const struct stage_supervisor_spec *spec)
{
    return nursery_begin(self, spec, false);
}

int64_t stage_supervisor_count(struct proc *self, proc_id stage, int64_t timeout_ns)
{
    const struct message *reply = NULL;
    int err = server_call(self, stage, TAG_COUNT, NULL, 0, timeout_ns, &reply, NULL);
    return err ? err : *(const int64_t *)reply->data;
}
