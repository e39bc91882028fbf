/* The database: SQLite on a simulated disk. With one app node it is embedded there; with several it sits on a node of
 * its own, and calls travel over links: the request, the execution and the reply are three events, and each link can
 * lose what it carries.
 */
#include "scenarios/jobs/adapter.h"
#include "sut/store/sqlite/internal.h"

#include <errno.h>

#define CHECKPOINT_PAGES 200 /* short, so that checkpoints come under fire too */
#define BOOT_RETRY_NS    INT64_C(1000000000)
#define TRIP_POOL                                                                                  \
    (sizeof(struct trip) + 800) /* bytes: with its request and its reply, as they mostly are */

struct store_db *database_open(struct database *database, struct env *env, struct node *node)
{
    char why[200];
    struct store_sqlite_options options = {.path = DATABASE_FILE,
                                           .vfs = disk_vfs(database->disk, node),
                                           .durability = DURABILITY_FULL,
                                           .checkpoint_pages = CHECKPOINT_PAGES,
                                           .page_bytes = DATABASE_PAGE_BYTES,
                                           .env = env,
                                           .create = true};
    struct store_db *db = store_sqlite_open(&options, why, sizeof why);
    if (!db || database_complete(((struct sqlite_store *)db)->conn))
        return db;
    store_close(db);
    return NULL;
}

static void say_nothing(struct env *env, enum log_level level, const char *line)
{
    (void)env, (void)level, (void)line;
}

/* ---- a node of its own ---- */

static void database_start_again(void *arg)
{
    struct database *database = arg;
    struct world *world = database->adapter->world;
    database->db = database_open(database, &database->env, database->node);
    if (!database->db)
        world_at(world, database->node, world_now(world) + BOOT_RETRY_NS, database_start_again,
                 database);
}

static int64_t database_mono(struct env *env)
{
    struct database *database = (void *)((char *)env - offsetof(struct database, env));
    return node_mono_ns(database->node);
}

static int64_t database_wall(struct env *env)
{
    return node_wall_ns(
        ((struct database *)(void *)((char *)env - offsetof(struct database, env)))->node);
}

static const struct env_ops database_env_ops = {
    .mono_ns = database_mono, .wall_ns = database_wall, .log = say_nothing};

static void database_start(struct node *node, void *ctx)
{
    struct database *database = ctx;
    database->env = (struct env){.ops = &database_env_ops,
                                 .heap = host_heap_new(),
                                 .site = node->site,
                                 .node_name = node->name};
    database->works = 0;
    database->desk = (struct work_desk){0};
    database_start_again(database);
}

static void database_stop(struct node *node, void *ctx)
{
    (void)ctx;
    node_stopped(node);
}

static void database_dead(struct node *node, void *ctx)
{
    struct database *database = ctx;
    (void)node;
    heap_free(database->env.heap);
    database->env.heap = NULL;
    database->db = NULL;
}

__attribute__((noreturn)) static void database_leave(struct node *node, struct point_site *at)
{
    (void)at;
    world_escape(node->world);
}

/* No process runs here, but the worker does. */
static bool database_can_stall(struct node *node, struct point_site *at)
{
    (void)at;
    return ((const struct database *)node->ctx)->desk.at_work;
}

static void database_stall(struct node *node, struct point_site *at, int64_t ns)
{
    (void)at;
    ((struct database *)node->ctx)->desk.stalled_ns += ns;
}

static const struct node_ops database_ops = {.start = database_start,
                                             .stop = database_stop,
                                             .dead = database_dead,
                                             .stall = database_stall,
                                             .leave = database_leave,
                                             .crash = database_leave,
                                             .can_stall = database_can_stall};

void database_init(struct database *database, struct adapter *adapter)
{
    *database = (struct database){.adapter = adapter, .trips = host_heap_new()};
    database->disk = disk_new(adapter->world, "disk");
    if (!draws_percent(&adapter->draws, W_FRESH)) /* else the node that opens it first makes it */
        database_install(database->disk);
    if (adapter->app_count == 1) {
        adapter->apps[0].host.node->disk = database->disk;
        return;
    }
    database->node = world_node_add(adapter->world, "db", &database_ops, database);
    database->node->disk = database->disk;
}

/* ---- calls over links ---- */

/* One call: first the request's packet, then the reply's. It owns copies of both. A trip that ends nowhere (the database
 * died with it) is freed at the end of the run. */
struct trip {
    struct packet packet;
    struct database *database;
    struct app *app;
    uint64_t app_boot; /* the caller's incarnation: a later one knows nothing of this call */
    struct store_call
        *call; /* the caller's; valid while app_boot is current and the trip is not given up */
    world_timer give_up;
    struct heap *heap; /* which it lies in itself */
    struct store_request request;
    struct store_reply reply;
    uint64_t connection; /* on which it was asked */
    int transport_err;   /* what the caller will be told */
    bool under_way;      /* a packet or an execution will see it again */
};

static bool caller_waits(const struct trip *trip)
{
    return trip->call && trip->app->host.node->boots == trip->app_boot &&
           trip->app->host.node->state != NODE_DOWN;
}

static void trip_free(struct trip *trip)
{
    heap_free(trip->heap);
}

void database_done(struct database *database)
{
    heap_free(database->trips);
    disk_free(database->disk);
}

/* Tells the caller, on its node. Afterwards the call is not ours any more. */
static void finish_call(struct trip *trip, int transport_err)
{
    struct store_call *call = trip->call;
    struct world *world = trip->app->adapter->world;
    world_cancel(world, trip->give_up);
    trip->call = NULL;
    call->transport_err = transport_err;
    call->work.done(&call->work);
}

static void finish_failed(void *arg)
{
    struct trip *trip = arg;
    if (caller_waits(trip))
        finish_call(trip, trip->transport_err);
    trip_free(trip);
}

/* The caller learns it, a moment later. */
static void fail_soon(struct trip *trip, int transport_err)
{
    struct world *world = trip->app->adapter->world;
    trip->transport_err = transport_err;
    world_at(world, NULL, world_now(world) + 1000000, finish_failed, trip);
}

/* A caller waits in vain until its deadline; give_up() frees the trip. */
static void lost_on_the_way(struct trip *trip)
{
    trip->under_way = false;
    if (!caller_waits(trip))
        trip_free(trip);
}

/* What was refused has surely not happened; what was torn off may have, for all the caller knows. */
static void request_lost(struct packet *packet, enum loss why)
{
    struct trip *trip = (struct trip *)packet;
    if (why != LOSS_SILENT && caller_waits(trip))
        fail_soon(trip, why == LOSS_REFUSED ? -ECONNREFUSED : -ECONNRESET);
    else
        lost_on_the_way(trip);
}

/* A reply that is turned away has a connection that does not work any more: torn, for its reader. */
static void reply_lost(struct packet *packet, enum loss why)
{
    struct trip *trip = (struct trip *)packet;
    if (why != LOSS_SILENT && caller_waits(trip))
        fail_soon(trip, -ECONNRESET);
    else
        lost_on_the_way(trip);
}

static void reply_deliver(struct packet *packet)
{
    struct trip *trip = (struct trip *)packet;
    if (caller_waits(trip)) {
        store_reply_copy(trip->call->heap, &trip->request, &trip->reply, &trip->call->reply);
        finish_call(trip, 0);
    }
    trip_free(trip);
}

/* Long after the caller's own deadline: the call is over for everybody, whatever becomes of the packets. */
static void give_up(void *arg)
{
    struct trip *trip = arg;
    trip->give_up = 0;
    world_reconnect(trip->app->adapter->world, trip->app->host.node, trip->database->node);
    if (caller_waits(trip))
        finish_call(trip, -ETIMEDOUT);
    if (!trip->under_way)
        trip_free(trip);
}

static void send_reply(void *arg)
{
    struct trip *trip = arg;
    struct database *database = trip->database;
    struct world *world = database->adapter->world;
    trip->packet.deliver = reply_deliver;
    trip->packet.lost = reply_lost;
    if (trip->connection != world_connection(world, trip->app->host.node, database->node)) {
        reply_lost(&trip->packet, LOSS_RESET);
        return;
    }
    world_send(world, database->node, trip->app->host.node, &trip->packet);
}

static void execute(void *arg)
{
    struct trip *trip = arg;
    struct database *database = trip->database;
    struct world *world = database->adapter->world;
    struct work_desk *desk = &database->desk;
    if (desk->busy_until > world_now(world)) {
        world_at(world, database->node, desk->busy_until, execute, trip);
        return;
    }
    *desk = (struct work_desk){.at_work = true};
    if (database->db)
        store_execute(database->db, &trip->request, trip->heap, &trip->reply);
    else
        trip->reply = (struct store_reply){.err = -EAGAIN, .why = "the database is starting"};
    desk->at_work = false;
    if (desk->stalled_ns == 0) {
        send_reply(trip);
        return;
    }
    desk->busy_until = world_now(world) + desk->stalled_ns;
    world_at(world, database->node, desk->busy_until, send_reply, trip);
}

static void request_deliver(struct packet *packet)
{
    struct trip *trip = (struct trip *)packet;
    struct database *database = trip->database;
    struct world *world = database->adapter->world;
    struct choice choice = {.stream = STREAM_WORK,
                            .name = "db/work/latency",
                            .node = database->node->id,
                            .key = database->node->boots,
                            .ordinal = ++database->works};
    int64_t takes = tape_between(world_tape(world), &choice, 50000, 1000000);
    world_at(world, database->node, world_now(world) + takes, execute, trip);
}

static void submit(struct store *store, struct env *env, struct store_call *call)
{
    struct app *app = (struct app *)host_of_env(env); /* its first member */
    struct database *database = &app->adapter->database;
    struct world *world = app->adapter->world;
    struct heap *heap = heap_pooled(database->trips, TRIP_POOL);
    struct trip *trip = heap_alloc(heap, sizeof *trip);
    trip->heap = heap;
    trip->database = database;
    trip->app = app;
    trip->app_boot = app->host.node->boots;
    trip->call = call;
    trip->under_way = true;
    trip->connection = world_connection(world, app->host.node, database->node);
    store_request_copy(trip->heap, &call->request, &trip->request);
    trip->packet.deliver = request_deliver;
    trip->packet.lost = request_lost;
    trip->give_up =
        world_at(world, app->host.node, world_now(world) + 2 * store->deadline_ns, give_up, trip);
    world_send(world, app->host.node, database->node, &trip->packet);
}

void database_connect(struct app *app)
{
    app->store = (struct store){.submit = submit,
                                .deadline_ns = draws_fixed(&app->adapter->draws, W_DEADLINE)};
}
