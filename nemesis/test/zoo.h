/* zoo.h: a small world for the tests of the nemesis: points, and nodes on which nothing runs. */
#ifndef DURESS_TEST_ZOO_H
#define DURESS_TEST_ZOO_H

#include "harness/trace/trace.h"
#include "harness/world/world.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static void zoo_start(struct node *node, void *ctx)
{
    (void)node;
    (void)ctx;
}

static void zoo_stop(struct node *node, void *ctx)
{
    (void)ctx;
    node_stopped(node);
}

/* Whoever waits here waits on the main stack: the world goes on inside. */
static void zoo_stall(struct node *node, struct point_site *at, int64_t ns)
{
    int64_t until = world_now(node->world) + ns;
    (void)at;
    while (world_step(node->world, until))
        continue;
}

__attribute__((noreturn)) static void zoo_leave(struct node *node, struct point_site *at)
{
    (void)node;
    (void)at;
    abort(); /* nothing in these tests dies inside its own code */
}

static bool zoo_can_stall(struct node *node, struct point_site *at)
{
    (void)node;
    (void)at;
    return true;
}

static const struct node_ops zoo_ops = {.start = zoo_start,
                                        .stop = zoo_stop,
                                        .dead = zoo_start,
                                        .stall = zoo_stall,
                                        .crash = zoo_leave,
                                        .leave = zoo_leave,
                                        .can_stall = zoo_can_stall};

struct zoo {
    struct tape *tape;
    struct trace *trace;
    struct world *world;
    struct node *nodes[3];
};

static inline struct zoo zoo_open_within(struct tape *tape, struct budget budget)
{
    static const char *const names[] = {"n1", "n2", "n3"};
    struct zoo zoo = {.tape = tape};
    registry_init();
    zoo.trace = trace_new();
    zoo.world = world_new(tape, zoo.trace, budget);
    for (size_t i = 0; i < 3; i++) {
        zoo.nodes[i] = world_node_add(zoo.world, names[i], &zoo_ops, NULL);
        node_boot(zoo.nodes[i]);
    }
    world_set_phase(zoo.world, PHASE_SAFETY);
    return zoo;
}

static inline struct zoo zoo_open(struct tape *tape)
{
    return zoo_open_within(tape, (struct budget){.nodes_down = 1, .links_cut = 64});
}

static inline void zoo_close(struct zoo *zoo)
{
    world_free(zoo->world);
    trace_free(zoo->trace);
    tape_free(zoo->tape);
}

static inline void zoo_run(struct zoo *zoo, int64_t ns)
{
    zoo_stall(zoo->nodes[0], NULL, ns);
}

#define SECOND INT64_C(1000000000)

#endif
