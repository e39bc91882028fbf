/* history_counter.c: a number that is added to and read.
 *
 * What may have happened widens the range that the number lies in, what did happen narrows it. A read may return what
 * was possible at any moment while it was under way: from what it was at the least when it began, or has become by
 * what was taken off meanwhile, to what it may have become until it ended.
 */
#include "properties/history.h"

#include <stdlib.h>

struct counter {
    const struct history *history;
    int64_t lowest, highest;    /* what it may be now */
    int64_t *floors, *ceilings; /* by operation: what a read may return */
    size_t *reads;              /* that are under way */
    size_t read_count;
};

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (!memory)
        abort();
    return memory;
}

/* Operations by the places of their invocations and completions. */
static size_t *places_of(const struct history *history)
{
    size_t *places = zeroed(history->places, sizeof *places);
    for (size_t i = 0; i < history->count; i++) {
        places[history->ops[i].invoked] = i;
        if (history->ops[i].completed != NOWHERE)
            places[history->ops[i].completed] = i;
    }
    return places;
}

/* It may happen from now on; reads that are under way may see it already. */
static void add_begins(struct counter *counter, int64_t value)
{
    int64_t *bounds = value > 0 ? counter->ceilings : counter->floors;
    *(value > 0 ? &counter->highest : &counter->lowest) += value;
    for (size_t i = 0; i < counter->read_count; i++)
        bounds[counter->reads[i]] += value;
}

/* It has happened. */
static void add_ends(struct counter *counter, int64_t value)
{
    *(value > 0 ? &counter->lowest : &counter->highest) += value;
}

static void read_begins(struct counter *counter, size_t number)
{
    counter->floors[number] = counter->lowest;
    counter->ceilings[number] = counter->highest;
    counter->reads[counter->read_count++] = number;
}

static void read_ends(struct counter *counter, size_t number, struct findings *found)
{
    int64_t value = counter->history->ops[number].value;
    int64_t low = counter->floors[number], high = counter->ceilings[number];
    size_t at = 0;
    while (counter->reads[at] != number)
        at++;
    counter->reads[at] = counter->reads[--counter->read_count];
    found->checked++;
    if (value < low || value > high)
        findings_add(found, (struct finding){ANOMALY_OUT_OF_BOUNDS, (uint64_t)value, number,
                                             NOWHERE, value < low ? value - low : value - high});
}

static void counter_step(struct counter *counter, uint64_t place, size_t number,
                         struct findings *found)
{
    const struct op *op = &counter->history->ops[number];
    bool begins = op->invoked == place;
    if (op->f == OP_ADD && op->outcome != OP_FAIL)
        (begins ? add_begins : add_ends)(counter, op->value);
    else if (op->f == OP_READ && op->outcome == OP_OK && begins)
        read_begins(counter, number);
    else if (op->f == OP_READ && op->outcome == OP_OK)
        read_ends(counter, number, found);
}

void history_counter(const struct history *history, struct findings *found)
{
    size_t *places = places_of(history);
    struct counter counter = {.history = history,
                              .floors = zeroed(history->count, sizeof *counter.floors),
                              .ceilings = zeroed(history->count, sizeof *counter.ceilings),
                              .reads = zeroed(history->count, sizeof *counter.reads)};
    for (uint64_t place = 0; place < history->places; place++)
        counter_step(&counter, place, places[place], found);
    free(counter.floors);
    free(counter.ceilings);
    free(counter.reads);
    free(places);
}
