/* proc_end.c: exit signals and the end of a process. Who dies is DEAD at once: not found by its id,
 * out of the run queue, without a name. Then, in the order of deaths, each one's links get an exit
 * signal and its watchers a DOWN, which may bring more deaths: a queue, not recursion. Its memory
 * goes last, and its stack is dropped as it is; work under way stays with the environment until it
 * is done. */
#include "sut/runtime/proc_internal.h"

#include <assert.h>
#include <utlist.h>

POINT_ABOUT("proc/process/exit", "A process ended; its links and monitors are about to be told.");
POINT_ABOUT("proc/signal/exit",
            "An exit signal arrived: it is a message, does nothing, or ends its receiver.");

void proc_attach(struct proc *proc, struct attachment *attachment)
{
    DL_APPEND(proc->attachments, attachment);
}

void proc_detach(struct proc *proc, struct attachment *attachment)
{
    DL_DELETE(proc->attachments, attachment);
}

static void attachments_release(struct proc *proc, bool died)
{
    while (proc->attachments) {
        struct attachment *first = proc->attachments;
        proc_detach(proc, first);
        first->release(first, proc, died);
    }
}

/* What an exit signal does to its receiver (SIG-05 .. SIG-14). */
enum effect { EFFECT_MESSAGE, EFFECT_NOTHING, EFFECT_END };

static const char *const effect_words[] __attribute__((unused)) = {"message", "nothing", "end"};

static enum effect exit_effect(const struct proc *to, proc_id from, const struct reason *reason,
                               bool by_link)
{
    if (reason->kind == EXIT_KILL && !by_link)
        return EFFECT_END;
    if (to->trap_exit)
        return EFFECT_MESSAGE;
    bool own = from == proc_id_of(to) && !by_link;
    return reason->kind == EXIT_NORMAL && !own ? EFFECT_NOTHING : EFFECT_END;
}

/* At once, or when a stalled one runs again; of several signals the first one counts (SIG-26). */
static void exit_end(struct proc *to, const struct reason *reason)
{
    if (to->doomed)
        return;
    if (to->state != PROC_STALLED) {
        proc_end(to, reason);
        return;
    }
    to->doomed = true;
    to->reason = reason_keep(&to->heap, reason);
}

void exit_deliver(struct proc *to, proc_id from, const struct reason *reason, bool by_link)
{
    static const struct reason killed = {.kind = EXIT_KILLED};
    if (to->state == PROC_DEAD)
        return;
    enum effect effect = exit_effect(to, from, reason, by_link);
    TRACE_SIGNAL(to, "proc/signal/exit", T_U64("to", proc_id_of(to)), T_U64("from", from),
                 T_U64("link", by_link), T_STR("effect", effect_words[effect]),
                 T_STR("reason", reason_text(*reason, (char[REASON_WORDS]){0})));
    if (effect == EFFECT_MESSAGE) {
        struct exit_message exit = {.who = from, .reason = *reason};
        proc_post_reason(
            to,
            &(struct message){.tag = MSG_EXIT, .from = from, .size = sizeof exit, .data = &exit},
            offsetof(struct exit_message, reason));
    } else if (effect == EFFECT_END) {
        exit_end(to, reason->kind == EXIT_KILL && !by_link ? &killed : reason);
    }
}

/* Every link and watcher is detached before its owner is told, so that nothing refers to the dead.
 */
static void proc_mourn(struct proc *dead)
{
    proc_id id = proc_id_of(dead);
    while (dead->links) {
        struct proc *peer = dead->links->twin->proc;
        link_remove(dead->links);
        exit_deliver(peer, id, dead->reason, true);
    }
    while (dead->watchers)
        monitor_fire(dead->watchers, dead->reason);
}

static void proc_bury_all(struct runtime *runtime)
{
    if (runtime->burying)
        return;
    runtime->burying = true;
    while (runtime->dying) {
        struct proc *dead = runtime->dying;
        proc_mourn(dead);
        DL_DELETE(runtime->dying, dead);
        if (dead != runtime->current)
            proc_erase(dead);
    }
    runtime->burying = false;
}

void proc_end(struct proc *proc, const struct reason *reason)
{
    struct runtime *runtime = proc->runtime;
    proc->reason = reason_keep(&proc->heap, reason);
    TRACE(&proc->site, "proc/process/exit", T_U64("pid", proc_id_of(proc)),
          T_STR("label", proc->label),
          T_STR("reason", reason_text(*reason, (char[REASON_WORDS]){0})),
          T_U64("calm", reason_is_calm(*reason)));
    trace_end(proc);
    if (proc->state == PROC_READY)
        proc_unready(proc);
    proc->state = PROC_DEAD;
    timers_disarm(&runtime->timers, &proc->wait);
    id_table_remove(&runtime->procs, &proc->by_id);
    name_release(proc);
    attachments_release(proc, true);
    DL_APPEND(runtime->dying, proc);
    proc_bury_all(runtime);
}

void proc_erase(struct proc *proc)
{
    struct runtime *runtime = proc->runtime;
    if (proc->state != PROC_DEAD) {
        timers_disarm(&runtime->timers, &proc->wait);
        id_table_remove(&runtime->procs, &proc->by_id);
        name_release(proc);
        attachments_release(proc, false);
    }
    while (proc->links)
        link_remove(proc->links);
    while (proc->watchers)
        monitor_remove(proc->watchers);
    while (proc->monitors)
        monitor_remove(proc->monitors);
    lineage_clear(proc);
    alias_clear(proc);
    delayed_clear(proc);
    job_orphan(proc);
    heap_done(&proc->heap);
    if (proc->fiber)
        fiber_free(runtime->fibers, proc->fiber);
    heap_release(runtime->env->heap, proc);
}

/* On whichever stack: when it is the fiber of a process that has just been ended, it goes no
 * further. */
void proc_leave_if_dead(struct runtime *runtime)
{
    struct proc *current = runtime->current;
    if (current && current->state == PROC_DEAD)
        fiber_leave(current->fiber);
}

_Noreturn void proc_exit(struct proc *self, struct reason reason)
{
    assert(self == self->runtime->current);
    exit_catch(self, &reason);
    crash_report(self, &reason);
    proc_die(self, &reason);
}

_Noreturn void proc_die(struct proc *self, const struct reason *reason)
{
    proc_end(self, reason);
    fiber_leave(self->fiber);
}

void proc_signal(struct runtime *runtime, proc_id from, proc_id to, struct reason reason)
{
    struct proc *target = runtime_find(runtime, to);
    struct proc *sender = runtime->traced ? runtime_find(runtime, from) : NULL;
    if (sender)
        trace(sender, TRACED_SIGNAL, to, (uint32_t)reason.kind);
    if (target)
        exit_deliver(target, from, &reason, false);
    proc_leave_if_dead(runtime);
}
