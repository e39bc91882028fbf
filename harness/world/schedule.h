/* schedule.h: which of several processes that could run goes first.
 *
 * A system asks at each turn (world_pick) and obeys. Each answer is a choice of the tape, keyed by node, boot and turn; 0
 * is always the process that has waited longest, so a simple schedule is FIFO, and each other answer is a switch that a
 * shrinker can take back. Where the answers come from is the policy of the run:
 *
 *   fifo    always 0
 *   random  one turn in four goes to any of those that are ready
 *   pct     the ready process of the highest priority. Priorities are random, and drop at a few random turns
 *           (Burckhardt, Kothari, Musuvathi, Nagarakatti: A Randomized Scheduler with Probabilistic Guarantees of
 *           Finding Bugs, ASPLOS 2010): a bug of depth d is found with a probability of at least 1/(n k^(d-1)), for
 *           n processes and k turns
 *   any     one of them, drawn for the run: half of the runs are fifo
 */
#ifndef DURESS_SCHEDULE_H
#define DURESS_SCHEDULE_H

#include "harness/world/world.h"

/* X(ENUM, word) */
#define SCHEDULES(X)                                                                               \
    X(FIFO, "fifo")                                                                                \
    X(RANDOM, "random")                                                                            \
    X(PCT, "pct")                                                                                  \
    X(ANY, "any")

enum schedule {
#define X(e, word) SCHEDULE_##e,
    SCHEDULES(X)
#undef X
        SCHEDULE_COUNT
};

extern const char *const schedule_words[SCHEDULE_COUNT];

/* For the run; records world/schedule/choose {policy} unless it is fifo. */
void world_schedule(struct world *world, enum schedule schedule);

/* The index of the one to run next. `ready`: what is ready on this node, the longest waiting first, by identities that
 * last as long as the boot; count >= 1. */
size_t world_pick(struct world *world, const struct node *node, const uint64_t *ready,
                  size_t count);

#endif
