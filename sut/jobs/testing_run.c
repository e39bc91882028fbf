/* testing_run.c: running jobs in a test: drain, perform, and what an insert brings in inline mode. See testing.h.
 *
 * A process claims jobs and has them run one by one, with the code of a queue process (queue.c, exchange.c): so limits, crashes, outcomes
 * and backoff are those of production. It has a queue of its own that nobody else knows of. */
#include "sut/jobs/testing_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEASE_MS      INT64_C(3600000)
#define RUNS_MAX      100000 /* of one drain; more is a job that inserts itself again and again */
#define QUEUES_LOOK   1000   /* jobs among which queues with something to do are looked for */
#define PERFORM_QUEUE "jobs_test_perform"

/* ---- one job ---- */

/* What the acknowledgement says is what became of it. */
static void tally(struct test_drain *drain, const struct store_ack *ack)
{
    struct jobs_test_counts *counts = &drain->counts;
    switch (ack->state) {
    case JOB_COMPLETED: ++counts->completed; break;
    case JOB_RETRYABLE: ++counts->retryable; break;
    case JOB_SCHEDULED: ++counts->snoozed; break;
    case JOB_CANCELLED: ++counts->cancelled; break;
    default: ++counts->discarded; break;
    }
}

/* Its outcome says "crashed", or that it was over its time limit. */
static void crashed(struct test_drain *drain, const struct job *job, const struct store_ack *ack)
{
    struct jobs_test *test = drain->test;
    bool counts = drain->what.stop_at_crash || drain->held || drain->only;
    if (test->returned || !worker_find(test->jobs, job->worker) || !counts)
        return;
    ++test->crashes;
    drain->failed = true;
    test_fail(test, "job %" PRIu64 " (worker %s, attempt %u): %s", job->id, job->worker,
              job->attempt, ack->error ? ack->error : "it did not return");
}

static void outcome_keep(struct test_drain *drain, const struct store_ack *ack)
{
    struct heap *heap = drain->test->env.heap;
    drain->outcome = drain->test->raw;
    drain->outcome.result = heap_strdup(heap, ack->result);
}

static void job_run(struct queue_run *run, struct test_drain *drain, const struct job *job,
                    int64_t now_ms)
{
    drain->test->returned = false;
    job_start(run, job, WAIT_FOREVER, now_ms);
    while (!run->queue->ack_count)
        queue_handle(run, proc_receive(run->self, WAIT_FOREVER));
    tally(drain, &run->acks[0]);
    crashed(drain, job, &run->acks[0]);
    outcome_keep(drain, &run->acks[0]);
    queue_exchange(run); /* only writes: the queue has no room */
}

/* ---- a queue ---- */

static unsigned runs(const struct jobs_test_counts *counts)
{
    return counts->completed + counts->retryable + counts->snoozed + counts->cancelled +
           counts->discarded;
}

static size_t limit_left(const struct test_drain *drain)
{
    if (drain->test->runaway)
        return 0;
    size_t ran = runs(&drain->counts), limit = drain->what.limit ? drain->what.limit : RUNS_MAX;
    return ran < limit ? limit - ran : 0;
}

static struct store_call *claim(struct queue_run *run, const char *queue, size_t limit)
{
    struct store_request request = {.op = STORE_CLAIM,
                                    .queue = queue,
                                    .limit = limit,
                                    .owner = "test",
                                    .lease_ms = LEASE_MS,
                                    .without_next = true};
    struct store_call *call;
    return store_call(run->self, run->jobs->store, &request, &call) == 0 ? call : NULL;
}

/* What it gives to the worker knows nothing of a queue for tests. */
static struct job disguised(const struct test_drain *drain, const struct job *job)
{
    struct job seen = *job;
    if (drain->only)
        seen.queue = drain->only->queue;
    return seen;
}

static bool stops(const struct test_drain *drain)
{
    return drain->test->runaway || (drain->failed && drain->what.stop_at_crash);
}

static bool queue_drain(struct queue_run *run, struct test_drain *drain, const char *queue)
{
    struct store_call *call = claim(run, queue, limit_left(drain));
    size_t count = call ? call->reply.job_count : 0;
    for (size_t i = 0; i < count && !stops(drain); ++i) {
        struct job job = disguised(drain, &call->reply.jobs[i]);
        job_run(run, drain, &job, call->reply.now_ms);
    }
    if (!call)
        drain->failed = !test_fail(drain->test, "the store refused to claim from queue %s", queue);
    store_call_free(call);
    return count > 0;
}

/* Those that have available jobs, in the order of these. */
static size_t queues_find(struct queue_run *run, const char **names)
{
    struct job_filter filter = {.states = JOB_STATE_BIT(JOB_AVAILABLE)};
    struct store_call *call;
    size_t count = 0;
    if (jobs_list(run->self, run->jobs, &filter, QUEUES_LOOK, &call))
        return 0;
    for (size_t i = 0; i < call->reply.job_count; ++i) {
        const char *name = call->reply.jobs[i].queue;
        size_t at = 0;
        while (at < count && strcmp(names[at], name) != 0)
            ++at;
        if (at == count)
            names[count++] = heap_strdup(proc_heap(run->self), name);
    }
    store_call_free(call);
    return count;
}

static bool round_of(struct queue_run *run, struct test_drain *drain)
{
    const char **names = proc_alloc(run->self, QUEUES_LOOK * sizeof *names);
    size_t count = 1;
    bool ran = false;
    if (drain->what.queue)
        names[0] = drain->what.queue;
    else
        count = queues_find(run, names);
    for (size_t i = 0; i < count && !drain->failed && limit_left(drain); ++i)
        ran |= queue_drain(run, drain, names[i]);
    heap_release(proc_heap(run->self), names);
    return ran;
}

static void drain_main(struct proc *self, void *arg)
{
    struct test_drain *drain = arg;
    struct queue queue = {.jobs = drain->test->jobs, .name = "test", .pid = proc_self(self)};
    struct queue_run run = {.self = self, .queue = &queue, .jobs = drain->test->jobs};
    proc_trap_exit(self, true);
    bool more;
    do
        more = round_of(&run, drain) && drain->what.recursive && !drain->failed;
    while (more && limit_left(drain));
    if (more && !drain->what.limit && !drain->test->runaway)
        drain->failed = !test_fail(drain->test, "%d jobs ran, and there are still more", RUNS_MAX);
}

bool test_drain_start(struct test_drain *drain)
{
    drain->pid =
        proc_spawn(drain->test->runtime,
                   &(struct proc_spec){.label = "test drain", .main = drain_main, .arg = drain});
    return drain->pid || test_fail(drain->test, "too many processes");
}

/* ---- what waits for its time ---- */

static int by_time(const void *a, const void *b)
{
    const struct job *x = a, *y = b;
    int64_t dx = x->scheduled_ms, dy = y->scheduled_ms;
    return dx != dy ? (dx > dy) - (dx < dy) : (x->id > y->id) - (x->id < y->id);
}

static bool job_bring(struct jobs_test *test, const struct job *job, int64_t when_ms)
{
    struct store_reply reply;
    struct job_update update = {.scheduled_ms = when_ms};
    return test_request(test,
                        &(struct store_request){
                            .op = STORE_UPDATE, .ids = &job->id, .id_count = 1, .update = &update},
                        &reply);
}

/* As if their time had come, in the order of their times. */
static bool scheduled_bring(struct jobs_test *test, const struct jobs_test_drain *what)
{
    struct job_filter filter = {.states =
                                    JOB_STATE_BIT(JOB_SCHEDULED) | JOB_STATE_BIT(JOB_RETRYABLE),
                                .queue = what->queue};
    struct store_reply reply;
    if (!test_request(
            test, &(struct store_request){.op = STORE_LIST, .filter = &filter, .limit = RUNS_MAX},
            &reply))
        return false;
    size_t count = reply.job_count;
    if (count)
        qsort(reply.jobs, count, sizeof *reply.jobs, by_time);
    for (size_t i = 0; i < count; ++i)
        if ((!what->until_ms || reply.jobs[i].scheduled_ms <= what->until_ms) &&
            !job_bring(test, &reply.jobs[i], jobs_test_now_ms(test) - (int64_t)(count - i)))
            return false;
    do
        if (!test_request(test, &(struct store_request){.op = STORE_STAGE}, &reply))
            return false;
    while (reply.changed);
    return true;
}

bool jobs_test_drain(struct jobs_test *test, const struct jobs_test_drain *what,
                     struct jobs_test_counts *ret_counts)
{
    struct test_drain drain = {.test = test, .what = *what};
    if (ret_counts)
        *ret_counts = (struct jobs_test_counts){0};
    if (!test_outside(test, "jobs_test_drain()") ||
        (what->scheduled && !scheduled_bring(test, what)) || !test_drain_start(&drain))
        return false;
    bool ended = test_finish(test, drain.pid, "the jobs of the queue");
    if (ret_counts)
        *ret_counts = drain.counts;
    return ended && !drain.failed;
}

/* ---- one job, and nothing is left ---- */

static const char *workers_list(const struct jobs *jobs, char *out, size_t size)
{
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < jobs->worker_count && length < size; ++i)
        length += (size_t)snprintf(out + length, size - length, "%s%s", i ? ", " : "",
                                   jobs->workers[i].name);
    return out;
}

static bool perform_check(struct jobs_test *test, const struct job_spec *spec)
{
    char names[300];
    const char *wrong = job_spec_check(spec);
    if (wrong)
        return test_fail(test, "it is no valid job: %s", wrong);
    return worker_find(test->jobs, spec->worker) ||
           test_fail(test, "there is no worker %s; there are: %s", spec->worker,
                     workers_list(test->jobs, names, sizeof names));
}

static bool perform_insert(struct jobs_test *test, const struct job_spec *spec, uint64_t *ret_id)
{
    struct job_spec plain = *spec;
    struct store_reply reply;
    plain.queue = PERFORM_QUEUE;
    plain.delay_ms = plain.scheduled_ms = 0;
    plain.state = JOB_AVAILABLE;
    plain.unique = NULL;
    plain.chain = NULL;
    plain.flow = 0;
    if (!test_request(test,
                      &(struct store_request){.op = STORE_INSERT, .specs = &plain, .spec_count = 1},
                      &reply))
        return false;
    *ret_id = reply.ids[0];
    return true;
}

static bool perform_forget(struct jobs_test *test, uint64_t id)
{
    struct store_reply reply;
    struct store_request request = {.op = STORE_DELETE, .ids = &id, .id_count = 1};
    return test_request(test, &request, &reply);
}

static bool outcome_check(struct jobs_test *test)
{
    const struct job_outcome *raw = &test->raw;
    if (raw->kind > JOB_SNOOZE)
        return test_fail(test, "its outcome is of no known kind: %d", (int)raw->kind);
    if (raw->kind == JOB_SNOOZE && raw->snooze_s < 0)
        return test_fail(test, "it snoozes for a negative time: %" PRId64 " s", raw->snooze_s);
    return !test->refused ||
           test_fail(test, "its result is no JSON, or longer than %d bytes", JOB_RESULT_MAX);
}

bool jobs_test_perform(struct jobs_test *test, const struct job_spec *spec,
                       struct job_outcome *ret_outcome)
{
    uint64_t id = 0;
    const struct job only = {.queue = spec->queue ? spec->queue : "default"};
    struct test_drain drain = {
        .test = test, .what = {.queue = PERFORM_QUEUE, .limit = 1}, .only = &only};
    if (!test_outside(test, "jobs_test_perform()") || !perform_check(test, spec) ||
        !perform_insert(test, spec, &id) || !test_drain_start(&drain))
        return false;
    bool good = test_finish(test, drain.pid, "the job") && !drain.failed;
    good = good && outcome_check(test);
    *ret_outcome = drain.outcome;
    return perform_forget(test, id) && good;
}
