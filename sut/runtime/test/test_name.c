/* Names: sending to them, watching them, who may have them; and what is left of what has arrived. */
#include "fixture.h"
#include <errno.h>

SUITE(name);

Test(name, sig_28_the_dead_get_no_name_and_a_name_can_be_taken_back)
{
    proc_id pid = spawn(body_wait, NULL), other = spawn(body_wait, NULL);
    cr_assert_eq(runtime_register(runtime, "n", 99), -ESRCH);
    cr_assert_eq(runtime_register(runtime, "n", pid), 0);
    cr_assert_eq(runtime_register(runtime, "n", other), -EEXIST);
    cr_assert_eq(runtime_register(runtime, "m", pid), -EEXIST);
    cr_assert_eq(runtime_unregister(runtime, "n"), 0);
    cr_assert_eq(runtime_unregister(runtime, "n"), -ENOENT);
    cr_assert_eq(runtime_register(runtime, "n", other), 0);
}

Test(name, sig_29_sending_to_nobodys_name_is_an_error)
{
    proc_id pid = spawn(body_listen, NULL);
    cr_assert_eq(proc_send_name(runtime, 0, "n", 20, NULL, 0), -ENOENT);
    runtime_register(runtime, "n", pid);
    cr_assert_eq(proc_send_name(runtime, 0, "n", 21, NULL, 0), 0);
    runtime_run(runtime);
    said_is("21");
}

static void say_down(struct proc *self, const struct message *message)
{
    const struct exit_message *down = message->data;
    say(proc_env(self), "%d:%s:%s", (int)down->who, down->name ? down->name : "-",
        reason_term(down->reason, (char[REASON_WORDS]){0}));
}

static void body_watch_names(struct proc *self, void *arg)
{
    (void)arg;
    proc_monitor_name(self, "nobody");
    proc_monitor_name(self, "n");
    for (;;)
        say_down(self, proc_receive(self, WAIT_FOREVER));
}

Test(name, sig_23_a_down_carries_the_name)
{
    proc_id pid = spawn(body_wait, NULL);
    runtime_register(runtime, "n", pid);
    spawn(body_watch_names, NULL);
    runtime_run(runtime);
    runtime_unregister(runtime, "n"); /* the process is watched, not the name */
    proc_signal(runtime, 0, pid, error("oops"));
    runtime_run(runtime);
    said_is("0:nobody:noproc 1:n:oops");
}

static void body_both(struct proc *self, void *arg)
{
    proc_trap_exit(self, true);
    proc_link(self, *(proc_id *)arg);
    proc_monitor(self, *(proc_id *)arg);
    body_listen(self, NULL);
}

Test(name, sig_27_who_is_linked_and_watches_gets_both)
{
    proc_id pid = spawn(body_wait, NULL);
    spawn(body_both, &pid);
    runtime_run(runtime);
    proc_signal(runtime, 0, pid, error("oops"));
    runtime_run(runtime);
    said_is("EXIT(1,oops) DOWN(1,oops)");
}

static void body_stop_trapping(struct proc *self, void *arg)
{
    (void)arg;
    proc_trap_exit(self, true);
    proc_signal(proc_runtime(self), 77, proc_self(self), error("first"));
    proc_trap_exit(self, false);
    say_message(self, proc_receive(self, 0));
    proc_signal(proc_runtime(self), 77, proc_self(self), error("second"));
    say(proc_env(self), "never");
}

Test(name, sig_30_what_was_trapped_stays)
{
    spawn(body_stop_trapping, NULL);
    runtime_run(runtime);
    said_is("EXIT(77,first)");
}

static void body_raise(struct proc *self, void *arg)
{
    proc_receive(self, WAIT_FOREVER);
    proc_exit(self, reason_make((enum reason_kind)(uintptr_t)arg, "boom"));
}

static void body_watch(struct proc *self, void *arg)
{
    (void)arg;
    proc_monitor(self, 1);
    proc_monitor(self, 2);
    for (;;)
        say_down(self, proc_receive(self, WAIT_FOREVER));
}

Test(name, sig_03_errors_and_throws_say_so)
{
    spawn(body_raise, (void *)EXIT_RAISED);
    spawn(body_raise, (void *)EXIT_THROWN);
    spawn(body_watch, NULL);
    runtime_run(runtime);
    fake.said[0] = '\0';
    post(1, 20);
    post(2, 20);
    runtime_run(runtime);
    said_is("1:-:{boom,stack} 2:-:{{nocatch,boom},stack}");
}
