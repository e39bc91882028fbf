/* unique.c: jobs of which there is one at a time.
 *
 * The database records who takes a key, and who gives it up; whether a job holds its key follows from its state. What clients
 * asked for is known from their own words: which kind, for how long, and what they were told. The database's clock is the
 * judge of periods, as it drifts and steps; its readings lie between a call and the record of the commit. */
#include "properties/clocks.h"
#include "properties/life.h"
#include "properties/table.h"

#include <string.h>

struct job {
    enum life state;
    uint64_t doubts;  /* when the database last said that it holds its key */
    uint64_t key;     /* what it is unique by: of the text; 0: nothing */
    uint64_t states;  /* in which it holds its key: bits */
    bool keyless;     /* it gave its key up */
    int64_t taken_ns; /* when that was recorded */
    int64_t left_ns;  /* when it stopped holding its key last */
    uint64_t ousted;  /* the job that gave the key up for it, as too old; 0: nobody */
    int64_t call_ns;  /* when it was asked for; 0: not known */
};

struct key {
    uint64_t holder; /* job; 0: nobody */
    uint64_t ousted; /* who gave it up just now */
    uint64_t kind;   /* which kind has this key; 0: not known */
};

struct call {
    uint64_t kind; /* 0: not unique */
    int64_t time_ns, period_ms;
};

struct uniques {
    struct doubt doubt;
    struct clocks clocks;
    uint32_t database;  /* node */
    struct table jobs;  /* by job */
    struct table keys;  /* by key */
    struct table calls; /* by what identifies jobs for clients */
    struct table kinds; /* by kind: its key */
};

static struct job *job_of(struct uniques *uniques, const struct event *event)
{
    return TABLE_AT(&uniques->jobs, event_key(event), struct job);
}

static bool doubtful(const struct uniques *uniques, const struct job *job)
{
    return uniques->doubt.faults != (job ? job->doubts : 0);
}

/* Its insert may have been committed without a record, though others of it were recorded since. */
static bool unrecorded(const struct uniques *uniques, const struct job *job)
{
    return uniques->doubt.faults > 0 && (!job || !job->key);
}

static bool states_have(uint64_t states, enum life state)
{
    return state != LIFE_UNKNOWN && (states >> (state - LIFE_AVAILABLE) & 1);
}

static bool holds(const struct job *job)
{
    return job->key && !job->keyless && states_have(job->states, job->state);
}

/* After a change of this job: who holds its key now? NULL judge: only follows. */
static void settle(struct judge *judge, struct uniques *uniques, const struct event *event,
                   struct job *job, bool held)
{
    uint64_t id = event_key(event);
    bool doubt = doubtful(uniques, job);
    if (!job->key)
        return;
    struct key *key = TABLE_AT(&uniques->keys, job->key, struct key);
    if (held && !holds(job)) {
        job->left_ns = event->time_ns;
        if (key->holder == id)
            key->holder = 0;
    }
    if (!holds(job))
        return;
    const struct job *other = key->holder ? table_find(&uniques->jobs, key->holder) : NULL;
    bool rival = key->holder && key->holder != id && !doubt && !doubtful(uniques, other);
    if (judge && rival)
        judge_fail(judge, event, "job %llu, %s, holds the unique key of job %llu, which is %s",
                   (unsigned long long)id, life_word(job->state), (unsigned long long)key->holder,
                   life_word(other->state));
    else if (judge && !held)
        judge_checked(judge);
    key->holder = id;
}

static void move(struct judge *judge, struct uniques *uniques, const struct event *event,
                 enum life state)
{
    struct job *job = job_of(uniques, event);
    bool held = holds(job);
    job->state = state;
    uniques->database = event->node;
    settle(judge, uniques, event, job, held);
}

static void take(struct judge *judge, struct uniques *uniques, const struct event *event)
{
    struct job *job = job_of(uniques, event);
    job->key = hash_text(event_str(event, "unique"));
    job->states = event_u64(event, "states");
    job->taken_ns = event->time_ns;
    job->doubts = uniques->doubt.faults;
    struct key *key = TABLE_AT(&uniques->keys, job->key, struct key);
    job->ousted = key->ousted;
    key->ousted = 0;
    settle(judge, uniques, event, job, false);
}

static void give_up(struct judge *judge, struct uniques *uniques, const struct event *event)
{
    struct job *job = job_of(uniques, event);
    bool held = holds(job), aged = states_have(event_u64(event, "states"), job->state);
    job->keyless = true;
    settle(judge, uniques, event, job, held);
    if (job->key)
        TABLE_AT(&uniques->keys, job->key, struct key)->ousted = aged ? event_key(event) : 0;
}

static void yield(struct judge *judge, struct uniques *uniques, const struct event *event)
{
    struct job *job = job_of(uniques, event);
    bool doubt = doubtful(uniques, job);
    const struct key *key = table_find(&uniques->keys, job->key);
    job->keyless = true;
    if (!judge || doubt || !key)
        return;
    if (key->holder == 0 || key->holder == event_key(event))
        judge_fail(judge, event, "job %llu went on without its unique key, but nobody else held it",
                   (unsigned long long)event_key(event));
    else
        judge_checked(judge);
}

/* What others did to it may be without a record: then its word counts. */
static void conflict(struct judge *judge, struct uniques *uniques, const struct event *event)
{
    struct job *job = table_find(&uniques->jobs, event_key(event));
    uint64_t name = hash_text(event_str(event, "unique"));
    bool known = !doubtful(uniques, job) && !unrecorded(uniques, job);
    bool lies = !job || !holds(job) || job->key != name;
    if (judge && known && lies)
        judge_fail(judge, event, "job %llu, %s, was in the way, but does not hold that unique key",
                   (unsigned long long)event_key(event),
                   life_word(job ? job->state : LIFE_UNKNOWN));
    else if (judge && known)
        judge_checked(judge);
    if (job && job->key == name)
        job->doubts = uniques->doubt.faults;
}

/* X(name, what it does with judge, uniques and event) */
#define CHANGES(X)                                                                                 \
    X(insert, move(judge, uniques, event, event_state(event)))                                     \
    X(stage, move(judge, uniques, event, LIFE_AVAILABLE))                                          \
    X(claim, move(judge, uniques, event, LIFE_EXECUTING))                                          \
    X(finish, move(judge, uniques, event, event_state(event)))                                     \
    X(rescue, move(judge, uniques, event, event_state(event)))                                     \
    X(retry, move(judge, uniques, event, event_state(event)))                                      \
    X(cancel, move(judge, uniques, event, event_state(event)))                                     \
    X(replace, move(judge, uniques, event, event_state(event)))                                    \
    X(unique, take(judge, uniques, event))                                                         \
    X(release, give_up(judge, uniques, event))                                                     \
    X(yield, yield(judge, uniques, event))                                                         \
    X(conflict, conflict(judge, uniques, event))

/* Each judges in one property, and only follows in the other. */
#define X(name, does)                                                                              \
    static void on_##name(struct judge *judge, void *uniques, const struct event *event)           \
    {                                                                                              \
        does;                                                                                      \
    }                                                                                              \
    static void see_##name(struct judge *judge, void *uniques, const struct event *event)          \
    {                                                                                              \
        judge = NULL;                                                                              \
        does;                                                                                      \
    }
CHANGES(X)
#undef X

static void uniques_done(void *ctx)
{
    struct uniques *uniques = ctx;
    table_done(&uniques->jobs);
    table_done(&uniques->keys);
    table_done(&uniques->calls);
    table_done(&uniques->kinds);
    clocks_done(&uniques->clocks);
}

static const struct property_on holder_on[] = {
#define X(name, does) {"store/job/" #name, on_##name},
    CHANGES(X)
#undef X
        {"store/flow/release", on_insert},
    ON_DISK_FAULT,
    {0},
};

TRACE_PROPERTY(
    one_holder_per_key, .name = "a unique key has one holder at a time", .kind = PROPERTY_ALWAYS,
    .about = "Two jobs of one key, each in a state in which it holds it, are what unique "
             "jobs are asked for to prevent. Who gives a key up has a reason, and who is "
             "in the way holds it. Trusts what the database recorded after commit.",
    .state_size = sizeof(struct uniques), .on = holder_on, .done = uniques_done);

/* ---- truthful_conflicts ---- */

static void on_clock(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    clocks_event(&((struct uniques *)ctx)->clocks, event);
}

static void on_asked(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct uniques *uniques = ctx;
    *TABLE_AT(&uniques->calls, event_key(event), struct call) =
        (struct call){.kind = event_u64(event, "unique"),
                      .time_ns = event->time_ns,
                      .period_ms = event_i64(event, "period_ms")};
}

/* The same kind has the same key, and no other one. */
static bool kind_fits(struct judge *judge, struct uniques *uniques, const struct event *event,
                      const struct job *job, uint64_t kind)
{
    struct key *key = TABLE_AT(&uniques->keys, job->key, struct key);
    uint64_t *own = TABLE_AT(&uniques->kinds, kind, uint64_t);
    if (!*own && !key->kind) {
        *own = job->key;
        key->kind = kind;
    }
    if (*own == job->key && key->kind == kind)
        return true;
    judge_fail(judge, event, "job %llu is of kind %llu, but has another key than others of it",
               (unsigned long long)event_u64(event, "job"), (unsigned long long)kind);
    return false;
}

/* Did somebody set the database's clock meanwhile? Then its readings say nothing about what it showed. */
static bool clock_set(const struct uniques *uniques, int64_t from_ns, int64_t to_ns)
{
    for (size_t i = 0; i < uniques->clocks.count; ++i) {
        const struct clock_span *span = &uniques->clocks.spans[i];
        if (span->node == uniques->database && span->from_ns > from_ns && span->from_ns <= to_ns)
            return true;
    }
    return false;
}

/* Nobody is kept off for longer than was asked for; by at least so much, by the database's clock. */
static bool kept_off_too_long(struct judge *judge, const struct uniques *uniques,
                              const struct event *event, const struct job *job,
                              const struct call *call)
{
    const struct clocks *clocks = &uniques->clocks;
    int64_t age_ns = clocks_wall(clocks, uniques->database, call->time_ns) -
                     clocks_latest(clocks, uniques->database, 0, job->taken_ns);
    int64_t late_ns = age_ns - (call->period_ms + 1) * NS_PER_MS;
    if (call->period_ms == 0 || late_ns <= 0 || clock_set(uniques, call->time_ns, event->time_ns))
        return false;
    judge_fail(judge, event, "job %llu was in the way, %lld ms after its period of %lld ms",
               (unsigned long long)event_u64(event, "job"), (long long)(late_ns / NS_PER_MS),
               (long long)call->period_ms);
    return true;
}

static void on_conflict_told(struct judge *judge, void *ctx, const struct event *event)
{
    struct uniques *uniques = ctx;
    const struct call *call = table_find(&uniques->calls, event_key(event));
    uint64_t id = event_u64(event, "job");
    const struct job *job = table_find(&uniques->jobs, id);
    if (!call || doubtful(uniques, job) || unrecorded(uniques, job))
        return;
    if (!job || !job->key) {
        judge_fail(judge, event, "job %llu was in the way, but is not unique",
                   (unsigned long long)id);
        return;
    }
    if (!kind_fits(judge, uniques, event, job, call->kind) ||
        kept_off_too_long(judge, uniques, event, job, call))
        return;
    if (!holds(job) && job->left_ns < call->time_ns)
        judge_fail(judge, event, "job %llu was in the way, but had not held its key since the call",
                   (unsigned long long)id);
    else
        judge_checked(judge);
}

/* The one that it followed was to keep others off for longer; by the database's clock, at its fastest. */
static void judge_ousting(struct judge *judge, const struct uniques *uniques,
                          const struct event *event, const struct job *job, const struct call *call)
{
    const struct job *before = job->ousted ? table_find(&uniques->jobs, job->ousted) : NULL;
    const struct clocks *clocks = &uniques->clocks;
    if (!before || before->call_ns == 0 || doubtful(uniques, before) || doubtful(uniques, job) ||
        clock_set(uniques, before->call_ns, before->taken_ns))
        return;
    int64_t age_ns = clocks_latest(clocks, uniques->database, 0, job->taken_ns) -
                     clocks_wall(clocks, uniques->database, before->call_ns);
    if (call->period_ms > 0 && age_ns >= (call->period_ms - 1) * NS_PER_MS)
        judge_checked(judge);
    else
        judge_fail(judge, event, "job %llu took the key of job %llu, which was %lld ms old",
                   (unsigned long long)event_u64(event, "job"), (unsigned long long)job->ousted,
                   (long long)(age_ns / NS_PER_MS));
}

static void on_ok(struct judge *judge, void *ctx, const struct event *event)
{
    struct uniques *uniques = ctx;
    const struct call *call = table_find(&uniques->calls, event_key(event));
    struct job *job = table_find(&uniques->jobs, event_u64(event, "job"));
    if (!call || !job || !job->key)
        return;
    job->call_ns = call->time_ns;
    if (kind_fits(judge, uniques, event, job, call->kind))
        judge_ousting(judge, uniques, event, job, call);
}

static const struct property_on truth_on[] = {
    {"client/insert/unique", on_asked},
    {"client/insert/ok", on_ok},
    {"client/insert/conflict", on_conflict_told},
#define X(name, does) {"store/job/" #name, see_##name},
    CHANGES(X)
#undef X
        {"store/flow/release", see_insert},
    ON_CLOCK(on_clock),
    ON_DISK_FAULT,
    {0},
};

TRACE_PROPERTY(
    truthful_conflicts, .name = "who is told of a conflict is told the truth",
    .kind = PROPERTY_ALWAYS,
    .about = "The job that is named is of the kind that was asked for, holds its key, and not for "
             "longer than was asked for; and nobody takes the key of one whose time is not over. "
             "Trusts the clients' words, and the database on who holds a key.",
    .state_size = sizeof(struct uniques), .on = truth_on, .done = uniques_done);
