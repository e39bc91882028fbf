/* sequence.h: generated data as a sequence of choices with nested spans.
 *
 * A generator draws integers; everything else (lists, text, trees, commands) is made of them. What it drew is
 * recorded, choice by choice, and can be played again, changed: that is how a counterexample is shrunk without
 * knowing what it means. One sequence is one test case, or the workload of one run (tape_draw() draws here).
 *
 * Order ("simpler"): shortlex. Fewer choices first; then, choice by choice, the smaller *index*, which is the
 * zig-zag distance of the value from its target (with target 0: 0 -> 0, 1 -> 1, -1 -> 2, 2 -> 3, -2 -> 4 ...; where
 * one side of the range ends, the other goes on alone). Every choice has a simplest value, its target.
 *
 * A choice may be marked as a *branch selector* (which alternative of a one-of), so that a shrinker need not guess;
 * as *forced* (recorded, but not free: no shrinker touches it); a span may be *discarded* (what it drew was not
 * used: a rejected sample).
 */
#ifndef DURESS_SEQUENCE_H
#define DURESS_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sequence;

enum sequence_role {
    SEQUENCE_DATA,
    SEQUENCE_BRANCH,
    SEQUENCE_MORE, /* "one more element?" */
    SEQUENCE_PICK, /* an identity, see sequence_pick() */
};

struct sequence_choice {
    int64_t lo, hi, target; /* lo <= target <= hi */
    int64_t value;
    enum sequence_role role;
    bool forced;
};

struct sequence_span {
    const char *label; /* static; spans of one label are of one kind */
    size_t begin, end; /* choices [begin, end) */
    size_t depth;
    size_t parent; /* index of the enclosing span; SIZE_MAX: none */
    bool discarded;
};

/* What comes after the last given value. */
enum sequence_beyond {
    BEYOND_SEED,     /* values drawn from the seed: a fresh case, or a random continuation */
    BEYOND_SIMPLEST, /* every choice is its target */
    BEYOND_OVERRUN, /* the sequence is overrun: the case is not one. Draws then return the target */
};

/* The first `count` choices take these values (one that its range does not admit becomes the target); the rest is as
 * `beyond` says. Copies the values. */
struct sequence *sequence_new(const int64_t *values, size_t count, enum sequence_beyond beyond,
                              uint64_t seed);
/* What was drawn so far, and how it would go on. */
struct sequence *sequence_copy(const struct sequence *sequence);
void sequence_free(struct sequence *sequence);
/* It is as if this had been drawn from it, here: what a child process drew. */
void sequence_adopt(struct sequence *sequence, const struct sequence_choice *choices,
                    size_t choice_count, const struct sequence_span *spans, size_t span_count,
                    bool overrun);
/* At most so many choices: the next one overruns. SEQUENCE_LIMIT at first, so that a generator that never ends
 * does; a shrinker sets the length that it has to beat. */
enum { SEQUENCE_LIMIT = 1 << 20 };
void sequence_limit(struct sequence *sequence, size_t choices_max);
/* The choice at this place takes the admitted value that is nearest to this one, whatever else is said of it; unless it
 * is forced. */
void sequence_override(struct sequence *sequence, size_t position, int64_t value);

/* ---- drawing ---- */

/* A value in [lo, hi], simplest: the one nearest to 0. Uniform; biased: often at the bounds, small, a power of two
 * (or next to one), or one that was drawn before (or next to it), as tests want it. A random value is a pure
 * function of the seed, the position and, if biased, what was drawn before. */
int64_t sequence_draw(struct sequence *sequence, int64_t lo, int64_t hi);
int64_t sequence_draw_biased(struct sequence *sequence, int64_t lo, int64_t hi);
/* The same with everything said, uniform. forced: `value` is recorded and returned. */
int64_t sequence_draw_as(struct sequence *sequence, const struct sequence_choice *how);
/* true with probability numerator/denominator; simplest: false. */
bool sequence_chance(struct sequence *sequence, uint64_t numerator, uint64_t denominator);
/* A number in [0, n), marked as a branch selector: put the simplest alternative first. */
size_t sequence_branch(struct sequence *sequence, size_t n);
/* One of the `count` identities that are alive now, ascending. Recorded is the identity itself, not its place, so
 * that removing another one does not shift this choice; one that is not alive (any more) becomes the first.
 * count >= 1. */
uint64_t sequence_pick(struct sequence *sequence, const uint64_t *alive, size_t count);

void sequence_span_begin(struct sequence *sequence, const char *label);
void sequence_span_end(struct sequence *sequence);
void sequence_span_discard(struct sequence *sequence); /* ends it, discarded */

/* A list of min..max elements, `average` long on average: one span per element (with its "more?" choice in it), and
 * one around all. Leave the loop only through its condition (or end the whole case: spans may stay open then).
 *     struct sequence_list list = {.min = 0, .max = 20};
 *     while (sequence_list_more(sequence, &list)) draw an element;
 * Where no more (or no fewer) may come, "more?" is recorded, forced; a list of fixed length has no such choices. */
struct sequence_list {
    size_t min, max;
    size_t average;    /* 0: a sensible one */
    const char *label; /* of the span of an element; NULL: "element" */
    /* even: each length from `usual` to `max` is as likely. Shorter ones, down to `min`, are for a shrinker alone. */
    bool even;
    size_t usual;
    size_t count; /* elements so far */
    size_t rejected;
    enum { LIST_NEW, LIST_OPEN, LIST_REJECTED, LIST_ENDED } state;
};
bool sequence_list_more(struct sequence *sequence, struct sequence_list *list);
/* The last one does not count: its span will be discarded. When too many are rejected, the list ends, or, when it
 * is too short, the sequence is overrun. */
void sequence_list_reject(struct sequence *sequence, struct sequence_list *list);

/* This case is not one: a filter found nothing, an assumption of the generator does not hold. As an overrun. */
void sequence_give_up(struct sequence *sequence);

/* ---- what was drawn ---- */

size_t sequence_length(const struct sequence *sequence);
const struct sequence_choice *sequence_choices(const struct sequence *sequence);
const struct sequence_span *sequence_spans(const struct sequence *sequence, size_t *ret_count);
bool sequence_overrun(const struct sequence *sequence);
/* Is it of this label? */
bool sequence_span_is(const struct sequence_span *span, const char *label);
/* <0, 0, >0: a is simpler than, as simple as, less simple than b. Shortlex, as above. */
int sequence_compare(const struct sequence_choice *a, size_t a_length,
                     const struct sequence_choice *b, size_t b_length);
/* The zig-zag distance described above, and back. */
uint64_t sequence_index(const struct sequence_choice *choice, int64_t value);
int64_t sequence_value(const struct sequence_choice *choice, uint64_t index);

#endif
