/* Property tests from the command line: running, listing, failing, replaying. The two below are of this program alone:
 * one holds, one fails. */
#include "harness/test/fake_system.h"
#include "properties/prop.h"

TestSuite(cli_property, .init = place_enter, .fini = place_leave);

PROPERTY(cli_rig, holds)
{
    int64_t n = prop_int("n", 0, 100);
    prop_classify(n == 0, "nothing");
}

PROPERTY(cli_rig, fails)
{
    int64_t n = prop_int("n", 0, 100000);
    prop_note("n was looked at");
    prop_assert(n < 77, "too large");
}

static bool says(const char *text)
{
    return strstr(said, text) != NULL;
}

Test(cli_property, listed)
{
    cr_assert_eq(duress("list properties"), 0);
    cr_assert(says("property:cli_rig/fails") && says("test_cli_property.c:"), "%s", said);
    cr_assert_eq(duress("list properties --json"), 0);
    cr_assert(says("\"property:cli_rig/holds\"") && says("\"property test\""), "%s", said);
}

Test(cli_property, one_that_holds)
{
    cr_assert_eq(duress("run property:cli_rig/holds --seed 7 --runs 50"), 0, "%s", said);
    cr_assert(says("seed 0x7  1 property test\n") && says("held  cli_rig/holds"), "%s", said);
    cr_assert(says("50 cases") && says("% nothing") && says("1 held, 0 failed"), "%s", said);
}

Test(cli_property, failure_is_told_and_its_line_reproduces_it)
{
    cr_assert_eq(duress("run property:cli_rig/* --seed 7"), 1, "%s", said);
    cr_assert(says("1 held, 1 failed") && says("n = 77\n") && says("n was looked at"), "%s", said);
    char *line = strstr(said, " replay property:cli_rig/fails --case 1:1:77\n");
    cr_assert_not_null(line, "%s", said);
    cr_assert_eq(duress("replay property:cli_rig/fails --case 1:1:77"), 1);
    cr_assert(says("n = 77\n") && says("n < 77: too large"), "%s", said);
    cr_assert_eq(duress("replay property:cli_rig/fails --case 1:1:76"), 0);
    cr_assert(says("held") && says("n = 76\n"), "%s", said);
}

Test(cli_property, same_seed_same_cases)
{
    char first[256];
    cr_assert_eq(duress("run property:cli_rig/fails --seed 0x1234"), 1);
    snprintf(first, sizeof first, "%.200s", strstr(said, "failed first"));
    setenv("DURESS_PROPERTIES", "elsewhere", 1); /* where it is not yet known */
    cr_assert_eq(duress("run property:cli_rig/fails --seed 0x1234"), 1);
    cr_assert_not_null(strstr(said, first), "not '%s' in\n%s", first, said);
    unsetenv("DURESS_PROPERTIES");
}

Test(cli_property, known_failure_comes_first)
{
    cr_assert_eq(duress("run property:cli_rig/fails --seed 1"), 1);
    cr_assert_eq(access("build/properties/cli_rig.fails.cases", F_OK), 0);
    cr_assert_eq(duress("run property:cli_rig/fails --seed 2"), 1);
    cr_assert(says("a known case, seed 0x2"), "%s", said);
}

static void refuses(const char *line, const char *text)
{
    int code = duress(line);
    cr_assert_eq(code, 4, "%s: exit code %d\n%s", line, code, said);
    cr_assert(says(text), "%s: '%s' is missing in:\n%s", line, text, said);
}

Test(cli_property, mistakes_are_explained)
{
    refuses("run property:cli_rig/hold", "did you mean 'cli_rig/holds'?");
    refuses("run property:nothing/at/all", "duress list properties");
    refuses("run property:cli_rig/holds s", "'s' is no property test");
    refuses("run property:cli_rig/holds --shard 1/2", "--shard is for scenarios");
    refuses("run property:cli_rig/holds --out r", "--out is for scenarios");
    refuses("replay property:cli_rig/holds", "needs --case");
    refuses("replay property:cli_rig/holds --case 1:2:3", "does not hold the 2 numbers");
    refuses("replay property:cli_rig/holds --case rubbish", "is no case");
}

PROPERTY(cli_crash, aborts)
{
    if (prop_int("n", 0, 100000) >= 77)
        abort();
}

Test(cli_property, crash_is_found_again_and_shrinks)
{
    cr_assert_eq(duress("run property:cli_crash/aborts --seed 7"), 1, "%s", said);
    cr_assert(says("the process died; again") && says("n = 77\n  SIGABRT") &&
                  says("0 held, 1 failed"),
              "%s", said);
    cr_assert_eq(duress("replay property:cli_crash/aborts --case 1:1:77"), 1);
    cr_assert(says("n = 77\n  SIGABRT"), "%s", said);
}
