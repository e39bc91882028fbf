/* hand.h: update, delete, prune, and many jobs at once. */

static size_t update(uint64_t id, struct job_update update)
{
    return run_ok((struct store_request){
                      .op = STORE_UPDATE, .ids = &id, .id_count = 1, .update = &update})
        .changed;
}

/* ---- update ---- */

CONFORMS(c33_update_changes_what_is_said)
{
    uint64_t id = insert((struct job_spec){.worker = "w", .tags = "a", .meta = "{\"m\":1}"});
    events_clear();
    cr_assert_eq(update(id, (struct job_update){.tags = "B, c", .set_priority = true}), 1);
    cr_assert_events("store/job/update job=1 state=available delay_ms=-1\n");
    cr_assert_str_eq(get(id).tags, "b,c");
    cr_assert_str_eq(get(id).meta, "{\"m\":1}", "what is not said stays");
    cr_assert_eq(get(id).version, 1);
    struct job_update all = {.args = "{\"n\":2}",
                             .meta = "{}",
                             .tags = "",
                             .queue = "other",
                             .worker = "x",
                             .set_priority = true,
                             .priority = 7,
                             .max_attempts = 3};
    cr_assert_eq(update(id, all), 1);
    struct job job = get(id);
    cr_assert_str_eq(job.args, "{\"n\":2}");
    cr_assert_str_eq(job.meta, "{}");
    cr_assert_str_eq(job.tags, "");
    cr_assert_str_eq(job.queue, "other");
    cr_assert_str_eq(job.worker, "x");
    cr_assert_eq(job.priority, 7);
    cr_assert_eq(job.max_attempts, 3);
    cr_assert_eq(job.state, JOB_AVAILABLE);
    cr_assert_eq(update(99, all), 0, "there is no such job");
}

CONFORMS(c33_update_only_of_what_was_read)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct job_update first = {.tags = "first", .guarded = true, .version = get(id).version};
    struct job_update second = {.tags = "second", .guarded = true, .version = get(id).version};
    cr_assert_eq(update(id, first), 1);
    cr_assert_eq(update(id, second), 0, "it has read what is not so any more");
    cr_assert_str_eq(get(id).tags, "first");
    second.version = get(id).version;
    cr_assert_eq(update(id, second), 1);
    claim_one(id);
    second.version = get(id).version;
    cr_assert_eq(update(id, second), 1, "a claim is no update");
}

CONFORMS(c34_a_later_time_makes_an_available_job_scheduled)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    events_clear();
    cr_assert_eq(update(id, (struct job_update){.scheduled_ms = NOW_MS + 50}), 1);
    cr_assert_events("store/job/update job=1 state=scheduled delay_ms=50\n");
    cr_assert_eq(get(id).state, JOB_SCHEDULED);
    cr_assert_eq(claim(1).job_count, 0);
    cr_assert_eq(update(id, (struct job_update){.scheduled_ms = NOW_MS + 20}), 1, "and earlier");
    clock_ms += 20;
    cr_assert_eq(tick(STORE_STAGE), 1);
    cr_assert_eq(get(id).scheduled_ms, NOW_MS + 20);
    cr_assert_eq(update(id, (struct job_update){.scheduled_ms = NOW_MS + 1}), 1);
    cr_assert_eq(get(id).state, JOB_AVAILABLE, "what is past is due");
    struct store_lease lease = claim_one(id);
    cr_assert_eq(update(id, (struct job_update){.scheduled_ms = NOW_MS + 90}), 0, "it runs");
    ack(lease, JOB_COMPLETED, 0, NULL);
    cr_assert_eq(update(id, (struct job_update){.scheduled_ms = NOW_MS + 90}), 0, "it is over");
}

CONFORMS(an_update_leaves_a_job_attempts)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    ack(claim_one(id), JOB_RETRYABLE, 0, "e");
    tick(STORE_STAGE);
    cr_assert_eq(update(id, (struct job_update){.max_attempts = 1}), 0, "it would never run");
    cr_assert_eq(update(id, (struct job_update){.max_attempts = 2}), 1);
    struct store_lease lease = claim_one(id);
    cr_assert_eq(update(id, (struct job_update){.max_attempts = 1}), 0);
    cr_assert_eq(update(id, (struct job_update){.max_attempts = 2}), 1, "it is the last one");
    cr_assert_eq(ack(lease, JOB_DISCARDED, 0, "e"), ACK_APPLIED);
}

CONFORMS(c27_c28_updates_are_checked_as_inserts_are)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct job_update bad[] = {{.set_priority = true, .priority = 10},
                               {.args = "[]"},
                               {.meta = "7"},
                               {.queue = ""},
                               {.worker = ""},
                               {.max_attempts = JOB_ATTEMPTS_LIMIT + 1},
                               {.scheduled_ms = INT64_MAX}};
    for (size_t i = 0; i < ARRAY_SIZE(bad); ++i) {
        struct store_request request = {
            .op = STORE_UPDATE, .ids = &id, .id_count = 1, .update = &bad[i]};
        cr_assert_eq(run(request).err, -EINVAL, "%zu", i);
    }
    cr_assert_eq(run((struct store_request){.op = STORE_UPDATE, .ids = &id, .id_count = 1}).err,
                 -EINVAL);
    cr_assert_eq(get(id).version, 0);
}

/* ---- delete ---- */

CONFORMS(c59_delete_removes_what_does_not_run)
{
    uint64_t running = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(running);
    uint64_t available = insert((struct job_spec){.worker = "w"});
    uint64_t scheduled = insert((struct job_spec){.worker = "w", .delay_ms = 5});
    uint64_t ids[] = {running, available, scheduled, 99};
    events_clear();
    struct store_request request = {.op = STORE_DELETE, .ids = ids, .id_count = 4};
    cr_assert_eq(run_ok(request).changed, 2);
    cr_assert_events("store/job/delete job=2 state=available\n"
                     "store/job/delete job=3 state=scheduled\n");
    cr_assert_eq(count_all(), 1);
    cr_assert_eq(ack(lease, JOB_COMPLETED, 0, NULL), ACK_APPLIED);
    cr_assert_eq(run_ok(request).changed, 1, "it is over now");
    cr_assert_eq(ack(lease, JOB_COMPLETED, 0, NULL), ACK_STALE);
}

/* ---- many at once ---- */

static struct store_reply bulk(enum store_op op, struct job_filter filter)
{
    return run_ok((struct store_request){.op = op, .filter = &filter});
}

CONFORMS(c58_cancel_all_tells_how_many)
{
    uint64_t completed = insert((struct job_spec){.worker = "w"});
    ack(claim_one(completed), JOB_COMPLETED, 0, NULL);
    struct store_lease lease = claim_one(insert((struct job_spec){.worker = "w"}));
    insert((struct job_spec){.worker = "w"});
    insert((struct job_spec){.worker = "w", .delay_ms = 5});
    struct store_reply reply = bulk(STORE_CANCEL, (struct job_filter){0});
    cr_assert_eq(reply.changed, 3);
    cr_assert_eq(count_of(JOB_CANCELLED), 3);
    cr_assert_eq(reply.cut_count, 1);
    cr_assert_eq(reply.cut[0].id, lease.id);
    cr_assert_eq(reply.cut[0].lease, lease.lease);
}

CONFORMS(c61_retry_all_tells_how_many)
{
    static const enum job_state ends[] = {JOB_DISCARDED, JOB_COMPLETED, JOB_RETRYABLE};
    for (size_t i = 0; i < ARRAY_SIZE(ends); ++i)
        ack(claim_one(insert((struct job_spec){.worker = "w"})), ends[i], 99, NULL);
    insert((struct job_spec){.worker = "w"});
    cr_assert_eq(bulk(STORE_RETRY, (struct job_filter){0}).changed, 3);
    cr_assert_eq(count_of(JOB_AVAILABLE), 4);
}

CONFORMS(filters_say_which_jobs_are_meant)
{
    struct job_spec specs[] = {{.worker = "a", .tags = "red"},
                               {.worker = "b", .tags = "red,blue"},
                               {.worker = "b", .queue = "mail", .tags = "blue"},
                               {.worker = "a", .queue = "mail", .delay_ms = 9, .tags = "redd"}};
    for (size_t i = 0; i < ARRAY_SIZE(specs); ++i) {
        insert(specs[i]);
        clock_ms += 10;
    }
    struct {
        struct job_filter filter;
        const char *ids;
    } cases[] = {
        {{0}, "1234"},
        {{.worker = "a"}, "14"},
        {{.queue = "mail"}, "34"},
        {{.tag = " RED"}, "12"},
        {{.tag = "e"}, ""},
        {{.tag = "blue", .worker = "b", .queue = "default"}, "2"},
        {{.states = JOB_STATE_BIT(JOB_SCHEDULED)}, "4"},
        {{.states = JOB_STATE_BIT(JOB_SCHEDULED) | JOB_STATE_BIT(JOB_COMPLETED)}, "4"},
        {{.older_ms = 25}, "12"},
        {{.older_ms = 30}, "12"},
        {{.older_ms = 31}, "1"},
        {{.after_id = 2}, "34"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
        char ids[16] = "";
        struct store_request list = {.op = STORE_LIST, .filter = &cases[i].filter, .limit = 9};
        struct store_reply reply = run_ok(list);
        for (size_t j = 0; j < reply.job_count; ++j)
            snprintf(ids + j, sizeof ids - j, "%d", (int)reply.jobs[j].id);
        cr_assert_str_eq(ids, cases[i].ids, "case %zu", i);
        struct store_request stats = {.op = STORE_STATS, .filter = &cases[i].filter};
        uint64_t sum = 0;
        reply = run_ok(stats);
        for (int state = 0; state < JOB_STATE_COUNT; ++state)
            sum += reply.counts[state];
        cr_assert_eq(sum, strlen(cases[i].ids));
    }
    struct job_filter comma = {.tag = "a,b"}, blank = {.tag = " "}, young = {.older_ms = -1};
    const struct job_filter *bad[] = {&comma, &blank, &young};
    for (size_t i = 0; i < ARRAY_SIZE(bad); ++i)
        cr_assert_eq(run((struct store_request){.op = STORE_DELETE, .filter = bad[i]}).err,
                     -EINVAL);
}

/* What is found by {"part": of its arguments}. */
static bool found_by_args(const char *args, const char *part)
{
    uint64_t id = insert((struct job_spec){.worker = "w", .args = args});
    struct job_filter filter = {.args = part, .after_id = id - 1};
    struct store_reply reply =
        run_ok((struct store_request){.op = STORE_LIST, .filter = &filter, .limit = 9});
    cr_assert_leq(reply.job_count, 1);
    return reply.job_count == 1;
}

CONFORMS(filters_find_jobs_by_what_their_arguments_contain)
{
    static const struct {
        const char *args, *part;
        bool found;
    } cases[] = {
        {"{\"id\":1}", "{\"id\":1}", true},
        {"{\"id\":1}", "{}", true},
        {"{\"id\":1,\"by\":\"me\"}", "{\"by\":\"me\"}", true},
        {"{\"id\":1}", "{\"id\":2}", false},
        {"{\"id\":1}", "{\"id\":\"1\"}", false},
        {"{\"id\":1}", "{\"di\":1}", false},
        {"{\"id\":10e-1}", "{\"id\":1.0}", true},
        {"{\"id\":12345678901234567890}", "{\"id\":12345678901234567891}", false},
        {"{\"id\":null}", "{\"id\":null}", true},
        {"{}", "{\"id\":null}", false},
        {"{\"t\":true}", "{\"t\":1}", false},
        {"{\"a\":{\"b\":{\"c\":1,\"d\":2}}}", "{\"a\":{\"b\":{\"d\":2}}}", true},
        {"{\"a\":{\"b\":1}}", "{\"b\":1}", false},
        {"{\"a\":{\"b\":1}}", "{\"a\":{}}", true},
        {"{\"a\":1}", "{\"a\":{}}", false},
        {"{\"a\":[1,2,{\"b\":3,\"c\":4}]}", "{\"a\":[{\"b\":3},1]}", true},
        {"{\"a\":[1,2]}", "{\"a\":[3]}", false},
        {"{\"a\":[1,2]}", "{\"a\":1}", false},
        {"{\"a\":[[1,2]]}", "{\"a\":[[2]]}", true},
        {"{\"a\":[]}", "{\"a\":[]}", true},
        {"{\"\\u0061\":\"\\u00e9\"}", "{\"a\":\"\u00e9\"}", true},
        {"{\"a\":\"}\\\"]\",\"b\":7}", "{\"b\":7}", true},
        {"{\"a\":\"}\\\"]\"}", "{\"a\":\"}\\u0022]\"}", true},
        {" { \"a\" : [ 1 , 2 ] } ", "{\"a\":[2]}", true},
        {"{\"a\":1,\"a\":2}", "{\"a\":2}", true},
        {"{\"a\":1,\"a\":2}", "{\"a\":1}", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); ++i)
        cr_assert_eq(found_by_args(cases[i].args, cases[i].part), cases[i].found, "%s @> %s",
                     cases[i].args, cases[i].part);
    cr_assert_not(found_by_args("{\"nul\":\"\\u0000\"}", "{\"id\":1}"), "nobody is troubled by it");
}

CONFORMS(filters_by_arguments_and_meta_say_which_jobs_are_changed)
{
    struct job_spec specs[] = {{.worker = "w", .args = "{\"id\":1}", .meta = "{\"by\":\"a\"}"},
                               {.worker = "w", .args = "{\"id\":1,\"n\":2}"},
                               {.worker = "w", .args = "{\"id\":2}", .meta = "{\"by\":\"a\"}"}};
    run_ok((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = 3});
    struct job_filter both = {.args = "{\"id\":1}", .meta = "{\"by\":\"a\"}"};
    struct store_request stats = {.op = STORE_STATS, .filter = &both};
    cr_assert_eq(run_ok(stats).counts[JOB_AVAILABLE], 1);
    cr_assert_eq(bulk(STORE_CANCEL, (struct job_filter){.args = "{\"id\":1}"}).changed, 2);
    cr_assert_eq(get(3).state, JOB_AVAILABLE);
    cr_assert_eq(bulk(STORE_DELETE, (struct job_filter){.meta = "{\"by\":\"a\"}"}).changed, 2);
    cr_assert_eq(get(2).state, JOB_CANCELLED);
    struct job_filter none = {.args = "[1]"}, broken = {.meta = "{"};
    const struct job_filter *bad[] = {&none, &broken};
    for (size_t i = 0; i < 2; ++i)
        cr_assert_eq(run((struct store_request){.op = STORE_CANCEL, .filter = bad[i]}).err,
                     -EINVAL);
}

CONFORMS(many_at_once_in_short_transactions)
{
    enum { COUNT = BULK_MOST + 1000 };
    struct job_spec *specs = heap_alloc(&heap, COUNT * sizeof *specs);
    for (size_t i = 0; i < COUNT; ++i)
        specs[i] = (struct job_spec){.worker = i < BULK_MOST ? "some" : "others"};
    run_ok((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = COUNT});
    struct job_filter filter = {.worker = "others"};
    struct store_reply reply = bulk(STORE_DELETE, filter);
    cr_assert_eq(reply.changed, 0, "it has not come so far");
    cr_assert(reply.more && reply.last_id == BULK_MOST);
    filter.after_id = reply.last_id;
    reply = bulk(STORE_DELETE, filter);
    cr_assert_eq(reply.changed, 1000);
    filter.after_id = reply.last_id;
    cr_assert(!bulk(STORE_DELETE, filter).more);
    struct job_filter all = {0};
    reply = run_ok((struct store_request){.op = STORE_DELETE, .filter = &all, .limit = 10});
    cr_assert_eq(reply.changed, 10);
    cr_assert(reply.more && reply.last_id == 10);
}

/* ---- cancelled while it ran ---- */

/* Many go in one statement, but for those of flows, which have consequences. */
CONFORMS(c58_c61_many_by_hand_are_changed_as_each_of_them_would_be)
{
    enum { KINDS = 6, COUNT = 4 * KINDS };
    uint64_t ids[COUNT];
    for (size_t i = 0; i < COUNT; ++i)
        ids[i] = insert((struct job_spec){.worker = "w",
                                          .delay_ms = i % KINDS == 0 ? 5000 : 0,
                                          .priority = i % KINDS == 4 ? 0 : 1,
                                          .state = i % KINDS == 1   ? JOB_COMPLETED
                                                   : i % KINDS == 2 ? JOB_DISCARDED
                                                                    : JOB_AVAILABLE,
                                          .chain = i % KINDS == 3 ? "line" : NULL});
    for (size_t i = 0; i < COUNT; ++i)
        if (i % KINDS == 4)
            claim_one(ids[i]);
    struct store_reply reply =
        run_ok((struct store_request){.op = STORE_CANCEL, .ids = ids, .id_count = COUNT});
    cr_assert_eq(reply.changed, COUNT * 4 / KINDS, "all but what is over");
    cr_assert_eq(reply.cut_count, COUNT / KINDS);
    cr_assert_eq(count_of(JOB_CANCELLED), COUNT * 4 / KINDS);
    for (size_t i = 0; i < COUNT; ++i)
        cr_assert_eq(strstr(get(ids[i]).errors, "cancelled while it ran") != NULL, i % KINDS == 4);
    reply = run_ok((struct store_request){.op = STORE_RETRY, .ids = ids, .id_count = COUNT});
    cr_assert_eq(reply.changed, COUNT);
    cr_assert_eq(count_of(JOB_SUSPENDED), 3, "the others of the chain wait for their turn");
    cr_assert_eq(count_of(JOB_AVAILABLE), COUNT - 3);
    reply = run_ok((struct store_request){.op = STORE_DELETE, .ids = ids, .id_count = COUNT});
    cr_assert_eq(count_all(), COUNT - reply.changed);
    cr_assert_eq(reply.changed, COUNT - 4, "all but the chain, which has not ended");
}

CONFORMS(c56_every_node_learns_that_something_was_cancelled)
{
    uint64_t before = run_ok((struct store_request){.op = STORE_STAGE}).cuts;
    uint64_t waits = insert((struct job_spec){.worker = "w"});
    cr_assert_eq(change(STORE_CANCEL, waits), 1);
    cr_assert_eq(run_ok((struct store_request){.op = STORE_STAGE}).cuts, before, "it did not run");
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(id);
    struct store_reply reply =
        run_ok((struct store_request){.op = STORE_CANCEL, .ids = &id, .id_count = 1});
    cr_assert_eq(reply.cut_count, 1);
    cr_assert(reply.cut[0].id == id && reply.cut[0].lease == lease.lease);
    cr_assert_eq(run_ok((struct store_request){.op = STORE_STAGE}).cuts, before + 1);
    insert((struct job_spec){.worker = "w", .delay_ms = 1});
    clock_ms += 1;
    cr_assert_eq(run_ok((struct store_request){.op = STORE_STAGE}).cuts, before + 1,
                 "also when something is staged");
}

/* ---- prune ---- */

CONFORMS(c75_c76_prune_by_state_and_by_when_it_ended)
{
    static const enum job_state ends[] = {JOB_COMPLETED, JOB_CANCELLED, JOB_DISCARDED};
    uint64_t ids[9];
    for (size_t i = 0; i < 9; ++i) {
        ids[i] = insert((struct job_spec){.worker = "w"});
        ack(claim_one(ids[i]), ends[i % 3], 0, NULL);
        clock_ms += i % 3 == 2 ? 1000 : 0;
    }
    insert((struct job_spec){.worker = "w"});
    insert((struct job_spec){.worker = "w", .delay_ms = 100000});
    struct store_request prune = {.op = STORE_PRUNE, .keep = {2000, 2000, 2000}};
    events_clear();
    struct store_reply reply = run_ok(prune);
    cr_assert_eq(reply.changed, 6, "those of 3 s and 2 s, not those of 1 s");
    cr_assert(!reply.more);
#ifdef DURESS_POINTS
    cr_assert_eq(strlen(events), 6 * strlen("store/job/prune job=1 state=completed keep_ms=2000\n"),
                 "the words are equally long");
    cr_assert_not_null(strstr(events, "store/job/prune job=1 state=completed keep_ms=2000\n"));
    cr_assert_not_null(strstr(events, "store/job/prune job=5 state=cancelled keep_ms=2000\n"));
#endif
    cr_assert_eq(count_all(), 5);
    clock_ms += 100000;
    prune.keep = (struct job_keep){.cancelled_ms = 1};
    cr_assert_eq(run_ok(prune).changed, 1, "each state has its own time; none is for ever");
    cr_assert_eq(count_of(JOB_CANCELLED), 0);
    cr_assert_eq(count_of(JOB_COMPLETED) + count_of(JOB_DISCARDED), 2);
    prune.keep = (struct job_keep){0};
    cr_assert_eq(run_ok(prune).changed, 0);
    cr_assert_eq(get(ids[6]).state, JOB_COMPLETED);
}

CONFORMS(c75_only_the_end_counts_not_the_insert)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    clock_ms += 5000;
    ack(claim_one(id), JOB_COMPLETED, 0, NULL);
    struct store_request prune = {.op = STORE_PRUNE, .keep = {1000, 1000, 1000}};
    cr_assert_eq(run_ok(prune).changed, 0);
    cr_assert_eq(change(STORE_RETRY, id), 1);
    clock_ms += 5000;
    cr_assert_eq(run_ok(prune).changed, 0, "it has not ended");
    ack(claim_one(id), JOB_COMPLETED, 0, NULL);
    clock_ms += 1000;
    cr_assert_eq(run_ok(prune).changed, 1);
}

CONFORMS(prune_in_short_transactions)
{
    enum { COUNT = PRUNE_LOOKS + 7 };
    struct job_spec *specs = heap_alloc(&heap, COUNT * sizeof *specs);
    for (size_t i = 0; i < COUNT; ++i)
        specs[i] = (struct job_spec){.worker = "w", .state = JOB_COMPLETED};
    run_ok((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = COUNT});
    clock_ms += 10;
    insert((struct job_spec){.worker = "w", .state = JOB_COMPLETED});
    struct store_request prune = {.op = STORE_PRUNE, .keep = {.completed_ms = 10}};
    struct store_reply reply = run_ok(prune);
    cr_assert_eq(reply.changed, PRUNE_LOOKS);
    cr_assert(reply.more);
    prune.after_id = reply.last_id;
    reply = run_ok(prune);
    cr_assert_eq(reply.changed, 7);
    cr_assert(!reply.more);
    cr_assert_eq(count_all(), 1);
}
