/* fragile_system.h: a system under test that fails when exactly the right things go wrong, for the tests of the
 * shrinker. To be included once per test program, with fake_system.h.
 *
 * `steps` things are done one after the other; each can fail. When the `needs` of them that stand evenly spread all
 * failed (or timed out, for `patience` at least), something wrong is seen. With `late`, only in a run in which the
 * messages were slow; with `other`, something else can go wrong instead; with `dies`, the system aborts; with `anywhere`,
 * any `needs` steps in a row will do. With `things`, so many are drawn, each 0 to 99 heavy, and one must be 60 at least.
 *
 * With `rounds`, there are two actors that each do so many rounds of: lock, read, check and write, unlock. Who finds the
 * lock taken does nothing in this round. Taking the lock can fail unnoticed, and so can the check that nobody has
 * written since the read. Who goes on is the schedule's choice. A lost update, while both are at work, needs one failed
 * lock, one failed check, and two context switches. */
#include "harness/world/schedule.h"

enum fragile_param {
    FRAGILE_STEPS,
    FRAGILE_NEEDS,
    FRAGILE_ROUNDS,
    FRAGILE_LATE,
    FRAGILE_OTHER,
    FRAGILE_DIES,
    FRAGILE_PATIENCE,
    FRAGILE_ANYWHERE,
    FRAGILE_THINGS
};

static const struct param_spec fragile_params[] = {
    [FRAGILE_STEPS] = {"steps", PARAM_COUNT, {0, 0}, 0, 100000, "how many"},
    [FRAGILE_NEEDS] = {"needs", PARAM_COUNT, {1, 1}, 0, 10, "how many must fail"},
    [FRAGILE_ROUNDS] = {"rounds", PARAM_COUNT, {0, 0}, 0, 1000, "of the two actors"},
    [FRAGILE_LATE] = {"late", PARAM_BOOL, {0, 0}, 0, 1, "needs a slow message, the third"},
    [FRAGILE_OTHER] =
        {"other", PARAM_BOOL, {0, 0}, 0, 1, "one failure is enough to break something else"},
    [FRAGILE_DIES] = {"dies", PARAM_BOOL, {0, 0}, 0, 1, "aborts instead"},
    [FRAGILE_PATIENCE] =
        {"patience", PARAM_DURATION, {0, 0}, 0, INT64_MAX, "needs time-outs of this length"},
    [FRAGILE_ANYWHERE] = {"anywhere", PARAM_BOOL, {0, 0}, 0, 1, "any steps in a row will do"},
    [FRAGILE_THINGS] = {"things", PARAM_COUNT, {0, 0}, 0, 1000, "one of them must be heavy"},
};

struct fragile_actor {
    int64_t round, moves;
    int at; /* what comes next: 0 lock, 1 read, 2 check and write, 3 unlock */
    uint64_t read;
    bool locked, idle; /* holds the lock; does nothing in this round */
};

struct fragile {
    struct world *world;
    const struct scenario *scenario;
    struct node *node;
    int64_t step, failed, lateness, heaviest;
    struct fragile_actor actors[2];
    int turn;
    uint64_t value;
    bool broken;
};

POINT_ABOUT("fragile/step/try", "one step, which can fail");
POINT_ABOUT("fragile/wrong/seen", "what the property nothing_breaks forbids");
POINT_ABOUT("fragile/other/seen", "what the property nothing_breaks forbids, too");
POINT_ABOUT("fragile/lock/take", "an actor takes the lock, or fails to");
POINT_ABOUT("fragile/version/check", "an actor checks that nobody has written, or fails to");
POINT_ABOUT("fragile/value/write", "an actor writes");

static int64_t fragile_param(const struct fragile *f, enum fragile_param param)
{
    return f->scenario->params[param].value.lo;
}

static bool fragile_is_needed(const struct fragile *f)
{
    int64_t needs = fragile_param(f, FRAGILE_NEEDS), steps = fragile_param(f, FRAGILE_STEPS);
    if (fragile_param(f, FRAGILE_ANYWHERE))
        return true;
    for (int64_t i = 1; i <= needs; i++)
        if (f->step == i * steps / (needs + 1))
            return true;
    return false;
}

/* How slow the messages were: only the third one counts. */
static void fragile_send(struct fragile *f)
{
    struct choice choice = {.stream = STREAM_NET,
                            .name = "fragile/message/latency",
                            .node = 1,
                            .key = 1,
                            .ordinal = (uint64_t)f->step};
    int64_t latency = tape_between(world_tape(f->world), &choice, 0, 1000);
    if (f->step == 3)
        f->lateness = latency;
}

static void fragile_break(struct fragile *f)
{
    if (fragile_param(f, FRAGILE_LATE) && f->lateness < 70)
        return;
    if (f->scenario->params[FRAGILE_THINGS].value.hi > 0 && f->heaviest < 60)
        return;
    if (fragile_param(f, FRAGILE_DIES)) {
        fprintf(stderr, "fragile.c:1: fragile: Assertion `it holds' failed.\n");
        abort();
    }
    TRACE(world_site(f->world), "fragile/wrong/seen", T_I64("step", f->step));
    f->broken = true;
}

static void fragile_step(struct fragile *f)
{
    struct point_site *at = world_site(f->world);
    f->step++;
    fragile_send(f);
    int err = FAULT(at, "fragile/step/try", CAN_ERROR | CAN_TIMEOUT | CAN_DISCONNECT,
                    T_I64("step", f->step));
    if (fragile_param(f, FRAGILE_PATIENCE) && err != -ETIMEDOUT)
        err = 0;
    if (!err && fragile_param(f, FRAGILE_ANYWHERE))
        f->failed = 0;
    f->failed += err && fragile_is_needed(f);
    if (err && f->step == 2 && fragile_param(f, FRAGILE_OTHER))
        TRACE(at, "fragile/other/seen", T_I64("step", f->step));
    bool counts = f->step == fragile_param(f, FRAGILE_STEPS) || fragile_param(f, FRAGILE_ANYWHERE);
    if (counts && !f->broken && f->failed >= fragile_param(f, FRAGILE_NEEDS))
        fragile_break(f);
}

/* ---- two actors ---- */

static bool fragile_goes(const struct fragile *f, int actor)
{
    const struct fragile_actor *me = &f->actors[actor];
    return me->round < fragile_param(f, FRAGILE_ROUNDS);
}

static bool fragile_at_work(const struct fragile *f)
{
    return f->actors[0].round < fragile_param(f, FRAGILE_ROUNDS) &&
           f->actors[1].round < fragile_param(f, FRAGILE_ROUNDS);
}

static void fragile_write(struct fragile *f, struct fragile_actor *me)
{
    int err = FAULT(world_site(f->world), "fragile/version/check", CAN_ERROR | CAN_DISCONNECT,
                    T_I64("who", me - f->actors));
    if (me->read != f->value && err && fragile_at_work(f))
        fragile_break(f);
    if (me->read == f->value || err)
        f->value++;
    TRACE(world_site(f->world), "fragile/value/write", T_I64("who", me - f->actors));
}

static void fragile_lock(struct fragile *f, int actor)
{
    struct fragile_actor *me = &f->actors[actor];
    int err = FAULT(world_site(f->world), "fragile/lock/take", CAN_ERROR | CAN_DISCONNECT,
                    T_I64("who", actor));
    me->idle = !err && f->actors[!actor].locked;
    me->locked = !err && !me->idle;
}

static void fragile_act(struct fragile *f, int actor)
{
    struct fragile_actor *me = &f->actors[actor];
    me->moves++;
    switch (me->at) {
    case 0: fragile_lock(f, actor); break;
    case 1: me->read = f->value; break;
    case 2:
        if (!me->idle)
            fragile_write(f, me);
        break;
    default:
        me->locked = false;
        me->round++;
        break;
    }
    me->at = (me->at + 1) % 4;
}

/* Simplest: whoever is at it goes on. */
static void fragile_schedule(struct fragile *f)
{
    const uint64_t ready[] = {(uint64_t)f->turn + 1, (uint64_t)!f->turn + 1};
    if (!fragile_goes(f, f->turn))
        f->turn = !f->turn;
    else if (fragile_goes(f, !f->turn) && world_pick(f->world, f->node, ready, 2))
        f->turn = !f->turn;
    fragile_act(f, f->turn);
}

/* ---- the system ---- */

static bool fragile_settled(void *ctx)
{
    const struct fragile *f = ctx;
    return f->broken || (f->step >= fragile_param(f, FRAGILE_STEPS) && !fragile_goes(f, 0) &&
                         !fragile_goes(f, 1));
}

static void fragile_next(void *arg)
{
    struct fragile *f = arg;
    if (f->step < fragile_param(f, FRAGILE_STEPS))
        fragile_step(f);
    else
        fragile_schedule(f);
    if (!fragile_settled(f))
        world_at(f->world, NULL, world_now(f->world) + 1000, fragile_next, f);
}

static void fragile_nothing(struct node *node, void *ctx)
{
    (void)node, (void)ctx;
}

static const struct node_ops fragile_ops = {
    .start = fragile_nothing, .stop = fragile_nothing, .dead = fragile_nothing};

static void fragile_draw_things(struct fragile *f)
{
    struct range things = f->scenario->params[FRAGILE_THINGS].value;
    struct sequence_list list = {
        .usual = (size_t)things.lo, .max = (size_t)things.hi, .even = true, .label = "thing"};
    while (tape_draw_more(world_tape(f->world), &list)) {
        int64_t weight = tape_draw_between(world_tape(f->world), 0, 99);
        f->heaviest = weight > f->heaviest ? weight : f->heaviest;
    }
}

static void *fragile_setup(struct world *world, const struct scenario *scenario)
{
    struct fragile *f = calloc(1, sizeof *f);
    *f = (struct fragile){.world = world, .scenario = scenario};
    fragile_draw_things(f);
    f->node = world_node_add(world, "n1", &fragile_ops, NULL);
    node_boot(f->node);
    world_at(world, NULL, world_now(world), fragile_next, f);
    return f;
}

static bool fragile_pending(void *ctx, char *text, size_t size)
{
    (void)ctx, (void)text, (void)size;
    return false;
}

static void fragile_audit(void *ctx)
{
    (void)ctx;
}

static const struct system fragile_system = {
    .name = "fragile",
    .about = "fails when the right things go wrong",
    .params = fragile_params,
    .param_count = sizeof fragile_params / sizeof *fragile_params,
    .setup = fragile_setup,
    .settled = fragile_settled,
    .pending = fragile_pending,
    .audit = fragile_audit,
    .teardown = free,
};

static void fragile_on_seen(struct judge *judge, void *state, const struct event *event)
{
    (void)state;
    judge_fail(judge, event, "something broke at step %lld", (long long)event_i64(event, "step"));
}

static const struct property_on fragile_on[] = {
    {"fragile/wrong/seen", fragile_on_seen},
    {"fragile/other/seen", fragile_on_seen},
    {0},
};
TRACE_PROPERTY(nothing_breaks, .name = "nothing breaks", .kind = PROPERTY_NEVER,
               .about = "for tests", .on = fragile_on);
