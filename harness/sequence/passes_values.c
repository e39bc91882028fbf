/* passes_values.c: passes that make values simpler: alone, equal ones together, and together by the same amount
 * those that would hold each other back: near ones, and those that were seen to take turns.
 */
#include "harness/sequence/shrink_internal.h"

#include <string.h>

enum { NEAR = 8 /* so close, and so large, two values are not by chance */ };

/* ---- lowering a set of choices by one amount ---- */

struct lowering {
    size_t *at; /* positions */
    size_t count;
    struct sequence_choice *from; /* as they were */
    bool alone;
    uint64_t stride;
};

static bool set_lowered(struct shrinker *s, const struct lowering *lowering, uint64_t amount)
{
    shrink_trial_reset(s);
    for (size_t i = 0; i < lowering->count; i++) {
        if (lowering->at[i] >= s->length)
            return false;
        s->trial[lowering->at[i]] = shrink_nearer(&lowering->from[i], amount);
    }
    return true;
}

/* How many choices fewer the last case drew in the span that begins where the span around `position` does. */
static size_t drawn_fewer(const struct shrinker *s, size_t position)
{
    size_t count, around = shrink_span_around(s->spans, s->span_count, position);
    if (!s->last)
        return 0;
    const struct sequence_span *drawn = sequence_spans(s->last, &count);
    size_t was = s->length, is = sequence_length(s->last);
    if (around != SIZE_MAX && around < count && drawn[around].begin == s->spans[around].begin &&
        drawn[around].end < is) {
        was = s->spans[around].end;
        is = drawn[around].end;
    } else if (sequence_overrun(s->last)) {
        return 0;
    }
    return is < was ? was - is : 0;
}

/* A value that says how much follows: what follows is cut, at its begin or at the end of its span. */
static bool cut_what_follows(struct shrinker *s, const struct lowering *lowering, uint64_t amount)
{
    size_t position = lowering->at[0];
    size_t fewer = drawn_fewer(s, position);
    size_t around = shrink_span_around(s->spans, s->span_count, position);
    size_t end = around == SIZE_MAX ? s->length : s->spans[around].end;
    if (fewer == 0 || position + 1 + fewer > end)
        return false;
    set_lowered(s, lowering, amount);
    shrink_trial_delete(s, end - fewer, end);
    if (shrink_try(s))
        return true;
    set_lowered(s, lowering, amount);
    shrink_trial_delete(s, position + 1, position + 1 + fewer);
    return shrink_try(s);
}

static bool probe_lowering(struct shrinker *s, void *ctx, uint64_t amount)
{
    const struct lowering *lowering = ctx;
    amount *= lowering->stride;
    if (!set_lowered(s, lowering, amount))
        return false;
    return shrink_try(s) || (lowering->alone && cut_what_follows(s, lowering, amount));
}

static uint64_t least_away(const struct lowering *lowering)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < lowering->count; i++) {
        uint64_t away = shrink_away(&lowering->from[i]);
        least = away < least ? away : least;
    }
    return least;
}

/* In steps of so many: once, and if that works, as far as it goes. */
static bool lower_by(struct shrinker *s, struct lowering *lowering, uint64_t stride)
{
    lowering->stride = stride;
    if (!probe_lowering(s, lowering, 1))
        return false;
    for (size_t i = 0; i < lowering->count; i++) {
        if (lowering->at[i] >= s->length)
            return true;
        lowering->from[i] = s->choices[lowering->at[i]];
    }
    shrink_find(s, least_away(lowering) / stride, false, probe_lowering, lowering);
    return true;
}

/* As far as it goes; where the least step fails, in steps of two (what must stay even), or by half. */
static void lower(struct shrinker *s, struct lowering *lowering)
{
    uint64_t max = least_away(lowering);
    lowering->stride = 1;
    if (shrink_find(s, max, true, probe_lowering, lowering) == 0 && max > 3)
        (void)(lower_by(s, lowering, 2) || lower_by(s, lowering, max / 2));
}

typedef bool belongs_with(const struct sequence_choice *a, const struct sequence_choice *b);

/* All from `position` on that belong with the choice there. */
static void collect(const struct shrinker *s, size_t position, belongs_with *belongs,
                    struct lowering *ret_lowering)
{
    struct lowering lowering = {.at = array_of(s->length, sizeof *lowering.at),
                                .from = array_of(s->length, sizeof *lowering.from)};
    for (size_t i = position; i < s->length; i++) {
        const struct sequence_choice *choice = &s->choices[i];
        if (i != position && !belongs(&s->choices[position], choice))
            continue;
        lowering.at[lowering.count] = i;
        lowering.from[lowering.count++] = *choice;
    }
    *ret_lowering = lowering;
}

static void lower_together(struct shrinker *s, size_t position, belongs_with *belongs)
{
    struct lowering lowering;
    collect(s, position, belongs, &lowering);
    if (lowering.count > 1)
        lower(s, &lowering);
    free(lowering.at);
    free(lowering.from);
}

static bool is_equal(const struct sequence_choice *a, const struct sequence_choice *b)
{
    return shrink_is_number(b) && shrink_is_free(b) && a->value == b->value &&
           a->target == b->target;
}

static bool is_near(const struct sequence_choice *a, const struct sequence_choice *b)
{
    if (!shrink_is_number(b) || !shrink_is_free(b) || (a->value > 0) != (b->value > 0))
        return false;
    uint64_t x = shrink_away(a), y = shrink_away(b);
    return x > 2 * NEAR && y > 2 * NEAR && (x > y ? x - y : y - x) <= NEAR;
}

static bool is_first_of_its_kind(const struct shrinker *s, size_t position, belongs_with *belongs)
{
    for (size_t i = 0; i < position; i++)
        if (belongs(&s->choices[position], &s->choices[i]))
            return false;
    return shrink_is_number(&s->choices[position]) && shrink_is_free(&s->choices[position]);
}

void shrink_pass_equal_values(struct shrinker *s, size_t position)
{
    if (is_first_of_its_kind(s, position, is_equal))
        lower_together(s, position, is_equal);
}

void shrink_pass_near_values(struct shrinker *s, size_t position)
{
    if (is_first_of_its_kind(s, position, is_near))
        lower_together(s, position, is_near);
}

/* ---- one choice ---- */

static bool set_one(struct shrinker *s, size_t position, int64_t value)
{
    shrink_trial_reset(s);
    s->trial[position] = value;
    return shrink_try(s);
}

/* The next simpler one on the other side of the target: 3 -> -2, -2 -> 2. */
static void to_other_side(struct shrinker *s, size_t position)
{
    const struct sequence_choice choice = s->choices[position];
    uint64_t away = shrink_away(&choice);
    uint64_t below = (uint64_t)choice.target - (uint64_t)choice.lo;
    uint64_t above = (uint64_t)choice.hi - (uint64_t)choice.target;
    if (choice.value < choice.target && above > 0)
        set_one(s, position, (int64_t)((uint64_t)choice.target + (away < above ? away : above)));
    if (choice.value > choice.target && below > 0 && away > 1)
        set_one(s, position,
                (int64_t)((uint64_t)choice.target - (away - 1 < below ? away - 1 : below)));
}

/* ---- zig-zag: two values hold each other back, and each goes a little further when the other has gone ---- */

struct pattern {
    size_t *at;
    size_t count;
    struct sequence_choice *from;
    uint64_t *amounts;
};

static bool probe_pattern(struct shrinker *s, void *ctx, uint64_t times)
{
    const struct pattern *pattern = ctx;
    shrink_trial_reset(s);
    for (size_t i = 0; i < pattern->count; i++) {
        if (pattern->at[i] >= s->length)
            return false;
        s->trial[pattern->at[i]] = shrink_nearer(&pattern->from[i], times * pattern->amounts[i]);
    }
    return shrink_try(s);
}

static uint64_t times_max(const struct pattern *pattern)
{
    uint64_t max = UINT64_MAX;
    for (size_t i = 0; i < pattern->count; i++) {
        uint64_t times = shrink_away(&pattern->from[i]) / pattern->amounts[i];
        max = times < max ? times : max;
    }
    return max;
}

/* All that were lowered since this one was lowered before: by the same amount, or each by its own amount again, as
 * often as it goes. */
static void lower_as_before(struct shrinker *s, uint64_t since)
{
    struct pattern pattern = {.at = array_of(s->length, sizeof *pattern.at),
                              .from = array_of(s->length, sizeof *pattern.from),
                              .amounts = array_of(s->length, sizeof *pattern.amounts)};
    for (int again = 0; again < 2; again++) {
        pattern.count = 0;
        for (size_t i = 0; i < s->lowered_length; i++) {
            if (s->lowered[i].version < since || !shrink_is_free(&s->choices[i]))
                continue;
            pattern.at[pattern.count] = i;
            pattern.from[pattern.count] = s->choices[i];
            pattern.amounts[pattern.count++] = again ? s->lowered[i].amount : 1;
        }
        if (pattern.count > 1 &&
            shrink_find(s, times_max(&pattern), false, probe_pattern, &pattern))
            break;
    }
    free(pattern.at);
    free(pattern.from);
    free(pattern.amounts);
}

static void after_lowering(struct shrinker *s, size_t position, uint64_t amount)
{
    if (s->lowered_length != s->length)
        memset(s->lowered, 0, s->length * sizeof *s->lowered);
    s->lowered_length = s->length;
    uint64_t before = s->lowered[position].version;
    s->lowered[position] = (struct lowered){s->version, amount};
    if (before > 0)
        lower_as_before(s, before);
}

void shrink_pass_each_value(struct shrinker *s, size_t position)
{
    if (!shrink_is_free(&s->choices[position]) || s->choices[position].role == SEQUENCE_MORE)
        return;
    if (s->choices[position].value < s->choices[position].target)
        to_other_side(s, position);
    struct sequence_choice from = s->choices[position];
    struct lowering lowering = {.at = &position, .count = 1, .from = &from, .alone = true};
    size_t length = s->length;
    lower(s, &lowering);
    if (s->length == length && shrink_away(&from) > shrink_away(&s->choices[position]))
        after_lowering(s, position, shrink_away(&from) - shrink_away(&s->choices[position]));
    if (position < s->length && s->choices[position].value > s->choices[position].target)
        to_other_side(s, position);
}
