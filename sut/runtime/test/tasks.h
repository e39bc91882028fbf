/* tasks.h: bodies of tasks that compute a number, and how what came of them is told. */
#ifndef TASKS_H
#define TASKS_H

#include "fixture.h"
#include "sut/runtime/task.h"
#include <errno.h>

#define MS NS_PER_MS

/* What a task is to do: wait, then give the number, or fail for the reason. */
struct work_order {
    int64_t wait_ns;
    int64_t number;
    const struct reason *fail;
    bool trap;
};

static inline struct task_value task_work(struct proc *self, void *arg)
{
    const struct work_order *order = arg;
    proc_trap_exit(self, order->trap);
    if (order->wait_ns > 0)
        proc_sleep(self, order->wait_ns);
    if (order->fail)
        proc_exit(self, *order->fail);
    int64_t *number = proc_alloc(self, sizeof *number);
    *number = order->number;
    return (struct task_value){number, sizeof *number};
}

#define TASK(...)                                                                                  \
    (&(struct task_spec){.label = "task",                                                          \
                         .body = task_work,                                                        \
                         .arg = &(struct work_order){__VA_ARGS__},                                 \
                         .arg_size = sizeof(struct work_order)})

static const struct reason boom = {.kind = EXIT_ERROR, .text = "boom"};
static const struct reason calm = {.kind = EXIT_NORMAL};

static inline struct task async(struct proc *self, const struct task_spec *spec)
{
    struct task task = {0};
    cr_expect_eq(task_async(self, spec, &task), 0);
    return task;
}

static inline void say_result(struct proc *self, struct task_result result)
{
    struct env *env = proc_env(self);
    switch (result.how) {
    case TASK_OK: say(env, "ok(%d)", (int)*(const int64_t *)result.value.data); break;
    case TASK_EXIT: say(env, "exit(%s)", reason_text(result.why, (char[REASON_WORDS]){0})); break;
    case TASK_NOTHING: say(env, "nothing"); break;
    case TASK_FOREIGN: say(env, "foreign"); break;
    }
}

static inline void say_await(struct proc *self, const struct task *task, int64_t timeout_ns)
{
    struct task_value value;
    struct reason why;
    int err = task_await(self, task, timeout_ns, &value, &why);
    if (err)
        say(proc_env(self), "%s(%s)",
            err == -ETIMEDOUT ? "late"
            : err == -EPIPE   ? "exit"
                              : "foreign",
            err == -EPERM ? "" : reason_text(why, (char[REASON_WORDS]){0}));
    else
        say(proc_env(self), "ok(%d)", (int)*(const int64_t *)value.data);
}

/* What is in the mailbox, by now and within a second. */
static inline void say_mailbox(struct proc *self)
{
    const struct message *message;
    say(proc_env(self), "(");
    while ((message = proc_receive(self, NS_PER_S)))
        say_message(self, message);
    say(proc_env(self), ")");
}

/* `body` as a process of its own, trapping exits or not, for an hour. */
static inline proc_id live(proc_main *body, bool trap)
{
    proc_id pid = spawn_linked(body, NULL, 0, trap);
    fake_pass(&fake, runtime, 3600 * NS_PER_S);
    return pid;
}

/* The same, and how it ends is said last. */
static inline void live_and_end(proc_main *body, bool trap)
{
    proc_id watcher = spawn_linked(body_listen, NULL, 0, true);
    spawn_linked(body, NULL, watcher, trap);
    fake_pass(&fake, runtime, 3600 * NS_PER_S);
}

#endif
