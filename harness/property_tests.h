/* property_tests.h: the seam through which the command line reaches property tests without knowing them. properties/
 * defines the one object `property_tests`; the harness is linked with it. */
#ifndef DURESS_PROPERTY_TESTS_H
#define DURESS_PROPERTY_TESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct property_test_info {
    const char *id; /* "suite/name" */
    const char *file;
    int line;
};

struct property_test_config {
    uint64_t seed, runs;   /* runs 0: as the property says */
    int64_t time_ns;       /* 0: no limit */
    const char *case_text; /* not NULL: this case alone, told */
    const char *program;   /* how this program is called, for the line that reproduces */
    FILE *screen;          /* the report, and statistics */
};

struct property_tests {
    size_t (*count)(void); /* sorted by id */
    struct property_test_info (*get)(size_t index);
    /* Runs it and prints its report. 0: it held; 1: it failed, or is not healthy; -EINVAL: the case cannot be read. */
    int (*run)(size_t index, const struct property_test_config *config);
};

extern const struct property_tests property_tests;

/* Arguments of `run` and `replay` that name property tests, not scenarios: "property:SUITE/NAME", a glob. */
#define PROPERTY_TEST_PREFIX "property:"
bool names_property_test(const char *argument);

struct command;
struct words;

/* Runs all that the arguments name, one after the other, each once; returns an exit code. `time_ns` of the config is
 * for all together. */
int property_tests_run(const struct command *command, const struct words *arguments,
                       const struct property_test_config *config, bool fail_fast);

#endif
