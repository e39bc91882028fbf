/* Who descends from whom, for whom it works, and what the report of a crash says. */
#include "fixture.h"

SUITE(lineage);

static void crash_say(void *ctx, const struct crash *crash)
{
    (void)ctx;
    say(&fake.env, "CRASH(%d,%s,%s,%s,[%s],[%s],%zu)", (int)crash->pid, crash->label,
        crash->name ? crash->name : "-", reason_term(*crash->reason, (char[REASON_WORDS]){0}),
        crash->ancestors, crash->callers, crash->messages);
}

static proc_id child(struct proc *self, proc_main *main, const void *arg, proc_id caller)
{
    return proc_spawn(
        proc_runtime(self),
        &(struct proc_spec){.label = "child", .main = main, .arg = arg, .caller = caller});
}

static void body_depth(struct proc *self, void *arg)
{
    size_t depth = (size_t)(uintptr_t)arg;
    if (depth == 1)
        proc_register(self, "middle");
    if (depth < 3)
        child(self, body_depth, (void *)(depth + 1), 0);
    proc_receive(self, WAIT_FOREVER);
    proc_exit(self, reason_make(EXIT_RAISED, "boom"));
}

Test(lineage, anc_01_parents_nearest_first_by_name_also_when_they_are_dead)
{
    proc_id found[8];
    runtime_on_crash(runtime, crash_say, NULL);
    spawn(body_depth, NULL);
    runtime_run(runtime);
    cr_assert_eq(runtime_ancestors(runtime, 4, found, 8), 3);
    cr_assert(found[0] == 3 && found[1] == 2 && found[2] == 1);
    cr_assert_eq(runtime_ancestors(runtime, 4, found, 1), 3);
    proc_signal(runtime, 0, 3, plain(EXIT_KILL));
    proc_signal(runtime, 0, 1, plain(EXIT_KILL));
    post(4, 20);
    post(4, 21);
    runtime_run(runtime);
    said_is("CRASH(4,child,-,{boom,stack},[child<3> middle test<1>],[],1)");
    cr_assert_eq(runtime_ancestors(runtime, 4, found, 8), 0);
}

static void body_names(struct proc *self, void *arg)
{
    child(self, body_wait, NULL, 0);
    proc_register(self, "named");
    child(self, body_die, arg, 0);
    runtime_unregister(proc_runtime(self), "named");
    proc_set_label(self, "relabelled");
    child(self, body_die, arg, 0);
}

Test(lineage, anc_01_the_name_is_that_of_the_moment)
{
    struct reason oops = error("oops");
    runtime_on_crash(runtime, crash_say, NULL);
    spawn(body_names, &oops);
    runtime_run(runtime);
    said_is("CRASH(3,child,-,oops,[named],[],0) CRASH(4,child,-,oops,[relabelled<1>],[],0)");
}

static void body_work(struct proc *self, void *arg)
{
    size_t depth = (size_t)(uintptr_t)arg;
    if (depth < 2)
        child(self, body_work, (void *)(depth + 1), proc_self(self));
    else
        proc_exit(self, error("oops"));
    proc_receive(self, WAIT_FOREVER);
}

Test(lineage, anc_02_callers_are_who_it_works_for_anc_03_one_more_each_level)
{
    proc_id found[8];
    runtime_on_crash(runtime, crash_say, NULL);
    spawn(body_work, NULL);
    runtime_run(runtime);
    said_is("CRASH(3,child,-,oops,[child<2> test<1>],[child<2> test<1>],0)");
    cr_assert_eq(runtime_callers(runtime, 2, found, 8), 1);
    cr_assert_eq(found[0], 1);
}

static void body_on_behalf(struct proc *self, void *arg)
{
    child(self, body_wait, NULL, *(proc_id *)arg);
}

Test(lineage, anc_04_the_parent_and_the_caller_may_differ_anc_05_most_have_no_caller)
{
    proc_id requester = spawn(body_wait, NULL), found[8];
    spawn(body_on_behalf, &requester);
    runtime_run(runtime);
    cr_assert_eq(runtime_ancestors(runtime, 3, found, 8), 1);
    cr_assert_eq(found[0], 2);
    cr_assert_eq(runtime_callers(runtime, 3, found, 8), 1);
    cr_assert_eq(found[0], requester);
    cr_assert_eq(runtime_callers(runtime, 2, found, 8), 0);
}

static void body_calm(struct proc *self, void *arg)
{
    proc_exit(self, *(const struct reason *)arg);
}

Test(lineage, anc_06_calm_exits_and_signals_are_not_reported)
{
    struct reason calm[] = {plain(EXIT_NORMAL), plain(EXIT_SHUTDOWN),
                            reason_make(EXIT_SHUTDOWN, "x"), plain(EXIT_KILL)};
    runtime_on_crash(runtime, crash_say, NULL);
    for (int i = 0; i < 4; i++)
        spawn(body_calm, &calm[i]);
    proc_id pid = spawn(body_wait, NULL);
    runtime_run(runtime);
    proc_signal(runtime, 0, pid, error("oops"));
    runtime_run(runtime);
    said_is("CRASH(4,test,-,kill,[],[],0)");
}

static void body_chain(struct proc *self, void *arg)
{
    size_t left = (size_t)(uintptr_t)arg;
    if (left > 0)
        child(self, body_chain, (void *)(left - 1), 0);
}

Test(lineage, a_long_one_is_cut_in_words_and_freed_without_recursion)
{
    runtime_on_crash(runtime, crash_say, NULL);
    spawn(body_chain, (void *)(uintptr_t)100000);
    runtime_run(runtime);
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(lineage, crashes_can_go_to_the_log)
{
    runtime_log_crashes(runtime);
    spawn(body_work, NULL);
    runtime_run(runtime);
    cr_assert_str_eq(fake.logged, "2 process child<3> crashed: oops; ancestors: child<2> test<1>; "
                                  "callers: child<2> test<1>; 0 messages unread");
}
