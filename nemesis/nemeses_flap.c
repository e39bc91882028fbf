/* nemeses_flap.c: a link that goes down, up, down, ... in both directions until its time is over. How long each turn takes
 * is a choice of its own. It stays up where it would exceed the budget, or where somebody else has cut it.
 */
#include "nemesis/nemeses_net.h"

POINT_ABOUT("nemesis/link/flap", "A flapping link goes down, or up again.");

struct flap_ailment {
    struct ailment base;
    struct pair pair;
    bool down;
    struct range up, down_for; /* drawn from at each turn */
    struct choice choice;      /* of the length of the next turn */
};

static void set_down(struct flap_ailment *flap, bool down)
{
    struct world *world = flap->base.nemesis->world;
    flap->down = down;
    world_link(world, flap->pair.a, flap->pair.b)->cut = down;
    world_link(world, flap->pair.b, flap->pair.a)->cut = down;
    TRACE(world_site(world), "nemesis/link/flap", T_U64("from", flap->pair.a->id),
          T_U64("to", flap->pair.b->id), T_STR("goes", down ? "down" : "up"));
}

static void flap_turn(void *arg)
{
    struct flap_ailment *flap = arg;
    struct world *world = flap->base.nemesis->world;
    const struct link *forth = world_link(world, flap->pair.a, flap->pair.b);
    const struct link *back = world_link(world, flap->pair.b, flap->pair.a);
    if (flap->down)
        set_down(flap, false);
    else if (!forth->cut && !back->cut && links_left(world) >= 2)
        set_down(flap, true);
    struct range range = flap->down ? flap->down_for : flap->up;
    flap->choice.ordinal++;
    int64_t takes = tape_between(world_tape(world), &flap->choice, range.lo, range.hi);
    flap->base.step = world_at(world, NULL, world_now(world) + takes, flap_turn, flap);
}

static void flap_cure(struct ailment *base)
{
    struct flap_ailment *flap = (struct flap_ailment *)base;
    if (flap->down)
        set_down(flap, false);
}

enum strike strike_flap(struct nemesis *nemesis)
{
    struct pair pair;
    if (!pick_uncut_pair(nemesis, &pair))
        return STRIKE_NOBODY;
    if (links_left(nemesis->world) < 2)
        return STRIKE_REFUSED;
    struct flap_ailment *flap =
        ailment_add(nemesis, sizeof *flap, flap_cure, nemesis_draw(nemesis, "lasts"));
    flap->pair = pair;
    flap->up = nemesis_range(nemesis, "up");
    flap->down_for = nemesis_range(nemesis, "down");
    flap->choice = (struct choice){.stream = STREAM_NEMESIS,
                                   .name = "nemesis/flap/turn",
                                   .node = (uint32_t)nemesis->number,
                                   .key = nemesis->n};
    flap_turn(flap);
    return STRIKE_MADE;
}
