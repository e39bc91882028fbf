/* Properties on time: backoff, due times, drains, rescues in calm. */
#include "feed.h"

/* ---- backoff_window ---- */

Test(backoff_window, holds_for_the_whole_window_and_for_the_next_run)
{
    expect_holds(
        "backoff_window",
        "1s store/job/finish job=1 lease=1 state=retryable attempt=1 max=20 delay_ms=17000\n"
        "1s store/job/finish job=2 lease=1 state=retryable attempt=10 max=20 "
        "delay_ms=1142000\n"
        "17999ms n1 #9 work/job/run key=1 job=1 attempt=2 lease=2\n");
}

Test(backoff_window, is_vacuous_without_retries)
{
    expect_vacuous("backoff_window", "1s store/job/finish job=1 lease=1 state=completed\n"
                                     "2s n1 #9 work/job/run key=1 job=1 attempt=1 lease=2\n");
}

Test(backoff_window, refuses_a_delay_below_the_base)
{
    expect_fails(
        "backoff_window",
        "1s store/job/finish job=1 lease=1 state=retryable attempt=1 max=20 delay_ms=16999\n", 0,
        "job 1 waits 16999 ms after attempt 1 of 20, not 17..18 s");
}

Test(backoff_window, refuses_a_delay_beyond_the_jitter)
{
    expect_fails(
        "backoff_window",
        "1s store/job/finish job=1 lease=1 state=retryable attempt=8 max=20 delay_ms=299000\n", 0,
        "job 1 waits 299000 ms after attempt 8 of 20, not 271..298 s");
}

Test(backoff_window, stretches_over_more_than_twenty_attempts)
{
    expect_holds("backoff_window", "1s store/job/finish job=1 lease=1 state=retryable attempt=2 "
                                   "max=100 delay_ms=16000\n"
                                   "1s store/job/finish job=2 lease=1 state=retryable attempt=50 "
                                   "max=100 delay_ms=1039000\n");
    expect_fails("backoff_window",
                 "1s store/job/finish job=1 lease=1 state=retryable attempt=3 max=100 "
                 "delay_ms=16000\n",
                 0, "job 1 waits 16000 ms after attempt 3 of 100, not 17..18 s");
}

#define FAILED "1s store/job/finish job=1 lease=1 state=retryable attempt=1 max=20 delay_ms=17000\n"

Test(backoff_window, refuses_a_run_before_the_base_is_over)
{
    expect_fails("backoff_window", FAILED "17998ms n1 #9 work/job/run key=1 job=1 lease=2\n", 1,
                 "job 1 ran again after 16998 ms, not after 17 s at least");
}

Test(backoff_window, does_not_mind_an_old_run_that_starts_late_or_a_retry_by_hand)
{
    expect_holds("backoff_window", FAILED "2s n2 #9 work/job/run key=1 job=1 lease=1\n"
                                          "3s store/job/retry job=1 state=available\n"
                                          "4s n2 #9 work/job/run key=1 job=1 lease=2\n");
}

/* ---- backoff_spread ---- */

static struct verdict feed_delays(const char *usual, size_t odd_one)
{
    char text[65 * 96] = "";
    for (size_t i = 0; i < 64; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "%zus store/job/finish job=%zu lease=1 state=retryable attempt=1 max=20 "
                 "delay_ms=%s\n",
                 i + 1, i, i == odd_one ? "18000" : usual);
    return feed("backoff_spread", text);
}

Test(backoff_spread, refuses_64_retries_without_jitter)
{
    struct verdict verdict = feed_delays("17000", SIZE_MAX);
    cr_assert(verdict.failed);
    cr_assert_str_eq(verdict.message, "64 retries in a row were given no jitter at all");
    cr_assert_eq(verdict.event, 63);
}

Test(backoff_spread, holds_when_one_of_them_has_some)
{
    struct verdict verdict = feed_delays("17000", 40);
    cr_assert_not(verdict.failed);
    cr_assert_eq(verdict.checked, 64);
}

Test(backoff_spread, is_vacuous_without_retries)
{
    expect_vacuous("backoff_spread", "1s store/job/finish job=1 lease=1 state=completed\n");
}

/* ---- never_early ---- */

#define DELAYED "1s client/insert/call key=7 delay_ms=5000 max=3\n"

Test(never_early, holds_from_the_due_time_on)
{
    expect_holds("never_early", DELAYED "5999ms n1 #9 work/job/run key=7 job=1 lease=1\n");
}

Test(never_early, is_vacuous_without_delays)
{
    expect_vacuous("never_early", "1s client/insert/call key=7 delay_ms=0\n"
                                  "1s n1 #9 work/job/run key=7 job=1 lease=1\n");
}

Test(never_early, refuses_a_run_before_that)
{
    expect_fails("never_early", DELAYED "5998ms n1 #9 work/job/run key=7 job=1 lease=1\n", 1,
                 "job 1 ran 2000 us before it was due after its insert");
}

Test(never_early, asks_the_first_run_only)
{
    expect_holds("never_early", DELAYED "6s n1 #9 work/job/run key=7 job=1 lease=1\n"
                                        "7s n1 #9 work/job/run key=7 job=1 lease=2\n");
}

Test(never_early, knows_retries_by_hand)
{
    expect_vacuous("never_early", DELAYED "2s store/job/retry job=1 state=available\n"
                                          "3s n1 #9 work/job/run key=7 job=1 lease=1\n");
}

#define SNOOZED "10s store/job/finish job=1 lease=3 state=scheduled attempt=1 delay_ms=4000\n"

Test(never_early, waits_for_the_end_of_a_snooze)
{
    expect_holds("never_early", SNOOZED "14s n1 #9 work/job/run key=7 job=1 lease=4\n");
    expect_fails("never_early", SNOOZED "13s n1 #9 work/job/run key=7 job=1 lease=4\n", 1,
                 "job 1 ran 1000000 us before it was due after its snooze");
}

Test(never_early, does_not_mind_a_run_from_before_the_snooze)
{
    expect_vacuous("never_early", SNOOZED "11s n2 #9 work/job/run key=7 job=1 lease=2\n");
}

/* ---- drain_is_quiet ---- */

#define BEGIN "10s n1 jobs/drain/begin grace_ms=5000\n"

Test(drain_is_quiet, holds_when_only_other_nodes_start_jobs)
{
    expect_holds("drain_is_quiet", "1s n1 #5 job/perform/start job=1 lease=1\n" BEGIN
                                   "11s n2 #5 job/perform/start job=2 lease=1\n"
                                   "12s n1 jobs/drain/end left=0\n");
}

Test(drain_is_quiet, is_vacuous_without_drains)
{
    expect_vacuous("drain_is_quiet", "1s n1 #5 job/perform/start job=1 lease=1\n");
}

Test(drain_is_quiet, refuses_a_job_that_starts_meanwhile)
{
    expect_fails("drain_is_quiet", BEGIN "11s n1 #6 job/perform/start job=2 lease=1 <- delay(2s)\n",
                 1, "job 2 was started on node 1, which drains");
}

Test(drain_is_quiet, refuses_one_that_starts_after_the_end)
{
    expect_fails("drain_is_quiet",
                 BEGIN "12s n1 jobs/drain/end left=0\n"
                       "13s n1 #6 job/perform/start job=2 lease=1\n",
                 2, "job 2 was started on node 1, which drains");
}

Test(drain_is_quiet, ends_with_the_boot)
{
    cr_assert_not(feed("drain_is_quiet", BEGIN "11s n1 world/node/kill name=n1\n"
                                               "12s n1 world/node/start name=n1\n"
                                               "13s n1 #6 job/perform/start job=2 lease=1\n")
                      .failed);
}

/* ---- drain_in_time ---- */

Test(drain_in_time, holds_to_the_last_moment)
{
    expect_holds("drain_in_time", BEGIN "25s n1 jobs/drain/end left=2\n");
}

Test(drain_in_time, is_vacuous_without_drains)
{
    expect_vacuous("drain_in_time", "1s n1 #5 job/perform/start job=1 lease=1\n");
}

Test(drain_in_time, refuses_a_late_end)
{
    expect_fails("drain_in_time", BEGIN "25001ms n1 jobs/drain/end left=2\n", 1,
                 "the drain of node 1 took 1 ms more than its grace allows");
}

Test(drain_in_time, refuses_a_drain_without_end)
{
    expect_fails("drain_in_time", BEGIN "1h world/phase/enter phase=audit\n", 1,
                 "the drain of node 1 never ended");
}

Test(drain_in_time, counts_pauses_and_delays_off)
{
    expect_holds("drain_in_time", BEGIN "11s n1 world/node/pause name=n1\n"
                                        "41s n1 world/node/resume name=n1\n"
                                        "50s n1 #3 store/heartbeat/send queue=mail <- delay(3s)\n"
                                        "58s n1 jobs/drain/end left=0\n");
}

Test(drain_in_time, asks_nothing_of_a_node_that_died)
{
    expect_vacuous("drain_in_time", BEGIN "11s n1 world/node/poweroff name=n1\n"
                                          "1h world/phase/enter phase=audit\n");
}

/* ---- poison_given_up ---- */

#define RUN(attempt)   "1s n1 store/job/claim job=1 lease=" attempt " attempt=" attempt " max=9\n"
#define RESCUED(state) "2s n1 store/job/rescue job=1 lease=1 state=" state " crashes=1 limit=2\n"

Test(poison_given_up, holds_when_the_limit_is_kept)
{
    expect_holds("poison_given_up", RUN("1") RESCUED("available") RUN("2") RESCUED("discarded"));
    expect_holds("poison_given_up", RUN("9") RESCUED("discarded")); /* its last attempt */
    expect_vacuous("poison_given_up", RUN("1"));
}

Test(poison_given_up, refuses_one_run_more)
{
    expect_fails("poison_given_up", RUN("1") RESCUED("available") RUN("2") RESCUED("available"), 3,
                 "job 1 was rescued 2 times in a row, and is to run again");
}

Test(poison_given_up, refuses_one_run_less)
{
#define ENDED "2s n1 store/job/finish job=1 lease=2 state=retryable attempt=2 max=9 delay_ms=5\n"
#define AGAIN "2s n1 store/job/retry job=1 state=available\n"
    static const char *const between[] = {ENDED, AGAIN};
    for (size_t i = 0; i < 2; ++i) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s%s", RUN("1") RESCUED("available") RUN("2"), between[i],
                 RUN("3") RESCUED("discarded"));
        expect_fails("poison_given_up", text, 5,
                     "job 1 was given up after 1 rescues in a row and 3 of 9 attempts");
    }
}

Test(poison_given_up, knows_that_there_may_be_no_limit)
{
    expect_holds(
        "poison_given_up",
        RUN("1") "2s n1 store/job/rescue job=1 lease=1 state=available crashes=7 limit=0\n");
}

/* ---- runs_in_time ---- */

#define LIMITED "10s n1 #5 job/perform/start job=1 lease=1 queue=mail within_ms=5000\n"

Test(runs_in_time, holds_however_it_ends)
{
    static const char *const ends[] = {
        "15s n1 #5 job/perform/stop job=1 lease=1\n",
        "24s n1 #2 job/perform/timeout job=1 lease=1\n",
        "16s n1 #2 job/perform/expire job=1 lease=1 when=running\n",
        "16s n1 #2 proc/process/exit pid=5\n",
        "16s n1 world/node/kill name=n1\n",
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; ++i) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s%s", LIMITED, ends[i], "99s n1 queue/process/stop\n");
        expect_holds("runs_in_time", text);
    }
}

Test(runs_in_time, refuses_what_is_late_or_never_ends)
{
    expect_fails("runs_in_time", LIMITED "26s n1 #2 job/perform/timeout job=1 lease=1\n", 1,
                 "job 1 ran for 16000 ms under lease 1; it had 5000 ms");
    expect_fails("runs_in_time",
                 LIMITED "12s n1 #2 job/perform/stop job=1 lease=2\n"
                         "26s n2 #5 job/perform/stop job=1 lease=1\n"
                         "27s n1 #5 job/perform/stop job=1 lease=1\n",
                 3, "job 1 ran for 17000 ms under lease 1; it had 5000 ms");
}

Test(runs_in_time, does_not_count_pauses)
{
    expect_holds("runs_in_time", LIMITED "11s n1 world/node/pause name=n1\n"
                                         "71s n1 world/node/resume name=n1\n"
                                         "80s n1 #2 job/perform/timeout job=1 lease=1\n");
    expect_vacuous("runs_in_time", "1s n1 #5 job/perform/start job=1 lease=1 within_ms=0\n"
                                   "99s n1 #5 job/perform/stop job=1 lease=1\n");
}

/* ---- deadline_kept ---- */

#define ASKED                                                                                      \
    "10s n1 client/insert/call key=7 delay_ms=1000 within_ms=4000\n"                               \
    "11s n1 client/insert/ok key=7 job=1\n"

Test(deadline_kept, holds_when_it_has_passed)
{
    expect_holds("deadline_kept", ASKED "15s n1 job/perform/expire job=1 lease=1 when=running\n"
                                        "16s n1 store/job/finish job=1 lease=1 state=discarded\n");
    expect_holds("deadline_kept", ASKED "12s n1 job/perform/expire job=1 lease=1 when=waiting\n");
    expect_vacuous("deadline_kept", ASKED);
}

Test(deadline_kept, refuses_what_is_early_or_has_none)
{
    expect_fails(
        "deadline_kept", ASKED "14s n1 job/perform/expire job=1 lease=1 when=claimed\n", 2,
        "job 1 was given up for its deadline 4000 ms after it was asked for; it had 5000 ms");
    expect_fails("deadline_kept",
                 "10s n1 client/insert/call key=7 delay_ms=0 within_ms=0\n"
                 "11s n1 work/job/run key=7 job=1\n"
                 "99s n1 job/perform/expire job=1 lease=1 when=waiting\n",
                 2, "job 1 was given up for a deadline, but it has none");
}

/* A deadline is a time of the database's clock, which may be any of those that there are. */
Test(deadline_kept, goes_by_the_clock_that_went_fastest)
{
    const char *early = "14s n1 job/perform/expire job=1 lease=1 when=claimed\n";
    char text[400];
    snprintf(text, sizeof text, ASKED "13s n3 world/clock/step by=2 ahead_ns=2000000000 ppm=0\n%s",
             early);
    expect_holds("deadline_kept", text);
    snprintf(text, sizeof text, ASKED "13s n3 world/clock/step by=0 ahead_ns=500000000 ppm=0\n%s",
             early);
    expect_fails("deadline_kept", text, 3,
                 "job 1 was given up for its deadline 4500 ms after it was asked for; it had "
                 "5000 ms");
}

Test(deadline_kept, refuses_another_attempt)
{
    expect_fails("deadline_kept",
                 ASKED "15s n1 job/perform/expire job=1 lease=1 when=running\n"
                       "16s n1 store/job/finish job=1 lease=1 state=retryable\n",
                 3, "the deadline of job 1 passed, and it is retryable");
}

/* ---- no_needless_rescue ---- */

Test(no_needless_rescue, holds_without_rescues)
{
    expect_holds("no_needless_rescue", "1s n1 #5 job/perform/start job=1 lease=1\n");
}

Test(no_needless_rescue, is_vacuous_after_a_fault)
{
    expect_vacuous("no_needless_rescue", "1s n1 world/node/kill name=n1\n"
                                         "2s n2 #5 job/perform/start job=1 lease=1\n"
                                         "99s store/job/rescue job=1 lease=1 state=available\n");
}

#define NEEDLESS "99s store/job/rescue job=1 lease=1 state=available\n"

Test(no_needless_rescue, refuses_a_rescue_in_calm)
{
    expect_fails("no_needless_rescue",
                 NEEDLESS "100s n1 #3 store/heartbeat/send queue=mail <- delay(500ms)\n", 0,
                 "job 1 lost lease 1 to a rescue, though nothing had gone wrong");
}

Test(no_needless_rescue, counts_a_delay_from_its_beginning)
{
    expect_vacuous("no_needless_rescue",
                   "50s n1 #3 world/fault/wait where=store/claim/reply ns=60000000000\n" NEEDLESS);
}

/* ---- by the clock of the database ---- */

#define CLAIMED                                                                                    \
    "1s n3 store/job/insert job=1 state=scheduled\n1s n3 store/job/claim job=1 lease=1\n"

Test(never_early, is_judged_by_the_clock_of_the_database)
{
    /* it jumps forward: its minute is over sooner */
    expect_holds("never_early", "1s client/insert/call key=7 delay_ms=60000\n" CLAIMED
                                "5s n3 world/clock/step by=58000000000 ahead_ns=58000000000 ppm=0\n"
                                "6s n1 #9 work/job/run key=7 job=1 lease=1\n");
    /* another node's does not count */
    expect_fails("never_early",
                 "1s client/insert/call key=7 delay_ms=60000\n"
                 "1001ms n3 store/job/insert job=1 state=scheduled\n"
                 "1001ms n3 store/job/claim job=1 lease=1\n"
                 "5s n1 world/clock/step by=58000000000 ahead_ns=58000000000 ppm=0\n"
                 "6s n1 #9 work/job/run key=7 job=1 lease=1\n",
                 4, "job 1 ran 55001000 us before it was due after its insert");
}

Test(backoff_window, is_judged_by_the_clock_of_the_database)
{
    /* a fast clock: 20 % */
    expect_holds("backoff_window",
                 "0s n3 world/clock/set by=0 ahead_ns=0 ppm=200000\n"
                 "1s n3 store/job/finish job=1 lease=1 state=retryable attempt=1 max=20 "
                 "delay_ms=17000\n"
                 "16s n1 #9 work/job/run key=1 job=1 attempt=2 lease=2\n");
}
