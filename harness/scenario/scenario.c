/* scenario.c: the keys of a scenario file. One table says which there are; each entry reads its
 * value, or complains and leaves the default. A scenario is handed out only when nobody complained.
 */
#include "harness/scenario/internal.h"

#include "harness/engine.h"
#include "harness/system.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* X(key, required, reader) */
#define KEYS(X)                                                                                    \
    X("name", true, read_name)                                                                     \
    X("about", false, read_about)                                                                  \
    X("family", false, read_family)                                                                \
    X("sut", true, read_sut)                                                                       \
    X("nodes", false, read_nodes)                                                                  \
    X("workload", false, read_workload)                                                            \
    X("faults", false, read_faults)                                                                \
    X("nemesis", false, read_nemesis)                                                              \
    X("swarm", false, read_swarm)                                                                  \
    X("budget", false, read_budget)                                                                \
    X("back after", false, read_back_after)                                                        \
    X("schedule", false, read_schedule)                                                            \
    X("safety", false, read_safety)                                                                \
    X("liveness", false, read_liveness)                                                            \
    X("properties", false, read_properties)                                                        \
    X("expect", false, read_expect)                                                                \
    X("weight", false, read_weight)

static const struct {
    bool required;
    void (*read)(struct loader *loader, const struct yaml *value);
} keys[] = {
#define X(key, required, reader) {required, reader},
    KEYS(X)
#undef X
};
static const char *const key_names[] = {
#define X(key, required, reader) key,
    KEYS(X)
#undef X
};
#define KEY_COUNT (sizeof keys / sizeof keys[0])

static const struct yaml *entry_find(const struct yaml *map, const char *key)
{
    for (const struct yaml *entry = map->first; entry; entry = entry->next)
        if (strcmp(entry->key->text, key) == 0)
            return entry;
    return NULL;
}

/* Before all else, since it says what `workload:` may say. */
static void system_choose(struct loader *loader, const struct yaml *root)
{
    const struct yaml *sut = entry_find(root, "sut");
    const struct system *system =
        sut && sut->kind == YAML_TEXT ? system_find(loader, sut->text) : NULL;
    if (!system)
        return;
    struct scenario *scenario = loader->scenario;
    scenario->system = system;
    scenario->param_count = system->param_count;
    scenario->params = scenario_grow(NULL, system->param_count, sizeof *scenario->params);
    for (size_t i = 0; i < system->param_count; i++)
        scenario->params[i] =
            (struct param){.spec = &system->params[i], .value = system->params[i].fallback};
}

static void entry_read(struct loader *loader, const struct yaml *entry)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (strcmp(key_names[i], entry->key->text) == 0) {
            keys[i].read(loader, entry);
            return;
        }
    complain_word(loader, entry->key, "key", key_names, KEY_COUNT);
}

static void root_read(struct loader *loader, const struct yaml *root)
{
    if (root->kind != YAML_MAP) {
        complain_kind(loader, root, "keys and values such as name: lost replies");
        return;
    }
    system_choose(loader, root);
    for (const struct yaml *entry = root->first; entry; entry = entry->next)
        entry_read(loader, entry);
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (keys[i].required && !entry_find(root, key_names[i]))
            yaml_complain(loader->file, root, "the key \"%s\" is missing", key_names[i]);
}

static struct scenario *scenario_new(const char *path)
{
    struct scenario *scenario = calloc(1, sizeof *scenario);
    if (!scenario)
        abort();
    scenario->path = scenario_copy(path);
    scenario->about = scenario_copy("");
    scenario->family = scenario_copy("");
    scenario->nodes = (struct range){1, 1};
#define X(field, key, type, fallback, ...) scenario->budget.field = (fallback);
    BUDGET_KEYS(X)
#undef X
    scenario->back_after = (struct range){NS_PER_SECOND, 30 * NS_PER_SECOND};
    scenario->schedule = SCHEDULE_ANY;
    scenario->safety_ns = 30 * NS_PER_MINUTE;
    scenario->liveness_ns = 2 * NS_PER_HOUR;
    scenario->weight = 1;
    scenario->swarm = (struct swarm_spec){.chance = 5000, .all_nemeses = true, .all_points = true};
    return scenario;
}

/* Frees the file. */
static struct scenario *scenario_of(struct yaml_file *file, const char *path,
                                    const struct system *const *systems, size_t system_count,
                                    char **ret_why)
{
    registry_init();
    struct loader loader = {.file = file,
                            .scenario = scenario_new(path),
                            .systems = systems,
                            .system_count = system_count};
    const struct yaml *root = yaml_root(loader.file);
    if (root)
        root_read(&loader, root);
    char *why = yaml_complaints(loader.file);
    yaml_free(loader.file);
    if (!why)
        return loader.scenario;
    scenario_free(loader.scenario);
    *ret_why = why;
    return NULL;
}

struct scenario *scenario_load(const char *path, const struct system *const *systems,
                               size_t system_count, char **ret_why)
{
    return scenario_of(yaml_read(path), path, systems, system_count, ret_why);
}

struct scenario *scenario_parse(const char *path, const char *text, size_t length,
                                const struct system *const *systems, size_t system_count,
                                char **ret_why)
{
    return scenario_of(yaml_read_text(path, text, length), path, systems, system_count, ret_why);
}

static void params_free(struct param *params, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < params[i].entry_count; j++)
            free(params[i].entries[j].name);
        free(params[i].entries);
    }
    free(params);
}

static void words_free(char **words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(words[i]);
    free(words);
}

void scenario_free(struct scenario *scenario)
{
    if (!scenario)
        return;
    for (size_t i = 0; i < scenario->rule_count; i++) {
        free(scenario->rules[i].pattern);
        free(scenario->rules[i].term);
    }
    params_free(scenario->params, scenario->param_count);
    free(scenario->rules);
    free(scenario->nemeses);
    words_free(scenario->swarm.nemeses, scenario->swarm.nemesis_count);
    words_free(scenario->swarm.points, scenario->swarm.point_count);
    free(scenario->properties);
    free(scenario->path);
    free(scenario->name);
    free(scenario->about);
    free(scenario->family);
    free(scenario);
}

size_t scenario_wrongs(const struct scenario *scenario)
{
    size_t count = 0;
    for (size_t i = 0; i < scenario->param_count; i++)
        count += param_goes_wrong(&scenario->params[i]);
    return count;
}

const struct param *scenario_param(const struct scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->param_count; i++)
        if (strcmp(scenario->params[i].spec->name, name) == 0)
            return &scenario->params[i];
    assert(false && "a parameter that the system declares");
    abort();
}
