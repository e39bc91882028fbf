/* Shrinking real runs of the job system: whatever the scenario, what is left is about one or two jobs and as few nodes
 * and faults as the broken promise needs, and it replays to the same failure. */
#include "harness/shrinker/shrinker.h"
#include "harness/suite/plan.h"
#include "scenarios/bench/promises.h"
#include "scenarios/jobs/jobs_system.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { SEARCH_MAX = 200 };

/* Under a sanitizer each fork takes many times as long. */
#ifdef __SANITIZE_ADDRESS__
enum { SEEDS = 1 };
#else
enum { SEEDS = 2 };
#endif

static const struct system *const systems[] = {&jobs_system};

struct rig {
    struct scenario *scenario;
    struct extras extras;
    struct lab_setup lab;
    struct shrink_outcome outcome;
};

static void rig_open(struct rig *rig, const char *path, const char *promise)
{
    char *why = NULL;
    registry_init();
    *rig = (struct rig){.scenario = scenario_load(path, systems, 1, &why)};
    cr_assert(rig->scenario, "%s", why);
    if (promise)
        words_add(&rig->extras.properties, promise);
    cr_assert_eq(extras_apply(&rig->extras, rig->scenario, &why), 0, "%s", why);
    rig->lab = (struct lab_setup){.scenario = rig->scenario,
                                  .extras = &rig->extras,
                                  .program = "duress",
                                  .workers = 2,
                                  .run_timeout_ns = INT64_C(60000000000)};
}

static void rig_close(struct rig *rig)
{
    words_done(&rig->extras.properties);
    scenario_free(rig->scenario);
}

static struct result run_of(struct rig *rig, struct tape *tape)
{
    struct lab *lab = lab_new(&rig->lab);
    struct lab_result result;
    cr_assert(lab_run(lab, &(struct lab_task){.tape = tape}, &result));
    struct result plain = result.result;
    lab_result_done(&result);
    lab_free(lab);
    return plain;
}

/* Static. */
static const char *text_of(const struct tape *tape)
{
    static char text[65536];
    const struct tape_meta meta = {0};
    FILE *out = fmemopen(text, sizeof text, "w");
    tape_write(tape, &meta, out);
    fclose(out);
    return text;
}

/* Through the file, as `duress replay` reads it. */
static struct tape *read_back(const struct tape *tape)
{
    struct tape_meta read_meta;
    char why[400];
    const char *text = text_of(tape);
    FILE *in = fmemopen((char *)(uintptr_t)text, strlen(text), "r");
    struct tape *read = tape_read_from(in, "shrunk", &read_meta, why, sizeof why);
    cr_assert(read, "%s\n%s", why, text);
    fclose(in);
    tape_meta_done(&read_meta);
    return read;
}

static void replays(struct rig *rig)
{
    struct result again = run_of(rig, read_back(rig->outcome.tape));
    cr_expect_eq(again.outcome, rig->outcome.mark.outcome);
    cr_expect_str_eq(again.property, rig->outcome.mark.property);
    cr_expect_str_eq(again.place, rig->outcome.mark.place);
    cr_expect_str_eq(again.fingerprint, rig->outcome.result.fingerprint);
}

/* The first seed that fails, from `from` on. */
static uint64_t shrink_from(struct rig *rig, uint64_t from)
{
    for (uint64_t seed = from; seed < from + SEARCH_MAX; seed++) {
        if (run_of(rig, tape_new(seed)).outcome == OUTCOME_PASS)
            continue;
        struct tape *tape = tape_new(seed);
        const struct shrinker_setup setup = {.lab = rig->lab, .time_ns = INT64_MAX};
        shrinker_run(&setup, tape, &rig->outcome);
        tape_free(tape);
        cr_expect_eq(rig->outcome.end, SHRINK_FINISHED);
        cr_expect(rig->outcome.verified);
        cr_expect_eq(rig->outcome.necessary, rig->outcome.after.faults);
        replays(rig);
        return seed;
    }
    cr_assert_fail("no seed fails");
    return 0;
}

static size_t part(const struct shrink_size *size, const char *label)
{
    for (size_t i = 0; i < size->part_count; i++)
        if (strcmp(size->parts[i].label, label) == 0)
            return size->parts[i].count;
    return 0;
}

static void shrinks(const char *path, const char *promise, size_t faults, size_t jobs, size_t nodes)
{
    struct rig rig;
    uint64_t from = 1;
    rig_open(&rig, path, promise);
    for (int i = 0; i < SEEDS; i++) {
        from = shrink_from(&rig, from) + 1;
        const struct shrink_size *before = &rig.outcome.before, *after = &rig.outcome.after;
        const char *text = text_of(rig.outcome.tape);
        cr_expect_leq(after->faults, faults, "%zu faults\n%s", after->faults, text);
        cr_expect_leq(part(after, "job"), jobs, "%zu jobs\n%s", part(after, "job"), text);
        cr_expect_leq(part(after, "node"), nodes, "%zu nodes\n%s", part(after, "node"), text);
        cr_expect_geq(part(after, "job"), 1u);
        cr_expect_lt(part(after, "job"), part(before, "job"));
        cr_expect_leq(after->events, before->events);
        shrink_outcome_done(&rig.outcome);
    }
    rig_close(&rig);
}

Test(shrink_runs, canary)
{
    shrinks("scenarios/canary.yaml", NULL, 0, 1, 1);
}

Test(shrink_runs, one_rescue_takes_one_death_and_one_job)
{
    shrinks("scenarios/killed-in-mid-run.yaml", "nobody_is_rescued", 1, 1, 1);
}

Test(shrink_runs, an_unanswered_insert_takes_one_lost_reply)
{
    shrinks("scenarios/lost-replies.yaml", "clients_always_know", 1, 1, 2);
}

/* A file is known by its name and its node: a fault of a disk does not move to another node, and its node keeps those
 * before it. */
Test(shrink_runs, of_dozens_of_faults_one_remains)
{
    shrinks("scenarios/everything.yaml", "nobody_is_rescued", 1, 2, 3);
}

Test(shrink_runs, two_deaths_take_two_faults_or_one_that_strikes_twice)
{
    shrinks("scenarios/swarm.yaml", "nobody_dies_twice", 2, 3, 1);
}
