/* fork.c: see fork.h. */
#define _GNU_SOURCE /* pipe2 */
#include "harness/process/fork.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

pid_t fork_piped(int *ret_end)
{
    int ends[2];
    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC))
        abort();
    pid_t pid = fork();
    if (pid < 0)
        abort();
    *ret_end = ends[pid == 0];
    close(ends[pid != 0]);
    return pid;
}

int fork_reap(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

int64_t fork_cpu_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (pid <= 0 || clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
        return 0;
    return used.tv_sec * INT64_C(1000000000) + used.tv_nsec;
}
