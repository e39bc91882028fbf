/* Clients: one process per app node that asks for the jobs planned there, and writes down what it was told.
 *
 * The outcome of asking is one of three: ok, definitely not, or unknown. A client that dies in the middle of asking (its
 * node, or by an injected crash) leaves unknown outcomes behind; its successor says so and goes on with what is still planned.
 */
#include "scenarios/jobs/adapter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

POINT_ABOUT("client/insert/call", "a client is about to ask for a job");
POINT_ABOUT("client/insert/ok", "the job was acknowledged");
POINT_ABOUT("client/insert/unique", "it is to be the only one of its kind: which");
POINT_ABOUT("client/insert/conflict", "there is one of its kind already: that job");
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

static void ask(struct proc *self, struct app *app, struct item *first, size_t count)
{
    struct job_spec specs[GROUP_MAX];
    uint64_t jobs[GROUP_MAX];
    bool conflicts[GROUP_MAX];
    struct point_site *at = proc_site(self);
    for (size_t i = 0; i < count; i++) {
        struct item *item = &first[i];
        specs[i] = (struct job_spec){.queue = item->queue,
                                     .worker = item->threaded ? "block" : "work",
                                     .args = item->args,
                                     .part = *item->part ? item->part : NULL,
                                     .max_attempts = item->max_attempts,
                                     .timeout_ms = item->timeout_ms,
                                     .within_ms = item->within_ms,
                                     .delay_ms = item->delay_ms,
                                     .unique = item->unique ? &item->uniqueness : NULL};
        jobs[i] = 0;
        conflicts[i] = false;
        item->state = ITEM_CALLING;
        TRACE(at, "client/insert/call", T_U64("key", item->key), T_I64("delay_ms", item->delay_ms),
              T_U64("max", item->max_attempts), T_U64("tx", item->in_transaction),
              T_I64("within_ms", item->within_ms));
        if (item->unique)
            TRACE(at, "client/insert/unique", T_U64("key", item->key),
                  T_U64("unique", item->unique), T_I64("period_ms", item_period_ms(item)));
    }
    int err = jobs_insert(self, app->jobs, specs, count, statements_of(first), jobs, conflicts);
    for (size_t i = 0; i < count; i++)
        note_outcome(app, at, &first[i], err, jobs[i], conflicts[i]);
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
        ask(self, app, first, count);
    }
}
