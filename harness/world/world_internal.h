/* world_internal.h: what the files of the world share. */
#ifndef DURESS_WORLD_INTERNAL_H
#define DURESS_WORLD_INTERNAL_H

#include "harness/world/world.h"

#include <setjmp.h>
#include <uthash.h>

/* A scheduled event. Its slot is reused; `generation` tells an old timer from a new one. */
struct slot {
    int64_t time_ns;
    uint64_t sequence;
    struct node *node; /* NULL: the world's own */
    uint64_t boot;     /* of the node when it was scheduled */
    world_fn *fn;
    void *arg;
    uint32_t generation;
    uint32_t next;  /* in the free list, or in a paused node's list; NO_SLOT ends it */
    size_t at;      /* in the heap; NOT_QUEUED: held back */
    bool cancelled; /* while it was held back */
};

#define NO_SLOT    UINT32_MAX
#define NOT_QUEUED SIZE_MAX

/* Events held back while a node is paused, oldest first. */
struct held {
    uint32_t first, last;
};

struct node_extra { /* the world's own side of a node; same index as node->id - 1 */
    struct held held;
    int64_t paused_until;
    world_timer resume, boot, deadline;
    bool dying;      /* its code is on the stack right now: death is finished after that */
    bool power_loss; /* of that death */
    bool comes_back; /* by itself, after back_ns; -1: after a time drawn from world_back_after */
    int64_t back_ns;
};

struct ordinal_key {
    uint32_t point, node;
    uint64_t key;
};

struct ordinal {
    struct ordinal_key key;
    uint64_t count;
    UT_hash_handle hh;
};

/* They are many, and all of them end with the world. */
struct ordinals {
    struct ordinals *next;
    struct ordinal items[64];
};

struct flying { /* a packet under way */
    struct packet *packet;
    struct world *world;
    world_timer timer; /* its next event */
    struct flying *prev, *next;
};

struct schedule_state; /* schedule.c */
struct hits_by;        /* hits.c */

struct world {
    struct tape *tape;
    struct trace *trace;
    struct budget budget;
    struct point_sink sink;
    struct point_site site;
    int64_t now;
    enum phase phase;
    bool faults_on;

    struct slot *slots;
    uint32_t slot_count, slot_capacity, free_slot;
    uint32_t *heap; /* slot numbers, ordered by (time, sequence) */
    size_t heap_count, heap_capacity;
    uint64_t sequence;

    struct node *nodes, *last_node, *current;
    struct node_extra *extras;
    uint32_t node_count;
    struct link *links;             /* node_count x node_count, [from][to] */
    struct flying *flying, *landed; /* landed: free for the next */
    int64_t back_lo, back_hi;
    int64_t down;  /* nodes killed and not yet back: what the budget counts */
    int64_t wiped; /* disks, so far: likewise */
    int64_t lying; /* disks that have lied: the same */
    size_t dying;  /* nodes to be buried */

    struct schedule_state *schedule; /* NULL: fifo */

    jmp_buf escape;
    bool can_escape;

    world_decide *decide;
    void *decide_ctx;
    struct ordinal *ordinals;               /* by their keys */
    struct ordinals *ordinal_blocks;        /* the first one is being filled */
    size_t ordinals_used;                   /* of it */
    struct ordinal **recent;                /* by point id: the ordinal that was asked for last */
    uint64_t *hits;                         /* by point id */
    struct hits_by *by;                     /* NULL: nobody wants to know more */
    bool *ignored;                          /* by point id: quiet, and nothing speaks of it */
    uint64_t (*injected)[FAULT_KIND_COUNT]; /* by point id */
};

struct node_extra *node_extra(struct node *node);
void clock_init(struct node *node); /* draws where its clocks begin */
void clock_tell(struct node *node); /* records it, unless they are exact */
void world_sink_init(struct world *world);
/* Calls fn on behalf of a node; an escape from anywhere below returns here. An event of nobody may end with such a call. */
void world_call(struct world *world, struct node *node, world_fn *fn, void *arg);
/* Finishes the deaths of nodes whose code was on the stack. */
void world_bury(struct world *world);
/* Events held back are due now. */
void world_release_held(struct world *world, struct held *held);
void schedule_free(struct schedule_state *state);
/* One hit, of a point that may be counted by key and node; only when world->by is there. */
void world_count_hit(struct world *world, size_t point_id, uint32_t node, uint64_t key);
void world_hits_free(struct world *world);
void world_drop_flying(struct world *world);
void link_heal(struct link *link);
bool budget_allows_death(const struct world *world, const struct node *node);

#endif
