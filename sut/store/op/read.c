/* read.c: rows as jobs. */
#include "sut/store/sql.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_TEXT = 17 }; /* of JOB_COLUMNS; the texts are JOB_TEXTS */
enum { JOBS_AT_FIRST = 2 };

enum job_state tx_column_state(struct tx *tx, struct tx_stmt *stmt, int column)
{
    enum job_state state = JOB_STATE_COUNT;
    job_state_by_word(tx_column_text(tx, stmt, column), &state);
    return state;
}

static uint64_t column_u64(struct tx *tx, struct tx_stmt *stmt, int column)
{
    return (uint64_t)tx_column_int(tx, stmt, column);
}

static unsigned column_unsigned(struct tx *tx, struct tx_stmt *stmt, int column)
{
    return (unsigned)tx_column_int(tx, stmt, column);
}

/* All texts of the row in one block. */
static void job_row_texts(struct tx *tx, struct job *job, struct tx_stmt *stmt)
{
#define X(field, without) &job->field,
    const char **texts[] = {JOB_TEXTS(X)};
#undef X
#define X(field, without) job->field = (without);
    JOB_TEXTS(X)
#undef X
    int count = tx_column_count(tx, stmt) - FIRST_TEXT;
    const char *found[JOB_TEXT_COUNT];
    size_t sizes[JOB_TEXT_COUNT], size = 0;
    for (int i = 0; i < count; ++i) {
        found[i] = tx_column_text(tx, stmt, FIRST_TEXT + i);
        sizes[i] = found[i] ? strlen(found[i]) + 1 : 0;
        size += sizes[i];
    }
    char *block = heap_alloc(tx->heap, size + 1);
    for (int i = 0; i < count; block += sizes[i++])
        if (found[i])
            *texts[i] = memcpy(block, found[i], sizes[i]);
}

static struct job job_row(struct tx *tx, struct tx_stmt *stmt)
{
    struct job job = {
        .id = column_u64(tx, stmt, 0),
        .lease = column_u64(tx, stmt, 1),
        .state = tx_column_state(tx, stmt, 2),
        .attempt = column_unsigned(tx, stmt, 3),
        .max_attempts = column_unsigned(tx, stmt, 4),
        .priority = column_unsigned(tx, stmt, 5),
        .snoozed = column_unsigned(tx, stmt, 6),
        .inserted_ms = tx_column_int(tx, stmt, 7),
        .scheduled_ms = tx_column_int(tx, stmt, 8),
        .attempted_ms = tx_column_int(tx, stmt, 9),
        .finished_ms = tx_column_int(tx, stmt, 10),
        .timeout_ms = tx_column_int(tx, stmt, 11),
        .deadline_ms = tx_column_int(tx, stmt, 12),
        .version = column_u64(tx, stmt, 13),
        .progress = column_unsigned(tx, stmt, 14),
        .crashes = column_unsigned(tx, stmt, 15),
        .flow = column_u64(tx, stmt, 16),
    };
    job_row_texts(tx, &job, stmt);
    return job;
}

void tx_reply_jobs(struct tx *tx, struct tx_stmt *stmt)
{
    struct store_reply *reply = tx->reply;
    while (tx_step(tx, stmt)) {
        if (reply->job_count == tx->job_capacity) {
            tx->job_capacity = tx->job_capacity ? 2 * tx->job_capacity : JOBS_AT_FIRST;
            reply->jobs =
                heap_realloc(tx->heap, reply->jobs, tx->job_capacity * sizeof *reply->jobs);
        }
        reply->jobs[reply->job_count++] = job_row(tx, stmt);
    }
}

static int id_order(const void *left, const void *right)
{
    uint64_t a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return a < b ? -1 : a > b;
}

void tx_get(struct tx *tx)
{
    size_t count = tx->request->id_count;
    if (count == 0)
        return;
    uint64_t *ids = heap_memdup(tx->heap, tx->request->ids, count * sizeof *ids);
    qsort(ids, count, sizeof *ids, id_order);
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_GET);
    for (size_t i = 0; i < count; ++i) {
        if (i > 0 && ids[i] == ids[i - 1])
            continue;
        tx_bind_int(tx, stmt, 1, (int64_t)ids[i]);
        tx_reply_jobs(tx, stmt);
    }
}
