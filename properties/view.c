/* view.c: see view.h. */
#include "properties/view.h"

#include <stdlib.h>
#include <string.h>

static void *room(size_t count, size_t size)
{
    void *memory = malloc(count ? count * size : size);
    if (!memory)
        abort();
    return memory;
}

/* ---- recordings ---- */

struct recording recording_of(const struct trace *trace)
{
    struct recording recording = {.count = (size_t)trace_count(trace)};
    recording.events = room(recording.count, sizeof *recording.events);
    size_t fields = 0, capacity = 0;
    struct trace_cursor cursor = {0};
    for (size_t i = 0; i < recording.count; i++) {
        struct event *event = &recording.events[i];
        if (!trace_next(trace, &cursor, event))
            abort();
        while (capacity < fields + event->count)
            recording.fields =
                array_grow(recording.fields, capacity, &capacity, sizeof *recording.fields);
        if (event->count)
            memcpy(recording.fields + fields, event->fields, event->count * sizeof *event->fields);
        fields += event->count;
    }
    const struct point_field *at = recording.fields;
    for (size_t i = 0; i < recording.count; at += recording.events[i++].count)
        recording.events[i].fields = at;
    return recording;
}

void recording_done(struct recording *recording)
{
    free(recording->events);
    free(recording->fields);
    *recording = (struct recording){0};
}

/* ---- views ---- */

struct view view_all(const struct recording *recording)
{
    struct view view = {room(recording->count, sizeof *view.events), recording->count};
    for (size_t i = 0; i < recording->count; i++)
        view.events[i] = &recording->events[i];
    return view;
}

void view_done(struct view *view)
{
    free(view->events);
    *view = (struct view){0};
}

static bool any_fits(const struct matcher *matchers, size_t count, const struct event *event)
{
    for (size_t i = 0; i < count; i++) {
        if (matcher_fits(&matchers[i], event))
            return true;
    }
    return false;
}

struct view view_matching(struct view view, const struct match *matches, size_t count)
{
    struct matcher *matchers = room(count, sizeof *matchers);
    for (size_t i = 0; i < count; i++)
        matchers[i] = matcher_make(&matches[i]);
    struct view found = {room(view.count, sizeof *found.events), 0};
    for (size_t i = 0; i < view.count; i++) {
        if (any_fits(matchers, count, view.events[i]))
            found.events[found.count++] = view.events[i];
    }
    free(matchers);
    return found;
}

void view_split_at(struct view view, const struct match *match, struct view *ret_before,
                   struct view *ret_rest)
{
    struct matcher matcher = matcher_make(match);
    size_t at = 0;
    while (at < view.count && !matcher_fits(&matcher, view.events[at]))
        at++;
    *ret_before = view_slice(view, 0, at);
    *ret_rest = view_slice(view, at, view.count);
}

struct view *view_pieces(struct view view, const struct match *match, enum cut cut,
                         size_t *ret_count)
{
    struct matcher matcher = matcher_make(match);
    struct view *pieces = room(view.count, sizeof *pieces);
    size_t count = 0, from = 0;
    for (size_t i = 0; i < view.count; i++) {
        if (!matcher_fits(&matcher, view.events[i]))
            continue;
        size_t to = cut == CUT_AFTER ? i + 1 : i;
        if (to > from)
            pieces[count++] = view_slice(view, from, to);
        from = to;
    }
    if (view.count > from)
        pieces[count++] = view_slice(view, from, view.count);
    *ret_count = count;
    return pieces;
}

uint64_t *view_project(struct view view, const struct match *match, size_t *ret_count,
                       struct findings *findings)
{
    struct matcher matcher = matcher_make(match);
    uint64_t *values = room(view.count, sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < view.count; i++) {
        const struct event *event = view.events[i];
        if (!matcher_fits(&matcher, event))
            continue;
        struct point_field field;
        if (match->value ? match_value(match, event, &field, findings)
                         : match_key(match, event, &field.u64, findings))
            values[count++] = field.u64;
    }
    *ret_count = count;
    return values;
}
