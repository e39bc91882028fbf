/* slots.c: the table of what runs on this node. See the picture in internal.h. */
#include "sut/jobs/internal.h"

#include <assert.h>
#include <inttypes.h>

POINT_ABOUT("job/perform/crash", "A job's process died, or is killed, without an outcome.");
POINT_ABOUT(
    "job/outside/overrun",
    "A job's process is dead, its thread or child is not: it keeps its place in the queue.");

struct slot *slot_of(struct queue *queue, proc_id pid)
{
    for (struct slot *slot = queue->slots; slot < queue->slots + queue->limit; ++slot)
        if (slot->pid == pid)
            return slot;
    return NULL;
}

struct slot *slot_take(struct queue *queue, const struct job *job, int64_t held_ns)
{
    struct slot *slot = slot_of(queue, 0);
    assert(slot);
    slot->job = job_pack(heap_alloc(queue->jobs->env->heap, job_pack_size(job)), job);
    slot->worker = worker_find(queue->jobs, job->worker);
    slot->held_ns = held_ns;
    ++queue->running;
    return slot;
}

void slot_clear(struct slot *slot)
{
    struct queue *queue = slot->queue;
    heap_release(queue->jobs->env->heap, slot->job);
    *slot = (struct slot){.queue = queue};
    --queue->running;
}

/* A child is being killed; a thread goes on as long as it likes. */
static void slot_overrun(struct slot *slot, struct point_site *at)
{
    struct jobs *jobs = slot->queue->jobs;
    bool thread = slot->worker->mode == IN_THREAD;
    slot->fate = SLOT_OVERRUNS;
    jobs->overrunning += thread;
    jobs->overruns += thread;
    TRACE(at, "job/outside/overrun", T_U64("job", slot->job->id), T_U64("lease", slot->job->lease),
          T_STR("queue", slot->queue->name));
    if (thread)
        env_log(jobs->env, LOG_WARN,
                "queue %s: the thread of job %" PRIu64 " works on though its attempt is over; it "
                "keeps its place until it returns (%zu of them now)",
                slot->queue->name, slot->job->id, jobs->overrunning);
}

void slot_leave(struct slot *slot, struct point_site *at)
{
    slot->timer = 0;
    if (slot->outside)
        slot_overrun(slot, at);
    else
        slot_clear(slot);
}

void slot_returned(struct slot *slot)
{
    struct queue *queue = slot->queue;
    if (slot->fate != SLOT_OVERRUNS)
        return; /* its queue has not seen the death yet, and frees it then */
    queue->jobs->overrunning -= slot->worker->mode == IN_THREAD;
    slot_clear(slot);
    queue_poke(queue);
}

bool slot_running(const struct slot *slot)
{
    return slot->pid && slot->fate == SLOT_RUNS &&
           proc_alive(slot->queue->jobs->runtime, slot->pid);
}

bool slot_drop(struct slot *slot, struct point_site *at, const char *why)
{
    if (!slot->pid || slot->fate == SLOT_DROPPED || slot->fate == SLOT_OVERRUNS)
        return false;
    if (slot->started && slot_running(slot))
        TRACE(at, "job/perform/crash", T_U64("job", slot->job->id),
              T_U64("attempt", slot->job->attempt), T_U64("lease", slot->job->lease),
              T_STR("reason", why), T_STR("queue", slot->queue->name));
    slot->fate = SLOT_DROPPED;
    proc_signal(slot->queue->jobs->runtime, 0, slot->pid, reason_make(EXIT_KILL, "%s", why));
    return true;
}
