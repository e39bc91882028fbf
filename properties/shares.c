/* shares.c: what is shared out reaches whom it is for: a key of a partitioned service the process of its partition (PART-01, PART-07, PART-08),
 * a broadcast each subscription of its topic, an event the consumer of its partition, in order (GST-22), the value of a task its owner, once. */
#include "properties/boots.h"

#include <stdlib.h>

/* ---- keys_routed ---- */

struct routing {
    struct boots boots;
    struct table open; /* by supervisor: uint64_t */
    struct table pids; /* by supervisor and child: uint64_t, the last known */
};

static uint64_t *open_of(struct routing *routing, const struct event *event)
{
    return TABLE_AT(&routing->open,
                    boots_key(&routing->boots, event->node, event_u64(event, "sup")), uint64_t);
}

static uint64_t *pid_of(struct routing *routing, const struct event *event, uint64_t number)
{
    uint64_t sup = boots_key(&routing->boots, event->node, event_u64(event, "sup"));
    return TABLE_AT(&routing->pids, mix64_pair(sup, number), uint64_t);
}

static void on_open(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    *open_of(ctx, event) = event_u64(event, "open");
}

static void on_child_up(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    char *end;
    const char *child = event_str(event, "child");
    uint64_t number = strtoull(child, &end, 10);
    if (*child && !*end)
        *pid_of(ctx, event, number) = event_u64(event, "pid");
}

static void on_route(struct judge *judge, void *ctx, const struct event *event)
{
    int64_t key = event_i64(event, "key");
    uint64_t open = *open_of(ctx, event), size = key < 0 ? 0 - (uint64_t)key : (uint64_t)key;
    unsigned long long pid = event_u64(event, "pid");
    judge_checked(judge);
    if (open == 0) {
        judge_fail(judge, event,
                   "key %lld was routed to process %llu by a supervisor without open "
                   "partitions",
                   (long long)key, pid);
        return;
    }
    unsigned long long due = *pid_of(ctx, event, size % open);
    if (pid != due)
        judge_fail(
            judge, event, "key %lld was routed to process %llu, but partition %llu of %llu is %llu",
            (long long)key, pid, (unsigned long long)(size % open), (unsigned long long)open, due);
}

static void routing_done(void *ctx)
{
    struct routing *routing = ctx;
    table_done(&routing->boots.lives);
    table_done(&routing->open);
    table_done(&routing->pids);
}

static const struct property_on on_routing[] = {{"sup/partition/open", on_open},
                                                {"sup/child/up", on_child_up},
                                                {"tree/partition/route", on_route},
                                                {"world/node/start", boots_next},
                                                {0}};

TRACE_PROPERTY(keys_routed, .name = "a key means the process of its partition",
               .kind = PROPERTY_ALWAYS,
               .about = "What two processes do for one key, they do against each other.",
               .state_size = sizeof(struct routing), .on = on_routing, .done = routing_done);

/* ---- broadcasts_reach ---- */

struct topics {
    struct boots boots;
    struct table counts; /* by hub and topic: int64_t, subscriptions */
    struct table own;    /* the same, by process besides */
};

static uint64_t topic_key(struct topics *topics, const struct event *event, const char *hub,
                          const char *topic)
{
    uint64_t key = boots_key(&topics->boots, event->node, event_u64(event, hub));
    return mix64_pair(key, hash_text(event_str(event, topic)));
}

static void subscriptions_add(struct topics *topics, const struct event *event, int64_t add)
{
    uint64_t key = topic_key(topics, event, "registry", "key");
    *TABLE_AT(&topics->counts, key, int64_t) += add;
    *TABLE_AT(&topics->own, mix64_pair(key, event_u64(event, "pid")), int64_t) += add;
}

static void on_subscribe(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    subscriptions_add(ctx, event, 1);
}

static void on_unsubscribe(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    subscriptions_add(ctx, event, -1);
}

static void on_broadcast(struct judge *judge, void *ctx, const struct event *event)
{
    struct topics *topics = ctx;
    uint64_t key = topic_key(topics, event, "hub", "topic"), except = event_u64(event, "except");
    int64_t due = *TABLE_AT(&topics->counts, key, int64_t), sent = event_i64(event, "sent");
    if (except)
        due -= *TABLE_AT(&topics->own, mix64_pair(key, except), int64_t);
    judge_checked(judge);
    if (sent > due || (sent < due && !event_u64(event, "wanted")))
        judge_fail(judge, event, "topic %s has %lld subscriptions, and %lld messages went out",
                   event_str(event, "topic"), (long long)due, (long long)sent);
}

static void topics_done(void *ctx)
{
    struct topics *topics = ctx;
    table_done(&topics->boots.lives);
    table_done(&topics->counts);
    table_done(&topics->own);
}

static const struct property_on on_topics[] = {{"registry/entry/register", on_subscribe},
                                               {"registry/entry/unregister", on_unsubscribe},
                                               {"pubsub/topic/broadcast", on_broadcast},
                                               {"world/node/start", boots_next},
                                               {0}};

TRACE_PROPERTY(
    broadcasts_reach, .name = "a broadcast reaches each subscription of its topic",
    .kind = PROPERTY_ALWAYS,
    .about = "Who subscribes relies on hearing all of it; who is gone must not be counted.",
    .state_size = sizeof(struct topics), .on = on_topics, .done = topics_done);

/* ---- events_in_place ---- */

struct streams {
    struct boots boots;
    struct table last; /* by consumer and producer: uint64_t, the number of the last event */
};

static void on_got(struct judge *judge, void *ctx, const struct event *event)
{
    struct streams *streams = ctx;
    uint64_t consumer = event_u64(event, "consumer"), producer = event_u64(event, "producer");
    uint64_t number = event_u64(event, "number"), of = event_u64(event, "of");
    uint64_t pair = mix64_pair(consumer, producer);
    uint64_t *last =
        TABLE_AT(&streams->last, boots_key(&streams->boots, event->node, pair), uint64_t);
    judge_checked(judge);
    if (number <= *last)
        judge_fail(judge, event, "consumer %llu got event %llu after %llu",
                   (unsigned long long)consumer, (unsigned long long)number,
                   (unsigned long long)*last);
    else if (of && number % of != event_u64(event, "partition"))
        judge_fail(judge, event, "consumer %llu of partition %llu got event %llu, which is of %llu",
                   (unsigned long long)consumer, (unsigned long long)event_u64(event, "partition"),
                   (unsigned long long)number, (unsigned long long)(number % of));
    *last = number;
}

static void streams_done(void *ctx)
{
    struct streams *streams = ctx;
    table_done(&streams->boots.lives);
    table_done(&streams->last);
}

static const struct property_on on_streams[] = {
    {"tree/event/got", on_got}, {"world/node/start", boots_next}, {0}};

TRACE_PROPERTY(events_in_place, .name = "events reach the consumer of their partition, in order",
               .kind = PROPERTY_ALWAYS,
               .about = "Partitions are there so that what belongs together stays together, and in "
                        "order.",
               .state_size = sizeof(struct streams), .on = on_streams, .done = streams_done);

/* ---- tasks_answer_once ---- */

struct assignment {
    uint64_t task, owner;
    bool sent, got;
};

struct assignments {
    struct boots boots;
    struct table tasks; /* by ref: struct assignment */
    struct table dead;  /* by process: bool */
};

static struct assignment *assignment_of(struct assignments *all, const struct event *event)
{
    return TABLE_AT(&all->tasks, boots_key(&all->boots, event->node, event_u64(event, "ref")),
                    struct assignment);
}

static bool *dead_at(struct assignments *all, const struct event *event, uint64_t pid)
{
    return TABLE_AT(&all->dead, boots_key(&all->boots, event->node, pid), bool);
}

static void on_task(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    *assignment_of(ctx, event) =
        (struct assignment){.task = event_u64(event, "task"), .owner = event_u64(event, "owner")};
}

static void on_value(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    assignment_of(ctx, event)->sent = true;
}

static void on_answer(struct judge *judge, void *ctx, const struct event *event)
{
    struct assignment *task = assignment_of(ctx, event);
    unsigned long long pid = task->task;
    if (!pid)
        return;
    judge_checked(judge);
    if (task->got)
        judge_fail(judge, event, "the owner of task %llu has heard of it twice", pid);
    else if (task->owner != event_u64(event, "owner"))
        judge_fail(judge, event, "process %llu heard of task %llu, which is not its own",
                   (unsigned long long)event_u64(event, "owner"), pid);
    else if (event_u64(event, "ok") && !task->sent)
        judge_fail(judge, event, "task %llu never had a value, and its owner has got one", pid);
    else if (!event_u64(event, "ok") && !*dead_at(ctx, event, pid))
        judge_fail(judge, event, "task %llu lives, and its owner was told that it does not", pid);
    task->got = true;
}

static void on_task_end(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    *dead_at(ctx, event, event_u64(event, "pid")) = true;
}

static void assignments_done(void *ctx)
{
    struct assignments *all = ctx;
    table_done(&all->boots.lives);
    table_done(&all->tasks);
    table_done(&all->dead);
}

static const struct property_on on_assignments[] = {
    {"task/task/start", on_task},     {"task/value/send", on_value},
    {"task/value/get", on_answer},    {"proc/process/exit", on_task_end},
    {"world/node/start", boots_next}, {0}};

TRACE_PROPERTY(tasks_answer_once, .name = "the owner of a task hears of it once",
               .kind = PROPERTY_ALWAYS,
               .about = "A value that comes twice, or late, is taken for that of the next task.",
               .state_size = sizeof(struct assignments), .on = on_assignments,
               .done = assignments_done);
