/* ets_rows.c: the memory of rows, and what the type of a table means for them. Small rows are cut from chunks that grow with
 * the table and are kept by size when they go; large ones are blocks of the table's heap. Nothing can be lost: the heap goes with
 * the table.
 */
#include "sut/runtime/ets_internal.h"
#include "sut/runtime/sanitize.h"

enum { STEP = 16, SMALL_MAX = 32 * STEP, CHUNK_MIN = 1024, CHUNK_MAX = 64 * 1024 };
enum {
    SMALL = SANITIZE_ADDRESS ? 0 : SMALL_MAX
}; /* it sees the bounds of the heap's blocks only */

static void *memory_cut(struct ets_memory *memory, size_t size)
{
    if ((size_t)(memory->end - memory->cut) < size) {
        memory->chunk = memory->chunk == 0          ? CHUNK_MIN
                        : memory->chunk < CHUNK_MAX ? memory->chunk * 2
                                                    : CHUNK_MAX;
        memory->cut = heap_realloc(memory->heap, NULL, memory->chunk);
        memory->end = memory->cut + memory->chunk;
    }
    void *block = memory->cut;
    memory->cut += size;
    return block;
}

static struct ets_row *memory_take(struct ets_memory *memory, size_t size)
{
    if (size > SMALL)
        return heap_realloc(memory->heap, NULL, size);
    struct ets_row **free = &memory->free[size / STEP - 1];
    struct ets_row *row = *free;
    if (!row)
        return memory_cut(memory, size);
    *free = row->next;
    return row;
}

struct ets_row *row_new(struct ets_memory *memory, struct tuple tuple)
{
    size_t fields = tuple.count * sizeof *tuple.fields;
    size_t size = (sizeof(struct ets_row) + fields + tuple_bytes(tuple) + STEP - 1) / STEP * STEP;
    struct ets_row *row = memory_take(memory, size);
    row->next = row->last = NULL;
    row->place = 0;
    row->size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
    row->count = tuple.count;
    tuple_pack(tuple, row->fields, (char *)row->fields + fields);
    return row;
}

void row_free(struct ets_memory *memory, struct ets_row *row)
{
    if (row->size > SMALL) {
        heap_release(memory->heap, row);
        return;
    }
    struct ets_row **free = &memory->free[row->size / STEP - 1];
    row->next = *free;
    *free = row;
}

struct ets_row *rows_find(struct ets *table, struct value key)
{
    return table->type == ETS_ORDERED ? tree_find(table, key) : hash_find(table, key);
}

struct ets_row *rows_after(struct ets *table, struct ets_row *row)
{
    return table->type >= ETS_BAG ? row->next : NULL;
}

bool rows_full(const struct ets *table, size_t more)
{
    enum { KEYS_MAX = INT32_MAX };
    return more > KEYS_MAX || table->hash.places > KEYS_MAX - more ||
           table->tree.keys > KEYS_MAX - more;
}

static void row_add(struct ets *table, struct ets_row *row)
{
    row->last = row;
    table->rows++;
    if (table->type == ETS_ORDERED) {
        tree_add(table, row);
        return;
    }
    hash_add(table, row);
}

static bool bag_has(const struct ets_row *row, struct tuple tuple)
{
    while (row && !tuple_same(row_tuple(row), tuple))
        row = row->next;
    return row;
}

/* The first row of a key, in bags, changes: its duties go to another one. */
static void first_move(struct ets *table, struct ets_row *first, struct ets_row *to)
{
    to->last = first->last;
    hash_replace(table, first, to);
}

void rows_replace(struct ets *table, struct ets_row *old, struct tuple tuple)
{
    struct ets_row *row = row_new(&table->memory, tuple);
    if (table->type == ETS_ORDERED) {
        tree_replace(table, old, row);
    } else {
        hash_replace(table, old, row);
        row->last = row;
    }
    cursors_move(table, old, row);
    row_free(&table->memory, old);
}

void rows_put(struct ets *table, struct tuple tuple)
{
    struct ets_row *old = rows_find(table, tuple.fields[table->key]);
    if (!old) {
        row_add(table, row_new(&table->memory, tuple));
    } else if (table->type < ETS_BAG) {
        rows_replace(table, old, tuple);
    } else if (table->type == ETS_DUPLICATE_BAG || !bag_has(old, tuple)) {
        struct ets_row *row = row_new(&table->memory, tuple);
        old->last->next = row;
        old->last = row;
        table->rows++;
    }
}

static void bag_remove(struct ets *table, struct ets_row *row)
{
    struct ets_row *first = rows_find(table, row_key(table, row));
    cursors_move(table, row, row->next);
    if (first != row) {
        struct ets_row *before = first;
        while (before->next != row)
            before = before->next;
        before->next = row->next;
        if (first->last == row)
            first->last = before;
    } else if (row->next) {
        first_move(table, row, row->next);
    } else {
        hash_remove(table, row);
    }
}

void rows_remove(struct ets *table, struct ets_row *row)
{
    if (table->type == ETS_ORDERED) {
        if (table->cursors)
            cursors_move(table, row, tree_beside(table, row_key(table, row), false));
        tree_remove(table, row);
    } else if (table->type == ETS_SET) {
        cursors_move(table, row, NULL);
        hash_remove(table, row);
    } else {
        bag_remove(table, row);
    }
    table->rows--;
    row_free(&table->memory, row);
}
