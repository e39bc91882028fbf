/* problems_machines.c: state machines whose rules draw handles from a pool. A handle is an identity: the how-many-th
 * that was made.
 */
#include "properties/bench/problems.h"

enum { STEPS_MAX = 50 };

struct pool {
    uint64_t alive[STEPS_MAX], made;
    size_t count;
    int value[STEPS_MAX];
};

static uint64_t pool_add(struct pool *pool, struct saying *saying, const char *rule)
{
    pool->alive[pool->count++] = pool->made;
    saying_add(saying, "%s v%lu;", rule, (unsigned long)pool->made);
    return pool->made++;
}

static uint64_t pool_pick(struct pool *pool, struct sequence *s)
{
    return sequence_pick(s, pool->alive, pool->count);
}

static void pool_remove(struct pool *pool, uint64_t handle)
{
    size_t kept = 0;
    for (size_t i = 0; i < pool->count; i++)
        if (pool->alive[i] != handle)
            pool->alive[kept++] = pool->alive[i];
    pool->count = kept;
}

/* The rule of this step: making one, or, when there is one, using it. */
static bool is_use(const struct pool *pool, struct sequence *s)
{
    return sequence_branch(s, pool->count > 0 ? 2 : 1) == 1;
}

/* Goes on until a rule uses one; `rule` is what making one is called. false: there are no more steps. */
static bool next_use(struct pool *pool, struct sequence *s, struct sequence_list *steps,
                     struct saying *saying, const char *rule)
{
    while (sequence_list_more(s, steps)) {
        if (is_use(pool, s))
            return true;
        pool_add(pool, saying, rule);
    }
    return false;
}

static bool double_increment(struct sequence *s, struct saying *saying)
{
    struct pool pool = {0};
    struct sequence_list steps = {.max = STEPS_MAX, .label = "step"};
    while (next_use(&pool, s, &steps, saying, "new")) {
        uint64_t handle = pool_pick(&pool, s);
        saying_add(saying, "incr v%lu;", (unsigned long)handle);
        if (++pool.value[handle] == 2)
            return true;
    }
    return false;
}

static bool distinct_pair(struct sequence *s, struct saying *saying)
{
    struct pool pool = {0};
    struct sequence_list steps = {.max = STEPS_MAX, .label = "step"};
    while (next_use(&pool, s, &steps, saying, "new")) {
        uint64_t a = pool_pick(&pool, s), b = pool_pick(&pool, s);
        saying_add(saying, "pair v%lu v%lu;", (unsigned long)a, (unsigned long)b);
        if (a != b)
            return true;
    }
    return false;
}

static bool lifo_close(struct sequence *s, struct saying *saying)
{
    struct pool pool = {0};
    struct sequence_list steps = {.max = STEPS_MAX, .label = "step"};
    while (next_use(&pool, s, &steps, saying, "open")) {
        uint64_t handle = pool_pick(&pool, s), last = pool.alive[pool.count - 1];
        saying_add(saying, "close v%lu;", (unsigned long)handle);
        if (handle != last)
            return true;
        pool_remove(&pool, handle);
    }
    return false;
}

const struct problem machines[] = {
    {"DoubleIncrement", GROUP_MACHINE, double_increment, "new v0;incr v0;incr v0;", 15.0, 100},
    {"DistinctPair", GROUP_MACHINE, distinct_pair, "new v0;new v1;pair v0 v1;", 47.5, 100},
    {"LifoClose", GROUP_MACHINE, lifo_close, "open v0;open v1;close v0;", 65.0, 86},
};
const size_t machine_count = sizeof machines / sizeof machines[0];
