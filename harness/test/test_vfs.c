/* SQLite on simulated disks: locks, WAL, faults, nodes that die in the middle, and power losses. */
#include "disk_rig.h"
#include <errno.h>
#include <malloc.h>
#include <sqlite3.h>

static struct rig *rig_new(uint64_t seed)
{
    disk_sqlite_init();
    struct rig *rig = calloc(1, sizeof *rig);
    rig_init(rig, seed);
    return rig;
}

static void rig_free(struct rig *rig)
{
    rig_done(rig);
    free(rig);
}

static int try_open(struct rig *rig, struct node *node, sqlite3 **ret_db)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    return sqlite3_open_v2("test.db", ret_db, flags, disk_vfs(rig->disk, node));
}

static sqlite3 *open_db(struct rig *rig, struct node *node)
{
    sqlite3 *db = NULL;
    int code = try_open(rig, node, &db);
    cr_assert_eq(code, SQLITE_OK, "code %d", code);
    return db;
}

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static void must(sqlite3 *db, const char *sql)
{
    cr_assert_eq(run(db, sql), SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
}

/* The one number a query gives; -1 if it fails. */
static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

static bool is_intact(sqlite3 *db)
{
    return number(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1;
}

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
    rig->other->clock_offset_ns = 3600 * SECOND;
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

Test(vfs, after_a_power_loss_old_connections_of_others_fail_and_new_ones_work)
{
    struct rig *rig = rig_new(1);
    sqlite3 *old = open_db(rig, rig->other);
    must(old, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
              "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    disk_power_loss(rig->disk, rig->node);
    sqlite3 *db = open_db(rig, rig->node);
    cr_assert_eq(number(db, "SELECT count(*) FROM t"), 1);
    cr_assert_eq(run(old, "INSERT INTO t VALUES (2)") & 0xff, SQLITE_IOERR);
    must(db, "INSERT INTO t VALUES (3)");
    sqlite3_close(old);
    sqlite3_close(db);
    rig_free(rig);
}

/* ---- every fault at every operation ---- */

static void transfer(void *arg)
{
    struct rig *rig = arg;
    sqlite3 *db = NULL;
    int code = try_open(rig, rig->node, &db); /* it reads the header */
    if (code == SQLITE_OK)
        code = run(db, "PRAGMA synchronous = FULL; PRAGMA cache_size = 5; BEGIN IMMEDIATE;"
                       "UPDATE t SET x = x - 1 WHERE id = 1;"
                       "UPDATE t SET x = x + 1 WHERE id = 300;"
                       "DELETE FROM t WHERE id BETWEEN 100 AND 200; COMMIT");
    *(int *)rig->ctx = code; /* stays as it was when the node dies before */
    sqlite3_close(db);
}

static void make_accounts(struct rig *rig, const char *journal)
{
    sqlite3 *db = open_db(rig, rig->node);
    must(db, journal);
    must(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, x, pad);"
             "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
             "INSERT INTO t SELECT i, 100, zeroblob(200) FROM n");
    sqlite3_close(db);
}

/* The transaction happened whole, or not at all; and it did if it was acknowledged. */
static void check_accounts(struct rig *rig, int code, const char *what)
{
    sqlite3 *db = open_db(rig, rig->node);
    int64_t first = number(db, "SELECT x FROM t WHERE id = 1");
    int64_t last = number(db, "SELECT x FROM t WHERE id = 300");
    int64_t rows = number(db, "SELECT count(*) FROM t");
    bool before = first == 100 && last == 100 && rows == 300;
    bool after = first == 99 && last == 101 && rows == 199;
    cr_assert(before || after, "%s, hit %lu: half a transaction", what, rig->plan.nth);
    cr_assert(after || code != SQLITE_OK, "%s, hit %lu: a lost commit", what, rig->plan.nth);
    cr_assert(is_intact(db), "%s, hit %lu: not intact", what, rig->plan.nth);
    sqlite3_close(db);
}

static bool is_clean_error(int code, int err)
{
    code &= 0xff;
    return code == SQLITE_OK || code == SQLITE_IOERR || code == SQLITE_CANTOPEN ||
           (err == ENOSPC && code == SQLITE_FULL);
}

/* Fails the nth operation for n = 1, 2, 3, ... until a run ends without a fault. Returns how many
 * there were. */
static uint64_t sweep(struct fault fault, const char *point, const char *journal, const char *what)
{
    for (uint64_t n = 1;; n++) {
        struct rig *rig = rig_new(n);
        int code = SQLITE_ABORT; /* of a node that died */
        make_accounts(rig, journal);
        rig->ctx = &code;
        node_boot(rig->node);
        rig->plan = (struct plan){.point = point, .nth = n, .fault = fault};
        rig_run(rig, rig->node, transfer, rig);
        rig->plan.point = NULL;
        bool injected = rig->plan.injected > 0;
        if (fault.kind == FAULT_ERROR)
            cr_assert(is_clean_error(code, fault.err), "%s, hit %lu: code %d", what, n, code);
        else
            cr_assert_eq(injected, rig->node->state == NODE_DOWN);
        cr_assert(injected || code == SQLITE_OK);
        check_accounts(rig, code, what);
        rig_free(rig);
        if (!injected)
            return n - 1;
    }
}

static const struct fault eio = {.kind = FAULT_ERROR, .err = EIO};
static const struct fault enospc = {.kind = FAULT_ERROR, .err = ENOSPC};
static const struct fault kill_it = {.kind = FAULT_KILL};
static const struct fault poweroff = {.kind = FAULT_POWEROFF};
static const char wal[] = "PRAGMA journal_mode = WAL", journal[] = "PRAGMA journal_mode = DELETE";

Test(vfs, any_operation_can_fail_with_EIO)
{
    cr_assert_gt(sweep(eio, "disk/file/", wal, "EIO, WAL"), 20);
    cr_assert_gt(sweep(eio, "disk/file/", journal, "EIO, journal"), 20);
}

Test(vfs, any_write_can_fail_with_ENOSPC)
{
    cr_assert_gt(sweep(enospc, "disk/file/write", wal, "ENOSPC, WAL"), 10);
    cr_assert_gt(sweep(enospc, "disk/file/write", journal, "ENOSPC, journal"), 10);
}

Test(vfs, a_node_can_die_in_any_operation)
{
    cr_assert_gt(sweep(kill_it, "disk/file/", wal, "kill, WAL"), 20);
    cr_assert_gt(sweep(kill_it, "disk/file/", journal, "kill, journal"), 20);
}

Test(vfs, the_power_can_fail_in_any_operation)
{
    cr_assert_gt(sweep(poweroff, "disk/file/", wal, "poweroff, WAL"), 20);
    cr_assert_gt(sweep(poweroff, "disk/file/", journal, "poweroff, journal"), 20);
}

static void insert_full(void *arg)
{
    struct rig *rig = arg;
    sqlite3 *db = open_db(rig, rig->node);
    rig->plan = (struct plan){.point = "disk/file/write", .nth = 1, .fault = enospc};
    cr_assert_eq(run(db, "INSERT INTO t VALUES (301, 0, 0)"), SQLITE_FULL);
    rig->plan = (struct plan){.point = "disk/file/sync", .nth = 1, .fault = eio};
    cr_assert_eq(run(db, "PRAGMA synchronous = FULL; INSERT INTO t VALUES (301, 0, 0)"),
                 SQLITE_IOERR);
    cr_assert_eq(sqlite3_extended_errcode(db), SQLITE_IOERR_FSYNC);
    cr_assert_eq(rig->plan.injected, 1);
    sqlite3_close(db);
}

Test(vfs, errors_have_the_right_codes)
{
    struct rig *rig = rig_new(1);
    make_accounts(rig, wal);
    node_boot(rig->node);
    rig_run(rig, rig->node, insert_full, rig);
    rig_free(rig);
}

/* ---- a long life with many power losses ---- */

#define SLOTS 100

/* Clients overwrite slots with ever newer versions. What they were told is written must stay. */
struct ledger {
    const char *pragmas;
    sqlite3 *db;
    int64_t version, lost;
    int64_t acknowledged[SLOTS], found[SLOTS];
    bool broken;
};

static int see_slot(void *arg, int columns, char **values, char **names)
{
    (void)columns, (void)names;
    ((int64_t *)arg)[atoi(values[0])] = atoll(values[1]);
    return 0;
}

static void ledger_audit(struct ledger *ledger)
{
    memset(ledger->found, 0, sizeof ledger->found);
    if (!is_intact(ledger->db) ||
        sqlite3_exec(ledger->db, "SELECT slot, version FROM t", see_slot, ledger->found, NULL))
        ledger->broken = true;
    for (int i = 0; i < SLOTS; i++) {
        ledger->lost += ledger->found[i] < ledger->acknowledged[i];
        ledger->acknowledged[i] = ledger->found[i];
    }
}

static void ledger_write(void *arg)
{
    struct rig *rig = arg;
    struct ledger *ledger = rig->ctx;
    char sql[200];
    int64_t version = ++ledger->version, slot = version * 37 % SLOTS;
    snprintf(sql, sizeof sql,
             "BEGIN IMMEDIATE; REPLACE INTO t VALUES (%ld, %ld, zeroblob(%ld));"
             "UPDATE t SET pad = pad || 'y' WHERE slot = %ld; COMMIT",
             slot, version, version * 31 % 3000, slot / 2);
    if (run(ledger->db, sql) == SQLITE_OK)
        ledger->acknowledged[slot] = version;
    world_at(rig->world, rig->node, world_now(rig->world) + SECOND / 100, ledger_write, rig);
}

static void ledger_boot(struct rig *rig, struct node *node)
{
    struct ledger *ledger = rig->ctx;
    ledger->db = open_db(rig, node);
    sqlite3_exec(ledger->db, ledger->pragmas, NULL, NULL, NULL);
    sqlite3_exec(ledger->db,
                 "CREATE TABLE IF NOT EXISTS t (slot INTEGER PRIMARY KEY, version, pad)", NULL,
                 NULL, NULL);
    ledger_audit(ledger);
    world_at(rig->world, node, world_now(rig->world) + SECOND / 100, ledger_write, rig);
}

/* Runs until the power failed `losses` times. Returns acknowledged transactions that were lost. */
static int64_t live(uint64_t seed, uint64_t losses, const char *pragmas, const char *point,
                    char ret_fingerprint[33], bool *ret_broken)
{
    struct rig *rig = rig_new(seed);
    struct ledger *ledger = calloc(1, sizeof *ledger);
    ledger->pragmas = pragmas;
    rig->ctx = ledger;
    rig->boot = ledger_boot;
    node_boot(rig->node);
    rig->plan = (struct plan){
        .point = point, .one_in = strcmp(point, "disk/file/") == 0 ? 150 : 30, .fault = poweroff};
    while (rig->plan.injected < losses && ledger->version < 20000 && !ledger->broken)
        world_step(rig->world, INT64_MAX);
    cr_assert(ledger->broken || rig->plan.injected == losses);
    rig->plan.point = NULL;
    while (rig->node->state == NODE_DOWN) /* the last audit */
        world_step(rig->world, INT64_MAX);
    int64_t lost = ledger->lost;
    *ret_broken = ledger->broken;
    trace_fingerprint(rig->trace, ret_fingerprint);
    rig_free(rig);
    free(ledger);
    return lost;
}

#define FULL   "PRAGMA wal_autocheckpoint = 30; PRAGMA synchronous = FULL;"
#define NORMAL "PRAGMA wal_autocheckpoint = 30; PRAGMA synchronous = NORMAL;"
#define OFF    "PRAGMA synchronous = OFF;"

Test(vfs, full_wal_keeps_every_commit_over_200_power_losses)
{
    char fingerprint[33];
    bool broken;
    uint64_t lost =
        live(1, 200, "PRAGMA journal_mode = WAL;" FULL, "disk/file/sync", fingerprint, &broken);
    cr_assert_not(broken);
    cr_assert_eq(lost, 0, "%ld", lost);
}

Test(vfs, full_wal_keeps_every_commit_when_the_power_fails_anywhere)
{
    char fingerprint[33];
    bool broken;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        cr_assert_eq(
            live(seed, 50, "PRAGMA journal_mode = WAL;" FULL, "disk/file/", fingerprint, &broken),
            0);
        cr_assert_not(broken, "seed %lu", seed);
    }
}

Test(vfs, full_journal_keeps_every_commit_when_the_power_fails_anywhere)
{
    char fingerprint[33];
    bool broken;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        cr_assert_eq(live(seed, 50, "PRAGMA journal_mode = DELETE;" FULL, "disk/file/", fingerprint,
                          &broken),
                     0);
        cr_assert_not(broken, "seed %lu", seed);
    }
}

Test(vfs, normal_wal_may_lose_commits_but_stays_intact)
{
    char fingerprint[33];
    bool broken;
    int64_t lost = 0;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        lost +=
            live(seed, 20, "PRAGMA journal_mode = WAL;" NORMAL, "disk/file/", fingerprint, &broken);
        cr_assert_not(broken, "seed %lu", seed);
    }
    cr_assert_gt(lost, 0);
}

Test(vfs, without_syncs_power_losses_break_databases)
{
    char fingerprint[33];
    unsigned breaks = 0;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        bool broken;
        uint64_t lost =
            live(seed, 3, "PRAGMA journal_mode = DELETE;" OFF, "disk/file/", fingerprint, &broken);
        breaks += broken || lost > 0;
    }
    cr_assert_gt(breaks, 0);
}

Test(vfs, the_same_tape_gives_the_same_life)
{
    char first[33], again[33], other[33];
    bool broken;
    const char *pragmas = "PRAGMA journal_mode = WAL;" NORMAL;
    int64_t lost = live(7, 20, pragmas, "disk/file/", first, &broken);
    live(8, 20, pragmas, "disk/file/", other, &broken);
    cr_assert_eq(live(7, 20, pragmas, "disk/file/", again, &broken), lost);
    cr_assert_str_eq(first, again);
    cr_assert_str_neq(first, other);
}

/* All bytes of the database and its WAL, with the salts and nonces that SQLite draws. */
static uint64_t bytes_of_life(uint64_t seed)
{
    struct rig *rig = rig_new(seed);
    make_accounts(rig, wal);
    sqlite3 *db = open_db(rig, rig->node);
    must(db, "INSERT INTO t VALUES (301, random(), randomblob(16))");
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "test.db-wal" : "test.db";
        int64_t size = disk_size(rig->disk, name);
        cr_assert_gt(size, 0);
        unsigned char *data = calloc(1, (size_t)size);
        disk_read(rig->disk, name, data, (size_t)size, 0);
        for (int64_t at = 0; at < size; at++)
            hash = (hash ^ data[at]) * 1099511628211u;
        free(data);
    }
    sqlite3_close(db);
    rig_free(rig);
    return hash;
}

Test(vfs, the_same_tape_gives_the_same_bytes)
{
    uint64_t first = bytes_of_life(1);
    sqlite3_randomness(4, &(int){0}); /* between worlds nobody is deterministic */
    cr_assert_eq(bytes_of_life(1), first);
    cr_assert_neq(bytes_of_life(2), first);
}
