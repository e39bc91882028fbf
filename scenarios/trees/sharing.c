/* sharing.c: what workers share out: tasks below a supervisor, messages on topics, and events to the consumers of their partitions. */
#include "scenarios/trees/trees.h"
#include "sut/runtime/pubsub.h"
#include "sut/runtime/stage.h"
#include "sut/runtime/task.h"

POINT_ABOUT("tree/event/got", "a consumer that a worker keeps got an event");

enum { TAG_TOPIC = MSG_USER + 30, TOPICS = 3, PARTITIONS = 3 };

/* ---- tasks ---- */

static struct task_value some_value(struct proc *self, void *arg)
{
    int64_t ns = *(const int64_t *)arg;
    if (ns > 400 * MS)
        proc_exit(self, reason_make(EXIT_ERROR, "no value"));
    proc_sleep(self, ns);
    return (struct task_value){arg, sizeof ns};
}

/* What the owner does with it; then it looks once more. */
static void task_settle(struct act *act, const struct task *task)
{
    struct task_result result = {0};
    switch (act_choose(act, "tree/task/settle", 3)) {
    case 0: task_await(act->self, task, 100 * MS, &result.value, NULL); break;
    case 1: result = task_yield(act->self, task, 100 * MS); break;
    case 2: result = task_shutdown(act->self, task, 100 * MS); break;
    default: result = task_ignore(act->self, task); break;
    }
    heap_release(proc_heap(act->self), (void *)(uintptr_t)result.value.data);
    task_yield(act->self, task, act_choose(act, "tree/task/again", S));
}

static void do_task(struct act *act)
{
    int64_t ns = act_choose(act, "tree/task/ns", 500 * MS);
    proc_id tasks = runtime_whereis(proc_runtime(act->self), "tasks");
    struct task task;
    proc_id child;
    struct task_spec spec = {
        .label = "task", .body = some_value, .arg = &ns, .arg_size = sizeof ns};
    switch (act_choose(act, "tree/task/kind", 2)) {
    case 0:
        if (task_async_nolink(act->self, tasks, &spec, &task) == 0)
            task_settle(act, &task);
        break;
    case 1:
        if (task_async_under(act->self, tasks, &spec, &task) == 0)
            task_settle(act, &task);
        break;
    default:
        spec.restart = (enum task_restart)act_choose(act, "tree/task/restart", TASK_TRANSIENT);
        task_start_child(act->self, tasks, &spec, &child);
    }
}

/* ---- topics ---- */

static struct value some_topic(const struct act *act)
{
    return value_int(act_choose(act, "tree/topic/which", TOPICS - 1));
}

static proc_id hub_of(const struct act *act)
{
    return runtime_whereis(proc_runtime(act->self), "hub");
}

static void do_subscribe(struct act *act)
{
    pubsub_subscribe(act->self, hub_of(act), some_topic(act), value_int(0));
}

static void do_unsubscribe(struct act *act)
{
    pubsub_unsubscribe(act->self, hub_of(act), some_topic(act));
}

static void do_broadcast(struct act *act)
{
    struct broadcast broadcast = {.tag = TAG_TOPIC};
    if (act_choose(act, "tree/topic/self", 1))
        broadcast.except = proc_self(act->self);
    pubsub_broadcast(act->self, hub_of(act), some_topic(act), &broadcast);
}

/* ---- events ---- */

static int64_t partition_of(const struct stage_event *event, void *ctx)
{
    (void)ctx;
    uint64_t number = *(const uint64_t *)event->data;
    return number % 7 == 6 ? -1 : (int64_t)(number % PARTITIONS); /* some are for nobody */
}

/* As many more as it is told, numbered. */
static struct server_next on_emit(struct proc *self, void *state, const struct message *message)
{
    uint64_t *number = state;
    for (int left = *(const int *)message->data; left > 0; left--) {
        ++*number;
        stage_emit(self, number, sizeof *number);
    }
    return server_go();
}

struct consumer {
    uint64_t partition, of; /* of so many; 0: it gets events of any */
};

static struct server_next consumer_init(struct proc *self, void *state, const void *arg)
{
    (void)self;
    *(struct consumer *)state = *(const struct consumer *)arg;
    return server_go();
}

static void on_events(struct proc *self, void *state, const struct stage_event *events,
                      size_t count, struct stage_from from)
{
    const struct consumer *consumer = state;
    for (size_t i = 0; i < count; i++)
        TRACE(proc_site(self), "tree/event/got", T_U64("consumer", proc_self(self)),
              T_U64("producer", from.pid), T_U64("number", *(const uint64_t *)events[i].data),
              T_U64("partition", consumer->partition), T_U64("of", consumer->of));
    (void)self, (void)events, (void)from, (void)consumer;
}

static void producer_start(struct act *act, struct services *has)
{
    static const struct stage_ops ops = {.cast = on_emit};
    struct stage_spec spec = {.label = "source",
                              .ops = &ops,
                              .state_size = sizeof(uint64_t),
                              .buffer_max = 50,
                              .keep_first = act_choose(act, "tree/source/keeps", 1)};
    has->partitioned = act_choose(act, "tree/source/partitions", 2) > 0;
    if (has->partitioned) {
        spec.dispatch = DISPATCH_PARTITION;
        spec.partitions = PARTITIONS;
        spec.partition_of = partition_of;
    }
    has->source = stage_start_link(act->self, &spec).pid;
}

static void consumer_start(struct act *act, const struct services *has)
{
    static const struct stage_ops ops = {.init = consumer_init, .events = on_events};
    struct consumer consumer = {.of = has->partitioned ? PARTITIONS : 0};
    consumer.partition =
        has->partitioned ? (uint64_t)act_choose(act, "tree/source/partition", PARTITIONS - 1) : 0;
    struct stage_subscription subscription = {
        .to = has->source,
        .max_demand = 1 + (uint32_t)act_choose(act, "tree/source/demand", 9),
        .partition = (uint32_t)consumer.partition,
        .cancel = CANCEL_TEMPORARY};
    struct stage_spec spec = {.label = "sink",
                              .type = STAGE_CONSUMER,
                              .ops = &ops,
                              .state_size = sizeof consumer,
                              .arg = &consumer,
                              .arg_size = sizeof consumer,
                              .subscriptions = &subscription,
                              .subscription_count = 1};
    stage_start_link(act->self, &spec);
}

static void do_events(struct act *act)
{
    enum { CONSUMERS_MAX = 5 };
    struct services *has = act->services;
    int count = 1 + (int)act_choose(act, "tree/source/emits", 19);
    if (!has->source)
        producer_start(act, has);
    else if (has->consumers < CONSUMERS_MAX && act_choose(act, "tree/source/joins", 1)) {
        has->consumers++;
        consumer_start(act, has);
    } else
        server_cast(proc_runtime(act->self), proc_self(act->self), has->source, MSG_USER, &count,
                    sizeof count);
}

void sharing_step(struct proc *self, const struct seat *seat, struct services *has)
{
    static void (*const deeds[])(struct act *) = {do_task,      do_task,      do_subscribe,
                                                  do_subscribe, do_broadcast, do_unsubscribe,
                                                  do_events,    do_events,    do_events};
    enum { DEEDS = sizeof deeds / sizeof deeds[0] };
    struct act act = {.self = self, .seat = seat, .nth = ++has->steps, .services = has};
    if (act_begin(&act, "tree/sharing/does", "tree/sharing/whom", T_SHARING))
        deeds[act_choose(&act, "tree/sharing/what", DEEDS - 1)](&act);
}

void sharing_boot(struct tree *tree)
{
    static const struct supervisor_spec tasks = {TASK_SUPERVISOR, .name = "tasks",
                                                 .max_children = 3};
    if (draws_fixed(&tree->trees->draws, T_SHARING) == 0)
        return;
    supervisor_start(tree->host.runtime, 0, &tasks, NULL);
    pubsub_start(tree->host.runtime, 0, "hub", NULL);
}
