/* bench_tasks.c: what tasks, streams of them and stages cost. One JSON object a line, as in bench_runtime.c; rates are the best
 * of several rounds.
 */
#define _GNU_SOURCE
#include "sut/runtime/bench/rig.h"
#include "sut/runtime/stage.h"
#include "sut/runtime/task_stream.h"

enum { COUNT = 100000 };

static int done;

static void run_checked(void *main)
{
    done = 0;
    run_body(main);
    if (done != COUNT)
        exit(1);
}

static void bench(const char *name, proc_main *main)
{
    report(name, COUNT / best_seconds(run_checked, &main), "1/s");
}

static struct task_value body_number(struct proc *self, void *arg)
{
    (void)self;
    return (struct task_value){arg, sizeof(int)};
}

static void main_async(struct proc *self, void *arg)
{
    (void)arg;
    struct task task;
    struct task_spec spec = {.body = body_number, .arg_size = sizeof(int)};
    for (int i = 0; i < COUNT; i++) {
        spec.arg = &i;
        task_async(self, &spec, &task);
        struct task_value value = task_await_or_exit(self, &task, 5 * NS_PER_S);
        done += *(const int *)value.data == i;
        heap_release(proc_heap(self), (void *)(uintptr_t)value.data);
    }
}

/* The same beside so many messages that wait for something else. */
static void main_crowded(struct proc *self, void *arg)
{
    enum { MAILS = 10000 };
    for (int i = 0; i < MAILS; i++)
        proc_send(proc_runtime(self), proc_self(self), proc_self(self), MSG_USER, &i, sizeof i);
    main_async(self, arg);
}

static bool next_number(struct proc *self, void *ctx, struct task_value *ret_element)
{
    int *left = ctx;
    (void)self;
    *ret_element = (struct task_value){left, sizeof *left};
    return (*left)-- > 0;
}

static void main_stream(struct proc *self, void *arg)
{
    (void)arg;
    int left = COUNT;
    struct task_stream *stream = NULL;
    struct task_stream_item item;
    struct task_stream_spec spec = {
        .next = next_number, .ctx = &left, .body = body_number, .max_concurrency = 100};
    task_stream_open(self, &spec, &stream);
    for (; task_stream_next_or_exit(self, stream, &item); done++)
        heap_release(proc_heap(self), (void *)(uintptr_t)item.result.value.data);
    task_stream_close(self, stream);
}

/* ---- stages: a producer, one in the middle, a consumer ---- */

static void produce(struct proc *self, void *state, uint64_t count)
{
    int *next = state;
    for (; count > 0 && *next < COUNT; count--, ++*next)
        stage_emit(self, next, sizeof *next);
}

static void pass_on(struct proc *self, void *state, const struct stage_event *events, size_t count,
                    struct stage_from from)
{
    (void)state, (void)from;
    for (size_t i = 0; i < count; i++)
        stage_emit(self, events[i].data, events[i].size);
}

static void consume(struct proc *self, void *state, const struct stage_event *events, size_t count,
                    struct stage_from from)
{
    (void)self, (void)state, (void)from, (void)events;
    done += (int)count;
}

static proc_id stage(struct proc *self, enum stage_type type, const struct stage_ops *functions,
                     proc_id to)
{
    struct stage_subscription subscription = {.to = to};
    struct stage_spec spec = {.type = type,
                              .ops = functions,
                              .state_size = sizeof(int),
                              .subscriptions = &subscription,
                              .subscription_count = to ? 1 : 0};
    return stage_start(self, &spec).pid;
}

static void main_stages(struct proc *self, void *arg)
{
    static const struct stage_ops producer = {.demand = produce}, middle = {.events = pass_on},
                                  consumer = {.events = consume};
    (void)arg;
    proc_id first = stage(self, STAGE_PRODUCER, &producer, 0);
    proc_id second = stage(self, STAGE_PRODUCER_CONSUMER, &middle, first);
    stage(self, STAGE_CONSUMER, &consumer, second);
}

int main(void)
{
    bench("tasks, async and await", main_async);
    bench("tasks, beside 10,000 messages", main_crowded);
    bench("elements through async_stream, 100 at once", main_stream);
    bench("events through three stages", main_stages);
    return 0;
}
