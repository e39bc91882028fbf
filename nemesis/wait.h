/* wait.h: wait(NAME), forced orderings. */
#ifndef DURESS_WAIT_H
#define DURESS_WAIT_H

#include "harness/world/world.h"

/* Holds this hit back until the registered point `name` is hit, by anybody; until 60 s have passed;
 * or until the safety phase is over. Does nothing where nothing can wait. Records nemesis/wait/end.
 */
void wait_for_point(const struct hit *hit, const char *name);

#endif
