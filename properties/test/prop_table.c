/* The map of properties against a list of pairs. */
#include "properties/prop.h"
#include "properties/table.h"

#include <string.h>

static void free_table(void *arg)
{
    table_done(arg);
}

PROPERTY(table, holds_what_was_put_in_the_order_of_arrival, .runs = 300)
{
    struct ints keys = prop_ints("keys", 0, 200, INT64_MIN, INT64_MAX);
    struct table *table = prop_alloc(sizeof *table);
    struct ints seen = {prop_alloc(keys.count * sizeof(int64_t)), 0};
    prop_defer(free_table, table);
    for (size_t i = 0; i < keys.count; i++) {
        bool known = table_find(table, (uint64_t)keys.items[i]) != NULL;
        ++*TABLE_AT(table, (uint64_t)keys.items[i], uint64_t);
        if (!known)
            seen.items[seen.count++] = keys.items[i];
    }
    uint64_t sum = 0;
    prop_assert(table->count == seen.count);
    for (size_t i = 0; i < seen.count; i++) {
        prop_assert(table_key(table, i) == (uint64_t)seen.items[i], "at %zu", i);
        prop_assert(table_find(table, (uint64_t)seen.items[i]) == table_value(table, i));
        sum += *(uint64_t *)table_value(table, i);
    }
    prop_cover(10, seen.count < keys.count, "a key comes again");
    prop_assert(sum == keys.count);
}
