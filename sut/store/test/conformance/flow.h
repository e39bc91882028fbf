/* flow.h: workflows, batches and chains. */

/* ---- requests and looks ---- */

static struct store_lease claim_id(uint64_t id)
{
    struct store_reply reply = claim(1);
    cr_assert_eq(reply.job_count, 1, "nothing to claim");
    cr_assert_eq(reply.jobs[0].id, id, "job %llu", (unsigned long long)reply.jobs[0].id);
    return (struct store_lease){id, reply.jobs[0].lease};
}

/* Claims the next job, which must be this one, and ends it. */
static void end_as(uint64_t id, enum job_state state)
{
    cr_assert_eq(ack(claim_id(id), state, 0, state == JOB_COMPLETED ? NULL : "e"), ACK_APPLIED);
}

static void assert_state(uint64_t id, enum job_state state)
{
    cr_assert_eq(get(id).state, state, "job %llu is %s", (unsigned long long)id,
                 job_state_word(get(id).state));
}

/* The deps of a step, as the letters of the steps: step 0 is 'a'. */
struct drawn {
    const char *deps;
    struct flow_policy policy;
};

static struct store_reply draw(const struct drawn *drawn, size_t count, struct flow_policy policy,
                               const char *name)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    struct job_spec *specs = heap_alloc(&heap, count * sizeof *specs);
    struct store_step *steps = heap_alloc(&heap, count * sizeof *steps);
    for (size_t i = 0; i < count; ++i) {
        uint32_t *deps = heap_alloc(&heap, (strlen(drawn[i].deps) + 1) * sizeof *deps);
        for (size_t j = 0; drawn[i].deps[j]; ++j)
            deps[j] = (uint32_t)(drawn[i].deps[j] - 'a');
        specs[i] = (struct job_spec){.worker = "w"};
        steps[i] = (struct store_step){names[i], drawn[i].policy, deps, strlen(drawn[i].deps)};
    }
    struct store_workflow workflow = {.name = name, .policy = policy, .steps = steps};
    return run((struct store_request){
        .op = STORE_INSERT, .specs = specs, .spec_count = count, .workflow = &workflow});
}

#define DRAW(policy, ...)                                                                          \
    draw((const struct drawn[]){__VA_ARGS__}, ARRAY_SIZE(((const struct drawn[]){__VA_ARGS__})),   \
         (struct flow_policy)policy, NULL)
#define PLAIN                                                                                      \
    {                                                                                              \
        0                                                                                          \
    }

static struct store_reply flow_of(uint64_t id)
{
    struct store_reply reply = run_ok((struct store_request){.op = STORE_FLOW, .flow = id});
    cr_assert_not_null(reply.flow);
    return reply;
}

static uint64_t chained(const char *key, struct flow_policy policy)
{
    return insert((struct job_spec){.worker = "w", .chain = key, .policy = policy});
}

static struct store_reply batch_run(struct store_batch batch)
{
    return run((struct store_request){.op = STORE_BATCH, .batch = &batch});
}

static uint64_t batch_open(const enum flow_event *wanted, size_t count)
{
    struct store_callback *callbacks = heap_alloc(&heap, (count + 1) * sizeof *callbacks);
    for (size_t i = 0; i < count; ++i)
        callbacks[i] = (struct store_callback){
            wanted[i],
            {.worker = flow_event_word(wanted[i]), .queue = "back", .args = "{\"b\":1}"}};
    struct store_reply reply =
        batch_run((struct store_batch){.callbacks = callbacks, .callback_count = count});
    cr_assert_eq(reply.err, 0, "%s", reply.why);
    return reply.flow->id;
}

#define ALL_EVENTS                                                                                 \
    (const enum flow_event[])                                                                      \
    {                                                                                              \
        FLOW_EVENT_ATTEMPTED, FLOW_EVENT_COMPLETED, FLOW_EVENT_CANCELLED, FLOW_EVENT_DISCARDED,    \
            FLOW_EVENT_RETRYABLE, FLOW_EVENT_EXHAUSTED                                             \
    }

static void batch_close(uint64_t id)
{
    cr_assert_eq(batch_run((struct store_batch){.id = id, .close = true}).err, 0);
}

static uint64_t member(uint64_t batch)
{
    return insert((struct job_spec){.worker = "w", .flow = batch});
}

/* The events that were called back for, in the order of their jobs: "attempted completed". */
static const char *called(void)
{
    static char words[200];
    *words = '\0';
    struct store_reply reply = run_ok((struct store_request){
        .op = STORE_LIST, .filter = &(struct job_filter){.queue = "back"}, .limit = 99});
    for (size_t i = 0; i < reply.job_count; ++i)
        strcat(strcat(words, i ? " " : ""), reply.jobs[i].worker);
    return words;
}

/* ---- suspended ---- */

CONFORMS(suspended_waits_for_no_time)
{
    uint64_t id = insert((struct job_spec){.worker = "w", .state = JOB_SUSPENDED});
    cr_assert_events("store/job/insert job=1 state=suspended delay_ms=0\n");
    struct store_reply reply = claim(9);
    cr_assert_eq(reply.job_count, 0);
    cr_assert_eq(reply.next_ms, -1);
    clock_ms += 1000000;
    cr_assert_eq(tick(STORE_STAGE), 0);
    cr_assert_eq(tick(STORE_RESCUE), 0);
    assert_state(id, JOB_SUSPENDED);
    cr_assert_eq(count_of(JOB_SUSPENDED), 1);
    cr_assert_eq(change(STORE_RETRY, id), 1, "by hand");
    end_as(id, JOB_COMPLETED);
    uint64_t other = insert((struct job_spec){.worker = "w", .state = JOB_SUSPENDED});
    cr_assert_eq(change(STORE_CANCEL, other), 1);
    assert_state(other, JOB_CANCELLED);
}

/* ---- workflows ---- */

CONFORMS(workflow_fans_out_and_in)
{
    struct store_reply reply = DRAW(PLAIN, {""}, {"a"}, {"a"}, {"bc"});
    cr_assert_eq(reply.err, 0, "%s", reply.why);
    const uint64_t *ids = reply.ids;
    uint64_t flow = reply.flow->id;
    cr_assert_eq(get(ids[3]).flow, flow);
    end_as(ids[0], JOB_COMPLETED);
    struct store_lease b = claim_id(ids[1]), c = claim_id(ids[2]);
    cr_assert_eq(claim(9).job_count, 0);
    ack(b, JOB_COMPLETED, 0, NULL);
    cr_assert_eq(ack(b, JOB_COMPLETED, 0, NULL), ACK_REPEATED, "counts once");
    assert_state(ids[3], JOB_SUSPENDED);
    events_clear();
    clock_ms += 7;
    struct store_ack last = {c.id, c.lease, JOB_COMPLETED, 0, NULL};
    reply = run_ok((struct store_request){.op = STORE_ACK,
                                          .acks = &last,
                                          .ack_count = 1,
                                          .queue = "default",
                                          .limit = 5,
                                          .lease_ms = LEASE_MS});
    cr_assert_eq(reply.job_count, 1, "claimed by the call that released it");
    cr_assert_eq(reply.jobs[0].id, ids[3]);
    cr_assert_eq(reply.jobs[0].scheduled_ms, clock_ms);
    cr_assert_eq(reply.woken_count, 1);
    cr_assert_str_eq(reply.woken[0], "default");
    cr_assert_events("store/job/finish job=3 lease=1 state=completed attempt=1 max=20 delay_ms=0\n"
                     "store/flow/release job=4 state=available flow=1\n"
                     "store/job/claim job=4 lease=1 attempt=1 max=20 queue=default\n");
    cr_assert_eq(flow_of(flow).flow->finished_ms, 0);
    ack((struct store_lease){ids[3], 1}, JOB_COMPLETED, 0, NULL);
    cr_assert_eq(flow_of(flow).flow->finished_ms, clock_ms);
    cr_assert_eq(flow_of(flow).flow->completed, 4);
}

CONFORMS(workflow_ends_of_one_call_count_each)
{
    struct store_reply reply = DRAW(PLAIN, {""}, {""}, {"ab"});
    struct store_lease a = claim_id(reply.ids[0]), b = claim_id(reply.ids[1]);
    struct store_ack acks[] = {{a.id, a.lease, JOB_COMPLETED, 0, NULL},
                               {b.id, b.lease, JOB_COMPLETED, 0, NULL}};
    run_ok((struct store_request){.op = STORE_ACK, .acks = acks, .ack_count = 2});
    assert_state(reply.ids[2], JOB_AVAILABLE);
}

CONFORMS(workflow_end_by_default_cancels_what_waits)
{
    struct store_reply reply = DRAW(PLAIN, {""}, {"a"}, {"b"}, {""});
    const uint64_t *ids = reply.ids;
    struct store_lease a = claim_id(ids[0]);
    end_as(ids[3], JOB_COMPLETED);
    events_clear();
    ack(a, JOB_DISCARDED, 0, "hopeless");
    assert_state(ids[1], JOB_CANCELLED);
    assert_state(ids[2], JOB_CANCELLED);
    cr_assert_str_eq(get(ids[1]).errors,
                     "[{\"at\":1700000000000,\"attempt\":0,\"error\":\"job 1, which it waited for, "
                     "was discarded\"}]");
    cr_assert_events("store/job/finish job=1 lease=1 state=discarded attempt=1 max=20 delay_ms=0\n"
                     "store/job/cancel job=2 state=cancelled\n"
                     "store/job/cancel job=3 state=cancelled\n");
    struct store_flow flow = *flow_of(reply.flow->id).flow;
    cr_assert_eq(flow.completed, 1);
    cr_assert_eq(flow.cancelled, 2);
    cr_assert_eq(flow.discarded, 1);
    cr_assert_eq(flow.finished_ms, NOW_MS);
}

CONFORMS(workflow_that_runs_on_anyway)
{
    struct store_reply reply = DRAW(PLAIN, {""}, {"a", {.on_discarded = FLOW_RUN}}, {"a"},
                                    {"a", {.on_cancelled = FLOW_RUN}});
    end_as(reply.ids[0], JOB_DISCARDED);
    assert_state(reply.ids[1], JOB_AVAILABLE);
    assert_state(reply.ids[2], JOB_CANCELLED);
    assert_state(reply.ids[3], JOB_CANCELLED);
    reply = DRAW({.on_cancelled = FLOW_RUN}, {""}, {"a"}, {"a", {.on_cancelled = FLOW_CANCEL}});
    change(STORE_CANCEL, reply.ids[0]);
    assert_state(reply.ids[1], JOB_AVAILABLE);
    assert_state(reply.ids[2], JOB_CANCELLED);
}

CONFORMS(workflow_held_until_retried_and_completed)
{
    struct store_reply reply = DRAW({.on_discarded = FLOW_HOLD}, {""}, {"a"});
    const uint64_t *ids = reply.ids;
    end_as(ids[0], JOB_DISCARDED);
    assert_state(ids[1], JOB_SUSPENDED);
    cr_assert_eq(flow_of(reply.flow->id).flow->discarded, 1);
    cr_assert_eq(change(STORE_RETRY, ids[0]), 1);
    cr_assert_eq(flow_of(reply.flow->id).flow->discarded, 0);
    end_as(ids[0], JOB_COMPLETED);
    assert_state(ids[1], JOB_AVAILABLE);
}

CONFORMS(workflow_retried_as_a_whole)
{
    struct store_reply reply = DRAW(PLAIN, {""}, {"a"});
    const uint64_t *ids = reply.ids;
    end_as(ids[0], JOB_CANCELLED);
    assert_state(ids[1], JOB_CANCELLED);
    cr_assert_eq(change(STORE_RETRY, ids[1]), 1);
    assert_state(ids[1], JOB_SUSPENDED);
    cr_assert_eq(change(STORE_RETRY, ids[0]), 1);
    end_as(ids[0], JOB_COMPLETED);
    end_as(ids[1], JOB_COMPLETED);
    cr_assert_eq(flow_of(reply.flow->id).flow->completed, 2);
    cr_assert_eq(change(STORE_RETRY, ids[1]), 1);
    assert_state(ids[1], JOB_AVAILABLE);
}

CONFORMS(workflow_rescued_for_good)
{
    struct store_reply reply = DRAW({.on_discarded = FLOW_RUN}, {""}, {"a"});
    sql_run("UPDATE duress_jobs SET max_attempts=1");
    claim_id(reply.ids[0]);
    clock_ms += LEASE_MS;
    cr_assert_eq(tick(STORE_RESCUE), 1);
    assert_state(reply.ids[0], JOB_DISCARDED);
    assert_state(reply.ids[1], JOB_AVAILABLE);
}

CONFORMS(workflow_failure_that_is_tried_again_releases_nothing)
{
    struct store_reply reply = DRAW(PLAIN, {""}, {"a"});
    ack(claim_id(reply.ids[0]), JOB_RETRYABLE, 0, "e");
    assert_state(reply.ids[1], JOB_SUSPENDED);
    tick(STORE_STAGE);
    ack(claim_id(reply.ids[0]), JOB_SCHEDULED, 0, NULL);
    assert_state(reply.ids[1], JOB_SUSPENDED);
    tick(STORE_STAGE);
    end_as(reply.ids[0], JOB_COMPLETED);
    assert_state(reply.ids[1], JOB_AVAILABLE);
}

CONFORMS(workflow_step_that_is_due_later)
{
    uint32_t dep = 0;
    struct job_spec specs[] = {{.worker = "w"}, {.worker = "w", .delay_ms = 500}};
    struct store_step steps[] = {{.name = "now"}, {"later", {0}, &dep, 1}};
    struct store_workflow workflow = {.steps = steps};
    struct store_reply reply = run_ok((struct store_request){
        .op = STORE_INSERT, .specs = specs, .spec_count = 2, .workflow = &workflow});
    assert_state(reply.ids[1], JOB_SUSPENDED);
    end_as(reply.ids[0], JOB_COMPLETED);
    assert_state(reply.ids[1], JOB_SCHEDULED);
    clock_ms += 500;
    tick(STORE_STAGE);
    end_as(reply.ids[1], JOB_COMPLETED);
}

CONFORMS(workflow_cancelled_as_a_whole)
{
    struct store_reply reply = DRAW({.on_cancelled = FLOW_RUN}, {""}, {""}, {"a"}, {"c"});
    const uint64_t *ids = reply.ids;
    end_as(ids[0], JOB_COMPLETED);
    struct store_lease b = claim_id(ids[1]);
    struct store_reply cancelled =
        run_ok((struct store_request){.op = STORE_CANCEL, .flow = reply.flow->id});
    cr_assert_eq(cancelled.changed, 3);
    for (size_t i = 1; i < 4; ++i)
        assert_state(ids[i], JOB_CANCELLED);
    cr_assert_eq(ack(b, JOB_COMPLETED, 0, NULL), ACK_STALE);
    cr_assert_eq(flow_of(reply.flow->id).flow->cancelled, 3);
    cr_assert_eq(flow_of(reply.flow->id).flow->finished_ms, NOW_MS);
}

CONFORMS(workflow_as_it_is)
{
    struct drawn drawn[] = {{""}, {"a"}, {"ab"}};
    struct store_reply reply = draw(drawn, 3, (struct flow_policy){0}, "nightly");
    end_as(reply.ids[0], JOB_COMPLETED);
    struct store_reply seen = run_ok(
        (struct store_request){.op = STORE_FLOW, .flow_kind = "workflow", .flow_name = "nightly"});
    cr_assert_str_eq(seen.flow->name, "nightly");
    cr_assert_eq(seen.counts[JOB_COMPLETED], 1);
    cr_assert_eq(seen.counts[JOB_AVAILABLE], 1);
    cr_assert_eq(seen.counts[JOB_SUSPENDED], 1);
    cr_assert_eq(seen.member_count, 3);
    cr_assert_str_eq(seen.members[2].name, "c");
    cr_assert_eq(seen.members[2].waits, 1);
    cr_assert_str_eq(seen.members[2].worker, "w");
    cr_assert_eq(seen.edge_count, 3);
    cr_assert(seen.edges[0].ended && seen.edges[1].ended && !seen.edges[2].ended);
    cr_assert_eq(seen.edges[2].parent, reply.ids[1]);
    cr_assert_null(run_ok((struct store_request){.op = STORE_FLOW, .flow = 99}).flow);
    reply = draw(drawn, 3, (struct flow_policy){0}, "nightly");
    cr_assert_eq(reply.err, -ENOTUNIQ);
    cr_assert_str_eq(reply.why, "there is a workflow 'nightly'");
    cr_assert_eq(count_all(), 3);
}

static void assert_refused(struct store_reply reply, const char *sentence)
{
    cr_assert_eq(reply.err, -EINVAL);
    cr_assert_str_eq(reply.why, sentence);
    cr_assert_eq(count_all(), 0);
}

CONFORMS(workflow_that_cannot_be)
{
    assert_refused(DRAW(PLAIN, {""}, {"ac"}, {"b"}),
                   "steps wait for each other in a circle: c -> b -> c");
    assert_refused(DRAW(PLAIN, {"a"}), "step 'a' waits for itself");
    assert_refused(DRAW(PLAIN, {""}, {"aa"}), "step 'b' waits for the same step twice");
    assert_refused(DRAW(PLAIN, {"z"}), "step 'a' waits for a step that there is not");
    struct store_step twins[] = {{.name = "x"}, {.name = "x"}};
    struct job_spec specs[] = {{.worker = "w"}, {.worker = "w"}};
    struct store_request request = {.op = STORE_INSERT,
                                    .specs = specs,
                                    .spec_count = 2,
                                    .workflow = &(struct store_workflow){.steps = twins}};
    assert_refused(run(request), "two steps have the name 'x'");
    twins[0].name = "";
    assert_refused(run(request), "step 1: a step's name has 1 to 255 bytes");
    twins[0].name = "y";
    specs[1].chain = "k";
    assert_refused(run(request), "step x is in a chain or batch, too");
}

CONFORMS(workflow_of_many)
{
    enum { WIDE = 500 };
    struct job_spec specs[WIDE + 2] = {{.worker = "w"}};
    struct store_step steps[WIDE + 2] = {{.name = "first"}};
    uint32_t first = 0, middle[WIDE];
    for (uint32_t i = 1; i <= WIDE; ++i) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        specs[i] = specs[0];
        steps[i] = (struct store_step){heap_strdup(&heap, name), {0}, &first, 1};
        middle[i - 1] = i;
    }
    specs[WIDE + 1] = specs[0];
    steps[WIDE + 1] = (struct store_step){"last", {0}, middle, WIDE};
    struct store_workflow workflow = {.steps = steps};
    struct store_reply reply = run_ok((struct store_request){
        .op = STORE_INSERT, .specs = specs, .spec_count = WIDE + 2, .workflow = &workflow});
    end_as(reply.ids[0], JOB_COMPLETED);
    cr_assert_eq(count_of(JOB_AVAILABLE), WIDE);
    for (size_t i = 1; i <= WIDE; ++i) {
        assert_state(reply.ids[WIDE + 1], JOB_SUSPENDED);
        end_as(reply.ids[i], JOB_COMPLETED);
    }
    end_as(reply.ids[WIDE + 1], JOB_COMPLETED);
}

/* ---- chains ---- */

CONFORMS(chain_runs_one_at_a_time_in_order)
{
    uint64_t first = chained("k", (struct flow_policy){0});
    uint64_t second = chained("k", (struct flow_policy){0});
    uint64_t other = chained("other", (struct flow_policy){0});
    uint64_t third = chained("k", (struct flow_policy){0});
    assert_state(first, JOB_AVAILABLE);
    assert_state(second, JOB_SUSPENDED);
    struct store_lease lease = claim_id(first);
    claim_id(other);
    ack(lease, JOB_RETRYABLE, 100, "e");
    cr_assert_eq(claim(9).job_count, 0, "a retry keeps its turn");
    clock_ms += 100;
    tick(STORE_STAGE);
    end_as(first, JOB_COMPLETED);
    end_as(second, JOB_DISCARDED);
    end_as(third, JOB_CANCELLED);
    uint64_t fourth = chained("k", (struct flow_policy){0});
    assert_state(fourth, JOB_AVAILABLE);
}

CONFORMS(chains_of_one_insert)
{
    struct job_spec specs[] = {{.worker = "w", .chain = "b"}, {.worker = "w", .chain = "a"},
                               {.worker = "w", .chain = "b"}, {.worker = "w"},
                               {.worker = "w", .chain = "a"}, {.worker = "w", .chain = "b"}};
    struct store_reply reply =
        run_ok((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = 6});
    const uint64_t *ids = reply.ids;
    cr_assert_eq(count_of(JOB_AVAILABLE), 3);
    cr_assert_eq(reply.woken_count, 1);
    end_as(ids[0], JOB_COMPLETED);
    end_as(ids[1], JOB_COMPLETED);
    end_as(ids[2], JOB_COMPLETED);
    end_as(ids[3], JOB_COMPLETED);
    end_as(ids[4], JOB_COMPLETED);
    end_as(ids[5], JOB_COMPLETED);
    cr_assert_eq(get(ids[3]).flow, 0);
}

CONFORMS(chain_held_by_a_failure)
{
    struct flow_policy hold = {.on_cancelled = FLOW_HOLD, .on_discarded = FLOW_HOLD};
    uint64_t ids[4];
    for (size_t i = 0; i < 4; ++i)
        ids[i] = chained("k", hold);
    end_as(ids[0], JOB_DISCARDED);
    cr_assert_eq(claim(9).job_count, 0);
    uint64_t late = chained("k", (struct flow_policy){0});
    cr_assert_eq(claim(9).job_count, 0, "also for what comes later");
    cr_assert_eq(change(STORE_CANCEL, ids[2]), 1, "in the middle");
    cr_assert_eq(change(STORE_RETRY, ids[0]), 1);
    end_as(ids[0], JOB_COMPLETED);
    end_as(ids[1], JOB_COMPLETED);
    cr_assert_eq(claim(9).job_count, 0, "what was cancelled before its turn holds, too");
    cr_assert_eq(change(STORE_RETRY, ids[2]), 1);
    end_as(ids[2], JOB_COMPLETED);
    end_as(ids[3], JOB_COMPLETED);
    end_as(late, JOB_COMPLETED);
}

/* A job that holds up its chain is deleted: the next one has its turn. With the last one the chain is gone. */
CONFORMS(chain_held_by_what_is_deleted)
{
    struct flow_policy hold = {.on_discarded = FLOW_HOLD};
    uint64_t first = chained("k", hold), second = chained("k", hold);
    end_as(first, JOB_DISCARDED);
    cr_assert_eq(claim(9).job_count, 0);
    cr_assert_eq(change(STORE_DELETE, first), 1);
    end_as(second, JOB_COMPLETED);
    uint64_t flow = get(second).flow;
    cr_assert_eq(change(STORE_DELETE, second), 1);
    cr_assert_null(run((struct store_request){.op = STORE_FLOW, .flow = flow}).flow);
}

CONFORMS(chain_held_by_what_is_pruned)
{
    struct flow_policy hold = {.on_discarded = FLOW_HOLD};
    uint64_t first = chained("k", hold), second = chained("k", hold);
    end_as(first, JOB_DISCARDED);
    clock_ms += 1000;
    struct store_request prune = {.op = STORE_PRUNE, .keep = {.discarded_ms = 1000}};
    cr_assert_eq(run_ok(prune).changed, 1);
    end_as(second, JOB_COMPLETED);
}

CONFORMS(workflow_that_waits_for_what_is_deleted)
{
    static const struct flow_policy run_on = {.on_discarded = FLOW_HOLD, .on_deleted = FLOW_RUN};
    const uint64_t *ids = DRAW(run_on, {""}, {"a"}, {""}, {"c"}).ids;
    end_as(ids[0], JOB_DISCARDED);
    end_as(ids[2], JOB_COMPLETED);
    cr_assert_eq(change(STORE_DELETE, ids[0]), 1);
    assert_state(ids[1], JOB_AVAILABLE);
    cr_assert_eq(change(STORE_DELETE, ids[2]), 1, "it was over for the one behind it already");
    assert_state(ids[3], JOB_AVAILABLE);
    end_as(ids[1], JOB_COMPLETED);
    end_as(ids[3], JOB_COMPLETED);
}

CONFORMS(workflow_cancelled_by_what_is_deleted)
{
    static const struct flow_policy stop = {.on_discarded = FLOW_HOLD, .on_deleted = FLOW_CANCEL};
    const uint64_t *ids = DRAW(stop, {""}, {"a"}, {"b"}).ids;
    end_as(ids[0], JOB_DISCARDED);
    cr_assert_eq(change(STORE_DELETE, ids[0]), 1);
    assert_state(ids[1], JOB_CANCELLED);
    assert_state(ids[2], JOB_CANCELLED);
    for (int i = 1; i <= 2; ++i)
        cr_assert_eq(change(STORE_DELETE, ids[i]), 1);
}

static size_t prune(int64_t keep_ms)
{
    return run_ok((struct store_request){.op = STORE_PRUNE, .keep = {keep_ms, keep_ms, keep_ms}})
        .changed;
}

/* Its steps may read each other's results, until the last one is over. */
CONFORMS(workflow_is_pruned_when_all_of_it_is_over)
{
    static const struct flow_policy hold = {.on_discarded = FLOW_RUN};
    const uint64_t *ids = DRAW(hold, {""}, {"a"}, {"b"}).ids;
    end_as(ids[0], JOB_COMPLETED);
    end_as(ids[1], JOB_DISCARDED);
    clock_ms += 10000;
    cr_assert_eq(prune(1000), 0);
    struct store_lease lease = claim_id(ids[2]);
    clock_ms += 1000;
    cr_assert_eq(prune(1000), 0, "nor while it runs");
    ack(lease, JOB_COMPLETED, 0, NULL);
    cr_assert_eq(prune(1000), 2, "the last one was over only now");
    clock_ms += 1000;
    cr_assert_eq(prune(1000), 1);
}

CONFORMS(workflow_held_by_what_is_pruned)
{
    static const struct flow_policy hold = {.on_discarded = FLOW_HOLD, .on_deleted = FLOW_RUN};
    const uint64_t *ids = DRAW(hold, {""}, {""}, {"ab"}, {""}).ids;
    end_as(ids[0], JOB_COMPLETED);
    end_as(ids[1], JOB_DISCARDED);
    clock_ms += 1000;
    cr_assert_eq(prune(1000), 0, "one of it still runs");
    end_as(ids[3], JOB_COMPLETED);
    cr_assert_eq(prune(1000), 1, "what holds it up");
    cr_assert_eq(get(ids[0]).state, JOB_COMPLETED);
    end_as(ids[2], JOB_COMPLETED);
    clock_ms += 1000;
    cr_assert_eq(prune(1000), 3);
}

CONFORMS(batch_is_pruned_when_all_of_it_is_over)
{
    static const enum flow_event wanted[] = {FLOW_EVENT_COMPLETED, FLOW_EVENT_EXHAUSTED};
    uint64_t batch = batch_open(wanted, 2);
    uint64_t bad = member(batch), good = member(batch);
    batch_close(batch);
    end_as(bad, JOB_DISCARDED);
    clock_ms += 1000;
    cr_assert_eq(prune(1000), 0, "or the others might seem to be all there were");
    end_as(good, JOB_COMPLETED);
    cr_assert_eq(prune(1000), 1);
    struct store_reply reply = flow_of(batch);
    for (size_t i = 0; i < reply.called_count; ++i)
        cr_assert_eq(reply.called[i].job != 0, reply.called[i].event == FLOW_EVENT_EXHAUSTED);
}

CONFORMS(deadlines_pass_for_those_who_wait_for_others)
{
    static const struct store_request expire = {.op = STORE_EXPIRE};
    uint64_t first = chained("k", (struct flow_policy){0});
    uint64_t second = insert((struct job_spec){.worker = "w", .chain = "k", .within_ms = 100});
    uint64_t third = chained("k", (struct flow_policy){0});
    struct store_lease lease = claim_id(first);
    cr_assert_eq(run_ok(expire).next_ms, 100);
    clock_ms += 100;
    events_clear();
    struct store_reply reply = run_ok(expire);
    cr_assert_eq(reply.changed, 1);
    cr_assert_eq(reply.next_ms, -1);
    cr_assert_events("store/job/expire job=2 state=discarded\n");
    assert_state(second, JOB_DISCARDED);
    assert_state(third, JOB_SUSPENDED);
    ack(lease, JOB_COMPLETED, 0, NULL);
    end_as(third, JOB_COMPLETED);
}

CONFORMS(deadline_of_a_step_that_waits)
{
    const uint64_t *ids = DRAW(PLAIN, {""}, {"a"}, {"b"}, {"a"}).ids;
    char sql[100];
    snprintf(sql, sizeof sql, "UPDATE duress_jobs SET deadline_ms=%lld WHERE id=%d",
             (long long)clock_ms + 100, (int)ids[1]);
    sql_run(sql);
    clock_ms += 100;
    cr_assert_eq(tick(STORE_EXPIRE), 1);
    assert_state(ids[1], JOB_DISCARDED);
    assert_state(ids[2], JOB_CANCELLED);
    end_as(ids[0], JOB_COMPLETED);
    end_as(ids[3], JOB_COMPLETED);
    assert_state(ids[1], JOB_DISCARDED);
}

CONFORMS(chain_and_hands_that_meddle)
{
    uint64_t first = chained("k", (struct flow_policy){0});
    uint64_t second = chained("k", (struct flow_policy){0});
    uint64_t third = chained("k", (struct flow_policy){0});
    cr_assert_eq(change(STORE_RETRY, second), 0, "it is not its turn");
    cr_assert_eq(change(STORE_CANCEL, second), 1);
    end_as(first, JOB_COMPLETED);
    struct store_lease lease = claim_id(third);
    cr_assert_eq(change(STORE_RETRY, first), 1);
    assert_state(first, JOB_SUSPENDED);
    cr_assert_eq(change(STORE_RETRY, second), 1);
    cr_assert_eq(claim(9).job_count, 0, "never two at a time");
    ack(lease, JOB_COMPLETED, 0, NULL);
    end_as(first, JOB_COMPLETED);
    end_as(second, JOB_COMPLETED);
    cr_assert_eq(change(STORE_RETRY, third), 1);
    assert_state(third, JOB_AVAILABLE);
    uint64_t fourth = chained("k", (struct flow_policy){0});
    assert_state(fourth, JOB_SUSPENDED);
    end_as(third, JOB_COMPLETED);
    end_as(fourth, JOB_COMPLETED);
}

CONFORMS(chain_that_cannot_be)
{
    struct job_spec spec = {.worker = "w", .chain = ""};
    struct store_request request = {.op = STORE_INSERT, .specs = &spec, .spec_count = 1};
    assert_refused(run(request), "job 1 of 1: the chain's key is empty");
    spec = (struct job_spec){.worker = "w", .chain = "k", .flow = 1};
    assert_refused(run(request), "job 1 of 1: a job is in a chain or in a batch, not in both");
    spec = (struct job_spec){.worker = "w", .chain = "k", .policy = {.on_discarded = FLOW_CANCEL}};
    assert_refused(run(request),
                   "job 1 of 1: what is behind in a chain runs or is held, and is not "
                   "cancelled");
}

/* ---- batches ---- */

CONFORMS(batch_calls_back_once_for_each)
{
    uint64_t batch = batch_open(ALL_EVENTS, 6), a = member(batch), b = member(batch);
    end_as(a, JOB_COMPLETED);
    ack(claim_id(b), JOB_RETRYABLE, 0, "e");
    cr_assert_str_eq(called(), "retryable", "it is not closed");
    events_clear();
    struct store_reply reply = batch_run((struct store_batch){.id = batch, .close = true});
    cr_assert_str_eq(called(), "retryable attempted");
    cr_assert_eq(reply.woken_count, 1);
    cr_assert_str_eq(reply.woken[0], "back");
    cr_assert_events("store/job/insert job=4 state=available delay_ms=0\n"
                     "store/flow/callback flow=1 event=attempted job=4\n");
    tick(STORE_STAGE);
    ack(claim_id(b), JOB_RETRYABLE, 0, "again");
    tick(STORE_STAGE);
    cr_assert_str_eq(called(), "retryable attempted");
    end_as(b, JOB_COMPLETED);
    cr_assert_str_eq(called(), "retryable attempted completed exhausted");
    cr_assert_eq(batch_run((struct store_batch){.id = batch, .close = true}).err, 0);
    cr_assert_str_eq(called(), "retryable attempted completed exhausted");
    struct store_reply seen = flow_of(batch);
    cr_assert_eq(seen.flow->kind, FLOW_BATCH);
    cr_assert_eq(seen.called_count, 6);
    cr_assert_eq(seen.flow->finished_ms, NOW_MS);
    struct job job = get(4);
    cr_assert_str_eq(job.worker, "attempted");
    cr_assert_str_eq(job.args, "{\"b\":1}");
    cr_assert_eq(job.flow, 0);
}

CONFORMS(batch_with_failures)
{
    uint64_t batch = batch_open(ALL_EVENTS, 6), a = member(batch), b = member(batch);
    uint64_t c = member(batch);
    batch_close(batch);
    end_as(a, JOB_DISCARDED);
    cr_assert_str_eq(called(), "discarded");
    cr_assert_eq(change(STORE_CANCEL, b), 1);
    cr_assert_str_eq(called(), "discarded cancelled");
    end_as(c, JOB_COMPLETED);
    cr_assert_str_eq(called(), "discarded cancelled attempted exhausted");
    uint64_t ids[] = {a, b};
    run_ok((struct store_request){.op = STORE_RETRY, .ids = ids, .id_count = 2});
    end_as(a, JOB_COMPLETED);
    end_as(b, JOB_COMPLETED);
    cr_assert_str_eq(called(), "discarded cancelled attempted exhausted completed");
}

CONFORMS(batch_that_is_empty)
{
    uint64_t batch = batch_open(ALL_EVENTS, 6);
    cr_assert_str_eq(called(), "");
    batch_close(batch);
    cr_assert_str_eq(called(), "attempted completed exhausted");
}

CONFORMS(batch_by_name_can_be_asked_for_again)
{
    struct store_callback callback = {FLOW_EVENT_EXHAUSTED, {.worker = "done", .queue = "back"}};
    struct store_batch asked = {.name = "import 7", .callbacks = &callback, .callback_count = 1};
    uint64_t id = batch_run(asked).flow->id;
    cr_assert_eq(batch_run(asked).flow->id, id);
    uint64_t job = member(id);
    batch_close(id);
    end_as(job, JOB_COMPLETED);
    cr_assert_str_eq(called(), "done");
    callback.event = FLOW_EVENT_COMPLETED;
    batch_run(asked);
    cr_assert_str_eq(called(), "done done", "true already when it was added");
}

CONFORMS(batch_that_cannot_be)
{
    uint64_t batch = batch_open(NULL, 0);
    batch_close(batch);
    struct job_spec spec = {.worker = "w", .flow = batch};
    struct store_request request = {.op = STORE_INSERT, .specs = &spec, .spec_count = 1};
    assert_refused(run(request), "batch 1 is closed");
    spec.flow = 99;
    assert_refused(run(request), "there is no batch 99");
    cr_assert_eq(batch_run((struct store_batch){.id = 99}).err, -ENOENT);
    struct store_callback callback = {FLOW_EVENT_EXHAUSTED, {.worker = ""}};
    assert_refused(batch_run((struct store_batch){.callbacks = &callback, .callback_count = 1}),
                   "callback exhausted: a job needs a worker");
    uint64_t first = chained("k", (struct flow_policy){0});
    spec.flow = get(first).flow;
    cr_assert_eq(run(request).err, -EINVAL, "a chain is no batch");
}

CONFORMS(batch_with_its_jobs_in_one_request)
{
    struct store_callback callback = {FLOW_EVENT_COMPLETED, {.worker = "done", .queue = "back"}};
    struct store_batch batch = {
        .name = "night", .callbacks = &callback, .callback_count = 1, .close = true};
    struct job_spec specs[] = {{.worker = "a"}, {.worker = "b"}};
    struct store_request request = {
        .op = STORE_INSERT, .batch = &batch, .specs = specs, .spec_count = 2};
    struct store_reply reply = run_ok(request);
    cr_assert_eq(reply.id_count, 2);
    uint64_t ids[] = {reply.ids[0], reply.ids[1]};
    cr_assert_eq(get(ids[1]).flow, reply.flow->id);
    cr_assert(reply.flow->closed);
    struct store_reply again = run(request);
    cr_assert_eq(again.err, -ENOTUNIQ);
    cr_assert_str_eq(again.why, "batch 1 is there, and closed");
    end_as(ids[0], JOB_COMPLETED);
    cr_assert_str_eq(called(), "");
    end_as(ids[1], JOB_COMPLETED);
    cr_assert_str_eq(called(), "done");
    batch = (struct store_batch){.callbacks = &callback, .callback_count = 1, .close = true};
    request.spec_count = 0;
    run_ok(request);
    cr_assert_str_eq(called(), "done done", "an empty one is over at once");
}

CONFORMS(batch_that_cannot_be_with_its_jobs_leaves_nothing)
{
    struct store_callback callback = {FLOW_EVENT_COMPLETED, {.worker = "done", .queue = "back"}};
    struct store_batch batch = {.name = "night", .callbacks = &callback, .callback_count = 1};
    struct job_spec specs[] = {{.worker = "a"}, {.worker = "b", .chain = "k"}};
    struct store_request request = {
        .op = STORE_INSERT, .batch = &batch, .specs = specs, .spec_count = 2};
    assert_refused(run(request), "job 2 of the batch is in a chain or another batch, too");
    specs[1].chain = NULL;
    callback.spec.priority = 10;
    assert_refused(run(request), "callback completed: the priority is not in 0..9");
    struct store_reply found =
        run((struct store_request){.op = STORE_FLOW, .flow_kind = "batch", .flow_name = "night"});
    cr_assert(found.err || !found.flow, "there is no such batch");
    cr_assert_eq(claim(10).job_count, 0);
}

CONFORMS(batch_of_many)
{
    enum { COUNT = 3000 };
    uint64_t batch = batch_open(ALL_EVENTS, 6);
    struct job_spec *specs = heap_alloc(&heap, COUNT * sizeof *specs);
    for (size_t i = 0; i < COUNT; ++i)
        specs[i] = (struct job_spec){.worker = "w", .flow = batch};
    run_ok((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = COUNT});
    batch_close(batch);
    struct store_reply reply = claim(COUNT);
    cr_assert_eq(reply.job_count, COUNT);
    struct store_ack *acks = heap_alloc(&heap, COUNT * sizeof *acks);
    for (size_t i = 0; i < COUNT; ++i)
        acks[i] = (struct store_ack){reply.jobs[i].id, reply.jobs[i].lease, JOB_COMPLETED, 0, NULL};
    run_ok((struct store_request){.op = STORE_ACK, .acks = acks, .ack_count = COUNT - 1});
    cr_assert_str_eq(called(), "");
    run_ok((struct store_request){.op = STORE_ACK, .acks = &acks[COUNT - 1], .ack_count = 1});
    cr_assert_str_eq(called(), "attempted completed exhausted");
}
