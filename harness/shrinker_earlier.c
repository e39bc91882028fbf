/* shrinker_earlier.c: moves faults to earlier hits of their points, on whatever node. What came before a fault can only
 * go when the fault does not count on it: one at the first hit needs no jobs, no nodes and no messages before it. */
#include "harness/shrinker_internal.h"

#include <stdlib.h>
#include <string.h>

enum { EARLIER_OF_MAX = 24, ONE_BY_ONE = 8 };

struct earlier {
    struct tape_edit edit; /* its name is the best tape's */
    size_t number;         /* of the edit */
    const struct recording *hits;
    size_t *places; /* in hits: those of its point, up to its own */
    size_t count;   /* without its own */
};

static bool same_place(const struct choice *a, const struct choice *b)
{
    return a->node == b->node && a->key == b->key && a->ordinal == b->ordinal;
}

/* false: it is not hit, or already at the first one. */
static bool earlier_init(struct earlier *earlier, const struct shrinker *s, size_t number,
                         const struct recording *hits)
{
    *earlier = (struct earlier){
        .edit = tape_edit_get(shrinker_best(s), number), .number = number, .hits = hits};
    earlier->places = calloc(hits->made_count + 1, sizeof *earlier->places);
    if (!earlier->places)
        abort();
    for (size_t i = 0; i < hits->made_count; i++) {
        const struct made *made = &hits->made[i];
        if (!made->kinds || strcmp(made->choice.name, earlier->edit.choice.name) != 0)
            continue;
        if (same_place(&made->choice, &earlier->edit.choice))
            return earlier->count > 0;
        earlier->places[earlier->count++] = i;
    }
    return false;
}

/* The first few places, then wider and wider apart: 0 .. 7, 9, 11, 14, 18, ... */
static size_t step_of(size_t index)
{
    size_t step = index < ONE_BY_ONE ? index : ONE_BY_ONE;
    for (size_t i = ONE_BY_ONE; i <= index && step < SIZE_MAX / 2; i++)
        step += 1 + step / 4;
    return step;
}

static size_t steps_below(size_t count)
{
    size_t steps = 0;
    while (step_of(steps) < count)
        steps++;
    return steps;
}

static struct tape *make_earlier(const struct shrinker *s, const void *ctx, size_t index)
{
    const struct earlier *earlier = ctx;
    struct tape *tape = tape_copy_without_these(shrinker_best(s), &earlier->number, 1);
    const struct made *made = &earlier->hits->made[earlier->places[step_of(index)]];
    if (earlier->edit.persistent)
        tape_edit_fault_from(tape, &made->choice, earlier->edit.fault);
    else
        tape_edit_fault(tape, &made->choice, earlier->edit.fault);
    return tape;
}

static bool move_one(struct shrinker *s, size_t number)
{
    struct recording hits = {0};
    struct earlier earlier;
    if (!shrinker_record(s, RECORD_HITS, &hits))
        return false;
    bool moved =
        earlier_init(&earlier, s, number, &hits) &&
        shrinker_first(s, make_earlier, &earlier, steps_below(earlier.count)) != NO_CANDIDATE;
    free(earlier.places);
    recording_done(&hits);
    return moved;
}

static bool is_hit(const struct tape_edit *edit, const void *ctx)
{
    (void)ctx;
    return edit->kind == EDIT_FAULT && edit->fault.kind != FAULT_NONE;
}

/* A fault that has moved stands at the end of the tape: the next one has its number then. */
void shrinker_earlier(struct shrinker *s)
{
    size_t count, stays = 0;
    size_t *edits = edits_find(shrinker_best(s), is_hit, NULL, &count);
    for (size_t i = 0; i < count && count <= EARLIER_OF_MAX && !s->stopped; i++) {
        free(edits);
        size_t left;
        edits = edits_find(shrinker_best(s), is_hit, NULL, &left);
        stays += !move_one(s, edits[stays]);
    }
    free(edits);
}
