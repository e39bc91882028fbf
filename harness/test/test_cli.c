/* The command line from outside: bad input, help, lists, the run directory. */
#include "harness/test/fake_system.h"

#include "harness/suite/rundir.h"

TestSuite(cli, .init = place_enter, .fini = place_leave);
TestSuite(rundir, .init = place_enter, .fini = place_leave);

static bool says(const char *text)
{
    return strstr(said, text) != NULL;
}

/* Exit code 4, and a text that helps. */
static void refuses(const char *line, const char *text)
{
    int code = duress(line);
    cr_assert_eq(code, 4, "%s: exit code %d\n%s", line, code, said);
    cr_assert(says(text), "%s: '%s' is missing in:\n%s", line, text, said);
}

Test(cli, unknown_words_get_the_nearest_one)
{
    scenario_put("s/good.yaml", "");
    refuses("rnu s", "did you mean 'run'?");
    refuses("run s --sede 5", "did you mean --seed?");
    refuses("run s --verfy=all", "did you mean --verify?");
    refuses("run s -x", "unknown option '-x'");
    refuses("list point", "did you mean 'points'?");
    refuses("run s --report jsn --runs 1", "did you mean 'json'?");
    refuses("run s --property wrong_never_sen --runs 1", "did you mean 'wrong_never_seen'?");
    refuses("run s --fault fake/step/dome=crash --runs 1", "fake/step/done");
    cr_assert_neq(access("build", F_OK), 0, "nothing was begun");
}

Test(cli, bad_values)
{
    scenario_put("s/good.yaml", "");
    refuses("run s --runs 0", "at least 1");
    refuses("run s --runs -3", "below zero");
    refuses("run s --runs 1e3", "not a whole number");
    refuses("run s --runs 99999999999999999999", "too large");
    refuses("run s --shard 5/3", "not a shard");
    refuses("run s --shard 0/2", "not a shard");
    refuses("run s --shard 1/0", "not a shard");
    refuses("run s --shard 1/-2", "not a shard");
    refuses("run s --shard 1", "not a shard");
    refuses("run s --shard 1/2x", "not a shard");
    refuses("run s --seed 12zz", "not a seed");
    refuses("run s --time soon", "not a duration");
    refuses("run s --time 0s", "not a duration");
    refuses("run s --workers 0", "at least 1");
    refuses("run s --verify some", "none of all, sample, off");
    refuses("run s --runs", "needs a value");
    refuses("run s --fail-fast=yes", "takes no value");
    refuses("run missing.yaml", "missing.yaml");
    refuses("run s/god.yaml", "did you mean 's/good.yaml'?");
    refuses("replay s/god.yaml --seed 1", "did you mean 's/good.yaml'?");
    refuses("--sede", "unknown option '--sede'");
    refuses("replay s/good.yaml", "needs --seed");
    refuses("replay s/good.yaml --seed x", "not a seed");
    refuses("replay", "needs one tape");
    refuses("report", "needs one run directory");
    refuses("report nowhere", "nowhere");
    refuses("list points more", "points takes no argument");
}

Test(cli, a_broken_scenario_stops_before_anything)
{
    scenario_put("s/bad.yaml", "no such key: 1");
    refuses("run s --runs 1 --out r", "s/bad.yaml:6:");
    cr_assert_neq(access("r", F_OK), 0);
}

static void file_put(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    cr_assert(out);
    fputs(text, out);
    cr_assert_eq(fclose(out), 0);
}

Test(cli, what_is_no_tape)
{
    file_put("tape", "hello\n");
    refuses("replay tape", "tape:1");
    refuses("replay no-tape", "no-tape");
    refuses("replay s", "s: cannot be read: Is a directory");
    file_put("tape", "duress-tape 1\n");
    refuses("replay tape --seed 3", "tape is a tape, which has its own");
    refuses("replay taep", "did you mean 'tape'?");
}

Test(cli, a_tape_that_speaks_of_what_is_not_there)
{
    scenario_put("s/good.yaml", "");
    file_put("tape", "duress-tape 1\nscenario s/gone.yaml\nseed 1\nend 0\n");
    refuses("replay tape", "s/gone.yaml");
    cr_assert(says("tape: names this scenario"), "%s", said);
    file_put("tape", "duress-tape 1\nscenario s/good.yaml\nseed 1\n"
                     "fault fake/step/dome node=0 key=0 n=1: crash\nend 1\n");
    refuses("replay tape", "did you mean 'fake/step/done'?");
}

Test(cli, nothing_to_run)
{
    cr_assert_eq(duress("run s --runs 1 --out r"), 5, "%s", said);
    cr_assert(says("nothing to run"));
    scenario_put("s/good.yaml", "");
    cr_assert_eq(duress("run s --runs 1 --shard 2/2 --out r"), 5, "an empty shard: %s", said);
}

Test(cli, output_that_cannot_be_written)
{
    scenario_put("s/good.yaml", "");
    refuses("run s --runs 1 --out s/good.yaml/r", "Not a directory");
    refuses("run s --runs 1 --out s/good.yaml", "Not a directory");
    refuses("run s --runs 1 --out /proc/r", "/proc/r");
    refuses("run s --runs 1 --out s", "not touched");
    cr_assert_eq(access("s/good.yaml", F_OK), 0);
}

Test(cli, a_view_that_cannot_be_written)
{
    scenario_put("s/good.yaml", "");
    refuses("run s --runs 1 --out r --report junit:no/where.xml", "cannot write no/where.xml");
    refuses("run s --runs 1 --out r --report junit:s", "cannot write s: Is a directory");
    cr_assert_neq(access("r/run.json", F_OK), 0, "nothing was run");
    cr_assert_eq(duress("run s --runs 1 --out q --report junit:q/views.xml"), 0, "%s", said);
    cr_assert_eq(access("q/views.xml", F_OK), 0);
    cr_assert_eq(duress("run s --runs 1 --out r --report junit:/dev/full"), 3, "%s", said);
    cr_assert(says("cannot write /dev/full"), "%s", said);
    cr_assert_eq(access("r/run.json", F_OK), 0, "the other views are there");
}

/* Runs "duress LINE REDIRECTIONS" in a shell. */
static int duress_shell(const char *line)
{
    char command[4352], exe[4096];
    ssize_t length = readlink("/proc/self/exe", exe, sizeof exe - 1);
    cr_assert(length > 0);
    exe[length] = '\0';
    snprintf(command, sizeof command, "env -u CI -u BXFI_MAP FAKE_DURESS=1 %s %s", exe, line);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static char first_of(const char *path)
{
    FILE *in = fopen(path, "r");
    cr_assert(in);
    int first = getc(in);
    fclose(in);
    return (char)first;
}

Test(cli, a_view_on_the_standard_output_stands_there_alone)
{
    scenario_put("s/good.yaml", "");
    cr_assert_eq(duress_shell("run s --runs 1 --out r --report json:- >out 2>err"), 0);
    cr_assert_eq(first_of("out"), '{');
    cr_assert_eq(first_of("err"), 's', "seed ...");
}

Test(cli, a_closed_standard_output_is_not_taken_for_a_file)
{
    scenario_put("s/good.yaml", "");
    cr_assert_eq(duress_shell("run s --runs 1 --out r >&-"), 0);
    cr_assert_eq(duress("report r"), 0, "%s", said);
    cr_assert_eq(duress("run s --runs 1 --out r"), 0, "its results are known as such: %s", said);
}

Test(cli, what_could_not_be_printed_is_told)
{
    scenario_put("s/good.yaml", "");
    cr_assert_eq(duress_shell("list points >/dev/full 2>/dev/null"), 3);
    cr_assert_eq(duress_shell("--version >/dev/full 2>/dev/null"), 3);
    cr_assert_eq(duress_shell("replay s/good.yaml --seed 1 >/dev/full 2>err"), 3);
    cr_assert_eq(first_of("err"), 'd', "duress: cannot write");
}

Test(cli, help_comes_from_the_tables)
{
    cr_assert_eq(duress("--help"), 0);
    cr_assert(says("replay") && says("report") && !says("worker "));
    cr_assert_eq(duress("run --help"), 0);
    cr_assert(says("--fail-fast") && says("--out DIR") && says("--shard I/N"));
    cr_assert_eq(duress("replay -h"), 0);
    cr_assert(says("--break-at EVENT"));
    cr_assert_eq(duress("list --help"), 0);
    cr_assert_eq(duress("report --help"), 0);
    cr_assert_eq(duress("help sweep"), 0);
    cr_assert(says("--pairs"));
    cr_assert_eq(duress("help sweeep"), 4);
    cr_assert(says("did you mean 'sweep'?"));
    cr_assert_eq(duress("--version"), 0);
    cr_assert(says("duress "));
}

Test(cli, options_in_both_forms)
{
    scenario_put("s/good.yaml", "");
    cr_assert_eq(duress("run --runs=2 --seed=0x1f -o r -- s"), 0, "%s", said);
    cr_assert(says("seed 0x1f"));
    cr_assert_eq(duress("run s --runs 2 --seed 31 -oq"), 0, "%s", said);
    cr_assert(says("in q"));
}

Test(cli, run_directories_are_numbered)
{
    scenario_put("s/good.yaml", "");
    cr_assert_eq(duress("run s --runs 1"), 0, "%s", said);
    cr_assert_eq(duress("run s --runs 1"), 0, "%s", said);
    cr_assert_eq(access("build/runs/1/run.json", F_OK), 0);
    cr_assert_eq(access("build/runs/2/run.json", F_OK), 0);
}

Test(cli, an_old_run_is_replaced_and_nothing_else)
{
    scenario_put("s/bad.yaml", "workload: { wrong: 100% }");
    cr_assert_eq(duress("run s --runs 1 --out r"), 1, "%s", said);
    FILE *mine = fopen("r/notes.txt", "w");
    fclose(mine);
    cr_assert_eq(access("r/failures/0/tape", F_OK), 0);
    scenario_put("s/bad.yaml", "");
    cr_assert_eq(duress("run s --runs 1 --out r"), 0, "%s", said);
    cr_assert(says("replaced"));
    cr_assert_neq(access("r/failures", F_OK), 0);
    cr_assert_eq(access("r/notes.txt", F_OK), 0);
}

Test(cli, lists)
{
    scenario_put("s/good.yaml", "");
    cr_assert_eq(duress("list scenarios s"), 0, "%s", said);
    cr_assert(says("s/good.yaml"));
    cr_assert_eq(duress("list points"), 0);
    cr_assert(says("fake/step/done") && says("one step of the fake system") &&
              says("fake_system.h:"));
    cr_assert_eq(duress("list properties --json"), 0);
    cr_assert(said[0] == '[' && says("\"wrong_never_seen\""));
    cr_assert_eq(duress("list nemeses"), 0);
    cr_assert(says("kill node"));
    cr_assert_eq(mkdir("scenarios", 0777) | mkdir("scenarios/mutants", 0777), 0);
    FILE *patch = fopen("scenarios/mutants/no-lease.patch", "w");
    fputs("# plants: no lease check\n# caught by: lease_is_checked\n--- a/x\n+++ b/x\n", patch);
    fclose(patch);
    cr_assert_eq(duress("list mutants"), 0);
    cr_assert(says("no-lease.patch") && says("no lease check") && !says("+++"), "%s", said);
}

Test(cli, replaying_a_seed)
{
    char first[64];
    scenario_put("s/bad.yaml", "workload: { wrong: 100% }");
    cr_assert_eq(duress("replay s/bad.yaml --seed 5"), 1, "%s", said);
    cr_assert(says("wrong_never_seen") && says("something wrong was seen"));
    char *at = strstr(said, "fingerprint ");
    cr_assert(at);
    snprintf(first, sizeof first, "%.44s", at);
    cr_assert_eq(duress("replay s/bad.yaml --seed 0x5 --trace"), 1);
    cr_assert(says(first) && says("fake/step/done"));
    cr_assert_eq(duress("replay s/bad.yaml --seed 5 --break-at 3"), -SIGTRAP);
    cr_assert_eq(duress("replay s/bad.yaml --seed 5 --break-at 100000"), 1);
    cr_assert(says("event 100000 was not reached"), "%s", said);
}

Test(cli, replaying_a_crash)
{
    scenario_put("s/segv.yaml", "workload: { segv: 100% }");
    cr_assert_eq(duress("replay s/segv.yaml --seed 5 --trace"), 1, "%s", said);
    cr_assert(says("backtrace:") || says("AddressSanitizer"), "%s", said);
    scenario_put("s/abort.yaml", "workload: { abort: 100% }");
    cr_assert_eq(duress("replay s/abort.yaml --seed 5"), 1, "%s", said);
    cr_assert(says("FAILED  crash after event 10: SIGABRT"), "%s", said);
    cr_assert(says("fake_step at fake_system.h:"), "%s", said);
    cr_assert(says("fingerprint "), "%s", said);
}

Test(cli, replaying_an_endless_loop_ends)
{
    scenario_put("s/loop.yaml", "workload: { loop: 100% }");
    cr_assert_eq(duress("replay s/loop.yaml --seed 5 --run-timeout 50ms"), 1, "%s", said);
    cr_assert(says("endless loop: more than 50ms"), "%s", said);
}

/* ---- the run directory itself ---- */

static int write_half(void *ctx, FILE *out)
{
    (void)ctx;
    fputs("half", out);
    return -EIO;
}

static int write_whole(void *ctx, FILE *out)
{
    fputs(ctx, out);
    return 0;
}

static size_t count_files(const char *path)
{
    size_t count = 0;
    DIR *dir = opendir(path);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

Test(rundir, a_file_appears_whole_or_not_at_all)
{
    char old[] = "old", text[8] = "";
    cr_assert_eq(file_replace("s/f", write_half, NULL), -EIO);
    cr_assert_eq(count_files("s"), 0);
    cr_assert_eq(file_replace("s/f", write_whole, old), 0);
    cr_assert_eq(file_replace("s/f", write_half, NULL), -EIO);
    FILE *in = fopen("s/f", "r");
    cr_assert(fgets(text, sizeof text, in));
    fclose(in);
    cr_assert_str_eq(text, "old");
    cr_assert_eq(count_files("s"), 1, "no temporary file is left");
    cr_assert_eq(file_replace("no/f", write_whole, old), -ENOENT);
}

Test(rundir, a_full_disk_is_told)
{
    struct rundir rundir = {.results = open("/dev/full", O_WRONLY)};
    cr_assert_eq(rundir_append(&rundir, "line\n", 5), -ENOSPC);
    close(rundir.results);
}

Test(rundir, two_runs_cannot_share_one)
{
    struct rundir first, second;
    char why[512];
    cr_assert_eq(rundir_open(&first, "r/a/b", why, sizeof why), 0, "%s", why);
    cr_assert_eq(rundir_append(&first, "{\"duress results\": 1}\n", 22), 0);
    cr_assert_eq(rundir_open(&second, "r/a/b", why, sizeof why), -EBUSY);
    cr_assert(strstr(why, "another run"));
    rundir_close(&first);
    cr_assert_eq(rundir_open(&second, "r/a/b", why, sizeof why), 0, "%s", why);
    cr_assert(second.replaced);
    rundir_close(&second);
}
