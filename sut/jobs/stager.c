/* stager.c: looks into the store for the whole node, every poll, or when something is known to fall
 * due: makes due jobs available, rescues jobs whose lease ran out, and pokes the queues that have
 * jobs to claim. Every node does it: the store makes it harmless. It remembers nothing that
 * matters; if it dies, the next one looks after one poll. */
#include "sut/jobs/internal.h"

#define EXPIRE_NS    (60 * NS_PER_S) /* so often, or when the store says, are deadlines looked at */
#define TOLD_REST_NS (10 * NS_PER_MS) /* between looks that others want */
#define NO_ANSWER    (-2)             /* of the store, for times */
#define STEPS_PER_POLL                                                                             \
    4 /* so long is a due job left to the queue that knows of it; then the stagers spread as far */

/* Those that could take jobs: the names into `names`, which has room for all. */
static size_t queues_with_room(const struct jobs *jobs, const char **names)
{
    size_t count = 0;
    for (const struct queue *queue = jobs->queues; queue; queue = queue->next)
        if (queue_room(queue))
            names[count++] = queue->name;
    return count;
}

static void queues_poke(struct jobs *jobs, const struct store_request *request, const bool *ready)
{
    size_t i = 0;
    for (struct queue *queue = jobs->queues; i < request->queue_count; queue = queue->next)
        if (queue->name == request->queues[i] && ready[i++])
            queue_poke(queue);
}

/* Something that runs was cancelled, here or elsewhere: the leases tell. */
static void cuts_apply(struct jobs *jobs, uint64_t cuts)
{
    if (jobs->cuts_known && cuts != jobs->cuts)
        heartbeat_check(jobs);
    jobs->cuts = cuts;
    jobs->cuts_known = true;
}

/* `now`: when that was asked. */
static void deadlines_told(struct jobs *jobs, int64_t now, int64_t deadline_ms)
{
    bool soon = deadline_ms >= 0 && deadline_ms < EXPIRE_NS / NS_PER_MS;
    jobs->expire_ns = now + (soon ? deadline_ms * NS_PER_MS : EXPIRE_NS);
    jobs->overdue = deadline_ms == 0;
}

/* What is due becomes available, and queues learn that there is something for them; all of them,
 * when the store does not say. Returns when more is due, in ms; -1: nothing is; NO_ANSWER. */
static int64_t stage(struct proc *self, struct jobs *jobs)
{
    const char **names = proc_alloc(self, jobs->queue_count * sizeof *names);
    int64_t now = proc_now(self);
    struct store_request request = {.op = STORE_STAGE,
                                    .queues = names,
                                    .queue_count = queues_with_room(jobs, names),
                                    .node = jobs->node,
                                    .deadlines = now >= jobs->expire_ns};
    struct store_call *call;
    int64_t next_ms = NO_ANSWER;
    if (store_call(self, jobs->store, &request, &call) == 0) {
        next_ms = call->reply.next_ms;
        rules_apply(jobs, call->reply.rules, call->reply.rule_count);
        cuts_apply(jobs, call->reply.cuts);
        if (request.deadlines)
            deadlines_told(jobs, now, call->reply.deadline_ms);
        queues_poke(jobs, &request, call->reply.ready);
        store_call_free(call);
    } else {
        jobs_poke(jobs);
    }
    heap_release(proc_heap(self), names);
    queues_start(self, jobs);
    pruner_start(self, jobs);
    return next_ms;
}

static int64_t rescue(struct proc *self, struct jobs *jobs)
{
    struct store_request request = {.op = STORE_RESCUE, .crash_limit = jobs->crash_limit};
    struct store_call *call;
    if (store_call(self, jobs->store, &request, &call) != 0)
        return NO_ANSWER;
    int64_t next_ms = call->reply.next_ms;
    if (call->reply.changed)
        jobs_poke(jobs); /* also for what was released by that */
    store_call_free(call);
    return next_ms;
}

/* Gives up what waited beyond its deadline, once a look has said that there is such. Queues do the same to what they claim: this is
 * for jobs that nobody claims. */
static void expire(struct proc *self, struct jobs *jobs)
{
    struct store_request request = {.op = STORE_EXPIRE};
    struct store_call *call;
    int64_t now = proc_now(self);
    if (!jobs->overdue || store_call(self, jobs->store, &request, &call) != 0)
        return;
    deadlines_told(jobs, now, call->reply.next_ms);
    if (call->reply.changed)
        jobs_poke(jobs); /* for what was released by that */
    store_call_free(call);
}

/* All nodes are told the same time. The queue that the job ended in last asks for it by itself, in time; if it is not there
 * any more, or full, the first of the stagers does the work, and the others find it done. */
static void stager_told(struct jobs *jobs, int64_t now, int64_t next_ms)
{
    int64_t due_ns = now + next_ms * NS_PER_MS;
    if (next_ms < 0 || due_ns >= jobs->due_ns)
        return;
    int64_t step = jobs->poll_ns / STEPS_PER_POLL;
    stager_hint(jobs, due_ns + step + (int64_t)(env_entropy(jobs->env) % ((uint64_t)step + 1)));
}

/* The look that others wanted is this one. */
static void looks_begin(struct jobs *jobs, int64_t now)
{
    if (now < jobs->look_ns)
        return;
    jobs->look_ns = jobs->again_ns;
    jobs->again_ns = INT64_MAX;
}

/* What is still overdue once the due jobs have been staged is a lease: without one there is nothing
 * to rescue. False: the store did not answer all of it. */
static bool stager_look(struct proc *self, struct jobs *jobs)
{
    jobs->due_ns = INT64_MAX;
    looks_begin(jobs, proc_now(self));
    int64_t next_ms = stage(self, jobs);
    bool staged = next_ms != NO_ANSWER;
    if (next_ms == 0 || !staged)
        next_ms = rescue(self, jobs);
    stager_told(jobs, proc_now(self), next_ms);
    if (staged)
        expire(self, jobs);
    return staged && next_ms != NO_ANSWER;
}

void stager_hint(struct jobs *jobs, int64_t due_ns)
{
    if (due_ns >= jobs->due_ns)
        return;
    jobs->due_ns = due_ns;
    if (jobs->stager)
        proc_send(jobs->runtime, 0, jobs->stager, MSG_POKE, NULL, 0);
}

void stager_look_at(struct jobs *jobs, int64_t look_ns, int64_t again_ns)
{
    jobs->look_ns = look_ns < jobs->look_ns ? look_ns : jobs->look_ns;
    jobs->again_ns = again_ns;
    if (jobs->stager)
        proc_send(jobs->runtime, 0, jobs->stager, MSG_POKE, NULL, 0);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* What others tell is worth a look whatever this node knows; only that many nodes that tell each other of much must not make all of
 * them do nothing but look. */
static int64_t stager_until(const struct jobs *jobs, int64_t begin, int64_t rest, int64_t poll)
{
    int64_t until = clamp(jobs->due_ns, rest, poll), told = begin + TOLD_REST_NS;
    told = jobs->look_ns > told ? jobs->look_ns : told;
    return told < until ? told : until;
}

/* The rest spreads the nodes that know of the same due time, and keeps a clock that disagrees from
 * spinning. What a store refuses to change stays due: then it rests for a whole poll. */
void stager_main(struct proc *self, void *arg)
{
    struct jobs *jobs = arg;
    bool answered = true;
    jobs->stager = proc_self(self);
    for (;;) {
        int64_t begin = jobs->moved_ns = proc_now(self);
        int64_t rest = begin + jobs_jitter(jobs->env, jobs->poll_ns / RESTS_PER_POLL);
        int64_t poll = begin + jobs_jitter(jobs->env, jobs->poll_ns);
        rest = answered ? rest : poll;
        for (int64_t now = begin, until; (until = stager_until(jobs, begin, rest, poll)) > now;
             now = proc_now(self))
            proc_receive(self, until - now);
        answered = stager_look(self, jobs);
    }
}
