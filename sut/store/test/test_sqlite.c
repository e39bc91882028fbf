/* test_sqlite.c: the store on SQLite: that it does what every store must, what is its own, and what becomes of a database
 * that is not what it should be. */
#define STORE_SUITE sqlite
#include "sut/store/sqlite/internal.h"
#include "sut/store/test/conformance/conformance.h"

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

/* Another program on the same file. */
static void sql_at(const char *at, const char *sql)
{
    sqlite3 *other = NULL;
    char *error = NULL;
    cr_assert_eq(sqlite3_open(at, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, sql, NULL, NULL, &error), SQLITE_OK, "%s", error);
    sqlite3_close(other);
}

static void sql_run(const char *sql)
{
    sql_at(path, sql);
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

Test(sqlite, callers_statements_know_who_holds_the_key)
{
    static const struct job_unique unique = {.period_ms = JOB_UNIQUE_FOREVER};
    const struct job_spec specs[] = {{.worker = "w", .unique = &unique},
                                     {.worker = "other"},
                                     {.worker = "w", .unique = &unique}};
    sql_at(path, "CREATE TABLE orders(job INTEGER)");
    struct store_reply reply =
        run_ok((struct store_request){.op = STORE_INSERT,
                                      .specs = specs,
                                      .spec_count = 3,
                                      .tx_sql = "INSERT INTO orders VALUES(last_insert_rowid())"});
    cr_assert_eq(query("SELECT job FROM orders"), (int64_t)reply.ids[0]);
}

Test(sqlite, an_index_finds_the_holder_of_a_key)
{
    cr_assert_eq(query("SELECT count(*)FROM sqlite_schema WHERE name='duress_jobs_unique'"
                       "AND sql LIKE 'CREATE UNIQUE INDEX%'"),
                 1);
    sqlite3 *other = NULL;
    sqlite3_stmt *stmt = NULL;
    char sql[600];
    snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", sqlite_statements[STATEMENT_HOLDER]);
    cr_assert_eq(sqlite3_open(path, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(other, sql, -1, &stmt, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW);
    cr_assert_not_null(strstr((const char *)sqlite3_column_text(stmt, 3), "duress_jobs_unique"));
    sqlite3_finalize(stmt);
    sqlite3_close(other);
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
    cr_assert_eq(store_sqlite_insert_tx(own, specs, 2, ids, NULL, why, sizeof why), 0, "%s", why);
    cr_assert_eq(count_all(), 0, "not before the commit");
    own_exec(own, "ROLLBACK");
    cr_assert_eq(count_all(), 0);
    own_exec(own, "BEGIN;INSERT INTO orders VALUES(1)");
    cr_assert_eq(store_sqlite_insert_tx(own, specs, 2, ids, NULL, why, sizeof why), 0, "%s", why);
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
    cr_assert_eq(store_sqlite_insert_tx(own, specs, 2, ids, NULL, why, sizeof why), -EINVAL);
    cr_assert_not_null(strstr(why, "not this one"), "%s", why);
    specs[1].worker = "";
    cr_assert_eq(store_sqlite_insert_tx(own, specs, 2, ids, NULL, why, sizeof why), -EINVAL);
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
    cr_assert_eq(store_sqlite_insert_tx(own, &(struct job_spec){.worker = "w"}, 1, &id, NULL, why,
                                        sizeof why),
                 -EINVAL);
    cr_assert_not_null(strstr(why, "no such table"), "%s", why);
    sqlite3_close(own);
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
    static const struct {
        enum statement statement;
        const char *plan;
    } plans[] = {
        {STATEMENT_READY, "SEARCH duress_jobs USING INDEX duress_jobs_available (queue=?)"},
        {STATEMENT_LOOK, "SCAN duress_jobs USING INDEX duress_jobs_available"},
        {STATEMENT_LOOK, "SEARCH duress_jobs USING COVERING INDEX duress_jobs_wake"},
        {STATEMENT_ANY, "SEARCH duress_jobs USING INDEX duress_jobs_available (queue=?)"},
        {STATEMENT_CLAIM, "SEARCH duress_jobs USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_CLAIM_MANY, "SEARCH duress_jobs USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_CLAIM_RUN, "SEARCH duress_jobs USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
        {STATEMENT_FINISH, "SEARCH duress_jobs USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_FINISH_MANY, "SEARCH duress_jobs USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_FINISH_RUN,
         "SEARCH duress_jobs USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
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
        cr_assert(plan_has(sqlite_statements[plans[i].statement], plans[i].plan), "%s",
                  sqlite_statements[plans[i].statement]);
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
