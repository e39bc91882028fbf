/* pg.c: PostgreSQL as a backend of sql.h, at READ COMMITTED. What was committed survives as the server's settings say.
 *
 * Transactions that get in each other's way (deadlock, serialization) are rolled back by the server and run again here. An
 * operation of our own (pg_own) is a pipeline: it has no begin and no commit of its own. */
#include "sut/store/pg/internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 7 }; /* after the first one */

/* The dialect of sql_statements.h. Rows that another transaction is changing are its own for now: a claim goes on to the
 * next ones. */
#define SQL_BEGIN_READ        ""
#define SQL_BEGIN_WRITE       ""
#define SQL_ERRORS_PLUS(text) PG_ERRORS_PLUS("errors", "?1", "attempt", text)
#define SQL_MAX(a, b)         "greatest(" a "," b ")"
#define SQL_HAS(text, part)   SQL_AT(text, part) ">0"
#define SQL_BY_ID             ""
#define SQL_LOCK              " FOR UPDATE SKIP LOCKED"
#define SQL_LOCK_WAIT         " FOR UPDATE"
#define SQL_IDS(list)         "(SELECT value::bigint FROM json_array_elements_text(" list "::json))"
#define SQL_RULE(select)      select " WHERE name IN(?1,'*')AND node IN('',?2)" SQL_LOCK_WAIT

static const char *const statements[STATEMENT_COUNT] = {
#define X(name, sql) sql,
    STATEMENTS(X)
#undef X
};

void tx_fail_pg(struct tx *tx, const struct pg_error *error)
{
    if (!error->err)
        return;
    tx_pg(tx)->failed = *error;
    if (strcmp(error->state, "23505") == 0)
        tx_fail(tx, -EEXIST, "another job holds the unique key");
    else
        tx_fail(tx, error->err, "%s", error->why);
}

void tx_clock_pg(struct tx *tx, int64_t now_ms)
{
    tx->now_ms = tx->store->clock_ms = now_ms;
}

/* ---- statements ---- */

static void result_clear(struct tx_stmt *stmt)
{
    PQclear(stmt->result);
    stmt->result = NULL;
}

static struct tx_stmt *statement(struct tx *tx, enum statement statement)
{
    struct tx_stmt *stmt = &tx_pg(tx)->statements[statement];
    stmt->sql = statements[statement];
    result_clear(stmt);
    return stmt;
}

static void bind_int(struct tx *tx, struct tx_stmt *stmt, int index, int64_t value)
{
    (void)tx;
    pg_set_int(&stmt->params, index, value);
}

static void bind_null(struct tx *tx, struct tx_stmt *stmt, int index)
{
    (void)tx;
    pg_set_null(&stmt->params, index);
}

static void bind_text(struct tx *tx, struct tx_stmt *stmt, int index, const char *text)
{
    (void)tx;
    pg_set_text(&stmt->params, index, text);
}

static void run(struct tx *tx, struct tx_stmt *stmt)
{
    struct pg_error error = {0};
    stmt->result = pg_query(&tx_pg(tx)->link, &error, stmt);
    stmt->row = -1;
    stmt->changed = stmt->result ? strtoul(PQcmdTuples(stmt->result), NULL, 10) : 0;
    tx_fail_pg(tx, &error);
}

static bool step(struct tx *tx, struct tx_stmt *stmt)
{
    if (!stmt->result)
        run(tx, stmt);
    if (!tx->err && ++stmt->row < PQntuples(stmt->result))
        return true;
    result_clear(stmt);
    return false;
}

static size_t changes(struct tx *tx, struct tx_stmt *stmt)
{
    (void)tx;
    return stmt->changed;
}

static int64_t column_int(struct tx_stmt *stmt, int column)
{
    return pg_int(stmt->result, stmt->row, column);
}

static const char *column_text(struct tx_stmt *stmt, int column)
{
    return pg_text(stmt->result, stmt->row, column);
}

static int column_count(struct tx_stmt *stmt)
{
    return PQnfields(stmt->result) - stmt->hidden;
}

/* ---- transactions ---- */

/* Begins, and reads the clock: one round trip. */
void tx_begin_pg(struct tx *tx, bool reads)
{
    struct pg_store *store = tx_pg(tx);
    struct pg_error error = {0};
    char sql[2000], settings[1000] = "", answer[32];
    if (store->link.options.pooled)
        pg_settings_sql(&store->link, true, settings, sizeof settings);
    snprintf(sql, sizeof sql, "BEGIN%s;%s;SELECT %s", reads ? " READ ONLY" : "", settings,
             store->link.options.now_sql);
    store->reads = reads;
    store->open = true;
    pg_ask(&store->link, &error, sql, answer, sizeof answer);
    int64_t now_ms = strtoll(answer, NULL, 10), last_ms = store->base.clock_ms;
    tx_clock_pg(tx, now_ms > last_ms ? now_ms : last_ms);
    tx_fail_pg(tx, &error);
}

/* Whoever changes the same jobs by hand goes the same way through them first, and nobody waits in a circle. */
static void lock_ids(struct tx *tx)
{
    struct pg_store *store = tx_pg(tx);
    struct tx_stmt *stmt = &store->own[PG_LOCK_IDS];
    struct pg_error error = {0};
    stmt->sql = "SELECT 1 FROM duress_jobs WHERE id=ANY(?1::bigint[])ORDER BY id FOR UPDATE";
    int64_t *ids = heap_memdup(tx->heap, tx->request->ids, tx->request->id_count * sizeof *ids);
    pg_set_ints(&stmt->params, 1, tx->heap, ids, tx->request->id_count);
    PQclear(pg_query(&store->link, &error, stmt));
    tx_fail_pg(tx, &error);
}

static void begin(struct tx *tx, bool reads)
{
    enum store_op op = tx->request->op;
    struct pg_store *store = tx_pg(tx);
    struct pg_error error = {0};
    store->open = false;
    pg_link_begin(&store->link, &error);
    tx_fail_pg(tx, &error);
    __atomic_store_n(&store->backend_pid, PQbackendPID(store->link.conn), __ATOMIC_RELAXED);
    bool own = pg_backend.own[tx->request->op] && (!tx->careful || tx->request->op == STORE_INSERT);
    if (!tx->err && (reads || !own))
        tx_begin_pg(tx, reads);
    if (!tx->err && (op == STORE_RETRY || op == STORE_CANCEL) && tx->request->id_count > 1)
        lock_ids(tx);
}

void tx_commit_pg(struct tx *tx)
{
    struct pg_store *store = tx_pg(tx);
    struct pg_error error = {0};
    if (!store->open || tx->err)
        return;
    store->open = false;
    store->link.doubt = !store->reads;
    pg_run(&store->link, &error, "COMMIT");
    store->link.doubt = false;
    tx_fail_pg(tx, &error);
}

/* What was prepared may be the reason of an error that says so; then all is prepared anew, on a new connection. */
static bool distrusted(const struct pg_error *error)
{
    static const char *const states[] = {"26000", "42P05", "0A000"};
    for (size_t i = 0; i < sizeof states / sizeof *states; ++i)
        if (strcmp(error->state, states[i]) == 0)
            return true;
    return false;
}

static void rollback(struct tx *tx)
{
    struct pg_store *store = tx_pg(tx);
    struct pg_error nobody = {0};
    for (size_t i = 0; i < STATEMENT_COUNT; ++i)
        result_clear(&store->statements[i]);
    PGTransactionStatusType status = PQtransactionStatus(store->link.conn);
    if (status == PQTRANS_INTRANS || status == PQTRANS_INERROR)
        pg_run(&store->link, &nobody, "ROLLBACK");
    else if (status == PQTRANS_ACTIVE)
        pg_link_drop(&store->link);
    if (distrusted(&store->failed))
        pg_link_drop(&store->link);
}

const struct sql_backend pg_backend = {
    .begin = begin,
    .commit = tx_commit_pg,
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
    .tell = pg_tell,
    .own = {[STORE_INSERT] = pg_insert,
            [STORE_CLAIM] = pg_claim,
            [STORE_ACK] = pg_ack,
            [STORE_HEARTBEAT] = pg_heartbeat,
            [STORE_STAGE] = pg_stage,
            [STORE_RESCUE] = pg_rescue},
};

/* Whoever lost waits a little, each time longer, so that the winner gets through. */
static void pause_before(const struct pg_store *store, int tries)
{
    uint64_t most_ms = UINT64_C(4) << tries;
    poll(NULL, 0, (int)(1 + pg_chance(&store->link) % most_ms));
}

static void pg_execute(struct store_db *db, const struct store_request *request, struct heap *heap,
                       struct store_reply *reply)
{
    struct pg_store *store = (struct pg_store *)db;
    int64_t end_ns = pg_now_ns() + store->link.options.call_ms * NS_PER_MS;
    for (int tries = 0;; ++tries) {
        store->failed = (struct pg_error){0};
        sql_execute(db, request, heap, reply);
        if (!reply->err || !store->failed.again || tries == TRIES || pg_now_ns() > end_ns)
            return;
        pause_before(store, tries);
    }
}

/* ---- open and close ---- */

static void pg_close(struct store_db *db)
{
    struct pg_store *store = (struct pg_store *)db;
    store->link.deadline_ns = pg_now_ns() + NS_PER_S;
    pg_tell_settle(&store->link);
    pg_link_drop(&store->link);
    heap_free(store->heap);
}

static const struct store_db_ops pg_ops = {.execute = pg_execute, .close = pg_close};

struct store_db *store_pg_open(const struct store_pg_options *options, char *why, size_t why_size)
{
    struct heap *heap = heap_child(options->env->heap);
    struct pg_store *store = heap_alloc(heap, sizeof *store);
    struct pg_error error = {0};
    store->base = (struct sql_store){
        .base = {.ops = &pg_ops}, .backend = &pg_backend, .env = options->env, .tells = true};
    store->heap = heap;
    pg_link_init(&store->link, heap, options);
    pg_link_begin(&store->link, &error);
    store->base.base.schema_found = (int)pg_schema_open(&store->link, &error);
    if (!error.err)
        return &store->base.base;
    snprintf(why, why_size, "%s", error.why);
    pg_close(&store->base.base);
    return NULL;
}

bool store_pg_named(const char *database)
{
    static const char *const starts[] = {"postgres://", "postgresql://",
                                         "host=", "dbname=", "service="};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; ++i)
        if (strncmp(database, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}
