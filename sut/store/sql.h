/* sql.h: a store in an SQL database, whichever it is.
 *
 *     sql.c              a request as a transaction: begin, operation, commit or rollback, events
 *     sql_statements.h   all SQL of the operations, in words that every database understands
 *     op/change.c        claim, ack, heartbeat, stage, rescue, retry, cancel
 *     op/queue.c         what the store knows of a queue, and a claim under its limits
 *     op/many.c          many rows in one statement
 *     op/tell.c          what others should hear of it
 *     op/insert.c        what is checked before an insert
 *     op/unique.c        jobs of which there is one at a time
 *     op/hand.c          update, delete, prune; what a cancel of a running job tells
 *     op/filter.c        which jobs are meant: list, stats, and changes in bulk
 *     op/read.c          rows as jobs: get
 *     op/leader.c        who leads
 *     op/cron.c          cron entries and their ticks
 *     op_flow*.c         workflows, batches and chains: what follows from a job's end, and their inserts
 *     sql_trace.c        the events of a committed transaction
 *     sqlite_*.c         the one database: a struct sql_backend
 *
 * An operation is written once, against the functions below. What a database does better in a way of its own (many rows in
 * one statement, say) it puts into `own`: it must answer exactly as the common one does, and the same tests judge both.
 */
#ifndef SUT_STORE_SQL_H
#define SUT_STORE_SQL_H

#include "sut/store/sql_statements.h"
#include "sut/store/store.h"

enum statement {
#define X(name, sql) STATEMENT_##name,
    STATEMENTS(X)
#undef X
        STATEMENT_COUNT
};

struct tx;
struct store_news;
struct tx_stmt; /* a prepared statement, and the row that it stands on */

typedef void tx_operation(struct tx *tx);

struct sql_backend {
    /* Opens a connection if there is none, begins, and reads the clock into tx->now_ms. `reads`: nothing will be changed. */
    void (*begin)(struct tx *tx, bool reads);
    void (*commit)(struct tx *tx); /* -EIO: nobody knows whether it was */
    /* After an error: nothing of it stays, and a connection that cannot be trusted any more is closed. */
    void (*rollback)(struct tx *tx);

    struct tx_stmt *(*statement)(struct tx *tx, enum statement statement);
    void (*bind_int)(struct tx *tx, struct tx_stmt *stmt, int index, int64_t value);
    void (*bind_null)(struct tx *tx, struct tx_stmt *stmt, int index); /* no number */
    void (*bind_text)(struct tx *tx, struct tx_stmt *stmt, int index, const char *text);
    /* -EEXIST: another job holds the unique key; for nothing else. */
    bool (*step)(struct tx *tx, struct tx_stmt *stmt);
    size_t (*changes)(struct tx *tx,
                      struct tx_stmt *stmt); /* of a statement that was run to its end */
    int64_t (*column_int)(struct tx_stmt *stmt, int column);
    const char *(*column_text)(struct tx_stmt *stmt, int column);
    int (*column_count)(struct tx_stmt *stmt);

    /* After a commit, if the store `tells`: others should hear of that. It must not fail, nor wait for anything. */
    void (*tell)(struct tx *tx, const struct store_news *news);

    bool
        alone; /* one transaction at a time changes anything: rows that were read can be changed as they were found */
    tx_operation *own[STORE_OP_COUNT]; /* NULL: as it is done everywhere */
};

struct sql_store {
    struct store_db base; /* ops: sql_execute(), and a close of the database's own */
    const struct sql_backend *backend;
    struct env *env;  /* for events */
    bool tells;       /* others may be listening: watch.h */
    int64_t clock_ms; /* the latest time seen by this handle: it does not go back before it */
};

/* What `ops->execute` of a database is. */
void sql_execute(struct store_db *db, const struct store_request *request, struct heap *heap,
                 struct store_reply *reply);

/* One request under way. The first error sticks in `err`; all functions below do nothing once it is
 * set. */
struct tx {
    struct sql_store *store;
    const struct store_request *request;
    struct heap *heap;
    struct store_reply *reply;
    int64_t now_ms;
    int err;
    char why[sizeof((struct store_reply *)0)->why];
    size_t job_capacity; /* of reply->jobs */
    /* A change met a unique key that another job holds (see tx_yield()), or one of many was not as it was thought to be: now all
     * go one by one. */
    bool careful;
    struct change *changes; /* only when somebody listens */
    size_t change_count, change_capacity;
    const struct job_spec *specs; /* INSERT: as they are inserted */
    struct store_flow *joined;    /* INSERT: the flows that they are in, locked; by id */
    size_t joined_count;
    struct flow_change *flow_changes; /* not settled yet */
    size_t flow_count, flow_capacity;
    size_t woken_capacity; /* of reply->woken */
};

void tx_fail(struct tx *tx, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A prepared statement, ready for binding; NULL after an error. */
static inline struct tx_stmt *tx_statement(struct tx *tx, enum statement statement)
{
    return tx->err ? NULL : tx->store->backend->statement(tx, statement);
}

/* Parameters count from 1, columns from 0. What is bound stays until it is bound anew; texts must stand until the statement
 * was run. */
static inline void tx_bind_int(struct tx *tx, struct tx_stmt *stmt, int index, int64_t value)
{
    if (!tx->err)
        tx->store->backend->bind_int(tx, stmt, index, value);
}

static inline void tx_bind_null(struct tx *tx, struct tx_stmt *stmt, int index)
{
    if (!tx->err)
        tx->store->backend->bind_null(tx, stmt, index);
}

static inline void tx_bind_text(struct tx *tx, struct tx_stmt *stmt, int index, const char *text)
{
    if (!tx->err)
        tx->store->backend->bind_text(tx, stmt, index, text); /* NULL: NULL */
}

/* True: there is a row. False: done, or failed; the statement can be bound and run again. */
static inline bool tx_step(struct tx *tx, struct tx_stmt *stmt)
{
    return !tx->err && tx->store->backend->step(tx, stmt);
}

/* Runs a statement without rows; how many rows it changed. */
static inline size_t tx_run(struct tx *tx, struct tx_stmt *stmt)
{
    tx_step(tx, stmt);
    return tx->err ? 0 : tx->store->backend->changes(tx, stmt);
}

static inline int64_t tx_column_int(struct tx *tx, struct tx_stmt *stmt, int column)
{
    return tx->store->backend->column_int(stmt, column); /* NULL: 0 */
}

/* Until the next step. NULL: NULL. */
static inline const char *tx_column_text(struct tx *tx, struct tx_stmt *stmt, int column)
{
    return tx->store->backend->column_text(stmt, column);
}

/* A copy that lives as long as the request. NULL, which after a disk has lied may be where the schema rules it out: "". */
static inline const char *tx_column_copy(struct tx *tx, struct tx_stmt *stmt, int column)
{
    const char *text = tx_column_text(tx, stmt, column);
    return text ? heap_text(tx->heap, text) : "";
}

static inline int tx_column_count(struct tx *tx, struct tx_stmt *stmt)
{
    return tx->store->backend->column_count(stmt);
}

/* ---- operations ---- */

tx_operation tx_claim, tx_ack, tx_heartbeat, tx_stage, tx_rescue, tx_retry, tx_cancel;
tx_operation tx_cancel_told, tx_update, tx_delete, tx_prune, tx_note_down;
tx_operation tx_get, tx_list, tx_stats;
tx_operation tx_lead, tx_cron_put, tx_cron_list, tx_cron_tick, tx_cron_change;
/* Which jobs a request with a filter is about: fills in their ids. */
void tx_choose(struct tx *tx, struct store_request *chosen);
/* Answers a STAGE or PRUNE for which nothing has to be changed. */
bool tx_stage_idle(struct tx *tx);
bool tx_prune_idle(struct tx *tx);
tx_operation tx_queue_set, tx_queue_forget, tx_queues;
tx_operation tx_batch, tx_flow;

void tx_tell(struct tx *tx); /* after the commit */

tx_operation tx_expire; /* op/expire.c */
bool tx_expire_idle(struct tx *tx);
int64_t
tx_deadline_ms(struct tx *tx);    /* how far ahead the earliest one of who waits is; -1: none */
bool tx_lead_idle(struct tx *tx); /* the same of a LEAD: somebody else leads */

enum job_state tx_column_state(struct tx *tx, struct tx_stmt *stmt, int column);
/* All rows of the statement are appended to reply->jobs. */
void tx_reply_jobs(struct tx *tx, struct tx_stmt *stmt);

/* ---- op/queue.c ---- */

int tx_claim_order(const void *left, const void *right); /* of two struct job */
bool tx_rule(struct tx *tx, const char *queue, struct store_queue *ret_rule); /* false: none */
void tx_reply_rules(struct tx *tx, bool all);           /* or of the asked queues */
bool tx_paused(const struct tx *tx, const char *queue); /* by the rules in the reply */
/* Puts those into reply->jobs that a claim may take under the rules of its queue. */
void tx_find_ruled(struct tx *tx, const struct store_queue *rule);
/* Counts what has been claimed. */
void tx_claimed_ruled(struct tx *tx, const struct store_queue *rule);

/* So many rescues in a row are too many. */
int64_t tx_crash_limit(const struct tx *tx);
/* False: a run cannot end so; the transaction fails. */
bool tx_ack_possible(struct tx *tx, const struct store_ack *ack);
/* One acknowledgement; tx_flow_settle() must follow. */
enum store_ack_result tx_ack_one(struct tx *tx, const struct store_ack *ack);
/* Until the job is due again; 0 when its end is final. */
int64_t ack_delay_ms(const struct store_ack *ack);
/* ---- op/many.c ---- */

/* Takes all jobs of the reply, but says nothing in it. False: that is for take(), one by one. */
bool tx_take_many(struct tx *tx, const char *owner);
/* Which outcomes of the request are applied by now; NULL: none. The others go one by one. */
bool *tx_finish_many(struct tx *tx);

/* What is wrong with what shall be inserted: fails the transaction. */
int specs_check(const struct job_spec *specs, size_t count, char *why, size_t why_size);
/* The parameters of JOB_INSERT_MORE. */
void tx_bind_spec(struct tx *tx, struct tx_stmt *stmt, const struct job_spec *spec);

/* ---- op/unique.c ---- */

struct unique_holder {
    uint64_t id; /* 0: nobody */
    enum job_state state;
    unsigned attempt;
    int64_t inserted_ms, scheduled_ms;
};

/* It is in the way of the new job, and stays as it is: tx_insert_unique() would find a conflict, and change nothing. */
bool tx_holder_stays(const struct tx *tx, const struct unique_holder *holder,
                     const struct job_spec *spec);
/* Inserts the job, or finds the one that holds its key, which is then a conflict. The id of either; 0 after an error. */
uint64_t tx_insert_unique(struct tx *tx, const struct job_spec *spec, bool *ret_conflict);
/* False: the index has nothing to say about it, and who holds the key must be asked. */
bool tx_holds_at_once(const struct tx *tx, const struct job_spec *spec);
void tx_note_unique(struct tx *tx, uint64_t id, const char *key, const struct job_spec *spec,
                    bool conflict);
/* Before a job comes into that state: if another one holds its key there, it goes on without one. Only a transaction that
 * is careful asks; the others find out by failing. */
void tx_yield(struct tx *tx, uint64_t id, enum job_state state);

/* ---- flows: op/flow.c, op/flow_insert.c ---- */

enum flow_what {
    FLOW_JOB_ENDED,   /* it is in `state` now, which is final */
    FLOW_JOB_FAILED,  /* and will be tried again */
    FLOW_JOB_REVIVED, /* it had ended, and does not stay so */
    FLOW_JOB_GONE,    /* its row is deleted */
};

struct flow_change {
    uint64_t flow, job;
    enum flow_what what;
    enum job_state state;
};

/* Whoever changes the state of a job with a flow (duress_jobs.flow) says so, and settles before the transaction ends: then
 * others are released, cancelled or called back for. `flow` 0: nothing. */
void tx_flow_note(struct tx *tx, uint64_t flow, uint64_t job, enum flow_what what,
                  enum job_state state);
void tx_flow_settle(struct tx *tx);

/* The flow and the state of a job that is about to be changed by hand; 0: no flow. The flow is locked before jobs that do
 * not run: whoever ends a job, and has that one locked, wants nothing more but the flow and such jobs. */
uint64_t tx_flow_of(struct tx *tx, uint64_t id, enum job_state *ret_state);

/* For an insert. First: sets tx->specs to what is really inserted, state and flow included, and locks the
 * flows that get jobs. After the rows are there and reply->ids is filled: does the rest. */
void tx_flow_specs(struct tx *tx);
void tx_flow_inserted(struct tx *tx);

/* What a retry by hand makes of a job of a flow, that is in `state`; locks the flow. JOB_STATE_COUNT: nothing. */
enum job_state tx_flow_retry(struct tx *tx, uint64_t flow, uint64_t job, enum job_state state);

/* Locks the flow, until the end of the transaction. False: there is none. */
bool tx_flow_lock(struct tx *tx, uint64_t flow, struct store_flow *ret_flow);
struct store_flow tx_flow_row(struct tx *tx, struct tx_stmt *stmt); /* of FLOW_COLUMNS */
/* What is due in a chain or batch that is locked; writes its row. `failed`: a job of it just did. */
void tx_flow_go_on(struct tx *tx, struct store_flow *flow, bool failed);
uint64_t tx_flow_by_name(struct tx *tx, const char *kind, const char *name); /* 0: there is none */

/* ---- sql_trace.c ---- */

/* A changed row, for the events after commit. */
struct change {
    enum change_kind {
        CHANGE_LEAD,
        CHANGE_RENEW,
        CHANGE_RESIGN,
        CHANGE_CRON_PUT,
        CHANGE_CRON_CHANGE,
        CHANGE_CRON_TICK,
        CHANGE_CRON_DONE,
        CHANGE_FINISH,
        CHANGE_STALE,
        CHANGE_STAGE,
        CHANGE_RESCUE,
        CHANGE_EXPIRE,
        CHANGE_RETRY,
        CHANGE_UPDATE,
        CHANGE_DELETE,
        CHANGE_NOTE,
        CHANGE_PRUNE,
        CHANGE_CANCEL,
        CHANGE_UNIQUE,
        CHANGE_CONFLICT,
        CHANGE_RELEASE,
        CHANGE_YIELD,
        CHANGE_REPLACE,
        CHANGE_FLOW_RELEASE,
        CHANGE_CALLBACK,
    } kind;
    uint64_t id, lease, flow;
    const char *state; /* CALLBACK: the event */
    unsigned attempt, max_attempts;
    unsigned crashes, crash_limit; /* RESCUE */
    /* Of leaders and cron entries: */
    const char *name, *text, *zone;
    int64_t from_ms, to_ms, now_ms, count;
    int64_t delay_ms;
    const char *key; /* a unique one */
    const struct job_unique *unique;
};

/* ---- op/many.c, by hand ---- */

struct id_set {
    const uint64_t *ids;
    size_t count;
};

/* Changes the request's jobs in one statement of MANY_STATEMENTS, if they are many, but for those that are in flows. Which are left, to
 * be changed one by one, in the order of the request. */
struct id_set tx_hand_many(struct tx *tx, enum statement statement, enum change_kind kind);
/* The same for what a cancel tells of the leases that it cut short. False: one by one. */
bool tx_cut_many(struct tx *tx);

#ifdef DURESS_POINTS
static inline bool tx_traced(const struct tx *tx)
{
    return tx->store->env->site.sink != NULL;
}
#else
static inline bool tx_traced(const struct tx *tx)
{
    (void)tx;
    return false;
}
#endif

void tx_trace_cron(struct point_site *site, const struct change *change); /* sql_trace_cron.c */
void tx_note(struct tx *tx, struct change change);                        /* only if tx_traced() */
void tx_trace(struct tx *tx);                                             /* after commit */

#endif
