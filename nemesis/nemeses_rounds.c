/* nemeses_rounds.c: nemeses of nodes that go on for several rounds: a rolling restart, a crash loop. Each is one strike and
 * one ailment; each single death is within the budget.
 */
#include "nemesis/nemeses_internal.h"

#define POLL_NS (1 * NEMESIS_S)

/* What is left undone at the end of the safety phase the world heals. */
static void is_over(struct ailment *base)
{
    (void)base;
}

static void step_in(struct ailment *base, int64_t ns, world_fn *step)
{
    struct world *world = base->nemesis->world;
    base->step = world_at(world, NULL, world_now(world) + ns, step, base);
}

/* ---- rolling restart: one node after the other, each asked gracefully, the next when the last one is back ---- */

struct rolling {
    struct ailment base;
    struct node *next;    /* NULL: that was the last one */
    struct node *waiting; /* for this one to come back */
    uint64_t boots;       /* which it had */
    int64_t back_ns, gap_ns;
};

static void rolling_step(void *arg)
{
    struct rolling *rolling = arg;
    struct node *node = rolling->next;
    if (rolling->waiting && rolling->waiting->boots == rolling->boots) {
        step_in(&rolling->base, POLL_NS, rolling_step);
    } else if (rolling->waiting) {
        rolling->waiting = NULL;
        step_in(&rolling->base, rolling->gap_ns, rolling_step);
    } else if (!node) {
        ailment_end(&rolling->base);
    } else if (!node->expendable) {
        rolling->next = node->next;
        rolling_step(rolling);
    } else {
        if (node_restart(node, NODE_STOP_GRACE_NS, rolling->back_ns)) {
            rolling->waiting = node;
            rolling->boots = node->boots;
            rolling->next = node->next;
        } /* else it, or another one, is down: later */
        step_in(&rolling->base, POLL_NS, rolling_step);
    }
}

enum strike strike_rolling(struct nemesis *nemesis)
{
    struct node *first = world_nodes(nemesis->world);
    while (first && !first->expendable)
        first = first->next;
    if (!first)
        return STRIKE_NOBODY;
    if (world_budget(nemesis->world)->nodes_down == 0)
        return STRIKE_REFUSED;
    struct rolling *rolling = ailment_add(nemesis, sizeof *rolling, is_over, NEMESIS_YEAR);
    rolling->next = first;
    rolling->back_ns = nemesis_draw(nemesis, "lasts");
    rolling->gap_ns = nemesis_draw(nemesis, "gap");
    rolling_step(rolling);
    return STRIKE_MADE;
}

/* ---- crash loop: a node dies again shortly after each boot ---- */

struct crash_loop {
    struct ailment base;
    struct node *node;
    uint64_t boots; /* the incarnation that was killed last */
    int64_t left;   /* deaths to come */
    int64_t back_ns, dies_ns;
};

static void loop_boot(void *arg);

static void loop_die(void *arg)
{
    struct crash_loop *loop = arg;
    struct node *node = loop->node;
    if (node->boots != loop->boots + 1 || node->state == NODE_DOWN || loop->left == 0 ||
        !node_kill(node, false, false)) {
        ailment_end(&loop->base); /* it is out of our hands, or enough */
        return;
    }
    loop->left--;
    loop->boots = node->boots;
    step_in(&loop->base, loop->back_ns, loop_boot);
}

static void loop_boot(void *arg)
{
    struct crash_loop *loop = arg;
    if (loop->node->boots == loop->boots)
        node_boot(loop->node);
    step_in(&loop->base, loop->dies_ns, loop_die);
}

static void loop_over(struct ailment *base)
{
    const struct crash_loop *loop = (const struct crash_loop *)base;
    if (loop->node->boots == loop->boots)
        node_boot(loop->node);
}

enum strike strike_loop(struct nemesis *nemesis)
{
    struct node *node = nemesis_pick_node(nemesis, node_can_die);
    if (!node)
        return STRIKE_NOBODY;
    if (!node_kill(node, false, false))
        return STRIKE_REFUSED;
    struct crash_loop *loop = ailment_add(nemesis, sizeof *loop, loop_over, NEMESIS_YEAR);
    loop->node = node;
    loop->boots = node->boots;
    loop->left = nemesis_draw(nemesis, "times") - 1;
    loop->back_ns = nemesis_draw(nemesis, "lasts");
    loop->dies_ns = nemesis_draw(nemesis, "dies");
    step_in(&loop->base, loop->back_ns, loop_boot);
    return STRIKE_MADE;
}
