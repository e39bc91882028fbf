/* subprocess.h: child processes with captured output, the unit of isolation of a job.
 *
 *     subprocess_start --> RUNS --exits, is killed--> REAPED: `work` is done, status and last line stand
 *
 * A child leads a process group of its own. When it ends, by itself or not, whatever is left of
 * its group is killed, so a job leaves nothing behind but what has left the group on purpose
 * (setsid). If this process dies, however it dies, the child gets SIGKILL from the kernel, and
 * the rest of its group from the reaper (reaper.h).
 *
 * References to a child are counted: one is its own while it runs, subprocess_start() gives one to the
 * caller.
 */
#ifndef SUT_SUBPROCESS_H
#define SUT_SUBPROCESS_H

#include "sut/cli/last_line.h"
#include "sut/cli/reaper.h"
#include "sut/live/env_live.h"

#include <sys/types.h>

struct subprocesses { /* all of a process; must not move */
    struct env_live *live;
    struct reaper reaper;
    uv_signal_t on_exit;
    struct subprocess *first;
};

struct subprocess {
    struct work work; /* done when the child is REAPED; somebody waits for it if `awaited` */
    bool awaited;
    bool reaped;
    int status; /* as of waitpid() */
    struct last_line line;
    bool timed_out; /* for the caller to say so */

    /* private */
    struct subprocesses *all;
    struct subprocess *prev, *next;
    unsigned refs;
    pid_t pid;
    int fd;
    uv_poll_t output;
};

/* What to run. No shell, no search: `path` is absolute, and its last part must not be a symbolic
 * link. */
struct program {
    const char *path;
    char *const *argv;
    char *const *env;
    const char *input; /* becomes standard input, a file that ends there */
    size_t input_size;
    uint64_t memory_max; /* bytes that it may map; 0: no limit */
};

void subprocesses_init(struct subprocesses *children, struct env_live *live);
/* Kills what still runs, without a word to who waits. The loop must run once more after it
 * (env_live_done). */
void subprocesses_done(struct subprocesses *children);

/* 0 and a reference, or a negative errno: no process, no descriptors, no memory. A program that
 * cannot be executed is no error here: it exits with 126, and the reason is its last line. */
int subprocess_start(struct subprocesses *children, const struct program *spec,
                     struct subprocess **ret_child);

/* Waits for the end; parks the process. If it dies meanwhile, its reference goes with it. */
void subprocess_wait(struct proc *self, struct subprocess *child);

/* To the whole group; nothing once it is reaped. */
void subprocess_signal(struct subprocess *child, int signal);
struct subprocess *subprocess_ref(struct subprocess *child);
void subprocess_unref(struct subprocess *child);

#endif
