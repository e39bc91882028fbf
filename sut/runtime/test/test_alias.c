/* Refs that can be sent to, and what ends them. */
#include "fixture.h"

SUITE(alias);

static ref_id the_ref;
static proc_id the_target; /* of the monitor */

static void alias_post(uint32_t tag)
{
    cr_assert_eq(proc_send_alias(runtime, 0, the_ref, tag, NULL, 0), 0);
    runtime_run(runtime);
}

static void target_kill(void)
{
    proc_signal(runtime, 0, the_target, error("oops"));
    runtime_run(runtime);
}

static void body_alias(struct proc *self, void *arg)
{
    the_ref = proc_alias(self, *(const enum alias_kind *)arg);
    body_listen(self, NULL);
}

static void body_alias_monitor(struct proc *self, void *arg)
{
    the_ref = proc_monitor_alias(self, the_target, *(const enum alias_kind *)arg);
    body_listen(self, NULL);
}

static proc_id owner_of(enum alias_kind kind, bool monitor)
{
    static enum alias_kind kept;
    kept = kind;
    the_target = spawn(body_wait, NULL);
    proc_id owner = spawn(monitor ? body_alias_monitor : body_alias, &kept);
    runtime_run(runtime);
    return owner;
}

Test(alias, alias_01_what_is_sent_to_it_comes_to_its_owner_like_any_message)
{
    proc_id owner = owner_of(ALIAS_EXPLICIT, false);
    post(owner, 20);
    alias_post(21);
    post(owner, 22);
    runtime_run(runtime);
    said_is("20 21 22");
}

static void body_unalias(struct proc *self, void *arg)
{
    ref_id alias = proc_alias(self, ALIAS_EXPLICIT);
    (void)arg;
    say(proc_env(self), "%d", proc_unalias(self, alias));
    say(proc_env(self), "%d", proc_unalias(self, alias));
    say(proc_env(self), "%d", proc_unalias(self, the_ref)); /* another's */
    proc_send_alias(proc_runtime(self), 0, alias, 20, NULL, 0);
    say_message(self, proc_receive(self, 0));
}

Test(alias, alias_02_is_active_until_unalias_alias_08_by_its_owner)
{
    owner_of(ALIAS_EXPLICIT, false);
    spawn(body_unalias, NULL);
    alias_post(20);
    alias_post(21);
    said_is("1 0 0 nothing 20 21");
}

Test(alias, alias_03_reply_ends_with_the_first_message)
{
    owner_of(ALIAS_REPLY, false);
    alias_post(20);
    alias_post(21);
    said_is("20");
}

Test(alias, alias_04_explicit_outlives_the_down)
{
    owner_of(ALIAS_EXPLICIT, true);
    target_kill();
    alias_post(20);
    said_is("DOWN(1,oops) 20");
}

Test(alias, alias_05_demonitor_ends_with_the_down)
{
    owner_of(ALIAS_DEMONITOR, true);
    alias_post(20);
    alias_post(21);
    target_kill();
    alias_post(22);
    said_is("20 21 DOWN(1,oops)");
}

static void body_demonitor(struct proc *self, void *arg)
{
    const enum alias_kind *kinds = arg;
    for (int i = 0; i < 3; i++) {
        ref_id ref = proc_monitor_alias(self, the_target, kinds[i]);
        proc_demonitor(self, ref, false);
        proc_send_alias(proc_runtime(self), 0, ref, 20 + (uint32_t)i, NULL, 0);
    }
    say_message(self, proc_receive(self, 0));
    say_message(self, proc_receive(self, 0));
}

Test(alias, alias_04_alias_05_demonitor_ends_it_unless_it_is_explicit)
{
    static enum alias_kind kinds[] = {ALIAS_EXPLICIT, ALIAS_DEMONITOR, ALIAS_REPLY_DEMONITOR};
    the_target = spawn(body_wait, NULL);
    spawn(body_demonitor, kinds);
    runtime_run(runtime);
    said_is("20 nothing");
}

Test(alias, alias_06_the_first_message_ends_the_monitor_too)
{
    owner_of(ALIAS_REPLY_DEMONITOR, true);
    alias_post(20);
    alias_post(21);
    target_kill();
    said_is("20");
}

Test(alias, alias_06_and_so_does_the_down)
{
    owner_of(ALIAS_REPLY_DEMONITOR, true);
    target_kill();
    alias_post(20);
    said_is("DOWN(1,oops)");
}

static void body_alias_dead(struct proc *self, void *arg)
{
    const enum alias_kind *kinds = arg;
    for (int i = 0; i < 3; i++) {
        ref_id ref = proc_monitor_alias(self, 99, kinds[i]);
        proc_send_alias(proc_runtime(self), 0, ref, 20 + (uint32_t)i, NULL, 0);
        say_message(self, proc_receive(self, 0));
        say_message(self, proc_receive(self, 0));
    }
}

Test(alias, alias_05_a_monitor_of_the_dead_is_over_at_once)
{
    static enum alias_kind kinds[] = {ALIAS_EXPLICIT, ALIAS_DEMONITOR, ALIAS_REPLY_DEMONITOR};
    spawn(body_alias_dead, kinds);
    runtime_run(runtime);
    said_is("DOWN(99,noproc) 20 DOWN(99,noproc) nothing DOWN(99,noproc) nothing");
}

Test(alias, alias_07_to_the_dead_is_dropped)
{
    proc_id owner = owner_of(ALIAS_EXPLICIT, false);
    proc_signal(runtime, 0, owner, plain(EXIT_KILL));
    alias_post(20);
    said_is("");
}

static void body_alias_self(struct proc *self, void *arg)
{
    ref_id ref = proc_monitor_alias(self, proc_self(self), ALIAS_EXPLICIT);
    (void)arg;
    proc_send_alias(proc_runtime(self), 0, ref, 20, NULL, 0);
    say_message(self, proc_receive(self, 0));
    say(proc_env(self), "%d", proc_unalias(self, ref));
}

Test(alias, alias_08_a_monitor_of_oneself_makes_none)
{
    spawn(body_alias_self, NULL);
    runtime_run(runtime);
    said_is("nothing 0");
}

static void body_call_short(struct proc *self, void *arg)
{
    (void)arg;
    say(proc_env(self), "%d", proc_call(self, the_target, 20, NULL, 0, 5, NULL));
    say_message(self, proc_receive(self, 100));
}

static void body_answer_late(struct proc *self, void *arg)
{
    struct message request = *proc_receive(self, WAIT_FOREVER);
    (void)arg;
    proc_sleep(self, 10);
    say(proc_env(self), "late:%d", proc_reply(self, request.from, request.ref, NULL, 0));
}

Test(alias, alias_09_the_reply_address_of_a_call_ends_with_it)
{
    the_target = spawn(body_answer_late, NULL);
    spawn(body_call_short, NULL);
    fake_pass(&fake, runtime, 200);
    said_is("-110 late:-3 nothing");
}
