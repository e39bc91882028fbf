/* trees.h: the parts of the adapter that puts supervision trees into the world. There is nothing in them but processes
 * that live, end and are kept up, of every kind that supervisors know: it is the runtime that is tested.
 *
 *   plan      which supervisors and workers a tree has, and what operators ask of it     plan.c
 *   tree      a node with one tree; its first process starts the root again and again    tree.c
 *   worker    lives for a while, ends in some way, stops in some way when it is told to  worker.c
 *   operator  starts, stops, restarts and deletes children; after healing it looks
 *             whether the tree is whole again                                            operator.c
 *   belongings  tables, keys, tasks and stages that workers have                         belongings.c
 *   services  servers and partitioned services that workers keep, calls; watching        services.c
 *   sharing   tasks below a supervisor, topics, events to the consumers of partitions    sharing.c
 */
#ifndef SCENARIOS_TREES_H
#define SCENARIOS_TREES_H

#include "harness/system.h"
#include "scenarios/draws.h"
#include "scenarios/host.h"
#include "sut/runtime/supervisor.h"

/* X(ENUM, name, type, fallback lo, hi, min, max, about) */
#define TREE_PARAMS(X)                                                                             \
    X(PROCESSES, "processes", COUNT, 5, 40, 1, 100000, "workers and supervisors of each node")     \
    X(SUPERVISORS, "supervisors", PERCENT, 2500, 2500, 0, 10000, "of them are supervisors")        \
    X(DEPTH, "depth", COUNT, 4, 4, 1, 100000, "supervisors above one another, at most")            \
    X(DYNAMIC, "dynamic", PERCENT, 2000, 2000, 0, 10000,                                           \
      "supervisors that get their children from operators")                                        \
    X(SIMPLE, "simple", PERCENT, 0, 0, 0, 10000, "of these have children of one template")         \
    X(LIMITED, "limited", PERCENT, 0, 0, 0, 10000, "of the others allow only a few children")      \
    X(INTENSITY, "intensity", COUNT, 1, 4, 0, 1000000, "restarts that a supervisor allows ...")    \
    X(PERIOD, "period", COUNT, 1, 5, 1, 1000000, "... in so many seconds")                         \
    X(SIGNIFICANT, "significant", PERCENT, 1000, 1000, 0, 10000,                                   \
      "supervisors that stop when their significant children have ended")                          \
    X(OVER, "over", DURATION, M, 5 * M, S, 24 * H, "how long it goes on")                          \
    X(LIVES, "lives", DURATION, S, 2 * M, MS, 24 * H, "how long a worker lives by itself")         \
    X(CALM, "calm", PERCENT, 3000, 3000, 0, 10000, "of these ends are no failures")                \
    X(STEP, "step", DURATION, 5 * S, 5 * S, MS, H, "how often a worker does something")            \
    X(TRAPPING, "trapping", PERCENT, 5000, 5000, 0, 10000, "workers that trap exits")              \
    X(SLOW, "slow", PERCENT, 2000, 2000, 0, 10000, "of them take their time to stop ...")          \
    X(STOP, "stop", DURATION, 10 * MS, 8 * S, 0, H, "... so much")                                 \
    X(STUBBORN, "stubborn", PERCENT, 500, 500, 0, 10000, "of them do not stop unless killed")      \
    X(BAD_STARTS, "bad starts", PERCENT, 300, 300, 0, 10000, "starts of a worker that fail")       \
    X(IGNORED, "ignored", PERCENT, 100, 100, 0, 10000, "starts that say they are not needed")      \
    X(GOSSIP, "gossip", PERCENT, 0, 0, 0, 10000, "steps in which a worker has to do with another") \
    X(BELONGINGS, "belongings", PERCENT, 0, 0, 0, 10000,                                           \
      "steps in which a worker has to do with tables, keys, tasks and stages")                     \
    X(SERVICES, "services", PERCENT, 0, 0, 0, 10000,                                               \
      "steps in which a worker has to do with servers, partitions, and watches others")            \
    X(SHARING, "sharing", PERCENT, 0, 0, 0, 10000,                                                 \
      "steps in which a worker has to do with supervised tasks, topics, and partitions of events") \
    X(CALLS, "calls", COUNT, 0, 20, 0, 100000, "by operators")

enum tree_param {
#define X(e, ...) T_##e,
    TREE_PARAMS(X)
#undef X
        T_COUNT
};

/* ---- the plan ---- */

enum manner { /* of a worker that is told to stop */
              MANNER_PLAIN,
              MANNER_TRAPS,
              MANNER_ODD, /* with another reason than it was told */
              MANNER_SLOW,
              MANNER_STUBBORN,
};

struct seat { /* of one process in the tree; what is started there knows it */
    struct tree *tree;
    char id[12];
    struct seat *above; /* NULL: the root */
    bool supervisor;
    unsigned depth;
    struct child_spec child;
    struct supervisor_spec spec; /* of a supervisor */
    struct child_spec *children; /* of it, in order; those that operators start too */
    enum manner manner;          /* of a worker */
    int64_t stop_ns;             /* MANNER_SLOW */
    struct seat *itself;         /* below a template: its argument */
    proc_id last;                /* who has it, or had it last */
    proc_id server, partitions;  /* that who had it last keeps, or kept */
    uint64_t starts;             /* since the boot of its node */
    bool meddled;                /* operators had to do with its children */
};

enum action {
    ACTION_TERMINATE,
    ACTION_RESTART,
    ACTION_DELETE,
    ACTION_START,
    ACTION_WHICH,
    ACTION_COUNT,
    ACTION_SIGNAL,
    ACTIONS,
};

struct call {
    int64_t at_ns; /* after the boot of the node */
    enum action action;
    size_t seat;
    enum reason_kind kind; /* ACTION_SIGNAL */
};

struct plan {
    struct seat *seats; /* the root first, each after the one above it */
    size_t seat_count;
    struct call *calls; /* in the order of their times */
    size_t call_count;
};

void tree_draw(struct tree *tree);
void tree_forget(struct plan *plan);
bool seat_is_pool(const struct seat *seat); /* a supervisor that gets its children from operators */

/* ---- nodes ---- */

struct tree {
    struct host host;
    struct trees *trees;
    struct plan plan;
    proc_id init, operators; /* outside of the tree; nobody kills them */
    proc_id root;            /* 0: down */
    bool whole;              /* seen after healing: nothing is missing */
    char missing[120];       /* else: what */
};

struct trees {
    struct world *world;
    struct draws draws;
    int64_t start_ns, over_ns;
    struct tree *trees;
    unsigned tree_count;
};

void tree_init(struct tree *tree, struct trees *trees, unsigned index);
/* Faults are over: what is still down is a failure. */
bool tree_is_healed(const struct tree *tree);

/* What a worker chooses in this life of its: [lo, hi], lo simplest. The nth choice of that name. */
int64_t seat_choose(const struct seat *seat, const char *name, uint64_t nth, int64_t lo,
                    int64_t hi);
/* Has it this property? The param says how likely it is. */
bool seat_chance(const struct seat *seat, const char *name, uint64_t nth, enum tree_param param);

/* A step in which a worker does something, with somebody perhaps. */
struct act {
    struct proc *self;
    const struct seat *seat;
    uint64_t nth;           /* step of its life */
    proc_id whom;           /* 0: one that has not been there yet */
    struct gossip *gossip;  /* what it remembers of others */
    struct belongings *has; /* what is its own */
    struct services *services;
};
struct seat *act_seat(const struct act *act, const struct seat *seat); /* to write to */
struct seat *act_any_seat(const struct act *act, const char *name);
/* Does it, in this step? Then also with whom. The names of the two choices; `param` says how likely it is. */
bool act_begin(struct act *act, const char *does, const char *whom, enum tree_param param);
int64_t act_choose(const struct act *act, const char *name, int64_t hi); /* [0, hi] */
/* One of a few names, so that they are taken: the letter and a digit. */
void act_name(const struct act *act, const char *name, char letter, char out[static 4]);

/* What a worker keeps of what it has to do with others. */
struct gossip {
    uint64_t steps;
    ref_id monitor, alias, timer; /* the last ones */
};

/* A step: perhaps it links, watches, names, tells or stops somebody. */
void gossip_step(struct proc *self, const struct seat *seat, struct gossip *gossip);
void gossip_hear(struct proc *self, const struct message *message);

/* What a worker has, and should not leave behind. */
struct belongings {
    uint64_t steps;
    uint64_t table; /* the last one, or 0 */
    proc_id producer;
    int consumers;
};

/* A step: perhaps it makes, fills, gives away or drops something. */
void belongings_step(struct proc *self, const struct seat *seat, struct belongings *has);
/* The registry of a node, if there are to be belongings. */
void belongings_boot(struct tree *tree);

/* What it keeps for others, or shares out. */
struct services {
    uint64_t steps;
    proc_id source; /* of events */
    bool partitioned;
    int consumers; /* of it */
};

/* A step: perhaps it serves, asks, or watches. */
void services_step(struct proc *self, const struct seat *seat, struct services *has);
/* A step: perhaps it shares something out. */
void sharing_step(struct proc *self, const struct seat *seat, struct services *has);
/* The supervisor of tasks and the hub of a node, if there is to be sharing. */
void sharing_boot(struct tree *tree);

/* arg: struct seat */
void seat_main(struct proc *self, void *arg);
struct started seat_start(struct proc *supervisor, const void *arg);
struct started seat_start_by_template(struct proc *supervisor,
                                      const void *arg); /* arg: a pointer to it */
/* arg: struct tree */
void operators_main(struct proc *self, void *arg);

#endif
