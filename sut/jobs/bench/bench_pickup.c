/* bench_pickup.c: how long a job that another process inserts waits for an idle node, one JSON object per line and kind of
 * database: from before the insert is asked for (which is committed durably in between), and from its answer, to the start of the
 * job. Usage: bench_pickup [DIRECTORY [JOBS]]. For PostgreSQL it starts a server of its own (sut/store/test/pg_server), unless
 * PGHOST names one; there it works in the schema duress_pickup, which it removes.
 *
 * The node polls once a second; what it finds by that alone is measured, too. */
#include "sut/jobs/jobs.h"
#include "sut/live/env_live.h"
#include "sut/store/bench/rig.h"
#include "sut/store/pg.h"
#include "sut/store/sqlite.h"
#include "sut/store/watch.h"

#include <postgresql/libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { JOBS = 300, JOBS_MOST = 10000, POLLED = 12 };
#define SCHEMA "duress_pickup"

static char path[600];
static long jobs_wanted = JOBS;

/* ---- both kinds of databases ---- */

static struct store_db *open_pg(struct env *env)
{
    struct store_pg_options options = {
        .conninfo = "", .schema = SCHEMA, .env = env, .create = true};
    char why[200];
    struct store_db *db = store_pg_open(&options, why, sizeof why);
    if (!db)
        die("open", why);
    return db;
}

static void remove_pg(void)
{
    PGconn *conn = PQconnectdb("options='-c client_min_messages=error'");
    PQclear(PQexec(conn, "DROP SCHEMA IF EXISTS " SCHEMA " CASCADE"));
    PQfinish(conn);
}

static void remove_sqlite(void)
{
    sqlite_remove(path);
}

static struct store_db *open_sqlite(struct env *env)
{
    struct store_sqlite_options options = {.path = path, .env = env, .create = true};
    char why[200];
    struct store_db *db = store_sqlite_open(&options, why, sizeof why);
    if (!db)
        die("open", why);
    return db;
}

static const struct database {
    const char *name;
    struct store_db *(*open)(struct env *env);
    struct store_watch *(*watch)(struct store_db *db);
    void (*remove)(void);
} databases[] = {{"pg", open_pg, store_pg_watch, remove_pg},
                 {"sqlite", open_sqlite, store_sqlite_watch, remove_sqlite}};

/* ---- the node: this process ---- */

struct times {
    int64_t asked_ns, answered_ns, begun_ns; /* monotonic: the same in all processes */
};

struct node {
    struct env_live live;
    struct store store;
    struct jobs *jobs;
    long wanted, count;
    struct times times[JOBS_MOST];
};

static void drained(void *ctx, size_t left)
{
    (void)left;
    env_live_halt(&((struct node *)ctx)->live);
}

static struct job_outcome begin(struct proc *self, const struct job *job, void *ctx)
{
    struct node *node = ctx;
    (void)self;
    (void)job;
    node->times[node->count].begun_ns = (int64_t)uv_hrtime();
    if (++node->count == node->wanted)
        jobs_drain(node->jobs, drained, node);
    return job_outcome_make(JOB_OK, "%s", "");
}

static void node_run(struct node *node, const struct database *database, bool watches)
{
    char why[256];
    struct worker worker = {.name = "pickup", .perform = begin, .ctx = node};
    struct queue_config queue = {.name = "default", .limit = 10};
    struct store_db *db = database->open(&node->live.env);
    struct store_watch *watch = watches ? database->watch(db) : NULL;
    store_local_init(&node->store, db, 5 * NS_PER_S);
    struct jobs_config config = {.store = &node->store,
                                 .watch = watch,
                                 .queues = &queue,
                                 .queue_count = 1,
                                 .workers = &worker,
                                 .worker_count = 1};
    struct runtime *runtime = runtime_new(&node->live.env, NULL);
    node->jobs = jobs_start(runtime, &config, why, sizeof why);
    if (!node->jobs)
        die("start", why);
    env_live_drive(&node->live, runtime);
    uv_run(&node->live.loop, UV_RUN_DEFAULT);
    env_live_settle(&node->live, 5 * NS_PER_S);
    store_watch_close(watch);
    store_close(db);
}

/* ---- the other one: a child that inserts a job now and then ---- */

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS};
    nanosleep(&pause, NULL);
}

static _Noreturn void insert_all(const struct database *database, long count, long rest_ms, int out)
{
    static struct env_live live;
    const struct job_spec spec = {.worker = "pickup"};
    env_live_init(&live);
    struct store_db *db = database->open(&live.env);
    pause_ms(1500); /* the node is idle by then */
    for (long i = 0; i < count; ++i) {
        struct store_request request = {.op = STORE_INSERT, .specs = &spec, .spec_count = 1};
        struct store_reply reply;
        struct heap heap;
        struct times times = {.asked_ns = (int64_t)uv_hrtime()};
        heap_init(&heap);
        store_execute(db, &request, &heap, &reply);
        times.answered_ns = (int64_t)uv_hrtime();
        if (reply.err || write(out, &times, sizeof times) != sizeof times)
            die("insert", reply.why);
        heap_done(&heap);
        pause_ms(rest_ms + i % 7);
    }
    store_close(db);
    _exit(0);
}

static int ns_order(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* `commit_us`: a commit of the inserting process, as long as the claim's is. */
static void say_waits(const char *what, const char *from, int64_t *ns, long count, double goal_us,
                      double commit_us)
{
    double sum = 0;
    long middle = count / 2, late = count * 99 / 100;
    for (long i = 0; i < count; ++i)
        sum += (double)ns[i] / 1e3;
    qsort(ns, (size_t)count, sizeof *ns, ns_order);
    printf("{\"name\":\"%s, from %s to start, mean\",\"value\":%.0f,\"unit\":\"us\","
           "\"p50\":%.0f,\"p99\":%.0f",
           what, from, sum / (double)count, (double)ns[middle] / 1e3, (double)ns[late] / 1e3);
    if (commit_us > 0)
        printf(",\"one commit\":%.0f", commit_us);
    if (goal_us > 0)
        printf(",\"goal\":%.0f,\"met\":%s", goal_us,
               sum / (double)count <= goal_us ? "true" : "false");
    printf("}\n");
    fflush(stdout);
}

static void say_all(struct node *node, const char *what, int from, double goal_us)
{
    static int64_t asked[JOBS_MOST], answered[JOBS_MOST];
    for (long i = 0; i < node->count; ++i) {
        struct times times;
        if (read(from, &times, sizeof times) != sizeof times)
            die("pipe", "ended early");
        asked[i] = node->times[i].begun_ns - times.asked_ns;
        answered[i] = node->times[i].begun_ns - times.answered_ns;
    }
    double commits_us = 0;
    for (long i = 0; i < node->count; ++i)
        commits_us += (double)(asked[i] - answered[i]) / 1e3;
    say_waits(what, "the wish to insert", asked, node->count, goal_us,
              commits_us / (double)node->count);
    say_waits(what, "its commit", answered, node->count, 0, 0);
}

static void measure(const struct database *database, bool watches)
{
    static struct node node;
    char what[64];
    int ends[2];
    database->remove();
    memset(&node, 0, sizeof node);
    env_live_init(&node.live);
    store_close(database->open(&node.live.env)); /* the tables are there */
    node.wanted = watches ? jobs_wanted : POLLED;
    if (pipe(ends) != 0)
        die("pipe", "none");
    pid_t child = fork();
    if (child == 0)
        insert_all(database, node.wanted, watches ? 20 : 620, ends[1]);
    node_run(&node, database, watches);
    waitpid(child, NULL, 0);
    snprintf(what, sizeof what, "%s pickup by an idle node%s", database->name,
             watches ? "" : " that only polls");
    say_all(&node, what, ends[0], watches ? 2000 : 0);
    close(ends[0]);
    close(ends[1]);
    env_live_done(&node.live);
    database->remove();
}

int main(int argc, char **argv)
{
    char dir[512];
    const char *where = argc > 1 ? argv[1] : "/tmp", *count = argc > 2 ? argv[2] : NULL;
    if (!getenv("PGHOST")) {
        execl("/bin/sh", "sh", "sut/store/test/pg_server", "--durable", "run", argv[0], where,
              count, (char *)NULL);
        die("sh", "cannot be run");
    }
    jobs_wanted = count ? strtol(count, NULL, 10) : JOBS;
    snprintf(dir, sizeof dir, "%s/bench-pickup-XXXXXX", where);
    if (jobs_wanted < 1 || jobs_wanted > JOBS_MOST || !mkdtemp(dir))
        die(dir, "cannot make a directory there, or not between 1 and 10000 jobs");
    snprintf(path, sizeof path, "%s/jobs.db", dir);
    for (size_t i = 0; i < 4; ++i)
        measure(&databases[i / 2], i % 2 == 0);
    rmdir(dir);
    return 0;
}
