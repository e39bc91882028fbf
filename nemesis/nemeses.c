/* nemeses.c: the world nemeses, as a table: a name, what it can be told, and how it strikes.
 *
 * When, whom, how long and how much are keyed choices: (stream nemesis, "nemesis/kill/when", key:
 * the how-manieth nemesis of its kind in the scenario, ordinal: the how-manieth strike). Each
 * strike is also asked whether it strikes at all ("nemesis/kill/strike"): always, unless an edit to
 * 0 spares it. What a strike breaks it repairs by itself, or world_heal() does at the end of the
 * safety phase, whichever comes first. The budget is the world's business.
 */
#include "nemesis/nemeses.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define STOP_GRACE_NS INT64_C(120000000000)

POINT_ABOUT("nemesis/world/strike", "A nemesis of the scenario strikes.");
POINT_ABOUT("nemesis/link/cut", "From now on messages of this direction vanish.");
POINT_ABOUT("nemesis/link/slow", "From now on messages of this direction take longer.");
POINT_ABOUT("nemesis/link/heal", "A link that was cut or slow works again.");

struct nemesis {
    struct nemeses *all;
    const struct nemesis_spec *spec;
    size_t kind;
    uint64_t number; /* among the nemeses of its kind */
    uint64_t n;      /* strikes so far, the next one included */
    world_timer timer;
};

/* One direction of a link that is cut or slow. */
struct ailment {
    struct nemeses *all;
    struct node *from, *to;
    bool is_cut;
    world_timer timer;
    struct ailment *prev, *next;
};

struct nemeses {
    struct world *world;
    struct nemesis *list;
    size_t count;
    struct ailment *ailments;
};

/* X(ident, name, lasts, amount, about) */
#define NEMESIS_KINDS(X)                                                                           \
    X(kill, "kill node", "back after", NULL, "a node dies as by SIGKILL, and boots again")         \
    X(power, "power loss", "back after", NULL,                                                     \
      "a node loses power, its disk what was not synced; it boots again")                          \
    X(restart, "restart node", "back after", NULL,                                                 \
      "a node is asked to stop gracefully, and boots again; killed if it takes over two minutes")  \
    X(pause, "pause node", "for", NULL, "a node stands still; time goes on")                       \
    X(cut, "cut link", "for", NULL, "messages between two nodes vanish, one way or both")          \
    X(slow, "slow link", "for", "by", "messages between two nodes take longer, one way or both")

const struct nemesis_kind nemesis_kinds[NEMESIS_KIND_COUNT] = {
#define X(ident, name, lasts, amount, about) {name, about, lasts, amount},
    NEMESIS_KINDS(X)
#undef X
};

static const char *const idents[] = {
#define X(ident, name, lasts, amount, about) #ident,
    NEMESIS_KINDS(X)
#undef X
};

/* ---- choices ---- */

struct named_choice {
    struct choice choice;
    char name[48];
};

static const struct choice *choice_of(const struct nemesis *nemesis, const char *aspect,
                                      struct named_choice *named)
{
    snprintf(named->name, sizeof named->name, "nemesis/%s/%s", idents[nemesis->kind], aspect);
    named->choice = (struct choice){.stream = STREAM_NEMESIS,
                                    .name = named->name,
                                    .key = nemesis->number,
                                    .ordinal = nemesis->n};
    return &named->choice;
}

static int64_t draw(const struct nemesis *nemesis, const char *aspect, struct range range)
{
    struct named_choice named;
    return tape_between(world_tape(nemesis->all->world), choice_of(nemesis, aspect, &named),
                        range.lo, range.hi);
}

static size_t pick(const struct nemesis *nemesis, const char *aspect, size_t count)
{
    struct named_choice named;
    return (size_t)tape_choose(world_tape(nemesis->all->world), choice_of(nemesis, aspect, &named),
                               count);
}

static bool is_spared(const struct nemesis *nemesis)
{
    struct named_choice named;
    return tape_choose(world_tape(nemesis->all->world), choice_of(nemesis, "strike", &named),
                       UINT64_MAX) == 0;
}

/* ---- nodes ---- */

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

/* One of the nodes that fit, or NULL. */
static struct node *pick_node(const struct nemesis *nemesis, bool (*fits)(const struct node *node))
{
    size_t count = 0;
    for (struct node *node = world_nodes(nemesis->all->world); node; node = node->next)
        count += fits(node);
    size_t left = count ? pick(nemesis, "whom", count) : 0;
    for (struct node *node = world_nodes(nemesis->all->world); node; node = node->next)
        if (fits(node) && left-- == 0)
            return node;
    return NULL;
}

static bool strike_down(struct nemesis *nemesis, bool power_loss)
{
    struct node *node = pick_node(nemesis, can_die);
    if (!node || !node_kill(node, power_loss, false))
        return false;
    node_boot_after(node, draw(nemesis, "lasts", nemesis->spec->lasts));
    return true;
}

static bool strike_kill(struct nemesis *nemesis)
{
    return strike_down(nemesis, false);
}

static bool strike_power(struct nemesis *nemesis)
{
    return strike_down(nemesis, true);
}

static bool strike_restart(struct nemesis *nemesis)
{
    struct node *node = pick_node(nemesis, can_stop);
    return node && node_stop(node, STOP_GRACE_NS, draw(nemesis, "lasts", nemesis->spec->lasts));
}

static bool strike_pause(struct nemesis *nemesis)
{
    struct node *node = pick_node(nemesis, can_pause);
    if (node)
        node_pause(node, draw(nemesis, "lasts", nemesis->spec->lasts));
    return node != NULL;
}

/* ---- links ---- */

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

static void cure(struct ailment *ailment)
{
    struct world *world = ailment->all->world;
    struct link *link = world_link(world, ailment->from, ailment->to);
    if (ailment->is_cut)
        link->cut = false;
    else
        link->slow_ns = 0;
    TRACE(world_site(world), "nemesis/link/heal", T_U64("from", ailment->from->id),
          T_U64("to", ailment->to->id), T_STR("was", ailment->is_cut ? "cut" : "slow"));
}

static void ailment_over(void *arg)
{
    struct ailment *ailment = arg;
    if (world_phase(ailment->all->world) == PHASE_SAFETY) /* else world_heal() was here */
        cure(ailment);
    DL_DELETE(ailment->all->ailments, ailment);
    free(ailment);
}

/* slow_ns 0: cut it. */
static void break_link(struct nemeses *all, struct node *from, struct node *to, int64_t slow_ns,
                       int64_t lasts_ns)
{
    struct world *world = all->world;
    struct ailment *ailment = calloc(1, sizeof *ailment);
    if (!ailment)
        abort();
    *ailment = (struct ailment){.all = all, .from = from, .to = to, .is_cut = slow_ns == 0};
    DL_APPEND(all->ailments, ailment);
    ailment->timer = world_at(world, NULL, world_now(world) + lasts_ns, ailment_over, ailment);
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

static bool strike_link(struct nemesis *nemesis, bool for_cut)
{
    enum { BOTH, FORTH, BACK, DIRECTIONS };
    struct world *world = nemesis->all->world;
    struct pair pair;
    size_t count = find_pair(world, for_cut, SIZE_MAX, &pair);
    if (count == 0)
        return false;
    find_pair(world, for_cut, pick(nemesis, "whom", count), &pair);
    size_t direction = pick(nemesis, "direction", DIRECTIONS);
    int64_t lasts = draw(nemesis, "lasts", nemesis->spec->lasts);
    int64_t slow = for_cut ? 0 : draw(nemesis, "amount", nemesis->spec->amount);
    if (!for_cut && slow == 0)
        return false;
    if (direction != BACK)
        break_link(nemesis->all, pair.a, pair.b, slow, lasts);
    if (direction != FORTH)
        break_link(nemesis->all, pair.b, pair.a, slow, lasts);
    return true;
}

static bool strike_cut(struct nemesis *nemesis)
{
    return strike_link(nemesis, true);
}

static bool strike_slow(struct nemesis *nemesis)
{
    return strike_link(nemesis, false);
}

/* ---- the clockwork ---- */

static bool (*const strikes[NEMESIS_KIND_COUNT])(struct nemesis *nemesis) = {
#define X(ident, name, lasts, amount, about) strike_##ident,
    NEMESIS_KINDS(X)
#undef X
};

static void strike_due(void *arg);

static void schedule(struct nemesis *nemesis)
{
    struct world *world = nemesis->all->world;
    nemesis->n++;
    int64_t wait = draw(nemesis, "when", nemesis->spec->every);
    nemesis->timer = world_at(world, NULL, world_now(world) + wait, strike_due, nemesis);
}

static void strike_due(void *arg)
{
    struct nemesis *nemesis = arg;
    struct world *world = nemesis->all->world;
    nemesis->timer = 0;
    if (world_phase(world) > PHASE_SAFETY)
        return;
    if (world_phase(world) == PHASE_SAFETY && !is_spared(nemesis) &&
        strikes[nemesis->kind](nemesis))
        TRACE(world_site(world), "nemesis/world/strike", T_STR("kind", idents[nemesis->kind]),
              T_U64("number", nemesis->number), T_U64("n", nemesis->n));
    schedule(nemesis);
}

static size_t kind_named(const char *name)
{
    size_t kind = 0;
    while (kind < NEMESIS_KIND_COUNT && strcmp(nemesis_kinds[kind].name, name) != 0)
        kind++;
    assert(kind < NEMESIS_KIND_COUNT);
    return kind;
}

struct nemeses *nemeses_start(struct world *world, const struct scenario *scenario)
{
    struct nemeses *all = calloc(1, sizeof *all);
    if (!all)
        abort();
    all->world = world;
    all->count = scenario->nemesis_count;
    all->list = calloc(all->count + 1, sizeof *all->list);
    if (!all->list)
        abort();
    uint64_t numbers[NEMESIS_KIND_COUNT] = {0};
    for (size_t i = 0; i < all->count; i++) {
        const struct nemesis_spec *spec = &scenario->nemeses[i];
        size_t kind = kind_named(spec->kind);
        all->list[i] =
            (struct nemesis){.all = all, .spec = spec, .kind = kind, .number = ++numbers[kind]};
        schedule(&all->list[i]);
    }
    return all;
}

void nemeses_stop(struct nemeses *all)
{
    struct ailment *ailment, *next;
    for (size_t i = 0; i < all->count; i++)
        world_cancel(all->world, all->list[i].timer);
    DL_FOREACH_SAFE (all->ailments, ailment, next) {
        world_cancel(all->world, ailment->timer);
        free(ailment);
    }
    free(all->list);
    free(all);
}
