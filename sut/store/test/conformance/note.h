/* note.h: what jobs leave: results, progress, checkpoints. */

static bool leave(struct store_note note)
{
    return run_ok((struct store_request){.op = STORE_NOTE, .notes = &note, .note_count = 1})
        .renewed[0];
}

static void complete(struct store_lease lease, const char *result)
{
    struct store_ack one = {lease.id, lease.lease, JOB_COMPLETED, 0, NULL, result};
    struct store_request request = {.op = STORE_ACK, .acks = &one, .ack_count = 1};
    cr_assert_eq(run_ok(request).acks[0], ACK_APPLIED);
}

CONFORMS(the_result_is_that_of_the_run_that_completed_it)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    complete(claim_one(id), "{\"n\":1}");
    cr_assert_str_eq(get(id).result, "{\"n\":1}");
    cr_assert_eq(get(id).finished_ms, NOW_MS);
    cr_assert_str_eq(get(id).errors, "[]");
    cr_assert_eq(change(STORE_RETRY, id), 1);
    cr_assert_str_eq(get(id).result, "", "it is not over any more");
    complete(claim_one(id), NULL);
    cr_assert_str_eq(get(id).result, "");
    struct store_ack zombie = {id, 1, JOB_COMPLETED, 0, NULL, "\"late\""};
    run_ok((struct store_request){.op = STORE_ACK, .acks = &zombie, .ack_count = 1});
    cr_assert_str_eq(get(id).result, "");
}

CONFORMS(results_of_many_at_once)
{
    enum { COUNT = 100 };
    struct store_ack acks[COUNT];
    char results[COUNT][16];
    for (size_t i = 0; i < COUNT; ++i)
        insert((struct job_spec){.worker = "w"});
    struct store_reply claimed = claim(COUNT);
    for (size_t i = 0; i < COUNT; ++i) {
        const struct job *job = &claimed.jobs[i];
        snprintf(results[i], sizeof results[i], "%d", (int)job->id);
        acks[i] = (struct store_ack){job->id, job->lease, JOB_COMPLETED, 0, NULL, results[i]};
    }
    acks[7].result = NULL;
    run_ok((struct store_request){.op = STORE_ACK, .acks = acks, .ack_count = COUNT});
    for (size_t i = 0; i < COUNT; ++i)
        cr_assert_str_eq(get(acks[i].id).result, i == 7 ? "" : results[i]);
}

CONFORMS(progress_and_checkpoints_of_who_holds_the_lease)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    cr_assert(!leave((struct store_note){.id = id, .lease = 0, .checkpoint = "1"}), "it waits");
    struct store_lease lease = claim_one(id);
    events_clear();
    cr_assert(leave((struct store_note){
        .id = id, .lease = lease.lease, .progress = 40, .text = "almost half"}));
    cr_assert(leave((struct store_note){
        .id = id, .lease = lease.lease, .progress = -1, .checkpoint = "{\"at\":7}"}));
    cr_assert_events("store/job/note job=1 lease=1 checkpoint=0\n"
                     "store/job/note job=1 lease=1 checkpoint=1\n");
    cr_assert_eq(get(id).progress, 40);
    cr_assert_str_eq(get(id).note, "almost half");
    cr_assert_str_eq(get(id).checkpoint, "{\"at\":7}");
    ack(lease, JOB_RETRYABLE, 0, "e");
    cr_assert(!leave((struct store_note){.id = id, .lease = lease.lease, .checkpoint = "8"}));
    tick(STORE_STAGE);
    struct store_reply reply = claim(1);
    cr_assert_str_eq(reply.jobs[0].checkpoint, "{\"at\":7}", "the next run has it");
    cr_assert(!leave((struct store_note){.id = id, .lease = lease.lease, .checkpoint = "8"}));
    cr_assert(!leave((struct store_note){.id = 99, .lease = 1, .checkpoint = "8"}));
    cr_assert_str_eq(get(id).checkpoint, "{\"at\":7}");
}

CONFORMS(notes_are_checked)
{
    static char text[JOB_NOTE_MAX + 2], checkpoint[JOB_CHECKPOINT_MAX + 2];
    memset(text, 'x', JOB_NOTE_MAX + 1);
    memset(checkpoint, '1', JOB_CHECKPOINT_MAX + 1);
    struct store_lease lease = claim_one(insert((struct job_spec){.worker = "w"}));
    struct store_note bad[] = {{.progress = 101},          {.text = text},
                               {.text = "\xff"},           {.checkpoint = "{"},
                               {.checkpoint = checkpoint}, {.checkpoint = ""}};
    for (size_t i = 0; i < ARRAY_SIZE(bad); ++i) {
        bad[i].id = lease.id, bad[i].lease = lease.lease;
        struct store_request request = {.op = STORE_NOTE, .notes = &bad[i], .note_count = 1};
        cr_assert_eq(run(request).err, -EINVAL, "%zu", i);
    }
    cr_assert_str_eq(get(lease.id).checkpoint, "");
}
