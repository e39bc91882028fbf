/* What a scenario leaves open of its workload. */
#include "scenarios/draws.h"

#include "harness/trace/trace.h"
#include "harness/world/world.h"

#include <criterion/criterion.h>

enum { LEASE, SEEDS = 200 };
static const struct param_spec lease = {.name = "lease", .type = PARAM_DURATION};

/* What is one for all of a run, asked for twice. */
static int64_t fixed_in(uint64_t seed, struct range range)
{
    struct param params[] = {{.spec = &lease, .value = range}};
    struct scenario scenario = {.params = params};
    struct tape *tape = tape_new(seed);
    struct trace *trace = trace_new();
    struct world *world = world_new(tape, trace, (struct budget){0});
    struct draws draws = {world, &scenario};
    int64_t value = draws_fixed(&draws, LEASE);
    cr_expect_eq(draws_fixed(&draws, LEASE), value);
    world_free(world);
    trace_free(trace);
    tape_free(tape);
    return value;
}

Test(draws, what_is_one_for_a_run_is_drawn_from_its_range_and_stays)
{
    unsigned met[3] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        int64_t value = fixed_in(seed, (struct range){10, 12});
        cr_assert(10 <= value && value <= 12, "%ld", (long)value);
        met[value - 10]++;
        cr_expect_eq(fixed_in(seed, (struct range){7, 7}), 7);
    }
    for (size_t i = 0; i < 3; i++)
        cr_expect(SEEDS / 6 < met[i] && met[i] < SEEDS / 2, "%u times %zu", met[i], 10 + i);
}
