/* view.h: a recorded trace at rest: random access, filters, cuts, projections.
 *
 * A readout decodes a trace once; a view is a row of pointers to its events. Views are values: every function makes
 * a new one and changes nothing. The trace must outlive the readout, the readout its views.
 */
#ifndef PROPERTIES_VIEW_H
#define PROPERTIES_VIEW_H

#include "properties/findings.h"
#include "properties/match.h"

struct readout {
    struct event *events;
    struct point_field *fields;
    size_t count;
};

struct readout readout_of(const struct trace *trace);
void readout_done(struct readout *readout);

struct view {
    const struct event **events;
    size_t count;
};

/* These allocate: view_done(). */
struct view view_all(const struct readout *readout);
/* The events that fit one of the matches. */
struct view view_matching(struct view view, const struct match *matches, size_t count);
void view_done(struct view *view);

/* A part of a view; owns nothing. */
static inline struct view view_slice(struct view view, size_t from, size_t to)
{
    return (struct view){view.events + from, to - from};
}

/* Cuts before the first event that fits: ret_rest begins with it, or is empty. */
void view_split_at(struct view view, const struct match *match, struct view *ret_before,
                   struct view *ret_rest);

/* Cuts at every event that fits: after it (each piece but the last ends with one), or before it (each piece but the
 * first begins with one). No piece is empty. The array is the caller's to free, the pieces are slices. */
enum cut { CUT_AFTER, CUT_BEFORE };
struct view *view_pieces(struct view view, const struct match *match, enum cut cut,
                         size_t *ret_count);

/* The values of match->value over the events that fit; or their keys, when there is no `value`. Texts by their hash.
 * Events without the field are left out, and reported (FIELDLESS, at: the event). Heap. */
uint64_t *view_project(struct view view, const struct match *match, size_t *ret_count,
                       struct findings *findings);

#endif
