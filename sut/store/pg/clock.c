/* clock.c: what the clock decides: leases that are renewed or run out, jobs that fall due. Rows that somebody else is
 * changing are left out: they are his, and the next round sees what became of them. */
#include "sut/store/pg/internal.h"

#define LATE "wake_ms>0 AND wake_ms<=greatest(:now,?1)"
#define SOME "ORDER BY wake_ms LIMIT " STAGE_LIMIT " FOR UPDATE SKIP LOCKED"

/* Of the indexes that a look walks along. */
#define PAGES PG_PAGES_OF("?2") "+" PG_PAGES_OF("?3")
enum { PAGES_SHORT = 64, PAGES_PER_ROW = 16 };

#define HEARTBEAT                                                                                  \
    "UPDATE duress_jobs AS j SET wake_ms=n.ms+?2 FROM " PG_NOW                                     \
    ",unnest(?3::bigint[],?4::bigint[])WITH ORDINALITY AS h(job,token,number)"                     \
    "WHERE j.id=h.job AND j.lease=h.token AND j.state='executing'RETURNING number"

#define STAGE                                                                                      \
    "WITH due AS MATERIALIZED(SELECT id AS job FROM duress_jobs WHERE " LATE                       \
    " AND state IN('scheduled','retryable')" SOME ")"                                              \
    "UPDATE duress_jobs AS j SET state='available',wake_ms=0 FROM due "                            \
    "WHERE j.id=due.job AND j.state IN('scheduled','retryable')RETURNING id"

/* LIMIT, not EXISTS: that may be planned as a hash of all queues that have jobs, for which all available jobs are read. */
#define READY                                                                                      \
    "SELECT(SELECT 1 FROM duress_jobs AS j WHERE j.wake_ms=0 AND j.queue=q.name AND " IS_READY     \
    " LIMIT 1)IS NOT NULL FROM(SELECT ?1)AS unused,"                                               \
    "unnest(?2::text[])WITH ORDINALITY AS q(name,number)ORDER BY number"

/* The new value of crashes is the old one plus 1; ?2 of them in a row are too many. */
#define AGAIN "attempt<max_attempts AND crashes+1<?2"
#define RESCUE                                                                                     \
    "WITH lost AS MATERIALIZED(SELECT id AS job FROM duress_jobs WHERE " LATE                      \
    " AND state='executing'AND flow IS NULL " SOME ")"                                             \
    "UPDATE duress_jobs AS j SET state=CASE WHEN " AGAIN " THEN'available'ELSE'discarded'END,"     \
    "finished_ms=CASE WHEN " AGAIN " THEN 0 ELSE n.ms END,"                                        \
    "wake_ms=CASE WHEN " AGAIN " THEN 0 END,crashes=crashes+1,"                                    \
    "errors=" PG_ERRORS_PLUS(                                                                      \
        "errors", "n.ms", "attempt",                                                               \
        "CASE WHEN crashes+1<?2 THEN'lease ran out'ELSE'lease ran out '||"                         \
        "crashes+1||' times in a row: no run of it comes to an end'END") " FROM lost," PG_NOW      \
                                                                         "WHERE j.id=lost.job "    \
                                                                         "AND "                    \
                                                                         "j.state='executing'AND " \
                                                                         "j.wake_ms<=n.ms "        \
                                                                         "RETURNING "              \
                                                                         "id,lease,state,crashes"

/* Members of workflows, batches and chains are left to op/change.c: their end has consequences. */
#define LOST_MEMBERS                                                                               \
    "SELECT EXISTS(SELECT FROM duress_jobs WHERE " LATE                                            \
    " AND state='executing'AND flow IS NOT NULL)"

void pg_heartbeat(struct tx *tx)
{
    const struct store_request *request = tx->request;
    struct pg_batch batch = {0};
    size_t count = request->lease_count;
    int64_t *ids = heap_alloc(tx->heap, 2 * count * sizeof *ids), *leases = ids + count;
    for (size_t i = 0; i < count; ++i) {
        ids[i] = (int64_t)request->leases[i].id;
        leases[i] = (int64_t)request->leases[i].lease;
    }
    struct tx_stmt *stmt = pg_batch_add(tx, &batch, PG_HEARTBEAT, HEARTBEAT);
    pg_set_int(&stmt->params, 2, request->lease_ms);
    pg_set_ints(&stmt->params, 3, tx->heap, ids, count);
    pg_set_ints(&stmt->params, 4, tx->heap, leases, count);
    if (!pg_batch_run(tx, &batch, false))
        return;
    tx->reply->renewed = heap_alloc(tx->heap, count * sizeof *tx->reply->renewed);
    for (int row = 0; row < PQntuples(batch.results[0]); ++row)
        tx->reply->renewed[pg_int(batch.results[0], row, 0) - 1] = true;
    pg_batch_done(&batch);
}

static void staged_take(struct tx *tx, const PGresult *result)
{
    tx->reply->changed = (size_t)PQntuples(result);
    for (int row = 0; row < PQntuples(result) && tx_traced(tx); ++row)
        tx_note(tx, (struct change){.kind = CHANGE_STAGE, .id = (uint64_t)pg_int(result, row, 0)});
}

static struct tx_stmt *pages_bind(struct tx *tx, struct tx_stmt *stmt)
{
    pg_set_text(&stmt->params, 2, pg_available_index(tx_pg(tx)));
    pg_set_text(&stmt->params, 3, pg_wake_index(tx_pg(tx)));
    return stmt;
}

static void cuts_add(struct tx *tx, struct pg_batch *batch)
{
    pages_bind(tx, pg_batch_add(tx, batch, PG_CUTS,
                                "SELECT coalesce(max(count),0)," PAGES
                                " FROM duress_signals WHERE name='cuts'"));
}

/* `found`: a row for each queue that was asked for; NULL: each may have some. */
static void ready_take(struct tx *tx, const PGresult *found)
{
    const struct store_request *request = tx->request;
    tx->reply->ready = heap_alloc(tx->heap, request->queue_count * sizeof *tx->reply->ready);
    tx_reply_rules(tx, true);
    if (request->deadlines)
        tx->reply->deadline_ms = tx_deadline_ms(tx);
    for (int i = 0; i < (int)request->queue_count; ++i)
        tx->reply->ready[i] =
            (!found || pg_int(found, i, 0) != 0) && !tx_paused(tx, request->queues[i]);
}

/* Nothing becomes available, and nobody knows when something is due. */
static void stage_briefly(struct tx *tx)
{
    struct pg_batch batch = {0};
    cuts_add(tx, &batch);
    if (!pg_batch_run(tx, &batch, false))
        return;
    tx->reply->cuts = (uint64_t)pg_int(batch.results[0], 0, 0);
    pg_batch_done(&batch);
    ready_take(tx, NULL);
}

/* Rows that become available are entries of an index, too. */
static bool walked_far(const struct tx *tx, int64_t pages)
{
    return pages > PAGES_SHORT + PAGES_PER_ROW * (int64_t)tx->reply->changed;
}

void pg_stage(struct tx *tx)
{
    const struct store_request *request = tx->request;
    struct pg_store *store = tx_pg(tx);
    struct pg_batch batch = {0};
    int64_t begin_ns = pg_now_ns();
    if (begin_ns < store->brief_ns) {
        stage_briefly(tx);
        return;
    }
    pages_bind(tx, pg_batch_add(tx, &batch, PG_PAGES_BOTH, "SELECT " PAGES "FROM(SELECT ?1)AS n"));
    pg_batch_add(tx, &batch, PG_STAGE, STAGE);
    struct tx_stmt *stmt = pg_batch_add(tx, &batch, PG_READY, READY);
    pg_set_texts(&stmt->params, 2, tx->heap, request->queues, request->queue_count);
    cuts_add(tx, &batch);
    if (!pg_batch_run(tx, &batch, true))
        return;
    tx->reply->cuts = (uint64_t)pg_int(batch.results[3], 0, 0);
    staged_take(tx, batch.results[1]);
    ready_take(tx, batch.results[2]);
    if (walked_far(tx, pg_int(batch.results[3], 0, 1) - pg_int(batch.results[0], 0, 0)))
        store->brief_ns = pg_now_ns() + pg_walk_rest(pg_now_ns() - begin_ns);
    pg_batch_done(&batch);
}

static void rescued_take(struct tx *tx, const PGresult *result)
{
    tx->reply->changed = (size_t)PQntuples(result);
    for (int row = 0; row < PQntuples(result) && tx_traced(tx); ++row)
        tx_note(tx, (struct change){.kind = CHANGE_RESCUE,
                                    .id = (uint64_t)pg_int(result, row, 0),
                                    .lease = (uint64_t)pg_int(result, row, 1),
                                    .state = heap_strdup(tx->heap, pg_text(result, row, 2)),
                                    .crashes = (unsigned)pg_int(result, row, 3),
                                    .crash_limit = tx->request->crash_limit});
}

void pg_rescue(struct tx *tx)
{
    struct pg_batch batch = {0};
    struct tx_stmt *stmt = pg_batch_add(tx, &batch, PG_RESCUE, RESCUE);
    pg_set_int(&stmt->params, 2, tx_crash_limit(tx));
    pg_batch_add(tx, &batch, PG_LOST_MEMBERS, LOST_MEMBERS);
    if (!pg_batch_run(tx, &batch, true))
        return;
    rescued_take(tx, batch.results[0]);
    bool members = pg_int(batch.results[1], 0, 0) != 0;
    pg_batch_done(&batch);
    if (!members)
        return;
    tx_begin_pg(tx, false);
    tx_rescue(tx);
}
