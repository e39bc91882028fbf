/* child.h: one run in a process of its own, forked for it, so that no run can leave anything behind
 * for the next, and the system under test may die in any way it likes. The process that forks has
 * never made a run itself: it has not touched SQLite, and forks cheaply.
 *
 * A child sends one message over a pipe and exits: the result line (result.h), and behind it, when
 * asked, what the tape recorded (recording.h). However it ends, there is a message: of a child that
 * died, a result line that says how. */
#ifndef DURESS_CHILD_H
#define DURESS_CHILD_H

#include "harness/suite/failure.h"

#include <sys/types.h>

/* What the runs of one process have in common. */
struct child_setup {
    const struct extras *extras;
    const char *program;    /* as replay lines call it */
    int64_t run_timeout_ns; /* CPU time of one run */
    int close_fd;           /* what a child must not inherit; -1: nothing */
    bool
        leaks; /* look for leaks after each run, where there is a detector: that takes longer than a run */
};

/* Writes what else the parent wants to know of a run, in the child, which has a copy of all that the parent knew when
 * it forked. */
typedef void child_tell(void *ctx, const struct run *run, const struct tape *tape, FILE *out);

/* What shall be kept of a failure. */
struct keep {
    const char *folder; /* gets tape, trace.jsonl, story.txt. NULL or "": nothing is kept */
    const char *prefix; /* of their names, or NULL */
    /* The line that shows it again; the tape is then the caller's affair. NULL: by the seed. */
    const char *replay;
};

/* A run that is another one, its stem, up to some hit of a fault point. */
struct branch {
    struct choice at; /* the hit */
    struct tape *
        tape; /* all of its own tape, which tells of other faults and keyed choices, at that hit or later */
    struct plan_run run;
    unsigned record; /* enum record: from that hit on */
};

/* What a stem sends before the message of each branch. */
struct branch_head {
    uint64_t branch, length;
};

/* What one child shall do. Everything it points to lives until the child has ended. */
struct child_task {
    const struct child_setup *setup;
    const struct scenario *scenario;
    struct tape *tape; /* run in the child's copy: here it stays as it is */
    struct plan_run run;
    bool again;
    unsigned record;  /* enum record: what the tape records, and the message tells of it */
    child_tell *tell; /* what the message tells instead; NULL: the recording */
    void *tell_ctx;
    struct keep keep;
    /* With branches the run is only their stem: at the hits it forks them, one after the other, and ends after the
     * last. There is a message of each, with its head, and none of the stem, but when it dies or misses a hit. */
    const struct branch *branches;
    size_t branch_count;
};

/* A place for one child at a time. */
struct child {
    struct child_task task;
    pid_t pid;
    int pipe;  /* readable: there is something for child_read(); -1: no child */
    int noise; /* catches what the run writes to stdout and stderr */
    char *sent;
    size_t length;
    int64_t patience_ns; /* until when, on the monotonic clock, it may stand still */
    int64_t cpu_ns;      /* what it had used when that was looked at last */
    bool hung;
};

void child_init(struct child *child);
void child_done(struct child *child); /* kills it if it still runs */

void child_start(struct child *child, const struct child_task *task);
/* Only the fork: in the child, where its message goes; in the parent -1. */
int child_fork(struct child *child, const struct child_task *task);
/* Takes what there is, when the pipe is readable. false: the child has said all. */
bool child_read(struct child *child);
/* To be called now and then: a child that stands still without using CPU time is made to die of
 * SIGABRT, so that it tells where it was. Returns for how many ms there is no need to look again. */
int child_watch(struct child *child);
/* After child_read() was false: waits for its end and gives its message. Heap. */
char *child_end(struct child *child, size_t *ret_length);
/* Likewise, of one whose end does not matter any more: it has said all that was wanted. */
void child_dismiss(struct child *child);
/* Ends it at once; nothing is known of the run. */
void child_kill(struct child *child);

/* Waits for all that it has to say, and gives its message. */
char *child_listen(struct child *child, size_t *ret_length);
/* All of it: starts it, and listens. */
char *child_run(struct child *child, const struct child_task *task, size_t *ret_length);

#endif
