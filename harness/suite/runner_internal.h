/* runner_internal.h: what the files of the runner share. runner.c is the loop, runner_orders.c says
 * what to run next, runner_results.c what follows from a result.
 *
 * A lane is a worker and the orders it has in hand (two, so that it never waits for the next). A
 * run is ordered a first time from any lane; its verifying second time from another one, in another
 * process. When the two differ, it is run twice more on the same two lanes, one after the other,
 * with traces written, and these are compared:
 *
 *     FIRST -> [AGAIN -> [TRACE_ONE -> TRACE_TWO]]
 */
#ifndef DURESS_RUNNER_INTERNAL_H
#define DURESS_RUNNER_INTERNAL_H

#include "harness/suite/runner.h"
#include "harness/suite/worker.h"

#include <poll.h>

enum { LANE_DEPTH = 2 };

enum purpose { FIRST, AGAIN, TRACE_ONE, TRACE_TWO };

enum { NO_LANE = -1 };

struct order {
    struct job job;
    enum purpose purpose;
    int avoid;         /* AGAIN: the lane of the first time */
    int only, other;   /* TRACE: where it must run; where the other one must */
    char property[64]; /* AGAIN, with a folder to write: what failed, and ... */
    struct rank rank;  /* ... how it stands among its kind */
};

struct lane {
    struct worker worker;
    struct order orders[LANE_DEPTH]; /* oldest first */
    unsigned in_hand;
};

struct runner {
    const struct runner_setup *setup;
    struct rundir *rundir;
    struct terminal *terminal;
    struct tally *tally;
    struct lane *lanes;
    struct pollfd *polls;        /* one per lane */
    int lane_count, first_lanes; /* with one worker there is a second lane, for verifying only */
    struct order *pending;
    size_t pending_count;
    size_t next_canary;
    uint64_t next_index;
    int64_t start_ns, now_ns;
    unsigned traced;
    bool no_more; /* no new runs; what is pending is still done */
    bool broken;  /* stop at once, the harness has failed */
    const char *scenario;
};

/* ---- orders ---- */

/* A further execution of a run, to be ordered before any new one. The pointer is valid until the
 * next call. */
struct order *order_add(struct runner *runner, enum purpose purpose, const struct plan_run *run);
/* The next order for a lane; false: there is none now. Sets no_more when no new run will come. */
bool order_next(struct runner *runner, int lane, struct order *ret_order);
/* Gives up verifications that have not begun; a failure that has happened is still written down. */
void orders_give_up_verifying(struct runner *runner);

/* ---- results ---- */

/* Appends a line to results.jsonl. */
void runner_append(struct runner *runner, const char *line, size_t length);
/* Tells what is wrong with us, and stops. */
void runner_fails(struct runner *runner, const char *what, const char *reason);
/* Counts, records, and orders what follows. */
void runner_handle(struct runner *runner, int lane, const struct order *order, const char *line,
                   size_t length);

#endif
