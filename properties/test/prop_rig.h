/* prop_rig.h: runs a property that is not registered, quietly, and holds what came of it. */
#ifndef PROPERTIES_TEST_PROP_RIG_H
#define PROPERTIES_TEST_PROP_RIG_H

#include "properties/prop_internal.h"

#include <criterion/criterion.h>
#include <string.h>

static inline void rig_replay_line(FILE *out, const struct prop *prop, const char *case_text,
                                   const struct prop_config *config)
{
    (void)config;
    fprintf(out, "replay %s/%s %s", prop->suite, prop->name, case_text);
}

static inline struct prop_config rig_config(uint64_t seed)
{
    return (struct prop_config){.seed = seed, .replay_line = rig_replay_line, .program = "x"};
}

#define RIG_PROP(body_, ...)                                                                       \
    (&(const struct prop){.suite = "rig",                                                          \
                          .name = #body_,                                                          \
                          .file = __FILE__,                                                        \
                          .line = __LINE__,                                                        \
                          .body = body_,                                                           \
                          __VA_ARGS__})

static inline struct prop_result rig_run(const struct prop *prop, uint64_t seed)
{
    struct prop_config config = rig_config(seed);
    return prop_run(prop, &config);
}

/* It fails, and its report has this in it. */
static inline void rig_fails(const struct prop *prop, uint64_t seed, const char *minimal)
{
    struct prop_result result = rig_run(prop, seed);
    cr_assert_eq(result.verdict, PROP_FAILED, "%s: verdict %d: %s", prop->name, result.verdict,
                 result.report ? result.report : "held");
    cr_assert_not_null(strstr(result.report, minimal), "seed %llu: not '%s' in:\n%s",
                       (unsigned long long)seed, minimal, result.report);
    prop_result_done(&result);
}

static inline void rig_holds(const struct prop *prop, uint64_t seed)
{
    struct prop_result result = rig_run(prop, seed);
    cr_assert_eq(result.verdict, PROP_HELD, "%s", result.report);
    prop_result_done(&result);
}

static inline void rig_unhealthy(const struct prop *prop, enum health health)
{
    struct prop_result result = rig_run(prop, 1);
    cr_assert_eq(result.verdict, PROP_UNHEALTHY, "%s: verdict %d: %s", prop->name, result.verdict,
                 result.report ? result.report : "");
    cr_assert_eq(result.health, health, "%s", result.report);
    prop_result_done(&result);
}

/* How often the words occur. */
static inline unsigned lines_with(const char *text, const char *words)
{
    unsigned count = 0;
    for (; (text = strstr(text, words)); text += strlen(words))
        count++;
    return count;
}

#endif
