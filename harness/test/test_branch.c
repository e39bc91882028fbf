/* Branches: runs that begin alike are made once, up to where they part. A branch must be the run of its tape. */
#include "harness/process/lab.h"

#include "harness/point.h"
#include "harness/system.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

POINT_ABOUT("walk/step/try", "one step, which may fail");
POINT_ABOUT("walk/step/again", "the second try of a step");
POINT_ABOUT("walk/step/done", "how it went, and a number off the tape");

enum { STEPS = 20, FATAL = 7 };

struct walk {
    struct world *world;
    int64_t done;
};

/* What it draws depends on the choices before it, so that a choice that was made twice, or not at all, is seen. */
static uint64_t draw(struct world *world, uint64_t step)
{
    const struct choice choice = {STREAM_WORK, "walk/step/number", 0, step, 1};
    return tape_choose(world_tape(world), &choice, 1000) +
           1000 * tape_draw(world_tape(world), 1000);
}

static void step(void *arg)
{
    struct walk *walk = arg;
    uint64_t number = (uint64_t)++walk->done;
    struct point_site *at = world_site(walk->world);
    int failed = FAULT(at, "walk/step/try", CAN_ERROR | CAN_DISCONNECT, T_U64("step", number));
    if (failed && number == FATAL)
        abort();
    if (failed)
        failed = FAULT(at, "walk/step/again", CAN_ERROR, T_U64("step", number));
    TRACE(at, "walk/step/done", T_U64("step", number), T_U64("draw", draw(walk->world, number)),
          T_U64("failed", failed != 0));
    if (number < STEPS)
        world_at(walk->world, NULL, world_now(walk->world) + 1000000, step, walk);
}

static void *setup(struct world *world, const struct scenario *scenario)
{
    (void)scenario;
    struct walk *walk = calloc(1, sizeof *walk);
    walk->world = world;
    world_at(world, NULL, world_now(world), step, walk);
    return walk;
}

static bool settled(void *ctx)
{
    return ((const struct walk *)ctx)->done == STEPS;
}

static bool pending(void *ctx, char *text, size_t size)
{
    snprintf(text, size, "steps");
    return !settled(ctx);
}

static void audit(void *ctx)
{
    (void)ctx;
}

static const struct system walk_system = {.name = "walk",
                                          .about = "goes step by step",
                                          .setup = setup,
                                          .settled = settled,
                                          .pending = pending,
                                          .audit = audit,
                                          .teardown = free};

/* ---- a lab ---- */

static const struct extras no_extras;
static struct scenario *scenario;
static struct lab *lab;

static void enter(void)
{
    static const struct system *const systems[] = {&walk_system};
    static const char text[] = "name: walk\nsut: walk\n";
    char *why = NULL;
    registry_init();
    scenario = scenario_parse("walk.yaml", text, strlen(text), systems, 1, &why);
    cr_assert(scenario, "%s", why);
    const struct lab_setup with = {.scenario = scenario,
                                   .extras = &no_extras,
                                   .program = "duress",
                                   .workers = 2,
                                   .run_timeout_ns = 300000000};
    lab = lab_new(&with);
}

static void leave(void)
{
    lab_free(lab);
    scenario_free(scenario);
}

TestSuite(branch, .init = enter, .fini = leave);

static const struct fault refused = {.kind = FAULT_ERROR, .err = EIO};

static struct choice try_of(uint64_t number, const char *point)
{
    const struct point_field fields[] = {T_U64("step", number)};
    return (struct choice){STREAM_FAULT, point, 0, fields_key(fields, 1), 1};
}

static struct tape *stem(void)
{
    struct tape *tape = tape_new(5);
    tape_simplify(tape, STREAM_FAULT, NULL);
    return tape;
}

/* Step `number` fails, or all from there on. */
static struct tape *tape_of(uint64_t number, bool persistent)
{
    struct tape *tape = stem();
    struct choice choice = try_of(number, "walk/step/try");
    if (persistent)
        tape_edit_fault_from(tape, &choice, refused);
    else
        tape_edit_fault(tape, &choice, refused);
    return tape;
}

static struct lab_branch branch_of(uint64_t number, bool persistent, void *tag)
{
    return (struct lab_branch){
        .task = {.tape = tape_of(number, persistent), .record = RECORD_HITS, .tag = tag},
        .at = try_of(number, "walk/step/try")};
}

/* ---- tests ---- */

Test(branch, is_the_run_of_its_tape)
{
    /* Not in their order, one of them twice. */
    static const struct {
        uint64_t number;
        bool persistent;
    } trials[] = {{12, false}, {3, true}, {20, false}, {12, true}, {1, false}, {12, false}};
    enum { COUNT = sizeof trials / sizeof *trials };
    char whole[COUNT][33];
    struct lab_branch branches[COUNT];
    struct lab_result result;
    for (size_t i = 0; i < COUNT; i++) {
        bool persistent = trials[i].persistent && trials[i].number > FATAL;
        cr_assert(lab_run(lab, &(struct lab_task){.tape = tape_of(trials[i].number, persistent)},
                          &result));
        memcpy(whole[i], result.result.fingerprint, 33);
        lab_result_done(&result);
        branches[i] = branch_of(trials[i].number, persistent, whole[i]);
    }
    lab_submit_branches(lab, stem(), branches, COUNT);
    cr_assert_eq(lab_busy(lab), COUNT);
    unsigned seen = 0;
    while (lab_next(lab, &result)) {
        size_t which = (size_t)(result.number - COUNT);
        cr_assert_eq(result.tag, whole[which]);
        cr_expect_eq(result.result.outcome, OUTCOME_PASS);
        cr_expect_str_eq(result.result.fingerprint, whole[which]);
        cr_expect_eq(tape_edit_count(result.tape), 2);
        seen |= 1u << which;
        /* From its hit on: that one, its second try, the hits after it. */
        cr_expect_geq(result.recording.made_count, 2 + STEPS - trials[which].number);
        cr_expect_eq(result.recording.made[0].fault.kind, FAULT_ERROR);
        cr_expect_str_eq(result.recording.made[0].choice.name, "walk/step/try");
        lab_result_done(&result);
    }
    cr_expect_eq(seen, (1u << COUNT) - 1);
    cr_expect_eq(lab_runs(lab), 2 * COUNT);
}

Test(branch, branches_off_from_a_run_with_faults_of_its_own)
{
    struct choice again = try_of(4, "walk/step/again");
    struct tape *both = tape_of(4, false);
    struct lab_result result;
    char whole[33];
    tape_edit_fault(both, &again, refused);
    cr_assert(lab_run(lab, &(struct lab_task){.tape = tape_copy(both)}, &result));
    memcpy(whole, result.result.fingerprint, 33);
    lab_result_done(&result);
    lab_submit_branches(lab, tape_of(4, false),
                        &(struct lab_branch){.task = {.tape = both}, .at = again}, 1);
    cr_assert(lab_next(lab, &result));
    cr_expect_str_eq(result.result.fingerprint, whole);
    lab_result_done(&result);
}

Test(branch, that_dies_takes_no_other_with_it)
{
    struct lab_result result;
    const struct lab_branch branches[] = {branch_of(6, false, NULL), branch_of(FATAL, false, NULL),
                                          branch_of(8, false, NULL)};
    lab_submit_branches(lab, stem(), branches, 3);
    for (uint64_t number = 0; number < 3; number++) {
        cr_assert(lab_next(lab, &result));
        cr_expect_eq(result.number, number);
        cr_expect_eq(result.result.outcome, number == 1 ? OUTCOME_CRASH : OUTCOME_PASS);
        cr_expect_eq(!strstr(result.result.message, "SIGABRT"), number != 1);
        lab_result_done(&result);
    }
    cr_expect(!lab_next(lab, &result));
}

Test(branch, whose_hit_is_never_met_is_told)
{
    struct lab_result result;
    const struct lab_branch branches[] = {branch_of(2, false, NULL),
                                          branch_of(STEPS + 1, false, NULL)};
    lab_submit_branches(lab, stem(), branches, 2);
    cr_assert(lab_next(lab, &result));
    cr_expect_eq(result.result.outcome, OUTCOME_PASS);
    lab_result_done(&result);
    cr_assert(lab_next(lab, &result));
    cr_expect_eq(result.result.outcome, OUTCOME_CRASH);
    cr_expect(strstr(result.result.message, "was not met again"), "%s", result.result.message);
    lab_result_done(&result);
    cr_expect_eq(lab_busy(lab), 0);
}

Test(branch, is_given_up_with_its_stem)
{
    struct lab_result result;
    for (int i = 0; i < 3; i++) {
        struct lab_branch branches[2] = {branch_of(2, false, NULL), branch_of(3, false, NULL)};
        lab_submit_branches(lab, stem(), branches, 2);
    }
    cr_assert(lab_next(lab, &result));
    lab_result_done(&result);
    cr_assert_eq(lab_busy(lab), 5);
    lab_cancel_all(lab);
    cr_assert_eq(lab_busy(lab), 0);
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
    cr_assert_eq(errno, ECHILD);
}
