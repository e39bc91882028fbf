/* shrink_passes_values.c: passes that make values simpler: alone, equal ones together, near ones together by the same
 * amount (alone, each would hold the other back), and pairs where one pays for the other.
 */
#include "harness/shrink_internal.h"

#include <string.h>

enum {
    NEAR = 8,  /* so close, and so large, two values are not by chance */
    AHEAD = 4, /* how many numbers ahead the partner of a pair is looked for */
};

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

void shrink_pass_each_value(struct shrinker *s, size_t position)
{
    if (!shrink_is_free(&s->choices[position]) || s->choices[position].role == SEQUENCE_MORE)
        return;
    if (s->choices[position].value < s->choices[position].target)
        to_other_side(s, position);
    struct sequence_choice from = s->choices[position];
    struct lowering lowering = {.at = &position, .count = 1, .from = &from, .alone = true};
    lower(s, &lowering);
    if (position < s->length && s->choices[position].value > s->choices[position].target)
        to_other_side(s, position);
}

/* ---- pairs ---- */

typedef bool pair_step(struct shrinker *s, size_t a, size_t b);

/* The numbers that follow, a few of them, until one pair gets further. */
static void with_next(struct shrinker *s, size_t position, size_t ahead, pair_step *step)
{
    if (!shrink_is_number(&s->choices[position]) || !shrink_is_free(&s->choices[position]))
        return;
    for (size_t b = position + 1; b < s->length && ahead > 0; b++) {
        if (!shrink_is_number(&s->choices[b]) || s->choices[b].forced)
            continue;
        ahead--;
        if (step(s, position, b))
            return;
    }
}

static bool lower_pair(struct shrinker *s, size_t a, size_t b)
{
    size_t at[2] = {a, b};
    struct sequence_choice from[2] = {s->choices[a], s->choices[b]};
    struct lowering lowering = {.at = at, .count = 2, .from = from, .stride = 1};
    return shrink_is_free(&from[1]) &&
           shrink_find(s, least_away(&lowering), false, probe_lowering, &lowering) > 0;
}

void shrink_pass_neighbours(struct shrinker *s, size_t position)
{
    with_next(s, position, AHEAD - 1, lower_pair);
}

struct transfer {
    size_t a, b;
    struct sequence_choice from_a, from_b;
};

/* What the first loses the second gains, so that their sum stays. */
static bool probe_transfer(struct shrinker *s, void *ctx, uint64_t amount)
{
    const struct transfer *transfer = ctx;
    if (transfer->b >= s->length)
        return false;
    shrink_trial_reset(s);
    int64_t a = shrink_nearer(&transfer->from_a, amount);
    s->trial[transfer->a] = a;
    s->trial[transfer->b] = (int64_t)((uint64_t)transfer->from_b.value +
                                      (uint64_t)transfer->from_a.value - (uint64_t)a);
    return shrink_try(s);
}

static bool redistribute(struct shrinker *s, size_t a, size_t b)
{
    struct transfer transfer = {a, b, s->choices[a], s->choices[b]};
    const struct sequence_choice *to = &transfer.from_b;
    bool up = transfer.from_a.value > transfer.from_a.target;
    uint64_t room =
        up ? (uint64_t)to->hi - (uint64_t)to->value : (uint64_t)to->value - (uint64_t)to->lo;
    uint64_t away = shrink_away(&transfer.from_a);
    return shrink_find(s, away < room ? away : room, false, probe_transfer, &transfer) > 0;
}

void shrink_pass_redistribute(struct shrinker *s, size_t position)
{
    with_next(s, position, AHEAD, redistribute);
}

struct bump {
    size_t a, b;
    struct sequence_choice from_a;
    int64_t bound;
};

static bool probe_bump(struct shrinker *s, void *ctx, uint64_t amount)
{
    const struct bump *bump = ctx;
    if (bump->b >= s->length)
        return false;
    shrink_trial_reset(s);
    s->trial[bump->a] = shrink_nearer(&bump->from_a, amount);
    s->trial[bump->b] = bump->bound;
    return shrink_try(s);
}

/* Less here, as much as there may be there: what is not a sum (a product, a size) pays too. The second one is lowered
 * again by other passes. */
static bool lower_and_bump(struct shrinker *s, size_t a, size_t b)
{
    const struct sequence_choice to = s->choices[b];
    struct bump up = {a, b, s->choices[a], to.hi}, down = {a, b, s->choices[a], to.lo};
    uint64_t away = shrink_away(&up.from_a);
    return (shrink_is_bound(&to, to.hi) && shrink_find(s, away, false, probe_bump, &up) > 0) ||
           (shrink_is_bound(&to, to.lo) && shrink_find(s, away, false, probe_bump, &down) > 0);
}

void shrink_pass_lower_and_bump(struct shrinker *s, size_t position)
{
    with_next(s, position, AHEAD, lower_and_bump);
}

/* ---- blocks of choices without spans ---- */

static bool is_alike(const struct sequence_choice *a, const struct sequence_choice *b)
{
    return a->lo == b->lo && a->hi == b->hi && a->target == b->target && a->role == b->role &&
           !a->forced && !b->forced;
}

static bool may_swap(const struct shrinker *s, size_t position, size_t size)
{
    if (position + 2 * size > s->length)
        return false;
    for (size_t i = position; i < position + size; i++)
        if (!is_alike(&s->choices[i], &s->choices[i + size]))
            return false;
    return true;
}

void shrink_pass_swap_blocks(struct shrinker *s, size_t position)
{
    for (size_t size = 1; size <= 4; size++) {
        if (!may_swap(s, position, size))
            continue;
        shrink_trial_reset(s);
        for (size_t i = position; i < position + size; i++) {
            s->trial[i] = s->choices[i + size].value;
            s->trial[i + size] = s->choices[i].value;
        }
        if (shrink_try(s))
            return;
    }
}
