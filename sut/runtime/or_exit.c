/* or_exit.c: errors as exits. What a call answered keeps its reason, with {call,WHOM} behind it; what makes no sense is raised. */
#include "sut/runtime/or_exit.h"

#include "sut/runtime/task_internal.h"
#include <errno.h>
#include <inttypes.h>

/* ---- for any function ---- */

static _Noreturn void errno_exit(struct proc *self, int err, const char *what)
{
    const struct error *known = error_of_errno(err);
    if (known->kind == EXIT_RAISED) {
        const struct error *error =
            error_new(&self->heap, known->class, known->code, "%s: %s", what, known->text);
        proc_exit(self, reason_of_error(error_as(error, EXIT_RAISED)));
    }
    struct reason why = reason_of_error(known);
    proc_exit(self, reason_wrap(&self->heap, &why, EXIT_ERROR, "call", "%s", what));
}

static _Noreturn void call_exit(struct proc *self, proc_id whom, const struct reason *why)
{
    proc_exit(self, reason_wrap(&self->heap, why, EXIT_ERROR, "call", "%" PRIu64, whom));
}

int64_t proc_or_exit(struct proc *self, int64_t result, const char *what)
{
    if (result < 0)
        errno_exit(self, (int)result, what);
    return result;
}

proc_id started_or_exit(struct proc *self, struct started started)
{
    if (started.how == STARTED_ERROR)
        proc_exit(self, started.why);
    return started.pid;
}

proc_id child_or_exit(struct proc *self, proc_id supervisor, struct child_answer answer)
{
    if (answer.err)
        call_exit(self, supervisor, &answer.started.why);
    return started_or_exit(self, answer.started);
}

/* ---- processes ---- */

void proc_register_or_exit(struct proc *self, const char *name)
{
    proc_or_exit(self, proc_register(self, name), "register");
}

void proc_send_name_or_exit(struct proc *self, const char *name, uint32_t tag, const void *data,
                            size_t size)
{
    proc_or_exit(self, proc_send_name(self->runtime, proc_id_of(self), name, tag, data, size),
                 "send");
}

/* ---- servers, agents, stages ---- */

void server_stop_or_exit(struct proc *self, proc_id server, struct reason reason,
                         int64_t timeout_ns)
{
    struct reason why;
    if (server_stop(self, server, reason, timeout_ns, &why) != 0)
        call_exit(self, server, &why);
}

void agent_update_or_exit(struct proc *self, proc_id agent, const struct agent_call *call,
                          int64_t timeout_ns)
{
    struct reason why;
    if (agent_update(self, agent, call, timeout_ns, &why) != 0)
        call_exit(self, agent, &why);
}

void agent_stop_or_exit(struct proc *self, proc_id agent, struct reason reason, int64_t timeout_ns)
{
    server_stop_or_exit(self, agent, reason, timeout_ns);
}

const struct message *registry_call_or_exit(struct proc *self, const struct registry_via *via,
                                            uint32_t tag, const void *data, size_t size,
                                            int64_t timeout_ns)
{
    const struct message *reply = NULL;
    struct reason why;
    int err = registry_call(self, via, tag, data, size, timeout_ns, &reply, &why);
    if (err == -EINVAL)
        proc_exit(self, why);
    if (err)
        call_exit(self, via->registry, &why);
    return reply;
}

struct stage_from stage_subscribe_or_exit(struct proc *self, proc_id consumer,
                                          const struct stage_subscription *subscription,
                                          int64_t timeout_ns)
{
    struct stage_from from = {0};
    proc_or_exit(self, stage_subscribe(self, consumer, subscription, timeout_ns, &from),
                 "stage_subscribe");
    return from;
}

/* ---- supervisors ---- */

proc_id supervisor_start_child_or_exit(struct proc *self, proc_id supervisor,
                                       const struct child_spec *spec)
{
    return child_or_exit(self, supervisor, supervisor_start_child(self, supervisor, spec));
}

proc_id supervisor_restart_child_or_exit(struct proc *self, proc_id supervisor, const char *id)
{
    return child_or_exit(self, supervisor, supervisor_restart_child(self, supervisor, id));
}

void supervisor_stop_or_exit(struct proc *self, proc_id supervisor, struct reason why)
{
    proc_or_exit(self, supervisor_stop_with(self, supervisor, why), "supervisor_stop");
}

/* Nobody is behind the id, or no partition is open. */
static proc_id partition_or_exit(struct proc *self, proc_id supervisor, int err, proc_id pid)
{
    struct reason why = reason_of_error(&error_noproc);
    if (err == -ESRCH)
        call_exit(self, supervisor, &why);
    proc_or_exit(self, err, "partition_of");
    return pid;
}

proc_id partition_of_number_or_exit(struct proc *self, proc_id supervisor, int64_t key)
{
    proc_id pid = 0;
    int err = partition_of_number(self->runtime, supervisor, key, &pid);
    return partition_or_exit(self, supervisor, err, pid);
}

proc_id partition_of_bytes_or_exit(struct proc *self, proc_id supervisor, const void *key,
                                   size_t size)
{
    proc_id pid = 0;
    int err = partition_of_bytes(self->runtime, supervisor, key, size, &pid);
    return partition_or_exit(self, supervisor, err, pid);
}

void partition_resize_or_exit(struct proc *self, proc_id supervisor, size_t count)
{
    proc_or_exit(self, partition_resize(self, supervisor, count), "partition_resize");
}

/* ---- tasks ---- */

struct task task_async_or_exit(struct proc *self, const struct task_spec *spec)
{
    struct task task = {0};
    proc_or_exit(self, task_async(self, spec, &task), "task_async");
    return task;
}

struct task task_async_under_or_exit(struct proc *self, proc_id supervisor,
                                     const struct task_spec *spec)
{
    struct task task = {0};
    proc_or_exit(self, task_async_under(self, supervisor, spec, &task), "task_async");
    return task;
}

struct task task_async_nolink_or_exit(struct proc *self, proc_id supervisor,
                                      const struct task_spec *spec)
{
    struct task task = {0};
    proc_or_exit(self, task_async_nolink(self, supervisor, spec, &task), "task_async");
    return task;
}

void task_await_many_or_exit(struct proc *self, const struct task *tasks, size_t count,
                             int64_t timeout_ns, struct task_value *values)
{
    struct reason why;
    int err = task_await_many(self, tasks, count, timeout_ns, values, &why);
    if (err)
        task_exit(self, err, &why, "await_many");
}

/* ---- tables ---- */

ets_id ets_new_or_exit(struct proc *self, const struct ets_spec *spec)
{
    ets_id table = 0;
    proc_or_exit(self, ets_new(self, spec, &table), "ets_new");
    return table;
}

void ets_insert_or_exit(struct proc *self, ets_id table, const struct tuple *rows, size_t count)
{
    proc_or_exit(self, ets_insert(self, table, rows, count), "ets_insert");
}

int64_t ets_lookup_or_exit(struct proc *self, ets_id table, struct value key, struct heap *heap,
                           struct tuple **ret_rows)
{
    return proc_or_exit(self, ets_lookup(self, table, key, heap, ret_rows), "ets_lookup");
}

struct value ets_element_or_exit(struct proc *self, ets_id table, struct value key, uint32_t field)
{
    struct tuple row = {0};
    if (proc_or_exit(self, ets_peek(self, table, key, &row), "ets_element") == 0)
        errno_exit(self, -ENOENT, "ets_element");
    if (field >= row.count)
        errno_exit(self, -EINVAL, "ets_element");
    return row.fields[field];
}

int64_t ets_update_counter_or_exit(struct proc *self, ets_id table, struct value key,
                                   const struct ets_count *count, const struct tuple *fallback)
{
    int64_t result = 0;
    proc_or_exit(self, ets_update_counter(self, table, key, count, 1, fallback, &result),
                 "ets_update_counter");
    return result;
}
