/* acks.c: what a run's owner is told about its outcome is what became of it. "Applied" and "repeated" say that the
 * outcome stands in the database under this lease; "stale" says that it does not, unless a later one has replaced it, or the job
 * was removed with it. */
#include "properties/life.h"
#include "properties/table.h"
#include <string.h>

struct grant {    /* a lease */
    bool written; /* under it */
    uint64_t doubts;
};

struct acks {
    struct doubt doubt;
    struct table finished; /* by job: the lease that wrote last */
    struct table grants;   /* by (job, lease) */
};

static struct grant *grant_of(struct acks *acks, const struct event *event)
{
    return TABLE_AT(&acks->grants, mix64_pair(event_key(event), event_u64(event, "lease")),
                    struct grant);
}

static uint64_t *finished_of(struct acks *acks, const struct event *event)
{
    return TABLE_AT(&acks->finished, event_key(event), uint64_t);
}

static void on_claim(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct acks *acks = ctx;
    grant_of(acks, event)->doubts = acks->doubt.faults;
}

static void on_finish(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct acks *acks = ctx;
    *finished_of(acks, event) = event_u64(event, "lease");
    grant_of(acks, event)->written = true;
}

static void on_removed(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    *finished_of(ctx, event) = 0;
}

static void on_answer(struct judge *judge, void *ctx, const struct event *event)
{
    struct acks *acks = ctx;
    const struct grant *grant = grant_of(acks, event);
    const char *result = event_str(event, "result");
    unsigned long long id = event_key(event), lease = event_u64(event, "lease");
    bool stale = strcmp(result, "stale") == 0;
    if (grant->doubts != acks->doubt.faults)
        return;
    if (!stale && !grant->written)
        judge_fail(judge, event,
                   "job %llu under lease %llu was answered %s, but nothing was written", id, lease,
                   result);
    else if (stale && *finished_of(acks, event) == lease)
        judge_fail(judge, event, "job %llu under lease %llu was answered stale, but it was written",
                   id, lease);
    else
        judge_checked(judge);
}

static void acks_done(void *ctx)
{
    struct acks *acks = ctx;
    table_done(&acks->finished);
    table_done(&acks->grants);
}

static const struct property_on on[] = {
    {"store/job/claim", on_claim},
    {"store/job/finish", on_finish},
    {"store/job/delete", on_removed},
    {"store/job/prune", on_removed},
    {"job/finish/done", on_answer},
    ON_DISK_FAULT,
    {0},
};

TRACE_PROPERTY(truthful_answers, .name = "the answer to an acknowledgement says what happened",
               .kind = PROPERTY_ALWAYS,
               .about =
                   "An outcome that counts as written but is not is lost work; one that counts as "
                   "stale but was written is a false alarm. Trusts the database's records.",
               .state_size = sizeof(struct acks), .on = on, .done = acks_done);
