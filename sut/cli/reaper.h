/* reaper.h: a tiny process that outlives this one, to kill what it leaves behind.
 *
 * The kernel kills a child when its parent dies (PR_SET_PDEATHSIG), but not the grandchildren: a
 * script dies, the program that it called goes on, while the job is rescued and runs again
 * elsewhere. So the groups of running children are also told to a process that does nothing but
 * wait for the other end of a pipe to close, and then sends SIGKILL to them.
 */
#ifndef SUT_REAPER_H
#define SUT_REAPER_H

#include <stdbool.h>
#include <sys/types.h>

struct reaper {
    int fd; /* -1: there is none; then only the children themselves are killed */
    pid_t pid;
};

void reaper_start(struct reaper *reaper); /* forks: before there are threads */
void reaper_stop(struct reaper *reaper);

/* Before the child can do anything; and while its zombie still holds the number. */
void reaper_watch(struct reaper *reaper, pid_t group);
void reaper_forget(struct reaper *reaper, pid_t group);

#endif
