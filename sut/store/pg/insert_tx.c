/* insert_tx.c: new jobs on the caller's own connection, in the caller's own transaction. Nothing is prepared or set there. */
#include "sut/store/pg/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void run(struct tx *tx, const char *sql)
{
    struct pg_error error = {0};
    if (tx->err)
        return;
    pg_run(&tx_pg(tx)->link, &error, sql);
    tx_fail_pg(tx, &error);
}

static void clock_read(struct tx *tx)
{
    struct pg_error error = {0};
    char sql[200], answer[32];
    if (tx->err)
        return;
    snprintf(sql, sizeof sql, "SELECT %s", tx_pg(tx)->link.options.now_sql);
    pg_ask(&tx_pg(tx)->link, &error, sql, answer, sizeof answer);
    tx_clock_pg(tx, strtoll(answer, NULL, 10));
    tx_fail_pg(tx, &error);
}

/* Between a savepoint and its release, or as a transaction of its own if none is open: a failure leaves the caller's as it
 * was. */
static void insert_saved(struct tx *tx, bool open)
{
    struct pg_link *link = &tx_pg(tx)->link;
    struct pg_error nobody = {0};
    run(tx, open ? "SAVEPOINT duress_insert" : "BEGIN");
    if (tx->err)
        return;
    clock_read(tx);
    if (!tx->err)
        pg_insert_begun(tx);
    if (!tx->err)
        tx_tell(tx);
    link->doubt = !open && !tx->err;
    run(tx, open ? "RELEASE duress_insert" : "COMMIT");
    if (tx->err && link->conn)
        pg_run(link, &nobody,
               open ? "ROLLBACK TO duress_insert;RELEASE duress_insert" : "ROLLBACK");
}

static void reply_take(const struct store_reply *reply, uint64_t *ret_ids, bool *ret_conflicts)
{
    for (size_t i = 0; i < reply->id_count; ++i) {
        ret_ids[i] = reply->ids[i];
        if (ret_conflicts)
            ret_conflicts[i] = reply->conflicts && reply->conflicts[i];
    }
}

static void insert_on(struct tx *tx, PGconn *conn)
{
    struct pg_link *link = &tx_pg(tx)->link;
    PGTransactionStatusType status = PQtransactionStatus(conn);
    bool blocking = !PQisnonblocking(conn);
    if (status != PQTRANS_IDLE && status != PQTRANS_INTRANS) {
        tx_fail(tx, -EINVAL, "the connection is busy, or its transaction has failed");
        return;
    }
    link->conn = conn;
    link->borrowed = true;
    link->deadline_ns = pg_now_ns() + link->options.call_ms * NS_PER_MS;
    PQsetnonblocking(conn, 1);
    insert_saved(tx, status == PQTRANS_INTRANS);
    if (blocking)
        PQsetnonblocking(conn, 0);
}

int store_pg_insert_tx(PGconn *conn, const char *schema, const struct job_spec *specs, size_t count,
                       uint64_t *ret_ids, bool *ret_conflicts, char *why, size_t why_size)
{
    struct heap heap;
    heap_init(&heap);
    struct env env = {.heap = &heap}; /* nobody listens */
    struct store_pg_options options = {.schema = schema, .env = &env, .pooled = true};
    struct pg_store *store = heap_alloc(&heap, sizeof *store);
    struct store_request request = {.op = STORE_INSERT, .specs = specs, .spec_count = count};
    struct store_reply reply = {0};
    struct tx tx = {.store = &store->base, .request = &request, .heap = &heap, .reply = &reply};
    store->base = (struct sql_store){.backend = &pg_backend, .env = &env, .tells = true};
    pg_link_init(&store->link, &heap, &options);
    tx.err = specs_check(specs, count, tx.why, sizeof tx.why);
    if (!tx.err)
        insert_on(&tx, conn);
    if (!tx.err)
        reply_take(&reply, ret_ids, ret_conflicts);
    snprintf(why, why_size, "%s", tx.why);
    heap_done(&heap);
    return tx.err;
}
