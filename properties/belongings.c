/* belongings.c: what processes have goes with them. A table has one owner, who lives: it is deleted with that, or passes to a heir
 * who lives (ETS-02, ETS-03). A key of a unique registry stands for one process at a time, and for no dead one (REG-01,
 * REG-03). And stages give nobody more events than it asked for (GST-02 .. GST-12).
 *
 * What the end of a process takes along is told right after that end, before anything else begins or ends.
 */
#include "properties/lives.h"

/* ---- belongings_go ---- */

struct thing {
    uint64_t owner; /* 0: nobody's */
};

struct being {
    bool dead;
    uint64_t has; /* tables and entries */
};

struct household {
    struct lives lives;
    struct table beings; /* by process */
    struct table tables; /* by id: struct thing */
    struct table keys;   /* by registry and key, of unique registries: struct thing */
    struct table last;   /* by node: uint64_t, who ended last */
};

static struct being *being_at(struct household *household, const struct event *event, uint64_t pid)
{
    return TABLE_AT(&household->beings, boots_key(&household->lives.boots, event->node, pid),
                    struct being);
}

static struct thing *table_of(struct household *household, const struct event *event)
{
    uint64_t id = event_u64(event, "table");
    return TABLE_AT(&household->tables, boots_key(&household->lives.boots, event->node, id),
                    struct thing);
}

static struct thing *key_of(struct household *household, const struct event *event)
{
    uint64_t id = mix64_pair(event_u64(event, "registry"), hash_text(event_str(event, "key")));
    return TABLE_AT(&household->keys, boots_key(&household->lives.boots, event->node, id),
                    struct thing);
}

static void estate_judge(struct judge *judge, struct household *household,
                         const struct event *event)
{
    uint64_t *last = TABLE_AT(&household->last, event->node, uint64_t);
    if (*last == 0)
        return;
    const struct being *dead = being_at(household, event, *last);
    judge_checked(judge);
    if (dead->has > 0)
        judge_fail(judge, event, "process %llu has ended, and left %llu tables and keys behind",
                   (unsigned long long)*last, (unsigned long long)dead->has);
    *last = 0;
}

static void on_spawn(struct judge *judge, void *ctx, const struct event *event)
{
    estate_judge(judge, ctx, event);
}

static void on_end(struct judge *judge, void *ctx, const struct event *event)
{
    struct household *household = ctx;
    estate_judge(judge, household, event);
    uint64_t pid = event_u64(event, "pid");
    being_at(household, event, pid)->dead = true;
    *TABLE_AT(&household->last, event->node, uint64_t) = pid;
}

static void give(struct judge *judge, struct household *household, const struct event *event,
                 struct thing *thing, const char *field)
{
    uint64_t pid = event_u64(event, field);
    judge_checked(judge);
    if (thing->owner)
        judge_fail(judge, event, "it is that of process %llu already",
                   (unsigned long long)thing->owner);
    if (being_at(household, event, pid)->dead)
        judge_fail(judge, event, "process %llu has ended and is given something",
                   (unsigned long long)pid);
    thing->owner = pid;
    ++being_at(household, event, pid)->has;
}

static void take(struct judge *judge, struct household *household, const struct event *event,
                 struct thing *thing, const char *field)
{
    uint64_t pid = event_u64(event, field);
    struct being *being = being_at(household, event, pid);
    judge_checked(judge);
    if (thing->owner != pid)
        judge_fail(judge, event, "it was taken from process %llu, but is that of %llu",
                   (unsigned long long)pid, (unsigned long long)thing->owner);
    thing->owner = 0;
    being->has -= being->has > 0;
}

static void on_create(struct judge *judge, void *ctx, const struct event *event)
{
    give(judge, ctx, event, table_of(ctx, event), "owner");
}

static void on_delete(struct judge *judge, void *ctx, const struct event *event)
{
    take(judge, ctx, event, table_of(ctx, event), "owner");
}

static void on_transfer(struct judge *judge, void *ctx, const struct event *event)
{
    take(judge, ctx, event, table_of(ctx, event), "from");
    give(judge, ctx, event, table_of(ctx, event), "to");
}

static void on_register(struct judge *judge, void *ctx, const struct event *event)
{
    if (event_u64(event, "unique"))
        give(judge, ctx, event, key_of(ctx, event), "pid");
}

/* Of a duplicate registry nothing is known of the key. */
static void on_unregister(struct judge *judge, void *ctx, const struct event *event)
{
    struct thing *key = key_of(ctx, event);
    if (key->owner)
        take(judge, ctx, event, key, "pid");
}

static void household_done(void *ctx)
{
    struct household *household = ctx;
    lives_done(&household->lives);
    table_done(&household->beings);
    table_done(&household->tables);
    table_done(&household->keys);
    table_done(&household->last);
}

/* Who ended last in a life that is over left nothing that could be seen. */
static void on_boot(struct judge *judge, void *ctx, const struct event *event)
{
    struct household *household = ctx;
    *TABLE_AT(&household->last, event->node, uint64_t) = 0;
    lives_boot(judge, ctx, event);
}

static const struct property_on on_household[] = {
    {"proc/process/spawn", on_spawn},
    {"proc/process/exit", on_end},
    {"ets/table/create", on_create},
    {"ets/table/delete", on_delete},
    {"ets/table/transfer", on_transfer},
    {"registry/entry/register", on_register},
    {"registry/entry/unregister", on_unregister},
    {"world/node/start", on_boot},
    {0},
};

TRACE_PROPERTY(belongings_go,
               .name = "tables and keys go with their process, or pass to one that lives",
               .kind = PROPERTY_ALWAYS,
               .about = "A table without an owner is memory that nobody gives back; a key that "
                        "stands for the dead sends its callers to nobody.",
               .state_size = sizeof(struct household), .on = on_household, .done = household_done);

/* ---- demand_respected ---- */

struct account {
    uint64_t asked, sent;
    bool over;
};

struct accounts {
    struct boots boots;
    struct table accounts; /* by ref of the subscription */
};

static struct account *account_of(struct accounts *all, const struct event *event)
{
    return TABLE_AT(&all->accounts, boots_key(&all->boots, event->node, event_u64(event, "ref")),
                    struct account);
}

static void on_ask(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    account_of(ctx, event)->asked += event_u64(event, "count");
}

static void on_send(struct judge *judge, void *ctx, const struct event *event)
{
    struct account *account = account_of(ctx, event);
    account->sent += event_u64(event, "count");
    judge_checked(judge);
    if (account->over)
        judge_fail(judge, event, "consumer %llu has no subscription any more",
                   (unsigned long long)event_u64(event, "consumer"));
    else if (account->sent > account->asked)
        judge_fail(judge, event, "consumer %llu asked for %llu events and was given %llu",
                   (unsigned long long)event_u64(event, "consumer"),
                   (unsigned long long)account->asked, (unsigned long long)account->sent);
}

static void on_over(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    account_of(ctx, event)->over = true;
}

static void accounts_done(void *ctx)
{
    struct accounts *all = ctx;
    table_done(&all->boots.lives);
    table_done(&all->accounts);
}

static const struct property_on on_accounts[] = {
    {"stage/demand/ask", on_ask},
    {"stage/events/send", on_send},
    {"stage/subscription/end", on_over},
    {"world/node/start", boots_next},
    {0},
};

TRACE_PROPERTY(demand_respected, .name = "stages give nobody more events than it asked for",
               .kind = PROPERTY_ALWAYS,
               .about = "Back-pressure that is not kept is none: the slowest consumer's mailbox "
                        "takes it all.",
               .state_size = sizeof(struct accounts), .on = on_accounts, .done = accounts_done);
