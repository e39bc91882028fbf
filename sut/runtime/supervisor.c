/* supervisor.c: a process that keeps others running, one for one. Its children's life:
 *
 *     DOWN --start--> UP --ends, to be restarted, window not full--> start again
 *     UP --ends, not to be restarted--> DOWN (a temporary one never comes back, nor a transient
 * calm one) UP --ends, window full--> all the others are stopped, the supervisor exits `shutdown`
 *     start fails --> it counts as a restart and is tried again after the messages that wait
 * (RST-14)
 *
 * What a supervisor knows dies with it: children of a killed supervisor get its exit signal by
 * their links. */
#include "sut/runtime/supervisor.h"

#include "sut/runtime/proc_internal.h"
#include <string.h>

POINT_ABOUT("sup/child/start",
            "A supervisor is about to start a child, for the first time or again.");
POINT_ABOUT("sup/child/restart",
            "A child that ended is to be restarted, and the window allows it.");
POINT_ABOUT("sup/supervisor/giveup",
            "Too many restarts in the window: the supervisor stops everything.");
POINT_ABOUT("sup/supervisor/stop",
            "A supervisor was told to stop, and begins to stop its children.");

#define SHUTDOWN_DEFAULT (5 * NS_PER_S)

struct child {
    struct child_spec spec;
    proc_id pid; /* 0: down */
};

struct supervisor {
    proc_id parent;
    unsigned intensity;
    unsigned period_s;
    struct child *children;
    size_t child_count;
    int64_t *restarts; /* the seconds of the restarts in the window, oldest first */
    size_t restart_count;
};

/* ---- the specification ---- */

static const char *child_spec_wrong(const struct child_spec *spec)
{
    if (!spec->id)
        return "a child has no id";
    if (!spec->main)
        return "a child has no main";
    if (spec->restart > RESTART_TEMPORARY)
        return "a child has an unknown restart type";
    if (spec->shutdown_ns < 0 && spec->shutdown_ns != SHUTDOWN_BRUTAL)
        return "a child has a negative shutdown time";
    return NULL;
}

static const char *supervisor_spec_wrong(const struct supervisor_spec *spec)
{
    if (spec->period_s == 0)
        return "the period must be at least one second";
    for (size_t i = 0; i < spec->child_count; ++i) {
        const char *wrong = child_spec_wrong(&spec->children[i]);
        if (wrong)
            return wrong;
        for (size_t j = 0; j < i; ++j)
            if (strcmp(spec->children[i].id, spec->children[j].id) == 0)
                return "two children have the same id";
    }
    return NULL;
}

static struct child child_copy(struct heap *heap, const struct child_spec *spec)
{
    struct child child = {.spec = *spec};
    child.spec.id = heap_strdup(heap, spec->id);
    if (spec->arg_size > 0)
        child.spec.arg = heap_memdup(heap, spec->arg, spec->arg_size);
    if (spec->shutdown_ns == 0)
        child.spec.shutdown_ns = SHUTDOWN_DEFAULT;
    return child;
}

static struct supervisor *supervisor_copy(struct heap *heap, const struct supervisor_spec *spec)
{
    struct supervisor *sup = heap_alloc(heap, sizeof *sup);
    sup->intensity = spec->intensity;
    sup->period_s = spec->period_s;
    sup->child_count = spec->child_count;
    sup->children = heap_alloc(heap, spec->child_count * sizeof *sup->children);
    for (size_t i = 0; i < spec->child_count; ++i)
        sup->children[i] = child_copy(heap, &spec->children[i]);
    return sup;
}

/* ---- stopping (SHUT) ---- */

static bool is_down(const struct message *message, void *ctx)
{
    return message->tag == MSG_DOWN && message->ref == *(const ref_id *)ctx;
}

/* Waits for a DOWN, not for the exit message: a child that unlinked itself sends none (SHUT-05). */
static void child_stop(struct proc *self, struct child *child)
{
    struct runtime *runtime = proc_runtime(self);
    proc_id me = proc_self(self), pid = child->pid;
    int64_t patience = child->spec.shutdown_ns;
    child->pid = 0;
    ref_id monitor = proc_monitor(self, pid);
    if (patience != SHUTDOWN_BRUTAL) {
        proc_signal(runtime, me, pid, (struct reason){.kind = EXIT_SHUTDOWN});
        if (proc_receive_match(self, is_down, &monitor, patience))
            return;
    }
    proc_signal(runtime, me, pid, (struct reason){.kind = EXIT_KILL});
    proc_receive_match(self, is_down, &monitor, WAIT_FOREVER);
}

static _Noreturn void supervisor_end(struct proc *self, struct supervisor *sup,
                                     struct reason reason)
{
    for (size_t i = sup->child_count; i-- > 0;)
        if (sup->children[i].pid)
            child_stop(self, &sup->children[i]);
    proc_exit(self, reason);
}

/* ---- starting and restarting (SUP, RST, INT) ---- */

static bool child_start(struct proc *self, struct child *child)
{
    const struct child_spec *spec = &child->spec;
    if (FAULT(proc_site(self), "sup/child/start", CAN_DIE, T_STR("child", spec->id),
              T_U64("sup", proc_self(self))) != 0)
        return false;
    child->pid = proc_spawn(proc_runtime(self), &(struct proc_spec){.label = spec->id,
                                                                    .main = spec->main,
                                                                    .arg = spec->arg,
                                                                    .arg_size = spec->arg_size,
                                                                    .link = proc_self(self)});
    return child->pid != 0;
}

/* Records a restart now; the number within the window, closed at both ends in whole seconds
 * (INT-02, INT-05). */
static size_t restart_record(struct proc *self, struct supervisor *sup)
{
    int64_t now = proc_now(self) / NS_PER_S;
    size_t old = 0;
    while (old < sup->restart_count && sup->restarts[old] < now - (int64_t)sup->period_s)
        ++old;
    sup->restart_count -= old;
    if (old > 0)
        memmove(sup->restarts, sup->restarts + old, sup->restart_count * sizeof *sup->restarts);
    sup->restarts = heap_realloc(proc_heap(self), sup->restarts,
                                 (sup->restart_count + 1) * sizeof *sup->restarts);
    sup->restarts[sup->restart_count++] = now;
    return sup->restart_count;
}

static void child_restart(struct proc *self, struct supervisor *sup, struct child *child)
{
    size_t restarts = restart_record(self, sup);
    if (restarts > sup->intensity) {
        TRACE(proc_site(self), "sup/supervisor/giveup", T_U64("sup", proc_self(self)),
              T_STR("label", proc_label(self)), T_U64("intensity", sup->intensity),
              T_U64("period_s", sup->period_s));
        supervisor_end(self, sup, (struct reason){.kind = EXIT_SHUTDOWN});
    }
    TRACE(proc_site(self), "sup/child/restart", T_STR("child", child->spec.id),
          T_U64("sup", proc_self(self)), T_U64("restarts", restarts));
    size_t index = (size_t)(child - sup->children);
    if (!child_start(self, child))
        proc_post(self, &(struct message){
                            .tag = MSG_SUPERVISOR_RETRY, .size = sizeof index, .data = &index});
}

static void child_ended(struct proc *self, struct supervisor *sup, struct child *child,
                        struct reason reason)
{
    enum restart_type restart = child->spec.restart;
    child->pid = 0;
    if (restart == RESTART_PERMANENT || (restart == RESTART_TRANSIENT && !reason_is_calm(reason)))
        child_restart(self, sup, child);
}

static void children_start(struct proc *self, struct supervisor *sup)
{
    for (size_t i = 0; i < sup->child_count; ++i)
        if (!child_start(self, &sup->children[i]))
            supervisor_end(
                self, sup,
                reason_make(EXIT_SHUTDOWN, "failed to start child %s", sup->children[i].spec.id));
}

/* ---- the process ---- */

static _Noreturn void stop_handle(struct proc *self, struct supervisor *sup, struct reason reason)
{
    TRACE(proc_site(self), "sup/supervisor/stop", T_U64("sup", proc_self(self)),
          T_STR("label", proc_label(self)));
    supervisor_end(self, sup, reason);
}

static void exit_handle(struct proc *self, struct supervisor *sup, struct exit_message exit)
{
    if (exit.who == sup->parent)
        stop_handle(self, sup, exit.reason);
    for (size_t i = 0; exit.who && i < sup->child_count; ++i)
        if (sup->children[i].pid == exit.who) {
            child_ended(self, sup, &sup->children[i], exit.reason);
            return;
        }
}

static void child_query(struct proc *self, const struct supervisor *sup,
                        const struct message *message)
{
    proc_id pid = 0;
    for (size_t i = 0; i < sup->child_count; ++i)
        if (strcmp(sup->children[i].spec.id, message->data) == 0)
            pid = sup->children[i].pid;
    proc_reply(self, message->from, message->ref, &pid, sizeof pid);
}

static void supervisor_main(struct proc *self, void *arg)
{
    struct supervisor *sup = arg;
    children_start(self, sup);
    for (;;) {
        const struct message *message = proc_receive(self, WAIT_FOREVER);
        if (message->tag == MSG_EXIT)
            exit_handle(self, sup, *(const struct exit_message *)message->data);
        else if (message->tag == MSG_SUPERVISOR_RETRY)
            child_restart(self, sup, &sup->children[*(const size_t *)message->data]);
        else if (message->tag == MSG_SUPERVISOR_CHILD)
            child_query(self, sup, message);
        else if (message->tag == MSG_SUPERVISOR_STOP)
            stop_handle(self, sup, (struct reason){.kind = EXIT_SHUTDOWN});
    }
}

/* ---- from outside ---- */

proc_id supervisor_start(struct runtime *runtime, proc_id parent,
                         const struct supervisor_spec *spec, const char **ret_why)
{
    const char *why = supervisor_spec_wrong(spec);
    proc_id id = 0;
    if (!why) {
        id = proc_spawn(runtime, &(struct proc_spec){.label = spec->label,
                                                     .main = supervisor_main,
                                                     .link = parent,
                                                     .trap_exit = true});
        if (!id)
            why = "too many processes";
    }
    if (!id) {
        if (ret_why)
            *ret_why = why;
        return 0;
    }
    struct proc *proc =
        runtime_find(runtime, id); /* it traps exits and has not run yet: it is alive */
    struct supervisor *sup = supervisor_copy(proc_heap(proc), spec);
    sup->parent = parent;
    proc->arg = sup;
    return id;
}

proc_id supervisor_child(struct proc *self, proc_id supervisor, const char *id)
{
    const struct message *reply;
    int err =
        proc_call(self, supervisor, MSG_SUPERVISOR_CHILD, id, strlen(id) + 1, WAIT_FOREVER, &reply);
    return err ? 0 : *(const proc_id *)reply->data;
}

void supervisor_stop(struct proc *self, proc_id supervisor)
{
    proc_unlink(self, supervisor); /* its exit is wanted: no signal for the caller */
    ref_id monitor = proc_monitor(self, supervisor);
    struct message stop = {.tag = MSG_SUPERVISOR_STOP, .from = proc_self(self)};
    struct proc *proc = runtime_find(proc_runtime(self), supervisor);
    if (proc)
        proc_post(proc, &stop);
    proc_receive_match(self, is_down, &monitor, WAIT_FOREVER);
}
