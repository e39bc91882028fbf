/* ctl_options.h: the options of jobctl, and which command understands which. */
#ifndef SUT_CLI_CTL_OPTIONS_H
#define SUT_CLI_CTL_OPTIONS_H

#include "sut/cli/jobctl.h"

enum command {
    INSERT,
    SUBMIT,
    LIST,
    SHOW,
    RETRY,
    CANCEL,
    DELETE,
    UPDATE,
    PRUNE,
    STATS,
    MIGRATE,
    QUEUES,
    QUEUE,
    CRON,
    WORKFLOW,
    BATCH,
    CHAIN,
    COMMANDS
};

/* Fills `ctl` from argv, and leaves the words that are no options. Mistakes end the program. */
void ctl_read_options(struct ctl *ctl, int argc, char **argv);

/* Ends the program if one was given that the command does not understand. */
void ctl_check_options(const struct ctl *ctl, enum command command, const char *name);

/* A line for each, for --help. */
void ctl_print_options(void);
_Noreturn void ctl_help(void);

/* Ends the program with the word that was probably meant; `dashes` stand before it. */
_Noreturn void ctl_unknown(const char *what, const char *word, const char *const *names,
                           size_t count, const char *dashes);

#endif
