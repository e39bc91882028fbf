/* refs.c: what processes hold by number or name: aliases, messages that are sent later, names. Each is good for as long as its
 * kind says, and goes with its process.
 *
 *     alias             ends by unalias   the first message   its monitor's end
 *     explicit          yes               -                   -
 *     reply             yes               yes                 -
 *     demonitor         yes               -                   yes
 *     reply_demonitor   yes               yes                 yes
 */
#include "properties/boots.h"

#include <string.h>

#define CLOCK_PERCENT 10 /* by so much a node's clock may be too fast */

struct holding { /* an alias, a timer or a name, while it is good */
    uint64_t pid;
    bool good;
    bool once, watched; /* an alias: ends by a message, ends with its monitor */
    int64_t due_ns;     /* a timer: not before */
};

struct held {
    struct boots boots;
    struct table dead;     /* by process: bool */
    struct table holdings; /* by ref, or name */
    struct table names;    /* by process: whether it has one */
};

static struct holding *holding_at(struct held *held, const struct event *event, uint64_t id)
{
    return TABLE_AT(&held->holdings, boots_key(&held->boots, event->node, id), struct holding);
}

static struct holding *holding_of(struct held *held, const struct event *event)
{
    return holding_at(held, event, event_u64(event, "ref"));
}

static bool *flag_of(struct table *table, struct held *held, const struct event *event,
                     uint64_t pid)
{
    return TABLE_AT(table, boots_key(&held->boots, event->node, pid), bool);
}

static void on_end(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct held *held = ctx;
    *flag_of(&held->dead, held, event, event_u64(event, "pid")) = true;
}

static void on_gone(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    holding_of(ctx, event)->good = false;
}

/* Must be good, and its process alive. */
static bool holds(struct judge *judge, struct held *held, const struct event *event,
                  const char *what)
{
    const struct holding *holding = holding_of(held, event);
    unsigned long long ref = event_u64(event, "ref");
    judge_checked(judge);
    if (!holding->good)
        judge_fail(judge, event, "%s %llu is good no more", what, ref);
    else if (*flag_of(&held->dead, held, event, holding->pid))
        judge_fail(judge, event, "%s %llu belonged to process %llu, which has ended", what, ref,
                   (unsigned long long)holding->pid);
    else
        return true;
    return false;
}

/* ---- aliases ---- */

static void on_alias(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    const char *kind = event_str(event, "kind");
    *holding_of(ctx, event) = (struct holding){.pid = event_u64(event, "pid"),
                                               .good = true,
                                               .once = strncmp(kind, "reply", 5) == 0,
                                               .watched = strstr(kind, "demonitor") != NULL};
}

static void on_use(struct judge *judge, void *ctx, const struct event *event)
{
    if (holds(judge, ctx, event, "alias") && holding_of(ctx, event)->once)
        holding_of(ctx, event)->good = false;
}

static void on_miss(struct judge *judge, void *ctx, const struct event *event)
{
    struct held *held = ctx;
    const struct holding *holding = holding_of(held, event);
    judge_checked(judge);
    if (holding->good && !*flag_of(&held->dead, held, event, holding->pid))
        judge_fail(judge, event, "a message to alias %llu vanished, though it is good",
                   (unsigned long long)event_u64(event, "ref"));
}

/* The ref of a monitor may be an alias as well. */
static void on_monitor_gone(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    if (holding_of(ctx, event)->watched)
        holding_of(ctx, event)->good = false;
}

/* ---- messages that are sent later ---- */

static void on_set(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    int64_t delay_ns = event_i64(event, "delay_ns");
    *holding_of(ctx, event) =
        (struct holding){.pid = event_u64(event, "to"),
                         .good = true,
                         .due_ns = event->time_ns + delay_ns / 100 * (100 - CLOCK_PERCENT)};
}

static void on_fire(struct judge *judge, void *ctx, const struct event *event)
{
    struct holding *holding = holding_of(ctx, event);
    if (!holds(judge, ctx, event, "timer"))
        return;
    if (event->time_ns < holding->due_ns)
        judge_fail(judge, event, "timer %llu fired %lld ns too early",
                   (unsigned long long)event_u64(event, "ref"),
                   (long long)(holding->due_ns - event->time_ns));
    holding->good = false;
}

/* ---- names ---- */

static uint64_t name_of(const struct event *event)
{
    return hash_text(event_str(event, "name"));
}

static void on_take(struct judge *judge, void *ctx, const struct event *event)
{
    struct held *held = ctx;
    struct holding *holding = holding_at(held, event, name_of(event));
    uint64_t pid = event_u64(event, "pid");
    bool *named = flag_of(&held->names, held, event, pid);
    judge_checked(judge);
    if (holding->good)
        judge_fail(judge, event, "process %llu took the name %s, which %llu has",
                   (unsigned long long)pid, event_str(event, "name"),
                   (unsigned long long)holding->pid);
    if (*named)
        judge_fail(judge, event, "process %llu has two names", (unsigned long long)pid);
    *holding = (struct holding){.pid = pid, .good = true};
    *named = true;
}

static void on_free(struct judge *judge, void *ctx, const struct event *event)
{
    struct held *held = ctx;
    struct holding *holding = holding_at(held, event, name_of(event));
    judge_checked(judge);
    if (!holding->good || holding->pid != event_u64(event, "pid"))
        judge_fail(judge, event, "the name %s was taken from process %llu, which did not have it",
                   event_str(event, "name"), (unsigned long long)event_u64(event, "pid"));
    holding->good = false;
    *flag_of(&held->names, held, event, event_u64(event, "pid")) = false;
}

/* The dead do nothing. */
static void on_spawn(struct judge *judge, void *ctx, const struct event *event)
{
    struct held *held = ctx;
    uint64_t parent = event_u64(event, "parent");
    if (parent && *flag_of(&held->dead, held, event, parent))
        judge_fail(judge, event, "process %llu has ended, and spawned another one",
                   (unsigned long long)parent);
}

static void held_done(void *ctx)
{
    struct held *held = ctx;
    table_done(&held->boots.lives);
    table_done(&held->dead);
    table_done(&held->holdings);
    table_done(&held->names);
}

static const struct property_on on[] = {
    {"proc/process/spawn", on_spawn},
    {"proc/process/exit", on_end},
    {"proc/alias/make", on_alias},
    {"proc/alias/drop", on_gone},
    {"proc/alias/use", on_use},
    {"proc/alias/miss", on_miss},
    {"proc/monitor/down", on_monitor_gone},
    {"proc/monitor/drop", on_monitor_gone},
    {"proc/timer/set", on_set},
    {"proc/timer/fire", on_fire},
    {"proc/timer/cancel", on_gone},
    {"proc/name/take", on_take},
    {"proc/name/free", on_free},
    {"world/node/start", boots_next},
    {0},
};

TRACE_PROPERTY(
    refs_good,
    .name = "aliases, timers and names are good for as long as they say, and go with their process",
    .kind = PROPERTY_ALWAYS,
    .about = "A late reply that still arrives, a timer that outlives its receiver, a name of the "
             "dead: each lets a process act on what is over.",
    .state_size = sizeof(struct held), .on = on, .done = held_done);
