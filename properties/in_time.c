/* in_time.c: a run of a job ends within its time: its time limit, or what is left until the job's deadline.
 *
 * However it ends: by itself, killed, or with its process or node. What the harness does to the node meanwhile (a pause, a delay) is
 * not held against it, nor is one call to the store that does not answer: its queue waits for that before it looks at the clock. */
#include "properties/array.h"
#include "properties/life.h"
#include "properties/table.h"

#include <stdlib.h>

#define SLACK_NS (10 * NS_PER_S) /* the deadline of a store call, and some more */

struct timed {
    uint32_t node;
    uint64_t actor, job, lease;
    int64_t begin_ns, within_ns;
    int64_t hindered_ns; /* its node's, when it began */
};

struct node {
    int64_t hindered_ns; /* by faults, ever */
    int64_t paused_ns;   /* since when it is paused; 0: it is not */
};

struct in_time {
    struct table nodes;
    struct timed *runs;
    size_t count, capacity;
};

static struct node *node_of(struct in_time *state, uint32_t node)
{
    return TABLE_AT(&state->nodes, node, struct node);
}

static void on_fault(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    if (event->fault.kind == FAULT_DELAY || event->fault.kind == FAULT_TIMEOUT)
        node_of(ctx, event->node)->hindered_ns += event->fault.lo_ns;
}

static void on_pause(struct judge *judge, void *ctx, const struct event *event)
{
    struct node *node = node_of(ctx, event->node);
    (void)judge;
    if (node->paused_ns == 0)
        node->paused_ns = event->time_ns;
}

static void on_resume(struct judge *judge, void *ctx, const struct event *event)
{
    struct node *node = node_of(ctx, event->node);
    (void)judge;
    if (node->paused_ns)
        node->hindered_ns += event->time_ns - node->paused_ns;
    node->paused_ns = 0;
}

static void on_start(struct judge *judge, void *ctx, const struct event *event)
{
    struct in_time *state = ctx;
    int64_t within_ms = event_i64(event, "within_ms");
    (void)judge;
    if (within_ms <= 0)
        return;
    state->runs = array_grow(state->runs, state->count, &state->capacity, sizeof *state->runs);
    state->runs[state->count++] =
        (struct timed){.node = event->node,
                       .actor = event->actor,
                       .job = event_key(event),
                       .lease = event_u64(event, "lease"),
                       .begin_ns = event->time_ns,
                       .within_ns = within_ms * NS_PER_MS,
                       .hindered_ns = node_of(state, event->node)->hindered_ns};
}

/* ---- the end of a run ---- */

static int64_t late_ns(struct in_time *state, const struct timed *run, int64_t now_ns)
{
    const struct node *node = node_of(state, run->node);
    int64_t paused_ns = node->paused_ns ? now_ns - node->paused_ns : 0;
    int64_t hindered_ns = node->hindered_ns - run->hindered_ns + paused_ns;
    return now_ns - run->begin_ns - run->within_ns - SLACK_NS - hindered_ns;
}

static void run_judge(struct judge *judge, struct in_time *state, const struct timed *run,
                      const struct event *event)
{
    if (late_ns(state, run, judge_now_ns(judge)) > 0)
        judge_fail(judge, event, "job %llu ran for %lld ms under lease %llu; it had %lld ms",
                   (unsigned long long)run->job,
                   (long long)((judge_now_ns(judge) - run->begin_ns) / NS_PER_MS),
                   (unsigned long long)run->lease, (long long)(run->within_ns / NS_PER_MS));
    else if (event)
        judge_checked(judge);
}

static void runs_end(struct judge *judge, struct in_time *state, const struct event *event,
                     bool (*ended)(const struct timed *, const struct event *))
{
    size_t left = 0;
    for (size_t i = 0; i < state->count; i++) {
        if (ended(&state->runs[i], event))
            run_judge(judge, state, &state->runs[i], event);
        else
            state->runs[left++] = state->runs[i];
    }
    state->count = left;
}

static bool same_run(const struct timed *run, const struct event *event)
{
    return run->node == event->node && run->job == event_key(event) &&
           run->lease == event_u64(event, "lease");
}

static bool same_process(const struct timed *run, const struct event *event)
{
    return run->node == event->node && run->actor == event_key(event);
}

static bool same_node(const struct timed *run, const struct event *event)
{
    return run->node == event->node;
}

static void on_end(struct judge *judge, void *ctx, const struct event *event)
{
    runs_end(judge, ctx, event, same_run);
}

static void on_process_exit(struct judge *judge, void *ctx, const struct event *event)
{
    runs_end(judge, ctx, event, same_process);
}

static void on_gone(struct judge *judge, void *ctx, const struct event *event)
{
    runs_end(judge, ctx, event, same_node);
    node_of(ctx, event->node)->paused_ns = 0;
}

static void in_time_end(struct judge *judge, void *ctx)
{
    const struct in_time *state = ctx;
    for (size_t i = 0; i < state->count; i++)
        run_judge(judge, ctx, &state->runs[i], NULL);
}

static void in_time_done(void *ctx)
{
    struct in_time *state = ctx;
    table_done(&state->nodes);
    free(state->runs);
}

static const struct property_on on[] = {
    {"**", on_fault, .faulted = true},
    {"world/node/pause", on_pause},
    {"world/node/resume", on_resume},
    {"job/perform/start", on_start},
    {"job/perform/stop", on_end},
    {"job/perform/crash", on_end},
    {"job/perform/timeout", on_end},
    {"job/perform/expire", on_end},
    {"job/perform/lost", on_end},
    {"proc/process/exit", on_process_exit},
    ON_NODE_GONE(on_gone),
    {0},
};

TRACE_PROPERTY(
    runs_in_time, .name = "a run ends within its time limit, and before its job's deadline",
    .kind = PROPERTY_ALWAYS,
    .about = "A job that hangs keeps a place of its queue until somebody ends it. Ten seconds more "
             "are for a store that does not answer; pauses and delays count off.",
    .state_size = sizeof(struct in_time), .on = on, .end = in_time_end, .done = in_time_done);
