/* heap.c: a doubly linked list of malloc blocks per owner, so that a block is released in O(1) and
 * the whole heap in one walk. Every block knows its heap: releasing it through another one is a bug
 * of the caller and stops the program. Nothing is ever lost: what is not released goes with its
 * heap. Blocks of a pool are in no list: they go with it.
 *
 * Where there is a stock, blocks of up to 2 KiB are made as large as the multiple of 64 bytes above
 * their size, and come and go by its lists. AddressSanitizer and valgrind see malloc's blocks only:
 * with them there is none. */
#include "sut/runtime/heap.h"

#include "sut/runtime/sanitize.h"

#include <assert.h>
#include <stdbool.h>
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
    char what[32];
    snprintf(what, sizeof what, "%zu bytes", size);
    out_of_memory(what);
}

void out_of_memory(const char *what)
{
    fprintf(stderr, "out of memory: %s\n", what);
    abort();
}

static struct heap_block *block_of(void *data)
{
    return (struct heap_block *)((char *)data - offsetof(struct heap_block, data));
}

static void block_count(struct heap *heap, struct heap_block *block, size_t size)
{
    block->heap = heap;
    block->size = size;
    ++heap->blocks;
    heap->bytes += size;
}

static void block_insert(struct heap *heap, struct heap_block *block, size_t size)
{
    block->prev = NULL;
    block->next = heap->first;
    if (heap->first)
        heap->first->prev = block;
    heap->first = block;
    block_count(heap, block, size);
}

static bool block_pooled(const struct heap *heap, const struct heap_block *block)
{
    return (const char *)block >= heap->pool && (const char *)block < heap->end;
}

static void block_remove(struct heap *heap, struct heap_block *block)
{
    assert(block->heap == heap);
    --heap->blocks;
    heap->bytes -= block->size;
    if (block_pooled(heap, block))
        return;
    *(block->prev ? &block->prev->next : &heap->first) = block->next;
    if (block->next)
        block->next->prev = block->prev;
}

/* NULL: not from the pool. */
static struct heap_block *block_cut(struct heap *heap, size_t size)
{
    size_t left = (size_t)(heap->end - heap->cut);
    if (left < sizeof(struct heap_block) || size > left - sizeof(struct heap_block))
        return NULL;
    struct heap_block *block = (struct heap_block *)heap->cut;
    size_t whole = sizeof *block + (size + 15) / 16 * 16;
    heap->cut = whole < left ? heap->cut + whole : heap->end;
    block_count(heap, block, size);
    return block;
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

/* ---- the stock ---- */

enum { STOCK_STEP = 64 };

/* Which list blocks of this size are in; HEAP_STOCK_SIZES or more: in none. */
static size_t stock_list(size_t size)
{
    return size ? (size - 1) / STOCK_STEP : 0;
}

static bool block_stocked(const struct heap *heap, size_t size)
{
    return heap->stock && stock_list(size) < HEAP_STOCK_SIZES;
}

/* NULL: there is no memory. */
static struct heap_block *block_try(struct heap *heap, size_t size)
{
    if (!block_stocked(heap, size))
        return size <= PTRDIFF_MAX - sizeof(struct heap_block)
                   ? malloc(sizeof(struct heap_block) + size)
                   : NULL;
    size_t list = stock_list(size);
    struct heap_block *block = heap->stock->first[list];
    if (!block)
        return malloc(sizeof *block + (list + 1) * STOCK_STEP);
    heap->stock->first[list] = block->next;
    return block;
}

static struct heap_block *block_new(struct heap *heap, size_t size)
{
    struct heap_block *block = block_try(heap, size);
    if (!block)
        heap_exhausted(size);
    return block;
}

/* Which is in no heap any more. */
static void block_free(struct heap_stock *stock, struct heap_block *block, size_t size)
{
    size_t list = stock_list(size);
    if (!stock || list >= HEAP_STOCK_SIZES) {
        free(block);
        return;
    }
    block->next = stock->first[list];
    stock->first[list] = block;
}

void heap_stock_done(struct heap_stock *stock)
{
    for (size_t list = 0; list < HEAP_STOCK_SIZES; ++list) {
        for (struct heap_block *next, *block = stock->first[list]; block; block = next) {
            next = block->next;
            free(block);
        }
    }
    *stock = (struct heap_stock){0};
}

/* ---- heaps ---- */

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

void heap_init_like(struct heap *heap, const struct heap *other)
{
    *heap = (struct heap){.stock = other->stock};
}

void heap_done(struct heap *heap)
{
    while (heap->children)
        heap_free(heap->children);
    while (heap->first) {
        struct heap_block *block = heap->first;
        heap->first = block->next;
        block_free(heap->stock, block, block->size);
    }
    heap->blocks = heap->bytes = 0;
    heap->cut = heap->pool;
}

/* The record of a heap and its pool are one block, of which this is the size. */
enum { RECORD = (sizeof(struct heap) + 15) / 16 * 16 };

static size_t record_size(size_t pool_bytes)
{
    return RECORD + pool_bytes - sizeof(struct heap_block);
}

static struct heap *record_new(struct heap *like, size_t pool_bytes)
{
    struct heap *heap = (struct heap *)block_new(like, record_size(pool_bytes));
    heap_init_like(heap, like);
    heap->pool = heap->cut = (char *)heap + RECORD;
    heap->end = heap->pool + pool_bytes;
    return heap;
}

struct heap *heap_new(void)
{
    return heap_stocked(NULL);
}

struct heap *heap_stocked(struct heap_stock *stock)
{
    struct heap like = {.stock = SANITIZE_ADDRESS || RUNNING_ON_VALGRIND ? NULL : stock};
    return record_new(&like, 0);
}

struct heap *heap_child(struct heap *parent)
{
    return heap_pooled(parent, 0);
}

struct heap *heap_pooled(struct heap *parent, size_t bytes)
{
    struct heap none = {0};
    if (SANITIZE_ADDRESS) /* it sees the bounds of malloc's blocks only */
        bytes = 0;
    struct heap *heap = record_new(parent ? parent : &none, bytes);
    if (parent)
        child_insert(parent, heap);
    return heap;
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
    size_t size = record_size((size_t)(heap->end - heap->pool));
    block_free(heap->stock, (struct heap_block *)heap, size);
}

/* Not zeroed. */
static inline void *block_take(struct heap *heap, size_t size)
{
    struct heap_block *block = block_cut(heap, size);
    if (!block) {
        block = block_new(heap, size);
        block_insert(heap, block, size);
    }
    return block->data;
}

void *heap_alloc(struct heap *heap, size_t size)
{
    return memset(block_take(heap, size), 0, size);
}

void *heap_try_alloc(struct heap *heap, size_t size)
{
    struct heap_block *block = block_try(heap, size);
    if (!block)
        return NULL;
    block_insert(heap, block, size);
    return memset(block->data, 0, size);
}

/* A block of the stock stays what it is, or is copied to another one. */
static void *block_move(struct heap *heap, struct heap_block *block, size_t size)
{
    if (!block_pooled(heap, block) && stock_list(block->size) == stock_list(size)) {
        heap->bytes += size - block->size;
        block->size = size;
        return block->data;
    }
    void *moved = block_take(heap, size);
    memcpy(moved, block->data, block->size < size ? block->size : size);
    heap_release(heap, block->data);
    return moved;
}

void *heap_realloc(struct heap *heap, void *data, size_t size)
{
    struct heap_block *block = data ? block_of(data) : NULL;
    if (!block)
        return block_take(heap, size);
    if (block_pooled(heap, block) || block_stocked(heap, block->size) || block_stocked(heap, size))
        return block_move(heap, block, size);
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
    if (!block_pooled(heap, block))
        block_free(heap->stock, block, block->size);
}

/* ---- spares ---- */

enum { SPARE_SIZE = 64, SPARES_MAX = 256 };

void *heap_take(struct heap *heap, struct heap_spares *spares, size_t size)
{
    struct heap_block *block = spares->first;
    if (size > SPARE_SIZE)
        return heap_alloc(heap, size);
    if (block) {
        spares->first = block->next;
        --spares->count;
        sanitize_show(block->data, SPARE_SIZE);
    } else {
        block = block_new(heap, SPARE_SIZE);
    }
    block_insert(heap, block, SPARE_SIZE);
    return block->data;
}

void heap_give(struct heap *heap, struct heap_spares *spares, void *data)
{
    struct heap_block *block = block_of(data);
    if (block->size != SPARE_SIZE || spares->count >= SPARES_MAX || block_pooled(heap, block)) {
        heap_release(heap, data);
        return;
    }
    block_remove(heap, block);
    block->next = spares->first;
    spares->first = block;
    ++spares->count;
    sanitize_hide(data, SPARE_SIZE);
}

void heap_spares_done(struct heap_spares *spares)
{
    while (spares->first) {
        struct heap_block *block = spares->first;
        spares->first = block->next;
        sanitize_show(block->data, SPARE_SIZE);
        free(block);
    }
    spares->count = 0;
}

/* ---- copies and sums ---- */

char *heap_text(struct heap *heap, const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(block_take(heap, size), text, size);
}

void *heap_memdup(struct heap *heap, const void *data, size_t size)
{
    void *copy = block_take(heap, size);
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
