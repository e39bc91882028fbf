/* arena.c: see arena.h. */
#define _GNU_SOURCE /* vasprintf */
#include "properties/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    max_align_t contents[];
};

struct arena_deferred {
    struct arena_deferred *next;
    void (*fn)(void *arg);
    void *arg;
};

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *block = calloc(1, sizeof *block + size);
    if (!block)
        abort();
    block->next = arena->blocks;
    arena->blocks = block;
    return block->contents;
}

void *arena_copy(struct arena *arena, const void *from, size_t used, size_t size)
{
    void *copy = arena_alloc(arena, size);
    if (used > 0)
        memcpy(copy, from, used);
    return copy;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *text;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        abort();
    char *copy = arena_copy(arena, text, (size_t)length, (size_t)length + 1);
    free(text);
    return copy;
}

void arena_defer(struct arena *arena, void (*fn)(void *arg), void *arg)
{
    struct arena_deferred *action = arena_alloc(arena, sizeof *action);
    *action = (struct arena_deferred){arena->actions, fn, arg};
    arena->actions = action;
}

void arena_clear(struct arena *arena)
{
    while (arena->actions) {
        struct arena_deferred *action = arena->actions;
        arena->actions = action->next;
        action->fn(action->arg);
    }
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
}
