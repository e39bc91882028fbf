/* Schedules: which of several ready processes goes first, and that the tape decides it. */
#include "harness/world/schedule.h"

#include <criterion/criterion.h>
#include <string.h>

enum { TURNS = 400, READY = 4 };

static const uint64_t ready[READY] = {11, 12, 13, 14};

struct rig {
    struct tape *tape;
    struct trace *trace;
    struct world *world;
    struct node *node;
};

static void nothing(struct node *node, void *ctx)
{
    (void)node, (void)ctx;
}

static const struct node_ops ops = {.start = nothing, .stop = nothing, .dead = nothing};

static struct rig rig_of(struct tape *tape, enum schedule schedule)
{
    registry_init();
    struct rig rig = {.tape = tape, .trace = trace_new()};
    rig.world = world_new(tape, rig.trace, (struct budget){0});
    world_schedule(rig.world, schedule);
    rig.node = world_node_add(rig.world, "n1", &ops, NULL);
    node_boot(rig.node);
    return rig;
}

static void rig_done(struct rig *rig)
{
    world_free(rig->world);
    trace_free(rig->trace);
    tape_free(rig->tape);
}

/* Asks so many times for one of the same four. */
static void ask(struct rig *rig, size_t picks[static TURNS])
{
    for (int i = 0; i < TURNS; i++) {
        picks[i] = world_pick(rig->world, rig->node, ready, READY);
        cr_assert_lt(picks[i], (size_t)READY);
    }
}

static int count_switches(const size_t picks[static TURNS])
{
    int switches = 0;
    for (int i = 0; i < TURNS; i++)
        switches += picks[i] != 0;
    return switches;
}

Test(schedule, fifo_takes_the_longest_waiting)
{
    size_t picks[TURNS];
    struct rig rig = rig_of(tape_new(1), SCHEDULE_FIFO);
    ask(&rig, picks);
    cr_expect_eq(count_switches(picks), 0);
    rig_done(&rig);
}

Test(schedule, random_takes_any_now_and_then_and_the_same_again)
{
    size_t picks[TURNS], again[TURNS], seen[READY] = {0};
    struct rig rig = rig_of(tape_new(1), SCHEDULE_RANDOM),
               same = rig_of(tape_new(1), SCHEDULE_RANDOM);
    ask(&rig, picks);
    ask(&same, again);
    for (int i = 0; i < TURNS; i++) {
        cr_expect_eq(picks[i], again[i]);
        seen[picks[i]]++;
    }
    for (int i = 0; i < READY; i++)
        cr_expect_gt(seen[i], 0u);
    int switches = count_switches(picks);
    cr_expect(switches > TURNS / 10 && switches < TURNS / 3, "%d", switches);
    rig_done(&rig);
    rig_done(&same);
}

Test(schedule, pct_keeps_to_one_until_its_priority_drops)
{
    size_t picks[TURNS], changes = 0;
    struct rig rig = rig_of(tape_new(3), SCHEDULE_PCT);
    ask(&rig, picks);
    for (int i = 1; i < TURNS; i++)
        changes += picks[i] != picks[i - 1];
    /* Nobody runs more than 64 turns while others are ready; a few more drops may fall among the turns. */
    cr_expect(changes >= 3 && changes <= 10, "%zu", changes);
    rig_done(&rig);
}

Test(schedule, pct_gives_other_orders_for_other_seeds)
{
    size_t firsts[READY] = {0};
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct rig rig = rig_of(tape_new(seed), SCHEDULE_PCT);
        firsts[world_pick(rig.world, rig.node, ready, READY)]++;
        rig_done(&rig);
    }
    for (int i = 0; i < READY; i++)
        cr_expect_gt(firsts[i], 2u);
}

Test(schedule, each_switch_can_be_taken_back_or_dictated)
{
    struct tape *tape = tape_new(1);
    struct choice turn = {.stream = STREAM_SCHEDULE,
                          .name = "schedule/process/pick",
                          .node = 1,
                          .key = 1,
                          .ordinal = 7};
    size_t picks[TURNS];
    tape_simplify(tape, STREAM_SCHEDULE, "schedule/process/pick");
    tape_edit_choice(tape, &turn, 3);
    struct rig rig = rig_of(tape, SCHEDULE_RANDOM);
    ask(&rig, picks);
    cr_expect_eq(count_switches(picks), 1);
    cr_expect_eq(picks[6], 3u);
    rig_done(&rig);
}

Test(schedule, any_is_fifo_half_of_the_time_and_says_what_it_is)
{
    int other = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct rig rig = rig_of(tape_new(seed), SCHEDULE_ANY);
        struct trace_cursor cursor = {0};
        struct event event;
        while (trace_next(rig.trace, &cursor, &event))
            other += strcmp(event.point->name, "world/schedule/choose") == 0;
        rig_done(&rig);
    }
    cr_expect(other > 70 && other < 130, "%d", other);
}
