/* Wide and deep trees: 100,000 children of one supervisor, 2,000 supervisors below one another. Nothing here takes time that can be noticed unless something walks all
 * children for each of them: then it takes minutes. */
#include "kids.h"

enum { WIDE = 100000 };

static void wide_setup(void)
{
    fake_env_init(&fake);
    runtime = runtime_new(&fake.env, NULL);
}

TestSuite(wide, .init = wide_setup, .fini = teardown, .timeout = 60);

static struct child_spec *many(enum restart_type restart)
{
    struct child_spec *children = heap_alloc(fake.env.heap, WIDE * sizeof *children);
    char(*ids)[8] = heap_alloc(fake.env.heap, WIDE * sizeof *ids);
    for (int i = 0; i < WIDE; ++i) {
        snprintf(ids[i], sizeof *ids, "c%d", i);
        children[i] = (struct child_spec){.id = ids[i], .main = body_wait, .restart = restart};
    }
    return children;
}

static proc_id wide_root(enum strategy strategy, enum restart_type restart)
{
    struct child_spec *children = many(restart);
    proc_id sup = root_of((struct supervisor_spec){
        .strategy = strategy, .intensity = WIDE, .children = children, .child_count = WIDE});
    heap_release(fake.env.heap, (void *)(uintptr_t)children[0].id);
    heap_release(fake.env.heap, children);
    cr_assert_eq(runtime_count(runtime), WIDE + 1);
    return sup;
}

static void all_die(proc_id sup)
{
    for (proc_id id = sup + 1; id <= sup + WIDE; ++id)
        proc_signal(runtime, 0, id, plain(EXIT_KILL));
    runtime_run(runtime);
}

Test(wide, one_for_one_restarts_each)
{
    proc_id sup = wide_root(ONE_FOR_ONE, RESTART_PERMANENT);
    all_die(sup);
    cr_assert_eq(runtime_count(runtime), WIDE + 1);
    answers("ok", CALL(CALL_TERMINATE, .sup = sup, .id = "c77777"));
    answers("ok", CALL(CALL_DELETE, .sup = sup, .id = "c77777"));
    answers("99999 specs 99999 active 0 sups 99999 workers", CALL(CALL_COUNT, .sup = sup));
    proc_signal(runtime, 0, sup, plain(EXIT_SHUTDOWN));
    runtime_run(runtime);
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(wide, a_group_is_stopped_while_all_its_exits_wait)
{
    proc_id sup = wide_root(ONE_FOR_ALL, RESTART_PERMANENT);
    all_die(sup); /* one restart, and WIDE - 1 exits that mean nothing any more */
    cr_assert_eq(runtime_count(runtime), WIDE + 1);
    proc_signal(runtime, 0, sup + WIDE + 7, BOOM);
    runtime_run(runtime);
    cr_assert_eq(runtime_count(runtime), WIDE + 1);
}

Test(wide, temporary_ones_go_one_by_one)
{
    proc_id sup = wide_root(REST_FOR_ONE, RESTART_TEMPORARY);
    all_die(sup);
    answers("0 specs 0 active 0 sups 0 workers", CALL(CALL_COUNT, .sup = sup));
}

/* Starts WIDE children, and ends. */
static void starter_main(struct proc *self, void *arg)
{
    proc_id sup = *(const proc_id *)arg;
    for (int i = 0; i < WIDE; ++i) {
        struct child_spec child = {.main = body_wait, .shutdown_ns = NS_PER_MS * (1 + i)};
        if (supervisor_start_child(self, sup, &child).started.how != STARTED_OK)
            say(proc_env(self), "no");
    }
}

Test(wide, a_dynamic_supervisor_with_as_many_times_to_stop)
{
    proc_id sup = root_of((struct supervisor_spec){.strategy = DYNAMIC, .intensity = WIDE});
    spawn(starter_main, &sup);
    runtime_run(runtime);
    cr_assert_eq(runtime_count(runtime), WIDE + 1);
    for (proc_id id = sup + 2; id <= sup + 1 + WIDE; ++id)
        proc_signal(runtime, 0, id, BOOM);
    runtime_run(runtime);
    cr_assert_eq(runtime_count(runtime), WIDE + 1);
    proc_signal(runtime, 0, sup, plain(EXIT_SHUTDOWN));
    runtime_run(runtime);
    cr_assert_eq(runtime_count(runtime), 0);
    said_is("");
}

static void stubborn_main(struct proc *self, void *arg)
{
    (void)arg;
    proc_trap_exit(self, true);
    for (;;)
        proc_receive(self, WAIT_FOREVER);
}

static void stubborn_starter(struct proc *self, void *arg)
{
    proc_id sup = *(const proc_id *)arg;
    for (int i = 0; i < 2000; ++i) {
        struct child_spec child = {.main = stubborn_main, .shutdown_ns = NS_PER_MS * (1 + i % 500)};
        supervisor_start_child(self, sup, &child);
    }
}

Test(wide, stubborn_ones_are_killed_each_in_its_time)
{
    proc_id sup = root_of((struct supervisor_spec){.strategy = DYNAMIC, .intensity = 1});
    spawn(stubborn_starter, &sup);
    runtime_run(runtime);
    proc_signal(runtime, 0, sup, plain(EXIT_SHUTDOWN));
    for (size_t passed = 0; passed < 500; ++passed) {
        runtime_run(runtime);
        cr_assert_eq(runtime_count(runtime), 2001 - 4 * passed);
        fake.now += NS_PER_MS;
    }
    runtime_run(runtime);
    cr_assert_eq(runtime_count(runtime), 0);
}

enum { DEEP = 2000 };

static struct started level_start(struct proc *above, const void *arg)
{
    static int ids[DEEP + 1];
    int level = *(const int *)arg;
    ids[level] = level + 1;
    struct child_spec below = {
        .id = "below", .start = level_start, .arg = &ids[level], .arg_size = sizeof(int)};
    if (level == DEEP)
        below = (struct child_spec){.id = "end", .main = body_wait};
    struct supervisor_spec spec = {
        .label = "level", .period_s = 5, .children = &below, .child_count = 1};
    return supervisor_start_link(above, &spec);
}

Test(deep, supervisors_start_escalate_and_stop_level_by_level, .init = wide_setup, .fini = teardown,
     .timeout = 60)
{
    static int level = 1;
    struct child_spec child = {
        .id = "top", .start = level_start, .arg = &level, .arg_size = sizeof level};
    proc_id sup = root_of((struct supervisor_spec){
        .intensity = 1, .period_s = 5, .children = &child, .child_count = 1});
    cr_assert_eq(runtime_count(runtime), DEEP + 2);
    proc_signal(runtime, 0, sup + DEEP + 1,
                BOOM); /* every level gives up, and the root starts all again */
    runtime_run(runtime);
    cr_assert_eq(runtime_count(runtime), DEEP + 2);
    cr_assert_not(proc_alive(runtime, sup + 1));
    proc_signal(runtime, 0, sup, plain(EXIT_SHUTDOWN));
    runtime_run(runtime);
    cr_assert_eq(runtime_count(runtime), 0);
}
