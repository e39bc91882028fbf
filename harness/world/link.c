/* Links: messages under way between nodes.
 *
 * A message takes the link's latency, drawn for each, and never overtakes an earlier one of the same link. What can
 * happen to it: it is delivered to the incarnation it was sent to; the link is cut when it is sent, and it vanishes;
 * the receiver is down, or another incarnation, when it arrives: refused, and the sender may be told. A paused
 * receiver gets it when it resumes.
 */
#include "harness/world/world_internal.h"

#include <stdlib.h>
#include <utlist.h>

static void land(struct flying *flying)
{
    DL_DELETE(flying->world->flying, flying);
    free(flying);
}

static void vanish(void *arg)
{
    struct flying *flying = arg;
    struct packet *packet = flying->packet;
    land(flying);
    packet->lost(packet, false);
}

static void hand_over(void *arg)
{
    struct flying *flying = arg;
    struct packet *packet = flying->packet;
    land(flying);
    packet->deliver(packet);
}

static void arrive(void *arg)
{
    struct flying *flying = arg;
    struct packet *packet = flying->packet;
    struct node *to = packet->to;
    if (to->state == NODE_DOWN || to->boots != packet->to_boot) {
        land(flying);
        packet->lost(packet, true);
    } else if (to->paused) {
        int64_t until = node_extra(to)->paused_until;
        world_at(flying->world, NULL, until + 1, arrive, flying);
    } else {
        world_at(flying->world, to, flying->world->now, hand_over, flying);
    }
}

static int64_t latency(struct world *world, struct link *link, const struct packet *packet)
{
    struct choice choice = {.stream = STREAM_NET,
                            .name = "net/link/latency",
                            .node = packet->from->id,
                            .key = packet->to->id,
                            .ordinal = ++link->sent};
    return link->slow_ns +
           tape_between(world->tape, &choice, link->latency_lo_ns, link->latency_hi_ns);
}

void world_send(struct world *world, struct node *from, struct node *to, struct packet *packet)
{
    struct link *link = world_link(world, from, to);
    struct flying *flying = calloc(1, sizeof *flying);
    if (!flying)
        abort();
    packet->from = from;
    packet->to = to;
    packet->from_boot = from->boots;
    packet->to_boot = to->boots;
    flying->packet = packet;
    flying->world = world;
    DL_APPEND(world->flying, flying);

    int64_t when = world->now + latency(world, link, packet);
    if (link->cut) {
        world_at(world, NULL, when, vanish, flying);
        return;
    }
    if (when < link->last_ns)
        when = link->last_ns;
    link->last_ns = when;
    world_at(world, NULL, when, arrive, flying);
}

void world_drop_flying(struct world *world)
{
    while (world->flying)
        vanish(world->flying);
}
