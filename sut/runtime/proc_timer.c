/* proc_timer.c: messages that are sent later. They belong to their receiver and go with it; the
 * sender may be gone by then. What goes to a name belongs to the node: who gets it shows when it is due. */
#include "sut/runtime/proc_internal.h"

#include <string.h>
#include <utlist.h>

POINT_ABOUT("proc/timer/set", "A message is to be sent later.");
POINT_ABOUT("proc/timer/fire", "The time of a message has come: it goes to its receiver.");
POINT_ABOUT("proc/timer/cancel", "A message will not be sent.");

static void delayed_remove(struct delayed *delayed)
{
    struct runtime *runtime = delayed->runtime;
    timers_disarm(&runtime->timers, &delayed->timer);
    id_table_remove(&runtime->delayed, &delayed->by_ref);
    if (delayed->to)
        DL_DELETE(delayed->to->delayed, delayed);
    else
        DL_DELETE(runtime->delayed_names, delayed);
    heap_release(delayed->to ? &delayed->to->heap : runtime->env->heap, delayed);
}

static void delayed_fire(struct timer *timer)
{
    struct delayed *delayed = CONTAINER_OF(timer, struct delayed, timer);
    struct proc *to = delayed->to;
    struct envelope *envelope = delayed->envelope;
    TRACE_SIGNAL(to, "proc/timer/fire", T_U64("ref", delayed->by_ref.id),
                 T_U64("to", proc_id_of(to)));
    delayed_remove(delayed);
    mailbox_put(to, envelope);
}

void delayed_clear(struct proc *proc)
{
    while (proc->delayed)
        delayed_remove(proc->delayed); /* its envelope goes with the heap */
}

static void delayed_arm(struct delayed *delayed, ref_id ref, int64_t due)
{
    struct runtime *runtime = delayed->runtime;
    id_table_insert(&runtime->delayed, &delayed->by_ref, ref);
    timers_arm(&runtime->timers, &delayed->timer, due);
}

ref_id proc_send_after(struct proc *self, int64_t delay_ns, proc_id to, uint32_t tag,
                       const void *data, size_t size)
{
    struct runtime *runtime = self->runtime;
    ref_id ref = runtime_ref(runtime);
    struct proc *target = runtime_find(runtime, to);
    int64_t due = proc_deadline(self, delay_ns);
    if (!target || due == WAIT_FOREVER)
        return ref;
    struct delayed *delayed = heap_alloc(&target->heap, sizeof *delayed);
    delayed->runtime = runtime;
    delayed->to = target;
    delayed->timer.fire = delayed_fire;
    delayed->envelope =
        envelope_new(target, &(struct message){.tag = tag, .ref = ref, .size = size, .data = data});
    DL_APPEND(target->delayed, delayed);
    delayed_arm(delayed, ref, due);
    TRACE_SIGNAL(self, "proc/timer/set", T_U64("ref", ref), T_U64("to", to),
                 T_I64("delay_ns", delay_ns));
    return ref;
}

/* ---- to names ---- */

/* Its data, then its name, lie behind it. */
struct delayed_name {
    struct delayed delayed; /* first */
    uint32_t tag;
    size_t size;
    _Alignas(16) char data[];
};

static void name_fire(struct timer *timer)
{
    struct delayed *delayed = CONTAINER_OF(timer, struct delayed, timer);
    const struct delayed_name *to = (const struct delayed_name *)delayed;
    struct runtime *runtime = delayed->runtime;
    struct proc *target = runtime_find(runtime, runtime_whereis(runtime, to->data + to->size));
    if (target)
        proc_post(target, &(struct message){.tag = to->tag,
                                            .ref = delayed->by_ref.id,
                                            .size = to->size,
                                            .data = to->size ? to->data : NULL});
    delayed_remove(delayed);
}

ref_id proc_send_after_name(struct proc *self, int64_t delay_ns, const char *name, uint32_t tag,
                            const void *data, size_t size)
{
    struct runtime *runtime = self->runtime;
    ref_id ref = runtime_ref(runtime);
    int64_t due = proc_deadline(self, delay_ns);
    if (due == WAIT_FOREVER)
        return ref;
    struct delayed_name *to = heap_alloc(runtime->env->heap, sizeof *to + size + strlen(name) + 1);
    to->tag = tag;
    to->size = size;
    if (size > 0)
        memcpy(to->data, data, size);
    strcpy(to->data + size, name);
    to->delayed.runtime = runtime;
    to->delayed.timer.fire = name_fire;
    struct delayed *delayed = &to->delayed;
    DL_APPEND(runtime->delayed_names, delayed);
    delayed_arm(delayed, ref, due);
    return ref;
}

void delayed_names_clear(struct runtime *runtime)
{
    while (runtime->delayed_names)
        delayed_remove(runtime->delayed_names);
}

/* ---- by their refs ---- */

static struct delayed *delayed_find(const struct runtime *runtime, ref_id ref)
{
    struct id_node *node = id_table_find(&runtime->delayed, ref);
    return node ? CONTAINER_OF(node, struct delayed, by_ref) : NULL;
}

int64_t proc_timer_left(struct proc *self, ref_id timer)
{
    const struct delayed *delayed = delayed_find(self->runtime, timer);
    if (!delayed)
        return -1;
    int64_t left = timers_due(&self->runtime->timers, &delayed->timer) - proc_now(self);
    return left > 0 ? left : 0;
}

int64_t proc_cancel_timer(struct proc *self, ref_id timer)
{
    struct delayed *delayed = delayed_find(self->runtime, timer);
    int64_t left = proc_timer_left(self, timer);
    if (!delayed)
        return -1;
    TRACE_SIGNAL(self, "proc/timer/cancel", T_U64("ref", timer));
    if (delayed->to)
        heap_release(&delayed->to->heap, delayed->envelope);
    delayed_remove(delayed);
    return left;
}
