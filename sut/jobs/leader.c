/* leader.c: one node of all leads: it does what must not be done by all. Correctness never depends on it, as two may believe for a
 * while that they lead (the database's clock is set, a node stands still); it saves work.
 *
 *   follows --the lease is free, or has run out--> leads --stop: gives it back--> follows
 *      ^------another has it, or no renewal in time---/
 *
 * The lease is a row in the store, under a term that is random per start. It is renewed at half of its time, and counted from before
 * the call by the monotonic clock, less a sixteenth for a clock that goes slower than the database's: a leader that cannot reach the
 * store stops by itself before another one begins. */
#include "sut/jobs/internal.h"

#include <inttypes.h>
#include <stdio.h>

#define LEASE_MS_DEFAULT INT64_C(30000)
#define GROUP            "jobs"

POINT_ABOUT("jobs/leader/begin", "This node leads from here on.");
POINT_ABOUT("jobs/leader/end", "This node does not lead any more, and knows it.");

void leader_init(struct jobs *jobs, int64_t lease_ms)
{
    snprintf(jobs->leader.term, sizeof jobs->leader.term, "%016" PRIx64 "%016" PRIx64,
             env_entropy(jobs->env), env_entropy(jobs->env));
    jobs->leader.lease_ms = lease_ms ? lease_ms : LEASE_MS_DEFAULT;
}

bool jobs_leads(const struct jobs *jobs)
{
    return env_mono_ns(jobs->env) < jobs->leader.until_ns;
}

static void leader_end(struct proc *self, struct jobs *jobs, const char *why)
{
    if (!jobs->leader.until_ns)
        return;
    jobs->leader.until_ns = 0;
    TRACE(proc_site(self), "jobs/leader/end", T_STR("term", jobs->leader.term), T_STR("why", why));
    env_log(proc_env(self), LOG_INFO, "does not lead any more: %s", why);
    leader_tell(self, jobs, TELEMETRY_LEADER_END, why);
}

static void leader_begin(struct proc *self, struct jobs *jobs, int64_t until_ns)
{
    bool news = !jobs_leads(jobs);
    if (news)
        leader_end(self, jobs, "was too late with the renewal");
    jobs->leader.until_ns = until_ns;
    if (!news)
        return;
    TRACE(proc_site(self), "jobs/leader/begin", T_STR("term", jobs->leader.term));
    env_log(proc_env(self), LOG_INFO, "leads");
    leader_tell(self, jobs, TELEMETRY_LEADER_BEGIN, "");
    if (jobs->cron.pid)
        proc_send(jobs->runtime, proc_self(self), jobs->cron.pid, MSG_POKE, NULL, 0);
}

/* 0 and the reply's essence, or an error of the call. */
static int leader_call(struct proc *self, struct jobs *jobs, int64_t lease_ms, bool *ret_leads,
                       int64_t *ret_next_ms)
{
    struct store_request request = {
        .op = STORE_LEAD,
        .leader = {.group = GROUP, .term = jobs->leader.term, .node = jobs->env->node_name},
        .lease_ms = lease_ms,
    };
    struct store_call *call;
    int err = store_call(self, jobs->store, &request, &call);
    if (err)
        return err;
    *ret_leads = call->reply.leads;
    *ret_next_ms = call->reply.next_ms;
    store_call_free(call);
    return 0;
}

static int64_t at_most(int64_t value, int64_t most)
{
    return value < most ? value : most;
}

/* Tries for the lease, or renews it. Returns when to do so again: a leader at half of the lease, others when the lease of the leader
 * ends; but they look earlier, as it may have been given back. */
static int64_t leader_try(struct proc *self, struct jobs *jobs)
{
    int64_t lease_ns = jobs->leader.lease_ms * NS_PER_MS, sent = proc_now(self), next_ms;
    bool leads;
    if (leader_call(self, jobs, jobs->leader.lease_ms, &leads, &next_ms)) {
        if (!jobs_leads(jobs))
            leader_end(self, jobs, "the store does not answer");
        return proc_now(self) + jobs_jitter(jobs->env, lease_ns / 8);
    }
    if (leads) {
        leader_begin(self, jobs, sent + lease_ns - lease_ns / 16);
        return sent + lease_ns / 2;
    }
    leader_end(self, jobs, "another node leads");
    return proc_now(self) + jobs_jitter(jobs->env, at_most(next_ms * NS_PER_MS, lease_ns / 8)) + 1;
}

/* It does not lead from before the call on, whatever becomes of that. */
static void leader_resign(struct proc *self, struct jobs *jobs)
{
    bool leads;
    int64_t next_ms;
    if (!jobs->leader.until_ns)
        return;
    leader_end(self, jobs, "it stops");
    (void)leader_call(self, jobs, 0, &leads, &next_ms); /* if it fails, the lease runs out */
}

void leader_main(struct proc *self, void *arg)
{
    struct jobs *jobs = arg;
    const struct message *message = NULL;
    jobs->leader.pid = proc_self(self);
    proc_trap_exit(self, true);
    while (!message || message->tag != MSG_EXIT) {
        int64_t next = INT64_MAX;
        if (jobs->draining)
            leader_resign(self, jobs);
        else
            next = leader_try(self, jobs);
        int64_t now = proc_now(self);
        message = proc_receive(self, next == INT64_MAX ? WAIT_FOREVER
                                     : next > now      ? next - now
                                                       : 0);
    }
    const struct exit_message *stop = message->data;
    leader_resign(self, jobs);
    proc_exit(self, stop->reason);
}
