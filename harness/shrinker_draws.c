/* shrinker_draws.c: what the workload was drawn from: fewer nodes, fewer jobs, simpler ones. The sequence shrinker knows
 * what to try; each case is a run of the best tape with other draws. */
#include "harness/shrinker_internal.h"

#include "harness/clock.h"
#include "harness/shrink_sequence.h"

#include <stdlib.h>

enum { EXECUTIONS_MAX = 3000, LEFT_FOR_OTHERS = 2 };

struct drawing {
    struct shrinker *shrinker;
    struct result result; /* of the latest case that failed */
    int64_t until_ns;
};

static bool is_draw(const struct tape_edit *edit, const void *ctx)
{
    (void)ctx;
    return edit->kind == EDIT_DRAW || edit->kind == EDIT_DRAWS;
}

static struct tape *without_draws(const struct tape *tape)
{
    size_t count;
    size_t *edits = edits_find(tape, is_draw, NULL, &count);
    struct tape *copy = tape_copy_without_these(tape, edits, count);
    free(edits);
    return copy;
}

/* An overrun in mid-run is no reason to stop the run; but what it says does not count. */
static bool fails(void *ctx, struct sequence *sequence)
{
    struct drawing *drawing = ctx;
    struct shrinker *s = drawing->shrinker;
    struct lab_result result;
    struct tape *tape = without_draws(shrinker_best(s));
    tape_draw_from(tape, sequence_copy(sequence));
    if (!lab_run(s->lab, &(struct lab_task){.tape = tape, .record = RECORD_DRAWS}, &result)) {
        s->stopped = true;
        return false;
    }
    const struct recording *recording = &result.recording;
    bool good = recording->draws && !recording->overrun;
    if (recording->draws)
        sequence_adopt(sequence, recording->draws, recording->draw_count, recording->spans,
                       recording->span_count, recording->overrun);
    const struct mark mark = mark_of(&result.result);
    good = good && mark_same(&mark, &s->outcome->mark);
    if (good)
        drawing->result = result_plain(&result.result);
    lab_result_done(&result);
    return good;
}

static bool stops(void *ctx)
{
    struct drawing *drawing = ctx;
    return drawing->shrinker->stopped || lab_stops(drawing->shrinker->lab) ||
           clock_now_ns() >= drawing->until_ns;
}

static bool is_simplest(const struct sequence_choice *choice)
{
    return choice->forced || choice->value == choice->target;
}

static void better(void *ctx, const struct sequence *best)
{
    struct drawing *drawing = ctx;
    size_t count = sequence_length(best);
    const struct sequence_choice *choices = sequence_choices(best);
    int64_t *values = calloc(count + 1, sizeof *values);
    if (!values)
        abort();
    while (count > 0 && is_simplest(&choices[count - 1]))
        count--; /* beyond the last one everything is simplest */
    for (size_t i = 0; i < count; i++)
        values[i] = choices[i].value;
    struct tape *tape = without_draws(shrinker_best(drawing->shrinker));
    tape_edit_draws(tape, values, count, BEYOND_SIMPLEST);
    free(values);
    shrinker_accept(drawing->shrinker, tape, &drawing->result);
}

/* Half of the time that is left, so that the other passes have their turn. */
static int64_t slice_end(const struct shrinker *s)
{
    int64_t now_ns = clock_now_ns();
    return s->until_ns == INT64_MAX ? INT64_MAX : now_ns + (s->until_ns - now_ns) / LEFT_FOR_OTHERS;
}

void shrinker_draws(struct shrinker *s)
{
    struct recording recording = {0};
    struct shrink_stats stats;
    if (s->drawn_at == s->changes || !shrinker_record(s, RECORD_DRAWS, &recording))
        return;
    struct drawing drawing = {.shrinker = s, .until_ns = slice_end(s)};
    struct sequence *start = sequence_new(NULL, 0, BEYOND_SIMPLEST, 0);
    sequence_adopt(start, recording.draws, recording.draw_count, recording.spans,
                   recording.span_count, false);
    recording_done(&recording);
    const struct shrink_case shrink = {.fails = fails,
                                       .ctx = &drawing,
                                       .stop = stops,
                                       .better = better,
                                       .executions_max = EXECUTIONS_MAX};
    struct sequence *best = shrink_sequence(&shrink, start, &stats);
    s->outcome->after.draws = sequence_length(best);
    sequence_free(best);
    sequence_free(start);
    s->drawn_at = s->changes;
}
