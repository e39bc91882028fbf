/* signals.c: exit signals against their rules (SIG-04 .. SIG-25). A model follows the links and monitors of each process; when one
 * ends it says who is owed what: a signal over each link, a DOWN for each monitor, with the reason of the end, once. What
 * arrives has to be owed, has to do what the receiver's kind and the reason say, and what is owed has to arrive.
 *
 *     signal                                to one that traps exits   to one that does not
 *     `kill` from another's call            ends it, as `killed`      the same
 *     `normal`, but from itself             a message                 nothing
 *     any other                             a message                 ends it, with that reason
 *
 * Trusts the record of links, traps and ends, not that of signals.
 */
#include "properties/array.h"
#include "properties/boots.h"

#include <stdlib.h>
#include <string.h>

#define STALL_MAX_NS (60 * NS_PER_S) /* one that a fault holds up ends when it runs again */

struct refs { /* a list of keys */
    uint64_t *keys;
    size_t count, capacity;
};

struct actor {
    uint64_t pid, life;
    uint32_t node;
    bool alive, traps;
    bool doomed;     /* a signal has ended it, or is about to */
    uint64_t reason; /* of its end, hashed; when doomed, what that will be */
    int64_t doomed_ns;
    struct refs bonds, watchers;
};

enum debt { DEBT_NONE, DEBT_OWED, DEBT_PAID };

struct bond { /* between two processes, by the keys of both in either order */
    bool linked;
    enum debt debt;
    uint64_t to, from; /* keys of actors: who is owed the signal, and whose end it tells */
};

struct watch {                /* a monitor */
    uint64_t watcher, target; /* keys of actors */
    uint64_t ref;
    bool dropped;
    bool once; /* its alias takes it along with the first message */
    enum debt debt;
};

struct signals {
    struct boots boots;
    struct table actors;  /* by process */
    struct table bonds;   /* by pair */
    struct table watches; /* by ref */
};

static void refs_add(struct refs *refs, uint64_t key)
{
    refs->keys = array_grow(refs->keys, refs->count, &refs->capacity, sizeof *refs->keys);
    refs->keys[refs->count++] = key;
}

static uint64_t key_of(struct signals *signals, const struct event *event, const char *field)
{
    return boots_key(&signals->boots, event->node, event_u64(event, field));
}

static struct actor *actor_of(struct signals *signals, const struct event *event, const char *field)
{
    return table_find(&signals->actors, key_of(signals, event, field));
}

static struct bond *bond_of(struct signals *signals, uint64_t a, uint64_t b)
{
    return TABLE_AT(&signals->bonds, a < b ? mix64_pair(a, b) : mix64_pair(b, a), struct bond);
}

/* Does its node still live the life in which it did? */
static bool is_there(struct signals *signals, const struct actor *actor)
{
    return actor && actor->alive && boots_of(&signals->boots, actor->node) == actor->life;
}

/* ---- what processes are ---- */

static void on_spawn(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct signals *signals = ctx;
    uint64_t key = key_of(signals, event, "pid");
    *TABLE_AT(&signals->actors, key, struct actor) =
        (struct actor){.pid = event_u64(event, "pid"),
                       .node = event->node,
                       .life = boots_of(&signals->boots, event->node),
                       .alive = true};
}

static void on_trap(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct actor *actor = actor_of(ctx, event, "pid");
    if (actor)
        actor->traps = event_u64(event, "on") != 0;
}

static void on_link(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct signals *signals = ctx;
    uint64_t a = key_of(signals, event, "pid"), b = key_of(signals, event, "peer");
    struct actor *at_a = table_find(&signals->actors, a), *at_b = table_find(&signals->actors, b);
    if (!at_a || !at_b)
        return;
    *bond_of(signals, a, b) = (struct bond){.linked = true};
    refs_add(&at_a->bonds, b);
    refs_add(&at_b->bonds, a);
}

static void on_unlink(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct signals *signals = ctx;
    bond_of(signals, key_of(signals, event, "pid"), key_of(signals, event, "peer"))->linked = false;
}

static void on_monitor(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct signals *signals = ctx;
    struct actor *target = actor_of(signals, event, "target");
    uint64_t key = key_of(signals, event, "ref");
    *TABLE_AT(&signals->watches, key, struct watch) =
        (struct watch){.ref = event_u64(event, "ref"),
                       .watcher = key_of(signals, event, "watcher"),
                       .target = key_of(signals, event, "target")};
    if (target)
        refs_add(&target->watchers, key);
}

static void on_demonitor(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct signals *signals = ctx;
    struct watch *watch = table_find(&signals->watches, key_of(signals, event, "ref"));
    if (watch)
        watch->dropped = true;
}

static void on_alias(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct signals *signals = ctx;
    struct watch *watch = table_find(&signals->watches, key_of(signals, event, "ref"));
    if (watch)
        watch->once = strcmp(event_str(event, "kind"), "reply_demonitor") == 0;
}

static void on_use(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct signals *signals = ctx;
    struct watch *watch = table_find(&signals->watches, key_of(signals, event, "ref"));
    if (watch && watch->once)
        watch->dropped = true;
}

/* ---- an end, and who is owed what ---- */

static void owe_links(struct signals *signals, uint64_t key, const struct actor *actor)
{
    for (size_t i = 0; i < actor->bonds.count; i++) {
        uint64_t peer = actor->bonds.keys[i];
        struct bond *bond = bond_of(signals, key, peer);
        if (bond->linked)
            *bond = (struct bond){.debt = DEBT_OWED, .to = peer, .from = key};
    }
}

static void owe_downs(struct signals *signals, const struct actor *actor)
{
    for (size_t i = 0; i < actor->watchers.count; i++) {
        struct watch *watch = table_find(&signals->watches, actor->watchers.keys[i]);
        if (!watch->dropped && watch->debt == DEBT_NONE)
            watch->debt = DEBT_OWED;
    }
}

static void on_end(struct judge *judge, void *ctx, const struct event *event)
{
    struct signals *signals = ctx;
    uint64_t reason = hash_text(event_str(event, "reason"));
    struct actor *actor = actor_of(signals, event, "pid");
    if (!actor)
        return;
    judge_checked(judge);
    if (!actor->alive)
        judge_fail(judge, event, "process %llu ended twice", (unsigned long long)actor->pid);
    else if (actor->doomed && actor->reason != reason)
        judge_fail(judge, event, "process %llu ended with %s, and not as the signal that ended it",
                   (unsigned long long)actor->pid, event_str(event, "reason"));
    actor->alive = false;
    actor->reason = reason;
    owe_links(signals, key_of(signals, event, "pid"), actor);
    owe_downs(signals, actor);
}

/* ---- exit signals ---- */

static const char *effect_due(const struct actor *to, const struct event *event)
{
    const char *reason = event_str(event, "reason");
    bool link = event_u64(event, "link") != 0;
    if (!link && strcmp(reason, "kill") == 0)
        return "end";
    if (to->traps)
        return "message";
    bool own = !link && event_u64(event, "from") == to->pid;
    return strcmp(reason, "normal") == 0 && !own ? "nothing" : "end";
}

/* Over a link comes what is owed; or `noproc`, to who links with the dead. */
static bool link_owes(struct signals *signals, const struct event *event)
{
    uint64_t to = key_of(signals, event, "to"), from = key_of(signals, event, "from");
    const struct actor *sender = table_find(&signals->actors, from);
    struct bond *bond = bond_of(signals, to, from);
    uint64_t reason = hash_text(event_str(event, "reason"));
    if (bond->debt == DEBT_OWED && bond->to == to) {
        bond->debt = DEBT_PAID;
        return sender && sender->reason == reason;
    }
    return strcmp(event_str(event, "reason"), "noproc") == 0 && !(sender && sender->alive);
}

static void on_signal(struct judge *judge, void *ctx, const struct event *event)
{
    struct signals *signals = ctx;
    struct actor *to = actor_of(signals, event, "to");
    const char *effect = event_str(event, "effect"), *reason = event_str(event, "reason");
    unsigned long long pid = event_u64(event, "to"), from = event_u64(event, "from");
    if (!to)
        return;
    judge_checked(judge);
    if (!to->alive)
        judge_fail(judge, event, "process %llu got a signal after its end", pid);
    else if (event_u64(event, "link") && !link_owes(signals, event))
        judge_fail(judge, event, "process %llu was told that %llu ended with %s, which it did not",
                   pid, from, reason);
    else if (strcmp(effect, effect_due(to, event)) != 0)
        judge_fail(judge, event,
                   "%s from %llu: process %llu, which %s exits, took it for %s, not %s", reason,
                   from, pid, to->traps ? "traps" : "does not trap", effect, effect_due(to, event));
    if (strcmp(effect, "end") != 0 || to->doomed)
        return;
    bool kill = strcmp(reason, "kill") == 0 && !event_u64(event, "link");
    to->doomed = true;
    to->doomed_ns = event->time_ns;
    to->reason = hash_text(kill ? "killed" : reason);
}

/* ---- DOWNs ---- */

static void on_down(struct judge *judge, void *ctx, const struct event *event)
{
    struct signals *signals = ctx;
    struct watch *watch = table_find(&signals->watches, key_of(signals, event, "ref"));
    const struct actor *target = actor_of(signals, event, "target");
    const char *reason = event_str(event, "reason");
    unsigned long long who = event_u64(event, "watcher"), whom = event_u64(event, "target");
    judge_checked(judge);
    if (!watch) { /* of one that was dead, or a name that nobody had */
        if (strcmp(reason, "noproc") != 0 || (target && target->alive))
            judge_fail(judge, event, "process %llu was told that %llu is not there, and it is", who,
                       whom);
        return;
    }
    if (watch->debt != DEBT_OWED || watch->dropped)
        judge_fail(judge, event, "process %llu got a DOWN about %llu that it is not owed", who,
                   whom);
    else if (target && target->reason != hash_text(reason))
        judge_fail(judge, event, "process %llu was told that %llu ended with %s, which it did not",
                   who, whom, reason);
    watch->debt = DEBT_PAID;
}

/* ---- in the end nothing is owed ---- */

static void links_end(struct judge *judge, struct signals *signals)
{
    for (size_t i = 0; i < signals->bonds.count; i++) {
        const struct bond *bond = table_value(&signals->bonds, i);
        const struct actor *to = table_find(&signals->actors, bond->to);
        const struct actor *from = table_find(&signals->actors, bond->from);
        if (bond->debt == DEBT_OWED && is_there(signals, to))
            judge_fail(judge, NULL, "process %llu of node %u was never told of the end of %llu",
                       (unsigned long long)to->pid, to->node, (unsigned long long)from->pid);
    }
}

static void downs_end(struct judge *judge, struct signals *signals)
{
    for (size_t i = 0; i < signals->watches.count; i++) {
        const struct watch *watch = table_value(&signals->watches, i);
        const struct actor *watcher = table_find(&signals->actors, watch->watcher);
        if (watch->debt == DEBT_OWED && !watch->dropped && is_there(signals, watcher))
            judge_fail(
                judge, NULL, "process %llu of node %u never got the DOWN of its monitor %llu",
                (unsigned long long)watcher->pid, watcher->node, (unsigned long long)watch->ref);
    }
}

static void doomed_end(struct judge *judge, struct signals *signals)
{
    for (size_t i = 0; i < signals->actors.count; i++) {
        const struct actor *actor = table_value(&signals->actors, i);
        if (actor->doomed && is_there(signals, actor) &&
            judge_now_ns(judge) > actor->doomed_ns + STALL_MAX_NS)
            judge_fail(judge, NULL,
                       "process %llu of node %u lives on after the signal that ended it",
                       (unsigned long long)actor->pid, actor->node);
    }
}

static void signals_end(struct judge *judge, void *ctx)
{
    links_end(judge, ctx);
    downs_end(judge, ctx);
    doomed_end(judge, ctx);
}

static void signals_done(void *ctx)
{
    struct signals *signals = ctx;
    for (size_t i = 0; i < signals->actors.count; i++) {
        struct actor *actor = table_value(&signals->actors, i);
        free(actor->bonds.keys);
        free(actor->watchers.keys);
    }
    table_done(&signals->boots.lives);
    table_done(&signals->actors);
    table_done(&signals->bonds);
    table_done(&signals->watches);
}

static const struct property_on on[] = {
    {"proc/process/spawn", on_spawn},
    {"proc/trap/set", on_trap},
    {"proc/link/make", on_link},
    {"proc/link/drop", on_unlink},
    {"proc/monitor/make", on_monitor},
    {"proc/monitor/drop", on_demonitor},
    {"proc/process/exit", on_end},
    {"proc/signal/exit", on_signal},
    {"proc/monitor/down", on_down},
    {"proc/alias/make", on_alias},
    {"proc/alias/use", on_use},
    {"world/node/start", boots_next},
    {0},
};

TRACE_PROPERTY(
    exits_told, .name = "each end is told to whom it concerns, once, and does what the rules say",
    .kind = PROPERTY_ALWAYS,
    .about =
        "Links and monitors are how one process learns of the end of another: a signal that is "
        "lost leaves a system waiting, one too many kills what was well.",
    .state_size = sizeof(struct signals), .on = on, .end = signals_end, .done = signals_done);
