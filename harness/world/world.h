/* world.h: the simulated world. Virtual time, one event queue, nodes, disks, links, and the phases of a run.
 *
 * Everything happens as an event at a virtual time. Events are ordered by (time, sequence number), so equal times
 * keep the order in which they were scheduled. Time starts at an odd non-zero value and jumps to the next event.
 * An event may belong to a node: it is dropped when the node dies first, and waits while the node is paused.
 *
 * What can be lost: at node death everything in that node's memory; at power loss also what its disk has not
 * synced (see disk.h); on a cut link every message, silently; on a reset link with notice.
 *
 * Faults: the world is the sink of all points of its nodes. At a FAULT it asks the decider (the nemesis), then does
 * in this order: wait (delay, timeout), record, apply (return an error, crash the actor, pause, kill the node).
 */
#ifndef DURESS_WORLD_H
#define DURESS_WORLD_H

#include "harness/fault.h"
#include "harness/point.h"
#include "harness/tape/tape.h"
#include "harness/trace/trace.h"

#define WORLD_START_NS INT64_C(1000000007)

struct world;
struct node;
struct disk;

enum phase { PHASE_SETUP, PHASE_SAFETY, PHASE_LIVENESS, PHASE_AUDIT };

/* How much may be broken. A fault beyond it is not injected, so that every failure is a bug.
 * X(field, key in scenario files, type, default, max, about) */
#define BUDGET_KEYS(X)                                                                             \
    X(nodes_down, "nodes down", COUNT, 1, 64, "killed, powered off or stopped, not yet back")      \
    X(links_cut, "links cut", COUNT, 4096, 4096,                                                   \
      "directions between two nodes that carry nothing at the same time")                          \
    X(disks_wiped, "disks wiped", COUNT, 0, 64, "nodes that come back empty, in the whole run")    \
    X(disks_lying, "disks lying", COUNT, 0, 64,                                                    \
      "that report success for what they did not do, or rot, in the whole run")                    \
    X(clock_skew_ns, "clock skew", DURATION, INT64_C(300000000000), INT64_C(31536000000000000),    \
      "how far the wall clock of a node may be off, whoever moves it")                             \
    X(clock_drift, "clock drift", PERCENT, 5, 1000,                                                \
      "how much faster or slower than time the clocks of a node may run")

struct budget {
#define X(field, ...) int64_t field;
    BUDGET_KEYS(X)
#undef X
};

struct world *world_new(struct tape *tape, struct trace *trace, struct budget budget);
/* The run is over: all nodes die, all packets are lost. */
void world_clear(struct world *world);
void world_free(struct world *world); /* clears it first */
struct tape *world_tape(struct world *world);
const struct budget *world_budget(const struct world *world);
struct trace *world_trace(struct world *world);
int64_t world_now(const struct world *world);
enum phase world_phase(const struct world *world);
void world_set_phase(struct world *world, enum phase phase); /* records world/phase/enter */
/* For points of the world itself (clients, upstreams, phases): node 0. Faults there can only be errors. */
struct point_site *world_site(struct world *world);

/* ---- events ---- */

typedef void world_fn(void *arg);
typedef uint64_t world_timer; /* 0: none */

/* Calls fn(arg) at `time` (not before now). node NULL: the world's own. */
world_timer world_at(struct world *world, struct node *node, int64_t time_ns, world_fn *fn,
                     void *arg);
bool world_cancel(struct world *world, world_timer timer);
/* Runs the next event, moving time. false: the queue is empty, or the next event is later than `until_ns`
 * (time then moves to until_ns). */
bool world_step(struct world *world, int64_t until_ns);

/* Leaves the running event in the middle, for ever. From the main stack only (not from a fiber). */
_Noreturn void world_escape(struct world *world);

/* ---- nodes ---- */

/* How a system lives on a node. All are called on the main stack, outside of any fiber of the node, but stall,
 * crash and leave, which are called at the point where the fault hit. */
struct node_ops {
    void (*start)(struct node *node, void *ctx); /* boot: build the system afresh */
    void (*stop)(struct node *node, void *ctx);  /* as SIGTERM: drain, then call node_stopped() */
    void (*dead)(struct node *node,
                 void *ctx); /* the node died: free all its memory, run nothing */
    void (*stall)(struct node *node, struct point_site *at, int64_t ns); /* wait, then return */
    __attribute__((noreturn)) void (*crash)(struct node *node,
                                            struct point_site *at); /* the actor dies */
    __attribute__((noreturn)) void (*leave)(
        struct node *node, struct point_site *at);               /* back to the world, for ever */
    bool (*can_stall)(struct node *node, struct point_site *at); /* is a process running here? */
    /* Optional, both or none: the actors that a nemesis may kill, and killing one, from outside, as by an exit that
     * cannot be trapped. The next one after `after` in ascending order; 0: none is left. */
    uint64_t (*next_actor)(const struct node *node, uint64_t after);
    void (*crash_actor)(struct node *node, uint64_t actor);
};

enum node_state { NODE_DOWN, NODE_UP, NODE_STOPPING };

/* The clocks of a node, as they were at `since_ns`, and how they have been running from then on (clock.c). */
struct clock {
    int64_t since_ns;      /* virtual time */
    int64_t wall_ahead_ns; /* of where the wall clock should be */
    int64_t mono_ahead_ns; /* of virtual time */
    int64_t drift_ppm;     /* of both */
    int64_t own_ppm;       /* what it was drawn as */
    bool stopped;          /* the wall clock stands still */
    int64_t asked_ns,
        told_ns; /* the virtual time at which the monotonic clock was read last, and what it said */
};

struct node {
    struct world *world;
    const char *name; /* "n1", "db" */
    uint32_t id;      /* 1, 2, ... */
    enum node_state state;
    bool paused;
    bool expendable; /* may the nemesis kill it? */
    bool wipeable;   /* may its disk be lost? not when it holds the only copy of something */
    struct clock clock;
    uint64_t boots;
    struct point_site site; /* node-level points of the adapter; owner is the node */
    struct disk *disk;      /* its own, or NULL */
    const struct node_ops *ops;
    void *ctx;
    struct node *next;
};

struct node *world_node_add(struct world *world, const char *name, const struct node_ops *ops,
                            void *ctx);
struct node *world_nodes(struct world *world);   /* list in the order of adding */
struct node *world_current(struct world *world); /* whose event is running, or NULL */

/* ---- clocks ----
 *
 * Each node has a wall clock, which is off, drifts, may step and may stand still, and a monotonic one, which drifts. Where
 * they begin and how they drift is drawn from the tape when the node is added, within the budget; 0 is an exact clock.
 * What changes them is recorded, with where the wall clock is afterwards: world/clock/set, step, drift, stop
 * {by, ahead_ns, ppm}, for properties that judge by the clock of a node. */

int64_t node_wall_ns(const struct node *node); /* ns since 1970 */
int64_t node_mono_ns(const struct node *node); /* never goes back */
/* The first virtual time, from now on, at which the monotonic clock shows this or more, if it goes on like this. */
int64_t node_when_ns(const struct node *node, int64_t mono_ns);
void node_clock_offset(struct node *node,
                       int64_t ahead_ns); /* before it boots: where its wall clock is */
/* Moves the wall clock, forward or back. False: the budget does not allow it to be that far off. */
bool node_clock_step(struct node *node, int64_t by_ns);
/* Both clocks gain so much from now on. The budget limits it. */
void node_clock_drift(struct node *node, int64_t ppm);
/* The wall clock stands still for a while, and stays behind. False: it does, or would be too far off. */
bool node_clock_stop(struct node *node, int64_t for_ns);
void node_clock_go(struct node *node);

void node_boot(struct node *node); /* NODE_DOWN -> NODE_UP; records world/node/start */
/* Asks for a graceful stop; if it did not call node_stopped() within grace_ns it is killed. Either way it boots again
 * back_ns after it went down. Does nothing and returns false when it is not up, or the budget does not allow it. */
bool node_restart(struct node *node, int64_t grace_ns, int64_t back_ns);
void node_stopped(struct node *node);
/* As SIGKILL; with power_loss also crash states for its disk. Called from outside the node. Does nothing and
 * returns false when it is down already, or the budget does not allow it (unless force). */
bool node_kill(struct node *node, bool power_loss, bool force);
/* Kills it, and its disk is empty from then on. false: it is down, may not be wiped, or the budget forbids it. */
bool node_wipe(struct node *node);
/* 0: it has none, is down or paused, or its system does not say. */
uint64_t node_next_actor(const struct node *node, uint64_t after);
void node_crash_actor(struct node *node, uint64_t actor); /* records world/actor/crash */
/* A scripted peer did what the scenario asks of it: `how` is the parameter's name. Records world/node/wrong {key, how}. */
void node_went_wrong(struct node *node, const char *how, uint64_t key);
void node_pause(struct node *node, int64_t ns); /* extends a running pause */
void node_resume(struct node *node);
/* Boots it again after `ns`, unless it is up by then. A node that dies from a fault is booted again by itself,
 * after a time drawn from world_back_after. */
void node_boot_after(struct node *node, int64_t ns);
void world_back_after(struct world *world, int64_t lo_ns, int64_t hi_ns); /* default 1s..30s */

/* ---- links ---- */

/* What a link models decides what can go wrong on it; see link.c. The adapter says which links are datagrams. */
enum link_kind { LINK_STREAM, LINK_DATAGRAM };

/* One direction between two nodes. Shares are in hundredths of a percent; world_heal() zeroes all that ails it. */
struct link {
    enum link_kind kind;
    int64_t latency_lo_ns, latency_hi_ns; /* default 200us..2ms */
    bool cut;                             /* messages vanish */
    bool half_open;                  /* the same, until somebody connects anew: world_reconnect() */
    bool refusing;                   /* messages are turned away, and the sender is told */
    int64_t slow_ns;                 /* added to each latency */
    int64_t tail, tail_ns;           /* this share takes up to so much longer, heavy-tailed */
    int64_t drop;                    /* this share is lost; on a stream: sent again, late */
    int64_t duplicate, duplicate_ns; /* datagram: this share comes twice, within so much time */
    int64_t reorder, reorder_ns;     /* datagram: this share is overtaken, held back by up to ... */
    int64_t each_ns;                 /* the line is busy for so long with each message */
    int64_t last_ns;                 /* stream: delivery time of the newest */
    int64_t free_ns;                 /* until when the line is busy */
    uint64_t sent;                   /* messages so far */
    uint64_t connection;             /* raised by each reset, in both directions */
};

struct link *world_link(struct world *world, struct node *from, struct node *to);
/* Both directions. */
void world_link_kind(struct world *world, struct node *a, struct node *b, enum link_kind kind);
/* Tears the connection between the two: messages under way are lost, and their senders told. */
void world_reset(struct world *world, struct node *a, struct node *b);
/* Which connection it is: changed when it was torn. What was asked on an older one is never answered. */
uint64_t world_connection(struct world *world, struct node *a, struct node *b);
/* One side gave up waiting and connects anew: the end of a half-open connection. */
void world_reconnect(struct world *world, struct node *a, struct node *b);

enum loss {
    LOSS_SILENT,  /* nobody is told; lost() is only for freeing memory */
    LOSS_REFUSED, /* it was turned away: it has surely not arrived, and the sender may be told */
    LOSS_RESET, /* its connection was torn: the sender may be told, and cannot know whether it arrived */
};

/* A message under way. The world owns it from the sending on; exactly one of the first two is called.
 *   deliver: at the receiver, as an event of that node (which is up).
 *   lost:    it will never arrive.
 *   copy:    another one with the same content, for a datagram that comes twice; NULL: it cannot be copied. */
struct packet {
    void (*deliver)(struct packet *packet);
    void (*lost)(struct packet *packet, enum loss why);
    struct packet *(*copy)(const struct packet *packet);
    struct node *from, *to;
    uint64_t from_boot, to_boot; /* filled by world_send: the incarnations at the time of sending */
};
void world_send(struct world *world, struct node *from, struct node *to, struct packet *packet);

/* ---- faults ---- */

struct hit {
    struct world *world;
    struct node *node; /* NULL for the world's own site */
    struct point_site *site;
    const struct point *point;
    const struct point_field *fields;
    unsigned count;
    uint64_t key; /* fields_key(fields) */
};

/* Decides one hit. Not asked outside of PHASE_SAFETY. */
typedef struct fault world_decide(void *ctx, const struct hit *hit);
void world_decider(struct world *world, world_decide *decide, void *ctx);
/* Said by the decider: it will never have anything to say of this point. Of a quiet one it is not asked any more. */
void world_ignore(struct world *world, const struct point *point);
/* Would it be injected: does the point declare it, can it be done here, does the budget allow it? */
bool world_can_inject(const struct hit *hit, const struct fault *fault);
/* Does this budget allow no such fault, wherever and whenever? */
bool budget_rules_out(const struct budget *budget, enum fault_kind kind);
/* How often (point name, node, key) was hit, this time included: the ordinal of choices about this hit. Counts
 * when called; ask once per hit. */
uint64_t world_ordinal(struct world *world, const struct hit *hit);

/* Repairs everything: resumes, boots, restores links and disks; no more faults from now on. Enters
 * PHASE_LIVENESS. */
void world_heal(struct world *world);

/* How often one (point, node, key) was hit: the ordinal of its last hit. */
struct hit_count {
    uint32_t point, node; /* ids */
    uint64_t key, count;
};
/* Of the points that had to be counted (tape_speaks_of()), in the order of their first hits. Heap. */
struct hit_count *world_hit_counts(const struct world *world, size_t *ret_count);
/* Counters for reports: hits and injected faults by point id and kind. */
uint64_t world_hits(const struct world *world, size_t point_id);
uint64_t world_injected(const struct world *world, size_t point_id, enum fault_kind kind);
/* From now on the hits of this point are counted by key and by node as well. */
void world_count_by(struct world *world, size_t point_id);
uint64_t world_hits_with_key(const struct world *world, size_t point_id, uint64_t key);
uint64_t world_hits_on(const struct world *world, size_t point_id, uint32_t node);

#endif
