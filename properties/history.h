/* history.h: what clients asked for and what they were told, and the checks over it.
 *
 * An operation is invoked and, perhaps, completed, with one of three outcomes: it happened (ok), it did not (fail), or
 * nobody knows. One that is never completed is unknown. Operations of one process follow each other; those of
 * different processes overlap as their places tell. A history is built event by event, by hand or from a trace
 * (history_trace.h).
 *
 * Subjects of findings are values, their places numbers of operations; what else a finding holds is said at the check.
 */
#ifndef PROPERTIES_HISTORY_H
#define PROPERTIES_HISTORY_H

#include "properties/findings.h"

/* X(ENUM, word). What `value`, `next` and `list` mean is the checks' business; these are the usual words. */
#define OPERATIONS(X)                                                                              \
    X(ENQUEUE, "enqueue")                                                                          \
    X(DEQUEUE, "dequeue") /* value: what came out */                                               \
    X(DRAIN, "drain")     /* list: what came out */                                                \
    X(ADD, "add")                                                                                  \
    X(REMOVE, "remove")                                                                            \
    X(CONTAINS, "contains") /* next: 1 or 0 */                                                     \
    X(READ, "read")         /* value, or list: what was seen */                                    \
    X(WRITE, "write")                                                                              \
    X(CAS, "cas") /* value -> next */                                                              \
    X(ACQUIRE, "acquire")                                                                          \
    X(RELEASE, "release")                                                                          \
    X(GENERATE, "generate") /* value: the id */

enum operation {
#define X(e, word) OP_##e,
    OPERATIONS(X)
#undef X
        OPERATION_COUNT
};

enum op_outcome { OP_UNKNOWN, OP_OK, OP_FAIL };

#define VALUE_NONE INT64_MIN /* nothing: an empty queue, a register that was never written */

struct op {
    uint64_t process;
    uint64_t key; /* which queue, register, ...: for checks per key */
    enum operation f;
    enum op_outcome outcome;
    int64_t value, next;
    const int64_t *list;
    size_t list_count;
    uint64_t invoked,
        completed; /* place in the order of all invocations and completions; NOWHERE */
    int64_t invoked_ns, completed_ns;
};

/* Zeroed: empty. */
struct history {
    struct op *ops; /* in the order of their invocation */
    size_t count, capacity;
    uint64_t places;
};

/* The number of the new operation. `wanted`: process, key, f, value, next. */
size_t history_invoke(struct history *history, struct op wanted, int64_t time_ns);
/* The operation may then be changed further: its value is what was answered. */
struct op *history_complete(struct history *history, size_t number, enum op_outcome outcome,
                            int64_t time_ns);
/* What a drain or a read answered. Copied. */
void history_list(struct history *history, size_t number, const int64_t *values, size_t count);
void history_done(struct history *history);

const char *operation_word(enum operation f);

/* ---- total queue ---- */

/* Multisets of ENQUEUE against DEQUEUE and DRAIN. LOST_PREFIX, _MIDDLE, _POSTFIX: acknowledged and never dequeued, by
 * its place among what its writer wrote and what of that came out: before the first, between, after the last (or
 * nothing came out). UNEXPECTED: dequeued, never tried. DENIED: dequeued although every enqueue of it failed.
 * DUPLICATED: dequeued more often than tried (amount: by how many). RECOVERED: dequeued, its enqueue not acknowledged.
 * UNDECIDED: a drain whose outcome is not known. */
struct queue_totals {
    uint64_t attempted, acknowledged, dequeued; /* multisets */
    uint64_t ok;                                /* dequeued and tried */
};
void history_total_queue(const struct history *history, struct findings *found);
struct queue_totals history_queue_totals(const struct history *history, struct findings *found);
/* What invalidates a queue that delivers at least once. Add KIND(DUPLICATED) for exactly once. */
#define TOTAL_QUEUE (KINDS_LOST | KIND(UNEXPECTED) | KIND(DENIED))

/* ---- set ---- */

/* ADD of elements against READ of lists. An element is known from the first completion of its add or of a read that
 * saw it. It is stable when the last read that missed it began before the last that saw it; LOST when one that began
 * after it was known missed it, and none that began later saw it (amount: ns from known to lost); else NEVER_READ.
 * STALE: stable, but missed for a while after it was known (amount: ns until it was stable). DUPLICATED: more than
 * once in one read (amount: how often at most). UNEXPECTED: seen, never added; DENIED: seen, though its add failed.
 * Checked is what is stable or lost: a set that was never read proves nothing. */
struct set_totals {
    uint64_t attempted, stable, lost, never_read;
    int64_t *stable_ns, *lost_ns; /* latencies, sorted, of `stable` and `lost`; heap */
};
void history_set_full(const struct history *history, struct findings *found);
struct set_totals history_set_totals(const struct history *history, struct findings *found);
void set_totals_done(struct set_totals *totals);
#define SET_FULL         (KINDS_LOST | KIND(UNEXPECTED) | KIND(DENIED) | KIND(DUPLICATED))
#define SET_LINEARIZABLE (SET_FULL | KIND(STALE))

/* The value at a share of sorted values, in thousandths: 500 is the median. 0 of none. */
int64_t sorted_quantile(const int64_t *sorted, uint64_t count, unsigned thousandths);

/* ---- ids and counters ---- */

/* GENERATE. DUPLICATED: an id that was given out before (other: the first). */
void history_unique_ids(const struct history *history, struct findings *found);

/* ADD of numbers (negative ones too) against READ of the sum. A read may return anything from the sum of what was
 * certainly added before it began to the sum of what may have been added before it ended. OUT_OF_BOUNDS: each read
 * that did not (amount: how far off; subject: the value). */
void history_counter(const struct history *history, struct findings *found);

/* ---- statistics ---- */

/* An operation that never once succeeded says nothing about the system. TOO_FEW: each f that was tried and never ok. */
void history_sane(const struct history *history, struct findings *found);

#endif
