/* passes_pairs.c: passes that look at two numbers near each other: both lowered, one paying for the other, or in
 * each other's place.
 */
#include "harness/sequence/shrink_internal.h"

enum { AHEAD = 4 /* how many numbers ahead the partner of a pair is looked for */ };

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

struct pair {
    size_t a, b;
    struct sequence_choice from_a, from_b;
};

static bool probe_both(struct shrinker *s, void *ctx, uint64_t amount)
{
    const struct pair *pair = ctx;
    if (pair->b >= s->length)
        return false;
    shrink_trial_reset(s);
    s->trial[pair->a] = shrink_nearer(&pair->from_a, amount);
    s->trial[pair->b] = shrink_nearer(&pair->from_b, amount);
    return shrink_try(s);
}

static bool lower_pair(struct shrinker *s, size_t a, size_t b)
{
    struct pair pair = {a, b, s->choices[a], s->choices[b]};
    uint64_t x = shrink_away(&pair.from_a), y = shrink_away(&pair.from_b);
    return shrink_is_free(&pair.from_b) &&
           shrink_find(s, x < y ? x : y, false, probe_both, &pair) > 0;
}

void shrink_pass_neighbours(struct shrinker *s, size_t position)
{
    with_next(s, position, AHEAD - 1, lower_pair);
}

/* What the first loses the second gains, so that their sum stays. */
static bool probe_transfer(struct shrinker *s, void *ctx, uint64_t amount)
{
    const struct pair *pair = ctx;
    if (pair->b >= s->length)
        return false;
    int64_t a = shrink_nearer(&pair->from_a, amount);
    shrink_trial_reset(s);
    s->trial[pair->a] = a;
    s->trial[pair->b] =
        (int64_t)((uint64_t)pair->from_b.value + (uint64_t)pair->from_a.value - (uint64_t)a);
    return shrink_try(s);
}

static bool redistribute(struct shrinker *s, size_t a, size_t b)
{
    struct pair pair = {a, b, s->choices[a], s->choices[b]};
    const struct sequence_choice *to = &pair.from_b;
    bool up = pair.from_a.value > pair.from_a.target;
    uint64_t room =
        up ? (uint64_t)to->hi - (uint64_t)to->value : (uint64_t)to->value - (uint64_t)to->lo;
    uint64_t away = shrink_away(&pair.from_a);
    return shrink_find(s, away < room ? away : room, false, probe_transfer, &pair) > 0;
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
