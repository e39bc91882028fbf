/* exec_worker.h: jobs as executables. The worker NAME of a job is the executable file NAME in
 * one directory, and nothing else.
 *
 *   name         [A-Za-z0-9._-]+, not beginning with '.': so it cannot leave the directory
 *   file         regular, executable, directly in the directory, no symbolic link; run
 *                without a shell
 *   input        standard input is the job's arguments, JSON
 *   environment  JOB_ID JOB_ATTEMPT JOB_MAX_ATTEMPTS JOB_QUEUE JOB_WORKER JOB_LEASE
 *                JOB_IDEMPOTENCY_KEY; PATH HOME LANG as they are here; nothing else
 *   output       the last line that is not blank, of standard output and error together, is the
 *                text of the outcome
 *   exit status  0 ok, 10 cancel, 11 discard, 12 snooze (last line: seconds), everything else: an
 *                error, tried again later
 *
 * A run that takes longer than the time limit gets SIGTERM, and SIGKILL 2 seconds later, and is
 * an error. The program keeps its place in the queue until it is dead. When the process of the
 * job dies (lease lost, grace over), the program is killed at once.
 */
#ifndef SUT_EXEC_WORKER_H
#define SUT_EXEC_WORKER_H

#include "sut/cli/subprocess.h"
#include "sut/jobs/jobs.h"

struct exec_workers {
    struct subprocesses children;
    const char *directory; /* absolute, without symbolic links; NULL: none */
    int directory_fd;
    int64_t timeout_ns;  /* 0: none */
    uint64_t memory_max; /* of a program, bytes; 0: no limit */
};

/* `directory`: NULL: there are no executables. 0, or a negative errno when the directory cannot be read. Forks (the reaper): before there are
 * threads. Must not move. */
int exec_workers_init(struct exec_workers *workers, struct env_live *live, const char *directory,
                      int64_t timeout_ns);
/* Another directory, or the same once more, for what is started from now on. 0, or a negative errno, and nothing has changed. */
int exec_workers_move(struct exec_workers *workers, struct heap *heap, const char *directory);
int exec_directory_wrong(const char *directory);      /* 0, or a negative errno */
void exec_workers_done(struct exec_workers *workers); /* kills what still runs */

#define EXEC_PATIENCE_NS (4 * NS_PER_S) /* it sees to the time limit by itself, within so long */

/* A job_perform; ctx: struct exec_workers. */
struct job_outcome exec_perform(struct proc *self, const struct job *job, void *ctx);

bool exec_name_allowed(const char *name);
/* NULL: it can be run. Else what is wrong with the file, as in "is not executable". */
const char *exec_file_wrong(int directory_fd, const char *name);

#endif
