/* The sequence shrinker: each case must end at its simplest counterexample, for each of some seeds, and within a number
 * of executions. Most cases are the ones that Hypothesis and libhegel test theirs with. */
#include "harness/sequence/shrink.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 20, LIST_MAX = 60, FOUND_WITHIN = 300000 };

static char said[4000]; /* what the last body drew, if `asked` */
static bool asked;

static void say(const char *format, ...)
{
    size_t length = strlen(said);
    va_list args;
    if (!asked)
        return;
    va_start(args, format);
    vsnprintf(said + length, sizeof said - length, format, args);
    va_end(args);
}

/* true: fails */
typedef bool case_body(struct sequence *s);

static bool body_fails(void *ctx, struct sequence *s)
{
    case_body *const *body = ctx;
    return (*body)(s);
}

static struct sequence *first_failing(case_body *body, uint64_t seed)
{
    for (uint64_t i = 0; i < FOUND_WITHIN; i++) {
        struct sequence *s = sequence_new(NULL, 0, BEYOND_SEED, seed * FOUND_WITHIN + i);
        if (body(s) && !sequence_overrun(s))
            return s;
        sequence_free(s);
    }
    cr_assert(0, "no failing case found");
    return NULL;
}

static bool fails_again(case_body *body, const struct sequence *drawn)
{
    size_t length = sequence_length(drawn);
    int64_t *values = calloc(length + 1, sizeof *values);
    for (size_t i = 0; i < length; i++)
        values[i] = sequence_choices(drawn)[i].value;
    struct sequence *s = sequence_new(values, length, BEYOND_OVERRUN, 0);
    said[0] = '\0';
    asked = true;
    bool fails = body(s) && !sequence_overrun(s);
    asked = false;
    sequence_free(s);
    free(values);
    return fails;
}

static void check_one(case_body *body, uint64_t seed, const char *expected, uint64_t executions_max,
                      struct shrink_stats *ret_stats)
{
    struct sequence *start = first_failing(body, seed);
    struct shrink_case shrink = {.fails = body_fails, .ctx = &body, .seed = seed};
    struct sequence *best = shrink_sequence(&shrink, start, ret_stats);
    cr_assert(fails_again(body, best), "seed %lu: what it returned does not fail", seed);
    cr_expect_str_eq(said, expected, "seed %lu: %s, not %s", seed, said, expected);
    cr_expect_leq(ret_stats->executions, executions_max, "seed %lu: %lu executions", seed,
                  ret_stats->executions);
    cr_expect(ret_stats->finished, "seed %lu: stopped before the end", seed);
    sequence_free(start);
    sequence_free(best);
}

static void check(case_body *body, const char *expected, uint64_t executions_max)
{
    struct shrink_stats stats;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        check_one(body, seed, expected, executions_max, &stats);
}

static size_t draw_list(struct sequence *s, size_t min, size_t max, int64_t lo, int64_t hi,
                        int64_t *values)
{
    struct sequence_list list = {.min = min, .max = max};
    while (sequence_list_more(s, &list)) {
        values[list.count - 1] = sequence_draw_biased(s, lo, hi);
        say("%ld ", (long)values[list.count - 1]);
    }
    return list.count;
}

/* ---- one value ---- */

static bool at_least_1000(struct sequence *s)
{
    int64_t value = sequence_draw_biased(s, INT64_MIN, INT64_MAX);
    say("%ld", (long)value);
    return value >= 1000;
}

Test(shrink_sequence, integer_goes_to_its_threshold)
{
    check(at_least_1000, "1000", 150);
}

static bool least_of_all(struct sequence *s)
{
    int64_t value = sequence_draw_biased(s, INT64_MIN, INT64_MAX);
    say("%ld", (long)value);
    return value == INT64_MIN;
}

Test(shrink_sequence, only_failing_value_stays)
{
    check(least_of_all, "-9223372036854775808", 150);
}

static bool even_and_large(struct sequence *s)
{
    int64_t value = sequence_draw(s, 0, 100000);
    say("%ld", (long)value);
    return value % 2 == 0 && value > 5000;
}

Test(shrink_sequence, value_that_must_stay_even_goes_to_its_threshold)
{
    check(even_and_large, "5002", 150);
}

static bool slip(struct sequence *s)
{
    int64_t value =
        sequence_branch(s, 2) == 0 ? sequence_draw(s, 101, 200) : sequence_draw(s, 0, 100);
    say("%ld", (long)value);
    return true;
}

Test(shrink_sequence, first_alternative_is_simpler_though_its_values_are_larger)
{
    check(slip, "101", 10);
}

/* ---- values that depend on each other ---- */

static int64_t gap;

static bool apart(struct sequence *s)
{
    int64_t a = sequence_draw_biased(s, 0, 1000), b = sequence_draw_biased(s, 0, 1000);
    say("%ld %ld", (long)a, (long)b);
    return a + gap == b;
}

Test(shrink_sequence, two_values_are_lowered_together)
{
    char expected[40];
    for (gap = 0; gap <= 10; gap++) {
        snprintf(expected, sizeof expected, "0 %ld", (long)gap);
        check(apart, expected, 100);
    }
}

static unsigned between;

static bool sum_of_pair(struct sequence *s)
{
    int64_t a = sequence_draw_biased(s, 0, 1000);
    for (unsigned i = 0; i < between; i++)
        sequence_draw_biased(s, 0, 1000);
    int64_t b = sequence_draw_biased(s, 0, 1000);
    say("%ld %ld", (long)a, (long)b);
    return a + b > 1000;
}

Test(shrink_sequence, sum_moves_to_the_last_value)
{
    for (between = 0; between <= 3; between++)
        check(sum_of_pair, "1 1000", 150);
}

enum { ZIGZAG_BITS = 30 };
static int64_t zigzag_bound;

static bool zigzag(struct sequence *s)
{
    int64_t limit = INT64_C(1) << ZIGZAG_BITS;
    int64_t m = sequence_draw_biased(s, 0, limit), n = sequence_draw_biased(s, 0, limit);
    int64_t marker = sequence_draw_biased(s, 0, 255);
    say("%ld %ld %ld", (long)m, (long)n, (long)marker);
    return m >= zigzag_bound && labs((long)(m - n)) == 1;
}

Test(shrink_sequence, zigzag_takes_few_successes)
{
    uint64_t log2_bits = 5, successes_max = 2 * ZIGZAG_BITS * log2_bits + 2;
    struct shrink_stats stats;
    char expected[80];
    for (zigzag_bound = 1; zigzag_bound < 100000; zigzag_bound = zigzag_bound * 7 + 3) {
        snprintf(expected, sizeof expected, "%ld %ld 0", (long)zigzag_bound,
                 (long)zigzag_bound - 1);
        for (uint64_t seed = 1; seed <= 5; seed++) {
            check_one(zigzag, seed, expected, 200, &stats);
            cr_expect_leq(stats.successes, successes_max, "%lu", stats.successes);
        }
    }
}

/* Planted, for random drawing does not find them. Lowered one after the other, each step would be tiny. */
static void check_planted(case_body *body, int64_t a, int64_t b, const char *expected,
                          uint64_t executions_max)
{
    struct sequence *start = sequence_new((int64_t[]){a, b}, 2, BEYOND_OVERRUN, 0);
    struct shrink_case shrink = {.fails = body_fails, .ctx = &body};
    struct shrink_stats stats;
    cr_assert(body(start));
    struct sequence *best = shrink_sequence(&shrink, start, &stats);
    cr_assert(fails_again(body, best));
    cr_expect_str_eq(said, expected, "%s, not %s", said, expected);
    cr_expect_leq(stats.executions, executions_max, "%lu", stats.executions);
    sequence_free(start);
    sequence_free(best);
}

static bool opposite(struct sequence *s)
{
    int64_t a = sequence_draw(s, 0, INT32_MAX), b = sequence_draw(s, INT32_MIN, 0);
    say("%ld %ld", (long)a, (long)b);
    return a >= 10 && labs((long)(a + b)) <= 1;
}

static bool threefold(struct sequence *s)
{
    int64_t a = sequence_draw(s, 0, INT32_MAX), b = sequence_draw(s, 0, INT32_MAX);
    say("%ld %ld", (long)a, (long)b);
    return a >= 10 && labs((long)(a - 3 * b)) <= 3;
}

Test(shrink_sequence, two_that_take_turns_are_lowered_together)
{
    check_planted(opposite, 1000000, -1000000, "10 -9", 300);
    check_planted(opposite, 1999999999, -2000000000, "10 -9", 300);
    check_planted(threefold, 3000000, 1000000, "10 3", 500);
    check_planted(threefold, 1234567891, 411522630, "10 3", 500);
}

/* ---- lists ---- */

static int64_t contained;

static bool containment(struct sequence *s)
{
    int64_t values[LIST_MAX];
    size_t count = draw_list(s, 0, LIST_MAX, INT32_MIN, INT32_MAX, values);
    int64_t wanted = sequence_draw_biased(s, INT32_MIN, INT32_MAX);
    say("in %ld", (long)wanted);
    for (size_t i = 0; i < count; i++)
        if (values[i] == wanted)
            return wanted >= contained;
    return false;
}

Test(shrink_sequence, list_keeps_the_element_that_is_looked_for)
{
    int64_t each[] = {0, 1, 10, 100, 1000};
    char expected[60];
    for (size_t i = 0; i < 5; i++) {
        contained = each[i];
        snprintf(expected, sizeof expected, "%ld in %ld", (long)contained, (long)contained);
        check(containment, expected, 150);
    }
}

static bool sum_of_list(struct sequence *s)
{
    int64_t values[LIST_MAX], sum = 0;
    size_t count = draw_list(s, 0, LIST_MAX, 0, 10000, values);
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum >= 1000;
}

Test(shrink_sequence, list_whose_sum_matters_becomes_one_element)
{
    check(sum_of_list, "1000 ", 600);
}

static bool each_at_its_place(struct sequence *s)
{
    int64_t values[LIST_MAX];
    size_t count = draw_list(s, 20, LIST_MAX, 0, 1000, values);
    for (size_t i = 0; i < count; i++)
        if (values[i] < (int64_t)i)
            return false;
    return true;
}

Test(shrink_sequence, each_element_becomes_its_place)
{
    check(each_at_its_place, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 ", 600);
}

static bool wide_gap(struct sequence *s)
{
    int64_t values[LIST_MAX], min = INT64_MAX, max = INT64_MIN;
    size_t count = draw_list(s, 0, LIST_MAX, INT32_MIN, INT32_MAX, values);
    for (size_t i = 0; i < count; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    return count > 0 && max > min + 10 && min + 10 > 0;
}

Test(shrink_sequence, gap_in_a_list_is_as_narrow_as_it_may_be)
{
    check(wide_gap, "0 11 ", 150);
}

static bool nested_total(struct sequence *s)
{
    int64_t values[LIST_MAX];
    size_t total = 0;
    struct sequence_list outer = {.max = LIST_MAX};
    while (sequence_list_more(s, &outer)) {
        say("[");
        total += draw_list(s, 0, LIST_MAX, 0, 100, values);
        say("]");
    }
    return total >= 5;
}

Test(shrink_sequence, nested_lists_become_one)
{
    check(nested_total, "[0 0 0 0 0 ]", 2000);
}

static bool equal_pair(struct sequence *s)
{
    bool found = false;
    struct sequence_list list = {.max = LIST_MAX};
    while (sequence_list_more(s, &list)) {
        int64_t a = sequence_draw_biased(s, 0, 1000), b = sequence_draw_biased(s, 0, 1000);
        say("(%ld %ld)", (long)a, (long)b);
        found |= a == b;
    }
    return found;
}

Test(shrink_sequence, list_of_pairs_keeps_one_pair)
{
    check(equal_pair, "(0 0)", 600);
}

/* A width that was drawn before: rows of so many letters. */
static bool rectangle(struct sequence *s)
{
    size_t width = (size_t)sequence_draw_biased(s, 0, 10);
    bool found = false;
    struct sequence_list rows = {.max = 20};
    while (sequence_list_more(s, &rows)) {
        size_t letters[10] = {0};
        say("[");
        for (size_t i = 0; i < width; i++) {
            letters[i] = sequence_branch(s, 2);
            say("%c", (int)('a' + (int)letters[i]));
        }
        say("]");
        found |= width == 2 && letters[0] == 0 && letters[1] == 1;
    }
    return found;
}

Test(shrink_sequence, dependent_widths_are_no_obstacle)
{
    check(rectangle, "[ab]", 150);
}

static bool bound5_negative(struct sequence *s)
{
    int64_t values[1], sum = 0;
    for (int i = 0; i < 5; i++) {
        if (draw_list(s, 0, 1, -100, 0, values) == 1)
            sum += values[0];
        say(",");
    }
    return sum < -150;
}

Test(shrink_sequence, two_values_in_different_lists_trade)
{
    check(bound5_negative, ",,,-51 ,-100 ,", 300);
}

/* ---- what it promises ---- */

static bool unused_samples(struct sequence *s)
{
    int64_t value = 1;
    for (int i = 0; i < 5 && value % 2 == 1; i++) {
        sequence_span_begin(s, "sample");
        value = sequence_draw(s, 0, 1000);
        value % 2 == 1 ? sequence_span_discard(s) : sequence_span_end(s);
    }
    say("%ld after %zu", (long)value, sequence_length(s));
    return value % 2 == 0 && value > 100;
}

Test(shrink_sequence, discarded_samples_go)
{
    check(unused_samples, "102 after 1", 60);
}

static bool forced_choice(struct sequence *s)
{
    struct sequence_choice forced = {.hi = 100, .value = 42, .forced = true};
    int64_t a = sequence_draw_as(s, &forced), b = sequence_draw(s, 0, 1000);
    say("%ld %ld", (long)a, (long)b);
    return b >= 7;
}

Test(shrink_sequence, forced_choices_stay)
{
    check(forced_choice, "42 7", 40);
}

static bool everything(struct sequence *s)
{
    int64_t values[LIST_MAX];
    draw_list(s, 0, LIST_MAX, 0, 100, values);
    return true;
}

Test(shrink_sequence, simplest_case_that_fails_is_found_at_once)
{
    struct sequence *start = first_failing(everything, 3);
    case_body *body = everything;
    struct shrink_stats stats;
    struct shrink_case shrink = {.fails = body_fails, .ctx = &body};
    struct sequence *best = shrink_sequence(&shrink, start, &stats);
    cr_expect_eq(sequence_length(best), 1);
    cr_expect_eq(stats.executions, 1);
    sequence_free(start);
    sequence_free(best);
}

struct watched {
    case_body *body;
    struct sequence *best; /* a copy */
    uint64_t executions, not_simpler, stop_after;
};

static bool watched_fails(void *ctx, struct sequence *s)
{
    struct watched *watched = ctx;
    bool fails = watched->body(s);
    watched->executions += !sequence_overrun(s);
    return fails;
}

static void watched_better(void *ctx, const struct sequence *best)
{
    struct watched *watched = ctx;
    watched->not_simpler +=
        sequence_compare(sequence_choices(best), sequence_length(best),
                         sequence_choices(watched->best), sequence_length(watched->best)) >= 0;
    sequence_free(watched->best);
    watched->best = sequence_copy(best);
}

static bool watched_stop(void *ctx)
{
    struct watched *watched = ctx;
    return watched->stop_after > 0 && watched->executions >= watched->stop_after;
}

static struct sequence *shrink_watched(struct watched *watched, uint64_t executions_max,
                                       struct shrink_stats *ret_stats)
{
    struct sequence *start = first_failing(watched->body, 5);
    struct shrink_case shrink = {.fails = watched_fails,
                                 .ctx = watched,
                                 .stop = watched_stop,
                                 .better = watched_better,
                                 .executions_max = executions_max};
    watched->best = sequence_copy(start);
    struct sequence *best = shrink_sequence(&shrink, start, ret_stats);
    sequence_free(watched->best);
    sequence_free(start);
    return best;
}

Test(shrink_sequence, each_new_best_is_simpler_and_each_execution_is_counted)
{
    struct watched watched = {.body = each_at_its_place};
    struct shrink_stats stats;
    struct sequence *best = shrink_watched(&watched, 0, &stats);
    cr_expect_eq(watched.not_simpler, 0);
    cr_expect_eq(watched.executions, stats.executions);
    cr_expect_gt(stats.successes, 10);
    cr_expect_gt(stats.repeated, 0);
    sequence_free(best);
}

Test(shrink_sequence, it_stops_at_a_limit_or_when_told_and_keeps_the_best_so_far)
{
    struct watched watched = {.body = each_at_its_place}, told = watched;
    struct shrink_stats stats;
    struct sequence *best = shrink_watched(&watched, 25, &stats);
    cr_expect_eq(stats.executions, 25);
    cr_expect_not(stats.finished);
    cr_expect(fails_again(each_at_its_place, best));
    sequence_free(best);
    told.stop_after = 10;
    best = shrink_watched(&told, 0, &stats);
    cr_expect_eq(stats.executions, 10);
    cr_expect_not(stats.finished);
    cr_expect(fails_again(each_at_its_place, best));
    sequence_free(best);
}

Test(shrink_sequence, same_start_same_seed_same_way)
{
    struct watched a = {.body = rectangle}, b = a;
    struct shrink_stats stats_a, stats_b;
    struct sequence *best_a = shrink_watched(&a, 0, &stats_a);
    struct sequence *best_b = shrink_watched(&b, 0, &stats_b);
    cr_expect_eq(memcmp(&stats_a, &stats_b, offsetof(struct shrink_stats, finished)), 0);
    sequence_free(best_a);
    sequence_free(best_b);
}

/* ---- nothing is executed twice ---- */

enum { LOG_MAX = 500 };
static int64_t executed[LOG_MAX][2];
static size_t executed_count;

static bool logged_pair(struct sequence *s)
{
    int64_t a = sequence_draw_biased(s, 0, 500), b = sequence_draw_biased(s, 0, 500);
    if (!sequence_overrun(s) && executed_count < LOG_MAX) {
        executed[executed_count][0] = a;
        executed[executed_count++][1] = b;
    }
    return a * b > 12345;
}

Test(shrink_sequence, no_case_is_executed_twice)
{
    struct watched watched = {.body = logged_pair};
    struct sequence *start = first_failing(logged_pair, 1);
    struct shrink_case shrink = {.fails = watched_fails, .ctx = &watched};
    struct shrink_stats stats;
    executed_count = 0;
    struct sequence *best = shrink_sequence(&shrink, start, &stats);
    cr_expect_eq(executed_count, stats.executions);
    for (size_t i = 0; i < executed_count; i++)
        for (size_t k = 0; k < i; k++)
            cr_expect_neq(memcmp(executed[i], executed[k], sizeof executed[i]), 0, "%ld %ld",
                          (long)executed[i][0], (long)executed[i][1]);
    cr_expect_eq(sequence_choices(best)[0].value, 25, "25 * 500 is the first above 12345");
    sequence_free(start);
    sequence_free(best);
}
