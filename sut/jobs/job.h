/* job.h: what a job is, and its life.
 *
 *               insert                                   retry (by hand)
 *                 |                +----------------------------------------------+
 *                 v                v                                              |
 *   scheduled --stage--> available --claim--> executing --ok--------> completed   |
 *       ^                   ^                  |  |  |  \--cancel---> cancelled --+
 *       |                   |                  |  |  |   \-discard--> discarded --+
 *       |                 stage     rescue     |  |  +--error, attempt = max--> discarded
 *       |                   +------------------+  +--error--> retryable --stage--> available
 *       +--------------------- snooze ---------------------------+ (attempt is given back)
 *
 *   insert --> suspended --release--> available, or scheduled if it is due later
 *
 * A suspended job waits for other jobs, not for time (flow.h), or, if it was inserted so, for a retry by hand.
 * Cancel by hand: any state that is not final -> cancelled; a run under way then finds its lease token refused.
 * Rescue: the lease of an executing job ran out by the database's clock: available again if attempts are left,
 * else discarded. Every claim raises the job's lease token; whoever finishes, renews or releases a job must show the
 * token of its claim and find the job executing, else nothing changes and the write is counted as stale.
 */
#ifndef SUT_JOB_H
#define SUT_JOB_H

#include "sut/jobs/flow.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(ENUM, word, final) */
#define JOB_STATES(X)                                                                              \
    X(AVAILABLE, "available", false)                                                               \
    X(SCHEDULED, "scheduled", false)                                                               \
    X(EXECUTING, "executing", false)                                                               \
    X(RETRYABLE, "retryable", false)                                                               \
    X(SUSPENDED, "suspended", false)                                                               \
    X(COMPLETED, "completed", true)                                                                \
    X(DISCARDED, "discarded", true)                                                                \
    X(CANCELLED, "cancelled", true)

enum job_state {
#define X(e, word, final) JOB_##e,
    JOB_STATES(X)
#undef X
        JOB_STATE_COUNT
};

const char *job_state_word(enum job_state state);
bool job_state_by_word(const char *word, enum job_state *ret_state);
bool job_state_final(enum job_state state);
#define JOB_STATE_BIT(state) (1u << (state))
#define JOB_STATES_ALL       (JOB_STATE_BIT(JOB_STATE_COUNT) - 1)
bool job_state_may(enum job_state from, enum job_state to); /* the table of the picture above */

#define JOB_QUEUE_MAX        127
#define JOB_WORKER_MAX       127
#define JOB_PART_MAX         127
#define JOB_ARGS_MAX         (1 << 20)
#define JOB_META_MAX         (1 << 16)
#define JOB_TAGS_MAX         1023
#define JOB_RESULT_MAX       (1 << 16)
#define JOB_CHECKPOINT_MAX   (1 << 16)
#define JOB_NOTE_MAX         255
#define JOB_ERRORS_KEPT      20 /* of the latest attempts: so a row does not grow without end */
#define JOB_ATTEMPTS_DEFAULT 20
#define JOB_PRIORITY_MAX     9
#define JOB_ATTEMPTS_LIMIT   1000000
#define JOB_DELAY_MAX_MS     INT64_C(3155760000000)   /* 100 years */
#define JOB_TIME_MAX_MS      INT64_C(253402300799999) /* the end of 9999 */

struct job_unique;

/* What is asked for. Strings belong to the caller; all of them are UTF-8. A zeroed field means its default. */
struct job_spec {
    const char *queue; /* NULL: "default" */
    const char *worker;
    const char *args;      /* a JSON object; NULL: "{}" */
    unsigned priority;     /* 0 (first) .. 9 */
    unsigned max_attempts; /* 0: 20 */
    int64_t delay_ms;      /* > 0: scheduled that long after now, by the database's clock */
    const char *part; /* jobs of a queue with the same one share its limits for parts; NULL: none */
    int64_t
        scheduled_ms;   /* > 0: scheduled for then (ms since 1970) instead; what is past, for now */
    const char *meta;   /* a JSON object, for whoever looks after jobs; NULL: "{}" */
    const char *tags;   /* "mail, Urgent": see job_tags_normal(); NULL: none */
    int64_t timeout_ms; /* > 0: of each attempt, instead of its worker's */
    int64_t
        within_ms; /* > 0: its deadline is that long after it is due first: later it is of no use */
    /* Available, or scheduled if there is a time; anything else is what the job is from the start (its history is known, say),
     * whatever its time. Not executing: that takes a claim. */
    enum job_state state;
    const struct job_unique *unique; /* NULL: there may be many; see unique.h */
    const char *chain;               /* the key of the chain that it is in (flow.h); NULL: none */
    struct flow_policy
        policy;    /* of the chain, from now on: FLOW_RUN, or FLOW_HOLD; else left as it was */
    uint64_t flow; /* the batch that it is in; 0: none. (The store sets it for all flows.) */
    bool
        encrypted; /* its arguments are kept so that only who has the key can read them: sealed.h */
};

/* NULL, or what is wrong with it, in words (static). Here it is seen that args and meta are JSON objects: every insert
 * asks, whichever way it came. */
const char *job_spec_check(const struct job_spec *spec);

bool job_spec_plain(const struct job_spec *spec); /* nothing below scheduled_ms is set */
/* When a new job is due first, and in which state it begins. */
int64_t job_spec_due_ms(const struct job_spec *spec, int64_t now_ms);
enum job_state job_spec_state(const struct job_spec *spec, int64_t now_ms);

/* Tags as they are kept: between commas, trimmed, in small letters (of ASCII), each once, blanks dropped. `tags` has at most
 * JOB_TAGS_MAX bytes, or is NULL. */
void job_tags_normal(const char *tags, char out[static JOB_TAGS_MAX + 1]);

/* The texts of a job, in the order of the store's columns. X(field, what it is without one). Claims fill those up to
 * JOB_TEXTS_CLAIMED, get and list fill all. */
#define JOB_TEXTS(X)                                                                               \
    X(queue, "")                                                                                   \
    X(worker, "")                                                                                  \
    X(args, "{}")                                                                                  \
    X(owner, "")                                                                                   \
    X(part, "")                                                                                    \
    X(meta, "{}")                                                                                  \
    X(tags, "")                                                                                    \
    X(checkpoint, "")                                                                              \
    X(errors, "[]")                                                                                \
    X(result, "")                                                                                  \
    X(note, "")
enum {
#define X(field, without) JOB_TEXT_##field,
    JOB_TEXTS(X)
#undef X
        JOB_TEXT_COUNT,
    JOB_TEXTS_CLAIMED = JOB_TEXT_errors
};

struct job {
    uint64_t id;
    uint64_t lease; /* token of the newest claim; 0: never claimed */
    enum job_state state;
    unsigned attempt, max_attempts, priority;
    unsigned snoozed;
    unsigned
        crashes; /* rescues in a row: its lease ran out, and no attempt ended otherwise since */
    unsigned progress; /* percent, as the job said last */
    uint64_t version;  /* raised by each update by hand */
    const char *queue, *worker, *args;
    const char *owner;      /* of the newest claim; "" */
    const char *part;       /* "": none */
    const char *meta;       /* JSON object */
    const char *tags;       /* "mail,urgent" */
    const char *checkpoint; /* JSON, of this job's newest attempt that left one; "" */
    /* Only filled by get and list: */
    const char
        *errors; /* JSON array: [{"at":ms,"attempt":n,"error":"..."}], of the newest attempts */
    const char *result; /* JSON, recorded by the attempt that completed it; "" */
    const char *note;   /* what it said with its progress; "" */
    int64_t inserted_ms, scheduled_ms, attempted_ms,
        finished_ms;     /* database clock, ms since 1970; 0: not yet */
    int64_t timeout_ms;  /* of each attempt; 0: its worker's */
    int64_t deadline_ms; /* database clock; 0: none */
    uint64_t flow;       /* the workflow, batch or chain that it is in; 0: none */
};

/* Which jobs are meant. A zeroed field means any. */
struct job_filter {
    unsigned states; /* JOB_STATE_BIT(...) of those that are meant */
    const char *queue, *worker;
    const char *tag;         /* one that they have */
    const char *args, *meta; /* JSON objects that theirs contain (json_contains.h) */
    int64_t older_ms;        /* inserted at least that long ago, by the database's clock */
    uint64_t after_id;       /* greater ids than that: where the page before ended */
};

/* What becomes of a job by hand. A zeroed field stays as it is. What a job that runs was given, it keeps until its next run. */
struct job_update {
    const char *args, *meta; /* JSON objects, in place of what was there */
    bool encrypted;          /* the new args are kept so that only who has the key can read them */
    const char *tags;        /* in place of what was there; "": none */
    const char *queue, *worker;
    bool set_priority; /* as 0 is one */
    unsigned priority;
    /* Refused if it were all used up: where attempts have run out, a job could never run. */
    unsigned max_attempts;
    /* When it shall run: only of a job that waits. Later than now: an available job is scheduled from here on. */
    int64_t scheduled_ms;
    /* Only if nobody else updated it since it was read: its version then. */
    bool guarded;
    uint64_t version;
};

/* How long jobs are kept that have ended, by how and when each ended. 0: for ever. */
struct job_keep {
    int64_t completed_ms, cancelled_ms, discarded_ms;
};

/* How a run of a job ended. */
enum outcome_kind { JOB_OK, JOB_ERROR, JOB_CANCEL, JOB_DISCARD, JOB_SNOOZE };

struct job_outcome {
    enum outcome_kind kind;
    int64_t snooze_s;
    /* Of an error, cancel or discard. Of ok: if it is JSON, it is kept as the job's result. */
    char text[240];
    const char *result; /* ok, of a job in a fiber: JSON of up to JOB_RESULT_MAX bytes, instead */
};

/* The result that is to be kept; NULL: none. *ret_refused: there is one, but it is no JSON, or too long. */
const char *job_outcome_result(const struct job_outcome *outcome, bool *ret_refused);

struct job_outcome job_outcome_make(enum outcome_kind kind, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *job_outcome_word(enum outcome_kind kind);

/* Oban's backoff, exactly: clamped = max <= 20 ? attempt : round(attempt / max * 20); base = 15 + 2^min(clamped, 100) s
 * (2^clamped saturates at 2^20 here, as clamped never exceeds 20 for valid jobs); delay = base + trunc(u * 0.1 * base), u uniform in
 * [0, 1). `entropy` supplies u. Integers only. Returns whole seconds in [base, base + base / 10]. */
int64_t job_backoff_s(unsigned attempt, unsigned max_attempts, uint64_t entropy);
int64_t job_backoff_base_s(unsigned attempt, unsigned max_attempts);

#endif
