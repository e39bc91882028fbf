/* swarm.c: see swarm.h. */
#include "nemesis/swarm.h"

#include "harness/hash.h"
#include "harness/trace/trace.h"
#include "nemesis/kinds.h"
#include "nemesis/pattern.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

POINT_ABOUT("swarm/option/draw", "this run has drawn this fault, and how much of it");

#define HUNDREDTHS 10000

/* X(kind, its term after the percentage, greatest share of hits in hundredths of a percent). Dying and standing still
 * ends a thousand other things. A disk lies where the budget allows it, in a scenario that knows what that is worth. */
#define SWARM_FAULTS(X)                                                                            \
    X(DELAY, "delay(1ms..10s)", 500)                                                               \
    X(ERROR, "error", 300)                                                                         \
    X(SHORT, "short", 300)                                                                         \
    X(LIE, "lie", 20)                                                                              \
    X(MISDIRECT, "misdirect", 20)                                                                  \
    X(FLIP, "flip", 50)                                                                            \
    X(TIMEOUT, "timeout(10ms..10s)", 500)                                                          \
    X(DISCONNECT, "disconnect", 500)                                                               \
    X(PAUSE, "pause(1s..60s)", 30)                                                                 \
    X(CRASH, "crash", 500)                                                                         \
    X(KILL, "kill", 50)                                                                            \
    X(POWEROFF, "poweroff", 50)

static const struct {
    enum fault_kind kind;
    const char *action;
    int64_t share_max;
} faults[] = {
#define X(e, action, share) {FAULT_##e, action, share},
    SWARM_FAULTS(X)
#undef X
};
#define FAULT_COUNT (sizeof faults / sizeof faults[0])

/* ---- drawing ---- */

static struct choice choice_about(const char *name, const char *a, const char *b)
{
    return (struct choice){.stream = STREAM_NEMESIS,
                           .name = name,
                           .key = mix64_pair(hash_text(a), hash_text(b)),
                           .ordinal = 1};
}

static bool enabled(struct world *world, const char *a, const char *b, int64_t chance)
{
    struct choice choice = choice_about("swarm/option/enable", a, b);
    return tape_chance(world_tape(world), &choice, (uint64_t)chance, HUNDREDTHS);
}

/* In [lo, hi]: first how often lo is doubled, then evenly up to the next doubling. */
static int64_t draw(struct world *world, const char *a, const char *b, int64_t lo, int64_t hi)
{
    struct choice size = choice_about("swarm/option/size", a, b);
    struct choice value = choice_about("swarm/option/value", a, b);
    unsigned doublings = 0;
    int64_t from = lo > 0 ? lo : 1;
    if (hi <= from)
        return lo;
    while (from << doublings <= hi / 2)
        doublings++;
    from <<= tape_choose(world_tape(world), &size, doublings + 1);
    return tape_between(world_tape(world), &value, from, from <= hi / 2 ? 2 * from : hi);
}

static void *grow(void *array, size_t count, size_t size)
{
    void *grown = realloc(array, (count + 1) * size);
    if (!grown)
        abort();
    return grown;
}

/* ---- nemeses ---- */

/* Durations and counts vary within one run as well: from half of what was drawn to half as much again. */
static struct range around(const struct nemesis_key *key, int64_t value)
{
    struct range range = {value, value};
    if (key->type == PARAM_DURATION || key->type == PARAM_COUNT)
        range = (struct range){value - value / 2, value + value / 2};
    if (range.lo < key->min)
        range.lo = key->min;
    if (range.hi > key->max)
        range.hi = key->max;
    return range;
}

static void print_value(const struct nemesis_key *key, struct range range, FILE *out)
{
    char lo[40], hi[40];
    if (key->type == PARAM_DURATION)
        fprintf(out, "%s %s..%s", key->name, duration_print(range.lo, lo, sizeof lo),
                duration_print(range.hi, hi, sizeof hi));
    else if (key->type == PARAM_PERCENT)
        fprintf(out, "%s %" PRId64 ".%02" PRId64 "%%", key->name, range.lo / 100, range.lo % 100);
    else if (key->type == PARAM_WORD)
        fprintf(out, "%s %s", key->name, key->words[range.lo]);
    else
        fprintf(out, "%s %" PRId64 "..%" PRId64, key->name, range.lo, range.hi);
}

/* Milliseconds are exact enough, and can be read. */
static int64_t rounded(const struct nemesis_key *key, int64_t value)
{
    bool fine = key->type != PARAM_DURATION || value < NEMESIS_MS;
    return fine ? value : value - value % NEMESIS_MS;
}

static struct nemesis_spec spec_draw(struct world *world, const struct nemesis_kind *kind)
{
    struct nemesis_spec spec = {.kind = kind->name};
    for (size_t i = 0; i < NEMESIS_KEYS_MAX && kind->keys[i].aspect; i++) {
        const struct nemesis_key *key = &kind->keys[i];
        int64_t value = draw(world, kind->ident, key->aspect, key->swarm.lo, key->swarm.hi);
        spec.values[i] = around(key, rounded(key, value));
    }
    return spec;
}

static void spec_record(struct world *world, const struct nemesis_kind *kind,
                        const struct nemesis_spec *spec)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    for (size_t i = 0; i < NEMESIS_KEYS_MAX && kind->keys[i].aspect; i++) {
        fputs(i ? ", " : "", out);
        print_value(&kind->keys[i], spec->values[i], out);
    }
    fclose(out);
    TRACE(world_site(world), "swarm/option/draw", T_STR("name", kind->name), T_STR("value", text));
    free(text);
}

static bool among(const char *word, char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

static bool has_nemesis(const struct scenario *scenario, const char *kind)
{
    for (size_t i = 0; i < scenario->nemesis_count; i++)
        if (strcmp(scenario->nemeses[i].kind, kind) == 0)
            return true;
    return false;
}

static void draw_nemeses(struct swarm *swarm, struct world *world, const struct scenario *scenario)
{
    const struct swarm_spec *of = &scenario->swarm;
    for (size_t i = 0; i < NEMESIS_KIND_COUNT; i++) {
        const struct nemesis_kind *kind = &nemesis_kinds[i];
        if (has_nemesis(scenario, kind->name) ||
            (!of->all_nemeses && !among(kind->name, of->nemeses, of->nemesis_count)) ||
            !enabled(world, "nemesis", kind->ident, of->chance))
            continue;
        struct nemesis_spec spec = spec_draw(world, kind);
        spec_record(world, kind, &spec);
        swarm->nemeses = grow(swarm->nemeses, swarm->nemesis_count, sizeof spec);
        swarm->nemeses[swarm->nemesis_count++] = spec;
    }
}

/* ---- faults at points ---- */

static bool concerned(const struct swarm_spec *of, const char *point)
{
    bool matches = of->all_points;
    for (size_t i = 0; i < of->point_count && !matches; i++) {
        struct term_error error;
        struct pattern *pattern = pattern_parse(of->points[i], &error);
        matches = pattern && pattern_matches_name(pattern, point);
        pattern_free(pattern);
    }
    return matches;
}

/* What it is that fails, for the points that tell errors apart. What has come about is not undone for want of room or
 * memory: only its answer can fail. */
static const char *draw_error(struct world *world, const char *point)
{
    const char *verb = strrchr(point, '/');
    static const char *const errors[] = {"error(EIO)", "error(ENOSPC)", "error(ENOMEM)"};
    struct choice choice = choice_about("swarm/option/error", point, "");
    if (verb && strcmp(verb, "/reply") == 0)
        return errors[0];
    return errors[tape_choose(world_tape(world), &choice, sizeof errors / sizeof *errors)];
}

static void rule_add(struct swarm *swarm, struct world *world, struct swarm_rule rule)
{
    TRACE(world_site(world), "swarm/option/draw", T_STR("name", rule.point),
          T_STR("value", rule.term));
    swarm->rules = grow(swarm->rules, swarm->rule_count, sizeof rule);
    swarm->rules[swarm->rule_count++] = rule;
}

static void draw_rule(struct swarm *swarm, struct world *world, const char *point, size_t fault)
{
    struct swarm_rule rule = {.point = point};
    int64_t share = draw(world, point, fault_word(faults[fault].kind), 1, faults[fault].share_max);
    bool error = faults[fault].kind == FAULT_ERROR;
    snprintf(rule.term, sizeof rule.term, "%" PRId64 ".%02" PRId64 "%%%s", share / 100, share % 100,
             error ? draw_error(world, point) : faults[fault].action);
    rule_add(swarm, world, rule);
}

/* Can this fault come true at such a point, in such a world? */
static bool possible(struct world *world, const struct point_info *point, enum fault_kind kind)
{
    uint32_t lies = CAN_LIE | CAN_MISDIRECT | CAN_FLIP, needed = fault_can(kind);
    return (point->kinds & needed) != 0 &&
           ((needed & lies) == 0 || world_budget(world)->disks_lying > 0);
}

/* ---- forced orders ---- */

#define WAIT_SHARE_MAX 300 /* hundredths of a percent */
#define WAIT_LO_MS     100
#define WAIT_HI_MS     40000

/* Where a system calls somebody or does something: the moments of which the order may matter. */
static bool is_moment(const struct point_info *point)
{
    return point->kinds != 0 && !(point->kinds & POINT_QUIET);
}

/* Any other moment; which one does not depend on what else there is, but for its neighbours. */
static const struct point_info *draw_moment(struct world *world, const struct point_info * not )
{
    struct choice choice = choice_about("swarm/option/after", not ->name, "wait");
    uint64_t drawn = tape_choose(world_tape(world), &choice, UINT32_MAX), nearest = UINT64_MAX;
    const struct point_info *found = NULL;
    for (size_t id = 0; id < registry_count(); id++) {
        const struct point_info *point = registry_get(id);
        uint64_t distance = mix64_pair(drawn, hash_text(point->name));
        if (point == not || !is_moment(point) || distance >= nearest)
            continue;
        nearest = distance;
        found = point;
    }
    return found;
}

static void draw_wait(struct swarm *swarm, struct world *world, const struct point_info *point)
{
    const struct point_info *after = draw_moment(world, point);
    if (!after)
        return;
    struct swarm_rule rule = {.point = point->name};
    int64_t share = draw(world, point->name, "wait", 1, WAIT_SHARE_MAX);
    int64_t longest = draw(world, point->name, "wait for", WAIT_LO_MS, WAIT_HI_MS);
    snprintf(rule.term, sizeof rule.term, "%" PRId64 ".%02" PRId64 "%%wait(%s,%" PRId64 "ms)",
             share / 100, share % 100, after->name, longest);
    rule_add(swarm, world, rule);
}

/* ---- all of them ---- */

static void draw_rules(struct swarm *swarm, struct world *world, const struct swarm_spec *of)
{
    for (size_t id = 0; id < registry_count(); id++) {
        const struct point_info *point = registry_get(id);
        if (point->kinds == 0 || !concerned(of, point->name))
            continue;
        for (size_t i = 0; i < FAULT_COUNT; i++)
            if (possible(world, point, faults[i].kind) &&
                enabled(world, point->name, fault_word(faults[i].kind), of->chance / 2))
                draw_rule(swarm, world, point->name, i);
        if ((point->kinds & CAN_DELAY) && is_moment(point) &&
            enabled(world, point->name, "wait", of->chance / 8))
            draw_wait(swarm, world, point);
    }
}

void swarm_draw(struct swarm *ret_swarm, struct world *world, const struct scenario *scenario)
{
    *ret_swarm = (struct swarm){0};
    if (!scenario->swarm.on)
        return;
    draw_nemeses(ret_swarm, world, scenario);
    draw_rules(ret_swarm, world, &scenario->swarm);
}

void swarm_done(struct swarm *swarm)
{
    free(swarm->nemeses);
    free(swarm->rules);
    *swarm = (struct swarm){0};
}
