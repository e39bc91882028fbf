/* Errors as values: how they are made and read, and how they come from where something failed to whoever asked for it. */
#include "fixture.h"
#include "sut/runtime/supervisor.h"

#include <errno.h>

/* ---- the value ---- */

static struct heap heap;

static void begin_heap(void)
{
    heap_init(&heap);
}

static void end_heap(void)
{
    heap_done(&heap);
}

TestSuite(error, .init = begin_heap, .fini = end_heap);

static const struct error *three_deep(void)
{
    const struct error *taken =
        error_new(&heap, ERROR_REFUSED, "already_started", "the name '%s' is taken", "db");
    const struct error *db = error_wrap(&heap, taken, "failed_to_start_child", "%s", "db");
    return error_wrap(&heap, error_as(db, EXIT_SHUTDOWN), "failed_to_start_child", "%s", "pool");
}

Test(error, words_name_all_causes)
{
    cr_assert_str_eq(error_words(&heap, three_deep()),
                     "failed_to_start_child (pool): failed_to_start_child (db): already_started "
                     "(the name 'db' is taken)");
    cr_assert_str_eq(error_words(&heap, &error_timeout), "timeout (no answer in time)");
}

Test(error, words_are_cut_where_the_room_ends)
{
    char small[12];
    cr_assert_eq(error_print(&error_timeout, small, sizeof small), 27);
    cr_assert_str_eq(small, "timeout (no");
    cr_assert_eq(error_print(&error_timeout, NULL, 0), 27);
}

Test(error, a_term_has_the_kinds_of_its_causes)
{
    char term[200];
    error_term(three_deep(), term, sizeof term);
    cr_assert_str_eq(
        term, "{failed_to_start_child,pool,{shutdown,{failed_to_start_child,db,already_started}}}");
    struct reason why = reason_make(EXIT_RAISED, "badarg");
    struct reason exit = reason_wrap(&heap, &why, EXIT_ERROR, "call", "%d", 17);
    cr_assert_str_eq(exit.text, "{{badarg,stack},{call,17}}");
    exit = reason_wrap(&heap, &(struct reason){.kind = EXIT_SHUTDOWN}, EXIT_ERROR, "call", "%d", 1);
    cr_assert_str_eq(exit.text, "{shutdown,{call,1}}");
}

Test(error, a_copy_is_one_block_and_refers_to_nothing_else)
{
    struct heap other;
    heap_init(&other);
    const struct error *copy = error_copy(&other, three_deep());
    heap_done(&heap);
    cr_assert_eq(heap_blocks(&other), 1);
    cr_assert_eq(error_depth(copy), 3);
    cr_assert_str_eq(error_root(copy)->code, "already_started");
    cr_assert_str_eq(error_find(copy, "already_started")->text, "the name 'db' is taken");
    cr_assert_null(error_find(copy, "timeout"));
    error_free(&other, copy);
    cr_assert_eq(heap_blocks(&other), 0);
    error_free(&other, &error_timeout);
    error_free(&other, NULL);
}

Test(error, a_cause_decides_the_class_and_a_class_is_an_errno)
{
    cr_assert_eq(three_deep()->class, ERROR_REFUSED);
    cr_assert_eq(error_errno(three_deep()), -EEXIST);
    cr_assert_eq(error_errno(&error_timeout), -ETIMEDOUT);
    cr_assert_str_eq(error_class_name(ERROR_NO_PROCESS), "no process");
    cr_assert_eq(error_of_errno(-ETIMEDOUT), &error_timeout);
    cr_assert_eq(error_of_errno(-EACCES)->class, ERROR_REFUSED);
    cr_assert_eq(error_of_errno(-12345)->class, ERROR_INPUT);
}

Test(error, a_reason_keeps_it_all_however_little_of_it_its_text_shows)
{
    struct reason why = reason_make(EXIT_ERROR, "nomem");
    for (int level = 0; level < 1000; level++)
        why = reason_wrap(&heap, &why, EXIT_SHUTDOWN, "failed_to_start_child", "level_%d", level);
    cr_assert_eq(strlen(why.text), REASON_TEXT - 1);
    cr_assert_eq(error_depth(why.error), 1001);
    char *term = reason_term_whole(&heap, &why);
    cr_assert(strncmp(term, "{shutdown,{failed_to_start_child,level_999,{shutdown,", 52) == 0);
    cr_assert_not_null(strstr(term, "level_0,nomem}}"));
    cr_assert_eq(strspn(strchr(strstr(term, "nomem"), '}'), "}"), 2000);
    cr_assert(strncmp(why.text, term + strlen("{shutdown,"), REASON_TEXT - 1) == 0);
}

Test(error, of_a_reason_without_one_is_made_of_its_words)
{
    const struct error *error =
        error_of_reason(&heap, &(struct reason){.kind = EXIT_SHUTDOWN, .text = "bye"});
    cr_assert_eq(error->class, ERROR_STOPPED);
    cr_assert_str_eq(error->code, "bye");
    struct reason back = reason_of_error(error);
    cr_assert(reason_equal(&back, &(struct reason){.kind = EXIT_SHUTDOWN, .text = "bye"}));
    error = error_of_reason(&heap, &(struct reason){.kind = EXIT_KILLED});
    cr_assert_str_eq(error->code, "killed");
    cr_assert_str_eq(reason_of_error(error).text, "");
}

/* ---- from where it failed ---- */

SUITE(errors);

enum { DEEP = 40 };

static struct started start_taken(struct proc *supervisor, const void *arg)
{
    (void)arg;
    return started_taken(supervisor, "db", 7);
}

/* A chain of so many supervisors, the last of which has a child that cannot be started. */
static struct supervisor_spec deep_tree(struct supervisor_spec *specs, struct child_spec *children,
                                        int levels)
{
    for (int i = levels - 1; i >= 0; i--) {
        children[i] = (struct child_spec){.id = i == levels - 1 ? "db" : "below"};
        if (i == levels - 1)
            children[i].start = start_taken;
        else
            children[i].supervisor = &specs[i + 1];
        specs[i] = (struct supervisor_spec){SUPERVISOR_DEFAULTS, .label = "deep",
                                            .children = &children[i], .child_count = 1};
    }
    return specs[0];
}

static struct started deep_start(struct proc *self)
{
    struct supervisor_spec specs[DEEP];
    struct child_spec children[DEEP];
    struct supervisor_spec spec = deep_tree(specs, children, DEEP);
    proc_trap_exit(self, true);
    return supervisor_start_link(self, &spec);
}

static void body_deep(struct proc *self, void *arg)
{
    (void)arg;
    size_t blocks = heap_blocks(proc_heap(self));
    struct started started = deep_start(self);
    cr_assert_eq(started.how, STARTED_ERROR);
    cr_assert_eq(error_depth(started.why.error), DEEP + 1);
    cr_assert_eq(started.why.error->class, ERROR_REFUSED);
    cr_assert_str_eq(started.why.error->text, "below");
    cr_assert_str_eq(error_root(started.why.error)->text, "the name 'db' is taken by process 7");
    reason_release(proc_heap(self), &started.why);
    cr_assert_eq(heap_blocks(proc_heap(self)), blocks);
    proc_exit(self, deep_start(self).why);
}

static void body_watch(struct proc *self, void *arg)
{
    (void)arg;
    proc_monitor(self, 1);
    const struct exit_message *down = proc_receive(self, WAIT_FOREVER)->data;
    char *term = reason_term_whole(proc_heap(self), &down->reason);
    cr_assert_eq(error_depth(down->reason.error), DEEP + 1);
    cr_assert_not_null(strstr(term, "{shutdown,{failed_to_start_child,db,already_started}}"));
    say(proc_env(self), "%d", (int)(strlen(term) > 1000));
}

Test(errors, a_start_says_what_failed_at_every_level_SUP_14)
{
    spawn(body_deep, NULL);
    spawn(body_watch, NULL);
    runtime_run(runtime);
    said_is("1");
}

static struct started start_once(struct proc *supervisor, const void *arg)
{
    int *starts = *(int *const *)arg;
    if (++*starts > 1 && *starts < 1000)
        return deep_start(supervisor);
    return started_ok(proc_spawn(
        runtime, &(struct proc_spec){.main = body_watch, .link = proc_self(supervisor)}));
}

Test(errors, of_tries_that_failed_are_given_back)
{
    int starts = 0, *counted = &starts;
    struct child_spec child = {
        .id = "a", .start = start_once, .arg = &counted, .arg_size = sizeof counted};
    struct supervisor_spec spec = {
        .intensity = 2000, .period_s = 1, .children = &child, .child_count = 1};
    proc_id idle = spawn(body_watch, NULL);
    (void)idle;
    proc_id sup = supervisor_start(runtime, 0, &spec, NULL);
    runtime_run(runtime);
    struct proc_info before, after;
    runtime_info(runtime, sup, &before);
    for (proc_id pid = sup; (pid = proc_next(runtime, pid));)
        proc_signal(runtime, 0, pid, plain(EXIT_KILL));
    runtime_run(runtime);
    runtime_info(runtime, sup, &after);
    cr_assert_eq(starts, 1000);
    cr_assert_lt(after.heap_bytes, before.heap_bytes + 1000);
}

static void body_contradiction(struct proc *self, void *arg)
{
    (void)arg;
    struct child_spec db = {.id = "db", .start = start_taken, .shutdown_ns = -7};
    struct supervisor_spec inner = {SUPERVISOR_DEFAULTS, .children = &db, .child_count = 1};
    struct child_spec pool = {.id = "pool", .supervisor = &inner};
    struct supervisor_spec outer = {SUPERVISOR_DEFAULTS, .children = &pool, .child_count = 1};
    struct started started = supervisor_start_link(self, &outer);
    say(proc_env(self), "%s", error_words(proc_heap(self), started.why.error));
}

Test(errors, of_a_spec_lead_to_the_child)
{
    spawn(body_contradiction, NULL);
    runtime_run(runtime);
    said_is("child (pool): child (db): invalid_shutdown (a child has a negative shutdown time)");
}

static void body_add(struct proc *self, void *arg)
{
    struct supervisor_spec specs[DEEP];
    struct child_spec children[DEEP];
    struct supervisor_spec tree = deep_tree(specs, children, 9);
    struct child_answer answer = supervisor_start_child(
        self, *(proc_id *)arg, &(struct child_spec){.id = "x", .supervisor = &tree});
    proc_receive(self, 0); /* the reply has gone */
    say(proc_env(self), "%d %s", answer.err, error_root(answer.started.why.error)->code);
}

Test(errors, come_with_the_answer_of_a_call)
{
    proc_id sup = supervisor_start(
        runtime, 0, &(struct supervisor_spec){SUPERVISOR_DEFAULTS, .label = "sup"}, NULL);
    spawn(body_add, &sup);
    runtime_run(runtime);
    said_is("0 already_started");
}
