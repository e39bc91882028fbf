/* Waiting for the environment: who owns the work when, and that nothing of it leaks or is used too
 * late. */
#include "fixture.h"

#include <errno.h>

SUITE(work);

struct sum {
    struct work work;
    int a, b, result;
};

static void sum_run(struct work *work)
{
    struct sum *sum = (struct sum *)work;
    sum->result = sum->a + sum->b;
}

static void sum_drop(struct work *work)
{
    say(&fake.env, "drop:%d", ((struct sum *)work)->result);
    heap_release(fake.env.heap, work);
}

static void body_sum(struct proc *self, void *arg)
{
    int64_t timeout = *(int64_t *)arg;
    struct sum *sum = heap_alloc(proc_env(self)->heap, sizeof *sum);
    *sum = (struct sum){.work.run = sum_run, .a = 2, .b = 3};
    int err = proc_work(self, &sum->work, sum_drop, timeout);
    if (err == 0) {
        say(proc_env(self), "sum:%d", sum->result);
        heap_release(proc_env(self)->heap, sum);
    } else {
        say(proc_env(self), "E%d", err);
    }
    say_message(self, proc_receive(self, 0));
}

static const int64_t second = NS_PER_S, forever = WAIT_FOREVER;

static proc_id spawn_sum(const int64_t *timeout)
{
    proc_id id = proc_spawn(runtime, &(struct proc_spec){.main = body_sum, .arg = timeout});
    runtime_run(runtime);
    return id;
}

static void end(proc_id id)
{
    proc_signal(runtime, 0, id, (struct reason){.kind = EXIT_KILL});
}

Test(work, done_in_time)
{
    proc_id id = spawn_sum(&forever);
    size_t blocks = heap_blocks(fake.env.heap);
    proc_send(runtime, 0, id, MSG_USER, NULL, 0);
    runtime_run(runtime);
    said_is(""); /* a message does not end the wait */
    fake_work_done(&fake, 0);
    runtime_run(runtime);
    said_is("sum:5 16");
    cr_assert_eq(heap_blocks(fake.env.heap), blocks - 3, "process, work and its record are gone");
}

Test(work, done_inside_submit)
{
    fake.at_once = true;
    spawn_sum(&second);
    said_is("sum:5 nothing");
    cr_assert_eq(runtime_run(runtime), INT64_MAX);
}

Test(work, done_and_timed_out_in_the_same_round_is_done)
{
    spawn_sum(&second);
    fake.now += second;
    fake_work_done(&fake, 0);
    runtime_run(runtime);
    said_is("sum:5 nothing");
}

Test(work, given_up_is_dropped_when_done)
{
    spawn_sum(&second);
    fake_pass(&fake, runtime, second);
    char expected[64];
    snprintf(expected, sizeof expected, "E%d nothing", -ETIMEDOUT);
    said_is(expected);
    fake_work_done(&fake, 0);
    snprintf(expected, sizeof expected, "E%d nothing drop:5", -ETIMEDOUT);
    said_is(expected);
}

Test(work, orphaned_is_dropped_when_done)
{
    proc_id id = spawn_sum(&second);
    end(id);
    cr_assert_eq(runtime_run(runtime), INT64_MAX, "its timer is gone");
    said_is("");
    fake_work_done(&fake, 0);
    said_is("drop:5");
}

Test(work, done_but_unnoticed_is_dropped_at_once)
{
    proc_id id = spawn_sum(&second);
    fake_work_done(&fake, 0);
    end(id);
    said_is("drop:5");
}

Test(work, under_way_when_everything_ends_is_forgotten)
{
    proc_id id = spawn_sum(&forever);
    spawn_sum(&forever);
    end(id);
    size_t blocks = heap_blocks(fake.env.heap);
    runtime_free(runtime);
    runtime = NULL;
    said_is("");
    cr_assert_gt(blocks, 2);
    cr_assert_eq(heap_blocks(fake.env.heap), 2,
                 "only the two works: the node's heap takes them along");
    for (size_t i = 0; i < fake.submitted_count; ++i)
        heap_release(fake.env.heap, fake.submitted[i]);
}
