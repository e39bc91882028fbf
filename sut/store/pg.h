/* pg.h: the store on PostgreSQL (12 or later), for many nodes. One connection per handle, every request one transaction.
 *
 * Time is the server's, and within one handle it never goes back. Everything has a deadline. A connection that is lost is
 * opened again by the next request, at growing distances while the server is away: until then requests fail at once with
 * -ECONNREFUSED. What was sent to be committed and never answered is -EIO: nobody knows. */
#ifndef SUT_STORE_PG_H
#define SUT_STORE_PG_H

#include "sut/store/store.h"

struct pg_conn; /* PGconn of libpq */

struct store_pg_options {
    const char *
        conninfo; /* postgresql://user@host/database, or host=... dbname=...; PGHOST etc. fill in the rest */
    const char *schema; /* where the tables are; NULL: "public" */
    bool pooled; /* through a pooler that may change the server's session at each transaction */
    int connect_ms; /* how long connecting may take; 0: 5000. The name of a host is looked up without a deadline. */
    int call_ms;         /* how long a request may take; 0: 10000 */
    struct env *env;     /* for points (its site) and memory (its heap); must outlive the store */
    bool create;         /* make schema and tables when missing */
    bool runs_jobs;      /* refuse a user who may not change the tables */
    const char *now_sql; /* for tests: an SQL expression, ms since 1970; NULL: the server's clock */
};

/* Connects, migrates; two that do so at once take turns. The tables may stand beside those of another program. NULL with a
 * sentence in why: no server, no permission, newer schema, read-only, ...; what is refused is left as it was. */
struct store_db *store_pg_open(const struct store_pg_options *options, char *why, size_t why_size);

/* Hears of what other processes do to that store (watch.h): LISTEN on a connection of its own, which is opened when it is waited
 * for, and again when it is lost. NULL: there is no hearing through a pooler. */
struct store_watch *store_pg_watch(struct store_db *db);

/* Inserts jobs on the caller's own connection, inside whatever transaction the caller has open: they exist if and only if it
 * commits, and then idle nodes are told; without an open transaction, this is one. `schema`: where the tables are, NULL: "public". No events are recorded.
 * ret_conflicts may be NULL. 0, or a negative errno with a sentence: then none was inserted, the rest of the caller's
 * transaction stands, and ret_ids is undefined. */
int store_pg_insert_tx(struct pg_conn *conn, const char *schema, const struct job_spec *specs,
                       size_t count, uint64_t *ret_ids, bool *ret_conflicts, char *why,
                       size_t why_size);

/* Is it meant for PostgreSQL? A URL of it, or key=value pairs with a host or a dbname. */
bool store_pg_named(const char *database);

#endif
