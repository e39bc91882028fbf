/* How servers end: by their own wish, by failing, by signals, by being asked to; and looking inside. */
#include "served.h"

SUITE(server_end);

Test(server_end, gs_16_terminate_runs_before_the_reply)
{
    proc_id pid = served(false);
    spawn_linked(body_listen, NULL, pid, true);
    ask(pid, REPLY_AND_END);
    runtime_run(runtime);
    said_is("call:19 terminate:oops,101 =101 EXIT(1,oops)");
}

Test(server_end, gs_17_end_without_a_reply)
{
    proc_id pid = served(false);
    proc_id client = ask_with(body_ask_or_exit, pid, END, 0);
    spawn_linked(body_listen, NULL, client, true);
    runtime_run(runtime);
    said_is("call:20 terminate:oops,100 EXIT(2,{oops,{call,1}})");
}

Test(server_end, gs_18_a_function_that_fails)
{
    proc_id pid = served(false);
    ask(pid, RAISE);
    runtime_run(runtime);
    said_is("call:21 terminate:{boom,stack},101 no:{boom,stack}");
    cr_assert_not(proc_alive(runtime, pid));
}

Test(server_end, gs_18_a_failure_takes_the_reply_back)
{
    proc_id pid = served(false);
    ask(pid, RAISE_AFTER_REPLY);
    runtime_run(runtime);
    said_is("call:22 terminate:{boom,stack},102 no:{boom,stack}");
}

Test(server_end, gs_20_a_bad_return)
{
    proc_id pid = served(false);
    ask(pid, BAD_RETURN);
    runtime_run(runtime);
    said_is("call:24 terminate:{bad_return_value,42},100 no:{bad_return_value,42}");
}

Test(server_end, gs_21_a_signal_to_who_does_not_trap_terminates_nothing)
{
    proc_id pid = served(false);
    proc_signal(runtime, 0, pid, error("oops"));
    runtime_run(runtime);
    said_is("");
    cr_assert_not(proc_alive(runtime, pid));
}

static void body_own(struct proc *self, void *arg)
{
    struct server_spec spec = served_spec(NULL, *(const bool *)arg);
    server_start_link(self, &spec);
    const struct message *message = proc_receive(self, WAIT_FOREVER);
    proc_exit(self, message->tag == 20 ? plain(EXIT_NORMAL) : error("oops"));
}

/* The parent is process 1, the server 2. */
static void owned(bool trap_exit)
{
    static bool trap;
    trap = trap_exit;
    spawn(body_own, &trap);
    runtime_run(runtime);
    fake.said[0] = '\0';
}

Test(server_end, gs_22_a_strangers_exit_is_a_message)
{
    owned(true);
    proc_signal(runtime, 77, 2, error("oops"));
    runtime_run(runtime);
    said_is("info: EXIT(77,oops)");
    cr_assert(proc_alive(runtime, 2));
}

Test(server_end, gs_23_its_parents_exit_terminates_also_a_normal_one)
{
    owned(true);
    post(1, 20);
    runtime_run(runtime);
    said_is("terminate:normal,100");
    cr_assert_not(proc_alive(runtime, 2));
}

Test(server_end, gs_24_a_normal_exit_of_its_parent_means_nothing_to_who_does_not_trap)
{
    owned(false);
    post(1, 20);
    runtime_run(runtime);
    said_is("");
    cr_assert(proc_alive(runtime, 2));
}

Test(server_end, gs_25_kill_terminates_nothing)
{
    owned(true);
    ask(2, KEEP);
    runtime_run(runtime);
    proc_signal(runtime, 0, 2, plain(EXIT_KILL));
    runtime_run(runtime);
    said_is("call:28 no:killed");
}

struct stopping {
    proc_id server;
    struct reason reason;
};

static void body_stop(struct proc *self, void *arg)
{
    const struct stopping *stopping = arg;
    struct reason why = {.kind = EXIT_NORMAL};
    int err = server_stop(self, stopping->server, stopping->reason, 1000, &why);
    say(proc_env(self), "stop:%d,%s", err, reason_term(why, (char[REASON_WORDS]){0}));
}

static void stop(proc_id server, struct reason reason)
{
    struct stopping stopping = {.server = server, .reason = reason};
    proc_spawn(runtime, &(struct proc_spec){
                            .main = body_stop, .arg = &stopping, .arg_size = sizeof stopping});
    fake_pass(&fake, runtime, 2000);
}

Test(server_end, gs_26_stop)
{
    proc_id pid = served(false);
    stop(pid, error("enough"));
    said_is("terminate:enough,100 stop:0,normal");
    stop(pid, error("enough"));
    said_is("terminate:enough,100 stop:0,normal stop:-3,noproc");
}

Test(server_end, gs_26_stop_of_who_is_busy_runs_out_of_time)
{
    proc_id pid = served(false);
    for (int i = 0; i < 20; i++)
        cast(pid, SLEEP);
    fake.said[0] = '\0';
    stop(pid, plain(EXIT_NORMAL));
    cr_assert(strstr(fake.said, "stop:-110,timeout"));
}

static void terminate_raises(struct proc *self, void *state, struct reason reason)
{
    (void)state;
    say(proc_env(self), "terminate:%s", reason.text);
    proc_exit(self, error("worse"));
}

static proc_id served_badly(void)
{
    static struct server_ops ops;
    ops = served_ops;
    ops.terminate = terminate_raises;
    struct server_spec spec = served_spec(NULL, false);
    spec.ops = &ops;
    proc_id pid = server_spawn(runtime, 0, &spec);
    runtime_run(runtime);
    fake.said[0] = '\0';
    return pid;
}

Test(server_end, gs_34_a_failing_terminate_replaces_the_reason)
{
    proc_id pid = served_badly();
    ask(pid, REPLY_AND_END);
    runtime_run(runtime);
    said_is("call:19 terminate:oops no:worse");
}

Test(server_end, gs_26_stop_that_ends_for_another_reason)
{
    stop(served_badly(), error("enough"));
    said_is("terminate:enough stop:-125,worse");
}

Test(server_end, gs_31_exit_normal_inside)
{
    proc_id pid = served(false);
    proc_id client = ask_with(body_ask_or_exit, pid, EXIT_NORMAL_INSIDE, 0);
    spawn_linked(body_listen, NULL, client, true);
    runtime_run(runtime);
    said_is("call:23 terminate:normal,100 EXIT(2,{normal,{call,1}})");
}

Test(server_end, gs_40_death_before_the_reply)
{
    proc_id pid = served(false);
    ask(pid, KEEP);
    runtime_run(runtime);
    proc_signal(runtime, 0, pid, error("oops"));
    runtime_run(runtime);
    said_is("call:28 no:oops");
}

Test(server_end, gs_36_the_driver_is_the_parent_of_who_has_none)
{
    served(true);
    proc_signal(runtime, 0, 1, plain(EXIT_SHUTDOWN));
    runtime_run(runtime);
    said_is("terminate:shutdown,100");
}

static void crash_say(void *ctx, const struct crash *crash)
{
    (void)ctx;
    say(&fake.env, "CRASH(%s,%s,%u)", reason_term(*crash->reason, (char[REASON_WORDS]){0}),
        crash->state, crash->last_tag);
}

Test(server_end, anc_06_the_report_of_a_crash_shows_the_state_and_the_last_message)
{
    runtime_on_crash(runtime, crash_say, NULL);
    proc_id pid = served(false);
    cast(pid, ADD);
    cast(pid, RAISE);
    runtime_run(runtime);
    said_is("cast:16 cast:21 terminate:{boom,stack},102 CRASH({boom,stack},count is 102,21)");
}

/* ---- looking inside ---- */

static void body_look(struct proc *self, void *arg)
{
    proc_id pid = *(proc_id *)arg;
    struct count count = {0};
    char words[64];
    cr_assert_eq(server_get_state(self, pid, &count, sizeof count, WAIT_FOREVER), 0);
    say(proc_env(self), "%d", count.count);
    count.count = 7;
    cr_assert_eq(server_replace_state(self, pid, &count, sizeof count, WAIT_FOREVER), 0);
    cr_assert_eq(server_describe(self, pid, words, sizeof words, WAIT_FOREVER), 0);
    say(proc_env(self), "%s", words);
    cr_assert_eq(server_get_state(self, pid, &count, 1, WAIT_FOREVER), -EINVAL);
    cr_assert_eq(server_replace_state(self, pid, &count, 1, WAIT_FOREVER), -EINVAL);
    cr_assert_eq(server_describe(self, 77, words, sizeof words, WAIT_FOREVER), -ESRCH);
}

Test(server_end, the_state_can_be_read_replaced_and_described)
{
    proc_id pid = served(false);
    proc_spawn(runtime,
               &(struct proc_spec){.main = body_look, .arg = &pid, .arg_size = sizeof pid});
    runtime_run(runtime);
    said_is("100 count is 7");
}

static void body_look_once(struct proc *self, void *arg)
{
    struct count count;
    server_get_state(self, *(proc_id *)arg, &count, sizeof count, WAIT_FOREVER);
}

Test(server_end, gs_35_looking_inside_restarts_the_time_out_in_full)
{
    proc_id pid = served(false);
    cast(pid, FOR_10);
    fake_pass(&fake, runtime, 9);
    proc_spawn(runtime,
               &(struct proc_spec){.main = body_look_once, .arg = &pid, .arg_size = sizeof pid});
    fake_pass(&fake, runtime, 9);
    said_is("cast:25");
    fake_pass(&fake, runtime, 1);
    said_is("cast:25 timeout");
}

Test(server_end, idle_servers_are_small)
{
    size_t before = heap_bytes(fake.env.heap);
    for (int i = 0; i < 1000; i++)
        served(false);
    size_t each = (heap_bytes(fake.env.heap) - before) / 1000;
    cr_assert_leq(each, 600, "%zu", each);
}
