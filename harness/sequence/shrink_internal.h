/* shrink_internal.h: what the passes of the sequence shrinker are made of.
 *
 * A pass edits `trial`, a copy of the values of the best sequence so far, and calls shrink_try(), which is the only
 * place where cases are executed and where a better one is accepted. After a success, everything about the best
 * sequence (choices, spans, length) is new.
 */
#ifndef DURESS_SHRINK_INTERNAL_H
#define DURESS_SHRINK_INTERNAL_H

#include "harness/sequence/internal.h"
#include "harness/sequence/shrink.h"

struct shrink_cache { /* a set of hashes; 0 is an empty place */
    uint64_t *hashes;
    size_t count, capacity;
};

struct lowered {      /* the last time that a choice was made simpler alone */
    uint64_t version; /* 0: never, since the sequence has this length */
    uint64_t amount;
};

struct shrinker {
    const struct shrink_case *shrink;
    struct sequence *best;
    struct sequence
        *last; /* what the last execution drew; NULL: it was not executed, or became the best */
    /* The best, to read: */
    const struct sequence_choice *choices;
    size_t length;
    const struct sequence_span *spans;
    size_t span_count;
    uint64_t version; /* goes up with each success */
    size_t *by_depth; /* span indices, outermost first, then from the begin to the end */

    int64_t *trial;
    size_t trial_count;
    struct lowered *lowered; /* of each choice */
    size_t lowered_length;   /* the length that they are about */
    struct shrink_cache cache;
    struct shrink_stats stats;
    uint64_t random;
    uint64_t success_at, stall_max; /* executions; see is_stalled() */
    uint64_t successes_max;
    bool stopped;
};

/* A pass looks at positions 0 .. count()-1 of the best sequence, one step each. A step may try several candidates and
 * is deterministic; it must bear that its position has gone. */
struct shrink_pass {
    const char *name;
    size_t (*count)(const struct shrinker *s);
    void (*step)(struct shrinker *s, size_t position);
    bool late; /* dear: only when the others have nothing left, and back to them at a success */
};

#define SHRINK_PASSES(X)                                                                           \
    X(discarded, shrink_count_once, false)                                                         \
    X(delete_spans, shrink_count_spans, false)                                                     \
    X(renumber, shrink_count_spans, false)                                                         \
    X(join_lists, shrink_count_spans, false)                                                       \
    X(descendant, shrink_count_spans, false)                                                       \
    X(zero_span, shrink_count_spans, false)                                                        \
    X(equal_values, shrink_count_choices, false)                                                   \
    X(near_values, shrink_count_choices, false)                                                    \
    X(each_value, shrink_count_choices, false)                                                     \
    X(reorder, shrink_count_spans, false)                                                          \
    X(renumber_all, shrink_count_spans, true)                                                      \
    X(bound_and_delete, shrink_count_choices, true)                                                \
    X(redistribute, shrink_count_choices, true)                                                    \
    X(swap_blocks, shrink_count_choices, true)                                                     \
    X(neighbours, shrink_count_choices, true)                                                      \
    X(lower_and_bump, shrink_count_choices, true)                                                  \
    X(programs, shrink_count_choices, true)                                                        \
    X(delete_choices, shrink_count_choices, true)                                                  \
    X(raise_to_shorten, shrink_count_choices, true)                                                \
    X(switch_branch, shrink_count_choices, true)

#define X(name, count, late) void shrink_pass_##name(struct shrinker *s, size_t position);
SHRINK_PASSES(X)
#undef X

/* ---- what is known ---- */

bool shrink_cache_knows(const struct shrink_cache *cache, const int64_t *values, size_t count);
/* `drawn` was no success. all_given: every value that it asked for was in the trial. */
void shrink_cache_remember(struct shrinker *s, const struct sequence *drawn, bool all_given);

/* ---- candidates ---- */

void shrink_trial_reset(struct shrinker *s); /* trial: the values of the best */
void shrink_trial_delete(struct shrinker *s, size_t begin, size_t end);
/* Of the best, these; no more than the best is long. */
void shrink_trial_append(struct shrinker *s, size_t begin, size_t end);
/* Is it (when executed) failing, and simpler than the best? Then it is the best now. */
bool shrink_try(struct shrinker *s);
/* The same, and what comes after the trial is simplest, or drawn from this seed. */
bool shrink_try_simplest(struct shrinker *s);
bool shrink_try_random(struct shrinker *s, uint64_t seed);

/* ---- search ---- */

typedef bool shrink_probe(struct shrinker *s, void *ctx, uint64_t amount);
/* The largest amount in 1..max that the probe accepts, as if larger ones were ever harder; 0: none. Small remainders
 * are likelier than large ones, so it looks from the far end: max, max-1, max-2, max-4 ... all_first: max before 1. */
uint64_t shrink_find(struct shrinker *s, uint64_t max, bool all_first, shrink_probe *probe,
                     void *ctx);

/* ---- looking ---- */

bool shrink_is_free(const struct sequence_choice *choice);   /* not forced, not at its target */
bool shrink_is_number(const struct sequence_choice *choice); /* data or an identity */
uint64_t shrink_away(const struct sequence_choice *choice);  /* |value - target| */
/* The value, `amount` (at most its distance) nearer to the target. */
int64_t shrink_nearer(const struct sequence_choice *choice, uint64_t amount);
/* A bound that somebody set, not one of the type, and not the present value or the target. */
bool shrink_is_bound(const struct sequence_choice *choice, int64_t bound);
/* Index of the innermost span around a choice; SIZE_MAX: none. */
size_t shrink_span_around(const struct sequence_span *spans, size_t count, size_t position);
uint64_t shrink_random(struct shrinker *s);

#endif
