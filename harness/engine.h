/* engine.h: the seam through which the harness uses the nemesis without knowing it. nemesis/ defines the one
 * object `nemesis_engine`; the harness is linked with it. */
#ifndef DURESS_ENGINE_H
#define DURESS_ENGINE_H

#include "harness/scenario.h"
#include "harness/world/world.h"

struct nemesis_kind {
    const char *name; /* as in scenario files: "kill node" */
    const char *about;
    const char *lasts;  /* the key that says how long: "back after", "for"; NULL: none */
    const char *amount; /* the key that says how much: "by"; NULL: none */
};

struct term_error {
    size_t offset;   /* into the text where it goes wrong */
    bool in_pattern; /* else in the term */
    char why[160];   /* with the nearest valid name where there is one */
};

struct nemesis_engine {
    /* Checks a rule, points and fields included (registry_init first). 0 or -EINVAL. */
    int (*rule_check)(const char *pattern, const char *term, struct term_error *ret_error);
    const struct nemesis_kind *kinds;
    size_t kind_count;
    /* Installs the scenario's rules as the world's decider and starts its world nemeses. */
    void *(*start)(struct world *world, const struct scenario *scenario);
    void (*stop)(void *ctx);
};

extern const struct nemesis_engine nemesis_engine;

/* Levenshtein distance based: the nearest of the words, or NULL if none is near. For "did you mean". */
const char *nearest_word(const char *word, size_t length, const char *const *words, size_t count);

#endif
