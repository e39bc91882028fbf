/* cmd_run.c: `duress run`: a suite of runs over scenarios. */
#define _GNU_SOURCE /* asprintf */
#include "harness/cli/output.h"
#include "harness/property_tests.h"
#include "harness/seed.h"
#include "harness/shrinker/suite.h"
#include "harness/suite/runner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_TIME_NS   INT64_C(30000000000)
#define RUN_TIMEOUT_NS    INT64_C(20000000000)
#define DEFAULT_SHRINK_NS INT64_C(10000000000)

struct run_options {
    uint64_t runs;
    int64_t time_ns, run_timeout_ns;
    const char *seed_text;
    uint64_t seed, workers;
    struct shard shard;
    struct extras extras;
    const char *out;
    struct words reports;
    bool fail_fast, strict_faults;
    enum verify verify;
    int64_t shrink_ns; /* 0: off */
};

static int option_shard(const char *text, void *into, char *why, size_t why_size)
{
    struct shard shard;
    int end = 0;
    if (sscanf(text, "%lu/%lu%n", &shard.number, &shard.of, &end) < 2 || text[end] ||
        text[0] == '-' || strstr(text, "/-") || shard.number < 1 || shard.number > shard.of) {
        snprintf(why, why_size, "'%s' is not a shard: I/N with 1 <= I <= N, such as 2/3", text);
        return -EINVAL;
    }
    *(struct shard *)into = shard;
    return 0;
}

static int option_verify(const char *text, void *into, char *why, size_t why_size)
{
    static const char *const words[] = {"off", "sample", "all"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, words[i]) == 0) {
            *(enum verify *)into = (enum verify)i;
            return 0;
        }
    }
    snprintf(why, why_size, "'%s' is none of all, sample, off", text);
    return -EINVAL;
}

static int option_shrink(const char *text, void *into, char *why, size_t why_size)
{
    if (strcmp(text, "off") != 0)
        return option_duration(text, into, why, why_size);
    *(int64_t *)into = 0;
    return 0;
}

#define AT(field) offsetof(struct run_options, field)
static const struct option run_table[] = {
    {"runs", 0, "N", option_count, AT(runs), "stop after N runs"},
    {"time", 0, "T", option_duration, AT(time_ns),
     "stop after T (default 30s); with --runs: after either"},
    {"seed", 0, "X", option_text, AT(seed_text),
     "seed of the suite: decimal, 0x..., or a commit hash\n(default: drawn from the clock, and "
     "printed)"},
    {"workers", 0, "N", option_workers, AT(workers),
     "runs at the same time (default: one per CPU)"},
    {"shard", 0, "I/N", option_shard, AT(shard), "only the I-th of N equal parts of the suite"},
    {"fault", 0, "POINT=TERM", option_list, AT(extras.faults),
     "add a fault rule to every scenario but the canary; repeatable"},
    {"property", 0, "NAME", option_list, AT(extras.properties), "judge only this one; repeatable"},
    {"verify", 0, "all|sample|off", option_verify, AT(verify),
     "run again in another process and compare fingerprints: every run,\none in 10 (default), "
     "none. "
     "all is the default when CI=true"},
    {"shrink", 0, "T|off", option_shrink, AT(shrink_ns),
     "shrink the failures that are kept, for T at most in all (default 10s)"},
    {"fail-fast", 0, NULL, NULL, AT(fail_fast), "stop at the first failure"},
    {"strict-faults", 0, NULL, NULL, AT(strict_faults),
     "fail when a fault that a scenario promises never fired in 50 of its runs or more\n(else it "
     "is "
     "only told)"},
    {"run-timeout", 0, "T", option_duration, AT(run_timeout_ns),
     "CPU time after which a run counts as an endless loop (default 20s)"},
    {"out", 'o', "DIR", option_text, AT(out),
     "run directory (default build/runs/N, the next free number);\nan old run in it is replaced"},
    {"report", 0, "KIND[:PATH]", option_list, AT(reports),
     "write this view too; repeatable. PATH - is the standard output,\nand what else is said then "
     "goes to the standard error"},
    {0},
};
#undef AT

static const char notes[] =
    "Arguments are scenario files, or directories of which every *.yaml is taken (default: "
    "scenarios).\n"
    "property:SUITE/NAME (or a glob, such as 'property:tape/*') is a property test; --seed, "
    "--runs, "
    "--time,\n"
    "--fail-fast are for them too. Their failures are kept in build/properties "
    "($DURESS_PROPERTIES).\n"
    "Canaries (must fail) run once, first, in addition; one that passes means that the harness is "
    "blind.\n"
    "The run directory gets run.json, results.jsonl (one line per finished run), and failures/N "
    "with\n"
    "tape, trace.jsonl and story.txt for the shortest failures: 3 of a kind, 20 in all; and the "
    "same as\n"
    "shrunk.tape, shrunk.trace.jsonl and shrunk.story.txt, with as few faults as it takes to fail "
    "so.\n"
    "A `sometimes` property that is never met fails a suite of directories with 1000 runs or "
    "more.\n";

/* ---- checking what was asked for ---- */

static bool in_ci(void)
{
    const char *ci = getenv("CI");
    return ci && (strcmp(ci, "true") == 0 || strcmp(ci, "1") == 0);
}

static int options_check(const struct command *command, struct run_options *options)
{
    char why[256];
    if (!options->seed_text) {
        options->seed = seed_fresh();
    } else if (seed_parse(options->seed_text, &options->seed, why, sizeof why)) {
        cli_complain(command, "--seed: %s", why);
        return -EINVAL;
    }
    if (output_check(&options->reports, why, sizeof why)) {
        cli_complain(command, "--report: %s", why);
        return -EINVAL;
    }
    return 0;
}

/* ---- running ---- */

static void announce(const struct runner_setup *setup, const struct rundir *rundir, FILE *screen)
{
    size_t count = setup->plan->scenario_count;
    if (rundir->replaced)
        fprintf(screen, "%s: the old run in it is replaced\n", rundir->path);
    fprintf(screen, "seed 0x%llx  %zu scenario%s  %u worker%s  in %s\n",
            (unsigned long long)setup->seed, count, count == 1 ? "" : "s", setup->workers,
            setup->workers == 1 ? "" : "s", rundir->path);
    if (setup->shard.of > 1)
        fprintf(screen, "shard %lu/%lu of the suite\n", setup->shard.number, setup->shard.of);
    fflush(screen);
}

static enum exit_code exit_code_of_suite(const struct suite *suite)
{
    if (suite->outcome == OUTCOME_HARNESS)
        return EXIT_HARNESS;
    if (suite->interrupted)
        return EXIT_INTERRUPT;
    return suite->empty ? EXIT_EMPTY : exit_code_of(suite->outcome);
}

static int run_suite(const struct runner_setup *setup, struct rundir *rundir, struct words *reports,
                     int64_t shrink_ns)
{
    FILE *screen = output_takes_stdout(reports) ? stderr : stdout;
    announce(setup, rundir, screen);
    struct terminal *terminal = terminal_new(screen);
    struct suite *suite = runner_run(setup, rundir, terminal);
    enum exit_code code = exit_code_of_suite(suite);
    if (shrink_ns && !suite->interrupted)
        shrink_suite(setup, suite, shrink_ns, screen);
    if (output_write_all(suite, rundir->path, reports))
        code = EXIT_HARNESS;
    terminal_summary(terminal, suite);
    terminal_free(terminal);
    suite_free(suite);
    return code;
}

static int open_and_run(const struct command *command, const struct runner_setup *setup,
                        const struct run_options *options)
{
    struct rundir rundir;
    char why[4608];
    if (rundir_open(&rundir, options->out, why, sizeof why)) {
        fprintf(stderr, "duress %s: %s\n", command->name, why);
        return EXIT_USAGE;
    }
    struct words reports = {0};
    words_add(&reports, "json");
    for (size_t i = 0; i < options->reports.count; i++)
        words_add(&reports, options->reports.items[i]);
    int code = EXIT_USAGE;
    if (output_check_paths(&reports, why, sizeof why))
        fprintf(stderr, "duress %s: --report: %s\n", command->name, why);
    else
        code = run_suite(setup, &rundir, &reports, options->shrink_ns);
    words_done(&reports);
    rundir_close(&rundir);
    return code;
}

/* Not more than there are runs. */
static uint64_t worker_count(const struct run_options *options)
{
    bool few = options->runs && options->runs < options->workers;
    return few ? options->runs : options->workers;
}

static int load_and_run(const struct command *command, const struct systems *systems,
                        const struct run_options *options, const struct words *paths,
                        const char *program, const char *line)
{
    struct plan plan;
    char *why = NULL;
    if (plan_load(&plan, paths, &options->extras, systems, &why)) {
        cli_explain(why);
        free(why);
        return EXIT_USAGE;
    }
    int code = EXIT_EMPTY;
    const struct runner_setup setup = {
        .plan = &plan,
        .extras = &options->extras,
        .program = program,
        .options = line,
        .seed = options->seed,
        .runs = options->runs,
        .time_ns = options->time_ns,
        .shard = options->shard,
        .workers = (unsigned)worker_count(options),
        .verify = options->verify,
        .fail_fast = options->fail_fast,
        .strict_faults = options->strict_faults,
        .run_timeout_ns = options->run_timeout_ns,
    };
    if (plan.scenario_count == 0)
        fprintf(stderr, "duress %s: no scenarios in %s: nothing to run\n", command->name,
                paths->items[0]);
    else
        code = open_and_run(command, &setup, options);
    plan_done(&plan);
    return code;
}

/* ---- property tests ---- */

/* What is only for scenarios, and was given; NULL: nothing. */
static const char *scenario_option(const struct run_options *options)
{
    return options->shard.of > 1              ? "--shard"
           : options->out                     ? "--out"
           : options->reports.count           ? "--report"
           : options->extras.faults.count     ? "--fault"
           : options->extras.properties.count ? "--property"
                                              : NULL;
}

static int run_property_tests(const struct command *command, const struct run_options *options,
                              const struct words *paths)
{
    const char *odd = scenario_option(options);
    if (odd) {
        cli_complain(command, "%s is for scenarios, not for property tests", odd);
        return EXIT_USAGE;
    }
    char *program = program_path();
    const struct property_test_config config = {
        .seed = options->seed,
        .runs = options->runs,
        .time_ns = options->time_ns,
        .program = program,
        .screen = stdout,
    };
    int code = property_tests_run(command, paths, &config, options->fail_fast);
    free(program);
    return code;
}

static bool any_property_test(const struct words *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        if (names_property_test(paths->items[i]))
            return true;
    return false;
}

static int run_scenarios(const struct command *command, const struct systems *systems,
                         struct run_options *options, struct words *paths, int argc, char **argv)
{
    if (paths->count == 0)
        words_add(paths, "scenarios");
    if (!options->runs && !options->time_ns)
        options->time_ns = DEFAULT_TIME_NS;
    char *program = program_path(), *args = shell_line(argv, (size_t)argc), *line;
    if (asprintf(&line, "%s %s", program, args) < 0)
        abort();
    int code = load_and_run(command, systems, options, paths, program, line);
    free(line);
    free(args);
    free(program);
    return code;
}

static int run_run(const struct command *command, const struct systems *systems, int argc,
                   char **argv)
{
    struct run_options options = {
        .workers = cpu_count(),
        .shard = {1, 1},
        .verify = in_ci() ? VERIFY_ALL : VERIFY_SAMPLE,
        .run_timeout_ns = RUN_TIMEOUT_NS,
        .shrink_ns = DEFAULT_SHRINK_NS,
    };
    struct words paths = {0};
    int err = options_parse(command, argc, argv, &options, &paths);
    int code = err > 0 ? EXIT_HELD : EXIT_USAGE;
    if (!err && options_check(command, &options) == 0)
        code = any_property_test(&paths)
                   ? run_property_tests(command, &options, &paths)
                   : run_scenarios(command, systems, &options, &paths, argc, argv);
    words_done(&paths);
    words_done(&options.reports);
    words_done(&options.extras.faults);
    words_done(&options.extras.properties);
    return code;
}

const struct command cmd_run = {
    .name = "run",
    .args = "[SCENARIO|DIR]... | property:GLOB...  [options]",
    .about = "runs scenarios (or property tests) with many seeds, and judges every run",
    .notes = notes,
    .options = run_table,
    .run = run_run,
};
