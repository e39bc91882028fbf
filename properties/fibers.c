/* fibers.c: fibers of one case, of which one runs at a time; and faults.
 *
 * Where another fiber may go on (prop_yield) is counted per fiber. The switches of a fiber are a list of such
 * numbers, drawn before any fiber starts (0: before its first step). So a switch can be left out, or moved, without
 * moving the others, and the simplest schedule is the empty one: each fiber runs until it ends or waits, in the order
 * of their making. Faults are lists in the same way: numbers of hits, per name.
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "properties/prop_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define SCHEDULE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SCHEDULE_ASAN 1
#endif
#endif
#ifdef SCHEDULE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0u
#define VALGRIND_STACK_DEREGISTER(id)       ((void)(id))
#endif

enum {
    FIBERS_MAX = 16,
    STACK_SIZE = 256 * 1024,
    SWITCHES_MAX = 4, /* per fiber */
    FAULTS_MAX = 4,   /* per name */
    REACH = 24,       /* the last yield, or hit, that is drawn */
    YIELDS_MAX = 1000000,
};

/* ---- lists of numbers, drawn at once ---- */

struct marks {
    size_t count;
    uint32_t at[SWITCHES_MAX > FAULTS_MAX ? SWITCHES_MAX : FAULTS_MAX];
};

static void marks_draw(struct gen *gen, struct marks *marks, size_t max, int64_t first,
                       const char *label)
{
    struct sequence_list list = {.max = max, .average = 1, .label = label};
    while (gen_more(gen, &list))
        marks->at[list.count - 1] = (uint32_t)gen_int(gen, first, REACH);
    marks->count = list.count;
}

static bool marks_have(const struct marks *marks, uint32_t number)
{
    for (size_t i = 0; i < marks->count; i++)
        if (marks->at[i] == number)
            return true;
    return false;
}

/* ---- faults ---- */

struct fault_list {
    struct fault_list *next;
    const char *name;
    uint32_t hits;
    struct marks marks;
};

static struct fault_list *faults_of(struct prop_case *executed, const char *name)
{
    for (struct fault_list *list = executed->faults; list; list = list->next)
        if (strcmp(list->name, name) == 0)
            return list;
    struct fault_list *list = prop_alloc(sizeof *list);
    list->name = name;
    list->next = executed->faults;
    executed->faults = list;
    marks_draw(&executed->gen, &list->marks, FAULTS_MAX, 1, MARK_FAULT);
    return list;
}

bool prop_fault(const char *name)
{
    struct prop_case *executed = prop_current();
    struct fault_list *list = faults_of(executed, name);
    executed->outcome->fault_hits++;
    list->hits++;
    if (!marks_have(&list->marks, list->hits))
        return false;
    executed->outcome->faults++;
    case_tell(executed, "fault: %s, at hit %u", name, list->hits);
    return true;
}

/* ---- stacks ---- */

struct fiber {
    const char *name;
    void (*fn)(void *arg);
    void *arg;
    ucontext_t context;
    char *stack;
    unsigned valgrind_id;
    struct marks switches;
    uint32_t yields;
    bool met; /* it was asked once whether another one should go first */
    bool started, ended;
    bool (*ready)(void *arg); /* not NULL: waits for it */
    void *ready_arg;
    const char *ready_what;
    void *fake_frames; /* AddressSanitizer's */
};

struct schedule {
    struct prop_case *executed;
    struct fiber fibers[FIBERS_MAX];
    size_t count;
    struct fiber *running; /* NULL: the main stack */
    ucontext_t main;
    void *main_fake_frames;
    const void *main_low;
    size_t main_size;
};

/* Tells AddressSanitizer on which stack it goes on; `frames` NULL: this one is left for good. */
static void switch_begins(void **frames, const void *low, size_t size)
{
#ifdef SCHEDULE_ASAN
    __sanitizer_start_switch_fiber(frames, low, size);
#else
    (void)frames, (void)low, (void)size;
#endif
}

static void switch_ends(void *frames, const void **ret_low, size_t *ret_size)
{
#ifdef SCHEDULE_ASAN
    __sanitizer_finish_switch_fiber(frames, ret_low, ret_size);
#else
    (void)frames, (void)ret_low, (void)ret_size;
#endif
}

/* Stacks that no case uses: making one costs three system calls. */
static struct {
    char *low[FIBERS_MAX];
    size_t count;
} spare_stacks;

static void stack_free(void *arg)
{
    struct fiber *fiber = arg;
    VALGRIND_STACK_DEREGISTER(fiber->valgrind_id);
#ifdef SCHEDULE_ASAN
    __asan_unpoison_memory_region(fiber->stack, STACK_SIZE);
#endif
    if (spare_stacks.count < FIBERS_MAX)
        spare_stacks.low[spare_stacks.count++] = fiber->stack;
    else
        munmap(fiber->stack, STACK_SIZE);
}

/* Its lowest page cannot be touched. */
static char *stack_map(void)
{
    char *low = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (low == MAP_FAILED || mprotect(low, 4096, PROT_NONE))
        abort();
    return low;
}

static void stack_make(struct fiber *fiber)
{
    bool spare = spare_stacks.count > 0;
    fiber->stack = spare ? spare_stacks.low[--spare_stacks.count] : stack_map();
    fiber->valgrind_id = VALGRIND_STACK_REGISTER(fiber->stack, fiber->stack + STACK_SIZE);
    prop_defer(stack_free, fiber);
}

static void to_main(struct schedule *schedule, bool for_good)
{
    struct fiber *fiber = schedule->running;
    schedule->running = NULL;
    switch_begins(for_good ? NULL : &fiber->fake_frames, schedule->main_low, schedule->main_size);
    swapcontext(&fiber->context, &schedule->main);
    switch_ends(fiber->fake_frames, &schedule->main_low, &schedule->main_size);
}

static void fiber_main(void)
{
    struct schedule *schedule = prop_current()->schedule;
    switch_ends(NULL, &schedule->main_low, &schedule->main_size);
    struct fiber *fiber = schedule->running;
    fiber->fn(fiber->arg);
    fiber->ended = true;
    to_main(schedule, true);
}

static void to_fiber(struct schedule *schedule, struct fiber *fiber)
{
    if (!fiber->started) {
        stack_make(fiber);
        getcontext(&fiber->context);
        fiber->context.uc_stack.ss_sp = fiber->stack;
        fiber->context.uc_stack.ss_size = STACK_SIZE;
        makecontext(&fiber->context, fiber_main, 0);
        fiber->started = true;
    }
    fiber->ready = NULL;
    schedule->running = fiber;
    switch_begins(&schedule->main_fake_frames, fiber->stack, STACK_SIZE);
    swapcontext(&schedule->main, &fiber->context);
    switch_ends(schedule->main_fake_frames, NULL, NULL);
    if (schedule->executed->leaving)
        longjmp(schedule->executed->exit, 1);
}

void schedule_escape(struct schedule *schedule)
{
    if (schedule && schedule->running)
        to_main(schedule, true);
}

/* ---- who goes on ---- */

static bool can_go_on(const struct fiber *fiber)
{
    return !fiber->ended && (!fiber->ready || fiber->ready(fiber->ready_arg));
}

/* The next one after `from` that can; NULL: none, but perhaps itself. */
static struct fiber *next_after(struct schedule *schedule, const struct fiber *from)
{
    size_t start = from ? (size_t)(from - schedule->fibers) : schedule->count - 1;
    for (size_t i = 1; i <= schedule->count; i++) {
        struct fiber *fiber = &schedule->fibers[(start + i) % schedule->count];
        if (fiber != from && can_go_on(fiber))
            return fiber;
    }
    return NULL;
}

static bool wants_switch(const struct fiber *fiber)
{
    return marks_have(&fiber->switches, fiber->yields);
}

static struct fiber *choose(struct schedule *schedule, struct fiber *from)
{
    struct prop_case *executed = schedule->executed;
    if (!from || !can_go_on(from))
        return next_after(schedule, from);
    struct fiber *other = next_after(schedule, from);
    executed->outcome->yields += other != NULL;
    if (!other || !wants_switch(from))
        return from;
    executed->outcome->switches++;
    case_tell(executed, "switch: from %s, at its yield %u, to %s", from->name, from->yields,
              other->name);
    return other;
}

static void complain_deadlock(struct schedule *schedule)
{
    char who[300] = "";
    size_t used = 0;
    for (size_t i = 0; i < schedule->count; i++) {
        const struct fiber *fiber = &schedule->fibers[i];
        if (!fiber->ended && used < sizeof who)
            used += (size_t)snprintf(who + used, sizeof who - used, "%s%s waits for %s",
                                     used ? ", " : "", fiber->name, fiber->ready_what);
    }
    if (used > 0)
        prop_fail("deadlock: %s", who);
}

static void draw_switches(struct schedule *schedule)
{
    for (size_t i = 0; schedule->count > 1 && i < schedule->count; i++)
        marks_draw(&schedule->executed->gen, &schedule->fibers[i].switches, SWITCHES_MAX, 0,
                   MARK_SWITCH);
}

/* Who goes on after `from`, which may be passed over before its first step, too. */
static struct fiber *choose_next(struct schedule *schedule, struct fiber *from)
{
    struct fiber *fiber = choose(schedule, from);
    if (!fiber || fiber->met)
        return fiber;
    fiber->met = true;
    return choose(schedule, fiber);
}

void prop_join(void)
{
    struct prop_case *executed = prop_current();
    struct schedule *schedule = executed->schedule;
    if (!schedule)
        return;
    assert(!schedule->running && "prop_join() in a fiber");
    draw_switches(schedule);
    struct fiber *fiber = NULL;
    for (uint64_t steps = 0; (fiber = choose_next(schedule, fiber)); steps++) {
        if (steps == YIELDS_MAX)
            prop_fail("the fibers yield for ever: %s last", fiber->name);
        to_fiber(schedule, fiber);
    }
    complain_deadlock(schedule);
    executed->schedule = NULL;
}

void prop_spawn(const char *name, void (*fn)(void *arg), void *arg)
{
    struct prop_case *executed = prop_current();
    struct schedule *schedule = executed->schedule;
    if (!schedule) {
        schedule = executed->schedule = prop_alloc(sizeof *schedule);
        schedule->executed = executed;
    }
    assert(!schedule->running && "prop_spawn() in a fiber");
    assert(schedule->count < FIBERS_MAX && "too many fibers");
    schedule->fibers[schedule->count++] = (struct fiber){.name = name, .fn = fn, .arg = arg};
}

void prop_yield(void)
{
    struct schedule *schedule = prop_current()->schedule;
    if (!schedule || !schedule->running)
        return;
    schedule->running->yields++;
    to_main(schedule, false);
}

void prop_await(bool (*ready)(void *arg), void *arg, const char *what)
{
    struct schedule *schedule = prop_current()->schedule;
    if (!schedule || !schedule->running) {
        prop_assert(ready(arg), "nobody else could make it so: %s", what);
        return;
    }
    struct fiber *fiber = schedule->running;
    if (ready(arg))
        return;
    fiber->ready = ready;
    fiber->ready_arg = arg;
    fiber->ready_what = what;
    to_main(schedule, false);
}
