/* linear_memory.h: which pairs of (what has taken effect, the state after it) a search has met. */
#ifndef PROPERTIES_LINEAR_MEMORY_H
#define PROPERTIES_LINEAR_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed but for record_size: empty. */
struct memory {
    size_t record_size; /* bytes; the records stand in a row */
    unsigned char *records;
    uint64_t *hashes;
    uint32_t *slots; /* number of a record + 1 */
    size_t count, capacity;
};

/* `bits` and `state` are record_size bytes together; `hash` is theirs. true: they are new. */
bool memory_add(struct memory *memory, uint64_t hash, const void *bits, size_t bits_size,
                const void *state);
void memory_done(struct memory *memory);

#endif
