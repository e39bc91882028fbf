/* Fibers: what needs exactly two faults and two context switches to fail shrinks to exactly two and two; deadlocks are
 * told; the simplest schedule is the order of making. */
#include "properties/machine.h"
#include "properties/test/prop_rig.h"

/* ---- two faults and two switches ----
 *
 * A ledger with an audit. The clerk moves money out of an account in three steps and retries a step that fails; the
 * auditor adds up. The books are wrong only if the first attempt and the first retry are both lost (then the retry
 * counter is reused), and the auditor looks in exactly between: away from the clerk, and back again. */

struct ledger {
    unsigned lost;
    bool open, seen_open, closed_after;
};

static void clerk(void *arg)
{
    struct ledger *ledger = arg;
    for (int day = 0; day < 8; day++) {
        ledger->lost = 0;
        for (int attempt = 0; attempt < 3; attempt++) {
            prop_yield();
            if (!prop_fault("send"))
                break;
            ledger->lost++;
        }
        ledger->open = ledger->lost == 2;
        prop_yield();
        ledger->open = false;
        ledger->closed_after = ledger->seen_open;
        prop_yield();
    }
}

static void auditor(void *arg)
{
    struct ledger *ledger = arg;
    for (int look = 0; look < 2; look++) {
        ledger->seen_open |= ledger->open;
        prop_yield();
        prop_assert(!ledger->closed_after, "closed behind the auditor's back");
    }
}

static void two_faults_two_switches(void)
{
    struct ledger *ledger = prop_alloc(sizeof *ledger);
    prop_spawn("clerk", clerk, ledger);
    prop_spawn("auditor", auditor, ledger);
    prop_join();
}

Test(fibers, two_faults_and_two_switches_shrink_to_two_and_two)
{
    const struct prop *prop = RIG_PROP(two_faults_two_switches, .runs = 200000);
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct prop_result result = rig_run(prop, seed);
        cr_assert_eq(result.verdict, PROP_FAILED, "seed %lu", (unsigned long)seed);
        cr_assert_eq(lines_with(result.report, "fault: "), 2, "%s", result.report);
        cr_assert_eq(lines_with(result.report, "switch: "), 2, "%s", result.report);
        cr_assert_lt(result.shrink.executions, 1000);
        if (seed == 1)
            cr_log_info("%s", result.report);
        prop_result_done(&result);
    }
}

/* ---- the simplest schedule, deadlocks, endless yields ---- */

static char order[64];

static void append(void *arg)
{
    for (int i = 0; i < 2; i++) {
        order[strlen(order)] = *(const char *)arg;
        prop_yield();
    }
}

static void in_order(void)
{
    memset(order, 0, sizeof order);
    prop_spawn("a", append, "a");
    prop_spawn("b", append, "b");
    prop_join();
    prop_note("order %s", order);
    prop_assert(strlen(order) == 4);
    prop_assert(strcmp(order, "baab") != 0);
}

Test(fibers, run_one_after_the_other_unless_a_switch_is_drawn)
{
    struct prop_config config = rig_config(1);
    config.case_text = "1:2:0,0";
    struct prop_result result = prop_run(RIG_PROP(in_order), &config);
    cr_assert_eq(result.verdict, PROP_HELD);
    cr_assert_not_null(strstr(result.report, "order aabb"), "%s", result.report);
    prop_result_done(&result);
}

Test(fibers, order_that_fails_is_found_and_is_minimal)
{
    const struct prop *prop = RIG_PROP(in_order, .runs = 5000);
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct prop_result result = rig_run(prop, seed);
        cr_assert_eq(result.verdict, PROP_FAILED);
        cr_assert_eq(lines_with(result.report, "switch: "), 2, "%s", result.report);
        prop_result_done(&result);
    }
}

static bool held[2];

static bool is_free(void *arg)
{
    return !*(bool *)arg;
}

static void lock_both(void *arg)
{
    int first = *(const int *)arg;
    prop_await(is_free, &held[first], first ? "lock 1" : "lock 0");
    held[first] = true;
    prop_yield();
    prop_await(is_free, &held[!first], first ? "lock 0" : "lock 1");
    held[0] = held[1] = false;
}

static void lock_in_both_orders(void)
{
    static const int left = 0, right = 1;
    held[0] = held[1] = false;
    prop_spawn("left", lock_both, (void *)(uintptr_t)&left);
    prop_spawn("right", lock_both, (void *)(uintptr_t)&right);
    prop_join();
}

Test(fibers, deadlock_is_a_failure_and_says_who_waits_for_what)
{
    rig_fails(RIG_PROP(lock_in_both_orders), 1,
              "deadlock: left waits for lock 1, right waits for lock 0");
}

static void yield_for_ever(void *arg)
{
    (void)arg;
    for (;;)
        prop_yield();
}

static void endless(void)
{
    prop_spawn("spinner", yield_for_ever, NULL);
    prop_join();
}

Test(fibers, endless_yields_end)
{
    struct prop_config config = rig_config(1);
    config.case_text = "1:0:";
    struct prop_result result = prop_run(RIG_PROP(endless), &config);
    cr_assert_eq(result.verdict, PROP_FAILED);
    cr_assert_not_null(strstr(result.report, "yield for ever: spinner"), "%s", result.report);
    prop_result_done(&result);
}
