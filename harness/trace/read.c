/* read.c: a recorded trace, read line by line. What it costs is one line at a time and the
 * names of the points; a line that is not understood ends the reading, because what is judged over
 * half of a trace means nothing. */
#include "harness/trace/read_internal.h"

#include "harness/json.h"
#include "harness/seed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct trace_reader *trace_reader_new(FILE *in, const char *name)
{
    struct trace_reader *reader = reader_must(calloc(1, sizeof *reader));
    registry_init();
    reader->in = in;
    reader->name = name;
    return reader;
}

void trace_reader_free(struct trace_reader *reader)
{
    struct met *met, *next;
    HASH_ITER (hh, reader->points, met, next) {
        HASH_DEL(reader->points, met);
        free((char *)(uintptr_t)met->point.name);
        free(met);
    }
    for (size_t i = 0; i < reader->head.property_count; i++)
        free(reader->head.properties[i]);
    free(reader->head.properties);
    free(reader->head.scenario);
    free(reader->end.failed);
    free(reader->end.message);
    json_decref(reader->object);
    free(reader->line);
    free(reader);
}

const struct trace_end *trace_reader_end(const struct trace_reader *reader)
{
    return &reader->end;
}

const char *trace_reader_why(const struct trace_reader *reader)
{
    return reader->why;
}

/* ---- the head ---- */

static int take_properties(struct trace_reader *reader)
{
    struct trace_head *head = &reader->head;
    const json_t *list = json_object_get(reader->object, "properties"), *item;
    size_t i;
    if (!list)
        return 0;
    if (!json_is_array(list))
        return COMPLAIN_OF(reader, "properties", "\"properties\" is a list of ids");
    head->properties = reader_must(calloc(json_array_size(list) + 1, sizeof *head->properties));
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item))
            return COMPLAIN_OF(reader, "properties", "\"properties\" is a list of ids");
        head->properties[head->property_count++] = reader_must(strdup(json_string_value(item)));
    }
    return 0;
}

static int take_seed(struct trace_reader *reader)
{
    char *text = NULL, why[160];
    int err = member_text(reader, "seed", &text);
    if (!err && text && seed_parse(text, &reader->head.seed, why, sizeof why) != 0)
        err = COMPLAIN_OF(reader, "seed", "%s", why);
    reader->head.seeded = text && !err;
    free(text);
    return err;
}

static int head_take(struct trace_reader *reader)
{
    uint64_t version = 0;
    int err = member_number(reader, "trace", UINT32_MAX, &version);
    if (!err && version != TRACE_VERSION)
        err = COMPLAIN_OF(reader, "trace", "a trace of another version; this program reads %d",
                          TRACE_VERSION);
    if (!err)
        err = member_text(reader, "scenario", &reader->head.scenario);
    if (!err)
        err = take_seed(reader);
    return err ? err : take_properties(reader);
}

int trace_reader_head(struct trace_reader *reader, const struct trace_head **ret_head)
{
    *ret_head = &reader->head;
    int got = reader_object(reader);
    if (got != 1)
        return got;
    if (json_object_get(reader->object, "trace") && !json_object_get(reader->object, "i"))
        return head_take(reader);
    reader->waiting = true;
    return 0;
}

/* ---- the end ---- */

static const char *const ending_words[] = {
#define X(e, word) word,
    ENDINGS(X)
#undef X
};

static int take_ending(struct trace_reader *reader)
{
    const char *word = json_string_value(json_object_get(reader->object, "end"));
    size_t i = 0;
    while (word && i < ENDING_COUNT && strcmp(word, ending_words[i]) != 0)
        i++;
    if (!word || i == ENDING_COUNT)
        return COMPLAIN_OF(reader, "end", "a trace ends whole, stopped, undrained or broken");
    reader->end.ending = (enum run_ending)i;
    return 0;
}

static int end_take(struct trace_reader *reader)
{
    reader->end.events = reader->events;
    reader->ended = true;
    int err = take_ending(reader);
    if (!err)
        err = member_number(reader, "events", UINT64_MAX, &reader->end.events);
    if (!err && reader->end.events != reader->events)
        err = COMPLAIN_OF(reader, "events",
                          "there were %" PRIu64 " events: lines are missing or were added",
                          reader->events);
    if (!err)
        err = member_text(reader, "failed", &reader->end.failed);
    if (!err)
        err = member_text(reader, "message", &reader->end.message);
    if (err)
        return err;
    int more = reader_object(reader);
    return more == 1 ? reader_complain(reader, 1, "something follows the \"end\" line") : more;
}

/* ---- events ---- */

static const struct point *point_meet(struct trace_reader *reader, const char *name)
{
    struct met *met;
    HASH_FIND_STR(reader->points, name, met);
    if (met)
        return &met->point;
    const struct point_info *known = registry_find(name);
    met = reader_must(calloc(1, sizeof *met));
    met->point.name = reader_must(strdup(name));
    met->point.file = reader->name;
    met->point.id = (uint32_t)(known ? (size_t)(known - registry_get(0))
                                     : registry_count() + reader->strangers++);
    HASH_ADD_KEYPTR(hh, reader->points, met->point.name, strlen(met->point.name), met);
    return &met->point;
}

static int take_fault(struct trace_reader *reader, struct fault *ret_fault)
{
    const json_t *value = json_object_get(reader->object, "fault");
    const char *text = json_string_value(value), *why = "a fault is a text, as in \"crash\"";
    if (!value)
        return 0;
    size_t length = text ? fault_parse(text, ret_fault, &why) : 0;
    if (length > 0 && text[length] == '\0' && ret_fault->lo_ns == ret_fault->hi_ns)
        return 0;
    return COMPLAIN_OF(reader, "fault", "%s", length ? "not the fault of an event" : why);
}

/* {"text": "..."}: a text that would otherwise be taken for a number. */
static const char *wrapped_text(const json_t *value)
{
    return json_object_size(value) == 1 ? json_string_value(json_object_get(value, "text")) : NULL;
}

static int take_field(struct trace_reader *reader, struct event *event, const char *key,
                      const json_t *value)
{
    const char *text = json_is_object(value) ? wrapped_text(value) : json_string_value(value);
    struct point_field field = {.name = key, .type = FIELD_STR, .str = text};
    bool negative = false;
    if (event->count == POINT_FIELDS_MAX)
        return COMPLAIN_OF(reader, key, "an event has at most %d fields", POINT_FIELDS_MAX);
    if (!text && !json_is_integer(value))
        return COMPLAIN_OF(reader, key, "a field is a whole number or a text");
    if (json_is_integer(value) || (json_is_string(value) && json_is_big_number(text))) {
        whole_number(value, &field.u64, &negative);
        field.type = negative ? FIELD_I64 : FIELD_U64;
    }
    reader->fields[event->count++] = field;
    return 0;
}

static int take_fields(struct trace_reader *reader, struct event *event)
{
    const char *key;
    const json_t *value;
    json_object_foreach(reader->object, key, value)
    {
        int err = event_key_taken(key) ? 0 : take_field(reader, event, key, value);
        if (err)
            return err;
    }
    event->fields = reader->fields;
    return 0;
}

static int take_point(struct trace_reader *reader, struct event *event)
{
    const char *name = json_string_value(json_object_get(reader->object, "point"));
    if (!name || !*name)
        return COMPLAIN_OF(reader, "point", "an event has a \"point\", as in \"store/ack/send\"");
    event->point = point_meet(reader, name);
    return 0;
}

static int take_place(struct trace_reader *reader, struct event *event)
{
    uint64_t index = UINT64_MAX, time_ns = UINT64_MAX, node = 0;
    int err = member_number(reader, "i", UINT64_MAX, &index);
    if (!err && index != reader->events)
        err = COMPLAIN_OF(reader, "i",
                          "expected event \"i\": %" PRIu64 "; a trace is judged whole, from 0 on",
                          reader->events);
    if (!err)
        err = member_number(reader, "t", INT64_MAX, &time_ns);
    if (!err && time_ns == UINT64_MAX)
        err = reader_complain(reader, 1, "an event has a time, \"t\", in nanoseconds");
    if (!err && (int64_t)time_ns < reader->time_ns)
        err = COMPLAIN_OF(reader, "t", "time runs backwards: the event before was at %" PRId64,
                          reader->time_ns);
    if (!err)
        err = member_number(reader, "node", UINT32_MAX, &node);
    if (!err)
        err = member_number(reader, "actor", UINT64_MAX, &event->actor);
    if (err)
        return err;
    event->index = index;
    event->time_ns = reader->time_ns = (int64_t)time_ns;
    event->node = (uint32_t)node;
    return 0;
}

int trace_reader_next(struct trace_reader *reader, struct event *ret_event)
{
    struct event event = {0};
    int got = reader->waiting ? 1 : reader_object(reader);
    reader->waiting = false;
    if (got != 1)
        return got;
    if (json_object_get(reader->object, "end") && !json_object_get(reader->object, "i"))
        return end_take(reader);
    int err = take_place(reader, &event);
    if (!err)
        err = take_point(reader, &event);
    if (!err)
        err = take_fault(reader, &event.fault);
    if (!err)
        err = take_fields(reader, &event);
    if (err)
        return err;
    reader->events++;
    *ret_event = event;
    return 1;
}
