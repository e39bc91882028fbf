/* Partitions: routing by key, restarts, more and fewer of them (PART). */
#include "kids.h"
#include "sut/runtime/partition.h"

SUITE(partition);

static void partition_main(struct proc *self, void *arg)
{
    say(proc_env(self), "+%d", *(const int *)arg);
    for (;;) {
        const struct message *message = proc_receive(self, WAIT_FOREVER);
        if (message->tag == KID_DIE)
            proc_exit(self, BOOM);
    }
}

static bool failing;

static struct started partition_start(struct proc *supervisor, const void *arg)
{
    if (failing)
        return started_error(BOOM);
    return started_ok(proc_spawn(runtime, &(struct proc_spec){.label = "part",
                                                              .main = partition_main,
                                                              .arg = arg,
                                                              .arg_size = sizeof(int),
                                                              .link = proc_self(supervisor)}));
}

static void number_as_argument(struct child_spec *child, size_t number, const void *ctx)
{
    static int numbers[8];
    numbers[number] = (int)number + *(const int *)ctx;
    child->arg = &numbers[number];
    child->arg_size = sizeof(int);
}

struct begin {
    struct partition_spec spec;
    struct started started;
};

static void begin_main(struct proc *self, void *arg)
{
    struct begin *begin = arg;
    proc_trap_exit(self, true);
    begin->started = partition_start_link(self, &begin->spec);
    proc_receive(self, WAIT_FOREVER);
}

static struct started begin(struct partition_spec spec)
{
    static struct begin one;
    static const int hundred = 100;
    if (!spec.child.main && !spec.child.start)
        spec.child.main = partition_main;
    if (!spec.with_arguments)
        spec.with_arguments = number_as_argument, spec.ctx = &hundred;
    spec.label = "parts", spec.period_s = 5, spec.intensity = 3;
    one = (struct begin){.spec = spec};
    spawn(begin_main, &one);
    runtime_run(runtime);
    return one.started;
}

static proc_id parts(size_t count)
{
    struct started started = begin((struct partition_spec){.partitions = count});
    cr_assert_eq(started.how, STARTED_OK);
    return started.pid;
}

static proc_id at(proc_id sup, int64_t key)
{
    proc_id pid = 0;
    cr_assert_eq(partition_of_number(runtime, sup, key, &pid), 0);
    return pid;
}

/* The number of the partition, by its process: they are spawned in order. */
static int number_at(proc_id sup, int64_t key)
{
    return (int)(at(sup, key) - sup) - 1;
}

Test(partition, a_number_goes_to_its_rest_PART_01)
{
    proc_id sup = parts(4);
    cr_assert_eq(number_at(sup, 0), 0);
    cr_assert_eq(number_at(sup, 6), 2);
    cr_assert_eq(number_at(sup, -1), 1);
    cr_assert_eq(number_at(sup, -7), 3);
    cr_assert_eq(number_at(sup, INT64_MIN), 0);
}

Test(partition, bytes_go_by_their_hash_always_the_same_way_PART_02)
{
    proc_id sup = parts(4), first = 0, again = 0;
    unsigned used = 0;
    for (int i = 0; i < 64; ++i) {
        char key[8];
        int size = snprintf(key, sizeof key, "key%d", i);
        cr_assert_eq(partition_of_bytes(runtime, sup, key, (size_t)size, &first), 0);
        cr_assert_eq(partition_of_bytes(runtime, sup, key, (size_t)size, &again), 0);
        cr_assert_eq(first, again);
        used |= 1u << (first - sup - 1);
    }
    cr_assert_eq(used, 15, "all of them are used");
}

Test(partition, a_restarted_one_has_its_number_PART_03)
{
    proc_id sup = parts(3), old = at(sup, 1);
    proc_send(runtime, 0, old, KID_DIE, NULL, 0);
    runtime_run(runtime);
    cr_assert_neq(at(sup, 1), old);
    cr_assert(proc_alive(runtime, at(sup, 1)));
    said_is("+100 +101 +102 +101");
}

Test(partition, ids_are_numbers_and_one_is_the_default_PART_04)
{
    answers("2+ 1+ 0+", CALL(CALL_WHICH, .sup = parts(3)));
    answers("0+", CALL(CALL_WHICH, .sup = parts(0)));
    struct partition_spec no_child = {.partitions = 2,
                                      .child = {.main = body_wait, .start = kid_start}};
    cr_assert_eq(begin(no_child).how, STARTED_ERROR);
}

Test(partition, strategies_PART_05)
{
    struct partition_spec spec = {.partitions = 2, .strategy = ONE_FOR_ALL};
    proc_id sup = begin(spec).pid;
    proc_send(runtime, 0, at(sup, 1), KID_DIE, NULL, 0);
    runtime_run(runtime);
    said_is("+100 +101 +100 +101");
    spec.strategy = DYNAMIC;
    struct started started = begin(spec);
    cr_assert_eq(started.how, STARTED_ERROR);
    cr_assert_str_eq(started.why.error->code, "invalid_strategy");
}

Test(partition, each_has_its_arguments_PART_06)
{
    parts(3);
    said_is("+100 +101 +102");
}

Test(partition, looking_up_does_not_look_whether_it_lives_PART_07)
{
    proc_id sup = parts(2), dead = at(sup, 1);
    proc_signal(runtime, 0, dead, plain(EXIT_KILL)); /* its supervisor has not run since */
    cr_assert_eq(at(sup, 1), dead);
    cr_assert_not(proc_alive(runtime, dead));
    runtime_run(runtime);
    cr_assert(proc_alive(runtime, at(sup, 1)));
}

struct resize {
    proc_id sup;
    size_t count;
    int err;
};

static void resize_main(struct proc *self, void *arg)
{
    struct resize *resize = arg;
    resize->err = partition_resize(self, resize->sup, resize->count);
}

static int resize(proc_id sup, size_t count)
{
    static struct resize one;
    one = (struct resize){.sup = sup, .count = count, .err = 1};
    spawn(resize_main, &one);
    runtime_run(runtime);
    return one.err;
}

Test(partition, fewer_and_more_PART_08)
{
    proc_id sup = parts(3), all[4];
    cr_assert_eq(resize(sup, 1), 0);
    cr_assert_eq(at(sup, 2), at(sup, 0));
    answers("2- 1- 0+", CALL(CALL_WHICH, .sup = sup));
    cr_assert_eq(resize(sup, 3), 0);
    answers("2+ 1+ 0+", CALL(CALL_WHICH, .sup = sup));
    cr_assert_eq(partition_all(runtime, sup, all, 4), 3);
    for (int i = 0; i < 3; ++i)
        cr_assert(proc_alive(runtime, all[i]));
    cr_assert_eq(resize(sup, 4), -EINVAL);
    proc_id pid;
    cr_assert_eq(resize(sup, 0), 0);
    cr_assert_eq(partition_of_number(runtime, sup, 0, &pid), -ENOENT);
    cr_assert_eq(resize(ROOT(ONE_FOR_ONE, 1, {.id = "x", .main = body_wait}), 1), -EINVAL);
}

Test(partition, one_that_cannot_be_started_again_changes_nothing_PART_08)
{
    failing = false;
    struct partition_spec spec = {.partitions = 2, .child.start = partition_start};
    proc_id sup = begin(spec).pid;
    cr_assert_eq(resize(sup, 1), 0);
    failing = true;
    cr_assert_eq(resize(sup, 2), -EIO);
    cr_assert_eq(at(sup, 1), at(sup, 0), "the second is not routed to");
    failing = false;
    cr_assert_eq(resize(sup, 2), 0);
    cr_assert(proc_alive(runtime, at(sup, 1)));
    cr_assert_neq(at(sup, 1), at(sup, 0));
    failing = true;
    cr_assert_eq(begin(spec).how, STARTED_ERROR);
}

Test(partition, by_name_and_nobody_PART_09)
{
    proc_id sup = begin((struct partition_spec){.partitions = 2, .name = "parts"}).pid, pid;
    cr_assert_eq(runtime_whereis(runtime, "parts"), sup);
    cr_assert_eq(partition_of_number(runtime, runtime_whereis(runtime, "nobody"), 1, &pid), -ESRCH);
    cr_assert_eq(partition_of_number(runtime, at(sup, 1), 1, &pid), -ESRCH);
    cr_assert_eq(partition_all(runtime, 99, &pid, 1), -ESRCH);
}
