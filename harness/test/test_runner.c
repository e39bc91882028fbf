/* The runner, from outside: suites over a fake system that crashes, loops, or depends on the
 * process it runs in. */
#include "harness/test/fake_system.h"

TestSuite(runner, .init = place_enter, .fini = place_leave);

static bool says(const char *text)
{
    return strstr(said, text) != NULL;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static size_t lines_of(const char *path, const char *with)
{
    size_t count = 0, room = 0;
    char *line = NULL;
    FILE *in = fopen(path, "r");
    while (in && getline(&line, &room, in) > 0)
        count += strstr(line, with) != NULL;
    if (in)
        fclose(in);
    free(line);
    return count;
}

static char *slurp(const char *path)
{
    static char text[262144];
    FILE *in = fopen(path, "r");
    cr_assert(in, "%s", path);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    return text;
}

/* The value of the line "fingerprint ..." in what was said. */
static const char *fingerprint_said(void)
{
    static char hex[33];
    const char *at = strstr(said, "fingerprint ");
    cr_assert(at, "%s", said);
    snprintf(hex, sizeof hex, "%s", at + strlen("fingerprint "));
    return hex;
}

Test(runner, a_suite_that_holds)
{
    scenario_put("s/good.yaml", "workload: { steps: 5..50 }");
    cr_assert_eq(duress("run s --runs 50 --seed 7 --workers 2 --verify all --out r"), 0, "%s",
                 said);
    cr_assert_eq(lines_of("r/results.jsonl", "\"i\":"), 100);
    cr_assert_eq(lines_of("r/results.jsonl", "\"again\": true"), 50);
    cr_assert(exists("r/run.json"));
    cr_assert(!exists("r/failures"));
}

Test(runner, the_fingerprint_does_not_depend_on_workers)
{
    char first[33];
    scenario_put("s/good.yaml", "workload: { steps: 5..50 }");
    cr_assert_eq(duress("run s --runs 40 --seed 7 --workers 1 --out r"), 0, "%s", said);
    strcpy(first, fingerprint_said());
    cr_assert_eq(duress("run s --runs 40 --seed 7 --workers 3 --verify off --out r"), 0);
    cr_assert_str_eq(fingerprint_said(), first);
    cr_assert_eq(duress("run s --runs 40 --seed 8 --workers 3 --verify off --out r"), 0);
    cr_assert_str_neq(fingerprint_said(), first);
}

Test(runner, what_is_kept_does_not_depend_on_workers)
{
    static char first[262144];
    scenario_put("s/bad.yaml", "workload: { steps: 5..500, wrong: 40%, abort: 20% }");
    cr_assert_eq(duress("run s --runs 60 --seed 7 --workers 1 --out r"), 1, "%s", said);
    strcpy(first, strstr(slurp("r/run.json"), "\"failures\""));
    cr_assert_eq(duress("run s --runs 60 --seed 7 --workers 3 --out r"), 1, "%s", said);
    cr_assert_str_eq(strstr(slurp("r/run.json"), "\"failures\""), first);
}

Test(runner, shards_part_the_suite)
{
    scenario_put("s/good.yaml", "");
    scenario_put("s/other.yaml", "weight: 3");
    cr_assert_eq(duress("run s --runs 10 --seed 7 --verify off --shard 1/3 --out a"), 0, "%s",
                 said);
    cr_assert_eq(duress("run s --runs 10 --seed 7 --verify off --shard 2/3 --out b"), 0);
    cr_assert_eq(duress("run s --runs 10 --seed 7 --verify off --shard 3/3 --out c"), 0);
    cr_assert_eq(lines_of("a/results.jsonl", "\"i\":"), 4);
    cr_assert_eq(lines_of("b/results.jsonl", "\"i\":"), 3);
    cr_assert_eq(lines_of("c/results.jsonl", "\"i\":"), 3);
    cr_assert_eq(lines_of("a/results.jsonl", "\"i\": 9,"), 1);
    cr_assert_eq(lines_of("c/results.jsonl", "\"i\": 8,"), 1);
}

Test(runner, a_failure_is_kept_and_replays)
{
    scenario_put("s/bad.yaml", "workload: { steps: 10..30, wrong: 30% }");
    cr_assert_eq(duress("run s --runs 60 --seed 7 --workers 2 --out r"), 1, "%s", said);
    DIR *folders = opendir("r/failures");
    cr_assert(folders);
    size_t count = 0;
    char tape[512] = "", line[640], fingerprint[33];
    for (struct dirent *entry; (entry = readdir(folders));)
        if (entry->d_name[0] != '.' && ++count)
            snprintf(tape, sizeof tape, "r/failures/%.200s/tape", entry->d_name);
    closedir(folders);
    cr_assert_eq(count, 3, "three of a kind: %zu", count);
    snprintf(line, sizeof line, "replay %s --trace", tape);
    cr_assert_eq(duress(line), 1, "%s", said);
    cr_assert(says("something wrong was seen"));
    cr_assert(says("fake/wrong/seen"));
    cr_assert(!says("has changed since"));
    strcpy(fingerprint, fingerprint_said());
    cr_assert(strstr(slurp(tape), fingerprint));
}

Test(runner, liveness_has_its_own_exit_code)
{
    scenario_put("s/stuck.yaml", "workload: { stuck: 100% }");
    cr_assert_eq(duress("run s --runs 4 --out r"), 2, "%s", said);
    cr_assert(says("a step that never comes"));
}

Test(runner, a_segfault_is_a_failure)
{
    scenario_put("s/segv.yaml", "workload: { segv: 50% }");
    cr_assert_eq(duress("run s --runs 20 --seed 7 --out r"), 1, "%s", said);
    cr_assert(says("SIGSEGV") || says("AddressSanitizer"), "%s", said);
    cr_assert(lines_of("r/results.jsonl", "\"o\": 0") >= 2, "the other runs go on");
    cr_assert(strstr(slurp("r/results.jsonl"), "backtrace") || says("AddressSanitizer"));
}

Test(runner, an_assertion_says_what_failed)
{
    scenario_put("s/abort.yaml", "workload: { abort: 100% }");
    cr_assert_eq(duress("run s --runs 2 --seed 7 --out r --report junit"), 1, "%s", said);
    cr_assert(says("SIGABRT"), "%s", said);
    cr_assert_null(strstr(slurp("r/junit.xml"), "event: "), "the dead do not count");
    cr_assert(says("all is well"), "%s", said);
    char *story = slurp("r/failures/0/story.txt");
    cr_assert(strstr(story, "backtrace:"), "%s", story);
    cr_assert(strstr(story, "fake_step at fake_system.h:"), "%s", story);
    cr_assert(exists("r/failures/0/tape"));
    cr_assert(exists("r/failures/0/trace.jsonl"), "the trace up to the crash");
}

Test(runner, an_exit_in_mid_run_is_a_crash)
{
    scenario_put("s/exit.yaml", "workload: { exit: 100% }");
    cr_assert_eq(duress("run s --runs 2 --out r"), 1, "%s", said);
    cr_assert(says("ended with status 7"), "%s", said);
}

Test(runner, an_endless_loop_is_a_crash)
{
    scenario_put("s/loop.yaml", "workload: { loop: 100% }");
    cr_assert_eq(duress("run s --runs 1 --run-timeout 50ms --out r"), 1, "%s", said);
    cr_assert(says("endless loop: more than 50ms"), "%s", said);
    char *story = slurp("r/failures/0/story.txt");
    cr_assert(strstr(story, "signal: SIGPROF"), "%s", story);
    cr_assert(strstr(story, "verdict    endless loop: more than 50ms"), "%s", story);
    cr_assert_null(strstr(story, "fingerprint \n"), "the events before it have one: %s", story);
}

Test(runner, what_depends_on_the_process_is_found)
{
    scenario_put("s/differs.yaml", "workload: { differs: 100% }");
    cr_assert_eq(duress("run s --runs 2 --seed 7 --workers 1 --verify all --out r"), 3, "%s", said);
    char *story = slurp("r/failures/0/story.txt");
    cr_assert(strstr(story, "first event that differs"), "%s", story);
    cr_assert(strstr(story, "one run: {"));
    cr_assert(strstr(story, "another: {"));
}

/* ---- many runs in one process ---- */

Test(runner, a_series_of_runs_gives_what_each_gives_alone)
{
    char alone[33];
    scenario_put("s/a.yaml", "workload: { steps: 5..50 }");
    cr_assert_eq(duress("run s --runs 450 --seed 7 --verify off --out r"), 0, "%s", said);
    strcpy(alone, fingerprint_said());
    scenario_put("s/a.yaml", "sut: tidy\nworkload: { steps: 5..50 }");
    cr_assert_eq(duress("run s --runs 450 --seed 7 --workers 1 --verify all --out r"), 0, "%s",
                 said);
    cr_assert_str_eq(fingerprint_said(), alone);
    cr_assert_eq(lines_of("r/run.json", "\"verified\": 450,"), 1);
}

Test(runner, failures_in_a_series_are_those_of_runs_alone)
{
    static char alone[262144];
    const char *workload = "workload: { steps: 5..500, wrong: 20%, abort: 10%, exit: 5% }";
    char tidy[128];
    scenario_put("s/a.yaml", workload);
    cr_assert_eq(duress("run s --runs 60 --seed 7 --out r"), 1, "%s", said);
    strcpy(alone, strstr(slurp("r/run.json"), "\"failures\""));
    snprintf(tidy, sizeof tidy, "sut: tidy\n%s", workload);
    scenario_put("s/a.yaml", tidy);
    cr_assert_eq(duress("run s --runs 60 --seed 7 --workers 1 --out r"), 1, "%s", said);
    cr_assert_str_eq(strstr(slurp("r/run.json"), "\"failures\""), alone);
}

Test(runner, an_endless_loop_ends_a_series)
{
    scenario_put("s/loop.yaml", "sut: tidy\nworkload: { loop: 60% }");
    cr_assert_eq(duress("run s --runs 5 --seed 7 --run-timeout 50ms --out r"), 1, "%s", said);
    cr_assert(says("endless loop: more than 50ms"), "%s", said);
}

Test(runner, what_depends_on_the_runs_before_is_found)
{
    scenario_put("s/counts.yaml", "sut: tidy\nworkload: { counts: 100% }");
    cr_assert_eq(duress("run s --runs 5 --seed 7 --workers 1 --verify all --out r"), 3, "%s", said);
}

Test(runner, what_only_fails_after_others_is_found)
{
    scenario_put("s/wears.yaml", "sut: tidy\nworkload: { wears: 100% }");
    cr_assert_eq(duress("run s --runs 5 --seed 7 --workers 1 --verify off --out r"), 3, "%s", said);
    cr_assert(says("differ"), "%s", said);
}

Test(runner, a_canary_that_fails_is_fine)
{
    scenario_put("s/good.yaml", "");
    scenario_put("s/canary.yaml", "expect: failure\nworkload: { wrong: 100% }");
    cr_assert_eq(duress("run s --runs 5 --verify all --out r"), 0, "%s", said);
    cr_assert_eq(lines_of("r/results.jsonl", "\"canary\": true"), 2, "the first run, and again");
    cr_assert_eq(lines_of("r/run.json", "\"verified\": 5,"), 1, "of 5 runs");
}

Test(runner, a_canary_that_passes_means_blindness)
{
    scenario_put("s/good.yaml", "");
    scenario_put("s/canary.yaml", "expect: failure");
    cr_assert_eq(duress("run s --runs 5 --out r"), 3, "%s", said);
}

/* There is no node that could be killed. */
Test(runner, a_promised_fault_that_never_fires_is_told)
{
    scenario_put("s/a.yaml", "nemesis: { kill node: { every: 1ms, back after: 1s } }");
    cr_assert_eq(duress("run s --runs 40 --verify off --out r"), 0, "%s", said);
    cr_assert_not(strstr(said, "never fired"), "too few runs to tell: %s", said);
    cr_assert_eq(duress("run s --runs 60 --verify off --out r"), 0, "%s", said);
    cr_assert(strstr(said, "never fired s/a.yaml: kill node, in 60 runs\n"), "%s", said);
    cr_assert_eq(duress("run s --runs 60 --verify off --strict-faults --out r"), 1, "%s", said);
    cr_assert(strstr(said, "but a promised fault never fired\n"), "%s", said);
}

/* What a system is asked to do wrong is a promise, too, and has its line. */
Test(runner, what_goes_wrong_in_the_system_is_counted_and_promised)
{
    scenario_put("s/a.yaml", "workload: { odd: 100% }");
    scenario_put("s/b.yaml", "workload: { odd: 0.01% }");
    cr_assert_eq(duress("run s/a.yaml --runs 60 --verify off --out r"), 0, "%s", said);
    cr_assert(strstr(said, "nemeses "), "%s", said);
    cr_assert(strstr(said, "\n            odd                        60        -        -\n"), "%s",
              said);
    cr_assert_eq(lines_of("r/run.json", "\"name\": \"odd\", \"asked\": 60, \"strikes\": 60"), 1);
    cr_assert_eq(duress("run s/b.yaml --runs 60 --seed 1 --verify off --out r"), 0, "%s", said);
    cr_assert(strstr(said, "never fired s/b.yaml: odd: 0.01%, in 60 runs\n"), "%s", said);
    cr_assert_not(strstr(said, "nemeses "), "%s", said);
}

Test(runner, fail_fast_stops)
{
    scenario_put("s/bad.yaml", "workload: { wrong: 100% }");
    cr_assert_eq(duress("run s --runs 5000 --workers 1 --fail-fast --out r"), 1, "%s", said);
    cr_assert_lt(lines_of("r/results.jsonl", "\"i\":"), 10);
}

Test(runner, time_ends_a_suite)
{
    scenario_put("s/good.yaml", "");
    cr_assert_eq(duress("run s --time 50ms --out r"), 0, "%s", said);
    cr_assert_geq(lines_of("r/results.jsonl", "\"i\":"), 1);
}

/* Waits for the file to have so many lines. */
static void wait_for_lines(const char *path, size_t count)
{
    while (lines_of(path, "\"i\":") < count)
        usleep(1000);
}

Test(runner, an_interrupt_gives_a_whole_report)
{
    char line[] = "run s --time 1h --out r";
    scenario_put("s/good.yaml", "");
    pid_t pid = duress_start(line);
    wait_for_lines("r/results.jsonl", 5);
    kill(pid, SIGINT);
    waitpid(pid, &fake_status, 0);
    said_take();
    cr_assert_eq(WEXITSTATUS(fake_status), 130, "%s", said);
    cr_assert(strstr(slurp("r/run.json"), "\"interrupted\""));
}

Test(runner, kill_loses_only_the_runs_in_flight)
{
    char line[] = "run s --time 1h --out r";
    scenario_put("s/bad.yaml", "workload: { wrong: 100% }");
    pid_t pid = duress_start(line);
    wait_for_lines("r/results.jsonl", 20);
    kill(pid, SIGKILL);
    waitpid(pid, &fake_status, 0);
    cr_assert(!exists("r/run.json"));
    FILE *torn = fopen("r/results.jsonl", "a");
    fputs("{\"i\": 99, \"s\": 0, \"o\"", torn);
    fclose(torn);
    cr_assert_eq(duress("report r"), 0, "%s", said);
    cr_assert(says("something wrong was seen"), "%s", said);
    cr_assert_eq(duress("report r --report json:-"), 0, "%s", said);
    cr_assert(says("\"interrupted\""), "%s", said);
    duress("run s --runs 3 --out r");
    cr_assert(says("replaced"), "%s", said);
}

Test(runner, the_replay_line_works)
{
    scenario_put("s/bad.yaml", "workload: { wrong: 100% }");
    cr_assert_eq(duress("run s --runs 1 --seed 7 --out r --property wrong_never_seen"), 1, "%s",
                 said);
    char *at = strstr(said, "replay s/bad.yaml"), line[512];
    cr_assert(at, "%s", said);
    snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
    cr_assert(strstr(line, "--property wrong_never_seen"), "%s", line);
    cr_assert_eq(duress(line), 1, "%s", said);
}
