/* cron_expression.h: when a cron entry is due. Pure functions.
 *
 *     minute hour day month weekday        30 2 * * MON-FRI        0,30 8-18/2 1 JAN,JUL *
 *     0-59   0-23 1-31 1-12  0-6 (0 is Sunday)
 *
 * A field is a list of `*`, `a`, `a-b`, each with an optional step: `*`/n, `a/n` (from a to the largest), `a-b/n`. Steps count
 * from the first value. Months and weekdays have names, upper-case, of three letters. All five fields must match: `0 0 13 * FRI`
 * is Friday the 13th (as in Oban; other crons take either day). Instead of five fields, a nickname: see CRON_NICKNAMES.
 *
 * Time zones. A tick is a minute of UTC. A clock on a wall that is put forward leaves readings out, one that is put back shows
 * some twice. Both are read as RFC 5545 has it, with the offset before the change:
 *   - a reading that is left out is due as long after the change as it would have been without it (02:30 becomes 03:30);
 *   - of a reading that comes twice, the first is due; but an expression that is due in every hour follows the hours that pass,
 *     and is due both times.
 * So a nightly job runs each night exactly once, and an hourly one each hour. (Oban drops the former and repeats the latter.)
 */
#ifndef SUT_CRON_EXPRESSION_H
#define SUT_CRON_EXPRESSION_H

#include "sut/jobs/time_zone.h"

/* X(word, the same in five fields) */
#define CRON_NICKNAMES(X)                                                                          \
    X("@yearly", "0 0 1 1 *")                                                                      \
    X("@annually", "0 0 1 1 *")                                                                    \
    X("@monthly", "0 0 1 * *")                                                                     \
    X("@weekly", "0 0 * * 0")                                                                      \
    X("@daily", "0 0 * * *")                                                                       \
    X("@midnight", "0 0 * * *")                                                                    \
    X("@hourly", "0 * * * *")

#define CRON_REBOOT         "@reboot" /* no time at all: when the cluster starts */
#define CRON_EXPRESSION_MAX 255

enum cron_field { CRON_MINUTE, CRON_HOUR, CRON_DAY, CRON_MONTH, CRON_WEEKDAY, CRON_FIELD_COUNT };

struct cron_expression {
    bool reboot;                       /* then the rest is empty */
    uint64_t values[CRON_FIELD_COUNT]; /* bit v: the field may have the value v */
};

/* False, with a sentence in `why` that says where it is wrong and what to write instead. */
bool cron_parse(const char *text, struct cron_expression *ret_expression, char *why,
                size_t why_size);

/* Is it due in the minute of UTC that holds this time? Times are in ms since 1970, and between the years 1 and 9999. */
bool cron_matches(const struct cron_expression *expression, const struct time_zone *zone,
                  int64_t ms);

/* The first tick after `ms`, the last one before it. False: there is none (@reboot, or beyond the years above). */
bool cron_next(const struct cron_expression *expression, const struct time_zone *zone, int64_t ms,
               int64_t *ret_ms);
bool cron_last(const struct cron_expression *expression, const struct time_zone *zone, int64_t ms,
               int64_t *ret_ms);

#endif
