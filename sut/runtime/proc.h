/* proc.h: processes. Isolated actors on fibers, with mailbox, links, monitors, exit signals and
 * timers.
 *
 * The runtime is a state machine: runtime_run() runs what is runnable at the environment's time and
 * says when it wants to be woken; a driver (libuv, or the simulated world) does the rest. It has
 * one thread, no global state, and no order that depends on an address: the run queue is FIFO,
 * timers fire by (deadline, creation), exit signals go out in link order.
 *
 * Semantics are Erlang's, by number in the tests (SIG-01 ...). A process owns a heap; when it ends,
 * for any reason, the heap, its timers, its name, its links and monitors are gone.
 */
#ifndef SUT_PROC_H
#define SUT_PROC_H

#include "sut/env.h"
#include "sut/runtime/reason.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct runtime;
struct proc;
struct message;

typedef uint64_t
    proc_id; /* 1, 2, ... in the order of spawning; never used twice in a runtime; 0 is nobody */
typedef uint64_t ref_id; /* monitors, timers, calls: likewise */

/* ---- the runtime ---- */

struct fiber_spares;

struct runtime_options {
    size_t stack_bytes; /* per process, rounded up to pages; 0: 64 KiB. A guard page lies below. */
    size_t procs_max;   /* 0: 1,000,000 */
    size_t mailbox_max; /* messages; 0: 1,000,000. A send beyond it is refused with -ENOBUFS. */
    struct fiber_spares *spares; /* stacks of runtimes before it (fiber.h); NULL: none */
    bool
        trace_signals; /* record links, monitors, aliases, timers and names as well: there are many */
};

/* The runtime keeps `env`. Returns NULL only when memory or address space is out. */
struct runtime *runtime_new(struct env *env, const struct runtime_options *options);

/* Everything vanishes at once, as under kill -9: no process gets to run. Must not be called from a
 * process that is to go on; the world calls it from outside any fiber, also when it has left a
 * fiber in the middle. It must come before the environment's heap is freed, and no work of this
 * runtime may be reported done after it. */
void runtime_free(struct runtime *runtime);

/* Runs every runnable process until none is left, and fires timers that are due. Returns the
 * monotonic time in ns at which it wants to run again, or INT64_MAX. Not re-entrant. */
int64_t runtime_run(struct runtime *runtime);

/* Leaves the running fiber in the middle, for ever: jumps out of runtime_run(), which returns
 * INT64_MIN. Called on the fiber of a process (by a fault that kills the node). The runtime can
 * only be freed after it. */
_Noreturn void runtime_abandon(struct runtime *runtime);

struct env *runtime_env(struct runtime *runtime);
struct proc *runtime_current(struct runtime *runtime); /* the process running now, or NULL */
size_t runtime_count(const struct runtime *runtime);   /* live processes */

/* Called by the runtime when something outside made a process runnable (a message from a driver
 * callback, work done), so that the driver may call runtime_run() soon. May be NULL. */
void runtime_on_wake(struct runtime *runtime, void (*wake)(void *ctx), void *ctx);

/* ---- starting and ending ---- */

typedef void proc_main(struct proc *self, void *arg);

struct proc_spec {
    const char *label; /* copied; shown in events and reports */
    proc_main *main;
    const void *arg; /* arg_size bytes are copied into the process's heap and passed to main; */
    size_t arg_size; /* arg_size 0: the pointer itself is passed */
    proc_id link;    /* 0: none; else linked with that process, atomically with the spawn */
    proc_id monitor; /* 0: none; else that process gets DOWN; the ref is in ret_monitor */
    ref_id *ret_monitor;
    bool trap_exit;
    proc_id
        caller; /* on whose behalf it works: its callers are that one and those of it; 0: nobody's */
};

/* Returns the id, or 0 when procs_max is reached. Runs at the next turn; only then it takes a
 * stack, and ends with an error when none can be had. A `link` to a dead process ends it with
 * noproc before it runs (or is its first message, when it traps exits). */
proc_id proc_spawn(struct runtime *runtime, const struct proc_spec *spec);

/* Ends the process: an exit, an error, a throw, as the kind of the reason says. A proc_try() around it catches it. */
_Noreturn void proc_exit(struct proc *self, struct reason reason);

/* Calls function(self, arg). False: it ended with proc_exit(), for the reason in *ret_why (may be NULL), and the process
 * goes on here; what the function's frames held is dropped, what it allocated stays. Exit signals are not caught. */
bool proc_try(struct proc *self, proc_main *function, void *arg, struct reason *ret_why);

/* What a process does with one message, or NULL when the time to wait is up. Returns for how long to wait for the next
 * one, in ns; 0 and less: not at all. The message is valid until it returns or receives. */
typedef int64_t proc_turn(struct proc *self, void *arg, const struct message *message);

/* The process goes on as `turn`, called with `arg` for each message to come; what it was doing is dropped. Between
 * messages it needs no stack: for what mostly waits. Not inside of proc_try(). */
_Noreturn void proc_become(struct proc *self, proc_turn *turn, void *arg, int64_t timeout_ns);

bool proc_alive(struct runtime *runtime, proc_id id);
/* The live process with the least id above `after`, or 0: all of them, in the order of spawning. */
proc_id proc_next(const struct runtime *runtime, proc_id after);

/* An exit signal, as Erlang's exit/2: SIG-09 .. SIG-14. `from` may be 0 (the driver). A process
 * that signals itself to death does not return. */
void proc_signal(struct runtime *runtime, proc_id from, proc_id to, struct reason reason);

void proc_link(struct proc *self, proc_id other);   /* SIG-15 .. SIG-18 */
void proc_unlink(struct proc *self, proc_id other); /* SIG-19, SIG-20 */
ref_id proc_monitor(struct proc *self, proc_id other);
/* Who has this name now; the DOWN carries the name. Nobody: DOWN with noproc (SIG-23). */
ref_id proc_monitor_name(struct proc *self, const char *name);
bool proc_demonitor(struct proc *self, ref_id monitor, bool flush); /* false: was already gone */
void proc_trap_exit(struct proc *self, bool on);

/* ---- who am I ---- */

proc_id proc_self(const struct proc *self);
const char *proc_label(const struct proc *self);
void proc_set_label(struct proc *self, const char *label); /* copied */
struct runtime *proc_runtime(struct proc *self);
struct env *proc_env(struct proc *self);
struct point_site *proc_site(struct proc *self); /* `at` for points; actor is the id */
struct heap *proc_heap(struct proc *self);
/* Zeroed memory of the process that runs. Without memory the process ends, as by an exception, with the
 * reason "nomem"; its supervisor takes it from there. (What the runtime itself cannot get stops the node.) */
void *proc_alloc(struct proc *self, size_t size);
int64_t proc_now(struct proc *self); /* env_mono_ns */

/* ---- looking at others ---- */

struct proc_info {
    proc_id pid;
    const char *label; /* as long as it lives and keeps it; likewise: */
    const char *name;  /* NULL: none */
    const char *doing; /* ready, running, receiving, calling, sleeping, working, stalled, parked */
    bool trap_exit;
    size_t messages; /* that wait in its mailbox */
    size_t links, monitors, watchers;
    size_t heap_bytes;
    proc_main *main;
    proc_turn *turn; /* what it has become; NULL: it is its main */
};

/* The live processes in the order of spawning, at most `max` of them into `out`; returns how many there are. */
size_t runtime_list(const struct runtime *runtime, proc_id *out, size_t max);
bool runtime_info(const struct runtime *runtime, proc_id pid, struct proc_info *ret_info);
/* These put at most `max` ids into `out`, and return how many there are; a dead process has none. Links and monitors in the
 * order in which they were made, ancestors and callers with the nearest first. */
size_t runtime_links(const struct runtime *runtime, proc_id pid, proc_id *out, size_t max);
size_t runtime_monitored(const struct runtime *runtime, proc_id pid, proc_id *out, size_t max);
size_t runtime_watchers(const struct runtime *runtime, proc_id pid, proc_id *out, size_t max);
size_t runtime_ancestors(const struct runtime *runtime, proc_id pid, proc_id *out, size_t max);
size_t runtime_callers(const struct runtime *runtime, proc_id pid, proc_id *out, size_t max);

/* The report of a process that ended by proc_exit(), and not calmly (ANC-06). The words say who it descends from and for whom
 * it worked, nearest first, by name or as label<id>, dead or alive. Valid only in the call. */
struct crash {
    proc_id pid;
    const char *label;
    const char *name;            /* NULL: none */
    const struct reason *reason; /* and the error that it carries, if any */
    const char *ancestors;
    const char *callers;
    size_t messages;   /* that it did not read */
    const char *state; /* of a server, in its words; else "" */
    uint32_t last_tag; /* of the message that a server handled last; else 0 */
};

/* Called for each crash, on the fiber of the process, which is about to end. NULL: nobody. */
void runtime_on_crash(struct runtime *runtime,
                      void (*crashed)(void *ctx, const struct crash *crash), void *ctx);

/* One line for each into the log of the environment. */
void runtime_log_crashes(struct runtime *runtime);

enum traced {
    TRACED_SEND,   /* `other` is whom */
    TRACED_GET,    /* `other` is from whom; a message, an exit, a DOWN has come into its mailbox */
    TRACED_SPAWN,  /* `other` is the child */
    TRACED_LINK,   /* `other` is the peer; by whichever side */
    TRACED_UNLINK, /* likewise, and not because either died */
    TRACED_SIGNAL, /* it sends `other` an exit signal; `tag` is the kind of the reason */
    TRACED_EXIT,   /* it ended; `tag` is the kind of the reason */
};

struct trace_message { /* data of MSG_TRACE */
    enum traced what;
    proc_id pid, other;
    uint32_t tag; /* of the message */
};

typedef void trace_seen(void *ctx, const struct trace_message *trace);

/* Watches one process: a function that must not touch the runtime, or messages to another process (not to one that is
 * watched itself). At most one watches; a later one takes its place. 0; -ESRCH: it is dead; -EDEADLK: it would watch itself. */
int runtime_trace(struct runtime *runtime, proc_id pid, trace_seen *seen, void *ctx);
int runtime_trace_to(struct runtime *runtime, proc_id pid, proc_id tracer);
int runtime_untrace(struct runtime *runtime, proc_id pid);

/* ---- messages ---- */

/* Tags below MSG_USER are the runtime's. */
enum { MSG_EXIT = 1, MSG_DOWN = 2, MSG_TRACE = 11, MSG_USER = 16 };

struct message {
    uint32_t tag;
    proc_id from; /* 0: the driver or a timer */
    ref_id ref;   /* of a DOWN: the monitor; of a call or reply: the call; of a timer: it; else 0 */
    size_t size;
    const void *data; /* size bytes, owned by the message, aligned to 16 */
};

struct exit_message {
    proc_id who; /* 0: the driver, or a name that nobody had */
    const char
        *name; /* of a DOWN: by this name it was monitored; else NULL. Part of the message. */
    struct reason reason;
}; /* data of MSG_EXIT and MSG_DOWN */

/* Copies the data. 0; -ENOBUFS: the mailbox is full. A dead receiver is no error (SIG-29). What the
 * runtime sends (exits, DOWNs, replies, timers) is never refused. */
int proc_send(struct runtime *runtime, proc_id from, proc_id to, uint32_t tag, const void *data,
              size_t size);

/* To whoever has this name. -ENOENT: nobody (SIG-29: where OTP raises badarg). */
int proc_send_name(struct runtime *runtime, proc_id from, const char *name, uint32_t tag,
                   const void *data, size_t size);

/* ---- aliases: refs that can be sent to, as long as they are active ---- */

enum alias_kind {
    ALIAS_EXPLICIT,  /* until proc_unalias (ALIAS-02) */
    ALIAS_REPLY,     /* also until the first message through it (ALIAS-03) */
    ALIAS_DEMONITOR, /* of a monitor: also until that is gone, by demonitor or DOWN (ALIAS-05) */
    ALIAS_REPLY_DEMONITOR, /* both, and the first message also ends the monitor (ALIAS-06) */
};

ref_id proc_alias(struct proc *self, enum alias_kind kind); /* EXPLICIT or REPLY */
/* A monitor whose ref is an alias too; not of oneself (ALIAS-08). */
ref_id proc_monitor_alias(struct proc *self, proc_id other, enum alias_kind kind);
bool proc_unalias(struct proc *self, ref_id alias); /* false: it was not active, or not self's */
/* As proc_send; an alias that is not active is no error: the message vanishes (ALIAS-07). */
int proc_send_alias(struct runtime *runtime, proc_id from, ref_id alias, uint32_t tag,
                    const void *data, size_t size);

#define WAIT_FOREVER INT64_MAX

/* Takes the oldest message; waits up to timeout_ns (0: poll). NULL: time is up. Valid until the
 * next receive (a call in between does no harm). */
const struct message *proc_receive(struct proc *self, int64_t timeout_ns);

/* Selective: the oldest message for which `match` says true; others stay in order. */
const struct message *proc_receive_match(struct proc *self,
                                         bool (*match)(const struct message *, void *), void *ctx,
                                         int64_t timeout_ns);

/* Call and reply, with a monitor underneath, as gen_server:call. The reply is valid until the next
 * receive or call. 0; -ETIMEDOUT (a late reply vanishes); -ESRCH: the callee is or became dead;
 * -EDEADLK: a call to oneself; -ENOBUFS: its mailbox is full. `ret_reply` may be NULL. */
int proc_call(struct proc *self, proc_id to, uint32_t tag, const void *data, size_t size,
              int64_t timeout_ns, const struct message **ret_reply);
/* Any process may reply, once. -ESRCH: nobody waits for it, or not any more; it vanishes. */
int proc_reply(struct proc *self, proc_id to, ref_id ref, const void *data, size_t size);

void proc_sleep(struct proc *self, int64_t ns); /* SIG: exit signals still kill it */
void proc_yield(struct proc *self);

/* ---- timers ---- */

/* A message on its way belongs to its receiver: it goes with it, and outlives the sender (TMR-05).
 * Its `from` is 0. A delay below 0 is 0; also then it is never delivered inside the call (TMR-09).
 * Anybody who has the ref may cancel it (TMR-08). */

ref_id proc_send_after(struct proc *self, int64_t delay_ns, proc_id to, uint32_t tag,
                       const void *data, size_t size);
/* To whoever has the name when its time has come (TMR-05). */
ref_id proc_send_after_name(struct proc *self, int64_t delay_ns, const char *name, uint32_t tag,
                            const void *data, size_t size);
/* The ns that were left (TMR-02), or -1: it fired, was cancelled, or never was. */
int64_t proc_cancel_timer(struct proc *self, ref_id timer);
int64_t proc_timer_left(struct proc *self, ref_id timer); /* the same, and it goes on (TMR-06) */

/* ---- names ---- */

int proc_register(struct proc *self,
                  const char *name); /* 0, -EEXIST: taken or self already has a name */
/* For another one (SIG-28); also -ESRCH: it is dead. */
int runtime_register(struct runtime *runtime, const char *name, proc_id pid);
int runtime_unregister(struct runtime *runtime, const char *name);  /* 0; -ENOENT: nobody has it */
proc_id runtime_whereis(struct runtime *runtime, const char *name); /* 0: nobody */

/* ---- blocking work ---- */

/* Starts `work` with start(ctx, work) and parks the process until work->done(work) is called, on
 * the loop. 0; -ETIMEDOUT when timeout_ns passed first. `work` must outlive the process: it comes
 * from proc_env(self)->heap or a heap of its own. If the process dies or gives up while the work is
 * under way, `drop(work)` is called when it is done (or at once if it already is); else the caller
 * owns it again. */
int proc_work_via(struct proc *self, struct work *work, void (*start)(void *ctx, struct work *work),
                  void *ctx, void (*drop)(struct work *work), int64_t timeout_ns);

/* The same, started by env_submit(): blocking work in a thread. */
int proc_work(struct proc *self, struct work *work, void (*drop)(struct work *work),
              int64_t timeout_ns);

/* Parks the running process until `ns` has passed without receiving or being killed by signals
 * meanwhile: for fault delays, called by the world on the process's fiber. Exit signals wait until
 * it is over. */
void proc_stall(struct proc *self, int64_t ns);

#endif
