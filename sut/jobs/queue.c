/* queue.c: the queue process. It owns up to `limit` job processes and what is to be written about
 * them.
 *
 * It traps exits: the death of a job is a message, and an outcome. While it is parked in a call to
 * the store, messages pile up; they are handled together afterwards, and that is the batching. If
 * this process dies, its jobs die with it and unwritten outcomes are lost; the leases bring those
 * jobs back. */
#include "sut/jobs/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

POINT_ABOUT("queue/process/start", "A queue process begins to work.");
POINT_ABOUT("queue/process/stop",
            "A queue process was told to stop, and has killed what still ran, or let it end.");

/* ---- the end of a job ---- */

static struct job_outcome crash_outcome(struct queue_run *run, const struct slot *slot,
                                        struct reason reason)
{
    char text[REASON_WORDS];
    reason_text(reason, text);
    TRACE(proc_site(run->self), "job/perform/crash", T_U64("job", slot->job->id),
          T_U64("attempt", slot->job->attempt), T_U64("lease", slot->job->lease),
          T_STR("reason", text), T_STR("queue", run->queue->name));
    env_log(run->jobs->env, LOG_WARN, "queue %s: job %" PRIu64 " crashed: %s", run->queue->name,
            slot->job->id, text);
    return job_outcome_make(JOB_ERROR, "crashed: %s", text);
}

static struct job_outcome outcome_of(struct queue_run *run, const struct slot *slot,
                                     struct reason reason)
{
    if (slot->answered)
        return slot->outcome;
    if (slot->fate == SLOT_TIMED_OUT || slot->fate == SLOT_EXPIRED)
        return slot_late_outcome(slot);
    return crash_outcome(run, slot, reason);
}

/* What its end will be told of, if anybody listens. */
static void orphan_keep(struct queue_run *run, const struct slot *slot)
{
    if (slot->fate != SLOT_DROPPED || !telemetry_wanted(run->jobs->telemetry, TELEMETRY_QUEUE_STOP))
        return;
    size_t room = (run->orphan_count + 1) * sizeof *run->orphans;
    run->orphans = heap_realloc(proc_heap(run->self), run->orphans, room);
    run->orphans[run->orphan_count++] = slot->job->id;
}

static void slot_end(struct queue_run *run, struct slot *slot, struct reason reason)
{
    if (slot->timer)
        proc_cancel_timer(run->self, slot->timer);
    if (slot->fate != SLOT_DROPPED) {
        struct job_outcome outcome = outcome_of(run, slot, reason);
        ack_add(run, slot, &outcome);
    }
    slot_tell_death(run->self, slot, reason);
    if (run->jobs->draining)
        orphan_keep(run, slot);
    slot_leave(slot, proc_site(run->self));
}

/* ---- start and stop ---- */

static void queue_stop(struct queue_run *run, struct reason reason)
{
    struct queue *queue = run->queue;
    for (struct slot *slot = queue->slots; slot; slot = slot->next) {
        if (slot_drop(slot, proc_site(run->self), "its queue was stopped") && run->jobs->draining)
            ++run->jobs->left;
        orphan_keep(run, slot);
    }
    queue_tell(run->self, queue, TELEMETRY_QUEUE_STOP, run->orphans, run->orphan_count);
    TRACE(proc_site(run->self), "queue/process/stop", T_STR("queue", queue->name));
    proc_exit(run->self, reason);
}

/* What a dead predecessor left: its jobs hold their slots until they are dead, too. */
static void queue_inherit(struct queue_run *run)
{
    struct queue *queue = run->queue;
    if (run->jobs->draining)
        run->jobs->left += queue->ack_count;
    queue->ack_count = 0;
    for (struct slot *slot = queue->slots, *next; slot; slot = next) {
        next = slot->next;
        if (!slot->pid || slot->fate == SLOT_OVERRUNS)
            continue;
        if (slot_drop(slot, proc_site(run->self), "its queue died") && run->jobs->draining)
            ++run->jobs->left;
        slot->timer = 0;
        if (proc_alive(run->jobs->runtime, slot->pid))
            proc_link(run->self, slot->pid);
        else
            slot_end(run, slot, reason_make(EXIT_KILL, "its queue died"));
    }
}

static void queue_begin(struct queue_run *run)
{
    struct env *env = run->jobs->env;
    proc_trap_exit(run->self, true);
    run->queue->pid = proc_self(run->self);
    run->queue->poked = false;
    run->queue->ended = false;
    snprintf(run->owner, sizeof run->owner, "%.64s/%s/%016" PRIx64, env->node_name,
             run->queue->name, env_entropy(env));
    TRACE(proc_site(run->self), "queue/process/start", T_STR("queue", run->queue->name),
          T_U64("limit", run->queue->limit));
    queue_tell(run->self, run->queue, TELEMETRY_QUEUE_START, NULL, 0);
    queue_inherit(run);
}

/* ---- when its jobs fall due ---- */

int64_t due_after(const struct jobs *jobs, int64_t delay_ms, int64_t now)
{
    int64_t slack_ns = delay_ms * (NS_PER_MS / 1024), most_ns = jobs->poll_ns / RESTS_PER_POLL;
    return now + delay_ms * NS_PER_MS + (slack_ns < most_ns ? slack_ns : most_ns);
}

void due_keep(struct queue_run *run, int64_t due_ns)
{
    if (run->due_count == DUES_MAX) {
        run->dues_forgotten = true;
        if (due_ns >= run->dues[DUES_MAX - 1])
            return;
        --run->due_count;
    }
    size_t at = run->due_count++;
    for (; at > 0 && run->dues[at - 1] > due_ns; --at)
        run->dues[at] = run->dues[at - 1];
    run->dues[at] = due_ns;
}

int64_t due_next(const struct queue_run *run)
{
    int64_t rested = run->staged_ns + run->jobs->poll_ns / RESTS_PER_POLL;
    if (!run->due_count)
        return INT64_MAX;
    return run->dues[0] > rested ? run->dues[0] : rested;
}

void queue_hint(struct jobs *jobs, const char *name, int64_t delay_ms, int64_t now)
{
    int64_t due_ns = due_after(jobs, delay_ms, now);
    struct queue *queue = queue_find(jobs, name);
    if (!queue || !queue->pid ||
        proc_send(jobs->runtime, 0, queue->pid, MSG_DUE, &due_ns, sizeof due_ns) != 0)
        stager_hint(jobs, due_ns);
}

/* ---- the loop ---- */

void queue_poke(struct queue *queue)
{
    if (queue->poked || !queue->pid)
        return;
    queue->poked = proc_send(queue->jobs->runtime, 0, queue->pid, MSG_POKE, NULL, 0) == 0;
}

static void queue_exit_message(struct queue_run *run, const struct exit_message *exit)
{
    if (exit->who == run->jobs->supervisor)
        queue_stop(run, exit->reason);
    struct slot *slot = slot_of(run->queue, exit->who);
    if (slot)
        slot_end(run, slot, exit->reason);
}

static void queue_outcome_message(struct queue_run *run, const struct message *message)
{
    struct slot *slot = slot_of(run->queue, message->from);
    if (!slot)
        return;
    const struct job_outcome *outcome = message->data;
    slot->outcome = *outcome;
    slot->answered = true;
    slot->outcome.result = NULL;
    if (message->size > sizeof *outcome)
        slot->outcome.result = slot->result =
            heap_strdup(run->jobs->env->heap, (const char *)(outcome + 1));
}

static void queue_timeout_message(struct queue_run *run, const proc_id *pid)
{
    struct slot *slot = slot_of(run->queue, *pid);
    if (slot)
        slot_time_out(run, slot);
}

void queue_handle(struct queue_run *run, const struct message *message)
{
    switch (message->tag) {
    case MSG_EXIT: queue_exit_message(run, message->data); break;
    case MSG_OUTCOME: queue_outcome_message(run, message); break;
    case MSG_TIMEOUT: queue_timeout_message(run, message->data); break;
    case MSG_DUE: due_keep(run, *(const int64_t *)message->data); break;
    case MSG_POKE:
        run->queue->poked = false;
        run->look_ns = 0;
        break;
    default: break;
    }
}

static int64_t time_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t time_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long until the store is wanted; 0: now. */
static int64_t queue_patience(const struct queue_run *run)
{
    const struct jobs *jobs = run->jobs;
    int64_t next = INT64_MAX;
    if (jobs->closing)
        return WAIT_FOREVER;
    if (run->queue->ack_count)
        next = run->retry_ns;
    else if (queue_room(run->queue))
        next = time_max(time_min(run->look_ns, due_next(run)), run->retry_ns);
    return next == INT64_MAX ? WAIT_FOREVER : time_max(0, next - proc_now(run->self));
}

static void queue_tell_idle(const struct queue_run *run)
{
    if (run->jobs->draining && !run->queue->running && !run->queue->ack_count)
        proc_send(run->jobs->runtime, run->queue->pid, run->jobs->keeper, MSG_IDLE, NULL, 0);
}

/* In good order: nothing of it runs here, and all is written. */
static void queue_end(struct queue_run *run)
{
    struct queue *queue = run->queue;
    queue->pid = 0;
    queue->ended = true;
    TRACE(proc_site(run->self), "queue/process/stop", T_STR("queue", queue->name));
    env_log(run->jobs->env, LOG_INFO, "queue %s: stopped", queue->name);
    proc_exit(run->self, (struct reason){.kind = EXIT_NORMAL});
}

void queue_main(struct proc *self, void *arg)
{
    struct queue *queue = arg;
    struct queue_run *run = proc_alloc(self, sizeof *run);
    *run = (struct queue_run){.self = self, .queue = queue, .jobs = queue->jobs};
    queue_begin(run);
    for (;;) {
        queue_tell_idle(run);
        if (queue_over(queue))
            queue_end(run);
        const struct message *message = proc_receive(self, queue_patience(run));
        for (; message; message = proc_receive(self, 0))
            queue_handle(run, message);
        if (queue_patience(run) == 0)
            queue_exchange(run);
    }
}
