/* shrinker_earlier.c: moves faults to other hits of their points: of a node that was added before, or earlier on the same
 * one. What came before a fault can only go when the fault does not count on it: one at the first hit of the first node
 * needs no jobs, no messages and no other nodes. */
#include "harness/shrinker_internal.h"

#include <stdlib.h>
#include <string.h>

enum { EARLIER_OF_MAX = 24, ONE_BY_ONE = 8 };

struct earlier {
    struct tape_edit edit; /* its name is the best tape's */
    size_t number;         /* of the edit */
    const struct recording *hits;
    size_t *places; /* in hits: where it might go, the best first */
    size_t count;
};

static bool is_there(const struct made *made, const struct earlier *earlier)
{
    const struct choice *choice = &made->choice, *fault = &earlier->edit.choice;
    return made->kinds && choice->node == fault->node && choice->key == fault->key &&
           choice->ordinal == fault->ordinal && strcmp(choice->name, fault->name) == 0;
}

/* The first few places, then wider and wider apart: 0 .. 7, 10, 13, 17, ... */
static size_t step_after(size_t step)
{
    return step + 1 + (step < ONE_BY_ONE ? 0 : step / 4);
}

/* Of one node; of the one that it is on, those before it. */
static void add_places(struct earlier *earlier, uint32_t node)
{
    size_t seen = 0, step = 0;
    for (size_t i = 0; i < earlier->hits->made_count; i++) {
        const struct made *made = &earlier->hits->made[i];
        if (node == earlier->edit.choice.node && is_there(made, earlier))
            return;
        if (!made->kinds || made->choice.node != node ||
            strcmp(made->choice.name, earlier->edit.choice.name) != 0)
            continue;
        if (seen++ == step) {
            earlier->places[earlier->count++] = i;
            step = step_after(step);
        }
    }
}

static void earlier_init(struct earlier *earlier, const struct shrinker *s, size_t number,
                         const struct recording *hits)
{
    *earlier = (struct earlier){
        .edit = tape_edit_get(shrinker_best(s), number), .number = number, .hits = hits};
    earlier->places = calloc(hits->made_count + 1, sizeof *earlier->places);
    if (!earlier->places)
        abort();
    for (uint32_t node = 0; node <= earlier->edit.choice.node; node++)
        add_places(earlier, node);
}

static struct tape *make_earlier(const struct shrinker *s, const void *ctx, size_t index)
{
    const struct earlier *earlier = ctx;
    struct tape *tape = tape_copy_without_these(shrinker_best(s), &earlier->number, 1);
    const struct made *made = &earlier->hits->made[earlier->places[index]];
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
    earlier_init(&earlier, s, number, &hits);
    bool moved = shrinker_first(s, make_earlier, &earlier, earlier.count) != NO_CANDIDATE;
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
