/* The lab: many tapes at once, each in a child of its own. */
#include "harness/test/fake_system.h"

#include "harness/process/lab.h"

TestSuite(lab, .init = place_enter, .fini = place_leave);

static const struct extras no_extras;

struct rig {
    struct scenario *scenario;
    struct lab *lab;
};

static struct rig rig_open(const char *more, unsigned workers)
{
    static const struct system *const systems[] = {&fake_system};
    struct rig rig;
    char *why = NULL;
    registry_init();
    scenario_put("s/x.yaml", more);
    rig.scenario = scenario_load("s/x.yaml", systems, 1, &why);
    cr_assert(rig.scenario, "%s", why);
    const struct lab_setup setup = {.scenario = rig.scenario,
                                    .extras = &no_extras,
                                    .program = "duress",
                                    .workers = workers,
                                    .run_timeout_ns = 300000000};
    rig.lab = lab_new(&setup);
    return rig;
}

static void rig_close(struct rig *rig)
{
    lab_free(rig->lab);
    scenario_free(rig->scenario);
}

static struct lab_result run_one(struct rig *rig, uint64_t seed, unsigned record)
{
    struct lab_result result;
    const struct lab_task task = {.tape = tape_new(seed), .record = record};
    cr_assert(lab_run(rig->lab, &task, &result));
    return result;
}

/* Fingerprints of the seeds 0..49, in the order of submission. */
static void run_fifty(struct rig *rig, char prints[static 50][33])
{
    struct lab_result result;
    static int tags[50];
    for (uint64_t seed = 0; seed < 50; seed++)
        lab_submit(rig->lab, &(struct lab_task){.tape = tape_new(seed), .tag = &tags[seed]});
    cr_assert_eq(lab_busy(rig->lab), 50);
    while (lab_next(rig->lab, &result)) {
        cr_assert_eq(result.result.run.seed, tape_seed(result.tape));
        cr_assert_eq(result.tag, &tags[tape_seed(result.tape)]);
        cr_assert_eq(result.result.outcome, OUTCOME_PASS);
        cr_assert(result.result.point_count > 0);
        memcpy(prints[tape_seed(result.tape)], result.result.fingerprint, 33);
        lab_result_done(&result);
    }
    cr_assert_eq(lab_runs(rig->lab), 50);
    cr_assert_eq(lab_busy(rig->lab), 0);
}

Test(lab, gives_the_same_whatever_the_number_of_workers)
{
    static char one[50][33], four[50][33];
    struct rig rig = rig_open("workload: { steps: 5..50 }", 1);
    run_fifty(&rig, one);
    rig_close(&rig);
    rig = rig_open("workload: { steps: 5..50 }", 4);
    run_fifty(&rig, four);
    rig_close(&rig);
    for (size_t i = 0; i < 50; i++)
        cr_assert_str_eq(one[i], four[i]);
    cr_assert_str_neq(one[0], one[1]);
}

Test(lab, tells_what_failed_and_where)
{
    struct rig rig = rig_open("workload: { wrong: 100% }", 2);
    struct lab_result result = run_one(&rig, 1, 0);
    cr_assert_eq(result.result.outcome, OUTCOME_SAFETY);
    cr_assert_str_eq(result.result.property, "wrong_never_seen");
    cr_assert_str_eq(result.result.message, "something wrong was seen");
    cr_assert(result.result.at > 0);
    lab_result_done(&result);
    rig_close(&rig);
}

/* Without a nemesis of clocks, whose choices would be made before the run dies. */
#define QUIET "budget: { clock skew: 0s }\n"

Test(lab, survives_what_kills_a_run)
{
    static const struct {
        const char *how, *says;
    } deaths[] = {
        {QUIET "workload: { abort: 100% }", "Assertion `all is well' failed"},
        {QUIET "workload: { exit: 100% }", "status 7"},
        {QUIET "workload: { loop: 100% }", "endless loop"},
    };
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        struct rig rig = rig_open(deaths[i].how, 2);
        struct lab_result result = run_one(&rig, 1, RECORD_CHOICES);
        cr_assert_eq(result.result.outcome, OUTCOME_CRASH);
        cr_assert(strstr(result.result.message, deaths[i].says), "%s", result.result.message);
        cr_assert_eq(result.recording.made_count, 0);
        lab_result_done(&result);
        rig_close(&rig);
    }
}

Test(lab, gives_back_the_tape_as_it_was)
{
    struct rig rig = rig_open("workload: { steps: 5..50 }", 2);
    struct lab_result result = run_one(&rig, 1, 0);
    cr_assert_eq(sequence_length(tape_sequence(result.tape)), 0);
    lab_result_done(&result);
    rig_close(&rig);
}

Test(lab, stops_at_the_deadline)
{
    struct rig rig = rig_open("workload: { steps: 5..50 }", 2);
    struct lab_result result;
    cr_assert(!lab_stops(rig.lab));
    lab_submit(rig.lab, &(struct lab_task){.tape = tape_new(1)});
    lab_deadline(rig.lab, 0);
    cr_assert(lab_stops(rig.lab));
    cr_assert(!lab_next(rig.lab, &result));
    cr_assert_eq(lab_busy(rig.lab), 0);
    lab_deadline(rig.lab, INT64_MAX);
    result = run_one(&rig, 1, 0);
    cr_assert_eq(result.result.outcome, OUTCOME_PASS);
    lab_result_done(&result);
    rig_close(&rig);
}

Test(lab, gives_up_what_is_under_way)
{
    struct rig rig = rig_open("workload: { loop: 100% }", 3);
    struct lab_result result;
    for (uint64_t seed = 0; seed < 10; seed++)
        lab_submit(rig.lab, &(struct lab_task){.tape = tape_new(seed)});
    lab_cancel_all(rig.lab);
    cr_assert(!lab_next(rig.lab, &result));
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    cr_assert_eq(errno, ECHILD);
    rig_close(&rig);
}

Test(lab, keeps_a_run_in_a_folder)
{
    struct rig rig = rig_open("workload: { wrong: 100% }", 1);
    struct lab_result result;
    const struct lab_task task = {.tape = tape_new(3), .keep = {.folder = "kept"}};
    cr_assert(lab_run(rig.lab, &task, &result));
    cr_assert_eq(access("kept/tape", R_OK), 0);
    cr_assert_eq(access("kept/story.txt", R_OK), 0);
    cr_assert_eq(access("kept/trace.jsonl", R_OK), 0);
    lab_result_done(&result);
    rig_close(&rig);
}

/* ---- recordings ---- */

static void make_choices(struct tape *tape)
{
    static const char *const names[] = {"a/b/c", "a/b/c", "d/e/f", "a/b/c"};
    for (uint64_t i = 0; i < 4; i++) {
        struct choice choice = {STREAM_NET, names[i], 1, i, 1};
        tape_edit_choice(tape, &choice, i + 1);
        tape_choose(tape, &choice, 10);
    }
}

static char *recording_of(struct tape *tape, size_t *ret_length)
{
    char *text;
    FILE *out = open_memstream(&text, ret_length);
    recording_write(tape, RECORD_CHOICES | RECORD_DRAWS, out);
    fclose(out);
    return text;
}

Test(lab, a_recording_comes_back)
{
    struct tape *tape = tape_new(1);
    struct recording recording;
    size_t length;
    tape_record(tape, RECORD_CHOICES);
    make_choices(tape);
    tape_span_begin(tape, "outer");
    int64_t drawn = tape_draw_between(tape, 3, 9);
    tape_span_end(tape);
    char *text = recording_of(tape, &length);
    tape_free(tape);
    cr_assert_eq(recording_read(text, length, &recording), 0);
    free(text);
    cr_assert_eq(recording.made_count, 4);
    for (uint64_t i = 0; i < 4; i++) {
        cr_assert_eq(recording.made[i].value, i + 1);
        cr_assert_eq(recording.made[i].choice.key, i);
        cr_assert_str_eq(recording.made[i].choice.name, i == 2 ? "d/e/f" : "a/b/c");
    }
    cr_assert_eq(recording.draw_count, 1);
    cr_assert_eq(recording.draws[0].value, drawn);
    cr_assert_eq(recording.span_count, 1);
    cr_assert_str_eq(recording.spans[0].label, "outer");
    recording_done(&recording);
}

Test(lab, a_recording_that_is_cut_off_is_none)
{
    struct tape *tape = tape_new(1);
    struct recording recording;
    size_t length;
    tape_record(tape, RECORD_CHOICES);
    make_choices(tape);
    char *text = recording_of(tape, &length);
    tape_free(tape);
    for (size_t cut = 0; cut < length; cut++)
        cr_assert_eq(recording_read(text, cut, &recording), -EINVAL);
    free(text);
}
