/* suite.c: see suite.h. */
#define _GNU_SOURCE
#include "harness/shrinker/suite.h"

#include "harness/clock.h"
#include "harness/interrupt.h"
#include "harness/shrinker/report.h"

#include <stdlib.h>
#include <string.h>

static const struct scenario *scenario_of(const struct plan *plan,
                                          const struct report_failure *failure)
{
    for (size_t i = 0; i < plan->scenario_count; i++)
        if (strcmp(plan->scenarios[i]->path, failure->path) == 0)
            return plan->scenarios[i];
    return NULL;
}

static bool can_shrink(const struct report_failure *failure)
{
    return failure->tape && strcmp(failure->kind, "nondeterminism") != 0;
}

static bool is_first_of_kind(const struct suite *suite, size_t index)
{
    const struct report_failure *failure = &suite->failures[index];
    for (size_t i = 0; i < index; i++)
        if (strcmp(suite->failures[i].path, failure->path) == 0 &&
            strcmp(suite->failures[i].property, failure->property) == 0)
            return false;
    return true;
}

/* Those that shall be shrunk, in this order. */
static size_t choose(const struct suite *suite, size_t order[])
{
    size_t count = 0;
    for (int others = 0; others < 2; others++)
        for (size_t i = 0; i < suite->failure_count; i++)
            if (can_shrink(&suite->failures[i]) && is_first_of_kind(suite, i) != others)
                order[count++] = i;
    return count;
}

static void note(const struct shrink_outcome *outcome, const struct scenario *scenario,
                 const struct extras *extras, const char *path, struct report_failure *failure)
{
    const struct tape_meta meta = {.scenario = scenario->path,
                                   .rules = (char **)(uintptr_t)extras->faults.items,
                                   .rule_count = extras->faults.count};
    int err = shrink_write(outcome, &meta, path);
    if (err) {
        fprintf(stderr, "duress: cannot write %s: %s\n", path, strerror(-err));
        return;
    }
    const char *slash = strrchr(failure->tape, '/');
    free(failure->shrunk);
    if (asprintf(&failure->shrunk, "%.*sshrunk.tape", (int)(slash ? slash + 1 - failure->tape : 0),
                 failure->tape) < 0)
        abort();
    failure->faults = outcome->before.faults;
    failure->shrunk_faults = outcome->after.faults;
}

static void shrink_one(const struct runner_setup *setup, const char *dir,
                       struct report_failure *failure, int64_t time_ns)
{
    const struct scenario *scenario = scenario_of(setup->plan, failure);
    char *tape_path = path_join(dir, failure->tape);
    char *folder = strndup(tape_path, strlen(tape_path) - strlen("/tape"));
    char *path = path_join(folder, "shrunk.tape");
    char *replay = replay_tape_line(setup->program, path, setup->extras);
    struct tape *tape = tape_new(failure->seed);
    const struct shrinker_setup shrinker = {
        .lab = {.scenario = scenario,
                .extras = setup->extras,
                .program = setup->program,
                .workers = setup->workers,
                .run_timeout_ns = setup->run_timeout_ns},
        .keep = {.folder = folder, .prefix = "shrunk.", .replay = replay},
        .time_ns = time_ns,
    };
    struct shrink_outcome outcome;
    shrinker_run(&shrinker, tape, &outcome);
    if (outcome.verified)
        note(&outcome, scenario, setup->extras, path, failure);
    shrink_outcome_done(&outcome);
    tape_free(tape);
    free(replay);
    free(path);
    free(folder);
    free(tape_path);
}

void shrink_suite(const struct runner_setup *setup, struct suite *suite, int64_t time_ns,
                  FILE *screen)
{
    int64_t until_ns = clock_now_ns() + time_ns;
    size_t order[KEEP_MAX], count = choose(suite, order);
    struct interrupt interrupt;
    char text[32];
    if (!count)
        return;
    fprintf(screen, "shrinking %zu failure%s, for %s at most\n", count, count == 1 ? "" : "s",
            duration_print(time_ns, text, sizeof text));
    fflush(screen);
    interrupt_catch(&interrupt);
    for (size_t i = 0; i < count && !interrupt_seen(); i++) {
        int64_t left_ns = until_ns - clock_now_ns();
        if (left_ns <= 0)
            break;
        shrink_one(setup, suite->dir, &suite->failures[order[i]], left_ns / (int64_t)(count - i));
    }
    interrupt_restore(&interrupt);
}
