/* story_words.c: a sentence for each fault. Points that bracket an effect end in /send and /reply,
 * and a lost request is another story than a lost reply; all other points are told by their name.
 */
#include "reports/story_words.h"

#include "reports/format.h"
#include <inttypes.h>
#include <string.h>

#define FIELDS_TOLD 3

/* ---- what a nemesis does: events of their own ---- */

/* `%` stands for the fields, one after the other. */
static const struct {
    const char *point, *words;
    const char *fields[4];
} nemesis_words[] = {
    {"world/node/kill", "was killed", {0}},
    {"world/node/poweroff", "lost its power", {0}},
    {"world/node/pause", "stood still for %", {"ns"}},
    {"world/node/stop", "was asked to stop", {0}},
    {"world/disk/loss",
     "lost % unsynced writes of its disk (% kept, % torn)",
     {"dropped", "kept", "torn"}},
    {"world/actor/crash", "its process % died", {"which"}},
    {"world/node/wrong", "% (key %)", {"how", "key"}},
    {"world/disk/wipe", "lost its disk", {0}},
    {"world/disk/rot", "bit % of % flipped on its disk", {"bit", "file"}},
    {"world/clock/step", "had its wall clock moved by % ns", {"by"}},
    {"world/clock/stop", "had its wall clock stopped", {0}},
    {"world/clock/drift", "had its clocks run % ppm too fast", {"by"}},
    {"nemesis/disk/full", "% was full for %", {"disk", "for_ns"}},
    {"nemesis/disk/slow", "% became slower by % for %", {"disk", "by_ns", "for_ns"}},
    {"nemesis/disk/stall", "% stalled for %", {"disk", "by_ns"}},
    {"nemesis/disk/lie", "syncs of % did nothing for %", {"disk", "for_ns"}},
    {"nemesis/wait/begin", "% of key % waits here for %", {"held", "key", "for"}},
    {"nemesis/wait/end", "% of key % goes on after %: %", {"held", "key", "waited_ns", "why"}},
    {"nemesis/link/cut", "the link from n% to n% was cut", {"from", "to"}},
    {"nemesis/link/impair",
     "the link from n% to n% became % for %",
     {"from", "to", "how", "for_ns"}},
    {"nemesis/link/reset", "the connection between n% and n% was torn", {"from", "to"}},
    {"nemesis/link/flap", "the flapping link between n% and n% went %", {"from", "to", "goes"}},
    {"nemesis/net/part", "the network fell apart (%: %) for %", {"shape", "nodes", "for_ns"}},
    {"net/link/drop", "a message to n% vanished (%)", {"to", "why"}},
    {"net/link/duplicate", "a message to n% was doubled", {"to"}},
    {"net/link/reorder", "a message to n% was held back by %", {"to", "by_ns"}},
    {"net/link/refuse", "a message to n% was turned away", {"to"}},
    {"net/link/reset", "a message to n% was torn off", {"to"}},
    {"nemesis/link/slow", "the link from n% to n% became slower by %", {"from", "to", "by_ns"}},
};
#define NEMESIS_WORDS (sizeof nemesis_words / sizeof nemesis_words[0])

static size_t nemesis_find(const struct event *event)
{
    size_t i = 0;
    while (i < NEMESIS_WORDS && strcmp(nemesis_words[i].point, event->point->name) != 0)
        i++;
    return i;
}

bool event_is_injected(const struct event *event)
{
    return event->fault.kind != FAULT_NONE || nemesis_find(event) < NEMESIS_WORDS;
}

static const struct point_field *field_find(const struct event *event, const char *name)
{
    for (unsigned i = 0; i < event->count; i++)
        if (strcmp(event->fields[i].name, name) == 0)
            return &event->fields[i];
    return NULL;
}

/* Fields in nanoseconds end in "ns" and are told as a duration. */
static void tell_value(const struct point_field *field, FILE *out)
{
    size_t length = strlen(field->name);
    bool time = length >= 2 && strcmp(field->name + length - 2, "ns") == 0;
    char text[FORMAT_MAX];
    if (field->type == FIELD_STR)
        format_line(field->str ? field->str : "", 60, out);
    else if (time)
        fputs(duration_print(field->i64, text, sizeof text), out);
    else if (field->type == FIELD_U64)
        fprintf(out, "%" PRIu64, field->u64);
    else
        fprintf(out, "%" PRId64, field->i64);
}

static void tell_nemesis(const struct event *event, size_t which, FILE *out)
{
    const char *const *name = nemesis_words[which].fields;
    for (const char *c = nemesis_words[which].words; *c; c++) {
        if (*c != '%') {
            fputc(*c, out);
            continue;
        }
        const struct point_field *field = field_find(event, *name++);
        if (field)
            tell_value(field, out);
        else
            fputc('?', out);
    }
}

/* ---- faults at points ---- */

enum side { AT_REPLY, AT_SEND, AT_POINT, SIDE_COUNT };

/* `@` stands for the point (without /send and /reply), `%` for the fault as in a term. */
static const char *const fault_words[FAULT_KIND_COUNT][SIDE_COUNT] = {
    [FAULT_NONE] = {"@", "@", "@"},
    [FAULT_DELAY] = {"the reply of @ came late (%)", "the request @ was held up (%)",
                     "@ was held up (%)"},
    [FAULT_ERROR] = {"the reply of @ was lost in an error (%)", "the request @ failed (%)",
                     "@ failed (%)"},
    [FAULT_SHORT] = {"a part of @ was done, and it failed (%)",
                     "a part of @ was done, and it failed (%)",
                     "a part of @ was done, and it failed (%)"},
    [FAULT_LIE] = {"@ was said to be done, and was not (%)",
                   "@ was said to be done, and was not (%)",
                   "@ was said to be done, and was not (%)"},
    [FAULT_MISDIRECT] = {"@ was done in another place (%)", "@ was done in another place (%)",
                         "@ was done in another place (%)"},
    [FAULT_FLIP] = {"a bit of @ was wrong (%)", "a bit of @ was wrong (%)",
                    "a bit of @ was wrong (%)"},
    [FAULT_TIMEOUT] = {"the reply of @ did not come in time (%)",
                       "the request @ never arrived, and was waited for (%)", "@ timed out (%)"},
    [FAULT_DISCONNECT] = {"the reply of @ was lost (%)", "the request @ was lost (%)",
                          "@ lost its connection (%)"},
    [FAULT_PAUSE] = {"stood still when @ had replied (%)", "stood still before the request @ (%)",
                     "stood still at @ (%)"},
    [FAULT_CRASH] = {"the process died when @ had replied (%)",
                     "the process died before the request @ (%)", "the process died at @ (%)"},
    [FAULT_KILL] = {"was killed when @ had replied (%)", "was killed before the request @ (%)",
                    "was killed at @ (%)"},
    [FAULT_POWEROFF] = {"lost its power when @ had replied (%)",
                        "lost its power before the request @ (%)", "lost its power at @ (%)"},
};

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), end_length = strlen(end);
    return length > end_length && strcmp(name + length - end_length, end) == 0;
}

/* ", queue mail, count 3" */
static void tell_fields(const struct event *event, FILE *out)
{
    unsigned told = 0;
    for (unsigned i = 0; i < event->count && told < FIELDS_TOLD; i++) {
        const struct point_field *field = &event->fields[i];
        if (field->type == FIELD_STR && (!field->str || !*field->str))
            continue;
        fprintf(out, ", %s ", field->name);
        tell_value(field, out);
        told++;
    }
}

static void tell_fault(const struct event *event, FILE *out)
{
    const char *name = event->point->name;
    enum side side = ends_with(name, "/reply")  ? AT_REPLY
                     : ends_with(name, "/send") ? AT_SEND
                                                : AT_POINT;
    size_t length = side == AT_POINT ? strlen(name) : (size_t)(strrchr(name, '/') - name);
    char fault[80];
    fault_print(&event->fault, fault, sizeof fault);
    for (const char *c = fault_words[event->fault.kind][side]; *c; c++) {
        if (*c == '@')
            fprintf(out, "%.*s", (int)length, name);
        else if (*c == '%')
            fputs(fault, out);
        else
            fputc(*c, out);
    }
}

void event_tell(const struct event *event, FILE *out)
{
    size_t nemesis = nemesis_find(event);
    if (event->fault.kind == FAULT_NONE && nemesis < NEMESIS_WORDS) {
        tell_nemesis(event, nemesis, out);
        return;
    }
    tell_fault(event, out);
    tell_fields(event, out);
}
