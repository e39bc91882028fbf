/* remove.c: delta debugging of edits: leaves out all, halves, quarters, ... single ones; at last pairs, since
 * of two changes that cancel each other neither can go alone. */
#include "harness/shrinker/internal.h"

#include <stdlib.h>

enum { PAIRS_OF_MAX = 24 };

struct removal {
    const size_t *edits; /* numbers of those that may go */
    size_t count;
    size_t from, chunk; /* candidate i lacks edits [from + i * chunk, + chunk) */
};

bool edit_is_fault(const struct tape_edit *edit, const void *ctx)
{
    (void)ctx;
    return (edit->kind == EDIT_FAULT && edit->fault.kind != FAULT_NONE) ||
           (edit->kind == EDIT_CHOICE && edit->choice.stream == STREAM_FAULT && edit->value);
}

bool edit_is_choice(const struct tape_edit *edit, const void *ctx)
{
    (void)ctx;
    return edit->kind == EDIT_CHOICE && edit->choice.stream != STREAM_FAULT && edit->value;
}

size_t *edits_find(const struct tape *tape, edit_test *test, const void *ctx, size_t *ret_count)
{
    size_t count = tape_edit_count(tape), found = 0;
    size_t *numbers = calloc(count + 1, sizeof *numbers);
    if (!numbers)
        abort();
    for (size_t i = 0; i < count; i++) {
        const struct tape_edit edit = tape_edit_get(tape, i);
        if (test(&edit, ctx))
            numbers[found++] = i;
    }
    *ret_count = found;
    return numbers;
}

size_t edits_count(const struct tape *tape, edit_test *test, const void *ctx)
{
    size_t count;
    free(edits_find(tape, test, ctx, &count));
    return count;
}

struct tape *tape_copy_without_these(const struct tape *tape, const size_t *edits, size_t count)
{
    bool *gone = calloc(tape_edit_count(tape) + 1, sizeof *gone);
    if (!gone)
        abort();
    for (size_t i = 0; i < count; i++)
        gone[edits[i]] = true;
    struct tape *copy = tape_copy_without(tape, gone);
    free(gone);
    return copy;
}

static struct tape *make_without_chunk(const struct shrinker *s, const void *ctx, size_t index)
{
    const struct removal *removal = ctx;
    size_t from = removal->from + index * removal->chunk;
    size_t left = removal->count - from;
    return tape_copy_without_these(shrinker_best(s), removal->edits + from,
                                   removal->chunk < left ? removal->chunk : left);
}

/* Chunks of one size, from the first to the last. Returns whether any could go. */
static bool remove_chunks(struct shrinker *s, edit_test *test, const void *ctx, size_t chunk)
{
    size_t from = 0;
    bool any = false;
    while (!s->stopped) {
        struct removal removal = {.from = from, .chunk = chunk};
        size_t *edits = edits_find(shrinker_best(s), test, ctx, &removal.count);
        removal.edits = edits;
        ptrdiff_t gone = NO_CANDIDATE;
        if (from < removal.count)
            gone = shrinker_first(s, make_without_chunk, &removal,
                                  (removal.count - from + chunk - 1) / chunk);
        free(edits);
        if (gone == NO_CANDIDATE)
            break;
        from += (size_t)gone * chunk; /* those behind have moved up */
        any = true;
    }
    return any;
}

static struct tape *make_without_pair(const struct shrinker *s, const void *ctx, size_t index)
{
    const struct removal *removal = ctx;
    size_t count = removal->count ? removal->count : 1, a = index / count, b = index % count;
    if (a >= b)
        return NULL;
    const size_t pair[] = {removal->edits[a], removal->edits[b]};
    return tape_copy_without_these(shrinker_best(s), pair, 2);
}

static bool remove_pair(struct shrinker *s, edit_test *test, const void *ctx)
{
    struct removal removal;
    size_t *edits = edits_find(shrinker_best(s), test, ctx, &removal.count);
    removal.edits = edits;
    bool any = removal.count <= PAIRS_OF_MAX &&
               shrinker_first(s, make_without_pair, &removal, removal.count * removal.count) !=
                   NO_CANDIDATE;
    free(edits);
    return any;
}

void shrinker_remove(struct shrinker *s, edit_test *test, const void *ctx)
{
    size_t chunk = edits_count(shrinker_best(s), test, ctx);
    for (; chunk > 1; chunk = (chunk + 1) / 2) {
        size_t left = edits_count(shrinker_best(s), test, ctx);
        if (left == 0)
            return;
        remove_chunks(s, test, ctx, chunk < left ? chunk : left);
    }
    while (remove_chunks(s, test, ctx, 1) || remove_pair(s, test, ctx))
        ;
}
