/* Tasks below a supervisor: process 1; the owner is 2 unless said otherwise. */
#include "sut/runtime/task_internal.h"

#include "tasks.h"

SUITE(task_supervised);

static proc_id tasks;

static void tasks_begin(size_t max_children)
{
    tasks = supervisor_start(
        runtime, 0, &(struct supervisor_spec){TASK_SUPERVISOR, .max_children = max_children}, NULL);
    runtime_run(runtime);
}

static void body_nolink(struct proc *self, void *arg)
{
    (void)arg;
    struct task task;
    cr_expect_eq(task_async_nolink(self, tasks, TASK(.number = 3), &task), 0);
    say_await(self, &task, NS_PER_S);
    cr_expect_eq(task_async_nolink(self, tasks, TASK(.fail = &boom), &task), 0);
    say_await(self, &task, NS_PER_S);
    say_mailbox(self);
    cr_expect_eq(task_async_nolink(self, tasks, TASK(.number = 4), &task), 0);
    const struct message *value = proc_receive(self, NS_PER_S);
    say(proc_env(self), "%d", value->tag == MSG_TASK && value->ref == task.ref);
    const struct message *down = proc_receive(self, NS_PER_S);
    say_message(self, down);
    say(proc_env(self), "%d", down->ref == task.ref);
}

Test(task_supervised, nolink_only_tells_TASK_17_and_an_unawaited_one_leaves_a_DOWN_TASK_18)
{
    tasks_begin(0);
    live(body_nolink, false);
    said_is("ok(3) exit(boom) ( ) 1 DOWN(5,normal) 1");
    cr_assert(proc_alive(runtime, tasks));
}

static void body_full(struct proc *self, void *arg)
{
    (void)arg;
    struct task task;
    proc_id pid = 0;
    say(proc_env(self), "%d", task_async_under(self, tasks, TASK(.wait_ns = 10 * MS), &task));
    say(proc_env(self), "%d %d %d", task_async_under(self, tasks, TASK(0), &task) == -ENOSPC,
        task_async_nolink(self, tasks, TASK(0), &task) == -ENOSPC,
        task_start_child(self, tasks, TASK(0), &pid) == -ENOSPC);
    proc_sleep(self, 20 * MS);
    say(proc_env(self), "%d", task_start_child(self, tasks, TASK(0), &pid));
    say(proc_env(self), "%d", task_start_child(self, 77, TASK(0), &pid) == -ESRCH);
}

Test(task_supervised, a_full_supervisor_refuses_TASK_19)
{
    tasks_begin(1);
    live(body_full, false);
    said_is("0 1 1 1 0 1");
}

static struct task_value task_fail_twice(struct proc *self, void *arg)
{
    int *fails = *(int **)arg;
    say(proc_env(self), "run");
    if ((*fails)-- > 0)
        proc_exit(self, boom);
    return (struct task_value){0};
}

static int fails;

static void body_start_child(struct proc *self, void *arg)
{
    proc_id pid = 0;
    int *counter = &fails;
    struct task_spec spec = {.label = "child",
                             .body = task_fail_twice,
                             .arg = &counter,
                             .arg_size = sizeof counter,
                             .restart = *(enum task_restart *)arg};
    cr_expect_eq(task_start_child(self, tasks, &spec, &pid), 0);
    cr_expect_neq(pid, 0);
}

static void start_child_of(enum task_restart restart, int times)
{
    fails = times;
    tasks_begin(0);
    spawn(body_start_child, &restart);
    fake_pass(&fake, runtime, NS_PER_S);
}

Test(task_supervised, start_child_is_not_restarted_TASK_20_TASK_27)
{
    start_child_of(TASK_TEMPORARY, 2);
    said_is("run");
    cr_assert(proc_alive(runtime, tasks));
}

Test(task_supervised, a_transient_one_runs_again_when_it_fails_TASK_21)
{
    start_child_of(TASK_TRANSIENT, 2);
    said_is("run run run");
    cr_assert(proc_alive(runtime, tasks));
}

Test(task_supervised, too_many_failures_end_the_supervisor_TASK_21)
{
    start_child_of(TASK_TRANSIENT, 4);
    said_is("run run run run");
    cr_assert_not(proc_alive(runtime, tasks));
}

static void body_owner_dies(struct proc *self, void *arg)
{
    (void)arg;
    struct task task;
    cr_expect_eq(task_async_under(self, tasks, TASK(.wait_ns = NS_PER_S), &task), 0);
    proc_sleep(self, MS);
    proc_exit(self, boom);
}

Test(task_supervised, it_goes_with_its_owner_and_the_supervisor_stays_TASK_22)
{
    tasks_begin(0);
    spawn(body_owner_dies, NULL);
    fake_pass(&fake, runtime, 0);
    cr_assert(proc_alive(runtime, 3));
    fake_pass(&fake, runtime, MS);
    cr_assert_not(proc_alive(runtime, 3));
    cr_assert(proc_alive(runtime, tasks));
}

/* Asks for a task in the owner's name, and never gives it the word. */
static void body_start_and(struct proc *self, void *arg)
{
    struct task task;
    cr_expect_eq(task_async_nolink(self, tasks, TASK(.number = 1), &task), 0);
    (void)arg;
}

static void body_kill_owner(struct proc *self, void *arg)
{
    (void)arg;
    while (!proc_alive(runtime, 4)) /* the task */
        proc_yield(self);
    proc_signal(runtime, 0, 2, plain(EXIT_KILL));
    say_message(self, (proc_monitor(self, 4), proc_receive(self, NS_PER_S)));
}

Test(task_supervised, it_does_not_begin_without_its_owner_TASK_26)
{
    tasks_begin(0);
    proc_id owner = spawn(body_start_and, NULL);
    cr_assert_eq(owner, 2);
    spawn(body_kill_owner, NULL);
    fake_pass(&fake, runtime, NS_PER_S);
    said_is("DOWN(4,shutdown:noproc)");
}

static struct task_value task_say_lineage(struct proc *self, void *arg)
{
    proc_id callers[4], ancestors[4];
    (void)arg;
    cr_expect_eq(runtime_callers(runtime, proc_self(self), callers, 4), 1);
    cr_expect_gt(runtime_ancestors(runtime, proc_self(self), ancestors, 4), 0);
    say(proc_env(self), "caller %d ancestor %d", (int)callers[0], (int)ancestors[0]);
    return (struct task_value){0};
}

static void body_lineage(struct proc *self, void *arg)
{
    (void)arg;
    struct task task = {0};
    cr_expect_eq(
        task_async_under(self, tasks, &(struct task_spec){.body = task_say_lineage}, &task), 0);
    task_await_or_exit(self, &task, NS_PER_S);
}

Test(task_supervised, its_parent_is_the_supervisor_its_caller_the_owner_ANC_04)
{
    tasks_begin(0);
    live(body_lineage, false);
    said_is("caller 2 ancestor 1");
}

/* Starts a task and never says its word; then waits as long as arg says, and ends. */
static void body_no_word(struct proc *self, void *arg)
{
    proc_id pid = 0;
    cr_expect_eq(task_start_waiting(self, tasks, TASK(.number = 1), &pid), 0);
    proc_monitor(self, pid);
    say_message(self, proc_receive(self, *(int64_t *)arg));
    proc_exit(self, boom);
}

static void body_watch(struct proc *self, void *arg)
{
    (void)arg;
    proc_sleep(self, 1);
    proc_monitor(self, 4); /* the task */
    say_message(self, proc_receive(self, WAIT_FOREVER));
}

Test(task_supervised, it_waits_five_seconds_for_the_word_TASK_26)
{
    tasks_begin(0);
    spawn(body_no_word, &(int64_t){4999 * MS});
    spawn(body_watch, NULL);
    fake_pass(&fake, runtime, 60 * NS_PER_S);
    said_is("nothing DOWN(4,shutdown:boom)");
    spawn(body_no_word, &(int64_t){5001 * MS});
    fake_pass(&fake, runtime, 60 * NS_PER_S);
    said_is("nothing DOWN(4,shutdown:boom) DOWN(6,timeout)");
}
