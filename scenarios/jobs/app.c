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

/* ---- starting and stopping ---- */

static bool connect_store(struct app *app)
{
    struct database *database = &app->adapter->database;
    if (database->node) {
        database_connect(app);
        return true;
    }
    app->db = database_open(database, &app->host.env, app->host.node);
    if (!app->db)
        return false;
    store_local_init(&app->store, app->db, draws_fixed(&app->adapter->draws, W_DEADLINE));
    return true;
}

/* Its supervisor could not keep the job system up: the process ends, and an init system starts it again. */
static void gave_up(void *ctx)
{
    struct app *app = ctx;
    node_kill(app->host.node, false, true);
    node_boot_after(app->host.node, BOOT_RETRY_NS);
}

static void ruin(void *arg)
{
    gave_up(arg);
}

void app_ruin(struct app *app)
{
    struct world *world = app->adapter->world;
    world_at(world, app->host.node, world_now(world), ruin, app);
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
    struct child_spec clients[3] = {
        {.id = "client",
         .main = client_main,
         .arg = app, /* arg_size 0: the pointer itself */
         .restart = RESTART_TRANSIENT},
        {.id = "admin", .main = admin_main, .arg = app, .restart = RESTART_TRANSIENT}};
    bool operated = app->index == 0 && app->adapter->admin.open;
    size_t count = operated ? 2 : 1;
    if (draws_range(&app->adapter->draws, W_BY_HAND).hi > 0)
        clients[count++] = (struct child_spec){
            .id = "hand", .main = hand_main, .arg = app, .restart = RESTART_TRANSIENT};
    struct supervisor_spec spec = {.label = "clients",
                                   .intensity = 1000,
                                   .period_s = 1,
                                   .children = clients,
                                   .child_count = count};
    app->clients = proc_spawn(app->host.runtime, &(struct proc_spec){.label = "clients watch",
                                                                     .main = clients_watch,
                                                                     .arg = app,
                                                                     .trap_exit = true});
    return app->clients && supervisor_start(app->host.runtime, app->clients, &spec, NULL) != 0;
}

static bool start_jobs(struct app *app)
{
    char why[160];
    struct adapter *adapter = app->adapter;
    int64_t keep_ms = draws_fixed(&adapter->draws, W_KEEP) / MS;
    struct jobs_config config = {.store = &app->store,
                                 .queues = adapter->queues,
                                 .queue_count = adapter->queue_count,
                                 .workers = adapter->workers,
                                 .worker_count = 3,
                                 .keys = &adapter->keys[app->index % 2],
                                 .cron = adapter->cron.entry_count ? &adapter->cron : NULL,
                                 .lease_ms = draws_fixed(&adapter->draws, W_LEASE) / 1000000,
                                 .poll_ns = draws_fixed(&adapter->draws, W_POLL),
                                 .grace_ns = draws_fixed(&adapter->draws, W_GRACE),
                                 .keep = {keep_ms, keep_ms, keep_ms},
                                 .restarts = (unsigned)draws_fixed(&adapter->draws, W_RESTARTS),
                                 .on_giveup = gave_up,
                                 .giveup_ctx = app};
    if (adapter->listened) {
        listeners_attach(app);
        config.telemetry = &app->telemetry;
    }
    app->jobs = jobs_start(app->host.runtime, &config, why, sizeof why);
    return app->jobs != NULL;
}

static void start_again(void *arg);

static void app_start(struct node *node, void *ctx)
{
    struct app *app = ctx;
    (void)node;
    host_boot(&app->host);
    start_again(app);
}

/* A node whose database cannot be opened right now (an injected error) tries again, as an init system would do. */
static void start_again(void *arg)
{
    struct app *app = arg;
    struct world *world = app->adapter->world;
    if (!connect_store(app)) {
        world_at(world, app->host.node, world_now(world) + BOOT_RETRY_NS, start_again, app);
        return;
    }
    host_run(&app->host, false);
    if (!start_jobs(app) || !start_clients(app))
        abort();
}

static void drained(void *ctx, size_t left)
{
    struct app *app = ctx;
    (void)left;
    node_stopped(app->host.node);
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
    host_dead(&app->host);
    app->jobs = NULL;
    app->db = NULL;
}

/* ---- what the world may do to it ---- */

/* All but the tops of the two trees: their death would be the end of the program, which is the node's. */
static uint64_t app_next_actor(const struct node *node, uint64_t after)
{
    const struct app *app = node->ctx;
    if (!app->jobs)
        return 0;
    do
        after = proc_next(app->host.runtime, after);
    while (after != 0 && (after == jobs_root(app->jobs) || after == app->clients));
    return after;
}

static const struct node_ops app_ops = {.start = app_start,
                                        .stop = app_stop,
                                        .dead = app_dead,
                                        .stall = host_stall,
                                        .crash = host_crash,
                                        .leave = host_leave,
                                        .can_stall = host_can_stall,
                                        .next_actor = app_next_actor,
                                        .crash_actor = host_crash_actor};

void app_init(struct app *app, struct adapter *adapter, unsigned index)
{
    char name[16];
    snprintf(name, sizeof name, "n%u", index + 1);
    *app = (struct app){.host.world = adapter->world, .adapter = adapter, .index = index};
    app->host.node = world_node_add(adapter->world, name, &app_ops, app);
    app->host.node->wipeable = adapter->app_count > 1; /* then the database is elsewhere */
}

struct app *app_of(struct proc *self)
{
    return (struct app *)host_of(self); /* its first member */
}
