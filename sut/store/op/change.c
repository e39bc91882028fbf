/* change.c: the arrows in the life of a job (job.h) after its insert. Each one is an UPDATE
 * that repeats its guard on the row it changes; a guard that fails changes nothing and is told to
 * the caller. */
#include "sut/store/sql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void note(struct tx *tx, enum change_kind kind, uint64_t id, uint64_t lease,
                 enum job_state state)
{
    if (tx_traced(tx))
        tx_note(tx, (struct change){
                        .kind = kind, .id = id, .lease = lease, .state = job_state_word(state)});
}

/* ---- by the clock ---- */

static int64_t ahead_ms(const struct tx *tx, int64_t time_ms)
{
    return time_ms > tx->now_ms ? time_ms - tx->now_ms : 0;
}

/* How far ahead the earliest time of all is. */
static void tell_next(struct tx *tx)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_NEXT);
    tx->reply->next_ms = -1;
    while (tx_step(tx, stmt))
        tx->reply->next_ms = ahead_ms(tx, tx_column_int(tx, stmt, 0));
}

/* A row that is due for something, and what becomes of it. */
struct due {
    uint64_t id, lease, flow;
    enum job_state state;
    unsigned crashes; /* EXPIRED: rescues in a row, with this one */
};

int64_t tx_crash_limit(const struct tx *tx)
{
    return tx->request->crash_limit ? tx->request->crash_limit : INT32_MAX;
}

static struct due *due_find(struct tx *tx, enum statement find, size_t *ret_count)
{
    struct due *rows = NULL;
    size_t count = 0, capacity = 0;
    bool stages = find == STATEMENT_DUE;
    struct tx_stmt *stmt = tx_statement(tx, find);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    if (stages)
        tx_bind_text(tx, stmt, 2, NULL); /* of all queues */
    else
        tx_bind_int(tx, stmt, 2, tx_crash_limit(tx));
    while (tx_step(tx, stmt)) {
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            rows = heap_realloc(tx->heap, rows, capacity * sizeof *rows);
        }
        rows[count] = (struct due){.id = (uint64_t)tx_column_int(tx, stmt, 0),
                                   .lease = (uint64_t)tx_column_int(tx, stmt, 1),
                                   .state = JOB_AVAILABLE};
        if (find == STATEMENT_EXPIRED) {
            rows[count].state = tx_column_state(tx, stmt, 2);
            rows[count].crashes = (unsigned)tx_column_int(tx, stmt, 3);
            rows[count].flow = (uint64_t)tx_column_int(tx, stmt, 4);
        }
        ++count;
    }
    *ret_count = count;
    return rows;
}

static void stage_due(struct tx *tx)
{
    size_t count;
    struct due *rows = due_find(tx, STATEMENT_DUE, &count);
    struct tx_stmt *stmt = count ? tx_statement(tx, STATEMENT_STAGE) : NULL;
    for (size_t i = 0; i < count && !tx->err; ++i) {
        tx_yield(tx, rows[i].id, rows[i].state);
        tx_bind_int(tx, stmt, 1, tx->now_ms);
        tx_bind_int(tx, stmt, 2, (int64_t)rows[i].id);
        if (tx_run(tx, stmt) == 0)
            continue;
        ++tx->reply->changed;
        note(tx, CHANGE_STAGE, rows[i].id, rows[i].lease, JOB_AVAILABLE);
    }
}

/* What each time takes down the process that runs it would go round for as long as it has attempts, and take others with it. */
static void rescue_text(const struct tx *tx, const struct due *row, char *text, size_t size)
{
    if (row->crashes < tx_crash_limit(tx))
        snprintf(text, size, "lease ran out");
    else
        snprintf(text, size, "lease ran out %u times in a row: no run of it comes to an end",
                 row->crashes);
}

static void rescue_note(struct tx *tx, const struct due *row)
{
    if (tx_traced(tx))
        tx_note(tx, (struct change){.kind = CHANGE_RESCUE,
                                    .id = row->id,
                                    .lease = row->lease,
                                    .state = job_state_word(row->state),
                                    .crashes = row->crashes,
                                    .crash_limit = tx->request->crash_limit});
}

static void rescue_expired(struct tx *tx)
{
    size_t count;
    char text[100];
    struct due *rows = due_find(tx, STATEMENT_EXPIRED, &count);
    struct tx_stmt *stmt = count ? tx_statement(tx, STATEMENT_RESCUE) : NULL;
    for (size_t i = 0; i < count && !tx->err; ++i) {
        tx_yield(tx, rows[i].id, rows[i].state);
        rescue_text(tx, &rows[i], text, sizeof text);
        tx_bind_int(tx, stmt, 1, tx->now_ms);
        tx_bind_int(tx, stmt, 2, (int64_t)rows[i].id);
        tx_bind_text(tx, stmt, 3, job_state_word(rows[i].state));
        tx_bind_text(tx, stmt, 4, text);
        if (tx_run(tx, stmt) == 0)
            continue;
        ++tx->reply->changed;
        rescue_note(tx, &rows[i]);
        tx_flow_note(tx, rows[i].flow, rows[i].id,
                     job_state_final(rows[i].state) ? FLOW_JOB_ENDED : FLOW_JOB_FAILED,
                     rows[i].state);
    }
    tx_flow_settle(tx);
}

/* What most answers need: four questions in one statement. */
struct look {
    bool ready; /* are there jobs to claim in any queue at all? */
    bool rules; /* is anything said of any queue? */
};

/* Tells how far ahead the earliest time of all is, and how often what runs was cancelled. */
static struct look look(struct tx *tx)
{
    struct look found = {0};
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_LOOK);
    tx->reply->next_ms = -1;
    while (tx_step(tx, stmt)) {
        int64_t next_ms = tx_column_int(tx, stmt, 0);
        tx->reply->next_ms = next_ms ? ahead_ms(tx, next_ms) : -1;
        tx->reply->cuts = (uint64_t)tx_column_int(tx, stmt, 3);
        found = (struct look){tx_column_int(tx, stmt, 1) != 0, tx_column_int(tx, stmt, 2) != 0};
    }
    return found;
}

static void tell_ready(struct tx *tx, struct look found)
{
    const struct store_request *request = tx->request;
    if (request->deadlines)
        tx->reply->deadline_ms = tx_deadline_ms(tx);
    tx->reply->ready = heap_alloc(tx->heap, request->queue_count * sizeof *tx->reply->ready);
    if (found.rules)
        tx_reply_rules(tx, true);
    if (!found.ready)
        return; /* as mostly, however many queues there are */
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_ANY);
    for (size_t i = 0; i < request->queue_count && !tx->err; ++i) {
        tx_bind_text(tx, stmt, 1, request->queues[i]);
        while (tx_step(tx, stmt))
            tx->reply->ready[i] = !tx_paused(tx, request->queues[i]);
    }
}

void tx_stage(struct tx *tx)
{
    stage_due(tx);
    tell_ready(tx, look(tx));
}

bool tx_stage_idle(struct tx *tx)
{
    struct look found = look(tx);
    if (tx->err || tx->reply->next_ms == 0)
        return false;
    tell_ready(tx, found);
    return true;
}

void tx_rescue(struct tx *tx)
{
    rescue_expired(tx);
    tell_next(tx);
}

/* ---- claim ---- */

/* How a job stands in the reply. */
static void taken(const struct tx *tx, struct job *job, const char *owner)
{
    job->state = JOB_EXECUTING;
    ++job->attempt;
    ++job->lease;
    job->attempted_ms = tx->now_ms;
    job->owner = owner;
}

/* Charges the attempt and raises the lease of a row as it was found. */
static void take(struct tx *tx, struct job *job, const char *owner)
{
    tx_yield(tx, job->id, JOB_EXECUTING);
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_CLAIM);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_int(tx, stmt, 2, (int64_t)job->id);
    tx_bind_text(tx, stmt, 3, owner);
    tx_bind_int(tx, stmt, 4, tx->request->lease_ms);
    if (tx_run(tx, stmt) != 1)
        tx_fail(tx, -EIO, "job %llu changed between two statements of one transaction",
                (unsigned long long)job->id);
}

/* Those that a claim may take as they are: they become available and are taken in one change. Who has no attempt left is
 * nobody's. */
static void add_due(struct tx *tx)
{
    struct store_reply *reply = tx->reply;
    size_t ready = reply->job_count, count = ready;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_DUE);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_text(tx, stmt, 2, tx->request->queue);
    tx_reply_jobs(tx, stmt);
    for (size_t i = ready; i < reply->job_count; ++i)
        if (reply->jobs[i].attempt < reply->jobs[i].max_attempts)
            reply->jobs[count++] = reply->jobs[i];
    if (count > ready)
        qsort(reply->jobs, count, sizeof *reply->jobs, tx_claim_order);
    reply->job_count = count < tx->request->limit ? count : tx->request->limit;
    for (size_t i = 0; i < reply->job_count; ++i) {
        const struct job *job = &reply->jobs[i];
        if (job->state == JOB_AVAILABLE)
            continue;
        ++reply->changed;
        note(tx, CHANGE_STAGE, job->id, job->lease, JOB_AVAILABLE);
    }
}

static void claim(struct tx *tx)
{
    const struct store_request *request = tx->request;
    struct store_reply *reply = tx->reply;
    if (request->lease_ms <= 0)
        tx_fail(tx, -EINVAL, "a lease must hold for more than 0 ms");
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_READY);
    tx_bind_text(tx, stmt, 2, request->queue);
    tx_bind_int(tx, stmt, 3, request->limit < INT64_MAX ? (int64_t)request->limit : INT64_MAX);
    tx_reply_jobs(tx, stmt);
    struct store_queue rule;
    bool ruled = (reply->job_count || request->stage) && tx_rule(tx, request->queue, &rule);
    if (ruled)
        tx_find_ruled(tx, &rule);
    else if (request->stage)
        add_due(tx);
    const char *owner = heap_strdup(tx->heap, request->owner ? request->owner : "");
    bool many = tx_take_many(tx, owner);
    for (size_t i = 0; i < reply->job_count && !tx->err; ++i) {
        if (!many)
            take(tx, &reply->jobs[i], owner);
        taken(tx, &reply->jobs[i], owner);
    }
    if (ruled)
        tx_claimed_ruled(tx, &rule);
}

void tx_claim(struct tx *tx)
{
    if (!tx->request->queue)
        tx_fail(tx, -EINVAL, "a claim needs a queue");
    claim(tx);
    if (!tx->request->without_next)
        tell_next(tx);
}

/* ---- ack ---- */

/* A row as an acknowledgement finds it. */
struct peek {
    bool found;
    enum job_state state;
    uint64_t lease, acked, flow;
};

static struct peek peek(struct tx *tx, uint64_t id)
{
    struct peek row = {0};
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_PEEK);
    tx_bind_int(tx, stmt, 1, (int64_t)id);
    while (tx_step(tx, stmt))
        row = (struct peek){
            .found = true,
            .state = tx_column_state(tx, stmt, 0),
            .lease = (uint64_t)tx_column_int(tx, stmt, 1),
            .acked = (uint64_t)tx_column_int(tx, stmt, 2),
            .flow = (uint64_t)tx_column_int(tx, stmt, 3),
        };
    return row;
}

int64_t ack_delay_ms(const struct store_ack *ack)
{
    if (ack->state != JOB_RETRYABLE && ack->state != JOB_SCHEDULED)
        return 0;
    int64_t least = ack->delay_ms > 0 ? ack->delay_ms : 0;
    return least < JOB_DELAY_MAX_MS ? least : JOB_DELAY_MAX_MS;
}

static void ack_note(struct tx *tx, const struct store_ack *ack)
{
    unsigned attempt = 0, max_attempts = 0;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_ATTEMPTS);
    tx_bind_int(tx, stmt, 1, (int64_t)ack->id);
    while (tx_step(tx, stmt)) {
        attempt = (unsigned)tx_column_int(tx, stmt, 0);
        max_attempts = (unsigned)tx_column_int(tx, stmt, 1);
    }
    tx_note(tx, (struct change){
                    .kind = CHANGE_FINISH,
                    .id = ack->id,
                    .lease = ack->lease,
                    .state = job_state_word(ack->state),
                    .attempt = attempt + (ack->state == JOB_SCHEDULED), /* as it ran */
                    .max_attempts = max_attempts,
                    .delay_ms = ack_delay_ms(ack),
                });
}

static enum store_ack_result ack_refused(struct tx *tx, const struct store_ack *ack,
                                         const struct peek *row)
{
    if (row->found && row->acked == ack->lease && ack->lease > 0)
        return ACK_REPEATED;
    if (tx_traced(tx))
        tx_note(tx, (struct change){.kind = CHANGE_STALE,
                                    .id = ack->id,
                                    .lease = ack->lease,
                                    .state = row->found ? job_state_word(row->state) : "missing"});
    return ACK_STALE;
}

/* `member`: also of a job that is in a flow. */
static bool ack_apply(struct tx *tx, const struct store_ack *ack, bool member)
{
    bool final = job_state_final(ack->state);
    tx_yield(tx, ack->id, ack->state);
    bool plain =
        final && !ack->error && !ack->result && !member; /* what most are: fewer columns change */
    enum statement run = member ? STATEMENT_ACK_MEMBER : STATEMENT_ACK;
    struct tx_stmt *stmt = tx_statement(tx, plain ? STATEMENT_FINISH : run);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_int(tx, stmt, 2, (int64_t)ack->id);
    tx_bind_int(tx, stmt, 3, (int64_t)ack->lease);
    tx_bind_text(tx, stmt, 4, job_state_word(ack->state));
    if (plain)
        return tx_run(tx, stmt) > 0;
    if (final)
        tx_bind_null(tx, stmt, 5); /* scheduled_ms stays */
    else
        tx_bind_int(tx, stmt, 5, tx->now_ms + ack_delay_ms(ack));
    tx_bind_int(tx, stmt, 6, final ? tx->now_ms : 0);
    tx_bind_int(tx, stmt, 7, ack->state == JOB_SCHEDULED); /* a snooze gives its attempt back */
    tx_bind_text(tx, stmt, 8, ack->error);
    tx_bind_text(tx, stmt, 9, ack->state == JOB_COMPLETED ? ack->result : NULL);
    return tx_run(tx, stmt) > 0;
}

/* A snooze is no end, and no failure either. */
static void ack_of_member(struct tx *tx, const struct store_ack *ack, uint64_t flow)
{
    if (job_state_final(ack->state))
        tx_flow_note(tx, flow, ack->id, FLOW_JOB_ENDED, ack->state);
    else if (ack->state == JOB_RETRYABLE)
        tx_flow_note(tx, flow, ack->id, FLOW_JOB_FAILED, ack->state);
}

bool tx_ack_possible(struct tx *tx, const struct store_ack *ack)
{
    if (ack->state != JOB_AVAILABLE && job_state_may(JOB_EXECUTING, ack->state))
        return true;
    tx_fail(tx, -EINVAL, "a run of a job cannot end as %s", job_state_word(ack->state));
    return false;
}

static enum store_ack_result ack_done(struct tx *tx, const struct store_ack *ack)
{
    if (tx_traced(tx))
        ack_note(tx, ack);
    return ACK_APPLIED;
}

enum store_ack_result tx_ack_one(struct tx *tx, const struct store_ack *ack)
{
    if (!tx_ack_possible(tx, ack))
        return ACK_STALE;
    if (!ack_apply(tx, ack, false)) {
        struct peek row = peek(tx, ack->id);
        if (!row.flow || !ack_apply(tx, ack, true))
            return ack_refused(tx, ack, &row);
        ack_of_member(tx, ack, row.flow);
    }
    return ack_done(tx, ack);
}

void tx_ack(struct tx *tx)
{
    const struct store_request *request = tx->request;
    tx->reply->acks = heap_alloc(tx->heap, request->ack_count * sizeof *tx->reply->acks);
    const bool *done = tx_finish_many(tx);
    for (size_t i = 0; i < request->ack_count && !tx->err; ++i)
        tx->reply->acks[i] =
            done && done[i] ? ack_done(tx, &request->acks[i]) : tx_ack_one(tx, &request->acks[i]);
    tx_flow_settle(tx); /* what is released can be claimed at once */
    if (request->queue)
        claim(tx);
    if (!request->without_next)
        tell_next(tx);
}

void tx_heartbeat(struct tx *tx)
{
    const struct store_request *request = tx->request;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_HEARTBEAT);
    tx->reply->renewed = heap_alloc(tx->heap, request->lease_count * sizeof *tx->reply->renewed);
    for (size_t i = 0; i < request->lease_count && !tx->err; ++i) {
        tx_bind_int(tx, stmt, 1, tx->now_ms);
        tx_bind_int(tx, stmt, 2, (int64_t)request->leases[i].id);
        tx_bind_int(tx, stmt, 3, (int64_t)request->leases[i].lease);
        tx_bind_int(tx, stmt, 4, request->lease_ms);
        tx->reply->renewed[i] = tx_run(tx, stmt) > 0;
    }
}

/* ---- by hand ---- */

/* Which flow the job is in, 0 if in none, and its state. */
static uint64_t flow_read(struct tx *tx, uint64_t id, enum job_state *ret_state)
{
    uint64_t flow = 0;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_JOB_FLOW);
    *ret_state = JOB_STATE_COUNT;
    tx_bind_int(tx, stmt, 1, (int64_t)id);
    while (tx_step(tx, stmt)) {
        flow = (uint64_t)tx_column_int(tx, stmt, 0);
        *ret_state = tx_column_state(tx, stmt, 1);
    }
    return flow;
}

uint64_t tx_flow_of(struct tx *tx, uint64_t id, enum job_state *ret_state)
{
    struct store_flow locked;
    uint64_t flow = flow_read(tx, id, ret_state);
    if (flow && *ret_state != JOB_EXECUTING && tx_flow_lock(tx, flow, &locked))
        flow = flow_read(tx, id, ret_state);
    return flow;
}

static bool change_by_hand(struct tx *tx, enum statement statement, uint64_t id,
                           enum change_kind kind, enum job_state state)
{
    tx_yield(tx, id, state);
    struct tx_stmt *stmt = tx_statement(tx, statement);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_int(tx, stmt, 2, (int64_t)id);
    if (statement == STATEMENT_RETRY)
        tx_bind_text(tx, stmt, 3, job_state_word(state));
    if (tx_run(tx, stmt) == 0)
        return false;
    ++tx->reply->changed;
    note(tx, kind, id, 0, state);
    return true;
}

static void retry(struct tx *tx, uint64_t id)
{
    enum job_state state, to = JOB_AVAILABLE;
    uint64_t flow = tx_flow_of(tx, id, &state);
    if (flow)
        to = tx_flow_retry(tx, flow, id, state);
    if (to == JOB_STATE_COUNT || !change_by_hand(tx, STATEMENT_RETRY, id, CHANGE_RETRY, to))
        return;
    if (job_state_final(state))
        tx_flow_note(tx, flow, id, FLOW_JOB_REVIVED, to);
}

void tx_retry(struct tx *tx)
{
    struct id_set rest = tx_hand_many(tx, STATEMENT_RETRY_MANY, CHANGE_RETRY);
    for (size_t i = 0; i < rest.count && !tx->err; ++i) {
        retry(tx, rest.ids[i]);
        tx_flow_settle(tx); /* the next one may be of the same flow */
    }
}

static void cancel(struct tx *tx, uint64_t id)
{
    enum job_state state;
    uint64_t flow = tx_flow_of(tx, id, &state);
    if (change_by_hand(tx, STATEMENT_CANCEL, id, CHANGE_CANCEL, JOB_CANCELLED))
        tx_flow_note(tx, flow, id, FLOW_JOB_ENDED, JOB_CANCELLED);
}

/* The last first: none is released by the end of another. */
static void cancel_flow(struct tx *tx, uint64_t flow)
{
    struct store_flow locked;
    size_t count = 0, capacity = 0;
    uint64_t *ids = NULL;
    if (!tx_flow_lock(tx, flow, &locked))
        return;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_FLOW_OPEN);
    tx_bind_int(tx, stmt, 1, (int64_t)flow);
    while (tx_step(tx, stmt)) {
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            ids = heap_realloc(tx->heap, ids, capacity * sizeof *ids);
        }
        ids[count++] = (uint64_t)tx_column_int(tx, stmt, 0);
    }
    for (size_t i = 0; i < count && !tx->err; ++i)
        cancel(tx, ids[i]);
}

void tx_cancel(struct tx *tx)
{
    struct id_set rest = tx_hand_many(tx, STATEMENT_CANCEL_MANY, CHANGE_CANCEL);
    for (size_t i = 0; i < rest.count && !tx->err; ++i)
        cancel(tx, rest.ids[i]);
    if (tx->request->flow)
        cancel_flow(tx, tx->request->flow);
}
