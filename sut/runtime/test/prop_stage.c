/* A producer and consumers that come, ask, stop and die, in any order: nobody gets more than it asked for, nothing is lost or
 * comes twice, and nothing waits that is wanted (GST-21).
 */
#include "properties/prop.h"
#include "sut/runtime/stage.h"
#include "sut/runtime/test/fake_env.h"

enum { CONSUMERS = 5, PARTITIONS = 3 };
enum { TAG_EMIT = MSG_USER, TAG_ASK, TAG_UNSUBSCRIBE };

struct consumer {
    proc_id pid; /* 0: not there yet, or gone */
    bool manual;
    uint32_t partition;
    uint32_t max;
    struct stage_from from;
    int64_t asked, got;
    int last;        /* event; 0: none yet */
    bool contiguous; /* BROADCAST: each is the next of the one before */
};

static struct world {
    struct fake_env fake;
    struct runtime *runtime;
    enum stage_dispatch dispatch;
    bool answers; /* the producer does what it is asked for */
    proc_id producer;
    struct consumer consumers[CONSUMERS];
    int64_t emitted, demanded, delivered;
    int64_t asked; /* by all that ask when they are told */
} world;

/* ---- the stages ---- */

static void emit(struct proc *self, uint64_t count)
{
    for (; count > 0; count--) {
        int number = (int)++world.emitted;
        stage_emit(self, &number, sizeof number);
    }
}

static void on_demand(struct proc *self, void *state, uint64_t count)
{
    (void)state;
    world.demanded += (int64_t)count;
    if (world.answers)
        emit(self, count);
}

static struct server_next on_producer_cast(struct proc *self, void *state,
                                           const struct message *message)
{
    (void)state;
    emit(self, *(const uint64_t *)message->data);
    return server_go();
}

static struct server_next on_init(struct proc *self, void *state, const void *arg)
{
    (void)self;
    *(struct consumer **)state = *(struct consumer *const *)arg;
    return server_go();
}

static enum stage_mode on_subscribe(struct proc *self, void *state, enum stage_side side,
                                    const struct stage_subscription *subscription,
                                    struct stage_from from)
{
    struct consumer *consumer = *(struct consumer **)state;
    (void)self, (void)side, (void)subscription;
    consumer->from = from;
    return consumer->manual ? STAGE_MANUAL : STAGE_AUTOMATIC;
}

static void event_check(struct consumer *consumer, int number)
{
    prop_assert(number > consumer->last);
    consumer->contiguous &= consumer->last == 0 || number == consumer->last + 1;
    consumer->last = number;
    if (world.dispatch == DISPATCH_PARTITION)
        prop_assert(number % PARTITIONS == (int)consumer->partition);
}

static void on_events(struct proc *self, void *state, const struct stage_event *events,
                      size_t count, struct stage_from from)
{
    struct consumer *consumer = *(struct consumer **)state;
    (void)self, (void)from;
    for (size_t i = 0; i < count; i++)
        event_check(consumer, *(const int *)events[i].data);
    consumer->got += (int64_t)count;
    world.delivered += (int64_t)count;
    prop_assert(!consumer->manual || consumer->got <= consumer->asked);
    prop_assert(consumer->manual || count <= consumer->max);
}

static struct server_next on_consumer_cast(struct proc *self, void *state,
                                           const struct message *message)
{
    struct consumer *consumer = *(struct consumer **)state;
    if (message->tag == TAG_ASK)
        stage_ask(self, consumer->from, *(const uint64_t *)message->data);
    else
        stage_unsubscribe(self, consumer->from, (struct reason){.kind = EXIT_SHUTDOWN});
    return server_go();
}

static const struct stage_ops producer_ops = {.demand = on_demand, .cast = on_producer_cast};
static const struct stage_ops consumer_ops = {
    .init = on_init, .subscribe = on_subscribe, .events = on_events, .cast = on_consumer_cast};

static int64_t by_number(const struct stage_event *event, void *ctx)
{
    (void)ctx;
    return *(const int *)event->data % PARTITIONS;
}

/* ---- steps ---- */

static void settle(void)
{
    for (int i = 0; i < 10;
         i++) /* an endless producer and a consumer that goes on asking would never be done */
        runtime_run(world.runtime);
}

static void tell(proc_id stage, uint32_t tag, uint64_t number)
{
    server_cast(world.runtime, 0, stage, tag, &number, sizeof number);
    settle();
}

struct errand {
    struct stage_spec spec;
    proc_id pid;
    struct stage_info info;
};

static void body_start(struct proc *self, void *arg)
{
    struct errand *errand = *(struct errand **)arg;
    errand->pid = stage_start(self, &errand->spec).pid;
}

static void body_inspect(struct proc *self, void *arg)
{
    struct errand *errand = *(struct errand **)arg;
    prop_assert(stage_inspect(self, errand->pid, NS_PER_S, &errand->info) == 0);
}

static void errand_run(struct errand *errand, proc_main *body)
{
    proc_spawn(world.runtime,
               &(struct proc_spec){.main = body, .arg = &errand, .arg_size = sizeof errand});
    settle();
}

static bool partition_taken(uint32_t partition)
{
    for (int i = 0; i < CONSUMERS; i++)
        if (world.consumers[i].pid && world.consumers[i].partition == partition)
            return true;
    return false;
}

static void consumer_come(struct consumer *consumer)
{
    *consumer = (struct consumer){.contiguous = true};
    consumer->manual = world.answers || gen_bool(prop_gen()); /* see settle() */
    consumer->partition = (uint32_t)gen_int(prop_gen(), 0, PARTITIONS - 1);
    consumer->max = (uint32_t)gen_int(prop_gen(), 1, 8);
    if (world.dispatch == DISPATCH_PARTITION && partition_taken(consumer->partition))
        return;
    struct stage_subscription subscription = {
        .to = world.producer,
        .max_demand = consumer->max,
        .min_demand = consumer->max > 1 ? (uint32_t)gen_int(prop_gen(), 1, consumer->max - 1)
                                        : STAGE_MIN_ZERO,
        .cancel = CANCEL_TEMPORARY,
        .partition = consumer->partition};
    struct errand errand = {.spec = {.type = STAGE_CONSUMER,
                                     .ops = &consumer_ops,
                                     .state_size = sizeof consumer,
                                     .arg = &consumer,
                                     .arg_size = sizeof consumer,
                                     .subscriptions = &subscription,
                                     .subscription_count = 1}};
    errand_run(&errand, body_start);
    consumer->pid = errand.pid;
}

static void consumer_go(struct consumer *consumer, bool killed)
{
    if (killed)
        proc_signal(world.runtime, 0, consumer->pid, (struct reason){.kind = EXIT_KILL});
    tell(consumer->pid, TAG_UNSUBSCRIBE, 0);
    consumer->pid = 0;
}

static void step(void)
{
    struct consumer *consumer = &world.consumers[gen_int(prop_gen(), 0, CONSUMERS - 1)];
    switch (gen_int(prop_gen(), 0, 4)) {
    case 0: tell(world.producer, TAG_EMIT, (uint64_t)gen_int(prop_gen(), 1, 9)); break;
    case 1:
    case 2:
        if (!consumer->pid) {
            consumer_come(consumer);
        } else if (consumer->manual) {
            uint64_t count = (uint64_t)gen_int(prop_gen(), 1, 6);
            consumer->asked += (int64_t)count;
            world.asked += (int64_t)count;
            tell(consumer->pid, TAG_ASK, count);
        }
        break;
    case 3: tell(world.producer, TAG_EMIT, (uint64_t)gen_int(prop_gen(), 1, 2)); break;
    default:
        if (consumer->pid && gen_int(prop_gen(), 0, 3) == 3)
            consumer_go(consumer, gen_bool(prop_gen()));
    }
}

static void world_check(bool somebody_left)
{
    struct errand errand = {.pid = world.producer};
    errand_run(&errand, body_inspect);
    const struct stage_info *info = &errand.info;
    prop_assert(info->wanted == 0 || info->buffered == 0);
    prop_assert(!world.answers || info->wanted == 0);
    prop_assert(info->wanted <= info->outstanding);
    if (world.answers &&
        !somebody_left) /* all are such; what a partition loses is asked for again */
        prop_assert(world.demanded <= world.asked);
    int64_t waiting = (int64_t)(info->buffered + info->queued);
    if (world.dispatch != DISPATCH_BROADCAST)
        prop_assert(world.delivered + waiting <= world.emitted);
    if (world.dispatch != DISPATCH_BROADCAST && !somebody_left)
        prop_assert(world.delivered + waiting == world.emitted);
    for (int i = 0; i < CONSUMERS; i++)
        if (world.dispatch == DISPATCH_BROADCAST && world.consumers[i].from.ref)
            prop_assert(world.consumers[i].contiguous);
}

static void world_end(void *arg)
{
    (void)arg;
    runtime_free(world.runtime);
    heap_free(world.fake.env.heap);
}

static void check(enum stage_dispatch dispatch)
{
    world = (struct world){.dispatch = dispatch};
    fake_env_init(&world.fake);
    world.runtime = runtime_new(&world.fake.env, NULL);
    prop_defer(world_end, NULL);
    world.answers = prop_bool("the producer answers");
    struct errand errand = {.spec = {.type = STAGE_PRODUCER,
                                     .ops = &producer_ops,
                                     .dispatch = dispatch,
                                     .partitions = PARTITIONS,
                                     .partition_of = by_number}};
    errand_run(&errand, body_start);
    world.producer = errand.pid;
    bool left = false;
    for (int64_t steps = prop_int("steps", 0, 60); steps > 0; steps--) {
        gen_begin(prop_gen(), "step");
        step();
        gen_end(prop_gen());
        for (int i = 0; i < CONSUMERS; i++)
            left |= !world.consumers[i].pid && world.consumers[i].from.ref;
        world_check(left);
    }
    prop_classify(left, "somebody left");
    prop_cover(10, world.delivered > 5, "more than five events");
}

PROPERTY(stage, by_demand_nothing_is_lost, .runs = 300)
{
    check(DISPATCH_DEMAND);
}

PROPERTY(stage, broadcast_reaches_all, .runs = 300)
{
    check(DISPATCH_BROADCAST);
}

PROPERTY(stage, partitions_get_their_own, .runs = 300)
{
    check(DISPATCH_PARTITION);
}
