/* history.c: building histories; ids, counters. */
#include "properties/history.h"

#include "properties/table.h"
#include <stdlib.h>
#include <string.h>

const char *operation_word(enum operation f)
{
    static const char *const words[] = {
#define X(e, word) word,
        OPERATIONS(X)
#undef X
    };
    return words[f];
}

/* ---- building ---- */

size_t history_invoke(struct history *history, struct op wanted, int64_t time_ns)
{
    history->ops =
        array_grow(history->ops, history->count, &history->capacity, sizeof *history->ops);
    wanted.outcome = OP_UNKNOWN;
    wanted.invoked = history->places++;
    wanted.completed = NOWHERE;
    wanted.invoked_ns = time_ns;
    wanted.completed_ns = INT64_MAX;
    history->ops[history->count] = wanted;
    return history->count++;
}

struct op *history_complete(struct history *history, size_t number, enum op_outcome outcome,
                            int64_t time_ns)
{
    struct op *op = &history->ops[number];
    op->outcome = outcome;
    op->completed = outcome == OP_UNKNOWN ? NOWHERE : history->places++;
    op->completed_ns = time_ns;
    return op;
}

void history_list(struct history *history, size_t number, const int64_t *values, size_t count)
{
    struct op *op = &history->ops[number];
    int64_t *copy = malloc(count ? count * sizeof *copy : 1);
    if (!copy)
        abort();
    if (count)
        memcpy(copy, values, count * sizeof *copy);
    free((void *)op->list);
    op->list = copy;
    op->list_count = count;
}

void history_done(struct history *history)
{
    for (size_t i = 0; i < history->count; i++)
        free((void *)history->ops[i].list);
    free(history->ops);
    *history = (struct history){0};
}

/* ---- unique ids ---- */

void history_unique_ids(const struct history *history, struct findings *found)
{
    struct table ids = {0};
    for (size_t i = 0; i < history->count; i++) {
        const struct op *op = &history->ops[i];
        if (op->f != OP_GENERATE || op->outcome != OP_OK)
            continue;
        size_t before = ids.count;
        size_t *first = TABLE_AT(&ids, (uint64_t)op->value, size_t);
        found->checked++;
        if (ids.count > before)
            *first = i;
        else
            findings_add(found,
                         (struct finding){ANOMALY_DUPLICATED, (uint64_t)op->value, i, *first, 0});
    }
    table_done(&ids);
}

/* ---- counter ---- */

/* Operations by the places of their invocations and completions: [place] = number of the operation. */
static size_t *places_of(const struct history *history)
{
    size_t *places = malloc((history->places + 1) * sizeof *places);
    if (!places)
        abort();
    for (size_t i = 0; i < history->count; i++) {
        places[history->ops[i].invoked] = i;
        if (history->ops[i].completed != NOWHERE)
            places[history->ops[i].completed] = i;
    }
    return places;
}

struct counter {
    int64_t lowest, highest; /* what it may be now */
    int64_t *floors;         /* by operation: `lowest` when it was invoked */
    int64_t *ceilings;
};

/* What may have happened widens the range, what did happen moves it. */
static void counter_add(struct counter *counter, const struct op *op, bool invoked)
{
    if (op->outcome == OP_FAIL)
        return;
    if (op->value > 0 && invoked)
        counter->highest += op->value;
    else if (op->value > 0)
        counter->lowest += op->value;
    else if (invoked)
        counter->lowest += op->value;
    else
        counter->highest += op->value;
}

/* A read may return what was possible at any moment between its invocation and its completion. What was certain when
 * it began, less what may have been taken off since, bounds it below; and so above. */
static void counter_read(const struct counter *counter, const struct op *op, size_t number,
                         struct findings *found)
{
    int64_t low = counter->floors[number], high = counter->ceilings[number];
    found->checked++;
    if (op->value >= low && op->value <= high)
        return;
    findings_add(found,
                 (struct finding){ANOMALY_OUT_OF_BOUNDS, (uint64_t)op->value, number, NOWHERE,
                                  op->value < low ? op->value - low : op->value - high});
}

/* Reads that are under way: an add that is invoked meanwhile widens what they may return. */
static void reads_widen(struct counter *counter, const size_t *reads, size_t count, int64_t value)
{
    for (size_t i = 0; i < count; i++) {
        if (value > 0)
            counter->ceilings[reads[i]] += value;
        else
            counter->floors[reads[i]] += value;
    }
}

static void counter_place(struct counter *counter, const struct history *history, uint64_t place,
                          size_t number, size_t *reads, size_t *read_count, struct findings *found)
{
    const struct op *op = &history->ops[number];
    bool invoked = op->invoked == place;
    if (op->f == OP_ADD) {
        counter_add(counter, op, invoked);
        if (invoked && op->outcome != OP_FAIL)
            reads_widen(counter, reads, *read_count, op->value);
    } else if (op->f == OP_READ && op->outcome == OP_OK && invoked) {
        counter->floors[number] = counter->lowest;
        counter->ceilings[number] = counter->highest;
        reads[(*read_count)++] = number;
    } else if (op->f == OP_READ && op->outcome == OP_OK) {
        counter_read(counter, op, number, found);
        size_t at = 0;
        while (reads[at] != number)
            at++;
        reads[at] = reads[--*read_count];
    }
}

void history_counter(const struct history *history, struct findings *found)
{
    size_t *places = places_of(history), read_count = 0;
    size_t *reads = malloc((history->count + 1) * sizeof *reads);
    struct counter counter = {.floors = calloc(history->count + 1, sizeof *counter.floors),
                              .ceilings = calloc(history->count + 1, sizeof *counter.ceilings)};
    if (!reads || !counter.floors || !counter.ceilings)
        abort();
    for (uint64_t place = 0; place < history->places; place++)
        counter_place(&counter, history, place, places[place], reads, &read_count, found);
    free(counter.floors);
    free(counter.ceilings);
    free(reads);
    free(places);
}

/* ---- statistics ---- */

void history_sane(const struct history *history, struct findings *found)
{
    uint64_t tried[OPERATION_COUNT] = {0}, succeeded[OPERATION_COUNT] = {0};
    for (size_t i = 0; i < history->count; i++) {
        tried[history->ops[i].f]++;
        succeeded[history->ops[i].f] += history->ops[i].outcome == OP_OK;
    }
    for (unsigned f = 0; f < OPERATION_COUNT; f++) {
        if (!tried[f])
            continue;
        found->checked++;
        if (!succeeded[f])
            findings_add(found,
                         (struct finding){ANOMALY_TOO_FEW, f, NOWHERE, NOWHERE, (int64_t)tried[f]});
    }
}
