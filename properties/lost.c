/* lost.c: who loses a lease stops. Its holder counts a lease from before it asked for it, the database from when it gave
 * it: so a run is over, or has been told to end, before the database may give the job to another one.
 *
 * Only a node that stands still is excused, until it goes on. The database tells times in whole milliseconds, rounded
 * down: hence the slack. */
#include "properties/runs.h"
#include "properties/table.h"

#include <stdlib.h>

#define SLACK_NS (2 * NS_PER_MS)

struct loss { /* a lease that was rescued while its run went on */
    struct run_span run;
    uint64_t index;
    int64_t time_ns;
};

struct losses {
    struct runs runs;    /* first, for the handlers of runs.h */
    struct table paused; /* by node; bool */
    struct table over;   /* by (job, lease): when it was rescued, in ns */
    struct table killed; /* by (job, lease): told to end; bool */
    struct loss *open;   /* not judged yet, oldest first */
    size_t count, capacity;
};

static void loss_add(struct losses *losses, struct loss loss)
{
    if (losses->count == losses->capacity) {
        losses->capacity = losses->capacity ? 2 * losses->capacity : 16;
        losses->open = realloc(losses->open, losses->capacity * sizeof *losses->open);
        if (!losses->open)
            abort();
    }
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

/* Before the event itself is looked at. */
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

static void on_rescue(struct judge *judge, void *ctx, const struct event *event)
{
    struct losses *losses = ctx;
    uint64_t job = event_key(event), lease = event_u64(event, "lease");
    const struct run_span *run = run_find(losses, job, lease);
    *TABLE_AT(&losses->over, mix64_pair(job, lease), int64_t) = event->time_ns;
    if (run && !*paused_of(losses, run->node))
        loss_add(losses, (struct loss){*run, event->index, event->time_ns});
    else
        judge_checked(judge);
}

static void on_start(struct judge *judge, void *ctx, const struct event *event)
{
    struct losses *losses = ctx;
    struct run_span run = {.node = event->node,
                           .actor = event->actor,
                           .job = event_key(event),
                           .lease = event_u64(event, "lease")};
    const int64_t *over_ns = table_find(&losses->over, mix64_pair(run.job, run.lease));
    if (over_ns && event->fault.kind == FAULT_NONE && event->time_ns > *over_ns + SLACK_NS)
        judge_fail(judge, event, "job %llu began under lease %llu, %lld ms after its rescue",
                   (unsigned long long)run.job, (unsigned long long)run.lease,
                   (long long)((event->time_ns - *over_ns) / NS_PER_MS));
    runs_open(&losses->runs, run);
}

static void on_killed(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct losses *losses = ctx;
    *TABLE_AT(&losses->killed, mix64_pair(event_key(event), event_u64(event, "lease")), bool) =
        true;
}

/* Also what stood still when it was killed, and goes on now, is dead. */
static void on_stop(struct judge *judge, void *ctx, const struct event *event)
{
    struct losses *losses = ctx;
    uint64_t job = event_key(event), lease = event_u64(event, "lease");
    if (table_find(&losses->killed, mix64_pair(job, lease)))
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

static void losses_end(struct judge *judge, void *ctx)
{
    struct losses *losses = ctx;
    for (size_t i = 0; i < losses->count; i++)
        loss_judge(judge, losses, &losses->open[i]);
}

static void losses_done(void *ctx)
{
    struct losses *losses = ctx;
    runs_done(&losses->runs);
    table_done(&losses->paused);
    table_done(&losses->over);
    table_done(&losses->killed);
    free(losses->open);
}

static const struct property_on on[] = {
    {"**", on_any}, /* first */
    {"job/perform/start", on_start},
    {"store/job/rescue", on_rescue},
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
    .state_size = sizeof(struct losses), .on = on, .end = losses_end, .done = losses_done);
