/* nemeses_net.c: links between nodes break, in one direction or in both, and heal. */
#include "nemesis/nemeses_internal.h"

POINT_ABOUT("nemesis/link/cut", "From now on messages of this direction vanish.");
POINT_ABOUT("nemesis/link/slow", "From now on messages of this direction take longer.");
POINT_ABOUT("nemesis/link/heal", "A link that was cut or slow works again.");

/* One direction of a link that is cut or slow. */
struct link_ailment {
    struct ailment base;
    struct node *from, *to;
    bool is_cut;
};

struct pair {
    struct node *a, *b;
};

static bool is_well(struct world *world, struct node *from, struct node *to, bool for_cut)
{
    const struct link *link = world_link(world, from, to);
    return for_cut ? !link->cut : link->slow_ns == 0;
}

/* Counts the pairs of nodes between which both directions are well, until it comes to number
 * `wanted`. */
static size_t find_pair(struct world *world, bool for_cut, size_t wanted, struct pair *ret_pair)
{
    size_t count = 0;
    for (struct node *a = world_nodes(world); a; a = a->next) {
        for (struct node *b = a->next; b; b = b->next) {
            if (!is_well(world, a, b, for_cut) || !is_well(world, b, a, for_cut))
                continue;
            *ret_pair = (struct pair){a, b};
            if (count++ == wanted)
                return count;
        }
    }
    return count;
}

static void link_cure(struct ailment *base)
{
    const struct link_ailment *ailment = (const struct link_ailment *)base;
    struct world *world = base->nemesis->world;
    struct link *link = world_link(world, ailment->from, ailment->to);
    if (ailment->is_cut)
        link->cut = false;
    else
        link->slow_ns = 0;
    TRACE(world_site(world), "nemesis/link/heal", T_U64("from", ailment->from->id),
          T_U64("to", ailment->to->id), T_STR("was", ailment->is_cut ? "cut" : "slow"));
}

/* slow_ns 0: cut it. */
static void break_link(struct nemesis *nemesis, struct node *from, struct node *to, int64_t slow_ns,
                       int64_t lasts_ns)
{
    struct world *world = nemesis->world;
    struct link_ailment *ailment = ailment_add(nemesis, sizeof *ailment, link_cure, lasts_ns);
    ailment->from = from;
    ailment->to = to;
    ailment->is_cut = slow_ns == 0;
    if (slow_ns == 0) {
        world_link(world, from, to)->cut = true;
        TRACE(world_site(world), "nemesis/link/cut", T_U64("from", from->id), T_U64("to", to->id),
              T_I64("for_ns", lasts_ns));
    } else {
        world_link(world, from, to)->slow_ns = slow_ns;
        TRACE(world_site(world), "nemesis/link/slow", T_U64("from", from->id), T_U64("to", to->id),
              T_I64("by_ns", slow_ns), T_I64("for_ns", lasts_ns));
    }
}

static enum strike strike_link(struct nemesis *nemesis, bool for_cut)
{
    enum { BOTH, FORTH, BACK, DIRECTIONS };
    struct pair pair;
    size_t count = find_pair(nemesis->world, for_cut, SIZE_MAX, &pair);
    if (count == 0)
        return STRIKE_NOBODY;
    find_pair(nemesis->world, for_cut, nemesis_pick(nemesis, "whom", count), &pair);
    size_t direction = nemesis_pick(nemesis, "direction", DIRECTIONS);
    int64_t lasts = nemesis_draw(nemesis, "lasts");
    int64_t slow = for_cut ? 0 : nemesis_draw(nemesis, "amount");
    if (direction != BACK)
        break_link(nemesis, pair.a, pair.b, slow, lasts);
    if (direction != FORTH)
        break_link(nemesis, pair.b, pair.a, slow, lasts);
    return STRIKE_MADE;
}

enum strike strike_cut(struct nemesis *nemesis)
{
    return strike_link(nemesis, true);
}

enum strike strike_slow(struct nemesis *nemesis)
{
    return strike_link(nemesis, false);
}
