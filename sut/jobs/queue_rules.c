/* queue_rules.c: what is said of queues in the store, as this node knows it, and saying it.
 *
 * The store refuses by itself what is against the rules; a node learns of them with its next look, so that it does not ask in
 * vain, and how many jobs it may run at once. If this node forgets them, the next look tells it again. */
#include "sut/jobs/internal.h"

#include <string.h>

POINT_ABOUT("queue/limit/change", "A queue of this node learns how many jobs it may run at once.");

size_t queue_room(const struct queue *queue)
{
    bool closed = queue->paused || queue->jobs->draining || queue->running >= queue->limit;
    return closed ? 0 : queue->limit - queue->running;
}

static const struct store_queue *rule_of(const struct queue *queue, const struct store_queue *rules,
                                         size_t count)
{
    for (size_t i = 0; i < count; ++i)
        if (strcmp(rules[i].name, queue->name) == 0)
            return &rules[i];
    return NULL;
}

static unsigned limit_by(const struct queue *queue, const struct store_queue *rule)
{
    if (!rule || rule->local_limit < 0)
        return queue->configured_limit;
    return rule->local_limit < QUEUE_LIMIT_MAX ? (unsigned)rule->local_limit : QUEUE_LIMIT_MAX;
}

static void rule_apply(struct queue *queue, const struct store_queue *rule)
{
    unsigned limit = limit_by(queue, rule);
    bool paused = rule && rule->paused;
    if (limit == queue->limit && paused == queue->paused)
        return;
    bool more = limit > queue->limit || paused < queue->paused;
    queue->limit = limit;
    queue->paused = paused;
    TRACE(&queue->jobs->env->site, "queue/limit/change", T_STR("queue", queue->name),
          T_U64("limit", limit), T_U64("paused", paused));
    if (more)
        queue_poke(queue);
}

void rules_apply(struct jobs *jobs, const struct store_queue *rules, size_t count)
{
    for (size_t i = 0; i < jobs->queue_count; ++i)
        rule_apply(&jobs->queues[i], rule_of(&jobs->queues[i], rules, count));
}

/* The answer says what holds now of the queues that were spoken of. */
int jobs_queues_set(struct proc *self, struct jobs *jobs, const struct store_queue *rules,
                    size_t count, unsigned fields)
{
    struct store_request request = {
        .op = STORE_QUEUE_SET, .rules = rules, .rule_count = count, .rule_fields = fields};
    struct store_call *call;
    int err = store_call(self, jobs->store, &request, &call);
    if (err)
        return err;
    for (size_t i = 0; i < jobs->queue_count; ++i) {
        struct queue *queue = &jobs->queues[i];
        const struct store_queue *rule = rule_of(queue, call->reply.rules, call->reply.rule_count);
        if (rule)
            rule_apply(queue, rule);
    }
    store_call_free(call);
    return 0;
}

static bool named(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; ++i)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

int jobs_queues_forget(struct proc *self, struct jobs *jobs, const char *const *names, size_t count)
{
    struct store_request request = {
        .op = STORE_QUEUE_FORGET, .queues = names, .queue_count = count};
    struct store_call *call;
    int err = store_call(self, jobs->store, &request, &call);
    if (err)
        return err;
    store_call_free(call);
    for (size_t i = 0; i < jobs->queue_count; ++i)
        if (named(names, count, jobs->queues[i].name))
            rule_apply(&jobs->queues[i], NULL);
    return 0;
}

bool jobs_queue_check(const struct jobs *jobs, const char *name, struct queue_status *ret_status)
{
    const struct queue *queue = queue_find(jobs, name);
    if (!queue)
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
