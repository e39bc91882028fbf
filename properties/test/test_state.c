/* Properties on what is recorded: the ledger, the life cycle, leases, attempts. */
#include "feed.h"

/* ---- no_job_lost ---- */

#define AUDIT "9s world/phase/enter phase=audit\n"

Test(no_job_lost, holds_when_every_acknowledged_job_is_there_once)
{
    expect_holds("no_job_lost", "1s client/insert/call key=1 delay_ms=0 max=3\n"
                                "1s client/insert/ok key=1 job=11\n"
                                "2s client/insert/call key=2\n"
                                "2s client/insert/unknown key=2\n" AUDIT
                                "9s audit/job/row job=11 key=1 state=completed\n");
}

Test(no_job_lost, is_vacuous_without_acknowledgements)
{
    expect_vacuous("no_job_lost", "1s client/insert/call key=1\n"
                                  "1s client/insert/fail key=1\n" AUDIT);
}

Test(no_job_lost, says_nothing_before_an_audit)
{
    expect_vacuous("no_job_lost", "1s client/insert/call key=1\n"
                                  "1s client/insert/ok key=1 job=11\n");
}

#define THREE                                                                                      \
    "1s client/insert/ok key=1 job=11\n"                                                           \
    "2s client/insert/ok key=2 job=12\n"                                                           \
    "3s client/insert/ok key=3 job=13\n" AUDIT

Test(no_job_lost, tells_a_lost_tail)
{
    expect_fails("no_job_lost",
                 THREE "9s audit/job/row job=11 key=1 state=completed\n"
                       "9s audit/job/row job=12 key=2 state=completed\n",
                 5, "1 of 3 acknowledged jobs are gone (postfix); the first: key 3, job 13");
}

Test(no_job_lost, tells_a_lost_beginning)
{
    expect_fails("no_job_lost", THREE "9s audit/job/row job=13 key=3 state=completed\n", 4,
                 "2 of 3 acknowledged jobs are gone (prefix); the first: key 1, job 11");
}

Test(no_job_lost, tells_a_hole_in_the_middle)
{
    expect_fails("no_job_lost",
                 THREE "9s audit/job/row job=11 key=1 state=completed\n"
                       "9s audit/job/row job=13 key=3 state=discarded\n",
                 5, "1 of 3 acknowledged jobs are gone (middle); the first: key 2, job 12");
}

Test(no_job_lost, tells_that_nothing_is_left)
{
    expect_fails("no_job_lost", THREE, 3,
                 "3 of 3 acknowledged jobs are gone (all); the first: key 1, job 11");
}

Test(no_job_lost, refuses_a_job_that_is_there_twice)
{
    expect_fails("no_job_lost",
                 "1s client/insert/ok key=1 job=11\n" AUDIT
                 "9s audit/job/row job=11 key=1 state=completed\n"
                 "9s audit/job/row job=12 key=1 state=completed\n",
                 3, "key 1 was acknowledged once and is there 2 times");
}

Test(no_job_lost, refuses_another_job_under_the_same_key)
{
    expect_fails("no_job_lost",
                 "1s client/insert/ok key=1 job=11\n" AUDIT
                 "9s audit/job/row job=12 key=1 state=completed\n",
                 2, "key 1 was acknowledged as job 11, but is job 12");
}

/* ---- no_ghost_job ---- */

Test(no_ghost_job, allows_unknown_inserts_to_have_happened)
{
    expect_holds("no_ghost_job", "1s client/insert/call key=1\n"
                                 "1s client/insert/unknown key=1\n"
                                 "2s n1 #3 work/job/run key=1 job=11 lease=1\n"
                                 "9s audit/job/row job=11 key=1 state=completed\n");
}

Test(no_ghost_job, is_vacuous_when_nothing_runs_and_nothing_is_there)
{
    expect_vacuous("no_ghost_job", "1s client/insert/call key=1\n"
                                   "1s client/insert/fail key=1\n");
}

Test(no_ghost_job, refuses_a_run_of_a_job_whose_insert_failed)
{
    expect_fails("no_ghost_job",
                 "1s client/insert/call key=1\n"
                 "1s client/insert/fail key=1\n"
                 "2s n1 #3 work/job/run key=1 job=11\n",
                 2, "key 1 ran, but its insert had failed");
}

Test(no_ghost_job, refuses_a_job_that_nobody_inserted)
{
    expect_fails("no_ghost_job", "9s audit/job/row job=11 key=5 state=completed\n", 0,
                 "key 5 is there, but no client ever inserted it");
}

Test(no_ghost_job, forgives_a_failed_insert_whose_commit_met_a_disk_fault)
{
    expect_holds("no_ghost_job", "1s client/insert/call key=1\n"
                                 "1s n9 disk/file/sync file=jobs.db-wal <- error(EIO)\n"
                                 "1s client/insert/fail key=1\n"
                                 "9s audit/job/row job=11 key=1 state=completed\n");
}

/* ---- one_final_state ---- */

Test(one_final_state, holds_for_one_end)
{
    expect_holds("one_final_state", "1s store/job/finish job=1 lease=1 state=retryable\n"
                                    "2s store/job/finish job=1 lease=2 state=completed\n"
                                    "9s audit/job/row job=1 key=1 state=completed\n");
}

Test(one_final_state, is_vacuous_while_nothing_ends)
{
    expect_vacuous("one_final_state", "1s store/job/finish job=1 lease=1 state=retryable\n"
                                      "1s store/job/rescue job=2 lease=1 state=available\n");
}

Test(one_final_state, refuses_two_ends)
{
    expect_fails("one_final_state",
                 "1s store/job/rescue job=1 lease=1 state=discarded\n"
                 "2s store/job/finish job=1 lease=1 state=completed\n",
                 1, "job 1 ended twice: discarded, then completed");
}

Test(one_final_state, allows_a_second_end_after_a_retry_by_hand)
{
    expect_holds("one_final_state", "1s store/job/finish job=1 lease=1 state=discarded\n"
                                    "2s store/job/retry job=1 state=available\n"
                                    "3s store/job/finish job=1 lease=2 state=completed\n"
                                    "9s audit/job/row job=1 key=1 state=completed\n");
}

Test(one_final_state, refuses_a_job_that_comes_back_to_life)
{
    expect_fails("one_final_state",
                 "1s store/job/cancel job=1 state=cancelled\n"
                 "9s audit/job/row job=1 key=1 state=available\n",
                 1, "job 1 had ended cancelled, but is available at the end");
}

Test(one_final_state, refuses_an_end_that_nobody_recorded)
{
    expect_fails("one_final_state", "9s audit/job/row job=1 key=1 state=completed\n", 0,
                 "job 1 is completed at the end, but nothing ended it");
}

Test(one_final_state, forgives_an_end_hidden_by_a_disk_fault)
{
    cr_assert_not(feed("one_final_state", "2s n9 disk/file/sync file=jobs.db-wal <- poweroff\n"
                                          "9s audit/job/row job=1 key=1 state=completed\n")
                      .failed);
}

/* ---- lawful_moves ---- */

Test(lawful_moves, holds_for_a_life_with_everything_in_it)
{
    expect_holds("lawful_moves", "1s store/job/insert job=1 state=scheduled\n"
                                 "2s store/job/stage job=1\n"
                                 "3s store/job/claim job=1 lease=1 attempt=1\n"
                                 "4s store/job/finish job=1 lease=1 state=retryable\n"
                                 "5s store/job/stage job=1\n"
                                 "6s store/job/claim job=1 lease=2 attempt=2\n"
                                 "7s store/job/rescue job=1 lease=2 state=available\n"
                                 "8s store/job/cancel job=1 state=cancelled\n"
                                 "8s store/job/retry job=1 state=available\n"
                                 "9s audit/job/row job=1 key=1 state=available\n");
}

Test(lawful_moves, is_vacuous_without_jobs)
{
    expect_vacuous("lawful_moves", "9s world/phase/enter phase=audit\n");
}

Test(lawful_moves, refuses_two_claims_in_a_row)
{
    expect_fails("lawful_moves",
                 "1s store/job/insert job=1 state=available\n"
                 "2s store/job/claim job=1 lease=1\n"
                 "3s store/job/claim job=1 lease=2\n",
                 2, "job 1 was claimed while it was executing");
}

Test(lawful_moves, refuses_a_stager_that_wakes_a_running_job)
{
    expect_fails("lawful_moves",
                 "1s store/job/insert job=1 state=scheduled\n"
                 "2s store/job/stage job=1\n"
                 "3s store/job/claim job=1 lease=1\n"
                 "4s store/job/stage job=1\n",
                 3, "job 1 was staged while it was executing");
}

Test(lawful_moves, refuses_a_rescue_into_completed)
{
    expect_fails("lawful_moves",
                 "1s store/job/insert job=1 state=available\n"
                 "2s store/job/claim job=1 lease=1\n"
                 "3s store/job/rescue job=1 lease=1 state=completed\n",
                 2, "job 1 was rescued and is now completed");
}

Test(lawful_moves, refuses_a_row_in_another_state)
{
    expect_fails("lawful_moves",
                 "1s store/job/insert job=1 state=available\n"
                 "9s audit/job/row job=1 key=1 state=completed\n",
                 1, "job 1 is completed at the end, but was left available");
}

Test(lawful_moves, forgives_one_step_hidden_by_a_disk_fault_and_no_more)
{
#define HIDDEN                                                                                     \
    "1s store/job/insert job=1 state=available\n"                                                  \
    "2s n9 disk/file/sync file=jobs.db-wal <- kill\n"                                              \
    "3s store/job/rescue job=1 lease=1 state=available\n"
    expect_holds("lawful_moves", HIDDEN);
    expect_fails("lawful_moves", HIDDEN "4s store/job/rescue job=1 lease=1 state=available\n", 3,
                 "job 1 was rescued while it was available");
}

/* ---- leases_rise ---- */

Test(leases_rise, holds_for_rising_leases)
{
    expect_holds("leases_rise",
                 "1s store/job/claim job=1 lease=1\n2s store/job/claim job=1 lease=2\n");
}

Test(leases_rise, is_vacuous_without_claims)
{
    expect_vacuous("leases_rise", "1s store/job/insert job=1 state=available\n");
}

Test(leases_rise, refuses_a_lease_that_comes_back)
{
    expect_fails("leases_rise",
                 "1s store/job/claim job=1 lease=4\n"
                 "2s n9 world/node/poweroff name=db\n"
                 "3s store/job/claim job=1 lease=4\n",
                 2, "store/job/claim job=1: 4 is not more than that of event 0");
}

/* ---- no_stale_write ---- */

Test(no_stale_write, holds_when_the_newest_claim_writes)
{
    expect_holds("no_stale_write", "1s store/job/claim job=1 lease=1\n"
                                   "2s store/job/rescue job=1 lease=1 state=available\n"
                                   "3s store/job/claim job=1 lease=2\n"
                                   "4s store/job/finish job=1 lease=2 state=completed\n");
}

Test(no_stale_write, is_vacuous_when_nothing_is_written)
{
    expect_vacuous("no_stale_write", "1s store/job/claim job=1 lease=1\n"
                                     "2s store/job/stale job=1 lease=1 state=available\n");
}

Test(no_stale_write, refuses_an_old_lease)
{
    expect_fails("no_stale_write",
                 "1s store/job/claim job=1 lease=1\n"
                 "2s store/job/rescue job=1 lease=1 state=available\n"
                 "3s store/job/claim job=1 lease=2\n"
                 "4s store/job/finish job=1 lease=1 state=completed\n",
                 3, "job 1 was finished under lease 1, but lease 2 is the newest");
}

Test(no_stale_write, refuses_a_lease_after_its_rescue)
{
    expect_fails("no_stale_write",
                 "1s store/job/claim job=1 lease=1\n"
                 "2s store/job/rescue job=1 lease=1 state=available\n"
                 "3s store/job/finish job=1 lease=1 state=completed\n",
                 2, "job 1 was finished under lease 1 after it was rescued");
}

Test(no_stale_write, refuses_a_lease_after_a_cancel)
{
    expect_fails("no_stale_write",
                 "1s store/job/claim job=1 lease=1\n"
                 "2s store/job/cancel job=1 state=cancelled\n"
                 "3s store/job/finish job=1 lease=1 state=completed\n",
                 2, "job 1 was finished under lease 1 after it was cancelled");
}

Test(no_stale_write, forgives_a_claim_hidden_by_a_disk_fault)
{
    cr_assert_not(feed("no_stale_write", "1s store/job/claim job=1 lease=1\n"
                                         "2s store/job/finish job=1 lease=1 state=retryable\n"
                                         "3s n9 disk/file/sync file=jobs.db-wal <- kill\n"
                                         "9s store/job/rescue job=1 lease=2 state=available\n")
                      .failed);
}

/* ---- attempts_rise_by_one ---- */

Test(attempts_rise_by_one, holds_for_failures_snoozes_and_rescues)
{
    expect_holds("attempts_rise_by_one",
                 "1s store/job/claim job=1 lease=1 attempt=1 max=3\n"
                 "1s n1 #5 job/perform/start job=1 attempt=1 lease=1\n"
                 "2s store/job/finish job=1 lease=1 state=retryable attempt=1\n"
                 "3s store/job/claim job=1 lease=2 attempt=2 max=3\n"
                 "4s store/job/finish job=1 lease=2 state=scheduled attempt=2\n"
                 "5s store/job/claim job=1 lease=3 attempt=2 max=3\n"
                 "6s store/job/rescue job=1 lease=3 state=available\n"
                 "7s store/job/claim job=1 lease=4 attempt=3 max=3\n"
                 "9s audit/job/row job=1 key=1 state=executing attempt=3 max=3\n");
}

Test(attempts_rise_by_one, is_vacuous_without_claims)
{
    expect_vacuous("attempts_rise_by_one",
                   "9s audit/job/row job=1 key=1 state=available attempt=0 max=3\n");
}

Test(attempts_rise_by_one, refuses_an_attempt_that_is_not_charged)
{
    expect_fails("attempts_rise_by_one",
                 "1s store/job/claim job=1 lease=1 attempt=1 max=3\n"
                 "3s store/job/claim job=1 lease=2 attempt=1 max=3\n",
                 1, "job 1 was claimed for attempt 1 after attempt 1");
}

Test(attempts_rise_by_one, refuses_a_snooze_that_keeps_its_attempt)
{
    expect_fails("attempts_rise_by_one",
                 "1s store/job/claim job=1 lease=1 attempt=1 max=3\n"
                 "2s store/job/finish job=1 lease=1 state=scheduled attempt=1\n"
                 "3s store/job/claim job=1 lease=2 attempt=2 max=3\n",
                 2, "job 1 was claimed for attempt 2 after attempt 0");
}

Test(attempts_rise_by_one, refuses_an_attempt_beyond_the_maximum)
{
    expect_fails("attempts_rise_by_one",
                 "1s store/job/claim job=1 lease=1 attempt=1 max=1\n"
                 "3s store/job/claim job=1 lease=2 attempt=2 max=1\n",
                 1, "job 1 was claimed for attempt 2 of 1");
}

Test(attempts_rise_by_one, refuses_a_run_that_is_not_the_claim)
{
    expect_fails("attempts_rise_by_one",
                 "1s store/job/claim job=1 lease=1 attempt=1 max=3\n"
                 "2s n1 #5 job/perform/start job=1 attempt=2 lease=1\n",
                 1, "job 1 started attempt 2 under a claim for attempt 1");
}

Test(attempts_rise_by_one, refuses_a_run_under_a_lease_that_nobody_was_given)
{
    expect_fails("attempts_rise_by_one",
                 "1s store/job/claim job=1 lease=1 attempt=1 max=3\n"
                 "2s n1 #5 job/perform/start job=1 attempt=1 lease=2\n",
                 1, "job 1 started under lease 2, which nobody was given");
}

Test(attempts_rise_by_one, refuses_another_count_at_the_end)
{
    expect_fails("attempts_rise_by_one",
                 "1s store/job/claim job=1 lease=1 attempt=1 max=3\n"
                 "2s store/job/finish job=1 lease=1 state=completed attempt=1\n"
                 "9s audit/job/row job=1 key=1 state=completed attempt=2 max=3\n",
                 2, "job 1 has 2 attempts at the end, but 1 were made");
}

Test(attempts_rise_by_one, forgives_a_claim_hidden_by_a_disk_fault)
{
    expect_holds("attempts_rise_by_one", "1s n9 disk/file/sync file=jobs.db-wal <- poweroff\n"
                                         "3s store/job/claim job=1 lease=2 attempt=2 max=3\n"
                                         "5s store/job/claim job=1 lease=3 attempt=3 max=3\n");
}

/* ---- honest_outcome ---- */

Test(honest_outcome, holds_when_the_run_succeeded)
{
    expect_holds("honest_outcome", "1s n1 #5 job/perform/stop job=1 attempt=1 lease=1 outcome=ok\n"
                                   "2s store/job/finish job=1 lease=1 state=completed\n");
}

Test(honest_outcome, holds_when_one_of_two_runs_under_one_lease_succeeded)
{
    expect_holds("honest_outcome",
                 "1s n1 #5 job/perform/stop job=1 attempt=1 lease=1 outcome=ok\n"
                 "2s n2 #5 job/perform/stop job=1 attempt=1 lease=1 outcome=error\n"
                 "3s store/job/finish job=1 lease=1 state=completed\n");
}

Test(honest_outcome, is_vacuous_when_nothing_is_completed)
{
    expect_vacuous("honest_outcome", "2s store/job/finish job=1 lease=1 state=retryable\n");
}

Test(honest_outcome, refuses_success_after_an_error)
{
    expect_fails("honest_outcome",
                 "1s n1 #5 job/perform/stop job=1 attempt=1 lease=1 outcome=error\n"
                 "2s store/job/finish job=1 lease=1 state=completed\n",
                 1, "job 1 was completed under lease 1, but that run did not succeed");
}

Test(honest_outcome, refuses_success_of_a_run_that_crashed_when_it_had_returned)
{
    expect_fails("honest_outcome",
                 "1s n1 #5 job/perform/stop job=1 attempt=1 lease=1 outcome=ok <- crash\n"
                 "2s store/job/finish job=1 lease=1 state=completed\n",
                 1, "job 1 was completed under lease 1, but that run did not succeed");
}

Test(honest_outcome, refuses_success_of_a_run_that_crashed)
{
    expect_fails("honest_outcome",
                 "1s n1 #4 job/perform/crash job=1 attempt=1 lease=2 reason=killed\n"
                 "2s store/job/finish job=1 lease=2 state=completed\n",
                 1, "job 1 was completed under lease 2, but that run never returned");
}
