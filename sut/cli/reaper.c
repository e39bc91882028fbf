/* reaper.c: see reaper.h. The protocol is a group's number to add, and its negative to remove.
 * Writes of that size to a pipe are never torn. If somebody kills the reaper itself, jobs run
 * on, and only their leaders die with their parent. */
#define _GNU_SOURCE /* pipe2, close_range */
#include "sut/cli/reaper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct groups {
    pid_t *items;
    size_t count, room;
};

static void groups_apply(struct groups *groups, pid_t word)
{
    if (word > 0) {
        if (groups->count == groups->room) {
            groups->room = groups->room ? 2 * groups->room : 64;
            groups->items = realloc(groups->items, groups->room * sizeof *groups->items);
            if (!groups->items)
                _exit(1);
        }
        groups->items[groups->count++] = word;
        return;
    }
    for (size_t i = 0; i < groups->count; ++i)
        if (groups->items[i] == -word)
            groups->items[i--] = groups->items[--groups->count];
}

static _Noreturn void reaper_main(int fd)
{
    struct groups groups = {0};
    pid_t word;
    ssize_t got;
    while ((got = read(fd, &word, sizeof word)) != 0)
        if (got == sizeof word)
            groups_apply(&groups, word);
        else if (errno != EINTR)
            break;
    for (size_t i = 0; i < groups.count; ++i)
        kill(-groups.items[i], SIGKILL);
    free(groups.items);
    _exit(0);
}

/* Out of the reach of Ctrl-C and of signals to the parent's group; holds nothing open but the
 * pipe. */
static _Noreturn void reaper_child(int fd)
{
    prctl(PR_SET_NAME, "jobd-reaper");
    setsid();
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; ++i)
        dup2(null, i);
    dup2(fd, 3);
    close_range(4, ~0U, 0);
    reaper_main(3);
}

void reaper_start(struct reaper *reaper)
{
    int ends[2];
    reaper->fd = -1;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        reaper_child(ends[0]);
    }
    close(ends[0]);
    if (pid < 0) {
        close(ends[1]);
        return;
    }
    *reaper = (struct reaper){.fd = ends[1], .pid = pid};
}

void reaper_stop(struct reaper *reaper)
{
    if (reaper->fd < 0)
        return;
    close(reaper->fd);
    reaper->fd = -1;
    waitpid(reaper->pid, NULL, 0);
}

static void tell(struct reaper *reaper, pid_t word)
{
    if (reaper->fd < 0)
        return;
    ssize_t written;
    do
        written = write(reaper->fd, &word, sizeof word);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        reaper_stop(reaper);
}

void reaper_watch(struct reaper *reaper, pid_t group)
{
    tell(reaper, group);
}

void reaper_forget(struct reaper *reaper, pid_t group)
{
    tell(reaper, -group);
}
