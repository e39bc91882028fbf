/* testing.h: for the tests of programs that use jobs. Each test has a world of its own: a database in memory, a clock that goes
 * only when the test says so, no file, no thread, no process. Any test framework does: what fails is a `false`, and a sentence.
 *
 *     struct jobs_test *test = jobs_test_new(&(struct jobs_test_options){.workers = workers, .worker_count = 2}, why, sizeof why);
 *     jobs_test_run(test, sign_up, &user);                          the program's own code, which inserts jobs
 *     jobs_test_enqueued(test, &(struct jobs_test_match){.worker = "mail", .args = "{\"to\": \"me\"}"});
 *     jobs_test_drain(test, &(struct jobs_test_drain){.queue = "default"}, &counts);
 *     jobs_test_free(test);
 *
 *   MANUAL   jobs are kept, and run when they are drained.
 *   INLINE   an insert returns when the job has run, and what that inserted, and so on. What is scheduled for later runs
 *            when the clock gets there. An insert of which a job crashed returns -ECANCELED.
 *
 * Time passes by jobs_test_advance(), and while code of a job or of the test sleeps: then the clock jumps. Jobs run as they do
 * in production (time limits, deadlines, backoff, outcomes, flows), one at a time, in the order in which they would be claimed. Code
 * for a thread or a child process (IN_THREAD, IN_CHILD) runs here, too: its crash is the crash of the test.
 *
 * Assertions of a framework belong into the test, not into code that runs in a process (jobs, jobs_test_code): most leave by a
 * longjmp, which must not cross stacks. */
#ifndef SUT_JOBS_TESTING_H
#define SUT_JOBS_TESTING_H

#include "sut/jobs/jobs.h"

enum jobs_test_mode { JOBS_TEST_MANUAL, JOBS_TEST_INLINE };

struct jobs_test_options {
    const struct worker *workers; /* must outlive the test, as what they point to */
    size_t worker_count;
    enum jobs_test_mode mode;
    int64_t start_ms;               /* of the clock, ms since 1970; 0: 2000-01-01 00:00 UTC */
    uint64_t seed;                  /* of all chance: the same one, the same run */
    struct telemetry *telemetry;    /* who listens; NULL: nobody */
    const struct key_ring *keys;    /* of encrypted arguments; NULL: none */
    const struct cron_config *cron; /* its entries' jobs are inserted as the clock advances */
    int64_t patience_ms; /* what does not end within that (of the clock) failed; 0: a day */
    bool verbose;        /* the log goes to standard error */
};

struct jobs_test; /* one of a test, used by one thread */

/* NULL with a sentence. */
struct jobs_test *jobs_test_new(const struct jobs_test_options *options, char *why,
                                size_t why_size);
void jobs_test_free(struct jobs_test *test); /* all of it, whatever still ran; NULL is fine */

/* Why the last call failed (returned false); "": none has. */
const char *jobs_test_why(const struct jobs_test *test);

/* What the code under test gets: the system that its inserts go to. It has no queues: nothing runs by itself. */
struct jobs *jobs_test_jobs(struct jobs_test *test);
/* For code that inserts by store_execute(): then nothing runs inline. */
struct store_db *jobs_test_db(struct jobs_test *test);

/* Runs code in a process, as jobs_insert() needs one, until it has returned. False: it, or a job that it ran inline, crashed. */
typedef void jobs_test_code(struct proc *self, struct jobs *jobs, void *arg);
bool jobs_test_run(struct jobs_test *test, jobs_test_code *code, void *arg);

/* Inserts one job. *ret_id may be NULL. False: it was refused, or ran inline and crashed. */
bool jobs_test_insert(struct jobs_test *test, const struct job_spec *spec, uint64_t *ret_id);

/* ---- the clock ---- */

int64_t jobs_test_now_ms(const struct jobs_test *test);
/* Time passes: what falls due becomes available (INLINE: and runs, at its time), cron entries tick, sleepers wake. */
bool jobs_test_advance(struct jobs_test *test, int64_t ms);
bool jobs_test_advance_to(struct jobs_test *test, int64_t when_ms); /* false: that is past */

/* ---- running what is there ---- */

struct jobs_test_drain {
    const char *queue; /* NULL: all of them */
    size_t limit;      /* how many jobs at most; 0: all that are there */
    bool recursive;    /* also what comes in meanwhile, until nothing is left */
    bool scheduled; /* also what waits for its time (scheduled, retryable), whenever that is ... */
    int64_t until_ms; /* ... or at most until then; 0: whenever */
    bool
        stop_at_crash; /* the first job that crashes or is over its time limit ends it: false. What was claimed with it and has
                           not run stays executing. */
};

/* How many jobs ended how. */
struct jobs_test_counts {
    unsigned completed, retryable, snoozed, cancelled, discarded;
};

/* Available jobs run, one after the other. False: it could not go on. *ret_counts (may be NULL) is set in either case. */
bool jobs_test_drain(struct jobs_test *test, const struct jobs_test_drain *drain,
                     struct jobs_test_counts *ret_counts);

/* Runs one job, of which nothing is left afterwards, and gives its outcome, with its result (as long as the test lives). False: what was
 * asked for is no valid job, there is no such worker, it crashed or was over its time limit, or its outcome is of no known kind or
 * has a result that is no JSON: what production would only log. Its time (delay_ms, scheduled_ms), unique, chain and flow do not
 * matter here. */
bool jobs_test_perform(struct jobs_test *test, const struct job_spec *spec,
                       struct job_outcome *ret_outcome);

/* ---- what is there ---- */

/* Which jobs are meant. A zeroed field means any. */
struct jobs_test_match {
    const char *worker, *queue;
    const char *args,
        *meta; /* JSON: each member, also of objects in it, is there with this value; there may be more */
    const char *tags;     /* "mail,urgent": it has each of them */
    unsigned states;      /* JOB_STATE_BIT(...); 0: available, scheduled or suspended */
    int64_t scheduled_ms; /* due then, ... */
    int64_t delta_ms;     /* ... give or take so much */
    int64_t wait_ms;      /* enqueued, refuted: so much time may pass first (of the clock) */
};

/* Is there such a job? False: the sentence says which jobs there are. */
bool jobs_test_enqueued(struct jobs_test *test, const struct jobs_test_match *match);
/* Is there none, all the time? */
bool jobs_test_refuted(struct jobs_test *test, const struct jobs_test_match *match);
/* All such jobs, by id; they stand as long as the test lives. ret_jobs may be NULL. */
size_t jobs_test_all(struct jobs_test *test, const struct jobs_test_match *match,
                     const struct job **ret_jobs);
/* All of a job, as it is now; stands as long as the test lives. NULL: there is none. */
const struct job *jobs_test_job(struct jobs_test *test, uint64_t id);

#endif
