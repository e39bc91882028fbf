/* sanitize.h: what AddressSanitizer and valgrind must be told about fibers, and about blocks that
 * are kept for later. Private to fiber.c and heap.c.
 *
 * AddressSanitizer wants every switch announced before and confirmed after, on the stack arrived
 * at, and it may keep "fake" frames per stack (detect_stack_use_after_return): a fiber that is left
 * for ever hands them back by announcing the switch without a place to save them. Valgrind wants to
 * know the stacks. Without either everything here is empty. */
#ifndef SUT_SANITIZE_H
#define SUT_SANITIZE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __SANITIZE_ADDRESS__
#define SANITIZE_ADDRESS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZE_ADDRESS 1
#endif
#endif
#ifndef SANITIZE_ADDRESS
#define SANITIZE_ADDRESS 0
#endif

#if SANITIZE_ADDRESS
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND                     0
#define VALGRIND_STACK_REGISTER(start, end)     0u
#define VALGRIND_STACK_DEREGISTER(id)           ((void)(id))
#define VALGRIND_MAKE_MEM_UNDEFINED(addr, size) ((void)(addr), (void)(size))
#define VALGRIND_MAKE_MEM_NOACCESS(addr, size)  ((void)(addr), (void)(size))
#endif

/* Memory that is kept for later: a use of it meanwhile is an error; then it is as if fresh. */
static inline void sanitize_hide(void *low, size_t size)
{
    VALGRIND_MAKE_MEM_NOACCESS(low, size);
#if SANITIZE_ADDRESS
    __asan_poison_memory_region(low, size);
#endif
}

static inline void sanitize_show(void *low, size_t size)
{
    VALGRIND_MAKE_MEM_UNDEFINED(low, size);
#if SANITIZE_ADDRESS
    __asan_unpoison_memory_region(low, size);
#endif
}

struct sanitize_stack {
    unsigned valgrind_id;
#if SANITIZE_ADDRESS
    void *frames; /* fake frames of the fiber while it is parked */
    const void *caller_low;
    size_t caller_size;
#endif
};

static inline void sanitize_clear(void *low, size_t size)
{
#if SANITIZE_ADDRESS
    __asan_unpoison_memory_region(low, size);
#else
    (void)low, (void)size;
#endif
}

static inline void sanitize_stack_init(struct sanitize_stack *stack, char *low, size_t size)
{
    stack->valgrind_id = VALGRIND_STACK_REGISTER(low, low + size);
}

static inline void sanitize_stack_done(struct sanitize_stack *stack)
{
    VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
}

/* The last fiber on this stack may have ended anywhere. */
static inline void sanitize_stack_reuse(struct sanitize_stack *stack, char *low, size_t size)
{
    sanitize_clear(low, size);
    VALGRIND_MAKE_MEM_UNDEFINED(low, size);
#if SANITIZE_ADDRESS
    stack->frames = NULL;
#else
    (void)stack;
#endif
}

/* ---- on the caller's stack: around a switch to a fiber ---- */

static inline void *sanitize_switch_begin(const char *low, size_t size)
{
    void *frames = NULL;
#if SANITIZE_ADDRESS
    __sanitizer_start_switch_fiber(&frames, low, size);
#else
    (void)low, (void)size;
#endif
    return frames;
}

static inline void sanitize_return_end(void *frames)
{
#if SANITIZE_ADDRESS
    __sanitizer_finish_switch_fiber(frames, NULL, NULL);
#else
    (void)frames;
#endif
}

/* ---- on the fiber's stack ---- */

static inline void sanitize_switch_end(struct sanitize_stack *stack)
{
#if SANITIZE_ADDRESS
    __sanitizer_finish_switch_fiber(stack->frames, &stack->caller_low, &stack->caller_size);
    stack->frames = NULL;
#else
    (void)stack;
#endif
}

static inline void sanitize_yield_begin(struct sanitize_stack *stack)
{
#if SANITIZE_ADDRESS
    __sanitizer_start_switch_fiber(&stack->frames, stack->caller_low, stack->caller_size);
#else
    (void)stack;
#endif
}

static inline void sanitize_leave_begin(struct sanitize_stack *stack)
{
#if SANITIZE_ADDRESS
    __sanitizer_start_switch_fiber(NULL, stack->caller_low, stack->caller_size);
#else
    (void)stack;
#endif
}

static inline bool sanitize_has_frames(const struct sanitize_stack *stack)
{
#if SANITIZE_ADDRESS
    return stack->frames;
#else
    (void)stack;
    return false;
#endif
}

#endif
