/* bench_jobs.c: what the job system as a whole can do on this machine with SQLite, one JSON object per line: queues, processes,
 * the live loop, the store in its thread; jobs that do nothing; every commit durable; all rows stay. Usage:
 * [ROWS=HISTORY] bench_jobs [DIRECTORY [JOBS [LIMIT]]]. A queue's limit is also the size of its batches. HISTORY (1,000,000) jobs
 * that have ended are made by the database itself, to be claimed behind them.
 *
 * The baseline is bare SQLite on the same table in the same run: the same rows are found, claimed and finished by the same
 * number of transactions, in a loop, by nobody in particular. The ratio says what the job system costs on top. */
#include "sut/jobs/jobs.h"
#include "sut/live/env_live.h"
#include "sut/store/bench/rig.h"
#include "sut/store/sqlite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { JOBS = 100000, HISTORY = 1000000, BATCH = 1000, SINGLES = 1000, SINGLES_WARM = 50 };

static char dir[512], path[600];
static size_t jobs_wanted = JOBS;

/* ---- a node ---- */

struct node {
    struct env_live live;
    struct store_db *db;
    struct store store;
    struct jobs *jobs;
    size_t left;    /* jobs that have not run */
    double done_at; /* when the last outcome was written */
    proc_id client; /* wants to know of each job; 0: nobody does */
    int64_t singles[SINGLES + SINGLES_WARM];
};

static void request_run(struct node *node, struct store_request request, struct store_reply *reply)
{
    struct heap heap;
    heap_init(&heap);
    store_execute(node->db, &request, &heap, reply);
    if (reply->err)
        die(store_op_word(request.op), reply->why);
    heap_done(&heap);
}

static void node_open(struct node *node)
{
    char why[256];
    *node = (struct node){0};
    env_live_init(&node->live);
    struct store_sqlite_options options = {.path = path, .env = &node->live.env, .create = true};
    sqlite_remove(path);
    node->db = store_sqlite_open(&options, why, sizeof why);
    if (!node->db)
        die("open", why);
    store_local_init(&node->store, node->db, 60 * NS_PER_S);
}

static void drained(void *ctx, size_t left)
{
    struct node *node = ctx;
    node->done_at = seconds();
    if (left)
        die("drain", "jobs are left");
    env_live_halt(&node->live);
}

static struct job_outcome nothing(struct proc *self, const struct job *job, void *ctx)
{
    struct node *node = ctx;
    (void)job;
    if (node->client)
        proc_send(proc_runtime(self), proc_self(self), node->client, 0, NULL, 0);
    else if (--node->left == 0)
        jobs_drain(node->jobs, drained, node);
    return job_outcome_make(JOB_OK, "%s", "");
}

static void node_start(struct node *node, unsigned limit)
{
    char why[256];
    struct worker worker = {.name = "nothing", .perform = nothing, .ctx = node};
    struct worker *workers = heap_memdup(node->live.env.heap, &worker, sizeof worker);
    struct queue_config queue = {.name = "default", .limit = limit};
    struct jobs_config config = {.store = &node->store,
                                 .queues = &queue,
                                 .queue_count = 1,
                                 .workers = workers,
                                 .worker_count = 1};
    struct runtime *runtime = runtime_new(&node->live.env, NULL);
    node->jobs = jobs_start(runtime, &config, why, sizeof why);
    if (!node->jobs)
        die("start", why);
    env_live_drive(&node->live, runtime);
}

/* Every one of them must be in the history. */
static void node_close(struct node *node, size_t expected)
{
    struct store_reply reply;
    env_live_settle(&node->live, 5 * NS_PER_S);
    request_run(node, (struct store_request){.op = STORE_STATS}, &reply);
    if (reply.counts[JOB_COMPLETED] != expected)
        die("history", "not all jobs are completed in it");
    store_close(node->db);
    env_live_done(&node->live);
    sqlite_remove(path);
}

/* ---- many jobs ---- */

static double insert_all(struct node *node)
{
    static struct job_spec specs[BATCH];
    struct store_reply reply;
    for (size_t i = 0; i < BATCH; ++i)
        specs[i] =
            (struct job_spec){.worker = "nothing", .args = "{\"user\":12345,\"kind\":\"x\"}"};
    double begin = seconds();
    for (size_t done = 0; done < jobs_wanted; done += BATCH)
        request_run(node,
                    (struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = BATCH},
                    &reply);
    return (double)jobs_wanted / (seconds() - begin);
}

/* Made by the database itself: jobs that have ended, to be claimed behind them. */
static void history_make(size_t rows)
{
    sqlite3 *conn = NULL;
    char text[400];
    snprintf(text, sizeof text,
             "PRAGMA wal_autocheckpoint=100000;WITH RECURSIVE numbers(n)AS(SELECT 1 UNION ALL "
             "SELECT n+1 FROM numbers WHERE n<%zu)INSERT INTO duress_jobs(worker,args,state,"
             "wake_ms,attempt,lease,acked,finished_ms)SELECT'nothing','{\"user\":12345}',"
             "'completed',NULL,1,1,1,1 FROM numbers;PRAGMA wal_checkpoint(TRUNCATE)",
             rows);
    if (sqlite3_open(path, &conn) != SQLITE_OK ||
        (rows && sqlite3_exec(conn, text, NULL, NULL, NULL) != SQLITE_OK))
        die("history", sqlite3_errmsg(conn));
    sqlite3_close(conn);
}

/* Behind `old` jobs that have ended. */
static double run_all(unsigned limit, size_t old, double *ret_cpu_us)
{
    static struct node node;
    node_open(&node);
    history_make(old);
    insert_all(&node);
    node.left = jobs_wanted;
    double begin = seconds(), cpu = processor_seconds();
    node_start(&node, limit);
    uv_run(&node.live.loop, UV_RUN_DEFAULT);
    *ret_cpu_us = (processor_seconds() - cpu) * 1e6 / (double)jobs_wanted;
    double value = (double)jobs_wanted / (node.done_at - begin);
    node_close(&node, old + jobs_wanted);
    return value;
}

/* ---- one job at a time ---- */

static void client_main(struct proc *self, void *arg)
{
    struct node *node = arg;
    const struct job_spec spec = {.worker = "nothing"};
    node->client = proc_self(self);
    for (size_t i = 0; i < SINGLES + SINGLES_WARM; ++i) {
        uint64_t id;
        int64_t begin = proc_now(self);
        int err = jobs_insert(self, node->jobs, &spec, 1, NULL, &id, NULL);
        if (err)
            die("insert", strerror(-err));
        proc_receive(self, WAIT_FOREVER);
        node->singles[i] = (int64_t)uv_hrtime() - begin;
    }
    jobs_drain(node->jobs, drained, node);
}

static int ns_order(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* From the wish to insert it to its start: two commits and what is between them. */
static void say_latency(void)
{
    static struct node node;
    node_open(&node);
    node_start(&node, 10);
    proc_spawn(node.live.runtime, &(struct proc_spec){.main = client_main, .arg = &node});
    uv_run(&node.live.loop, UV_RUN_DEFAULT);
    node_close(&node, SINGLES + SINGLES_WARM);
    int64_t *ns = node.singles + SINGLES_WARM;
    qsort(ns, SINGLES, sizeof *ns, ns_order);
    size_t middle = SINGLES / 2, late = SINGLES * 99 / 100;
    say("jobs one at a time, from insert to start, p50",
        (struct figure){(double)ns[middle] / 1e3, "us", .goal = 1000, .at_most = true});
    say("jobs one at a time, from insert to start, p99",
        (struct figure){(double)ns[late] / 1e3, "us"});
}

/* ---- bare SQLite ---- */

static sqlite3_stmt *prepare(sqlite3 *conn, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(conn, sql, -1, &stmt, NULL) != SQLITE_OK)
        die(sql, sqlite3_errmsg(conn));
    return stmt;
}

static void step(sqlite3 *conn, sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) != SQLITE_DONE)
        die("baseline", sqlite3_errmsg(conn));
    sqlite3_reset(stmt);
}

static void step_each(sqlite3 *conn, sqlite3_stmt *stmt, const sqlite3_int64 *ids, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        sqlite3_bind_int64(stmt, 1, ids[i]);
        step(conn, stmt);
    }
}

static double baseline(size_t batch)
{
    static struct node node;
    sqlite3_int64 *ids = calloc(batch, sizeof *ids);
    sqlite3 *conn = NULL;
    node_open(&node);
    insert_all(&node);
    if (!ids || sqlite3_open(path, &conn) != SQLITE_OK)
        die("open", "baseline");
    sqlite3_exec(conn, "PRAGMA synchronous=FULL;PRAGMA wal_autocheckpoint=4000", NULL, NULL, NULL);
    sqlite3_stmt *begin = prepare(conn, "BEGIN IMMEDIATE"), *commit = prepare(conn, "COMMIT"),
                 *claim =
                     prepare(conn, "UPDATE duress_jobs SET state='executing',attempt=attempt+1,"
                                   "lease=lease+1,wake_ms=9999999999999 WHERE id=?1"),
                 *finish = prepare(conn, "UPDATE duress_jobs SET state='completed',acked=1,"
                                         "finished_ms=1,wake_ms=NULL WHERE id=?1 AND lease=1"),
                 *find =
                     prepare(conn, "SELECT id FROM duress_jobs WHERE wake_ms=0 AND "
                                   "queue='default' ORDER BY priority,scheduled_ms,id LIMIT ?1");
    sqlite3_bind_int64(find, 1, (sqlite3_int64)batch);
    size_t count = 0;
    double since = seconds();
    do {
        step(conn, begin);
        step_each(conn, finish, ids, count);
        for (count = 0; sqlite3_step(find) == SQLITE_ROW;)
            ids[count++] = sqlite3_column_int64(find, 0);
        sqlite3_reset(find);
        step_each(conn, claim, ids, count);
        step(conn, commit);
    } while (count > 0);
    double value = (double)jobs_wanted / (seconds() - since);
    sqlite3_stmt *const all[] = {begin, commit, claim, finish, find};
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        sqlite3_finalize(all[i]);
    sqlite3_close(conn);
    free(ids);
    node_close(&node, jobs_wanted);
    return value;
}

static double inserts(void)
{
    static struct node node;
    node_open(&node);
    double value = insert_all(&node);
    store_close(node.db);
    env_live_done(&node.live);
    sqlite_remove(path);
    return value;
}

static void say_limit(unsigned limit)
{
    char name[80];
    double cpu_us, bare = baseline(limit), value = run_all(limit, 0, &cpu_us);
    snprintf(name, sizeof name, "jobs claim, run and finish, limit %u, durable", limit);
    say(name, (struct figure){value, "jobs/s", .goal = 100000, .baseline = bare});
    snprintf(name, sizeof name, "jobs CPU time of one, limit %u", limit);
    say(name, (struct figure){cpu_us, "us"});
}

/* The baseline is the same without the history. */
static void say_history(unsigned limit, size_t rows)
{
    char name[80];
    double fresh_us, late_us, fresh = run_all(limit, 0, &fresh_us),
                              late = run_all(limit, rows, &late_us);
    snprintf(name, sizeof name, "jobs claim, run and finish, limit %u, behind %zu", limit, rows);
    say(name, (struct figure){late, "jobs/s", .goal = 100000, .baseline = fresh});
    snprintf(name, sizeof name, "jobs CPU time of one, limit %u, behind %zu", limit, rows);
    say(name, (struct figure){late_us, "us", .baseline = fresh_us});
}

int main(int argc, char **argv)
{
    const char *history = getenv("ROWS");
    unsigned limits[] = {argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 10, 100, 1000, 5000};
    size_t limit_count = argc > 3 ? 1 : sizeof limits / sizeof *limits;
    snprintf(dir, sizeof dir, "%s/bench-jobs-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    jobs_wanted = argc > 2 ? strtoul(argv[2], NULL, 10) / BATCH * BATCH : JOBS;
    if (jobs_wanted == 0 || !mkdtemp(dir))
        die(dir, "cannot make a directory there, or too few jobs");
    snprintf(path, sizeof path, "%s/jobs.db", dir);

    say("jobs insert, batches of 1000, durable", (struct figure){inserts(), "jobs/s"});
    for (size_t i = 0; i < limit_count; ++i)
        say_limit(limits[i]);
    say_history(argc > 3 ? limits[0] : 1000, history ? strtoul(history, NULL, 10) : HISTORY);
    say_latency();
    rmdir(dir);
    return 0;
}
