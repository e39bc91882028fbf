/* poison.c: a job that no run survives is given up in time, and no other is.
 *
 * A lease that runs out says that what ran the job died, or stood still. Once is bad luck; so many times in a row that the
 * database's limit is reached, it may be the job. An attempt that ends in any other way begins the count anew, and so does a retry by
 * hand. The count is this property's own: what the database writes down about it is not trusted.
 */
#include "properties/life.h"
#include "properties/table.h"

struct job {
    uint64_t rescues; /* in a row */
    uint64_t attempt, max;
    uint64_t doubts;
    bool doubtful; /* since the count began, something may have happened that nobody recorded */
};

struct poison {
    struct doubt doubt;
    struct table jobs;
};

static struct job *job_of(struct poison *poison, const struct event *event)
{
    struct job *job = TABLE_AT(&poison->jobs, event_key(event), struct job);
    job->doubtful |= doubt_since(&poison->doubt, &job->doubts);
    return job;
}

static void on_claim(struct judge *judge, void *ctx, const struct event *event)
{
    struct job *job = job_of(ctx, event);
    (void)judge;
    job->attempt = event_u64(event, "attempt");
    job->max = event_u64(event, "max");
}

static void on_other_end(struct judge *judge, void *ctx, const struct event *event)
{
    struct job *job = job_of(ctx, event);
    (void)judge;
    job->rescues = 0;
    job->doubtful = false;
}

static void on_rescue(struct judge *judge, void *ctx, const struct event *event)
{
    struct job *job = job_of(ctx, event);
    uint64_t limit = event_u64(event, "limit");
    bool given_up = event_state(event) == LIFE_DISCARDED;
    bool poisonous = limit && ++job->rescues >= limit;
    if (job->doubtful)
        return;
    if (poisonous && !given_up)
        judge_fail(judge, event, "job %llu was rescued %llu times in a row, and is to run again",
                   (unsigned long long)event_key(event), (unsigned long long)job->rescues);
    else if (given_up && !poisonous && job->attempt < job->max)
        judge_fail(judge, event,
                   "job %llu was given up after %llu rescues in a row and %llu of %llu attempts",
                   (unsigned long long)event_key(event), (unsigned long long)job->rescues,
                   (unsigned long long)job->attempt, (unsigned long long)job->max);
    else
        judge_checked(judge);
}

static void poison_done(void *ctx)
{
    table_done(&((struct poison *)ctx)->jobs);
}

static const struct property_on on[] = {
    {"store/job/claim", on_claim},
    {"store/job/rescue", on_rescue},
    {"store/job/finish", on_other_end},
    {"store/job/retry", on_other_end},
    ON_DISK_FAULT,
    {0},
};

TRACE_PROPERTY(
    poison_given_up, .name = "a job that no run survives is given up in time, and no other is",
    .kind = PROPERTY_ALWAYS,
    .about = "A job that takes its node down each time would do so for as long as it has attempts, "
             "and the jobs beside it would pay. One that only met bad luck must go on.",
    .state_size = sizeof(struct poison), .on = on, .done = poison_done);
