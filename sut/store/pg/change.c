/* change.c: claims and acknowledgements, each as many rows as there are in one statement, both in one round trip.
 *
 * A claim locks the first rows in the order of the index that nobody else has locked, and goes on to the next ones where
 * somebody has: claimers do not wait for each other, and none of them gets a job that another one got. Every change repeats
 * its guard on the row that it changes, as a row may have changed since the statement began. */
#include "sut/store/pg/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A queue of which something is said has claims that count: see below. */
#define FREE  "NOT EXISTS(SELECT FROM duress_queues WHERE name IN(?2,'*'))"
#define FIRST "ORDER BY priority,scheduled_ms,id LIMIT ?5 FOR UPDATE SKIP LOCKED"
#define TAKE                                                                                       \
    "UPDATE duress_jobs AS j SET state='executing',attempt=attempt+1,lease=lease+1,owner=?3,"      \
    "attempted_ms=n.ms,wake_ms=n.ms+?4 FROM " PG_NOW
#define CLAIM                                                                                      \
    TAKE " WHERE j.id=ANY(ARRAY(SELECT id FROM duress_jobs WHERE wake_ms=0 AND queue=?2 AND "      \
         "" IS_READY " AND " FREE " " FIRST "))AND j.state='available'RETURNING " JOB_COLUMNS

/* From the front on: front.c. */
#define CLAIM_FRONT                                                                                \
    TAKE " WHERE j.id=ANY(ARRAY(SELECT r.id FROM unnest(?6::bigint[],?7::bigint[],?8::bigint[])"   \
         "AS f(priority,ms,id),LATERAL(SELECT id FROM duress_jobs WHERE wake_ms=0 AND queue=?2 "   \
         "AND priority=f.priority AND(scheduled_ms,id)>(f.ms,f.id)AND " IS_READY " AND " FREE      \
         " ORDER BY scheduled_ms,id LIMIT ?5 FOR UPDATE SKIP LOCKED)AS r LIMIT ?5))"               \
         "AND j.state='available'RETURNING " JOB_COLUMNS

/* With those that are due, in their order among the others; the last column tells them. */
#define CLAIM_DUE                                                                                  \
    "WITH ready AS MATERIALIZED(SELECT id,priority,scheduled_ms,0 AS late FROM duress_jobs "       \
    "WHERE wake_ms=0 AND queue=?2 AND " IS_READY " AND " FREE " " FIRST "),"                       \
    "due AS MATERIALIZED(SELECT id,priority,scheduled_ms,1 AS late FROM duress_jobs "              \
    "WHERE wake_ms>0 AND wake_ms<=greatest(:now,?1)AND state IN('scheduled','retryable')"          \
    "AND queue=?2 AND attempt<max_attempts AND " FREE " ORDER BY wake_ms LIMIT " STAGE_LIMIT       \
    " FOR UPDATE SKIP LOCKED),"                                                                    \
    "taken(job,late)AS MATERIALIZED(SELECT id,late FROM(SELECT*FROM ready UNION ALL "              \
    "SELECT*FROM due)AS every ORDER BY priority,scheduled_ms,id LIMIT ?5)" TAKE                    \
    ",taken WHERE j.id=taken.job AND j.state IN('available','scheduled','retryable')"              \
    "RETURNING " JOB_COLUMNS ",late"

/* Jobs of workflows, batches and chains are left to op/change.c: their end has consequences. */
#define HELD "j.id=a.job AND j.lease=a.token AND j.state='executing'AND j.flow IS NULL"

/* What most are: nothing but over. */
#define FINISH                                                                                     \
    "UPDATE duress_jobs AS j SET state=a.ending,acked=a.token,finished_ms=n.ms,wake_ms=NULL "      \
    "FROM " PG_NOW ",unnest(?2::bigint[],?3::bigint[],?4::text[])WITH ORDINALITY "                 \
    "AS a(job,token,ending,number)WHERE " HELD " RETURNING number,attempt,max_attempts"

/* A delay below 0: for ever. A snooze gives its attempt back. */
#define ACK                                                                                        \
    "UPDATE duress_jobs AS j SET state=a.ending,acked=a.token,"                                    \
    "scheduled_ms=CASE WHEN a.delay<0 THEN scheduled_ms ELSE n.ms+a.delay END,"                    \
    "wake_ms=CASE WHEN a.delay>=0 THEN n.ms+a.delay END,"                                          \
    "finished_ms=CASE WHEN a.delay<0 THEN n.ms ELSE 0 END,"                                        \
    "attempt=attempt-(a.ending='scheduled')::int,snoozed=snoozed+(a.ending='scheduled')::int,"     \
    "crashes=0,"                                                                                   \
    "errors=CASE WHEN a.error IS NULL THEN errors ELSE " PG_ERRORS_PLUS(                           \
        "errors", "n.ms", "attempt",                                                               \
        "a.error") "END,result=a.result "                                                          \
                   "FROM " PG_NOW                                                                  \
                   ",unnest(?2::bigint[],?3::bigint[],?4::text[],?5::bigint[],?6::text[],"         \
                   "?7::text[])"                                                                   \
                   "WITH ORDINALITY AS a(job,token,ending,delay,error,result,number)WHERE " HELD   \
                   " RETURNING number,attempt+(a.ending='scheduled')::int,max_attempts"

/* ---- claim ---- */

/* A claim in a batch of statements. */
struct claiming {
    struct pg_front *front;
    enum pg_walk walk;
    size_t at;        /* which statement it is */
    int64_t begin_ns; /* monotonic */
};

static struct tx_stmt *claim_stmt(struct tx *tx, struct pg_batch *batch, enum pg_walk walk)
{
    if (tx->request->stage)
        return pg_batch_add(tx, batch, PG_CLAIM_DUE, CLAIM_DUE);
    if (walk == PG_WALK_FRONT)
        return pg_batch_add(tx, batch, PG_CLAIM_FRONT, CLAIM_FRONT);
    return pg_batch_add(tx, batch, PG_CLAIM, CLAIM);
}

static void claim_add(struct tx *tx, struct pg_batch *batch, const struct claiming *claiming)
{
    const struct store_request *request = tx->request;
    if (request->lease_ms <= 0)
        tx_fail(tx, -EINVAL, "a lease must hold for more than 0 ms");
    struct tx_stmt *stmt = claim_stmt(tx, batch, claiming->walk);
    stmt->hidden = request->stage;
    pg_set_text(&stmt->params, 2, request->queue);
    pg_set_text(&stmt->params, 3, request->owner ? request->owner : "");
    pg_set_int(&stmt->params, 4, request->lease_ms);
    pg_set_int(&stmt->params, 5, request->limit < INT64_MAX ? (int64_t)request->limit : INT64_MAX);
    if (claiming->walk == PG_WALK_FRONT && !request->stage)
        pg_front_bind(&stmt->params, 6, tx->heap, claiming->front);
}

/* What was due says so by a state that no claimed job has, until it is counted. */
static void mark_due(struct tx *tx, const bool *late)
{
    struct store_reply *reply = tx->reply;
    for (size_t i = 0; i < reply->job_count; ++i)
        if (late[i])
            reply->jobs[i].state = JOB_SCHEDULED;
}

static void count_due(struct tx *tx)
{
    struct store_reply *reply = tx->reply;
    for (size_t i = 0; i < reply->job_count; ++i) {
        struct job *job = &reply->jobs[i];
        if (job->state == JOB_EXECUTING)
            continue;
        job->state = JOB_EXECUTING;
        ++reply->changed;
        if (tx_traced(tx))
            tx_note(tx, (struct change){.kind = CHANGE_STAGE, .id = job->id});
    }
}

static void claim_take(struct tx *tx, struct pg_batch *batch, size_t at)
{
    struct tx_stmt *stmt = batch->stmts[at];
    PGresult *result = batch->results[at];
    int rows = PQntuples(result), column = PQnfields(result) - 1;
    bool *late = heap_alloc(tx->heap, (size_t)rows + 1);
    for (int row = 0; row < rows && stmt->hidden; ++row)
        late[row] = pg_int(result, row, column) != 0;
    stmt->result = result;
    stmt->row = -1;
    batch->results[at] = NULL; /* step() frees it at its end */
    tx_reply_jobs(tx, stmt);
    mark_due(tx, late);
    if (tx->reply->job_count > 1)
        qsort(tx->reply->jobs, tx->reply->job_count, sizeof *tx->reply->jobs, tx_claim_order);
    count_due(tx);
}

/* ---- queues under rules ---- */

/* They are remembered, so that a request for them begins as a transaction of several statements. */
static bool known_ruled(const struct pg_store *store, const char *queue)
{
    for (size_t i = 0; i < store->ruled_count; ++i)
        if (strcmp(store->ruled[i], queue) == 0)
            return true;
    return false;
}

static void remember_ruled(struct pg_store *store, const char *queue)
{
    size_t at = store->ruled_count < PG_RULED ? store->ruled_count++ : 0;
    snprintf(store->ruled[at], sizeof store->ruled[at], "%s", queue);
}

static void forget_ruled(struct pg_store *store, const char *queue)
{
    for (size_t i = 0; i < store->ruled_count; ++i)
        if (strcmp(store->ruled[i], queue) == 0)
            memmove(store->ruled[i], store->ruled[--store->ruled_count], sizeof store->ruled[i]);
}

static bool still_ruled(struct tx *tx, const char *queue)
{
    struct store_queue rule;
    bool ruled = tx_rule(tx, queue, &rule);
    if (!ruled && !tx->err)
        forget_ruled(tx_pg(tx), queue);
    return ruled;
}

/* What a batch learned of the queue. */
static bool found_ruled(struct tx *tx, const struct pg_batch *batch)
{
    bool ruled = pg_int(batch->results[batch->count - 2], 0, 0) != 0;
    if (ruled)
        remember_ruled(tx_pg(tx), tx->request->queue);
    return ruled;
}

static struct claiming claim_batch_add(struct tx *tx, struct pg_batch *batch)
{
    struct pg_store *store = tx_pg(tx);
    struct claiming claiming = {.front = pg_front_of(store, tx->request->queue),
                                .begin_ns = pg_now_ns()};
    claiming.walk = pg_front_walk(claiming.front);
    bool measured = claiming.walk == PG_WALK_MEASURED;
    if (measured) {
        struct tx_stmt *pages =
            pg_batch_add(tx, batch, PG_PAGES, "SELECT " PG_PAGES_OF("?2") "FROM(SELECT ?1)AS n");
        pg_set_text(&pages->params, 2, pg_available_index(store));
    }
    claiming.at = batch->count;
    claim_add(tx, batch, &claiming);
    struct tx_stmt *stmt =
        pg_batch_add(tx, batch, PG_RULED_QUEUE,
                     "SELECT EXISTS(SELECT FROM duress_queues WHERE name=?2)," PG_PAGES_OF(
                         "?3") "FROM(SELECT ?1)AS n");
    pg_set_text(&stmt->params, 2, tx->request->queue);
    pg_set_text(&stmt->params, 3, measured ? pg_available_index(store) : NULL);
    return claiming;
}

/* What the batch claimed, and what it says of the way there. */
static void claimed_take(struct tx *tx, struct pg_batch *batch, const struct claiming *claiming)
{
    const struct store_reply *reply = tx->reply;
    int64_t pages = 0;
    if (claiming->walk == PG_WALK_MEASURED)
        pages = pg_int(batch->results[claiming->at + 1], 0, 1) -
                pg_int(batch->results[claiming->at - 1], 0, 0);
    claim_take(tx, batch, claiming->at);
    if (claiming->walk == PG_WALK_MEASURED)
        pg_front_learn(claiming->front, pages, reply->job_count, pg_now_ns() - claiming->begin_ns);
    pg_front_advance(claiming->front, reply->jobs, reply->job_count);
}

void pg_claim(struct tx *tx)
{
    const struct store_request *request = tx->request;
    struct pg_batch batch = {0};
    bool ruled = false;
    if (!request->queue)
        tx_fail(tx, -EINVAL, "a claim needs a queue");
    else if (!known_ruled(tx_pg(tx), request->queue)) {
        struct claiming claiming = claim_batch_add(tx, &batch);
        if (!pg_batch_run(tx, &batch, !request->without_next))
            return;
        ruled = found_ruled(tx, &batch);
        claimed_take(tx, &batch, &claiming);
        pg_batch_done(&batch);
        if (!ruled)
            return;
    }
    if (tx->err)
        return;
    tx_begin_pg(tx, false);
    still_ruled(tx, request->queue);
    tx_claim(tx);
}

/* ---- ack ---- */

static bool ack_plain(const struct store_ack *ack)
{
    return job_state_final(ack->state) && !ack->error && !ack->result;
}

static bool acks_plain(const struct store_request *request)
{
    for (size_t i = 0; i < request->ack_count; ++i)
        if (!ack_plain(&request->acks[i]))
            return false;
    return true;
}

/* The columns that only the longer statement has. */
static void bind_rest(struct tx *tx, struct pg_params *params)
{
    const struct store_request *request = tx->request;
    size_t count = request->ack_count;
    int64_t *delays = heap_alloc(tx->heap, count * sizeof *delays);
    const char **errors = heap_alloc(tx->heap, 2 * count * sizeof *errors);
    const char **results = errors + count;
    for (size_t i = 0; i < count; ++i) {
        const struct store_ack *ack = &request->acks[i];
        delays[i] = job_state_final(ack->state) ? -1 : ack_delay_ms(ack);
        errors[i] = ack->error;
        results[i] = ack->state == JOB_COMPLETED ? ack->result : NULL;
    }
    pg_set_ints(params, 5, tx->heap, delays, count);
    pg_set_texts(params, 6, tx->heap, errors, count);
    pg_set_texts(params, 7, tx->heap, results, count);
}

static void acks_add(struct tx *tx, struct pg_batch *batch)
{
    const struct store_request *request = tx->request;
    size_t count = request->ack_count;
    bool plain = acks_plain(request);
    int64_t *ids = heap_alloc(tx->heap, 2 * count * sizeof *ids), *leases = ids + count;
    const char **states = heap_alloc(tx->heap, count * sizeof *states);
    struct tx_stmt *stmt =
        plain ? pg_batch_add(tx, batch, PG_FINISH, FINISH) : pg_batch_add(tx, batch, PG_ACK, ACK);
    for (size_t i = 0; i < count && tx_ack_possible(tx, &request->acks[i]); ++i) {
        ids[i] = (int64_t)request->acks[i].id;
        leases[i] = (int64_t)request->acks[i].lease;
        states[i] = job_state_word(request->acks[i].state);
    }
    pg_set_ints(&stmt->params, 2, tx->heap, ids, count);
    pg_set_ints(&stmt->params, 3, tx->heap, leases, count);
    pg_set_texts(&stmt->params, 4, tx->heap, states, count);
    if (!plain)
        bind_rest(tx, &stmt->params);
}

static void ack_note(struct tx *tx, const struct store_ack *ack, unsigned attempt, unsigned most)
{
    if (tx_traced(tx))
        tx_note(tx, (struct change){.kind = CHANGE_FINISH,
                                    .id = ack->id,
                                    .lease = ack->lease,
                                    .state = job_state_word(ack->state),
                                    .attempt = attempt,
                                    .max_attempts = most,
                                    .delay_ms = ack_delay_ms(ack)});
}

/* The row of the result that tells of each acknowledgement, plus 1. */
static int *rows_by_number(struct tx *tx, const PGresult *result)
{
    int *rows = heap_alloc(tx->heap, tx->request->ack_count * sizeof *rows);
    for (int row = 0; row < PQntuples(result); ++row)
        rows[pg_int(result, row, 0) - 1] = row + 1;
    return rows;
}

/* Those that the statement applied. How many there are besides. */
static size_t acks_take(struct tx *tx, const PGresult *result, const int *rows)
{
    const struct store_request *request = tx->request;
    tx->reply->acks = heap_alloc(tx->heap, request->ack_count * sizeof *tx->reply->acks);
    for (size_t i = 0; i < request->ack_count; ++i)
        if (rows[i] > 0)
            ack_note(tx, &request->acks[i], (unsigned)pg_int(result, rows[i] - 1, 1),
                     (unsigned)pg_int(result, rows[i] - 1, 2));
    return request->ack_count - (size_t)PQntuples(result);
}

/* The others, in a transaction that was begun: late ones, and members of workflows, batches and chains. */
static void acks_rest(struct tx *tx, const int *rows)
{
    const struct store_request *request = tx->request;
    for (size_t i = 0; i < request->ack_count && !tx->err; ++i)
        if (rows[i] == 0)
            tx->reply->acks[i] = tx_ack_one(tx, &request->acks[i]);
    tx_flow_settle(tx); /* what is released can be claimed at once */
}

/* Acknowledgements and a claim that counts, in one transaction. */
static void ack_ruled(struct tx *tx)
{
    struct pg_batch batch = {0};
    struct pg_error error = {0};
    tx_begin_pg(tx, false);
    if (!still_ruled(tx, tx->request->queue) && tx->err)
        return;
    if (tx->request->ack_count > 0) {
        acks_add(tx, &batch);
        PGresult *result = tx->err ? NULL : pg_query(&tx_pg(tx)->link, &error, batch.stmts[0]);
        tx_fail_pg(tx, &error);
        int *rows = tx->err ? NULL : rows_by_number(tx, result);
        if (rows && acks_take(tx, result, rows) > 0)
            acks_rest(tx, rows);
        PQclear(result);
    }
    tx_claim(tx);
}

/* The acknowledgements are committed, whatever becomes of the claim: without one the queue looks empty for now. */
static void claim_after_all(struct tx *tx)
{
    struct store_reply acked = *tx->reply;
    tx_begin_pg(tx, false);
    tx_claim(tx);
    tx_commit_pg(tx);
    if (!tx->err)
        return;
    pg_backend.rollback(tx);
    tx->err = 0;
    *tx->reply = acked;
}

static bool claim_of_batch(struct tx *tx, struct pg_batch *batch, const struct claiming *claiming)
{
    if (!tx->request->queue)
        return false;
    bool ruled = found_ruled(tx, batch);
    claimed_take(tx, batch, claiming);
    return ruled;
}

/* In one round trip what mostly is all there is; then the rest. Jobs that it releases wait for the next claim, if this one has
 * found others. */
static void ack_free(struct tx *tx)
{
    const struct store_request *request = tx->request;
    struct pg_batch batch = {0};
    struct claiming claiming = {0};
    bool acks = request->ack_count > 0;
    if (acks)
        acks_add(tx, &batch);
    if (request->queue)
        claiming = claim_batch_add(tx, &batch);
    if (!pg_batch_run(tx, &batch, !request->without_next))
        return;
    int *rows = acks ? rows_by_number(tx, batch.results[0]) : NULL;
    bool rest = acks && acks_take(tx, batch.results[0], rows) > 0;
    bool ruled = claim_of_batch(tx, &batch, &claiming);
    pg_batch_done(&batch);
    if (rest) {
        tx_begin_pg(tx, false);
        acks_rest(tx, rows);
        tx_commit_pg(tx);
    }
    bool again = rest && request->queue && tx->reply->job_count == 0;
    if (!tx->err && (ruled || again))
        claim_after_all(tx);
}

void pg_ack(struct tx *tx)
{
    const char *queue = tx->request->queue;
    if (queue && known_ruled(tx_pg(tx), queue))
        ack_ruled(tx);
    else
        ack_free(tx);
}
