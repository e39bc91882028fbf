/* Sequences: the order of values is a bijection, and what was drawn replays. */
#include "harness/sequence/sequence.h"
#include "properties/prop.h"

static struct sequence_choice draw_choice(struct gen *gen)
{
    struct sequence_choice choice = {.lo = gen_int(gen, INT64_MIN, INT64_MAX)};
    choice.hi = gen_int(gen, choice.lo, INT64_MAX);
    choice.target = gen_int(gen, choice.lo, choice.hi);
    prop_show("range", "%lld..%lld, target %lld", (long long)choice.lo, (long long)choice.hi,
              (long long)choice.target);
    return choice;
}

PROPERTY(sequence, index_and_value_are_inverse, .runs = 1000)
{
    struct sequence_choice choice = draw_choice(prop_gen());
    int64_t value = prop_int("value", choice.lo, choice.hi);
    uint64_t index = sequence_index(&choice, value);
    prop_assert(index <= (uint64_t)choice.hi - (uint64_t)choice.lo, "%llu",
                (unsigned long long)index);
    prop_assert(sequence_value(&choice, index) == value);
    prop_assert((index == 0) == (value == choice.target));
}

PROPERTY(sequence, further_from_the_target_is_a_greater_index, .runs = 1000)
{
    struct sequence_choice choice = {.target = prop_int("target", INT64_MIN, INT64_MAX - 1)};
    choice.hi = prop_int("hi", choice.target + 1, INT64_MAX);
    choice.lo = prop_int("lo", INT64_MIN, choice.target);
    int64_t a = prop_int("a", choice.target, choice.hi - 1), b = prop_int("b", a + 1, choice.hi);
    prop_assert(sequence_index(&choice, a) < sequence_index(&choice, b));
}

static int64_t draw_all(struct sequence *sequence, struct ints plan)
{
    int64_t sum = 0;
    struct sequence_list list = {.max = plan.count};
    while (sequence_list_more(sequence, &list))
        sum += sequence_draw_biased(sequence, 0, plan.items[list.count - 1]);
    return sum;
}

PROPERTY(sequence, drawn_values_give_the_same_again)
{
    struct ints plan = prop_ints("bounds", 0, 20, 0, 1000000);
    struct sequence *first =
        sequence_new(NULL, 0, BEYOND_SEED, prop_unsigned("seed", 0, UINT64_MAX));
    int64_t sum = draw_all(first, plan);
    size_t length = sequence_length(first);
    int64_t *values = prop_alloc((length + 1) * sizeof *values);
    for (size_t i = 0; i < length; i++)
        values[i] = sequence_choices(first)[i].value;
    struct sequence *again = sequence_new(values, length, BEYOND_OVERRUN, 0);
    bool same = draw_all(again, plan) == sum && !sequence_overrun(again) &&
                sequence_length(again) == length;
    sequence_free(first);
    sequence_free(again);
    prop_assert(same);
}
