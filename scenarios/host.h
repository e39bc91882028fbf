/* host.h: a node of the world that runs processes. The runtime of sut/runtime is driven here by the world, as libuv drives
 * it in jobd: the world calls it when it has something to do, and it says when it wants to be called again. An adapter
 * adds what runs on it.
 *
 * All memory of a node is in one heap; when the node dies, the runtime's stacks and that heap are dropped, nothing else. */
#ifndef SCENARIOS_HOST_H
#define SCENARIOS_HOST_H

#include "harness/world/world.h"
#include "sut/env.h"
#include "sut/runtime/proc.h"

/* Blocking work of one node: a disk does one thing at a time. What a slow or stalled disk costs is added up while
 * the work runs, which takes no time, and then delays its end and everything behind it. */
struct work_desk {
    bool at_work;
    int64_t stalled_ns; /* by the work that runs now */
    int64_t busy_until;
};

/* The first member of what an adapter gives the world as a node's ctx, so that the functions below can be its ops. */
struct host {
    struct world *world;
    struct node *node;
    struct env env;
    struct runtime *runtime; /* NULL: it does not run */
    world_timer wake;
    int64_t wake_ns;
    uint64_t entropies, works; /* ordinals of choices */
    struct work_desk desk;
    struct fiber_pool *threads; /* NULL: there were none yet */
    struct strand *strand;      /* the thread that runs now; NULL: none */
};

/* A heap whose blocks are those of earlier nodes and runs. */
struct heap *host_heap_new(void);

/* At the start of a node: a fresh heap and environment. */
void host_boot(struct host *host);
/* Then, or later: the runtime. What is spawned afterwards runs as the next event. */
void host_run(struct host *host, bool trace_signals);
/* When the node is dead: drops the runtime and the heap. */
void host_dead(struct host *host);

/* For struct node_ops, with node->ctx a struct host. */
bool host_can_stall(struct node *node, struct point_site *at);
void host_stall(struct node *node, struct point_site *at, int64_t ns);
void host_crash(struct node *node, struct point_site *at) __attribute__((noreturn));
void host_leave(struct node *node, struct point_site *at) __attribute__((noreturn));
void host_crash_actor(struct node *node, uint64_t actor);

/* On a thread of the node (thread_start): sleeps, whether it is cancelled or not. */
void host_sleep(struct host *host, int64_t ns);

struct host *host_of_env(struct env *env);
struct host *host_of(struct proc *self);

#endif
