/* Servers: what their functions may return, and what their clients see. */
#include "served.h"

SUITE(server);

/* ---- starting ---- */

/* Starts one, as `init` says. */
static void body_start(struct proc *self, void *arg)
{
    struct server_spec spec = served_spec(arg, false);
    say_started(self, server_start_link(self, &spec));
    say_message(self, proc_receive(self, 0));
}

static void started_is(int init, const char *said)
{
    spawn(body_start, &init);
    fake_pass(&fake, runtime, 1);
    said_is(said);
}

Test(server, gs_01_start_returns_after_init)
{
    started_is(INIT_GO, "init ok nothing");
}

static void body_start_trapping(struct proc *self, void *arg)
{
    proc_trap_exit(self, true);
    body_start(self, arg);
}

Test(server, gs_02_init_stop_is_an_error_and_leaves_no_exit_message)
{
    int init = INIT_STOP;
    spawn(body_start_trapping, &init);
    runtime_run(runtime);
    said_is("init error:oops nothing");
}

Test(server, gs_03_init_stop_kills_who_does_not_trap)
{
    int init = INIT_STOP;
    proc_id pid = spawn(body_start, &init);
    spawn_linked(body_listen, NULL, pid, true);
    runtime_run(runtime);
    said_is("init EXIT(1,oops)");
}

Test(server, gs_04_init_ignore)
{
    started_is(INIT_IGNORE, "init ignore nothing");
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(server, gs_05_init_fails_exits_or_returns_nonsense)
{
    int inits[] = {INIT_RAISE, INIT_EXIT, INIT_BAD};
    for (int i = 0; i < 3; i++)
        spawn(body_start_trapping, &inits[i]);
    runtime_run(runtime);
    said_is("init init init error:{boom,stack} nothing error:bye nothing "
            "error:{bad_return_value,42} nothing");
}

static void body_start_in_time(struct proc *self, void *arg)
{
    int init = INIT_HANG;
    struct server_spec spec = served_spec(&init, true);
    (void)arg;
    spec.timeout_ns = 10;
    proc_trap_exit(self, true);
    say_started(self, server_start_link(self, &spec));
    say_message(self, proc_receive(self, 0));
}

Test(server, gs_06_start_has_a_time_limit)
{
    spawn(body_start_in_time, NULL);
    fake_pass(&fake, runtime, 10);
    said_is("init error:timeout nothing");
}

static void body_start_named(struct proc *self, void *arg)
{
    struct server_spec spec = served_spec(NULL, false);
    (void)arg;
    spec.name = "one";
    struct started first = server_start(self, &spec), second = server_start_link(self, &spec);
    say_started(self, first);
    say_started(self, second);
    cr_assert_eq(first.pid, second.pid);
    cr_assert_eq(runtime_whereis(runtime, "one"), first.pid);
}

Test(server, gs_07_a_taken_name_is_told_and_init_not_run)
{
    spawn(body_start_named, NULL);
    runtime_run(runtime);
    said_is("init ok error:already_started");
}

static void body_take_name_later(struct proc *self, void *arg)
{
    struct server_spec spec = served_spec(NULL, false);
    (void)arg;
    spec.name = "one";
    say_started(self, server_start(self, &spec));
}

Test(server, gs_07_two_starts_at_once_leave_one_server)
{
    spawn(body_take_name_later, NULL);
    spawn(body_take_name_later, NULL);
    runtime_run(runtime);
    said_is("init ok error:already_started");
    cr_assert_eq(runtime_count(runtime), 1);
}

Test(server, gs_08_what_init_wants_next_comes_before_any_message)
{
    started_is(INIT_PROCEED, "init proceed:two proceed:one ok nothing cast:16");
}

Test(server, gs_36_init_failures_do_not_terminate)
{
    started_is(INIT_RAISE, "init");
}

/* ---- going on ---- */

Test(server, gs_09_the_reply_goes_out_before_proceed)
{
    proc_id pid = served(false);
    ask(pid, REPLY_AND_GO_ON);
    runtime_run(runtime);
    said_is("call:17 proceed:one =101");
}

Test(server, gs_10_proceed_may_chain_before_any_message)
{
    proc_id pid = served(false);
    cast(pid, GO_ON_2);
    cast(pid, ADD);
    runtime_run(runtime);
    said_is("cast:27 proceed:two proceed:one cast:16");
}

Test(server, gs_11_a_time_out_is_told)
{
    proc_id pid = served(false);
    cast(pid, FOR_10);
    fake_pass(&fake, runtime, 9);
    said_is("cast:25");
    fake_pass(&fake, runtime, 1);
    said_is("cast:25 timeout");
    fake_pass(&fake, runtime, 100);
    said_is("cast:25 timeout");
}

Test(server, gs_11_init_may_want_a_time_out)
{
    started_is(INIT_FOR_10, "init ok nothing");
    fake_pass(&fake, runtime, 9);
    said_is("init ok nothing timeout");
}

Test(server, gs_12_a_message_clears_the_time_out_for_good)
{
    proc_id pid = served(false);
    cast(pid, FOR_10);
    fake_pass(&fake, runtime, 9);
    post(pid, ADD);
    fake_pass(&fake, runtime, 100);
    said_is("cast:25 info: 16");
}

Test(server, gs_13_a_time_out_of_0_gives_way_to_a_message)
{
    proc_id pid = served(false);
    cast(pid, FOR_0);
    cast(pid, ADD);
    runtime_run(runtime);
    said_is("cast:26 cast:16");
    cast(pid, FOR_0);
    runtime_run(runtime);
    said_is("cast:26 cast:16 cast:26 timeout");
}

Test(server, gs_32_a_server_that_waits_has_no_stack_and_wakes_by_a_message)
{
    proc_id pid = served(false);
    ask(pid, ADD);
    runtime_run(runtime);
    ask(pid, ADD);
    runtime_run(runtime);
    said_is("call:16 =101 call:16 =102");
}

Test(server, gs_12_a_request_clears_it_too)
{
    proc_id pid = served(false);
    cast(pid, FOR_10);
    fake_pass(&fake, runtime, 9);
    ask(pid, ADD);
    fake_pass(&fake, runtime, 20);
    said_is("cast:25 call:16 =101");
}

Test(server, gs_38_a_server_may_receive_by_itself)
{
    proc_id pid = served(false);
    cast(pid, RECEIVE);
    post(pid, 40);
    runtime_run(runtime);
    said_is("cast:31 40");
}

/* ---- replies ---- */

Test(server, gs_14_a_late_reply_vanishes_GS_15_and_the_request_is_handled)
{
    proc_id pid = served(false);
    ask_with(body_ask, pid, SLEEP, 10);
    fake_pass(&fake, runtime, 200);
    said_is("call:30 no:timeout");
    ask(pid, ADD);
    runtime_run(runtime);
    said_is("call:30 no:timeout call:16 =102");
}

Test(server, gs_14_a_call_that_exits_says_what_and_whom)
{
    proc_id pid = served(false);
    proc_id client = ask_with(body_ask_or_exit, pid, SLEEP, 10);
    spawn_linked(body_listen, NULL, client, true);
    fake_pass(&fake, runtime, 20);
    said_is("call:30 EXIT(2,{timeout,{call,1}})");
}

Test(server, gs_29_a_reply_may_come_later_GS_30_but_only_once)
{
    proc_id pid = served(false);
    ask(pid, KEEP);
    runtime_run(runtime);
    said_is("call:28");
    cast(pid, GIVE);
    cast(pid, GIVE);
    runtime_run(runtime);
    said_is("call:28 cast:29 gave:0 cast:29 gave:-3 =7"); /* ESRCH */
}

Test(server, gs_30_a_second_reply_is_refused)
{
    proc_id pid = served(false);
    ask(pid, REPLY_TWICE);
    runtime_run(runtime);
    said_is("call:18 second:-114 =101"); /* EALREADY */
}

Test(server, gs_30_a_reply_to_nobody_is_refused)
{
    proc_id pid = served(false);
    cast(pid, REPLY_TWICE);
    runtime_run(runtime);
    said_is("cast:18 second:-22"); /* EINVAL */
}

Test(server, gs_27_a_cast_never_fails_but_a_call_does)
{
    cr_assert_eq(server_cast(runtime, 0, 77, ADD, NULL, 0), 0);
    ask(77, ADD);
    runtime_run(runtime);
    said_is("no:noproc");
}

static void body_call_itself(struct proc *self, void *arg)
{
    (void)arg;
    struct asked asked = {.server = proc_self(self), .tag = ADD};
    body_ask(self, &asked);
}

Test(server, gs_28_a_call_to_oneself)
{
    spawn(body_call_itself, NULL);
    runtime_run(runtime);
    said_is("no:calling_self");
}

Test(server, gs_33_who_waits_behind_a_crash_gets_its_reason_and_later_ones_noproc)
{
    proc_id pid = served(false);
    ask(pid, RAISE);
    ask(pid, ADD);
    runtime_run(runtime);
    ask(pid, ADD);
    runtime_run(runtime);
    said_is("call:21 terminate:{boom,stack},101 no:{boom,stack} no:{boom,stack} no:noproc");
}

Test(server, gs_37_messages_nobody_wants)
{
    static const struct server_ops nothing;
    struct server_spec spec = {.label = "empty", .ops = &nothing};
    proc_id pid = server_spawn(runtime, 0, &spec);
    post(pid, 40);
    runtime_run(runtime);
    cr_assert_str_eq(fake.logged, "2 empty: message 40 from 0 dropped");
    ask(pid, 41);
    runtime_run(runtime);
    said_is("no:{{function_clause,call},stack}");
    cr_assert_not(proc_alive(runtime, pid));
}
