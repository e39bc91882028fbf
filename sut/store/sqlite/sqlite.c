/* sqlite.c: the store on SQLite, as a backend of sql.h. What was committed survives the process; with DURABILITY_FULL also the
 * power. */
#include "sut/store/sqlite/internal.h"

#include <errno.h>
#include <string.h>

enum { BUSY_MS_DEFAULT = 5000 };

/* The dialect of sql_statements.h. One writer at a time: a row that was read is a row that can be changed. */
#define SQL_BEGIN_READ  "BEGIN"
#define SQL_BEGIN_WRITE "BEGIN IMMEDIATE"
#define SQL_ERRORS_KEPT                                                                            \
    "CASE WHEN json_array_length(errors)<" SQL_NUMBER(                                             \
        JOB_ERRORS_KEPT) " THEN errors ELSE json_remove(errors,'$[0]')END"
/* Most that fail fail for the first time; nothing has to be parsed then. */
#define SQL_ERRORS_PLUS(text)                                                                      \
    "CASE errors WHEN'[]'THEN printf('[{\"at\":%d,\"attempt\":%d,\"error\":%s}]',?1,attempt,"      \
    "json_quote(" text "))ELSE json_insert(" SQL_ERRORS_KEPT                                       \
    ",'$[#]',json_object('at',?1,'attempt',attempt,'error'," text "))END"
#define SQL_MAX(a, b)       "max(" a "," b ")"
#define SQL_HAS(text, part) SQL_AT(text, part) ">0"
#define SQL_BY_ID           "NOT INDEXED"
#define SQL_LOCK            ""
#define SQL_LOCK_WAIT       ""
#define SQL_IDS(list)       "(SELECT value FROM json_each(" list "))"
/* For IN, a table would be built at each claim. */
#define SQL_RULE_OF(select, name) select " WHERE name=" name " AND(+node=''OR+node=?2)"
#define SQL_RULE(select)                                                                           \
    SQL_RULE_OF(select, "?1") "UNION ALL " SQL_RULE_OF(select, "'*'") "AND ?1<>'*'"

const char *const sqlite_statements[STATEMENT_COUNT] = {
#define X(name, sql) sql,
    STATEMENTS(X)
#undef X
};

void tx_fail_sqlite(struct tx *tx, int rc)
{
    tx_fail(tx, sqlite_errno(rc), "%s", sqlite3_errmsg(tx_sqlite(tx)->conn));
}

/* ---- statements ---- */

static sqlite3_stmt *of(struct tx_stmt *stmt)
{
    return (sqlite3_stmt *)stmt;
}

static struct tx_stmt *statement(struct tx *tx, enum statement statement)
{
    struct sqlite_store *store = tx_sqlite(tx);
    sqlite3_stmt **stmt = &store->statements[statement];
    if (*stmt)
        return (struct tx_stmt *)*stmt;
    int rc = sqlite3_prepare_v3(store->conn, sqlite_statements[statement], -1,
                                SQLITE_PREPARE_PERSISTENT, stmt, NULL);
    if (rc != SQLITE_OK)
        tx_fail_sqlite(tx, rc);
    return (struct tx_stmt *)*stmt;
}

void statements_done(struct sqlite_store *store)
{
    for (size_t i = 0; i < STATEMENT_COUNT; ++i)
        sqlite3_finalize(store->statements[i]);
    memset(store->statements, 0, sizeof store->statements);
    sqlite3_finalize(store->insert_rows);
    store->insert_rows = NULL;
}

static void bound(struct tx *tx, int rc)
{
    if (rc != SQLITE_OK)
        tx_fail_sqlite(tx, rc);
}

static void bind_int(struct tx *tx, struct tx_stmt *stmt, int index, int64_t value)
{
    bound(tx, sqlite3_bind_int64(of(stmt), index, value));
}

static void bind_null(struct tx *tx, struct tx_stmt *stmt, int index)
{
    bound(tx, sqlite3_bind_null(of(stmt), index));
}

static void bind_text(struct tx *tx, struct tx_stmt *stmt, int index, const char *text)
{
    bound(tx, sqlite3_bind_text(of(stmt), index, text, -1, SQLITE_STATIC));
}

static bool step(struct tx *tx, struct tx_stmt *stmt)
{
    int rc = sqlite3_step(of(stmt));
    if (rc == SQLITE_ROW)
        return true;
    if (rc == SQLITE_CONSTRAINT_UNIQUE)
        tx_fail(tx, -EEXIST, "another job holds the unique key");
    else if (rc != SQLITE_DONE)
        tx_fail_sqlite(tx, rc);
    sqlite3_reset(of(stmt));
    return false;
}

static size_t changes(struct tx *tx, struct tx_stmt *stmt)
{
    (void)stmt;
    return (size_t)sqlite3_changes64(tx_sqlite(tx)->conn);
}

static int64_t column_int(struct tx_stmt *stmt, int column)
{
    return sqlite3_column_int64(of(stmt), column);
}

static const char *column_text(struct tx_stmt *stmt, int column)
{
    return (const char *)sqlite3_column_text(of(stmt), column);
}

static int column_count(struct tx_stmt *stmt)
{
    return sqlite3_column_count(of(stmt));
}

/* ---- transactions ---- */

static void begin(struct tx *tx, bool reads)
{
    struct sqlite_store *store = tx_sqlite(tx);
    if (!store->conn)
        tx->err = connection_open(store, false, tx->why, sizeof tx->why);
    if (!tx->err && !reads && store->unsettled)
        tx->err = connection_settle(store, tx->why, sizeof tx->why);
    tx_run(tx, tx_statement(tx, reads ? STATEMENT_BEGIN_READ : STATEMENT_BEGIN_WRITE));
    if (!tx->err && !sqlite_clock_ms(store->conn, &tx->now_ms))
        tx_fail(tx, -EIO, "the database's clock cannot be read");
}

static void commit(struct tx *tx)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_COMMIT);
    if (tx->err)
        return;
    int rc = sqlite3_step(of(stmt));
    sqlite3_reset(of(stmt));
    if (rc == SQLITE_DONE)
        return;
    sqlite3 *conn = tx_sqlite(tx)->conn;
    if (sqlite3_get_autocommit(conn))
        tx_fail(tx, -EIO, "whether it was committed is unknown: %s", sqlite3_errmsg(conn));
    else
        tx_fail_sqlite(tx, rc);
}

static void rollback(struct tx *tx)
{
    sqlite3 *conn = tx_sqlite(tx)->conn;
    for (sqlite3_stmt *stmt = NULL; conn && (stmt = sqlite3_next_stmt(conn, stmt));)
        sqlite3_reset(stmt);
    bool open = conn && !sqlite3_get_autocommit(conn);
    bool stuck = open && sqlite3_exec(conn, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK;
    if (conn && (stuck || tx->err == -EIO))
        connection_forsake(tx_sqlite(tx));
}

const struct sql_backend sqlite_backend = {
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .statement = statement,
    .bind_int = bind_int,
    .bind_null = bind_null,
    .bind_text = bind_text,
    .step = step,
    .changes = changes,
    .column_int = column_int,
    .column_text = column_text,
    .column_count = column_count,
    .tell = sqlite_tell,
    .alone = true,
    .own = {[STORE_INSERT] = sqlite_insert},
};

/* ---- open and close ---- */

static void sqlite_close(struct store_db *db)
{
    struct sqlite_store *store = (struct sqlite_store *)db;
    connection_close(store);
    heap_free(store->heap);
}

static const struct store_db_ops sqlite_ops = {.execute = sql_execute, .close = sqlite_close};

struct store_db *store_sqlite_open(const struct store_sqlite_options *options, char *why,
                                   size_t why_size)
{
    struct heap *heap = heap_child(options->env->heap);
    struct sqlite_store *store = heap_alloc(heap, sizeof *store);
    store->base = (struct sql_store){
        .base = {.ops = &sqlite_ops}, .backend = &sqlite_backend, .env = options->env};
    store->heap = heap;
    store->options = *options;
    store->options.path = heap_strdup(heap, options->path);
    store->options.vfs = heap_strdup(heap, options->vfs);
    store->base.tells = sqlite_tells(options);
    store->options.busy_ms = options->busy_ms > 0 ? options->busy_ms : BUSY_MS_DEFAULT;
    if (connection_open(store, options->create, why, why_size) == 0)
        return &store->base.base;
    heap_free(heap);
    return NULL;
}
