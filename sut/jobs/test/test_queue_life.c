/* Queues that begin, end and change while the node runs: because somebody said so, anywhere, or by another configuration. */
#include "sut/jobs/test/rig.h"

#define assert_state(rig, id, word) cr_assert_str_eq(job_state_word(state_of((rig), (id))), (word))

static struct rig *rig_with(const struct store_queue *rules, size_t count)
{
    struct rig *rig = rig_new((struct rig_options){0});
    for (size_t i = 0; i < count; ++i)
        rig->rules[rig->rule_count++] = rules[i];
    rig_advance(rig, 2 * S);
    return rig;
}

static struct store_queue rule(const char *name, const char *node, int runs)
{
    return (struct store_queue){.name = name,
                                .node = node,
                                .runs = runs,
                                .local_limit = -1,
                                .global_limit = -1,
                                .part_limit = -1,
                                .rate = -1};
}

static uint64_t insert_into(struct rig *rig, const char *queue, const char *worker,
                            const char *args)
{
    return row_insert(rig, &(struct job_spec){.queue = queue, .worker = worker, .args = args});
}

static bool runs(const struct rig *rig, const char *queue, struct queue_status *ret_status)
{
    return jobs_queue_check(rig->jobs, queue, ret_status);
}

Test(queues, c65_one_that_nobody_configured_is_started_and_its_jobs_run)
{
    struct queue_status status;
    struct rig *rig = rig_with(NULL, 0);
    uint64_t id = insert_into(rig, "extra", "ok", "{}");
    rig_advance(rig, 3 * S);
    assert_state(rig, id, "available");
    cr_assert_not(runs(rig, "extra", &status));
    rig->rules[rig->rule_count++] = rule("extra", "", 1);
    rig_advance(rig, 3 * S);
    assert_state(rig, id, "completed");
    cr_assert(runs(rig, "extra", &status));
    cr_assert_eq(status.limit, QUEUE_LIMIT_STARTED);
    cr_assert_eq(events(rig, "queue/process/start", 0, "queue=extra"), 1);
    rig_advance(rig, 30 * S);
    cr_assert_eq(events(rig, "queue/process/start", 0, "queue=extra"), 1, "once is enough");
    rig_free(rig);
}

Test(queues, c65_one_that_is_stopped_lets_what_runs_end_and_is_gone)
{
    struct queue_status status;
    struct rig *rig = rig_with(NULL, 0);
    uint64_t running = insert_into(rig, "mail", "sleep", "5000");
    rig_advance(rig, 2 * S);
    rig->rules[rig->rule_count++] = rule("mail", "", 0);
    uint64_t later = insert_into(rig, "mail", "ok", "{}");
    rig_advance(rig, 2 * S);
    cr_assert(runs(rig, "mail", &status), "its job runs");
    cr_assert_eq(status.running, 1);
    rig_advance(rig, 4 * S);
    assert_state(rig, running, "completed");
    assert_state(rig, later, "available");
    cr_assert_not(runs(rig, "mail", &status));
    cr_assert_eq(events(rig, "queue/process/stop", 0, "queue=mail"), 1);
    rig->rules[0].runs = 1;
    rig_advance(rig, 3 * S);
    assert_state(rig, later, "completed");
    cr_assert_eq(events(rig, "queue/process/start", 0, "queue=mail"), 2);
    cr_assert_eq(rig->gave_up, 0);
    rig_free(rig);
}

Test(queues, that_are_stopped_and_started_many_times_are_no_failure)
{
    struct rig *rig = rig_with((const struct store_queue[]){rule("mail", "", 1)}, 1);
    for (int i = 0; i < 60; ++i) {
        rig->rules[0].runs = i % 2;
        rig_advance(rig, 1500 * MS);
    }
    uint64_t id = insert_into(rig, "mail", "ok", "{}");
    rig_advance(rig, 2 * S);
    assert_state(rig, id, "completed");
    cr_assert_eq(rig->gave_up, 0);
    rig_free(rig);
}

Test(queues, c62_c64_c65_of_another_node_are_none_of_our_business)
{
    struct store_queue scaled = rule("mail", "n2", 0);
    scaled.local_limit = 7;
    scaled.paused = true;
    struct rig *rig = rig_with((const struct store_queue[]){scaled, rule("extra", "n2", 1)}, 2);
    struct queue_status status;
    cr_assert(runs(rig, "mail", &status));
    cr_assert_eq(status.limit, 2);
    cr_assert_not(status.paused);
    cr_assert_not(runs(rig, "extra", &status));
    cr_assert_str_eq(jobs_node(rig->jobs), "n1");
    rig->rules[0].node = rig->rules[1].node = "n1";
    rig->rules[0].runs = -1;
    rig_advance(rig, 2 * S);
    cr_assert(runs(rig, "extra", &status));
    cr_assert(runs(rig, "mail", &status));
    cr_assert_eq(status.limit, 7);
    cr_assert(status.paused);
    rig_free(rig);
}

Test(queues, that_die_while_they_are_stopped_start_once_they_are_started)
{
    struct rig *rig = rig_with(NULL, 0);
    rig->rules[rig->rule_count++] = rule("default", "", 0);
    queue_kill(rig);
    rig_advance(rig, 3 * S);
    uint64_t id = rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, 3 * S);
    assert_state(rig, id, "available");
    rig->rules[0].runs = 1;
    rig_advance(rig, 3 * S);
    assert_state(rig, id, "completed");
    rig_free(rig);
}

Test(queues, c69_a_drain_ends_with_queues_that_were_started_or_stopped)
{
    struct rig *rig =
        rig_with((const struct store_queue[]){rule("extra", "", 1), rule("mail", "", 0)}, 2);
    uint64_t id = insert_into(rig, "extra", "sleep", "1000");
    rig_advance(rig, 900 * MS);
    jobs_drain(rig->jobs, rig_drained, rig);
    rig_advance(rig, 3 * S);
    cr_assert_eq(rig->drained, 1);
    cr_assert_eq(rig->left, 0);
    assert_state(rig, id, "completed");
    rig_free(rig);
}

static void speaker(struct proc *self, void *arg)
{
    struct rig *rig = arg;
    struct store_queue started = rule("extra", NULL, 1);
    started.local_limit = 3;
    cr_assert_eq(jobs_queues_set(self, rig->jobs, &started, 1, QUEUE_RUNS | QUEUE_LOCAL), 0);
}

Test(queues, c65_started_from_here_runs_at_once)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = 100 * S});
    struct queue_status status;
    rig_advance(rig, 3 * S);
    proc_spawn(rig->runtime, &(struct proc_spec){.label = "say", .main = speaker, .arg = rig});
    rig_advance(rig, 3 * S); /* far less than a poll */
    cr_assert(runs(rig, "extra", &status));
    cr_assert_eq(status.limit, 3);
    cr_assert_eq(events(rig, "queue/process/start", 0, "queue=extra"), 1);
    rig_free(rig);
}

/* ---- another configuration ---- */

static bool reload(struct rig *rig, const struct queue_config *queues, size_t count,
                   const struct cron_config *cron, char why[static 500])
{
    return jobs_reload(rig->jobs,
                       &(struct jobs_config){.store = &rig->store,
                                             .queues = queues,
                                             .queue_count = count,
                                             .workers = rig->jobs->workers,
                                             .worker_count = rig->jobs->worker_count,
                                             .poll_ns = 500 * MS,
                                             .cron = cron},
                       why, 500);
}

Test(reload, begins_ends_and_scales_queues)
{
    struct rig *rig = rig_with(NULL, 0);
    struct queue_status status;
    char why[500] = "";
    const struct queue_config queues[] = {{"default", 9}, {"new", 1}};
    uint64_t waits = insert_into(rig, "new", "ok", "{}"),
             running = insert_into(rig, "mail", "sleep", "4000");
    rig_advance(rig, 2 * S);
    cr_assert(reload(rig, queues, 2, NULL, why), "%s", why);
    rig_advance(rig, S);
    assert_state(rig, waits, "completed");
    cr_assert(runs(rig, "default", &status) && status.limit == 9);
    cr_assert(runs(rig, "mail", &status), "what runs may end");
    rig_advance(rig, 4 * S);
    assert_state(rig, running, "completed");
    cr_assert_not(runs(rig, "mail", &status));
    rig_free(rig);
}

Test(reload, begins_and_ends_to_remove_what_is_over)
{
    struct rig *rig = rig_new((struct rig_options){.prune_ns = 20 * S});
    const struct queue_config queues[] = {{"default", 4}};
    struct jobs_config config = {.store = &rig->store,
                                 .queues = queues,
                                 .queue_count = 1,
                                 .workers = rig->jobs->workers,
                                 .worker_count = rig->jobs->worker_count,
                                 .keep = {.completed_ms = 5000}};
    char why[500] = "";
    rig_advance(rig, 100 * S);
    cr_assert_eq(rig->prunes, 0);
    cr_assert(jobs_reload(rig->jobs, &config, why, sizeof why), "%s", why);
    rig_advance(rig, 100 * S);
    size_t prunes = rig->prunes;
    cr_assert_geq(prunes, 3);
    cr_assert_eq(rig->pruned.completed_ms, 5000);
    config.keep = (struct job_keep){0};
    cr_assert(jobs_reload(rig->jobs, &config, why, sizeof why), "%s", why);
    rig_advance(rig, 100 * S);
    cr_assert_eq(rig->prunes, prunes);
    config.keep.discarded_ms = 7000;
    cr_assert(jobs_reload(rig->jobs, &config, why, sizeof why), "%s", why);
    rig_advance(rig, 100 * S);
    cr_assert_gt(rig->prunes, prunes);
    rig_free(rig);
}

Test(reload, of_what_is_wrong_changes_nothing)
{
    struct rig *rig = rig_with(NULL, 0);
    struct queue_status status;
    char why[500] = "";
    const struct queue_config queues[] = {{"default", 9}, {"bad", 0}};
    const struct cron_entry entry = {.name = "e", .expression = "* * * * *", .worker = "ok"};
    const struct cron_config cron = {.entries = &entry, .entry_count = 1};
    cr_assert_not(reload(rig, queues, 2, NULL, why));
    cr_assert(strstr(why, "limit must be between"), "%s", why);
    cr_assert_not(reload(rig, queues, 1, &cron, why));
    cr_assert(strstr(why, "started without"), "%s", why);
    cr_assert(runs(rig, "default", &status) && status.limit == 4);
    cr_assert_eq(rig->jobs->poll_ns, S);
    rig_free(rig);
}

Test(reload, gives_way_to_what_is_said_of_a_queue)
{
    struct store_queue scaled = rule("default", "", -1);
    scaled.local_limit = 2;
    struct rig *rig = rig_with((const struct store_queue[]){scaled, rule("new", "", 0)}, 2);
    struct queue_status status;
    char why[500] = "";
    const struct queue_config queues[] = {{"default", 9}, {"new", 1}};
    cr_assert(reload(rig, queues, 2, NULL, why), "%s", why);
    rig_advance(rig, 2 * S);
    cr_assert(runs(rig, "default", &status) && status.limit == 2);
    cr_assert_not(runs(rig, "new", &status));
    rig_free(rig);
}

Test(reload, puts_cron_entries_anew)
{
    const struct cron_entry entries[] = {{.name = "a", .expression = "0 0 1 1 *", .worker = "ok"},
                                         {.name = "b", .expression = "0 0 1 1 *", .worker = "ok"}};
    const struct cron_config one = {.entries = entries, .entry_count = 1},
                             two = {.entries = entries, .entry_count = 2};
    const struct queue_config queues[] = {{"default", 4}};
    struct rig *rig = rig_new((struct rig_options){.cron = &one});
    char why[500] = "";
    rig_advance(rig, 2 * S);
    cr_assert_eq(rig->entries_put, 1);
    cr_assert(reload(rig, queues, 1, &two, why), "%s", why);
    rig_advance(rig, S);
    cr_assert_eq(rig->entries_put, 2);
    rig_free(rig);
}

Test(reload, moves_while_the_store_answers_and_while_it_does_not)
{
    struct rig *rig = rig_with(NULL, 0);
    rig_advance(rig, 10 * S);
    cr_assert_geq(jobs_moved_ns(rig->jobs), rig->now_ns - 2 * S);
    rig->mode[STORE_STAGE] = HANG;
    rig_advance(rig, 60 * S);
    cr_assert_geq(jobs_moved_ns(rig->jobs), rig->now_ns - 12 * S);
    rig_free(rig);
}
