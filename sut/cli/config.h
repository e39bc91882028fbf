/* config.h: what jobd is told: a file of `key = value` lines, above it the environment, above that options, all of the same
 * names.
 *
 *     # /etc/jobd.conf
 *     database = /var/lib/jobd/jobs.db
 *     workers  = /usr/local/lib/jobd/workers      # relative paths: from this file's directory
 *     queue default = 10
 *     queue mail    = 2
 *     cron night    = zone=Europe/Berlin 0 3 * * * report {"day": "yesterday"}
 *     lease = 30s
 *
 * A key is known by one line of the table in config.c, which also gives the option, its check
 * and its line in --help.
 */
#ifndef SUT_CLI_CONFIG_H
#define SUT_CLI_CONFIG_H

#include "sut/cli/job_log.h"
#include "sut/jobs/jobs.h"
#include "sut/store/sqlite.h"

#include <stdio.h>

#ifndef JOBS_VERSION
#define JOBS_VERSION "unknown" /* the Makefile says */
#endif

enum { CONFIG_QUEUES_MAX = 64, CONFIG_CRON_MAX = 256, CONFIG_LOAD_MAX = 64, CONFIG_KEYS = 22 };

struct config {
    struct heap *heap;                 /* of all strings */
    const char *database, *workers;    /* NULL: not said */
    const char *load[CONFIG_LOAD_MAX]; /* shared objects with workers */
    size_t load_count;
    const char *node;   /* NULL: the name of the machine */
    const char *schema; /* in PostgreSQL; NULL: public */
    const char *keys;   /* file of keys for encrypted arguments; NULL: JOBD_KEYS */
    bool pooled;
    struct queue_config queues[CONFIG_QUEUES_MAX];
    size_t queue_count;
    struct cron_entry cron[CONFIG_CRON_MAX];
    size_t cron_count;
    const char *zone, *crontab; /* NULL: UTC, "jobd" */
    int64_t lease_ns, poll_ns, grace_ns;
    int64_t keep_completed_ns, keep_cancelled_ns, keep_discarded_ns; /* 0: for ever */
    int64_t timeout_ns; /* of one run of a job; 0: none */
    int64_t memory_max; /* of one run of a job, bytes; 0: no limit */
    int64_t crashes;    /* lost leases in a row until a job is discarded; 0: never */
    enum durability durability;
    enum job_log job_log;
};

void config_init(struct config *config, struct heap *heap); /* the defaults */

const char *config_key(size_t index); /* the names of the keys; NULL: there are no more */

/* One setting, by the name of its key (a queue: "queue", and NAME=LIMIT; likewise a cron entry). False with a sentence. */
bool config_set(struct config *config, const char *key, const char *value, char *why,
                size_t why_size);

/* False with FILE:LINE and a sentence. */
bool config_read(struct config *config, const char *path, char *why, size_t why_size);

/* What the environment says: JOBD_DATABASE, JOBD_KEEP_COMPLETED, ...: JOBD_ and the name of the key in capitals. JOBD_QUEUE, JOBD_LOAD:
 * several, with commas. Not cron entries, nor keys: JOBD_KEYS are the keys themselves. False with a sentence. */
bool config_environment(struct config *config, char *why, size_t why_size);

/* The file that a program reads without being told on the command line: JOBD_CONFIG, else
 * /etc/jobd.conf if there is one, else NULL. */
const char *config_path(void);

/* Fills in the queue "default" if there is none. False with a sentence when something necessary
 * is missing. */
bool config_complete(struct config *config, char *why, size_t why_size);

/* What cannot change while a daemon runs is as it was; names: those of the keys that would have changed, up to CONFIG_KEYS of them.
 * Returns how many. Its strings are those of `old` then. */
size_t config_keep_fixed(struct config *config, const struct config *old, const char **ret_names);

void config_help(FILE *out); /* a line for each key, as an option */
const char *durability_word(enum durability durability);

/* The database as it may be shown and logged: without a password. */
const char *config_database(const struct config *config, char *out, size_t size);

/* The directory of the database exists and can be written to, or a sentence why not. */
bool config_store_possible(const struct config *config, char *why, size_t why_size);

/* The keys of encrypted arguments: of the file that `keys` names, else of JOBD_KEYS, else none. False with a sentence. */
bool config_keys(const struct config *config, struct key_ring *ret_ring, char *why,
                 size_t why_size);

/* What to do about a problem with it; NULL: nobody knows. */
const char *config_advice(const struct config *config, const char *problem);

/* What it is opened for. */
enum {
    CONFIG_MAKE = 1, /* it is made if there is none */
    CONFIG_RUN = 2,  /* jobs are run: somebody who may not write to it is refused */
};

/* Opens the database, or says in one sentence why not, and what to do. */
struct store_db *config_store_open(const struct config *config, struct env *env, unsigned uses,
                                   char *why, size_t why_size);
/* Hears what other processes do to it; NULL: that cannot be heard, and is found by polling. */
struct store_watch *config_store_watch(const struct config *config, struct store_db *db);

#endif
