/* story_match.c: see story_match.h. */
#include "reports/story_match.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- messages ---- */

static bool number_at(const char *text, uint64_t value)
{
    char *end;
    return isdigit((unsigned char)*text) && strtoull(text, &end, 10) == value;
}

/* Is it among the numbers from here on? */
static bool number_among(const char *text, uint64_t value)
{
    while (*text) {
        if (number_at(text, value))
            return true;
        while (isdigit((unsigned char)*text))
            text++;
        while (*text && !isdigit((unsigned char)*text))
            text++;
    }
    return false;
}

static bool named_here(const char *after, uint64_t value)
{
    if (*after == ' ' || *after == '=')
        return number_at(after + 1, value);
    const char *colon = *after == 's' ? strchr(after, ':') : NULL;
    return colon && number_among(colon, value);
}

bool message_names(const char *message, const char *field, uint64_t value)
{
    size_t length = strlen(field);
    for (const char *at = message; (at = strstr(at, field)); at += length) {
        bool word = at == message || !isalnum((unsigned char)at[-1]);
        if (word && named_here(at + length, value))
            return true;
    }
    return false;
}

/* ---- subjects ---- */

static bool field_is(const struct point_field *field, const struct subject *subject)
{
    if (strcmp(field->name, subject->name) != 0 || subject->number != (field->type != FIELD_STR))
        return false;
    if (subject->number)
        return field->u64 == subject->u64;
    return strncmp(field->str ? field->str : "", subject->text, sizeof subject->text - 1) == 0;
}

static bool subjects_have(const struct subjects *subjects, const struct point_field *field)
{
    for (size_t i = 0; i < subjects->count; i++)
        if (field_is(field, &subjects->list[i]))
            return true;
    return false;
}

/* One step further goes by numbers only: a queue or a name has too many friends. */
static bool carries_number(const struct subjects *subjects, const struct event *event)
{
    for (unsigned i = 0; i < event->count; i++)
        if (event->fields[i].type != FIELD_STR && subjects_have(subjects, &event->fields[i]))
            return true;
    return false;
}

bool subjects_match(const struct subjects *subjects, const struct event *event)
{
    for (unsigned i = 0; i < event->count; i++)
        if (subjects_have(subjects, &event->fields[i]))
            return true;
    return false;
}

static void subjects_add(struct subjects *subjects, const struct point_field *field)
{
    bool blank = field->type == FIELD_STR && (!field->str || !*field->str);
    if (blank || subjects->count == SUBJECTS_MAX || subjects_have(subjects, field))
        return;
    struct subject *subject = &subjects->list[subjects->count++];
    *subject = (struct subject){.name = field->name, .number = field->type != FIELD_STR};
    if (subject->number)
        subject->u64 = field->u64;
    else
        snprintf(subject->text, sizeof subject->text, "%s", field->str ? field->str : "");
}

static bool message_names_event(const char *message, const struct event *event)
{
    return event->count > 0 && event->fields[0].type != FIELD_STR &&
           message_names(message, event->fields[0].name, event->fields[0].u64);
}

void subjects_find(struct subjects *ret_subjects, const struct trace *trace, uint64_t failing,
                   const char *message)
{
    struct subjects direct = {0}, text = {0};
    struct event event;
    for (struct trace_cursor cursor = {0}; trace_next(trace, &cursor, &event);) {
        if (event.index == failing && event.count > 0)
            subjects_add(event.fields[0].type == FIELD_STR ? &text : &direct, &event.fields[0]);
        if (message_names_event(message, &event))
            subjects_add(&direct, &event.fields[0]);
    }
    if (direct.count == 0)
        direct = text;
    *ret_subjects = direct;
    for (struct trace_cursor cursor = {0}; trace_next(trace, &cursor, &event);)
        if (event.count > 0 && event.fields[0].type != FIELD_STR && carries_number(&direct, &event))
            subjects_add(ret_subjects, &event.fields[0]);
}
