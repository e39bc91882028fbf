/* The plan: which jobs the clients will ask for, and how each of them will behave. Drawn once, from the sequential
 * choices of the tape, one span per job: a shrinker can take jobs out, fewer than the scenario asks for, and make them
 * simpler. */
#include "scenarios/jobs/adapter.h"
#include "sut/jobs/internal.h" /* text_number() */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGS_PREFIX "{\"key\":"
#define DEPS_MAX    6 /* how far back a step waits for others */

const struct param_spec workload_params[W_COUNT] = {
#define X(...) PARAM_SPEC(W_, __VA_ARGS__)
    WORKLOAD_PARAMS(X)
#undef X
#define X(...) FAULT_SPEC(W_, __VA_ARGS__)
        UPSTREAM_WRONGS(X)
#undef X
};

static unsigned draw_times(struct adapter *adapter, enum workload_param param, unsigned most)
{
    if (!draws_percent(&adapter->draws, param))
        return 0;
    return 1 + (unsigned)draws_below(&adapter->draws, most, most);
}

/* Who asks for the same one agrees on its states. Those that leave their states and come back may meet another one. */
static unsigned unique_states(unsigned unique)
{
    static const unsigned states[] = {
        JOB_STATES_INCOMPLETE & ~JOB_STATE_BIT(JOB_EXECUTING),
        JOB_STATES_INCOMPLETE,
        JOB_STATES_SUCCESSFUL,
        JOB_STATES_ALL,
    };
    return states[unique % (sizeof states / sizeof *states)];
}

static void draw_uniqueness(struct adapter *adapter, struct item *item)
{
    static const char *const keys[] = {"u", NULL};
    if (!draws_percent(&adapter->draws, W_UNIQUE))
        return;
    uint64_t count = (uint64_t)draws_fixed(&adapter->draws, W_UNIQUE_KEYS);
    item->unique = 1 + (unsigned)draws_below(&adapter->draws, count, count);
    int64_t period_ms = draws_value(&adapter->draws, W_UNIQUE_FOR) / MS;
    item->uniqueness = (struct job_unique){.period_ms = period_ms ? period_ms : JOB_UNIQUE_FOREVER,
                                           .fields = JOB_UNIQUE_ARGS,
                                           .keys = keys,
                                           .states = unique_states(item->unique),
                                           .replace[JOB_SCHEDULED] = JOB_REPLACE_SCHEDULED_AT};
}

static void draw_deed(struct adapter *adapter, struct item *item)
{
    item->checkpoints = draws_percent(&adapter->draws, W_CHECKPOINTS);
    if (!draws_percent(&adapter->draws, W_BY_HAND))
        return;
    item->deed = (enum deed)(1 + draws_below(&adapter->draws, DEED_COUNT - 1, DEED_COUNT - 1));
    item->deed_ns = draws_value(&adapter->draws, W_BY_HAND_AFTER);
    item->by_filter = draws_percent(&adapter->draws, W_BY_FILTER);
}

/* What is the same need not look the same. */
static void item_args(struct item *item)
{
    text_number(item->args, ARGS_PREFIX, item->key);
    if (item->unique)
        snprintf(item->args + strlen(item->args), sizeof item->args - strlen(item->args),
                 item->key % 2 ? ",\"u\":{\"n\":%u,\"of\":1}" : ",\"u\":{\"of\":1.0,\"n\":%u}",
                 item->unique);
    strcat(item->args, "}");
}

static void draw_behaviour(struct adapter *adapter, struct item *item)
{
    item->queue =
        adapter->queues[draws_below(&adapter->draws, adapter->queue_count, adapter->queue_count)]
            .name;
    item->work_ns = draws_value(&adapter->draws, W_WORK);
    item->max_attempts = (unsigned)draws_value(&adapter->draws, W_ATTEMPTS);
    if (draws_percent(&adapter->draws, W_DELAYED))
        item->delay_ms = draws_value(&adapter->draws, W_DELAY) / MS;
    item->failures = draw_times(adapter, W_RETRYABLE, 2);
    item->crashes = draw_times(adapter, W_CRASHING, 1);
    if (draws_percent(&adapter->draws, W_HOPELESS))
        item->failures = UINT_MAX;
    item->snoozes = draw_times(adapter, W_SNOOZING, 2);
    item->snooze_s = item->snoozes ? tape_draw_between(world_tape(adapter->world), 0, 30) : 0;
    bool cancels = draws_percent(&adapter->draws, W_CANCELLING);
    bool discards = draws_percent(&adapter->draws, W_DISCARDING);
    item->end = cancels ? JOB_CANCEL : discards ? JOB_DISCARD : JOB_OK;
    item->idempotent = draws_percent(&adapter->draws, W_IDEMPOTENT);
    if (draws_percent(&adapter->draws, W_LIMITED))
        item->timeout_ms = tape_draw_between(world_tape(adapter->world), 1000, 20000);
    if (draws_percent(&adapter->draws, W_MORTAL))
        item->within_ms = tape_draw_between(world_tape(adapter->world), 1000, 120000);
    item->poisonous = draws_percent(&adapter->draws, W_POISONOUS);
    draw_uniqueness(adapter, item);
    draw_deed(adapter, item);
    item->threaded = draws_percent(&adapter->draws, W_THREADED);
    uint64_t parts = (uint64_t)draws_range(&adapter->draws, W_PARTS).hi;
    uint64_t part = parts ? draws_below(&adapter->draws, parts + 1, parts + 1) : 0;
    if (part)
        text_number(item->part, "part ", part);
    uint64_t last = (uint64_t)draws_range(&adapter->draws, W_PRIORITIES).hi;
    item->placed = last > 0;
    if (last)
        item->priority = (unsigned)draws_below(&adapter->draws, last + 1, last + 1);
    item->stubborn = item->threaded && draws_percent(&adapter->draws, W_STUBBORN);
    item->encrypted = draws_percent(&adapter->draws, W_ENCRYPTED) && !item->unique;
}

/* What is in a chain is in nothing else. */
static void draw_flow(struct adapter *adapter, struct item *item, size_t before)
{
    static const enum flow_event events[] = {FLOW_EVENT_EXHAUSTED, FLOW_EVENT_ATTEMPTED,
                                             FLOW_EVENT_COMPLETED, FLOW_EVENT_DISCARDED};
    if (draws_percent(&adapter->draws, W_CHAINED) && item->flow == ITEM_ALONE) {
        uint64_t chains = (uint64_t)draws_fixed(&adapter->draws, W_CHAINS);
        item->chain = 1 + (unsigned)draws_below(&adapter->draws, chains, chains);
        item->reaction = draws_percent(&adapter->draws, W_HOLDING) ? FLOW_HOLD : FLOW_DEFAULT;
    }
    if (item->flow == ITEM_ALONE)
        return;
    struct tape *tape = world_tape(adapter->world);
    for (size_t i = 0; i < before && i < DEPS_MAX; ++i)
        if (tape_draw(tape, 3) == 1)
            item->deps |= UINT64_C(1) << i;
    item->reaction = tape_draw(tape, 3) == 1 ? FLOW_RUN : FLOW_DEFAULT;
    if (draws_percent(&adapter->draws, W_HOLDING))
        item->reaction = FLOW_HOLD;
    item->event = events[tape_draw(tape, sizeof events / sizeof *events)];
    item->unique = 0;
}

/* The group that grows. */
struct insert {
    unsigned group;
    size_t count; /* items in it */
    struct item common;
};

/* Is the next item of this insert too? Each size of an insert is as likely. */
static bool draw_joins(struct adapter *adapter, const struct insert *insert)
{
    struct range bulk = draws_range(&adapter->draws, W_BULK);
    int64_t count = (int64_t)insert->count;
    if (bulk.hi == 1)
        return false;
    if (count == 0 || count >= bulk.hi)
        return tape_draw_chance(world_tape(adapter->world), 0, 1);
    uint64_t larger = (uint64_t)(bulk.hi - count);
    return tape_draw_chance(world_tape(adapter->world), larger,
                            count < bulk.lo ? larger : larger + 1);
}

/* Items of one insert have their node, time and transaction in common. Each draws them, so that any can be the first. */
static void draw_insert(struct adapter *adapter, struct insert *insert, struct item *item)
{
    bool joins = draw_joins(adapter, insert);
    item->node = (unsigned)draws_below(&adapter->draws, adapter->app_count,
                                       (uint64_t)adapter->scenario->nodes.hi);
    item->at_ns =
        tape_draw_between(world_tape(adapter->world), 0, draws_range(&adapter->draws, W_OVER).hi);
    item->in_transaction = draws_percent(&adapter->draws, W_TRANSACTIONS);
    item->rolled_back = draws_percent(&adapter->draws, W_ROLLED_BACK);
    item->in_transaction |= item->rolled_back;
    bool step = draws_percent(&adapter->draws, W_WORKFLOWS);
    bool batch = draws_percent(&adapter->draws, W_BATCHES);
    item->flow = step ? ITEM_STEP : batch ? ITEM_IN_BATCH : ITEM_ALONE;
    if (!joins)
        *insert = (struct insert){.group = insert->group + 1, .common = *item};
    insert->count++;
    item->group = insert->group;
    item->node = insert->common.node;
    item->at_ns = insert->common.at_ns;
    item->in_transaction = insert->common.in_transaction;
    item->rolled_back = insert->common.rolled_back;
    item->flow = insert->common.flow;
}

static void draw_item(struct adapter *adapter, struct insert *insert, struct item *item, size_t key)
{
    struct tape *tape = world_tape(adapter->world);
    *item = (struct item){.key = key};
    tape_span_begin(tape, "insert");
    draw_insert(adapter, insert, item);
    tape_span_end(tape);
    tape_span_begin(tape, "behaviour");
    draw_behaviour(adapter, item);
    draw_flow(adapter, item, insert->count - 1);
    tape_span_end(tape);
    item_args(item);
}

void workload_draw(struct adapter *adapter)
{
    struct workload *workload = &adapter->workload;
    struct range jobs = draws_range(&adapter->draws, W_JOBS);
    struct sequence_list list = {
        .min = 1, .usual = (size_t)jobs.lo, .max = (size_t)jobs.hi, .even = true, .label = "job"};
    struct insert insert = {0};
    workload->items = calloc((size_t)jobs.hi, sizeof *workload->items);
    if (!workload->items)
        abort();
    while (tape_draw_more(world_tape(adapter->world), &list))
        draw_item(adapter, &insert, &workload->items[list.count - 1], list.count);
    workload->open = workload->count = list.count;
    for (size_t i = 0; i < list.count; i++) {
        struct item *item = &workload->items[i];
        workload->open += item->deed != DEED_NONE;
        item->deed_ns += item->at_ns;
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
    size_t prefix = sizeof ARGS_PREFIX - 1;
    return args && strncmp(args, ARGS_PREFIX, prefix) == 0 ? strtoull(args + prefix, NULL, 10) : 0;
}

uint64_t key_of_kept(const struct adapter *adapter, const char *args)
{
    char why[200];
    if (!args_sealed(args))
        return key_of_args(args);
    struct heap *heap = host_heap_new();
    uint64_t key = key_of_args(args_open(adapter->keys, args, heap, why, sizeof why));
    heap_free(heap);
    return key;
}
