/* exchange.c: what a queue process and the store tell each other. One call writes all outcomes and
 * claims for all free slots. An outcome is kept until the store has answered for it: applied,
 * repeated or stale. A failed call is repeated for ever, ever more slowly; what a lost reply had
 * claimed is not guessed at, its leases run out. */
#include "sut/jobs/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

POINT_ABOUT("queue/job/claimed", "The reply to a claim arrived, with this job.");
POINT_ABOUT("job/finish/done", "The store answered for an outcome: applied, repeated or stale.");

#define RETRY_BASE_NS   (100 * NS_PER_MS)
#define RETRY_SHIFT_MAX 6

/* ---- outcomes ---- */

static int64_t retry_delay_ms(const struct slot *slot, struct env *env)
{
    const struct job *job = slot->job;
    uint64_t entropy = env_entropy(env);
    int64_t delay_s = slot->worker && slot->worker->backoff_s
                          ? slot->worker->backoff_s(job, entropy)
                          : job_backoff_s(job->attempt, job->max_attempts, entropy);
    return delay_s > 0 ? delay_s * 1000 : 0;
}

/* What would run again only after the deadline of its job, does not. */
static void ack_expire(struct queue_run *run, const struct slot *slot, struct store_ack *ack)
{
    bool again = ack->state == JOB_RETRYABLE || ack->state == JOB_SCHEDULED;
    if (!again || !slot_expired(slot, proc_now(run->self) + ack->delay_ms * NS_PER_MS))
        return;
    expire_trace(proc_site(run->self), slot, "waiting");
    ack->error = ack->state == JOB_SCHEDULED ? "snoozed beyond its deadline" : ack->error;
    ack->state = JOB_DISCARDED;
    ack->delay_ms = 0;
}

static struct store_ack ack_of(const struct slot *slot, const struct job_outcome *outcome,
                               struct env *env)
{
    struct store_ack ack = {.id = slot->job->id, .lease = slot->job->lease, .error = outcome->text};
    switch (outcome->kind) {
    case JOB_OK:
        ack.state = JOB_COMPLETED;
        ack.error = NULL;
        ack.result = outcome->result;
        break;
    case JOB_CANCEL: ack.state = JOB_CANCELLED; break;
    case JOB_DISCARD: ack.state = JOB_DISCARDED; break;
    case JOB_SNOOZE:
        ack.state = JOB_SCHEDULED;
        ack.delay_ms = outcome->snooze_s > 0 ? outcome->snooze_s * 1000 : 0;
        ack.error = NULL;
        break;
    case JOB_ERROR:
        ack.state = JOB_DISCARDED;
        if (slot->job->attempt < slot->job->max_attempts) {
            ack.state = JOB_RETRYABLE;
            ack.delay_ms = retry_delay_ms(slot, env);
        }
        break;
    }
    return ack;
}

void ack_add(struct queue_run *run, const struct slot *slot, const struct job_outcome *outcome)
{
    struct heap *heap = proc_heap(run->self);
    size_t count = run->queue->ack_count;
    if (count == run->ack_room) {
        run->ack_room = count ? 2 * count : 16;
        run->acks = heap_realloc(heap, run->acks, run->ack_room * sizeof *run->acks);
    }
    struct store_ack ack = ack_of(slot, outcome, run->jobs->env);
    ack_expire(run, slot, &ack);
    ack.error = heap_strdup(heap, ack.error);
    ack.result = heap_strdup(heap, ack.result);
    run->acks[count] = ack;
    run->queue->ack_count = count + 1;
}

/* ---- the reply ---- */

static const char *result_word(enum store_ack_result result)
{
    static const char *const words[] = {
        [ACK_APPLIED] = "applied", [ACK_REPEATED] = "repeated", [ACK_STALE] = "stale"};
    return words[result];
}

static void ack_answered(struct queue_run *run, const struct store_ack *ack,
                         enum store_ack_result result)
{
    TRACE(proc_site(run->self), "job/finish/done", T_U64("job", ack->id),
          T_U64("lease", ack->lease), T_STR("state", job_state_word(ack->state)),
          T_STR("result", result_word(result)));
    if (result == ACK_STALE) {
        ++run->jobs->stale;
        env_log(run->jobs->env, LOG_WARN,
                "queue %s: job %" PRIu64 " was not %s: lease %" PRIu64 " is over (%s)",
                run->queue->name, ack->id, job_state_word(ack->state), ack->lease,
                result_word(result));
    }
}

/* The acks of the call come first; what ended meanwhile has not been looked at yet. */
static void acks_answered(struct queue_run *run, const struct store_reply *reply)
{
    struct heap *heap = proc_heap(run->self);
    size_t count = run->queue->ack_count;
    run->queue->ack_count = 0;
    for (size_t i = 0; i < count; ++i) {
        ack_answered(run, &run->acks[i], reply->acks[i]);
        if (reply->acks[i] != ACK_STALE && !job_state_final(run->acks[i].state))
            due_keep(run, due_after(run->jobs, run->acks[i].delay_ms, proc_now(run->self)));
        heap_release(heap, (void *)(uintptr_t)run->acks[i].error);
        heap_release(heap, (void *)(uintptr_t)run->acks[i].result);
    }
}

/* The job of a taken slot ends before it began. */
static void job_unstarted(struct queue_run *run, struct slot *slot, struct job_outcome outcome)
{
    ack_add(run, slot, &outcome);
    slot_clear(slot);
}

void job_start(struct queue_run *run, const struct job *job, int64_t held_ns, int64_t db_now_ms)
{
    struct slot *slot = slot_take(run->queue, job, held_ns, run->asked_limit);
    slot_limit(slot, db_now_ms, proc_now(run->self));
    if (slot_expired(slot, proc_now(run->self))) {
        expire_trace(proc_site(run->self), slot, "claimed");
        job_unstarted(run, slot,
                      job_outcome_make(JOB_DISCARD, "its deadline passed before it ran"));
        return;
    }
    char label[32];
    text_number(label, "job ", job->id);
    proc_id pid = proc_spawn(run->jobs->runtime, &(struct proc_spec){.label = label,
                                                                     .main = executor_main,
                                                                     .arg = slot,
                                                                     .link = proc_self(run->self)});
    if (!pid) {
        job_unstarted(run, slot, job_outcome_make(JOB_ERROR, "too many processes"));
        return;
    }
    slot_begin(slot, pid);
    slot_timer(run->self, slot);
}

/* Not started: when a drain has begun, and when the reply took so long that nobody might renew the
 * lease in time. Those jobs are left to rescue. */
static void jobs_claimed(struct queue_run *run, const struct store_reply *reply, int64_t sent_ns)
{
    struct jobs *jobs = run->jobs;
    bool late = proc_now(run->self) - sent_ns > jobs->lease_ns / 2;
    for (size_t i = 0; i < reply->job_count; ++i) {
        const struct job *job = &reply->jobs[i];
        TRACE(proc_site(run->self), "queue/job/claimed", T_U64("job", job->id),
              T_U64("lease", job->lease), T_U64("attempt", job->attempt),
              T_STR("queue", run->queue->name));
        if (!jobs->draining && !late)
            job_start(run, job, sent_ns + jobs->lease_ns, reply->now_ms);
    }
    if (jobs->draining)
        jobs->left += reply->job_count;
}

/* ---- the call ---- */

static struct store_request request_of(const struct queue_run *run)
{
    const struct queue *queue = run->queue;
    size_t room = queue_room(queue);
    bool due = room && due_next(run) <= proc_now(run->self);
    return (struct store_request){
        .op = queue->ack_count ? STORE_ACK : STORE_CLAIM,
        .queue = room ? queue->name : NULL,
        .limit = room,
        .owner = run->owner,
        .node = run->jobs->node,
        .lease_ms = run->jobs->lease_ms,
        .stage = due,
        .without_next = !due,
        .acks = run->acks,
        .ack_count = queue->ack_count,
    };
}

static void exchange_failed(struct queue_run *run, int err)
{
    unsigned shift = run->failures < RETRY_SHIFT_MAX ? run->failures : RETRY_SHIFT_MAX;
    int64_t wait_ns = jobs_jitter(run->jobs->env, RETRY_BASE_NS << shift);
    if (run->failures++ == 0)
        env_log(run->jobs->env, LOG_WARN, "queue %s: the store does not answer (%s); trying again",
                run->queue->name, strerror(-err));
    run->retry_ns = proc_now(run->self) + wait_ns;
}

/* A full batch means that there may be more. Else the stager knows when there is, but for what a rate holds back. */
static void look_again(struct queue_run *run, const struct store_request *request,
                       const struct store_reply *reply)
{
    if (!request->limit)
        return;
    run->look_ns = reply->job_count >= request->limit ? proc_now(run->self) : INT64_MAX;
    if (reply->hold_ms)
        run->look_ns = due_after(run->jobs, reply->hold_ms, proc_now(run->self));
}

/* If nothing was due, it was too early, or others were faster: the stager looks when the store says. */
static void dues_asked(struct queue_run *run, int64_t sent_ns, const struct store_reply *reply)
{
    size_t past = 0;
    while (past < run->due_count && run->dues[past] <= sent_ns)
        ++past;
    run->due_count -= past;
    memmove(run->dues, run->dues + past, run->due_count * sizeof *run->dues);
    run->staged_ns = sent_ns;
    int64_t next_ns = proc_now(run->self) + reply->next_ms * NS_PER_MS;
    if (reply->changed == 0 && reply->next_ms >= 0)
        stager_hint(run->jobs, next_ns);
    run->dues_forgotten &= reply->changed > 0;
    if (run->dues_forgotten && reply->next_ms > 0)
        due_keep(run, next_ns);
}

void queue_exchange(struct queue_run *run)
{
    struct store_request request = request_of(run);
    struct store_call *call;
    int64_t sent_ns = proc_now(run->self);
    run->asked_limit = run->queue->limit;
    int err = store_call(run->self, run->jobs->store, &request, &call);
    if (err) {
        exchange_failed(run, err);
        return;
    }
    run->failures = 0;
    run->retry_ns = 0;
    look_again(run, &request, &call->reply);
    if (request.stage)
        dues_asked(run, sent_ns, &call->reply);
    if (request.op == STORE_ACK)
        acks_answered(run, &call->reply);
    queues_woken(run->jobs,
                 &call->reply); /* itself, too: the claim may have come before the release */
    jobs_claimed(run, &call->reply, sent_ns);
    store_call_free(call);
}
