/* Properties on ends and whom they are told to, and on what processes hold by number or name. */
#define FEED_POINTS(POINT)                                                                         \
    POINT("proc/trap/set");                                                                        \
    POINT("proc/link/make");                                                                       \
    POINT("proc/link/drop");                                                                       \
    POINT("proc/signal/exit");                                                                     \
    POINT("proc/monitor/make");                                                                    \
    POINT("proc/monitor/drop");                                                                    \
    POINT("proc/monitor/down");                                                                    \
    POINT("proc/alias/make");                                                                      \
    POINT("proc/alias/use");                                                                       \
    POINT("proc/alias/miss");                                                                      \
    POINT("proc/alias/drop");                                                                      \
    POINT("proc/timer/set");                                                                       \
    POINT("proc/timer/fire");                                                                      \
    POINT("proc/timer/cancel");                                                                    \
    POINT("proc/name/take");                                                                       \
    POINT("proc/name/free");
#include "feed.h"

#define TWO          "1s n1 #1 proc/process/spawn pid=1\n1s n1 #2 proc/process/spawn pid=2\n"
#define LINKED       TWO "1s n1 #1 proc/link/make pid=1 peer=2\n"
#define WATCHED      TWO "1s n1 #1 proc/monitor/make ref=9 watcher=1 target=2\n"
#define TRAPS        "1s n1 #1 proc/trap/set pid=1 on=1\n"
#define CRASH        "2s n1 #2 proc/process/exit pid=2 reason=boom calm=0\n"
#define TOLD(effect) "2s n1 #1 proc/signal/exit to=1 from=2 link=1 effect=" effect " reason=boom\n"

/* ---- exits_told: links ---- */

Test(exits_told, holds_when_a_crash_takes_its_link_along)
{
    expect_holds("exits_told",
                 LINKED CRASH TOLD("end") "2s n1 #1 proc/process/exit pid=1 reason=boom calm=0\n");
}

Test(exits_told, holds_when_one_that_traps_gets_a_message)
{
    expect_holds("exits_told", LINKED TRAPS CRASH TOLD("message"));
}

Test(exits_told, refuses_a_link_that_was_not_told)
{
    expect_fails("exits_told", LINKED TRAPS CRASH, 4,
                 "process 1 of node 1 was never told of the end of 2");
}

Test(exits_told, refuses_to_be_told_twice)
{
    expect_fails("exits_told", LINKED TRAPS CRASH TOLD("message") TOLD("message"), 6,
                 "process 1 was told that 2 ended with boom, which it did not");
}

Test(exits_told, refuses_another_reason)
{
    expect_fails("exits_told",
                 LINKED TRAPS CRASH
                 "2s n1 #1 proc/signal/exit to=1 from=2 link=1 effect=message reason=bang\n",
                 5, "process 1 was told that 2 ended with bang, which it did not");
}

Test(exits_told, refuses_what_the_rules_do_not_say)
{
    expect_fails("exits_told", LINKED CRASH TOLD("message"), 4,
                 "boom from 2: process 1, which does not trap exits, took it for message, not end");
    expect_fails("exits_told", LINKED TRAPS CRASH TOLD("end"), 5,
                 "boom from 2: process 1, which traps exits, took it for end, not message");
}

Test(exits_told, knows_that_an_unlinked_end_is_nobodys_business)
{
    expect_holds("exits_told", LINKED "1s n1 #1 proc/link/drop pid=1 peer=2\n" CRASH);
}

Test(exits_told, knows_noproc_of_a_link_with_the_dead)
{
    expect_holds("exits_told", TWO TRAPS CRASH
                 "3s n1 #1 proc/signal/exit to=1 from=2 link=1 effect=message reason=noproc\n");
}

Test(exits_told, forgets_what_a_node_owed_when_it_boots)
{
    expect_holds("exits_told", LINKED TRAPS CRASH "3s n1 world/node/start name=n1\n");
}

/* ---- exits_told: signals from calls ---- */

#define SIGNAL(reason, effect)                                                                     \
    "2s n1 #1 proc/signal/exit to=1 from=2 link=0 effect=" effect " reason=" reason "\n"

Test(exits_told, knows_the_table_of_signals)
{
    static const char *const good[] = {
        TWO SIGNAL("normal", "nothing"),
        TWO TRAPS SIGNAL("normal", "message"),
        TWO TRAPS SIGNAL("kill", "end") "2s n1 #1 proc/process/exit pid=1 reason=killed calm=0\n",
        TWO "2s n1 #1 proc/signal/exit to=1 from=1 link=0 effect=end reason=normal\n"
            "2s n1 #1 proc/process/exit pid=1 reason=normal calm=1\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        expect_holds("exits_told", good[i]);
}

Test(exits_told, refuses_a_kill_that_was_trapped)
{
    expect_fails("exits_told", TWO TRAPS SIGNAL("kill", "message"), 3,
                 "kill from 2: process 1, which traps exits, took it for message, not end");
}

Test(exits_told, refuses_an_end_that_is_not_that_of_the_signal)
{
    expect_fails("exits_told",
                 TWO SIGNAL("boom", "end") "3s n1 #1 proc/process/exit pid=1 reason=bang calm=0\n",
                 3, "process 1 ended with bang, and not as the signal that ended it");
}

Test(exits_told, refuses_one_that_lives_on)
{
    expect_fails(
        "exits_told",
        TWO SIGNAL("boom", "end") "90s n1 #2 proc/process/exit pid=2 reason=normal calm=1\n", 3,
        "process 1 of node 1 lives on after the signal that ended it");
}

Test(exits_told, refuses_a_second_end)
{
    expect_fails("exits_told", TWO CRASH CRASH, 3, "process 2 ended twice");
}

/* ---- exits_told: monitors ---- */

#define DOWN "2s n1 #1 proc/monitor/down ref=9 watcher=1 target=2 reason=boom\n"

Test(exits_told, holds_when_a_monitor_fires)
{
    expect_holds("exits_told", WATCHED CRASH DOWN);
}

Test(exits_told, refuses_a_monitor_that_does_not_fire)
{
    expect_fails("exits_told", WATCHED CRASH, 3,
                 "process 1 of node 1 never got the DOWN of its monitor 9");
}

Test(exits_told, refuses_a_down_that_is_not_owed)
{
    expect_fails("exits_told", WATCHED DOWN, 3, "process 1 got a DOWN about 2 that it is not owed");
    expect_fails("exits_told", WATCHED CRASH DOWN DOWN, 5,
                 "process 1 got a DOWN about 2 that it is not owed");
    expect_fails("exits_told", WATCHED "1s n1 #1 proc/monitor/drop ref=9\n" CRASH DOWN, 5,
                 "process 1 got a DOWN about 2 that it is not owed");
}

Test(exits_told, knows_that_a_reply_ends_a_monitor)
{
    expect_fails("exits_told",
                 WATCHED "1s n1 #1 proc/alias/make ref=9 pid=1 kind=reply_demonitor\n"
                         "1s n1 #1 proc/alias/use ref=9 pid=1\n" CRASH DOWN,
                 6, "process 1 got a DOWN about 2 that it is not owed");
}

Test(exits_told, refuses_noproc_of_the_living)
{
    expect_fails("exits_told",
                 TWO "2s n1 #1 proc/monitor/down ref=9 watcher=1 target=2 reason=noproc\n", 2,
                 "process 1 was told that 2 is not there, and it is");
}

Test(exits_told, is_vacuous_without_ends)
{
    expect_vacuous("exits_told", TWO);
}

/* ---- refs_good ---- */

#define ALIAS(kind) TWO "1s n1 #1 proc/alias/make ref=5 pid=1 kind=" kind "\n"
#define USE         "2s n1 #1 proc/alias/use ref=5 pid=1\n"

Test(refs_good, knows_how_long_each_alias_is_good)
{
    expect_holds("refs_good", ALIAS("explicit") USE USE);
    expect_fails("refs_good", ALIAS("explicit") "1s n1 #1 proc/alias/drop ref=5\n" USE, 4,
                 "alias 5 is good no more");
    expect_fails("refs_good", ALIAS("reply") USE USE, 4, "alias 5 is good no more");
    expect_fails("refs_good", ALIAS("reply_demonitor") USE USE, 4, "alias 5 is good no more");
    expect_holds("refs_good", ALIAS("demonitor") USE USE);
    expect_fails("refs_good", ALIAS("demonitor") "1s n1 #1 proc/monitor/drop ref=5\n" USE, 4,
                 "alias 5 is good no more");
}

Test(refs_good, refuses_an_alias_of_the_dead)
{
    expect_fails("refs_good",
                 ALIAS("explicit") "1s n1 #1 proc/process/exit pid=1 reason=boom calm=0\n" USE, 4,
                 "alias 5 belonged to process 1, which has ended");
}

Test(refs_good, refuses_a_message_that_vanishes_without_need)
{
    expect_fails("refs_good", ALIAS("explicit") "2s n1 #2 proc/alias/miss ref=5\n", 3,
                 "a message to alias 5 vanished, though it is good");
}

#define TIMER TWO "1s n1 #1 proc/timer/set ref=6 to=2 delay_ns=1000000000\n"
#define FIRE  "2s n1 #2 proc/timer/fire ref=6 to=2\n"

Test(refs_good, knows_when_a_timer_may_fire)
{
    expect_holds("refs_good", TIMER FIRE);
    expect_fails("refs_good", TIMER FIRE FIRE, 4, "timer 6 is good no more");
    expect_fails("refs_good", TIMER "1.5s n1 #1 proc/timer/cancel ref=6\n" FIRE, 4,
                 "timer 6 is good no more");
    expect_fails("refs_good", TIMER CRASH FIRE, 4,
                 "timer 6 belonged to process 2, which has ended");
    expect_fails("refs_good", TIMER "1.5s n1 #2 proc/timer/fire ref=6 to=2\n", 3,
                 "timer 6 fired 400000000 ns too early");
}

#define TAKE "1s n1 #1 proc/name/take name=bob pid=1\n"

Test(refs_good, knows_who_has_a_name)
{
    expect_holds("refs_good", TWO TAKE "1s n1 #1 proc/name/free name=bob pid=1\n"
                                       "1s n1 #2 proc/name/take name=bob pid=2\n");
    expect_fails("refs_good", TWO TAKE "1s n1 #2 proc/name/take name=bob pid=2\n", 3,
                 "process 2 took the name bob, which 1 has");
    expect_fails("refs_good", TWO TAKE "1s n1 #1 proc/name/take name=ann pid=1\n", 3,
                 "process 1 has two names");
    expect_fails("refs_good", TWO "1s n1 #1 proc/name/free name=bob pid=1\n", 2,
                 "the name bob was taken from process 1, which did not have it");
}

Test(refs_good, refuses_what_the_dead_do)
{
    expect_fails("refs_good", TWO CRASH "3s n1 #3 proc/process/spawn pid=3 parent=2\n", 3,
                 "process 2 has ended, and spawned another one");
}
