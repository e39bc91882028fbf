/* Properties on what becomes of leases, answers and supervisors: losers_stop, truthful_answers, patient_supervisors. */
#include "feed.h"

/* ---- losers_stop ---- */

#define RUNS                                                                                       \
    "1s n9 store/job/claim job=1 lease=1\n"                                                        \
    "1s n1 #7 work/job/run key=4 job=1 lease=1\n"
#define RESCUED "16s n9 store/job/rescue job=1 lease=1\n"
#define LATER   "17s n9 store/job/stage job=5\n"

Test(losers_stop, holds_when_the_run_is_over_before)
{
    expect_holds("losers_stop", RUNS "15s n1 #7 job/perform/stop job=1 lease=1\n" RESCUED LATER);
}

Test(losers_stop, holds_when_the_run_is_killed_at_the_same_time)
{
    expect_holds("losers_stop",
                 RUNS RESCUED "16050ms n1 #2 job/perform/lost job=1 lease=1\n" LATER);
}

Test(losers_stop, is_vacuous_without_rescues)
{
    expect_vacuous("losers_stop", RUNS LATER);
}

Test(losers_stop, refuses_a_run_that_goes_on)
{
    expect_fails("losers_stop", RUNS RESCUED LATER, 2,
                 "job 1 was rescued from lease 1, but went on running on node 1");
}

Test(losers_stop, does_not_judge_what_the_end_comes_too_early_for)
{
    expect_vacuous("losers_stop", RUNS RESCUED);
}

Test(losers_stop, refuses_a_run_that_begins_when_the_lease_is_over)
{
    expect_fails("losers_stop",
                 "1s n9 store/job/claim job=1 lease=1\n" RESCUED
                 "16500ms n1 #7 work/job/run key=4 job=1 lease=1\n" LATER,
                 2, "job 1 was rescued from lease 1, but went on running on node 1");
}

Test(losers_stop, lets_a_node_sleep_but_not_wake_up_and_go_on)
{
    expect_holds("losers_stop", RUNS "2s n1 world/node/pause name=n1\n" RESCUED LATER);
    expect_holds("losers_stop", RUNS "2s n1 world/node/pause name=n1\n" RESCUED
                                     "20s n1 world/node/resume name=n1\n"
                                     "20s n1 #2 job/perform/lost job=1 lease=1\n"
                                     "21s n9 store/job/stage job=5\n");
}

Test(losers_stop, refuses_the_end_of_a_run_that_was_killed)
{
    expect_fails("losers_stop",
                 RUNS "15s n1 #2 job/perform/lost job=1 lease=1\n" RESCUED
                      "18s n1 #7 job/perform/stop job=1 lease=1\n",
                 4, "job 1 under lease 1 was killed, but went on to its end");
}

Test(losers_stop, forgives_when_the_clock_of_the_database_was_changed)
{
    expect_vacuous("losers_stop",
                   RUNS "2s n9 world/clock/step by=9 ahead_ns=9 ppm=0\n" RESCUED LATER);
    expect_fails("losers_stop", RUNS "2s n1 world/clock/step by=9 ahead_ns=9 ppm=0\n" RESCUED LATER,
                 3, "job 1 was rescued from lease 1, but went on running on node 1");
    expect_fails("losers_stop", "0s n9 world/clock/step by=9 ahead_ns=9 ppm=0\n" RUNS RESCUED LATER,
                 3, "job 1 was rescued from lease 1, but went on running on node 1");
}

Test(losers_stop, forgives_while_a_clock_is_fast)
{
    expect_vacuous("losers_stop",
                   "0s n1 world/clock/set by=0 ahead_ns=0 ppm=50000\n" RUNS RESCUED LATER);
    expect_fails("losers_stop",
                 "0s n1 world/clock/set by=0 ahead_ns=0 ppm=300\n" RUNS RESCUED LATER, 3,
                 "job 1 was rescued from lease 1, but went on running on node 1");
}

/* ---- truthful_answers ---- */

#define CLAIMED "1s store/job/claim job=1 lease=1\n"
#define WRITTEN "2s store/job/finish job=1 lease=1 state=completed\n"
#define APPLIED "2s n1 #7 job/finish/done job=1 lease=1 state=completed result=applied\n"
#define STALE   "3s n1 #7 job/finish/done job=1 lease=1 state=completed result=stale\n"

Test(truthful_answers, holds_for_what_was_written_and_repeated)
{
    expect_holds("truthful_answers", CLAIMED WRITTEN APPLIED
                 "3s n1 #7 job/finish/done job=1 lease=1 state=completed result=repeated\n");
}

Test(truthful_answers, holds_for_what_a_later_lease_replaced)
{
    expect_holds("truthful_answers",
                 CLAIMED "1s store/job/rescue job=1 lease=1\n"
                         "1s store/job/claim job=1 lease=2\n"
                         "2s store/job/finish job=1 lease=2 state=completed\n" STALE);
}

Test(truthful_answers, is_vacuous_without_answers)
{
    expect_vacuous("truthful_answers", CLAIMED WRITTEN);
}

Test(truthful_answers, refuses_applied_if_nothing_was_written)
{
    expect_fails("truthful_answers", CLAIMED APPLIED, 1,
                 "job 1 under lease 1 was answered applied, but nothing was written");
}

Test(truthful_answers, refuses_stale_if_it_was_written)
{
    expect_fails("truthful_answers", CLAIMED WRITTEN STALE, 2,
                 "job 1 under lease 1 was answered stale, but it was written");
}

Test(truthful_answers, forgives_what_a_disk_fault_left_unrecorded)
{
    expect_vacuous("truthful_answers", CLAIMED "1s disk/file/sync file=jobs.db-wal <- kill\n"
                                               "2s store/job/claim job=1 lease=2\n" APPLIED);
}

/* ---- patient_supervisors ---- */

#define RESTARTS                                                                                   \
    "1s n1 #2 sup/child/restart child=stager sup=2 restarts=1\n"                                   \
    "30s n1 #2 sup/child/restart child=stager sup=2 restarts=2\n"
#define GIVES_UP(time)                                                                             \
    time " n1 #2 sup/supervisor/giveup sup=2 label=jobs intensity=2 period_s=60\n"

Test(patient_supervisors, holds_when_there_were_enough_restarts)
{
    expect_holds("patient_supervisors", RESTARTS GIVES_UP("40s"));
    expect_holds("patient_supervisors", RESTARTS GIVES_UP("61900ms"));
}

Test(patient_supervisors, is_vacuous_when_nothing_restarts)
{
    expect_vacuous("patient_supervisors", "1s world/node/start name=n1\n");
}

Test(patient_supervisors, refuses_to_count_what_was_long_ago)
{
    expect_fails("patient_supervisors", RESTARTS GIVES_UP("80s"), 2,
                 "jobs gave up after 1 restarts in 60 s, though 2 are allowed");
}

Test(patient_supervisors, counts_each_supervisor_and_each_life_of_a_node_apart)
{
    expect_fails("patient_supervisors",
                 "1s n1 #3 sup/child/restart child=stager sup=3 restarts=1\n"
                 "2s n2 #2 sup/child/restart child=stager sup=2 restarts=1\n" GIVES_UP("40s"),
                 2, "jobs gave up after 0 restarts in 60 s, though 2 are allowed");
    expect_fails("patient_supervisors",
                 RESTARTS "31s n1 world/node/start name=n1\n" GIVES_UP("40s"), 3,
                 "jobs gave up after 0 restarts in 60 s, though 2 are allowed");
    expect_holds("patient_supervisors",
                 RESTARTS "31s n2 world/node/start name=n2\n" GIVES_UP("40s"));
}
