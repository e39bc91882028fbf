/* jobd.c: the daemon. It runs jobs from a database as executables from a directory.
 *
 *     start --> runs --SIGTERM, SIGINT--> drains --nothing runs, or the grace is over--> exit 0
 *       |          \--its supervisor gave up--> exit 1   \--another signal--> exit 1
 *       |--a mistake in what it was told--> exit 2
 *       \--a database that cannot be opened--> exit 3
 *
 * SIGHUP has it read its configuration again (jobd_config.c). Killed in any of these states it loses nothing but time: what it ran is killed with it, and
 * comes back when the lease runs out.
 */
#include "sut/cli/jobd.h"
#include "sut/cli/jobd_options.h"
#include "sut/cli/words.h"
#include "sut/store/pg.h"
#include "sut/store/watch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_GAVE_UP = 1 };

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

/* Before there are threads: jobs in child processes are copies of what is here now. */
static void load_plugins(struct daemon *daemon)
{
    char why[1024];
    const struct config *config = &daemon->config;
    plugins_init(&daemon->plugins, daemon->live.env.heap);
    for (size_t i = 0; i < config->load_count; ++i)
        if (!plugins_load(&daemon->plugins, config->load[i], why, sizeof why))
            jobd_mistake("%s", why);
    plugins_limit(&daemon->plugins, config->timeout_ns, (uint64_t)config->memory_max);
    for (size_t i = 0; i < daemon->plugins.count; ++i)
        daemon->isolates |= daemon->plugins.workers[i].mode == IN_CHILD;
    if (daemon->isolates &&
        isolation_start(&daemon->isolation, &daemon->live, daemon->plugins.workers,
                        daemon->plugins.count, why, sizeof why) != 0)
        jobd_mistake("%s", why);
}

static void open_store(struct daemon *daemon, bool create)
{
    char why[640];
    daemon->db = config_store_open(&daemon->config, &daemon->live.env,
                                   CONFIG_RUN | (create ? CONFIG_MAKE : 0), why, sizeof why);
    if (!daemon->db)
        jobd_no_database(why);
    store_local_init(&daemon->store, daemon->db, JOBD_CALL_NS);
}

static void start_jobs(struct daemon *daemon)
{
    char why[500];
    struct cron_config cron;
    struct jobs_config jobs;
    jobd_jobs_config(daemon, &daemon->config, &cron, &jobs);
    struct runtime *runtime = runtime_new(&daemon->live.env, NULL);
    if (!runtime)
        jobd_mistake("not enough memory");
    runtime_log_crashes(runtime);
    job_log_attach(&daemon->telemetry, daemon->config.job_log, &daemon->live.env);
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
    notify_send(&daemon->notify, "STOPPING=1\nSTATUS=lets running jobs end");
    env_log(&daemon->live.env, LOG_INFO, "%s: takes no more jobs; those that run may end within %s",
            name, words_of_duration(daemon->config.grace_ns, grace));
    jobs_drain(daemon->jobs, drained, daemon);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;
    (void)number;
    if (daemon->stopping)
        env_log(&daemon->live.env, LOG_INFO, "SIGHUP: ignored, as jobd is about to end");
    else
        jobd_reload(daemon);
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

/* ---- --check ---- */

static void print_line(void *ctx, const char *text)
{
    (void)ctx;
    puts(text);
}

static void check(struct daemon *daemon)
{
    char text[512];
    char why[640];
    bool exists =
        store_pg_named(daemon->config.database) || access(daemon->config.database, F_OK) == 0;
    if (exists)
        open_store(daemon, false);
    else if (!config_store_possible(&daemon->config, why, sizeof why))
        jobd_no_database(why);
    jobd_about(daemon, text, sizeof text);
    puts(text);
    if (!exists)
        puts("the database does not exist yet, and would be made");
    jobd_list_workers(daemon, print_line, NULL);
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
    if (daemon
            ->isolates) /* first: its server is a copy that holds what the other children wait for */
        isolation_done(&daemon->isolation);
    exec_workers_done(&daemon->workers);
    store_watch_interrupt(daemon->watch);
    if (!env_live_settle(&daemon->live, JOBD_CALL_NS))
        _exit(daemon->status);
    store_watch_close(daemon->watch);
    store_close(daemon->db);
    uv_walk(&daemon->live.loop, close_handle, daemon);
    int status = daemon->status;
    env_live_done(&daemon->live);
    notify_done(&daemon->notify);
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
    jobd_about(daemon, text, sizeof text);
    env_log(&daemon->live.env, LOG_INFO, "%s", text);
    notify_send(&daemon->notify, "READY=1\nSTATUS=runs jobs");
    jobd_watchdog_start(daemon);
    uv_run(&daemon->live.loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    struct daemon daemon = {.argc = argc, .argv = argv};
    claim_standard_files();
    notify_init(&daemon.notify);
    env_live_init(&daemon.live);
    config_init(&daemon.config, daemon.live.env.heap);
    bool only_check = jobd_options(&daemon.config, argc, argv);
    open_workers(&daemon);
    load_plugins(&daemon);
    read_keys(&daemon);
    points_install(&daemon.live.env.site);
    if (only_check)
        check(&daemon);
    else
        run(&daemon);
    return finish(&daemon);
}
