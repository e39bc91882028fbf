/* slots.c: the table of what runs on this node. See the picture in internal.h. */
#include "sut/jobs/internal.h"

#include <inttypes.h>

POINT_ABOUT("job/perform/crash", "A job's process died, or is killed, without an outcome.");
POINT_ABOUT(
    "job/outside/overrun",
    "A job's process is dead, its thread or child is not: it keeps its place in the queue.");

/* ---- by process ---- */

enum { BY_PID_FIRST = 16 };

/* Where the process is, or would be: from its own place on, until nothing is there. */
static size_t place_of(const struct queue *queue, proc_id pid)
{
    size_t mask = queue->by_pid_size - 1;
    size_t at = (size_t)((uint64_t)pid * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;
    while (queue->by_pid[at] && queue->by_pid[at]->pid != pid)
        at = (at + 1) & mask;
    return at;
}

struct slot *slot_of(struct queue *queue, proc_id pid)
{
    return queue->by_pid_size ? queue->by_pid[place_of(queue, pid)] : NULL;
}

static void by_pid_grow(struct queue *queue)
{
    struct heap *heap = queue->jobs->env->heap;
    heap_release(heap, queue->by_pid);
    queue->by_pid_size = queue->by_pid_size ? 2 * queue->by_pid_size : BY_PID_FIRST;
    queue->by_pid = heap_alloc(heap, queue->by_pid_size * sizeof *queue->by_pid);
    for (struct slot *slot = queue->slots; slot; slot = slot->next)
        if (slot->pid)
            queue->by_pid[place_of(queue, slot->pid)] = slot;
}

/* What stands behind it in the same run of places may have to move up. */
static void by_pid_remove(struct queue *queue, proc_id pid)
{
    size_t mask = queue->by_pid_size - 1, at = place_of(queue, pid);
    queue->by_pid[at] = NULL;
    for (at = (at + 1) & mask; queue->by_pid[at]; at = (at + 1) & mask) {
        struct slot *moved = queue->by_pid[at];
        queue->by_pid[at] = NULL;
        queue->by_pid[place_of(queue, moved->pid)] = moved;
    }
}

/* ---- taken and free ---- */

static struct slot *slot_spare(struct queue *queue)
{
    struct slot *slot = queue->spare_slots;
    if (!slot)
        return heap_alloc(queue->jobs->env->heap, sizeof *slot);
    queue->spare_slots = slot->next;
    return slot;
}

struct slot *slot_take(struct queue *queue, const struct job *job, int64_t held_ns, unsigned limit)
{
    struct slot *slot = slot_spare(queue);
    *slot = (struct slot){
        .queue = queue,
        .prev = queue->last_slot,
        .job = job_pack(heap_alloc(queue->jobs->env->heap, job_pack_size(job)), job),
        .worker = worker_find(queue->jobs, job->worker),
        .held_ns = held_ns,
        .limit = limit,
    };
    *(slot->prev ? &slot->prev->next : &queue->slots) = slot;
    queue->last_slot = slot;
    ++queue->running;
    return slot;
}

void slot_begin(struct slot *slot, proc_id pid)
{
    struct queue *queue = slot->queue;
    if (2 * queue->running > queue->by_pid_size)
        by_pid_grow(queue);
    slot->pid = pid;
    queue->by_pid[place_of(queue, pid)] = slot;
}

void slot_clear(struct slot *slot)
{
    struct queue *queue = slot->queue;
    heap_release(queue->jobs->env->heap, slot->job);
    heap_release(queue->jobs->env->heap, slot->result);
    if (slot->pid)
        by_pid_remove(queue, slot->pid);
    *(slot->prev ? &slot->prev->next : &queue->slots) = slot->next;
    *(slot->next ? &slot->next->prev : &queue->last_slot) = slot->prev;
    *slot = (struct slot){.queue = queue, .next = queue->spare_slots};
    queue->spare_slots = slot;
    --queue->running;
}

static struct slot *slots_from(const struct queue *queue)
{
    for (; queue; queue = queue->next)
        if (queue->slots)
            return queue->slots;
    return NULL;
}

struct slot *slots_first(const struct jobs *jobs)
{
    return slots_from(jobs->queues);
}

struct slot *slots_next(const struct slot *slot)
{
    return slot->next ? slot->next : slots_from(slot->queue->next);
}

/* ---- the end of a job ---- */

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
