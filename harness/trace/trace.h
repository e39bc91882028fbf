/* trace.h: what happened, as compact events in memory, and the fingerprint over all of it.
 *
 * The fingerprint is XXH3-128 over a canonical, endian-fixed form of each event (time, node, actor, point name,
 * fields, fault), rolled on as events are recorded. No address and no wall clock enters it: the same tape gives
 * the same fingerprint under any compiler, sanitizer and valgrind.
 */
#ifndef DURESS_TRACE_H
#define DURESS_TRACE_H

#include "harness/fault.h"
#include "harness/point.h"
#include <stdio.h>

struct event {
    uint64_t index;  /* 0, 1, ... */
    int64_t time_ns; /* virtual */
    uint32_t node;
    uint64_t actor;
    const struct point *point;
    const struct point_field *fields;
    unsigned count;
    struct fault fault; /* what was injected here; lo_ns == hi_ns: the duration that was drawn */
};

/* For the accessors below: the field of a recorded event, whose names are others than those in the program. */
const struct point_field *event_field_by_text(const struct event *event, const char *name);

/* NULL: there is no such field. The linker has made equal names one, so that their addresses tell them apart, mostly. */
static inline const struct point_field *event_field(const struct event *event, const char *name)
{
    const struct point_field *field = event->fields, *end = field + event->count;
    for (; field < end; field++)
        if (field->name == name)
            return field;
    return event_field_by_text(event, name);
}

/* Field by name. 0, "" when there is no such field. */
static inline uint64_t event_u64(const struct event *event, const char *field)
{
    const struct point_field *found = event_field(event, field);
    return found && found->type != FIELD_STR ? found->u64 : 0;
}

static inline int64_t event_i64(const struct event *event, const char *field)
{
    return (int64_t)event_u64(event, field);
}

static inline const char *event_str(const struct event *event, const char *field)
{
    const struct point_field *found = event_field(event, field);
    return found && found->type == FIELD_STR && found->str ? found->str : "";
}

static inline bool event_has(const struct event *event, const char *field)
{
    return event_field(event, field) != NULL;
}

/* Is this what a recorded event calls its own (i, t, node, ...)? No field may be called so. */
bool event_key_taken(const char *name);
/* The value of the first field as the key of counters: the number, or the XXH3 of the text. 0 without fields. */
uint64_t fields_key(const struct point_field *fields, unsigned count);

struct trace;

struct trace *trace_new(void);
void trace_free(struct trace *trace);

/* Called for each event as it is recorded; the event is valid only during the call. */
void trace_listen(struct trace *trace, void (*listen)(void *ctx, const struct event *event),
                  void *ctx);

/* Assigns event->index and records it. */
void trace_record(struct trace *trace, struct event *event);

/* From now on nothing is recorded: the run is over, what follows is cleaning up. */
void trace_seal(struct trace *trace);

uint64_t trace_count(const struct trace *trace);
void trace_fingerprint(const struct trace *trace, char out[static 33]); /* 32 hex digits */

/* Reading back, in order. Start with {0}; the event is valid until the next call. */
struct trace_cursor {
    size_t chunk, record, offset;
    uint64_t index;
    struct point_field fields[POINT_FIELDS_MAX];
};
bool trace_next(const struct trace *trace, struct trace_cursor *cursor, struct event *ret_event);

/* What the run drew for itself ("swarm/option/draw"), a line per name: "INDENTkill node: every 20s..1m". How many lines;
 * out NULL: only that. */
size_t trace_print_options(const struct trace *trace, const char *indent, FILE *out);

/* One line of JSON (u64 above 2^53 as strings): {"i":3,"t":"1000000007","node":1,"actor":2,"point":"..","job":7} */
void event_write_json(const struct event *event, FILE *out);
/* One line for people: "[   1.250s] n1 #7 job/perform/start job=7 attempt=1  <- crash". No newline. */
void event_print(const struct event *event, char *out, size_t size);

/* ---- the registry of points ---- */

/* Sorts and numbers all points that are linked in; checks names. Call once before anything is recorded;
 * harmless when repeated. Aborts with a message when two sites of one name disagree in shape. */
void registry_init(void);
size_t registry_count(void); /* distinct names */

struct point_info {
    const char *name, *about, *file; /* about: "" if missing */
    int line;
    uint32_t kinds; /* or-ed over all sites */
    size_t sites;
};
const struct point_info *registry_get(size_t id);
const struct point_info *registry_find(const char *name);

#endif
