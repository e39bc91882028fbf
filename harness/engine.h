/* engine.h: the seam through which the harness uses the nemesis without knowing it. nemesis/ defines the one
 * object `nemesis_engine`; the harness is linked with it. */
#ifndef DURESS_ENGINE_H
#define DURESS_ENGINE_H

#include "harness/scenario/scenario.h"
#include "harness/world/world.h"

/* One thing that a nemesis can be told. */
struct nemesis_key {
    const char *aspect;   /* in names of choices: "lasts"; NULL ends the list */
    const char *name;     /* as in scenario files: "back after" */
    enum param_type type; /* PARAM_DURATION, _COUNT, _PERCENT, _BOOL; PARAM_WORD: one of `words` */
    int64_t min, max;     /* allowed values, inclusive */
    bool required;
    struct range fallback;    /* when it is not given */
    struct range swarm;       /* what a swarm draws from */
    const char *const *words; /* PARAM_WORD: ends with NULL; the value is the place in it */
    const char *about;
};

struct nemesis_kind {
    const char *ident; /* in names of choices: "kill" */
    const char *name;  /* as in scenario files: "kill node" */
    const char *about;
    struct nemesis_key keys[NEMESIS_KEYS_MAX]; /* the first is "every" */
};

struct term_error {
    size_t offset;   /* into the text where it goes wrong */
    bool in_pattern; /* else in the term */
    char why[160];   /* with the nearest valid name where there is one */
};

/* What came of the strikes of one kind. What is not made and not refused struck nobody. */
struct nemesis_count {
    uint64_t asked, made, refused, healed; /* refused: by the budget */
};

/* What became of one promise of a scenario: a rule or a nemesis. */
struct promise_count {
    uint64_t kept; /* how often it did something */
    uint64_t late; /* of these: waits that ended without what they waited for */
};

struct nemesis_engine {
    /* Checks a rule, points and fields included (registry_init first). 0 or -EINVAL. */
    int (*rule_check)(const char *pattern, const char *term, struct term_error *ret_error);
    const struct nemesis_kind *kinds;
    size_t kind_count;
    /* Installs the scenario's rules as the world's decider and starts its world nemeses. */
    void *(*start)(struct world *world, const struct scenario *scenario);
    /* The safety phase is over: what the nemeses broke is repaired, on record. Before world_heal(). */
    void (*heal)(void *ctx);
    /* What it came to: per kind; and what became of each promise of the scenario, first its
     * rules, then its nemeses, as in the file. */
    void (*count)(void *ctx, struct nemesis_count *ret_kinds, struct promise_count *ret_promises);
    void (*stop)(void *ctx);
};

extern const struct nemesis_engine nemesis_engine;

/* Levenshtein distance based: the nearest of the words, or NULL if none is near. For "did you mean". */
const char *nearest_word(const char *word, size_t length, const char *const *words, size_t count);

/* Of a file that is not there: "; did you mean 'scenarios/calm.yaml'?", the one beside it whose name
 * is nearest, or "". Heap. */
char *nearest_file(const char *path);

#endif
