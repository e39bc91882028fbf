/* shutdowns.c: a child that is stopped has the time that was promised to it, and not more; and who loses its supervisor does not
 * live on for long, unless it was told and chose to (SHUT-11). */
#include "properties/lives.h"

#include <string.h>

#define SLOWEST_PERCENT 10 /* a clock may be off by so much */
#define ORPHAN_NS       (60 * NS_PER_S)
#define SUPERVISOR_NS                                                                              \
    (300 * NS_PER_S) /* one that restarts a group is busy until all of it has stopped */

static long long milliseconds(int64_t ns)
{
    return (long long)(ns / NS_PER_MS);
}

/* ---- stopped_in_time ---- */

struct stop {
    int64_t at_ns, shutdown_ns;
    uint64_t disturbed;
};

struct stops {
    struct lives lives;
    struct table stops; /* by process */
};

static void on_stop(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct stops *all = ctx;
    uint64_t key = boots_key(&all->lives.boots, event->node, event_u64(event, "pid"));
    *TABLE_AT(&all->stops, key, struct stop) =
        (struct stop){.at_ns = event->time_ns,
                      .shutdown_ns = event_i64(event, "shutdown_ns"),
                      .disturbed = lives_time(&all->lives, event->node)->disturbed};
}

static struct stop *stop_of(struct stops *all, const struct event *event)
{
    return table_find(&all->stops,
                      boots_key(&all->lives.boots, event->node, event_u64(event, "pid")));
}

/* It was not too late, or time itself was interfered with. */
static bool in_time(struct stops *all, const struct stop *stop, const struct event *event)
{
    int64_t most = stop->shutdown_ns < 0 ? 0 : stop->shutdown_ns;
    return stop->disturbed != lives_time(&all->lives, event->node)->disturbed ||
           most > INT64_MAX / 2 ||
           event->time_ns - stop->at_ns <= most + most / 100 * SLOWEST_PERCENT + NS_PER_MS;
}

static void on_kill(struct judge *judge, void *ctx, const struct event *event)
{
    struct stop *stop = stop_of(ctx, event);
    if (!stop)
        return;
    int64_t took = event->time_ns - stop->at_ns;
    if (stop->shutdown_ns > took + took / 100 * (SLOWEST_PERCENT + 1) + NS_PER_MS)
        judge_fail(judge, event, "%s was killed after %lld ms, though it had %lld",
                   event_str(event, "child"), milliseconds(took), milliseconds(stop->shutdown_ns));
    else if (!in_time(ctx, stop, event))
        judge_fail(judge, event, "%s was killed only after %lld ms, though it had %lld",
                   event_str(event, "child"), milliseconds(took), milliseconds(stop->shutdown_ns));
    else
        judge_checked(judge);
    stop->shutdown_ns = INT64_MAX; /* when it is gone is no longer its supervisor's business */
}

static void on_stopped(struct judge *judge, void *ctx, const struct event *event)
{
    const struct stop *stop = stop_of(ctx, event);
    if (stop && stop->shutdown_ns >= 0 && !in_time(ctx, stop, event))
        judge_fail(judge, event, "%s took %lld ms to stop, though it had %lld",
                   event_str(event, "child"), milliseconds(event->time_ns - stop->at_ns),
                   milliseconds(stop->shutdown_ns));
    else if (stop)
        judge_checked(judge);
}

static void stops_done(void *ctx)
{
    struct stops *all = ctx;
    table_done(&all->stops);
    lives_done(&all->lives);
}

static const struct property_on stops_on[] = {
    {"sup/child/stop", on_stop},
    {"sup/child/kill", on_kill},
    {"sup/child/stopped", on_stopped},
    ON_NODE_LIVES,
    {0},
};

TRACE_PROPERTY(stopped_in_time, .name = "a child that is stopped has its time, and not more",
               .kind = PROPERTY_ALWAYS,
               .about = "Killed too early, it cannot clean up; waited for too long, it holds up "
                        "everything above. Trusts the runtime's record of stops.",
               .state_size = sizeof(struct stops), .on = stops_on, .done = stops_done);

/* ---- no_orphan ---- */

enum { NOBODY = UINT32_MAX };

struct member { /* a supervised process, or a supervisor */
    char name[40];
    uint32_t node;
    uint64_t sup;
    bool alive, told;
    bool supervisor;
    bool bereft;          /* told that its own supervisor has ended */
    bool late;            /* its end was told to its supervisor after that */
    int64_t orphan_ns;    /* when its supervisor ended; 0: it has one */
    uint32_t first, next; /* of its children, and among its siblings: places in the table */
};

struct members {
    struct lives lives;
    struct table members; /* by process */
};

static uint32_t member_at(struct members *all, uint32_t node, uint64_t pid)
{
    uint64_t key = boots_key(&all->lives.boots, node, pid);
    size_t count = all->members.count;
    struct member *member = TABLE_AT(&all->members, key, struct member);
    if (all->members.count > count)
        *member = (struct member){.node = node, .alive = true, .first = NOBODY, .next = NOBODY};
    size_t size = all->members.entry_size;
    return (uint32_t)(((unsigned char *)member - all->members.entries) / size);
}

static struct member *member_of(const struct members *all, uint32_t place)
{
    return table_value(&all->members, place);
}

static void on_up(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct members *all = ctx;
    uint32_t child = member_at(all, event->node, event_u64(event, "pid"));
    uint32_t sup = member_at(all, event->node, event_u64(event, "sup"));
    struct member *member = member_of(all, child), *above = member_of(all, sup);
    const char *name = event_str(event, "child");
    member->sup = event_u64(event, "sup");
    for (size_t i = 0; i < sizeof member->name - 1 && name[i]; i++)
        member->name[i] = name[i];
    member->next = above->first;
    above->first = child;
}

static void orphan_judge(struct judge *judge, const struct member *member,
                         const struct event *event, int64_t now)
{
    int64_t limit = member->supervisor ? SUPERVISOR_NS : ORPHAN_NS;
    if (now - member->orphan_ns > limit && !member->told)
        judge_fail(judge, event, "%s lived on for %lld ms after its supervisor had ended",
                   member->name, milliseconds(now - member->orphan_ns));
    else
        judge_checked(judge);
}

static void on_exit_of(struct judge *judge, void *ctx, const struct event *event)
{
    struct members *all = ctx;
    struct member *member = table_find(
        &all->members, boots_key(&all->lives.boots, event->node, event_u64(event, "pid")));
    if (!member || !member->alive)
        return;
    member->alive = false;
    if (member->orphan_ns)
        orphan_judge(judge, member, event, event->time_ns);
    for (uint32_t at = member->first; at != NOBODY; at = member_of(all, at)->next)
        if (member_of(all, at)->alive)
            member_of(all, at)->orphan_ns = event->time_ns;
}

static void members_end(struct judge *judge, void *ctx)
{
    struct members *all = ctx;
    int64_t now = judge_now_ns(judge);
    for (size_t i = 0; i < all->members.count; i++) {
        struct member *member = table_value(&all->members, i);
        if (member->alive && member->orphan_ns && lives_runs(&all->lives, member->node))
            orphan_judge(judge, member, NULL, now);
    }
}

/* A supervisor that is told of the end of its own has to end. */
static void on_supervisor(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct members *all = ctx;
    member_of(all, member_at(all, event->node, event_u64(event, "sup")))->supervisor = true;
}

/* It is stopping its children, which may take any time. */
static void on_supervisor_ends(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct members *all = ctx;
    member_of(all, member_at(all, event->node, event_u64(event, "sup")))->told = true;
}

/* One that traps exits, and has got that of its supervisor, lives on by its own doing; not so a supervisor. Only some systems
 * record this. */
static void on_signal(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct members *all = ctx;
    uint64_t from = event_u64(event, "from");
    struct member *to = table_find(
        &all->members, boots_key(&all->lives.boots, event->node, event_u64(event, "to")));
    struct member *sender =
        table_find(&all->members, boots_key(&all->lives.boots, event->node, from));
    if (!to || strcmp(event_str(event, "effect"), "message") != 0)
        return;
    bool from_above = to->orphan_ns && to->sup == from;
    to->told |= from_above && !to->supervisor;
    to->bereft |= from_above;
    if (sender && to->supervisor && to->bereft && !from_above)
        sender->late = true;
}

/* It reads its signals in order: after that of its own supervisor there is nothing to read. */
static void on_end_noticed(struct judge *judge, void *ctx, const struct event *event)
{
    struct members *all = ctx;
    const struct member *member = table_find(
        &all->members, boots_key(&all->lives.boots, event->node, event_u64(event, "pid")));
    if (member && member->late)
        judge_fail(judge, event, "the supervisor of %s goes on, though its own has ended",
                   member->name);
}

/* All of them are gone with it. */
static void on_node_gone(struct judge *judge, void *ctx, const struct event *event)
{
    struct members *all = ctx;
    for (size_t i = 0; i < all->members.count; i++) {
        struct member *member = table_value(&all->members, i);
        member->alive &= member->node != event->node;
    }
    if (strcmp(event->point->name, "world/node/start") == 0)
        lives_boot(judge, ctx, event);
    else
        lives_gone(judge, ctx, event);
}

static void members_done(void *ctx)
{
    struct members *all = ctx;
    table_done(&all->members);
    lives_done(&all->lives);
}

static const struct property_on members_on[] = {
    {"sup/child/up", on_up},
    {"sup/child/end", on_end_noticed},
    {"sup/supervisor/start", on_supervisor},
    {"sup/supervisor/stop", on_supervisor_ends},
    {"sup/supervisor/giveup", on_supervisor_ends},
    {"sup/supervisor/shutdown", on_supervisor_ends},
    {"sup/supervisor/failed", on_supervisor_ends},
    {"proc/process/exit", on_exit_of},
    {"proc/signal/exit", on_signal},
    {"world/node/pause", lives_pause},
    {"world/node/resume", lives_pause},
    ON_NODE_GONE(on_node_gone),
    {0},
};

TRACE_PROPERTY(no_orphan, .name = "nobody lives on for long without a supervisor",
               .kind = PROPERTY_ALWAYS,
               .about = "What outlives its supervisor runs twice when that is started again. A "
                        "child has a minute to notice. Trusts the record of processes.",
               .state_size = sizeof(struct members), .on = members_on, .end = members_end,
               .done = members_done);
