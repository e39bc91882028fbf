/* prop_test.c: a property as a test of a test program: configured by the environment. */
#define _GNU_SOURCE
#include "harness/quote.h"
#include "harness/seed.h"
#include "properties/prop_internal.h"

#include <stdlib.h>
#include <string.h>

#define DATABASE_DEFAULT "build/properties"

static void print_line(FILE *out, const struct prop *prop, const char *case_text,
                       const struct prop_config *config)
{
    fprintf(out, "DURESS_CASE=%s ", case_text);
    shell_quote(out, config->program);
    fprintf(out, " --filter %s/%s", prop->suite, prop->name);
}

const char *prop_database_dir(void)
{
    const char *dir = getenv("DURESS_PROPERTIES");
    return dir ? dir : DATABASE_DEFAULT;
}

/* NULL, or what is wrong (heap). */
static char *config_read(struct prop_config *config)
{
    const char *seed = getenv("DURESS_SEED"), *runs = getenv("DURESS_RUNS");
    char why[256] = "", *complaint = NULL;
    config->case_text = getenv("DURESS_CASE");
    config->database = prop_database_dir();
    config->seed = seed ? 0 : seed_fresh();
    if (seed && seed_parse(seed, &config->seed, why, sizeof why)) {
        if (asprintf(&complaint, "DURESS_SEED: %s", why) < 0)
            abort();
    } else if (runs && option_count(runs, &config->runs, why, sizeof why)) {
        if (asprintf(&complaint, "DURESS_RUNS: %s", why) < 0)
            abort();
    }
    return complaint;
}

static bool wants_words(void)
{
    const char *verbose = getenv("DURESS_VERBOSE"), *ci = getenv("CI");
    return (verbose && *verbose && strcmp(verbose, "0") != 0) || (ci && strcmp(ci, "true") == 0);
}

static void print_words(const struct prop *prop, const struct prop_result *result)
{
    fprintf(stderr, "%s/%s: seed 0x%llx\n", prop->suite, prop->name,
            (unsigned long long)result->seed);
    prop_print_statistics(result, stderr);
}

/* 1: it did not hold, and the report says why. */
static int tell(const struct prop *prop, const struct prop_config *config, FILE *out)
{
    struct prop_result result = prop_run(prop, config);
    bool held = result.verdict == PROP_HELD;
    if (wants_words())
        print_words(prop, &result);
    if (result.report)
        fputs(result.report, held ? stderr : out);
    prop_result_done(&result);
    return !held;
}

char *prop_test(const struct prop *prop)
{
    struct prop_config config = {.screen = stderr, .replay_line = print_line};
    char *report = config_read(&config), *program = program_path();
    if (!report) {
        size_t size;
        FILE *out = open_memstream(&report, &size);
        if (!out)
            abort();
        config.program = program;
        int code = prop_guarded(prop, &config, tell, out);
        fclose(out);
        if (code == 0) {
            free(report);
            report = NULL;
        }
    }
    free(program);
    return report;
}
