/* supervisor_stop.c: stopping children. Those with ids one after the other, the last first, each waited for; those without
 * all at once. A child is asked (exit signal shutdown), and killed when its time is over; some are not asked. The supervisor
 * waits for the DOWN of a monitor, not for the exit of the link: a child that unlinked itself sends none (SHUT-05). What was
 * in the mailbox before is not looked at, however much it is; an old exit of a child in there finds nobody later on. */
#include "sut/runtime/supervisor_internal.h"

#include <stdlib.h>

POINT_ABOUT("sup/child/stop", "A supervisor begins to stop a child, and waits for its end.");
POINT_ABOUT("sup/child/kill", "A child did not stop in its time: it is killed.");
POINT_ABOUT("sup/child/stopped", "A child that a supervisor stopped is gone.");

/* ---- waiting for ends ---- */

struct stop {
    struct supervisor *sup;
    struct envelope **mark; /* the end of the mailbox before it */
    struct child *child;    /* NULL: any */
    ref_id ref;
};

/* The exit of the link comes just in front of the DOWN: it is taken, too, and means nothing. */
static bool is_end(const struct message *message, void *ctx)
{
    const struct stop *stop = ctx;
    if (message->tag == MSG_DOWN)
        return stop->child ? message->ref == stop->ref
                           : children_by_pid(stop->sup, message->from) != NULL;
    return message->tag == MSG_EXIT &&
           (stop->child ? message->from == stop->child->pid
                        : children_by_pid(stop->sup, message->from) != NULL);
}

/* The next DOWN until `deadline` (0: of those that are there), or NULL. The caller releases it. */
static struct envelope *down_wait(struct stop *stop, int64_t deadline)
{
    struct proc *self = stop->sup->self;
    for (;;) {
        int64_t left = deadline == WAIT_FOREVER ? WAIT_FOREVER : deadline - proc_now(self);
        struct envelope *end = mailbox_wait(self, stop->mark, is_end, stop, left);
        if (!end || end->message.tag == MSG_DOWN)
            return end;
        heap_release(&self->heap, end);
    }
}

/* ---- one child ---- */

static void stop_trace(struct supervisor *sup, const struct child *child)
{
    (void)child; /* without points */
    TRACE(proc_site(sup->self), "sup/child/stop", T_STR("child", child->spec.id),
          T_U64("sup", proc_self(sup->self)), T_U64("pid", child->pid),
          T_I64("shutdown_ns", child->spec.shutdown_ns));
}

static void child_signal(struct supervisor *sup, const struct child *child, enum reason_kind kind)
{
    proc_signal(proc_runtime(sup->self), proc_self(sup->self), child->pid,
                (struct reason){.kind = kind});
}

static void child_kill(struct supervisor *sup, const struct child *child)
{
    TRACE(proc_site(sup->self), "sup/child/kill", T_STR("child", child->spec.id),
          T_U64("sup", proc_self(sup->self)), T_U64("pid", child->pid));
    child_signal(sup, child, EXIT_KILL);
}

/* SHUT-07: it ended as it was asked to, or was killed as it was to be; who need not come back may end in any calm way. */
__attribute__((unused)) static bool stop_expected(const struct child *child,
                                                  const struct reason *reason)
{
    if (child->spec.restart != RESTART_PERMANENT && reason_is_calm(*reason))
        return true;
    return child->spec.shutdown_ns == SHUTDOWN_BRUTAL
               ? reason->kind == EXIT_KILLED
               : reason->kind == EXIT_SHUTDOWN && !reason->text[0];
}

static void child_stopped(struct supervisor *sup, const struct child *child, struct envelope *down)
{
    const struct reason *reason = &((const struct exit_message *)down->message.data)->reason;
    (void)child, (void)reason; /* without points */
    TRACE(proc_site(sup->self), "sup/child/stopped", T_STR("child", child->spec.id),
          T_U64("sup", proc_self(sup->self)), T_U64("pid", child->pid),
          T_STR("reason", reason_text(*reason, (char[REASON_WORDS]){0})),
          T_U64("expected", stop_expected(child, reason)));
    heap_release(sup->heap, down);
}

void child_stop(struct supervisor *sup, struct child *child)
{
    if (child->state != CHILD_UP)
        return;
    struct proc *self = sup->self;
    struct stop stop = {.sup = sup, .mark = self->last, .child = child};
    int64_t patience = child->spec.shutdown_ns;
    struct envelope *down = NULL;
    stop_trace(sup, child);
    stop.ref = proc_monitor(self, child->pid);
    if (patience == SHUTDOWN_BRUTAL) {
        child_signal(sup, child, EXIT_KILL);
    } else {
        child_signal(sup, child, EXIT_SHUTDOWN);
        down = down_wait(&stop, patience == SHUTDOWN_AT_ONCE ? 0 : proc_deadline(self, patience));
        if (!down)
            child_kill(sup, child);
    }
    child_stopped(sup, child, down ? down : down_wait(&stop, WAIT_FOREVER));
}

static void children_stop_in_turn(struct supervisor *sup)
{
    for (struct child *child = children_last(sup); child; child = child_before(sup, child))
        child_stop(sup, child);
}

/* ---- all at once (S1F-06, DYN-11) ---- */

struct victim {
    struct child *child;
    size_t order;
};

/* By their time to stop: one wait for each that differs. Brutal ones come first. */
static int victim_compare(const void *left, const void *right)
{
    const struct victim *a = left, *b = right;
    int64_t x = a->child->spec.shutdown_ns, y = b->child->spec.shutdown_ns;
    return x != y ? (x < y ? -1 : 1) : (a->order < b->order ? -1 : 1);
}

static size_t ends_take(struct stop *stop, int64_t deadline, size_t left)
{
    struct envelope *down;
    while (left > 0 && (down = down_wait(stop, deadline))) {
        struct child *child = children_by_pid(stop->sup, down->message.from);
        child_stopped(stop->sup, child, down);
        child_set(stop->sup, child, CHILD_DOWN, 0);
        --left;
    }
    return left;
}

/* Asks all, or kills them; takes the ends that come of it at once, so that they do not pile up. */
static size_t victims_signal(struct stop *stop, const struct victim *victims, size_t count)
{
    size_t left = count;
    for (size_t i = 0; i < count; ++i) {
        struct child *child = victims[i].child;
        stop_trace(stop->sup, child);
        proc_monitor(stop->sup->self, child->pid);
        child_signal(stop->sup, child,
                     child->spec.shutdown_ns == SHUTDOWN_BRUTAL ? EXIT_KILL : EXIT_SHUTDOWN);
        left = ends_take(stop, 0, left);
    }
    return left;
}

static void victims_stop(struct supervisor *sup, const struct victim *victims, size_t count)
{
    struct stop stop = {.sup = sup, .mark = sup->self->last};
    int64_t begin = proc_now(sup->self);
    size_t left = victims_signal(&stop, victims, count);
    size_t i = 0;
    while (i < count && victims[i].child->spec.shutdown_ns == SHUTDOWN_BRUTAL)
        ++i; /* they are dying already */
    while (left > 0) {
        int64_t patience = i < count ? victims[i].child->spec.shutdown_ns : SHUTDOWN_INFINITY;
        bool ends = patience < WAIT_FOREVER - begin;
        left = ends_take(&stop, ends ? begin + patience : WAIT_FOREVER, left);
        for (; i < count && victims[i].child->spec.shutdown_ns == patience; ++i)
            if (victims[i].child->state == CHILD_UP)
                child_kill(sup, victims[i].child);
    }
}

static void children_stop_at_once(struct supervisor *sup)
{
    struct victim *victims = heap_alloc(sup->heap, sup->child_count * sizeof *victims);
    size_t count = 0;
    for (struct child *child = sup->children; child; child = child->next)
        if (child->state == CHILD_UP) {
            victims[count] = (struct victim){.child = child, .order = count};
            ++count;
        }
    qsort(victims, count, sizeof *victims, victim_compare);
    victims_stop(sup, victims, count);
    heap_release(sup->heap, victims);
}

void children_stop(struct supervisor *sup)
{
    if (supervisor_has_ids(sup))
        children_stop_in_turn(sup);
    else
        children_stop_at_once(sup);
}

void supervisor_end(struct supervisor *sup, struct reason reason)
{
    children_stop(sup);
    proc_exit(sup->self, reason);
}
