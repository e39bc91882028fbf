/* prop_run.c: one property, many cases: the known failures first, then the simplest case, then random ones. The first
 * failure is verified, shrunk, told, and kept. */
#define _GNU_SOURCE
#include "properties/prop_run.h"
#include "harness/hash.h"
#include "harness/seed.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    RUNS_DEFAULT = 100,
    ATTEMPTS_PER_RUN = 10,
};

int64_t prop_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- counting ---- */

static void count_label(struct prop_result *result, const struct case_label *label)
{
    size_t i = 0;
    while (i < result->label_count && strcmp(result->labels[i].text, label->text) != 0)
        i++;
    if (i == result->label_count) {
        result->labels = reallocarray(result->labels, i + 1, sizeof *result->labels);
        if (!result->labels)
            abort();
        result->labels[i] = (struct prop_label_count){.percent_min = label->percent_min};
        memcpy(result->labels[i].text, label->text, LABEL_SIZE);
        result->label_count++;
    }
    result->labels[i].hits += label->hit;
}

static void count_held(struct prop_run *run, const struct outcome *outcome)
{
    struct prop_result *result = &run->result;
    result->cases++;
    result->fault_hits += outcome->fault_hits;
    result->faults += outcome->faults;
    result->yields += outcome->yields;
    result->switches += outcome->switches;
    for (size_t i = 0; i < outcome->label_count; i++)
        count_label(result, &outcome->labels[i]);
    if (outcome->has_target && (!result->target_label || outcome->target > result->target)) {
        result->target = outcome->target;
        result->target_label = outcome->target_label;
    }
}

static enum verdict_of_case execute(struct prop_run *run, struct sequence *sequence)
{
    sequence_limit(sequence, CHOICES_MAX);
    enum verdict_of_case verdict = executor_run(&run->executor, sequence, false);
    run->result.choices += sequence_length(sequence);
    run->result.discarded += verdict == CASE_DISCARDED;
    run->result.too_large += verdict == CASE_TOO_LARGE;
    if (verdict == CASE_HELD)
        count_held(run, run->executor.outcome);
    return verdict;
}

/* Does the body draw the same values when it gets the same? */
static bool draws_again(struct prop_run *run, const struct sequence *sequence)
{
    struct sequence *again = prop_again(run, sequence, false);
    bool same = run->executor.outcome->verdict == CASE_HELD &&
                sequence_compare(sequence_choices(again), sequence_length(again),
                                 sequence_choices(sequence), sequence_length(sequence)) == 0;
    sequence_free(again);
    return same;
}

static bool fails_again(struct prop_run *run, const struct sequence *sequence)
{
    sequence_free(prop_again(run, sequence, false));
    return prop_is_failure(run);
}

/* ---- a failure ---- */

static void keep_known(struct prop_run *run)
{
    known_cases_put_first(&run->known, run->result.failing_case);
    if (run->config->database)
        database_write(run->config->database, run->prop, &run->known, run->config->screen);
}

/* `which` says which case it was. Takes the sequence. */
static void fail(struct prop_run *run, const char *which, struct sequence *failing)
{
    struct prop_result *result = &run->result;
    const struct outcome *outcome = run->executor.outcome;
    result->verdict = PROP_FAILED;
    result->place = strdup(outcome->place);
    char *first = strdup(outcome->message);
    size_t first_length = sequence_length(failing);
    if (run->config->screen)
        fprintf(run->config->screen, "%s/%s: %s fails (%zu choices): %s\n", run->prop->suite,
                run->prop->name, which, first_length, first);
    for (unsigned i = 0; i < REPRODUCE_TIMES; i++)
        result->reproduced += fails_again(run, failing);
    if (result->reproduced < REPRODUCE_TIMES && !prop_ignores(run->prop, HEALTH_FLAKY)) {
        result->verdict = PROP_UNHEALTHY;
        result->health = HEALTH_FLAKY;
    } else {
        struct sequence *best = prop_shrink(run, failing);
        sequence_free(failing);
        failing = best;
    }
    struct case_values values = case_values_of(failing);
    result->failing_case = case_text(values.items, values.count);
    case_values_done(&values);
    sequence_free(prop_again(run, failing, true));
    run->told_again = prop_is_failure(run);
    sequence_free(failing);
    result->report = prop_report_failure(run, which, first, first_length);
    free(first);
    if (result->verdict == PROP_FAILED)
        keep_known(run);
}

/* ---- known failures ---- */

/* Those that hold by now, or are no cases any more, are forgotten. */
static bool try_known(struct prop_run *run)
{
    const struct prop_config *config = run->config;
    if (!config->database)
        return false;
    database_read(config->database, run->prop, &run->known, config->screen);
    size_t before = run->known.count;
    for (size_t i = 0; i < run->known.count;) {
        struct case_values values = {0};
        char why[200];
        case_parse(run->known.items[i], &values, why, sizeof why);
        struct sequence *sequence = sequence_new(values.items, values.count, BEYOND_OVERRUN, 0);
        case_values_done(&values);
        enum verdict_of_case verdict = executor_run(&run->executor, sequence, false);
        if (verdict == CASE_FAILED) {
            known_cases_remove(&run->known, i);
            fail(run, "a known case", sequence);
            return true;
        }
        sequence_free(sequence);
        known_cases_remove(&run->known, i);
    }
    if (before > 0)
        database_write(config->database, run->prop, &run->known, config->screen);
    return false;
}

/* ---- new cases ---- */

static bool is_over(const struct prop_run *run, uint64_t attempts)
{
    if (run->deadline_ns && prop_now_ns() > run->deadline_ns)
        return true;
    return run->result.cases >= run->runs || attempts >= run->runs * ATTEMPTS_PER_RUN;
}

static bool unhealthy(struct prop_run *run, enum health health)
{
    run->result.verdict = PROP_UNHEALTHY;
    run->result.health = health;
    run->result.report = prop_report_health(run);
    return true;
}

/* One case; true: that is the end. */
static bool try_case(struct prop_run *run, struct sequence *sequence, uint64_t number)
{
    enum verdict_of_case verdict = execute(run, sequence);
    enum health health;
    if (verdict == CASE_FAILED) {
        char which[64];
        snprintf(which, sizeof which, "case %llu", (unsigned long long)number);
        fail(run, which, sequence);
        return true;
    }
    bool repeat = verdict == CASE_HELD && run->result.cases == 2;
    bool end = repeat && !prop_ignores(run->prop, HEALTH_FLAKY) && !draws_again(run, sequence) &&
               unhealthy(run, HEALTH_FLAKY);
    if (!end && prop_health_early(run, &health))
        end = unhealthy(run, health);
    climb_learn(run, sequence);
    sequence_free(sequence);
    return end;
}

static void try_new(struct prop_run *run)
{
    enum health health;
    for (uint64_t attempts = 0; !is_over(run, attempts); attempts++) {
        struct sequence *sequence = climb_next(run, attempts);
        if (!sequence)
            sequence = sequence_new(NULL, 0, attempts ? BEYOND_SEED : BEYOND_SIMPLEST,
                                    seed_of(run->seed, attempts));
        if (try_case(run, sequence, attempts + 1))
            break;
    }
    if (run->result.verdict == PROP_HELD && prop_health_end(run, &health))
        unhealthy(run, health);
}

/* ---- replaying ---- */

static void replay(struct prop_run *run)
{
    struct prop_result *result = &run->result;
    struct case_values values;
    char why[256];
    if (case_parse(run->config->case_text, &values, why, sizeof why)) {
        result->verdict = PROP_BAD_CASE;
        result->report = strdup(why);
        return;
    }
    struct sequence *sequence = sequence_new(values.items, values.count, BEYOND_OVERRUN, 0);
    case_values_done(&values);
    executor_run(&run->executor, sequence, true);
    result->cases = 1;
    result->verdict = run->executor.outcome->verdict == CASE_FAILED ? PROP_FAILED : PROP_HELD;
    run->told_again = true;
    result->report = prop_report_replay(run);
    sequence_free(sequence);
}

struct prop_result prop_run(const struct prop *prop, const struct prop_config *config)
{
    uint64_t usual = prop->runs ? prop->runs : RUNS_DEFAULT;
    char id[256];
    snprintf(id, sizeof id, "%s/%s", prop->suite, prop->name);
    struct prop_run run = {
        .prop = prop,
        .config = config,
        .seed = mix64_pair(config->seed, hash_text(id)),
        .runs = config->runs      ? config->runs
                : config->time_ns ? UINT64_MAX / 16
                                  : usual,
        .deadline_ns = config->time_ns ? prop_now_ns() + config->time_ns : 0,
        .result = {.seed = config->seed},
    };
    executor_init(&run.executor, prop);
    if (config->case_text)
        replay(&run);
    else if (!try_known(&run))
        try_new(&run);
    known_cases_done(&run.known);
    case_values_done(&run.climb.best);
    executor_done(&run.executor);
    return run.result;
}

void prop_result_done(struct prop_result *result)
{
    free(result->labels);
    free(result->failing_case);
    free(result->place);
    free(result->report);
    *result = (struct prop_result){0};
}
