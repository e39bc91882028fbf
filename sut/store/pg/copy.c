/* copy.c: many new jobs by COPY: the server takes rows that come so by the page, where those of a statement go into the table one
 * by one, each with a record of its own in the log. It answers no ids, so they are fetched before; both, and the clock, are one
 * transaction.
 *
 * For jobs that have nothing special; the others, and few, are inserted by a statement (insert.c). */
#include "sut/store/pg/internal.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

enum { COPY_LEAST = 64, BLOCK = 1 << 16, COLUMNS = 10 };

#define COPY                                                                                       \
    "COPY duress_jobs(id,queue,worker,args,priority,max_attempts,state,inserted_ms,scheduled_ms,"  \
    "wake_ms)FROM STDIN(FORMAT binary)"

/* As many ids as there are jobs, in ascending order, in one value. */
#define IDS                                                                                        \
    "SELECT array_agg(nextval(s.ids))FROM(SELECT pg_get_serial_sequence(?2,'id')::regclass AS "    \
    "ids OFFSET 0)AS s,generate_series(1,?1)"

static const char header[19] = "PGCOPY\n\377\r\n"; /* and zeros: no flags, nothing more */

/* ---- what travels ---- */

struct copy {
    struct pg_link *link;
    struct pg_error *error;
    char *block;
    size_t size, room;
};

static void copy_send(struct copy *copy)
{
    pg_flush(copy->link, copy->error); /* no more than a block is kept */
    if (!copy->error->err && PQputCopyData(copy->link->conn, copy->block, (int)copy->size) != 1)
        pg_lost(copy->link, copy->error);
    copy->size = 0;
}

static void put(struct copy *copy, const void *bytes, size_t size)
{
    memcpy(copy->block + copy->size, bytes, size);
    copy->size += size;
}

static void put_size(struct copy *copy, uint32_t size)
{
    size = htonl(size);
    put(copy, &size, sizeof size);
}

static void put_text(struct copy *copy, const char *text)
{
    size_t length = strlen(text);
    put_size(copy, (uint32_t)length);
    put(copy, text, length);
}

static void put_big(struct copy *copy, int64_t value)
{
    uint64_t big = htobe64((uint64_t)value);
    put_size(copy, sizeof big);
    put(copy, &big, sizeof big);
}

static void put_int(struct copy *copy, unsigned value)
{
    put_size(copy, sizeof(uint32_t));
    put_size(copy, value);
}

static void put_count(struct copy *copy, int16_t count)
{
    uint16_t big = htons((uint16_t)count);
    put(copy, &big, sizeof big);
}

static const char *queue_of(const struct job_spec *spec)
{
    return spec->queue ? spec->queue : "default";
}

static const char *args_of(const struct job_spec *spec)
{
    return spec->args ? spec->args : "{}";
}

/* More than the row takes. */
static size_t row_most(const struct job_spec *spec)
{
    return strlen(queue_of(spec)) + strlen(spec->worker) + strlen(args_of(spec)) + 160;
}

static void room_for(struct copy *copy, size_t size, struct heap *heap)
{
    if (copy->size && copy->size + size > copy->room)
        copy_send(copy);
    if (size <= copy->room)
        return;
    copy->room = size > BLOCK ? size : BLOCK;
    copy->block = heap_alloc(heap, copy->room);
}

static void put_row(struct copy *copy, const struct job_spec *spec, uint64_t id, int64_t now_ms)
{
    int64_t due_ms = job_spec_due_ms(spec, now_ms);
    enum job_state state = job_spec_state(spec, now_ms);
    put_count(copy, COLUMNS);
    put_big(copy, (int64_t)id);
    put_text(copy, queue_of(spec));
    put_text(copy, spec->worker);
    put_text(copy, args_of(spec));
    put_int(copy, spec->priority);
    put_int(copy, spec->max_attempts ? spec->max_attempts : JOB_ATTEMPTS_DEFAULT);
    put_text(copy, job_state_word(state));
    put_big(copy, now_ms);
    put_big(copy, due_ms);
    put_big(copy, state == JOB_AVAILABLE ? 0 : due_ms);
}

/* ---- the insert ---- */

static void ids_fetch(struct tx *tx, struct pg_error *error)
{
    struct pg_store *store = tx_pg(tx);
    struct store_reply *reply = tx->reply;
    struct tx_stmt *stmt = &store->own[PG_IDS];
    stmt->sql = IDS;
    if (!store->table)
        store->table = pg_translate(&store->link, "duress_jobs");
    pg_set_int(&stmt->params, 1, (int64_t)tx->request->spec_count);
    pg_set_text(&stmt->params, 2, store->table);
    PGresult *result = pg_query(&store->link, error, stmt);
    reply->ids = heap_alloc(tx->heap, tx->request->spec_count * sizeof *reply->ids);
    reply->id_count = pg_ints(result, 0, 0, (int64_t *)reply->ids, tx->request->spec_count);
    PQclear(result);
}

static void rows_send(struct tx *tx, struct copy *copy)
{
    struct heap *heap = heap_child(tx->heap);
    room_for(copy, BLOCK, heap);
    put(copy, header, sizeof header);
    for (size_t i = 0; i < tx->request->spec_count && !copy->error->err; ++i) {
        room_for(copy, row_most(&tx->specs[i]), heap);
        put_row(copy, &tx->specs[i], tx->reply->ids[i], tx->now_ms);
    }
    room_for(copy, sizeof(int16_t), heap);
    put_count(copy, -1);
    copy_send(copy);
    heap_free(heap);
}

static void copy_all(struct tx *tx, struct pg_error *error)
{
    struct pg_store *store = tx_pg(tx);
    struct copy copy = {.link = &store->link, .error = error};
    struct tx_stmt *stmt = &store->own[PG_COPY];
    if (!stmt->translated)
        stmt->translated = pg_translate(&store->link, COPY);
    if (!PQsendQuery(store->link.conn, stmt->translated))
        pg_lost(&store->link, error);
    PQclear(pg_result(&store->link, error)); /* it waits for rows */
    if (!error->err)
        rows_send(tx, &copy);
    if (!error->err && PQputCopyEnd(store->link.conn, NULL) != 1)
        pg_lost(&store->link, error);
    if (store->link.conn)
        pg_settle(&store->link, error);
}

bool pg_copy_possible(const struct tx *tx)
{
    const struct store_request *request = tx->request;
    bool possible = request->spec_count >= COPY_LEAST;
    for (size_t i = 0; i < request->spec_count && possible; ++i)
        possible = job_spec_plain(&request->specs[i]);
    return possible;
}

void pg_copy(struct tx *tx)
{
    struct pg_error error = {0};
    tx_begin_pg(tx, false);
    if (!tx->err)
        ids_fetch(tx, &error);
    if (!tx->err && !error.err)
        copy_all(tx, &error);
    tx_fail_pg(tx, &error);
}
