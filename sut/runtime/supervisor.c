/* supervisor.c: the process that keeps others running: how it comes to be, what it waits for, how it is stopped.
 *
 *     starting --every child answered--> waiting
 *     starting --a child failed--> stops those before it, exits {shutdown, ...}
 *     waiting --a child ended, another try is due, a call--> waiting (and blocked meanwhile: SUP-18)
 *     waiting --too many restarts, or significant children ended--> stops all, exits shutdown
 *     waiting --the exit of its parent, or told to stop--> stops all, exits with that reason
 *
 * What a supervisor knows dies with it: children of a killed supervisor get its exit signal by their links. */
#include "sut/runtime/supervisor_internal.h"

#include <errno.h>

POINT_ABOUT("sup/supervisor/start", "A supervisor begins to start its children.");
POINT_ABOUT("sup/supervisor/up", "A supervisor has started its children, and waits.");
POINT_ABOUT("sup/supervisor/stop",
            "A supervisor was told to stop, and begins to stop its children.");

/* ---- the process ---- */

static void start_trace(struct supervisor *sup)
{
    TRACE(proc_site(sup->self), "sup/supervisor/start", T_U64("sup", proc_self(sup->self)),
          T_STR("label", proc_label(sup->self)), T_U64("parent", sup->parent),
          T_STR("strategy", strategy_name(sup->spec.strategy)),
          T_U64("intensity", sup->spec.intensity), T_U64("period_s", sup->spec.period_s),
          T_STR("auto", auto_shutdown_name(sup->spec.auto_shutdown)),
          T_U64("max", sup->spec.max_children));
    for (struct child *child = sup->children; child; child = child->next)
        child_trace_add(sup, child);
    if (sup->partitions)
        partitions_trace(sup);
}

/* By the exit of its parent, or by a call of whomever. */
static _Noreturn void stop_handle(struct supervisor *sup, struct reason reason, proc_id from,
                                  bool call)
{
    (void)from, (void)call; /* without points */
    TRACE(proc_site(sup->self), "sup/supervisor/stop", T_U64("sup", proc_self(sup->self)),
          T_STR("label", proc_label(sup->self)),
          T_STR("reason", reason_text(reason, (char[REASON_WORDS]){0})), T_U64("from", from),
          T_U64("call", call));
    supervisor_end(sup, reason);
}

/* Exits of strangers, and old ones of children that are no longer, mean nothing (RST-20). */
static void exit_handle(struct supervisor *sup, const struct exit_message *exit)
{
    if (exit->who == sup->parent)
        stop_handle(sup, exit->reason, exit->who, false);
    struct child *child = children_by_pid(sup, exit->who);
    if (child && child->state == CHILD_UP)
        child_ended(sup, child, &exit->reason);
}

void supervisor_main(struct proc *self, void *arg)
{
    struct supervisor *sup = arg;
    if (sup->spec.name && proc_register(self, sup->spec.name) != 0)
        proc_failed(self, started_taken(self, sup->spec.name,
                                        runtime_whereis(self->runtime, sup->spec.name))
                              .why);
    start_trace(sup);
    children_start(sup);
    TRACE(proc_site(self), "sup/supervisor/up", T_U64("sup", proc_self(self)));
    proc_started(self);
    for (;;) {
        const struct message *message = proc_receive(self, WAIT_FOREVER);
        if (message->tag == MSG_EXIT)
            exit_handle(sup, message->data);
        else if (message->tag == MSG_SUPERVISOR_RETRY)
            child_retry(sup, message);
        else if (message->tag == MSG_SUPERVISOR_CALL)
            request_serve(sup, message);
        else if (message->tag == MSG_SUPERVISOR_STOP)
            stop_handle(sup, *(const struct reason *)message->data, message->from, true);
    }
}

/* ---- how it comes to be ---- */

static struct partitions *partitions_new(struct heap *heap, size_t count)
{
    struct partitions *partitions = heap_alloc(heap, sizeof *partitions);
    partitions->pids = heap_alloc(heap, count * sizeof *partitions->pids);
    partitions->count = partitions->open = count;
    return partitions;
}

/* In the heap of its process, which has not run yet. */
static void supervisor_prepare(struct proc *proc, const struct supervisor_spec *spec,
                               proc_id parent, size_t partitions)
{
    struct heap *heap = proc_heap(proc);
    struct supervisor *sup = heap_alloc(heap, sizeof *sup);
    sup->self = proc;
    sup->heap = heap;
    sup->parent = parent;
    sup->spec = supervisor_options_copy(heap, spec);
    id_table_init(&sup->by_pid, heap);
    id_table_init(&sup->by_id, heap);
    if (spec->strategy == SIMPLE_ONE_FOR_ONE)
        sup->template = child_spec_copy(heap, &spec->children[0]);
    else
        for (size_t i = 0; i < spec->child_count; ++i)
            children_add(sup, child_new(heap, &spec->children[i]));
    if (partitions > 0)
        sup->partitions = partitions_new(heap, partitions);
    proc->arg = sup;
}

proc_id supervisor_start(struct runtime *runtime, proc_id parent,
                         const struct supervisor_spec *spec, const struct error **ret_error)
{
    const struct error *error = supervisor_spec_error(runtime_env(runtime)->heap, spec);
    proc_id id = 0;
    if (!error)
        id = proc_spawn(runtime, &(struct proc_spec){.label = spec->label,
                                                     .main = supervisor_main,
                                                     .link = parent,
                                                     .trap_exit = true});
    if (!id) {
        error_hand_over(runtime_env(runtime)->heap, error ? error : &error_no_room, ret_error);
        return 0;
    }
    /* It traps exits and has not run yet: it is alive. */
    supervisor_prepare(runtime_find(runtime, id), spec, parent, 0);
    return id;
}

struct birth {
    const struct supervisor_spec *spec;
    proc_id parent;
    size_t partitions;
};

static void birth_prepare(struct proc *proc, const void *ctx)
{
    const struct birth *birth = ctx;
    supervisor_prepare(proc, birth->spec, birth->parent, birth->partitions);
}

struct started supervisor_start_checked(struct proc *self, const struct supervisor_spec *spec,
                                        size_t partitions)
{
    return start_prepared(
        self, &(struct proc_spec){.label = spec->label, .main = supervisor_main, .trap_exit = true},
        proc_self(self), WAIT_FOREVER, birth_prepare,
        &(struct birth){.spec = spec, .parent = proc_self(self), .partitions = partitions});
}

struct started supervisor_start_under(struct proc *self, const struct supervisor_spec *spec,
                                      size_t partitions)
{
    const struct error *error = supervisor_spec_error(proc_heap(self), spec);
    if (error)
        return started_error(reason_of_error(error));
    return supervisor_start_checked(self, spec, partitions);
}

struct started supervisor_start_link(struct proc *self, const struct supervisor_spec *spec)
{
    return supervisor_start_under(self, spec, 0);
}

/* ---- how it is stopped ---- */

static bool is_down(const struct message *message, void *ctx)
{
    return message->tag == MSG_DOWN && message->ref == *(const ref_id *)ctx;
}

int supervisor_stop_with(struct proc *self, proc_id supervisor, struct reason why)
{
    int err;
    struct proc *target = supervisor_find(proc_runtime(self), supervisor, &err);
    if (!target)
        return err;
    if (target == self)
        return -EDEADLK;
    proc_unlink(self, supervisor); /* its exit is wanted: no signal for the caller */
    struct envelope **mark = self->last;
    ref_id monitor = proc_monitor(self, supervisor);
    proc_post_reason(
        target,
        &(struct message){
            .tag = MSG_SUPERVISOR_STOP, .from = proc_self(self), .size = sizeof why, .data = &why},
        0);
    struct envelope *down = mailbox_wait(self, mark, is_down, &monitor, WAIT_FOREVER);
    struct reason end = ((const struct exit_message *)down->message.data)->reason;
    heap_release(proc_heap(self), down);
    return reason_equal(&end, &why) ? 0 : -EPIPE;
}

void supervisor_stop(struct proc *self, proc_id supervisor)
{
    supervisor_stop_with(self, supervisor, (struct reason){.kind = EXIT_SHUTDOWN});
}
