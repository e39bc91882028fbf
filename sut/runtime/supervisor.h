/* supervisor.h: keeps children running, as OTP's supervisors do (SUP, RST, INT, SHUT, AUTO, API, S1F, DYN rules).
 *
 * A supervisor is a process that traps exits, starts its children in order, restarts the ones that die as their restart
 * type and its strategy say, and gives up (stopping all children in reverse order, exit `shutdown`) when more than
 * `intensity` restarts fall within `period_s` seconds, counted in floor seconds of the monotonic clock.
 *
 *     strategy             children                    what a restart concerns
 *     ONE_FOR_ONE          known by id, in order       the one that died
 *     ONE_FOR_ALL          known by id, in order       all: stopped in reverse order, started in order
 *     REST_FOR_ONE         known by id, in order       the one that died and all that come after it
 *     SIMPLE_ONE_FOR_ONE   many of one template        the one that died
 *     DYNAMIC              any, without ids            the one that died
 *
 * A child spec is a value: designated initialisers, everything that is not named has a sensible default. A child is one of
 *     .main        a process; it counts as started when it is spawned
 *     .start       a function that the supervisor calls, which starts a process linked with it and waits until that stands:
 *                  return proc_start(supervisor, &(struct proc_spec){.main = ...}, timeout_ns);
 *     .supervisor  a supervisor below this one; so a whole tree is one initialiser. Each supervisor keeps a copy of what stands
 *                  under it: where that is a hundred levels deep, let a .start function make the supervisors instead
 */
#ifndef SUT_SUPERVISOR_H
#define SUT_SUPERVISOR_H

#include "sut/runtime/error.h"
#include "sut/runtime/start.h"

enum restart_type { RESTART_PERMANENT, RESTART_TRANSIENT, RESTART_TEMPORARY };
enum child_type { CHILD_WORKER, CHILD_SUPERVISOR };
enum strategy { ONE_FOR_ONE, ONE_FOR_ALL, REST_FOR_ONE, SIMPLE_ONE_FOR_ONE, DYNAMIC };
/* When significant children end by themselves and are not restarted: nothing, or the supervisor stops (exit `shutdown`)
 * with the first of them, or when none of them is left. */
enum auto_shutdown { AUTO_NEVER, AUTO_ANY_SIGNIFICANT, AUTO_ALL_SIGNIFICANT };

#define SHUTDOWN_INFINITY INT64_MAX
#define SHUTDOWN_BRUTAL   INT64_C(-1)
#define SHUTDOWN_AT_ONCE  INT64_C(1) /* asked, and killed without waiting: OTP's 0 */

#define CHILDREN_NONE SIZE_MAX /* max_children: not one */

struct supervisor_spec;

typedef struct started child_start(struct proc *supervisor, const void *arg);

struct child_spec {
    const char *
        id; /* unique within the supervisor; without meaning (may be NULL) where children have no ids */
    proc_main *main;
    child_start *start;
    const struct supervisor_spec *supervisor;
    const void
        *arg; /* arg_size bytes, kept for restarts (RST-23); arg_size 0: the pointer itself */
    size_t arg_size;
    enum restart_type restart;
    enum child_type type; /* a .supervisor is one without saying so */
    int64_t
        shutdown_ns;  /* how long it may take to stop; 0: 5 s, for supervisors SHUTDOWN_INFINITY */
    bool significant; /* only with auto_shutdown, and not permanent (AUTO-01) */
};

struct supervisor_spec {
    const char *label;
    const char
        *name; /* to be registered under; NULL: none. Taken: it fails with "already_started". */
    enum strategy strategy;
    enum auto_shutdown auto_shutdown;
    unsigned intensity;
    unsigned period_s; /* > 0 */
    /* In the order of their start; SIMPLE_ONE_FOR_ONE: the template; DYNAMIC: none. */
    const struct child_spec *children;
    size_t child_count;
    size_t max_children;   /* DYNAMIC: as many at once; 0: without limit */
    const void *extra_arg; /* DYNAMIC: bytes that stand before each child's own arg */
    size_t extra_arg_size;
};

/* Three restarts in five seconds, as Elixir's supervisors (SUP-02): struct supervisor_spec s = {SUPERVISOR_DEFAULTS, ...} */
#define SUPERVISOR_DEFAULTS .intensity = 3, .period_s = 5

/* ---- contradictions ---- */

#define SPEC_FAULTS(X)                                                                             \
    X(SPEC_FINE, "fine", "")                                                                       \
    X(SPEC_PERIOD, "invalid_period", "the period must be at least one second")                     \
    X(SPEC_STRATEGY, "invalid_strategy", "the strategy is unknown")                                \
    X(SPEC_AUTO_SHUTDOWN, "invalid_auto_shutdown",                                                 \
      "this auto-shutdown is not possible with this strategy")                                     \
    X(SPEC_TEMPLATE, "invalid_template",                                                           \
      "a simple one-for-one supervisor has exactly one child: the template")                       \
    X(SPEC_CHILDREN, "invalid_children", "a dynamic supervisor has no children before it runs")    \
    X(SPEC_ID, "missing_id", "a child has no id")                                                  \
    X(SPEC_DUPLICATE, "duplicate_child_name", "two children have the same id")                     \
    X(SPEC_BODY, "invalid_start", "a child has not exactly one of main, start and supervisor")     \
    X(SPEC_RESTART, "invalid_restart_type", "a child has an unknown restart type")                 \
    X(SPEC_TYPE, "invalid_child_type", "a child has an unknown type")                              \
    X(SPEC_SHUTDOWN, "invalid_shutdown", "a child has a negative shutdown time")                   \
    X(SPEC_SIGNIFICANT_PERMANENT, "bad_combination", "a significant child must not be permanent")  \
    X(SPEC_SIGNIFICANT_NEVER, "bad_combination",                                                   \
      "a significant child needs a supervisor with auto-shutdown")

enum spec_fault {
#define X(fault, code, text) fault,
    SPEC_FAULTS(X)
#undef X
};

/* The first contradiction, those of supervisors below included; *ret_child (may be NULL) is the id of the child it is
 * about, or NULL. Supervisors look at this before they start anything (SUP-19). */
enum spec_fault supervisor_spec_check(const struct supervisor_spec *spec, const char **ret_child);
enum spec_fault child_spec_check(const struct supervisor_spec *parent,
                                 const struct child_spec *spec);
const char *spec_fault_text(enum spec_fault fault); /* a sentence; static */
/* The same as an error in `heap`, whose causes lead from child to child to the fault: child (pool): child (db): invalid_shutdown (a
 * child has ...). NULL: there is none. */
const struct error *supervisor_spec_error(struct heap *heap, const struct supervisor_spec *spec);
const struct error *child_spec_error(struct heap *heap, const struct supervisor_spec *parent,
                                     const struct child_spec *spec);

/* ---- starting and stopping ---- */

/* Spawns a supervisor linked to `parent`; it stops when the parent exits, for whatever reason.
 * Without one (0) the driver is its parent: an exit signal from 0 stops it. Everything is copied.
 * Children are started in order when the supervisor first runs. Returns its id, or 0 with *ret_error (in the heap of the
 * environment; may be NULL) when the specification contradicts itself or no process can be had. */
proc_id supervisor_start(struct runtime *runtime, proc_id parent,
                         const struct supervisor_spec *spec, const struct error **ret_error);

/* Starts one linked to `self`, its parent, and waits until all its children stand (SUP-01). When one fails, those before it
 * are stopped again, and the answer is an error {shutdown,{failed_to_start_child,ID,WHY}} (SUP-13, SUP-14). */
struct started supervisor_start_link(struct proc *self, const struct supervisor_spec *spec);

/* Stops a supervisor with all its children, in reverse order of their start, each within its shutdown time; returns when it
 * is gone. Called from a process that is not a child of it. 0; -ESRCH: it was dead; -EPIPE: it ended for another reason
 * than `why` (API-15). */
int supervisor_stop_with(struct proc *self, proc_id supervisor, struct reason why);
void supervisor_stop(struct proc *self, proc_id supervisor); /* with `shutdown` */

/* ---- what can be asked of one that runs ----
 *
 * All wait until the supervisor has time (SUP-18), for ever. Common errors: -ESRCH it is dead, -EPIPE it died meanwhile,
 * -EDEADLK it is the caller itself, -EINVAL it is not a supervisor, -ENOBUFS its mailbox is full. */

/* Answers of start and restart: OK with the pid; IGNORE; ERROR with why: "already_started" (pid: who), "already_present",
 * "max_children", "running", "restarting", "not_found", as child_spec_error() says it, or why the start failed. `err` is not 0
 * when the supervisor could not answer. */
struct child_answer {
    int err;
    struct started started;
};

/* DYNAMIC: any spec. SIMPLE_ONE_FOR_ONE: only `arg` is looked at; its bytes are appended to the template's. */
struct child_answer supervisor_start_child(struct proc *self, proc_id supervisor,
                                           const struct child_spec *spec);
struct child_answer supervisor_restart_child(struct proc *self, proc_id supervisor, const char *id);

/* 0: it is stopped, or was not running; -ENOENT: unknown. By id; where children have no ids: -ENOTSUP. */
int supervisor_terminate_child(struct proc *self, proc_id supervisor, const char *id);
/* By process, where children have no ids, else -ENOENT. DYNAMIC: unknown ones are -ENOENT, dead ones too (DYN-09); a child
 * that is being restarted goes by its old pid. SIMPLE_ONE_FOR_ONE: dead ones are fine (S1F-03). */
int supervisor_terminate_pid(struct proc *self, proc_id supervisor, proc_id pid);
/* 0; -EBUSY: it runs; -EAGAIN: it is being restarted; -ENOENT, -ENOTSUP as above. */
int supervisor_delete_child(struct proc *self, proc_id supervisor, const char *id);

/* The child's current process, or 0. */
proc_id supervisor_child(struct proc *self, proc_id supervisor, const char *id);

enum child_state { CHILD_DOWN, CHILD_UP, CHILD_RESTARTING };

struct child_info {
    const char *id; /* NULL: it has none */
    proc_id pid;    /* CHILD_UP; else 0 */
    enum child_state state;
    enum child_type type;
};

/* The newest first (API-11), children without ids too. On the caller's heap, as one block: heap_release(). */
int supervisor_which_children(struct proc *self, proc_id supervisor, struct child_info **ret_infos,
                              size_t *ret_count);

struct child_counts {
    size_t specs, active, supervisors, workers; /* API-12, S1F-05, DYN-01 */
};
int supervisor_count_children(struct proc *self, proc_id supervisor,
                              struct child_counts *ret_counts);

#endif
