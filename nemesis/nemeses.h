/* nemeses.h: what happens to the world as a whole now and then: nodes die, links break. */
#ifndef DURESS_NEMESES_H
#define DURESS_NEMESES_H

#include "harness/engine.h"

struct nemeses;

/* Starts them; they strike in the safety phase only. The specifications must outlive them. */
struct nemeses *nemeses_start(struct world *world, const struct nemesis_spec *specs, size_t count);
/* Repairs what is broken and would be repaired later. Before world_heal(). */
void nemeses_heal(struct nemeses *nemeses);
/* Every hit of a fault point: some strikes wait for one. */
void nemeses_hit(struct nemeses *nemeses, const struct hit *hit);
/* Adds what came of them, by kind. */
void nemeses_count(const struct nemeses *nemeses, struct nemesis_count *kinds);
/* How often this one struck. */
uint64_t nemeses_made(const struct nemeses *nemeses, size_t index);
/* Cancels what is pending. The world must still live; what is broken stays broken. */
void nemeses_stop(struct nemeses *nemeses);

#endif
