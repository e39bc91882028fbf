/* internal.h: what the loader's two files share: scenario.c (keys) and values.c
 * (values). */
#ifndef DURESS_SCENARIO_INTERNAL_H
#define DURESS_SCENARIO_INTERNAL_H

#include "harness/scenario/scenario.h"
#include "harness/scenario/yaml.h"

struct loader {
    struct yaml_file *file;
    struct scenario *scenario;
    const struct system *const *systems;
    size_t system_count;
};

#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_SECOND (1000 * NS_PER_MS)
#define NS_PER_MINUTE (60 * NS_PER_SECOND)
#define NS_PER_HOUR   (60 * NS_PER_MINUTE)
#define NS_PER_YEAR   (365 * 24 * NS_PER_HOUR)

/* ---- values (values.c). All return false after a complaint and leave *ret_x alone then.
 * ---- */

/* The text of a scalar, owned by the tree. `wanted` is for the complaint: "a name". */
bool value_text(struct loader *loader, const struct yaml *value, const char *wanted,
                const char **ret_text);
/* One number or duration, or a range where `ranges` allows it; inside of [min, max]. */
bool value_range(struct loader *loader, const struct yaml *value, enum param_type type, bool ranges,
                 int64_t min, int64_t max, struct range *ret_range);

/* ---- one reader for each key ---- */

const struct system *system_find(struct loader *loader, const char *name);

void read_name(struct loader *loader, const struct yaml *value);
void read_about(struct loader *loader, const struct yaml *value);
void read_family(struct loader *loader, const struct yaml *value);
void read_sut(struct loader *loader, const struct yaml *value);
void read_nodes(struct loader *loader, const struct yaml *value);
void read_workload(struct loader *loader, const struct yaml *value);
void read_faults(struct loader *loader, const struct yaml *value);
void read_nemesis(struct loader *loader, const struct yaml *value);
void read_swarm(struct loader *loader, const struct yaml *value);
void read_budget(struct loader *loader, const struct yaml *value);
void read_back_after(struct loader *loader, const struct yaml *value);
void read_schedule(struct loader *loader, const struct yaml *value);
void read_safety(struct loader *loader, const struct yaml *value);
void read_liveness(struct loader *loader, const struct yaml *value);
void read_properties(struct loader *loader, const struct yaml *value);
void read_expect(struct loader *loader, const struct yaml *value);
void read_weight(struct loader *loader, const struct yaml *value);

/* ---- complaints ---- */

/* "expected WANTED, got ..." */
void complain_kind(struct loader *loader, const struct yaml *value, const char *wanted);
/* "unknown WHAT "x"; did you mean "y"?" */
void complain_word(struct loader *loader, const struct yaml *at, const char *what,
                   const char *const *words, size_t count);
/* "; did you mean "X"?" or "" into out; returned. */
const char *did_you_mean(const char *word, const char *const *words, size_t count, char *out,
                         size_t size);

void *scenario_grow(void *array, size_t count,
                    size_t size); /* room for one more; aborts when there is no memory */
char *scenario_copy(const char *text);

#endif
