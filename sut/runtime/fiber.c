/* fiber.c: fibers on Boost's fcontext, which saves the callee-saved registers and nothing more.
 *
 * A fiber's record lies at the top of its own stack, so that a fresh fiber costs one touched page
 * and no allocation. Stacks are cut from slabs and go back to a free list, last in first out (warm
 * in the cache). Memory returns to the kernel with the pool, unless slabs are kept as spares. */
#define _GNU_SOURCE
#include "sut/runtime/fiber_switch.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    STACK_DEFAULT = 64 * 1024,
    STACK_FACTOR = SANITIZE_ADDRESS ? 4 : 1,
    SLAB_MIN = 16, /* stacks per slab: as many as there are already, within these bounds */
    SLAB_MAX = 1024,
    GUARDS_MAX = 16384, /* by mprotect: each splits a mapping, and the kernel allows about 65,000 */
};
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

struct fiber_slab {
    struct fiber_slab *next;
    char *base;
    size_t size;
    size_t region; /* as in the pool */
    size_t made;   /* bytes of it that were cut once: there, guards and records stand */
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
    struct fiber_spares *spares;
};

/* ---- stacks ---- */

struct fiber_pool *fiber_pool_new(struct heap *heap, size_t stack_bytes,
                                  struct fiber_spares *spares)
{
    struct fiber_pool *pool = heap_alloc(heap, sizeof *pool);
    pool->heap = heap;
    pool->spares = spares;
    pool->page = (size_t)sysconf(_SC_PAGESIZE);
    size_t stack = (stack_bytes ? stack_bytes : STACK_DEFAULT) * STACK_FACTOR;
    pool->region = pool->page + (stack + pool->page - 1) / pool->page * pool->page;
    return pool;
}

static struct fiber *region_fiber(const struct fiber_pool *pool, char *region)
{
    return (struct fiber *)(region + pool->region) - 1;
}

static void slab_unmap(struct fiber_slab *slab)
{
    munmap(slab->base, slab->size);
    free(slab);
}

void fiber_spares_done(struct fiber_spares *spares)
{
    for (struct fiber_slab *next, *slab = spares->first; slab; slab = next) {
        next = slab->next;
        slab_unmap(slab);
    }
    spares->first = NULL;
}

static void slab_drop(struct fiber_pool *pool, struct fiber_slab *slab, size_t cut)
{
    for (size_t at = 0; at < cut; at += pool->region)
        sanitize_stack_done(&region_fiber(pool, slab->base + at)->sanitize);
    sanitize_clear(slab->base, slab->size);
    if (!pool->spares) {
        slab_unmap(slab);
        return;
    }
    slab->next = pool->spares->first;
    pool->spares->first = slab;
}

void fiber_pool_free(struct fiber_pool *pool)
{
    if (!pool)
        return;
    while (pool->slabs) {
        struct fiber_slab *slab = pool->slabs;
        pool->slabs = slab->next;
        slab_drop(pool, slab, slab->size - pool->uncut);
        pool->uncut = 0;
    }
    heap_release(pool->heap, pool);
}

static struct fiber_slab *slab_spare(struct fiber_pool *pool)
{
    struct fiber_slab **slot = pool->spares ? &pool->spares->first : NULL;
    while (slot && *slot && (*slot)->region != pool->region)
        slot = &(*slot)->next;
    struct fiber_slab *slab = slot ? *slot : NULL;
    if (slab)
        *slot = slab->next;
    return slab;
}

static struct fiber_slab *slab_map(const struct fiber_pool *pool)
{
    size_t count = pool->stacks < SLAB_MIN   ? SLAB_MIN
                   : pool->stacks > SLAB_MAX ? SLAB_MAX
                                             : pool->stacks;
    size_t size = count * pool->region;
    struct fiber_slab *slab = malloc(sizeof *slab);
    char *base = !slab ? MAP_FAILED
                       : mmap(NULL, size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED) {
        free(slab);
        return NULL;
    }
    madvise(base, size, MADV_NOHUGEPAGE); /* a huge page would make every stack in it resident */
    *slab = (struct fiber_slab){.base = base, .size = size, .region = pool->region};
    return slab;
}

static bool slab_add(struct fiber_pool *pool)
{
    struct fiber_slab *slab = slab_spare(pool);
    if (!slab)
        slab = slab_map(pool);
    if (!slab)
        return false;
    slab->next = pool->slabs;
    pool->slabs = slab;
    pool->uncut = slab->size;
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
    if (pool->uncut == 0 && !slab_add(pool))
        return NULL;
    struct fiber_slab *slab = pool->slabs;
    size_t at = slab->size - pool->uncut;
    char *guard = slab->base + at;
    pool->uncut -= pool->region;
    ++pool->stacks;
    struct fiber *fiber = region_fiber(pool, guard);
    if (at == slab->made) {
        slab->made += pool->region;
        fiber->guarded = guard_install(pool, guard);
        fiber->low = guard + pool->page;
        fiber->size = (size_t)((char *)fiber - fiber->low);
    }
    sanitize_stack_init(&fiber->sanitize, fiber->low, fiber->size);
    return fiber;
}

/* Without a guard page, the fiber itself looks whether it came too close to the end of its stack.
 */
void fiber_overflow_check(const struct fiber *fiber)
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
    fiber_switch_inline(fiber);
}

void fiber_yield(struct fiber *fiber)
{
    fiber_yield_inline(fiber);
}

_Noreturn void fiber_leave(struct fiber *fiber)
{
    if (!fiber->guarded)
        fiber_overflow_check(fiber);
    fiber->ended = true;
    sanitize_leave_begin(&fiber->sanitize);
    jump_fcontext(fiber->caller, NULL);
    abort(); /* nobody may switch to an ended fiber */
}

bool fiber_ended(const struct fiber *fiber)
{
    return fiber->ended;
}
