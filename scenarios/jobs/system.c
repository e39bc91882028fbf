/* The job system as the world sees it: set up, watched, audited, taken down. */
#include "scenarios/jobs/adapter.h"
#include "scenarios/jobs/jobs_system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_EVERY_NS INT64_C(600000000000) /* of a disk that has lied */

POINT_ABOUT("audit/database/damage", "a disk has lied, and the database's own check noticed");
POINT_ABOUT("audit/job/result", "the result that is kept of a job: of which lease");
POINT_ABOUT("audit/job/row", "a job as clients see it at the end of the run");

static const struct queue_config default_queue = {.name = "default", .limit = 10};

static void choose_queues(struct adapter *adapter)
{
    const struct param *param = &adapter->scenario->params[W_QUEUES];
    struct tape *tape = world_tape(adapter->world);
    adapter->queue_count = param->entry_count ? param->entry_count : 1;
    adapter->queues = calloc(adapter->queue_count, sizeof *adapter->queues);
    if (!adapter->queues)
        abort();
    adapter->queues[0] = default_queue;
    for (size_t i = 0; i < param->entry_count; i++) {
        struct range limit = param->entries[i].value;
        adapter->queues[i].name = param->entries[i].name;
        adapter->queues[i].limit =
            (unsigned)(limit.lo == limit.hi ? limit.lo
                                            : tape_draw_between(tape, limit.lo, limit.hi));
    }
}

static void make_keys(struct adapter *adapter)
{
    static const char a[] = "a c2VlIGhvdyB0aGV5IHJ1biwgbG9vayBob3cgdGhleSE=",
                      b[] = "b dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIDE=";
    char why[100], text[120];
    for (int i = 0; i < 2; ++i) {
        snprintf(text, sizeof text, "%s,%s", i ? b : a, i ? a : b);
        if (!key_ring_read(&adapter->keys[i], text, why, sizeof why))
            abort();
    }
}

static void choose_workers(struct adapter *adapter)
{
    int64_t timeout_ns = draws_fixed(&adapter->draws, W_TIMEOUT);
    adapter->workers[0] = (struct worker){
        .name = "work", .perform = work_perform, .ctx = adapter, .timeout_ns = timeout_ns};
    adapter->workers[1] = (struct worker){.name = "block",
                                          .mode = IN_THREAD,
                                          .blocking = work_block,
                                          .ctx = adapter,
                                          .timeout_ns = timeout_ns};
}

static void build_nodes(struct adapter *adapter)
{
    adapter->apps = calloc(adapter->app_count, sizeof *adapter->apps);
    if (!adapter->apps)
        abort();
    for (unsigned i = 0; i < adapter->app_count; i++)
        app_init(&adapter->apps[i], adapter, i);
    database_init(&adapter->database, adapter);
    upstream_init(&adapter->upstream, adapter);
    for (unsigned i = 0; i < adapter->app_count; i++) /* each call has a connection of its own */
        world_link_kind(adapter->world, adapter->apps[i].host.node, adapter->upstream.node,
                        LINK_DATAGRAM);
}

static void boot_nodes(struct adapter *adapter)
{
    node_boot(adapter->upstream.node);
    if (adapter->database.node)
        node_boot(adapter->database.node);
    for (unsigned i = 0; i < adapter->app_count; i++)
        node_boot(adapter->apps[i].host.node);
}

static void *jobs_setup(struct world *world, const struct scenario *scenario)
{
    struct adapter *adapter = calloc(1, sizeof *adapter);
    if (!adapter)
        abort();
    adapter->world = world;
    adapter->scenario = scenario;
    adapter->draws = (struct draws){world, scenario};
    adapter->start_ns = world_now(world);
    adapter->app_count = draws_nodes(&adapter->draws);
    choose_workers(adapter);
    make_keys(adapter);
    adapter->listened = draws_percent(&adapter->draws, W_LISTENERS);
    trace_listen(world_trace(world), ledger_event, &adapter->ledger);
    cron_choose(adapter);
    choose_queues(adapter);
    workload_draw(adapter);
    admin_draw(adapter);
    build_nodes(adapter);
    boot_nodes(adapter);
    return adapter;
}

static bool jobs_settled(void *ctx)
{
    struct adapter *adapter = ctx;
    return adapter->workload.open == 0 && !adapter->admin.open &&
           ledger_open(&adapter->ledger) == 0;
}

/* ---- what is really in the database, after healing ---- */

static void sync_row(void *ctx, const struct job *job)
{
    struct ledger *fresh = ctx;
    ledger_set(fresh, job->id, (int)job->state);
}

/* Rows that a power loss took are not waited for: whether they may be gone is for the properties to say. */
static void ledger_sync(struct adapter *adapter)
{
    struct ledger fresh = {0};
    if (!database_rows(&adapter->database, sync_row, &fresh)) {
        ledger_done(&fresh);
        return;
    }
    ledger_done(&adapter->ledger);
    adapter->ledger = fresh;
}

/* Nobody can drain what a lying disk has destroyed: what must be is that the damage is noticed. */
static bool is_destroyed(struct adapter *adapter)
{
    int64_t now = world_now(adapter->world);
    bool rests = adapter->checked_ns > 0 && now < adapter->checked_ns + CHECK_EVERY_NS;
    if (!disk_has_lied(adapter->database.disk) || rests)
        return adapter->destroyed;
    adapter->checked_ns = now;
    adapter->ledger.doubtful = true; /* what was committed may be gone without a word */
    if (!adapter->destroyed && database_damaged(&adapter->database)) {
        adapter->destroyed = true;
        TRACE(world_site(adapter->world), "audit/database/damage",
              T_STR("disk", disk_name(adapter->database.disk)));
    }
    return adapter->destroyed;
}

static bool jobs_pending(void *ctx, char *text, size_t size)
{
    struct adapter *adapter = ctx;
    if (is_destroyed(adapter))
        return false;
    if (adapter->ledger.doubtful)
        ledger_sync(adapter);
    if (adapter->workload.open > 0) {
        snprintf(text, size, "%zu jobs not asked for yet", adapter->workload.open);
        return true;
    }
    if (adapter->admin.open) {
        snprintf(text, size, "what was said of queues is not taken back yet");
        return true;
    }
    return cron_pending(adapter, text, size) || ledger_text(&adapter->ledger, text, size);
}

/* As worker.c leaves it. */
static uint64_t lease_of_result(const char *result)
{
    static const char prefix[] = "{\"lease\":";
    size_t length = sizeof prefix - 1;
    return strncmp(result, prefix, length) == 0 ? strtoull(result + length, NULL, 10) : 0;
}

static void audit_row(void *ctx, const struct job *job)
{
    struct adapter *adapter = ctx;
    if (strcmp(job->args, CRON_ARGS) == 0)
        return; /* no client asked for it */
    TRACE(world_site(adapter->world), "audit/job/row", T_U64("job", job->id),
          T_U64("key", key_of_kept(adapter, job->args)), T_STR("state", job_state_word(job->state)),
          T_U64("attempt", job->attempt), T_U64("max", job->max_attempts));
    if (*job->result)
        TRACE(world_site(adapter->world), "audit/job/result", T_U64("job", job->id),
              T_U64("lease", lease_of_result(job->result)));
}

static void jobs_audit(void *ctx)
{
    struct adapter *adapter = ctx;
    database_rows(&adapter->database, audit_row, adapter);
}

static void jobs_teardown(void *ctx)
{
    struct adapter *adapter = ctx;
    database_done(&adapter->database);
    upstream_done(&adapter->upstream);
    workload_done(&adapter->workload);
    admin_done(&adapter->admin);
    ledger_done(&adapter->ledger);
    free(adapter->queues);
    free(adapter->apps);
    free(adapter);
}

static uint64_t jobs_went_wrong(void *ctx, size_t param)
{
    const struct adapter *adapter = ctx;
    return upstream_went_wrong(&adapter->upstream, param);
}

const struct system jobs_system = {.name = "jobs",
                                   .about = "the job system of this project",
                                   .params = workload_params,
                                   .param_count = W_COUNT,
                                   .setup = jobs_setup,
                                   .settled = jobs_settled,
                                   .pending = jobs_pending,
                                   .audit = jobs_audit,
                                   .teardown = jobs_teardown,
                                   .went_wrong = jobs_went_wrong,
                                   .leaves_nothing = true};
