/* test_sqlite.c: the store on SQLite: what each operation does to a job, what it refuses, and what
 * becomes of a database that is not what it should be. cNN: the number in the conformance list
 * (reference: job systems, 1.7). */
#include "sut/store/sqlite_internal.h"
#include "sut/store/test/fixture.h"

static struct store_db *db;

static void setup(void)
{
    dir_make();
    db = open_at(path, true);
    cr_assert_not_null(db, "%s", why);
}

/* Nothing may be left: neither in the node's heap nor in the directory. */
static void teardown(void)
{
    store_close(db);
    cr_assert_eq(heap_blocks(&node_heap), 0);
    heap_done(&heap);
    dir_remove();
}

TestSuite(sqlite, .init = setup, .fini = teardown);
TestSuite(sqlite_open, .init = dir_make, .fini = dir_remove);

/* ---- helpers ---- */

static struct store_reply run(struct store_request request)
{
    struct store_reply reply;
    store_execute(db, &request, &heap, &reply);
    return reply;
}

static struct store_reply run_ok(struct store_request request)
{
    struct store_reply reply = run(request);
    cr_assert_eq(reply.err, 0, "%s: %s", store_op_word(request.op), reply.why);
    return reply;
}

static uint64_t insert(struct job_spec spec)
{
    return run_ok((struct store_request){.op = STORE_INSERT, .specs = &spec, .spec_count = 1})
        .ids[0];
}

static struct store_reply claim(size_t limit)
{
    return run_ok((struct store_request){.op = STORE_CLAIM,
                                         .queue = "default",
                                         .limit = limit,
                                         .owner = "o1",
                                         .lease_ms = LEASE_MS});
}

static struct store_lease claim_one(uint64_t id)
{
    struct store_reply reply = claim(1);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, id);
    return (struct store_lease){id, reply.jobs[0].lease};
}

static enum store_ack_result ack(struct store_lease lease, enum job_state state, int64_t delay_ms,
                                 const char *error)
{
    struct store_ack one = {lease.id, lease.lease, state, delay_ms, error};
    return run_ok((struct store_request){.op = STORE_ACK, .acks = &one, .ack_count = 1}).acks[0];
}

static struct job get(uint64_t id)
{
    struct store_reply reply =
        run_ok((struct store_request){.op = STORE_GET, .ids = &id, .id_count = 1});
    cr_assert_eq(reply.job_count, 1);
    return reply.jobs[0];
}

static size_t change(enum store_op op, uint64_t id)
{
    return run_ok((struct store_request){.op = op, .ids = &id, .id_count = 1}).changed;
}

static size_t tick(enum store_op op)
{
    return run_ok((struct store_request){.op = op}).changed;
}

static uint64_t count_of(enum job_state state)
{
    return run_ok((struct store_request){.op = STORE_STATS}).counts[state];
}

static uint64_t count_all(void)
{
    struct store_reply reply = run_ok((struct store_request){.op = STORE_STATS});
    uint64_t sum = 0;
    for (int state = 0; state < JOB_STATE_COUNT; ++state)
        sum += reply.counts[state];
    return sum;
}

/* Another program on the same file. */
static void sql_at(const char *at, const char *sql)
{
    sqlite3 *other = NULL;
    char *error = NULL;
    cr_assert_eq(sqlite3_open(at, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, sql, NULL, NULL, &error), SQLITE_OK, "%s", error);
    sqlite3_close(other);
}

static int64_t query(const char *sql)
{
    sqlite3 *other = NULL;
    sqlite3_stmt *stmt = NULL;
    cr_assert_eq(sqlite3_open(path, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(other, sql, -1, &stmt, NULL), SQLITE_OK, "%s",
                 sqlite3_errmsg(other));
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(other);
    return value;
}

#ifdef DURESS_POINTS
#define cr_assert_events(text) cr_assert_str_eq(events, text)
#define events_clear()         (*events = '\0')
#else
#define cr_assert_events(text)
#define events_clear()
#endif

/* ---- insert ---- */

Test(sqlite, c1_insert_makes_an_available_job)
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

Test(sqlite, delayed_insert_is_scheduled)
{
    struct job job = get(insert((struct job_spec){.worker = "w", .delay_ms = 5}));
    cr_assert_eq(job.state, JOB_SCHEDULED);
    cr_assert_eq(job.scheduled_ms, NOW_MS + 5);
    cr_assert_eq(claim(9).job_count, 0);
    cr_assert_events("store/job/insert job=1 state=scheduled delay_ms=5\n");
}

Test(sqlite, c4_insert_of_nothing_is_fine)
{
    struct store_reply reply = run_ok((struct store_request){.op = STORE_INSERT});
    cr_assert_eq(reply.id_count, 0);
    cr_assert_eq(count_all(), 0);
}

Test(sqlite, c5_one_bad_spec_and_nothing_is_inserted)
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

Test(sqlite, ids_are_never_used_twice)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    sql_at(path, "DELETE FROM duress_jobs");
    cr_assert_eq(insert((struct job_spec){.worker = "w"}), id + 1);
}

Test(sqlite, bulk_of_20000)
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

/* ---- the caller's own statements ---- */

static struct store_reply insert_with(const char *sql)
{
    static const struct job_spec spec = {.worker = "w"};
    return run(
        (struct store_request){.op = STORE_INSERT, .specs = &spec, .spec_count = 1, .tx_sql = sql});
}

Test(sqlite, callers_statements_share_the_transaction)
{
    sql_at(path, "CREATE TABLE orders(job INTEGER)");
    struct store_reply reply = insert_with(
        "INSERT INTO orders VALUES(last_insert_rowid());SAVEPOINT a;SELECT 1;RELEASE a");
    cr_assert_eq(reply.err, 0, "%s", reply.why);
    cr_assert_eq(query("SELECT job FROM orders"), 1);
}

Test(sqlite, c7_callers_statements_fail_and_nothing_is_inserted)
{
    sql_at(path, "CREATE TABLE orders(n INTEGER UNIQUE)");
    static const char *const bad[] = {
        "INSERT INTO orders VALUES(1),(1)",
        "INSERT INTO nowhere VALUES(1)",
        "INSERT INTO orders VALUES(1);nonsense",
        "INSERT INTO orders VALUES(1);COMMIT",
        "INSERT INTO orders VALUES(1);END",
        "INSERT INTO orders VALUES(1);ROLLBACK",
        "COMMIT;BEGIN",
        "INSERT INTO orders VALUES(1);INSERT OR ROLLBACK INTO orders VALUES(1)",
        "PRAGMA synchronous=OFF",
        "ATTACH ':memory:' AS other",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); ++i) {
        struct store_reply reply = insert_with(bad[i]);
        cr_assert_eq(reply.err, -EINVAL, "%s: %d %s", bad[i], reply.err, reply.why);
        cr_assert(*reply.why);
        cr_assert_eq(count_all(), 0, "%s", bad[i]);
        cr_assert_eq(query("SELECT count(*) FROM orders"), 0, "%s", bad[i]);
    }
    cr_assert_events("");
    cr_assert_eq(insert_with("INSERT INTO orders VALUES(1)").err, 0);
}

Test(sqlite, callers_statements_that_roll_back_are_told_so)
{
    sql_at(path, "CREATE TABLE t(n);CREATE TRIGGER r AFTER INSERT ON t WHEN new.n=2 "
                 "BEGIN SELECT raise(ROLLBACK,'no twos'); END");
    struct store_reply reply = insert_with("INSERT INTO t VALUES(2)");
    cr_assert_eq(reply.err, -EINVAL);
    cr_assert_not_null(strstr(reply.why, "no twos"));
    cr_assert_eq(count_all(), 0);
}

static sqlite3 *open_own(void)
{
    sqlite3 *own = NULL;
    cr_assert_eq(sqlite3_open_v2(path, &own, SQLITE_OPEN_READWRITE, "test"), SQLITE_OK);
    return own;
}

static void own_exec(sqlite3 *own, const char *sql)
{
    cr_assert_eq(sqlite3_exec(own, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(own));
}

Test(sqlite, c7_insert_on_the_callers_connection)
{
    struct job_spec specs[] = {{.worker = "a"}, {.worker = "b", .queue = "q", .delay_ms = 9}};
    uint64_t ids[2];
    sqlite3 *own = open_own();
    own_exec(own, "CREATE TABLE orders(n);BEGIN;INSERT INTO orders VALUES(1)");
    cr_assert_eq(store_sqlite_insert_tx(own, specs, 2, ids, why, sizeof why), 0, "%s", why);
    cr_assert_eq(count_all(), 0, "not before the commit");
    own_exec(own, "ROLLBACK");
    cr_assert_eq(count_all(), 0);
    own_exec(own, "BEGIN;INSERT INTO orders VALUES(1)");
    cr_assert_eq(store_sqlite_insert_tx(own, specs, 2, ids, why, sizeof why), 0, "%s", why);
    own_exec(own, "COMMIT");
    cr_assert_eq(get(ids[0]).state, JOB_AVAILABLE);
    cr_assert_eq(get(ids[0]).inserted_ms, NOW_MS);
    cr_assert_eq(get(ids[1]).state, JOB_SCHEDULED);
    cr_assert_eq(get(ids[1]).scheduled_ms, NOW_MS + 9);
    sqlite3_close(own);
}

Test(sqlite, failed_insert_on_the_callers_connection_leaves_its_transaction)
{
    struct job_spec specs[] = {{.worker = "a"}, {.worker = "bad"}};
    uint64_t ids[2];
    sqlite3 *own = open_own();
    own_exec(own, "CREATE TABLE orders(n);CREATE TRIGGER t BEFORE INSERT ON duress_jobs "
                  "WHEN new.worker='bad' BEGIN SELECT raise(ABORT,'not this one'); END;"
                  "BEGIN;INSERT INTO orders VALUES(1)");
    cr_assert_eq(store_sqlite_insert_tx(own, specs, 2, ids, why, sizeof why), -EINVAL);
    cr_assert_not_null(strstr(why, "not this one"), "%s", why);
    specs[1].worker = "";
    cr_assert_eq(store_sqlite_insert_tx(own, specs, 2, ids, why, sizeof why), -EINVAL);
    own_exec(own, "COMMIT");
    sqlite3_close(own);
    cr_assert_eq(query("SELECT count(*) FROM orders"), 1);
    cr_assert_eq(count_all(), 0);
}

Test(sqlite, insert_on_a_database_without_jobs_says_so)
{
    sqlite3 *own = NULL;
    uint64_t id;
    sqlite3_open(":memory:", &own);
    cr_assert_eq(
        store_sqlite_insert_tx(own, &(struct job_spec){.worker = "w"}, 1, &id, why, sizeof why),
        -EINVAL);
    cr_assert_not_null(strstr(why, "no such table"), "%s", why);
    sqlite3_close(own);
}

/* ---- claim ---- */

Test(sqlite, claim_makes_executing_and_raises_attempt_and_lease)
{
    uint64_t id = insert((struct job_spec){.worker = "w", .args = "[1]", .max_attempts = 3});
    events_clear();
    clock_ms += 7;
    struct store_reply reply = claim(5);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.now_ms, NOW_MS + 7);
    cr_assert_eq(reply.next_ms, LEASE_MS, "then its lease runs out");
    cr_assert_eq(reply.jobs[0].attempt, 1);
    cr_assert_eq(reply.jobs[0].lease, 1);
    cr_assert_eq(reply.jobs[0].state, JOB_EXECUTING);
    cr_assert_str_eq(reply.jobs[0].args, "[1]");
    cr_assert_str_eq(reply.jobs[0].errors, "[]");
    cr_assert_str_eq(get(id).owner, "o1");
    cr_assert_eq(get(id).attempted_ms, NOW_MS + 7);
    cr_assert_eq(claim(5).job_count, 0, "nobody gets it twice");
    cr_assert_events("store/job/claim job=1 lease=1 attempt=1 max=3 queue=default\n");
}

Test(sqlite, c48_claims_by_priority_then_due_time_then_id)
{
    uint64_t late = insert((struct job_spec){.worker = "w", .priority = 1, .delay_ms = 2});
    uint64_t low = insert((struct job_spec){.worker = "w", .priority = 9});
    uint64_t second = insert((struct job_spec){.worker = "w", .priority = 1});
    uint64_t third = insert((struct job_spec){.worker = "w", .priority = 1});
    uint64_t other = insert((struct job_spec){.worker = "w", .queue = "other"});
    uint64_t first = insert((struct job_spec){.worker = "w", .priority = 0});
    clock_ms += 2;
    tick(STORE_STAGE);
    uint64_t order[] = {first, second, third, late, low};
    struct store_reply reply = claim(4);
    cr_assert_eq(reply.job_count, 4);
    for (size_t i = 0; i < 4; ++i)
        cr_assert_eq(reply.jobs[i].id, order[i]);
    reply = claim(4);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, order[4]);
    cr_assert_eq(get(other).state, JOB_AVAILABLE);
}

Test(sqlite, exhausted_jobs_at_the_head_starve_nobody)
{
    insert((struct job_spec){.worker = "poison"});
    insert((struct job_spec){.worker = "poison"});
    uint64_t healthy = insert((struct job_spec){.worker = "w", .priority = 9});
    sql_at(path, "UPDATE duress_jobs SET attempt=20 WHERE worker='poison'");
    claim_one(healthy);
    cr_assert_eq(count_of(JOB_AVAILABLE), 2);
}

Test(sqlite, claim_refuses_nonsense)
{
    struct store_request request = {.op = STORE_CLAIM, .limit = 1, .lease_ms = 1};
    cr_assert_eq(run(request).err, -EINVAL);
    request.queue = "default", request.lease_ms = 0;
    cr_assert_eq(run(request).err, -EINVAL);
    cr_assert_eq(run((struct store_request){.op = STORE_OP_COUNT}).err, -EINVAL);
}

/* ---- ack ---- */

Test(sqlite, c35_ok_completes)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(id);
    events_clear();
    clock_ms += 3;
    cr_assert_eq(ack(lease, JOB_COMPLETED, 0, NULL), ACK_APPLIED);
    cr_assert_eq(get(id).state, JOB_COMPLETED);
    cr_assert_eq(get(id).finished_ms, NOW_MS + 3);
    cr_assert_str_eq(get(id).errors, "[]");
    cr_assert_events(
        "store/job/finish job=1 lease=1 state=completed attempt=1 max=20 delay_ms=0\n");
}

Test(sqlite, c36_cancel_with_one_error)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    ack(claim_one(id), JOB_CANCELLED, 0, "not wanted");
    cr_assert_eq(get(id).state, JOB_CANCELLED);
    cr_assert_eq(get(id).finished_ms, NOW_MS);
    cr_assert_str_eq(get(id).errors,
                     "[{\"at\":1700000000000,\"attempt\":1,\"error\":\"not wanted\"}]");
}

Test(sqlite, c37_discard)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    ack(claim_one(id), JOB_DISCARDED, 0, "hopeless");
    cr_assert_eq(get(id).state, JOB_DISCARDED);
    cr_assert_eq(get(id).finished_ms, NOW_MS);
}

Test(sqlite, c38_error_is_retryable_in_the_future)
{
    uint64_t id = insert((struct job_spec){.worker = "w", .max_attempts = 2});
    struct store_lease lease = claim_one(id);
    events_clear();
    ack(lease, JOB_RETRYABLE, 17000, "say \"no\"\n");
    cr_assert_eq(get(id).state, JOB_RETRYABLE);
    cr_assert_eq(get(id).scheduled_ms, NOW_MS + 17000);
    cr_assert_eq(get(id).finished_ms, 0);
    cr_assert_events(
        "store/job/finish job=1 lease=1 state=retryable attempt=1 max=2 delay_ms=17000\n");
    cr_assert_eq(claim(1).job_count, 0);
    clock_ms += 17000;
    tick(STORE_STAGE);
    cr_assert_eq(ack(claim_one(id), JOB_DISCARDED, 0, "again"), ACK_APPLIED);
    cr_assert_str_eq(get(id).errors,
                     "[{\"at\":1700000000000,\"attempt\":1,\"error\":\"say \\\"no\\\"\\n\"},"
                     "{\"at\":1700000017000,\"attempt\":2,\"error\":\"again\"}]");
}

Test(sqlite, c39_c40_snooze_gives_the_attempt_back)
{
    uint64_t id = insert((struct job_spec){.worker = "w", .max_attempts = 5});
    events_clear();
    for (unsigned round = 1; round <= 3; ++round) {
        ack(claim_one(id), JOB_SCHEDULED, 0, NULL);
        cr_assert_eq(get(id).state, JOB_SCHEDULED);
        cr_assert_eq(get(id).attempt, 0);
        cr_assert_eq(get(id).max_attempts, 5);
        cr_assert_eq(get(id).snoozed, round);
        cr_assert_eq(get(id).lease, round);
        cr_assert_eq(tick(STORE_STAGE), 1, "0 s is allowed");
    }
#ifdef DURESS_POINTS
    cr_assert_not_null(strstr(events, "finish job=1 lease=3 state=scheduled attempt=1 max=5"));
#endif
}

Test(sqlite, ack_fused_with_the_next_claim)
{
    uint64_t a = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(a);
    uint64_t b = insert((struct job_spec){.worker = "w"});
    events_clear();
    struct store_ack one = {lease.id, lease.lease, JOB_COMPLETED, 0, NULL};
    struct store_reply reply = run_ok((struct store_request){.op = STORE_ACK,
                                                             .acks = &one,
                                                             .ack_count = 1,
                                                             .queue = "default",
                                                             .limit = 10,
                                                             .lease_ms = 500});
    cr_assert_eq(reply.acks[0], ACK_APPLIED);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, b);
    cr_assert_eq(reply.next_ms, 500);
    cr_assert_events("store/job/finish job=1 lease=1 state=completed attempt=1 max=20 delay_ms=0\n"
                     "store/job/claim job=2 lease=1 attempt=1 max=20 queue=default\n");
}

Test(sqlite, repeated_ack_changes_nothing_and_is_told_apart)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(id);
    cr_assert_eq(ack(lease, JOB_RETRYABLE, 5, "e"), ACK_APPLIED);
    events_clear();
    cr_assert_eq(ack(lease, JOB_RETRYABLE, 5, "e"), ACK_REPEATED);
    clock_ms += 5;
    tick(STORE_STAGE);
    cr_assert_eq(ack(lease, JOB_RETRYABLE, 5, "e"), ACK_REPEATED, "also when it was staged since");
    struct store_lease newer = claim_one(id);
    cr_assert_eq(ack(lease, JOB_COMPLETED, 0, NULL), ACK_REPEATED, "also when it runs again");
    cr_assert_eq(get(id).state, JOB_EXECUTING);
    cr_assert_eq(get(id).attempt, 2);
    ack(newer, JOB_COMPLETED, 0, NULL);
    cr_assert_eq(ack(lease, JOB_RETRYABLE, 5, "e"), ACK_STALE, "only the newest ack is known");
    cr_assert_eq(get(id).state, JOB_COMPLETED);
    cr_assert_str_eq(get(id).errors, "[{\"at\":1700000000000,\"attempt\":1,\"error\":\"e\"}]");
}

Test(sqlite, zombie_ack_after_rescue_is_stale)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct store_lease zombie = claim_one(id);
    clock_ms += LEASE_MS;
    cr_assert_eq(tick(STORE_RESCUE), 1);
    events_clear();
    cr_assert_eq(ack(zombie, JOB_COMPLETED, 0, NULL), ACK_STALE);
    cr_assert_eq(get(id).state, JOB_AVAILABLE);
    struct store_lease fresh = claim_one(id);
    cr_assert_eq(fresh.lease, zombie.lease + 1);
    cr_assert_eq(ack(zombie, JOB_RETRYABLE, 1, "late"), ACK_STALE);
    cr_assert_eq(get(id).state, JOB_EXECUTING);
    cr_assert_eq(ack(fresh, JOB_COMPLETED, 0, NULL), ACK_APPLIED);
    cr_assert_eq(ack(zombie, JOB_COMPLETED, 0, NULL), ACK_STALE);
    cr_assert_events("store/job/stale job=1 lease=1 state=available\n"
                     "store/job/claim job=1 lease=2 attempt=2 max=20 queue=default\n"
                     "store/job/stale job=1 lease=1 state=executing\n"
                     "store/job/finish job=1 lease=2 state=completed attempt=2 max=20 delay_ms=0\n"
                     "store/job/stale job=1 lease=1 state=completed\n");
}

Test(sqlite, an_expired_lease_that_nobody_rescued_still_counts)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(id);
    clock_ms += 10 * LEASE_MS;
    cr_assert_eq(ack(lease, JOB_COMPLETED, 0, NULL), ACK_APPLIED);
    cr_assert_eq(tick(STORE_RESCUE), 0);
}

Test(sqlite, ack_of_what_never_was)
{
    cr_assert_eq(ack((struct store_lease){77, 1}, JOB_COMPLETED, 0, NULL), ACK_STALE);
    cr_assert_events("store/job/stale job=77 lease=1 state=missing\n");
    uint64_t id = insert((struct job_spec){.worker = "w"});
    cr_assert_eq(ack((struct store_lease){id, 0}, JOB_COMPLETED, 0, NULL), ACK_STALE);
}

Test(sqlite, acks_are_all_or_none_when_one_is_nonsense)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(id);
    static const enum job_state bad[] = {JOB_AVAILABLE, JOB_EXECUTING, JOB_STATE_COUNT};
    for (size_t i = 0; i < ARRAY_SIZE(bad); ++i) {
        struct store_ack acks[] = {{lease.id, lease.lease, JOB_COMPLETED, 0, NULL},
                                   {lease.id, lease.lease, bad[i], 0, NULL}};
        struct store_reply reply =
            run((struct store_request){.op = STORE_ACK, .acks = acks, .ack_count = 2});
        cr_assert_eq(reply.err, -EINVAL);
        cr_assert_null(reply.acks);
        cr_assert_eq(get(id).state, JOB_EXECUTING);
    }
}

/* ---- heartbeat, stage, rescue ---- */

Test(sqlite, heartbeat_renews_what_is_held_and_tells_what_is_lost)
{
    uint64_t a = insert((struct job_spec){.worker = "w"});
    struct store_lease held = claim_one(a);
    uint64_t b = insert((struct job_spec){.worker = "w"});
    struct store_lease done = claim_one(b);
    ack(done, JOB_COMPLETED, 0, NULL);
    struct store_lease leases[] = {held, done, {held.id, held.lease + 1}, {99, 1}};
    clock_ms += LEASE_MS - 1;
    struct store_reply reply = run_ok((struct store_request){
        .op = STORE_HEARTBEAT, .leases = leases, .lease_count = 4, .lease_ms = LEASE_MS});
    bool expected[] = {true, false, false, false};
    for (size_t i = 0; i < 4; ++i)
        cr_assert_eq(reply.renewed[i], expected[i]);
    clock_ms += LEASE_MS - 1;
    cr_assert_eq(tick(STORE_RESCUE), 0, "a live job is left alone");
    clock_ms += 1;
    cr_assert_eq(tick(STORE_RESCUE), 1);
}

Test(sqlite, c47_c71_stage_makes_what_is_due_available)
{
    uint64_t due = insert((struct job_spec){.worker = "w", .delay_ms = 10});
    uint64_t later = insert((struct job_spec){.worker = "w", .delay_ms = 11});
    uint64_t past = insert((struct job_spec){.worker = "w", .delay_ms = -10});
    cr_assert_eq(get(past).state, JOB_AVAILABLE);
    ack(claim_one(past), JOB_RETRYABLE, 10, "e");
    cr_assert_eq(tick(STORE_STAGE), 0);
    clock_ms += 10;
    events_clear();
    struct store_reply reply = run_ok((struct store_request){.op = STORE_STAGE});
    cr_assert_eq(reply.changed, 2);
    cr_assert_eq(reply.next_ms, 1);
    cr_assert_eq(get(due).state, JOB_AVAILABLE);
    cr_assert_eq(get(past).state, JOB_AVAILABLE);
    cr_assert_eq(get(later).state, JOB_SCHEDULED);
    cr_assert_events("store/job/stage job=1\nstore/job/stage job=3\n");
}

Test(sqlite, stage_tells_which_queues_have_jobs)
{
    insert((struct job_spec){.worker = "w", .queue = "full"});
    insert((struct job_spec){.worker = "w", .queue = "late", .delay_ms = 10});
    static const char *const queues[] = {"late", "none", "full"};
    struct store_request stage = {.op = STORE_STAGE, .queues = queues, .queue_count = 3};
    struct store_reply before = run_ok(stage);
    cr_assert(!before.ready[0] && !before.ready[1] && before.ready[2]);
    clock_ms += 10;
    struct store_reply after = run_ok(stage);
    cr_assert_eq(after.changed, 1);
    cr_assert(after.ready[0] && !after.ready[1] && after.ready[2]);
}

Test(sqlite, stage_takes_the_lock_only_when_something_is_due)
{
    insert((struct job_spec){.worker = "w", .delay_ms = 10});
    sqlite3 *own = open_own();
    own_exec(own, "BEGIN IMMEDIATE");
    cr_assert_eq(run_ok((struct store_request){.op = STORE_STAGE}).next_ms, 10);
    clock_ms += 10;
    cr_assert_eq(run((struct store_request){.op = STORE_STAGE}).err, -EBUSY);
    sqlite3_close(own);
    cr_assert_eq(tick(STORE_STAGE), 1);
}

Test(sqlite, c73_rescue_by_lost_lease)
{
    uint64_t again = insert((struct job_spec){.worker = "w", .max_attempts = 2});
    struct store_lease first = claim_one(again);
    uint64_t last = insert((struct job_spec){.worker = "w", .max_attempts = 1});
    claim_one(last);
    clock_ms += 1;
    uint64_t younger = insert((struct job_spec){.worker = "w"});
    claim_one(younger);
    clock_ms += LEASE_MS - 1;
    events_clear();
    struct store_reply reply = run_ok((struct store_request){.op = STORE_RESCUE});
    cr_assert_eq(reply.changed, 2);
    cr_assert_eq(reply.next_ms, 1);
    cr_assert_eq(get(again).state, JOB_AVAILABLE);
    cr_assert_eq(get(again).attempt, 1, "the attempt counts");
    cr_assert_eq(get(again).lease, first.lease);
    cr_assert_eq(get(again).finished_ms, 0);
    cr_assert_eq(get(last).state, JOB_DISCARDED);
    cr_assert_eq(get(last).finished_ms, clock_ms);
    cr_assert_eq(get(younger).state, JOB_EXECUTING);
    cr_assert_str_eq(get(last).errors,
                     "[{\"at\":1700000030000,\"attempt\":1,\"error\":\"lease ran out\"}]");
    cr_assert_events("store/job/rescue job=1 lease=1 state=available\n"
                     "store/job/rescue job=2 lease=1 state=discarded\n");
}

Test(sqlite, the_clock_does_not_go_back)
{
    insert((struct job_spec){.worker = "w", .delay_ms = 10});
    clock_ms += 10;
    cr_assert_eq(run_ok((struct store_request){.op = STORE_STATS}).now_ms, NOW_MS + 10);
    clock_ms -= 3600000;
    cr_assert_eq(tick(STORE_STAGE), 1);
    cr_assert_eq(claim(1).now_ms, NOW_MS + 10);
}

Test(sqlite, nothing_to_wait_for)
{
    cr_assert_eq(claim(1).next_ms, -1);
    insert((struct job_spec){.worker = "w", .delay_ms = 25});
    cr_assert_eq(claim(1).next_ms, 25);
}

/* ---- by hand ---- */

Test(sqlite, c56_cancel)
{
    uint64_t running = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(running);
    uint64_t scheduled = insert((struct job_spec){.worker = "w", .delay_ms = 9});
    uint64_t available = insert((struct job_spec){.worker = "w"});
    uint64_t ids[] = {running, scheduled, available, 99};
    events_clear();
    cr_assert_eq(
        run_ok((struct store_request){.op = STORE_CANCEL, .ids = ids, .id_count = 4}).changed, 3);
    for (size_t i = 0; i < 3; ++i)
        cr_assert_eq(get(ids[i]).state, JOB_CANCELLED);
    cr_assert_str_eq(get(scheduled).errors, "[]");
    cr_assert_str_eq(get(running).errors,
                     "[{\"at\":1700000000000,\"attempt\":1,\"error\":\"cancelled while it ran\"}]");
    cr_assert_eq(ack(lease, JOB_COMPLETED, 0, NULL), ACK_STALE, "the cancel won");
    cr_assert_eq(get(running).state, JOB_CANCELLED);
    cr_assert_events("store/job/cancel job=1 state=cancelled\n"
                     "store/job/cancel job=2 state=cancelled\n"
                     "store/job/cancel job=3 state=cancelled\n"
                     "store/job/stale job=1 lease=1 state=cancelled\n");
}

Test(sqlite, c56_c58_what_is_final_is_not_cancelled)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    ack(claim_one(id), JOB_COMPLETED, 0, NULL);
    cr_assert_eq(change(STORE_CANCEL, id), 0);
    cr_assert_eq(get(id).state, JOB_COMPLETED);
}

Test(sqlite, c60_retry_raises_the_maximum_only_if_it_must)
{
    uint64_t spent = insert((struct job_spec){.worker = "w", .max_attempts = 1});
    ack(claim_one(spent), JOB_DISCARDED, 0, "e");
    clock_ms += 50;
    events_clear();
    cr_assert_eq(change(STORE_RETRY, spent), 1);
    cr_assert_events("store/job/retry job=1 state=available\n");
    cr_assert_eq(get(spent).state, JOB_AVAILABLE);
    cr_assert_eq(get(spent).max_attempts, 2);
    cr_assert_eq(get(spent).scheduled_ms, clock_ms);
    cr_assert_eq(get(spent).finished_ms, 0);
    cr_assert_eq(claim_one(spent).lease, 2);
    cr_assert_eq(change(STORE_RETRY, spent), 0, "executing is left alone");
    uint64_t fresh = insert((struct job_spec){.worker = "w"});
    cr_assert_eq(change(STORE_RETRY, fresh), 0, "available is left alone");
}

Test(sqlite, c60_c61_retry_from_everywhere_else)
{
    static const enum job_state ends[] = {JOB_COMPLETED, JOB_DISCARDED, JOB_CANCELLED,
                                          JOB_RETRYABLE, JOB_SCHEDULED};
    uint64_t ids[ARRAY_SIZE(ends)];
    for (size_t i = 0; i < ARRAY_SIZE(ends); ++i) {
        ids[i] = insert((struct job_spec){.worker = "w"});
        ack(claim_one(ids[i]), ends[i], 99, NULL);
    }
    struct store_request request = {.op = STORE_RETRY, .ids = ids, .id_count = ARRAY_SIZE(ends)};
    cr_assert_eq(run_ok(request).changed, ARRAY_SIZE(ends));
    cr_assert_eq(run_ok(request).changed, 0);
    cr_assert_eq(count_of(JOB_AVAILABLE), ARRAY_SIZE(ends));
    cr_assert_eq(get(ids[0]).max_attempts, 20);
}

/* ---- reading ---- */

Test(sqlite, get_and_list_by_id)
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
    reply = run_ok((struct store_request){.op = STORE_LIST, .limit = SIZE_MAX, .queue = "odd"});
    cr_assert_eq(reply.job_count, 2);
    cr_assert_eq(reply.jobs[1].id, ids[3]);
    reply = run_ok(
        (struct store_request){.op = STORE_LIST, .limit = 9, .queue = "odd", .state = "scheduled"});
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, ids[3]);
    cr_assert_eq(run((struct store_request){.op = STORE_LIST, .state = "lost"}).err, -EINVAL);
}

Test(sqlite, long_arguments_come_back_whole)
{
    char *args = heap_alloc(&heap, JOB_ARGS_MAX + 1);
    memset(args, 'x', JOB_ARGS_MAX);
    insert((struct job_spec){.worker = "w", .args = args});
    cr_assert_str_eq(claim(1).jobs[0].args, args);
}

/* ---- when things break ---- */

Test(sqlite, a_held_lock_is_busy_and_passes)
{
    sqlite3 *own = open_own();
    own_exec(own, "BEGIN IMMEDIATE");
    struct job_spec spec = {.worker = "w"};
    struct store_request request = {.op = STORE_INSERT, .specs = &spec, .spec_count = 1};
    struct store_reply reply = run(request);
    cr_assert_eq(reply.err, -EBUSY);
    cr_assert_eq(reply.next_ms, -1);
    cr_assert_eq(count_all(), 0, "readers go on");
    sqlite3_close(own);
    run_ok(request);
}

Test(sqlite, a_full_disk_changes_nothing_and_passes)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(id);
    struct store_ack one = {lease.id, lease.lease, JOB_COMPLETED, 0, NULL};
    events_clear();
    disk_write_rc = SQLITE_FULL;
    struct store_reply reply =
        run((struct store_request){.op = STORE_ACK, .acks = &one, .ack_count = 1});
    cr_assert_neq(reply.err, 0);
    cr_assert(store_outcome_unknown(reply.err), "it was the commit that failed");
    cr_assert_null(reply.acks);
    disk_write_rc = SQLITE_OK;
    cr_assert_events("");
    cr_assert_eq(get(id).state, JOB_EXECUTING);
    cr_assert_eq(ack(lease, JOB_COMPLETED, 0, NULL), ACK_APPLIED);
}

Test(sqlite, an_io_error_is_an_error_and_passes)
{
    static int *const broken[] = {&disk_write_rc, &disk_sync_rc};
    static const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC};
    struct job_spec spec = {.worker = "w"};
    struct store_request request = {.op = STORE_INSERT, .specs = &spec, .spec_count = 1};
    for (size_t i = 0; i < ARRAY_SIZE(broken); ++i) {
        uint64_t before = count_all();
        *broken[i] = codes[i];
        struct store_reply reply = run(request);
        cr_assert_eq(reply.err, -EIO);
        cr_assert_not_null(strstr(reply.why, "unknown"), "%s", reply.why);
        *broken[i] = SQLITE_OK;
        cr_assert_leq(count_all(), before + 1);
        uint64_t id = insert(spec);
        cr_assert_eq(get(id).state, JOB_AVAILABLE);
    }
}

/* After a sync that failed, a kernel counts as written what is not durable: only what is written once more will be. */
Test(sqlite, a_log_of_doubtful_durability_is_written_once_more_before_anything_is_appended)
{
    struct job_spec spec = {.worker = "w"};
    struct store_request request = {.op = STORE_INSERT, .specs = &spec, .spec_count = 1};
    log_rewritten = 0; /* the journal of a new database counted */
    insert(spec);
    cr_assert_eq(log_rewritten, 0, "it is our own");
    disk_sync_rc = SQLITE_IOERR_FSYNC;
    cr_assert_eq(run(request).err, -EIO);
    cr_assert_eq(log_rewritten, 1, "at once, in vain");
    uint64_t before = count_all();
    cr_assert_eq(run(request).err, -EIO);
    cr_assert_eq(count_all(), before, "nothing is appended as long as it cannot be made durable");
    cr_assert_gt(log_rewritten, 1);
    disk_sync_rc = SQLITE_OK;
    unsigned in_vain = log_rewritten;
    insert(spec);
    insert(spec);
    cr_assert_eq(log_rewritten, in_vain + 1);
}

Test(sqlite, a_file_that_is_gone_when_opened_again_is_an_error_and_passes)
{
    char away[96];
    snprintf(away, sizeof away, "%s.away", path);
    struct job_spec spec = {.worker = "w"};
    struct store_request request = {.op = STORE_INSERT, .specs = &spec, .spec_count = 1};
    disk_sync_rc = SQLITE_IOERR_FSYNC;
    cr_assert_eq(run(request).err, -EIO);
    disk_sync_rc = SQLITE_OK;
    cr_assert_eq(rename(path, away), 0);
    struct store_reply reply = run(request);
    cr_assert_eq(reply.err, -ENOENT);
    cr_assert_not_null(strstr(reply.why, path), "%s", reply.why);
    cr_assert_eq(rename(away, path), 0);
    run_ok(request);
}

Test(sqlite, what_was_committed_is_there_after_opening_again)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    struct store_lease lease = claim_one(id);
    store_close(db);
    db = open_at(path, false);
    cr_assert_not_null(db, "%s", why);
    cr_assert_eq(get(id).state, JOB_EXECUTING);
    cr_assert_eq(ack(lease, JOB_COMPLETED, 0, NULL), ACK_APPLIED);
}

Test(sqlite, a_dead_node_takes_its_store_with_it)
{
    cr_assert_gt(heap_blocks(&node_heap), 0);
    store_close(db);
    cr_assert_eq(heap_blocks(&node_heap), 0);
    db = NULL;
}

/* ---- the plans ---- */

static bool plan_has(const char *sql, const char *text)
{
    sqlite3 *own = open_own();
    sqlite3_stmt *stmt = NULL;
    char explain[2048], plan[1024] = "";
    snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql);
    cr_assert_eq(sqlite3_prepare_v2(own, explain, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        size_t used = strlen(plan);
        snprintf(plan + used, sizeof plan - used, "%s\n", sqlite3_column_text(stmt, 3));
    }
    sqlite3_finalize(stmt);
    sqlite3_close(own);
    bool good =
        strstr(plan, text) && !strstr(plan, "SCAN duress_jobs\n") && !strstr(plan, "TEMP B-TREE");
    if (!good)
        cr_log_error("%s", plan);
    return good;
}

Test(sqlite, no_statement_of_the_hot_path_scans_or_sorts_the_table)
{
    static const char *const sql[] = {
#define X(name, text) [STATEMENT_##name] = text,
        STATEMENTS(X)
#undef X
    };
    static const struct {
        enum statement statement;
        const char *plan;
    } plans[] = {
        {STATEMENT_READY, "SEARCH duress_jobs USING INDEX duress_jobs_available (queue=?)"},
        {STATEMENT_SOME, "SCAN duress_jobs USING INDEX duress_jobs_available"},
        {STATEMENT_ANY, "SEARCH duress_jobs USING INDEX duress_jobs_available (queue=?)"},
        {STATEMENT_CLAIM, "SEARCH duress_jobs USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_FINISH, "SEARCH duress_jobs USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_ACK, "SEARCH duress_jobs USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_HEARTBEAT, "SEARCH duress_jobs USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_DUE, "INDEX duress_jobs_wake (wake_ms>? AND wake_ms<?)"},
        {STATEMENT_STAGE, "SEARCH duress_jobs USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_EXPIRED, "INDEX duress_jobs_wake (wake_ms>? AND wake_ms<?)"},
        {STATEMENT_RESCUE, "SEARCH duress_jobs USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_NEXT,
         "SEARCH duress_jobs USING COVERING INDEX duress_jobs_wake"}, /* its first */
    };
    for (size_t i = 0; i < ARRAY_SIZE(plans); ++i)
        cr_assert(plan_has(sql[plans[i].statement], plans[i].plan), "%s", sql[plans[i].statement]);
}

/* ---- claims that stage ---- */

static uint64_t insert_due(const char *queue)
{
    struct job_spec spec = {.queue = queue, .worker = "w", .delay_ms = 1000};
    return run_ok((struct store_request){.op = STORE_INSERT, .specs = &spec, .spec_count = 1})
        .ids[0];
}

Test(sqlite, claims_take_due_jobs_of_their_queue_along_when_asked_to)
{
    uint64_t ours = insert_due("default"), theirs = insert_due("mail");
    struct store_request request = {.op = STORE_CLAIM,
                                    .queue = "default",
                                    .limit = 5,
                                    .owner = "o",
                                    .lease_ms = LEASE_MS,
                                    .stage = true};
    struct store_reply reply = run_ok(request);
    cr_assert_eq(reply.job_count + reply.changed, 0, "not due yet");
    cr_assert_eq(reply.next_ms, 1000);
    clock_ms += 1000;
    request.stage = false;
    cr_assert_eq(run_ok(request).job_count, 0, "not asked to");
    request.stage = true;
    events_clear();
    reply = run_ok(request);
    cr_assert_eq(reply.changed, 1);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, ours);
    cr_assert_events("store/job/stage job=1\n"
                     "store/job/claim job=1 lease=1 attempt=1 max=20 queue=default\n");
    cr_assert_eq(get(theirs).state, JOB_SCHEDULED);
}

Test(sqlite, claims_take_due_jobs_in_their_order_among_the_others)
{
    static const struct job_spec specs[] = {{.worker = "w", .priority = 2},
                                            {.worker = "w", .priority = 1, .delay_ms = 1000},
                                            {.worker = "w", .priority = 1, .delay_ms = 500},
                                            {.worker = "w", .priority = 3, .delay_ms = 700},
                                            {.worker = "w", .priority = 1}};
    run_ok((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = 5});
    sql_at(path, "UPDATE duress_jobs SET attempt=max_attempts WHERE id=3"); /* never, by hand */
    clock_ms += 1000;
    struct store_request request = {.op = STORE_CLAIM,
                                    .queue = "default",
                                    .limit = 3,
                                    .owner = "o",
                                    .lease_ms = LEASE_MS,
                                    .stage = true};
    struct store_reply reply = run_ok(request);
    cr_assert_eq(reply.job_count, 3);
    cr_assert_eq(reply.changed, 1);
    cr_assert_eq(reply.jobs[0].id, 5);
    cr_assert_eq(reply.jobs[1].id, 2);
    cr_assert_eq(reply.jobs[2].id, 1);
    cr_assert_eq(get(4).state, JOB_SCHEDULED, "there was no room for it");
    reply = run_ok(request);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, 4);
    cr_assert_eq(reply.jobs[0].attempt, 1);
    cr_assert_eq(get(4).state, JOB_EXECUTING);
    cr_assert_eq(get(3).state, JOB_SCHEDULED);
}

Test(sqlite, acknowledgements_take_due_jobs_along_too)
{
    uint64_t id = insert_due("default");
    clock_ms += 1000;
    struct store_ack stale = {.id = 99, .lease = 1, .state = JOB_COMPLETED};
    struct store_reply reply = run_ok((struct store_request){.op = STORE_ACK,
                                                             .acks = &stale,
                                                             .ack_count = 1,
                                                             .queue = "default",
                                                             .limit = 1,
                                                             .owner = "o",
                                                             .lease_ms = LEASE_MS,
                                                             .stage = true});
    cr_assert_eq(reply.acks[0], ACK_STALE);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, id);
}

/* ---- opening ---- */

static void file_write_text(const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static void refused(const char *at, bool create, const char *part)
{
    cr_assert_null(open_at(at, create));
    cr_assert_not_null(strstr(why, part), "%s", why);
    cr_assert_not_null(strstr(why, at), "%s", why);
    cr_assert_eq(heap_blocks(&node_heap), 0);
}

static void accepted(bool create)
{
    struct store_db *opened = open_at(path, create);
    cr_assert_not_null(opened, "%s", why);
    store_close(opened);
    cr_assert_eq(heap_blocks(&node_heap), 0);
}

Test(sqlite_open, missing)
{
    refused(path, false, "No such file");
    cr_assert_neq(access(path, F_OK), 0, "it was not made either");
    accepted(true);
    accepted(false);
}

Test(sqlite_open, missing_folder)
{
    char deep[96];
    snprintf(deep, sizeof deep, "%s/no/jobs.db", dir);
    refused(deep, true, "No such file");
}

Test(sqlite_open, directory)
{
    refused(dir, true, "directory");
}

Test(sqlite_open, text_file)
{
    file_write_text("this is not a database, but a text that is long enough to be looked at\n");
    refused(path, true, "is not an SQLite database");
}

Test(sqlite_open, empty_file)
{
    file_write_text("");
    refused(path, false, "holds no jobs");
    accepted(true);
}

Test(sqlite_open, read_only_file)
{
    accepted(true);
    cr_assert_eq(chmod(path, 0444), 0);
    cr_assert_eq(chmod(dir, 0755), 0);
    if (geteuid() == 0)
        cr_assert_eq(seteuid(65534), 0); /* root may write everything */
    refused(path, true, "is read-only");
    if (getuid() == 0)
        cr_assert_eq(seteuid(0), 0);
}

Test(sqlite_open, somebody_elses_tables_are_welcome_and_left_alone)
{
    sql_at(path, "PRAGMA application_id=77;PRAGMA user_version=5;"
                 "CREATE TABLE orders(n);INSERT INTO orders VALUES(3)");
    refused(path, false, "holds no jobs");
    accepted(true);
    accepted(false);
    cr_assert_eq(query("SELECT n FROM orders"), 3);
    cr_assert_eq(query("PRAGMA application_id"), 77);
    cr_assert_eq(query("PRAGMA user_version"), 5);
}

Test(sqlite_open, tables_of_our_names_that_are_not_ours)
{
    sql_at(path, "CREATE TABLE duress_meta(x)");
    refused(path, true, "duress_meta belongs to another program");
    sql_at(path, "DROP TABLE duress_meta;CREATE TABLE duress_meta(key,value)");
    refused(path, true, "duress_meta belongs to another program");
    sql_at(path, "DROP TABLE duress_meta;CREATE TABLE duress_jobs(x)");
    refused(path, true, "duress_jobs already exists");
    cr_assert_eq(query("SELECT count(*) FROM sqlite_schema"), 1, "and nothing was added");
}

Test(sqlite_open, newer_schema)
{
    accepted(true);
    sql_at(path, "UPDATE duress_meta SET value=1000");
    refused(path, true, "newer version (schema 1000, known up to 1)");
    sql_at(path, "UPDATE duress_meta SET value=1");
    accepted(false);
}

Test(sqlite_open, nowhere_to_keep_a_log)
{
    refused(":memory:", true, "cannot keep a write-ahead log");
}

Test(sqlite_open, rows_by_hand_are_checked)
{
    accepted(true);
    sql_at(path, "INSERT INTO duress_jobs(worker) VALUES('w')");
    cr_assert_eq(query("SELECT count(*) FROM duress_jobs WHERE state='available' AND "
                       "scheduled_ms>1600000000000 AND args='{}' AND queue='default'"),
                 1);
    static const char *const bad[] = {
        "UPDATE duress_jobs SET state='lost'",     "UPDATE duress_jobs SET priority=10",
        "UPDATE duress_jobs SET wake_ms=1",        "UPDATE duress_jobs SET state='scheduled'",
        "UPDATE duress_jobs SET errors='[oops'",   "UPDATE duress_jobs SET max_attempts=0",
        "UPDATE duress_jobs SET queue=''",         "UPDATE duress_jobs SET lease='x'",
        "INSERT INTO duress_jobs(args) VALUES(1)",
    };
    sqlite3 *own = open_own();
    for (size_t i = 0; i < ARRAY_SIZE(bad); ++i)
        cr_assert_eq(sqlite3_exec(own, bad[i], NULL, NULL, NULL), SQLITE_CONSTRAINT, "%s", bad[i]);
    sqlite3_close(own);
}
