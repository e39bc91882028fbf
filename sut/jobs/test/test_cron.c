/* test_cron.c: who leads, and the ticks of cron entries: nodes on one clock and one database, which the test holds in its
 * hands. Numbers in the names are those of the conformance list (reference: job systems, 1.7). */
#include "sut/jobs/internal.h"
#include "sut/store/test/fixture.h"

#include "sut/jobs/calendar.h"
#include "sut/jobs/cron_expression.h"

#define NODES    3
#define CALLS    16
#define MINUTE   (60 * NS_PER_S)
#define LEASE_NS (30 * NS_PER_S)
#define HOUR_MS  INT64_C(3600000)

/* What happens to the calls of a node. */
enum mode { ANSWER, REFUSE, LOSE, HANG };

struct node {
    struct env env;
    struct heap *heap;
    struct runtime *runtime;
    struct store store;
    struct jobs *jobs;
    struct store_call *calls[CALLS];
    size_t call_count;
    enum mode mode;
    int64_t wake_ns;
    uint64_t entropy;
    unsigned warnings;
};

static struct node nodes[NODES];
static struct store_db *db;
static int64_t now_ns; /* of all nodes; clock_ms goes along */

/* ---- a node ---- */

static int64_t node_now(struct env *of)
{
    (void)of;
    return now_ns;
}

static uint64_t node_entropy(struct env *of)
{
    struct node *node = (struct node *)((char *)of - offsetof(struct node, env));
    uint64_t z = node->entropy += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void node_log(struct env *of, enum log_level level, const char *line)
{
    struct node *node = (struct node *)((char *)of - offsetof(struct node, env));
    node->warnings += level >= LOG_WARN && strncmp(line, "cron: ", 6) == 0;
}

static const struct env_ops node_ops = {
    .mono_ns = node_now, .wall_ns = node_now, .entropy = node_entropy, .log = node_log};

static void node_submit(struct store *store, struct env *of, struct store_call *call)
{
    struct node *node = (struct node *)((char *)store - offsetof(struct node, store));
    (void)of;
    cr_assert_lt(node->call_count, CALLS);
    node->calls[node->call_count++] = call;
}

/* The oldest call of a node is answered, as its mode says. */
static bool node_answer(struct node *node)
{
    if (node->call_count == 0 || node->mode == HANG)
        return false;
    struct store_call *call = node->calls[0];
    memmove(node->calls, node->calls + 1, --node->call_count * sizeof *node->calls);
    if (node->mode == REFUSE)
        call->transport_err = -ECONNREFUSED;
    else
        store_execute(db, &call->request, call->heap, &call->reply);
    if (node->mode == LOSE)
        call->transport_err = -ECONNRESET;
    call->work.done(&call->work);
    return true;
}

static struct job_outcome perform(struct proc *self, const struct job *job, void *ctx)
{
    (void)self, (void)job, (void)ctx;
    return job_outcome_make(JOB_OK, "%s", "");
}

static const struct worker workers[] = {{.name = "w", .perform = perform},
                                        {.name = "v", .perform = perform}};

/* Nothing runs here but leader and cron: there are no queues. */
static struct jobs_config config_of(struct node *node, const struct cron_config *cron)
{
    return (struct jobs_config){
        .store = &node->store, .workers = workers, .worker_count = 2, .cron = cron};
}

static struct node *node_start(size_t index, const struct cron_config *cron)
{
    struct node *node = &nodes[index];
    *node = (struct node){.heap = heap_new(), .entropy = index + 1};
    node->env = (struct env){.ops = &node_ops, .heap = node->heap, .node_name = "n"};
    node->store = (struct store){.submit = node_submit, .deadline_ns = 10 * NS_PER_S};
    node->runtime = runtime_new(&node->env, NULL);
    struct jobs_config config = config_of(node, cron);
    node->jobs = jobs_start(node->runtime, &config, why, sizeof why);
    cr_assert_not_null(node->jobs, "%s", why);
    return node;
}

/* As under kill -9. */
static void node_kill(struct node *node)
{
    runtime_free(node->runtime);
    for (size_t i = 0; i < node->call_count; ++i)
        store_call_free(node->calls[i]);
    heap_free(node->heap);
    *node = (struct node){0};
}

/* Runs what is to be run now, without letting time pass. */
static void settle(void)
{
    for (bool busy = true; busy;) {
        busy = false;
        for (size_t i = 0; i < NODES; ++i)
            if (nodes[i].runtime) {
                nodes[i].wake_ns = runtime_run(nodes[i].runtime);
                busy |= node_answer(&nodes[i]);
            }
    }
}

static void run_for(int64_t ns)
{
    int64_t end = now_ns + ns;
    settle();
    while (now_ns < end) {
        int64_t next = end;
        for (size_t i = 0; i < NODES; ++i)
            if (nodes[i].runtime && nodes[i].wake_ns < next)
                next = nodes[i].wake_ns;
        next = next > now_ns ? next : now_ns + 1;
        clock_ms += next / NS_PER_MS - now_ns / NS_PER_MS;
        now_ns = next;
        settle();
    }
}

static void begin(void)
{
    dir_make();
    db = open_at(path, true);
    cr_assert_not_null(db, "%s", why);
    now_ns = 7 * NS_PER_S;
    clock_ms = NOW_MS / 60000 * 60000 + 10000; /* 22:13:10 */
}

static void end(void)
{
    for (size_t i = 0; i < NODES; ++i)
        if (nodes[i].runtime)
            node_kill(&nodes[i]);
    store_close(db);
    heap_done(&heap);
    dir_remove();
}

TestSuite(leader, .init = begin, .fini = end);
TestSuite(cron, .init = begin, .fini = end);

/* ---- what is in the database ---- */

static struct store_reply ask(struct store_request request)
{
    struct store_reply reply;
    store_execute(db, &request, &heap, &reply);
    cr_assert_eq(reply.err, 0, "%s", reply.why);
    return reply;
}

static struct store_reply jobs_all(void)
{
    return ask((struct store_request){.op = STORE_LIST, .limit = 10000});
}

static size_t job_count(const char *worker)
{
    struct store_reply reply = jobs_all();
    size_t count = 0;
    for (size_t i = 0; i < reply.job_count; ++i)
        count += strcmp(reply.jobs[i].worker, worker) == 0;
    return count;
}

static unsigned leaders(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < NODES; ++i)
        count += nodes[i].jobs && jobs_leads(nodes[i].jobs);
    return count;
}

static struct node *leading(void)
{
    for (size_t i = 0; i < NODES; ++i)
        if (nodes[i].jobs && jobs_leads(nodes[i].jobs))
            return &nodes[i];
    cr_assert_fail("nobody leads");
    abort();
}

static const struct cron_entry minutely = {.name = "m", .expression = "* * * * *", .worker = "w"};

static struct cron_config config_one(const struct cron_entry *entry)
{
    return (struct cron_config){.entries = entry, .entry_count = 1};
}

/* ---- who leads ---- */

static const struct cron_config no_entries;

Test(leader, c77_a_node_without_cron_never_leads)
{
    struct node *node = node_start(0, NULL);
    run_for(2 * LEASE_NS);
    cr_assert_not(jobs_leads(node->jobs));
    node_start(1, &no_entries);
    run_for(NS_PER_S);
    cr_assert(jobs_leads(nodes[1].jobs));
    cr_assert_not(jobs_leads(node->jobs));
}

Test(leader, c78_c79_exactly_one_of_three_leads_and_goes_on)
{
    for (size_t i = 0; i < NODES; ++i)
        node_start(i, &no_entries);
    run_for(NS_PER_S);
    struct node *first = leading();
    for (int i = 0; i < 100; ++i) {
        cr_assert_eq(leaders(), 1);
        cr_assert_eq(leading(), first);
        run_for(3 * NS_PER_S);
    }
}

Test(leader, c80_another_node_takes_over_when_the_lease_has_run_out)
{
    node_start(0, &no_entries);
    run_for(NS_PER_S);
    node_start(1, &no_entries);
    run_for(NS_PER_S);
    node_kill(&nodes[0]);
    run_for(LEASE_NS - 3 * NS_PER_S);
    cr_assert_eq(leaders(), 0, "its lease still holds");
    run_for(8 * NS_PER_S);
    cr_assert_eq(leading(), &nodes[1]);
}

static void drained(void *ctx, size_t left)
{
    cr_assert_eq(left, 0);
    *(bool *)ctx = true;
}

Test(leader, c81_when_the_leader_stops_another_one_leads_soon)
{
    bool done = false;
    node_start(0, &no_entries);
    run_for(NS_PER_S);
    node_start(1, &no_entries);
    run_for(NS_PER_S);
    jobs_drain(nodes[0].jobs, drained, &done);
    run_for(NS_PER_MS);
    cr_assert(done);
    cr_assert_eq(leaders(), 0);
    run_for(6 * NS_PER_S);
    cr_assert_eq(leading(), &nodes[1]);
}

Test(leader, c82_who_gets_no_answer_does_not_lead)
{
    struct node *node = node_start(0, &no_entries);
    node->mode = HANG;
    run_for(LEASE_NS);
    cr_assert_not(jobs_leads(node->jobs));
}

Test(leader, who_cannot_renew_stops_before_another_one_begins)
{
    static const enum mode modes[] = {REFUSE, HANG};
    for (size_t i = 0; i < 2; ++i) {
        node_start(0, &no_entries);
        run_for(NS_PER_S);
        cr_assert_eq(leading(), &nodes[0]);
        node_start(1, &no_entries);
        nodes[0].mode = modes[i];
        bool changed = false;
        for (int step = 0; step < 400; ++step) {
            run_for(100 * NS_PER_MS);
            cr_assert_leq(leaders(), 1);
            changed |= jobs_leads(nodes[1].jobs);
        }
        cr_assert(changed);
        nodes[0].mode = ANSWER;
        run_for(LEASE_NS);
        cr_assert_eq(leading(), &nodes[1]);
        node_kill(&nodes[0]);
        node_kill(&nodes[1]);
        run_for(LEASE_NS);
    }
}

/* ---- ticks ---- */

Test(cron, c86_every_minute_and_only_when_it_matches)
{
    struct cron_entry entries[] = {minutely,
                                   {.name = "later", .expression = "0 5 * * *", .worker = "v"}};
    node_start(0, &(struct cron_config){.entries = entries, .entry_count = 2});
    run_for(49 * NS_PER_S);
    cr_assert_eq(job_count("w"), 0);
    run_for(2 * NS_PER_S);
    cr_assert_eq(job_count("w"), 1);
    for (size_t i = 2; i < 20; ++i) {
        run_for(MINUTE);
        cr_assert_eq(job_count("w"), i);
    }
    cr_assert_eq(job_count("v"), 0);
    cr_assert_lt(jobs_all().jobs[0].inserted_ms % 60000, 20, "at the full minute");
}

Test(cron, c87_time_zones_per_plugin_and_per_entry)
{
    /* It is 22:13 in UTC. */
    struct cron_entry entries[] = {
        {.name = "plugin", .expression = "14 0 * * *", .worker = "w"},
        {.name = "entry", .expression = "14 22 * * *", .zone = "UTC", .worker = "v"},
        {.name = "not", .expression = "14 22 * * *", .worker = "v"},
    };
    node_start(0, &(struct cron_config){
                      .entries = entries, .entry_count = 3, .zone = "AAA-2BBB-3,M3.5.0,M10.5.0"});
    run_for(MINUTE);
    cr_assert_eq(job_count("w"), 1);
    cr_assert_eq(job_count("v"), 1);
}

Test(cron, c88_the_meta_says_where_a_job_comes_from)
{
    struct cron_entry entries[] = {{.expression = "* * * * *", .worker = "w"},
                                   {.expression = "*/1 * * * *", .worker = "w"}};
    node_start(0, &(struct cron_config){.entries = entries, .entry_count = 2});
    run_for(MINUTE);
    struct store_reply reply = jobs_all();
    char names[2][64];
    cr_assert_eq(reply.job_count, 2);
    for (size_t i = 0; i < 2; ++i) {
        cr_assert_eq(sscanf(strstr(reply.jobs[i].meta, "\"cron_name\":\""),
                            "\"cron_name\":\"%63[^\"]", names[i]),
                     1);
        cr_assert(strstr(reply.jobs[i].meta, "\"cron\":true,\"cron_expr\":\""));
        cr_assert(strstr(reply.jobs[i].meta, "\"cron_tz\":\"UTC\""));
        cr_assert(strstr(reply.jobs[i].meta, "\"cron_at\":\"2023-11-14T22:14:00Z\""));
    }
    cr_assert_str_neq(names[0], names[1]);
}

Test(cron, c89_reboot_once_when_a_cluster_starts)
{
    struct cron_entry entry = {.name = "r", .expression = "@reboot", .worker = "w"};
    struct cron_config config = config_one(&entry);
    node_start(0, &config);
    node_start(1, &config);
    run_for(NS_PER_S);
    cr_assert_eq(job_count("w"), 1);
    run_for(MINUTE);
    node_kill(leading());
    run_for(2 * MINUTE);
    cr_assert_eq(leaders(), 1);
    cr_assert_eq(job_count("w"), 1, "the other node had started before it");
}

Test(cron, c89_reboot_comes_with_leadership_and_not_before)
{
    struct cron_entry entry = {.name = "r", .expression = "@reboot", .worker = "w"};
    struct cron_config config = config_one(&entry);
    node_start(0, &no_entries);
    run_for(NS_PER_S);
    node_start(1, &config);
    run_for(10 * MINUTE);
    cr_assert_eq(job_count("w"), 0, "the other one leads, and started before the entry");
    node_kill(&nodes[0]);
    run_for(MINUTE);
    cr_assert_eq(job_count("w"), 1);
    node_start(0, &config);
    run_for(10 * MINUTE);
    cr_assert_eq(job_count("w"), 1);
    node_kill(&nodes[1]);
    run_for(MINUTE);
    cr_assert_eq(job_count("w"), 2, "it started after the last one");
}

static void expect_refused(struct cron_config cron, const char *advice)
{
    struct node node = {.heap = heap_new()};
    node.env = (struct env){.ops = &node_ops, .heap = node.heap};
    node.runtime = runtime_new(&node.env, NULL);
    struct jobs_config config = config_of(&node, &cron);
    cr_assert_null(jobs_start(node.runtime, &config, why, sizeof why));
    cr_assert(strstr(why, advice), "%s", why);
    runtime_free(node.runtime);
    heap_free(node.heap);
}

Test(cron, c90_what_is_wrong_is_refused_at_start)
{
    struct cron_entry bad = minutely;
    bad.expression = "60 * * * *";
    expect_refused(config_one(&bad),
                   "cron entry 1 (m): '60 * * * *', character 1 (minute): 60 is not in 0-59");
    bad = minutely;
    bad.worker = "x";
    expect_refused(config_one(&bad), "there is no worker 'x'");
    bad = minutely;
    bad.zone = "Europe/Nowhere";
    expect_refused(config_one(&bad), "there is no time zone 'Europe/Nowhere'");
    bad.zone = "CET-1CEST,M13.1.1,M1.1.1";
    expect_refused(config_one(&bad), "no rule");
    bad = minutely;
    bad.priority = 10;
    expect_refused(config_one(&bad), "priority");
    expect_refused((struct cron_config){.lease_ms = -1}, "negative");
    expect_refused((struct cron_config){.entries = &minutely, .entry_count = 1, .zone = "x y"},
                   "they look like");
}

/* ---- each tick once ---- */

Test(cron, a_leader_that_dies_before_the_minute_costs_no_tick)
{
    struct cron_config config = config_one(&minutely);
    node_start(0, &config);
    run_for(5 * NS_PER_S);
    node_start(1, &config);
    run_for(44 * NS_PER_S); /* hh:mm:59 */
    cr_assert_eq(job_count("w"), 0);
    node_kill(leading());
    run_for(5 * MINUTE);
    cr_assert_eq(job_count("w"), 5);
}

Test(cron, two_that_believe_they_lead_make_each_tick_once)
{
    struct cron_config config = config_one(&minutely);
    for (size_t i = 0; i < NODES; ++i)
        node_start(i, &config);
    for (size_t minute = 0; minute < 20; ++minute) {
        for (size_t i = 0; i < NODES; ++i) {
            nodes[i].jobs->leader.until_ns = INT64_MAX;
            proc_send(nodes[i].runtime, 0, nodes[i].jobs->cron.pid, MSG_POKE, NULL, 0);
        }
        run_for(MINUTE);
        cr_assert_eq(job_count("w"), minute + 1);
    }
}

Test(cron, a_lost_reply_makes_no_second_job)
{
    struct cron_config config = config_one(&minutely);
    struct node *node = node_start(0, &config);
    run_for(45 * NS_PER_S);
    node->mode = LOSE;
    run_for(10 * NS_PER_S);
    node->mode = ANSWER;
    run_for(10 * NS_PER_S);
    cr_assert_eq(job_count("w"), 1);
}

Test(cron, clocks_that_are_set_make_no_tick_twice)
{
    struct cron_config config = config_one(&minutely);
    node_start(0, &config);
    run_for(3 * MINUTE);
    cr_assert_eq(job_count("w"), 3);
    clock_ms -= 2 * 60000 + 7000;
    store_close(db); /* an open one does not believe it */
    db = open_at(path, false);
    run_for(2 * MINUTE);
    cr_assert_eq(job_count("w"), 3, "these minutes had come before");
    run_for(2 * MINUTE);
    cr_assert_geq(job_count("w"), 4);
    size_t before = job_count("w");
    clock_ms += HOUR_MS;
    run_for(2 * MINUTE);
    cr_assert_eq(job_count("w"), before + 2, "the newest of the hour, and the next");
}

static void expect_after_an_hour(int catch_up, const char *expression, size_t made)
{
    struct cron_entry entry = {
        .name = "e", .expression = expression, .worker = "w", .catch_up = catch_up};
    struct cron_config config = config_one(&entry);
    struct node *node = node_start(0, &config);
    run_for(NS_PER_S);
    cr_assert_eq(job_count("w"), 0);
    node_kill(node);
    clock_ms += HOUR_MS; /* 23:13 */
    run_for(LEASE_NS);
    node_start(0, &config);
    run_for(NS_PER_S);
    cr_assert_eq(job_count("w"), made);
}

Test(cron, by_default_the_newest_missed_tick_is_made_up_for)
{
    expect_after_an_hour(0, "*/10 * * * *", 1);
    cr_assert_gt(nodes[0].warnings, 0, "the others are reported");
}

Test(cron, missed_ticks_are_made_up_for_as_far_as_asked)
{
    expect_after_an_hour(4, "*/10 * * * *", 4);
    cr_assert(strstr(jobs_all().jobs[0].meta, "T22:40:00Z"), "the newest, in their order");
    cr_assert(strstr(jobs_all().jobs[3].meta, "T23:10:00Z"));
}

Test(cron, all_missed_ticks)
{
    expect_after_an_hour(1000, "*/10 * * * *", 6);
    cr_assert_eq(nodes[0].warnings, 0);
}

Test(cron, missed_ticks_are_left_out_if_so_asked)
{
    expect_after_an_hour(CRON_NO_CATCH_UP, "*/10 * * * *", 0);
    cr_assert_gt(nodes[0].warnings, 0);
    run_for(7 * MINUTE);
    cr_assert_eq(job_count("w"), 1, "23:20");
}

Test(cron, entries_put_paused_and_deleted_while_it_runs)
{
    node_start(0, &no_entries);
    run_for(NS_PER_S);
    ask((struct store_request){.op = STORE_CRON_PUT, .entries = &minutely, .entry_count = 1});
    run_for(2 * MINUTE);
    cr_assert_eq(job_count("w"), 2);
    const char *name = "m";
    struct store_request change = {.op = STORE_CRON_CHANGE, .names = &name, .name_count = 1};
    ask(change);
    run_for(2 * MINUTE);
    cr_assert_eq(job_count("w"), 2);
    change.cron_change = CRON_RESUME;
    ask(change);
    run_for(MINUTE);
    cr_assert_eq(job_count("w"), 3, "what was due meanwhile is not made up for");
    change.cron_change = CRON_DELETE;
    ask(change);
    run_for(2 * MINUTE);
    cr_assert_eq(job_count("w"), 3);
}

Test(cron, a_configuration_that_changed_takes_its_entries_back)
{
    struct cron_config config = config_one(&minutely);
    node_start(0, &config);
    run_for(NS_PER_S);
    node_kill(&nodes[0]);
    node_start(0, &no_entries);
    run_for(2 * MINUTE);
    cr_assert_eq(job_count("w"), 0);
    cr_assert_eq(ask((struct store_request){.op = STORE_CRON_LIST}).entry_count, 0);
}
