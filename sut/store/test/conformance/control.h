/* control.h: retry and cancel by hand. */

CONFORMS(c56_cancel)
{
    uint64_t running = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(running);
    uint64_t scheduled = insert((struct job_spec){.worker = "w", .delay_ms = 9});
    uint64_t available = insert((struct job_spec){.worker = "w"});
    uint64_t ids[] = {running, scheduled, available, 99};
    events_clear();
    cr_assert_eq(
        run_ok((struct store_request){.op = STORE_CANCEL, .ids = ids, .id_count = 4}).changed, 3);
    for (size_t i = 0; i < 3; ++i)
        cr_assert_eq(get(ids[i]).state, JOB_CANCELLED);
    cr_assert_str_eq(get(scheduled).errors, "[]");
    cr_assert_str_eq(get(running).errors,
                     "[{\"at\":1700000000000,\"attempt\":1,\"error\":\"cancelled while it ran\"}]");
    cr_assert_eq(ack(lease, JOB_COMPLETED, 0, NULL), ACK_STALE, "the cancel won");
    cr_assert_eq(get(running).state, JOB_CANCELLED);
    cr_assert_events("store/job/cancel job=1 state=cancelled\n"
                     "store/job/cancel job=2 state=cancelled\n"
                     "store/job/cancel job=3 state=cancelled\n"
                     "store/job/stale job=1 lease=1 state=cancelled\n");
}

CONFORMS(c56_what_waits_for_its_next_attempt_is_cancelled)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    ack(claim_one(id), JOB_RETRYABLE, 9, NULL);
    cr_assert_eq(change(STORE_CANCEL, id), 1);
    cr_assert_eq(get(id).state, JOB_CANCELLED);
    cr_assert_eq(get(id).finished_ms, NOW_MS);
    cr_assert_str_eq(get(id).errors, "[]");
    clock_ms += 9;
    cr_assert_eq(tick(STORE_STAGE), 0);
}

CONFORMS(c56_c58_what_is_final_is_not_cancelled)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    ack(claim_one(id), JOB_COMPLETED, 0, NULL);
    cr_assert_eq(change(STORE_CANCEL, id), 0);
    cr_assert_eq(get(id).state, JOB_COMPLETED);
}

CONFORMS(c60_retry_raises_the_maximum_only_if_it_must)
{
    uint64_t spent = insert((struct job_spec){.worker = "w", .max_attempts = 1});
    ack(claim_one(spent), JOB_DISCARDED, 0, "e");
    clock_ms += 50;
    events_clear();
    cr_assert_eq(change(STORE_RETRY, spent), 1);
    cr_assert_events("store/job/retry job=1 state=available\n");
    cr_assert_eq(get(spent).state, JOB_AVAILABLE);
    cr_assert_eq(get(spent).max_attempts, 2);
    cr_assert_eq(get(spent).scheduled_ms, clock_ms);
    cr_assert_eq(get(spent).finished_ms, 0);
    cr_assert_eq(claim_one(spent).lease, 2);
    cr_assert_eq(change(STORE_RETRY, spent), 0, "executing is left alone");
    uint64_t fresh = insert((struct job_spec){.worker = "w"});
    cr_assert_eq(change(STORE_RETRY, fresh), 0, "available is left alone");
}

CONFORMS(c60_c61_retry_from_everywhere_else)
{
    static const enum job_state ends[] = {JOB_COMPLETED, JOB_DISCARDED, JOB_CANCELLED,
                                          JOB_RETRYABLE, JOB_SCHEDULED};
    uint64_t ids[ARRAY_SIZE(ends)];
    for (size_t i = 0; i < ARRAY_SIZE(ends); ++i) {
        ids[i] = insert((struct job_spec){.worker = "w"});
        ack(claim_one(ids[i]), ends[i], 99, NULL);
    }
    struct store_request request = {.op = STORE_RETRY, .ids = ids, .id_count = ARRAY_SIZE(ends)};
    cr_assert_eq(run_ok(request).changed, ARRAY_SIZE(ends));
    cr_assert_eq(run_ok(request).changed, 0);
    cr_assert_eq(count_of(JOB_AVAILABLE), ARRAY_SIZE(ends));
    cr_assert_eq(get(ids[0]).max_attempts, 20);
}
