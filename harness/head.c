/* head.c: the head line of results.jsonl, which names what the result lines number. See tally.h and result.h. */
#include "harness/json.h"
#include "harness/tally.h"

#include <stdlib.h>

static void write_scenarios(struct json *json, const struct plan *plan)
{
    json_array_begin(json, "scenarios");
    for (size_t i = 0; i < plan->scenario_count; i++) {
        json_object_begin(json, NULL);
        json_str(json, "name", plan->scenarios[i]->name);
        json_str(json, "path", plan->scenarios[i]->path);
        json_bool(json, "must_fail", plan->scenarios[i]->must_fail);
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
    json_str(&json, "options", head->options);
    json_str(&json, "program", head->program);
    json_bool(&json, "whole", head->plan->whole);
    write_words(&json, "faults", &head->extras->faults);
    write_words(&json, "only", &head->extras->properties);
    write_scenarios(&json, head->plan);
    write_properties(&json);
    write_points(&json);
    json_object_end(&json);
    json_done(&json);
    fclose(out);
    return line;
}
