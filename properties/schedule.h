/* schedule.h: did everything that was planned run, when it should have, and nothing else?
 *
 * A plan says when something should run: from `first_ns` every `interval_ns`, `count` times, each time starting at
 * most `epsilon_ns` late. Each of these is a target, a window of time. Runs are what the job itself left behind (that it
 * started, that it ended), never the scheduler's own record. Every target needs a run of its own that started within
 * its window and ended; a run serves one target. Targets whose run may still be under way when the runs are read are
 * not asked for: they must have begun before read - epsilon - duration.
 *
 * All windows of a plan are equally long, and so is their order by beginning and by end: taking each run for the
 * earliest open window that it fits is a greatest matching (it is by deadlines; Glover 1967).
 */
#ifndef PROPERTIES_SCHEDULE_H
#define PROPERTIES_SCHEDULE_H

#include "properties/findings.h"

struct plan_of_runs {
    uint64_t job;
    int64_t first_ns, interval_ns, epsilon_ns;
    int64_t duration_ns; /* how long a run takes at most */
    uint64_t count;      /* UINT64_MAX: for ever */
};

struct run_of_job {
    uint64_t job;
    int64_t start_ns;
    int64_t end_ns; /* INT64_MAX: it never ended */
};

/* How many targets the plan has that must have been met when the runs are read at `read_ns`. */
uint64_t plan_targets(const struct plan_of_runs *plan, int64_t read_ns);

/* UNMET: each target without a run (subject: the job; at: the number of the target from 0; amount: its beginning).
 * EXTRA: a run that ended and serves no target (at: the number of the run; amount: its start). INCOMPLETE: a run that
 * did not end. UNEXPECTED: a run of a job without a plan. `forgiven_ns` is added to every epsilon: the clocks' error.
 * Runs may stand in any order. */
void check_schedule(const struct plan_of_runs *plans, size_t plan_count,
                    const struct run_of_job *runs, size_t run_count, int64_t read_ns,
                    int64_t forgiven_ns, struct findings *found);
#define SCHEDULE (KIND(UNMET) | KIND(UNEXPECTED))

#endif
