/* Links: messages under way between nodes, one direction each.
 *
 * A message takes the link's latency, drawn for each, and is delivered to the incarnation it was sent to. If the receiver
 * is down, or another incarnation, when it arrives, it is refused, and the sender may be told. A paused receiver gets it
 * when it resumes. What else can happen depends on what the link is:
 *
 *   stream     one connection, as TCP gives it: nothing is lost, doubled or overtaken within it. A lost segment is sent
 *              again, so all that stands behind it is late. The connection can be torn (both sides are told), or be
 *              half-open (the other side knows nothing of it any more, and nobody is told).
 *   datagram   each message stands for itself (a call with a connection of its own, behind a proxy that may ask again):
 *              it can be lost, come twice, or be overtaken, and holds up nobody.
 *
 * Each fate is a keyed choice (stream net, "net/link/drop" ..., node: the sender, key: the receiver, ordinal: the
 * how-manieth message of this direction); 0 is plain delivery. What happened to a message is recorded, plain delivery
 * is not.
 */
#include "harness/world/world_internal.h"

#include <stdlib.h>
#include <utlist.h>

#define RETRANSMIT_NS                                                                              \
    INT64_C(200000000) /* the least time-out of TCP in practice; doubled each time */
#define RETRANSMITS_MAX  6
#define HUNDREDTHS       10000
#define TAIL_STEPS       100
#define RESET_NOTICED_NS INT64_C(1000)

POINT_ABOUT("net/link/drop", "a message vanished on its way, and nobody is told");
POINT_ABOUT("net/link/duplicate", "a message will arrive a second time");
POINT_ABOUT("net/link/reorder", "a message is held back, and others overtake it");
POINT_ABOUT("net/link/retransmit",
            "a message was lost and sent again, and holds up what follows it");
POINT_ABOUT("net/link/refuse", "a message was turned away; its sender is told");
POINT_ABOUT("net/link/reset", "a message was torn off with its connection; its sender is told");

static struct flying *flying_new(struct world *world, struct packet *packet)
{
    struct flying *flying = world->landed;
    if (flying)
        world->landed = flying->next;
    else if (!(flying = malloc(sizeof *flying)))
        abort();
    *flying = (struct flying){.packet = packet, .world = world};
    DL_APPEND(world->flying, flying);
    return flying;
}

static void land(struct flying *flying)
{
    DL_DELETE(flying->world->flying, flying);
    flying->next = flying->world->landed;
    flying->world->landed = flying;
}

static void lose(struct flying *flying, enum loss why)
{
    struct packet *packet = flying->packet;
    land(flying);
    packet->lost(packet, why);
}

/* ---- arriving ---- */

static void vanish(void *arg)
{
    lose(arg, LOSS_SILENT);
}

static void bounce(void *arg)
{
    lose(arg, LOSS_REFUSED);
}

static void tear(void *arg)
{
    lose(arg, LOSS_RESET);
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
    struct world *world = flying->world;
    struct node *to = flying->packet->to;
    if (to->state == NODE_DOWN || to->boots != flying->packet->to_boot)
        lose(flying, LOSS_REFUSED);
    else if (to->paused)
        flying->timer = world_at(world, NULL, node_extra(to)->paused_until + 1, arrive, flying);
    else
        world_call(world, to, hand_over, flying);
}

/* ---- how long it takes ---- */

static struct choice choice_about(const char *name, const struct link *link,
                                  const struct packet *packet)
{
    return (struct choice){.stream = STREAM_NET,
                           .name = name,
                           .node = packet->from->id,
                           .key = packet->to->id,
                           .ordinal = link->sent};
}

static bool happens(struct world *world, const char *name, const struct link *link,
                    const struct packet *packet, int64_t share)
{
    struct choice choice = choice_about(name, link, packet);
    return share > 0 && tape_chance(world->tape, &choice, (uint64_t)share, HUNDREDTHS);
}

static int64_t between(struct world *world, const char *name, const struct link *link,
                       const struct packet *packet, int64_t lo_ns, int64_t hi_ns)
{
    struct choice choice = choice_about(name, link, packet);
    return tape_between(world->tape, &choice, lo_ns, hi_ns);
}

/* Heavy: twice as long is half as likely, up to tail_ns. */
static int64_t tail(struct world *world, const struct link *link, const struct packet *packet)
{
    if (!happens(world, "net/link/tail", link, packet, link->tail))
        return 0;
    return link->tail_ns /
           (TAIL_STEPS - between(world, "net/link/late", link, packet, 0, TAIL_STEPS - 1));
}

static int64_t latency(struct world *world, const struct link *link, const struct packet *packet)
{
    return link->slow_ns + tail(world, link, packet) +
           between(world, "net/link/latency", link, packet, link->latency_lo_ns,
                   link->latency_hi_ns);
}

/* How long a stream takes to bring over what is lost again and again. */
static int64_t retransmit(struct world *world, const struct link *link, const struct packet *packet)
{
    int64_t wait_ns = 0;
    unsigned times = 0;
    for (; link->drop > 0 && times < RETRANSMITS_MAX; times++) {
        struct choice choice = choice_about("net/link/drop", link, packet);
        choice.key |= (uint64_t)times << 32;
        if (!tape_chance(world->tape, &choice, (uint64_t)link->drop, HUNDREDTHS))
            break;
        wait_ns += RETRANSMIT_NS << times;
    }
    if (times > 0)
        TRACE(&packet->from->site, "net/link/retransmit", T_U64("to", packet->to->id),
              T_U64("n", link->sent), T_U64("times", times), T_I64("by_ns", wait_ns));
    return wait_ns;
}

/* A slow line takes one message after the other. */
static int64_t squeezed(struct link *link, int64_t when)
{
    if (link->each_ns == 0)
        return when;
    link->free_ns = (when > link->free_ns ? when : link->free_ns) + link->each_ns;
    return link->free_ns;
}

static int64_t in_order(struct link *link, int64_t when)
{
    if (when > link->last_ns)
        link->last_ns = when;
    return link->last_ns;
}

/* ---- what becomes of it ---- */

static void send_stream(struct world *world, struct link *link, struct flying *flying, int64_t when)
{
    when = squeezed(link, when + retransmit(world, link, flying->packet));
    flying->timer = world_at(world, NULL, in_order(link, when), arrive, flying);
}

static void send_copy(struct world *world, struct link *link, const struct packet *packet,
                      int64_t when)
{
    struct packet *copy = packet->copy(packet);
    copy->from = packet->from;
    copy->to = packet->to;
    copy->from_boot = packet->from_boot;
    copy->to_boot = packet->to_boot;
    TRACE(&packet->from->site, "net/link/duplicate", T_U64("to", packet->to->id),
          T_U64("n", link->sent));
    struct flying *flying = flying_new(world, copy);
    when += between(world, "net/link/echo", link, packet, 0, link->duplicate_ns);
    flying->timer = world_at(world, NULL, when, arrive, flying);
}

static void send_datagram(struct world *world, struct link *link, struct flying *flying,
                          int64_t when)
{
    struct packet *packet = flying->packet;
    when = squeezed(link, when);
    if (happens(world, "net/link/drop", link, packet, link->drop)) {
        TRACE(&packet->from->site, "net/link/drop", T_U64("to", packet->to->id),
              T_U64("n", link->sent), T_STR("why", "lossy"));
        flying->timer = world_at(world, NULL, when, vanish, flying);
        return;
    }
    if (packet->copy && happens(world, "net/link/duplicate", link, packet, link->duplicate))
        send_copy(world, link, packet, when);
    if (happens(world, "net/link/reorder", link, packet, link->reorder)) {
        int64_t by_ns = between(world, "net/link/behind", link, packet, 1, link->reorder_ns);
        TRACE(&packet->from->site, "net/link/reorder", T_U64("to", packet->to->id),
              T_U64("n", link->sent), T_I64("by_ns", by_ns));
        when += by_ns;
    }
    flying->timer = world_at(world, NULL, when, arrive, flying);
}

void world_send(struct world *world, struct node *from, struct node *to, struct packet *packet)
{
    struct link *link = world_link(world, from, to);
    struct flying *flying = flying_new(world, packet);
    packet->from = from;
    packet->to = to;
    packet->from_boot = from->boots;
    packet->to_boot = to->boots;
    link->sent++;
    int64_t when = world->now + latency(world, link, packet);
    if (link->cut || link->half_open) {
        TRACE(&from->site, "net/link/drop", T_U64("to", to->id), T_U64("n", link->sent),
              T_STR("why", link->cut ? "cut" : "half-open"));
        flying->timer = world_at(world, NULL, when, vanish, flying);
    } else if (link->refusing) {
        TRACE(&from->site, "net/link/refuse", T_U64("to", to->id), T_U64("n", link->sent));
        flying->timer = world_at(world, NULL, when, bounce, flying);
    } else if (link->kind == LINK_STREAM) {
        send_stream(world, link, flying, when);
    } else {
        send_datagram(world, link, flying, when);
    }
}

void world_drop_flying(struct world *world)
{
    while (world->flying)
        vanish(world->flying);
    for (struct flying *next; world->landed; world->landed = next) {
        next = world->landed->next;
        free(world->landed);
    }
}

/* ---- connections ---- */

void world_link_kind(struct world *world, struct node *a, struct node *b, enum link_kind kind)
{
    world_link(world, a, b)->kind = kind;
    world_link(world, b, a)->kind = kind;
}

uint64_t world_connection(struct world *world, struct node *a, struct node *b)
{
    return world_link(world, a, b)->connection;
}

void world_reconnect(struct world *world, struct node *a, struct node *b)
{
    world_link(world, a, b)->half_open = false;
    world_link(world, b, a)->half_open = false;
}

static bool runs_between(const struct packet *packet, const struct node *a, const struct node *b)
{
    return (packet->from == a && packet->to == b) || (packet->from == b && packet->to == a);
}

void world_reset(struct world *world, struct node *a, struct node *b)
{
    struct flying *flying;
    world_link(world, a, b)->connection++;
    world_link(world, b, a)->connection = world_link(world, a, b)->connection;
    world_reconnect(world, a, b);
    DL_FOREACH (world->flying, flying) {
        const struct packet *packet = flying->packet;
        if (!runs_between(packet, a, b) || !world_cancel(world, flying->timer))
            continue;
        TRACE(&packet->from->site, "net/link/reset", T_U64("to", packet->to->id));
        flying->timer = world_at(world, NULL, world->now + RESET_NOTICED_NS, tear, flying);
    }
}

void link_heal(struct link *link)
{
    link->cut = link->half_open = link->refusing = false;
    link->slow_ns = link->tail_ns = link->reorder_ns = link->duplicate_ns = link->each_ns = 0;
    link->drop = link->duplicate = link->reorder = link->tail = 0;
}
