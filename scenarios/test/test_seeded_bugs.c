/* Six bugs that real job queues have had, each found by one fault: by a plan of one line, at every hit in turn, and by
 * a sweep that is told nothing. The right queue passes all of it. */
#include "scenarios/test/mini_queue.h"

#include "harness/process/lab.h"
#include "harness/sweep/sweep.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    enum mini_bug bug;
    const char *plan; /* %u: how many hits of the point to spare */
    const char *property, *message;
} bugs[] = {
    {ACK_BEFORE_COMMIT, "mini/log/commit: per(point)skip(%u)1*poweroff", "no_job_lost", "are gone"},
    {POP_BEFORE_RUN, "mini/run/start: per(point)skip(%u)1*crash", "no_job_lost", "are gone"},
    {NO_LEASE_RENEWAL, "mini/run/start: per(point)skip(%u)1*delay(30s)", "one_run_at_a_time",
     "at once"},
    {RETRY_WITHOUT_KEY, "mini/effect/reply: per(point)skip(%u)1*disconnect", "effects_exactly_once",
     "was made again"},
    {DOUBLE_ENQUEUE_ON_TIMEOUT, "mini/insert/reply: per(point)skip(%u)1*timeout(6s)",
     "one_job_per_insert", "1 duplicated"},
    {RESCUE_WHILE_RUNNING, "mini/run/start: per(point)skip(%u)1*kill", "one_run_at_a_time",
     "at once"},
};
#define BUGS (sizeof bugs / sizeof *bugs)

static char place[64];

static void enter(void)
{
    strcpy(place, "/tmp/duress-bugs-XXXXXX");
    cr_assert(mkdtemp(place));
    cr_assert_eq(chdir(place), 0);
    registry_init();
}

static void leave(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", place);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(system(command), 0);
}

TestSuite(seeded, .init = enter, .fini = leave);

/* The one that shall find a bug; the right queue is judged by all. */
static const char *judges_of(enum mini_bug bug)
{
    for (size_t i = 0; i < BUGS; i++)
        if (bugs[i].bug == bug)
            return bugs[i].property;
    return "all";
}

/* `plan`: a line under `faults:`, or NULL. */
static struct scenario *scenario_with(enum mini_bug bug, const char *plan)
{
    static const struct system *const systems[] = {&mini_system};
    char text[512], *why = NULL;
    const char *judges = judges_of(bug);
    bool all = strcmp(judges, "all") == 0;
    int length = snprintf(
        text, sizeof text,
        "name: mini\nsut: mini\nsafety: 3m\nliveness: 10m\nback after: 1s\nproperties: %s%s%s\n"
        "workload: { bug: %d }\n%s%s\n",
        all ? "" : "[", judges, all ? "" : "]", (int)bug, plan ? "faults:\n  " : "",
        plan ? plan : "");
    struct scenario *scenario = scenario_parse("mini.yaml", text, (size_t)length, systems, 1, &why);
    cr_assert(scenario, "%s", why);
    return scenario;
}

/* ---- a plan of one line ---- */

struct hunt {
    unsigned hits;  /* of the point: runs in which the plan came true */
    unsigned found; /* of these: failed, by the expected property */
};

static unsigned faults_in(const struct result *result)
{
    uint64_t faults = 0;
    for (size_t i = 0; i < result->point_count; i++)
        for (size_t kind = 0; kind < FAULT_KIND_COUNT; kind++)
            faults += result->points[i].injected[kind];
    return (unsigned)faults;
}

/* One run; how many faults it had. */
static unsigned run_with(enum mini_bug bug, const char *plan, struct result *ret_result)
{
    static const struct extras no_extras;
    struct scenario *scenario = scenario_with(bug, plan);
    struct lab *lab = lab_new(&(struct lab_setup){.scenario = scenario,
                                                  .extras = &no_extras,
                                                  .program = "duress",
                                                  .workers = 1,
                                                  .run_timeout_ns = INT64_C(5000000000)});
    struct lab_result got;
    cr_assert(lab_run(lab, &(struct lab_task){.tape = tape_new(1)}, &got));
    *ret_result = got.result;
    got.result = (struct result){0};
    lab_result_done(&got);
    lab_free(lab);
    scenario_free(scenario);
    return faults_in(ret_result);
}

/* The fault at every hit of its point, one run each, until there is none left. */
static struct hunt hunt(enum mini_bug bug, size_t which)
{
    struct hunt hunt = {0};
    for (bool reached = true; reached;) {
        char plan[120];
        struct result result;
        snprintf(plan, sizeof plan, bugs[which].plan, hunt.hits);
        unsigned faults = run_with(bug, plan, &result);
        reached = faults > 0;
        cr_assert_leq(faults, 1, "%s: %u faults", plan, faults);
        hunt.hits += reached;
        if (result.outcome != OUTCOME_PASS) {
            cr_expect(reached, "fails without a fault: %s", result.message);
            cr_expect_str_eq(result.property, bugs[which].property, "bug %d, %s: %s: %s", (int)bug,
                             plan, result.property, result.message);
            cr_expect(strstr(result.message, bugs[which].message), "%s", result.message);
            hunt.found++;
        }
        result_done(&result);
    }
    return hunt;
}

Test(seeded, each_bug_is_found_by_a_plan_of_one_line)
{
    for (size_t i = 0; i < BUGS; i++) {
        struct hunt hunted = hunt(bugs[i].bug, i);
        cr_expect_geq(hunted.hits, MINI_JOBS, "%s: %u hits", bugs[i].plan, hunted.hits);
        cr_expect_gt(hunted.found, 0, "%s", bugs[i].plan);
    }
}

Test(seeded, the_right_queue_passes_the_same_plans)
{
    for (size_t i = 0; i < BUGS; i++) {
        struct hunt hunted = hunt(RIGHT, i);
        cr_expect_geq(hunted.hits, MINI_JOBS, "%s: %u hits", bugs[i].plan, hunted.hits);
        cr_expect_eq(hunted.found, 0, "%s", bugs[i].plan);
    }
}

/* ---- a forced order ---- */

static struct promise_count waits_of(const char *plan)
{
    struct result result;
    run_with(RIGHT, plan, &result);
    cr_assert_eq(result.outcome, OUTCOME_PASS, "%s: %s", plan, result.message);
    cr_assert_eq(result.promise_count, 1);
    struct promise_count count = result.promises[0];
    result_done(&result);
    return count;
}

/* The heart beats every three seconds. */
Test(seeded, a_forced_order_comes_about_or_is_told)
{
    struct promise_count came = waits_of("mini/run/start: per(point)1*wait(mini/lease/renew, 10s)");
    struct promise_count late = waits_of("mini/run/start: per(point)1*wait(mini/lease/renew, 1s)");
    cr_expect(came.kept == 1 && came.late == 0, "%lu, %lu", came.kept, came.late);
    cr_expect(late.kept == 1 && late.late == 1, "%lu, %lu", late.kept, late.late);
}

/* ---- a sweep ---- */

static const struct fault kinds[] = {
    {.kind = FAULT_DELAY, .lo_ns = 30 * MINI_SECOND, .hi_ns = 30 * MINI_SECOND},
    {.kind = FAULT_TIMEOUT, .lo_ns = 6 * MINI_SECOND, .hi_ns = 6 * MINI_SECOND},
    {.kind = FAULT_DISCONNECT},
    {.kind = FAULT_CRASH},
    {.kind = FAULT_KILL},
    {.kind = FAULT_POWEROFF}};

static struct certificate sweep_of(enum mini_bug bug)
{
    static const struct extras no_extras;
    struct certificate certificate;
    char why[256] = "", dir[16];
    snprintf(dir, sizeof dir, "bug%d", (int)bug);
    cr_assert_eq(mkdir(dir, 0777), 0);
    struct scenario *scenario = scenario_with(bug, NULL);
    const struct sweep_setup setup = {.scenario = scenario,
                                      .extras = &no_extras,
                                      .program = "duress",
                                      .seed = 1,
                                      .kinds = kinds,
                                      .kind_count = sizeof kinds / sizeof *kinds,
                                      .depth = 1,
                                      .disk_states = 1,
                                      .run_timeout_ns = INT64_C(5000000000),
                                      .workers = 2,
                                      .dir = dir};
    enum sweep_end end = sweep_run(&setup, &certificate, why, sizeof why);
    cr_assert_eq(end, SWEEP_DONE, "bug %d: %s", (int)bug, why);
    scenario_free(scenario);
    return certificate;
}

static uint64_t failures_of(const struct certificate *certificate, const char *property)
{
    uint64_t times = 0;
    for (size_t i = 0; i < certificate->failure_count; i++)
        if (strcmp(certificate->failures[i].property, property) == 0)
            times += certificate->failures[i].times;
    return times;
}

Test(seeded, each_bug_is_found_by_a_sweep_that_knows_nothing_of_it)
{
    for (size_t i = 0; i < BUGS; i++) {
        struct certificate certificate = sweep_of(bugs[i].bug);
        cr_expect_gt(failures_of(&certificate, bugs[i].property), 0, "bug %d: %s", (int)bugs[i].bug,
                     bugs[i].property);
        certificate_done(&certificate);
    }
}

Test(seeded, the_right_queue_withstands_every_single_fault)
{
    struct certificate certificate = sweep_of(RIGHT);
    cr_expect_eq(certificate.failed, 0);
    for (size_t i = 0; i < certificate.failure_count; i++)
        cr_expect(false, "%s: %s (%s)", certificate.failures[i].property,
                  certificate.failures[i].message, certificate.failures[i].trial);
    cr_expect_geq(certificate.reference_hits, 8 * MINI_JOBS, "%lu", certificate.reference_hits);
    certificate_done(&certificate);
}
