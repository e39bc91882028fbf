/* Processes: how they begin and end, their names, and what they leave behind: nothing. Pids are 1,
 * 2, ... in the order of spawning; rule numbers are those of the OTP semantics (SIG-01 ...). */
#include "fixture.h"

#include <errno.h>

/* ---- reasons ---- */

SUITE(reason);

Test(reason, texts)
{
    char text[REASON_WORDS];
    cr_assert_str_eq(reason_text(plain(EXIT_NORMAL), text), "normal");
    cr_assert_str_eq(reason_text(plain(EXIT_SHUTDOWN), text), "shutdown");
    cr_assert_str_eq(reason_text(reason_make(EXIT_SHUTDOWN, "%d left", 3), text),
                     "shutdown:3 left");
    cr_assert_str_eq(reason_text(plain(EXIT_KILL), text), "kill");
    cr_assert_str_eq(reason_text(plain(EXIT_KILLED), text), "killed");
    cr_assert_str_eq(reason_text(plain(EXIT_NOPROC), text), "noproc");
    cr_assert_str_eq(reason_text(error("disk full"), text), "disk full");
    cr_assert_str_eq(reason_text(plain(EXIT_ERROR), text), "error");
}

Test(reason, terms_SIG_03)
{
    char term[REASON_WORDS];
    cr_assert_str_eq(reason_term(plain(EXIT_NORMAL), term), "normal");
    cr_assert_str_eq(reason_term(reason_make(EXIT_SHUTDOWN, "x"), term), "{shutdown,x}");
    cr_assert_str_eq(reason_term(reason_make(EXIT_RAISED, "boom"), term), "{boom,stack}");
    cr_assert_str_eq(reason_term(reason_make(EXIT_THROWN, "boom"), term), "{{nocatch,boom},stack}");
    cr_assert_str_eq(reason_term(error("boom"), term), "boom");
}

Test(reason, calm_are_normal_and_shutdown_RST_04)
{
    cr_assert(reason_is_calm(plain(EXIT_NORMAL)));
    cr_assert(reason_is_calm(plain(EXIT_SHUTDOWN)));
    cr_assert(reason_is_calm(reason_make(EXIT_SHUTDOWN, "with text")));
    cr_assert_not(reason_is_calm(plain(EXIT_KILL)));
    cr_assert_not(reason_is_calm(plain(EXIT_KILLED)));
    cr_assert_not(reason_is_calm(plain(EXIT_NOPROC)));
    cr_assert_not(reason_is_calm(error("x")));
}

Test(reason, too_long_is_cut)
{
    char long_text[2 * REASON_TEXT] = {0}, text[REASON_WORDS];
    memset(long_text, 'x', sizeof long_text - 1);
    struct reason reason = error(long_text);
    cr_assert_eq(strlen(reason.text), sizeof reason.text - 1);
    cr_assert_eq(strlen(reason_text(reason, text)), sizeof reason.text - 1);
}

/* ---- ending ---- */

SUITE(end);

Test(end, return_is_normal_SIG_01)
{
    proc_id watcher = spawn_linked(body_listen, NULL, 0, true);
    spawn_linked(body_return, NULL, watcher, false);
    cr_assert_eq(runtime_run(runtime), INT64_MAX);
    said_is("EXIT(2,normal)");
    cr_assert_eq(runtime_count(runtime), 1);
}

Test(end, exit_gives_the_reason_SIG_02)
{
    struct reason reasons[] = {error("boom"), plain(EXIT_KILL), reason_make(EXIT_SHUTDOWN, "why")};
    proc_id watcher = spawn_linked(body_listen, NULL, 0, true);
    for (int i = 0; i < 3; ++i)
        spawn_linked(body_die, &reasons[i], watcher, false);
    runtime_run(runtime);
    said_is("EXIT(2,boom) EXIT(3,kill) EXIT(4,shutdown:why)");
}

Test(end, tells_links_and_monitors_SIG_04)
{
    struct reason reason = error("boom");
    proc_id linked = spawn_linked(body_listen, NULL, 0, true);
    proc_id watching = spawn(body_listen, NULL);
    ref_id ref = 0;
    proc_spawn(runtime, &(struct proc_spec){.main = body_die,
                                            .arg = &reason,
                                            .link = linked,
                                            .monitor = watching,
                                            .ret_monitor = &ref});
    runtime_run(runtime);
    cr_assert_neq(ref, 0);
    said_is("EXIT(3,boom) DOWN(3,boom)");
    cr_assert(proc_alive(runtime, linked));
    cr_assert(proc_alive(runtime, watching));
}

static void body_arg(struct proc *self, void *arg)
{
    say(proc_env(self), "%s:%d", proc_label(self), *(int *)arg);
}

Test(end, arguments_and_labels_are_copied)
{
    char label[] = "one";
    int arg = 7;
    proc_spawn(runtime, &(struct proc_spec){
                            .label = label, .main = body_arg, .arg = &arg, .arg_size = sizeof arg});
    label[0] = 'x', arg = 8;
    runtime_run(runtime);
    said_is("one:7");
}

Test(end, ids_are_never_used_again)
{
    proc_id first = spawn(body_return, NULL);
    runtime_run(runtime);
    cr_assert_not(proc_alive(runtime, first));
    cr_assert_eq(spawn(body_return, NULL), first + 1);
}

Test(end, the_living_are_listed_in_order)
{
    proc_id first = spawn(body_listen, NULL), second = spawn(body_return, NULL),
            third = spawn(body_listen, NULL);
    cr_assert_eq(proc_next(runtime, 0), first);
    cr_assert_eq(proc_next(runtime, first), second);
    runtime_run(runtime);
    cr_assert_eq(proc_next(runtime, first), third);
    cr_assert_eq(proc_next(runtime, third), 0);
}

Test(end, procs_max_refuses)
{
    struct runtime_options options = {.procs_max = 2};
    struct runtime *small = runtime_new(&fake.env, &options);
    struct proc_spec spec = {.main = body_return};
    cr_assert_neq(proc_spawn(small, &spec), 0);
    cr_assert_neq(proc_spawn(small, &spec), 0);
    cr_assert_eq(proc_spawn(small, &spec), 0);
    runtime_run(small);
    cr_assert_neq(proc_spawn(small, &spec), 0, "ended processes make room");
    runtime_free(small);
}

/* ---- names ---- */

SUITE(names);

static void body_name(struct proc *self, void *arg)
{
    int err = proc_register(self, arg);
    say(proc_env(self), "%d:%d", (int)proc_self(self), err);
    proc_receive(self, WAIT_FOREVER);
}

static void body_two_names(struct proc *self, void *arg)
{
    (void)arg;
    cr_assert_eq(proc_register(self, "one"), 0);
    cr_assert_eq(proc_register(self, "two"), -EEXIST);
}

Test(names, are_unique_and_freed_at_the_end_SIG_28)
{
    proc_id first = spawn(body_name, "boss");
    spawn(body_name, "boss");
    runtime_run(runtime);
    cr_assert_eq(runtime_whereis(runtime, "boss"), first);
    cr_assert_eq(runtime_whereis(runtime, "bos"), 0);
    post(first, MSG_USER);
    runtime_run(runtime);
    cr_assert_eq(runtime_whereis(runtime, "boss"), 0);
    spawn(body_name, "boss");
    runtime_run(runtime);
    cr_assert_eq(runtime_whereis(runtime, "boss"), 3);
    char text[32];
    snprintf(text, sizeof text, "1:0 2:%d 3:0", -EEXIST);
    said_is(text);
}

Test(names, one_per_process_SIG_28)
{
    spawn(body_two_names, NULL);
    runtime_run(runtime);
    cr_assert_eq(runtime_whereis(runtime, "two"), 0);
}

/* ---- what is left behind ---- */

SUITE(leaks);

static void body_hoard(struct proc *self, void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; ++i)
        heap_alloc(proc_heap(self), 100);
    proc_register(self, "hoarder");
    proc_monitor(self, 1);
    proc_send_after(self, NS_PER_S, proc_self(self), MSG_USER, "later", 6);
    proc_receive_match(self, NULL, NULL, NS_PER_S / 2);
    cr_assert_fail("it is dropped while it waits");
}

Test(leaks, everything_of_a_process_goes_with_it)
{
    proc_id first = spawn(body_wait, NULL);
    runtime_run(runtime);
    size_t blocks = heap_blocks(fake.env.heap);
    proc_id id = spawn_linked(body_hoard, NULL, first, true);
    runtime_run(runtime);
    cr_assert_gt(heap_blocks(fake.env.heap), blocks);
    cr_assert_neq(runtime_whereis(runtime, "hoarder"), 0);
    proc_signal(runtime, 0, id, plain(EXIT_KILL));
    cr_assert_eq(runtime_count(runtime), 0, "the link took the first with it");
    cr_assert_eq(heap_blocks(fake.env.heap), blocks - 1);
    cr_assert_eq(runtime_run(runtime), INT64_MAX, "no timer is left");
    cr_assert_eq(runtime_whereis(runtime, "hoarder"), 0);
}

Test(leaks, a_hundred_thousand_processes)
{
    size_t blocks = 0;
    for (int batch = 0; batch < 100; ++batch) {
        for (int i = 0; i < 1000; ++i)
            spawn(body_return, NULL);
        runtime_run(runtime);
        cr_assert_eq(runtime_count(runtime), 0);
        if (batch == 0)
            blocks = heap_blocks(fake.env.heap);
    }
    cr_assert_eq(heap_blocks(fake.env.heap), blocks);
}

static void body_abandon(struct proc *self, void *arg)
{
    (void)arg;
    heap_alloc(proc_heap(self), 100);
    runtime_abandon(proc_runtime(self));
}

Test(leaks, abandon_stops_at_once_and_frees_everything)
{
    spawn(body_hoard, NULL);
    spawn(body_abandon, NULL);
    spawn(body_name, "never");
    cr_assert_eq(runtime_run(runtime), INT64_MIN);
    said_is("");
    cr_assert_eq(runtime_run(runtime), INT64_MIN, "it is over");
} /* the teardown frees the runtime and counts */

/* ---- turns ---- */

SUITE(turn);

static void body_say_pid(struct proc *self, void *arg)
{
    (void)arg;
    say(proc_env(self), "%d", (int)proc_self(self));
}

Test(turn, the_longest_waiting_goes_first)
{
    for (int i = 0; i < 4; ++i)
        spawn(body_say_pid, NULL);
    runtime_run(runtime);
    said_is("1 2 3 4");
}

Test(turn, the_environment_may_want_another_order)
{
    fake.last_first = true;
    for (int i = 0; i < 4; ++i)
        spawn(body_say_pid, NULL);
    runtime_run(runtime);
    said_is("4 3 2 1");
}
