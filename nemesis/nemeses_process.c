/* nemeses_process.c: nodes die, are restarted, stand still. Whether one more may be down is the world's
 * business (its budget). */
#include "nemesis/nemeses_internal.h"

bool node_can_die(const struct node *node)
{
    return node->expendable && node->state != NODE_DOWN;
}

static bool can_stop(const struct node *node)
{
    return node->expendable && node->state == NODE_UP;
}

static bool can_pause(const struct node *node)
{
    return node->state != NODE_DOWN && !node->paused;
}

/* A node that is down, or stands still. */
struct node_ailment {
    struct ailment base;
    struct node *node;
    uint64_t boots; /* the incarnation that was struck */
};

/* Unless somebody else has brought it back already. */
static void boot_again(struct ailment *base)
{
    const struct node_ailment *ailment = (const struct node_ailment *)base;
    if (ailment->node->boots == ailment->boots)
        node_boot(ailment->node);
}

/* The world itself brings it back, at this time at the latest. */
static void is_over(struct ailment *base)
{
    (void)base;
}

static void node_ails(struct nemesis *nemesis, struct node *node, int64_t lasts_ns,
                      void (*cure)(struct ailment *ailment))
{
    struct node_ailment *ailment = ailment_add(nemesis, sizeof *ailment, cure, lasts_ns);
    ailment->node = node;
    ailment->boots = node->boots;
}

static enum strike strike_down(struct nemesis *nemesis, bool power_loss)
{
    struct node *node = nemesis_pick_node(nemesis, node_can_die);
    if (!node)
        return STRIKE_NOBODY;
    if (!node_kill(node, power_loss, false))
        return STRIKE_REFUSED;
    node_ails(nemesis, node, nemesis_draw(nemesis, "lasts"), boot_again);
    return STRIKE_MADE;
}

enum strike strike_kill(struct nemesis *nemesis)
{
    return strike_down(nemesis, false);
}

enum strike strike_power(struct nemesis *nemesis)
{
    return strike_down(nemesis, true);
}

/* The strike takes the disk too: the node comes back empty. */
static bool can_be_wiped(const struct node *node)
{
    return node_can_die(node) && node->wipeable;
}

enum strike strike_wipe(struct nemesis *nemesis)
{
    struct node *node = nemesis_pick_node(nemesis, can_be_wiped);
    if (!node)
        return STRIKE_NOBODY;
    if (!node_wipe(node))
        return STRIKE_REFUSED;
    node_ails(nemesis, node, nemesis_draw(nemesis, "lasts"), boot_again);
    return STRIKE_MADE;
}

/* ---- actors ---- */

static bool has_actors(const struct node *node)
{
    return node_next_actor(node, 0) != 0;
}

/* Over at once: what follows is the business of the system's supervisors. */
enum strike strike_crash(struct nemesis *nemesis)
{
    struct node *node = nemesis_pick_node(nemesis, has_actors);
    size_t count = 0;
    if (!node)
        return STRIKE_NOBODY;
    for (uint64_t actor = 0; (actor = node_next_actor(node, actor)) != 0;)
        count++;
    size_t left = nemesis_pick(nemesis, "actor", count);
    uint64_t actor = node_next_actor(node, 0), aim = nemesis->moment.actor;
    if (aim && node == nemesis->moment.node && node_next_actor(node, aim - 1) == aim) {
        actor = aim;
        left = 0;
    }
    while (left-- > 0)
        actor = node_next_actor(node, actor);
    node_crash_actor(node, actor);
    nemesis->count.healed++;
    return STRIKE_MADE;
}

/* ---- graceful, and still ---- */

enum strike strike_restart(struct nemesis *nemesis)
{
    struct node *node = nemesis_pick_node(nemesis, can_stop);
    if (!node)
        return STRIKE_NOBODY;
    int64_t lasts = nemesis_draw(nemesis, "lasts");
    if (!node_restart(node, NODE_STOP_GRACE_NS, lasts))
        return STRIKE_REFUSED;
    node_ails(nemesis, node, NODE_STOP_GRACE_NS + lasts, is_over);
    return STRIKE_MADE;
}

enum strike strike_pause(struct nemesis *nemesis)
{
    struct node *node = nemesis_pick_node(nemesis, can_pause);
    if (!node)
        return STRIKE_NOBODY;
    int64_t lasts = nemesis_draw(nemesis, "lasts");
    node_pause(node, lasts);
    node_ails(nemesis, node, lasts, is_over);
    return STRIKE_MADE;
}
