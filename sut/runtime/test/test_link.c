/* Exit signals, links and monitors. Pids are 1, 2, ... in the order of spawning; rule numbers are
 * those of the OTP semantics (SIG-01 ...). */
#include "fixture.h"

/* ---- exit signals ---- */

SUITE(signals);

Test(signals, link_normal_is_ignored_SIG_05)
{
    proc_id peer = spawn(body_wait, NULL);
    spawn_linked(body_return, NULL, peer, false);
    runtime_run(runtime);
    cr_assert(proc_alive(runtime, peer));
}

Test(signals, link_error_spreads_SIG_06)
{
    struct reason reason = error("boom");
    proc_id a = spawn(body_wait, NULL);
    proc_id b = spawn_linked(body_wait, NULL, a, false);
    proc_id end = spawn_linked(body_listen, NULL, b, true);
    spawn_linked(body_die, &reason, a, false);
    runtime_run(runtime);
    cr_assert_not(proc_alive(runtime, a));
    cr_assert_not(proc_alive(runtime, b));
    cr_assert(proc_alive(runtime, end));
    said_is("EXIT(2,boom)");
}

static void body_link_all(struct proc *self, void *arg)
{
    for (proc_id other = 1; other < proc_self(self); ++other)
        proc_link(self, other);
    body_wait(self, arg);
}

Test(signals, a_clique_dies_once_each_SIG_06)
{
    for (int i = 0; i < 5; ++i)
        spawn(body_link_all, NULL);
    ref_id ref;
    proc_id watcher = spawn(body_listen, NULL);
    proc_spawn(runtime,
               &(struct proc_spec){.main = body_link_all, .monitor = watcher, .ret_monitor = &ref});
    proc_spawn(runtime, &(struct proc_spec){.main = body_wait, .link = 1, .monitor = watcher});
    runtime_run(runtime);
    proc_signal(runtime, 0, 3, error("boom"));
    cr_assert_eq(runtime_count(runtime), 0, "the last one had linked the watcher too");
}

Test(signals, a_chain_of_100000_links_dies_without_recursion_SIG_06)
{
    proc_id previous = spawn(body_wait, NULL);
    for (int i = 1; i < 100000; ++i)
        previous = spawn_linked(body_wait, NULL, previous, false);
    proc_signal(runtime, 0, 1, error("boom"));
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(signals, kill_by_link_can_be_trapped_SIG_08)
{
    struct reason reason = plain(EXIT_KILL);
    proc_id trapping = spawn_linked(body_listen, NULL, 0, true);
    proc_id other = spawn_linked(body_wait, NULL, trapping, false);
    spawn_linked(body_die, &reason, other, false);
    runtime_run(runtime);
    said_is("EXIT(2,kill)");
}

Test(signals, kill_cannot_be_trapped_SIG_09)
{
    proc_id watcher = spawn_linked(body_listen, NULL, 0, true);
    proc_id victim = spawn_linked(body_listen, NULL, watcher, true);
    runtime_run(runtime);
    proc_signal(runtime, 0, victim, plain(EXIT_KILL));
    runtime_run(runtime);
    cr_assert_not(proc_alive(runtime, victim));
    said_is("EXIT(2,killed)");
}

Test(signals, to_a_trapping_process_is_a_message_SIG_07_SIG_10)
{
    proc_id trapping = spawn_linked(body_listen, NULL, 0, true);
    spawn_linked(body_return, NULL, trapping, false);
    runtime_run(runtime);
    proc_signal(runtime, 77, trapping, error("odd"));
    proc_signal(runtime, 77, trapping, plain(EXIT_NORMAL));
    runtime_run(runtime);
    said_is("EXIT(2,normal) EXIT(77,odd) EXIT(77,normal)");
}

Test(signals, foreign_normal_is_ignored_SIG_11_and_the_dead_do_not_mind_SIG_14)
{
    proc_id id = spawn(body_wait, NULL);
    runtime_run(runtime);
    proc_signal(runtime, 77, id, plain(EXIT_NORMAL));
    cr_assert(proc_alive(runtime, id));
    proc_signal(runtime, 77, id, plain(EXIT_SHUTDOWN));
    cr_assert_not(proc_alive(runtime, id), "any other reason ends it");
    proc_signal(runtime, 77, id, error("again"));
}

static void body_signal_self(struct proc *self, void *arg)
{
    proc_signal(proc_runtime(self), proc_self(self), proc_self(self), *(const struct reason *)arg);
    say_message(self, proc_receive(self, 0));
}

Test(signals, to_oneself_SIG_12_SIG_13)
{
    struct reason normal = plain(EXIT_NORMAL);
    proc_id watcher = spawn_linked(body_listen, NULL, 0, true);
    spawn_linked(body_signal_self, &normal, watcher, false);
    spawn_linked(body_signal_self, &normal, 0, true);
    runtime_run(runtime);
    said_is("EXIT(3,normal) EXIT(2,normal)");
}

static void body_kill_linked(struct proc *self, void *arg)
{
    proc_link(self, *(proc_id *)arg);
    proc_signal(proc_runtime(self), proc_self(self), *(proc_id *)arg, error("boom"));
    say(proc_env(self), "survived");
}

Test(signals, who_kills_its_own_link_goes_no_further)
{
    proc_id victim = spawn(body_wait, NULL);
    spawn(body_kill_linked, &victim);
    runtime_run(runtime);
    said_is("");
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(signals, end_a_process_before_it_ran)
{
    proc_id id = spawn(body_return, NULL);
    proc_signal(runtime, 0, id, plain(EXIT_KILL));
    cr_assert_eq(runtime_count(runtime), 0);
    runtime_run(runtime);
}

/* ---- links ---- */

SUITE(links);

static void body_link(struct proc *self, void *arg)
{
    proc_link(self, *(proc_id *)arg);
    say(proc_env(self), "linked");
    say_message(self, proc_receive(self, 0));
}

Test(links, to_the_dead_SIG_15_SIG_16)
{
    proc_id nobody = 99;
    proc_id watcher = spawn_linked(body_listen, NULL, 0, true);
    spawn_linked(body_link, &nobody, 0, true);
    spawn_linked(body_link, &nobody, watcher, false);
    runtime_run(runtime);
    said_is("linked EXIT(99,noproc) EXIT(3,noproc)");
}

static void body_link_twice(struct proc *self, void *arg)
{
    proc_id other = *(proc_id *)arg;
    proc_unlink(self, other);
    proc_unlink(self, 99);
    proc_link(self, proc_self(self));
    proc_link(self, other);
    proc_link(self, other);
    proc_unlink(self, other);
    proc_signal(proc_runtime(self), 0, other, error("boom"));
    say(proc_env(self), "alive");
}

Test(links, are_single_and_unlink_removes_them_SIG_17_SIG_18_SIG_20)
{
    proc_id other = spawn(body_wait, NULL);
    spawn(body_link_twice, &other);
    runtime_run(runtime);
    said_is("alive");
    cr_assert_not(proc_alive(runtime, other));
}

static void body_unlink(struct proc *self, void *arg)
{
    proc_id *others = arg;
    proc_signal(proc_runtime(self), 0, others[0], error("first"));
    proc_unlink(self, others[0]);
    proc_unlink(self, others[1]);
    proc_signal(proc_runtime(self), 0, others[1], error("second"));
    say_message(self, proc_receive(self, 0));
    say_message(self, proc_receive(self, 0));
}

Test(links, unlink_keeps_what_has_arrived_SIG_19)
{
    proc_id others[2] = {0};
    proc_id self = spawn_linked(body_unlink, others, 0, true);
    others[0] = spawn_linked(body_wait, NULL, self, false);
    others[1] = spawn_linked(body_wait, NULL, self, false);
    runtime_run(runtime);
    said_is("EXIT(2,first) nothing");
}

Test(links, signals_go_out_in_link_order)
{
    struct reason reason = error("boom");
    proc_id hub = spawn(body_listen, &reason);
    for (int i = 0; i < 3; ++i)
        spawn_linked(body_listen, NULL, hub, true);
    post(hub, MSG_USER);
    runtime_run(runtime);
    said_is("16 EXIT(1,boom) EXIT(1,boom) EXIT(1,boom)");
}

Test(links, spawn_to_a_dead_process_ends_the_child_SIG_25)
{
    proc_id watcher = spawn(body_listen, NULL);
    ref_id ref;
    proc_id id = proc_spawn(
        runtime, &(struct proc_spec){
                     .main = body_return, .link = 99, .monitor = watcher, .ret_monitor = &ref});
    cr_assert_eq(id, 2);
    cr_assert_not(proc_alive(runtime, id));
    runtime_run(runtime);
    said_is("DOWN(2,noproc)");
}

/* ---- monitors ---- */

SUITE(monitors);

static void body_monitor_twice(struct proc *self, void *arg)
{
    proc_id other = *(proc_id *)arg;
    ref_id first = proc_monitor(self, other), second = proc_monitor(self, other);
    proc_signal(proc_runtime(self), 0, other, error("boom"));
    const struct message *message = proc_receive(self, 0);
    say_message(self, message);
    cr_assert_eq(message->ref, first);
    message = proc_receive(self, 0);
    say_message(self, message);
    cr_assert_eq(message->ref, second);
    proc_monitor(self, other);
    say_message(self, proc_receive(self, 0));
    proc_monitor(self, proc_self(self));
    say_message(self, proc_receive(self, 0));
}

Test(monitors, stack_and_fire_once_SIG_18_SIG_21_SIG_22)
{
    proc_id other = spawn(body_wait, NULL);
    spawn(body_monitor_twice, &other);
    runtime_run(runtime);
    said_is("DOWN(1,boom) DOWN(1,boom) DOWN(1,noproc) nothing");
}

static void body_demonitor(struct proc *self, void *arg)
{
    proc_id *others = arg;
    ref_id a = proc_monitor(self, others[0]), b = proc_monitor(self, others[1]);
    ref_id c = proc_monitor(self, others[1]);
    cr_assert(proc_demonitor(self, a, false));
    cr_assert_not(proc_demonitor(self, a, false), "it is gone already");
    proc_signal(proc_runtime(self), 0, others[0], error("unseen"));
    proc_signal(proc_runtime(self), 0, others[1], error("seen"));
    cr_assert_not(proc_demonitor(self, b, true));
    cr_assert_not(proc_demonitor(self, c, false));
    const struct message *left = proc_receive(self, 0);
    say_message(self, left);
    cr_assert_eq(left->ref, c);
    say_message(self, proc_receive(self, 0));
}

Test(monitors, demonitor_with_and_without_flush_SIG_24)
{
    proc_id others[] = {spawn(body_wait, NULL), spawn(body_wait, NULL)};
    spawn(body_demonitor, others);
    runtime_run(runtime);
    said_is("DOWN(2,seen) nothing");
}

static void body_demonitor_foreign(struct proc *self, void *arg)
{
    cr_assert_not(proc_demonitor(self, *(ref_id *)arg, true));
}

Test(monitors, are_removed_by_their_owner_only)
{
    struct reason reason = error("boom");
    proc_id watcher = spawn(body_listen, NULL);
    ref_id ref;
    proc_id victim = proc_spawn(
        runtime, &(struct proc_spec){
                     .main = body_listen, .arg = &reason, .monitor = watcher, .ret_monitor = &ref});
    spawn(body_demonitor_foreign, &ref);
    runtime_run(runtime);
    post(victim, MSG_USER);
    runtime_run(runtime);
    said_is("16 DOWN(2,boom)");
}
