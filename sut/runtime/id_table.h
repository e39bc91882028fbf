/* id_table.h: from an id to the structure that carries it, O(1). Ids are given in sequence, so
 * their low bits are the hash. Nodes lie in the structures themselves; only the table of chains is
 * allocated. Ids may repeat (hashed names do); nothing depends on the order of a chain.
 */
#ifndef SUT_ID_TABLE_H
#define SUT_ID_TABLE_H

#include "sut/runtime/heap.h"
#include <stdint.h>

struct id_node {
    uint64_t id;
    struct id_node *next;
};

struct id_table {
    struct heap *heap;
    struct id_node **chains;
    size_t size; /* a power of two, at least `count` */
    size_t count;
};

/* Texts and bytes as ids; two may have the same. */
uint64_t text_hash(const char *text);
uint64_t bytes_hash(const void *bytes, size_t size);
void id_table_init(struct id_table *table, struct heap *heap);
void id_table_done(struct id_table *table); /* the nodes are the caller's */
void id_table_insert(struct id_table *table, struct id_node *node, uint64_t id);
void id_table_remove(struct id_table *table, struct id_node *node); /* must be in it */
static inline struct id_node **id_table_chain(const struct id_table *table, uint64_t id)
{
    return &table->chains[id & (table->size - 1)];
}

static inline struct id_node *id_chain_find(struct id_node *node, uint64_t id)
{
    while (node && node->id != id)
        node = node->next;
    return node;
}

static inline struct id_node *id_table_find(const struct id_table *table, uint64_t id)
{
    return id_chain_find(*id_table_chain(table, id), id);
}

/* Another one with the same id, or NULL. */
static inline struct id_node *id_table_find_next(const struct id_node *node)
{
    return id_chain_find(node->next, node->id);
}

struct id_node *
id_table_any(const struct id_table *table); /* NULL: empty. O(size): for cleaning up */

#endif
