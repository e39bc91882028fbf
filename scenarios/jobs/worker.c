/* The work of simulated jobs: each behaves as the plan says. A run takes its time, may fail, crash, snooze or cancel,
 * and calls the upstream service, whose effect is what the whole system exists for. */
#include "scenarios/jobs/adapter.h"
#include "sut/jobs/internal.h" /* text_number() */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

POINT_ABOUT("work/job/run", "the code of a job begins to run");
POINT_ABOUT("work/checkpoint/resume", "the checkpoint with which a run began; 0: none");
POINT_ABOUT("work/checkpoint/kept", "the store has answered that it keeps this checkpoint");
POINT_ABOUT("work/thread/run", "the code of a job begins to run, in a thread");
POINT_ABOUT("work/thread/return", "the code of a job returns from its thread");

/* How many attempts came to an end before this one: snoozes give theirs back. */
static unsigned attempts_before(const struct job *job)
{
    return job->attempt - 1;
}

static struct job_outcome fate(const struct job *job, const struct item *item)
{
    unsigned before = attempts_before(job);
    if (item->failures == UINT_MAX || before < item->crashes + item->failures)
        return job_outcome_make(JOB_ERROR, "attempt %u fails as planned", job->attempt);
    return (struct job_outcome){.kind = JOB_OK};
}

static struct job_outcome snooze_for(int64_t seconds)
{
    struct job_outcome snooze = job_outcome_make(JOB_SNOOZE, "%s", "");
    snooze.snooze_s = seconds;
    return snooze;
}

/* As a client of any such service has to take it. What is not said to be final may be better next time. */
static struct job_outcome outcome_of(const struct upstream_reply *reply)
{
    int status = reply->status;
    if (status < 0)
        return job_outcome_make(JOB_ERROR, "upstream: error %d", -status);
    if (status == 429 && reply->retry_after_s > 0)
        return snooze_for(reply->retry_after_s);
    if (status >= 400 && status < 500 && status != 429)
        return job_outcome_make(JOB_CANCEL, "upstream: refused, status %d", status);
    if (status < 200 || status >= 300)
        return job_outcome_make(JOB_ERROR, "upstream: status %d", status);
    if (reply->garbled)
        return job_outcome_make(JOB_ERROR, "upstream: status %d with a body of something else",
                                status);
    return (struct job_outcome){.kind = JOB_OK};
}

static struct job_outcome call_upstream(struct proc *self, struct app *app, const struct job *job,
                                        const struct item *item)
{
    char key[32];
    job_idempotency_key(job, key);
    struct upstream_reply reply =
        upstream_call(self, app, item->key, job->attempt, item->idempotent ? key : NULL);
    return outcome_of(&reply);
}

static bool crashes(const struct job *job, const struct item *item)
{
    return attempts_before(job) < item->crashes;
}

static void begin(struct point_site *at, const struct job *job, const struct item *item)
{
    TRACE(at, "work/job/run", T_U64("key", item->key), T_U64("job", job->id),
          T_U64("attempt", job->attempt), T_U64("lease", job->lease),
          T_U64("idem", item->idempotent));
}

/* Each run goes one step further than the one before it. */
static void leave_checkpoint(struct proc *self, const struct job *job)
{
    char json[32];
    struct jobs *jobs = app_of(self)->jobs;
    uint64_t step = strtoull(job->checkpoint, NULL, 10);
    TRACE(proc_site(self), "work/checkpoint/resume", T_U64("job", job->id),
          T_U64("lease", job->lease), T_U64("step", step));
    text_number(json, "", ++step);
    if (jobs_checkpoint(self, jobs, job, json) == 0)
        TRACE(proc_site(self), "work/checkpoint/kept", T_U64("job", job->id),
              T_U64("lease", job->lease), T_U64("step", step));
    jobs_progress(self, jobs, job, 50, "half of it");
}

struct job_outcome work_perform(struct proc *self, const struct job *job, void *ctx)
{
    struct adapter *adapter = ctx;
    struct item *item = workload_find(&adapter->workload, key_of_args(job->args));
    if (!item)
        return job_outcome_make(JOB_DISCARD, "no such key in the plan");
    begin(proc_site(self), job, item);
    if (item->poisonous) {
        app_ruin(app_of(self));
        proc_sleep(self, WAIT_FOREVER);
    }
    proc_sleep(self, item->work_ns / 2);
    if (item->checkpoints)
        leave_checkpoint(self, job);
    if (job->snoozed < item->snoozes)
        return snooze_for(item->snooze_s);
    if (item->end != JOB_OK)
        return job_outcome_make(item->end, "as planned");
    if (crashes(job, item))
        proc_exit(self, reason_make(EXIT_ERROR, "the job crashed"));
    struct job_outcome outcome = fate(job, item);
    if (outcome.kind == JOB_OK)
        outcome = call_upstream(self, app_of(self), job, item);
    proc_sleep(self, item->work_ns / 2);
    if (item->checkpoints && outcome.kind == JOB_OK)
        outcome = job_outcome_make(JOB_OK, "{\"lease\":%llu}", (unsigned long long)job->lease);
    return outcome;
}

/* ---- the same in a thread ---- */

static struct host *host_at(struct adapter *adapter, const struct point_site *at)
{
    struct app *app = adapter->apps;
    while (app->host.node->id != at->node)
        ++app;
    return &app->host;
}

/* False: it ends here. Who is stubborn sleeps on. */
static bool nap(struct adapter *adapter, struct job_control *control, const struct item *item,
                int64_t ns)
{
    if (!item->stubborn)
        return job_nap(control, ns);
    host_sleep(host_at(adapter, job_site(control)), ns);
    return true;
}

static struct job_outcome ask_upstream(struct adapter *adapter, const struct job *job,
                                       struct job_control *control, const struct item *item)
{
    char key[32];
    job_idempotency_key(job, key);
    struct upstream_reply reply = upstream_ask(&adapter->upstream, control, item->key, job->attempt,
                                               item->idempotent ? key : NULL);
    return outcome_of(&reply);
}

static struct job_outcome block(struct adapter *adapter, const struct job *job,
                                struct job_control *control, const struct item *item)
{
    if (!nap(adapter, control, item, item->work_ns / 2))
        return job_outcome_make(JOB_ERROR, "cancelled");
    if (job->snoozed < item->snoozes)
        return snooze_for(item->snooze_s);
    if (item->end != JOB_OK)
        return job_outcome_make(item->end, "as planned");
    struct job_outcome outcome = fate(job, item); /* a thread that crashes is the end of its node */
    if (outcome.kind == JOB_OK)
        outcome = ask_upstream(adapter, job, control, item);
    nap(adapter, control, item, item->work_ns / 2);
    return outcome;
}

static unsigned limit_of(const struct adapter *adapter, const char *queue)
{
    size_t i = 0;
    while (strcmp(adapter->queues[i].name, queue) != 0)
        ++i;
    return adapter->queues[i].limit;
}

struct job_outcome work_block(const struct job *job, struct job_control *control, void *ctx)
{
    struct adapter *adapter = ctx;
    struct item *item = workload_find(&adapter->workload, key_of_args(job->args));
    if (!item)
        return job_outcome_make(JOB_DISCARD, "no such key in the plan");
    begin(job_site(control), job, item);
    TRACE(job_site(control), "work/thread/run", T_U64("job", job->id), T_U64("lease", job->lease),
          T_STR("queue", job->queue), T_U64("limit", limit_of(adapter, job->queue)));
    struct job_outcome outcome = block(adapter, job, control, item);
    TRACE(job_site(control), "work/thread/return", T_U64("job", job->id),
          T_U64("lease", job->lease));
    return outcome;
}
