/* ageing.c: in a queue with ageing, a job overtakes one of a lower priority only if that one has not waited longer than the
 * difference is worth.
 *
 * Which priority a job has, and in which queue it is, its client knows. How long it waits is counted from the database's record of its
 * insert, by the database's clock; only jobs are compared that were available from the start and never anything else, as the times
 * of the others are for others to judge. What happened before the clock was set, or before a fault in the middle of a disk
 * operation, is forgotten.
 */
#include "properties/clocks.h"
#include "properties/life.h"
#include "properties/table.h"

#include <string.h>

#define SLACK_MS                                                                                   \
    10000 /* from when the database looks at its clock to its record of the insert: up to the deadline of a call */

struct asked { /* of a client, by key */
    uint64_t queue, priority;
};

struct waiting { /* by job */
    uint64_t key;
    int64_t since_ms,
        latest_ms; /* by the clock, and at most: a store handle's time never goes back */
    bool waits;    /* available since its insert, as far as it is known */
    uint64_t doubts;
};

struct ageing {
    struct doubt doubt;
    struct clocks clocks;
    struct table asked, jobs;
    struct table ages; /* int64_t by queue; 0: none, or not known */
};

static void all_forget(struct ageing *ageing)
{
    for (size_t i = 0; i < ageing->jobs.count; i++)
        ((struct waiting *)table_value(&ageing->jobs, i))->waits = false;
}

static void on_disk(struct judge *judge, void *ctx, const struct event *event)
{
    struct ageing *ageing = ctx;
    uint64_t before = ageing->doubt.faults;
    doubt_raise(judge, &ageing->doubt, event);
    if (ageing->doubt.faults == before)
        return;
    all_forget(ageing);
    for (size_t i = 0; i < ageing->ages.count; i++)
        *(int64_t *)table_value(&ageing->ages, i) = 0;
}

static void on_clock(struct judge *judge, void *ctx, const struct event *event)
{
    struct ageing *ageing = ctx;
    (void)judge;
    clocks_event(&ageing->clocks, event);
    all_forget(ageing);
}

static void on_set(struct judge *judge, void *ctx, const struct event *event)
{
    struct ageing *ageing = ctx;
    uint64_t queue = hash_text(event_str(event, "queue"));
    (void)judge;
    *TABLE_AT(&ageing->ages, queue, int64_t) = event_i64(event, "age_ms");
}

static void on_forget(struct judge *judge, void *ctx, const struct event *event)
{
    struct ageing *ageing = ctx;
    (void)judge;
    *TABLE_AT(&ageing->ages, hash_text(event_str(event, "queue")), int64_t) = 0;
}

static void on_asked(struct judge *judge, void *ctx, const struct event *event)
{
    struct ageing *ageing = ctx;
    (void)judge;
    *TABLE_AT(&ageing->asked, event_key(event), struct asked) = (struct asked){
        .queue = hash_text(event_str(event, "queue")), .priority = event_u64(event, "priority")};
}

static void on_ok(struct judge *judge, void *ctx, const struct event *event)
{
    struct ageing *ageing = ctx;
    (void)judge;
    TABLE_AT(&ageing->jobs, event_u64(event, "job"), struct waiting)->key = event_key(event);
}

static void on_insert(struct judge *judge, void *ctx, const struct event *event)
{
    struct ageing *ageing = ctx;
    struct waiting *job = TABLE_AT(&ageing->jobs, event_key(event), struct waiting);
    (void)judge;
    job->waits = event_state(event) == LIFE_AVAILABLE;
    job->since_ms = clocks_wall(&ageing->clocks, event->node, event->time_ns) / NS_PER_MS;
    job->latest_ms = clocks_latest(&ageing->clocks, event->node, 0, event->time_ns) / NS_PER_MS;
}

static void on_change(struct judge *judge, void *ctx, const struct event *event)
{
    struct ageing *ageing = ctx;
    (void)judge;
    TABLE_AT(&ageing->jobs, event_key(event), struct waiting)->waits = false;
}

static const struct asked *asked_of(const struct ageing *ageing, const struct waiting *job)
{
    return job->waits && job->key ? table_find(&ageing->asked, job->key) : NULL;
}

/* The job of the claim against every other one that waits in its queue. */
static void on_claim(struct judge *judge, void *ctx, const struct event *event)
{
    struct ageing *ageing = ctx;
    struct waiting first = *TABLE_AT(&ageing->jobs, event_key(event), struct waiting);
    const struct asked *asked = asked_of(ageing, &first);
    const int64_t *age_ms = asked ? table_find(&ageing->ages, asked->queue) : NULL;
    on_change(judge, ctx, event);
    for (size_t i = 0; age_ms && *age_ms > 0 && i < ageing->jobs.count; i++) {
        const struct waiting *other = table_value(&ageing->jobs, i);
        const struct asked *its = asked_of(ageing, other);
        if (!its || its->queue != asked->queue)
            continue;
        int64_t worth_ms = ((int64_t)its->priority - (int64_t)asked->priority) * *age_ms;
        if (first.since_ms - other->latest_ms > worth_ms + SLACK_MS)
            judge_fail(
                judge, event,
                "job %llu of priority %llu was claimed before job %llu of priority %llu, which "
                "had waited %lld ms longer; each priority counts as much as %lld ms",
                (unsigned long long)event_key(event), (unsigned long long)asked->priority,
                (unsigned long long)table_key(&ageing->jobs, i), (unsigned long long)its->priority,
                (long long)(first.since_ms - other->latest_ms), (long long)*age_ms);
        else
            judge_checked(judge);
    }
}

static void ageing_done(void *ctx)
{
    struct ageing *ageing = ctx;
    clocks_done(&ageing->clocks);
    table_done(&ageing->asked);
    table_done(&ageing->jobs);
    table_done(&ageing->ages);
}

static const struct property_on on[] = {{"store/queue/set", on_set},
                                        {"store/queue/forget", on_forget},
                                        {"client/insert/place", on_asked},
                                        {"client/insert/ok", on_ok},
                                        {"store/job/insert", on_insert},
                                        {"store/job/claim", on_claim},
                                        {"store/job/cancel", on_change},
                                        {"store/job/delete", on_change},
                                        {"store/job/update", on_change},
                                        {"store/job/expire", on_change},
                                        {"store/job/retry", on_change},
                                        ON_CLOCK(on_clock),
                                        {"disk/**", on_disk},
                                        {0}};

TRACE_PROPERTY(
    ageing, .name = "in a queue with ageing no job waits longer than its priority is worth",
    .kind = PROPERTY_ALWAYS,
    .about =
        "Strict priorities let a job starve as long as others come before it. With ageing, one "
        "priority counts as much as a time, and whoever has waited longer goes first. Trusts "
        "the clients for priorities, and the database's records and clock for times.",
    .state_size = sizeof(struct ageing), .on = on, .done = ageing_done);
