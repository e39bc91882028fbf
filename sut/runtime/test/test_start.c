/* Synchronous starts (PL-01 .. PL-04). */
#include "fixture.h"
#include "sut/runtime/start.h"

#include <errno.h>

SUITE(start);

/* ---- who is started ---- */

static void child_stands_later(struct proc *self, void *arg)
{
    (void)arg;
    proc_sleep(self, 5 * NS_PER_S);
    say(proc_env(self), "standing");
    proc_started(self);
    proc_started(self); /* once is enough */
    body_listen(self, NULL);
}

static void child_ignored(struct proc *self, void *arg)
{
    (void)arg;
    proc_ignored(self);
}

static void child_failed(struct proc *self, void *arg)
{
    proc_failed(self, error(arg));
}

static void child_named(struct proc *self, void *arg)
{
    if (proc_register(self, "name") != 0)
        proc_failed(self, error("taken"));
    proc_trap_exit(self, true);
    if (arg)
        proc_failed(self, error(arg));
    proc_started(self);
    body_listen(self, NULL);
}

/* ---- who starts ---- */

struct plan {
    proc_main *child;
    const void *arg;
    int64_t timeout_ns;
    bool trap, alone;
};

static void say_started(struct env *env, struct started started)
{
    if (started.how == STARTED_OK)
        say(env, "ok %d", (int)started.pid);
    else if (started.how == STARTED_IGNORE)
        say(env, "ignore");
    else
        say(env, "error %s", reason_text(started.why, (char[REASON_WORDS]){0}));
}

static void starter(struct proc *self, void *arg)
{
    const struct plan *plan = arg;
    struct proc_spec spec = {.label = "child", .main = plan->child, .arg = plan->arg};
    proc_trap_exit(self, plan->trap);
    int64_t timeout_ns = plan->timeout_ns ? plan->timeout_ns : WAIT_FOREVER;
    struct started started = plan->alone ? proc_start_alone(self, &spec, timeout_ns)
                                         : proc_start(self, &spec, timeout_ns);
    say_started(proc_env(self), started);
    for (const struct message *message; (message = proc_receive(self, 0));)
        say_message(self, message);
    proc_sleep(self, NS_PER_S);
    say(proc_env(self), "%d left", (int)runtime_count(runtime));
}

static void run(const struct plan *plan)
{
    spawn(starter, plan);
    fake_pass(&fake, runtime, 60 * NS_PER_S);
}

Test(start, blocks_until_the_child_stands_PL_01)
{
    run(&(struct plan){.child = child_stands_later, .trap = true});
    said_is("standing ok 2 2 left");
    cr_assert_eq(runtime_count(runtime), 1, "the child goes on");
}

Test(start, messages_of_others_stay_in_order_PL_01)
{
    proc_id id = spawn(starter, &(struct plan){.child = child_stands_later, .trap = true});
    runtime_run(runtime);
    post(id, 20), post(id, 21);
    fake_pass(&fake, runtime, 60 * NS_PER_S);
    said_is("standing ok 2 20 21 2 left");
}

Test(start, a_child_that_dies_before_its_word_PL_02)
{
    struct reason boom = error("boom");
    run(&(struct plan){.child = body_die, .arg = &boom, .trap = true});
    said_is("error boom 1 left");
}

Test(start, a_child_that_returns_without_a_word_PL_02)
{
    run(&(struct plan){.child = body_return});
    said_is("error normal 1 left");
}

Test(start, ignored)
{
    run(&(struct plan){.child = child_ignored, .trap = true});
    said_is("ignore 1 left");
}

Test(start, failed)
{
    run(&(struct plan){.child = child_failed, .arg = "no luck", .trap = true});
    said_is("error no luck 1 left");
}

Test(start, a_failure_takes_a_starter_along_that_does_not_trap_GS_03)
{
    run(&(struct plan){.child = child_failed, .arg = "no luck"});
    said_is("");
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(start, alone_it_does_not)
{
    run(&(struct plan){.child = child_failed, .arg = "no luck", .alone = true});
    said_is("error no luck 1 left");
}

Test(start, a_timeout_kills_the_child_PL_03)
{
    run(&(struct plan){.child = child_stands_later, .timeout_ns = 2 * NS_PER_S});
    said_is("error timeout 1 left");
}

Test(start, a_timeout_leaves_no_exit_behind_PL_03)
{
    run(&(struct plan){.child = child_stands_later, .timeout_ns = 2 * NS_PER_S, .trap = true});
    said_is("error timeout 1 left");
}

static void namer(struct proc *self, void *arg)
{
    (void)arg;
    proc_trap_exit(self, true);
    static const char *const fails[] = {"boom", NULL, NULL};
    for (int i = 0; i < 3; i++) {
        struct proc_spec spec = {.label = "named", .main = child_named, .arg = fails[i]};
        say_started(proc_env(self), proc_start(self, &spec, WAIT_FOREVER));
    }
}

Test(start, after_a_failure_the_name_is_free_again_PL_04)
{
    spawn(namer, NULL);
    runtime_run(runtime);
    said_is("error boom ok 3 error taken EXIT(1,normal)");
}

Test(start, nobody_waits_for_what_is_spawned)
{
    spawn(child_stands_later, NULL);
    spawn(child_ignored, NULL);
    fake_pass(&fake, runtime, 60 * NS_PER_S);
    said_is("standing");
}

static void starter_of_a_starter(struct proc *self, void *arg)
{
    struct proc_spec spec = {.label = "inner", .main = child_stands_later};
    (void)arg;
    struct started inner = proc_start(self, &spec, WAIT_FOREVER);
    if (inner.how != STARTED_OK)
        proc_failed(self, inner.why);
    proc_started(self);
    proc_receive(self, WAIT_FOREVER);
}

Test(start, nests_PL_01)
{
    run(&(struct plan){.child = starter_of_a_starter, .trap = true});
    said_is("standing ok 2 3 left");
}

static void killer(struct proc *self, void *arg)
{
    (void)self;
    (void)arg;
    proc_signal(runtime, 0, 1, plain(EXIT_KILL));
}

Test(start, a_starter_that_is_killed_takes_the_child_along)
{
    spawn(starter, &(struct plan){.child = starter_of_a_starter});
    runtime_run(runtime);
    spawn(killer, NULL);
    fake_pass(&fake, runtime, 60 * NS_PER_S);
    said_is("");
    cr_assert_eq(runtime_count(runtime), 0);
}

Test(start, no_place_is_an_error)
{
    struct fake_env other;
    fake_env_init(&other);
    struct runtime *small = runtime_new(&other.env, &(struct runtime_options){.procs_max = 1});
    struct plan plan = {.child = child_stands_later};
    proc_spawn(small, &(struct proc_spec){.main = starter, .arg = &plan});
    runtime_run(small);
    cr_assert_str_eq(other.said, "error too_many_processes");
    runtime_free(small);
    heap_free(other.env.heap);
}
