/* child.h: one run in a process of its own, forked for it, so that no run can leave anything behind
 * for the next, and the system under test may die in any way it likes. Called in a worker, which
 * forks cheaply: it holds the scenarios and nothing else, and has never touched SQLite. */
#ifndef DURESS_CHILD_H
#define DURESS_CHILD_H

#include "harness/failure.h"

struct child_config {
    struct plan plan;
    struct extras extras;
    const char *program;    /* as replay lines call it */
    int64_t run_timeout_ns; /* CPU time of one run */
};

/* An order to a worker. */
struct job {
    struct plan_run run;
    bool again;
    char keep[4096]; /* a folder: a failure is written into it. "": nothing is */
};

/* Opens the file that catches what runs write to stdout and stderr. Once per worker. */
void child_prepare(void);

/* Runs it and returns its result line (heap): always one, however the child ended. `close_fd`: what
 * the child must not inherit. */
char *child_run(const struct child_config *config, const struct job *job, int close_fd,
                size_t *ret_length);

#endif
