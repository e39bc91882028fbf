/* fixture.h: a store in a directory of its own, on the real file system, with a clock and a disk
 * that the test holds in its hands. For the tests and benchmarks of this folder; each includes it
 * once. */
#ifndef SUT_STORE_FIXTURE_H
#define SUT_STORE_FIXTURE_H

#include "sut/store/sqlite.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_MS        INT64_C(1700000000000)
#define JULIAN_1970   INT64_C(210866760000000)
#define LEASE_MS      30000
#define ARRAY_SIZE(a) (sizeof(a) / sizeof *(a))

static char dir[] = "/tmp/store-XXXXXX", path[64], why[256];
static int64_t clock_ms = NOW_MS;
static struct heap node_heap, heap; /* of the node; of the test's requests and replies */

/* ---- a SQLite VFS whose clock is clock_ms and whose disk fails on demand ---- */

static int disk_write_rc, disk_sync_rc; /* SQLITE_OK: it works */
static unsigned log_rewritten;          /* how often a log was written anew from its beginning */
#define LOG_HEADER 32                   /* bytes: what SQLite itself writes there */
static sqlite3_vfs test_vfs;
static const sqlite3_io_methods *real_methods;
static sqlite3_io_methods test_methods[2]; /* of logs and journals; of databases */

static int vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *ret_julian_ms)
{
    (void)vfs;
    *ret_julian_ms = clock_ms + JULIAN_1970;
    return SQLITE_OK;
}

static int file_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    bool log = file->pMethods == &test_methods[0];
    log_rewritten += log && offset == 0 && size > LOG_HEADER;
    return disk_write_rc ? disk_write_rc : real_methods->xWrite(file, data, size, offset);
}

static int file_sync(sqlite3_file *file, int flags)
{
    return disk_sync_rc ? disk_sync_rc : real_methods->xSync(file, flags);
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    int rc = real->xOpen(real, name, file, flags, out);
    if (rc != SQLITE_OK || !file->pMethods)
        return rc;
    real_methods = file->pMethods;
    sqlite3_io_methods *methods = &test_methods[(flags & SQLITE_OPEN_MAIN_DB) != 0];
    *methods = *real_methods;
    methods->xWrite = file_write;
    methods->xSync = file_sync;
    file->pMethods = methods;
    return rc;
}

static void vfs_register(void)
{
    test_vfs = *sqlite3_vfs_find(NULL);
    test_vfs.zName = "test";
    test_vfs.xOpen = vfs_open;
    test_vfs.xCurrentTimeInt64 = vfs_time;
    sqlite3_vfs_register(&test_vfs, 0);
}

/* ---- what was recorded: one line per event, "name field=value ..." ---- */

#ifdef DURESS_POINTS
static char events[1 << 16];
static const char *fault_at; /* FAULT there returns fault_err */
static int fault_err;

static void event_write(struct point *point, const struct point_field *fields, unsigned count)
{
    size_t used = strlen(events);
    char *at = events + used, *end = events + sizeof events;
    at += snprintf(at, (size_t)(end - at), "%s", point->name);
    for (unsigned i = 0; i < count && at < end; ++i) {
        size_t room = (size_t)(end - at);
        if (fields[i].type == FIELD_STR)
            at += snprintf(at, room, " %s=%s", fields[i].name, fields[i].str);
        else
            at += snprintf(at, room, " %s=%lld", fields[i].name, (long long)fields[i].i64);
    }
    if (at < end)
        snprintf(at, (size_t)(end - at), "\n");
}

static void sink_event(struct point_sink *sink, struct point_site *at, struct point *point,
                       const struct point_field *fields, unsigned count)
{
    (void)sink, (void)at;
    if (strncmp(point->name, "store/", 6) == 0)
        event_write(point, fields, count);
}

static int sink_fault(struct point_sink *sink, struct point_site *at, struct point *point,
                      const struct point_field *fields, unsigned count)
{
    sink_event(sink, at, point, fields, count);
    return fault_at && strcmp(point->name, fault_at) == 0 ? fault_err : 0;
}

static struct point_sink test_sink = {.event = sink_event, .fault = sink_fault};
#define TEST_SITE                                                                                  \
    {                                                                                              \
        .sink = &test_sink                                                                         \
    }
#else
#define TEST_SITE                                                                                  \
    {                                                                                              \
        0                                                                                          \
    }
#endif

/* ---- an environment ---- */

static struct work *submitted; /* the test says when it runs */
static char logged[600];

static int64_t fake_ns(struct env *env)
{
    (void)env;
    return clock_ms * NS_PER_MS;
}

static uint64_t fake_entropy(struct env *env)
{
    (void)env;
    return 4;
}

static void fake_submit(struct env *env, struct work *work)
{
    (void)env;
    submitted = work;
}

static void fake_log(struct env *env, enum log_level level, const char *line)
{
    (void)env, (void)level;
    snprintf(logged, sizeof logged, "%s", line);
}

static const struct env_ops fake_ops = {fake_ns, fake_ns, fake_entropy, fake_submit, fake_log};
static struct env env = {.ops = &fake_ops, .heap = &node_heap, .site = TEST_SITE, .node_name = "n"};

/* ---- the store ---- */

__attribute__((unused)) static struct store_db *open_at(const char *at, bool create)
{
    struct store_sqlite_options options = {
        .path = at, .vfs = "test", .env = &env, .create = create, .busy_ms = 1};
    *why = '\0';
    return store_sqlite_open(&options, why, sizeof why);
}

__attribute__((unused)) static void dir_make(void)
{
    vfs_register();
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/jobs.db", dir);
}

__attribute__((unused)) static void dir_remove(void)
{
    static const char *const names[] = {"jobs.db", "jobs.db-wal", "jobs.db-shm", "jobs.db-journal"};
    for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
        char name[96];
        snprintf(name, sizeof name, "%s/%s", dir, names[i]);
        unlink(name);
    }
    cr_assert_eq(rmdir(dir), 0, "something was left in %s", dir);
}

#endif
