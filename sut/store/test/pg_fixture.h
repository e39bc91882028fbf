/* pg_fixture.h: a store on PostgreSQL whose clock is clock_ms. Each test has a schema of its own on the server of the program.
 * POOLED: as through a pooler. Each test program includes it once. */
#ifndef SUT_STORE_PG_FIXTURE_H
#define SUT_STORE_PG_FIXTURE_H

#include "sut/store/pg/internal.h"
#include "sut/store/test/conformance/conformance.h"
#include "sut/store/test/support_pg.h"

#ifndef POOLED
#define POOLED false
#endif

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

/* ---- a database whose clock is clock_ms ---- */

static char schema[32], now_sql[80];
static struct store_db *real;
static PGconn *side; /* somebody else's connection */
static int64_t told_ms;

static PGresult *side_query(const char *sql)
{
    PGresult *result = PQexec(side, sql);
    cr_assert(PQresultStatus(result) == PGRES_COMMAND_OK ||
                  PQresultStatus(result) == PGRES_TUPLES_OK,
              "%s: %s", sql, PQerrorMessage(side));
    return result;
}

static void sql_run(const char *sql)
{
    PQclear(side_query(sql));
}

__attribute__((unused)) static int64_t query(const char *sql)
{
    PGresult *result = side_query(sql);
    int64_t value = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return value;
}

static void clock_tell(void)
{
    char sql[80];
    snprintf(sql, sizeof sql, "UPDATE test_clock SET ms=%lld", (long long)clock_ms);
    if (told_ms != clock_ms)
        sql_run(sql);
    told_ms = clock_ms;
}

static void clocked_execute(struct store_db *clocked, const struct store_request *request,
                            struct heap *in, struct store_reply *reply)
{
    (void)clocked;
    clock_tell();
    store_execute(real, request, in, reply);
}

static const struct store_db_ops clocked_ops = {.execute = clocked_execute};
static struct store_db clocked = {&clocked_ops};

static struct store_pg_options pg_options(void)
{
    return (struct store_pg_options){.conninfo = pg_server_conninfo(),
                                     .schema = schema,
                                     .env = &env,
                                     .create = true,
                                     .pooled = POOLED,
                                     .call_ms = 60000,
                                     .now_sql = now_sql};
}

static void setup(void)
{
    char sql[200];
    snprintf(schema, sizeof schema, "t%d", (int)getpid());
    snprintf(now_sql, sizeof now_sql, "(SELECT ms FROM %s.test_clock)", schema);
    side = PQconnectdb(pg_server_conninfo());
    struct store_pg_options options = pg_options();
    real = store_pg_open(&options, why, sizeof why);
    cr_assert_not_null(real, "%s", why);
    snprintf(sql, sizeof sql,
             "SET client_min_messages=error;SET search_path TO %s;CREATE TABLE test_clock(ms "
             "bigint);INSERT INTO test_clock VALUES(0)",
             schema);
    sql_run(sql);
    clock_tell();
    db = &clocked;
}

static void teardown(void)
{
    char sql[64];
    store_close(real);
    cr_assert_eq(heap_blocks(&node_heap), 0);
    heap_done(&heap);
    snprintf(sql, sizeof sql, "DROP SCHEMA %s CASCADE", schema);
    sql_run(sql);
    PQfinish(side);
}

#endif
