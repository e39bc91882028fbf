/* The loader of scenario files: what good files give, and the exact words for bad ones. */
#include "harness/engine.h"
#include "harness/system.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a small world: points, properties and a system of our own ---- */

POINT_ABOUT("loadtest/store/reply", "for the tests of the loader");
POINT_ABOUT("loadtest/perform/start", "for the tests of the loader");

static struct point_site nowhere;

int loadtest_hit(uint64_t job);
int loadtest_hit(uint64_t job)
{
    int err =
        FAULT(&nowhere, "loadtest/store/reply", CAN_DISCONNECT | CAN_TIMEOUT, T_U64("job", job));
    return err + FAULT(&nowhere, "loadtest/perform/start", CAN_CRASH | CAN_KILL, T_U64("job", job));
}

static const struct property_on on_nothing[] = {{0}};
TRACE_PROPERTY(loadtest_limit, .name = "a limit holds", .kind = PROPERTY_ALWAYS,
               .about = "for the tests", .on = on_nothing);
TRACE_PROPERTY(loadtest_order, .name = "an order holds", .kind = PROPERTY_ALWAYS,
               .about = "for the tests", .on = on_nothing);

static const struct param_spec specs[] = {
    {"jobs", PARAM_COUNT, {20, 20}, 1, 10000, "how many"},
    {"work", PARAM_DURATION, {1000000, 1000000}, 0, INT64_C(3600000000000), "how long"},
    {"unique", PARAM_PERCENT, {0, 0}, 0, 10000, "how many are unique"},
    {"bulk", PARAM_BOOL, {1, 1}, 0, 1, "insert in bulk"},
    {"queues", PARAM_COUNTS, {10, 10}, 1, 100, "limits of queues"},
};
static const struct system demo = {
    .name = "demo", .about = "for the tests", .params = specs, .param_count = 5};
static const struct system *const systems[] = {&demo};

/* Each test runs in a process of its own: an own directory makes paths in messages short and known.
 */
static void enter_directory(void)
{
    char dir[] = "/tmp/test-scenario-XXXXXX";
    cr_assert(mkdtemp(dir));
    cr_assert_eq(chdir(dir), 0);
}

static void leave_directory(void)
{
    char dir[256];
    cr_assert(getcwd(dir, sizeof dir));
    remove("t.yaml");
    cr_assert_eq(chdir("/"), 0);
    rmdir(dir);
}

TestSuite(scenario, .init = enter_directory, .fini = leave_directory);

static struct scenario *load_bytes(const char *bytes, size_t length, char **ret_why)
{
    FILE *out = fopen("t.yaml", "w");
    cr_assert(out);
    cr_assert_eq(fwrite(bytes, 1, length, out), length);
    cr_assert_eq(fclose(out), 0);
    return scenario_load("t.yaml", systems, 1, ret_why);
}

static struct scenario *load_good(const char *text)
{
    char *why = NULL;
    struct scenario *scenario = load_bytes(text, strlen(text), &why);
    cr_assert(scenario, "%s", why);
    return scenario;
}

/* ---- good files ---- */

Test(scenario, the_smallest_file_gets_all_defaults)
{
    struct scenario *s = load_good("name: small\nsut: demo\n");
    cr_expect_str_eq(s->path, "t.yaml");
    cr_expect_str_eq(s->name, "small");
    cr_expect_str_eq(s->about, "");
    cr_expect_eq(s->system, &demo);
    cr_expect(s->nodes.lo == 1 && s->nodes.hi == 1);
    cr_expect_eq(s->budget.nodes_down, 1);
    cr_expect(s->back_after.lo == INT64_C(1000000000) && s->back_after.hi == INT64_C(30000000000));
    cr_expect_eq(s->safety_ns, INT64_C(1800000000000));
    cr_expect_eq(s->liveness_ns, INT64_C(7200000000000));
    cr_expect_null(s->properties);
    cr_expect_eq(s->rule_count, 0);
    cr_expect_eq(s->nemesis_count, 0);
    cr_expect_not(s->must_fail);
    cr_expect_eq(s->weight, 1);
    cr_assert_eq(s->param_count, 5);
    cr_expect_eq(scenario_param(s, "jobs")->value.lo, 20);
    cr_expect_not(scenario_param(s, "jobs")->given);
    scenario_free(s);
}

static const char *const full = "# a comment\n"
                                "name: everything\n"
                                "about: |\n"
                                "  Two\n"
                                "  lines.\n"
                                "sut: demo\n"
                                "nodes: 2 .. 5\n"
                                "workload: { jobs: 20..200, queues: { default: 10, mail: 2..4 }, "
                                "work: 5ms..20s, unique: 2.5%, bulk: no }\n"
                                "faults:\n"
                                "  loadtest/store/reply: 3%disconnect\n"
                                "  loadtest/perform/start:\n"
                                "    - 2*crash -> off\n"
                                "    - 1%kill\n"
                                "nemesis:\n"
                                "  kill node: { every: 20s..2m, back after: 1s..30s }\n"
                                "budget: { nodes down: 2, clock skew: 5m }\n"
                                "back after: 5s\n"
                                "safety: 1.5m\n"
                                "liveness: 3h\n"
                                "properties: [loadtest_order, loadtest_limit]\n"
                                "expect: failure\n"
                                "weight: 7\n";

Test(scenario, every_key_is_read)
{
    struct scenario *s = load_good(full);
    cr_expect_str_eq(s->about, "Two\nlines.\n");
    cr_expect(s->nodes.lo == 2 && s->nodes.hi == 5);
    cr_expect_eq(s->budget.nodes_down, 2);
    cr_expect_eq(s->budget.clock_skew_ns, 300 * INT64_C(1000000000));
    cr_expect_eq(s->budget.disks_wiped, 0);
    cr_expect(s->back_after.lo == s->back_after.hi && s->back_after.lo == INT64_C(5000000000));
    cr_expect_eq(s->safety_ns, INT64_C(90000000000));
    cr_expect_eq(s->liveness_ns, INT64_C(10800000000000));
    cr_assert_eq(s->property_count, 2);
    cr_expect_str_eq(s->properties[0]->id, "loadtest_order");
    cr_expect_str_eq(s->properties[1]->id, "loadtest_limit");
    cr_expect(s->must_fail);
    cr_expect_eq(s->weight, 7);
    scenario_free(s);
}

Test(scenario, the_workload_is_read_by_the_systems_specs)
{
    struct scenario *s = load_good(full);
    const struct param *jobs = scenario_param(s, "jobs"), *queues = scenario_param(s, "queues");
    cr_expect(jobs->given && jobs->value.lo == 20 && jobs->value.hi == 200);
    cr_expect_eq(scenario_param(s, "work")->value.hi, INT64_C(20000000000));
    cr_expect_eq(scenario_param(s, "unique")->value.lo, 250);
    cr_expect_eq(scenario_param(s, "bulk")->value.lo, 0);
    cr_assert_eq(queues->entry_count, 2);
    cr_expect_str_eq(queues->entries[0].name, "default");
    cr_expect_str_eq(queues->entries[1].name, "mail");
    cr_expect(queues->entries[1].value.lo == 2 && queues->entries[1].value.hi == 4);
    scenario_free(s);
}

Test(scenario, rules_and_nemeses_keep_their_order)
{
    struct scenario *s = load_good(full);
    cr_assert_eq(s->rule_count, 3);
    cr_expect_str_eq(s->rules[0].pattern, "loadtest/store/reply");
    cr_expect_str_eq(s->rules[1].term, "2*crash -> off");
    cr_expect_str_eq(s->rules[2].pattern, "loadtest/perform/start");
    cr_expect_str_eq(s->rules[2].term, "1%kill");
    cr_expect(s->rules[2].line == 13 && s->rules[2].column == 7);
    cr_assert_eq(s->nemesis_count, 1);
    cr_expect_str_eq(s->nemeses[0].kind, "kill node");
    cr_expect_eq(s->nemeses[0].values[0].hi, INT64_C(120000000000));
    cr_expect_eq(s->nemeses[0].values[1].lo, INT64_C(1000000000));
    scenario_free(s);
}

Test(scenario, json_quotes_and_a_byte_order_mark_are_fine)
{
    struct scenario *s = load_good("{\"name\": \"as JSON\", \"sut\": \"demo\", \"nodes\": 3}");
    cr_expect_str_eq(s->name, "as JSON");
    cr_expect_eq(s->nodes.hi, 3);
    scenario_free(s);
    s = load_good("\xef\xbb\xbfname: 'caf\xc3\xa9'\r\nsut: demo\r\nfaults:\r\nnemesis:\r\n");
    cr_expect_str_eq(s->name, "caf\xc3\xa9");
    scenario_free(s);
}

/* ---- bad files, with the exact text ---- */

#define HEAD "name: x\nsut: demo\n" /* what is tested begins in line 3 */

static const struct {
    const char *text, *why;
} bad[] = {
    {HEAD "worklaod: { jobs: 20 }\n",
     "t.yaml:3:1: error: unknown key \"worklaod\"; did you mean \"workload\"?\n"
     "  worklaod: { jobs: 20 }\n"
     "  ^\n"},
    {HEAD "zzz: 1\n", "t.yaml:3:1: error: unknown key \"zzz\"\n"
                      "  zzz: 1\n"
                      "  ^\n"},
    {HEAD "workload: { jbos: 20 }\n",
     "t.yaml:3:13: error: the workload of \"demo\" has no \"jbos\"; did you mean \"jobs\"?\n"
     "  workload: { jbos: 20 }\n"
     "              ^\n"},
    {HEAD "workload: { work: 5 bananas }\n",
     "t.yaml:3:19: error: expected a duration such as 5ms or 2m, or a range such as 5ms..2m, got 5 "
     "bananas\n"
     "  workload: { work: 5 bananas }\n"
     "                    ^\n"},
    {HEAD "workload: { work: 20s..5ms }\n",
     "t.yaml:3:19: error: the range runs backwards: 20s is more than 5ms\n"
     "  workload: { work: 20s..5ms }\n"
     "                    ^\n"},
    {HEAD "workload: { work: 5ms.. }\n",
     "t.yaml:3:19: error: expected a duration such as 5ms or 2m, or a range such as 5ms..2m, got "
     "5ms..\n"
     "  workload: { work: 5ms.. }\n"
     "                    ^\n"},
    {HEAD "workload:\n  jobs: 0\n", "t.yaml:4:9: error: out of bounds: 0 must lie in 1..10000\n"
                                    "    jobs: 0\n"
                                    "          ^\n"},
    {HEAD "workload:\n  jobs: 99999999999999999999\n",
     "t.yaml:4:9: error: expected a number such as 20 or 20..200, got 99999999999999999999\n"
     "    jobs: 99999999999999999999\n"
     "          ^\n"},
    {HEAD "workload: { unique: 10 }\n",
     "t.yaml:3:21: error: expected a percentage such as 10% or 2.5%, got 10\n"
     "  workload: { unique: 10 }\n"
     "                      ^\n"},
    {HEAD "workload: { unique: 101% }\n",
     "t.yaml:3:21: error: expected a percentage such as 10% or 2.5%, got 101%\n"
     "  workload: { unique: 101% }\n"
     "                      ^\n"},
    {HEAD "workload: { bulk: maybe }\n", "t.yaml:3:19: error: expected yes or no, got maybe\n"
                                         "  workload: { bulk: maybe }\n"
                                         "                    ^\n"},
    {HEAD "workload: { queues: 10 }\n",
     "t.yaml:3:21: error: expected a map of names to numbers such as { default: 10 }, got 10\n"
     "  workload: { queues: 10 }\n"
     "                      ^\n"},
    {HEAD "workload: { queues: { mail: { } } }\n",
     "t.yaml:3:29: error: expected a number such as 20 or 20..200, got a map\n"
     "  workload: { queues: { mail: { } } }\n"
     "                              ^\n"},
    {HEAD "workload: [1]\n",
     "t.yaml:3:11: error: expected a map such as { jobs: 20..200 }, got a list\n"
     "  workload: [1]\n"
     "            ^\n"},
    {HEAD "nodes: 5ms\n", "t.yaml:3:8: error: expected a number such as 20 or 20..200, got 5ms\n"
                          "  nodes: 5ms\n"
                          "         ^\n"},
    {HEAD "nodes:\n", "t.yaml:3:1: error: expected a number such as 20 or 20..200, got nothing\n"
                      "  nodes:\n"
                      "  ^\n"},
    {HEAD "safety: 1h..2h\n",
     "t.yaml:3:9: error: expected a duration such as 5ms or 2m, got 1h..2h\n"
     "  safety: 1h..2h\n"
     "          ^\n"},
    {HEAD "budget: { nodes dwon: 1 }\n",
     "t.yaml:3:11: error: unknown key in budget \"nodes dwon\"; did you mean \"nodes down\"?\n"
     "  budget: { nodes dwon: 1 }\n"
     "            ^\n"},
    {HEAD "expect: fail\n", "t.yaml:3:9: error: expected pass or failure, got fail\n"
                            "  expect: fail\n"
                            "          ^\n"},
    {HEAD "weight: 0\n", "t.yaml:3:9: error: out of bounds: 0 must lie in 1..1000\n"
                         "  weight: 0\n"
                         "          ^\n"},
    {HEAD "properties: [loadtest_limti]\n",
     "t.yaml:3:14: error: unknown property \"loadtest_limti\"; did you mean \"loadtest_limit\"?\n"
     "  properties: [loadtest_limti]\n"
     "               ^\n"},
    {HEAD "properties: []\n",
     "t.yaml:3:13: error: expected all, or a list of property ids, got a list\n"
     "  properties: []\n"
     "              ^\n"},
    {HEAD "properties: [loadtest_limit, loadtest_limit]\n",
     "t.yaml:3:30: error: \"loadtest_limit\" stands here a second time\n"
     "  properties: [loadtest_limit, loadtest_limit]\n"
     "                               ^\n"},
    {HEAD "nemesis: { kill nodes: { every: 1s, back after: 1s } }\n",
     "t.yaml:3:12: error: unknown nemesis \"kill nodes\"; did you mean \"kill node\"?\n"
     "  nemesis: { kill nodes: { every: 1s, back after: 1s } }\n"
     "             ^\n"},
    {HEAD "nemesis: { kill node: { evry: 1s, every: 1s, back after: 1s } }\n",
     "t.yaml:3:25: error: unknown key of a nemesis \"evry\"; did you mean \"every\"?\n"
     "  nemesis: { kill node: { evry: 1s, every: 1s, back after: 1s } }\n"
     "                          ^\n"},
    {HEAD "nemesis: { kill node: { every: 0s, back after: 1s } }\n",
     "t.yaml:3:32: error: out of bounds: 0s must lie in 1ms..365d\n"
     "  nemesis: { kill node: { every: 0s, back after: 1s } }\n"
     "                                 ^\n"},
    {HEAD "swarm: { chances: 50% }\n",
     "t.yaml:3:10: error: unknown key in swarm \"chances\"; did you mean \"chance\"?\n"
     "  swarm: { chances: 50% }\n"
     "           ^\n"},
    {HEAD "swarm: { nemeses: [kill nod] }\n",
     "t.yaml:3:20: error: unknown nemesis \"kill nod\"; did you mean \"kill node\"?\n"
     "  swarm: { nemeses: [kill nod] }\n"
     "                     ^\n"},
    {HEAD "swarm: maybe\n", "t.yaml:3:8: error: expected yes or no, got maybe\n"
                            "  swarm: maybe\n"
                            "         ^\n"},
    {HEAD "nemesis: { partition: { every: 1s, for: 1s, shape: halfs } }\n",
     "t.yaml:3:52: error: unknown value of \"shape\": \"halfs\"; did you mean \"halves\"?\n"
     "  nemesis: { partition: { every: 1s, for: 1s, shape: halfs } }\n"
     "                                                     ^\n"},
    {HEAD "nemesis: { kill node: { every: 1s } }\n",
     "t.yaml:3:12: error: the nemesis \"kill node\" needs the key \"back after\"\n"
     "  nemesis: { kill node: { every: 1s } }\n"
     "             ^\n"},
    {HEAD "faults: [crash]\n",
     "t.yaml:3:9: error: expected a map of points to fault terms, got a list\n"
     "  faults: [crash]\n"
     "          ^\n"},
    {HEAD "faults:\n  loadtest/store/reply: { a: 1 }\n",
     "t.yaml:4:25: error: expected a fault term such as 2%disconnect, got a map\n"
     "    loadtest/store/reply: { a: 1 }\n"
     "                          ^\n"},
    {HEAD "nodes: 1\nnodes: 2\n",
     "t.yaml:4:1: error: \"nodes\" stands here a second time; the first is in line 3\n"
     "  nodes: 2\n"
     "  ^\n"},
    {HEAD "[a]: 2\n", "t.yaml:3:1: error: a key must be a word, got a list\n"
                      "  [a]: 2\n"
                      "  ^\n"},
    {HEAD "nodes: &n 2\nweight: *n\n",
     "t.yaml:3:11: error: anchors, aliases and tags are not understood here\n"
     "  nodes: &n 2\n"
     "            ^\n"
     "t.yaml:4:10: error: anchors, aliases and tags are not understood here\n"
     "  weight: *n\n"
     "           ^\n"},
    {HEAD "---\nname: y\n", "t.yaml:4:1: error: a second document; a scenario file holds one\n"
                            "  name: y\n"
                            "  ^\n"},
    {"sut: demo\n", "t.yaml:1:1: error: the key \"name\" is missing\n"
                    "  sut: demo\n"
                    "  ^\n"},
    {"name: x\nsut: dmeo\nworkload: { whatever: 1 }\n",
     "t.yaml:2:6: error: unknown system under test \"dmeo\"; did you mean \"demo\"?\n"
     "  sut: dmeo\n"
     "       ^\n"},
    {"just words\n",
     "t.yaml:1:1: error: expected keys and values such as name: lost replies, got just words\n"
     "  just words\n"
     "  ^\n"},
    {"", "t.yaml:1:1: error: the file is empty\n"},
    {"# only a comment\n", "t.yaml:1:1: error: the file is empty\n  # only a comment\n  ^\n"},
    {"name: x\n\tsut: demo\n",
     "t.yaml:2:1: error: not valid YAML: a tab; lines are indented by blanks\n"
     "  \tsut: demo\n"
     "  ^\n"},
    {HEAD "about: a\x1b[31mred\xff\n", "t.yaml:3:9: error: not a text file: byte 0x1b\n"
                                       "  about: a?[31mred?\n"
                                       "          ^\n"},
    {"name: [x\nsut: demo\n", "t.yaml:3:1: error: not valid YAML: "},
    {"name: a: b\n", "t.yaml:1:8: error: not valid YAML: "},
    {"\x7f"
     "ELF\x02\x01",
     "t.yaml:1:1: error: not a text file: byte 0x7f\n"},
    {HEAD "about: \xff\xfe\n", "t.yaml:3:8: error: not a text file: byte 0xff\n"},
};

/* Entries whose text goes on in libfyaml's words, or shows bytes that are no text, are compared as
 * far as given. */
static bool matches(const char *why, const char *expected)
{
    bool whole = !strstr(expected, "not valid YAML: ") && !strstr(expected, "not a text file");
    whole = whole || strchr(expected, '^');
    return whole ? strcmp(why, expected) == 0 : strncmp(why, expected, strlen(expected)) == 0;
}

Test(scenario, bad_files_are_told_exactly)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *why = NULL;
        struct scenario *scenario = load_bytes(bad[i].text, strlen(bad[i].text), &why);
        cr_assert_null(scenario, "accepted:\n%s", bad[i].text);
        cr_expect(matches(why, bad[i].why), "expected:\n%s\ngot:\n%s", bad[i].why, why);
        free(why);
    }
}

static char *load_bad(const char *text)
{
    char *why = NULL;
    cr_assert_null(load_bytes(text, strlen(text), &why), "accepted:\n%s", text);
    return why;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* What is wrong with a rule is said in the nemesis' words; where it is, is the loader's business.
 */
Test(scenario, a_wrong_segment_of_a_pattern_is_under_the_caret)
{
    char *why = load_bad(HEAD "faults:\n  loadtest/*/replyy: 2%disconnect\n");
    cr_expect_eq(strncmp(why, "t.yaml:4:14: error: ", 20), 0, "%s", why);
    cr_expect(strstr(why, "reply"), "%s", why);
    cr_expect(ends_with(why, "\n    loadtest/*/replyy: 2%disconnect\n               ^\n"), "%s",
              why);
    free(why);
}

Test(scenario, a_wrong_place_of_a_term_is_under_the_caret)
{
    char *why = load_bad(HEAD "faults:\n  loadtest/store/reply: 2%disconect\n");
    cr_expect_eq(strncmp(why, "t.yaml:4:27: error: ", 20), 0, "%s", why);
    cr_expect(strstr(why, "disconnect"), "%s", why);
    cr_expect(
        ends_with(why, "\n    loadtest/store/reply: 2%disconect\n                            ^\n"),
        "%s", why);
    free(why);
    why = load_bad(HEAD "faults:\n  loadtest/store/reply: ['1%timeout(1s)', \"2%disconect\"]\n");
    cr_expect_eq(strncmp(why, "t.yaml:4:46: error: ", 20), 0, "%s", why);
    free(why);
}

Test(scenario, columns_count_characters_and_tabs_stay_under_tabs)
{
    char *why = load_bad(HEAD "about: \"\xc3\xa9\xc3\xa9\"\nworkload: {\t\xc3\xa9: 1 }\n");
    cr_expect_str_eq(why, "t.yaml:4:13: error: the workload of \"demo\" has no \"\xc3\xa9\"\n"
                          "  workload: {\t\xc3\xa9: 1 }\n"
                          "             \t^\n");
    free(why);
}

Test(scenario, all_complaints_come_at_once_in_the_order_of_the_file)
{
    char *why =
        load_bad("nmae: x\nsut: demo\nnodes: many\nworkload: { jobs: 1ms, wrok: 1s }\nexpect: x\n");
    const char *places[] = {"t.yaml:1:1: error: unknown key \"nmae\"",
                            "t.yaml:1:1: error: the key \"name\" is missing",
                            "t.yaml:3:8: ",
                            "t.yaml:4:19: ",
                            "t.yaml:4:24: ",
                            "t.yaml:5:9: "};
    const char *at = why;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const char *found = strstr(at, places[i]);
        cr_assert(found, "%s is missing or out of order in:\n%s", places[i], why);
        at = found;
    }
    free(why);
}

Test(scenario, a_flood_of_complaints_is_cut)
{
    char text[4096] = HEAD;
    for (int i = 0; i < 50; i++)
        sprintf(text + strlen(text), "zz%d: 1\n", i);
    char *why = load_bad(text);
    cr_expect(ends_with(why, "t.yaml: and 30 more\n"), "%s", why);
    free(why);
}

Test(scenario, a_long_line_is_cut_around_the_caret)
{
    char text[4096] = HEAD "about: ";
    memset(text + strlen(text), 'a', 3000);
    strcat(text, "\nproperties: [");
    for (int i = 0; i < 40; i++)
        strcat(text, "loadtest_limit,");
    strcat(text, "\"zz\"]\n");
    char *why = load_bad(text);
    for (const char *line = why; *line; line = strchr(line, '\n') + 1)
        cr_expect(strcspn(line, "\n") < 140, "%s", line);
    free(why);
}

static void expect_unreadable(const char *path, const char *expected)
{
    char *why = NULL;
    cr_assert_null(scenario_load(path, systems, 1, &why));
    cr_expect_str_eq(why, expected);
    free(why);
}

Test(scenario, what_cannot_be_read_is_told)
{
    expect_unreadable("missing.yaml", "missing.yaml: error: No such file or directory\n");
    expect_unreadable("/", "/: error: this is a directory, not a scenario file\n");
    expect_unreadable("/dev/null", "/dev/null: error: this is not a regular file\n");
    cr_assert_eq(mkfifo("t.yaml", 0600), 0);
    expect_unreadable("t.yaml", "t.yaml: error: this is not a regular file\n");
}

Test(scenario, a_huge_file_is_refused)
{
    size_t size = ((size_t)1 << 20) + 1;
    char *text = calloc(1, size), *why = NULL;
    memset(text, '#', size);
    cr_expect_null(load_bytes(text, size, &why));
    cr_expect_str_eq(why,
                     "t.yaml: error: the file is larger than 1 MiB, which no scenario needs\n");
    free(why);
    cr_expect_null(
        load_bytes(text, size - 1, &why)); /* still small enough to be read: only a comment */
    cr_expect_eq(strncmp(why, "t.yaml:1:1: error: the file is empty\n", 37), 0, "%s", why);
    free(why);
    free(text);
}

Test(scenario, bytes_after_a_zero_are_not_ignored)
{
    static const char text[] = HEAD "\0weight: 0\n";
    char *why = NULL;
    cr_expect_null(load_bytes(text, sizeof text - 1, &why));
    cr_expect_eq(strncmp(why, "t.yaml:3:1: error: not a text file: byte 0x00\n", 46), 0, "%s", why);
    free(why);
}

Test(scenario, a_text_is_not_cut_at_an_escaped_zero)
{
    static const char text[] = "name: \"a\\0b\"\nsut: demo\n";
    char *why = NULL;
    cr_expect_null(load_bytes(text, sizeof text - 1, &why));
    cr_expect(strstr(why, "t.yaml:1:8: error: a text cannot hold the character NUL"), "%s", why);
    free(why);
}

Test(scenario, deep_nesting_is_refused)
{
    char text[20000] = HEAD "faults: ";
    memset(text + strlen(text), '[', 10000);
    char *why = load_bad(text);
    cr_expect(strstr(why, "not valid YAML"), "%.200s", why);
    free(why);
}

/* ---- rules from the command line ---- */

Test(scenario, a_rule_can_be_added_in_both_notations)
{
    struct scenario *s = load_good(HEAD);
    char why[400] = "";
    cr_expect_eq(scenario_add_rule(s, "loadtest/store/reply[job=3]=2%disconnect", why, sizeof why),
                 0, "%s", why);
    cr_expect_eq(scenario_add_rule(s, "loadtest/perform/start: 3*crash -> off", why, sizeof why), 0,
                 "%s", why);
    cr_assert_eq(s->rule_count, 2);
    cr_expect_str_eq(s->rules[0].pattern, "loadtest/store/reply[job=3]");
    cr_expect_str_eq(s->rules[0].term, "2%disconnect");
    cr_expect_str_eq(s->rules[1].term, "3*crash -> off");
    scenario_free(s);
}

Test(scenario, a_bad_rule_is_told_with_a_caret_and_not_added)
{
    struct scenario *s = load_good(HEAD);
    char why[400];
    cr_expect_eq(scenario_add_rule(s, "no rule", why, sizeof why), -EINVAL);
    cr_expect_str_eq(why, "a rule is POINT=TERM, such as store/ack/reply=2%disconnect\n"
                          "  no rule\n"
                          "         ^");
    cr_expect_eq(scenario_add_rule(s, "loadtest/store/reply= 2%disconect", why, sizeof why),
                 -EINVAL);
    cr_expect(ends_with(why, "\n  loadtest/store/reply= 2%disconect\n                          ^"),
              "%s", why);
    cr_expect_eq(s->rule_count, 0);
    scenario_free(s);
}
