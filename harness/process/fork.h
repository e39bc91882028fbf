/* fork.h: a child that goes on with this program, and a pipe from it to its parent. */
#ifndef DURESS_FORK_H
#define DURESS_FORK_H

#include <stdint.h>
#include <sys/types.h>

/* In the parent: the child's process id, and the end of the pipe to read from. In the child: 0, and the end to write to.
 * The caller closes its end. What stdio holds is written out before, or the child would say it too. Aborts when there is
 * no process or no descriptor to be had. */
pid_t fork_piped(int *ret_end);

/* Waits for its end; the status of waitpid(). */
int fork_reap(pid_t pid);

/* CPU time that a child has used, ns; 0: there is none. Tells one that stands still from one that a busy machine has no
 * time for. */
int64_t fork_cpu_ns(pid_t pid);

#endif
