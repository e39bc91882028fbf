/* nemeses.c: the clockwork of the world nemeses: when they strike, what they draw, what they leave broken.
 *
 * When, whom, how long and how much are keyed choices: (stream nemesis, "nemesis/kill/when", key:
 * the how-manieth nemesis of its kind in the scenario, ordinal: the how-manieth strike). Each
 * strike is also asked whether it strikes at all (stream fault, "nemesis/kill/strike"): always, unless
 * an edit to 0 spares it. What a strike breaks is cured when its time is up, or at the end of the safety phase,
 * whichever comes first.
 */
#include "nemesis/nemeses_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

POINT_ABOUT("nemesis/world/strike", "A nemesis of the scenario strikes.");

struct nemeses {
    struct world *world;
    struct nemesis *list;
    size_t count;
    struct ailment *ailments; /* oldest first */
    struct moments *moments;
};

const struct nemesis_kind nemesis_kinds[NEMESIS_KIND_COUNT] = {
#define X(ident, name, about, ...) {#ident, name, about, {__VA_ARGS__}},
    NEMESIS_KINDS(X)
#undef X
};

static enum strike (*const strikes[NEMESIS_KIND_COUNT])(struct nemesis *nemesis) = {
#define X(ident, ...) strike_##ident,
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
    snprintf(named->name, sizeof named->name, "nemesis/%s/%s", nemesis_kinds[nemesis->kind].ident,
             aspect);
    named->choice = (struct choice){.stream = STREAM_NEMESIS,
                                    .name = named->name,
                                    .key = nemesis->number,
                                    .ordinal = nemesis->n};
    return &named->choice;
}

/* NULL: this kind has no such key. */
static const struct nemesis_key *key_find(const struct nemesis *nemesis, const char *aspect)
{
    const struct nemesis_key *key = nemesis_kinds[nemesis->kind].keys;
    for (size_t i = 0; i < NEMESIS_KEYS_MAX && key[i].aspect; i++)
        if (strcmp(key[i].aspect, aspect) == 0)
            return &key[i];
    return NULL;
}

struct range nemesis_range(const struct nemesis *nemesis, const char *aspect)
{
    const struct nemesis_key *key = key_find(nemesis, aspect);
    assert(key);
    return nemesis->spec->values[key - nemesis_kinds[nemesis->kind].keys];
}

int64_t nemesis_draw(const struct nemesis *nemesis, const char *aspect)
{
    struct named_choice named;
    struct range range = nemesis_range(nemesis, aspect);
    return tape_between(world_tape(nemesis->world), choice_of(nemesis, aspect, &named), range.lo,
                        range.hi);
}

size_t nemesis_pick(const struct nemesis *nemesis, const char *aspect, size_t count)
{
    struct named_choice named;
    return (size_t)tape_choose(world_tape(nemesis->world), choice_of(nemesis, aspect, &named),
                               count);
}

struct node *nemesis_pick_node(const struct nemesis *nemesis, bool (*fits)(const struct node *node))
{
    size_t count = 0;
    if (nemesis->moment.node && fits(nemesis->moment.node))
        return nemesis->moment.node;
    for (struct node *node = world_nodes(nemesis->world); node; node = node->next)
        count += fits(node);
    size_t left = count ? nemesis_pick(nemesis, "whom", count) : 0;
    for (struct node *node = world_nodes(nemesis->world); node; node = node->next)
        if (fits(node) && left-- == 0)
            return node;
    return NULL;
}

/* A strike is a fault: a choice of that stream, so that `simplest fault` spares it. */
static bool is_spared(const struct nemesis *nemesis)
{
    struct named_choice named;
    choice_of(nemesis, "strike", &named);
    named.choice.stream = STREAM_FAULT;
    return !tape_chance(world_tape(nemesis->world), &named.choice, 1, 1);
}

/* ---- ailments ---- */

void ailment_end(struct ailment *ailment)
{
    struct nemeses *all = ailment->nemesis->all;
    world_cancel(all->world, ailment->timer);
    world_cancel(all->world, ailment->step);
    ailment->nemesis->count.healed++;
    ailment->cure(ailment);
    DL_DELETE(all->ailments, ailment);
    free(ailment);
}

static void ailment_over(void *arg)
{
    struct ailment *ailment = arg;
    ailment->timer = 0;
    ailment_end(ailment);
}

void *ailment_add(struct nemesis *nemesis, size_t size, void (*cure)(struct ailment *ailment),
                  int64_t lasts_ns)
{
    struct world *world = nemesis->world;
    struct ailment *ailment = calloc(1, size);
    if (!ailment)
        abort();
    ailment->nemesis = nemesis;
    ailment->cure = cure;
    ailment->timer = world_at(world, NULL, world_now(world) + lasts_ns, ailment_over, ailment);
    DL_APPEND(nemesis->all->ailments, ailment);
    return ailment;
}

void nemeses_heal(struct nemeses *all)
{
    while (all->ailments)
        ailment_end(all->ailments);
}

/* ---- striking ---- */

static void strike_due(void *arg);

static void schedule(struct nemesis *nemesis)
{
    nemesis->n++;
    int64_t wait = nemesis_draw(nemesis, "when");
    nemesis->timer =
        world_at(nemesis->world, NULL, world_now(nemesis->world) + wait, strike_due, nemesis);
}

static void strike(struct nemesis *nemesis)
{
    struct nemesis_count *count = &nemesis->count;
    enum strike outcome = strikes[nemesis->kind](nemesis);
    count->asked++;
    count->made += outcome == STRIKE_MADE;
    count->refused += outcome == STRIKE_REFUSED;
    if (outcome == STRIKE_MADE)
        TRACE(world_site(nemesis->world), "nemesis/world/strike",
              T_STR("kind", nemesis_kinds[nemesis->kind].ident), T_U64("number", nemesis->number),
              T_U64("n", nemesis->n), T_STR("during", nemesis->moment.during));
}

/* It has waited until it hurts, or too long. */
static void strike_then(void *ctx, const struct moment *moment)
{
    struct nemesis *nemesis = ctx;
    if (world_phase(nemesis->world) > PHASE_SAFETY)
        return;
    nemesis->moment = *moment;
    strike(nemesis);
    nemesis->moment = (struct moment){.during = ""};
    schedule(nemesis);
}

/* Is this one of the strikes that wait until an effect is in flight? */
static bool waits(const struct nemesis *nemesis)
{
    struct named_choice named;
    if (!key_find(nemesis, "aim"))
        return false;
    int64_t share = nemesis_draw(nemesis, "aim");
    return share > 0 && tape_chance(world_tape(nemesis->world), choice_of(nemesis, "wait", &named),
                                    (uint64_t)share, 10000);
}

static void strike_due(void *arg)
{
    struct nemesis *nemesis = arg;
    struct world *world = nemesis->world;
    struct named_choice named;
    nemesis->timer = 0;
    if (world_phase(world) > PHASE_SAFETY)
        return;
    bool strikes_now = world_phase(world) == PHASE_SAFETY && !is_spared(nemesis);
    if (strikes_now && waits(nemesis)) {
        int64_t into = tape_between(world_tape(world), choice_of(nemesis, "into", &named), 0,
                                    MOMENT_INTO_MAX_NS);
        moment_await(nemesis->all->moments, into, strike_then, nemesis);
        return;
    }
    if (strikes_now)
        strike(nemesis);
    schedule(nemesis);
}

static enum nemesis_number kind_named(const char *name)
{
    size_t kind = 0;
    while (kind < NEMESIS_KIND_COUNT && strcmp(nemesis_kinds[kind].name, name) != 0)
        kind++;
    assert(kind < NEMESIS_KIND_COUNT);
    return (enum nemesis_number)kind;
}

struct nemeses *nemeses_start(struct world *world, const struct nemesis_spec *specs, size_t count)
{
    struct nemeses *all = calloc(1, sizeof *all);
    if (!all)
        abort();
    all->world = world;
    all->moments = moments_new(world);
    all->count = count;
    all->list = calloc(all->count + 1, sizeof *all->list);
    if (!all->list)
        abort();
    uint64_t numbers[NEMESIS_KIND_COUNT] = {0};
    for (size_t i = 0; i < all->count; i++) {
        const struct nemesis_spec *spec = &specs[i];
        enum nemesis_number kind = kind_named(spec->kind);
        all->list[i] = (struct nemesis){.all = all,
                                        .world = world,
                                        .spec = spec,
                                        .kind = kind,
                                        .number = ++numbers[kind],
                                        .moment = {.during = ""}};
        schedule(&all->list[i]);
    }
    return all;
}

void nemeses_hit(struct nemeses *all, const struct hit *hit)
{
    moments_hit(all->moments, hit);
}

void nemeses_count(const struct nemeses *all, struct nemesis_count *kinds)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct nemesis_count *from = &all->list[i].count;
        struct nemesis_count *to = &kinds[all->list[i].kind];
        to->asked += from->asked;
        to->made += from->made;
        to->refused += from->refused;
        to->healed += from->healed;
    }
}

uint64_t nemeses_made(const struct nemeses *all, size_t index)
{
    return all->list[index].count.made;
}

void nemeses_stop(struct nemeses *all)
{
    struct ailment *ailment, *next;
    for (size_t i = 0; i < all->count; i++)
        world_cancel(all->world, all->list[i].timer);
    DL_FOREACH_SAFE (all->ailments, ailment, next) {
        world_cancel(all->world, ailment->timer);
        world_cancel(all->world, ailment->step);
        free(ailment);
    }
    moments_free(all->moments);
    free(all->list);
    free(all);
}
