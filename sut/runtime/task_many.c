/* task_many.c: waiting for many tasks. The refs that are still awaited lie in a table, so that each message is looked up once,
 * however many tasks there are.
 */
#include "sut/runtime/task_internal.h"

#include <errno.h>

struct awaited {
    struct id_node by_ref;
    size_t index;
};

struct many {
    struct heap *heap; /* of all this, below the caller's: it goes with it in any case */
    struct id_table refs;
    ref_id least; /* of them, at first */
    struct awaited *awaited;
};

static void many_begin(struct many *many, struct proc *self, const struct task *tasks, size_t count)
{
    many->heap = heap_child(&self->heap);
    many->least = UINT64_MAX;
    many->awaited = heap_alloc(many->heap, count * sizeof *many->awaited);
    id_table_init(&many->refs, many->heap);
    for (size_t i = 0; i < count; i++) {
        many->awaited[i].index = i;
        if (task_foreign(self, &tasks[i]))
            continue;
        id_table_insert(&many->refs, &many->awaited[i].by_ref, tasks[i].ref);
        if (tasks[i].ref < many->least)
            many->least = tasks[i].ref;
    }
}

static bool is_awaited(const struct message *message, void *ctx)
{
    const struct many *many = ctx;
    return (message->tag == MSG_TASK || message->tag == MSG_DOWN) &&
           id_table_find(&many->refs, message->ref);
}

/* The next result, and whose; SIZE_MAX: time is up. */
static size_t many_next(struct many *many, struct proc *self, int64_t deadline,
                        struct task_result *ret_result)
{
    int64_t left = deadline == WAIT_FOREVER ? WAIT_FOREVER : deadline - proc_now(self);
    struct envelope *word =
        mailbox_wait(self, mailbox_from(self, many->least), is_awaited, many, left);
    if (!word)
        return SIZE_MAX;
    struct id_node *node = id_table_find(&many->refs, word->message.ref);
    size_t index = CONTAINER_OF(node, struct awaited, by_ref)->index;
    id_table_remove(&many->refs, node);
    *ret_result = word_result(self, word);
    return index;
}

/* ---- all values, or none ---- */

static int await_failed(const struct task_result *result, bool late, struct reason *ret_why)
{
    if (ret_why)
        *ret_why = late ? reason_of_error(&error_timeout) : result->why;
    return late ? -ETIMEDOUT : -EPIPE;
}

static int await_all(struct many *many, struct proc *self, int64_t deadline,
                     struct task_value *values, struct reason *ret_why)
{
    while (many->refs.count > 0) {
        struct task_result result = {0};
        size_t index = many_next(many, self, deadline, &result);
        if (result.how != TASK_OK)
            return await_failed(&result, index == SIZE_MAX, ret_why);
        values[index] = result.value;
    }
    return 0;
}

static int foreign_await(struct reason *ret_why)
{
    if (ret_why)
        *ret_why = reason_of_error(&error_not_owner);
    return -EPERM;
}

int task_await_many(struct proc *self, const struct task *tasks, size_t count, int64_t timeout_ns,
                    struct task_value *values, struct reason *ret_why)
{
    struct many many;
    for (size_t i = 0; i < count; i++)
        if (task_foreign(self, &tasks[i]))
            return foreign_await(ret_why);
    many_begin(&many, self, tasks, count);
    struct task_value *came = heap_alloc(many.heap, count * sizeof *came);
    int err = await_all(&many, self, proc_deadline(self, timeout_ns), came, ret_why);
    for (size_t i = 0; i < count; i++)
        if (err)
            heap_release(&self->heap, (void *)(uintptr_t)came[i].data);
        else
            values[i] = came[i];
    for (struct id_node *node; (node = id_table_any(&many.refs));) {
        task_over(self, node->id);
        id_table_remove(&many.refs, node);
    }
    heap_free(many.heap);
    return err;
}

/* ---- whatever came ---- */

static struct task_result late_result(struct proc *self, const struct task *task,
                                      enum task_late late)
{
    if (late == TASK_LATE_KILL)
        return task_shutdown(self, task, SHUTDOWN_BRUTAL);
    return late == TASK_LATE_IGNORE ? task_ignore(self, task)
                                    : (struct task_result){.how = TASK_NOTHING};
}

void task_yield_many(struct proc *self, const struct task *tasks, size_t count, int64_t timeout_ns,
                     enum task_late late, size_t limit, struct task_result *results)
{
    struct many many;
    int64_t deadline = proc_deadline(self, timeout_ns);
    struct task_result result;
    many_begin(&many, self, tasks, count);
    for (size_t i = 0; i < count; i++)
        results[i].how = task_foreign(self, &tasks[i]) ? TASK_FOREIGN : TASK_NOTHING;
    for (size_t left = limit > 0 ? limit : count, index; left > 0 && many.refs.count > 0; left--) {
        index = many_next(&many, self, deadline, &result);
        if (index == SIZE_MAX)
            break;
        results[index] = result;
    }
    heap_free(many.heap);
    for (size_t i = 0; i < count; i++)
        if (results[i].how == TASK_NOTHING)
            results[i] = late_result(self, &tasks[i], late);
}
