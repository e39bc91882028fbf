/* zone_rule.c: the rule behind the last change that a TZif file lists, as POSIX writes it in TZ: standard time, summer time, and
 * the two days of a year on which clocks are changed. With RFC 9636's extension: changes up to a week before or after midnight. */
#include "sut/jobs/calendar.h"
#include "sut/jobs/time_zone.h"

#include <ctype.h>
#include <string.h>

#define CHANGE_HOURS_MAX 167
#define OFFSET_HOURS_MAX 24

/* ---- reading ---- */

static bool skip(const char **text, char expected)
{
    if (**text != expected)
        return false;
    ++*text;
    return true;
}

static bool read_number(const char **text, unsigned most, unsigned *ret_number)
{
    unsigned number = 0;
    if (!isdigit((unsigned char)**text))
        return false;
    for (; isdigit((unsigned char)**text) && number <= most; ++*text)
        number = number * 10 + (unsigned)(**text - '0');
    *ret_number = number;
    return number <= most;
}

/* "CET", or "<+03>". */
static bool skip_abbreviation(const char **text)
{
    const char *begin = *text;
    if (skip(text, '<')) {
        *text += strcspn(*text, ">");
        return skip(text, '>');
    }
    while (isalpha((unsigned char)**text))
        ++*text;
    return *text - begin >= 3;
}

/* [+-]h[h][h][:mm[:ss]], in minutes; seconds are rounded. */
static bool read_time(const char **text, unsigned hours_max, int *ret_minutes)
{
    unsigned hours, minutes = 0, seconds = 0;
    bool negative = **text == '-';
    if (negative || **text == '+')
        ++*text;
    if (!read_number(text, hours_max, &hours))
        return false;
    if (skip(text, ':') &&
        (!read_number(text, 59, &minutes) || (skip(text, ':') && !read_number(text, 59, &seconds))))
        return false;
    int total = (int)(hours * 60 + minutes + (seconds >= 30));
    *ret_minutes = negative ? -total : total;
    return true;
}

/* Of the file's two spellings, this one is positive west of Greenwich. */
static bool read_offset(const char **text, int *ret_offset)
{
    int west;
    if (!read_time(text, OFFSET_HOURS_MAX, &west))
        return false;
    *ret_offset = -west;
    return true;
}

static bool read_day(const char **text, struct zone_change *change)
{
    if (skip(text, 'M')) {
        change->kind = CHANGE_WEEKDAY;
        return read_number(text, 12, &change->month) && change->month > 0 && skip(text, '.') &&
               read_number(text, 5, &change->week) && change->week > 0 && skip(text, '.') &&
               read_number(text, 6, &change->day);
    }
    change->kind = skip(text, 'J') ? CHANGE_JULIAN : CHANGE_DAY;
    return read_number(text, 365, &change->day) && (change->kind == CHANGE_DAY || change->day > 0);
}

static bool read_change(const char **text, struct zone_change *change)
{
    change->minute = 120;
    return skip(text, ',') && read_day(text, change) &&
           (!skip(text, '/') || read_time(text, CHANGE_HOURS_MAX, &change->minute));
}

bool zone_rule_parse(const char *text, struct zone_rule *ret_rule)
{
    struct zone_rule rule = {0};
    if (!skip_abbreviation(&text) || !read_offset(&text, &rule.standard))
        return false;
    rule.summer = rule.standard;
    if (*text) {
        if (!skip_abbreviation(&text))
            return false;
        rule.summer = rule.standard + 60;
        if (*text != ',' && !read_offset(&text, &rule.summer))
            return false;
        if (!read_change(&text, &rule.begin) || !read_change(&text, &rule.end))
            return false;
    }
    *ret_rule = rule;
    return *text == '\0';
}

/* ---- following it ---- */

static int64_t change_day(const struct zone_change *change, int year)
{
    if (change->kind != CHANGE_WEEKDAY) {
        int64_t day = days_of_date((struct date){year, 1, 1}) + change->day;
        bool leap = month_length(year, 2) == 29;
        return change->kind == CHANGE_DAY ? day : day - 1 + (leap && change->day >= 60);
    }
    unsigned length = month_length(year, change->month);
    int64_t first = days_of_date((struct date){year, change->month, 1});
    unsigned day = (change->day + 7 - weekday_of_days(first)) % 7 + 7 * (change->week - 1);
    return first + (day < length ? day : day - 7); /* the fifth is the last */
}

/* In UTC: the clock that is changed still shows `before`. */
static int64_t change_minute(const struct zone_change *change, int year, int before)
{
    return change_day(change, year) * MINUTES_PER_DAY + change->minute - before;
}

/* The changes of the year before, this year and the next enclose the minute. Of two changes at the same minute (a summer that
 * never ends), the one that begins it counts. */
struct zone_span zone_rule_span(const struct zone_rule *rule, int64_t minute)
{
    struct zone_span span = {INT64_MIN, INT64_MAX, rule->standard};
    int year = date_of_days(floor_div(minute, MINUTES_PER_DAY)).year;
    if (rule->standard == rule->summer)
        return span;
    for (int i = 0; i < 6; ++i) {
        bool begins = i % 2 == 1;
        int64_t at = begins ? change_minute(&rule->begin, year + i / 2 - 1, rule->standard)
                            : change_minute(&rule->end, year + i / 2 - 1, rule->summer);
        if (at <= minute && at >= span.from) {
            span.from = at;
            span.offset = begins ? rule->summer : rule->standard;
        } else if (at > minute && at < span.to) {
            span.to = at;
        }
    }
    return span;
}
