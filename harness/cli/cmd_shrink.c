/* cmd_shrink.c: `duress shrink`: a failing run, made as simple as it can be. */
#define _GNU_SOURCE /* asprintf */
#include "harness/cli/subject.h"
#include "harness/interrupt.h"
#include "harness/shrinker/report.h"
#include "harness/suite/rundir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_TIME_NS INT64_C(10000000000)
#define RUN_TIMEOUT_NS  INT64_C(20000000000)

struct shrink_options {
    const char *seed_text, *out;
    int64_t time_ns, run_timeout_ns;
    uint64_t workers;
    struct extras extras;
};

#define AT(field) offsetof(struct shrink_options, field)
static const struct option shrink_table[] = {
    {"out", 'o', "TAPE", option_text, AT(out),
     "where the simplest tape goes (default: beside its origin, as shrunk.tape "
     "or\nNAME.shrunk.tape; of a "
     "seed: shrunk.tape)"},
    {"time", 0, "T", option_duration, AT(time_ns),
     "stop after T (default 10s), with the best so far"},
    {"workers", 0, "N", option_workers, AT(workers),
     "runs at the same time (default: one per CPU)"},
    {"seed", 0, "X", option_text, AT(seed_text), "the run's seed; the argument is then a scenario"},
    {"fault", 0, "POINT=TERM", option_list, AT(extras.faults),
     "as it was given to run; repeatable"},
    {"property", 0, "NAME", option_list, AT(extras.properties), "judge only this one; repeatable"},
    {"run-timeout", 0, "T", option_duration, AT(run_timeout_ns),
     "CPU time after which a run counts as an endless loop (default 20s)"},
    {0},
};
#undef AT

static const char notes[] = "Leaves out and weakens faults, simplifies latencies, schedule and "
                            "workload, as long as the run "
                            "still\n"
                            "fails in the same way: the same property, at the same place. At the "
                            "end each fault that is left "
                            "is\n"
                            "necessary. The tape replays like any other; its first lines say what "
                            "was done. Beside it stands "
                            "the\n"
                            "story of the run.\n"
                            "Exit codes: 0 there is a simpler (or equal) tape; 3 two runs of one "
                            "tape differ; 4 bad input, or "
                            "the\n"
                            "run does not fail; 130 interrupted (the best so far is written).\n"
                            "  duress shrink build/runs/3/failures/17\n"
                            "  duress shrink scenarios/x.yaml --seed 0x1f -o x.tape\n";

/* ---- where it goes ---- */

struct target {
    char *tape;   /* the file */
    char *folder; /* it lies in */
    char *prefix; /* of what else is written there */
    char *replay;
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

static size_t stem_of(const char *path)
{
    size_t length = strlen(path);
    return ends_with(path, ".tape") ? length - strlen(".tape") : length;
}

static char *default_path(const char *origin)
{
    char *path;
    const char *slash = origin ? strrchr(origin, '/') : NULL;
    const char *name = slash ? slash + 1 : origin;
    int length = !origin ? asprintf(&path, "shrunk.tape")
                 : strcmp(name, "tape") == 0
                     ? asprintf(&path, "%.*sshrunk.tape", (int)(name - origin), origin)
                     : asprintf(&path, "%.*s.shrunk.tape", (int)stem_of(origin), origin);
    if (length < 0)
        abort();
    return path;
}

static struct target target_make(const char *given, const struct subject *subject,
                                 const struct shrink_options *options)
{
    struct target target = {.tape = given ? strdup(given) : default_path(subject->path)};
    char *program = program_path();
    const char *slash = strrchr(target.tape, '/'), *name = slash ? slash + 1 : target.tape;
    target.folder = slash ? strndup(target.tape, (size_t)(slash - target.tape) + 1) : strdup(".");
    if (asprintf(&target.prefix, "%.*s.", (int)stem_of(name), name) < 0)
        abort();
    target.replay = replay_tape_line(program, target.tape, &options->extras);
    free(program);
    return target;
}

static void target_done(struct target *target)
{
    free(target->tape);
    free(target->folder);
    free(target->prefix);
    free(target->replay);
}

/* What can be known to be in vain is known before the work. */
static int target_check(const struct target *target, const struct subject *subject,
                        const struct command *command)
{
    if (subject->path && strcmp(subject->path, target->tape) == 0) {
        cli_complain(command, "-o %s is the tape to be shrunk", target->tape);
        return -EINVAL;
    }
    if (access(target->folder, W_OK)) {
        cli_complain(command, "cannot write into %s: %s", target->folder, strerror(errno));
        return -EINVAL;
    }
    return 0;
}

/* ---- doing it ---- */

static enum exit_code exit_code_of_shrink(enum shrink_end end)
{
    static const enum exit_code codes[] = {
        [SHRINK_FINISHED] = EXIT_HELD,         [SHRINK_TIME_UP] = EXIT_HELD,
        [SHRINK_INTERRUPTED] = EXIT_INTERRUPT, [SHRINK_HOLDS] = EXIT_USAGE,
        [SHRINK_FLAKY] = EXIT_HARNESS,
    };
    return codes[end];
}

static enum exit_code tell_nothing(enum shrink_end end)
{
    if (end == SHRINK_FLAKY)
        fprintf(stderr,
                "duress shrink: two runs of this tape differ: it fails only now and then\n");
    else if (end == SHRINK_HOLDS)
        fprintf(stderr, "duress shrink: the run does not fail: there is nothing to shrink\n");
    else if (end == SHRINK_TIME_UP)
        fprintf(stderr, "duress shrink: time was up before it was known whether the run fails\n");
    return end == SHRINK_TIME_UP ? EXIT_USAGE : exit_code_of_shrink(end);
}

static enum exit_code tell(const struct shrink_outcome *outcome, const struct subject *subject,
                           const struct target *target)
{
    const struct tape_meta meta = {.scenario = subject->scenario->path,
                                   .rules = subject->rules,
                                   .rule_count = subject->rule_count};
    enum exit_code code = exit_code_of_shrink(outcome->end);
    if (outcome->mark.outcome == OUTCOME_PASS)
        return tell_nothing(outcome->end);
    shrink_print(outcome, "", stdout);
    if (outcome->end == SHRINK_FLAKY)
        return code;
    int err = shrink_write(outcome, &meta, target->tape);
    if (err) {
        fprintf(stderr, "duress shrink: cannot write %s: %s\n", target->tape, strerror(-err));
        return EXIT_HARNESS;
    }
    char *story = path_join(target->folder, target->prefix);
    printf("%-9s %s\n", "tape", target->tape);
    if (outcome->verified)
        printf("%-9s %sstory.txt\n", "story", story);
    printf("%-9s %s\nfingerprint %s\n", "replay", target->replay, outcome->result.fingerprint);
    free(story);
    return code;
}

static enum exit_code shrink(const struct subject *subject, const struct target *target,
                             const struct shrink_options *options)
{
    char *program = program_path();
    const struct shrinker_setup setup = {
        .lab = {.scenario = subject->scenario,
                .extras = &options->extras,
                .program = program,
                .workers = (unsigned)options->workers,
                .run_timeout_ns = options->run_timeout_ns},
        .keep = {.folder = target->folder, .prefix = target->prefix, .replay = target->replay},
        .time_ns = options->time_ns,
    };
    struct shrink_outcome outcome;
    struct interrupt interrupt;
    interrupt_catch(&interrupt);
    shrinker_run(&setup, subject->tape, &outcome);
    interrupt_restore(&interrupt);
    enum exit_code code = tell(&outcome, subject, target);
    shrink_outcome_done(&outcome);
    free(program);
    return code;
}

static int shrink_run(const struct command *command, const struct systems *systems, int argc,
                      char **argv)
{
    struct shrink_options options = {
        .time_ns = DEFAULT_TIME_NS, .run_timeout_ns = RUN_TIMEOUT_NS, .workers = cpu_count()};
    struct words paths = {0};
    struct subject subject;
    int err = options_parse(command, argc, argv, &options, &paths);
    int code = err > 0 ? EXIT_HELD : EXIT_USAGE;
    if (!err && paths.count != 1) {
        cli_complain(command,
                     "needs one tape, one folder of a failure, or one scenario with --seed");
    } else if (!err && subject_load(&subject, command, systems, paths.items[0], options.seed_text,
                                    &options.extras) == 0) {
        struct target target = target_make(options.out, &subject, &options);
        if (target_check(&target, &subject, command) == 0)
            code = shrink(&subject, &target, &options);
        target_done(&target);
        subject_done(&subject);
    }
    words_done(&paths);
    words_done(&options.extras.faults);
    words_done(&options.extras.properties);
    return code;
}

const struct command cmd_shrink = {
    .name = "shrink",
    .args = "TAPE | FOLDER | SCENARIO --seed X  [options]",
    .about = "makes a failing run as simple as it can be",
    .notes = notes,
    .options = shrink_table,
    .run = shrink_run,
};
