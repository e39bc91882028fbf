/* claim.h: who gets which jobs, in which order. */

CONFORMS(claim_makes_executing_and_raises_attempt_and_lease)
{
    uint64_t id = insert((struct job_spec){.worker = "w", .args = "{\"n\":1}", .max_attempts = 3});
    events_clear();
    clock_ms += 7;
    struct store_reply reply = claim(5);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.now_ms, NOW_MS + 7);
    cr_assert_eq(reply.next_ms, LEASE_MS, "then its lease runs out");
    cr_assert_eq(reply.jobs[0].attempt, 1);
    cr_assert_eq(reply.jobs[0].lease, 1);
    cr_assert_eq(reply.jobs[0].state, JOB_EXECUTING);
    cr_assert_str_eq(reply.jobs[0].args, "{\"n\":1}");
    cr_assert_str_eq(reply.jobs[0].meta, "{}");
    cr_assert_str_eq(reply.jobs[0].tags, "");
    cr_assert_str_eq(reply.jobs[0].errors, "[]");
    cr_assert_str_eq(get(id).owner, "o1");
    cr_assert_eq(get(id).attempted_ms, NOW_MS + 7);
    cr_assert_eq(claim(5).job_count, 0, "nobody gets it twice");
    cr_assert_events("store/job/claim job=1 lease=1 attempt=1 max=3 queue=default\n");
}

CONFORMS(c48_claims_by_priority_then_due_time_then_id)
{
    uint64_t late = insert((struct job_spec){.worker = "w", .priority = 1, .delay_ms = 2});
    uint64_t low = insert((struct job_spec){.worker = "w", .priority = 9});
    uint64_t second = insert((struct job_spec){.worker = "w", .priority = 1});
    uint64_t third = insert((struct job_spec){.worker = "w", .priority = 1});
    uint64_t other = insert((struct job_spec){.worker = "w", .queue = "other"});
    uint64_t first = insert((struct job_spec){.worker = "w", .priority = 0});
    clock_ms += 2;
    tick(STORE_STAGE);
    uint64_t order[] = {first, second, third, late, low};
    struct store_reply reply = claim(4);
    cr_assert_eq(reply.job_count, 4);
    for (size_t i = 0; i < 4; ++i)
        cr_assert_eq(reply.jobs[i].id, order[i]);
    reply = claim(4);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, order[4]);
    cr_assert_eq(get(other).state, JOB_AVAILABLE);
}

CONFORMS(exhausted_jobs_at_the_head_starve_nobody)
{
    insert((struct job_spec){.worker = "poison"});
    insert((struct job_spec){.worker = "poison"});
    uint64_t healthy = insert((struct job_spec){.worker = "w", .priority = 9});
    sql_run("UPDATE duress_jobs SET attempt=20 WHERE worker='poison'");
    claim_one(healthy);
    cr_assert_eq(count_of(JOB_AVAILABLE), 2);
}

CONFORMS(claim_refuses_nonsense)
{
    struct store_request request = {.op = STORE_CLAIM, .limit = 1, .lease_ms = 1};
    cr_assert_eq(run(request).err, -EINVAL);
    request.queue = "default", request.lease_ms = 0;
    cr_assert_eq(run(request).err, -EINVAL);
    cr_assert_eq(run((struct store_request){.op = STORE_OP_COUNT}).err, -EINVAL);
}

static uint64_t insert_due(const char *queue)
{
    struct job_spec spec = {.queue = queue, .worker = "w", .delay_ms = 1000};
    return run_ok((struct store_request){.op = STORE_INSERT, .specs = &spec, .spec_count = 1})
        .ids[0];
}

CONFORMS(claims_take_due_jobs_of_their_queue_along_when_asked_to)
{
    uint64_t ours = insert_due("default"), theirs = insert_due("mail");
    struct store_request request = {.op = STORE_CLAIM,
                                    .queue = "default",
                                    .limit = 5,
                                    .owner = "o",
                                    .lease_ms = LEASE_MS,
                                    .stage = true};
    struct store_reply reply = run_ok(request);
    cr_assert_eq(reply.job_count + reply.changed, 0, "not due yet");
    cr_assert_eq(reply.next_ms, 1000);
    clock_ms += 1000;
    request.stage = false;
    cr_assert_eq(run_ok(request).job_count, 0, "not asked to");
    request.stage = true;
    events_clear();
    reply = run_ok(request);
    cr_assert_eq(reply.changed, 1);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, ours);
    cr_assert_events("store/job/stage job=1\n"
                     "store/job/claim job=1 lease=1 attempt=1 max=20 queue=default\n");
    cr_assert_eq(get(theirs).state, JOB_SCHEDULED);
}

CONFORMS(claims_take_due_jobs_in_their_order_among_the_others)
{
    static const struct job_spec specs[] = {{.worker = "w", .priority = 2},
                                            {.worker = "w", .priority = 1, .delay_ms = 1000},
                                            {.worker = "w", .priority = 1, .delay_ms = 500},
                                            {.worker = "w", .priority = 3, .delay_ms = 700},
                                            {.worker = "w", .priority = 1}};
    run_ok((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = 5});
    sql_run("UPDATE duress_jobs SET attempt=max_attempts WHERE id=3"); /* never, by hand */
    clock_ms += 1000;
    struct store_request request = {.op = STORE_CLAIM,
                                    .queue = "default",
                                    .limit = 3,
                                    .owner = "o",
                                    .lease_ms = LEASE_MS,
                                    .stage = true};
    struct store_reply reply = run_ok(request);
    cr_assert_eq(reply.job_count, 3);
    cr_assert_eq(reply.changed, 1);
    cr_assert_eq(reply.jobs[0].id, 5);
    cr_assert_eq(reply.jobs[1].id, 2);
    cr_assert_eq(reply.jobs[2].id, 1);
    cr_assert_eq(get(4).state, JOB_SCHEDULED, "there was no room for it");
    reply = run_ok(request);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, 4);
    cr_assert_eq(reply.jobs[0].attempt, 1);
    cr_assert_eq(get(4).state, JOB_EXECUTING);
    cr_assert_eq(get(3).state, JOB_SCHEDULED);
}

CONFORMS(acknowledgements_take_due_jobs_along_too)
{
    uint64_t id = insert_due("default");
    clock_ms += 1000;
    struct store_ack stale = {.id = 99, .lease = 1, .state = JOB_COMPLETED};
    struct store_reply reply = run_ok((struct store_request){.op = STORE_ACK,
                                                             .acks = &stale,
                                                             .ack_count = 1,
                                                             .queue = "default",
                                                             .limit = 1,
                                                             .owner = "o",
                                                             .lease_ms = LEASE_MS,
                                                             .stage = true});
    cr_assert_eq(reply.acks[0], ACK_STALE);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, id);
}
