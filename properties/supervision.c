/* supervision.c: how often a supervisor may restart. One that gives up takes everything under it down; it may do so only when its children really
 * failed too often. The window is closed at both ends and counted in whole seconds, so nearly one second more than the
 * period can lie in it; and more again by a clock that is slow. */
#include "properties/array.h"
#include "properties/life.h"
#include "properties/table.h"

#include <stdlib.h>

#define SLOWEST_PERCENT 10

struct restarts { /* of one supervisor, all of them, oldest first */
    uint32_t node;
    int64_t *at_ns;
    size_t count, capacity;
    uint64_t intensity, period_s; /* period 0: not known */
};

static struct restarts *restarts_of(struct table *sups, const struct event *event)
{
    uint64_t key = mix64_pair(event->node, event_u64(event, "sup"));
    struct restarts *restarts = TABLE_AT(sups, key, struct restarts);
    restarts->node = event->node;
    return restarts;
}

static void restart_add(struct restarts *restarts, int64_t at_ns)
{
    restarts->at_ns =
        array_grow(restarts->at_ns, restarts->count, &restarts->capacity, sizeof *restarts->at_ns);
    restarts->at_ns[restarts->count++] = at_ns;
}

static void on_restart(struct judge *judge, void *sups, const struct event *event)
{
    restart_add(restarts_of(sups, event), event->time_ns);
    judge_checked(judge);
}

static void on_giveup(struct judge *judge, void *sups, const struct event *event)
{
    struct restarts *restarts = restarts_of(sups, event);
    uint64_t intensity = event_u64(event, "intensity"), period_s = event_u64(event, "period_s");
    int64_t window_ns = (int64_t)(period_s + 1) * (NS_PER_S / 100) * (100 + SLOWEST_PERCENT);
    size_t in_window = 0;
    while (in_window < restarts->count &&
           restarts->at_ns[restarts->count - 1 - in_window] > event->time_ns - window_ns)
        in_window++;
    if (in_window < intensity)
        judge_fail(judge, event, "%s gave up after %zu restarts in %llu s, though %llu are allowed",
                   event_str(event, "label"), in_window, (unsigned long long)period_s,
                   (unsigned long long)intensity);
    restarts->count = 0; /* it is dead */
}

/* A node that boots begins with new processes, perhaps of the same numbers. */
static void on_boot(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct table *sups = ctx;
    for (size_t i = 0; i < sups->count; i++) {
        struct restarts *restarts = table_value(sups, i);
        if (restarts->node == event->node)
            restarts->count = 0;
    }
}

static void restarts_done(void *ctx)
{
    struct table *sups = ctx;
    for (size_t i = 0; i < sups->count; i++)
        free(((struct restarts *)table_value(sups, i))->at_ns);
    table_done(sups);
}

static const struct property_on on[] = {
    {"sup/child/restart", on_restart},
    {"sup/supervisor/giveup", on_giveup},
    {"world/node/start", on_boot},
    {0},
};

TRACE_PROPERTY(
    patient_supervisors, .name = "a supervisor gives up only when its children failed too often",
    .kind = PROPERTY_ALWAYS,
    .about = "Giving up is the end of the node's work. A count that is never cleared ends a "
             "node that meets one crash a day. Trusts the runtime's record of restarts.",
    .state_size = sizeof(struct table), .on = on, .done = restarts_done);

/* ---- restart_intensity ---- */

static void on_start(struct judge *judge, void *sups, const struct event *event)
{
    (void)judge;
    struct restarts *restarts = restarts_of(sups, event);
    restarts->count = 0;
    restarts->intensity = event_u64(event, "intensity");
    restarts->period_s = event_u64(event, "period_s");
}

/* Two restarts that are less than the period apart surely count together (INT-07), even by a clock that is fast. */
static void on_restart_counted(struct judge *judge, void *sups, const struct event *event)
{
    struct restarts *restarts = restarts_of(sups, event);
    if (restarts->period_s == 0)
        return;
    restart_add(restarts, event->time_ns);
    int64_t sure_ns = (int64_t)restarts->period_s * NS_PER_S / (100 + SLOWEST_PERCENT) * 100;
    uint64_t most = restarts->intensity;
    if (restarts->count <= most ||
        restarts->at_ns[restarts->count - 1 - most] <= event->time_ns - sure_ns)
        judge_checked(judge);
    else
        judge_fail(judge, event, "%llu restarts within %llu s, though %llu are allowed: %s again",
                   (unsigned long long)most + 1, (unsigned long long)restarts->period_s,
                   (unsigned long long)most, event_str(event, "child"));
}

static const struct property_on counted_on[] = {
    {"sup/supervisor/start", on_start},
    {"sup/child/restart", on_restart_counted},
    {"world/node/start", on_boot},
    {0},
};

TRACE_PROPERTY(
    restart_intensity, .name = "a supervisor never restarts more often than it may",
    .kind = PROPERTY_ALWAYS,
    .about = "Restarts without a limit hide what is broken for good, and keep it busy. Trusts the "
             "runtime's record of restarts.",
    .state_size = sizeof(struct table), .on = counted_on, .done = restarts_done);
