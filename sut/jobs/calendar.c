/* calendar.c: see calendar.h. */
#include "sut/jobs/calendar.h"

#include <inttypes.h>
#include <stdio.h>

#define DAYS_TO_1970 719162 /* from 0001-01-01 */

static bool leap_year(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

unsigned month_length(int year, unsigned month)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths[month - 1] + (month == 2 && leap_year(year));
}

int64_t floor_div(int64_t number, int64_t by)
{
    int64_t quotient = number / by;
    return quotient - (number % by < 0);
}

/* From 1970-01-01 to January 1st of `year`. */
static int64_t days_of_year(int64_t year)
{
    int64_t before = year - 1;
    return 365 * before + floor_div(before, 4) - floor_div(before, 100) + floor_div(before, 400) -
           DAYS_TO_1970;
}

int64_t days_of_date(struct date date)
{
    int64_t days = days_of_year(date.year) + date.day - 1;
    for (unsigned month = 1; month < date.month; ++month)
        days += month_length(date.year, month);
    return days;
}

struct date date_of_days(int64_t days)
{
    int64_t year = 1970 + floor_div(days * 400, INT64_C(146097)); /* off by one at most */
    if (days < days_of_year(year))
        --year;
    else if (days >= days_of_year(year + 1))
        ++year;
    struct date date = {.year = (int)year, .month = 1};
    unsigned rest = (unsigned)(days - days_of_year(year));
    for (; rest >= month_length(date.year, date.month); ++date.month)
        rest -= month_length(date.year, date.month);
    date.day = rest + 1;
    return date;
}

unsigned weekday_of_days(int64_t days)
{
    int64_t since_thursday = days - floor_div(days, 7) * 7; /* 1970-01-01 was one */
    return (unsigned)((since_thursday + 4) % 7);
}

const char *time_words(int64_t ms, char out[static 32])
{
    int64_t seconds = floor_div(ms, 1000), days = floor_div(seconds, 86400);
    struct date date = date_of_days(days);
    unsigned second = (unsigned)(seconds - days * 86400);
    snprintf(out, 32, "%04d-%02u-%02uT%02u:%02u:%02uZ", date.year, date.month % 100, date.day % 100,
             second / 3600 % 100, second / 60 % 60, second % 60);
    return out;
}
