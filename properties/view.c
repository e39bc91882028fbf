/* view.c: see view.h. */
#include "properties/view.h"
#include "properties/array.h"

#include <stdlib.h>
#include <string.h>

static void *room(size_t count, size_t size)
{
    void *memory = malloc(count ? count * size : size);
    if (!memory)
        abort();
    return memory;
}

/* ---- readouts ---- */

struct readout readout_of(const struct trace *trace)
{
    struct readout readout = {.count = (size_t)trace_count(trace)};
    readout.events = room(readout.count, sizeof *readout.events);
    size_t fields = 0, capacity = 0;
    struct trace_cursor cursor = {0};
    for (size_t i = 0; i < readout.count; i++) {
        struct event *event = &readout.events[i];
        if (!trace_next(trace, &cursor, event))
            abort();
        while (capacity < fields + event->count)
            readout.fields =
                array_grow(readout.fields, capacity, &capacity, sizeof *readout.fields);
        if (event->count)
            memcpy(readout.fields + fields, event->fields, event->count * sizeof *event->fields);
        fields += event->count;
    }
    const struct point_field *at = readout.fields;
    for (size_t i = 0; i < readout.count; at += readout.events[i++].count)
        readout.events[i].fields = at;
    return readout;
}

void readout_done(struct readout *readout)
{
    free(readout->events);
    free(readout->fields);
    *readout = (struct readout){0};
}

/* ---- views ---- */

struct view view_all(const struct readout *readout)
{
    struct view view = {room(readout->count, sizeof *view.events), readout->count};
    for (size_t i = 0; i < readout->count; i++)
        view.events[i] = &readout->events[i];
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
