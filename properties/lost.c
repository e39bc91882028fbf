/* lost.c: who loses a lease stops. Its holder counts a lease from before it asked for it, the database from when it gave
 * it: so a run is over, or has been told to end, before the database may give the job to another one.
 *
 * A node that stands still is excused, until it goes on. So are leases under which the clock of the database was changed,
 * or this one or the holder's ran much too fast or slow: by such a clock a lease may be over early. Usual clocks differ by
 * less than a thousandth; hence the slack, enough for leases of a minute. */
#include "properties/array.h"
#include "properties/runs.h"
#include "properties/table.h"

#include <stdlib.h>

#define SLACK_NS  (100 * NS_PER_MS)
#define USUAL_PPM 1000

struct loss { /* a run that is there although its lease was rescued */
    struct run_span run;
    uint64_t index;
    int64_t time_ns;
};

struct clock {
    bool odd;         /* runs too fast or slow */
    uint64_t changes; /* of its speed; of the database's, all */
};

struct grant {                                 /* a lease */
    uint64_t database_changes, holder_changes; /* when it was given, and used */
    bool over;                                 /* rescued */
    bool killed;                               /* its run was told to end */
};

struct losses {
    struct runs runs;    /* first, for the handlers of runs.h */
    struct table paused; /* by node; bool */
    struct table clocks; /* by node */
    struct table grants; /* by (job, lease) */
    struct loss *open;   /* not judged yet, oldest first */
    size_t count, capacity;
    uint32_t database; /* node; 0: not known yet */
};

static void loss_add(struct losses *losses, struct loss loss)
{
    losses->open = array_grow(losses->open, losses->count, &losses->capacity, sizeof *losses->open);
    losses->open[losses->count++] = loss;
}

static const struct run_span *run_find(const struct losses *losses, uint64_t job, uint64_t lease)
{
    for (size_t i = 0; i < losses->runs.count; i++)
        if (losses->runs.spans[i].job == job && losses->runs.spans[i].lease == lease)
            return &losses->runs.spans[i];
    return NULL;
}

static bool *paused_of(struct losses *losses, uint32_t node)
{
    return TABLE_AT(&losses->paused, node, bool);
}

static void loss_judge(struct judge *judge, struct losses *losses, const struct loss *loss)
{
    const struct run_span *run = run_find(losses, loss->run.job, loss->run.lease);
    struct event event = {.index = loss->index, .time_ns = loss->time_ns};
    if (run && !*paused_of(losses, run->node))
        judge_fail(judge, &event,
                   "job %llu was rescued from lease %llu, but went on running on node %u",
                   (unsigned long long)run->job, (unsigned long long)run->lease, run->node);
    else
        judge_checked(judge);
}

/* Before the event itself is looked at. What the end of the trace comes too early for is not judged. */
static void on_any(struct judge *judge, void *ctx, const struct event *event)
{
    struct losses *losses = ctx;
    size_t judged = 0;
    while (judged < losses->count && event->time_ns > losses->open[judged].time_ns + SLACK_NS)
        loss_judge(judge, losses, &losses->open[judged++]);
    for (size_t i = judged; judged && i < losses->count; i++)
        losses->open[i - judged] = losses->open[i];
    losses->count -= judged;
}

static struct grant *grant_of(struct losses *losses, uint64_t job, uint64_t lease)
{
    return TABLE_AT(&losses->grants, mix64_pair(job, lease), struct grant);
}

static struct clock *clock_of(struct losses *losses, uint32_t node)
{
    return TABLE_AT(&losses->clocks, node, struct clock);
}

static void on_claim(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct losses *losses = ctx;
    losses->database = event->node;
    grant_of(losses, event_key(event), event_u64(event, "lease"))->database_changes =
        clock_of(losses, event->node)->changes;
}

static void on_clock(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct losses *losses = ctx;
    struct clock *clock = clock_of(losses, event->node);
    bool was = clock->odd;
    clock->odd = llabs(event_i64(event, "ppm")) > USUAL_PPM;
    clock->changes += clock->odd || was || event->node == losses->database;
}

static bool clock_strange(struct losses *losses, uint32_t node, uint64_t changes)
{
    const struct clock *clock = clock_of(losses, node);
    return clock->odd || clock->changes != changes;
}

static void on_rescue(struct judge *judge, void *ctx, const struct event *event)
{
    struct losses *losses = ctx;
    uint64_t job = event_key(event), lease = event_u64(event, "lease");
    struct grant *grant = grant_of(losses, job, lease);
    const struct run_span *run = run_find(losses, job, lease);
    if (clock_strange(losses, event->node, grant->database_changes) ||
        (run && clock_strange(losses, run->node, grant->holder_changes)))
        return;
    grant->over = true;
    if (run && !*paused_of(losses, run->node))
        loss_add(losses, (struct loss){*run, event->index, event->time_ns});
    else
        judge_checked(judge);
}

/* The job's own word: a process that was held up before it may be dead already. */
static void on_start(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct losses *losses = ctx;
    struct run_span run = {.node = event->node,
                           .actor = event->actor,
                           .job = event_u64(event, "job"),
                           .lease = event_u64(event, "lease")};
    struct grant *grant = grant_of(losses, run.job, run.lease);
    grant->holder_changes = clock_of(losses, run.node)->changes;
    runs_open(&losses->runs, run);
    if (grant->over)
        loss_add(losses, (struct loss){run, event->index, event->time_ns});
}

static void on_killed(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    grant_of(ctx, event_key(event), event_u64(event, "lease"))->killed = true;
}

/* Also what stood still when it was killed, and goes on now, is dead. */
static void on_stop(struct judge *judge, void *ctx, const struct event *event)
{
    uint64_t job = event_key(event), lease = event_u64(event, "lease");
    if (grant_of(ctx, job, lease)->killed)
        judge_fail(judge, event, "job %llu under lease %llu was killed, but went on to its end",
                   (unsigned long long)job, (unsigned long long)lease);
}

static void on_pause(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    *paused_of(ctx, event->node) = true;
}

static void on_resume(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    *paused_of(ctx, event->node) = false;
}

static void losses_done(void *ctx)
{
    struct losses *losses = ctx;
    runs_done(&losses->runs);
    table_done(&losses->paused);
    table_done(&losses->clocks);
    table_done(&losses->grants);
    free(losses->open);
}

static const struct property_on on[] = {
    {"**", on_any}, /* first */
    {"store/job/claim", on_claim},
    {"work/job/run", on_start},
    {"store/job/rescue", on_rescue},
    {"world/clock/**", on_clock},
    {"job/perform/lost", on_killed},
    {"job/perform/timeout", on_killed},
    {"job/perform/stop", on_stop},
    {"world/node/pause", on_pause},
    {"world/node/resume", on_resume},
    ON_NODE_GONE(on_resume),
    ON_RUN_END,
    {0},
};

TRACE_PROPERTY(
    losers_stop, .name = "a run is over when its lease is", .kind = PROPERTY_ALWAYS,
    .about = "Who cannot renew a lease stops before the job is given to another: else both work on "
             "it at a time. Trusts the jobs' own runs, and the database for when a lease was "
             "given up.",
    .state_size = sizeof(struct losses), .on = on, .done = losses_done);
