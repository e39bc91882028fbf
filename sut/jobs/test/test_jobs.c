/* test_jobs.c: the job system of one node, against a clock and a store that the test controls.
 * Numbers are those of the conformance list for job systems that the project keeps to. */
#include "sut/jobs/test/rig.h"
#include "sut/jobs/unique.h"

#define assert_state(rig, id, expected)                                                            \
    cr_assert_str_eq(job_state_word(state_of(rig, id)), expected)

/* ---- outcomes ---- */

Test(outcome, c35_ok_completes)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t id = rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, S);
    assert_state(rig, id, "completed");
    cr_assert_eq(row_of(rig, id)->errors, 0);
    cr_assert_eq(events(rig, "queue/job/claimed", id, " lease=1 attempt=1 queue=default"), 1);
    cr_assert_eq(events(rig, "job/perform/start", id,
                        " attempt=1 lease=1 max=20 worker=ok queue=default limit=4"),
                 1);
    cr_assert_eq(events(rig, "job/perform/stop", id, " lease=1 outcome=ok queue=default"), 1);
    cr_assert_eq(events(rig, "job/finish/done", id, " lease=1 state=completed result=applied"), 1);
    rig_free(rig);
}

Test(outcome, c36_c37_cancel_and_discard_are_final_with_one_error)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t cancel = rig_insert(rig, "cancel", "{}", 0);
    uint64_t discard = rig_insert(rig, "discard", "{}", 0);
    rig_advance(rig, S);
    assert_state(rig, cancel, "cancelled");
    cr_assert_str_eq(row_of(rig, cancel)->error, "not wanted");
    assert_state(rig, discard, "discarded");
    cr_assert_str_eq(row_of(rig, discard)->error, "hopeless");
    cr_assert_eq(row_of(rig, cancel)->errors + row_of(rig, discard)->errors, 2);
    rig_free(rig);
}

Test(outcome, c38_c51_error_is_retried_after_the_backoff)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t id = rig_insert(rig, "error", "{1}", 0);
    rig_advance(rig, S);
    assert_state(rig, id, "retryable");
    cr_assert_str_eq(row_of(rig, id)->error, "no luck with {1}");
    cr_assert_geq(due_in_ms(rig, id), 17000 - 1); /* the store's clock read one way earlier */
    cr_assert_leq(due_in_ms(rig, id), 18000);
    rig_advance(rig, 20 * S);
    cr_assert_eq(row_of(rig, id)->job.attempt, 2);
    rig_free(rig);
}

Test(outcome, c39_c40_snooze_is_scheduled_and_costs_no_attempt)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t minute = rig_insert(rig, "snooze", "60", 0);
    uint64_t nothing = rig_insert(rig, "snooze", "0", 0);
    rig_advance(rig, 500 * MS);
    assert_state(rig, minute, "scheduled");
    cr_assert_leq(llabs(due_in_ms(rig, minute) - 60000), 1);
    cr_assert_eq(row_of(rig, minute)->errors, 0);
    cr_assert_eq(row_of(rig, minute)->job.attempt, 0);
    cr_assert_gt(events(rig, "job/perform/start", nothing, ""), 1);
    rig_free(rig);
}

Test(outcome, c42_crash_and_exit_are_errors_and_the_queue_survives)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t crash = rig_insert(rig, "crash", "{}", 0), leave = rig_insert(rig, "leave", "{}", 0);
    uint64_t slow = rig_insert(rig, "sleep", "300", 0);
    rig_advance(rig, S);
    assert_state(rig, crash, "retryable");
    cr_assert_str_eq(row_of(rig, crash)->error, "crashed: boom");
    cr_assert_eq(row_of(rig, crash)->errors, 1);
    cr_assert_str_eq(row_of(rig, leave)->error, "crashed: normal");
    assert_state(rig, slow, "completed");
    cr_assert_eq(events(rig, "job/perform/crash", crash, " lease=1 reason=boom queue=default"), 1);
    cr_assert_eq(events(rig, "queue/process/start", 0, " queue=default limit=4"), 1);
    rig_free(rig);
}

Test(outcome, c43_last_attempt_discards)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t one = rig_insert(rig, "error", "{}", 1), two = rig_insert(rig, "error", "{}", 2);
    rig_advance(rig, S);
    assert_state(rig, one, "discarded");
    assert_state(rig, two, "retryable");
    rig_advance(rig, 25 * S);
    assert_state(rig, two, "discarded");
    cr_assert_eq(row_of(rig, two)->errors, 2);
    rig_free(rig);
}

Test(outcome, c44_time_limit_kills_and_is_an_error)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t whole = rig_insert(rig, "brief7", "60000", 0);
    uint64_t trapping = rig_insert(rig, "trap", "60000", 0);
    uint64_t quick = rig_insert(rig, "brief7", "4999", 0);
    rig_advance(rig, 6 * S);
    assert_state(rig, whole, "retryable");
    cr_assert_str_eq(row_of(rig, whole)->error, "timed out after 5s");
    cr_assert_str_eq(row_of(rig, trapping)->error, "timed out after 1500ms");
    assert_state(rig, quick, "completed");
    cr_assert_eq(events(rig, "job/perform/timeout", 0, ""), 2);
    cr_assert_eq(events(rig, "job/perform/crash", 0, ""), 0);
    cr_assert_eq(rig->live, 0);
    rig_free(rig);
}

Test(outcome, that_was_there_first_beats_the_time_limit)
{
    struct rig *rig = rig_new((struct rig_options){.deadline_ns = 60 * S});
    uint64_t id = rig_insert(rig, "brief7", "5900", 0); /* the limit is 5 s, but nobody looks ... */
    rig_advance(rig, 100 * MS);
    rig->mode[STORE_CLAIM] = HOLD; /* ... as the queue waits for the store */
    jobs_poke(rig->jobs);
    rig_advance(rig, 6 * S);
    calls_release(rig, STORE_CLAIM);
    rig_advance(rig, S);
    assert_state(rig, id, "completed");
    cr_assert_eq(events(rig, "job/perform/timeout", 0, ""), 0);
    rig_free(rig);
}

Test(outcome, c45_own_backoff_counts_after_error_crash_and_timeout)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t ids[] = {rig_insert(rig, "error7", "{}", 0), rig_insert(rig, "crash7", "{}", 0),
                      rig_insert(rig, "brief7", "60000", 0)};
    rig_advance(rig, 6 * S);
    for (size_t i = 0; i < 3; ++i) {
        assert_state(rig, ids[i], "retryable");
        cr_assert_leq(llabs(due_in_ms(rig, ids[i]) - 7000), 1);
    }
    rig_free(rig);
}

Test(outcome, c46_unknown_worker_is_an_error)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t id = rig_insert(rig, "nobody", "{}", 0);
    rig_advance(rig, S);
    assert_state(rig, id, "retryable");
    cr_assert_str_eq(row_of(rig, id)->error, "unknown worker nobody");
    rig_free(rig);
}

Test(outcome, fallback_takes_unknown_workers)
{
    struct rig *rig = rig_new((struct rig_options){.fallback = work_ok});
    uint64_t id = rig_insert(rig, "nobody", "{}", 0);
    rig_advance(rig, S);
    assert_state(rig, id, "completed");
    rig_free(rig);
}

Test(outcome, injected_errors_are_outcomes)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t before = rig_insert(rig, "ok", "{}", 0);
    rig->fault_at = "job/perform/start";
    rig->fault_key = before;
    rig->fault_err = -EIO;
    rig_advance(rig, 2 * S);
    assert_state(rig, before, "retryable");
    cr_assert_eq(rig->performed, 0);
    rig->fault_at = "job/perform/stop";
    rig->fault_key = rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, 2 * S);
    assert_state(rig, rig->fault_key, "retryable");
    cr_assert_eq(rig->performed, 1);
    rig_free(rig);
}

/* ---- queues ---- */

Test(queue, limit_holds)
{
    struct rig *rig = rig_new((struct rig_options){.limit = 3});
    for (unsigned i = 0; i < 20; ++i)
        rig_insert(rig, i % 4 ? "sleep" : "crash", "70", 1);
    rig_advance(rig, 5 * S);
    for (uint64_t id = 1; id <= 20; ++id)
        cr_assert(job_state_final(state_of(rig, id)));
    cr_assert_eq(rig->live_max, 3);
    rig_free(rig);
}

Test(queue, full_batches_follow_each_other_without_a_poll)
{
    struct rig *rig = rig_new((struct rig_options){.limit = 5, .poll_ns = 60 * S});
    for (unsigned i = 0; i < 100; ++i)
        rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, S);
    cr_assert_eq(rig->performed, 100);
    cr_assert_leq(rig->asked[STORE_ACK],
                  21); /* five acknowledgements and five claims in one call */
    rig_free(rig);
}

Test(queue, outcomes_that_come_during_a_call_are_written_together)
{
    struct rig *rig = rig_new((struct rig_options){.limit = 10});
    rig->latency_ns = 100 * MS;
    for (unsigned i = 0; i < 10; ++i)
        rig_insert(rig, "sleep", i ? "50" : "10", 0);
    rig_advance(rig, S);
    cr_assert_eq(rig->asked[STORE_ACK], 2);
    cr_assert_eq(events(rig, "job/finish/done", 0, "result=applied"), 10);
    rig_free(rig);
}

Test(queue, polls_and_does_not_spin)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S});
    rig_advance(rig, 100 * S);
    cr_assert_eq(rig->asked[STORE_CLAIM], 2, "one look for all queues");
    cr_assert_geq(rig->asked[STORE_STAGE], 80);
    cr_assert_leq(rig->asked[STORE_STAGE], 134);
    uint64_t id = rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, 1300 * MS);
    assert_state(rig, id, "completed");
    rig_free(rig);
}

Test(queue, a_due_time_that_is_known_does_not_make_it_spin)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S});
    rig_insert(rig, "sleep", "90000", 0); /* a lease that runs out, again and again nearly */
    rig_advance(rig, 80 * S);
    cr_assert_leq(rig->asked[STORE_CLAIM], 2 + 1);
    cr_assert_leq(rig->asked[STORE_STAGE], 110);
    rig_free(rig);
}

Test(queue, looks_by_itself_while_the_store_does_not_say)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S});
    rig_advance(rig, S);
    rig->mode[STORE_STAGE] = LOSE;
    uint64_t id = rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, 1300 * MS);
    assert_state(rig, id, "completed");
    rig_free(rig);
}

Test(queue, only_queues_with_jobs_and_room_are_woken)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S, .limit = 1});
    rig_insert(rig, "sleep", "60000", 0);
    rig_advance(rig, 5 * S);
    unsigned claims = rig->asked[STORE_CLAIM];
    uint64_t waits = rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, 20 * S);
    cr_assert_eq(rig->asked[STORE_CLAIM], claims, "one is full, the other has no jobs");
    assert_state(rig, waits, "available");
    rig_free(rig);
}

Test(queue, a_store_that_fails_does_not_make_the_stager_spin)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = S});
    uint64_t id = rig_insert(rig, "error", "{}", 5); /* due again in some 17 s */
    rig_advance(rig, S);
    assert_state(rig, id, "retryable");
    rig->mode[STORE_STAGE] = REFUSE; /* the rescue is answered: something is overdue */
    rig_advance(rig, 20 * S);
    unsigned before = rig->asked[STORE_STAGE];
    rig_advance(rig, 60 * S);
    unsigned asked = rig->asked[STORE_STAGE] - before;
    cr_assert_geq(asked, 20, "it goes on trying");
    cr_assert_leq(asked, 90, "%u times in a minute", asked);
    rig_free(rig);
}

Test(queue, poke_looks_at_once)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = 600 * S});
    rig_advance(rig, S);
    uint64_t id = rig_insert(rig, "ok", "{}", 0);
    for (unsigned i = 0; i < 50; ++i)
        jobs_poke(rig->jobs);
    rig_advance(rig, 10 * MS);
    assert_state(rig, id, "completed");
    cr_assert_leq(rig->asked[STORE_CLAIM] + rig->asked[STORE_ACK], 2 + 2 + 1 + 1);
    rig_free(rig);
}

static void inserter(struct proc *self, void *arg)
{
    struct rig *rig = arg;
    const struct job_spec specs[] = {{.worker = "ok", .max_attempts = 3},
                                     {.queue = "mail", .worker = "ok"},
                                     {.worker = "ok", .delay_ms = 5000}};
    uint64_t ids[3] = {0};
    int err = jobs_insert(self, rig->jobs, specs, 3, NULL, ids, NULL);
    cr_assert_eq(err, rig->fault_err);
    if (!err)
        cr_assert(ids[0] == 1 && ids[1] == 2 && ids[2] == 3);
}

Test(queue, c2_c47_local_insert_is_noticed_at_once_and_due_jobs_in_time)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = 100 * S});
    rig_advance(rig, S);
    proc_spawn(rig->runtime, &(struct proc_spec){.label = "in", .main = inserter, .arg = rig});
    rig_advance(rig, 10 * MS);
    assert_state(rig, 1, "completed");
    assert_state(rig, 2, "completed");
    rig_advance(rig, 4900 * MS);
    assert_state(rig, 3, "scheduled");
    rig_advance(rig, 1300 * MS); /* the rest after staging is about a hundredth of a poll */
    assert_state(rig, 3, "completed");
    rig_free(rig);
}

static void unique_inserter(struct proc *self, void *arg)
{
    struct rig *rig = arg;
    const struct job_unique unique = {.states = JOB_STATE_BIT(JOB_COMPLETED)}, whole = {0};
    const struct job_spec odd = {.worker = "ok", .args = "{}", .unique = &unique};
    const struct job_spec specs[] = {{.worker = "ok", .args = "{\"a\":1}", .unique = &whole},
                                     {.worker = "ok", .args = "{\"a\":2}", .unique = &whole},
                                     {.worker = "ok", .args = "{\"a\":1}", .unique = &whole}};
    uint64_t ids[3];
    bool conflicts[3];
    cr_assert_eq(jobs_insert(self, rig->jobs, specs, 3, NULL, ids, conflicts), 0);
    cr_assert_eq(ids[2], ids[0]);
    cr_assert(!conflicts[0] && !conflicts[1] && conflicts[2]);
    cr_assert_eq(jobs_insert(self, rig->jobs, specs, 2, NULL, ids, NULL), 0);
    cr_assert_eq(jobs_insert(self, rig->jobs, &odd, 1, NULL, ids, conflicts), 0);
    cr_assert_not(conflicts[0]);
}

Test(queue, c8_c25_inserts_of_unique_jobs_tell_of_conflicts)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = 100 * S});
    proc_spawn(rig->runtime,
               &(struct proc_spec){.label = "in", .main = unique_inserter, .arg = rig});
    rig_advance(rig, S);
    assert_state(rig, 1, "completed");
    rig_free(rig);
}

Test(queue, a_due_job_costs_one_call)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = 600 * S});
    uint64_t id = rig_insert(rig, "error7", "{}", 0);
    jobs_poke(rig->jobs);
    rig_advance(rig, S);
    assert_state(rig, id, "retryable");
    unsigned claims = rig->asked[STORE_CLAIM], looks = rig->asked[STORE_STAGE];
    rig_advance(rig, 6500 * MS);
    assert_state(rig, id, "retryable");
    cr_assert_eq(rig->performed, 2);
    cr_assert_eq(rig->asked[STORE_CLAIM], claims + 1, "the queue asks for it, and takes it along");
    cr_assert_eq(rig->asked[STORE_STAGE], looks, "nobody else need look");
    rig_free(rig);
}

/* Of those it knows of it keeps some in mind, and hints at the others; it never looks more often than the stager might. */
Test(queue, many_due_jobs_are_all_asked_for_in_time)
{
    enum { JOBS = 50 };
    struct rig *rig = rig_new((struct rig_options){.poll_ns = 100 * S});
    rig_advance(rig, S);
    for (unsigned i = 0; i < JOBS; ++i)
        rig_insert_later(rig, "ok", 5000 + 200 * ((i * 7) % JOBS));
    unsigned before = rig->asked[STORE_CLAIM];
    rig_advance(rig, 9 * S);
    cr_assert_gt(rig->performed, JOBS / 4);
    rig_advance(rig, 17 * S);
    cr_assert_eq(rig->performed, JOBS, "%u", rig->performed);
    cr_assert_leq(rig->asked[STORE_CLAIM] - before, 2 * JOBS);
    rig_free(rig);
}

/* By the store's clock it is not due yet: whoever asks too early is told when to come back. */
Test(queue, a_clock_that_is_ahead_delays_a_due_job_a_little)
{
    struct rig *rig = rig_new((struct rig_options){.poll_ns = 100 * S});
    rig_advance(rig, S);
    uint64_t id = rig_insert_later(rig, "ok", 5000);
    rig->rows[id - 1].job.scheduled_ms += 300;
    rig_advance(rig, 5200 * MS);
    assert_state(rig, id, "scheduled");
    rig_advance(
        rig, 1500 * MS); /* not sooner than a rest, a hundredth of a poll, after the first look */
    assert_state(rig, id, "completed");
    rig_free(rig);
}

Test(queue, c55_failed_insert_is_reported)
{
    struct rig *rig = rig_new((struct rig_options){0});
    rig->mode[STORE_INSERT] = REFUSE;
    rig->fault_err = -ECONNREFUSED;
    proc_spawn(rig->runtime, &(struct proc_spec){.label = "in", .main = inserter, .arg = rig});
    rig_advance(rig, S);
    cr_assert_eq(rig->row_count, 0);
    cr_assert_eq(rig->asked[STORE_INSERT], 1);
    rig_free(rig);
}

/* ---- acknowledgements ---- */

Test(ack, c55_is_tried_until_it_is_applied)
{
    struct rig *rig = rig_new((struct rig_options){.lease_ms = 600000});
    uint64_t ids[] = {rig_insert(rig, "ok", "{}", 0), rig_insert(rig, "cancel", "{}", 0)};
    rig->mode[STORE_ACK] = REFUSE;
    rig->times[STORE_ACK] = 7;
    rig_advance(rig, 25 * S);
    for (size_t i = 0; i < 2; ++i) {
        cr_assert(job_state_final(state_of(rig, ids[i])));
        cr_assert_eq(row_of(rig, ids[i])->applied, 1);
        cr_assert_eq(events(rig, "job/finish/done", ids[i], "result=applied"), 1);
    }
    cr_assert_eq(rig->asked[STORE_ACK], 8);
    rig_free(rig);
}

Test(ack, c53_c55_waits_longer_each_time_up_to_a_bound)
{
    struct rig *rig = rig_new((struct rig_options){.lease_ms = 600000});
    rig_insert(rig, "ok", "{}", 0);
    rig->mode[STORE_ACK] = REFUSE;
    rig_advance(rig, 2 * S);
    cr_assert_geq(rig->asked[STORE_ACK], 4); /* 0, 0.1, 0.3, 0.7, 1.5 s, give or take a quarter */
    cr_assert_leq(rig->asked[STORE_ACK], 6);
    rig_advance(rig, 98 * S);
    cr_assert_geq(rig->asked[STORE_ACK], 4 + 10);
    cr_assert_leq(rig->asked[STORE_ACK], 6 + 22);
    rig_free(rig);
}

Test(ack, whose_reply_was_lost_is_repeated)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t id = rig_insert(rig, "ok", "{}", 0);
    rig->mode[STORE_ACK] = LOSE;
    rig->times[STORE_ACK] = 3;
    rig_advance(rig, 5 * S);
    assert_state(rig, id, "completed");
    cr_assert_eq(row_of(rig, id)->applied, 1);
    cr_assert_eq(row_of(rig, id)->repeated, 3);
    cr_assert_eq(events(rig, "job/finish/done", id, "result=repeated"), 1);
    cr_assert_eq(rig->performed, 1);
    rig_free(rig);
}

Test(ack, of_a_lost_lease_is_counted_and_dropped)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t id = rig_insert(rig, "sleep", "500", 0);
    rig_advance(rig, 100 * MS);
    rig->rows[0].job.state = JOB_CANCELLED; /* by hand, from elsewhere */
    rig_advance(rig, S);
    assert_state(rig, id, "cancelled");
    cr_assert_eq(events(rig, "job/finish/done", id, " state=completed result=stale"), 1);
    cr_assert_eq(jobs_stale_count(rig->jobs), 1);
    cr_assert_eq(queue_named_default(rig)->ack_count, 0);
    rig_free(rig);
}

Test(ack, outlives_a_store_that_hangs)
{
    struct rig *rig = rig_new((struct rig_options){.lease_ms = 100000});
    uint64_t id = rig_insert(rig, "ok", "{}", 0);
    rig->mode[STORE_ACK] = HANG;
    rig->times[STORE_ACK] = 2;
    rig_advance(rig, 15 * S);
    assert_state(rig, id, "completed");
    cr_assert_eq(rig->asked[STORE_ACK], 3);
    rig_free(rig);
}

/* ---- claims ---- */

Test(claim, whose_reply_is_lost_comes_back_by_rescue)
{
    struct rig *rig = rig_new((struct rig_options){.lease_ms = 6000});
    uint64_t id = rig_insert(rig, "ok", "{}", 0);
    rig->mode[STORE_CLAIM] = LOSE;
    rig->times[STORE_CLAIM] = 1;
    rig_advance(rig, 5 * S);
    assert_state(rig, id, "executing");
    cr_assert_eq(rig->performed, 0);
    rig_advance(rig, 2 * S);
    assert_state(rig, id, "completed");
    cr_assert_eq(row_of(rig, id)->job.attempt, 2);
    rig_free(rig);
}

Test(claim, whose_reply_is_late_is_not_started)
{
    struct rig *rig = rig_new((struct rig_options){.lease_ms = 6000, .deadline_ns = 60 * S});
    uint64_t id = rig_insert(rig, "ok", "{}", 0);
    rig->mode[STORE_CLAIM] = HOLD;
    rig_advance(rig, 3100 * MS);
    calls_release(rig, STORE_CLAIM);
    rig_advance(rig, 10 * MS);
    cr_assert_eq(events(rig, "queue/job/claimed", id, ""), 1);
    cr_assert_eq(rig->performed, 0);
    rig_advance(rig, 9 * S);
    assert_state(rig, id, "completed");
    rig_free(rig);
}

/* ---- leases ---- */

Test(lease, is_renewed_as_long_as_the_job_runs)
{
    struct rig *rig = rig_new((struct rig_options){.lease_ms = 3000});
    uint64_t id = rig_insert(rig, "sleep", "20000", 0);
    rig_advance(rig, 21 * S);
    assert_state(rig, id, "completed");
    cr_assert_eq(row_of(rig, id)->job.attempt, 1);
    cr_assert_geq(rig->asked[STORE_HEARTBEAT], 19);
    cr_assert_leq(rig->asked[STORE_HEARTBEAT], 22);
    rig_free(rig);
}

Test(lease, that_is_lost_kills_the_job)
{
    struct rig *rig = rig_new((struct rig_options){.lease_ms = 3000});
    uint64_t id = rig_insert(rig, "trap", "20000", 0), other = rig_insert(rig, "sleep", "4000", 0);
    rig_advance(rig, 500 * MS);
    ++rig->rows[0].job.lease; /* somebody else claimed it */
    rig->rows[0].until_ms += 1000000;
    rig_advance(rig, S);
    cr_assert_eq(events(rig, "job/perform/lost", id, " attempt=1 lease=1 queue=default"), 1);
    cr_assert_eq(events(rig, "proc/process/exit", 0, "label=job 1 reason=killed"), 1);
    rig_advance(rig, 5 * S);
    cr_assert_eq(events(rig, "job/finish/done", id, ""), 0);
    cr_assert_eq(events(rig, "job/perform/crash", id, ""), 0);
    assert_state(rig, id, "executing");
    assert_state(rig, other, "completed");
    rig_free(rig);
}

Test(lease, that_cannot_be_renewed_kills_the_job_before_it_runs_out)
{
    for (enum mode mode = REFUSE; mode <= HANG;
         ++mode) { /* with LOSE the store did renew it: we cannot know */
        struct rig *rig = rig_new((struct rig_options){.lease_ms = 3000, .deadline_ns = 60 * S});
        uint64_t id = rig_insert(rig, "sleep", "20000", 0);
        rig->mode[STORE_HEARTBEAT] = mode;
        rig_advance(rig, 2900 * MS);
        cr_assert_eq(rig->live, 1);
        rig_advance(rig, 101 * MS);
        cr_assert_eq(rig->live, 0, "mode %d", (int)mode);
        cr_assert_eq(events(rig, "job/perform/lost", id, ""), 1);
        cr_assert_leq(event_last(rig, "job/perform/lost", id)->at / MS, row_of(rig, id)->until_ms);
        rig_free(rig);
    }
}

Test(lease, survives_single_failures)
{
    struct rig *rig = rig_new((struct rig_options){.lease_ms = 3000});
    uint64_t id = rig_insert(rig, "sleep", "20000", 0);
    for (unsigned i = 0; i < 10; ++i) {
        rig->mode[STORE_HEARTBEAT] = REFUSE;
        rig->times[STORE_HEARTBEAT] = 2;
        rig_advance(rig, 2100 * MS);
    }
    assert_state(rig, id, "completed");
    cr_assert_eq(events(rig, "job/perform/lost", id, ""), 0);
    rig_free(rig);
}

static void newest_kill(struct rig *rig, const char *label)
{
    proc_id pid = 0;
    char field[40];
    snprintf(field, sizeof field, " label=%s ", label);
    for (size_t i = 0; i < rig->event_count; ++i)
        if (strcmp(rig->events[i].name, "proc/process/spawn") == 0 &&
            strstr(rig->events[i].text, field))
            pid = rig->events[i].key;
    proc_signal(rig->runtime, 0, pid, reason_make(EXIT_KILL, "%s", ""));
}

Test(lease, survives_the_death_of_the_heartbeat)
{
    struct rig *rig = rig_new((struct rig_options){.lease_ms = 3000});
    uint64_t id = rig_insert(rig, "sleep", "10000", 0);
    for (unsigned i = 0; i < 5; ++i) {
        rig_advance(rig, 2 * S);
        newest_kill(rig, "heartbeat");
    }
    rig_advance(rig, S);
    assert_state(rig, id, "completed");
    cr_assert_eq(events(rig, "sup/child/restart", 0, "child=heartbeat"), 5);
    rig_free(rig);
}

Test(lease, that_is_lost_makes_room_at_once)
{
    struct rig *rig =
        rig_new((struct rig_options){.limit = 1, .lease_ms = 3000, .poll_ns = 600 * S});
    rig_insert(rig, "sleep", "20000", 0);
    uint64_t next = rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, 500 * MS);
    rig->rows[0].job.state = JOB_CANCELLED;
    rig_advance(rig, S);
    assert_state(rig, next, "completed");
    rig_free(rig);
}

/* ---- the death of a queue ---- */

Test(death, of_a_queue_takes_its_jobs_and_they_come_back)
{
    struct rig *rig = rig_new((struct rig_options){.limit = 2, .lease_ms = 6000});
    uint64_t plain = rig_insert(rig, "sleep", "500", 0), trap = rig_insert(rig, "trap", "900", 0);
    rig_advance(rig, 100 * MS);
    cr_assert_eq(rig->live, 2);
    queue_kill(rig);
    rig_advance(rig, 10 * MS);
    cr_assert_eq(rig->live, 0);
    cr_assert_eq(queue_named_default(rig)->running, 0);
    cr_assert_eq(events(rig, "queue/process/start", 0, "queue=default"), 2);
    rig_advance(rig, 9 * S);
    assert_state(rig, plain, "completed");
    assert_state(rig, trap, "completed");
    cr_assert_eq(row_of(rig, plain)->job.attempt, 2);
    cr_assert_eq(rig->live_max, 2);
    rig_free(rig);
}

Test(death, of_a_queue_does_not_let_a_job_that_is_held_up_exceed_the_limit)
{
    struct rig *rig = rig_new((struct rig_options){.limit = 1, .lease_ms = 60000});
    rig->fault_at = "job/perform/stop";
    rig->fault_key = rig_insert(rig, "ok", "{}", 0);
    rig->fault_stall_ns = 3 * S;
    uint64_t next = rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, S);
    queue_kill(rig);
    rig_advance(rig, S);
    cr_assert_eq(events(rig, "queue/process/start", 0, "queue=default"), 2);
    assert_state(rig, next, "available");
    rig_advance(rig, 4 * S);
    assert_state(rig, next, "completed");
    cr_assert_eq(rig->live_max, 1);
    cr_assert_eq(events(rig, "job/perform/stop", rig->fault_key, ""), 0);
    rig_free(rig);
}

Test(death, too_often_makes_the_supervisor_give_up_and_is_told)
{
    struct rig *rig = rig_new((struct rig_options){0});
    for (unsigned i = 0; i < 20; ++i) {
        rig_advance(rig, 100 * MS);
        queue_kill(rig);
    }
    rig_advance(rig, 100 * MS);
    cr_assert_eq(rig->gave_up, 0);
    queue_kill(rig);
    rig_advance(rig, 6 * S);
    cr_assert_eq(rig->gave_up, 1);
    jobs_drain(rig->jobs, rig_drained, rig);
    rig_advance(rig, MS);
    cr_assert_eq(rig->drained, 1);
    rig_free(rig);
}

Test(death, now_and_then_is_forgotten_after_a_minute)
{
    struct rig *rig = rig_new((struct rig_options){.restarts = 2});
    for (unsigned i = 0; i < 6; ++i) {
        rig_advance(rig, 31 * S);
        queue_kill(rig);
    }
    cr_assert_eq(rig->gave_up, 0);
    for (unsigned i = 0; i < 2; ++i) {
        rig_advance(rig, S);
        queue_kill(rig);
    }
    rig_advance(rig, 6 * S);
    cr_assert_eq(rig->gave_up, 1);
    rig_free(rig);
}

/* ---- drain (67-69) ---- */

static void drain_begin(struct rig *rig)
{
    jobs_drain(rig->jobs, rig_drained, rig);
}

Test(drain, of_an_idle_node_ends_at_once)
{
    struct rig *rig = rig_new((struct rig_options){0});
    rig_advance(rig, 10 * S);
    drain_begin(rig);
    drain_begin(rig);
    rig_advance(rig, 10 * MS);
    cr_assert_eq(rig->drained, 1);
    cr_assert_eq(rig->left, 0);
    cr_assert_eq(runtime_count(rig->runtime), 0);
    cr_assert_eq(events(rig, "jobs/drain/begin", 0, " grace_ms=15000"), 1);
    cr_assert_eq(events(rig, "jobs/drain/end", 0, " left=0"), 1);
    cr_assert_eq(events(rig, "queue/process/stop", 0, ""), 2);
    rig_free(rig);
}

Test(drain, c67_c68_lets_running_jobs_finish_and_starts_none)
{
    struct rig *rig = rig_new((struct rig_options){.limit = 2});
    uint64_t a = rig_insert(rig, "sleep", "3000", 0), b = rig_insert(rig, "sleep", "4000", 0);
    uint64_t waiting = rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, S);
    drain_begin(rig);
    rig_advance(rig, 2500 * MS);
    assert_state(rig, a, "completed");
    cr_assert_eq(rig->drained, 0);
    rig_advance(rig, S);
    assert_state(rig, b, "completed");
    assert_state(rig, waiting, "available");
    cr_assert_eq(rig->drained, 1);
    cr_assert_eq(rig->left, 0);
    rig_free(rig);
}

Test(drain, c67_kills_what_is_longer_than_the_grace)
{
    struct rig *rig = rig_new((struct rig_options){.grace_ns = 2 * S, .lease_ms = 3000});
    uint64_t id = rig_insert(rig, "sleep", "10000", 0);
    rig_insert(rig, "trap", "10000", 0);
    rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, S);
    drain_begin(rig);
    rig_advance(rig, 1999 * MS);
    cr_assert_eq(rig->drained, 0);
    rig_advance(rig, MS);
    cr_assert_eq(rig->drained, 1);
    cr_assert_eq(rig->left, 1, "%zu", rig->left); /* the other one had reached its time limit */
    assert_state(rig, id, "executing");
    cr_assert_eq(runtime_count(rig->runtime), 0);
    rig_free(rig);
}

Test(drain, c69_gives_all_queues_the_same_grace)
{
    struct rig *rig = rig_new((struct rig_options){.grace_ns = 2 * S});
    rig_insert(rig, "sleep", "9000", 0);
    row_insert(rig, &(struct job_spec){.queue = "mail", .worker = "sleep", .args = "9000"});
    rig_advance(rig, 1300 * MS);
    drain_begin(rig);
    rig_advance(rig, 2 * S);
    cr_assert_eq(rig->left, 2);
    rig_free(rig);
}

Test(drain, c68_does_not_start_what_a_claim_under_way_brings)
{
    struct rig *rig = rig_new((struct rig_options){0});
    rig->latency_ns = 50 * MS;
    uint64_t id = rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, 10 * MS);
    drain_begin(rig);
    rig_advance(rig, 100 * MS);
    cr_assert_eq(events(rig, "queue/job/claimed", id, ""), 1);
    cr_assert_eq(rig->performed, 0);
    cr_assert_eq(rig->drained, 1);
    cr_assert_eq(rig->left, 1);
    assert_state(rig, id, "executing");
    rig_free(rig);
}

Test(drain, c68_does_not_start_what_was_held_up_before_its_start)
{
    struct rig *rig = rig_new((struct rig_options){0});
    rig->fault_at = "job/perform/start";
    rig->fault_key = rig_insert(rig, "ok", "{}", 0);
    rig->fault_stall_ns = 2 * S;
    rig_advance(rig, S);
    drain_begin(rig);
    rig_advance(rig, 5 * S);
    cr_assert_eq(events(rig, "job/perform/start", 0, ""), 0);
    cr_assert_eq(rig->drained, 1);
    cr_assert_eq(rig->left, 1);
    rig_free(rig);
}

Test(drain, writes_what_is_to_be_written)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t id = rig_insert(rig, "ok", "{}", 0);
    rig->mode[STORE_ACK] = REFUSE;
    rig_advance(rig, 500 * MS);
    drain_begin(rig);
    rig_advance(rig, 500 * MS);
    cr_assert_eq(rig->drained, 0);
    rig->mode[STORE_ACK] = ANSWER;
    rig_advance(rig, 3 * S);
    assert_state(rig, id, "completed");
    cr_assert_eq(rig->drained, 1);
    cr_assert_eq(rig->left, 0);
    rig_free(rig);
}

Test(drain, ends_within_grace_and_deadline_when_the_store_hangs)
{
    for (int64_t after = 0; after < 6 * S; after += 500 * MS) {
        struct rig *rig = rig_new(
            (struct rig_options){.grace_ns = 2 * S, .deadline_ns = 3 * S, .lease_ms = 90000});
        rig_insert(rig, "sleep", "100", 0);
        rig_insert(rig, "sleep", "3000", 0);
        row_insert(rig, &(struct job_spec){.queue = "mail", .worker = "ok"});
        rig_advance(rig, 50 * MS);
        for (enum store_op op = 0; op < STORE_OP_COUNT; ++op)
            rig->mode[op] = HANG;
        rig_advance(rig, after);
        drain_begin(rig);
        rig_advance(rig, 2 * S);
        cr_assert_eq(rig->live, 0);
        rig_advance(rig, 3 * S);
        cr_assert_eq(rig->drained, 1);
        cr_assert_eq(rig->left, 2, "%zu", rig->left);
        rig_free(rig);
    }
}

Test(drain, ends_in_time_even_if_a_queue_is_held_up)
{
    struct rig *rig = rig_new((struct rig_options){.grace_ns = 2 * S, .deadline_ns = 3 * S});
    rig->fault_at = "store/claim/reply";
    rig->fault_stall_ns = 60 * S;
    rig_advance(rig, S);
    drain_begin(rig);
    rig_advance(rig, 5 * S);
    cr_assert_eq(rig->drained, 1);
    rig_advance(rig, 100 * S);
    cr_assert_eq(runtime_count(rig->runtime), 0);
    rig_free(rig);
}

Test(drain, writes_nothing_after_the_grace)
{
    struct rig *rig = rig_new(
        (struct rig_options){.grace_ns = S, .deadline_ns = 60 * S, .poll_ns = 20 * S, .limit = 1});
    rig_insert(rig, "ok", "{}", 0);
    rig->mode[STORE_CLAIM] = HANG; /* the other queue, which is stopped first, waits for this */
    rig->mode[STORE_ACK] = REFUSE;
    rig_settle(rig);
    rig->calls[0].mode = ANSWER;
    rig_advance(rig, 100 * MS);
    drain_begin(rig);
    rig_advance(rig, S);
    unsigned asked = rig->asked[STORE_ACK];
    cr_assert_geq(asked, 3);
    rig_advance(rig, 30 * S);
    cr_assert_eq(rig->asked[STORE_ACK], asked);
    cr_assert_eq(rig->drained, 0);
    rig_advance(rig, 30 * S);
    cr_assert_eq(rig->drained, 1);
    cr_assert_eq(rig->left, 1);
    rig_free(rig);
}

Test(drain, counts_what_a_queue_that_died_had_running)
{
    struct rig *rig = rig_new((struct rig_options){.grace_ns = 5 * S});
    rig_insert(rig, "sleep", "3000", 0);
    rig_advance(rig, S);
    drain_begin(rig);
    rig_advance(rig, MS);
    queue_kill(rig);
    rig_advance(rig, MS);
    cr_assert_eq(rig->drained, 1);
    cr_assert_eq(rig->left, 1);
    rig_free(rig);
}

/* ---- everything at once ---- */

/* Calls that fail in all ways, processes that die: afterwards every job has ended, once, and the
 * limit held. */
static void storm(uint64_t seed)
{
    static const char *const workers[] = {"ok", "sleep", "crash7", "error7", "trap", "brief7"};
    static const char *const processes[] = {"queue default", "heartbeat", "stager"};
    struct rig *rig = rig_new((struct rig_options){.limit = 3, .lease_ms = 3000});
    rig->entropy = seed;
    for (unsigned i = 0; i < 40; ++i)
        rig_insert(rig, workers[i % 6], i % 5 ? "700" : "4000", 3);
    for (unsigned i = 0; i < 200; ++i) {
        uint64_t dice = rig_entropy(&rig->env);
        enum store_op op = dice % STORE_OP_COUNT;
        rig->mode[op] = dice / 16 % 2 ? ANSWER : (enum mode)(dice / 32 % HOLD);
        rig->times[op] = 0;
        if (dice / 1024 % 25 == 0)
            newest_kill(rig, processes[dice / 65536 % 3]);
        rig_advance(rig, (int64_t)(dice >> 40) % (400 * MS));
    }
    memset(rig->mode, 0, sizeof rig->mode);
    rig_advance(rig, 120 * S);
    for (uint64_t id = 1; id <= 40; ++id) {
        cr_assert(job_state_final(state_of(rig, id)), "seed %" PRIu64 ": %s", seed,
                  job_state_word(state_of(rig, id)));
        cr_assert_leq(row_of(rig, id)->job.attempt, 3);
    }
    cr_assert_leq(rig->live_max, 3);
    cr_assert_eq(rig->live, 0);
    cr_assert_eq(rig->gave_up, 0);
    rig_free(rig);
}

Test(storm, passes)
{
    for (uint64_t seed = 1; seed <= 25; ++seed)
        storm(seed);
}

/* ---- start, and memory ---- */

static const char *start_error(struct rig *rig, struct jobs_config config)
{
    static char why[100];
    size_t blocks = heap_blocks(rig->heap);
    cr_assert_null(jobs_start(rig->runtime, &config, why, sizeof why));
    rig_settle(rig);
    cr_assert_leq(heap_blocks(rig->heap), blocks + 2);
    return why;
}

Test(start, refuses_what_makes_no_sense)
{
    struct rig *rig = rig_new((struct rig_options){0});
    const struct queue_config none = {"a", 0}, unnamed = {"", 1}, twice[] = {{"a", 1}, {"a", 2}};
    const struct worker empty = {.name = "w"};
    struct store *store = &rig->store;
    rig_settle(rig);
    cr_assert_str_eq(start_error(rig, (struct jobs_config){0}), "there is no store");
    cr_assert(strstr(
        start_error(rig, (struct jobs_config){store, .queues = &none, .queue_count = 1}), "limit"));
    cr_assert(
        strstr(start_error(rig, (struct jobs_config){store, .queues = &unnamed, .queue_count = 1}),
               "name"));
    cr_assert(
        strstr(start_error(rig, (struct jobs_config){store, .queues = twice, .queue_count = 2}),
               "same id"));
    cr_assert(
        strstr(start_error(rig, (struct jobs_config){store, .workers = &empty, .worker_count = 1}),
               "function"));
    cr_assert(strstr(start_error(rig, (struct jobs_config){store, .poll_ns = -1}), "negative"));
    rig_free(rig);
}

Test(memory, is_given_back_after_each_job)
{
    struct rig *rig = rig_new((struct rig_options){.lease_ms = 3000});
    size_t blocks = 0;
    for (unsigned round = 0; round < 4; ++round) {
        for (unsigned i = 0; i < 30; ++i)
            rig_insert(rig, i % 3 == 0 ? "crash" : i % 3 == 1 ? "brief7" : "ok", "20000", 1);
        rig_advance(rig, 120 * S);
        if (round == 1)
            blocks = heap_blocks(rig->heap);
        else if (round > 1)
            cr_assert_leq(heap_blocks(rig->heap), blocks + 4);
    }
    rig_free(rig);
}

/* Under a leak checker: at whatever moment the node dies, nothing is left. */
Test(memory, is_given_back_when_the_node_dies_at_any_moment)
{
    for (int64_t moment = 0; moment < 60; ++moment) {
        struct rig *rig = rig_new((struct rig_options){.limit = 2, .lease_ms = 60});
        rig_insert(rig, "ok", "{}", 0);
        rig_insert(rig, "trap", "10", 0);
        rig_insert(rig, "crash", "{}", 0);
        rig_insert(rig, "snooze", "0", 0);
        rig_advance(rig, moment * MS / 2);
        rig_free(rig);
    }
}

Test(key, is_the_same_for_every_attempt)
{
    char one[32], two[32];
    job_idempotency_key(&(struct job){.id = UINT64_MAX, .attempt = 1, .lease = 3}, one);
    job_idempotency_key(&(struct job){.id = UINT64_MAX, .attempt = 2, .lease = 4}, two);
    cr_assert_str_eq(one, two);
    job_idempotency_key(&(struct job){.id = 1}, two);
    cr_assert_str_neq(one, two);
}
