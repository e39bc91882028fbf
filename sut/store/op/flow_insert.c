/* flow_insert.c: jobs that come into workflows, batches and chains, and batches that are made and closed.
 *
 * What waits is inserted suspended; of a chain that is all: the first in line is released afterwards, so a chain that was
 * idle is no special case. Flows are locked before their jobs are inserted, in the order of their ids: so the jobs of a chain have
 * ids in the order in which their inserts are committed, whoever inserts. */
#include "sut/store/sql.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_TRIES 10

static void bind_policy(struct tx *tx, struct tx_stmt *stmt, int index,
                        const struct flow_policy *policy)
{
    tx_bind_text(tx, stmt, index, flow_reaction_word(policy->on_cancelled));
    tx_bind_text(tx, stmt, index + 1, flow_reaction_word(policy->on_discarded));
    tx_bind_text(tx, stmt, index + 2, flow_reaction_word(policy->on_deleted));
}

/* 0: there is one of that name. */
static uint64_t flow_new(struct tx *tx, enum flow_kind kind, const char *name,
                         const struct flow_policy *policy, bool closed)
{
    uint64_t id = 0;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_FLOW_NEW);
    tx_bind_text(tx, stmt, 1, flow_kind_word(kind));
    tx_bind_text(tx, stmt, 2, name);
    bind_policy(tx, stmt, 3, policy);
    tx_bind_int(tx, stmt, 6, closed);
    tx_bind_int(tx, stmt, 7, tx->now_ms);
    while (tx_step(tx, stmt))
        id = (uint64_t)tx_column_int(tx, stmt, 0);
    return id;
}

uint64_t tx_flow_by_name(struct tx *tx, const char *kind, const char *name)
{
    uint64_t id = 0;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_FLOW_BY_NAME);
    tx_bind_text(tx, stmt, 1, kind);
    tx_bind_text(tx, stmt, 2, name);
    while (tx_step(tx, stmt))
        id = (uint64_t)tx_column_int(tx, stmt, 0);
    return id;
}

static void join_lock(struct tx *tx, uint64_t flow)
{
    if (tx_flow_lock(tx, flow, &tx->joined[tx->joined_count]))
        ++tx->joined_count;
}

/* ---- before the rows are inserted ---- */

static void workflow_specs(struct tx *tx, struct job_spec *specs)
{
    const struct store_request *request = tx->request;
    const struct store_workflow *workflow = request->workflow;
    int err =
        store_steps_check(workflow->steps, request->spec_count, tx->heap, tx->why, sizeof tx->why);
    if (err)
        tx->err = err;
    if (workflow->name && (!*workflow->name || strlen(workflow->name) > FLOW_NAME_MAX))
        tx_fail(tx, -EINVAL, "a workflow's name has 1 to 255 bytes");
    for (size_t i = 0; i < request->spec_count && !tx->err; ++i)
        if (specs[i].chain || specs[i].flow)
            tx_fail(tx, -EINVAL, "step %s is in a chain or batch, too", workflow->steps[i].name);
        else if (specs[i].unique)
            tx_fail(tx, -EINVAL, "step %s is unique, but a workflow is inserted as a whole",
                    workflow->steps[i].name);
        else if (specs[i].state != JOB_AVAILABLE && specs[i].state != JOB_SCHEDULED)
            tx_fail(tx, -EINVAL, "step %s cannot begin in that state", workflow->steps[i].name);
    uint64_t id = flow_new(tx, FLOW_WORKFLOW, workflow->name, &workflow->policy, true);
    if (!id)
        tx_fail(tx, -ENOTUNIQ, "there is a workflow '%s'", workflow->name);
    join_lock(tx, id);
    for (size_t i = 0; i < request->spec_count; ++i) {
        specs[i].flow = id;
        if (workflow->steps[i].dep_count > 0)
            specs[i].state = JOB_SUSPENDED;
    }
}

/* What else it asks for of the batch follows when the jobs are in it. */
static uint64_t batch_id(struct tx *tx, const struct store_batch *batch);

static void batch_specs(struct tx *tx, struct job_spec *specs)
{
    uint64_t id = batch_id(tx, tx->request->batch);
    join_lock(tx, id);
    if (!tx->err && (!tx->joined_count || tx->joined->kind != FLOW_BATCH))
        tx_fail(tx, -ENOENT, "there is no batch %" PRIu64, id);
    else if (!tx->err && tx->joined->closed)
        tx_fail(tx, tx->request->batch->name ? -ENOTUNIQ : -EINVAL,
                "batch %" PRIu64 " is there, and closed", id);
    for (size_t i = 0; i < tx->request->spec_count && !tx->err; ++i) {
        if (specs[i].chain || specs[i].flow)
            tx_fail(tx, -EINVAL, "job %zu of the batch is in a chain or another batch, too", i + 1);
        specs[i].flow = id;
    }
}

static int chain_order(const void *left, const void *right)
{
    const struct job_spec *const *a = left, *const *b = right;
    int order = strcmp((*a)->chain, (*b)->chain);
    return order ? order : *a < *b ? -1 : *a > *b;
}

/* The id of the chain, whose row may be deleted again before it is locked. */
static uint64_t chain_id(struct tx *tx, const char *key)
{
    static const struct flow_policy none;
    uint64_t id = tx_flow_by_name(tx, flow_kind_word(FLOW_CHAIN), key);
    for (int i = 0; i < CHAIN_TRIES && !id && !tx->err; ++i) {
        id = flow_new(tx, FLOW_CHAIN, key, &none, false);
        if (!id)
            id = tx_flow_by_name(tx, flow_kind_word(FLOW_CHAIN), key);
    }
    return id;
}

/* Same keys are neighbours, and new chains are made in the order of their keys: everybody does so. */
static void chain_specs(struct tx *tx, struct job_spec *specs)
{
    size_t count = 0, all = tx->request->spec_count;
    struct job_spec **chained = heap_alloc(tx->heap, all * sizeof *chained);
    for (size_t i = 0; i < all; ++i)
        if (specs[i].chain)
            chained[count++] = &specs[i];
    qsort(chained, count, sizeof(struct job_spec *), chain_order);
    for (size_t i = 0; i < count && !tx->err; ++i) {
        bool same = i > 0 && strcmp(chained[i]->chain, chained[i - 1]->chain) == 0;
        chained[i]->flow = same ? chained[i - 1]->flow : chain_id(tx, chained[i]->chain);
        chained[i]->state = JOB_SUSPENDED;
    }
}

static int flow_order(const void *left, const void *right)
{
    const struct job_spec *const *a = left, *const *b = right;
    if ((*a)->flow != (*b)->flow)
        return (*a)->flow < (*b)->flow ? -1 : 1;
    return *a < *b ? -1 : *a > *b;
}

/* `flow`: NULL, or what the spec wants to be in. */
static void joined_check(struct tx *tx, const struct job_spec *spec, const struct store_flow *flow)
{
    if (!flow && spec->chain)
        tx_fail(tx, -EBUSY, "chain '%s' is being removed; try again", spec->chain);
    else if (!flow || (!spec->chain && flow->kind != FLOW_BATCH))
        tx_fail(tx, -EINVAL, "there is no batch %" PRIu64, spec->flow);
    else if (flow->closed)
        tx_fail(tx, -EINVAL, "batch %" PRIu64 " is closed", spec->flow);
}

/* Locks each flow once, in the order of their ids. */
static void specs_join(struct tx *tx, const struct job_spec *specs)
{
    size_t count = 0, all = tx->request->spec_count;
    const struct job_spec **members = heap_alloc(tx->heap, all * sizeof *members);
    for (size_t i = 0; i < all; ++i)
        if (specs[i].flow)
            members[count++] = &specs[i];
    qsort(members, count, sizeof(const struct job_spec *), flow_order);
    for (size_t i = 0; i < count && !tx->err; ++i) {
        uint64_t flow = members[i]->flow;
        if (i == 0 || flow != members[i - 1]->flow)
            join_lock(tx, flow);
        const struct store_flow *last = tx->joined_count ? &tx->joined[tx->joined_count - 1] : NULL;
        joined_check(tx, members[i], last && last->id == flow ? last : NULL);
    }
}

void tx_flow_specs(struct tx *tx)
{
    const struct store_request *request = tx->request;
    bool flows = request->workflow || request->batch;
    tx->specs = request->specs;
    for (size_t i = 0; i < request->spec_count && !flows; ++i)
        flows = request->specs[i].chain || request->specs[i].flow;
    if (!flows || tx->err)
        return;
    size_t size = request->spec_count * sizeof *request->specs;
    struct job_spec *specs = heap_alloc(tx->heap, size + 1);
    if (size)
        memcpy(specs, request->specs, size);
    tx->joined = heap_alloc(tx->heap, (request->spec_count + 1) * sizeof *tx->joined);
    tx->specs = specs;
    if (request->workflow) {
        workflow_specs(tx, specs);
    } else if (request->batch) {
        batch_specs(tx, specs);
    } else {
        chain_specs(tx, specs);
        specs_join(tx, specs);
    }
}

/* ---- when they are there ---- */

static void steps_inserted(struct tx *tx)
{
    const struct store_step *steps = tx->request->workflow->steps;
    const uint64_t *ids = tx->reply->ids;
    for (size_t i = 0; i < tx->reply->id_count && !tx->err; ++i) {
        struct tx_stmt *stmt = tx_statement(tx, STATEMENT_MEMBER_NEW);
        tx_bind_int(tx, stmt, 1, (int64_t)ids[i]);
        tx_bind_int(tx, stmt, 2, (int64_t)tx->joined->id);
        tx_bind_text(tx, stmt, 3, steps[i].name);
        tx_bind_int(tx, stmt, 4, (int64_t)steps[i].dep_count);
        bind_policy(tx, stmt, 5, &steps[i].policy);
        tx_run(tx, stmt);
        for (size_t j = 0; j < steps[i].dep_count && !tx->err; ++j) {
            stmt = tx_statement(tx, STATEMENT_EDGE_NEW);
            tx_bind_int(tx, stmt, 1, (int64_t)ids[steps[i].deps[j]]);
            tx_bind_int(tx, stmt, 2, (int64_t)ids[i]);
            tx_run(tx, stmt);
        }
    }
    tx->joined->jobs = tx->reply->id_count;
}

/* What the last of its jobs says, if one of them says anything. */
static void chain_policy(struct tx *tx, struct store_flow *flow)
{
    struct flow_policy policy = flow->policy;
    for (size_t i = 0; i < tx->request->spec_count; ++i) {
        const struct job_spec *spec = &tx->specs[i];
        if (spec->flow == flow->id && spec->policy.on_cancelled)
            policy.on_cancelled = spec->policy.on_cancelled;
        if (spec->flow == flow->id && spec->policy.on_discarded)
            policy.on_discarded = spec->policy.on_discarded;
    }
    if (memcmp(&policy, &flow->policy, sizeof policy) == 0)
        return;
    flow->policy = policy;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_FLOW_POLICY);
    tx_bind_int(tx, stmt, 1, (int64_t)flow->id);
    tx_bind_text(tx, stmt, 2, flow_reaction_word(policy.on_cancelled));
    tx_bind_text(tx, stmt, 3, flow_reaction_word(policy.on_discarded));
    tx_run(tx, stmt);
}

/* Between the first and the last id there may be jobs of others, but none of this flow, which is locked. */
static void members_inserted(struct tx *tx, struct store_flow *flow)
{
    uint64_t first = UINT64_MAX, last = 0;
    for (size_t i = 0; i < tx->reply->id_count; ++i) {
        uint64_t id = tx->reply->ids[i];
        bool conflict = tx->reply->conflicts && tx->reply->conflicts[i]; /* that is another job */
        if (tx->specs[i].flow != flow->id || conflict)
            continue;
        first = id < first ? id : first;
        last = id > last ? id : last;
    }
    if (last == 0)
        return;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_MEMBERS_ADD);
    tx_bind_int(tx, stmt, 1, (int64_t)flow->id);
    tx_bind_int(tx, stmt, 2, (int64_t)first);
    tx_bind_int(tx, stmt, 3, (int64_t)last);
    tx_bind_int(tx, stmt, 4, flow->kind == FLOW_CHAIN);
    flow->jobs += tx_run(tx, stmt);
}

static void reply_flow(struct tx *tx, const struct store_flow *flow)
{
    tx->reply->flow = heap_memdup(tx->heap, flow, sizeof *flow);
}

/* ---- batches ---- */

static const char *callback_wrong(const struct store_callback *callback)
{
    const struct job_spec *spec = &callback->spec;
    if ((unsigned)callback->event >= FLOW_EVENT_COUNT)
        return "there is no such event";
    if (spec->chain || spec->flow || spec->unique || spec->state != JOB_AVAILABLE ||
        spec->delay_ms > 0 || spec->scheduled_ms > 0)
        return "a callback is in no flow, is not unique, and does not wait";
    if (spec->encrypted)
        return "its arguments are to be encrypted, and nobody did (specs_seal)";
    return job_spec_check(spec);
}

static void callback_new(struct tx *tx, uint64_t batch, const struct store_callback *callback)
{
    const struct job_spec *spec = &callback->spec;
    const char *wrong = callback_wrong(callback);
    if (wrong)
        tx_fail(tx, -EINVAL, "callback %s: %s", flow_event_word(callback->event), wrong);
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_CALLBACK_NEW);
    tx_bind_int(tx, stmt, 1, (int64_t)batch);
    tx_bind_text(tx, stmt, 2, flow_event_word(callback->event));
    tx_bind_text(tx, stmt, 3, spec->queue ? spec->queue : "default");
    tx_bind_text(tx, stmt, 4, spec->worker);
    tx_bind_text(tx, stmt, 5, spec->args ? spec->args : "{}");
    tx_bind_int(tx, stmt, 6, spec->priority);
    tx_bind_int(tx, stmt, 7, spec->max_attempts ? spec->max_attempts : JOB_ATTEMPTS_DEFAULT);
    tx_run(tx, stmt);
}

static uint64_t batch_id(struct tx *tx, const struct store_batch *batch)
{
    static const struct flow_policy none;
    if (batch->id)
        return batch->id;
    if (batch->name && (!*batch->name || strlen(batch->name) > FLOW_NAME_MAX))
        tx_fail(tx, -EINVAL, "a batch's name has 1 to 255 bytes");
    uint64_t id = flow_new(tx, FLOW_BATCH, batch->name, &none, false);
    return id || !batch->name ? id : tx_flow_by_name(tx, flow_kind_word(FLOW_BATCH), batch->name);
}

static void batch_told(struct tx *tx, struct store_flow *flow, const struct store_batch *batch)
{
    for (size_t i = 0; !tx->err && i < batch->callback_count; ++i)
        callback_new(tx, flow->id, &batch->callbacks[i]);
    flow->closed |= batch->close;
}

void tx_batch(struct tx *tx)
{
    const struct store_batch *batch = tx->request->batch;
    struct store_flow flow;
    if (!batch)
        tx_fail(tx, -EINVAL, "which batch?");
    uint64_t id = batch ? batch_id(tx, batch) : 0;
    if (!tx_flow_lock(tx, id, &flow) || flow.kind != FLOW_BATCH)
        tx_fail(tx, -ENOENT, "there is no batch %" PRIu64, id);
    if (tx->err || !batch)
        return;
    batch_told(tx, &flow, batch);
    if (tx->err)
        return;
    tx_flow_go_on(tx, &flow, false);
    reply_flow(tx, &flow);
}

/* ---- all of it ---- */

void tx_flow_inserted(struct tx *tx)
{
    for (size_t i = 0; i < tx->joined_count && !tx->err; ++i) {
        struct store_flow *flow = &tx->joined[i];
        if (flow->kind == FLOW_CHAIN)
            chain_policy(tx, flow);
        if (flow->kind == FLOW_WORKFLOW)
            steps_inserted(tx);
        else
            members_inserted(tx, flow);
        if (tx->request->batch)
            batch_told(tx, flow, tx->request->batch);
        tx_flow_go_on(tx, flow, false);
    }
    if ((tx->request->workflow || tx->request->batch) && !tx->err)
        reply_flow(tx, tx->joined);
}
