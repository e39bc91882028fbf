/* life.c: the life cycle of a job, and the property that every job keeps to it.
 *
 * The database's own record of what it did, event by event: a claim of a job that is running, two
 * stagers that wake a running job, a rescue of a finished one show up here first, before they
 * become a second run.
 */
#include "properties/life.h"

#include "properties/table.h"
#include <string.h>

static const char *const words[] = {
#define X(e, word) word,
    LIFE_STATES(X)
#undef X
};

/* Their second letters tell them apart. */
static const unsigned char by_letter[26] = {
    ['v' - 'a'] = LIFE_AVAILABLE, ['c' - 'a'] = LIFE_SCHEDULED, ['x' - 'a'] = LIFE_EXECUTING,
    ['e' - 'a'] = LIFE_RETRYABLE, ['u' - 'a'] = LIFE_SUSPENDED, ['o' - 'a'] = LIFE_COMPLETED,
    ['i' - 'a'] = LIFE_DISCARDED, ['a' - 'a'] = LIFE_CANCELLED,
};

enum life life_by_word(const char *word)
{
    unsigned letter = word[0] ? (unsigned)word[1] - 'a' : 26;
    enum life state = letter < 26 ? by_letter[letter] : LIFE_UNKNOWN;
    /* The linker has made equal texts one, mostly. */
    return words[state] == word || strcmp(words[state], word) == 0 ? state : LIFE_UNKNOWN;
}

const char *life_word(enum life state)
{
    return words[state];
}

enum life event_state(const struct event *event)
{
    return life_by_word(event_str(event, "state"));
}

const char *queue_of_label(const char *label)
{
    return strncmp(label, "queue ", 6) == 0 ? label + 6 : NULL;
}

void doubt_raise(struct judge *judge, void *doubt, const struct event *event)
{
    (void)judge;
    if (event->fault.kind > FAULT_DELAY)
        ((struct doubt *)doubt)->faults++;
}

/* ---- lawful_moves ---- */

#define BIT(state) (1u << LIFE_##state)

struct move {
    const char *verb;
    unsigned from, to; /* bits of states */
};

struct job {
    enum life state;
    uint64_t doubts;
};

struct lawful {
    struct doubt doubt;
    struct table jobs;
};

static void job_move(struct judge *judge, struct lawful *lawful, const struct event *event,
                     const struct move *move, enum life to)
{
    uint64_t id = event_key(event);
    struct job *job = TABLE_AT(&lawful->jobs, id, struct job);
    enum life from = job->state;
    bool known = from != LIFE_UNKNOWN && !doubt_since(&lawful->doubt, &job->doubts);
    job->state = to;
    job->doubts = lawful->doubt.faults;
    if (known && !(move->from & 1u << from))
        judge_fail(judge, event, "job %llu was %s while it was %s", (unsigned long long)id,
                   move->verb, life_word(from));
    else if (!(move->to & 1u << to))
        judge_fail(judge, event, "job %llu was %s and is now %s", (unsigned long long)id,
                   move->verb, life_word(to));
    else
        judge_checked(judge);
}

/* X(function, verb, from, to, the state it leads to) */
#define MOVES(X)                                                                                   \
    X(on_insert, "inserted", 0, BIT(AVAILABLE) | BIT(SCHEDULED) | BIT(SUSPENDED),                  \
      event_state(event))                                                                          \
    X(on_release, "released", BIT(SUSPENDED), BIT(AVAILABLE) | BIT(SCHEDULED), event_state(event)) \
    X(on_stage, "staged", BIT(SCHEDULED) | BIT(RETRYABLE), BIT(AVAILABLE), LIFE_AVAILABLE)         \
    X(on_claim, "claimed", BIT(AVAILABLE), BIT(EXECUTING), LIFE_EXECUTING)                         \
    X(on_finish, "finished", BIT(EXECUTING),                                                       \
      BIT(COMPLETED) | BIT(RETRYABLE) | BIT(DISCARDED) | BIT(CANCELLED) | BIT(SCHEDULED),          \
      event_state(event))                                                                          \
    X(on_rescue, "rescued", BIT(EXECUTING), BIT(AVAILABLE) | BIT(DISCARDED), event_state(event))   \
    X(on_expire, "given up for its deadline",                                                      \
      BIT(AVAILABLE) | BIT(SCHEDULED) | BIT(RETRYABLE) | BIT(SUSPENDED), BIT(DISCARDED),           \
      LIFE_DISCARDED)                                                                              \
    X(on_retry, "retried by hand",                                                                 \
      BIT(SCHEDULED) | BIT(RETRYABLE) | BIT(COMPLETED) | BIT(DISCARDED) | BIT(CANCELLED) |         \
          BIT(SUSPENDED),                                                                          \
      BIT(AVAILABLE) | BIT(SUSPENDED), event_state(event))                                         \
    X(on_cancel, "cancelled",                                                                      \
      BIT(AVAILABLE) | BIT(SCHEDULED) | BIT(RETRYABLE) | BIT(EXECUTING) | BIT(SUSPENDED),          \
      BIT(CANCELLED), LIFE_CANCELLED)                                                              \
    X(on_delete, "deleted",                                                                        \
      BIT(AVAILABLE) | BIT(SCHEDULED) | BIT(RETRYABLE) | BIT(SUSPENDED) | BIT(COMPLETED) |         \
          BIT(DISCARDED) | BIT(CANCELLED),                                                         \
      BIT(UNKNOWN), LIFE_UNKNOWN)                                                                  \
    X(on_prune, "pruned", BIT(COMPLETED) | BIT(DISCARDED) | BIT(CANCELLED), BIT(UNKNOWN),          \
      LIFE_UNKNOWN)

#define X(function, verb, from, to, next)                                                          \
    static void function(struct judge *judge, void *lawful, const struct event *event)             \
    {                                                                                              \
        static const struct move move = {verb, from, to};                                          \
        job_move(judge, lawful, event, &move, next);                                               \
    }
MOVES(X)
#undef X

/* Its state stays, but that an available job may have to wait. */
static void on_replace(struct judge *judge, void *ctx, const struct event *event)
{
    struct lawful *lawful = ctx;
    struct job *job = table_find(&lawful->jobs, event_key(event));
    unsigned from = job ? 1u << job->state : 0, to = 1u << event_state(event);
    bool waits = from == BIT(AVAILABLE) && to == BIT(SCHEDULED);
    struct move move = {"replaced or updated", waits ? from : to, to};
    job_move(judge, lawful, event, &move, event_state(event));
}

static void on_row(struct judge *judge, void *ctx, const struct event *event)
{
    struct lawful *lawful = ctx;
    struct job *job = table_find(&lawful->jobs, event_key(event));
    enum life row = event_state(event);
    if (!job || doubt_since(&lawful->doubt, &job->doubts))
        return;
    if (row != job->state)
        judge_fail(judge, event, "job %llu is %s at the end, but was left %s",
                   (unsigned long long)event_key(event), life_word(row), life_word(job->state));
}

static void lawful_done(void *ctx)
{
    struct lawful *lawful = ctx;
    table_done(&lawful->jobs);
}

static const struct property_on on[] = {
    {"store/job/insert", on_insert},
    {"store/flow/release", on_release},
    {"store/job/stage", on_stage},
    {"store/job/claim", on_claim},
    {"store/job/finish", on_finish},
    {"store/job/rescue", on_rescue},
    {"store/job/expire", on_expire},
    {"store/job/retry", on_retry},
    {"store/job/cancel", on_cancel},
    {"store/job/replace", on_replace},
    {"store/job/update", on_replace},
    {"store/job/delete", on_delete},
    {"store/job/prune", on_prune},
    {"audit/job/row", on_row},
    ON_DISK_FAULT,
    {0},
};

TRACE_PROPERTY(lawful_moves, .name = "a job moves only along the edges of its life cycle",
               .kind = PROPERTY_ALWAYS,
               .about =
                   "Two claims in a row, or a running job made available without a rescue, is how "
                   "a job comes to run twice. Trusts what the database recorded after commit.",
               .state_size = sizeof(struct lawful), .on = on, .done = lawful_done);
