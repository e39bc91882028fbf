/* pruner.c: removes what has ended long enough ago, a bounded number of rows at a time, so that nobody waits for it. Every node may
 * do it: each row is removed once, and there is mostly nothing to remove. It remembers nothing: if it dies, the next round
 * does the rest. */
#include "sut/jobs/internal.h"

/* Between two requests of a round others come first. */
#define PRUNE_REST_NS (10 * NS_PER_MS)

static bool prune_step(struct proc *self, struct jobs *jobs, uint64_t *after_id)
{
    struct store_request request = {.op = STORE_PRUNE, .keep = jobs->keep, .after_id = *after_id};
    struct store_call *call;
    if (store_call(self, jobs->store, &request, &call) != 0)
        return false; /* the next round finds it */
    bool more = call->reply.more;
    *after_id = call->reply.last_id;
    store_call_free(call);
    return more;
}

void pruner_main(struct proc *self, void *arg)
{
    struct jobs *jobs = arg;
    for (;;) {
        proc_sleep(self, jobs_jitter(jobs->env, jobs->prune_ns));
        uint64_t after_id = 0;
        while (!jobs->draining && prune_step(self, jobs, &after_id))
            proc_sleep(self, PRUNE_REST_NS);
    }
}
