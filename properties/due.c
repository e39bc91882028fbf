/* due.c: nothing runs before it is due. A due time is told in milliseconds by the database's clock,
 * rounded down, so one millisecond is forgiven. Virtual time is the judge: this holds as long as
 * the database's clock does not step. */
#include "properties/life.h"
#include "properties/table.h"

struct insert {
    bool ran;
    int64_t due_ns; /* the call's time and delay: the database cannot have read its clock before */
    int64_t delay_ms;
};

struct snooze {
    uint64_t lease; /* that snoozed; 0: none waits */
    int64_t due_ns;
    bool by_hand; /* made available by hand: due times are off */
};

struct due {
    struct table inserts; /* by key */
    struct table snoozes; /* by job */
};

static void on_call(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct due *due = ctx;
    int64_t delay_ms = event_i64(event, "delay_ms");
    *TABLE_AT(&due->inserts, event_key(event), struct insert) =
        (struct insert){.due_ns = event->time_ns + delay_ms * NS_PER_MS, .delay_ms = delay_ms};
}

static void on_finish(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct due *due = ctx;
    if (event_state(event) != LIFE_SCHEDULED)
        return;
    struct snooze *snooze = TABLE_AT(&due->snoozes, event_key(event), struct snooze);
    snooze->lease = event_u64(event, "lease");
    snooze->due_ns = event->time_ns + event_i64(event, "delay_ms") * NS_PER_MS;
}

static void on_retry(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct due *due = ctx;
    *TABLE_AT(&due->snoozes, event_key(event), struct snooze) = (struct snooze){.by_hand = true};
}

static void early_fail(struct judge *judge, const struct event *event, const char *after,
                       int64_t due_ns)
{
    judge_fail(judge, event, "job %llu ran %lld us before it was due after its %s",
               (unsigned long long)event_u64(event, "job"),
               (long long)((due_ns - event->time_ns) / 1000), after);
}

static void insert_check(struct judge *judge, struct due *due, const struct event *event,
                         const struct snooze *snooze)
{
    struct insert *insert = table_find(&due->inserts, event_key(event));
    if (!insert || insert->ran || (snooze && snooze->by_hand))
        return;
    insert->ran = true;
    if (event->time_ns < insert->due_ns - NS_PER_MS)
        early_fail(judge, event, "insert", insert->due_ns);
    else if (insert->delay_ms > 0)
        judge_checked(judge);
}

static void on_run(struct judge *judge, void *ctx, const struct event *event)
{
    struct due *due = ctx;
    struct snooze *snooze = table_find(&due->snoozes, event_u64(event, "job"));
    insert_check(judge, due, event, snooze);
    if (!snooze || snooze->lease == 0 || event_u64(event, "lease") <= snooze->lease)
        return;
    snooze->lease = 0;
    if (event->time_ns < snooze->due_ns - NS_PER_MS)
        early_fail(judge, event, "snooze", snooze->due_ns);
    else
        judge_checked(judge);
}

static void due_done(void *ctx)
{
    struct due *due = ctx;
    table_done(&due->inserts);
    table_done(&due->snoozes);
}

static const struct property_on on[] = {
    {"client/insert/call", on_call},
    {"store/job/finish", on_finish},
    {"store/job/retry", on_retry},
    {"work/job/run", on_run},
    {0},
};

TRACE_PROPERTY(
    never_early, .name = "nothing runs before it is due", .kind = PROPERTY_ALWAYS,
    .about = "A delay is a promise: the first run of a job, and the run after a snooze, come no "
             "earlier. Trusts the client's call and the job's own run.",
    .state_size = sizeof(struct due), .on = on, .done = due_done);
