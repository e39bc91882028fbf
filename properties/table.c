/* table.c: see table.h. */
#include "properties/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 64 };

/* Keys are mostly small numbers in a row: those are slots as they are. Of the others, sixteen of a kind share a cache line,
 * and one multiplication spreads the lines (Knuth's Fibonacci hashing). */
static size_t slot_of(const struct table *table, uint64_t key)
{
    size_t mask = 2 * table->capacity - 1, slot = (size_t)key;
    if (key > mask) {
        size_t line = (size_t)((key >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> __builtin_clzll(mask));
        slot = (line & ~(size_t)15) | (key & 15);
    }
    while (table->slots[slot] && table_key(table, table->slots[slot] - 1) != key)
        slot = (slot + 1) & mask;
    return slot;
}

static void table_grow(struct table *table)
{
    table->capacity = table->capacity ? 2 * table->capacity : CAPACITY_MIN;
    table->entries = realloc(table->entries, table->capacity * table->entry_size);
    free(table->slots);
    table->slots = calloc(2 * table->capacity, sizeof *table->slots);
    if (!table->entries || !table->slots)
        abort();
    for (size_t i = 0; i < table->count; i++)
        table->slots[slot_of(table, table_key(table, i))] = (uint32_t)(i + 1);
}

void *table_search(const struct table *table, uint64_t key)
{
    if (table->count == 0)
        return NULL;
    uint32_t number = table->slots[slot_of(table, key)];
    return number ? table_value(table, number - 1) : NULL;
}

void *table_search_or_add(struct table *table, uint64_t key, size_t value_size)
{
    assert(table->count == 0 || table->value_size == value_size);
    if (table->count == table->capacity) {
        void *found = table_search(table, key);
        if (found)
            return found;
        table->value_size = value_size;
        table->entry_size = sizeof key + (value_size + sizeof key - 1) / sizeof key * sizeof key;
        table_grow(table);
    }
    size_t slot = slot_of(table, key);
    if (table->slots[slot])
        return table_value(table, table->slots[slot] - 1);
    table->slots[slot] = (uint32_t)(table->count + 1);
    unsigned char *entry = table->entries + table->count++ * table->entry_size;
    memcpy(entry, &key, sizeof key);
    return memset(entry + sizeof key, 0, value_size);
}

void table_done(struct table *table)
{
    free(table->entries);
    free(table->slots);
    *table = (struct table){0};
}
