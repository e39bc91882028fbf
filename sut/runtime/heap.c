/* heap.c: a doubly linked list of malloc blocks per owner, so that a block is released in O(1) and
 * the whole heap in one walk. Every block knows its heap: releasing it through another one is a bug
 * of the caller and stops the program. Nothing is ever lost: what is not released goes with its
 * heap. */
#include "sut/runtime/heap.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct heap_block {
    struct heap_block *prev;
    struct heap_block *next;
    struct heap *heap;
    size_t size;
    _Alignas(16) char data[];
};

static _Noreturn void heap_exhausted(size_t size)
{
    fprintf(stderr, "out of memory: %zu bytes\n", size);
    abort();
}

static struct heap_block *block_of(void *data)
{
    return (struct heap_block *)((char *)data - offsetof(struct heap_block, data));
}

static void block_insert(struct heap *heap, struct heap_block *block, size_t size)
{
    block->prev = NULL;
    block->next = heap->first;
    block->heap = heap;
    block->size = size;
    if (heap->first)
        heap->first->prev = block;
    heap->first = block;
    ++heap->blocks;
    heap->bytes += size;
}

static void block_remove(struct heap *heap, struct heap_block *block)
{
    assert(block->heap == heap);
    *(block->prev ? &block->prev->next : &heap->first) = block->next;
    if (block->next)
        block->next->prev = block->prev;
    --heap->blocks;
    heap->bytes -= block->size;
}

static void *block_resize(struct heap_block *block, size_t size)
{
    if (size > PTRDIFF_MAX - sizeof *block)
        heap_exhausted(size);
    struct heap_block *resized = realloc(block, sizeof *block + size);
    if (!resized)
        heap_exhausted(size);
    return resized;
}

static void child_insert(struct heap *parent, struct heap *child)
{
    child->parent = parent;
    DL_APPEND(parent->children, child);
}

static void child_remove(struct heap *child)
{
    DL_DELETE(child->parent->children, child);
    child->parent = NULL;
}

void heap_init(struct heap *heap)
{
    *heap = (struct heap){0};
}

void heap_done(struct heap *heap)
{
    while (heap->children)
        heap_free(heap->children);
    while (heap->first) {
        struct heap_block *block = heap->first;
        heap->first = block->next;
        free(block);
    }
    heap->blocks = heap->bytes = 0;
}

struct heap *heap_new(void)
{
    struct heap *heap = malloc(sizeof *heap);
    if (!heap)
        heap_exhausted(sizeof *heap);
    heap_init(heap);
    return heap;
}

struct heap *heap_child(struct heap *parent)
{
    struct heap *child = heap_new();
    child_insert(parent, child);
    return child;
}

void heap_adopt(struct heap *parent, struct heap *child)
{
    child_remove(child);
    child_insert(parent, child);
}

void heap_free(struct heap *heap)
{
    if (!heap)
        return;
    heap_done(heap);
    if (heap->parent)
        child_remove(heap);
    free(heap);
}

void *heap_alloc(struct heap *heap, size_t size)
{
    struct heap_block *block = block_resize(NULL, size);
    block_insert(heap, block, size);
    return memset(block->data, 0, size);
}

void *heap_try_alloc(struct heap *heap, size_t size)
{
    struct heap_block *block =
        size <= PTRDIFF_MAX - sizeof *block ? malloc(sizeof *block + size) : NULL;
    if (!block)
        return NULL;
    block_insert(heap, block, size);
    return memset(block->data, 0, size);
}

void *heap_realloc(struct heap *heap, void *data, size_t size)
{
    struct heap_block *block = data ? block_of(data) : NULL;
    if (block)
        block_remove(heap, block);
    block = block_resize(block, size);
    block_insert(heap, block, size);
    return block->data;
}

void heap_release(struct heap *heap, void *data)
{
    if (!data)
        return;
    struct heap_block *block = block_of(data);
    block_remove(heap, block);
    free(block);
}

char *heap_strdup(struct heap *heap, const char *text)
{
    return text ? heap_memdup(heap, text, strlen(text) + 1) : NULL;
}

void *heap_memdup(struct heap *heap, const void *data, size_t size)
{
    void *copy = heap_alloc(heap, size);
    return size ? memcpy(copy, data, size) : copy;
}

size_t heap_blocks(const struct heap *heap)
{
    const struct heap *child;
    size_t blocks = heap->blocks;
    DL_FOREACH (heap->children, child)
        blocks += 1 + heap_blocks(child);
    return blocks;
}

size_t heap_bytes(const struct heap *heap)
{
    const struct heap *child;
    size_t bytes = heap->bytes;
    DL_FOREACH (heap->children, child)
        bytes += heap_bytes(child);
    return bytes;
}
