/* testing_internal.h: what the parts of testing.h share. */
#ifndef SUT_JOBS_TESTING_INTERNAL_H
#define SUT_JOBS_TESTING_INTERNAL_H

#include "sut/jobs/internal.h"
#include "sut/jobs/testing.h"

#include <sqlite3.h>

/* A worker of the test's, and in its place one that sees what it returns. */
struct test_worker {
    struct jobs_test *test;
    const struct worker *worker;
};

/* Jobs under way: a process that claims and runs them. */
struct test_drain {
    struct jobs_test *test;
    struct jobs_test_drain what;
    const struct job *only; /* perform: this job, under its own queue's name */
    struct jobs_test_counts counts;
    struct job_outcome outcome; /* perform */
    bool failed;
    proc_id pid;
    struct store_call *held; /* inline: the insert that is answered when all has run */
    struct test_drain *next; /* of those that hold one */
};

/* What is to be done outside of the runtime: a call to the store, or work of a job. */
struct test_errand {
    struct store_call *call; /* or: */
    struct work *work;
    struct test_errand *next;
};

struct jobs_test {
    struct env env; /* first */
    sqlite3_vfs vfs;
    char vfs_name[48];
    struct runtime *runtime;
    struct store_db *db;
    struct store store;
    struct jobs *jobs;
    struct test_worker *wrapped;
    enum jobs_test_mode mode;
    int64_t now_ns, wall_ns; /* the second: of wall time at monotonic 0 */
    int64_t wake_ns, patience_ns;
    uint64_t entropy;
    bool verbose;
    struct test_errand *first, **last;
    struct test_drain *held;
    unsigned depth;         /* inserts inside of jobs inside of inserts */
    bool runaway;           /* there were too many: all of them end */
    unsigned crashes;       /* of jobs */
    bool returned;          /* the newest job's function did */
    struct job_outcome raw; /* what it returned */
    bool refused;           /* with a result that cannot be kept */
    char why[600];
};

/* False, and says why. */
bool test_fail(struct jobs_test *test, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A call that must not come from within a process. */
bool test_outside(struct jobs_test *test, const char *what);

/* Goes on until that process is dead (0: for the time being), or until then, monotonic. */
bool test_drive(struct jobs_test *test, proc_id pid, int64_t until_ns);
/* Runs the process to its end; else kills it, and says so. */
bool test_finish(struct jobs_test *test, proc_id pid, const char *what);

/* One request, outside of any process. In the test's memory. */
bool test_request(struct jobs_test *test, const struct store_request *request,
                  struct store_reply *reply);

/* In a process of its own, which is what->pid; false: there is none. */
bool test_drain_start(struct test_drain *drain);

#endif
