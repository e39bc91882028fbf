/* The run shrinker, on a system of which it is known what must remain. */
#define FAKE_SYSTEMS &fake_system, &fragile_system
#include "harness/scenario/scenario.h"
#include "harness/system.h"
static const struct system fragile_system;
#include "harness/test/fake_system.h"
#include "harness/test/fragile_system.h"

#include "harness/shrinker/shrinker.h"

TestSuite(shrinker, .init = place_enter, .fini = place_leave);

static const struct extras no_extras;

/* How many failures, and with how many sizes of a team: under a sanitizer each fork takes many times as long. */
#ifdef __SANITIZE_ADDRESS__
enum { FAILURES = 1, TEAMS = 2 };
#else
enum { FAILURES = 6, TEAMS = 3 };
#endif

struct rig {
    struct scenario *scenario;
    struct shrinker_setup setup;
    struct shrink_outcome outcome;
};

static struct rig rig_open(const char *more, unsigned workers)
{
    static const struct system *const systems[] = {&fragile_system};
    struct rig rig = {0};
    char *why = NULL;
    registry_init();
    scenario_put("s/x.yaml", more);
    rig.scenario = scenario_load("s/x.yaml", systems, 1, &why);
    cr_assert(rig.scenario, "%s", why);
    rig.setup = (struct shrinker_setup){.lab = {.scenario = rig.scenario,
                                                .extras = &no_extras,
                                                .program = "duress",
                                                .workers = workers,
                                                .run_timeout_ns = 2000000000},
                                        .time_ns = INT64_MAX};
    return rig;
}

/* Shrinks the first seed that fails, from `from` on. */
static uint64_t rig_shrink_from(struct rig *rig, uint64_t from, const char *where)
{
    for (uint64_t seed = from; seed < from + 5000; seed++) {
        struct lab *lab = lab_new(&rig->setup.lab);
        struct lab_result result;
        cr_assert(lab_run(lab, &(struct lab_task){.tape = tape_new(seed)}, &result));
        bool fails =
            result.result.outcome != OUTCOME_PASS && strcmp(result.result.place, where) == 0;
        lab_result_done(&result);
        lab_free(lab);
        if (!fails)
            continue;
        struct tape *tape = tape_new(seed);
        shrinker_run(&rig->setup, tape, &rig->outcome);
        tape_free(tape);
        return seed;
    }
    cr_assert_fail("no seed fails");
    return 0;
}

static void rig_shrink(struct rig *rig, uint64_t seed)
{
    struct tape *tape = tape_new(seed);
    shrinker_run(&rig->setup, tape, &rig->outcome);
    tape_free(tape);
}

static void rig_close(struct rig *rig)
{
    shrink_outcome_done(&rig->outcome);
    scenario_free(rig->scenario);
}

/* The tape as text, static. */
static const char *text_of(const struct tape *tape)
{
    static char text[65536];
    const struct tape_meta meta = {0};
    FILE *out = fmemopen(text, sizeof text, "w");
    tape_write(tape, &meta, out);
    fclose(out);
    return text;
}

static size_t lines_with(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, word)); at++)
        count++;
    return count;
}

/* ---- removing ---- */

static void removes_all_but(const char *needs, size_t count)
{
    char more[256];
    snprintf(more, sizeof more,
             "sut: fragile\nworkload: { steps: 600, needs: %s }\n"
             "faults: { fragile/step/try: 90%%error(EIO) }",
             needs);
    struct rig rig = rig_open(more, 2);
    rig_shrink_from(&rig, 1, "fragile/wrong/seen");
    cr_expect_eq(rig.outcome.end, SHRINK_FINISHED);
    cr_expect_gt(rig.outcome.before.faults, 400);
    cr_expect_eq(rig.outcome.after.faults, count, "%zu", rig.outcome.after.faults);
    cr_expect_eq(rig.outcome.necessary, count);
    cr_expect(rig.outcome.verified);
    cr_expect_eq(lines_with(text_of(rig.outcome.tape), "\nfault "), count);
    cr_expect_lt(rig.outcome.executions, 200, "%lu", rig.outcome.executions);
    rig_close(&rig);
}

Test(shrinker, one_of_hundreds_remains)
{
    removes_all_but("1", 1);
}

Test(shrinker, two_of_hundreds_remain)
{
    removes_all_but("2", 2);
}

Test(shrinker, three_of_hundreds_remain)
{
    removes_all_but("3", 3);
}

Test(shrinker, none_remains_when_none_is_needed)
{
    removes_all_but("0", 0);
}

/* ---- weakening ---- */

Test(shrinker, weakens_a_fault_as_far_as_it_can)
{
    struct rig rig = rig_open("sut: fragile\nworkload: { steps: 10, needs: 1 }\n"
                              "faults: { fragile/step/try: disconnect }",
                              2);
    rig_shrink(&rig, 1);
    const char *text = text_of(rig.outcome.tape);
    cr_expect(strstr(text, "fault fragile/step/try node=0 key=5 n=1: error(EIO)\n"), "%s", text);
    rig_close(&rig);
}

Test(shrinker, makes_a_fault_shorter)
{
    struct rig rig = rig_open("sut: fragile\nworkload: { steps: 10, needs: 1, patience: 1s }\n"
                              "faults: { fragile/step/try: timeout(1h..2h) }",
                              2);
    rig_shrink(&rig, 1);
    const char *text = text_of(rig.outcome.tape);
    cr_expect(strstr(text, "key=5 n=1: timeout(1ms)\n"), "%s", text);
    rig_close(&rig);
}

/* ---- other choices ---- */

Test(shrinker, makes_simple_what_does_not_matter)
{
    struct rig rig = rig_open("sut: fragile\nworkload: { steps: 100, needs: 1 }\n"
                              "faults: { fragile/step/try: error(EIO) }",
                              2);
    rig_shrink(&rig, 1);
    const char *text = text_of(rig.outcome.tape);
    cr_expect(strstr(text, "simplest fault\n"));
    cr_expect(strstr(text, "simplest net\n"), "%s", text);
    cr_expect_eq(rig.outcome.after.choices, 0);
    rig_close(&rig);
}

Test(shrinker, lists_the_choice_that_matters)
{
    struct rig rig = rig_open("sut: fragile\nworkload: { steps: 300, needs: 1, late: true }\n"
                              "faults: { fragile/step/try: error(EIO) }",
                              2);
    rig_shrink_from(&rig, 1, "fragile/wrong/seen");
    const char *text = text_of(rig.outcome.tape);
    cr_expect_eq(rig.outcome.after.choices, 1, "%s", text);
    cr_expect(strstr(text, "choice net fragile/message/latency node=1 key=1 n=3: 100\n"), "%s",
              text);
    rig_close(&rig);
}

/* ---- schedules ---- */

#define RIVALS                                                                                     \
    "sut: fragile\nschedule: random\nworkload: { rounds: 40 }\n"                                   \
    "faults: { fragile/lock/take: 20%error(EIO), fragile/version/check: 20%disconnect }"

Test(shrinker, two_faults_and_two_context_switches)
{
    struct rig rig = rig_open(RIVALS, 2);
    uint64_t from = 1;
    for (int failures = 0; failures < FAILURES; failures++) {
        /* In 19, four faults and three dozen switches hold each other in place at first. */
        from = rig_shrink_from(&rig, failures ? from : 19, "fragile/wrong/seen") + 1;
        const char *text = text_of(rig.outcome.tape);
        cr_expect_geq(rig.outcome.before.faults, 2);
        cr_expect_eq(rig.outcome.after.faults, 2, "%s", text);
        cr_expect_eq(rig.outcome.after.choices, 2, "%s", text);
        cr_expect_eq(lines_with(text, "choice schedule schedule/process/pick"), 2, "%s", text);
        cr_expect_eq(lines_with(text, "\nfault fragile/lock/take"), 1, "%s", text);
        cr_expect_eq(lines_with(text, "\nfault fragile/version/check"), 1, "%s", text);
        cr_expect_eq(rig.outcome.necessary, 2);
        cr_expect(rig.outcome.verified);
        shrink_outcome_done(&rig.outcome);
    }
    rig_close(&rig);
}

static enum outcome outcome_of(struct rig *rig, struct tape *tape)
{
    struct lab *lab = lab_new(&rig->setup.lab);
    struct lab_result result;
    cr_assert(lab_run(lab, &(struct lab_task){.tape = tape}, &result));
    enum outcome outcome = result.result.outcome;
    lab_result_done(&result);
    lab_free(lab);
    return outcome;
}

/* That two and two is the minimum: whatever fails, one switch is too few, and one kind of fault is too few. */
Test(shrinker, one_context_switch_or_one_fault_is_not_enough)
{
    struct rig rig = rig_open("sut: fragile\nschedule: random\nworkload: { rounds: 3 }\n"
                              "faults: { fragile/lock/take: error(EIO), "
                              "fragile/version/check: disconnect }",
                              2);
    for (uint64_t turn = 0; turn <= 24; turn++) {
        struct tape *tape = tape_new(1);
        tape_simplify(tape, STREAM_SCHEDULE, NULL);
        tape_edit_choice(tape,
                         &(struct choice){.stream = STREAM_SCHEDULE,
                                          .name = "schedule/process/pick",
                                          .node = 1,
                                          .key = 1,
                                          .ordinal = turn},
                         1);
        cr_expect_eq(outcome_of(&rig, tape), OUTCOME_PASS, "%lu", turn);
    }
    rig_close(&rig);
    static const char *const kinds[] = {"lock/take", "version/check"};
    for (int kind = 0; kind < 2; kind++) {
        char more[256];
        snprintf(more, sizeof more,
                 "sut: fragile\nschedule: random\nworkload: { rounds: 40 }\n"
                 "faults: { fragile/%s: 20%%error(EIO) }",
                 kinds[kind]);
        rig = rig_open(more, 2);
        for (uint64_t seed = 1; seed <= 100; seed++)
            cr_expect_eq(outcome_of(&rig, tape_new(seed)), OUTCOME_PASS, "%lu", seed);
        rig_close(&rig);
    }
}

/* ---- the workload ---- */

static void shrinks_things(const char *things, size_t before_min)
{
    char more[200];
    snprintf(more, sizeof more,
             "sut: fragile\nworkload: { steps: 20, needs: 1, things: %s }\n"
             "faults: { fragile/step/try: 90%%error(EIO) }",
             things);
    struct rig rig = rig_open(more, 2);
    rig_shrink_from(&rig, 1, "fragile/wrong/seen");
    cr_expect_eq(rig.outcome.end, SHRINK_FINISHED);
    cr_expect_eq(rig.outcome.after.faults, 1);
    cr_expect_geq(rig.outcome.before.draws, 2 * before_min);
    cr_expect_eq(rig.outcome.after.draws, 3); /* one more, 60, no more */
    cr_expect(strstr(text_of(rig.outcome.tape), "\ndraws 1 60\n"), "%s", text_of(rig.outcome.tape));
    cr_expect(rig.outcome.verified);
    rig_close(&rig);
}

Test(shrinker, one_thing_remains_of_a_range)
{
    shrinks_things("30..60", 30);
}

/* A scenario says how many there are in a run; what a shrinker leaves may be fewer. */
Test(shrinker, one_thing_remains_of_a_fixed_number)
{
    shrinks_things("50", 50);
}

Test(shrinker, a_workload_that_does_not_matter_goes)
{
    struct rig rig = rig_open("sut: fragile\nworkload: { rounds: 40, things: 0..50 }\n"
                              "schedule: random\n"
                              "faults: { fragile/lock/take: 20%error(EIO), "
                              "fragile/version/check: 20%disconnect }",
                              2);
    rig_shrink_from(&rig, 1, "fragile/wrong/seen");
    cr_expect_eq(rig.outcome.after.draws, 3, "%s", text_of(rig.outcome.tape));
    cr_expect_eq(rig.outcome.after.faults, 2);
    cr_expect_eq(rig.outcome.after.choices, 2);
    rig_close(&rig);
}

/* ---- earlier ---- */

Test(shrinker, a_fault_moves_to_the_first_place_that_will_do)
{
    struct rig rig = rig_open("sut: fragile\nworkload: { steps: 500, anywhere: true }\n"
                              "faults: { fragile/step/try: 1%error(EIO) }",
                              2);
    rig_shrink_from(&rig, 1, "fragile/wrong/seen");
    cr_expect(strstr(text_of(rig.outcome.tape), "fault fragile/step/try node=0 key=1 n=1"), "%s",
              text_of(rig.outcome.tape));
    cr_expect_eq(rig.outcome.after.faults, 1);
    rig_close(&rig);
}

Test(shrinker, faults_that_need_each_other_move_together)
{
    struct rig rig = rig_open("sut: fragile\nworkload: { steps: 400, needs: 3, anywhere: true }\n"
                              "faults: { fragile/step/try: 10%error(EIO) }",
                              2);
    rig_shrink_from(&rig, 1, "fragile/wrong/seen");
    const char *text = text_of(rig.outcome.tape);
    cr_expect_eq(rig.outcome.after.faults, 3);
    for (int key = 1; key <= 3; key++) {
        char line[80];
        snprintf(line, sizeof line, "fault fragile/step/try node=0 key=%d n=1", key);
        cr_expect(strstr(text, line), "%s", text);
    }
    rig_close(&rig);
}

/* ---- which failure ---- */

Test(shrinker, stays_with_the_failure_it_was_given)
{
    struct rig rig = rig_open("sut: fragile\nworkload: { steps: 60, needs: 2, other: true }\n"
                              "faults: { fragile/step/try: 70%error(EIO) }",
                              2);
    rig_shrink_from(&rig, 1, "fragile/wrong/seen");
    cr_expect_str_eq(rig.outcome.mark.place, "fragile/wrong/seen");
    cr_expect_str_eq(rig.outcome.result.place, "fragile/wrong/seen");
    cr_expect_eq(rig.outcome.after.faults, 2);
    rig_close(&rig);
    rig = rig_open("sut: fragile\nworkload: { steps: 60, needs: 2, other: true }\n"
                   "faults: { fragile/step/try: 70%error(EIO) }",
                   2);
    rig_shrink_from(&rig, 1, "fragile/other/seen");
    cr_expect_eq(rig.outcome.after.faults, 1);
    cr_expect(
        strstr(text_of(rig.outcome.tape), "fault fragile/step/try node=0 key=2 n=1: error(EIO)\n"));
    rig_close(&rig);
}

Test(shrinker, a_crash_is_shrunk_like_a_broken_property)
{
    struct rig rig = rig_open("sut: fragile\nworkload: { steps: 100, needs: 2, dies: true }\n"
                              "faults: { fragile/step/try: error(EIO) }",
                              2);
    rig_shrink(&rig, 1);
    cr_expect_eq(rig.outcome.mark.outcome, OUTCOME_CRASH);
    cr_expect(strstr(rig.outcome.mark.place, "SIGABRT"), "%s", rig.outcome.mark.place);
    cr_expect_eq(rig.outcome.before.faults, 100);
    cr_expect_eq(rig.outcome.after.faults, 2);
    rig_close(&rig);
}

Test(shrinker, a_run_that_holds_is_left_alone)
{
    struct rig rig = rig_open("sut: fragile\nworkload: { steps: 10 }", 2);
    rig_shrink(&rig, 1);
    cr_expect_eq(rig.outcome.end, SHRINK_HOLDS);
    cr_expect_eq(rig.outcome.executions, 2);
    cr_expect_eq(tape_edit_count(rig.outcome.tape), 0);
    rig_close(&rig);
}

/* ---- limits ---- */

Test(shrinker, when_time_is_up_at_once_there_is_the_tape_itself)
{
    struct rig rig = rig_open("sut: fragile\nworkload: { steps: 10, needs: 1 }\n"
                              "faults: { fragile/step/try: error(EIO) }",
                              2);
    rig.setup.time_ns = 1;
    rig_shrink(&rig, 1);
    cr_expect_eq(rig.outcome.end, SHRINK_TIME_UP);
    cr_expect_eq(tape_edit_count(rig.outcome.tape), 0);
    cr_expect(!rig.outcome.verified);
    rig_close(&rig);
}

Test(shrinker, the_number_of_workers_does_not_matter)
{
    static const unsigned workers[] = {1, 2, 4};
    char first[65536] = "";
    for (size_t i = 0; i < TEAMS; i++) {
        struct rig rig = rig_open("sut: fragile\nschedule: random\nworkload: { steps: 40, rounds: "
                                  "20, needs: 2, things: 9..20 }\n"
                                  "faults: { fragile/step/try: 60%error(EIO), fragile/lock/take: "
                                  "20%error(EIO), fragile/version/check: 20%disconnect }",
                                  workers[i]);
        rig_shrink_from(&rig, 1, "fragile/wrong/seen");
        const char *text = text_of(rig.outcome.tape);
        if (i == 0)
            strcpy(first, text);
        cr_expect_str_eq(text, first);
        rig_close(&rig);
    }
}

Test(shrinker, what_was_shrunk_shrinks_no_further)
{
    struct rig rig = rig_open(
        "sut: fragile\nschedule: random\nworkload: { rounds: 30 }\n"
        "faults: { fragile/lock/take: 20%error(EIO), fragile/version/check: 20%disconnect }",
        2);
    struct shrink_outcome again;
    rig_shrink_from(&rig, 1, "fragile/wrong/seen");
    shrinker_run(&rig.setup, rig.outcome.tape, &again);
    cr_expect_eq(again.end, SHRINK_FINISHED);
    char first[65536];
    strcpy(first, text_of(rig.outcome.tape));
    cr_expect_str_eq(text_of(again.tape), first);
    shrink_outcome_done(&again);
    rig_close(&rig);
}

/* A run that loops takes its 2 s of CPU time; the deadline comes before that. */
Test(shrinker, a_deadline_holds_whatever_the_runs_do)
{
    scenario_put("s/x.yaml", "workload: { loop: 100% }");
    cr_expect_eq(duress("shrink s/x.yaml --seed 1 --time 100ms"), 4, "%s", said);
    cr_expect(strstr(said, "time was up before it was known whether the run fails"), "%s", said);
}

/* ---- the command ---- */

static bool says(const char *text)
{
    return strstr(said, text) != NULL;
}

static void put_failing(void)
{
    scenario_put("s/x.yaml", "sut: fragile\nworkload: { steps: 50, needs: 2 }\n"
                             "faults: { fragile/step/try: disconnect }");
}

Test(shrinker, the_command_writes_a_tape_that_replays)
{
    put_failing();
    cr_assert_eq(duress("shrink s/x.yaml --seed 3 --workers 2"), 0, "%s", said);
    cr_expect(says("faults           50 -> 2, each of them necessary"), "%s", said);
    cr_expect(says("tape      shrunk.tape"));
    cr_expect_eq(duress("replay shrunk.tape"), 1, "%s", said);
    cr_expect(!says("has changed since"), "%s", said);
    cr_expect_eq(access("shrunk.story.txt", R_OK), 0);
}

Test(shrinker, the_command_tells_what_is_left)
{
    scenario_put("s/x.yaml", "sut: fragile\nworkload: { steps: 50, needs: 2, things: 7..9 }\n"
                             "faults: { fragile/step/try: disconnect }");
    cr_assert_eq(duress("shrink s/x.yaml --seed 3 -o x.tape"), 0, "%s", said);
    cr_expect(says("faults           50 -> 2, each of them necessary\n"), "%s", said);
    cr_expect(says(" -> 1\ndraws"), "%s", said);
    cr_expect(says("story     ./x.story.txt\n"), "%s", said);
    scenario_put("s/x.yaml", "sut: fragile\nworkload: { steps: 5, needs: 0 }\n"
                             "faults: { fragile/step/try: disconnect }");
    cr_assert_eq(duress("shrink s/x.yaml --seed 3 -o x.tape"), 0, "%s", said);
    cr_expect(says("-> 0, it fails without any\n"), "%s", said);
}

Test(shrinker, the_command_takes_the_folder_of_a_failure)
{
    put_failing();
    cr_assert_eq(duress("run s/x.yaml --runs 1 --seed 1 --out r"), 1, "%s", said);
    cr_assert_eq(duress("shrink r/failures/0 --workers 2"), 0, "%s", said);
    cr_expect_eq(access("r/failures/0/shrunk.tape", R_OK), 0);
    cr_assert_eq(duress("shrink r/failures/0/shrunk.tape -o x.tape"), 0, "%s", said);
    cr_expect_eq(access("x.tape", R_OK), 0);
}

Test(shrinker, the_command_says_what_is_wrong)
{
    put_failing();
    scenario_put("s/good.yaml", "sut: fragile\nworkload: { steps: 5 }");
    cr_expect_eq(duress("shrink"), 4);
    cr_expect(says("needs one tape"));
    cr_expect_eq(duress("shrink s/x.yaml"), 4);
    cr_expect(says("a scenario needs --seed"));
    cr_expect_eq(duress("shrink nowhere.tape"), 4);
    cr_expect(says("nowhere.tape: No such file"), "%s", said);
    cr_expect_eq(duress("shrink s/good.yaml --seed 1"), 4);
    cr_expect(says("does not fail"), "%s", said);
    cr_expect_eq(access("shrunk.tape", F_OK), -1);
    cr_expect_eq(duress("shrink s/x.yaml --seed 1 -o no/where/x.tape"), 4);
    cr_expect(says("cannot write into no/where/"), "%s", said);
    cr_expect_eq(duress("shrink s/x.yaml --seed 1 -o x.tape"), 0);
    cr_expect_eq(duress("shrink x.tape -o x.tape"), 4);
    cr_expect(says("is the tape to be shrunk"), "%s", said);
    cr_expect_eq(duress("shrink s/x.yaml --seed 1 --time soon"), 4);
}

Test(shrinker, what_differs_from_run_to_run_is_not_shrunk)
{
    scenario_put("s/x.yaml", "workload: { wrong: 100%, random: 100% }");
    cr_expect_eq(duress("shrink s/x.yaml --seed 1"), 3, "%s", said);
    cr_expect(says("two runs of one tape differ"), "%s", said);
    cr_expect_eq(access("shrunk.tape", F_OK), -1);
}

static bool file_has(const char *path, const char *text)
{
    static char content[262144];
    FILE *in = fopen(path, "r");
    cr_assert(in, "%s", path);
    content[fread(content, 1, sizeof content - 1, in)] = '\0';
    fclose(in);
    return strstr(content, text) != NULL;
}

Test(shrinker, a_suite_shrinks_what_it_keeps)
{
    put_failing();
    cr_assert_eq(duress("run s/x.yaml --runs 2 --seed 1 --workers 2 --out r"), 1, "%s", said);
    cr_expect(says("shrunk  50 -> 2 faults  r/failures/0/shrunk.tape"), "%s", said);
    cr_expect(file_has("r/run.json", "\"shrunk\": \"failures/0/shrunk.tape\""));
    cr_expect(file_has("r/run.json", "\"shrunk_faults\": 2"));
    cr_expect(file_has("r/failures/1/shrunk.story.txt", "replay r/failures/1/shrunk.tape"));
    cr_expect_eq(duress("replay r/failures/1/shrunk.tape"), 1, "%s", said);
    cr_assert_eq(duress("run s/x.yaml --runs 1 --seed 1 --out r --shrink off"), 1, "%s", said);
    cr_expect_eq(access("r/failures/0/shrunk.tape", F_OK), -1);
    cr_expect(file_has("r/run.json", "\"shrunk\": null"));
    cr_expect_eq(duress("run s/x.yaml --runs 1 --shrink never"), 4);
}
