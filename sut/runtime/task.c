/* task.c: a task and its owner. The owner's monitor is what binds them: its ref is the address of the value, which is sent only
 * as long as the monitor is there, so what nobody waits for vanishes. What can be lost: a value, when its owner stops
 * waiting.
 */
#include "sut/runtime/task_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

POINT_ABOUT("task/body/run", "A task begins to compute its value.");
POINT_ABOUT("task/value/send", "A task has its value and is about to give it to its owner.");
POINT_ABOUT("task/value/get", "Who waits for a task has got its value, or its end without one.");
POINT_ABOUT("task/task/start", "A task was started by its owner.");

/* ---- the task ---- */

size_t order_size(const struct task_spec *spec)
{
    return sizeof(struct task_order) + spec->arg_size;
}

struct task_order *order_new(struct heap *heap, const struct task_spec *spec, proc_id owner)
{
    struct task_order *order = heap_alloc(heap, order_size(spec));
    order->body = spec->body;
    order->arg_size = spec->arg_size;
    order->owner = owner;
    snprintf(order->label, sizeof order->label, "%s", spec->label ? spec->label : "task");
    if (spec->arg_size > 0)
        memcpy(order->arg, spec->arg, spec->arg_size);
    else
        order->pointer = spec->arg;
    return order;
}

/* To its owner, as long as the monitor lasts, which is the owner's or one that works for it. */
static void value_send(struct proc *self, const struct task_order *order, struct task_value value)
{
    struct proc *owner = runtime_find(self->runtime, order->owner);
    if (owner && id_table_find(&self->runtime->monitors, order->ref))
        proc_post(owner, &(struct message){.tag = MSG_TASK,
                                           .from = proc_id_of(self),
                                           .ref = order->ref,
                                           .size = value.size,
                                           .data = value.data});
}

void order_run(struct proc *self, struct task_order *order)
{
    void *arg = order->arg_size > 0 ? order->arg : (void *)(uintptr_t)order->pointer;
    int err =
        FAULT(&self->site, "task/body/run", CAN_CRASH | CAN_DELAY, T_U64("task", proc_id_of(self)),
              T_U64("owner", order->owner), T_STR("label", self->label));
    struct task_value value = order->body(self, arg);
    err |= FAULT(&self->site, "task/value/send", CAN_CRASH | CAN_DELAY,
                 T_U64("task", proc_id_of(self)), T_U64("owner", order->owner),
                 T_U64("ref", order->ref));
    (void)err; /* neither can fail otherwise */
    value_send(self, order, value);
}

void task_main(struct proc *self, void *arg)
{
    order_run(self, arg);
}

int task_async(struct proc *self, const struct task_spec *spec, struct task *ret_task)
{
    proc_id owner = proc_id_of(self);
    struct task_order *order = order_new(&self->heap, spec, owner);
    proc_id pid = proc_spawn(self->runtime, &(struct proc_spec){.label = order->label,
                                                                .main = task_main,
                                                                .arg = order,
                                                                .arg_size = order_size(spec),
                                                                .link = owner,
                                                                .caller = owner});
    heap_release(&self->heap, order);
    if (pid == 0)
        return -EAGAIN;
    order = runtime_find(self->runtime, pid)->arg; /* it has not run yet */
    mailbox_mark(self);
    order->ref = proc_monitor(self, pid);
    *ret_task = (struct task){pid, order->ref, owner};
    TRACE(&self->site, "task/task/start", T_U64("task", pid), T_U64("owner", owner),
          T_U64("ref", order->ref), T_U64("linked", 1));
    return 0;
}

struct task task_completed(struct proc *self, const void *data, size_t size)
{
    mailbox_mark(self);
    struct task task = {.ref = runtime_ref(self->runtime), .owner = proc_id_of(self)};
    proc_post(self,
              &(struct message){.tag = MSG_TASK, .ref = task.ref, .size = size, .data = data});
    return task;
}

/* ---- its owner ---- */

bool task_foreign(const struct proc *self, const struct task *task)
{
    return task->owner != proc_id_of(self);
}

static bool is_word(const struct message *message, void *ctx)
{
    return message->ref == *(const ref_id *)ctx &&
           (message->tag == MSG_TASK || message->tag == MSG_DOWN);
}

static bool is_down(const struct message *message, void *ctx)
{
    return message->tag == MSG_DOWN && message->ref == *(const ref_id *)ctx;
}

static bool is_value(const struct message *message, void *ctx)
{
    return message->tag == MSG_TASK && message->ref == *(const ref_id *)ctx;
}

struct envelope *task_word(struct proc *self, ref_id ref, int64_t timeout_ns)
{
    return mailbox_wait(self, mailbox_from(self, ref), is_word, &ref, timeout_ns);
}

void task_over(struct proc *self, ref_id ref)
{
    if (!proc_demonitor(self, ref, false))
        heap_release(&self->heap, mailbox_wait(self, mailbox_from(self, ref), is_down, &ref, 0));
    mailbox_unmark(self, ref);
}

struct task_result word_result(struct proc *self, struct envelope *word)
{
    struct message *message = &word->message;
    struct task_result result = {.how = message->tag == MSG_TASK ? TASK_OK : TASK_EXIT};
    if (result.how == TASK_OK)
        result.value = (struct task_value){heap_memdup(&self->heap, message->data, message->size),
                                           message->size};
    else
        result.why = ((const struct exit_message *)message->data)->reason;
    reason_own(&self->heap, &result.why);
    if (result.how == TASK_OK)
        task_over(self, message->ref);
    else
        mailbox_unmark(self, message->ref);
    TRACE_SIGNAL(self, "task/value/get", T_U64("ref", message->ref), T_U64("task", message->from),
                 T_U64("owner", proc_id_of(self)), T_U64("ok", result.how == TASK_OK));
    heap_release(&self->heap, word);
    return result;
}

struct task_result task_yield(struct proc *self, const struct task *task, int64_t timeout_ns)
{
    if (task_foreign(self, task))
        return (struct task_result){.how = TASK_FOREIGN};
    struct envelope *word = task_word(self, task->ref, timeout_ns);
    return word ? word_result(self, word) : (struct task_result){.how = TASK_NOTHING};
}

int task_await(struct proc *self, const struct task *task, int64_t timeout_ns,
               struct task_value *ret_value, struct reason *ret_why)
{
    struct task_result result = task_yield(self, task, timeout_ns);
    if (result.how == TASK_FOREIGN) {
        if (ret_why)
            *ret_why = reason_of_error(&error_not_owner);
        return -EPERM;
    }
    if (result.how == TASK_NOTHING) {
        task_over(self, task->ref);
        result.why = reason_of_error(&error_timeout);
    }
    if (result.how == TASK_OK && ret_value)
        *ret_value = result.value;
    if (result.how != TASK_OK && ret_why)
        *ret_why = result.why;
    return result.how == TASK_OK ? 0 : result.how == TASK_EXIT ? -EPIPE : -ETIMEDOUT;
}

void task_exit(struct proc *self, int err, const struct reason *why, const char *what)
{
    if (err == -EPERM)
        proc_exit(self, *why);
    proc_exit(self, reason_wrap(&self->heap, why, EXIT_ERROR, "task", "%s", what));
}

struct task_value task_await_or_exit(struct proc *self, const struct task *task, int64_t timeout_ns)
{
    struct task_value value;
    struct reason why;
    int err = task_await(self, task, timeout_ns, &value, &why);
    if (err)
        task_exit(self, err, &why, "await");
    return value;
}

/* ---- letting go ---- */

struct task_result task_ignore(struct proc *self, const struct task *task)
{
    struct task_result result = task_yield(self, task, 0);
    if (result.how == TASK_FOREIGN || task->pid == 0)
        return result;
    proc_unlink(self, task->pid);
    if (result.how == TASK_NOTHING)
        task_over(self, task->ref);
    return result;
}

/* Waits for its DOWN; false: it is not monitored any more, and there is none. */
static bool down_wait(struct proc *self, const struct task *task, int64_t *shutdown_ns,
                      struct reason *ret_why)
{
    ref_id ref = task->ref;
    bool monitored = id_table_find(&self->runtime->monitors, ref);
    int64_t timeout_ns = !monitored ? 0 : *shutdown_ns < 0 ? WAIT_FOREVER : *shutdown_ns;
    struct envelope *down = mailbox_wait(self, mailbox_from(self, ref), is_down, &ref, timeout_ns);
    if (!down && monitored) {
        proc_signal(self->runtime, proc_id_of(self), task->pid, (struct reason){.kind = EXIT_KILL});
        down = mailbox_wait(self, mailbox_from(self, ref), is_down, &ref, WAIT_FOREVER);
    }
    if (down) {
        *ret_why = ((const struct exit_message *)down->message.data)->reason;
        reason_own(&self->heap, ret_why);
    }
    heap_release(&self->heap, down);
    return down;
}

static struct task_result shutdown_result(const struct reason *why, bool brutal)
{
    bool told = brutal ? why->kind == EXIT_KILLED : why->kind == EXIT_SHUTDOWN && !why->text[0];
    struct task_result result = {.how = TASK_NOTHING};
    if (!told) {
        result.how = TASK_EXIT;
        result.why = *why;
    }
    return result;
}

struct task_result task_shutdown(struct proc *self, const struct task *task, int64_t shutdown_ns)
{
    if (task_foreign(self, task) || task->pid == 0)
        return task_yield(self, task, 0);
    bool brutal = shutdown_ns < 0;
    struct reason why = {.kind = EXIT_NOPROC};
    ref_id ref = task->ref;
    proc_unlink(self, task->pid);
    proc_signal(self->runtime, proc_id_of(self), task->pid,
                (struct reason){.kind = brutal ? EXIT_KILL : EXIT_SHUTDOWN});
    down_wait(self, task, &shutdown_ns, &why);
    struct envelope *value = mailbox_wait(self, mailbox_from(self, ref), is_value, &ref, 0);
    if (!value) {
        mailbox_unmark(self, ref);
        return shutdown_result(&why, brutal);
    }
    reason_release(&self->heap, &why);
    return word_result(self, value);
}
