/* isolation.h: jobs in processes of their own (IN_CHILD), without the dangers of fork() in a program that has threads.
 *
 *   program --isolation_start(), before there are threads--> server --an order--> one child per run of a job
 *
 * The server is a copy of the program as it was then, with one thread, that does nothing but fork: so no child is born into a lock
 * that nobody will ever release. It knows the workers that it was given, and what they pointed to then. Each child leads a
 * process group of its own; at its end, by itself or not, the rest of its group is killed. If the server dies, so do its
 * children; if the program dies, however it dies, the server kills them and ends.
 */
#ifndef SUT_LIVE_ISOLATION_H
#define SUT_LIVE_ISOLATION_H

#include "sut/jobs/jobs.h"
#include "sut/live/env_live.h"

#include <sys/types.h>

struct isolation {
    struct env_live *live;
    pid_t pid; /* of the server */
    int fd;    /* to it; -1: it is gone */
    uv_poll_t poll;
    struct isolated *first; /* runs, in the order in which they were asked for */
    uint64_t count;         /* of them, ever */
};

/* Makes IN_CHILD possible in this environment. Files that are open now are open in every child; output that is buffered is
 * written. Of the workers, those IN_CHILD count; names and functions must be those that jobs_start() is given. 0, or a negative
 * errno with a sentence. Must not move. */
int isolation_start(struct isolation *isolation, struct env_live *live,
                    const struct worker *workers, size_t count, char *why, size_t why_size);

/* Kills what still runs, without a word to who waits. Its handle is closed as the loop runs once more. */
void isolation_done(struct isolation *isolation);

/* ---- between the two: isolation.c, isolation_server.c ---- */

struct isolation_order {
    enum { ISOLATION_RUN, ISOLATION_KILL } kind;
    uint64_t number; /* of the run */
    uint64_t memory_max;
    size_t input_size; /* RUN: of the file that comes along */
};

struct isolation_report { /* a run is over */
    uint64_t number;
    int err, status;
    size_t answer_size;
    unsigned char answer[CHILD_ANSWER_MAX];
};

/* The server's life; `fd` is its end. */
_Noreturn void isolation_serve(int fd, struct env *env, const struct worker *workers, size_t count);

#endif
