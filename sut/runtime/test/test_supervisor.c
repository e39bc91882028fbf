/* The supervisor: starting, restarting, and the window of restarts. The rules are OTP's (SUP, RST,
 * INT). */
#include "supervised.h"

static void child_arg(struct proc *self, void *arg)
{
    say(proc_env(self), "%s=%d", proc_label(self), (*(int *)arg)++);
    proc_receive(self, WAIT_FOREVER);
}

/* ---- the specification ---- */

SUITE(spec);

static const char *refusal(struct supervisor_spec spec)
{
    const struct error *error = NULL;
    cr_assert_eq(supervisor_start(runtime, 0, &spec, &error), 0);
    cr_assert_eq(runtime_count(runtime), 0, "nothing was started");
    return error_said(error);
}

Test(spec, contradictions_are_refused_SUP_07_SUP_10_SUP_11_SUP_19)
{
    struct child_spec twice[] = {{.id = "a", .main = child_plain},
                                 {.id = "a", .main = child_plain}};
    struct child_spec negative = {.id = "a", .main = child_plain, .shutdown_ns = -2};
    struct child_spec no_main = {.id = "a"}, no_id = {.main = child_plain};
    struct supervisor_spec spec = {.intensity = 1, .period_s = 1, .child_count = 1};
    cr_assert_str_eq(refusal((struct supervisor_spec){.intensity = 1}),
                     "the period must be at least one second");
    spec.children = &negative;
    cr_assert_str_eq(refusal(spec), "a child has a negative shutdown time");
    spec.children = &no_main;
    cr_assert_str_eq(refusal(spec), "a child has not exactly one of main, start and supervisor");
    spec.children = &no_id;
    cr_assert_str_eq(refusal(spec), "a child has no id");
    spec.children = twice, spec.child_count = 2;
    cr_assert_str_eq(refusal(spec), "two children have the same id");
    cr_assert_eq(supervisor_start(runtime, 0, &spec, NULL), 0);
}

Test(spec, is_copied_and_restarts_use_the_original_arguments_RST_23)
{
    int arg = 7;
    char id[] = "a";
    struct child_spec child = {.id = id, .main = child_arg, .arg = &arg, .arg_size = sizeof arg};
    supervisor_start(
        runtime, 0,
        &(struct supervisor_spec){
            .label = "sup", .intensity = 1, .period_s = 1, .children = &child, .child_count = 1},
        NULL);
    arg = 9, id[0] = 'x', child.main = NULL;
    runtime_run(runtime);
    end(2, error("boom"));
    said_is("a=7 a=7");
}

/* ---- restarting ---- */

SUITE(restart);

Test(restart, starts_in_order_and_only_the_dead_again_SUP_01_RST_05)
{
    start_three(RESTART_PERMANENT);
    said_is("a2 b3 c4");
    end(3, error("boom"));
    said_is("a2 b3 c4 b5");
    cr_assert(proc_alive(runtime, 2));
    cr_assert(proc_alive(runtime, 4));
}

Test(restart, permanent_always_RST_01)
{
    start_three(RESTART_PERMANENT);
    end(2, reason_make(EXIT_SHUTDOWN, "calm"));
    end(3, plain(EXIT_SHUTDOWN));
    end(4, plain(EXIT_KILL));
    said_is("a2 b3 c4 a5 b6 c7");
}

static void child_return(struct proc *self, void *arg)
{
    if (*(int *)arg) {
        say(proc_env(self), "%s%d", proc_label(self), (int)proc_self(self));
        proc_receive(self, WAIT_FOREVER);
    }
}

Test(restart, a_normal_return_restarts_only_permanent_RST_01_RST_02_RST_03)
{
    int wait = 1;
    struct child_spec children[] = {
        {.id = "p", .main = child_return, .arg = &wait, .restart = RESTART_PERMANENT},
        {.id = "t", .main = child_return, .arg = &wait, .restart = RESTART_TRANSIENT},
        {.id = "y", .main = child_return, .arg = &wait, .restart = RESTART_TEMPORARY},
    };
    start(3, 5, children, 3);
    for (proc_id id = 2; id <= 4; ++id)
        proc_send(runtime, 0, id, MSG_USER, NULL, 0);
    runtime_run(runtime);
    said_is("p2 t3 y4 p5");
    cr_assert_eq(runtime_count(runtime), 2);
}

Test(restart, transient_unless_calm_RST_02_RST_04)
{
    start_three(RESTART_TRANSIENT);
    end(2, plain(EXIT_SHUTDOWN));
    end(3, plain(EXIT_KILL));
    end(4, error("boom"));
    said_is("a2 b3 c4 b5 c6");
}

Test(restart, temporary_never_RST_03)
{
    start_three(RESTART_TEMPORARY);
    end(2, plain(EXIT_KILL));
    end(3, error("boom"));
    said_is("a2 b3 c4");
    cr_assert_eq(runtime_count(runtime), 2);
}

Test(restart, foreign_exits_are_ignored_RST_20)
{
    proc_id sup = start_three(RESTART_PERMANENT);
    proc_signal(runtime, 77, sup, plain(EXIT_SHUTDOWN));
    proc_signal(runtime, 77, sup, error("boom"));
    runtime_run(runtime);
    cr_assert(proc_alive(runtime, sup));
    said_is("a2 b3 c4");
}

Test(restart, a_signal_from_nobody_does_not_mean_a_child_that_is_down_RST_20)
{
    struct child_spec child = {.id = "a", .main = child_plain, .restart = RESTART_TRANSIENT};
    proc_id parent = spawn(body_wait, NULL);
    proc_id sup = supervisor_start(
        runtime, parent,
        &(struct supervisor_spec){
            .label = "sup", .intensity = 1, .period_s = 5, .children = &child, .child_count = 1},
        NULL);
    runtime_run(runtime);
    end(3, plain(EXIT_SHUTDOWN));
    end(sup, error("boom"));
    said_is("a3");
    cr_assert(proc_alive(runtime, sup));
}

Test(restart, a_start_that_fails_is_retried_and_counted_RST_14_INT_10_INT_15)
{
    struct fake_env other;
    fake_env_init(&other);
    struct runtime *small = runtime_new(&other.env, &(struct runtime_options){.procs_max = 2});
    struct child_spec child = {.id = "a", .main = child_plain};
    proc_id sup = supervisor_start(
        small, 0,
        &(struct supervisor_spec){
            .label = "sup", .intensity = 2, .period_s = 5, .children = &child, .child_count = 1},
        NULL);
    runtime_run(small);
    proc_signal(small, 0, 2, error("boom"));
    cr_assert_neq(proc_spawn(small, &(struct proc_spec){.main = child_plain}), 0);
    runtime_run(small); /* its place is taken: two tries, the third one trips */
    cr_assert_not(proc_alive(small, sup));
    cr_assert_eq(other.now, 1000 * NS_PER_S, "no delay between tries");
    cr_assert_str_eq(other.said, "a2 3");
    runtime_free(small);
    heap_free(other.env.heap);
}

Test(restart, a_first_start_that_fails_ends_the_supervisor_SUP_13_SUP_15)
{
    struct fake_env other;
    fake_env_init(&other);
    struct runtime *small = runtime_new(&other.env, &(struct runtime_options){.procs_max = 3});
    struct child_spec children[] = {{.id = "a", .main = child_plain},
                                    {.id = "b", .main = child_plain}};
    proc_id watcher = proc_spawn(small, &(struct proc_spec){.main = child_slow});
    runtime_run(small);
    supervisor_start(
        small, watcher,
        &(struct supervisor_spec){
            .label = "sup", .intensity = 9, .period_s = 5, .children = children, .child_count = 2},
        NULL);
    runtime_run(small);
    cr_assert_eq(runtime_count(small), 1, "the first child was stopped again");
    runtime_free(small);
    heap_free(other.env.heap);
}

/* ---- the window ---- */

SUITE(window);

/* Kills the only child at these milliseconds after a full second; true: the supervisor is there
 * afterwards. */
static bool survives(unsigned intensity, unsigned period_s, const int *at_ms, int count)
{
    struct child_spec child = {.id = "a", .main = child_plain};
    proc_id sup = start(intensity, period_s, &child, 1);
    int64_t origin = fake.now;
    for (int i = 0; i < count; ++i) {
        fake.now = origin + at_ms[i] * NS_PER_MS;
        end(newest(), error("boom"));
    }
    return proc_alive(runtime, sup);
}

#define SURVIVES(intensity, period, ...)                                                           \
    survives(intensity, period, (int[]){__VA_ARGS__},                                              \
             (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)))

Test(window, intensity_restarts_and_no_more_INT_03)
{
    cr_assert(SURVIVES(2, 5, 0, 0));
    end(newest(), error("boom"));
    cr_assert_eq(runtime_count(runtime), 0, "the third one trips");
    said_is("a2 a3 a4");
}

Test(window, intensity_zero_trips_at_once_INT_04)
{
    cr_assert_not(SURVIVES(0, 5, 0));
}

Test(window, seconds_are_floored_and_the_window_is_closed_INT_01_INT_05)
{
    cr_assert_not(SURVIVES(1, 1, 120, 1820), "1.7 s apart count together");
}

Test(window, seconds_are_floored_INT_06)
{
    cr_assert(SURVIVES(1, 1, 850, 2150), "1.3 s apart do not");
}

Test(window, slides_INT_02_INT_08)
{
    cr_assert(SURVIVES(2, 2, 0, 1000, 3000, 4000, 6000, 7000));
}

Test(window, slides_but_keeps_what_is_inside_INT_08)
{
    cr_assert_not(SURVIVES(2, 2, 0, 1000, 3000, 3500));
}

Test(window, ends_without_restart_do_not_count_INT_09)
{
    start_three(RESTART_TRANSIENT);
    for (proc_id id = 2; id <= 4; ++id)
        end(id, plain(EXIT_SHUTDOWN));
    cr_assert(proc_alive(runtime, 1));
    struct child_spec children[] = {
        {.id = "t", .main = child_plain, .restart = RESTART_TEMPORARY},
        {.id = "p", .main = child_plain, .restart = RESTART_PERMANENT},
    };
    proc_id sup = start(1, 5, children, 2);
    end(sup + 1, error("boom"));
    end(sup + 2, error("boom"));
    cr_assert(proc_alive(runtime, sup));
    end(newest(), error("boom"));
    cr_assert_not(proc_alive(runtime, sup));
}

Test(window, giving_up_stops_all_in_reverse_and_exits_shutdown_INT_11)
{
    int64_t nothing = 0;
    struct child_spec children[] = {
        {.id = "a", .main = child_tidy, .arg = &nothing},
        {.id = "b", .main = child_plain},
        {.id = "c", .main = child_tidy, .arg = &nothing},
    };
    proc_id watcher =
        proc_spawn(runtime, &(struct proc_spec){.main = child_tidy, .label = "w", .arg = &nothing});
    runtime_run(runtime);
    supervisor_start(
        runtime, watcher,
        &(struct supervisor_spec){
            .label = "sup", .intensity = 0, .period_s = 5, .children = children, .child_count = 3},
        NULL);
    runtime_run(runtime);
    said_is("w1 a3 b4 c5");
    end(4, error("boom"));
    said_is("w1 a3 b4 c5 EXIT(2,shutdown) -c EXIT(2,shutdown) -a EXIT(2,shutdown) -w");
}
