/* queue_at.c: what is said of queues, with the wider and the narrower words, as it holds of one queue on one node. */
#include "sut/store/store.h"

#include <string.h>

/* How narrow a rule is that holds here; -1: it does not. */
static int narrowness(const struct store_queue *rule, const char *queue, const char *node)
{
    bool everywhere = !rule->node || !rule->node[0];
    bool here = !everywhere && node && strcmp(rule->node, node) == 0;
    bool it = strcmp(rule->name, queue) == 0;
    if ((!everywhere && !here) || (!it && strcmp(rule->name, QUEUE_EVERY) != 0))
        return -1;
    return 2 * it + here;
}

enum { NARROW_QUEUE = 2 }; /* the queue itself, everywhere */

struct store_queue store_queue_at(const struct store_queue *rules, size_t count, const char *queue,
                                  const char *node)
{
    struct store_queue at = {.name = queue,
                             .node = node,
                             .runs = -1,
                             .local_limit = -1,
                             .global_limit = -1,
                             .part_limit = -1,
                             .rate = -1,
                             .rate_ms = 1,
                             .turn = ""};
    int limit_by = -1, runs_by = -1;
    for (size_t i = 0; i < count; ++i) {
        const struct store_queue *rule = &rules[i];
        int narrow = narrowness(rule, queue, node);
        at.paused |= narrow >= 0 && rule->paused;
        if (rule->local_limit >= 0 && narrow > limit_by) {
            limit_by = narrow;
            at.local_limit = rule->local_limit;
        }
        if (rule->runs >= 0 && narrow > runs_by) {
            runs_by = narrow;
            at.runs = rule->runs;
        }
        if (narrow != NARROW_QUEUE)
            continue;
        at.global_limit = rule->global_limit;
        at.part_limit = rule->part_limit;
        at.age_ms = rule->age_ms;
        at.rate = rule->rate;
        at.rate_ms = rule->rate_ms;
        at.rate_by_part = rule->rate_by_part;
        at.turn = rule->turn;
    }
    return at;
}
