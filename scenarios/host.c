/* host.c: see host.h. */
#include "scenarios/host.h"

#include "harness/world/schedule.h"
#include "sut/runtime/fiber.h"

#include <stddef.h>
#include <stdlib.h>

/* For the next boot, in this run or a later one; what stands on them is nobody's business. */
static struct fiber_spares spares, thread_spares;
static struct heap_stock stock;

struct heap *host_heap_new(void)
{
    return heap_stocked(&stock);
}

/* ---- the environment ---- */

struct host *host_of_env(struct env *env)
{
    return (struct host *)((char *)env - offsetof(struct host, env));
}

struct host *host_of(struct proc *self)
{
    return host_of_env(proc_env(self));
}

static int64_t env_mono(struct env *env)
{
    return node_mono_ns(host_of_env(env)->node);
}

static int64_t env_wall(struct env *env)
{
    return node_wall_ns(host_of_env(env)->node);
}

static uint64_t env_bits(struct env *env)
{
    struct host *host = host_of_env(env);
    struct choice choice = {.stream = STREAM_ENTROPY,
                            .name = "env/entropy/draw",
                            .node = host->node->id,
                            .key = host->node->boots,
                            .ordinal = ++host->entropies};
    return tape_choose(world_tape(host->world), &choice, UINT64_MAX);
}

struct errand { /* blocking work, under way */
    struct host *host;
    struct work *work;
};

static void errand_done(void *arg)
{
    struct errand errand = *(struct errand *)arg;
    heap_release(errand.host->env.heap, arg);
    errand.work->done(errand.work);
}

static void run_errand(void *arg)
{
    struct errand *errand = arg;
    struct host *host = errand->host;
    struct work_desk *desk = &host->desk;
    struct world *world = host->world;
    if (desk->busy_until > world_now(world)) {
        world_at(world, host->node, desk->busy_until, run_errand, arg);
        return;
    }
    *desk = (struct work_desk){.at_work = true};
    errand->work->run(errand->work);
    desk->at_work = false;
    if (desk->stalled_ns == 0) {
        errand_done(errand);
        return;
    }
    desk->busy_until = world_now(world) + desk->stalled_ns;
    world_at(world, host->node, desk->busy_until, errand_done, errand);
}

/* A worker thread: takes its time, then does all of it at one instant. */
static void env_do(struct env *env, struct work *work)
{
    struct host *host = host_of_env(env);
    struct world *world = host->world;
    struct choice choice = {.stream = STREAM_WORK,
                            .name = "env/work/latency",
                            .node = host->node->id,
                            .key = host->node->boots,
                            .ordinal = ++host->works};
    struct errand *errand = heap_alloc(env->heap, sizeof *errand);
    *errand = (struct errand){.host = host, .work = work};
    int64_t takes = tape_between(world_tape(world), &choice, 50000, 1000000);
    world_at(world, host->node, world_now(world) + takes, run_errand, errand);
}

/* ---- threads ---- */

/* A thread of the node: a fiber that takes no time but while it naps. Nothing can be injected into it: no process runs there. */
struct strand {
    struct host *host;
    struct thread_work *work;
    struct fiber *fiber;
    world_timer wake; /* 0: it runs */
    bool asleep;      /* nothing but time wakes it */
};

static void strand_main(void *arg)
{
    struct thread_work *work = ((struct strand *)arg)->work;
    work->work.run(&work->work);
}

static void strand_go(void *arg)
{
    struct strand *strand = arg;
    struct host *host = strand->host;
    struct work *work = &strand->work->work;
    strand->wake = 0;
    host->strand = strand;
    fiber_switch(strand->fiber);
    host->strand = NULL;
    if (!fiber_ended(strand->fiber))
        return;
    world_cancel(host->world, strand->wake);
    fiber_free(host->threads, strand->fiber);
    heap_release(host->env.heap, strand);
    work->driver = NULL;
    work->done(work);
}

static void strand_go_at(struct strand *strand, int64_t at)
{
    struct host *host = strand->host;
    world_cancel(host->world, strand->wake);
    strand->wake = world_at(host->world, host->node, at, strand_go, strand);
}

static void thread_start(struct env *env, struct thread_work *work)
{
    struct host *host = host_of_env(env);
    struct strand *strand = heap_alloc(env->heap, sizeof *strand);
    struct choice choice = {.stream = STREAM_WORK,
                            .name = "env/thread/latency",
                            .node = host->node->id,
                            .key = host->node->boots,
                            .ordinal = ++host->works};
    if (!host->threads)
        host->threads = fiber_pool_new(env->heap, 0, &thread_spares);
    *strand = (struct strand){.host = host, .work = work};
    strand->fiber = fiber_new(host->threads, strand_main, strand);
    if (!strand->fiber)
        abort();
    work->work.driver = strand;
    int64_t takes = tape_between(world_tape(host->world), &choice, 50000, 1000000);
    strand_go_at(strand, world_now(host->world) + takes);
}

static void strand_rest(struct host *host, int64_t ns)
{
    struct strand *strand = host->strand;
    strand_go_at(strand, node_when_ns(host->node, node_mono_ns(host->node) + ns));
    fiber_yield(strand->fiber);
}

static bool thread_nap(struct env *env, struct thread_work *work, int64_t ns)
{
    if (!work->cancelled)
        strand_rest(host_of_env(env), ns);
    return !work->cancelled;
}

void host_sleep(struct host *host, int64_t ns)
{
    struct strand *strand = host->strand;
    strand->asleep = true;
    strand_rest(host, ns);
    strand->asleep = false;
}

static void thread_cancel(struct env *env, struct thread_work *work)
{
    struct strand *strand = work->work.driver;
    work->cancelled = 1;
    if (!strand->asleep)
        strand_go_at(strand, world_now(host_of_env(env)->world));
}

static void env_say(struct env *env, enum log_level level, const char *line)
{
    (void)env, (void)level,
        (void)line; /* a simulated node's log goes nowhere: the trace is its log */
}

static size_t env_pick(struct env *env, const uint64_t *ready, size_t count)
{
    struct host *host = host_of_env(env);
    return world_pick(host->world, host->node, ready, count);
}

static const struct env_ops env_ops = {.mono_ns = env_mono,
                                       .wall_ns = env_wall,
                                       .entropy = env_bits,
                                       .submit = env_do,
                                       .log = env_say,
                                       .pick = env_pick,
                                       .thread_start = thread_start,
                                       .thread_nap = thread_nap,
                                       .thread_cancel = thread_cancel};

/* ---- driving the runtime ---- */

static void wake(void *arg)
{
    struct host *host = arg;
    host->wake = 0;
    int64_t next = runtime_run(host->runtime);
    if (next == INT64_MIN || host->node->state == NODE_DOWN)
        return; /* the node died in there */
    if (host->wake && host->wake_ns <= next)
        return;
    world_cancel(host->world, host->wake);
    host->wake = 0;
    if (next != INT64_MAX) {
        host->wake_ns = next;
        host->wake = world_at(host->world, host->node, node_when_ns(host->node, next), wake, host);
    }
}

static void wake_soon(void *arg)
{
    struct host *host = arg;
    struct world *world = host->world;
    int64_t now = node_mono_ns(host->node);
    if (host->wake && host->wake_ns <= now)
        return;
    world_cancel(world, host->wake);
    host->wake_ns = now;
    host->wake = world_at(world, host->node, world_now(world), wake, host);
}

/* ---- its life ---- */

void host_boot(struct host *host)
{
    host->env = (struct env){.ops = &env_ops,
                             .heap = host_heap_new(),
                             .site = host->node->site,
                             .node_name = host->node->name};
    host->entropies = host->works = 0;
    host->desk = (struct work_desk){0};
    host->wake = 0;
    host->threads = NULL;
    host->strand = NULL;
}

void host_run(struct host *host, bool trace_signals)
{
    struct runtime_options options = {.spares = &spares, .trace_signals = trace_signals};
    host->runtime = runtime_new(&host->env, &options);
    if (!host->runtime)
        abort();
    runtime_on_wake(host->runtime, wake_soon, host);
    wake_soon(host);
}

void host_dead(struct host *host)
{
    runtime_free(host->runtime);
    fiber_pool_free(host->threads);
    host->threads = NULL;
    heap_free(host->env.heap);
    host->runtime = NULL;
    host->env.heap = NULL;
    host->wake = 0;
}

/* ---- faults ---- */

static struct runtime *running(struct host *host)
{
    return host->runtime && runtime_current(host->runtime) ? host->runtime : NULL;
}

bool host_can_stall(struct node *node, struct point_site *at)
{
    (void)at;
    struct host *host = node->ctx;
    return host->desk.at_work || running(host) != NULL;
}

void host_stall(struct node *node, struct point_site *at, int64_t ns)
{
    struct host *host = node->ctx;
    (void)at;
    if (host->desk.at_work)
        host->desk.stalled_ns += ns;
    else
        proc_stall(runtime_current(running(host)), ns);
}

void host_crash(struct node *node, struct point_site *at)
{
    (void)at;
    proc_exit(runtime_current(running(node->ctx)), reason_make(EXIT_ERROR, "injected crash"));
}

void host_leave(struct node *node, struct point_site *at)
{
    struct host *host = node->ctx;
    (void)at;
    if (running(host))
        runtime_abandon(host->runtime);
    world_escape(host->world);
}

void host_crash_actor(struct node *node, uint64_t actor)
{
    struct host *host = node->ctx;
    proc_signal(host->runtime, 0, actor, reason_make(EXIT_KILL, "%s", ""));
}
