/* Properties on calls and servers, on reports, and on what is shared out. */
#define FEED_POINTS(POINT)                                                                         \
    POINT("proc/call/send");                                                                       \
    POINT("proc/call/reply");                                                                      \
    POINT("proc/call/end");                                                                        \
    POINT("server/turn/begin");                                                                    \
    POINT("server/turn/wish");                                                                     \
    POINT("proc/lineage/caller");                                                                  \
    POINT("proc/trap/set");                                                                        \
    POINT("proc/name/take");                                                                       \
    POINT("proc/name/free");                                                                       \
    POINT("proc/process/crash");                                                                   \
    POINT("proc/link/make");                                                                       \
    POINT("proc/link/drop");                                                                       \
    POINT("proc/trace/begin");                                                                     \
    POINT("proc/trace/end");                                                                       \
    POINT("proc/trace/tell");                                                                      \
    POINT("sup/partition/open");                                                                   \
    POINT("tree/partition/route");                                                                 \
    POINT("registry/entry/register");                                                              \
    POINT("registry/entry/unregister");                                                            \
    POINT("pubsub/topic/broadcast");                                                               \
    POINT("tree/event/got");                                                                       \
    POINT("task/task/start");                                                                      \
    POINT("task/value/send");                                                                      \
    POINT("task/value/get");
#include "feed.h"

/* ---- calls ---- */

#define CALL       "1s n1 #2 proc/call/send ref=7 pid=2 to=3 timeout_ns=1000000000\n"
#define REPLY      "1s n1 #2 proc/call/reply ref=7 pid=2 from=3\n"
#define OVER(s, h) s " n1 #2 proc/call/end ref=7 how=" h "\n"

Test(calls_answered, holds_for_a_reply_a_timeout_and_a_death)
{
    expect_holds("calls_answered", CALL REPLY OVER("1s", "ok"));
    expect_holds("calls_answered", CALL OVER("2s", "timeout"));
    expect_holds("calls_answered",
                 CALL "1s n1 #3 proc/process/exit pid=3 reason=boom calm=0\n" OVER("1s", "down"));
}

Test(calls_answered, refuses_second_late_and_false_answers)
{
    expect_fails("calls_answered", CALL REPLY REPLY, 2,
                 "process 3 answered call 7, which has been answered");
    expect_fails("calls_answered", CALL OVER("2s", "timeout") REPLY, 2,
                 "process 3 answered call 7, which was over");
    expect_fails("calls_answered", CALL OVER("1s", "ok"), 1,
                 "call 7 ended with ok, and was not answered");
    expect_fails("calls_answered", CALL REPLY OVER("2s", "timeout"), 2,
                 "call 7 ended with timeout, and was answered");
    expect_fails("calls_answered", CALL OVER("1.5s", "timeout"), 1,
                 "call 7 was given up 400000000 ns too early");
    expect_fails("calls_answered", CALL OVER("1s", "down"), 1,
                 "call 7 ended as if process 3 had, which lives");
}

Test(calls_answered, knows_nothing_of_starts_and_of_lives_that_are_over)
{
    expect_vacuous("calls_answered", REPLY);
    expect_vacuous("calls_answered", CALL "2s n1 world/node/start name=n1\n" REPLY);
}

/* ---- servers ---- */

#define BEGIN(s, w)   s " n1 #2 server/turn/begin pid=2 what=" w "\n"
#define WISH(s, h, t) s " n1 #2 server/turn/wish pid=2 how=" h " timeout_ns=" t "\n"
#define BORN          BEGIN("1s", "init") WISH("1s", "go", "1000000000")

Test(servers_in_turn, holds_as_long_as_it_goes_on_as_it_said)
{
    expect_holds("servers_in_turn",
                 BORN BEGIN("2s", "timeout") WISH("2s", "go_on", "0") BEGIN("2s", "proceed")
                     WISH("2s", "go", "9223372036854775807") BEGIN("900s", "call"));
    expect_holds("servers_in_turn",
                 BORN BEGIN("1.9s", "system") BEGIN("2.9s", "timeout") WISH("3s", "end", "0"));
}

Test(servers_in_turn, refuses_messages_before_what_it_goes_on_with)
{
    expect_fails("servers_in_turn",
                 BORN BEGIN("1s", "call") WISH("1s", "go_on", "0") BEGIN("1s", "cast"), 4,
                 "server 2 begins with a cast, and wished to go on");
    expect_fails("servers_in_turn", BORN BEGIN("1s", "proceed"), 2,
                 "server 2 begins with a proceed, and wished not to go on");
    expect_fails("servers_in_turn", BORN BEGIN("1s", "call") BEGIN("1s", "cast"), 3,
                 "server 2 begins with a cast in the middle of something");
}

Test(servers_in_turn, refuses_a_timeout_too_early_unasked_and_never)
{
    expect_fails("servers_in_turn", BORN BEGIN("1.5s", "timeout"), 2,
                 "server 2 was told after 500000000 ns that its time of 1000000000 ns is up");
    expect_fails("servers_in_turn",
                 BORN BEGIN("1s", "call") WISH("1s", "go", "9223372036854775807")
                     BEGIN("9s", "timeout"),
                 4, "server 2 was told that its time is up, and asked for none");
    expect_fails("servers_in_turn", BORN BEGIN("90s", "call"), 2,
                 "server 2 was never told that its time of 1000000000 ns was up");
}

/* ---- reports ---- */

#define FAMILY                                                                                     \
    "1s n1 #1 proc/trap/set pid=1 on=1\n"                                                          \
    "1s n1 #1 proc/process/spawn pid=1 label=top parent=0\n"                                       \
    "1s n1 #1 proc/name/take name=boss pid=1\n"                                                    \
    "1s n1 #2 proc/process/spawn pid=2 label=mid parent=1\n"                                       \
    "1s n1 #3 proc/process/spawn pid=3 label=low parent=2\n"                                       \
    "1s n1 #3 proc/lineage/caller pid=3 caller=1\n"
#define CRASH(a, c) "2s n1 #3 proc/process/crash pid=3 ancestors=\"" a "\" callers=\"" c "\"\n"

Test(lineage_told, names_parents_as_they_were_called)
{
    expect_holds("lineage_told", FAMILY CRASH("mid<2> boss", "boss"));
    expect_holds("lineage_told", FAMILY
                 "1s n1 #1 proc/process/exit pid=1 reason=x calm=0\n" CRASH("mid<2> boss", "boss"));
    expect_fails("lineage_told", FAMILY CRASH("boss", "boss"), 6,
                 "the report on process 3 names as ancestors \"boss\", not \"mid<2> boss\"");
    expect_fails("lineage_told", FAMILY CRASH("mid<2> boss", "mid<2>"), 6,
                 "the report on process 3 names as callers \"mid<2>\", not \"boss\"");
    expect_vacuous("lineage_told", CRASH("nobody knows", "")); /* names are not recorded */
}

#define WATCH     "1s n1 #2 proc/trace/begin pid=2 to=1\n"
#define TOLD(w)   "1s n1 #2 proc/trace/tell pid=2 what=" w " other=9\n"
#define CHILD     "1s n1 #9 proc/process/spawn pid=9 label=x parent=2\n"
#define UNWATCHED "1s n1 #2 proc/trace/end pid=2\n"
#define GONE      "1s n1 #2 proc/process/exit pid=2 reason=x calm=0\n"

Test(watched_told, wants_each_deed_told_once)
{
    expect_holds("watched_told", WATCH TOLD("spawn") CHILD UNWATCHED);
    expect_holds("watched_told", WATCH "1s n1 #2 proc/link/make pid=5 peer=2\n" TOLD("link")
                                     GONE TOLD("exit") CHILD);
    expect_fails("watched_told", WATCH CHILD UNWATCHED, 2,
                 "process 2 was watched and did 1 times spawn, of which 0 were told");
    expect_fails("watched_told", WATCH GONE CHILD, 2,
                 "process 2 was watched, and its end was not told");
    expect_fails("watched_told", TOLD("send"), 0,
                 "a send of process 2 was told, which nobody watches");
}

/* ---- sharing ---- */

#define OPEN(n)     "1s n1 #4 sup/partition/open sup=4 open=" n "\n"
#define UP(c, p)    "1s n1 #4 sup/child/up child=\"" c "\" sup=4 pid=" p "\n"
#define ROUTE(k, p) "1s n1 #9 tree/partition/route sup=4 key=" k " pid=" p "\n"

Test(keys_routed, follows_restarts_and_closings)
{
#define TWO OPEN("2") UP("0", "5") UP("1", "6")
    expect_holds("keys_routed",
                 TWO ROUTE("3", "6") UP("1", "8") ROUTE("3", "8") OPEN("1") ROUTE("3", "5"));
    expect_fails("keys_routed", TWO OPEN("1") ROUTE("3", "6"), 4,
                 "key 3 was routed to process 6, but partition 0 of 1 is 5");
    expect_fails("keys_routed", ROUTE("1", "5"), 0,
                 "key 1 was routed to process 5 by a supervisor without open partitions");
}

#define SUBSCRIBE "1s n1 #2 registry/entry/register pid=2 registry=7 key=k unique=0\n"
#define LEAVE     "1s n1 #2 registry/entry/unregister pid=2 registry=7 key=k\n"
#define SENT(n, e, w)                                                                              \
    "1s n1 #3 pubsub/topic/broadcast from=3 topic=k sent=" n " hub=7 except=" e " wanted=" w "\n"

Test(broadcasts_reach, counts_subscriptions)
{
    expect_holds("broadcasts_reach", SUBSCRIBE SUBSCRIBE LEAVE SENT("1", "0", "0"));
    expect_holds("broadcasts_reach", SUBSCRIBE SUBSCRIBE SENT("0", "2", "0") SENT("1", "0", "1"));
    expect_fails("broadcasts_reach", SUBSCRIBE SENT("0", "0", "0"), 1,
                 "topic k has 1 subscriptions, and 0 messages went out");
    expect_fails("broadcasts_reach", SUBSCRIBE LEAVE SENT("1", "0", "1"), 2,
                 "topic k has 0 subscriptions, and 1 messages went out");
}

#define GOT(n, p)                                                                                  \
    "1s n1 #5 tree/event/got consumer=5 producer=4 number=" n " partition=" p " of=3\n"

Test(events_in_place, wants_order_and_partition)
{
    expect_holds("events_in_place", GOT("1", "1") GOT("4", "1"));
    expect_fails("events_in_place", GOT("4", "1") GOT("1", "1"), 1,
                 "consumer 5 got event 1 after 4");
    expect_fails("events_in_place", GOT("2", "1"), 0,
                 "consumer 5 of partition 1 got event 2, which is of 2");
}

#define TASK      "1s n1 #2 task/task/start task=6 owner=2 ref=8 linked=1\n"
#define VALUE     "1s n1 #6 task/value/send task=6 owner=2 ref=8\n"
#define HEARD(ok) "1s n1 #2 task/value/get ref=8 task=6 owner=2 ok=" ok "\n"

Test(tasks_answer_once, wants_one_answer_and_a_true_one)
{
    expect_holds("tasks_answer_once", TASK VALUE HEARD("1"));
    expect_holds("tasks_answer_once",
                 TASK "1s n1 #6 proc/process/exit pid=6 reason=x calm=0\n" HEARD("0"));
    expect_fails("tasks_answer_once", TASK VALUE HEARD("1") HEARD("1"), 3,
                 "the owner of task 6 has heard of it twice");
    expect_fails("tasks_answer_once", TASK HEARD("1"), 1,
                 "task 6 never had a value, and its owner has got one");
    expect_fails("tasks_answer_once", TASK HEARD("0"), 1,
                 "task 6 lives, and its owner was told that it does not");
}
