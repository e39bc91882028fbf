/* deadline.c: what is given up for its deadline had one, and it had passed; and it is given up for good.
 *
 * When a job's deadline is, only its client knows: so long after it was asked for, or after it was due. What the system says about
 * it is not trusted. Time is that of whichever node's wall clock went fastest meanwhile: one of them keeps the database. */
#include "properties/clocks.h"
#include "properties/life.h"
#include "properties/table.h"

#include <string.h>

#define DRIFT 500 /* one part in so many */

struct plan {
    int64_t asked_ns, delay_ms, within_ms;
};

struct deadlines {
    struct table plans;   /* by key */
    struct table jobs;    /* job -> its key, uint64_t */
    struct table expired; /* (job, lease) -> bool */
    struct clocks clocks;
};

static void on_clock(struct judge *judge, void *ctx, const struct event *event)
{
    struct deadlines *deadlines = ctx;
    (void)judge;
    clocks_event(&deadlines->clocks, event);
}

/* How much time went by since then, by the clock that went fastest. A store handle's time never goes back. */
static int64_t passed_ms(const struct clocks *clocks, int64_t from_ns, int64_t to_ns)
{
    int64_t most_ns = to_ns - from_ns;
    for (size_t i = 0; i < clocks->count; i++) {
        uint32_t node = clocks->spans[i].node;
        int64_t passed_ns =
            clocks_latest(clocks, node, from_ns, to_ns) - clocks_wall(clocks, node, from_ns);
        most_ns = passed_ns > most_ns ? passed_ns : most_ns;
    }
    return most_ns / NS_PER_MS;
}

static void on_call(struct judge *judge, void *ctx, const struct event *event)
{
    struct deadlines *deadlines = ctx;
    (void)judge;
    *TABLE_AT(&deadlines->plans, event_key(event), struct plan) =
        (struct plan){.asked_ns = event->time_ns,
                      .delay_ms = event_i64(event, "delay_ms"),
                      .within_ms = event_i64(event, "within_ms")};
}

static void on_job(struct judge *judge, void *ctx, const struct event *event)
{
    struct deadlines *deadlines = ctx;
    (void)judge;
    *TABLE_AT(&deadlines->jobs, event_u64(event, "job"), uint64_t) = event_u64(event, "key");
}

static const struct plan *plan_of(const struct deadlines *deadlines, uint64_t job)
{
    const uint64_t *key = table_find(&deadlines->jobs, job);
    return key ? table_find(&deadlines->plans, *key) : NULL;
}

/* Databases tell times in whole milliseconds, rounded down, and their clocks drift. What would be due again too late is given up before. */
static bool too_early(const struct deadlines *deadlines, const struct plan *plan,
                      const struct event *event)
{
    int64_t after_ms = passed_ms(&deadlines->clocks, plan->asked_ns, event->time_ns);
    int64_t had_ms = plan->delay_ms + plan->within_ms;
    return strcmp(event_str(event, "when"), "waiting") != 0 &&
           after_ms + 1 + had_ms / DRIFT < had_ms;
}

static void on_expire(struct judge *judge, void *ctx, const struct event *event)
{
    struct deadlines *deadlines = ctx;
    uint64_t job = event_key(event);
    const struct plan *plan = plan_of(deadlines, job);
    *TABLE_AT(&deadlines->expired, mix64_pair(job, event_u64(event, "lease")), bool) = true;
    if (!plan)
        return; /* nobody was told its number, and it never ran */
    int64_t waited_ms = passed_ms(&deadlines->clocks, plan->asked_ns, event->time_ns);
    int64_t had_ms = plan->delay_ms + plan->within_ms;
    if (plan->within_ms <= 0)
        judge_fail(judge, event, "job %llu was given up for a deadline, but it has none",
                   (unsigned long long)job);
    else if (too_early(deadlines, plan, event))
        judge_fail(judge, event,
                   "job %llu was given up for its deadline %lld ms after it was asked for; it had "
                   "%lld ms",
                   (unsigned long long)job, (long long)waited_ms, (long long)had_ms);
    else
        judge_checked(judge);
}

static void on_finish(struct judge *judge, void *ctx, const struct event *event)
{
    const struct deadlines *deadlines = ctx;
    uint64_t run = mix64_pair(event_key(event), event_u64(event, "lease"));
    if (table_find(&deadlines->expired, run) && event_state(event) != LIFE_DISCARDED)
        judge_fail(judge, event, "the deadline of job %llu passed, and it is %s",
                   (unsigned long long)event_key(event), event_str(event, "state"));
}

static void deadlines_done(void *ctx)
{
    struct deadlines *deadlines = ctx;
    clocks_done(&deadlines->clocks);
    table_done(&deadlines->plans);
    table_done(&deadlines->jobs);
    table_done(&deadlines->expired);
}

static const struct property_on on[] = {
    {"client/insert/call", on_call},
    {"client/insert/ok", on_job},
    {"work/job/run", on_job},
    {"job/perform/expire", on_expire},
    {"store/job/finish", on_finish},
    {"store/job/expire", on_expire},
    ON_CLOCK(on_clock),
    {0},
};

TRACE_PROPERTY(
    deadline_kept, .name = "a job is given up for its deadline when that has passed, and for good",
    .kind = PROPERTY_ALWAYS,
    .about = "Too early, and work that somebody waits for is lost; tried again, and it is done for "
             "nobody. Trusts what the clients asked for.",
    .state_size = sizeof(struct deadlines), .on = on, .done = deadlines_done);
