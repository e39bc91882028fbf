/* insert.c: new jobs: all of them or none, and any number: each CHUNK of them is one statement, whose parameters are
 * arrays, so that the server's limit on parameters does not matter. */
#include "sut/store/pg/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 5000 };

#define INSERT                                                                                     \
    "INSERT INTO duress_jobs(queue,worker,args,priority,max_attempts,state,inserted_ms,"           \
    "scheduled_ms,wake_ms)SELECT s.queue,s.worker,s.args,s.priority,s.max_attempts,"               \
    "CASE WHEN d.ms>n.ms THEN'scheduled'ELSE'available'END,n.ms,d.ms,"                             \
    "CASE WHEN d.ms>n.ms THEN d.ms ELSE 0 END " PG_SPECS ")AS s(" PG_SPEC_NAMES ")" PG_SPEC_DUE    \
    "RETURNING id,inserted_ms"
#define INSERT_MORE PG_INSERT_MORE_SQL("", "", "", "") "RETURNING id,inserted_ms"

/* The parameters are a column each. */
#define BIND_TEXTS(params, index, heap, specs, count, expression)                                  \
    do {                                                                                           \
        const char **column = heap_alloc((heap), (count) * sizeof *column);                        \
        for (size_t i = 0; i < (count); ++i) {                                                     \
            const struct job_spec *spec = &(specs)[i];                                             \
            column[i] = (expression);                                                              \
        }                                                                                          \
        pg_set_texts((params), (index), (heap), column, (count));                                  \
    } while (0)
#define BIND_INTS(params, index, heap, specs, count, expression)                                   \
    do {                                                                                           \
        int64_t *column = heap_alloc((heap), (count) * sizeof *column);                            \
        for (size_t i = 0; i < (count); ++i) {                                                     \
            const struct job_spec *spec = &(specs)[i];                                             \
            column[i] = (expression);                                                              \
        }                                                                                          \
        pg_set_ints((params), (index), (heap), column, (count));                                   \
    } while (0)

static int64_t time_of(const struct job_spec *spec)
{
    return spec->delay_ms > 0 ? spec->delay_ms : spec->scheduled_ms > 0 ? -spec->scheduled_ms : 0;
}

static const char *tags_of(struct heap *heap, const struct job_spec *spec)
{
    char tags[JOB_TAGS_MAX + 1];
    job_tags_normal(spec->tags, tags);
    return *tags ? heap_strdup(heap, tags) : NULL;
}

void pg_bind_plain(struct pg_params *params, struct heap *heap, const struct job_spec *specs,
                   size_t count)
{
    BIND_TEXTS(params, 2, heap, specs, count, spec->queue ? spec->queue : "default");
    BIND_TEXTS(params, 3, heap, specs, count, spec->worker);
    BIND_TEXTS(params, 4, heap, specs, count, spec->args ? spec->args : "{}");
    BIND_INTS(params, 5, heap, specs, count, spec->priority);
    BIND_INTS(params, 6, heap, specs, count,
              spec->max_attempts ? spec->max_attempts : JOB_ATTEMPTS_DEFAULT);
    BIND_INTS(params, 7, heap, specs, count, time_of(spec));
}

void pg_bind_more(struct pg_params *params, struct heap *heap, const struct job_spec *specs,
                  size_t count)
{
    BIND_TEXTS(params, 8, heap, specs, count, job_state_word(spec->state));
    BIND_TEXTS(params, 9, heap, specs, count, spec->part);
    BIND_TEXTS(params, 10, heap, specs, count, spec->meta);
    BIND_TEXTS(params, 11, heap, specs, count, tags_of(heap, spec));
    BIND_INTS(params, 12, heap, specs, count, spec->timeout_ms > 0 ? spec->timeout_ms : 0);
    BIND_INTS(params, 13, heap, specs, count, spec->within_ms > 0 ? spec->within_ms : 0);
    BIND_INTS(params, 14, heap, specs, count, (int64_t)spec->flow);
}

/* The statement for all of them. */
static struct tx_stmt *insert_stmt(struct tx *tx)
{
    const struct store_request *request = tx->request;
    bool plain = true;
    for (size_t i = 0; i < request->spec_count && plain; ++i)
        plain = job_spec_plain(&tx->specs[i]);
    struct tx_stmt *stmt = &tx_pg(tx)->own[plain ? PG_INSERT : PG_INSERT_MORE];
    stmt->sql = plain ? INSERT : INSERT_MORE;
    return stmt;
}

static void bind_specs(struct tx *tx, struct tx_stmt *stmt, struct heap *heap,
                       const struct job_spec *specs, size_t count)
{
    pg_set_int(&stmt->params, 1, tx->now_ms);
    pg_bind_plain(&stmt->params, heap, specs, count);
    if (stmt == &tx_pg(tx)->own[PG_INSERT_MORE])
        pg_bind_more(&stmt->params, heap, specs, count);
}

static size_t chunk_size(size_t done, size_t count)
{
    return count - done < CHUNK ? count - done : CHUNK;
}

static void send_specs(struct tx *tx, struct pg_error *error, struct tx_stmt *stmt)
{
    struct pg_store *store = tx_pg(tx);
    const struct store_request *request = tx->request;
    for (size_t done = 0; done < request->spec_count && !error->err;) {
        size_t count = chunk_size(done, request->spec_count);
        struct heap *heap = heap_child(tx->heap); /* libpq has its own copy once it is sent */
        bind_specs(tx, stmt, heap, tx->specs + done, count);
        pg_send(&store->link, error, stmt);
        pg_flush(&store->link, error);
        heap_free(heap);
        done += count;
    }
}

/* The ids of one chunk, in the order of its specs. */
static void take_ids(struct tx *tx, const PGresult *result)
{
    struct store_reply *reply = tx->reply;
    for (int row = 0; row < PQntuples(result); ++row)
        reply->ids[reply->id_count++] = (uint64_t)pg_int(result, row, 0);
    if (PQntuples(result) > 0)
        tx_clock_pg(tx, pg_int(result, 0, 1));
}

static void insert_specs(struct tx *tx, struct pg_error *error)
{
    struct pg_store *store = tx_pg(tx);
    struct tx_stmt *stmt = insert_stmt(tx);
    bind_specs(tx, stmt, tx->heap, NULL, 0); /* their types */
    pg_prepare(&store->link, error, stmt);
    pg_pipeline_begin(&store->link, error);
    send_specs(tx, error, stmt);
    pg_pipeline_send(&store->link, error);
    for (size_t done = 0; done < tx->request->spec_count && !error->err; done += CHUNK) {
        PGresult *result = pg_pipeline_result(&store->link, error);
        take_ids(tx, result);
        PQclear(result);
    }
    pg_pipeline_end(&store->link, error);
}

/* ---- with statements of the caller ---- */

/* In a transaction block, DO refuses to end the transaction, and EXECUTE to be told to. Afterwards lastval() is the last job's
 * id. */
static void run_caller_sql(struct tx *tx, struct pg_error *error, const char *sql)
{
    struct pg_link *link = &tx_pg(tx)->link;
    char *inner = PQescapeLiteral(link->conn, sql, strlen(sql));
    size_t size = inner ? strlen(inner) + 32 : 0;
    char *block = size ? heap_alloc(tx->heap, size) : NULL;
    if (block)
        snprintf(block, size, "BEGIN EXECUTE%s;END", inner);
    char *outer = block ? PQescapeLiteral(link->conn, block, strlen(block)) : NULL;
    if (!outer)
        pg_fail(error, -EINVAL, "the caller's statements: %s", PQerrorMessage(link->conn));
    else
        snprintf(block = heap_alloc(tx->heap, strlen(outer) + 4), strlen(outer) + 4, "DO%s", outer);
    if (outer)
        pg_run(link, error, block);
    PQfreemem(inner);
    PQfreemem(outer);
}

/* EXECUTE of a word that ends transactions, or a COMMIT where there can be none. */
static bool touched_transaction(const struct pg_error *error)
{
    return strcmp(error->state, "0A000") == 0 || strcmp(error->state, "2D000") == 0;
}

/* All but unique ones, from `done` on, as far as one statement goes. How many. */
static size_t insert_chunk(struct tx *tx, struct pg_error *error, size_t done)
{
    const struct store_request *request = tx->request;
    size_t count = 0, most = chunk_size(done, request->spec_count);
    while (count < most && !tx->specs[done + count].unique)
        ++count;
    struct tx_stmt *stmt = insert_stmt(tx);
    bind_specs(tx, stmt, tx->heap, tx->specs + done, count);
    PGresult *result = pg_query(&tx_pg(tx)->link, error, stmt);
    take_ids(tx, result);
    PQclear(result);
    return count;
}

/* One after the other, in a transaction that was begun: one job may be in the way of the next one. */
static void insert_in_turn(struct tx *tx, struct pg_error *error)
{
    const struct store_request *request = tx->request;
    for (size_t done = 0; done < request->spec_count && !error->err && !tx->err;)
        if (!tx->specs[done].unique) {
            done += insert_chunk(tx, error, done);
        } else {
            done += pg_insert_unique(tx, error, done);
        }
}

static void caller_sql(struct tx *tx, struct pg_error *error)
{
    if (error->err || tx->err || !tx->request->tx_sql)
        return;
    run_caller_sql(tx, error, tx->request->tx_sql);
    if (touched_transaction(error)) {
        *error = (struct pg_error){0};
        pg_fail(error, -EINVAL, "the caller's statements must not touch the transaction");
    }
    *error->state = '\0'; /* it says nothing about our own tables */
}

/* One statement follows from the other: unique jobs, and those of workflows, batches and chains. */
static bool in_turn(const struct store_request *request)
{
    bool turn = request->spec_count == 0 || request->tx_sql || request->workflow || request->batch;
    for (size_t i = 0; i < request->spec_count && !turn; ++i)
        turn = request->specs[i].unique || request->specs[i].chain || request->specs[i].flow;
    return turn;
}

void pg_insert_begun(struct tx *tx)
{
    struct pg_error error = {0};
    tx_flow_specs(tx);
    if (tx->err)
        return;
    tx->reply->ids = heap_alloc(tx->heap, tx->request->spec_count * sizeof *tx->reply->ids);
    insert_in_turn(tx, &error);
    caller_sql(tx, &error);
    tx_fail_pg(tx, &error);
    tx_flow_inserted(tx);
}

void pg_insert(struct tx *tx)
{
    const struct store_request *request = tx->request;
    struct pg_error error = {0};
    if (!tx->err)
        tx->err = specs_check(request->specs, request->spec_count, tx->why, sizeof tx->why);
    if (tx->err)
        return;
    if (in_turn(request)) {
        tx_begin_pg(tx, false);
        pg_insert_begun(tx);
        return;
    }
    tx->specs = request->specs;
    if (pg_copy_possible(tx)) {
        pg_copy(tx);
        return;
    }
    tx->reply->ids = heap_alloc(tx->heap, request->spec_count * sizeof *tx->reply->ids);
    insert_specs(tx, &error);
    tx_fail_pg(tx, &error);
}
