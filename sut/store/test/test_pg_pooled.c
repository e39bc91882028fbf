/* test_pg_pooled.c: the store on PostgreSQL when the session may be another one in each transaction: nothing is prepared, and
 * each transaction brings its settings along. */
#define STORE_SUITE pg_pooled
#define POOLED      true
#include "sut/store/test/pg_fixture.h"

TestSuite(pg_pooled, .init = setup, .fini = teardown);

Test(pg_pooled, leaves_no_trace_in_a_session)
{
    PGconn *conn = ((struct pg_store *)real)->link.conn;
    claim_one(insert((struct job_spec){.worker = "w"}));
    PGresult *result =
        PQexec(conn, "SELECT (SELECT count(*) FROM pg_prepared_statements)+(SELECT count(*) FROM "
                     "pg_settings WHERE name IN('enable_seqscan','jit')AND source='session')");
    cr_assert_str_eq(PQgetvalue(result, 0, 0), "0");
    PQclear(result);
}
