/* task_stream_middle.c: the process between the consumer of a stream and its tasks. Who its tasks are is what it monitors,
 * besides the consumer; it has no other state.
 *
 *     it gets              it does
 *     a task's DOWN        tells the consumer
 *     a task's time        kills it, waits, and tells the consumer that it was late
 *     stop                 kills all, and ends with normal
 *     the consumer's DOWN  ends the linked ones for the same reason, and itself
 */
#include "sut/runtime/task_stream_internal.h"

struct middle {
    proc_id consumer;
    ref_id consumer_ref;
    bool nolink;
};

static bool is_down(const struct message *message, void *ctx)
{
    return message->tag == MSG_DOWN && message->ref == *(const ref_id *)ctx;
}

static void end_tell(struct proc *self, const struct middle *middle, ref_id ref,
                     const struct reason *why, bool late)
{
    struct proc *consumer = runtime_find(self->runtime, middle->consumer);
    struct middle_end end = {*why, late};
    if (consumer)
        proc_post_reason(consumer,
                         &(struct message){.tag = MSG_TASK,
                                           .from = proc_id_of(self),
                                           .ref = ref,
                                           .size = sizeof end,
                                           .data = &end},
                         offsetof(struct middle_end, why));
}

/* Kills a task and waits until it is gone; the reason of its end, with its error in the heap. */
static struct reason task_kill(struct proc *self, struct monitor *monitor)
{
    proc_id pid = proc_id_of(monitor->target);
    ref_id ref = monitor->by_ref.id;
    proc_unlink(self, pid);
    proc_signal(self->runtime, proc_id_of(self), pid, (struct reason){.kind = EXIT_KILL});
    struct envelope *down = mailbox_wait(self, &self->first, is_down, &ref, WAIT_FOREVER);
    struct reason why = ((const struct exit_message *)down->message.data)->reason;
    reason_own(&self->heap, &why);
    heap_release(&self->heap, down);
    return why;
}

/* A monitor that is gone: its task ended in time, and its DOWN was here before. */
static void task_late(struct proc *self, const struct middle *middle, ref_id ref)
{
    struct id_node *node = id_table_find(&self->runtime->monitors, ref);
    if (!node)
        return;
    struct reason why = task_kill(self, CONTAINER_OF(node, struct monitor, by_ref));
    end_tell(self, middle, ref, &why, true);
    reason_release(&self->heap, &why);
}

static struct monitor *monitor_of_task(struct monitor *monitor, const struct middle *middle)
{
    while (monitor && monitor->by_ref.id == middle->consumer_ref)
        monitor = monitor->mine_next;
    return monitor;
}

static _Noreturn void stop_all(struct proc *self, const struct middle *middle)
{
    for (struct monitor *task; (task = monitor_of_task(self->monitors, middle));)
        task_kill(self, task);
    proc_exit(self, (struct reason){.kind = EXIT_NORMAL});
}

/* Each is sent the reason, since a link does not carry `normal`. */
static _Noreturn void consumer_ended(struct proc *self, const struct middle *middle,
                                     struct reason why)
{
    struct monitor *task = middle->nolink ? NULL : monitor_of_task(self->monitors, middle);
    struct reason signal = why;
    if (why.kind == EXIT_NORMAL)
        signal.kind = EXIT_SHUTDOWN;
    for (; task; task = monitor_of_task(self->monitors, middle)) {
        proc_id pid = proc_id_of(task->target);
        monitor_remove(task);
        proc_signal(self->runtime, proc_id_of(self), pid, signal);
    }
    proc_exit(self, why);
}

static int64_t middle_turn(struct proc *self, void *arg, const struct message *message)
{
    const struct middle *middle = arg;
    if (message->tag == MSG_TASK && message->size == 0)
        stop_all(self, middle);
    if (message->tag == MSG_TASK)
        task_late(self, middle, *(const ref_id *)message->data);
    if (message->tag != MSG_DOWN)
        return WAIT_FOREVER;
    const struct exit_message *down = message->data;
    if (message->ref == middle->consumer_ref)
        consumer_ended(self, middle, down->reason);
    end_tell(self, middle, message->ref, &down->reason, false);
    return WAIT_FOREVER;
}

static void middle_main(struct proc *self, void *arg)
{
    proc_become(self, middle_turn, arg, WAIT_FOREVER);
}

proc_id middle_start(struct proc *self, bool nolink, ref_id *ret_ref)
{
    proc_id me = proc_id_of(self);
    struct middle arg = {
        .consumer = me, .consumer_ref = runtime_ref(self->runtime), .nolink = nolink};
    proc_id pid = proc_spawn(self->runtime, &(struct proc_spec){.label = "stream",
                                                                .main = middle_main,
                                                                .arg = &arg,
                                                                .arg_size = sizeof arg,
                                                                .link = me,
                                                                .monitor = me,
                                                                .ret_monitor = ret_ref,
                                                                .trap_exit = self->trap_exit});
    if (pid)
        monitor_add(runtime_find(self->runtime, pid), self, arg.consumer_ref, NULL);
    return pid;
}

proc_id middle_spawn(struct proc *self, proc_id middle, const struct task_spec *spec,
                     ref_id *ret_ref)
{
    struct task_order *order = order_new(&self->heap, spec, proc_id_of(self));
    proc_id pid = proc_spawn(self->runtime, &(struct proc_spec){.label = spec->label,
                                                                .main = task_main,
                                                                .arg = order,
                                                                .arg_size = order_size(spec),
                                                                .link = middle,
                                                                .monitor = middle,
                                                                .caller = order->owner,
                                                                .ret_monitor = ret_ref});
    heap_release(&self->heap, order);
    struct proc *task = runtime_find(self->runtime, pid);
    if (task)
        ((struct task_order *)task->arg)->ref = *ret_ref; /* it has not run yet */
    return pid;
}

ref_id middle_watch(struct proc *self, proc_id middle, proc_id task, bool linked)
{
    static const struct reason noproc = {.kind = EXIT_NOPROC};
    struct proc *watcher = runtime_find(self->runtime, middle);
    struct proc *target = runtime_find(self->runtime, task);
    ref_id ref = runtime_ref(self->runtime);
    if (!watcher)
        return ref;
    if (target && linked)
        link_add(watcher, target);
    if (target)
        monitor_add(watcher, target, ref, NULL);
    else
        end_tell(watcher, &(struct middle){.consumer = proc_id_of(self)}, ref, &noproc, false);
    return ref;
}
