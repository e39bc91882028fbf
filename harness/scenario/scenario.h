/* scenario.h: what is run, as read from a scenario file (YAML; see scenarios/README.md for the keys).
 *
 * The loader checks everything it can: unknown keys, wrong types and units, points, properties and nemeses that do
 * not exist. Each complaint says file:line:column, shows the line with a caret, and names the nearest valid word.
 */
#ifndef DURESS_SCENARIO_H
#define DURESS_SCENARIO_H

#include "harness/property.h"
#include "harness/world/schedule.h"
#include "harness/world/world.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A number or duration, fixed ("5ms") or a range ("5ms..20s") from which each use draws. lo == hi: fixed. */
struct range {
    int64_t lo, hi;
};

enum param_type {
    PARAM_COUNT,    /* 20 or 20..200 */
    PARAM_DURATION, /* ns; 5ms..20s */
    PARAM_PERCENT, /* 0..100, "10%", two decimals at most; stored in hundredths of a percent: 10% = 1000 */
    PARAM_BOOL,   /* true, false, yes, no: 1 / 0 */
    PARAM_COUNTS, /* a map of names to counts: { default: 10, mail: 2 } */
    PARAM_WORD,   /* one of some words (of a nemesis only): its place among them */
};

/* What a system's workload understands. */
struct param_spec {
    const char *name; /* as in the file; spaces are fine */
    enum param_type type;
    struct range fallback;
    int64_t min, max; /* allowed values, inclusive */
    const char *about;
    bool
        fault; /* something that goes wrong on purpose: promised, counted and told like a nemesis */
};

struct param_entry {
    char *name;
    struct range value;
};

struct param {
    const struct param_spec *spec;
    bool given;
    struct range value;          /* the fallback when not given */
    struct param_entry *entries; /* PARAM_COUNTS, in file order */
    size_t entry_count;
};

struct rule_spec {
    char *pattern, *term;
    int line, column;
}; /* checked; nemesis/rules.h parses them again */

#define NEMESIS_KEYS_MAX 8

/* One line of `nemesis:`: what happens to the world now and then. */
struct nemesis_spec {
    const char *kind;                      /* a registered name: "kill node" */
    struct range values[NEMESIS_KEYS_MAX]; /* in the order of its kind's keys; "every" first */
};

/* `swarm:`: what a run may draw in addition. */
struct swarm_spec {
    bool on;
    int64_t
        chance; /* that a nemesis is in a run, in hundredths of a percent; of a fault at a point half as much */
    bool all_nemeses; /* else only these */
    char **nemeses;
    size_t nemesis_count;
    bool all_points; /* else only those that match one of these patterns */
    char **points;
    size_t point_count;
};

struct scenario {
    char *path;                  /* as given, for messages and replay lines */
    char *name, *about, *family; /* those not given: "" */
    const struct system *system;
    struct range nodes;
    struct param *params; /* one per spec of the system, in spec order */
    size_t param_count;
    struct rule_spec *rules;
    size_t rule_count;
    struct nemesis_spec *nemeses;
    size_t nemesis_count;
    struct swarm_spec swarm;
    struct budget budget;
    enum schedule schedule;  /* in what order ready processes run */
    struct range back_after; /* after a fault killed a node; ns */
    int64_t safety_ns, liveness_ns;
    const struct property **properties; /* NULL: all */
    size_t property_count;
    bool must_fail;  /* the canary: a pass is the failure */
    unsigned weight; /* share of runs in a suite; default 1 */
};

/* Does it ask for something that goes wrong? That is a promise like a rule or a nemesis, and comes after them. */
static inline bool param_goes_wrong(const struct param *param)
{
    return param->spec->fault && param->value.hi > 0;
}
size_t scenario_wrongs(const struct scenario *scenario); /* how many do */

/* NULL with a message in *ret_why (heap, one or more complaints, each with its caret). */
struct scenario *scenario_load(const char *path, const struct system *const *systems,
                               size_t system_count, char **ret_why);
/* The same from memory; `path` is what it is called. */
struct scenario *scenario_parse(const char *path, const char *text, size_t length,
                                const struct system *const *systems, size_t system_count,
                                char **ret_why);
void scenario_free(struct scenario *scenario);
const struct param *scenario_param(const struct scenario *scenario,
                                   const char *name); /* asserts that it exists */

/* Adds a rule from the command line ("POINT=TERM" or "POINT: TERM"). 0, or -EINVAL with a message. */
int scenario_add_rule(struct scenario *scenario, const char *text, char *why, size_t why_size);

#endif
