/* broaden.c: a detour. A fault stands on the tape by its number among the hits of its point, and so depends on
 * all that went before: once there are only two faults left, not one context switch can go without moving them. So
 * each fault is spread over all hits of its point on its node, the other choices are shrunk under that, and then the
 * faults again. What comes out counts only if it is less than before. */
#include "harness/shrinker/internal.h"

#include <stdlib.h>
#include <string.h>

static const struct made *first_hit(const struct recording *recording, const struct choice *fault)
{
    for (size_t i = 0; i < recording->made_count; i++) {
        const struct made *made = &recording->made[i];
        if (made->kinds && made->choice.node == fault->node &&
            strcmp(made->choice.name, fault->name) == 0)
            return made;
    }
    return NULL;
}

static bool is_single_fault(const struct tape_edit *edit, const void *ctx)
{
    (void)ctx;
    return edit->kind == EDIT_FAULT && edit->fault.kind != FAULT_NONE;
}

static void spread(struct tape *tape, const struct tape_edit *edit, const struct recording *hits)
{
    const struct made *first = first_hit(hits, &edit->choice);
    if (first)
        tape_edit_fault_from(tape, &first->choice, edit->fault);
}

/* Candidate 0: all faults; i: the i-th one. */
static struct tape *make_broader(const struct shrinker *s, const void *ctx, size_t index)
{
    size_t count;
    struct tape *tape = tape_copy(shrinker_best(s));
    size_t *edits = edits_find(tape, is_single_fault, NULL, &count);
    for (size_t i = 0; i < count; i++) {
        const struct tape_edit edit = tape_edit_get(shrinker_best(s), edits[i]);
        if (index == 0 || index == i + 1)
            spread(tape, &edit, ctx);
    }
    free(edits);
    return tape;
}

static bool broaden(struct shrinker *s, size_t faults)
{
    struct recording hits = {0};
    if (!shrinker_record(s, RECORD_HITS, &hits))
        return false;
    bool broader = shrinker_first(s, make_broader, &hits, faults + 1) != NO_CANDIDATE;
    recording_done(&hits);
    return broader;
}

/* Back to single faults, those that were really injected. */
static void narrow(struct shrinker *s)
{
    struct recording recording = {0};
    if (!shrinker_record(s, RECORD_CHOICES | RECORD_FAULTS, &recording))
        return;
    shrinker_make_explicit(s, &recording);
    recording_done(&recording);
    shrinker_remove(s, edit_is_fault, NULL);
    shrinker_remove(s, edit_is_choice, NULL);
}

static size_t weight(const struct shrinker *s)
{
    return edits_count(shrinker_best(s), edit_is_fault, NULL) +
           edits_count(shrinker_best(s), edit_is_choice, NULL);
}

static bool persists(const struct tape_edit *edit, const void *ctx)
{
    (void)ctx;
    return edit->kind == EDIT_FAULT && edit->persistent;
}

void shrinker_broaden(struct shrinker *s)
{
    size_t before = weight(s), faults = edits_count(shrinker_best(s), is_single_fault, NULL);
    if (s->stopped || !faults || !edits_count(shrinker_best(s), edit_is_choice, NULL))
        return;
    struct best best = shrinker_save(s);
    if (broaden(s, faults)) {
        shrinker_remove(s, edit_is_choice, NULL);
        shrinker_nudge(s);
        narrow(s);
    }
    if (weight(s) >= before || edits_count(shrinker_best(s), persists, NULL))
        shrinker_restore(s, &best);
    else
        tape_free(best.tape);
}
