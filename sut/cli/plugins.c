/* plugins.c: see plugins.h. */
#include "sut/cli/plugins.h"
#include "sut/cli/jobs_plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define SYMBOL "jobs_plugin"

struct plugin_worker { /* ctx of a struct worker */
    struct jobs_plugin_worker worker;
};

/* ---- a run ---- */

struct host {
    struct job_control *control;
};

static int run_cancelled(const struct jobs_run *run)
{
    const struct host *host = run->host;
    return job_cancelled(host->control);
}

static int run_nap(const struct jobs_run *run, int64_t ms)
{
    const struct host *host = run->host;
    return job_nap(host->control, (ms > 0 ? ms : 0) * NS_PER_MS);
}

static enum outcome_kind kind_of(enum jobs_ending ending)
{
    switch (ending) {
    case JOBS_DONE: return JOB_OK;
    case JOBS_CANCEL: return JOB_CANCEL;
    case JOBS_DISCARD: return JOB_DISCARD;
    case JOBS_SNOOZE: return JOB_SNOOZE;
    case JOBS_FAILED: break;
    }
    return JOB_ERROR;
}

static struct job_outcome plugin_run(const struct job *job, struct job_control *control, void *ctx)
{
    const struct jobs_plugin_worker *worker = &((const struct plugin_worker *)ctx)->worker;
    struct host host = {control};
    char key[32];
    job_idempotency_key(job, key);
    struct jobs_run run = {.id = job->id,
                           .lease = job->lease,
                           .attempt = job->attempt,
                           .max_attempts = job->max_attempts,
                           .queue = job->queue,
                           .worker = job->worker,
                           .args = job->args,
                           .meta = job->meta,
                           .tags = job->tags,
                           .key = key,
                           .ctx = worker->ctx,
                           .cancelled = run_cancelled,
                           .nap = run_nap,
                           .host = &host};
    enum jobs_ending ending = worker->run(&run);
    if (ending > JOBS_SNOOZE)
        return job_outcome_make(JOB_ERROR, "its ending is of no known kind: %d", (int)ending);
    run.text[sizeof run.text - 1] = '\0';
    struct job_outcome outcome = job_outcome_make(kind_of(ending), "%s", run.text);
    outcome.snooze_s = run.snooze_s;
    return outcome;
}

/* ---- loading ---- */

static const char *worker_wrong(const struct plugins *plugins,
                                const struct jobs_plugin_worker *worker)
{
    if (!worker->name || !worker->name[0] || strlen(worker->name) > JOB_WORKER_MAX)
        return "its name must have 1 to 127 bytes";
    if (!worker->run)
        return "it has no function: run";
    if (worker->where != JOBS_IN_CHILD && worker->where != JOBS_IN_THREAD)
        return "it wants to run neither in a child nor in a thread";
    if (worker->timeout_ms < 0)
        return "its time limit is negative";
    if (worker->memory_max && worker->where != JOBS_IN_CHILD)
        return "only in a child can its memory be limited";
    return plugins->count == PLUGINS_WORKERS_MAX ? "there are too many workers" : NULL;
}

static const char *file_of(const struct plugins *plugins, const char *name)
{
    for (size_t i = 0; i < plugins->count; ++i)
        if (strcmp(plugins->workers[i].name, name) == 0)
            return plugins->files[i];
    return NULL;
}

static void add(struct plugins *plugins, const struct jobs_plugin_worker *worker, const char *file)
{
    struct plugin_worker *copy = heap_alloc(plugins->heap, sizeof *copy);
    bool child = worker->where == JOBS_IN_CHILD;
    copy->worker = *worker;
    plugins->files[plugins->count] = heap_strdup(plugins->heap, file);
    plugins->workers[plugins->count++] = (struct worker){
        .name = heap_strdup(plugins->heap, worker->name),
        .ctx = copy,
        .mode = child ? IN_CHILD : IN_THREAD,
        .blocking = plugin_run,
    };
}

/* Those of an older header of this version are shorter. */
static bool add_all(struct plugins *plugins, const struct jobs_plugin *plugin, const char *file,
                    char *why, size_t why_size)
{
    const char *at = (const char *)plugin->workers;
    for (size_t i = 0; i < plugin->worker_count; ++i, at += plugin->worker_size) {
        struct jobs_plugin_worker worker = {0};
        memcpy(&worker, at,
               plugin->worker_size < sizeof worker ? plugin->worker_size : sizeof worker);
        const char *wrong = worker_wrong(plugins, &worker);
        const char *other = wrong ? NULL : file_of(plugins, worker.name);
        if (wrong)
            snprintf(why, why_size, "%s: worker %zu (%.127s): %s", file, i + 1,
                     worker.name ? worker.name : "no name", wrong);
        else if (other)
            snprintf(why, why_size, "%s: worker %s is there already, from %s", file, worker.name,
                     other);
        if (wrong || other)
            return false;
        add(plugins, &worker, file);
    }
    return true;
}

static bool plugin_good(const struct jobs_plugin *plugin, const char *file, char *why,
                        size_t why_size)
{
    if (plugin->version != JOBS_PLUGIN_VERSION)
        snprintf(why, why_size,
                 "%s: is of plugin version %u, and jobd loads version %d: build it with the "
                 "jobs_plugin.h of this jobd",
                 file, plugin->version, JOBS_PLUGIN_VERSION);
    else if (!plugin->workers || plugin->worker_count == 0 ||
             plugin->worker_size < offsetof(struct jobs_plugin_worker, ctx))
        snprintf(why, why_size, "%s: has no workers", file);
    else
        return true;
    return false;
}

bool plugins_load(struct plugins *plugins, const char *file, char *why, size_t why_size)
{
    void *object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!object) {
        snprintf(why, why_size, "cannot be loaded: %s", dlerror());
        return false;
    }
    const struct jobs_plugin *plugin = dlsym(object, SYMBOL);
    if (!plugin)
        snprintf(why, why_size,
                 "%s: is no plugin: it has no symbol '%s' (JOBS_PLUGIN of jobs_plugin.h makes it)",
                 file, SYMBOL);
    if (plugin && plugin_good(plugin, file, why, why_size) &&
        add_all(plugins, plugin, file, why, why_size))
        return true;
    dlclose(object);
    return false;
}

void plugins_limit(struct plugins *plugins, int64_t timeout_ns, uint64_t memory_max)
{
    for (size_t i = 0; i < plugins->count; ++i) {
        struct worker *worker = &plugins->workers[i];
        const struct jobs_plugin_worker *own = &((const struct plugin_worker *)worker->ctx)->worker;
        worker->timeout_ns = own->timeout_ms ? own->timeout_ms * NS_PER_MS : timeout_ns;
        if (worker->mode == IN_CHILD)
            worker->memory_max = own->memory_max ? own->memory_max : memory_max;
    }
}

void plugins_init(struct plugins *plugins, struct heap *heap)
{
    *plugins = (struct plugins){.heap = heap};
}
