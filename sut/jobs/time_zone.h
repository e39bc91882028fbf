/* time_zone.h: what the clocks on the walls of a region show, from IANA's data or from a rule.
 *
 * A zone is a list of spans of constant offset from UTC. It comes from a TZif file (RFC 9636, as the package tzdata
 * installs them in /usr/share/zoneinfo), whose bytes somebody else has read, or from a POSIX rule that is given instead
 * of a name ("CET-1CEST,M3.5.0,M10.5.0/3"). A zone is a value: nothing here reads TZ, a file or a clock.
 *
 * Why no library: glibc keeps the zone in global state; ICU brings 40 MB and data of its own that age beside tzdata; what
 * cron needs, the spans, is what the file holds anyway, and no library that Debian has for C shows them. The format is
 * stable since 2005, and two pages of code read it.
 *
 * Times are whole minutes, and so are offsets: those of local mean time, before 1972 at the latest, are rounded.
 */
#ifndef SUT_TIME_ZONE_H
#define SUT_TIME_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap;

#define ZONE_NAME_MAX 63
#define ZONE_FILE_MAX 65536 /* bytes; the largest of tzdata 2025 has 3,600 */

/* The clock is `offset` minutes ahead of UTC in from <= minute < to, of UTC. */
struct zone_span {
    int64_t from, to; /* INT64_MIN, INT64_MAX: for ever */
    int offset;
};

/* When the year's clocks are changed, as POSIX's TZ has it. */
struct zone_change {
    enum { CHANGE_JULIAN, CHANGE_DAY, CHANGE_WEEKDAY } kind; /* Jn: without Feb 29; n; Mm.w.d */
    unsigned month, week, day;
    int minute; /* of that day, by the clock that is changed; may be negative or beyond the day */
};

struct zone_rule {
    int standard, summer; /* offsets in minutes; equal: no changes */
    struct zone_change begin, end;
};

struct time_zone {
    char name[ZONE_NAME_MAX + 1];
    struct zone_span *spans; /* gapless, from INT64_MIN; in the heap */
    size_t span_count;       /* the last one goes on for ever, or until the rule holds */
    bool ruled;
    int64_t rule_from; /* the rule holds from this minute on; INT64_MIN: always */
    struct zone_rule rule;
};

/* True for the names that need no data: "UTC", "Etc/UTC", and POSIX rules (they contain a comma, or begin with '<'). */
bool time_zone_known(const char *name);
/* NULL, or what is wrong with the name, before anybody looks for its file. */
const char *time_zone_name_check(const char *name);

/* Fills *ret_zone: from the name alone, if it is known; else from the bytes of its TZif file. The spans are in `heap`.
 * False, with a sentence in `why`. */
bool time_zone_init(struct time_zone *ret_zone, struct heap *heap, const char *name,
                    const unsigned char *data, size_t size, char *why, size_t why_size);

/* The span that holds this minute of UTC. */
struct zone_span time_zone_span(const struct time_zone *zone, int64_t minute);

/* ---- zone_rule.c ---- */

/* Reads a POSIX rule, all of `text`. */
bool zone_rule_parse(const char *text, struct zone_rule *ret_rule);
struct zone_span zone_rule_span(const struct zone_rule *rule, int64_t minute);

#endif
