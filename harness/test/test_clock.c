/* The clocks of nodes: where they begin, how they drift, and what steps and stops do to them. */
#include "disk_rig.h"

static struct rig rig_with(int64_t skew_ns, int64_t drift)
{
    struct rig rig;
    memset(&rig, 0, sizeof rig);
    rig_init_budget(
        &rig, 7, (struct budget){.nodes_down = 1, .clock_skew_ns = skew_ns, .clock_drift = drift});
    return rig;
}

static void nothing(void *arg)
{
    (void)arg;
}

static void pass(struct rig *rig, int64_t ns)
{
    world_at(rig->world, NULL, world_now(rig->world) + ns, nothing, NULL);
    world_step(rig->world, INT64_MAX);
}

static int64_t ahead(const struct rig *rig)
{
    return node_wall_ns(rig->node) - node_wall_ns(rig->other);
}

Test(clock, is_exact_without_a_budget)
{
    struct rig rig = rig_with(0, 0);
    int64_t wall = node_wall_ns(rig.node);
    cr_assert_eq(node_mono_ns(rig.node), world_now(rig.world));
    pass(&rig, 90 * SECOND);
    cr_assert_eq(node_wall_ns(rig.node) - wall, 90 * SECOND);
    cr_assert_eq(ahead(&rig), 0);
    cr_assert_not(node_clock_step(rig.node, 1), "the budget is 0");
    rig_done(&rig);
}

Test(clock, is_off_and_drifts_within_the_budget)
{
    bool fast = false, slow = false;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct rig rig;
        memset(&rig, 0, sizeof rig);
        rig_init_budget(&rig, seed,
                        (struct budget){.clock_skew_ns = 300 * SECOND, .clock_drift = 5});
        int64_t ppm = rig.node->clock.drift_ppm, mono = node_mono_ns(rig.node);
        cr_assert_leq(llabs(rig.node->clock.wall_ahead_ns), 300 * SECOND);
        cr_assert_leq(llabs(ppm), 500);
        pass(&rig, 1000 * SECOND);
        cr_assert_eq(node_mono_ns(rig.node) - mono, 1000 * SECOND + 1000 * SECOND / 1000000 * ppm);
        fast |= ppm > 0;
        slow |= ppm < 0;
        rig_done(&rig);
    }
    cr_assert(fast && slow);
}

Test(clock, a_simple_tape_makes_it_exact)
{
    struct rig rig;
    memset(&rig, 0, sizeof rig);
    rig.tape = tape_new(3);
    tape_simplify(rig.tape, STREAM_CLOCK, NULL);
    rig.trace = trace_new();
    rig.world = world_new(rig.tape, rig.trace,
                          (struct budget){.clock_skew_ns = 300 * SECOND, .clock_drift = 5});
    struct node *node = world_node_add(rig.world, "n1", &rig_ops, &rig);
    cr_assert_eq(node->clock.wall_ahead_ns, 0);
    cr_assert_eq(node->clock.drift_ppm, 0);
    world_free(rig.world);
    trace_free(rig.trace);
    tape_free(rig.tape);
}

Test(clock, steps_move_the_wall_clock_alone)
{
    struct rig rig = rig_with(0, 0);
    int64_t mono = node_mono_ns(rig.node);
    rig_done(&rig);
    rig = rig_with(60 * SECOND, 0);
    rig.node->clock.wall_ahead_ns = rig.other->clock.wall_ahead_ns = 0;
    cr_assert(node_clock_step(rig.node, 50 * SECOND));
    cr_assert_eq(ahead(&rig), 50 * SECOND);
    cr_assert_not(node_clock_step(rig.node, 11 * SECOND), "the budget is a minute");
    cr_assert(node_clock_step(rig.node, -100 * SECOND));
    cr_assert_eq(ahead(&rig), -50 * SECOND);
    cr_assert_eq(node_mono_ns(rig.node), mono);
    rig_done(&rig);
}

Test(clock, stands_still_and_stays_behind)
{
    struct rig rig = rig_with(60 * SECOND, 0);
    rig.node->clock.wall_ahead_ns = rig.other->clock.wall_ahead_ns = 0;
    cr_assert_not(node_clock_stop(rig.node, 61 * SECOND));
    cr_assert(node_clock_stop(rig.node, 20 * SECOND));
    cr_assert_not(node_clock_stop(rig.node, SECOND), "it does already");
    int64_t wall = node_wall_ns(rig.node), mono = node_mono_ns(rig.node);
    pass(&rig, 20 * SECOND);
    cr_assert_eq(node_wall_ns(rig.node), wall);
    cr_assert_eq(node_mono_ns(rig.node), mono + 20 * SECOND);
    node_clock_go(rig.node);
    pass(&rig, SECOND);
    cr_assert_eq(node_wall_ns(rig.node), wall + SECOND);
    rig_done(&rig);
}

Test(clock, a_change_of_the_drift_moves_no_clock_and_mono_never_goes_back)
{
    struct rig rig = rig_with(60 * SECOND, 1000);
    int64_t before = 0;
    for (int i = 0; i < 200; i++) {
        int64_t wall = node_wall_ns(rig.node), mono = node_mono_ns(rig.node);
        node_clock_drift(rig.node, (i % 3 - 1) * 100000);
        cr_assert_eq(node_wall_ns(rig.node), wall);
        cr_assert_eq(node_mono_ns(rig.node), mono);
        pass(&rig, 1 + i * 37);
        cr_assert_geq(node_mono_ns(rig.node), before);
        before = node_mono_ns(rig.node);
    }
    node_clock_drift(rig.node, 5000000);
    cr_assert_eq(rig.node->clock.drift_ppm, 100000, "the budget is 10 %%");
    rig_done(&rig);
}

Test(clock, when_is_the_first_moment_that_shows_it)
{
    static const int64_t drifts[] = {0, 1, -1, 500, -500, 99999, -99999};
    struct rig rig = rig_with(0, 1000);
    for (size_t i = 0; i < sizeof drifts / sizeof drifts[0]; i++) {
        node_clock_drift(rig.node, drifts[i]);
        for (int64_t wait = 1; wait < 3600 * SECOND; wait = wait * 3 + 1) {
            int64_t mono = node_mono_ns(rig.node) + wait;
            int64_t when = node_when_ns(rig.node, mono);
            struct clock clock = rig.node->clock;
            pass(&rig, when - world_now(rig.world) - 1);
            cr_assert_lt(node_mono_ns(rig.node), mono);
            pass(&rig, 1);
            cr_assert_geq(node_mono_ns(rig.node), mono);
            cr_assert_eq(clock.since_ns, rig.node->clock.since_ns);
        }
    }
    cr_assert_eq(node_when_ns(rig.node, 5), world_now(rig.world), "in the past: now");
    rig_done(&rig);
}
