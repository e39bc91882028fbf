/* Streams of tasks. Rule numbers are those of the OTP semantics. ( ... ) is what was left in the mailbox; an item reads as the
 * number that its task gave, or !reason.
 */
#include "tasks.h"

#include "sut/runtime/task_stream.h"

SUITE(stream);

/* ---- an input of orders, and bodies that say when they run ---- */

struct input {
    const struct work_order *orders;
    size_t count, next;
    bool say;
};

static bool input_next(struct proc *self, void *ctx, struct task_value *ret_element)
{
    struct input *input = ctx;
    if (input->say)
        say(proc_env(self), "pull");
    if (input->next == input->count)
        return false;
    *ret_element = (struct task_value){&input->orders[input->next++], sizeof *input->orders};
    return true;
}

static int running, running_most;

static struct task_value task_counted(struct proc *self, void *arg)
{
    running_most = ++running > running_most ? running : running_most;
    struct task_value value = task_work(self, arg);
    running--;
    return value;
}

static void say_item(struct proc *self, const struct task_stream_item *item)
{
    if (item->result.how == TASK_OK)
        say(proc_env(self), "%d", (int)*(const int64_t *)item->result.value.data);
    else if (item->input.data)
        say(proc_env(self), "!%s of %d", reason_text(item->result.why, (char[REASON_WORDS]){0}),
            (int)((const struct work_order *)item->input.data)->number);
    else
        say(proc_env(self), "!%s", reason_text(item->result.why, (char[REASON_WORDS]){0}));
}

#define ORDERS(...)                                                                                \
    (&(struct input){.orders = (const struct work_order[]){__VA_ARGS__},                           \
                     .count =                                                                      \
                         sizeof((struct work_order[]){__VA_ARGS__}) / sizeof(struct work_order)})

static struct task_stream *stream_of(struct proc *self, struct input *input,
                                     struct task_stream_spec spec)
{
    struct task_stream *stream = NULL;
    spec.next = input_next;
    spec.ctx = input;
    spec.body = spec.body ? spec.body : task_counted;
    spec.max_concurrency = spec.max_concurrency ? spec.max_concurrency : 2;
    cr_expect_eq(task_stream_open(self, &spec, &stream), 0);
    return stream;
}

/* All items, what ended it if it ended too soon, and what is left of it. */
static void say_stream(struct proc *self, struct input *input, struct task_stream_spec spec)
{
    struct task_stream_item item;
    struct task_stream *stream = stream_of(self, input, spec);
    size_t blocks = heap_blocks(proc_heap(self));
    int more;
    while ((more = task_stream_next(self, stream, &item)) == 1) {
        say_item(self, &item);
        heap_release(proc_heap(self), (void *)(uintptr_t)item.result.value.data);
    }
    if (more < 0)
        say(proc_env(self), "%s", reason_text(task_stream_why(stream), (char[REASON_WORDS]){0}));
    task_stream_close(self, stream);
    cr_expect_leq(heap_blocks(proc_heap(self)), blocks);
    cr_expect_leq(runtime_count(runtime), 3, "no task is left");
    say_mailbox(self);
}

/* ---- order, and how many at once ---- */

static void body_ordered(struct proc *self, void *arg)
{
    (void)arg;
    say_stream(self,
               ORDERS({.wait_ns = 3 * MS, .number = 1}, {.wait_ns = MS, .number = 2},
                      {.wait_ns = MS, .number = 3}),
               (struct task_stream_spec){.unordered = arg != NULL, .max_concurrency = 3});
}

Test(stream, results_come_in_the_order_of_the_input_STR_01)
{
    live(body_ordered, false);
    said_is("1 2 3 ( )");
}

static void body_unordered(struct proc *self, void *arg)
{
    (void)arg;
    say_stream(self,
               ORDERS({.wait_ns = 3 * MS, .number = 1}, {.wait_ns = MS, .number = 2},
                      {.wait_ns = 2 * MS, .number = 3}),
               (struct task_stream_spec){.unordered = true, .max_concurrency = 3});
}

Test(stream, or_as_they_come_STR_02)
{
    live(body_unordered, false);
    said_is("2 3 1 ( )");
}

static void body_many(struct proc *self, void *arg)
{
    (void)arg;
    struct work_order orders[20];
    for (int i = 0; i < 20; i++)
        orders[i] = (struct work_order){.wait_ns = i % 3 * MS, .number = i};
    running_most = 0;
    say_stream(self, &(struct input){.orders = orders, .count = 20},
               (struct task_stream_spec){.max_concurrency = 4});
}

Test(stream, so_many_run_at_once_and_no_more_STR_03)
{
    live(body_many, false);
    said_is("0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 ( )");
    cr_assert_eq(running_most, 4);
}

static void body_slow_head(struct proc *self, void *arg)
{
    (void)arg;
    struct work_order orders[10] = {{.wait_ns = 100 * MS}};
    for (int i = 1; i < 10; i++)
        orders[i] = (struct work_order){.wait_ns = 10 * MS, .number = i};
    int64_t start = proc_now(self);
    struct task_stream_item item;
    struct task_stream *stream = stream_of(self, &(struct input){.orders = orders, .count = 10},
                                           (struct task_stream_spec){0});
    while (task_stream_next(self, stream, &item) == 1)
        continue;
    say(proc_env(self), "%dms", (int)((proc_now(self) - start) / MS));
    task_stream_close(self, stream);
}

Test(stream, a_slow_first_one_holds_up_nobody_STR_12)
{
    live(body_slow_head, false);
    said_is("100ms");
}

/* ---- failures ---- */

static void body_boom(struct proc *self, void *arg)
{
    (void)arg;
    say_stream(self,
               ORDERS({.number = 1}, {.number = 2, .fail = &boom}, {.number = 3, .wait_ns = MS}),
               (struct task_stream_spec){.zip_input = false});
}

Test(stream, a_failing_task_takes_the_consumer_along_STR_04)
{
    live_and_end(body_boom, false);
    said_is("EXIT(2,boom)");
    cr_assert_eq(runtime_count(runtime), 1, "and all tasks");
}

Test(stream, for_a_trapping_consumer_it_is_an_item_STR_05)
{
    live(body_boom, true);
    said_is("1 !boom 3 ( )");
}

static void body_zip(struct proc *self, void *arg)
{
    (void)arg;
    say_stream(self, ORDERS({.number = 1}, {.number = 2, .fail = &boom}),
               (struct task_stream_spec){.zip_input = true});
    say_stream(self, ORDERS({.number = 1, .wait_ns = 3 * MS}, {.number = 2}),
               (struct task_stream_spec){.zip_input = true, .timeout_ns = MS, .kill_late = true});
}

Test(stream, with_its_input_STR_06_STR_09)
{
    live(body_zip, true);
    said_is("1 !boom of 2 ( ) !timeout of 1 2 ( )");
}

static void body_late(struct proc *self, void *arg)
{
    (void)arg;
    say_stream(self, ORDERS({.number = 1}, {.number = 2, .wait_ns = 9 * NS_PER_S}, {.number = 3}),
               (struct task_stream_spec){0});
    struct task_stream_item item;
    struct task_stream *stream =
        stream_of(self, ORDERS({.wait_ns = 3 * MS}), (struct task_stream_spec){.timeout_ns = MS});
    task_stream_next_or_exit(self, stream, &item);
}

Test(stream, a_late_task_ends_it_STR_07)
{
    live_and_end(body_late, false);
    said_is("1 timeout ( ) EXIT(2,{timeout,{task,stream}})");
}

static void body_kill_late(struct proc *self, void *arg)
{
    (void)arg;
    say_stream(self,
               ORDERS({.number = 1}, {.number = 2, .wait_ns = 9 * MS, .trap = true}, {.number = 3}),
               (struct task_stream_spec){.timeout_ns = 5 * MS, .kill_late = true});
}

Test(stream, or_is_killed_and_an_item_STR_08)
{
    live(body_kill_late, false);
    said_is("1 !timeout 3 ( )");
}

/* ---- laziness, and stopping in the middle ---- */

static void body_lazy(struct proc *self, void *arg)
{
    (void)arg;
    struct task_stream_item item;
    struct input *input =
        ORDERS({.number = 1}, {.number = 2, .wait_ns = 5 * MS}, {.number = 3}, {.number = 4});
    input->say = true;
    struct task_stream *stream = stream_of(self, input, (struct task_stream_spec){0});
    say(proc_env(self), "open");
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(task_stream_next(self, stream, &item), 1);
        say_item(self, &item);
    }
    task_stream_close(self, stream);
    say_mailbox(self);
}

Test(stream, the_input_is_pulled_when_it_is_asked_for_STR_10_STR_17)
{
    live(body_lazy, false);
    said_is("open pull pull 1 pull pull pull 2 ( )");
}

static void body_halt(struct proc *self, void *arg)
{
    (void)arg;
    struct task_stream_item item;
    struct task_stream *stream =
        stream_of(self,
                  ORDERS({.number = 1}, {.wait_ns = NS_PER_S}, {.wait_ns = NS_PER_S, .trap = true},
                         {.number = 4}),
                  (struct task_stream_spec){.max_concurrency = 3});
    cr_expect_eq(task_stream_next(self, stream, &item), 1);
    proc_sleep(self, MS);
    size_t before = runtime_count(runtime);
    task_stream_close(self, stream);
    say(proc_env(self), "%d", (int)(before - runtime_count(runtime)));
    say_mailbox(self);
}

Test(stream, halting_kills_what_runs_and_leaves_nothing_STR_10_STR_19)
{
    live(body_halt, false);
    said_is("3 ( )");
    live(body_halt, true);
    said_is("3 ( ) 3 ( )");
}

static bool input_boom(struct proc *self, void *ctx, struct task_value *ret_element)
{
    if ((*(int *)ctx)++ == 2)
        proc_exit(self, boom);
    static const struct work_order order = {.wait_ns = NS_PER_S};
    *ret_element = (struct task_value){&order, sizeof order};
    return true;
}

static void body_input_boom(struct proc *self, void *arg)
{
    (void)arg;
    int pulled = 0;
    struct task_stream_item item;
    struct task_stream *stream = NULL;
    struct task_stream_spec spec = {
        .next = input_boom, .ctx = &pulled, .body = task_work, .max_concurrency = 5};
    cr_expect_eq(task_stream_open(self, &spec, &stream), 0);
    task_stream_next(self, stream, &item);
}

Test(stream, when_the_input_fails_the_tasks_go_too_STR_17_STR_20)
{
    live_and_end(body_input_boom, false);
    said_is("EXIT(2,boom)");
    cr_assert_eq(runtime_count(runtime), 1);
}

static void body_bad(struct proc *self, void *arg)
{
    (void)arg;
    struct task_stream *stream = NULL;
    struct task_stream_spec good = {.next = input_next, .body = task_work, .max_concurrency = 1};
    struct task_stream_spec none = good, late = good, orphan = good;
    none.max_concurrency = 0;
    late.timeout_ns = -1;
    orphan.nolink = true;
    say(proc_env(self), "%d %d %d", task_stream_open(self, &none, &stream) == -EINVAL,
        task_stream_open(self, &late, &stream) == -EINVAL,
        task_stream_open(self, &orphan, &stream) == -EINVAL);
}

Test(stream, contradictions_are_refused_STR_13)
{
    live(body_bad, false);
    said_is("1 1 1");
}

/* ---- a value, and then no peaceful end ---- */

static struct task_value task_odd_end(struct proc *self, void *arg)
{
    struct task_value value = task_work(self, arg);
    proc_spawn(runtime,
               &(struct proc_spec){.main = body_die, .arg = &boom, .link = proc_self(self)});
    return value;
}

static void body_odd_end(struct proc *self, void *arg)
{
    (void)arg;
    say_stream(self, ORDERS({.number = 1}, {.number = 2}),
               (struct task_stream_spec){.body = task_odd_end});
}

Test(stream, a_value_counts_whatever_becomes_of_the_task_STR_14_STR_15)
{
    live(body_odd_end, true);
    said_is("1 2 ( )");
}

/* ---- the process in the middle ---- */

static void body_kill_middle(struct proc *self, void *arg)
{
    (void)arg;
    struct task_stream_item item;
    struct task_stream *stream =
        stream_of(self, ORDERS({.wait_ns = NS_PER_S}), (struct task_stream_spec){0});
    proc_id middle = proc_self(self) + 1;
    proc_send_after(self, MS, proc_self(self), MSG_USER, NULL, 0);
    proc_receive(self, WAIT_FOREVER);
    proc_signal(runtime, 0, middle, plain(EXIT_KILL));
    say(proc_env(self), "%d", task_stream_next(self, stream, &item) == -EPIPE);
    task_stream_close(self, stream);
    say_mailbox(self);
}

Test(stream, its_death_is_the_consumers_STR_16)
{
    live_and_end(body_kill_middle, false);
    said_is("EXIT(2,killed)");
}

Test(stream, unless_that_traps_exits_STR_16)
{
    live(body_kill_middle, true);
    said_is("1 ( EXIT(2,killed) )");
}

/* ---- below a supervisor ---- */

static proc_id tasks;

static void tasks_begin(size_t max_children)
{
    tasks = supervisor_start(
        runtime, 0, &(struct supervisor_spec){TASK_SUPERVISOR, .max_children = max_children}, NULL);
    runtime_run(runtime);
}

static void body_nolink(struct proc *self, void *arg)
{
    (void)arg;
    say_stream(self, ORDERS({.number = 1}, {.number = 2, .fail = &boom}, {.number = 3}),
               (struct task_stream_spec){.supervisor = tasks, .nolink = true});
}

Test(stream, without_a_link_a_failure_is_an_item_STR_11)
{
    tasks_begin(0);
    live(body_nolink, false);
    said_is("1 !boom 3 ( )");
}

static void body_full(struct proc *self, void *arg)
{
    (void)arg;
    say_stream(self, ORDERS({.wait_ns = MS}, {.number = 2}),
               (struct task_stream_spec){.supervisor = tasks});
}

Test(stream, a_full_supervisor_ends_it_STR_18)
{
    tasks_begin(1);
    live(body_full, false);
    said_is("max_children ( )");
    cr_assert(proc_alive(runtime, tasks));
}

static void body_consumer_dies(struct proc *self, void *arg)
{
    struct task_stream_item item;
    struct task_stream *stream =
        stream_of(self, ORDERS({.number = 1}, {.wait_ns = 10 * MS, .number = 2}),
                  (struct task_stream_spec){.supervisor = tasks, .nolink = *(bool *)arg});
    cr_expect_eq(task_stream_next(self, stream, &item), 1);
    proc_exit(self, boom);
}

Test(stream, tasks_end_with_the_consumer_unless_they_are_not_linked_STR_20)
{
    tasks_begin(0);
    running = 0;
    for (int nolink = 0; nolink < 2; nolink++) {
        bool arg = nolink;
        spawn(body_consumer_dies, &arg);
        fake_pass(&fake, runtime, MS);
        say(&fake.env, "%d", (int)runtime_count(runtime));
        fake_pass(&fake, runtime, 20 * MS);
        say(&fake.env, "%d", (int)runtime_count(runtime));
    }
    said_is("1 1 2 1");
}

static struct work_order endless = {.number = 1};

static bool input_count(struct proc *self, void *ctx, struct task_value *ret_element)
{
    (void)self;
    *ret_element = (struct task_value){&endless, sizeof endless};
    return (*(int *)ctx)-- > 0;
}

static void body_100000(struct proc *self, void *arg)
{
    (void)arg;
    int left = 100000, got = 0;
    struct task_stream_item item;
    struct task_stream *stream = NULL;
    struct task_stream_spec spec = {
        .next = input_count, .ctx = &left, .body = task_work, .max_concurrency = 100};
    cr_expect_eq(task_stream_open(self, &spec, &stream), 0);
    size_t blocks = heap_blocks(proc_heap(self));
    for (; task_stream_next(self, stream, &item) == 1; got++)
        heap_release(proc_heap(self), (void *)(uintptr_t)item.result.value.data);
    task_stream_close(self, stream);
    cr_expect_leq(heap_blocks(proc_heap(self)), blocks);
    say(proc_env(self), "%d", got);
}

Test(stream, a_hundred_thousand)
{
    live(body_100000, false);
    said_is("100000");
}
