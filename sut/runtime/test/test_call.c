/* Calls and timers. */
#include "fixture.h"

#include <errno.h>

/* ---- calls ---- */

SUITE(calls);

enum { ASK = MSG_USER, ASK_LATE, ASK_DIE, ASK_TWICE, OTHER };

static void body_server(struct proc *self, void *arg)
{
    (void)arg;
    for (;;) {
        struct message ask = *proc_receive(self, WAIT_FOREVER);
        int number = ask.size == sizeof number ? *(const int *)ask.data + 1 : 0;
        if (ask.tag == ASK_LATE)
            proc_sleep(self, NS_PER_S);
        if (ask.tag == ASK_DIE)
            proc_exit(self, reason_make(EXIT_ERROR, "asked to"));
        proc_reply(self, ask.from, ask.ref, &number, sizeof number);
        if (ask.tag == ASK_TWICE)
            proc_reply(self, ask.from, ask.ref, &number, sizeof number);
    }
}

static void body_client(struct proc *self, void *arg)
{
    static const uint32_t tags[] = {ASK, ASK_TWICE, ASK_LATE, ASK, ASK_DIE, ASK};
    proc_id server = *(proc_id *)arg;
    const struct message *kept = proc_receive(self, WAIT_FOREVER), *reply;
    for (int i = 0; i < 6; ++i) {
        reply = NULL;
        int err = proc_call(self, server, tags[i], &i, sizeof i, NS_PER_MS, &reply);
        if (reply)
            say(proc_env(self), "%d", *(const int *)reply->data);
        else
            say(proc_env(self), "E%d", err);
        if (err == -ETIMEDOUT)
            proc_sleep(self, 2 * NS_PER_S);
    }
    say(proc_env(self), "kept:%u", kept->tag);
    while (proc_receive(self, 0))
        say(proc_env(self), "left");
}

Test(calls, reply_time_out_and_death_GS_14_GS_30_GS_40)
{
    proc_id server = spawn(body_server, NULL), client = spawn(body_client, &server);
    post(client, OTHER);
    post(client, OTHER + 1); /* an older message is no reply, and stays */
    fake_pass(&fake, runtime, 10 * NS_PER_S);
    char expected[128];
    snprintf(expected, sizeof expected, "1 2 E%d 4 E%d E%d kept:%u left", -ETIMEDOUT, -ESRCH,
             -ESRCH, (unsigned)OTHER);
    said_is(expected);
}

static void body_many_calls(struct proc *self, void *arg)
{
    size_t blocks = heap_blocks(proc_heap(self));
    for (int i = 0; i < 100; ++i) {
        cr_assert_eq(proc_call(self, *(proc_id *)arg, ASK, &i, sizeof i, NS_PER_S, NULL), 0);
        proc_send(proc_runtime(self), 0, proc_self(self), OTHER, NULL, 0);
        proc_receive(self, WAIT_FOREVER);
        proc_call(self, *(proc_id *)arg, ASK, &i, sizeof i, NS_PER_S, NULL);
        proc_call(self, *(proc_id *)arg, ASK, &i, sizeof i, NS_PER_S, NULL);
    }
    cr_assert_leq(heap_blocks(proc_heap(self)), blocks + 2, "the last message and the last reply");
    say(proc_env(self), "done");
}

Test(calls, messages_and_replies_are_freed_as_it_goes_on)
{
    proc_id server = spawn(body_server, NULL);
    spawn(body_many_calls, &server);
    runtime_run(runtime);
    said_is("done");
    cr_assert_eq(runtime_run(runtime), INT64_MAX);
}

static void body_call_self(struct proc *self, void *arg)
{
    (void)arg;
    cr_assert_eq(proc_call(self, proc_self(self), ASK, NULL, 0, 0, NULL), -EDEADLK);
    proc_reply(self, proc_self(self), 0, NULL, 0);
    cr_assert_null(proc_receive(self, 0), "a reply to nothing is dropped");
    say(proc_env(self), "ok");
}

Test(calls, to_oneself_GS_28)
{
    spawn(body_call_self, NULL);
    runtime_run(runtime);
    said_is("ok");
}

static void body_forward(struct proc *self, void *arg)
{
    struct message ask = *proc_receive(self, WAIT_FOREVER);
    proc_id helper = *(proc_id *)arg;
    struct message note = {.from = ask.from, .ref = ask.ref};
    proc_send(proc_runtime(self), proc_self(self), helper, OTHER, &note, sizeof note);
}

static void body_helper(struct proc *self, void *arg)
{
    (void)arg;
    struct message note = *(const struct message *)proc_receive(self, WAIT_FOREVER)->data;
    int answer = 42;
    proc_reply(self, note.from, note.ref, &answer, sizeof answer);
}

static void body_ask_once(struct proc *self, void *arg)
{
    const struct message *reply = NULL;
    int err = proc_call(self, *(proc_id *)arg, ASK, NULL, 0, WAIT_FOREVER, &reply);
    say(proc_env(self), "%d:%d from %d", err, reply ? *(const int *)reply->data : 0,
        reply ? (int)reply->from : 0);
}

Test(calls, any_process_may_reply_but_not_after_the_callee_died_GS_29)
{
    proc_id helper = spawn(body_helper, NULL), server = spawn(body_forward, &helper);
    spawn(body_ask_once, &server);
    runtime_run(runtime);
    char expected[64];
    snprintf(expected, sizeof expected, "%d:0 from 0", -ESRCH);
    said_is(expected); /* the server ended before the helper replied */
}

/* ---- timers ---- */

SUITE(timers);

static void body_timers(struct proc *self, void *arg)
{
    (void)arg;
    proc_id me = proc_self(self);
    proc_send_after(self, 3 * NS_PER_S, me, 33, NULL, 0);
    proc_send_after(self, 1 * NS_PER_S, me, 31, NULL, 0);
    ref_id cancelled = proc_send_after(self, 2 * NS_PER_S, me, 32, NULL, 0);
    proc_send_after(self, 1 * NS_PER_S, me, 41, "data", 5);
    proc_send_after(self, -5, me, 30, NULL, 0);
    proc_send_after(self, WAIT_FOREVER, me, 99, NULL, 0);
    cr_assert_null(proc_receive(self, 0), "never delivered inside the call");
    cr_assert_geq(proc_cancel_timer(self, cancelled), 0);
    cr_assert_eq(proc_cancel_timer(self, cancelled), -1);
    for (int i = 0; i < 4; ++i) {
        const struct message *message = proc_receive(self, WAIT_FOREVER);
        cr_assert_eq(message->from, 0);
        say(proc_env(self), "%u@%d", message->tag,
            (int)((proc_now(self) - 1000 * NS_PER_S) / NS_PER_S));
    }
    say_message(self, proc_receive(self, 10 * NS_PER_S));
}

Test(timers, fire_in_order_of_deadline_then_creation_TMR_02_TMR_07_TMR_09)
{
    spawn(body_timers, NULL);
    fake_pass(&fake, runtime, 60 * NS_PER_S);
    said_is("30@0 31@1 41@1 33@3 nothing");
}

static void body_timer_to(struct proc *self, void *arg)
{
    proc_send_after(self, NS_PER_S, *(proc_id *)arg, 50, NULL, 0);
    proc_send_after(self, NS_PER_S, 99, 51, NULL, 0);
}

Test(timers, outlive_their_sender_but_not_their_receiver_TMR_05)
{
    proc_id a = spawn(body_listen, NULL), b = spawn(body_listen, NULL);
    spawn(body_timer_to, &a);
    spawn(body_timer_to, &b);
    runtime_run(runtime);
    proc_signal(runtime, 0, b, plain(EXIT_KILL));
    cr_assert_eq(runtime_run(runtime), fake.now + NS_PER_S);
    fake_pass(&fake, runtime, NS_PER_S);
    said_is("50");
    cr_assert_eq(runtime_run(runtime), INT64_MAX);
}

static void body_random(struct proc *self, void *arg)
{
    enum { TIMERS = 500 };
    (void)arg;
    ref_id refs[TIMERS];
    uint32_t state = 1;
    for (int i = 0; i < TIMERS; ++i) {
        state = state * 1664525 + 1013904223;
        int64_t delay = (int64_t)(state >> 20);
        refs[i] = proc_send_after(self, delay, proc_self(self), MSG_USER, &delay, sizeof delay);
    }
    int left = TIMERS;
    for (int i = 0; i < TIMERS; i += 3)
        left -= proc_cancel_timer(self, refs[i]) >= 0;
    int64_t start = proc_now(self), last = 0;
    for (; left > 0; --left) {
        const struct message *message = proc_receive(self, WAIT_FOREVER);
        int64_t delay = *(const int64_t *)message->data;
        cr_assert_geq(delay, last);
        cr_assert_eq(proc_now(self), start + delay);
        last = delay;
    }
    say_message(self, proc_receive(self, 0));
}

Test(timers, five_hundred_with_a_third_cancelled)
{
    spawn(body_random, NULL);
    fake_pass(&fake, runtime, NS_PER_S);
    said_is("nothing");
}

static void body_timers_left(struct proc *self, void *arg)
{
    (void)arg;
    ref_id timer = proc_send_after(self, 10, proc_self(self), 20, NULL, 0);
    proc_sleep(self, 4);
    say(proc_env(self), "%d", (int)proc_timer_left(self, timer));
    const struct message *message = proc_receive(self, WAIT_FOREVER);
    say(proc_env(self), "%s", message->ref == timer ? "its" : "not its");
    say(proc_env(self), "%d %d", (int)proc_timer_left(self, timer),
        (int)proc_cancel_timer(self, timer));
    timer = proc_send_after(self, 10, proc_self(self), 20, NULL, 0);
    proc_sleep(self, 3);
    say(proc_env(self), "%d", (int)proc_cancel_timer(self, timer));
}

Test(timers,
     tmr_02_cancel_says_what_was_left_tmr_03_not_after_firing_tmr_04_the_message_has_the_ref_tmr_06)
{
    spawn(body_timers_left, NULL);
    fake_pass(&fake, runtime, 100);
    said_is("6 its -1 -1 7");
}

static void body_timer_to_name(struct proc *self, void *arg)
{
    const char *word = "word";
    (void)arg;
    proc_send_after_name(self, 10, "nobody", 20, NULL, 0);
    proc_send_after_name(self, 10, "listener", 21, word, 5);
    ref_id timer = proc_send_after_name(self, 10, "listener", 22, NULL, 0);
    proc_send_after_name(self, 50, "listener", 23, NULL, 0);
    proc_send_after_name(self, WAIT_FOREVER, "listener", 24, NULL, 0);
    say(proc_env(self), "%d", (int)proc_cancel_timer(self, timer));
}

static void body_named_listener(struct proc *self, void *arg)
{
    proc_register(self, "listener");
    body_listen(self, arg);
}

Test(timers, tmr_05_names_are_looked_up_when_it_fires)
{
    spawn(body_timer_to_name, NULL);
    fake_pass(&fake, runtime, 5);
    spawn(body_named_listener, NULL);
    fake_pass(&fake, runtime, 20);
    said_is("10 21");
}

static void body_cancel_for(struct proc *self, void *arg)
{
    say(proc_env(self), "%d", (int)proc_cancel_timer(self, *(ref_id *)arg));
}

static ref_id of_another;

static void body_arm(struct proc *self, void *arg)
{
    (void)arg;
    of_another = proc_send_after(self, 10, proc_self(self), 20, NULL, 0);
    say_message(self, proc_receive(self, 50));
}

Test(timers, tmr_08_anybody_may_cancel)
{
    spawn(body_arm, NULL);
    spawn(body_cancel_for, &of_another);
    fake_pass(&fake, runtime, 60);
    said_is("10 nothing");
}
