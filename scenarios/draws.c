/* draws.c: see draws.h. */
#include "scenarios/draws.h"

struct range draws_range(const struct draws *draws, unsigned param)
{
    return draws->scenario->params[param].value;
}

int64_t draws_fixed(const struct draws *draws, unsigned param)
{
    return draws_range(draws, param).lo;
}

int64_t draws_value(const struct draws *draws, unsigned param)
{
    struct range range = draws_range(draws, param);
    return range.lo == range.hi ? range.lo
                                : tape_draw_between(world_tape(draws->world), range.lo, range.hi);
}

bool draws_percent(const struct draws *draws, unsigned param)
{
    struct range range = draws_range(draws, param);
    if (range.lo == range.hi && (range.lo == 0 || range.lo == 10000))
        return range.lo > 0;
    return tape_draw_chance(world_tape(draws->world), (uint64_t)draws_value(draws, param), 10000);
}

uint64_t draws_below(const struct draws *draws, uint64_t n, uint64_t most)
{
    return most > 1 ? tape_draw(world_tape(draws->world), n) : 0;
}

unsigned draws_nodes(const struct draws *draws)
{
    struct sequence_list list = {.min = 1,
                                 .usual = (size_t)draws->scenario->nodes.lo,
                                 .max = (size_t)draws->scenario->nodes.hi,
                                 .even = true,
                                 .label = "node"};
    while (tape_draw_more(world_tape(draws->world), &list))
        ;
    return (unsigned)list.count;
}
