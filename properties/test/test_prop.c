/* Properties that fail, each in its own way; and tests that are no good, each for its own reason. */
#define _GNU_SOURCE
#include "properties/test/prop_rig.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- ways to fail, and the minimal cases ---- */

static void reversed(void)
{
    struct ints list = prop_ints("list", 0, 20, -1000, 1000);
    for (size_t i = 0; i < list.count; i++)
        prop_assert(list.items[i] == list.items[list.count - 1 - i], "at %zu", i);
}

static void big(void)
{
    int64_t a = prop_int("a", INT64_MIN, INT64_MAX), b = prop_int("b", 0, 10);
    prop_note("b is of no interest");
    prop_assert(a < 1000);
    (void)b;
}

static void not_allowed(void)
{
    char *text = prop_text("text", NULL, 0, 40);
    prop_assert(strchr(text, 'q') == NULL, "a q");
}

static void beyond(void)
{
    double x = prop_real("x", &(struct gen_reals){0});
    prop_assert(!(x > 1000.5));
}

static void not_a_number(void)
{
    double x = prop_real("x", &(struct gen_reals){.nan = true});
    prop_assert(x == x);
}

Test(prop, failures_shrink_to_the_minimal_case)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        rig_fails(RIG_PROP(reversed, .runs = 1000), seed, "    list = [0, 1]\n");
        rig_fails(RIG_PROP(big, .runs = 1000), seed,
                  "    a = 1000\n    b = 0\n    b is of no interest\n");
        rig_fails(RIG_PROP(not_allowed, .runs = 5000), seed, "    text = \"q\"\n");
        rig_fails(RIG_PROP(beyond, .runs = 1000), seed, "    x = 1001\n");
        rig_fails(RIG_PROP(not_a_number, .runs = 5000), seed, "    x = nan\n");
    }
}

static void wrong(void)
{
    prop_fail("after %d steps", 3);
}

Test(prop, report_says_where_what_and_how_to_reproduce)
{
    struct prop_result result = rig_run(RIG_PROP(wrong), 0x1f);
    cr_assert_eq(result.verdict, PROP_FAILED);
    cr_assert_not_null(strstr(result.report, "property rig/wrong failed\n"));
    cr_assert_not_null(strstr(result.report, "case 1, seed 0x1f"));
    cr_assert_not_null(strstr(result.report, "test_prop.c:"));
    cr_assert_not_null(strstr(result.report, ": after 3 steps"));
    cr_assert_not_null(strstr(result.report, "reproduce: replay rig/wrong 1:0:\n"), "%s",
                       result.report);
    prop_result_done(&result);
}

static void two_places(void)
{
    int64_t n = prop_int("n", 0, 1000);
    prop_assert(n < 500, "the far one");
    prop_assert(n < 10, "the near one");
}

Test(prop, shrinking_stays_with_its_failure)
{
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct prop_result result = rig_run(RIG_PROP(two_places), seed);
        bool far = strstr(result.report, "the far one") != NULL;
        bool near = strstr(result.report, "the near one") != NULL;
        cr_assert(far != near, "%s", result.report);
        cr_assert_not_null(strstr(result.report, far ? "n = 500\n" : "n = 10\n"));
        prop_result_done(&result);
    }
}

/* ---- memory and clean-up ---- */

static int cleaned;

static void clean(void *arg)
{
    cleaned += *(int *)arg;
}

static void leaves_early(void)
{
    int *one = prop_alloc(sizeof *one);
    *one = 1;
    prop_defer(clean, one);
    prop_assume(prop_bool("yes"));
}

Test(prop, what_was_deferred_is_done_however_the_case_ends)
{
    cleaned = 0;
    struct prop_result result = rig_run(RIG_PROP(leaves_early), 1);
    cr_assert_eq(result.verdict, PROP_HELD, "%s", result.report);
    cr_assert_eq(cleaned, (int)(result.cases + result.discarded + 1)); /* one was run twice */
    prop_result_done(&result);
}

/* ---- a child per case ---- */

static void crashes(void)
{
    struct bytes bytes = prop_bytes("bytes", 0, 30);
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] >= 100)
            raise(SIGSEGV);
}

static void aborts(void)
{
    if (prop_int("n", 0, 1000) > 70)
        abort();
}

static void exits(void)
{
    if (prop_int("n", 0, 1000) > 70)
        exit(3);
}

static void spins(void)
{
    if (prop_int("n", 0, 1000) > 70)
        for (volatile int i = 0;; i++)
            ;
}

static void is_killed(void)
{
    if (prop_int("n", 0, 1000) > 70)
        kill(getpid(), SIGKILL);
}

static void breaks(void)
{
    prop_assert(prop_int("n", 0, 1000) <= 70, "too much");
}

Test(prop, deaths_in_a_child_are_failures_that_shrink)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        rig_fails(RIG_PROP(crashes, .isolate = true), seed, "    bytes = {0x64}\n");
        rig_fails(RIG_PROP(aborts, .isolate = true), seed, "    n = 71\n  SIGABRT");
        rig_fails(RIG_PROP(exits, .isolate = true), seed,
                  "    n = 71\n  the process ended with status 3");
        rig_fails(RIG_PROP(is_killed, .isolate = true), seed, "    n = 71\n  SIGKILL");
        rig_fails(RIG_PROP(breaks, .isolate = true), seed, "    n = 71\n");
    }
}

static struct prop_result replayed(const struct prop *prop, const char *text)
{
    struct prop_config config = rig_config(1);
    config.case_text = text;
    return prop_run(prop, &config);
}

Test(prop, endless_loop_in_a_child_ends)
{
    struct prop_result result =
        replayed(RIG_PROP(spins, .isolate = true, .limit_ns = 300000000), "1:1:71");
    cr_assert_eq(result.verdict, PROP_FAILED);
    cr_assert_not_null(strstr(result.report, "    n = 71\n  endless loop"), "%s", result.report);
    prop_result_done(&result);
}

/* ---- health ---- */

static void hardly_ever(void)
{
    prop_assume(prop_int("n", 0, 1000000) == 4711);
}

static void slow(void)
{
    for (int i = 0; i < 3000; i++)
        prop_bool(NULL);
}

static void large(void)
{
    for (int i = 0; i < 10000; i++)
        prop_bool(NULL);
}

static int calls;

static void flaky(void)
{
    int64_t n = prop_int("n", 0, 100);
    prop_assert(n < 10 || ++calls % 3);
}

static void draws_by_static_state(void)
{
    for (int i = 0; i < calls % 7; i++)
        prop_bool(NULL);
    calls++;
}

static void fault_of_no_effect(void)
{
    struct prop_case *executed = prop_current();
    prop_fault("never");
    executed->outcome->faults = 0;
}

static void waits_only(void *arg)
{
    (void)arg;
    prop_yield();
    prop_current()->outcome->switches = 0;
}

static void switch_of_no_effect(void)
{
    prop_spawn("a", waits_only, NULL);
    prop_spawn("b", waits_only, NULL);
    prop_join();
    prop_current()->outcome->switches = 0;
}

static void covered(void)
{
    int64_t n = prop_int("n", 0, 99);
    prop_cover(90, n < 5, "tiny");
    prop_cover(1, n >= 0, "all");
}

Test(prop, each_health_check_fires_and_can_be_switched_off)
{
    static const struct {
        void (*body)(void);
        enum health health;
        unsigned ignore;
    } cases[] = {
        {hardly_ever, HEALTH_MANY_DISCARDS, PROP_IGNORE(MANY_DISCARDS)},
        {slow, HEALTH_SLOW, PROP_IGNORE(SLOW)},
        {large, HEALTH_LARGE, PROP_IGNORE(LARGE) | PROP_IGNORE(MANY_DISCARDS)},
        {draws_by_static_state, HEALTH_FLAKY, PROP_IGNORE(FLAKY)},
        {fault_of_no_effect, HEALTH_FAULT_NEVER_FIRED, PROP_IGNORE(FAULT_NEVER_FIRED)},
        {switch_of_no_effect, HEALTH_NEVER_SWITCHED, PROP_IGNORE(NEVER_SWITCHED)},
        {covered, HEALTH_UNCOVERED, PROP_IGNORE(UNCOVERED)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct prop prop = *RIG_PROP(wrong);
        prop.body = cases[i].body;
        rig_unhealthy(&prop, cases[i].health);
        prop.ignore = cases[i].ignore;
        rig_holds(&prop, 1);
    }
}

Test(prop, flaky_failure_is_told_with_its_rate)
{
    calls = 0;
    struct prop_result result = rig_run(RIG_PROP(flaky), 1);
    cr_assert_eq(result.verdict, PROP_UNHEALTHY);
    cr_assert_eq(result.health, HEALTH_FLAKY);
    cr_assert_not_null(strstr(result.report, "reproduced 3/10"), "%s", result.report);
    prop_result_done(&result);
}

Test(prop, labels_are_counted)
{
    struct prop_result result = rig_run(RIG_PROP(covered, .ignore = PROP_IGNORE(UNCOVERED)), 1);
    cr_assert_eq(result.label_count, 2);
    cr_assert_str_eq(result.labels[1].text, "all");
    cr_assert_eq(result.labels[1].hits, result.cases);
    cr_assert_lt(result.labels[0].hits, result.cases);
    prop_result_done(&result);
}

/* ---- limits, targets, replay ---- */

Test(prop, shrinking_that_was_cut_short_says_so)
{
    struct prop_config config = rig_config(3);
    config.shrink_executions = 3;
    struct prop_result result = prop_run(RIG_PROP(reversed, .runs = 1000), &config);
    cr_assert_eq(result.verdict, PROP_FAILED);
    cr_assert_not_null(strstr(result.report, "stopped early"), "%s", result.report);
    cr_assert_leq(result.shrink.executions, 3);
    prop_result_done(&result);
}

static void sum_is_small(void)
{
    struct ints list = gen_ints(prop_gen(), 0, 20, 0, 1000);
    int64_t sum = 0;
    for (size_t i = 0; i < list.count; i++)
        sum += list.items[i];
    prop_target((double)sum, "sum");
}

static void sum_without_target(void)
{
    struct ints list = gen_ints(prop_gen(), 0, 20, 0, 1000);
    double sum = 0;
    for (size_t i = 0; i < list.count; i++)
        sum += (double)list.items[i];
    prop_label("%s", sum > 12000 ? "much" : "little");
}

Test(prop, target_is_climbed)
{
    struct prop_result climbed = rig_run(RIG_PROP(sum_is_small, .runs = 4000), 1);
    struct prop_result random = rig_run(RIG_PROP(sum_without_target, .runs = 4000), 1);
    cr_assert_gt(climbed.target, 12000);
    cr_assert_eq(random.label_count, 1, "chance alone gets there, too");
    prop_result_done(&climbed);
    prop_result_done(&random);
}

static void labelled(void)
{
    int64_t n = gen_uniform(prop_gen(), 0, 9);
    prop_classify(n == 3, "three");
    prop_label(n < 7 ? "most" : "some");
    prop_classify(true, "all");
}

Test(prop, labels_are_told_with_their_shares_the_most_frequent_first)
{
    struct prop_result result = rig_run(RIG_PROP(labelled, .runs = 1000), 1);
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    prop_print_statistics(&result, out);
    fclose(out);
    const char *words[] = {"1000 cases", "100.0 % all", " % most", " % some", " % three"};
    const char *at = text;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        cr_assert_not_null(at = strstr(at, words[i]), "%s is not where it belongs: %s", words[i],
                           text);
    free(text);
    prop_result_done(&result);
}

Test(prop, case_replays_what_was_found)
{
    const struct prop *prop = RIG_PROP(reversed, .runs = 1000);
    struct prop_result found = rig_run(prop, 5), again = replayed(prop, found.failing_case);
    cr_assert_eq(again.verdict, PROP_FAILED);
    cr_assert_not_null(strstr(again.report, "list = [0, 1]"));
    prop_result_done(&found);
    prop_result_done(&again);
}

Test(prop, bad_cases_are_refused)
{
    static const char *const bad[] = {
        "",        "1",     "1:2",    "1:2:",   "1:2:1",     "1:2:1,2,3",
        "1:2:1,x", "2:1:0", "1:1:1 ", "1:1:+1", "1:99999:1", "1:1:9223372036854775808",
        "1:-1:1,", "x:1:1", "1:1:1,"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct prop_result result = replayed(RIG_PROP(reversed), bad[i]);
        cr_assert_eq(result.verdict, PROP_BAD_CASE, "'%s': %s", bad[i], result.report);
        prop_result_done(&result);
    }
}

/* ---- the database ---- */

static char *make_dir(void)
{
    char *dir = strdup("/tmp/duress-prop-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    return dir;
}

static int64_t bound = 100;

static void below_bound(void)
{
    prop_assert(prop_int("n", 0, 1000000) < bound);
}

static char *known_file(const char *dir)
{
    char *path;
    cr_assert_gt(asprintf(&path, "%s/rig.below_bound.cases", dir), 0);
    return path;
}

Test(prop, known_failure_is_tried_first_and_forgotten_when_it_holds)
{
    char *dir = make_dir(), *path = known_file(dir);
    struct prop_config config = rig_config(1);
    config.database = dir;
    const struct prop *prop = RIG_PROP(below_bound);
    struct prop_result first = prop_run(prop, &config), second = prop_run(prop, &config);
    cr_assert_eq(first.verdict, PROP_FAILED);
    cr_assert_not_null(strstr(second.report, "a known case"), "%s", second.report);
    cr_assert_str_eq(first.failing_case, second.failing_case);
    cr_assert_eq(access(path, F_OK), 0);
    bound = INT64_MAX;
    struct prop_result third = prop_run(prop, &config);
    cr_assert_eq(third.verdict, PROP_HELD);
    cr_assert_neq(access(path, F_OK), 0, "the file is still there");
    prop_result_done(&first);
    prop_result_done(&second);
    prop_result_done(&third);
    rmdir(dir);
    free(path);
    free(dir);
}

Test(prop, damaged_database_is_told_and_skipped)
{
    char *dir = make_dir(), *path = known_file(dir), *said = NULL;
    size_t size;
    FILE *file = fopen(path, "w");
    fputs("duress-cases 1\nproperty rig/below_bound\ncase 1:1:rubbish\nnonsense\ncase 1:1:777\n",
          file);
    fclose(file);
    struct prop_config config = rig_config(1);
    config.database = dir;
    config.screen = open_memstream(&said, &size);
    struct prop_result result = prop_run(RIG_PROP(below_bound), &config);
    fclose(config.screen);
    cr_assert_not_null(strstr(result.report, "a known case"), "%s", result.report);
    cr_assert_not_null(strstr(said, ".cases:3: skipped: "), "%s", said);
    cr_assert_not_null(strstr(said, ".cases:4: skipped: "), "%s", said);
    cr_assert_not_null(strstr(said, "ends too early"), "%s", said);
    prop_result_done(&result);
    unlink(path);
    rmdir(dir);
    free(said);
    free(path);
    free(dir);
}
