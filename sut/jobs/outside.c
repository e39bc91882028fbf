/* outside.c: jobs whose code runs outside of the loop, in a thread or in a child process.
 *
 *     job's process       its code                 the slot
 *     parked              runs                     RUNS
 *     parked              returns                  RUNS: the process has the outcome
 *     dies                is asked to end, or      OVERRUNS, until the code has returned
 *                         killed (a child)
 *
 * The process dies at its time limit, when its lease is lost, with its queue, and in a drain: what that means for the job is as for
 * any other. The record of the run is the node's, since it outlives the process. If the node dies, all of it is lost. */
#define _GNU_SOURCE /* sigabbrev_np */
#include "sut/jobs/internal.h"
#include "sut/runtime/attachment.h"

#include <string.h>
#include <sys/wait.h>

POINT_ABOUT("job/outside/return",
            "Code of a job that had gone on after its attempt was over has returned.");

#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

enum { BUSY_SNOOZE_S = 5 };

struct job_control {
    struct env *env;
    struct thread_work *thread; /* NULL: in a child process */
    struct point_site site;
};

struct outside {
    union {
        struct work work; /* first in both */
        struct thread_work thread;
        struct child_work child;
    };
    struct slot *slot;
    struct job_control control;
    struct job_outcome outcome;
    struct attachment attachment; /* to the job's process */
};

/* ---- what the code may ask ---- */

bool job_cancelled(const struct job_control *control)
{
    return control->thread && __atomic_load_n(&control->thread->cancelled, __ATOMIC_ACQUIRE);
}

bool job_nap(struct job_control *control, int64_t ns)
{
    return control->env->ops->thread_nap(control->env, control->thread, ns);
}

struct point_site *job_site(struct job_control *control)
{
    return &control->site;
}

/* ---- a run, and its end ---- */

static struct outside *outside_new(struct proc *self, struct slot *slot)
{
    struct env *env = proc_env(self);
    struct outside *outside = heap_alloc(env->heap, sizeof *outside);
    *outside = (struct outside){.slot = slot, .control = {.env = env, .site = *proc_site(self)}};
    slot->outside = outside;
    return outside;
}

static void outside_free(struct outside *outside)
{
    struct heap *heap = outside->control.env->heap;
    outside->slot->outside = NULL;
    heap_release(heap, outside);
}

/* The job's process is dead, and nobody wants the outcome. */
static void outside_late(struct work *work)
{
    struct outside *outside = (struct outside *)work;
    struct slot *slot = outside->slot;
    TRACE(&outside->control.env->site, "job/outside/return", T_U64("job", slot->job->id),
          T_U64("lease", slot->job->lease), T_STR("queue", slot->queue->name));
    outside_free(outside);
    slot_returned(slot);
}

static void process_died(struct attachment *attachment, struct proc *proc, bool died)
{
    struct outside *outside = CONTAINER_OF(attachment, struct outside, attachment);
    struct env *env = outside->control.env;
    (void)proc;
    if (!died || !outside->work.driver)
        return; /* it has returned already */
    if (outside->control.thread)
        env->ops->thread_cancel(env, &outside->thread);
    else
        env->ops->child_kill(env, &outside->child);
}

/* Parks until the code has returned. */
static void outside_wait(struct proc *self, struct outside *outside,
                         void (*start)(void *env, struct work *work))
{
    outside->attachment.release = process_died;
    proc_attach(self, &outside->attachment);
    proc_work_via(self, &outside->work, start, proc_env(self), outside_late, WAIT_FOREVER);
    proc_detach(self, &outside->attachment);
}

/* ---- in a thread ---- */

static void thread_main(struct work *work)
{
    struct outside *outside = (struct outside *)work;
    const struct worker *worker = outside->slot->worker;
    if (!job_cancelled(&outside->control))
        outside->outcome = worker->blocking(outside->slot->job, &outside->control, worker->ctx);
}

static void thread_begin(void *env, struct work *work)
{
    ((struct env *)env)->ops->thread_start(env, (struct thread_work *)work);
}

static struct job_outcome thread_run(struct proc *self, struct slot *slot)
{
    struct outside *outside = outside_new(self, slot);
    outside->control.thread = &outside->thread;
    outside->work.run = thread_main;
    outside_wait(self, outside, thread_begin);
    struct job_outcome outcome = outside->outcome;
    outcome.result = NULL; /* nobody knows whose memory it would be */
    outside_free(outside);
    return outcome;
}

/* ---- in a child process ---- */

static void child_begin(void *env, struct work *work)
{
    ((struct env *)env)->ops->child_start(env, (struct child_work *)work);
}

/* What this machine is short of is no fault of the job: its attempt is given back. */
static struct job_outcome unstarted_outcome(int err)
{
    struct job_outcome outcome =
        job_outcome_make(JOB_SNOOZE, "no process can be started: %s", strerror(-err));
    outcome.snooze_s = BUSY_SNOOZE_S;
    return outcome;
}

static struct job_outcome killed_outcome(int number)
{
    const char *name = sigabbrev_np(number);
    return name ? job_outcome_make(JOB_ERROR, "crashed: killed by SIG%s", name)
                : job_outcome_make(JOB_ERROR, "crashed: killed by signal %d", number);
}

static struct job_outcome child_outcome(const struct child_work *child)
{
    struct job_outcome outcome;
    if (child->err)
        return unstarted_outcome(child->err);
    if (WIFSIGNALED(child->status))
        return killed_outcome(WTERMSIG(child->status));
    if (child->answer_size != sizeof outcome)
        return job_outcome_make(JOB_ERROR, "crashed: it ended without an outcome, exit status %d",
                                WEXITSTATUS(child->status));
    memcpy(&outcome, child->answer, sizeof outcome);
    outcome.text[sizeof outcome.text - 1] = '\0';
    outcome.result = NULL; /* of another process */
    return outcome;        /* whose kind may be anything */
}

static struct job_outcome child_run(struct proc *self, struct slot *slot)
{
    struct outside *outside = outside_new(self, slot);
    outside->child.memory_max = slot->worker->memory_max;
    outside->child.input = slot->job; /* which is packed */
    outside->child.input_size = job_pack_size(slot->job);
    outside_wait(self, outside, child_begin);
    struct job_outcome outcome = child_outcome(&outside->child);
    outside_free(outside);
    return outcome;
}

static const struct worker *worker_named(const struct worker *workers, size_t count,
                                         const char *name)
{
    for (size_t i = 0; i < count; ++i)
        if (strcmp(workers[i].name, name) == 0 && workers[i].blocking)
            return &workers[i];
    return NULL;
}

size_t jobs_child_run(struct env *env, const struct worker *workers, size_t count, void *input,
                      size_t size, unsigned char answer[static CHILD_ANSWER_MAX])
{
    _Static_assert(sizeof(struct job_outcome) <= CHILD_ANSWER_MAX, "an outcome is an answer");
    const struct job *job = job_unpack(input, size);
    if (!job)
        return 0;
    const struct worker *worker = worker_named(workers, count, job->worker);
    struct job_control control = {.env = env};
    struct job_outcome outcome =
        worker ? worker->blocking(job, &control, worker->ctx)
               : job_outcome_make(JOB_ERROR, "worker %s was not known when processes could be made",
                                  job->worker);
    memcpy(answer, &outcome, sizeof outcome);
    return sizeof outcome;
}

/* ---- both ---- */

bool outside_possible(const struct env *env, enum worker_mode mode)
{
    return mode == IN_FIBER || (mode == IN_THREAD && env->ops->thread_start) ||
           (mode == IN_CHILD && env->ops->child_start);
}

struct job_outcome outside_run(struct proc *self, struct slot *slot)
{
    return slot->worker->mode == IN_THREAD ? thread_run(self, slot) : child_run(self, slot);
}
