/* isolation.c: a job's death is its own. Its queue sees it, writes down the outcome, and lives on.
 *
 * A queue may die of a crash or a want of memory that was injected into it or into a process above it, of a supervisor
 * that gave up (a calm death, but its children may have to be killed), and with its node. Of
 * nothing else.
 */
#include "properties/life.h"
#include "properties/table.h"

struct process {
    uint64_t parent;
    bool crashed; /* by an injected fault */
};

struct isolation {
    struct table processes; /* by (node, process) */
    struct table leaving;   /* by node: it drains, stops, or its supervisor gave up; bool */
};

enum { ANCESTORS_MAX = 16 };

static struct process *process_of(struct isolation *isolation, uint32_t node, uint64_t pid)
{
    return TABLE_AT(&isolation->processes, mix64_pair(node, pid), struct process);
}

static void on_spawn(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    *process_of(ctx, event->node, event_key(event)) =
        (struct process){.parent = event_u64(event, "parent")};
}

static void on_fault(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    if (event->fault.kind == FAULT_CRASH)
        process_of(ctx, event->node, event->actor)->crashed = true;
}

/* It got no memory, which ends a process as an exception does. */
static void on_memory(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    if (event->fault.kind != FAULT_NONE)
        process_of(ctx, event->node, event->actor)->crashed = true;
}

/* A nemesis killed it from outside. */
static void on_actor(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    process_of(ctx, event->node, event_u64(event, "which"))->crashed = true;
}

static void on_leave(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct isolation *isolation = ctx;
    *TABLE_AT(&isolation->leaving, event->node, bool) = true;
}

static void on_boot(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct isolation *isolation = ctx;
    *TABLE_AT(&isolation->leaving, event->node, bool) = false;
}

static void on_job_crash(struct judge *judge, void *ctx, const struct event *event)
{
    (void)ctx;
    (void)event;
    judge_checked(judge);
}

static bool crash_injected(struct isolation *isolation, uint32_t node, uint64_t pid)
{
    for (int i = 0; pid && i < ANCESTORS_MAX; i++) {
        const struct process *process = process_of(isolation, node, pid);
        if (process->crashed)
            return true;
        pid = process->parent;
    }
    return false;
}

static void on_exit(struct judge *judge, void *ctx, const struct event *event)
{
    struct isolation *isolation = ctx;
    const char *queue = queue_of_label(event_str(event, "label"));
    if (!queue || event_u64(event, "calm") || *TABLE_AT(&isolation->leaving, event->node, bool))
        return;
    if (!crash_injected(isolation, event->node, event_key(event)))
        judge_fail(judge, event, "queue %s on node %u died though nothing hit it: %s", queue,
                   event->node, event_str(event, "reason"));
}

static void isolation_done(void *ctx)
{
    struct isolation *isolation = ctx;
    table_done(&isolation->processes);
    table_done(&isolation->leaving);
}

static const struct property_on on[] = {
    {"proc/process/spawn", on_spawn},  {"**", on_fault, .faulted = true},
    {"memory/heap/alloc", on_memory},  {"job/perform/crash", on_job_crash},
    {"proc/process/exit", on_exit},    {"sup/supervisor/giveup", on_leave},
    {"sup/supervisor/stop", on_leave}, {"jobs/drain/begin", on_leave},
    {"world/node/stop", on_leave},     {"world/node/start", on_boot},
    {"world/actor/crash", on_actor},   {0},
};

TRACE_PROPERTY(
    crash_isolated, .name = "a crashed job never takes its queue down", .kind = PROPERTY_ALWAYS,
    .about = "One bad job must not stop the others. Trusts the runtime's record of processes, and "
             "the harness's of what it crashed.",
    .state_size = sizeof(struct isolation), .on = on, .done = isolation_done);
