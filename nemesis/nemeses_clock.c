/* nemeses_clock.c: the clocks of nodes jump, stand still, and run too fast or too slow. Where a clock may be at most is
 * the world's business (its budget). A jump is for good; speeds are put right again. */
#include "nemesis/nemeses_internal.h"

struct clock_ailment {
    struct ailment base;
    struct node *node;
    int64_t by_ns;     /* strobe: what the next jump is */
    int64_t period_ns; /* strobe */
    world_timer jump;
};

static bool any_node(const struct node *node)
{
    (void)node;
    return true;
}

static bool is_steady(const struct node *node)
{
    return node->clock.drift_ppm == node->clock.own_ppm;
}

static bool runs(const struct node *node)
{
    return !node->clock.stopped;
}

/* Forward is the simplest. */
static int64_t signed_by(struct nemesis *nemesis, int64_t by)
{
    enum { FORWARD, BACK, DIRECTIONS };
    return nemesis_pick(nemesis, "direction", DIRECTIONS) == BACK ? -by : by;
}

enum strike strike_step_clock(struct nemesis *nemesis)
{
    struct node *node = nemesis_pick_node(nemesis, any_node);
    if (!node)
        return STRIKE_NOBODY;
    int64_t by = signed_by(nemesis, nemesis_draw(nemesis, "amount"));
    return node_clock_step(node, by) || node_clock_step(node, -by) ? STRIKE_MADE : STRIKE_REFUSED;
}

/* ---- strobe ---- */

static void strobe_jump(void *arg)
{
    struct clock_ailment *ailment = arg;
    struct world *world = ailment->base.nemesis->world;
    if (node_clock_step(ailment->node, ailment->by_ns))
        ailment->by_ns = -ailment->by_ns;
    ailment->jump =
        world_at(world, NULL, world_now(world) + ailment->period_ns, strobe_jump, ailment);
}

static void strobe_cure(struct ailment *base)
{
    struct clock_ailment *ailment = (struct clock_ailment *)base;
    world_cancel(base->nemesis->world, ailment->jump);
}

enum strike strike_strobe_clock(struct nemesis *nemesis)
{
    struct node *node = nemesis_pick_node(nemesis, any_node);
    if (!node)
        return STRIKE_NOBODY;
    int64_t by = signed_by(nemesis, nemesis_draw(nemesis, "amount"));
    int64_t lasts = nemesis_draw(nemesis, "lasts");
    if (!node_clock_step(node, by))
        return STRIKE_REFUSED;
    struct clock_ailment *ailment = ailment_add(nemesis, sizeof *ailment, strobe_cure, lasts);
    struct world *world = nemesis->world;
    ailment->node = node;
    ailment->by_ns = -by;
    ailment->period_ns = nemesis_draw(nemesis, "period");
    ailment->jump =
        world_at(world, NULL, world_now(world) + ailment->period_ns, strobe_jump, ailment);
    return STRIKE_MADE;
}

/* ---- speed ---- */

static void drift_cure(struct ailment *base)
{
    struct clock_ailment *ailment = (struct clock_ailment *)base;
    node_clock_drift(ailment->node, ailment->node->clock.own_ppm);
}

enum strike strike_drift_clock(struct nemesis *nemesis)
{
    struct node *node = nemesis_pick_node(nemesis, is_steady);
    if (!node)
        return STRIKE_NOBODY;
    int64_t ppm = signed_by(nemesis, nemesis_draw(nemesis, "amount") * 100);
    int64_t lasts = nemesis_draw(nemesis, "lasts");
    struct clock_ailment *ailment = ailment_add(nemesis, sizeof *ailment, drift_cure, lasts);
    ailment->node = node;
    node_clock_drift(node, ppm);
    return STRIKE_MADE;
}

static void stop_cure(struct ailment *base)
{
    struct clock_ailment *ailment = (struct clock_ailment *)base;
    node_clock_go(ailment->node);
}

enum strike strike_stop_clock(struct nemesis *nemesis)
{
    struct node *node = nemesis_pick_node(nemesis, runs);
    if (!node)
        return STRIKE_NOBODY;
    int64_t lasts = nemesis_draw(nemesis, "lasts");
    if (!node_clock_stop(node, lasts))
        return STRIKE_REFUSED;
    struct clock_ailment *ailment = ailment_add(nemesis, sizeof *ailment, stop_cure, lasts);
    ailment->node = node;
    return STRIKE_MADE;
}
