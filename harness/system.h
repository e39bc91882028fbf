/* system.h: how a system under test is put into the world. One adapter per system; ours is scenarios/jobs.
 * Somebody else's system brings its own adapter and its own binary: main() calls duress_main(). */
#ifndef DURESS_SYSTEM_H
#define DURESS_SYSTEM_H

#include "harness/scenario/scenario.h"
#include "harness/world/world.h"

struct system {
    const char *name; /* `sut:` in scenario files */
    const char *about;
    const struct param_spec *params; /* what `workload:` may say */
    size_t param_count;
    /* Builds nodes, disks, links and the workload; boots the nodes. Draws its data from the tape. */
    void *(*setup)(struct world *world, const struct scenario *scenario);
    /* Is everything asked for and answered, so that the safety phase may end early? */
    bool (*settled)(void *ctx);
    /* What the liveness phase still waits for, in words ("3 jobs executing: 17, 22, 31"). Returns false, and
     * leaves the text alone, when nothing is pending. */
    bool (*pending)(void *ctx, char *text, size_t size);
    /* After the liveness phase: record audit events (what the clients can see at the end). */
    void (*audit)(void *ctx);
    void (*teardown)(void *ctx); /* frees ctx; all nodes are down, no packet is under way */
    /* How often in this run that went wrong which params[param] (a `fault`) asks for. NULL: no param is one. */
    uint64_t (*went_wrong)(void *ctx, size_t param);
    /* No run finds anything of an earlier one in the process: then many are made in one, which is cheaper. Failures, and
     * what is verified, have a process of their own in any case. */
    bool leaves_nothing;
};

/* The whole command line: what `duress` is, for these systems. Returns the exit code. */
int duress_main(int argc, char **argv, const struct system *const *systems, size_t system_count);

#endif
