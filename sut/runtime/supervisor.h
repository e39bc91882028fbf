/* supervisor.h: keeps children running. One-for-one, with restart intensity, as OTP's (SUP-, RST-,
 * INT- rules).
 *
 * A supervisor is a process that traps exits, starts its children in order, restarts the ones that
 * die as their restart type says, and gives up (terminating all children in reverse order, exit
 * `shutdown`) when more than `intensity` restarts fall within `period_s` seconds, counted in floor
 * seconds of the monotonic clock.
 */
#ifndef SUT_SUPERVISOR_H
#define SUT_SUPERVISOR_H

#include "sut/runtime/proc.h"

enum restart_type { RESTART_PERMANENT, RESTART_TRANSIENT, RESTART_TEMPORARY };

#define SHUTDOWN_INFINITY INT64_MAX
#define SHUTDOWN_BRUTAL   INT64_C(-1)

struct child_spec {
    const char *id; /* copied; unique within the supervisor */
    proc_main *main;
    const void *arg; /* as in struct proc_spec; kept (copied) for restarts */
    size_t arg_size;
    enum restart_type restart;
    int64_t shutdown_ns; /* how long it may take to stop; 0 means the default of 5 s */
};

struct supervisor_spec {
    const char *label;
    unsigned intensity;
    unsigned period_s; /* > 0 */
    const struct child_spec *children;
    size_t child_count;
};

/* Starts a supervisor linked to `parent`; it stops when the parent exits, for whatever reason.
 * Without one (0) the driver is its parent: an exit signal from 0 stops it. Everything is copied.
 * Children are spawned in order when the supervisor first runs. Returns its id, or 0 with *ret_why
 * (static text) when the specification contradicts itself (duplicate id, no main, negative time) or
 * no process can be had. */
proc_id supervisor_start(struct runtime *runtime, proc_id parent,
                         const struct supervisor_spec *spec, const char **ret_why);

/* The child's current process, or 0. For introspection and tests. */
proc_id supervisor_child(struct proc *self, proc_id supervisor, const char *id);

/* Stops a supervisor with all its children, in reverse order of their start, each within its
 * shutdown time; returns when it is gone. Called from a process that is not a child of it. */
void supervisor_stop(struct proc *self, proc_id supervisor);

#endif
