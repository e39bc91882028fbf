/* batch.c: several statements as one transaction in one round trip, with the time that all of them go by: now() is that of
 * the transaction's begin, and PG_NOW does not let it go back. */
#include "sut/store/pg/internal.h"

#define NOW "greatest(:now,?1)"

struct tx_stmt *pg_batch_add(struct tx *tx, struct pg_batch *batch, enum pg_own own,
                             const char *sql)
{
    struct tx_stmt *stmt = &tx_pg(tx)->own[own];
    stmt->sql = sql;
    pg_set_int(&stmt->params, 1, tx->now_ms);
    batch->stmts[batch->count++] = stmt;
    return stmt;
}

static void batch_send(struct tx *tx, struct pg_batch *batch, struct pg_error *error)
{
    struct pg_link *link = &tx_pg(tx)->link;
    for (size_t i = 0; i < batch->count; ++i)
        pg_prepare(link, error, batch->stmts[i]);
    if (error->err)
        return;
    pg_pipeline_begin(link, error);
    for (size_t i = 0; i < batch->count; ++i)
        pg_send(link, error, batch->stmts[i]);
    pg_pipeline_send(link, error);
    for (size_t i = 0; i < batch->count; ++i)
        batch->results[i] = pg_pipeline_result(link, error);
    pg_pipeline_end(link, error);
}

static void tell_next(struct tx *tx, const PGresult *result)
{
    int64_t ahead_ms = pg_int(result, 0, 1) - tx->now_ms;
    tx->reply->next_ms = PQgetisnull(result, 0, 1) ? -1 : ahead_ms > 0 ? ahead_ms : 0;
}

bool pg_batch_run(struct tx *tx, struct pg_batch *batch, bool next)
{
    struct pg_error error = {0};
    if (next)
        pg_batch_add(tx, batch, PG_NEXT, "SELECT " NOW ",(" NEXT_WAKE ")");
    else
        pg_batch_add(tx, batch, PG_CLOCK, "SELECT " NOW);
    if (tx->err)
        return false;
    batch_send(tx, batch, &error);
    tx_fail_pg(tx, &error);
    if (tx->err) {
        pg_batch_done(batch);
        return false;
    }
    const PGresult *clock = batch->results[batch->count - 1];
    tx_clock_pg(tx, pg_int(clock, 0, 0));
    if (next)
        tell_next(tx, clock);
    return true;
}

void pg_batch_done(struct pg_batch *batch)
{
    for (size_t i = 0; i < batch->count; ++i) {
        PQclear(batch->results[i]);
        batch->results[i] = NULL;
    }
}
