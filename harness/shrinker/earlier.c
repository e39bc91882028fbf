/* earlier.c: moves faults to other hits of their points: of a node that was added before, or earlier on the same
 * one. What came before a fault can only go when the fault does not count on it: one at the first hit of the first node
 * needs no jobs, no messages and no other nodes. Faults of one point move together first, then one by one. */
#include "harness/shrinker/internal.h"

#include <stdlib.h>
#include <string.h>

enum { EARLIER_OF_MAX = 24, ONE_BY_ONE = 8 };

/* Hits of one point on one node, in their order. */
struct hits {
    const struct recording *recording;
    size_t *at; /* in the recording */
    size_t count;
};

struct place {
    uint32_t node;
    size_t first; /* hit for the first of the faults */
};

/* Faults that move together: all of one point and node. */
struct earlier {
    const struct recording *recording;
    const char *point; /* the best tape's, as the edits are */
    const size_t *edits;
    size_t *numbers; /* of their hits among those of their node, ascending */
    size_t count;
    struct place *places; /* where they might go, the best first */
    size_t place_count;
};

static void *memory_of(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (!memory)
        abort();
    return memory;
}

/* ---- hits ---- */

static struct hits hits_of(const struct recording *recording, const char *point, uint32_t node)
{
    struct hits hits = {recording, memory_of(recording->made_count, sizeof *hits.at), 0};
    for (size_t i = 0; i < recording->made_count; i++) {
        const struct made *made = &recording->made[i];
        if (made->kinds && made->choice.node == node && strcmp(made->choice.name, point) == 0)
            hits.at[hits.count++] = i;
    }
    return hits;
}

static const struct choice *hit_at(const struct hits *hits, size_t number)
{
    return &hits->recording->made[hits->at[number]].choice;
}

/* hits->count: it is not hit. */
static size_t number_of(const struct hits *hits, const struct choice *fault)
{
    size_t i = 0;
    while (i < hits->count &&
           (hit_at(hits, i)->key != fault->key || hit_at(hits, i)->ordinal != fault->ordinal))
        i++;
    return i;
}

/* ---- places ---- */

/* The first few, then wider and wider apart: 0 .. 8, 11, 14, 18, ... */
static void add_places(struct earlier *earlier, uint32_t node, size_t end)
{
    for (size_t first = 0; first < end; first += 1 + (first < ONE_BY_ONE ? 0 : first / 4))
        earlier->places[earlier->place_count++] = (struct place){node, first};
}

/* On the own node, up to where they are; on those before it, where all of them find a hit. */
static void find_places(struct earlier *earlier, uint32_t own)
{
    size_t wide = earlier->numbers[earlier->count - 1] - earlier->numbers[0];
    earlier->places = memory_of(earlier->recording->made_count, sizeof *earlier->places);
    for (uint32_t node = 0; node < own; node++) {
        struct hits hits = hits_of(earlier->recording, earlier->point, node);
        add_places(earlier, node, hits.count > wide ? hits.count - wide : 0);
        free(hits.at);
    }
    add_places(earlier, own, earlier->numbers[0]);
}

static int by_value(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* false: one of them is not hit. */
static bool earlier_init(struct earlier *earlier, const struct shrinker *s, const size_t *edits,
                         size_t count, const struct recording *recording)
{
    const struct choice fault = tape_edit_get(shrinker_best(s), edits[0]).choice;
    struct hits hits = hits_of(recording, fault.name, fault.node);
    *earlier = (struct earlier){.recording = recording,
                                .point = fault.name,
                                .edits = edits,
                                .numbers = memory_of(count, sizeof *earlier->numbers),
                                .count = count};
    for (size_t i = 0; i < count; i++) {
        const struct tape_edit edit = tape_edit_get(shrinker_best(s), edits[i]);
        earlier->numbers[i] = number_of(&hits, &edit.choice);
    }
    qsort(earlier->numbers, count, sizeof *earlier->numbers, by_value);
    bool hit = earlier->numbers[count - 1] < hits.count;
    free(hits.at);
    if (hit)
        find_places(earlier, fault.node);
    return hit;
}

static void earlier_done(struct earlier *earlier)
{
    free(earlier->numbers);
    free(earlier->places);
}

static struct tape *make_earlier(const struct shrinker *s, const void *ctx, size_t index)
{
    const struct earlier *earlier = ctx;
    const struct place *place = &earlier->places[index];
    struct tape *tape = tape_copy_without_these(shrinker_best(s), earlier->edits, earlier->count);
    struct hits from = hits_of(earlier->recording, earlier->point,
                               tape_edit_get(shrinker_best(s), earlier->edits[0]).choice.node);
    struct hits to = hits_of(earlier->recording, earlier->point, place->node);
    for (size_t i = 0; i < earlier->count; i++) {
        const struct tape_edit edit = tape_edit_get(shrinker_best(s), earlier->edits[i]);
        size_t number = number_of(&from, &edit.choice) - earlier->numbers[0] + place->first;
        if (edit.persistent)
            tape_edit_fault_from(tape, hit_at(&to, number), edit.fault);
        else
            tape_edit_fault(tape, hit_at(&to, number), edit.fault);
    }
    free(from.at);
    free(to.at);
    return tape;
}

/* ---- moving ---- */

static bool move(struct shrinker *s, const size_t *edits, size_t count)
{
    struct recording recording = {0};
    struct earlier earlier;
    if (!count || !shrinker_record(s, RECORD_HITS, &recording))
        return false;
    bool moved = earlier_init(&earlier, s, edits, count, &recording) &&
                 shrinker_first(s, make_earlier, &earlier, earlier.place_count) != NO_CANDIDATE;
    earlier_done(&earlier);
    recording_done(&recording);
    return moved;
}

static bool is_hit(const struct tape_edit *edit, const void *ctx)
{
    (void)ctx;
    return edit->kind == EDIT_FAULT && edit->fault.kind != FAULT_NONE;
}

static bool is_with(const struct tape_edit *edit, const void *ctx)
{
    const struct choice *first = ctx;
    return is_hit(edit, NULL) && edit->choice.node == first->node &&
           strcmp(edit->choice.name, first->name) == 0;
}

/* All that are of the point and node of this one. */
static bool move_together(struct shrinker *s, size_t number)
{
    size_t count;
    const struct choice first = tape_edit_get(shrinker_best(s), number).choice;
    size_t *edits = edits_find(shrinker_best(s), is_with, &first, &count);
    bool moved = count > 1 && edits[0] == number && move(s, edits, count);
    free(edits);
    return moved;
}

/* Those that have moved stand at the end of the tape: the next ones have their numbers then. */
static void move_each(struct shrinker *s, bool together)
{
    size_t count, stays = 0;
    free(edits_find(shrinker_best(s), is_hit, NULL, &count));
    for (size_t i = 0; i < count && count <= EARLIER_OF_MAX && !s->stopped; i++) {
        size_t left;
        size_t *edits = edits_find(shrinker_best(s), is_hit, NULL, &left);
        bool moved =
            stays < left && (together ? move_together(s, edits[stays]) : move(s, &edits[stays], 1));
        stays += !moved;
        free(edits);
    }
}

void shrinker_earlier(struct shrinker *s)
{
    move_each(s, true);
    move_each(s, false);
}
