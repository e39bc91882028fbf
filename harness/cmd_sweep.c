/* cmd_sweep.c: `duress sweep`: every fault at every hit of a scenario, then a certificate. */
#define _GNU_SOURCE /* asprintf */
#include "harness/clock.h"
#include "harness/plan.h"
#include "harness/rundir.h"
#include "harness/seed.h"
#include "harness/sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN_TIMEOUT_NS INT64_C(20000000000)

struct sweep_options {
    const char *seed_text, *kinds, *out;
    uint64_t seed, depth, beyond, disk_states, workers;
    int64_t time_ns, run_timeout_ns;
    bool pairs, fresh;
    struct extras extras;
};

static int option_depth(const char *text, void *into, char *why, size_t why_size)
{
    int err = option_count(text, into, why, why_size);
    if (!err && *(uint64_t *)into > SWEEP_DEPTH_MAX) {
        snprintf(why, why_size, "at most %d", SWEEP_DEPTH_MAX);
        err = -EINVAL;
    }
    return err;
}

#define AT(field) offsetof(struct sweep_options, field)
static const struct option sweep_table[] = {
    {"kinds", 0, "K,...", option_text, AT(kinds),
     "what to inject (default: every kind, see below), such as\ncrash,error(EIO),timeout(3s)"},
    {"pairs", 0, NULL, NULL, AT(pairs), "then pairs of faults, one of each class"},
    {"seed", 0, "X", option_text, AT(seed_text),
     "of the reference run: decimal, 0x..., or a commit hash (default 1)"},
    {"time", 0, "T", option_duration, AT(time_ns), "stop after T; the certificate says so"},
    {"depth", 0, "N", option_depth, AT(depth),
     "faults at once, where one makes a hit that another can meet (default 2)"},
    {"beyond", 0, "N", option_number, AT(beyond),
     "how many more hits of a (point, node, key) than the reference run\nhas are of interest "
     "(default 2)"},
    {"disk-states", 0, "N", option_count, AT(disk_states),
     "states of the disk at each power loss (default 5)"},
    {"workers", 0, "N", option_workers, AT(workers),
     "runs at the same time (default: one per CPU)"},
    {"fault", 0, "POINT=TERM", option_list, AT(extras.faults),
     "a rule to be there in every run, such as a forced ordering; repeatable"},
    {"property", 0, "NAME", option_list, AT(extras.properties), "judge only this one; repeatable"},
    {"run-timeout", 0, "T", option_duration, AT(run_timeout_ns),
     "CPU time after which a run counts as an endless loop (default 20s)"},
    {"out", 'o', "DIR", option_text, AT(out),
     "where certificate.json and failures are kept\n(default build/sweeps/SCENARIO)"},
    {"fresh", 0, NULL, NULL, AT(fresh), "do not go on with an interrupted sweep"},
    {0},
};
#undef AT

static const char notes[] =
    "The faults of the scenario are off: what goes wrong is one fault at a time, or what one fault "
    "leads to.\n"
    "Exit code 0: the certificate is complete and everything held; 1 or 2: a failure; 3: the "
    "reference run\n"
    "fails, or gives two fingerprints; 5: it held, but is not complete; 130: interrupted, and the "
    "same\n"
    "command goes on from there.\n"
    "  duress sweep scenarios/crash-at-every-stage.yaml\n"
    "  duress sweep scenarios/power-loss.yaml --kinds kill,poweroff --disk-states 20\n";

/* ---- kinds ---- */

/* What every kind means when nothing is said: longer than a deadline, a lease, a poll. */
static struct fault default_fault(enum fault_kind kind)
{
    const int64_t second = INT64_C(1000000000);
    struct fault fault = {.kind = kind};
    switch (kind) {
    case FAULT_ERROR: fault.err = EIO; break;
    case FAULT_TIMEOUT: fault.lo_ns = 10 * second; break;
    case FAULT_DELAY:
    case FAULT_PAUSE: fault.lo_ns = 60 * second; break;
    default: break;
    }
    fault.hi_ns = fault.lo_ns;
    return fault;
}

static size_t default_kinds(struct fault *kinds)
{
    size_t count = 0;
    for (int kind = FAULT_NONE + 1; kind < FAULT_KIND_COUNT; kind++)
        kinds[count++] = default_fault((enum fault_kind)kind);
    return count;
}

/* A bare "timeout" gets the default duration. */
static size_t parse_kind(const char *text, struct fault *ret_fault, const char **ret_why)
{
    for (int kind = FAULT_NONE + 1; kind < FAULT_KIND_COUNT; kind++) {
        const char *word = fault_word((enum fault_kind)kind);
        size_t length = strlen(word);
        if (strncmp(text, word, length) == 0 && (text[length] == ',' || text[length] == '\0')) {
            *ret_fault = default_fault((enum fault_kind)kind);
            return length;
        }
    }
    return fault_parse(text, ret_fault, ret_why);
}

/* The number of kinds; 0 after a complaint. */
static size_t read_kinds(const struct command *command, const char *text, struct fault *kinds)
{
    size_t count = 0;
    if (!text)
        return default_kinds(kinds);
    for (const char *at = text;;) {
        const char *why = "expected a kind of fault";
        size_t length = parse_kind(at, &kinds[count], &why);
        if (length == 0 || (at[length] && at[length] != ',') || kinds[count].kind == FAULT_NONE) {
            cli_complain(command, "--kinds: %s\n  %s\n  %*s^", why, text, (int)(at - text), "");
            return 0;
        }
        count++;
        at += length;
        if (!*at)
            return count;
        if (count == SWEEP_KINDS_MAX) {
            cli_complain(command, "--kinds: more than %d", SWEEP_KINDS_MAX);
            return 0;
        }
        at++;
    }
}

/* ---- progress ---- */

struct progress_line {
    int64_t next_ns;
    bool shown;
};

static void show_progress(void *ctx, const struct sweep *sweep)
{
    struct progress_line *line = ctx;
    int64_t now = clock_now_ns();
    if (now < line->next_ns)
        return;
    line->next_ns = now + INT64_C(200000000);
    struct sweep_progress progress = sweep_progress(sweep);
    fprintf(stderr,
            "\r%" PRIu64 " runs of %" PRIu64 " that are known so far, %" PRIu64 " failed \033[K",
            progress.runs, progress.known, progress.failed);
    line->shown = true;
}

/* ---- the command ---- */

static char *default_out(const char *scenario)
{
    const char *base = strrchr(scenario, '/');
    base = base ? base + 1 : scenario;
    char *out;
    if (asprintf(&out, "build/sweeps/%.*s", (int)strcspn(base, "."), base) < 0)
        abort();
    return out;
}

static int write_certificate(void *ctx, FILE *out)
{
    return certificate_write(ctx, out);
}

static int worst_of(const struct certificate *certificate)
{
    int code = certificate->complete ? EXIT_HELD : EXIT_EMPTY;
    for (size_t i = 0; i < certificate->failure_count; i++) {
        int this = exit_code_of(certificate->failures[i].outcome);
        if (code != EXIT_SAFETY)
            code = this;
    }
    return code;
}

/* Says what came of it; the exit code. */
static int conclude(enum sweep_end end, struct certificate *certificate, const char *dir,
                    const char *why)
{
    if (end == SWEEP_UNFIT || end == SWEEP_UNSTEADY) {
        fprintf(stderr, "duress sweep: nothing to sweep: %s\n", why);
        return EXIT_HARNESS;
    }
    char *path = path_join(dir, "certificate.json");
    certificate_print(certificate, stdout);
    int err = file_replace(path, write_certificate, certificate);
    if (err)
        fprintf(stderr, "duress sweep: cannot write %s: %s\n", path, strerror(-err));
    else
        printf("written to %s\n", path);
    free(path);
    if (end != SWEEP_DONE)
        fprintf(stderr, "duress sweep: %s\n", why);
    if (end == SWEEP_STOPPED)
        return EXIT_INTERRUPT;
    return end == SWEEP_TROUBLE || err ? EXIT_HARNESS : worst_of(certificate);
}

static int sweep_scenario(const struct sweep_options *options, const struct fault *kinds,
                          size_t kind_count, const struct scenario *scenario)
{
    struct progress_line line = {0};
    struct certificate certificate;
    char why[512] = "", *program = program_path();
    char *dir = options->out ? strdup(options->out) : default_out(scenario->path);
    struct sweep_setup setup = {
        .scenario = scenario,
        .extras = &options->extras,
        .program = program,
        .seed = options->seed,
        .kinds = kinds,
        .kind_count = kind_count,
        .depth = (unsigned)options->depth,
        .beyond = (unsigned)options->beyond,
        .disk_states = (unsigned)options->disk_states,
        .pairs = options->pairs,
        .time_ns = options->time_ns,
        .run_timeout_ns = options->run_timeout_ns,
        .workers = (unsigned)options->workers,
        .dir = dir,
        .fresh = options->fresh,
        .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
        .progress_ctx = &line,
    };
    int code = EXIT_HARNESS, err = path_make(dir);
    if (err) {
        fprintf(stderr, "duress sweep: cannot make %s: %s\n", dir, strerror(-err));
    } else {
        enum sweep_end end = sweep_run(&setup, &certificate, why, sizeof why);
        if (line.shown)
            fprintf(stderr, "\r\033[K");
        code = conclude(end, &certificate, dir, why);
        certificate_done(&certificate);
    }
    free(dir);
    free(program);
    return code;
}

static int load_and_sweep(const struct sweep_options *options, const struct fault *kinds,
                          size_t kind_count, const char *path, const struct systems *systems)
{
    char *why = NULL;
    int code = EXIT_USAGE;
    struct scenario *scenario = scenario_load(path, systems->items, systems->count, &why);
    if (scenario && extras_apply(&options->extras, scenario, &why) == 0)
        code = sweep_scenario(options, kinds, kind_count, scenario);
    else
        cli_explain(why);
    free(why);
    if (scenario)
        scenario_free(scenario);
    return code;
}

static bool options_good(const struct command *command, struct sweep_options *options)
{
    char why[256];
    if (options->seed_text && seed_parse(options->seed_text, &options->seed, why, sizeof why)) {
        cli_complain(command, "--seed: %s", why);
        return false;
    }
    if (!options->workers)
        options->workers = cpu_count();
    return true;
}

static int sweep_main(const struct command *command, const struct systems *systems, int argc,
                      char **argv)
{
    struct sweep_options options = {
        .seed = 1, .depth = 2, .beyond = 2, .disk_states = 5, .run_timeout_ns = RUN_TIMEOUT_NS};
    struct words paths = {0};
    struct fault kinds[SWEEP_KINDS_MAX];
    int err = options_parse(command, argc, argv, &options, &paths);
    int code = err > 0 ? EXIT_HELD : EXIT_USAGE;
    if (!err && paths.count != 1) {
        cli_complain(command, "needs one scenario");
    } else if (!err && options_good(command, &options)) {
        size_t kind_count = read_kinds(command, options.kinds, kinds);
        if (kind_count)
            code = load_and_sweep(&options, kinds, kind_count, paths.items[0], systems);
    }
    words_done(&paths);
    words_done(&options.extras.faults);
    words_done(&options.extras.properties);
    return code;
}

const struct command cmd_sweep = {
    .name = "sweep",
    .args = "SCENARIO  [options]",
    .about = "tries every fault at every hit, one at a time; prints a certificate",
    .notes = notes,
    .options = sweep_table,
    .run = sweep_main,
};
