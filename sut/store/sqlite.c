/* sqlite.c: a request as a transaction.
 *
 *     begin -> operation -> commit -> events        all of it
 *       \          \           \
 *        +----------+-----------+-> rollback        nothing of it, and reply.err says why
 *
 * Only when the commit itself fails by the disk is it unknown which of the two happened: the error
 * is then -EIO. What was committed survives the process; with DURABILITY_FULL also the power. */
#include "sut/store/sqlite_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BUSY_MS_DEFAULT = 5000 };

/* `reads`: it changes nothing, and does not wait for writers. `idle`: reads first, and answers if there is nothing to
 * change, so that looking for work is never in the way of others. */
static const struct operation {
    tx_operation *run;
    bool reads;
    bool (*idle)(struct tx *tx);
} operations[STORE_OP_COUNT] = {
    [STORE_INSERT] = {tx_insert, false},
    [STORE_CLAIM] = {tx_claim, false},
    [STORE_ACK] = {tx_ack, false},
    [STORE_HEARTBEAT] = {tx_heartbeat, false},
    [STORE_STAGE] = {tx_stage, false, tx_stage_idle},
    [STORE_RESCUE] = {tx_rescue, false},
    [STORE_RETRY] = {tx_retry, false},
    [STORE_CANCEL] = {tx_cancel, false},
    [STORE_GET] = {tx_get, true},
    [STORE_LIST] = {tx_list, true},
    [STORE_STATS] = {tx_stats, true},
};

static void tx_begin(struct tx *tx, bool reads)
{
    struct sqlite_store *store = tx->store;
    if (!store->conn)
        tx->err = connection_open(store, false, tx->why, sizeof tx->why);
    if (!tx->err && !reads && store->unsettled)
        tx->err = connection_settle(store, tx->why, sizeof tx->why);
    tx_run(tx, tx_statement(tx, reads ? STATEMENT_BEGIN : STATEMENT_BEGIN_IMMEDIATE));
    if (!tx->err && !sqlite_clock_ms(store->conn, &tx->now_ms))
        tx_fail(tx, -EIO, "the database's clock cannot be read");
    if (tx->now_ms < store->clock_ms)
        tx->now_ms = store->clock_ms;
    store->clock_ms = tx->now_ms;
}

static void tx_commit(struct tx *tx)
{
    sqlite3_stmt *stmt = tx_statement(tx, STATEMENT_COMMIT);
    if (tx->err)
        return;
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    if (rc == SQLITE_DONE)
        return;
    if (sqlite3_get_autocommit(tx->store->conn))
        tx_fail(tx, -EIO, "whether it was committed is unknown: %s",
                sqlite3_errmsg(tx->store->conn));
    else
        tx_fail_sqlite(tx, rc);
}

/* Between looking and changing others may come: the change looks again. */
static void tx_execute(struct tx *tx)
{
    const struct operation *operation = &operations[tx->request->op];
    if (operation->idle) {
        tx_begin(tx, true);
        bool done = !tx->err && operation->idle(tx);
        tx_commit(tx);
        if (done)
            return;
    }
    tx_begin(tx, operation->reads);
    if (!tx->err)
        operation->run(tx);
    tx_commit(tx);
}

/* Nothing of the reply is left but the reason. */
static void tx_abort(struct tx *tx)
{
    sqlite3 *conn = tx->store->conn;
    for (sqlite3_stmt *stmt = NULL; conn && (stmt = sqlite3_next_stmt(conn, stmt));)
        sqlite3_reset(stmt);
    bool open = conn && !sqlite3_get_autocommit(conn);
    bool stuck = open && sqlite3_exec(conn, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK;
    if (conn && (stuck || tx->err == -EIO))
        connection_forsake(tx->store);
    *tx->reply = (struct store_reply){.err = tx->err, .now_ms = tx->now_ms, .next_ms = -1};
    memcpy(tx->reply->why, tx->why, sizeof tx->why);
}

static void sqlite_execute(struct store_db *db, const struct store_request *request,
                           struct heap *heap, struct store_reply *reply)
{
    struct tx tx = {
        .store = (struct sqlite_store *)db, .request = request, .heap = heap, .reply = reply};
    *reply = (struct store_reply){.next_ms = -1};
    if ((unsigned)request->op >= STORE_OP_COUNT) {
        reply->err = -EINVAL;
        snprintf(reply->why, sizeof reply->why, "there is no operation %d", (int)request->op);
        return;
    }
    tx_execute(&tx);
    reply->now_ms = tx.now_ms;
    if (tx.err)
        tx_abort(&tx);
    else
        tx_trace(&tx);
}

static void sqlite_close(struct store_db *db)
{
    struct sqlite_store *store = (struct sqlite_store *)db;
    connection_close(store);
    heap_free(store->heap);
}

static const struct store_db_ops sqlite_ops = {.execute = sqlite_execute, .close = sqlite_close};

struct store_db *store_sqlite_open(const struct store_sqlite_options *options, char *why,
                                   size_t why_size)
{
    struct heap *heap = heap_child(options->env->heap);
    struct sqlite_store *store = heap_alloc(heap, sizeof *store);
    store->base.ops = &sqlite_ops;
    store->heap = heap;
    store->options = *options;
    store->options.path = heap_strdup(heap, options->path);
    store->options.vfs = heap_strdup(heap, options->vfs);
    store->options.busy_ms = options->busy_ms > 0 ? options->busy_ms : BUSY_MS_DEFAULT;
    if (connection_open(store, options->create, why, why_size) == 0)
        return &store->base;
    heap_free(heap);
    return NULL;
}
