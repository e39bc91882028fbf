/* swarm.h: a run that draws its faults itself, in two steps: first which of the catalogue it has at all and how strong,
 * then, as always, each single strike and hit.
 *
 * A fault that is in every run hides what only happens without it; so each run has about half of the kinds. Each
 * nemesis is enabled with the scenario's chance, each fault at each point with half of it, a forced order with an eighth. How much is drawn so that
 * every order of magnitude of its range is equally likely. Every choice is keyed by the name of what it is about; 0
 * enables nothing. What was drawn is recorded: swarm/option/draw {name, value}.
 */
#ifndef DURESS_SWARM_H
#define DURESS_SWARM_H

#include "harness/scenario/scenario.h"

/* One fault at one point, as a rule. */
struct swarm_rule {
    const char *point; /* of the registry */
    char term[160];
};

struct swarm {
    struct nemesis_spec *nemeses;
    size_t nemesis_count;
    struct swarm_rule *rules;
    size_t rule_count;
};

/* Nothing when the scenario has no swarm. What the scenario itself has is not drawn a second time. */
void swarm_draw(struct swarm *ret_swarm, struct world *world, const struct scenario *scenario);
void swarm_done(struct swarm *swarm);

#endif
