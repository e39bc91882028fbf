/* queue_rules.c: what is said of queues in the store, as this node knows it, and saying it.
 *
 * The store refuses by itself what is against the rules; a node learns of them with its next look, so that it does not ask in
 * vain, which queues it runs, and how many of their jobs at once. If this node forgets them, the next look tells it again.
 * Queues are started by the stager, and end by themselves. */
#include "sut/jobs/internal.h"

#include <string.h>

POINT_ABOUT("queue/limit/change", "A queue of this node learns how many jobs it may run at once.");

/* ---- queues ---- */

size_t queue_room(const struct queue *queue)
{
    bool closed =
        queue->paused || !queue->runs || queue->jobs->draining || queue->running >= queue->limit;
    return closed ? 0 : queue->limit - queue->running;
}

bool queue_over(const struct queue *queue)
{
    return !queue->runs && !queue->running && !queue->ack_count && !queue->jobs->draining;
}

struct queue *queue_find(const struct jobs *jobs, const char *name)
{
    struct queue *queue = jobs->queues;
    while (queue && strcmp(queue->name, name) != 0)
        queue = queue->next;
    return queue;
}

struct queue *queue_new(struct jobs *jobs, const char *name, unsigned configured_limit)
{
    struct heap *heap = jobs->env->heap;
    struct queue *queue = heap_alloc(heap, sizeof *queue), **end = &jobs->queues;
    while (*end)
        end = &(*end)->next;
    *queue = (struct queue){.jobs = jobs,
                            .name = heap_strdup(heap, name),
                            .configured_limit = configured_limit,
                            .ruled_limit = -1,
                            .ruled_runs = -1,
                            .limit = configured_limit,
                            .runs = configured_limit > 0};
    *end = queue;
    ++jobs->queue_count;
    return queue;
}

/* ---- what holds of them ---- */

static unsigned limit_of(const struct queue *queue)
{
    if (queue->ruled_limit >= 0)
        return queue->ruled_limit < QUEUE_LIMIT_MAX ? (unsigned)queue->ruled_limit
                                                    : QUEUE_LIMIT_MAX;
    return queue->configured_limit ? queue->configured_limit : QUEUE_LIMIT_STARTED;
}

static void settle(struct queue *queue, bool paused)
{
    unsigned limit = limit_of(queue);
    bool runs = queue->ruled_runs >= 0 ? queue->ruled_runs : queue->configured_limit > 0;
    if (limit == queue->limit && paused == queue->paused && runs == queue->runs)
        return;
    bool stopped = runs<queue->runs, started = runs> queue->runs;
    bool more = limit > queue->limit || paused < queue->paused || stopped || started;
    queue->limit = limit;
    queue->paused = paused;
    queue->runs = runs;
    TRACE(&queue->jobs->env->site, "queue/limit/change", T_STR("queue", queue->name),
          T_U64("limit", limit), T_U64("paused", paused), T_U64("runs", runs));
    if (more)
        queue_poke(queue);
    if (started && !queue->pid)
        stager_hint(queue->jobs, 0); /* has it started */
}

void queue_settle(struct queue *queue)
{
    settle(queue, queue->paused);
}

/* Those that nobody has configured here, and somebody has started. */
static void queues_told(struct jobs *jobs, const struct store_queue *rules, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        if (rules[i].runs == 1 && strcmp(rules[i].name, QUEUE_EVERY) != 0 &&
            !queue_find(jobs, rules[i].name) &&
            store_queue_at(rules, count, rules[i].name, jobs->node).runs == 1)
            queue_new(jobs, rules[i].name, 0);
}

void rules_apply(struct jobs *jobs, const struct store_queue *rules, size_t count)
{
    queues_told(jobs, rules, count);
    for (struct queue *queue = jobs->queues; queue; queue = queue->next) {
        struct store_queue rule = store_queue_at(rules, count, queue->name, jobs->node);
        queue->ruled_limit = rule.local_limit;
        queue->ruled_runs = rule.runs;
        settle(queue, rule.paused);
    }
}

/* ---- starting them ---- */

/* A stager that died while it asked has no answer: what fails is tried the other way next time, anew or again. */
static void queue_start(struct proc *self, struct queue *queue)
{
    struct jobs *jobs = queue->jobs;
    struct heap *heap = heap_child(proc_heap(self));
    struct child_spec child = queue_child(queue, heap);
    bool again = queue->child;
    struct child_answer answer = again ? supervisor_restart_child(self, jobs->supervisor, child.id)
                                       : supervisor_start_child(self, jobs->supervisor, &child);
    queue->child = (!answer.err && answer.started.how == STARTED_OK) || !again;
    reason_release(proc_heap(self), &answer.started.why);
    heap_free(heap);
}

void queues_start(struct proc *self, struct jobs *jobs)
{
    for (struct queue *queue = jobs->queues; queue; queue = queue->next)
        if (queue->runs && !jobs->draining && (queue->ended || !queue->child))
            queue_start(self, queue);
}

/* ---- saying it ---- */

/* The answer says all that holds now. */
static int rules_call(struct proc *self, struct jobs *jobs, const struct store_request *request)
{
    struct store_call *call;
    int err = store_call(self, jobs->store, request, &call);
    if (err)
        return err;
    rules_apply(jobs, call->reply.rules, call->reply.rule_count);
    store_call_free(call);
    return 0;
}

int jobs_queues_set(struct proc *self, struct jobs *jobs, const struct store_queue *rules,
                    size_t count, unsigned fields)
{
    return rules_call(
        self, jobs,
        &(struct store_request){
            .op = STORE_QUEUE_SET, .rules = rules, .rule_count = count, .rule_fields = fields});
}

int jobs_queues_forget(struct proc *self, struct jobs *jobs, const char *const *names, size_t count)
{
    return rules_call(
        self, jobs,
        &(struct store_request){.op = STORE_QUEUE_FORGET, .queues = names, .queue_count = count});
}

/* ---- looking ---- */

const char *jobs_node(const struct jobs *jobs)
{
    return jobs->node;
}

bool jobs_queue_check(const struct jobs *jobs, const char *name, struct queue_status *ret_status)
{
    const struct queue *queue = queue_find(jobs, name);
    if (!queue || (!queue->runs && !queue->running))
        return false;
    *ret_status = (struct queue_status){.name = queue->name,
                                        .limit = queue->limit,
                                        .running = queue->running,
                                        .paused = queue->paused};
    return true;
}

size_t jobs_queue_running(const struct jobs *jobs, const char *name, uint64_t *ret_ids, size_t room)
{
    const struct queue *queue = queue_find(jobs, name);
    size_t count = 0;
    for (const struct slot *slot = queue ? queue->slots : NULL; slot; slot = slot->next, ++count)
        if (count < room)
            ret_ids[count] = slot->job->id;
    return count;
}
