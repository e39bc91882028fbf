/* task_supervised.c: tasks below a dynamic supervisor, which starts them for their owner. The owner cannot be linked with one
 * before it knows of it, so the task waits for its first word.
 *
 *     waits for the owner    5 s        exits with timeout
 *                            its end    exits with {shutdown, reason}
 *                            its word   runs
 */
#include "sut/runtime/task_internal.h"

#include <errno.h>

enum { OWNER_WAIT_S = 5 };

static bool is_start(const struct message *message, void *ctx)
{
    const struct task_order *order = ctx;
    return message->from == order->owner &&
           (message->tag == MSG_TASK || (message->tag == MSG_DOWN && message->ref == order->ref));
}

static _Noreturn void owner_gone(struct proc *self, const struct exit_message *down)
{
    struct reason why = down->reason;
    proc_exit(self, reason_make(EXIT_SHUTDOWN, "%s", reason_text(why, (char[REASON_WORDS]){0})));
}

/* The order's ref is first that of the task's monitor of its owner, then that of the owner's of the task. */
static void owner_wait(struct proc *self, struct task_order *order)
{
    order->ref = proc_monitor(self, order->owner);
    const struct message *word = proc_receive_match(self, is_start, order, OWNER_WAIT_S * NS_PER_S);
    if (word && word->tag == MSG_TASK) {
        ref_id ref = word->ref;
        proc_demonitor(self, order->ref, true);
        order->ref = ref;
        return;
    }
    if (word)
        owner_gone(self, word->data);
    proc_exit(self, reason_of_error(&error_timeout));
}

static void supervised_main(struct proc *self, void *arg)
{
    owner_wait(self, arg);
    order_run(self, arg);
}

/* Its parent is the supervisor; it works for its owner (ANC-04). */
static struct started supervised_start(struct proc *supervisor, const void *arg)
{
    const struct task_order *order = arg;
    proc_id pid = proc_spawn(supervisor->runtime,
                             &(struct proc_spec){.label = order->label,
                                                 .main = order->waits ? supervised_main : task_main,
                                                 .arg = order,
                                                 .arg_size = sizeof *order + order->arg_size,
                                                 .link = proc_id_of(supervisor),
                                                 .caller = order->owner});
    return pid ? started_ok(pid) : started_error(reason_of_error(&error_no_room));
}

static int child_start_for(struct proc *self, proc_id supervisor, const struct task_spec *spec,
                           bool waits, enum restart_type restart, proc_id *ret_pid)
{
    struct task_order *order = order_new(&self->heap, spec, proc_id_of(self));
    order->waits = waits;
    struct child_spec child = {.id = order->label,
                               .start = supervised_start,
                               .arg = order,
                               .arg_size = order_size(spec),
                               .restart = restart,
                               .shutdown_ns = spec->shutdown_ns};
    struct child_answer answer = supervisor_start_child(self, supervisor, &child);
    heap_release(&self->heap, order);
    bool full = error_find(answer.started.why.error, error_max_children.code);
    reason_release(&self->heap, &answer.started.why);
    if (answer.err)
        return answer.err == -EPIPE ? -ESRCH : answer.err;
    if (answer.started.how != STARTED_OK)
        return full ? -ENOSPC : -EAGAIN;
    *ret_pid = answer.started.pid;
    return 0;
}

int task_start_waiting(struct proc *self, proc_id supervisor, const struct task_spec *spec,
                       proc_id *ret_pid)
{
    return child_start_for(self, supervisor, spec, true, RESTART_TEMPORARY, ret_pid);
}

void task_go(struct proc *self, proc_id pid, ref_id ref)
{
    struct proc *task = runtime_find(self->runtime, pid);
    if (task)
        proc_post(task, &(struct message){.tag = MSG_TASK, .from = proc_id_of(self), .ref = ref});
}

static int async_under(struct proc *self, proc_id supervisor, const struct task_spec *spec,
                       bool linked, struct task *ret_task)
{
    proc_id pid = 0;
    int err = task_start_waiting(self, supervisor, spec, &pid);
    if (err)
        return err;
    if (linked)
        proc_link(self, pid);
    mailbox_mark(self);
    *ret_task = (struct task){pid, proc_monitor(self, pid), proc_id_of(self)};
    task_go(self, pid, ret_task->ref);
    TRACE(&self->site, "task/task/start", T_U64("task", pid), T_U64("owner", proc_id_of(self)),
          T_U64("ref", ret_task->ref), T_U64("linked", linked));
    return 0;
}

int task_async_under(struct proc *self, proc_id supervisor, const struct task_spec *spec,
                     struct task *ret_task)
{
    return async_under(self, supervisor, spec, true, ret_task);
}

int task_async_nolink(struct proc *self, proc_id supervisor, const struct task_spec *spec,
                      struct task *ret_task)
{
    return async_under(self, supervisor, spec, false, ret_task);
}

int task_start_child(struct proc *self, proc_id supervisor, const struct task_spec *spec,
                     proc_id *ret_pid)
{
    static const enum restart_type restarts[] = {
        [TASK_TEMPORARY] = RESTART_TEMPORARY,
        [TASK_TRANSIENT] = RESTART_TRANSIENT,
        [TASK_PERMANENT] = RESTART_PERMANENT,
    };
    return child_start_for(self, supervisor, spec, false, restarts[spec->restart], ret_pid);
}
