/* test_pg.c: the store on PostgreSQL: that it does what every store must, and what is its own. */
#define STORE_SUITE pg
#include "sut/store/test/pg_fixture.h"

TestSuite(pg, .init = setup, .fini = teardown);

/* ---- the caller's own statements ---- */

static struct store_reply insert_with(const char *sql)
{
    static const struct job_spec spec = {.worker = "w"};
    return run(
        (struct store_request){.op = STORE_INSERT, .specs = &spec, .spec_count = 1, .tx_sql = sql});
}

static void orders_make(void)
{
    char sql[80];
    snprintf(sql, sizeof sql, "CREATE TABLE %s.orders(job bigint UNIQUE)", schema);
    sql_run(sql);
}

/* The statements, of which each %s is the schema. */
static struct store_reply insert_with_orders(const char *format)
{
    char sql[300];
    snprintf(sql, sizeof sql, format, schema, schema);
    return insert_with(sql);
}

Test(pg, callers_statements_share_the_transaction)
{
    orders_make();
    struct store_reply reply = insert_with_orders(
        "INSERT INTO %s.orders VALUES(lastval());UPDATE %s.orders SET job=job+100");
    cr_assert_eq(reply.err, 0, "%s", reply.why);
    cr_assert_eq(query("SELECT job FROM orders"), 100 + (int64_t)reply.ids[0]);
}

Test(pg, c7_callers_statements_fail_and_nothing_is_inserted)
{
    orders_make();
    cr_assert_eq(insert_with_orders("INSERT INTO %s.orders VALUES(1),(1)").err, -EINVAL);
    cr_assert_eq(insert_with("INSERT INTO nowhere VALUES(1)").err, -ENOENT);
    cr_assert_eq(insert_with("what?").err, -EINVAL);
    cr_assert_eq(count_all(), 0);
    cr_assert_eq(query("SELECT count(*) FROM orders"), 0);
}

Test(pg, callers_statements_may_not_touch_the_transaction)
{
    static const char *const bad[] = {"COMMIT",
                                      "ROLLBACK",
                                      "SELECT 1;COMMIT;SELECT 2",
                                      "BEGIN",
                                      "SAVEPOINT a",
                                      "DO $$BEGIN COMMIT;END$$",
                                      "PREPARE TRANSACTION 'a'"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); ++i) {
        struct store_reply reply = insert_with(bad[i]);
        cr_assert_eq(reply.err, -EINVAL, "%s: %s", bad[i], reply.why);
        cr_assert_str_eq(reply.why, "the caller's statements must not touch the transaction");
    }
    cr_assert_eq(count_all(), 0);
}

/* ---- many at once go another way ---- */

enum { MANY = 200 };

static struct job_spec *specs_of_all_kinds(void)
{
    static const struct job_spec kinds[] = {
        {.worker = "w"},
        {.worker = "later", .delay_ms = 1000},
        {.worker = "at", .scheduled_ms = NOW_MS + 5},
        {.worker = "past", .scheduled_ms = NOW_MS - 5},
        {.worker = "\xc3\xa4", .queue = "q", .args = "{\"a\":[1,null]}", .priority = 9},
        {.worker = "once", .max_attempts = 1},
    };
    struct job_spec *specs = heap_alloc(&heap, MANY * sizeof *specs);
    for (size_t i = 0; i < MANY; ++i)
        specs[i] = kinds[i % ARRAY_SIZE(kinds)];
    return specs;
}

static struct store_reply insert_at_once(const struct job_spec *specs, size_t count)
{
    return run((struct store_request){.op = STORE_INSERT, .specs = specs, .spec_count = count});
}

Test(pg, jobs_are_the_same_however_many_come_at_a_time)
{
    struct job_spec *specs = specs_of_all_kinds();
    sql_run("CREATE TABLE copied AS TABLE duress_jobs");
    struct store_reply reply = insert_at_once(specs, MANY);
    cr_assert_eq(reply.err, 0, "%s", reply.why);
    cr_assert_eq(reply.id_count, MANY);
    for (size_t i = 0; i < MANY; ++i)
        cr_assert_str_eq(get(reply.ids[i]).worker, specs[i].worker);
    sql_run("INSERT INTO copied TABLE duress_jobs;DELETE FROM duress_jobs");
    for (size_t i = 0; i < MANY; ++i)
        insert(specs[i]);
    sql_run("UPDATE copied SET id=0;CREATE TABLE single AS TABLE duress_jobs;"
            "UPDATE single SET id=0");
    cr_assert_eq(query("SELECT count(*)FROM((TABLE copied EXCEPT ALL TABLE single)UNION ALL"
                       "(TABLE single EXCEPT ALL TABLE copied))AS odd"),
                 0);
}

Test(pg, c5_one_bad_row_of_many_and_none_is_there)
{
    struct job_spec *specs = specs_of_all_kinds();
    sql_run("ALTER TABLE duress_jobs ADD CHECK(worker<>'once'OR id%5<>0)");
    struct store_reply reply = insert_at_once(specs, MANY);
    cr_assert_eq(reply.err, -EINVAL);
    cr_assert_not_null(strstr(reply.why, "check"), "%s", reply.why);
    cr_assert_eq(count_all(), 0);
    sql_run("ALTER TABLE duress_jobs DROP CONSTRAINT duress_jobs_check");
    cr_assert_eq(insert_at_once(specs, MANY).err, 0);
    cr_assert_eq(count_all(), MANY);
}

Test(pg, many_large_jobs_arrive_whole)
{
    enum { LARGE = 300 * 1024, COUNT = 70 };
    struct job_spec *specs = heap_alloc(&heap, COUNT * sizeof *specs);
    char *args = heap_alloc(&heap, LARGE + 32);
    snprintf(args, LARGE, "{\"a\":\"%0*d\"}", LARGE - 32, 7);
    for (size_t i = 0; i < COUNT; ++i)
        specs[i] = (struct job_spec){.worker = "w", .args = i % 2 ? args : NULL};
    struct store_reply reply = insert_at_once(specs, COUNT);
    cr_assert_eq(reply.err, 0, "%s", reply.why);
    cr_assert_str_eq(get(reply.ids[COUNT - 1]).args, args);
    cr_assert_str_eq(get(reply.ids[COUNT - 2]).args, "{}");
}

/* ---- behind rows that are dead and cannot go ---- */

static struct pg_front *front_of_default(void)
{
    return pg_front_of((struct pg_store *)real, "default");
}

/* Claims and finishes all there is, 500 at a time. How many. */
static size_t work_off(void)
{
    size_t done = 0;
    for (;;) {
        struct store_reply reply = claim(500);
        struct store_ack acks[500];
        if (reply.err || reply.job_count == 0)
            return done;
        for (size_t i = 0; i < reply.job_count; ++i)
            acks[i] = (struct store_ack){
                .id = reply.jobs[i].id, .lease = reply.jobs[i].lease, .state = JOB_COMPLETED};
        run((struct store_request){.op = STORE_ACK, .acks = acks, .ack_count = reply.job_count});
        done += reply.job_count;
    }
}

Test(pg, claims_do_not_walk_by_what_an_open_transaction_keeps)
{
    enum { COUNT = 15000 };
    struct job_spec *specs = heap_alloc(&heap, COUNT * sizeof *specs);
    for (size_t i = 0; i < COUNT; ++i)
        specs[i] = (struct job_spec){.worker = "w"};
    cr_assert_eq(insert_at_once(specs, COUNT).err, 0);
    sql_run("BEGIN ISOLATION LEVEL REPEATABLE READ;SELECT 1");
    cr_assert_eq(work_off(), COUNT);
    front_of_default()->whole_ns = 0;
    cr_assert_eq(claim(1).job_count, 0);
    cr_assert(front_of_default()->far);

    front_of_default()->whole_ns = INT64_MAX;
    uint64_t next = insert((struct job_spec){.worker = "w"});
    uint64_t before = insert((struct job_spec){.worker = "w"});
    char sql[100];
    struct store_reply reply = claim(1);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_eq(reply.jobs[0].id, next);
    sql_run("COMMIT");
    snprintf(sql, sizeof sql, "UPDATE duress_jobs SET scheduled_ms=1 WHERE id=%llu",
             (unsigned long long)before);
    sql_run(sql);
    cr_assert_eq(claim(1).job_count, 0, "it stands before the front");
    front_of_default()->whole_ns = 0;
    cr_assert_eq(claim(1).jobs[0].id, before, "until the whole is walked");
}

static struct store_reply look_for_default(void)
{
    static const char *const queues[] = {"default"};
    return run((struct store_request){.op = STORE_STAGE, .queues = queues, .queue_count = 1});
}

Test(pg, looks_are_brief_where_they_would_walk_far)
{
    enum { COUNT = 15000 };
    struct job_spec *specs = heap_alloc(&heap, COUNT * sizeof *specs);
    for (size_t i = 0; i < COUNT; ++i)
        specs[i] = (struct job_spec){.worker = "w"};
    cr_assert(!look_for_default().ready[0]);
    cr_assert_eq(((struct pg_store *)real)->brief_ns, 0);
    cr_assert_eq(insert_at_once(specs, COUNT).err, 0);
    cr_assert(look_for_default().ready[0]);
    cr_assert_eq(((struct pg_store *)real)->brief_ns, 0, "the first one is ready");
    sql_run("BEGIN ISOLATION LEVEL REPEATABLE READ;SELECT 1");
    cr_assert_eq(work_off(), COUNT);
    sql_run("COMMIT");
    cr_assert(!look_for_default().ready[0]);
    cr_assert_gt(((struct pg_store *)real)->brief_ns, 0);

    uint64_t id = insert((struct job_spec){.worker = "w", .delay_ms = 1000});
    clock_ms += 1000;
    ((struct pg_store *)real)->brief_ns = INT64_MAX;
    struct store_reply reply = look_for_default();
    cr_assert_eq(reply.changed, 0);
    cr_assert(reply.ready[0], "the queue may see for itself");
    ((struct pg_store *)real)->brief_ns = 0;
    cr_assert_eq(look_for_default().changed, 1);
    front_of_default()->whole_ns = 0;
    cr_assert_eq(claim(1).jobs[0].id, id);
}

Test(pg, claims_from_the_front_keep_their_order)
{
    uint64_t ids[6];
    for (size_t i = 0; i < 6; ++i)
        ids[i] = insert((struct job_spec){.worker = "w", .priority = 5 - (unsigned)i / 2});
    front_of_default()->far = true;
    front_of_default()->whole_ns = INT64_MAX;
    struct store_reply reply = claim(3);
    cr_assert_eq(reply.job_count, 3);
    cr_assert(reply.jobs[0].id == ids[4] && reply.jobs[1].id == ids[5] &&
              reply.jobs[2].id == ids[2]);
    uint64_t urgent = insert((struct job_spec){.worker = "w"});
    reply = claim(9);
    cr_assert_eq(reply.job_count, 4);
    cr_assert(reply.jobs[0].id == urgent && reply.jobs[1].id == ids[3] &&
              reply.jobs[3].id == ids[1]);
}

/* ---- on the caller's own connection ---- */

static int insert_beside(const struct job_spec *specs, size_t count, uint64_t *ids, bool *conflicts)
{
    return store_pg_insert_tx(side, schema, specs, count, ids, conflicts, why, sizeof why);
}

Test(pg, c7_jobs_share_the_callers_transaction)
{
    struct job_spec specs[] = {{.worker = "a"}, {.worker = "b", .tags = "X"}};
    uint64_t ids[2];
    clock_tell();
    sql_run("BEGIN");
    cr_assert_eq(insert_beside(specs, 2, ids, NULL), 0, "%s", why);
    cr_assert_eq(count_all(), 0, "not yet");
    sql_run("ROLLBACK");
    cr_assert_eq(count_all(), 0);
    sql_run("BEGIN");
    cr_assert_eq(insert_beside(specs, 2, ids, NULL), 0, "%s", why);
    sql_run("COMMIT");
    cr_assert_str_eq(get(ids[0]).worker, "a");
    cr_assert_str_eq(get(ids[1]).tags, "x");
}

Test(pg, a_bad_job_leaves_the_callers_transaction_as_it_was)
{
    struct job_spec bad = {.worker = ""}, good = {.worker = "w", .queue = "q"};
    uint64_t id;
    sql_run("CREATE TABLE orders(n bigint);BEGIN;INSERT INTO orders VALUES(1)");
    cr_assert_eq(insert_beside(&bad, 1, &id, NULL), -EINVAL);
    cr_assert_str_eq(why, "job 1 of 1: a job needs a worker");
    sql_run("ALTER TABLE duress_jobs ADD CHECK(queue<>'q')");
    cr_assert_eq(insert_beside(&good, 1, &id, NULL), -EINVAL);
    cr_assert_not_null(strstr(why, "check"), "%s", why);
    sql_run("COMMIT");
    cr_assert_eq(query("SELECT count(*) FROM orders"), 1);
    cr_assert_eq(count_all(), 0);
}

Test(pg, without_a_transaction_it_is_one)
{
    static const struct job_unique unique = {.period_ms = JOB_UNIQUE_FOREVER};
    struct job_spec specs[] = {{.worker = "w", .unique = &unique},
                               {.worker = "w", .unique = &unique}};
    uint64_t ids[2];
    bool conflicts[2];
    cr_assert_eq(insert_beside(specs, 2, ids, conflicts), 0, "%s", why);
    cr_assert_eq(ids[0], ids[1]);
    cr_assert(!conflicts[0] && conflicts[1]);
    cr_assert_eq(PQtransactionStatus(side), PQTRANS_IDLE);
    cr_assert_not(PQisnonblocking(side));
    cr_assert_eq(count_all(), 1);
    sql_run("BEGIN");
    PQclear(PQexec(side, "SELECT 1/0"));
    cr_assert_eq(insert_beside(specs, 2, ids, conflicts), -EINVAL);
    sql_run("ROLLBACK");
}

/* ---- rows and sessions ---- */

Test(pg, rows_made_by_hand_run_like_others)
{
    sql_run("INSERT INTO duress_jobs(worker,args,scheduled_ms)VALUES('w','{\"a\":1}',0)");
    struct store_reply reply = claim(9);
    cr_assert_eq(reply.job_count, 1);
    cr_assert_str_eq(reply.jobs[0].args, "{\"a\":1}");
    cr_assert_str_eq(reply.jobs[0].queue, "default");
}

Test(pg, c21_c74_schemas_are_worlds_of_their_own)
{
    char sql[200], mine[sizeof schema];
    uint64_t id = insert((struct job_spec){.worker = "w"});
    claim_one(id);
    struct store_pg_options options = pg_options();
    snprintf(mine, sizeof mine, "%s", schema);
    snprintf(schema, sizeof schema, "%.20sb", mine);
    struct store_db *first = real;
    real = store_pg_open(&options, why, sizeof why);
    clock_ms += LEASE_MS;
    cr_assert_eq(tick(STORE_RESCUE), 0, "that is not ours");
    cr_assert_eq(count_all(), 0);
    store_close(real);
    snprintf(sql, sizeof sql, "DROP SCHEMA %s CASCADE", schema);
    sql_run(sql);
    snprintf(schema, sizeof schema, "%s", mine);
    real = first;
    cr_assert_eq(tick(STORE_RESCUE), 1);
}

Test(pg, a_session_that_forgot_its_statements_is_made_anew)
{
    claim_one(insert((struct job_spec){.worker = "w"}));
    PGresult *result = PQexec(((struct pg_store *)real)->link.conn, "DEALLOCATE ALL");
    PQclear(result);
    claim_one(insert((struct job_spec){.worker = "w"}));
}

Test(pg, a_server_that_went_away_is_said_and_forgotten)
{
    uint64_t id = insert((struct job_spec){.worker = "w"});
    PGconn *conn = ((struct pg_store *)real)->link.conn;
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d,5000)", PQbackendPID(conn));
    sql_run(sql);
    claim_one(id);
}

Test(pg, tables_that_are_gone_are_a_clear_error)
{
    sql_run("ALTER TABLE duress_jobs RENAME TO elsewhere");
    struct store_reply reply = run((struct store_request){.op = STORE_STATS});
    cr_assert_eq(reply.err, -ENOENT);
    cr_assert_not_null(strstr(reply.why, "duress_jobs"), "%s", reply.why);
    sql_run("ALTER TABLE elsewhere RENAME TO duress_jobs");
    cr_assert_eq(count_all(), 0);
}

Test(pg, a_database_that_became_read_only_refuses)
{
    insert((struct job_spec){.worker = "w"});
    PGresult *result =
        PQexec(((struct pg_store *)real)->link.conn, "SET default_transaction_read_only=on");
    PQclear(result);
    struct job_spec spec = {.worker = "w"};
    struct store_reply reply =
        run((struct store_request){.op = STORE_INSERT, .specs = &spec, .spec_count = 1});
    cr_assert_eq(reply.err, -EROFS, "%s", reply.why);
    cr_assert_eq(count_all(), 1);
}

/* On the store's own connection, with the settings of its session. */
static void plans_without_sort(const char *sql)
{
    struct pg_link *link = &((struct pg_store *)real)->link;
    char explain[500];
    snprintf(explain, sizeof explain, "EXPLAIN(FORMAT json)%s", sql);
    PGresult *result = PQexec(link->conn, pg_translate(link, explain));
    cr_assert_eq(PQresultStatus(result), PGRES_TUPLES_OK, "%s", PQerrorMessage(link->conn));
    const char *plan = PQgetvalue(result, 0, 0);
    cr_assert_not_null(strstr(plan, "Index"), "%s", plan);
    cr_assert_null(strstr(plan, "\"Sort\""), "%s", plan);
    cr_assert_null(strstr(plan, "Seq Scan"), "%s", plan);
    PQclear(result);
}

Test(pg, every_lookup_goes_by_an_index_even_if_nothing_is_known_of_the_table)
{
    plans_without_sort("SELECT id FROM duress_jobs WHERE wake_ms=0 AND queue='q'AND "
                       "state='available'ORDER BY priority,scheduled_ms,id LIMIT 5");
    plans_without_sort("SELECT wake_ms FROM duress_jobs WHERE wake_ms>0 ORDER BY wake_ms LIMIT 1");
    plans_without_sort("UPDATE duress_jobs AS j SET state='completed'FROM "
                       "unnest('{1,2}'::bigint[])AS a(id) WHERE j.id=a.id");
}

Test(pg, what_is_meant_for_it)
{
    cr_assert(store_pg_named("postgres://a@b/c"));
    cr_assert(store_pg_named("postgresql:///c"));
    cr_assert(store_pg_named("host=/tmp dbname=c"));
    cr_assert_not(store_pg_named("jobs.db"));
    cr_assert_not(store_pg_named("/var/host=x"));
}
