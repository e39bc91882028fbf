/* env_live.h: the environment of a real process: a libuv loop with one thread, its thread pool
 * for blocking work, threads for jobs that block, the system's clocks and chance, and a log on standard error. What the
 * simulated world is in a scenario, this is in jobd.
 */
#ifndef SUT_LIVE_ENV_LIVE_H
#define SUT_LIVE_ENV_LIVE_H

#include "sut/live/threads.h"
#include "sut/runtime/proc.h"

#include <uv.h>

struct env_live {
    struct env env; /* first */
    struct env_ops ops;
    uv_loop_t loop;
    struct threads threads;      /* for jobs */
    struct isolation *isolation; /* processes for jobs; NULL: none */
    uv_timer_t timer;            /* when the runtime wants to run next */
    struct runtime *runtime;
    size_t works; /* blocking work under way in threads */
    bool halted;  /* the runtime is not run any more */
    char node_name[65];
};

void env_live_init(struct env_live *live); /* must not move afterwards */

/* 64 bits of the system's chance: the environment's, or of one that has nothing else. */
uint64_t env_live_entropy(struct env *env);

/* From here on the loop runs the runtime whenever that wants to run. */
void env_live_drive(struct env_live *live, struct runtime *runtime);

/* Stops running the runtime, and the loop. From a callback, or from within runtime_run(). */
void env_live_halt(struct env_live *live);

/* After the loop has stopped: waits for work under way, at most `ns`. False: some thread still
 * works; then nothing may be freed, and the process should just end. */
bool env_live_settle(struct env_live *live, int64_t ns);

/* Is the handle one of its own, which env_live_done() closes? */
bool env_live_owns(const struct env_live *live, const uv_handle_t *handle);

/* Frees the runtime, the loop and the node's heap. All other handles of the loop are closed, or
 * about to be. */
void env_live_done(struct env_live *live);

#endif
