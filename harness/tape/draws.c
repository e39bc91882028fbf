/* draws.c: the sequential choices of a tape: a sequence (sequence.h) that is made at the first draw. */
#include "harness/tape/internal.h"

#include "harness/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct sequence *sequence_of(struct tape *tape)
{
    if (tape->sequence)
        return tape->sequence;
    tape->sequence = sequence_new(tape->draws, tape->draw_count, tape->beyond,
                                  mix64(tape->seed_now ^ UINT64_C(0x5851f42d4c957f2d)));
    for (size_t i = 0; i < tape->edit_count; i++)
        if (tape->edits[i]->kind == EDIT_DRAW)
            sequence_override(tape->sequence, (size_t)tape->edits[i]->at,
                              (int64_t)tape->edits[i]->value);
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
    tape->draws_from = true;
}

bool tape_is_void(const struct tape *tape)
{
    return tape->draws_from && sequence_overrun(tape->sequence);
}

/* ---- drawing ---- */

int64_t tape_draw_between(struct tape *tape, int64_t lo, int64_t hi)
{
    assert(lo <= hi);
    return sequence_draw_as(sequence_of(tape),
                            &(struct sequence_choice){.lo = lo, .hi = hi, .target = lo});
}

uint64_t tape_draw(struct tape *tape, uint64_t n)
{
    assert(n >= 1 && n <= INT64_MAX);
    return (uint64_t)tape_draw_between(tape, 0, (int64_t)n - 1);
}

bool tape_draw_chance(struct tape *tape, uint64_t numerator, uint64_t denominator)
{
    assert(denominator >= 1 && numerator <= denominator);
    return sequence_chance(sequence_of(tape), numerator, denominator);
}

bool tape_draw_more(struct tape *tape, struct sequence_list *list)
{
    return sequence_list_more(sequence_of(tape), list);
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

static struct edit *edit_of_draw(const struct tape *tape, size_t index)
{
    for (size_t i = 0; i < tape->edit_count; i++)
        if (tape->edits[i]->kind == EDIT_DRAW && tape->edits[i]->at == index)
            return tape->edits[i];
    return NULL;
}

void tape_edit_draw(struct tape *tape, size_t index, int64_t value)
{
    struct edit *old = edit_of_draw(tape, index);
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
