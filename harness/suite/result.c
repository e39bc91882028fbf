/* result.c: see result.h. */
#include "harness/suite/result.h"

#include "harness/json.h"
#include "harness/seed.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 100000 /* of a line that somebody else may have written */

/* ---- from a run ---- */

static bool take_point(const struct world *world, uint32_t id, struct result_point *ret_point)
{
    *ret_point = (struct result_point){.id = id, .hits = world_hits(world, id)};
    bool any = ret_point->hits > 0;
    for (int kind = FAULT_NONE + 1; kind < FAULT_KIND_COUNT; kind++) {
        ret_point->injected[kind] = world_injected(world, id, (enum fault_kind)kind);
        any |= ret_point->injected[kind] > 0;
    }
    return any;
}

static void take_points(struct result *result, const struct run *run)
{
    if (!run->world)
        return;
    result->points = calloc(registry_count() + 1, sizeof *result->points);
    if (!result->points)
        abort();
    for (size_t id = 0; id < registry_count(); id++)
        if (take_point(run->world, (uint32_t)id, &result->points[result->point_count]))
            result->point_count++;
}

static uint32_t property_number(const struct property *property)
{
    for (size_t i = 0; i < properties_count(); i++)
        if (properties_get(i) == property)
            return (uint32_t)i;
    abort();
}

static void take_checks(struct result *result, const struct run *run)
{
    size_t count;
    const struct verdict *verdicts = panel_verdicts(run->panel, &count);
    result->checks = calloc(count + 1, sizeof *result->checks);
    if (!result->checks)
        abort();
    for (size_t i = 0; i < count; i++)
        result->checks[i] = (struct result_check){
            .property = property_number(verdicts[i].property),
            .checked = verdicts[i].checked,
            .failed = verdicts[i].failed,
            .met = verdicts[i].met,
        };
    result->check_count = count;
}

static void take_notes(struct result *result, const struct run *run)
{
    size_t count, notes = 0;
    const struct verdict *verdicts = panel_verdicts(run->panel, &count);
    for (size_t i = 0; i < count; i++)
        notes += verdicts[i].note_count;
    result->notes = calloc(notes + 1, sizeof *result->notes);
    if (!result->notes)
        abort();
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < verdicts[i].note_count; k++) {
            struct result_note *note = &result->notes[result->note_count++];
            note->property = property_number(verdicts[i].property);
            note->times = verdicts[i].notes[k].times;
            snprintf(note->what, sizeof note->what, "%s", verdicts[i].notes[k].what);
        }
}

static void *copy_of(const void *from, size_t count, size_t size)
{
    void *copy = calloc(count + 1, size);
    if (!copy)
        abort();
    if (from && count)
        memcpy(copy, from, count * size);
    return copy;
}

static void take_nemeses(struct result *result, const struct run *run)
{
    result->nemesis_count = run->nemeses ? nemesis_engine.kind_count : 0;
    result->nemeses = copy_of(run->nemeses, result->nemesis_count, sizeof *result->nemeses);
    result->promise_count = run->promise_count;
    result->promises = copy_of(run->promises, run->promise_count, sizeof *result->promises);
}

/* The end of a run is no place: what never came has none. */
static void take_place(struct result *result, const struct run *run)
{
    struct trace_cursor cursor = {0};
    struct event event;
    if (run->outcome != OUTCOME_SAFETY)
        return;
    while (trace_next(run->trace, &cursor, &event))
        if (event.index == run->event)
            snprintf(result->place, sizeof result->place, "%s", event.point->name);
}

void result_of_run(struct result *ret_result, const struct plan_run *plan, const struct run *run)
{
    struct result *result = ret_result;
    *result = (struct result){
        .run = *plan,
        .outcome = run->outcome,
        .at = run->event,
        .events = run->events,
        .sim_ns = run->sim_ns,
    };
    memcpy(result->property, run->property, sizeof result->property);
    memcpy(result->message, run->message, sizeof result->message);
    memcpy(result->fingerprint, run->fingerprint, sizeof result->fingerprint);
    take_place(result, run);
    take_points(result, run);
    take_checks(result, run);
    take_notes(result, run);
    take_nemeses(result, run);
}

void result_done(struct result *result)
{
    free(result->noise);
    free(result->points);
    free(result->checks);
    free(result->notes);
    free(result->nemeses);
    free(result->promises);
    *result = (struct result){0};
}

bool result_same(const struct result *a, const struct result *b)
{
    return a->outcome == b->outcome && strcmp(a->property, b->property) == 0 &&
           a->events == b->events && strcmp(a->fingerprint, b->fingerprint) == 0;
}

/* ---- writing ---- */

static void write_point(struct json *json, const struct result_point *point)
{
    json_array_begin(json, NULL);
    json_count(json, NULL, point->id);
    json_count(json, NULL, point->hits);
    for (unsigned kind = 1; kind < FAULT_KIND_COUNT; kind++) {
        if (!point->injected[kind])
            continue;
        json_count(json, NULL, kind);
        json_count(json, NULL, point->injected[kind]);
    }
    json_array_end(json);
}

static void write_check(struct json *json, const struct result_check *check)
{
    json_array_begin(json, NULL);
    json_count(json, NULL, check->property);
    json_count(json, NULL, check->checked);
    if (check->failed || check->met)
        json_count(json, NULL, (check->failed ? 1u : 0u) | (check->met ? 2u : 0u));
    json_array_end(json);
}

static void write_notes(struct json *json, const struct result *result)
{
    json_array_begin(json, "t");
    for (size_t i = 0; i < result->note_count; i++) {
        json_array_begin(json, NULL);
        json_count(json, NULL, result->notes[i].property);
        json_str(json, NULL, result->notes[i].what);
        json_count(json, NULL, result->notes[i].times);
        json_array_end(json);
    }
    json_array_end(json);
}

static void write_failure(struct json *json, const struct result *result)
{
    json_str(json, "prop", result->property);
    json_str(json, "msg", result->message);
    json_count(json, "at", result->at);
    if (result->place[0])
        json_str(json, "place", result->place);
    if (result->noise)
        json_str(json, "noise", result->noise);
}

static void write_nemeses(struct json *json, const struct result *result)
{
    json_array_begin(json, "n");
    for (size_t i = 0; i < result->nemesis_count; i++) {
        const struct nemesis_count *count = &result->nemeses[i];
        if (!count->asked)
            continue;
        json_array_begin(json, NULL);
        json_count(json, NULL, i);
        json_count(json, NULL, count->asked);
        json_count(json, NULL, count->made);
        json_count(json, NULL, count->refused);
        json_count(json, NULL, count->healed);
        json_array_end(json);
    }
    json_array_end(json);
}

static void write_promises(struct json *json, const struct result *result)
{
    json_array_begin(json, "k");
    for (size_t i = 0; i < result->promise_count; i++) {
        const struct promise_count *count = &result->promises[i];
        if (!count->kept)
            continue;
        json_array_begin(json, NULL);
        json_count(json, NULL, i);
        json_count(json, NULL, count->kept);
        if (count->late)
            json_count(json, NULL, count->late);
        json_array_end(json);
    }
    json_array_end(json);
}

void result_write(const struct result *result, FILE *out)
{
    struct json json;
    json_init(&json, out, 0);
    json_object_begin(&json, NULL);
    json_count(&json, "i", result->run.index);
    json_count(&json, "s", result->run.scenario);
    json_hex(&json, "seed", result->run.seed);
    if (result->run.canary)
        json_bool(&json, "canary", true);
    if (result->again)
        json_bool(&json, "again", true);
    json_count(&json, "o", result->outcome);
    json_count(&json, "e", result->events);
    json_u64(&json, "ns", (uint64_t)result->sim_ns);
    json_str(&json, "fp", result->fingerprint);
    if (result->outcome != OUTCOME_PASS)
        write_failure(&json, result);
    json_array_begin(&json, "p");
    for (size_t i = 0; i < result->point_count; i++)
        write_point(&json, &result->points[i]);
    json_array_end(&json);
    json_array_begin(&json, "c");
    for (size_t i = 0; i < result->check_count; i++)
        write_check(&json, &result->checks[i]);
    json_array_end(&json);
    if (result->note_count)
        write_notes(&json, result);
    write_nemeses(&json, result);
    write_promises(&json, result);
    json_object_end(&json);
    json_done(&json);
}

/* ---- reading ---- */

static uint64_t number_at(const json_t *array, size_t index)
{
    return (uint64_t)json_integer_value(json_array_get(array, index));
}

static uint64_t number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    return text ? strtoull(text, NULL, 0) : (uint64_t)json_integer_value(value);
}

static void text_of(const json_t *object, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(out, size, "%s", text ? text : "");
}

static bool flag_of(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static void read_points(const json_t *points, struct result *result)
{
    size_t count = json_array_size(points);
    result->points = calloc(count + 1, sizeof *result->points);
    if (!result->points)
        abort();
    result->point_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(points, i);
        struct result_point *point = &result->points[i];
        point->id = (uint32_t)number_at(row, 0);
        point->hits = number_at(row, 1);
        for (size_t k = 2; k + 1 < json_array_size(row); k += 2)
            if (number_at(row, k) < FAULT_KIND_COUNT)
                point->injected[number_at(row, k)] = number_at(row, k + 1);
    }
}

static void read_checks(const json_t *checks, struct result *result)
{
    size_t count = json_array_size(checks);
    result->checks = calloc(count + 1, sizeof *result->checks);
    if (!result->checks)
        abort();
    result->check_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(checks, i);
        uint64_t bits = number_at(row, 2);
        result->checks[i] = (struct result_check){
            .property = (uint32_t)number_at(row, 0),
            .checked = number_at(row, 1),
            .failed = bits & 1,
            .met = bits & 2,
        };
    }
}

static void read_notes(const json_t *rows, struct result *result)
{
    size_t count = json_array_size(rows);
    result->notes = calloc(count + 1, sizeof *result->notes);
    if (!result->notes)
        abort();
    result->note_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        const char *what = json_string_value(json_array_get(row, 1));
        struct result_note *note = &result->notes[i];
        *note = (struct result_note){.property = (uint32_t)number_at(row, 0),
                                     .times = number_at(row, 2)};
        snprintf(note->what, sizeof note->what, "%s", what ? what : "");
    }
}

/* One more than the greatest number that rows begin with. */
static size_t rows_reach(const json_t *rows)
{
    size_t reach = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        uint64_t number = number_at(json_array_get(rows, i), 0);
        if (number >= reach && number < ROWS_MAX)
            reach = number + 1;
    }
    return reach;
}

static void read_nemeses(const json_t *rows, struct result *result)
{
    result->nemesis_count = rows_reach(rows);
    result->nemeses = copy_of(NULL, result->nemesis_count, sizeof *result->nemeses);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (number_at(row, 0) < result->nemesis_count)
            result->nemeses[number_at(row, 0)] =
                (struct nemesis_count){.asked = number_at(row, 1),
                                       .made = number_at(row, 2),
                                       .refused = number_at(row, 3),
                                       .healed = number_at(row, 4)};
    }
}

static void read_promises(const json_t *rows, struct result *result)
{
    result->promise_count = rows_reach(rows);
    result->promises = copy_of(NULL, result->promise_count, sizeof *result->promises);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (number_at(row, 0) < result->promise_count)
            result->promises[number_at(row, 0)] =
                (struct promise_count){.kept = number_at(row, 1), .late = number_at(row, 2)};
    }
}

static void read_fields(const json_t *object, struct result *result)
{
    const char *noise = json_string_value(json_object_get(object, "noise"));
    *result = (struct result){
        .run = {.index = number_of(object, "i"),
                .seed = number_of(object, "seed"),
                .scenario = (uint32_t)number_of(object, "s"),
                .canary = flag_of(object, "canary")},
        .again = flag_of(object, "again"),
        .outcome = (enum outcome)number_of(object, "o"),
        .at = number_of(object, "at"),
        .events = number_of(object, "e"),
        .sim_ns = (int64_t)number_of(object, "ns"),
        .noise = noise ? strdup(noise) : NULL,
    };
    text_of(object, "prop", result->property, sizeof result->property);
    text_of(object, "msg", result->message, sizeof result->message);
    text_of(object, "place", result->place, sizeof result->place);
    text_of(object, "fp", result->fingerprint, sizeof result->fingerprint);
    read_points(json_object_get(object, "p"), result);
    read_checks(json_object_get(object, "c"), result);
    read_notes(json_object_get(object, "t"), result);
    read_nemeses(json_object_get(object, "n"), result);
    read_promises(json_object_get(object, "k"), result);
}

int result_read(const char *line, size_t length, struct result *ret_result)
{
    json_t *object = json_loadb(line, length, 0, NULL);
    bool valid = json_is_object(object) && json_object_get(object, "i") &&
                 json_object_get(object, "fp") && number_of(object, "o") <= OUTCOME_CRASH;
    if (valid)
        read_fields(object, ret_result);
    json_decref(object);
    return valid ? 0 : -EINVAL;
}
