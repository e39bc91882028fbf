/* timers.c: the heap keeps its keys in the array, so that sifting does not touch the timers
 * compared. */
#include "sut/runtime/timers.h"

#include <assert.h>

enum { CAPACITY_MIN = 64 };

static bool slot_before(const struct timer_slot *a, const struct timer_slot *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void slot_put(struct timers *timers, size_t at, struct timer_slot slot)
{
    timers->slots[at] = slot;
    slot.timer->slot = at;
}

/* Finds the place for `slot`, starting from the free place `at`. */
static void slot_sift(struct timers *timers, size_t at, struct timer_slot slot)
{
    struct timer_slot *slots = timers->slots;
    for (; at > 1 && slot_before(&slot, &slots[at / 2]); at /= 2)
        slot_put(timers, at, slots[at / 2]);
    for (size_t child; (child = at * 2) <= timers->count; at = child) {
        if (child < timers->count && slot_before(&slots[child + 1], &slots[child]))
            ++child;
        if (!slot_before(&slots[child], &slot))
            break;
        slot_put(timers, at, slots[child]);
    }
    slot_put(timers, at, slot);
}

static void timers_grow(struct timers *timers, size_t capacity)
{
    timers->slots =
        heap_realloc(timers->heap, timers->slots, (capacity + 1) * sizeof *timers->slots);
    timers->capacity = capacity;
}

void timers_init(struct timers *timers, struct heap *heap)
{
    *timers = (struct timers){.heap = heap};
    timers_grow(timers, CAPACITY_MIN);
}

void timers_done(struct timers *timers)
{
    heap_release(timers->heap, timers->slots);
    *timers = (struct timers){0};
}

void timers_arm(struct timers *timers, struct timer *timer, int64_t due)
{
    assert(timer->slot == 0);
    if (timers->count == timers->capacity)
        timers_grow(timers, timers->capacity * 2);
    struct timer_slot slot = {.due = due, .order = timers->orders++, .timer = timer};
    slot_sift(timers, ++timers->count, slot);
}

bool timers_disarm(struct timers *timers, struct timer *timer)
{
    size_t at = timer->slot;
    if (at == 0)
        return false;
    timer->slot = 0;
    struct timer_slot last = timers->slots[timers->count--];
    if (at <= timers->count)
        slot_sift(timers, at, last);
    return true;
}

void timers_fire(struct timers *timers, int64_t now)
{
    while (timers->count > 0 && timers->slots[1].due <= now) {
        struct timer *timer = timers->slots[1].timer;
        timers_disarm(timers, timer);
        timer->fire(timer);
    }
}

int64_t timers_due(const struct timers *timers, const struct timer *timer)
{
    assert(timer->slot > 0);
    return timers->slots[timer->slot].due;
}

int64_t timers_next(const struct timers *timers)
{
    return timers->count > 0 ? timers->slots[1].due : INT64_MAX;
}
