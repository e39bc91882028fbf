/* id_table.c: chains that double in number when there are more nodes than chains. Nothing can be
 * lost: the table owns no node. */
#include "sut/runtime/id_table.h"

#include <assert.h>
#include <string.h>

enum { CHAINS_MIN = 64 };

uint64_t bytes_hash(const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < size; ++i)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t text_hash(const char *text)
{
    return bytes_hash(text, strlen(text));
}

static void chain_push(struct id_table *table, struct id_node *node)
{
    struct id_node **chain = id_table_chain(table, node->id);
    node->next = *chain;
    *chain = node;
}

static void table_resize(struct id_table *table, size_t size)
{
    struct id_table old = *table;
    table->chains = heap_alloc(table->heap, size * sizeof *table->chains);
    table->size = size;
    for (size_t i = 0; i < old.size; ++i)
        for (struct id_node *node = old.chains[i], *next; node; node = next) {
            next = node->next;
            chain_push(table, node);
        }
    heap_release(table->heap, old.chains);
}

void id_table_init(struct id_table *table, struct heap *heap)
{
    *table = (struct id_table){.heap = heap};
    table_resize(table, CHAINS_MIN);
}

void id_table_done(struct id_table *table)
{
    heap_release(table->heap, table->chains);
    *table = (struct id_table){0};
}

void id_table_insert(struct id_table *table, struct id_node *node, uint64_t id)
{
    if (table->count == table->size)
        table_resize(table, table->size * 2);
    node->id = id;
    chain_push(table, node);
    ++table->count;
}

void id_table_remove(struct id_table *table, struct id_node *node)
{
    struct id_node **at = id_table_chain(table, node->id);
    while (*at != node) {
        assert(*at);
        at = &(*at)->next;
    }
    *at = node->next;
    --table->count;
}

struct id_node *id_table_any(const struct id_table *table)
{
    for (size_t i = 0; table->count > 0 && i < table->size; ++i)
        if (table->chains[i])
            return table->chains[i];
    return NULL;
}
