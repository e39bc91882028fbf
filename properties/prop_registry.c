/* prop_registry.c: all property tests that are linked in, for the command line (harness/property_tests.h). */
#define _GNU_SOURCE /* asprintf */
#include "harness/property_tests.h"
#include "harness/quote.h"
#include "properties/prop_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

extern const struct prop *const __start_duress_props[] __attribute__((weak));
extern const struct prop *const __stop_duress_props[] __attribute__((weak));

struct registered {
    char *id;
    const struct prop *prop;
};

static struct registered *sorted;
static size_t sorted_count;

static int compare(const void *left, const void *right)
{
    return strcmp(((const struct registered *)left)->id, ((const struct registered *)right)->id);
}

static void refuse_twins(void)
{
    for (size_t i = 1; i < sorted_count; i++) {
        if (strcmp(sorted[i - 1].id, sorted[i].id) == 0) {
            fprintf(stderr, "duress: two property tests are called '%s'\n", sorted[i].id);
            abort();
        }
    }
}

static size_t count(void)
{
    if (sorted || !__start_duress_props)
        return sorted_count;
    size_t all = (size_t)(__stop_duress_props - __start_duress_props);
    sorted = calloc(all, sizeof *sorted);
    for (size_t i = 0; sorted && i < all; i++) {
        const struct prop *prop = __start_duress_props[i];
        if (asprintf(&sorted[i].id, "%s/%s", prop->suite, prop->name) < 0)
            abort();
        sorted[i].prop = prop;
    }
    if (!sorted)
        abort();
    sorted_count = all;
    qsort(sorted, sorted_count, sizeof *sorted, compare);
    refuse_twins();
    return sorted_count;
}

static struct property_test_info get(size_t index)
{
    const struct registered *one = &sorted[index];
    return (struct property_test_info){one->id, one->prop->file, one->prop->line};
}

static void print_line(FILE *out, const struct prop *prop, const char *case_text,
                       const struct prop_config *config)
{
    shell_quote(out, config->program);
    fprintf(out, " replay property:%s/%s --case %s", prop->suite, prop->name, case_text);
}

/* The codes of tell(). */
enum { HELD, FAILED, BAD_CASE };

static int tell(const struct prop *prop, const struct prop_config *config, FILE *out)
{
    struct prop_result result = prop_run(prop, config);
    if (result.verdict == PROP_BAD_CASE)
        fprintf(stderr, "duress replay: --case: %s\n", result.report);
    else if (result.report)
        fputs(result.report, out);
    else
        fprintf(out, "held  %s/%s\n", prop->suite, prop->name);
    if (!config->case_text && !result.failing_case)
        prop_print_statistics(&result, out);
    int code = result.verdict == PROP_HELD       ? HELD
               : result.verdict == PROP_BAD_CASE ? BAD_CASE
                                                 : FAILED;
    prop_result_done(&result);
    return code;
}

static int run(size_t index, const struct property_test_config *config)
{
    const struct prop_config how = {
        .seed = config->seed,
        .runs = config->runs,
        .time_ns = config->time_ns,
        .case_text = config->case_text,
        .database = prop_database_dir(),
        .screen = config->screen,
        .replay_line = print_line,
        .program = config->program,
    };
    int code = prop_guarded(sorted[index].prop, &how, tell, config->screen);
    fflush(config->screen);
    return code == BAD_CASE ? -EINVAL : code;
}

const struct property_tests property_tests = {count, get, run};
