/* Processes that wait without a stack, and exits that are caught. */
#include "sut/runtime/proc_internal.h"

#include "fixture.h"

SUITE(turn);

/* ---- parked processes ---- */

static int64_t turn_listen(struct proc *self, void *arg, const struct message *message)
{
    (void)arg;
    say_message(self, message);
    return WAIT_FOREVER;
}

static void body_become(struct proc *self, void *arg)
{
    proc_become(self, turn_listen, arg, WAIT_FOREVER);
}

Test(turn, a_parked_process_has_no_stack)
{
    proc_id pid = spawn(body_become, NULL);
    runtime_run(runtime);
    cr_assert_null(runtime_find(runtime, pid)->fiber);
    post(pid, 20);
    post(pid, 21);
    runtime_run(runtime);
    said_is("20 21");
    cr_assert_null(runtime_find(runtime, pid)->fiber);
    cr_assert_null(runtime_find(runtime, pid)->received);
}

static int64_t turn_timeout(struct proc *self, void *arg, const struct message *message)
{
    (void)arg;
    say_message(self, message);
    return message ? 10 : message == NULL && proc_now(self) % 2 ? WAIT_FOREVER : 5;
}

static void body_timeout(struct proc *self, void *arg)
{
    proc_become(self, turn_timeout, arg, 7);
}

Test(turn, the_time_to_wait_is_what_the_last_turn_said)
{
    proc_id pid = spawn(body_timeout, NULL);
    fake_pass(&fake, runtime, 6);
    said_is("");
    fake_pass(&fake, runtime, 1);
    said_is("nothing");
    fake_pass(&fake, runtime, 100);
    said_is("nothing");
    post(pid, 20);
    fake_pass(&fake, runtime, 9);
    said_is("nothing 20");
    fake_pass(&fake, runtime, 2);
    said_is("nothing 20 nothing");
}

static int64_t turn_zero(struct proc *self, void *arg, const struct message *message)
{
    (void)arg;
    say_message(self, message);
    return message ? 0 : WAIT_FOREVER;
}

static void body_zero(struct proc *self, void *arg)
{
    proc_become(self, turn_zero, arg, 0);
}

Test(turn, no_time_to_wait_means_at_once_unless_a_message_waits)
{
    proc_id pid = spawn(body_zero, NULL);
    post(pid, 20);
    post(pid, 21);
    runtime_run(runtime);
    said_is("20 21 nothing");
}

static int64_t turn_block(struct proc *self, void *arg, const struct message *message)
{
    (void)arg;
    say_message(self, message);
    proc_sleep(self, 10);
    say_message(self, proc_receive(self, 0));
    return WAIT_FOREVER;
}

static void body_block(struct proc *self, void *arg)
{
    proc_become(self, turn_block, arg, WAIT_FOREVER);
}

Test(turn, a_turn_may_block_and_receive)
{
    proc_id pid = spawn(body_block, NULL);
    runtime_run(runtime);
    post(pid, 20);
    runtime_run(runtime);
    cr_assert(runtime_find(runtime, pid)->fiber);
    post(pid, 21);
    fake_pass(&fake, runtime, 10);
    said_is("20 21");
    cr_assert_null(runtime_find(runtime, pid)->fiber);
}

static int64_t turn_feed_itself(struct proc *self, void *arg, const struct message *message)
{
    (void)arg, (void)message;
    say(proc_env(self), "i");
    if (strlen(((struct fake_env *)proc_env(self))->said) < 8)
        proc_send(proc_runtime(self), proc_self(self), proc_self(self), MSG_USER, NULL, 0);
    return WAIT_FOREVER;
}

static void body_feed_itself(struct proc *self, void *arg)
{
    proc_become(self, turn_feed_itself, arg, WAIT_FOREVER);
}

Test(turn, who_feeds_itself_lets_others_run)
{
    proc_id glutton = spawn(body_feed_itself, NULL), other = spawn(body_become, NULL);
    runtime_run(runtime);
    post(glutton, 20);
    post(other, 30);
    runtime_run(runtime);
    said_is("i 30 i i");
}

static void body_become_late(struct proc *self, void *arg)
{
    proc_receive(self, WAIT_FOREVER);
    proc_become(self, turn_listen, arg, WAIT_FOREVER);
}

Test(turn, signals_kill_a_parked_process_and_links_go_with_it)
{
    proc_id pid = spawn(body_become, NULL);
    proc_id peer = spawn_linked(body_listen, NULL, pid, true);
    runtime_run(runtime);
    proc_signal(runtime, 0, pid, error("oops"));
    runtime_run(runtime);
    cr_assert_not(proc_alive(runtime, pid));
    said_is("EXIT(1,oops)");
    (void)peer;
}

Test(turn, becoming_with_messages_waiting_takes_them_in_order)
{
    proc_id pid = spawn(body_become_late, NULL);
    post(pid, 20);
    post(pid, 21);
    post(pid, 22);
    runtime_run(runtime);
    said_is("21 22");
}

/* ---- exits that are caught ---- */

static void exit_oops(struct proc *self, void *arg)
{
    (void)arg;
    proc_exit(self, error("oops"));
}

static void exit_nested(struct proc *self, void *arg)
{
    struct reason why;
    cr_assert_not(proc_try(self, exit_oops, arg, &why));
    say(proc_env(self), "inner:%s", why.text);
    proc_exit(self, error("outer"));
}

static void go_well(struct proc *self, void *arg)
{
    say(proc_env(self), "%s", (const char *)arg);
}

static void body_try(struct proc *self, void *arg)
{
    struct reason why;
    cr_assert(proc_try(self, go_well, "well", &why));
    cr_assert_not(proc_try(self, exit_nested, arg, &why));
    say(proc_env(self), "caught:%s", why.text);
    cr_assert_not(proc_try(self, exit_oops, arg, NULL));
    say_message(self, proc_receive(self, WAIT_FOREVER));
    exit_oops(self, arg);
}

Test(turn, an_exit_is_caught_by_the_innermost_try)
{
    proc_id pid = spawn(body_try, NULL);
    spawn_linked(body_listen, NULL, pid, true);
    runtime_run(runtime);
    said_is("well inner:oops caught:outer");
    post(pid, 20);
    runtime_run(runtime);
    said_is("well inner:oops caught:outer 20 EXIT(1,oops)");
}

static void wait_inside(struct proc *self, void *arg)
{
    (void)arg;
    proc_receive(self, WAIT_FOREVER);
}

static void body_try_wait(struct proc *self, void *arg)
{
    proc_try(self, wait_inside, arg, NULL);
    say(proc_env(self), "never");
}

static void signal_self(struct proc *self, void *arg)
{
    (void)arg;
    proc_signal(proc_runtime(self), proc_self(self), proc_self(self), error("signal"));
}

static void body_try_signal(struct proc *self, void *arg)
{
    proc_try(self, signal_self, arg, NULL);
    say(proc_env(self), "never");
}

Test(turn, exit_signals_are_not_caught)
{
    proc_id pid = spawn(body_try_wait, NULL);
    spawn(body_try_signal, NULL);
    runtime_run(runtime);
    proc_signal(runtime, 0, pid, error("oops"));
    runtime_run(runtime);
    said_is("");
    cr_assert_eq(runtime_count(runtime), 0);
}
