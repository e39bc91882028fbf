/* The benchmark problems as tests: each challenge and each machine must end at its minimum, for each of 20 seeds, and
 * in 1,000 evaluations; all together in fewer than Hypothesis needs in the mean. */
#include "properties/bench/problems.h"

#include <criterion/criterion.h>
#include <string.h>

enum { SEEDS = 20, EVALUATIONS_MAX = 1000 };

static unsigned reached(const struct problem *problem, double *ret_mean)
{
    static struct problem_run run;
    unsigned reached = 0;
    double sum = 0;
    for (uint64_t seed = 1000; seed < 1000 + SEEDS; seed++) {
        cr_assert(problem_run(problem, seed, &run), "%s: no failing case found", problem->name);
        cr_expect_leq(run.evaluations, EVALUATIONS_MAX, "%s, seed %lu: %lu evaluations",
                      problem->name, seed, run.evaluations);
        if (!run.reached && problem->group != GROUP_OPEN && problem->group != GROUP_HELD_OUT)
            cr_expect(0, "%s, seed %lu: %s, not %s", problem->name, seed, run.minimal.text,
                      problem->minimum);
        reached += run.reached;
        sum += (double)run.evaluations;
    }
    *ret_mean = sum / SEEDS;
    return reached;
}

Test(problems, challenges_end_at_their_minimum)
{
    double mean;
    unsigned better = 0, published = 0;
    for (size_t i = 0; i < challenge_count; i++) {
        if (challenges[i].group != GROUP_CHALLENGE)
            continue;
        cr_expect_eq(reached(&challenges[i], &mean), SEEDS, "%s", challenges[i].name);
        better += mean <= challenges[i].anchor;
        published++;
    }
    cr_expect_eq(published, 11);
    cr_expect_geq(better, 8, "at or below the anchor: %u", better);
}

Test(problems, machines_end_at_their_minimum)
{
    double mean;
    for (size_t i = 0; i < machine_count; i++)
        cr_expect_eq(reached(&machines[i], &mean), SEEDS, "%s", machines[i].name);
}

Test(problems, open_ones_are_often_solved)
{
    double mean;
    for (size_t i = 0; i < challenge_count; i++)
        if (challenges[i].group == GROUP_OPEN)
            cr_expect_geq(reached(&challenges[i], &mean), SEEDS * 4 / 10, "%s", challenges[i].name);
}

Test(problems, held_out_ones_are_mostly_solved)
{
    double mean;
    unsigned solved = 0;
    for (size_t i = 0; i < held_out_count; i++)
        solved += reached(&held_out[i], &mean) >= SEEDS * 9 / 10;
    cr_expect_geq(solved, held_out_count - 1, "%u of %zu", solved, held_out_count);
}

Test(problems, same_seed_same_run)
{
    static struct problem_run a, b;
    cr_assert(problem_run(&challenges[1], 7, &a) && problem_run(&challenges[1], 7, &b));
    cr_expect_str_eq(a.found.text, b.found.text);
    cr_expect_str_eq(a.minimal.text, b.minimal.text);
    cr_expect_eq(a.evaluations, b.evaluations);
    cr_expect_gt(strlen(a.found.text), strlen(a.minimal.text));
}
