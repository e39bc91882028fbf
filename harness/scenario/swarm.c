/* swarm.c: the key `swarm:` of a scenario file: `yes`, or what may be drawn and how likely. */
#include "harness/scenario/internal.h"

#include "harness/engine.h"

#include <stdlib.h>
#include <string.h>

static void word_append(char ***words, size_t *count, const char *word)
{
    *words = scenario_grow(*words, *count, sizeof **words);
    (*words)[(*count)++] = scenario_copy(word);
}

static void read_chance(struct loader *loader, const struct yaml *value)
{
    struct range chance;
    if (value_range(loader, value, PARAM_PERCENT, false, 1, 10000, &chance))
        loader->scenario->swarm.chance = chance.lo;
}

static void nemesis_allow(struct loader *loader, const struct yaml *item)
{
    const char *text;
    struct swarm_spec *swarm = &loader->scenario->swarm;
    if (!value_text(loader, item, "the name of a nemesis", &text))
        return;
    const char **names = scenario_grow(NULL, nemesis_engine.kind_count, sizeof *names);
    bool known = false;
    for (size_t i = 0; i < nemesis_engine.kind_count; i++) {
        names[i] = nemesis_engine.kinds[i].name;
        known |= strcmp(names[i], text) == 0;
    }
    if (known)
        word_append(&swarm->nemeses, &swarm->nemesis_count, text);
    else
        complain_word(loader, item, "nemesis", names, nemesis_engine.kind_count);
    free(names);
}

static void point_allow(struct loader *loader, const struct yaml *item)
{
    const char *text;
    struct term_error error = {0};
    struct swarm_spec *swarm = &loader->scenario->swarm;
    if (!value_text(loader, item, "a pattern of points such as store/**", &text))
        return;
    if (nemesis_engine.rule_check(text, "off", &error) != 0)
        yaml_complain_inside(loader->file, item, error.offset, "%s", error.why);
    else
        word_append(&swarm->points, &swarm->point_count, text);
}

static void read_list(struct loader *loader, const struct yaml *value, bool *ret_all,
                      void (*allow)(struct loader *loader, const struct yaml *item))
{
    *ret_all = false;
    if (value->kind != YAML_LIST) {
        complain_kind(loader, value, "a list; [] allows none");
        return;
    }
    for (const struct yaml *item = value->first; item; item = item->next)
        allow(loader, item);
}

static void read_entry(struct loader *loader, const struct yaml *entry)
{
    static const char *const words[] = {"chance", "nemeses", "points"};
    struct swarm_spec *swarm = &loader->scenario->swarm;
    if (strcmp(entry->key->text, words[0]) == 0)
        read_chance(loader, entry);
    else if (strcmp(entry->key->text, words[1]) == 0)
        read_list(loader, entry, &swarm->all_nemeses, nemesis_allow);
    else if (strcmp(entry->key->text, words[2]) == 0)
        read_list(loader, entry, &swarm->all_points, point_allow);
    else
        complain_word(loader, entry->key, "key in swarm", words, 3);
}

void read_swarm(struct loader *loader, const struct yaml *value)
{
    struct range on;
    if (value->kind == YAML_TEXT) {
        if (value_range(loader, value, PARAM_BOOL, false, 0, 1, &on))
            loader->scenario->swarm.on = on.lo != 0;
        return;
    }
    if (value->kind != YAML_MAP) {
        complain_kind(loader, value, "yes, or a map such as { chance: 50% }");
        return;
    }
    loader->scenario->swarm.on = true;
    for (const struct yaml *entry = value->first; entry; entry = entry->next)
        read_entry(loader, entry);
}
