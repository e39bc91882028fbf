/* nudge.c: the schedule. A context switch may only be needed to bring about the state in which another one
 * hurts; a little earlier or later, that one hurts without it. So one is left out while another one is moved. */
#include "harness/shrinker/internal.h"

#include <stdlib.h>

enum { NUDGE_OF_MAX = 12, NUDGES = 6 };
static const int64_t nudges[NUDGES] = {-1, 1, -2, 2, -3, 3};

struct nudge {
    const size_t *edits;
    size_t count;
};

static bool is_schedule(const struct tape_edit *edit, const void *ctx)
{
    return edit_is_choice(edit, ctx) && edit->choice.stream == STREAM_SCHEDULE;
}

/* Candidates: which one goes, which one moves, and how far. */
static struct tape *make_nudged(const struct shrinker *s, const void *ctx, size_t index)
{
    const struct nudge *nudge = ctx;
    const struct tape *best = shrinker_best(s);
    size_t goes = nudge->edits[index / NUDGES / nudge->count];
    size_t moves = nudge->edits[index / NUDGES % nudge->count];
    struct tape_edit edit = tape_edit_get(best, moves);
    int64_t by = nudges[index % NUDGES];
    if (goes == moves || (by < 0 && edit.choice.ordinal <= (uint64_t)-by))
        return NULL;
    struct tape *tape = tape_copy_without_these(best, (const size_t[]){goes, moves}, 2);
    edit.choice.ordinal += (uint64_t)by;
    tape_edit_choice(tape, &edit.choice, edit.value);
    return tape;
}

void shrinker_nudge(struct shrinker *s)
{
    ptrdiff_t found = 0;
    while (!s->stopped && found != NO_CANDIDATE) {
        struct nudge nudge;
        size_t *edits = edits_find(shrinker_best(s), is_schedule, NULL, &nudge.count);
        nudge.edits = edits;
        found = nudge.count <= NUDGE_OF_MAX
                    ? shrinker_first(s, make_nudged, &nudge, nudge.count * nudge.count * NUDGES)
                    : NO_CANDIDATE;
        free(edits);
    }
}
