/* sql_trace.c: the events of the database, recorded when a transaction has been committed, in
 * the order of its effects. A node that dies between the commit and this leaves effects without
 * events: whoever reads a trace must allow for a transaction that was under way at a death. Without
 * points nothing of this file is reached. */
#include "sut/store/sql.h"

#include "sut/jobs/unique.h"

#include <string.h>

POINT_ABOUT("store/job/insert", "A job came to be.");
POINT_ABOUT("store/job/claim", "A job was handed out, under a new lease token.");
POINT_ABOUT("store/job/finish",
            "An acknowledgement changed a job; lease: the token that was shown.");
POINT_ABOUT("store/job/stale", "An acknowledgement was refused; state: what the job is in.");
POINT_ABOUT("store/job/stage", "A scheduled or retryable job fell due and became available.");
POINT_ABOUT("store/job/rescue", "The lease of an executing job had run out.");
POINT_ABOUT("store/job/expire", "The deadline of a job passed while it waited.");
POINT_ABOUT("store/job/retry", "A job was made available by hand.");
POINT_ABOUT("store/job/update",
            "A job was changed by hand; delay_ms: it is due then; -1: as it was.");
POINT_ABOUT("store/job/note",
            "A running job left word of itself; checkpoint: 1, for its next run.");
POINT_ABOUT("store/job/delete", "A job was deleted by hand; state: what it was in.");
POINT_ABOUT("store/job/prune",
            "A job was removed: its state's time, keep_ms, is over since it ended.");
POINT_ABOUT("store/job/unique",
            "A job holds a unique key from now on, while it is in one of these states (bits).");
POINT_ABOUT(
    "store/job/conflict",
    "A unique job was asked for, and this one holds its key; period_ms and states: as asked "
    "for, 0: for ever, or by when it is due.");
POINT_ABOUT("store/job/release",
            "A job gave its unique key up to one that was asked for: in none of these states, or "
            "older than this.");
POINT_ABOUT("store/job/yield", "A job came back without its unique key: another one holds it.");
POINT_ABOUT("store/job/replace", "The holder of a unique key took over what was asked for.");
POINT_ABOUT("store/job/cancel",
            "A job was cancelled by hand, or because of one that it waited for.");
POINT_ABOUT("store/flow/release", "A suspended job waits for no other any more.");
POINT_ABOUT("store/flow/callback", "A batch called back: a job was inserted for it.");
POINT_ABOUT("store/flow/insert", "Jobs came into a workflow, a batch or a chain.");

POINT_ABOUT("store/job/part", "The job just claimed shares its limits with others of that part.");
POINT_ABOUT("store/queue/forget", "All that was said of a queue was taken back.");
POINT_ABOUT("store/queue/set",
            "What is said of a queue was changed; -1: no limit. One that is stopped is paused.");
POINT_ABOUT("store/queue/hint", "Something is said of a queue on one node, or of every queue.");

void tx_note(struct tx *tx, struct change change)
{
    if (tx->change_count == tx->change_capacity) {
        tx->change_capacity = tx->change_capacity ? 2 * tx->change_capacity : 16;
        tx->changes =
            heap_realloc(tx->heap, tx->changes, tx->change_capacity * sizeof *tx->changes);
    }
    tx->changes[tx->change_count++] = change;
}

static void trace_inserts(struct point_site *site, const struct tx *tx)
{
    for (size_t i = 0; i < tx->reply->id_count; ++i) {
        const struct job_spec *spec = &tx->specs[i];
        if (tx->reply->conflicts && tx->reply->conflicts[i])
            continue;
        TRACE(site, "store/job/insert", T_U64("job", tx->reply->ids[i]),
              T_STR("state", job_state_word(job_spec_state(spec, tx->now_ms))),
              T_I64("delay_ms", job_spec_due_ms(spec, tx->now_ms) - tx->now_ms));
        (void)spec;
    }
    for (size_t i = 0; i < tx->joined_count; ++i)
        TRACE(site, "store/flow/insert", T_U64("flow", tx->joined[i].id),
              T_STR("kind", flow_kind_word(tx->joined[i].kind)), T_U64("jobs", tx->joined[i].jobs));
}

static void trace_claims(struct point_site *site, const struct tx *tx)
{
    for (size_t i = 0; i < tx->reply->job_count; ++i) {
        const struct job *job = &tx->reply->jobs[i];
        TRACE(site, "store/job/claim", T_U64("job", job->id), T_U64("lease", job->lease),
              T_U64("attempt", job->attempt), T_U64("max", job->max_attempts),
              T_STR("queue", job->queue));
        if (*job->part)
            TRACE(site, "store/job/part", T_U64("job", job->id), T_STR("queue", job->queue),
                  T_STR("part", job->part));
    }
}

static bool spoken_of(const struct store_request *request, const char *queue)
{
    for (size_t i = 0; i < request->rule_count; ++i)
        if (strcmp(request->rules[i].name, queue) == 0 ||
            strcmp(request->rules[i].name, QUEUE_EVERY) == 0)
            return true;
    return false;
}

/* Stopped everywhere, and started on none of them. */
static bool stopped(const struct store_reply *reply, const struct store_queue *queue)
{
    for (size_t i = 0; i < reply->rule_count; ++i)
        if (strcmp(reply->rules[i].name, queue->name) == 0 && reply->rules[i].runs == 1)
            return false;
    return queue->runs == 0;
}

static void trace_rules(struct point_site *site, const struct tx *tx)
{
    for (size_t i = 0; i < tx->reply->rule_count; ++i) {
        const struct store_queue *rule = &tx->reply->rules[i];
        if (!spoken_of(tx->request, rule->name))
            continue;
        if (rule->node[0] || strcmp(rule->name, QUEUE_EVERY) == 0) {
            TRACE(site, "store/queue/hint", T_STR("queue", rule->name), T_STR("at", rule->node),
                  T_U64("paused", rule->paused), T_I64("local", rule->local_limit),
                  T_I64("runs", rule->runs));
            continue;
        }
        bool off = stopped(tx->reply, rule);
        TRACE(site, "store/queue/set", T_STR("queue", rule->name),
              T_U64("paused", rule->paused || off), T_I64("global", rule->global_limit),
              T_I64("part", rule->part_limit), T_I64("rate", rule->rate),
              T_I64("rate_ms", rule->rate_ms), T_U64("by_part", rule->rate_by_part),
              T_I64("age_ms", rule->age_ms));
        (void)off;
    }
}

/* 0: it runs for ever, or not from the insert. */
__attribute__((unused)) static int64_t period_of(const struct job_unique *unique)
{
    int64_t period_ms = job_unique_period_ms(unique);
    return period_ms == JOB_UNIQUE_FOREVER || unique->by_schedule ? 0 : period_ms;
}

static void trace_change(struct point_site *site, const struct change *change)
{
    switch (change->kind) {
    case CHANGE_FINISH:
        TRACE(site, "store/job/finish", T_U64("job", change->id), T_U64("lease", change->lease),
              T_STR("state", change->state), T_U64("attempt", change->attempt),
              T_U64("max", change->max_attempts), T_I64("delay_ms", change->delay_ms));
        break;
    case CHANGE_STALE:
        TRACE(site, "store/job/stale", T_U64("job", change->id), T_U64("lease", change->lease),
              T_STR("state", change->state));
        break;
    case CHANGE_STAGE: TRACE(site, "store/job/stage", T_U64("job", change->id)); break;
    case CHANGE_RESCUE:
        TRACE(site, "store/job/rescue", T_U64("job", change->id), T_U64("lease", change->lease),
              T_STR("state", change->state), T_U64("crashes", change->crashes),
              T_U64("limit", change->crash_limit));
        break;
    case CHANGE_EXPIRE:
        TRACE(site, "store/job/expire", T_U64("job", change->id), T_STR("state", change->state));
        break;
    case CHANGE_RETRY:
        TRACE(site, "store/job/retry", T_U64("job", change->id), T_STR("state", change->state));
        break;
    case CHANGE_UPDATE:
        TRACE(site, "store/job/update", T_U64("job", change->id), T_STR("state", change->state),
              T_I64("delay_ms", change->delay_ms));
        break;
    case CHANGE_NOTE:
        TRACE(site, "store/job/note", T_U64("job", change->id), T_U64("lease", change->lease),
              T_U64("checkpoint", change->attempt));
        break;
    case CHANGE_DELETE:
        TRACE(site, "store/job/delete", T_U64("job", change->id), T_STR("state", change->state));
        break;
    case CHANGE_PRUNE:
        TRACE(site, "store/job/prune", T_U64("job", change->id), T_STR("state", change->state),
              T_I64("keep_ms", change->delay_ms));
        break;
    case CHANGE_CANCEL:
        TRACE(site, "store/job/cancel", T_U64("job", change->id), T_STR("state", change->state));
        break;
    case CHANGE_UNIQUE:
        TRACE(site, "store/job/unique", T_U64("job", change->id), T_STR("unique", change->key),
              T_U64("states", job_unique_states(change->unique)));
        break;
    case CHANGE_CONFLICT:
        TRACE(site, "store/job/conflict", T_U64("job", change->id), T_STR("unique", change->key),
              T_I64("period_ms", period_of(change->unique)),
              T_U64("states", job_unique_states(change->unique)));
        break;
    case CHANGE_RELEASE:
        TRACE(site, "store/job/release", T_U64("job", change->id), T_STR("unique", change->key),
              T_I64("period_ms", period_of(change->unique)),
              T_U64("states", job_unique_states(change->unique)));
        break;
    case CHANGE_YIELD: TRACE(site, "store/job/yield", T_U64("job", change->id)); break;
    case CHANGE_REPLACE:
        TRACE(site, "store/job/replace", T_U64("job", change->id), T_STR("state", change->state));
        break;
    case CHANGE_FLOW_RELEASE:
        TRACE(site, "store/flow/release", T_U64("job", change->id), T_STR("state", change->state),
              T_U64("flow", change->flow));
        break;
    case CHANGE_CALLBACK:
        TRACE(site, "store/job/insert", T_U64("job", change->id), T_STR("state", "available"),
              T_I64("delay_ms", 0));
        TRACE(site, "store/flow/callback", T_U64("flow", change->flow),
              T_STR("event", change->state), T_U64("job", change->id));
        break;
    default: tx_trace_cron(site, change); break;
    }
}

void tx_trace(struct tx *tx)
{
    if (!tx_traced(tx))
        return;
    struct point_site *site = &tx->store->env->site;
    if (tx->request->op == STORE_INSERT)
        trace_inserts(site, tx);
    if (tx->request->op == STORE_QUEUE_SET)
        trace_rules(site, tx);
    for (size_t i = 0; tx->request->op == STORE_QUEUE_FORGET && i < tx->request->queue_count; ++i)
        TRACE(site, "store/queue/forget", T_STR("queue", tx->request->queues[i]));
    for (size_t i = 0; i < tx->change_count; ++i)
        trace_change(site, &tx->changes[i]);
    if (tx->request->op == STORE_CLAIM || tx->request->op == STORE_ACK)
        trace_claims(site, tx);
}
