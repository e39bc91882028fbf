/* Start functions that exit, or raise, instead of answering: that is a failed start, and not the end of the supervisor. */
#include "sut/runtime/supervisor.h"

#include "fixture.h"

SUITE(start_exit);

static struct started start_exits(struct proc *supervisor, const void *arg)
{
    proc_exit(supervisor, *(const struct reason *)arg);
}

static void body_start_children(struct proc *self, void *arg)
{
    struct reason reasons[] = {error("boom"), reason_make(EXIT_RAISED, "boom")};
    struct supervisor_spec spec = {.strategy = *(enum strategy *)arg, SUPERVISOR_DEFAULTS};
    proc_id sup = supervisor_start_link(self, &spec).pid;
    for (int i = 0; i < 2; i++) {
        struct child_spec child = {
            .id = "a", .start = start_exits, .arg = &reasons[i], .arg_size = sizeof reasons[i]};
        struct child_answer answer = supervisor_start_child(self, sup, &child);
        say(proc_env(self), "%s", reason_term(answer.started.why, (char[REASON_WORDS]){0}));
    }
    say(proc_env(self), "%d", proc_alive(proc_runtime(self), sup));
}

Test(start_exit, sup_12_is_an_error_in_words)
{
    enum strategy strategy = ONE_FOR_ONE;
    spawn(body_start_children, &strategy);
    runtime_run(runtime);
    said_is("{'EXIT',boom} {'EXIT',{boom,stack}} 1");
}

Test(start_exit, dyn_05_is_the_bare_reason_where_children_have_no_ids)
{
    enum strategy strategy = DYNAMIC;
    spawn(body_start_children, &strategy);
    runtime_run(runtime);
    said_is("boom {boom,stack} 1");
}

static int starts_left;

static void body_stand(struct proc *self, void *arg)
{
    (void)arg;
    proc_started(self);
    body_listen(self, NULL);
}

static struct started start_stands(struct proc *supervisor, const void *arg)
{
    (void)arg;
    if (starts_left-- == 0)
        proc_exit(supervisor, error("boom"));
    say(proc_env(supervisor), "start");
    return proc_start(supervisor, &(struct proc_spec){.label = "a", .main = body_stand},
                      WAIT_FOREVER);
}

Test(start_exit, rst_14_a_restart_whose_start_exits_is_tried_again)
{
    struct child_spec child = {.id = "a", .start = start_stands};
    starts_left = 1;
    proc_id sup = supervisor_start(
        runtime, 0,
        &(struct supervisor_spec){.children = &child, .child_count = 1, SUPERVISOR_DEFAULTS}, NULL);
    runtime_run(runtime);
    proc_signal(runtime, 0, 2, error("oops"));
    runtime_run(runtime);
    said_is("start start");
    cr_assert(proc_alive(runtime, sup));
}
