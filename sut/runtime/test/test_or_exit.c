/* What ends in `_or_exit`: the reasons for which the caller exits. */
#include "served.h"
#include "sut/runtime/or_exit.h"

SUITE(or_exit);

static proc_id server, idle;

static struct agent_value agent_fails(struct proc *agent, void *state, const void *arg,
                                      struct heap *scratch)
{
    (void)state, (void)arg, (void)scratch;
    proc_exit(agent, error("oops"));
}

static struct task_value task_fails(struct proc *self, void *arg)
{
    (void)arg;
    proc_exit(self, error("oops"));
}

/* ---- each of these exits ---- */

static void try_name(struct proc *self, void *arg)
{
    (void)arg;
    proc_send_name_or_exit(self, "nobody", MSG_USER, NULL, 0);
}

static void try_register(struct proc *self, void *arg)
{
    (void)arg;
    proc_register_or_exit(self, "me");
    proc_register_or_exit(self, "me");
}

static void try_stop(struct proc *self, void *arg)
{
    (void)arg;
    server_stop_or_exit(self, 999, plain(EXIT_NORMAL), NS_PER_S);
}

static void try_agent(struct proc *self, void *arg)
{
    (void)arg;
    struct started agent = agent_start(self, &(struct agent_spec){.label = "agent"});
    agent_update_or_exit(self, started_or_exit(self, agent),
                         &(struct agent_call){.function = agent_fails}, NS_PER_S);
}

static void try_registry(struct proc *self, void *arg)
{
    (void)arg;
    registry_call_or_exit(self, &(struct registry_via){.registry = 999, .key = value_int(1)},
                          MSG_USER, NULL, 0, NS_PER_S);
}

static void try_subscribe(struct proc *self, void *arg)
{
    (void)arg;
    stage_subscribe_or_exit(self, 999, &(struct stage_subscription){.to = 999}, NS_PER_S);
}

static void try_child(struct proc *self, void *arg)
{
    (void)arg;
    supervisor_restart_child_or_exit(self, server, "nobody");
}

static void try_child_again(struct proc *self, void *arg)
{
    (void)arg;
    struct started sup =
        supervisor_start_link(self, &(struct supervisor_spec){SUPERVISOR_DEFAULTS});
    supervisor_restart_child_or_exit(self, started_or_exit(self, sup), "nobody");
}

static void try_partition(struct proc *self, void *arg)
{
    (void)arg;
    partition_of_number_or_exit(self, server, 7);
}

static void try_many(struct proc *self, void *arg)
{
    (void)arg;
    struct task_value values[2];
    struct task tasks[2] = {task_completed(self, "x", 1)};
    proc_trap_exit(self, true);
    tasks[1] = task_async_or_exit(self, &(struct task_spec){.body = task_fails});
    task_await_many_or_exit(self, tasks, 2, NS_PER_S, values);
}

static void try_under(struct proc *self, void *arg)
{
    (void)arg;
    struct started sup =
        supervisor_start_link(self, &(struct supervisor_spec){TASK_SUPERVISOR, .max_children = 1});
    struct task_spec spec = {.body = task_fails};
    task_async_nolink_or_exit(self, sup.pid, &spec);
    task_async_under_or_exit(self, sup.pid, &spec);
}

static void try_table(struct proc *self, void *arg)
{
    (void)arg;
    ets_insert_or_exit(self, 999, &TUPLE(value_int(1)), 1);
}

static void try_element(struct proc *self, void *arg)
{
    ets_id table = ets_new_or_exit(self, &(struct ets_spec){.access = ETS_PUBLIC});
    ets_insert_or_exit(self, table, &TUPLE(value_text("a"), value_int(5)), 1);
    say(proc_env(self), "%d",
        (int)ets_update_counter_or_exit(self, table, value_text("a"),
                                        &(struct ets_count){.field = 1, .add = 2}, NULL));
    cr_expect_eq(ets_element_or_exit(self, table, value_text("a"), 1).integer, 7);
    if (*(const bool *)arg)
        ets_element_or_exit(self, table, value_text("a"), 2);
    else
        ets_element_or_exit(self, table, value_text("b"), 1);
}

static void body_tries(struct proc *self, void *arg)
{
    static const bool field = true, row = false;
    static const struct {
        proc_main *run;
        const void *arg;
        const char *reason, *text;
    } tries[] = {
        {try_name, NULL, "{badarg,stack}", "send: it does not exist"},
        {try_register, NULL, "{badarg,stack}", "register: the name is taken"},
        {try_stop, NULL, "{noproc,{call,999}}", "999"},
        {try_agent, NULL, "{oops,{call,3}}", "3"},
        {try_registry, NULL, "{noproc,{call,999}}", "999"},
        {try_subscribe, NULL, "{noproc,{call,stage_subscribe}}", "stage_subscribe"},
        {try_child, NULL, "{{badarg,stack},{call,1}}", "1"},
        {try_child_again, NULL, "not_found", "there is no such child"},
        {try_partition, NULL, "{noproc,{call,1}}", "1"},
        {try_many, NULL, "{oops,{task,await_many}}", "await_many"},
        {try_under, NULL, "{system_limit,stack}", "task_async: there are as many as may be"},
        {try_table, NULL, "{badarg,stack}", "ets_insert: there is no such table"},
        {try_element, &field, "{badarg,stack}", "ets_element: an argument makes no sense"},
        {try_element, &row, "{badarg,stack}", "ets_element: it does not exist"},
    };
    (void)arg;
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        struct reason why;
        cr_expect_not(proc_try(self, tries[i].run, (void *)(uintptr_t)tries[i].arg, &why), "%zu",
                      i);
        cr_expect_str_eq(reason_term(why, (char[REASON_WORDS]){0}), tries[i].reason, "%zu", i);
        cr_expect_str_eq(why.error->text, tries[i].text, "%zu", i);
    }
    say(proc_env(self), "done");
}

static void body_idle(struct proc *self, void *arg)
{
    (void)arg;
    proc_receive(self, WAIT_FOREVER);
}

Test(or_exit, the_reason_is_that_of_the_error)
{
    server = spawn(body_idle, NULL);
    idle = spawn(body_tries, NULL);
    fake_pass(&fake, runtime, NS_PER_S);
    said_is("7 7 done");
}
