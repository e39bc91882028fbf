/* sweep_pairs.c: pairs of faults, the second at a hit that the run of the first had after it.
 *
 * There are millions, and nearly all are alike. As Filibuster skips an execution in which every service sees again what
 * it has seen before, one pair of each class is tried: the same two points, the same two kinds, the same key or not,
 * and the same distance between them, counted in hits of the second point and cut off at NEAR. */
#include "harness/sweep_internal.h"

#include "harness/hash.h"

#include <stdlib.h>
#include <string.h>

enum { NEAR = 3 };

static uint64_t class_of(const struct trial_fault *first, const struct trial_fault *second,
                         unsigned distance)
{
    bool same_key = first->hit.choice.key == second->hit.choice.key;
    bool same_node = first->hit.choice.node == second->hit.choice.node;
    uint64_t class = mix64_pair(first->hit.point, first->kind);
    class = mix64_pair(class, second->hit.point);
    class = mix64_pair(class, second->kind);
    return mix64_pair(class, distance * 4 + same_key * 2 + same_node);
}

static void pair_hit(struct sweep *sweep, const struct trial *first, const struct hit_id *hit,
                     unsigned distance)
{
    struct trial pair = *first;
    struct trial_fault *second = &pair.faults[1];
    pair.is_scout = false;
    pair.is_pair = true;
    pair.count = 2;
    for (uint32_t kind = 0; kind < sweep->setup->kind_count; kind++) {
        if (!(hit->kinds & fault_can(sweep->setup->kinds[kind].kind)) ||
            sweep->certificate->ruled_out[kind])
            continue;
        *second = (struct trial_fault){.hit = *hit, .kind = kind};
        sweep->certificate->pair_candidates++;
        if (known_add(&sweep->pairs, class_of(&pair.faults[0], second, distance), 0))
            trial_add(sweep, &pair);
        else
            sweep->certificate->pruned[PRUNED_ALIKE]++;
    }
}

void trials_of_pairs(struct sweep *sweep, const struct trial *first, const struct made *made,
                     size_t count)
{
    unsigned *distances = calloc(sweep->certificate->point_count + 1, sizeof *distances);
    struct hit_id hit;
    bool after = false;
    if (!distances)
        abort();
    for (size_t i = 0; i < count; i++) {
        if (!hit_of_made(&made[i], &hit))
            continue;
        if (after) {
            unsigned *distance = &distances[hit.point];
            *distance += *distance < NEAR;
            pair_hit(sweep, first, &hit, *distance);
        }
        after |= made[i].fault.kind != FAULT_NONE;
    }
    free(distances);
}
