/* Events for people and for machines. */
#include "harness/json.h"
#include "harness/trace/file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Appends to out[*used]; stops at size. */
static void append(char *out, size_t size, size_t *used, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void append(char *out, size_t size, size_t *used, const char *format, ...)
{
    if (*used + 1 >= size)
        return;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(out + *used, size - *used, format, args);
    va_end(args);
    if (length > 0)
        *used += (size_t)length;
    if (*used >= size)
        *used = size - 1;
}

void event_print(const struct event *event, char *out, size_t size)
{
    size_t used = 0;
    append(out, size, &used, "[%6" PRId64 ".%03" PRId64 "s] ", event->time_ns / 1000000000,
           event->time_ns / 1000000 % 1000);
    if (event->node)
        append(out, size, &used, "n%" PRIu32 " ", event->node);
    else
        append(out, size, &used, "-- ");
    if (event->actor)
        append(out, size, &used, "#%" PRIu64 " ", event->actor);
    append(out, size, &used, "%s", event->point->name);
    for (unsigned i = 0; i < event->count; i++) {
        const struct point_field *field = &event->fields[i];
        if (field->type == FIELD_U64)
            append(out, size, &used, " %s=%" PRIu64, field->name, field->u64);
        else if (field->type == FIELD_I64)
            append(out, size, &used, " %s=%" PRId64, field->name, field->i64);
        else
            append(out, size, &used, " %s=%s", field->name, field->str ? field->str : "");
    }
    if (event->fault.kind != FAULT_NONE) {
        char fault[64];
        append(out, size, &used, "  <- %s", fault_print(&event->fault, fault, sizeof fault));
    }
}

/* A text that a reader would take for a number is wrapped. */
static void write_text(struct json *json, const char *key, const char *text)
{
    if (!json_is_big_number(text)) {
        json_str(json, key, text);
        return;
    }
    json_object_begin(json, key);
    json_str(json, "text", text);
    json_object_end(json);
}

void event_write_json(const struct event *event, FILE *out)
{
    struct json json;
    json_init(&json, out, 0);
    json_object_begin(&json, NULL);
    json_count(&json, "i", event->index);
    json_u64(&json, "t", (uint64_t)event->time_ns);
    json_count(&json, "node", event->node);
    json_count(&json, "actor", event->actor);
    json_str(&json, "point", event->point->name);
    for (unsigned i = 0; i < event->count; i++) {
        const struct point_field *field = &event->fields[i];
        if (field->type == FIELD_U64)
            json_count(&json, field->name, field->u64);
        else if (field->type == FIELD_I64)
            json_int(&json, field->name, field->i64);
        else
            write_text(&json, field->name, field->str ? field->str : "");
    }
    if (event->fault.kind != FAULT_NONE) {
        char fault[64];
        json_str(&json, "fault", fault_print(&event->fault, fault, sizeof fault));
    }
    json_object_end(&json);
    json_done(&json);
}

static const char *const ending_words[] = {
#define X(e, word) word,
    ENDINGS(X)
#undef X
};

void trace_write_head(const struct trace_head *head, FILE *out)
{
    struct json json;
    json_init(&json, out, 0);
    json_object_begin(&json, NULL);
    json_count(&json, "trace", TRACE_VERSION);
    if (head->scenario)
        json_str(&json, "scenario", head->scenario);
    if (head->seeded)
        json_hex(&json, "seed", head->seed);
    if (head->properties) {
        json_array_begin(&json, "properties");
        for (size_t i = 0; i < head->property_count; i++)
            json_str(&json, NULL, head->properties[i]);
        json_array_end(&json);
    }
    json_object_end(&json);
    json_done(&json);
}

void trace_write_end(const struct trace_end *end, FILE *out)
{
    struct json json;
    json_init(&json, out, 0);
    json_object_begin(&json, NULL);
    json_str(&json, "end", ending_words[end->ending]);
    json_count(&json, "events", end->events);
    if (end->failed)
        json_str(&json, "failed", end->failed);
    if (end->message)
        json_str(&json, "message", end->message);
    json_object_end(&json);
    json_done(&json);
}

/* The faults that a swarm drew at one point follow each other. */
size_t trace_print_options(const struct trace *trace, const char *indent, FILE *out)
{
    struct trace_cursor cursor = {0};
    struct event event;
    char before[128] = "";
    size_t lines = 0;
    while (trace_next(trace, &cursor, &event)) {
        if (strcmp(event.point->name, "swarm/option/draw") != 0)
            continue;
        const char *name = event_str(&event, "name");
        bool same = strcmp(name, before) == 0;
        snprintf(before, sizeof before, "%s", name);
        if (out && same)
            fprintf(out, ", %s", event_str(&event, "value"));
        else if (out)
            fprintf(out, "%s%s%s: %s", lines ? "\n" : "", indent, name, event_str(&event, "value"));
        lines += !same;
    }
    if (out && lines)
        fputc('\n', out);
    return lines;
}
