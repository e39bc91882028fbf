/* test_queues.c: what wakes queues, what is said of them while they run, and two systems in one program. cNN: the number in the
 * conformance list of job systems. */
#include "sut/jobs/test/rig.h"
#include "sut/jobs/unique.h"

#define assert_state(rig, id, expected)                                                            \
    cr_assert_str_eq(job_state_word(state_of(rig, id)), expected)

/* ---- inserts ---- */

struct order {
    struct rig *rig;
    const struct job_spec *specs;
    size_t count;
};

static void order_main(struct proc *self, void *arg)
{
    const struct order *order = arg;
    uint64_t ids[8];
    cr_assert_eq(jobs_insert(self, order->rig->jobs, order->specs, order->count, NULL, ids, NULL),
                 0);
}

/* How many claims that made. */
static unsigned claims_after(struct rig *rig, const struct job_spec *specs, size_t count)
{
    struct order order = {rig, specs, count};
    unsigned before = rig->asked[STORE_CLAIM];
    proc_spawn(rig->runtime,
               &(struct proc_spec){
                   .label = "in", .main = order_main, .arg = &order, .arg_size = sizeof order});
    rig_advance(rig, 20 * MS);
    return rig->asked[STORE_CLAIM] - before;
}

Test(wake, c2_of_its_queue_by_an_insert_that_can_run_and_by_no_other)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = 1000 * S});
    const struct job_spec now = {.worker = "ok"}, later = {.worker = "ok", .delay_ms = 5000};
    const struct job_spec elsewhere = {.worker = "ok", .queue = "of another node"};
    rig_advance(rig, S);
    cr_assert_eq(claims_after(rig, &now, 1), 1);
    assert_state(rig, 1, "completed");
    cr_assert_eq(claims_after(rig, &later, 1), 0);
    cr_assert_eq(claims_after(rig, &elsewhere, 1), 0);
    rig_free(rig);
}

Test(wake, c3_of_each_queue_once_by_many_inserts)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = 1000 * S});
    const struct job_spec specs[] = {
        {.worker = "ok"}, {.worker = "ok", .queue = "mail"}, {.worker = "ok"}};
    rig_advance(rig, S);
    cr_assert_eq(claims_after(rig, specs, 3), 2);
    for (uint64_t id = 1; id <= 3; ++id)
        assert_state(rig, id, "completed");
    rig_free(rig);
}

/* ---- as many as there are ---- */

struct stream {
    struct rig *rig;
    unsigned asked, count;
    uint64_t inserted;
    char args[32];
};

static bool stream_next(void *ctx, struct job_spec *ret_spec)
{
    static const struct job_unique unique = {.period_ms = JOB_UNIQUE_FOREVER};
    struct stream *stream = ctx;
    if (stream->asked == stream->count)
        return false;
    snprintf(stream->args, sizeof stream->args, "{\"n\":%u}", stream->asked++ / 2 * 2);
    *ret_spec = (struct job_spec){.worker = "ok", .args = stream->args, .unique = &unique};
    return true;
}

static void stream_main(struct proc *self, void *arg)
{
    struct stream *stream = *(struct stream **)arg;
    int err = jobs_insert_from(self, stream->rig->jobs, stream_next, stream, &stream->inserted);
    cr_assert_eq(err, stream->rig->result);
}

static unsigned stream_insert(struct stream *stream)
{
    unsigned before = stream->rig->asked[STORE_INSERT];
    proc_spawn(stream->rig->runtime,
               &(struct proc_spec){
                   .label = "in", .main = stream_main, .arg = &stream, .arg_size = sizeof stream});
    rig_advance(stream->rig, 100 * MS);
    return stream->rig->asked[STORE_INSERT] - before;
}

Test(insert, c6_of_what_comes_one_after_the_other)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S});
    struct stream none = {.rig = rig}, some = {.rig = rig, .count = 201};
    cr_assert_eq(stream_insert(&none), 0);
    cr_assert_eq(none.inserted, 0);
    cr_assert_eq(stream_insert(&some), 1);
    cr_assert_eq(some.inserted, 101, "every second one is there already");
    cr_assert_eq(rig->row_count, 101);
    cr_assert_str_eq(rig->rows[7].args, "{\"n\":14}");
    rig_free(rig);
}

Test(insert, c6_goes_in_chunks_and_stops_where_one_fails)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = 1000 * S});
    struct stream stream = {.rig = rig, .count = 3 * JOBS_CHUNK};
    rig->drop_rows = true;
    cr_assert_eq(stream_insert(&stream), 3);
    cr_assert_eq(stream.inserted, 3 * JOBS_CHUNK);
    stream.asked = 0;
    rig->mode[STORE_INSERT] = REFUSE;
    rig->result = -ECONNREFUSED;
    cr_assert_eq(stream_insert(&stream), 1);
    cr_assert_eq(stream.inserted, 0);
    cr_assert_eq(stream.asked, JOBS_CHUNK);
    rig_free(rig);
}

/* ---- what is said of a queue ---- */

/* The next look tells it. */
static void say(struct rig *rig, bool paused, int64_t local_limit)
{
    rig->rule = (struct store_queue){.name = "default",
                                     .runs = -1,
                                     .paused = paused,
                                     .local_limit = local_limit,
                                     .global_limit = -1,
                                     .part_limit = -1,
                                     .rate = -1};
    rig_advance(rig, 1500 * MS);
}

static struct queue_status status(struct rig *rig, const char *name)
{
    struct queue_status status;
    cr_assert(jobs_queue_check(rig->jobs, name, &status));
    return status;
}

Test(rules, c62_c63_a_paused_queue_starts_nothing_and_the_others_go_on)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S});
    say(rig, true, -1);
    cr_assert(status(rig, "default").paused);
    cr_assert_not(status(rig, "mail").paused);
    uint64_t held = rig_insert(rig, "ok", "{}", 0);
    uint64_t mail = row_insert(rig, &(struct job_spec){.worker = "ok", .queue = "mail"});
    rig_advance(rig, 10 * S);
    assert_state(rig, held, "available");
    assert_state(rig, mail, "completed");
    cr_assert_eq(events(rig, "queue/limit/change", 0, "queue=default limit=4 paused=1"), 1);
    say(rig, false, -1);
    assert_state(rig, held, "completed");
    rig_free(rig);
}

Test(rules, c62_a_pause_leaves_what_runs_alone)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S});
    uint64_t runs = rig_insert(rig, "sleep", "4000", 0);
    rig_advance(rig, 2 * S);
    say(rig, true, -1);
    rig_advance(rig, 5 * S);
    assert_state(rig, runs, "completed");
    rig_free(rig);
}

Test(rules, c64_a_limit_goes_up_and_down)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S, .limit = 2});
    for (unsigned i = 0; i < 12; ++i)
        rig_insert(rig, "sleep", "60000", 0);
    rig_advance(rig, 2 * S);
    cr_assert_eq(status(rig, "default").running, 2);
    say(rig, false, 5);
    cr_assert_eq(status(rig, "default").limit, 5);
    cr_assert_eq(status(rig, "default").running, 5);
    say(rig, false, 1);
    cr_assert_eq(status(rig, "default").running, 5, "none of them is stopped");
    rig_advance(rig, 56 * S); /* the first two have ended */
    cr_assert_eq(status(rig, "default").running, 3);
    rig_advance(rig, 10 * S);
    cr_assert_eq(status(rig, "default").running, 1);
    rig->rule.name = NULL;
    rig_advance(rig, 1500 * MS);
    cr_assert_eq(status(rig, "default").running, 2, "as it is configured");
    rig_free(rig);
}

Test(check, c66_shows_what_a_queue_is_doing)
{
    struct rig *rig = rig_new((struct rig_options){.limit = 3});
    uint64_t first = rig_insert(rig, "sleep", "60000", 0);
    rig_advance(rig, 2 * S);
    uint64_t second = rig_insert(rig, "sleep", "60000", 0), ids[3] = {0};
    rig_advance(rig, 2 * S);
    struct queue_status now = status(rig, "default");
    cr_assert_str_eq(now.name, "default");
    cr_assert_eq(now.limit, 3);
    cr_assert_eq(now.running, 2);
    cr_assert_not(now.paused);
    cr_assert_eq(jobs_queue_running(rig->jobs, "default", ids, 3), 2);
    cr_assert(ids[0] == first && ids[1] == second && ids[2] == 0);
    cr_assert_eq(jobs_queue_running(rig->jobs, "default", ids + 2, 1), 2);
    cr_assert_eq(ids[2], first);
    cr_assert_not(jobs_queue_check(rig->jobs, "nobody's", &now));
    cr_assert_eq(jobs_queue_running(rig->jobs, "nobody's", ids, 3), 0);
    rig_free(rig);
}

/* ---- two systems in one program ---- */

static struct jobs *second_start(struct rig *rig, const char *queue)
{
    char why[100] = "";
    const struct queue_config config = {queue, 3};
    struct jobs *jobs = jobs_start(rig->runtime,
                                   &(struct jobs_config){.store = &rig->store,
                                                         .queues = &config,
                                                         .queue_count = 1,
                                                         .workers = workers_new(rig),
                                                         .worker_count = WORKERS},
                                   why, sizeof why);
    cr_assert(jobs, "%s", why);
    return jobs;
}

Test(systems, c70_two_of_them_do_not_disturb_each_other)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S});
    struct jobs *second = second_start(rig, "other");
    const struct job_spec spec = {.worker = "sleep", .args = "1000", .queue = "other"};
    uint64_t ours = rig_insert(rig, "ok", "{}", 0), theirs = row_insert(rig, &spec);
    rig_advance(rig, 4 * S);
    assert_state(rig, ours, "completed");
    assert_state(rig, theirs, "completed");
    jobs_drain(second, rig_drained, rig);
    rig_advance(rig, S);
    cr_assert_eq(rig->drained, 1);
    ours = rig_insert(rig, "ok", "{}", 0), theirs = row_insert(rig, &spec);
    rig_advance(rig, 4 * S);
    assert_state(rig, ours, "completed");
    assert_state(rig, theirs, "available");
    rig_free(rig);
}

Test(systems, c70_two_with_the_same_queue_are_two_nodes)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S, .limit = 2});
    second_start(rig, "default");
    for (unsigned i = 0; i < 20; ++i)
        rig_insert(rig, "sleep", "300", 0);
    rig_advance(rig, 20 * S);
    for (uint64_t id = 1; id <= 20; ++id)
        assert_state(rig, id, "completed");
    cr_assert_eq(rig->performed, 20);
    cr_assert_gt(rig->live_max, 2);
    cr_assert_leq(rig->live_max, 2 + 3);
    rig_free(rig);
}

/* Nobody tells it of the others' jobs, and nobody leads. */
Test(systems, c72_a_node_alone_finds_all_there_is_by_itself)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S, .lease_ms = 3000});
    rig_advance(rig, 5 * S);
    cr_assert_not(jobs_leads(rig->jobs));
    uint64_t ready = rig_insert(rig, "ok", "{}", 0), dead = rig_insert(rig, "ok", "{}", 0);
    uint64_t due = row_insert(rig, &(struct job_spec){.worker = "ok", .delay_ms = 3000});
    rig->rows[dead - 1].job.state = JOB_EXECUTING; /* of a node that is no more */
    rig->rows[dead - 1].job.lease = 1;
    rig->rows[dead - 1].until_ms = db_now_ms(rig) + 4000;
    rig_advance(rig, 1300 * MS);
    assert_state(rig, ready, "completed");
    assert_state(rig, due, "scheduled");
    assert_state(rig, dead, "executing");
    rig_advance(rig, 5 * S);
    assert_state(rig, due, "completed");
    assert_state(rig, dead, "completed");
    rig_free(rig);
}

/* ---- ends of job processes ---- */

static struct job_outcome work_killed(struct proc *self, const struct job *job, void *ctx)
{
    (void)ctx, (void)job;
    proc_signal(proc_runtime(self), 0, proc_self(self), reason_make(EXIT_KILL, "%s", ""));
    proc_sleep(self, S);
    return job_outcome_make(JOB_OK, "%s", "");
}

static void helper_main(struct proc *self, void *arg)
{
    (void)arg;
    proc_exit(self, reason_make(EXIT_ERROR, "a helper fell"));
}

static struct job_outcome work_with_helper(struct proc *self, const struct job *job, void *ctx)
{
    (void)ctx, (void)job;
    proc_spawn(
        proc_runtime(self),
        &(struct proc_spec){.label = "helper", .main = helper_main, .link = proc_self(self)});
    proc_sleep(self, S);
    return job_outcome_make(JOB_OK, "%s", "");
}

static void ends_with(job_perform *work, const char *error)
{
    struct rig *rig = rig_new((struct rig_options){.fallback = work});
    uint64_t id = rig_insert(rig, "unknown", "{}", 0), other = rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, 3 * S);
    assert_state(rig, id, "retryable");
    cr_assert_str_eq(row_of(rig, id)->error, error);
    cr_assert_eq(row_of(rig, id)->errors, 1);
    assert_state(rig, other, "completed");
    cr_assert_eq(events(rig, "queue/process/start", 0, "queue=default"), 1);
    rig_free(rig);
}

Test(outcome, c42_who_is_killed_or_taken_along_has_failed_once)
{
    ends_with(work_killed, "crashed: killed");
    ends_with(work_with_helper, "crashed: a helper fell");
}
