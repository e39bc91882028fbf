/* Sequences: what is drawn is a pure function of what was given and the seed; spans and lists record structure;
 * the order is shortlex on zig-zag indices; random values are ones that find bugs. */
#include "harness/sequence/sequence.h"

#include <criterion/criterion.h>
#include <string.h>

static struct sequence *fresh(uint64_t seed)
{
    return sequence_new(NULL, 0, BEYOND_SEED, seed);
}

static int64_t value_at(const struct sequence *sequence, size_t index)
{
    cr_assert_lt(index, sequence_length(sequence));
    return sequence_choices(sequence)[index].value;
}

/* ---- drawing ---- */

Test(sequence, same_seed_same_values_other_seed_others)
{
    struct sequence *a = fresh(7), *b = fresh(7), *c = fresh(8);
    int differ = 0;
    for (int i = 0; i < 100; i++) {
        int64_t value = sequence_draw_biased(a, -1000000, 1000000);
        cr_assert_eq(value, sequence_draw_biased(b, -1000000, 1000000));
        differ += value != sequence_draw_biased(c, -1000000, 1000000);
    }
    cr_assert_gt(differ, 80);
    sequence_free(a);
    sequence_free(b);
    sequence_free(c);
}

Test(sequence, values_are_known_for_ever)
{
    /* If these change, every seed that anybody wrote down means another case. */
    struct sequence *s = fresh(1);
    int64_t first = sequence_draw(s, 0, 999999), second = sequence_draw_biased(s, -1000000, 999999);
    bool third = sequence_chance(s, 1, 2);
    cr_expect_eq(first, 368189, "%ld", first);
    cr_expect_eq(second, -316738, "%ld", second);
    cr_expect_eq(third, false);
    sequence_free(s);
}

Test(sequence, given_values_come_first_and_those_out_of_range_become_the_target)
{
    int64_t given[] = {5, 77, -3};
    struct sequence *s = sequence_new(given, 3, BEYOND_SIMPLEST, 0);
    cr_expect_eq(sequence_draw(s, 0, 10), 5);
    cr_expect_eq(sequence_draw(s, 3, 10), 3, "77 is out of range");
    cr_expect_eq(sequence_draw(s, -10, -1), -3);
    cr_expect_eq(sequence_draw(s, -10, -2), -2, "beyond: the simplest");
    cr_expect_not(sequence_chance(s, 9, 10));
    cr_expect_eq(sequence_length(s), 5);
    cr_expect_not(sequence_overrun(s));
    sequence_free(s);
}

Test(sequence, overrun_is_said_and_nothing_is_recorded_beyond)
{
    int64_t given[] = {5};
    struct sequence *s = sequence_new(given, 1, BEYOND_OVERRUN, 0);
    cr_expect_eq(sequence_draw(s, 0, 10), 5);
    cr_expect_not(sequence_overrun(s));
    cr_expect_eq(sequence_draw(s, 2, 10), 2);
    cr_expect(sequence_overrun(s));
    struct sequence_choice forced = {.hi = 9, .value = 4, .forced = true};
    cr_expect_eq(sequence_draw_as(s, &forced), 4,
                 "forced values are kept, the data stay well-formed");
    cr_expect_eq(sequence_length(s), 1);
    sequence_free(s);
}

Test(sequence, limit_ends_what_would_not_end)
{
    struct sequence *s = fresh(3);
    sequence_limit(s, 50);
    struct sequence_list list = {.max = SIZE_MAX / 2, .average = 1000000};
    size_t rounds = 0;
    while (sequence_list_more(s, &list))
        rounds++;
    cr_expect(sequence_overrun(s));
    cr_expect_eq(sequence_length(s), 50);
    cr_expect_eq(rounds, 50);
    sequence_free(s);
}

Test(sequence, whole_range_of_64_bits_can_be_drawn)
{
    struct sequence *s = fresh(11);
    int negative = 0, positive = 0;
    for (int i = 0; i < 200; i++) {
        int64_t value = sequence_draw(s, INT64_MIN, INT64_MAX);
        negative += value < INT64_MIN / 2;
        positive += value > INT64_MAX / 2;
    }
    cr_expect_gt(negative, 20);
    cr_expect_gt(positive, 20);
    sequence_free(s);
}

Test(sequence, forced_is_recorded_whatever_is_given)
{
    int64_t given[] = {1, 6};
    struct sequence *s = sequence_new(given, 2, BEYOND_OVERRUN, 0);
    struct sequence_choice forced = {.hi = 9, .value = 4, .forced = true};
    cr_expect_eq(sequence_draw_as(s, &forced), 4);
    cr_expect_eq(sequence_draw(s, 0, 9), 6, "the next given value is not shifted");
    cr_expect(sequence_choices(s)[0].forced);
    cr_expect_eq(value_at(s, 0), 4);
    sequence_free(s);
}

Test(sequence, chance_is_as_often_as_it_says_and_certainty_is_forced)
{
    struct sequence *s = fresh(5);
    int hits = 0;
    for (int i = 0; i < 10000; i++)
        hits += sequence_chance(s, 3, 100);
    cr_expect(hits > 240 && hits < 360, "%d", hits);
    cr_expect(sequence_chance(s, 4, 4));
    cr_expect_not(sequence_chance(s, 0, 4));
    cr_expect(sequence_choices(s)[10000].forced && sequence_choices(s)[10001].forced);
    sequence_free(s);
}

Test(sequence, branch_is_marked)
{
    struct sequence *s = fresh(5);
    size_t seen[3] = {0};
    for (int i = 0; i < 300; i++)
        seen[sequence_branch(s, 3)]++;
    cr_expect(seen[0] > 60 && seen[1] > 60 && seen[2] > 60);
    cr_expect_eq(sequence_choices(s)[0].role, SEQUENCE_BRANCH);
    cr_expect_eq(sequence_choices(s)[0].hi, 2);
    sequence_free(s);
}

Test(sequence, pick_records_the_identity_not_its_place)
{
    uint64_t five[] = {3, 4, 8, 10, 12}, four[] = {4, 8, 10, 12};
    int64_t given[] = {10, 10, 3, 9};
    struct sequence *s = sequence_new(given, 4, BEYOND_OVERRUN, 0);
    cr_expect_eq(sequence_pick(s, five, 5), 10);
    cr_expect_eq(sequence_pick(s, four, 4), 10, "removing another one does not shift it");
    cr_expect_eq(sequence_pick(s, four, 4), 4, "not alive: the first");
    cr_expect_eq(sequence_pick(s, four, 4), 4, "never was: the first");
    cr_expect_eq(value_at(s, 3), 4);
    sequence_free(s);
    s = fresh(1);
    uint64_t seen = 0;
    for (int i = 0; i < 200; i++)
        seen |= UINT64_C(1) << sequence_pick(s, five, 5);
    cr_expect_eq(seen, 0x1518, "each of 3, 4, 8, 10 and 12 is picked");
    sequence_free(s);
}

/* ---- spans and lists ---- */

Test(sequence, spans_nest_and_stay_open_at_the_end)
{
    struct sequence *s = fresh(1);
    sequence_span_begin(s, "outer");
    sequence_draw(s, 0, 9);
    sequence_span_begin(s, "inner");
    sequence_draw(s, 0, 9);
    sequence_span_discard(s);
    sequence_draw(s, 0, 9);
    size_t count;
    const struct sequence_span *spans = sequence_spans(s, &count);
    cr_assert_eq(count, 2);
    cr_expect(sequence_span_is(&spans[0], "outer"));
    cr_expect(spans[0].begin == 0 && spans[0].end == 3 && spans[0].parent == SIZE_MAX);
    cr_expect(spans[1].begin == 1 && spans[1].end == 2 && spans[1].parent == 0);
    cr_expect(spans[1].discarded && !spans[0].discarded && spans[1].depth == 1);
    sequence_draw(s, 0, 9);
    cr_expect_eq(sequence_spans(s, &count)[0].end, 4, "it was open and went on");
    sequence_span_end(s);
    sequence_span_end(s);
    cr_expect_eq(sequence_spans(s, &count)[0].end, 4, "one end too many changes nothing");
    sequence_free(s);
}

static size_t list_draw(struct sequence *s, size_t min, size_t max, int64_t *values)
{
    struct sequence_list list = {.min = min, .max = max};
    while (sequence_list_more(s, &list))
        values[list.count - 1] = sequence_draw(s, 0, 99);
    return list.count;
}

Test(sequence, list_lengths_stay_within_their_bounds_and_vary)
{
    int64_t values[20];
    size_t seen = 0, sum = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct sequence *s = fresh(seed);
        size_t count = list_draw(s, 2, 12, values);
        cr_assert(count >= 2 && count <= 12);
        seen |= (size_t)1 << count;
        sum += count;
        sequence_free(s);
    }
    cr_expect_eq(seen, 0x1ffc, "each length from 2 to 12");
    cr_expect(sum > 400 * 4 && sum < 400 * 9, "%zu", sum);
}

Test(sequence, list_without_an_element_is_the_same_list_with_one_less)
{
    int64_t values[20];
    struct sequence *s = fresh(4);
    cr_assert_eq(list_draw(s, 1, 3, values), 3);
    /* more (forced), x, more, y, more, z, more (forced: no) */
    cr_assert_eq(sequence_length(s), 7);
    size_t count;
    const struct sequence_span *spans = sequence_spans(s, &count);
    cr_assert_eq(count, 4);
    cr_expect(sequence_span_is(&spans[0], "list") && spans[0].end == 7);
    cr_expect(sequence_span_is(&spans[3], "element") && spans[3].begin == 4 && spans[3].end == 6);
    int64_t given[5];
    for (size_t i = 0; i < 5; i++)
        given[i] = value_at(s, i + 2);
    struct sequence *shorter = sequence_new(given, 5, BEYOND_OVERRUN, 0);
    int64_t left[20];
    cr_expect_eq(list_draw(shorter, 1, 3, left), 2);
    cr_expect_not(sequence_overrun(shorter));
    cr_expect(left[0] == values[1] && left[1] == values[2]);
    sequence_free(shorter);
    sequence_free(s);
}

Test(sequence, list_of_fixed_length_has_no_choices_of_its_own)
{
    int64_t values[20];
    struct sequence *s = fresh(4);
    cr_expect_eq(list_draw(s, 3, 3, values), 3);
    cr_expect_eq(sequence_length(s), 3);
    cr_expect_eq(list_draw(s, 0, 0, values), 0);
    cr_expect_eq(sequence_length(s), 3);
    sequence_free(s);
}

static size_t even_length(struct sequence *sequence, size_t min, size_t usual, size_t max)
{
    struct sequence_list list = {.min = min, .usual = usual, .max = max, .even = true};
    while (sequence_list_more(sequence, &list))
        sequence_draw(sequence, 0, 9);
    return list.count;
}

Test(sequence, each_length_of_an_even_list_is_as_likely)
{
    size_t times[8] = {0};
    for (uint64_t seed = 0; seed < 5000; seed++) {
        struct sequence *s = fresh(seed);
        size_t length = even_length(s, 1, 3, 7);
        cr_assert(length >= 3 && length <= 7, "%zu", length);
        times[length]++;
        sequence_free(s);
    }
    for (size_t length = 3; length <= 7; length++)
        cr_expect(times[length] > 880 && times[length] < 1120, "%zu: %zu", length, times[length]);
}

Test(sequence, an_even_list_can_be_shorter_than_usual_but_not_than_its_minimum)
{
    const int64_t given[] = {0, 5, 1, 6, 0};
    struct sequence *s = sequence_new(given, 5, BEYOND_SIMPLEST, 0);
    cr_expect_eq(even_length(s, 1, 10, 20), 2);
    cr_expect_eq(value_at(s, 0), 1, "the first one must be");
    cr_expect_eq(value_at(s, 1), 5);
    cr_expect_eq(value_at(s, 3), 6);
    sequence_free(s);
    s = sequence_new(NULL, 0, BEYOND_SIMPLEST, 0);
    cr_expect_eq(even_length(s, 0, 10, 20), 0);
    sequence_free(s);
}

Test(sequence, an_override_counts_before_everything_but_force)
{
    const int64_t given[] = {1, 2, 3};
    struct sequence *s = sequence_new(given, 3, BEYOND_SEED, 7);
    sequence_override(s, 1, 50);
    sequence_override(s, 3, 4);
    sequence_override(s, 4, 8);
    struct sequence *copy = sequence_copy(s);
    for (int i = 0; i < 2; i++) {
        struct sequence *played = i ? copy : s;
        cr_expect_eq(sequence_draw(played, 0, 9), 1);
        cr_expect_eq(sequence_draw(played, 0, 9), 9, "the nearest that is admitted");
        cr_expect_eq(sequence_draw(played, 0, 9), 3);
        cr_expect_eq(sequence_draw(played, 0, 9), 4, "beyond what is given, too");
        const struct sequence_choice forced = {.hi = 9, .value = 2, .forced = true};
        cr_expect_eq(sequence_draw_as(played, &forced), 2);
        sequence_free(played);
    }
}

Test(sequence, rejected_elements_are_discarded_and_do_not_count)
{
    struct sequence *s = fresh(9);
    struct sequence_list list = {.min = 8, .max = 15};
    int64_t last = -1;
    size_t kept = 0, rejected = 0;
    while (sequence_list_more(s, &list)) {
        int64_t value = sequence_draw(s, 0, 3);
        if (value == last) {
            sequence_list_reject(s, &list);
            rejected++;
        } else {
            kept++;
        }
        last = value;
    }
    cr_expect_eq(list.count, kept);
    size_t count, discarded = 0;
    const struct sequence_span *spans = sequence_spans(s, &count);
    for (size_t i = 0; i < count; i++)
        discarded += spans[i].discarded;
    cr_expect_eq(discarded, rejected);
    cr_expect_gt(rejected, 0);
    sequence_free(s);
}

Test(sequence, list_that_rejects_everything_ends_overrun)
{
    struct sequence *s = fresh(9);
    struct sequence_list list = {.min = 2, .max = 5};
    while (sequence_list_more(s, &list))
        sequence_list_reject(s, &list);
    cr_expect_eq(list.count, 0);
    cr_expect(sequence_overrun(s));
    cr_expect_not(sequence_list_more(s, &list), "ended is ended");
    sequence_free(s);
}

Test(sequence, copy_is_equal_and_goes_on_alike)
{
    int64_t given[] = {1, 2, 3};
    struct sequence *s = sequence_new(given, 3, BEYOND_SEED, 6);
    sequence_span_begin(s, "pair");
    sequence_draw(s, 0, 9);
    struct sequence *copy = sequence_copy(s);
    for (int i = 0; i < 5; i++)
        cr_expect_eq(sequence_draw(s, 0, 1000), sequence_draw(copy, 0, 1000));
    sequence_span_end(copy);
    size_t count;
    cr_expect_eq(sequence_spans(copy, &count)[0].end, 6);
    cr_expect_eq(sequence_compare(sequence_choices(s), 6, sequence_choices(copy), 6), 0);
    sequence_free(s);
    sequence_free(copy);
}

/* ---- order ---- */

static void check_order(int64_t lo, int64_t hi, int64_t target, const int64_t *values, size_t count)
{
    struct sequence_choice choice = {lo, hi, .target = target};
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(sequence_index(&choice, values[i]), i, "index of %ld in %ld..%ld", values[i],
                     lo, hi);
        cr_expect_eq(sequence_value(&choice, i), values[i]);
    }
}

Test(sequence, index_is_the_zig_zag_distance_from_the_target)
{
    check_order(-2, 5, 0, (int64_t[]){0, 1, -1, 2, -2, 3, 4, 5}, 8);
    check_order(-5, 2, 0, (int64_t[]){0, 1, -1, 2, -2, -3, -4, -5}, 8);
    check_order(3, 6, 3, (int64_t[]){3, 4, 5, 6}, 4);
    check_order(-6, -3, -3, (int64_t[]){-3, -4, -5, -6}, 4);
    check_order(0, 4, 2, (int64_t[]){2, 3, 1, 4, 0}, 5);
}

Test(sequence, index_and_value_are_inverse_on_extreme_ranges)
{
    int64_t extremes[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    for (size_t t = 0; t < 7; t++)
        for (size_t v = 0; v < 7; v++) {
            struct sequence_choice choice = {INT64_MIN, INT64_MAX, .target = extremes[t]};
            uint64_t index = sequence_index(&choice, extremes[v]);
            cr_expect_eq(sequence_value(&choice, index), extremes[v], "%zu %zu", t, v);
        }
    struct sequence_choice zero = {INT64_MIN, INT64_MAX, .target = 0};
    cr_expect_eq(sequence_index(&zero, INT64_MIN), UINT64_MAX);
}

Test(sequence, shorter_is_simpler_then_the_first_difference_counts)
{
    struct sequence_choice a[] = {{.lo = -9, .hi = 9, .value = 1}, {.lo = -9, .hi = 9, .value = 9}};
    struct sequence_choice b[] = {{.lo = -9, .hi = 9, .value = -1}, {.lo = -9, .hi = 9}};
    cr_expect_lt(sequence_compare(b, 1, a, 2), 0);
    cr_expect_gt(sequence_compare(a, 2, b, 1), 0);
    cr_expect_lt(sequence_compare(a, 2, b, 2), 0);
    cr_expect_eq(sequence_compare(a, 2, a, 2), 0);
}

/* ---- what random values are like: how often, in 1000 cases of ten draws, does this happen? ---- */

struct tally {
    int zero, bound, small, large, power, twice, neighbours;
};

static void tally_case(struct tally *tally, struct sequence *s, int64_t lo, int64_t hi)
{
    int64_t v[10];
    struct tally now = {0};
    for (int i = 0; i < 10; i++) {
        v[i] = sequence_draw_biased(s, lo, hi);
        cr_assert(v[i] >= lo && v[i] <= hi, "%ld not in %ld..%ld", v[i], lo, hi);
        now.zero |= v[i] == 0;
        now.bound |= v[i] == lo || v[i] == hi;
        now.small |= v[i] > -10 && v[i] < 10;
        now.large |= v[i] > hi / 2;
        now.power |= v[i] > 1000 && (v[i] & (v[i] - 1)) == 0;
        for (int k = 0; k < i; k++) {
            now.twice |= v[i] == v[k];
            now.neighbours |= v[k] < INT64_MAX && v[i] == v[k] + 1;
        }
    }
    int *sums = (int *)tally, *nows = (int *)&now;
    for (size_t i = 0; i < sizeof *tally / sizeof(int); i++)
        sums[i] += nows[i];
}

static struct tally tally_of(int64_t lo, int64_t hi)
{
    struct tally tally = {0};
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct sequence *s = fresh(seed);
        tally_case(&tally, s, lo, hi);
        sequence_free(s);
    }
    return tally;
}

Test(sequence, biased_values_are_often_the_ones_that_find_bugs)
{
    struct tally wide = tally_of(INT64_MIN, INT64_MAX);
    cr_expect(wide.zero > 100 && wide.bound > 300 && wide.small > 600, "%d %d %d", wide.zero,
              wide.bound, wide.small);
    cr_expect(wide.large > 500 && wide.power > 50, "%d %d", wide.large, wide.power);
    cr_expect(wide.twice > 500 && wide.neighbours > 100, "%d %d", wide.twice, wide.neighbours);
    struct tally positive = tally_of(0, INT32_MAX);
    cr_expect(positive.zero > 100 && positive.bound > 300 && positive.twice > 500);
    struct tally narrow = tally_of(-1, 1);
    cr_expect(narrow.zero > 900 && narrow.bound > 900);
}

Test(sequence, range_of_one_value_works)
{
    struct sequence *s = fresh(2);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(sequence_draw_biased(s, 42, 42), 42);
    sequence_free(s);
}
