/* test_queue_rules.c: what is said of a queue, against what the database hands out. */
#define FEED_POINTS(POINT)                                                                         \
    POINT("store/job/part");                                                                       \
    POINT("store/queue/set");                                                                      \
    POINT("store/queue/forget");                                                                   \
    POINT("client/insert/place");
#include "feed.h"

#define SET(paused, global, part, rate, by_part)                                                   \
    "1s n9 #0 store/queue/set queue=mail paused=" paused " global=" global " part=" part           \
    " rate=" rate " rate_ms=1000 by_part=" by_part "\n"
#define CLAIM(time, job)                                                                           \
    time " n9 #0 store/job/claim job=" job " lease=1 attempt=1 max=3 queue=mail\n"
#define PART(time, job, part)                                                                      \
    CLAIM(time, job) time " n9 #0 store/job/part job=" job " queue=mail part=" part "\n"
#define FINISH(time, job)                                                                          \
    time " n9 #0 store/job/finish job=" job " lease=1 state=completed attempt=1 max=3 "            \
         "delay_ms=0\n"
#define FORGET "1s n9 #0 store/queue/forget queue=mail\n"

Test(queue_rules, is_vacuous_while_nothing_is_said)
{
    expect_vacuous("queue_rules", CLAIM("2s", "1") CLAIM("2s", "2"));
}

Test(queue_rules, refuses_a_claim_of_a_paused_queue)
{
    expect_fails("queue_rules", SET("1", "-1", "-1", "-1", "0") CLAIM("2s", "1"), 1,
                 "job 1 of queue mail was handed out though it is paused");
}

Test(queue_rules, a_queue_that_goes_on_may_be_claimed_from)
{
    expect_holds("queue_rules",
                 SET("1", "-1", "-1", "-1", "0") SET("0", "-1", "-1", "-1", "0") CLAIM("2s", "1"));
    expect_vacuous("queue_rules", SET("1", "-1", "-1", "-1", "0") FORGET CLAIM("2s", "1"));
}

Test(queue_rules, counts_what_runs_anywhere)
{
    expect_holds("queue_rules", SET("0", "2", "-1", "-1", "0") CLAIM("2s", "1") CLAIM("2s", "2")
                                    FINISH("3s", "1") CLAIM("3s", "3"));
    expect_fails("queue_rules", SET("0", "1", "-1", "-1", "0") CLAIM("2s", "1") CLAIM("2s", "2"), 2,
                 "2 jobs of mail run at once; its limit is 1");
}

Test(queue_rules, what_was_claimed_before_the_limit_does_not_count)
{
    expect_holds("queue_rules", CLAIM("1s", "1") SET("0", "1", "-1", "-1", "0") CLAIM("2s", "2"));
}

Test(queue_rules, counts_each_part_by_itself)
{
    expect_holds("queue_rules", SET("0", "-1", "1", "-1", "0") PART("2s", "1", "a")
                                    PART("2s", "2", "b") CLAIM("2s", "3") CLAIM("2s", "4"));
    expect_fails("queue_rules",
                 PART("1s", "1", "a") SET("0", "-1", "1", "-1", "0") PART("2s", "2", "a"), 4,
                 "2 jobs of a run at once; its limit is 1");
}

Test(queue_rules, a_rate_holds_in_any_window)
{
    expect_holds("queue_rules", SET("0", "-1", "-1", "2", "0") CLAIM("2500ms", "1") CLAIM("3s", "2")
                                    CLAIM("3500ms", "3"));
    expect_fails("queue_rules",
                 SET("0", "-1", "-1", "2", "0") CLAIM("2500ms", "1") CLAIM("3s", "2")
                     CLAIM("3400ms", "3"),
                 3, "3 jobs of mail began within 1000 ms; its rate is 2");
}

Test(queue_rules, a_rate_by_part_is_one_for_each)
{
    expect_holds("queue_rules", SET("0", "-1", "-1", "1", "1") PART("2s", "1", "a")
                                    PART("2s", "2", "b") CLAIM("2s", "3"));
    expect_fails("queue_rules",
                 SET("0", "-1", "-1", "1", "1") PART("2s", "1", "a") PART("2500ms", "2", "a"), 4,
                 "2 jobs of a began within 1000 ms; its rate is 1");
}

Test(queue_rules, a_fault_of_the_disk_leaves_doubt)
{
    expect_vacuous(
        "queue_rules",
        SET("1", "-1", "-1", "-1",
            "0") "1s n9 disk/file/sync file=jobs.db-wal <- error(EIO)\n" CLAIM("2s", "1"));
}

/* ---- ageing ---- */

#define AGE "1s n9 store/queue/set queue=mail age_ms=5000\n"
#define WAITS(time, job, priority)                                                                 \
    time " n1 client/insert/place key=" job " queue=mail priority=" priority "\n" time             \
         " n9 store/job/insert job=" job " state=available\n" time " n1 client/insert/ok key=" job \
         " job=" job "\n"

Test(ageing, lets_priorities_overtake_until_they_are_worth_it)
{
    expect_holds("ageing", AGE WAITS("2s", "1", "3") WAITS("16s", "2", "2") CLAIM("20s", "2"));
    expect_vacuous("ageing", WAITS("2s", "1", "3") WAITS("30s", "2", "2") CLAIM("40s", "2"));
    expect_fails(
        "ageing", AGE WAITS("2s", "1", "3") WAITS("18s", "2", "2") CLAIM("20s", "2"), 7,
        "job 2 of priority 2 was claimed before job 1 of priority 3, which had waited 16000 "
        "ms longer; each priority counts as much as 5000 ms");
}

/* A store handle's time never goes back: after a step back what comes later has the same time, for a while. */
Test(ageing, goes_by_a_clock_that_never_goes_back)
{
    expect_holds("ageing",
                 AGE "1s n9 world/clock/step by=0 ahead_ns=60000000000 ppm=0\n"
                     "2s n9 world/clock/step by=0 ahead_ns=0 ppm=0\n" WAITS("3s", "1", "3")
                         WAITS("50s", "2", "2") CLAIM("51s", "2"));
    expect_fails(
        "ageing",
        AGE "2s n9 world/clock/step by=0 ahead_ns=0 ppm=0\n" WAITS("3s", "1", "3")
            WAITS("50s", "2", "2") CLAIM("51s", "2"),
        8,
        "job 2 of priority 2 was claimed before job 1 of priority 3, which had waited 47000 "
        "ms longer; each priority counts as much as 5000 ms");
}
