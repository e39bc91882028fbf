/* search.c: how the passes search for an amount, and the small questions that they ask of a sequence. */
#include "harness/hash.h"
#include "harness/sequence/shrink_internal.h"

/* From the far end: the rest that stays is 0, 1, 2, 4 ... Returns the accepted amount; *ret_rejected: the smallest
 * amount known to be too much. */
static uint64_t gallop(struct shrinker *s, uint64_t max, uint64_t least, shrink_probe *probe,
                       void *ctx, uint64_t *ret_rejected)
{
    for (uint64_t rest = 1; rest < max - least; rest *= 2) {
        if (probe(s, ctx, max - rest))
            return max - rest;
        *ret_rejected = max - rest;
        if (rest > UINT64_MAX / 2)
            break;
    }
    return least;
}

uint64_t shrink_find(struct shrinker *s, uint64_t max, bool all_first, shrink_probe *probe,
                     void *ctx)
{
    if (max == 0)
        return 0;
    if (all_first && probe(s, ctx, max))
        return max;
    if (max == 1)
        return all_first ? 0 : probe(s, ctx, 1);
    if (!probe(s, ctx, 1))
        return 0;
    if (!all_first && probe(s, ctx, max))
        return max;
    uint64_t rejected = max;
    uint64_t accepted = gallop(s, max, 1, probe, ctx, &rejected);
    while (rejected - accepted > 1 && !s->stopped) {
        uint64_t middle = accepted + (rejected - accepted) / 2;
        if (probe(s, ctx, middle))
            accepted = middle;
        else
            rejected = middle;
    }
    return accepted;
}

bool shrink_is_free(const struct sequence_choice *choice)
{
    return !choice->forced && choice->value != choice->target;
}

bool shrink_is_number(const struct sequence_choice *choice)
{
    return choice->role == SEQUENCE_DATA || choice->role == SEQUENCE_PICK;
}

uint64_t shrink_away(const struct sequence_choice *choice)
{
    return choice->value > choice->target ? (uint64_t)choice->value - (uint64_t)choice->target
                                          : (uint64_t)choice->target - (uint64_t)choice->value;
}

int64_t shrink_nearer(const struct sequence_choice *choice, uint64_t amount)
{
    uint64_t value = (uint64_t)choice->value;
    return (int64_t)(choice->value > choice->target ? value - amount : value + amount);
}

bool shrink_is_bound(const struct sequence_choice *choice, int64_t bound)
{
    bool of_the_type = bound == INT64_MIN || bound == INT64_MAX;
    return !of_the_type && bound != choice->value && bound != choice->target;
}

size_t shrink_span_around(const struct sequence_span *spans, size_t count, size_t position)
{
    size_t around = SIZE_MAX;
    for (size_t i = 0; i < count && spans[i].begin <= position; i++)
        if (position < spans[i].end)
            around = i;
    return around;
}

uint64_t shrink_random(struct shrinker *s)
{
    return mix64(s->random++);
}
