/* The reports: what is written can be read back, is well formed whatever stands in it, and says
 * what people need. */
#define _GNU_SOURCE /* asprintf, posix_openpt */
#include "harness/json.h"
#include "harness/report.h"
#include "reports/format.h"
#include "reports/story_match.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define HOSTILE "<&>\"']]>\x01\x1b[31m\xff\xef\xbf\xbf\n\ttail"

/* ---- a suite with everything in it ---- */

static struct report_scenario scenarios[] = {
    {"lost replies", "scenarios/jobs/lost-replies.yaml", 3000, 2, false},
    {HOSTILE, "scenarios/" HOSTILE ".yaml", 100, 1, false},
    {"canary", "scenarios/canary.yaml", 12, 12, true},
    {"never ran", "scenarios/never.yaml", 0, 0, false},
};
static struct report_point points[] = {
    {"job/perform/start", 1234567, {[FAULT_CRASH] = 2000, [FAULT_KILL] = 17}},
    {"store/ack/reply", UINT64_C(9007199254740993), {[FAULT_DISCONNECT] = 300}},
    {"store/job/retry", 0, {0}},
};
static struct report_property properties[] = {
    {"no_stale_write", "a stale lease changes nothing", 99, 3000, 2, 98},
    {"queue_limit", "a queue never exceeds its limit", 5000, 3100, 0, 0},
    {"drain_ends", "a drain ends in its grace", 0, 0, 0, 3100},
};
static struct report_sometimes sometimes[] = {{"a lease was taken over", true, false},
                                              {"a disk was torn", false, true},
                                              {"a job was rescued", false, false}};
static struct report_failure failures[] = {
    {.scenario = "lost replies",
     .path = "scenarios/jobs/lost-replies.yaml",
     .property = "no_stale_write",
     .kind = "safety",
     .message = "job 17 was finished by lease 3",
     .fingerprint = "00112233445566778899aabbccddeeff",
     .seed = UINT64_C(0xfedcba9876543210),
     .event = 1204,
     .tape = "failures/1/tape",
     .story = "failures/1/story.txt",
     .trace = "failures/1/trace.jsonl",
     .replay = "build/duress replay build/r1/failures/1/tape"},
    {.scenario = HOSTILE,
     .path = "scenarios/" HOSTILE ".yaml",
     .property = "liveness",
     .kind = "liveness",
     .message = "not drained: " HOSTILE,
     .fingerprint = "ffeeddccbbaa99887766554433221100",
     .seed = 7,
     .event = 9,
     .replay = "build/duress replay x --seed 0x7"},
};

static struct suite full_suite(void)
{
    return (struct suite){
        .dir = "build/r1",
        .seed = UINT64_MAX,
        .options = "duress run 'a b' --out " HOSTILE,
        .outcome = OUTCOME_SAFETY,
        .runs = 3100,
        .events = 41203118,
        .verified = 3100,
        .sim_ns = INT64_C(35600000000000000),
        .wall_ns = INT64_C(30012345678),
        .fingerprint = "0123456789abcdef0123456789abcdef",
        .scenarios = scenarios,
        .scenario_count = 4,
        .points = points,
        .point_count = 3,
        .properties = properties,
        .property_count = 3,
        .sometimes = sometimes,
        .sometimes_count = 3,
        .failures = failures,
        .failure_count = 2,
        .failed_runs = 3,
        .canary_runs = 12,
        .canary_caught = 12,
    };
}

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

static void expect_in(const char *text, const char *part)
{
    cr_expect(strstr(text, part), "\"%s\" is missing in:\n%s", part, text);
}

static void expect_not_in(const char *text, const char *part)
{
    cr_expect_not(strstr(text, part), "\"%s\" stands in:\n%s", part, text);
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

/* ---- the JSON writer ---- */

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *root =
        json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    cr_assert(root, "%s in:\n%s", error.text, text);
    return root;
}

static char *write_samples(unsigned broken_depth)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct json json;
    json_init(&json, out, broken_depth);
    json_object_begin(&json, NULL);
    json_array_begin(&json, "numbers");
    json_count(&json, NULL, UINT64_C(1) << 53);
    json_count(&json, NULL, (UINT64_C(1) << 53) + 1);
    json_int(&json, NULL, INT64_MIN);
    json_int(&json, NULL, -5);
    json_u64(&json, NULL, UINT64_MAX);
    json_hex(&json, NULL, UINT64_MAX);
    json_bool(&json, NULL, true);
    json_str(&json, NULL, NULL);
    json_array_end(&json);
    json_object_begin(&json, "empty");
    json_object_end(&json);
    json_array_begin(&json, "empty too");
    json_array_end(&json);
    json_object_end(&json);
    cr_assert_eq(json_done(&json), 0);
    fclose(out);
    return text;
}

Test(json, numbers_keep_every_digit)
{
    char *text = write_samples(0);
    cr_expect_str_eq(text,
                     "{\"numbers\": [9007199254740992, \"9007199254740993\", "
                     "\"-9223372036854775808\", -5, \"18446744073709551615\", "
                     "\"0xffffffffffffffff\", true, null], \"empty\": {}, \"empty too\": []}\n");
    free(text);
}

Test(json, broken_lines_say_the_same)
{
    char *flat_text = write_samples(0), *broken_text = write_samples(9);
    json_t *flat = parse(flat_text), *broken = parse(broken_text);
    cr_expect(json_equal(flat, broken));
    expect_in(broken_text, "\n  \"numbers\": [\n    9007199254740992,\n");
    json_decref(flat);
    json_decref(broken);
    free(flat_text);
    free(broken_text);
}

Test(json, every_byte_survives_or_is_replaced)
{
    char all[256 + 16], *text = NULL;
    size_t size, used = 0;
    for (int c = 1; c < 0x80; c++)
        all[used++] = (char)c;
    strcpy(all + used, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    FILE *out = open_memstream(&text, &size);
    json_escape(out, all);
    fclose(out);
    json_t *root = parse(text);
    cr_expect_str_eq(json_string_value(root), all);
    json_decref(root);
    free(text);
}

Test(json, broken_utf8_is_replaced)
{
    /* stray continuation, overlong slash, surrogate, beyond U+10FFFF, cut short */
    static const char *const broken[] = {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                         "\xe2\x82"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        json_escape(out, broken[i]);
        fclose(out);
        json_t *root = parse(text);
        expect_in(json_string_value(root), "\xef\xbf\xbd");
        json_decref(root);
        free(text);
    }
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
    expect_unreadable("", "./run.json:1:");
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

/* ---- the terminal ---- */

static char *summary_of(const struct suite *suite)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct terminal *terminal = terminal_new(out);
    terminal_summary(terminal, suite);
    terminal_free(terminal);
    fclose(out);
    return text;
}

Test(terminal, the_summary_says_all_that_matters)
{
    struct suite suite = full_suite();
    suite.scenario_count = suite.failure_count = 1;
    char *text = summary_of(&suite);
    expect_in(text, "\nruns        3,100 in 30.0s, 103 a second\n");
    expect_in(text, "\nevents      41,203,118, ");
    expect_in(text, "\nsimulated   412d 0h, ");
    expect_in(text, "\nfaults      2,317 injected: disconnect 300, crash 2,000, kill 17\n");
    expect_in(text, "\nproperties  1 held, 1 failed, 1 vacuous\n");
    expect_in(text, "failed   no_stale_write: a stale lease changes nothing (2 runs)\n");
    expect_in(text, "vacuous  drain_ends: a drain ends in its grace\n");
    expect_not_in(text, "queue_limit");
    expect_in(text, "\npoints      2 of 3 reached; 1 never");
    expect_in(text, "\nsometimes   1 of 3 met\n");
    expect_in(text, "not met  a disk was torn (rare)\n");
    expect_in(text, "not met  a job was rescued\n");
    expect_in(text, "\ncanary      caught in 12 runs\n");
    expect_in(text, "\nresults     build/r1\n");
    expect_in(text, "\nfingerprint 0123456789abcdef0123456789abcdef\n");
    expect_in(text, "replay  build/duress replay build/r1/failures/1/tape\n");
    expect_in(text, "\nFAIL      3 of 3,100 runs failed\n");
    expect_not_in(text, "\x1b");
    free(text);
}

static void expect_last_line(struct suite suite, const char *line)
{
    char *text = summary_of(&suite);
    size_t length = strlen(text), line_length = strlen(line);
    cr_expect(length > line_length && strcmp(text + length - line_length, line) == 0,
              "expected at the end: %s\ngot:\n%s", line, text);
    free(text);
}

Test(terminal, the_last_line_is_the_verdict)
{
    expect_last_line((struct suite){.runs = 1}, "\nPASS      everything held in 1 run\n");
    expect_last_line(
        (struct suite){.runs = 2, .interrupted = true},
        "\nPASS      everything held in 2 runs; interrupted, the report so far is whole\n");
    expect_last_line((struct suite){.empty = true}, "\nEMPTY     nothing was run\n");
    expect_last_line((struct suite){.runs = 5, .failed_runs = 1, .outcome = OUTCOME_LIVENESS},
                     "\nLIVENESS  1 of 5 runs failed\n");
    expect_last_line(
        (struct suite){.runs = 5, .canary_runs = 2, .outcome = OUTCOME_HARNESS},
        "\nHARNESS   the canary was not caught: this suite would not notice a failure\n");
    expect_last_line(
        (struct suite){.runs = 5, .outcome = OUTCOME_SAFETY},
        "\nFAIL      no run failed, but a \"sometimes\" that is not rare was never met\n");
}

Test(terminal, without_a_terminal_there_is_a_plain_line_every_five_seconds)
{
    char *text = NULL;
    size_t size, lines = 0;
    FILE *out = open_memstream(&text, &size);
    struct terminal *terminal = terminal_new(out);
    for (int64_t ms = 0; ms <= 12000; ms += 10)
        terminal_progress(terminal, &(struct progress){.runs = (uint64_t)ms,
                                                       .events = (uint64_t)ms * 1000,
                                                       .wall_ns = ms * 1000000,
                                                       .left_ns = 90 * INT64_C(1000000000),
                                                       .scenario = "x\x1b[31my"});
    terminal_failure(terminal, &failures[0]);
    terminal_free(terminal);
    fclose(out);
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    cr_expect_eq(lines, 2 + 3, "%s", text);
    expect_in(text, "5,000 runs  1,000/s  1.0M events/s  0 failed  1m 30s left  x?[31my\n");
    expect_in(text,
              "FAIL      lost replies: no_stale_write\n          job 17 was finished by lease 3\n");
    expect_not_in(text, "\x1b");
    expect_not_in(text, "\r");
    free(text);
}

/* A real terminal: the other end of a pseudo terminal reads what was drawn. */
static size_t draw_on_terminal(char *out_text, size_t size)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert_geq(master, 0);
    cr_assert_eq(grantpt(master), 0);
    cr_assert_eq(unlockpt(master), 0);
    FILE *out = fopen(ptsname(master), "w");
    cr_assert(out);
    struct winsize width = {.ws_row = 24, .ws_col = 30};
    cr_assert_eq(ioctl(master, TIOCSWINSZ, &width), 0);
    struct terminal *terminal = terminal_new(out);
    for (int64_t ms = 0; ms < 1000; ms++)
        terminal_progress(terminal, &(struct progress){.runs = 1,
                                                       .wall_ns = ms * 1000000,
                                                       .left_ns = -1,
                                                       .scenario = "a name that is far too long"});
    terminal_failure(terminal, &failures[0]);
    terminal_free(terminal);
    fflush(out);
    ssize_t got = read(master, out_text, size - 1);
    cr_assert_gt(got, 0);
    out_text[got] = '\0';
    fclose(out);
    close(master);
    return (size_t)got;
}

Test(terminal, on_a_terminal_one_line_is_rewritten_ten_times_a_second_and_cut)
{
    char text[4096];
    size_t drawn = 0;
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    unsetenv("CI");
    draw_on_terminal(text, sizeof text);
    for (const char *at = text; (at = strstr(at, "\r1 run  ")); at++) {
        cr_expect_eq(strcspn(at + 1, "\x1b"), 29, "%s", at);
        drawn++;
    }
    cr_expect_eq(drawn, 10);
    expect_in(text, "\r\x1b[K\x1b[1;31mFAIL    \x1b[0m  lost replies: no_stale_write");
}

Test(terminal, NO_COLOR_and_dumb_terminals_are_respected)
{
    char text[4096];
    setenv("TERM", "xterm", 1);
    unsetenv("CI");
    setenv("NO_COLOR", "1", 1);
    draw_on_terminal(text, sizeof text);
    expect_in(text, "\r\x1b[KFAIL      lost replies");
    expect_not_in(text, "\x1b[1");
    expect_not_in(text, "\x1b[0m");
    setenv("TERM", "dumb", 1);
    draw_on_terminal(text, sizeof text);
    expect_not_in(text, "\x1b");
}

/* ---- numbers ---- */

Test(format, numbers_are_readable_and_never_rounded_up)
{
    char text[FORMAT_MAX];
    cr_expect_str_eq(format_count(0, text), "0");
    cr_expect_str_eq(format_count(999, text), "999");
    cr_expect_str_eq(format_count(1000, text), "1,000");
    cr_expect_str_eq(format_count(UINT64_MAX, text), "18,446,744,073,709,551,615");
    cr_expect_str_eq(format_short(999, text), "999");
    cr_expect_str_eq(format_short(1999999, text), "1.9M");
    cr_expect_str_eq(format_time(999999999, text), "999ms");
    cr_expect_str_eq(format_time(INT64_C(59999999999), text), "59.9s");
    cr_expect_str_eq(format_time(INT64_C(61000000000), text), "1m 01s");
    cr_expect_str_eq(format_time(INT64_C(7260000000000), text), "2h 01m");
    cr_expect_eq(format_rate(100, 0), 0);
    cr_expect_eq(format_rate(UINT64_MAX / 2, INT64_C(2000000000)), UINT64_MAX / 4);
    cr_expect_str_eq(format_plural(1, "run", text), "1 run");
    cr_expect_str_eq(format_plural(0, "run", text), "0 runs");
}

/* ---- the story ---- */

static struct point store_reply = {.name = "store/ack/reply"},
                    perform = {.name = "job/perform/start"}, noise = {.name = "noise/thing/tick"},
                    insert = {.name = "client/insert/ok"}, killed = {.name = "world/node/kill"};

static void record(struct trace *trace, struct point *point, uint32_t node, struct fault fault,
                   const struct point_field *fields, unsigned count)
{
    struct event event = {.time_ns = INT64_C(1000000000) + (int64_t)trace_count(trace) * 1000000,
                          .node = node,
                          .point = point,
                          .fields = fields,
                          .count = count,
                          .fault = fault};
    trace_record(trace, &event);
}

#define RECORD(trace, point, node, fault, ...)                                                     \
    record(trace, point, node, fault, (struct point_field[]){__VA_ARGS__},                         \
           sizeof((struct point_field[]){__VA_ARGS__}) / sizeof(struct point_field))

static const struct fault none = {0};

/* 500 events of noise around a lost reply and a job that is performed twice. */
static struct trace *make_trace(void)
{
    struct trace *trace = trace_new();
    RECORD(trace, &insert, 0, none, T_U64("key", 5), T_U64("job", 17));
    for (unsigned i = 0; i < 400; i++)
        RECORD(trace, &noise, 1, none, T_U64("tick", i));
    RECORD(trace, &store_reply, 2, ((struct fault){.kind = FAULT_DISCONNECT}),
           T_STR("queue", "mail"));
    RECORD(trace, &killed, 2, none, T_STR("name", "n2"));
    RECORD(trace, &perform, 2, none, T_U64("job", 17), T_U64("attempt", 1));
    for (unsigned i = 0; i < 100; i++)
        RECORD(trace, &noise, 1, none, T_U64("tick", 1000 + i));
    RECORD(trace, &perform, 2, none, T_U64("job", 17), T_U64("attempt", 1)); /* event 504 */
    RECORD(trace, &noise, 1, none, T_U64("tick", 7777));
    return trace;
}

static char *story_of(const struct trace *trace, struct report_failure failure)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct run run = {.trace = (struct trace *)(uintptr_t)trace};
    struct scenario scenario = {.path = "scenarios/jobs/lost-replies.yaml"};
    trace_fingerprint(trace, run.fingerprint);
    story_write(&run, &scenario, &failure, out);
    fclose(out);
    return text;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

Test(story, tells_what_was_done_what_happened_and_how_to_see_it_again)
{
    struct trace *trace = make_trace();
    struct report_failure failure = failures[0];
    failure.event = 504;
    char *text = story_of(trace, failure);
    expect_in(text, "scenario   lost replies\n");
    expect_in(text, "seed       0xfedcba9876543210\n");
    expect_in(text, "verdict    job 17 was finished by lease 3\n");
    expect_in(text, "[     1.401s] n2: the reply of store/ack was lost (disconnect), queue mail\n");
    expect_in(text, "[     1.402s] n2: was killed\n");
    expect_in(text, "  -> [     1.504s] n2 job/perform/start job=17 attempt=1\n");
    expect_in(text, "client/insert/ok key=5 job=17\n");
    expect_in(text, "noise/thing/tick tick=1099\n"); /* among the last 15 */
    expect_not_in(text, "tick=1080\n");
    expect_not_in(text, "tick=7777\n"); /* after the failure */
    expect_in(text, "build/duress replay build/r1/failures/1/tape\n");
    expect_not_in(text, "waited for");
    cr_expect_lt(count_lines(text), 50, "%s", text);
    free(text);
    trace_free(trace);
}

Test(story, is_short_however_long_the_run_was)
{
    struct trace *trace = trace_new();
    for (unsigned i = 0; i < 5000; i++) {
        RECORD(trace, &perform, 1, none, T_U64("job", 17), T_U64("attempt", i));
        RECORD(trace, &store_reply, 2,
               ((struct fault){.kind = FAULT_TIMEOUT, .lo_ns = 5000000, .hi_ns = 5000000}),
               T_STR("queue", "mail"));
    }
    struct report_failure failure = failures[0];
    failure.event = UINT64_MAX;
    char *text = story_of(trace, failure);
    cr_expect_leq(count_lines(text), 130, "%s", text);
    expect_in(text, "... 4,975 earlier ones left out\n");
    expect_in(text, "did not come in time (timeout(5ms)), queue mail\n");
    free(text);
    trace_free(trace);
}

Test(story, of_a_stall_says_what_it_waited_for)
{
    struct trace *trace = make_trace();
    struct report_failure failure = failures[0];
    failure.kind = "liveness";
    failure.property = "liveness";
    failure.message = "not drained within 2h after healing: 2 jobs executing: 17, 22";
    failure.event = trace_count(trace);
    char *text = story_of(trace, failure);
    expect_in(text, "What it still waited for at the end\n\n     not drained within 2h");
    expect_in(text, "job/perform/start job=17 attempt=1\n");
    free(text);
    trace_free(trace);
}

Test(story, of_an_empty_trace_is_told_too)
{
    struct trace *trace = trace_new();
    char *text = story_of(trace, failures[0]);
    expect_in(text, "nothing: it failed without any fault\n");
    free(text);
    trace_free(trace);
}

Test(story, messages_name_keys)
{
    cr_expect(message_names("job 17 ran twice", "job", 17));
    cr_expect(message_names("for job=17", "job", 17));
    cr_expect(message_names("3 jobs executing: 12, 17", "job", 17));
    cr_expect_not(message_names("3 jobs executing: 12, 17", "job", 3));
    cr_expect_not(message_names("job 170 ran", "job", 17));
    cr_expect_not(message_names("prejob 17", "job", 17));
    cr_expect_not(message_names("", "job", 17));
}
