/* run.h: one run, in this process: scenario + tape -> verdicts, trace, fingerprint.
 * Phases: set up; safety (faults on, until settled or the time is up); heal; liveness (until nothing is pending or
 * the time is up); audit; judge. */
#ifndef DURESS_RUN_H
#define DURESS_RUN_H

#include "harness/scenario/scenario.h"
#include "harness/system.h"
#include "harness/tape/tape.h"

enum outcome {
    OUTCOME_PASS = 0,
    OUTCOME_SAFETY = 1,   /* a property failed */
    OUTCOME_LIVENESS = 2, /* something never drained, or an `eventually` failed */
    OUTCOME_HARNESS = 3,  /* two fingerprints for one tape, or an internal error */
    OUTCOME_CRASH = 4,    /* the system under test died: signal, abort, sanitizer, endless loop */
};

struct nemesis_count;

struct run {
    enum outcome outcome;
    char property[64]; /* id of the first failed property; "liveness", "crash", "nondeterminism" */
    char message[320];
    uint64_t event; /* where */
    uint64_t events;
    enum run_ending ending; /* BROKEN until it was judged */
    int64_t sim_ns;         /* virtual time that passed */
    char fingerprint[33];
    struct trace *trace;            /* owned */
    struct world *world;            /* owned; NULL once closed */
    struct panel *panel;            /* owned */
    struct nemesis_count *nemeses;  /* owned; per kind of nemesis */
    struct promise_count *promises; /* owned; what became of the scenario's promises */
    size_t promise_count;
};

/* Runs it. `break_at` (event index, or UINT64_MAX): raises SIGTRAP when that event is recorded. */
void run_execute(struct run *ret_run, const struct scenario *scenario, struct tape *tape,
                 uint64_t break_at);
void run_done(struct run *run);

#endif
