/* runner.h: runs a suite: orders runs from workers, verifies them, keeps failures, stops in time.
 */
#ifndef DURESS_RUNNER_H
#define DURESS_RUNNER_H

#include "harness/suite/rundir.h"
#include "harness/suite/tally.h"

enum verify { VERIFY_OFF, VERIFY_SAMPLE, VERIFY_ALL };

enum { VERIFY_SAMPLE_EVERY = 10 };

struct shard {
    uint64_t number, of; /* 1-based: 2/3 has the runs i with i mod 3 == 1 */
};

struct runner_setup {
    const struct plan *plan;
    const struct extras *extras;
    const char *program; /* as replay lines call it */
    const char *options; /* the command line */
    uint64_t seed;
    uint64_t runs;   /* of the whole suite, before sharding; 0: by time */
    int64_t time_ns; /* 0: by number */
    struct shard shard;
    unsigned workers;
    enum verify verify;
    bool strict_faults; /* a promised fault that never fires fails the suite */
    bool fail_fast;
    int64_t run_timeout_ns;
};

/* Runs it and returns what came of it (suite_free()). Trouble of the harness itself is told on
 * stderr and makes the outcome OUTCOME_HARNESS; SIGINT and SIGTERM end it early with
 * suite->interrupted, a second one at once. NULL, with a message on stderr: it could not even
 * start. */
struct suite *runner_run(const struct runner_setup *setup, struct rundir *rundir,
                         struct terminal *terminal);

#endif
