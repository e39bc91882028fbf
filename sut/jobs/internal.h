/* internal.h: what the processes of the job system share. Nothing outside sut/jobs includes it.
 *
 * The table of slots is the one shared state. A slot is one of a queue's `limit` places:
 *
 *     free --start--> RUNS --time limit--> TIMED_OUT --+--the process is dead--> free
 *                      |  \-----------------------------+  (EXPIRED: the job's deadline)
 *                      \--lease lost, drain, queue died--> DROPPED (nothing is written) --dead-->
 * free
 *
 * If the code of the job runs in a thread or a child process, that may outlive the job's process: then the slot, instead of
 * being free, OVERRUNS until it returns, too.
 *
 * A slot stays taken until the job's process is really dead, whatever happened to the queue
 * meanwhile. So the limit holds over restarts, and what a slot owns outlives the process that reads
 * it. The slots are in the node's heap; if the node dies they are lost, and the leases bring the jobs
 * back. A slot that is free again is kept for the next job: a pointer to one never dangles.
 */
#ifndef SUT_JOBS_INTERNAL_H
#define SUT_JOBS_INTERNAL_H

#include "sut/jobs/cron_expression.h"
#include "sut/jobs/jobs.h"

#define QUEUE_LIMIT_MAX 100000
#define RESTS_PER_POLL  100 /* how short the pause between two looks for due jobs may be */
#define DUES_MAX        16 /* times that a queue keeps in mind; of more, it learns from the store */

enum jobs_message {
    MSG_POKE = MSG_USER, /* to a queue, the stager or the heartbeat: look again */
    MSG_OUTCOME, /* job to queue: struct job_outcome, and the text of its result behind it */
    MSG_TIMEOUT, /* timer to queue: proc_id of the job */
    MSG_DUE,     /* to a queue: int64_t (monotonic): a job of it falls due then */
    MSG_RENEWED, /* renewal to heartbeat: struct renewal */
    MSG_DRAIN,   /* driver to keeper */
    MSG_IDLE,    /* queue to keeper: nothing runs, nothing is to be written */
};

enum slot_fate { SLOT_RUNS, SLOT_TIMED_OUT, SLOT_EXPIRED, SLOT_DROPPED, SLOT_OVERRUNS };

struct slot {
    struct queue *queue;
    struct slot *prev,
        *next;       /* of those that the queue has taken, in that order; or the next spare */
    proc_id pid;     /* of the job's process; 0: the slot is free, and all below is zero */
    struct job *job; /* its own copy, one block in the node's heap */
    const struct worker *worker; /* NULL: unknown */
    int64_t held_ns;             /* monotonic: until then the lease is surely ours */
    unsigned limit;              /* of the queue, when the job was asked for */
    int64_t limit_ns;            /* of this attempt; 0: none */
    int64_t deadline_ns;         /* monotonic, if the job has a deadline */
    ref_id timer;                /* of the time limit; 0: none */
    enum slot_fate fate;
    bool started;     /* past the point job/perform/start */
    bool answered;    /* `outcome` has arrived */
    bool told;        /* to who listens: that it ended */
    int64_t began_ns; /* monotonic */
    struct job_outcome outcome;
    char *result; /* of the outcome, in the node's heap; NULL: none */
    struct outside
        *outside; /* its code in a thread or a child process; NULL: none, or it has returned */
};

/* A queue of this node, now or at some time: it is kept, since slots point to it.
 *
 *     starts --the supervisor's child--> runs --stopped, and nothing of it runs any more--> ended
 *       ^-----------------------------started again----------------------------------------/
 */
struct queue {
    struct jobs *jobs;
    struct queue *next; /* in the order in which this node came to know them */
    const char *name;
    unsigned configured_limit; /* 0: it is not configured here */
    int64_t ruled_limit;       /* what the store says; -1: nothing */
    int ruled_runs;            /* 1, 0, or -1: nothing */
    unsigned limit;            /* what comes of that */
    bool runs, paused;
    bool child;                     /* the supervisor has a child for it */
    bool ended;                     /* whose process ended in good order */
    unsigned running;               /* slots taken */
    struct slot *slots, *last_slot; /* those, in the order in which they were taken */
    struct slot *spare_slots;
    struct slot **by_pid; /* open addressing; NULL: nothing is there */
    size_t by_pid_size;   /* 0, or a power of two, at least twice as many as are in it */
    proc_id pid;          /* of the newest queue process */
    size_t ack_count;     /* outcomes not yet written */
    bool poked;           /* a MSG_POKE is in its mailbox */
};

/* Of who leads: leader.c. */
struct leader {
    char term[33]; /* random per start */
    int64_t lease_ms;
    int64_t until_ns; /* monotonic: it leads until then; 0: it does not */
    proc_id pid;
};

/* Of cron.c. */
struct cron {
    bool on;
    struct cron_entry *entries; /* copied; each has its zone */
    size_t entry_count;
    const char *origin;
    jobs_zone_read *zone_read;
    void *zone_ctx;
    struct cron_zone *zones; /* that were read */
    bool stale;              /* the entries are others than those that were put */
    int64_t started_ms;      /* of this node, by the database's clock; 0: not yet known */
    proc_id pid;
};

struct jobs {
    struct runtime *runtime;
    struct env *env;
    struct store *store;
    struct store_watch *watch; /* NULL: none */
    bool deaf;                 /* it fails */
    const struct worker *workers;
    size_t worker_count;
    struct worker fallback; /* perform NULL: none */
    int64_t lease_ms, lease_ns, poll_ns, grace_ns;
    unsigned crash_limit; /* 0: none */
    unsigned restarts;    /* of the tree's processes, within a minute */
    void (*on_giveup)(void *ctx);
    void *giveup_ctx;

    struct queue *queues;
    size_t queue_count;
    const char *node; /* what this node is called where something is said of its queues */
    proc_id keeper, supervisor, stager, heartbeat;
    uint64_t cuts; /* as the store told it last */
    bool cuts_known;
    struct job_keep keep;
    int64_t prune_ns;
    bool prunes;    /* there is a pruner */
    int64_t due_ns; /* monotonic: when the stager should look, if earlier than its poll; INT64_MAX:
                       nothing known */
    int64_t moved_ns; /* monotonic: when the stager went around last */
    int64_t look_ns,
        again_ns; /* monotonic: when it should look whatever it knows, and look again; INT64_MAX: never */
    int64_t expire_ns;  /* monotonic: when the stager looks at deadlines */
    bool overdue;       /* some have passed */
    uint64_t stale;     /* outcomes the store refused */
    uint64_t overruns;  /* threads that went on after their attempt */
    size_t overrunning; /* of them, those that still do */

    const struct key_ring *keys; /* NULL: none */
    struct telemetry *telemetry; /* NULL: nobody listens */
    struct leader leader;
    struct cron cron;

    bool draining; /* nothing is claimed or started any more */
    bool closing;  /* the grace is over: nothing is written any more */
    int64_t drain_ns;
    size_t left; /* jobs left to rescue because of the drain, whose slot is not taken any more */
    void (*drained)(void *ctx, size_t left);
    void *drained_ctx;
};

/* ---- slots.c ---- */

/* Takes a slot for the job, which is copied. */
struct slot *slot_take(struct queue *queue, const struct job *job, int64_t held_ns, unsigned limit);
void slot_begin(struct slot *slot, proc_id pid); /* the job's process is there */
void slot_clear(struct slot *slot);
/* Every taken slot of the node: the first, and the one behind `slot`; it may be cleared after the next one was asked for. */
struct slot *slots_first(const struct jobs *jobs);
struct slot *slots_next(const struct slot *slot);
/* When the job's process is dead: frees the slot, or lets it OVERRUN. */
void slot_leave(struct slot *slot, struct point_site *at);
void slot_returned(struct slot *slot);                  /* what it waited for in OVERRUNS came */
struct slot *slot_of(struct queue *queue, proc_id pid); /* NULL: none of them */
bool slot_running(const struct slot *slot);             /* RUNS, and the process is alive */

/* Kills the job of a taken slot, so that nothing will be written for it. True when that was news.
 */
bool slot_drop(struct slot *slot, struct point_site *at, const char *why);

/* ---- heartbeat.c ---- */

/* Kills a job that runs, if it still does: its lease is not ours any more. */
void slot_lose(struct proc *self, struct slot *slot, const char *why);
/* Renews all leases now: something may have been cancelled under us. */
void heartbeat_check(struct jobs *jobs);

/* ---- queue_rules.c ---- */

/* All that the store knows of queues: changes those that it concerns, and leaves the others as configured. */
void rules_apply(struct jobs *jobs, const struct store_queue *rules, size_t count);
struct queue *queue_new(struct jobs *jobs, const char *name, unsigned configured_limit);
void queue_settle(struct queue *queue); /* what comes of its configuration and of what is said */
/* Its process may end: it is stopped, and nothing is left to do. */
bool queue_over(const struct queue *queue);
struct child_spec queue_child(struct queue *queue, struct heap *heap);
/* From a process: has the supervisor start those that shall run and do not. */
void queues_start(struct proc *self, struct jobs *jobs);
/* How many more jobs the queue could take. */
size_t queue_room(const struct queue *queue);

/* ---- time_limit.c ---- */

struct queue_run;

/* When it must be over, by the reply that brought it: `db_now_ms` is the database's time, `now_ns` the monotonic one. */
void slot_limit(struct slot *slot, int64_t db_now_ms, int64_t now_ns);
void slot_timer(struct proc *self, struct slot *slot); /* sends MSG_TIMEOUT then, if ever */
int64_t slot_within_ms(const struct slot *slot, int64_t now_ns); /* until then; 0: no limit */
/* Is its deadline past by then (monotonic)? */
bool slot_expired(const struct slot *slot, int64_t then_ns);
void expire_trace(struct point_site *at, const struct slot *slot, const char *when);
void slot_time_out(struct queue_run *run, struct slot *slot);  /* its timer rang */
struct job_outcome slot_late_outcome(const struct slot *slot); /* TIMED_OUT, EXPIRED */

/* ---- outside.c ---- */

/* Runs the job of the slot in a thread or a child process; parks the process. */
struct job_outcome outside_run(struct proc *self, struct slot *slot);
bool outside_possible(const struct env *env, enum worker_mode mode);

/* ---- job_pack.c: a job as one block ---- */

size_t job_pack_size(const struct job *job);
/* Into `block`, aligned as a struct job; its texts point into the block. */
struct job *job_pack(void *block, const struct job *job);
/* A block that was moved, or came from another process. NULL: it is none. */
struct job *job_unpack(void *block, size_t size);

/* ---- jobs_seal.c: encrypted arguments ---- */

/* Specs whose arguments are encrypted where they are to be. */
struct sealed_specs {
    const struct job_spec *specs; /* those that were given, if nothing is to be encrypted */
    struct heap *heap;            /* of the copies: heap_free(); NULL: none */
};
/* 0, or -EINVAL, which is logged; then there is nothing to free. */
int jobs_seal(struct proc *self, struct jobs *jobs, const struct job_spec *specs, size_t count,
              struct sealed_specs *ret_sealed);
/* Opens the arguments of the slot's job, if they are encrypted. False, and says as an outcome why they cannot be. */
bool slot_open(struct proc *self, struct slot *slot, struct job_outcome *ret_outcome);

/* ---- job_telemetry.c: telling who listens ---- */

void slot_tell_start(struct proc *self, struct slot *slot);
void slot_tell_stop(struct proc *self, struct slot *slot, const struct job_outcome *outcome);
void slot_tell_death(struct proc *self, struct slot *slot, struct reason reason); /* if it began */
void queue_tell(struct proc *self, const struct queue *queue, enum telemetry_event event,
                const uint64_t *ids, size_t id_count);
void leader_tell(struct proc *self, const struct jobs *jobs, enum telemetry_event event,
                 const char *why);

/* ---- processes ---- */

void keeper_main(struct proc *self, void *jobs);    /* drain.c */
void heartbeat_main(struct proc *self, void *jobs); /* heartbeat.c */
void stager_main(struct proc *self, void *jobs);    /* stager.c */
bool pruner_wanted(const struct jobs *jobs);        /* anything is to be removed, ever; pruner.c */
struct child_spec pruner_child(struct jobs *jobs);
/* Starts it if it is wanted since a reload. */
void pruner_start(struct proc *self, struct jobs *jobs);
void queue_main(struct proc *self, void *queue);   /* queue.c */
void executor_main(struct proc *self, void *slot); /* executor.c */

void listener_main(struct proc *self, void *jobs); /* listener.c */
void leader_main(struct proc *self, void *jobs);   /* leader.c */
void cron_main(struct proc *self, void *jobs);     /* cron.c */

/* NULL, or what is wrong, in words, which may be in `why`. */
const char *cron_wrong(const struct jobs_config *config, char *why, size_t why_size);
void cron_copy(struct jobs *jobs, const struct cron_config *config);
/* Others, in place of those that are there. */
void cron_replace(struct jobs *jobs, const struct cron_config *config);
/* Of the configuration, what can change at any time. */
void jobs_settings(struct jobs *jobs, const struct jobs_config *config);
/* NULL, or what is wrong, in words, which may be in `why`: jobs.c. */
const char *jobs_config_wrong(const struct env *env, const struct jobs_config *config, char *why,
                              size_t why_size);
void cron_free(struct jobs *jobs);
void leader_init(struct jobs *jobs, int64_t lease_ms);

struct queue *queue_find(const struct jobs *jobs, const char *name); /* NULL: not here */
void queue_poke(struct queue *queue);
void jobs_poke_queue(struct jobs *jobs, const char *name); /* if it is one of this node */
/* A job was inserted; `now`: monotonic, `now_ms`: the database's clock. */
void spec_announce(struct jobs *jobs, const struct job_spec *spec, int64_t now, int64_t now_ms);
/* Pokes the queues here in which a request made jobs available by the way. */
void queues_woken(struct jobs *jobs, const struct store_reply *reply);
/* A job that this node knows of falls due after `delay_ms`: its queue asks for it then. */
void queue_hint(struct jobs *jobs, const char *queue, int64_t delay_ms, int64_t now);
/* By the monotonic clock: when it is due by the store's clock, too, which may go a little slower. */
int64_t due_after(const struct jobs *jobs, int64_t delay_ms, int64_t now);
void stager_hint(struct jobs *jobs, int64_t due_ns); /* something falls due then (monotonic) */
/* Others told of something: look then, and once more. */
void stager_look_at(struct jobs *jobs, int64_t look_ns, int64_t again_ns);
const struct worker *worker_find(const struct jobs *jobs, const char *name);

/* The prefix (of up to 11 characters) and the number behind it: for each job, where printf() is a good part of the cost. */
void text_number(char out[static 32], const char *prefix, uint64_t number);
/* `ns` give or take a quarter, evenly. */
int64_t jobs_jitter(struct env *env, int64_t ns);

/* ---- a queue process's own state: queue.c and exchange.c ---- */

struct queue_run {
    struct proc *self;
    struct queue *queue;
    struct jobs *jobs;
    uint64_t *orphans; /* jobs that it had to leave, if anybody wants to know */
    size_t orphan_count;
    char owner[JOB_QUEUE_MAX + 96]; /* random per start */
    struct store_ack *acks; /* queue->ack_count of them; in the process's heap, as their texts */
    size_t ack_room;
    unsigned asked_limit;   /* the queue's limit when it asked for jobs last */
    int64_t look_ns;        /* look for work then; INT64_MAX: when poked */
    int64_t dues[DUES_MAX]; /* when jobs of this queue fall due, as far as it knows; ascending */
    size_t due_count;
    bool dues_forgotten; /* there were more: the store says when the next is due */
    int64_t staged_ns;   /* when it last looked for due jobs */
    int64_t retry_ns;    /* no call before */
    unsigned failures;   /* of calls, in a row */
};

/* A job of this queue falls due then, by the monotonic clock. */
void due_keep(struct queue_run *run, int64_t due_ns);
/* When to ask for due jobs; INT64_MAX: none is known. */
int64_t due_next(const struct queue_run *run);

/* The job of this slot is over: keeps what is to be written. The slot is still taken. */
void ack_add(struct queue_run *run, const struct slot *slot, const struct job_outcome *outcome);

/* One call to the store: writes what is to be written, claims for what is free, starts what was
 * claimed. */
void queue_exchange(struct queue_run *run);

/* Starts a job that was claimed; its lease is surely held until then (monotonic). */
void job_start(struct queue_run *run, const struct job *job, int64_t held_ns, int64_t db_now_ms);
/* What a message to the queue process says: what ended, what is due. */
void queue_handle(struct queue_run *run, const struct message *message);

#endif
