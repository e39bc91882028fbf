/* engine.c: the nemesis as the harness sees it: rules and world nemeses of one run. */
#include "harness/world/disk.h"
#include "nemesis/kinds.h"
#include "nemesis/nemeses.h"
#include "nemesis/rules.h"

#include <stdio.h>
#include <stdlib.h>

#define MEMORY_POINT "memory/sqlite/alloc"

struct engine {
    struct world *world;
    const struct scenario *scenario;
    struct rules *rules;
    struct nemeses *nemeses;
};

static int rule_check(const char *pattern, const char *term, struct term_error *ret_error)
{
    struct rules *rules = rules_new();
    int err = rules_add(rules, pattern, term, ret_error);
    rules_free(rules);
    return err;
}

/* The loader has checked the rules; a bad one here is a mistake of the harness. */
static struct rules *rules_of(const struct scenario *scenario)
{
    struct rules *rules = rules_new();
    for (size_t i = 0; i < scenario->rule_count; i++) {
        const struct rule_spec *rule = &scenario->rules[i];
        struct term_error error;
        if (rules_add(rules, rule->pattern, rule->term, &error) != 0) {
            fprintf(stderr, "unchecked rule '%s: %s': %s\n", rule->pattern, rule->term, error.why);
            abort();
        }
    }
    return rules;
}

static struct fault decide(void *ctx, const struct hit *hit)
{
    struct engine *engine = ctx;
    nemeses_hit(engine->nemeses, hit);
    return rules_decide(engine->rules, hit);
}

static void *start(struct world *world, const struct scenario *scenario)
{
    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        abort();
    engine->world = world;
    engine->scenario = scenario;
    engine->rules = rules_of(scenario);
    engine->nemeses = nemeses_start(world, scenario);
    world_decider(world, decide, engine);
    disk_sqlite_refuse(rules_concern(engine->rules, MEMORY_POINT) ||
                       tape_speaks_of(world_tape(world), MEMORY_POINT));
    return engine;
}

static void heal(void *ctx)
{
    struct engine *engine = ctx;
    nemeses_heal(engine->nemeses);
}

static void count(void *ctx, struct nemesis_count *ret_kinds, uint64_t *ret_promises)
{
    struct engine *engine = ctx;
    size_t rules = engine->scenario->rule_count;
    for (size_t i = 0; i < rules; i++)
        ret_promises[i] = rules_fired(engine->rules, i);
    nemeses_count(engine->nemeses, ret_kinds, ret_promises + rules);
}

/* Before world_free(): dying nodes may still hit points. */
static void stop(void *ctx)
{
    struct engine *engine = ctx;
    world_decider(engine->world, NULL, NULL);
    disk_sqlite_refuse(false);
    nemeses_stop(engine->nemeses);
    rules_free(engine->rules);
    free(engine);
}

const struct nemesis_engine nemesis_engine = {
    .rule_check = rule_check,
    .kinds = nemesis_kinds,
    .kind_count = NEMESIS_KIND_COUNT,
    .start = start,
    .heal = heal,
    .count = count,
    .stop = stop,
};
