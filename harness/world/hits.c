/* hits.c: hits told apart by key and by node, for the few points of which somebody wants to know that. All other points
 * are counted as a whole (sink.c). */
#include "harness/world/world_internal.h"

#include <stdlib.h>
#include <string.h>

#define ANY_NODE UINT32_MAX

struct hits_by {
    bool *counted; /* by point id */
    struct ordinal *counts;
};

void world_count_by(struct world *world, size_t point_id)
{
    if (!world->by) {
        world->by = calloc(1, sizeof *world->by);
        bool *counted = calloc(registry_count(), sizeof *counted);
        if (!world->by || !counted)
            abort();
        world->by->counted = counted;
    }
    world->by->counted[point_id] = true;
}

static struct ordinal_key key_of(size_t point_id, uint32_t node, uint64_t key)
{
    struct ordinal_key whole;
    memset(&whole, 0, sizeof whole);
    whole.point = (uint32_t)point_id;
    whole.node = node;
    whole.key = key;
    return whole;
}

static void count(struct hits_by *by, struct ordinal_key key)
{
    struct ordinal *found;
    HASH_FIND(hh, by->counts, &key, sizeof key, found);
    if (!found) {
        found = calloc(1, sizeof *found);
        if (!found)
            abort();
        found->key = key;
        HASH_ADD(hh, by->counts, key, sizeof found->key, found);
    }
    found->count++;
}

void world_count_hit(struct world *world, size_t point_id, uint32_t node, uint64_t key)
{
    if (!world->by->counted[point_id])
        return;
    count(world->by, key_of(point_id, ANY_NODE, key));
    count(world->by, key_of(point_id, node, 0));
}

static uint64_t count_of(const struct world *world, struct ordinal_key key)
{
    struct ordinal *found = NULL;
    if (world->by)
        HASH_FIND(hh, world->by->counts, &key, sizeof key, found);
    return found ? found->count : 0;
}

uint64_t world_hits_with_key(const struct world *world, size_t point_id, uint64_t key)
{
    return count_of(world, key_of(point_id, ANY_NODE, key));
}

uint64_t world_hits_on(const struct world *world, size_t point_id, uint32_t node)
{
    return count_of(world, key_of(point_id, node, 0));
}

void world_hits_free(struct world *world)
{
    struct ordinal *ordinal, *next;
    if (!world->by)
        return;
    HASH_ITER (hh, world->by->counts, ordinal, next) {
        HASH_DEL(world->by->counts, ordinal);
        free(ordinal);
    }
    free(world->by->counted);
    free(world->by);
}
