/* insert.c: new jobs: all of them or none. Either as a request, perhaps with statements of
 * the caller in the same transaction, or on the caller's own connection, in the caller's own
 * transaction. */
#include "sut/store/sqlite/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* So many plain jobs are one statement: it opens the table and its indexes once, and counts ids up once. */
enum { ROWS = 16, COLUMNS = 9 };
#define ROW      "(?,?,?,?,?,?,?,?,?)"
#define FOUR     ROW "," ROW "," ROW "," ROW
#define ROWS_SQL JOB_INSERT_COLUMNS "VALUES" FOUR "," FOUR "," FOUR "," FOUR "RETURNING id"

/* The parameters behind `at`. */
static void bind_plain(sqlite3_stmt *stmt, int at, const struct job_spec *spec, int64_t now_ms)
{
    int64_t due_ms = job_spec_due_ms(spec, now_ms);
    enum job_state state = job_spec_state(spec, now_ms);
    sqlite3_bind_text(stmt, at + 1, spec->queue ? spec->queue : "default", -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, at + 2, spec->worker, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, at + 3, spec->args ? spec->args : "{}", -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, at + 4, spec->priority);
    sqlite3_bind_int64(stmt, at + 5,
                       spec->max_attempts ? spec->max_attempts : JOB_ATTEMPTS_DEFAULT);
    sqlite3_bind_text(stmt, at + 6, job_state_word(state), -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, at + 7, now_ms);
    sqlite3_bind_int64(stmt, at + 8, due_ms);
    sqlite3_bind_int64(stmt, at + 9, state == JOB_AVAILABLE ? 0 : due_ms);
}

/* Most jobs are. An SQLite result. */
static int insert_plain(sqlite3_stmt *stmt, const struct job_spec *spec, int64_t now_ms)
{
    bind_plain(stmt, 0, spec, now_ms);
    sqlite3_step(stmt);
    return sqlite3_reset(stmt);
}

static bool rows_plain(const struct job_spec *specs, size_t left)
{
    if (left < ROWS)
        return false;
    for (size_t i = 0; i < ROWS; ++i)
        if (!job_spec_plain(&specs[i]))
            return false;
    return true;
}

static int id_order(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Ids are given in the order of the rows; in which order they are told, SQLite does not promise. */
static void insert_rows(struct tx *tx, const struct job_spec *specs, uint64_t *ids)
{
    struct sqlite_store *store = tx_sqlite(tx);
    sqlite3_stmt **stmt = &store->insert_rows;
    int rc = SQLITE_OK;
    size_t count = 0;
    if (!*stmt)
        rc = sqlite3_prepare_v3(store->conn, ROWS_SQL, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
    for (int i = 0; rc == SQLITE_OK && i < ROWS; ++i)
        bind_plain(*stmt, i * COLUMNS, &specs[i], tx->now_ms);
    while (rc == SQLITE_OK && sqlite3_step(*stmt) == SQLITE_ROW)
        if (count < ROWS)
            ids[count++] = (uint64_t)sqlite3_column_int64(*stmt, 0);
    if (rc == SQLITE_OK)
        rc = sqlite3_reset(*stmt);
    if (rc != SQLITE_OK)
        tx_fail_sqlite(tx, rc);
    qsort(ids, count, sizeof *ids, id_order);
}

/* The id of whoever holds the key is the last one for the caller's statements, too. */
static uint64_t insert_unique(struct tx *tx, size_t index)
{
    struct store_reply *reply = tx->reply;
    if (!reply->conflicts)
        reply->conflicts = heap_alloc(tx->heap, tx->request->spec_count * sizeof *reply->conflicts);
    uint64_t id = tx_insert_unique(tx, &tx->specs[index], &reply->conflicts[index]);
    sqlite3_set_last_insert_rowid(tx_sqlite(tx)->conn, (sqlite3_int64)id);
    return id;
}

static uint64_t insert_spec(struct tx *tx, sqlite3_stmt *plain, size_t index)
{
    const struct job_spec *spec = &tx->specs[index];
    if (spec->unique)
        return insert_unique(tx, index);
    if (!job_spec_plain(spec)) {
        struct tx_stmt *more = tx_statement(tx, STATEMENT_INSERT_MORE);
        tx_bind_spec(tx, more, spec);
        tx_run(tx, more);
    } else {
        int rc = insert_plain(plain, spec, tx->now_ms);
        if (rc != SQLITE_OK)
            tx_fail_sqlite(tx, rc);
    }
    return (uint64_t)sqlite3_last_insert_rowid(tx_sqlite(tx)->conn);
}

static void insert_specs(struct tx *tx)
{
    struct store_reply *reply = tx->reply;
    sqlite3_stmt *plain = (sqlite3_stmt *)tx_statement(tx, STATEMENT_INSERT);
    reply->id_count = tx->request->spec_count;
    reply->ids = heap_alloc(tx->heap, reply->id_count * sizeof *reply->ids);
    for (size_t i = 0; i < reply->id_count && !tx->err;) {
        bool many = rows_plain(tx->specs + i, reply->id_count - i);
        if (many)
            insert_rows(tx, tx->specs + i, reply->ids + i);
        else
            reply->ids[i] = insert_spec(tx, plain, i);
        i += many ? ROWS : 1;
    }
}

/* After the jobs are in, so that last_insert_rowid() is the last one's id. */
static void run_caller_sql(struct tx *tx, const char *sql)
{
    struct sqlite_store *store = tx_sqlite(tx);
    store->in_caller_sql = true;
    int rc = sqlite3_exec(store->conn, sql, NULL, NULL, NULL);
    store->in_caller_sql = false;
    if (rc == SQLITE_AUTH)
        tx_fail(tx, -EINVAL, "the caller's statements must not touch the transaction: %s",
                sqlite3_errmsg(store->conn));
    else if (rc != SQLITE_OK)
        tx_fail_sqlite(tx, rc);
    else if (sqlite3_get_autocommit(store->conn))
        tx_fail(tx, -EINVAL, "the caller's statements rolled the transaction back");
}

void sqlite_insert(struct tx *tx)
{
    const struct store_request *request = tx->request;
    if (!tx->err)
        tx->err = specs_check(request->specs, request->spec_count, tx->why, sizeof tx->why);
    tx_flow_specs(tx);
    if (!tx->err)
        insert_specs(tx);
    if (!tx->err && request->tx_sql)
        run_caller_sql(tx, request->tx_sql);
    tx_flow_inserted(tx);
}

/* ---- on the caller's connection ---- */

static void run(struct tx *tx, const char *sql)
{
    int rc = tx->err ? SQLITE_OK : sqlite3_exec(tx_sqlite(tx)->conn, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        tx_fail_sqlite(tx, rc);
}

/* Between a savepoint and its release: a failure leaves the caller's transaction as it was. */
static void insert_saved(struct tx *tx)
{
    sqlite3 *conn = tx_sqlite(tx)->conn;
    run(tx, "SAVEPOINT duress_insert");
    if (tx->err)
        return;
    if (!sqlite_clock_ms(conn, &tx->now_ms))
        tx_fail(tx, -EIO, "the database's clock cannot be read");
    sqlite_insert(tx);
    run(tx, "RELEASE duress_insert");
    statements_done(tx_sqlite(tx));
    if (tx->err)
        sqlite3_exec(conn, "ROLLBACK TO duress_insert;RELEASE duress_insert", NULL, NULL, NULL);
}

int store_sqlite_insert_tx(struct sqlite3 *db, const struct job_spec *specs, size_t count,
                           uint64_t *ret_ids, bool *ret_conflicts, char *why, size_t why_size)
{
    struct heap heap;
    heap_init(&heap);
    struct env env = {.heap = &heap}; /* nobody listens */
    struct sqlite_store store = {.base = {.backend = &sqlite_backend, .env = &env}, .conn = db};
    struct store_request request = {.op = STORE_INSERT, .specs = specs, .spec_count = count};
    struct store_reply reply = {0};
    struct tx tx = {.store = &store.base, .request = &request, .heap = &heap, .reply = &reply};
    insert_saved(&tx);
    for (size_t i = 0; !tx.err && i < count; ++i) {
        ret_ids[i] = reply.ids[i];
        if (ret_conflicts)
            ret_conflicts[i] = reply.conflicts && reply.conflicts[i];
    }
    snprintf(why, why_size, "%s", tx.why);
    heap_done(&heap);
    return tx.err;
}
