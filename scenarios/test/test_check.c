/* A recorded trace is judged as the run was: every scenario is run, its trace is written and read
 * back, and each property says the same about both, word for word. */
#include "harness/suite/failure.h"
#include "harness/trace/file.h"
#include "scenarios/jobs/jobs_system.h"
#include "scenarios/trees/trees_system.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEDS 2

static const struct system *const systems[] = {&jobs_system, &trees_system};
static char folder[] = "/tmp/test-check-XXXXXX", path[64];

static void folder_make(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/trace.jsonl", folder);
}

static void folder_remove(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(check, .init = folder_make, .fini = folder_remove);

/* A panel of the same properties, which has seen the file. */
static struct panel *judge_file(const struct scenario *scenario, const struct run *run)
{
    const struct trace_head *head;
    struct event event;
    FILE *in = fopen(path, "re");
    cr_assert(in);
    struct trace_reader *reader = trace_reader_new(in, path);
    struct panel *panel = panel_new(scenario->properties, scenario->property_count);
    cr_assert_eq(trace_reader_head(reader, &head), 0, "%s", trace_reader_why(reader));
    cr_expect_str_eq(head->scenario, scenario->path);
    int got;
    while ((got = trace_reader_next(reader, &event)) == 1)
        panel_event(panel, &event);
    cr_assert_eq(got, 0, "%s", trace_reader_why(reader));
    cr_expect_eq(trace_reader_end(reader)->ending, run->ending);
    cr_expect_eq(trace_reader_end(reader)->events, run->events);
    trace_reader_free(reader);
    fclose(in);
    return panel;
}

static void compare(const struct verdict *run, const struct verdict *file)
{
    const char *id = run->property->id;
    cr_expect_eq(file->property, run->property);
    cr_expect_eq(file->checked, run->checked, "%s: %lu, %lu", id, file->checked, run->checked);
    cr_expect_eq(file->met, run->met, "%s", id);
    cr_expect_eq(file->failed, run->failed, "%s", id);
    cr_expect_eq(file->event, run->event, "%s", id);
    cr_expect_eq(file->time_ns, run->time_ns, "%s", id);
    cr_expect_str_eq(file->message, run->message, "%s", id);
}

/* Returns the properties that failed. */
static size_t compare_all(const struct scenario *scenario, const struct run *run)
{
    struct panel *panel = judge_file(scenario, run);
    size_t count, again, failed = 0;
    const struct verdict *first = panel_judge(panel, run->ending);
    const struct verdict *of_run = panel_verdicts(run->panel, &count);
    const struct verdict *of_file = panel_verdicts(panel, &again);
    cr_assert_eq(again, count);
    for (size_t i = 0; i < count; i++) {
        compare(&of_run[i], &of_file[i]);
        failed += of_file[i].failed;
    }
    if (first)
        cr_expect_str_eq(first->message, run->message);
    panel_free(panel);
    return failed;
}

static size_t run_and_compare(const struct scenario *scenario, uint64_t seed)
{
    struct tape *tape = tape_new(seed);
    struct run run;
    run_execute(&run, scenario, tape, UINT64_MAX);
    FILE *out = fopen(path, "we");
    cr_assert(out);
    failure_write_trace(&run, scenario, tape, out);
    cr_assert_eq(fclose(out), 0);
    size_t failed = compare_all(scenario, &run);
    run_done(&run);
    tape_free(tape);
    return failed;
}

Test(check, every_scenario_is_judged_the_same_from_its_file)
{
    glob_t found;
    size_t failed = 0;
    cr_assert_eq(glob("scenarios/*.yaml", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *why = NULL;
        struct scenario *scenario = scenario_load(found.gl_pathv[i], systems, 2, &why);
        cr_assert(scenario, "%s", why);
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            failed += run_and_compare(scenario, seed);
        scenario_free(scenario);
    }
    cr_expect_geq(failed, SEEDS, "the canary failed each time");
    globfree(&found);
}
