/* test_pg_connection.c: the way to a PostgreSQL, with all that can go wrong on it, and the versions of the tables. */
#include "sut/store/pg/internal.h"
#include "sut/store/test/support_pg.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof *(a))

ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
    (void)tests;
    pg_server_share();
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    (void)stats;
    pg_server_unshare();
}

static uint64_t entropy(struct env *env)
{
    (void)env;
    return 0;
}

static struct heap heap;
static const struct env_ops ops = {.entropy = entropy};
static struct env env = {.ops = &ops, .heap = &heap, .node_name = "n"};
static struct pg_link pg; /* the link under test */
static struct pg_error error;

static struct store_pg_options options(const char *schema)
{
    return (struct store_pg_options){
        .conninfo = pg_server_conninfo(), .schema = schema, .env = &env, .create = true};
}

static void link_open(struct store_pg_options with)
{
    pg_link_init(&pg, &heap, &with);
    pg_link_begin(&pg, &error);
}

static void teardown(void)
{
    pg_link_drop(&pg);
    heap_done(&heap);
}

TestSuite(pg_connection, .fini = teardown);
TestSuite(pg_schema, .fini = teardown);

#define cr_assert_fine() cr_assert_eq(error.err, 0, "%s", error.why)

/* What the next request says of it; what went wrong before is forgotten. */
static const char *ask(const char *sql)
{
    static char answer[200];
    error = (struct pg_error){0};
    pg_link_begin(&pg, &error);
    pg_ask(&pg, &error, sql, answer, sizeof answer);
    return answer;
}

/* As somebody else. */
static void other(const char *sql)
{
    PGconn *conn = PQconnectdb(pg_server_conninfo());
    PGresult *result = PQexec(conn, sql);
    cr_assert(PQresultStatus(result) == PGRES_COMMAND_OK ||
                  PQresultStatus(result) == PGRES_TUPLES_OK,
              "%s", PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
}

static pid_t backend(void)
{
    return (pid_t)atoi(ask("SELECT pg_backend_pid()"));
}

static void terminate(pid_t pid)
{
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d,5000)", (int)pid);
    other(sql);
}

/* ---- connecting ---- */

Test(pg_connection, says_who_it_is_and_sets_its_session_up)
{
    link_open(options(NULL));
    cr_assert_fine();
    cr_assert_str_eq(ask("SHOW application_name"), "jobs");
    cr_assert_str_eq(ask("SHOW enable_seqscan"), "off");
    cr_assert_str_eq(ask("SHOW statement_timeout"), "7500ms");
    cr_assert_str_eq(ask("SHOW client_encoding"), "UTF8");
}

Test(pg_connection, a_pooled_session_is_left_as_it_is)
{
    struct store_pg_options with = options(NULL);
    with.pooled = true;
    link_open(with);
    cr_assert_str_eq(ask("SHOW enable_seqscan"), "on");
    char sql[1100];
    size_t length = (size_t)snprintf(sql, sizeof sql, "BEGIN;");
    pg_settings_sql(&pg, true, sql + length, sizeof sql - length);
    pg_run(&pg, &error, sql);
    char answer[16];
    pg_ask(&pg, &error, "SHOW enable_seqscan", answer, sizeof answer);
    cr_assert_str_eq(answer, "off");
    pg_run(&pg, &error, "COMMIT");
    cr_assert_str_eq(ask("SHOW enable_seqscan"), "on");
    cr_assert_fine();
}

Test(pg_connection, no_server_is_said_at_once_and_not_asked_again_too_soon)
{
    struct store_pg_options with = options(NULL);
    with.conninfo = "host=/nowhere dbname=x";
    link_open(with);
    cr_assert_eq(error.err, -ECONNREFUSED);
    cr_assert_not_null(strstr(error.why, "No such file"), "%s", error.why);
    cr_assert_null(strchr(error.why, '\n'));
    struct pg_error first = error;
    cr_assert_gt(pg.retry_ns, 0);
    pg.retry_ns = INT64_MAX;
    ask("SELECT 1");
    cr_assert_eq(error.err, -ECONNREFUSED);
    cr_assert_str_eq(error.why, first.why);
    cr_assert_eq(pg.failures, 1, "it was asked again");
    pg.retry_ns = 0;
    ask("SELECT 1");
    cr_assert_eq(pg.failures, 2);
}

Test(pg_connection, the_pause_between_attempts_grows_and_ends)
{
    struct store_pg_options with = options(NULL);
    with.conninfo = "host=/nowhere dbname=x";
    link_open(with);
    int64_t first = pg.retry_ns - pg_now_ns(), last = first;
    for (int i = 0; i < 12; ++i) {
        pg.retry_ns = 0;
        ask("SELECT 1");
        last = pg.retry_ns - pg_now_ns();
        cr_assert_leq(last, 5 * NS_PER_S);
    }
    cr_assert_gt(last, first);
}

Test(pg_connection, wrong_names_are_clear_errors)
{
    char conninfo[200];
    struct store_pg_options with = options(NULL);
    with.conninfo = conninfo;
    snprintf(conninfo, sizeof conninfo, "%s dbname=nothing", pg_server_conninfo());
    link_open(with);
    cr_assert_not_null(strstr(error.why, "\"nothing\" does not exist"), "%s", error.why);
    cr_assert_not(store_outcome_unknown(error.err));
    error = (struct pg_error){0};
    snprintf(conninfo, sizeof conninfo, "hots=x");
    link_open(with);
    cr_assert_not_null(strstr(error.why, "hots"), "%s", error.why);
    cr_assert_not(store_outcome_unknown(error.err));
}

/* ---- losing it ---- */

Test(pg_connection, an_error_leaves_the_connection_in_use)
{
    link_open(options(NULL));
    pid_t pid = backend();
    ask("SELECT 1/0");
    cr_assert_eq(error.err, -EINVAL);
    cr_assert_str_eq(error.why, "division by zero");
    cr_assert_eq(backend(), pid);
}

Test(pg_connection, a_session_that_was_closed_while_idle_is_not_noticed)
{
    link_open(options(NULL));
    pid_t pid = backend();
    terminate(pid);
    cr_assert_str_eq(ask("SELECT 1"), "1");
    cr_assert_fine();
    cr_assert_neq(backend(), pid);
}

static void *terminate_soon(void *pid)
{
    usleep(100000);
    terminate(*(pid_t *)pid);
    return NULL;
}

static void sleep_and_be_killed(bool doubt)
{
    pthread_t thread;
    link_open(options(NULL));
    pid_t pid = backend();
    pg.doubt = doubt;
    pthread_create(&thread, NULL, terminate_soon, &pid);
    pg_run(&pg, &error, "SELECT pg_sleep(5)");
    pthread_join(thread, NULL);
}

Test(pg_connection, losing_it_before_a_commit_is_a_clear_no)
{
    sleep_and_be_killed(false);
    cr_assert_eq(error.err, -ECONNREFUSED, "%s", error.why);
    cr_assert_str_eq(ask("SELECT 1"), "1");
}

Test(pg_connection, c19_losing_it_during_a_commit_is_unknown)
{
    sleep_and_be_killed(true);
    cr_assert_eq(error.err, -EIO, "%s", error.why);
    cr_assert(store_outcome_unknown(error.err));
    cr_assert_not_null(strstr(error.why, "unknown"), "%s", error.why);
    cr_assert_str_eq(ask("SELECT 1"), "1");
}

Test(pg_connection, the_server_ends_what_takes_too_long)
{
    struct store_pg_options with = options(NULL);
    with.call_ms = 4000;
    link_open(with);
    pid_t pid = backend();
    ask("SELECT pg_sleep(30)");
    cr_assert_eq(error.err, -EBUSY, "%s", error.why);
    cr_assert_eq(backend(), pid);
}

Test(pg_connection, a_server_that_stands_still_is_given_up)
{
    struct store_pg_options with = options(NULL);
    with.call_ms = 2000;
    link_open(with);
    pid_t pid = backend();
    kill(pid, SIGSTOP);
    ask("SELECT 1");
    cr_assert_eq(error.err, -ECONNREFUSED);
    cr_assert_str_eq(error.why, "no answer in time");
    cr_assert_null(pg.conn);
    kill(pid, SIGCONT);
    cr_assert_str_eq(ask("SELECT 1"), "1");
}

Test(pg_connection, a_restart_of_the_server_is_survived)
{
    struct pg_server own;
    char why[200];
    cr_assert_eq(pg_server_start(&own, why, sizeof why), 0, "%s", why);
    struct store_pg_options with = options(NULL);
    with.conninfo = own.conninfo;
    link_open(with);
    pid_t pid = backend();
    cr_assert_eq(pg_server_tell(&own, "crash", why, sizeof why), 0, "%s", why);
    ask("SELECT 1");
    cr_assert_eq(error.err, -ECONNREFUSED, "%s", error.why);
    cr_assert_eq(pg_server_tell(&own, "start", why, sizeof why), 0, "%s", why);
    pg.retry_ns = 0;
    cr_assert_str_eq(ask("SELECT 1"), "1");
    cr_assert_eq(pg.failures, 0);
    cr_assert_neq(backend(), pid);
    pg_server_stop(&own);
}

Test(pg_connection, answers_larger_than_a_socket_come_through)
{
    link_open(options(NULL));
    size_t size = 4 << 20;
    char *sql = heap_alloc(&heap, size + 64);
    size_t length = (size_t)snprintf(sql, 64, "SELECT length('");
    memset(sql + length, 'x', size);
    strcpy(sql + length + size, "')");
    cr_assert_str_eq(ask(sql), "4194304");
    cr_assert_fine();
}

Test(pg_connection, each_sqlstate_is_an_errno)
{
    static const struct {
        const char *state;
        int err;
    } cases[] = {
        {"40001", -EBUSY},  {"40P01", -EBUSY},        {"55P03", -EBUSY},
        {"57014", -EBUSY},  {"57P01", -ECONNREFUSED}, {"57P03", -ECONNREFUSED},
        {"25006", -EROFS},  {"53100", -ENOSPC},       {"53200", -ENOMEM},
        {"53300", -EBUSY},  {"08006", -ECONNREFUSED}, {"3D000", -ENOENT},
        {"42P01", -ENOENT}, {"28P01", -EACCES},       {"42501", -EACCES},
        {"58030", -EIO},    {"XX001", -EIO},          {"23514", -EINVAL},
        {"22P02", -EINVAL}, {"42601", -EINVAL},       {"40003", -EIO},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); ++i)
        cr_assert_eq(pg_errno(cases[i].state), cases[i].err, "%s", cases[i].state);
}

/* ---- the tables ---- */

static void schema_open(const char *schema, bool create)
{
    struct store_pg_options with = options(schema);
    with.create = create;
    pg_link_drop(&pg);
    error = (struct pg_error){0};
    link_open(with);
    pg_schema_open(&pg, &error);
}

Test(pg_schema, is_made_once)
{
    schema_open("made", true);
    cr_assert_fine();
    other("INSERT INTO made.duress_jobs(worker)VALUES('w')");
    schema_open("made", true);
    cr_assert_fine();
    schema_open("made", false);
    cr_assert_fine();
    cr_assert_str_eq(ask("SELECT count(*) FROM made.duress_jobs"), "1");
    cr_assert_str_eq(ask("SELECT value FROM made.duress_meta"), "1");
}

Test(pg_schema, is_not_made_unless_asked_for)
{
    schema_open("unmade", false);
    cr_assert_eq(error.err, -ENOENT);
    cr_assert_not_null(strstr(error.why, "holds no jobs"));
    cr_assert_str_eq(ask("SELECT count(*) FROM pg_namespace WHERE nspname='unmade'"), "0");
}

Test(pg_schema, of_any_name)
{
    schema_open("it's \"Mine\"", true);
    cr_assert_fine();
    cr_assert_str_eq(ask("SELECT count(*) FROM \"it's \"\"Mine\"\"\".duress_jobs"), "0");
    schema_open("1234567890123456789012345678901234567890123456789012345678901234", true);
    cr_assert_eq(error.err, -EINVAL);
}

Test(pg_schema, a_newer_one_is_refused)
{
    schema_open("newer", true);
    other("UPDATE newer.duress_meta SET value='99'");
    schema_open("newer", true);
    cr_assert_eq(error.err, -EINVAL);
    cr_assert_str_eq(error.why, "was written by a newer version (schema 99, known up to 1)");
    cr_assert_str_eq(ask("SELECT value FROM newer.duress_meta"), "99");
}

Test(pg_schema, that_of_another_program_is_refused)
{
    other("CREATE SCHEMA others CREATE TABLE duress_meta(whatever int)");
    schema_open("others", true);
    cr_assert_eq(error.err, -EINVAL);
    cr_assert_str_eq(error.why, "its table duress_meta belongs to another program");
    cr_assert_str_eq(ask("SELECT to_regclass('others.duress_jobs') IS NULL"), "t");
}

Test(pg_schema, a_read_only_database_is_refused)
{
    other("CREATE DATABASE frozen");
    other("ALTER DATABASE frozen SET default_transaction_read_only=on");
    char conninfo[200];
    snprintf(conninfo, sizeof conninfo, "%s dbname=frozen", pg_server_conninfo());
    struct store_pg_options with = options(NULL);
    with.conninfo = conninfo;
    link_open(with);
    pg_schema_open(&pg, &error);
    cr_assert_eq(error.err, -EROFS);
    cr_assert_str_eq(error.why, "is read-only");
}

Test(pg_schema, one_who_may_not_is_told)
{
    other("CREATE ROLE visitor LOGIN");
    char conninfo[200];
    snprintf(conninfo, sizeof conninfo, "%s user=visitor", pg_server_conninfo());
    struct store_pg_options with = options("forbidden");
    with.conninfo = conninfo;
    link_open(with);
    pg_schema_open(&pg, &error);
    cr_assert_eq(error.err, -EACCES);
    cr_assert_not_null(strstr(error.why, "permission denied"), "%s", error.why);
}

static void *open_there(void *schema)
{
    struct pg_link link;
    struct pg_error problem = {0};
    struct heap own;
    heap_init(&own);
    struct store_pg_options with = options(schema);
    pg_link_init(&link, &own, &with);
    pg_link_begin(&link, &problem);
    pg_schema_open(&link, &problem);
    pg_link_drop(&link);
    heap_done(&own);
    return problem.err ? "failed" : NULL;
}

Test(pg_schema, nodes_that_start_at_once_do_not_collide)
{
    for (int round = 0; round < 5; ++round) {
        char name[16];
        pthread_t nodes[4];
        snprintf(name, sizeof name, "race%d", round);
        for (size_t i = 0; i < ARRAY_SIZE(nodes); ++i)
            pthread_create(&nodes[i], NULL, open_there, name);
        for (size_t i = 0; i < ARRAY_SIZE(nodes); ++i) {
            void *problem;
            pthread_join(nodes[i], &problem);
            cr_assert_null(problem);
        }
    }
}

Test(pg_schema, checks_keep_rows_made_by_hand_in_shape)
{
    schema_open("shape", true);
    ask("INSERT INTO shape.duress_jobs(worker,state)VALUES('w','executing')");
    cr_assert_eq(error.err, -EINVAL, "a job that waits for nothing");
    ask("INSERT INTO shape.duress_jobs(worker,priority)VALUES('w',10)");
    cr_assert_eq(error.err, -EINVAL);
    ask("INSERT INTO shape.duress_jobs(worker,errors)VALUES('w','oops')");
    cr_assert_eq(error.err, -EINVAL);
    ask("INSERT INTO shape.duress_jobs(worker,args)VALUES('w','{\"a\":1}')");
    cr_assert_fine();
}
