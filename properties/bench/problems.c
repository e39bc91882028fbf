/* problems.c: finds the first failing case of a problem, and has it shrunk.
 *
 * Cases are drawn, not planted: the simplest one first, then random ones that may be a little longer each time. That
 * equal and neighbouring values happen is due to biased draws.
 */
#include "properties/bench/problems.h"

#include "harness/hash.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_MAX = 1000000, CHOICES_FIRST = 12, CHOICES_MAX = 8192 };

void saying_add(struct saying *saying, const char *format, ...)
{
    if (!saying)
        return;
    va_list args;
    va_start(args, format);
    size_t room = sizeof saying->text - saying->length;
    int length = vsnprintf(saying->text + saying->length, room, format, args);
    va_end(args);
    if (length > 0)
        saying->length += (size_t)length < room ? (size_t)length : room - 1;
}

void saying_add_list(struct saying *saying, const int64_t *values, size_t count)
{
    saying_add(saying, "[");
    for (size_t i = 0; i < count; i++)
        saying_add(saying, "%s%ld", i > 0 ? "," : "", (long)values[i]);
    saying_add(saying, "]");
}

static bool body_fails(void *ctx, struct sequence *sequence)
{
    const struct problem *problem = ctx;
    return problem->body(sequence, NULL);
}

static struct sequence *first_failing(const struct problem *problem, uint64_t seed,
                                      uint64_t *ret_before)
{
    *ret_before = 0;
    for (uint64_t i = 0; i < CASES_MAX; i++) {
        struct sequence *s =
            sequence_new(NULL, 0, i == 0 ? BEYOND_SIMPLEST : BEYOND_SEED, mix64_pair(seed, i));
        size_t limit = CHOICES_FIRST + (size_t)i;
        sequence_limit(s, i > 0 && limit < CHOICES_MAX ? limit : CHOICES_MAX);
        bool fails = problem->body(s, NULL);
        if (fails && !sequence_overrun(s))
            return s;
        *ret_before += !sequence_overrun(s);
        sequence_free(s);
    }
    return NULL;
}

static void say(const struct problem *problem, const struct sequence *drawn, struct saying *saying)
{
    size_t length = sequence_length(drawn);
    int64_t *values = calloc(length + 1, sizeof *values);
    for (size_t i = 0; i < length; i++)
        values[i] = sequence_choices(drawn)[i].value;
    struct sequence *again = sequence_new(values, length, BEYOND_OVERRUN, 0);
    saying->length = 0;
    saying->text[0] = '\0';
    problem->body(again, saying);
    sequence_free(again);
    free(values);
}

bool problem_run(const struct problem *problem, uint64_t seed, struct problem_run *ret_run)
{
    struct sequence *simplest = sequence_new(NULL, 0, BEYOND_SIMPLEST, 0);
    bool all_fail = problem->body(simplest, NULL);
    struct sequence *start = all_fail ? NULL : first_failing(problem, seed, &ret_run->before);
    if (!start) {
        sequence_free(simplest);
        return false;
    }
    struct shrink_case shrink = {.fails = body_fails,
                                 .ctx = (void *)problem,
                                 .simplest = simplest,
                                 .seed = seed,
                                 .random_tries = problem->random_tries};
    struct sequence *best = shrink_sequence(&shrink, start, &ret_run->stats);
    ret_run->evaluations = 1 + ret_run->stats.executions;
    ret_run->start_length = sequence_length(start);
    ret_run->length = sequence_length(best);
    say(problem, start, &ret_run->found);
    say(problem, best, &ret_run->minimal);
    ret_run->reached = strcmp(ret_run->minimal.text, problem->minimum) == 0;
    sequence_free(simplest);
    sequence_free(start);
    sequence_free(best);
    return true;
}
