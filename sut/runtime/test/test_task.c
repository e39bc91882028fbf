/* Tasks and their owners. Rule numbers are those of the OTP semantics. ( ... ) is what was left in the mailbox. */
#include "tasks.h"

SUITE(task);

static void body_await(struct proc *self, void *arg)
{
    (void)arg;
    struct task task = async(self, TASK(.number = 7));
    say_await(self, &task, 5 * NS_PER_S);
    task = async(self, TASK(.number = 8));
    proc_sleep(self, MS);
    say_await(self, &task, 5 * NS_PER_S);
    say_mailbox(self);
}

Test(task, await_gives_the_value_and_leaves_nothing_TASK_01)
{
    live(body_await, false);
    said_is("ok(7) ok(8) ( )");
}

Test(task, a_trapping_owner_keeps_the_exit_TASK_01)
{
    live(body_await, true);
    said_is("ok(7) ok(8) ( EXIT(2,normal) EXIT(3,normal) )");
}

static void body_await_boom(struct proc *self, void *arg)
{
    (void)arg;
    struct task task = async(self, TASK(.fail = &boom));
    say_await(self, &task, 5 * NS_PER_S);
    say_mailbox(self);
}

Test(task, a_failing_task_takes_its_owner_along_TASK_02)
{
    live_and_end(body_await_boom, false);
    said_is("EXIT(2,boom)");
}

Test(task, a_trapping_owner_is_told_and_keeps_the_exit_TASK_03)
{
    live(body_await_boom, true);
    said_is("exit(boom) ( EXIT(2,boom) )");
}

static void body_await_or_exit(struct proc *self, void *arg)
{
    (void)arg;
    struct task task = async(self, TASK(.fail = &boom));
    task_await_or_exit(self, &task, 5 * NS_PER_S);
}

Test(task, await_or_exit_says_why_TASK_03)
{
    live_and_end(body_await_or_exit, true);
    said_is("EXIT(2,{boom,{task,await}})");
}

static void body_await_calm(struct proc *self, void *arg)
{
    (void)arg;
    struct task task = async(self, TASK(.fail = &calm));
    task_await_or_exit(self, &task, 5 * NS_PER_S);
}

Test(task, a_task_that_ends_calmly_without_a_value_TASK_04)
{
    live_and_end(body_await_calm, false);
    said_is("EXIT(2,{normal,{task,await}})");
}

static void body_await_late(struct proc *self, void *arg)
{
    (void)arg;
    struct task task = async(self, TASK(.wait_ns = 10 * MS, .number = 1));
    say_await(self, &task, 5 * MS);
    say(proc_env(self), "%s", proc_alive(runtime, task.pid) ? "alive" : "dead");
    say_mailbox(self);
    say(proc_env(self), "%s", proc_alive(runtime, task.pid) ? "alive" : "dead");
}

Test(task, a_late_value_vanishes_and_the_task_goes_on_TASK_05)
{
    live(body_await_late, false);
    said_is("late(timeout) alive ( ) dead");
}

static void body_await_late_exit(struct proc *self, void *arg)
{
    (void)arg;
    struct task task = async(self, TASK(.wait_ns = 10 * MS, .fail = &boom));
    say_await(self, &task, 5 * MS);
    proc_sleep(self, NS_PER_S);
}

Test(task, after_a_time_out_it_is_still_linked_TASK_05)
{
    live_and_end(body_await_late_exit, false);
    said_is("late(timeout) EXIT(2,boom)");
}

static void body_yield(struct proc *self, void *arg)
{
    (void)arg;
    struct task task = async(self, TASK(.wait_ns = 10 * MS, .number = 1));
    say_result(self, task_yield(self, &task, 5 * MS));
    say_result(self, task_yield(self, &task, 5 * MS));
    task = async(self, TASK(.fail = &boom));
    proc_sleep(self, MS);
    say_result(self, task_yield(self, &task, 0));
    say_mailbox(self);
}

Test(task, yield_may_be_called_again_TASK_06_and_tells_of_a_death_TASK_07)
{
    live(body_yield, true);
    said_is("nothing ok(1) exit(boom) ( EXIT(2,normal) EXIT(3,boom) )");
}

static void body_shutdown(struct proc *self, void *arg)
{
    (void)arg;
    struct task task = async(self, TASK(.number = 1));
    proc_sleep(self, MS);
    say_result(self, task_shutdown(self, &task, 5 * NS_PER_S));
    say_result(self, task_shutdown(self, &task, 5 * NS_PER_S));
    task = async(self, TASK(.wait_ns = NS_PER_S));
    say_result(self, task_shutdown(self, &task, 5 * NS_PER_S));
    task = async(self, TASK(.wait_ns = NS_PER_S));
    say_result(self, task_shutdown(self, &task, SHUTDOWN_BRUTAL));
    task = async(self, TASK(.wait_ns = NS_PER_S, .trap = true));
    proc_sleep(self, MS);
    say_result(self, task_shutdown(self, &task, 10 * MS));
    task = async(self, TASK(.wait_ns = 5 * MS, .trap = true, .number = 2));
    proc_sleep(self, MS);
    say_result(self, task_shutdown(self, &task, 10 * MS));
    task = async(self, TASK(.wait_ns = 5 * MS, .trap = true, .fail = &boom));
    proc_sleep(self, MS);
    say_result(self, task_shutdown(self, &task, 10 * MS));
    say_mailbox(self);
}

Test(task, shutdown_TASK_08_TASK_09_TASK_10_TASK_11_TASK_12)
{
    live(body_shutdown, false);
    said_is("ok(1) exit(noproc) nothing nothing exit(killed) ok(2) exit(boom) ( )");
}

static struct task foreign;

static void body_foreign(struct proc *self, void *arg)
{
    (void)arg;
    say_await(self, &foreign, 0);
    say_result(self, task_yield(self, &foreign, 0));
    say_result(self, task_shutdown(self, &foreign, 0));
    say_result(self, task_ignore(self, &foreign));
    cr_expect_eq(task_await_many(self, &foreign, 1, 0, NULL, NULL), -EPERM);
    task_await_or_exit(self, &foreign, 0);
}

static void body_foreign_owner(struct proc *self, void *arg)
{
    (void)arg;
    foreign = async(self, TASK(.wait_ns = NS_PER_S, .number = 1));
    proc_spawn(runtime, &(struct proc_spec){.main = body_foreign, .monitor = proc_self(self)});
    say_message(self, proc_receive(self, 10 * MS));
    say_await(self, &foreign, 5 * NS_PER_S);
}

Test(task, only_the_owner_may_wait_TASK_13)
{
    live(body_foreign_owner, false);
    said_is("foreign() foreign foreign foreign DOWN(3,not_owner) ok(1)");
}

static void body_completed(struct proc *self, void *arg)
{
    (void)arg;
    struct task task = task_completed(self, &(int64_t){5}, sizeof(int64_t));
    say_await(self, &task, 0);
    task = task_completed(self, &(int64_t){6}, sizeof(int64_t));
    say_result(self, task_shutdown(self, &task, 0));
    cr_expect_eq(runtime_count(runtime), 1);
    say_mailbox(self);
}

Test(task, completed_needs_no_process_TASK_23)
{
    live(body_completed, false);
    said_is("ok(5) ok(6) ( )");
}

static void body_ignore(struct proc *self, void *arg)
{
    (void)arg;
    struct task task = async(self, TASK(.wait_ns = 10 * MS, .fail = &boom));
    say_result(self, task_ignore(self, &task));
    task = async(self, TASK(.number = 1));
    struct task dead = async(self, TASK(.fail = &calm));
    proc_sleep(self, MS);
    say_result(self, task_ignore(self, &task));
    say_result(self, task_ignore(self, &dead));
    say_mailbox(self);
}

Test(task, ignore_lets_go_TASK_24)
{
    live(body_ignore, false);
    said_is("nothing ok(1) exit(normal) ( )");
}

static struct task_value task_raise(struct proc *self, void *arg)
{
    proc_exit(self, reason_make(*(enum reason_kind *)arg, "odd"));
}

static void body_raise(struct proc *self, void *arg)
{
    (void)arg;
    enum reason_kind kinds[] = {EXIT_RAISED, EXIT_THROWN, EXIT_ERROR};
    for (int i = 0; i < 3; i++) {
        struct reason why = {0};
        struct task task = async(
            self,
            &(struct task_spec){.body = task_raise, .arg = &kinds[i], .arg_size = sizeof kinds[i]});
        cr_expect_eq(task_await(self, &task, NS_PER_S, NULL, &why), -EPIPE);
        say(proc_env(self), "%s", reason_term(why, (char[REASON_WORDS]){0}));
    }
}

Test(task, reasons_tell_raise_throw_and_exit_apart_TASK_25)
{
    live(body_raise, true);
    said_is("{odd,stack} {{nocatch,odd},stack} odd");
}

static void body_await_twice(struct proc *self, void *arg)
{
    (void)arg;
    struct task task = async(self, TASK(.number = 1));
    say_await(self, &task, NS_PER_S);
    int64_t before = proc_now(self);
    say_await(self, &task, NS_PER_S);
    say(proc_env(self), "after %dms", (int)((proc_now(self) - before) / MS));
}

Test(task, awaiting_twice_waits_in_vain_TASK_28)
{
    live(body_await_twice, false);
    said_is("ok(1) late(timeout) after 1000ms");
}

/* ---- where it comes from ---- */

static void say_pids(struct env *env, const char *what, const proc_id *pids, size_t count)
{
    say(env, "%s", what);
    for (size_t i = 0; i < count; i++)
        say(env, "%d", (int)pids[i]);
}

static struct task_value task_say_lineage(struct proc *self, void *arg)
{
    proc_id pids[8];
    int levels = *(int *)arg;
    if (levels > 0) {
        levels--;
        struct task task = {0};
        cr_expect_eq(task_async(self,
                                &(struct task_spec){.body = task_say_lineage,
                                                    .arg = &levels,
                                                    .arg_size = sizeof levels},
                                &task),
                     0);
        return task_await_or_exit(self, &task, NS_PER_S);
    }
    say_pids(proc_env(self), "callers", pids, runtime_callers(runtime, proc_self(self), pids, 8));
    say_pids(proc_env(self), "ancestors", pids,
             runtime_ancestors(runtime, proc_self(self), pids, 8));
    return (struct task_value){0};
}

static void body_lineage(struct proc *self, void *arg)
{
    (void)arg;
    struct task task = {0};
    for (int levels = 0; levels < 2; levels++) {
        struct task_spec spec = {
            .body = task_say_lineage, .arg = &levels, .arg_size = sizeof levels};
        cr_expect_eq(task_async(self, &spec, &task), 0);
        task_await_or_exit(self, &task, NS_PER_S);
    }
}

Test(task, callers_are_who_it_works_for_ANC_02_ANC_03)
{
    live(body_lineage, false);
    said_is("callers 1 ancestors 1 callers 3 1 ancestors 3 1");
}

/* ---- many ---- */

static void body_await_many(struct proc *self, void *arg)
{
    (void)arg;
    struct task tasks[3];
    struct task_value values[3];
    struct reason why;
    for (int i = 0; i < 3; i++)
        tasks[i] = async(self, TASK(.wait_ns = (3 - i) * MS, .number = i));
    cr_expect_eq(task_await_many(self, tasks, 3, NS_PER_S, values, NULL), 0);
    for (int i = 0; i < 3; i++)
        say(proc_env(self), "%d", (int)*(const int64_t *)values[i].data);
    tasks[0] = async(self, TASK(.wait_ns = 10 * MS, .number = 1));
    tasks[1] = async(self, TASK(.wait_ns = 5 * MS, .fail = &calm));
    tasks[2] = async(self, TASK(.number = 2));
    cr_expect_eq(task_await_many(self, tasks, 3, NS_PER_S, values, &why), -EPIPE);
    say(proc_env(self), "%s", reason_text(why, (char[REASON_WORDS]){0}));
    tasks[0] = async(self, TASK(.wait_ns = 10 * MS, .number = 1));
    cr_expect_eq(task_await_many(self, tasks, 1, 5 * MS, values, &why), -ETIMEDOUT);
    say_mailbox(self);
}

Test(task, await_many_TASK_14_TASK_15)
{
    live(body_await_many, false);
    said_is("0 1 2 normal ( )");
}

static void yield_three(struct proc *self, enum task_late late, size_t limit)
{
    struct task_result results[3];
    struct task tasks[] = {async(self, TASK(.wait_ns = 10 * MS, .number = 0)),
                           async(self, TASK(.wait_ns = MS, .number = 1)),
                           async(self, TASK(.wait_ns = 2 * MS, .fail = &calm))};
    task_yield_many(self, tasks, 3, 5 * MS, late, limit, results);
    for (int i = 0; i < 3; i++)
        say_result(self, results[i]);
    say(proc_env(self), "%s", proc_alive(runtime, tasks[0].pid) ? "alive" : "dead");
    proc_sleep(self, 10 * MS);
    say_result(self, task_yield(self, &tasks[0], 0));
    say(proc_env(self), "|");
}

static void body_yield_many(struct proc *self, void *arg)
{
    (void)arg;
    yield_three(self, TASK_LATE_NOTHING, 0);
    yield_three(self, TASK_LATE_IGNORE, 0);
    yield_three(self, TASK_LATE_KILL, 0);
    yield_three(self, TASK_LATE_NOTHING, 1);
    say_mailbox(self);
}

Test(task, yield_many_TASK_16)
{
    live(body_yield_many, false);
    said_is("nothing ok(1) exit(normal) alive ok(0) | nothing ok(1) exit(normal) alive nothing | "
            "nothing ok(1) exit(normal) dead nothing | nothing ok(1) nothing alive ok(0) | ( "
            "DOWN(13,normal) )");
}

static void body_thousands(struct proc *self, void *arg)
{
    (void)arg;
    enum { MANY = 20000 };
    struct task *tasks = proc_alloc(self, MANY * sizeof *tasks);
    struct task_value *values = proc_alloc(self, MANY * sizeof *values);
    for (int i = 0; i < MANY; i++)
        tasks[i] = async(self, TASK(.number = i));
    cr_expect_eq(task_await_many(self, tasks, MANY, NS_PER_S, values, NULL), 0);
    for (int i = 0; i < MANY; i++)
        cr_expect_eq(*(const int64_t *)values[i].data, i);
    say_mailbox(self);
}

Test(task, await_many_is_linear)
{
    live(body_thousands, false);
    said_is("( )");
}

/* ---- both ---- */

static void body_both(struct proc *self, void *arg)
{
    (void)arg;
    struct task tasks[] = {async(self, TASK(.number = 1)), async(self, TASK(.number = 2)),
                           async(self, TASK(.number = 3)), async(self, TASK(.number = 4))};
    proc_sleep(self, MS); /* value and DOWN of each are there */
    say_result(self, task_yield(self, &tasks[0], 0));
    say_result(self, task_shutdown(self, &tasks[1], NS_PER_S));
    say_result(self, task_shutdown(self, &tasks[2], SHUTDOWN_BRUTAL));
    say_result(self, task_ignore(self, &tasks[3]));
    say_mailbox(self);
}

Test(task, the_value_wins_over_the_end_TASK_29)
{
    live(body_both, false);
    said_is("ok(1) ok(2) ok(3) ok(4) ( )");
}

/* ---- in a full mailbox ---- */

static struct task_value quick_value(struct proc *self, void *arg)
{
    (void)self;
    return (struct task_value){arg, sizeof(int)};
}

static bool is_number(const struct message *message, void *ctx)
{
    return message->tag == MSG_USER && *(const int *)message->data == *(int *)ctx;
}

static void letters(struct proc *self, int from, int to)
{
    for (int i = from; i < to; i++)
        proc_send(runtime, proc_self(self), proc_self(self), MSG_USER, &i, sizeof i);
}

static void letter_take(struct proc *self, int number)
{
    const struct message *message = proc_receive_match(self, is_number, &number, 0);
    cr_assert(message && *(const int *)message->data == number, "%d", number);
}

/* Whatever is taken before, at and behind the place from where on values are looked for. */
static void body_among_letters(struct proc *self, void *arg)
{
    (void)arg;
    struct task tasks[3];
    struct task_value value;
    letters(self, 0, 5);
    for (int i = 0; i < 3; i++) {
        task_async(self, &(struct task_spec){.body = quick_value, .arg = &i, .arg_size = sizeof i},
                   &tasks[i]);
        letters(self, 5 + i, 6 + i);
    }
    letter_take(self, 4); /* the last one before them */
    letter_take(self, 0);
    proc_sleep(self, NS_PER_MS);
    for (int i = 2; i >= 0; i--) {
        cr_assert_eq(task_await(self, &tasks[i], 0, &value, NULL), 0);
        say(proc_env(self), "%d", *(const int *)value.data);
        letter_take(self, 5 + i);
    }
    letter_take(self, 3);
    struct task late = task_completed(self, "x", 1);
    letter_take(self, 1);
    letter_take(self, 2);
    cr_assert_eq(task_await(self, &late, 0, NULL, NULL), 0);
    cr_assert_null(proc_receive(self, 0));
}

Test(task, values_are_found_among_other_messages)
{
    spawn(body_among_letters, NULL);
    fake_pass(&fake, runtime, NS_PER_S);
    said_is("2 1 0");
}
