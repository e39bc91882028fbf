/* jobd_config.c: from jobd's configuration to that of the job system, at the start and again while it runs.
 *
 *     SIGHUP --read, all of it checked--> the queues, cron entries, times and limits are those of the file
 *        \--something is wrong: said in the log--> all is as before
 */
#include "sut/cli/jobd.h"
#include "sut/cli/jobd_options.h"
#include "sut/cli/zone_file.h"

#include <string.h>
#include <time.h>

static void gave_up(void *ctx)
{
    struct daemon *daemon = ctx;
    daemon->status = 1;
    env_live_halt(&daemon->live);
}

void jobd_jobs_config(struct daemon *daemon, const struct config *config, struct cron_config *cron,
                      struct jobs_config *ret_jobs)
{
    *cron = (struct cron_config){.entries = config->cron,
                                 .entry_count = config->cron_count,
                                 .origin = config->crontab ? config->crontab : "jobd",
                                 .zone = config->zone,
                                 .zone_read = zone_file_read};
    *ret_jobs = (struct jobs_config){
        .store = &daemon->store,
        .watch = daemon->watch,
        .node = config->node,
        .queues = config->queues,
        .queue_count = config->queue_count,
        .workers = daemon->plugins.workers,
        .worker_count = daemon->plugins.count,
        .fallback = exec_perform,
        .fallback_ctx = &daemon->workers,
        .crash_limit = config->crashes ? (unsigned)config->crashes : JOBS_NEVER,
        .fallback_timeout_ns = config->timeout_ns,
        .fallback_patience_ns = EXEC_PATIENCE_NS,
        .lease_ms = config->lease_ns / NS_PER_MS,
        .poll_ns = config->poll_ns,
        .grace_ns = config->grace_ns ? config->grace_ns : 1,
        .keep = {.completed_ms = config->keep_completed_ns / NS_PER_MS,
                 .cancelled_ms = config->keep_cancelled_ns / NS_PER_MS,
                 .discarded_ms = config->keep_discarded_ns / NS_PER_MS},
        .cron = cron,
        .keys = &daemon->keys,
        .telemetry = &daemon->telemetry,
        .on_giveup = gave_up,
        .giveup_ctx = daemon};
}

/* ---- again ---- */

/* What cannot change, and would have, is said, and stays as it was. */
static void keep_fixed(struct daemon *daemon, struct config *config)
{
    const char *names[CONFIG_KEYS];
    size_t count = config_keep_fixed(config, &daemon->config, names);
    for (size_t i = 0; i < count; ++i)
        env_log(&daemon->live.env, LOG_WARN,
                "SIGHUP: '%s' cannot change while jobd runs; it is as before until a restart",
                names[i]);
}

/* Checks all of it, then changes; false with a sentence, and nothing has changed. */
static bool take(struct daemon *daemon, struct config *config, char *why, size_t why_size)
{
    struct cron_config cron;
    struct jobs_config jobs;
    struct key_ring keys;
    if (!jobd_options_again(config, daemon->argc, daemon->argv, why, why_size))
        return false;
    int err = config->workers ? exec_directory_wrong(config->workers) : 0;
    if (err) {
        snprintf(why, why_size, "%s: the workers' directory cannot be read: %s", config->workers,
                 strerror(-err));
        return false;
    }
    if (!config_keys(config, &keys, why, why_size))
        return false;
    keep_fixed(daemon, config);
    jobd_jobs_config(daemon, config, &cron, &jobs);
    bool taken = jobs_reload(daemon->jobs, &jobs, why, why_size);
    if (taken)
        daemon->keys = keys;
    key_ring_forget(&keys);
    if (!taken)
        return false;
    if (config->workers)
        exec_workers_move(&daemon->workers, daemon->live.env.heap, config->workers);
    daemon->workers.timeout_ns = config->timeout_ns;
    daemon->workers.memory_max = (uint64_t)config->memory_max;
    plugins_limit(&daemon->plugins, config->timeout_ns, (uint64_t)config->memory_max);
    return true;
}

static void warn_of_worker(void *ctx, const char *text)
{
    struct daemon *daemon = ctx;
    if (strstr(text, " cannot be run") || strstr(text, " is not used"))
        env_log(&daemon->live.env, LOG_WARN, "SIGHUP: %s", text);
}

void jobd_reload(struct daemon *daemon)
{
    char text[768];
    struct env *env = &daemon->live.env;
    struct config config;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    notify_send(&daemon->notify, "RELOADING=1\nMONOTONIC_USEC=%lld",
                (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    config_init(&config,
                heap_child(env->heap)); /* what the fixed settings say is of the first one */
    if (take(daemon, &config, text, sizeof text)) {
        daemon->config = config;
        jobd_about(daemon, text, sizeof text);
        env_log(env, LOG_INFO, "SIGHUP: %s; %zu cron entries", text, config.cron_count);
        jobd_list_workers(daemon, warn_of_worker, daemon);
    } else {
        env_log(env, LOG_ERROR, "SIGHUP: %s; all is as before", text);
        heap_free(config.heap);
    }
    notify_send(&daemon->notify, "READY=1\nSTATUS=runs jobs");
}
