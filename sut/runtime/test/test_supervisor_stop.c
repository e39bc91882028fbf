/* The supervisor: stopping (OTP's SHUT rules), being asked, and its points. */
#include "supervised.h"

/* ---- stopping ---- */

SUITE(stop);

static void stopper(struct proc *self, void *arg)
{
    int64_t start = proc_now(self);
    supervisor_stop(self, *(proc_id *)arg);
    say(proc_env(self), "stopped after %dms", (int)((proc_now(self) - start) / NS_PER_MS));
    say_message(self, proc_receive(self, 0));
}

static void stop(proc_id sup)
{
    fake.said[0] = 0;
    proc_spawn(runtime, &(struct proc_spec){.main = stopper, .arg = &sup, .arg_size = sizeof sup});
    fake_pass(&fake, runtime, 60 * NS_PER_S);
    cr_assert_not(proc_alive(runtime, sup));
}

Test(stop, reverse_order_each_waited_for_SHUT_01_SHUT_04_SHUT_06)
{
    int64_t first = 10 * NS_PER_MS, second = 20 * NS_PER_S, none = 0;
    struct child_spec children[] = {
        {.id = "a", .main = child_tidy, .arg = &first},
        {.id = "b", .main = child_tidy, .arg = &second, .shutdown_ns = SHUTDOWN_INFINITY},
        {.id = "c", .main = child_tidy, .arg = &none},
    };
    stop(start(1, 5, children, 3));
    said_is("EXIT(1,shutdown) -c EXIT(1,shutdown) -b EXIT(1,shutdown) -a stopped after 20010ms "
            "nothing");
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(stop, brutal_does_not_ask_SHUT_02)
{
    int64_t none = 0;
    struct child_spec child = {
        .id = "a", .main = child_tidy, .arg = &none, .shutdown_ns = SHUTDOWN_BRUTAL};
    stop(start(1, 5, &child, 1));
    said_is("stopped after 0ms nothing");
}

Test(stop, too_slow_is_killed_in_the_middle_SHUT_03_SHUT_14)
{
    int64_t slow = 10 * NS_PER_S;
    struct child_spec children[] = {
        {.id = "a", .main = child_tidy, .arg = &slow, .shutdown_ns = 100 * NS_PER_MS},
        {.id = "b", .main = child_slow}, /* the default: 5 s */
    };
    stop(start(1, 5, children, 2));
    said_is("EXIT(1,shutdown) stopped after 5100ms nothing");
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(stop, of_the_dead_returns_at_once)
{
    stop(99);
    said_is("stopped after 0ms nothing");
}

static void child_unlinked(struct proc *self, void *arg)
{
    proc_unlink(self, *(proc_id *)arg);
    child_plain(self, NULL);
}

Test(stop, a_child_that_unlinked_is_stopped_all_the_same_SUP_06_SHUT_05)
{
    proc_id sup = 1;
    struct child_spec child = {.id = "a", .main = child_unlinked, .arg = &sup};
    cr_assert_eq(start(1, 5, &child, 1), sup);
    stop(sup);
    said_is("stopped after 0ms nothing");
    cr_assert_eq(runtime_count(runtime), 0);
}

static void parent_main(struct proc *self, void *arg)
{
    int64_t none = 0;
    struct child_spec child = {
        .id = "a", .main = child_tidy, .arg = &none, .arg_size = sizeof none};
    supervisor_start(
        proc_runtime(self), proc_self(self),
        &(struct supervisor_spec){
            .label = "sup", .intensity = 1, .period_s = 1, .children = &child, .child_count = 1},
        NULL);
    proc_receive(self, WAIT_FOREVER);
    if (arg)
        supervisor_stop(self, 2);
    say(proc_env(self), "parent done");
}

Test(stop, when_the_parent_exits_even_normally_SUP_03)
{
    proc_id parent = proc_spawn(runtime, &(struct proc_spec){.main = parent_main});
    runtime_run(runtime);
    proc_send(runtime, 0, parent, MSG_USER, NULL, 0);
    runtime_run(runtime);
    said_is("a3 parent done EXIT(2,shutdown) -a");
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(stop, by_the_parent_leaves_it_alive)
{
    proc_id parent = proc_spawn(runtime, &(struct proc_spec){.main = parent_main, .arg = "stop"});
    runtime_run(runtime);
    proc_send(runtime, 0, parent, MSG_USER, NULL, 0);
    runtime_run(runtime);
    said_is("a3 EXIT(2,shutdown) -a parent done");
}

Test(stop, by_the_driver_when_it_has_no_parent)
{
    proc_id sup = start_three(RESTART_PERMANENT);
    end(sup, plain(EXIT_SHUTDOWN));
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(stop, killed_it_cannot_stop_its_children_SHUT_09_SHUT_10)
{
    int64_t none = 0;
    struct child_spec children[] = {
        {.id = "a", .main = child_plain},
        {.id = "b", .main = child_tidy, .arg = &none},
    };
    end(start(1, 5, children, 2), plain(EXIT_KILL));
    said_is("a2 b3 EXIT(1,killed) -b");
    cr_assert_eq(runtime_count(runtime), 0);
}

/* ---- asking ---- */

SUITE(asking);

static void asker(struct proc *self, void *arg)
{
    (void)arg;
    static const char *const ids[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; ++i)
        say(proc_env(self), "%d", (int)supervisor_child(self, 1, ids[i]));
    say(proc_env(self), "%d", (int)supervisor_child(self, 99, "a"));
}

Test(asking, for_children_by_id)
{
    start_three(RESTART_TRANSIENT);
    end(2, plain(EXIT_SHUTDOWN));
    end(3, error("boom"));
    fake.said[0] = 0;
    proc_spawn(runtime, &(struct proc_spec){.main = asker});
    runtime_run(runtime);
    said_is("0 5 4 0 0");
}

/* ---- points ---- */

#ifdef DURESS_POINTS
SUITE(points);

struct fake_sink {
    struct point_sink sink;
    int starts; /* the start that crashes, counted down */
};

static void sink_event(struct point_sink *sink, struct point_site *at, struct point *point,
                       const struct point_field *fields, unsigned count)
{
    (void)sink;
    say(&fake.env, "%s[%d", point->name, (int)at->actor);
    for (unsigned i = 0; i < count; ++i)
        if (fields[i].type == FIELD_STR)
            say(&fake.env, "%s=%s", fields[i].name, fields[i].str);
        else
            say(&fake.env, "%s=%lld", fields[i].name, (long long)fields[i].u64);
    say(&fake.env, "]");
}

static int sink_fault(struct point_sink *sink, struct point_site *at, struct point *point,
                      const struct point_field *fields, unsigned count)
{
    struct fake_sink *own = (struct fake_sink *)sink;
    sink_event(sink, at, point, fields, count);
    cr_assert_eq(point->kinds, CAN_DIE);
    if (--own->starts == 0)
        proc_exit(runtime_current(runtime), error("crash"));
    return 0;
}

static struct fake_sink sink = {.sink = {.event = sink_event, .fault = sink_fault}};

static void child_silent(struct proc *self, void *arg)
{
    (void)arg;
    proc_receive(self, WAIT_FOREVER);
}

static void start_seen(unsigned intensity, int crash_at_start)
{
    sink.starts = crash_at_start;
    fake.env.site.sink = &sink.sink;
    struct child_spec child = {.id = "a", .main = child_silent};
    start(intensity, 5, &child, 1);
}

Test(points, a_life_in_events)
{
    start_seen(1, 0);
    said_is("proc/process/spawn[1 pid=1 label=sup parent=0 ] "
            "sup/supervisor/start[1 sup=1 label=sup parent=0 strategy=one_for_one intensity=1 "
            "period_s=5 auto=never max=0 ] "
            "sup/child/add[1 child=a sup=1 restart=permanent shutdown_ns=5000000000 significant=0 "
            "type=worker ] "
            "sup/child/start[1 child=a sup=1 ] proc/process/spawn[2 pid=2 label=a parent=1 ] "
            "sup/child/up[1 child=a sup=1 pid=2 ] sup/supervisor/up[1 sup=1 ]");
    fake.said[0] = 0;
    end(2, error("boom"));
    said_is("proc/process/exit[2 pid=2 label=a reason=boom calm=0 ] "
            "sup/child/end[1 child=a sup=1 pid=2 reason=boom calm=0 ] "
            "sup/child/restart[1 child=a sup=1 restarts=1 ] sup/child/start[1 child=a sup=1 ] "
            "proc/process/spawn[3 pid=3 label=a parent=1 ] sup/child/up[1 child=a sup=1 pid=3 ]");
    fake.said[0] = 0;
    end(3, error("boom"));
    said_is("proc/process/exit[3 pid=3 label=a reason=boom calm=0 ] "
            "sup/child/end[1 child=a sup=1 pid=3 reason=boom calm=0 ] "
            "sup/supervisor/giveup[1 sup=1 label=sup intensity=1 period_s=5 ] "
            "proc/process/exit[1 pid=1 label=sup reason=shutdown calm=1 ]");
}

Test(points, stop_is_an_event)
{
    start_seen(1, 0);
    fake.said[0] = 0;
    end(1, plain(EXIT_SHUTDOWN));
    said_is("sup/supervisor/stop[1 sup=1 label=sup reason=shutdown from=0 call=0 ] "
            "sup/child/stop[1 child=a sup=1 pid=2 shutdown_ns=5000000000 ] "
            "proc/process/exit[2 pid=2 label=a reason=shutdown calm=1 ] "
            "sup/child/stopped[1 child=a sup=1 pid=2 reason=shutdown expected=1 ] "
            "proc/process/exit[1 pid=1 label=sup reason=shutdown calm=1 ]");
}

static void child_told(struct proc *self, void *arg)
{
    proc_trap_exit(self, true);
    proc_receive(self, WAIT_FOREVER);
    proc_exit(self, *(struct reason *)arg);
}

/* How the only child ends when its supervisor is stopped, and whether that was expected. */
static bool expected(enum restart_type restart, int64_t shutdown_ns, struct reason reason)
{
    struct child_spec child = {.id = "a",
                               .main = child_told,
                               .arg = &reason,
                               .arg_size = sizeof reason,
                               .restart = restart,
                               .shutdown_ns = shutdown_ns};
    fake.env.site.sink = &sink.sink;
    proc_id sup = start(1, 5, &child, 1);
    fake.said[0] = 0;
    end(sup, plain(EXIT_SHUTDOWN));
    return strstr(fake.said, "expected=1");
}

Test(points, which_ends_are_expected_SHUT_07)
{
    struct reason shut = plain(EXIT_SHUTDOWN), with = reason_make(EXIT_SHUTDOWN, "x");
    cr_assert(expected(RESTART_PERMANENT, 0, shut));
    cr_assert_not(expected(RESTART_PERMANENT, 0, with));
    cr_assert_not(expected(RESTART_PERMANENT, 0, plain(EXIT_NORMAL)));
    cr_assert_not(expected(RESTART_PERMANENT, 0, error("odd")));
    cr_assert(expected(RESTART_TRANSIENT, 0, with));
    cr_assert(expected(RESTART_TEMPORARY, 0, plain(EXIT_NORMAL)));
    cr_assert_not(expected(RESTART_TEMPORARY, 0, error("odd")));
    cr_assert(expected(RESTART_PERMANENT, SHUTDOWN_BRUTAL, shut),
              "it is killed, whatever it wants");
}

Test(points, a_crash_before_a_restart_takes_the_supervisor_down)
{
    start_seen(1, 2);
    end(2, error("boom"));
    cr_assert_eq(runtime_count(runtime), 0);
}
#endif
