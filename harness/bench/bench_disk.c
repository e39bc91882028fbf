/* How much the simulated disk costs SQLite: small transactions on it (WAL, synchronous=FULL, every
 * fault point asked), against the same on SQLite's own ':memory:' in the same process. Also: a
 * whole short life of a database. */
#include "harness/bench/bench.h"
#include "harness/world/disk.h"
#include "harness/world/world.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define TRANSACTIONS 20000
#define LIVES        100
#define LIFE         300

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return;
    fprintf(stderr, "bench_disk: %s: %s\n", sql, sqlite3_errmsg(db));
    exit(1);
}

static sqlite3 *open_db(const char *path, const char *vfs)
{
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs) != SQLITE_OK)
        exit(1);
    run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "CREATE TABLE t (id INTEGER PRIMARY KEY, state TEXT, args BLOB);"
            "CREATE INDEX t_state ON t (state, id)");
    return db;
}

static void insert_many(sqlite3 *db, int count)
{
    sqlite3_stmt *insert = NULL;
    sqlite3_prepare_v2(db, "INSERT INTO t (state, args) VALUES ('available', zeroblob(100))", -1,
                       &insert, NULL);
    for (int i = 0; i < count; i++) {
        sqlite3_step(insert);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
}

static double transactions_per_second(const char *path, const char *vfs)
{
    sqlite3 *db = open_db(path, vfs);
    int64_t start = bench_now_ns();
    insert_many(db, TRANSACTIONS);
    double seconds = (double)(bench_now_ns() - start) * 1e-9;
    sqlite3_close(db);
    return TRANSACTIONS / seconds;
}

static struct fault spare(void *ctx, const struct hit *hit)
{
    (void)ctx, (void)hit;
    return (struct fault){0};
}

struct bench {
    struct tape *tape;
    struct trace *trace;
    struct world *world;
    struct disk *disk;
    const char *vfs;
};

static void bench_init(struct bench *bench)
{
    static const struct node_ops none;
    bench->tape = tape_new(1);
    bench->trace = trace_new();
    bench->world = world_new(bench->tape, bench->trace, (struct budget){0});
    bench->disk = disk_new(bench->world, "disk");
    world_decider(bench->world, spare, NULL);
    world_set_phase(bench->world, PHASE_SAFETY);
    bench->vfs = disk_vfs(bench->disk, world_node_add(bench->world, "n1", &none, NULL));
}

static void bench_done(struct bench *bench)
{
    world_free(bench->world);
    disk_free(bench->disk);
    trace_free(bench->trace);
    tape_free(bench->tape);
}

/* World, database, schema, LIFE transactions, and all of it gone again. */
static double life_ms(void)
{
    int64_t start = bench_now_ns();
    for (int i = 0; i < LIVES; i++) {
        struct bench bench;
        bench_init(&bench);
        sqlite3 *db = open_db("t.db", bench.vfs);
        insert_many(db, LIFE);
        sqlite3_close(db);
        bench_done(&bench);
    }
    return (double)(bench_now_ns() - start) * 1e-6 / LIVES;
}

int main(void)
{
    struct bench bench;
    disk_sqlite_init();
    bench_init(&bench);
    double memory = transactions_per_second(":memory:", NULL);
    double disk = transactions_per_second("t.db", bench.vfs);
    bench_done(&bench);
    bench_print("disk: SQLite transactions, against :memory:", disk, "1/s", 50000, false, memory);
    bench_print("disk: world, schema, 300 transactions", life_ms(), "ms", 10, true, 0);
    return 0;
}
