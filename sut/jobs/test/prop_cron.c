/* Cron expressions: the search for ticks against stepping from minute to minute, where clocks are changed, too. */
#include "properties/prop.h"
#include "sut/jobs/calendar.h"
#include "sut/jobs/cron_expression.h"
#include "sut/runtime/heap.h"

#include <stdio.h>
#include <string.h>

#define STEPS_MOST (4 * MINUTES_PER_DAY)

static void heap_free_late(void *heap)
{
    heap_free(heap);
}

static struct time_zone drawn_zone(void)
{
    static const char *const names[] = {"UTC",
                                        "CET-1CEST,M3.5.0,M10.5.0/3",
                                        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
                                        "WEST0EAST-24,J100/0,J200/0",
                                        "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
                                        NULL};
    struct heap *heap = heap_new();
    struct time_zone zone;
    char why[200] = "";
    prop_defer(heap_free_late, heap);
    prop_assert(
        time_zone_init(&zone, heap, names[prop_word("zone", names)], NULL, 0, why, sizeof why),
        "%s", why);
    return zone;
}

static void draw_field(char *out, size_t size, const char *name, int least, int most)
{
    int first = (int)prop_int(name, least, most), last = (int)prop_int(name, first, most);
    int step = (int)prop_int(name, 1, most);
    switch (prop_int(name, 0, 5)) {
    case 0:
    case 1: snprintf(out, size, "*"); break;
    case 2: snprintf(out, size, "*/%d", step); break;
    case 3: snprintf(out, size, "%d", first); break;
    case 4: snprintf(out, size, "%d-%d/%d", first, last, step); break;
    default: snprintf(out, size, "%d,%d-%d", least, first, last); break;
    }
}

static struct cron_expression drawn_expression(void)
{
    char minute[32], hour[32], day[32], month[32], weekday[32], text[200], why[512] = "";
    struct cron_expression expression;
    draw_field(minute, sizeof minute, "minute", 0, 59);
    draw_field(hour, sizeof hour, "hour", 0, 23);
    draw_field(day, sizeof day, "day", 1, 28);
    draw_field(month, sizeof month, "month", 1, 12);
    draw_field(weekday, sizeof weekday, "weekday", 0, 6);
    snprintf(text, sizeof text, "%s %s %s %s %s", minute, hour, day, month, weekday);
    prop_show("expression", "%s", text);
    prop_assert(cron_parse(text, &expression, why, sizeof why), "%s", why);
    return expression;
}

/* In 2026, and often near a change of the clocks. */
static int64_t drawn_time(const struct time_zone *zone)
{
    int64_t minute = days_of_date((struct date){2026, 1, 1}) * MINUTES_PER_DAY +
                     prop_int("minute of the year", 0, 364 * MINUTES_PER_DAY);
    struct zone_span span = time_zone_span(zone, minute);
    if (span.to != INT64_MAX && prop_bool("near a change"))
        minute = span.to + prop_int("minutes from it", -300, 300);
    return minute * MS_PER_MINUTE + prop_int("ms", 0, MS_PER_MINUTE - 1);
}

PROPERTY(cron, next_and_last_leave_no_tick_out, .runs = 300)
{
    struct time_zone zone = drawn_zone();
    struct cron_expression expression = drawn_expression();
    int64_t ms = drawn_time(&zone), next, last;
    prop_assert(cron_next(&expression, &zone, ms, &next) && next > ms);
    prop_assert(cron_last(&expression, &zone, next, &last) && last <= ms);
    prop_cover(10, next - ms < STEPS_MOST * MS_PER_MINUTE, "soon");
    prop_assert(cron_matches(&expression, &zone, next) && cron_matches(&expression, &zone, last));
    int64_t begin = floor_div(ms, MS_PER_MINUTE), end = next / MS_PER_MINUTE;
    for (int64_t at = begin + 1; at < end && at < begin + STEPS_MOST; ++at)
        prop_assert(!cron_matches(&expression, &zone, at * MS_PER_MINUTE), "%lld ms is left out",
                    (long long)(at * MS_PER_MINUTE));
}

/* Whatever the clocks do, what is due in every hour is due at least once in two hours that pass, and what is due once in a day, in two
 * days. */
PROPERTY(cron, no_change_of_the_clocks_loses_a_tick, .runs = 300)
{
    struct time_zone zone = drawn_zone();
    bool hourly = prop_bool("hourly");
    char text[64], why[512] = "";
    struct cron_expression expression;
    snprintf(text, sizeof text, hourly ? "%d * * * *" : "%d %d * * *",
             (int)prop_int("minute", 0, 59), (int)prop_int("hour", 0, 23));
    prop_assert(cron_parse(text, &expression, why, sizeof why), "%s", why);
    int64_t ms = drawn_time(&zone), next;
    prop_assert(cron_next(&expression, &zone, ms, &next));
    prop_assert(next - ms <= (hourly ? 120 : 2 * MINUTES_PER_DAY) * MS_PER_MINUTE, "%s: %lld min",
                text, (long long)((next - ms) / MS_PER_MINUTE));
}
