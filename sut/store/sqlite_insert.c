/* sqlite_insert.c: new jobs: all of them or none. Either as a request, perhaps with statements of
 * the caller in the same transaction, or on the caller's own connection, in the caller's own
 * transaction. */
#include "sut/store/sqlite_internal.h"

#include <errno.h>
#include <stdio.h>

/* The statements of an insert. */
struct insert {
    sqlite3 *conn;
    sqlite3_stmt *plain, *more; /* JOB_INSERT, JOB_INSERT_MORE */
    int64_t now_ms;
};

static void bind_positive(sqlite3_stmt *stmt, int index, int64_t value)
{
    if (value > 0)
        sqlite3_bind_int64(stmt, index, value);
    else
        sqlite3_bind_null(stmt, index);
}

/* The parameters of JOB_INSERT_MORE behind those of JOB_INSERT. */
static void bind_more(sqlite3_stmt *stmt, const struct job_spec *spec, enum job_state state,
                      int64_t due_ms, int64_t now_ms)
{
    char tags[JOB_TAGS_MAX + 1];
    job_tags_normal(spec->tags, tags);
    if (job_state_final(state))
        sqlite3_bind_null(stmt, 9);
    sqlite3_bind_int64(stmt, 10, job_state_final(state) ? now_ms : 0);
    sqlite3_bind_text(stmt, 11, spec->part, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 12, spec->meta, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 13, *tags ? tags : NULL, -1, SQLITE_TRANSIENT);
    bind_positive(stmt, 14, spec->timeout_ms);
    bind_positive(stmt, 15, spec->within_ms > 0 ? due_ms + spec->within_ms : 0);
}

/* An SQLite result. */
static int insert_spec(const struct insert *insert, const struct job_spec *spec)
{
    bool plain = job_spec_plain(spec);
    int64_t now_ms = insert->now_ms, due_ms = job_spec_due_ms(spec, now_ms);
    enum job_state state = job_spec_state(spec, now_ms);
    sqlite3_stmt *stmt = plain ? insert->plain : insert->more;
    sqlite3_bind_text(stmt, 1, spec->queue ? spec->queue : "default", -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, spec->worker, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, spec->args ? spec->args : "{}", -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 4, spec->priority);
    sqlite3_bind_int64(stmt, 5, spec->max_attempts ? spec->max_attempts : JOB_ATTEMPTS_DEFAULT);
    sqlite3_bind_text(stmt, 6, job_state_word(state), -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 7, now_ms);
    sqlite3_bind_int64(stmt, 8, due_ms);
    sqlite3_bind_int64(stmt, 9, state == JOB_AVAILABLE ? 0 : due_ms);
    if (!plain)
        bind_more(stmt, spec, state, due_ms, now_ms);
    sqlite3_step(stmt);
    return sqlite3_reset(stmt);
}

static int insert_specs(const struct insert *insert, const struct job_spec *specs, size_t count,
                        uint64_t *ids)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; i < count && rc == SQLITE_OK; ++i) {
        rc = insert_spec(insert, &specs[i]);
        ids[i] = (uint64_t)sqlite3_last_insert_rowid(insert->conn);
    }
    return rc;
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
    struct store_reply *reply = tx->reply;
    tx->err = specs_check(request->specs, request->spec_count, tx->why, sizeof tx->why);
    struct insert insert = {.conn = tx_sqlite(tx)->conn,
                            .plain = (sqlite3_stmt *)tx_statement(tx, STATEMENT_INSERT),
                            .more = (sqlite3_stmt *)tx_statement(tx, STATEMENT_INSERT_MORE),
                            .now_ms = tx->now_ms};
    if (tx->err)
        return;
    reply->id_count = request->spec_count;
    reply->ids = heap_alloc(tx->heap, request->spec_count * sizeof *reply->ids);
    int rc = insert_specs(&insert, request->specs, request->spec_count, reply->ids);
    if (rc != SQLITE_OK)
        tx_fail_sqlite(tx, rc);
    else if (request->tx_sql)
        run_caller_sql(tx, request->tx_sql);
}

/* Between a savepoint and its release: a failure leaves the caller's transaction as it was. */
static int insert_prepared(sqlite3 *db, const struct job_spec *specs, size_t count, uint64_t *ids)
{
    struct insert insert = {.conn = db};
    if (!sqlite_clock_ms(db, &insert.now_ms))
        return SQLITE_IOERR;
    int rc = sqlite3_prepare_v2(db, JOB_INSERT, -1, &insert.plain, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, JOB_INSERT_MORE, -1, &insert.more, NULL);
    if (rc == SQLITE_OK)
        rc = insert_specs(&insert, specs, count, ids);
    sqlite3_finalize(insert.plain);
    sqlite3_finalize(insert.more);
    return rc;
}

int store_sqlite_insert_tx(struct sqlite3 *db, const struct job_spec *specs, size_t count,
                           uint64_t *ret_ids, char *why, size_t why_size)
{
    int err = specs_check(specs, count, why, why_size);
    if (err)
        return err;
    int rc = sqlite3_exec(db, "SAVEPOINT duress_insert", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = insert_prepared(db, specs, count, ret_ids);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "RELEASE duress_insert", NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        snprintf(why, why_size, "%s", sqlite3_errmsg(db));
        sqlite3_exec(db, "ROLLBACK TO duress_insert;RELEASE duress_insert", NULL, NULL, NULL);
    }
    return sqlite_errno(rc);
}
