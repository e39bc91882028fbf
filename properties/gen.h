/* gen.h: typed draws. A generator turns the choices of a sequence (harness/sequence/sequence.h) into values; whatever is built
 * of these draws can be recorded, replayed and shrunk. Shrinking goes towards what stands first or nearest to 0:
 * short lists, small numbers, whole numbers, the letters '0' and 'a', the first alternative.
 *
 * Memory of what is drawn belongs to the arena. Nothing here knows a system under test.
 */
#ifndef PROPERTIES_GEN_H
#define PROPERTIES_GEN_H

#include "harness/sequence/sequence.h"
#include "properties/arena.h"

struct gen {
    struct sequence *sequence;
    struct arena *arena;
    void (*drew)(struct gen *gen); /* may be NULL: called after each draw; may not return */
};

/* ---- numbers ---- */

/* In [lo, hi]: often at the bounds, small, near a power of two, or like one drawn before. Simplest: nearest to 0. */
int64_t gen_int(struct gen *gen, int64_t lo, int64_t hi);
uint64_t gen_unsigned(struct gen *gen, uint64_t lo, uint64_t hi);
/* Every value as likely as any other: for sizes and positions. */
int64_t gen_uniform(struct gen *gen, int64_t lo, int64_t hi);
/* Simplest: false. */
bool gen_bool(struct gen *gen);
bool gen_chance(struct gen *gen, uint64_t numerator, uint64_t denominator);

/* Whole numbers, then simple fractions, then anything; sometimes a bound, -0.0, the smallest, the largest.
 * {0}: every finite number. Simplest: the whole number nearest to 0. */
struct gen_reals {
    double lo, hi;      /* both 0: no bounds */
    bool nan, infinite; /* may these come too? */
};
double gen_real(struct gen *gen, const struct gen_reals *of);

/* Nanoseconds in [lo, hi], 0 <= lo: a round number of some unit. Simplest: lo. */
int64_t gen_duration(struct gen *gen, int64_t lo, int64_t hi);

/* ---- alternatives ---- */

/* A number in [0, n): which alternative. Put the simplest first. */
size_t gen_branch(struct gen *gen, size_t n);
/* The same, alternative i with probability weights[i] / sum. */
size_t gen_weighted(struct gen *gen, const unsigned *weights, size_t n);
#define GEN_WEIGHTED(gen, ...)                                                                     \
    gen_weighted((gen), (const unsigned[]){__VA_ARGS__},                                           \
                 sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))
/* One element of an array. */
#define GEN_ONE_OF(gen, array) ((array)[gen_branch((gen), sizeof(array) / sizeof *(array))])
/* An alternative of something recursive: of n, the first `leaves` (at least 1) do not recurse; when `depth` levels
 * are used up, only these are left, and they are more likely the deeper it goes. Surround each level with
 * gen_begin(gen, "...") and gen_end(gen), so that a level can be replaced by one inside of it. */
size_t gen_grow(struct gen *gen, unsigned level, unsigned depth, size_t leaves, size_t n);

/* What belongs together. `label` is static; equal labels say: of one kind. */
void gen_begin(struct gen *gen, const char *label);
void gen_end(struct gen *gen);

/* One of the identities that are alive, ascending, count >= 1: see sequence_pick(). */
uint64_t gen_pick(struct gen *gen, const uint64_t *alive, size_t count);

/* ---- many ----
 *
 *     struct sequence_list list = {.min = 1, .max = 10};
 *     while (gen_more(gen, &list))
 *         draw one;             gen_reject(gen, &list): it does not count */

bool gen_more(struct gen *gen, struct sequence_list *list);
void gen_reject(struct gen *gen, struct sequence_list *list);

struct gen_elements {
    size_t min, max;
    size_t size; /* of one */
    void (*draw)(struct gen *gen, void *ret_item, const void *how);
    const void *how;
    bool (*same)(const void *a, const void *b); /* not NULL: a set, no two are the same */
};
/* An array of min..max elements. */
void *gen_list(struct gen *gen, const struct gen_elements *of, size_t *ret_count);

struct ints {
    int64_t *items;
    size_t count;
};
struct ints gen_ints(struct gen *gen, size_t min, size_t max, int64_t lo, int64_t hi);
/* All different. */
struct ints gen_unique(struct gen *gen, size_t min, size_t max, int64_t lo, int64_t hi);
/* 0 .. count - 1 in some order. Simplest: ascending. */
struct ints gen_permutation(struct gen *gen, size_t count);
/* In place. Simplest: as it is. */
void gen_shuffle(struct gen *gen, void *items, size_t count, size_t size);

/* ---- bytes and text ---- */

struct bytes {
    unsigned char *data;
    size_t size;
};
struct bytes gen_bytes(struct gen *gen, size_t min, size_t max);

/* The letters of a text, the simplest first: ranges of code points; ends with {0}. Valid UTF-8 always, never NUL. */
struct alphabet {
    uint32_t first, last;
};
extern const struct alphabet gen_digits[], gen_lower[], gen_letters[] /* and digits */,
    gen_printable[] /* ASCII */, gen_unicode[] /* every scalar value but 0 */;

/* min..max letters; `of` NULL: gen_unicode, mostly ASCII. */
char *gen_text(struct gen *gen, const struct alphabet *of, size_t min, size_t max);
/* A code point as UTF-8; how many bytes it took, 1..4. */
size_t utf8_write(char out[4], uint32_t code);

/* Keys all different. */
struct gen_entry {
    const char *key;
    int64_t value;
};
struct gen_entries {
    struct gen_entry *items;
    size_t count;
};
struct gen_entries gen_map(struct gen *gen, size_t min, size_t max, int64_t lo, int64_t hi);

#endif
