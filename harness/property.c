/* property.c: the registry of properties, and the panel that judges one run.
 *
 * A panel is an array from point id to the handlers that want it, laid out once, so that an event
 * which nobody asked for costs two loads. A property that has failed is not called again: its state
 * is no longer worth anything, and only its first failure is kept.
 */
#include "harness/property.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- registry ---- */

enum { PROPERTIES_MAX = 512 };

extern const struct property *const __start_duress_properties[] __attribute__((weak));
extern const struct property *const __stop_duress_properties[] __attribute__((weak));

static const struct property *sorted[PROPERTIES_MAX];
static size_t sorted_count;

static int property_compare(const void *left, const void *right)
{
    const struct property *const *a = left, *const *b = right;
    return strcmp((*a)->id, (*b)->id);
}

static void properties_sort(void)
{
    if (sorted_count || !__start_duress_properties)
        return;
    size_t count = (size_t)(__stop_duress_properties - __start_duress_properties);
    assert(count <= PROPERTIES_MAX);
    memcpy(sorted, __start_duress_properties, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, property_compare);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(sorted[i - 1]->id, sorted[i]->id) == 0) {
            fprintf(stderr, "duress: two properties are called '%s'\n", sorted[i]->id);
            abort();
        }
    }
    sorted_count = count;
}

size_t properties_count(void)
{
    properties_sort();
    return sorted_count;
}

const struct property *properties_get(size_t index)
{
    properties_sort();
    return index < sorted_count ? sorted[index] : NULL;
}

const struct property *properties_find(const char *id)
{
    properties_sort();
    const struct property wanted = {.id = id}, *key = &wanted, **found;
    found = bsearch(&key, sorted, sorted_count, sizeof *sorted, property_compare);
    return found ? *found : NULL;
}

/* ---- panel ---- */

struct judge {
    struct verdict *verdict;
    struct panel *panel;
    void *state;
    const void *arg; /* of the handler that is being called */
    bool failed;     /* as its verdict says: wanted for each event */
};

struct handler {
    void (*fn)(struct judge *judge, void *state, const struct event *event);
    const void *arg;
    size_t judge; /* index */
};

/* Who wants an event of which point. */
struct listeners {
    size_t *first; /* point id -> its first handler; point_count + 1 entries */
    struct handler *handlers;
};

/* Who listens to what: the same for all panels of the same properties, run after run. */
struct plan {
    unsigned users; /* panels, and `latest` */
    const struct property **properties;
    size_t count, point_count;
    struct listeners plain, faulted; /* of events at which nothing, something was injected */
};

struct panel {
    size_t count; /* of properties */
    struct judge *judges;
    struct verdict *verdicts;
    struct plan *plan;
    bool failed; /* a safety property did */
    uint64_t last_event;
    int64_t last_time_ns;
};

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) {
        fputs("duress: out of memory\n", stderr);
        abort();
    }
    return memory;
}

/* How much of a name the pattern fixes: all of it, but for a final "**". */
static size_t pattern_fixed(const char *pattern)
{
    size_t length = strlen(pattern);
    bool open = length >= 2 && strcmp(pattern + length - 2, "**") == 0;
    return open ? length - 2 : length + 1;
}

/* The registry is sorted by name: what a pattern matches begins here, and stands together. */
static size_t points_from(const char *pattern, size_t fixed)
{
    size_t low = 0, high = registry_count();
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strncmp(registry_get(middle)->name, pattern, fixed) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whom one line of one property subscribes to. */
struct subscription {
    const struct property_on *on;
    uint32_t judge;
    size_t first, end; /* point ids */
};

static struct subscription subscription_make(const struct property_on *on, size_t judge)
{
    size_t fixed = pattern_fixed(on->point), first = points_from(on->point, fixed), end = first;
    while (end < registry_count() && strncmp(registry_get(end)->name, on->point, fixed) == 0)
        end++;
    return (struct subscription){on, (uint32_t)judge, first, end};
}

/* Properties in order, within one as it lists them. */
static struct subscription *subscriptions_make(const struct plan *plan, size_t *ret_count)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        for (const struct property_on *on = plan->properties[i]->on; on && on->point; on++)
            count++;
    struct subscription *all = zeroed(count, sizeof *all), *next = all;
    for (size_t i = 0; i < plan->count; i++)
        for (const struct property_on *on = plan->properties[i]->on; on && on->point; on++)
            *next++ = subscription_make(on, i);
    *ret_count = count;
    return all;
}

static struct listeners listeners_make(size_t point_count, const struct subscription *all,
                                       size_t count, bool faulted)
{
    struct listeners made = {.first = zeroed(point_count + 1, sizeof *made.first)};
    size_t *at = zeroed(point_count, sizeof *at);
    for (size_t i = 0; i < count; i++)
        for (size_t id = all[i].first; id < all[i].end; id++)
            at[id] += faulted || !all[i].on->faulted;
    for (size_t id = 0; id < point_count; id++) {
        made.first[id + 1] = made.first[id] + at[id];
        at[id] = made.first[id];
    }
    made.handlers = zeroed(made.first[point_count], sizeof *made.handlers);
    for (size_t i = 0; i < count; i++)
        for (size_t id = all[i].first; id < all[i].end; id++)
            if (faulted || !all[i].on->faulted)
                made.handlers[at[id]++] =
                    (struct handler){all[i].on->fn, all[i].on->arg, all[i].judge};
    free(at);
    return made;
}

static void plan_subscribe(struct plan *plan)
{
    size_t count;
    struct subscription *all = subscriptions_make(plan, &count);
    plan->plain = listeners_make(plan->point_count, all, count, false);
    plan->faulted = listeners_make(plan->point_count, all, count, true);
    free(all);
}

static void plan_release(struct plan *plan)
{
    if (!plan || --plan->users > 0)
        return;
    free(plan->properties);
    free(plan->plain.first);
    free(plan->plain.handlers);
    free(plan->faulted.first);
    free(plan->faulted.handlers);
    free(plan);
}

static bool plan_fits(const struct plan *plan, const struct panel *panel)
{
    bool fits = plan && plan->count == panel->count && plan->point_count == registry_count();
    for (size_t i = 0; fits && i < panel->count; i++)
        fits = plan->properties[i] == panel->verdicts[i].property;
    return fits;
}

/* The one made last is kept for the next panel. */
static struct plan *plan_for(const struct panel *panel)
{
    static struct plan *latest;
    if (!plan_fits(latest, panel)) {
        plan_release(latest);
        latest = zeroed(1, sizeof *latest);
        *latest = (struct plan){.users = 1, .count = panel->count, .point_count = registry_count()};
        latest->properties = zeroed(panel->count, sizeof(const struct property *));
        for (size_t i = 0; i < panel->count; i++)
            latest->properties[i] = panel->verdicts[i].property;
        plan_subscribe(latest);
    }
    latest->users++;
    return latest;
}

struct panel *panel_new(const struct property *const *chosen, size_t count)
{
    struct panel *panel = zeroed(1, sizeof *panel);
    panel->count = chosen ? count : properties_count();
    panel->judges = zeroed(panel->count, sizeof *panel->judges);
    panel->verdicts = zeroed(panel->count, sizeof *panel->verdicts);
    for (size_t i = 0; i < panel->count; i++) {
        const struct property *property = chosen ? chosen[i] : properties_get(i);
        panel->verdicts[i].property = property;
        panel->judges[i] = (struct judge){&panel->verdicts[i], panel,
                                          zeroed(1, property->state_size), NULL, false};
    }
    panel->plan = plan_for(panel);
    return panel;
}

/* Of points that are in every program, since the harness records them itself? */
static bool is_of_harness(const char *pattern)
{
    static const char *const areas[] = {"world/", "disk/", "net/", "memory/", "nemesis/", "swarm/"};
    for (size_t i = 0; i < sizeof areas / sizeof *areas; i++)
        if (strncmp(pattern, areas[i], strlen(areas[i])) == 0)
            return true;
    return strcmp(pattern, "**") == 0;
}

/* A property of the jobs is about claims, and listens to the deaths of nodes only for their sake. */
static bool is_usual(const struct property *property)
{
    bool of_harness = true;
    for (const struct property_on *on = property->on; on && on->point; on++) {
        if (is_of_harness(on->point))
            continue;
        struct subscription subscription = subscription_make(on, 0);
        if (subscription.first < subscription.end)
            return true;
        of_harness = false;
    }
    return of_harness;
}

struct panel *panel_new_usual(void)
{
    static const struct property *usual[PROPERTIES_MAX];
    static size_t count;
    static bool known; /* points and properties are there when a program begins */
    for (size_t i = 0; !known && i < properties_count(); i++)
        if (is_usual(sorted[i]))
            usual[count++] = sorted[i];
    known = true;
    return panel_new(usual, count);
}

void panel_free(struct panel *panel)
{
    if (!panel)
        return;
    for (size_t i = 0; i < panel->count; i++) {
        if (panel->verdicts[i].property->done)
            panel->verdicts[i].property->done(panel->judges[i].state);
        free(panel->judges[i].state);
    }
    plan_release(panel->plan);
    free(panel->judges);
    free(panel->verdicts);
    free(panel);
}

static inline void judge_feed(struct judge *judge, const struct event *event, const void *arg,
                              void (*fn)(struct judge *judge, void *state,
                                         const struct event *event))
{
    if (judge->failed)
        return;
    judge->arg = arg;
    fn(judge, judge->state, event);
}

/* A point that is not linked in, from a recorded trace: asked for by its name, each time. */
static void panel_stranger(struct panel *panel, const struct event *event)
{
    for (size_t i = 0; i < panel->count; i++)
        for (const struct property_on *on = panel->verdicts[i].property->on; on && on->point; on++)
            if ((event->fault.kind != FAULT_NONE || !on->faulted) &&
                strncmp(event->point->name, on->point, pattern_fixed(on->point)) == 0)
                judge_feed(&panel->judges[i], event, on->arg, on->fn);
}

void panel_event(void *ctx, const struct event *event)
{
    struct panel *panel = ctx;
    uint32_t id = event->point->id;
    panel->last_event = event->index;
    panel->last_time_ns = event->time_ns;
    const struct plan *plan = panel->plan;
    if (__builtin_expect(id >= plan->point_count, 0)) {
        panel_stranger(panel, event);
        return;
    }
    const struct listeners *listeners =
        event->fault.kind == FAULT_NONE ? &plan->plain : &plan->faulted;
    const struct handler *handler = listeners->handlers + listeners->first[id];
    const struct handler *end = listeners->handlers + listeners->first[id + 1];
    for (; handler < end; handler++)
        judge_feed(&panel->judges[handler->judge], event, handler->arg, handler->fn);
}

void panel_end(struct panel *panel)
{
    for (size_t i = 0; i < panel->count; i++) {
        const struct verdict *verdict = &panel->verdicts[i];
        panel->judges[i].arg = NULL;
        if (!verdict->failed && verdict->property->end)
            verdict->property->end(&panel->judges[i], panel->judges[i].state);
    }
}

const struct verdict *panel_verdicts(const struct panel *panel, size_t *ret_count)
{
    *ret_count = panel->count;
    return panel->verdicts;
}

bool panel_failed(const struct panel *panel)
{
    return panel->failed;
}

static bool comes_first(const struct verdict *a, const struct verdict *b)
{
    if (a->event != b->event)
        return a->event < b->event;
    return a->property->kind != PROPERTY_EVENTUALLY && b->property->kind == PROPERTY_EVENTUALLY;
}

const struct verdict *panel_judge(struct panel *panel, enum run_ending ending)
{
    const struct verdict *first = NULL;
    if (ending == ENDING_WHOLE || ending == ENDING_UNDRAINED)
        panel_end(panel);
    for (size_t i = 0; i < panel->count; i++) {
        const struct verdict *verdict = &panel->verdicts[i];
        bool echo = ending == ENDING_UNDRAINED && verdict->property->kind == PROPERTY_EVENTUALLY;
        if (verdict->failed && !echo && (!first || comes_first(verdict, first)))
            first = verdict;
    }
    return first;
}

/* ---- what properties call ---- */

void judge_checked(struct judge *judge)
{
    judge->verdict->checked++;
}

const void *judge_arg(const struct judge *judge)
{
    return judge->arg;
}

const void *judge_spec(const struct judge *judge)
{
    return judge->verdict->property->spec;
}

int64_t judge_now_ns(const struct judge *judge)
{
    return judge->panel->last_time_ns;
}

void judge_met(struct judge *judge)
{
    judge->verdict->met = true;
}

void judge_note(struct judge *judge, const char *what, uint64_t times)
{
    struct verdict *verdict = judge->verdict;
    size_t i = 0;
    while (i < verdict->note_count && strcmp(verdict->notes[i].what, what) != 0)
        i++;
    if (i == VERDICT_NOTES)
        return;
    if (i == verdict->note_count)
        verdict->notes[verdict->note_count++] = (struct note){what, 0};
    verdict->notes[i].times += times;
}

void judge_fail(struct judge *judge, const struct event *event, const char *format, ...)
{
    struct verdict *verdict = judge->verdict;
    if (verdict->failed)
        return;
    verdict->failed = judge->failed = true;
    verdict->checked++;
    verdict->event = event ? event->index : judge->panel->last_event;
    verdict->time_ns = event ? event->time_ns : judge->panel->last_time_ns;
    enum property_kind kind = verdict->property->kind;
    judge->panel->failed |= kind == PROPERTY_ALWAYS || kind == PROPERTY_NEVER;
    va_list args;
    va_start(args, format);
    vsnprintf(verdict->message, sizeof verdict->message, format, args);
    va_end(args);
}
