/* fiber.c: fibers on Boost's fcontext, which saves the callee-saved registers and nothing more.
 *
 * A fiber's record lies at the top of its own stack, so that a fresh fiber costs one touched page
 * and no allocation. Stacks are cut from slabs and go back to a free list, last in first out (warm
 * in the cache); only fiber_pool_free() returns memory to the kernel. */
#define _GNU_SOURCE
#include "sut/runtime/fiber.h"

#include "sut/runtime/sanitize.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Boost.Context's C ABI (libboost_context), declared by hand: its header is C++. */
struct transfer {
    void *context; /* who jumped here */
    void *data;
};
void *make_fcontext(void *top, size_t size, void (*entry)(struct transfer));
struct transfer jump_fcontext(void *to, void *data);
struct transfer ontop_fcontext(void *to, void *data, struct transfer (*fn)(struct transfer));

enum {
    STACK_DEFAULT = 64 * 1024,
    STACK_FACTOR = SANITIZE_ADDRESS ? 4 : 1,
    SLAB_MIN = 16, /* stacks per slab: as many as there are already, within these bounds */
    SLAB_MAX = 1024,
    GUARDS_MAX = 16384, /* by mprotect: each splits a mapping, and the kernel allows about 65,000 */
    CANARY_WORDS = 8,   /* the lowest words of a stack without guard: untouched, hence zero */
};
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

struct fiber {
    void *context; /* where it goes on */
    void *caller;  /* where the one that switched to it goes on */
    fiber_main *main;
    void *arg;
    char *low; /* lowest byte of the stack */
    size_t size;
    struct fiber *next; /* in the free list */
    bool ended;
    bool guarded;
    struct sanitize_stack sanitize;
};

struct fiber_slab {
    struct fiber_slab *next;
    char *base;
    size_t size;
};

struct fiber_pool {
    struct heap *heap;
    size_t page;
    size_t region; /* guard page and stack */
    size_t stacks; /* cut so far */
    size_t guards; /* by mprotect */
    struct fiber *free;
    struct fiber_slab *slabs; /* the newest first; stacks are cut from it */
    size_t uncut;             /* bytes of it not yet cut */
};

/* ---- stacks ---- */

struct fiber_pool *fiber_pool_new(struct heap *heap, size_t stack_bytes)
{
    struct fiber_pool *pool = heap_alloc(heap, sizeof *pool);
    pool->heap = heap;
    pool->page = (size_t)sysconf(_SC_PAGESIZE);
    size_t stack = (stack_bytes ? stack_bytes : STACK_DEFAULT) * STACK_FACTOR;
    pool->region = pool->page + (stack + pool->page - 1) / pool->page * pool->page;
    return pool;
}

static struct fiber *region_fiber(const struct fiber_pool *pool, char *region)
{
    return (struct fiber *)(region + pool->region) - 1;
}

static void slab_unmap(struct fiber_pool *pool, struct fiber_slab *slab, size_t cut)
{
    for (size_t at = 0; at < cut; at += pool->region)
        sanitize_stack_done(&region_fiber(pool, slab->base + at)->sanitize);
    sanitize_clear(slab->base, slab->size);
    munmap(slab->base, slab->size);
    heap_release(pool->heap, slab);
}

void fiber_pool_free(struct fiber_pool *pool)
{
    if (!pool)
        return;
    while (pool->slabs) {
        struct fiber_slab *slab = pool->slabs;
        pool->slabs = slab->next;
        slab_unmap(pool, slab, slab->size - pool->uncut);
        pool->uncut = 0;
    }
    heap_release(pool->heap, pool);
}

static bool slab_map(struct fiber_pool *pool)
{
    size_t count = pool->stacks < SLAB_MIN   ? SLAB_MIN
                   : pool->stacks > SLAB_MAX ? SLAB_MAX
                                             : pool->stacks;
    size_t size = count * pool->region;
    char *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED)
        return false;
    madvise(base, size, MADV_NOHUGEPAGE); /* a huge page would make every stack in it resident */
    struct fiber_slab *slab = heap_alloc(pool->heap, sizeof *slab);
    *slab = (struct fiber_slab){.next = pool->slabs, .base = base, .size = size};
    pool->slabs = slab;
    pool->uncut = size;
    return true;
}

static bool guard_install(struct fiber_pool *pool, char *guard)
{
    if (madvise(guard, pool->page, MADV_GUARD_INSTALL) == 0)
        return true;
    if (pool->guards == GUARDS_MAX || mprotect(guard, pool->page, PROT_NONE) != 0)
        return false;
    ++pool->guards;
    return true;
}

static struct fiber *stack_cut(struct fiber_pool *pool)
{
    if (pool->uncut == 0 && !slab_map(pool))
        return NULL;
    char *guard = pool->slabs->base + pool->slabs->size - pool->uncut;
    pool->uncut -= pool->region;
    ++pool->stacks;
    struct fiber *fiber = region_fiber(pool, guard);
    fiber->guarded = guard_install(pool, guard);
    fiber->low = guard + pool->page;
    fiber->size = (size_t)((char *)fiber - fiber->low);
    sanitize_stack_init(&fiber->sanitize, fiber->low, fiber->size);
    return fiber;
}

/* Without a guard page, the fiber itself looks whether it came too close to the end of its stack.
 */
static void canary_check(const struct fiber *fiber)
{
    const uint64_t *words = (const uint64_t *)fiber->low;
    uint64_t seen = 0;
    for (int i = 0; i < CANARY_WORDS; ++i)
        seen |= words[i];
    if (seen == 0)
        return;
    fprintf(stderr, "fiber stack overflow (%zu bytes)\n", fiber->size);
    abort();
}

/* ---- switching ---- */

static void fiber_entry(struct transfer from)
{
    struct fiber *fiber = from.data;
    sanitize_switch_end(&fiber->sanitize);
    fiber->caller = from.context;
    fiber->main(fiber->arg);
    fiber_leave(fiber);
}

struct fiber *fiber_new(struct fiber_pool *pool, fiber_main *main, void *arg)
{
    struct fiber *fiber = pool->free;
    if (fiber)
        pool->free = fiber->next;
    else if (!(fiber = stack_cut(pool)))
        return NULL;
    sanitize_stack_reuse(&fiber->sanitize, fiber->low, fiber->size);
    fiber->main = main;
    fiber->arg = arg;
    fiber->ended = false;
    fiber->context = make_fcontext(fiber, fiber->size, fiber_entry);
    return fiber;
}

/* Runs on the stack of a parked fiber that will never go on, to let the sanitizer forget its
 * frames. */
static struct transfer fiber_forget(struct transfer from)
{
    struct fiber *fiber = from.data;
    sanitize_switch_end(&fiber->sanitize);
    sanitize_leave_begin(&fiber->sanitize);
    return jump_fcontext(from.context, NULL);
}

void fiber_free(struct fiber_pool *pool, struct fiber *fiber)
{
    if (sanitize_has_frames(&fiber->sanitize) && !fiber->ended) {
        void *frames = sanitize_switch_begin(fiber->low, fiber->size);
        ontop_fcontext(fiber->context, fiber, fiber_forget);
        sanitize_return_end(frames);
    }
    fiber->ended = true;
    fiber->next = pool->free;
    pool->free = fiber;
}

void fiber_switch(struct fiber *fiber)
{
    void *frames = sanitize_switch_begin(fiber->low, fiber->size);
    struct transfer from = jump_fcontext(fiber->context, fiber);
    sanitize_return_end(frames);
    fiber->context = from.context;
}

void fiber_yield(struct fiber *fiber)
{
    if (!fiber->guarded)
        canary_check(fiber);
    sanitize_yield_begin(&fiber->sanitize);
    struct transfer from = jump_fcontext(fiber->caller, NULL);
    sanitize_switch_end(&fiber->sanitize);
    fiber->caller = from.context;
}

_Noreturn void fiber_leave(struct fiber *fiber)
{
    if (!fiber->guarded)
        canary_check(fiber);
    fiber->ended = true;
    sanitize_leave_begin(&fiber->sanitize);
    jump_fcontext(fiber->caller, NULL);
    abort(); /* nobody may switch to an ended fiber */
}

bool fiber_ended(const struct fiber *fiber)
{
    return fiber->ended;
}
