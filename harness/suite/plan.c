/* plan.c: see plan.h. */
#define _GNU_SOURCE /* asprintf */
#include "harness/suite/plan.h"

#include "harness/engine.h"
#include "harness/seed.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void *array_grow(void *items, size_t count, size_t size)
{
    void *grown = realloc(items, (count + 1) * size);
    if (!grown)
        abort();
    return grown;
}

static int message(char **ret_why, int err, const char *format, const char *subject,
                   const char *reason)
{
    if (asprintf(ret_why, format, subject, reason) < 0)
        abort();
    return err;
}

/* ---- extras ---- */

static int unknown_property(const char *id, char **ret_why)
{
    struct words ids = {0};
    for (size_t i = 0; i < properties_count(); i++)
        words_add(&ids, properties_get(i)->id);
    const char *near = nearest_word(id, strlen(id), ids.items, ids.count);
    words_done(&ids);
    return message(ret_why, -EINVAL,
                   near ? "--property: no property '%s'; did you mean '%s'?"
                        : "--property: no property '%s'%s",
                   id, near ? near : "; 'duress list properties' shows them all");
}

int properties_choose(const struct words *ids, const struct property ***ret_chosen, char **ret_why)
{
    const struct property **chosen = calloc(ids->count + 1, sizeof *chosen);
    if (!chosen)
        abort();
    for (size_t i = 0; i < ids->count; i++) {
        chosen[i] = properties_find(ids->items[i]);
        if (!chosen[i]) {
            free(chosen);
            return unknown_property(ids->items[i], ret_why);
        }
    }
    *ret_chosen = chosen;
    return 0;
}

static int choose_properties(struct scenario *scenario, const struct words *ids, char **ret_why)
{
    const struct property **chosen;
    if (ids->count == 0)
        return 0;
    int err = properties_choose(ids, &chosen, ret_why);
    if (err)
        return err;
    free(scenario->properties);
    scenario->properties = chosen;
    scenario->property_count = ids->count;
    return 0;
}

int extras_apply(const struct extras *extras, struct scenario *scenario, char **ret_why)
{
    for (size_t i = 0; i < extras->faults.count; i++) {
        char why[512];
        if (scenario_add_rule(scenario, extras->faults.items[i], why, sizeof why))
            return message(ret_why, -EINVAL, "--fault %s: %s", extras->faults.items[i], why);
    }
    return choose_properties(scenario, &extras->properties, ret_why);
}

/* ---- loading ---- */

static int load_file(struct plan *plan, const char *path, const struct extras *extras,
                     const struct systems *systems, char **ret_why)
{
    struct scenario *scenario = scenario_load(path, systems->items, systems->count, ret_why);
    if (!scenario)
        return -EINVAL;
    plan->scenarios = array_grow(plan->scenarios, plan->scenario_count, sizeof *plan->scenarios);
    plan->scenarios[plan->scenario_count++] = scenario;
    /* A canary must fail for its own reason: it stays as it is written. */
    return scenario->must_fail ? 0 : extras_apply(extras, scenario, ret_why);
}

static int is_scenario(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && dot && strcmp(dot, ".yaml") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_directory(struct plan *plan, const char *path, const struct extras *extras,
                          const struct systems *systems, char **ret_why)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_scenario, by_name);
    if (count < 0)
        return message(ret_why, -errno, "%s: %s", path, strerror(errno));
    size_t length = strlen(path);
    int err = 0;
    for (int i = 0; i < count; i++) {
        char *file;
        if (asprintf(&file, "%s%s%s", path, path[length - 1] == '/' ? "" : "/",
                     entries[i]->d_name) < 0)
            abort();
        if (!err)
            err = load_file(plan, file, extras, systems, ret_why);
        free(file);
        free(entries[i]);
    }
    free(entries);
    plan->whole = true;
    return err;
}

static int missing(const char *path, int err, char **ret_why)
{
    char *near = nearest_file(path);
    if (asprintf(ret_why, "%s: %s%s", path, strerror(err), near) < 0)
        abort();
    free(near);
    return -err;
}

static int load_path(struct plan *plan, const char *path, const struct extras *extras,
                     const struct systems *systems, char **ret_why)
{
    struct stat about;
    if (stat(path, &about))
        return missing(path, errno, ret_why);
    return S_ISDIR(about.st_mode) ? load_directory(plan, path, extras, systems, ret_why)
                                  : load_file(plan, path, extras, systems, ret_why);
}

/* ---- the rotation ---- */

static void add_number(uint32_t **numbers, size_t *count, uint32_t number)
{
    *numbers = array_grow(*numbers, *count, sizeof **numbers);
    (*numbers)[(*count)++] = number;
}

/* The heavier scenarios are spread out: one of each in turn, as long as its weight lasts. */
static void make_rotation(struct plan *plan, bool canaries)
{
    bool more = true;
    for (unsigned round = 0; more; round++) {
        more = false;
        for (size_t i = 0; i < plan->scenario_count; i++) {
            const struct scenario *scenario = plan->scenarios[i];
            if (scenario->must_fail != canaries || round >= scenario->weight)
                continue;
            add_number(&plan->slots, &plan->slot_count, (uint32_t)i);
            more = true;
        }
    }
}

int plan_load(struct plan *ret_plan, const struct words *paths, const struct extras *extras,
              const struct systems *systems, char **ret_why)
{
    struct plan plan = {0};
    for (size_t i = 0; i < paths->count; i++) {
        int err = load_path(&plan, paths->items[i], extras, systems, ret_why);
        if (err) {
            plan_done(&plan);
            return err;
        }
    }
    make_rotation(&plan, false);
    if (plan.slot_count == 0)
        make_rotation(&plan, true);
    else
        for (size_t i = 0; i < plan.scenario_count; i++)
            if (plan.scenarios[i]->must_fail)
                add_number(&plan.canaries, &plan.canary_count, (uint32_t)i);
    *ret_plan = plan;
    return 0;
}

void plan_done(struct plan *plan)
{
    for (size_t i = 0; i < plan->scenario_count; i++)
        scenario_free(plan->scenarios[i]);
    free(plan->scenarios);
    free(plan->slots);
    free(plan->canaries);
    *plan = (struct plan){0};
}

struct plan_run plan_run_at(const struct plan *plan, uint64_t suite_seed, uint64_t index)
{
    return (struct plan_run){
        .index = index,
        .seed = seed_of(suite_seed, index),
        .scenario = plan->slots[index % plan->slot_count],
    };
}

struct plan_run plan_canary_at(const struct plan *plan, uint64_t suite_seed, size_t which)
{
    return (struct plan_run){
        .index = which,
        .seed = seed_of(suite_seed, UINT64_MAX - which),
        .scenario = plan->canaries[which],
        .canary = true,
    };
}
