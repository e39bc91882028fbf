/* prop_climb.c: after half of the cases, the other half are neighbours of the one that came closest to the target:
 * one choice is moved, near or far; what is not worse becomes the next start. */
#include "harness/hash.h"
#include "harness/seed.h"
#include "properties/prop_run.h"

static int64_t moved(const struct prop_run *run, int64_t value, uint64_t bits)
{
    uint64_t step = UINT64_C(1) << mix64_below(mix64(bits), run->climb.steps % 2 ? 4 : 32);
    return (int64_t)(bits & 1 ? (uint64_t)value + step : (uint64_t)value - step);
}

struct sequence *climb_next(struct prop_run *run, uint64_t attempts)
{
    struct climb *climb = &run->climb;
    if (!climb->found || climb->best.count == 0 || attempts < run->runs / 2)
        return NULL;
    uint64_t seed = seed_of(run->seed, attempts), bits = mix64(seed);
    size_t at = mix64_below(mix64(bits), climb->best.count);
    int64_t held = climb->best.items[at];
    climb->best.items[at] = moved(run, held, bits);
    climb->steps++;
    struct sequence *next = sequence_new(climb->best.items, climb->best.count, BEYOND_SEED, seed);
    climb->best.items[at] = held;
    return next;
}

void climb_learn(struct prop_run *run, const struct sequence *tried)
{
    const struct outcome *outcome = run->executor.outcome;
    struct climb *climb = &run->climb;
    if (outcome->verdict != CASE_HELD || !outcome->has_target)
        return;
    if (climb->found && outcome->target < climb->value)
        return;
    case_values_done(&climb->best);
    climb->best = case_values_of(tried);
    climb->value = outcome->target;
    climb->found = true;
}
