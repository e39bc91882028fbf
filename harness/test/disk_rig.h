/* disk_rig.h: a world with one or two nodes and a disk, for the tests of disks and of SQLite on
 * them. */
#ifndef DURESS_TEST_DISK_RIG_H
#define DURESS_TEST_DISK_RIG_H

#include "harness/world/disk.h"
#include "harness/world/world.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

/* A fault at the nth hit, or with a chance of 1 in `one_in` at each hit, of the points whose name
 * begins with `point`. */
struct plan {
    const char *point;
    uint64_t nth, one_in;
    struct fault fault;
    uint64_t seen, injected;
};

struct rig {
    struct tape *tape;
    struct trace *trace;
    struct world *world;
    struct node *node, *other;
    struct disk *disk;
    struct plan plan;
    void (*boot)(struct rig *rig,
                 struct node *node); /* what a node does when it starts; may be NULL */
    void *ctx;
};

static inline void rig_start(struct node *node, void *ctx)
{
    struct rig *rig = ctx;
    if (rig->boot)
        rig->boot(rig, node);
}

static inline void rig_stop(struct node *node, void *ctx)
{
    (void)ctx;
    node_stopped(node);
}

static inline void rig_dead(struct node *node, void *ctx)
{
    (void)node, (void)ctx;
}

static inline void rig_stall(struct node *node, struct point_site *at, int64_t ns)
{
    (void)node, (void)at, (void)ns;
}

__attribute__((noreturn)) static inline void rig_crash(struct node *node, struct point_site *at)
{
    (void)node, (void)at;
    abort();
}

__attribute__((noreturn)) static inline void rig_leave(struct node *node, struct point_site *at)
{
    (void)at;
    world_escape(node->world);
}

static inline bool rig_can_stall(struct node *node, struct point_site *at)
{
    (void)node, (void)at;
    return false;
}

static const struct node_ops rig_ops = {
    .start = rig_start,
    .stop = rig_stop,
    .dead = rig_dead,
    .stall = rig_stall,
    .crash = rig_crash,
    .leave = rig_leave,
    .can_stall = rig_can_stall,
};

static inline bool plan_hits(struct plan *plan, const struct hit *hit)
{
    if (!plan->point || strncmp(hit->point->name, plan->point, strlen(plan->point)) != 0)
        return false;
    plan->seen++;
    if (!plan->one_in)
        return plan->seen == plan->nth;
    struct choice choice = {.stream = STREAM_FAULT,
                            .name = hit->point->name,
                            .node = hit->node->id,
                            .key = hit->key,
                            .ordinal = world_ordinal(hit->world, hit)};
    return tape_chance(world_tape(hit->world), &choice, 1, plan->one_in);
}

static inline struct fault rig_decide(void *ctx, const struct hit *hit)
{
    struct plan *plan = &((struct rig *)ctx)->plan;
    if (!plan_hits(plan, hit))
        return (struct fault){0};
    plan->injected++;
    return plan->fault;
}

static inline void rig_init_budget(struct rig *rig, uint64_t seed, struct budget budget)
{
    rig->tape = tape_new(seed);
    rig->trace = trace_new();
    rig->world = world_new(rig->tape, rig->trace, budget);
    rig->disk = disk_new(rig->world, "disk");
    rig->node = world_node_add(rig->world, "n1", &rig_ops, rig);
    rig->other = world_node_add(rig->world, "n2", &rig_ops, rig);
    rig->node->disk = rig->disk;
    world_back_after(rig->world, SECOND, SECOND);
    world_decider(rig->world, rig_decide, rig);
    world_set_phase(rig->world, PHASE_SAFETY);
}

static inline void rig_init(struct rig *rig, uint64_t seed)
{
    rig_init_budget(rig, seed, (struct budget){.nodes_down = 1});
}

static inline void rig_done(struct rig *rig)
{
    world_free(rig->world);
    disk_free(rig->disk);
    trace_free(rig->trace);
    tape_free(rig->tape);
}

/* Calls fn(arg) as an event of the node, now. */
static inline void rig_run(struct rig *rig, struct node *node, world_fn *fn, void *arg)
{
    world_at(rig->world, node, world_now(rig->world), fn, arg);
    world_step(rig->world, world_now(rig->world));
}

#endif
