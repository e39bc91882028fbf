/* drain.c: a node that drains starts nothing new, and is done within its grace.
 *
 * What the harness does to the node meanwhile (a pause, a delay) is not held against it. */
#include "properties/life.h"
#include "properties/table.h"

#define SLACK_NS (10 * NS_PER_S) /* the last acknowledgements: the deadline of a store call */

struct node {
    bool draining;
    bool ended;
    int64_t begin_ns, grace_ns;
    int64_t hindered_ns; /* by faults since it began */
    int64_t paused_ns;   /* since when it is paused; 0: it is not */
};

struct drains {
    struct table nodes;
};

static struct node *node_of(struct drains *drains, const struct event *event)
{
    return TABLE_AT(&drains->nodes, event->node, struct node);
}

static void on_begin(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct node *node = node_of(ctx, event);
    node->draining = true;
    node->begin_ns = event->time_ns;
    node->grace_ns = event_i64(event, "grace_ms") * NS_PER_MS;
    node->hindered_ns = 0;
}

static void on_gone(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    *node_of(ctx, event) = (struct node){0};
}

static void drains_done(void *ctx)
{
    struct drains *drains = ctx;
    table_done(&drains->nodes);
}

/* ---- drain_is_quiet ---- */

static void on_start(struct judge *judge, void *ctx, const struct event *event)
{
    if (node_of(ctx, event)->draining)
        judge_fail(judge, event, "job %llu was started on node %u, which drains",
                   (unsigned long long)event_key(event), event->node);
}

static void on_quiet_end(struct judge *judge, void *ctx, const struct event *event)
{
    (void)ctx;
    (void)event;
    judge_checked(judge);
}

static const struct property_on quiet_on[] = {
    {"jobs/drain/begin", on_begin},
    {"jobs/drain/end", on_quiet_end},
    {"job/perform/start", on_start},
    ON_NODE_GONE(on_gone),
    {0},
};

TRACE_PROPERTY(
    drain_is_quiet, .name = "a node that drains starts nothing new", .kind = PROPERTY_ALWAYS,
    .about = "From the beginning of a drain until the node is started again, no job begins there: "
             "what would begin would be killed.",
    .state_size = sizeof(struct drains), .on = quiet_on, .done = drains_done);

/* ---- drain_in_time ---- */

static void on_fault(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct drains *drains = ctx;
    if (event->fault.kind == FAULT_DELAY || event->fault.kind == FAULT_TIMEOUT)
        node_of(drains, event)->hindered_ns += event->fault.lo_ns;
}

static void on_pause(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct node *node = node_of(ctx, event);
    if (node->paused_ns == 0)
        node->paused_ns = event->time_ns;
}

static void on_resume(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct node *node = node_of(ctx, event);
    if (node->paused_ns)
        node->hindered_ns += event->time_ns - node->paused_ns;
    node->paused_ns = 0;
}

/* How much later than allowed it is for this drain. */
static int64_t drain_late_ns(const struct node *node, int64_t now_ns)
{
    int64_t paused_ns = node->paused_ns ? now_ns - node->paused_ns : 0;
    return now_ns - node->begin_ns - node->grace_ns - SLACK_NS - node->hindered_ns - paused_ns;
}

static void on_end(struct judge *judge, void *ctx, const struct event *event)
{
    struct node *node = node_of(ctx, event);
    if (!node->draining || node->ended)
        return;
    node->ended = true;
    int64_t late_ns = drain_late_ns(node, event->time_ns);
    if (late_ns > 0)
        judge_fail(judge, event, "the drain of node %u took %lld ms more than its grace allows",
                   event->node, (long long)(late_ns / NS_PER_MS));
    else
        judge_checked(judge);
}

static void in_time_end(struct judge *judge, void *ctx)
{
    const struct drains *drains = ctx;
    for (size_t i = 0; i < drains->nodes.count; i++) {
        const struct node *node = table_value(&drains->nodes, i);
        if (node->draining && !node->ended && drain_late_ns(node, judge_now_ns(judge)) > 0)
            judge_fail(judge, NULL, "the drain of node %u never ended",
                       (unsigned)table_key(&drains->nodes, i));
    }
}

static const struct property_on in_time_on[] = {
    {"**", on_fault, .faulted = true},
    {"jobs/drain/begin", on_begin},
    {"jobs/drain/end", on_end},
    {"world/node/pause", on_pause},
    {"world/node/resume", on_resume},
    ON_NODE_GONE(on_gone),
    {0},
};

TRACE_PROPERTY(
    drain_in_time, .name = "a drain ends in its grace", .kind = PROPERTY_ALWAYS,
    .about =
        "A deployment that hangs is killed, and then jobs are lost to rescue for nothing. Ten "
        "seconds beyond the grace are for the last acknowledgements; pauses and delays count off.",
    .state_size = sizeof(struct drains), .on = in_time_on, .end = in_time_end, .done = drains_done);
