/* table.c: see table.h. */
#include "properties/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 64 };

/* Keys are mostly small numbers in a row: one multiplication spreads them well (Knuth's Fibonacci hashing). */
static size_t slot_of(const struct table *table, uint64_t key)
{
    size_t mask = 2 * table->capacity - 1;
    size_t slot = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> __builtin_clzll(mask));
    while (table->slots[slot] && table->keys[table->slots[slot] - 1] != key)
        slot = (slot + 1) & mask;
    return slot;
}

static void table_grow(struct table *table)
{
    table->capacity = table->capacity ? 2 * table->capacity : CAPACITY_MIN;
    table->keys = realloc(table->keys, table->capacity * sizeof *table->keys);
    table->values = realloc(table->values, table->capacity * table->value_size);
    free(table->slots);
    table->slots = calloc(2 * table->capacity, sizeof *table->slots);
    if (!table->keys || !table->values || !table->slots)
        abort();
    for (size_t i = 0; i < table->count; i++)
        table->slots[slot_of(table, table->keys[i])] = (uint32_t)(i + 1);
}

void *table_find(const struct table *table, uint64_t key)
{
    if (table->count == 0)
        return NULL;
    uint32_t number = table->slots[slot_of(table, key)];
    return number ? table_value(table, number - 1) : NULL;
}

void *table_at(struct table *table, uint64_t key, size_t value_size)
{
    assert(table->count == 0 || table->value_size == value_size);
    void *found = table_find(table, key);
    if (found)
        return found;
    table->value_size = value_size;
    if (table->count == table->capacity)
        table_grow(table);
    table->slots[slot_of(table, key)] = (uint32_t)(table->count + 1);
    table->keys[table->count] = key;
    return memset(table_value(table, table->count++), 0, value_size);
}

void table_done(struct table *table)
{
    free(table->keys);
    free(table->values);
    free(table->slots);
    *table = (struct table){0};
}
