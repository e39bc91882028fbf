/* prop_shrink.c: makes a failing case simple: first as a sequence of choices whose meaning nobody knows
 * (harness/sequence/shrink.h), then by what is known of faults and switches: each is a span with its number in it. A
 * fault or a step less often means that something is done once less, so that what comes later comes at other numbers:
 * a fault, a switch or a step is left out while another fault or switch moves a little. After such a success the first
 * kind begins anew. */
#include "properties/prop_run.h"

#include <stdlib.h>
#include <string.h>

enum { SHRINK_EXECUTIONS = 20000, MOVE_MAX = 4 };
#define SHRINK_NS INT64_C(30000000000)

/* ---- the same again ---- */

struct sequence *prop_again(struct prop_run *run, const struct sequence *sequence, bool telling)
{
    struct case_values values = case_values_of(sequence);
    struct sequence *again = sequence_new(values.items, values.count, BEYOND_OVERRUN, 0);
    case_values_done(&values);
    executor_run(&run->executor, again, telling);
    return again;
}

bool prop_is_failure(const struct prop_run *run)
{
    const struct outcome *outcome = run->executor.outcome;
    return outcome->verdict == CASE_FAILED && strcmp(outcome->place, run->result.place) == 0;
}

/* ---- as a sequence ---- */

static bool fails(void *ctx, struct sequence *sequence)
{
    struct prop_run *run = ctx;
    executor_run(&run->executor, sequence, false);
    return prop_is_failure(run) && !sequence_overrun(sequence);
}

static uint64_t executions_left(const struct prop_run *run)
{
    uint64_t max =
        run->config->shrink_executions ? run->config->shrink_executions : SHRINK_EXECUTIONS;
    uint64_t used = run->result.shrink.executions;
    return used < max ? max - used : 0;
}

static bool is_late(void *ctx)
{
    const struct prop_run *run = ctx;
    return prop_now_ns() > run->shrink_deadline_ns;
}

static struct sequence *shrink_blindly(struct prop_run *run, const struct sequence *failing)
{
    const struct shrink_case how = {
        .fails = fails,
        .ctx = run,
        .stop = is_late,
        .executions_max = executions_left(run),
        .seed = run->seed,
    };
    struct shrink_stats stats, *all = &run->result.shrink;
    struct sequence *best = shrink_sequence(&how, failing, &stats);
    all->executions += stats.executions;
    all->overruns += stats.overruns;
    all->repeated += stats.repeated;
    all->successes += stats.successes;
    all->finished = stats.finished;
    return best;
}

/* ---- faults, switches, steps ---- */

static bool is_mark(const struct sequence_span *span)
{
    return span->end == span->begin + 2 &&
           (sequence_span_is(span, MARK_FAULT) || sequence_span_is(span, MARK_SWITCH));
}

/* Without the span `gone`, and the number of `moved` changed by `by`. NULL: it does not fail. */
static struct sequence *try_without(struct prop_run *run, const struct sequence *sequence,
                                    const struct sequence_span *gone,
                                    const struct sequence_span *moved, int64_t by)
{
    struct case_values values = case_values_of(sequence);
    values.items[moved->begin + 1] += by;
    values.count -= gone->end - gone->begin;
    memmove(values.items + gone->begin, values.items + gone->end,
            (values.count - gone->begin) * sizeof *values.items);
    struct sequence *candidate = sequence_new(values.items, values.count, BEYOND_OVERRUN, 0);
    case_values_done(&values);
    run->result.shrink.executions++;
    if (fails(run, candidate))
        return candidate;
    sequence_free(candidate);
    return NULL;
}

static struct sequence *leave_out(struct prop_run *run, const struct sequence *sequence,
                                  const struct sequence_span *gone)
{
    size_t count;
    const struct sequence_span *spans = sequence_spans(sequence, &count);
    struct sequence *found = NULL;
    for (size_t i = 0; i < count && !found; i++) {
        if (!is_mark(&spans[i]) || &spans[i] == gone)
            continue;
        for (int64_t by = 1; by <= MOVE_MAX && !found && !is_late(run) && executions_left(run);
             by++) {
            found = try_without(run, sequence, gone, &spans[i], by);
            if (!found)
                found = try_without(run, sequence, gone, &spans[i], -by);
        }
    }
    return found;
}

/* NULL: none can be left out. */
static struct sequence *leave_one_out(struct prop_run *run, const struct sequence *sequence)
{
    size_t count;
    const struct sequence_span *spans = sequence_spans(sequence, &count);
    struct sequence *found = NULL;
    for (size_t i = 0; i < count && !found; i++)
        if (is_mark(&spans[i]) || sequence_span_is(&spans[i], MARK_STEP))
            found = leave_out(run, sequence, &spans[i]);
    return found;
}

struct sequence *prop_shrink(struct prop_run *run, const struct sequence *failing)
{
    int64_t limit_ns = run->config->shrink_ns ? run->config->shrink_ns : SHRINK_NS;
    run->shrink_deadline_ns = prop_now_ns() + limit_ns;
    struct sequence *best = shrink_blindly(run, failing), *fewer;
    while (run->result.shrink.finished && (fewer = leave_one_out(run, best))) {
        sequence_free(best);
        best = shrink_blindly(run, fewer);
        sequence_free(fewer);
    }
    return best;
}
