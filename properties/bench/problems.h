/* problems.h: what a shrinker is measured with: properties that fail, whose simplest counterexample is known.
 *
 * Most are the shrinking challenges that other libraries publish figures for, and the state machines of one of them.
 * A body draws a case, and says in words what it drew, if asked to.
 */
#ifndef DURESS_PROPERTIES_BENCH_PROBLEMS_H
#define DURESS_PROPERTIES_BENCH_PROBLEMS_H

#include "harness/sequence/sequence.h"
#include "harness/sequence/shrink.h"

#include <stdio.h>

struct saying { /* NULL: nobody asks */
    char text[2000];
    size_t length;
};

void saying_add(struct saying *saying, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "[1,2,3]" */
void saying_add_list(struct saying *saying, const int64_t *values, size_t count);

/* true: the property fails. A case that does not fit an assumption is false. */
typedef bool problem_body(struct sequence *s, struct saying *saying);

problem_body problem_parser; /* a file of its own */

enum problem_group {
    GROUP_CHALLENGE, /* the published ones */
    GROUP_MACHINE,   /* state machines with pools */
    GROUP_OPEN,      /* published too, but not solved */
    GROUP_HELD_OUT   /* which the passes were not made for */
};

struct problem {
    const char *name;
    enum problem_group group;
    problem_body *body;
    const char *minimum;
    double
        anchor; /* mean evaluations of Hypothesis 6.155.7 (also where it does not always get there); 0: unknown */
    int anchor_share;      /* percent of the seeds for which it reaches the minimum */
    unsigned random_tries; /* of the shrinker, where it needs luck; 0: as usual */
};

extern const struct problem challenges[], machines[], held_out[];
extern const size_t challenge_count, machine_count, held_out_count;

struct problem_run {
    uint64_t before;      /* executions until the first failure */
    uint64_t evaluations; /* executions from the first failing one, included, to the end */
    struct shrink_stats stats;
    struct saying found, minimal;
    size_t start_length, length;
    bool reached; /* the minimum */
};

/* Finds a failing case, small ones first, and shrinks it. false: none was found in 1,000,000 cases, or the
 * simplest case fails already. */
bool problem_run(const struct problem *problem, uint64_t seed, struct problem_run *ret_run);

#endif
