/* Properties of supervision: the reference model, restart intensity, times to stop, orphans. */
#include "feed.h"

/* ---- supervised ---- */

#define SUP(strategy, auto_)                                                                       \
    "1s n1 #1 sup/supervisor/start sup=1 label=top parent=0 strategy=" strategy                    \
    " intensity=3 period_s=5 auto=" auto_ " max=0\n"
#define ADD(id, restart, sig)                                                                      \
    "1s n1 #1 sup/child/add child=" id " sup=1 restart=" restart                                   \
    " shutdown_ns=5000000000 significant=" sig " type=worker\n"
#define START(id)    "1s n1 #1 sup/child/start child=" id " sup=1\n"
#define UP(id, pid)  START(id) "1s n1 #1 sup/child/up child=" id " sup=1 pid=" pid "\n"
#define FAIL(id)     START(id) "1s n1 #1 sup/child/fail child=" id " sup=1 reason=boom\n"
#define IGNORE(id)   START(id) "1s n1 #1 sup/child/ignore child=" id " sup=1\n"
#define STANDS       "1s n1 #1 sup/supervisor/up sup=1\n"
#define EXIT(pid, r) "1s n1 #" pid " proc/process/exit pid=" pid " label=x reason=" r " calm=0\n"
#define LEARNS(id, pid, r)                                                                         \
    "1s n1 #1 sup/child/end child=" id " sup=1 pid=" pid " reason=" r " calm=0\n"
#define END(id, pid, r) EXIT(pid, r) LEARNS(id, pid, r)
#define RESTART(id)     "1s n1 #1 sup/child/restart child=" id " sup=1 restarts=1\n"
#define STOPS(id, pid)  "1s n1 #1 sup/child/stop child=" id " sup=1 pid=" pid " shutdown_ns=5\n"
#define STOPPED(id, pid)                                                                           \
    STOPS(id, pid)                                                                                 \
    EXIT(pid, "shutdown")                                                                          \
    "1s n1 #1 sup/child/stopped child=" id " sup=1 pid=" pid " reason=shutdown\n"
#define DROP(id)      "1s n1 #1 sup/child/drop child=" id " sup=1 pid=0\n"
#define ASK(id, what) "1s n1 #1 sup/child/ask child=" id " sup=1 what=" what " pid=0\n"
#define TOLD          "1s n1 #1 sup/supervisor/stop sup=1 label=top reason=shutdown from=0 call=0\n"
#define GIVEUP        "1s n1 #1 sup/supervisor/giveup sup=1 label=top intensity=3 period_s=5\n"
#define SHUTDOWN      "1s n1 #1 sup/supervisor/shutdown sup=1 label=top\n"

#define THREE(strategy)                                                                            \
    SUP(strategy, "never")                                                                         \
    ADD("a", "permanent", "0")                                                                     \
    ADD("b", "transient", "0")                                                                     \
    ADD("c", "temporary", "0") UP("a", "2") UP("b", "3") UP("c", "4") STANDS

#define PROPERTY "supervised"

Test(supervised, holds_for_what_each_strategy_does_RST_05_RST_06_RST_07)
{
    expect_holds(PROPERTY, THREE("one_for_one") END("a", "2", "boom") RESTART("a") UP("a", "5"));
    expect_holds(PROPERTY, THREE("one_for_all") END("a", "2", "boom") RESTART("a") STOPPED("c", "4")
                               DROP("c") STOPPED("b", "3") UP("a", "5") UP("b", "6"));
    expect_holds(PROPERTY, THREE("rest_for_one") END("b", "3", "boom") RESTART("b")
                               STOPPED("c", "4") DROP("c") UP("b", "5"));
}

Test(supervised, is_vacuous_without_supervisors)
{
    expect_vacuous(PROPERTY, EXIT("2", "boom"));
}

Test(supervised, refuses_to_forget_a_restart_RST_01)
{
    expect_fails(PROPERTY, THREE("one_for_one") END("a", "2", "normal") END("b", "3", "normal"), 14,
                 "supervisor top: the end of b, where the restart of a was due");
}

Test(supervised, refuses_a_restart_of_the_calm_and_the_temporary_RST_02_RST_03)
{
    expect_fails(PROPERTY, THREE("one_for_one") END("b", "3", "shutdown:x") RESTART("b"), 13,
                 "supervisor top: the restart of b, where nothing was due");
    expect_fails(PROPERTY, THREE("one_for_one") END("c", "4", "boom") RESTART("c"), 13,
                 "supervisor top: the restart of c, where the removal of c was due");
}

Test(supervised, refuses_the_wrong_order_RST_06)
{
    expect_fails(PROPERTY,
                 THREE("one_for_all") END("a", "2", "boom") RESTART("a") STOPPED("b", "3"), 14,
                 "supervisor top: the stop of b, where the stop of c was due");
    expect_fails(PROPERTY,
                 THREE("one_for_all") END("a", "2", "boom") RESTART("a") STOPPED("c", "4") DROP("c")
                     STOPPED("b", "3") UP("b", "5"),
                 21, "supervisor top: the start of b, where the start of a was due");
}

Test(supervised, refuses_to_touch_earlier_ones_RST_07)
{
    expect_fails(PROPERTY,
                 THREE("rest_for_one") END("b", "3", "boom") RESTART("b") STOPPED("c", "4")
                     DROP("c") STOPPED("a", "2"),
                 18, "supervisor top: the stop of a, where the start of b was due");
}

Test(supervised, follows_tries_RST_14_RST_16_RST_17)
{
    expect_holds(PROPERTY, THREE("one_for_one") END("a", "2", "boom") RESTART("a") FAIL("a")
                               RESTART("a") FAIL("a") RESTART("a") UP("a", "5"));
    expect_holds(PROPERTY, THREE("one_for_all") END("a", "2", "boom") RESTART("a") STOPPED("c", "4")
                               DROP("c") STOPPED("b", "3") UP("a", "5") FAIL("b") RESTART("b")
                                   STOPPED("a", "5") UP("a", "6") UP("b", "7"));
    expect_fails(PROPERTY,
                 THREE("one_for_one") END("a", "2", "boom") RESTART("a") FAIL("a") RESTART("b"), 16,
                 "supervisor top: the restart of b, where nothing was due");
}

Test(supervised, follows_roll_back_SUP_13)
{
#define ROLL                                                                                       \
    SUP("one_for_one", "never")                                                                    \
    ADD("a", "permanent", "0")                                                                     \
    ADD("b", "permanent", "0")                                                                     \
    UP("a", "2") FAIL("b") "1s n1 #1 sup/supervisor/failed sup=1 child=b\n"
    expect_holds(PROPERTY,
                 ROLL STOPPED("a", "2") EXIT("1", "shutdown:{failed_to_start_child,b,boom}"));
    expect_fails(PROPERTY, ROLL EXIT("1", "shutdown:{failed_to_start_child,b,boom}"), 8,
                 "supervisor top exits, and leaves a behind");
    expect_fails(PROPERTY, ROLL STOPPED("a", "2") EXIT("1", "shutdown"), 11,
                 "supervisor top exits with shutdown instead of shutdown:{failed_to_start_child,");
    expect_fails(PROPERTY, SUP("one_for_one", "never") ADD("a", "permanent", "0") FAIL("a") STANDS,
                 4, "supervisor top: the beginning, where the failure because of a was due");
}

Test(supervised, follows_ignored_starts_SUP_16_RST_19)
{
    expect_holds(PROPERTY, SUP("one_for_one", "never") ADD("a", "temporary", "0")
                               ADD("b", "permanent", "0") IGNORE("a") DROP("a") IGNORE("b") STANDS);
    expect_fails(PROPERTY,
                 SUP("one_for_one", "never") ADD("a", "temporary", "0") IGNORE("a") STANDS, 4,
                 "supervisor top: the beginning, where the removal of a was due");
}

Test(supervised, follows_the_order_to_stop_SHUT_01)
{
    expect_holds(PROPERTY, THREE("one_for_one") TOLD STOPPED("c", "4") STOPPED("b", "3")
                               STOPPED("a", "2") EXIT("1", "shutdown"));
    expect_fails(PROPERTY, THREE("one_for_one") TOLD STOPPED("a", "2"), 12,
                 "supervisor top: the stop of a, where the stop of c was due");
    expect_fails(PROPERTY, THREE("one_for_one") TOLD STOPPED("c", "4") EXIT("1", "shutdown"), 15,
                 "supervisor top exits, and leaves a behind");
    expect_holds(PROPERTY, THREE("one_for_one") TOLD STOPPED("c", "4") EXIT("1", "killed"));
}

Test(supervised, refuses_a_stranger_s_word_RST_20)
{
    expect_fails(PROPERTY,
                 THREE("one_for_one") "1s n1 #1 sup/supervisor/stop sup=1 label=top reason=boom "
                                      "from=7 call=0\n",
                 11, "supervisor top stops because of process 7, a stranger");
    expect_holds(PROPERTY, THREE("one_for_one") "1s n1 #1 sup/supervisor/stop sup=1 label=top "
                                                "reason=boom from=7 call=1\n");
}

Test(supervised, excuses_only_who_was_ended_by_others)
{
    expect_fails(PROPERTY, THREE("one_for_one") EXIT("1", "tired"), 11,
                 "supervisor top exits with tired, where nothing was due");
    expect_holds(PROPERTY, THREE("one_for_one") EXIT("1", "killed"));
    expect_holds(PROPERTY,
                 THREE("one_for_one") "1s n1 world/actor/crash which=1\n" EXIT("1", "tired"));
    expect_holds(PROPERTY,
                 THREE("one_for_one") END("a", "2", "boom") RESTART(
                     "a") "1s n1 #1 sup/child/start child=a sup=1 <- crash\n" EXIT("1", "crash"));
}

Test(supervised, escalation_needs_a_reason_INT_11)
{
    expect_holds(PROPERTY, THREE("one_for_one") END("a", "2", "boom") GIVEUP STOPPED("c", "4")
                               STOPPED("b", "3") EXIT("1", "shutdown"));
    expect_fails(PROPERTY, THREE("one_for_one") GIVEUP, 11,
                 "supervisor top: the end of its patience, where nothing was due");
    expect_fails(PROPERTY, THREE("one_for_one") EXIT("1", "shutdown"), 11,
                 "supervisor top exits with shutdown, where nothing was due");
}

#define SIGNIFICANT(when)                                                                          \
    SUP("one_for_one", when)                                                                       \
    ADD("a", "transient", "1") ADD("b", "temporary", "1") UP("a", "2") UP("b", "3") STANDS

Test(supervised, follows_auto_shutdown_AUTO_03_AUTO_04)
{
    expect_holds(PROPERTY, SIGNIFICANT("any") END("b", "3", "boom") DROP("b")
                               SHUTDOWN STOPPED("a", "2") EXIT("1", "shutdown"));
    expect_holds(PROPERTY, SIGNIFICANT("all") END("b", "3", "boom") DROP("b")
                               END("a", "2", "normal") SHUTDOWN EXIT("1", "shutdown"));
    expect_fails(PROPERTY, SIGNIFICANT("all") END("a", "2", "normal") SHUTDOWN, 10,
                 "supervisor top: the shutdown by itself, where nothing was due");
    expect_fails(PROPERTY, SIGNIFICANT("any") END("a", "2", "normal") ASK("b", "delete"), 10,
                 "supervisor top: the call of b, where the shutdown after the end of a was due");
}

Test(supervised, follows_calls_API_06_API_09)
{
    expect_holds(PROPERTY,
                 THREE("one_for_one") ASK("a", "terminate") STOPPED("a", "2") ASK("a", "terminate")
                     ASK("a", "delete") DROP("a") ASK("zz", "terminate") ASK("c", "terminate")
                         STOPPED("c", "4") DROP("c"));
    expect_holds(PROPERTY,
                 THREE("one_for_one") ASK("d", "start") UP("d", "5") ADD("d", "permanent", "0")
                     ASK("e", "start") FAIL("e") ASK("d", "terminate") STOPPED("d", "5")
                         ASK("d", "restart") UP("d", "6"));
    expect_fails(PROPERTY, THREE("one_for_one") ASK("a", "delete") DROP("a"), 12,
                 "supervisor top: the removal of a, where nothing was due");
    expect_fails(PROPERTY, THREE("one_for_one") ASK("a", "start") UP("a", "5"), 12,
                 "supervisor top: the start of a, where nothing was due");
}

#define DYNAMIC                                                                                    \
    SUP("dynamic", "never")                                                                        \
    STANDS ASK("x", "start") UP("x", "2") ADD("x", "permanent", "0") ASK("x", "start")             \
        UP("x", "3") ADD("x", "permanent", "0")

Test(supervised, follows_calls_that_are_ignored_API_04)
{
    expect_holds(PROPERTY,
                 THREE("one_for_one") ASK("d", "start") IGNORE("d") ADD("d", "permanent", "0")
                     ASK("e", "start") IGNORE("e") ASK("d", "restart") UP("d", "6"));
    expect_fails(PROPERTY,
                 THREE("one_for_one") ASK("d", "start") FAIL("d") ADD("d", "permanent", "0"), 14,
                 "supervisor top: the entry of d, where nothing was due");
    expect_fails(PROPERTY,
                 THREE("one_for_one") ASK("d", "start") IGNORE("d") ASK("a", "start")
                     ADD("d", "permanent", "0"),
                 15, "supervisor top: the entry of d, where nothing was due");
}

Test(supervised, follows_children_without_ids_DYN_07_DYN_08_DYN_11)
{
    expect_holds(PROPERTY, DYNAMIC END("x", "3", "boom") RESTART("x") FAIL("x") RESTART("x") IGNORE(
                               "x") DROP("x") END("x", "2", "boom") RESTART("x") UP("x", "4"));
    expect_holds(
        PROPERTY,
        DYNAMIC TOLD STOPS("x", "3") STOPS("x", "2") EXIT(
            "3", "shutdown") "1s n1 #1 sup/child/stopped child=x sup=1 pid=3 reason=shutdown\n"
                             "1s n1 #1 sup/child/stopped child=x sup=1 pid=2 reason=noproc\n" EXIT(
                                 "1", "shutdown"));
    expect_fails(PROPERTY, DYNAMIC TOLD STOPS("x", "2") STOPS("x", "2"), 12,
                 "supervisor top: the stop of what does not run, that of x, where nothing was due");
}

Test(supervised, refuses_more_children_than_there_may_be_DYN_04)
{
#define FULL                                                                                       \
    "1s n1 #1 sup/supervisor/start sup=1 label=top parent=0 strategy=dynamic intensity=3 "         \
    "period_s=5 auto=never max=1\n" STANDS ASK("x", "start") UP("x", "2")                          \
        ADD("x", "temporary", "0")
    expect_holds(PROPERTY, FULL ASK("x", "start") END("x", "2", "boom") DROP("x") ASK("x", "start")
                               UP("x", "3"));
    expect_fails(PROPERTY, FULL ASK("x", "start") UP("x", "3"), 7,
                 "supervisor top: the start of x, where nothing was due");
}

Test(supervised, compares_with_the_record_of_processes)
{
    expect_fails(PROPERTY, THREE("one_for_one") LEARNS("a", "2", "boom"), 11,
                 "supervisor top: a is said to have ended with boom, but its process did not end");
    expect_fails(
        PROPERTY, THREE("one_for_one") EXIT("2", "normal") LEARNS("a", "2", "boom"), 12,
        "supervisor top: a is said to have ended with boom, but its process ended otherwise");
}

#define LATER "3s n1 #9 proc/process/exit pid=9 label=x reason=normal calm=1\n"

Test(supervised, notices_who_was_not_noticed)
{
    struct verdict verdict = feed(PROPERTY, THREE("one_for_one") EXIT("2", "boom") LATER);
    cr_assert(verdict.failed);
    cr_assert_str_eq(verdict.message, "supervisor top never noticed the end of a, 2000 ms before");
    expect_holds(PROPERTY, THREE("one_for_one") EXIT("2", "boom"));
    expect_holds(PROPERTY,
                 THREE("one_for_one") EXIT("2", "boom") "2s n1 world/node/kill name=n1\n" LATER);
    expect_holds(PROPERTY,
                 THREE("one_for_one") EXIT("2", "boom") "2s n1 world/node/pause name=n1\n" LATER);
    expect_holds(PROPERTY,
                 THREE("one_for_one") EXIT("2", "boom") "2s n1 world/node/start name=n1\n" LATER);
}

Test(supervised, notices_who_was_not_tried_again_RST_14)
{
    struct verdict verdict =
        feed(PROPERTY, THREE("one_for_one") END("a", "2", "boom") RESTART("a") FAIL("a") LATER);
    cr_assert(verdict.failed);
    cr_assert_str_eq(verdict.message, "supervisor top never tried to start a again");
}

/* ---- restart_intensity ---- */

#define AT(time) time " n1 #1 sup/child/restart child=a sup=1 restarts=1\n"

Test(restart_intensity, allows_as_many_as_are_allowed)
{
    expect_holds("restart_intensity", SUP("one_for_one", "never") AT("2s") AT("2s") AT("3s"));
    expect_holds("restart_intensity",
                 SUP("one_for_one", "never") AT("2s") AT("2s") AT("3s") AT("6700ms") AT("7s"));
}

Test(restart_intensity, refuses_one_more_INT_03)
{
    expect_fails("restart_intensity",
                 SUP("one_for_one", "never") AT("2s") AT("2s") AT("3s") AT("6s"), 4,
                 "4 restarts within 5 s, though 3 are allowed: a again");
}

Test(restart_intensity, begins_anew_with_each_supervisor_INT_13)
{
    expect_holds("restart_intensity", SUP("one_for_one", "never") AT("2s") AT("2s") AT("3s")
                                          SUP("one_for_one", "never") AT("4s"));
    expect_vacuous("restart_intensity", AT("2s"));
}

/* ---- stopped_in_time ---- */

#define STOP_AT(time, ns) time " n1 #1 sup/child/stop child=a sup=1 pid=2 shutdown_ns=" ns "\n"
#define KILL_AT(time)     time " n1 #1 sup/child/kill child=a sup=1 pid=2\n"
#define GONE_AT(time)     time " n1 #1 sup/child/stopped child=a sup=1 pid=2 reason=killed\n"

Test(stopped_in_time, holds_within_the_time_SHUT_03)
{
    expect_holds("stopped_in_time", STOP_AT("1s", "5000000000") GONE_AT("5s"));
    expect_holds("stopped_in_time", STOP_AT("1s", "5000000000") KILL_AT("6s") GONE_AT("6s"));
    expect_holds("stopped_in_time", STOP_AT("1s", "9223372036854775807") GONE_AT("99h"));
}

Test(stopped_in_time, refuses_impatience_and_too_much_patience)
{
    expect_fails("stopped_in_time", STOP_AT("1s", "5000000000") KILL_AT("4s"), 1,
                 "a was killed after 3000 ms, though it had 5000");
    expect_fails("stopped_in_time", STOP_AT("1s", "5000000000") KILL_AT("9s"), 1,
                 "a was killed only after 8000 ms, though it had 5000");
    expect_fails("stopped_in_time", STOP_AT("1s", "5000000000") GONE_AT("9s"), 1,
                 "a took 8000 ms to stop, though it had 5000");
}

Test(stopped_in_time, forgives_when_time_stood_still)
{
    expect_holds("stopped_in_time",
                 STOP_AT("1s", "5000000000") "2s n1 world/node/pause name=n1\n"
                                             "8s n1 world/node/resume name=n1\n" GONE_AT("9s"));
    expect_holds("stopped_in_time",
                 STOP_AT("1s", "5000000000") "2s n1 world/clock/step node=1 by=1\n" KILL_AT("9s")
                     GONE_AT("9s"));
}

/* ---- no_orphan ---- */

#define CHILD_UP         "1s n1 #1 sup/child/up child=a sup=1 pid=2\n"
#define SUP_DIES         "2s n1 #1 proc/process/exit pid=1 label=top reason=killed calm=0\n"
#define CHILD_DIES(time) time " n1 #2 proc/process/exit pid=2 label=a reason=killed calm=0\n"

Test(no_orphan, holds_when_children_go_with_their_supervisor)
{
    expect_holds("no_orphan", CHILD_UP SUP_DIES CHILD_DIES("3s"));
    expect_vacuous("no_orphan", CHILD_UP CHILD_DIES("2s") SUP_DIES);
}

Test(no_orphan, refuses_who_lives_on)
{
    expect_fails("no_orphan", CHILD_UP SUP_DIES CHILD_DIES("70s"), 2,
                 "a lived on for 68000 ms after its supervisor had ended");
    struct verdict verdict = feed("no_orphan", CHILD_UP SUP_DIES
                                  "70s n1 #3 proc/process/exit pid=3 label=x reason=x calm=0\n");
    cr_assert(verdict.failed);
}

Test(no_orphan, excuses_who_was_told_SHUT_11)
{
    expect_holds(
        "no_orphan", CHILD_UP SUP_DIES
        "2s n1 #2 proc/signal/exit to=2 from=1 link=1 effect=message reason=killed\n" CHILD_DIES(
            "70s"));
    expect_vacuous("no_orphan",
                   CHILD_UP SUP_DIES "3s n1 world/node/kill name=n1\n" CHILD_DIES("70s"));
}

#define BELOW                                                                                      \
    CHILD_UP "1s n1 #2 sup/supervisor/start sup=2 label=a parent=1\n"                              \
             "1s n1 #2 sup/child/up child=b sup=2 pid=3\n" SUP_DIES
#define SAID_TO(to, from)                                                                          \
    "2s n1 #" to " proc/signal/exit to=" to " from=" from " link=1 effect=message reason=killed\n"

Test(no_orphan, does_not_excuse_a_supervisor)
{
    expect_fails("no_orphan", BELOW SAID_TO("2", "1") CHILD_DIES("400s"), 5,
                 "a lived on for 398000 ms after its supervisor had ended");
    expect_holds(
        "no_orphan",
        BELOW SAID_TO(
            "2",
            "1") "3s n1 #2 sup/supervisor/stop sup=2 label=a reason=killed\n" CHILD_DIES("400s"));
}

Test(no_orphan, refuses_a_supervisor_that_goes_on)
{
    expect_fails(
        "no_orphan",
        BELOW
            SAID_TO("2", "1") "3s n1 #3 proc/process/exit pid=3 label=b reason=x calm=0\n" SAID_TO(
                "2", "3") "3s n1 #2 sup/child/end child=b sup=2 pid=3 reason=x calm=0\n",
        7, "the supervisor of b goes on, though its own has ended");
}
