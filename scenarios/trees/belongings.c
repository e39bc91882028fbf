/* belongings.c: what workers have besides links and names: tables with heirs, keys of a registry, tasks, and stages that pass events
 * on. All of it has to go when they go, or to pass to whom it should. */
#include "scenarios/trees/trees.h"
#include "sut/runtime/ets.h"
#include "sut/runtime/registry.h"
#include "sut/runtime/stage.h"
#include "sut/runtime/task_stream.h"

#define KEYS 5 /* few, so that they are taken */

/* ---- tables ---- */

static void do_table(struct act *act)
{
    char name[4];
    act_name(act, "tree/table/name", 't', name);
    struct ets_spec spec = {.name = name,
                            .type = (enum ets_type)act_choose(act, "tree/table/type", 3),
                            .access = ETS_PUBLIC,
                            .heir = act_choose(act, "tree/table/heir", 1) ? act->whom : 0};
    ets_new(act->self, &spec, &act->has->table);
}

static ets_id some_table(const struct act *act)
{
    char name[4];
    act_name(act, "tree/table/name", 't', name);
    return ets_whereis(proc_runtime(act->self), name);
}

static void do_write(struct act *act)
{
    int64_t first = act_choose(act, "tree/table/key", 100);
    for (int64_t key = first; key < first + 20; key++)
        ets_insert(act->self, some_table(act), &TUPLE(value_int(key), value_text("row")), 1);
    ets_delete(act->self, some_table(act), value_int(first + 7));
}

static void do_give(struct act *act)
{
    ets_give_away(act->self, act->has->table, act->whom, NULL, 0);
}

static void do_drop(struct act *act)
{
    ets_drop(act->self, some_table(act));
}

/* ---- keys ---- */

static void do_key(struct act *act)
{
    struct runtime *runtime = proc_runtime(act->self);
    proc_id registry = runtime_whereis(runtime, "registry");
    struct value key = value_int(act_choose(act, "tree/key/which", KEYS - 1));
    if (registry_register(act->self, registry, key, value_int(0), NULL) != 0)
        registry_unregister(act->self, registry, key);
}

/* ---- tasks ---- */

static bool next_number(struct proc *self, void *ctx, struct task_value *ret_element)
{
    (void)self;
    int *left = ctx;
    *ret_element = (struct task_value){left, sizeof *left};
    return (*left)-- > 0;
}

static struct task_value same_number(struct proc *self, void *arg)
{
    if (*(const int *)arg == 2)
        proc_sleep(self, S);
    return (struct task_value){arg, sizeof(int)};
}

/* Some of five, and then it has had enough. */
static void do_stream(struct act *act)
{
    int left = 5;
    struct task_stream *stream = NULL;
    struct task_stream_item item;
    struct task_stream_spec spec = {.next = next_number,
                                    .ctx = &left,
                                    .label = "task",
                                    .body = same_number,
                                    .max_concurrency = 2,
                                    .timeout_ns = 100 * MS,
                                    .kill_late = true};
    if (task_stream_open(act->self, &spec, &stream) != 0)
        return;
    for (int64_t wanted = act_choose(act, "tree/stream/wants", 6); wanted > 0; wanted--)
        if (task_stream_next(act->self, stream, &item) != 1)
            break;
    task_stream_close(act->self, stream);
}

/* ---- stages ---- */

/* Emits what it is told to, wanted or not. */
static struct server_next on_emit(struct proc *self, void *state, const struct message *message)
{
    (void)state;
    for (int left = *(const int *)message->data; left > 0; left--)
        stage_emit(self, &left, sizeof left);
    return server_go();
}

static void on_events(struct proc *self, void *state, const struct stage_event *events,
                      size_t count, struct stage_from from)
{
    (void)self, (void)state, (void)events, (void)count, (void)from;
}

static proc_id producer_start(struct act *act)
{
    static const struct stage_ops ops = {.cast = on_emit};
    struct stage_spec spec = {.label = "producer", .ops = &ops, .buffer_max = 20};
    spec.dispatch = (enum stage_dispatch)act_choose(act, "tree/stage/dispatch", DISPATCH_BROADCAST);
    return stage_start_link(act->self, &spec).pid;
}

static void consumer_start(struct act *act)
{
    static const struct stage_ops ops = {.events = on_events};
    struct stage_subscription subscription = {
        .to = act->has->producer,
        .max_demand = 1 + (uint32_t)act_choose(act, "tree/stage/demand", 9),
        .cancel = CANCEL_TEMPORARY};
    struct stage_spec spec = {.label = "consumer",
                              .type = STAGE_CONSUMER,
                              .ops = &ops,
                              .subscriptions = &subscription,
                              .subscription_count = 1};
    stage_start_link(act->self, &spec);
}

static void do_stage(struct act *act)
{
    enum { CONSUMERS_MAX = 3 };
    struct belongings *has = act->has;
    int count = 1 + (int)act_choose(act, "tree/stage/emits", 19);
    if (!has->producer)
        has->producer = producer_start(act);
    else if (has->consumers < CONSUMERS_MAX && act_choose(act, "tree/stage/joins", 1)) {
        has->consumers++;
        consumer_start(act);
    } else
        server_cast(proc_runtime(act->self), proc_self(act->self), has->producer, MSG_USER, &count,
                    sizeof count);
}

void belongings_step(struct proc *self, const struct seat *seat, struct belongings *has)
{
    static void (*const deeds[])(struct act *) = {do_table, do_write, do_give, do_drop,
                                                  do_table, do_key,   do_key,  do_stream,
                                                  do_stage, do_stage, do_stage};
    enum { DEEDS = sizeof deeds / sizeof deeds[0] };
    struct act act = {.self = self, .seat = seat, .nth = ++has->steps, .has = has};
    if (act_begin(&act, "tree/belongings/does", "tree/belongings/whom", T_BELONGINGS))
        deeds[act_choose(&act, "tree/belongings/what", DEEDS - 1)](&act);
}

void belongings_boot(struct tree *tree)
{
    static const struct registry_spec spec = {.name = "registry", .partitions = 2};
    if (draws_fixed(&tree->trees->draws, T_BELONGINGS) > 0)
        registry_start(tree->host.runtime, 0, &spec, NULL);
}
