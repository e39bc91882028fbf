/* Generators keep their promises: ranges, sizes, differences, valid text. */
#include "harness/json.h"
#include "properties/prop.h"

#include <float.h>
#include <math.h>
#include <string.h>

PROPERTY(gen, numbers_stay_in_their_range, .runs = 1000)
{
    struct gen *gen = prop_gen();
    int64_t lo = prop_int("lo", INT64_MIN, INT64_MAX), hi = prop_int("hi", lo, INT64_MAX);
    int64_t value = prop_int("value", lo, hi);
    uint64_t from = prop_unsigned("from", 0, UINT64_MAX),
             to = prop_unsigned("to", from, UINT64_MAX);
    uint64_t natural = prop_unsigned("natural", from, to);
    prop_cover(5, value == lo || value == hi, "a bound");
    prop_cover(5, natural > INT64_MAX, "beyond INT64_MAX");
    prop_assert(value >= lo && value <= hi && natural >= from && natural <= to);
    int64_t uniform = gen_uniform(gen, lo, hi);
    prop_assert(uniform >= lo && uniform <= hi);
}

PROPERTY(gen, reals_stay_in_their_range, .runs = 1000)
{
    double lo = prop_real("lo", &(struct gen_reals){-1e6, 1e6, false, false});
    double hi = prop_real("hi", &(struct gen_reals){lo, 2e6, false, false});
    prop_assume(lo != 0 || hi != 0);
    double value = prop_real("value", &(struct gen_reals){lo, hi, false, false});
    prop_assert(value >= lo && value <= hi);
    double any = prop_real("any", &(struct gen_reals){0});
    prop_cover(10, any == floor(any), "whole");
    prop_cover(5, fabs(any) < 1 && any != 0, "small");
    prop_assert(isfinite(any));
}

PROPERTY(gen, text_is_valid_and_as_long_as_promised, .runs = 500)
{
    size_t min = (size_t)prop_int("min", 0, 10), max = (size_t)prop_int("max", (int64_t)min, 30);
    char *text = prop_text("text", NULL, min, max);
    size_t letters = 0;
    for (const char *at = text; *at; letters++) {
        unsigned length = utf8_length(at);
        prop_assert(length > 0, "not UTF-8 at %td", at - text);
        at += length;
    }
    prop_classify(strlen(text) > letters, "beyond ASCII");
    prop_assert(letters >= min && letters <= max, "%zu letters", letters);
}

PROPERTY(gen, sets_and_maps_have_no_twins)
{
    struct ints set = prop_unique("set", 2, 20, 0, 30);
    struct gen_entries map = prop_map("map", 0, 10, 0, 3);
    for (size_t i = 0; i < set.count; i++)
        for (size_t k = 0; k < i; k++)
            prop_assert(set.items[i] != set.items[k]);
    for (size_t i = 0; i < map.count; i++)
        for (size_t k = 0; k < i; k++)
            prop_assert(strcmp(map.items[i].key, map.items[k].key) != 0);
    prop_assert(set.count >= 2 && set.count <= 20);
}

PROPERTY(gen, permutation_has_each_number_once)
{
    struct ints order = prop_permutation("order", (size_t)prop_int("count", 0, 40));
    uint64_t seen = 0;
    for (size_t i = 0; i < order.count; i++)
        seen |= UINT64_C(1) << order.items[i];
    prop_assert(seen == (UINT64_C(1) << order.count) - 1);
}

PROPERTY(gen, durations_stay_in_their_range)
{
    int64_t lo = prop_duration("lo", 0, INT64_C(3600000000000));
    int64_t hi = prop_duration("hi", lo, INT64_C(7200000000000));
    int64_t value = prop_duration("value", lo, hi);
    prop_assert(value >= lo && value <= hi);
}

static int tree_depth(struct gen *gen, unsigned level, unsigned depth)
{
    int deepest = 0;
    gen_begin(gen, "tree");
    if (gen_grow(gen, level, depth, 2, 3) == 2)
        for (int i = 0; i < 2; i++) {
            int below = 1 + tree_depth(gen, level + 1, depth);
            deepest = below > deepest ? below : deepest;
        }
    gen_end(gen);
    return deepest;
}

PROPERTY(gen, trees_end_at_their_depth, .runs = 500)
{
    int64_t depth = prop_int("depth", 0, 8);
    int deepest = tree_depth(prop_gen(), 0, (unsigned)depth);
    prop_label("depth %d", deepest);
    prop_cover(1, deepest >= 3, "three levels or more");
    prop_assert(deepest <= depth);
}

PROPERTY(gen, weights_are_kept)
{
    size_t which = GEN_WEIGHTED(prop_gen(), 1, 0, 9);
    prop_cover(70, which == 2, "the heavy one");
    prop_assert(which != 1, "of no weight");
}
