/* json.c: run.json, schema 1: the one file that every other view is derived from.
 * Numbers that may exceed 2^53 are strings. Keys are only ever added; readers ignore what they do
 * not know. */
#include "harness/json.h"
#include "reports/run_json.h"

#ifndef DURESS_VERSION
#define DURESS_VERSION "0.0.0"
#endif
#ifndef DURESS_COMMIT
#define DURESS_COMMIT "unknown"
#endif
#ifndef DURESS_COMPILER
#ifdef __clang__
#define DURESS_COMPILER __VERSION__
#else
#define DURESS_COMPILER "gcc " __VERSION__
#endif
#endif
#ifndef DURESS_FLAGS
#define DURESS_FLAGS ""
#endif

const char *verdict_word(const struct suite *suite)
{
    if (suite->empty)
        return "empty";
    switch (suite->outcome) {
#define X(outcome, word, verdict)                                                                  \
    case OUTCOME_##outcome: return verdict;
        OUTCOMES(X)
#undef X
    }
    return "harness";
}

static const char *outcome_word(enum outcome outcome)
{
    switch (outcome) {
#define X(outcome, word, verdict)                                                                  \
    case OUTCOME_##outcome: return word;
        OUTCOMES(X)
#undef X
    }
    return "harness";
}

static void write_totals(struct json *json, const struct suite *suite)
{
    json_int(json, "schema", RUN_JSON_SCHEMA);
    json_str(json, "verdict", verdict_word(suite));
    json_str(json, "outcome", outcome_word(suite->outcome));
    json_hex(json, "seed", suite->seed);
    json_str(json, "options", suite->options);
    json_bool(json, "interrupted", suite->interrupted);
    json_bool(json, "strict_faults", suite->strict_faults);
    json_count(json, "runs", suite->runs);
    json_count(json, "events", suite->events);
    json_count(json, "verified", suite->verified);
    json_count(json, "failed_runs", suite->failed_runs);
    json_count(json, "canary_runs", suite->canary_runs);
    json_count(json, "canary_caught", suite->canary_caught);
    json_u64(json, "sim_ns", (uint64_t)suite->sim_ns);
    json_u64(json, "wall_ns", (uint64_t)suite->wall_ns);
    json_str(json, "fingerprint", suite->fingerprint);
}

static void write_scenarios(struct json *json, const struct suite *suite)
{
    json_array_begin(json, "scenarios");
    for (size_t i = 0; i < suite->scenario_count; i++) {
        const struct report_scenario *scenario = &suite->scenarios[i];
        json_object_begin(json, NULL);
        json_str(json, "name", scenario->name);
        json_str(json, "path", scenario->path);
        json_count(json, "runs", scenario->runs);
        json_count(json, "failed", scenario->failed);
        json_bool(json, "must_fail", scenario->must_fail);
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_points(struct json *json, const struct suite *suite)
{
    json_array_begin(json, "points");
    for (size_t i = 0; i < suite->point_count; i++) {
        const struct report_point *point = &suite->points[i];
        json_object_begin(json, NULL);
        json_str(json, "name", point->name);
        json_count(json, "hits", point->hits);
        json_object_begin(json, "faults");
        for (int kind = 0; kind < FAULT_KIND_COUNT; kind++)
            if (kind != FAULT_NONE && point->injected[kind])
                json_count(json, fault_word((enum fault_kind)kind), point->injected[kind]);
        json_object_end(json);
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_notes(struct json *json, const struct report_property *property)
{
    json_object_begin(json, "noted");
    for (size_t i = 0; i < property->note_count; i++)
        json_count(json, property->notes[i].what, property->notes[i].times);
    json_object_end(json);
}

static void write_properties(struct json *json, const struct suite *suite)
{
    json_array_begin(json, "properties");
    for (size_t i = 0; i < suite->property_count; i++) {
        const struct report_property *property = &suite->properties[i];
        json_object_begin(json, NULL);
        json_str(json, "id", property->id);
        json_str(json, "name", property->name);
        json_count(json, "checked", property->checked);
        json_count(json, "held", property->held);
        json_count(json, "failed", property->failed);
        json_count(json, "vacuous", property->vacuous);
        if (property->note_count)
            write_notes(json, property);
        if (property->note_count && property->lets_pass && *property->lets_pass)
            json_str(json, "lets_pass", property->lets_pass);
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_sometimes(struct json *json, const struct suite *suite)
{
    json_array_begin(json, "sometimes");
    for (size_t i = 0; i < suite->sometimes_count; i++) {
        json_object_begin(json, NULL);
        json_str(json, "name", suite->sometimes[i].name);
        json_bool(json, "met", suite->sometimes[i].met);
        json_bool(json, "rare", suite->sometimes[i].rare);
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_nemeses(struct json *json, const struct suite *suite)
{
    json_array_begin(json, "nemeses");
    for (size_t i = 0; i < suite->nemesis_count; i++) {
        const struct report_nemesis *nemesis = &suite->nemeses[i];
        json_object_begin(json, NULL);
        json_str(json, "name", nemesis->name);
        json_count(json, "asked", nemesis->asked);
        json_count(json, "strikes", nemesis->made);
        json_count(json, "refused", nemesis->refused);
        json_count(json, "healed", nemesis->healed);
        json_object_end(json);
    }
    json_array_end(json);
}

/* Rules and nemeses of scenarios; one with "fired": 0 was promised and never came. */
static void write_promises(struct json *json, const struct suite *suite)
{
    json_array_begin(json, "promises");
    for (size_t i = 0; i < suite->promise_count; i++) {
        const struct report_promise *promise = &suite->promises[i];
        json_object_begin(json, NULL);
        json_str(json, "scenario", promise->scenario);
        json_str(json, "what", promise->what);
        json_count(json, "runs", promise->runs);
        json_count(json, "fired", promise->kept);
        if (promise->late)
            json_count(json, "timed_out", promise->late);
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_failures(struct json *json, const struct suite *suite)
{
    json_array_begin(json, "failures");
    for (size_t i = 0; i < suite->failure_count; i++) {
        const struct report_failure *failure = &suite->failures[i];
        json_object_begin(json, NULL);
        json_str(json, "scenario", failure->scenario);
        json_str(json, "path", failure->path);
        json_str(json, "property", failure->property);
        json_str(json, "kind", failure->kind);
        json_hex(json, "seed", failure->seed);
        json_str(json, "message", failure->message);
        json_count(json, "event", failure->event);
        json_str(json, "fingerprint", failure->fingerprint);
        json_str(json, "tape", failure->tape);
        json_str(json, "shrunk", failure->shrunk);
        if (failure->shrunk) {
            json_count(json, "faults", failure->faults);
            json_count(json, "shrunk_faults", failure->shrunk_faults);
        }
        json_str(json, "trace", failure->trace);
        json_str(json, "story", failure->story);
        json_str(json, "replay", failure->replay);
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_build(struct json *json)
{
    json_object_begin(json, "build");
    json_str(json, "version", DURESS_VERSION);
    json_str(json, "commit", DURESS_COMMIT);
    json_str(json, "compiler", DURESS_COMPILER);
    json_str(json, "flags", DURESS_FLAGS);
    json_object_end(json);
}

static int write_run(const struct suite *suite, FILE *out)
{
    struct json json;
    json_init(&json, out, 2);
    json_object_begin(&json, NULL);
    write_totals(&json, suite);
    write_scenarios(&json, suite);
    write_points(&json, suite);
    write_properties(&json, suite);
    write_sometimes(&json, suite);
    write_nemeses(&json, suite);
    write_promises(&json, suite);
    write_failures(&json, suite);
    write_build(&json);
    json_object_end(&json);
    return json_done(&json);
}

REPORTER(json, .default_path = "run.json", .about = "everything, for machines (schema 1)",
         .write = write_run);
