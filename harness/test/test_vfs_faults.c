/* SQLite on disks that fail: each fault at each operation, and long lives with many power losses.
 */
#include "sqlite_rig.h"
#include <errno.h>

/* ---- every fault at every operation ---- */

static void transfer(void *arg)
{
    struct rig *rig = arg;
    sqlite3 *db = NULL;
    int code = try_open(rig, rig->node, &db); /* it reads the header */
    if (code == SQLITE_OK)
        code = run(db, "PRAGMA synchronous = FULL; PRAGMA cache_size = 5; BEGIN IMMEDIATE;"
                       "UPDATE t SET x = x - 1 WHERE id = 1;"
                       "UPDATE t SET x = x + 1 WHERE id = 120;"
                       "DELETE FROM t WHERE id BETWEEN 40 AND 80; COMMIT");
    *(int *)rig->ctx = code; /* stays as it was when the node dies before */
    sqlite3_close(db);
}

static void make_accounts(struct rig *rig, const char *journal)
{
    sqlite3 *db = open_db(rig, rig->node);
    must(db, journal);
    must(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, x, pad);"
             "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)"
             "INSERT INTO t SELECT i, 100, zeroblob(400) FROM n");
    sqlite3_close(db);
}

/* The transaction happened whole, or not at all; and it did if it was acknowledged. */
static void check_accounts(struct rig *rig, int code, const char *what)
{
    sqlite3 *db = open_db(rig, rig->node);
    int64_t first = number(db, "SELECT x FROM t WHERE id = 1");
    int64_t last = number(db, "SELECT x FROM t WHERE id = 120");
    int64_t rows = number(db, "SELECT count(*) FROM t");
    bool before = first == 100 && last == 100 && rows == 120;
    bool after = first == 99 && last == 101 && rows == 79;
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

Test(vfs_faults, any_operation_can_fail_with_EIO)
{
    cr_assert_gt(sweep(eio, "disk/file/", wal, "EIO, WAL"), 20);
    cr_assert_gt(sweep(eio, "disk/file/", journal, "EIO, journal"), 20);
}

Test(vfs_faults, any_write_can_fail_with_ENOSPC)
{
    cr_assert_gt(sweep(enospc, "disk/file/write", wal, "ENOSPC, WAL"), 10);
    cr_assert_gt(sweep(enospc, "disk/file/write", journal, "ENOSPC, journal"), 10);
}

Test(vfs_faults, a_node_can_die_in_any_operation)
{
    cr_assert_gt(sweep(kill_it, "disk/file/", wal, "kill, WAL"), 20);
    cr_assert_gt(sweep(kill_it, "disk/file/", journal, "kill, journal"), 20);
}

Test(vfs_faults, the_power_can_fail_in_any_operation)
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

Test(vfs_faults, errors_have_the_right_codes)
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

Test(vfs_faults, full_wal_keeps_every_commit_over_200_power_losses)
{
    char fingerprint[33];
    bool broken;
    uint64_t lost =
        live(1, 200, "PRAGMA journal_mode = WAL;" FULL, "disk/file/sync", fingerprint, &broken);
    cr_assert_not(broken);
    cr_assert_eq(lost, 0, "%ld", lost);
}

Test(vfs_faults, full_wal_keeps_every_commit_when_the_power_fails_anywhere)
{
    char fingerprint[33];
    bool broken;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        cr_assert_eq(
            live(seed, 50, "PRAGMA journal_mode = WAL;" FULL, "disk/file/", fingerprint, &broken),
            0);
        cr_assert_not(broken, "seed %lu", seed);
    }
}

Test(vfs_faults, full_journal_keeps_every_commit_when_the_power_fails_anywhere)
{
    char fingerprint[33];
    bool broken;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        cr_assert_eq(live(seed, 50, "PRAGMA journal_mode = DELETE;" FULL, "disk/file/", fingerprint,
                          &broken),
                     0);
        cr_assert_not(broken, "seed %lu", seed);
    }
}

Test(vfs_faults, normal_wal_may_lose_commits_but_stays_intact)
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

Test(vfs_faults, without_syncs_power_losses_break_databases)
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

Test(vfs_faults, the_same_tape_gives_the_same_life)
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

Test(vfs_faults, the_same_tape_gives_the_same_bytes)
{
    uint64_t first = bytes_of_life(1);
    sqlite3_randomness(4, &(int){0}); /* between worlds nobody is deterministic */
    cr_assert_eq(bytes_of_life(1), first);
    cr_assert_neq(bytes_of_life(2), first);
}
