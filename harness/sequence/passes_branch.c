/* passes_branch.c: another alternative of a one-of. What followed was drawn for the old one and means nothing to
 * the new one, so what follows is tried simplest, and then drawn anew, a few times.
 */
#include "harness/sequence/shrink_internal.h"

enum { TRIES = 3 /* random continuations of one alternative, if nobody says how many */ };

/* What the last case drew from here to the end of the span, then what followed the span. */
static bool splice(struct shrinker *s, size_t span, size_t tail)
{
    size_t count;
    if (!s->last || span == SIZE_MAX)
        return false;
    const struct sequence_span *drawn = sequence_spans(s->last, &count);
    const struct sequence_choice *choices = sequence_choices(s->last);
    if (span >= count || drawn[span].end + (s->length - tail) > s->length ||
        drawn[span].begin != s->spans[span].begin)
        return false;
    s->trial_count = 0;
    for (size_t i = 0; i < drawn[span].end; i++)
        s->trial[s->trial_count++] = choices[i].value;
    for (size_t i = tail; i < s->length; i++)
        s->trial[s->trial_count++] = s->choices[i].value;
    return shrink_try(s);
}

static void set_branch(struct shrinker *s, size_t position, int64_t value)
{
    shrink_trial_reset(s);
    s->trial[position] = value;
    s->trial_count = position + 1;
}

/* An alternative of which one part is missing: without each of the spans that follow in the span of the branch. */
static bool try_with_less(struct shrinker *s, size_t position, int64_t value)
{
    size_t around = shrink_span_around(s->spans, s->span_count, position);
    for (size_t i = around == SIZE_MAX ? 0 : around + 1; i < s->span_count; i++) {
        const struct sequence_span *part = &s->spans[i];
        if (part->parent != around || part->begin <= position || part->end == part->begin)
            continue;
        shrink_trial_reset(s);
        s->trial[position] = value;
        shrink_trial_delete(s, part->begin, part->end);
        if (shrink_try(s))
            return true;
    }
    return false;
}

static bool try_alternative(struct shrinker *s, size_t position, int64_t value)
{
    size_t tries = s->shrink->random_tries ? s->shrink->random_tries : TRIES;
    size_t span = shrink_span_around(s->spans, s->span_count, position);
    size_t tail = span == SIZE_MAX ? s->length : s->spans[span].end;
    for (size_t i = 0; i <= tries; i++) {
        set_branch(s, position, value);
        if (i == 0 ? shrink_try_simplest(s) : shrink_try_random(s, shrink_random(s)))
            return true;
        if (tail < s->length && splice(s, span, tail))
            return true;
    }
    return false;
}

void shrink_pass_switch_branch(struct shrinker *s, size_t position)
{
    const struct sequence_choice choice = s->choices[position];
    if (choice.role != SEQUENCE_BRANCH || !shrink_is_free(&choice))
        return;
    for (int64_t value = choice.lo; value < choice.value; value++)
        if (try_with_less(s, position, value) || try_alternative(s, position, value))
            return;
}
