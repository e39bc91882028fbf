/* wait.c: forced orderings, in small steps of virtual time. A wait that contradicts causality ends when its time is up,
 * and is counted, instead of hanging the run. Nothing is kept: the waiting process is the state, and dies with its node.
 */
#include "nemesis/wait.h"

/* How often it looks; at first, and once it has waited for long. */
#define STEP_NS INT64_C(10000000)   /* 10 ms */
#define LONG_NS INT64_C(1000000000) /* 1 s */

POINT_ABOUT("nemesis/wait/begin", "A hit waits here until another point is hit: wait(NAME).");
POINT_ABOUT("nemesis/wait/end", "A hit that wait(NAME) held back goes on.");

/* Of those that count. */
static uint64_t hits_of(const struct hit *hit, const struct wait *wait)
{
    size_t point = (size_t)(registry_find(wait->name) - registry_get(0));
    switch (wait->whose) {
    case WAIT_ANYBODY: break;
    case WAIT_SAME_KEY: return world_hits_with_key(hit->world, point, hit->key);
    case WAIT_SAME_NODE: return world_hits_on(hit->world, point, hit->node->id);
    }
    return world_hits(hit->world, point);
}

enum ending { CAME, LATE, HEALED, STUCK };

static const char *const endings[] = {[CAME] = "it came",
                                      [LATE] = "it did not come in time",
                                      [HEALED] = "the safety phase is over",
                                      [STUCK] = "nobody can wait here"};

/* Where work is done at one instant, and takes its time afterwards, no time passes while it is held back. */
static enum ending stand(const struct hit *hit, const struct wait *wait, uint64_t enough)
{
    struct world *world = hit->world;
    int64_t begin = world_now(world), before = begin - 1;
    while (hits_of(hit, wait) < enough) {
        int64_t now = world_now(world), waited = now - begin;
        if (waited >= wait->longest_ns)
            return LATE;
        if (world_phase(world) != PHASE_SAFETY)
            return HEALED;
        if (now == before)
            return STUCK;
        before = now;
        int64_t step = waited < LONG_NS ? STEP_NS : 10 * STEP_NS;
        int64_t left = wait->longest_ns - waited;
        hit->node->ops->stall(hit->node, hit->site, step < left ? step : left);
    }
    return CAME;
}

void wait_for_point(const struct hit *hit, const struct wait *wait, struct promise_count *count)
{
    struct node *node = hit->node;
    char text[160];
    if (!node || !node->ops->can_stall(node, hit->site))
        return;
    uint64_t enough = wait->times ? wait->times : hits_of(hit, wait) + 1;
    int64_t begin = world_now(hit->world);
    count->kept++;
    if (hits_of(hit, wait) >= enough)
        return;
    wait_print(wait, text, sizeof text);
    TRACE(hit->site, "nemesis/wait/begin", T_U64("key", hit->key), T_STR("held", hit->point->name),
          T_STR("for", text));
    enum ending ending = stand(hit, wait, enough);
    count->late += ending == LATE || ending == STUCK;
    TRACE(hit->site, "nemesis/wait/end", T_U64("key", hit->key), T_STR("held", hit->point->name),
          T_STR("for", text), T_I64("waited_ns", world_now(hit->world) - begin),
          T_STR("why", endings[ending]));
}
