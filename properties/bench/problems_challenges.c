/* problems_challenges.c: the published shrinking challenges, and two that no library solves. */
#include "properties/bench/problems.h"

#include <stdlib.h>

enum { LIST_MAX = 60 };

static size_t draw_list(struct sequence *s, size_t max, int64_t lo, int64_t hi, int64_t *values)
{
    struct sequence_list list = {.max = max};
    while (sequence_list_more(s, &list))
        values[list.count - 1] = sequence_draw_biased(s, lo, hi);
    return list.count;
}

/* ---- bound5: five lists of 16-bit integers; the sum of all wraps around ---- */

static int16_t wrapped_sum(const int64_t *values, size_t count)
{
    uint16_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum = (uint16_t)(sum + (uint16_t)values[i]);
    return (int16_t)sum;
}

/* One whose sum is below 256; three attempts, as filters elsewhere have. */
static size_t draw_bounded(struct sequence *s, size_t max, int64_t *values)
{
    for (int attempt = 0; attempt < 3; attempt++) {
        sequence_span_begin(s, "bounded");
        size_t count = draw_list(s, max, INT16_MIN, INT16_MAX, values);
        if (wrapped_sum(values, count) < 256) {
            sequence_span_end(s);
            return count;
        }
        sequence_span_discard(s);
    }
    sequence_give_up(s);
    return 0;
}

static bool bound5(struct sequence *s, struct saying *saying, size_t max)
{
    int64_t all[5 * 10];
    size_t count = 0;
    for (int i = 0; i < 5; i++) {
        size_t more = draw_bounded(s, max, all + count);
        saying_add(saying, "%s", i > 0 ? "," : "");
        saying_add_list(saying, all + count, more);
        count += more;
    }
    return wrapped_sum(all, count) >= 1280;
}

static bool bound5_max1(struct sequence *s, struct saying *saying)
{
    return bound5(s, saying, 1);
}

static bool bound5_max10(struct sequence *s, struct saying *saying)
{
    return bound5(s, saying, 10);
}

/* ---- lists ---- */

static bool reverse(struct sequence *s, struct saying *saying)
{
    int64_t values[LIST_MAX];
    size_t count = draw_list(s, LIST_MAX, INT64_MIN, INT64_MAX, values);
    saying_add_list(saying, values, count);
    for (size_t i = 0; i < count; i++)
        if (values[i] != values[count - 1 - i])
            return true;
    return false;
}

static bool lengthlist(struct sequence *s, struct saying *saying)
{
    int64_t values[100], max = 0;
    size_t n = (size_t)sequence_draw_biased(s, 1, 100);
    struct sequence_list list = {.min = n, .max = n};
    while (sequence_list_more(s, &list)) {
        values[list.count - 1] = sequence_draw_biased(s, 0, 1000);
        max = values[list.count - 1] > max ? values[list.count - 1] : max;
    }
    saying_add_list(saying, values, n);
    return max >= 900;
}

static bool coupling(struct sequence *s, struct saying *saying)
{
    int64_t values[LIST_MAX];
    size_t count = draw_list(s, LIST_MAX, 0, 10, values);
    saying_add_list(saying, values, count);
    for (size_t i = 0; i < count; i++)
        if (values[i] >= (int64_t)count)
            return false;
    for (size_t i = 0; i < count; i++) {
        size_t k = (size_t)values[i];
        if (i != k && (size_t)values[k] == i)
            return true;
    }
    return false;
}

static bool distinct(struct sequence *s, struct saying *saying)
{
    int64_t values[LIST_MAX];
    size_t count = draw_list(s, LIST_MAX, INT64_MIN, INT64_MAX, values), different = 0;
    saying_add_list(saying, values, count);
    for (size_t i = 0; i < count; i++) {
        bool is_new = true;
        for (size_t k = 0; k < i; k++)
            is_new &= values[k] != values[i];
        different += is_new;
    }
    return different >= 3;
}

static bool replacement(struct sequence *s, struct saying *saying)
{
    int64_t values[LIST_MAX];
    int64_t product = sequence_draw_biased(s, 0, 1000000);
    saying_add(saying, "%ld,", (long)product);
    size_t count = draw_list(s, LIST_MAX, 2, 10, values);
    saying_add_list(saying, values, count);
    for (size_t i = 0; i < count && product < 1000000; i++)
        product *= values[i];
    return product >= 1000000;
}

/* ---- calculator: a sum or a quotient of expressions, or a number; no literal division by zero ---- */

struct value {
    int64_t number;
    bool is_literal_zero, divides_by_zero, is_rejected;
};

static struct value quotient(struct value a, struct value b)
{
    struct value result = {.divides_by_zero = a.divides_by_zero || b.divides_by_zero,
                           .is_rejected = a.is_rejected || b.is_rejected || b.is_literal_zero};
    if (result.divides_by_zero || result.is_rejected)
        return result;
    if (b.number == 0)
        result.divides_by_zero = true;
    else
        result.number = b.number == -1 ? (int64_t)(0 - (uint64_t)a.number) : a.number / b.number;
    return result;
}

static struct value sum(struct value a, struct value b)
{
    return (struct value){.number = (int64_t)((uint64_t)a.number + (uint64_t)b.number),
                          .divides_by_zero = a.divides_by_zero || b.divides_by_zero,
                          .is_rejected = a.is_rejected || b.is_rejected};
}

static struct value expression(struct sequence *s, struct saying *saying)
{
    struct value value = {0};
    sequence_span_begin(s, "expression");
    size_t which = sequence_branch(s, 3);
    if (which == 0 || sequence_overrun(s)) {
        value.number = sequence_draw_biased(s, INT64_MIN, INT64_MAX);
        value.is_literal_zero = value.number == 0;
        saying_add(saying, "%ld", (long)value.number);
    } else {
        saying_add(saying, "(%c ", which == 1 ? '+' : '/');
        struct value a = expression(s, saying);
        saying_add(saying, " ");
        struct value b = expression(s, saying);
        saying_add(saying, ")");
        value = which == 1 ? sum(a, b) : quotient(a, b);
    }
    sequence_span_end(s);
    return value;
}

static bool calculator(struct sequence *s, struct saying *saying)
{
    struct value value = expression(s, saying);
    return value.divides_by_zero && !value.is_rejected;
}

/* ---- difference: two numbers that must move together ---- */

static bool difference(struct sequence *s, struct saying *saying, uint64_t least, uint64_t most)
{
    int64_t a = sequence_draw_biased(s, 1, INT32_MAX), b = sequence_draw_biased(s, 1, INT32_MAX);
    saying_add(saying, "%ld,%ld", (long)a, (long)b);
    uint64_t apart = (uint64_t)llabs(a - b);
    return a >= 10 && apart >= least && apart <= most;
}

static bool difference_zero(struct sequence *s, struct saying *saying)
{
    return difference(s, saying, 0, 0);
}

static bool difference_small(struct sequence *s, struct saying *saying)
{
    return difference(s, saying, 1, 4);
}

static bool difference_one(struct sequence *s, struct saying *saying)
{
    return difference(s, saying, 1, 1);
}

/* ---- open ones ---- */

/* The first alternative is simpler, and fails for one value in twenty only. */
static bool branch_switch(struct sequence *s, struct saying *saying)
{
    size_t branch = sequence_branch(s, 3);
    bool first = branch == 0;
    int64_t y =
        first ? sequence_draw_biased(s, 0, 9999) : sequence_draw_biased(s, INT64_MIN, INT64_MAX);
    saying_add(saying, "%c %ld", (int)('A' + (int)branch), (long)y);
    return first ? y >= 9000 && y <= 9500 : y != 0;
}

/* The same, after numbers that do not matter. */
static bool late_divergence(struct sequence *s, struct saying *saying)
{
    for (int i = 0; i < 3; i++)
        saying_add(saying, "%ld ", (long)sequence_draw_biased(s, 0, 1000));
    return branch_switch(s, saying);
}

static bool product(struct sequence *s, struct saying *saying)
{
    int64_t values[LIST_MAX], product = 1;
    size_t count = draw_list(s, LIST_MAX, 1, 100, values);
    saying_add_list(saying, values, count);
    for (size_t i = 0; i < count && product < 5000; i++)
        product *= values[i];
    return product >= 5000;
}

const struct problem challenges[] = {
    {"bound5 (max 1)", GROUP_CHALLENGE, bound5_max1, "[],[],[],[-1],[-32768]", 125.6, 100},
    {"bound5 (max 10)", GROUP_CHALLENGE, bound5_max10, "[],[],[],[-1],[-32768]", 251.1, 83},
    {"reverse", GROUP_CHALLENGE, reverse, "[0,1]", 10.6, 100},
    {"calculator", GROUP_CHALLENGE, calculator, "(/ 0 (+ 0 0))", 60.0, 100},
    {"lengthlist", GROUP_CHALLENGE, lengthlist, "[900]", 92.7, 100},
    {"difference zero", GROUP_CHALLENGE, difference_zero, "10,10", 28.1, 100},
    {"difference small", GROUP_CHALLENGE, difference_small, "10,6", 41.4, 100},
    {"difference one", GROUP_CHALLENGE, difference_one, "10,9", 38.4, 100},
    {"coupling", GROUP_CHALLENGE, coupling, "[1,0]", 39.9, 28},
    {"distinct", GROUP_CHALLENGE, distinct, "[0,1,-1]", 35.4, 100},
    {"replacement", GROUP_CHALLENGE, replacement, "1000000,[]", 462.5, 27},
    {"branch switch", GROUP_OPEN, branch_switch, "A 9000", 9.7, 0, 60},
    {"late divergence", GROUP_OPEN, late_divergence, "0 0 0 A 9000", 15.7, 7, 60},
    {"product", GROUP_OPEN, product, "[50,100]", 61.7, 0},
};
const size_t challenge_count = sizeof challenges / sizeof challenges[0];
