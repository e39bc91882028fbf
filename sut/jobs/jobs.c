/* jobs.c: starting the job system of a node, and inserting into it. What it keeps is in the node's
 * heap and goes with the node; everything that must survive is in the store. */
#include "sut/jobs/internal.h"
#include "sut/jobs/unique.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LEASE_MS_DEFAULT INT64_C(12000) /* what a dead node left is started again within 15 s */
#define POLL_NS_DEFAULT  NS_PER_S
#define GRACE_NS_DEFAULT (15 * NS_PER_S)
#define RESTARTS_DEFAULT 20
#define CRASHES_DEFAULT  3
#define PERIOD_S         60
#define PRUNE_NS_DEFAULT (60 * NS_PER_S)
#define HOUSEKEEPERS_MAX 6

/* ---- configuration ---- */

static const char *queue_wrong(const struct queue_config *queue)
{
    if (!queue->name || !queue->name[0] || strlen(queue->name) > JOB_QUEUE_MAX)
        return "a queue's name must have 1 to 127 bytes";
    if (queue->limit == 0 || queue->limit > QUEUE_LIMIT_MAX)
        return "a queue's limit must be between 1 and 100000";
    return NULL;
}

static const char *worker_wrong(const struct worker *worker)
{
    if (!worker->name || !worker->name[0])
        return "a worker needs a name";
    if (worker->mode == IN_FIBER && !worker->perform)
        return "a worker in a fiber needs its function: perform";
    if (worker->mode != IN_FIBER && !worker->blocking)
        return "a worker in a thread or a child process needs its function: blocking";
    if (worker->memory_max && worker->mode != IN_CHILD)
        return "only a worker in a child process can have a limit of memory";
    return worker->timeout_ns < 0 ? "a worker's time limit must not be negative" : NULL;
}

/* Can this environment run it? */
static const char *worker_impossible(const struct env *env, const struct worker *worker)
{
    if (outside_possible(env, worker->mode))
        return NULL;
    return worker->mode == IN_THREAD
               ? "a worker wants to run in a thread, but this environment has none for jobs"
               : "a worker wants to run in a child process, but nobody has made that possible "
                 "(isolation_start)";
}

const char *jobs_config_wrong(const struct env *env, const struct jobs_config *config, char *why,
                              size_t why_size)
{
    const char *wrong = NULL;
    if (!config->store)
        return "there is no store";
    if (config->lease_ms < 0 || config->poll_ns < 0 || config->grace_ns < 0 ||
        config->fallback_timeout_ns < 0 || config->fallback_patience_ns < 0 ||
        config->prune_ns < 0 || config->keep.completed_ms < 0 || config->keep.cancelled_ms < 0 ||
        config->keep.discarded_ms < 0)
        return "times must not be negative";
    if (config->node && (!config->node[0] || strlen(config->node) > QUEUE_NODE_MAX))
        return "a node's name must have 1 to 64 bytes";
    for (size_t i = 0; !wrong && i < config->queue_count; ++i)
        wrong = queue_wrong(&config->queues[i]);
    for (size_t i = 0; !wrong && i < config->worker_count; ++i)
        wrong = worker_wrong(&config->workers[i]);
    for (size_t i = 0; !wrong && i < config->worker_count; ++i)
        wrong = worker_impossible(env, &config->workers[i]);
    if (!wrong && config->cron)
        wrong = cron_wrong(config, why, why_size);
    return wrong;
}

static int64_t value_or(int64_t value, int64_t fallback)
{
    return value ? value : fallback;
}

static void queues_copy(struct jobs *jobs, const struct jobs_config *config)
{
    for (size_t i = 0; i < config->queue_count; ++i)
        queue_new(jobs, config->queues[i].name, config->queues[i].limit);
}

void jobs_settings(struct jobs *jobs, const struct jobs_config *config)
{
    jobs->poll_ns = value_or(config->poll_ns, POLL_NS_DEFAULT);
    jobs->grace_ns = value_or(config->grace_ns, GRACE_NS_DEFAULT);
    jobs->keep = config->keep;
    jobs->crash_limit = config->crash_limit == JOBS_NEVER ? 0
                        : config->crash_limit             ? config->crash_limit
                                                          : CRASHES_DEFAULT;
}

static struct jobs *jobs_new(struct runtime *runtime, const struct jobs_config *config)
{
    struct env *env = runtime_env(runtime);
    struct jobs *jobs = heap_alloc(env->heap, sizeof *jobs);
    *jobs = (struct jobs){
        .runtime = runtime,
        .env = env,
        .store = config->store,
        .watch = config->watch,
        .workers = config->workers,
        .worker_count = config->worker_count,
        .fallback = {.perform = config->fallback,
                     .ctx = config->fallback_ctx,
                     .timeout_ns = config->fallback_timeout_ns,
                     .patience_ns = config->fallback_patience_ns},
        .lease_ms = value_or(config->lease_ms, LEASE_MS_DEFAULT),
        .restarts = config->restarts ? config->restarts : RESTARTS_DEFAULT,
        .on_giveup = config->on_giveup,
        .giveup_ctx = config->giveup_ctx,
        .prune_ns = value_or(config->prune_ns, PRUNE_NS_DEFAULT),
        .keys = config->keys,
        .telemetry = config->telemetry,
        .due_ns = INT64_MAX,
        .look_ns = INT64_MAX,
        .again_ns = INT64_MAX,
        .moved_ns = env_mono_ns(env),
    };
    jobs_settings(jobs, config);
    jobs->lease_ns = jobs->lease_ms * NS_PER_MS;
    jobs->node = heap_strdup(env->heap, config->node ? config->node : env->node_name);
    queues_copy(jobs, config);
    if (config->cron)
        cron_copy(jobs, config->cron);
    return jobs;
}

static void jobs_free(struct jobs *jobs)
{
    struct heap *heap = jobs->env->heap;
    for (struct queue *queue = jobs->queues, *next; queue; queue = next) {
        next = queue->next;
        heap_release(heap, (void *)(uintptr_t)queue->name);
        heap_release(heap, queue);
    }
    cron_free(jobs);
    heap_release(heap, (void *)(uintptr_t)jobs->node);
    heap_release(heap, jobs);
}

/* ---- the tree ---- */

struct child_spec queue_child(struct queue *queue, struct heap *heap)
{
    size_t size = strlen(queue->name) + sizeof "queue ";
    char *id = heap_alloc(heap, size);
    snprintf(id, size, "queue %s", queue->name);
    return (struct child_spec){.id = id,
                               .main = queue_main,
                               .arg = queue,
                               .restart = RESTART_TRANSIENT, /* it ends when it is stopped */
                               .shutdown_ns = queue->jobs->store->deadline_ns};
}

static struct child_spec *children_new(struct jobs *jobs, struct heap *heap, size_t *ret_count)
{
    struct child_spec *children =
        heap_alloc(heap, (jobs->queue_count + HOUSEKEEPERS_MAX) * sizeof *children);
    size_t count = 0;
    children[count++] = (struct child_spec){.id = "heartbeat", .main = heartbeat_main, .arg = jobs};
    children[count++] = (struct child_spec){.id = "stager", .main = stager_main, .arg = jobs};
    if (jobs->watch && jobs->env->ops->thread_start)
        children[count++] =
            (struct child_spec){.id = "listener", .main = listener_main, .arg = jobs};
    if (jobs->cron.on) {
        children[count++] = (struct child_spec){.id = "leader",
                                                .main = leader_main,
                                                .arg = jobs,
                                                .shutdown_ns = jobs->store->deadline_ns};
        children[count++] = (struct child_spec){.id = "cron", .main = cron_main, .arg = jobs};
    }
    if ((jobs->prunes = pruner_wanted(jobs)))
        children[count++] = pruner_child(jobs);
    for (struct queue *queue = jobs->queues; queue; queue = queue->next) {
        queue->child = true;
        children[count++] = queue_child(queue, heap);
    }
    *ret_count = count;
    return children;
}

/* Says into `why` what went wrong, if something did. */
static bool tree_start(struct jobs *jobs, char *why, size_t why_size)
{
    const struct error *error = &error_no_room;
    struct heap scratch;
    heap_init(&scratch);
    struct supervisor_spec spec = {
        .label = "jobs", .intensity = jobs->restarts, .period_s = PERIOD_S};
    spec.children = children_new(jobs, &scratch, &spec.child_count);
    jobs->keeper = proc_spawn(
        jobs->runtime, &(struct proc_spec){
                           .label = "keeper", .main = keeper_main, .arg = jobs, .trap_exit = true});
    if (jobs->keeper)
        jobs->supervisor = supervisor_start(jobs->runtime, jobs->keeper, &spec, &error);
    heap_done(&scratch);
    if (jobs->supervisor)
        return true;
    error_print(error, why, why_size);
    error_free(runtime_env(jobs->runtime)->heap, error);
    return false;
}

struct jobs *jobs_start(struct runtime *runtime, const struct jobs_config *config, char *why,
                        size_t why_size)
{
    char part[500];
    const char *wrong = jobs_config_wrong(runtime_env(runtime), config, part, sizeof part);
    if (wrong) {
        snprintf(why, why_size, "%s", wrong);
        return NULL;
    }
    struct jobs *jobs = jobs_new(runtime, config);
    if (config->telemetry)
        config->store->telemetry = config->telemetry;
    if (tree_start(jobs, why, why_size))
        return jobs;
    proc_signal(runtime, 0, jobs->keeper, reason_make(EXIT_KILL, "%s", why));
    jobs_free(jobs);
    return NULL;
}

/* ---- in operation ---- */

proc_id jobs_root(const struct jobs *jobs)
{
    return jobs->keeper;
}

void jobs_poke(struct jobs *jobs)
{
    for (struct queue *queue = jobs->queues; queue; queue = queue->next)
        queue_poke(queue);
}

void jobs_poke_queue(struct jobs *jobs, const char *name)
{
    struct queue *queue = queue_find(jobs, name);
    if (queue)
        queue_poke(queue);
}

void queues_woken(struct jobs *jobs, const struct store_reply *reply)
{
    for (size_t i = 0; i < reply->woken_count; ++i)
        jobs_poke_queue(jobs, reply->woken[i]);
}

void spec_announce(struct jobs *jobs, const struct job_spec *spec, int64_t now, int64_t now_ms)
{
    const char *name = spec->queue ? spec->queue : "default";
    enum job_state state = job_spec_state(spec, now_ms);
    if (job_state_final(state) || state == JOB_SUSPENDED)
        return;
    if (state != JOB_AVAILABLE) {
        queue_hint(jobs, name, job_spec_due_ms(spec, now_ms) - now_ms, now);
        return;
    }
    struct queue *queue = queue_find(jobs, name);
    if (queue)
        queue_poke(queue);
}

static void warn_of_uniqueness(struct jobs *jobs, const struct job_spec *specs, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        const char *odd = specs[i].unique ? job_unique_warning(specs[i].unique) : NULL;
        if (odd && (i == 0 || specs[i].unique != specs[i - 1].unique))
            env_log(jobs->env, LOG_WARN, "a job of worker %s: %s", specs[i].worker, odd);
    }
}

int jobs_insert(struct proc *self, struct jobs *jobs, const struct job_spec *specs, size_t count,
                const char *tx_sql, uint64_t *ret_ids, bool *ret_conflicts)
{
    struct sealed_specs sealed;
    struct store_call *call;
    warn_of_uniqueness(jobs, specs, count);
    int err = jobs_seal(self, jobs, specs, count, &sealed);
    if (err)
        return err;
    struct store_request request = {
        .op = STORE_INSERT, .specs = sealed.specs, .spec_count = count, .tx_sql = tx_sql};
    err = store_call(self, jobs->store, &request, &call);
    heap_free(sealed.heap);
    if (err)
        return err;
    if (count)
        memcpy(ret_ids, call->reply.ids, count * sizeof *ret_ids);
    for (size_t i = 0; ret_conflicts && i < count; ++i)
        ret_conflicts[i] = call->reply.conflicts && call->reply.conflicts[i];
    int64_t now_ms = call->reply.now_ms;
    queues_woken(jobs, &call->reply);
    store_call_free(call);
    for (size_t i = 0; i < count; ++i)
        spec_announce(jobs, &specs[i], proc_now(self), now_ms);
    return 0;
}

uint64_t jobs_stale_count(const struct jobs *jobs)
{
    return jobs->stale;
}

uint64_t jobs_overrun_count(const struct jobs *jobs, size_t *ret_now)
{
    if (ret_now)
        *ret_now = jobs->overrunning;
    return jobs->overruns;
}

const struct worker *worker_find(const struct jobs *jobs, const char *name)
{
    for (size_t i = 0; i < jobs->worker_count; ++i)
        if (strcmp(jobs->workers[i].name, name) == 0)
            return &jobs->workers[i];
    return jobs->fallback.perform ? &jobs->fallback : NULL;
}

int64_t jobs_jitter(struct env *env, int64_t ns)
{
    int64_t spread = ns / 2;
    return ns - ns / 4 + (int64_t)(env_entropy(env) % (uint64_t)(spread + 1));
}

void text_number(char out[static 32], const char *prefix, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (*prefix)
        *out++ = *prefix++;
    while (count)
        *out++ = digits[--count];
    *out = '\0';
}

void job_idempotency_key(const struct job *job, char out[static 32])
{
    text_number(out, "job-", job->id);
}
