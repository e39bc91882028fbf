/* table.h: a map from numbers to small structs, for the state of properties.
 *
 * Open addressing over an index; the entries themselves stand in a row, in the order in which they
 * were added, so that walking them is deterministic. A zeroed table is an empty one. Nothing is
 * ever removed but by table_done(): an entry that is over says so itself. Pointers to entries hold
 * until the next table_at().
 */
#ifndef PROPERTIES_TABLE_H
#define PROPERTIES_TABLE_H

#include "harness/hash.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
    size_t value_size; /* the same for all entries of a table */
    size_t entry_size; /* a key, and the value right behind it: they are wanted together */
    size_t count, capacity;
    unsigned char *entries;
    uint32_t *
        slots; /* behind the entries: number of an entry + 1; 0: free. 2 * capacity of them, a power of two. */
};

void table_done(struct table *table);

/* Walking: entries 0 .. count - 1. */
static inline void *table_value(const struct table *table, size_t index)
{
    return table->entries + index * table->entry_size + sizeof(uint64_t);
}

static inline uint64_t table_key(const struct table *table, size_t index)
{
    /* The analyser does not know that realloc() keeps what was there, nor that entries with slots are somewhere.
     * NOLINTNEXTLINE(*.UndefReturn,*.NullDereference) */
    return *(const uint64_t *)(const void *)(table->entries + index * table->entry_size);
}

/* ---- looking up ---- */

/* Small keys are slots as they are: most of what is looked up is there, in its own slot, or that one is free. */
static inline bool table_glance(const struct table *table, uint64_t key, void **ret_value)
{
    if (key >= 2 * table->capacity)
        return false;
    uint32_t number = table->slots[key];
    if (number && table_key(table, number - 1) != key)
        return false;
    *ret_value = number ? table_value(table, number - 1) : NULL;
    return true;
}

void *table_search(const struct table *table, uint64_t key);
void *table_search_or_add(struct table *table, uint64_t key, size_t value_size);

/* NULL: not there. */
static inline void *table_find(const struct table *table, uint64_t key)
{
    void *found;
    return table_glance(table, key, &found) ? found : table_search(table, key);
}

/* The value under `key`; added, zeroed, if it was not there. */
static inline void *table_at(struct table *table, uint64_t key, size_t value_size)
{
    void *found;
    return table_glance(table, key, &found) && found ? found
                                                     : table_search_or_add(table, key, value_size);
}
#define TABLE_AT(table, key, type) ((type *)table_at((table), (key), sizeof(type)))

#endif
