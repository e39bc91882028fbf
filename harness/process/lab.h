/* lab.h: runs any tapes of one scenario, several at a time, each in a child forked from this very
 * process: the tape need not be written down, and a run that crashes costs itself alone. The
 * shrinker, the sweeper and the explorer work with it.
 *
 *     struct lab *lab = lab_new(&setup);
 *     lab_submit(lab, &(struct lab_task){.tape = tape_new(7)});
 *     struct lab_result result;
 *     while (lab_next(lab, &result)) { ...; lab_result_done(&result); }
 *     lab_free(lab);
 *
 * The process must not have made a run itself (SQLite does not survive a fork). */
#ifndef DURESS_LAB_H
#define DURESS_LAB_H

#include "harness/process/child.h"
#include "harness/process/recording.h"

/* All of it must outlive the lab. */
struct lab_setup {
    const struct scenario *scenario; /* extras applied */
    const struct extras *extras;
    const char *program;    /* as replay lines call it */
    unsigned workers;       /* runs at the same time, at least 1 */
    int64_t run_timeout_ns; /* CPU time of one run */
    child_tell *tell;       /* may be NULL: what results shall tell instead of the recording */
    void *tell_ctx;
};

struct lab_task {
    struct tape *tape; /* taken over; comes back with the result */
    unsigned record; /* enum record: what the result shall tell of the tape's choices; 0: nothing */
    struct keep keep; /* its texts live until the result */
    void *tag;        /* the caller's */
};

/* One of some runs that are the same up to a hit: see child.h. Nothing of it is kept. */
struct lab_branch {
    struct lab_task task;
    struct choice at;
};

struct lab_result {
    void *tag;
    uint64_t number; /* of the submission: 0, 1, 2, ... */
    struct tape *tape;
    struct result result;       /* result.run: number and seed; result.noise: of a crash */
    struct recording recording; /* empty unless asked for; after a crash perhaps */
    char *told;                 /* what tell() wrote; NULL after a crash */
    size_t told_size;
};
void lab_result_done(struct lab_result *result);

struct lab;

struct lab *lab_new(const struct lab_setup *setup);
void lab_free(struct lab *lab); /* what is under way is given up */

/* Never waits: what finds no free worker is started, in the order of submission, by lab_next(). */
uint64_t lab_submit(struct lab *lab, const struct lab_task *task); /* its number */
/* Branches of the run of the tape `stem`, which is taken over; they get consecutive numbers, and each has a result of
 * its own, which tells of what its tape chose from that hit on. */
void lab_submit_branches(struct lab *lab, struct tape *stem, const struct lab_branch *branches,
                         size_t count);
/* Waits for the next run that ends, whichever it is. false: there is none; or it is time to stop
 * (lab_stops()), and everything was given up. */
bool lab_next(struct lab *lab, struct lab_result *ret_result);
/* Runs it alone, with nothing else under way. false: it is time to stop. */
bool lab_run(struct lab *lab, const struct lab_task *task, struct lab_result *ret_result);
/* Gives up what is waiting and what is under way; `from`: of the submissions with this number, and
 * later ones. */
void lab_cancel_all(struct lab *lab);
void lab_cancel(struct lab *lab, uint64_t from);

/* From this time of clock_now_ns() on it is time to stop; INT64_MAX, as at the start: never. */
void lab_deadline(struct lab *lab, int64_t at_ns);
/* Is it time to stop: is the deadline over, or Ctrl-C pressed (interrupt.h)? */
bool lab_stops(const struct lab *lab);

/* Runs waiting or under way; runs that have ended so far. */
size_t lab_busy(const struct lab *lab);
uint64_t lab_runs(const struct lab *lab);

#endif
