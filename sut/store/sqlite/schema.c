/* schema.c: the tables of the store, and how older ones become today's.
 *
 * The tables may stand in a database that is somebody else's, beside other tables: that is what
 * makes an insert in the caller's own transaction possible. So nothing of the file as a whole is
 * claimed; the version of the schema is a row of duress_meta. Versions only go forward, one step at
 * a time, all steps in one transaction; a database of a newer version is refused and left as it is.
 */
#include "sut/store/op/flow_tables.h"
#include "sut/store/sqlite/internal.h"

#include <errno.h>
#include <stdio.h>

/* What a job waits for follows from its state: whoever makes a row by hand is told, and no job waits for ever. It is looked at with
 * each change, so it is short, and the states that most changes lead to come first. (NULL would be taken for yes.) */
#define STATE_CHECK                                                                                \
    "wake_ms NOTNULL AND(wake_ms>0 AND(state='executing'OR state='retryable'OR state='scheduled')" \
    "OR wake_ms=0 AND state='available')OR wake_ms ISNULL AND(state='completed'OR "                \
    "state='discarded'OR state='cancelled'OR state='suspended')"
_Static_assert(JOB_STATE_COUNT == 8, "the words of STATE_CHECK are those of JOB_STATES");

#define CRON_TABLES                                                                                \
    "CREATE TABLE duress_leaders("                                                                 \
    " name TEXT PRIMARY KEY,"                                                                      \
    " term TEXT NOT NULL," /* random per process */                                                \
    " node TEXT NOT NULL,"                                                                         \
    " since_ms INTEGER NOT NULL,"                                                                  \
    " expires_ms INTEGER NOT NULL,"                                                                \
    " lease_ms INTEGER NOT NULL)STRICT,WITHOUT ROWID;"                                             \
    "CREATE TABLE duress_cron("                                                                    \
    " name TEXT PRIMARY KEY CHECK(length(name)BETWEEN 1 AND 127),"                                 \
    " origin TEXT NOT NULL DEFAULT ''," /* of whose configuration it is */                         \
    " expression TEXT NOT NULL,"                                                                   \
    " zone TEXT NOT NULL DEFAULT 'UTC',"                                                           \
    " queue TEXT NOT NULL DEFAULT 'default' CHECK(length(queue)BETWEEN 1 AND 127),"                \
    " worker TEXT NOT NULL CHECK(length(worker)BETWEEN 1 AND 127),"                                \
    " args TEXT NOT NULL DEFAULT '{}',"                                                            \
    " priority INTEGER NOT NULL DEFAULT 0 CHECK(priority BETWEEN 0 AND 9),"                        \
    " max_attempts INTEGER NOT NULL DEFAULT 20 CHECK(max_attempts>0),"                             \
    " catch_up INTEGER NOT NULL DEFAULT 1 CHECK(catch_up BETWEEN-1 AND 1000),"                     \
    " paused_ms INTEGER NOT NULL DEFAULT 0,"                                                       \
    " done_ms INTEGER NOT NULL,"           /* ticks until then are done with */                    \
    " last_ms INTEGER NOT NULL DEFAULT 0)" /* the newest tick */                                   \
    "STRICT,WITHOUT ROWID;"                                                                        \
    "CREATE TABLE duress_cron_ticks("                                                              \
    " entry TEXT NOT NULL,"                                                                        \
    " tick_ms INTEGER NOT NULL,"                                                                   \
    " job INTEGER NOT NULL," /* its id; the job itself may be gone */                              \
    " inserted_ms INTEGER NOT NULL,"                                                               \
    " PRIMARY KEY(entry,tick_ms))STRICT,WITHOUT ROWID;"

/* From version N to N + 1. Never change a step that was released: add one. */
static const char *const steps[] = {
    "CREATE TABLE duress_meta(key TEXT PRIMARY KEY,value ANY)STRICT,WITHOUT ROWID;"
    "INSERT INTO duress_meta VALUES('schema',0);" CRON_TABLES "CREATE TABLE duress_jobs("
    " id INTEGER PRIMARY KEY AUTOINCREMENT," /* an id is never used twice */
    " queue TEXT NOT NULL DEFAULT 'default' CHECK(length(queue)BETWEEN 1 AND 127),"
    " worker TEXT NOT NULL CHECK(length(worker)BETWEEN 1 AND 127),"
    " priority INTEGER NOT NULL DEFAULT 0 CHECK(priority BETWEEN 0 AND 9),"
    " state TEXT NOT NULL DEFAULT 'available'"
    " CHECK(" STATE_CHECK "),"
    " attempt INTEGER NOT NULL DEFAULT 0 CHECK(attempt>=0),"
    " max_attempts INTEGER NOT NULL DEFAULT 20 CHECK(max_attempts>0),"
    " lease INTEGER NOT NULL DEFAULT 0," /* raised by each claim */
    " acked INTEGER NOT NULL DEFAULT 0," /* the lease that was acknowledged last */
    " snoozed INTEGER NOT NULL DEFAULT 0,"
    " crashes INTEGER NOT NULL DEFAULT 0," /* rescues in a row */
    " inserted_ms INTEGER NOT NULL DEFAULT(strftime('%s','now')*1000),"
    " scheduled_ms INTEGER NOT NULL DEFAULT(strftime('%s','now')*1000),"
    " attempted_ms INTEGER NOT NULL DEFAULT 0,"
    " finished_ms INTEGER NOT NULL DEFAULT 0,"
    " wake_ms INTEGER DEFAULT 0," /* executing: its lease ends; scheduled, retryable: it is due; available: 0; NULL: it is over, or waits for others */
    " owner TEXT NOT NULL DEFAULT '',"
    " errors TEXT NOT NULL DEFAULT '[]' CHECK(errors='[]'OR json_valid(errors)),"
    " version INTEGER NOT NULL DEFAULT 0," /* raised by each update by hand */
    /* What most jobs do not have: */
    " part TEXT," /* whose limits it shares with others of its queue; NULL: nobody's */
    " unique_key TEXT,"
    " unique_states INTEGER," /* in which it holds its key: bits */
    " meta TEXT,"             /* JSON object */
    " tags TEXT,"             /* "mail,urgent" */
    " timeout_ms INTEGER,"    /* of each attempt */
    " deadline_ms INTEGER,"   /* of the job, in ms since 1970 */
    " progress INTEGER,"      /* percent */
    " note TEXT,"
    " checkpoint TEXT," /* JSON, for the next attempt */
    " result TEXT,"     /* JSON */
    " flow INTEGER,"    /* the workflow, batch or chain that it is in */
    " args TEXT NOT NULL DEFAULT '{}')STRICT;"
    "CREATE INDEX duress_jobs_available ON duress_jobs(queue,priority,scheduled_ms)WHERE wake_ms=0;"
    "CREATE INDEX duress_jobs_wake ON duress_jobs(wake_ms)WHERE wake_ms>0;"
    "CREATE INDEX duress_jobs_deadline ON duress_jobs(deadline_ms)"
    "WHERE " HAS_DEADLINE ";"
    "CREATE UNIQUE INDEX duress_jobs_unique ON duress_jobs(unique_key)WHERE " HOLDS_KEY ";"
    "CREATE INDEX duress_jobs_part ON duress_jobs(queue,state,part,priority,scheduled_ms)"
    "WHERE part IS NOT NULL;" /* those that run are counted, those that are available are found */
    "CREATE TABLE duress_queues("                               /* -1: no limit */
    " name TEXT NOT NULL CHECK(length(name)BETWEEN 1 AND 127)," /* *: every queue */
    " node TEXT NOT NULL DEFAULT '',"                           /* only there */
    " runs INTEGER NOT NULL DEFAULT -1 CHECK(runs IN(-1,0,1))," /* -1: where it is configured */
    " paused INTEGER NOT NULL DEFAULT 0 CHECK(paused IN(0,1)),"
    " local_limit INTEGER NOT NULL DEFAULT -1 CHECK(local_limit>=-1)," /* jobs at once on a node */
    " global_limit INTEGER NOT NULL DEFAULT -1 CHECK(global_limit>=-1)," /* jobs at once */
    " part_limit INTEGER NOT NULL DEFAULT -1 CHECK(part_limit>=-1)," /* jobs at once of a part */
    " rate INTEGER NOT NULL DEFAULT -1 CHECK(rate>=-1)," /* jobs begun within any rate_ms */
    " rate_ms INTEGER NOT NULL DEFAULT 60000 CHECK(rate_ms>0),"
    " rate_by_part INTEGER NOT NULL DEFAULT 0 CHECK(rate_by_part IN(0,1)),"
    " age_ms INTEGER NOT NULL DEFAULT 0 CHECK(age_ms>=0)," /* 0: strictly by priority */
    " turn TEXT NOT NULL DEFAULT '',"
    " PRIMARY KEY(name,node))STRICT,WITHOUT ROWID;" /* the part that was served last */
    "CREATE TABLE duress_signals(name TEXT PRIMARY KEY,count INTEGER NOT NULL)STRICT,"
    "WITHOUT ROWID;"             /* what nodes look at, to see that something happened */
    "CREATE TABLE duress_begun(" /* what rates are counted from */
    " queue TEXT NOT NULL,part TEXT NOT NULL,at_ms INTEGER NOT NULL,n INTEGER NOT NULL,"
    " PRIMARY KEY(queue,part,at_ms))STRICT,WITHOUT ROWID;" FLOW_TABLES(
        "INTEGER PRIMARY KEY AUTOINCREMENT", "INTEGER", "STRICT"),
};

enum { SCHEMA_VERSION = sizeof steps / sizeof *steps };
_Static_assert(SCHEMA_VERSION == STORE_SCHEMA, "store.h says how many steps there are");

static int schema_fail(sqlite3 *conn, int rc, char *why, size_t why_size)
{
    const char *sentence = rc == SQLITE_NOTADB ? "is not an SQLite database" : sqlite3_errmsg(conn);
    snprintf(why, why_size, "%s", sentence);
    return sqlite_errno(rc);
}

/* The first column of the first row into *ret_value, left alone without a row. An SQLite result. */
static int query_int(sqlite3 *conn, const char *sql, int64_t *ret_value)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(conn, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        *ret_value = sqlite3_column_int64(stmt, 0);
    int end = sqlite3_finalize(stmt);
    return rc != SQLITE_OK ? rc : end;
}

int schema_check(sqlite3 *conn, int64_t *ret_version, char *why, size_t why_size)
{
    int64_t tables = 0, version = 0;
    int rc = query_int(conn, "SELECT count(*)FROM sqlite_schema WHERE name='duress_meta'", &tables);
    if (rc == SQLITE_OK && tables > 0)
        rc = query_int(conn, "SELECT value FROM duress_meta WHERE key='schema'", &version);
    if (rc != SQLITE_OK && tables == 0)
        return schema_fail(conn, rc, why, why_size);
    if (rc == SQLITE_ERROR || (tables > 0 && version < 1)) {
        snprintf(why, why_size, "its table duress_meta belongs to another program");
        return -EINVAL;
    }
    if (rc != SQLITE_OK)
        return schema_fail(conn, rc, why, why_size);
    if (version > SCHEMA_VERSION) {
        snprintf(why, why_size, "was written by a newer version (schema %lld, known up to %d)",
                 (long long)version, SCHEMA_VERSION);
        return -EINVAL;
    }
    *ret_version = version;
    return 0;
}

bool schema_is_new(int64_t version)
{
    return version == SCHEMA_VERSION;
}

static int migrate_steps(sqlite3 *conn, char *why, size_t why_size)
{
    int64_t version = 0;
    int err = schema_check(conn, &version, why, why_size);
    if (err)
        return err;
    int rc = SQLITE_OK;
    char done[80];
    snprintf(done, sizeof done, "UPDATE duress_meta SET value=%d WHERE key='schema'",
             SCHEMA_VERSION);
    for (int64_t step = version; rc == SQLITE_OK && step < SCHEMA_VERSION; ++step)
        rc = sqlite3_exec(conn, steps[step], NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(conn, done, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : schema_fail(conn, rc, why, why_size);
}

int schema_migrate(sqlite3 *conn, char *why, size_t why_size)
{
    int64_t version = 0;
    int err = schema_check(conn, &version, why, why_size);
    if (err || version == SCHEMA_VERSION)
        return err;
    int rc = sqlite3_exec(conn, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return schema_fail(conn, rc, why, why_size);
    err = migrate_steps(conn, why, why_size);
    if (!err) {
        rc = sqlite3_exec(conn, "COMMIT", NULL, NULL, NULL);
        if (rc != SQLITE_OK)
            err = schema_fail(conn, rc, why, why_size);
    }
    if (err)
        sqlite3_exec(conn, "ROLLBACK", NULL, NULL, NULL);
    return err;
}
