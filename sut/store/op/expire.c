/* expire.c: jobs whose deadline passed while they waited, for their time or for others. Those that run are for their queues to end,
 * and come back here if their lease runs out. Few jobs have a deadline, and an index of its own knows them.
 *
 * Flows are locked before their jobs, and in the order of their ids, as everywhere: whoever ends a job of a flow holds the flow, and
 * wants the jobs that wait. */
#include "sut/store/sql.h"

#include <stdlib.h>

int64_t tx_deadline_ms(struct tx *tx)
{
    int64_t ahead_ms = -1;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_NEXT_DEADLINE);
    while (tx_step(tx, stmt)) {
        ahead_ms = tx_column_int(tx, stmt, 0) - tx->now_ms;
        ahead_ms = ahead_ms > 0 ? ahead_ms : 0;
    }
    return ahead_ms;
}

bool tx_expire_idle(struct tx *tx)
{
    tx->reply->next_ms = tx_deadline_ms(tx);
    return !tx->err && tx->reply->next_ms != 0;
}

struct overdue {
    uint64_t id, flow;
};

static struct overdue *overdue_find(struct tx *tx, size_t *ret_count)
{
    struct overdue *rows = NULL;
    size_t count = 0, capacity = 0;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_OVERDUE);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    while (tx_step(tx, stmt)) {
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            rows = heap_realloc(tx->heap, rows, capacity * sizeof *rows);
        }
        rows[count++] = (struct overdue){.id = (uint64_t)tx_column_int(tx, stmt, 0),
                                         .flow = (uint64_t)tx_column_int(tx, stmt, 1)};
    }
    *ret_count = count;
    return rows;
}

/* By flow; those without one first. */
static int overdue_order(const void *left, const void *right)
{
    const struct overdue *a = left, *b = right;
    if (a->flow != b->flow)
        return a->flow < b->flow ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

static void expire(struct tx *tx, const struct overdue *row)
{
    struct store_flow locked;
    if (row->flow)
        tx_flow_lock(tx, row->flow, &locked);
    tx_yield(tx, row->id, JOB_DISCARDED);
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_EXPIRE);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_int(tx, stmt, 2, (int64_t)row->id);
    if (tx_run(tx, stmt) == 0)
        return;
    ++tx->reply->changed;
    if (tx_traced(tx))
        tx_note(tx, (struct change){.kind = CHANGE_EXPIRE,
                                    .id = row->id,
                                    .state = job_state_word(JOB_DISCARDED)});
    tx_flow_note(tx, row->flow, row->id, FLOW_JOB_ENDED, JOB_DISCARDED);
}

void tx_expire(struct tx *tx)
{
    size_t count;
    struct overdue *rows = overdue_find(tx, &count);
    if (count > 1)
        qsort(rows, count, sizeof *rows, overdue_order);
    for (size_t i = 0; i < count && !tx->err; ++i)
        expire(tx, &rows[i]);
    tx_flow_settle(tx);
    tx->reply->next_ms = tx_deadline_ms(tx);
}
