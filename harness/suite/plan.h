/* plan.h: which run of a suite is what. Run i takes its scenario by weight, round-robin, and its
 * seed from the suite's seed, so a suite is known in advance and can be cut into shards. Canaries
 * (scenarios that must fail) stand outside of the numbering: each is run once, first, in every
 * shard; they are in the rotation only when alone. */
#ifndef DURESS_PLAN_H
#define DURESS_PLAN_H

#include "harness/cli/cli.h"
#include "harness/quote.h"

struct plan {
    struct scenario **scenarios; /* sorted as given; directories by name */
    size_t scenario_count;
    uint32_t *slots; /* the rotation: run i has scenario slots[i % slot_count] */
    size_t slot_count;
    uint32_t *canaries; /* those to be run first */
    size_t canary_count;
    bool whole; /* a directory was given: the suite can be asked to reach everything */
};

/* What one run is. */
struct plan_run {
    uint64_t index;
    uint64_t seed;
    uint32_t scenario;
    bool canary;
};

/* Loads the files, and all *.yaml directly inside the directories. 0; -EINVAL or -ENOENT, with the
 * message in *ret_why (heap). An empty directory is no error: scenario_count is 0. */
int plan_load(struct plan *ret_plan, const struct words *paths, const struct extras *extras,
              const struct systems *systems, char **ret_why);
void plan_done(struct plan *plan);

/* The properties of these ids. 0 with a heap array of as many; -EINVAL with *ret_why (heap), which
 * speaks of --property and names the nearest one. */
int properties_choose(const struct words *ids, const struct property ***ret_chosen, char **ret_why);

/* Applies --fault and --property to one scenario. 0, or -EINVAL with *ret_why (heap). */
int extras_apply(const struct extras *extras, struct scenario *scenario, char **ret_why);

struct plan_run plan_run_at(const struct plan *plan, uint64_t suite_seed, uint64_t index);
struct plan_run plan_canary_at(const struct plan *plan, uint64_t suite_seed, size_t which);

#endif
