/* nemeses_partition.c: the network falls apart, in one of several shapes, and grows together again.
 *
 *   isolate one     one node sees nobody, and nobody sees it
 *   one way         one node is heard by nobody, or hears nobody
 *   halves          two groups that do not see each other
 *   bridge          two groups, and one node that sees both
 *   majority ring   each node sees a majority, no two the same one (from five nodes on; else halves)
 *
 * The nodes stand in a drawn order, and the shape says who sees whom by their places. A partition is one ailment: it
 * heals as a whole, but for links that somebody else had cut before.
 */
#include "nemesis/nemeses_net.h"

#include <stdio.h>
#include <stdlib.h>

POINT_ABOUT("nemesis/net/part", "The network falls apart: some nodes do not see others any more.");
POINT_ABOUT("nemesis/net/join", "A partition is over.");

enum shape { SHAPE_ANY, SHAPE_ISOLATE, SHAPE_ONE_WAY, SHAPE_HALVES, SHAPE_BRIDGE, SHAPE_RING };

const char *const partition_shapes[] = {"any",    "isolate one",   "one way", "halves",
                                        "bridge", "majority ring", NULL};

#define SHAPE_COUNT ((size_t)SHAPE_RING)
#define RING_NODES  5

struct partition {
    struct ailment base;
    size_t count;
    bool cut[]; /* count x count, by id - 1: [from][to] */
};

/* Does a message from the node at place i reach the one at place j of `count`? */
static bool reaches(enum shape shape, size_t count, bool deaf, size_t i, size_t j)
{
    size_t half = count / 2, distance = i < j ? j - i : i - j;
    switch (shape) {
    case SHAPE_ISOLATE: return i != 0 && j != 0;
    case SHAPE_ONE_WAY: return deaf ? j != 0 : i != 0;
    case SHAPE_HALVES: return (i < half) == (j < half);
    case SHAPE_BRIDGE: return i == 0 || j == 0 || (i <= half) == (j <= half);
    case SHAPE_RING:
        if (distance > count - distance)
            distance = count - distance;
        return 2 * distance <= count / 2 + 1;
    case SHAPE_ANY: break;
    }
    return true;
}

/* Puts the nodes into a drawn order: Fisher and Yates. */
static void shuffle(const struct nemesis *nemesis, struct node **nodes, size_t count)
{
    char aspect[32];
    for (size_t i = 0; i + 1 < count; i++) {
        snprintf(aspect, sizeof aspect, "place%zu", i);
        size_t other = i + nemesis_pick(nemesis, aspect, count - i);
        struct node *node = nodes[i];
        nodes[i] = nodes[other];
        nodes[other] = node;
    }
}

static enum shape pick_shape(const struct nemesis *nemesis, size_t count)
{
    enum shape shape = (enum shape)nemesis_range(nemesis, "shape").lo;
    if (shape == SHAPE_ANY)
        shape = (enum shape)(1 + nemesis_pick(nemesis, "shape", SHAPE_COUNT));
    if (shape == SHAPE_RING && count < RING_NODES)
        shape = SHAPE_HALVES;
    if (shape == SHAPE_BRIDGE && count < 3)
        shape = SHAPE_ISOLATE;
    return shape;
}

static struct link *link_at(const struct partition *partition, size_t at)
{
    struct world *world = partition->base.nemesis->world;
    struct node *from = world_nodes(world), *to = world_nodes(world);
    for (size_t i = at / partition->count; i > 0; i--)
        from = from->next;
    for (size_t i = at % partition->count; i > 0; i--)
        to = to->next;
    return world_link(world, from, to);
}

static void partition_cure(struct ailment *base)
{
    const struct partition *partition = (const struct partition *)base;
    for (size_t i = 0; i < partition->count * partition->count; i++)
        if (partition->cut[i])
            link_at(partition, i)->cut = false;
    TRACE(world_site(base->nemesis->world), "nemesis/net/join", T_U64("n", base->nemesis->number));
}

/* "n2 n1 | db n3": the nodes by place; the bar stands where the second group begins. */
static void describe(struct node **nodes, size_t count, size_t bar, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s%s", i ? " " : "",
                                 i && i == bar ? "| " : "", nodes[i]->name);
}

static size_t bar_of(enum shape shape, size_t count)
{
    switch (shape) {
    case SHAPE_HALVES: return count / 2;
    case SHAPE_BRIDGE: return count / 2 + 1;
    case SHAPE_RING: return 0;
    default: return 1;
    }
}

struct plan {
    struct node **nodes; /* by place */
    size_t count;
    enum shape shape;
    bool deaf;
};

static bool is_parted(const struct nemesis *nemesis, const struct plan *plan, size_t i, size_t j)
{
    return i != j && !reaches(plan->shape, plan->count, plan->deaf, i, j) &&
           !world_link(nemesis->world, plan->nodes[i], plan->nodes[j])->cut;
}

static int64_t count_parted(const struct nemesis *nemesis, const struct plan *plan)
{
    int64_t parted = 0;
    for (size_t i = 0; i < plan->count; i++)
        for (size_t j = 0; j < plan->count; j++)
            parted += is_parted(nemesis, plan, i, j);
    return parted;
}

static void part(struct nemesis *nemesis, const struct plan *plan)
{
    char sides[400];
    size_t count = plan->count;
    int64_t lasts = nemesis_draw(nemesis, "lasts");
    struct partition *partition =
        ailment_add(nemesis, sizeof *partition + count * count, partition_cure, lasts);
    partition->count = count;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (!is_parted(nemesis, plan, i, j))
                continue;
            world_link(nemesis->world, plan->nodes[i], plan->nodes[j])->cut = true;
            partition->cut[(plan->nodes[i]->id - 1) * count + plan->nodes[j]->id - 1] = true;
        }
    }
    describe(plan->nodes, count, bar_of(plan->shape, count), sides, sizeof sides);
    TRACE(world_site(nemesis->world), "nemesis/net/part", T_U64("n", nemesis->number),
          T_STR("shape", partition_shapes[plan->shape]), T_STR("nodes", sides),
          T_I64("for_ns", lasts));
}

enum strike strike_partition(struct nemesis *nemesis)
{
    struct plan plan = {0};
    for (struct node *node = world_nodes(nemesis->world); node; node = node->next)
        plan.count++;
    if (plan.count < 2)
        return STRIKE_NOBODY;
    plan.nodes = calloc(plan.count, sizeof(struct node *));
    if (!plan.nodes)
        abort();
    size_t filled = 0;
    for (struct node *node = world_nodes(nemesis->world); node; node = node->next)
        plan.nodes[filled++] = node;
    plan.shape = pick_shape(nemesis, plan.count);
    plan.deaf = nemesis_pick(nemesis, "direction", 2) == 1;
    shuffle(nemesis, plan.nodes, plan.count);
    int64_t parted = count_parted(nemesis, &plan);
    enum strike outcome = parted == 0                           ? STRIKE_NOBODY
                          : parted > links_left(nemesis->world) ? STRIKE_REFUSED
                                                                : STRIKE_MADE;
    if (outcome == STRIKE_MADE)
        part(nemesis, &plan);
    free(plan.nodes);
    return outcome;
}
