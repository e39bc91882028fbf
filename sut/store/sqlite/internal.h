/* internal.h: what the files of the SQLite store share.
 *
 *     sqlite.c             the backend: transactions, statements, rows
 *     connection.c  opening and closing, errors, the clock
 *     schema.c      the tables and their versions
 *     watch.c       telling other processes what there is now, and hearing it
 *     insert.c      new jobs, also on a connection of the caller
 */
#ifndef SUT_SQLITE_INTERNAL_H
#define SUT_SQLITE_INTERNAL_H

#include "sut/store/sql.h"
#include "sut/store/sqlite.h"
#include <sqlite3.h>

#define SQL_AT(text, part) "instr(" text "," part ")"

struct sqlite_store {
    struct sql_store base;
    struct store_sqlite_options options; /* strings are our own */
    struct heap *heap;
    sqlite3 *conn; /* NULL: opened again by the next request */
    sqlite3_stmt *statements[STATEMENT_COUNT];
    sqlite3_stmt *insert_rows; /* many jobs in one statement; NULL: not wanted yet */
    bool in_caller_sql;        /* the authorizer is on */
    bool unsettled;            /* connection_settle() is still to be done */
    int64_t told_ns;           /* when others were told the last time, monotonic; 0: never */
};

static inline struct sqlite_store *tx_sqlite(const struct tx *tx)
{
    return (struct sqlite_store *)tx->store;
}

/* ---- sqlite.c ---- */

extern const char *const sqlite_statements[STATEMENT_COUNT];
extern const struct sql_backend sqlite_backend;
void statements_done(struct sqlite_store *store);
void tx_fail_sqlite(struct tx *tx, int rc); /* in SQLite's words */

/* ---- connection.c ---- */

/* 0, or a negative errno with a sentence. Schema and file are made if `create`. */
int connection_open(struct sqlite_store *store, bool create, char *why, size_t why_size);
void connection_close(struct sqlite_store *store);
/* Before the first change on a connection: makes durable what stands in the log. 0, or a negative errno with a sentence.
 */
int connection_settle(struct sqlite_store *store, char *why, size_t why_size);
/* Closes a connection that met an I/O error. */
void connection_forsake(struct sqlite_store *store);
int sqlite_errno(int rc); /* the negative errno for an SQLite result */
/* The clock of the connection's VFS, in ms since 1970. False: it has none. */
bool sqlite_clock_ms(sqlite3 *conn, int64_t *ret_ms);

/* ---- schema.c ---- */

/* 0: the schema is there or can be made here, `ret_version` of 0 saying that it is missing. Else a
 * sentence. Writes nothing. */
int schema_check(sqlite3 *conn, int64_t *ret_version, char *why, size_t why_size);
bool schema_is_new(int64_t version); /* nothing is to be migrated */
int schema_migrate(sqlite3 *conn, char *why, size_t why_size);

/* ---- watch.c ---- */

bool sqlite_tells(
    const struct store_sqlite_options *options); /* it is a file that others may watch */
void sqlite_tell(struct tx *tx, const struct store_news *news);

/* ---- insert.c ---- */

void sqlite_insert(struct tx *tx);

#endif
