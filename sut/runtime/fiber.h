/* fiber.h: functions that can stop in the middle. A fiber has a stack of its own; whoever switches
 * to it goes on when the fiber yields, ends or leaves. One thread, no scheduler, no state outside
 * the pool.
 *
 *     READY --fiber_switch--> RUNNING --fiber_yield--> PARKED --fiber_switch--> RUNNING
 *                             RUNNING --main returns, or fiber_leave--> ENDED
 *     any state but RUNNING --fiber_free--> gone, without unwinding: what its stack held is dropped
 *
 * Stacks come from the kernel page by page as they are touched. Below each lies a guard page, so
 * that an overflow is a SIGSEGV and not silent corruption; past GUARDS_MAX stacks on a kernel
 * without MADV_GUARD_INSTALL, where guards use up the map limit, an overflow is found when the
 * fiber yields, and aborts. AddressSanitizer and valgrind are told of every switch.
 */
#ifndef SUT_FIBER_H
#define SUT_FIBER_H

#include "sut/runtime/heap.h"
#include <stdbool.h>
#include <stddef.h>

struct fiber;
struct fiber_pool;

typedef void fiber_main(void *arg);

/* Stacks of pools that are gone, guards and touched pages included, for pools to come: for a program
 * that starts and drops many of them. Zeroed: none yet. */
struct fiber_spares {
    struct fiber_slab *first;
};
void fiber_spares_done(struct fiber_spares *spares);

/* Stacks of `stack_bytes` (rounded up to pages; 0: 64 KiB; four times as much under
 * AddressSanitizer, whose frames are larger). The pool's own record lives in `heap`. `spares` (NULL:
 * none) outlive the pool. NULL: no address space. */
struct fiber_pool *fiber_pool_new(struct heap *heap, size_t stack_bytes,
                                  struct fiber_spares *spares);

/* Gives all stacks back, whatever was in the middle on them. Not from one of its fibers. NULL is
 * fine. */
void fiber_pool_free(struct fiber_pool *pool);

/* A fiber that will run main(arg) at the first switch. NULL: no memory for a stack. */
struct fiber *fiber_new(struct fiber_pool *pool, fiber_main *main, void *arg);
void fiber_free(struct fiber_pool *pool,
                struct fiber *fiber); /* its stack is reused; not when RUNNING */

void fiber_switch(struct fiber *fiber); /* runs it until it yields or ends */
void fiber_yield(struct fiber *fiber);  /* on the fiber: back to who switched to it */
_Noreturn void
fiber_leave(struct fiber *fiber); /* on the fiber: back for ever, its frames are dropped */
bool fiber_ended(const struct fiber *fiber);

#endif
