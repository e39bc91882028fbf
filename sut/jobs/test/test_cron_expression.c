/* test_cron_expression.c: cron expressions and time zones. Numbers in the names are those of the conformance list
 * (reference: job systems, 1.7). What is expected in the tables was computed by a program that steps from minute to minute, with
 * another calendar and other readers of expressions and zones (Python's datetime and zoneinfo). */
#include "sut/cli/zone_file.h"
#include "sut/jobs/calendar.h"
#include "sut/jobs/cron_expression.h"
#include "sut/runtime/heap.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* ---- reading and printing times ---- */

static int64_t ms_of(const char *text)
{
    int year;
    unsigned month, day, hour, minute, second = 0;
    cr_assert_geq(sscanf(text, "%d-%u-%u %u:%u:%u", &year, &month, &day, &hour, &minute, &second),
                  5);
    int64_t days = days_of_date((struct date){year, month, day});
    return ((days * 24 + hour) * 60 + minute) * MS_PER_MINUTE + second * 1000;
}

static const char *text_of(int64_t ms, char out[static 32])
{
    time_words(ms, out);
    out[10] = ' ';
    out[16] = '\0';
    return out;
}

static struct cron_expression parsed(const char *text)
{
    struct cron_expression expression;
    char why[512] = "";
    cr_assert(cron_parse(text, &expression, why, sizeof why), "%s", why);
    return expression;
}

static struct heap heap;

static void begin(void)
{
    heap_init(&heap);
}

static void end(void)
{
    heap_done(&heap);
}

static struct time_zone zone_of(const char *name)
{
    static unsigned char data[ZONE_FILE_MAX];
    char why[200] = "";
    struct time_zone zone;
    long size = time_zone_known(name) ? 0 : zone_file_read(NULL, name, data, sizeof data);
    cr_assert_geq(size, 0, "%s: %s", name, strerror((int)-size));
    cr_assert(time_zone_init(&zone, &heap, name, data, (size_t)size, why, sizeof why), "%s", why);
    return zone;
}

TestSuite(cron, .init = begin, .fini = end);

/* ---- the calendar ---- */

Test(cron, every_day_of_ten_thousand_years_has_its_date)
{
    struct date expected = {1, 1, 1};
    unsigned weekday = 1; /* the 1st of January of the year 1 was a Monday */
    for (int64_t days = days_of_date(expected); expected.year <= YEAR_MAX; ++days) {
        struct date date = date_of_days(days);
        cr_assert(date.year == expected.year && date.month == expected.month &&
                  date.day == expected.day);
        cr_assert_eq(days_of_date(date), days);
        cr_assert_eq(weekday_of_days(days), weekday);
        weekday = (weekday + 1) % 7;
        if (++expected.day > month_length(expected.year, expected.month)) {
            expected.day = 1;
            if (++expected.month > 12) {
                expected.month = 1;
                ++expected.year;
            }
        }
    }
    char text[32];
    cr_assert_str_eq(time_words(0, text), "1970-01-01T00:00:00Z");
    cr_assert_str_eq(time_words(-1, text), "1969-12-31T23:59:59Z");
    cr_assert_str_eq(time_words(951868799999, text), "2000-02-29T23:59:59Z");
}

/* ---- expressions ---- */

static void expect_values(const char *expression, enum cron_field field, const char *expected)
{
    char values[256] = "";
    uint64_t bits = parsed(expression).values[field];
    for (unsigned value = 0; value < 64; ++value)
        if (bits >> value & 1)
            snprintf(values + strlen(values), sizeof values - strlen(values), "%s%u",
                     *values ? "," : "", value);
    cr_assert_str_eq(values, expected, "%s", expression);
}

Test(cron, c91_steps_count_from_the_first_value)
{
    expect_values("* 0/12 * * *", CRON_HOUR, "0,12");
    expect_values("* 1/7 * * *", CRON_HOUR, "1,8,15,22");
    expect_values("* 1-14/7 * * *", CRON_HOUR, "1,8");
    expect_values("*/15 * * * *", CRON_MINUTE, "0,15,30,45");
    expect_values("* * */10 * *", CRON_DAY, "1,11,21,31");
    expect_values("* * * */5 *", CRON_MONTH, "1,6,11");
    expect_values("* * * FEB/4 *", CRON_MONTH, "2,6,10");
    expect_values("* * * * MON-FRI/2", CRON_WEEKDAY, "1,3,5");
    expect_values("58/1 * * * *", CRON_MINUTE, "58,59");
}

Test(cron, lists_ranges_and_names)
{
    expect_values("5,1-3,07,3 * * * *", CRON_MINUTE, "1,2,3,5,7");
    expect_values("\t 1  * \t* * * \n", CRON_MINUTE, "1");
    expect_values("0 0 * JAN,3-APR,DEC *", CRON_MONTH, "1,3,4,12");
    expect_values("0 0 * * SUN,SAT", CRON_WEEKDAY, "0,6");
    expect_values("0 0 * * MON,TUE,WED-FRI", CRON_WEEKDAY, "1,2,3,4,5");
    expect_values("0 0 1 FEB,MAR,MAY-JUL,AUG-OCT/2,NOV *", CRON_MONTH, "2,3,5,6,7,8,10,11");
    expect_values("0 0-23 * * *", CRON_HOUR,
                  "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23");
}

Test(cron, nicknames)
{
    static const char *const same[][2] = {
        {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 JAN *"}, {"@monthly", "0 0 1 * *"},
        {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},      {"@midnight", "0 0 * * *"},
        {"@hourly", "0 * * * *"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; ++i) {
        struct cron_expression a = parsed(same[i][0]), b = parsed(same[i][1]);
        cr_assert_arr_eq(a.values, b.values, sizeof a.values, "%s", same[i][0]);
        cr_assert(!a.reboot);
    }
    struct cron_expression reboot = parsed(" @reboot ");
    struct time_zone utc = zone_of("UTC");
    int64_t ms = 7;
    cr_assert(reboot.reboot);
    cr_assert_not(cron_next(&reboot, &utc, 0, &ms));
    cr_assert_not(cron_last(&reboot, &utc, 0, &ms));
    cr_assert_not(cron_matches(&reboot, &utc, 0));
    cr_assert_eq(ms, 7);
}

/* What is refused, and a piece of the advice. */
static const struct {
    const char *text, *advice;
} refused[] = {
    {"", "has 0 fields; write five"},
    {"* * * *", "has 4 fields"},
    {"0 * * * * *", "there are no seconds"},
    {"60 * * * *", "character 1 (minute): 60 is not in 0-59"},
    {"* 24 * * *", "character 3 (hour): 24 is not in 0-23; midnight is hour 0"},
    {"* * 32 * *", "(day): 32 is not in 1-31"},
    {"* * 0 * *", "(day): 0 is not in 1-31"},
    {"* * * 13 *", "(month): 13 is not in 1-12"},
    {"* * * 0 *", "(month): 0 is not in 1-12"},
    {"* * * * 7", "character 9 (weekday): 7 is not in 0-6; Sunday is 0"},
    {"*/0 * * * *", "character 3 (minute): a step is 1 to 59"},
    {"*/60 * * * *", "it begins anew with each hour"},
    {"* */24 * * *", "it begins anew with each day"},
    {"*/ * * * *", "after / comes a step"},
    {"*/x * * * *", "after / comes a step"},
    {"1-5/0 * * * *", "character 5 (minute): a step"},
    {"0-99999999999999999999 * * * *", "character 3 (minute): 99999999999999999999 is not in"},
    {"0-18446744073709551617 * * * *", "is not in 0-59"},
    {"1/4294967297 * * * *", "a step is 1 to 59"},
    {"9-3 * * * *", "the range goes backwards; write 9-59,0-3"},
    {"* * * * FRI-MON", "the range goes backwards; write 5-6,0-1"},
    {"-5 * * * *", "'-' is not known here"},
    {"1- * * * *", "character 3 (minute): a value is missing"},
    {"1,,2 * * * *", "a value is missing"},
    {", * * * *", "a value is missing"},
    {"1, * * * *", "a value is missing"},
    {"5* * * * *", "'*' is not known here"},
    {"*5 * * * *", "a comma is missing"},
    {"*-5 * * * *", "'-' is not known here"},
    {"1-2-3 * * * *", "'-' is not known here"},
    {"1.5 * * * *", "'.' is not known here"},
    {"ONE * * * *", "'ONE' is no number"},
    {"* JAN * * *", "only months and weekdays have names"},
    {"* * * jan *", "'jan' is no name; write JAN"},
    {"* * * * sun", "'sun' is no name; write SUN"},
    {"* * * * Monday", "'Monday' is no name; write MON"},
    {"* * * MON *", "'MON' is no name; names are JAN to DEC"},
    {"* * * JA *", "names are JAN to DEC"},
    {"0 0 ? * MON", "'?' is not known here; write *"},
    {"0 0 L * *", "'L' is no number"},
    {"0 0 * * 5#3", "'#' is not known here"},
    {"@dayly", "'@dayly' is no nickname; there are @yearly"},
    {"@daily 5", "has 2 fields"},
    {"@reboot now", "is no nickname"},
    {"@", "is no nickname"},
    {"0 0 30 2 *", "character 5 (day): no such day in any of these months"},
    {"0 0 30 FEB *", "it would never be due"},
    {"0 0 31 FEB,4,6-JUN,9,11 *", "it would never be due"},
    {"\xff * * * *", "is not known here"},
};

Test(cron, c90_c92_what_is_wrong_is_refused_with_advice)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; ++i) {
        struct cron_expression untouched = {.reboot = true, .values = {1, 2, 3, 4, 5}},
                               expression = untouched;
        char why[512] = "";
        cr_assert_not(cron_parse(refused[i].text, &expression, why, sizeof why), "%s",
                      refused[i].text);
        cr_assert(strstr(why, refused[i].advice), "%s says: %s", refused[i].text, why);
        cr_assert_arr_eq(&expression, &untouched, sizeof expression);
    }
}

Test(cron, c92_a_leap_day_is_a_day)
{
    expect_values("0 0 29 2 *", CRON_DAY, "29");
    expect_values("0 0 29 FEB MON", CRON_DAY, "29");
    expect_values("0 0 30,1 2 *", CRON_DAY, "1,30");
    expect_values("0 0 31 4,5 *", CRON_MONTH, "4,5");
}

Test(cron, a_long_text_is_refused_and_a_short_buffer_suffices)
{
    char text[CRON_EXPRESSION_MAX + 2], why[8];
    struct cron_expression expression;
    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_assert_not(cron_parse(text, &expression, why, sizeof why));
    cr_assert_eq(strlen(why), sizeof why - 1);
    cr_assert_not(cron_parse("* * * * 9", &expression, why, sizeof why));
    cr_assert_eq(strlen(why), sizeof why - 1);
}

/* ---- the next and the last ---- */

static const struct {
    const char *expression, *now, *next, *last;
} moments[] = {
    {"* * * * *", "2026-11-21 22:40:30", "2026-11-21 22:41", "2026-11-21 22:40"},
    {"* * * * *", "2026-11-21 22:40:00", "2026-11-21 22:41", "2026-11-21 22:39"},
    {"*/7 * * * *", "2026-11-21 22:56:00", "2026-11-21 23:00", "2026-11-21 22:49"},
    {"0 * * * *", "2024-02-29 23:30:00", "2024-03-01 00:00", "2024-02-29 23:00"},
    {"0 0 1 1 *", "2026-06-15 12:00:00", "2027-01-01 00:00", "2026-01-01 00:00"},
    {"0 0 29 2 *", "2026-03-01 00:00:00", "2028-02-29 00:00", "2024-02-29 00:00"},
    {"0 0 29 2 *", "2096-03-01 00:00:00", "2104-02-29 00:00", "2096-02-29 00:00"},
    {"0 12 29 2 MON", "2097-01-01 00:00:00", "2112-02-29 12:00", "2072-02-29 12:00"},
    {"0 0 13 * FRI", "2026-11-14 00:00:00", "2027-08-13 00:00", "2026-11-13 00:00"},
    {"59 23 31 12 *", "2026-12-31 23:59:00", "2027-12-31 23:59", "2025-12-31 23:59"},
    {"0 0 31 * *", "2026-04-01 00:00:00", "2026-05-31 00:00", "2026-03-31 00:00"},
    {"30 4 1,15 * *", "2026-11-15 04:30:00", "2026-12-01 04:30", "2026-11-01 04:30"},
    {"0 9-17/2 * * MON-FRI", "2026-11-20 17:00:00", "2026-11-23 09:00", "2026-11-20 15:00"},
    {"15,45 8 * 6-8 0,6", "2026-09-01 00:00:00", "2027-06-05 08:15", "2026-08-30 08:45"},
    {"0 0 * * 0", "2000-01-01 00:00:00", "2000-01-02 00:00", "1999-12-26 00:00"},
    {"5/20 3 * * *", "2026-12-31 03:45:59", "2027-01-01 03:05", "2026-12-31 03:45"},
    {"0 0 30 4-6/2 *", "2026-05-30 00:00:01", "2026-06-30 00:00", "2026-04-30 00:00"},
    {"*/59 */23 */30 */11 *", "2026-01-31 23:59:00", "2026-12-01 00:00", "2026-01-31 23:00"},
    {"0 0 1 3 *", "1900-02-28 12:00:00", "1900-03-01 00:00", "1899-03-01 00:00"},
    {"0 6 * * WED", "1969-12-31 12:00:00", "1970-01-07 06:00", "1969-12-31 06:00"},
    {"1 1 1 1 1", "2026-01-01 00:00:00", "2029-01-01 01:01", "2024-01-01 01:01"},
    {"23 0-20/2 * * *", "2026-11-21 20:23:00", "2026-11-22 00:23", "2026-11-21 18:23"},
    {"0 22 * * 1-5", "2026-11-20 22:00:00", "2026-11-23 22:00", "2026-11-19 22:00"},
    {"0 0 28-31 2 TUE", "2027-12-31 23:59:59", "2028-02-29 00:00", "2023-02-28 00:00"},
};

Test(cron, c93_the_next_and_the_last)
{
    struct time_zone utc = zone_of("Etc/UTC");
    for (size_t i = 0; i < sizeof moments / sizeof *moments; ++i) {
        struct cron_expression expression = parsed(moments[i].expression);
        int64_t next, last, now = ms_of(moments[i].now);
        char text[32];
        cr_assert(cron_next(&expression, &utc, now, &next));
        cr_assert_str_eq(text_of(next, text), moments[i].next, "%s after %s: %s",
                         moments[i].expression, moments[i].now, text);
        cr_assert(cron_last(&expression, &utc, now, &last));
        cr_assert_str_eq(text_of(last, text), moments[i].last, "%s before %s: %s",
                         moments[i].expression, moments[i].now, text);
        cr_assert(cron_matches(&expression, &utc, next) && cron_matches(&expression, &utc, last));
    }
}

Test(cron, time_ends)
{
    struct time_zone utc = zone_of("UTC");
    struct cron_expression expression = parsed("0 0 29 2 *");
    int64_t ms = 7;
    cr_assert_not(cron_next(&expression, &utc, ms_of("9997-01-01 00:00"), &ms));
    cr_assert_not(cron_last(&expression, &utc, ms_of("0003-01-01 00:00"), &ms));
    cr_assert_not(cron_next(&expression, &utc, INT64_MAX, &ms));
    cr_assert_not(cron_last(&expression, &utc, INT64_MIN + 1, &ms));
    cr_assert_eq(ms, 7);
}

/* ---- time zones ---- */

/* All ticks from the one to the other, UTC. */
static const struct {
    const char *expression, *zone, *from;
    const char *ticks[8];
} zoned[] = {
    {"30 2 * * *",
     "Europe/Berlin",
     "2026-03-27 12:00",
     {"2026-03-28 01:30", "2026-03-29 01:30", "2026-03-30 00:30"}},
    {"30 2 * * *",
     "Europe/Berlin",
     "2026-10-23 12:00",
     {"2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"}},
    {"*/30 2,3 * * *",
     "Europe/Berlin",
     "2026-03-29 00:00",
     {"2026-03-29 01:00", "2026-03-29 01:30"}},
    {"*/30 * * * *",
     "Europe/Berlin",
     "2026-03-29 00:00",
     {"2026-03-29 00:00", "2026-03-29 00:30", "2026-03-29 01:00", "2026-03-29 01:30",
      "2026-03-29 02:00", "2026-03-29 02:30"}},
    {"*/30 * * * *",
     "Europe/Berlin",
     "2026-10-25 00:00",
     {"2026-10-25 00:00", "2026-10-25 00:30", "2026-10-25 01:00", "2026-10-25 01:30",
      "2026-10-25 02:00", "2026-10-25 02:30"}},
    {"30 1-3 * * *",
     "Europe/Berlin",
     "2026-10-24 23:00",
     {"2026-10-24 23:30", "2026-10-25 00:30", "2026-10-25 02:30"}},
    {"0 0 * * *",
     "America/Sao_Paulo",
     "2018-11-03 00:00",
     {"2018-11-03 03:00", "2018-11-04 03:00", "2018-11-05 02:00"}},
    {"15 * * * *",
     "Australia/Lord_Howe",
     "2026-10-03 13:00",
     {"2026-10-03 13:45", "2026-10-03 14:45", "2026-10-03 15:45", "2026-10-03 16:15",
      "2026-10-03 17:15"}},
    {"45 * * * *",
     "Australia/Lord_Howe",
     "2026-04-04 13:00",
     {"2026-04-04 13:45", "2026-04-04 14:45", "2026-04-04 15:15", "2026-04-04 16:15",
      "2026-04-04 17:15"}},
    {"0 12 * * FRI",
     "Pacific/Apia",
     "2011-12-22 00:00",
     {"2011-12-23 22:00", "2011-12-30 22:00", "2012-01-05 22:00"}},
    {"0 9 * * MON-FRI",
     "Asia/Kolkata",
     "2026-11-19 00:00",
     {"2026-11-19 03:30", "2026-11-20 03:30", "2026-11-23 03:30"}},
    {"0 9 1 * *",
     "America/New_York",
     "2026-02-01 00:00",
     {"2026-02-01 14:00", "2026-03-01 14:00", "2026-04-01 13:00"}},
    {"0 3 * * *", "Europe/Dublin", "2050-03-26 00:00", {"2050-03-26 03:00", "2050-03-27 02:00"}},
    {"30 22 * * SAT", "America/Nuuk", "2026-03-27 00:00", {"2026-03-29 00:30"}},
};

static void expect_ticks(const char *zone_name, const char *expression_text, const char *from,
                         const char *const *ticks, size_t count)
{
    struct time_zone zone = zone_of(zone_name);
    struct cron_expression expression = parsed(expression_text);
    int64_t ms = ms_of(from) - 1;
    char text[32];
    for (size_t i = 0; i < count && ticks[i]; ++i) {
        int64_t before = ms, last;
        cr_assert(cron_next(&expression, &zone, ms, &ms));
        cr_assert_str_eq(text_of(ms, text), ticks[i], "%s in %s: tick %zu is %s", expression_text,
                         zone_name, i, text);
        cr_assert(cron_matches(&expression, &zone, ms));
        cr_assert(cron_last(&expression, &zone, ms + 1, &last) && last == ms);
        if (i > 0)
            cr_assert(cron_last(&expression, &zone, ms, &last) && last == before);
    }
}

Test(cron, c87_time_zones_with_their_gaps_and_overlaps)
{
    for (size_t i = 0; i < sizeof zoned / sizeof *zoned; ++i)
        expect_ticks(zoned[i].zone, zoned[i].expression, zoned[i].from, zoned[i].ticks,
                     sizeof zoned[i].ticks / sizeof *zoned[i].ticks);
}

Test(cron, a_rule_is_a_zone_too)
{
    static const char berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3";
    for (size_t i = 0; i < sizeof zoned / sizeof *zoned; ++i)
        if (strcmp(zoned[i].zone, "Europe/Berlin") == 0)
            expect_ticks(berlin, zoned[i].expression, zoned[i].from, zoned[i].ticks,
                         sizeof zoned[i].ticks / sizeof *zoned[i].ticks);
}

static void expect_offset(const char *zone_name, const char *when, int offset)
{
    struct time_zone zone = zone_of(zone_name);
    int64_t minute = ms_of(when) / MS_PER_MINUTE;
    struct zone_span span = time_zone_span(&zone, minute);
    cr_assert_eq(span.offset, offset, "%s at %s: %d", zone_name, when, span.offset);
    cr_assert(span.from <= minute && minute < span.to);
}

Test(cron, offsets_of_all_kinds_of_zones)
{
    expect_offset("Europe/Berlin", "1969-07-01 00:00", 60);
    expect_offset("Europe/Berlin", "2026-07-01 00:00", 120);
    expect_offset("Europe/Berlin", "2126-07-01 00:00", 120); /* beyond what the file lists */
    expect_offset("Europe/Berlin", "2126-12-01 00:00", 60);
    expect_offset("Europe/Dublin", "2050-01-01 00:00", 0); /* winter time is the exception there */
    expect_offset("America/St_Johns", "2026-01-01 00:00", -210);
    expect_offset("Asia/Kathmandu", "2026-01-01 00:00", 345);
    expect_offset("Pacific/Apia", "2011-12-30 09:59", -600);
    expect_offset("Pacific/Apia", "2011-12-30 10:00", 840);
    expect_offset("Etc/GMT+5", "2026-01-01 00:00", -300);
    expect_offset("<+03>-3", "2026-06-01 00:00", 180);
    expect_offset("EST5EDT,0/0,J365/25", "2026-01-01 04:00", -240); /* a summer without end */
    expect_offset("EST5EDT,0/0,J365/25", "2026-12-31 23:00", -240);
    expect_offset("IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-26 23:59", 120);
    expect_offset("IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-27 00:00", 180);
    expect_offset("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29 00:59", -120);
    expect_offset("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29 01:00", -60);
    expect_offset("AAA0BBB,J60/0,J300", "2024-02-29 12:00", 0); /* J60 is March 1st, always */
    expect_offset("AAA0BBB,J60/0,J300", "2024-03-01 00:00", 60);
    expect_offset("AAA0BBB,59/0,J300", "2024-02-29 00:00", 60);
    expect_offset("AAA3:30BBB2:15:40,59/0,J300", "2024-02-29 04:00", -136);
}

static void expect_no_zone(const char *name, const void *data, size_t size, const char *advice)
{
    char why[200] = "";
    struct time_zone zone;
    size_t blocks = heap_blocks(&heap);
    cr_assert_not(time_zone_init(&zone, &heap, name, data, size, why, sizeof why), "%s", name);
    cr_assert(strstr(why, advice), "%s: %s", name, why);
    cr_assert_eq(heap_blocks(&heap), blocks);
}

Test(cron, c90_bad_time_zones_are_refused)
{
    static unsigned char data[ZONE_FILE_MAX];
    static const char *const rules[] = {
        "CET-1CEST,",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/3x",
        "CET-1CEST,M0.5.0,1",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET,M3.5.0,M10.5.0",
        "CE-1CEST,M3.5.0,M10.5.0",
        "<CET-1,M3.5.0,M10.5.0",
        "CET-25,1,2",
        "CET-1CEST,J0,M10.5.0",
        "CET-1CEST,366,M10.5.0",
        "<>",
        "CET-1CEST,M3.5.0/168,M1.1.1",
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; ++i)
        expect_no_zone(rules[i], NULL, 0, "no rule as in CET-1CEST");
    expect_no_zone("", NULL, 0, "1 to 63 characters");
    expect_no_zone("/etc/passwd", NULL, 0, "they look like Europe/Berlin");
    expect_no_zone("../../etc/passwd", NULL, 0, "they look like Europe/Berlin");
    expect_no_zone("Europe/Berlin ", NULL, 0, "they look like Europe/Berlin");
    cr_assert_lt(zone_file_read(NULL, "../../../etc/passwd", data, sizeof data), 0);
    cr_assert_lt(zone_file_read(NULL, "Europe", data, sizeof data), 0); /* a directory */
    cr_assert_lt(zone_file_read(NULL, "Europe/Berlinn", data, sizeof data), 0);
    cr_assert_lt(zone_file_read(NULL, "Europe/Berlin", data, 100), 0);
    expect_no_zone("tzdata.zi", "# version 2025b\n", 16, "they look like");
    expect_no_zone("zone.tab", NULL, 0, "they look like");
    expect_no_zone("leapseconds", "# about leap seconds, and much more of it than forty-four", 57,
                   "no TZif file");
}

/* However a file is cut off or changed, it is refused or read, and nothing else happens. */
Test(cron, damaged_files_are_refused)
{
    static unsigned char data[ZONE_FILE_MAX];
    long size = zone_file_read(NULL, "Europe/Berlin", data, sizeof data);
    cr_assert_gt(size, 0);
    for (size_t cut = 0; cut < (size_t)size; ++cut)
        expect_no_zone("Europe/Berlin", heap_memdup(&heap, data, cut), cut, "");
    for (size_t i = 0; i < (size_t)size; ++i) {
        unsigned char kept = data[i];
        char why[200];
        struct time_zone zone;
        data[i] ^= (unsigned char)(1U << i % 8);
        if (time_zone_init(&zone, &heap, "Europe/Berlin", data, (size_t)size, why, sizeof why))
            for (int64_t minute = -40000000; minute < 60000000; minute += 9999991)
                cr_assert(time_zone_span(&zone, minute).from <= minute);
        data[i] = kept;
    }
}
