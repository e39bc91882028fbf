/* The mailbox and the log. */
#include "fixture.h"

#include <errno.h>

/* ---- send and receive ---- */

SUITE(mailbox);

static void body_take_all(struct proc *self, void *arg)
{
    int64_t timeout = *(int64_t *)arg;
    for (const struct message *message; (message = proc_receive(self, timeout));)
        say(proc_env(self), "%u:%s:%zu", message->tag, (const char *)message->data, message->size);
    say(proc_env(self), "%s at %+dms", "end",
        (int)((proc_now(self) - 1000 * NS_PER_S) / NS_PER_MS));
}

Test(mailbox, is_first_in_first_out_and_copies_SIG_26)
{
    int64_t poll = 0;
    char data[4] = "abc";
    proc_id id = spawn(body_take_all, &poll);
    proc_send(runtime, 0, id, 20, data, sizeof data);
    data[0] = 'x';
    proc_send(runtime, 0, id, 21, data, sizeof data);
    runtime_run(runtime);
    said_is("20:abc:4 21:xbc:4 end at +0ms");
}

static void body_data(struct proc *self, void *arg)
{
    (void)arg;
    const struct message *message = proc_receive(self, 0);
    cr_assert_eq((uintptr_t)message->data % 16, 0);
    cr_assert_eq(message->from, 42);
    cr_assert_eq(message->ref, 0);
    message = proc_receive(self, 0);
    cr_assert_null(message->data);
    cr_assert_eq(message->size, 0);
    say(proc_env(self), "checked");
}

Test(mailbox, data_is_aligned_or_null)
{
    proc_id id = spawn(body_data, NULL);
    proc_send(runtime, 42, id, MSG_USER, "x", 1);
    proc_send(runtime, 42, id, MSG_USER, NULL, 0);
    runtime_run(runtime);
    said_is("checked");
}

Test(mailbox, receive_times_out_and_not_early_TMR_01)
{
    int64_t timeout = 5 * NS_PER_MS;
    proc_id id = spawn(body_take_all, &timeout);
    cr_assert_eq(runtime_run(runtime), fake.now + timeout);
    fake.now += timeout - 1;
    cr_assert_eq(runtime_run(runtime), fake.now + 1);
    said_is("");
    post(id, 20);
    cr_assert_eq(runtime_run(runtime), fake.now + timeout, "each receive has its own time");
    fake_pass(&fake, runtime, timeout);
    said_is("20:(null):0 end at +9ms");
}

Test(mailbox, to_the_dead_is_dropped_SIG_29)
{
    cr_assert_eq(post(99, MSG_USER), 0);
}

static void body_late_sender(struct proc *self, void *arg)
{
    proc_sleep(self, NS_PER_S);
    proc_send(proc_runtime(self), proc_self(self), *(proc_id *)arg, 20, NULL, 0);
}

Test(mailbox, a_message_at_the_deadline_is_received)
{
    int64_t second = NS_PER_S;
    proc_id later = 2;
    spawn(body_late_sender, &later); /* both wake; the sender has its turn first */
    spawn(body_take_all, &second);
    proc_id outside = spawn(body_take_all, &second);
    runtime_run(runtime);
    fake.now += second;
    post(outside, 21); /* wakes it before its timer does */
    runtime_run(runtime);
    said_is("21:(null):0 20:(null):0");
    fake_pass(&fake, runtime, second);
    said_is("21:(null):0 20:(null):0 end at +2000ms end at +2000ms");
}

static bool is_even(const struct message *message, void *ctx)
{
    ++*(int *)ctx;
    return message->tag % 2 == 0;
}

static void body_even(struct proc *self, void *arg)
{
    int looks = 0;
    say_message(self, proc_receive_match(self, is_even, &looks, 0));
    say_message(self, proc_receive_match(self, is_even, &looks, NS_PER_S));
    cr_assert_eq(looks, *(int *)arg, "no message is looked at twice in one receive");
    say_message(self, proc_receive_match(self, is_even, &looks, NS_PER_S));
    while (proc_receive(self, 0))
        say(proc_env(self), "left");
}

Test(mailbox, selective_receive_leaves_the_others_in_order)
{
    int looks = 6; /* 21 22; 21 23 25 26 */
    proc_id id = spawn(body_even, &looks);
    for (uint32_t tag = 21; tag < 24; ++tag)
        post(id, tag);
    runtime_run(runtime);
    post(id, 25);
    runtime_run(runtime);
    post(id, 26);
    runtime_run(runtime);
    said_is("22 26");
    fake_pass(&fake, runtime, NS_PER_S);
    said_is("22 26 nothing left left left");
}

static void body_tags(struct proc *self, void *arg)
{
    (void)arg;
    proc_sleep(self, NS_PER_S);
    for (const struct message *message; (message = proc_receive(self, 0));)
        say_message(self, message);
}

Test(mailbox, stays_whole_when_its_last_message_is_taken)
{
    int looks = 5; /* 21 22; 21 23 24 */
    proc_id id = spawn(body_even, &looks);
    post(id, 21);
    post(id, 22);
    runtime_run(runtime); /* 22, the last one, was taken from behind 21 */
    post(id, 23);
    post(id, 24);
    runtime_run(runtime);
    fake_pass(&fake, runtime, NS_PER_S);
    said_is("22 24 nothing left left");
}

Test(mailbox, has_a_limit_for_senders_only)
{
    proc_id id = spawn(body_tags, NULL);
    for (int i = 0; i < 100; ++i)
        cr_assert_eq(post(id, MSG_USER), 0);
    cr_assert_eq(post(id, MSG_USER), -ENOBUFS);
    fake_pass(&fake, runtime, NS_PER_S);
    cr_assert_eq(strlen(fake.said), 100 * 3 - 1);
}

static void body_sleep(struct proc *self, void *arg)
{
    proc_sleep(self, *(int64_t *)arg);
    say(proc_env(self), "slept");
}

Test(mailbox, messages_do_not_wake_a_sleeper_but_signals_kill_it)
{
    int64_t second = NS_PER_S;
    proc_id id = spawn(body_sleep, &second), victim = spawn(body_sleep, &second);
    runtime_run(runtime);
    post(id, MSG_USER);
    cr_assert_eq(runtime_run(runtime), fake.now + second);
    proc_signal(runtime, 0, victim, error("boom"));
    cr_assert_not(proc_alive(runtime, victim));
    fake_pass(&fake, runtime, second);
    said_is("slept");
}

static void body_stall(struct proc *self, void *arg)
{
    (void)arg;
    proc_stall(self, NS_PER_S);
    say(proc_env(self), "stalled");
    say_message(self, proc_receive(self, 0));
}

Test(mailbox, signals_wait_for_the_end_of_a_stall)
{
    proc_id a = spawn(body_stall, NULL), b = spawn(body_stall, NULL);
    proc_id watcher =
        proc_spawn(runtime, &(struct proc_spec){.main = body_stall, .link = a, .trap_exit = true});
    runtime_run(runtime);
    proc_signal(runtime, 0, a, error("first"));
    proc_signal(runtime, 0, a, plain(EXIT_KILL));
    proc_signal(runtime, 0, b, plain(EXIT_NORMAL));
    cr_assert(proc_alive(runtime, a));
    fake_pass(&fake, runtime, NS_PER_S);
    said_is("stalled nothing stalled EXIT(1,first)");
    cr_assert_not(proc_alive(runtime, watcher));
}

static void body_rounds(struct proc *self, void *arg)
{
    for (int i = 0; i < 3; ++i) {
        say(proc_env(self), "%s%d", (const char *)arg, i);
        proc_yield(self);
    }
}

Test(mailbox, yield_gives_everybody_a_turn_in_order)
{
    spawn(body_rounds, "a");
    spawn(body_rounds, "b");
    runtime_run(runtime);
    said_is("a0 b0 a1 b1 a2 b2");
}

static void count_wake(void *ctx)
{
    ++*(int *)ctx;
}

Test(mailbox, the_driver_is_told_of_work_from_outside)
{
    int64_t forever = WAIT_FOREVER;
    int wakes = 0;
    runtime_on_wake(runtime, count_wake, &wakes);
    proc_id id = spawn(body_take_all, &forever);
    cr_assert_eq(wakes, 1);
    spawn(body_rounds, "a");
    cr_assert_eq(wakes, 1, "once until it ran");
    runtime_run(runtime);
    cr_assert_eq(wakes, 1, "not for what happens inside");
    post(id, MSG_USER);
    cr_assert_eq(wakes, 2);
}

/* ---- the log ---- */

SUITE(logging);

Test(logging, cuts_long_lines)
{
    char text[1000] = {0};
    memset(text, 'x', sizeof text - 1);
    env_log(&fake.env, LOG_WARN, "%d: %s", 12, "disk");
    cr_assert_str_eq(fake.logged, "2 12: disk");
    env_log(&fake.env, LOG_WARN, "%s", text);
    cr_assert_eq(strlen(fake.logged), sizeof fake.logged - 1);
}
