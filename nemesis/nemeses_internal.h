/* nemeses_internal.h: what the families of nemeses share with their clockwork (nemeses.c). */
#ifndef DURESS_NEMESES_INTERNAL_H
#define DURESS_NEMESES_INTERNAL_H

#include "nemesis/kinds.h"
#include "nemesis/moment.h"
#include "nemesis/nemeses.h"

struct nemesis {
    struct nemeses *all;
    struct world *world;
    const struct nemesis_spec *spec;
    enum nemesis_number kind;
    uint64_t number; /* among the nemeses of its kind */
    uint64_t n;      /* strikes so far, the next one included */
    world_timer timer;
    struct moment moment; /* of the strike that is being made: where it hurts, or no node */
    struct nemesis_count count;
};

/* What came of one strike. */
enum strike {
    STRIKE_NOBODY,  /* there is nobody to strike */
    STRIKE_REFUSED, /* the budget is used up */
    STRIKE_MADE,
};

#define X(ident, ...) enum strike strike_##ident(struct nemesis *nemesis);
NEMESIS_KINDS(X)
#undef X

/* ---- choices: keyed by kind, nemesis and strike, so that no strike moves another ---- */

/* What the scenario says under the key with this aspect; the range, or a value drawn from it. */
struct range nemesis_range(const struct nemesis *nemesis, const char *aspect);
int64_t nemesis_draw(const struct nemesis *nemesis, const char *aspect);
/* One of `count` >= 1, under a name of its own. */
size_t nemesis_pick(const struct nemesis *nemesis, const char *aspect, size_t count);
/* One of the nodes that fit ("nemesis/KIND/whom"; the node of the moment, if it fits), or NULL. */
struct node *nemesis_pick_node(const struct nemesis *nemesis,
                               bool (*fits)(const struct node *node));

/* For a node that may die, and has not yet. */
bool node_can_die(const struct node *node);
/* How long a node may take to stop gracefully, before it is killed. */
#define NODE_STOP_GRACE_NS (120 * NEMESIS_S)

/* ---- ailments: something is broken, until its time is up or the safety phase ends ---- */

struct ailment {
    struct nemesis *nemesis; /* who did it */
    void (*cure)(struct ailment *ailment);
    world_timer timer;
    world_timer step; /* of an ailment that goes on in steps; the family's, cancelled with it */
    struct ailment *prev, *next;
};

/* A zeroed one of `size` bytes, the ailment first (each family adds its own fields), that cure() repairs
 * after `lasts_ns`, or at the end of the safety phase. Freed by the clockwork. */
void *ailment_add(struct nemesis *nemesis, size_t size, void (*cure)(struct ailment *ailment),
                  int64_t lasts_ns);
/* It is over before its time: cured and freed. */
void ailment_end(struct ailment *ailment);

#endif
