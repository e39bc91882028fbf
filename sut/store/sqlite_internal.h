/* sqlite_internal.h: what the files of the SQLite store share.
 *
 *     sqlite.c             a request as a transaction: begin, operation, commit or rollback, events
 *     sqlite_connection.c  opening and closing, statements, errors, the clock
 *     sqlite_schema.c      the tables and their versions
 *     sqlite_insert.c      new jobs, also on a connection of the caller
 *     sqlite_change.c      claim, ack, heartbeat, stage, rescue, retry, cancel
 *     sqlite_read.c        rows as jobs: get, list, stats
 *     sqlite_trace.c       the events of a committed transaction
 */
#ifndef SUT_SQLITE_INTERNAL_H
#define SUT_SQLITE_INTERNAL_H

#include "sut/store/sqlite.h"
#include <sqlite3.h>

/* The columns of a struct job, as job_row() reads them. Claims leave `errors` out. */
#define JOB_COLUMNS                                                                                \
    "id,lease,state,attempt,max_attempts,priority,snoozed,inserted_ms,scheduled_ms,attempted_ms,"  \
    "finished_ms,queue,worker,args,owner"

#define JOB_INSERT                                                                                 \
    "INSERT INTO duress_jobs(queue,worker,args,priority,max_attempts,state,inserted_ms,"           \
    "scheduled_ms,wake_ms)VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"

#define STAGE_LIMIT                                                                                \
    "5000" /* rows per request: bounds how long a transaction holds the write lock */

/* How a run that is not acknowledged ends up in the job's errors. ?1 is the database's time in all
 * statements. */
#define ERRORS_PLUS(text)                                                                          \
    "json_insert(errors,'$[#]',json_object('at',?1,'attempt',attempt,'error'," text "))"

#define IS_DUE     "state IN('scheduled','retryable')AND wake_ms<=?1"
#define IS_EXPIRED "state='executing'AND wake_ms<=?1"
#define IS_READY   "state='available'AND attempt<max_attempts"
#define IS_HELD    "id=?2 AND lease=?3 AND state='executing'"

#define COUNT_STATE(e, word, final) "count(*)FILTER(WHERE state='" word "'),"

/* X(NAME, sql). Rows are found by a SELECT in the order of an index and changed one by one by their
 * id, within the same transaction: that is faster here than UPDATE .. RETURNING, which builds a
 * temporary table even when there is nothing to do. Every change repeats its guard on the row it
 * changes.
 * NOT INDEXED there means: by id. */
#define STATEMENTS(X)                                                                              \
    X(BEGIN, "BEGIN")                                                                              \
    X(BEGIN_IMMEDIATE, "BEGIN IMMEDIATE")                                                          \
    X(COMMIT, "COMMIT")                                                                            \
    X(INSERT, JOB_INSERT)                                                                          \
    X(READY, "SELECT " JOB_COLUMNS " FROM duress_jobs WHERE wake_ms=0 AND queue=?2 AND " IS_READY  \
             " ORDER BY priority,scheduled_ms,id LIMIT ?3")                                        \
    X(SOME, "SELECT 1 FROM duress_jobs WHERE wake_ms=0 LIMIT 1")                                   \
    X(ANY, "SELECT 1 FROM duress_jobs WHERE wake_ms=0 AND queue=?1 AND " IS_READY " LIMIT 1")      \
    X(CLAIM,                                                                                       \
      "UPDATE duress_jobs NOT INDEXED SET state='executing',attempt=attempt+1,lease=lease+1,"      \
      "owner=?3,attempted_ms=?1,wake_ms=?1+?4 WHERE id=?2 AND(" IS_READY " OR " IS_DUE             \
      " AND attempt<max_attempts)")                                                                \
    X(FINISH,                                                                                      \
      "UPDATE duress_jobs SET state=?4,acked=?3,finished_ms=?1,wake_ms=NULL WHERE " IS_HELD)       \
    X(ACK,                                                                                         \
      "UPDATE duress_jobs SET state=?4,acked=?3,scheduled_ms=ifnull(?5,scheduled_ms),"             \
      "wake_ms=?5,"                                                                                \
      "finished_ms=?6,attempt=attempt-?7,snoozed=snoozed+?7,"                                      \
      "errors=CASE WHEN ?8 IS NULL THEN errors ELSE " ERRORS_PLUS("?8") " END WHERE " IS_HELD)     \
    X(PEEK, "SELECT state,lease,acked,attempt,max_attempts FROM duress_jobs WHERE id=?1")          \
    X(HEARTBEAT, "UPDATE duress_jobs SET wake_ms=?1+?4 "                                           \
                 "WHERE id=?2 AND lease=?3 AND state='executing'")                                 \
    X(DUE, "SELECT " JOB_COLUMNS " FROM duress_jobs WHERE wake_ms>0 AND " IS_DUE                   \
           " AND queue=ifnull(?2,queue)"                                                           \
           " ORDER BY wake_ms LIMIT " STAGE_LIMIT)                                                 \
    X(STAGE,                                                                                       \
      "UPDATE duress_jobs NOT INDEXED SET state='available',wake_ms=0 WHERE id=?2 AND " IS_DUE)    \
    X(EXPIRED, "SELECT id,lease,CASE WHEN attempt<max_attempts THEN 'available'ELSE 'discarded'"   \
               "END FROM duress_jobs WHERE wake_ms>0 AND " IS_EXPIRED                              \
               " ORDER BY wake_ms LIMIT " STAGE_LIMIT)                                             \
    X(RESCUE,                                                                                      \
      "UPDATE duress_jobs NOT INDEXED SET state=?3,finished_ms=CASE ?3 WHEN 'discarded'THEN ?1 "   \
      "ELSE 0 END,wake_ms=CASE ?3 WHEN 'available'THEN 0 END,errors=" ERRORS_PLUS(                 \
          "'lease ran out'") " WHERE id=?2 AND " IS_EXPIRED)                                       \
    X(RETRY, "UPDATE duress_jobs SET state='available',max_attempts=max(max_attempts,attempt+1),"  \
             "scheduled_ms=?1,finished_ms=0,wake_ms=0 WHERE id=?2 AND "                            \
             "state IN('completed','discarded','cancelled','retryable','scheduled')")              \
    X(CANCEL,                                                                                      \
      "UPDATE duress_jobs SET state='cancelled',finished_ms=?1,wake_ms=NULL,"                      \
      "errors=CASE state WHEN 'executing' THEN " ERRORS_PLUS(                                      \
          "'cancelled while it ran'") " ELSE errors END WHERE id=?2 AND "                          \
                                      "state IN('available','scheduled','executing','retryable')") \
    X(NEXT, "SELECT wake_ms FROM duress_jobs WHERE wake_ms>0 ORDER BY wake_ms LIMIT 1")            \
    X(GET, "SELECT " JOB_COLUMNS ",errors FROM duress_jobs WHERE id=?1")                           \
    X(LIST, "SELECT " JOB_COLUMNS ",errors FROM duress_jobs "                                      \
            "WHERE queue=ifnull(?1,queue)AND state=ifnull(?2,state)ORDER BY id LIMIT ?3")          \
    X(STATS, "SELECT " JOB_STATES(COUNT_STATE) "0 FROM duress_jobs")

enum statement {
#define X(name, sql) STATEMENT_##name,
    STATEMENTS(X)
#undef X
        STATEMENT_COUNT
};

struct sqlite_store {
    struct store_db base;
    struct store_sqlite_options options; /* strings are our own */
    struct heap *heap;
    sqlite3 *conn; /* NULL: opened again by the next request */
    sqlite3_stmt *statements[STATEMENT_COUNT];
    int64_t clock_ms;   /* the latest time seen by this handle: it does not go back before it */
    bool in_caller_sql; /* the authorizer is on */
    bool unsettled;     /* connection_settle() is still to be done */
};

/* One request under way. The first error sticks in `err`; all helpers below do nothing once it is
 * set. */
struct tx {
    struct sqlite_store *store;
    const struct store_request *request;
    struct heap *heap;
    struct store_reply *reply;
    int64_t now_ms;
    int err;
    char why[sizeof((struct store_reply *)0)->why];
    size_t job_capacity;    /* of reply->jobs */
    struct change *changes; /* only when somebody listens */
    size_t change_count, change_capacity;
};

/* ---- sqlite_connection.c ---- */

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

void tx_fail(struct tx *tx, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));
void tx_fail_sqlite(struct tx *tx, int rc); /* in SQLite's words */
/* A prepared statement, ready for binding; NULL after an error. */
sqlite3_stmt *tx_statement(struct tx *tx, enum statement statement);
void tx_bind_int(struct tx *tx, sqlite3_stmt *stmt, int index, int64_t value);
void tx_bind_text(struct tx *tx, sqlite3_stmt *stmt, int index, const char *text); /* NULL: NULL */
/* True: there is a row. False: done, or failed; the statement is reset. */
bool tx_step(struct tx *tx, sqlite3_stmt *stmt);
/* Runs a statement without rows; how many rows it changed. */
size_t tx_run(struct tx *tx, sqlite3_stmt *stmt);

/* ---- sqlite_schema.c ---- */

/* 0: the schema is there or can be made here, `ret_version` of 0 saying that it is missing. Else a
 * sentence. Writes nothing. */
int schema_check(sqlite3 *conn, int64_t *ret_version, char *why, size_t why_size);
int schema_migrate(sqlite3 *conn, char *why, size_t why_size);

/* ---- operations ---- */

typedef void tx_operation(struct tx *tx);
tx_operation tx_insert, tx_claim, tx_ack, tx_heartbeat, tx_stage, tx_rescue, tx_retry, tx_cancel;
tx_operation tx_get, tx_list, tx_stats;
/* Answers a STAGE for which nothing has to be changed. False: something is due. */
bool tx_stage_idle(struct tx *tx);

enum job_state column_state(sqlite3_stmt *stmt, int column);
void tx_reply_jobs(struct tx *tx,
                   sqlite3_stmt *stmt); /* all rows of the statement are appended to reply->jobs */

/* ---- sqlite_trace.c ---- */

/* A changed row, for the events after commit. */
struct change {
    enum change_kind {
        CHANGE_FINISH,
        CHANGE_STALE,
        CHANGE_STAGE,
        CHANGE_RESCUE,
        CHANGE_RETRY,
        CHANGE_CANCEL
    } kind;
    uint64_t id, lease;
    const char *state;
    unsigned attempt, max_attempts;
    int64_t delay_ms;
};

#ifdef DURESS_POINTS
static inline bool tx_traced(const struct tx *tx)
{
    return tx->store->options.env->site.sink != NULL;
}
#else
static inline bool tx_traced(const struct tx *tx)
{
    (void)tx;
    return false;
}
#endif

void tx_note(struct tx *tx, struct change change); /* only if tx_traced() */
void tx_trace(struct tx *tx);                      /* after commit */

#endif
