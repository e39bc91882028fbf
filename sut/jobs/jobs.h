/* jobs.h: the job system on a node: queues that claim and run jobs under supervision, and the housekeeping.
 *
 *   jobs supervisor (one_for_one)
 *   +- heartbeat     renews the leases of everything that runs here; kills what lost its lease
 *   +- stager        makes due jobs available, rescues jobs whose lease ran out
 *   +- leader        holds or tries for the lease of who leads; only where there is cron
 *   +- cron          where it leads: inserts the jobs of cron entries that are due
 *   +- queue NAME    claims up to its limit, starts one process per job, writes outcomes (batched, fused with the next claim)
 *      +- job        runs the worker's function; linked to nothing that matters but its queue; its crash is its outcome
 *
 * A queue process that dies takes its running jobs with it (they are linked to it); the supervisor starts it afresh, and the
 * jobs come back when their leases run out. Drain: queues claim nothing more, running jobs may end within the grace, the
 * rest is killed and left to rescue.
 */
#ifndef SUT_JOBS_H
#define SUT_JOBS_H

#include "sut/jobs/cron.h"
#include "sut/jobs/job.h"
#include "sut/jobs/sealed.h"
#include "sut/runtime/supervisor.h"
#include "sut/store/store.h"
#include "sut/telemetry.h"

/* Runs one attempt of a job. Returning is the outcome; proc_exit or a crash is an error outcome. */
typedef struct job_outcome job_perform(struct proc *self, const struct job *job, void *ctx);

/* The same for code that blocks, outside of the loop: in a thread, or in a child process. It must not touch the runtime, the
 * jobs system or the node's memory, and returns its outcome: nothing else ends it calmly. */
struct job_control;
typedef struct job_outcome job_blocking(const struct job *job, struct job_control *control,
                                        void *ctx);

/* For job_blocking. Is this attempt over already (time limit, lease lost, grace over), so that nothing it returns will count?
 * In a child process always false: there the process is killed. */
bool job_cancelled(const struct job_control *control);
/* Sleeps for `ns`, or until it is cancelled; false: it is. */
bool job_nap(struct job_control *control, int64_t ns);
struct point_site *job_site(struct job_control *control); /* for trace points of its own */

/* Where a worker's jobs run.
 *   IN_FIBER   perform(), in a process of the runtime. Must not block.
 *   IN_THREAD  blocking(), in a thread. A thread cannot be killed: one that goes on after its attempt is over keeps its place in
 *              the queue until it returns, and perhaps works on while the job runs again elsewhere. That is counted
 *              (jobs_overrun_count). A crash is the crash of the whole program.
 *   IN_CHILD   blocking(), in a child process. Whatever happens there, crash, abort, exit, too much memory, or SIGKILL at the
 *              time limit, costs one attempt and nothing else. Effects on memory are lost; what it can give back is its outcome. */
enum worker_mode { IN_FIBER, IN_THREAD, IN_CHILD };

struct worker {
    const char *name;
    job_perform *perform; /* IN_FIBER */
    void *ctx;
    int64_t
        timeout_ns; /* of jobs that have none of their own; 0: none. Then the attempt is killed and counts as an error. */
    int64_t (*backoff_s)(const struct job *job, uint64_t entropy); /* NULL: job_backoff_s */
    enum worker_mode mode;
    job_blocking *blocking; /* IN_THREAD, IN_CHILD */
    uint64_t memory_max;    /* IN_CHILD: bytes of address space; 0: no limit */
    int64_t patience_ns;    /* perform() sees to the time limit by itself (job_time_limit_ns); it is
                               killed only so much later */
};

struct queue_config {
    const char *name;
    unsigned limit; /* jobs at once, > 0 */
};

#define JOBS_NEVER ((unsigned)-1)
/* The bytes of a zone's TZif file into `out`: how many, or a negative errno (-ENOENT: there is no such zone). zone_file_read()
 * reads those of tzdata. */
typedef long jobs_zone_read(void *ctx, const char *name, unsigned char *out, size_t room);

struct cron_config {
    const struct cron_entry *entries;
    size_t entry_count;
    /* Entries that were put under this name and are not there any more are deleted at start. Nodes with the same entries share one.
     * NULL: "config". */
    const char *origin;
    const char *zone;          /* of entries that name none; NULL: UTC */
    jobs_zone_read *zone_read; /* NULL: only UTC and POSIX rules are known */
    void *zone_ctx;
    int64_t lease_ms; /* of who leads; 0: 30,000. Renewed at half of it. */
};

struct jobs_config {
    struct store *store;
    /* Tells what other processes do to that store; NULL: it is found by polling. Outlives the system. One that does not end by a
     * drain must be interrupted (store_watch_interrupt) before its threads are waited for. */
    struct store_watch *watch;
    const char *
        node; /* what it is called where something is said of its queues; NULL: as its environment is */
    const struct queue_config *queues;
    size_t queue_count;
    const struct worker *workers; /* must outlive the jobs system */
    size_t worker_count;
    job_perform *fallback; /* for worker names not in the table; NULL: that is an error outcome */
    void *fallback_ctx;
    int64_t fallback_timeout_ns, fallback_patience_ns;
    int64_t lease_ms; /* 0: 12,000. Renewed every third of it. */
    int64_t
        poll_ns; /* 0: 1 s. The node looks for jobs that are due or ready at least that often. */
    int64_t grace_ns; /* 0: 15 s, of a drain */
    /* A job whose lease ran out so many times in a row, because what ran it died or stood still, is discarded: it may be the cause.
     * 0: 3; JOBS_NEVER: it has all of its attempts. */
    unsigned crash_limit;
    struct job_keep keep; /* what is removed, and when; zeroed: nothing ever */
    int64_t prune_ns;     /* 0: 60 s. How often what is old is looked for. */
    unsigned
        restarts; /* 0: 20. Of the processes of the tree, within a minute; one more, and it gives up. */
    void (*on_giveup)(
        void *
            ctx); /* the supervisor gave up (too many restarts): nothing works here any more. May be NULL. */
    void *giveup_ctx;
    const struct cron_config *cron; /* NULL: this node never leads, and inserts no ticks */
    struct telemetry *telemetry;    /* who listens; must outlive the jobs system; NULL: nobody */
    const struct key_ring
        *keys; /* of encrypted arguments (sealed.h); must outlive the jobs system; NULL: none */
};

struct jobs; /* a running system on one node */

/* Starts the supervision tree in `runtime`. Everything is copied but workers and store. NULL with a sentence. */
struct jobs *jobs_start(struct runtime *runtime, const struct jobs_config *config, char *why,
                        size_t why_size);

/* The process at the top of the tree. Without it nobody drains, and nobody notices that the tree gave up: whoever
 * embeds the system treats its death as the end of the whole program. */
proc_id jobs_root(const struct jobs *jobs);

/* Inserts; wakes local queues. 0 and *ret_ids (spec_count of them), or a negative errno as store_call. tx_sql may be NULL.
 * ret_conflicts, if not NULL, likewise: true for a unique job that was not inserted, because the one of that id holds its key. */
int jobs_insert(struct proc *self, struct jobs *jobs, const struct job_spec *specs, size_t count,
                const char *tx_sql, uint64_t *ret_ids, bool *ret_conflicts);

/* As many as there are: inserts what next() gives, until it says false, in chunks of JOBS_CHUNK, each of them one transaction. What a
 * spec points to may change at the next call of next(), which runs in the calling process and must not park it. If a chunk
 * fails, those before it stay, and *ret_inserted (may be NULL) says how many jobs came to be; those that met the holder of their
 * unique key are not counted. */
#define JOBS_CHUNK 1000
typedef bool job_next(void *ctx, struct job_spec *ret_spec);
int jobs_insert_from(struct proc *self, struct jobs *jobs, job_next *next, void *ctx,
                     uint64_t *ret_inserted);

/* Begins a graceful drain; done(ctx, left) is called on the loop when nothing runs any more or the grace is over; left:
 * how many jobs had to be left to rescue. From the driver, not from a process. Repeated calls do nothing. Over at the
 * latest when the grace and the store's deadline have passed. `done` is called from within runtime_run(): it must not
 * free the runtime. */
void jobs_drain(struct jobs *jobs, void (*done)(void *ctx, size_t left), void *ctx);

/* Takes another configuration while it runs, from the driver, if there is nothing wrong with it: false with a sentence, and nothing
 * has changed. Queues begin, end (what runs may end), or have another limit; cron entries are put in place of those of before;
 * poll, grace, how long what is over is kept, the keys, the crash limit and the fallback's time limits hold from now
 * on. All else stays as it was: the store, the node, workers, the lease, whose cron entries these are. */
bool jobs_reload(struct jobs *jobs, const struct jobs_config *config, char *why, size_t why_size);

/* By the monotonic clock: when the housekeeping went around last. It does so with every poll, or when the store has not answered
 * in time: what is much older says that nothing moves here any more. */
int64_t jobs_moved_ns(const struct jobs *jobs);

/* Looks for work now (another process may have inserted some). From anywhere on the loop. */
void jobs_poke(struct jobs *jobs);

/* How many threads went on after their attempt was over, since the start; *ret_now (may be NULL): how many still do. */
uint64_t jobs_overrun_count(const struct jobs *jobs, size_t *ret_now);

/* Says something of queues, on all nodes or one of them, and for good: it is kept in the store, and holds from the moment the
 * store has answered. `fields`: enum store_queue_field, which of the rules' fields are changed. A queue that nobody has configured
 * may be spoken of, too. 0, or a negative errno as store_call.
 * Started (QUEUE_RUNS): nodes begin to run it with their next look, where it is not configured with as many jobs at once as is
 * said, or QUEUE_LIMIT_STARTED. Stopped: nothing of it is claimed any more; what runs may end. Both may be repeated. */
#define QUEUE_LIMIT_STARTED 10
int jobs_queues_set(struct proc *self, struct jobs *jobs, const struct store_queue *rules,
                    size_t count, unsigned fields);
/* Takes back all that was said of them. */
int jobs_queues_forget(struct proc *self, struct jobs *jobs, const char *const *names,
                       size_t count);

/* What this node is called in store_queue.node. */
const char *jobs_node(const struct jobs *jobs);

/* What a queue of this node is doing. */
struct queue_status {
    const char *name;
    unsigned limit, running;
    bool paused;
};

/* The jobs that it runs, in the order of their start: how many there are, and the first `room` of them. */
size_t jobs_queue_running(const struct jobs *jobs, const char *name, uint64_t *ret_ids,
                          size_t room);
/* False: there is no such queue here, or it was stopped. */
bool jobs_queue_check(const struct jobs *jobs, const char *name, struct queue_status *ret_status);

/* ---- by hand (control.c): from processes; all park. 0, or a negative errno as store_call ---- */

/* Which jobs: these, or those that the filter lets through. */
struct job_choice {
    const uint64_t *ids;
    size_t count;
    const struct job_filter *filter; /* NULL: the ids */
};

/* How many they changed. By a filter it takes as many short transactions as there are thousands of jobs; if one of them fails, what
 * those before it changed stays, and is counted. Cancel: what is not over; one that runs here is killed at once, one that runs
 * elsewhere when its node looks next (poll_ns). Retry: what is over, or waits for its time. Delete: what does not run. Update: see
 * struct job_update. */
int jobs_cancel(struct proc *self, struct jobs *jobs, const struct job_choice *which,
                uint64_t *ret_changed);
int jobs_retry(struct proc *self, struct jobs *jobs, const struct job_choice *which,
               uint64_t *ret_changed);
int jobs_delete(struct proc *self, struct jobs *jobs, const struct job_choice *which,
                uint64_t *ret_changed);
int jobs_update(struct proc *self, struct jobs *jobs, const struct job_choice *which,
                const struct job_update *update, uint64_t *ret_changed);

/* Reads the job, lets revise() say what becomes of it (false: nothing), and writes it if nobody else updated it meanwhile; else
 * again, 20 times. -ENOENT: there is no such job. -EAGAIN: others were faster each time, or it is in no state for it. */
typedef bool job_revise(const struct job *job, struct job_update *update, void *ctx);
int jobs_update_with(struct proc *self, struct jobs *jobs, uint64_t id, job_revise *revise,
                     void *ctx);

/* All of the job, in the process's heap. -ENOENT: there is none. */
int jobs_get(struct proc *self, struct jobs *jobs, uint64_t id, const struct job **ret_job);
/* By id, `limit` at most: (*ret_call)->reply.jobs; free it with store_call_free(). The next page: after_id in the filter.
 * NULL: all. */
int jobs_list(struct proc *self, struct jobs *jobs, const struct job_filter *filter, size_t limit,
              struct store_call **ret_call);
/* By state. Reads the whole table. */
int jobs_count(struct proc *self, struct jobs *jobs, const struct job_filter *filter,
               uint64_t ret_counts[static JOB_STATE_COUNT]);

/* Waits until the job is over, wherever it runs, and gives all of it, with its result. -ETIMEDOUT: it is not over yet; -ENOENT: there is
 * none (any more). A store that does not answer is asked again, until the time is up. */
int jobs_await(struct proc *self, struct jobs *jobs, uint64_t id, int64_t timeout_ns,
               const struct job **ret_job);

/* ---- for job code, in its own process; -ESTALE: its lease is over, and it will be killed ---- */

/* What others are shown: percent, up to 100, and a text of up to JOB_NOTE_MAX bytes, or NULL. */
int jobs_progress(struct proc *self, struct jobs *jobs, const struct job *job, unsigned percent,
                  const char *text);
/* Kept for the next attempt of this job, if there is one (job->checkpoint), in place of the one before: JSON of up to
 * JOB_CHECKPOINT_MAX bytes. Once this has returned 0, no later attempt sees an older one. */
int jobs_checkpoint(struct proc *self, struct jobs *jobs, const struct job *job, const char *json);

/* How many outcomes the store refused, because the job's lease was over. Since the start. */
uint64_t jobs_stale_count(const struct jobs *jobs);

/* For the driver, in the child process of a job: runs what `input` (aligned as for malloc) says with the worker of that name, and
 * puts the outcome into `answer`. Returns its size; 0: the input makes no sense. */
size_t jobs_child_run(struct env *env, const struct worker *workers, size_t count, void *input,
                      size_t size, unsigned char answer[static CHILD_ANSWER_MAX]);
/* Does this node lead? Only as long as its lease surely holds, by the monotonic clock. */
bool jobs_leads(const struct jobs *jobs);

/* Puts entries, as with jobctl; pauses, resumes or deletes one. 0 and how many it changed (may be NULL), or a negative errno as
 * store_call. Whoever leads sees it within a minute: before the next tick. */
int jobs_cron_put(struct proc *self, struct jobs *jobs, const struct cron_entry *entries,
                  size_t count, size_t *ret_changed);
int jobs_cron_change(struct proc *self, struct jobs *jobs, enum cron_change change,
                     const char *name, size_t *ret_changed);

/* How long one attempt of this job may take: its own limit, or its worker's; 0: as long as it likes. */
int64_t job_time_limit_ns(const struct job *job, int64_t workers_ns);

/* For job code: the text under which an external effect of this job should be made idempotent. The same for every
 * attempt of a job. */
void job_idempotency_key(const struct job *job, char out[static 32]);

#endif
