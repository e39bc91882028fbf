/* draws.h: what a scenario leaves open of its workload, drawn from the tape. */
#ifndef SCENARIOS_DRAWS_H
#define SCENARIOS_DRAWS_H

#include "harness/scenario/scenario.h"

#define US INT64_C(1000)
#define MS (1000 * US)
#define S  (1000 * MS)
#define M  (60 * S)
#define H  (60 * M)

/* A list of X(ENUM, name, type, fallback lo, hi, min, max, about) as the array of struct param_spec that it is. */
#define PARAM_SPEC(prefix, e, n, t, lo_, hi_, mn, mx, what)                                        \
    [prefix##e] = {.name = n,                                                                      \
                   .type = PARAM_##t,                                                              \
                   .fallback = {lo_, hi_},                                                         \
                   .min = mn,                                                                      \
                   .max = mx,                                                                      \
                   .about = what},
/* The same of something that goes wrong on purpose: a share. */
#define FAULT_SPEC(prefix, e, n, what)                                                             \
    [prefix##e] = {.name = n, .type = PARAM_PERCENT, .max = 10000, .about = what, .fault = true},

/* Who draws, by whose rules. */
struct draws {
    struct world *world;
    const struct scenario *scenario;
};

struct range draws_range(const struct draws *draws, unsigned param);
/* The same for all of a run, whenever it is asked for: of a range, one value. */
int64_t draws_fixed(const struct draws *draws, unsigned param);
/* What the scenario settles for all is no choice. */
int64_t draws_value(const struct draws *draws, unsigned param);
/* Of something that goes wrong: the share in this run. In a swarm it is drawn whether it goes wrong at all, and what was
 * drawn is recorded. */
int64_t draws_share(const struct draws *draws, unsigned param);
bool draws_percent(const struct draws *draws, unsigned param);
/* A number below n, where `most` is what n can be in this scenario. */
uint64_t draws_below(const struct draws *draws, uint64_t n, uint64_t most);
/* How many nodes there are. A shrinker may take more of them away than the scenario does. */
unsigned draws_nodes(const struct draws *draws);

#endif
