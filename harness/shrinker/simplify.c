/* simplify.c: all choices but faults: to their simplest values, as many at once as possible. What of a name
 * must stay is written down choice by choice, if it is little. */
#include "harness/shrinker/internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    LISTED_MAX = 96, /* more choices of one name than this are no simpler than what the seed says */
    LISTED_TRY = 20000 /* and among more than this we do not look for them */
};

/* What a program draws at random shows nowhere but in numbers that nobody reads; all equal, it would break promises
 * that the system relies on. Rules have nothing to say any more. */
bool stream_is_told(enum stream stream)
{
    return stream != STREAM_FAULT && stream != STREAM_RULE && stream != STREAM_ENTROPY;
}

/* Choices of one name, that are neither simple nor listed. */
struct group {
    enum stream stream;
    const char *name;
    size_t count;
};

struct groups {
    struct recording recording;
    struct group *items;
    size_t count;
};

/* ---- which there are ---- */

static struct group *group_find(struct groups *groups, const struct choice *choice)
{
    for (size_t i = 0; i < groups->count; i++)
        if (groups->items[i].stream == choice->stream &&
            strcmp(groups->items[i].name, choice->name) == 0)
            return &groups->items[i];
    groups->items = realloc(groups->items, (groups->count + 1) * sizeof *groups->items);
    if (!groups->items)
        abort();
    groups->items[groups->count] = (struct group){choice->stream, choice->name, 0};
    return &groups->items[groups->count++];
}

static bool is_of_group(const struct tape_edit *edit, const void *ctx)
{
    const struct group *group = ctx;
    return (edit->kind == EDIT_CHOICE || edit->kind == EDIT_SIMPLEST) &&
           edit->choice.stream == group->stream &&
           (!edit->choice.name || !group->name || strcmp(edit->choice.name, group->name) == 0);
}

static bool makes_simple(const struct tape_edit *edit, const void *ctx)
{
    return edit->kind == EDIT_SIMPLEST && is_of_group(edit, ctx);
}

static bool is_simple(const struct tape *tape, const struct group *group)
{
    return edits_count(tape, makes_simple, group) > 0;
}

static bool groups_load(struct shrinker *s, struct groups *ret_groups)
{
    *ret_groups = (struct groups){0};
    if (!shrinker_record(s, RECORD_CHOICES, &ret_groups->recording))
        return false;
    const struct recording *recording = &ret_groups->recording;
    for (size_t i = 0; i < recording->made_count; i++) {
        const struct made *made = &recording->made[i];
        const struct group group = {made->choice.stream, made->choice.name, 0};
        if (!made->kinds && made->value && stream_is_told(made->choice.stream) &&
            !is_simple(shrinker_best(s), &group))
            group_find(ret_groups, &made->choice)->count++;
    }
    return true;
}

static void groups_done(struct groups *groups)
{
    recording_done(&groups->recording);
    free(groups->items);
}

/* ---- all of a name, of a stream, of everything ---- */

/* Without the edits of this group (name NULL: of the stream), and all of it simple. */
static struct tape *simplified(const struct tape *tape, const struct group *group)
{
    size_t count;
    size_t *edits = edits_find(tape, is_of_group, group, &count);
    struct tape *copy = tape_copy_without_these(tape, edits, count);
    tape_simplify(copy, group->stream, group->name);
    free(edits);
    return copy;
}

static bool has_stream(const struct groups *groups, enum stream stream)
{
    for (size_t i = 0; i < groups->count; i++)
        if (groups->items[i].stream == stream)
            return true;
    return false;
}

static struct tape *make_all_simple(const struct shrinker *s, const void *ctx, size_t index)
{
    struct tape *tape = tape_copy(shrinker_best(s));
    (void)index;
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if (!has_stream(ctx, (enum stream)stream))
            continue;
        struct tape *next = simplified(tape, &(struct group){.stream = (enum stream)stream});
        tape_free(tape);
        tape = next;
    }
    return tape;
}

/* Candidates: the streams, and then the names. */
static struct tape *make_simple(const struct shrinker *s, const void *ctx, size_t index)
{
    const struct groups *groups = ctx;
    if (index >= STREAM_COUNT)
        return simplified(shrinker_best(s), &groups->items[index - STREAM_COUNT]);
    if (!has_stream(groups, (enum stream)index))
        return NULL;
    return simplified(shrinker_best(s), &(struct group){.stream = (enum stream)index});
}

static bool simplify_whole(struct shrinker *s)
{
    struct groups groups;
    if (!groups_load(s, &groups))
        return false;
    bool any = groups.count && (shrinker_first(s, make_all_simple, &groups, 1) != NO_CANDIDATE ||
                                shrinker_first(s, make_simple, &groups,
                                               STREAM_COUNT + groups.count) != NO_CANDIDATE);
    groups_done(&groups);
    return any;
}

/* ---- choice by choice ---- */

static void list_choices(struct tape *tape, const struct groups *groups, const struct group *group)
{
    for (size_t i = 0; i < groups->recording.made_count; i++) {
        const struct made *made = &groups->recording.made[i];
        if (!made->kinds && made->value && made->choice.stream == group->stream &&
            strcmp(made->choice.name, group->name) == 0)
            tape_edit_choice(tape, &made->choice, made->value);
    }
}

static bool is_listed(const struct tape_edit *edit, const void *ctx)
{
    return edit->kind == EDIT_CHOICE && is_of_group(edit, ctx);
}

/* Goes back when too many must stay. */
static void list_group(struct shrinker *s, const struct groups *groups, const struct group *group)
{
    struct best before = shrinker_save(s);
    struct tape *listed = simplified(before.tape, group);
    list_choices(listed, groups, group);
    if (shrinker_try(s, listed))
        shrinker_remove(s, is_listed, group);
    if (edits_count(shrinker_best(s), is_listed, group) > LISTED_MAX)
        shrinker_restore(s, &before);
    else
        tape_free(before.tape);
}

/* ---- a shorter tape for the same run ---- */

static bool names_simplest(const struct tape_edit *edit, const void *ctx)
{
    const enum stream *stream = ctx;
    return edit->kind == EDIT_SIMPLEST && edit->choice.name && edit->choice.stream == *stream;
}

/* The stream as a whole, instead of its names. */
static struct tape *make_merged(const struct shrinker *s, const void *ctx, size_t index)
{
    enum stream stream = (enum stream)index;
    size_t count;
    (void)ctx;
    size_t *edits = edits_find(shrinker_best(s), names_simplest, &stream, &count);
    struct tape *tape = NULL;
    if (count) {
        tape = tape_copy_without_these(shrinker_best(s), edits, count);
        tape_simplify(tape, stream, NULL);
    }
    free(edits);
    return tape;
}

void shrinker_simplify(struct shrinker *s)
{
    struct groups groups;
    while (simplify_whole(s))
        ;
    if (!groups_load(s, &groups))
        return;
    for (size_t i = 0; i < groups.count && !s->stopped; i++)
        if (groups.items[i].count <= LISTED_TRY)
            list_group(s, &groups, &groups.items[i]);
    groups_done(&groups);
    while (shrinker_first(s, make_merged, NULL, STREAM_COUNT) != NO_CANDIDATE)
        ;
}
