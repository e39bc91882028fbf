/* node.c: see node.h. */
#include "sut/live/node.h"
#include "sut/store/pg.h"
#include "sut/store/sqlite.h"
#include "sut/store/watch.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define CALL_NS (5 * NS_PER_S)
#define BUSY_MS 3000 /* below the deadline of a call */

static struct store_db *database_open(struct node *node, const char *database, char *why,
                                      size_t why_size)
{
    struct env *env = &node->live.env;
    if (store_pg_named(database))
        return store_pg_open(
            &(struct store_pg_options){
                .conninfo = database, .call_ms = BUSY_MS, .env = env, .create = true},
            why, why_size);
    return store_sqlite_open(
        &(struct store_sqlite_options){
            .path = database, .busy_ms = BUSY_MS, .env = env, .create = true},
        why, why_size);
}

static bool isolates(const struct jobs_config *config)
{
    for (size_t i = 0; i < config->worker_count; ++i)
        if (config->workers[i].mode == IN_CHILD)
            return true;
    return false;
}

static void close_handle(uv_handle_t *handle, void *ctx)
{
    struct node *node = ctx;
    if (!uv_is_closing(handle) && !env_live_owns(&node->live, handle))
        uv_close(handle, NULL);
}

bool node_open(struct node *node, const char *database, const struct jobs_config *config, char *why,
               size_t why_size)
{
    *node = (struct node){.config = *config, .isolates = isolates(config)};
    env_live_init(&node->live);
    if (node->isolates && isolation_start(&node->isolation, &node->live, config->workers,
                                          config->worker_count, why, why_size) != 0) {
        env_live_done(&node->live);
        return false;
    }
    node->db = database_open(node, database, why, why_size);
    if (!node->db) {
        node_close(node);
        return false;
    }
    store_local_init(&node->store, node->db, CALL_NS);
    node->watch =
        store_pg_named(database) ? store_pg_watch(node->db) : store_sqlite_watch(node->db);
    return true;
}

bool node_insert(struct node *node, const struct job_spec *specs, size_t count, uint64_t *ret_ids,
                 char *why, size_t why_size)
{
    struct heap *heap = heap_new();
    struct store_reply reply;
    struct store_request request = {.op = STORE_INSERT, .specs = specs, .spec_count = count};
    store_execute(node->db, &request, heap, &reply);
    for (size_t i = 0; ret_ids && !reply.err && i < count; ++i)
        ret_ids[i] = reply.ids[i];
    if (reply.err)
        snprintf(why, why_size, "%s", reply.why);
    heap_free(heap);
    return reply.err == 0;
}

/* ---- it runs ---- */

static void drained(void *ctx, size_t left)
{
    struct node *node = ctx;
    (void)left; /* they run again when their leases have run out */
    env_live_halt(&node->live);
}

static void gave_up(void *ctx)
{
    struct node *node = ctx;
    node->gave_up = true;
    env_live_halt(&node->live);
}

void node_stop(struct node *node)
{
    jobs_drain(node->jobs, drained, node);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct node *node = handle->data;
    uv_signal_stop(handle); /* the next one is deadly */
    (void)number;
    node_stop(node);
}

static void listen_for(struct node *node, uv_signal_t *handle, int number)
{
    uv_signal_init(&node->live.loop, handle);
    handle->data = node;
    uv_signal_start(handle, on_signal, number);
}

bool node_run(struct node *node, char *why, size_t why_size)
{
    struct runtime *runtime = runtime_new(&node->live.env, NULL);
    node->config.store = &node->store;
    node->config.watch = node->watch;
    node->config.on_giveup = gave_up;
    node->config.giveup_ctx = node;
    if (!runtime) {
        snprintf(why, why_size, "not enough memory");
        return false;
    }
    runtime_log_crashes(runtime);
    node->jobs = jobs_start(runtime, &node->config, why, why_size);
    if (!node->jobs)
        return false;
    listen_for(node, &node->on_interrupt, SIGINT);
    listen_for(node, &node->on_terminate, SIGTERM);
    env_live_drive(&node->live, runtime);
    uv_run(&node->live.loop, UV_RUN_DEFAULT);
    if (node->gave_up)
        snprintf(why, why_size, "the job system failed too often and gave up");
    return !node->gave_up;
}

/* A call that hangs must not keep the program: the database stands such an end. */
void node_close(struct node *node)
{
    if (node->isolates)
        isolation_done(&node->isolation);
    if (node->watch)
        store_watch_interrupt(node->watch);
    if (!env_live_settle(&node->live, CALL_NS))
        return;
    if (node->watch)
        store_watch_close(node->watch);
    if (node->db)
        store_close(node->db);
    uv_walk(&node->live.loop, close_handle, node);
    env_live_done(&node->live);
}
