/* supervisor_internal.h: what the files of the supervisor share. A child's life:
 *
 *     state       becomes            when
 *     (none)      UP                 its start answers ok
 *     (none)      DOWN               its start answers ignore; a temporary one, or one without id, is forgotten
 *     UP          UP                 it ended, and a restart stood
 *     UP          RESTARTING         it ended, and a restart failed: it is tried again after the messages that wait
 *     UP          DOWN               it ended calmly (transient), or was stopped: by a call, or with its group
 *     RESTARTING  UP, DOWN           a try stood, or answered ignore; or a call stopped the trying
 *     DOWN        UP                 restarted by a call, or with its group
 *     any         (none)             deleted; temporary ones and those without id whenever they would be DOWN
 *
 * Children stand in a list in the order of their start, and are found by pid and by id in O(1): trees are wide.
 */
#ifndef SUT_SUPERVISOR_INTERNAL_H
#define SUT_SUPERVISOR_INTERNAL_H

#include "sut/runtime/proc_internal.h"
#include "sut/runtime/supervisor.h"

struct child {
    struct child *prev, *next; /* in the order of start */
    struct id_node by_pid;     /* while it has a pid */
    struct id_node by_id;
    struct child_spec spec; /* a copy, with all it points to */
    proc_id pid;            /* UP: who; RESTARTING: who it was, or 0; DOWN: 0 */
    enum child_state state;
};

/* Restarts by their second, oldest first: one entry for each second that had any. */
struct window {
    struct window_second {
        int64_t second;
        size_t count;
    } * seconds;
    size_t used, capacity;
    size_t total;
};

struct partitions {
    proc_id *pids; /* the last known process of each */
    size_t count;  /* how many there can be */
    size_t open;   /* how many are routed to */
};

struct supervisor {
    struct proc *self;
    struct heap *heap; /* of the process */
    proc_id parent;    /* 0: the driver */
    struct supervisor_spec spec;
    struct child_spec template; /* SIMPLE_ONE_FOR_ONE */
    struct child *children;     /* utlist: children->prev is the last */
    struct id_table by_pid, by_id;
    size_t child_count;
    size_t restarting_count;
    size_t significant_count; /* UP or RESTARTING */
    struct window window;
    struct partitions *partitions; /* NULL: it is no partition supervisor */
};

static inline bool supervisor_has_ids(const struct supervisor *sup)
{
    return sup->spec.strategy < SIMPLE_ONE_FOR_ONE;
}

/* ---- supervisor_spec.c: copies that own what they point to ---- */

const char *restart_name(enum restart_type restart);
const char *strategy_name(enum strategy strategy);
const char *auto_shutdown_name(enum auto_shutdown auto_shutdown);
struct child_spec child_spec_copy(struct heap *heap, const struct child_spec *spec);
void child_spec_release(struct heap *heap, struct child_spec *spec);
void child_spec_forget_body(struct heap *heap, struct child_spec *spec); /* all but the id */
struct supervisor_spec
supervisor_options_copy(struct heap *heap, const struct supervisor_spec *spec); /* no children */
struct supervisor_spec supervisor_spec_copy(struct heap *heap, const struct supervisor_spec *spec);

/* ---- supervisor_children.c: the table of children ---- */

struct child *child_new(struct heap *heap, const struct child_spec *spec);
void child_free(struct supervisor *sup, struct child *child); /* not in the table */
void children_add(struct supervisor *sup, struct child *child);
void child_trace_add(struct supervisor *sup, const struct child *child);
void children_drop(struct supervisor *sup, struct child *child); /* out of the table, and freed */
struct child *children_by_id(const struct supervisor *sup, const char *id);
struct child *children_by_pid(const struct supervisor *sup, proc_id pid);
static inline struct child *children_last(const struct supervisor *sup)
{
    return sup->children ? sup->children->prev : NULL;
}
static inline struct child *child_before(const struct supervisor *sup, const struct child *child)
{
    return child == sup->children ? NULL : child->prev;
}
/* The child is in the table. */
void child_set(struct supervisor *sup, struct child *child, enum child_state state, proc_id pid);
/* Not running any more, and not to be restarted: DOWN, or gone if it is temporary or has no id. */
void child_down(struct supervisor *sup, struct child *child);

/* ---- supervisor_restart.c ---- */

/* Starts it; the child need not be in the table. Whoever calls sets its state. */
void child_launch(struct supervisor *sup, struct child *child, struct started *ret_started);
void children_start(
    struct supervisor *sup); /* the first start of all; a failure ends the process */
/* `reason` is looked at before anything is started. */
void child_ended(struct supervisor *sup, struct child *child, const struct reason *reason);
void child_retry(struct supervisor *sup, const struct message *message);

/* ---- supervisor_stop.c ---- */

void child_stop(struct supervisor *sup, struct child *child); /* if it is UP; leaves its state */
void children_stop(struct supervisor *sup);                   /* all, as their supervisor ends */
_Noreturn void supervisor_end(struct supervisor *sup, struct reason reason);

/* ---- supervisor.c ---- */

proc_main supervisor_main;
struct started supervisor_start_under(struct proc *self, const struct supervisor_spec *spec,
                                      size_t partitions);
/* Its spec is without contradiction: those below a supervisor were looked at with it. */
struct started supervisor_start_checked(struct proc *self, const struct supervisor_spec *spec,
                                        size_t partitions);

/* ---- supervisor_api.c: calls, as they arrive ---- */

enum request_op {
    REQUEST_START,
    REQUEST_RESTART,
    REQUEST_TERMINATE,
    REQUEST_TERMINATE_PID,
    REQUEST_DELETE,
    REQUEST_CHILD,
    REQUEST_WHICH,
    REQUEST_COUNT,
    REQUEST_RESIZE,
};

struct request {
    enum request_op op;
    struct child *child; /* START: in the heap of the supervisor */
    proc_id pid;
    size_t number;
    char id[]; /* ends with a 0 */
};

void request_serve(struct supervisor *sup, const struct message *message);

/* From outside: asks and waits. 0, or an error of those above. The answer is valid until the next receive. */
int supervisor_ask(struct proc *self, proc_id supervisor, const struct request *request,
                   const char *id, const struct message **ret_answer);
struct proc *supervisor_find(struct runtime *runtime, proc_id id, int *ret_err);

/* supervisor_calls.c: what the calls do */
struct started child_add(struct supervisor *sup, struct child *child); /* takes the child over */
struct started child_start_again(struct supervisor *sup, const char *id);
int child_terminate(struct supervisor *sup, const char *id);
int child_terminate_pid(struct supervisor *sup, proc_id pid);
int child_delete(struct supervisor *sup, const char *id);
int partitions_resize(struct supervisor *sup, size_t open);
void partitions_trace(const struct supervisor *sup);

#endif
