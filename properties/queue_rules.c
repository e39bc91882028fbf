/* queue_rules.c: what is said of a queue holds from the moment it was said, on all nodes: pause, limits over all nodes, limits
 * and rates of parts. Judged by the database's own records and its own clock: which jobs it handed out, and when it took them
 * back. A fault in the middle of a disk operation leaves doubt about what was committed: what was known before it is forgotten.
 */
#include "properties/array.h"
#include "properties/clocks.h"
#include "properties/life.h"

struct rule {
    bool known, paused, by_part;
    int64_t global, part, rate, rate_ms;
    uint64_t doubts;
    size_t first; /* in the log: claims before it were made under another rate */
};

struct place { /* of a job that runs */
    uint64_t queue, part;
    bool taken;
    bool counted; /* it was claimed under a limit of the whole queue */
    uint64_t doubts;
};

struct begun {
    uint64_t queue, part;
    int64_t ms;
};

struct rules {
    struct doubt doubt;
    struct clocks clocks;
    struct table queues; /* struct rule, by name */
    struct table jobs;   /* struct place, by id */
    struct begun *log;
    size_t log_count, log_capacity;
};

static void on_disk(struct judge *judge, void *ctx, const struct event *event)
{
    struct rules *rules = ctx;
    doubt_raise(judge, &rules->doubt, event);
}

/* A clock that was set is another clock: what began by the old one says nothing by the new one. */
static void on_clock(struct judge *judge, void *ctx, const struct event *event)
{
    struct rules *rules = ctx;
    (void)judge;
    clocks_event(&rules->clocks, event);
    for (size_t i = 0; i < rules->queues.count; i++)
        ((struct rule *)table_value(&rules->queues, i))->first = rules->log_count;
}

static uint64_t queue_key(const struct event *event)
{
    return hash_text(event_str(event, "queue"));
}

static void on_set(struct judge *judge, void *ctx, const struct event *event)
{
    struct rules *rules = ctx;
    struct rule *rule = TABLE_AT(&rules->queues, queue_key(event), struct rule);
    (void)judge;
    *rule = (struct rule){
        .known = true,
        .paused = event_u64(event, "paused"),
        .by_part = event_u64(event, "by_part"),
        .global = event_i64(event, "global"),
        .part = event_i64(event, "part"),
        .rate = event_i64(event, "rate"),
        .rate_ms = event_i64(event, "rate_ms"),
        .doubts = rules->doubt.faults,
        .first = rules->log_count,
    };
}

static void on_forget(struct judge *judge, void *ctx, const struct event *event)
{
    struct rules *rules = ctx;
    (void)judge;
    *TABLE_AT(&rules->queues, queue_key(event), struct rule) = (struct rule){0};
}

/* NULL: nothing is surely said of it. */
static const struct rule *rule_of(struct rules *rules, uint64_t queue)
{
    const struct rule *rule = table_find(&rules->queues, queue);
    return rule && rule->known && rule->doubts == rules->doubt.faults ? rule : NULL;
}

static uint64_t running(const struct rules *rules, uint64_t queue, uint64_t part)
{
    uint64_t count = 0;
    for (size_t i = 0; i < rules->jobs.count; i++) {
        const struct place *place = table_value(&rules->jobs, i);
        count += place->taken && place->queue == queue && place->doubts == rules->doubt.faults &&
                 (part ? place->part == part : place->counted);
    }
    return count;
}

static bool by_rate(const struct rule *rule, uint64_t part)
{
    return rule->rate >= 0 && rule->by_part == (part != 0);
}

/* How many were claimed within the length of the rate, this one included. A millisecond may be lost to rounding. */
static int64_t begin(struct rules *rules, const struct event *event, const struct rule *rule,
                     uint64_t queue, uint64_t part)
{
    int64_t ms = clocks_wall(&rules->clocks, event->node, event->time_ns) / NS_PER_MS, count = 0;
    rules->log = array_grow(rules->log, rules->log_count, &rules->log_capacity, sizeof *rules->log);
    rules->log[rules->log_count++] = (struct begun){.queue = queue, .part = part, .ms = ms};
    for (size_t i = rule->first; i < rules->log_count; i++)
        count += rules->log[i].queue == queue && rules->log[i].part == part &&
                 rules->log[i].ms > ms - rule->rate_ms + 1;
    return count;
}

static void judge_limits(struct judge *judge, struct rules *rules, const struct event *event,
                         const struct rule *rule, uint64_t part)
{
    uint64_t queue = queue_key(event);
    int64_t limit = part ? rule->part : rule->global;
    uint64_t count = limit < 0 ? 0 : running(rules, queue, part);
    int64_t begun = by_rate(rule, part) ? begin(rules, event, rule, queue, part) : -1;
    if (limit >= 0 && count > (uint64_t)limit)
        judge_fail(judge, event, "%llu jobs of %s run at once; its limit is %lld",
                   (unsigned long long)count, event_str(event, part ? "part" : "queue"),
                   (long long)limit);
    else if (begun > rule->rate)
        judge_fail(judge, event, "%lld jobs of %s began within %lld ms; its rate is %lld",
                   (long long)begun, event_str(event, part ? "part" : "queue"),
                   (long long)rule->rate_ms, (long long)rule->rate);
    else
        judge_checked(judge);
}

static void on_claim(struct judge *judge, void *ctx, const struct event *event)
{
    struct rules *rules = ctx;
    const struct rule *rule = rule_of(rules, queue_key(event));
    *TABLE_AT(&rules->jobs, event_key(event), struct place) =
        (struct place){.taken = true,
                       .queue = queue_key(event),
                       .counted = rule && rule->global >= 0,
                       .doubts = rules->doubt.faults};
    if (!rule)
        return;
    if (rule->paused)
        judge_fail(judge, event, "job %llu of queue %s was handed out though it is paused",
                   (unsigned long long)event_key(event), event_str(event, "queue"));
    else
        judge_limits(judge, rules, event, rule, 0);
}

/* Follows the claim of a job that belongs to a part. */
static void on_part(struct judge *judge, void *ctx, const struct event *event)
{
    struct rules *rules = ctx;
    const struct rule *rule = rule_of(rules, queue_key(event));
    struct place *place = TABLE_AT(&rules->jobs, event_key(event), struct place);
    place->part = hash_text(event_str(event, "part"));
    if (rule)
        judge_limits(judge, rules, event, rule, place->part);
}

static void on_over(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    TABLE_AT(&((struct rules *)ctx)->jobs, event_key(event), struct place)->taken = false;
}

static void rules_done(void *ctx)
{
    struct rules *rules = ctx;
    clocks_done(&rules->clocks);
    table_done(&rules->queues);
    table_done(&rules->jobs);
    free(rules->log);
}

static const struct property_on on[] = {
    {"store/queue/set", on_set},   {"store/queue/forget", on_forget},
    {"store/job/claim", on_claim}, {"store/job/part", on_part},
    {"store/job/finish", on_over}, {"store/job/rescue", on_over},
    {"store/job/cancel", on_over}, ON_CLOCK(on_clock),
    {"disk/**", on_disk},          {0}};

TRACE_PROPERTY(
    queue_rules, .name = "what is said of a queue holds on all nodes", .kind = PROPERTY_ALWAYS,
    .about = "From the moment a pause, a limit or a rate of a queue or of its parts was "
             "answered, the database hands out no job against it. Rates hold in any window of "
             "their length, by the clock of the database.",
    .state_size = sizeof(struct rules), .on = on, .done = rules_done);
