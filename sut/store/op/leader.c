/* leader.c: who leads. A lease on a row of the group, judged by the database's clock; its holder is a term, random per process, so
 * that a restarted node is somebody else.
 *
 *     free, or run out --LEAD--> held by a term --LEAD of the same term--> held on
 *                                      \---LEAD for 0 ms--> free
 *
 * A lease that would hold for more than twice as long as it was given for was given by a clock that has been set back since: it counts
 * as run out, for else nobody would lead until the clock is there again. */
#include "sut/store/sql.h"

#include <errno.h>
#include <string.h>

struct held {
    bool found;
    const char *term, *node;
    int64_t expires_ms, lease_ms;
};

static struct held held_read(struct tx *tx)
{
    struct held held = {.term = "", .node = ""};
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_LEADER);
    tx_bind_text(tx, stmt, 1, tx->request->leader.group);
    while (tx_step(tx, stmt))
        held = (struct held){
            .found = true,
            .term = tx_column_copy(tx, stmt, 0),
            .node = tx_column_copy(tx, stmt, 1),
            .expires_ms = tx_column_int(tx, stmt, 2),
            .lease_ms = tx_column_int(tx, stmt, 3),
        };
    return held;
}

static bool run_out(const struct tx *tx, const struct held *held)
{
    return held->expires_ms <= tx->now_ms || held->expires_ms - tx->now_ms > 2 * held->lease_ms;
}

static void tell(struct tx *tx, const struct held *held)
{
    bool holds = held->found && !run_out(tx, held);
    tx->reply->leads = holds && strcmp(held->term, tx->request->leader.term) == 0;
    tx->reply->leader_node = holds ? held->node : "";
    tx->reply->next_ms = holds ? held->expires_ms - tx->now_ms : -1;
}

static void note(struct tx *tx, enum change_kind kind, const struct held *before)
{
    const struct store_leader *leader = &tx->request->leader;
    if (tx_traced(tx))
        tx_note(tx, (struct change){.kind = kind,
                                    .name = leader->group,
                                    .text = leader->term,
                                    .from_ms = before->found ? before->expires_ms : 0,
                                    .to_ms = tx->now_ms + tx->request->lease_ms,
                                    .now_ms = tx->now_ms});
}

bool tx_lead_idle(struct tx *tx)
{
    const struct store_request *request = tx->request;
    if (!request->leader.group || !request->leader.term || !*request->leader.term) {
        tx_fail(tx, -EINVAL, "a leader has a group and a term");
        return false;
    }
    struct held held = held_read(tx);
    bool others = held.found && strcmp(held.term, request->leader.term) != 0;
    if (tx->err || (request->lease_ms > 0 && !(others && !run_out(tx, &held))))
        return false;
    if (request->lease_ms <= 0 && held.found && !others)
        return false;
    tell(tx, &held);
    return true;
}

static void take(struct tx *tx, const struct held *before)
{
    const struct store_leader *leader = &tx->request->leader;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_LEAD);
    tx_bind_int(tx, stmt, 1, tx->now_ms);
    tx_bind_text(tx, stmt, 2, leader->group);
    tx_bind_text(tx, stmt, 3, leader->term);
    tx_bind_text(tx, stmt, 4, leader->node ? leader->node : "");
    tx_bind_int(tx, stmt, 5, tx->request->lease_ms);
    bool same = strcmp(before->term, leader->term) == 0;
    if (tx_run(tx, stmt) > 0)
        note(tx, same ? CHANGE_RENEW : CHANGE_LEAD, before);
}

static void resign(struct tx *tx, const struct held *before)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_RESIGN);
    tx_bind_text(tx, stmt, 1, tx->request->leader.group);
    tx_bind_text(tx, stmt, 2, tx->request->leader.term);
    if (tx_run(tx, stmt) > 0)
        note(tx, CHANGE_RESIGN, before);
}

void tx_lead(struct tx *tx)
{
    struct held held = held_read(tx);
    if (tx->request->lease_ms > 0)
        take(tx, &held);
    else
        resign(tx, &held);
    held = held_read(tx);
    tell(tx, &held);
}
