/* wait.c: forced orderings, in small steps of virtual time. A wait that contradicts causality ends
 * after a minute, with a word about it in the trace, instead of hanging the run. Nothing is kept:
 * the waiting process is the state, and dies with its node.
 */
#include "nemesis/wait.h"

#define STEP_NS    INT64_C(10000000)    /* 10 ms */
#define LONGEST_NS INT64_C(60000000000) /* 60 s */

POINT_ABOUT("nemesis/wait/begin", "A hit waits here until another point is hit: wait(NAME).");
POINT_ABOUT("nemesis/wait/end", "A hit that wait(NAME) held back goes on.");

static uint64_t hits_of(struct world *world, const char *name)
{
    return world_hits(world, (size_t)(registry_find(name) - registry_get(0)));
}

void wait_for_point(const struct hit *hit, const char *name)
{
    struct node *node = hit->node;
    if (!node || !node->ops->can_stall(node, hit->site))
        return;
    TRACE(world_site(hit->world), "nemesis/wait/begin", T_STR("held", hit->point->name),
          T_U64("key", hit->key), T_U64("on", node->id), T_STR("for", name));
    uint64_t before = hits_of(hit->world, name);
    int64_t begin = world_now(hit->world);
    while (hits_of(hit->world, name) == before && world_now(hit->world) - begin < LONGEST_NS &&
           world_phase(hit->world) == PHASE_SAFETY)
        node->ops->stall(node, hit->site, STEP_NS);
    TRACE(world_site(hit->world), "nemesis/wait/end", T_STR("held", hit->point->name),
          T_U64("key", hit->key), T_U64("on", node->id), T_STR("for", name),
          T_I64("waited_ns", world_now(hit->world) - begin),
          T_U64("came", hits_of(hit->world, name) != before));
}
