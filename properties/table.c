/* table.c: see table.h. */
#include "properties/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Most tables have a few entries or one for each job of a run: the first step is a wide one. */
enum { CAPACITY_FEW = 16, CAPACITY_MANY = 128 };

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

static size_t capacity_after(size_t capacity)
{
    if (capacity == 0)
        return CAPACITY_FEW;
    return capacity < CAPACITY_MANY ? CAPACITY_MANY : 2 * capacity;
}

/* The slots stand behind the entries, in one block; entries are zeroed before they are there. */
static __attribute__((noinline)) void table_grow(struct table *table, size_t value_size)
{
    size_t entry_size =
        (value_size + 2 * sizeof(uint64_t) - 1) / sizeof(uint64_t) * sizeof(uint64_t);
    size_t capacity = capacity_after(table->capacity), used = table->count * entry_size;
    size_t all = capacity * (entry_size + 2 * sizeof *table->slots);
    table->value_size = value_size;
    table->entry_size = entry_size;
    table->capacity = capacity;
    table->entries = realloc(table->entries, all);
    if (!table->entries)
        abort();
    memset(table->entries + used, 0, all - used);
    table->slots = (uint32_t *)(void *)(table->entries + capacity * entry_size);
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
    if (__builtin_expect(table->count == table->capacity, 0)) {
        void *found = table_search(table, key);
        if (found)
            return found;
        table_grow(table, value_size);
    }
    size_t slot = slot_of(table, key);
    if (table->slots[slot])
        return table_value(table, table->slots[slot] - 1);
    table->slots[slot] = (uint32_t)(table->count + 1);
    unsigned char *entry = table->entries + table->count++ * table->entry_size;
    *(uint64_t *)(void *)entry = key;
    return entry + sizeof key;
}

void table_done(struct table *table)
{
    free(table->entries);
    *table = (struct table){0};
}
