/* ack.h: how runs end. */

CONFORMS(c35_ok_completes)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(id);
    events_clear();
    clock_ms += 3;
    cr_assert_eq(ack(lease, JOB_COMPLETED, 0, NULL), ACK_APPLIED);
    cr_assert_eq(get(id).state, JOB_COMPLETED);
    cr_assert_eq(get(id).finished_ms, NOW_MS + 3);
    cr_assert_str_eq(get(id).errors, "[]");
    cr_assert_events(
        "store/job/finish job=1 lease=1 state=completed attempt=1 max=20 delay_ms=0\n");
}

CONFORMS(c36_cancel_with_one_error)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    ack(claim_one(id), JOB_CANCELLED, 0, "not wanted");
    cr_assert_eq(get(id).state, JOB_CANCELLED);
    cr_assert_eq(get(id).finished_ms, NOW_MS);
    cr_assert_str_eq(get(id).errors,
                     "[{\"at\":1700000000000,\"attempt\":1,\"error\":\"not wanted\"}]");
}

CONFORMS(c37_discard)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    ack(claim_one(id), JOB_DISCARDED, 0, "hopeless");
    cr_assert_eq(get(id).state, JOB_DISCARDED);
    cr_assert_eq(get(id).finished_ms, NOW_MS);
}

CONFORMS(c38_error_is_retryable_in_the_future)
{
    uint64_t id = insert((struct job_spec){.worker = "w", .max_attempts = 2});
    struct store_lease lease = claim_one(id);
    events_clear();
    ack(lease, JOB_RETRYABLE, 17000, "say \"no\"\n");
    cr_assert_eq(get(id).state, JOB_RETRYABLE);
    cr_assert_eq(get(id).scheduled_ms, NOW_MS + 17000);
    cr_assert_eq(get(id).finished_ms, 0);
    cr_assert_events(
        "store/job/finish job=1 lease=1 state=retryable attempt=1 max=2 delay_ms=17000\n");
    cr_assert_eq(claim(1).job_count, 0);
    clock_ms += 17000;
    tick(STORE_STAGE);
    cr_assert_eq(ack(claim_one(id), JOB_DISCARDED, 0, "again"), ACK_APPLIED);
    cr_assert_str_eq(get(id).errors,
                     "[{\"at\":1700000000000,\"attempt\":1,\"error\":\"say \\\"no\\\"\\n\"},"
                     "{\"at\":1700000017000,\"attempt\":2,\"error\":\"again\"}]");
}

CONFORMS(c39_c40_snooze_gives_the_attempt_back)
{
    uint64_t id = insert((struct job_spec){.worker = "w", .max_attempts = 5, .meta = "{\"by\":1}"});
    events_clear();
    for (unsigned round = 1; round <= 3; ++round) {
        ack(claim_one(id), JOB_SCHEDULED, 0, NULL);
        cr_assert_eq(get(id).state, JOB_SCHEDULED);
        cr_assert_eq(get(id).attempt, 0);
        cr_assert_eq(get(id).max_attempts, 5);
        cr_assert_eq(get(id).snoozed, round);
        cr_assert_str_eq(get(id).meta, "{\"by\":1}");
        cr_assert_eq(get(id).lease, round);
        cr_assert_eq(tick(STORE_STAGE), 1, "0 s is allowed");
    }
#ifdef DURESS_POINTS
    cr_assert_not_null(strstr(events, "finish job=1 lease=3 state=scheduled attempt=1 max=5"));
#endif
}

CONFORMS(only_the_newest_errors_are_kept)
{
    uint64_t id = insert((struct job_spec){.worker = "w", .max_attempts = 100});
    for (unsigned attempt = 1; attempt <= JOB_ERRORS_KEPT + 3; ++attempt) {
        char text[32];
        snprintf(text, sizeof text, "number %u", attempt);
        ack(claim_one(id), JOB_RETRYABLE, 0, text);
        tick(STORE_STAGE);
    }
    const char *errors = get(id).errors;
    size_t count = 0;
    for (const char *at = errors; (at = strstr(at, "\"error\"")); ++at)
        ++count;
    cr_assert_eq(count, JOB_ERRORS_KEPT);
    cr_assert_null(strstr(errors, "\"number 3\""));
    cr_assert_eq(strstr(errors, "\"attempt\":4,"), strstr(errors, "\"attempt\""));
    cr_assert_not_null(strstr(errors, "\"number 23\"}]"));
}

CONFORMS(ack_fused_with_the_next_claim)
{
    uint64_t a = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(a);
    uint64_t b = insert((struct job_spec){.worker = "w"});
    events_clear();
    struct store_ack one = {lease.id, lease.lease, JOB_COMPLETED, 0, NULL, NULL};
    struct store_reply reply = run_ok((struct store_request){.op = STORE_ACK,
                                                             .acks = &one,
                                                             .ack_count = 1,
                                                             .queue = "default",
                                                             .limit = 10,
                                                             .lease_ms = 500});
    cr_assert_eq(reply.acks[0], ACK_APPLIED);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, b);
    cr_assert_eq(reply.next_ms, 500);
    cr_assert_events("store/job/finish job=1 lease=1 state=completed attempt=1 max=20 delay_ms=0\n"
                     "store/job/claim job=2 lease=1 attempt=1 max=20 queue=default\n");
}

CONFORMS(repeated_ack_changes_nothing_and_is_told_apart)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(id);
    cr_assert_eq(ack(lease, JOB_RETRYABLE, 5, "e"), ACK_APPLIED);
    events_clear();
    cr_assert_eq(ack(lease, JOB_RETRYABLE, 5, "e"), ACK_REPEATED);
    clock_ms += 5;
    tick(STORE_STAGE);
    cr_assert_eq(ack(lease, JOB_RETRYABLE, 5, "e"), ACK_REPEATED, "also when it was staged since");
    struct store_lease newer = claim_one(id);
    cr_assert_eq(ack(lease, JOB_COMPLETED, 0, NULL), ACK_REPEATED, "also when it runs again");
    cr_assert_eq(get(id).state, JOB_EXECUTING);
    cr_assert_eq(get(id).attempt, 2);
    ack(newer, JOB_COMPLETED, 0, NULL);
    cr_assert_eq(ack(lease, JOB_RETRYABLE, 5, "e"), ACK_STALE, "only the newest ack is known");
    cr_assert_eq(get(id).state, JOB_COMPLETED);
    cr_assert_str_eq(get(id).errors, "[{\"at\":1700000000000,\"attempt\":1,\"error\":\"e\"}]");
}

CONFORMS(zombie_ack_after_rescue_is_stale)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct store_lease zombie = claim_one(id);
    clock_ms += LEASE_MS;
    cr_assert_eq(tick(STORE_RESCUE), 1);
    events_clear();
    cr_assert_eq(ack(zombie, JOB_COMPLETED, 0, NULL), ACK_STALE);
    cr_assert_eq(get(id).state, JOB_AVAILABLE);
    struct store_lease fresh = claim_one(id);
    cr_assert_eq(fresh.lease, zombie.lease + 1);
    cr_assert_eq(ack(zombie, JOB_RETRYABLE, 1, "late"), ACK_STALE);
    cr_assert_eq(get(id).state, JOB_EXECUTING);
    cr_assert_eq(ack(fresh, JOB_COMPLETED, 0, NULL), ACK_APPLIED);
    cr_assert_eq(ack(zombie, JOB_COMPLETED, 0, NULL), ACK_STALE);
    cr_assert_events("store/job/stale job=1 lease=1 state=available\n"
                     "store/job/claim job=1 lease=2 attempt=2 max=20 queue=default\n"
                     "store/job/stale job=1 lease=1 state=executing\n"
                     "store/job/finish job=1 lease=2 state=completed attempt=2 max=20 delay_ms=0\n"
                     "store/job/stale job=1 lease=1 state=completed\n");
}

CONFORMS(an_expired_lease_that_nobody_rescued_still_counts)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(id);
    clock_ms += 10 * LEASE_MS;
    cr_assert_eq(ack(lease, JOB_COMPLETED, 0, NULL), ACK_APPLIED);
    cr_assert_eq(tick(STORE_RESCUE), 0);
}

CONFORMS(ack_of_what_never_was)
{
    cr_assert_eq(ack((struct store_lease){77, 1}, JOB_COMPLETED, 0, NULL), ACK_STALE);
    cr_assert_events("store/job/stale job=77 lease=1 state=missing\n");
    uint64_t id = insert((struct job_spec){.worker = "w"});
    cr_assert_eq(ack((struct store_lease){id, 0}, JOB_COMPLETED, 0, NULL), ACK_STALE);
}

CONFORMS(acks_are_all_or_none_when_one_is_nonsense)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(id);
    static const enum job_state bad[] = {JOB_AVAILABLE, JOB_EXECUTING, JOB_STATE_COUNT};
    for (size_t i = 0; i < ARRAY_SIZE(bad); ++i) {
        struct store_ack acks[] = {{lease.id, lease.lease, JOB_COMPLETED, 0, NULL, NULL},
                                   {lease.id, lease.lease, bad[i], 0, NULL, NULL}};
        struct store_reply reply =
            run((struct store_request){.op = STORE_ACK, .acks = acks, .ack_count = 2});
        cr_assert_eq(reply.err, -EINVAL);
        cr_assert_null(reply.acks);
        cr_assert_eq(get(id).state, JOB_EXECUTING);
    }
}

/* ---- many at once: a database may do it in other statements, and answers the same ---- */

enum { CROWD = 20 };

static void crowd_claim(struct store_ack acks[CROWD])
{
    struct job_spec specs[CROWD];
    for (size_t i = 0; i < CROWD; ++i)
        specs[i] = (struct job_spec){.worker = "w"};
    run_ok((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = CROWD});
    struct store_reply reply = run_ok((struct store_request){
        .op = STORE_CLAIM, .queue = "default", .limit = CROWD, .owner = "o", .lease_ms = LEASE_MS});
    cr_assert_eq(reply.job_count, CROWD);
    for (size_t i = 0; i < CROWD; ++i) {
        const struct job *job = &reply.jobs[i];
        cr_assert_eq(job->id, i + 1);
        cr_assert_eq(job->lease, 1);
        cr_assert_eq(job->attempt, 1);
        cr_assert_eq(get(job->id).state, JOB_EXECUTING);
        cr_assert_eq(get(job->id).lease, 1);
        cr_assert_str_eq(get(job->id).owner, "o");
        acks[i] = (struct store_ack){.id = job->id, .lease = 1, .state = JOB_COMPLETED};
    }
}

static struct store_reply crowd_ack(const struct store_ack *acks)
{
    return run_ok((struct store_request){.op = STORE_ACK, .acks = acks, .ack_count = CROWD});
}

CONFORMS(many_jobs_are_claimed_and_finished_as_one_is)
{
    struct store_ack acks[CROWD];
    crowd_claim(acks);
    clock_ms += 10;
    acks[3].state = JOB_RETRYABLE;
    acks[3].error = "e";
    events_clear();
    struct store_reply reply = crowd_ack(acks);
    for (size_t i = 0; i < CROWD; ++i) {
        cr_assert_eq(reply.acks[i], ACK_APPLIED);
        cr_assert_eq(get(i + 1).state, i == 3 ? JOB_RETRYABLE : JOB_COMPLETED);
        cr_assert_eq(get(i + 1).finished_ms, i == 3 ? 0 : clock_ms);
    }
    cr_assert_eq(crowd_ack(acks).acks[0], ACK_REPEATED);
}

CONFORMS(one_of_many_that_is_not_held_leaves_the_others_alone)
{
    struct store_ack acks[CROWD];
    crowd_claim(acks);
    const uint64_t cancelled = 7;
    run_ok((struct store_request){.op = STORE_CANCEL, .ids = &cancelled, .id_count = 1});
    acks[12].id = 1; /* twice */
    struct store_reply reply = crowd_ack(acks);
    for (size_t i = 0; i < CROWD; ++i)
        cr_assert_eq(reply.acks[i], i == 6 ? ACK_STALE : i == 12 ? ACK_REPEATED : ACK_APPLIED);
    cr_assert_eq(get(7).state, JOB_CANCELLED);
    cr_assert_eq(get(13).state, JOB_EXECUTING);
    cr_assert_eq(get(20).state, JOB_COMPLETED);
}

/* Ids one behind the other, in any order, and ids with gaps between them are found in different ways. */
CONFORMS(many_of_a_row_leave_their_neighbours_alone)
{
    enum { EACH = 10 };
    struct store_ack acks[EACH], odd[EACH];
    for (size_t i = 0; i < 5 * EACH; ++i)
        insert((struct job_spec){.worker = "w"});
    cr_assert_eq(claim(2 * EACH).job_count, 2 * EACH);
    cr_assert_eq(claim(EACH).jobs[0].id, 2 * EACH + 1);
    for (size_t i = 0; i < EACH; ++i) {
        acks[i] = (struct store_ack){.id = 3 * EACH - i, .lease = 1, .state = JOB_COMPLETED};
        odd[i] = (struct store_ack){.id = 2 * i + 1, .lease = 1, .state = JOB_COMPLETED};
    }
    run_ok((struct store_request){.op = STORE_ACK, .acks = acks, .ack_count = EACH});
    run_ok((struct store_request){.op = STORE_ACK, .acks = odd, .ack_count = EACH});
    for (uint64_t id = 1; id <= 5 * EACH; ++id) {
        bool completed = id > 2 * EACH ? id <= 3 * EACH : id % 2 == 1;
        enum job_state other = id > 3 * EACH ? JOB_AVAILABLE : JOB_EXECUTING;
        cr_assert_eq(get(id).state, completed ? JOB_COMPLETED : other, "job %d", (int)id);
    }
}
