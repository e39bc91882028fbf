/* lab.c: see lab.h. A queue of tasks, and a place for a child per worker. */
#include "harness/process/lab.h"

#include "harness/clock.h"
#include "harness/interrupt.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 100 };

struct lab_job {
    struct lab_task task; /* of branches: their stem */
    uint64_t number;      /* of the first branch */
    struct branch *branches;
    void **tags;  /* of the branches */
    size_t count; /* of branches; 0: a run by itself */
    size_t ended; /* of these; their tapes have gone */
    struct lab_job *next;
};

struct bench {
    struct child child;
    struct lab_job *job; /* NULL: free */
    char *epitaph;       /* of a stem that died before its branches: the message of its end */
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
    for (size_t i = 0; i < job->count; i++)
        tape_free(job->branches[i].tape);
    tape_free(job->task.tape);
    free(job->branches);
    free(job->tags);
    free(job);
}

/* How many results are still to come. */
static size_t job_runs(const struct lab_job *job)
{
    return job->count ? job->count - job->ended : 1;
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
        .branches = job->branches,
        .branch_count = job->count,
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
        lab->busy -= job_runs(job);
        job_free(job);
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
        free(bench->epitaph);
        bench->epitaph = NULL;
        lab->busy -= job_runs(bench->job);
        job_free(bench->job);
        bench->job = NULL;
    }
    start_waiting(lab);
}

void lab_cancel_all(struct lab *lab)
{
    lab_cancel(lab, 0);
}

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        abort();
    return memory;
}

static void job_submit(struct lab *lab, struct lab_job *job)
{
    job->number = lab->submitted;
    lab->submitted += job_runs(job);
    lab->busy += job_runs(job);
    *lab->last = job;
    lab->last = &job->next;
}

uint64_t lab_submit(struct lab *lab, const struct lab_task *task)
{
    struct lab_job *job = zeroed(1, sizeof *job);
    uint64_t number = lab->submitted;
    job->task = *task;
    job_submit(lab, job);
    start_waiting(lab);
    return number;
}

void lab_submit_branches(struct lab *lab, struct tape *stem, const struct lab_branch *branches,
                         size_t count)
{
    struct lab_job *job = zeroed(1, sizeof *job);
    assert(count >= 1);
    job->task.tape = stem;
    job->count = count;
    job->branches = zeroed(count, sizeof *job->branches);
    job->tags = zeroed(count, sizeof *job->tags);
    for (size_t i = 0; i < count; i++) {
        const struct lab_task *task = &branches[i].task;
        job->branches[i] = (struct branch){
            .at = branches[i].at,
            .tape = task->tape,
            .run = {.index = lab->submitted + i, .seed = tape_seed(task->tape)},
            .record = task->record,
        };
        job->tags[i] = task->tag;
    }
    job_submit(lab, job);
    start_waiting(lab);
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

static void bench_clear(struct lab *lab, struct bench *bench)
{
    job_free(bench->job);
    bench->job = NULL;
    start_waiting(lab);
}

static void count_result(struct lab *lab)
{
    lab->busy--;
    lab->runs++;
}

static void take_result(struct lab *lab, struct bench *bench, struct lab_result *ret_result)
{
    size_t length;
    struct lab_job *job = bench->job;
    char *message = child_end(&bench->child, &length);
    *ret_result =
        (struct lab_result){.tag = job->task.tag, .number = job->number, .tape = job->task.tape};
    job->task.tape = NULL;
    read_message(message, length, lab->setup.tell != NULL, ret_result);
    free(message);
    count_result(lab);
    bench_clear(lab, bench);
}

/* ---- branches ---- */

static void take_branch(struct lab *lab, struct lab_job *job, size_t index, const char *message,
                        size_t length, struct lab_result *ret_result)
{
    struct branch *branch = &job->branches[index];
    *ret_result = (struct lab_result){
        .tag = job->tags[index], .number = job->number + index, .tape = branch->tape};
    branch->tape = NULL;
    read_message(message, length, lab->setup.tell != NULL, ret_result);
    ret_result->result.run = branch->run;
    job->ended++;
    count_result(lab);
}

/* The first branch whose message has arrived as a whole. */
static bool take_arrived(struct lab *lab, struct bench *bench, struct lab_result *ret_result)
{
    struct branch_head head;
    struct child *child = &bench->child;
    if (child->length < sizeof head)
        return false;
    memcpy(&head, child->sent, sizeof head);
    size_t whole = sizeof head + head.length;
    if (child->length < whole)
        return false;
    take_branch(lab, bench->job, head.branch, child->sent + sizeof head, head.length, ret_result);
    child->length -= whole;
    memmove(child->sent, child->sent + whole, child->length);
    return true;
}

/* The stem has ended; perhaps too early. */
static void end_stem(struct lab *lab, struct bench *bench)
{
    size_t length;
    if (job_runs(bench->job)) {
        bench->epitaph = child_end(&bench->child, &length);
        return;
    }
    child_dismiss(&bench->child);
    bench_clear(lab, bench);
}

/* A branch that the stem did not get to has the result of its death. */
static void take_orphan(struct lab *lab, struct bench *bench, struct lab_result *ret_result)
{
    size_t index = 0;
    struct lab_job *job = bench->job;
    while (!job->branches[index].tape)
        index++;
    take_branch(lab, job, index, bench->epitaph, strcspn(bench->epitaph, "\n") + 1, ret_result);
    if (job_runs(job))
        return;
    free(bench->epitaph);
    bench->epitaph = NULL;
    bench_clear(lab, bench);
}

static bool take_any_branch(struct lab *lab, struct lab_result *ret_result)
{
    for (unsigned i = 0; i < lab->setup.workers; i++) {
        struct bench *bench = &lab->benches[i];
        if (!bench->job || !bench->job->count)
            continue;
        if (!bench->epitaph && take_arrived(lab, bench, ret_result))
            return true;
        if (bench->epitaph) {
            take_orphan(lab, bench, ret_result);
            return true;
        }
    }
    return false;
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
        if (take_any_branch(lab, ret_result))
            return true;
        wait_for_children(lab);
        struct bench *bench = ended_bench(lab);
        if (bench && bench->job->count) {
            end_stem(lab, bench);
        } else if (bench) {
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
