/* test_pg_watch.c: what is told to others, and heard: NOTIFY and LISTEN. Nothing here waits for time to pass: that something is not
 * told is seen by what is told next. */
#define CONFORMANCE_HELPERS_ONLY
#include "sut/store/test/pg_fixture.h"

#include "sut/store/watch.h"

static struct store_db *node; /* another one, which listens */
static struct store_watch *watch;

static struct store_news hear(void)
{
    struct store_news news;
    store_watch_wait(watch, &news);
    return news;
}

static void listen_too(void)
{
    struct store_pg_options options = pg_options();
    setup();
    options = pg_options();
    node = store_pg_open(&options, why, sizeof why);
    cr_assert_not_null(node, "%s", why);
    watch = store_pg_watch(node);
    cr_assert_not_null(watch);
    cr_assert(hear().look, "who begins to listen may have missed something");
}

static void listen_no_more(void)
{
    store_watch_close(watch);
    store_close(node);
    teardown();
}

TestSuite(pg_watch, .init = listen_too, .fini = listen_no_more);

/* Nothing holds back what is told next. */
static void tell_anew(struct store_db *of)
{
    memset(((struct pg_store *)of)->told, 0, sizeof((struct pg_store *)of)->told);
}

static void insert_in(const char *queue, int64_t delay_ms)
{
    insert((struct job_spec){.worker = "w", .queue = queue, .delay_ms = delay_ms});
}

/* What is heard next is that there are jobs in this queue, and nothing else. */
static void assert_heard(const char *queue)
{
    struct store_news news = hear();
    cr_assert_eq(news.err, 0, "%s", news.why);
    cr_assert(!news.look);
    cr_assert_eq(news.count, 1);
    cr_assert_str_eq(news.queues[0], queue);
}

Test(pg_watch, c2_an_available_job_is_told_and_a_scheduled_one_is_not)
{
    insert_in("later", 1000);
    insert_in("now", 0);
    assert_heard("now");
}

Test(pg_watch, c3_many_jobs_are_told_once_for_each_of_their_queues)
{
    struct job_spec specs[] = {{.worker = "w", .queue = "b"},
                               {.worker = "w", .queue = "a"},
                               {.worker = "w", .queue = "b"}};
    run((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = 3});
    insert_in("end", 0);
    size_t count = 0;
    for (bool end = false; !end;) {
        struct store_news news = hear();
        for (size_t i = 0; i < news.count; ++i, ++count)
            end |= strcmp(news.queues[i], "end") == 0;
    }
    cr_assert_eq(count, 3);
}

Test(pg_watch, what_was_told_a_moment_ago_is_not_told_again)
{
    struct pg_store *store = (struct pg_store *)real;
    insert_in("busy", 0);
    assert_heard("busy");
    store->told[0].at_ns = pg_now_ns(); /* however slow this machine is */
    store->told[0].at_ns += NS_PER_S;
    insert_in("busy", 0);
    insert_in("other", 0);
    assert_heard("other");
    store->told[0].at_ns -= 3600 * NS_PER_S;
    insert_in("busy", 0);
    assert_heard("busy");
}

Test(pg_watch, a_node_does_not_hear_itself)
{
    struct job_spec spec = {.worker = "w", .queue = "own"};
    struct store_request request = {.op = STORE_INSERT, .specs = &spec, .spec_count = 1};
    struct store_reply reply;
    store_execute(node, &request, &heap, &reply);
    cr_assert_eq(reply.err, 0, "%s", reply.why);
    insert_in("foreign", 0);
    assert_heard("foreign");
}

Test(pg_watch, the_callers_transaction_tells_when_it_commits)
{
    struct job_spec spec = {.worker = "w", .queue = "tx"};
    uint64_t id;
    sql_run("BEGIN");
    cr_assert_eq(store_pg_insert_tx(side, schema, &spec, 1, &id, NULL, why, sizeof why), 0);
    sql_run("ROLLBACK");
    insert_in("between", 0);
    assert_heard("between");
    sql_run("BEGIN");
    cr_assert_eq(store_pg_insert_tx(side, schema, &spec, 1, &id, NULL, why, sizeof why), 0);
    sql_run("COMMIT");
    assert_heard("tx");
}

static void assert_look(void)
{
    struct store_news news = hear();
    cr_assert_eq(news.err, 0, "%s", news.why);
    cr_assert(news.look);
    tell_anew(real);
}

Test(pg_watch, c62_what_a_look_finds_is_told)
{
    uint64_t id = insert((struct job_spec){.worker = "w", .delay_ms = 5000});
    struct store_queue rule = {.name = "default"};
    run((struct store_request){
        .op = STORE_QUEUE_SET, .rules = &rule, .rule_count = 1, .rule_fields = QUEUE_PAUSED});
    assert_look();
    clock_ms += 5000;
    run((struct store_request){.op = STORE_STAGE});
    assert_look();
    claim_one(id);
    run((struct store_request){.op = STORE_CANCEL, .ids = &id, .id_count = 1});
    assert_look();
    run((struct store_request){.op = STORE_RETRY, .ids = &id, .id_count = 1});
    assert_look();
}

Test(pg_watch, c84_who_lost_the_connection_hears_again)
{
    char sql[200]; /* other tests listen, too */
    snprintf(sql, sizeof sql,
             "SELECT count(pg_terminate_backend(pid))FROM pg_stat_activity WHERE "
             "query='LISTEN \"duress_%s\"'",
             schema);
    cr_assert_eq(query(sql), 1);
    struct store_news news = hear();
    cr_assert_eq(news.err, -ECONNREFUSED, "%s", news.why);
    news = hear();
    cr_assert_eq(news.err, 0, "%s", news.why);
    cr_assert(news.look, "nobody knows what was missed");
    insert_in("again", 0);
    assert_heard("again");
}

/* As another schema's node does. */
static void tell_elsewhere(void)
{
    char sql[200], mine[sizeof schema];
    struct store_db *ours = real;
    snprintf(mine, sizeof mine, "%s", schema);
    snprintf(schema, sizeof schema, "%.20sb", mine);
    struct store_pg_options options = pg_options();
    real = store_pg_open(&options, why, sizeof why);
    cr_assert_not_null(real, "%s", why);
    insert_in("theirs", 0);
    store_close(real);
    snprintf(sql, sizeof sql, "DROP SCHEMA %s CASCADE", schema);
    sql_run(sql);
    snprintf(schema, sizeof schema, "%s", mine);
    real = ours;
}

Test(pg_watch, c85_each_listener_hears_once_what_concerns_its_schema)
{
    struct store_watch *first = watch, *second = store_pg_watch(node);
    cr_assert_not_null(second);
    watch = second;
    cr_assert(hear().look);
    tell_elsewhere();
    insert_in("ours", 0);
    assert_heard("ours");
    watch = first;
    assert_heard("ours");
    store_watch_close(second);
    tell_anew(real);
    insert_in("again", 0);
    assert_heard("again");
}

Test(pg_watch, who_waits_can_be_interrupted)
{
    store_watch_interrupt(watch);
    cr_assert_eq(hear().err, -ECANCELED);
    insert_in("then", 0);
    assert_heard("then");
}

Test(pg_watch, nothing_is_heard_through_a_pooler)
{
    struct store_pg_options options = pg_options();
    options.pooled = true;
    struct store_db *pooled = store_pg_open(&options, why, sizeof why);
    cr_assert_null(store_pg_watch(pooled));
    struct job_spec spec = {.worker = "w", .queue = "pooled"};
    struct store_request request = {.op = STORE_INSERT, .specs = &spec, .spec_count = 1};
    struct store_reply reply;
    store_execute(pooled, &request, &heap, &reply);
    assert_heard("pooled");
    store_close(pooled);
}
