/* supervisor_restart.c: starting children, and what happens when one ends: is it to be restarted, how many restarts the
 * window allows, who is concerned, and what is tried again. */
#include "sut/runtime/supervisor_internal.h"

#include <string.h>

POINT_ABOUT("sup/child/start",
            "A supervisor is about to start a child, for the first time or again.");
POINT_ABOUT("sup/child/up", "The start of a child answered: it stands.");
POINT_ABOUT("sup/child/ignore", "The start of a child answered: it is not needed.");
POINT_ABOUT("sup/child/fail", "The start of a child answered with an error.");
POINT_ABOUT("sup/child/end", "A supervisor learns that a child ended by itself.");
POINT_ABOUT("sup/child/restart",
            "A child that ended is to be restarted, and the window allows it.");
POINT_ABOUT("sup/supervisor/giveup",
            "Too many restarts in the window: the supervisor stops everything.");
POINT_ABOUT("sup/supervisor/shutdown",
            "Significant children ended: the supervisor stops everything by itself.");
POINT_ABOUT("sup/supervisor/failed",
            "A child could not be started with its supervisor: that stops the others again.");

static const struct reason shutdown = {.kind = EXIT_SHUTDOWN};

/* ---- one child ---- */

struct attempt {
    const struct child_spec *spec;
    struct started *ret_started;
};

static void attempt_run(struct proc *self, void *arg)
{
    const struct attempt *attempt = arg;
    *attempt->ret_started = attempt->spec->start(self, attempt->spec->arg);
}

/* A start function that exits has failed; it does not take the supervisor along (SUP-12, DYN-05). */
static void start_call(struct supervisor *sup, const struct child_spec *spec,
                       struct started *ret_started)
{
    struct attempt attempt = {.spec = spec, .ret_started = ret_started};
    struct reason why;
    if (proc_try(sup->self, attempt_run, &attempt, &why))
        return;
    *ret_started = started_error(why);
    if (sup->spec.strategy == DYNAMIC)
        return;
    ret_started->why = reason_wrap(sup->heap, &why, EXIT_ERROR, "'EXIT'", "%s", "");
    reason_release(sup->heap, &why);
}

static void main_spawn(struct supervisor *sup, const struct child_spec *spec,
                       struct started *ret_started)
{
    ret_started->how = STARTED_OK;
    ret_started->why.kind = EXIT_NORMAL;
    ret_started->why.text[0] = '\0';
    ret_started->why.error = NULL;
    ret_started->pid =
        proc_spawn(proc_runtime(sup->self),
                   &(struct proc_spec){.label = spec->id ? spec->id : proc_label(sup->self),
                                       .main = spec->main,
                                       .arg = spec->arg,
                                       .arg_size = spec->arg_size,
                                       .link = proc_self(sup->self)});
    if (!ret_started->pid)
        *ret_started = started_error(reason_of_error(&error_no_room));
}

/* Answers are large, and restarts are many: they are written where they are wanted. */
static void body_start(struct supervisor *sup, const struct child_spec *spec,
                       struct started *ret_started)
{
    if (spec->start)
        start_call(sup, spec, ret_started);
    else if (spec->supervisor)
        *ret_started = supervisor_start_checked(sup->self, spec->supervisor, 0);
    else
        main_spawn(sup, spec, ret_started);
}

static void start_trace(struct supervisor *sup, const struct child *child,
                        const struct started *started)
{
    const char *id = child->spec.id;
    struct point_site *at = proc_site(sup->self);
    proc_id me = proc_self(sup->self);
    if (started->how == STARTED_OK)
        TRACE(at, "sup/child/up", T_STR("child", id), T_U64("sup", me), T_U64("pid", started->pid));
    else if (started->how == STARTED_IGNORE)
        TRACE(at, "sup/child/ignore", T_STR("child", id), T_U64("sup", me));
    else
        TRACE(at, "sup/child/fail", T_STR("child", id), T_U64("sup", me),
              T_STR("reason", reason_text(started->why, (char[REASON_WORDS]){0})));
    (void)at, (void)me, (void)id;
}

void child_launch(struct supervisor *sup, struct child *child, struct started *ret_started)
{
    if (FAULT(proc_site(sup->self), "sup/child/start", CAN_DIE, T_STR("child", child->spec.id),
              T_U64("sup", proc_self(sup->self))) != 0)
        *ret_started = started_error(reason_of_error(&error_fault));
    else
        body_start(sup, &child->spec, ret_started);
    if (ret_started->how == STARTED_OK && !ret_started->pid)
        *ret_started = started_error(reason_of_error(&error_bad_return));
    if (ret_started->how == STARTED_OK && child->spec.restart == RESTART_TEMPORARY)
        child_spec_forget_body(sup->heap, &child->spec);
    start_trace(sup, child, ret_started);
}

/* Of a child in the table. False: it failed. */
static bool child_bring_up(struct supervisor *sup, struct child *child, struct started *ret_started)
{
    child_launch(sup, child, ret_started);
    if (ret_started->how == STARTED_OK)
        child_set(sup, child, CHILD_UP, ret_started->pid);
    else if (ret_started->how == STARTED_IGNORE)
        child_down(sup, child); /* a temporary one is forgotten, and one without id (DYN-07) */
    return ret_started->how != STARTED_ERROR;
}

/* The same, after its end: why it failed is told by the event. */
static bool child_bring_back(struct supervisor *sup, struct child *child)
{
    struct started started;
    bool stands = child_bring_up(sup, child, &started);
    reason_release(sup->heap, &started.why);
    return stands;
}

/* ---- the first start (SUP) ---- */

static _Noreturn void start_failed(struct supervisor *sup, const struct child *child,
                                   struct reason why)
{
    TRACE(proc_site(sup->self), "sup/supervisor/failed", T_U64("sup", proc_self(sup->self)),
          T_STR("child", child->spec.id));
    struct reason reason =
        reason_wrap(sup->heap, &why, EXIT_SHUTDOWN, "failed_to_start_child", "%s", child->spec.id);
    supervisor_end(sup, reason);
}

void children_start(struct supervisor *sup)
{
    struct started started;
    for (struct child *child = sup->children, *next; child; child = next) {
        next = child->next;
        if (!child_bring_up(sup, child, &started))
            start_failed(sup, child, started.why);
    }
}

/* ---- restart intensity (INT) ---- */

/* The window is closed at both ends in whole seconds (INT-02, INT-05). */
static void window_slide(struct window *window, int64_t oldest)
{
    size_t old = 0;
    while (old < window->used && window->seconds[old].second < oldest)
        window->total -= window->seconds[old++].count;
    window->used -= old;
    if (old > 0)
        memmove(window->seconds, window->seconds + old, window->used * sizeof *window->seconds);
}

static void window_add(struct window *window, struct heap *heap, int64_t now)
{
    if (window->used == window->capacity) {
        window->capacity = window->capacity ? 2 * window->capacity : 4;
        window->seconds =
            heap_realloc(heap, window->seconds, window->capacity * sizeof *window->seconds);
    }
    if (window->used == 0 || window->seconds[window->used - 1].second != now)
        window->seconds[window->used++] = (struct window_second){.second = now};
    ++window->seconds[window->used - 1].count;
    ++window->total;
}

/* Records a restart now; the number within the window. */
static size_t restart_record(struct supervisor *sup)
{
    int64_t now = proc_now(sup->self) / NS_PER_S;
    window_slide(&sup->window, now - (int64_t)sup->spec.period_s);
    window_add(&sup->window, sup->heap, now);
    return sup->window.total;
}

static _Noreturn void supervisor_give_up(struct supervisor *sup)
{
    TRACE(proc_site(sup->self), "sup/supervisor/giveup", T_U64("sup", proc_self(sup->self)),
          T_STR("label", proc_label(sup->self)), T_U64("intensity", sup->spec.intensity),
          T_U64("period_s", sup->spec.period_s));
    supervisor_end(sup, shutdown);
}

/* ---- who is restarted (RST) ----
 *
 * These answer the child whose start failed, which need not be the one that died (RST-18), or NULL. */

static struct child *single_restart(struct supervisor *sup, struct child *child)
{
    return child_bring_back(sup, child) ? NULL : child;
}

/* In reverse order down to the one after `before`; temporary ones do not come back (RST-09). */
static void group_stop(struct supervisor *sup, const struct child *before)
{
    for (struct child *child = children_last(sup), *next; child != before; child = next) {
        next = child_before(sup, child);
        child_stop(sup, child);
        child_down(sup, child);
    }
}

static struct child *group_restart(struct supervisor *sup, struct child *child)
{
    struct child *before =
        sup->spec.strategy == ONE_FOR_ALL ? NULL : child_before(sup, child); /* RST-06, RST-07 */
    group_stop(sup, before);
    struct child *next;
    for (child = before ? before->next : sup->children; child; child = next) {
        next = child->next;
        if (!child_bring_back(sup, child))
            return child;
    }
    return NULL;
}

/* By a message, so that others get in between (RST-14). It names the child: by the time it is read there may be none. */
static void retry_later(struct supervisor *sup, struct child *child)
{
    bool ids = supervisor_has_ids(sup);
    child_set(sup, child, CHILD_RESTARTING, ids ? 0 : child->pid);
    proc_post(sup->self, &(struct message){
                             .tag = MSG_SUPERVISOR_RETRY,
                             .size = ids ? strlen(child->spec.id) + 1 : sizeof child->pid,
                             .data = ids ? (const void *)child->spec.id : &child->pid,
                         });
}

static void child_restart(struct supervisor *sup, struct child *child)
{
    size_t restarts = restart_record(sup);
    if (restarts > sup->spec.intensity)
        supervisor_give_up(sup);
    TRACE(proc_site(sup->self), "sup/child/restart", T_STR("child", child->spec.id),
          T_U64("sup", proc_self(sup->self)), T_U64("restarts", restarts));
    bool group = sup->spec.strategy == ONE_FOR_ALL || sup->spec.strategy == REST_FOR_ONE;
    struct child *failed = group ? group_restart(sup, child) : single_restart(sup, child);
    if (failed)
        retry_later(sup, failed);
}

void child_retry(struct supervisor *sup, const struct message *message)
{
    struct child *child = supervisor_has_ids(sup)
                              ? children_by_id(sup, message->data)
                              : children_by_pid(sup, *(const proc_id *)message->data);
    if (child && child->state == CHILD_RESTARTING)
        child_restart(sup, child);
}

/* ---- the end of a child ---- */

/* It is not restarted. A significant one may take the supervisor along (AUTO-02 .. AUTO-04). */
static void child_over(struct supervisor *sup, struct child *child)
{
    bool significant = child->spec.significant;
    child_down(sup, child);
    if (!significant ||
        (sup->spec.auto_shutdown == AUTO_ALL_SIGNIFICANT && sup->significant_count > 0))
        return;
    TRACE(proc_site(sup->self), "sup/supervisor/shutdown", T_U64("sup", proc_self(sup->self)),
          T_STR("label", proc_label(sup->self)));
    supervisor_end(sup, shutdown);
}

void child_ended(struct supervisor *sup, struct child *child, const struct reason *reason)
{
    enum restart_type restart = child->spec.restart;
    bool calm = reason->kind == EXIT_NORMAL || reason->kind == EXIT_SHUTDOWN;
    TRACE(proc_site(sup->self), "sup/child/end", T_STR("child", child->spec.id),
          T_U64("sup", proc_self(sup->self)), T_U64("pid", child->pid),
          T_STR("reason", reason_text(*reason, (char[REASON_WORDS]){0})), T_U64("calm", calm));
    if (restart == RESTART_PERMANENT || (restart == RESTART_TRANSIENT && !calm)) {
        child_set(sup, child, CHILD_RESTARTING, supervisor_has_ids(sup) ? 0 : child->pid);
        child_restart(sup, child);
    } else {
        child_over(sup, child);
    }
}
