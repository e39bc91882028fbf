/* Supervisors: who is concerned by a restart, what is tried again, and auto-shutdown (RST, INT, AUTO). */
#include "kids.h"

static struct kid a, b, c, d;

static void kids_setup(void)
{
    setup();
    a = (struct kid)KID(a), b = (struct kid)KID(b), c = (struct kid)KID(c), d = (struct kid)KID(d);
}

/* ---- strategies ---- */

TestSuite(strategy, .init = kids_setup, .fini = teardown);

Test(strategy, one_for_one_starts_the_dead_one_in_its_place_RST_05)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a), child(&b), child(&c));
    die(&b, BOOM);
    SAID_SINCE("+a +b +c xb +b");
    answers("c+ b+ a+", CALL(CALL_WHICH, .sup = sup));
}

Test(strategy, one_for_all_stops_in_reverse_and_starts_in_order_RST_06)
{
    ROOT(ONE_FOR_ALL, 3, child(&a), child(&b), child(&c));
    die(&b, BOOM);
    said_is("+a +b +c xb -c -a +a +b +c");
}

Test(strategy, rest_for_one_leaves_earlier_ones_alone_RST_07)
{
    ROOT(REST_FOR_ONE, 3, child(&a), child(&b), child(&c), child(&d));
    die(&b, BOOM);
    said_is("+a +b +c +d xb -d -c +b +c +d");
}

Test(strategy, groups_revive_who_was_not_running_RST_08)
{
    c.plan = "i";
    proc_id sup =
        ROOT(ONE_FOR_ALL, 3, child(&a), child_as(&b, RESTART_TRANSIENT), child(&c), child(&d));
    die(&b, CALM);
    answers("ok", CALL(CALL_TERMINATE, .sup = sup, .id = "a"));
    SAID_SINCE("+a +b ?c +d xb -a");
    answers("d+ c- b- a-", CALL(CALL_WHICH, .sup = sup));
    die(&d, BOOM);
    SAID_SINCE("xd +a +b +c +d");
}

Test(strategy, rest_for_one_revives_only_later_ones_RST_08)
{
    proc_id sup = ROOT(REST_FOR_ONE, 3, child(&a), child(&b), child(&c));
    answers("ok", CALL(CALL_TERMINATE, .sup = sup, .id = "a"));
    answers("ok", CALL(CALL_TERMINATE, .sup = sup, .id = "c"));
    die(&b, BOOM);
    SAID_SINCE("+a +b +c -a -c xb +b +c");
    answers("c+ b+ a-", CALL(CALL_WHICH, .sup = sup));
}

Test(strategy, groups_drop_temporary_members_RST_09)
{
    proc_id sup = ROOT(ONE_FOR_ALL, 3, child_as(&a, RESTART_TEMPORARY), child(&b),
                       child_as(&c, RESTART_TEMPORARY));
    die(&b, BOOM);
    SAID_SINCE("+a +b +c xb -c -a +b");
    answers("b+", CALL(CALL_WHICH, .sup = sup));
}

Test(strategy, rest_for_one_keeps_earlier_temporary_ones_RST_09)
{
    proc_id sup = ROOT(REST_FOR_ONE, 3, child_as(&a, RESTART_TEMPORARY), child(&b),
                       child_as(&c, RESTART_TEMPORARY));
    die(&b, BOOM);
    SAID_SINCE("+a +b +c xb -c +b");
    answers("b+ a+", CALL(CALL_WHICH, .sup = sup));
}

Test(strategy, temporary_and_calm_ends_touch_no_sibling_RST_02_RST_03)
{
    for (enum strategy strategy = ONE_FOR_ONE; strategy <= REST_FOR_ONE; ++strategy) {
        ROOT(strategy, 0, child_as(&a, RESTART_TEMPORARY), child_as(&b, RESTART_TRANSIENT),
             child(&c));
        die(&a, BOOM);
        die(&b, CALM);
        SAID_SINCE("+a +b +c xa xb");
    }
}

Test(strategy, two_deaths_count_twice_for_one_RST_11)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 1, child(&a), child(&b));
    die_later(&a, BOOM), die_later(&b, BOOM);
    runtime_run(runtime);
    said_is("+a +b xa xb +a -a");
    cr_assert_not(proc_alive(runtime, sup));
}

Test(strategy, two_deaths_count_once_for_all_RST_10_RST_12)
{
    proc_id sup = ROOT(ONE_FOR_ALL, 1, child(&a), child(&b), child(&c));
    die_later(&a, BOOM), die_later(&b, BOOM);
    runtime_run(runtime);
    said_is("+a +b +c xa xb -c +a +b +c");
    cr_assert(proc_alive(runtime, sup));
}

Test(strategy, two_deaths_for_the_rest_depend_on_their_order_RST_13)
{
    proc_id sup = ROOT(REST_FOR_ONE, 1, child(&a), child(&b));
    die_later(&a, BOOM), die_later(&b, BOOM);
    runtime_run(runtime);
    SAID_SINCE("+a +b xa xb +a +b");
    cr_assert(proc_alive(runtime, sup));
    sup = ROOT(REST_FOR_ONE, 2, child(&a), child(&b));
    die_later(&b, BOOM), die_later(&a, BOOM);
    runtime_run(runtime);
    said_is("+a +b xb xa +b -b +a +b");
    cr_assert(proc_alive(runtime, sup));
}

Test(strategy, added_children_are_full_members_RST_21)
{
    proc_id sup = ROOT(ONE_FOR_ALL, 3, child(&a), child(&b));
    struct child_spec added = child(&c);
    answers("ok", CALL(CALL_START, .sup = sup, .child = &added));
    die(&a, BOOM);
    said_is("+a +b +c xa -c -b +a +b +c");
}

Test(strategy, a_restarted_supervisor_has_only_its_first_children_RST_22)
{
    struct supervisor_spec inner = {.label = "inner",
                                    .intensity = 1,
                                    .period_s = 5,
                                    .children = (struct child_spec[]){child(&b)},
                                    .child_count = 1};
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a), {.id = "inner", .supervisor = &inner});
    struct child_spec added = child(&c);
    answers("ok", CALL(CALL_START, .sup = b.supervisor, .child = &added));
    proc_signal(runtime, 0, b.supervisor, plain(EXIT_KILL));
    runtime_run(runtime);
    SAID_SINCE("+a +b +c -b -c +b");
    answers("b+", CALL(CALL_WHICH, .sup = b.supervisor));
    answers("inner+ a+", CALL(CALL_WHICH, .sup = sup));
}

static void child_with_arg(struct proc *self, void *arg)
{
    say(proc_env(self), "%s", (const char *)arg);
    proc_receive(self, WAIT_FOREVER);
}

Test(strategy, the_argument_is_the_original_one_RST_23)
{
    char text[] = "first";
    proc_id sup = ROOT(ONE_FOR_ONE, 3,
                       {.id = "a", .main = child_with_arg, .arg = text, .arg_size = sizeof text});
    strcpy(text, "later");
    proc_signal(runtime, 0, sup + 1, BOOM);
    runtime_run(runtime);
    said_is("first first");
}

/* ---- trying again ---- */

TestSuite(again, .init = kids_setup, .fini = teardown);

Test(again, until_it_stands_counting_each_try_RST_14_RST_15_INT_10)
{
    b.plan = "oeeo";
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a), child(&b));
    int64_t before = fake.now;
    die(&b, BOOM);
    SAID_SINCE("+a +b xb !b !b +b");
    cr_assert_eq(fake.now, before, "without a delay");
    die(&a, BOOM);
    SAID_SINCE("xa -b");
    cr_assert_not(proc_alive(runtime, sup), "three of three were used up");
}

Test(again, trips_at_once_when_it_always_fails_INT_15)
{
    b.plan = "oeeeeeeeeeeee";
    proc_id sup = ROOT(REST_FOR_ONE, 5, child(&a), child(&b));
    die(&b, BOOM);
    said_is("+a +b xb !b !b !b !b !b -a");
    cr_assert_not(proc_alive(runtime, sup));
}

Test(again, others_get_in_between_RST_14_RST_15_SUP_08)
{
    b.plan = "oeeo", b.start_ns = 100;
    proc_id sup = ROOT(ONE_FOR_ONE, 4, child(&a), child(&b));
    fake_pass(&fake, runtime, 100);
    struct call which = {.op = CALL_WHICH, .sup = sup};
    struct call restart = {.op = CALL_RESTART, .sup = sup, .id = "b"};
    struct call delete = {.op = CALL_DELETE, .sup = sup, .id = "b"};
    struct call count = {.op = CALL_COUNT, .sup = sup};
    die(&b, BOOM);
    call_begin(&which), call_begin(&restart), call_begin(&delete), call_begin(&count);
    runtime_run(runtime);
    answers("waits", which.text); /* SUP-18 */
    die(&a, BOOM);
    fake_pass(&fake, runtime, 1000);
    said_is("+a +b xb xa !b +a !b +b");
    answers("b~ a+", which.text);
    answers("restarting", restart.text);
    answers("restarting", delete.text);
    answers("2 specs 0 active 0 sups 2 workers",
            count.text); /* a is dead, and not seen to be yet */
}

Test(again, a_call_stops_the_trying_SUP_08)
{
    b.plan = "oeeo", b.start_ns = 100;
    proc_id sup = ROOT(ONE_FOR_ONE, 4, child(&a), child(&b));
    fake_pass(&fake, runtime, 100);
    struct call terminate = {.op = CALL_TERMINATE, .sup = sup, .id = "b"};
    die(&b, BOOM);
    call_begin(&terminate);
    fake_pass(&fake, runtime, 1000);
    SAID_SINCE("+a +b xb !b");
    answers("ok", terminate.text);
    answers("b- a+", CALL(CALL_WHICH, .sup = sup));
}

Test(again, one_for_all_begins_anew_RST_16)
{
    b.plan = "oeo";
    ROOT(ONE_FOR_ALL, 3, child(&a), child(&b), child(&c));
    die(&c, BOOM);
    said_is("+a +b +c xc -b -a +a !b -a +a +b +c");
}

Test(again, rest_for_one_goes_on_from_the_one_that_failed_RST_17_RST_18)
{
    c.plan = "oeeo";
    ROOT(REST_FOR_ONE, 3, child(&a), child(&b), child(&c), child(&d));
    die(&b, BOOM);
    said_is("+a +b +c +d xb -d -c +b !c !c +c +d");
}

Test(again, ignored_is_success_RST_19)
{
    b.plan = "oi";
    proc_id sup = ROOT(ONE_FOR_ALL, 3, child(&a), child(&b), child(&c));
    die(&b, BOOM);
    SAID_SINCE("+a +b +c xb -c -a +a ?b +c");
    answers("c+ b- a+", CALL(CALL_WHICH, .sup = sup));
}

Test(again, nothing_is_left_to_stop_of_one_that_is_tried_SHUT_13)
{
    b.plan = "oeeeeeee", b.start_ns = 100;
    proc_id sup = ROOT(ONE_FOR_ONE, 4, child(&a), child(&b));
    fake_pass(&fake, runtime, 100);
    die(&b, BOOM);
    proc_signal(runtime, 0, sup, plain(EXIT_SHUTDOWN));
    fake_pass(&fake, runtime, 1000);
    said_is("+a +b xb !b -a");
    cr_assert_eq(runtime_count(runtime), 0);
}

/* ---- escalation ---- */

TestSuite(escalation, .init = kids_setup, .fini = teardown);

static struct child_spec inner_child(enum restart_type restart)
{
    static struct child_spec children[1];
    static struct supervisor_spec inner;
    children[0] = child(&a);
    inner = (struct supervisor_spec){
        .label = "inner", .intensity = 0, .period_s = 5, .children = children, .child_count = 1};
    return (struct child_spec){.id = "inner", .supervisor = &inner, .restart = restart};
}

Test(escalation, a_trip_is_calm_for_the_parent_INT_12)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 1, inner_child(RESTART_TRANSIENT));
    die(&a, BOOM);
    SAID_SINCE("+a xa");
    answers("inner-", CALL(CALL_WHICH, .sup = sup));
    proc_id other = ROOT(ONE_FOR_ONE, 1, inner_child(RESTART_TEMPORARY));
    die(&a, BOOM);
    SAID_SINCE("+a xa");
    answers("", CALL(CALL_WHICH, .sup = other));
}

Test(escalation, counts_once_a_level_and_begins_with_an_empty_window_INT_12_INT_13_INT_16)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 2, inner_child(RESTART_PERMANENT));
    die(&a, BOOM);
    die(&a, BOOM);
    cr_assert(proc_alive(runtime, sup));
    die(&a, BOOM);
    said_is("+a xa +a xa +a xa");
    cr_assert_not(proc_alive(runtime, sup));
}

Test(escalation, calls_and_calm_ends_are_not_counted_INT_09_API_05)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 0, child_as(&a, RESTART_TRANSIENT), child(&b));
    die(&a, CALM);
    answers("ok", CALL(CALL_RESTART, .sup = sup, .id = "a"));
    answers("ok", CALL(CALL_TERMINATE, .sup = sup, .id = "b"));
    answers("ok", CALL(CALL_RESTART, .sup = sup, .id = "b"));
    struct child_spec added = child(&c);
    c.plan = "eo";
    answers("boom", CALL(CALL_START, .sup = sup, .child = &added));
    answers("ok", CALL(CALL_START, .sup = sup, .child = &added));
    cr_assert(proc_alive(runtime, sup));
}

/* ---- auto-shutdown ---- */

TestSuite(autoshut, .init = kids_setup, .fini = teardown);

static proc_id auto_root(enum auto_shutdown when, enum strategy strategy,
                         struct child_spec *children, size_t count)
{
    return root_of((struct supervisor_spec){.strategy = strategy,
                                            .auto_shutdown = when,
                                            .intensity = 3,
                                            .children = children,
                                            .child_count = count});
}

#define AUTO(when, strategy, ...)                                                                  \
    auto_root(when, strategy, (struct child_spec[]){__VA_ARGS__},                                  \
              sizeof((struct child_spec[]){__VA_ARGS__}) / sizeof(struct child_spec))

static const char *refusal(enum auto_shutdown when, struct child_spec spec)
{
    const struct error *error = NULL;
    struct supervisor_spec sup = {
        .auto_shutdown = when, .period_s = 1, .children = &spec, .child_count = 1};
    cr_assert_eq(supervisor_start(runtime, 0, &sup, &error), 0);
    return error_said(error);
}

Test(autoshut, contradictions_AUTO_01)
{
    answers("a significant child must not be permanent",
            refusal(AUTO_ANY_SIGNIFICANT, child_sig(&a, RESTART_PERMANENT)));
    answers("a significant child needs a supervisor with auto-shutdown",
            refusal(AUTO_NEVER, child_sig(&a, RESTART_TRANSIENT)));
    answers("a significant child needs a supervisor with auto-shutdown",
            refusal(AUTO_NEVER, child_sig(&a, RESTART_PERMANENT)));
    proc_id sup = ROOT(ONE_FOR_ONE, 1, child(&a));
    struct child_spec added = child_sig(&b, RESTART_TEMPORARY);
    answers("{child,b,bad_combination}", CALL(CALL_START, .sup = sup, .child = &added));
    answers("a+", CALL(CALL_WHICH, .sup = sup));
}

Test(autoshut, with_any_AUTO_02_AUTO_03_AUTO_08)
{
    proc_id sup =
        AUTO(AUTO_ANY_SIGNIFICANT, ONE_FOR_ONE, child_as(&a, RESTART_TRANSIENT), child(&b),
             child_sig(&c, RESTART_TRANSIENT), child_sig(&d, RESTART_TEMPORARY));
    die(&a, CALM);
    cr_assert(proc_alive(runtime, sup));
    die(&c, CALM);
    said_is("+a +b +c +d xa xc -d -b");
    cr_assert_not(proc_alive(runtime, sup));
}

Test(autoshut, with_any_a_temporary_one_for_every_reason_AUTO_02)
{
    proc_id sup =
        AUTO(AUTO_ANY_SIGNIFICANT, ONE_FOR_ONE, child(&a), child_sig(&b, RESTART_TEMPORARY));
    die(&b, BOOM);
    said_is("+a +b xb -a");
    cr_assert_not(proc_alive(runtime, sup));
}

Test(autoshut, a_crash_restarts_AUTO_07)
{
    proc_id sup = AUTO(AUTO_ANY_SIGNIFICANT, ONE_FOR_ONE, child_sig(&a, RESTART_TRANSIENT));
    die(&a, BOOM);
    said_is("+a xa +a");
    cr_assert(proc_alive(runtime, sup));
}

Test(autoshut, with_all_only_the_last_AUTO_04)
{
    proc_id sup = AUTO(AUTO_ALL_SIGNIFICANT, ONE_FOR_ONE, child_sig(&a, RESTART_TRANSIENT),
                       child_sig(&b, RESTART_TEMPORARY), child(&c));
    die(&b, BOOM);
    cr_assert(proc_alive(runtime, sup));
    die(&a, CALM);
    said_is("+a +b +c xb xa -c");
    cr_assert_not(proc_alive(runtime, sup));
}

Test(autoshut, with_all_one_that_is_tried_again_holds_AUTO_04)
{
    b.plan = "oeo", b.start_ns = 100;
    proc_id sup = AUTO(AUTO_ALL_SIGNIFICANT, ONE_FOR_ONE, child_sig(&a, RESTART_TRANSIENT),
                       child_sig(&b, RESTART_TRANSIENT));
    fake_pass(&fake, runtime, 100);
    die_later(&b, BOOM), die_later(&a, CALM);
    fake_pass(&fake, runtime, 1000);
    SAID_SINCE("+a +b xb xa !b +b");
    cr_assert(proc_alive(runtime, sup));
    die(&b, CALM);
    cr_assert_not(proc_alive(runtime, sup));
}

Test(autoshut, with_all_the_ignored_and_the_stopped_do_not_hold_AUTO_05)
{
    a.plan = "i";
    proc_id sup = AUTO(AUTO_ALL_SIGNIFICANT, ONE_FOR_ONE, child_sig(&a, RESTART_TRANSIENT),
                       child_sig(&b, RESTART_TRANSIENT), child_sig(&c, RESTART_TRANSIENT));
    answers("ok", CALL(CALL_TERMINATE, .sup = sup, .id = "b"));
    die(&c, CALM);
    cr_assert_not(proc_alive(runtime, sup));
}

Test(autoshut, a_call_triggers_nothing_AUTO_06)
{
    for (enum auto_shutdown when = AUTO_ANY_SIGNIFICANT; when <= AUTO_ALL_SIGNIFICANT; ++when) {
        proc_id sup = AUTO(when, ONE_FOR_ONE, child_sig(&a, RESTART_TRANSIENT),
                           child_sig(&b, RESTART_TEMPORARY));
        answers("ok", CALL(CALL_TERMINATE, .sup = sup, .id = "a"));
        answers("ok", CALL(CALL_TERMINATE, .sup = sup, .id = "b"));
        answers("a-", CALL(CALL_WHICH, .sup = sup));
    }
}

Test(autoshut, cascades_AUTO_09_AUTO_10)
{
    struct supervisor_spec inner = {
        .label = "inner",
        .auto_shutdown = AUTO_ANY_SIGNIFICANT,
        .period_s = 5,
        .children = (struct child_spec[]){child_sig(&a, RESTART_TEMPORARY), child(&b)},
        .child_count = 2};
    struct child_spec below = {
        .id = "inner", .supervisor = &inner, .restart = RESTART_TRANSIENT, .significant = true};
    proc_id sup = AUTO(AUTO_ANY_SIGNIFICANT, ONE_FOR_ONE, below, child(&c));
    die(&a, BOOM);
    SAID_SINCE("+a +b +c xa -b -c");
    cr_assert_not(proc_alive(runtime, sup));
    sup = AUTO(AUTO_ANY_SIGNIFICANT, ONE_FOR_ONE, below, child(&c));
    die(&b, BOOM); /* it trips: intensity 0 */
    said_is("+a +b +c xb -a -c");
    cr_assert_not(proc_alive(runtime, sup));
}

Test(autoshut, the_first_of_several_ends_it_AUTO_11)
{
    proc_id sup = AUTO(AUTO_ANY_SIGNIFICANT, ONE_FOR_ONE, child_sig(&a, RESTART_TEMPORARY),
                       child_sig(&b, RESTART_TRANSIENT), child(&c));
    die_later(&a, CALM), die_later(&b, BOOM), die_later(&c, BOOM);
    runtime_run(runtime);
    said_is("+a +b +c xa xb xc");
    cr_assert_not(proc_alive(runtime, sup));
}

Test(autoshut, a_group_revives_the_ended_and_the_count_starts_over_AUTO_12)
{
    proc_id sup = AUTO(AUTO_ALL_SIGNIFICANT, ONE_FOR_ALL, child_sig(&a, RESTART_TRANSIENT),
                       child_sig(&b, RESTART_TRANSIENT));
    die(&a, CALM);
    die(&b, BOOM);
    die(&b, CALM);
    cr_assert(proc_alive(runtime, sup), "a lives again");
    die(&a, CALM);
    said_is("+a +b xa xb +a +b xb xa");
    cr_assert_not(proc_alive(runtime, sup));
}
