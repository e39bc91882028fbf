/* nemeses.h: what happens to the world as a whole now and then: nodes die, links break. */
#ifndef DURESS_NEMESES_H
#define DURESS_NEMESES_H

#include "harness/engine.h"

#define NEMESIS_KIND_COUNT 6

extern const struct nemesis_kind nemesis_kinds[NEMESIS_KIND_COUNT];

struct nemeses;

/* Starts them; they strike in the safety phase only. The scenario must outlive them. */
struct nemeses *nemeses_start(struct world *world, const struct scenario *scenario);
/* Cancels what is pending. The world must still live; what is broken stays broken. */
void nemeses_stop(struct nemeses *nemeses);

#endif
