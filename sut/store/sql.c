/* sql.c: a request as a transaction.
 *
 *     begin -> operation -> commit -> events        all of it
 *       \          \           \
 *        +----------+-----------+-> rollback        nothing of it, and reply.err says why
 *
 * Only when the commit itself fails by the disk, or by the way to the database, is it unknown which of the two happened: the
 * error is then -EIO. */
#include "sut/store/sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { KEY_TRIES = 10 };

/* `reads`: it changes nothing, and does not wait for writers. `idle`: reads first, and answers if there is nothing to
 * change, so that looking for work is never in the way of others; a database's own operation sees to that itself. */
static const struct operation {
    tx_operation *run; /* NULL: every database has its own */
    bool reads;
    bool (*idle)(struct tx *tx);
    bool chooses; /* by a filter, if there is one */
} operations[STORE_OP_COUNT] = {
    [STORE_INSERT] = {NULL, false},
    [STORE_CLAIM] = {tx_claim, false},
    [STORE_ACK] = {tx_ack, false},
    [STORE_HEARTBEAT] = {tx_heartbeat, false},
    [STORE_STAGE] = {tx_stage, false, tx_stage_idle},
    [STORE_RESCUE] = {tx_rescue, false},
    [STORE_EXPIRE] = {tx_expire, false, tx_expire_idle},
    [STORE_RETRY] = {tx_retry, false, .chooses = true},
    [STORE_CANCEL] = {tx_cancel_told, false, .chooses = true},
    [STORE_UPDATE] = {tx_update, false, .chooses = true},
    [STORE_DELETE] = {tx_delete, false, .chooses = true},
    [STORE_NOTE] = {tx_note_down, false},
    [STORE_PRUNE] = {tx_prune, false, tx_prune_idle},
    [STORE_GET] = {tx_get, true},
    [STORE_LIST] = {tx_list, true},
    [STORE_STATS] = {tx_stats, true},
    [STORE_QUEUE_SET] = {tx_queue_set, false},
    [STORE_QUEUE_FORGET] = {tx_queue_forget, false},
    [STORE_QUEUES] = {tx_queues, true},
    [STORE_BATCH] = {tx_batch, false},
    [STORE_FLOW] = {tx_flow, true},
    [STORE_LEAD] = {tx_lead, false, tx_lead_idle},
    [STORE_CRON_PUT] = {tx_cron_put, false},
    [STORE_CRON_LIST] = {tx_cron_list, true},
    [STORE_CRON_TICK] = {tx_cron_tick, false},
    [STORE_CRON_CHANGE] = {tx_cron_change, false},
};

void tx_fail(struct tx *tx, int err, const char *format, ...)
{
    if (tx->err)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(tx->why, sizeof tx->why, format, args);
    va_end(args);
    tx->err = err;
}

static void tx_begin(struct tx *tx, bool reads)
{
    struct sql_store *store = tx->store;
    store->backend->begin(tx, reads);
    if (tx->now_ms < store->clock_ms)
        tx->now_ms = store->clock_ms;
    store->clock_ms = tx->now_ms;
}

static void tx_commit(struct tx *tx)
{
    if (!tx->err)
        tx->store->backend->commit(tx);
}

/* Between looking and changing others may come: the change looks again. */
static void tx_execute(struct tx *tx)
{
    const struct store_request *asked = tx->request;
    const struct operation *operation = &operations[asked->op];
    tx_operation *own = tx->store->backend->own[tx->request->op];
    if (operation->idle && !own) {
        tx_begin(tx, true);
        bool done = !tx->err && operation->idle(tx);
        tx_commit(tx);
        if (done)
            return;
    }
    tx_begin(tx, operation->reads);
    bool common = !own || (tx->careful && operation->run);
    struct store_request chosen = *tx->request;
    if (operation->chooses && chosen.filter) {
        tx_choose(tx, &chosen);
        tx->request = &chosen;
    }
    if (!tx->err)
        (common ? operation->run : own)(tx);
    tx_flow_settle(tx);
    tx_commit(tx);
    tx->request = asked;
}

/* Nothing of the reply is left but the reason. */
static void tx_abort(struct tx *tx)
{
    tx->store->backend->rollback(tx);
    *tx->reply = (struct store_reply){.err = tx->err, .now_ms = tx->now_ms, .next_ms = -1};
    memcpy(tx->reply->why, tx->why, sizeof tx->why);
}

/* Without what was done: with a look at who holds the key before each change. */
static void tx_again(struct tx *tx)
{
    tx->store->backend->rollback(tx);
    *tx->reply = (struct store_reply){.next_ms = -1};
    *tx = (struct tx){.store = tx->store,
                      .request = tx->request,
                      .heap = tx->heap,
                      .reply = tx->reply,
                      .careful = true};
}

/* Two jobs may come to want one key, as one of them is retried, perhaps. One of them must not keep all the others of the
 * request from changing. */
static void tx_execute_all(struct tx *tx)
{
    tx_execute(tx);
    for (int tries = 0; tx->err == -EEXIST && tries < KEY_TRIES; ++tries) {
        tx_again(tx);
        tx_execute(tx);
    }
    if (tx->err == -EEXIST) {
        tx->err = 0;
        tx_fail(tx, -EBUSY, "others came first to a unique key, %d times", KEY_TRIES);
    }
}

void sql_execute(struct store_db *db, const struct store_request *request, struct heap *heap,
                 struct store_reply *reply)
{
    struct tx tx = {
        .store = (struct sql_store *)db, .request = request, .heap = heap, .reply = reply};
    *reply = (struct store_reply){.next_ms = -1};
    if ((unsigned)request->op >= STORE_OP_COUNT) {
        reply->err = -EINVAL;
        snprintf(reply->why, sizeof reply->why, "there is no operation %d", (int)request->op);
        return;
    }
    tx_execute_all(&tx);
    reply->now_ms = tx.now_ms;
    if (tx.err)
        tx_abort(&tx);
    else {
        tx_trace(&tx);
        tx_tell(&tx);
    }
}
