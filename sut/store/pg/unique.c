/* unique.c: many jobs of which there is one at a time. Those whose key nobody holds come to be in one statement; another one
 * tells who holds the keys of the rest. Where that holder must be changed or released, the job is looked at by itself, as
 * everywhere (op/unique.c). */
#include "sut/jobs/unique.h"
#include "sut/store/pg/internal.h"

#include <errno.h>
#include <string.h>

enum { CHUNK = 2000 };

#define INSERT_UNIQUE                                                                              \
    PG_INSERT_MORE_SQL(",unique_key,unique_states", ",s.key,s.holds",                              \
                       ",?15::text[],?16::bigint[]", ",key,holds")                                 \
    "ON CONFLICT DO NOTHING RETURNING id,unique_key"

#define HOLDERS                                                                                    \
    "SELECT k.number,j.id,j.state,j.attempt,j.inserted_ms,j.scheduled_ms FROM(SELECT ?1)AS n,"     \
    "unnest(?2::text[])WITH ORDINALITY AS k(key,number)JOIN duress_jobs AS j "                     \
    "ON j.unique_key=k.key AND " HOLDS_KEY

/* Some specs of the request, and what became of each: an id, or who holds its key. */
struct uniques {
    const struct job_spec *specs;
    size_t from, count;
    const char **keys;
    uint64_t *ids; /* 0: it was not inserted */
    struct unique_holder *holders;
    bool *asked; /* it was looked at by itself, so whoever held its key may be gone */
};

static void keys_make(struct tx *tx, struct uniques *found)
{
    for (size_t i = 0; i < found->count && !tx->err; ++i) {
        char key[JOB_UNIQUE_KEY_SIZE];
        if (job_unique_key(tx->heap, &found->specs[i], key))
            found->keys[i] = heap_strdup(tx->heap, key);
        else
            tx_fail(tx, -EINVAL, "a job cannot be unique by what is no JSON");
    }
}

/* Of those that the index judges when they are inserted: the row of each can be told by its key, as rows come in the order of
 * the specs, and of two with one key only the first one comes to be. */
static struct uniques uniques_find(struct tx *tx, size_t from)
{
    const struct store_request *request = tx->request;
    struct uniques found = {.specs = tx->specs + from, .from = from};
    while (from + found.count < request->spec_count && found.count < CHUNK &&
           found.specs[found.count].unique && tx_holds_at_once(tx, &found.specs[found.count]))
        ++found.count;
    found.keys = heap_alloc(tx->heap, found.count * sizeof *found.keys);
    found.ids = heap_alloc(tx->heap, found.count * sizeof *found.ids);
    found.holders = heap_alloc(tx->heap, found.count * sizeof *found.holders);
    found.asked = heap_alloc(tx->heap, found.count * sizeof *found.asked);
    keys_make(tx, &found);
    return found;
}

/* How many came to be. */
static size_t uniques_insert(struct tx *tx, struct pg_error *error, struct uniques *found)
{
    struct tx_stmt *stmt = &tx_pg(tx)->own[PG_INSERT_UNIQUE];
    int64_t *states = heap_alloc(tx->heap, found->count * sizeof *states);
    for (size_t i = 0; i < found->count; ++i)
        states[i] = job_unique_states(found->specs[i].unique);
    stmt->sql = INSERT_UNIQUE;
    pg_set_int(&stmt->params, 1, tx->now_ms);
    pg_bind_plain(&stmt->params, tx->heap, found->specs, found->count);
    pg_bind_more(&stmt->params, tx->heap, found->specs, found->count);
    pg_set_texts(&stmt->params, 15, tx->heap, found->keys, found->count);
    pg_set_ints(&stmt->params, 16, tx->heap, states, found->count);
    PGresult *result = pg_query(&tx_pg(tx)->link, error, stmt);
    int row = 0;
    for (size_t i = 0; i < found->count && row < PQntuples(result); ++i)
        if (strcmp(pg_text(result, row, 1), found->keys[i]) == 0)
            found->ids[i] = (uint64_t)pg_int(result, row++, 0);
    PQclear(result);
    return (size_t)row;
}

static void holders_find(struct tx *tx, struct pg_error *error, struct uniques *found)
{
    struct tx_stmt *stmt = &tx_pg(tx)->own[PG_HOLDERS];
    stmt->sql = HOLDERS;
    pg_set_int(&stmt->params, 1, tx->now_ms);
    pg_set_texts(&stmt->params, 2, tx->heap, found->keys, found->count);
    PGresult *result = pg_query(&tx_pg(tx)->link, error, stmt);
    for (int row = 0; row < PQntuples(result); ++row) {
        struct unique_holder *holder = &found->holders[pg_int(result, row, 0) - 1];
        holder->id = (uint64_t)pg_int(result, row, 1);
        job_state_by_word(pg_text(result, row, 2), &holder->state);
        holder->attempt = (unsigned)pg_int(result, row, 3);
        holder->inserted_ms = pg_int(result, row, 4);
        holder->scheduled_ms = pg_int(result, row, 5);
    }
    PQclear(result);
}

static bool asked_before(const struct uniques *found, size_t index)
{
    for (size_t i = 0; i < index; ++i)
        if (found->asked[i] && strcmp(found->keys[i], found->keys[index]) == 0)
            return true;
    return false;
}

static void insert_one(struct tx *tx, size_t at)
{
    struct store_reply *reply = tx->reply;
    reply->ids[at] = tx_insert_unique(tx, &tx->specs[at], &reply->conflicts[at]);
}

static void unique_take(struct tx *tx, struct uniques *found, size_t i)
{
    struct store_reply *reply = tx->reply;
    const struct unique_holder *holder = &found->holders[i];
    size_t at = found->from + i;
    if (found->ids[i]) {
        reply->ids[at] = found->ids[i];
        tx_note_unique(tx, found->ids[i], found->keys[i], &found->specs[i], false);
    } else if (holder->id && tx_holder_stays(tx, holder, &found->specs[i]) &&
               !asked_before(found, i)) {
        reply->ids[at] = holder->id;
        reply->conflicts[at] = true;
        tx_note_unique(tx, holder->id, found->keys[i], &found->specs[i], true);
    } else {
        found->asked[i] = true;
        insert_one(tx, at);
    }
}

size_t pg_insert_unique(struct tx *tx, struct pg_error *error, size_t from)
{
    struct store_reply *reply = tx->reply;
    if (!reply->conflicts)
        reply->conflicts = heap_alloc(tx->heap, tx->request->spec_count * sizeof *reply->conflicts);
    struct uniques found = uniques_find(tx, from);
    if (found.count && !tx->err && uniques_insert(tx, error, &found) < found.count && !error->err)
        holders_find(tx, error, &found);
    for (size_t i = 0; i < found.count && !tx->err && !error->err; ++i)
        unique_take(tx, &found, i);
    if (found.count == 0)
        insert_one(tx, from);
    reply->id_count += found.count ? found.count : 1;
    return found.count ? found.count : 1;
}
