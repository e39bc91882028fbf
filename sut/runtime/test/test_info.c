/* What can be seen of a process from outside: its record, and its doings, one by one. */
#include "fixture.h"
#include <errno.h>

SUITE(info);

static struct proc_info info_of(proc_id pid)
{
    struct proc_info info;
    cr_assert(runtime_info(runtime, pid, &info));
    return info;
}

static void body_busy(struct proc *self, void *arg)
{
    proc_id other = *(proc_id *)arg;
    proc_set_label(self, "busy");
    proc_set_label(self, "very busy");
    proc_register(self, "bee");
    proc_trap_exit(self, true);
    proc_link(self, other);
    proc_monitor(self, other);
    proc_monitor(self, other);
    proc_alloc(self, 1000);
    proc_sleep(self, 10);
    proc_call(self, other, 40, NULL, 0, 10, NULL);
    proc_receive_match(self, NULL, NULL, WAIT_FOREVER);
}

Test(info, says_what_a_process_is_and_does)
{
    proc_id other = spawn(body_wait, NULL), pid = spawn(body_busy, &other);
    cr_assert_str_eq(info_of(pid).doing, "ready");
    runtime_run(runtime);
    post(pid, 20);
    struct proc_info info = info_of(pid);
    cr_assert_str_eq(info.label, "very busy");
    cr_assert_str_eq(info.name, "bee");
    cr_assert_str_eq(info.doing, "sleeping");
    cr_assert(info.trap_exit && info.messages == 1 && info.links == 1 && info.monitors == 2);
    cr_assert(info.main == body_busy && !info.turn && info.heap_bytes >= 1000);
    cr_assert_eq(info_of(other).watchers, 2);
    cr_assert_str_eq(info_of(other).doing, "receiving");
    proc_id found[2];
    cr_assert(runtime_links(runtime, other, found, 2) == 1 && found[0] == pid);
    cr_assert(runtime_monitored(runtime, pid, found, 2) == 2 && found[1] == other);
    cr_assert(runtime_watchers(runtime, other, found, 1) == 2 && found[0] == pid);
}

Test(info, of_a_caller_and_of_the_dead)
{
    proc_id other = spawn(body_listen, NULL), pid = spawn(body_busy, &other);
    fake_pass(&fake, runtime, 15);
    cr_assert_str_eq(info_of(pid).doing, "calling");
    proc_signal(runtime, 0, pid, plain(EXIT_KILL));
    struct proc_info info;
    cr_assert_not(runtime_info(runtime, pid, &info));
    cr_assert_eq(runtime_links(runtime, pid, NULL, 0), 0);
}

static int64_t turn_nothing(struct proc *self, void *arg, const struct message *message)
{
    (void)self, (void)arg, (void)message;
    return WAIT_FOREVER;
}

static void body_park(struct proc *self, void *arg)
{
    proc_become(self, turn_nothing, arg, WAIT_FOREVER);
}

Test(info, of_a_parked_process)
{
    proc_id pid = spawn(body_park, NULL);
    runtime_run(runtime);
    cr_assert_str_eq(info_of(pid).doing, "parked");
    cr_assert(info_of(pid).turn == turn_nothing);
}

Test(info, the_living_are_listed_in_the_order_of_spawning)
{
    proc_id found[300] = {0};
    cr_assert_eq(runtime_list(runtime, found, 300), 0);
    for (int i = 0; i < 300; i++)
        spawn(i % 3 ? body_wait : body_return, NULL);
    cr_assert_eq(runtime_list(runtime, found, 300), 300);
    runtime_run(runtime);
    cr_assert_eq(runtime_list(runtime, found, 300), 200);
    cr_assert(found[0] == 2 && found[1] == 3 && found[2] == 5 && found[199] == 300);
    found[3] = 0;
    cr_assert_eq(runtime_list(runtime, found, 3), 200);
    cr_assert(found[0] == 2 && found[2] == 5 && found[3] == 0);
}

/* ---- tracing ---- */

static void trace_say(void *ctx, const struct trace_message *trace)
{
    static const char *const words[] = {"send", "get", "spawn", "link", "unlink", "signal", "exit"};
    (void)ctx;
    say(&fake.env, "%s(%d,%d,%u)", words[trace->what], (int)trace->pid, (int)trace->other,
        trace->tag);
}

static void body_act(struct proc *self, void *arg)
{
    proc_id other = *(proc_id *)arg;
    proc_receive(self, WAIT_FOREVER);
    proc_send(proc_runtime(self), proc_self(self), other, 21, NULL, 0);
    proc_link(self, other);
    proc_unlink(self, other);
    proc_spawn(proc_runtime(self), &(struct proc_spec){.main = body_return});
    proc_signal(proc_runtime(self), proc_self(self), other, error("oops"));
    proc_exit(self, error("done"));
}

Test(info, a_traced_process_shows_what_it_does)
{
    proc_id other = spawn(body_wait, NULL), pid = spawn(body_act, &other);
    cr_assert_eq(runtime_trace(runtime, pid, trace_say, NULL), 0);
    post(pid, 20);
    runtime_run(runtime);
    said_is("get(2,0,20) send(2,1,21) link(2,1,0) unlink(2,1,0) spawn(2,3,0) signal(2,1,5) "
            "exit(2,0,5)");
    cr_assert_eq(runtime_trace(runtime, pid, trace_say, NULL), -ESRCH);
}

static void body_tracer(struct proc *self, void *arg)
{
    (void)arg;
    for (;;)
        trace_say(NULL, proc_receive(self, WAIT_FOREVER)->data);
}

Test(info, a_trace_may_go_to_another_process_until_it_is_taken_back)
{
    proc_id tracer = spawn(body_tracer, NULL), pid = spawn(body_park, NULL);
    cr_assert_eq(runtime_trace_to(runtime, pid, pid), -EDEADLK);
    cr_assert_eq(runtime_trace(runtime, pid, trace_say, NULL), 0);
    cr_assert_eq(runtime_trace_to(runtime, pid, tracer), 0);
    cr_assert_eq(runtime_trace_to(runtime, tracer, pid),
                 0); /* neither hears of the other's hearing */
    post(pid, 20);
    runtime_run(runtime);
    said_is("");
    runtime_untrace(runtime, tracer);
    post(pid, 21);
    runtime_run(runtime);
    said_is("get(2,0,21)");
    runtime_untrace(runtime, pid);
    post(pid, 22);
    runtime_run(runtime);
    said_is("get(2,0,21)");
}
