/* many.c: many rows in one statement, where there is one writer at a time: it opens the table and its indexes once, not
 * once per row, which is half of what a change of one row costs. On a server it saves a round trip for each row: there it is done
 * where the rows are locked, or the statement says by itself which it changed. Few rows, and all that is not plain, go one by
 * one. */
#include "sut/store/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MANY_MIN = 8, DIGITS_MAX = 21 };

static bool many(const struct tx *tx, size_t count)
{
    return !tx->careful && count >= MANY_MIN;
}

struct id_list {
    uint64_t *ids;
    size_t count;
};

static struct id_list id_list_make(struct heap *heap, size_t count_max)
{
    return (struct id_list){.ids = heap_alloc(heap, count_max * sizeof(uint64_t))};
}

static void id_list_add(struct id_list *list, uint64_t id)
{
    list->ids[list->count++] = id;
}

/* "[17,18,20]" */
static const char *id_list_text(const struct id_list *list, struct heap *heap)
{
    char *text = heap_alloc(heap, list->count * DIGITS_MAX + 3), *end = text;
    *end++ = '[';
    for (size_t i = 0; i < list->count; ++i) {
        char digits[DIGITS_MAX], *first = digits + sizeof digits;
        uint64_t id = list->ids[i];
        do
            *--first = (char)('0' + id % 10);
        while ((id /= 10) > 0);
        size_t length = (size_t)(digits + sizeof digits - first);
        if (i > 0)
            *end++ = ',';
        memcpy(end, first, length);
        end += length;
    }
    *end++ = ']';
    *end = '\0';
    return text;
}

/* All numbers from the first one to the last, each once. What was inserted together is mostly claimed together, and then
 * finished together: a walk along the table finds such rows, instead of a search for each. */
static bool id_list_is_run(const struct id_list *list)
{
    for (size_t i = 1; i < list->count; ++i)
        if (list->ids[i] != list->ids[i - 1] + 1)
            return false;
    return true;
}

static int id_order(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Binds the rows to ?2, and ?5 if they are a run. */
static struct tx_stmt *statement_of(struct tx *tx, const struct id_list *list, enum statement any,
                                    enum statement run)
{
    qsort(list->ids, list->count, sizeof *list->ids, id_order);
    bool is_run = id_list_is_run(list);
    struct tx_stmt *stmt = tx_statement(tx, is_run ? run : any);
    if (is_run) {
        tx_bind_int(tx, stmt, 2, (int64_t)list->ids[0]);
        tx_bind_int(tx, stmt, 5, (int64_t)list->ids[list->count - 1]);
    } else {
        tx_bind_text(tx, stmt, 2, id_list_text(list, tx->heap));
    }
    return stmt;
}

bool tx_take_many(struct tx *tx, const char *owner)
{
    struct store_reply *reply = tx->reply;
    if (!many(tx, reply->job_count) || reply->changed) /* some are not available yet */
        return false;
    struct id_list ids = id_list_make(tx->heap, reply->job_count);
    for (size_t i = 0; i < reply->job_count; ++i)
        id_list_add(&ids, reply->jobs[i].id);
    struct tx_stmt *stmt = statement_of(tx, &ids, STATEMENT_CLAIM_MANY, STATEMENT_CLAIM_RUN);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_text(tx, stmt, 3, owner);
    tx_bind_int(tx, stmt, 4, tx->request->lease_ms);
    size_t taken = tx_run(tx, stmt);
    if (taken != reply->job_count)
        tx_fail(tx, -EIO, "%zu of %zu jobs changed between two statements of one transaction",
                reply->job_count - taken, reply->job_count);
    return true;
}

/* ---- finishing ---- */

static bool is_plain(const struct store_ack *ack, uint64_t lease)
{
    return ack->state == JOB_COMPLETED && !ack->error && !ack->result && ack->lease == lease;
}

/* All of them are running under this lease and are in no flow, mostly. If not, the transaction is made once more, carefully. */
static void finish(struct tx *tx, const struct id_list *ids, uint64_t lease)
{
    struct tx_stmt *stmt = statement_of(tx, ids, STATEMENT_FINISH_MANY, STATEMENT_FINISH_RUN);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_int(tx, stmt, 3, (int64_t)lease);
    if (tx_run(tx, stmt) != ids->count)
        tx_fail(tx, -EEXIST, "one of many is not held under its lease");
}

/* Most attempts are first ones, which have the lease 1: those of the lease of the first one are one group. */
bool *tx_finish_many(struct tx *tx)
{
    const struct store_request *request = tx->request;
    size_t count = request->ack_count;
    if (!tx->store->backend->alone || !many(tx, count))
        return NULL;
    uint64_t lease = request->acks[0].lease;
    struct id_list ids = id_list_make(tx->heap, count);
    for (size_t i = 0; i < count; ++i)
        if (is_plain(&request->acks[i], lease))
            id_list_add(&ids, request->acks[i].id);
    if (ids.count < MANY_MIN)
        return NULL;
    finish(tx, &ids, lease);
    bool *done = heap_alloc(tx->heap, count * sizeof *done);
    for (size_t i = 0; i < count; ++i)
        done[i] = is_plain(&request->acks[i], lease);
    return done;
}

/* ---- by hand ---- */

static const char *ids_asked(struct tx *tx)
{
    const struct store_request *request = tx->request;
    struct id_list ids = id_list_make(tx->heap, request->id_count);
    for (size_t i = 0; i < request->id_count; ++i)
        id_list_add(&ids, request->ids[i]);
    return id_list_text(&ids, tx->heap);
}

/* Those that are in flows, in the order in which they were asked for. */
static struct id_set members_among(struct tx *tx, const char *asked)
{
    const struct store_request *request = tx->request;
    uint64_t *found = heap_alloc(tx->heap, 2 * request->id_count * sizeof *found);
    uint64_t *members = found + request->id_count;
    size_t count = 0, member_count = 0;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_MEMBERS_AMONG);
    tx_bind_text(tx, stmt, 1, asked);
    while (tx_step(tx, stmt))
        found[count++] = (uint64_t)tx_column_int(tx, stmt, 0);
    if (count > 1)
        qsort(found, count, sizeof *found, id_order);
    for (size_t i = 0; i < request->id_count && count > 0; ++i)
        if (bsearch(&request->ids[i], found, count, sizeof *found, id_order))
            members[member_count++] = request->ids[i];
    return (struct id_set){members, member_count};
}

struct id_set tx_hand_many(struct tx *tx, enum statement statement, enum change_kind kind)
{
    const struct store_request *request = tx->request;
    if (!many(tx, request->id_count))
        return (struct id_set){request->ids, request->id_count};
    const char *asked = ids_asked(tx);
    struct tx_stmt *stmt = tx_statement(tx, statement);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_text(tx, stmt, 2, asked);
    while (tx_step(tx, stmt)) {
        ++tx->reply->changed;
        if (tx_traced(tx))
            tx_note(tx, (struct change){.kind = kind,
                                        .id = (uint64_t)tx_column_int(tx, stmt, 0),
                                        .state = job_state_word(tx_column_state(tx, stmt, 1))});
    }
    return members_among(tx, asked);
}

bool tx_cut_many(struct tx *tx)
{
    struct store_reply *reply = tx->reply;
    if (!many(tx, tx->request->id_count))
        return false;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_CUT_AMONG);
    tx_bind_text(tx, stmt, 1, ids_asked(tx));
    while (tx_step(tx, stmt))
        reply->cut[reply->cut_count++] = (struct store_lease){(uint64_t)tx_column_int(tx, stmt, 0),
                                                              (uint64_t)tx_column_int(tx, stmt, 1)};
    return true;
}
