/* unique.h: jobs of which there shall be one at a time.
 *
 * A unique job has a key: a digest of what makes two such jobs the same. It holds its key while it is in one of its states;
 * the database lets one job hold a key, in whatever way jobs come to be. Who asks for a second one is told the first one's id, and
 * that it is a conflict; nothing is inserted. What the one who asks says decides: a holder that is older than the period asked
 * for, or in none of the states asked for, gives its key up for good, and the new job holds it. A job that comes back
 * (a retry by hand, a snooze) into one of its states while another one holds its key goes on without one.
 */
#ifndef SUT_UNIQUE_H
#define SUT_UNIQUE_H

#include "sut/jobs/job.h"

#include "sut/runtime/heap.h"

/* X(ENUM, word): what of a job may be part of its key */
#define JOB_UNIQUE_FIELDS(X)                                                                       \
    X(ARGS, "args")                                                                                \
    X(QUEUE, "queue")                                                                              \
    X(WORKER, "worker")                                                                            \
    X(META, "meta")

/* X(ENUM, word): what of the holder may become what the new job would have been */
#define JOB_REPLACE_FIELDS(X)                                                                      \
    X(ARGS, "args")                                                                                \
    X(MAX_ATTEMPTS, "max_attempts")                                                                \
    X(META, "meta")                                                                                \
    X(PRIORITY, "priority")                                                                        \
    X(QUEUE, "queue")                                                                              \
    X(SCHEDULED_AT, "scheduled_at")                                                                \
    X(TAGS, "tags")                                                                                \
    X(WORKER, "worker")

enum {
#define X(e, word) UNIQUE_NUMBER_##e,
    JOB_UNIQUE_FIELDS(X)
#undef X
        UNIQUE_FIELD_COUNT
};

enum {
#define X(e, word) REPLACE_NUMBER_##e,
    JOB_REPLACE_FIELDS(X)
#undef X
        REPLACE_FIELD_COUNT
};

/* Bits: JOB_UNIQUE_ARGS, ... and JOB_REPLACE_ARGS, ... */
enum {
#define X(e, word) JOB_UNIQUE_##e = 1 << UNIQUE_NUMBER_##e,
    JOB_UNIQUE_FIELDS(X)
#undef X
#define X(e, word) JOB_REPLACE_##e = 1 << REPLACE_NUMBER_##e,
        JOB_REPLACE_FIELDS(X)
#undef X
};

/* Bits of states, and Oban's words for groups of them. */
#define JOB_STATES_SCHEDULED JOB_STATE_BIT(JOB_SCHEDULED)
#define JOB_STATES_INCOMPLETE                                                                      \
    (JOB_STATE_BIT(JOB_AVAILABLE) | JOB_STATE_BIT(JOB_SCHEDULED) | JOB_STATE_BIT(JOB_EXECUTING) |  \
     JOB_STATE_BIT(JOB_RETRYABLE) | JOB_STATE_BIT(JOB_SUSPENDED))
#define JOB_STATES_SUCCESSFUL (JOB_STATES_INCOMPLETE | JOB_STATE_BIT(JOB_COMPLETED))

#define JOB_UNIQUE_PERIOD_MS 60000
#define JOB_UNIQUE_FOREVER   INT64_MAX /* as a period */

/* Zeroed: Oban's defaults. */
struct job_unique {
    int64_t period_ms; /* how long it keeps others off; 0: 60 s */
    unsigned fields;   /* JOB_UNIQUE_... bits; 0: args, queue, worker */
    const char *const
        *keys; /* only these members of args and meta, at their top; ends with NULL; NULL: all */
    unsigned states;  /* JOB_STATE_BIT()s; 0: JOB_STATES_SUCCESSFUL */
    bool by_schedule; /* the period runs from when it is due, not from when it was inserted */
    unsigned replace[JOB_STATE_COUNT]; /* JOB_REPLACE_... bits: of a holder in that state */
};

/* NULL, or what is wrong with it, in words (static). */
const char *job_unique_check(const struct job_unique *unique);
/* NULL, or what is odd about it: it is done as it was asked for. */
const char *job_unique_warning(const struct job_unique *unique);

bool job_unique_by_args(const struct job_unique *unique); /* do arguments count? */
int64_t job_unique_period_ms(const struct job_unique *unique);
unsigned job_unique_states(const struct job_unique *unique);

#define JOB_UNIQUE_KEY_SIZE 33 /* 128 bits in hexadecimal digits, and a NUL */

/* The key of a job with spec->unique. JSON counts by its value: the order of members, blanks, and how a number or a
 * string is written, make no difference. Memory for it comes from `heap`, and goes. False: args are no JSON. */
bool job_unique_key(struct heap *heap, const struct job_spec *spec,
                    char out[static JOB_UNIQUE_KEY_SIZE]);

struct job_unique *job_unique_copy(struct heap *heap, const struct job_unique *unique);

#endif
