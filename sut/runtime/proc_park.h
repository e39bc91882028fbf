/* proc_park.h: proc_park(), inline, for receiving (fiber_switch.h says why). */
#ifndef SUT_PROC_PARK_H
#define SUT_PROC_PARK_H

#include "sut/runtime/fiber_switch.h"
#include "sut/runtime/proc_internal.h"

static inline bool proc_park_inline(struct proc *self, enum proc_state state, int64_t deadline)
{
    self->state = state;
    self->timed_out = false;
    if (deadline != WAIT_FOREVER)
        timers_arm(&self->runtime->timers, &self->wait, deadline);
    fiber_yield_inline(self->fiber);
    if (self->wait.slot)
        timers_disarm(&self->runtime->timers, &self->wait);
    return self->timed_out;
}

#endif
