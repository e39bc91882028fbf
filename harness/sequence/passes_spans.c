/* passes_spans.c: passes that know what spans are: set one to its simplest, put a part of it in its place, and
 * sort its siblings.
 */
#include "harness/sequence/shrink_internal.h"

#include <string.h>

enum { HEIRS_MAX = 8 /* descendants tried in the place of one span */ };

static bool is_list(const struct sequence_span *span)
{
    return sequence_span_is(span, "list");
}

/* ---- zero ---- */

/* The "more?" that an element begins with says that it is there. */
static bool is_own_more(const struct shrinker *s, const struct sequence_span *span, size_t position)
{
    return position == span->begin && s->choices[position].role == SEQUENCE_MORE && !is_list(span);
}

static bool is_simplest(const struct shrinker *s, const struct sequence_span *span)
{
    for (size_t i = span->begin; i < span->end; i++)
        if (shrink_is_free(&s->choices[i]) && !is_own_more(s, span, i))
            return false;
    return true;
}

/* Does a whole list begin here, inside of the span? Its end, then. */
static size_t list_end_at(const struct shrinker *s, size_t span, size_t position)
{
    for (size_t i = span + 1; i < s->span_count && s->spans[i].begin <= position; i++)
        if (s->spans[i].begin == position && s->spans[i].end > position && is_list(&s->spans[i]))
            return s->spans[i].end;
    return SIZE_MAX;
}

/* Values of a span whose choices are all simplest: its lists are empty, its own "more?" stays. */
static void zero_into_trial(struct shrinker *s, size_t span)
{
    for (size_t i = s->spans[span].begin; i < s->spans[span].end; i++) {
        const struct sequence_choice *choice = &s->choices[i];
        size_t end = list_end_at(s, span, i);
        bool keep = choice->forced || is_own_more(s, &s->spans[span], i);
        s->trial[s->trial_count++] = keep ? choice->value : choice->target;
        if (end != SIZE_MAX && choice->role == SEQUENCE_MORE && !choice->forced)
            i = end - 1; /* that was "no more" */
    }
}

/* The span drew another number of choices than it was given: give it what it drew, and what follows to what follows. */
static bool try_realigned(struct shrinker *s, size_t span, size_t tail)
{
    size_t count, used = s->trial_count;
    if (!s->last)
        return false;
    const struct sequence_span *drawn = sequence_spans(s->last, &count);
    if (span >= count || drawn[span].begin != s->spans[span].begin ||
        drawn[span].end == used - (s->length - tail) || drawn[span].end > tail)
        return false;
    const struct sequence_choice *choices = sequence_choices(s->last);
    s->trial_count = 0;
    for (size_t i = 0; i < drawn[span].end; i++)
        s->trial[s->trial_count++] = choices[i].value;
    shrink_trial_append(s, tail, s->length);
    return shrink_try(s);
}

static bool zero_one(struct shrinker *s, size_t span)
{
    size_t tail = s->spans[span].end;
    s->trial_count = 0;
    shrink_trial_append(s, 0, s->spans[span].begin);
    zero_into_trial(s, span);
    shrink_trial_append(s, tail, s->length);
    return shrink_try(s) || try_realigned(s, span, tail);
}

struct row { /* siblings of one label, one after the other */
    size_t first, count;
};

/* The `amount` first of the row. */
static bool probe_zeros(struct shrinker *s, void *ctx, uint64_t amount)
{
    const struct row *row = ctx;
    size_t done = 0;
    s->trial_count = 0;
    for (size_t i = row->first; i < s->span_count && amount > 0; i++) {
        if (s->spans[i].parent != s->spans[row->first].parent)
            continue;
        shrink_trial_append(s, done, s->spans[i].begin);
        zero_into_trial(s, i);
        done = s->spans[i].end;
        amount--;
    }
    shrink_trial_append(s, done, s->length);
    return shrink_try(s);
}

/* Siblings that follow this one, if what it has become is what the one before it is: then it goes on so, maybe. */
static void zero_row(struct shrinker *s, size_t span)
{
    struct row row = {0, 0};
    bool after_simplest = false;
    for (size_t i = 0; i < s->span_count; i++) {
        if (s->spans[i].parent != s->spans[span].parent)
            continue;
        if (i < span)
            after_simplest = is_simplest(s, &s->spans[i]);
        else if (i > span && row.count++ == 0)
            row.first = i;
    }
    if (after_simplest && row.count > 1)
        shrink_find(s, row.count, false, probe_zeros, &row);
}

void shrink_pass_zero_span(struct shrinker *s, size_t position)
{
    size_t span = s->by_depth[position], spans = s->span_count;
    const struct sequence_span *of = &s->spans[span];
    if (of->begin < of->end && !is_simplest(s, of) && zero_one(s, span) && s->span_count == spans)
        zero_row(s, span);
}

/* ---- a part in the place of the whole ---- */

static bool try_heir(struct shrinker *s, const struct sequence_span *whole,
                     const struct sequence_span *part)
{
    shrink_trial_reset(s);
    shrink_trial_delete(s, part->end, whole->end);
    shrink_trial_delete(s, whole->begin, part->begin);
    return shrink_try(s);
}

/* Nearest first: the whole of it has the most to give. */
void shrink_pass_descendant(struct shrinker *s, size_t position)
{
    const struct sequence_span whole = s->spans[s->by_depth[position]];
    size_t tried = 0;
    for (size_t i = 0; i < s->span_count && tried < HEIRS_MAX; i++) {
        const struct sequence_span part = s->spans[s->by_depth[i]];
        bool inside =
            part.depth > whole.depth && part.begin >= whole.begin && part.end <= whole.end;
        if (!inside || part.end - part.begin >= whole.end - whole.begin || part.end == part.begin ||
            !sequence_span_is(&part, whole.label))
            continue;
        if (try_heir(s, &whole, &part))
            return;
        tried++;
    }
}

/* ---- order of siblings ---- */

/* As their contents would be compared at the same place of one sequence: the first difference counts, whatever their
 * lengths. */
static int compare_spans(const struct shrinker *s, size_t a, size_t b)
{
    const struct sequence_span *x = &s->spans[a], *y = &s->spans[b];
    size_t x_length = x->end - x->begin, y_length = y->end - y->begin;
    size_t both = x_length < y_length ? x_length : y_length;
    int order = sequence_compare(s->choices + x->begin, both, s->choices + y->begin, both);
    return order != 0 ? order : (x_length > y_length) - (x_length < y_length);
}

/* The siblings of one label, from this one on; only its first-born collects them. */
static size_t siblings_of(const struct shrinker *s, size_t span, size_t *siblings)
{
    size_t count = 0, parent = s->spans[span].parent;
    for (size_t i = parent == SIZE_MAX ? 0 : parent + 1; i < s->span_count; i++) {
        if (s->spans[i].parent != parent || !sequence_span_is(&s->spans[i], s->spans[span].label))
            continue;
        if (i < span)
            return 0;
        siblings[count++] = i;
    }
    return count;
}

/* In the places of `at`, the contents of `from`. */
static bool try_order(struct shrinker *s, const size_t *at, const size_t *from, size_t count)
{
    size_t done = 0;
    s->trial_count = 0;
    for (size_t k = 0; k < count; k++) {
        shrink_trial_append(s, done, s->spans[at[k]].begin);
        shrink_trial_append(s, s->spans[from[k]].begin, s->spans[from[k]].end);
        done = s->spans[at[k]].end;
    }
    shrink_trial_append(s, done, s->length);
    return shrink_try(s);
}

static void sort(const struct shrinker *s, size_t *siblings, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && compare_spans(s, siblings[k], siblings[k - 1]) < 0; k--) {
            size_t other = siblings[k];
            siblings[k] = siblings[k - 1];
            siblings[k - 1] = other;
        }
}

/* Two neighbours in the wrong order change places, as far as it goes. A success keeps the number of spans only if
 * the case draws the same shape; then the next pair can be looked at. */
static void swap_pairs(struct shrinker *s, const size_t *at, size_t count)
{
    for (size_t k = 1; k < count; k++) {
        if (at[k] >= s->span_count || compare_spans(s, at[k], at[k - 1]) >= 0)
            continue;
        size_t swapped[2] = {at[k], at[k - 1]};
        size_t spans = s->span_count;
        if (try_order(s, at + k - 1, swapped, 2) && s->span_count != spans)
            return;
    }
}

void shrink_pass_reorder(struct shrinker *s, size_t position)
{
    size_t *at = array_of(2 * s->span_count, sizeof *at), *sorted = at + s->span_count;
    size_t count = siblings_of(s, s->by_depth[position], at);
    if (count > 1) {
        memcpy(sorted, at, count * sizeof *at);
        sort(s, sorted, count);
        if (memcmp(sorted, at, count * sizeof *at) != 0 && !try_order(s, at, sorted, count))
            swap_pairs(s, at, count);
    }
    free(at);
}
