/* prop_health.c: is the property test itself any good? A test that throws away what it draws, or whose faults never
 * happen, holds for the wrong reason. Everything is counted in cases and draws, never in wall-clock time. */
#include "properties/prop_run.h"

enum {
    EARLY_CASES = 10, /* the first so many that count are looked at */
    DISCARDS_MAX = 50,
    LARGE_MAX = 20,
    DRAWS_PER_CASE_MAX = 2000,
    FAULT_CASES_MIN = 20, /* so many cases must have had a chance */
};

const char *health_words(enum health health)
{
    static const char *const words[] = {
#define X(e, words) [HEALTH_##e] = (words),
        HEALTHS(X)
#undef X
    };
    return words[health];
}

bool prop_ignores(const struct prop *prop, enum health health)
{
    return prop->ignore & (1u << health);
}

static bool is_ill(const struct prop_run *run, enum health health, bool symptom,
                   enum health *ret_health)
{
    if (!symptom || prop_ignores(run->prop, health))
        return false;
    *ret_health = health;
    return true;
}

bool prop_health_early(const struct prop_run *run, enum health *ret_health)
{
    const struct prop_result *result = &run->result;
    if (result->cases >= EARLY_CASES)
        return result->cases == EARLY_CASES &&
               is_ill(run, HEALTH_SLOW, result->choices > EARLY_CASES * DRAWS_PER_CASE_MAX,
                      ret_health);
    return is_ill(run, HEALTH_MANY_DISCARDS, result->discarded >= DISCARDS_MAX, ret_health) ||
           is_ill(run, HEALTH_LARGE, result->too_large >= LARGE_MAX, ret_health);
}

/* Four standard deviations below what was promised: that is not bad luck any more. */
static bool is_uncovered(const struct prop_label_count *label, uint64_t cases)
{
    double promised = (double)label->percent_min * (double)cases;
    double missing = promised - 100.0 * (double)label->hits;
    double variance = promised * (100.0 - (double)label->percent_min);
    return missing > 0 && missing * missing > 16 * variance;
}

bool prop_health_end(const struct prop_run *run, enum health *ret_health)
{
    const struct prop_result *result = &run->result;
    bool enough = result->cases >= FAULT_CASES_MIN;
    bool uncovered = false;
    for (size_t i = 0; i < result->label_count; i++)
        uncovered |= is_uncovered(&result->labels[i], result->cases);
    return is_ill(run, HEALTH_MANY_DISCARDS, result->cases < run->runs && !run->deadline_ns,
                  ret_health) ||
           is_ill(run, HEALTH_FAULT_NEVER_FIRED, enough && result->fault_hits && !result->faults,
                  ret_health) ||
           is_ill(run, HEALTH_NEVER_SWITCHED, enough && result->yields && !result->switches,
                  ret_health) ||
           is_ill(run, HEALTH_UNCOVERED, uncovered, ret_health);
}
