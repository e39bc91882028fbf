/* slots.c: the table of what runs on this node. See the picture in internal.h. */
#include "sut/jobs/internal.h"

#include <assert.h>
#include <string.h>

POINT_ABOUT("job/perform/crash", "A job's process died, or is killed, without an outcome.");

static const char *text_pack(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

/* One block, so that one release gives back all of it. */
static struct job *job_copy(struct heap *heap, const struct job *job)
{
    size_t size =
        strlen(job->queue) + strlen(job->worker) + strlen(job->args) + strlen(job->owner) + 4;
    struct job *copy = heap_alloc(heap, sizeof *copy + size);
    char *at = (char *)(copy + 1);
    *copy = *job;
    copy->queue = text_pack(&at, job->queue);
    copy->worker = text_pack(&at, job->worker);
    copy->args = text_pack(&at, job->args);
    copy->owner = text_pack(&at, job->owner);
    copy->errors = "";
    return copy;
}

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
    slot->job = job_copy(queue->jobs->env->heap, job);
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

bool slot_running(const struct slot *slot)
{
    return slot->pid && slot->fate == SLOT_RUNS &&
           proc_alive(slot->queue->jobs->runtime, slot->pid);
}

bool slot_drop(struct slot *slot, struct point_site *at, const char *why)
{
    if (!slot->pid || slot->fate == SLOT_DROPPED)
        return false;
    if (slot->started && slot_running(slot))
        TRACE(at, "job/perform/crash", T_U64("job", slot->job->id),
              T_U64("attempt", slot->job->attempt), T_U64("lease", slot->job->lease),
              T_STR("reason", why), T_STR("queue", slot->queue->name));
    slot->fate = SLOT_DROPPED;
    proc_signal(slot->queue->jobs->runtime, 0, slot->pid, reason_make(EXIT_KILL, "%s", why));
    return true;
}
