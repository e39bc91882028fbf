/* jobd.h: the parts of jobd: what it is while it runs, what it says about itself, and how it takes another configuration. */
#ifndef SUT_CLI_JOBD_H
#define SUT_CLI_JOBD_H

#include "sut/cli/config.h"
#include "sut/cli/exec_worker.h"
#include "sut/cli/notify.h"
#include "sut/cli/plugins.h"
#include "sut/live/isolation.h"

struct daemon {
    struct env_live live;
    int argc;
    char **argv;
    struct config config;
    struct exec_workers workers;
    struct plugins plugins;
    struct isolation isolation;
    bool isolates; /* some of the plugins' workers run in children */
    struct notify notify;
    struct store_db *db;
    struct store store;
    struct key_ring keys;
    struct telemetry telemetry;
    struct store_watch *watch; /* NULL: other processes' jobs are found by polling */
    struct jobs *jobs;
    uv_signal_t on_term, on_int, on_hup;
    uv_timer_t watchdog;
    int64_t pulse_ns; /* monotonic: when the runtime ran a process of its own last */
    bool stuck;       /* the watchdog was not told, and the log knows it */
    bool stopping;
    int status;
};

#define JOBD_CALL_NS (5 * NS_PER_S) /* the deadline of a call to the database */

/* ---- jobd_config.c ---- */

/* What the job system is told. `cron`: the caller's, must live as long as *ret_jobs is used. */
void jobd_jobs_config(struct daemon *daemon, const struct config *config, struct cron_config *cron,
                      struct jobs_config *ret_jobs);
/* Reads the configuration again. What is wrong is said in the log, and then nothing has changed. */
void jobd_reload(struct daemon *daemon);

/* ---- jobd_about.c ---- */

void jobd_about(const struct daemon *daemon, char *text, size_t size); /* in one line */
/* A line for each worker, from files that are loaded and from the directory; returns how many cannot be run. */
size_t jobd_list_workers(const struct daemon *daemon, void (*line)(void *ctx, const char *text),
                         void *ctx);

/* ---- jobd_watchdog.c ---- */

/* From here on, whoever listens hears in time that something moves, as long as it does. */
void jobd_watchdog_start(struct daemon *daemon);
/* Does it? Its loop and its runtime do, and the housekeeping has gone around. */
bool jobd_moves(const struct daemon *daemon, int64_t now_ns);

#endif
