/* tally_head.c: the head line of results.jsonl, which names what the result lines number: written
 * when a suite begins, and read to begin a tally. */
#include "harness/engine.h"
#include "harness/json.h"
#include "harness/suite/tally_internal.h"

/* ---- writing ---- */

/* "upstream fails: 3%" */
static void write_wrong(struct json *json, const struct param *param)
{
    char text[128];
    int64_t lo = param->value.lo, hi = param->value.hi;
    if (param->spec->type != PARAM_PERCENT)
        snprintf(text, sizeof text, "%s", param->spec->name);
    else if (lo == hi)
        snprintf(text, sizeof text, "%s: %g%%", param->spec->name, (double)hi / 100);
    else
        snprintf(text, sizeof text, "%s: %g%%..%g%%", param->spec->name, (double)lo / 100,
                 (double)hi / 100);
    json_str(json, NULL, text);
}

/* What a run counts under the same numbers (nemesis_engine.count, system.went_wrong). */
static void write_promises(struct json *json, const struct scenario *scenario)
{
    char text[512];
    json_array_begin(json, "promises");
    for (size_t i = 0; i < scenario->rule_count; i++) {
        snprintf(text, sizeof text, "%s: %s", scenario->rules[i].pattern, scenario->rules[i].term);
        json_str(json, NULL, text);
    }
    for (size_t i = 0; i < scenario->nemesis_count; i++)
        json_str(json, NULL, scenario->nemeses[i].kind);
    for (size_t i = 0; i < scenario->param_count; i++)
        if (param_goes_wrong(&scenario->params[i]))
            write_wrong(json, &scenario->params[i]);
    json_array_end(json);
    json_array_begin(json, "wrongs"); /* what the last promises are counted under in reports */
    for (size_t i = 0; i < scenario->param_count; i++)
        if (param_goes_wrong(&scenario->params[i]))
            json_str(json, NULL, scenario->params[i].spec->name);
    json_array_end(json);
}

static void write_nemeses(struct json *json)
{
    json_array_begin(json, "nemeses");
    for (size_t i = 0; i < nemesis_engine.kind_count; i++)
        json_str(json, NULL, nemesis_engine.kinds[i].name);
    json_array_end(json);
}

static void write_scenarios(struct json *json, const struct plan *plan)
{
    json_array_begin(json, "scenarios");
    for (size_t i = 0; i < plan->scenario_count; i++) {
        json_object_begin(json, NULL);
        json_str(json, "name", plan->scenarios[i]->name);
        json_str(json, "path", plan->scenarios[i]->path);
        json_bool(json, "must_fail", plan->scenarios[i]->must_fail);
        write_promises(json, plan->scenarios[i]);
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_points(struct json *json)
{
    json_array_begin(json, "points");
    for (size_t i = 0; i < registry_count(); i++)
        json_str(json, NULL, registry_get(i)->name);
    json_array_end(json);
}

static void write_properties(struct json *json)
{
    json_array_begin(json, "properties");
    for (size_t i = 0; i < properties_count(); i++) {
        const struct property *property = properties_get(i);
        json_object_begin(json, NULL);
        json_str(json, "id", property->id);
        json_str(json, "name", property->name);
        json_bool(json, "sometimes", property->kind == PROPERTY_SOMETIMES);
        json_bool(json, "rare", property->rare);
        if (property->lets_pass)
            json_str(json, "lets_pass", property->lets_pass);
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_words(struct json *json, const char *key, const struct words *words)
{
    json_array_begin(json, key);
    for (size_t i = 0; i < words->count; i++)
        json_str(json, NULL, words->items[i]);
    json_array_end(json);
}

char *head_line(const struct head *head, size_t *ret_length)
{
    char *line;
    FILE *out = open_memstream(&line, ret_length);
    if (!out)
        abort();
    struct json json;
    json_init(&json, out, 0);
    json_object_begin(&json, NULL);
    json_count(&json, "duress results", 1);
    json_hex(&json, "seed", head->seed);
    json_u64(&json, "started", (uint64_t)head->started_ns);
    json_str(&json, "options", head->options);
    json_str(&json, "program", head->program);
    json_bool(&json, "whole", head->plan->whole);
    json_bool(&json, "strict", head->strict_faults);
    write_words(&json, "faults", &head->extras->faults);
    write_words(&json, "only", &head->extras->properties);
    write_scenarios(&json, head->plan);
    write_properties(&json);
    write_nemeses(&json);
    write_points(&json);
    json_object_end(&json);
    json_done(&json);
    fclose(out);
    return line;
}

/* ---- reading ---- */

const char *head_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void take_words(const json_t *array, struct words *words)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_is_string(json_array_get(array, i)))
            words_add(words, json_string_value(json_array_get(array, i)));
}

static void take_scenarios(struct suite *suite, const json_t *array)
{
    suite->scenario_count = json_array_size(array);
    suite->scenarios = must(calloc(suite->scenario_count + 1, sizeof *suite->scenarios));
    for (size_t i = 0; i < suite->scenario_count; i++) {
        const json_t *row = json_array_get(array, i);
        suite->scenarios[i] = (struct report_scenario){
            .name = strdup(head_text(row, "name")),
            .path = strdup(head_text(row, "path")),
            .must_fail = json_is_true(json_object_get(row, "must_fail")),
        };
    }
}

/* Canaries are there to fail: they promise nothing. */
static size_t promise_count(const json_t *scenario)
{
    bool canary = json_is_true(json_object_get(scenario, "must_fail"));
    return canary ? 0 : json_array_size(json_object_get(scenario, "promises"));
}

static void take_promises(struct tally *tally, const json_t *array)
{
    struct suite *suite = tally->suite;
    size_t count = 0;
    tally->promises = must(calloc(suite->scenario_count + 1, sizeof *tally->promises));
    for (size_t i = 0; i < suite->scenario_count; i++) {
        tally->promises[i] = count;
        count += promise_count(json_array_get(array, i));
    }
    tally->promises[suite->scenario_count] = count;
    suite->promises = must(calloc(count + 1, sizeof *suite->promises));
    for (size_t i = 0; i < suite->scenario_count; i++) {
        const json_t *texts = json_object_get(json_array_get(array, i), "promises");
        for (size_t j = tally->promises[i]; j < tally->promises[i + 1]; j++) {
            const char *text = json_string_value(json_array_get(texts, j - tally->promises[i]));
            suite->promises[j].scenario = strdup(suite->scenarios[i].name);
            suite->promises[j].what = strdup(text ? text : "");
        }
    }
    suite->promise_count = count;
}

static void add_nemesis(struct suite *suite, const json_t *name)
{
    suite->nemeses =
        must(realloc(suite->nemeses, (suite->nemesis_count + 1) * sizeof *suite->nemeses));
    const char *text = json_string_value(name);
    suite->nemeses[suite->nemesis_count++] =
        (struct report_nemesis){.name = strdup(text ? text : "")};
}

static size_t nemesis_row(const struct suite *suite, const json_t *name)
{
    const char *text = json_string_value(name);
    size_t row = 0;
    while (row < suite->nemesis_count && strcmp(suite->nemeses[row].name, text ? text : "") != 0)
        row++;
    return row;
}

static void take_nemeses(struct suite *suite, const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        add_nemesis(suite, json_array_get(array, i));
}

/* What systems do wrong on purpose has rows below those of the nemeses. */
static void take_wrongs(struct tally *tally, const json_t *scenarios)
{
    struct suite *suite = tally->suite;
    tally->rows = must(calloc(suite->promise_count + 1, sizeof *tally->rows));
    for (size_t i = 0; i < suite->promise_count; i++)
        tally->rows[i] = SIZE_MAX;
    for (size_t i = 0; i < suite->scenario_count; i++) {
        const json_t *names = json_object_get(json_array_get(scenarios, i), "wrongs");
        size_t count = json_array_size(names), end = tally->promises[i + 1];
        for (size_t j = 0; j < count && end - tally->promises[i] >= count; j++) {
            size_t row = nemesis_row(suite, json_array_get(names, j));
            if (row == suite->nemesis_count)
                add_nemesis(suite, json_array_get(names, j));
            tally->rows[end - count + j] = row;
        }
    }
}

static void take_points(struct suite *suite, const json_t *array)
{
    suite->point_count = json_array_size(array);
    suite->points = must(calloc(suite->point_count + 1, sizeof *suite->points));
    for (size_t i = 0; i < suite->point_count; i++) {
        const char *name = json_string_value(json_array_get(array, i));
        suite->points[i].name = strdup(name ? name : "");
    }
}

static void take_properties(struct tally *tally, const json_t *array)
{
    struct suite *suite = tally->suite;
    size_t count = json_array_size(array);
    tally->slot_count = count;
    tally->slots = must(calloc(count + 1, sizeof *tally->slots));
    suite->properties = must(calloc(count + 1, sizeof *suite->properties));
    suite->sometimes = must(calloc(count + 1, sizeof *suite->sometimes));
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(array, i);
        struct slot *slot = &tally->slots[i];
        slot->sometimes = json_is_true(json_object_get(row, "sometimes"));
        slot->index = slot->sometimes ? suite->sometimes_count++ : suite->property_count++;
        if (slot->sometimes)
            suite->sometimes[slot->index] = (struct report_sometimes){
                .name = strdup(head_text(row, "name")),
                .rare = json_is_true(json_object_get(row, "rare")),
            };
        else
            suite->properties[slot->index] = (struct report_property){
                .id = strdup(head_text(row, "id")),
                .name = strdup(head_text(row, "name")),
                .lets_pass = strdup(head_text(row, "lets_pass")),
            };
    }
}

struct tally *tally_new(const char *dir, bool live, const char *line, size_t length)
{
    json_t *head = json_loadb(line, length, 0, NULL);
    if (json_integer_value(json_object_get(head, "duress results")) != 1) {
        json_decref(head);
        return NULL;
    }
    struct tally *tally = must(calloc(1, sizeof *tally));
    struct suite *suite = tally->suite = must(calloc(1, sizeof *suite));
    tally->head = head;
    tally->live = live;
    tally->whole = json_is_true(json_object_get(head, "whole"));
    tally->program = strdup(head_text(head, "program"));
    take_words(json_object_get(head, "faults"), &tally->extras.faults);
    take_words(json_object_get(head, "only"), &tally->extras.properties);
    suite->dir = strdup(dir);
    suite->strict_faults = json_is_true(json_object_get(head, "strict"));
    suite->seed = strtoull(head_text(head, "seed"), NULL, 0);
    suite->options = strdup(head_text(head, "options"));
    take_scenarios(suite, json_object_get(head, "scenarios"));
    take_promises(tally, json_object_get(head, "scenarios"));
    take_nemeses(suite, json_object_get(head, "nemeses"));
    take_wrongs(tally, json_object_get(head, "scenarios"));
    take_points(suite, json_object_get(head, "points"));
    take_properties(tally, json_object_get(head, "properties"));
    suite->failures = must(calloc(KEEP_MAX, sizeof *suite->failures));
    tally->kept = must(calloc(KEEP_MAX, sizeof *tally->kept));
    return tally;
}
