/* proc_wait.c: the run queue, and how a process gives up the processor. Waiting arms the process's
 * one wait timer, and coming back disarms it, so that nothing of a wait survives it. */
#include "sut/runtime/proc_park.h"

#include <utlist.h>

void proc_ready(struct proc *proc)
{
    struct runtime *runtime = proc->runtime;
    proc->state = PROC_READY;
    DL_APPEND(runtime->ready, proc);
    ++runtime->ready_count;
    if (runtime->wake && !runtime->running && runtime->ready_count == 1)
        runtime->wake(runtime->wake_ctx);
}

void proc_unready(struct proc *proc)
{
    DL_DELETE(proc->runtime->ready, proc);
    --proc->runtime->ready_count;
}

int64_t proc_deadline(struct proc *self, int64_t ns)
{
    if (ns == WAIT_FOREVER)
        return WAIT_FOREVER;
    int64_t now = proc_now(self);
    if (ns <= 0)
        return now;
    return ns > WAIT_FOREVER - now ? WAIT_FOREVER : now + ns;
}

void wait_fire(struct timer *timer)
{
    struct proc *proc = CONTAINER_OF(timer, struct proc, wait);
    if (proc->state == PROC_READY)
        return; /* what it waits for came first */
    proc->timed_out = true;
    proc_ready(proc);
}

bool proc_park(struct proc *self, enum proc_state state, int64_t deadline)
{
    return proc_park_inline(self, state, deadline);
}

void proc_yield(struct proc *self)
{
    proc_ready(self);
    fiber_yield(self->fiber);
}

void proc_sleep(struct proc *self, int64_t ns)
{
    proc_park(self, PROC_SLEEPING, proc_deadline(self, ns));
}

void proc_stall(struct proc *self, int64_t ns)
{
    proc_park(self, PROC_STALLED, proc_deadline(self, ns));
    if (self->doomed)
        proc_die(self, self->reason);
}
