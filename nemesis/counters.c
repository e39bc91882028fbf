/* counters.c: a hash table of counters; they are made when first asked for. */
#include "nemesis/counters.h"

#include <stdlib.h>
#include <uthash.h>

struct counter {
    struct counter_key key;
    uint64_t value;
    UT_hash_handle hh;
};

struct counters {
    struct counter *table;
};

struct counters *counters_new(void)
{
    struct counters *counters = calloc(1, sizeof *counters);
    if (!counters)
        abort();
    return counters;
}

void counters_free(struct counters *counters)
{
    struct counter *counter, *next;
    if (!counters)
        return;
    HASH_ITER (hh, counters->table, counter, next) {
        HASH_DEL(counters->table, counter);
        free(counter);
    }
    free(counters);
}

uint64_t *counter_at(struct counters *counters, struct counter_key key)
{
    struct counter *counter;
    HASH_FIND(hh, counters->table, &key, sizeof key, counter);
    if (counter)
        return &counter->value;
    counter = calloc(1, sizeof *counter);
    if (!counter)
        abort();
    counter->key = key;
    HASH_ADD(hh, counters->table, key, sizeof counter->key, counter);
    return &counter->value;
}
