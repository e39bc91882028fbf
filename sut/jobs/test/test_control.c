/* test_control.c: what is done to jobs by hand, and what they leave, on one node. */
#include "sut/jobs/test/rig.h"

#define assert_state(rig, id, expected)                                                            \
    cr_assert_str_eq(job_state_word(state_of(rig, id)), expected)

/* ---- a process that does one thing ---- */

struct deed {
    struct rig *rig;
    void (*run)(struct proc *self, struct rig *rig);
};

static void deed_main(struct proc *self, void *arg)
{
    struct deed *deed = arg;
    deed->run(self, deed->rig);
}

static void spawn(struct rig *rig, void (*run)(struct proc *self, struct rig *rig))
{
    struct deed deed = {rig, run};
    cr_assert(proc_spawn(rig->runtime, &(struct proc_spec){.label = "hand",
                                                           .main = deed_main,
                                                           .arg = &deed,
                                                           .arg_size = sizeof deed}));
}

/* ---- cancel ---- */

static void cancel_watched(struct proc *self, struct rig *rig)
{
    uint64_t changed = 0;
    struct job_choice which = {.ids = &rig->watched, .count = 1};
    rig->result = jobs_cancel(self, rig->jobs, &which, &changed);
    cr_assert_eq(changed, 1);
}

Test(control, c56_c57_what_runs_here_is_stopped_at_once)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = 60 * S});
    rig->watched = rig_insert(rig, "sleep", "100000", 0);
    uint64_t other = rig_insert(rig, "sleep", "100000", 0);
    jobs_poke(rig->jobs);
    rig_advance(rig, S);
    cr_assert_eq(rig->jobs->queues->running, 2);
    spawn(rig, cancel_watched);
    rig_advance(rig, 100 * MS);
    assert_state(rig, rig->watched, "cancelled");
    assert_state(rig, other, "executing");
    cr_assert_eq(rig->jobs->queues->running, 1);
    cr_assert_eq(events(rig, "job/perform/lost", rig->watched, ""), 1);
    rig_free(rig);
}

Test(control, c56_what_was_cancelled_elsewhere_is_stopped_by_the_next_look)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S});
    rig->watched = rig_insert(rig, "sleep", "100000", 0);
    uint64_t other = rig_insert(rig, "sleep", "100000", 0);
    rig_advance(rig, 2 * S);
    cr_assert_eq(rig->jobs->queues->running, 2);
    rig->cancels_elsewhere = true;
    spawn(rig, cancel_watched);
    rig_advance(rig, 1500 * MS);
    cr_assert_eq(rig->jobs->queues->running, 1);
    assert_state(rig, other, "executing");
    rig_free(rig);
}

Test(control, a_lost_renewal_does_not_lose_the_news)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S});
    rig->watched = rig_insert(rig, "sleep", "100000", 0);
    rig_advance(rig, 2 * S);
    rig->cancels_elsewhere = true;
    rig->mode[STORE_HEARTBEAT] = REFUSE;
    rig->times[STORE_HEARTBEAT] = 1;
    spawn(rig, cancel_watched);
    rig_advance(rig, 8 * S);
    cr_assert_eq(rig->jobs->queues->running, 0);
    rig_free(rig);
}

/* ---- results, and who waits for them ---- */

static struct job_outcome work_result(struct proc *self, const struct job *job, void *ctx)
{
    struct rig *rig = ctx;
    (void)job;
    proc_sleep(self, S);
    struct job_outcome outcome = job_outcome_make(JOB_OK, "%s", rig->text);
    if (strcmp(rig->text, "long") == 0) {
        char *result = proc_alloc(self, 60);
        strcpy(result, "[\"long\"]");
        outcome.result = result;
    }
    return outcome;
}

static void await_watched(struct proc *self, struct rig *rig)
{
    const struct job *job;
    rig->result = jobs_await(self, rig->jobs, rig->watched, 10 * S, &job);
    snprintf(rig->text, sizeof rig->text, "%s", rig->result ? "" : job->result);
}

static void await_result(const char *text, const char *expected)
{
    struct rig *rig = rig_new((struct rig_options){.fallback = work_result});
    snprintf(rig->text, sizeof rig->text, "%s", text);
    rig->watched = rig_insert(rig, "unknown", "{}", 0);
    rig->result = 1;
    rig_advance(rig, 500 * MS);
    spawn(rig, await_watched);
    rig_advance(rig, 300 * MS);
    cr_assert_eq(rig->result, 1, "it waits");
    rig_advance(rig, 3 * S);
    cr_assert_eq(rig->result, 0);
    cr_assert_str_eq(rig->text, expected);
    cr_assert_str_eq(row_of(rig, rig->watched)->result, expected);
    rig_free(rig);
}

Test(control, the_result_of_a_job_can_be_awaited)
{
    await_result("{\"sum\":3}", "{\"sum\":3}");
    await_result("long", "[\"long\"]");
    await_result("not JSON", "");
    await_result("", "");
}

Test(control, nobody_waits_for_ever)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S});
    rig->watched = rig_insert(rig, "sleep", "100000", 0);
    spawn(rig, await_watched);
    rig_advance(rig, 9 * S);
    cr_assert_eq(rig->result, 0);
    rig_advance(rig, 2 * S);
    cr_assert_eq(rig->result, -ETIMEDOUT);
    rig->rows[rig->watched - 1].deleted = true;
    spawn(rig, await_watched);
    rig_advance(rig, S);
    cr_assert_eq(rig->result, -ENOENT);
    rig_free(rig);
}

Test(control, a_result_too_long_is_not_kept)
{
    bool refused;
    char *text = malloc(JOB_RESULT_MAX + 2);
    memset(text, '1', JOB_RESULT_MAX + 1);
    text[JOB_RESULT_MAX + 1] = '\0';
    struct job_outcome outcome = {.kind = JOB_OK, .result = text};
    cr_assert_null(job_outcome_result(&outcome, &refused));
    cr_assert(refused);
    text[JOB_RESULT_MAX] = '\0';
    cr_assert_eq(job_outcome_result(&outcome, &refused), text);
    outcome.kind = JOB_ERROR;
    cr_assert_null(job_outcome_result(&outcome, &refused));
    free(text);
}

/* ---- progress and checkpoints ---- */

static struct job_outcome work_in_steps(struct proc *self, const struct job *job, void *ctx)
{
    struct rig *rig = ctx;
    char step[16];
    int at = atoi(job->checkpoint);
    snprintf(step, sizeof step, "%d", at + 1);
    cr_assert_eq(jobs_progress(self, rig->jobs, job, (unsigned)at * 50, "half a step"), 0);
    cr_assert_eq(jobs_checkpoint(self, rig->jobs, job, step), 0);
    return at < 2 ? job_outcome_make(JOB_SNOOZE, "%s", "") : job_outcome_make(JOB_OK, "%s", "");
}

Test(control, a_job_goes_on_where_it_was)
{
    struct rig *rig = rig_new((struct rig_options){.fallback = work_in_steps});
    uint64_t id = rig_insert(rig, "unknown", "{}", 0);
    rig_advance(rig, 10 * S);
    assert_state(rig, id, "completed");
    cr_assert_str_eq(row_of(rig, id)->checkpoint, "3");
    cr_assert_str_eq(row_of(rig, id)->note, "half a step");
    cr_assert_eq(row_of(rig, id)->job.progress, 100);
    rig_free(rig);
}

static struct job_outcome work_overtaken(struct proc *self, const struct job *job, void *ctx)
{
    struct rig *rig = ctx;
    ++rig->rows[job->id - 1].job.lease;
    rig->result = jobs_checkpoint(self, rig->jobs, job, "1");
    return job_outcome_make(JOB_OK, "%s", "");
}

Test(control, who_has_lost_its_lease_leaves_nothing)
{
    struct rig *rig = rig_new((struct rig_options){.fallback = work_overtaken});
    uint64_t id = rig_insert(rig, "unknown", "{}", 0);
    rig_advance(rig, 2 * S);
    cr_assert_eq(rig->result, -ESTALE);
    cr_assert_str_eq(row_of(rig, id)->checkpoint, "");
    rig_free(rig);
}

/* ---- updates ---- */

static bool raise_priority(const struct job *job, struct job_update *update, void *ctx)
{
    struct rig *rig = ctx;
    if (rig->performed++ == 0)
        ++rig->rows[job->id - 1].job.version; /* somebody else is faster, once */
    update->priority = job->priority + 1;
    return true;
}

static bool never_mind(const struct job *job, struct job_update *update, void *ctx)
{
    (void)job, (void)update, (void)ctx;
    return false;
}

static void update_watched(struct proc *self, struct rig *rig)
{
    rig->result = jobs_update_with(self, rig->jobs, rig->watched, raise_priority, rig);
    cr_assert_eq(jobs_update_with(self, rig->jobs, rig->watched, never_mind, rig),
                 rig->result == -ENOENT ? -ENOENT : 0);
}

Test(control, c33_an_update_sees_the_job_as_it_is)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S});
    rig->watched = row_insert(rig, &(struct job_spec){.worker = "ok", .delay_ms = 100000});
    spawn(rig, update_watched);
    rig_advance(rig, S);
    cr_assert_eq(rig->result, 0);
    cr_assert_eq(rig->performed, 2);
    cr_assert_eq(row_of(rig, rig->watched)->job.priority, 1);
    cr_assert_eq(row_of(rig, rig->watched)->job.version, 2);
    rig->rows[rig->watched - 1].deleted = true;
    spawn(rig, update_watched);
    rig_advance(rig, S);
    cr_assert_eq(rig->result, -ENOENT);
    rig_free(rig);
}

/* ---- the pruner ---- */

Test(control, c75_the_pruner_looks_from_time_to_time_until_nothing_is_left)
{
    struct job_keep keep = {1000, 2000, 3000};
    struct rig *rig = rig_new((struct rig_options){.keep = keep, .prune_ns = 20 * S});
    rig_advance(rig, 10 * S);
    cr_assert_eq(rig->prunes, 0);
    rig_advance(rig, 16 * S);
    cr_assert_eq(rig->prunes, 3);
    cr_assert_eq(rig->pruned.discarded_ms, 3000);
    rig_advance(rig, 26 * S);
    cr_assert_eq(rig->prunes, 6);
    rig_free(rig);
}

Test(control, without_a_time_nothing_is_pruned)
{
    struct rig *rig = rig_new((struct rig_options){.prune_ns = S});
    rig_advance(rig, 100 * S);
    cr_assert_eq(rig->prunes, 0);
    rig_free(rig);
}
