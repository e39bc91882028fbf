/* SQLite on simulated disks: connections, locks, WAL, and nodes that die with all of it. */
#include "sqlite_rig.h"
#include <malloc.h>

/* ---- connections ---- */

Test(vfs, a_database_is_there_when_it_is_opened_again)
{
    struct rig *rig = rig_new(1);
    sqlite3 *db = open_db(rig, rig->node);
    must(db, "CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)");
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
    db = open_db(rig, rig->node);
    cr_assert_eq(number(db, "SELECT sum(x) FROM t"), 3);
    sqlite3_close(db);
    rig_free(rig);
}

Test(vfs, opening_what_is_not_there_fails_without_create)
{
    struct rig *rig = rig_new(1);
    sqlite3 *db = NULL;
    const char *vfs = disk_vfs(rig->disk, rig->node);
    cr_assert_eq(sqlite3_open_v2("no.db", &db, SQLITE_OPEN_READWRITE, vfs), SQLITE_CANTOPEN);
    sqlite3_close(db);
    rig_free(rig);
}

Test(vfs, the_same_disk_and_node_give_the_same_name)
{
    struct rig *rig = rig_new(1), *second = rig_new(1);
    const char *name = disk_vfs(rig->disk, rig->node);
    cr_assert_str_eq(name, disk_vfs(rig->disk, rig->node));
    cr_assert_str_neq(name, disk_vfs(rig->disk, rig->other));
    cr_assert_str_neq(name, disk_vfs(second->disk, second->node));
    rig_free(second);
    rig_free(rig);
}

Test(vfs, the_clock_is_the_nodes_wall_clock)
{
    struct rig *rig = rig_new(1);
    node_clock_offset(rig->other, 3600 * SECOND);
    sqlite3 *db = open_db(rig, rig->node), *ahead = open_db(rig, rig->other);
    const char *now = "SELECT CAST(strftime('%s', 'now') AS INTEGER)";
    cr_assert_eq(number(db, now), node_wall_ns(rig->node) / SECOND);
    cr_assert_eq(number(ahead, now), number(db, now) + 3600);
    sqlite3_close(db);
    sqlite3_close(ahead);
    rig_free(rig);
}

Test(vfs, wal_readers_keep_their_snapshot_while_another_writes)
{
    struct rig *rig = rig_new(1);
    sqlite3 *writer = open_db(rig, rig->node), *reader = open_db(rig, rig->node);
    must(writer, "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    must(reader, "BEGIN");
    cr_assert_eq(number(reader, "SELECT count(*) FROM t"), 1);
    must(writer, "INSERT INTO t VALUES (2)");
    cr_assert_eq(number(reader, "SELECT count(*) FROM t"), 1);
    must(reader, "COMMIT");
    cr_assert_eq(number(reader, "SELECT count(*) FROM t"), 2);
    sqlite3_close(writer);
    sqlite3_close(reader);
    rig_free(rig);
}

Test(vfs, a_wal_is_not_reset_under_a_reader)
{
    struct rig *rig = rig_new(1);
    sqlite3 *writer = open_db(rig, rig->node), *reader = open_db(rig, rig->other);
    must(writer, "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    must(reader, "BEGIN");
    cr_assert_eq(number(reader, "SELECT count(*) FROM t"), 1);
    must(writer, "INSERT INTO t VALUES (2)");
    cr_assert_eq(number(writer, "PRAGMA wal_checkpoint(TRUNCATE)"), 1, "busy");
    cr_assert_eq(number(reader, "SELECT count(*) FROM t"), 1);
    must(reader, "COMMIT");
    cr_assert_eq(number(writer, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
    cr_assert_eq(disk_size(rig->disk, "test.db-wal"), 0);
    cr_assert_eq(number(reader, "SELECT count(*) FROM t"), 2);
    sqlite3_close(writer);
    sqlite3_close(reader);
    rig_free(rig);
}

/* Two nodes, one file: the second is refused at once, busy timeout or not, until the first is done.
 */
static void check_two_writers(const char *journal)
{
    struct rig *rig = rig_new(1);
    sqlite3 *first = open_db(rig, rig->node), *second = open_db(rig, rig->other);
    must(first, journal);
    must(first, "CREATE TABLE t (x)");
    sqlite3_busy_timeout(second, 5000);
    int64_t before = world_now(rig->world);
    must(first, "BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
    cr_assert_eq(run(second, "BEGIN IMMEDIATE"), SQLITE_BUSY);
    cr_assert_eq(number(second, "SELECT count(*) FROM t"), 0);
    must(first, "COMMIT");
    must(second, "BEGIN IMMEDIATE; INSERT INTO t VALUES (2); COMMIT");
    cr_assert_eq(number(first, "SELECT count(*) FROM t"), 2);
    cr_assert_eq(world_now(rig->world), before);
    sqlite3_close(first);
    sqlite3_close(second);
    rig_free(rig);
}

Test(vfs, one_of_two_writers_is_refused_with_wal)
{
    check_two_writers("PRAGMA journal_mode = WAL");
}

Test(vfs, one_of_two_writers_is_refused_with_a_journal)
{
    check_two_writers("PRAGMA journal_mode = DELETE");
}

Test(vfs, a_commit_waits_for_readers_of_a_database_with_a_journal)
{
    struct rig *rig = rig_new(1);
    sqlite3 *writer = open_db(rig, rig->node), *reader = open_db(rig, rig->other);
    must(writer, "CREATE TABLE t (x)");
    must(reader, "BEGIN");
    cr_assert_eq(number(reader, "SELECT count(*) FROM t"), 0);
    must(writer, "BEGIN; INSERT INTO t VALUES (1)");
    cr_assert_eq(run(writer, "COMMIT"), SQLITE_BUSY);
    must(reader, "COMMIT");
    cr_assert_eq(run(reader, "SELECT * FROM t"), SQLITE_BUSY, "a pending writer lets no reader in");
    must(writer, "COMMIT");
    cr_assert_eq(number(reader, "SELECT count(*) FROM t"), 1);
    sqlite3_close(writer);
    sqlite3_close(reader);
    rig_free(rig);
}

Test(vfs, temporary_tables_and_large_sorts_work)
{
    struct rig *rig = rig_new(1);
    sqlite3 *db = open_db(rig, rig->node);
    must(db, "PRAGMA cache_size = 10; CREATE TEMP TABLE t (x, y);"
             "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
             "INSERT INTO t SELECT i, zeroblob(500) FROM n");
    cr_assert_eq(number(db, "SELECT x FROM t ORDER BY y, -x LIMIT 1"), 3000);
    sqlite3_close(db);
    rig_free(rig);
}

/* ---- nodes that die ---- */

/* A node with a connection in the middle of a transaction, with a statement that was not finished.
 */
static void begin_and_leave(void *arg)
{
    struct rig *rig = arg;
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    try_open(rig, world_current(rig->world), &db);
    run(db, "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)");
    run(db, "BEGIN IMMEDIATE; INSERT INTO t VALUES (3)");
    sqlite3_prepare_v2(db, "SELECT x FROM t", -1, &stmt, NULL);
    sqlite3_step(stmt);
}

/* The one dies in a transaction; the other then has the database for itself. */
static bool outlives(bool owner_dies)
{
    struct rig *rig = rig_new(1);
    struct node *dies = owner_dies ? rig->node : rig->other;
    struct node *lives = owner_dies ? rig->other : rig->node;
    sqlite3 *db = NULL;
    node_boot(dies);
    node_boot(lives);
    rig_run(rig, dies, begin_and_leave, rig);
    try_open(rig, lives, &db);
    bool ok = run(db, "BEGIN IMMEDIATE") == SQLITE_BUSY && node_kill(dies, false, false) &&
              run(db, "BEGIN IMMEDIATE; COMMIT") == SQLITE_OK &&
              number(db, "SELECT count(*) FROM t") == 2 && is_intact(db) &&
              sqlite3_close(db) == SQLITE_OK;
    rig_free(rig);
    return ok;
}

Test(vfs, the_locks_of_a_dead_node_are_gone)
{
    cr_assert(outlives(true));
    cr_assert(outlives(false));
}

/* One connection takes more than 50 kB, far above what the allocator caches for itself. (A
 * sanitizer's allocator reports zero here, but finds leaks by itself.) */
Test(vfs, the_memory_of_dead_nodes_is_gone)
{
    outlives(true);
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 20; i++)
        outlives(true);
    size_t after = mallinfo2().uordblks;
    cr_assert_leq(after, before + 20 * 10000, "20 deaths took %zu bytes", after - before);
}

/* A WAL that lost its end, while an old connection still holds the index of all of it. */
static void check_old_connection(uint64_t seed)
{
    struct rig *rig = rig_new(seed);
    sqlite3 *old = open_db(rig, rig->other);
    must(old, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
              "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    disk_power_loss(rig->disk, rig->node);
    sqlite3 *db = open_db(rig, rig->node);
    cr_assert(is_intact(db), "seed %lu", seed);
    must(db, "CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (3)");
    cr_assert_eq(run(old, "INSERT INTO t VALUES (2)") & 0xff, SQLITE_IOERR);
    sqlite3_close(old);
    sqlite3_close(db);
    rig_free(rig);
}

Test(vfs, after_a_power_loss_old_connections_fail_and_new_ones_work)
{
    for (uint64_t seed = 1; seed <= 10; seed++)
        check_old_connection(seed);
}
