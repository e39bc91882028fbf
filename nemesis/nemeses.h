/* nemeses.h: what happens to the world as a whole now and then: nodes die, links break. */
#ifndef DURESS_NEMESES_H
#define DURESS_NEMESES_H

#include "harness/engine.h"

struct nemeses;

/* Starts them; they strike in the safety phase only. The scenario must outlive them. */
struct nemeses *nemeses_start(struct world *world, const struct scenario *scenario);
/* Repairs what is broken and would be repaired later. Before world_heal(). */
void nemeses_heal(struct nemeses *nemeses);
/* Every hit of a fault point: some strikes wait for one. */
void nemeses_hit(struct nemeses *nemeses, const struct hit *hit);
/* Adds what came of them, by kind; and how often each of the scenario's nemeses struck. */
void nemeses_count(const struct nemeses *nemeses, struct nemesis_count *kinds, uint64_t *ret_made);
/* Cancels what is pending. The world must still live; what is broken stays broken. */
void nemeses_stop(struct nemeses *nemeses);

#endif
