/* linear_memory.c: see linear_memory.h. Open addressing over records that stand in a row. */
#include "properties/linear_memory.h"

#include <stdlib.h>
#include <string.h>

static void *grown(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (!memory)
        abort();
    return memory;
}

static size_t memory_slot(const struct memory *memory, uint64_t hash, const void *bits,
                          size_t bits_size, const void *state)
{
    size_t mask = 2 * memory->capacity - 1, slot = hash & mask;
    for (; memory->slots[slot]; slot = (slot + 1) & mask) {
        size_t number = memory->slots[slot] - 1;
        const unsigned char *record = memory->records + number * memory->record_size;
        if (memory->hashes[number] == hash && memcmp(record, bits, bits_size) == 0 &&
            memcmp(record + bits_size, state, memory->record_size - bits_size) == 0)
            break;
    }
    return slot;
}

static void memory_grow(struct memory *memory)
{
    memory->capacity = memory->capacity ? 2 * memory->capacity : 64;
    memory->records = grown(memory->records, memory->capacity * memory->record_size);
    memory->hashes = grown(memory->hashes, memory->capacity * sizeof *memory->hashes);
    free(memory->slots);
    memory->slots = calloc(2 * memory->capacity, sizeof *memory->slots);
    if (!memory->slots)
        abort();
    size_t mask = 2 * memory->capacity - 1;
    for (size_t i = 0; i < memory->count; i++) {
        size_t slot = memory->hashes[i] & mask;
        while (memory->slots[slot])
            slot = (slot + 1) & mask;
        memory->slots[slot] = (uint32_t)(i + 1);
    }
}

bool memory_add(struct memory *memory, uint64_t hash, const void *bits, size_t bits_size,
                const void *state)
{
    if (memory->count == memory->capacity)
        memory_grow(memory);
    size_t slot = memory_slot(memory, hash, bits, bits_size, state);
    if (memory->slots[slot])
        return false;
    unsigned char *record = memory->records + memory->count * memory->record_size;
    memcpy(record, bits, bits_size);
    memcpy(record + bits_size, state, memory->record_size - bits_size);
    memory->hashes[memory->count] = hash;
    memory->slots[slot] = (uint32_t)++memory->count;
    return true;
}

void memory_done(struct memory *memory)
{
    free(memory->records);
    free(memory->hashes);
    free(memory->slots);
}
