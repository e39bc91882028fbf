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

bool pruner_wanted(const struct jobs *jobs)
{
    const struct job_keep *keep = &jobs->keep;
    return keep->completed_ms > 0 || keep->cancelled_ms > 0 || keep->discarded_ms > 0;
}

static void pruner_main(struct proc *self, void *arg)
{
    struct jobs *jobs = arg;
    for (;;) {
        proc_sleep(self, jobs_jitter(jobs->env, jobs->prune_ns));
        uint64_t after_id = 0;
        while (!jobs->draining && pruner_wanted(jobs) && prune_step(self, jobs, &after_id))
            proc_sleep(self, PRUNE_REST_NS);
    }
}

struct child_spec pruner_child(struct jobs *jobs)
{
    return (struct child_spec){.id = "pruner", .main = pruner_main, .arg = jobs};
}

void pruner_start(struct proc *self, struct jobs *jobs)
{
    if (jobs->prunes || jobs->draining || !pruner_wanted(jobs))
        return;
    struct child_spec child = pruner_child(jobs);
    struct child_answer answer = supervisor_start_child(self, jobs->supervisor, &child);
    jobs->prunes =
        !answer.err && answer.started.pid; /* there already: a stager died while it asked */
    reason_release(proc_heap(self), &answer.started.why);
}
