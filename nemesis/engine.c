/* engine.c: the nemesis as the harness sees it: rules and world nemeses of one run. */
#include "harness/world/disk.h"
#include "nemesis/kinds.h"
#include "nemesis/nemeses.h"
#include "nemesis/rules.h"
#include "nemesis/swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_POINT "memory/sqlite/alloc"

struct engine {
    struct world *world;
    const struct scenario *scenario;
    struct swarm swarm;
    struct rules *rules;
    struct nemesis_spec *specs; /* the scenario's, then the swarm's, then the usual ones */
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
static void rule_install(struct rules *rules, const char *pattern, const char *term)
{
    struct term_error error;
    if (rules_add(rules, pattern, term, &error) == 0)
        return;
    fprintf(stderr, "unchecked rule '%s: %s': %s\n", pattern, term, error.why);
    abort();
}

/* The scenario's first: they decide where both speak of a hit, and promises are counted by their place. */
static void install_rules(struct engine *engine)
{
    const struct scenario *scenario = engine->scenario;
    engine->rules = rules_new();
    for (size_t i = 0; i < scenario->rule_count; i++)
        rule_install(engine->rules, scenario->rules[i].pattern, scenario->rules[i].term);
    for (size_t i = 0; i < engine->swarm.rule_count; i++)
        rule_install(engine->rules, engine->swarm.rules[i].point, engine->swarm.rules[i].term);
}

/* Clocks are set and stand still now and then in every scenario that does not say how often, or that they must not be off. */
static const struct nemesis_spec usual[] = {
    {.kind = "step clock", .values = {{2 * NEMESIS_M, 20 * NEMESIS_M}, {NEMESIS_MS, NEMESIS_M}}},
    {.kind = "stop clock",
     .values = {{5 * NEMESIS_M, 30 * NEMESIS_M}, {NEMESIS_S, 20 * NEMESIS_S}}},
};
enum { USUAL_COUNT = sizeof usual / sizeof *usual };

static bool says_itself(const struct scenario *scenario, const char *kind)
{
    for (size_t i = 0; i < scenario->nemesis_count; i++)
        if (strcmp(scenario->nemeses[i].kind, kind) == 0)
            return true;
    return scenario->swarm.on || scenario->budget.clock_skew_ns == 0;
}

static void start_nemeses(struct engine *engine)
{
    const struct scenario *scenario = engine->scenario;
    size_t count = scenario->nemesis_count;
    engine->specs =
        calloc(count + engine->swarm.nemesis_count + USUAL_COUNT + 1, sizeof *engine->specs);
    if (!engine->specs)
        abort();
    for (size_t i = 0; i < count; i++)
        engine->specs[i] = scenario->nemeses[i];
    for (size_t i = 0; i < engine->swarm.nemesis_count; i++)
        engine->specs[count++] = engine->swarm.nemeses[i];
    for (size_t i = 0; i < USUAL_COUNT; i++)
        if (!says_itself(scenario, usual[i].kind))
            engine->specs[count++] = usual[i];
    engine->nemeses = nemeses_start(engine->world, engine->specs, count);
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
    swarm_draw(&engine->swarm, world, scenario);
    install_rules(engine);
    rules_watch(engine->rules, world);
    start_nemeses(engine);
    world_decider(world, decide, engine);
    disk_sqlite_refuse(rules_concern(engine->rules, MEMORY_POINT) ||
                       tape_speaks_of(world_tape(world), MEMORY_POINT));
    return engine;
}

static void heal(void *ctx)
{
    struct engine *engine = ctx;
    world_decider(engine->world, NULL, NULL); /* nodes that boot now hit points */
    nemeses_heal(engine->nemeses);
}

static void count(void *ctx, struct nemesis_count *ret_kinds, struct promise_count *ret_promises)
{
    struct engine *engine = ctx;
    size_t rules = engine->scenario->rule_count;
    nemeses_count(engine->nemeses, ret_kinds);
    for (size_t i = 0; i < rules; i++)
        ret_promises[i] = rules_fired(engine->rules, i);
    for (size_t i = 0; i < engine->scenario->nemesis_count; i++)
        ret_promises[rules + i].kept = nemeses_made(engine->nemeses, i);
}

/* Before world_free(): dying nodes may still hit points. */
static void stop(void *ctx)
{
    struct engine *engine = ctx;
    world_decider(engine->world, NULL, NULL);
    disk_sqlite_refuse(false);
    nemeses_stop(engine->nemeses);
    rules_free(engine->rules);
    swarm_done(&engine->swarm);
    free(engine->specs);
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
