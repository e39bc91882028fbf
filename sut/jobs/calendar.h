/* calendar.h: days and dates of the Gregorian calendar, extended over all time. Pure functions.
 *
 * Times are whole minutes since 1970-01-01 00:00; they may be of UTC, or the reading of a clock on a wall. */
#ifndef SUT_CALENDAR_H
#define SUT_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define MINUTES_PER_DAY INT64_C(1440)
#define MS_PER_MINUTE   INT64_C(60000)
#define YEAR_MAX        9999

struct date {
    int year;
    unsigned month, day; /* from 1 */
};

int64_t days_of_date(struct date date); /* since 1970-01-01; month and day must be of this world */
struct date date_of_days(int64_t days);
unsigned month_length(int year, unsigned month);
unsigned weekday_of_days(int64_t days); /* 0: Sunday */

/* Towards minus infinity. */
int64_t floor_div(int64_t number, int64_t by);

/* "2026-11-21T22:40:00Z", of milliseconds since 1970; returns out. */
const char *time_words(int64_t ms, char out[static 32]);

#endif
