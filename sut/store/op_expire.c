/* op_expire.c: jobs whose deadline passed while they waited. Those that run are for their queues to end, and come back here if their
 * lease runs out. Few jobs have a deadline, and an index of its own knows them. */
#include "sut/store/sql.h"

/* How far ahead the earliest deadline of a job that waits is. */
static void tell_next(struct tx *tx)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_NEXT_DEADLINE);
    tx->reply->next_ms = -1;
    while (tx_step(tx, stmt)) {
        int64_t ahead_ms = tx_column_int(tx, stmt, 0) - tx->now_ms;
        tx->reply->next_ms = ahead_ms > 0 ? ahead_ms : 0;
    }
}

bool tx_expire_idle(struct tx *tx)
{
    tell_next(tx);
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

void tx_expire(struct tx *tx)
{
    size_t count;
    struct overdue *rows = overdue_find(tx, &count);
    struct tx_stmt *stmt = count ? tx_statement(tx, STATEMENT_EXPIRE) : NULL;
    for (size_t i = 0; i < count && !tx->err; ++i) {
        tx_yield(tx, rows[i].id, JOB_DISCARDED);
        tx_bind_int(tx, stmt, 1, tx->now_ms);
        tx_bind_int(tx, stmt, 2, (int64_t)rows[i].id);
        if (tx_run(tx, stmt) == 0)
            continue;
        ++tx->reply->changed;
        if (tx_traced(tx))
            tx_note(tx, (struct change){.kind = CHANGE_EXPIRE,
                                        .id = rows[i].id,
                                        .state = job_state_word(JOB_DISCARDED)});
        tx_flow_note(tx, rows[i].flow, rows[i].id, FLOW_JOB_ENDED, JOB_DISCARDED);
    }
    tx_flow_settle(tx);
    tell_next(tx);
}
