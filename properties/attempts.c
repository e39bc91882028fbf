/* attempts.c: attempts are counted honestly. One claim, one attempt, never beyond the maximum; a
 * snooze gives it back. */
#include "properties/life.h"
#include "properties/table.h"

struct job {
    bool known;
    uint64_t attempt, lease;
    uint64_t doubts;
};

struct attempts {
    struct doubt doubt;
    struct table jobs;
    struct table claims; /* (job, lease) -> its attempt */
};

static struct job *job_of(struct attempts *attempts, const struct event *event)
{
    return TABLE_AT(&attempts->jobs, event_key(event), struct job);
}

static uint64_t *attempt_of(struct attempts *attempts, const struct event *event)
{
    return table_find(&attempts->claims, mix64_pair(event_key(event), event_u64(event, "lease")));
}

static void on_claim(struct judge *judge, void *ctx, const struct event *event)
{
    struct attempts *attempts = ctx;
    struct job *job = job_of(attempts, event);
    uint64_t id = event_key(event), attempt = event_u64(event, "attempt");
    uint64_t max = event_u64(event, "max");
    bool doubtful = doubt_since(&attempts->doubt, &job->doubts);
    if (attempt != job->attempt + 1 && !doubtful)
        judge_fail(judge, event, "job %llu was claimed for attempt %llu after attempt %llu",
                   (unsigned long long)id, (unsigned long long)attempt,
                   (unsigned long long)job->attempt);
    else if (attempt > max)
        judge_fail(judge, event, "job %llu was claimed for attempt %llu of %llu",
                   (unsigned long long)id, (unsigned long long)attempt, (unsigned long long)max);
    else
        judge_checked(judge);
    job->attempt = attempt;
    uint64_t run = mix64_pair(id, event_u64(event, "lease"));
    *TABLE_AT(&attempts->claims, run, uint64_t) = attempt;
}

static void on_finish(struct judge *judge, void *ctx, const struct event *event)
{
    struct attempts *attempts = ctx;
    struct job *job = job_of(attempts, event);
    uint64_t attempt = event_u64(event, "attempt");
    bool doubtful = doubt_since(&attempts->doubt, &job->doubts);
    if (attempt != job->attempt && !doubtful)
        judge_fail(judge, event, "job %llu finished attempt %llu, but was in attempt %llu",
                   (unsigned long long)event_key(event), (unsigned long long)attempt,
                   (unsigned long long)job->attempt);
    bool snoozed = event_state(event) == LIFE_SCHEDULED;
    job->attempt = attempt - (snoozed && attempt > 0);
}

/* A claim that nobody recorded cannot have been answered either: no doubt is possible here. */
static void on_start(struct judge *judge, void *ctx, const struct event *event)
{
    const uint64_t *claimed = attempt_of(ctx, event);
    uint64_t id = event_key(event), attempt = event_u64(event, "attempt");
    uint64_t lease = event_u64(event, "lease");
    if (!claimed)
        judge_fail(judge, event, "job %llu started under lease %llu, which nobody was given",
                   (unsigned long long)id, (unsigned long long)lease);
    else if (attempt != *claimed)
        judge_fail(judge, event, "job %llu started attempt %llu under a claim for attempt %llu",
                   (unsigned long long)id, (unsigned long long)attempt,
                   (unsigned long long)*claimed);
    else
        judge_checked(judge);
}

static void on_row(struct judge *judge, void *ctx, const struct event *event)
{
    struct attempts *attempts = ctx;
    struct job *job = job_of(attempts, event);
    uint64_t id = event_key(event), attempt = event_u64(event, "attempt");
    uint64_t max = event_u64(event, "max");
    bool doubtful = doubt_since(&attempts->doubt, &job->doubts);
    if (attempt != job->attempt && !doubtful)
        judge_fail(judge, event, "job %llu has %llu attempts at the end, but %llu were made",
                   (unsigned long long)id, (unsigned long long)attempt,
                   (unsigned long long)job->attempt);
    else if (attempt > max)
        judge_fail(judge, event, "job %llu has %llu attempts of %llu at the end",
                   (unsigned long long)id, (unsigned long long)attempt, (unsigned long long)max);
}

static void attempts_done(void *ctx)
{
    struct attempts *attempts = ctx;
    table_done(&attempts->jobs);
    table_done(&attempts->claims);
}

static const struct property_on on[] = {
    {"store/job/claim", on_claim},
    {"store/job/finish", on_finish},
    {"job/perform/start", on_start},
    {"audit/job/row", on_row},
    ON_DISK_FAULT,
    {0},
};

TRACE_PROPERTY(
    attempts_rise_by_one, .name = "attempts rise by one and never exceed the maximum",
    .kind = PROPERTY_ALWAYS,
    .about =
        "A job that is not charged for an attempt can fail for ever; one that is charged twice "
        "is given up too early. The run must be the attempt that was claimed.",
    .state_size = sizeof(struct attempts), .on = on, .done = attempts_done);
