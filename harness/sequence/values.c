/* values.c: the order of values (zig-zag around the target), and the values that find bugs: bounds, small
 * ones, powers of two, and the ones that were drawn before, so that equal and neighbouring values happen. */
#include "harness/hash.h"
#include "harness/sequence/internal.h"

enum { RECENT = 16 /* how far back "drawn before" looks */ };

/* ---- order ---- */

/* Up to `both` away from the target, both sides exist: 1 -> 1, -1 -> 2; further away only one does. */
uint64_t sequence_index(const struct sequence_choice *choice, int64_t value)
{
    uint64_t below = (uint64_t)choice->target - (uint64_t)choice->lo;
    uint64_t above = (uint64_t)choice->hi - (uint64_t)choice->target;
    uint64_t both = below < above ? below : above;
    bool up = value > choice->target;
    uint64_t away = up ? (uint64_t)value - (uint64_t)choice->target
                       : (uint64_t)choice->target - (uint64_t)value;
    if (away > both)
        return both + away;
    return up ? 2 * away - 1 : 2 * away;
}

int64_t sequence_value(const struct sequence_choice *choice, uint64_t index)
{
    uint64_t below = (uint64_t)choice->target - (uint64_t)choice->lo;
    uint64_t above = (uint64_t)choice->hi - (uint64_t)choice->target;
    uint64_t both = below < above ? below : above;
    uint64_t away = index / 2 + index % 2;
    bool up = index % 2 == 1;
    if (away > both) {
        away = index - both;
        up = above > below;
    }
    return (int64_t)(up ? (uint64_t)choice->target + away : (uint64_t)choice->target - away);
}

int sequence_compare(const struct sequence_choice *a, size_t a_length,
                     const struct sequence_choice *b, size_t b_length)
{
    if (a_length != b_length)
        return a_length < b_length ? -1 : 1;
    for (size_t i = 0; i < a_length; i++) {
        uint64_t a_index = sequence_index(&a[i], a[i].value);
        uint64_t b_index = sequence_index(&b[i], b[i].value);
        if (a_index != b_index)
            return a_index < b_index ? -1 : 1;
    }
    return 0;
}

/* ---- bias ---- */

static int64_t near_bound(const struct sequence_choice *how, uint64_t bits)
{
    uint64_t away = bits & 4 ? mix64_below(mix64(bits), 4) : 0;
    return (int64_t)(bits & 1 ? (uint64_t)how->hi - away : (uint64_t)how->lo + away);
}

static uint64_t widest_index(const struct sequence_choice *how)
{
    return (uint64_t)how->hi - (uint64_t)how->lo;
}

static int64_t small(const struct sequence_choice *how, uint64_t bits)
{
    uint64_t widest = widest_index(how);
    return sequence_value(how, mix64_below(bits, widest < 16 ? widest + 1 : 16));
}

/* Every order of magnitude is as likely as every other. */
static int64_t of_any_size(const struct sequence_choice *how, uint64_t bits)
{
    uint64_t widest = widest_index(how);
    unsigned sizes = widest ? 64 - (unsigned)__builtin_clzll(widest) : 0;
    unsigned size = (unsigned)mix64_below(bits, sizes + 1);
    uint64_t below = size < 64 ? UINT64_C(1) << size : UINT64_MAX;
    uint64_t index = mix64_below(mix64(bits), below);
    return sequence_value(how, index < widest ? index : widest);
}

static int64_t near_power(uint64_t bits)
{
    uint64_t power = UINT64_C(1) << (bits >> 58);
    uint64_t value = power + mix64_below(mix64(bits), 3) - 1;
    return (int64_t)(bits & 1 ? value : 0 - value);
}

static bool drawn_before(const struct sequence *sequence, uint64_t bits, int64_t *ret_value)
{
    size_t recent = sequence->length < RECENT ? sequence->length : RECENT;
    if (recent == 0)
        return false;
    size_t back = mix64_below(bits, recent) + 1;
    const struct sequence_choice *choice = &sequence->choices[sequence->length - back];
    uint64_t shift = bits & 3 ? 0 : mix64_below(mix64(bits), 3) - 1;
    *ret_value = (int64_t)((uint64_t)choice->value + shift);
    return choice->role == SEQUENCE_DATA;
}

bool sequence_biased(const struct sequence *sequence, const struct sequence_choice *how,
                     uint64_t bits, int64_t *ret_value)
{
    uint64_t more = mix64(bits + 1);
    switch (bits % 16) {
    case 0:
    case 1: *ret_value = near_bound(how, more); return true;
    case 2:
    case 3:
    case 4: *ret_value = small(how, more); return true;
    case 5: *ret_value = near_power(more); return true;
    case 6:
    case 7:
    case 8: return drawn_before(sequence, more, ret_value);
    case 9:
    case 10:
    case 11: *ret_value = of_any_size(how, more); return true;
    default: return false;
    }
}

/* ---- what was drawn ---- */

size_t sequence_length(const struct sequence *sequence)
{
    return sequence->length;
}

const struct sequence_choice *sequence_choices(const struct sequence *sequence)
{
    return sequence->choices;
}

const struct sequence_span *sequence_spans(const struct sequence *sequence, size_t *ret_count)
{
    for (size_t i = sequence->span_open; i != SIZE_MAX; i = sequence->spans[i].parent)
        sequence->spans[i].end = sequence->length; /* the case ended in it */
    *ret_count = sequence->span_count;
    return sequence->spans;
}

bool sequence_overrun(const struct sequence *sequence)
{
    return sequence->overrun;
}
