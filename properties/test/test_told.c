/* The property on what listeners are told. */
#include "feed.h"

#define BEGIN(lease) "1s n1 #4 listener/job/begin job=1 lease=" lease "\n"
#define END(lease)   "2s n1 #4 listener/job/end job=1 lease=" lease " how=ok\n"
#define FINISH(lease)                                                                              \
    "3s n1 #4 job/finish/done job=1 lease=" lease " state=completed result=applied\n"
#define CALL(fails) "1s n1 #4 listener/fragile/call listener=3 fails=" fails " event=job/start\n"

Test(told_once, holds_when_each_end_is_told_once)
{
    expect_holds("told_once", BEGIN("1") END("1") FINISH("1") BEGIN("2") END("2") FINISH("2"));
    expect_holds("told_once",
                 BEGIN("1") BEGIN("2") END("1") END("2")); /* of a node that stood still */
    expect_holds("told_once", CALL("0") CALL("1"));
    expect_vacuous("told_once", FINISH("1"));
}

Test(told_once, refuses_what_is_told_twice_or_not_at_all)
{
    expect_fails("told_once", BEGIN("1") BEGIN("1"), 1,
                 "a listener was told twice that job 1 began");
    expect_fails("told_once", BEGIN("1") END("1") END("1"), 2,
                 "a listener was told twice that an attempt of job 1 ended");
    expect_fails("told_once", BEGIN("1") FINISH("1"), 1,
                 "nobody was told that the attempt of job 1 had ended");
}

Test(told_once, refuses_calls_after_a_failure)
{
    expect_fails("told_once", CALL("1") CALL("0"), 1, "a handler that had failed was called again");
}
