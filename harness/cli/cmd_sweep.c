/* cmd_sweep.c: `duress sweep`: every fault at every hit of a scenario, then a certificate. */
#define _GNU_SOURCE /* asprintf */
#include "harness/clock.h"
#include "harness/seed.h"
#include "harness/suite/plan.h"
#include "harness/suite/rundir.h"
#include "harness/sweep/sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN_TIMEOUT_NS INT64_C(20000000000)

struct sweep_options {
    const char *seed_text, *kinds, *family, *out;
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
    {"family", 0, "NAME", option_text, AT(family),
     "of the scenarios only those that say `family: NAME`"},
    {"kinds", 0, "K,...", option_text, AT(kinds),
     "what to inject (default: every kind, see below), such as\ncrash,error(EIO),timeout(3s)"},
    {"pairs", 0, NULL, NULL, AT(pairs), "then pairs of faults, one of each class"},
    {"seed", 0, "X", option_text, AT(seed_text),
     "of the reference run: decimal, 0x..., or a commit hash (default 1)"},
    {"time", 0, "T", option_duration, AT(time_ns),
     "stop each sweep after T; the certificate says so"},
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
     "where certificate.json and failures are kept\n(default build/sweeps/SCENARIO; of\nseveral "
     "scenarios each has a folder in it)"},
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
    "  duress sweep scenarios --family crash\n"
    "  duress sweep scenarios/crash-at-every-stage.yaml\n"
    "  duress sweep scenarios/power-loss.yaml --kinds kill,poweroff --disk-states 20\n";

/* ---- kinds ---- */

/* The number of kinds; 0 after a complaint. */
static size_t read_kinds(const struct command *command, const char *text, struct fault *kinds)
{
    const char *why;
    size_t at;
    if (!text)
        return sweep_kinds_all(kinds);
    size_t count = sweep_kinds_parse(text, kinds, &why, &at);
    if (!count)
        cli_complain(command, "--kinds: %s\n  %s\n  %*s^", why, text, (int)at, "");
    return count;
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
    fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " known runs, %" PRIu64 " failed\033[K",
            progress.runs, progress.known, progress.failed);
    line->shown = true;
}

/* Can a line be written over there? */
static bool is_screen(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && !(term && strcmp(term, "dumb") == 0);
}

/* ---- the command ---- */

/* Where the results of one scenario go: each of several gets a folder of its own. */
static char *out_of(const char *out, bool several, const char *scenario)
{
    const char *base = strrchr(scenario, '/');
    base = base ? base + 1 : scenario;
    char *dir;
    if (out && !several)
        return strdup(out);
    if (asprintf(&dir, "%s/%.*s", out ? out : "build/sweeps", (int)strcspn(base, "."), base) < 0)
        abort();
    return dir;
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
        fprintf(stderr, "duress sweep: %s: %s\n",
                end == SWEEP_UNFIT ? "nothing to sweep" : "two runs of one tape differ", why);
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

struct campaign {
    const struct sweep_options *options;
    const struct fault *kinds;
    size_t kind_count;
    const char *program;
    unsigned several; /* how many scenarios */
    FILE *summary;    /* a line for each */
};

static void summarize(const struct campaign *campaign, const struct certificate *certificate,
                      int code)
{
    const char *verdict = code == EXIT_HELD        ? "COMPLETE"
                          : code == EXIT_EMPTY     ? "INCOMPLETE"
                          : code == EXIT_INTERRUPT ? "INTERRUPTED"
                                                   : "FAILED";
    fprintf(campaign->summary, "%-11s %9" PRIu64 " runs, %6" PRIu64 " hits  %s\n", verdict,
            certificate->runs, certificate->hits, certificate->scenario);
}

/* The exit code; after EXIT_INTERRUPT nothing is to follow. */
static int sweep_scenario(const struct campaign *campaign, const struct scenario *scenario)
{
    const struct sweep_options *options = campaign->options;
    struct progress_line line = {0};
    struct certificate certificate;
    char why[512] = "", *dir = out_of(options->out, campaign->several > 1, scenario->path);
    struct sweep_setup setup = {
        .scenario = scenario,
        .extras = &options->extras,
        .program = campaign->program,
        .seed = options->seed,
        .kinds = campaign->kinds,
        .kind_count = campaign->kind_count,
        .depth = (unsigned)options->depth,
        .beyond = (unsigned)options->beyond,
        .disk_states = (unsigned)options->disk_states,
        .pairs = options->pairs,
        .time_ns = options->time_ns,
        .run_timeout_ns = options->run_timeout_ns,
        .workers = (unsigned)options->workers,
        .dir = dir,
        .fresh = options->fresh,
        .keep_state = campaign->several > 1,
        .progress = is_screen(STDERR_FILENO) ? show_progress : NULL,
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
        summarize(campaign, &certificate, code);
        certificate_done(&certificate);
    }
    free(dir);
    return code;
}

/* A canary has nothing to certify. */
static bool is_asked_for(const struct sweep_options *options, const struct scenario *scenario)
{
    return !scenario->must_fail &&
           (!options->family || strcmp(options->family, scenario->family) == 0);
}

/* How bad it is: an interruption ends it, then comes what the harness did wrong, then failures. */
static int worse_of(int a, int b)
{
    static const int order[] = {EXIT_INTERRUPT, EXIT_HARNESS, EXIT_SAFETY, EXIT_LIVENESS,
                                EXIT_EMPTY};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return EXIT_HELD;
}

/* All of it is over: the next time begins afresh. */
static void forget_states(const struct campaign *campaign, const struct plan *plan)
{
    for (size_t i = 0; i < plan->scenario_count; i++) {
        if (!is_asked_for(campaign->options, plan->scenarios[i]))
            continue;
        char *dir = out_of(campaign->options->out, true, plan->scenarios[i]->path);
        sweep_forget(dir);
        free(dir);
    }
}

static int sweep_each(const struct campaign *campaign, const struct plan *plan)
{
    int code = EXIT_HELD;
    size_t done = 0;
    for (size_t i = 0; i < plan->scenario_count && code != EXIT_INTERRUPT; i++) {
        if (!is_asked_for(campaign->options, plan->scenarios[i]))
            continue;
        if (done++)
            putchar('\n');
        code = worse_of(code, sweep_scenario(campaign, plan->scenarios[i]));
        fflush(stdout);
    }
    return code;
}

static int sweep_all_of(struct campaign *campaign, const struct plan *plan)
{
    char *summary;
    size_t size;
    for (size_t i = 0; i < plan->scenario_count; i++)
        campaign->several += is_asked_for(campaign->options, plan->scenarios[i]);
    campaign->summary = open_memstream(&summary, &size);
    if (!campaign->summary)
        abort();
    int code = sweep_each(campaign, plan);
    fclose(campaign->summary);
    if (campaign->several > 1) {
        printf("\n%s", summary);
        if (code != EXIT_INTERRUPT)
            forget_states(campaign, plan);
    }
    free(summary);
    return code;
}

static int load_and_sweep(const struct command *command, struct campaign *campaign,
                          const struct words *paths, const struct systems *systems)
{
    const struct sweep_options *options = campaign->options;
    struct plan plan;
    char *why = NULL;
    int code = EXIT_USAGE;
    if (plan_load(&plan, paths, &options->extras, systems, &why)) {
        cli_explain(why);
        free(why);
        return EXIT_USAGE;
    }
    code = sweep_all_of(campaign, &plan);
    if (!campaign->several) {
        cli_complain(command,
                     options->family ? "no scenario of the family '%s' there" : "no scenario there",
                     options->family);
        code = EXIT_USAGE;
    }
    plan_done(&plan);
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
    char *program = program_path();
    struct campaign campaign = {.options = &options, .kinds = kinds, .program = program};
    int err = options_parse(command, argc, argv, &options, &paths);
    int code = err > 0 ? EXIT_HELD : EXIT_USAGE;
    if (!err && paths.count == 0) {
        cli_complain(command, "needs a scenario, or a directory of them");
    } else if (!err && options_good(command, &options)) {
        campaign.kind_count = read_kinds(command, options.kinds, kinds);
        if (campaign.kind_count)
            code = load_and_sweep(command, &campaign, &paths, systems);
    }
    free(program);
    words_done(&paths);
    words_done(&options.extras.faults);
    words_done(&options.extras.properties);
    return code;
}

const struct command cmd_sweep = {
    .name = "sweep",
    .args = "SCENARIO|DIR...  [options]",
    .about = "tries every fault at every hit, one at a time; prints a certificate",
    .notes = notes,
    .options = sweep_table,
    .run = sweep_main,
};
