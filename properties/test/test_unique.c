/* Properties on unique jobs. */
#include "feed.h"

/* ---- one_holder_per_key ---- */

#define JOB(t, id, name)                                                                           \
    t " store/job/insert job=" id " state=available delay_ms=0\n" t " store/job/unique job=" id    \
      " unique=" name " states=15\n"
#define CLAIM(t, id) t " store/job/claim job=" id " lease=1 attempt=1 max=3\n"
#define DONE(t, id)  t " store/job/finish job=" id " lease=1 state=completed attempt=1 max=3\n"

Test(one_holder_per_key, holds_while_each_waits_for_the_other)
{
    expect_holds("one_holder_per_key",
                 JOB("1s", "1", "a") JOB("1s", "2", "b") CLAIM("2s", "1") DONE("3s", "1")
                     JOB("4s", "3", "a") "5s store/job/conflict job=3 unique=a states=15\n");
}

Test(one_holder_per_key, is_vacuous_without_unique_jobs)
{
    expect_vacuous("one_holder_per_key", "1s store/job/insert job=1 state=available\n");
}

Test(one_holder_per_key, refuses_a_second_one)
{
    expect_fails("one_holder_per_key", JOB("1s", "1", "a") CLAIM("2s", "1") JOB("3s", "2", "a"), 4,
                 "job 2, available, holds the unique key of job 1, which is executing");
}

Test(one_holder_per_key, refuses_one_that_comes_back)
{
    expect_fails("one_holder_per_key",
                 JOB("1s", "1", "a") CLAIM("2s", "1") DONE("3s", "1")
                     JOB("4s", "2", "a") "5s store/job/retry job=1 state=available\n",
                 6, "job 1, available, holds the unique key of job 2, which is available");
}

Test(one_holder_per_key, lets_one_come_back_without_its_key)
{
    expect_holds("one_holder_per_key",
                 JOB("1s", "1", "a") CLAIM("2s", "1") DONE("3s", "1") JOB(
                     "4s", "2", "a") "5s store/job/yield job=1\n"
                                     "5s store/job/retry job=1 state=available\n" CLAIM("6s", "1"));
}

Test(one_holder_per_key, lets_a_key_pass_on)
{
    expect_holds(
        "one_holder_per_key",
        JOB("1s", "1", "a") "5s store/job/release job=1 unique=a period_ms=9 states=15\n" JOB(
            "5s", "2", "a") CLAIM("6s", "1") CLAIM("6s", "2"));
}

Test(one_holder_per_key, refuses_to_yield_to_nobody)
{
    expect_fails("one_holder_per_key",
                 JOB("1s", "1", "a") CLAIM("2s", "1") DONE("3s", "1") "5s store/job/yield job=1\n",
                 4, "job 1 went on without its unique key, but nobody else held it");
}

Test(one_holder_per_key, refuses_a_conflict_with_a_bystander)
{
    expect_fails("one_holder_per_key",
                 JOB("1s", "1", "a") CLAIM("2s", "1")
                     DONE("3s", "1") "4s store/job/conflict job=1 unique=a states=15\n",
                 4, "job 1, completed, was in the way, but does not hold that unique key");
    expect_fails("one_holder_per_key",
                 JOB("1s", "1", "a") "4s store/job/conflict job=1 unique=b states=15\n", 2,
                 "job 1, available, was in the way, but does not hold that unique key");
}

Test(one_holder_per_key, forgives_what_a_disk_fault_may_have_hidden)
{
    expect_holds("one_holder_per_key",
                 JOB("1s", "1", "a")
                     CLAIM("2s", "1") "2s n1 disk/file/sync file=x  <- kill\n" JOB("4s", "2", "a"));
}

/* ---- truthful_conflicts ---- */

#define ASK(t, key, kind, period)                                                                  \
    t " client/insert/call key=" key " delay_ms=0\n" t " client/insert/unique key=" key            \
      " unique=" kind " period_ms=" period "\n"
#define OK(t, key, id)       t " client/insert/ok key=" key " job=" id "\n"
#define CONFLICT(t, key, id) t " client/insert/conflict key=" key " job=" id "\n"

Test(truthful_conflicts, holds)
{
    expect_holds("truthful_conflicts",
                 ASK("1s", "1", "7", "0") JOB("1s", "1", "a") OK("2s", "1", "1")
                     ASK("3s", "2", "7", "0") CONFLICT("4s", "2", "1") ASK("5s", "3", "8", "0")
                         JOB("6s", "2", "b") OK("7s", "3", "2"));
}

Test(truthful_conflicts, is_vacuous_without_conflicts)
{
    expect_vacuous("truthful_conflicts",
                   ASK("1s", "1", "7", "0") JOB("1s", "1", "a") OK("2s", "1", "1"));
}

Test(truthful_conflicts, refuses_a_conflict_with_another_kind)
{
    expect_fails("truthful_conflicts",
                 ASK("1s", "1", "7", "0") JOB("1s", "1", "a") OK("2s", "1", "1")
                     ASK("3s", "2", "8", "0") CONFLICT("4s", "2", "1"),
                 7, "job 1 is of kind 8, but has another key than others of it");
}

Test(truthful_conflicts, refuses_two_keys_of_one_kind)
{
    expect_fails("truthful_conflicts",
                 ASK("1s", "1", "7", "0") JOB("1s", "1", "a") OK("2s", "1", "1")
                     ASK("3s", "2", "7", "0") JOB("3s", "2", "b") OK("4s", "2", "2"),
                 9, "job 2 is of kind 7, but has another key than others of it");
}

Test(truthful_conflicts, refuses_a_holder_that_was_over_before_the_call)
{
    expect_fails("truthful_conflicts",
                 ASK("1s", "1", "7", "0") JOB("1s", "1", "a") OK("2s", "1", "1") CLAIM("2s", "1")
                     DONE("3s", "1") ASK("4s", "2", "7", "0") CONFLICT("5s", "2", "1"),
                 9, "job 1 was in the way, but had not held its key since the call");
}

Test(truthful_conflicts, lets_the_holder_end_meanwhile)
{
    expect_holds("truthful_conflicts",
                 ASK("1s", "1", "7", "0") JOB("1s", "1", "a") OK("2s", "1", "1") CLAIM("2s", "1")
                     ASK("4s", "2", "7", "0") DONE("5s", "1") CONFLICT("6s", "2", "1"));
}

Test(truthful_conflicts, refuses_a_holder_that_is_too_old)
{
    expect_fails("truthful_conflicts",
                 ASK("1s", "1", "7", "9000") JOB("1s", "1", "a") OK("2s", "1", "1")
                     ASK("10500ms", "2", "7", "9000") CONFLICT("11s", "2", "1"),
                 7, "job 1 was in the way, 499 ms after its period of 9000 ms");
    expect_holds("truthful_conflicts",
                 ASK("1s", "1", "7", "9000") JOB("1s", "1", "a") OK("2s", "1", "1")
                     ASK("9900ms", "2", "7", "9000") CONFLICT("11s", "2", "1"));
}

#define OUST(t) t " store/job/release job=1 unique=a period_ms=9000 states=15\n"

Test(truthful_conflicts, refuses_to_oust_one_whose_time_is_not_over)
{
    expect_fails("truthful_conflicts",
                 ASK("1s", "1", "7", "9000") JOB("1s", "1", "a") OK("2s", "1", "1")
                     ASK("3s", "2", "7", "9000") OUST("4s") JOB("4s", "2", "a") OK("5s", "2", "2"),
                 10, "job 2 took the key of job 1, which was 3000 ms old");
    expect_holds("truthful_conflicts",
                 ASK("1s", "1", "7", "9000") JOB("1s", "1", "a") OK("2s", "1", "1")
                     ASK("3s", "2", "7", "9000") OUST("10s") JOB("10s", "2", "a")
                         OK("11s", "2", "2"));
}

Test(truthful_conflicts, refuses_what_is_not_unique)
{
    expect_fails("truthful_conflicts",
                 "1s store/job/insert job=1 state=available\n" ASK("3s", "2", "7", "9000")
                     CONFLICT("4s", "2", "1"),
                 3, "job 1 was in the way, but is not unique");
}
