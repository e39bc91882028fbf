/* Seeds: reading them, and deriving those of the runs. */
#include "harness/seed.h"

#include <criterion/criterion.h>
#include <string.h>

static char why[256];

static uint64_t parsed(const char *text)
{
    uint64_t seed = 0;
    cr_assert_eq(seed_parse(text, &seed, why, sizeof why), 0, "%s", text);
    return seed;
}

Test(seed, decimal_and_hex)
{
    cr_assert_eq(parsed("0"), 0);
    cr_assert_eq(parsed("42"), 42);
    cr_assert_eq(parsed("010"), 10, "no octal");
    cr_assert_eq(parsed("18446744073709551615"), UINT64_MAX);
    cr_assert_eq(parsed("0x1f"), 31);
    cr_assert_eq(parsed("0XfFfFfFfFfFfFfFfF"), UINT64_MAX);
}

Test(seed, a_commit_hash_is_folded)
{
    const char *hash = "0123456789abcdef0123456789abcdef01234567";
    uint64_t seed = parsed(hash);
    cr_assert_neq(seed, 0);
    cr_assert_eq(seed, parsed("0123456789ABCDEF0123456789ABCDEF01234567"), "in any case");
    cr_assert_neq(seed, parsed("1123456789abcdef0123456789abcdef01234567"),
                  "the first digit counts");
    cr_assert_neq(seed, parsed("0123456789abcdef0123456789abcdef01234566"), "so does the last");
}

Test(seed, what_is_none)
{
    static const char *const wrong[] = {
        "",
        "x",
        "-1",
        "+1",
        " 1",
        "1 ",
        "12ab",
        "0x",
        "0xg",
        "1.5",
        "18446744073709551616",
        "0x10000000000000000",
        "0123456789abcdef0123456789abcdef0123456",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint64_t seed = 77;
        cr_assert_neq(seed_parse(wrong[i], &seed, why, sizeof why), 0, "'%s'", wrong[i]);
        cr_assert_eq(seed, 77, "untouched");
        cr_assert(strstr(why, wrong[i]), "it says what was wrong: %s", why);
    }
}

Test(seed, runs_of_a_suite_differ)
{
    for (uint64_t i = 0; i < 1000; i++)
        for (uint64_t k = 0; k < i; k++)
            cr_assert_neq(seed_of(7, i), seed_of(7, k));
    cr_assert_neq(seed_of(7, 0), seed_of(8, 0));
    cr_assert_neq(seed_of(7, 1), seed_of(8, 0), "neighbouring suites do not overlap");
}

Test(seed, derivation_is_fixed_for_ever)
{
    cr_assert_eq(seed_of(7, 0), UINT64_C(0xb8b4c2977eabce45));
    cr_assert_eq(seed_of(7, 1), UINT64_C(0x27e8ac81e7bc3b89));
}
