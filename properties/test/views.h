/* views.h: small traces as text, for tests of checks: "foo=1 bar=owo quux" is an event at view/foo/at with the field
 * v=1, one at view/bar/at with v="owo", and one at view/quux/at without a field. "@3" before an event sets the time, in
 * seconds, "#2" the actor, "n2" the node. A second field w follows after a comma: "foo=1,7". */
#ifndef PROPERTIES_TEST_VIEWS_H
#define PROPERTIES_TEST_VIEWS_H

#include "properties/checks.h"
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Never called: its call sites put the names into the registry. */
__attribute__((used)) static void views_register(struct point_site *at)
{
    TRACE(at, "view/foo/at", T_U64("v", 0));
    TRACE(at, "view/bar/at", T_U64("v", 0));
    TRACE(at, "view/quux/at", T_U64("v", 0));
    TRACE(at, "view/gone/at", T_U64("v", 0));
    TRACE(at, "view/fail/at", T_U64("v", 0));
}

enum { TEXT_EVENTS_MAX = 64 };

struct text_trace {
    char text[512];
    struct event events[TEXT_EVENTS_MAX];
    struct point points[TEXT_EVENTS_MAX];
    struct point_field fields[TEXT_EVENTS_MAX][2];
    const struct event *rows[TEXT_EVENTS_MAX];
    struct view view;
};

static inline void text_field(struct text_trace *trace, struct event *event, const char *name,
                              char *value)
{
    trace->fields[event->index][event->count++] = isdigit((unsigned char)*value)
                                                      ? T_U64(name, strtoull(value, NULL, 10))
                                                      : T_STR(name, value);
}

static inline void text_event(struct text_trace *trace, struct event *event, char *word)
{
    char name[32], *value = strchr(word, '=');
    if (value)
        *value++ = '\0';
    snprintf(name, sizeof name, "view/%s/at", word);
    const struct point_info *info = registry_find(name);
    cr_assert_not_null(info, "not a point: %s", name);
    event->fields = trace->fields[event->index];
    for (const char *field = "v"; value && event->count < 2; field = "w") {
        char *next = strchr(value, ',');
        if (next)
            *next++ = '\0';
        text_field(trace, event, field, value);
        value = next;
    }
    trace->points[event->index] =
        (struct point){.name = info->name, .id = (uint32_t)(info - registry_get(0))};
    event->point = &trace->points[event->index];
    trace->rows[event->index] = event;
}

static inline struct view text_view(struct text_trace *trace, const char *text)
{
    registry_init();
    *trace = (struct text_trace){0};
    snprintf(trace->text, sizeof trace->text, "%s", text);
    struct event now = {0};
    for (char *rest = trace->text, *word; (word = strsep(&rest, " "));) {
        if (*word == '@') {
            now.time_ns = (int64_t)(strtod(word + 1, NULL) * 1e9);
        } else if (*word == '#') {
            now.actor = strtoull(word + 1, NULL, 10);
        } else if (*word == 'n' && isdigit((unsigned char)word[1])) {
            now.node = (uint32_t)strtoul(word + 1, NULL, 10);
        } else if (*word) {
            struct event *event = &trace->events[trace->view.count];
            *event = now;
            event->index = trace->view.count++;
            text_event(trace, event, word);
        }
    }
    trace->view.events = trace->rows;
    return trace->view;
}

#define FOO                                                                                        \
    {                                                                                              \
        .point = "view/foo/at", .by = { "v" }                                                      \
    }
#define BAR                                                                                        \
    {                                                                                              \
        .point = "view/bar/at", .by = { "v" }                                                      \
    }

/* What was found, in one line. */
static inline const char *said(const struct findings *found)
{
    static char text[400];
    return findings_print(found, KIND_ANY, text, sizeof text);
}

#endif
