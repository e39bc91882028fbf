/* backoff.c: when a failed attempt is tried again. Oban's formula, computed here a second time, in
 * integers: clamped = max <= 20 ? attempt : round(attempt / max * 20); base = 15 + 2^clamped
 * seconds; the delay is base plus up to a tenth of it, in whole seconds, at random. */
#include "properties/clocks.h"
#include "properties/life.h"
#include "properties/table.h"

static int64_t base_s(uint64_t attempt, uint64_t max)
{
    uint64_t clamped = max <= 20 ? attempt : (attempt * 40 + max) / (2 * max);
    return 15 + (INT64_C(1) << (clamped < 40 ? clamped : 40));
}

static int64_t event_base_s(const struct event *event)
{
    return base_s(event_u64(event, "attempt"), event_u64(event, "max"));
}

/* ---- backoff_window ---- */

struct wait {
    uint64_t lease; /* that failed; 0: none waits */
    int64_t from_ns;
    int64_t base_s;
    uint32_t database; /* node: its clock judges */
};

struct window {
    struct table waits; /* by job */
    struct clocks clocks;
};

static void on_clock(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    clocks_event(&((struct window *)ctx)->clocks, event);
}

static void on_finish(struct judge *judge, void *ctx, const struct event *event)
{
    struct window *window = ctx;
    uint64_t job = event_key(event);
    if (event_state(event) != LIFE_RETRYABLE)
        return;
    int64_t base = event_base_s(event), delay_ms = event_i64(event, "delay_ms");
    *TABLE_AT(&window->waits, job, struct wait) =
        (struct wait){event_u64(event, "lease"), event->time_ns, base, event->node};
    int64_t most = base + base / 10;
    if (delay_ms < base * 1000 || delay_ms > most * 1000)
        judge_fail(judge, event,
                   "job %llu waits %lld ms after attempt %llu of %llu, not %lld..%lld s",
                   (unsigned long long)job, (long long)delay_ms,
                   (unsigned long long)event_u64(event, "attempt"),
                   (unsigned long long)event_u64(event, "max"), (long long)base, (long long)most);
    else
        judge_checked(judge);
}

static void on_run(struct judge *judge, void *ctx, const struct event *event)
{
    struct window *window = ctx;
    uint64_t job = event_u64(event, "job");
    struct wait *wait = table_find(&window->waits, job);
    if (!wait || wait->lease == 0 || event_u64(event, "lease") <= wait->lease)
        return;
    int64_t waited_ns =
        clocks_latest(&window->clocks, wait->database, wait->from_ns, event->time_ns) -
        clocks_wall(&window->clocks, wait->database, wait->from_ns);
    if (waited_ns < wait->base_s * NS_PER_S - NS_PER_MS)
        judge_fail(judge, event, "job %llu ran again after %lld ms, not after %lld s at least",
                   (unsigned long long)job, (long long)(waited_ns / NS_PER_MS),
                   (long long)wait->base_s);
    wait->lease = 0;
}

static void on_retry(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    TABLE_AT(&((struct window *)ctx)->waits, event_key(event), struct wait)->lease = 0;
}

static void window_done(void *ctx)
{
    struct window *window = ctx;
    table_done(&window->waits);
    clocks_done(&window->clocks);
}

static const struct property_on window_on[] = {
    {"store/job/finish", on_finish},
    {"work/job/run", on_run},
    {"store/job/retry", on_retry},
    ON_CLOCK(on_clock),
    {0},
};

TRACE_PROPERTY(
    backoff_window, .name = "every retry falls inside its backoff window", .kind = PROPERTY_ALWAYS,
    .about = "Too early is a retry storm, too late is a forgotten job. The delay that was written "
             "must be in the window, and the job's next run must not come before it.",
    .state_size = sizeof(struct window), .on = window_on, .done = window_done);

/* ---- backoff_spread ---- */

/* Without jitter the shortest wait comes up every time. With it, at worst (attempt 1: 17 or 18 s)
 * with 10/17; 64 times in a row by chance: less than once in 10^14. */
enum { SPREAD_MIN = 64 };

static void on_delay(struct judge *judge, void *ctx, const struct event *event)
{
    unsigned *shortest = ctx; /* in a row */
    if (event_state(event) != LIFE_RETRYABLE)
        return;
    if (event_i64(event, "delay_ms") > event_base_s(event) * 1000)
        *shortest = 0;
    else if (++*shortest == SPREAD_MIN)
        judge_fail(judge, event, "%d retries in a row were given no jitter at all", SPREAD_MIN);
    judge_checked(judge);
}

static const struct property_on spread_on[] = {{"store/job/finish", on_delay}, {0}};

TRACE_PROPERTY(
    backoff_spread, .name = "retries are spread by jitter", .kind = PROPERTY_ALWAYS,
    .about = "Jobs that fail together must not come back together. Judges runs with many retries: "
             "64 in a row without jitter do not happen by chance.",
    .state_size = sizeof(unsigned), .on = spread_on);
