/* task.h: processes that compute one value for another, as Elixir's Task (TASK- rules).
 *
 * The process that starts a task owns it: only it can wait for it. The value of a body is copied to the owner as a message; then
 * the task ends, with normal. How a task that the owner waits for can end:
 *
 *     TASK_OK        it gave its value, whatever became of it then (TASK-08, TASK-29)
 *     TASK_EXIT      it ended without one, for the reason `why`
 *     TASK_NOTHING   not yet; or it was stopped, as it was told to
 *     TASK_FOREIGN   whoever asks is not the owner; nothing was done (TASK-13)
 *
 * A task is over for its owner after OK or EXIT: its monitor is gone, nothing of it is left in the mailbox, a late value
 * vanishes. A linked one takes its owner along when it fails, unless that traps exits.
 */
#ifndef SUT_TASK_H
#define SUT_TASK_H

#include "sut/runtime/supervisor.h"

enum { MSG_TASK = 10 };

struct
    task_value { /* in a heap: that of the task, or, for who got it, its own: heap_release() or it goes with the process */
    const void *data;
    size_t size;
};

typedef struct task_value task_body(struct proc *self, void *arg);

/* As enum restart_type, but a task is TEMPORARY unless it says otherwise (TASK-27). */
enum task_restart { TASK_TEMPORARY, TASK_TRANSIENT, TASK_PERMANENT };

struct task_spec {
    const char *label;
    task_body *body;
    const void *arg; /* as in struct proc_spec */
    size_t arg_size;
    enum task_restart restart; /* of task_start_child() */
    int64_t shutdown_ns;       /* of supervised ones; 0: 5 s */
};

struct task {
    proc_id pid; /* 0: of task_completed() */
    ref_id ref;  /* also of its DOWN, if nobody waits for it (TASK-18) */
    proc_id owner;
};

enum task_how { TASK_NOTHING, TASK_OK, TASK_EXIT, TASK_FOREIGN };

struct task_result {
    enum task_how how;
    struct task_value value; /* TASK_OK */
    struct reason why;       /* TASK_EXIT */
};

/* ---- starting ---- */

/* Linked with its owner, and monitored by it. 0; -EAGAIN: there are too many processes. */
int task_async(struct proc *self, const struct task_spec *spec, struct task *ret_task);
/* No process: a task that has given this value (TASK-23). */
struct task task_completed(struct proc *self, const void *data, size_t size);

/* A supervisor of tasks is a dynamic supervisor: struct supervisor_spec s = {TASK_SUPERVISOR, .max_children = 10}; */
#define TASK_SUPERVISOR .label = "tasks", .strategy = DYNAMIC, SUPERVISOR_DEFAULTS

/* Below a supervisor. It begins when its owner has got to know of it: without a word within 5 s it exits with timeout, and
 * when the owner is gone by then with {shutdown, reason} (TASK-26). 0; -ENOSPC: max_children (TASK-19); -EAGAIN: no process;
 * -ESRCH: no such supervisor. */
int task_async_under(struct proc *self, proc_id supervisor, const struct task_spec *spec,
                     struct task *ret_task);
int task_async_nolink(struct proc *self, proc_id supervisor, const struct task_spec *spec,
                      struct task *ret_task); /* the same, not linked with the owner (TASK-17) */
/* For what it does: nobody waits for its value. Restarted as `restart` says (TASK-20, TASK-21). */
int task_start_child(struct proc *self, proc_id supervisor, const struct task_spec *spec,
                     proc_id *ret_pid);

/* ---- waiting for one ---- */

/* Up to timeout_ns. TASK_NOTHING: not yet; it may be called again (TASK-06). */
struct task_result task_yield(struct proc *self, const struct task *task, int64_t timeout_ns);
/* 0, and the value. -ETIMEDOUT: the task goes on, linked, but its value will not come (TASK-05); -EPIPE: it ended without one, for
 * the reason *ret_why; -EPERM: not its owner. Both pointers may be NULL. */
int task_await(struct proc *self, const struct task *task, int64_t timeout_ns,
               struct task_value *ret_value, struct reason *ret_why);
/* The same; without a value the caller exits, with {REASON,{task,await}}. */
struct task_value task_await_or_exit(struct proc *self, const struct task *task,
                                     int64_t timeout_ns);
/* Unlinks it, asks it to end, kills it after shutdown_ns (SHUTDOWN_BRUTAL: at once) and waits until it is gone. TASK_NOTHING: it
 * ended of that (TASK-09 .. TASK-12). */
struct task_result task_shutdown(struct proc *self, const struct task *task, int64_t shutdown_ns);
/* Lets it go: unlinked, and what comes of it vanishes. TASK_NOTHING: it still runs (TASK-24). */
struct task_result task_ignore(struct proc *self, const struct task *task);

/* ---- waiting for many ---- */

/* All values, in the order of the tasks. As task_await(): the first that ends without a value ends the waiting (TASK-15);
 * `values` is set only when all came. */
int task_await_many(struct proc *self, const struct task *tasks, size_t count, int64_t timeout_ns,
                    struct task_value *values, struct reason *ret_why);

enum task_late { TASK_LATE_NOTHING, TASK_LATE_IGNORE, TASK_LATE_KILL };
/* What came of each within one common time; those that are late are left alone, ignored or killed, and the result is
 * that of it (TASK-16). Returns as soon as `limit` of them have a result (0: all). */
void task_yield_many(struct proc *self, const struct task *tasks, size_t count, int64_t timeout_ns,
                     enum task_late late, size_t limit, struct task_result *results);

#endif
