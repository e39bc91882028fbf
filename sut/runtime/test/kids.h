/* kids.h: children by plan, for tests of supervisors, and calls to supervisors as one line each. A kid says "+a" when it
 * stands, "!a" when its start fails, "?a" when it is not needed, "-a" when its supervisor stops it, "xa" when it ends by
 * itself. */
#ifndef KIDS_H
#define KIDS_H

#include "fixture.h"
#include "sut/runtime/supervisor.h"
#include <errno.h>

/* ---- kids ---- */

struct kid {
    const char *name;
    const char *plan;        /* what each start does: o ok, i ignore, e error; more: ok */
    int64_t start_ns;        /* how long a start takes */
    int64_t stop_ns;         /* how long it takes to stop; STUBBORN: for ever */
    bool unlinks;            /* from its supervisor, when it stands */
    unsigned starts;         /* so far */
    proc_id pid, supervisor; /* of the last one */
};

#define STUBBORN INT64_C(-1)
#define KID(name)                                                                                  \
    {                                                                                              \
#name, "", 0, 0, false, 0, 0, 0                                                            \
    }

enum { KID_DIE = MSG_USER + 100 };

static void kid_stop(struct proc *self, const struct kid *kid, struct reason reason)
{
    if (kid->stop_ns == STUBBORN)
        return;
    proc_sleep(self, kid->stop_ns);
    say(proc_env(self), "-%s", kid->name);
    proc_exit(self, reason);
}

static void kid_main(struct proc *self, void *arg)
{
    struct kid *kid = *(struct kid **)arg;
    proc_id supervisor = kid->supervisor;
    proc_trap_exit(self, true);
    if (kid->unlinks)
        proc_unlink(self, supervisor);
    proc_sleep(self, kid->start_ns);
    say(proc_env(self), "+%s", kid->name);
    proc_started(self);
    for (;;) {
        const struct message *message = proc_receive(self, WAIT_FOREVER);
        if (message->tag == KID_DIE) {
            struct reason reason = *(const struct reason *)message->data;
            say(proc_env(self), "x%s", kid->name);
            proc_exit(self, reason);
        }
        if (message->tag == MSG_EXIT && message->from == supervisor)
            kid_stop(self, kid, ((const struct exit_message *)message->data)->reason);
    }
}

static inline struct started kid_start(struct proc *supervisor, const void *arg)
{
    struct kid *kid = (struct kid *)(uintptr_t)arg;
    char plan = kid->starts < strlen(kid->plan) ? kid->plan[kid->starts] : 'o';
    ++kid->starts;
    if (plan == 'o') {
        kid->supervisor = proc_self(supervisor);
        struct started started = proc_start(
            supervisor,
            &(struct proc_spec){
                .label = kid->name, .main = kid_main, .arg = &kid, .arg_size = sizeof kid},
            WAIT_FOREVER);
        kid->pid = started.pid;
        return started;
    }
    proc_sleep(supervisor, kid->start_ns);
    say(proc_env(supervisor), "%c%s", plan == 'e' ? '!' : '?', kid->name);
    return plan == 'e' ? started_error(error("boom")) : started_ignore();
}

static inline struct child_spec child(struct kid *kid)
{
    return (struct child_spec){.id = kid->name, .start = kid_start, .arg = kid};
}

static inline struct child_spec child_as(struct kid *kid, enum restart_type restart)
{
    struct child_spec spec = child(kid);
    spec.restart = restart;
    return spec;
}

static inline struct child_spec child_sig(struct kid *kid, enum restart_type restart)
{
    struct child_spec spec = child_as(kid, restart);
    spec.significant = true;
    return spec;
}

static inline void die_later(const struct kid *kid, struct reason reason)
{
    proc_send(runtime, 0, kid->pid, KID_DIE, &reason, sizeof reason);
}

/* By itself, and lets the rest happen. */
static inline void die(const struct kid *kid, struct reason reason)
{
    die_later(kid, reason);
    runtime_run(runtime);
}

#define CALM plain(EXIT_NORMAL)
#define BOOM error("boom")

/* ---- a supervisor of the driver ---- */

static inline proc_id root_of(struct supervisor_spec spec)
{
    const struct error *why = NULL;
    if (!spec.period_s)
        spec.period_s = 5;
    spec.label = "sup";
    proc_id id = supervisor_start(runtime, 0, &spec, &why);
    cr_assert_neq(id, 0, "%s", why ? error_root(why)->text : "");
    runtime_run(runtime);
    return id;
}

#define ROOT(strategy_, intensity_, ...)                                                           \
    root_of((struct supervisor_spec){.strategy = (strategy_),                                      \
                                     .intensity = (intensity_),                                    \
                                     .children = (struct child_spec[]){__VA_ARGS__},               \
                                     .child_count = sizeof((struct child_spec[]){__VA_ARGS__}) /   \
                                                    sizeof(struct child_spec)})

#define SAID_SINCE(expected)                                                                       \
    do {                                                                                           \
        said_is(expected);                                                                         \
        fake.said[0] = 0;                                                                          \
    } while (0)

/* ---- calls ---- */

enum call_op {
    CALL_LINK,
    CALL_START,
    CALL_RESTART,
    CALL_TERMINATE,
    CALL_TERMINATE_PID,
    CALL_DELETE,
    CALL_WHICH,
    CALL_COUNT,
    CALL_STOP,
};

struct call {
    enum call_op op;
    proc_id sup;
    const char *id;
    const struct child_spec *child;
    const struct supervisor_spec *spec;
    proc_id pid;
    struct reason why;
    char text[REASON_WORDS];
};

static const char *err_text(int err)
{
    switch (err) {
    case 0: return "ok";
    case -ENOENT: return "not_found";
    case -EBUSY: return "running";
    case -EAGAIN: return "restarting";
    case -ENOTSUP: return "unsupported";
    case -ESRCH: return "noproc";
    case -EPIPE: return "exited";
    default: return strerror(-err);
    }
}

static void started_print(struct call *call, struct child_answer answer)
{
    if (answer.err)
        snprintf(call->text, sizeof call->text, "%s", err_text(answer.err));
    else if (answer.started.how == STARTED_ERROR)
        reason_term(answer.started.why, call->text);
    else
        strcpy(call->text, answer.started.how == STARTED_OK ? "ok" : "ignore");
    call->pid = answer.started.pid;
}

static void which_print(struct proc *self, struct call *call)
{
    struct child_info *infos;
    size_t count;
    int err = supervisor_which_children(self, call->sup, &infos, &count);
    char *at = call->text;
    at += snprintf(at, 64, "%s", err ? err_text(err) : "");
    for (size_t i = 0; !err && i < count && i < 40; ++i)
        at += snprintf(at, 12, "%s%.8s%c", i ? " " : "", infos[i].id ? infos[i].id : "",
                       "-+~"[infos[i].state]);
    if (!err)
        heap_release(proc_heap(self), infos);
}

static void count_print(struct proc *self, struct call *call)
{
    struct child_counts counts;
    int err = supervisor_count_children(self, call->sup, &counts);
    snprintf(call->text, sizeof call->text,
             err ? "%s" : "%.0s%zu specs %zu active %zu sups %zu workers", err_text(err),
             counts.specs, counts.active, counts.supervisors, counts.workers);
}

static void call_main(struct proc *self, void *arg)
{
    struct call *call = arg;
    int err = 0;
    switch (call->op) {
    case CALL_LINK: {
        proc_trap_exit(self, true);
        struct child_answer answer = {.started = supervisor_start_link(self, call->spec)};
        started_print(call, answer);
        proc_receive(self, WAIT_FOREVER); /* it is the parent */
        return;
    }
    case CALL_START:
        started_print(call, supervisor_start_child(self, call->sup, call->child));
        return;
    case CALL_RESTART:
        started_print(call, supervisor_restart_child(self, call->sup, call->id));
        return;
    case CALL_WHICH: which_print(self, call); return;
    case CALL_COUNT: count_print(self, call); return;
    case CALL_TERMINATE: err = supervisor_terminate_child(self, call->sup, call->id); break;
    case CALL_TERMINATE_PID: err = supervisor_terminate_pid(self, call->sup, call->pid); break;
    case CALL_DELETE: err = supervisor_delete_child(self, call->sup, call->id); break;
    case CALL_STOP: err = supervisor_stop_with(self, call->sup, call->why); break;
    }
    strcpy(call->text, err_text(err));
}

/* The answer is in `call` when there is one. */
static inline void call_begin(struct call *call)
{
    strcpy(call->text, "waits");
    proc_spawn(runtime, &(struct proc_spec){.label = "caller", .main = call_main, .arg = call});
}

static inline const char *call(struct call what)
{
    static struct call slots[8];
    static unsigned next;
    struct call *slot = &slots[next++ % 8];
    *slot = what;
    call_begin(slot);
    runtime_run(runtime);
    return slot->text;
}

#define CALL(op_, ...) call((struct call){.op = (op_), __VA_ARGS__})
#define START_CHILD(sup_, ...)                                                                     \
    CALL(CALL_START, .sup = (sup_), .child = &(struct child_spec){__VA_ARGS__})
#define answers(expected, actual) cr_assert_str_eq(actual, expected)

#endif
