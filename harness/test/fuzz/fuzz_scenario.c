/* A scenario file: a bad one says where it is wrong, a good one holds only what its keys allow. */
#include "harness/engine.h"
#include "harness/system.h"
#include "harness/test/fuzz/fuzz.h"

POINT_ABOUT("fuzz/store/reply", "for the fuzzer of scenario files");
POINT_ABOUT("fuzz/perform/start", "for the fuzzer of scenario files");

static struct point_site nowhere;

int fuzz_scenario_hit(uint64_t job);
int fuzz_scenario_hit(uint64_t job)
{
    int err = FAULT(&nowhere, "fuzz/store/reply", CAN_DISCONNECT | CAN_TIMEOUT, T_U64("job", job));
    return err + FAULT(&nowhere, "fuzz/perform/start", CAN_CRASH | CAN_KILL, T_U64("job", job));
}

static const struct property_on on_nothing[] = {{0}};
TRACE_PROPERTY(fuzz_limit, .name = "a limit holds", .kind = PROPERTY_ALWAYS,
               .about = "for the fuzzer", .on = on_nothing);

static const struct param_spec specs[] = {
    {"jobs", PARAM_COUNT, {20, 20}, 1, 10000, "how many"},
    {"work", PARAM_DURATION, {1000000, 1000000}, 0, INT64_C(3600000000000), "how long"},
    {"unique", PARAM_PERCENT, {0, 0}, 0, 10000, "how many are unique"},
    {"bulk", PARAM_BOOL, {1, 1}, 0, 1, "insert in bulk"},
    {"queues", PARAM_COUNTS, {10, 10}, 1, 100, "limits of queues"},
};
static const struct system fuzzed = {
    .name = "fuzzed", .about = "for the fuzzer", .params = specs, .param_count = 5};
static const struct system *const systems[] = {&fuzzed};

static void check_range(const struct range *range, int64_t min, int64_t max, const char *what)
{
    FUZZ_REQUIRE(range->lo <= range->hi, what);
    FUZZ_REQUIRE(range->lo >= min && range->hi <= max, what);
}

static void check_params(const struct scenario *scenario)
{
    FUZZ_REQUIRE(scenario->param_count == fuzzed.param_count, scenario->name);
    for (size_t i = 0; i < scenario->param_count; i++) {
        const struct param *param = &scenario->params[i];
        check_range(&param->value, param->spec->min, param->spec->max, param->spec->name);
        for (size_t k = 0; k < param->entry_count; k++)
            check_range(&param->entries[k].value, param->spec->min, param->spec->max,
                        param->entries[k].name);
    }
}

static void check_faults(const struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->rule_count; i++) {
        const struct rule_spec *rule = &scenario->rules[i];
        struct term_error error;
        FUZZ_REQUIRE(nemesis_engine.rule_check(rule->pattern, rule->term, &error) == 0, rule->term);
        FUZZ_REQUIRE(rule->line >= 1 && rule->column >= 1, rule->term);
    }
}

static void check(const struct scenario *scenario)
{
    FUZZ_REQUIRE(scenario->system == &fuzzed, scenario->name);
    FUZZ_REQUIRE(*scenario->name, "a name");
    check_range(&scenario->nodes, 1, 64, "nodes");
    check_range(&scenario->back_after, 0, INT64_MAX, "back after");
    FUZZ_REQUIRE(scenario->weight >= 1 && scenario->weight <= 1000, "weight");
    check_params(scenario);
    check_faults(scenario);
}

/* A rule from the command line: its text is whatever the name is. */
static void add_rule(struct scenario *scenario)
{
    char why[512] = "";
    int err = scenario_add_rule(scenario, scenario->name, why, sizeof why);
    FUZZ_REQUIRE((err == 0) == !*why, scenario->name);
}

FUZZ_TARGET(scenario)
{
    char *why = NULL;
    struct scenario *scenario = scenario_parse("s", (const char *)data, size, systems,
                                               sizeof systems / sizeof *systems, &why);
    if (scenario) {
        check(scenario);
        add_rule(scenario);
        scenario_free(scenario);
        return;
    }
    FUZZ_REQUIRE(why && strncmp(why, "s:", 2) == 0, "a complaint about the file");
    FUZZ_REQUIRE(why[strlen(why) - 1] == '\n', why);
    free(why);
}
