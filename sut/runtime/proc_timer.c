/* proc_timer.c: messages that are sent later. They belong to their receiver and go with it; the
 * sender may be gone by then. */
#include "sut/runtime/proc_internal.h"

#include <utlist.h>

POINT_ABOUT("proc/timer/set", "A message is to be sent later.");
POINT_ABOUT("proc/timer/fire", "The time of a message has come: it goes to its receiver.");
POINT_ABOUT("proc/timer/cancel", "A message will not be sent.");

static void delayed_remove(struct delayed *delayed)
{
    struct proc *to = delayed->to;
    timers_disarm(&to->runtime->timers, &delayed->timer);
    id_table_remove(&to->runtime->delayed, &delayed->by_ref);
    DL_DELETE(to->delayed, delayed);
    heap_release(&to->heap, delayed);
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
    delayed->to = target;
    delayed->timer.fire = delayed_fire;
    delayed->envelope =
        envelope_new(target, &(struct message){.tag = tag, .size = size, .data = data});
    id_table_insert(&runtime->delayed, &delayed->by_ref, ref);
    DL_APPEND(target->delayed, delayed);
    timers_arm(&runtime->timers, &delayed->timer, due);
    TRACE_SIGNAL(self, "proc/timer/set", T_U64("ref", ref), T_U64("to", to),
                 T_I64("delay_ns", delay_ns));
    return ref;
}

bool proc_cancel_timer(struct proc *self, ref_id timer)
{
    struct id_node *node = id_table_find(&self->runtime->delayed, timer);
    if (!node)
        return false;
    struct delayed *delayed = CONTAINER_OF(node, struct delayed, by_ref);
    TRACE_SIGNAL(self, "proc/timer/cancel", T_U64("ref", timer));
    heap_release(&delayed->to->heap, delayed->envelope);
    delayed_remove(delayed);
    return true;
}
