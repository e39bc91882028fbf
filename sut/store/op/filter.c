/* filter.c: which jobs are meant: by a filter instead of by their ids. A request looks at so many rows at most, by id, and says
 * where the next one goes on: however large the table is, no transaction takes long. */
#include "sut/jobs/json_text.h"
#include "sut/store/sql.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { STATES_ROOM = 16 * JOB_STATE_COUNT };

/* ",available,scheduled,": those that are meant. */
static void states_text(unsigned states, char out[static STATES_ROOM])
{
    size_t used = (size_t)snprintf(out, STATES_ROOM, ",");
    for (int state = 0; state < JOB_STATE_COUNT; ++state)
        if (states == 0 || (states & JOB_STATE_BIT(state)))
            used += (size_t)snprintf(out + used, STATES_ROOM - used, "%s,",
                                     job_state_word((enum job_state)state));
}

/* ",urgent,", or a comma, which there always is. */
static const char *tag_text(struct tx *tx, const char *tag)
{
    char kept[JOB_TAGS_MAX + 1];
    if (!tag)
        return ",";
    if (strlen(tag) > JOB_TAGS_MAX || strchr(tag, ',')) {
        tx_fail(tx, -EINVAL, "'%.60s' is not one tag", tag);
        return ",";
    }
    job_tags_normal(tag, kept);
    if (!*kept)
        tx_fail(tx, -EINVAL, "a tag is empty");
    size_t length = strlen(kept);
    char *text = heap_alloc(tx->heap, length + 3);
    snprintf(text, length + 3, ",%s,", kept);
    return text;
}

static void object_check(struct tx *tx, const char *what, const char *json)
{
    if (json && !json_object_valid(json))
        tx_fail(tx, -EINVAL, "%s are found by a JSON object; '%.60s' is none", what, json);
}

static void filter_check(struct tx *tx, const struct job_filter *filter)
{
    if (filter->states & ~JOB_STATES_ALL)
        tx_fail(tx, -EINVAL, "there is no such state");
    if (filter->older_ms < 0)
        tx_fail(tx, -EINVAL, "an age must not be negative");
    object_check(tx, "arguments", filter->args);
    object_check(tx, "meta", filter->meta);
}

/* Parameters 1 to 9 of FILTER_WHERE; up to `last`. */
static struct tx_stmt *filter_bind(struct tx *tx, enum statement statement,
                                   const struct job_filter *filter, int64_t last)
{
    char states[STATES_ROOM];
    states_text(filter->states, states);
    struct tx_stmt *stmt = tx_statement(tx, statement);
    tx_bind_int(tx, stmt, 1, (int64_t)filter->after_id);
    tx_bind_int(tx, stmt, 2, last);
    tx_bind_text(tx, stmt, 3, heap_strdup(tx->heap, states));
    tx_bind_text(tx, stmt, 4, filter->queue);
    tx_bind_text(tx, stmt, 5, filter->worker);
    tx_bind_int(tx, stmt, 6, filter->older_ms > 0 ? tx->now_ms - filter->older_ms : INT64_MAX);
    tx_bind_text(tx, stmt, 7, tag_text(tx, filter->tag));
    tx_bind_text(tx, stmt, 8, filter->args);
    tx_bind_text(tx, stmt, 9, filter->meta);
    return stmt;
}

/* The last of the rows that one request looks at; 0: there are none. */
static int64_t window_end(struct tx *tx, uint64_t after_id)
{
    int64_t end = 0;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_WINDOW);
    tx_bind_int(tx, stmt, 1, (int64_t)after_id);
    while (tx_step(tx, stmt))
        end = tx_column_int(tx, stmt, 0);
    return end;
}

static int64_t limit_of(size_t limit)
{
    return limit < INT64_MAX ? (int64_t)limit : INT64_MAX;
}

/* ---- what is changed in bulk ---- */

/* Up to `most` of them, into *ret_ids. */
static size_t ids_of(struct tx *tx, const struct job_filter *filter, int64_t last, size_t most,
                     uint64_t **ret_ids)
{
    size_t count = 0;
    uint64_t *ids = heap_alloc(tx->heap, most * sizeof *ids);
    struct tx_stmt *stmt = filter_bind(tx, STATEMENT_FILTER_IDS, filter, last);
    tx_bind_int(tx, stmt, 10, limit_of(most));
    while (tx_step(tx, stmt))
        ids[count++] = (uint64_t)tx_column_int(tx, stmt, 0);
    *ret_ids = ids;
    return count;
}

void tx_choose(struct tx *tx, struct store_request *chosen)
{
    const struct job_filter *filter = chosen->filter;
    size_t most = chosen->limit && chosen->limit < BULK_MOST ? chosen->limit : BULK_MOST;
    uint64_t *ids;
    filter_check(tx, filter);
    int64_t last = window_end(tx, filter->after_id);
    chosen->id_count = ids_of(tx, filter, last, most, &ids);
    chosen->ids = ids;
    tx->reply->more = last > 0;
    tx->reply->last_id = chosen->id_count == most ? ids[most - 1] : (uint64_t)last;
}

/* ---- what is read ---- */

static const struct job_filter everything;

void tx_list(struct tx *tx)
{
    const struct store_request *request = tx->request;
    const struct job_filter *filter = request->filter ? request->filter : &everything;
    filter_check(tx, filter);
    struct tx_stmt *stmt = filter_bind(tx, STATEMENT_LIST, filter, INT64_MAX);
    tx_bind_int(tx, stmt, 10, limit_of(request->limit));
    tx_reply_jobs(tx, stmt);
}

static void count_rows(struct tx *tx, struct tx_stmt *stmt)
{
    while (tx_step(tx, stmt))
        for (int state = 0; state < JOB_STATE_COUNT; ++state)
            tx->reply->counts[state] = (uint64_t)tx_column_int(tx, stmt, state);
}

void tx_stats(struct tx *tx)
{
    const struct job_filter *filter = tx->request->filter;
    if (!filter) {
        count_rows(tx, tx_statement(tx, STATEMENT_STATS));
        return;
    }
    filter_check(tx, filter);
    count_rows(tx, filter_bind(tx, STATEMENT_FILTER_STATS, filter, INT64_MAX));
}
