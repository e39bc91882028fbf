/* internal.h: what the files of the PostgreSQL store share.
 *
 *     pg.c             the backend: transactions, statements, rows
 *     insert.c      new jobs
 *     insert_tx.c   the same in a transaction of the caller
 *     copy.c        many of them at once
 *     front.c       claims behind rows that are dead and cannot go
 *     unique.c      new jobs of which there is one at a time
 *     statement.c   parameters, one statement, many in one round trip
 *     connection.c  the way to the server: connecting, waiting, losing it
 *     tell.c        telling others what there is now, and hearing it
 *     sqlstate.c       what the server says, as an errno and a sentence
 *     schema.c      the tables and their versions
 */
#ifndef SUT_PG_INTERNAL_H
#define SUT_PG_INTERNAL_H

#include "sut/store/pg.h"
#include "sut/store/sql.h"

#include <postgresql/libpq-fe.h>

#define SQL_AT(text, part) "strpos(" text "," part ")"

#define PG_WHY 160 /* bytes of a sentence, as in store_reply */

/* What went wrong; the first one stays. */
struct pg_error {
    int err;       /* 0: nothing */
    char state[6]; /* SQLSTATE, if the server said it */
    bool again;    /* another transaction was in the way: the same request may do at once */
    char why[PG_WHY];
};

/* The way to a server. */
struct pg_link {
    struct store_pg_options options; /* strings are our own; no field that says "default" is left */
    struct heap *heap;
    PGconn *conn;           /* NULL: none */
    int names;              /* of prepared statements, so far */
    unsigned generation;    /* of the connection: what was prepared on an older one is gone */
    int64_t deadline_ns;    /* of the request under way, by pg_now_ns() */
    bool borrowed;          /* the connection is somebody else's */
    bool owed;              /* the answer to what was said by the way has not been read */
    bool closing;           /* the server said that it is about to close the connection */
    bool doubt;             /* what is under way may be committed without our hearing of it */
    int64_t retry_ns;       /* not before that time is the server tried again; */
    unsigned failures;      /* in a row */
    struct pg_error lately; /* why it was away the last time */
};

/* ---- connection.c ---- */

int64_t pg_now_ns(void); /* monotonic */
uint64_t pg_chance(const struct pg_link *link);

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
/* Reads what is still to come of a statement. */
void pg_settle(struct pg_link *link, struct pg_error *error);
/* libpq refused to go on: the connection is given up. */
void pg_lost(struct pg_link *link, struct pg_error *error);
/* Statements without parameters, in one transaction and one round trip; rows are ignored. */
void pg_run(struct pg_link *link, struct pg_error *error, const char *sql);
/* The first column of the first row, as text of the caller; "" when there is none. */
void pg_ask(struct pg_link *link, struct pg_error *error, const char *sql, char *answer,
            size_t size);
/* What a session must be set to for our statements, as SELECT set_config(...): for its whole life, or this transaction. */
void pg_settings_sql(const struct pg_link *link, bool transaction, char *sql, size_t size);

/* ---- statement.c ---- */

enum { PG_PARAMS = 24 };

struct pg_params {
    int count;
    Oid types[PG_PARAMS];
    const char *values[PG_PARAMS];
    int lengths[PG_PARAMS], formats[PG_PARAMS];
    char ints[PG_PARAMS][8]; /* as they travel */
};

struct tx_stmt {
    const char *sql;  /* in the words of sql_statements.h, see pg_translate() */
    char *translated; /* NULL: not yet */
    char name[24];
    unsigned generation; /* of the connection that it was prepared on */
    struct pg_params params;
    PGresult *result; /* of step() */
    int row, hidden;  /* columns at the end that step() does not show */
    size_t changed;
};

/* Indexes count from 1. Texts and blocks must stand until the statement was sent. */
void pg_set_int(struct pg_params *params, int index, int64_t value);
void pg_set_null(struct pg_params *params, int index); /* no number */
void pg_set_text(struct pg_params *params, int index, const char *text);
void pg_set_ints(struct pg_params *params, int index, struct heap *heap, const int64_t *items,
                 size_t count);
void pg_set_texts(struct pg_params *params, int index, struct heap *heap, const char *const *items,
                  size_t count); /* NULL among them: NULL */

int64_t pg_int(const PGresult *result, int row, int column); /* NULL: 0 */
const char *pg_text(const PGresult *result, int row, int column);
/* An array of numbers, at most `room` of them. How many there are; 0: there is no result. */
size_t pg_ints(const PGresult *result, int row, int column, int64_t *items, size_t room);

/* What the server is told for what sql_statements.h and we write. Belongs to the link. */
char *pg_translate(const struct pg_link *link, const char *sql);
/* On this connection, unless that is done. The types of the parameters must have been set. Not in a pipeline. */
void pg_prepare(struct pg_link *link, struct pg_error *error, struct tx_stmt *stmt);
void pg_send(struct pg_link *link, struct pg_error *error, struct tx_stmt *stmt); /* prepared */
/* Prepares, sends and waits. The caller frees the result; NULL after an error. */
PGresult *pg_query(struct pg_link *link, struct pg_error *error, struct tx_stmt *stmt);

/* begin; pg_send() ...; send; result ...; end. Without doubt only once it has ended. After `begin`, `end` must follow. */
void pg_pipeline_begin(struct pg_link *link, struct pg_error *error);
void pg_pipeline_send(struct pg_link *link, struct pg_error *error);
PGresult *pg_pipeline_result(struct pg_link *link, struct pg_error *error);
void pg_pipeline_end(struct pg_link *link, struct pg_error *error);

/* ---- sqlstate.c ---- */

void pg_fail(struct pg_error *error, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Of a result that says that something is wrong. `doubt`: as below. */
void pg_fail_result(struct pg_error *error, const PGresult *result, bool doubt);
/* The connection is no more, or never came to be; `doubt`: and something was under way to be committed. */
void pg_fail_lost(struct pg_error *error, const PGconn *conn, bool doubt);
int pg_errno(const char *sqlstate); /* the negative errno for what the server says */

/* ---- pg.c ---- */

/* The job's errors and one more, of which the newest JOB_ERRORS_KEPT stay: as text, for what others read. */
#define PG_ERRORS_PLUS(errors, at, attempt, text)                                                  \
    "CASE WHEN " errors "='[]'THEN'['WHEN json_array_length(" errors "::json)<" SQL_NUMBER(        \
        JOB_ERRORS_KEPT) " THEN left(" errors ",-1)||','ELSE(SELECT'['||string_agg(e.one::text,"   \
                         "','ORDER BY e.place)||','FROM json_array_elements(" errors               \
                         "::json)WITH ORDINALITY AS e(one,place)WHERE e.place>json_array_length("  \
                         "" errors                                                                 \
                         "::json)-" SQL_NUMBER(JOB_ERRORS_KEPT) "+1)END||'{\"at\":'||" at          \
                                                                "||',\"attempt\":'||" attempt      \
                                                                "||',\"error\":'||to_json((" text  \
                                                                ")::text)||'}]'"
/* The one time of a statement, as n.ms; ?1 is the time that it does not go back before. */
#define PG_NOW "(SELECT greatest(:now,?1)OFFSET 0)AS n(ms)"

/* What an insert is made of: the specs as columns, ?2 .. ?7, those that most do not need, ?8 .. ?14, and when each is due. A time
 * above 0 is a delay, one below 0 the negative of a moment. */
#define PG_SPECS                                                                                   \
    "FROM " PG_NOW ",unnest(?2::text[],?3::text[],?4::text[],?5::bigint[],?6::bigint[],"           \
    "?7::bigint[]"
#define PG_SPEC_NAMES "queue,worker,args,priority,max_attempts,at"
#define PG_SPEC_DUE                                                                                \
    ",LATERAL(SELECT CASE WHEN s.at>0 THEN n.ms+s.at ELSE greatest(n.ms,-s.at)END)AS d(ms)"
#define PG_SPEC_FINAL "s.state IN('completed','discarded','cancelled')"
#define PG_INSERT_MORE_SQL(columns, values, arrays, names)                                         \
    "INSERT INTO duress_jobs(queue,worker,args,priority,max_attempts,state,inserted_ms,"           \
    "scheduled_ms,wake_ms,finished_ms,part,meta,tags,timeout_ms,deadline_ms,flow" columns          \
    ")SELECT s.queue,s.worker,s.args,s.priority,s.max_attempts,"                                   \
    "CASE WHEN s.state='available'AND d.ms>n.ms THEN'scheduled'ELSE s.state END,n.ms,d.ms,"        \
    "CASE WHEN s.state='available'AND d.ms<=n.ms THEN 0 WHEN NOT(" PG_SPEC_FINAL                   \
    "OR s.state='suspended')THEN d.ms END,CASE WHEN " PG_SPEC_FINAL                                \
    " THEN n.ms ELSE 0 END,s.part,s.meta,s.tags,"                                                  \
    "nullif(s.timeout,0),d.ms+nullif(s.within,0),nullif(s.flow,0)" values " " PG_SPECS             \
    ",?8::text[],?9::text[],?10::text[],?11::text[],?12::bigint[],?13::bigint[],?14::bigint[]"     \
    "" arrays ")AS s(" PG_SPEC_NAMES ",state,part,meta,tags,timeout,within,flow" names             \
    ")" PG_SPEC_DUE

/* Statements of our own; their words are where they are used. */
enum pg_own {
    PG_INSERT,
    PG_INSERT_MORE,
    PG_INSERT_UNIQUE,
    PG_HOLDERS,
    PG_CLAIM,
    PG_CLAIM_DUE,
    PG_CLAIM_FRONT,
    PG_PAGES,
    PG_PAGES_BOTH,
    PG_FINISH,
    PG_ACK,
    PG_RULED_QUEUE,
    PG_CLOCK,
    PG_NEXT,
    PG_HEARTBEAT,
    PG_STAGE,
    PG_READY,
    PG_CUTS,
    PG_RESCUE,
    PG_LOST_MEMBERS,
    PG_LOCK_IDS,
    PG_IDS,
    PG_COPY,
    PG_OWN_COUNT
};

enum { PG_RULED = 32, PG_TOLD = 16 };

enum { PG_FRONTS = 32, PG_PRIORITIES = 10 };

/* Of a queue: where the last claim ended in the index of available jobs. See front.c. */
struct pg_front {
    char queue[JOB_QUEUE_MAX + 1];
    uint64_t used;    /* the greater, the later; 0: never */
    unsigned claims;  /* while it was near */
    bool far;         /* to walk there from the beginning takes long */
    int64_t whole_ns; /* far: until then claims begin at the front; monotonic */
    int64_t ms[PG_PRIORITIES], ids[PG_PRIORITIES]; /* scheduled_ms, id of the last job claimed */
};

/* What was told lately: see watch.h. */
struct pg_told {
    char queue[JOB_QUEUE_MAX + 1]; /* "": look */
    int64_t at_ns;                 /* monotonic; 0: nothing was */
};

struct pg_store {
    struct sql_store base;
    struct heap *heap;
    struct pg_link link;
    struct tx_stmt statements[STATEMENT_COUNT];
    struct tx_stmt own[PG_OWN_COUNT];
    const char *table; /* of the jobs, with its schema; NULL: not asked for yet */
    char ruled[PG_RULED]
              [JOB_QUEUE_MAX + 1]; /* queues of which something is said, as far as we know */
    size_t ruled_count;
    struct pg_front fronts[PG_FRONTS];
    uint64_t fronts_used;
    const char *index, *wake_index; /* of available jobs; of what waits for a time; as `table` */
    int64_t brief_ns;               /* until then looks do not walk along the indexes; monotonic */
    struct pg_told told[PG_TOLD];
    int backend_pid;        /* atomic: of the server's process that speaks with us; 0: none */
    bool open;              /* BEGIN was sent: COMMIT must be */
    bool reads;             /* nothing can be in doubt */
    struct pg_error failed; /* the request under way */
};

extern const struct sql_backend pg_backend;

static inline struct pg_store *tx_pg(const struct tx *tx)
{
    return (struct pg_store *)tx->store;
}

void tx_fail_pg(struct tx *tx, const struct pg_error *error);
/* A transaction of statements that are run one by one; commit() ends it. */
void tx_begin_pg(struct tx *tx, bool reads);
/* Ends it now; -EIO: nobody knows how. */
void tx_commit_pg(struct tx *tx);
/* An operation of our own was told the time by its statements. */
void tx_clock_pg(struct tx *tx, int64_t now_ms);

/* ---- operations of our own: each is a transaction by itself ---- */

/* An insert in a transaction that was begun; the specs have been checked. */
void pg_insert_begun(struct tx *tx);
/* The request's jobs, by COPY: if they are many, and nothing special. */
bool pg_copy_possible(const struct tx *tx);
tx_operation pg_copy;
tx_operation pg_insert, pg_claim, pg_ack, pg_heartbeat, pg_stage, pg_rescue;

/* Binds ?2 .. ?7, ?8 .. ?14. */
void pg_bind_plain(struct pg_params *params, struct heap *heap, const struct job_spec *specs,
                   size_t count);
void pg_bind_more(struct pg_params *params, struct heap *heap, const struct job_spec *specs,
                  size_t count);
/* In a transaction that was begun: inserts the unique specs from that one on, as far as one statement goes. How many. */
size_t pg_insert_unique(struct tx *tx, struct pg_error *error, size_t from);

enum { PG_BATCH = 5 };

/* Statements that are one transaction and one round trip; the last one tells the time. */
struct pg_batch {
    struct tx_stmt *stmts[PG_BATCH];
    PGresult *results[PG_BATCH];
    size_t count;
};

/* A statement of our own, as the next one of the batch; ?1 is bound to the time that is not gone back before. */
struct tx_stmt *pg_batch_add(struct tx *tx, struct pg_batch *batch, enum pg_own own,
                             const char *sql);
/* Adds the clock, and perhaps what is waited for next: reply->next_ms. Runs all. False: the transaction failed. */
bool pg_batch_run(struct tx *tx, struct pg_batch *batch, bool next);
void pg_batch_done(struct pg_batch *batch); /* frees the results */

/* ---- front.c ---- */

enum pg_walk { PG_WALK_WHOLE, PG_WALK_MEASURED, PG_WALK_FRONT };

struct pg_front *pg_front_of(struct pg_store *store, const char *queue);
enum pg_walk pg_front_walk(struct pg_front *front); /* how the next claim shall go */
/* So many pages of the index a measured claim has seen, for so many jobs, and so long it took. */
void pg_front_learn(struct pg_front *front, int64_t pages, size_t claimed, int64_t took_ns);
void pg_front_advance(struct pg_front *front, const struct job *jobs, size_t count);
/* How long to rest after a walk that took so long. */
int64_t pg_walk_rest(int64_t took_ns);
/* The names of the two indexes, for PG_PAGES_OF. */
const char *pg_available_index(struct pg_store *store);
const char *pg_wake_index(struct pg_store *store);
/* Pages of an index that were looked at by this connection lately. */
#define PG_PAGES_OF(index) "pg_stat_get_xact_blocks_fetched(" index "::text::regclass)"
/* Three arrays, from that index on: priorities, scheduled_ms, ids. */
void pg_front_bind(struct pg_params *params, int index, struct heap *heap,
                   const struct pg_front *front);

/* ---- tell.c ---- */

/* Tells others, now; the answer is owed. On a borrowed connection: when its transaction commits. */
void pg_tell(struct tx *tx, const struct store_news *news);
/* Reads what is owed. */
void pg_tell_settle(struct pg_link *link);

/* ---- schema.c ---- */

/* Brings the schema to today's version, makes it if the options say so. Returns which one was there; 0: none. */
long pg_schema_open(struct pg_link *link, struct pg_error *error);

#endif
