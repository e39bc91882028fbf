/* nemeses_net.c: links between nodes ail, in one direction or in both, and heal.
 *
 * A strike takes a pair of nodes between which this is well in both directions, one that has carried something if there
 * is one, then the direction. Each direction is an ailment of its own, so that overlapping strikes do not heal each
 * other. What the ailments do to messages is in harness/world/link.c; partitions are in nemeses_partition.c.
 */
#include "nemesis/nemeses_net.h"

#include <assert.h>

POINT_ABOUT("nemesis/link/cut", "From now on messages of this direction vanish.");
POINT_ABOUT("nemesis/link/slow", "From now on messages of this direction take longer.");
POINT_ABOUT("nemesis/link/impair", "From now on something happens to messages of this direction.");
POINT_ABOUT("nemesis/link/heal", "A direction of a link works again.");
POINT_ABOUT("nemesis/link/reset", "The connection between two nodes is torn.");

/* ---- what can ail a direction ---- */

/* X(ENUM, word, field whose zero means well, carries nothing, streams only, datagrams only) */
#define IMPAIRMENTS(X)                                                                             \
    X(CUT, "cut", cut, true, false, false)                                                         \
    X(HALF_OPEN, "half-open", half_open, true, true, false)                                        \
    X(REFUSING, "refusing", refusing, true, false, false)                                          \
    X(SLOW, "slow", slow_ns, false, false, false)                                                  \
    X(TAIL, "slow at times", tail, false, false, false)                                            \
    X(TRICKLE, "a trickle", each_ns, false, false, false)                                          \
    X(LOSSY, "lossy", drop, false, false, false)                                                   \
    X(DOUBLING, "doubling", duplicate, false, false, true)                                         \
    X(REORDERING, "reordering", reorder, false, false, true)

enum impairment {
#define X(e, ...) AILS_##e,
    IMPAIRMENTS(X)
#undef X
};

static const struct {
    const char *word;
    bool carries_nothing, streams_only, datagrams_only;
} impairments[] = {
#define X(e, word, field, nothing, streams, datagrams) {word, nothing, streams, datagrams},
    IMPAIRMENTS(X)
#undef X
};

static bool is_well(const struct link *link, enum impairment how)
{
    switch (how) {
#define X(e, word, field, ...)                                                                     \
    case AILS_##e: return link->field == 0;
        IMPAIRMENTS(X)
#undef X
    }
    return false;
}

/* How much, of which the impairment uses what it needs. */
struct measure {
    int64_t share, ns;
};

/* A measure of zeroes: nothing. */
static void impair(struct link *link, enum impairment how, struct measure measure)
{
    bool ails = measure.share != 0 || measure.ns != 0;
    switch (how) {
    case AILS_CUT: link->cut = ails; break;
    case AILS_HALF_OPEN: link->half_open = ails; break;
    case AILS_REFUSING: link->refusing = ails; break;
    case AILS_SLOW: link->slow_ns = measure.ns; break;
    case AILS_TRICKLE: link->each_ns = measure.ns; break;
    case AILS_LOSSY: link->drop = measure.share; break;
    case AILS_TAIL:
        link->tail = measure.share;
        link->tail_ns = measure.ns;
        break;
    case AILS_DOUBLING:
        link->duplicate = measure.share;
        link->duplicate_ns = measure.ns;
        break;
    case AILS_REORDERING:
        link->reorder = measure.share;
        link->reorder_ns = measure.ns;
        break;
    }
}

struct link_ailment {
    struct ailment base;
    struct node *from, *to;
    enum impairment how;
};

static void link_cure(struct ailment *base)
{
    const struct link_ailment *ailment = (const struct link_ailment *)base;
    struct world *world = base->nemesis->world;
    impair(world_link(world, ailment->from, ailment->to), ailment->how, (struct measure){0});
    TRACE(world_site(world), "nemesis/link/heal", T_U64("from", ailment->from->id),
          T_U64("to", ailment->to->id), T_STR("was", impairments[ailment->how].word));
}

static void record(const struct link_ailment *ailment, struct measure measure, int64_t lasts_ns)
{
    struct point_site *at = world_site(ailment->base.nemesis->world);
    uint32_t from = ailment->from->id, to = ailment->to->id;
    if (ailment->how == AILS_CUT)
        TRACE(at, "nemesis/link/cut", T_U64("from", from), T_U64("to", to),
              T_I64("for_ns", lasts_ns));
    else if (ailment->how == AILS_SLOW)
        TRACE(at, "nemesis/link/slow", T_U64("from", from), T_U64("to", to),
              T_I64("by_ns", measure.ns), T_I64("for_ns", lasts_ns));
    else
        TRACE(at, "nemesis/link/impair", T_U64("from", from), T_U64("to", to),
              T_STR("how", impairments[ailment->how].word), T_I64("share", measure.share),
              T_I64("by_ns", measure.ns), T_I64("for_ns", lasts_ns));
}

static void break_link(struct nemesis *nemesis, struct node *from, struct node *to,
                       enum impairment how, struct measure measure, int64_t lasts_ns)
{
    struct link_ailment *ailment = ailment_add(nemesis, sizeof *ailment, link_cure, lasts_ns);
    ailment->from = from;
    ailment->to = to;
    ailment->how = how;
    impair(world_link(nemesis->world, from, to), how, measure);
    record(ailment, measure, lasts_ns);
}

/* ---- the budget ---- */

int64_t links_left(struct world *world)
{
    int64_t left = world_budget(world)->links_cut;
    for (struct node *from = world_nodes(world); from; from = from->next)
        for (struct node *to = world_nodes(world); to; to = to->next) {
            const struct link *link = world_link(world, from, to);
            left -= link->cut || link->half_open || link->refusing;
        }
    return left;
}

/* ---- whom ---- */

/* Which pairs are asked first: those at the node of the moment, then all that have talked. */
enum wanted { AT_MOMENT, IN_USE, ANY_PAIR };

static bool fits(const struct nemesis *nemesis, struct pair pair, enum impairment how,
                 enum wanted wanted)
{
    const struct link *forth = world_link(nemesis->world, pair.a, pair.b);
    const struct link *back = world_link(nemesis->world, pair.b, pair.a);
    const struct node *here = nemesis->moment.node;
    if (wanted == AT_MOMENT && pair.a != here && pair.b != here)
        return false;
    if (wanted != ANY_PAIR && forth->sent + back->sent == 0)
        return false;
    if ((impairments[how].streams_only && forth->kind != LINK_STREAM) ||
        (impairments[how].datagrams_only && forth->kind != LINK_DATAGRAM))
        return false;
    return is_well(forth, how) && is_well(back, how);
}

/* Counts the pairs that fit, until it comes to number `nth`. */
static size_t find_pair(const struct nemesis *nemesis, enum impairment how, enum wanted wanted,
                        size_t nth, struct pair *ret_pair)
{
    size_t count = 0;
    for (struct node *a = world_nodes(nemesis->world); a; a = a->next) {
        for (struct node *b = a->next; b; b = b->next) {
            struct pair pair = {a, b};
            if (!fits(nemesis, pair, how, wanted))
                continue;
            *ret_pair = pair;
            if (count++ == nth)
                return count;
        }
    }
    return count;
}

/* false: there is none. */
static bool pick_pair(const struct nemesis *nemesis, enum impairment how, struct pair *ret_pair)
{
    for (int wanted = AT_MOMENT; wanted <= ANY_PAIR; wanted++) {
        size_t count = find_pair(nemesis, how, (enum wanted)wanted, SIZE_MAX, ret_pair);
        if (count == 0)
            continue;
        size_t nth = nemesis_pick(nemesis, "whom", count);
        find_pair(nemesis, how, (enum wanted)wanted, nth, ret_pair);
        return true;
    }
    return false;
}

bool pick_uncut_pair(const struct nemesis *nemesis, struct pair *ret_pair)
{
    return pick_pair(nemesis, AILS_CUT, ret_pair);
}

/* ---- strikes ---- */

enum direction { BOTH, FORTH, BACK, DIRECTIONS };

static enum strike strike_pair(struct nemesis *nemesis, enum impairment how, struct measure measure,
                               enum direction direction)
{
    struct pair pair;
    if (!pick_pair(nemesis, how, &pair))
        return STRIKE_NOBODY;
    if (direction == DIRECTIONS)
        direction = (enum direction)nemesis_pick(nemesis, "direction", DIRECTIONS);
    if (impairments[how].carries_nothing &&
        links_left(nemesis->world) < (direction == BOTH ? 2 : 1))
        return STRIKE_REFUSED;
    int64_t lasts = nemesis_draw(nemesis, "lasts");
    if (direction != BACK)
        break_link(nemesis, pair.a, pair.b, how, measure, lasts);
    if (direction != FORTH)
        break_link(nemesis, pair.b, pair.a, how, measure, lasts);
    return STRIKE_MADE;
}

static int64_t share(const struct nemesis *nemesis)
{
    return nemesis_draw(nemesis, "share");
}

static int64_t amount(const struct nemesis *nemesis)
{
    return nemesis_draw(nemesis, "amount");
}

enum strike strike_cut(struct nemesis *nemesis)
{
    return strike_pair(nemesis, AILS_CUT, (struct measure){.share = 1}, DIRECTIONS);
}

enum strike strike_slow(struct nemesis *nemesis)
{
    return strike_pair(nemesis, AILS_SLOW, (struct measure){.ns = amount(nemesis)}, DIRECTIONS);
}

enum strike strike_tail(struct nemesis *nemesis)
{
    struct measure measure = {share(nemesis), amount(nemesis)};
    return strike_pair(nemesis, AILS_TAIL, measure, DIRECTIONS);
}

enum strike strike_trickle(struct nemesis *nemesis)
{
    return strike_pair(nemesis, AILS_TRICKLE, (struct measure){.ns = amount(nemesis)}, DIRECTIONS);
}

enum strike strike_lossy(struct nemesis *nemesis)
{
    return strike_pair(nemesis, AILS_LOSSY, (struct measure){.share = share(nemesis)}, DIRECTIONS);
}

enum strike strike_duplicate(struct nemesis *nemesis)
{
    struct measure measure = {share(nemesis), amount(nemesis)};
    return strike_pair(nemesis, AILS_DOUBLING, measure, DIRECTIONS);
}

enum strike strike_reorder(struct nemesis *nemesis)
{
    struct measure measure = {share(nemesis), amount(nemesis)};
    return strike_pair(nemesis, AILS_REORDERING, measure, DIRECTIONS);
}

/* A connection is half-open as a whole. */
enum strike strike_half_open(struct nemesis *nemesis)
{
    return strike_pair(nemesis, AILS_HALF_OPEN, (struct measure){.share = 1}, BOTH);
}

enum strike strike_refuse(struct nemesis *nemesis)
{
    return strike_pair(nemesis, AILS_REFUSING, (struct measure){.share = 1}, DIRECTIONS);
}

/* Over at once: what comes next goes by a new connection. */
enum strike strike_reset(struct nemesis *nemesis)
{
    struct world *world = nemesis->world;
    struct pair pair;
    if (!pick_pair(nemesis, AILS_CUT, &pair))
        return STRIKE_NOBODY;
    TRACE(world_site(world), "nemesis/link/reset", T_U64("from", pair.a->id),
          T_U64("to", pair.b->id));
    world_reset(world, pair.a, pair.b);
    nemesis->count.healed++;
    return STRIKE_MADE;
}
