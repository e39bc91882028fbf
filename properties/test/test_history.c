/* Histories: total queue, set, ids, counter, and the schedule. */
#include "histories.h"
#include "properties/schedule.h"

/* ---- total queue ---- */

/* hung 1, enqueued 2, dup 3, wtf 9 */
#define PATHOLOGICAL "1+e1 2+e2 2=e2 3+e3 3=e3 4+d 5+d 5=d9 6+d 6=d3 7+d 7=d3"
#define SANE         "1+e1 2+e2 2=e2 3+d 3=d1 3+d 3=d2"

Test(total_queue, tells_lost_unexpected_denied_duplicated_and_recovered)
{
    const struct history_case cases[] = {
        {"", "", JUDGED_VACUOUS},
        {"1+e1 1?e", "", JUDGED_VACUOUS},
        {SANE, "1 recovered (1)", JUDGED_HOLDS},
        {PATHOLOGICAL, "1 lost postfix (2), 1 unexpected (9), 1 duplicated (3)", JUDGED_FAILS},
        {"1+e1 1=e 2+d 2=d1", "", JUDGED_HOLDS},
        {"2+d 2=d1", "1 unexpected (1)", JUDGED_FAILS},
        {"1+e1 1!e 2+d 2=d1", "1 denied (1)", JUDGED_FAILS},
        {"1+e1 1!e 1+e1 1=e 2+d 2=d1", "", JUDGED_HOLDS},
        {"1+e1 1!e 2+d 2!d", "", JUDGED_VACUOUS},
        {"1+e1 1=e 2+d 2=d1 2+d 2=d1", "1 duplicated (1)", JUDGED_HOLDS},
        {"1+e1 1=e 1+e1 1=e 2+d 2=d1 2+d 2=d1", "", JUDGED_HOLDS},
        {"1+e1 1=e 1+e1 1=e 2+d 2=d1", "1 lost middle (1)", JUDGED_FAILS},
        {"1+e1 1=e 2+d 2?d", "1 lost postfix (1)", JUDGED_FAILS},
        {"1+e1 1=e 1+e2 1=e 2+D 2=D{1,2}", "", JUDGED_HOLDS},
        {"1+e1 1=e 2+D 2=D{1,7}", "1 unexpected (7)", JUDGED_FAILS},
        {"1+e1 1=e 2+d 2=d1 3+D 3?D", "1 undecided (2)", JUDGED_UNKNOWN},
        {"1+e1 1=e 2+d 2=d1 3+d 3=d-", "", JUDGED_HOLDS},
        {0},
    };
    expect_histories(history_total_queue, TOTAL_QUEUE, cases);
}

Test(total_queue, counts_multisets)
{
    const struct {
        const char *text;
        struct queue_totals totals;
    } cases[] = {
        {SANE, {.attempted = 2, .acknowledged = 1, .dequeued = 2, .ok = 2}},
        {PATHOLOGICAL, {.attempted = 3, .acknowledged = 2, .dequeued = 3, .ok = 1}},
    };
    for (size_t i = 0; i < 2; i++) {
        struct history history = history_of(cases[i].text);
        struct findings found = {0};
        struct queue_totals totals = history_queue_totals(&history, &found);
        cr_expect_eq(totals.attempted, cases[i].totals.attempted);
        cr_expect_eq(totals.acknowledged, cases[i].totals.acknowledged);
        cr_expect_eq(totals.dequeued, cases[i].totals.dequeued);
        cr_expect_eq(totals.ok, cases[i].totals.ok);
        findings_done(&found);
        history_done(&history);
    }
}

Test(total_queue, duplicates_fail_where_the_policy_says_so)
{
    enum judgement judgement;
    history_said(history_total_queue, "1+e1 1=e 2+d 2=d1 2+d 2=d1", TOTAL_QUEUE | KIND(DUPLICATED),
                 &judgement);
    cr_expect_eq(judgement, JUDGED_FAILS);
}

/* Writer 1 wrote 10 .. 14, writer 2 wrote 20 .. 22, all acknowledged. */
#define WRITTEN "1+e10 1=e 2+e20 2=e 1+e11 1=e 1+e12 1=e 2+e21 2=e 1+e13 1=e 1+e14 1=e 2+e22 2=e "

Test(total_queue, tells_which_part_of_a_writer_is_lost)
{
    const struct history_case cases[] = {
        {WRITTEN "9+D 9=D{10,11,12,13,14,20,21,22}", "", JUDGED_HOLDS},
        {WRITTEN "9+D 9=D{12,13,14,20,21,22}", "2 lost prefix (10, 11)", JUDGED_FAILS},
        {WRITTEN "9+D 9=D{10,14,20,21,22}", "3 lost middle (11, 12, 13)", JUDGED_FAILS},
        {WRITTEN "9+D 9=D{10,11,12,20,21,22}", "2 lost postfix (13, 14)", JUDGED_FAILS},
        {WRITTEN "9+D 9=D{10,11,12,13,14}", "3 lost postfix (20, 21, 22)", JUDGED_FAILS},
        {WRITTEN "9+D 9=D{11,13,21}",
         "2 lost prefix (10, 20), 1 lost middle (12), 2 lost postfix (14, 22)", JUDGED_FAILS},
        /* What was never acknowledged is not lost, but tells where its writer stood. */
        {"1+e1 1=e 1+e2 1?e 9+D 9=D{2}", "1 lost prefix (1), 1 recovered (2)", JUDGED_FAILS},
        {"1+e1 1?e 1+e2 1=e 9+D 9=D{2}", "", JUDGED_HOLDS},
        /* Two writers of one value: lost is the copy that was acknowledged. */
        {"1+e1 1?e 1+e2 1=e 2+e1 2=e 9+D 9=D{2}", "1 lost postfix (1)", JUDGED_FAILS},
        {0},
    };
    expect_histories(history_total_queue, TOTAL_QUEUE, cases);
}

/* ---- set ---- */

Test(set_full, tells_never_read_stable_lost_stale_and_duplicated)
{
    const struct history_case cases[] = {
        {"", "", JUDGED_VACUOUS},
        {"1+a1 1=a", "1 never read (1)", JUDGED_VACUOUS},
        {"1+a1 2+r 2=r{}", "1 never read (1)", JUDGED_VACUOUS},
        /* Seen: concurrently or after. */
        {"2+r 1+a1 2=r{1} 1=a", "", JUDGED_HOLDS},
        {"2+r 1+a1 1=a 2=r{1}", "", JUDGED_HOLDS},
        {"1+a1 2+r 2=r{1} 1=a", "", JUDGED_HOLDS},
        {"1+a1 2+r 1=a 2=r{1}", "", JUDGED_HOLDS},
        {"1+a1 1=a 2+r 2=r{1}", "", JUDGED_HOLDS},
        /* Missed: after is lost, concurrently is not. */
        {"1+a1 1=a 2+r 2=r{}", "1 lost (1)", JUDGED_FAILS},
        {"2+r 1+a1 2=r{} 1=a", "1 never read (1)", JUDGED_VACUOUS},
        {"2+r 1+a1 1=a 2=r{}", "1 never read (1)", JUDGED_VACUOUS},
        {"1+a1 2+r 2=r{} 1=a", "1 never read (1)", JUDGED_VACUOUS},
        {"1+a1 2+r 1=a 2=r{}", "1 never read (1)", JUDGED_VACUOUS},
        /* Seen, then missed for good; and flapping: missed, then seen again. */
        {"1+a1 1=a 2+r 2=r{1} 2+r 2=r{}", "1 lost (1)", JUDGED_FAILS},
        {"1+a1 1=a 2+r 2=r{1} 2+r 2=r{} 2+r 2=r{1}", "1 stale (1)", JUDGED_HOLDS},
        {"1+a1 1=a 2+r 2=r{} 2+r 2=r{1}", "1 stale (1)", JUDGED_HOLDS},
        /* The read saw it before its add was acknowledged: from then on it is known. */
        {"1+a1 2+r 2=r{1} 3+r 3=r{} 1=a", "1 lost (1)", JUDGED_FAILS},
        /* Reads of unknown or failed outcome saw nothing and missed nothing. */
        {"1+a1 1=a 2+r 2?r 3+r 3=r{1} 4+r 4!r", "", JUDGED_HOLDS},
        /* What was not added. */
        {"2+r 2=r{7}", "1 unexpected (7)", JUDGED_FAILS},
        {"1+a1 1!a 2+r 2=r{}", "", JUDGED_VACUOUS},
        {"1+a1 1!a 2+r 2=r{1}", "1 denied (1)", JUDGED_FAILS},
        {"1+a1 1?a 2+r 2=r{1}", "", JUDGED_HOLDS},
        /* Doubled. */
        {"1+a1 1=a 2+r 2=r{1,1}", "1 duplicated (1)", JUDGED_FAILS},
        {"1+a1 1=a 1+a2 1=a 2+r 2=r{1,2,1,1} 2+r 2=r{1,2}", "1 duplicated (1)", JUDGED_FAILS},
        {"1+a1 1=a 2+r 2=r{1,1} 2+r 2=r{}", "1 lost (1), 1 duplicated (1)", JUDGED_FAILS},
        {"1+a1 1=a 2+r 2=r{1} 2+r 2=r{1}", "", JUDGED_HOLDS},
        /* All at once. */
        {"0+a0 1+a1 2+r 2=r{1} 0=a 1=a 2+r 2=r{0,1} 2+r 2=r{0} 2+r 2=r{}", "2 lost (0, 1)",
         JUDGED_FAILS},
        {"0+a0 0=a 1+a1 2+r 2=r{1} 1=a 2+r 3+r 3=r{1} 2=r{0}", "1 lost (0), 1 stale (1)",
         JUDGED_FAILS},
        {0},
    };
    expect_histories(history_set_full, SET_FULL, cases);
}

Test(set_full, stale_reads_break_a_linearizable_set)
{
    enum judgement judgement;
    const char *flapping = "1+a1 1=a 2+r 2=r{1} 2+r 2=r{} 2+r 2=r{1}";
    history_said(history_set_full, flapping, SET_LINEARIZABLE, &judgement);
    cr_expect_eq(judgement, JUDGED_FAILS);
}

Test(set_full, measures_how_long_it_takes_to_be_stable_and_to_be_lost)
{
    struct findings found = {0};
    /*                            0    1   2    3  4       5   6   7  8      9 */
    struct history history = history_of("0+a0 0=a 1+a1 2+r 2=r{1} 1=a 2+r 3+r 3=r{1} 2=r{0}");
    struct set_totals totals = history_set_totals(&history, &found);
    cr_expect_eq(totals.attempted, 2);
    cr_assert_eq(totals.stable, 1);
    cr_assert_eq(totals.lost, 1);
    cr_expect_eq(totals.stable_ns[0], 2 * MS); /* known at 4, missed by the read that began at 6 */
    cr_expect_eq(totals.lost_ns[0], 5 * MS);   /* known at 1, last seen by the same read */
    set_totals_done(&totals);
    findings_done(&found);
    history_done(&history);
}

Test(set_full, quantiles_of_sorted_values)
{
    const int64_t sorted[] = {1, 2, 3, 4};
    cr_expect_eq(sorted_quantile(sorted, 4, 0), 1);
    cr_expect_eq(sorted_quantile(sorted, 4, 500), 3);
    cr_expect_eq(sorted_quantile(sorted, 4, 1000), 4);
    cr_expect_eq(sorted_quantile(NULL, 0, 500), 0);
}

/* ---- ids, counter, statistics ---- */

Test(unique_ids, no_id_is_given_out_twice)
{
    const struct history_case cases[] = {
        {"", "", JUDGED_VACUOUS},
        {"1+g 1=g5 2+g 2=g6", "", JUDGED_HOLDS},
        {"1+g 1=g5 2+g 2=g5 1+g 1=g5", "2 duplicated (5, 5)", JUDGED_FAILS},
        {"1+g 1=g5 2+g 2?g5 3+g 3!g5", "", JUDGED_HOLDS},
        {0},
    };
    expect_histories(history_unique_ids, KIND(DUPLICATED), cases);
}

Test(counter, a_read_lies_between_what_is_certain_and_what_is_possible)
{
    const struct history_case cases[] = {
        {"", "", JUDGED_VACUOUS},
        {"0+r 0=r0", "", JUDGED_HOLDS},
        {"0+a1 0!a 0+r 0=r0", "", JUDGED_HOLDS},
        {"0+a1 0!a 0+r 0=r1", "1 out of bounds (1)", JUDGED_FAILS},
        {"0+r 0=r1", "1 out of bounds (1)", JUDGED_FAILS},
        {"0+a3 0=a 0+r 0=r2", "1 out of bounds (2)", JUDGED_FAILS},
        {"0+a3 0?a 1+r 1=r3 1+r 1=r0", "", JUDGED_HOLDS},
        {"0+r 1+a1 2+r 3+a2 4+r 5+a4 6+r 7+a8 8+r 0=r6 1=a 2=r0 3=a 4=r3 5=a 6=r100 7=a 8=r15",
         "1 out of bounds (100)", JUDGED_FAILS},
        {"0+r 1+a1 0=r0 0+r 1=a 1+a2 0=r3 0+r 1=a 0=r5", "1 out of bounds (5)", JUDGED_FAILS},
        {0},
    };
    expect_histories(history_counter, KIND(OUT_OF_BOUNDS), cases);
}

Test(counter, goes_down_too)
{
    struct history history = {0};
    struct findings found = {0};
    const int64_t adds[] = {5, -3}, reads[] = {5, 2};
    for (int i = 0; i < 2; i++) {
        size_t add = history_invoke(&history, (struct op){.f = OP_ADD, .value = adds[i]}, 0);
        size_t early = history_invoke(&history, (struct op){.process = 1, .f = OP_READ}, 0);
        history_complete(&history, early, OP_OK, 1)->value = reads[i]; /* under way: may be seen */
        history_complete(&history, add, OP_OK, 2);
    }
    history_counter(&history, &found);
    cr_expect_eq(found.count, 0);
    size_t late = history_invoke(&history, (struct op){.f = OP_READ}, 3);
    history_complete(&history, late, OP_OK, 4)->value = 5; /* it is 2 by now */
    history_counter(&history, &found);
    cr_assert_eq(found.count, 1);
    cr_expect_eq(found.list[0].amount, 3);
    findings_done(&found);
    history_done(&history);
}

Test(sane, an_operation_that_never_succeeds_proves_nothing)
{
    const struct history_case cases[] = {
        {"", "", JUDGED_VACUOUS},
        {"1+r 1=r 1+w1 1?w 1+w2 1=w", "", JUDGED_HOLDS},
        {"1+r 1=r 1+w1 1?w 1+w2 1!w", "1 too few (7)", JUDGED_FAILS},
        {0},
    };
    expect_histories(history_sane, KIND(TOO_FEW), cases);
}

/* ---- schedule ---- */

#define S INT64_C(1000000000)

static const struct plan_of_runs thrice = {.job = 7,
                                           .first_ns = 0,
                                           .interval_ns = 60 * S,
                                           .epsilon_ns = 10 * S,
                                           .duration_ns = 0,
                                           .count = 3};

Test(schedule, asks_only_for_what_must_be_over_when_it_is_read)
{
    struct plan_of_runs plan = thrice;
    cr_expect_eq(plan_targets(&plan, 10000 * S), 3);
    cr_expect_eq(plan_targets(&plan, 70 * S),
                 1); /* the second begins at read - epsilon: not before */
    cr_expect_eq(plan_targets(&plan, 70 * S + 1), 2);
    cr_expect_eq(plan_targets(&plan, 10 * S), 0);
    cr_expect_eq(plan_targets(&plan, 10 * S + 1), 1);
    plan.duration_ns = 30 * S;
    cr_expect_eq(plan_targets(&plan, 100 * S), 1);
    cr_expect_eq(plan_targets(&plan, 100 * S + 1), 2);
    plan.interval_ns = 0;
    cr_expect_eq(plan_targets(&plan, 10000 * S), 1);
    plan.count = 0;
    cr_expect_eq(plan_targets(&plan, 10000 * S), 0);
}

static const char *schedule_said(const struct plan_of_runs *plan, const struct run_of_job *runs,
                                 size_t count, enum judgement *ret)
{
    static char out[300];
    struct findings found = {0};
    check_schedule(plan, plan ? 1 : 0, runs, count, 100000 * S, 5 * S, &found);
    *ret = findings_judge(&found, SCHEDULE);
    findings_print(&found, KIND_ANY, out, sizeof out);
    findings_done(&found);
    return out;
}

#define RUN(at)                                                                                    \
    {                                                                                              \
        7, (int64_t)((at)*1e9), (int64_t)((at)*1e9) + 10 * S                                       \
    }
#define BEGUN(at)                                                                                  \
    {                                                                                              \
        7, (int64_t)((at)*1e9), INT64_MAX                                                          \
    }

Test(schedule, matches_every_target_with_a_run_of_its_own)
{
    struct plan_of_runs dense = thrice;
    dense.interval_ns = 4 * S; /* windows overlap: [0, 15], [4, 19], [8, 23] */
    const struct {
        const struct plan_of_runs *plan;
        struct run_of_job runs[5];
        size_t count;
        const char *said;
        enum judgement judgement;
    } cases[] = {
        /* The runs are in no order. */
        {&thrice,
         {RUN(65), RUN(3), RUN(180), RUN(127), BEGUN(0)},
         5,
         "1 extra (7), 1 incomplete (7)",
         JUDGED_HOLDS},
        {&thrice,
         {RUN(3), RUN(127), RUN(180), BEGUN(0)},
         4,
         "1 unmet (7), 1 extra (7), 1 incomplete (7)",
         JUDGED_FAILS},
        /* The edges of a window, with what is forgiven. */
        {&thrice, {RUN(0), RUN(75), RUN(120)}, 3, "", JUDGED_HOLDS},
        {&thrice, {RUN(0), RUN(75.1), RUN(120)}, 3, "1 unmet (7), 1 extra (7)", JUDGED_FAILS},
        {&thrice, {RUN(0), RUN(59.9), RUN(120)}, 3, "1 unmet (7), 1 extra (7)", JUDGED_FAILS},
        /* Two runs in one window serve it once. */
        {&thrice, {RUN(1), RUN(2), RUN(120)}, 3, "1 unmet (7), 1 extra (7)", JUDGED_FAILS},
        {&thrice, {RUN(1), RUN(2), RUN(61), RUN(120)}, 4, "1 extra (7)", JUDGED_HOLDS},
        /* One run does not serve two windows, even where they overlap. */
        {&dense, {RUN(5)}, 1, "2 unmet (7, 7)", JUDGED_FAILS},
        {&dense, {RUN(14), RUN(14), RUN(14)}, 3, "", JUDGED_HOLDS},
        {&dense, {RUN(5), RUN(5), RUN(5)}, 3, "1 unmet (7), 1 extra (7)", JUDGED_FAILS},
        {&dense, {RUN(5), RUN(16), RUN(22)}, 3, "", JUDGED_HOLDS},
        /* A run that did not end is none. */
        {&thrice, {RUN(1), BEGUN(61), RUN(121)}, 3, "1 unmet (7), 1 incomplete (7)", JUDGED_FAILS},
        {&thrice, {{0}}, 0, "3 unmet (7, 7, 7)", JUDGED_FAILS},
        {NULL, {RUN(1)}, 1, "1 unexpected (7)", JUDGED_FAILS},
        {NULL, {{0}}, 0, "", JUDGED_VACUOUS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum judgement judgement;
        const char *said = schedule_said(cases[i].plan, cases[i].runs, cases[i].count, &judgement);
        cr_expect_str_eq(said, cases[i].said, "case %zu: %s", i, said);
        cr_expect_eq(judgement, cases[i].judgement, "case %zu", i);
    }
}

Test(schedule, says_which_target_is_unmet_and_which_run_is_extra)
{
    const struct run_of_job runs[] = {RUN(121), RUN(1), RUN(30)};
    struct findings found = {0};
    check_schedule(&thrice, 1, runs, 3, 100000 * S, 0, &found);
    cr_assert_eq(found.count, 2);
    const struct finding *unmet = findings_first(&found, KIND(UNMET));
    const struct finding *extra = findings_first(&found, KIND(EXTRA));
    cr_expect_eq(unmet->at, 1);
    cr_expect_eq(unmet->amount, 60 * S);
    cr_expect_eq(extra->at, 2);
    cr_expect_eq(extra->amount, 30 * S);
    findings_done(&found);
}
