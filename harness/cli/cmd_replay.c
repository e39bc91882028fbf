/* cmd_replay.c: `duress replay`: one run again, in this process, so that a debugger can look at it.
 */
#define _GNU_SOURCE
#include "harness/cli/subject.h"
#include "harness/engine.h"
#include "harness/process/backtrace.h"
#include "harness/process/crash.h"
#include "harness/property_tests.h"

#include <errno.h>
#include <execinfo.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN_TIMEOUT_NS INT64_C(20000000000)

struct replay_options {
    const char *seed_text;
    const char *case_text;
    struct extras extras;
    bool trace, gdb, valgrind;
    uint64_t break_at;
    int64_t run_timeout_ns;
};

#define AT(field) offsetof(struct replay_options, field)
static const struct option replay_table[] = {
    {"seed", 0, "X", option_text, AT(seed_text), "the run's seed; the argument is then a scenario"},
    {"case", 0, "CASE", option_text, AT(case_text),
     "the case of a property test, as its report says"},
    {"trace", 0, NULL, NULL, AT(trace), "print every event"},
    {"break-at", 0, "EVENT", option_number, AT(break_at),
     "raise SIGTRAP when this event is recorded"},
    {"gdb", 0, NULL, NULL, AT(gdb), "run under gdb, which stops at --break-at or at the crash"},
    {"valgrind", 0, NULL, NULL, AT(valgrind), "run under valgrind (exit code 9: it found errors)"},
    {"fault", 0, "POINT=TERM", option_list, AT(extras.faults),
     "as it was given to run; repeatable"},
    {"property", 0, "NAME", option_list, AT(extras.properties), "judge only this one; repeatable"},
    {"run-timeout", 0, "T", option_duration, AT(run_timeout_ns),
     "CPU time after which it counts as an endless loop (default 20s)"},
    {0},
};
#undef AT

static const char notes[] = "Prints the verdict and the fingerprint. The exit code says what "
                            "happened, as for run; a canary\n"
                            "gets no other one for failing as it must.\n"
                            "  duress replay scenarios/x.yaml --seed 0x1f --trace\n"
                            "  duress replay build/runs/3/failures/17/tape --gdb --break-at 4711\n";

/* ---- under another program ---- */

static bool is_wrapper(const char *word)
{
    return strcmp(word, "--gdb") == 0 || strcmp(word, "--valgrind") == 0;
}

/* Replaces this process by the tool that runs this process. */
static int exec_under(const char *const *tool, int argc, char **argv)
{
    struct words line = {0};
    char *program = program_path();
    for (; *tool; tool++)
        words_add(&line, *tool);
    words_add(&line, program);
    for (int i = 0; i < argc; i++)
        if (!is_wrapper(argv[i]))
            words_add(&line, argv[i]);
    words_add(&line, NULL);
    execvp(line.items[0], (char *const *)(uintptr_t)line.items);
    fprintf(stderr, "duress replay: cannot run %s: %s\n", line.items[0], strerror(errno));
    words_done(&line);
    free(program);
    return EXIT_HARNESS;
}

struct replay {
    struct subject subject;
    const struct replay_options *options;
    struct run run;
};

/* ---- running it ---- */

static void print_trace(const struct trace *trace)
{
    struct trace_cursor cursor = {0};
    struct event event;
    char line[1024];
    while (trace_next(trace, &cursor, &event)) {
        event_print(&event, line, sizeof line);
        printf("%6" PRIu64 " %s\n", event.index, line);
    }
}

/* Names and lines of the frames that led to here. */
static void print_frames(void)
{
    enum { FRAMES_MAX = 64 };
    void *frames[FRAMES_MAX];
    char *noise, *where;
    size_t size;
    int count = backtrace(frames, FRAMES_MAX);
    FILE *out = open_memstream(&noise, &size);
    if (!out)
        return;
    for (int i = 0; i < count; i++)
        fprintf(out, "[%p]\n", frames[i]);
    fclose(out);
    where = backtrace_explain(noise);
    if (where)
        fputs(where, stdout);
    free(where);
    free(noise);
}

/* In a copy of the crashed process. */
static void show_crash(void *ctx, int signal)
{
    struct replay *replay = ctx;
    const struct trace *trace = replay->run.trace;
    char what[96], fingerprint[33] = "";
    if (replay->options->trace && trace)
        print_trace(trace);
    crash_describe(what, sizeof what, signal, replay->options->run_timeout_ns);
    printf("FAILED  crash");
    if (trace && trace_count(trace)) {
        trace_fingerprint(trace, fingerprint);
        printf(" after event %" PRIu64, trace_count(trace) - 1);
    }
    printf(": %s\n", what);
    if (fingerprint[0])
        printf("fingerprint %s\n", fingerprint);
    fflush(stdout);
    print_frames();
    fflush(stdout);
}

static void print_verdict(const struct replay *replay)
{
    const struct run *run = &replay->run;
    char passed[32];
    if (run->outcome == OUTCOME_PASS)
        printf("held  ");
    else
        printf("FAILED  %s at event %" PRIu64 ": %s\n", run->property, run->event, run->message);
    printf("%" PRIu64 " events in %s of virtual time\n", run->events,
           duration_print(run->sim_ns, passed, sizeof passed));
    printf("fingerprint %s\n", run->fingerprint);
    if (replay->subject.fingerprint[0] &&
        strcmp(replay->subject.fingerprint, run->fingerprint) != 0)
        fprintf(stderr,
                "duress replay: the tape was recorded with fingerprint %s: the program or the "
                "scenario has changed since\n",
                replay->subject.fingerprint);
}

/* Forced orderings that did not come about. */
static void print_waits(const struct replay *replay)
{
    const struct scenario *scenario = replay->subject.scenario;
    for (size_t i = 0; i < scenario->rule_count; i++) {
        const struct promise_count *count = &replay->run.promises[i];
        if (count->late)
            printf("timed out  %s: %s, %" PRIu64 " of %" PRIu64 " waits\n",
                   scenario->rules[i].pattern, scenario->rules[i].term, count->late, count->kept);
    }
}

static int execute(struct replay *replay)
{
    /* A debugger wants to see the signal itself. */
    bool stop = replay->options->break_at != UINT64_MAX;
    crash_prepare();
    if (!stop) {
        crash_catch(show_crash, replay, EXIT_SAFETY);
        crash_limit(replay->options->run_timeout_ns);
    }
    run_execute(&replay->run, replay->subject.scenario, replay->subject.tape,
                replay->options->break_at);
    if (replay->options->trace)
        print_trace(replay->run.trace);
    trace_print_options(replay->run.trace, "drew    ", stdout);
    print_waits(replay);
    print_verdict(replay);
    fflush(stdout);
    if (stop && replay->run.events <= replay->options->break_at)
        fprintf(stderr, "duress replay: event %" PRIu64 " was not reached\n",
                replay->options->break_at);
    bool failed = replay->run.outcome != OUTCOME_PASS;
    enum exit_code code = exit_code_of(replay->run.outcome);
    if (replay->subject.scenario->must_fail && failed)
        printf("expected: the scenario must fail\n");
    run_done(&replay->run);
    return code;
}

static int load_and_execute(const struct command *command, const struct systems *systems,
                            const struct replay_options *options, const char *path)
{
    struct replay replay = {.options = options};
    if (subject_load(&replay.subject, command, systems, path, options->seed_text, &options->extras))
        return EXIT_USAGE;
    int code = execute(&replay);
    subject_done(&replay.subject);
    return code;
}

static int replay_case(const struct command *command, const struct replay_options *options,
                       const struct words *arguments)
{
    if (!options->case_text) {
        cli_complain(command, "a property test needs --case");
        return EXIT_USAGE;
    }
    const struct property_test_config config = {.case_text = options->case_text, .screen = stdout};
    return property_tests_run(command, arguments, &config, false);
}

static int replay_run(const struct command *command, const struct systems *systems, int argc,
                      char **argv)
{
    /* SIGPROF is the end of an endless loop, which gdb would pass over. */
    static const char *const gdb[] = {"gdb", "-q",  "-ex",    "handle SIGPROF stop print",
                                      "-ex", "run", "--args", NULL};
    /* A case of its own process is what one wants to look at. */
    static const char *const gdb_case[] = {"gdb", "-q",  "-ex",    "set follow-fork-mode child",
                                           "-ex", "run", "--args", NULL};
    static const char *const valgrind[] = {"valgrind", "-q", "--error-exitcode=9", NULL};
    struct replay_options options = {.break_at = UINT64_MAX, .run_timeout_ns = RUN_TIMEOUT_NS};
    struct words paths = {0};
    int err = options_parse(command, argc, argv, &options, &paths);
    int code = err > 0 ? EXIT_HELD : EXIT_USAGE;
    if (!err && paths.count != 1)
        cli_complain(
            command,
            "needs one tape (or the folder of a failure), one scenario with --seed, or one "
            "property test with --case");
    else if (!err && (options.gdb || options.valgrind))
        code = exec_under(options.valgrind                      ? valgrind
                          : names_property_test(paths.items[0]) ? gdb_case
                                                                : gdb,
                          argc, argv);
    else if (!err && names_property_test(paths.items[0]))
        code = replay_case(command, &options, &paths);
    else if (!err)
        code = load_and_execute(command, systems, &options, paths.items[0]);
    words_done(&paths);
    words_done(&options.extras.faults);
    words_done(&options.extras.properties);
    return code;
}

const struct command cmd_replay = {
    .name = "replay",
    .args = "TAPE | SCENARIO --seed X | property:SUITE/NAME --case CASE  [options]",
    .about = "runs one run again, event for event",
    .notes = notes,
    .options = replay_table,
    .run = replay_run,
};
