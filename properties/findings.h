/* findings.h: what a check finds, by kind of anomaly.
 *
 * A check never decides what is bad. It reports everything it sees, each under the name of its kind, and counts what
 * it had to look at; a *policy* (the set of kinds that fail) turns the findings into a judgement. So duplicates can be
 * reported and tolerated, and tolerated things are still in the report. Nothing checked is a judgement of its own,
 * and so is "could not be decided".
 */
#ifndef PROPERTIES_FINDINGS_H
#define PROPERTIES_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(ENUM, word). What the fields of a finding mean is said by the check that reports it. */
#define ANOMALIES(X)                                                                               \
    X(LOST, "lost")                 /* should be there, or should have followed, and did not */    \
    X(LOST_PREFIX, "lost prefix")   /* nothing before it was kept: starting over */                \
    X(LOST_MIDDLE, "lost middle")   /* what came before and after it is there: the worst */        \
    X(LOST_POSTFIX, "lost postfix") /* nothing after it is there: perhaps only slow */             \
    X(UNEXPECTED, "unexpected")     /* came out of nothing */                                      \
    X(DENIED, "denied")             /* was said to have failed, and happened */                    \
    X(DUPLICATED, "duplicated")                                                                    \
    X(RECOVERED, "recovered") /* nobody knew whether it had happened, and it had */                \
    X(LATE, "late")                                                                                \
    X(PENDING, "pending") /* there is still time */                                                \
    X(DISORDERED, "out of order")                                                                  \
    X(TOO_DEEP, "too deep")                                                                        \
    X(TOO_MANY, "too many")                                                                        \
    X(TOO_FEW, "too few")                                                                          \
    X(NEVER_READ, "never read")                                                                    \
    X(STALE, "stale") /* missing for a while although it was known */                              \
    X(OUT_OF_BOUNDS, "out of bounds")                                                              \
    X(UNMET, "unmet")           /* a planned time without a run */                                 \
    X(EXTRA, "extra")           /* a run without a planned time */                                 \
    X(INCOMPLETE, "incomplete") /* began and never ended */                                        \
    X(BROKEN_OFF, "broken off") /* ended by a failure */                                           \
    X(NOT_LINEARIZABLE, "not linearizable")                                                        \
    X(FIELDLESS, "without the field") /* an event lacks what the check needs */                    \
    X(UNDECIDED, "undecided")         /* given up at a bound, or the answer is not known */

enum anomaly {
#define X(e, word) ANOMALY_##e,
    ANOMALIES(X)
#undef X
        ANOMALY_COUNT
};

#define KIND(e)    (UINT32_C(1) << ANOMALY_##e)
#define KIND_ANY   ((UINT32_C(1) << ANOMALY_COUNT) - 1)
#define KINDS_LOST (KIND(LOST) | KIND(LOST_PREFIX) | KIND(LOST_MIDDLE) | KIND(LOST_POSTFIX))

#define NOWHERE UINT64_MAX

struct finding {
    enum anomaly kind;
    uint64_t subject;   /* the value, key or job that it is about */
    uint64_t at, other; /* places: indices of events, or numbers of operations; NOWHERE: none */
    int64_t amount;     /* how much: ns, depth, times */
};

/* Zeroed: nothing checked, nothing found. */
struct findings {
    uint64_t checked; /* 0: vacuous */
    uint64_t counts[ANOMALY_COUNT];
    struct finding *list; /* all of them, in the order in which they were found */
    size_t count, capacity;
};

/* From the best to the worst: the judgement on several checks is the greatest of theirs. */
enum judgement { JUDGED_HOLDS, JUDGED_VACUOUS, JUDGED_UNKNOWN, JUDGED_FAILS };

void findings_add(struct findings *findings, struct finding finding);
void findings_done(struct findings *findings);

/* How many findings are of one of these kinds. */
uint64_t findings_count(const struct findings *findings, uint32_t kinds);
/* The first of them. NULL: none. */
const struct finding *findings_first(const struct findings *findings, uint32_t kinds);

enum judgement findings_judge(const struct findings *findings, uint32_t failing);

/* In one line, what fails first: "2 lost (7, 9), 1 unexpected (3); also 1 duplicated (4)". At most ten subjects of a
 * kind are named. "" when nothing was found. Returns out. */
char *findings_print(const struct findings *findings, uint32_t failing, char *out, size_t size);

const char *anomaly_word(enum anomaly kind);

/* In a trace property: tells the report of all that was found and is not among `failing`. */
struct judge;
void findings_note(const struct findings *findings, uint32_t failing, struct judge *judge);

#endif
