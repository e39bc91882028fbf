/* values.c: numbers, durations, percentages and ranges in scenario files, and the map
 * `workload:`. */
#include "harness/scenario/internal.h"

#include "harness/engine.h"
#include "harness/fault.h"
#include "harness/system.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- small things ---- */

void *scenario_grow(void *array, size_t count, size_t size)
{
    void *grown = realloc(array, (count + 1) * size);
    if (!grown)
        abort();
    return grown;
}

char *scenario_copy(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

const char *did_you_mean(const char *word, const char *const *words, size_t count, char *out,
                         size_t size)
{
    const char *near = nearest_word(word, strlen(word), words, count);
    if (near)
        snprintf(out, size, "; did you mean \"%s\"?", near);
    else
        snprintf(out, size, "%s", "");
    return out;
}

void complain_kind(struct loader *loader, const struct yaml *value, const char *wanted)
{
    char got[80];
    yaml_complain(loader->file, value, "expected %s, got %s", wanted,
                  yaml_describe(value, got, sizeof got));
}

void complain_word(struct loader *loader, const struct yaml *at, const char *what,
                   const char *const *words, size_t count)
{
    char hint[160];
    yaml_complain(loader->file, at, "unknown %s \"%s\"%s", what, at->text,
                  did_you_mean(at->text, words, count, hint, sizeof hint));
}

/* ---- one value: returns the number of characters read, 0 if it is none ---- */

static size_t count_parse(const char *text, int64_t *ret_value)
{
    size_t length = 0;
    int64_t value = 0;
    for (; text[length] >= '0' && text[length] <= '9'; length++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, text[length] - '0', &value))
            return 0;
    *ret_value = value;
    return length;
}

/* "10%", "2.5%", "0.25%" -> hundredths of a percent. */
static size_t percent_parse(const char *text, int64_t *ret_value)
{
    int64_t whole, fraction = 0;
    size_t length = count_parse(text, &whole);
    if (length == 0 || whole > 100)
        return 0;
    if (text[length] == '.') {
        size_t digits = count_parse(text + length + 1, &fraction);
        if (digits == 0 || digits > 2)
            return 0;
        if (digits == 1)
            fraction *= 10;
        length += 1 + digits;
    }
    if (text[length] != '%')
        return 0;
    *ret_value = whole * 100 + fraction;
    return length + 1;
}

static size_t bool_parse(const char *text, int64_t *ret_value)
{
    static const struct {
        const char *word;
        int64_t value;
    } words[] = {{"true", 1}, {"yes", 1}, {"false", 0}, {"no", 0}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i].word) == 0) {
            *ret_value = words[i].value;
            return strlen(text);
        }
    return 0;
}

static const struct {
    size_t (*parse)(const char *text, int64_t *ret_value);
    const char *wanted, *wanted_range;
} value_types[] = {
    [PARAM_COUNT] = {count_parse, "a number such as 20", "a number such as 20 or 20..200"},
    [PARAM_DURATION] = {duration_parse, "a duration such as 5ms or 2m",
                        "a duration such as 5ms or 2m, or a range such as 5ms..2m"},
    [PARAM_PERCENT] = {percent_parse, "a percentage such as 10% or 2.5%",
                       "a percentage such as 10% or 2.5%"},
    [PARAM_BOOL] = {bool_parse, "yes or no", "yes or no"},
    [PARAM_COUNTS] = {count_parse, "a number such as 20", "a number such as 20 or 20..200"},
};

static const char *value_print(enum param_type type, int64_t value, char *out, size_t size)
{
    if (type == PARAM_DURATION)
        return duration_print(value, out, size);
    if (type == PARAM_PERCENT && value % 100 == 0)
        snprintf(out, size, "%lld%%", (long long)(value / 100));
    else if (type == PARAM_PERCENT)
        snprintf(out, size, "%lld.%02lld%%", (long long)(value / 100), (long long)(value % 100));
    else
        snprintf(out, size, "%lld", (long long)value);
    return out;
}

/* ---- ranges ---- */

/* "5ms" or "5ms..2m"; blanks around the dots are fine. */
static bool range_parse(const char *text, enum param_type type, bool ranges,
                        struct range *ret_range)
{
    struct range range;
    size_t length = value_types[type].parse(text, &range.lo);
    if (length == 0)
        return false;
    range.hi = range.lo;
    text += length;
    const char *dots = text + strspn(text, " ");
    if (ranges && strncmp(dots, "..", 2) == 0) {
        text = dots + 2;
        text += strspn(text, " ");
        length = value_types[type].parse(text, &range.hi);
        text += length;
    }
    if (length == 0 || *text)
        return false;
    *ret_range = range;
    return true;
}

static bool range_check(struct loader *loader, const struct yaml *value, enum param_type type,
                        int64_t min, int64_t max, struct range range)
{
    char lo[40], hi[40];
    if (range.lo > range.hi) {
        yaml_complain(loader->file, value, "the range runs backwards: %s is more than %s",
                      value_print(type, range.lo, lo, sizeof lo),
                      value_print(type, range.hi, hi, sizeof hi));
        return false;
    }
    if (range.lo < min || range.hi > max) {
        value_print(type, min, lo, sizeof lo);
        value_print(type, max, hi, sizeof hi);
        yaml_complain(loader->file, value, "out of bounds: %s must lie in %s..%s", value->text, lo,
                      hi);
        return false;
    }
    return true;
}

bool value_range(struct loader *loader, const struct yaml *value, enum param_type type, bool ranges,
                 int64_t min, int64_t max, struct range *ret_range)
{
    struct range range;
    if (value->kind != YAML_TEXT || !range_parse(value->text, type, ranges, &range)) {
        char got[80];
        yaml_complain(loader->file, value, "expected %s, got %s",
                      ranges ? value_types[type].wanted_range : value_types[type].wanted,
                      yaml_describe(value, got, sizeof got));
        return false;
    }
    if (!range_check(loader, value, type, min, max, range))
        return false;
    *ret_range = range;
    return true;
}

bool value_text(struct loader *loader, const struct yaml *value, const char *wanted,
                const char **ret_text)
{
    if (value->kind != YAML_TEXT || !*value->text) {
        char got[80];
        yaml_complain(loader->file, value, "expected %s, got %s", wanted,
                      yaml_describe(value, got, sizeof got));
        return false;
    }
    *ret_text = value->text;
    return true;
}

/* ---- workload ---- */

static void counts_read(struct loader *loader, const struct yaml *value, struct param *param)
{
    if (value->kind != YAML_MAP) {
        complain_kind(loader, value, "a map of names to numbers such as { default: 10 }");
        return;
    }
    const struct param_spec *spec = param->spec;
    for (const struct yaml *entry = value->first; entry; entry = entry->next) {
        struct range range;
        if (!value_range(loader, entry, PARAM_COUNTS, true, spec->min, spec->max, &range))
            continue;
        param->entries = scenario_grow(param->entries, param->entry_count, sizeof *param->entries);
        param->entries[param->entry_count++] =
            (struct param_entry){.name = scenario_copy(entry->key->text), .value = range};
    }
}

static struct param *param_find(struct scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->param_count; i++)
        if (strcmp(scenario->params[i].spec->name, name) == 0)
            return &scenario->params[i];
    return NULL;
}

static void param_unknown(struct loader *loader, const struct yaml *key)
{
    const struct system *system = loader->scenario->system;
    const char **names = scenario_grow(NULL, system->param_count, sizeof *names);
    for (size_t i = 0; i < system->param_count; i++)
        names[i] = system->params[i].name;
    char hint[120];
    yaml_complain(loader->file, key, "the workload of \"%s\" has no \"%s\"%s", system->name,
                  key->text,
                  did_you_mean(key->text, names, system->param_count, hint, sizeof hint));
    free(names);
}

static void param_read(struct loader *loader, const struct yaml *value)
{
    struct param *param = param_find(loader->scenario, value->key->text);
    if (!param) {
        param_unknown(loader, value->key);
        return;
    }
    const struct param_spec *spec = param->spec;
    param->given = true;
    if (spec->type == PARAM_COUNTS)
        counts_read(loader, value, param);
    else
        value_range(loader, value, spec->type, spec->type != PARAM_BOOL, spec->min, spec->max,
                    &param->value);
}

void read_workload(struct loader *loader, const struct yaml *value)
{
    if (value->kind != YAML_MAP) {
        complain_kind(loader, value, "a map such as { jobs: 20..200 }");
        return;
    }
    if (!loader->scenario->system)
        return; /* told already; without it nobody knows what a workload may say */
    for (const struct yaml *entry = value->first; entry; entry = entry->next)
        param_read(loader, entry);
}
