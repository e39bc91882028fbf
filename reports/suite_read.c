/* suite_read.c: run.json back into a suite, so that every view can be made again later. Unknown
 * keys are ignored, a missing or wrong one is told by its path ("failures[2].seed"); nothing is
 * guessed. */
#include "reports/run_json.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *file;
    const char *list; /* being read, or NULL */
    size_t index;
    char *why;
    size_t why_size;
    bool failed;
};

/* Keeps the first complaint. */
static void complain(struct reader *r, const char *key, const char *wanted)
{
    if (r->failed)
        return;
    r->failed = true;
    if (r->list)
        snprintf(r->why, r->why_size, "%s: %s[%zu].%s: expected %s", r->file, r->list, r->index,
                 key, wanted);
    else
        snprintf(r->why, r->why_size, "%s: %s: expected %s", r->file, key, wanted);
}

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* ---- values ---- */

static char *get_text(struct reader *r, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) {
        complain(r, key, "a text");
        return NULL;
    }
    return must(strdup(json_string_value(value)));
}

/* null, and a missing key, mean that there is none. */
static char *get_optional(struct reader *r, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return !value || json_is_null(value) ? NULL : get_text(r, object, key);
}

/* A number, or a string that holds one: "17", "0x1f". */
static uint64_t get_u64(struct reader *r, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        return (uint64_t)json_integer_value(value);
    const char *text = json_string_value(value);
    if (text && *text >= '0' && *text <= '9') {
        char *end;
        errno = 0;
        uint64_t number = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
        if (!*end && errno == 0)
            return number;
    }
    complain(r, key, "a number from 0 to 2^64-1");
    return 0;
}

static bool get_bool(struct reader *r, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_boolean(value))
        complain(r, key, "true or false");
    return json_is_true(value);
}

/* ---- lists: each fills one item of an array that suite_free() can always free ---- */

static void read_scenario(struct reader *r, const json_t *object, void *item)
{
    struct report_scenario *scenario = item;
    scenario->name = get_text(r, object, "name");
    scenario->path = get_text(r, object, "path");
    scenario->runs = get_u64(r, object, "runs");
    scenario->failed = get_u64(r, object, "failed");
    scenario->must_fail = get_bool(r, object, "must_fail");
}

static void read_point(struct reader *r, const json_t *object, void *item)
{
    struct report_point *point = item;
    point->name = get_text(r, object, "name");
    point->hits = get_u64(r, object, "hits");
    const json_t *faults = json_object_get(object, "faults");
    if (!json_is_object(faults))
        complain(r, "faults", "an object");
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        const char *word = fault_word((enum fault_kind)kind);
        if (json_object_get(faults, word))
            point->injected[kind] = get_u64(r, faults, word);
    }
}

static void read_notes(struct reader *r, const json_t *noted, struct report_property *property)
{
    const char *what;
    json_t *times;
    property->notes = calloc(json_object_size(noted) + 1, sizeof *property->notes);
    if (!property->notes)
        abort();
    json_object_foreach((json_t *)noted, what, times)
    {
        property->notes[property->note_count++] =
            (struct report_note){.what = strdup(what), .times = get_u64(r, noted, what)};
    }
}

static void read_property(struct reader *r, const json_t *object, void *item)
{
    struct report_property *property = item;
    property->id = get_text(r, object, "id");
    property->name = get_text(r, object, "name");
    property->checked = get_u64(r, object, "checked");
    property->held = get_u64(r, object, "held");
    property->failed = get_u64(r, object, "failed");
    property->vacuous = get_u64(r, object, "vacuous");
    if (json_object_get(object, "noted"))
        read_notes(r, json_object_get(object, "noted"), property);
    if (json_object_get(object, "lets_pass"))
        property->lets_pass = get_text(r, object, "lets_pass");
}

static void read_sometimes(struct reader *r, const json_t *object, void *item)
{
    struct report_sometimes *sometimes = item;
    sometimes->name = get_text(r, object, "name");
    sometimes->met = get_bool(r, object, "met");
    sometimes->rare = get_bool(r, object, "rare");
}

static void read_nemesis(struct reader *r, const json_t *object, void *item)
{
    struct report_nemesis *nemesis = item;
    nemesis->name = get_text(r, object, "name");
    nemesis->asked = get_u64(r, object, "asked");
    nemesis->made = get_u64(r, object, "strikes");
    nemesis->refused = get_u64(r, object, "refused");
    nemesis->healed = get_u64(r, object, "healed");
}

static void read_promise(struct reader *r, const json_t *object, void *item)
{
    struct report_promise *promise = item;
    promise->scenario = get_text(r, object, "scenario");
    promise->what = get_text(r, object, "what");
    promise->runs = get_u64(r, object, "runs");
    promise->kept = get_u64(r, object, "fired");
    if (json_object_get(object, "timed_out"))
        promise->late = get_u64(r, object, "timed_out");
}

static void read_failure(struct reader *r, const json_t *object, void *item)
{
    struct report_failure *failure = item;
    failure->scenario = get_text(r, object, "scenario");
    failure->path = get_text(r, object, "path");
    failure->property = get_text(r, object, "property");
    failure->kind = get_text(r, object, "kind");
    failure->message = get_text(r, object, "message");
    failure->replay = get_text(r, object, "replay");
    failure->seed = get_u64(r, object, "seed");
    failure->event = get_u64(r, object, "event");
    failure->fingerprint = get_optional(r, object, "fingerprint");
    failure->tape = get_optional(r, object, "tape");
    failure->shrunk = get_optional(r, object, "shrunk");
    if (json_object_get(object, "shrunk_faults")) {
        failure->faults = get_u64(r, object, "faults");
        failure->shrunk_faults = get_u64(r, object, "shrunk_faults");
    }
    failure->trace = get_optional(r, object, "trace");
    failure->story = get_optional(r, object, "story");
}

/* Returns a zeroed array of *ret_count items, filled as far as the file is good. */
static void *read_list(struct reader *r, const json_t *root, const char *key, size_t item_size,
                       void (*read)(struct reader *r, const json_t *object, void *item),
                       size_t *ret_count)
{
    const json_t *list = json_object_get(root, key);
    if (!json_is_array(list)) {
        complain(r, key, "a list");
        return NULL;
    }
    size_t count = json_array_size(list);
    char *items = must(calloc(count + 1, item_size));
    r->list = key;
    for (r->index = 0; r->index < count; r->index++)
        read(r, json_array_get(list, r->index), items + r->index * item_size);
    r->list = NULL;
    *ret_count = count;
    return items;
}

/* ---- the whole ---- */

static void read_verdict(struct reader *r, const json_t *root, struct suite *suite)
{
    const char *verdict = json_string_value(json_object_get(root, "verdict"));
    const char *outcome = json_string_value(json_object_get(root, "outcome"));
    suite->empty = verdict && strcmp(verdict, "empty") == 0;
#define X(id, word, verdict_word)                                                                  \
    if (outcome && strcmp(outcome, word) == 0) {                                                   \
        suite->outcome = OUTCOME_##id;                                                             \
        return;                                                                                    \
    }
    OUTCOMES(X)
#undef X
    complain(r, "outcome", "pass, safety, liveness, harness or crash");
}

static void read_totals(struct reader *r, const json_t *root, struct suite *suite)
{
    if (get_u64(r, root, "schema") != RUN_JSON_SCHEMA)
        complain(r, "schema", "1; this file was written by another version");
    read_verdict(r, root, suite);
    suite->seed = get_u64(r, root, "seed");
    suite->options = get_optional(r, root, "options");
    suite->interrupted = get_bool(r, root, "interrupted");
    suite->strict_faults = get_bool(r, root, "strict_faults");
    suite->runs = get_u64(r, root, "runs");
    suite->events = get_u64(r, root, "events");
    suite->verified = get_u64(r, root, "verified");
    suite->failed_runs = get_u64(r, root, "failed_runs");
    suite->canary_runs = get_u64(r, root, "canary_runs");
    suite->canary_caught = get_u64(r, root, "canary_caught");
    suite->sim_ns = (int64_t)get_u64(r, root, "sim_ns");
    suite->wall_ns = (int64_t)get_u64(r, root, "wall_ns");
    char *fingerprint = get_text(r, root, "fingerprint");
    if (fingerprint)
        snprintf(suite->fingerprint, sizeof suite->fingerprint, "%s", fingerprint);
    free(fingerprint);
}

static void read_suite(struct reader *r, const json_t *root, struct suite *suite)
{
    read_totals(r, root, suite);
    suite->scenarios = read_list(r, root, "scenarios", sizeof *suite->scenarios, read_scenario,
                                 &suite->scenario_count);
    suite->points =
        read_list(r, root, "points", sizeof *suite->points, read_point, &suite->point_count);
    suite->failures = read_list(r, root, "failures", sizeof *suite->failures, read_failure,
                                &suite->failure_count);
    suite->properties = read_list(r, root, "properties", sizeof *suite->properties, read_property,
                                  &suite->property_count);
    suite->nemeses =
        read_list(r, root, "nemeses", sizeof *suite->nemeses, read_nemesis, &suite->nemesis_count);
    suite->promises = read_list(r, root, "promises", sizeof *suite->promises, read_promise,
                                &suite->promise_count);
    suite->sometimes = read_list(r, root, "sometimes", sizeof *suite->sometimes, read_sometimes,
                                 &suite->sometimes_count);
}

/* NULL with the message: it cannot be read, or is no JSON. */
static json_t *load(const char *path, char *why, size_t why_size)
{
    json_error_t error;
    FILE *in = fopen(path, "re");
    if (!in || getc(in) == EOF) {
        bool empty = in && !ferror(in);
        snprintf(why, why_size, "%s: %s", path, empty ? "the file is empty" : strerror(errno));
        if (in)
            fclose(in);
        return NULL;
    }
    rewind(in);
    json_t *root = json_loadf(in, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        snprintf(why, why_size, "%s:%d:%d: not a run.json of duress: %s", path, error.line,
                 error.column, error.text);
    fclose(in);
    return root;
}

struct suite *suite_read(const char *dir, char *why, size_t why_size)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/run.json", dir) >= sizeof path) {
        snprintf(why, why_size, "%.80s...: the path is too long", dir);
        return NULL;
    }
    json_t *root = load(path, why, why_size);
    if (!root)
        return NULL;
    struct suite *suite = must(calloc(1, sizeof *suite));
    struct reader r = {.file = path, .why = why, .why_size = why_size};
    suite->dir = must(strdup(dir));
    if (json_is_object(root))
        read_suite(&r, root, suite);
    else
        complain(&r, "the file", "an object");
    json_decref(root);
    if (!r.failed)
        return suite;
    suite_free(suite);
    return NULL;
}

static void failures_free(struct suite *suite)
{
    for (size_t i = 0; i < suite->failure_count; i++) {
        struct report_failure *f = &suite->failures[i];
        char *texts[] = {f->scenario, f->path,  f->property, f->kind,   f->message, f->fingerprint,
                         f->tape,     f->story, f->trace,    f->shrunk, f->replay};
        for (size_t j = 0; j < sizeof texts / sizeof texts[0]; j++)
            free(texts[j]);
    }
    free(suite->failures);
}

void report_property_done(struct report_property *property)
{
    for (size_t i = 0; i < property->note_count; i++)
        free(property->notes[i].what);
    free(property->notes);
    free(property->lets_pass);
    free(property->id);
    free(property->name);
}

void suite_free(struct suite *suite)
{
    if (!suite)
        return;
    for (size_t i = 0; i < suite->scenario_count; i++) {
        free(suite->scenarios[i].name);
        free(suite->scenarios[i].path);
    }
    for (size_t i = 0; i < suite->point_count; i++)
        free(suite->points[i].name);
    for (size_t i = 0; i < suite->property_count; i++)
        report_property_done(&suite->properties[i]);
    for (size_t i = 0; i < suite->sometimes_count; i++)
        free(suite->sometimes[i].name);
    for (size_t i = 0; i < suite->nemesis_count; i++)
        free(suite->nemeses[i].name);
    for (size_t i = 0; i < suite->promise_count; i++) {
        free(suite->promises[i].scenario);
        free(suite->promises[i].what);
    }
    failures_free(suite);
    free(suite->nemeses);
    free(suite->promises);
    free(suite->scenarios);
    free(suite->points);
    free(suite->properties);
    free(suite->sometimes);
    free(suite->dir);
    free(suite->options);
    free(suite);
}
