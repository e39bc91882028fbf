/* Clients: one process per app node that asks for the jobs planned there, and writes down what it was told.
 *
 * The outcome of asking is one of three: ok, definitely not, or unknown. A client that dies in the middle of asking (its
 * node, or by an injected crash) leaves unknown outcomes behind; its successor says so and goes on with what is still planned.
 */
#include "scenarios/jobs/adapter.h"
#include "sut/jobs/internal.h" /* text_number() */
#include "sut/jobs/workflow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

POINT_ABOUT("client/insert/call", "a client is about to ask for a job");
POINT_ABOUT("client/insert/ok", "the job was acknowledged");
POINT_ABOUT("client/insert/unique", "it is to be the only one of its kind: which");
POINT_ABOUT("client/insert/conflict", "there is one of its kind already: that job");
POINT_ABOUT("client/insert/place", "it is to come into this queue, with this priority");
POINT_ABOUT("client/flow/chain", "it is to be in a chain: which");
POINT_ABOUT("client/flow/dep", "it is to wait for another job of its workflow");
POINT_ABOUT("client/flow/member", "it is to be in a batch: which");
POINT_ABOUT("client/flow/callback", "it is to be inserted when that is true of a batch");
POINT_ABOUT("client/flow/opened", "a batch was made, with its callback");
POINT_ABOUT("client/flow/closed", "a batch was closed: nothing more comes into it");
POINT_ABOUT("client/insert/fail", "the job was definitely not inserted");
POINT_ABOUT("client/insert/unknown", "the job may have been inserted");

#define GROUP_MAX 128

static void item_settle(struct adapter *adapter, struct item *item, enum item_state state)
{
    item->state = state;
    adapter->workload.open--;
}

static void note_unknown(struct app *app, struct point_site *at, struct item *item, int err)
{
    TRACE(at, "client/insert/unknown", T_U64("key", item->key), T_I64("err", err));
    item_settle(app->adapter, item, ITEM_UNKNOWN);
}

static void note_outcome(struct app *app, struct point_site *at, struct item *item, int err,
                         uint64_t job, bool conflict)
{
    if (err == 0 && conflict) {
        TRACE(at, "client/insert/conflict", T_U64("key", item->key), T_U64("job", job));
        item_settle(app->adapter, item, ITEM_FAILED);
    } else if (err == 0) {
        item->job = job;
        TRACE(at, "client/insert/ok", T_U64("key", item->key), T_U64("job", job));
        item_settle(app->adapter, item, ITEM_OK);
    } else if (store_outcome_unknown(err)) {
        note_unknown(app, at, item, err);
    } else {
        TRACE(at, "client/insert/fail", T_U64("key", item->key), T_I64("err", err));
        item_settle(app->adapter, item, ITEM_FAILED);
    }
}

/* Statements of the caller, in the same transaction. The second kind can only fail, and takes the jobs with it. */
static const char *statements_of(const struct item *item)
{
    if (item->rolled_back)
        return "INSERT INTO orders DEFAULT VALUES; INSERT INTO no_such_table VALUES (1)";
    if (item->in_transaction)
        return "INSERT INTO orders DEFAULT VALUES";
    return NULL;
}

/* 0: for ever. */
static int64_t item_period_ms(const struct item *item)
{
    int64_t period_ms = item->uniqueness.period_ms;
    return period_ms == JOB_UNIQUE_FOREVER ? 0 : period_ms;
}

static struct job_spec spec_of(const struct item *item)
{
    return (struct job_spec){.queue = item->queue,
                             .worker = item->threaded ? "block" : "work",
                             .args = item->args,
                             .part = *item->part ? item->part : NULL,
                             .max_attempts = item->max_attempts,
                             .timeout_ms = item->timeout_ms,
                             .within_ms = item->within_ms,
                             .priority = item->priority,
                             .delay_ms = item->delay_ms,
                             .encrypted = item->encrypted,
                             .unique = item->unique ? &item->uniqueness : NULL};
}

static void note_call(struct point_site *at, struct item *item)
{
    item->state = ITEM_CALLING;
    TRACE(at, "client/insert/call", T_U64("key", item->key), T_I64("delay_ms", item->delay_ms),
          T_U64("max", item->max_attempts), T_U64("tx", item->in_transaction),
          T_I64("within_ms", item->within_ms));
    if (item->unique)
        TRACE(at, "client/insert/unique", T_U64("key", item->key), T_U64("unique", item->unique),
              T_I64("period_ms", item_period_ms(item)));
    if (item->placed)
        TRACE(at, "client/insert/place", T_U64("key", item->key), T_STR("queue", item->queue),
              T_U64("priority", item->priority));
    if (item->chain)
        TRACE(at, "client/flow/chain", T_U64("key", item->key), T_U64("chain", item->chain));
}

/* Jobs of one insert; `batch` 0: in none. */
static void ask(struct proc *self, struct app *app, struct item *first, size_t count,
                uint64_t batch)
{
    struct job_spec specs[GROUP_MAX];
    uint64_t jobs[GROUP_MAX];
    bool conflicts[GROUP_MAX];
    char chains[GROUP_MAX][32];
    struct point_site *at = proc_site(self);
    for (size_t i = 0; i < count; i++) {
        struct item *item = &first[i];
        specs[i] = spec_of(item);
        specs[i].flow = batch;
        text_number(chains[i], "chain ", item->chain);
        specs[i].chain = item->chain ? chains[i] : NULL;
        specs[i].policy = (struct flow_policy){item->reaction, item->reaction, FLOW_DEFAULT};
        jobs[i] = 0;
        conflicts[i] = false;
        note_call(at, item);
        if (batch)
            TRACE(at, "client/flow/member", T_U64("key", item->key), T_U64("batch", item->group));
    }
    int err = jobs_insert(self, app->jobs, specs, count, statements_of(first), jobs, conflicts);
    for (size_t i = 0; i < count; i++)
        note_outcome(app, at, &first[i], err, jobs[i], conflicts[i]);
}

/* ---- a group as a workflow ---- */

static void add_step(struct workflow *workflow, struct point_site *at, struct heap *heap,
                     struct item *first, size_t index)
{
    struct item *item = &first[index];
    const char **deps = heap_alloc(heap, 65 * sizeof *deps);
    size_t count = 0;
    enum flow_reaction gone = item->reaction == FLOW_HOLD ? FLOW_DEFAULT : item->reaction;
    for (size_t i = 0; i < index && i < 64; i++) {
        struct item *dep = item - 1 - i;
        if (!(item->deps >> i & 1))
            continue;
        TRACE(at, "client/flow/dep", T_U64("key", item->key), T_U64("dep", dep->key),
              T_STR("else", item->reaction == FLOW_RUN ? "run" : "cancel"));
        deps[count++] = dep->args; /* as a name */
    }
    workflow_add(workflow,
                 &(struct workflow_step){.name = item->args,
                                         .spec = spec_of(item),
                                         .deps = deps,
                                         .policy = {item->reaction, item->reaction, gone}});
}

static void ask_workflow(struct proc *self, struct app *app, struct item *first, size_t count)
{
    uint64_t jobs[GROUP_MAX] = {0}, flow;
    char why[160], name[32];
    struct point_site *at = proc_site(self);
    struct heap *heap = heap_child(proc_heap(self));
    text_number(name, "flow ", first->group);
    struct workflow *workflow = workflow_new(heap, name);
    for (size_t i = 0; i < count; i++) {
        note_call(at, &first[i]);
        add_step(workflow, at, heap, first, i);
    }
    int err = workflow_insert(self, app->jobs, workflow, &flow, jobs, why, sizeof why);
    for (size_t i = 0; i < count; i++)
        note_outcome(app, at, &first[i], err, jobs[i], false);
    heap_free(heap);
}

/* ---- a group as a batch ---- */

#define BATCH_TRIES   200
#define BATCH_WAIT_NS (2 * NS_PER_S)

/* Until it is answered: asking again is safe. 0: in vain. */
static uint64_t tell(struct proc *self, struct app *app, const struct store_batch *batch)
{
    uint64_t id;
    for (int i = 0; i < BATCH_TRIES; i++) {
        if (batch_tell(self, app->jobs, batch, &id) == 0)
            return id;
        proc_sleep(self, BATCH_WAIT_NS);
    }
    return 0;
}

static struct store_callback callback_of(struct point_site *at, struct item *item)
{
    item->delay_ms = item->timeout_ms = item->within_ms = 0;
    if (item->state == ITEM_PLANNED) {
        note_call(at, item);
        TRACE(at, "client/flow/callback", T_U64("key", item->key), T_U64("batch", item->group),
              T_STR("event", flow_event_word(item->event)));
    }
    struct store_callback back = {item->event, spec_of(item)};
    back.spec.part = NULL;
    return back;
}

static uint64_t open_batch(struct proc *self, struct app *app, struct item *callback)
{
    char name[32];
    struct point_site *at = proc_site(self);
    text_number(name, "batch ", callback->group);
    struct store_callback back = callback_of(at, callback);
    uint64_t batch = tell(
        self, app, &(struct store_batch){.name = name, .callbacks = &back, .callback_count = 1});
    if (batch)
        TRACE(at, "client/flow/opened", T_U64("batch", callback->group));
    if (callback->state == ITEM_CALLING)
        note_unknown(app, at, callback, -EINTR); /* whether it will ever be is not known yet */
    return batch;
}

/* In two inserts. What a client before this one did of it is left out. */
static void ask_batch(struct proc *self, struct app *app, struct item *first, size_t count)
{
    struct item *callback = &first[count - 1];
    uint64_t batch = open_batch(self, app, callback);
    for (size_t i = 0, end; batch && i + 1 < count; i = end) {
        end = i == 0 && count > 2 ? count / 2 : count - 1;
        ask(self, app, &first[i], end - i, batch);
    }
    for (size_t i = 0; !batch && i + 1 < count; i++) {
        note_call(proc_site(self), &first[i]);
        note_outcome(app, proc_site(self), &first[i], -EBUSY, 0, false);
    }
    if (batch && tell(self, app, &(struct store_batch){.id = batch, .close = true}))
        TRACE(proc_site(self), "client/flow/closed", T_U64("batch", callback->group));
}

/* In one insert, with all that there is to say of it. */
static void ask_whole_batch(struct proc *self, struct app *app, struct item *first, size_t count)
{
    struct job_spec specs[GROUP_MAX];
    uint64_t jobs[GROUP_MAX] = {0}, batch;
    bool conflicts[GROUP_MAX] = {false};
    char name[32];
    struct point_site *at = proc_site(self);
    struct item *last = &first[count - 1];
    struct store_callback back = callback_of(at, last);
    text_number(name, "batch ", last->group);
    for (size_t i = 0; i + 1 < count; i++) {
        specs[i] = spec_of(&first[i]);
        note_call(at, &first[i]);
        TRACE(at, "client/flow/member", T_U64("key", first[i].key), T_U64("batch", last->group));
    }
    int err = batch_insert(
        self, app->jobs,
        &(struct store_batch){.name = name, .callbacks = &back, .callback_count = 1, .close = true},
        specs, count - 1, &batch, jobs, conflicts);
    for (size_t i = 0; i + 1 < count; i++)
        note_outcome(app, at, &first[i], err, jobs[i], conflicts[i]);
    note_unknown(app, at, last, -EINTR);
    if (err)
        return;
    TRACE(at, "client/flow/opened", T_U64("batch", last->group));
    TRACE(at, "client/flow/closed", T_U64("batch", last->group));
}

static void ask_group(struct proc *self, struct app *app, struct item *first, size_t count)
{
    switch (first->flow) {
    case ITEM_ALONE: ask(self, app, first, count, 0); break;
    case ITEM_STEP: ask_workflow(self, app, first, count); break;
    case ITEM_IN_BATCH:
        (first->group % 2 ? ask_batch : ask_whole_batch)(self, app, first, count);
        break;
    }
}

/* What the client before this one was asking for when it died. */
static void confess(struct app *app, struct point_site *at)
{
    struct workload *workload = &app->adapter->workload;
    for (size_t i = 0; i < workload->count; i++) {
        struct item *item = &workload->items[i];
        if (item->node == app->index && item->state == ITEM_CALLING)
            note_unknown(app, at, item, -EINTR);
    }
}

/* The planned group of this node that comes first in time. */
static struct item *next_group(struct app *app, size_t *ret_count)
{
    struct workload *workload = &app->adapter->workload;
    struct item *first = NULL;
    for (size_t i = 0; i < workload->count; i++) {
        struct item *item = &workload->items[i];
        if (item->node == app->index && item->state == ITEM_PLANNED &&
            (!first || item->at_ns < first->at_ns))
            first = item;
    }
    struct item *end = workload->items + workload->count;
    size_t count = 0;
    while (first && first + count < end && first[count].group == first->group && count < GROUP_MAX)
        count++;
    *ret_count = count;
    return first;
}

void client_main(struct proc *self, void *arg)
{
    struct app *app = arg;
    struct item *first;
    size_t count;
    confess(app, proc_site(self));
    while ((first = next_group(app, &count))) {
        int64_t wait_ns = app->adapter->start_ns + first->at_ns - proc_now(self);
        if (wait_ns > 0)
            proc_sleep(self, wait_ns);
        ask_group(self, app, first, count);
    }
}
