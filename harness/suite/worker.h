/* worker.h: the processes that run the runs. The main process starts each by exec of this program,
 * so that each has an address-space layout of its own: what depends on addresses differs between
 * two of them. Orders and results travel over a socket that keeps messages whole. A worker ends
 * when the main process does, however that ends. */
#ifndef DURESS_WORKER_H
#define DURESS_WORKER_H

#include "harness/process/child.h"

#include <sys/types.h>

/* An order to a worker. */
struct job {
    struct plan_run run;
    bool again;
    char keep[4096]; /* a folder: a failure is written into it. "": nothing is */
};

struct worker {
    pid_t pid;
    int socket;
};

/* What all workers of a suite are told at their start. */
struct worker_setup {
    const struct plan *plan;
    const struct extras *extras;
    const char *program;
    int64_t run_timeout_ns;
};

int worker_start(struct worker *ret_worker, const struct worker_setup *setup); /* 0 or -errno */
int worker_order(const struct worker *worker, const struct job *job);          /* 0 or -errno */
/* The next result line, heap. NULL: the worker has died. Results come in the order of the orders.
 */
char *worker_result(const struct worker *worker, size_t *ret_length);
/* Ends it at once, with the run it has in hand. */
void worker_stop(struct worker *worker);

#endif
