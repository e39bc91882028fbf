/* test_sqlite_watch.c: processes on one file tell each other, whatever handle or connection they have. A watch that is interrupted
 * says whether anything was told before. */
#include "sut/store/test/fixture.h"

#include "sut/store/sqlite/internal.h"
#include "sut/store/watch.h"

static struct store_db *db, *node;
static struct store_watch *watch;

static struct store_db *open_here(void)
{
    struct store_sqlite_options options = {.path = path, .env = &env, .create = true};
    struct store_db *opened = store_sqlite_open(&options, why, sizeof why);
    cr_assert_not_null(opened, "%s", why);
    return opened;
}

static void watch_open(void)
{
    dir_make();
    db = open_here();
    node = open_here();
    watch = store_sqlite_watch(node);
    cr_assert_not_null(watch);
}

static void watch_done(void)
{
    store_watch_close(watch);
    store_close(node);
    store_close(db);
    cr_assert_eq(heap_blocks(&node_heap), 0);
    heap_done(&heap);
    dir_remove();
}

TestSuite(sqlite_watch, .init = watch_open, .fini = watch_done);

static bool told(void)
{
    struct store_news news;
    store_watch_interrupt(watch);
    store_watch_wait(watch, &news);
    cr_assert_eq(news.err, -ECANCELED);
    ((struct sqlite_store *)db)->told_ns = 0;
    return news.look;
}

static struct store_reply run(struct store_request request)
{
    struct store_reply reply;
    store_execute(db, &request, &heap, &reply);
    cr_assert_eq(reply.err, 0, "%s", reply.why);
    return reply;
}

static uint64_t insert(int64_t delay_ms)
{
    struct job_spec spec = {.worker = "w", .delay_ms = delay_ms};
    return run((struct store_request){.op = STORE_INSERT, .specs = &spec, .spec_count = 1}).ids[0];
}

Test(sqlite_watch, c2_an_available_job_is_told_and_a_scheduled_one_is_not)
{
    cr_assert(!told());
    insert(60000);
    cr_assert(!told());
    insert(0);
    cr_assert(told());
    cr_assert(!told(), "once");
}

Test(sqlite_watch, claims_and_outcomes_are_nobodys_business)
{
    insert(0);
    cr_assert(told());
    struct store_reply claimed = run((struct store_request){
        .op = STORE_CLAIM, .queue = "default", .limit = 1, .owner = "n", .lease_ms = LEASE_MS});
    struct store_ack ack = {
        .id = claimed.jobs[0].id, .lease = claimed.jobs[0].lease, .state = JOB_COMPLETED};
    run((struct store_request){.op = STORE_ACK, .acks = &ack, .ack_count = 1});
    cr_assert(!told());
    run((struct store_request){.op = STORE_RETRY, .ids = &ack.id, .id_count = 1});
    cr_assert(told());
}

Test(sqlite_watch, what_was_told_a_moment_ago_is_not_told_again)
{
    insert(0);
    cr_assert(told());
    ((struct sqlite_store *)db)->told_ns = INT64_MAX;
    insert(0);
    cr_assert(!told());
}

Test(sqlite_watch, programs_tell_of_what_they_did_themselves)
{
    cr_assert_eq(store_sqlite_tell(path), 0);
    cr_assert(told());
    cr_assert_eq(store_sqlite_tell("/nowhere/jobs.db"), -ENOENT);
}

Test(sqlite_watch, who_waits_is_woken)
{
    struct store_news news;
    insert(0);
    store_watch_wait(watch, &news);
    cr_assert_eq(news.err, 0);
    cr_assert(news.look);
}

Test(sqlite_watch, what_is_no_file_is_neither_told_nor_heard)
{
    struct store_sqlite_options options = {.path = ":memory:", .env = &env, .create = true};
    cr_assert(!sqlite_tells(&options));
    options = (struct store_sqlite_options){.path = path, .vfs = "of its own"};
    cr_assert(!sqlite_tells(&options));
}
