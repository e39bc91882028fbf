/* Properties on what processes have, and on events that they asked for. */
#define FEED_POINTS(POINT)                                                                         \
    POINT("ets/table/create");                                                                     \
    POINT("ets/table/delete");                                                                     \
    POINT("ets/table/transfer");                                                                   \
    POINT("registry/entry/register");                                                              \
    POINT("registry/entry/unregister");                                                            \
    POINT("stage/demand/ask");                                                                     \
    POINT("stage/events/send");                                                                    \
    POINT("stage/subscription/end");
#include "feed.h"

#define TWO     "1s n1 #1 proc/process/spawn pid=1\n1s n1 #2 proc/process/spawn pid=2\n"
#define CREATED TWO "1s n1 #2 ets/table/create table=5 name=t type=set owner=2\n"
#define ENDS(p) "2s n1 #" p " proc/process/exit pid=" p " reason=boom calm=0\n"
#define NEXT    "3s n1 #1 proc/process/spawn pid=9\n"
#define KEY(p)  "1s n1 #" p " registry/entry/register pid=" p " registry=7 key=k unique=1\n"
#define FREE(p) "2s n1 #" p " registry/entry/unregister pid=" p " registry=7 key=k\n"

Test(belongings_go, holds_when_a_table_goes_with_its_owner)
{
    expect_holds("belongings_go",
                 CREATED ENDS("2") "2s n1 #2 ets/table/delete table=5 owner=2 rows=1\n" NEXT);
}

Test(belongings_go, holds_when_it_passes_to_a_living_heir)
{
    expect_holds("belongings_go",
                 CREATED ENDS("2") "2s n1 #2 ets/table/transfer table=5 from=2 to=1\n" NEXT);
}

Test(belongings_go, refuses_a_table_that_is_left_behind)
{
    expect_fails("belongings_go", CREATED ENDS("2") NEXT, 4,
                 "process 2 has ended, and left 1 tables and keys behind");
    expect_fails("belongings_go", CREATED ENDS("2") ENDS("1"), 4,
                 "process 2 has ended, and left 1 tables and keys behind");
}

Test(belongings_go, refuses_a_dead_heir_and_a_table_that_was_anothers)
{
    expect_fails("belongings_go",
                 CREATED ENDS("1") ENDS("2") "2s n1 #2 ets/table/transfer table=5 from=2 to=1\n", 5,
                 "process 1 has ended and is given something");
    expect_fails("belongings_go", CREATED "2s n1 #1 ets/table/delete table=5 owner=1 rows=0\n", 3,
                 "it was taken from process 1, but is that of 2");
}

Test(belongings_go, knows_one_holder_of_a_unique_key)
{
    expect_holds("belongings_go", TWO KEY("1") FREE("1") KEY("2"));
    expect_fails("belongings_go", TWO KEY("1") KEY("2"), 3, "it is that of process 1 already");
    expect_fails("belongings_go", TWO KEY("2") ENDS("2") NEXT, 4,
                 "process 2 has ended, and left 1 tables and keys behind");
}

Test(belongings_go, forgets_a_life_of_a_node)
{
    expect_holds("belongings_go",
                 CREATED ENDS("2") "2s n1 world/node/start name=n1\n" NEXT CREATED);
}

#define ASK(n)  "1s n1 #2 stage/demand/ask ref=4 consumer=2 producer=1 count=" n "\n"
#define SEND(n) "1s n1 #1 stage/events/send ref=4 producer=1 consumer=2 count=" n " demand=0\n"
#define OVER    "1s n1 #1 stage/subscription/end ref=4 producer=1 consumer=2 reason=normal\n"

Test(demand_respected, counts_what_was_asked_for_and_given)
{
    expect_holds("demand_respected", ASK("3") SEND("2") SEND("1") ASK("1") SEND("1") OVER);
    expect_fails("demand_respected", ASK("3") SEND("2") SEND("2"), 2,
                 "consumer 2 asked for 3 events and was given 4");
}

Test(demand_respected, refuses_events_after_the_end)
{
    expect_fails("demand_respected", ASK("3") OVER SEND("1"), 2,
                 "consumer 2 has no subscription any more");
}
