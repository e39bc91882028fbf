/* Supervisors: what can be asked of them, how they start trees and how they stop (API, SUP, SHUT). */
#include "kids.h"

static struct kid a, b, c;

static void kids_setup(void)
{
    setup();
    a = (struct kid)KID(a), b = (struct kid)KID(b), c = (struct kid)KID(c);
}

/* ---- calls ---- */

TestSuite(api, .init = kids_setup, .fini = teardown);

Test(api, start_of_known_ids_API_01)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a), child_as(&b, RESTART_TRANSIENT));
    struct child_spec again_a = child(&a), again_b = child(&b);
    struct call start = {.op = CALL_START, .sup = sup, .child = &again_a};
    call_begin(&start);
    runtime_run(runtime);
    answers("already_started", start.text);
    cr_assert_eq(start.pid, a.pid, "it says who");
    die(&b, CALM);
    answers("already_present", CALL(CALL_START, .sup = sup, .child = &again_b));
}

Test(api, start_that_fails_keeps_no_spec_API_02)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a));
    b.plan = "eo";
    struct child_spec added = child(&b);
    answers("boom", CALL(CALL_START, .sup = sup, .child = &added));
    answers("a+", CALL(CALL_WHICH, .sup = sup));
    answers("ok", CALL(CALL_START, .sup = sup, .child = &added));
    answers("b+ a+", CALL(CALL_WHICH, .sup = sup));
}

Test(api, start_that_is_ignored_API_04_SUP_16)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a));
    b.plan = c.plan = "i";
    struct child_spec kept = child(&b), forgotten = child_as(&c, RESTART_TEMPORARY);
    answers("ignore", CALL(CALL_START, .sup = sup, .child = &kept));
    answers("ignore", CALL(CALL_START, .sup = sup, .child = &forgotten));
    answers("b- a+", CALL(CALL_WHICH, .sup = sup));
}

static struct started start_of_nobody(struct proc *supervisor, const void *arg)
{
    (void)supervisor, (void)arg;
    return started_ok(0);
}

static struct started start_that_finds_it(struct proc *supervisor, const void *arg)
{
    (void)supervisor, (void)arg;
    return started_error(error("already_started"));
}

Test(api, what_a_start_may_answer_SUP_12_API_03)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a));
    answers("bad_return", START_CHILD(sup, .id = "x", .start = start_of_nobody));
    answers("already_started", START_CHILD(sup, .id = "x", .start = start_that_finds_it));
    struct child_spec fine = child(&b);
    answers("ok", CALL(CALL_START, .sup = sup, .child = &fine));
}

Test(api, start_of_a_bad_spec_is_refused_SUP_11_SUP_12)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a));
    answers("{child,missing_id}", START_CHILD(sup, .start = kid_start, .arg = &b));
    answers("{child,b,invalid_start}",
            START_CHILD(sup, .id = "b", .main = body_wait, .start = kid_start));
    answers("{child,b,invalid_shutdown}",
            START_CHILD(sup, .id = "b", .main = body_wait, .shutdown_ns = -7));
    answers("{child,b,invalid_restart_type}",
            START_CHILD(sup, .id = "b", .main = body_wait, .restart = (enum restart_type)7));
    answers("{child,b,invalid_child_type}",
            START_CHILD(sup, .id = "b", .main = body_wait, .type = (enum child_type)7));
    answers("a+", CALL(CALL_WHICH, .sup = sup));
}

Test(api, terminate_API_06_API_07)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 0, child(&a), child_as(&b, RESTART_TEMPORARY));
    answers("ok", CALL(CALL_TERMINATE, .sup = sup, .id = "a"));
    answers("ok", CALL(CALL_TERMINATE, .sup = sup, .id = "a"));
    answers("ok", CALL(CALL_TERMINATE, .sup = sup, .id = "b"));
    answers("not_found", CALL(CALL_TERMINATE, .sup = sup, .id = "b"));
    answers("not_found", CALL(CALL_TERMINATE, .sup = sup, .id = "zz"));
    answers("a-", CALL(CALL_WHICH, .sup = sup));
    said_is("+a +b -a -b");
}

Test(api, restart_API_08)
{
    a.plan = "oeio";
    proc_id sup = ROOT(ONE_FOR_ONE, 0, child(&a));
    answers("running", CALL(CALL_RESTART, .sup = sup, .id = "a"));
    answers("not_found", CALL(CALL_RESTART, .sup = sup, .id = "zz"));
    CALL(CALL_TERMINATE, .sup = sup, .id = "a");
    answers("boom", CALL(CALL_RESTART, .sup = sup, .id = "a"));
    answers("a-", CALL(CALL_WHICH, .sup = sup));
    answers("ignore", CALL(CALL_RESTART, .sup = sup, .id = "a"));
    answers("a-", CALL(CALL_WHICH, .sup = sup));
    answers("ok", CALL(CALL_RESTART, .sup = sup, .id = "a"));
    answers("a+", CALL(CALL_WHICH, .sup = sup));
}

Test(api, delete_API_09_API_10)
{
    proc_id sup = ROOT(REST_FOR_ONE, 3, child(&a), child(&b));
    struct child_spec again = child(&a);
    answers("running", CALL(CALL_DELETE, .sup = sup, .id = "a"));
    CALL(CALL_TERMINATE, .sup = sup, .id = "a");
    answers("ok", CALL(CALL_DELETE, .sup = sup, .id = "a"));
    answers("not_found", CALL(CALL_DELETE, .sup = sup, .id = "a"));
    answers("ok", CALL(CALL_START, .sup = sup, .child = &again));
    answers("a+ b+", CALL(CALL_WHICH, .sup = sup));
    die(&b, BOOM);
    said_is("+a +b -a +a xb -a +b +a");
}

Test(api, which_is_newest_first_API_11)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a), child(&b), child(&c));
    answers("c+ b+ a+", CALL(CALL_WHICH, .sup = sup));
    CALL(CALL_TERMINATE, .sup = sup, .id = "b");
    CALL(CALL_RESTART, .sup = sup, .id = "b");
    answers("c+ b+ a+", CALL(CALL_WHICH, .sup = sup));
}

Test(api, count_API_12)
{
    struct supervisor_spec inner = {.label = "inner", .period_s = 1};
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a), child_as(&b, RESTART_TRANSIENT),
                       {.id = "inner", .supervisor = &inner});
    answers("3 specs 3 active 1 sups 2 workers", CALL(CALL_COUNT, .sup = sup));
    die(&b, CALM);
    CALL(CALL_TERMINATE, .sup = sup, .id = "inner");
    answers("3 specs 1 active 1 sups 2 workers", CALL(CALL_COUNT, .sup = sup));
}

Test(api, by_pid_not_here_API_13)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a));
    answers("not_found", CALL(CALL_TERMINATE_PID, .sup = sup, .pid = a.pid));
    answers("a+", CALL(CALL_WHICH, .sup = sup));
}

Test(api, the_dead_and_the_wrong_API_14)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a));
    answers("Invalid argument", CALL(CALL_WHICH, .sup = a.pid));
    proc_signal(runtime, 0, sup, plain(EXIT_SHUTDOWN));
    runtime_run(runtime);
    struct child_spec added = child(&b);
    answers("noproc", CALL(CALL_START, .sup = sup, .child = &added));
    answers("noproc", CALL(CALL_TERMINATE, .sup = sup, .id = "a"));
    answers("noproc", CALL(CALL_WHICH, .sup = sup));
    answers("noproc", CALL(CALL_COUNT, .sup = sup));
    answers("noproc", CALL(CALL_STOP, .sup = sup));
}

static struct started start_asking_its_supervisor(struct proc *supervisor, const void *arg)
{
    (void)arg;
    struct child_counts counts;
    say(proc_env(supervisor), "%s",
        strerror(-supervisor_count_children(supervisor, proc_self(supervisor), &counts)));
    say(proc_env(supervisor), "%s",
        strerror(-supervisor_stop_with(supervisor, proc_self(supervisor), plain(EXIT_NORMAL))));
    return started_ignore();
}

Test(api, of_oneself_is_a_deadlock)
{
    ROOT(ONE_FOR_ONE, 3, {.id = "x", .start = start_asking_its_supervisor});
    said_is("Resource deadlock avoided Resource deadlock avoided");
}

Test(api, a_supervisor_that_dies_in_the_call)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a));
    b.start_ns = NS_PER_S;
    struct child_spec added = child(&b);
    struct call start = {.op = CALL_START, .sup = sup, .child = &added};
    call_begin(&start);
    runtime_run(runtime);
    answers("waits", start.text);
    proc_signal(runtime, 0, sup, plain(EXIT_KILL));
    runtime_run(runtime);
    answers("exited", start.text);
}

Test(api, a_caller_that_dies_in_the_call_leaves_the_child)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a));
    b.start_ns = NS_PER_S;
    struct child_spec added = child(&b);
    struct call start = {.op = CALL_START, .sup = sup, .child = &added};
    call_begin(&start);
    runtime_run(runtime);
    proc_signal(runtime, 0, a.pid + 1, plain(EXIT_KILL));
    fake_pass(&fake, runtime, 2 * NS_PER_S);
    answers("b+ a+", CALL(CALL_WHICH, .sup = sup));
}

Test(api, stop_with_a_reason_API_15_SHUT_08)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a), child(&b));
    answers("ok", CALL(CALL_STOP, .sup = sup, .why = error("enough")));
    said_is("+a +b -b -a");
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(api, stop_of_one_that_ends_otherwise_API_15)
{
    a.stop_ns = NS_PER_S;
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a));
    struct call stop = {.op = CALL_STOP, .sup = sup, .why = error("enough")};
    call_begin(&stop);
    runtime_run(runtime);
    proc_signal(runtime, 0, sup, plain(EXIT_KILL));
    runtime_run(runtime);
    answers("exited", stop.text);
}

Test(api, stop_is_an_exit_like_any_other_API_16)
{
    struct supervisor_spec inner = {.label = "inner",
                                    .period_s = 5,
                                    .children = (struct child_spec[]){child(&a)},
                                    .child_count = 1};
    proc_id sup =
        ROOT(ONE_FOR_ONE, 5, {.id = "inner", .supervisor = &inner, .restart = RESTART_TRANSIENT});
    CALL(CALL_STOP, .sup = a.supervisor, .why = error("oops"));
    SAID_SINCE("+a -a +a");
    CALL(CALL_STOP, .sup = a.supervisor, .why = CALM);
    SAID_SINCE("-a");
    answers("inner-", CALL(CALL_WHICH, .sup = sup));
}

/* ---- trees ---- */

TestSuite(tree, .init = kids_setup, .fini = teardown);

Test(tree, children_start_in_turn_and_the_supervisor_waits_SUP_01)
{
    a.start_ns = b.start_ns = NS_PER_S;
    struct supervisor_spec spec = {.label = "sup",
                                   .period_s = 5,
                                   .children = (struct child_spec[]){child(&a), child(&b)},
                                   .child_count = 2};
    struct call link = {.op = CALL_LINK, .spec = &spec};
    call_begin(&link);
    fake_pass(&fake, runtime, NS_PER_S + NS_PER_S / 2);
    SAID_SINCE("+a");
    answers("waits", link.text);
    fake_pass(&fake, runtime, NS_PER_S);
    SAID_SINCE("+b");
    answers("ok", link.text);
}

Test(tree, calls_wait_while_a_child_starts_SUP_18)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a));
    a.start_ns = NS_PER_S;
    struct call which = {.op = CALL_WHICH, .sup = sup};
    die(&a, BOOM);
    call_begin(&which);
    runtime_run(runtime);
    answers("waits", which.text);
    fake_pass(&fake, runtime, 2 * NS_PER_S);
    answers("a+", which.text);
}

Test(tree, defaults_SUP_02_SUP_09)
{
    struct supervisor_spec spec = {SUPERVISOR_DEFAULTS, .label = "sup"};
    cr_assert_eq(spec.intensity, 3);
    cr_assert_eq(spec.period_s, 5);
    cr_assert_eq(spec.auto_shutdown, AUTO_NEVER);
    struct child_spec worker = child(&a);
    cr_assert_eq(worker.restart, RESTART_PERMANENT);
    cr_assert_eq(worker.type, CHILD_WORKER);
    a.stop_ns = STUBBORN, b.stop_ns = 20 * NS_PER_S;
    struct supervisor_spec inner = {.label = "inner",
                                    .period_s = 5,
                                    .children = &(struct child_spec){.id = "b",
                                                                     .start = kid_start,
                                                                     .arg = &b,
                                                                     .shutdown_ns = 30 * NS_PER_S},
                                    .child_count = 1};
    proc_id sup = ROOT(ONE_FOR_ONE, 3, worker, {.id = "inner", .supervisor = &inner});
    proc_signal(runtime, 0, sup, plain(EXIT_SHUTDOWN));
    fake_pass(&fake, runtime, 24 * NS_PER_S); /* a supervisor has for ever, a worker five seconds */
    said_is("+a +b -b");
    cr_assert_eq(runtime_count(runtime), 2);
    fake_pass(&fake, runtime, NS_PER_S);
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(tree, a_supervisor_is_started_by_its_spec_and_stops_with_its_parent_SUP_03)
{
    struct supervisor_spec inner = {.label = "inner",
                                    .period_s = 5,
                                    .children = (struct child_spec[]){child(&b), child(&c)},
                                    .child_count = 2};
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a), {.id = "inner", .supervisor = &inner});
    answers("inner+ a+", CALL(CALL_WHICH, .sup = sup));
    proc_signal(runtime, 0, sup, plain(EXIT_SHUTDOWN));
    runtime_run(runtime);
    said_is("+a +b +c -c -b -a");
}

Test(tree, a_trapping_child_obeys_its_supervisor_at_once_SUP_05)
{
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a));
    answers("ok", CALL(CALL_TERMINATE, .sup = sup, .id = "a"));
    said_is("+a -a");
}

Test(tree, a_child_that_unlinked_itself_SUP_06)
{
    a.unlinks = true;
    proc_id sup = ROOT(ONE_FOR_ONE, 0, child(&a), child(&b));
    die(&a, BOOM);
    answers("b+ a+", CALL(CALL_WHICH, .sup = sup));
    answers("2 specs 1 active 0 sups 2 workers", CALL(CALL_COUNT, .sup = sup));
    answers("ok", CALL(CALL_TERMINATE, .sup = sup, .id = "a"));
    answers("b+ a-", CALL(CALL_WHICH, .sup = sup));
}

static const char *link_answer(const struct supervisor_spec *spec)
{
    return CALL(CALL_LINK, .spec = spec);
}

Test(tree, a_failure_rolls_back_in_reverse_SUP_13_SUP_15)
{
    c.plan = "eo";
    struct supervisor_spec spec = {.label = "sup",
                                   .intensity = 9,
                                   .period_s = 5,
                                   .children =
                                       (struct child_spec[]){child(&a), child(&b), child(&c)},
                                   .child_count = 3};
    answers("{shutdown,{failed_to_start_child,c,boom}}", link_answer(&spec));
    said_is("+a +b !c -b -a");
}

Test(tree, failures_nest_SUP_14)
{
    c.plan = "eo";
    struct supervisor_spec inner = {.label = "inner",
                                    .period_s = 5,
                                    .children = (struct child_spec[]){child(&b), child(&c)},
                                    .child_count = 2};
    struct supervisor_spec spec = {
        .label = "sup",
        .period_s = 5,
        .children = (struct child_spec[]){child(&a), {.id = "s", .supervisor = &inner}},
        .child_count = 2};
    answers("{shutdown,{failed_to_start_child,s,{shutdown,{failed_to_start_child,c,boom}}}}",
            link_answer(&spec));
    said_is("+a +b !c -b -a");
}

Test(tree, ignored_children_SUP_16)
{
    a.plan = b.plan = "i";
    proc_id sup = ROOT(ONE_FOR_ONE, 3, child(&a), child_as(&b, RESTART_TEMPORARY), child(&c));
    said_is("?a ?b +c");
    answers("c+ a-", CALL(CALL_WHICH, .sup = sup));
}

Test(tree, one_bad_spec_and_nothing_is_started_SUP_07_SUP_19)
{
    struct supervisor_spec spec = {.label = "sup",
                                   .period_s = 5,
                                   .children =
                                       (struct child_spec[]){child(&a), child(&b), child(&b)},
                                   .child_count = 3};
    answers("{child,b,duplicate_child_name}", link_answer(&spec));
    spec.child_count = 2, spec.period_s = 0;
    answers("invalid_period", link_answer(&spec));
    struct supervisor_spec bad = {.label = "inner"};
    spec.period_s = 1;
    spec.children = (struct child_spec[]){child(&a), {.id = "inner", .supervisor = &bad}};
    answers("{child,inner,invalid_period}", link_answer(&spec));
    spec.strategy = (enum strategy)9;
    answers("invalid_strategy", link_answer(&spec));
    said_is("");
}

Test(tree, a_name_is_registered_and_taken_once)
{
    struct supervisor_spec spec = {.label = "sup", .name = "tree", .period_s = 5};
    answers("ok", link_answer(&spec));
    cr_assert_neq(runtime_whereis(runtime, "tree"), 0);
    answers("already_started", link_answer(&spec));
}

/* ---- stopping ---- */

TestSuite(shut, .init = kids_setup, .fini = teardown);

Test(shut, within_the_time_of_each_SHUT_01_SHUT_03_SHUT_04)
{
    struct child_spec spec[] = {child(&a), child(&b), child(&c)};
    a.stop_ns = STUBBORN, spec[0].shutdown_ns = 30 * NS_PER_MS;
    b.stop_ns = 60 * NS_PER_S, spec[1].shutdown_ns = SHUTDOWN_INFINITY;
    c.stop_ns = 60 * NS_PER_MS, spec[2].shutdown_ns = 10 * NS_PER_MS;
    proc_id sup = ROOT(ONE_FOR_ONE, 3, spec[0], spec[1], spec[2]);
    proc_signal(runtime, 0, sup, plain(EXIT_SHUTDOWN));
    fake_pass(&fake, runtime, 10 * NS_PER_MS + 60 * NS_PER_S + 29 * NS_PER_MS);
    SAID_SINCE("+a +b +c -b");
    cr_assert_eq(runtime_count(runtime), 2);
    fake_pass(&fake, runtime, NS_PER_MS);
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(shut, at_once_asks_and_kills)
{
    struct child_spec spec = child(&a);
    a.stop_ns = 1000, spec.shutdown_ns = SHUTDOWN_AT_ONCE;
    proc_id sup = ROOT(ONE_FOR_ONE, 3, spec);
    proc_signal(runtime, 0, sup, plain(EXIT_SHUTDOWN));
    fake_pass(&fake, runtime, 1);
    said_is("+a");
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(shut, at_once_does_not_wait_for_one_that_traps_SHUT_03)
{
    struct child_spec spec = child(&a);
    spec.shutdown_ns = SHUTDOWN_AT_ONCE;
    proc_id sup = ROOT(ONE_FOR_ONE, 3, spec);
    proc_signal(runtime, 0, sup, plain(EXIT_SHUTDOWN));
    fake_pass(&fake, runtime, 0);
    said_is("+a"); /* it had no time to say that it stops */
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(shut, how_a_child_ends_changes_nothing_SHUT_06)
{
    b.stop_ns = 5; /* and then exits with the reason it was told, as a; c is killed */
    struct child_spec brutal = child(&c);
    brutal.shutdown_ns = SHUTDOWN_BRUTAL;
    ROOT(ONE_FOR_ALL, 3, child(&a), child(&b), brutal);
    die(&a, BOOM);
    fake_pass(&fake, runtime, 10);
    said_is("+a +b +c xa -b +a +b +c");
}

Test(shut, a_killed_supervisor_may_leak_a_stubborn_child_SHUT_11_SHUT_12)
{
    a.stop_ns = STUBBORN, b.stop_ns = NS_PER_S;
    struct supervisor_spec inner = {.label = "inner",
                                    .period_s = 5,
                                    .children = (struct child_spec[]){child(&a), child(&b)},
                                    .child_count = 2};
    ROOT(ONE_FOR_ONE, 3, {.id = "inner", .supervisor = &inner});
    proc_id first_a = a.pid, first_b = b.pid;
    proc_signal(runtime, 0, a.supervisor, plain(EXIT_KILL));
    runtime_run(runtime);
    SAID_SINCE("+a +b +a +b"); /* at once, while the old b is still about to end */
    cr_assert(proc_alive(runtime, first_b));
    fake_pass(&fake, runtime, 2 * NS_PER_S);
    SAID_SINCE("-b");
    cr_assert_not(proc_alive(runtime, first_b));
    cr_assert(proc_alive(runtime, first_a), "an orphan");
}

Test(shut, below_a_killed_one_supervisors_stop_in_order_SHUT_09_SHUT_10)
{
    struct supervisor_spec lower = {.label = "lower",
                                    .period_s = 5,
                                    .children = (struct child_spec[]){child(&a), child(&b)},
                                    .child_count = 2};
    struct supervisor_spec upper = {
        .label = "upper",
        .period_s = 5,
        .children = (struct child_spec[]){{.id = "lower", .supervisor = &lower}, child(&c)},
        .child_count = 2};
    proc_id sup =
        ROOT(ONE_FOR_ONE, 0, {.id = "upper", .supervisor = &upper, .restart = RESTART_TEMPORARY});
    proc_signal(runtime, 0, c.supervisor, plain(EXIT_KILL));
    runtime_run(runtime);
    said_is("+a +b +c -c -b -a");
    cr_assert_eq(runtime_count(runtime), 1);
    cr_assert(proc_alive(runtime, sup));
}
