/* Agents. A state is one number; functions are named for what they do with it. */
#include "fixture.h"

#include "sut/runtime/agent.h"
#include <errno.h>

SUITE(agent);

static void number_init(struct proc *agent, void *state, const void *arg)
{
    (void)agent;
    *(int *)state = *(const int *)arg;
}

static void init_boom(struct proc *agent, void *state, const void *arg)
{
    (void)state, (void)arg;
    proc_exit(agent, error("boom"));
}

static struct agent_value number_read(struct proc *agent, void *state, const void *arg,
                                      struct heap *scratch)
{
    (void)agent, (void)arg, (void)scratch;
    return (struct agent_value){state, sizeof(int)};
}

/* Adds arg, and gives what it was before. */
static struct agent_value number_add(struct proc *agent, void *state, const void *arg,
                                     struct heap *scratch)
{
    int *before = heap_memdup(scratch, state, sizeof *before);
    say(proc_env(agent), "+%d", *(const int *)arg);
    *(int *)state += *(const int *)arg;
    return (struct agent_value){before, sizeof *before};
}

static struct agent_value number_add_slowly(struct proc *agent, void *state, const void *arg,
                                            struct heap *scratch)
{
    proc_sleep(agent, NS_PER_S);
    return number_add(agent, state, arg, scratch);
}

static struct agent_value number_fail(struct proc *agent, void *state, const void *arg,
                                      struct heap *scratch)
{
    (void)state, (void)arg, (void)scratch;
    proc_exit(agent, reason_make(EXIT_RAISED, "oops"));
}

#define CALL(name, number)                                                                         \
    (&(struct agent_call){.function = (name), .arg = &(int){number}, .arg_size = sizeof(int)})
#define FIVE_S (5 * NS_PER_S)

static proc_id agent_of(struct proc *self, int number)
{
    struct started started = agent_start(self, &(struct agent_spec){.state_size = sizeof(int),
                                                                    .init = number_init,
                                                                    .arg = &number,
                                                                    .arg_size = sizeof number});
    cr_expect_eq(started.how, STARTED_OK);
    return started.pid;
}

static void say_number(struct proc *self, proc_id agent)
{
    struct agent_value value;
    cr_expect_eq(agent_get(self, agent, CALL(number_read, 0), FIVE_S, &value, NULL), 0);
    say(proc_env(self), "%d", *(const int *)value.data);
}

static void live(proc_main *body)
{
    spawn(body, NULL);
    fake_pass(&fake, runtime, 60 * NS_PER_S);
}

static void body_serial(struct proc *self, void *arg)
{
    (void)arg;
    struct agent_value value;
    proc_id agent = agent_of(self, 1);
    for (int i = 1; i <= 3; i++)
        cr_expect_eq(agent_cast(self, agent, CALL(number_add, i)), 0);
    cr_expect_eq(agent_update(self, agent, CALL(number_add, 4), FIVE_S, NULL), 0);
    cr_expect_eq(agent_get(self, agent, CALL(number_add, 5), FIVE_S, &value, NULL), 0);
    say(proc_env(self), "was %d", *(const int *)value.data);
    say_number(self, agent);
    cr_expect_eq(agent_stop(self, agent, plain(EXIT_NORMAL), FIVE_S), 0);
}

Test(agent, agt_01_functions_run_in_it_in_order)
{
    live(body_serial);
    said_is("+1 +2 +3 +4 +5 was 11 16");
    cr_assert_eq(runtime_count(runtime), 0);
}

static void body_fail(struct proc *self, void *arg)
{
    (void)arg;
    struct reason why = {0};
    proc_id agent = agent_of(self, 1);
    say(proc_env(self), "%d",
        agent_update(self, agent, CALL(number_fail, 0), FIVE_S, &why) == -ESRCH);
    say(proc_env(self), "%s %s", reason_text(why, (char[REASON_WORDS]){0}),
        proc_alive(runtime, agent) ? "alive" : "dead");
    agent = agent_of(self, 1);
    agent_get_or_exit(self, agent, CALL(number_fail, 0), FIVE_S);
}

Test(agent, agt_02_a_failing_function_ends_it_and_the_caller_knows_why)
{
    proc_id watcher = spawn_linked(body_listen, NULL, 0, true);
    spawn_linked(body_fail, NULL, watcher, false);
    fake_pass(&fake, runtime, NS_PER_S);
    said_is("1 oops dead EXIT(2,{{oops,stack},{call,4}})");
}

static void body_late(struct proc *self, void *arg)
{
    (void)arg;
    struct reason why = {0};
    proc_id agent = agent_of(self, 1);
    cr_expect_eq(agent_update(self, agent, CALL(number_add_slowly, 2), 10, &why), -ETIMEDOUT);
    say_number(self, agent);
}

Test(agent, agt_04_a_time_out_undoes_nothing)
{
    live(body_late);
    said_is("+2 3");
}

static void body_update_or_cast(struct proc *self, void *arg)
{
    (void)arg;
    proc_id agent = agent_of(self, 1);
    int64_t start = proc_now(self);
    cr_expect_eq(agent_update(self, agent, CALL(number_add_slowly, 2), FIVE_S, NULL), 0);
    say(proc_env(self), "%ds", (int)((proc_now(self) - start) / NS_PER_S));
    cr_expect_eq(agent_cast(self, agent, CALL(number_add_slowly, 3)), 0);
    say(proc_env(self), "%ds", (int)((proc_now(self) - start) / NS_PER_S));
    say_number(self, agent);
    cr_expect_eq(agent_cast(self, 77, CALL(number_add, 3)), 0);
}

Test(agent, agt_05_update_waits_and_cast_does_not)
{
    live(body_update_or_cast);
    said_is("+2 1s 1s +3 6");
}

static void body_start_boom(struct proc *self, void *arg)
{
    (void)arg;
    struct started started = agent_start(self, &(struct agent_spec){.init = init_boom});
    say(proc_env(self), "%d %s", started.how == STARTED_ERROR,
        reason_text(started.why, (char[REASON_WORDS]){0}));
}

Test(agent, agt_06_init_runs_in_it_and_may_fail)
{
    live(body_start_boom);
    said_is("1 boom");
}

static void body_scratch(struct proc *self, void *arg)
{
    (void)arg;
    proc_id agent = agent_of(self, 0);
    say_number(self, agent);
    size_t blocks = heap_blocks(fake.env.heap);
    for (int i = 0; i < 100; i++)
        cr_expect_eq(agent_update(self, agent, CALL(number_read, 0), FIVE_S, NULL), 0);
    cr_expect_eq(heap_blocks(fake.env.heap), blocks, "what functions allocate goes");
}

Test(agent, scratch_memory_is_given_back)
{
    live(body_scratch);
    said_is("0");
}
