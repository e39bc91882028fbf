/* sqlite_rig.h: the world of disk_rig.h with SQLite on its disk. */
#ifndef DURESS_TEST_SQLITE_RIG_H
#define DURESS_TEST_SQLITE_RIG_H

#include "disk_rig.h"
#include <sqlite3.h>

static inline struct rig *rig_new(uint64_t seed)
{
    disk_sqlite_init();
    struct rig *rig = calloc(1, sizeof *rig);
    rig_init(rig, seed);
    return rig;
}

static inline void rig_free(struct rig *rig)
{
    rig_done(rig);
    free(rig);
}

static inline int try_open(struct rig *rig, struct node *node, sqlite3 **ret_db)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    return sqlite3_open_v2("test.db", ret_db, flags, disk_vfs(rig->disk, node));
}

static inline sqlite3 *open_db(struct rig *rig, struct node *node)
{
    sqlite3 *db = NULL;
    int code = try_open(rig, node, &db);
    cr_assert_eq(code, SQLITE_OK, "code %d", code);
    return db;
}

static inline int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static inline void must(sqlite3 *db, const char *sql)
{
    cr_assert_eq(run(db, sql), SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
}

/* The one number a query gives; -1 if it fails. */
static inline int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

static inline bool is_intact(sqlite3 *db)
{
    return number(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1;
}

#endif
