/* flow_read.c: a flow as it is: how many of its jobs are in which state, who waits for whom. */
#include "sut/store/sql.h"

static uint64_t column_u64(struct tx *tx, struct tx_stmt *stmt, int column)
{
    return (uint64_t)tx_column_int(tx, stmt, column);
}

static void *grow(struct tx *tx, void *rows, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return rows;
    *capacity = *capacity ? 2 * *capacity : 16;
    return heap_realloc(tx->heap, rows, *capacity * size);
}

static struct tx_stmt *of_flow(struct tx *tx, enum statement statement)
{
    struct tx_stmt *stmt = tx_statement(tx, statement);
    tx_bind_int(tx, stmt, 1, (int64_t)tx->reply->flow->id);
    return stmt;
}

static void read_counts(struct tx *tx)
{
    struct tx_stmt *stmt = of_flow(tx, STATEMENT_FLOW_STATES);
    while (tx_step(tx, stmt)) {
        enum job_state state = tx_column_state(tx, stmt, 0);
        if (state < JOB_STATE_COUNT)
            tx->reply->counts[state] = column_u64(tx, stmt, 1);
    }
}

static void read_members(struct tx *tx)
{
    struct store_reply *reply = tx->reply;
    size_t capacity = 0, limit = tx->request->limit;
    struct tx_stmt *stmt = of_flow(tx, STATEMENT_MEMBERS);
    tx_bind_int(tx, stmt, 2, limit && limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
    while (tx_step(tx, stmt)) {
        reply->members =
            grow(tx, reply->members, reply->member_count, &capacity, sizeof *reply->members);
        reply->members[reply->member_count++] = (struct store_member){
            .job = column_u64(tx, stmt, 0),
            .waits = column_u64(tx, stmt, 1),
            .state = tx_column_state(tx, stmt, 2),
            .name = tx_column_copy(tx, stmt, 3),
            .queue = tx_column_copy(tx, stmt, 4),
            .worker = tx_column_copy(tx, stmt, 5),
        };
    }
}

static void read_edges(struct tx *tx)
{
    struct store_reply *reply = tx->reply;
    size_t capacity = 0;
    struct tx_stmt *stmt = of_flow(tx, STATEMENT_EDGES);
    while (tx_step(tx, stmt)) {
        reply->edges = grow(tx, reply->edges, reply->edge_count, &capacity, sizeof *reply->edges);
        reply->edges[reply->edge_count++] =
            (struct store_edge){.parent = column_u64(tx, stmt, 0),
                                .child = column_u64(tx, stmt, 1),
                                .ended = tx_column_int(tx, stmt, 2) != 0};
    }
}

static void read_called(struct tx *tx)
{
    struct store_reply *reply = tx->reply;
    struct tx_stmt *stmt = of_flow(tx, STATEMENT_CALLBACKS);
    reply->called = heap_alloc(tx->heap, FLOW_EVENT_COUNT * sizeof *reply->called);
    while (tx_step(tx, stmt)) {
        enum flow_event event;
        if (flow_event_by_word(tx_column_text(tx, stmt, 0), &event) &&
            reply->called_count < FLOW_EVENT_COUNT)
            reply->called[reply->called_count++] =
                (struct store_called){event, column_u64(tx, stmt, 1)};
    }
}

void tx_flow(struct tx *tx)
{
    const struct store_request *request = tx->request;
    uint64_t id = request->flow;
    if (!id && request->flow_kind && request->flow_name)
        id = tx_flow_by_name(tx, request->flow_kind, request->flow_name);
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_FLOW_GET);
    tx_bind_int(tx, stmt, 1, (int64_t)id);
    while (tx_step(tx, stmt)) {
        tx->reply->flow = heap_alloc(tx->heap, sizeof *tx->reply->flow);
        *tx->reply->flow = tx_flow_row(tx, stmt);
    }
    if (!tx->reply->flow)
        return;
    read_counts(tx);
    read_members(tx);
    read_edges(tx);
    read_called(tx);
}
