/* live_child.h: libfiu's table is global, and faults kill: each story about a live process is told
 * by a child of its own. */
#ifndef DURESS_TEST_LIVE_CHILD_H
#define DURESS_TEST_LIVE_CHILD_H

#include "nemesis/live.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define BAD_ENVIRONMENT 200

/* Runs `story` in a child with these faults; returns its wait status. */
static inline int in_child(const char *faults, const char *seed,
                           int (*story)(struct point_site *at))
{
    pid_t child = fork();
    if (child == 0) {
        char why[200];
        if (faults)
            setenv("DURESS_FAULTS", faults, 1);
        if (seed)
            setenv("DURESS_SEED", seed, 1);
        if (!freopen("/dev/null", "w", stderr))
            _exit(99);
        struct point_site at = {.sink = live_sink_new(why, sizeof why)};
        if (!at.sink)
            _exit(BAD_ENVIRONMENT);
        int result = story(&at);
        live_sink_free(at.sink);
        _exit(result);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

static inline void assert_exits(int status, int code)
{
    cr_assert(WIFEXITED(status), "killed by %d", WTERMSIG(status));
    cr_assert_eq(WEXITSTATUS(status), code, "exit code %d", WEXITSTATUS(status));
}

#endif
