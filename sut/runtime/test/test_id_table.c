/* The table of ids: growing, removing, and ids that share a chain or are the same. */
#include "sut/runtime/id_table.h"

#include <criterion/criterion.h>

enum { NODES = 1000, STRIDE = 4096 }; /* all ids fall into one chain, until the table is larger */

Test(id_table, finds_what_is_in_it)
{
    struct heap *heap = heap_new();
    struct id_table table;
    static struct id_node nodes[NODES];
    id_table_init(&table, heap);
    cr_assert_null(id_table_any(&table));
    for (int i = 0; i < NODES; ++i)
        id_table_insert(&table, &nodes[i], (uint64_t)(i * STRIDE));
    for (int i = 0; i < NODES; i += 2)
        id_table_remove(&table, &nodes[i]);
    cr_assert_eq(table.count, NODES / 2);
    for (int i = 0; i < NODES; ++i)
        cr_assert_eq(id_table_find(&table, (uint64_t)(i * STRIDE)), i % 2 ? &nodes[i] : NULL);
    cr_assert_null(id_table_find(&table, STRIDE + 1));
    for (struct id_node *node; (node = id_table_any(&table));)
        id_table_remove(&table, node);
    cr_assert_eq(table.count, 0);
    id_table_done(&table);
    cr_assert_eq(heap_blocks(heap), 0);
    heap_free(heap);
}

Test(id_table, gives_all_of_one_id)
{
    struct heap *heap = heap_new();
    struct id_table table;
    struct id_node same[3], other;
    id_table_init(&table, heap);
    id_table_insert(&table, &same[0], 5);
    id_table_insert(&table, &other, 5 + STRIDE);
    id_table_insert(&table, &same[1], 5);
    id_table_insert(&table, &same[2], 5);
    int seen = 0;
    for (struct id_node *node = id_table_find(&table, 5); node; node = id_table_find_next(node))
        seen |= 1 << (node - same);
    cr_assert_eq(seen, 7);
    heap_free(heap);
}
