/* proc_work.c: waiting for the environment. A job is the runtime's record of work under way:
 *
 *     job                     done reported          process gives up or dies
 *     WAITED FOR              process owns the work  ORPHAN
 *     ORPHAN                  drop(work)             -
 *     DONE, not yet noticed   -                      drop(work), at once
 *
 * The work's memory is the node's, because it must outlive a process that dies meanwhile. */
#include "sut/runtime/proc_internal.h"

#include <errno.h>
#include <utlist.h>

static void job_free(struct job *job)
{
    struct runtime *runtime = job->runtime;
    DL_DELETE(runtime->jobs, job);
    heap_release(runtime->env->heap, job);
}

static void job_drop(struct job *job)
{
    struct work *work = job->work;
    void (*drop)(struct work *) = job->drop;
    job_free(job);
    drop(work);
}

static void job_done(struct work *work)
{
    struct job *job = work->owner;
    job->done = true;
    if (!job->proc)
        job_drop(job);
    else if (job->proc->state == PROC_WORKING)
        proc_ready(job->proc);
}

void job_orphan(struct proc *proc)
{
    struct job *job = proc->job;
    if (!job)
        return;
    proc->job = NULL;
    job->proc = NULL;
    if (job->done)
        job_drop(job);
}

static struct job *job_new(struct proc *self, struct work *work, void (*drop)(struct work *))
{
    struct job *job = heap_alloc(self->runtime->env->heap, sizeof *job);
    job->runtime = self->runtime;
    job->proc = self;
    job->work = work;
    job->drop = drop;
    DL_APPEND(self->runtime->jobs, job);
    self->job = job;
    work->owner = job;
    work->done = job_done;
    return job;
}

int proc_work_via(struct proc *self, struct work *work, void (*start)(void *ctx, struct work *work),
                  void *ctx, void (*drop)(struct work *work), int64_t timeout_ns)
{
    int64_t deadline = proc_deadline(self, timeout_ns);
    struct job *job = job_new(self, work, drop);
    start(ctx, work);
    if (!job->done)
        proc_park(self, PROC_WORKING, deadline);
    if (!job->done) {
        job_orphan(self);
        return -ETIMEDOUT;
    }
    self->job = NULL;
    job_free(job);
    return 0;
}

static void start_in_env(void *ctx, struct work *work)
{
    env_submit(ctx, work);
}

int proc_work(struct proc *self, struct work *work, void (*drop)(struct work *work),
              int64_t timeout_ns)
{
    return proc_work_via(self, work, start_in_env, self->runtime->env, drop, timeout_ns);
}
