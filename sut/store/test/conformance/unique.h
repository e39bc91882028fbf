/* unique.h: jobs of which there is one at a time. */

#define FOREVER(...)                                                                               \
    &(struct job_unique)                                                                           \
    {                                                                                              \
        .period_ms = JOB_UNIQUE_FOREVER, ##__VA_ARGS__                                             \
    }
#define KEYS(...)                                                                                  \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

struct placed {
    uint64_t id;
    bool conflict;
};

static struct placed place(const struct job_unique *unique, struct job_spec spec)
{
    spec.unique = unique;
    spec.worker = spec.worker ? spec.worker : "w";
    struct store_reply reply =
        run_ok((struct store_request){.op = STORE_INSERT, .specs = &spec, .spec_count = 1});
    return (struct placed){reply.ids[0], reply.conflicts && reply.conflicts[0]};
}

#define assert_new(unique, ...)                                                                    \
    cr_assert_not(place(unique, (struct job_spec){__VA_ARGS__}).conflict)
#define assert_conflict(with, unique, ...)                                                         \
    do {                                                                                           \
        struct placed placed_ = place(unique, (struct job_spec){__VA_ARGS__});                     \
        cr_assert(placed_.conflict);                                                               \
        cr_assert_eq(placed_.id, (with));                                                          \
    } while (0)

/* Makes it what it is to be in, from available. */
static void bring(uint64_t id, enum job_state state)
{
    if (state == JOB_AVAILABLE)
        return;
    struct store_lease lease = claim_one(id);
    if (state != JOB_EXECUTING)
        cr_assert_eq(ack(lease, state, 1000, NULL), ACK_APPLIED);
}

CONFORMS(c8_the_same_job_twice_within_the_period)
{
    const struct job_unique unique = {0};
    struct placed first = place(&unique, (struct job_spec){.args = "{\"a\":1,\"b\":2}"});
    cr_assert_not(first.conflict);
    assert_conflict(first.id, &unique, .args = "{\"b\":2,\"a\":1.0}");
    cr_assert_eq(count_all(), 1);
    clock_ms += JOB_UNIQUE_PERIOD_MS;
    assert_conflict(first.id, &unique, .args = "{\"a\":1,\"b\":2}");
    clock_ms += 1;
    assert_new(&unique, .args = "{\"a\":1,\"b\":2}");
    cr_assert_eq(count_all(), 2);
}

#ifdef DURESS_POINTS
CONFORMS(unique_jobs_are_recorded)
{
    const struct job_unique *unique = FOREVER(.fields = JOB_UNIQUE_WORKER);
    place(unique, (struct job_spec){0});
    place(unique, (struct job_spec){0});
    char expected[300], key[JOB_UNIQUE_KEY_SIZE];
    struct job_spec spec = {.worker = "w", .unique = unique};
    cr_assert(job_unique_key(&heap, &spec, key));
    snprintf(expected, sizeof expected,
             "store/job/insert job=1 state=available delay_ms=0\n"
             "store/job/unique job=1 unique=%s states=63\n"
             "store/job/conflict job=1 unique=%s period_ms=0 states=63\n",
             key, key);
    cr_assert_events(expected);
}
#endif

CONFORMS(c10_c11_c12_c13_what_is_the_same)
{
    const struct job_unique *by_worker = FOREVER(.fields = JOB_UNIQUE_WORKER);
    uint64_t first = place(by_worker, (struct job_spec){.worker = "a"}).id;
    assert_new(by_worker, .worker = "b");
    assert_conflict(first, by_worker, .worker = "a", .args = "{\"x\":1}");
    const struct job_unique *by_id = FOREVER(.keys = KEYS("id"));
    first = place(by_id, (struct job_spec){.args = "{\"id\":1,\"x\":1}"}).id;
    assert_conflict(first, by_id, .args = "{\"id\":1,\"x\":2}");
    assert_new(by_id, .args = "{\"id\":2,\"x\":1}");
    const struct job_unique *whole = FOREVER();
    first = place(whole, (struct job_spec){.args = "{}", .worker = "c"}).id;
    assert_new(whole, .args = "{\"id\":1}", .worker = "c");
    assert_new(whole, .args = "{\"id\":1,\"extra\":1}", .worker = "c");
    assert_conflict(first, whole, .worker = "c");
}

CONFORMS(c14_of_keys_of_meta)
{
    const struct job_unique *unique = FOREVER(.fields = JOB_UNIQUE_META, .keys = KEYS("batch"));
    uint64_t first = place(unique, (struct job_spec){.meta = "{\"batch\":7,\"by\":\"a\"}"}).id;
    assert_conflict(first, unique, .meta = "{\"batch\":7}", .worker = "other");
    assert_new(unique, .meta = "{\"batch\":8}");
}

CONFORMS(c15_in_some_states)
{
    static const enum job_state states[] = {JOB_EXECUTING, JOB_RETRYABLE, JOB_SCHEDULED,
                                            JOB_COMPLETED, JOB_DISCARDED, JOB_CANCELLED};
    for (size_t i = 0; i < ARRAY_SIZE(states); ++i) {
        const struct job_unique *in =
            FOREVER(.states = JOB_STATE_BIT(states[i]) | JOB_STATE_BIT(JOB_AVAILABLE));
        const struct job_unique *out =
            FOREVER(.states = JOB_STATES_ALL & ~JOB_STATE_BIT(states[i]));
        char args[32];
        snprintf(args, sizeof args, "{\"n\":%zu}", i);
        uint64_t first = place(in, (struct job_spec){.args = args}).id;
        bring(first, states[i]);
        assert_conflict(first, in, .args = args);
        cr_assert_eq(get(first).state, states[i]);
        struct placed second = place(out, (struct job_spec){.args = args});
        cr_assert_not(second.conflict, "%s", job_state_word(states[i]));
        assert_conflict(second.id, in, .args = args);
        change(STORE_CANCEL, second.id);
        change(STORE_CANCEL, first);
    }
}

CONFORMS(c15_groups_of_states)
{
    uint64_t first = place(FOREVER(), (struct job_spec){0}).id;
    ack(claim_one(first), JOB_COMPLETED, 0, NULL);
    assert_conflict(first, FOREVER());
    uint64_t second = place(FOREVER(.states = JOB_STATES_INCOMPLETE), (struct job_spec){0}).id;
    cr_assert_neq(second, first);
    ack(claim_one(second), JOB_DISCARDED, 0, NULL);
    uint64_t third = place(FOREVER(), (struct job_spec){0}).id;
    cr_assert_neq(third, second);
    change(STORE_CANCEL, third);
    assert_new(FOREVER());
}

CONFORMS(c16_the_period_runs_from_the_insert)
{
    uint64_t first = place(FOREVER(), (struct job_spec){0}).id;
    clock_ms += 240 * 1000;
    assert_conflict(first, FOREVER());
    assert_conflict(first, &(struct job_unique){.period_ms = 241 * 1000});
    assert_conflict(first, &(struct job_unique){.period_ms = 240 * 1000});
    struct placed second =
        place(&(struct job_unique){.period_ms = 239 * 1000}, (struct job_spec){0});
    cr_assert_not(second.conflict);
    assert_conflict(second.id, FOREVER());
    cr_assert_eq(get(first).state, JOB_AVAILABLE, "the older one goes on");
    cr_assert_eq(claim(9).job_count, 2);
}

CONFORMS(c17_or_from_when_it_is_due)
{
    struct job_unique unique = {.period_ms = 121 * 1000, .by_schedule = true};
    uint64_t first = place(&unique, (struct job_spec){.delay_ms = 500 * 1000}).id;
    clock_ms += 500 * 1000 + 120 * 1000;
    assert_conflict(first, &unique);
    unique.by_schedule = false;
    struct placed second = place(&unique, (struct job_spec){.delay_ms = 1000});
    cr_assert_not(second.conflict, "it was inserted long ago");
    clock_ms += 121 * 1000;
    unique.by_schedule = true;
    unique.period_ms = 119 * 1000;
    assert_new(&unique);
}

/* ---- replace ---- */

CONFORMS(c18_replace)
{
    const struct job_unique *unique =
        FOREVER(.fields = JOB_UNIQUE_WORKER,
                .replace = {[JOB_SCHEDULED] = JOB_REPLACE_SCHEDULED_AT | JOB_REPLACE_PRIORITY});
    uint64_t first = place(unique, (struct job_spec){.delay_ms = 5000, .args = "{\"a\":1}"}).id;
    events_clear();
    assert_conflict(first, unique, .delay_ms = 9000, .priority = 3, .args = "{\"a\":2}");
    struct job job = get(first);
    cr_assert_eq(job.scheduled_ms, NOW_MS + 9000);
    cr_assert_eq(job.priority, 3);
    cr_assert_str_eq(job.args, "{\"a\":1}", "nobody asked for that");
    clock_ms += 5000;
    cr_assert_eq(tick(STORE_STAGE), 0);
    clock_ms += 4000;
    cr_assert_eq(tick(STORE_STAGE), 1);
    claim_one(first);
}

CONFORMS(c18_replace_everything)
{
    enum { ALL = (1 << REPLACE_FIELD_COUNT) - 1 };
    const struct job_unique *unique =
        FOREVER(.keys = KEYS("id"), .fields = JOB_UNIQUE_ARGS, .replace = {[JOB_AVAILABLE] = ALL});
    uint64_t first = place(unique, (struct job_spec){.args = "{\"id\":1}"}).id;
    assert_conflict(first, unique, .args = "{\"id\":1,\"b\":2}", .worker = "other", .queue = "q",
                    .priority = 9, .max_attempts = 7, .meta = "{\"m\":1}", .tags = "Red, blue");
    struct job job = get(first);
    cr_assert_str_eq(job.args, "{\"id\":1,\"b\":2}");
    cr_assert_str_eq(job.worker, "other");
    cr_assert_str_eq(job.queue, "q");
    cr_assert_str_eq(job.meta, "{\"m\":1}");
    cr_assert_str_eq(job.tags, "red,blue");
    cr_assert_eq(job.priority, 9);
    cr_assert_eq(job.max_attempts, 7);
    cr_assert_eq(job.state, JOB_AVAILABLE);
    assert_conflict(first, unique, .args = "{\"id\":1}", .delay_ms = 1000);
    cr_assert_eq(get(first).state, JOB_SCHEDULED, "it shall not run before");
    cr_assert_eq(claim(9).job_count, 0);
}

CONFORMS(c19_replace_by_state)
{
    const struct job_unique *unique =
        FOREVER(.fields = JOB_UNIQUE_WORKER, .replace = {[JOB_SCHEDULED] = JOB_REPLACE_ARGS});
    uint64_t first = place(unique, (struct job_spec){0}).id;
    struct store_lease lease = claim_one(first);
    assert_conflict(first, unique, .args = "{\"a\":1}");
    cr_assert_str_eq(get(first).args, "{}", "what runs is left alone");
    cr_assert_eq(ack(lease, JOB_SCHEDULED, 1000, NULL), ACK_APPLIED);
    assert_conflict(first, unique, .args = "{\"a\":1}");
    cr_assert_str_eq(get(first).args, "{\"a\":1}");
}

CONFORMS(replace_leaves_attempts_to_run)
{
    const struct job_unique *unique =
        FOREVER(.replace = {[JOB_EXECUTING] = JOB_REPLACE_MAX_ATTEMPTS,
                            [JOB_RETRYABLE] = JOB_REPLACE_MAX_ATTEMPTS | JOB_REPLACE_SCHEDULED_AT});
    uint64_t id = place(unique, (struct job_spec){0}).id;
    ack(claim_one(id), JOB_RETRYABLE, 0, "e");
    tick(STORE_STAGE);
    struct store_lease lease = claim_one(id);
    assert_conflict(id, unique, .max_attempts = 1);
    cr_assert_eq(get(id).max_attempts, 2, "the one under way is the last");
    cr_assert_eq(ack(lease, JOB_RETRYABLE, 99000, "e"), ACK_APPLIED);
    assert_conflict(id, unique, .max_attempts = 1);
    cr_assert_eq(get(id).max_attempts, 3, "it waits for one more");
    cr_assert_eq(tick(STORE_STAGE), 1, "it is due now");
    cr_assert_eq(claim_one(id).lease, 3);
}

/* ---- many at once ---- */

CONFORMS(c20_twice_in_one_insert)
{
    const struct job_unique unique = {0};
    struct job_spec specs[] = {{.worker = "a", .unique = &unique},
                               {.worker = "w"},
                               {.worker = "a", .unique = &unique},
                               {.worker = "b", .unique = &unique},
                               {.worker = "w"}};
    struct store_reply reply = run_ok((struct store_request){
        .op = STORE_INSERT, .specs = specs, .spec_count = ARRAY_SIZE(specs)});
    cr_assert_eq(reply.id_count, 5);
    cr_assert_eq(reply.ids[0], reply.ids[2]);
    for (size_t i = 0; i < 5; ++i) {
        cr_assert_eq(reply.conflicts[i], i == 2);
        cr_assert_str_eq(get(reply.ids[i]).worker, specs[i].worker);
    }
    cr_assert_eq(count_all(), 4);
    reply = run_ok((struct store_request){.op = STORE_INSERT, .specs = specs + 1, .spec_count = 1});
    cr_assert_null(reply.conflicts, "nothing is unique here");
}

CONFORMS(bulk_of_20000_unique)
{
    enum { COUNT = 20000 };
    static const struct job_unique unique = {.period_ms = JOB_UNIQUE_FOREVER};
    struct job_spec *specs = heap_alloc(&heap, COUNT * sizeof *specs);
    for (size_t i = 0; i < COUNT; ++i) {
        char args[32];
        snprintf(args, sizeof args, "{\"n\":%zu}", i % (COUNT / 2));
        specs[i] =
            (struct job_spec){.worker = "w", .args = heap_strdup(&heap, args), .unique = &unique};
    }
    struct store_request request = {.op = STORE_INSERT, .specs = specs, .spec_count = COUNT};
    struct store_reply reply = run_ok(request);
    for (size_t i = 0; i < COUNT; ++i) {
        cr_assert_eq(reply.conflicts[i], i >= COUNT / 2);
        cr_assert_eq(reply.ids[i], reply.ids[i % (COUNT / 2)]);
    }
    reply = run_ok(request);
    for (size_t i = 0; i < COUNT; ++i)
        cr_assert(reply.conflicts[i]);
    cr_assert_eq(count_all(), COUNT / 2);
}

CONFORMS(c5_nothing_is_unique_by_what_is_no_json)
{
    const struct job_unique unique = {0};
    struct job_spec specs[] = {{.worker = "a", .unique = &unique},
                               {.worker = "a", .unique = &unique, .args = "{"}};
    struct store_reply reply =
        run((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = 2});
    cr_assert_eq(reply.err, -EINVAL);
    cr_assert_eq(count_all(), 0);
}

CONFORMS(c23_bad_uniqueness_is_refused)
{
    struct job_unique unique = {.states = 1u << JOB_STATE_COUNT};
    struct job_spec spec = {.worker = "w", .unique = &unique};
    struct store_reply reply =
        run((struct store_request){.op = STORE_INSERT, .specs = &spec, .spec_count = 1});
    cr_assert_eq(reply.err, -EINVAL);
    cr_assert_str_eq(reply.why, "job 1 of 1: it is to be unique in a state that there is not");
}

/* ---- back into a state in which another one holds the key ---- */

/* Two jobs of one key: the first one is in `state`, which is none of theirs. */
static void make_rivals(enum job_state state, const struct job_unique *unique, uint64_t ids[2])
{
    ids[0] = place(unique, (struct job_spec){0}).id;
    bring(ids[0], state);
    struct placed second = place(unique, (struct job_spec){0});
    cr_assert_not(second.conflict);
    ids[1] = second.id;
}

static void assert_holder(uint64_t id, const struct job_unique *unique)
{
    assert_conflict(id, unique);
}

CONFORMS(retried_by_hand_it_runs_without_its_key)
{
    uint64_t ids[2], plain = insert((struct job_spec){.worker = "plain"});
    ack(claim_one(plain), JOB_CANCELLED, 0, NULL);
    const struct job_unique *unique = FOREVER(.states = JOB_STATES_INCOMPLETE);
    make_rivals(JOB_DISCARDED, unique, ids);
    uint64_t asked[] = {ids[0], plain, ids[0]};
    events_clear();
    struct store_reply reply =
        run_ok((struct store_request){.op = STORE_RETRY, .ids = asked, .id_count = 3});
    cr_assert_eq(reply.changed, 2, "all that can be done is done");
    cr_assert_events("store/job/yield job=2\n"
                     "store/job/retry job=2 state=available\n"
                     "store/job/retry job=1 state=available\n");
    cr_assert_eq(get(ids[0]).state, JOB_AVAILABLE);
    assert_holder(ids[1], unique);
    change(STORE_CANCEL, ids[1]);
    assert_new(unique);
}

CONFORMS(retried_by_hand_it_takes_its_key_again)
{
    const struct job_unique *unique = FOREVER(.states = JOB_STATES_INCOMPLETE);
    uint64_t id = place(unique, (struct job_spec){0}).id;
    bring(id, JOB_DISCARDED);
    cr_assert_eq(change(STORE_RETRY, id), 1);
    assert_holder(id, unique);
}

CONFORMS(two_rivals_in_one_change)
{
    const struct job_unique *unique = FOREVER(.states = JOB_STATES_INCOMPLETE);
    uint64_t ids[2];
    make_rivals(JOB_DISCARDED, unique, ids);
    bring(ids[1], JOB_CANCELLED);
    cr_assert_eq(
        run_ok((struct store_request){.op = STORE_RETRY, .ids = ids, .id_count = 2}).changed, 2);
    assert_holder(ids[0], unique);
    cr_assert_eq(claim(9).job_count, 2);
}

CONFORMS(a_snooze_never_fails_for_a_key)
{
    const struct job_unique *unique = FOREVER(.states = JOB_STATES_SCHEDULED);
    uint64_t first = place(unique, (struct job_spec){.delay_ms = 1000}).id;
    clock_ms += 1000;
    cr_assert_eq(tick(STORE_STAGE), 1);
    uint64_t second = place(unique, (struct job_spec){.delay_ms = 5000}).id;
    cr_assert_neq(first, second);
    uint64_t plain = insert((struct job_spec){.worker = "plain"});
    struct store_reply claimed = claim(2);
    struct store_ack acks[] = {{plain, claimed.jobs[1].lease, JOB_COMPLETED, 0, NULL},
                               {first, claimed.jobs[0].lease, JOB_SCHEDULED, 1000, NULL}};
    cr_assert_eq(claimed.jobs[0].id, first);
    struct store_reply reply =
        run_ok((struct store_request){.op = STORE_ACK, .acks = acks, .ack_count = 2});
    cr_assert_eq(reply.acks[0], ACK_APPLIED);
    cr_assert_eq(reply.acks[1], ACK_APPLIED);
    cr_assert_eq(get(first).state, JOB_SCHEDULED);
    cr_assert_eq(get(first).snoozed, 1);
    assert_holder(second, unique);
}

CONFORMS(an_error_never_fails_for_a_key)
{
    const struct job_unique *unique =
        FOREVER(.states = JOB_STATE_BIT(JOB_AVAILABLE) | JOB_STATE_BIT(JOB_RETRYABLE));
    uint64_t ids[2];
    ids[0] = place(unique, (struct job_spec){0}).id;
    struct store_lease lease = claim_one(ids[0]);
    ids[1] = place(unique, (struct job_spec){0}).id;
    cr_assert_eq(ack(lease, JOB_RETRYABLE, 1000, "e"), ACK_APPLIED);
    assert_holder(ids[1], unique);
    clock_ms += 1000;
    cr_assert_eq(tick(STORE_STAGE), 1);
    cr_assert_eq(claim(9).job_count, 2);
}

CONFORMS(a_rescue_never_fails_for_a_key)
{
    const struct job_unique *unique = FOREVER(.states = JOB_STATE_BIT(JOB_AVAILABLE));
    uint64_t ids[3];
    for (size_t i = 0; i < 3; ++i) {
        ids[i] = place(unique, (struct job_spec){0}).id;
        if (i < 2)
            claim_one(ids[i]);
    }
    clock_ms += LEASE_MS;
    cr_assert_eq(tick(STORE_RESCUE), 2);
    assert_holder(ids[2], unique);
    cr_assert_eq(claim(9).job_count, 3);
}

CONFORMS(a_stage_never_fails_for_a_key)
{
    const struct job_unique *unique = FOREVER(.states = JOB_STATE_BIT(JOB_AVAILABLE));
    uint64_t first = place(unique, (struct job_spec){.delay_ms = 1000}).id;
    uint64_t other = insert((struct job_spec){.worker = "w", .delay_ms = 1000});
    uint64_t second = place(unique, (struct job_spec){0}).id;
    cr_assert_neq(first, second);
    clock_ms += 1000;
    cr_assert_eq(tick(STORE_STAGE), 2);
    cr_assert_eq(get(other).state, JOB_AVAILABLE);
    assert_holder(second, unique);
}

CONFORMS(a_claim_never_fails_for_a_key)
{
    const struct job_unique *unique = FOREVER(.states = JOB_STATE_BIT(JOB_EXECUTING));
    place(unique, (struct job_spec){0});
    place(unique, (struct job_spec){0});
    cr_assert_eq(claim(9).job_count, 2);
    clock_ms += LEASE_MS;
    struct store_request request = {.op = STORE_CLAIM,
                                    .queue = "default",
                                    .limit = 9,
                                    .owner = "o",
                                    .lease_ms = LEASE_MS,
                                    .stage = true};
    cr_assert_eq(tick(STORE_RESCUE), 2);
    cr_assert_eq(run_ok(request).job_count, 2);
}
