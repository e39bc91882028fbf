/* cron.h: what a cron entry is: a job that is inserted again and again, at each tick of an expression.
 *
 * Entries are stored; whoever leads inserts their jobs. A tick (entry, minute) is a row that is inserted in one transaction with
 * its job, so that each tick happens at most once, whoever leads, and however many believe they do. Ticks that came due while
 * nobody looked are made up for as the entry says. Due is judged by the database's clock.
 */
#ifndef SUT_CRON_H
#define SUT_CRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRON_NAME_MAX      127
#define CRON_ENTRIES_MAX   10000
#define CRON_CATCH_UP_MOST 1000
#define CRON_NO_CATCH_UP   (-1)
#define CRON_KEEP_MS       INT64_C(604800000) /* ticks are remembered for a week */

/* Strings belong to the caller. */
struct cron_entry {
    const char *name;                  /* NULL: made of the worker and a hash of the rest */
    const char *expression;            /* cron_expression.h */
    const char *zone;                  /* time_zone.h; NULL: the configuration's, or UTC */
    const char *worker, *queue, *args; /* as in a job_spec */
    unsigned priority, max_attempts;
    /* Of the ticks that came due since anybody looked, how many are made up for, the newest ones. 0: as 1, the newest;
     * CRON_NO_CATCH_UP: none; a tick whose minute has passed is left out. */
    int catch_up;

    /* Only in answers: */
    const char *origin; /* of whose configuration it is; "": put by hand */
    bool paused;
    int64_t done_ms; /* what was due until then was done, or left out */
    int64_t last_ms; /* the newest tick; 0: none yet */
};

/* NULL, or what is wrong with it, in words, which may be in `why`. Zones are only checked by their names. */
const char *cron_entry_check(const struct cron_entry *entry, char *why, size_t why_size);

/* The name of an entry that has none: "WORKER-" and 16 hex digits. */
void cron_entry_name(const struct cron_entry *entry, char *out, size_t size);

#endif
