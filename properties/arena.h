/* arena.h: the memory of one test case. Everything that a case allocates ends with it, however it ends: it may be
 * left in mid-sentence, at a failed assertion. What needs more than free() is deferred to the same moment.
 *
 * Every allocation is a block of its own, so that a memory checker sees each step over its end.
 */
#ifndef PROPERTIES_ARENA_H
#define PROPERTIES_ARENA_H

#include <stddef.h>

struct arena {
    struct arena_block *blocks;     /* the newest first */
    struct arena_deferred *actions; /* the newest first */
};

/* Zeroed. Never NULL: the process ends when there is no memory. */
void *arena_alloc(struct arena *arena, size_t size);
/* The same contents, `size` bytes; the old block stays until the end. */
void *arena_copy(struct arena *arena, const void *from, size_t used, size_t size);
char *arena_print(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* fn(arg) when the arena is cleared; the last deferred runs first. */
void arena_defer(struct arena *arena, void (*fn)(void *arg), void *arg);
/* Runs what was deferred, then frees everything. The arena can be used again. */
void arena_clear(struct arena *arena);

#endif
