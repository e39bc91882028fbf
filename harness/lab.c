/* lab.c: see lab.h. A queue of tasks, and a place for a child per worker. */
#include "harness/lab.h"

#include "harness/clock.h"
#include "harness/interrupt.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 100 };

struct lab_job {
    struct lab_task task;
    uint64_t number;
    struct lab_job *next;
};

struct bench {
    struct child child;
    struct lab_job *job; /* NULL: free */
};

struct lab {
    struct lab_setup setup;
    struct child_setup child_setup;
    struct bench *benches;
    struct pollfd *polls;
    struct lab_job *first, **last; /* waiting */
    size_t busy;
    uint64_t submitted, runs;
    int64_t deadline_ns;
};

struct lab *lab_new(const struct lab_setup *setup)
{
    struct lab *lab = calloc(1, sizeof *lab);
    assert(setup->workers >= 1);
    if (!lab)
        abort();
    lab->setup = *setup;
    lab->child_setup = (struct child_setup){.extras = setup->extras,
                                            .program = setup->program,
                                            .run_timeout_ns = setup->run_timeout_ns,
                                            .close_fd = -1};
    lab->benches = calloc(setup->workers, sizeof *lab->benches);
    lab->polls = calloc(setup->workers, sizeof *lab->polls);
    if (!lab->benches || !lab->polls)
        abort();
    for (unsigned i = 0; i < setup->workers; i++)
        child_init(&lab->benches[i].child);
    lab->last = &lab->first;
    lab->deadline_ns = INT64_MAX;
    return lab;
}

void lab_free(struct lab *lab)
{
    if (!lab)
        return;
    lab_cancel_all(lab);
    for (unsigned i = 0; i < lab->setup.workers; i++)
        child_done(&lab->benches[i].child);
    free(lab->benches);
    free(lab->polls);
    free(lab);
}

/* ---- tasks ---- */

static void job_free(struct lab_job *job)
{
    tape_free(job->task.tape);
    free(job);
}

static struct bench *free_bench(struct lab *lab)
{
    for (unsigned i = 0; i < lab->setup.workers; i++)
        if (!lab->benches[i].job)
            return &lab->benches[i];
    return NULL;
}

static void start(struct lab *lab, struct bench *bench, struct lab_job *job)
{
    const struct child_task task = {
        .setup = &lab->child_setup,
        .scenario = lab->setup.scenario,
        .tape = job->task.tape,
        .run = {.index = job->number, .seed = tape_seed(job->task.tape)},
        .record = job->task.record,
        .tell = lab->setup.tell,
        .tell_ctx = lab->setup.tell_ctx,
        .keep = job->task.keep,
    };
    bench->job = job;
    child_start(&bench->child, &task);
}

static void start_waiting(struct lab *lab)
{
    struct bench *bench;
    while (lab->first && (bench = free_bench(lab))) {
        struct lab_job *job = lab->first;
        lab->first = job->next;
        if (!lab->first)
            lab->last = &lab->first;
        start(lab, bench, job);
    }
}

static void cancel_waiting(struct lab *lab, uint64_t from)
{
    lab->last = &lab->first;
    while (*lab->last) {
        struct lab_job *job = *lab->last;
        if (job->number < from) {
            lab->last = &job->next;
            continue;
        }
        *lab->last = job->next;
        job_free(job);
        lab->busy--;
    }
}

void lab_cancel(struct lab *lab, uint64_t from)
{
    cancel_waiting(lab, from);
    for (unsigned i = 0; i < lab->setup.workers; i++) {
        struct bench *bench = &lab->benches[i];
        if (!bench->job || bench->job->number < from)
            continue;
        child_kill(&bench->child);
        job_free(bench->job);
        bench->job = NULL;
        lab->busy--;
    }
    start_waiting(lab);
}

void lab_cancel_all(struct lab *lab)
{
    lab_cancel(lab, 0);
}

uint64_t lab_submit(struct lab *lab, const struct lab_task *task)
{
    struct lab_job *job = calloc(1, sizeof *job);
    if (!job)
        abort();
    job->task = *task;
    job->number = lab->submitted++;
    *lab->last = job;
    lab->last = &job->next;
    lab->busy++;
    start_waiting(lab);
    return lab->submitted - 1;
}

/* ---- results ---- */

void lab_result_done(struct lab_result *result)
{
    tape_free(result->tape);
    result_done(&result->result);
    recording_done(&result->recording);
    free(result->told);
    *result = (struct lab_result){0};
}

static void read_message(const char *message, size_t length, bool told, struct lab_result *result)
{
    const char *end = memchr(message, '\n', length);
    size_t line = end ? (size_t)(end - message) + 1 : length;
    /* A child of ours sends nothing else. */
    if (result_read(message, line, &result->result))
        abort();
    if (length > line && told) {
        result->told_size = length - line;
        result->told = malloc(result->told_size);
        if (!result->told)
            abort();
        memcpy(result->told, message + line, result->told_size);
    } else if (length > line && recording_read(message + line, length - line, &result->recording) &&
               result->result.outcome != OUTCOME_CRASH) /* of a crashed run it may be cut off */
        abort();
}

static void take_result(struct lab *lab, struct bench *bench, struct lab_result *ret_result)
{
    size_t length;
    struct lab_job *job = bench->job;
    char *message = child_end(&bench->child, &length);
    *ret_result =
        (struct lab_result){.tag = job->task.tag, .number = job->number, .tape = job->task.tape};
    read_message(message, length, lab->setup.tell != NULL, ret_result);
    free(message);
    free(job);
    bench->job = NULL;
    lab->busy--;
    lab->runs++;
    start_waiting(lab);
}

/* Waits a while for any of the children to say something. */
static void wait_for_children(struct lab *lab)
{
    int wait_ms = TICK_MS;
    for (unsigned i = 0; i < lab->setup.workers; i++) {
        struct bench *bench = &lab->benches[i];
        lab->polls[i] =
            (struct pollfd){.fd = bench->job ? bench->child.pipe : -1, .events = POLLIN};
        int ms = bench->job ? child_watch(&bench->child) : wait_ms;
        wait_ms = ms < wait_ms ? ms : wait_ms;
    }
    if (poll(lab->polls, lab->setup.workers, wait_ms) < 0)
        for (unsigned i = 0; i < lab->setup.workers; i++)
            lab->polls[i].revents = 0;
}

static struct bench *ended_bench(struct lab *lab)
{
    for (unsigned i = 0; i < lab->setup.workers; i++)
        if (lab->polls[i].revents && !child_read(&lab->benches[i].child))
            return &lab->benches[i];
    return NULL;
}

bool lab_next(struct lab *lab, struct lab_result *ret_result)
{
    while (lab->busy && !lab_stops(lab)) {
        wait_for_children(lab);
        struct bench *bench = ended_bench(lab);
        if (bench) {
            take_result(lab, bench, ret_result);
            return true;
        }
    }
    lab_cancel_all(lab);
    return false;
}

bool lab_run(struct lab *lab, const struct lab_task *task, struct lab_result *ret_result)
{
    assert(lab->busy == 0);
    lab_submit(lab, task);
    return lab_next(lab, ret_result);
}

void lab_deadline(struct lab *lab, int64_t at_ns)
{
    lab->deadline_ns = at_ns;
}

bool lab_stops(const struct lab *lab)
{
    return interrupt_seen() ||
           (lab->deadline_ns != INT64_MAX && clock_now_ns() >= lab->deadline_ns);
}

size_t lab_busy(const struct lab *lab)
{
    return lab->busy;
}

uint64_t lab_runs(const struct lab *lab)
{
    return lab->runs;
}
