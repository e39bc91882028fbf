/* tape_draws.c: the sequential choices of a tape: a sequence (sequence.h) that is made at the first draw. */
#include "harness/tape_internal.h"

#include "harness/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct sequence *sequence_of(struct tape *tape)
{
    if (!tape->sequence)
        tape->sequence = sequence_new(tape->draws, tape->draw_count, tape->beyond,
                                      mix64(tape->seed_now ^ UINT64_C(0x5851f42d4c957f2d)));
    return tape->sequence;
}

const struct sequence *tape_sequence(struct tape *tape)
{
    return sequence_of(tape);
}

void tape_draw_from(struct tape *tape, struct sequence *sequence)
{
    sequence_free(tape->sequence);
    tape->sequence = sequence;
}

/* ---- drawing ---- */

static struct edit *edit_of_draw(const struct tape *tape, size_t index)
{
    if (!tape->some_draw_edited)
        return NULL;
    for (size_t i = 0; i < tape->edit_count; i++)
        if (tape->edits[i]->kind == EDIT_DRAW && tape->edits[i]->at == index)
            return tape->edits[i];
    return NULL;
}

static int64_t clamped(int64_t value, int64_t lo, int64_t hi)
{
    return value < lo ? lo : value > hi ? hi : value;
}

int64_t tape_draw_between(struct tape *tape, int64_t lo, int64_t hi)
{
    assert(lo <= hi);
    struct sequence *sequence = sequence_of(tape);
    struct sequence_choice how = {.lo = lo, .hi = hi, .target = lo};
    const struct edit *edit = edit_of_draw(tape, sequence_length(sequence));
    if (edit) {
        how.value = clamped((int64_t)edit->value, lo, hi);
        how.forced = true;
    }
    return sequence_draw_as(sequence, &how);
}

uint64_t tape_draw(struct tape *tape, uint64_t n)
{
    assert(n >= 1 && n <= INT64_MAX);
    return (uint64_t)tape_draw_between(tape, 0, (int64_t)n - 1);
}

bool tape_draw_chance(struct tape *tape, uint64_t numerator, uint64_t denominator)
{
    assert(denominator >= 1 && numerator <= denominator);
    struct sequence *sequence = sequence_of(tape);
    const struct edit *edit = edit_of_draw(tape, sequence_length(sequence));
    if (edit)
        return tape_draw_between(tape, 0, 1);
    return sequence_chance(sequence, numerator, denominator);
}

void tape_span_begin(struct tape *tape, const char *label)
{
    sequence_span_begin(sequence_of(tape), label);
}

void tape_span_end(struct tape *tape)
{
    sequence_span_end(sequence_of(tape));
}

/* ---- edits ---- */

void tape_edit_draw(struct tape *tape, size_t index, int64_t value)
{
    struct edit *old = edit_of_draw(tape, index);
    tape->some_draw_edited = true;
    if (old)
        old->value = (uint64_t)value;
    else
        tape_edit_add(tape,
                      (struct edit){.kind = EDIT_DRAW, .at = index, .value = (uint64_t)value});
}

static bool has_draws(const struct tape *tape)
{
    for (size_t i = 0; i < tape->edit_count; i++)
        if (tape->edits[i]->kind == EDIT_DRAWS)
            return true;
    return false;
}

void tape_edit_draws(struct tape *tape, const int64_t *values, size_t count,
                     enum sequence_beyond beyond)
{
    assert(!tape->sequence);
    if (!has_draws(tape))
        tape_edit_add(tape, (struct edit){.kind = EDIT_DRAWS});
    free(tape->draws);
    tape->draws = malloc((count + 1) * sizeof *tape->draws);
    if (!tape->draws)
        abort();
    if (count)
        memcpy(tape->draws, values, count * sizeof *values);
    tape->draw_count = count;
    tape->beyond = beyond;
}
