/* prop_run.h: what the parts of running one property share. Private to prop_*.c. */
#ifndef PROPERTIES_PROP_RUN_H
#define PROPERTIES_PROP_RUN_H

#include "properties/prop_internal.h"

/* Climbing towards a target: the best case so far. */
struct climb {
    struct case_values best;
    double value;
    bool found;
    uint64_t steps;
};

struct prop_run {
    const struct prop *prop;
    const struct prop_config *config;
    uint64_t seed; /* of this property */
    uint64_t runs;
    int64_t deadline_ns, shrink_deadline_ns;
    struct executor executor;
    struct known_cases known;
    struct prop_result result;
    struct climb climb;
    bool told_again; /* the told case failed as the one before */
};

int64_t prop_now_ns(void);

/* ---- shrinking (prop_shrink.c) ---- */

/* Executes the same choices again; what was drawn then. */
struct sequence *prop_again(struct prop_run *run, const struct sequence *sequence, bool telling);
/* Did the last case fail in the place that is being looked at? */
bool prop_is_failure(const struct prop_run *run);
struct sequence *prop_shrink(struct prop_run *run, const struct sequence *failing);

/* ---- health (prop_health.c) ---- */

bool prop_ignores(const struct prop *prop, enum health health);
/* After a case; after all. */
bool prop_health_early(const struct prop_run *run, enum health *ret_health);
bool prop_health_end(const struct prop_run *run, enum health *ret_health);

/* ---- climbing (prop_climb.c) ---- */

/* What to try next; NULL: there is nothing to climb (yet). */
struct sequence *climb_next(struct prop_run *run, uint64_t attempts);
/* After a case. */
void climb_learn(struct prop_run *run, const struct sequence *tried);

/* ---- the report (prop_report.c): heap ---- */

char *prop_report_failure(const struct prop_run *run, const char *which, const char *first,
                          size_t first_length);
char *prop_report_health(const struct prop_run *run);
char *prop_report_replay(const struct prop_run *run);

#endif
