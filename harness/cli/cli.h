/* cli.h: the command line of duress: its commands, its exit codes, its way to complain. */
#ifndef DURESS_CLI_H
#define DURESS_CLI_H

#include "harness/cli/options.h"
#include "harness/run.h"
#include "harness/system.h"

enum exit_code {
    EXIT_HELD = 0,     /* all held */
    EXIT_SAFETY = 1,   /* a property failed, or the system under test crashed */
    EXIT_LIVENESS = 2, /* something never drained */
    EXIT_HARNESS = 3,  /* non-determinism, internal error, disk full */
    EXIT_USAGE = 4,    /* usage or bad input */
    EXIT_EMPTY = 5,    /* nothing was run */
    EXIT_INTERRUPT = 130,
};

/* What is under test, as main() gave it. */
struct systems {
    const struct system *const *items;
    size_t count;
};

struct command {
    const char *name;
    const char *args;  /* what stands behind the name in the usage line */
    const char *about; /* one line */
    const char *notes; /* further text for its --help, or NULL */
    const struct option *options;
    int (*run)(const struct command *command, const struct systems *systems, int argc, char **argv);
    bool hidden;
};

/* One file each. */
extern const struct command cmd_run, cmd_replay, cmd_shrink, cmd_sweep, cmd_check, cmd_list,
    cmd_report, cmd_worker;

/* "duress run: ..." and how to get help, on stderr. printf. */
void cli_complain(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* `why` on stderr, as it is: it says itself where what is wrong stands. */
void cli_explain(const char *why);

void command_help(const struct command *command, FILE *out);

/* The exit code that says this outcome. */
enum exit_code exit_code_of(enum outcome outcome);

#endif
