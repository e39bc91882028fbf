/* keys.c: the simple keys of a scenario file. Each reader takes one value, or complains
 * and leaves the default. */
#include "harness/scenario/internal.h"

#include "harness/engine.h"
#include "harness/system.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MAX 64

static void copy_value(struct loader *loader, const struct yaml *value, const char *wanted,
                       char **ret_text)
{
    const char *text;
    if (value_text(loader, value, wanted, &text)) {
        free(*ret_text);
        *ret_text = scenario_copy(text);
    }
}

void read_name(struct loader *loader, const struct yaml *value)
{
    copy_value(loader, value, "a name", &loader->scenario->name);
}

void read_about(struct loader *loader, const struct yaml *value)
{
    copy_value(loader, value, "a sentence", &loader->scenario->about);
}

void read_family(struct loader *loader, const struct yaml *value)
{
    copy_value(loader, value, "a word", &loader->scenario->family);
}

const struct system *system_find(struct loader *loader, const char *name)
{
    for (size_t i = 0; i < loader->system_count; i++)
        if (strcmp(loader->systems[i]->name, name) == 0)
            return loader->systems[i];
    return NULL;
}

void read_sut(struct loader *loader, const struct yaml *value)
{
    const char *name;
    if (!value_text(loader, value, "the name of a system under test", &name) ||
        system_find(loader, name))
        return; /* a good one was taken in system_choose() */
    const char **names = scenario_grow(NULL, loader->system_count, sizeof *names);
    for (size_t i = 0; i < loader->system_count; i++)
        names[i] = loader->systems[i]->name;
    complain_word(loader, value, "system under test", names, loader->system_count);
    free(names);
}

void read_nodes(struct loader *loader, const struct yaml *value)
{
    value_range(loader, value, PARAM_COUNT, true, 1, NODES_MAX, &loader->scenario->nodes);
}

void read_back_after(struct loader *loader, const struct yaml *value)
{
    value_range(loader, value, PARAM_DURATION, true, 0, NS_PER_YEAR, &loader->scenario->back_after);
}

static void read_time(struct loader *loader, const struct yaml *value, int64_t *ret_ns)
{
    struct range range;
    if (value_range(loader, value, PARAM_DURATION, false, 0, NS_PER_YEAR, &range))
        *ret_ns = range.lo;
}

void read_safety(struct loader *loader, const struct yaml *value)
{
    read_time(loader, value, &loader->scenario->safety_ns);
}

void read_liveness(struct loader *loader, const struct yaml *value)
{
    read_time(loader, value, &loader->scenario->liveness_ns);
}

void read_weight(struct loader *loader, const struct yaml *value)
{
    struct range range;
    if (value_range(loader, value, PARAM_COUNT, false, 1, 1000, &range))
        loader->scenario->weight = (unsigned)range.lo;
}

void read_expect(struct loader *loader, const struct yaml *value)
{
    bool text = value->kind == YAML_TEXT;
    if (text && strcmp(value->text, "failure") == 0)
        loader->scenario->must_fail = true;
    else if (!text || strcmp(value->text, "pass") != 0)
        complain_kind(loader, value, "pass or failure");
}

void read_schedule(struct loader *loader, const struct yaml *value)
{
    const char *word;
    if (!value_text(loader, value, "one of any, fifo, random, pct", &word))
        return;
    for (int i = 0; i < SCHEDULE_COUNT; i++) {
        if (strcmp(word, schedule_words[i]) == 0) {
            loader->scenario->schedule = (enum schedule)i;
            return;
        }
    }
    complain_word(loader, value, "schedule", schedule_words, SCHEDULE_COUNT);
}

static const struct budget_key {
    size_t offset;
    enum param_type type;
    int64_t max;
} budget_keys[] = {
#define X(field, key, type, fallback, max, about)                                                  \
    {offsetof(struct budget, field), PARAM_##type, max},
    BUDGET_KEYS(X)
#undef X
};
static const char *const budget_words[] = {
#define X(field, key, ...) key,
    BUDGET_KEYS(X)
#undef X
};
#define BUDGET_KEY_COUNT (sizeof budget_keys / sizeof budget_keys[0])

static void budget_entry(struct loader *loader, const struct yaml *entry)
{
    size_t i = 0;
    struct range range;
    while (i < BUDGET_KEY_COUNT && strcmp(entry->key->text, budget_words[i]) != 0)
        i++;
    if (i == BUDGET_KEY_COUNT)
        complain_word(loader, entry->key, "key in budget", budget_words, BUDGET_KEY_COUNT);
    else if (value_range(loader, entry, budget_keys[i].type, false, 0, budget_keys[i].max, &range))
        memcpy((char *)&loader->scenario->budget + budget_keys[i].offset, &range.lo,
               sizeof range.lo);
}

void read_budget(struct loader *loader, const struct yaml *value)
{
    if (value->kind != YAML_MAP) {
        complain_kind(loader, value, "a map such as { nodes down: 1 }");
        return;
    }
    for (const struct yaml *entry = value->first; entry; entry = entry->next)
        budget_entry(loader, entry);
}

/* ---- properties ---- */

static void property_unknown(struct loader *loader, const struct yaml *item)
{
    size_t count = properties_count();
    const char **ids = scenario_grow(NULL, count, sizeof *ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = properties_get(i)->id;
    complain_word(loader, item, "property", ids, count);
    free(ids);
}

static bool property_is_chosen(const struct scenario *scenario, const struct property *property)
{
    for (size_t i = 0; i < scenario->property_count; i++)
        if (scenario->properties[i] == property)
            return true;
    return false;
}

static void property_take(struct loader *loader, const struct yaml *item)
{
    const char *id;
    struct scenario *scenario = loader->scenario;
    if (!value_text(loader, item, "the id of a property", &id))
        return;
    const struct property *property = properties_find(id);
    if (!property) {
        property_unknown(loader, item);
    } else if (property_is_chosen(scenario, property)) {
        yaml_complain(loader->file, item, "\"%s\" stands here a second time", id);
    } else {
        size_t count = scenario->property_count;
        scenario->properties =
            scenario_grow(scenario->properties, count, sizeof(struct property *));
        scenario->properties[scenario->property_count++] = property;
    }
}

void read_properties(struct loader *loader, const struct yaml *value)
{
    if (value->kind == YAML_TEXT && strcmp(value->text, "all") == 0)
        return;
    if (value->kind != YAML_LIST || !value->first) {
        complain_kind(loader, value, "all, or a list of property ids");
        return;
    }
    for (const struct yaml *item = value->first; item; item = item->next)
        property_take(loader, item);
}
