/* heap.h: memory that belongs to somebody.
 *
 * A heap is a list of blocks with one owner, a node, a process or a call. Freeing the heap frees
 * every block in it, so a crash leaks nothing: nobody has to run for the memory to come back. A
 * heap may be the child of another one: it is freed with it, unless it was freed or adopted by a
 * third before. Allocation failure aborts with a message (the release policy of the project: a job
 * system without memory cannot keep promises).
 */
#ifndef SUT_HEAP_H
#define SUT_HEAP_H

#include <stddef.h>

struct heap_block;

/* Blocks that were released, by size, for whichever heap of the same stock asks next: a trip through malloc costs several
 * times as much. Zeroed: none yet. All heaps of a stock belong to one thread. */
enum { HEAP_STOCK_SIZES = 32 };
struct heap_stock { /* private */
    struct heap_block *first[HEAP_STOCK_SIZES];
};

struct heap {                 /* private */
    struct heap_stock *stock; /* NULL: malloc's */
    struct heap_block *first;
    size_t blocks;
    size_t bytes;
    struct heap *parent; /* NULL: nobody's child */
    struct heap *children;
    struct heap *prev, *next; /* among the children of the parent */
    char *pool, *cut, *end;   /* small blocks are cut from here; NULL: from malloc, as large ones */
};

void heap_init(struct heap *heap); /* in place: the heap must not move afterwards */
void heap_done(struct heap *heap); /* frees all blocks and children; the heap may be used again */
struct heap *heap_new(void);
/* Nobody's child. Its children and theirs take from the stock and give back, too; it must outlive them. */
struct heap *heap_stocked(struct heap_stock *stock);
/* As heap_init(), with the stock of another heap. */
void heap_init_like(struct heap *heap, const struct heap *other);
void heap_stock_done(struct heap_stock *stock);
struct heap *heap_child(struct heap *parent); /* for heap_free(), or it goes with its parent */
/* For many small blocks that live about as long as their heap: up to `bytes` of them, their records included, come with
 * it. Nobody's child when `parent` is NULL. */
struct heap *heap_pooled(struct heap *parent, size_t bytes);
void heap_adopt(struct heap *parent, struct heap *child); /* gives a child to another parent */
void heap_free(struct heap *heap);                        /* with all its blocks; NULL is fine */
void *heap_alloc(struct heap *heap, size_t size);         /* zeroed, 16-byte aligned */
void *heap_try_alloc(struct heap *heap, size_t size);     /* the same; NULL: there is no memory */
void *heap_realloc(struct heap *heap, void *block, size_t size); /* new bytes are not zeroed */
void heap_release(struct heap *heap, void *block);               /* NULL is fine */
void *heap_memdup(struct heap *heap, const void *data, size_t size);
char *heap_text(struct heap *heap, const char *text);

/* NULL stays NULL, without a call: most texts of a request are not there. */
static inline char *heap_strdup(struct heap *heap, const char *text)
{
    return text ? heap_text(heap, text) : NULL;
}

/* Small blocks that belonged to one heap and may belong to another one next, without a trip through malloc: for what comes and
 * goes all the time. Zeroed: none yet. */
struct heap_spares {
    struct heap_block *first;
    unsigned count;
};
/* As heap_alloc(), not zeroed; of any size, but only small ones come from the spares. */
void *heap_take(struct heap *heap, struct heap_spares *spares, size_t size);
/* As heap_release(). What heap_take() gave may be released by either, and the other way round. */
void heap_give(struct heap *heap, struct heap_spares *spares, void *block);
void heap_spares_done(struct heap_spares *spares);

/* Live blocks and their bytes, with those of children; each child is a block too. For leak tests.
 */
size_t heap_blocks(const struct heap *heap);
size_t heap_bytes(const struct heap *heap);

/* Ends the program with a word about what could not be had, as heap_alloc() does. */
__attribute__((noreturn)) void out_of_memory(const char *what);

#endif
