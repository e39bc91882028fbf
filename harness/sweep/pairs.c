/* pairs.c: pairs of faults, the second at a hit that the run of the first had after it.
 *
 * There are millions, and nearly all are alike. As Filibuster skips an execution in which every service sees again what
 * it has seen before, one pair of each class is tried: the same two points, the same two kinds, the same key or not,
 * and the same distance between them, counted in hits of the second point and cut off at NEAR. */
#include "harness/sweep/internal.h"

#include "harness/hash.h"

#include <stdlib.h>
#include <string.h>

enum { NEAR = 3 };

static uint64_t class_of(const struct trial_fault *first, const struct trial_fault *second,
                         uint64_t distance)
{
    bool same_key = first->hit.key == second->hit.key;
    bool same_node = first->hit.node == second->hit.node;
    uint64_t class = mix64_pair(first->hit.point, first->kind);
    class = mix64_pair(class, second->hit.point);
    class = mix64_pair(class, second->kind);
    return mix64_pair(class, distance * 4 + same_key * 2 + same_node);
}

static bool is_known(const struct sweep *sweep, uint64_t class)
{
    struct known *known;
    HASH_FIND(hh, sweep->pair_classes, &class, sizeof class, known);
    return known;
}

static bool make_known(struct sweep *sweep, uint64_t class)
{
    if (is_known(sweep, class))
        return false;
    struct known *known = calloc(1, sizeof *known);
    if (!known)
        abort();
    known->id = class;
    HASH_ADD(hh, sweep->pair_classes, id, sizeof known->id, known);
    return true;
}

void pairs_free(struct sweep *sweep)
{
    struct known *known, *next;
    HASH_ITER (hh, sweep->pair_classes, known, next) {
        HASH_DEL(sweep->pair_classes, known);
        free(known);
    }
}

static bool can_be_second(const struct sweep *sweep, uint32_t kinds, uint32_t kind)
{
    enum fault_kind what = sweep->setup->kinds[kind].kind;
    return (kinds & fault_can(what)) && !budget_rules_out(&sweep->setup->scenario->budget, what);
}

/* How many faults can be injected there. */
static uint64_t count_kinds(const struct sweep *sweep, uint32_t kinds)
{
    uint64_t count = 0;
    for (uint32_t kind = 0; kind < sweep->setup->kind_count; kind++)
        count += can_be_second(sweep, kinds, kind);
    return count;
}

/* ---- in the child ---- */

/* The first of its class after this fault? `seen`: NEAR * 4 flags of its point. */
static bool is_first_of_class(const struct choice *first, const struct choice *second,
                              uint64_t distance, bool *seen)
{
    bool *flag =
        &seen[(distance - 1) * 4 + (first->key == second->key) * 2 + (first->node == second->node)];
    bool is_first = !*flag;
    *flag = true;
    return is_first;
}

size_t pairs_select(const struct sweep *sweep, const struct made *made, size_t count,
                    struct made *wanted, uint64_t *ret_candidates)
{
    size_t points = sweep->certificate->point_count + 1, used = 0;
    uint64_t *distances = calloc(points, sizeof *distances);
    bool *seen = calloc(points, NEAR * 4);
    const struct choice *first = NULL;
    if (!distances || !seen)
        abort();
    for (size_t i = 0; i < count; i++) {
        const struct point_info *info = made[i].kinds ? registry_find(made[i].choice.name) : NULL;
        if (info && first) {
            size_t point = (size_t)(info - registry_get(0));
            distances[point] += distances[point] < NEAR;
            *ret_candidates += count_kinds(sweep, info->kinds);
            if (is_first_of_class(first, &made[i].choice, distances[point],
                                  &seen[point * NEAR * 4])) {
                wanted[used] = made[i];
                wanted[used++].value = distances[point];
            }
        }
        if (!first && made[i].kinds && made[i].fault.kind != FAULT_NONE)
            first = &made[i].choice;
    }
    free(distances);
    free(seen);
    return used;
}

/* ---- in the sweeper ---- */

static void pair_hit(struct sweep *sweep, const struct trial *first, const struct hit_id *hit,
                     uint32_t kinds, uint64_t distance)
{
    struct trial pair = *first;
    struct trial_fault *second = &pair.faults[1];
    pair.is_pair = true;
    pair.count = 2;
    for (uint32_t kind = 0; kind < sweep->setup->kind_count; kind++) {
        if (!can_be_second(sweep, kinds, kind))
            continue;
        *second = (struct trial_fault){.hit = *hit, .kind = kind};
        if (make_known(sweep, class_of(&pair.faults[0], second, distance)))
            trial_add(sweep, &sweep->pairs, &pair);
    }
}

void trials_of_pairs(struct sweep *sweep, const struct trial *first, const struct made *wanted,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct choice *choice = &wanted[i].choice;
        const struct point_info *info = registry_find(choice->name);
        struct hit_id hit = {.point = (uint32_t)(info - registry_get(0)),
                             .node = choice->node,
                             .key = choice->key,
                             .ordinal = choice->ordinal};
        pair_hit(sweep, first, &hit, info->kinds, wanted[i].value);
    }
}
