/* wait.h: wait(...), forced orderings (term.h). */
#ifndef DURESS_WAIT_H
#define DURESS_WAIT_H

#include "harness/world/world.h"
#include "nemesis/term.h"

/* Holds this hit back until what `wait` names has come about, until its time is up, or until the safety phase is over.
 * Does nothing where nothing can wait. Counts the wait, and that it came to nothing. Records nemesis/wait/begin where
 * it waits, and nemesis/wait/end, if it lives to see that. */
void wait_for_point(const struct hit *hit, const struct wait *wait, struct promise_count *count);

#endif
