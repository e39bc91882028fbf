/* Fibers: switching, what happens to stacks, and what an overflow does. */
#include "sut/runtime/fiber.h"

#include "sut/runtime/sanitize.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct heap *heap;
static struct fiber_pool *pool;

static void setup(void)
{
    heap = heap_new();
    pool = fiber_pool_new(heap, 0, NULL);
}

static void teardown(void)
{
    fiber_pool_free(pool);
    cr_assert_eq(heap_blocks(heap), 0);
    heap_free(heap);
}

TestSuite(fiber, .init = setup, .fini = teardown);

struct counter {
    struct fiber *fiber;
    int count;
    int limit;
};

static void count_main(void *arg)
{
    struct counter *counter = arg;
    while (counter->count < counter->limit) {
        ++counter->count;
        fiber_yield(counter->fiber);
    }
}

Test(fiber, goes_on_where_it_yielded)
{
    struct counter a = {.limit = 2}, b = {.limit = 3};
    a.fiber = fiber_new(pool, count_main, &a);
    b.fiber = fiber_new(pool, count_main, &b);
    cr_assert_eq(a.count, 0, "nothing runs before the first switch");
    fiber_switch(a.fiber);
    fiber_switch(b.fiber);
    fiber_switch(b.fiber);
    cr_assert_eq(a.count, 1);
    cr_assert_eq(b.count, 2);
    cr_assert_not(fiber_ended(a.fiber));
    fiber_switch(a.fiber);
    fiber_switch(a.fiber);
    cr_assert_eq(a.count, 2);
    cr_assert(fiber_ended(a.fiber));
    cr_assert_not(fiber_ended(b.fiber));
    fiber_free(pool, a.fiber);
    fiber_free(pool, b.fiber);
}

static void nest_main(void *arg)
{
    struct counter *outer = arg;
    struct counter inner = {.limit = 2};
    inner.fiber = fiber_new(pool, count_main, &inner);
    while (!fiber_ended(inner.fiber)) {
        fiber_switch(inner.fiber);
        fiber_yield(outer->fiber);
    }
    outer->count = inner.count;
    fiber_free(pool, inner.fiber);
}

Test(fiber, switches_from_a_fiber_into_another)
{
    struct counter outer = {0};
    outer.fiber = fiber_new(pool, nest_main, &outer);
    int switches = 0;
    for (; !fiber_ended(outer.fiber); ++switches)
        fiber_switch(outer.fiber);
    cr_assert_eq(switches, 4, "two counts, the end of the inner one, the end of the outer one");
    cr_assert_eq(outer.count, 2);
    fiber_free(pool, outer.fiber);
}

static void leave_deep(struct fiber *fiber, int depth)
{
    volatile char frame[256] = {0};
    if (depth > 0)
        leave_deep(fiber, depth - 1);
    else if (frame[0] == 0)
        fiber_leave(fiber);
    frame[1] = 1;
}

static void leave_main(void *arg)
{
    struct counter *counter = arg;
    counter->count = 1;
    leave_deep(counter->fiber, 50);
    counter->count = 2;
}

static void fill_main(void *arg)
{
    char frame[32 * 1024];
    struct counter *counter = arg;
    memset(frame, 0x5a, sizeof frame);
    for (size_t i = 0; i < sizeof frame; ++i)
        counter->count += frame[i] == 0x5a;
    fiber_yield(counter->fiber);
    memset(frame, 0x5b, sizeof frame);
}

/* A stack that was left in the middle is reused: under AddressSanitizer and valgrind this finds
 * stale poison. */
Test(fiber, can_be_left_and_dropped_anywhere)
{
    struct counter left = {0}, parked = {0}, never = {0};
    left.fiber = fiber_new(pool, leave_main, &left);
    fiber_switch(left.fiber);
    cr_assert(fiber_ended(left.fiber));
    cr_assert_eq(left.count, 1);
    fiber_free(pool, left.fiber);

    parked.fiber = fiber_new(pool, fill_main, &parked);
    cr_assert_eq(parked.fiber, left.fiber, "the stack comes back from the pool");
    fiber_switch(parked.fiber);
    cr_assert_eq(parked.count, 32 * 1024);
    fiber_free(pool, parked.fiber);

    never.fiber = fiber_new(pool, fill_main, &never);
    fiber_free(pool, never.fiber);
    cr_assert_eq(never.count, 0);

    struct counter last = {.limit = 1};
    last.fiber = fiber_new(pool, count_main, &last);
    fiber_switch(last.fiber);
    cr_assert_eq(last.count, 1); /* the pool goes while it is parked */
}

Test(fiber, many_at_a_time)
{
    enum { FIBERS = 200 };
    struct counter counters[FIBERS] = {0};
    for (int i = 0; i < FIBERS; ++i) {
        counters[i].limit = i % 7;
        counters[i].fiber = fiber_new(pool, count_main, &counters[i]);
    }
    for (int round = 0; round < 7; ++round)
        for (int i = 0; i < FIBERS; ++i)
            if (!fiber_ended(counters[i].fiber))
                fiber_switch(counters[i].fiber);
    for (int i = 0; i < FIBERS; ++i) {
        cr_assert(fiber_ended(counters[i].fiber));
        cr_assert_eq(counters[i].count, i % 7);
    }
}

/* Goes half a stack too deep, and would come back if nothing stopped it. */
static void overflow_deep(struct fiber *fiber, uintptr_t start)
{
    enum { STACK = (SANITIZE_ADDRESS ? 4 : 1) * 64 * 1024 };
    volatile char frame[512];
    frame[0] = 1;
    if (start - (uintptr_t)__builtin_frame_address(0) < STACK + STACK / 2)
        overflow_deep(fiber, start);
    else
        fiber_yield(fiber);
    frame[1] = frame[0];
}

static void overflow_main(void *arg)
{
    overflow_deep(*(struct fiber **)arg, (uintptr_t)__builtin_frame_address(0));
}

static void overflows(void)
{
    struct fiber *fiber = NULL;
    struct fiber *below = fiber_new(pool, overflow_main, &fiber);
    fiber = fiber_new(pool, overflow_main, &fiber);
    cr_assert_lt((uintptr_t)below, (uintptr_t)fiber,
                 "another stack lies right below the guard page");
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        fiber_switch(fiber);
        _exit(0);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status));
    cr_assert_eq(WTERMSIG(status), SIGSEGV);
}

Test(fiber, overflow_hits_the_guard_page)
{
    overflows();
}

/* ---- spares ---- */

Test(fiber, stacks_of_a_pool_that_is_gone_serve_the_next)
{
    struct fiber_spares spares = {0};
    struct fiber_pool *first = fiber_pool_new(heap, 0, &spares);
    struct counter a = {.limit = 2}, b = {.limit = 2};
    struct fiber *one = a.fiber = fiber_new(first, count_main, &a);
    struct fiber *two = fiber_new(first, count_main, &a);
    fiber_switch(one); /* it is left in the middle */
    fiber_pool_free(first);

    struct fiber_pool *next = fiber_pool_new(heap, 0, &spares);
    cr_assert_eq(b.fiber = fiber_new(next, count_main, &b), one);
    cr_assert_eq(fiber_new(next, count_main, &b), two);
    for (int i = 0; i < 3; ++i)
        fiber_switch(b.fiber);
    cr_assert_eq(b.count, 2);
    cr_assert(fiber_ended(b.fiber));
    fiber_pool_free(next);
    fiber_spares_done(&spares);
}

Test(fiber, spares_of_another_size_are_left_alone)
{
    struct fiber_spares spares = {0};
    struct fiber_pool *first = fiber_pool_new(heap, 0, &spares);
    cr_assert(fiber_new(first, count_main, NULL));
    fiber_pool_free(first);
    struct fiber_slab *kept = spares.first;
    struct fiber_pool *next = fiber_pool_new(heap, 256 * 1024, &spares);
    cr_assert(fiber_new(next, count_main, NULL));
    cr_assert(kept);
    cr_assert_eq(spares.first, kept);
    fiber_pool_free(next);
    fiber_spares_done(&spares);
}

Test(fiber, a_stack_that_serves_again_keeps_its_guard)
{
    struct fiber_spares spares = {0};
    struct fiber_pool *first = fiber_pool_new(heap, 0, &spares);
    fiber_new(first, count_main, NULL);
    fiber_new(first, count_main, NULL);
    fiber_pool_free(first);
    fiber_pool_free(pool);
    pool = fiber_pool_new(heap, 0, &spares);
    overflows();
    fiber_pool_free(pool);
    fiber_spares_done(&spares);
    pool = NULL;
}
