/* executor.c: the job process. It runs the worker's function once, or has it run in a thread or a child, and sends the outcome to its
 * queue. Whatever else ends it is reported by its death; it holds nothing that can be lost. */
#include "sut/jobs/internal.h"

#include <inttypes.h>
#include <string.h>

POINT_ABOUT("job/perform/start", "A job's process is about to call the worker's function.");
POINT_ABOUT("job/perform/stop",
            "The worker's function returned; the queue does not know its outcome yet.");

#define CAN_PERFORM (CAN_DIE | CAN_DELAY | CAN_PAUSE | CAN_ERROR)

static struct job_outcome outcome_of_errno(int err)
{
    return job_outcome_make(JOB_ERROR, "%s", strerror(-err));
}

static struct job_outcome worker_call(struct proc *self, struct slot *slot, const struct job *job)
{
    const struct worker *worker = slot->worker;
    struct job_outcome unread;
    if (!worker)
        return job_outcome_make(JOB_ERROR, "unknown worker %s", job->worker);
    if (!slot_open(self, slot, &unread))
        return unread;
    return worker->mode == IN_FIBER ? worker->perform(self, slot->job, worker->ctx)
                                    : outside_run(self, slot);
}

/* Memory that was never filled in, perhaps: such a run proves nothing. */
static struct job_outcome known(struct job_outcome outcome)
{
    return outcome.kind <= JOB_SNOOZE
               ? outcome
               : job_outcome_make(JOB_ERROR, "its outcome is of no known kind: %d", outcome.kind);
}

static struct job_outcome job_attempt(struct proc *self, struct slot *slot)
{
    const struct job *job = slot->job;
    int err = FAULT(proc_site(self), "job/perform/start", CAN_PERFORM, T_U64("job", job->id),
                    T_U64("attempt", job->attempt), T_U64("lease", job->lease),
                    T_U64("max", job->max_attempts), T_STR("worker", job->worker),
                    T_STR("queue", job->queue), T_U64("limit", slot->limit),
                    T_I64("within_ms", slot_within_ms(slot, proc_now(self))));
    int64_t begin_ns = proc_now(self);
    int64_t waited_ms = job->attempted_ms - job->scheduled_ms; /* from when it was due */
    slot->started = true;
    slot_tell_start(self, slot);
    if (err)
        return outcome_of_errno(err);
    struct job_outcome outcome = known(worker_call(self, slot, job));
    job = slot->job; /* which is another one, if its arguments were encrypted */
    err = FAULT(proc_site(self), "job/perform/stop", CAN_PERFORM, T_U64("job", job->id),
                T_U64("attempt", job->attempt), T_U64("lease", job->lease),
                T_STR("outcome", job_outcome_word(outcome.kind)), T_STR("queue", job->queue),
                T_I64("waited_ms", waited_ms > 0 ? waited_ms : 0),
                T_I64("took_ns", proc_now(self) - begin_ns));
    (void)begin_ns, (void)waited_ms;
    return err ? outcome_of_errno(err) : outcome;
}

/* The outcome, and behind it its result, if there is one. */
static int outcome_send(struct proc *self, const struct slot *slot,
                        const struct job_outcome *outcome)
{
    bool refused;
    const char *result = job_outcome_result(outcome, &refused);
    const void *data = outcome;
    size_t size = sizeof *outcome;
    if (refused)
        env_log(proc_env(self), LOG_WARN,
                "job %" PRIu64 ": its result is not kept: no JSON, or longer than %d bytes",
                slot->job->id, JOB_RESULT_MAX);
    if (result) {
        size_t length = strlen(result) + 1;
        char *both = proc_alloc(self, size + length);
        memcpy(both, outcome, size);
        memcpy(both + size, result, length);
        data = both;
        size += length;
    }
    return proc_send(proc_runtime(self), proc_self(self), slot->queue->pid, MSG_OUTCOME, data,
                     size);
}

/* Between sending and dying it must not wait: a live process is one that has not answered. */
void executor_main(struct proc *self, void *arg)
{
    struct slot *slot = arg;
    struct job_outcome outcome = job_attempt(self, slot);
    slot_tell_stop(self, slot, &outcome);
    int err = outcome_send(self, slot, &outcome);
    proc_exit(self, err ? reason_make(EXIT_ERROR, "its queue's mailbox is full")
                        : (struct reason){.kind = EXIT_NORMAL});
}
