/* tree.h: a reference model of one supervisor, for the property that judges supervisors by it (supervised.c).
 *
 * The model keeps the children in the order of their start and a row of steps that are due: what the supervisor has to do next, one
 * after the other. An event that something happened (a child ended, a call, the order to stop) makes a row of steps by the rules of OTP;
 * an event that the supervisor did something takes the first of them. Whatever does not fit is a failure: the wrong child, the wrong
 * order, one too many, one forgotten.
 */
#ifndef PROPERTIES_TREE_H
#define PROPERTIES_TREE_H

#include "harness/trace/trace.h"
#include <stdbool.h>

enum kid_state { KID_DOWN, KID_UP, KID_RETRY };
enum kid_restart { KID_PERMANENT, KID_TRANSIENT, KID_TEMPORARY };
enum tree_strategy { TREE_ONE, TREE_ALL, TREE_REST, TREE_SIMPLE, TREE_DYNAMIC };
enum tree_auto { TREE_NEVER, TREE_ANY, TREE_ALL_ENDED };

/* X(ENUM, what is due): steps of a supervisor */
#define TREE_STEPS(X)                                                                              \
    X(START, "the start")                                                                          \
    X(ANSWER, "the answer to the start")                                                           \
    X(ADD, "the entry")                                                                            \
    X(STOP, "the stop")                                                                            \
    X(STOPPED, "the end of the stop")                                                              \
    X(DROP, "the removal")                                                                         \
    X(RESTART, "the restart")                                                                      \
    X(SHUTDOWN, "the shutdown after the end")                                                      \
    X(FAILED, "the failure because")

enum step_kind {
#define X(e, text) STEP_##e,
    TREE_STEPS(X)
#undef X
};

struct kid {
    struct kid *prev, *next; /* utlist */
    char name[40];
    uint64_t pid;
    enum kid_state state;
    enum kid_restart restart;
    bool significant;
    bool stopping;     /* one of many that are stopped at once */
    uint64_t failed;   /* RETRY: the number of the failure, */
    int64_t failed_ns; /* and when it was */
};

struct step {
    enum step_kind kind;
    struct kid *kid;
};

/* Why children are being started. */
enum tree_why { WHY_INIT, WHY_RESTART, WHY_CALL };

struct tree {
    uint32_t node;
    uint64_t pid, parent;
    char label[40];
    enum tree_strategy strategy;
    enum tree_auto shutdown;
    uint64_t max; /* children; 0: without limit, UINT64_MAX: none */
    enum tree_why why;
    bool started;      /* the first start of all is over */
    bool ending;       /* it stops everything, and then exits */
    bool free;         /* a call of many steps: what is not impossible is right */
    bool crashed;      /* by a fault, or from outside: it may end in the middle of anything */
    bool lost;         /* it failed, or is dead: not judged any more */
    const char *asked; /* in words, the last call */
    char reason[64];   /* ending: with this */
    struct kid *kids;  /* in the order of start */
    struct kid *fresh; /* being started by a call: not among them yet */
    uint64_t failures;
    struct step *steps;
    size_t step_at, step_count, step_room;
};

void tree_begin(struct tree *tree, const struct event *start);
void tree_done(struct tree *tree);

static inline bool tree_has_ids(const struct tree *tree)
{
    return tree->strategy < TREE_SIMPLE;
}

/* ---- steps ---- */

void step_add(struct tree *tree, enum step_kind kind, struct kid *kid);
const struct step *step_due(const struct tree *tree); /* NULL: none */
void steps_clear(struct tree *tree);
/* "the stop of queue mail" into `out`; "nothing" */
const char *step_text(const struct step *step, char *out, size_t size);

/* ---- children ---- */

struct kid *kid_new(const char *name);
void kid_append(struct tree *tree, struct kid *kid, const struct event *add);
void kid_remove(struct tree *tree, struct kid *kid);
struct kid *kid_named(const struct tree *tree, const char *name);
struct kid *kid_of(const struct tree *tree, uint64_t pid);
/* The one whose failed restart is tried again next, among those without ids. */
struct kid *kid_retried(const struct tree *tree);
bool tree_is_full(const struct tree *tree); /* DYN-04 */
bool tree_significant_left(const struct tree *tree);
/* Its place in the order of ends: forgotten then, if it is temporary or has no id. */
bool kid_goes(const struct tree *tree, const struct kid *kid);

/* ---- rows of steps ---- */

void steps_for_restart(struct tree *tree, struct kid *kid); /* RST-05 .. RST-09 */
void steps_for_end(struct tree *tree, struct kid *kid, bool calm);
void steps_to_stop_all(struct tree *tree);
void steps_for_call(struct tree *tree, const struct event *ask);

#endif
