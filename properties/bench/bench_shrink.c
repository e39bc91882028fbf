/* bench_shrink.c: how well sequences are shrunk: 100 seeds for each problem of problems.h.
 *
 * An evaluation is an execution of the body of the property, from the first failing one, included, to the end;
 * rejected cases count, overruns (the generator gave up) do not. The anchor is Hypothesis 6.155.7, measured in the same
 * way. All cases are found by random drawing, none is planted. The table goes to stderr, the figures as JSON, one a
 * line, to stdout. Arguments: how many seeds, part of a problem's name.
 */
#include "harness/bench/bench.h"
#include "properties/bench/problems.h"

#include <stdlib.h>
#include <string.h>

enum { SEEDS = 100, FORMS_MAX = 100, LENGTH_MAX = 200, GOAL_MAX = 1000 };

struct score {
    unsigned runs, reached, unfinished, forms;
    uint64_t evaluations[FORMS_MAX], overruns, before;
    char form[FORMS_MAX][LENGTH_MAX]; /* different final cases */
    int64_t ns;
};

static void score_form(struct score *score, const char *text)
{
    for (unsigned i = 0; i < score->forms; i++)
        if (strncmp(score->form[i], text, LENGTH_MAX - 1) == 0)
            return;
    snprintf(score->form[score->forms++], LENGTH_MAX, "%.*s", LENGTH_MAX - 1, text);
}

static void score_run(struct score *score, const struct problem *problem, uint64_t seed)
{
    static struct problem_run run;
    int64_t begin = bench_now_ns();
    if (!problem_run(problem, seed, &run))
        return;
    score->ns += bench_now_ns() - begin;
    score->evaluations[score->runs++] = run.evaluations;
    score->reached += run.reached;
    score->unfinished += !run.stats.finished;
    score->overruns += run.stats.overruns;
    score->before += run.before;
    score_form(score, run.minimal.text);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double mean(const struct score *score)
{
    double sum = 0;
    for (unsigned i = 0; i < score->runs; i++)
        sum += (double)score->evaluations[i];
    return sum / score->runs;
}

static void table_head(const char *title)
{
    fprintf(stderr, "\n%-18s %8s %6s %6s %8s %7s %7s %12s %7s %9s %8s\n", title, "minimum", "forms",
            "least", "median", "mean", "most", "Hypothesis", "ratio", "overruns", "found in");
}

static void table_line(const struct problem *problem, const struct score *score)
{
    char anchor[40] = "-", ratio[20] = "-";
    if (problem->anchor > 0) {
        snprintf(anchor, sizeof anchor, "%d%% %.1f", problem->anchor_share, problem->anchor);
        snprintf(ratio, sizeof ratio, "%.2f", mean(score) / problem->anchor);
    }
    fprintf(stderr, "%-18s %7.0f%% %6u %6lu %8lu %7.1f %7lu %12s %7s %9.1f %8.1f\n", problem->name,
            100.0 * score->reached / score->runs, score->forms,
            (unsigned long)score->evaluations[0],
            (unsigned long)score->evaluations[score->runs / 2], mean(score),
            (unsigned long)score->evaluations[score->runs - 1], anchor, ratio,
            (double)score->overruns / score->runs, (double)score->before / score->runs);
}

static void print_json(const struct problem *problem, const struct score *score)
{
    char name[100];
    bool goal = problem->group == GROUP_CHALLENGE || problem->group == GROUP_MACHINE;
    snprintf(name, sizeof name, "shrink %s: minimum reached", problem->name);
    bench_print(name, 100.0 * score->reached / score->runs, "% of seeds", goal ? 100 : 0, false,
                problem->anchor_share);
    snprintf(name, sizeof name, "shrink %s: evaluations, mean", problem->name);
    bench_print(name, mean(score), "executions", 0, true, problem->anchor);
    snprintf(name, sizeof name, "shrink %s: evaluations, most", problem->name);
    bench_print(name, (double)score->evaluations[score->runs - 1], "executions", GOAL_MAX, true, 0);
}

/* Are the mean evaluations at or below the anchor's? */
static bool run_problem(const struct problem *problem, unsigned seeds)
{
    struct score *score = calloc(1, sizeof *score);
    for (uint64_t seed = 1; seed <= seeds; seed++)
        score_run(score, problem, seed);
    bool better = false;
    if (score->runs > 0) {
        qsort(score->evaluations, score->runs, sizeof *score->evaluations, by_value);
        table_line(problem, score);
        print_json(problem, score);
        better = mean(score) <= problem->anchor;
    } else {
        fprintf(stderr, "%-18s no failing case found\n", problem->name);
    }
    free(score);
    return better;
}

static unsigned run_group(const char *title, const struct problem *problems, size_t count,
                          unsigned seeds, const char *only)
{
    unsigned better = 0;
    table_head(title);
    for (size_t i = 0; i < count; i++)
        if (!only || strstr(problems[i].name, only))
            better += run_problem(&problems[i], seeds) && problems[i].group == GROUP_CHALLENGE;
    return better;
}

int main(int argc, char **argv)
{
    unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : SEEDS;
    const char *only = argc > 2 ? argv[2] : NULL;
    if (seeds < 1 || seeds > FORMS_MAX) {
        fprintf(stderr, "bench_shrink: 1 to %d seeds, not %s\n", FORMS_MAX, argv[1]);
        return 2;
    }
    unsigned better = run_group("challenge", challenges, challenge_count, seeds, only);
    bench_print("shrink: challenges at or below Hypothesis", better, "of 11", 8, false, 0);
    run_group("machine", machines, machine_count, seeds, only);
    run_group("held out", held_out, held_out_count, seeds, only);
    return 0;
}
