/* The world: order of events, nodes that die and pause, links that lose, faults that are applied. */
#include "harness/world/world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
#define S  (1000 * MS)

POINT_ABOUT("test/world/hit", "a fault point of this test");

/* ---- a small system: each node counts what happens to it ---- */

struct box {
    struct node *node;
    int starts, deaths, stops, ticks;
    bool stops_by_itself;
};

static void tick(void *arg)
{
    struct box *box = arg;
    struct world *world = box->node->world;
    box->ticks++;
    world_at(world, box->node, world_now(world) + S, tick, box);
}

static void box_start(struct node *node, void *ctx)
{
    struct box *box = ctx;
    box->starts++;
    world_at(node->world, node, world_now(node->world) + S, tick, box);
}

static void box_stop(struct node *node, void *ctx)
{
    struct box *box = ctx;
    box->stops++;
    if (box->stops_by_itself)
        node_stopped(node);
}

static void box_dead(struct node *node, void *ctx)
{
    (void)node;
    ((struct box *)ctx)->deaths++;
}

static bool box_can_stall(struct node *node, struct point_site *at)
{
    (void)node, (void)at;
    return false;
}

__attribute__((noreturn)) static void box_leave(struct node *node, struct point_site *at)
{
    (void)at;
    world_escape(node->world);
}

static const struct node_ops box_ops = {.start = box_start,
                                        .stop = box_stop,
                                        .dead = box_dead,
                                        .crash = box_leave,
                                        .leave = box_leave,
                                        .can_stall = box_can_stall};

struct fixture {
    struct tape *tape;
    struct trace *trace;
    struct world *world;
    struct box a, b;
};

static struct fixture *setup(unsigned nodes_down)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->tape = tape_new(1);
    f->trace = trace_new();
    f->world = world_new(f->tape, f->trace, (struct budget){.nodes_down = nodes_down});
    f->a.node = world_node_add(f->world, "a", &box_ops, &f->a);
    f->b.node = world_node_add(f->world, "b", &box_ops, &f->b);
    world_set_phase(f->world, PHASE_SAFETY);
    return f;
}

static void teardown(struct fixture *f)
{
    world_free(f->world);
    trace_free(f->trace);
    tape_free(f->tape);
    free(f);
}

static void run_for(struct fixture *f, int64_t ns)
{
    int64_t until = world_now(f->world) + ns;
    while (world_step(f->world, until))
        ;
}

/* ---- time ---- */

static char order[16];

static void note(void *arg)
{
    strcat(order, arg);
}

Test(world, events_come_by_time_then_by_sequence)
{
    struct fixture *f = setup(0);
    order[0] = '\0';
    world_at(f->world, NULL, 3 * S, note, "d");
    world_at(f->world, NULL, 2 * S, note, "a");
    world_at(f->world, NULL, 2 * S, note, "b");
    world_timer gone = world_at(f->world, NULL, 2 * S, note, "x");
    world_at(f->world, NULL, 2 * S, note, "c");
    cr_expect(world_cancel(f->world, gone));
    cr_expect(!world_cancel(f->world, gone), "only once");
    while (world_step(f->world, 10 * S))
        ;
    cr_expect_str_eq(order, "abcd");
    cr_expect_eq(world_now(f->world), 10 * S, "time goes on to the limit");
    teardown(f);
}

struct firing {
    struct world *world;
    int64_t last_ns;
    int count;
};

static void fire(void *arg)
{
    struct firing *firing = arg;
    cr_assert_geq(world_now(firing->world), firing->last_ns, "time went back");
    firing->last_ns = world_now(firing->world);
    firing->count++;
}

/* Timers in a scrambled order, two thirds of them cancelled in another one: what is left comes in
 * order. */
Test(world, cancelling_leaves_the_order_of_the_others)
{
    enum { COUNT = 999 };
    struct fixture *f = setup(0);
    static world_timer timers[COUNT];
    struct firing firing = {.world = f->world};
    for (int i = 0; i < COUNT; i++)
        timers[i] = world_at(f->world, NULL, 2 * S + (i * 7919) % 1009, fire, &firing);
    for (int i = 0; i < COUNT; i++)
        if (i % 3)
            cr_assert(world_cancel(f->world, timers[(i * 500) % COUNT]));
    while (world_step(f->world, 10 * S))
        ;
    cr_expect_eq(firing.count, COUNT / 3);
    teardown(f);
}

Test(world, time_starts_at_an_odd_number_and_the_past_is_now)
{
    struct fixture *f = setup(0);
    cr_expect_eq(world_now(f->world), WORLD_START_NS);
    order[0] = '\0';
    world_at(f->world, NULL, 5, note, "p");
    cr_expect(world_step(f->world, INT64_MAX));
    cr_expect_eq(world_now(f->world), WORLD_START_NS);
    cr_expect_str_eq(order, "p");
    teardown(f);
}

/* ---- nodes ---- */

Test(node, death_takes_its_events_and_boot_brings_new_ones)
{
    struct fixture *f = setup(2);
    node_boot(f->a.node);
    run_for(f, 3 * S);
    cr_expect_eq(f->a.ticks, 3);
    cr_expect(node_kill(f->a.node, false, false));
    cr_expect(!node_kill(f->a.node, false, false), "already down");
    run_for(f, 5 * S);
    cr_expect_eq(f->a.ticks, 3, "nothing runs while it is down");
    cr_expect_eq(f->a.deaths, 1);
    node_boot_after(f->a.node, S);
    run_for(f, 3 * S);
    cr_expect_eq(f->a.starts, 2);
    cr_expect_eq(f->a.ticks, 5);
    teardown(f);
}

Test(node, the_budget_says_how_many_may_be_down)
{
    struct fixture *f = setup(1);
    node_boot(f->a.node);
    node_boot(f->b.node);
    cr_expect(node_kill(f->a.node, false, false));
    cr_expect(!node_kill(f->b.node, false, false), "the budget is used up");
    node_boot(f->a.node);
    cr_expect(node_kill(f->b.node, false, false), "it is back");
    f->a.node->expendable = false;
    node_boot(f->b.node);
    cr_expect(!node_kill(f->a.node, false, false), "not this one");
    cr_expect(node_kill(f->a.node, false, true), "but by force");
    teardown(f);
}

Test(node, pause_holds_events_back_and_resume_lets_them_go)
{
    struct fixture *f = setup(0);
    node_boot(f->a.node);
    node_pause(f->a.node, 10 * S);
    run_for(f, 5 * S);
    cr_expect_eq(f->a.ticks, 0);
    run_for(f, 6 * S);
    cr_expect_eq(f->a.ticks, 2, "late, then on: %d", f->a.ticks);
    teardown(f);
}

Test(node, an_event_held_back_can_be_cancelled)
{
    struct fixture *f = setup(0);
    node_boot(f->a.node);
    order[0] = '\0';
    world_timer gone = world_at(f->world, f->a.node, 2 * S, note, "x");
    world_at(f->world, f->a.node, 2 * S, note, "a");
    node_pause(f->a.node, 10 * S);
    run_for(f, 5 * S);
    cr_expect(world_cancel(f->world, gone));
    cr_expect(!world_cancel(f->world, gone), "only once");
    run_for(f, 6 * S);
    cr_expect_str_eq(order, "a");
    teardown(f);
}

Test(node, a_graceful_stop_comes_back_and_an_endless_one_is_killed)
{
    struct fixture *f = setup(2);
    f->a.stops_by_itself = true;
    node_boot(f->a.node);
    node_boot(f->b.node);
    node_restart(f->a.node, 5 * S, S);
    node_restart(f->b.node, 5 * S, S);
    cr_expect_eq(f->a.node->state, NODE_DOWN);
    cr_expect_eq(f->b.node->state, NODE_STOPPING);
    run_for(f, 6 * S);
    cr_expect_eq(f->b.deaths, 1);
    run_for(f, 60 * S);
    cr_expect_eq(f->a.starts, 2);
    cr_expect_eq(f->b.starts, 2);
    teardown(f);
}

/* ---- links ---- */

struct letter {
    struct packet packet;
    int *delivered, *lost, *reset;
};

static void letter_deliver(struct packet *packet)
{
    struct letter *letter = (struct letter *)packet;
    ++*letter->delivered;
    free(letter);
}

static void letter_lost(struct packet *packet, enum loss why)
{
    struct letter *letter = (struct letter *)packet;
    ++*(why != LOSS_SILENT ? letter->reset : letter->lost);
    free(letter);
}

static int delivered, lost, reset;

static void post(struct fixture *f)
{
    struct letter *letter = calloc(1, sizeof *letter);
    *letter = (struct letter){.packet = {.deliver = letter_deliver, .lost = letter_lost},
                              .delivered = &delivered,
                              .lost = &lost,
                              .reset = &reset};
    world_send(f->world, f->a.node, f->b.node, &letter->packet);
}

Test(link, delivers_refuses_and_loses)
{
    struct fixture *f = setup(2);
    delivered = lost = reset = 0;
    node_boot(f->a.node);
    node_boot(f->b.node);
    post(f);
    run_for(f, S);
    cr_expect_eq(delivered, 1);
    world_link(f->world, f->a.node, f->b.node)->cut = true;
    post(f);
    run_for(f, S);
    cr_expect_eq(lost, 1, "silently");
    world_link(f->world, f->a.node, f->b.node)->cut = false;
    post(f);
    node_kill(f->b.node, false, false);
    run_for(f, S);
    cr_expect_eq(reset, 1, "refused by the machine");
    post(f);
    node_boot(f->b.node);
    run_for(f, S);
    cr_expect_eq(reset, 2, "another incarnation knows nothing of it");
    post(f);
    teardown(f);
    cr_expect_eq(lost, 2, "what was under way at the end");
}

Test(link, a_paused_receiver_gets_it_later)
{
    struct fixture *f = setup(0);
    delivered = 0;
    node_boot(f->a.node);
    node_boot(f->b.node);
    node_pause(f->b.node, 5 * S);
    post(f);
    run_for(f, 4 * S);
    cr_expect_eq(delivered, 0);
    run_for(f, 2 * S);
    cr_expect_eq(delivered, 1);
    teardown(f);
}

/* ---- faults ---- */

static struct fault next_fault;

static struct fault decide(void *ctx, const struct hit *hit)
{
    (void)ctx, (void)hit;
    return next_fault;
}

static int hit_err;
static bool came_back;

static void hit(void *arg)
{
    struct box *box = arg;
    came_back = false;
    hit_err = FAULT(&box->node->site, "test/world/hit",
                    CAN_ERROR | CAN_TIMEOUT | CAN_KILL | CAN_POWEROFF, T_U64("key", 1));
    came_back = true;
}

static void hit_with(struct fixture *f, struct fault fault)
{
    next_fault = fault;
    world_decider(f->world, decide, NULL);
    world_at(f->world, f->a.node, world_now(f->world), hit, &f->a);
    cr_assert(world_step(f->world, INT64_MAX));
}

Test(sink, applies_what_was_decided)
{
    struct fixture *f = setup(1);
    node_boot(f->a.node);
    hit_with(f, (struct fault){.kind = FAULT_NONE});
    cr_expect_eq(hit_err, 0);
    hit_with(f, (struct fault){.kind = FAULT_ERROR, .err = ENOSPC});
    cr_expect_eq(hit_err, -ENOSPC);
    hit_with(f, (struct fault){.kind = FAULT_TIMEOUT, .lo_ns = 5, .hi_ns = 5});
    cr_expect_eq(hit_err, -ETIMEDOUT);
    hit_with(f, (struct fault){.kind = FAULT_DISCONNECT});
    cr_expect_eq(hit_err, 0, "this point did not declare it");
    hit_with(f, (struct fault){.kind = FAULT_KILL});
    cr_expect(!came_back, "the code is left in the middle");
    cr_expect_eq(f->a.deaths, 1);
    size_t id = (size_t)(registry_find("test/world/hit") - registry_get(0));
    cr_expect_eq(world_hits(f->world, id), 5);
    cr_expect_eq(world_injected(f->world, id, FAULT_ERROR), 1);
    cr_expect_eq(world_injected(f->world, id, FAULT_DISCONNECT), 0);
    run_for(f, 60 * S);
    cr_expect_eq(f->a.starts, 2, "a node that died from a fault comes back");
    teardown(f);
}

Test(sink, no_fault_outside_of_the_safety_phase_nor_beyond_the_budget)
{
    struct fixture *f = setup(0);
    node_boot(f->a.node);
    hit_with(f, (struct fault){.kind = FAULT_KILL});
    cr_expect(came_back, "no node may be down");
    world_heal(f->world);
    hit_with(f, (struct fault){.kind = FAULT_ERROR, .err = EIO});
    cr_expect_eq(hit_err, 0, "everything is healed");
    teardown(f);
}
