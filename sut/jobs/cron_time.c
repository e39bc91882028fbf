/* cron_time.c: when an expression is due next, and was last.
 *
 * In a span of constant offset, the readings of the clock are a window in which the expression is searched as a calendar has it. A
 * span that begins with the clock put forward has a second window in front: the readings that were left out, by the offset
 * before. One that begins with the clock put back starts late, behind the readings that come a second time. */
#include "sut/jobs/calendar.h"
#include "sut/jobs/cron_expression.h"

#define EVERY_HOUR ((UINT64_C(1) << 24) - 1)

/* In minutes. */
#define TIME_LEAST (days_of_date((struct date){1, 1, 1}) * MINUTES_PER_DAY)
#define TIME_MOST  (days_of_date((struct date){YEAR_MAX, 12, 31}) * MINUTES_PER_DAY)

/* from <= minute < to, of UTC. */
struct window {
    int64_t from, to;
    int offset;
};

/* ---- a calendar ---- */

static bool has(const struct cron_expression *expression, enum cron_field field, unsigned value)
{
    return expression->values[field] >> value & 1;
}

static bool day_matches(const struct cron_expression *expression, int64_t day)
{
    struct date date = date_of_days(day);
    return has(expression, CRON_MONTH, date.month) && has(expression, CRON_DAY, date.day) &&
           has(expression, CRON_WEEKDAY, weekday_of_days(day));
}

static bool reading_matches(const struct cron_expression *expression, int64_t reading)
{
    int64_t day = floor_div(reading, MINUTES_PER_DAY);
    unsigned minute = (unsigned)(reading - day * MINUTES_PER_DAY);
    return has(expression, CRON_MINUTE, minute % 60) && has(expression, CRON_HOUR, minute / 60) &&
           day_matches(expression, day);
}

/* A month without a matching day is skipped as a whole. `step`: 1 or -1. */
static int64_t other_day(const struct cron_expression *expression, int64_t day, int step)
{
    struct date date = date_of_days(day);
    if (has(expression, CRON_MONTH, date.month))
        return day + step;
    if (step < 0)
        return day - date.day;
    return day - date.day + 1 + month_length(date.year, date.month);
}

/* The nearest minute of the day that matches, from `minute` on. False: none is left. */
static bool minute_search(const struct cron_expression *expression, int minute, int step,
                          int *ret_minute)
{
    while (minute >= 0 && minute < MINUTES_PER_DAY) {
        if (!has(expression, CRON_HOUR, (unsigned)minute / 60))
            minute = step > 0 ? minute / 60 * 60 + 60 : minute / 60 * 60 - 1;
        else if (!has(expression, CRON_MINUTE, (unsigned)minute % 60))
            minute += step;
        else {
            *ret_minute = minute;
            return true;
        }
    }
    return false;
}

/* The nearest reading that matches, from `reading` on, in least <= reading <= most. */
static bool reading_search(const struct cron_expression *expression, int64_t reading, int step,
                           int64_t least, int64_t most, int64_t *ret_reading)
{
    while (reading >= least && reading <= most) {
        int64_t day = floor_div(reading, MINUTES_PER_DAY);
        int minute = (int)(reading - day * MINUTES_PER_DAY);
        if (day_matches(expression, day) && minute_search(expression, minute, step, &minute)) {
            *ret_reading = day * MINUTES_PER_DAY + minute;
            return *ret_reading >= least && *ret_reading <= most;
        }
        day = other_day(expression, day, step);
        reading = day * MINUTES_PER_DAY + (step > 0 ? 0 : MINUTES_PER_DAY - 1);
    }
    return false;
}

/* ---- windows ---- */

static int64_t clamp(int64_t minute)
{
    return minute < TIME_LEAST ? TIME_LEAST : minute > TIME_MOST ? TIME_MOST : minute;
}

/* Of the span around `minute`; returns the span. */
static struct window windows_of(const struct cron_expression *expression,
                                const struct time_zone *zone, int64_t minute, struct window out[2])
{
    struct zone_span span = time_zone_span(zone, minute);
    struct window whole = {clamp(span.from), clamp(span.to), span.offset};
    int before = span.from == INT64_MIN ? span.offset : time_zone_span(zone, span.from - 1).offset;
    int64_t ahead = span.offset - before;
    out[0] = out[1] = whole;
    if (ahead < 0 && expression->values[CRON_HOUR] != EVERY_HOUR)
        out[0].from -= ahead;
    out[1].offset = before;
    out[1].to = ahead <= 0                      ? whole.from
                : whole.from + ahead < whole.to ? whole.from + ahead
                                                : whole.to;
    return whole;
}

/* The match in the window that is nearest to `minute`, itself included. */
static bool window_search(const struct cron_expression *expression, const struct window *window,
                          int64_t minute, int step, int64_t *ret_minute)
{
    int64_t least = window->from, most = window->to - 1, found;
    if (step > 0 && minute > least)
        least = minute;
    if (step < 0 && minute < most)
        most = minute;
    if (least > most ||
        !reading_search(expression, (step > 0 ? least : most) + window->offset, step,
                        least + window->offset, most + window->offset, &found))
        return false;
    *ret_minute = found - window->offset;
    return true;
}

static bool search(const struct cron_expression *expression, const struct time_zone *zone,
                   int64_t minute, int step, int64_t *ret_ms)
{
    while (!expression->reboot && minute >= TIME_LEAST && minute < TIME_MOST) {
        struct window windows[2];
        struct window span = windows_of(expression, zone, minute, windows);
        int64_t found[2];
        bool first = window_search(expression, &windows[0], minute, step, &found[0]);
        bool second = window_search(expression, &windows[1], minute, step, &found[1]);
        if (first || second) {
            int64_t best =
                !second || (first && (found[0] - found[1]) * step < 0) ? found[0] : found[1];
            *ret_ms = best * MS_PER_MINUTE;
            return true;
        }
        minute = step > 0 ? span.to : span.from - 1;
    }
    return false;
}

/* ---- the three questions ---- */

bool cron_matches(const struct cron_expression *expression, const struct time_zone *zone,
                  int64_t ms)
{
    int64_t minute = floor_div(ms, MS_PER_MINUTE);
    struct window windows[2];
    if (expression->reboot)
        return false;
    windows_of(expression, zone, minute, windows);
    for (size_t i = 0; i < 2; ++i)
        if (minute >= windows[i].from && minute < windows[i].to &&
            reading_matches(expression, minute + windows[i].offset))
            return true;
    return false;
}

bool cron_next(const struct cron_expression *expression, const struct time_zone *zone, int64_t ms,
               int64_t *ret_ms)
{
    return search(expression, zone, floor_div(ms, MS_PER_MINUTE) + 1, 1, ret_ms);
}

bool cron_last(const struct cron_expression *expression, const struct time_zone *zone, int64_t ms,
               int64_t *ret_ms)
{
    return search(expression, zone, floor_div(ms - 1, MS_PER_MINUTE), -1, ret_ms);
}
