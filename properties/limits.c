/* limits.c: how many jobs of a queue run at once on a node. */
#include "harness/hash.h"
#include "properties/runs.h"

/* A thread or child that goes on after its attempt calls what jobs call: it counts until it returns. */
static void on_overrun(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    runs_open(ctx, (struct run_span){.node = event->node,
                                     .job = event_key(event),
                                     .lease = event_u64(event, "lease"),
                                     .queue = hash_text(event_str(event, "queue"))});
}

static void on_start(struct judge *judge, void *ctx, const struct event *event)
{
    struct runs *runs = ctx;
    uint64_t queue = hash_text(event_str(event, "queue")), limit = event_u64(event, "limit");
    runs_open(runs, (struct run_span){.node = event->node,
                                      .actor = event->actor,
                                      .job = event_key(event),
                                      .lease = event_u64(event, "lease"),
                                      .queue = queue});
    size_t running = runs_count(runs, event->node, queue);
    if (running > limit)
        judge_fail(judge, event, "queue %s on node %u runs %zu jobs at once; its limit is %llu",
                   event_str(event, "queue"), event->node, running, (unsigned long long)limit);
    else
        judge_checked(judge);
}

static void limits_done(void *runs)
{
    runs_done(runs);
}

static const struct property_on on[] = {{"job/perform/start", on_start},
                                        {"job/outside/overrun", on_overrun},
                                        {"job/outside/return", runs_on_end},
                                        ON_RUN_END,
                                        {0}};

TRACE_PROPERTY(
    queue_limit, .name = "a queue never exceeds its limit", .kind = PROPERTY_ALWAYS,
    .about = "The limit protects what the jobs call. Counts the runs that have begun on a node and "
             "neither ended nor died with their process or the node, and threads that outlive "
             "their attempt.",
    .state_size = sizeof(struct runs), .on = on, .done = limits_done);

/* ---- thread_limit ---- */

/* The job's code itself says when it begins and when it has returned, whatever the system believes. */
static void on_thread_run(struct judge *judge, void *ctx, const struct event *event)
{
    struct runs *runs = ctx;
    uint64_t queue = hash_text(event_str(event, "queue")), limit = event_u64(event, "limit");
    runs_open(runs, (struct run_span){.node = event->node,
                                      .job = event_key(event),
                                      .lease = event_u64(event, "lease"),
                                      .queue = queue});
    size_t running = runs_count(runs, event->node, queue);
    if (running > limit)
        judge_fail(judge, event,
                   "%zu threads of queue %s run on node %u at once; its limit is %llu", running,
                   event_str(event, "queue"), event->node, (unsigned long long)limit);
    else
        judge_checked(judge);
}

static const struct property_on thread_on[] = {{"work/thread/run", on_thread_run},
                                               {"work/thread/return", runs_on_end},
                                               ON_NODE_GONE(runs_on_node_gone),
                                               {0}};

TRACE_PROPERTY(
    thread_limit, .name = "threads that outlive their attempt count for the limit of their queue",
    .kind = PROPERTY_ALWAYS,
    .about = "Nobody can kill a thread. If its place were given away, a job that hangs would take "
             "one thread more at each attempt, until there are none left. Trusts the job's code.",
    .state_size = sizeof(struct runs), .on = thread_on, .done = limits_done);
