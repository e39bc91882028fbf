/* stager.c: makes due jobs available and rescues jobs whose lease ran out, every poll, or when
 * something is known to fall due. Every node does it: the store makes it harmless. It remembers
 * nothing that matters; if it dies, the next one looks after one poll. */
#include "sut/jobs/internal.h"

#define RESTS_PER_POLL 100 /* how short the pause between two looks may be */

/* True when the call was answered. */
static bool stager_call(struct proc *self, struct jobs *jobs, enum store_op op, size_t *changed,
                        int64_t *next_ms)
{
    struct store_request request = {.op = op};
    struct store_call *call;
    if (store_call(self, jobs->store, &request, &call) != 0)
        return false;
    *changed += call->reply.changed;
    *next_ms = call->reply.next_ms;
    store_call_free(call);
    return true;
}

/* What is still overdue once the due jobs have been staged is a lease: without one there is nothing
 * to rescue. */
static void stager_look(struct proc *self, struct jobs *jobs)
{
    size_t changed = 0;
    int64_t next_ms = 0;
    jobs->due_ns = INT64_MAX;
    if (!stager_call(self, jobs, STORE_STAGE, &changed, &next_ms) || next_ms == 0)
        stager_call(self, jobs, STORE_RESCUE, &changed, &next_ms);
    if (next_ms >= 0)
        stager_hint(jobs, proc_now(self) + next_ms * NS_PER_MS);
    if (changed)
        jobs_poke(jobs);
}

void stager_hint(struct jobs *jobs, int64_t due_ns)
{
    if (due_ns >= jobs->due_ns)
        return;
    jobs->due_ns = due_ns;
    if (jobs->stager)
        proc_send(jobs->runtime, 0, jobs->stager, MSG_POKE, NULL, 0);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* The rest spreads the nodes that know of the same due time, and keeps a clock that disagrees from
 * spinning. */
void stager_main(struct proc *self, void *arg)
{
    struct jobs *jobs = arg;
    jobs->stager = proc_self(self);
    for (;;) {
        int64_t begin = proc_now(self);
        int64_t rest = begin + jobs_jitter(jobs->env, jobs->poll_ns / RESTS_PER_POLL);
        int64_t poll = begin + jobs_jitter(jobs->env, jobs->poll_ns);
        for (int64_t now = begin, until; (until = clamp(jobs->due_ns, rest, poll)) > now;
             now = proc_now(self))
            proc_receive(self, until - now);
        stager_look(self, jobs);
    }
}
