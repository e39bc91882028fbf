/* draws.c: see draws.h. */
#include "scenarios/draws.h"

#include "harness/hash.h"
#include "harness/trace/trace.h"

#include <stdio.h>

struct range draws_range(const struct draws *draws, unsigned param)
{
    return draws->scenario->params[param].value;
}

int64_t draws_fixed(const struct draws *draws, unsigned param)
{
    const struct param *of = &draws->scenario->params[param];
    if (of->value.lo == of->value.hi)
        return of->value.lo;
    struct choice choice = {.stream = STREAM_WORK,
                            .name = "workload/option/value",
                            .key = hash_text(of->spec->name),
                            .ordinal = 1};
    return tape_between(world_tape(draws->world), &choice, of->value.lo, of->value.hi);
}

int64_t draws_value(const struct draws *draws, unsigned param)
{
    struct range range = draws_range(draws, param);
    return range.lo == range.hi ? range.lo
                                : tape_draw_between(world_tape(draws->world), range.lo, range.hi);
}

/* In a swarm: not at all in some runs, else anything the scenario allows. */
static int64_t share_swarm(const struct draws *draws, const struct param *param)
{
    struct tape *tape = world_tape(draws->world);
    struct choice enable = {.stream = STREAM_NEMESIS,
                            .name = "swarm/option/enable",
                            .key = hash_text(param->spec->name),
                            .ordinal = 1};
    struct choice value = enable;
    value.name = "swarm/option/value";
    if (!tape_chance(tape, &enable, (uint64_t)draws->scenario->swarm.chance, 10000))
        return 0;
    int64_t share = tape_between(tape, &value, param->value.lo, param->value.hi);
    char text[32];
    snprintf(text, sizeof text, "%lld.%02lld%%", (long long)share / 100, (long long)share % 100);
    TRACE(world_site(draws->world), "swarm/option/draw", T_STR("name", param->spec->name),
          T_STR("value", text));
    return share;
}

int64_t draws_share(const struct draws *draws, unsigned param)
{
    const struct scenario *scenario = draws->scenario;
    if (!param_goes_wrong(&scenario->params[param]))
        return 0;
    return scenario->swarm.on ? share_swarm(draws, &scenario->params[param])
                              : draws_value(draws, param);
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
