/* sequence.c: the record of choices and spans, and how values are found: given, forced, or made from the seed. */
#include "harness/sequence/sequence.h"

#include "harness/hash.h"
#include "harness/sequence/internal.h"

#include <string.h>

struct sequence *sequence_new(const int64_t *values, size_t count, enum sequence_beyond beyond,
                              uint64_t seed)
{
    struct sequence *sequence = calloc(1, sizeof *sequence);
    if (!sequence)
        abort();
    sequence->beyond = beyond;
    sequence->mixed_seed = mix64(seed);
    sequence->limit = SEQUENCE_LIMIT;
    sequence->span_open = SIZE_MAX;
    if (count > 0) {
        sequence->given = array_of(count, sizeof *sequence->given);
        memcpy(sequence->given, values, count * sizeof *values);
        sequence->given_count = count;
    }
    return sequence;
}

struct sequence *sequence_copy(const struct sequence *sequence)
{
    struct sequence *copy = array_of(1, sizeof *copy);
    *copy = *sequence;
    copy->given = array_of(copy->given_count, sizeof *copy->given);
    copy->choices = array_of(copy->capacity, sizeof *copy->choices);
    copy->spans = array_of(copy->span_capacity, sizeof *copy->spans);
    copy->overrides = array_of(copy->override_count, sizeof *copy->overrides);
    if (copy->override_count > 0)
        memcpy(copy->overrides, sequence->overrides,
               copy->override_count * sizeof *copy->overrides);
    if (copy->given_count > 0)
        memcpy(copy->given, sequence->given, copy->given_count * sizeof *copy->given);
    if (copy->length > 0)
        memcpy(copy->choices, sequence->choices, copy->length * sizeof *copy->choices);
    if (copy->span_count > 0)
        memcpy(copy->spans, sequence->spans, copy->span_count * sizeof *copy->spans);
    return copy;
}

void sequence_free(struct sequence *sequence)
{
    if (!sequence)
        return;
    free(sequence->given);
    free(sequence->overrides);
    free(sequence->choices);
    free(sequence->spans);
    free(sequence);
}

void sequence_adopt(struct sequence *sequence, const struct sequence_choice *choices,
                    size_t choice_count, const struct sequence_span *spans, size_t span_count,
                    bool overrun)
{
    sequence->choices = array_grown(sequence->choices, choice_count, sizeof *choices);
    sequence->spans = array_grown(sequence->spans, span_count, sizeof *spans);
    if (choice_count)
        memcpy(sequence->choices, choices, choice_count * sizeof *choices);
    if (span_count)
        memcpy(sequence->spans, spans, span_count * sizeof *spans);
    sequence->length = choice_count;
    sequence->span_count = span_count;
    sequence->capacity = choice_count > 0 ? choice_count : 1;
    sequence->span_capacity = span_count > 0 ? span_count : 1;
    sequence->overrun = overrun;
    sequence->span_open = SIZE_MAX;
    sequence->depth = 0;
}

void sequence_limit(struct sequence *sequence, size_t choices_max)
{
    sequence->limit = choices_max;
}

void sequence_override(struct sequence *sequence, size_t position, int64_t value)
{
    sequence->overrides =
        array_grown(sequence->overrides, sequence->override_count + 1, sizeof *sequence->overrides);
    sequence->overrides[sequence->override_count++] = (struct override){position, value};
}

void sequence_give_up(struct sequence *sequence)
{
    sequence->overrun = true;
}

/* ---- drawing ---- */

static bool admits(const struct sequence_choice *how, int64_t value)
{
    return value >= how->lo && value <= how->hi;
}

static const struct override *override_here(const struct sequence *sequence)
{
    for (size_t i = sequence->override_count; i-- > 0;)
        if (sequence->overrides[i].position == sequence->length)
            return &sequence->overrides[i];
    return NULL;
}

static int64_t clamped(int64_t value, int64_t lo, int64_t hi)
{
    return value < lo ? lo : value > hi ? hi : value;
}

/* What this position gets without chance; false: it is to be drawn from the seed. After an overrun the data stay
 * well-formed (forced values, targets), so that the code under test can run to its end. */
static bool choice_given(struct sequence *sequence, const struct sequence_choice *how,
                         int64_t *ret_value)
{
    size_t position = sequence->length;
    bool given = position < sequence->given_count;
    if (position >= sequence->limit || (!given && sequence->beyond == BEYOND_OVERRUN))
        sequence->overrun = true;
    *ret_value = how->forced ? how->value : how->target;
    if (sequence->overrun || how->forced)
        return true;
    const struct override *override = override_here(sequence);
    if (override) {
        *ret_value = clamped(override->value, how->lo, how->hi);
        return true;
    }
    if (given && admits(how, sequence->given[position]))
        *ret_value = sequence->given[position];
    return given || sequence->beyond != BEYOND_SEED;
}

static uint64_t choice_bits(const struct sequence *sequence)
{
    return mix64(sequence->mixed_seed ^ sequence->length);
}

static int64_t choice_record(struct sequence *sequence, const struct sequence_choice *how,
                             int64_t value)
{
    if (sequence->overrun)
        return value;
    if (sequence->length == sequence->capacity) {
        sequence->capacity = sequence->capacity ? 2 * sequence->capacity : 32;
        sequence->choices = array_grown(sequence->choices, sequence->capacity, sizeof *how);
    }
    struct sequence_choice *choice = &sequence->choices[sequence->length++];
    *choice = *how;
    choice->value = value;
    return value;
}

static int64_t uniform(uint64_t bits, int64_t lo, int64_t hi)
{
    uint64_t width = (uint64_t)hi - (uint64_t)lo;
    uint64_t offset = width == UINT64_MAX ? bits : mix64_below(bits, width + 1);
    return (int64_t)((uint64_t)lo + offset);
}

static int64_t nearest_to_zero(int64_t lo, int64_t hi)
{
    return lo > 0 ? lo : hi < 0 ? hi : 0;
}

int64_t sequence_draw_as(struct sequence *sequence, const struct sequence_choice *how)
{
    int64_t value;
    if (!choice_given(sequence, how, &value))
        value = uniform(choice_bits(sequence), how->lo, how->hi);
    return choice_record(sequence, how, value);
}

int64_t sequence_draw(struct sequence *sequence, int64_t lo, int64_t hi)
{
    return sequence_draw_as(sequence,
                            &(struct sequence_choice){lo, hi, .target = nearest_to_zero(lo, hi)});
}

int64_t sequence_draw_biased(struct sequence *sequence, int64_t lo, int64_t hi)
{
    struct sequence_choice how = {lo, hi, .target = nearest_to_zero(lo, hi)};
    int64_t value;
    if (!choice_given(sequence, &how, &value)) {
        uint64_t bits = choice_bits(sequence);
        if (!sequence_biased(sequence, &how, bits, &value) || !admits(&how, value))
            value = uniform(mix64(bits), lo, hi);
    }
    return choice_record(sequence, &how, value);
}

static bool chance_as(struct sequence *sequence, uint64_t numerator, uint64_t denominator,
                      struct sequence_choice how)
{
    int64_t value;
    how.hi = 1;
    if (!how.forced && (numerator == 0 || numerator >= denominator)) {
        how.forced = true;
        how.value = numerator > 0;
    }
    if (!choice_given(sequence, &how, &value))
        value = mix64_below(choice_bits(sequence), denominator) < numerator;
    return choice_record(sequence, &how, value) != 0;
}

bool sequence_chance(struct sequence *sequence, uint64_t numerator, uint64_t denominator)
{
    return chance_as(sequence, numerator, denominator, (struct sequence_choice){0});
}

size_t sequence_branch(struct sequence *sequence, size_t n)
{
    return (size_t)sequence_draw_as(
        sequence, &(struct sequence_choice){.hi = (int64_t)n - 1, .role = SEQUENCE_BRANCH});
}

static bool is_among(const uint64_t *sorted, size_t count, uint64_t wanted)
{
    size_t lo = 0;
    while (count > 0) {
        size_t half = count / 2;
        if (sorted[lo + half] == wanted)
            return true;
        if (sorted[lo + half] < wanted) {
            lo += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return false;
}

uint64_t sequence_pick(struct sequence *sequence, const uint64_t *alive, size_t count)
{
    struct sequence_choice how = {(int64_t)alive[0], (int64_t)alive[count - 1],
                                  .target = (int64_t)alive[0], .role = SEQUENCE_PICK};
    int64_t value;
    if (!choice_given(sequence, &how, &value))
        value = (int64_t)alive[mix64_below(choice_bits(sequence), count)];
    if (!is_among(alive, count, (uint64_t)value))
        value = how.target;
    return (uint64_t)choice_record(sequence, &how, value);
}

/* ---- spans ---- */

void sequence_span_begin(struct sequence *sequence, const char *label)
{
    if (sequence->span_count == sequence->span_capacity) {
        sequence->span_capacity = sequence->span_capacity ? 2 * sequence->span_capacity : 16;
        sequence->spans =
            array_grown(sequence->spans, sequence->span_capacity, sizeof *sequence->spans);
    }
    sequence->spans[sequence->span_count] = (struct sequence_span){.label = label,
                                                                   .begin = sequence->length,
                                                                   .end = SIZE_MAX,
                                                                   .depth = sequence->depth++,
                                                                   .parent = sequence->span_open};
    sequence->span_open = sequence->span_count++;
}

static void span_end(struct sequence *sequence, bool discarded)
{
    if (sequence->span_open == SIZE_MAX)
        return;
    struct sequence_span *span = &sequence->spans[sequence->span_open];
    span->end = sequence->length;
    span->discarded = discarded;
    sequence->span_open = span->parent;
    sequence->depth--;
}

void sequence_span_end(struct sequence *sequence)
{
    span_end(sequence, false);
}

void sequence_span_discard(struct sequence *sequence)
{
    span_end(sequence, true);
}

bool sequence_span_is(const struct sequence_span *span, const char *label)
{
    return span->label == label || strcmp(span->label, label) == 0;
}

/* ---- lists ---- */

/* Like Hypothesis: twice the least or a few more, but not above the middle. */
static uint64_t average_of(const struct sequence_list *list)
{
    size_t enough = list->min + 5 > 2 * list->min ? list->min + 5 : 2 * list->min;
    size_t middle = list->min + (list->max - list->min) / 2;
    size_t average = list->average ? list->average : enough < middle ? enough : middle;
    return average > list->min ? average - list->min : 1;
}

/* More rejections than that mean that good elements are too rare to go on. */
static bool list_is_tired(const struct sequence_list *list)
{
    return list->rejected > 3 + 2 * list->count;
}

static bool more_of_even(struct sequence *sequence, const struct sequence_list *list,
                         const struct sequence_choice *how)
{
    int64_t value;
    if (!choice_given(sequence, how, &value)) {
        uint64_t left = list->max - list->count; /* that many lengths are above this one */
        value = list->count < list->usual || mix64_below(choice_bits(sequence), left + 1) < left;
    }
    return choice_record(sequence, how, value) != 0;
}

static bool draw_more(struct sequence *sequence, const struct sequence_list *list)
{
    bool tired = list_is_tired(list), short_of_min = list->count < list->min;
    struct sequence_choice how = {.role = SEQUENCE_MORE, .value = short_of_min && !tired};
    if (list->min >= list->max)
        return list->count < list->max && !tired;
    how.forced = short_of_min || tired || list->count >= list->max;
    if (list->even) {
        how.hi = 1;
        return more_of_even(sequence, list, &how);
    }
    uint64_t extra = average_of(list);
    return chance_as(sequence, extra, extra + 1, how);
}

static void span_drop(struct sequence *sequence)
{
    span_end(sequence, false);
    sequence->span_count--;
}

bool sequence_list_more(struct sequence *sequence, struct sequence_list *list)
{
    if (list->state == LIST_ENDED)
        return false;
    if (list->state == LIST_NEW)
        sequence_span_begin(sequence, "list");
    else
        span_end(sequence, list->state == LIST_REJECTED);
    sequence_span_begin(sequence, list->label ? list->label : "element");
    if (draw_more(sequence, list)) {
        list->state = LIST_OPEN;
        list->count++;
        return true;
    }
    span_drop(sequence);
    sequence_span_end(sequence);
    list->state = LIST_ENDED;
    return false;
}

void sequence_list_reject(struct sequence *sequence, struct sequence_list *list)
{
    list->count--;
    list->rejected++;
    list->state = LIST_REJECTED;
    if (list_is_tired(list) && list->count < list->min)
        sequence->overrun = true;
}
