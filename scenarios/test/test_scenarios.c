/* The scenarios that come along: they load, they can be repeated, the canary fails, and what was fixed stays fixed. */
#include "harness/engine.h"
#include "harness/run.h"
#include "scenarios/jobs/jobs_system.h"
#include "scenarios/trees/trees_system.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

static const struct system *const systems[] = {&jobs_system, &trees_system};

static struct scenario *load(const char *path)
{
    char *why = NULL;
    registry_init();
    struct scenario *scenario = scenario_load(path, systems, 2, &why);
    cr_assert(scenario, "%s", why);
    return scenario;
}

static enum outcome execute(const struct scenario *scenario, uint64_t seed, char fingerprint[33])
{
    struct tape *tape = tape_new(seed);
    struct run run;
    run_execute(&run, scenario, tape, UINT64_MAX);
    enum outcome outcome = run.outcome;
    strcpy(fingerprint, run.fingerprint);
    run_done(&run);
    tape_free(tape);
    return outcome;
}

Test(scenarios, each_holds_and_can_be_repeated)
{
    glob_t found;
    cr_assert_eq(glob("scenarios/*.yaml", 0, NULL, &found), 0);
    cr_expect_geq(found.gl_pathc, 10);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct scenario *scenario = load(found.gl_pathv[i]);
        char first[33], second[33], other[33];
        enum outcome outcome = execute(scenario, 17, first);
        cr_expect_eq(outcome != OUTCOME_PASS, scenario->must_fail, "%s", found.gl_pathv[i]);
        execute(scenario, 17, second);
        execute(scenario, 18, other);
        cr_expect_str_eq(first, second, "%s: one seed, two runs", found.gl_pathv[i]);
        cr_expect_str_neq(first, other, "%s: another seed is another run", found.gl_pathv[i]);
        scenario_free(scenario);
    }
    globfree(&found);
}

/* Tapes of failures that were fixed (scenarios/regressions). */
Test(scenarios, what_was_fixed_stays_fixed)
{
    glob_t found;
    if (glob("scenarios/regressions/*.tape", 0, NULL, &found) != 0)
        cr_skip_test("no regression so far");
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct tape_meta meta;
        char why[400];
        struct tape *tape = tape_read(found.gl_pathv[i], &meta, why, sizeof why);
        cr_assert(tape, "%s", why);
        struct scenario *scenario = load(meta.scenario);
        struct run run;
        run_execute(&run, scenario, tape, UINT64_MAX);
        cr_expect_eq(run.outcome, OUTCOME_PASS, "%s: %s", found.gl_pathv[i], run.message);
        run_done(&run);
        scenario_free(scenario);
        tape_meta_done(&meta);
        tape_free(tape);
    }
    globfree(&found);
}

/* ---- the upstream service ---- */

/* How often it went wrong; before the world was healed, it must have been. */
static uint64_t wrongs_of(const struct run *run, uint64_t *ret_drawn)
{
    struct trace_cursor cursor = {0};
    struct event event;
    uint64_t wrongs = 0, phases = 0;
    for (*ret_drawn = 0; trace_next(run->trace, &cursor, &event);) {
        phases += strcmp(event.point->name, "world/phase/enter") == 0;
        *ret_drawn += strcmp(event.point->name, "swarm/option/draw") == 0 &&
                      strncmp(event_str(&event, "name"), "upstream ", 9) == 0;
        if (strcmp(event.point->name, "world/node/wrong") != 0)
            continue;
        cr_expect_eq(phases, 1, "%s after healing", event_str(&event, "how"));
        wrongs++;
    }
    return wrongs;
}

static uint64_t sum_of(const struct run *run, size_t from)
{
    uint64_t sum = 0;
    for (size_t i = from; i < run->promise_count; i++)
        sum += run->promises[i].kept;
    return sum;
}

Test(upstream, what_it_does_wrong_is_recorded_counted_and_over_when_the_world_is_healed)
{
    struct scenario *scenario = load("scenarios/flaky-upstream.yaml");
    cr_assert_eq(scenario_wrongs(scenario), 8);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct tape *tape = tape_new(seed);
        struct run run;
        uint64_t drawn;
        run_execute(&run, scenario, tape, UINT64_MAX);
        cr_assert_eq(run.promise_count, scenario->rule_count + 8);
        uint64_t wrongs = wrongs_of(&run, &drawn);
        cr_expect_gt(wrongs, 0);
        cr_expect_eq(sum_of(&run, scenario->rule_count), wrongs, "seed %lu", seed);
        run_done(&run);
        tape_free(tape);
    }
    scenario_free(scenario);
}

Test(upstream, a_swarm_draws_what_goes_wrong_with_it)
{
    struct scenario *scenario = load("scenarios/swarm.yaml");
    uint64_t drawn, sum = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct tape *tape = tape_new(seed);
        struct run run;
        run_execute(&run, scenario, tape, UINT64_MAX);
        uint64_t wrongs = wrongs_of(&run, &drawn);
        cr_expect(drawn > 0 || wrongs == 0);
        sum += drawn;
        run_done(&run);
        tape_free(tape);
    }
    cr_expect(40 < sum && sum < 120, "%lu of 160 drawn, where half should be", sum);
    scenario_free(scenario);
}
