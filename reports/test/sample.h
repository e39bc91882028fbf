/* sample.h: a suite with everything in it, hostile texts included, for the tests of the reports. */
#ifndef DURESS_TEST_SAMPLE_H
#define DURESS_TEST_SAMPLE_H

#include "harness/report.h"
#include <criterion/criterion.h>
#include <string.h>

#define HOSTILE "<&>\"']]>\x01\x1b[31m\xff\xef\xbf\xbf\n\ttail"

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
static struct report_note queue_notes[] = {{"recovered", 3}, {"late", 1}};
static struct report_property properties[] = {
    {"no_stale_write", "a stale lease changes nothing", 99, 3000, 2, 98},
    {"queue_limit", "a queue never exceeds its limit", 5000, 3100, 0, 0, queue_notes, 2,
     "others judge that"},
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

static struct report_nemesis nemeses[] = {
    {"kill node", 30, 20, 9, 20},
    {"cut link", 5, 0, 0, 0},
};
static struct report_promise promises[] = {
    {"lost replies", "job/perform/start: wait(store/ack/reply)", 3000, 12345, 2},
    {"lost replies", "store/*/reply: 5%disconnect", 3000, 12345, 0},
    {"lost replies", "store/ack/send: 1%" HOSTILE, 3000, 0, 0},
    {"never ran", "kill node", 0, 0, 0},
};

__attribute__((unused)) static struct suite full_suite(void)
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
        .nemeses = nemeses,
        .nemesis_count = 2,
        .promises = promises,
        .promise_count = 4,
        .failures = failures,
        .failure_count = 2,
        .failed_runs = 3,
        .canary_runs = 12,
        .canary_caught = 12,
    };
}

__attribute__((unused)) static void expect_in(const char *text, const char *part)
{
    cr_expect(strstr(text, part), "\"%s\" is missing in:\n%s", part, text);
}

__attribute__((unused)) static void expect_not_in(const char *text, const char *part)
{
    cr_expect_not(strstr(text, part), "\"%s\" stands in:\n%s", part, text);
}

#endif
