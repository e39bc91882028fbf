/* pg_internal.h: what the files of the PostgreSQL store share.
 *
 *     pg_connection.c  the way to the server: connecting, waiting, losing it
 *     pg_sqlstate.c       what the server says, as an errno and a sentence
 *     pg_schema.c      the tables and their versions
 */
#ifndef SUT_PG_INTERNAL_H
#define SUT_PG_INTERNAL_H

#include "sut/store/pg.h"

#include <postgresql/libpq-fe.h>

#define PG_WHY 160 /* bytes of a sentence, as in store_reply */

/* What went wrong; the first one stays. */
struct pg_error {
    int err;    /* 0: nothing */
    bool again; /* another transaction was in the way: the same request may do at once */
    char why[PG_WHY];
};

/* The way to a server. */
struct pg_link {
    struct store_pg_options options; /* strings are our own; no field that says "default" is left */
    struct heap *heap;
    PGconn *conn;           /* NULL: none */
    unsigned generation;    /* of the connection: what was prepared on an older one is gone */
    int64_t deadline_ns;    /* of the request under way, by pg_now_ns() */
    bool closing;           /* the server said that it is about to close the connection */
    bool doubt;             /* what is under way may be committed without our hearing of it */
    int64_t retry_ns;       /* not before that time is the server tried again; */
    unsigned failures;      /* in a row */
    struct pg_error lately; /* why it was away the last time */
};

/* ---- pg_connection.c ---- */

int64_t pg_now_ns(void); /* monotonic */

/* Copies the options, and fills in what is left out. */
void pg_link_init(struct pg_link *link, struct heap *heap, const struct store_pg_options *options);
/* Begins a request: sets its deadline, and sees to it that there is a connection. */
void pg_link_begin(struct pg_link *link, struct pg_error *error);
/* Gives the connection up. A statement that is still running is cancelled where that cannot block. */
void pg_link_drop(struct pg_link *link);

/* What was queued by PQsend...() leaves; whatever was not read meanwhile is. */
void pg_flush(struct pg_link *link, struct pg_error *error);
/* The next result of what was sent: NULL at the end of the results of one statement, and after an error. The caller frees
 * it. Results that say an error become `error`, and NULL. */
PGresult *pg_result(struct pg_link *link, struct pg_error *error);
/* Statements without parameters, in one transaction and one round trip; rows are ignored. */
void pg_run(struct pg_link *link, struct pg_error *error, const char *sql);
/* The first column of the first row, as text of the caller; "" when there is none. */
void pg_ask(struct pg_link *link, struct pg_error *error, const char *sql, char *answer,
            size_t size);
/* What a session must be set to for our statements, as SELECT set_config(...): for its whole life, or this transaction. */
void pg_settings_sql(const struct pg_link *link, bool transaction, char *sql, size_t size);

/* ---- pg_sqlstate.c ---- */

void pg_fail(struct pg_error *error, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Of a result that says that something is wrong. `doubt`: as below. */
void pg_fail_result(struct pg_error *error, const PGresult *result, bool doubt);
/* The connection is no more, or never came to be; `doubt`: and something was under way to be committed. */
void pg_fail_lost(struct pg_error *error, const PGconn *conn, bool doubt);
int pg_errno(const char *sqlstate); /* the negative errno for what the server says */

/* ---- pg_schema.c ---- */

/* Brings the schema to today's version, makes it if the options say so. */
void pg_schema_open(struct pg_link *link, struct pg_error *error);

#endif
