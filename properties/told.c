/* told.c: who listens is told of each attempt that began that it ended, once, and of a handler that failed nothing more.
 *
 * The listener records what it is told. An attempt that ended in its own process, or whose process died while its queue lived, must have
 * been told to have ended before anything else becomes of the job there.
 */
#include "properties/life.h"
#include "properties/table.h"

#include <string.h>

struct attempt {
    uint64_t lease, node;
    bool begun, ended;
};

struct told {
    struct table attempts; /* by job: the newest that was told to begin */
    struct table detached; /* by handler and boot of its node */
};

static void on_begin(struct judge *judge, void *ctx, const struct event *event)
{
    struct told *told = ctx;
    struct attempt *attempt = TABLE_AT(&told->attempts, event_key(event), struct attempt);
    if (attempt->begun && attempt->lease == event_u64(event, "lease"))
        judge_fail(judge, event, "a listener was told twice that job %llu began",
                   (unsigned long long)event_key(event));
    *attempt = (struct attempt){.lease = event_u64(event, "lease"), .begun = true};
}

static void on_end(struct judge *judge, void *ctx, const struct event *event)
{
    struct told *told = ctx;
    struct attempt *attempt = TABLE_AT(&told->attempts, event_key(event), struct attempt);
    if (attempt->lease != event_u64(event, "lease"))
        return; /* of a node that stood still */
    if (attempt->ended)
        judge_fail(judge, event, "a listener was told twice that an attempt of job %llu ended",
                   (unsigned long long)event_key(event));
    else if (!attempt->begun)
        judge_fail(judge, event,
                   "a listener was told that an attempt of job %llu ended, but not "
                   "that it began",
                   (unsigned long long)event_key(event));
    else
        judge_checked(judge);
    attempt->ended = true;
}

/* The queue has its outcome: whoever listens must have, too. */
static void on_finish(struct judge *judge, void *ctx, const struct event *event)
{
    struct told *told = ctx;
    const struct attempt *attempt = table_find(&told->attempts, event_key(event));
    if (!attempt || attempt->lease != event_u64(event, "lease"))
        return;
    if (!attempt->ended)
        judge_fail(judge, event, "nobody was told that the attempt of job %llu had ended",
                   (unsigned long long)event_key(event));
    else
        judge_checked(judge);
}

static void on_fragile(struct judge *judge, void *ctx, const struct event *event)
{
    struct told *told = ctx;
    bool *detached = TABLE_AT(&told->detached, event_key(event), bool);
    if (*detached)
        judge_fail(judge, event, "a handler that had failed was called again");
    else
        judge_checked(judge);
    *detached |= event_u64(event, "fails") != 0;
}

static void told_done(void *ctx)
{
    struct told *told = ctx;
    table_done(&told->attempts);
    table_done(&told->detached);
}

static const struct property_on on[] = {
    {"listener/job/begin", on_begin},
    {"listener/job/end", on_end},
    {"job/finish/done", on_finish},
    {"listener/fragile/call", on_fragile},
    {0},
};

TRACE_PROPERTY(told_once,
               .name = "who listens hears of each attempt that it began, and once that it ended",
               .kind = PROPERTY_ALWAYS,
               .about = "Counters and logs are made of what is told. A handler that fails must be "
                        "called no more, and must not keep others from hearing.",
               .state_size = sizeof(struct told), .on = on, .done = told_done);
