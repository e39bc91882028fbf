/* The work of simulated jobs: each behaves as the plan says. A run takes its time, may fail, crash, snooze or cancel,
 * and calls the upstream service, whose effect is what the whole system exists for. */
#include "scenarios/jobs/adapter.h"

#include <limits.h>
#include <stdio.h>

POINT_ABOUT("work/job/run", "the code of a job begins to run");

/* How many attempts came to an end before this one: snoozes give theirs back. */
static unsigned attempts_before(const struct job *job)
{
    return job->attempt - 1;
}

static struct job_outcome fate(struct proc *self, const struct job *job, const struct item *item)
{
    unsigned before = attempts_before(job);
    if (before < item->crashes)
        proc_exit(self, reason_make(EXIT_ERROR, "the job crashed"));
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

struct job_outcome work_perform(struct proc *self, const struct job *job, void *ctx)
{
    struct adapter *adapter = ctx;
    struct item *item = workload_find(&adapter->workload, key_of_args(job->args));
    if (!item)
        return job_outcome_make(JOB_DISCARD, "no such key in the plan");
    TRACE(proc_site(self), "work/job/run", T_U64("key", item->key), T_U64("job", job->id),
          T_U64("attempt", job->attempt), T_U64("lease", job->lease),
          T_U64("idem", item->idempotent));
    proc_sleep(self, item->work_ns / 2);
    if (job->snoozed < item->snoozes)
        return snooze_for(item->snooze_s);
    if (item->end != JOB_OK)
        return job_outcome_make(item->end, "as planned");
    struct job_outcome outcome = fate(self, job, item);
    if (outcome.kind == JOB_OK)
        outcome = call_upstream(self, app_of(self), job, item);
    proc_sleep(self, item->work_ns / 2);
    return outcome;
}
