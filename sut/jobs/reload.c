/* reload.c: another configuration for a node that runs. All of it is looked at before anything changes; what begins or ends by it
 * does so as if somebody had said it by hand: the stager starts queues, and queues end when nothing of them runs any more. */
#include "sut/jobs/internal.h"

#include <stdio.h>
#include <string.h>

POINT_ABOUT("jobs/config/reload", "A node takes another configuration.");

static const struct queue_config *queue_in(const struct jobs_config *config, const char *name)
{
    for (size_t i = 0; i < config->queue_count; ++i)
        if (strcmp(config->queues[i].name, name) == 0)
            return &config->queues[i];
    return NULL;
}

static void queues_reload(struct jobs *jobs, const struct jobs_config *config)
{
    for (struct queue *queue = jobs->queues; queue; queue = queue->next) {
        const struct queue_config *now = queue_in(config, queue->name);
        queue->configured_limit = now ? now->limit : 0;
        queue_settle(queue);
    }
    for (size_t i = 0; i < config->queue_count; ++i)
        if (!queue_find(jobs, config->queues[i].name))
            queue_new(jobs, config->queues[i].name, config->queues[i].limit);
    stager_hint(jobs, 0); /* it starts them, and asks what is said of them */
}

static void settings_reload(struct jobs *jobs, const struct jobs_config *config)
{
    jobs_settings(jobs, config);
    jobs->fallback.timeout_ns = config->fallback_timeout_ns;
    jobs->fallback.patience_ns = config->fallback_patience_ns;
    jobs->keys = config->keys;
}

bool jobs_reload(struct jobs *jobs, const struct jobs_config *config, char *why, size_t why_size)
{
    char part[500];
    const char *wrong = jobs_config_wrong(jobs->env, config, part, sizeof part);
    if (!wrong && config->cron && config->cron->entry_count && !jobs->cron.on)
        wrong = "cron cannot begin while it runs: this node was started without";
    if (wrong) {
        snprintf(why, why_size, "%s", wrong);
        return false;
    }
    TRACE(&jobs->env->site, "jobs/config/reload", T_U64("queues", config->queue_count),
          T_U64("entries", config->cron ? config->cron->entry_count : 0));
    settings_reload(jobs, config);
    queues_reload(jobs, config);
    if (jobs->cron.on && config->cron)
        cron_replace(jobs, config->cron);
    return true;
}

int64_t jobs_moved_ns(const struct jobs *jobs)
{
    return jobs->moved_ns;
}
