/* timers.h: what is due when. A binary heap ordered by (deadline, order of arming): O(log n) to
 * arm, disarm and fire. A timer lies in the structure it belongs to; it does not move while it is
 * armed.
 */
#ifndef SUT_TIMERS_H
#define SUT_TIMERS_H

#include "sut/runtime/heap.h"
#include <stdbool.h>
#include <stdint.h>

struct timer {
    void (*fire)(struct timer *timer); /* it is disarmed already, and may be freed */
    size_t slot;                       /* private; 0: not armed */
};

struct timer_slot {
    int64_t due;
    uint64_t order;
    struct timer *timer;
};

struct timers {
    struct heap *heap;
    struct timer_slot *slots; /* slots[1 .. count] are the heap */
    size_t count;
    size_t capacity;
    uint64_t orders;
};

void timers_init(struct timers *timers, struct heap *heap);
void timers_done(struct timers *timers); /* the timers are the caller's */
void timers_arm(struct timers *timers, struct timer *timer, int64_t due); /* it must not be armed */
bool timers_disarm(struct timers *timers, struct timer *timer); /* false: it was not armed */
void timers_fire(struct timers *timers, int64_t now);           /* all that are due at `now` */
int64_t timers_due(const struct timers *timers, const struct timer *timer); /* it is armed */
int64_t timers_next(const struct timers *timers);                           /* INT64_MAX: none */

#endif
