/* shrinker.h: makes a tape that fails as simple as possible.
 *
 * It has changed tapes run in the lab, and keeps what still fails in the same way (mark.h): same kind of outcome, same
 * property, same place. What it does, until none of it changes anything any more:
 *
 *     explicit   what was injected becomes edits on a tape on which nothing else goes wrong
 *     remove     delta debugging: half of the faults and strikes, a quarter, ... one, pairs
 *     simplify   all other choices (latencies, schedule, crash states, when and whom a nemesis strikes): everything to its
 *                simplest value, else stream by stream, name by name, else choice by choice where that leaves few
 *     earlier    each fault to an earlier hit of its point: what came before it may go then
 *     nudge      context switches: one goes, another one moves a little
 *     lower      what is left of those choices: smaller values
 *     weaken     each fault: to the weakest kind that its point declares; shorter
 *     broaden    the same once more with each fault at all hits of its point, to get past what pins it to one of them
 *     draws      what the workload was drawn from (sequence/shrink.h)
 *
 * Candidates are tried on all workers at once, and the first in their order wins: the result does not depend on the
 * number of workers. At its end no fault can be left out: each was tried. */
#ifndef DURESS_SHRINKER_H
#define DURESS_SHRINKER_H

#include "harness/process/lab.h"
#include "harness/shrinker/mark.h"

struct shrinker_setup {
    struct lab_setup lab;
    struct keep
        keep; /* what shall be kept of the simplest run: trace and story. folder NULL: nothing */
    int64_t
        time_ns; /* how long it may take; what was found by then counts. INT64_MAX: until it is done */
};

enum shrink_end {
    SHRINK_FINISHED,    /* nothing is left to simplify */
    SHRINK_TIME_UP,     /* the best so far */
    SHRINK_INTERRUPTED, /* likewise */
    SHRINK_HOLDS,       /* the tape does not fail: nothing was done */
    SHRINK_FLAKY,       /* two runs of one tape differ: nothing of it can be trusted */
};

/* Things that were drawn as lists: nodes, jobs. */
struct shrink_part {
    const char *label; /* of one: "node" */
    size_t count;
};
enum { SHRINK_PARTS_MAX = 4 };

struct shrink_size {
    size_t faults;  /* injected at points, and strikes of nemeses */
    size_t choices; /* others that are not simplest and stand on the tape one by one */
    size_t draws;   /* of the workload */
    struct shrink_part parts[SHRINK_PARTS_MAX];
    size_t part_count;
    uint64_t events;
    int64_t sim_ns;
};

/* Another failure that was met on the way. */
struct shrink_other {
    struct mark mark;
    uint64_t times;
};
enum { SHRINK_OTHERS_MAX = 8 };

struct shrink_outcome {
    enum shrink_end end;
    struct tape *tape;    /* the simplest one found; the original if it does not fail */
    struct mark mark;     /* of the failure */
    struct result result; /* of the simplest one */
    struct shrink_size before, after;
    size_t
        necessary; /* faults of `after` without which it was seen not to fail in this way; all, when finished */
    bool verified; /* the simplest one was run twice more, with the same fingerprint */
    struct shrink_other others[SHRINK_OTHERS_MAX];
    size_t other_count;
    uint64_t executions;
    int64_t wall_ns;
};

/* The tape is the caller's. Ctrl-C ends it in order where interrupt.h catches it. */
void shrinker_run(const struct shrinker_setup *setup, const struct tape *tape,
                  struct shrink_outcome *ret_outcome);
void shrink_outcome_done(struct shrink_outcome *outcome);

#endif
