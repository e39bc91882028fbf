/* story.c: one failed run, for people: what failed, what was done to the system, what happened to
 * the thing that the failure is about, the last events before it, and the line that shows it again.
 * A story is short (about 120 lines) and says what it left out; all of it is in trace.jsonl. */
#include "harness/report.h"
#include "reports/format.h"
#include "reports/story_match.h"
#include "reports/story_words.h"

#include <inttypes.h>
#include <string.h>

#define INJECTED_SHOWN 25
#define ABOUT_SHOWN    40 /* events that carry a key of the failure */
#define WORLD_SHOWN    20 /* phases, nodes and faults besides */
#define LAST_SHOWN     15
#define NODES_NAMED    64

struct story {
    const struct run *run;
    const struct scenario *scenario;
    const struct report_failure *failure;
    FILE *out;
    uint64_t failing; /* index of the failing event; the last one if the failure is about the end */
    struct subjects subjects;
    const char *node_names[NODES_NAMED];
};

/* ---- who and where ---- */

/* A booting node says its name. Names live as long as the world. */
static void names_find(struct story *story)
{
    struct node *node = story->run->world ? world_nodes(story->run->world) : NULL;
    for (; node; node = node->next)
        if (node->id < NODES_NAMED)
            story->node_names[node->id] = node->name;
}

static void print_place(const struct story *story, const struct event *event)
{
    fprintf(story->out, "[%6" PRId64 ".%03" PRId64 "s] ", event->time_ns / 1000000000,
            event->time_ns / 1000000 % 1000);
    if (event->node == 0)
        fputs("world: ", story->out);
    else if (event->node < NODES_NAMED && story->node_names[event->node])
        fprintf(story->out, "%s: ", story->node_names[event->node]);
    else
        fprintf(story->out, "n%" PRIu32 ": ", event->node);
}

static void print_event(const struct story *story, const struct event *event)
{
    char line[1024];
    event_print(event, line, sizeof line);
    fputs(event->index == story->failing ? "  -> " : "     ", story->out);
    format_line(line, sizeof line, story->out);
    fputc('\n', story->out);
}

static void print_left_out(const struct story *story, uint64_t count, const char *what)
{
    char text[FORMAT_MAX];
    if (count)
        fprintf(story->out, "     ... %s %s left out\n", format_count(count, text), what);
}

/* ---- what was injected ---- */

/* A fault that kills a node is followed by the node's death: one thing, told once. */
static bool is_echo(const struct event *event, const struct event *before)
{
    bool death = strcmp(event->point->name, "world/node/kill") == 0 ||
                 strcmp(event->point->name, "world/node/poweroff") == 0 ||
                 strcmp(event->point->name, "world/node/pause") == 0;
    return death && before->fault.kind >= FAULT_PAUSE && before->node == event->node &&
           before->time_ns == event->time_ns;
}

/* Calls `tell` (may be NULL) for each injected thing up to the failure, but for the first `skip`.
 * Returns how many there are. */
static uint64_t each_injected(const struct story *story, uint64_t skip,
                              void (*tell)(const struct story *story, const struct event *event))
{
    struct event event, before = {0};
    uint64_t count = 0;
    for (struct trace_cursor cursor = {0}; trace_next(story->run->trace, &cursor, &event);) {
        if (event.index > story->failing)
            break;
        if (!event_is_injected(&event) || is_echo(&event, &before))
            continue;
        if (count++ >= skip && tell)
            tell(story, &event);
        before = event;
    }
    return count;
}

static void tell_injected(const struct story *story, const struct event *event)
{
    fputs("     ", story->out);
    print_place(story, event);
    event_tell(event, story->out);
    fputc('\n', story->out);
}

static void write_drawn(const struct story *story)
{
    if (trace_print_options(story->run->trace, NULL, NULL) == 0)
        return;
    fputs("\nThe options that this run drew\n\n", story->out);
    trace_print_options(story->run->trace, "     ", story->out);
}

static void write_injected(const struct story *story)
{
    uint64_t count = each_injected(story, 0, NULL);
    uint64_t skip = count > INJECTED_SHOWN ? count - INJECTED_SHOWN : 0;
    char text[FORMAT_MAX];
    fprintf(story->out, "\nWhat was injected before it (%s)\n\n", format_count(count, text));
    print_left_out(story, skip, "earlier ones");
    if (count == 0)
        fputs("     nothing: it failed without any fault\n", story->out);
    each_injected(story, skip, tell_injected);
}

/* ---- what happened ---- */

enum relevance { IRRELEVANT, ABOUT, WORLD, RELEVANCE_COUNT };

static enum relevance relevance_of(const struct story *story, const struct event *event)
{
    if (event->index > story->failing)
        return IRRELEVANT;
    if (event->index == story->failing || subjects_match(&story->subjects, event))
        return ABOUT;
    bool world = strncmp(event->point->name, "world/", 6) == 0;
    return world || event_is_injected(event) ? WORLD : IRRELEVANT;
}

static void print_subjects(const struct story *story)
{
    const char *before = "What happened: events about ";
    for (size_t i = 0; i < story->subjects.count; i++) {
        const struct subject *subject = &story->subjects.list[i];
        fprintf(story->out, "%s%s ", before, subject->name);
        if (subject->number)
            fprintf(story->out, "%" PRIu64, subject->u64);
        else
            format_line(subject->text, sizeof subject->text, story->out);
        before = ", ";
    }
    fputs(story->subjects.count ? ", and of the world\n\n"
                                : "What happened: events of the world\n\n",
          story->out);
}

/* The last events of each relevance, in order. */
static void write_happened(const struct story *story)
{
    static const uint64_t shown[RELEVANCE_COUNT] = {[ABOUT] = ABOUT_SHOWN, [WORLD] = WORLD_SHOWN};
    uint64_t counts[RELEVANCE_COUNT] = {0}, seen[RELEVANCE_COUNT] = {0};
    struct event event;
    fputc('\n', story->out);
    print_subjects(story);
    for (struct trace_cursor cursor = {0}; trace_next(story->run->trace, &cursor, &event);)
        counts[relevance_of(story, &event)]++;
    for (int i = ABOUT; i < RELEVANCE_COUNT; i++)
        print_left_out(story, counts[i] > shown[i] ? counts[i] - shown[i] : 0,
                       i == ABOUT ? "earlier events about it" : "earlier events of the world");
    for (struct trace_cursor cursor = {0}; trace_next(story->run->trace, &cursor, &event);) {
        enum relevance relevance = relevance_of(story, &event);
        if (relevance != IRRELEVANT && seen[relevance]++ + shown[relevance] >= counts[relevance])
            print_event(story, &event);
    }
}

static void write_last(const struct story *story)
{
    struct event event;
    fprintf(story->out, "\nThe last %d events before it, whatever they are about\n\n", LAST_SHOWN);
    for (struct trace_cursor cursor = {0}; trace_next(story->run->trace, &cursor, &event);)
        if (event.index <= story->failing && event.index + LAST_SHOWN >= story->failing)
            print_event(story, &event);
}

/* ---- head and end ---- */

static void write_line(FILE *out, const char *label, const char *text)
{
    fprintf(out, "%-10s ", label);
    format_line(text ? text : "", SIZE_MAX, out);
    fputc('\n', out);
}

static const char *property_name(const char *id)
{
    const struct property *property = properties_find(id);
    return property ? property->name : NULL;
}

static void write_head(const struct story *story)
{
    FILE *out = story->out;
    const struct report_failure *failure = story->failure;
    const char *name = property_name(failure->property);
    char text[FORMAT_MAX];
    write_line(out, "scenario", failure->scenario);
    write_line(out, "file", story->scenario->path);
    fprintf(out, "%-10s 0x%" PRIx64 "\n", "seed", failure->seed);
    write_line(out, "kind", failure->kind);
    write_line(out, "property", failure->property);
    if (name)
        write_line(out, "", name);
    write_line(out, "verdict", failure->message);
    fprintf(out, "%-10s event %" PRIu64 " of %s\n", "where", story->failing,
            format_count(trace_count(story->run->trace), text));
}

static void write_end(const struct story *story)
{
    FILE *out = story->out;
    if (strcmp(story->failure->kind, "liveness") == 0) {
        fputs("\nWhat it still waited for at the end\n\n     ", out);
        format_line(story->failure->message, SIZE_MAX, out);
        fputc('\n', out);
    }
    fputs("\nSee it again\n\n     ", out);
    format_line(story->failure->replay ? story->failure->replay : "", SIZE_MAX, out);
    fprintf(out, "\n\nfingerprint %s\n", story->run->fingerprint);
}

void story_write(const struct run *run, const struct scenario *scenario,
                 const struct report_failure *failure, FILE *out)
{
    uint64_t count = trace_count(run->trace);
    struct story story = {.run = run, .scenario = scenario, .failure = failure, .out = out};
    story.failing = failure->event < count ? failure->event : count ? count - 1 : 0;
    names_find(&story);
    bool stalled = strcmp(failure->kind, "liveness") == 0;
    subjects_find(&story.subjects, run->trace, stalled ? UINT64_MAX : story.failing,
                  failure->message);
    write_head(&story);
    write_drawn(&story);
    write_injected(&story);
    write_happened(&story);
    write_last(&story);
    write_end(&story);
}
