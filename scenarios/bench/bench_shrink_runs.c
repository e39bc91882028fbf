/* How long it takes to shrink real failures, and how small they get: the canary, and broken promises (promises.h) in
 * scenarios with faults. Of each, the first seeds that fail. The table goes to stderr, the figures as JSON, one a line,
 * to stdout. Argument: how many seeds of each. */
#include "harness/bench/bench.h"
#include "harness/shrinker/shrinker.h"
#include "harness/suite/plan.h"
#include "scenarios/bench/promises.h"
#include "scenarios/jobs/jobs_system.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 3, SEEDS_MAX = 20, SEARCH_MAX = 400, WORKERS = 2 };
#define RUN_TIMEOUT_NS INT64_C(20000000000)
#define TIME_NS        INT64_C(60000000000)

struct subject {
    const char *scenario, *promise; /* promise NULL: what the scenario itself breaks */
};

static const struct subject subjects[] = {
    {"canary", NULL},
    {"killed-in-mid-run", "nobody_is_rescued"},
    {"killed-in-mid-run", "nobody_dies_twice"},
    {"paused-node", "two_are_not_rescued"},
    {"paused-node", "nothing_is_late"},
    {"lost-replies", "clients_always_know"},
    {"crash-loop", "two_are_not_rescued"},
    {"partitions", "clients_always_know"},
    {"partitions", "nothing_is_late"},
    {"everything", "nobody_is_rescued"},
    {"swarm", "nobody_dies_twice"},
};

enum { SUBJECTS = sizeof subjects / sizeof *subjects };

struct shrunk {
    double seconds[SUBJECTS * SEEDS_MAX];
    unsigned count, unfinished;
    struct shrink_size before, after;
};

static size_t part(const struct shrink_size *size, const char *label)
{
    for (size_t i = 0; i < size->part_count; i++)
        if (strcmp(size->parts[i].label, label) == 0)
            return size->parts[i].count;
    return 0;
}

static void print_outcome(const struct subject *subject, uint64_t seed,
                          const struct shrink_outcome *outcome)
{
    const struct shrink_size *before = &outcome->before, *after = &outcome->after;
    fprintf(stderr,
            "%-19s %-20s %5" PRIu64 " %5zu -> %-3zu %3zu -> %-2zu %4zu -> %-3zu %6" PRIu64
            " -> %-6" PRIu64 " %6" PRIu64 " %8.2f%s\n",
            subject->scenario, subject->promise ? subject->promise : "", seed, before->faults,
            after->faults, part(before, "node"), part(after, "node"), part(before, "job"),
            part(after, "job"), before->events, after->events, outcome->executions,
            (double)outcome->wall_ns / 1e9, outcome->end == SHRINK_FINISHED ? "" : " (cut short)");
}

static bool fails(const struct lab_setup *setup, uint64_t seed)
{
    struct lab *lab = lab_new(setup);
    struct lab_result result;
    bool fails = lab_run(lab, &(struct lab_task){.tape = tape_new(seed)}, &result) &&
                 result.result.outcome != OUTCOME_PASS;
    lab_result_done(&result);
    lab_free(lab);
    return fails;
}

static void shrink_seed(const struct subject *subject, const struct lab_setup *lab, uint64_t seed,
                        struct shrunk *shrunk)
{
    const struct shrinker_setup setup = {.lab = *lab, .time_ns = TIME_NS};
    struct shrink_outcome outcome;
    struct tape *tape = tape_new(seed);
    shrinker_run(&setup, tape, &outcome);
    print_outcome(subject, seed, &outcome);
    shrunk->seconds[shrunk->count++] = (double)outcome.wall_ns / 1e9;
    shrunk->unfinished += outcome.end != SHRINK_FINISHED;
    shrunk->before.faults += outcome.before.faults;
    shrunk->after.faults += outcome.after.faults;
    shrunk->before.events += outcome.before.events;
    shrunk->after.events += outcome.after.events;
    shrunk->before.draws += part(&outcome.before, "job");
    shrunk->after.draws += part(&outcome.after, "job");
    shrink_outcome_done(&outcome);
    tape_free(tape);
}

static bool shrink_subject(const struct subject *subject, unsigned seeds, struct shrunk *shrunk)
{
    static const struct system *const systems[] = {&jobs_system};
    struct extras extras = {0};
    char path[64], *why = NULL;
    snprintf(path, sizeof path, "scenarios/%s.yaml", subject->scenario);
    struct scenario *scenario = scenario_load(path, systems, 1, &why);
    if (scenario && subject->promise)
        words_add(&extras.properties, subject->promise);
    if (!scenario || extras_apply(&extras, scenario, &why)) {
        fprintf(stderr, "%s\n", why);
        return false;
    }
    const struct lab_setup lab = {.scenario = scenario,
                                  .extras = &extras,
                                  .program = "duress",
                                  .workers = WORKERS,
                                  .run_timeout_ns = RUN_TIMEOUT_NS};
    unsigned found = 0;
    for (uint64_t seed = 1; seed <= SEARCH_MAX && found < seeds; seed++)
        if (fails(&lab, seed)) {
            shrink_seed(subject, &lab, seed, shrunk);
            found++;
        }
    if (!found)
        fprintf(stderr, "%s, %s: no seed fails\n", path, subject->promise);
    words_done(&extras.properties);
    scenario_free(scenario);
    return found > 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : SEEDS;
    static struct shrunk shrunk;
    bool good = seeds >= 1 && seeds <= SEEDS_MAX;
    registry_init();
    fprintf(stderr, "%-19s %-20s %5s %12s %8s %11s %16s %6s %8s\n", "scenario", "broken promise",
            "seed", "faults", "nodes", "jobs", "events", "runs", "seconds");
    for (size_t i = 0; i < SUBJECTS && good; i++)
        good = shrink_subject(&subjects[i], seeds, &shrunk);
    if (!shrunk.count)
        return 1;
    qsort(shrunk.seconds, shrunk.count, sizeof *shrunk.seconds, by_value);
    double n = shrunk.count;
    bench_print("shrinking a run: median", shrunk.seconds[shrunk.count / 2], "s", 5, true, 0);
    bench_print("shrinking a run: worst", shrunk.seconds[shrunk.count - 1], "s", 0, true, 0);
    bench_print("shrinking a run: cut short", shrunk.unfinished, "failures", 0, true, 0);
    bench_print("shrinking a run: faults before", (double)shrunk.before.faults / n, "mean", 0, true,
                0);
    bench_print("shrinking a run: faults after", (double)shrunk.after.faults / n, "mean", 0, true,
                0);
    bench_print("shrinking a run: jobs before", (double)shrunk.before.draws / n, "mean", 0, true,
                0);
    bench_print("shrinking a run: jobs after", (double)shrunk.after.draws / n, "mean", 0, true, 0);
    bench_print("shrinking a run: events before", (double)shrunk.before.events / n, "mean", 0, true,
                0);
    bench_print("shrinking a run: events after", (double)shrunk.after.events / n, "mean", 0, true,
                0);
    return good ? 0 : 1;
}
