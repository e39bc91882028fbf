/* Disks that do what they should not: short writes, full disks, forsaken pages, lies, wrong places, rot. */
#include "harness/world/disk_internal.h"
#include "sqlite_rig.h"
#include <errno.h>

static const char name[] = "f";

static void content_is(struct rig *rig, const char *text)
{
    char data[64] = {0};
    int got = disk_read(rig->disk, name, data, sizeof data - 1, 0);
    cr_assert_eq(got, (int)strlen(text), "%d bytes: %s", got, data);
    cr_assert_str_eq(data, text);
}

static void put(struct rig *rig, const char *text, uint64_t offset)
{
    disk_write(rig->disk, name, text, strlen(text), offset);
}

static unsigned events_of(struct rig *rig, const char *point)
{
    struct trace_cursor cursor = {0};
    struct event event;
    unsigned count = 0;
    while (trace_next(rig->trace, &cursor, &event))
        count += strcmp(event.point->name, point) == 0;
    return count;
}

/* ---- through SQLite ---- */

static const char insert[] = "INSERT INTO t(x) VALUES (zeroblob(3000))";

static sqlite3 *open_wal(struct rig *rig)
{
    sqlite3 *db = open_db(rig, rig->node);
    must(db,
         "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS t(x)");
    return db;
}

static struct rig *rig_with_table(uint64_t seed, unsigned disks_lying)
{
    disk_sqlite_init();
    struct rig *rig = calloc(1, sizeof *rig);
    rig_init_budget(rig, seed, (struct budget){.nodes_down = 1, .disks_lying = disks_lying});
    node_boot(rig->node);
    return rig;
}

static void plan(struct rig *rig, const char *point, uint64_t nth, enum fault_kind kind)
{
    rig->plan = (struct plan){.point = point, .nth = nth, .fault = {.kind = kind, .err = EIO}};
}

static void fill_and_empty(void *arg)
{
    struct rig *rig = arg;
    sqlite3 *db = open_wal(rig);
    must(db, insert);
    disk_fill(rig->disk, true);
    cr_assert_eq(run(db, insert), SQLITE_FULL);
    cr_assert_eq(number(db, "SELECT count(*) FROM t"), 1, "a full disk can be read");
    disk_fill(rig->disk, false);
    must(db, insert);
    cr_assert_eq(number(db, "SELECT count(*) FROM t"), 2);
    cr_assert(is_intact(db));
    sqlite3_close(db);
}

Test(full, writes_that_grow_a_file_fail_until_there_is_room)
{
    struct rig *rig = rig_with_table(3, 0);
    rig_run(rig, rig->node, fill_and_empty, rig);
    cr_assert_geq(events_of(rig, "disk/file/full"), 1);
    rig_free(rig);
}

static void write_short(void *arg)
{
    struct rig *rig = arg;
    sqlite3 *db = open_wal(rig);
    must(db, insert);
    plan(rig, "disk/file/write", 2, FAULT_SHORT);
    cr_assert_eq(run(db, insert), SQLITE_FULL);
    cr_assert_eq(rig->plan.injected, 1);
    rig->plan.point = NULL;
    cr_assert_eq(number(db, "SELECT count(*) FROM t"), 1);
    must(db, insert);
    cr_assert(is_intact(db));
    sqlite3_close(db);
}

Test(short_io, leaves_a_part_written_and_fails)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rig *rig = rig_with_table(seed, 0);
        rig_run(rig, rig->node, write_short, rig);
        rig_free(rig);
    }
}

static void read_short(void *arg)
{
    struct rig *rig = arg;
    sqlite3_close(open_wal(rig));
    sqlite3 *db = open_db(rig, rig->node);
    plan(rig, "disk/file/read", 2, FAULT_SHORT);
    cr_assert_eq(run(db, "SELECT count(*) FROM t"), SQLITE_IOERR);
    cr_assert_eq(rig->plan.injected, 1);
    sqlite3_close(db);
}

Test(short_io, of_a_read_is_an_error)
{
    struct rig *rig = rig_with_table(1, 0);
    rig_run(rig, rig->node, read_short, rig);
    rig_free(rig);
}

/* ---- lies, within the budget ---- */

static void sync_lies(void *arg)
{
    struct rig *rig = arg;
    sqlite3 *db = open_wal(rig);
    must(db, insert);
    rig->plan = (struct plan){.point = "disk/file/sync", .one_in = 1, .fault = {.kind = FAULT_LIE}};
    must(db, insert); /* acknowledged */
    rig->plan.point = NULL;
    *(uint64_t *)rig->ctx = rig->plan.injected;
}

/* With a tape of zeros (nothing un-synced survives) an acknowledged commit is gone. */
static int64_t rows_after_power_loss(unsigned disks_lying)
{
    struct rig *rig = rig_with_table(1, disks_lying);
    uint64_t asked = 0;
    rig->ctx = &asked;
    rig_run(rig, rig->node, sync_lies, rig);
    cr_assert_gt(asked, 0);
    cr_assert_eq(disk_has_lied(rig->disk), disks_lying > 0);
    cr_assert_eq(events_of(rig, "world/disk/lie"), disks_lying > 0, "recorded once");
    tape_simplify(rig->tape, STREAM_DISK, NULL);
    node_kill(rig->node, true, true);
    sqlite3 *db = open_db(rig, rig->other);
    int64_t rows = number(db, "SELECT count(*) FROM t");
    cr_assert(is_intact(db));
    sqlite3_close(db);
    rig_free(rig);
    return rows;
}

Test(lies, a_sync_that_lies_loses_what_was_acknowledged)
{
    cr_assert_eq(rows_after_power_loss(1), 1);
}

Test(lies, without_a_budget_nothing_lies)
{
    cr_assert_eq(rows_after_power_loss(0), 2);
}

static void write_lies(void *arg)
{
    struct rig *rig = arg;
    sqlite3 *db = open_wal(rig);
    rig->plan.one_in = 3;
    rig->plan.point = "disk/file/";
    for (int i = 0; i < 40; i++) {
        int code = run(db, insert);
        cr_assert(code == SQLITE_OK || code == SQLITE_CORRUPT || code == SQLITE_IOERR ||
                      code == SQLITE_FULL || code == SQLITE_NOTADB || code == SQLITE_BUSY,
                  "code %d", code);
        number(db, "SELECT count(*) FROM t");
    }
    rig->plan.point = NULL;
    sqlite3_close(db);
}

/* Whatever a device does, SQLite reports an error or goes on; it never crashes. */
static void storm(enum fault_kind kind)
{
    uint64_t injected = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct rig *rig = rig_with_table(seed, 1);
        rig->plan.fault.kind = kind;
        rig_run(rig, rig->node, write_lies, rig);
        injected += rig->plan.injected;
        rig_free(rig);
    }
    cr_assert_gt(injected, 100);
}

Test(lies, sqlite_lives_through_each_kind)
{
    storm(FAULT_LIE);
    storm(FAULT_MISDIRECT);
    storm(FAULT_FLIP);
    storm(FAULT_SHORT);
}

static unsigned bits_that_differ(const char *a, const char *b, size_t size)
{
    unsigned bits = 0;
    for (size_t i = 0; i < size; i++)
        bits += (unsigned)__builtin_popcount((unsigned char)(a[i] ^ b[i]));
    return bits;
}

Test(rot, flips_exactly_one_bit_that_a_power_loss_does_not_bring_back)
{
    struct rig *rig = rig_with_table(5, 1);
    char data[16];
    put(rig, "0123456789abcdef", 0);
    disk_sync(rig->disk, name);
    cr_assert(disk_rot(rig->disk));
    disk_power_loss(rig->disk, rig->node);
    disk_read(rig->disk, name, data, sizeof data, 0);
    cr_assert_eq(bits_that_differ(data, "0123456789abcdef", sizeof data), 1);
    cr_assert_eq(events_of(rig, "world/disk/rot"), 1);
    rig_free(rig);
}

Test(rot, needs_a_budget_and_something_to_rot)
{
    struct rig *rig = rig_with_table(5, 0), *empty = rig_with_table(5, 1);
    put(rig, "data", 0);
    cr_assert_not(disk_rot(rig->disk));
    cr_assert_not(disk_rot(empty->disk));
    cr_assert_not(disk_has_lied(rig->disk));
    rig_free(rig);
    rig_free(empty);
}

Test(lies, a_deceiving_disk_makes_up_for_it_when_it_is_honest_again)
{
    struct rig *rig = rig_with_table(1, 1);
    cr_assert(disk_deceive(rig->disk, true));
    cr_assert(disk_deceives(rig->disk));
    cr_assert(disk_deceive(rig->disk, false));
    cr_assert_not(disk_deceives(rig->disk));
    cr_assert(disk_has_lied(rig->disk), "what it did cannot be undone");
    rig_free(rig);
}

/* ---- what a failed sync leaves behind ---- */

static void fail_sync(void *arg)
{
    struct rig *rig = arg;
    sqlite3 *db = open_wal(rig);
    plan(rig, "disk/file/sync", 1, FAULT_ERROR);
    cr_assert_eq(run(db, insert), SQLITE_IOERR);
    rig->plan.point = NULL;
    must(db, insert);
}

static struct rig *rig_forsaken(void)
{
    struct rig *rig = rig_with_table(1, 0);
    tape_simplify(rig->tape, STREAM_DISK, NULL); /* what is not synced is dropped */
    put(rig, "aaaa", 0);
    disk_sync(rig->disk, name);
    put(rig, "bbbbbb", 2);
    file_forsake(file_find(rig->disk, name));
    content_is(rig, "aabbbbbb");
    return rig;
}

Test(failed_sync, forsaken_pages_are_seen_until_the_power_fails)
{
    struct rig *rig = rig_forsaken();
    disk_sync(rig->disk, name);
    content_is(rig, "aabbbbbb");
    disk_power_loss(rig->disk, rig->node);
    char data[9] = {0};
    cr_assert_eq(disk_read(rig->disk, name, data, 8, 0), 8, "the size is durable");
    cr_assert_arr_eq(data, "aaaa\0\0\0\0", 8);
    rig_free(rig);
}

Test(failed_sync, what_is_written_again_can_be_synced_again)
{
    struct rig *rig = rig_forsaken();
    put(rig, "cc", 1);
    disk_sync(rig->disk, name);
    put(rig, "d", 0);
    content_is(rig, "dccbbbbb");
    disk_power_loss(rig->disk, rig->node);
    char data[9] = {0};
    disk_read(rig->disk, name, data, 8, 0);
    cr_assert_arr_eq(data, "acca\0\0\0\0", 8);
    rig_free(rig);
}

Test(failed_sync, once_all_of_it_is_written_again_nothing_is_apart)
{
    struct rig *rig = rig_forsaken();
    put(rig, "bbbbbb", 2);
    cr_assert_not_null(file_find(rig->disk, name)->medium);
    disk_sync(rig->disk, name);
    cr_assert_null(file_find(rig->disk, name)->medium);
    disk_power_loss(rig->disk, rig->node);
    content_is(rig, "aabbbbbb");
    rig_free(rig);
}

Test(failed_sync, a_truncation_takes_forsaken_pages_along)
{
    struct rig *rig = rig_forsaken();
    disk_truncate(rig->disk, name, 2);
    disk_sync(rig->disk, name);
    disk_power_loss(rig->disk, rig->node);
    content_is(rig, "aa");
    rig_free(rig);
}

/* Either fate of the pages: no commit that was acknowledged afterwards is lost. */
Test(failed_sync, later_commits_survive)
{
    unsigned forsaken = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rig *rig = rig_with_table(seed, 0);
        rig_run(rig, rig->node, fail_sync, rig);
        forsaken += events_of(rig, "disk/file/forsake");
        node_kill(rig->node, true, true);
        sqlite3 *db = open_db(rig, rig->other);
        cr_assert_geq(number(db, "SELECT count(*) FROM t"), 1, "seed %lu", (unsigned long)seed);
        cr_assert(is_intact(db));
        sqlite3_close(db);
        rig_free(rig);
    }
    cr_assert_gt(forsaken, 3);
    cr_assert_lt(forsaken, 17);
}
