/* cache.c: what is known of candidates, so that none is executed that must give what is known already.
 *
 * It holds, as hashes, every complete sequence of values that was no success. A candidate that begins with one would
 * draw exactly that.
 */
#include "harness/hash.h"
#include "harness/sequence/shrink_internal.h"

#include <string.h>

static bool cache_slot(const struct shrink_cache *cache, uint64_t hash, size_t *ret_slot)
{
    size_t slot = hash & (cache->capacity - 1);
    while (cache->hashes[slot] != 0 && cache->hashes[slot] != hash)
        slot = (slot + 1) & (cache->capacity - 1);
    *ret_slot = slot;
    return cache->hashes[slot] == hash;
}

static void cache_grow(struct shrink_cache *cache)
{
    struct shrink_cache grown = {.capacity = cache->capacity ? 2 * cache->capacity : 1024};
    grown.hashes = array_of(grown.capacity, sizeof *grown.hashes);
    memset(grown.hashes, 0, grown.capacity * sizeof *grown.hashes);
    grown.count = cache->count;
    for (size_t i = 0; i < cache->capacity; i++) {
        size_t slot;
        if (cache->hashes[i] != 0 && !cache_slot(&grown, cache->hashes[i], &slot))
            grown.hashes[slot] = cache->hashes[i];
    }
    free(cache->hashes);
    *cache = grown;
}

static void cache_add(struct shrink_cache *cache, uint64_t hash)
{
    size_t slot;
    if (2 * cache->count >= cache->capacity)
        cache_grow(cache);
    if (!cache_slot(cache, hash, &slot)) {
        cache->hashes[slot] = hash;
        cache->count++;
    }
}

static uint64_t hash_next(uint64_t hash, int64_t value)
{
    uint64_t next = mix64(hash ^ (uint64_t)value);
    return next ? next : 1;
}

/* What overran is known by itself only: with more values it might not overrun. */
static uint64_t hash_overrun(uint64_t hash)
{
    return hash_next(hash,
                     INT64_C(0x6f76657272756e21)); /* a value that no case draws but by chance */
}

/* Does it begin with all that a case drew which was no success? (Such a case is none later either: the best only
 * gets simpler.) */
bool shrink_cache_knows(const struct shrink_cache *cache, const int64_t *values, size_t count)
{
    uint64_t hash = 1;
    size_t slot;
    if (cache->capacity == 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        hash = hash_next(hash, values[i]);
        if (cache_slot(cache, hash, &slot))
            return true;
    }
    return cache_slot(cache, hash_overrun(hash), &slot);
}

/* What was drawn; and what was given, where a value was not admitted (if all was given). */
void shrink_cache_remember(struct shrinker *s, const struct sequence *drawn, bool all_given)
{
    uint64_t given = 1, real = 1;
    size_t length = sequence_length(drawn);
    const struct sequence_choice *choices = sequence_choices(drawn);
    for (size_t i = 0; i < length; i++) {
        given = hash_next(given, i < s->trial_count ? s->trial[i] : choices[i].value);
        real = hash_next(real, choices[i].value);
    }
    if (all_given)
        cache_add(&s->cache, sequence_overrun(drawn) ? hash_overrun(given) : given);
    if (!sequence_overrun(drawn))
        cache_add(&s->cache, real);
}
