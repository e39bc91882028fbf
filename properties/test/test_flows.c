/* test_flows.c: the properties of flows.c, on traces written by hand. */
#define FEED_POINTS(POINT)                                                                         \
    POINT("client/flow/chain");                                                                    \
    POINT("client/flow/dep");                                                                      \
    POINT("client/flow/member");                                                                   \
    POINT("client/flow/callback");                                                                 \
    POINT("client/flow/opened");                                                                   \
    POINT("client/flow/closed");
#include "properties/test/feed.h"

#define RUN(t, key, job, lease)                                                                    \
    t " n1 #1 work/job/run key=" key " job=" job " attempt=1 lease=" lease " idem=0\n"
#define CLAIM(t, job, lease) t " n2 #1 store/job/claim job=" job " lease=" lease " attempt=1\n"
#define STOP(t, job, outcome)                                                                      \
    t " n1 #1 job/perform/stop job=" job " attempt=1 lease=1 outcome=" outcome "\n"
#define FINISH(t, job, state) t " n2 #1 store/job/finish job=" job " lease=1 state=" state "\n"
#define DISK_FAULT(t)         t " n2 #1 disk/file/sync path=a <- kill\n"

/* ---- steps ---- */

#define DEP "1s client/flow/dep key=2 dep=1 else=cancel\n"
#define OR  "1s client/flow/dep key=2 dep=1 else=run\n"

Test(steps_wait, holds)
{
    expect_holds("steps_wait",
                 DEP RUN("2s", "1", "10", "1") STOP("3s", "10", "ok") RUN("4s", "2", "11", "1"));
    expect_holds("steps_wait",
                 OR RUN("2s", "1", "10", "1") STOP("3s", "10", "ok") RUN("4s", "2", "11", "1"));
}

Test(steps_wait, ran_too_early)
{
    expect_fails("steps_wait", DEP RUN("2s", "1", "10", "1") RUN("4s", "2", "11", "1"), 2,
                 "key 2 ran, but no run of key 1, which it waits for, succeeded");
    expect_fails("steps_wait",
                 DEP RUN("2s", "1", "10", "1") STOP("3s", "10", "error")
                     FINISH("3s", "10", "discarded") RUN("4s", "2", "11", "1"),
                 4, "key 2 ran, but no run of key 1, which it waits for, succeeded");
    expect_fails("steps_wait",
                 OR CLAIM("2s", "10", "1") RUN("2s", "1", "10", "1") RUN("4s", "2", "11", "1"), 3,
                 "key 2 ran, but key 1, which it waits for, is executing");
}

Test(steps_wait, anyway_when_it_has_ended)
{
    expect_vacuous("steps_wait", OR RUN("2s", "1", "10", "1") FINISH("3s", "10", "cancelled")
                                     RUN("4s", "2", "11", "1"));
    expect_vacuous("steps_wait", OR CLAIM("2s", "10", "1") RUN("2s", "1", "10", "1")
                                     DISK_FAULT("3s") RUN("4s", "2", "11", "1"));
}

/* ---- chains ---- */

#define CHAIN "1s client/flow/chain key=1 chain=7\n1s client/flow/chain key=2 chain=7\n"

Test(chain_order, holds)
{
    expect_holds("chain_order", CHAIN CLAIM("2s", "10", "1") RUN("2s", "1", "10", "1")
                                    FINISH("3s", "10", "discarded") RUN("4s", "2", "11", "1"));
    expect_vacuous("chain_order", RUN("2s", "1", "10", "1") RUN("4s", "2", "11", "1"));
}

Test(chain_order, two_at_a_time)
{
    expect_fails("chain_order",
                 CHAIN CLAIM("2s", "10", "1") RUN("2s", "1", "10", "1") RUN("4s", "2", "11", "1"),
                 4, "chain 7: job 11 ran when job 10, before it, was executing");
    expect_fails("chain_order",
                 CHAIN CLAIM("2s", "10", "1") RUN("2s", "1", "10", "1")
                     FINISH("3s", "10", "retryable") RUN("4s", "2", "11", "1"),
                 5, "chain 7: job 11 ran when job 10, before it, was retryable");
}

Test(chain_order, overtaken)
{
    expect_fails("chain_order", CHAIN RUN("2s", "2", "11", "1") RUN("4s", "1", "10", "1"), 3,
                 "chain 7: job 10 ran when job 11, behind it, had run");
}

Test(chain_order, a_straggler_is_not_judged)
{
    expect_holds("chain_order", CHAIN CLAIM("2s", "10", "2") RUN("2s", "1", "10", "2")
                                    FINISH("3s", "10", "completed") RUN("4s", "2", "11", "1")
                                        RUN("5s", "1", "10", "1"));
}

/* ---- batches ---- */

#define BATCH(event)                                                                               \
    "1s client/flow/callback key=9 batch=5 event=" event "\n"                                      \
    "1s client/flow/opened batch=5\n"                                                              \
    "1s client/flow/member key=1 batch=5\n"                                                        \
    "1s client/insert/ok key=1 job=10\n"                                                           \
    "1s client/flow/closed batch=5\n"
#define ROW(key) "9s audit/job/row job=20 key=" key " state=completed\n"

Test(callbacks_in_time, holds)
{
    expect_holds("callbacks_in_time", BATCH("exhausted") FINISH("2s", "10", "cancelled")
                                          RUN("3s", "9", "20", "1") ROW("9"));
    expect_holds("callbacks_in_time", BATCH("attempted") FINISH("2s", "10", "retryable")
                                          RUN("3s", "9", "20", "1") ROW("9"));
    expect_vacuous("callbacks_in_time", BATCH("discarded") RUN("3s", "9", "20", "1"));
}

Test(callbacks_in_time, too_early)
{
    expect_fails("callbacks_in_time",
                 BATCH("exhausted") FINISH("2s", "10", "retryable") RUN("3s", "9", "20", "1"), 6,
                 "key 9 was called back for its batch, but key 1 of it is retryable");
    expect_fails("callbacks_in_time",
                 BATCH("completed") FINISH("2s", "10", "discarded") RUN("3s", "9", "20", "1"), 6,
                 "key 9 was called back for its batch, but key 1 of it is discarded");
}

Test(callbacks_in_time, never)
{
    expect_fails("callbacks_in_time", BATCH("exhausted") FINISH("2s", "10", "completed") ROW("1"),
                 6, "batch 5 was closed, but never called back: no key 9");
    expect_vacuous("callbacks_in_time",
                   BATCH("completed") FINISH("2s", "10", "discarded") ROW("1"));
}

/* ---- released_once ---- */

Test(released_once, holds)
{
    expect_holds("released_once", "1s store/flow/release job=1 state=available flow=1\n"
                                  "2s store/flow/release job=2 state=available flow=1\n");
}

Test(released_once, twice)
{
    cr_assert(feed("released_once", "1s store/flow/release job=1 state=available flow=1\n"
                                    "2s store/flow/release job=1 state=available flow=1\n")
                  .failed);
}
