/* fiber_switch.h: switching, inline. For the runtime's hot paths: each function that stands between a switch and the place it
 * returns to costs a return that the processor cannot foresee. Everybody else uses fiber.h. */
#ifndef SUT_FIBER_SWITCH_H
#define SUT_FIBER_SWITCH_H

#include "sut/runtime/fiber.h"
#include "sut/runtime/sanitize.h"

/* Boost.Context's C ABI (libboost_context), declared by hand: its header is C++. */
struct transfer {
    void *context; /* who jumped here */
    void *data;
};
void *make_fcontext(void *top, size_t size, void (*entry)(struct transfer));
struct transfer jump_fcontext(void *to, void *data);
struct transfer ontop_fcontext(void *to, void *data, struct transfer (*fn)(struct transfer));

enum { CANARY_WORDS = 8 }; /* the lowest words of a stack without guard: untouched, hence zero */

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

/* On a fiber without a guard page: aborts when it came too close to the end of its stack. */
void fiber_overflow_check(const struct fiber *fiber);

static inline void fiber_switch_inline(struct fiber *fiber)
{
    void *frames = sanitize_switch_begin(fiber->low, fiber->size);
    struct transfer from = jump_fcontext(fiber->context, fiber);
    sanitize_return_end(frames);
    fiber->context = from.context;
}

static inline void fiber_yield_inline(struct fiber *fiber)
{
    if (!fiber->guarded)
        fiber_overflow_check(fiber);
    sanitize_yield_begin(&fiber->sanitize);
    struct transfer from = jump_fcontext(fiber->caller, NULL);
    sanitize_switch_end(&fiber->sanitize);
    fiber->caller = from.context;
}

#endif
