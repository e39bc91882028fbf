/* cron.c: each tick of a cron entry happens once, none is early, none is lost but those that the entry leaves out; and who leads does so
 * while nobody else holds the lease. Trusts what the database records of its own transactions, and reads expressions of the form
 * `* * * * *` and `*`/N * * * *` itself, where N divides 60; entries with others are left alone. */
#include "properties/clocks.h"
#include "properties/life.h"
#include "properties/watch.h"

#include <stdio.h>
#include <string.h>

#define ENTRIES_MOST  64
#define NAME_SIZE     32
#define MS_PER_MINUTE INT64_C(60000)

/* ---- once ---- */

static const struct property_on once_on[] = {
    ON_UNIQUE("store/cron/tick", .by = {"entry", "at_ms"}),
    {0},
};

TRACE_PROPERTY(cron_tick_once, .name = "each tick of a cron entry happens once",
               .kind = PROPERTY_ALWAYS,
               .about = "Two leaders, lost replies and clocks that are set make no second job of a "
                        "minute. Trusts the database's own record.",
               .on = once_on, WATCH(0));

/* ---- not early ---- */

static void early_tick(struct judge *judge, void *ctx, const struct event *event)
{
    (void)ctx;
    int64_t early_ms = event_i64(event, "at_ms") - event_i64(event, "now_ms");
    if (early_ms > 0)
        judge_fail(judge, event, "%s ticks %lld ms too early", event_str(event, "entry"),
                   (long long)early_ms);
    else
        judge_checked(judge);
}

static const struct property_on early_on[] = {{"store/cron/tick", early_tick}, {0}};

TRACE_PROPERTY(cron_not_early, .name = "no tick of a cron entry is early", .kind = PROPERTY_ALWAYS,
               .about = "By the clock of the database, whatever those who lead believe.",
               .on = early_on);

/* ---- none is lost ---- */

struct entry {
    char name[NAME_SIZE];
    int64_t period_ms; /* 0: not of a form that is read here */
    int64_t catch_up;
    int64_t done_ms;  /* -1: unknown */
    int64_t ticks;    /* since then */
    int64_t first_ms; /* of them */
};

struct entries {
    struct entry entries[ENTRIES_MOST];
    size_t count;
};

static struct entry *entry_of(struct entries *entries, const struct event *event)
{
    const char *name = event_str(event, "entry");
    size_t i = 0;
    while (i < entries->count && strncmp(entries->entries[i].name, name, NAME_SIZE - 1) != 0)
        i++;
    if (i == ENTRIES_MOST)
        return NULL;
    if (i == entries->count) {
        snprintf(entries->entries[i].name, NAME_SIZE, "%s", name);
        entries->entries[entries->count++].done_ms = -1;
    }
    return &entries->entries[i];
}

static int64_t period_of(const char *expression)
{
    int minutes = 1;
    char rest = 0;
    if (strcmp(expression, "* * * * *") != 0 &&
        (sscanf(expression, "*/%d * * *%c", &minutes, &rest) != 2 || rest != ' '))
        return 0;
    return minutes > 0 && 60 % minutes == 0 ? minutes * MS_PER_MINUTE : 0;
}

static void lost_put(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct entry *entry = entry_of(ctx, event);
    if (!entry)
        return;
    entry->period_ms = period_of(event_str(event, "expr"));
    entry->catch_up = event_i64(event, "catch_up");
    entry->done_ms = -1;
}

/* It begins anew, or is over. */
static void lost_change(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct entry *entry = entry_of(ctx, event);
    if (entry)
        entry->done_ms = -1;
}

/* A transaction may have lost its events with its node; or its commit failed by the disk, and was done nevertheless. */
static void lost_death(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge, (void)event;
    struct entries *entries = ctx;
    for (size_t i = 0; i < entries->count; i++)
        entries->entries[i].done_ms = -1;
}

static void lost_tick(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct entry *entry = entry_of(ctx, event);
    if (entry && entry->ticks++ == 0)
        entry->first_ms = event_i64(event, "at_ms");
}

/* How many minutes are due after `from`, up to `to`. */
static int64_t due_between(const struct entry *entry, int64_t from_ms, int64_t to_ms)
{
    return to_ms / entry->period_ms - from_ms / entry->period_ms;
}

static const char *lost_why(const struct entry *entry, const struct event *event)
{
    int64_t from_ms = event_i64(event, "from_ms"), to_ms = event_i64(event, "to_ms");
    int64_t due = due_between(entry, from_ms, to_ms), left_out = event_i64(event, "left_out");
    bool late = event_i64(event, "now_ms") - to_ms >= MS_PER_MINUTE;
    int64_t least = entry->catch_up > 0 ? entry->catch_up : !late;
    if (entry->done_ms >= 0 && from_ms > entry->done_ms)
        return "leaves out the time since it was done with last";
    if (entry->ticks + left_out != due)
        return "loses ticks without a word";
    if (entry->ticks < (least < due ? least : due))
        return "makes up for less than it should";
    return NULL;
}

/* Where a clock was set back, minutes come again that have ticked before: nothing is counted there. */
static void lost_done(struct judge *judge, void *ctx, const struct event *event)
{
    struct entry *entry = entry_of(ctx, event);
    if (!entry)
        return;
    bool back = event_i64(event, "to_ms") <= event_i64(event, "from_ms") ||
                (entry->done_ms >= 0 && event_i64(event, "from_ms") < entry->done_ms);
    const char *why = entry->period_ms && !back ? lost_why(entry, event) : NULL;
    if (why)
        judge_fail(
            judge, event, "%s %s: %lld ticks, %lld left out of %lld", entry->name, why,
            (long long)entry->ticks, (long long)event_i64(event, "left_out"),
            (long long)due_between(entry, event_i64(event, "from_ms"), event_i64(event, "to_ms")));
    else if (entry->period_ms && !back)
        judge_checked(judge);
    entry->done_ms = event_i64(event, "to_ms");
    entry->ticks = 0;
}

static const struct property_on lost_on[] = {
    {"store/cron/put", lost_put},        {"store/cron/change", lost_change},
    {"store/cron/tick", lost_tick},      {"store/cron/done", lost_done},
    {"world/node/kill", lost_death},     {"world/node/poweroff", lost_death},
    {"disk/**", lost_death, NULL, true}, {"memory/**", lost_death, NULL, true},
    {"world/disk/loss", lost_death},     {0},
};

TRACE_PROPERTY(cron_none_lost, .name = "no tick of a cron entry is lost", .kind = PROPERTY_ALWAYS,
               .about =
                   "What came due while nobody led, or the database was away, is made up for as "
                   "far as the entry says, and what is left out is said. Counts minutes itself.",
               .state_size = sizeof(struct entries), .on = lost_on);

/* ---- one leader ---- */

struct lead {
    int64_t until_ms, lease_ms; /* of the newest lease; 0: none is known */
};

static void lead_held(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct lead *lead = ctx;
    lead->until_ms = event_i64(event, "until_ms");
    lead->lease_ms = lead->until_ms - event_i64(event, "now_ms");
}

/* A lease that holds for more than twice its time is one of a clock that was set back. */
static void lead_take(struct judge *judge, void *ctx, const struct event *event)
{
    struct lead *lead = ctx;
    int64_t left_ms = lead->until_ms - event_i64(event, "now_ms");
    if (lead->until_ms && left_ms > 0 && left_ms <= 2 * lead->lease_ms)
        judge_fail(judge, event, "%s takes a lease that holds for another %lld ms",
                   event_str(event, "term"), (long long)left_ms);
    else
        judge_checked(judge);
    lead_held(judge, ctx, event);
}

/* Given back; or the database is another one, or lost what it had. */
static void lead_free(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge, (void)event;
    *(struct lead *)ctx = (struct lead){0};
}

static const struct property_on lead_on[] = {
    {"store/leader/take", lead_take},
    {"store/leader/renew", lead_held},
    {"store/leader/resign", lead_free},
    {"world/node/kill", lead_free},
    {"disk/**", lead_free, NULL, true},
    {"memory/**", lead_free, NULL, true},
    {"world/disk/loss", lead_free},
    {"world/node/poweroff", lead_free},
    {0},
};

TRACE_PROPERTY(
    one_leader, .name = "nobody leads while another holds the lease", .kind = PROPERTY_ALWAYS,
    .about = "By the clock of the database: a term takes the lease when it is free, given "
             "back or has run out.",
    .state_size = sizeof(struct lead), .on = lead_on);
