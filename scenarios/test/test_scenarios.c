/* The scenarios that come along: they load, they can be repeated, the canary fails, and what was fixed stays fixed. */
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
