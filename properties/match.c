/* match.c: see match.h. */
#include "properties/match.h"

#include "harness/hash.h"
#include <stdlib.h>
#include <string.h>

/* ---- points ---- */

struct matcher matcher_make(const struct match *match)
{
    const char *point = match->point ? match->point : "**";
    size_t length = strlen(point);
    bool open = length >= 2 && strcmp(point + length - 2, "**") == 0;
    size_t fixed = open ? length - 2 : length + 1, count = registry_count(), first = 0;
    while (first < count && strncmp(registry_get(first)->name, point, fixed) != 0)
        first++;
    size_t end = first;
    while (end < count && strncmp(registry_get(end)->name, point, fixed) == 0)
        end++;
    return (struct matcher){match, (uint32_t)first, (uint32_t)end};
}

/* ---- fields ---- */

static bool field_builtin(const char *name, const struct event *event, struct point_field *ret)
{
    if (strcmp(name, "@node") == 0)
        *ret = T_U64(name, event->node);
    else if (strcmp(name, "@actor") == 0)
        *ret = T_U64(name, event->actor);
    else if (strcmp(name, "@time") == 0)
        *ret = T_I64(name, event->time_ns);
    else
        return false;
    return true;
}

static bool field_get(const char *name, const struct event *event, struct point_field *ret)
{
    if (name[0] == '@')
        return field_builtin(name, event, ret);
    const struct point_field *found = event_field(event, name);
    if (found)
        *ret = *found;
    return found != NULL;
}

static bool field_find(const char *name, const struct event *event, struct point_field *ret,
                       struct findings *found)
{
    if (field_get(name, event, ret))
        return true;
    findings_add(found,
                 (struct finding){ANOMALY_FIELDLESS, event->index, event->index, NOWHERE, 0});
    return false;
}

static uint64_t field_key(const struct point_field *field)
{
    return field->type == FIELD_STR ? hash_text(field->str) : field->u64;
}

bool match_fits(const struct match *match, const struct event *event)
{
    struct point_field field;
    if (match->field) {
        if (!field_get(match->field, event, &field))
            return false;
        bool is = field.type == FIELD_STR ? strcmp(field.str ? field.str : "", match->is) == 0
                                          : field.u64 == (uint64_t)strtoll(match->is, NULL, 10);
        if (!is)
            return false;
    }
    return !match->where || match->where(event);
}

bool key_by(const char *const by[KEY_FIELDS_MAX], const struct event *event, uint64_t *ret_key,
            struct findings *found)
{
    uint64_t key = 0;
    struct point_field field;
    for (unsigned i = 0; i < KEY_FIELDS_MAX && by[i]; i++) {
        if (!field_find(by[i], event, &field, found))
            return false;
        key = i ? mix64_pair(key, field_key(&field)) : field_key(&field);
    }
    *ret_key = key;
    return true;
}

bool match_key(const struct match *match, const struct event *event, uint64_t *ret_key,
               struct findings *found)
{
    if (!match->key)
        return key_by(match->by, event, ret_key, found);
    *ret_key = match->key(event);
    return true;
}

bool match_value(const struct match *match, const struct event *event, struct point_field *ret,
                 struct findings *found)
{
    if (!field_find(match->value, event, ret, found))
        return false;
    if (ret->type == FIELD_STR)
        *ret = T_U64(ret->name, hash_text(ret->str));
    return true;
}

uint64_t match_subject(const struct match *match, const struct event *event)
{
    struct point_field field;
    if (match->key)
        return match->key(event);
    return match->by[0] && field_get(match->by[0], event, &field) ? field_key(&field) : 0;
}

void match_print(const struct match *match, const struct event *event, char *out, size_t size)
{
    struct point_field field;
    size_t used = (size_t)snprintf(out, size, "%s", event->point->name);
    for (unsigned i = 0; i < KEY_FIELDS_MAX && match->by[i] && used < size; i++) {
        const char *name = match->by[i] + (match->by[i][0] == '@');
        if (!field_get(match->by[i], event, &field))
            continue;
        if (field.type == FIELD_STR)
            used += (size_t)snprintf(out + used, size - used, " %s=%s", name, field.str);
        else
            used +=
                (size_t)snprintf(out + used, size - used, " %s=%lld", name, (long long)field.i64);
    }
}

uint64_t event_identity(const struct event *event)
{
    uint64_t key = event->point->id;
    for (unsigned i = 0; i < event->count; i++)
        key = mix64_pair(key, field_key(&event->fields[i]));
    return key;
}
