/* passes_delete.c: passes that make the sequence shorter by cutting something out, alone or while something
 * else changes: what refers past it is renumbered, or one extreme value takes over what it did.
 */
#include "harness/sequence/shrink_internal.h"

#include <string.h>

enum {
    SMALL_SPAN = 8, /* choices; larger ones are seldom single elements */
    NEAR_SPAN = 8,  /* how far from a choice the span may begin that its bound makes superfluous */
    RUN_MAX = 1 << 16, /* siblings that one search may delete */
    BLOCK_MAX = 4      /* choices */
};

/* A list has its end in itself: without it, its case would draw that from what follows. */
static bool is_cuttable(const struct sequence_span *span)
{
    return span->end > span->begin && !sequence_span_is(span, "list");
}

/* ---- discarded: what was drawn and not used ---- */

static bool is_outermost_discarded(const struct shrinker *s, size_t span)
{
    if (!s->spans[span].discarded || s->spans[span].end == s->spans[span].begin)
        return false;
    for (size_t up = s->spans[span].parent; up != SIZE_MAX; up = s->spans[up].parent)
        if (s->spans[up].discarded)
            return false;
    return true;
}

static bool delete_discarded(struct shrinker *s, size_t only)
{
    bool any = false;
    shrink_trial_reset(s);
    for (size_t i = s->span_count; i-- > 0;) {
        if (!is_outermost_discarded(s, i) || (only != SIZE_MAX && i != only))
            continue;
        shrink_trial_delete(s, s->spans[i].begin, s->spans[i].end);
        any = true;
    }
    return any && shrink_try(s);
}

void shrink_pass_discarded(struct shrinker *s, size_t position)
{
    (void)position;
    if (delete_discarded(s, SIZE_MAX))
        return;
    for (size_t i = s->span_count; i-- > 0;)
        if (i < s->span_count && s->spans[i].discarded)
            delete_discarded(s, i);
}

/* ---- spans, in runs of siblings ---- */

enum renumber { RENUMBER_NOTHING, RENUMBER_ABOVE, RENUMBER_ALL };

struct run { /* siblings next to each other, as they were when the search began */
    enum renumber renumber;
    size_t siblings; /* all of them */
    size_t count;    /* those that can be deleted together, the last one of them at `end` */
    size_t *begins;  /* begins[k]: where the run of k+1 spans begins that ends at `end` */
    size_t end;
    struct sequence_choice *choices;
    size_t length;
};

static size_t siblings_before(const struct shrinker *s, size_t span, size_t *begins)
{
    size_t count = 0, parent = s->spans[span].parent, next = s->spans[span].begin;
    for (size_t i = span; i-- > 0 && i != parent && count < RUN_MAX;) {
        if (s->spans[i].parent != parent)
            continue;
        if (s->spans[i].end != next || !sequence_span_is(&s->spans[i], s->spans[span].label))
            break;
        next = begins[count++] = s->spans[i].begin;
    }
    return count;
}

static void run_init(struct run *run, const struct shrinker *s, size_t span, enum renumber renumber)
{
    *run = (struct run){.renumber = renumber, .end = s->spans[span].end, .length = s->length};
    run->begins = array_of(span + 1, sizeof *run->begins);
    run->begins[0] = s->spans[span].begin;
    run->count = siblings_before(s, span, run->begins + 1) + 1;
    for (size_t i = 0; i < s->span_count; i++)
        run->siblings += s->spans[i].parent == s->spans[span].parent;
    run->choices = array_of(s->length, sizeof *run->choices);
    memcpy(run->choices, s->choices, s->length * sizeof *run->choices);
}

static void run_done(struct run *run)
{
    free(run->begins);
    free(run->choices);
}

/* Values that may refer past the deleted ones get `amount` nearer to their target. */
static int64_t renumbered(const struct run *run, const struct sequence_choice *choice,
                          size_t ordinal, uint64_t amount)
{
    if (run->renumber == RENUMBER_NOTHING || !shrink_is_number(choice) || !shrink_is_free(choice))
        return choice->value;
    uint64_t away = shrink_away(choice);
    if (run->renumber == RENUMBER_ABOVE && (away <= ordinal || away > run->siblings))
        return choice->value;
    return shrink_nearer(choice, away < amount ? away : amount);
}

static bool probe_run(struct shrinker *s, void *ctx, uint64_t amount)
{
    const struct run *run = ctx;
    size_t begin = run->begins[amount - 1];
    if (run->length - (run->end - begin) >= s->length)
        return false;
    s->trial_count = 0;
    for (size_t i = 0; i < run->length; i++)
        if (i < begin || i >= run->end)
            s->trial[s->trial_count++] =
                renumbered(run, &run->choices[i], run->count - amount, amount);
    return shrink_try(s);
}

static void delete_run(struct shrinker *s, size_t span, enum renumber renumber)
{
    struct run run;
    run_init(&run, s, span, renumber);
    shrink_find(s, run.count, false, probe_run, &run);
    run_done(&run);
}

/* Outermost first, and of one depth the last: it has the most siblings before it. */
static size_t span_at(const struct shrinker *s, size_t position)
{
    size_t first = position, depth = s->spans[s->by_depth[position]].depth;
    while (first > 0 && s->spans[s->by_depth[first - 1]].depth == depth)
        first--;
    size_t end = position + 1;
    while (end < s->span_count && s->spans[s->by_depth[end]].depth == depth)
        end++;
    return s->by_depth[end - 1 - (position - first)];
}

void shrink_pass_delete_spans(struct shrinker *s, size_t position)
{
    size_t span = span_at(s, position);
    if (is_cuttable(&s->spans[span]))
        delete_run(s, span, RENUMBER_NOTHING);
}

/* ---- choices that no span of their own holds ---- */

struct block {
    size_t begin, size, length; /* length: of the sequence when the search began */
};

static bool probe_blocks(struct shrinker *s, void *ctx, uint64_t amount)
{
    const struct block *block = ctx;
    size_t deleted = block->length - s->length; /* by this search */
    if (amount * block->size <= deleted)
        return false;
    shrink_trial_reset(s);
    shrink_trial_delete(s, block->begin, block->begin + amount * block->size - deleted);
    return shrink_try(s);
}

void shrink_pass_delete_choices(struct shrinker *s, size_t position)
{
    size_t around = shrink_span_around(s->spans, s->span_count, position);
    size_t end = around == SIZE_MAX ? s->length : s->spans[around].end;
    for (size_t i = 0; i < s->span_count && end != position; i++)
        if (s->spans[i].begin > position && s->spans[i].begin < end)
            end = s->spans[i].begin;
    for (size_t size = 1; size <= BLOCK_MAX && position + size <= end; size++) {
        struct block block = {position, size, s->length};
        if (shrink_find(s, (end - position) / size, false, probe_blocks, &block) > 0)
            return;
    }
}

/* Remove an element, and renumber what refers past it: numbers that are larger than its place among its siblings,
 * and not larger than there are siblings. (Positions in a list, identities in the order of their creation, a size that
 * was drawn before.) */
void shrink_pass_renumber(struct shrinker *s, size_t position)
{
    size_t span = span_at(s, position);
    if (is_cuttable(&s->spans[span]))
        delete_run(s, span, RENUMBER_ABOVE);
}

/* The same with all numbers, which is right where only some of the siblings are counted. */
void shrink_pass_renumber_all(struct shrinker *s, size_t position)
{
    size_t span = span_at(s, position);
    if (is_cuttable(&s->spans[span]) && s->spans[span].end - s->spans[span].begin <= SMALL_SPAN)
        delete_run(s, span, RENUMBER_ALL);
}

/* ---- one extreme value instead of two ordinary ones ---- */

static bool may_be_replaced(const struct sequence_span *span, size_t position)
{
    size_t apart = span->begin > position ? span->begin - position : position - span->begin;
    return is_cuttable(span) && span->end - span->begin <= SMALL_SPAN && apart <= NEAR_SPAN &&
           (position < span->begin || position >= span->end);
}

static bool bound_and_delete(struct shrinker *s, size_t position, int64_t bound)
{
    for (size_t i = s->span_count; i-- > 0;) {
        if (!may_be_replaced(&s->spans[i], position))
            continue;
        shrink_trial_reset(s);
        s->trial[position] = bound;
        shrink_trial_delete(s, s->spans[i].begin, s->spans[i].end);
        if (shrink_try(s))
            return true;
    }
    return false;
}

void shrink_pass_bound_and_delete(struct shrinker *s, size_t position)
{
    const struct sequence_choice choice = s->choices[position];
    if (choice.role != SEQUENCE_DATA || choice.forced)
        return;
    if (shrink_is_bound(&choice, choice.hi) && bound_and_delete(s, position, choice.hi))
        return;
    if (shrink_is_bound(&choice, choice.lo))
        bound_and_delete(s, position, choice.lo);
}

/* A less simple value is welcome when it makes the whole shorter. */
static bool raise_to(struct shrinker *s, size_t position, int64_t value)
{
    if (value == s->choices[position].value)
        return false;
    shrink_trial_reset(s);
    s->trial[position] = value;
    s->trial_count = s->length - 1; /* it is to leave one over, at least */
    return shrink_try(s);
}

void shrink_pass_raise_to_shorten(struct shrinker *s, size_t position)
{
    const struct sequence_choice choice = s->choices[position];
    if (choice.forced || choice.role == SEQUENCE_MORE || position + 1 == s->length)
        return;
    if (choice.value < choice.hi && !raise_to(s, position, choice.value + 1) &&
        shrink_is_bound(&choice, choice.hi))
        raise_to(s, position, choice.hi);
}

/* ---- little programs: lower this one (and the next), delete what follows ---- */

static bool lower_and_delete(struct shrinker *s, size_t position, size_t lower, size_t delete)
{
    size_t end = position + lower + delete;
    if (end > s->length)
        return false;
    shrink_trial_reset(s);
    for (size_t i = position; i < position + lower; i++) {
        if (!shrink_is_free(&s->choices[i]))
            return false;
        s->trial[i] = shrink_nearer(&s->choices[i], 1);
    }
    shrink_trial_delete(s, position + lower, end);
    return shrink_try(s);
}

void shrink_pass_programs(struct shrinker *s, size_t position)
{
    (void)(lower_and_delete(s, position, 1, 1) || lower_and_delete(s, position, 1, 2) ||
           lower_and_delete(s, position, 2, 1));
}
