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
    for (int day = 0; day < 4; day++) {
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
    prop_yield();
    for (int look = 0; look < 6; look++) {
        bool open = ledger->open;
        if (open) {
            ledger->seen_open = true;
            prop_yield();
            prop_assert(!ledger->closed_after, "closed behind the auditor's back");
        }
        prop_yield();
    }
}

static void two_faults_two_switches(void)
{
    struct ledger *ledger = prop_alloc(sizeof *ledger);
    prop_spawn("clerk", clerk, ledger);
    prop_spawn("auditor", auditor, ledger);
    prop_join();
}

static unsigned lines_with(const char *text, const char *words)
{
    unsigned count = 0;
    for (; (text = strstr(text, words)); text += strlen(words))
        count++;
    return count;
}

Test(fibers, two_faults_and_two_switches_shrink_to_two_and_two)
{
    const struct prop *prop = RIG_PROP(two_faults_two_switches, .runs = 200000);
    for (uint64_t seed = 1; seed <= 20; seed++) {
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
