/* time_limit.c: how long a run of a job may take: its time limit, and what is left until the deadline of the job.
 *
 *     time limit   of each attempt: the job's own, else its worker's. It is over: an error, tried again as any other.
 *     deadline     of the job, by the database's clock. Nobody wants it any more: it is discarded. So is a job that would be due
 *                  again only after it.
 *
 * The deadline is kept in monotonic time, counted from the reply that told the database's time: so it is never early. */
#include "sut/jobs/internal.h"

#include <inttypes.h>

POINT_ABOUT("job/perform/timeout", "A job is killed at its time limit.");
POINT_ABOUT(
    "job/perform/expire",
    "The deadline of a job passed: while it ran, before it did, or before its next attempt.");

int64_t job_time_limit_ns(const struct job *job, int64_t workers_ns)
{
    return job->timeout_ms > 0 ? job->timeout_ms * NS_PER_MS : workers_ns;
}

void slot_limit(struct slot *slot, int64_t db_now_ms, int64_t now_ns)
{
    const struct job *job = slot->job;
    const struct worker *worker = slot->worker;
    slot->limit_ns = job_time_limit_ns(job, worker ? worker->timeout_ns : 0);
    if (job->deadline_ms)
        slot->deadline_ns = now_ns + (job->deadline_ms - db_now_ms) * NS_PER_MS;
}

bool slot_expired(const struct slot *slot, int64_t then_ns)
{
    return slot->job->deadline_ms && then_ns >= slot->deadline_ns;
}

static int64_t time_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long until it must be over; WAIT_FOREVER: no limit. */
static int64_t slot_left_ns(const struct slot *slot, int64_t now_ns)
{
    int64_t patience_ns = slot->worker ? slot->worker->patience_ns : 0;
    int64_t limit_ns = slot->limit_ns ? slot->limit_ns + patience_ns : WAIT_FOREVER;
    return slot->job->deadline_ms ? time_min(limit_ns, slot->deadline_ns - now_ns) : limit_ns;
}

int64_t slot_within_ms(const struct slot *slot, int64_t now_ns)
{
    int64_t left_ns = slot_left_ns(slot, now_ns);
    return left_ns == WAIT_FOREVER ? 0 : left_ns / NS_PER_MS + 1;
}

void slot_timer(struct proc *self, struct slot *slot)
{
    int64_t left_ns = slot_left_ns(slot, proc_now(self));
    if (left_ns != WAIT_FOREVER)
        slot->timer = proc_send_after(self, left_ns > 0 ? left_ns : 0, proc_self(self), MSG_TIMEOUT,
                                      &slot->pid, sizeof slot->pid);
}

void expire_trace(struct point_site *at, const struct slot *slot, const char *when)
{
    TRACE(at, "job/perform/expire", T_U64("job", slot->job->id),
          T_U64("attempt", slot->job->attempt), T_U64("lease", slot->job->lease),
          T_STR("queue", slot->queue->name), T_STR("when", when));
    (void)slot, (void)when;
}

/* A dead job has answered: its message is on the way, and counts. */
void slot_time_out(struct queue_run *run, struct slot *slot)
{
    if (!slot_running(slot))
        return;
    bool expired = slot_expired(slot, proc_now(run->self));
    if (expired)
        expire_trace(proc_site(run->self), slot, "running");
    else
        TRACE(proc_site(run->self), "job/perform/timeout", T_U64("job", slot->job->id),
              T_U64("attempt", slot->job->attempt), T_U64("lease", slot->job->lease),
              T_STR("queue", run->queue->name));
    slot->fate = expired ? SLOT_EXPIRED : SLOT_TIMED_OUT;
    proc_signal(run->jobs->runtime, proc_self(run->self), slot->pid,
                reason_make(EXIT_KILL, "%s", expired ? "deadline" : "time limit"));
}

struct job_outcome slot_late_outcome(const struct slot *slot)
{
    if (slot->fate == SLOT_EXPIRED)
        return job_outcome_make(JOB_DISCARD, "its deadline passed while it ran");
    bool whole = slot->limit_ns % NS_PER_S == 0;
    return job_outcome_make(JOB_ERROR, "timed out after %" PRId64 "%s",
                            slot->limit_ns / (whole ? NS_PER_S : NS_PER_MS), whole ? "s" : "ms");
}
