/* adapter.h: the parts of the adapter that puts the job system into the world.
 *
 *   clients   ask for the jobs of the plan and remember what they were told      client.c, workload.c
 *   app nodes run the job system: runtime, queues, workers                       app.c, ../host.c
 *   database  SQLite on a disk: on the app node itself, or on a node of its own  database.c, database_file.c
 *   upstream  the service that jobs call; makes effects, fails as it likes       upstream.c
 *   admin     pauses queues, limits them, and takes it back                      admin.c
 *   cron      entries that are due every few minutes, beside the plan             cron.c
 *   ledger    follows the events, to know what is still pending                  ledger.c
 */
#ifndef SCENARIOS_JOBS_ADAPTER_H
#define SCENARIOS_JOBS_ADAPTER_H

#include "harness/system.h"
#include "harness/world/disk.h"
#include "harness/world/world.h"
#include "scenarios/draws.h"
#include "scenarios/host.h"
#include "sut/jobs/jobs.h"
#include "sut/jobs/unique.h"
#include "sut/store/sqlite.h"

/* The workload's parameters. X(ENUM, name, type, fallback lo, hi, min, max, about) */
#define WORKLOAD_PARAMS(X)                                                                         \
    X(JOBS, "jobs", COUNT, 50, 50, 1, 100000, "how many jobs are asked for")                       \
    X(QUEUES, "queues", COUNTS, 0, 0, 1, 1000, "queue names and their limits; default: 10")        \
    X(OVER, "over", DURATION, 0, 20 * S, 0, 24 * H, "how long the asking takes")                   \
    X(WORK, "work", DURATION, 5 * MS, 2 * S, 0, H, "how long a run of a job takes")                \
    X(DELAYED, "delayed", PERCENT, 1000, 1000, 0, 10000, "jobs scheduled for later")               \
    X(DELAY, "delay", DURATION, 1 * S, 60 * S, MS, 24 * H, "how much later")                       \
    X(RETRYABLE, "retryable", PERCENT, 1000, 1000, 0, 10000, "jobs that fail once or twice")       \
    X(CRASHING, "crashing", PERCENT, 500, 500, 0, 10000, "jobs that crash once")                   \
    X(HOPELESS, "hopeless", PERCENT, 200, 200, 0, 10000, "jobs that fail for ever")                \
    X(SNOOZING, "snoozing", PERCENT, 300, 300, 0, 10000, "jobs that snooze once or twice")         \
    X(CANCELLING, "cancelling", PERCENT, 200, 200, 0, 10000, "jobs that cancel themselves")        \
    X(DISCARDING, "discarding", PERCENT, 200, 200, 0, 10000, "jobs that discard themselves")       \
    X(IDEMPOTENT, "idempotent", PERCENT, 5000, 5000, 0, 10000, "jobs with an idempotency key")     \
    X(ATTEMPTS, "attempts", COUNT, 4, 6, 1, 20, "max_attempts")                                    \
    X(BULK, "bulk", COUNT, 1, 5, 1, 100, "jobs per insert")                                        \
    X(TRANSACTIONS, "transactions", PERCENT, 1000, 1000, 0, 10000,                                 \
      "inserts that share a transaction with the caller's own statements")                         \
    X(ROLLED_BACK, "rolled back", PERCENT, 0, 0, 0, 10000, "inserts whose transaction must fail")  \
    X(QUEUE_CHANGES, "queue changes", COUNT, 0, 0, 0, 1000,                                        \
      "how often somebody pauses a queue, resumes it, or sets a limit or a rate")                  \
    X(PARTS, "parts", COUNT, 0, 0, 0, 1000, "parts that jobs belong to, or to none")               \
    X(TIMEOUT, "timeout", DURATION, 0, 0, 0, H, "time limit of a run; 0s: none")                   \
    X(POISONOUS, "poisonous", PERCENT, 0, 0, 0, 10000,                                             \
      "jobs that take down the node that runs them")                                               \
    X(LIMITED, "limited", PERCENT, 0, 0, 0, 10000, "jobs with a time limit of their own, 1s..20s") \
    X(MORTAL, "mortal", PERCENT, 0, 0, 0, 10000,                                                   \
      "jobs with a deadline, 1s..2m after they are due")                                           \
    X(THREADED, "threaded", PERCENT, 0, 0, 0, 10000, "jobs whose code blocks a thread")            \
    X(STUBBORN, "stubborn", PERCENT, 5000, 5000, 0, 10000,                                         \
      "of these, those that do not look whether they are cancelled")                               \
    X(UNIQUE, "unique", PERCENT, 0, 0, 0, 10000, "jobs of which there is one at a time")           \
    X(UNIQUE_KEYS, "unique keys", COUNT, 3, 3, 1, 1000, "how many different ones there are")       \
    X(UNIQUE_FOR, "unique for", DURATION, 0, 0, 0, 24 * H,                                         \
      "how long they keep others off; 0s: for ever")                                               \
    X(PRIORITIES, "priorities", COUNT, 0, 0, 0, 9, "the last of the priorities that jobs have")    \
    X(AGEING, "ageing", DURATION, 0, 0, 0, 24 * H,                                                 \
      "how long a job waits to count as if it had the priority before; 0s: strictly by priority")  \
    X(CHAINED, "chained", PERCENT, 0, 0, 0, 10000, "jobs that are in a chain")                     \
    X(CHAINS, "chains", COUNT, 3, 3, 1, 1000, "how many chains there are")                         \
    X(HOLDING, "holding", PERCENT, 0, 0, 0, 10000,                                                 \
      "jobs that others of their chain or workflow wait for, should they fail, until they are "    \
      "gone")                                                                                      \
    X(WORKFLOWS, "workflows", PERCENT, 0, 0, 0, 10000,                                             \
      "inserts that are a workflow, each job waiting for some before it")                          \
    X(BATCHES, "batches", PERCENT, 0, 0, 0, 10000,                                                 \
      "inserts that are a batch, the last of whose jobs is called back")                           \
    X(LEASE, "lease", DURATION, 30 * S, 30 * S, S, H, "how long a lease holds")                    \
    X(POLL, "poll", DURATION, 2 * S, 2 * S, 10 * MS, H, "how often nodes look for work")           \
    X(GRACE, "grace", DURATION, 15 * S, 15 * S, 0, H, "how long a drain may take")                 \
    X(RESTARTS, "restarts", COUNT, 20, 20, 1, 1000, "of a node's processes, within a minute")      \
    X(CRON, "cron", COUNT, 0, 0, 0, 20, "cron entries, each due every few minutes")                \
    X(FRESH, "fresh", PERCENT, 1000, 1000, 0, 10000,                                               \
      "runs that begin without a database: the first node to open it makes it")                    \
    X(DEADLINE, "deadline", DURATION, 5 * S, 5 * S, 10 * MS, H, "of each call to the store")       \
    X(BY_HAND, "by hand", PERCENT, 0, 0, 0, 10000,                                                 \
      "jobs that somebody cancels, retries, updates or deletes")                                   \
    X(BY_HAND_AFTER, "by hand after", DURATION, 0, 60 * S, 0, 24 * H,                              \
      "how long after they were asked for")                                                        \
    X(BY_FILTER, "by filter", PERCENT, 0, 0, 0, 10000,                                             \
      "of them, those that are found by what their arguments contain, not by their id")            \
    X(CHECKPOINTS, "checkpoints", PERCENT, 0, 0, 0, 10000,                                         \
      "jobs that leave a checkpoint in each run, and a result at the end")                         \
    X(LISTENERS, "listeners", PERCENT, 0, 0, 0, 10000,                                             \
      "runs in which nodes have listeners, some of which fail")                                    \
    X(ENCRYPTED, "encrypted", PERCENT, 0, 0, 0, 10000,                                             \
      "jobs with encrypted arguments, but for unique ones")                                        \
    X(KEEP, "keep", DURATION, 0, 0, 0, 24 * H, "how long jobs are kept that ended; 0s: for ever")

/* What the upstream service does wrong, until the world is healed: X(ENUM, name, about) */
#define UPSTREAM_WRONGS(X)                                                                         \
    X(UP_FAILS, "upstream fails", "answers 5xx, before any effect")                                \
    X(UP_THROTTLES, "upstream throttles", "answers 429, with Retry-After")                         \
    X(UP_HALF, "upstream half fails", "answers 500 after the effect")                              \
    X(UP_LATE, "upstream late", "answers after the caller gave up")                                \
    X(UP_NEVER, "upstream never", "never answers")                                                 \
    X(UP_REFUSES, "upstream refuses", "answers 422: it never will")                                \
    X(UP_SLOW, "upstream slow", "answers after some seconds")                                      \
    X(UP_GARBLES, "upstream garbles", "answers 200 with a body that is none, and no effect")

#define CRON_MOST 20
#define CRON_ARGS "{\"tick\":1}"

enum workload_param {
#define X(e, ...) W_##e,
    WORKLOAD_PARAMS(X) UPSTREAM_WRONGS(X)
#undef X
        W_COUNT
};

extern const struct param_spec workload_params[W_COUNT];

struct adapter;

/* ---- the plan: what clients will ask for, drawn once ---- */

enum item_state { ITEM_PLANNED, ITEM_CALLING, ITEM_OK, ITEM_FAILED, ITEM_UNKNOWN };

enum item_flow { ITEM_ALONE, ITEM_STEP, ITEM_IN_BATCH };
enum deed { DEED_NONE, DEED_CANCEL, DEED_RETRY, DEED_UPDATE, DEED_DELETE, DEED_COUNT };

struct item {     /* one job */
    uint64_t key; /* 1, 2, ...: its index + 1 */
    uint64_t job; /* its id, once acknowledged */
    enum item_state state;
    unsigned node;  /* index of the app node whose client asks for it */
    unsigned group; /* items of one group are inserted together */
    int64_t at_ns;  /* when, after the start */
    const char *queue;
    int64_t delay_ms;
    int64_t work_ns;
    unsigned max_attempts;
    unsigned failures; /* attempts that fail before one succeeds; UINT_MAX: all */
    unsigned crashes;  /* attempts that crash, before the failures */
    unsigned snoozes;
    int64_t snooze_s;
    enum outcome_kind end; /* JOB_OK, JOB_CANCEL, JOB_DISCARD */
    bool idempotent;
    bool in_transaction, rolled_back;
    bool threaded, stubborn, poisonous;
    int64_t timeout_ms, within_ms;
    unsigned priority;
    bool placed; /* its priority matters */
    bool checkpoints, encrypted;
    enum deed deed; /* by hand */
    bool by_filter;
    int64_t deed_ns; /* when, after the start */
    enum item_state deed_state;
    unsigned unique; /* 1, 2, ...: there is one of these at a time; 0: it is not unique */
    struct job_unique uniqueness;
    unsigned chain;              /* 1, 2, ...; 0: none */
    enum item_flow flow;         /* of its group */
    uint64_t deps;               /* bits: of the items before it in its group, the nearest first */
    enum flow_reaction reaction; /* to each end of these that is not ok */
    enum flow_event event;       /* the last of a batch: what it is called back for */
    char args[64];               /* {"key":17} */
    char part[32];               /* "": none */
};

struct workload {
    struct item *items;
    size_t count;
    size_t open; /* items PLANNED or CALLING, and deeds */
};

void workload_draw(struct adapter *adapter);
void workload_done(struct workload *workload);
struct item *workload_find(struct workload *workload, uint64_t key); /* NULL if there is none */
uint64_t key_of_args(const char *args);                              /* 0 if it is not ours */
/* Of those that a database keeps, which may be encrypted. */
uint64_t key_of_kept(const struct adapter *adapter, const char *args);

/* The main of who looks after jobs; arg: struct app *. */
void hand_main(struct proc *self, void *arg);

/* ---- the admin ---- */

struct admin {
    struct saying *sayings; /* by time */
    size_t count, said;
    bool open; /* something was said that is not taken back yet */
};

void admin_draw(struct adapter *adapter);
void admin_done(struct admin *admin);
void admin_main(struct proc *self, void *arg); /* arg: struct app * */

/* ---- nodes ---- */

struct database {
    struct adapter *adapter;
    struct node *node; /* its own; NULL when embedded in the only app node */
    struct disk *disk;
    struct env env;      /* of its own node */
    struct store_db *db; /* open, while the node is up */
    struct work_desk desk;
    uint64_t works;
    struct heap *trips; /* calls under way over links */
};

struct fragile_listener {
    struct app *app;
    uint64_t number;
    unsigned left; /* events, until it fails */
    bool exits;
};

struct app {
    struct host host;
    struct adapter *adapter;
    unsigned index;
    struct store store;
    struct store_db *db; /* embedded */
    struct jobs *jobs;
    struct telemetry telemetry; /* who listens: listener.c */
    struct fragile_listener fragile[2];
    proc_id clients; /* the top of their tree: the watch over their supervisor */
};

/* As code does that ruins its process: the node dies at once, and its init system boots it again. The caller waits for it. */
void app_ruin(struct app *app);

enum upstream_wrong {
#define X(e, ...) WRONG_##e,
    UPSTREAM_WRONGS(X)
#undef X
        WRONG_COUNT
};

struct upstream {
    struct adapter *adapter;
    struct node *node;
    int64_t shares[WRONG_COUNT]; /* in this run, in hundredths of a percent */
    uint64_t wrongs[WRONG_COUNT];
    struct effect *effects; /* by idempotency key */
    uint64_t *requests;     /* per item: how often it was asked */
    struct mail *mails;     /* calls under way */
};

/* ---- the ledger ---- */

struct ledger {
    unsigned char *states; /* by job id; 255: none */
    size_t size;
    size_t counts[JOB_STATE_COUNT];
    size_t open;       /* the sum of those that are not final: it is asked for at each step */
    int64_t ticked_ns; /* when a cron entry was done with last */
    bool
        doubtful; /* a disk failed: what really is in the database must be looked up, after healing */
};

void ledger_event(void *ledger, const struct event *event);      /* a trace listener */
size_t ledger_open(const struct ledger *ledger);                 /* jobs that are not final */
void ledger_set(struct ledger *ledger, uint64_t job, int state); /* -1: gone */
bool ledger_text(const struct ledger *ledger, char *text, size_t size); /* false: nothing open */
void ledger_done(struct ledger *ledger);

struct adapter {
    struct world *world;
    const struct scenario *scenario;
    struct draws draws;
    int64_t start_ns;
    struct workload workload;
    struct admin admin;
    struct app *apps;
    unsigned app_count;
    struct database database;
    struct upstream upstream;
    struct ledger ledger;
    bool destroyed; /* the database, by a disk that lied */
    int64_t checked_ns;
    struct queue_config *queues;
    size_t queue_count;
    struct worker workers[3]; /* in a fiber, in a thread, of cron entries */
    bool listened;            /* to all nodes */
    uint64_t listeners;       /* fragile ones, so far */
    struct key_ring keys[2];  /* the same keys; each other node seals with the other one */
    struct cron_entry cron_entries[CRON_MOST];
    struct cron_config cron; /* entry_count 0: there is no cron */
    int64_t healed_ns;       /* 0: not yet */
};

void listeners_attach(struct app *app);

void app_init(struct app *app, struct adapter *adapter, unsigned index);

void database_init(struct database *database, struct adapter *adapter);
void database_done(struct database *database);
struct store_db *database_open(struct database *database, struct env *env, struct node *node);
void database_connect(struct app *app); /* sets app->store to the transport over links */

/* ---- its file: database_file.c ---- */

#define DATABASE_FILE "jobs.db"
#define DATABASE_PAGE_BYTES                                                                        \
    512 /* small, so that few jobs are many pages: trees grow, and a transaction can tear */

struct sqlite3;

/* Puts an empty database onto the disk, as a node makes it that finds none. */
void database_install(struct disk *disk);
/* Makes the tables of the application beside those of the store, where they are missing. False: it cannot. */
bool database_complete(struct sqlite3 *conn);
/* Does the database say that it is damaged? Asks its own integrity check, past the system. */
bool database_damaged(struct database *database);
/* All rows, read past the system: id, state, attempts and arguments. Calls fn for each. false: it cannot be read. */
bool database_rows(struct database *database, void (*fn)(void *ctx, const struct job *job),
                   void *ctx);

/* The main of a client process; arg: struct app *. */
void client_main(struct proc *self, void *arg);
/* The functions of all jobs; ctx: struct adapter *. */
struct job_outcome work_perform(struct proc *self, const struct job *job, void *ctx);
struct job_outcome work_block(const struct job *job, struct job_control *control, void *ctx);

/* cron.c */
void cron_choose(struct adapter *adapter);
/* "cron: nothing was due ..."; false: it goes on, or there is none. */
bool cron_pending(struct adapter *adapter, char *text, size_t size);

void upstream_init(struct upstream *upstream, struct adapter *adapter);
void upstream_done(struct upstream *upstream);
uint64_t upstream_went_wrong(const struct upstream *upstream, size_t param); /* how often */

struct upstream_reply {
    int status;            /* 2xx, 4xx, 5xx, or a negative errno */
    bool garbled;          /* the body is not what it should be: a proxy's page, perhaps */
    int64_t retry_after_s; /* of a 429 */
};

/* Calls the service from a job's process. */
struct upstream_reply upstream_call(struct proc *self, struct app *app, uint64_t key,
                                    unsigned attempt, const char *idempotency_key);
/* The same by another way, from a thread: no network, no process. */
struct upstream_reply upstream_ask(struct upstream *upstream, struct job_control *control,
                                   uint64_t key, unsigned attempt, const char *idempotency_key);
struct app *app_of(struct proc *self);

#endif
