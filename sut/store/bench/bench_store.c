/* bench_store.c: what the store can do on this machine, one JSON object per line. Usage:
 * bench_store [DIRECTORY].
 *
 * The baseline is bare SQLite on the same table, indexes and durability: one UPDATE that claims a
 * batch, one that finishes it, no lease, no rows handed out. The ratio says what the store's
 * promises cost on top. */
#include "sut/store/bench/rig.h"
#include "sut/store/sqlite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 500, JOBS = 100000, SINGLES = 500, LEASE_MS = 30000 };

static struct heap node_heap;
static const struct env_ops no_ops;
static struct env env = {.ops = &no_ops, .heap = &node_heap, .node_name = "bench"};
static char dir[512], path[600];
static struct store_db *db;

static struct store_reply run(struct heap *heap, struct store_request request)
{
    struct store_reply reply;
    store_execute(db, &request, heap, &reply);
    if (reply.err)
        die(store_op_word(request.op), reply.why);
    return reply;
}

static void store_begin(enum durability durability)
{
    char why[256];
    struct store_sqlite_options options = {
        .path = path, .env = &env, .create = true, .durability = durability};
    sqlite_remove(path);
    db = store_sqlite_open(&options, why, sizeof why);
    if (!db)
        die("open", why);
}

static void store_end(void)
{
    store_close(db);
    sqlite_remove(path);
}

static double insert_all(void)
{
    static struct job_spec specs[BATCH];
    for (size_t i = 0; i < BATCH; ++i)
        specs[i] = (struct job_spec){.worker = "bench", .args = "{\"user\":12345,\"kind\":\"x\"}"};
    double begin = seconds();
    for (size_t done = 0; done < JOBS; done += BATCH) {
        struct heap heap;
        heap_init(&heap);
        run(&heap, (struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = BATCH});
        heap_done(&heap);
    }
    return JOBS / (seconds() - begin);
}

/* Every request acknowledges the batch before and claims the next one. */
static double cycle_all(void)
{
    static struct store_ack acks[BATCH];
    size_t ack_count = 0;
    double begin = seconds();
    do {
        struct heap heap;
        heap_init(&heap);
        struct store_reply reply = run(&heap, (struct store_request){.op = STORE_ACK,
                                                                     .queue = "default",
                                                                     .owner = "bench",
                                                                     .limit = BATCH,
                                                                     .lease_ms = LEASE_MS,
                                                                     .acks = acks,
                                                                     .ack_count = ack_count});
        for (size_t i = 0; i < reply.job_count; ++i)
            acks[i] = (struct store_ack){
                .id = reply.jobs[i].id, .lease = reply.jobs[i].lease, .state = JOB_COMPLETED};
        ack_count = reply.job_count;
        heap_done(&heap);
    } while (ack_count > 0);
    return JOBS / (seconds() - begin);
}

/* One job at a time, each of the three steps a transaction of its own. In microseconds. */
static double single_cycles(void)
{
    struct job_spec spec = {.worker = "bench"};
    double begin = seconds();
    for (int i = 0; i < SINGLES; ++i) {
        struct heap heap;
        heap_init(&heap);
        run(&heap, (struct store_request){.op = STORE_INSERT, .specs = &spec, .spec_count = 1});
        struct store_reply reply = run(
            &heap, (struct store_request){
                       .op = STORE_CLAIM, .queue = "default", .limit = 1, .lease_ms = LEASE_MS});
        struct store_ack ack = {
            .id = reply.jobs[0].id, .lease = reply.jobs[0].lease, .state = JOB_COMPLETED};
        run(&heap, (struct store_request){.op = STORE_ACK, .acks = &ack, .ack_count = 1});
        heap_done(&heap);
    }
    return (seconds() - begin) / SINGLES * 1e6;
}

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

static double baseline_all(void)
{
    sqlite3 *conn = NULL;
    if (sqlite3_open(path, &conn) != SQLITE_OK)
        die("open", sqlite3_errmsg(conn));
    sqlite3_exec(conn, "PRAGMA synchronous=FULL;PRAGMA wal_autocheckpoint=4000", NULL, NULL, NULL);
    sqlite3_stmt *statements[] = {
        prepare(conn, "BEGIN IMMEDIATE"),
        prepare(conn, "UPDATE duress_jobs SET state='executing',attempt=attempt+1,lease=lease+1,"
                      "wake_ms=9999999999999 WHERE id IN(SELECT id FROM duress_jobs WHERE "
                      "wake_ms=0 AND queue='default' ORDER BY priority,scheduled_ms,id LIMIT 500)"),
        prepare(conn, "UPDATE duress_jobs SET state='completed',acked=1,finished_ms=1,wake_ms=NULL "
                      "WHERE wake_ms=9999999999999"),
        prepare(conn, "COMMIT"),
    };
    double begin = seconds();
    for (size_t done = 0; done < JOBS; done += BATCH)
        for (size_t i = 0; i < 4; ++i)
            step(conn, statements[i]);
    double elapsed = seconds() - begin;
    for (size_t i = 0; i < 4; ++i)
        sqlite3_finalize(statements[i]);
    sqlite3_close(conn);
    return JOBS / elapsed;
}

int main(int argc, char **argv)
{
    snprintf(dir, sizeof dir, "%s/bench-store-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (!mkdtemp(dir))
        die(dir, "cannot make a directory there");
    snprintf(path, sizeof path, "%s/jobs.db", dir);

    store_begin(DURABILITY_FULL);
    insert_all();
    double baseline = baseline_all();
    store_end();

    store_begin(DURABILITY_FULL);
    say("store insert, batches of 500, durable", (struct figure){insert_all(), "jobs/s"});
    say("store claim and finish, batches of 500, durable",
        (struct figure){cycle_all(), "jobs/s", .baseline = baseline});
    say("store one job, three transactions, durable", (struct figure){single_cycles(), "us"});
    store_end();

    store_begin(DURABILITY_NORMAL);
    say("store one job, three transactions, synchronous normal",
        (struct figure){single_cycles(), "us"});
    store_end();
    rmdir(dir);
    return 0;
}
