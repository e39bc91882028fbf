/* queue.c: what the store knows of a queue, and which jobs of it may be claimed.
 *
 * A queue that nobody has said anything about has no row here, and its claims pay one look. Of the others the row is locked
 * while a claim counts, so that two claims at once do not both find the last place. What runs is counted from the jobs
 * themselves (an index holds those that count), so that no count can be wrong after a crash; what has begun is a log of
 * numbers (duress_begun), from which a rate is kept in any window of its length, not only in those that begin at its multiples.
 *
 * Parts take turns: a claim looks at PARTS_MAX of them at most, beginning behind the one that was served last. */
#include "sut/store/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 256 };
_Static_assert(JOB_PRIORITY_MAX == 9, "the levels of AGED_LEVELS are the priorities");

/* ---- rules ---- */

static struct store_queue rule_row(struct tx *tx, struct tx_stmt *stmt)
{
    return (struct store_queue){
        .name = heap_strdup(tx->heap, tx_column_text(tx, stmt, 0)),
        .paused = tx_column_int(tx, stmt, 1),
        .local_limit = tx_column_int(tx, stmt, 2),
        .global_limit = tx_column_int(tx, stmt, 3),
        .part_limit = tx_column_int(tx, stmt, 4),
        .rate = tx_column_int(tx, stmt, 5),
        .rate_ms = tx_column_int(tx, stmt, 6),
        .rate_by_part = tx_column_int(tx, stmt, 7),
        .turn = heap_strdup(tx->heap, tx_column_text(tx, stmt, 8)),
        .node = heap_strdup(tx->heap, tx_column_text(tx, stmt, 9)),
        .runs = (int)tx_column_int(tx, stmt, 10),
        .age_ms = tx_column_int(tx, stmt, 11),
    };
}

/* Mostly nothing is said of any queue. On a server one question less counts for more than what each one costs. */
static bool anything_ruled(struct tx *tx)
{
    bool some = false;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_RULED);
    while (tx_step(tx, stmt))
        some = true;
    return some;
}

bool tx_rule(struct tx *tx, const char *queue, struct store_queue *ret_rule)
{
    if (tx->store->backend->alone && !anything_ruled(tx))
        return false;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_RULE);
    struct store_queue rules[4]; /* it, or every queue; here, or everywhere */
    const char *node = tx->request->node ? tx->request->node : "";
    size_t count = 0;
    tx_bind_text(tx, stmt, 1, queue);
    tx_bind_text(tx, stmt, 2, node);
    while (tx_step(tx, stmt))
        if (count < sizeof rules / sizeof *rules)
            rules[count++] = rule_row(tx, stmt);
    if (count)
        *ret_rule = store_queue_at(rules, count, queue, node);
    return count > 0;
}

static void reply_rule(struct tx *tx, struct store_queue rule)
{
    struct store_reply *reply = tx->reply;
    if ((reply->rule_count & (reply->rule_count - 1)) == 0) /* room for powers of two */
        reply->rules =
            heap_realloc(tx->heap, reply->rules,
                         (reply->rule_count ? 2 * reply->rule_count : 1) * sizeof *reply->rules);
    reply->rules[reply->rule_count++] = rule;
}

static bool asked_for(const struct store_request *request, const char *name)
{
    for (size_t i = 0; i < request->queue_count; ++i)
        if (strcmp(request->queues[i], name) == 0)
            return true;
    return false;
}

void tx_reply_rules(struct tx *tx, bool all)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_RULES);
    while (tx_step(tx, stmt))
        if (all || asked_for(tx->request, tx_column_text(tx, stmt, 0)))
            reply_rule(tx, rule_row(tx, stmt));
}

bool tx_paused(const struct tx *tx, const char *queue)
{
    const struct store_reply *reply = tx->reply;
    struct store_queue rule =
        store_queue_at(reply->rules, reply->rule_count, queue, tx->request->node);
    return rule.paused || rule.runs == 0;
}

void tx_queues(struct tx *tx)
{
    tx_reply_rules(tx, tx->request->queue_count == 0);
}

/* ---- changing them ---- */

static const char *node_of(const struct store_queue *rule)
{
    return rule->node ? rule->node : "";
}

static bool every(const struct store_queue *rule)
{
    return strcmp(rule->name, QUEUE_EVERY) == 0;
}

static void rule_check(struct tx *tx, const struct store_queue *rule, unsigned fields)
{
    if (!rule->name || !rule->name[0] || strlen(rule->name) > JOB_QUEUE_MAX)
        tx_fail(tx, -EINVAL, "a queue's name must have 1 to %d bytes", JOB_QUEUE_MAX);
    else if ((fields & ~QUEUE_NODE_FIELDS) && (node_of(rule)[0] || every(rule)))
        tx_fail(tx, -EINVAL,
                "limits over all nodes, parts, rates and ageing are those of one whole queue");
    else if (strlen(node_of(rule)) > QUEUE_NODE_MAX)
        tx_fail(tx, -EINVAL, "a node's name has %d bytes at most", QUEUE_NODE_MAX);
    else if (((fields & QUEUE_LOCAL) && rule->local_limit < -1) ||
             ((fields & QUEUE_GLOBAL) && rule->global_limit < -1) ||
             ((fields & QUEUE_PART) && rule->part_limit < -1))
        tx_fail(tx, -EINVAL, "queue %s: a limit must not be negative (-1: none)", rule->name);
    else if ((fields & QUEUE_RATE) && (rule->rate < -1 || rule->rate_ms <= 0))
        tx_fail(tx, -EINVAL, "queue %s: a rate is a number of jobs within a time", rule->name);
    else if ((fields & QUEUE_AGE) && (rule->age_ms < 0 || rule->age_ms > JOB_DELAY_MAX_MS))
        tx_fail(tx, -EINVAL, "queue %s: ageing takes a time, up to 100 years (0: none)",
                rule->name);
}

static void bind_if(struct tx *tx, struct tx_stmt *stmt, int index, bool set, int64_t value)
{
    if (set)
        tx_bind_int(tx, stmt, index, value);
    else
        tx_bind_null(tx, stmt, index); /* stays as it is */
}

static struct tx_stmt *rule_change(struct tx *tx, enum statement statement,
                                   const struct store_queue *rule)
{
    struct tx_stmt *stmt = tx_statement(tx, statement);
    tx_bind_text(tx, stmt, 1, rule->name);
    tx_bind_text(tx, stmt, 2, node_of(rule));
    return stmt;
}

static void rule_set(struct tx *tx, const struct store_queue *rule, unsigned fields)
{
    tx_run(tx, rule_change(tx, STATEMENT_RULE_NEW, rule));
    struct tx_stmt *stmt = rule_change(tx, STATEMENT_RULE_SET, rule);
    bind_if(tx, stmt, 3, fields & QUEUE_PAUSED, rule->paused);
    bind_if(tx, stmt, 4, fields & QUEUE_LOCAL, rule->local_limit);
    bind_if(tx, stmt, 5, fields & QUEUE_RUNS, rule->runs);
    bind_if(tx, stmt, 6, fields & QUEUE_GLOBAL, rule->global_limit);
    bind_if(tx, stmt, 7, fields & QUEUE_PART, rule->part_limit);
    bind_if(tx, stmt, 8, fields & QUEUE_RATE, rule->rate);
    bind_if(tx, stmt, 9, fields & QUEUE_RATE, rule->rate_ms);
    bind_if(tx, stmt, 10, fields & QUEUE_RATE, rule->rate_by_part);
    bind_if(tx, stmt, 11, fields & QUEUE_AGE, rule->age_ms);
    tx->reply->changed += tx_run(tx, stmt);
}

/* What was said of less is not said any more. */
static void rule_widen(struct tx *tx, const struct store_queue *rule, unsigned fields)
{
    if (node_of(rule)[0] && !every(rule))
        return;
    struct tx_stmt *stmt = rule_change(tx, STATEMENT_RULE_WIDE, rule);
    bind_if(tx, stmt, 3, fields & QUEUE_PAUSED, 0);
    bind_if(tx, stmt, 4, fields & QUEUE_LOCAL, -1);
    bind_if(tx, stmt, 5, fields & QUEUE_RUNS, -1);
    tx_run(tx, stmt);
}

void tx_queue_set(struct tx *tx)
{
    const struct store_request *request = tx->request;
    for (size_t i = 0; i < request->rule_count && !tx->err; ++i) {
        const struct store_queue *rule = &request->rules[i];
        rule_check(tx, rule, request->rule_fields);
        if (tx->err)
            return;
        rule_set(tx, rule, request->rule_fields);
        rule_widen(tx, rule, request->rule_fields);
    }
    tx_run(tx, tx_statement(tx, STATEMENT_RULE_TIDY));
    tx_reply_rules(tx, true);
}

void tx_queue_forget(struct tx *tx)
{
    const struct store_request *request = tx->request;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_RULE_DROP);
    for (size_t i = 0; i < request->queue_count && !tx->err; ++i) {
        tx_bind_text(tx, stmt, 1, request->queues[i]);
        tx->reply->changed += tx_run(tx, stmt);
    }
    tx_reply_rules(tx, true);
}

/* ---- how many may be claimed ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What runs in the queue, or in one part of it. */
static int64_t running(struct tx *tx, const char *queue, const char *part)
{
    struct tx_stmt *stmt = tx_statement(tx, part ? STATEMENT_PART_RUNNING : STATEMENT_RUNNING);
    int64_t count = 0;
    tx_bind_text(tx, stmt, 1, queue);
    if (part)
        tx_bind_text(tx, stmt, 2, part);
    while (tx_step(tx, stmt))
        count = tx_column_int(tx, stmt, 0);
    return count;
}

/* The earliest moment at which a rate lets more go. */
static void hold(struct tx *tx, int64_t ms)
{
    struct store_reply *reply = tx->reply;
    if (!reply->hold_ms || ms < reply->hold_ms)
        reply->hold_ms = ms;
}

static int64_t rate_room(struct tx *tx, const struct store_queue *rule, const char *part)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_BEGUN);
    int64_t begun = 0, first_ms = 0;
    tx_bind_text(tx, stmt, 1, rule->name);
    tx_bind_text(tx, stmt, 2, part);
    tx_bind_int(tx, stmt, 3, tx->now_ms - rule->rate_ms);
    while (tx_step(tx, stmt)) {
        begun = tx_column_int(tx, stmt, 0);
        first_ms = tx_column_int(tx, stmt, 1);
    }
    if (begun > 0 && begun >= rule->rate)
        hold(tx, first_ms + rule->rate_ms - tx->now_ms);
    return rule->rate - begun;
}

/* Of the queue, or of one part of it. */
static int64_t room(struct tx *tx, const struct store_queue *rule, const char *part)
{
    int64_t limit = part ? rule->part_limit : rule->global_limit, room = INT64_MAX;
    if (limit >= 0)
        room = limit - running(tx, rule->name, part);
    if (rule->rate >= 0 && rule->rate_by_part == (part != NULL))
        room = least(room, rate_room(tx, rule, part ? part : ""));
    return room > 0 ? room : 0;
}

/* ---- which ---- */

int tx_claim_order(const void *left, const void *right)
{
    const struct job *a = left, *b = right;
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    if (a->scheduled_ms != b->scheduled_ms)
        return a->scheduled_ms < b->scheduled_ms ? -1 : 1;
    return a->id < b->id ? -1 : 1;
}

/* Where jobs are looked for: all of the queue, those of no part, those of one. By age if the queue says so. */
enum place { ANYWHERE, IN_NO_PART, IN_PART };

static const struct {
    enum statement strict, aged;
    int first; /* parameter of the strict one; of the other it is 1 */
} places[] = {
    [ANYWHERE] = {STATEMENT_READY, STATEMENT_AGED_READY, 2},
    [IN_NO_PART] = {STATEMENT_FREE_READY, STATEMENT_AGED_FREE, 1},
    [IN_PART] = {STATEMENT_PART_READY, STATEMENT_AGED_PART, 1},
};

static void find(struct tx *tx, const struct store_queue *rule, enum place place, const char *part,
                 int64_t limit)
{
    bool aged = rule->age_ms > 0;
    int next = aged ? 1 : places[place].first;
    struct tx_stmt *stmt = tx_statement(tx, aged ? places[place].aged : places[place].strict);
    tx_bind_text(tx, stmt, next++, rule->name);
    if (place == IN_PART)
        tx_bind_text(tx, stmt, next++, part);
    tx_bind_int(tx, stmt, next++, limit);
    if (aged)
        tx_bind_int(tx, stmt, next, rule->age_ms);
    tx_reply_jobs(tx, stmt);
}

/* The next part that has jobs, behind `part`; NULL: none. */
static const char *part_next(struct tx *tx, const char *queue, const char *part)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_PART_NEXT);
    const char *next = NULL;
    tx_bind_text(tx, stmt, 1, queue);
    tx_bind_text(tx, stmt, 2, part);
    while (tx_step(tx, stmt))
        next = heap_strdup(tx->heap, tx_column_text(tx, stmt, 0));
    return next;
}

/* Once around, or until PARTS_MAX were looked at: then the next claim goes on from there. */
static const char *find_in_parts(struct tx *tx, const struct store_queue *rule, int64_t most)
{
    const char *part = rule->turn;
    bool around = false;
    for (int count = 0; count < PARTS_MAX; ++count) {
        const char *next = part_next(tx, rule->name, part);
        if (!next && !around) {
            around = true;
            next = part_next(tx, rule->name, "");
        }
        if (!next || (around && strcmp(next, rule->turn) > 0))
            return rule->turn;
        int64_t wanted = least(most, room(tx, rule, next));
        if (wanted > 0)
            find(tx, rule, IN_PART, next, wanted);
        part = next;
    }
    return part;
}

static void serve_turn(struct tx *tx, const struct store_queue *rule, const char *turn)
{
    if (strcmp(turn, rule->turn) == 0)
        return;
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_RULE_TURN);
    tx_bind_text(tx, stmt, 1, rule->name);
    tx_bind_text(tx, stmt, 2, turn);
    tx_run(tx, stmt);
}

/* ---- the order of what was found in several places ---- */

struct aged {
    int64_t due_ms; /* as if */
    struct job job;
};

static int aged_order(const void *left, const void *right)
{
    const struct aged *a = left, *b = right;
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms ? -1 : 1;
    return a->job.id < b->job.id ? -1 : 1;
}

static void put_in_order(struct tx *tx, int64_t age_ms)
{
    struct store_reply *reply = tx->reply;
    size_t count = reply->job_count;
    if (count < 2)
        return;
    if (age_ms == 0) {
        qsort(reply->jobs, count, sizeof *reply->jobs, tx_claim_order);
        return;
    }
    struct aged *aged = heap_alloc(tx->heap, count * sizeof *aged);
    for (size_t i = 0; i < count; ++i) {
        const struct job *job = &reply->jobs[i];
        aged[i] = (struct aged){job->scheduled_ms + (int64_t)job->priority * age_ms, *job};
    }
    qsort(aged, count, sizeof *aged, aged_order);
    for (size_t i = 0; i < count; ++i)
        reply->jobs[i] = aged[i].job;
}

void tx_find_ruled(struct tx *tx, const struct store_queue *rule)
{
    struct store_reply *reply = tx->reply;
    reply->job_count = 0;
    if (rule->paused || rule->runs == 0)
        return;
    int64_t most = least((int64_t)tx->request->limit, room(tx, rule, NULL));
    if (most == 0)
        return;
    if (rule->part_limit < 0 && !(rule->rate >= 0 && rule->rate_by_part)) {
        find(tx, rule, ANYWHERE, NULL, most);
        return;
    }
    find(tx, rule, IN_NO_PART, NULL, most);
    serve_turn(tx, rule, find_in_parts(tx, rule, most));
    put_in_order(tx, rule->age_ms);
    if (reply->job_count > (size_t)most)
        reply->job_count = (size_t)most;
}

/* ---- what was claimed ---- */

/* From now on it counts as running. */
static void mark(struct tx *tx, const struct job *job)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_PART_MARK);
    tx_bind_int(tx, stmt, 1, (int64_t)job->id);
    tx_run(tx, stmt);
}

static void begun_add(struct tx *tx, const struct store_queue *rule, const char *part, size_t count)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_BEGUN_ADD);
    tx_bind_text(tx, stmt, 1, rule->name);
    tx_bind_text(tx, stmt, 2, part);
    tx_bind_int(tx, stmt, 3, tx->now_ms);
    tx_bind_int(tx, stmt, 4, (int64_t)count);
    tx_run(tx, stmt);
}

static void begun_drop(struct tx *tx, const struct store_queue *rule)
{
    struct tx_stmt *stmt = tx_statement(tx, STATEMENT_BEGUN_DROP);
    tx_bind_text(tx, stmt, 1, rule->name);
    tx_bind_int(tx, stmt, 2, tx->now_ms - rule->rate_ms);
    tx_run(tx, stmt);
}

void tx_claimed_ruled(struct tx *tx, const struct store_queue *rule)
{
    const struct store_reply *reply = tx->reply;
    for (size_t i = 0; i < reply->job_count && rule->global_limit >= 0; ++i)
        if (!*reply->jobs[i].part)
            mark(tx, &reply->jobs[i]);
    if (rule->rate < 0 || reply->job_count == 0)
        return;
    begun_drop(tx, rule);
    if (!rule->rate_by_part)
        begun_add(tx, rule, "", reply->job_count);
    for (size_t i = 0; i < reply->job_count && rule->rate_by_part; ++i)
        if (*reply->jobs[i].part)
            begun_add(tx, rule, reply->jobs[i].part, 1);
}
