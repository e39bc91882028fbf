/* insert.h: new jobs. */

CONFORMS(c1_insert_makes_an_available_job)
{
    uint64_t id = insert((struct job_spec){.worker = "mail", .args = "{\"to\":1}", .priority = 3});
    struct job job = get(id);
    cr_assert_eq(job.state, JOB_AVAILABLE);
    cr_assert_eq(job.attempt, 0);
    cr_assert_eq(job.lease, 0);
    cr_assert_eq(job.max_attempts, 20);
    cr_assert_eq(job.priority, 3);
    cr_assert_str_eq(job.queue, "default");
    cr_assert_str_eq(job.worker, "mail");
    cr_assert_str_eq(job.args, "{\"to\":1}");
    cr_assert_str_eq(job.errors, "[]");
    cr_assert_str_eq(job.owner, "");
    cr_assert_eq(job.inserted_ms, NOW_MS);
    cr_assert_eq(job.scheduled_ms, NOW_MS);
    cr_assert_eq(job.attempted_ms, 0);
    cr_assert_eq(job.finished_ms, 0);
    cr_assert_events("store/job/insert job=1 state=available delay_ms=0\n");
}

CONFORMS(c29_delayed_insert_is_scheduled)
{
    struct job job = get(insert((struct job_spec){.worker = "w", .delay_ms = 5}));
    cr_assert_eq(job.state, JOB_SCHEDULED);
    cr_assert_eq(job.scheduled_ms, NOW_MS + 5);
    cr_assert_eq(claim(9).job_count, 0);
    cr_assert_events("store/job/insert job=1 state=scheduled delay_ms=5\n");
}

CONFORMS(what_a_job_carries_comes_back)
{
    struct job_spec spec = {.worker = "w",
                            .meta = "{\"by\": \"me\"}",
                            .tags = " Mail, urgent,mail",
                            .timeout_ms = 1500,
                            .delay_ms = 10,
                            .within_ms = 5000};
    uint64_t id = insert(spec), plain = insert((struct job_spec){.worker = "w", .delay_ms = 10});
    struct job job = get(id);
    cr_assert_eq(job.state, JOB_SCHEDULED);
    cr_assert_str_eq(job.meta, "{\"by\": \"me\"}");
    cr_assert_str_eq(job.tags, "mail,urgent");
    cr_assert_eq(job.timeout_ms, 1500);
    cr_assert_eq(job.deadline_ms, NOW_MS + 10 + 5000, "from when it is due");
    cr_assert_eq(job.finished_ms, 0);
    cr_assert_str_eq(get(plain).meta, "{}");
    cr_assert_str_eq(get(plain).tags, "");
    cr_assert_eq(get(plain).timeout_ms + get(plain).deadline_ms, 0);
    clock_ms += 10;
    tick(STORE_STAGE);
    struct store_reply reply = claim(2);
    cr_assert_eq(reply.jobs[0].id, id);
    cr_assert_str_eq(reply.jobs[0].meta, job.meta);
    cr_assert_str_eq(reply.jobs[0].tags, job.tags);
    cr_assert_eq(reply.jobs[0].timeout_ms, 1500);
    cr_assert_eq(reply.jobs[0].deadline_ms, job.deadline_ms);
    cr_assert_str_eq(reply.jobs[1].meta, "{}");
}

CONFORMS(a_time_instead_of_a_delay)
{
    struct job later = get(insert((struct job_spec){.worker = "w", .scheduled_ms = NOW_MS + 7}));
    cr_assert_eq(later.state, JOB_SCHEDULED);
    cr_assert_eq(later.scheduled_ms, NOW_MS + 7);
    cr_assert_events("store/job/insert job=1 state=scheduled delay_ms=7\n");
    struct job past = get(insert((struct job_spec){.worker = "w", .scheduled_ms = NOW_MS - 7}));
    cr_assert_eq(past.state, JOB_AVAILABLE);
    cr_assert_eq(past.scheduled_ms, NOW_MS, "it does not overtake who has waited");
    struct job_spec both = {.worker = "w", .scheduled_ms = NOW_MS + 7, .delay_ms = 7};
    cr_assert_eq(
        run((struct store_request){.op = STORE_INSERT, .specs = &both, .spec_count = 1}).err,
        -EINVAL);
}

CONFORMS(c30_a_job_may_begin_in_a_state)
{
    static const enum job_state states[] = {JOB_COMPLETED, JOB_DISCARDED, JOB_CANCELLED,
                                            JOB_RETRYABLE, JOB_SCHEDULED};
    for (size_t i = 0; i < ARRAY_SIZE(states); ++i) {
        struct job job =
            get(insert((struct job_spec){.worker = "w", .state = states[i], .delay_ms = 9}));
        cr_assert_eq(job.state, states[i]);
        cr_assert_eq(job.scheduled_ms, NOW_MS + 9);
        cr_assert_eq(job.finished_ms, job_state_final(states[i]) ? NOW_MS : 0);
    }
    clock_ms += 9;
    cr_assert_eq(tick(STORE_STAGE), 2);
    cr_assert_eq(claim(9).job_count, 2);
}

CONFORMS(c4_insert_of_nothing_is_fine)
{
    struct store_reply reply = run_ok((struct store_request){.op = STORE_INSERT});
    cr_assert_eq(reply.id_count, 0);
    cr_assert_eq(count_all(), 0);
}

CONFORMS(c5_one_bad_spec_and_nothing_is_inserted)
{
    struct job_spec specs[] = {{.worker = "w"}, {.worker = "w"}, {.worker = "w", .priority = 10}};
    struct store_reply reply =
        run((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = 3});
    cr_assert_eq(reply.err, -EINVAL);
    cr_assert_str_eq(reply.why, "job 3 of 3: the priority is not in 0..9");
    cr_assert_null(reply.ids);
    cr_assert_eq(count_all(), 0);
    cr_assert_events("");
}

CONFORMS(ids_are_never_used_twice)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    sql_run("DELETE FROM duress_jobs");
    cr_assert_eq(insert((struct job_spec){.worker = "w"}), id + 1);
}

CONFORMS(c6_bulk_of_20000)
{
    enum { COUNT = 20000 };
    struct job_spec *specs = heap_alloc(&heap, COUNT * sizeof *specs);
    for (size_t i = 0; i < COUNT; ++i)
        specs[i] = (struct job_spec){.worker = "w", .delay_ms = i % 2 ? 1 : 0};
    struct store_reply reply =
        run_ok((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = COUNT});
    cr_assert_eq(reply.id_count, COUNT);
    for (size_t i = 0; i < COUNT; ++i)
        cr_assert_eq(reply.ids[i], i + 1);
    cr_assert_eq(count_of(JOB_AVAILABLE), COUNT / 2);
    cr_assert_eq(count_of(JOB_SCHEDULED), COUNT / 2);
    clock_ms += 1;
    cr_assert_eq(tick(STORE_STAGE), 5000, "a transaction is bounded");
    cr_assert_eq(run((struct store_request){.op = STORE_STAGE}).next_ms, -1);
    cr_assert_eq(claim(COUNT).job_count, COUNT);
    clock_ms += LEASE_MS;
    cr_assert_eq(tick(STORE_RESCUE), 5000);
    cr_assert_eq(run((struct store_request){.op = STORE_RESCUE}).next_ms, 0, "there is more");
}

/* Many at a time may go another way; what is not like the others among them does not. */
CONFORMS(many_jobs_at_a_time_have_their_ids_in_order)
{
    enum { MANY = 50, TAGGED = 20, LATER = 37 };
    struct job_spec specs[MANY];
    char args[MANY][16];
    for (size_t i = 0; i < MANY; ++i) {
        snprintf(args[i], sizeof args[i], "{\"n\":%zu}", i);
        specs[i] = (struct job_spec){.worker = "w", .args = args[i], .priority = (int)(i % 10)};
    }
    specs[TAGGED].tags = "red";
    specs[LATER].delay_ms = 5;
    struct store_reply reply =
        run_ok((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = MANY});
    cr_assert_eq(reply.id_count, MANY);
    for (size_t i = 0; i < MANY; ++i) {
        struct job job = get(reply.ids[i]);
        cr_assert_eq(reply.ids[i], i + 1);
        cr_assert_str_eq(job.args, args[i]);
        cr_assert_eq(job.priority, i % 10);
        cr_assert_eq(job.state, i == LATER ? JOB_SCHEDULED : JOB_AVAILABLE);
    }
    cr_assert_str_eq(get(reply.ids[TAGGED]).tags, "red");
}
