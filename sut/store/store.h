/* store.h: where jobs are kept. Every operation is a request and a reply, plain data, so that it can run in a worker
 * thread, or travel over a link to a database node, and be lost on the way there or on the way back.
 *
 * store_execute() runs a request against an open database: blocking, atomic (one transaction), on any thread, one at a time
 * per database. store_call() is what processes use: it parks the process, has a deadline, and is bracketed by
 * two fault points, store/OP/send before the effect and store/OP/reply after it. An error at or after `reply`, and
 * every time-out, means *unknown*: the effect may have happened. (An error at `send` means that it did not; callers cannot
 * tell, and go by store_outcome_unknown().) All requests are safe to repeat but INSERT.
 *
 * Time is the database's: every request reads its clock once; leases, due times and rescue are judged by it.
 */
#ifndef SUT_STORE_H
#define SUT_STORE_H

#include "sut/jobs/cron.h"
#include "sut/jobs/job.h"
#include "sut/runtime/proc.h"

/* X(ENUM, word) */
#define STORE_OPS(X)                                                                               \
    X(INSERT, "insert")                                                                            \
    X(CLAIM, "claim")                                                                              \
    X(ACK, "ack")                                                                                  \
    X(HEARTBEAT, "heartbeat")                                                                      \
    X(STAGE, "stage")                                                                              \
    X(RESCUE, "rescue")                                                                            \
    X(EXPIRE, "expire")                                                                            \
    X(RETRY, "retry")                                                                              \
    X(CANCEL, "cancel")                                                                            \
    X(UPDATE, "update")                                                                            \
    X(DELETE, "delete")                                                                            \
    X(PRUNE, "prune")                                                                              \
    X(NOTE, "note")                                                                                \
    X(GET, "get")                                                                                  \
    X(LIST, "list")                                                                                \
    X(STATS, "stats")                                                                              \
    X(LEAD, "lead")                                                                                \
    X(CRON_PUT, "cron_put")                                                                        \
    X(CRON_LIST, "cron_list")                                                                      \
    X(CRON_TICK, "cron_tick")                                                                      \
    X(CRON_CHANGE, "cron_change")                                                                  \
    X(QUEUE_SET, "queue_set")                                                                      \
    X(QUEUE_FORGET, "queue_forget")                                                                \
    X(QUEUES, "queues")                                                                            \
    X(BATCH, "batch")                                                                              \
    X(FLOW, "flow")

enum store_op {
#define X(e, word) STORE_##e,
    STORE_OPS(X)
#undef X
        STORE_OP_COUNT
};

const char *store_op_word(enum store_op op);

/* One finished run, to be written. */
struct store_ack {
    uint64_t id, lease;
    enum job_state state; /* completed, retryable, discarded, cancelled, scheduled (snooze) */
    int64_t delay_ms;     /* retryable, scheduled: due that long after now (database clock) */
    const char *error;    /* added to the job's errors, or NULL */
    const char *result;   /* completed: JSON, or NULL: none */
};

/* What a running job leaves about itself. */
struct store_note {
    uint64_t id, lease;
    int progress;           /* percent; -1: as it was */
    const char *text;       /* with the progress, up to JOB_NOTE_MAX bytes; NULL: as it was */
    const char *checkpoint; /* JSON, for this job's next attempt; NULL: as it was */
};

/* Only ACK_APPLIED changed anything. */
enum store_ack_result {
    ACK_APPLIED,  /* changed now */
    ACK_REPEATED, /* this lease has already finished it: an earlier ack arrived after all */
    ACK_STALE,    /* refused: another claim, a rescue or a cancel came in between */
};

struct store_lease {
    uint64_t id, lease;
};

/* What the store knows of a queue. It holds on every node from the moment the change is answered: the store itself refuses
 * what is against it. A queue that nobody has said anything about is not there, and has no limits but its nodes' own.
 * Jobs with the same `part` share part_limit, and the rate if it is by part; a job without one is only under what is said of the
 * whole queue, and in a queue with limits for parts it may wait until less than a thousand jobs stand before it.
 *
 * What is said with a node holds only there, what is said of QUEUE_EVERY of all queues, those included of which something else is
 * said. Of local limits and `runs`, the narrowest holds: a queue on a node, a queue, every queue on a node, every queue; a pause
 * anywhere among them is one. Whoever speaks of more takes back what was said of its parts in the same respect: so the last
 * word holds. */
#define QUEUE_EVERY    "*"
#define QUEUE_NODE_MAX 64 /* bytes */
struct store_queue {
    const char *name;
    const char *node;    /* NULL or "": all of them */
    int runs;            /* 1: started, 0: stopped, -1: where it is configured */
    bool paused;         /* nothing is claimed */
    int64_t local_limit; /* jobs at once on each node; -1: as the node is configured */
    int64_t
        global_limit; /* jobs at once on all nodes, of those claimed since it was set; -1: no limit */
    int64_t part_limit;    /* the same, of each part; -1: no limit */
    int64_t rate, rate_ms; /* at most `rate` jobs are claimed within any rate_ms; -1: no limit */
    bool rate_by_part;     /* ... of each part */
    int64_t
        age_ms; /* jobs are claimed as if each was due so much later as its priority is above 0: so none waits for ever, whatever
                       comes before it; 0: strictly by priority */
    const char *turn; /* the store's own: the part that was served last */
};

enum store_queue_field { /* which of them QUEUE_SET changes */
                         QUEUE_PAUSED = 1,
                         QUEUE_LOCAL = 2,
                         QUEUE_GLOBAL = 4,
                         QUEUE_PART = 8,
                         QUEUE_RATE = 16, /* rate, rate_ms, rate_by_part */
                         QUEUE_RUNS = 32,
                         QUEUE_AGE = 64,
};
#define QUEUE_NODE_FIELDS                                                                          \
    (QUEUE_PAUSED | QUEUE_LOCAL | QUEUE_RUNS) /* of one node, or every queue */

/* What of these holds of a queue on a node. */
struct store_queue store_queue_at(const struct store_queue *rules, size_t count, const char *queue,
                                  const char *node);

/* ---- flows (flow.h) ---- */

/* A job of a workflow. */
struct store_step {
    const char *name;          /* unique in the workflow */
    struct flow_policy policy; /* FLOW_DEFAULT: that of the workflow */
    const uint32_t *deps;      /* which steps it waits for: their indices */
    size_t dep_count;
};

struct store_workflow {
    const char *name; /* unique among workflows; NULL: none */
    struct flow_policy policy;
    const struct store_step *steps; /* as many as there are specs, in their order */
};

/* 0, or -EINVAL with a sentence: no name or one twice, an unknown step, or steps that wait for each other in a circle. */
int store_steps_check(const struct store_step *steps, size_t count, struct heap *heap, char *why,
                      size_t why_size);

/* What is inserted when something became true of a batch. */
struct store_callback {
    enum flow_event event;
    struct job_spec spec; /* without a flow, not suspended, not delayed */
};

/* Either an id, or what shall be made if there is none of that name. So it can be asked for again. */
struct store_batch {
    uint64_t id;                            /* 0: by name, or a new one */
    const char *name;                       /* unique among batches; NULL: none */
    const struct store_callback *callbacks; /* added, where there is none for the event yet */
    size_t callback_count;
    bool close; /* no more jobs: from now on it can be completed */
};

/* A flow as it is. */
struct store_flow {
    uint64_t id;
    enum flow_kind kind;
    const char *name; /* "": none */
    struct flow_policy policy;
    bool closed;
    uint64_t active; /* of a chain: the job whose turn it is, or that holds up the rest; 0: none */
    uint64_t jobs, tried, completed, cancelled,
        discarded;                    /* how many there are, and how many of them */
    int64_t inserted_ms, finished_ms; /* finished: all of its jobs had ended; 0: not yet */
};

/* A job of a flow. */
struct store_member {
    uint64_t job;
    enum job_state state;
    const char *name; /* of a step; "" */
    const char *queue, *worker;
    uint64_t waits; /* for how many others */
};

struct store_edge {
    uint64_t parent, child;
    bool ended; /* the child does not wait for it any more */
};

struct store_called {
    enum flow_event event;
    uint64_t job; /* 0: not yet */
};
#define BULK_MOST                                                                                  \
    5000 /* rows that a request by filter looks at, and PRUNE removes: so it never takes long */
#define PRUNE_LOOKS 5000

/* Who leads: a term is random per process, so that no two are ever taken for one. */
struct store_leader {
    const char *group, *term;
    const char *node; /* for people */
};

/* What has come due of a cron entry since `from_ms`, up to `to_ms`: the jobs of these minutes are inserted, unless they were
 * before; the others are left out. Nothing happens if the entry's done_ms is not `from_ms` (another leader was faster, or the entry
 * was changed), if it is paused or gone, or if `to_ms` is still ahead. */
struct store_ticks {
    const char *entry;
    int64_t from_ms, to_ms;
    const int64_t *minutes_ms; /* ascending */
    size_t minute_count;
    size_t left_out; /* for the trace: the ticks in between that the entry's catch_up leaves out */
};

enum cron_change { CRON_PAUSE, CRON_RESUME, CRON_DELETE };

/* Which fields an operation uses is said beside each. All memory belongs to the arena of the call.
 * tx_sql runs after the jobs and in their transaction, so last_insert_rowid() is the last job; it may
 * not end the transaction. */
struct store_request {
    enum store_op op;
    const struct job_spec *specs; /* INSERT: all or none */
    size_t spec_count;
    const char *tx_sql; /* INSERT: the caller's own statements, or NULL: see above */
    const char *queue;  /* CLAIM, ACK (fused claim; NULL: ack only) */
    size_t limit;       /* CLAIM, ACK: how many to claim at most; LIST: rows */
    const char *owner;  /* CLAIM, ACK: who claims: random per queue process start */
    const char *node;   /* CLAIM, ACK, STAGE: where; NULL: on none of which anything is said */
    int64_t lease_ms;   /* CLAIM, ACK, HEARTBEAT: how long a lease holds from now */
    bool stage;         /* CLAIM, ACK: due jobs of this queue, too */
    bool without_next;  /* CLAIM, ACK: next_ms is not wanted, and is -1 */
    const struct store_ack *acks; /* ACK */
    size_t ack_count;
    const struct store_lease *leases; /* HEARTBEAT */
    size_t lease_count;
    const uint64_t *ids; /* RETRY, CANCEL, UPDATE, DELETE, GET */
    size_t id_count;
    /* RETRY, CANCEL, UPDATE, DELETE: instead of ids; BULK_MOST rows (or `limit`, if it is less) are looked at, and the reply says
     * where to go on. LIST, STATS: NULL: all. */
    const struct job_filter *filter;
    const struct job_update *update; /* UPDATE */
    const struct store_note *notes;  /* NOTE */
    size_t note_count;
    struct job_keep keep; /* PRUNE */
    uint64_t after_id;    /* PRUNE: where the last one ended; 0: begin */
    const char *const
        *queues; /* STAGE: which of these have jobs to claim? QUEUE_FORGET, QUEUES (none: all) */
    size_t queue_count;
    bool deadlines;                  /* STAGE: deadline_ms is wanted */
    const struct store_queue *rules; /* QUEUE_SET */
    size_t rule_count;
    unsigned rule_fields; /* QUEUE_SET: of enum store_queue_field */
    unsigned crash_limit; /* RESCUE: after so many in a row a job is discarded; 0: never for that */
    const struct store_workflow *workflow; /* INSERT: the jobs are one; NULL: they are not */
    const struct store_batch *
        batch; /* BATCH; INSERT: it is made, or found by its name, and all of the jobs come into it */
    uint64_t flow;                     /* FLOW; CANCEL: all jobs of it */
    const char *flow_kind, *flow_name; /* FLOW, without `flow`: by these */
    struct store_leader
        leader; /* LEAD: lease_ms > 0: takes, or renews, if it may; 0: gives it back */
    const struct cron_entry *entries; /* CRON_PUT: all or none */
    size_t entry_count;
    const char *origin; /* CRON_PUT: other entries of this origin are deleted; NULL: none are */
    const struct store_ticks *ticks; /* CRON_TICK */
    size_t tick_count;
    const char *const *names; /* CRON_CHANGE */
    size_t name_count;
    enum cron_change cron_change;
};

struct store_reply {
    int err; /* 0 or negative errno of the operation itself (-EINVAL, -EIO, -ENOSPC, -EROFS, ...) */
    char why[160];  /* for people, when err */
    int64_t now_ms; /* the database's clock when it ran */
    uint64_t *ids;  /* INSERT: in the order of specs */
    size_t id_count;
    bool *conflicts;  /* INSERT: per spec; true: nothing came to be, the id is of whoever holds its
                        unique key. NULL: none */
    struct job *jobs; /* CLAIM, ACK: by (priority, scheduled_ms, id); GET, LIST: by id */
    size_t job_count;
    enum store_ack_result *acks; /* ACK: per ack */
    bool *renewed;               /* HEARTBEAT: per lease; NOTE: per note; false: it is lost */
    bool *ready;                 /* STAGE: per queue: there are jobs to claim */
    size_t
        changed; /* STAGE, CLAIM, ACK: now available; RESCUE: rescued + discarded; EXPIRE; RETRY, CANCEL, UPDATE, DELETE, PRUNE, QUEUE_SET, QUEUE_FORGET */
    int64_t
        next_ms; /* CLAIM, ACK, STAGE, RESCUE: until a job is due or a lease ends; EXPIRE: until a deadline; -1: none */
    int64_t
        deadline_ms; /* STAGE, if it is wanted: what EXPIRE would tell; 0: there is work for EXPIRE */
    struct store_lease
        *cut; /* CANCEL: what it ended while it ran (and perhaps some that did not) */
    size_t cut_count;
    uint64_t cuts;    /* STAGE: goes up when something is cancelled that runs, anywhere */
    uint64_t last_id; /* with a filter, and PRUNE: go on after this one, ... */
    bool more;        /* ... if there is more to look at */
    struct store_queue
        *rules; /* QUEUES (of the asked), STAGE (all), QUEUE_SET (as they are now): by name */
    size_t rule_count;
    int64_t
        hold_ms; /* CLAIM, ACK: a rate holds jobs back, which may be claimed that much later; 0: none does */
    uint64_t counts[JOB_STATE_COUNT]; /* STATS; FLOW: of its jobs */
    const char *
        *woken; /* queues in which jobs became available by the way: released, called back */
    size_t woken_count;
    struct store_flow *flow;      /* BATCH, FLOW, INSERT of a workflow; NULL: there is none */
    struct store_member *members; /* FLOW: by job, `limit` of them (0: all) */
    size_t member_count;
    struct store_edge *edges; /* FLOW: by child */
    size_t edge_count;
    struct store_called *called; /* FLOW: of a batch, the callbacks that it has */
    size_t called_count;
    bool leads;                 /* LEAD; next_ms: how long the lease still holds, whose ever */
    const char *leader_node;    /* LEAD: of who leads, or "" */
    struct cron_entry *entries; /* CRON_LIST: by name */
    size_t entry_count;
};

/* ---- an open database: implementations ---- */

struct telemetry;
struct store_db;

struct store_db_ops {
    /* Runs one request as one transaction; fills *reply from `heap`. Nothing is changed when reply->err is set. */
    void (*execute)(struct store_db *db, const struct store_request *request, struct heap *heap,
                    struct store_reply *reply);
    void (*close)(struct store_db *db);
};

/* The version of the tables that this program knows; every database counts the same steps. */
#define STORE_SCHEMA 1

struct store_db {
    const struct store_db_ops *ops;
    int schema_found; /* the version that was there when it was opened; 0: none. It is STORE_SCHEMA now */
};

static inline void store_execute(struct store_db *db, const struct store_request *request,
                                 struct heap *heap, struct store_reply *reply)
{
    db->ops->execute(db, request, heap, reply);
}

static inline void store_close(struct store_db *db)
{
    if (db)
        db->ops->close(db);
}

/* ---- how processes reach it ---- */

/* A call under way. Lives in its own heap, which outlives a process that dies while it is under way. */
struct store_call {
    struct work work;  /* run and done belong to the transport */
    struct heap *heap; /* of this call: request, reply and everything they point to */
    struct store *store;
    struct store_request request;
    struct store_reply reply;
    int transport_err; /* set by the transport: -ECONNRESET, -ECONNREFUSED: unknown outcome unless refused */
    struct store_call *next; /* for the transport: the call that waits behind this one */
};

struct store {
    /* Starts the call; later, on the loop, call->work.done(&call->work). Local: a worker thread runs
     * store_execute. In the world: perhaps over links. */
    void (*submit)(struct store *store, struct env *env, struct store_call *call);
    struct store_db *db;         /* of the local transport */
    int64_t deadline_ns;         /* of each call */
    struct telemetry *telemetry; /* NULL: nobody listens */

    /* Private to the local transport: calls in the order they came; the first one runs. */
    struct work work;
    struct env *env;
    struct store_call *first, **last;
};

/* The transport that runs the database in this process, through env_submit: one call at a time, first come, first
 * served. The store must not move, and must outlive every call under way. */
void store_local_init(struct store *store, struct store_db *db, int64_t deadline_ns);

/* Fields of `request` may point anywhere: they are copied into the call's heap first, which is a child of `parent`. */
struct store_call *store_call_new(struct store *store, struct heap *parent,
                                  const struct store_request *request);
void store_call_free(struct store_call *call);

/* Runs the request; parks the process. 0: *ret_call has the reply (free it with store_call_free, or leave it to the
 * process's heap), whose `err` is 0. Else a negative errno, and nothing to free: the outcome is unknown if
 * store_outcome_unknown() says so. A refusal of the database is logged with its reason. */
int store_call(struct proc *self, struct store *store, const struct store_request *request,
               struct store_call **ret_call);
bool store_outcome_unknown(
    int err); /* false only for 0 and for errors that are a clear no: -EINVAL, -EBUSY, ... */

struct job_spec job_spec_copy(struct heap *heap, const struct job_spec *spec); /* deep */
/* Deep copies, for transports. */
void store_request_copy(struct heap *heap, const struct store_request *from,
                        struct store_request *to);
void store_reply_copy(struct heap *heap, const struct store_request *request,
                      const struct store_reply *from, struct store_reply *to);

#endif
