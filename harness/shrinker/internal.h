/* internal.h: what the files of the shrinker share. shrinker.c is the order of work; try.c runs
 * candidates and accepts them; the others are the passes. A pass makes candidates out of the best tape, and is free
 * in how: whatever is accepted has failed in the same way. */
#ifndef DURESS_SHRINKER_INTERNAL_H
#define DURESS_SHRINKER_INTERNAL_H

#include "harness/shrinker/shrinker.h"

struct seen;

struct shrinker {
    const struct shrinker_setup *setup;
    struct lab *lab;
    struct shrink_outcome *outcome; /* its tape is the best so far */
    struct seen *seen;              /* tapes that were tried */
    uint64_t changes;               /* how often there was a better one */
    uint64_t drawn_at;              /* changes when the draws were shrunk last */
    unsigned draw_rounds;           /* how often they were */
    bool draws_done;                /* and nothing was left to try */
    struct shrink_size drawn;       /* of the best: what was drawn, and nothing else */
    int64_t until_ns;               /* the deadline */
    bool stopped;                   /* time is up, or Ctrl-C */
};

static inline const struct tape *shrinker_best(const struct shrinker *shrinker)
{
    return shrinker->outcome->tape;
}

/* ---- trying (try.c) ---- */

/* Makes candidate `index` out of the best tape. NULL: there is none of this number. */
typedef struct tape *candidate_make(const struct shrinker *shrinker, const void *ctx, size_t index);

enum { NO_CANDIDATE = -1 };

/* Tries the candidates 0 .. count-1. The first of them that fails in the same way becomes the best tape; its number is
 * returned. */
ptrdiff_t shrinker_first(struct shrinker *shrinker, candidate_make *make, const void *ctx,
                         size_t count);
/* One candidate, taken over. true: it is the best tape now. */
bool shrinker_try(struct shrinker *shrinker, struct tape *candidate);
/* Does this result fail in the same way? Notes other failures. */
bool shrinker_fails(struct shrinker *shrinker, const struct result *result);
/* This tape, which has failed in the same way, is the best now. Takes it over. */
void shrinker_accept(struct shrinker *shrinker, struct tape *tape, const struct result *result);

/* The best so far, to go back to when a detour leads nowhere. restore() takes it over. */
struct best {
    struct tape *tape;
    struct result result;
    uint64_t changes;
};
struct best shrinker_save(const struct shrinker *shrinker);
void shrinker_restore(struct shrinker *shrinker, const struct best *best);

/* Without what it counts per point and property: that owns nothing. */
struct result result_plain(const struct result *result);

/* Was this tape tried, and did it not fail in this way? */
bool shrinker_spared(const struct shrinker *shrinker, const struct tape *tape);
/* Runs the best tape and has it record its choices. false: it is time to stop. */
bool shrinker_record(struct shrinker *shrinker, unsigned what, struct recording *ret_recording);
void shrinker_forget(struct shrinker *shrinker);

/* ---- edits ---- */

typedef bool edit_test(const struct tape_edit *edit, const void *ctx);

/* Is it a fault or a strike of a nemesis that does something? */
edit_test edit_is_fault;
/* A choice of another stream. */
edit_test edit_is_choice;
size_t edits_count(const struct tape *tape, edit_test *test, const void *ctx);
/* The numbers of those edits. Heap. */
size_t *edits_find(const struct tape *tape, edit_test *test, const void *ctx, size_t *ret_count);
struct tape *tape_copy_without_these(const struct tape *tape, const size_t *edits, size_t count);
/* Is a choice of this stream something that a run's story would tell? */
bool stream_is_told(enum stream stream);

/* ---- passes ---- */

/* Nothing goes wrong any more but what went wrong in the recorded run. */
void shrinker_make_explicit(struct shrinker *shrinker, const struct recording *recording);
/* Leaves out as many of these edits as it can. */
void shrinker_remove(struct shrinker *shrinker, edit_test *test, const void *ctx);
void shrinker_simplify(struct shrinker *shrinker);
void shrinker_lower(struct shrinker *shrinker);
void shrinker_weaken(struct shrinker *shrinker);
void shrinker_earlier(struct shrinker *shrinker);
/* The things in lists, and all draws. */
void size_count_draws(struct shrink_size *size, const struct sequence_span *spans,
                      size_t span_count, size_t draws);
void size_copy_draws(struct shrink_size *size, const struct shrink_size *from);
void shrinker_draws(struct shrinker *shrinker);
void shrinker_nudge(struct shrinker *shrinker);
void shrinker_broaden(struct shrinker *shrinker);

/* Round numbers from 1 on: 1, 2, 5, 10, 20, ... */
uint64_t ladder_step(size_t index);

#endif
