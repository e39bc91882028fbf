/* due.c: nothing runs before it is due. The clock of the database is the judge, as it drifts and steps: from the insert
 * or the snooze to the run it must have gone on by the delay, at its latest. It tells
 * milliseconds, rounded down, so one is forgiven. The database is where claims are recorded. */
#include "properties/clocks.h"
#include "properties/life.h"
#include "properties/table.h"

struct insert {
    bool ran;
    int64_t from_ns; /* the call: the database cannot have read its clock before */
    int64_t delay_ms;
};

struct snooze {
    uint64_t lease; /* that snoozed; 0: none waits */
    int64_t from_ns, delay_ms;
    bool by_hand; /* made available by hand: due times are off */
};

struct due {
    struct doubt doubt;
    struct table inserts; /* by key */
    struct table snoozes; /* by job */
    struct table records; /* by job: when its insert was recorded */
    struct table uniques; /* by job: the doubts there were when it came to be: it may be replaced */
    struct clocks clocks;
    uint32_t database; /* node */
};

static void on_clock(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    clocks_event(&((struct due *)ctx)->clocks, event);
}

static void on_insert(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct due *due = ctx;
    *TABLE_AT(&due->records, event_key(event), int64_t) = event->time_ns;
}

static void on_unique(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct due *due = ctx;
    *TABLE_AT(&due->uniques, event_key(event), uint64_t) = due->doubt.faults;
}

/* A unique job takes over the time that another one was asked for; that record may be lost. */
static bool may_be_replaced(const struct due *due, uint64_t job)
{
    const uint64_t *doubts = table_find(&due->uniques, job);
    return doubts && *doubts != due->doubt.faults;
}

static void on_claim(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    ((struct due *)ctx)->database = event->node;
}

static void on_call(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct due *due = ctx;
    int64_t delay_ms = event_i64(event, "delay_ms");
    *TABLE_AT(&due->inserts, event_key(event), struct insert) =
        (struct insert){.from_ns = event->time_ns, .delay_ms = delay_ms};
}

static void on_finish(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct due *due = ctx;
    if (event_state(event) != LIFE_SCHEDULED)
        return;
    struct snooze *snooze = TABLE_AT(&due->snoozes, event_key(event), struct snooze);
    snooze->lease = event_u64(event, "lease");
    snooze->from_ns = event->time_ns;
    snooze->delay_ms = event_i64(event, "delay_ms");
}

static void on_retry(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct due *due = ctx;
    *TABLE_AT(&due->snoozes, event_key(event), struct snooze) = (struct snooze){.by_hand = true};
}

/* By how much too early, by the clock of the database; 0 or less: in time. */
static int64_t early_ns(const struct due *due, const struct event *event, int64_t from_ns,
                        int64_t delay_ms)
{
    const struct clocks *clocks = &due->clocks;
    int64_t due_ns = clocks_wall(clocks, due->database, from_ns) + (delay_ms - 1) * NS_PER_MS;
    return due_ns - clocks_latest(clocks, due->database, from_ns, event->time_ns);
}

static void judge_wait(struct judge *judge, const struct due *due, const struct event *event,
                       const char *after, int64_t from_ns, int64_t delay_ms)
{
    int64_t early = early_ns(due, event, from_ns, delay_ms);
    if (early > 0)
        judge_fail(judge, event, "job %llu ran %lld us before it was due after its %s",
                   (unsigned long long)event_u64(event, "job"),
                   (long long)((early + NS_PER_MS) / 1000), after);
    else if (delay_ms > 0)
        judge_checked(judge);
}

static void insert_check(struct judge *judge, struct due *due, const struct event *event,
                         const struct snooze *snooze)
{
    struct insert *insert = table_find(&due->inserts, event_key(event));
    if (!insert || insert->ran || (snooze && snooze->by_hand))
        return;
    insert->ran = true;
    const int64_t *recorded = table_find(&due->records, event_u64(event, "job"));
    if (recorded && *recorded >= insert->from_ns)
        insert->from_ns = *recorded;
    else if (due->clocks.count > 0)
        return; /* a disk fault took the record: who knows what the clock showed */
    judge_wait(judge, due, event, "insert", insert->from_ns, insert->delay_ms);
}

static void on_run(struct judge *judge, void *ctx, const struct event *event)
{
    struct due *due = ctx;
    struct snooze *snooze = table_find(&due->snoozes, event_u64(event, "job"));
    if (may_be_replaced(due, event_u64(event, "job")))
        return;
    insert_check(judge, due, event, snooze);
    if (!snooze || snooze->lease == 0 || event_u64(event, "lease") <= snooze->lease)
        return;
    snooze->lease = 0;
    judge_wait(judge, due, event, "snooze", snooze->from_ns, snooze->delay_ms);
}

static void due_done(void *ctx)
{
    struct due *due = ctx;
    table_done(&due->inserts);
    table_done(&due->snoozes);
    table_done(&due->records);
    table_done(&due->uniques);
    clocks_done(&due->clocks);
}

static const struct property_on on[] = {
    {"client/insert/call", on_call},
    {"store/job/finish", on_finish},
    {"store/job/retry", on_retry},
    {"store/job/replace", on_retry},
    {"store/job/insert", on_insert},
    {"store/job/unique", on_unique},
    {"store/job/claim", on_claim},
    {"work/job/run", on_run},
    ON_CLOCK(on_clock),
    ON_DISK_FAULT,
    {0},
};

TRACE_PROPERTY(
    never_early, .name = "nothing runs before it is due", .kind = PROPERTY_ALWAYS,
    .about = "A delay is a promise: the first run of a job, and the run after a snooze, come no "
             "earlier. Trusts the client's call and the job's own run.",
    .state_size = sizeof(struct due), .on = on, .done = due_done);
