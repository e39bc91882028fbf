/* App nodes: the job system's runtime, driven by the world instead of libuv.
 *
 * The world calls the runtime when it has something to do, and the runtime says when it wants to be called again. All memory of a
 * node is in one heap; when the node dies, the runtime's stacks and that heap are dropped, nothing else.
 */
#include "scenarios/jobs/adapter.h"

#include "harness/world/schedule.h"
#include "sut/runtime/fiber.h"
#include "sut/runtime/supervisor.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOOT_RETRY_NS INT64_C(1000000000)

/* For the next boot, in this run or a later one; what stands on them is nobody's business. */
static struct fiber_spares spares;

/* ---- the environment ---- */

static struct app *app_of_env(struct env *env)
{
    return (struct app *)((char *)env - offsetof(struct app, env));
}

static int64_t env_mono(struct env *env)
{
    return node_mono_ns(app_of_env(env)->node);
}

static int64_t env_wall(struct env *env)
{
    return node_wall_ns(app_of_env(env)->node);
}

static uint64_t env_bits(struct env *env)
{
    struct app *app = app_of_env(env);
    struct choice choice = {.stream = STREAM_ENTROPY,
                            .name = "env/entropy/draw",
                            .node = app->node->id,
                            .key = app->node->boots,
                            .ordinal = ++app->entropies};
    return tape_choose(world_tape(app->adapter->world), &choice, UINT64_MAX);
}

struct errand { /* blocking work, under way */
    struct app *app;
    struct work *work;
};

static void errand_done(void *arg)
{
    struct errand errand = *(struct errand *)arg;
    heap_release(errand.app->env.heap, arg);
    errand.work->done(errand.work);
}

static void run_errand(void *arg)
{
    struct errand *errand = arg;
    struct app *app = errand->app;
    struct work_desk *desk = &app->desk;
    struct world *world = app->adapter->world;
    if (desk->busy_until > world_now(world)) {
        world_at(world, app->node, desk->busy_until, run_errand, arg);
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
    world_at(world, app->node, desk->busy_until, errand_done, errand);
}

/* A worker thread: takes its time, then does all of it at one instant. */
static void env_do(struct env *env, struct work *work)
{
    struct app *app = app_of_env(env);
    struct world *world = app->adapter->world;
    struct choice choice = {.stream = STREAM_WORK,
                            .name = "env/work/latency",
                            .node = app->node->id,
                            .key = app->node->boots,
                            .ordinal = ++app->works};
    struct errand *errand = heap_alloc(env->heap, sizeof *errand);
    *errand = (struct errand){.app = app, .work = work};
    int64_t takes = tape_between(world_tape(world), &choice, 50000, 1000000);
    world_at(world, app->node, world_now(world) + takes, run_errand, errand);
}

static void env_say(struct env *env, enum log_level level, const char *line)
{
    (void)env, (void)level,
        (void)line; /* a simulated node's log goes nowhere: the trace is its log */
}

static size_t env_pick(struct env *env, const uint64_t *ready, size_t count)
{
    struct app *app = app_of_env(env);
    return world_pick(app->adapter->world, app->node, ready, count);
}

const struct env_ops app_env_ops = {.mono_ns = env_mono,
                                    .wall_ns = env_wall,
                                    .entropy = env_bits,
                                    .submit = env_do,
                                    .log = env_say,
                                    .pick = env_pick};

/* ---- driving the runtime ---- */

static void wake(void *arg)
{
    struct app *app = arg;
    app->wake = 0;
    int64_t next = runtime_run(app->runtime);
    if (next == INT64_MIN || app->node->state == NODE_DOWN)
        return; /* the node died in there */
    if (app->wake && app->wake_ns <= next)
        return;
    world_cancel(app->adapter->world, app->wake);
    app->wake = 0;
    if (next != INT64_MAX) {
        app->wake_ns = next;
        app->wake =
            world_at(app->adapter->world, app->node, node_when_ns(app->node, next), wake, app);
    }
}

static void wake_soon(void *arg)
{
    struct app *app = arg;
    struct world *world = app->adapter->world;
    int64_t now = node_mono_ns(app->node);
    if (app->wake && app->wake_ns <= now)
        return;
    world_cancel(world, app->wake);
    app->wake_ns = now;
    app->wake = world_at(world, app->node, world_now(world), wake, app);
}

/* ---- starting and stopping ---- */

static bool connect_store(struct app *app)
{
    struct database *database = &app->adapter->database;
    if (database->node) {
        database_connect(app);
        return true;
    }
    app->db = database_open(database, &app->env, app->node);
    if (!app->db)
        return false;
    store_local_init(&app->store, app->db, workload_value(app->adapter, W_DEADLINE));
    return true;
}

/* Its supervisor could not keep the job system up: the process ends, and an init system starts it again. */
static void gave_up(void *ctx)
{
    struct app *app = ctx;
    node_kill(app->node, false, true);
    node_boot_after(app->node, BOOT_RETRY_NS);
}

/* The clients are an application of the node, too: when their supervisor fails, so does the node. */
static void clients_watch(struct proc *self, void *arg)
{
    for (;;)
        if (proc_receive(self, WAIT_FOREVER)->tag == MSG_EXIT)
            gave_up(arg);
}

static bool start_clients(struct app *app)
{
    const char *why;
    struct child_spec client = {.id = "client",
                                .main = client_main,
                                .arg = app, /* arg_size 0: the pointer itself */
                                .restart = RESTART_TRANSIENT};
    struct supervisor_spec spec = {.label = "clients",
                                   .intensity = 1000,
                                   .period_s = 1,
                                   .children = &client,
                                   .child_count = 1};
    app->clients = proc_spawn(app->runtime, &(struct proc_spec){.label = "clients watch",
                                                                .main = clients_watch,
                                                                .arg = app,
                                                                .trap_exit = true});
    return app->clients && supervisor_start(app->runtime, app->clients, &spec, &why) != 0;
}

static bool start_jobs(struct app *app)
{
    char why[160];
    struct adapter *adapter = app->adapter;
    struct jobs_config config = {.store = &app->store,
                                 .queues = adapter->queues,
                                 .queue_count = adapter->queue_count,
                                 .workers = &adapter->worker,
                                 .worker_count = 1,
                                 .lease_ms = workload_value(adapter, W_LEASE) / 1000000,
                                 .poll_ns = workload_value(adapter, W_POLL),
                                 .grace_ns = workload_value(adapter, W_GRACE),
                                 .restarts = (unsigned)workload_value(adapter, W_RESTARTS),
                                 .on_giveup = gave_up,
                                 .giveup_ctx = app};
    app->jobs = jobs_start(app->runtime, &config, why, sizeof why);
    return app->jobs != NULL;
}

static void start_again(void *arg);

static void app_start(struct node *node, void *ctx)
{
    struct app *app = ctx;
    app->env = (struct env){
        .ops = &app_env_ops, .heap = heap_new(), .site = node->site, .node_name = node->name};
    app->entropies = app->works = 0;
    app->desk = (struct work_desk){0};
    app->wake = 0;
    start_again(app);
}

/* A node whose database cannot be opened right now (an injected error) tries again, as an init system would do. */
static void start_again(void *arg)
{
    struct app *app = arg;
    struct world *world = app->adapter->world;
    if (!connect_store(app)) {
        world_at(world, app->node, world_now(world) + BOOT_RETRY_NS, start_again, app);
        return;
    }
    app->runtime = runtime_new(&app->env, &(struct runtime_options){.spares = &spares});
    if (!app->runtime || !start_jobs(app) || !start_clients(app))
        abort();
    runtime_on_wake(app->runtime, wake_soon, app);
    wake_soon(app);
}

static void drained(void *ctx, size_t left)
{
    struct app *app = ctx;
    (void)left;
    node_stopped(app->node);
}

static void app_stop(struct node *node, void *ctx)
{
    struct app *app = ctx;
    if (app->jobs)
        jobs_drain(app->jobs, drained, app);
    else
        node_stopped(node);
}

static void app_dead(struct node *node, void *ctx)
{
    struct app *app = ctx;
    (void)node;
    runtime_free(app->runtime);
    heap_free(app->env.heap);
    app->runtime = NULL;
    app->jobs = NULL;
    app->db = NULL;
    app->env.heap = NULL;
    app->wake = 0;
}

/* ---- faults ---- */

static struct runtime *running(struct app *app)
{
    return app->runtime && runtime_current(app->runtime) ? app->runtime : NULL;
}

static bool app_can_stall(struct node *node, struct point_site *at)
{
    (void)at;
    const struct app *app = node->ctx;
    return app->desk.at_work || running(node->ctx) != NULL;
}

static void app_stall(struct node *node, struct point_site *at, int64_t ns)
{
    struct app *app = node->ctx;
    (void)at;
    if (app->desk.at_work)
        app->desk.stalled_ns += ns;
    else
        proc_stall(runtime_current(running(app)), ns);
}

__attribute__((noreturn)) static void app_crash(struct node *node, struct point_site *at)
{
    (void)at;
    proc_exit(runtime_current(running(node->ctx)), reason_make(EXIT_ERROR, "injected crash"));
}

/* All but the tops of the two trees: their death would be the end of the program, which is the node's. */
static uint64_t app_next_actor(const struct node *node, uint64_t after)
{
    const struct app *app = node->ctx;
    if (!app->jobs)
        return 0;
    do
        after = proc_next(app->runtime, after);
    while (after != 0 && (after == jobs_root(app->jobs) || after == app->clients));
    return after;
}

static void app_crash_actor(struct node *node, uint64_t actor)
{
    struct app *app = node->ctx;
    proc_signal(app->runtime, 0, actor, reason_make(EXIT_KILL, "%s", ""));
}

__attribute__((noreturn)) static void app_leave(struct node *node, struct point_site *at)
{
    struct app *app = node->ctx;
    (void)at;
    if (running(app))
        runtime_abandon(app->runtime);
    world_escape(app->adapter->world);
}

static const struct node_ops app_ops = {.start = app_start,
                                        .stop = app_stop,
                                        .dead = app_dead,
                                        .stall = app_stall,
                                        .crash = app_crash,
                                        .leave = app_leave,
                                        .can_stall = app_can_stall,
                                        .next_actor = app_next_actor,
                                        .crash_actor = app_crash_actor};

void app_init(struct app *app, struct adapter *adapter, unsigned index)
{
    char name[16];
    snprintf(name, sizeof name, "n%u", index + 1);
    *app = (struct app){.adapter = adapter, .index = index};
    app->node = world_node_add(adapter->world, name, &app_ops, app);
    app->node->wipeable = adapter->app_count > 1; /* then the database is elsewhere */
}

struct app *app_of(struct proc *self)
{
    return app_of_env(proc_env(self));
}
