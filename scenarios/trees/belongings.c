/* belongings.c: what workers have besides links and names: tables with heirs, keys of a registry, tasks, and stages that pass events
 * on. All of it has to go when they go, or to pass to whom it should. */
#include "scenarios/trees/trees.h"
#include "sut/runtime/ets.h"
#include "sut/runtime/registry.h"
#include "sut/runtime/stage.h"
#include "sut/runtime/task_stream.h"

#include <stdio.h>

#define KEYS 5 /* few, so that they are taken */

struct deed {
    struct proc *self;
    const struct seat *seat;
    struct belongings *has;
    proc_id whom;
};

static int64_t choose(const struct deed *deed, const char *name, int64_t hi)
{
    return seat_choose(deed->seat, name, deed->has->steps, 0, hi);
}

/* ---- tables ---- */

static void do_table(struct deed *deed)
{
    char name[8];
    snprintf(name, sizeof name, "t%d", (int)choose(deed, "tree/table/name", KEYS - 1));
    struct ets_spec spec = {.name = name,
                            .type = (enum ets_type)choose(deed, "tree/table/type", 3),
                            .access = ETS_PUBLIC,
                            .heir = choose(deed, "tree/table/heir", 1) ? deed->whom : 0};
    ets_new(deed->self, &spec, &deed->has->table);
}

static ets_id some_table(const struct deed *deed)
{
    char name[8];
    snprintf(name, sizeof name, "t%d", (int)choose(deed, "tree/table/name", KEYS - 1));
    return ets_whereis(proc_runtime(deed->self), name);
}

static void do_write(struct deed *deed)
{
    int64_t first = choose(deed, "tree/table/key", 100);
    for (int64_t key = first; key < first + 20; key++)
        ets_insert(deed->self, some_table(deed), &TUPLE(value_int(key), value_text("row")), 1);
    ets_delete(deed->self, some_table(deed), value_int(first + 7));
}

static void do_give(struct deed *deed)
{
    ets_give_away(deed->self, deed->has->table, deed->whom, NULL, 0);
}

static void do_drop(struct deed *deed)
{
    ets_drop(deed->self, some_table(deed));
}

/* ---- keys ---- */

static void do_key(struct deed *deed)
{
    struct runtime *runtime = proc_runtime(deed->self);
    proc_id registry = runtime_whereis(runtime, "registry");
    struct value key = value_int(choose(deed, "tree/key/which", KEYS - 1));
    if (registry_register(deed->self, registry, key, value_int(0), NULL) != 0)
        registry_unregister(deed->self, registry, key);
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
static void do_stream(struct deed *deed)
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
    if (task_stream_open(deed->self, &spec, &stream) != 0)
        return;
    for (int64_t wanted = choose(deed, "tree/stream/wants", 6); wanted > 0; wanted--)
        if (task_stream_next(deed->self, stream, &item) != 1)
            break;
    task_stream_close(deed->self, stream);
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

static proc_id producer_start(struct deed *deed)
{
    static const struct stage_ops ops = {.cast = on_emit};
    struct stage_spec spec = {.label = "producer", .ops = &ops, .buffer_max = 20};
    spec.dispatch = (enum stage_dispatch)choose(deed, "tree/stage/dispatch", DISPATCH_BROADCAST);
    return stage_start_link(deed->self, &spec).pid;
}

static void consumer_start(struct deed *deed)
{
    static const struct stage_ops ops = {.events = on_events};
    struct stage_subscription subscription = {
        .to = deed->has->producer,
        .max_demand = 1 + (uint32_t)choose(deed, "tree/stage/demand", 9),
        .cancel = CANCEL_TEMPORARY};
    struct stage_spec spec = {.label = "consumer",
                              .type = STAGE_CONSUMER,
                              .ops = &ops,
                              .subscriptions = &subscription,
                              .subscription_count = 1};
    stage_start_link(deed->self, &spec);
}

static void do_stage(struct deed *deed)
{
    enum { CONSUMERS_MAX = 3 };
    struct belongings *has = deed->has;
    int count = 1 + (int)choose(deed, "tree/stage/emits", 19);
    if (!has->producer)
        has->producer = producer_start(deed);
    else if (has->consumers < CONSUMERS_MAX && choose(deed, "tree/stage/joins", 1)) {
        has->consumers++;
        consumer_start(deed);
    } else
        server_cast(proc_runtime(deed->self), proc_self(deed->self), has->producer, MSG_USER,
                    &count, sizeof count);
}

void belongings_step(struct proc *self, const struct seat *seat, struct belongings *has)
{
    static void (*const deeds[])(struct deed *) = {do_table, do_write, do_give, do_drop,
                                                   do_table, do_key,   do_key,  do_stream,
                                                   do_stage, do_stage, do_stage};
    enum { DEEDS = sizeof deeds / sizeof deeds[0] };
    const struct plan *plan = &seat->tree->plan;
    ++has->steps;
    if (tree_is_healed(seat->tree) ||
        !seat_chance(seat, "tree/belongings/does", has->steps, T_BELONGINGS))
        return;
    struct deed deed = {.self = self, .seat = seat, .has = has};
    deed.whom =
        plan->seats[choose(&deed, "tree/belongings/whom", (int64_t)plan->seat_count - 1)].last;
    deeds[choose(&deed, "tree/belongings/what", DEEDS - 1)](&deed);
}

void belongings_boot(struct tree *tree)
{
    static const struct registry_spec spec = {.name = "registry", .partitions = 2};
    if (draws_fixed(&tree->trees->draws, T_BELONGINGS) > 0)
        registry_start(tree->host.runtime, 0, &spec, NULL);
}
