/* hand.c: what is kept of jobs, and what is not: who is gone stays gone, what is pruned was old enough, a result is that of the run that
 * completed the job, and a run begins with the newest checkpoint that an earlier one was promised to be kept. */
#include "properties/clocks.h"
#include "properties/life.h"
#include "properties/table.h"

#include <string.h>

/* ---- gone_for_good ---- */

struct ended {
    int64_t time_ns; /* 0: it has not */
    bool gone;
    uint64_t doubts;
};

struct goings {
    struct doubt doubt;
    struct table jobs; /* by job */
    struct clocks clocks;
};

static struct ended *ended_of(struct goings *goings, const struct event *event)
{
    return TABLE_AT(&goings->jobs, event_key(event), struct ended);
}

static void on_clock(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    clocks_event(&((struct goings *)ctx)->clocks, event);
}

static void on_end(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct goings *goings = ctx;
    if (life_final(event_state(event)))
        ended_of(goings, event)->time_ns = event->time_ns;
}

static void on_delete(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct goings *goings = ctx;
    struct ended *ended = ended_of(goings, event);
    ended->gone = true;
    ended->doubts = goings->doubt.faults;
}

/* By the clock of the database, which tells milliseconds, rounded down. What began in its last state is not known. */
static void on_prune(struct judge *judge, void *ctx, const struct event *event)
{
    struct goings *goings = ctx;
    struct ended *ended = ended_of(goings, event);
    int64_t keep_ms = event_i64(event, "keep_ms");
    int64_t from_ns = clocks_wall(&goings->clocks, event->node, ended->time_ns);
    int64_t to_ns = clocks_latest(&goings->clocks, event->node, ended->time_ns, event->time_ns);
    if (ended->time_ns && to_ns - from_ns < (keep_ms - 1) * NS_PER_MS)
        judge_fail(judge, event,
                   "job %llu was pruned %lld ms after its end; it was to be kept %lld ms",
                   (unsigned long long)event_key(event), (long long)((to_ns - from_ns) / NS_PER_MS),
                   (long long)keep_ms);
    else
        judge_checked(judge);
    on_delete(judge, ctx, event);
}

static void on_sight(struct judge *judge, void *ctx, const struct event *event)
{
    struct goings *goings = ctx;
    struct ended *ended = table_find(&goings->jobs, event_key(event));
    if (!ended || !ended->gone || doubt_since(&goings->doubt, &ended->doubts))
        return;
    judge_fail(judge, event, "job %llu was deleted or pruned, but here it is again",
               (unsigned long long)event_key(event));
}

static void goings_done(void *ctx)
{
    struct goings *goings = ctx;
    table_done(&goings->jobs);
    clocks_done(&goings->clocks);
}

static const struct property_on gone_on[] = {
    {"store/job/finish", on_end},
    {"store/job/rescue", on_end},
    {"store/job/cancel", on_end},
    {"store/job/delete", on_delete},
    {"store/job/prune", on_prune},
    {"store/job/claim", on_sight},
    {"store/job/stage", on_sight},
    {"store/job/retry", on_sight},
    {"audit/job/row", on_sight},
    ON_CLOCK(on_clock),
    ON_DISK_FAULT,
    {0},
};

TRACE_PROPERTY(
    gone_for_good, .name = "what is deleted is gone, and what is pruned was old enough",
    .kind = PROPERTY_ALWAYS,
    .about = "A job that was removed neither runs nor is there at the end; and none is pruned "
             "before its time is over since it ended, by the clock of the database.",
    .state_size = sizeof(struct goings), .on = gone_on, .done = goings_done);

/* ---- deleted_as_asked ---- */

static void on_deed(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    if (strcmp(event_str(event, "deed"), "delete") == 0)
        *TABLE_AT((struct table *)ctx, event_key(event), bool) = true;
}

static void on_deleted(struct judge *judge, void *ctx, const struct event *event)
{
    if (table_find(ctx, event_key(event)))
        judge_checked(judge);
    else
        judge_fail(judge, event, "job %llu was deleted, but nobody had asked for that",
                   (unsigned long long)event_key(event));
}

static void deeds_done(void *ctx)
{
    table_done(ctx);
}

static const struct property_on deleted_on[] = {
    {"client/hand/call", on_deed}, {"store/job/delete", on_deleted}, {0}};

TRACE_PROPERTY(deleted_as_asked, .name = "only what somebody meant is deleted",
               .kind = PROPERTY_ALWAYS,
               .about = "By its id, or by what its arguments contain: a filter that lets through "
                        "more than it says would cost jobs. Trusts those who ask.",
               .state_size = sizeof(struct table), .on = deleted_on, .done = deeds_done);

/* ---- results_of_the_last_run ---- */

struct completion {
    uint64_t lease;
    uint64_t doubts;
};

struct completions {
    struct doubt doubt;
    struct table jobs; /* by job */
};

static void on_finish(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct completions *completions = ctx;
    struct completion *completion =
        TABLE_AT(&completions->jobs, event_key(event), struct completion);
    completion->lease = event_state(event) == LIFE_COMPLETED ? event_u64(event, "lease") : 0;
    completion->doubts = completions->doubt.faults;
}

static void on_result(struct judge *judge, void *ctx, const struct event *event)
{
    struct completions *completions = ctx;
    struct completion *completion =
        TABLE_AT(&completions->jobs, event_key(event), struct completion);
    if (doubt_since(&completions->doubt, &completion->doubts))
        return;
    if (completion->lease != event_u64(event, "lease"))
        judge_fail(
            judge, event, "job %llu keeps the result of lease %llu, but lease %llu completed it",
            (unsigned long long)event_key(event), (unsigned long long)event_u64(event, "lease"),
            (unsigned long long)completion->lease);
    else
        judge_checked(judge);
}

static void completions_done(void *ctx)
{
    table_done(&((struct completions *)ctx)->jobs);
}

static const struct property_on result_on[] = {
    {"store/job/finish", on_finish}, {"audit/job/result", on_result}, ON_DISK_FAULT, {0}};

TRACE_PROPERTY(result_of_last_run, .name = "a result is that of the run that completed the job",
               .kind = PROPERTY_ALWAYS,
               .about = "Not of another job, not of an attempt that was refused, not of an earlier "
                        "completion. Trusts what the job itself wrote into it.",
               .state_size = sizeof(struct completions), .on = result_on, .done = completions_done);

/* ---- checkpoints_stay ---- */

struct checkpoint {
    uint64_t lease, step; /* the newest that a run was told is kept */
};

static void on_kept(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct checkpoint *checkpoint =
        TABLE_AT((struct table *)ctx, event_key(event), struct checkpoint);
    uint64_t step = event_u64(event, "step");
    if (step > checkpoint->step)
        *checkpoint = (struct checkpoint){.lease = event_u64(event, "lease"), .step = step};
}

static void on_resume(struct judge *judge, void *ctx, const struct event *event)
{
    const struct checkpoint *checkpoint = table_find(ctx, event_key(event));
    uint64_t lease = event_u64(event, "lease"), step = event_u64(event, "step");
    if (!checkpoint || lease <= checkpoint->lease)
        return;
    if (step < checkpoint->step)
        judge_fail(judge, event,
                   "job %llu begins again at step %llu, although lease %llu was told that step "
                   "%llu is kept",
                   (unsigned long long)event_key(event), (unsigned long long)step,
                   (unsigned long long)checkpoint->lease, (unsigned long long)checkpoint->step);
    else
        judge_checked(judge);
}

static void checkpoints_done(void *ctx)
{
    table_done(ctx);
}

static const struct property_on checkpoint_on[] = {
    {"work/checkpoint/kept", on_kept}, {"work/checkpoint/resume", on_resume}, {0}};

TRACE_PROPERTY(checkpoints_stay, .name = "a checkpoint that was answered is there for the next run",
               .kind = PROPERTY_ALWAYS,
               .about =
                   "It never goes back, whoever else writes: a later run begins where an earlier "
                   "one was told that it had come to. Trusts what the jobs were told.",
               .state_size = sizeof(struct table), .on = checkpoint_on, .done = checkpoints_done);
