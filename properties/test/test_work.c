/* Properties on the work itself: who runs what, its effects, isolation, what must come about in the
 * end. */
#include "feed.h"

/* ---- queue_limit ---- */

#define START(job, pid) "1s n1 #" pid " job/perform/start job=" job " lease=1 queue=mail limit=2\n"

Test(queue_limit, holds_up_to_the_limit)
{
    expect_holds("queue_limit", START("1", "5") START("2", "6"));
}

Test(queue_limit, is_vacuous_without_jobs)
{
    expect_vacuous("queue_limit", "1s n1 #2 queue/process/start queue=mail limit=2\n");
}

Test(queue_limit, refuses_one_too_many)
{
    expect_fails("queue_limit", START("1", "5") START("2", "6") START("3", "7"), 2,
                 "queue mail on node 1 runs 3 jobs at once; its limit is 2");
}

Test(queue_limit, counts_each_queue_of_each_node_by_itself)
{
    expect_holds("queue_limit",
                 START("1", "5")
                     START("2", "6") "1s n2 #5 job/perform/start job=3 lease=1 queue=mail "
                                     "limit=2\n"
                                     "1s n1 #7 job/perform/start job=4 lease=1 queue=sms "
                                     "limit=1\n");
}

#define OVERRUN(job) "2s n1 #2 job/outside/overrun job=" job " lease=1 queue=mail\n"

Test(queue_limit, counts_what_goes_on_after_its_attempt)
{
#define TIMED_OUT "2s n1 #2 job/perform/timeout job=1 lease=1 queue=mail\n" OVERRUN("1")
    expect_fails("queue_limit", START("1", "5") START("2", "6") TIMED_OUT START("3", "7"), 4,
                 "queue mail on node 1 runs 3 jobs at once; its limit is 2");
    expect_holds("queue_limit", START("1", "5") START("2", "6") TIMED_OUT
                 "3s n1 job/outside/return job=1 lease=1 queue=mail\n" START("3", "7"));
}

#define THREAD(job, lease)                                                                         \
    "1s n1 #9 work/thread/run job=" job " lease=" lease " queue=mail limit=2\n"

Test(thread_limit, counts_until_the_code_returns)
{
    expect_holds("thread_limit",
                 THREAD("1", "1")
                     THREAD("2", "1") "2s n1 #9 work/thread/return job=1 lease=1\n" THREAD(
                         "1", "2") "3s n1 world/node/kill name=n1\n" THREAD("3", "1"));
    expect_fails("thread_limit", THREAD("1", "1") THREAD("2", "1") THREAD("1", "2"), 2,
                 "3 threads of queue mail run on node 1 at once; its limit is 2");
    expect_vacuous("thread_limit", START("1", "5"));
}

Test(queue_limit, knows_every_way_in_which_a_run_ends)
{
    static const char *const ends[] = {
        "2s n1 #5 job/perform/stop job=1 lease=1 outcome=ok queue=mail\n",
        "2s n1 #2 job/perform/crash job=1 lease=1 queue=mail\n",
        "2s n1 #2 job/perform/timeout job=1 lease=1 queue=mail\n",
        "2s n1 #3 job/perform/lost job=1 lease=1 queue=mail\n",
        "2s n1 #5 proc/process/exit pid=5 label=job reason=killed calm=0\n",
        "2s n1 world/node/kill name=n1\n",
        "2s n1 world/node/poweroff name=n1\n",
        "2s n1 world/node/stopped name=n1\n",
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s%s", START("1", "5") START("2", "6"), ends[i],
                 START("3", "7"));
        expect_holds("queue_limit", text);
    }
}

Test(queue_limit, is_not_taken_in_by_the_end_of_something_else)
{
    static const char *const others[] = {
        "2s n2 #5 job/perform/stop job=1 lease=1 outcome=ok\n",
        "2s n1 #5 job/perform/stop job=1 lease=2 outcome=ok\n",
        "2s n2 #5 proc/process/exit pid=5 label=job reason=killed calm=0\n",
        "2s n1 #2 proc/process/exit pid=2 label=\"queue mail\" reason=boom calm=0\n",
        "2s n2 world/node/kill name=n2\n",
        "2s n1 world/node/pause name=n1\n",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s%s", START("1", "5") START("2", "6"), others[i],
                 START("3", "7"));
        expect_fails("queue_limit", text, 3,
                     "queue mail on node 1 runs 3 jobs at once; its limit is 2");
    }
}

/* ---- single_owner, one_run_per_claim ---- */

#define FIRST                                                                                      \
    "1s store/job/claim job=1 lease=1\n"                                                           \
    "2s n1 #5 work/job/run key=7 job=1 attempt=1 lease=1\n"
#define SECOND                                                                                     \
    "4s store/job/claim job=1 lease=2\n"                                                           \
    "5s n2 #5 work/job/run key=7 job=1 attempt=2 lease=2\n"

Test(single_owner, allows_overlap_once_the_earlier_lease_was_given_up)
{
    expect_holds("single_owner",
                 FIRST "3s store/job/rescue job=1 lease=1 state=available\n" SECOND);
}

Test(single_owner, is_vacuous_without_runs)
{
    expect_vacuous("single_owner", "1s store/job/claim job=1 lease=1\n");
}

Test(single_owner, refuses_a_second_owner_while_the_first_lease_holds)
{
    expect_fails("single_owner", FIRST SECOND, 3,
                 "job 1 runs under lease 2 while lease 1 still holds");
}

Test(single_owner, allows_it_when_the_first_run_is_over)
{
    expect_holds("single_owner", FIRST "3s n1 world/node/kill name=n1\n" SECOND);
}

Test(single_owner, refuses_two_runs_under_one_lease)
{
    expect_fails("single_owner", FIRST "3s n2 #9 work/job/run key=7 job=1 attempt=1 lease=1\n", 2,
                 "job 1 runs twice under lease 1, on nodes 1 and 2");
}

Test(single_owner, allows_an_old_run_to_begin_late)
{
    expect_holds("single_owner", "1s store/job/claim job=1 lease=1\n"
                                 "3s store/job/rescue job=1 lease=1 state=available\n" SECOND
                                 "6s n1 #5 work/job/run key=7 job=1 attempt=1 lease=1\n");
}

Test(one_run_per_claim, holds_for_one_run_each)
{
    expect_holds("one_run_per_claim", FIRST SECOND);
}

Test(one_run_per_claim, is_vacuous_without_runs)
{
    expect_vacuous("one_run_per_claim", "1s store/job/claim job=1 lease=1\n");
}

Test(one_run_per_claim, refuses_a_second_run_after_the_first_is_over)
{
    expect_fails("one_run_per_claim",
                 FIRST "3s n1 #5 job/perform/stop job=1 lease=1 outcome=ok\n"
                       "4s n1 #6 work/job/run key=7 job=1 attempt=1 lease=1\n",
                 3, "work/job/run job=1 lease=1 again; the first was event 1");
}

/* ---- effects ---- */

#define RUN(idem) "1s n1 #5 work/job/run key=7 job=1 attempt=1 lease=1 idem=" idem "\n"
#define APPLY     "2s upstream/effect/apply key=7 attempt=1\n"
#define DONE      "3s store/job/finish job=1 lease=1 state=completed attempt=1\n"

Test(effects_at_least_once, holds_for_one_and_for_two)
{
    expect_holds("effects_at_least_once", RUN("0") APPLY DONE);
    expect_holds("effects_at_least_once", RUN("0") APPLY APPLY DONE);
}

Test(effects_at_least_once, is_vacuous_when_nothing_is_completed)
{
    expect_vacuous("effects_at_least_once",
                   RUN("0") "3s store/job/finish job=1 lease=1 state=discarded attempt=1\n");
}

Test(effects_at_least_once, refuses_a_job_that_was_completed_without)
{
    expect_fails("effects_at_least_once", RUN("0") DONE APPLY, 1,
                 "job 1 was completed, but its effect (key 7) was never made");
}

Test(effects_at_least_once, refuses_a_job_that_was_completed_without_a_run)
{
    expect_fails("effects_at_least_once", "1s client/insert/ok key=7 job=1\n" DONE, 1,
                 "job 1 was completed, but its effect (key 7) was never made");
}

Test(effects_exactly_once, holds_for_one_whose_repeats_were_refused)
{
    expect_holds("effects_exactly_once",
                 RUN("1") APPLY "2s upstream/effect/repeat key=7 attempt=2\n" DONE);
}

Test(effects_exactly_once, is_vacuous_without_idempotency_keys)
{
    expect_vacuous("effects_exactly_once", RUN("0") APPLY APPLY DONE);
}

Test(effects_exactly_once, refuses_a_second_effect)
{
    expect_fails("effects_exactly_once",
                 RUN("1") APPLY DONE "4s upstream/effect/apply key=7 attempt=2\n", 3,
                 "the effect of key 7 was made again, in attempt 2");
}

Test(effects_exactly_once, refuses_a_completion_without_effect)
{
    expect_fails("effects_exactly_once", RUN("1") DONE, 1,
                 "job 1 was completed with 0 effects of key 7, not one");
}

/* ---- crash_isolated ---- */

#define TREE                                                                                       \
    "1s n1 #1 proc/process/spawn pid=1 label=jobs parent=0\n"                                      \
    "1s n1 #2 proc/process/spawn pid=2 label=\"queue mail\" parent=1\n"                            \
    "1s n1 #5 proc/process/spawn pid=5 label=job parent=2\n"
#define JOB_CRASH                                                                                  \
    "2s n1 #5 job/perform/start job=1 lease=1 <- crash\n"                                          \
    "2s n1 #5 proc/process/exit pid=5 label=job reason=crash calm=0\n"                             \
    "2s n1 #2 job/perform/crash job=1 lease=1 queue=mail\n"
#define QUEUE_EXIT "2s n1 #2 proc/process/exit pid=2 label=\"queue mail\" reason=boom calm=0\n"

Test(crash_isolated, holds_when_the_queue_lives_on)
{
    expect_holds("crash_isolated", TREE JOB_CRASH);
}

Test(crash_isolated, is_vacuous_without_crashes)
{
    expect_vacuous("crash_isolated", TREE);
}

Test(crash_isolated, refuses_a_queue_that_dies_of_its_jobs_crash)
{
    expect_fails("crash_isolated", TREE JOB_CRASH QUEUE_EXIT, 6,
                 "queue mail on node 1 died though nothing hit it: boom");
}

Test(crash_isolated, allows_what_was_done_to_the_queue)
{
    static const char *const causes[] = {
        "2s n1 #2 store/heartbeat/send queue=mail <- crash\n",
        "2s n1 #1 store/heartbeat/send queue=mail <- crash\n",
        "2s n1 #1 sup/supervisor/giveup sup=1 label=jobs\n",
        "2s n1 jobs/drain/begin grace_ms=1\n",
        "2s n1 world/node/stop name=n1\n",
    };
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s%s", TREE JOB_CRASH, causes[i], QUEUE_EXIT);
        expect_holds("crash_isolated", text);
    }
}

Test(crash_isolated, does_not_excuse_a_new_process_by_the_crash_of_an_old_one)
{
    expect_fails("crash_isolated",
                 TREE "2s n1 #2 store/heartbeat/send queue=mail <- crash\n" QUEUE_EXIT
                      "3s n1 world/node/kill name=n1\n"
                      "3s n1 world/node/start name=n1\n" TREE QUEUE_EXIT,
                 10, "queue mail on node 1 died though nothing hit it: boom");
}

/* ---- drains_after_heal ---- */

#define ACKED  "1s client/insert/ok key=7 job=1\n1s client/insert/ok key=8 job=2\n"
#define HEALED "5s world/phase/enter phase=liveness\n"

Test(drains_after_heal, holds_when_every_job_ended)
{
    expect_holds("drains_after_heal",
                 ACKED HEALED "6s store/job/finish job=1 lease=1 state=completed\n"
                              "7s store/job/rescue job=2 lease=1 state=discarded\n");
}

Test(drains_after_heal, is_vacuous_before_healing)
{
    expect_vacuous("drains_after_heal", ACKED);
}

Test(drains_after_heal, names_the_first_job_that_never_ended)
{
    struct verdict verdict =
        feed("drains_after_heal", ACKED "2s store/job/claim job=2 lease=1\n" HEALED
                                        "6s store/job/finish job=1 lease=1 state=completed\n");
    cr_assert(verdict.failed);
    cr_assert_str_eq(verdict.message,
                     "1 of 2 acknowledged jobs never ended; the first: job 2, executing");
}

Test(drains_after_heal, asks_a_job_that_was_retried_by_hand_to_end_again)
{
    expect_fails("drains_after_heal",
                 "1s client/insert/ok key=7 job=1\n" HEALED
                 "6s store/job/finish job=1 lease=1 state=discarded\n"
                 "7s store/job/retry job=1 state=available\n",
                 3, "1 of 1 acknowledged jobs never ended; the first: job 1, available");
}

/* ---- queues_come_back ---- */

#define QUEUE_UP "1s n1 #2 queue/process/start queue=mail limit=2\n"
#define LATER    "60s world/phase/enter phase=audit\n"

Test(queues_come_back, holds_when_it_is_started_again)
{
    expect_holds("queues_come_back", QUEUE_UP QUEUE_EXIT
                 "3s n1 #9 queue/process/start queue=mail limit=2\n" HEALED LATER);
}

Test(queues_come_back, is_vacuous_without_queues)
{
    expect_vacuous("queues_come_back", HEALED LATER);
}

Test(queues_come_back, refuses_a_queue_that_stays_away)
{
    expect_fails("queues_come_back", QUEUE_UP QUEUE_EXIT HEALED LATER, 3,
                 "queue mail on node 1 died 58000 ms before the end and never came back");
}

Test(queues_come_back, asks_nothing_of_a_node_that_drains_or_died)
{
    expect_holds("queues_come_back",
                 QUEUE_UP "2s n1 jobs/drain/begin grace_ms=1\n" QUEUE_EXIT HEALED LATER);
    expect_holds("queues_come_back", QUEUE_UP "2s n1 world/node/kill name=n1\n" HEALED LATER);
}

/* ---- sometimes ---- */

Test(sometimes, is_met_by_the_event_it_names)
{
    static const char *const met[][2] = {
        {"sometimes_rescue", "1s store/job/rescue job=1 lease=1 state=available\n"},
        {"sometimes_stale_ack", "1s store/job/stale job=1 lease=1 state=available\n"},
        {"sometimes_ack_repeated", "1s job/finish/done job=1 lease=1 result=repeated\n"},
        {"sometimes_unknown_insert", "1s client/insert/unknown key=1 err=110\n"},
        {"sometimes_retry_succeeds", "1s store/job/finish job=1 state=completed attempt=2 max=3\n"},
        {"sometimes_discarded", "1s store/job/finish job=1 state=discarded attempt=3 max=3\n"},
        {"sometimes_snooze", "1s store/job/finish job=1 state=scheduled attempt=1 max=3\n"},
        {"sometimes_job_crash", "1s n1 #2 job/perform/crash job=1 lease=1\n"},
        {"sometimes_effect_repeat", "1s upstream/effect/repeat key=1 attempt=2\n"},
        {"sometimes_timeout", "1s n1 #2 job/perform/timeout job=1 lease=1\n"},
        {"sometimes_lease_lost", "1s n1 #3 job/perform/lost job=1 lease=1\n"},
        {"sometimes_writes_lost", "1s n9 world/disk/loss disk=db dropped=0 kept=4 torn=1\n"},
        {"sometimes_drain_leaves_jobs", "1s n1 jobs/drain/end left=1\n"},
        {"sometimes_unknown_happened", "1s client/insert/unknown key=1\n"
                                       "9s audit/job/row job=4 key=1 state=completed\n"},
        {"sometimes_queue_restart", "1s n1 #2 queue/process/start queue=mail\n"
                                    "2s n1 #9 queue/process/start queue=mail\n"},
    };
    for (size_t i = 0; i < sizeof met / sizeof met[0]; i++)
        expect_met(met[i][0], met[i][1], true);
}

Test(sometimes, is_not_met_by_something_like_it)
{
    static const char *const missed[][2] = {
        {"sometimes_rescue", "1s store/job/claim job=1 lease=1\n"},
        {"sometimes_ack_repeated", "1s job/finish/done job=1 lease=1 result=applied\n"},
        {"sometimes_retry_succeeds", "1s store/job/finish job=1 state=completed attempt=1 max=3\n"},
        {"sometimes_discarded", "1s store/job/finish job=1 state=discarded attempt=2 max=3\n"},
        {"sometimes_snooze", "1s store/job/finish job=1 state=retryable attempt=1 max=3\n"},
        {"sometimes_writes_lost", "1s n9 world/disk/loss disk=db dropped=0 kept=4 torn=0\n"},
        {"sometimes_drain_leaves_jobs", "1s n1 jobs/drain/end left=0\n"},
        {"sometimes_unknown_happened", "1s client/insert/unknown key=1\n"
                                       "9s audit/job/row job=4 key=2 state=completed\n"},
        {"sometimes_queue_restart", "1s n1 #2 queue/process/start queue=mail\n"
                                    "1s n1 #3 queue/process/start queue=sms\n"
                                    "2s n1 world/node/start name=n1\n"
                                    "2s n1 #2 queue/process/start queue=mail\n"},
    };
    for (size_t i = 0; i < sizeof missed / sizeof missed[0]; i++)
        expect_met(missed[i][0], missed[i][1], false);
}
