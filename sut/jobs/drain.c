/* drain.c: the keeper, the process above the tree. It notices when the supervisor gives up, and
 * runs the drain:
 *
 *   begin --nothing runs, nothing to write--> stop --the supervisor is gone--> end
 *     \----the grace is over: kill the rest----^  \--the store's deadline passed--^
 *
 * What a drain cannot finish is counted and left to rescue. */
#include "sut/jobs/internal.h"

POINT_ABOUT("jobs/drain/begin", "A drain begins: nothing is claimed or started from here on.");
POINT_ABOUT("jobs/drain/end", "A drain is over; `left` jobs wait for rescue.");

/* ---- from the driver ---- */

/* A job that was held up before its start has not started, and will not. */
static void drain_unstarted(struct jobs *jobs)
{
    for (struct slot *slot = slots_first(jobs); slot; slot = slots_next(slot))
        if (!slot->started && slot_drop(slot, &jobs->env->site, "drain"))
            ++jobs->left;
}

void jobs_drain(struct jobs *jobs, void (*done)(void *ctx, size_t left), void *ctx)
{
    if (jobs->draining)
        return;
    jobs->draining = true;
    jobs->drain_ns = env_mono_ns(jobs->env);
    jobs->drained = done;
    jobs->drained_ctx = ctx;
    TRACE(&jobs->env->site, "jobs/drain/begin", T_I64("grace_ms", jobs->grace_ns / NS_PER_MS));
    drain_unstarted(jobs);
    proc_send(jobs->runtime, 0, jobs->keeper, MSG_DRAIN, NULL, 0);
    if (jobs->leader.pid)
        proc_send(jobs->runtime, 0, jobs->leader.pid, MSG_POKE, NULL, 0);
}

/* ---- the keeper ---- */

static bool queues_idle(const struct jobs *jobs)
{
    for (const struct queue *queue = jobs->queues; queue; queue = queue->next)
        if (queue->running || queue->ack_count)
            return false;
    return true;
}

/* Receives until `until`, as long as the supervisor lives. NULL: time is up, or it is dead. */
static const struct message *keeper_receive(struct proc *self, const struct jobs *jobs,
                                            int64_t until)
{
    int64_t now = proc_now(self);
    if (now >= until || !proc_alive(jobs->runtime, jobs->supervisor))
        return NULL;
    return proc_receive(self, until == INT64_MAX ? WAIT_FOREVER : until - now);
}

static void keeper_wait_idle(struct proc *self, struct jobs *jobs, int64_t until)
{
    while (!queues_idle(jobs) && keeper_receive(self, jobs, until))
        ;
}

static void drain_running(struct proc *self, struct jobs *jobs)
{
    for (struct slot *slot = slots_first(jobs); slot; slot = slots_next(slot))
        if (slot_drop(slot, proc_site(self), "the grace is over"))
            ++jobs->left;
}

static void keeper_stop_tree(struct proc *self, struct jobs *jobs, int64_t until)
{
    proc_signal(jobs->runtime, proc_self(self), jobs->supervisor,
                reason_make(EXIT_SHUTDOWN, "%s", ""));
    while (keeper_receive(self, jobs, until))
        ;
}

static void keeper_end(struct jobs *jobs)
{
    for (const struct queue *queue = jobs->queues; queue; queue = queue->next)
        jobs->left += queue->ack_count;
    TRACE(&jobs->env->site, "jobs/drain/end", T_U64("left", jobs->left));
    if (jobs->drained)
        jobs->drained(jobs->drained_ctx, jobs->left);
}

static void keeper_drain(struct proc *self, struct jobs *jobs)
{
    int64_t grace_end = jobs->drain_ns + jobs->grace_ns;
    keeper_wait_idle(self, jobs, grace_end);
    jobs->closing = true;
    drain_running(self, jobs);
    keeper_stop_tree(self, jobs, grace_end + jobs->store->deadline_ns);
    keeper_end(jobs);
}

static void keeper_gave_up(struct jobs *jobs)
{
    env_log(jobs->env, LOG_ERROR, "the job system failed too often and gave up");
    if (jobs->on_giveup)
        jobs->on_giveup(jobs->giveup_ctx);
}

void keeper_main(struct proc *self, void *arg)
{
    struct jobs *jobs = arg;
    const struct message *message;
    while ((message = proc_receive(self, WAIT_FOREVER))->tag != MSG_DRAIN)
        if (message->tag == MSG_EXIT)
            keeper_gave_up(jobs);
    keeper_drain(self, jobs);
}
