/* run.json and JUnit: what is written can be read back, and is well formed whatever stands in it.
 */
#define _GNU_SOURCE /* asprintf */
#include "reports/test/sample.h"
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- helpers ---- */

static char *text_of(int (*write)(const struct suite *suite, FILE *out), const struct suite *suite)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    cr_assert_eq(write(suite, out), 0);
    fclose(out);
    return text;
}

static char *report(const char *kind, const struct suite *suite)
{
    const struct reporter *reporter = reporters_find(kind);
    cr_assert(reporter, "%s", kind);
    return text_of(reporter->write, suite);
}

static void put_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    cr_assert(out);
    fputs(text, out);
    cr_assert_eq(fclose(out), 0);
}

static void enter_directory(void)
{
    char dir[] = "/tmp/test-reports-XXXXXX";
    cr_assert(mkdtemp(dir));
    cr_assert_eq(chdir(dir), 0);
}

static void leave_directory(void)
{
    char dir[256];
    cr_assert(getcwd(dir, sizeof dir));
    remove("run.json");
    remove("junit.xml");
    cr_assert_eq(chdir("/"), 0);
    rmdir(dir);
}

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *root =
        json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    cr_assert(root, "%s in:\n%s", error.text, text);
    return root;
}

/* ---- the registry ---- */

Test(registry, reporters_are_sorted_and_found)
{
    cr_assert_geq(reporters_count(), 2);
    for (size_t i = 1; i < reporters_count(); i++)
        cr_expect_lt(strcmp(reporters_get(i - 1)->kind, reporters_get(i)->kind), 0);
    cr_expect_str_eq(reporters_find("json")->default_path, "run.json");
    cr_expect_str_eq(reporters_find("junit")->default_path, "junit.xml");
    cr_expect_null(reporters_find("juint"));
    cr_expect_null(reporters_get(reporters_count()));
}

/* ---- run.json ---- */

Test(run_json, has_all_keys_with_their_types)
{
    struct suite suite = full_suite();
    char *text = report("json", &suite);
    json_t *root = parse(text);
    static const struct {
        const char *key;
        json_type type;
    } keys[] = {
        {"schema", JSON_INTEGER},     {"verdict", JSON_STRING},   {"seed", JSON_STRING},
        {"runs", JSON_INTEGER},       {"events", JSON_INTEGER},   {"sim_ns", JSON_STRING},
        {"wall_ns", JSON_STRING},     {"scenarios", JSON_ARRAY},  {"points", JSON_ARRAY},
        {"properties", JSON_ARRAY},   {"sometimes", JSON_ARRAY},  {"failures", JSON_ARRAY},
        {"build", JSON_OBJECT},       {"options", JSON_STRING},   {"interrupted", JSON_FALSE},
        {"fingerprint", JSON_STRING}, {"verified", JSON_INTEGER},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *value = json_object_get(root, keys[i].key);
        cr_assert(value, "%s", keys[i].key);
        cr_expect_eq(json_typeof(value), keys[i].type, "%s", keys[i].key);
    }
    json_decref(root);
    free(text);
}

Test(run_json, has_the_values)
{
    struct suite suite = full_suite();
    char *text = report("json", &suite);
    json_t *root = parse(text);
    cr_expect_eq(json_integer_value(json_object_get(root, "schema")), 1);
    cr_expect_str_eq(json_string_value(json_object_get(root, "verdict")), "fail");
    cr_expect_str_eq(json_string_value(json_object_get(root, "seed")), "0xffffffffffffffff");
    cr_expect_str_eq(json_string_value(json_object_get(root, "sim_ns")), "35600000000000000");
    const json_t *listed = json_object_get(root, "points");
    const json_t *faults = json_object_get(json_array_get(listed, 0), "faults");
    cr_expect_eq(json_object_size(faults), 2);
    cr_expect_eq(json_integer_value(json_object_get(faults, "crash")), 2000);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(listed, 1), "hits")),
                     "9007199254740993");
    const json_t *failure = json_array_get(json_object_get(root, "failures"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(failure, "seed")), "0xfedcba9876543210");
    cr_expect(json_is_null(json_object_get(failure, "shrunk")));
    static const char *const build[] = {"version", "commit", "compiler", "flags"};
    for (size_t i = 0; i < 4; i++)
        cr_expect(json_is_string(json_object_get(json_object_get(root, "build"), build[i])), "%s",
                  build[i]);
    json_decref(root);
    free(text);
}

static void expect_verdict(struct suite suite, const char *verdict)
{
    char *text = report("json", &suite), part[64];
    snprintf(part, sizeof part, "\"verdict\": \"%s\",", verdict);
    expect_in(text, part);
    free(text);
}

Test(run_json, each_outcome_has_its_verdict)
{
    expect_verdict((struct suite){.outcome = OUTCOME_PASS}, "pass");
    expect_verdict((struct suite){.outcome = OUTCOME_SAFETY}, "fail");
    expect_verdict((struct suite){.outcome = OUTCOME_CRASH}, "fail");
    expect_verdict((struct suite){.outcome = OUTCOME_LIVENESS}, "liveness");
    expect_verdict((struct suite){.outcome = OUTCOME_HARNESS}, "harness");
    expect_verdict((struct suite){.empty = true}, "empty");
}

Test(run_json, a_full_disk_is_told)
{
    struct suite suite = full_suite();
    FILE *out = fopen("/dev/full", "w");
    cr_assert(out);
    setvbuf(out, NULL, _IONBF, 0);
    cr_expect_lt(reporters_find("json")->write(&suite, out), 0);
    cr_expect_lt(reporters_find("junit")->write(&suite, out), 0);
    fclose(out);
}

/* ---- reading back ---- */

TestSuite(suite_read, .init = enter_directory, .fini = leave_directory);

static void expect_round_trip(const struct suite *suite)
{
    char why[400] = "", *written = report("json", suite);
    put_file("run.json", written);
    struct suite *read = suite_read(".", why, sizeof why);
    cr_assert(read, "%s", why);
    char *again = report("json", read);
    cr_expect_str_eq(again, written);
    cr_expect_str_eq(read->dir, ".");
    cr_expect_eq(read->outcome, suite->outcome);
    cr_expect_eq(read->empty, suite->empty);
    suite_free(read);
    free(again);
    free(written);
}

Test(suite_read, what_was_written_is_read)
{
    struct suite suite = full_suite();
    /* What is not UTF-8 is replaced once, when it is written first: take the text as it comes back.
     */
    suite.options = "duress run";
    suite.failures = failures;
    suite.failure_count = 1;
    suite.scenario_count = 1;
    suite.promise_count = 1;
    expect_round_trip(&suite);
    suite.outcome = OUTCOME_CRASH;
    suite.interrupted = true;
    expect_round_trip(&suite);
    expect_round_trip(&(struct suite){.empty = true, .options = ""});
}

Test(suite_read, hostile_texts_settle_after_one_round)
{
    struct suite suite = full_suite();
    char why[400], *first = report("json", &suite);
    put_file("run.json", first);
    struct suite *read = suite_read(".", why, sizeof why);
    cr_assert(read, "%s", why);
    expect_round_trip(read);
    cr_expect_eq(read->failures[0].seed, UINT64_C(0xfedcba9876543210));
    cr_expect_eq(read->points[1].hits, UINT64_C(9007199254740993));
    cr_expect_null(read->failures[0].shrunk);
    suite_free(read);
    free(first);
}

static void expect_unreadable(const char *text, const char *expected)
{
    char why[400] = "";
    put_file("run.json", text);
    cr_expect_null(suite_read(".", why, sizeof why));
    cr_expect(strstr(why, expected), "expected \"%s\", got \"%s\"", expected, why);
}

/* The file of a good suite with one piece replaced. */
static void expect_refused(const char *piece, const char *instead, const char *expected)
{
    struct suite suite = full_suite();
    char *text = report("json", &suite), *at = strstr(text, piece), *changed;
    cr_assert(at, "%s", piece);
    cr_assert_gt(
        asprintf(&changed, "%.*s%s%s", (int)(at - text), text, instead, at + strlen(piece)), 0);
    expect_unreadable(changed, expected);
    free(changed);
    free(text);
}

Test(suite_read, what_is_wrong_is_named)
{
    char why[400];
    cr_expect_null(suite_read("missing", why, sizeof why));
    expect_in(why, "missing/run.json");
    expect_unreadable("", "./run.json: the file is empty");
    expect_unreadable("{\"schema\": 1", "./run.json:1:");
    expect_unreadable("[]", "./run.json: the file: expected an object");
    expect_unreadable("{}", "./run.json: schema: ");
    expect_refused("\"schema\": 1", "\"schema\": 2", "./run.json: schema: expected 1; ");
    expect_refused("\"runs\": 3100", "\"runs\": -1", "./run.json: runs: expected a number");
    expect_refused("\"seed\": \"0xffffffffffffffff\"", "\"seed\": \"0xfffffffffffffffff\"",
                   "./run.json: seed: expected a number");
    expect_refused("\"seed\": \"0x7\"", "\"seed\": \"seven\"", "./run.json: failures[1].seed: ");
    expect_refused("\"outcome\": \"safety\"", "\"outcome\": \"fine\"", "./run.json: outcome: ");
    expect_refused("\"points\": [", "\"pints\": [", "./run.json: points: expected a list");
    expect_refused("\"hits\": 0", "\"hits\": null", "./run.json: points[2].hits: ");
}

/* ---- JUnit ---- */

TestSuite(junit, .init = enter_directory, .fini = leave_directory);

Test(junit, is_well_formed_whatever_stands_in_it)
{
    struct suite suite = full_suite();
    char *text = report("junit", &suite);
    put_file("junit.xml", text);
    if (system("command -v xmllint >/dev/null 2>&1") == 0)
        cr_expect_eq(system("xmllint --noout junit.xml"), 0, "%s", text);
    for (const char *c = text; *c; c++)
        cr_expect((unsigned char)*c >= 0x20 || *c == '\n' || *c == '\t');
    expect_not_in(text, "]]>");
    expect_in(text, "&lt;&amp;&gt;&quot;']]&gt;");
    free(text);
}

Test(junit, counts_and_cases_agree)
{
    struct suite suite = full_suite();
    char *text = report("junit", &suite);
    expect_in(text,
              "<testsuites name=\"duress\" tests=\"4\" failures=\"2\" errors=\"0\" skipped=\"1\" "
              "time=\"30.012\">");
    expect_in(text, "<testcase name=\"lost replies\" classname=\"scenarios/jobs\" "
                    "file=\"scenarios/jobs/lost-replies.yaml\">");
    expect_in(text, "<failure message=\"job 17 was finished by lease 3\" type=\"no_stale_write\">");
    expect_in(text, "no_stale_write: job 17 was finished by lease 3\n");
    expect_in(text, "replay: build/duress replay build/r1/failures/1/tape\n");
    expect_in(text, "<skipped message=\"it had no run\"/>");
    expect_not_in(text, "type=\"canary\"");
    free(text);
}

Test(junit, a_silent_canary_and_a_sick_harness_are_told_apart)
{
    struct suite suite = full_suite();
    struct report_scenario sick[] = {{"canary", "c.yaml", 12, 0, true},
                                     {"x", "x.yaml", 5, 1, false}};
    struct report_failure failure = failures[0];
    failure.kind = "nondeterminism";
    failure.path = "x.yaml";
    suite.scenarios = sick;
    suite.scenario_count = 2;
    suite.failures = &failure;
    suite.failure_count = 1;
    char *text = report("junit", &suite);
    expect_in(text, "tests=\"2\" failures=\"1\" errors=\"1\" skipped=\"0\"");
    expect_in(text, "type=\"canary\"");
    expect_in(text, "<error message=");
    free(text);
}
