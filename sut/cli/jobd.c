/* jobd.c: the daemon. It runs jobs from a database as executables from a directory.
 *
 *     start --> runs --SIGTERM, SIGINT--> drains --nothing runs, or the grace is over--> exit 0
 *       |          \--its supervisor gave up--> exit 1   \--another signal--> exit 1
 *       \--a mistake in what it was told--> exit 2
 *
 * Killed in any of these states it loses nothing but time: what it ran is killed with it, and
 * comes back when the lease runs out.
 */
#include "sut/cli/config.h"
#include "sut/cli/exec_worker.h"
#include "sut/cli/jobd_options.h"
#include "sut/cli/words.h"
#include "sut/cli/zone_file.h"
#include "sut/store/pg.h"
#include "sut/store/watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_GAVE_UP = 1 };

#define CALL_DEADLINE_NS (5 * NS_PER_S)

struct daemon {
    struct env_live live;
    struct config config;
    struct exec_workers workers;
    struct store_db *db;
    struct store store;
    struct key_ring keys;
    struct store_watch *watch; /* NULL: other processes' jobs are found by polling */
    struct jobs *jobs;
    uv_signal_t on_term, on_int, on_hup;
    bool stopping;
    int status;
};

#ifdef DURESS_POINTS
/* Linked in where a harness wants to drive this process: lets the points of this site do what
 * the environment says. */
void live_points_install(struct point_site *site) __attribute__((weak));

static void points_install(struct point_site *site)
{
    if (live_points_install)
        live_points_install(site);
}
#else
static void points_install(struct point_site *site)
{
    (void)site;
}
#endif

/* ---- parts ---- */

static void open_workers(struct daemon *daemon)
{
    const struct config *config = &daemon->config;
    int err =
        exec_workers_init(&daemon->workers, &daemon->live, config->workers, config->timeout_ns);
    daemon->workers.memory_max = (uint64_t)config->memory_max;
    if (err)
        jobd_mistake("%s: the workers' directory cannot be read: %s; make it, or name another",
                     config->workers, strerror(-err));
}

static void read_keys(struct daemon *daemon)
{
    char why[640];
    if (!config_keys(&daemon->config, &daemon->keys, why, sizeof why))
        jobd_mistake("%s", why);
}

static void open_store(struct daemon *daemon, bool create)
{
    char why[640];
    daemon->db = config_store_open(&daemon->config, &daemon->live.env, create, why, sizeof why);
    if (!daemon->db)
        jobd_mistake("%s", why);
    store_local_init(&daemon->store, daemon->db, CALL_DEADLINE_NS);
}

static void gave_up(void *ctx)
{
    struct daemon *daemon = ctx;
    daemon->status = EXIT_GAVE_UP;
    env_live_halt(&daemon->live);
}

static void start_jobs(struct daemon *daemon)
{
    char why[500];
    const struct config *config = &daemon->config;
    struct cron_config cron = {.entries = config->cron,
                               .entry_count = config->cron_count,
                               .origin = config->crontab ? config->crontab : "jobd",
                               .zone = config->zone,
                               .zone_read = zone_file_read};
    struct jobs_config jobs = {.store = &daemon->store,
                               .watch = daemon->watch,
                               .queues = config->queues,
                               .queue_count = config->queue_count,
                               .fallback = exec_perform,
                               .fallback_ctx = &daemon->workers,
                               .crash_limit =
                                   config->crashes ? (unsigned)config->crashes : JOBS_NEVER,
                               .fallback_timeout_ns = config->timeout_ns,
                               .fallback_patience_ns = EXEC_PATIENCE_NS,
                               .lease_ms = config->lease_ns / NS_PER_MS,
                               .poll_ns = config->poll_ns,
                               .grace_ns = config->grace_ns ? config->grace_ns : 1,
                               .keep = {.completed_ms = config->keep_completed_ns / NS_PER_MS,
                                        .cancelled_ms = config->keep_cancelled_ns / NS_PER_MS,
                                        .discarded_ms = config->keep_discarded_ns / NS_PER_MS},
                               .cron = &cron,
                               .keys = &daemon->keys,
                               .on_giveup = gave_up,
                               .giveup_ctx = daemon};
    struct runtime *runtime = runtime_new(&daemon->live.env, NULL);
    if (!runtime)
        jobd_mistake("not enough memory");
    runtime_log_crashes(runtime);
    daemon->jobs = jobs_start(runtime, &jobs, why, sizeof why);
    if (!daemon->jobs)
        jobd_mistake("%s", why);
    env_live_drive(&daemon->live, runtime);
}

/* ---- signals ---- */

static void drained(void *ctx, size_t left)
{
    struct daemon *daemon = ctx;
    if (left)
        env_log(&daemon->live.env, LOG_WARN,
                "stopped; did not end in time and will be run again: %zu", left);
    else
        env_log(&daemon->live.env, LOG_INFO, "stopped; nothing was left running");
    env_live_halt(&daemon->live);
}

static void on_stop(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;
    char grace[32];
    const char *name = number == SIGINT ? "SIGINT" : "SIGTERM";
    if (daemon->stopping) {
        env_log(&daemon->live.env, LOG_WARN, "%s again: ends at once; what ran will be run again",
                name);
        daemon->status = EXIT_GAVE_UP;
        env_live_halt(&daemon->live);
        return;
    }
    daemon->stopping = true;
    env_log(&daemon->live.env, LOG_INFO, "%s: takes no more jobs; those that run may end within %s",
            name, words_of_duration(daemon->config.grace_ns, grace));
    jobs_drain(daemon->jobs, drained, daemon);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;
    (void)number;
    env_log(&daemon->live.env, LOG_INFO,
            "SIGHUP: ignored; restart to read the configuration again");
}

static void listen_for(struct daemon *daemon, uv_signal_t *handle, uv_signal_cb callback,
                       int number)
{
    uv_signal_init(&daemon->live.loop, handle);
    uv_signal_start(handle, callback, number);
    handle->data = daemon;
}

static void listen_for_signals(struct daemon *daemon)
{
    listen_for(daemon, &daemon->on_term, on_stop, SIGTERM);
    listen_for(daemon, &daemon->on_int, on_stop, SIGINT);
    listen_for(daemon, &daemon->on_hup, on_hangup, SIGHUP);
}

/* ---- what it says about itself ---- */

static void about(const struct config *config, const char *directory, char *text, size_t size)
{
    char lease[32], poll[32], grace[32], timeout[32], database[200];
    size_t length = (size_t)snprintf(
        text, size, "jobd " JOBS_VERSION ": database %s (%s), workers %s, queues",
        config_database(config, database, sizeof database),
        store_pg_named(config->database) ? "postgresql" : durability_word(config->durability),
        directory);
    for (size_t i = 0; i < config->queue_count && length < size; ++i)
        length += (size_t)snprintf(text + length, size - length, " %s=%u", config->queues[i].name,
                                   config->queues[i].limit);
    if (length < size)
        snprintf(text + length, size - length, ", lease %s, poll %s, grace %s, timeout %s",
                 words_of_duration(config->lease_ns, lease),
                 words_of_duration(config->poll_ns, poll),
                 words_of_duration(config->grace_ns, grace),
                 config->timeout_ns ? words_of_duration(config->timeout_ns, timeout) : "none");
}

static int name_order(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void check(struct daemon *daemon)
{
    char text[512];
    struct dirent **entries = NULL;
    char why[640];
    bool exists =
        store_pg_named(daemon->config.database) || access(daemon->config.database, F_OK) == 0;
    if (exists)
        open_store(daemon, false);
    else if (!config_store_possible(&daemon->config, why, sizeof why))
        jobd_mistake("%s", why);
    about(&daemon->config, daemon->workers.directory, text, sizeof text);
    puts(text);
    if (!exists)
        puts("the database does not exist yet, and would be made");
    int count = scandir(daemon->workers.directory, &entries, NULL, name_order);
    for (int i = 0; i < count; ++i) {
        const char *name = entries[i]->d_name,
                   *wrong = exec_file_wrong(daemon->workers.directory_fd, name);
        if (exec_name_allowed(name))
            printf("worker %s%s%s\n", name, wrong ? " cannot be run: it " : "", wrong ? wrong : "");
        free(entries[i]);
    }
    free(entries);
}

/* ---- life ---- */

static void close_handle(uv_handle_t *handle, void *ctx)
{
    struct daemon *daemon = ctx;
    if (!uv_is_closing(handle) && !env_live_owns(&daemon->live, handle))
        uv_close(handle, NULL);
}

/* A database call that hangs must not keep the process: the database stands such an end. */
static int finish(struct daemon *daemon)
{
    exec_workers_done(&daemon->workers);
    store_watch_interrupt(daemon->watch);
    if (!env_live_settle(&daemon->live, CALL_DEADLINE_NS))
        _exit(daemon->status);
    store_watch_close(daemon->watch);
    store_close(daemon->db);
    uv_walk(&daemon->live.loop, close_handle, daemon);
    int status = daemon->status;
    env_live_done(&daemon->live);
    return status;
}

static void claim_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);
}

static void run(struct daemon *daemon)
{
    char text[512];
    open_store(daemon, true);
    daemon->watch = config_store_watch(&daemon->config, daemon->db);
    start_jobs(daemon);
    listen_for_signals(daemon);
    about(&daemon->config, daemon->workers.directory, text, sizeof text);
    env_log(&daemon->live.env, LOG_INFO, "%s", text);
    uv_run(&daemon->live.loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    struct daemon daemon = {0};
    claim_standard_files();
    env_live_init(&daemon.live);
    config_init(&daemon.config, daemon.live.env.heap);
    bool only_check = jobd_options(&daemon.config, argc, argv);
    open_workers(&daemon);
    read_keys(&daemon);
    points_install(&daemon.live.env.site);
    if (only_check)
        check(&daemon);
    else
        run(&daemon);
    return finish(&daemon);
}
