/* jobctl.h: the parts of jobctl. Every command is a function on a struct ctl; main() has read
 * the options.
 *
 * What goes to standard output is for people (aligned, cut to fit) or, with --json, one JSON
 * document for machines.
 */
#ifndef SUT_CLI_JOBCTL_H
#define SUT_CLI_JOBCTL_H

#include "sut/cli/config.h"

#include <jansson.h>

enum ctl_exit {
    CTL_OK,
    CTL_REFUSED,
    CTL_USAGE,
    CTL_DATABASE
}; /* 1: not found, or not in a state for it */

/* Where the database comes from: an option, else jobd's configuration. */
struct ctl_told {
    const char *database, *config, *schema, *keys, *pooled;
};

struct ctl {
    struct env env; /* memory; for the store */
    struct config config;
    struct store_db *db; /* see ctl_store() */
    bool creates;        /* the database, if there is none */
    bool json, lines;
    const char *queue;
    const struct job_unique *unique; /* NULL: it is not */
    unsigned states;                 /* bits; 0: all */
    const char *worker, *tag;
    int64_t older_ms, after;
    bool all;
    bool updates; /* the command is an update */
    struct job_update update;
    int64_t priority, max_attempts, count, limit; /* count and limit 0: not said */
    int64_t delay_ms, timeout_ms, within_ms;
    int64_t at_ms; /* since 1970; 0: not said */
    const char *meta, *tags, *part, *chain;
    const char *args; /* of a filter */
    int64_t batch;    /* 0: none */
    bool encrypt;
    struct ctl_told told;
    uint64_t options; /* that were given: bits of the table in ctl_options.c */
    char **words;     /* after the command */
    int word_count;
};

/* Prints "jobctl: ..." and ends with that status. */
_Noreturn void ctl_fail(enum ctl_exit status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* As it may be shown. */
const char *ctl_database(const struct ctl *ctl);

/* Opened when it is first needed: mistakes in what was asked come first. Trouble ends the
 * program. */
struct store_db *ctl_store(struct ctl *ctl);

/* Ends the program with what is wrong with that request, and what to do about it. */
_Noreturn void ctl_fail_request(const struct ctl *ctl, const struct store_reply *reply);

/* Runs one request; trouble with the database ends the program, what the request itself has
 * wrong too. The reply lives as long as the program. */
struct store_reply ctl_execute(struct ctl *ctl, const struct store_request *request);

/* --encrypt: copies of the specs with arguments that are sealed; the same of an update. Mistakes end the program. */
const struct job_spec *ctl_seal(struct ctl *ctl, const struct job_spec *specs, size_t count,
                                struct heap *heap);
void ctl_seal_update(struct ctl *ctl);

typedef enum ctl_exit ctl_command(struct ctl *ctl);
ctl_command ctl_submit;
ctl_command ctl_insert, ctl_list, ctl_show, ctl_retry, ctl_cancel, ctl_delete, ctl_update,
    ctl_prune, ctl_stats, ctl_migrate;
ctl_command ctl_queues, ctl_queue;
ctl_command ctl_cron;
ctl_command ctl_workflow, ctl_batch, ctl_chain;
void ctl_print_flow(struct ctl *ctl,
                    const struct job *job); /* a line or two; none if it is in none */

/* What --state, --queue and so on said. */
struct job_filter ctl_filter(const struct ctl *ctl);
bool ctl_filters(const struct ctl *ctl); /* one of them, or --all */
/* NULL for what is no update. */
const struct job_update *ctl_update_of(const struct ctl *ctl);

/* Prints the document on one line and frees it. */
void ctl_print_json(json_t *document);
json_t *ctl_job_json(const struct job *job, bool with_errors);
json_t *ctl_parse(const char *text); /* NULL: it is no JSON */

/* What jobctl accepts as arguments of a job. False with the place, a caret and a sentence on
 * standard error. */
bool ctl_check_json(const char *what, size_t line, const char *text, size_t size);

uint64_t ctl_id(const char *text); /* a word of the command line; ends the program if it is no id */
const char *ctl_time(int64_t ms, char out[static 32]); /* UTC; "-" for 0 */

#endif
