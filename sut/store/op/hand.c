/* hand.c: what is done to jobs by hand, but for retry and cancel themselves (change.c): update, delete, prune, and telling
 * the nodes that what runs there was cancelled.
 *
 *   cancel of an executing job --> `cut` in the reply, for the node that asked
 *                              \-> the signal `cuts` goes up: every node's next look sees it, and renews its leases at once:
 *                                  what was cancelled is refused, and killed
 */
#include "sut/jobs/json_text.h"
#include "sut/store/sql.h"

#include <errno.h>
#include <string.h>

/* ---- cancelled while it ran ---- */

/* The lease under which a cancelled job ran, or may have; 0: it did not. */
static uint64_t cut_lease(struct tx *tx, uint64_t id)
{
    uint64_t cut = 0;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_PEEK);
    tx_bind_int(tx, stmt, 1, (int64_t)id);
    while (tx_step(tx, stmt)) {
        uint64_t lease = (uint64_t)tx_column_int(tx, stmt, 1);
        uint64_t acked = (uint64_t)tx_column_int(tx, stmt, 2);
        if (tx_column_state(tx, stmt, 0) == JOB_CANCELLED && lease != acked)
            cut = lease;
    }
    return cut;
}

static void cuts_raise(struct tx *tx)
{
    tx_run(tx, tx_statement(tx, STATEMENT_CUTS_RAISE));
}

void tx_cancel_told(struct tx *tx)
{
    const struct store_request *request = tx->request;
    struct store_reply *reply = tx->reply;
    tx_cancel(tx);
    if (tx->err || reply->changed == 0)
        return;
    if (request->flow)
        cuts_raise(tx); /* whichever of them run */
    reply->cut = heap_alloc(tx->heap, request->id_count * sizeof *reply->cut);
    bool told = tx_cut_many(tx);
    for (size_t i = 0; i < request->id_count && !told && !tx->err; ++i) {
        uint64_t lease = cut_lease(tx, request->ids[i]);
        if (lease)
            reply->cut[reply->cut_count++] = (struct store_lease){request->ids[i], lease};
    }
    if (reply->cut_count)
        cuts_raise(tx);
}

/* ---- what a running job leaves ---- */

static void note_check(struct tx *tx, const struct store_note *note)
{
    if (note->progress > 100)
        tx_fail(tx, -EINVAL, "a progress of %d per cent", note->progress);
    if (note->text && (strlen(note->text) > JOB_NOTE_MAX || !utf8_valid(note->text)))
        tx_fail(tx, -EINVAL, "a note is longer than %d bytes, or no UTF-8", JOB_NOTE_MAX);
    if (note->checkpoint && strlen(note->checkpoint) > JOB_CHECKPOINT_MAX)
        tx_fail(tx, -EINVAL, "a checkpoint is longer than 64 KiB");
    if (note->checkpoint && !json_valid(note->checkpoint))
        tx_fail(tx, -EINVAL, "a checkpoint is not JSON");
}

static bool note_write(struct tx *tx, const struct store_note *note)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_NOTE);
    tx_bind_int(tx, stmt, 1, (int64_t)note->id);
    tx_bind_int(tx, stmt, 2, (int64_t)note->lease);
    if (note->progress < 0)
        tx_bind_null(tx, stmt, 3);
    else
        tx_bind_int(tx, stmt, 3, note->progress);
    tx_bind_text(tx, stmt, 4, note->text);
    tx_bind_text(tx, stmt, 5, note->checkpoint);
    return tx_run(tx, stmt) > 0;
}

void tx_note_down(struct tx *tx)
{
    const struct store_request *request = tx->request;
    tx->reply->renewed = heap_alloc(tx->heap, request->note_count * sizeof *tx->reply->renewed);
    for (size_t i = 0; i < request->note_count && !tx->err; ++i) {
        const struct store_note *note = &request->notes[i];
        note_check(tx, note);
        tx->reply->renewed[i] = note_write(tx, note);
        if (tx->reply->renewed[i] && tx_traced(tx))
            tx_note(tx, (struct change){.kind = CHANGE_NOTE,
                                        .id = note->id,
                                        .lease = note->lease,
                                        .attempt = note->checkpoint != NULL});
    }
}

/* ---- delete ---- */

static void remove_job(struct tx *tx, uint64_t id)
{
    enum job_state state;
    uint64_t flow = tx_flow_of(tx, id, &state);
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_DELETE);
    tx_bind_int(tx, stmt, 1, (int64_t)id);
    if (tx_run(tx, stmt) == 0)
        return;
    ++tx->reply->changed;
    tx_flow_note(tx, flow, id, FLOW_JOB_GONE, state);
    if (tx_traced(tx))
        tx_note(tx,
                (struct change){.kind = CHANGE_DELETE, .id = id, .state = job_state_word(state)});
}

void tx_delete(struct tx *tx)
{
    struct id_set rest = tx_hand_many(tx, STATEMENT_DELETE_MANY, CHANGE_DELETE);
    for (size_t i = 0; i < rest.count && !tx->err; ++i) {
        remove_job(tx, rest.ids[i]);
        tx_flow_settle(tx); /* the next one may be of the same flow */
    }
}

/* ---- update ---- */

static const char *state_now(struct tx *tx, uint64_t id)
{
    enum job_state state = JOB_STATE_COUNT;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_PEEK);
    tx_bind_int(tx, stmt, 1, (int64_t)id);
    while (tx_step(tx, stmt))
        state = tx_column_state(tx, stmt, 0);
    return job_state_word(state);
}

/* The checks of an insert, for those fields that are given. */
static void update_check(struct tx *tx, const struct job_update *update)
{
    struct job_spec spec = {.worker = update->worker ? update->worker : "any",
                            .queue = update->queue,
                            .args = update->args,
                            .meta = update->meta,
                            .tags = update->tags,
                            .priority = update->set_priority ? update->priority : 0,
                            .max_attempts = update->max_attempts,
                            .scheduled_ms = update->scheduled_ms};
    const char *wrong = job_spec_check(&spec);
    if (!wrong && update->args && update->encrypted)
        wrong = "the new arguments are to be encrypted, and nobody did (specs_seal)";
    if (wrong)
        tx_fail(tx, -EINVAL, "%s", wrong);
}

static void bind_given(struct tx *tx, struct tx_stmt *stmt, int index, bool given, int64_t value)
{
    if (given)
        tx_bind_int(tx, stmt, index, value);
    else
        tx_bind_null(tx, stmt, index);
}

static struct tx_stmt *update_bind(struct tx *tx, const struct job_update *update)
{
    char tags[JOB_TAGS_MAX + 1];
    job_tags_normal(update->tags, tags);
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_UPDATE);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_text(tx, stmt, 3, update->args);
    tx_bind_text(tx, stmt, 4, update->meta);
    tx_bind_text(tx, stmt, 5, update->tags ? heap_strdup(tx->heap, tags) : NULL);
    bind_given(tx, stmt, 6, update->set_priority, update->priority);
    bind_given(tx, stmt, 7, update->max_attempts > 0, update->max_attempts);
    tx_bind_text(tx, stmt, 8, update->queue);
    tx_bind_text(tx, stmt, 9, update->worker);
    tx_bind_int(tx, stmt, 10, update->scheduled_ms > 0 ? update->scheduled_ms : 0);
    bind_given(tx, stmt, 11, update->guarded, (int64_t)update->version);
    return stmt;
}

static void update_note(struct tx *tx, uint64_t id)
{
    tx_note(tx, (struct change){.kind = CHANGE_UPDATE,
                                .id = id,
                                .state = state_now(tx, id),
                                .delay_ms = tx->request->update->scheduled_ms > 0
                                                ? tx->request->update->scheduled_ms - tx->now_ms
                                                : -1});
}

void tx_update(struct tx *tx)
{
    const struct store_request *request = tx->request;
    if (!request->update)
        tx_fail(tx, -EINVAL, "an update says what is new");
    if (tx->err || !request->update)
        return;
    update_check(tx, request->update);
    for (size_t i = 0; i < request->id_count && !tx->err; ++i) {
        if (request->update->scheduled_ms > tx->now_ms)
            tx_yield(tx, request->ids[i], JOB_SCHEDULED);
        struct tx_stmt *stmt = update_bind(tx, request->update);
        tx_bind_int(tx, stmt, 2, (int64_t)request->ids[i]);
        if (tx_run(tx, stmt) == 0)
            continue;
        ++tx->reply->changed;
        if (tx_traced(tx))
            update_note(tx, request->ids[i]);
    }
}

/* ---- prune ---- */

/* Parameters 2 to 4 of IS_OLD: what ended by then may go. */
static struct tx_stmt *prune_bind(struct tx *tx, enum statement statement)
{
    const struct job_keep *keep = &tx->request->keep;
    struct tx_stmt *stmt = tx_statement(tx, statement);
    const int64_t kept_ms[] = {keep->completed_ms, keep->cancelled_ms, keep->discarded_ms};
    tx_bind_int(tx, stmt, 1, (int64_t)tx->request->after_id);
    for (int i = 0; i < 3; ++i)
        tx_bind_int(tx, stmt, 2 + i, kept_ms[i] > 0 ? tx->now_ms - kept_ms[i] : -1);
    return stmt;
}

/* What was inserted later than this cannot be old enough. */
static int64_t prune_horizon_ms(const struct tx *tx)
{
    const struct job_keep *keep = &tx->request->keep;
    const int64_t kept_ms[] = {keep->completed_ms, keep->cancelled_ms, keep->discarded_ms};
    int64_t least = INT64_MAX;
    for (int i = 0; i < 3; ++i)
        if (kept_ms[i] > 0 && kept_ms[i] < least)
            least = kept_ms[i];
    return least == INT64_MAX ? INT64_MIN : tx->now_ms - least;
}

/* Reads first: mostly there is nothing to remove. */
bool tx_prune_idle(struct tx *tx)
{
    size_t old = 0;
    struct tx_stmt *stmt = prune_bind(tx, STATEMENT_PRUNE_LOOK);
    while (tx_step(tx, stmt)) {
        bool full = tx_column_int(tx, stmt, 1) == PRUNE_LOOKS;
        tx->reply->last_id = (uint64_t)tx_column_int(tx, stmt, 0);
        tx->reply->more = full && tx_column_int(tx, stmt, 2) <= prune_horizon_ms(tx);
        old = (size_t)tx_column_int(tx, stmt, 3);
    }
    return old == 0;
}

static int64_t keep_of(const struct job_keep *keep, enum job_state state)
{
    return state == JOB_COMPLETED   ? keep->completed_ms
           : state == JOB_CANCELLED ? keep->cancelled_ms
                                    : keep->discarded_ms;
}

void tx_prune(struct tx *tx)
{
    tx_prune_idle(tx);
    struct tx_stmt *stmt = prune_bind(tx, STATEMENT_PRUNE);
    while (tx_step(tx, stmt)) {
        uint64_t id = (uint64_t)tx_column_int(tx, stmt, 0);
        enum job_state state = tx_column_state(tx, stmt, 1);
        ++tx->reply->changed;
        tx_flow_note(tx, (uint64_t)tx_column_int(tx, stmt, 2), id, FLOW_JOB_GONE, state);
        if (tx_traced(tx))
            tx_note(tx, (struct change){.kind = CHANGE_PRUNE,
                                        .id = id,
                                        .state = job_state_word(state),
                                        .delay_ms = keep_of(&tx->request->keep, state)});
    }
}
