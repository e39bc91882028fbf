/* Supervisors of children without ids: one template for all (S1F), or any (DYN). */
#include "sut/runtime/proc_internal.h"

#include "kids.h"

static struct kid a, b, c, d;

static void kids_setup(void)
{
    setup();
    a = (struct kid)KID(a), b = (struct kid)KID(b), c = (struct kid)KID(c), d = (struct kid)KID(d);
}

/* ---- simple_one_for_one ---- */

TestSuite(simple, .init = kids_setup, .fini = teardown);

/* The template starts the kid that is named when a child is started. */
static proc_id simple_root(struct child_spec template)
{
    if (!template.start && !template.main)
        template.start = kid_start;
    return root_of((struct supervisor_spec){
        .strategy = SIMPLE_ONE_FOR_ONE, .intensity = 3, .children = &template, .child_count = 1});
}

static const char *add(proc_id sup, struct kid *kid)
{
    return START_CHILD(sup, .arg = kid);
}

Test(simple, has_exactly_one_template_and_no_child_S1F_01)
{
    const struct error *why = NULL;
    struct supervisor_spec none = {.strategy = SIMPLE_ONE_FOR_ONE, .period_s = 1};
    cr_assert_eq(supervisor_start(runtime, 0, &none, &why), 0);
    answers("a simple one-for-one supervisor has exactly one child: the template", error_said(why));
    answers("", CALL(CALL_WHICH, .sup = simple_root((struct child_spec){0})));
    said_is("");
}

static void body_say_arg(struct proc *self, void *arg)
{
    say(proc_env(self), "%s", (const char *)arg);
    proc_receive(self, WAIT_FOREVER);
}

Test(simple, arguments_follow_the_template_s_and_are_kept_S1F_02_S1F_07)
{
    struct child_spec template = {.main = body_say_arg, .arg = "hello ", .arg_size = 6};
    proc_id sup = simple_root(template);
    answers("ok", START_CHILD(sup, .arg = "you", .arg_size = 4));
    answers("ok", START_CHILD(sup, .arg = "me", .arg_size = 3));
    SAID_SINCE("hello you hello me");
    proc_signal(runtime, 0, sup + 2, BOOM); /* the first child; the callers have ids, too */
    runtime_run(runtime);
    SAID_SINCE("hello you");
}

Test(simple, a_start_that_fails_or_is_ignored_leaves_nothing_S1F_02)
{
    proc_id sup = simple_root((struct child_spec){0});
    a.plan = "ei";
    answers("boom", add(sup, &a));
    answers("ignore", add(sup, &a));
    answers("1 specs 0 active 0 sups 0 workers", CALL(CALL_COUNT, .sup = sup));
    answers("ok", add(sup, &a));
}

Test(simple, terminate_S1F_03)
{
    proc_id sup = simple_root((struct child_spec){0}), other = ROOT(ONE_FOR_ONE, 1, child(&b));
    add(sup, &a);
    answers("unsupported", CALL(CALL_TERMINATE, .sup = sup, .id = "a"));
    answers("not_found", CALL(CALL_TERMINATE_PID, .sup = sup, .pid = b.pid));
    answers("ok", CALL(CALL_TERMINATE_PID, .sup = sup, .pid = a.pid));
    answers("ok", CALL(CALL_TERMINATE_PID, .sup = sup, .pid = a.pid)); /* dead by now */
    answers("", CALL(CALL_WHICH, .sup = sup));
    cr_assert(proc_alive(runtime, other));
}

Test(simple, restart_and_delete_are_refused_S1F_04)
{
    proc_id sup = simple_root((struct child_spec){0});
    add(sup, &a);
    answers("unsupported", CALL(CALL_RESTART, .sup = sup, .id = "a"));
    answers("unsupported", CALL(CALL_DELETE, .sup = sup, .id = "a"));
}

Test(simple, which_and_count_S1F_05)
{
    proc_id sup = simple_root((struct child_spec){.type = CHILD_SUPERVISOR});
    add(sup, &a), add(sup, &b);
    answers("+ +", CALL(CALL_WHICH, .sup = sup));
    answers("1 specs 2 active 2 sups 0 workers", CALL(CALL_COUNT, .sup = sup));
}

Test(simple, active_are_those_that_are_not_restarting_S1F_05)
{
    proc_id sup = simple_root((struct child_spec){0});
    a.plan = "oeeo", a.start_ns = 100;
    add(sup, &a), add(sup, &b);
    fake_pass(&fake, runtime, 100);
    struct call count = {.op = CALL_COUNT, .sup = sup}, which = {.op = CALL_WHICH, .sup = sup};
    die(&a, BOOM);
    call_begin(&count), call_begin(&which);
    fake_pass(&fake, runtime, 1000);
    answers("1 specs 1 active 0 sups 2 workers", count.text);
    cr_assert(strchr(which.text, '~') && strchr(which.text, '+'));
}

Test(simple, stops_all_at_once_within_one_time_S1F_06)
{
    proc_id sup = simple_root((struct child_spec){.shutdown_ns = 50 * NS_PER_MS});
    a.stop_ns = 40 * NS_PER_MS, b.stop_ns = 30 * NS_PER_MS, c.stop_ns = STUBBORN;
    d.stop_ns = 60 * NS_PER_MS;
    add(sup, &a), add(sup, &b), add(sup, &c), add(sup, &d);
    proc_signal(runtime, 0, sup, plain(EXIT_SHUTDOWN));
    fake_pass(&fake, runtime, 49 * NS_PER_MS);
    said_is("+a +b +c +d -b -a");
    cr_assert_eq(runtime_count(runtime), 3);
    fake_pass(&fake, runtime, NS_PER_MS);
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(simple, an_ignored_restart_removes_the_child_S1F_08)
{
    proc_id sup = simple_root((struct child_spec){0});
    a.plan = "oi";
    add(sup, &a);
    die(&a, BOOM);
    answers("1 specs 0 active 0 sups 0 workers", CALL(CALL_COUNT, .sup = sup));
    proc_signal(runtime, 0, sup, plain(EXIT_SHUTDOWN));
    runtime_run(runtime);
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(simple, all_significant_when_none_is_left_S1F_09)
{
    struct child_spec template = {
        .start = kid_start, .restart = RESTART_TRANSIENT, .significant = true};
    proc_id sup = root_of((struct supervisor_spec){.strategy = SIMPLE_ONE_FOR_ONE,
                                                   .auto_shutdown = AUTO_ALL_SIGNIFICANT,
                                                   .children = &template,
                                                   .child_count = 1});
    add(sup, &a), add(sup, &b);
    die(&a, CALM);
    cr_assert(proc_alive(runtime, sup));
    die(&b, CALM);
    cr_assert_not(proc_alive(runtime, sup));
}

/* ---- dynamic ---- */

TestSuite(dynamic, .init = kids_setup, .fini = teardown);

static proc_id dynamic_root(size_t max)
{
    return root_of(
        (struct supervisor_spec){SUPERVISOR_DEFAULTS, .strategy = DYNAMIC, .max_children = max});
}

static const char *add_as(proc_id sup, struct kid *kid, enum restart_type restart)
{
    return START_CHILD(sup, .start = kid_start, .arg = kid, .restart = restart);
}

static const char *add_any(proc_id sup, struct kid *kid)
{
    return add_as(sup, kid, RESTART_PERMANENT);
}

Test(dynamic, one_that_is_tried_again_is_counted_and_goes_by_its_old_pid_DYN_01_DYN_08)
{
    proc_id sup = dynamic_root(0);
    a.plan = "oeeo", a.start_ns = 100;
    add_any(sup, &a), add_any(sup, &b);
    fake_pass(&fake, runtime, 100);
    struct call count = {.op = CALL_COUNT, .sup = sup};
    struct call terminate = {.op = CALL_TERMINATE_PID, .sup = sup, .pid = a.pid};
    die(&a, BOOM);
    call_begin(&count), call_begin(&terminate);
    fake_pass(&fake, runtime, 1000);
    answers("2 specs 1 active 0 sups 2 workers", count.text);
    answers("ok", terminate.text);
    answers("1 specs 1 active 0 sups 1 workers", CALL(CALL_COUNT, .sup = sup));
    SAID_SINCE("+a +b xa !a");
}

Test(dynamic, its_options_DYN_02_DYN_03)
{
    const struct error *why = NULL;
    struct supervisor_spec spec = {SUPERVISOR_DEFAULTS, .strategy = DYNAMIC,
                                   .auto_shutdown = AUTO_ANY_SIGNIFICANT};
    cr_assert_eq(supervisor_start(runtime, 0, &spec, &why), 0);
    answers("this auto-shutdown is not possible with this strategy", error_said(why));
    spec.auto_shutdown = AUTO_NEVER, spec.child_count = 1;
    cr_assert_eq(supervisor_start(runtime, 0, &spec, &why), 0);
    answers("a dynamic supervisor has no children before it runs", error_said(why));
    answers("{child,bad_combination}",
            START_CHILD(dynamic_root(0), .start = kid_start, .arg = &a,
                        .restart = RESTART_TEMPORARY, .significant = true));
}

Test(dynamic, extra_arguments_come_first_DYN_03)
{
    proc_id sup = root_of((struct supervisor_spec){SUPERVISOR_DEFAULTS, .strategy = DYNAMIC,
                                                   .extra_arg = "dear ", .extra_arg_size = 5});
    answers("ok", START_CHILD(sup, .main = body_say_arg, .arg = "you", .arg_size = 4));
    said_is("dear you");
}

Test(dynamic, max_children_counts_restarting_ones_DYN_04)
{
    proc_id sup = dynamic_root(2);
    a.plan = "oeeo", a.start_ns = 100;
    add_any(sup, &a), add_any(sup, &b);
    fake_pass(&fake, runtime, 100);
    struct child_spec more = {.start = kid_start, .arg = &c};
    struct call start = {.op = CALL_START, .sup = sup, .child = &more};
    die(&a, BOOM);
    call_begin(&start);
    fake_pass(&fake, runtime, 1000);
    answers("max_children", start.text);
    cr_assert_eq(c.starts, 0, "it is not even tried");
}

Test(dynamic, not_one_child_DYN_04)
{
    answers("max_children", add_any(dynamic_root(CHILDREN_NONE), &a));
}

Test(dynamic, what_a_start_answers_DYN_05)
{
    proc_id sup = dynamic_root(0);
    a.plan = "ei";
    answers("boom", add_any(sup, &a));
    answers("ignore", add_any(sup, &a));
    answers("0 specs 0 active 0 sups 0 workers", CALL(CALL_COUNT, .sup = sup));
    answers("ok", add_any(sup, &a));
}

Test(dynamic, the_same_spec_many_times_DYN_06)
{
    proc_id sup = dynamic_root(0);
    for (int i = 0; i < 3; ++i)
        answers("ok", START_CHILD(sup, .id = "same", .main = body_wait));
    answers("+ + +", CALL(CALL_WHICH, .sup = sup));
}

Test(dynamic, an_ignored_restart_removes_the_child_DYN_07)
{
    proc_id sup = dynamic_root(0);
    a.plan = "oi";
    add_any(sup, &a);
    die(&a, BOOM);
    said_is("+a xa ?a");
    answers("", CALL(CALL_WHICH, .sup = sup));
}

Test(dynamic, a_restart_that_fails_is_tried_again_and_counted_DYN_08_DYN_12)
{
    proc_id sup = dynamic_root(0);
    a.plan = "oeeeee";
    add_any(sup, &a), add_any(sup, &b);
    die(&a, BOOM);
    said_is("+a +b xa !a !a !a -b");
    cr_assert_not(proc_alive(runtime, sup));
}

Test(dynamic, terminate_DYN_09)
{
    proc_id sup = dynamic_root(0);
    add_any(sup, &a);
    answers("unsupported", CALL(CALL_TERMINATE, .sup = sup, .id = "a"));
    answers("ok", CALL(CALL_TERMINATE_PID, .sup = sup, .pid = a.pid));
    answers("not_found", CALL(CALL_TERMINATE_PID, .sup = sup, .pid = a.pid));
    answers("not_found", CALL(CALL_TERMINATE_PID, .sup = sup, .pid = 999));
    answers("not_found", CALL(CALL_TERMINATE_PID, .sup = sup, .pid = 0));
}

Test(dynamic, ended_children_make_room_DYN_10)
{
    proc_id sup = dynamic_root(2);
    add_as(sup, &a, RESTART_TEMPORARY), add_as(sup, &b, RESTART_TRANSIENT);
    answers("max_children", add_any(sup, &c));
    die(&a, BOOM);
    answers("ok", add_any(sup, &c));
    answers("max_children", add_any(sup, &d));
    die(&b, CALM);
    answers("ok", add_any(sup, &d));
}

Test(dynamic, stops_all_at_once_each_in_its_time_DYN_11)
{
    proc_id sup = dynamic_root(0);
    struct kid *kids[] = {&a, &b, &c, &d};
    int64_t times[] = {30 * NS_PER_MS, 20 * NS_PER_MS, SHUTDOWN_INFINITY, SHUTDOWN_BRUTAL};
    for (int i = 0; i < 4; ++i) {
        kids[i]->stop_ns = i == 2 ? 100 * NS_PER_MS : STUBBORN;
        START_CHILD(sup, .start = kid_start, .arg = kids[i], .shutdown_ns = times[i]);
    }
    proc_signal(runtime, 0, sup, plain(EXIT_SHUTDOWN));
    runtime_run(runtime);
    cr_assert_eq(runtime_count(runtime), 4, "d is dead");
    fake_pass(&fake, runtime, 20 * NS_PER_MS);
    cr_assert_eq(runtime_count(runtime), 3, "b is dead");
    fake_pass(&fake, runtime, 10 * NS_PER_MS);
    cr_assert_eq(runtime_count(runtime), 2, "a is dead");
    fake_pass(&fake, runtime, 69 * NS_PER_MS);
    cr_assert_eq(runtime_count(runtime), 2, "c has for ever");
    fake_pass(&fake, runtime, NS_PER_MS);
    cr_assert_eq(runtime_count(runtime), 0);
    said_is("+a +b +c +d -c");
}

Test(dynamic, comes_back_empty_DYN_12)
{
    struct supervisor_spec dynamic = {.label = "dynamic", .strategy = DYNAMIC, .period_s = 5};
    proc_id sup = ROOT(ONE_FOR_ONE, 3, {.id = "dynamic", .supervisor = &dynamic});
    add_any(sup + 1, &a);
    proc_id first = a.supervisor;
    die(&a, BOOM); /* intensity 0 */
    answers("1 specs 1 active 1 sups 0 workers", CALL(CALL_COUNT, .sup = sup));
    cr_assert_not(proc_alive(runtime, first));
    answers("0 specs 0 active 0 sups 0 workers", CALL(CALL_COUNT, .sup = a.pid + 1));
}

Test(dynamic, a_restarted_child_has_a_new_pid_DYN_13)
{
    proc_id sup = dynamic_root(0);
    add_any(sup, &a);
    proc_id old = a.pid;
    die(&a, BOOM);
    cr_assert_neq(a.pid, old);
    answers("not_found", CALL(CALL_TERMINATE_PID, .sup = sup, .pid = old));
    answers("ok", CALL(CALL_TERMINATE_PID, .sup = sup, .pid = a.pid));
}

Test(dynamic, arguments_of_temporary_children_are_not_kept_DYN_14_RST_23)
{
    static char large[100000];
    proc_id sup = dynamic_root(0);
    for (int i = 0; i < 2; ++i)
        START_CHILD(sup, .main = body_wait, .arg = large, .arg_size = sizeof large,
                    .restart = i ? RESTART_TEMPORARY : RESTART_PERMANENT);
    struct proc *proc = runtime_find(runtime, sup);
    cr_assert_lt(heap_bytes(proc_heap(proc)), 2 * sizeof large, "one is kept, for restarts");
}

Test(dynamic, strangers_messages_and_exits_mean_nothing_DYN_15)
{
    proc_id sup = dynamic_root(0);
    add_any(sup, &a);
    post(sup, MSG_USER + 3);
    proc_signal(runtime, 77, sup, BOOM);
    runtime_run(runtime);
    answers("+", CALL(CALL_WHICH, .sup = sup));
}

Test(dynamic, the_window_is_counted_alike_INT_17)
{
    proc_id sup =
        root_of((struct supervisor_spec){.strategy = DYNAMIC, .intensity = 1, .period_s = 1});
    int64_t origin = fake.now;
    add_any(sup, &a);
    fake.now = origin + 850 * NS_PER_MS;
    die(&a, BOOM);
    fake.now = origin + 2150 * NS_PER_MS;
    die(&a, BOOM);
    cr_assert(proc_alive(runtime, sup), "1.3 s apart, two full seconds");
    fake.now = origin + 3820 * NS_PER_MS;
    die(&a, BOOM);
    cr_assert_not(proc_alive(runtime, sup), "1.7 s apart, one full second");
}
