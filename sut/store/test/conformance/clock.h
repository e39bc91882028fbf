/* clock.h: leases, due times and rescue, by the clock of the database. */

CONFORMS(heartbeat_renews_what_is_held_and_tells_what_is_lost)
{
    uint64_t a = insert((struct job_spec){.worker = "w"});
    struct store_lease held = claim_one(a);
    uint64_t b = insert((struct job_spec){.worker = "w"});
    struct store_lease done = claim_one(b);
    ack(done, JOB_COMPLETED, 0, NULL);
    struct store_lease leases[] = {held, done, {held.id, held.lease + 1}, {99, 1}};
    clock_ms += LEASE_MS - 1;
    struct store_reply reply = run_ok((struct store_request){
        .op = STORE_HEARTBEAT, .leases = leases, .lease_count = 4, .lease_ms = LEASE_MS});
    bool expected[] = {true, false, false, false};
    for (size_t i = 0; i < 4; ++i)
        cr_assert_eq(reply.renewed[i], expected[i]);
    clock_ms += LEASE_MS - 1;
    cr_assert_eq(tick(STORE_RESCUE), 0, "a live job is left alone");
    clock_ms += 1;
    cr_assert_eq(tick(STORE_RESCUE), 1);
}

CONFORMS(c47_c71_stage_makes_what_is_due_available)
{
    uint64_t due = insert((struct job_spec){.worker = "w", .delay_ms = 10});
    uint64_t later = insert((struct job_spec){.worker = "w", .delay_ms = 11});
    uint64_t past = insert((struct job_spec){.worker = "w", .delay_ms = -10});
    cr_assert_eq(get(past).state, JOB_AVAILABLE);
    ack(claim_one(past), JOB_RETRYABLE, 10, "e");
    cr_assert_eq(tick(STORE_STAGE), 0);
    clock_ms += 10;
    events_clear();
    struct store_reply reply = run_ok((struct store_request){.op = STORE_STAGE});
    cr_assert_eq(reply.changed, 2);
    cr_assert_eq(reply.next_ms, 1);
    cr_assert_eq(get(due).state, JOB_AVAILABLE);
    cr_assert_eq(get(past).state, JOB_AVAILABLE);
    cr_assert_eq(get(later).state, JOB_SCHEDULED);
    cr_assert_events("store/job/stage job=1\nstore/job/stage job=3\n");
}

CONFORMS(stage_tells_which_queues_have_jobs)
{
    insert((struct job_spec){.worker = "w", .queue = "full"});
    insert((struct job_spec){.worker = "w", .queue = "late", .delay_ms = 10});
    static const char *const queues[] = {"late", "none", "full"};
    struct store_request stage = {.op = STORE_STAGE, .queues = queues, .queue_count = 3};
    struct store_reply before = run_ok(stage);
    cr_assert(!before.ready[0] && !before.ready[1] && before.ready[2]);
    clock_ms += 10;
    struct store_reply after = run_ok(stage);
    cr_assert_eq(after.changed, 1);
    cr_assert(after.ready[0] && !after.ready[1] && after.ready[2]);
}

CONFORMS(c73_rescue_by_lost_lease)
{
    uint64_t again = insert((struct job_spec){.worker = "w", .max_attempts = 2});
    struct store_lease first = claim_one(again);
    uint64_t last = insert((struct job_spec){.worker = "w", .max_attempts = 1});
    claim_one(last);
    clock_ms += 1;
    uint64_t younger = insert((struct job_spec){.worker = "w"});
    claim_one(younger);
    clock_ms += LEASE_MS - 1;
    events_clear();
    struct store_reply reply = run_ok((struct store_request){.op = STORE_RESCUE});
    cr_assert_eq(reply.changed, 2);
    cr_assert_eq(reply.next_ms, 1);
    cr_assert_eq(get(again).state, JOB_AVAILABLE);
    cr_assert_eq(get(again).attempt, 1, "the attempt counts");
    cr_assert_eq(get(again).lease, first.lease);
    cr_assert_eq(get(again).finished_ms, 0);
    cr_assert_eq(get(last).state, JOB_DISCARDED);
    cr_assert_eq(get(last).finished_ms, clock_ms);
    cr_assert_eq(get(younger).state, JOB_EXECUTING);
    cr_assert_str_eq(get(last).errors,
                     "[{\"at\":1700000030000,\"attempt\":1,\"error\":\"lease ran out\"}]");
    cr_assert_events("store/job/rescue job=1 lease=1 state=available crashes=1 limit=0\n"
                     "store/job/rescue job=2 lease=1 state=discarded crashes=1 limit=0\n");
}

/* Claims it, and lets its lease run out. */
static struct job poisoned(uint64_t id)
{
    claim_one(id);
    clock_ms += LEASE_MS;
    run_ok((struct store_request){.op = STORE_RESCUE, .crash_limit = 2});
    return get(id);
}

CONFORMS(what_no_run_survives_is_discarded)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct job once = poisoned(id);
    cr_assert_eq(once.state, JOB_AVAILABLE);
    cr_assert_eq(once.crashes, 1);
    events_clear();
    struct job twice = poisoned(id);
    cr_assert_eq(twice.state, JOB_DISCARDED);
    cr_assert_eq(twice.finished_ms, clock_ms);
    cr_assert(
        strstr(twice.errors, "\"lease ran out 2 times in a row: no run of it comes to an end\""));
    cr_assert_events("store/job/claim job=1 lease=2 attempt=2 max=20 queue=default\n"
                     "store/job/rescue job=1 lease=2 state=discarded crashes=2 limit=2\n");
    cr_assert_eq(change(STORE_RETRY, id), 1);
    cr_assert_eq(get(id).crashes, 0);
    cr_assert_eq(poisoned(id).state, JOB_AVAILABLE);
}

CONFORMS(only_crashes_in_a_row_count)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    for (int i = 0; i < 3; ++i) {
        cr_assert_eq(poisoned(id).state, JOB_AVAILABLE);
        ack(claim_one(id), i % 2 ? JOB_RETRYABLE : JOB_SCHEDULED, 0, NULL);
        cr_assert_eq(get(id).crashes, 0);
        tick(STORE_STAGE);
    }
}

CONFORMS(the_clock_does_not_go_back)
{
    insert((struct job_spec){.worker = "w", .delay_ms = 10});
    clock_ms += 10;
    cr_assert_eq(run_ok((struct store_request){.op = STORE_STATS}).now_ms, NOW_MS + 10);
    clock_ms -= 3600000;
    cr_assert_eq(tick(STORE_STAGE), 1);
    cr_assert_eq(claim(1).now_ms, NOW_MS + 10);
}

CONFORMS(nothing_to_wait_for)
{
    cr_assert_eq(claim(1).next_ms, -1);
    insert((struct job_spec){.worker = "w", .delay_ms = 25});
    cr_assert_eq(claim(1).next_ms, 25);
}

CONFORMS(what_waits_beyond_its_deadline_is_discarded)
{
    static const struct store_request expire = {.op = STORE_EXPIRE};
    static const struct store_request look = {.op = STORE_STAGE, .deadlines = true};
    uint64_t waits = insert((struct job_spec){.worker = "w", .within_ms = 100});
    uint64_t later = insert((struct job_spec){.worker = "w", .within_ms = 101});
    uint64_t sleeps = insert((struct job_spec){.worker = "w", .delay_ms = 50, .within_ms = 50});
    uint64_t for_ever = insert((struct job_spec){.worker = "w"});
    uint64_t runs = insert((struct job_spec){.worker = "w", .queue = "q", .within_ms = 10});
    run_ok((struct store_request){
        .op = STORE_CLAIM, .queue = "q", .limit = 1, .owner = "o", .lease_ms = LEASE_MS});
    struct store_reply early = run_ok(expire);
    cr_assert_eq(early.changed, 0);
    cr_assert_eq(early.next_ms, 100);
    cr_assert_eq(run_ok(look).deadline_ms, 100);
    clock_ms += 100;
    cr_assert_eq(run_ok(look).deadline_ms, 0);
    events_clear();
    struct store_reply reply = run_ok(expire);
    cr_assert_eq(reply.changed, 2);
    cr_assert_eq(reply.next_ms, 1);
    cr_assert_eq(get(waits).state, JOB_DISCARDED);
    cr_assert_eq(get(waits).finished_ms, clock_ms);
    cr_assert(strstr(get(waits).errors, "\"its deadline passed before it ran\""));
    cr_assert_eq(get(sleeps).state, JOB_DISCARDED);
    cr_assert_eq(get(later).state, JOB_AVAILABLE);
    cr_assert_eq(get(for_ever).state, JOB_AVAILABLE);
    cr_assert_eq(get(runs).state, JOB_EXECUTING);
    cr_assert_events("store/job/expire job=1 state=discarded\n"
                     "store/job/expire job=3 state=discarded\n");
    clock_ms += 1;
    cr_assert_eq(run_ok(expire).changed, 1);
    cr_assert_eq(run_ok(expire).next_ms, -1);
    cr_assert_eq(run_ok(look).deadline_ms, -1);
}
