/* sweep_hits.c: which hits are known, and what a child tells of its run: those that are not. */
#include "harness/sweep_internal.h"

#include "harness/hash.h"

#include <stdlib.h>
#include <string.h>

/* ---- sets ---- */

bool known_has(struct known *set, uint64_t id, uint64_t *ret_ordinal)
{
    struct known *known;
    HASH_FIND(hh, set, &id, sizeof id, known);
    if (known && ret_ordinal)
        *ret_ordinal = known->ordinal;
    return known;
}

bool known_add(struct known **set, uint64_t id, uint64_t ordinal)
{
    struct known *known;
    HASH_FIND(hh, *set, &id, sizeof id, known);
    bool is_new = !known;
    if (is_new) {
        known = calloc(1, sizeof *known);
        if (!known)
            abort();
        known->id = id;
        HASH_ADD(hh, *set, id, sizeof id, known);
    }
    if (ordinal > known->ordinal)
        known->ordinal = ordinal;
    return is_new;
}

void known_free(struct known **set)
{
    struct known *known, *next;
    HASH_ITER (hh, *set, known, next) {
        HASH_DEL(*set, known);
        free(known);
    }
}

uint64_t reach_hash(const struct choice *choice)
{
    uint64_t hash = mix64_pair(hash_text(choice->name), choice->node);
    return mix64_pair(hash, choice->key);
}

uint64_t hit_hash(const struct choice *choice)
{
    return mix64_pair(reach_hash(choice), choice->ordinal);
}

bool hit_of_made(const struct made *made, struct hit_id *ret_hit)
{
    const struct point_info *info = made->kinds ? registry_find(made->choice.name) : NULL;
    if (!info)
        return false;
    *ret_hit = (struct hit_id){
        .choice = made->choice, .point = (uint32_t)(info - registry_get(0)), .kinds = made->kinds};
    ret_hit->choice.name = info->name; /* which outlives the recording */
    return true;
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

static bool is_loss(const struct made *made)
{
    return made->choice.stream == STREAM_DISK && strcmp(made->choice.name, "disk/write/loss") == 0;
}

/* Is it a hit that the reference run had already, and more often than is of interest? */
bool is_beyond(const struct sweep *sweep, const struct choice *choice)
{
    uint64_t reached = 0;
    known_has(sweep->reach, reach_hash(choice), &reached);
    return choice->ordinal > reached + sweep->setup->beyond;
}

/* Is it the newest of the hits beyond the bound with its point, node and key? Asked from the last hit on. */
static bool is_farthest(struct known **farthest, const struct choice *choice)
{
    return known_add(farthest, reach_hash(choice), choice->ordinal);
}

static bool is_wanted(const struct sweep *sweep, const struct made *made, struct known **farthest)
{
    if (made->kinds == 0)
        return false;
    if (sweep->tell_all)
        return true;
    if (is_beyond(sweep, &made->choice))
        return is_farthest(farthest, &made->choice);
    return !known_has(sweep->hits, hit_hash(&made->choice), NULL);
}

/* Writes to `wanted` what the sweeper wants to know, un-synced writes first; all in order. Returns how many. */
static size_t select_made(const struct sweep *sweep, const struct made *made, size_t count,
                          struct made *wanted, uint64_t *ret_losses)
{
    struct known *farthest = NULL;
    size_t used = 0, at = count;
    for (size_t i = 0; i < count; i++)
        if (is_loss(&made[i]))
            wanted[used++] = made[i];
    *ret_losses = used;
    for (size_t i = count; i-- > 0;)
        if (is_wanted(sweep, &made[i], &farthest))
            wanted[--at] = made[i];
    known_free(&farthest);
    memmove(&wanted[used], &wanted[at], (count - at) * sizeof *wanted);
    return used + count - at;
}

void sweep_tell(void *ctx, const struct run *run, const struct tape *tape, FILE *out)
{
    struct told told;
    size_t count;
    const struct made *made = tape_made(tape, &count);
    struct made *wanted = calloc(count + 1, sizeof *wanted);
    if (!wanted)
        abort();
    size_t used = select_made(ctx, made, count, wanted, &told.losses);
    told.shape = shape_of(run->trace);
    fwrite(&told, sizeof told, 1, out);
    recording_write_made(wanted, used, out);
    free(wanted);
}
