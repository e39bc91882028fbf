/* ets_hash.c: keys by hash. An open-addressing index (linear probing, deletion shifts back, so there are no tombstones) of
 * first rows, and beside it the list of them in the order in which their keys came: that is the order of iteration, the same
 * in every run. A key that goes leaves a hole in the list; holes are closed when they are half of it, but never under a
 * cursor: so a place means the same key as long as one is open.
 */
#include "sut/runtime/ets_internal.h"

enum { SLOTS_MIN = 8, PLACES_MIN = 8 };

static struct ets_slot *slot_find(const struct ets *table, struct value key, uint32_t hash)
{
    const struct ets_hash *index = &table->hash;
    if (!index->slots)
        return NULL;
    for (uint32_t i = hash & index->mask; index->slots[i].row; i = (i + 1) & index->mask)
        if (index->slots[i].hash == hash && value_same(row_key(table, index->slots[i].row), key))
            return &index->slots[i];
    return NULL;
}

struct ets_row *hash_find(const struct ets *table, struct value key)
{
    struct ets_slot *slot = slot_find(table, key, value_hash(key));
    return slot ? slot->row : NULL;
}

static void slot_put(struct ets_hash *index, struct ets_slot slot)
{
    uint32_t i = slot.hash & index->mask;
    while (index->slots[i].row)
        i = (i + 1) & index->mask;
    index->slots[i] = slot;
}

static void slots_grow(struct ets *table)
{
    struct ets_hash *index = &table->hash;
    struct ets_slot *old = index->slots;
    uint32_t old_size = old ? index->mask + 1 : 0;
    uint32_t size = old ? old_size * 2 : SLOTS_MIN;
    index->slots = heap_alloc(table->heap, size * sizeof *index->slots);
    index->mask = size - 1;
    for (uint32_t i = 0; i < old_size; i++)
        if (old[i].row)
            slot_put(index, old[i]);
    heap_release(table->heap, old);
}

void hash_pack(struct ets_hash *index)
{
    uint32_t places = 0;
    for (uint32_t i = 0; i < index->places; i++)
        if (index->order[i]) {
            index->order[i]->place = places;
            index->order[places++] = index->order[i];
        }
    index->places = places;
}

static void place_add(struct ets *table, struct ets_row *row)
{
    struct ets_hash *index = &table->hash;
    if (index->places == index->places_max) {
        index->places_max = index->places_max ? index->places_max * 2 : PLACES_MIN;
        index->order =
            heap_realloc(table->heap, index->order, index->places_max * sizeof *index->order);
    }
    row->place = index->places;
    index->order[index->places++] = row;
}

void hash_add(struct ets *table, struct ets_row *row)
{
    struct ets_hash *index = &table->hash;
    if (!index->slots || (uint64_t)index->keys * 8 >= (uint64_t)index->mask * 5)
        slots_grow(table);
    slot_put(index, (struct ets_slot){.row = row, .hash = value_hash(row_key(table, row))});
    place_add(table, row);
    index->keys++;
}

/* What stood behind it moves up, unless it already stands where its hash says. */
static void slot_empty(struct ets_hash *index, uint32_t at)
{
    for (uint32_t i = (at + 1) & index->mask; index->slots[i].row; i = (i + 1) & index->mask) {
        uint32_t home = index->slots[i].hash & index->mask;
        if (((i - home) & index->mask) < ((i - at) & index->mask))
            continue;
        index->slots[at] = index->slots[i];
        at = i;
    }
    index->slots[at] = (struct ets_slot){0};
}

void hash_remove(struct ets *table, struct ets_row *first)
{
    struct ets_hash *index = &table->hash;
    struct value key = row_key(table, first);
    struct ets_slot *slot = slot_find(table, key, value_hash(key));
    slot_empty(index, (uint32_t)(slot - index->slots));
    index->order[first->place] = NULL;
    index->keys--;
    if (!table->cursors && index->places > 2 * PLACES_MIN && index->keys < index->places / 2)
        hash_pack(index);
}

void hash_replace(struct ets *table, struct ets_row *first, struct ets_row *with)
{
    struct value key = row_key(table, first);
    slot_find(table, key, value_hash(key))->row = with;
    table->hash.order[first->place] = with;
    with->place = first->place;
}
