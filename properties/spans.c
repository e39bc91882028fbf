/* spans.c: what has a start and an end, and may fail or be cut short: lists of them, and how many overlap. */
#include "properties/array.h"
#include "properties/checks.h"

#include <stdlib.h>

/* ---- which events start and end what ---- */

struct span_matchers {
    struct matcher start;
    struct matcher ends[3][SPAN_ENDS_MAX]; /* by enum span_end - 1 */
    size_t counts[3];
};

static void ends_ready(struct span_matchers *matchers, enum span_end end,
                       const struct match *matches)
{
    size_t *count = &matchers->counts[end - 1];
    while (*count < SPAN_ENDS_MAX && matches[*count].point) {
        matchers->ends[end - 1][*count] = matcher_make(&matches[*count]);
        ++*count;
    }
}

static struct span_matchers matchers_of(const struct span_kind *kind)
{
    struct span_matchers matchers = {.start = matcher_make(&kind->start)};
    ends_ready(&matchers, SPAN_ENDED, kind->end);
    ends_ready(&matchers, SPAN_FAILED, kind->failure);
    ends_ready(&matchers, SPAN_GONE, kind->gone);
    return matchers;
}

/* SPAN_OPEN: it ends nothing. */
static enum span_end end_of(const struct span_matchers *matchers, const struct event *event,
                            const struct match **ret_match)
{
    for (enum span_end end = SPAN_ENDED; end <= SPAN_GONE; end++) {
        for (size_t i = 0; i < matchers->counts[end - 1]; i++) {
            const struct matcher *matcher = &matchers->ends[end - 1][i];
            *ret_match = matcher->match;
            if (matcher_fits(matcher, event))
                return end;
        }
    }
    return SPAN_OPEN;
}

/* ---- lists of spans ---- */

struct listing {
    struct open_spans open;
    struct span *spans;
    size_t count, capacity;
    struct findings *found;
};

static void listing_start(struct listing *listing, const struct match *start, size_t place,
                          const struct event *event)
{
    size_t open = listing->open.open;
    cause_step(&listing->open, start, event, listing->found);
    if (listing->open.open == open)
        return;
    listing->open.pool[listing->open.newest].number = listing->count;
    listing->spans =
        array_grow(listing->spans, listing->count, &listing->capacity, sizeof *listing->spans);
    listing->spans[listing->count++] =
        (struct span){place, NOWHERE, event->time_ns, INT64_MAX, SPAN_OPEN};
}

static void listing_close(struct listing *listing, uint32_t number, size_t place,
                          const struct event *event, enum span_end end)
{
    struct open_span open = open_take(&listing->open, number);
    struct span *span = &listing->spans[open.number];
    span->to = place;
    span->to_ns = event->time_ns;
    span->end = end;
    if (end != SPAN_ENDED)
        findings_add(listing->found, (struct finding){ANOMALY_BROKEN_OFF, open.subject, open.at,
                                                      event->index, span->to_ns - span->from_ns});
}

static void listing_end(struct listing *listing, const struct match *match, size_t place,
                        const struct event *event, enum span_end end)
{
    uint64_t key;
    if (!match_key(match, event, &key, listing->found))
        return;
    if (end == SPAN_GONE) {
        for (uint32_t number = listing->open.oldest, next; number; number = next) {
            next = listing->open.pool[number].newer;
            if (listing->open.pool[number].scope == key)
                listing_close(listing, number, place, event, end);
        }
        return;
    }
    uint32_t number = open_find(&listing->open, key);
    if (number)
        listing_close(listing, number, place, event, end);
    else
        findings_add(listing->found,
                     (struct finding){ANOMALY_UNEXPECTED, match_subject(match, event), event->index,
                                      NOWHERE, 0});
}

struct span *view_spans(struct view view, const struct span_kind *kind, size_t *ret_count,
                        struct findings *found)
{
    struct span_matchers matchers = matchers_of(kind);
    struct listing listing = {.found = found};
    for (size_t i = 0; i < view.count; i++) {
        const struct event *event = view.events[i];
        const struct match *match;
        enum span_end end = end_of(&matchers, event, &match);
        if (end != SPAN_OPEN)
            listing_end(&listing, match, i, event, end);
        if (matcher_fits(&matchers.start, event))
            listing_start(&listing, &kind->start, i, event);
    }
    for (uint32_t number = listing.open.oldest; number; number = listing.open.pool[number].newer)
        findings_add(found, (struct finding){ANOMALY_INCOMPLETE, listing.open.pool[number].subject,
                                             listing.open.pool[number].at, NOWHERE, 0});
    found->checked += listing.count;
    open_done(&listing.open);
    *ret_count = listing.count;
    return listing.spans;
}

/* ---- depth ---- */

/* At equal times: the end of what was open, then the starts, then the end of what just started. */
enum edge_kind { EDGE_END, EDGE_START, EDGE_INSTANT_END };

struct edge {
    int64_t time_ns;
    enum edge_kind kind;
};

static int edge_compare(const void *left, const void *right)
{
    const struct edge *a = left, *b = right;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    return (int)a->kind - (int)b->kind;
}

uint64_t spans_depth(const struct span *spans, size_t count)
{
    struct edge *edges = malloc((2 * count + 1) * sizeof *edges);
    if (!edges)
        abort();
    size_t edge_count = 0;
    for (size_t i = 0; i < count; i++) {
        bool instant = spans[i].from_ns == spans[i].to_ns;
        edges[edge_count++] = (struct edge){spans[i].from_ns, EDGE_START};
        if (spans[i].end != SPAN_OPEN)
            edges[edge_count++] =
                (struct edge){spans[i].to_ns, instant ? EDGE_INSTANT_END : EDGE_END};
    }
    qsort(edges, edge_count, sizeof *edges, edge_compare);
    uint64_t depth = 0, deepest = 0;
    for (size_t i = 0; i < edge_count; i++) {
        depth += edges[i].kind == EDGE_START ? 1 : UINT64_MAX;
        deepest = depth > deepest ? depth : deepest;
    }
    free(edges);
    return deepest;
}

void check_depth(struct view view, const struct span_kind *kind, uint64_t limit,
                 struct findings *found)
{
    struct span_matchers matchers = matchers_of(kind);
    struct open_spans open = {0};
    struct table depths = {0};
    for (size_t i = 0; i < view.count; i++) {
        const struct event *event = view.events[i];
        const struct match *match;
        enum span_end end = end_of(&matchers, event, &match);
        if (end == SPAN_GONE)
            gone_step(&open, &depths, match, event, found);
        else if (end != SPAN_OPEN)
            end_step(&open, &depths, match, event, found);
        if (matcher_fits(&matchers.start, event))
            start_step(&open, &depths, &kind->start, limit, event, found);
    }
    table_done(&depths);
    open_done(&open);
}
