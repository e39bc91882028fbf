/* draws.c: what the workload was drawn from: fewer nodes, fewer jobs, simpler ones. The sequence shrinker knows
 * what to try; each case is a run of the best tape with other draws. */
#include "harness/shrinker/internal.h"

#include "harness/clock.h"
#include "harness/sequence/shrink.h"
#include "harness/shrinker/ahead.h"

#include <stdlib.h>
#include <string.h>

enum { EXECUTIONS_FIRST = 64, EXECUTIONS_MAX = 4096, LEFT_FOR_OTHERS = 2 };

struct drawing {
    struct shrinker *shrinker;
    struct ahead *ahead;
    struct result result; /* of the latest case that failed */
    int64_t until_ns;
    bool cut_short; /* it came to that */
};

/* ---- how much was drawn ---- */

static struct shrink_part *part_of(struct shrink_size *size, const char *label)
{
    size_t i = 0;
    while (i < size->part_count && strcmp(size->parts[i].label, label) != 0)
        i++;
    if (i == size->part_count && i < SHRINK_PARTS_MAX)
        size->parts[size->part_count++] = (struct shrink_part){.label = label};
    return i < size->part_count ? &size->parts[i] : NULL;
}

void size_count_draws(struct shrink_size *size, const struct sequence_span *spans,
                      size_t span_count, size_t draws)
{
    size->draws = draws;
    size->part_count = 0;
    for (size_t i = 0; i < span_count; i++) {
        const struct sequence_span *span = &spans[i];
        bool listed = span->parent != SIZE_MAX && sequence_span_is(&spans[span->parent], "list");
        struct shrink_part *part = listed && !span->discarded ? part_of(size, span->label) : NULL;
        if (part)
            part->count++;
    }
}

void size_copy_draws(struct shrink_size *size, const struct shrink_size *from)
{
    size->draws = from->draws;
    size->part_count = from->part_count;
    memcpy(size->parts, from->parts, sizeof size->parts);
}

/* ---- other draws ---- */

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

static struct tape *tape_of(void *ctx, const struct sequence *sequence)
{
    const struct drawing *drawing = ctx;
    struct tape *tape = without_draws(shrinker_best(drawing->shrinker));
    tape_draw_from(tape, sequence_copy(sequence));
    return tape;
}

static bool judge(struct drawing *drawing, const struct lab_result *result,
                  struct sequence *sequence)
{
    const struct recording *recording = &result->recording;
    if (recording->draws)
        sequence_adopt(sequence, recording->draws, recording->draw_count, recording->spans,
                       recording->span_count, recording->overrun);
    if (!recording->draws || recording->overrun ||
        !shrinker_fails(drawing->shrinker, &result->result))
        return false;
    drawing->result = result_plain(&result->result);
    ahead_clear(drawing->ahead);
    return true;
}

static bool fails(void *ctx, struct sequence *sequence)
{
    struct drawing *drawing = ctx;
    struct lab_result result;
    enum answer answer = ahead_run(drawing->ahead, sequence, &result);
    drawing->shrinker->stopped = answer == ANSWER_STOP;
    if (answer != ANSWER_RESULT)
        return false;
    bool same = judge(drawing, &result, sequence);
    lab_result_done(&result);
    return same;
}

static bool stops(void *ctx)
{
    struct drawing *drawing = ctx;
    drawing->cut_short |= clock_now_ns() >= drawing->until_ns;
    return drawing->cut_short || drawing->shrinker->stopped || lab_stops(drawing->shrinker->lab);
}

static bool is_simplest(const struct sequence_choice *choice)
{
    return choice->forced || choice->value == choice->target;
}

static void better(void *ctx, const struct sequence *best)
{
    struct drawing *drawing = ctx;
    size_t span_count, count = sequence_length(best);
    const struct sequence_span *spans = sequence_spans(best, &span_count);
    size_count_draws(&drawing->shrinker->drawn, spans, span_count, count);
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

/* While the other passes still find something, this one is brief: what pins a workload down is mostly a fault that they
 * weaken or move. It takes more and more of its time. */
static uint64_t executions_max(struct shrinker *s)
{
    uint64_t rounds = s->draw_rounds++;
    if (s->drawn_at == s->changes || (EXECUTIONS_MAX >> rounds) <= EXECUTIONS_FIRST)
        return EXECUTIONS_MAX;
    return (uint64_t)EXECUTIONS_FIRST << rounds;
}

static void shrink(struct shrinker *s, const struct sequence *start)
{
    struct drawing drawing = {.shrinker = s, .until_ns = slice_end(s)};
    struct shrink_stats stats;
    drawing.ahead = ahead_new(s->lab, s->setup->lab.workers, tape_of, &drawing);
    const struct shrink_case shrink = {.fails = fails,
                                       .ctx = &drawing,
                                       .stop = stops,
                                       .better = better,
                                       .executions_max = executions_max(s)};
    sequence_free(shrink_sequence(&shrink, start, &stats));
    ahead_end_scout(drawing.ahead);
    ahead_free(drawing.ahead);
    s->draws_done =
        stats.finished || (!drawing.cut_short && shrink.executions_max == EXECUTIONS_MAX);
}

void shrinker_draws(struct shrinker *s)
{
    struct recording recording = {0};
    if ((s->draws_done && s->drawn_at == s->changes) ||
        !shrinker_record(s, RECORD_DRAWS, &recording))
        return;
    struct sequence *start = sequence_new(NULL, 0, BEYOND_SIMPLEST, 0);
    sequence_adopt(start, recording.draws, recording.draw_count, recording.spans,
                   recording.span_count, false);
    recording_done(&recording);
    if (sequence_length(start) > 0)
        shrink(s, start);
    else
        s->draws_done = true;
    s->drawn_at = s->changes;
    sequence_free(start);
}
