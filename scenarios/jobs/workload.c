/* The plan: which jobs the clients will ask for, and how each of them will behave. Drawn once, from the sequential
 * choices of the tape, one span per job: a shrinker can take jobs out and make them simpler. */
#include "scenarios/jobs/adapter.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US INT64_C(1000)
#define MS (1000 * US)
#define S  (1000 * MS)
#define M  (60 * S)
#define H  (60 * M)

const struct param_spec workload_params[W_COUNT] = {
#define X(e, n, t, lo_, hi_, mn, mx, what)                                                         \
    [W_##e] = {.name = n,                                                                          \
               .type = PARAM_##t,                                                                  \
               .fallback = {lo_, hi_},                                                             \
               .min = mn,                                                                          \
               .max = mx,                                                                          \
               .about = what},
    WORKLOAD_PARAMS(X)
#undef X
};

struct range workload_range(const struct adapter *adapter, enum workload_param param)
{
    return adapter->scenario->params[param].value;
}

int64_t workload_value(const struct adapter *adapter, enum workload_param param)
{
    return workload_range(adapter, param).lo;
}

static int64_t draw(struct adapter *adapter, enum workload_param param)
{
    struct range range = workload_range(adapter, param);
    return tape_draw_between(world_tape(adapter->world), range.lo, range.hi);
}

static bool draw_percent(struct adapter *adapter, enum workload_param param)
{
    int64_t hundredths = draw(adapter, param);
    return tape_draw_chance(world_tape(adapter->world), (uint64_t)hundredths, 10000);
}

static unsigned draw_times(struct adapter *adapter, enum workload_param param, unsigned most)
{
    if (!draw_percent(adapter, param))
        return 0;
    return 1 + (unsigned)tape_draw(world_tape(adapter->world), most);
}

static void draw_behaviour(struct adapter *adapter, struct item *item)
{
    struct tape *tape = world_tape(adapter->world);
    item->queue = adapter->queues[tape_draw(tape, adapter->queue_count)].name;
    item->work_ns = draw(adapter, W_WORK);
    item->max_attempts = (unsigned)draw(adapter, W_ATTEMPTS);
    if (draw_percent(adapter, W_DELAYED))
        item->delay_ms = draw(adapter, W_DELAY) / MS;
    item->failures = draw_times(adapter, W_RETRYABLE, 2);
    item->crashes = draw_times(adapter, W_CRASHING, 1);
    if (draw_percent(adapter, W_HOPELESS))
        item->failures = UINT_MAX;
    item->snoozes = draw_times(adapter, W_SNOOZING, 2);
    item->snooze_s = item->snoozes ? tape_draw_between(tape, 0, 30) : 0;
    if (draw_percent(adapter, W_CANCELLING))
        item->end = JOB_CANCEL;
    else if (draw_percent(adapter, W_DISCARDING))
        item->end = JOB_DISCARD;
    item->idempotent = draw_percent(adapter, W_IDEMPOTENT);
}

/* Items of one insert have its node, time and transaction in common. */
static void draw_group(struct adapter *adapter, size_t first, size_t count, unsigned group)
{
    struct tape *tape = world_tape(adapter->world);
    struct range over = workload_range(adapter, W_OVER);
    unsigned node = (unsigned)tape_draw(tape, adapter->app_count);
    int64_t at_ns = tape_draw_between(tape, 0, over.hi);
    bool in_transaction = draw_percent(adapter, W_TRANSACTIONS);
    bool rolled_back = draw_percent(adapter, W_ROLLED_BACK);
    for (size_t i = first; i < first + count; i++) {
        struct item *item = &adapter->workload.items[i];
        tape_span_begin(tape, "job");
        *item = (struct item){.key = i + 1,
                              .node = node,
                              .group = group,
                              .at_ns = at_ns,
                              .in_transaction = in_transaction || rolled_back,
                              .rolled_back = rolled_back,
                              .end = JOB_OK};
        snprintf(item->args, sizeof item->args, "{\"key\":%zu}", i + 1);
        draw_behaviour(adapter, item);
        tape_span_end(tape);
    }
}

void workload_draw(struct adapter *adapter)
{
    struct tape *tape = world_tape(adapter->world);
    struct workload *workload = &adapter->workload;
    workload->count = (size_t)draw(adapter, W_JOBS);
    workload->open = workload->count;
    workload->items = calloc(workload->count, sizeof *workload->items);
    if (!workload->items)
        abort();
    unsigned group = 0;
    for (size_t first = 0; first < workload->count;) {
        tape_span_begin(tape, "insert");
        size_t count = (size_t)draw(adapter, W_BULK);
        if (count > workload->count - first)
            count = workload->count - first;
        draw_group(adapter, first, count, group++);
        tape_span_end(tape);
        first += count;
    }
}

void workload_done(struct workload *workload)
{
    free(workload->items);
    workload->items = NULL;
}

struct item *workload_find(struct workload *workload, uint64_t key)
{
    return key >= 1 && key <= workload->count ? &workload->items[key - 1] : NULL;
}

uint64_t key_of_args(const char *args)
{
    unsigned long long key;
    return args && sscanf(args, "{\"key\":%llu}", &key) == 1 ? key : 0;
}
