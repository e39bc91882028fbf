/* shrink.h: makes a sequence of choices that fails as simple as possible, knowing nothing of its meaning.
 *
 * Passes edit the values and have the case executed again; whatever fails in the same way and is simpler
 * (sequence_compare) becomes the new best. It ends at a fixed point of all passes, or at a limit.
 */
#ifndef DURESS_SHRINK_SEQUENCE_H
#define DURESS_SHRINK_SEQUENCE_H

#include "harness/sequence/sequence.h"

struct shrink_case {
    /* Executes the case that these values give; true: it fails in the same way. Draws through `sequence`, which
     * was made from the candidate (BEYOND_OVERRUN, or BEYOND_SEED for random continuations), and holds afterwards what
     * was really drawn. An overrun or rejected case is false. */
    bool (*fails)(void *ctx, struct sequence *sequence);
    void *ctx;
    /* May be NULL: stop now? Asked before each execution (deadline, Ctrl-C). */
    bool (*stop)(void *ctx);
    /* May be NULL: a new best was found. */
    void (*better)(void *ctx, const struct sequence *best);
    /* May be NULL: what the simplest case drew, if it was executed before and did not fail. Else it is executed. */
    const struct sequence *simplest;
    uint64_t executions_max; /* 0: no limit */
    uint64_t seed;           /* of random continuations */
    /* How often what follows another alternative is drawn anew, for each one; 0: a few times. Worth raising where an
     * execution costs nothing. */
    unsigned random_tries;
};

struct shrink_stats {
    uint64_t executions; /* of fails(), overruns not counted */
    uint64_t overruns, repeated /* known from the cache, not executed */, successes;
    bool finished; /* a fixed point; false: a limit, stop(), or no success for long */
};

/* `start`: what was drawn in a failing execution. Returns the simplest one found, in sequence form (to be freed by
 * the caller): never NULL, at worst a copy of the start. */
struct sequence *shrink_sequence(const struct shrink_case *shrink, const struct sequence *start,
                                 struct shrink_stats *ret_stats);

#endif
