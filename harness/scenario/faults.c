/* faults.c: what may go wrong in a scenario: `faults:`, `nemesis:`, and rules from the
 * command line. What a pattern, a term or a nemesis may be is the nemesis' business; here it is
 * found out where in the file it is wrong. */
#include "harness/scenario/internal.h"

#include "harness/engine.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- faults ---- */

static void rule_append(struct scenario *scenario, const char *pattern, const char *term, int line,
                        int column)
{
    struct rule_spec rule = {scenario_copy(pattern), scenario_copy(term), line, column};
    scenario->rules = scenario_grow(scenario->rules, scenario->rule_count, sizeof *scenario->rules);
    scenario->rules[scenario->rule_count++] = rule;
}

/* One `pattern: term`. Column and line of the rule are those of its term. */
static void rule_take(struct loader *loader, const struct yaml *key, const struct yaml *term)
{
    const char *text;
    struct term_error error = {0};
    if (!value_text(loader, term, "a fault term such as 2%disconnect", &text))
        return;
    if (nemesis_engine.rule_check(key->text, text, &error) != 0) {
        const struct yaml *wrong = error.in_pattern ? key : term;
        yaml_complain_inside(loader->file, wrong, error.offset, "%s", error.why);
        return;
    }
    int line, column;
    yaml_position(loader->file, term, &line, &column);
    rule_append(loader->scenario, key->text, text, line, column);
}

void read_faults(struct loader *loader, const struct yaml *value)
{
    if (value->kind == YAML_EMPTY)
        return; /* `faults:` with every rule commented out */
    if (value->kind != YAML_MAP) {
        complain_kind(loader, value, "a map of points to fault terms");
        return;
    }
    for (const struct yaml *entry = value->first; entry; entry = entry->next) {
        if (entry->kind != YAML_LIST)
            rule_take(loader, entry->key, entry);
        else
            for (const struct yaml *item = entry->first; item; item = item->next)
                rule_take(loader, entry->key, item);
    }
}

/* ---- nemeses ---- */

static const struct nemesis_kind *nemesis_find(const char *name)
{
    for (size_t i = 0; i < nemesis_engine.kind_count; i++)
        if (strcmp(nemesis_engine.kinds[i].name, name) == 0)
            return &nemesis_engine.kinds[i];
    return NULL;
}

static void nemesis_unknown(struct loader *loader, const struct yaml *key)
{
    const char **names = scenario_grow(NULL, nemesis_engine.kind_count, sizeof *names);
    for (size_t i = 0; i < nemesis_engine.kind_count; i++)
        names[i] = nemesis_engine.kinds[i].name;
    complain_word(loader, key, "nemesis", names, nemesis_engine.kind_count);
    free(names);
}

static size_t nemesis_key_count(const struct nemesis_kind *kind)
{
    size_t count = 0;
    while (count < NEMESIS_KEYS_MAX && kind->keys[count].aspect)
        count++;
    return count;
}

/* One of the key's words; the value is its place. */
static void nemesis_word(struct loader *loader, const struct yaml *entry,
                         const struct nemesis_key *key, struct range *ret_value)
{
    const char *text;
    char what[64];
    if (!value_text(loader, entry, "a word", &text))
        return;
    size_t count = 0;
    for (; key->words[count]; count++) {
        if (strcmp(key->words[count], text) == 0) {
            *ret_value = (struct range){(int64_t)count, (int64_t)count};
            return;
        }
    }
    snprintf(what, sizeof what, "value of \"%s\":", key->name);
    complain_word(loader, entry, what, key->words, count);
}

static void nemesis_entry(struct loader *loader, const struct yaml *entry,
                          const struct nemesis_kind *kind, struct nemesis_spec *spec, bool *given)
{
    const char *words[NEMESIS_KEYS_MAX];
    size_t count = nemesis_key_count(kind);
    for (size_t i = 0; i < count; i++) {
        const struct nemesis_key *key = &kind->keys[i];
        words[i] = key->name;
        if (strcmp(key->name, entry->key->text) != 0)
            continue;
        given[i] = true;
        if (key->type == PARAM_WORD)
            nemesis_word(loader, entry, key, &spec->values[i]);
        else
            value_range(loader, entry, key->type, key->type != PARAM_BOOL, key->min, key->max,
                        &spec->values[i]);
        return;
    }
    complain_word(loader, entry->key, "key of a nemesis", words, count);
}

static void nemesis_take(struct loader *loader, const struct yaml *value)
{
    const struct nemesis_kind *kind = nemesis_find(value->key->text);
    if (!kind) {
        nemesis_unknown(loader, value->key);
        return;
    }
    if (value->kind != YAML_MAP) {
        complain_kind(loader, value, "a map such as { every: 20s..2m }");
        return;
    }
    struct nemesis_spec spec = {.kind = kind->name};
    bool given[NEMESIS_KEYS_MAX] = {false};
    size_t count = nemesis_key_count(kind);
    for (size_t i = 0; i < count; i++)
        spec.values[i] = kind->keys[i].fallback;
    for (const struct yaml *entry = value->first; entry; entry = entry->next)
        nemesis_entry(loader, entry, kind, &spec, given);
    for (size_t i = 0; i < count; i++)
        if (kind->keys[i].required && !given[i])
            yaml_complain(loader->file, value->key, "the nemesis \"%s\" needs the key \"%s\"",
                          kind->name, kind->keys[i].name);
    struct scenario *scenario = loader->scenario;
    scenario->nemeses = scenario_grow(scenario->nemeses, scenario->nemesis_count, sizeof spec);
    scenario->nemeses[scenario->nemesis_count++] = spec;
}

void read_nemesis(struct loader *loader, const struct yaml *value)
{
    if (value->kind == YAML_EMPTY)
        return;
    if (value->kind != YAML_MAP) {
        complain_kind(loader, value, "a map such as { kill node: { every: 20s..2m, ... } }");
        return;
    }
    for (const struct yaml *entry = value->first; entry; entry = entry->next)
        nemesis_take(loader, entry);
}

/* ---- rules from the command line ---- */

/* The first '=' or ':' outside of [...]; NULL if there is none. */
static const char *separator_find(const char *text)
{
    bool bracket = false;
    for (; *text; text++) {
        if (*text == '[' || *text == ']')
            bracket = *text == '[';
        else if (!bracket && (*text == '=' || *text == ':'))
            return text;
    }
    return NULL;
}

static int rule_complain(const char *text, size_t offset, const char *message, char *why,
                         size_t size)
{
    snprintf(why, size, "%s\n  %s\n  %*s^", message, text, (int)offset, "");
    return -EINVAL;
}

int scenario_add_rule(struct scenario *scenario, const char *text, char *why, size_t why_size)
{
    const char *separator = separator_find(text);
    if (!separator)
        return rule_complain(text, strlen(text),
                             "a rule is POINT=TERM, such as store/ack/reply=2%disconnect", why,
                             why_size);
    char pattern[256];
    if (separator - text >= (ptrdiff_t)sizeof pattern)
        return rule_complain(text, 0, "this pattern is too long", why, why_size);
    snprintf(pattern, sizeof pattern, "%.*s", (int)(separator - text), text);
    const char *term = separator + 1;
    term += strspn(term, " ");
    struct term_error error = {0};
    if (nemesis_engine.rule_check(pattern, term, &error) != 0)
        return rule_complain(text, error.offset + (error.in_pattern ? 0 : (size_t)(term - text)),
                             error.why, why, why_size);
    rule_append(scenario, pattern, term, 0, 0);
    return 0;
}
