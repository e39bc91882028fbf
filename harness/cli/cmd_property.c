/* cmd_property.c: property tests on the command line: `duress run property:GLOB`, `duress replay property:ID --case`. */
#include "harness/cli/cli.h"
#include "harness/engine.h"
#include "harness/property_tests.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool names_property_test(const char *argument)
{
    return strncmp(argument, PROPERTY_TEST_PREFIX, strlen(PROPERTY_TEST_PREFIX)) == 0;
}

static const char *glob_of(const char *argument)
{
    return argument + strlen(PROPERTY_TEST_PREFIX);
}

static bool is_chosen(const char *id, const struct words *arguments)
{
    for (size_t i = 0; i < arguments->count; i++)
        if (fnmatch(glob_of(arguments->items[i]), id, 0) == 0)
            return true;
    return false;
}

static void complain_unknown(const struct command *command, const char *glob)
{
    struct words ids = {0};
    for (size_t i = 0; i < property_tests.count(); i++)
        words_add(&ids, property_tests.get(i).id);
    const char *near = nearest_word(glob, strlen(glob), ids.items, ids.count);
    if (near)
        cli_complain(command, "no property test '%s'; did you mean '%s'?", glob, near);
    else
        cli_complain(command, "no property test '%s'; 'duress list properties' shows them all",
                     glob);
    words_done(&ids);
}

/* Every argument names at least one. */
static bool are_known(const struct command *command, const struct words *arguments)
{
    for (size_t i = 0; i < arguments->count; i++) {
        const char *argument = arguments->items[i];
        bool known = false;
        if (!names_property_test(argument)) {
            cli_complain(command, "'%s' is no property test: scenarios are run by themselves",
                         argument);
            return false;
        }
        for (size_t k = 0; !known && k < property_tests.count(); k++)
            known = fnmatch(glob_of(argument), property_tests.get(k).id, 0) == 0;
        if (!known) {
            complain_unknown(command, glob_of(argument));
            return false;
        }
    }
    return true;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* What each may take, of what is left for all. */
static int64_t share_ns(int64_t deadline_ns, size_t left)
{
    int64_t share = (deadline_ns - now_ns()) / (int64_t)(left ? left : 1);
    return share > 1 ? share : 1;
}

static size_t count_chosen(const struct words *arguments)
{
    size_t chosen = 0;
    for (size_t i = 0; i < property_tests.count(); i++)
        chosen += is_chosen(property_tests.get(i).id, arguments);
    return chosen;
}

int property_tests_run(const struct command *command, const struct words *arguments,
                       const struct property_test_config *config, bool fail_fast)
{
    if (!are_known(command, arguments))
        return EXIT_USAGE;
    size_t left = count_chosen(arguments), failed = 0, held = 0;
    int64_t deadline_ns = config->time_ns ? now_ns() + config->time_ns : 0;
    int err = 0;
    if (!config->case_text)
        fprintf(config->screen, "seed 0x%" PRIx64 "  %zu property test%s\n", config->seed, left,
                left == 1 ? "" : "s");
    for (size_t i = 0; err >= 0 && i < property_tests.count(); i++) {
        struct property_test_config one = *config;
        if (!is_chosen(property_tests.get(i).id, arguments) || (failed && fail_fast))
            continue;
        one.time_ns = deadline_ns ? share_ns(deadline_ns, left) : 0;
        err = property_tests.run(i, &one);
        failed += err > 0;
        held += err == 0;
        left--;
    }
    if (err < 0)
        return EXIT_USAGE;
    if (!config->case_text)
        fprintf(config->screen, "%zu held, %zu failed\n", held, failed);
    return failed ? EXIT_SAFETY : EXIT_HELD;
}
