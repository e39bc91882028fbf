/* Trace properties made of pieces: each piece can hold, fail and be vacuous. And the properties made of them. */
#include "feed.h"
#include "properties/history_trace.h"
#include "properties/linear.h"
#include "properties/watch.h"

/* Never called: its call sites put the names into the registry. */
__attribute__((used)) static void points_register(struct point_site *at)
{
    TRACE(at, "watch/order/send", T_U64("order", 0));
    TRACE(at, "watch/order/reply", T_U64("order", 0));
    TRACE(at, "watch/cell/call", T_U64("cell", 0));
    TRACE(at, "watch/cell/done", T_U64("cell", 0));
}

#define NS_PER_S INT64_C(1000000000)
#define WATCHED(ident, on_, ...)                                                                   \
    TRACE_PROPERTY(ident, .name = #ident, .about = "for the tests", .kind = PROPERTY_ALWAYS,       \
                   .on = on_, __VA_ARGS__)

/* ---- unique, rising, never ---- */

static const struct property_on unique_on[] = {
    ON_UNIQUE("watch/order/send", .by = {"order"}),
    ON_UNIQUE("watch/order/reply", .field = "how", .is = "sent", .by = {"order"}),
    {0}};
WATCHED(watched_unique, unique_on, WATCH());
WATCHED(watched_unique_tolerant, unique_on, WATCH(.tolerated = KIND(DUPLICATED)));

Test(watch, unique_over_several_points_with_a_condition)
{
    expect_holds("watched_unique", "1s watch/order/send order=1\n"
                                   "2s watch/order/reply order=1 how=lost\n");
    expect_vacuous("watched_unique", "2s watch/order/reply order=1 how=lost\n");
    expect_fails("watched_unique",
                 "1s watch/order/send order=1\n2s watch/order/reply order=1 how=sent\n", 1,
                 "watch/order/reply order=1 again; the first was event 0");
    expect_holds("watched_unique_tolerant",
                 "1s watch/order/send order=1\n2s watch/order/send order=1\n");
}

/* What a policy tolerates is reported nevertheless. */
Test(watch, what_does_not_fail_is_noted)
{
    struct verdict verdict = feed("watched_unique_tolerant", "1s watch/order/send order=1\n"
                                                             "2s watch/order/send order=1\n"
                                                             "3s watch/order/send order=1\n");
    cr_assert(!verdict.failed && verdict.note_count == 1);
    cr_expect_str_eq(verdict.notes[0].what, "duplicated");
    cr_expect_eq(verdict.notes[0].times, 2);
    verdict = feed("watched_unique", "1s watch/order/send order=1\n");
    cr_expect_eq(verdict.note_count, 0);
}

Test(watch, an_event_without_the_field_fails)
{
    expect_fails("watched_unique", "1s watch/order/send box=1\n", 0,
                 "watch/order/send is without the field");
}

static const struct property_on rising_on[] = {
    ON_RISING("watch/order/send", .by = {"@node"}, .value = "order"), {0}};
WATCHED(watched_rising, rising_on, WATCH());

Test(watch, rising_by_node)
{
    expect_holds("watched_rising", "1s n1 watch/order/send order=5\n"
                                   "1s n2 watch/order/send order=3\n"
                                   "1s n1 watch/order/send order=5\n");
    expect_fails("watched_rising",
                 "1s n1 watch/order/send order=5\n1s n1 watch/order/send order=4\n", 1,
                 "watch/order/send node=1: 4 is not more than that of event 0");
    expect_vacuous("watched_rising", "");
}

static const struct property_on never_on[] = {
    ON_NEVER("watch/order/send", .field = "order", .is = "13", .by = {"order"}),
    ON_SEEN("watch/order/send"),
    {0}};
WATCHED(watched_never, never_on, WATCH());

Test(watch, never_when_a_condition_holds)
{
    expect_holds("watched_never", "1s watch/order/send order=12\n");
    expect_vacuous("watched_never", "1s watch/order/reply order=13\n");
    expect_fails("watched_never", "1s watch/order/send order=13\n", 0,
                 "watch/order/send order=13 must never happen");
}

/* ---- leads to ---- */

static const struct property_on answered_on[] = {
    ON_CAUSE("watch/order/send", .by = {"order"}, .scope = {"@node"}),
    ON_EFFECT("watch/order/reply", .by = {"order"}),
    ON_GONE_WITH_NODE,
    {0}};
WATCHED(watched_answered, answered_on, WATCH(.within_ns = 2 * NS_PER_S));

Test(watch, a_cause_leads_to_its_effect_in_time)
{
    expect_holds("watched_answered", "1s watch/order/send order=1\n3s watch/order/reply order=1\n");
    expect_vacuous("watched_answered", "1s watch/order/send order=1\n");
    expect_vacuous("watched_answered", "1s n1 watch/order/send order=1\n2s n1 world/node/kill\n"
                                       "9s watch/order/reply order=2\n");
    expect_fails("watched_answered", "1s watch/order/send order=1\n9s watch/order/reply order=1\n",
                 1, "watch/order/reply order=1 came 6s too late for event 0");
    expect_fails("watched_answered",
                 "0s watch/order/reply order=1\n1s watch/order/send order=1\n"
                 "9s watch/order/reply order=2\n",
                 1, "watch/order/send 1 led to nothing in 8s");
}

/* ---- depth ---- */

static const struct property_on depth_on[] = {
    ON_START("watch/order/send", .by = {"order"}, .group = {"@node"}, .scope = {"@node"}),
    ON_END("watch/order/reply", .by = {"order"}),
    ON_GONE_WITH_NODE,
    {0}};
WATCHED(watched_depth, depth_on, WATCH(.limit = 1));

Test(watch, a_limit_of_what_is_open_at_once)
{
    expect_holds("watched_depth", "1s n1 watch/order/send order=1\n2s n2 watch/order/send order=2\n"
                                  "3s watch/order/reply order=1\n4s n1 watch/order/send order=3\n");
    expect_holds("watched_depth", "1s n1 watch/order/send order=1\n2s n1 world/node/start\n"
                                  "3s n1 watch/order/send order=3\n");
    expect_vacuous("watched_depth", "3s watch/order/reply order=1\n");
    expect_fails("watched_depth",
                 "1s n1 watch/order/send order=1\n4s n1 watch/order/send order=3\n", 1,
                 "watch/order/send order=3 is one too many: 2 at once");
}

/* ---- reach ---- */

static const struct property_on reach_on[] = {
    ON_REACH("watch/order/send", .field = "order", .is = "7"), {0}};
TRACE_PROPERTY(watched_reach, .name = "seven", .about = "for the tests", .kind = PROPERTY_SOMETIMES,
               .on = reach_on, WATCH());

Test(watch, something_is_reached)
{
    expect_met("watched_reach", "1s watch/order/send order=7\n", true);
    expect_met("watched_reach", "1s watch/order/send order=8\n", false);
}

/* ---- histories ---- */

static void cells_linearizable(const struct history *history, struct findings *found)
{
    check_linearizable(history, &model_register, LINEAR_STATES_MAX, found);
}

#define CELL(kind) .f = kind, .by = {"@actor"}, .object = {"cell"}, .value = "v"
static const struct property_on cells_on[] = {
    ON_OP("watch/cell/call", .role = ROLE_INVOKE, .field = "op", .is = "write", CELL(OP_WRITE)),
    ON_OP("watch/cell/call", .role = ROLE_INVOKE, .field = "op", .is = "read", CELL(OP_READ)),
    ON_OP("watch/cell/done", .role = ROLE_OK, .field = "op", .is = "write", CELL(OP_WRITE)),
    ON_OP("watch/cell/done", .role = ROLE_OK, .field = "op", .is = "read", CELL(OP_READ)),
    {0}};
WATCHED(watched_cells, cells_on, HISTORY(.check = cells_linearizable, .failing = LINEARIZABLE));

#define WRITES                                                                                     \
    "1s #1 watch/cell/call cell=4 op=write v=1\n2s #1 watch/cell/done cell=4 op=write v=1\n"       \
    "3s #1 watch/cell/call cell=4 op=write v=2\n4s #2 watch/cell/call cell=4 op=read v=0\n"

Test(watch, a_trace_becomes_a_history)
{
    expect_vacuous("watched_cells", "1s #1 watch/cell/call cell=4 op=write v=1\n");
    expect_holds("watched_cells", WRITES "5s #2 watch/cell/done cell=4 op=read v=1\n");
    expect_holds("watched_cells", WRITES "5s #2 watch/cell/done cell=4 op=read v=2\n");
    expect_fails("watched_cells", WRITES "5s #2 watch/cell/done cell=4 op=read v=3\n", 4,
                 "1 not linearizable (4)");
    expect_fails("watched_cells", WRITES "5s #2 watch/cell/done cell=5 op=read\n", 4,
                 "1 not linearizable (4), 1 without the field (4)");
}

/* ---- one_process_per_queue ---- */

#define QUEUE "1s n1 #5 queue/process/start queue=mail limit=3\n"

Test(one_process_per_queue, allows_one_after_the_other_and_one_on_each_node)
{
    expect_holds("one_process_per_queue",
                 QUEUE "1s n2 #5 queue/process/start queue=mail\n"
                       "2s n1 #5 proc/process/exit pid=5 label=\"queue mail\"\n"
                       "2s n1 #6 queue/process/start queue=mail\n"
                       "2s n1 #7 queue/process/start queue=default\n");
    expect_holds("one_process_per_queue",
                 QUEUE "2s n1 world/node/kill\n3s n1 #5 queue/process/start queue=mail\n");
}

Test(one_process_per_queue, is_vacuous_without_queues)
{
    expect_vacuous("one_process_per_queue", "2s n1 #5 proc/process/exit pid=5\n");
}

Test(one_process_per_queue, refuses_a_second_one)
{
    expect_fails("one_process_per_queue",
                 QUEUE "2s n1 #9 proc/process/exit pid=9 label=\"job 4\"\n"
                       "3s n1 #6 queue/process/start queue=mail\n",
                 2, "queue/process/start node=1 actor=6 is one too many: 2 at once");
}

/* ---- one_job_per_insert ---- */

#define ASKED "1s n1 #3 client/insert/call key=1\n2s n1 #3 client/insert/unknown key=1\n"
#define AUDIT "9s world/phase/enter phase=audit\n"

Test(one_job_per_insert, allows_none_and_one)
{
    expect_holds("one_job_per_insert", ASKED AUDIT "9s audit/job/row job=11 key=1\n");
    expect_vacuous("one_job_per_insert", ASKED AUDIT);
    expect_vacuous("one_job_per_insert", "9s audit/job/row job=11 key=1\n"
                                         "9s audit/job/row job=12 key=1\n");
}

Test(one_job_per_insert, notes_what_it_leaves_to_others)
{
    struct verdict verdict =
        feed("one_job_per_insert", ASKED AUDIT "9s audit/job/row job=11 key=1\n");
    cr_assert_eq(verdict.note_count, 1);
    cr_expect_str_eq(verdict.notes[0].what, "recovered");
    cr_expect_eq(verdict.notes[0].times, 1);
}

Test(one_job_per_insert, refuses_two_jobs_of_which_nobody_was_told)
{
    expect_fails("one_job_per_insert",
                 ASKED AUDIT "9s audit/job/row job=11 key=1\n9s audit/job/row job=12 key=1\n", 4,
                 "1 duplicated (1); also 1 recovered (1)");
}
