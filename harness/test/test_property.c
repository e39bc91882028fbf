/* The registry of properties, and the panel that judges a run. */
#include "harness/property.h"

#include <criterion/criterion.h>
#include <string.h>

/* Never called: its call sites put the names into the registry. */
__attribute__((used)) static void points_register(struct point_site *at)
{
    TRACE(at, "panel/box/open", T_U64("box", 0));
    TRACE(at, "panel/box/shut", T_U64("box", 0));
    TRACE(at, "panel/door/open", T_U64("door", 0));
}

/* ---- properties to judge with ---- */

struct seen {
    unsigned boxes, all;
    char order[64];
};

static unsigned done_calls;
static struct seen last_seen;

static void on_box(struct judge *judge, void *ctx, const struct event *event)
{
    struct seen *seen = ctx;
    (void)event;
    seen->boxes++;
    strcat(seen->order, "b");
    judge_checked(judge);
}

static void on_all(struct judge *judge, void *ctx, const struct event *event)
{
    struct seen *seen = ctx;
    (void)judge;
    (void)event;
    seen->all++;
    strcat(seen->order, "a");
}

static void seen_end(struct judge *judge, void *ctx)
{
    (void)judge;
    last_seen = *(struct seen *)ctx;
}

static void seen_done(void *ctx)
{
    (void)ctx;
    done_calls++;
}

static const struct property_on seen_on[] = {
    {"panel/box/**", on_box}, {"panel/**", on_all}, {"nobody/has/this", on_all}, {0}};

TRACE_PROPERTY(panel_seen, .name = "sees boxes, and everything", .kind = PROPERTY_ALWAYS,
               .about = "", .state_size = sizeof(struct seen), .on = seen_on, .end = seen_end,
               .done = seen_done);

static const struct property_on faults_on[] = {{"panel/**", on_all, .faulted = true},
                                               {"panel/box/**", on_box},
                                               {"nobody/has/**", on_all, .faulted = true},
                                               {0}};

TRACE_PROPERTY(panel_faults, .name = "sees boxes, and what went wrong", .kind = PROPERTY_ALWAYS,
               .about = "", .state_size = sizeof(struct seen), .on = faults_on, .end = seen_end);

/* Fails at every door, and at the end. */
static unsigned door_calls, door_ends;

static void on_door(struct judge *judge, void *ctx, const struct event *event)
{
    (void)ctx;
    door_calls++;
    judge_fail(judge, event, "door %d of %s", (int)event->index, "wood");
    judge_fail(judge, NULL, "a second time");
}

static void door_end(struct judge *judge, void *ctx)
{
    (void)ctx;
    door_ends++;
    judge_fail(judge, NULL, "%0300d", 0);
}

static const struct property_on door_on[] = {{"panel/door/open", on_door}, {0}};

TRACE_PROPERTY(panel_door, .name = "no door opens", .kind = PROPERTY_NEVER, .about = "",
               .on = door_on, .end = door_end);
TRACE_PROPERTY(panel_door_at_last, .name = "no door opens in the end", .kind = PROPERTY_EVENTUALLY,
               .about = "", .on = door_on, .end = door_end);

static void on_met(struct judge *judge, void *ctx, const struct event *event)
{
    (void)ctx;
    (void)event;
    judge_met(judge);
}

static const struct property_on met_on[] = {{"panel/door/open", on_met}, {0}};

TRACE_PROPERTY(panel_met, .name = "a door opens", .kind = PROPERTY_SOMETIMES, .about = "",
               .on = met_on);

/* About what no program of this one's kind records; the deaths of nodes are in every program. */
static const struct property_on foreign_on[] = {
    {"nobody/has/this", on_met}, {"world/node/kill", on_met}, {"**", on_met, .faulted = true}, {0}};
TRACE_PROPERTY(panel_foreign, .name = "somebody else's", .kind = PROPERTY_SOMETIMES, .about = "",
               .on = foreign_on);
static const struct property_on deaths_on[] = {{"world/node/kill", on_met}, {0}};
TRACE_PROPERTY(panel_deaths, .name = "a node dies", .kind = PROPERTY_SOMETIMES, .about = "",
               .on = deaths_on);

/* ---- helpers ---- */

static struct panel *panel_of(const char *id)
{
    registry_init();
    const struct property *property = properties_find(id);
    cr_assert_not_null(property);
    return panel_new(&property, 1);
}

/* A point that is not linked in has an id beyond all others. */
static void happen_with(struct panel *panel, const char *name, uint64_t index, enum fault_kind kind)
{
    const struct point_info *info = registry_find(name);
    size_t id = info ? (size_t)(info - registry_get(0)) : registry_count();
    struct point point = {.name = name, .id = (uint32_t)id};
    struct event event = {
        .index = index, .time_ns = (int64_t)index * 10, .point = &point, .fault = {.kind = kind}};
    panel_event(panel, &event);
}

static void happen(struct panel *panel, const char *name, uint64_t index)
{
    happen_with(panel, name, index, FAULT_NONE);
}

static const struct verdict *verdict_of(const struct panel *panel)
{
    size_t count;
    const struct verdict *verdicts = panel_verdicts(panel, &count);
    cr_assert_eq(count, 1);
    return verdicts;
}

/* ---- registry ---- */

Test(properties, are_sorted_by_id_and_found)
{
    cr_assert_geq(properties_count(), 4);
    for (size_t i = 0; i < properties_count(); i++) {
        const struct property *property = properties_get(i);
        cr_assert_eq(properties_find(property->id), property);
        if (i > 0)
            cr_assert_lt(strcmp(properties_get(i - 1)->id, property->id), 0);
    }
    cr_assert_null(properties_get(properties_count()));
    cr_assert_null(properties_find("no_such_property"));
    cr_assert_str_eq(properties_find("panel_met")->name, "a door opens");
}

/* ---- panel ---- */

Test(panel, calls_who_asked_in_the_order_of_their_list)
{
    struct panel *panel = panel_of("panel_seen");
    happen(panel, "panel/door/open", 0);
    happen(panel, "panel/box/open", 1);
    happen(panel, "panel/box/shut", 2);
    panel_end(panel);
    cr_assert_eq(last_seen.boxes, 2);
    cr_assert_eq(last_seen.all, 3);
    cr_assert_str_eq(last_seen.order, "ababa");
    const struct verdict *verdict = verdict_of(panel);
    cr_assert_eq(verdict->checked, 2);
    cr_assert_not(verdict->failed);
    panel_free(panel);
    cr_assert_eq(done_calls, 1);
}

Test(panel, calls_who_asked_for_faults_for_faults_only)
{
    struct panel *panel = panel_of("panel_faults");
    happen(panel, "panel/box/open", 0);
    happen(panel, "panel/door/open", 1);
    happen_with(panel, "panel/box/open", 2, FAULT_CRASH);
    happen_with(panel, "panel/door/open", 3, FAULT_DELAY);
    happen(panel, "nobody/has/this", 4);
    happen_with(panel, "nobody/has/this", 5, FAULT_ERROR);
    panel_end(panel);
    cr_assert_str_eq(last_seen.order, "babaa");
    panel_free(panel);
}

Test(panel, gives_every_run_a_zeroed_state)
{
    struct panel *panel = panel_of("panel_seen");
    happen(panel, "panel/box/open", 0);
    panel_free(panel);
    panel = panel_of("panel_seen");
    panel_end(panel);
    cr_assert_eq(last_seen.boxes, 0);
    cr_assert_eq(verdict_of(panel)->checked, 0);
    panel_free(panel);
}

Test(panel, keeps_the_first_failure_and_asks_no_more)
{
    struct panel *panel = panel_of("panel_door");
    happen(panel, "panel/box/open", 6);
    cr_assert_not(panel_failed(panel));
    happen(panel, "panel/door/open", 7);
    happen(panel, "panel/door/open", 8);
    panel_end(panel);
    const struct verdict *verdict = verdict_of(panel);
    cr_assert(verdict->failed);
    cr_assert_str_eq(verdict->message, "door 7 of wood");
    cr_assert_eq(verdict->event, 7);
    cr_assert_eq(verdict->time_ns, 70);
    cr_assert_eq(door_calls, 1);
    cr_assert_eq(door_ends, 0);
    cr_assert(panel_failed(panel));
    panel_free(panel);
}

Test(panel, puts_a_failure_of_the_end_at_the_last_event_and_cuts_its_message)
{
    struct panel *panel = panel_of("panel_door");
    happen(panel, "panel/box/open", 3);
    panel_end(panel);
    const struct verdict *verdict = verdict_of(panel);
    cr_assert_eq(verdict->event, 3);
    cr_assert_eq(verdict->time_ns, 30);
    cr_assert_eq(strlen(verdict->message), sizeof verdict->message - 1);
    cr_assert_eq(door_ends, 1);
    panel_free(panel);
}

Test(panel, does_not_call_a_liveness_failure_a_safety_failure)
{
    struct panel *panel = panel_of("panel_door_at_last");
    happen(panel, "panel/door/open", 1);
    cr_assert(verdict_of(panel)->failed);
    cr_assert_not(panel_failed(panel));
    panel_free(panel);
}

Test(panel, notes_what_was_met)
{
    struct panel *panel = panel_of("panel_met");
    happen(panel, "panel/box/open", 0);
    cr_assert_not(verdict_of(panel)->met);
    happen(panel, "panel/door/open", 1);
    cr_assert(verdict_of(panel)->met);
    cr_assert_not(verdict_of(panel)->failed);
    panel_free(panel);
}

Test(panel, judges_by_all_properties_when_none_are_chosen)
{
    registry_init();
    struct panel *panel = panel_new(NULL, 0);
    size_t count;
    const struct verdict *verdicts = panel_verdicts(panel, &count);
    cr_assert_eq(count, properties_count());
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(verdicts[i].property, properties_get(i));
    panel_free(panel);
    panel_free(NULL);
}

Test(panel, usually_judges_by_what_can_be_recorded_here)
{
    registry_init();
    struct panel *panel = panel_new_usual();
    size_t count, seen = 0;
    const struct verdict *verdicts = panel_verdicts(panel, &count);
    cr_assert_eq(count, properties_count() - 1);
    for (size_t i = 0; i < count; i++) {
        cr_assert_str_neq(verdicts[i].property->id, "panel_foreign");
        seen += strcmp(verdicts[i].property->id, "panel_deaths") == 0;
        seen += strcmp(verdicts[i].property->id, "panel_seen") == 0;
    }
    cr_assert_eq(seen, 2);
    panel_free(panel);
}
