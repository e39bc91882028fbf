/* proc_turn.c: processes that wait without a stack, and functions whose exit is caught.
 *
 * A parked process is one whose main has become a turn: a function that is called for each message and returns how long
 * to wait for the next one. Between messages it owns no stack; for as many messages as wait when its turn comes it
 * gets one from the pool. A turn that blocks keeps it meanwhile.
 *
 *     PARKED (RECEIVING, no fiber) --message, deadline--> READY --> RUNNING turn --mailbox empty--> PARKED
 *                                                                   RUNNING --blocks--> as any other process
 */
#include "sut/runtime/proc_internal.h"

#include <assert.h>
#include <setjmp.h>

/* ---- turns ---- */

/* Gives the stack back: it is called when nothing on it is needed any more. */
static _Noreturn void turns_pause(struct proc *self, int64_t timeout_ns)
{
    self->timed_out = false;
    if (self->first || timeout_ns <= 0) {
        self->timed_out = !self->first;
        proc_ready(self);
    } else {
        self->state = PROC_RECEIVING;
        if (timeout_ns != WAIT_FOREVER)
            timers_arm(&self->runtime->timers, &self->wait, proc_deadline(self, timeout_ns));
    }
    fiber_leave(self->fiber);
}

/* As many messages as there are now: what comes meanwhile waits for the next turn, so that nobody starves. A time that
 * is up counts only when no message came (GS-13). */
_Noreturn void turns_run(struct proc *self)
{
    int64_t timeout_ns = WAIT_FOREVER;
    timers_disarm(&self->runtime->timers, &self->wait);
    assert(self->first || self->timed_out);
    if (!self->first)
        timeout_ns = self->turn(self, self->arg, NULL);
    else
        for (size_t turns = self->mail_count; turns > 0 && self->first; --turns)
            timeout_ns = self->turn(self, self->arg, proc_receive(self, 0));
    received_drop(self);
    turns_pause(self, timeout_ns);
}

_Noreturn void proc_become(struct proc *self, proc_turn *turn, void *arg, int64_t timeout_ns)
{
    assert(self == self->runtime->current && !self->trying);
    self->turn = turn;
    self->arg = arg;
    received_drop(self);
    turns_pause(self, timeout_ns);
}

/* ---- exits that are caught ---- */

struct trying {
    jmp_buf at;
    struct trying *outer;
    struct reason *why;
};

bool proc_try(struct proc *self, proc_main *function, void *arg, struct reason *ret_why)
{
    struct trying trying = {.outer = self->trying, .why = ret_why};
    /* cppcheck-suppress autoVariables ; it is taken back before this returns */
    self->trying = &trying;
    if (setjmp(trying.at) != 0)
        return false; /* exit_catch() has taken it back */
    function(self, arg);
    self->trying = trying.outer;
    return true;
}

void exit_catch(struct proc *self, const struct reason *reason)
{
    struct trying *trying = self->trying;
    if (!trying)
        return;
    self->trying = trying->outer;
    if (trying->why) {
        *trying->why = *reason;
        reason_own(&self->heap, trying->why);
    }
    longjmp(trying->at, 1);
}
