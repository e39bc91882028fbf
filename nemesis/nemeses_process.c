/* nemeses_process.c: nodes die, are restarted, stand still. Whether one more may be down is the world's
 * business (its budget). */
#include "nemesis/nemeses_internal.h"

#define STOP_GRACE_NS (120 * NEMESIS_S)

static bool can_die(const struct node *node)
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

static enum strike strike_down(struct nemesis *nemesis, bool power_loss)
{
    struct node *node = nemesis_pick_node(nemesis, can_die);
    if (!node)
        return STRIKE_NOBODY;
    if (!node_kill(node, power_loss, false))
        return STRIKE_REFUSED;
    node_boot_after(node, nemesis_draw(nemesis, "lasts"));
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

enum strike strike_restart(struct nemesis *nemesis)
{
    struct node *node = nemesis_pick_node(nemesis, can_stop);
    if (!node)
        return STRIKE_NOBODY;
    return node_stop(node, STOP_GRACE_NS, nemesis_draw(nemesis, "lasts")) ? STRIKE_MADE
                                                                          : STRIKE_REFUSED;
}

enum strike strike_pause(struct nemesis *nemesis)
{
    struct node *node = nemesis_pick_node(nemesis, can_pause);
    if (!node)
        return STRIKE_NOBODY;
    node_pause(node, nemesis_draw(nemesis, "lasts"));
    return STRIKE_MADE;
}
