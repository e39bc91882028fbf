/* connection.c: the connection of a store: opening it, its errors, its clock.
 *
 * A connection that met an I/O error or corruption is not trusted any more: it is closed, and the
 * next request opens another one, so that a fault that was passing is forgotten. What can be lost:
 * with DURABILITY_NORMAL, the last transactions before a power loss; never a part of a transaction.
 */
#include "sut/jobs/json_contains.h"
#include "sut/store/sqlite/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define JULIAN_1970_MS   INT64_C(210866760000000)
#define CHECKPOINT_PAGES 4000u

/* ---- errors ---- */

int sqlite_errno(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK: return 0;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return -EBUSY;
    case SQLITE_FULL: return -ENOSPC;
    case SQLITE_READONLY: return -EROFS;
    case SQLITE_NOMEM: return -ENOMEM;
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
    case SQLITE_AUTH: return -EINVAL;
    default: return -EIO;
    }
}

/* ---- the clock ---- */

bool sqlite_clock_ms(sqlite3 *conn, int64_t *ret_ms)
{
    sqlite3_vfs *vfs = NULL;
    sqlite3_int64 julian_ms = 0;
    sqlite3_file_control(conn, "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
    if (!vfs || vfs->iVersion < 2 || !vfs->xCurrentTimeInt64 ||
        vfs->xCurrentTimeInt64(vfs, &julian_ms) != SQLITE_OK)
        return false;
    *ret_ms = julian_ms - JULIAN_1970_MS;
    return true;
}

/* ---- the log ---- */

/* What stands in the log deserves no trust, or does: only then is it written to the database when the connection closes.
 */
static void connection_doubt(struct sqlite_store *store, bool doubt)
{
    store->unsettled = doubt;
    sqlite3_db_config(store->conn, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, doubt, NULL);
}

/* NULL: nothing was read or written yet. */
static sqlite3_file *log_of(sqlite3 *conn)
{
    sqlite3_file *log = NULL;
    int rc = sqlite3_file_control(conn, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    return rc == SQLITE_OK && log && log->pMethods ? log : NULL;
}

/* -1: it is not known. */
static sqlite3_int64 log_size(sqlite3 *conn)
{
    sqlite3_file *log = log_of(conn);
    sqlite3_int64 size = 0;
    return log && log->pMethods->xFileSize(log, &size) == SQLITE_OK ? size : -1;
}

/* In its place: a disk that is full takes it as well. */
static int rewrite(sqlite3_file *file, sqlite3_int64 size)
{
    unsigned char bytes[8192];
    int rc = SQLITE_OK;
    for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < size; at += (int)sizeof bytes) {
        sqlite3_int64 left = size - at;
        int count = left < (int)sizeof bytes ? (int)left : (int)sizeof bytes;
        rc = file->pMethods->xRead(file, bytes, count, at);
        if (rc == SQLITE_OK)
            rc = file->pMethods->xWrite(file, bytes, count, at);
    }
    return rc == SQLITE_OK && size > 0 ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : rc;
}

static int rewrite_log(sqlite3 *conn)
{
    int rc = sqlite3_exec(conn, "BEGIN IMMEDIATE", NULL, NULL, NULL); /* nobody appends meanwhile */
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_int64 size = log_size(conn);
    rc = size < 0 ? SQLITE_IOERR_FSTAT : rewrite(log_of(conn), size);
    sqlite3_exec(conn, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* What stands in the log may be seen and yet never become durable: after a sync that failed, a kernel counts it as
 * written, and the next sync succeeds. Whatever is appended behind such frames is lost with them when the power fails;
 * and a write-back of them that the power interrupts leaves pages in the database that no log explains. So a log that
 * was found is first written once more. Then it is written back, so that it begins anew, and is not written once more
 * by everybody who comes. */
int connection_settle(struct sqlite_store *store, char *why, size_t why_size)
{
    int rc = rewrite_log(store->conn);
    if (rc != SQLITE_OK) {
        snprintf(why, why_size, "%s: the log cannot be written once more: %s", store->options.path,
                 sqlite3_errstr(rc));
        return sqlite_errno(rc);
    }
    connection_doubt(store, false);
    rc = sqlite3_wal_checkpoint_v2(store->conn, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (sqlite_errno(rc) != -EIO)
        return 0; /* somebody else is at it, or there is no room */
    snprintf(why, why_size, "%s: the log cannot be written back: %s", store->options.path,
             sqlite3_errmsg(store->conn));
    return -EIO;
}

/* ---- opening ---- */

/* In the caller's own statements, nothing may end the transaction or reach around it. */
static int authorize(void *ctx, int action, const char *a, const char *b, const char *c,
                     const char *d)
{
    (void)a, (void)b, (void)c, (void)d;
    const struct sqlite_store *store = ctx;
    bool outside = action == SQLITE_TRANSACTION || action == SQLITE_PRAGMA ||
                   action == SQLITE_ATTACH || action == SQLITE_DETACH;
    return store->in_caller_sql && outside ? SQLITE_DENY : SQLITE_OK;
}

/* duress_contains(), as in SQL. */
static void contains(sqlite3_context *context, int count, sqlite3_value **values)
{
    const struct sqlite_store *store = sqlite3_user_data(context);
    const char *whole = (const char *)sqlite3_value_text(values[0]);
    const char *part = (const char *)sqlite3_value_text(values[1]);
    struct heap *heap = heap_child(store->heap);
    (void)count;
    sqlite3_result_int(context, whole && part && json_contains(heap, whole, part));
    heap_free(heap);
}

/* SQLite, which tries again to read it only, says anything but that. */
static bool is_directory(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static int open_file(struct sqlite_store *store, bool create, char *why, size_t why_size)
{
    const struct store_sqlite_options *options = &store->options;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(options->path, &store->conn, flags | (create ? SQLITE_OPEN_CREATE : 0),
                             options->vfs);
    if (rc != SQLITE_OK) {
        int cause = is_directory(options->path) ? EISDIR
                    : store->conn               ? sqlite3_system_errno(store->conn)
                                                : 0;
        snprintf(why, why_size, "%s: cannot be opened: %s", options->path,
                 cause ? strerror(cause) : sqlite3_errstr(rc));
        return cause == ENOENT ? -ENOENT : sqlite_errno(rc);
    }
    if (sqlite3_db_readonly(store->conn, "main") == 1) {
        snprintf(why, why_size, "%s: is read-only", options->path);
        return -EROFS;
    }
    connection_doubt(store, true);
    sqlite3_busy_timeout(store->conn, options->busy_ms);
    sqlite3_set_authorizer(store->conn, authorize, store);
    sqlite3_create_function(store->conn, "duress_contains", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                            store, contains, NULL, NULL);
    return 0;
}

static int check_file(struct sqlite_store *store, bool create, int64_t *ret_version, char *why,
                      size_t why_size)
{
    char problem[128];
    int64_t now_ms = 0;
    int err = schema_check(store->conn, ret_version, problem, sizeof problem);
    store->base.base.schema_found = (int)*ret_version;
    if (!err && *ret_version == 0 && !create) {
        err = -ENOENT;
        snprintf(problem, sizeof problem, "holds no jobs: it has not been set up for them");
    }
    if (!err && !sqlite_clock_ms(store->conn, &now_ms)) {
        err = -EINVAL;
        snprintf(problem, sizeof problem, "its VFS has no clock in milliseconds");
    }
    if (err)
        snprintf(why, why_size, "%s: %s", store->options.path, problem);
    return err;
}

/* Answers the first column of the first row, or NULL. */
static int pragma(sqlite3 *conn, const char *sql, char *answer, size_t size)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(conn, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        snprintf(answer, size, "%s", sqlite3_column_text(stmt, 0));
    return sqlite3_finalize(stmt);
}

/* Only a file that is still empty takes it; of any other it is a property. */
static int set_page_size(struct sqlite_store *store, char *why, size_t why_size)
{
    char sql[48];
    if (!store->options.page_bytes)
        return 0;
    snprintf(sql, sizeof sql, "PRAGMA page_size=%u", store->options.page_bytes);
    int rc = sqlite3_exec(store->conn, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        snprintf(why, why_size, "%s: %s", store->options.path, sqlite3_errmsg(store->conn));
    return sqlite_errno(rc);
}

/* Two processes that make a file at once: SQLite itself does not wait for the one that is first to change the journal. */
#define JOURNAL_WAIT_MS 10

static int set_journal(struct sqlite_store *store, char *why, size_t why_size)
{
    char mode[16] = "none";
    int rc, waited_ms = 0;
    while ((rc = pragma(store->conn, "PRAGMA journal_mode=WAL", mode, sizeof mode)) ==
               SQLITE_BUSY &&
           waited_ms < store->options.busy_ms)
        waited_ms += sqlite3_sleep(JOURNAL_WAIT_MS);
    if (rc == SQLITE_OK && strcmp(mode, store->options.in_memory ? "memory" : "wal") == 0)
        return 0;
    snprintf(why, why_size, "%s: cannot keep a write-ahead log: %s", store->options.path,
             rc == SQLITE_OK ? mode : sqlite3_errmsg(store->conn));
    return rc == SQLITE_OK ? -EINVAL : sqlite_errno(rc);
}

/* Temporary tables stay in memory: the store writes no file but the database's own. */
static int set_pragmas(struct sqlite_store *store, char *why, size_t why_size)
{
    unsigned pages = store->options.checkpoint_pages;
    char sql[128];
    snprintf(sql, sizeof sql,
             "PRAGMA synchronous=%s;PRAGMA temp_store=MEMORY;PRAGMA wal_autocheckpoint=%u",
             store->options.durability == DURABILITY_FULL ? "FULL" : "NORMAL",
             pages ? pages : CHECKPOINT_PAGES);
    int rc = sqlite3_exec(store->conn, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        snprintf(why, why_size, "%s: %s", store->options.path, sqlite3_errmsg(store->conn));
    return sqlite_errno(rc);
}

/* Is there anything in the log that is not our own? */
static bool found_log(struct sqlite_store *store)
{
    char version[16];
    pragma(store->conn, "PRAGMA schema_version", version,
           sizeof version); /* a read opens the log */
    return !store->options.in_memory && log_size(store->conn) != 0;
}

int connection_open(struct sqlite_store *store, bool create, char *why, size_t why_size)
{
    int64_t version = 0;
    int err = open_file(store, create, why, why_size);
    if (!err)
        err = check_file(store, create, &version, why, why_size);
    if (!err)
        err = set_page_size(store, why, why_size);
    if (!err)
        err = set_journal(store, why, why_size);
    if (!err)
        err = set_pragmas(store, why, why_size);
    if (!err && !found_log(store))
        connection_doubt(store, false);
    if (!err && !schema_is_new(version)) {
        char problem[128];
        err = schema_migrate(store->conn, problem, sizeof problem);
        if (err)
            snprintf(why, why_size, "%s: %s", store->options.path, problem);
    }
    if (err)
        connection_close(store);
    return err;
}

/* If the log can be settled, closing writes it back without the commit that failed; else it is left as it is, and whoever
 * opens it finds that commit in it, or not. */
void connection_forsake(struct sqlite_store *store)
{
    char why[128];
    connection_doubt(store, true);
    connection_settle(store, why, sizeof why);
    connection_close(store);
}

void connection_close(struct sqlite_store *store)
{
    statements_done(store);
    sqlite3_close_v2(store->conn);
    store->conn = NULL;
}
