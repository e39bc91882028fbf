/* read.h: what readers are told. */

CONFORMS(get_and_list_by_id)
{
    uint64_t ids[4];
    for (size_t i = 0; i < 4; ++i)
        ids[i] = insert(
            (struct job_spec){.worker = "w", .queue = i % 2 ? "odd" : "even", .delay_ms = i > 1});
    uint64_t wanted[] = {ids[2], ids[0], 99, ids[2]};
    struct store_reply reply =
        run_ok((struct store_request){.op = STORE_GET, .ids = wanted, .id_count = 4});
    cr_assert_eq(reply.job_count, 2);
    cr_assert_eq(reply.jobs[0].id, ids[0]);
    cr_assert_eq(reply.jobs[1].id, ids[2]);
    cr_assert_eq(run_ok((struct store_request){.op = STORE_LIST, .limit = 3}).job_count, 3);
    struct job_filter filter = {.queue = "odd"};
    struct store_request odd = {.op = STORE_LIST, .limit = SIZE_MAX, .filter = &filter};
    reply = run_ok(odd);
    cr_assert_eq(reply.job_count, 2);
    cr_assert_eq(reply.jobs[1].id, ids[3]);
    filter.states = JOB_STATE_BIT(JOB_SCHEDULED);
    reply = run_ok(odd);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, ids[3]);
    filter.states = JOB_STATE_BIT(JOB_STATE_COUNT);
    cr_assert_eq(run(odd).err, -EINVAL);
}

CONFORMS(long_arguments_come_back_whole)
{
    char *args = heap_alloc(&heap, JOB_ARGS_MAX + 1);
    memset(args, 'x', JOB_ARGS_MAX);
    memcpy(args, "{\"x\":\"", 6);
    memcpy(args + JOB_ARGS_MAX - 2, "\"}", 2);
    insert((struct job_spec){.worker = "w", .args = args});
    cr_assert_str_eq(claim(1).jobs[0].args, args);
}
