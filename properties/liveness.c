/* liveness.c: what must come about in the end, once everything is healed. */
#include "properties/life.h"
#include "properties/table.h"
#include <string.h>

/* ---- drains_after_heal ---- */

struct job {
    enum life state; /* as last recorded, or as seen at the end */
    bool acknowledged;
};

struct healing {
    bool healed;
    struct table jobs;
};

static struct job *job_of(struct healing *healing, uint64_t job)
{
    return TABLE_AT(&healing->jobs, job, struct job);
}

static void on_phase(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct healing *healing = ctx;
    healing->healed |= strcmp(event_str(event, "phase"), "liveness") == 0;
}

static void on_ok(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    job_of(ctx, event_u64(event, "job"))->acknowledged = true;
}

static void on_state(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    job_of(ctx, event_key(event))->state = event_state(event);
}

static void on_claim(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    job_of(ctx, event_key(event))->state = LIFE_EXECUTING;
}

static void on_cancel(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    job_of(ctx, event_key(event))->state = LIFE_CANCELLED;
}

static void on_gone(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    job_of(ctx, event_key(event))->state = LIFE_CANCELLED; /* nobody waits for it */
}

static void on_available(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    job_of(ctx, event_key(event))->state = LIFE_AVAILABLE;
}

static void healed_end(struct judge *judge, void *ctx)
{
    const struct healing *healing = ctx;
    if (!healing->healed)
        return;
    unsigned long long waiting = 0, acknowledged = 0;
    size_t first = 0;
    for (size_t i = 0; i < healing->jobs.count; i++) {
        const struct job *job = table_value(&healing->jobs, i);
        if (!job->acknowledged)
            continue;
        acknowledged++;
        if (!life_final(job->state) && waiting++ == 0)
            first = i;
    }
    if (waiting == 0 && acknowledged) {
        judge_checked(judge);
    } else if (waiting) {
        const struct job *job = table_value(&healing->jobs, first);
        judge_fail(judge, NULL,
                   "%llu of %llu acknowledged jobs never ended; the first: job %llu, %s", waiting,
                   acknowledged, (unsigned long long)table_key(&healing->jobs, first),
                   life_word(job->state));
    }
}

static void healing_done(void *ctx)
{
    struct healing *healing = ctx;
    table_done(&healing->jobs);
}

static const struct property_on heal_on[] = {
    {"world/phase/enter", on_phase},   {"client/insert/ok", on_ok},
    {"store/job/insert", on_state},    {"store/flow/release", on_state},
    {"store/job/stage", on_available}, {"store/job/claim", on_claim},
    {"store/job/finish", on_state},    {"store/job/rescue", on_state},
    {"store/job/expire", on_state},    {"store/job/retry", on_state},
    {"store/job/cancel", on_cancel},   {"store/job/update", on_state},
    {"store/job/delete", on_gone},     {"store/job/prune", on_gone},
    {"audit/job/row", on_state},       {0},
};

TRACE_PROPERTY(
    drains_after_heal, .name = "after healing, every acknowledged job ends",
    .kind = PROPERTY_EVENTUALLY,
    .about =
        "No crash leaves a job stuck: once the faults stop, each one that a client was promised "
        "reaches a final state. Judged by events and by what is there at the end.",
    .state_size = sizeof(struct healing), .on = heal_on, .end = healed_end, .done = healing_done);

/* ---- queues_come_back ---- */

#define RESTART_NS (10 * NS_PER_S) /* more than a restart ever takes in a healthy world */

struct queue {
    uint32_t node;
    uint64_t pid; /* 0: it does not run */
    int64_t since_ns;
    bool excused; /* its node is gone, leaves, or its supervisor gave up */
    bool stopped; /* by hand, or by another configuration */
    char name[32];
};

struct queues {
    struct table queues; /* by (node, hash of the name) */
    bool healed;
    int64_t now_ns;
};

static void on_queue_start(struct judge *judge, void *ctx, const struct event *event)
{
    struct queues *queues = ctx;
    uint64_t key = mix64_pair(event->node, hash_text(event_str(event, "queue")));
    struct queue *queue = TABLE_AT(&queues->queues, key, struct queue);
    *queue = (struct queue){.node = event->node, .pid = event->actor, .since_ns = event->time_ns};
    strncpy(queue->name, event_str(event, "queue"), sizeof queue->name - 1);
    judge_checked(judge);
}

/* It was stopped, or shall run again: from then on it has time to. */
static void on_queue_change(struct judge *judge, void *ctx, const struct event *event)
{
    struct queues *queues = ctx;
    uint64_t key = mix64_pair(event->node, hash_text(event_str(event, "queue")));
    struct queue *queue = table_find(&queues->queues, key);
    (void)judge;
    if (!queue)
        return;
    bool stopped = event_u64(event, "runs") == 0;
    if (queue->stopped && !stopped)
        queue->since_ns = event->time_ns;
    queue->stopped = stopped;
}

static void on_exit(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct queues *queues = ctx;
    if (!queue_of_label(event_str(event, "label")))
        return;
    for (size_t i = 0; i < queues->queues.count; i++) {
        struct queue *queue = table_value(&queues->queues, i);
        if (queue->node != event->node || queue->pid != event_key(event))
            continue;
        queue->pid = 0;
        queue->since_ns = event->time_ns;
    }
}

static void on_leave(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct queues *queues = ctx;
    for (size_t i = 0; i < queues->queues.count; i++) {
        struct queue *queue = table_value(&queues->queues, i);
        queue->excused |= queue->node == event->node;
    }
}

static void on_time(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct queues *queues = ctx;
    queues->now_ns = event->time_ns;
    queues->healed |= strcmp(event_str(event, "phase"), "liveness") == 0;
}

static void queues_end(struct judge *judge, void *ctx)
{
    const struct queues *queues = ctx;
    for (size_t i = 0; queues->healed && i < queues->queues.count; i++) {
        const struct queue *queue = table_value(&queues->queues, i);
        if (queue->pid || queue->excused || queue->stopped ||
            queue->since_ns > queues->now_ns - RESTART_NS)
            continue;
        judge_fail(
            judge, NULL, "queue %s on node %u died %lld ms before the end and never came back",
            queue->name, queue->node, (long long)((queues->now_ns - queue->since_ns) / NS_PER_MS));
    }
}

static void queues_done(void *ctx)
{
    struct queues *queues = ctx;
    table_done(&queues->queues);
}

static const struct property_on queues_on[] = {
    {"queue/process/start", on_queue_start},
    {"queue/limit/change", on_queue_change},
    {"proc/process/exit", on_exit},
    {"world/phase/enter", on_time},
    {"jobs/drain/begin", on_leave},
    {"sup/supervisor/giveup", on_leave},
    {"world/node/stop", on_leave},
    ON_NODE_GONE(on_leave),
    {0},
};

TRACE_PROPERTY(
    queues_come_back, .name = "a queue that died is started again", .kind = PROPERTY_EVENTUALLY,
    .about =
        "With other nodes around, nobody would miss a queue whose supervisor missed its death. "
        "Trusts the runtime's record of processes.",
    .state_size = sizeof(struct queues), .on = queues_on, .end = queues_end, .done = queues_done);
