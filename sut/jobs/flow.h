/* flow.h: what ties jobs together. A job is in one flow at most; most are in none, and pay nothing for this.
 *
 *   workflow   a set of jobs, some of which wait for others: inserted as a whole, without a cycle
 *   batch      jobs inserted over time, until it is closed; other jobs are inserted when all of them, or some, came to an end
 *   chain      the jobs of one key run strictly one at a time, in the order of their inserts
 *
 * A job that waits for others is `suspended`. It is released, or cancelled, by the very transaction that ends what it waited
 * for, whatever that is: an acknowledgement, a cancel, a rescue that discards, a delete. So there is no moment at which a
 * release could be lost, and nobody has to look for one.
 */
#ifndef SUT_FLOW_H
#define SUT_FLOW_H

#include <stdbool.h>
#include <stdint.h>

/* X(ENUM, word) */
#define FLOW_KINDS(X)                                                                              \
    X(WORKFLOW, "workflow")                                                                        \
    X(BATCH, "batch")                                                                              \
    X(CHAIN, "chain")

enum flow_kind {
#define X(e, word) FLOW_##e,
    FLOW_KINDS(X)
#undef X
        FLOW_KIND_COUNT
};

/* What becomes of a job when another one, which it waits for, ended otherwise than completed. X(ENUM, word) */
#define FLOW_REACTIONS(X)                                                                          \
    X(DEFAULT, "")      /* as the workflow says; of a workflow: cancel; of a chain: run */         \
    X(CANCEL, "cancel") /* it is cancelled, too, and so on */                                      \
    X(RUN, "run")       /* as if it had been completed */                                          \
    X(HOLD, "hold")     /* it waits until the other one is retried by hand, and completed */

enum flow_reaction {
#define X(e, word) FLOW_##e,
    FLOW_REACTIONS(X)
#undef X
        FLOW_REACTION_COUNT
};

struct flow_policy {
    enum flow_reaction on_cancelled, on_discarded, on_deleted; /* deleted before it had ended */
};

/* What a batch calls back for, each once at most. Jobs count as they are: one that is retried by hand has not ended. An
 * empty batch has all that it takes. X(ENUM, word) */
#define FLOW_EVENTS(X)                                                                             \
    X(ATTEMPTED, "attempted") /* it is closed, and every job was tried, or ended, at least once */ \
    X(COMPLETED, "completed") /* it is closed, and every job is completed */                       \
    X(CANCELLED, "cancelled") /* a job was cancelled */                                            \
    X(DISCARDED, "discarded") /* a job was discarded */                                            \
    X(RETRYABLE, "retryable") /* a job failed, and will be tried again */                          \
    X(EXHAUSTED, "exhausted") /* it is closed, and every job has ended */

enum flow_event {
#define X(e, word) FLOW_EVENT_##e,
    FLOW_EVENTS(X)
#undef X
        FLOW_EVENT_COUNT
};

#define FLOW_NAME_MAX 255 /* bytes, of a workflow, a step, a batch, a chain's key */

const char *flow_kind_word(enum flow_kind kind);
bool flow_kind_by_word(const char *word, enum flow_kind *ret_kind);
const char *flow_reaction_word(enum flow_reaction reaction);
bool flow_reaction_by_word(const char *word, enum flow_reaction *ret_reaction);
const char *flow_event_word(enum flow_event event);
bool flow_event_by_word(const char *word, enum flow_event *ret_event);

#endif
