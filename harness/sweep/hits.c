/* hits.c: which hits are known, and what a child tells of its run.
 *
 * The hits of one point, node and key are numbered one after the other, so it is enough to count them: a child tells
 * the counts that are higher than any before, and the sweeper knows up to which number it has swept each. */
#include "harness/sweep/internal.h"

#include "harness/hash.h"

#include <stdlib.h>
#include <string.h>

/* ---- hits ---- */

struct choice hit_choice(const struct hit_id *hit)
{
    return (struct choice){.stream = STREAM_FAULT,
                           .name = registry_get(hit->point)->name,
                           .node = hit->node,
                           .key = hit->key,
                           .ordinal = hit->ordinal};
}

static uint64_t kind_of_hit(uint32_t point, uint32_t node, uint64_t key)
{
    return mix64_pair(mix64_pair(point, node), key);
}

uint64_t hit_hash(const struct hit_id *hit)
{
    return mix64_pair(kind_of_hit(hit->point, hit->node, hit->key), hit->ordinal);
}

static struct reached *reached_find(const struct sweep *sweep, const struct hit_count *hit)
{
    struct reached *reached;
    uint64_t id = kind_of_hit(hit->point, hit->node, hit->key);
    HASH_FIND(hh, sweep->reached, &id, sizeof id, reached);
    return reached;
}

struct reached *reached_of(struct sweep *sweep, const struct hit_count *hit)
{
    struct reached *reached = reached_find(sweep, hit);
    if (reached)
        return reached;
    reached = calloc(1, sizeof *reached);
    if (!reached)
        abort();
    reached->id = kind_of_hit(hit->point, hit->node, hit->key);
    HASH_ADD(hh, sweep->reached, id, sizeof reached->id, reached);
    return reached;
}

void reached_free(struct sweep *sweep)
{
    struct reached *reached, *next;
    HASH_ITER (hh, sweep->reached, reached, next) {
        HASH_DEL(sweep->reached, reached);
        free(reached);
    }
}

uint64_t reached_bound(const struct sweep *sweep, const struct reached *reached)
{
    return reached->reference + sweep->setup->beyond;
}

uint64_t count_beyond(const struct sweep *sweep)
{
    uint64_t count = 0;
    for (const struct reached *reached = sweep->reached; reached; reached = reached->hh.next)
        if (reached->most > reached_bound(sweep, reached))
            count += reached->most - reached_bound(sweep, reached);
    return count;
}

/* ---- the frontier ---- */

static void new_hit(struct sweep *sweep, const struct trial *context, const struct hit_id *hit,
                    uint64_t shape)
{
    struct certificate *certificate = sweep->certificate;
    if (context->count >= sweep->setup->depth) {
        certificate->pruned[PRUNED_DEPTH]++;
    } else {
        certificate->hits++;
        certificate->point_hits[hit->point]++;
        trials_of_hit(sweep, context, hit, shape);
    }
}

void take_hits(struct sweep *sweep, const struct trial *context, uint64_t shape,
               const struct hit_count *hits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct reached *reached = reached_of(sweep, &hits[i]);
        struct hit_id hit = {hits[i].point, hits[i].node, hits[i].key, 0};
        uint64_t bound = reached_bound(sweep, reached);
        if (hits[i].count > reached->most)
            reached->most = hits[i].count;
        if (bound > reached->most)
            bound = reached->most;
        while (reached->swept < bound) {
            hit.ordinal = ++reached->swept;
            new_hit(sweep, context, &hit, shape);
        }
    }
}

/* ---- what a child tells ---- */

/* What happened, but for when, and for what only a fault makes visible. */
static uint64_t shape_of(const struct trace *trace)
{
    struct trace_cursor cursor = {0};
    struct event event;
    uint64_t shape = 0;
    while (trace_next(trace, &cursor, &event)) {
        if (event.point->kinds & POINT_QUIET)
            continue;
        shape = mix64_pair(shape, event.point->id);
        shape = mix64_pair(shape, fields_key(event.fields, event.count) + event.node);
    }
    return shape;
}

/* Would it tell the sweeper anything? Reads what was known when the child was forked. */
static bool is_news(const struct sweep *sweep, const struct hit_count *hit)
{
    const struct reached *reached = reached_find(sweep, hit);
    return !reached || hit->count > reached->most;
}

static size_t select_counts(const struct sweep *sweep, struct hit_count *counts, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        if (is_news(sweep, &counts[i]))
            counts[used++] = counts[i];
    return used;
}

static size_t select_losses(const struct made *made, size_t count, struct made *wanted)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        if (made[i].choice.stream == STREAM_DISK &&
            strcmp(made[i].choice.name, "disk/write/loss") == 0)
            wanted[used++] = made[i];
    return used;
}

void sweep_tell(void *ctx, const struct run *run, const struct tape *tape, FILE *out)
{
    const struct sweep *sweep = ctx;
    struct told told = {.shape = shape_of(run->trace)};
    size_t count, counted;
    const struct made *made = tape_made(tape, &count);
    struct hit_count *counts = world_hit_counts(run->world, &counted);
    struct made *wanted = calloc(count + 1, sizeof *wanted);
    if (!wanted)
        abort();
    told.counts = select_counts(sweep, counts, counted);
    told.losses = select_losses(made, count, wanted);
    size_t used = told.losses;
    if (sweep->setup->pairs)
        used += pairs_select(sweep, made, count, wanted + used, &told.candidates);
    fwrite(&told, sizeof told, 1, out);
    fwrite(counts, sizeof *counts, (size_t)told.counts, out);
    recording_write_made(wanted, used, out);
    free(wanted);
    free(counts);
}
