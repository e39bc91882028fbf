/* match.h: which events a check is about, and by what they belong together.
 *
 *     {.point = "job/perform/stop", .field = "outcome", .is = "ok", .by = {"job", "lease"}}
 *
 * A name of a field may also be "@node", "@actor" or "@time": what every event has. A key is made of the values of
 * several fields; events with equal keys belong together. Texts enter it by their hash.
 */
#ifndef PROPERTIES_MATCH_H
#define PROPERTIES_MATCH_H

#include "harness/trace/trace.h"
#include "properties/findings.h"

enum { KEY_FIELDS_MAX = 4 };

struct match {
    const char *point;      /* exact, or with a final "**"; NULL: every point */
    const char *field, *is; /* only events whose field is this word, or this decimal number */
    bool (*where)(const struct event *event);   /* and for which this holds */
    const char *by[KEY_FIELDS_MAX];             /* the key; none: all events belong together */
    uint64_t (*key)(const struct event *event); /* or a function of the event, instead of `by` */
    const char *value;                          /* the field that the check looks at */
    const char *group[KEY_FIELDS_MAX];          /* depth: what is counted together */
    const char *scope[KEY_FIELDS_MAX];          /* spans: what takes several of them down at once */
};

/* A match made ready: points as a range of the registry, which is sorted by name. */
struct matcher {
    const struct match *match;
    uint32_t first, end;
};

/* After registry_init(). Keeps the pointer. */
struct matcher matcher_make(const struct match *match);

/* The conditions beyond the point. */
bool match_fits(const struct match *match, const struct event *event);

static inline bool matcher_fits(const struct matcher *matcher, const struct event *event)
{
    return event->point->id >= matcher->first && event->point->id < matcher->end &&
           match_fits(matcher->match, event);
}

/* The key of an event by these fields. No fields: 0. One number: itself. false: the event lacks one of them, and that
 * was reported (FIELDLESS). */
bool key_by(const char *const by[KEY_FIELDS_MAX], const struct event *event, uint64_t *ret_key,
            struct findings *found);
bool match_key(const struct match *match, const struct event *event, uint64_t *ret_key,
               struct findings *found);

/* What a finding names: the first field of the key. 0 without one. */
uint64_t match_subject(const struct match *match, const struct event *event);
/* "job/perform/stop job=7 lease=2": the point and the key. */
void match_print(const struct match *match, const struct event *event, char *out, size_t size);

/* The value of `match->value`; texts by their hash. false: FIELDLESS. */
bool match_value(const struct match *match, const struct event *event, struct point_field *ret,
                 struct findings *found);

/* The key of an event as a whole: its point and all its fields, whoever recorded it and when. */
uint64_t event_identity(const struct event *event);

#endif
