/* queue.h: what is said of a queue: pause, limits over all nodes, parts, rates. */

static struct store_queue queue_set(unsigned fields, struct store_queue rule)
{
    rule.name = rule.name ? rule.name : "default";
    struct store_reply reply = run_ok((struct store_request){
        .op = STORE_QUEUE_SET, .rules = &rule, .rule_count = 1, .rule_fields = fields});
    cr_assert_eq(reply.rule_count, 1);
    return reply.rules[0];
}

static void insert_many(size_t count, const char *part)
{
    for (size_t i = 0; i < count; ++i)
        insert((struct job_spec){.worker = "w", .part = part});
}

static void finish(const struct store_reply *claimed, size_t index)
{
    const struct job *job = &claimed->jobs[index];
    cr_assert_eq(ack((struct store_lease){job->id, job->lease}, JOB_COMPLETED, 0, NULL),
                 ACK_APPLIED);
}

static size_t count_part(const struct store_reply *claimed, const char *part)
{
    size_t count = 0;
    for (size_t i = 0; i < claimed->job_count; ++i)
        count += strcmp(claimed->jobs[i].part, part) == 0;
    return count;
}

CONFORMS(c62_a_paused_queue_hands_out_nothing_until_it_is_resumed)
{
    insert_many(2, NULL);
    struct store_queue rule = queue_set(QUEUE_PAUSED, (struct store_queue){.paused = true});
    cr_assert(rule.paused);
    cr_assert_eq(rule.local_limit, -1);
    cr_assert_eq(rule.rate, -1);
    cr_assert_eq(claim(5).job_count, 0);
    const char *queues[] = {"default"};
    struct store_reply look =
        run_ok((struct store_request){.op = STORE_STAGE, .queues = queues, .queue_count = 1});
    cr_assert_not(look.ready[0]);
    cr_assert_eq(look.rule_count, 1);
    queue_set(QUEUE_PAUSED, (struct store_queue){.paused = false});
    cr_assert_eq(claim(5).job_count, 2);
}

CONFORMS(c62_a_paused_queue_leaves_due_jobs_where_they_are)
{
    insert((struct job_spec){.worker = "w", .delay_ms = 10});
    queue_set(QUEUE_PAUSED, (struct store_queue){.paused = true});
    clock_ms += 10;
    struct store_reply reply = run_ok((struct store_request){
        .op = STORE_CLAIM, .queue = "default", .limit = 1, .lease_ms = LEASE_MS, .stage = true});
    cr_assert_eq(reply.job_count, 0);
    cr_assert_eq(reply.changed, 0);
    cr_assert_eq(tick(STORE_STAGE), 1);
}

CONFORMS(c63_a_queue_that_nobody_knows_can_be_paused)
{
    queue_set(QUEUE_PAUSED, (struct store_queue){.name = "later", .paused = true});
    uint64_t id = insert((struct job_spec){.worker = "w"});
    claim_one(id);
}

CONFORMS(c64_fields_are_changed_one_by_one)
{
    queue_set(QUEUE_LOCAL, (struct store_queue){.local_limit = 7});
    queue_set(QUEUE_GLOBAL | QUEUE_PART, (struct store_queue){.global_limit = 3, .part_limit = 2});
    struct store_queue rule = queue_set(
        QUEUE_RATE, (struct store_queue){.rate = 5, .rate_ms = 1000, .rate_by_part = true});
    cr_assert_eq(rule.local_limit, 7);
    cr_assert_eq(rule.global_limit, 3);
    cr_assert_eq(rule.part_limit, 2);
    cr_assert_eq(rule.rate, 5);
    cr_assert_eq(rule.rate_ms, 1000);
    cr_assert(rule.rate_by_part);
    struct store_reply all = run_ok((struct store_request){.op = STORE_QUEUES});
    cr_assert_eq(all.rule_count, 1);
    const char *name = "default";
    cr_assert_eq(
        run_ok((struct store_request){.op = STORE_QUEUE_FORGET, .queues = &name, .queue_count = 1})
            .changed,
        1);
    cr_assert_eq(run_ok((struct store_request){.op = STORE_QUEUES}).rule_count, 0);
}

CONFORMS(nonsense_about_a_queue_is_refused_and_nothing_is_changed)
{
    const struct {
        unsigned fields;
        struct store_queue rule;
    } bad[] = {
        {QUEUE_PAUSED, {.name = ""}},
        {QUEUE_LOCAL, {.name = "q", .local_limit = -2}},
        {QUEUE_GLOBAL, {.name = "q", .global_limit = -2}},
        {QUEUE_PART, {.name = "q", .part_limit = -2}},
        {QUEUE_RATE, {.name = "q", .rate = 1, .rate_ms = 0}},
        {QUEUE_AGE, {.name = "q", .age_ms = -1}},
        {QUEUE_AGE, {.name = "q", .age_ms = INT64_MAX}},
        {QUEUE_AGE, {.name = "q", .node = "n1", .age_ms = 5}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); ++i) {
        struct store_reply reply = run((struct store_request){.op = STORE_QUEUE_SET,
                                                              .rules = &bad[i].rule,
                                                              .rule_count = 1,
                                                              .rule_fields = bad[i].fields});
        cr_assert_eq(reply.err, -EINVAL);
        cr_assert(*reply.why);
    }
    cr_assert_eq(run_ok((struct store_request){.op = STORE_QUEUES}).rule_count, 0);
}

CONFORMS(a_global_limit_counts_what_runs_anywhere)
{
    insert_many(6, NULL);
    queue_set(QUEUE_GLOBAL, (struct store_queue){.global_limit = 2});
    struct store_reply first = claim(5);
    cr_assert_eq(first.job_count, 2);
    cr_assert_eq(claim(5).job_count, 0);
    finish(&first, 0);
    cr_assert_eq(claim(5).job_count, 1);
    queue_set(QUEUE_GLOBAL, (struct store_queue){.global_limit = 0});
    finish(&first, 1);
    cr_assert_eq(claim(5).job_count, 0);
    queue_set(QUEUE_GLOBAL, (struct store_queue){.global_limit = -1});
    cr_assert_eq(claim(5).job_count, 3);
}

CONFORMS(a_job_that_is_rescued_gives_its_place_back)
{
    insert_many(2, NULL);
    queue_set(QUEUE_GLOBAL, (struct store_queue){.global_limit = 1});
    cr_assert_eq(claim(5).job_count, 1);
    clock_ms += LEASE_MS;
    cr_assert_eq(tick(STORE_RESCUE), 1);
    cr_assert_eq(claim(5).job_count, 1);
    cr_assert_eq(claim(5).job_count, 0);
}

CONFORMS(a_limit_of_parts_holds_for_each_and_full_parts_starve_nobody)
{
    insert_many(5, "a");
    insert_many(3, "b");
    insert_many(2, NULL);
    queue_set(QUEUE_PART, (struct store_queue){.part_limit = 2});
    struct store_reply first = claim(10);
    cr_assert_eq(first.job_count, 6);
    cr_assert_eq(count_part(&first, "a"), 2);
    cr_assert_eq(count_part(&first, "b"), 2);
    cr_assert_eq(count_part(&first, ""), 2);
    cr_assert_eq(claim(10).job_count, 0);
    finish(&first, 0);
    struct store_reply second = claim(10);
    cr_assert_eq(second.job_count, 1);
    cr_assert_str_eq(second.jobs[0].part, first.jobs[0].part);
}

CONFORMS(more_parts_than_a_claim_looks_at_take_turns)
{
    enum { PARTS = 300 };
    char part[16];
    for (int i = 0; i < PARTS; ++i) {
        snprintf(part, sizeof part, "p%03d", i);
        insert_many(1, part);
    }
    queue_set(QUEUE_PART, (struct store_queue){.part_limit = 1});
    size_t count = 0;
    for (int i = 0; i < 3; ++i)
        count += claim(PARTS).job_count;
    cr_assert_eq(count, PARTS);
}

CONFORMS(claims_of_parts_keep_the_order_of_jobs)
{
    uint64_t b = insert((struct job_spec){.worker = "w", .part = "b", .priority = 1});
    uint64_t c = insert((struct job_spec){.worker = "w", .part = "c", .priority = 2});
    uint64_t a = insert((struct job_spec){.worker = "w", .part = "a", .priority = 3});
    queue_set(QUEUE_PART, (struct store_queue){.part_limit = 1});
    struct store_reply two = claim(2);
    cr_assert_eq(two.job_count, 2);
    cr_assert_eq(two.jobs[0].id, b);
    cr_assert_eq(two.jobs[1].id, c);
    cr_assert_eq(claim(2).jobs[0].id, a);
}

/* Not only in windows that begin at multiples of it. */
CONFORMS(a_rate_holds_in_any_window)
{
    insert_many(20, NULL);
    queue_set(QUEUE_RATE, (struct store_queue){.rate = 3, .rate_ms = 1000});
    cr_assert_eq(claim(2).job_count, 2);
    clock_ms += 900;
    cr_assert_eq(claim(5).job_count, 1);
    struct store_reply none = claim(5);
    cr_assert_eq(none.job_count, 0);
    cr_assert_eq(none.hold_ms, 100);
    clock_ms += 99;
    cr_assert_eq(claim(5).job_count, 0);
    clock_ms += 1;
    cr_assert_eq(claim(5).job_count, 2);
    clock_ms += 899;
    cr_assert_eq(claim(5).job_count, 0);
    clock_ms += 1;
    cr_assert_eq(claim(5).job_count, 1);
}

CONFORMS(a_rate_by_part_holds_for_each)
{
    insert_many(4, "a");
    insert_many(4, "b");
    queue_set(QUEUE_RATE, (struct store_queue){.rate = 2, .rate_ms = 1000, .rate_by_part = true});
    struct store_reply first = claim(10);
    cr_assert_eq(count_part(&first, "a"), 2);
    cr_assert_eq(count_part(&first, "b"), 2);
    cr_assert_eq(claim(10).hold_ms, 1000);
    clock_ms += 1000;
    cr_assert_eq(claim(10).job_count, 4);
}

/* ---- ageing ---- */

static uint64_t insert_prior(unsigned priority, const char *part)
{
    return insert((struct job_spec){.worker = "w", .priority = priority, .part = part});
}

static void assert_claims(const uint64_t *ids, size_t count)
{
    struct store_reply reply = claim(count);
    cr_assert_eq(reply.job_count, count);
    for (size_t i = 0; i < count; ++i)
        cr_assert_eq(reply.jobs[i].id, ids[i], "%zu", i);
}

CONFORMS(with_ageing_a_priority_counts_as_much_as_a_time)
{
    uint64_t old = insert_prior(2, NULL);
    clock_ms += 1999;
    uint64_t first = insert_prior(0, NULL), low = insert_prior(9, NULL);
    clock_ms += 1;
    uint64_t same = insert_prior(0, NULL);
    clock_ms += 1;
    uint64_t late = insert_prior(0, NULL), middle = insert_prior(1, NULL);
    cr_assert_eq(queue_set(QUEUE_AGE, (struct store_queue){.age_ms = 1000}).age_ms, 1000);
    assert_claims((const uint64_t[]){first, old, same}, 3);
    assert_claims((const uint64_t[]){late, middle, low}, 3);
}

CONFORMS(without_ageing_it_does_not)
{
    queue_set(QUEUE_AGE | QUEUE_GLOBAL, (struct store_queue){.age_ms = 1000, .global_limit = 9});
    uint64_t old = insert_prior(1, NULL);
    clock_ms += 100000;
    uint64_t first = insert_prior(0, NULL);
    cr_assert_eq(queue_set(QUEUE_AGE, (struct store_queue){.age_ms = 0}).global_limit, 9);
    assert_claims((const uint64_t[]){first, old}, 2);
}

/* Whoever has waited long enough is before all that comes anew, however much that is. */
CONFORMS(with_ageing_nobody_waits_for_ever)
{
    queue_set(QUEUE_AGE, (struct store_queue){.age_ms = 100});
    uint64_t last = insert_prior(9, NULL);
    for (int round = 0; round <= 9; ++round) {
        struct job_spec specs[20];
        for (size_t i = 0; i < 20; ++i)
            specs[i] = (struct job_spec){.worker = "w"};
        run_ok((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = 20});
        bool claimed = false;
        struct store_reply reply = claim(10);
        for (size_t i = 0; i < reply.job_count; ++i)
            claimed |= reply.jobs[i].id == last;
        cr_assert_not(claimed, "%d", round);
        clock_ms += 100;
    }
    struct job after = get(last);
    cr_assert_eq(after.state, JOB_AVAILABLE);
    claim(81); /* behind the eighty that came before it could */
    cr_assert_eq(get(last).state, JOB_EXECUTING);
}

CONFORMS(with_ageing_limits_hold_and_parts_have_their_turns)
{
    uint64_t a9 = insert_prior(9, "a");
    clock_ms += 900;
    uint64_t a0 = insert_prior(0, "a"), b5 = insert_prior(5, "b"), free1 = insert_prior(1, NULL);
    uint64_t free0 = insert_prior(0, NULL);
    clock_ms += 50;
    uint64_t a = insert_prior(0, "a");
    queue_set(QUEUE_AGE | QUEUE_PART, (struct store_queue){.age_ms = 100, .part_limit = 2});
    assert_claims((const uint64_t[]){a9, a0, free0, free1, b5}, 5);
    cr_assert_eq(claim(5).job_count, 0);
    cr_assert_eq(get(a).state, JOB_AVAILABLE);
}

CONFORMS(a_part_is_kept_and_checked)
{
    uint64_t id = insert((struct job_spec){.worker = "w", .part = "customer 7"});
    cr_assert_str_eq(get(id).part, "customer 7");
    cr_assert_str_eq(get(insert((struct job_spec){.worker = "w"})).part, "");
    struct job_spec empty = {.worker = "w", .part = ""};
    cr_assert_eq(
        run((struct store_request){.op = STORE_INSERT, .specs = &empty, .spec_count = 1}).err,
        -EINVAL);
}

/* ---- start, stop, and on which node ---- */

static size_t claim_on(const char *node)
{
    return run_ok((struct store_request){.op = STORE_CLAIM,
                                         .queue = "default",
                                         .limit = 1,
                                         .owner = "o",
                                         .node = node,
                                         .lease_ms = LEASE_MS})
        .job_count;
}

static void say(unsigned fields, struct store_queue rule)
{
    rule.name = rule.name ? rule.name : "default";
    run_ok((struct store_request){
        .op = STORE_QUEUE_SET, .rules = &rule, .rule_count = 1, .rule_fields = fields});
}

CONFORMS(c65_a_stopped_queue_hands_out_nothing_until_it_is_started)
{
    insert_many(2, NULL);
    struct store_queue rule = queue_set(QUEUE_RUNS, (struct store_queue){.runs = 0});
    cr_assert_eq(rule.runs, 0);
    cr_assert_not(rule.paused);
    cr_assert_eq(claim_on("n1"), 0);
    queue_set(QUEUE_RUNS, (struct store_queue){.runs = 0}); /* again */
    rule = queue_set(QUEUE_RUNS | QUEUE_LOCAL, (struct store_queue){.runs = 1, .local_limit = 3});
    cr_assert_eq(rule.runs, 1);
    cr_assert_eq(rule.local_limit, 3);
    cr_assert_eq(claim_on("n1"), 1);
    cr_assert_eq(claim_on("n2"), 1);
}

CONFORMS(c62_c64_c65_what_is_said_of_one_node_holds_there_only)
{
    insert_many(4, NULL);
    say(QUEUE_PAUSED, (struct store_queue){.node = "n1", .paused = true});
    cr_assert_eq(claim_on("n1"), 0);
    cr_assert_eq(claim_on("n2"), 1);
    cr_assert_eq(claim_on(NULL), 1);
    say(QUEUE_PAUSED, (struct store_queue){.node = "n1", .paused = false});
    cr_assert_eq(claim_on("n1"), 1);
    cr_assert_eq(run_ok((struct store_request){.op = STORE_QUEUES}).rule_count, 0,
                 "nothing is left");
    say(QUEUE_RUNS, (struct store_queue){.node = "n2", .runs = 0});
    cr_assert_eq(claim_on("n2"), 0);
    say(QUEUE_RUNS, (struct store_queue){.runs = 1}); /* on all nodes: the last word holds */
    cr_assert_eq(claim_on("n2"), 1);
}

CONFORMS(c62_every_queue_can_be_paused_at_once)
{
    insert_many(2, NULL);
    say(QUEUE_PAUSED, (struct store_queue){.name = QUEUE_EVERY, .paused = true});
    cr_assert_eq(claim_on("n1"), 0);
    const char *queues[] = {"default"};
    struct store_reply look = run_ok((struct store_request){
        .op = STORE_STAGE, .queues = queues, .queue_count = 1, .node = "n1"});
    cr_assert_not(look.ready[0]);
    say(QUEUE_PAUSED, (struct store_queue){.paused = true});
    say(QUEUE_PAUSED, (struct store_queue){.name = QUEUE_EVERY, .paused = false});
    cr_assert_eq(claim_on("n1"), 1);
    cr_assert_eq(claim_on("n1"), 1);
}

CONFORMS(what_concerns_all_nodes_is_not_said_of_one)
{
    const struct store_queue bad[] = {{.name = "q", .node = "n1", .global_limit = 1},
                                      {.name = QUEUE_EVERY, .global_limit = 1}};
    for (size_t i = 0; i < ARRAY_SIZE(bad); ++i) {
        struct store_reply reply = run((struct store_request){
            .op = STORE_QUEUE_SET, .rules = &bad[i], .rule_count = 1, .rule_fields = QUEUE_GLOBAL});
        cr_assert_eq(reply.err, -EINVAL);
        cr_assert(strstr(reply.why, "one whole queue"), "%s", reply.why);
    }
}

Test(queue_at, the_narrowest_word_holds_and_any_pause_is_one)
{
    const struct store_queue rules[] = {
        {.name = "*", .node = "", .runs = 0, .local_limit = 1},
        {.name = "*", .node = "n1", .runs = 1, .local_limit = 2},
        {.name = "q", .node = "", .runs = -1, .local_limit = 3, .global_limit = 9, .paused = true},
        {.name = "q", .node = "n1", .runs = -1, .local_limit = 4, .global_limit = -1},
    };
    cr_assert_eq(store_queue_at(rules, 4, "q", "n1").local_limit, 4);
    cr_assert_eq(store_queue_at(rules, 4, "q", "n2").local_limit, 3);
    cr_assert_eq(store_queue_at(rules, 4, "q", "n1").runs, 1);
    cr_assert_eq(store_queue_at(rules, 4, "q", "n2").runs, 0);
    cr_assert_eq(store_queue_at(rules, 4, "q", "n1").global_limit, 9);
    cr_assert(store_queue_at(rules, 4, "q", NULL).paused);
    cr_assert_not(store_queue_at(rules, 4, "p", "n1").paused);
    cr_assert_eq(store_queue_at(rules, 4, "p", "n1").local_limit, 2);
    cr_assert_eq(store_queue_at(rules, 0, "p", "n1").runs, -1);
}
