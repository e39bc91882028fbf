/* flow.c: what follows when a job of a flow ends. All of it happens in the transaction that ends the job:
 *
 *     the job ended, or failed, is retried, is deleted        tx_flow_note(), by the operation that does it
 *       |
 *     the flow is locked: its row                             tx_flow_settle(), flows in the order of their ids
 *       |
 *     workflow: each edge from it ends, holds, or cancels its child, which then ended, too
 *     chain:    the next one in line is released, unless this one holds it up
 *     batch:    what has become true is called back
 *       |
 *     the row of the flow is written
 *
 * The lock is what makes it exact: two jobs of a flow that end at the same moment, in two transactions, take turns here,
 * and the second one sees all that the first one did. */
#include "sut/store/sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct member {
    bool found, tried, turn;
    enum job_state ended; /* as it is counted in the flow; JOB_STATE_COUNT: it is not */
    uint64_t waits;
};

struct settling {
    struct tx *tx;
    struct store_flow flow;
    struct flow_change *changes; /* grows: what is cancelled because of another has ended, too */
    size_t count, capacity;
    bool failed; /* a job did, and will be tried again */
};

static struct flow_change *changes_add(struct tx *tx, struct flow_change *changes, size_t *count,
                                       size_t *capacity, struct flow_change change)
{
    if (*count == *capacity) {
        *capacity = *capacity ? 2 * *capacity : 16;
        changes = heap_realloc(tx->heap, changes, *capacity * sizeof *changes);
    }
    changes[(*count)++] = change;
    return changes;
}

void tx_flow_note(struct tx *tx, uint64_t flow, uint64_t job, enum flow_what what,
                  enum job_state state)
{
    if (flow)
        tx->flow_changes = changes_add(
            tx, tx->flow_changes, &tx->flow_count, &tx->flow_capacity,
            (struct flow_change){.flow = flow, .job = job, .what = what, .state = state});
}

/* ---- rows ---- */

static enum flow_reaction column_reaction(struct tx *tx, struct tx_stmt *stmt, int column)
{
    enum flow_reaction reaction;
    return flow_reaction_by_word(tx_column_text(tx, stmt, column), &reaction) ? reaction
                                                                              : FLOW_DEFAULT;
}

static struct flow_policy column_policy(struct tx *tx, struct tx_stmt *stmt, int column)
{
    return (struct flow_policy){
        .on_cancelled = column_reaction(tx, stmt, column),
        .on_discarded = column_reaction(tx, stmt, column + 1),
        .on_deleted = column_reaction(tx, stmt, column + 2),
    };
}

static uint64_t column_u64(struct tx *tx, struct tx_stmt *stmt, int column)
{
    return (uint64_t)tx_column_int(tx, stmt, column);
}

struct store_flow tx_flow_row(struct tx *tx, struct tx_stmt *stmt)
{
    struct store_flow flow = {
        .id = column_u64(tx, stmt, 0),
        .name = heap_strdup(tx->heap, tx_column_text(tx, stmt, 2)),
        .policy = column_policy(tx, stmt, 3),
        .closed = tx_column_int(tx, stmt, 6) != 0,
        .active = column_u64(tx, stmt, 7),
        .jobs = column_u64(tx, stmt, 8),
        .tried = column_u64(tx, stmt, 9),
        .completed = column_u64(tx, stmt, 10),
        .cancelled = column_u64(tx, stmt, 11),
        .discarded = column_u64(tx, stmt, 12),
        .inserted_ms = tx_column_int(tx, stmt, 13),
        .finished_ms = tx_column_int(tx, stmt, 14),
    };
    if (!flow.name)
        flow.name = "";
    flow_kind_by_word(tx_column_text(tx, stmt, 1), &flow.kind);
    return flow;
}

bool tx_flow_lock(struct tx *tx, uint64_t flow, struct store_flow *ret_flow)
{
    bool found = false;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_FLOW_LOCK);
    tx_bind_int(tx, stmt, 1, (int64_t)flow);
    while (tx_step(tx, stmt)) {
        *ret_flow = tx_flow_row(tx, stmt);
        found = true;
    }
    return found && !tx->err;
}

static void flow_write(struct tx *tx, const struct store_flow *flow)
{
    const uint64_t values[] = {flow->id,        flow->closed,    flow->active,
                               flow->jobs,      flow->tried,     flow->completed,
                               flow->cancelled, flow->discarded, (uint64_t)flow->finished_ms};
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_FLOW_SET);
    for (int i = 0; i < (int)(sizeof values / sizeof *values); ++i)
        tx_bind_int(tx, stmt, i + 1, (int64_t)values[i]);
    tx_run(tx, stmt);
}

static struct member member_find(struct tx *tx, uint64_t job)
{
    struct member member = {.ended = JOB_STATE_COUNT};
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_MEMBER);
    tx_bind_int(tx, stmt, 1, (int64_t)job);
    while (tx_step(tx, stmt)) {
        member.found = true;
        member.tried = tx_column_int(tx, stmt, 0) != 0;
        member.turn = tx_column_int(tx, stmt, 1) != 0;
        member.ended = tx_column_state(tx, stmt, 2); /* "" is no state */
        member.waits = column_u64(tx, stmt, 3);
    }
    return member;
}

static void member_write(struct tx *tx, uint64_t job, const struct member *member)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_MEMBER_SET);
    bool ended = member->ended < JOB_STATE_COUNT;
    tx_bind_int(tx, stmt, 1, (int64_t)job);
    tx_bind_int(tx, stmt, 2, member->tried);
    tx_bind_int(tx, stmt, 3, member->turn);
    tx_bind_text(tx, stmt, 4, ended ? job_state_word(member->ended) : "");
    tx_run(tx, stmt);
}

/* One row of something, by one number or two. */
static size_t run_by(struct tx *tx, enum statement statement, uint64_t first, uint64_t second)
{
    struct tx_stmt *stmt = tx_statement(tx, statement);
    tx_bind_int(tx, stmt, 1, (int64_t)first);
    if (second)
        tx_bind_int(tx, stmt, 2, (int64_t)second);
    return tx_run(tx, stmt);
}

/* ---- jobs that wait ---- */

static void wake(struct tx *tx, const char *queue)
{
    struct store_reply *reply = tx->reply;
    for (size_t i = 0; i < reply->woken_count; ++i)
        if (strcmp(reply->woken[i], queue) == 0)
            return;
    if (reply->woken_count == tx->woken_capacity) {
        tx->woken_capacity = tx->woken_capacity ? 2 * tx->woken_capacity : 4;
        reply->woken =
            heap_realloc(tx->heap, reply->woken, tx->woken_capacity * sizeof *reply->woken);
    }
    reply->woken[reply->woken_count++] = heap_strdup(tx->heap, queue);
}

/* False: it is not suspended. */
static bool job_release(struct tx *tx, const struct store_flow *flow, uint64_t job)
{
    bool released = false;
    tx_yield(tx, job, JOB_AVAILABLE);
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_FLOW_RELEASE);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_int(tx, stmt, 2, (int64_t)job);
    while (tx_step(tx, stmt)) {
        enum job_state state = tx_column_state(tx, stmt, 0);
        released = true;
        if (state == JOB_AVAILABLE)
            wake(tx, tx_column_text(tx, stmt, 1));
        if (tx_traced(tx))
            tx_note(tx, (struct change){.kind = CHANGE_FLOW_RELEASE,
                                        .id = job,
                                        .flow = flow->id,
                                        .state = job_state_word(state)});
    }
    return released;
}

static void job_cascade(struct settling *settling, uint64_t job, uint64_t parent, const char *how)
{
    struct tx *tx = settling->tx;
    char text[80];
    snprintf(text, sizeof text, "job %" PRIu64 ", which it waited for, was %s", parent, how);
    tx_yield(tx, job, JOB_CANCELLED);
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_CASCADE);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_int(tx, stmt, 2, (int64_t)job);
    tx_bind_text(tx, stmt, 3, text);
    if (tx_run(tx, stmt) == 0)
        return;
    if (tx_traced(tx))
        tx_note(tx, (struct change){
                        .kind = CHANGE_CANCEL, .id = job, .state = job_state_word(JOB_CANCELLED)});
    settling->changes = changes_add(
        tx, settling->changes, &settling->count, &settling->capacity,
        (struct flow_change){.job = job, .what = FLOW_JOB_ENDED, .state = JOB_CANCELLED});
}

/* ---- workflows ---- */

/* What a policy says to an end; JOB_STATE_COUNT: it was deleted. */
static enum flow_reaction reaction_to(const struct flow_policy *policy, enum job_state state)
{
    switch (state) {
    case JOB_COMPLETED: return FLOW_RUN;
    case JOB_CANCELLED: return policy->on_cancelled;
    case JOB_DISCARDED: return policy->on_discarded;
    default: return policy->on_deleted;
    }
}

struct edge {
    uint64_t child;
    enum flow_reaction reaction;
};

static struct edge *edges_find(struct settling *settling, uint64_t parent, enum job_state state,
                               size_t *ret_count)
{
    struct tx *tx = settling->tx;
    struct edge *edges = NULL;
    size_t count = 0, capacity = 0;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_EDGES_OF);
    tx_bind_int(tx, stmt, 1, (int64_t)parent);
    while (tx_step(tx, stmt)) {
        struct flow_policy policy = column_policy(tx, stmt, 1);
        enum flow_reaction reaction = reaction_to(&policy, state);
        if (reaction == FLOW_DEFAULT)
            reaction = reaction_to(&settling->flow.policy, state);
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            edges = heap_realloc(tx->heap, edges, capacity * sizeof *edges);
        }
        edges[count++] = (struct edge){column_u64(tx, stmt, 0), reaction};
    }
    *ret_count = count;
    return edges;
}

static void edge_end(struct settling *settling, uint64_t parent, uint64_t child)
{
    struct tx *tx = settling->tx;
    uint64_t left = 1;
    if (run_by(tx, STATEMENT_EDGE_END, parent, child) == 0)
        return; /* it had ended before */
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_MEMBER_WAITS);
    tx_bind_int(tx, stmt, 1, (int64_t)child);
    while (tx_step(tx, stmt))
        left = column_u64(tx, stmt, 0);
    if (left == 0)
        job_release(tx, &settling->flow, child);
}

static void parent_over(struct settling *settling, uint64_t parent, enum job_state state)
{
    size_t count;
    struct edge *edges = edges_find(settling, parent, state, &count);
    const char *how = state < JOB_STATE_COUNT ? job_state_word(state) : "deleted";
    for (size_t i = 0; i < count && !settling->tx->err; ++i) {
        if (edges[i].reaction == FLOW_RUN)
            edge_end(settling, parent, edges[i].child);
        else if (edges[i].reaction != FLOW_HOLD)
            job_cascade(settling, edges[i].child, parent, how);
    }
}

/* ---- chains ---- */

static bool turn_next(struct tx *tx, uint64_t flow, uint64_t *ret_job, bool *ret_holds)
{
    bool found = false;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_TURN);
    tx_bind_int(tx, stmt, 1, (int64_t)flow);
    while (tx_step(tx, stmt)) {
        found = true;
        *ret_job = column_u64(tx, stmt, 0);
        *ret_holds = tx_column_state(tx, stmt, 1) < JOB_STATE_COUNT;
    }
    return found && !tx->err;
}

/* Is it under way? Then somebody made it so by hand, and it keeps its turn. */
static bool job_open(struct tx *tx, uint64_t job)
{
    bool open = false;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_JOB_FLOW);
    tx_bind_int(tx, stmt, 1, (int64_t)job);
    while (tx_step(tx, stmt))
        open = !job_state_final(tx_column_state(tx, stmt, 1));
    return open;
}

static void chain_go_on(struct tx *tx, struct store_flow *flow)
{
    uint64_t job = 0;
    bool holds = false;
    if (flow->active && member_find(tx, flow->active).turn)
        return;
    flow->active = 0;
    while (turn_next(tx, flow->id, &job, &holds)) {
        if (holds || job_release(tx, flow, job) || job_open(tx, job)) {
            flow->active = job;
            return;
        }
        struct member member = member_find(tx, job); /* its row is gone, past us */
        member.turn = false;
        member_write(tx, job, &member);
    }
}

/* ---- batches ---- */

static bool event_true(const struct store_flow *flow, enum flow_event event, bool failed)
{
    uint64_t ended = flow->completed + flow->cancelled + flow->discarded;
    switch (event) {
    case FLOW_EVENT_ATTEMPTED: return flow->closed && flow->tried == flow->jobs;
    case FLOW_EVENT_COMPLETED: return flow->closed && flow->completed == flow->jobs;
    case FLOW_EVENT_EXHAUSTED: return flow->closed && ended == flow->jobs;
    case FLOW_EVENT_CANCELLED: return flow->cancelled > 0;
    case FLOW_EVENT_DISCARDED: return flow->discarded > 0;
    case FLOW_EVENT_RETRYABLE: return failed;
    default: return false;
    }
}

static void call_back(struct tx *tx, const struct store_flow *flow, enum flow_event event)
{
    uint64_t job = 0;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_CALLBACK_JOB);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_int(tx, stmt, 2, (int64_t)flow->id);
    tx_bind_text(tx, stmt, 3, flow_event_word(event));
    while (tx_step(tx, stmt)) {
        job = column_u64(tx, stmt, 0);
        wake(tx, tx_column_text(tx, stmt, 1));
    }
    stmt = tx_statement(tx, STATEMENT_CALLBACK_DONE);
    tx_bind_int(tx, stmt, 1, (int64_t)flow->id);
    tx_bind_text(tx, stmt, 2, flow_event_word(event));
    tx_bind_int(tx, stmt, 3, (int64_t)job);
    tx_run(tx, stmt);
    if (tx_traced(tx))
        tx_note(tx, (struct change){.kind = CHANGE_CALLBACK,
                                    .id = job,
                                    .flow = flow->id,
                                    .state = flow_event_word(event)});
}

static void batch_go_on(struct tx *tx, const struct store_flow *flow, bool failed)
{
    bool wanted[FLOW_EVENT_COUNT] = {false};
    enum flow_event event;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_CALLBACKS);
    tx_bind_int(tx, stmt, 1, (int64_t)flow->id);
    while (tx_step(tx, stmt))
        if (flow_event_by_word(tx_column_text(tx, stmt, 0), &event))
            wanted[event] = tx_column_int(tx, stmt, 1) == 0;
    for (event = 0; event < FLOW_EVENT_COUNT && !tx->err; ++event)
        if (wanted[event] && event_true(flow, event, failed))
            call_back(tx, flow, event);
}

/* ---- the whole ---- */

void tx_flow_go_on(struct tx *tx, struct store_flow *flow, bool failed)
{
    uint64_t ended = flow->completed + flow->cancelled + flow->discarded;
    if (!flow->closed || ended < flow->jobs)
        flow->finished_ms = 0;
    else if (!flow->finished_ms)
        flow->finished_ms = tx->now_ms;
    if (flow->kind == FLOW_CHAIN)
        chain_go_on(tx, flow);
    if (flow->kind == FLOW_BATCH)
        batch_go_on(tx, flow, failed);
    flow_write(tx, flow);
}

static void member_count(struct store_flow *flow, const struct member *member, int by)
{
    flow->jobs += (uint64_t)by;
    flow->tried += member->tried ? (uint64_t)by : 0;
    if (member->ended == JOB_COMPLETED)
        flow->completed += (uint64_t)by;
    if (member->ended == JOB_CANCELLED)
        flow->cancelled += (uint64_t)by;
    if (member->ended == JOB_DISCARDED)
        flow->discarded += (uint64_t)by;
}

static void member_gone(struct settling *settling, uint64_t job)
{
    parent_over(settling, job, JOB_STATE_COUNT);
    run_by(settling->tx, STATEMENT_EDGES_DROP, job, 0);
    run_by(settling->tx, STATEMENT_MEMBER_DROP, job, 0);
}

static void member_ended(struct settling *settling, uint64_t job, struct member *member,
                         enum job_state state)
{
    member->tried = true;
    member->ended = state;
    if (settling->flow.kind == FLOW_CHAIN)
        member->turn = reaction_to(&settling->flow.policy, state) == FLOW_HOLD;
    if (settling->flow.kind == FLOW_WORKFLOW)
        parent_over(settling, job, state);
}

static void member_changed(struct settling *settling, struct flow_change change)
{
    struct member member = member_find(settling->tx, change.job);
    if (!member.found)
        return;
    member_count(&settling->flow, &member, -1);
    switch (change.what) {
    case FLOW_JOB_GONE: member_gone(settling, change.job); return;
    case FLOW_JOB_ENDED: member_ended(settling, change.job, &member, change.state); break;
    case FLOW_JOB_FAILED: member.tried = settling->failed = true; break;
    case FLOW_JOB_REVIVED:
        member.ended = JOB_STATE_COUNT;
        member.turn = settling->flow.kind == FLOW_CHAIN;
        break;
    }
    member_count(&settling->flow, &member, 1);
    member_write(settling->tx, change.job, &member);
}

/* Nothing is left of it, and nothing more will come. */
static bool flow_over(const struct store_flow *flow)
{
    return flow->jobs == 0 && (flow->kind == FLOW_CHAIN || flow->closed);
}

/* Changes of one flow, in the order in which they happened. */
static void flow_settle(struct tx *tx, const struct flow_change *changes, size_t count)
{
    struct settling settling = {.tx = tx};
    size_t gone = 0;
    if (!tx_flow_lock(tx, changes->flow, &settling.flow))
        return;
    settling.changes = heap_memdup(tx->heap, changes, count * sizeof *changes);
    settling.count = settling.capacity = count;
    bool was_over = settling.flow.finished_ms > 0;
    for (size_t i = 0; i < settling.count && !tx->err; ++i) {
        gone += settling.changes[i].what == FLOW_JOB_GONE;
        member_changed(&settling, settling.changes[i]);
    }
    if (was_over && gone == settling.count)
        flow_write(tx, &settling.flow); /* what is removed changes nothing about how it ended */
    else
        tx_flow_go_on(tx, &settling.flow, settling.failed);
    if (gone && flow_over(&settling.flow)) {
        run_by(tx, STATEMENT_CALLBACKS_DROP, settling.flow.id, 0);
        run_by(tx, STATEMENT_FLOW_DROP, settling.flow.id, 0);
    }
}

/* By flow; those of one flow stay in their order, as qsort() is told their places. */
static int change_order(const void *left, const void *right)
{
    const struct flow_change *const *a = left, *const *b = right;
    if ((*a)->flow != (*b)->flow)
        return (*a)->flow < (*b)->flow ? -1 : 1;
    return *a < *b ? -1 : *a > *b;
}

void tx_flow_settle(struct tx *tx)
{
    size_t count = tx->flow_count;
    if (count == 0 || tx->err)
        return;
    const struct flow_change **order = heap_alloc(tx->heap, count * sizeof *order);
    struct flow_change *sorted = heap_alloc(tx->heap, count * sizeof *sorted);
    for (size_t i = 0; i < count; ++i)
        order[i] = &tx->flow_changes[i];
    qsort(order, count, sizeof(const struct flow_change *), change_order);
    for (size_t i = 0; i < count; ++i)
        sorted[i] = *order[i];
    tx->flow_count = 0;
    for (size_t first = 0, end; first < count && !tx->err; first = end) {
        for (end = first + 1; end < count && sorted[end].flow == sorted[first].flow;)
            ++end;
        flow_settle(tx, &sorted[first], end - first);
    }
}

/* What waited for others waits again, if it must; what is in a chain waits for its turn. */
enum job_state tx_flow_retry(struct tx *tx, uint64_t flow, uint64_t job, enum job_state state)
{
    struct store_flow row;
    if (!tx_flow_lock(tx, flow, &row))
        return JOB_AVAILABLE;
    if (row.kind == FLOW_CHAIN && state == JOB_SUSPENDED)
        return JOB_STATE_COUNT;
    if (!job_state_final(state))
        return JOB_AVAILABLE;
    bool others = row.kind == FLOW_CHAIN && row.active && row.active != job;
    bool waits = row.kind == FLOW_WORKFLOW && member_find(tx, job).waits > 0;
    return others || waits ? JOB_SUSPENDED : JOB_AVAILABLE;
}
