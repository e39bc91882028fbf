/* The nemeses of clocks: what they do, what heals, and that no clock is further off than the budget allows. */
#include "nemesis/test/story.h"

static struct story clock_story(struct nemesis_spec *spec, int64_t skew_s)
{
    struct budget budget = {.nodes_down = 1, .clock_skew_ns = skew_s * SECOND, .clock_drift = 100};
    struct tape *tape = tape_new(1);
    tape_simplify(tape, STREAM_CLOCK, NULL); /* exact at first */
    struct story story = {.zoo = zoo_open_within(tape, budget)};
    struct scenario scenario = {.nemeses = spec, .nemesis_count = 1};
    story.engine = nemesis_engine.start(story.zoo.world, &scenario);
    return story;
}

/* Of all nodes, the furthest that a wall clock is off. */
static int64_t furthest(const struct story *story)
{
    struct zoo exact = zoo_open(tape_new(1));
    int64_t most = 0, zero = node_wall_ns(exact.nodes[0]) - world_now(exact.world);
    for (size_t i = 0; i < 3; i++) {
        int64_t off = node_wall_ns(story->zoo.nodes[i]) - world_now(story->zoo.world) - zero;
        most = llabs(off) > most ? llabs(off) : most;
    }
    zoo_close(&exact);
    return most;
}

Test(clocks, step_within_the_budget)
{
    struct nemesis_spec spec = {.kind = "step clock", .values = {fixed(1), fixed(7)}};
    struct story story = clock_story(&spec, 20);
    for (int i = 0; i < 100; i++) {
        zoo_run(&story.zoo, SECOND);
        cr_assert_leq(furthest(&story), 20 * SECOND);
    }
    cr_assert_gt(count_of(&story, "world/clock/step"), 90);
    story_close(&story);
}

/* A scenario that says nothing of clocks, or only what `spec` says. */
static struct story quiet_story(struct nemesis_spec *spec, int64_t skew_s, bool swarm)
{
    struct budget budget = {.nodes_down = 1, .clock_skew_ns = skew_s * SECOND};
    struct tape *tape = tape_new(1);
    struct story story = {.zoo = zoo_open_within(tape, budget)};
    struct scenario scenario = {
        .nemeses = spec, .nemesis_count = spec ? 1 : 0, .budget = budget, .swarm = {.on = swarm}};
    story.engine = nemesis_engine.start(story.zoo.world, &scenario);
    zoo_run(&story.zoo, 7200 * SECOND);
    return story;
}

Test(clocks, step_and_stop_where_nobody_says_anything)
{
    struct story story = quiet_story(NULL, 300, false);
    unsigned steps = count_of(&story, "world/clock/step"),
             stops = count_of(&story, "world/clock/stop");
    cr_expect(6 <= steps && steps <= 60, "%u in two hours", steps);
    cr_expect(4 <= stops && stops <= 24, "%u in two hours", stops);
    cr_expect_eq(count_of(&story, "nemesis/world/strike"), steps + stops);
    story_close(&story);
}

Test(clocks, step_as_often_as_the_scenario_says)
{
    struct nemesis_spec spec = {.kind = "step clock", .values = {fixed(3600), fixed(7)}};
    struct story story = quiet_story(&spec, 300, false);
    unsigned steps = count_of(&story, "world/clock/step");
    cr_expect(1 <= steps && steps <= 2, "%u", steps);
    cr_expect_gt(count_of(&story, "world/clock/stop"), 0);
    story_close(&story);
}

Test(clocks, are_left_to_a_swarm_and_to_a_budget_of_nothing)
{
    struct story story = quiet_story(NULL, 300, true);
    cr_expect_eq(count_of(&story, "nemesis/world/strike"), 0);
    story_close(&story);
    story = quiet_story(NULL, 0, false);
    cr_expect_eq(count_of(&story, "nemesis/world/strike"), 0);
    story_close(&story);
}

Test(clocks, do_not_step_without_a_budget)
{
    struct nemesis_spec spec = {.kind = "step clock", .values = {fixed(1), fixed(7)}};
    struct story story = clock_story(&spec, 0);
    zoo_run(&story.zoo, 30 * SECOND);
    cr_assert_eq(count_of(&story, "world/clock/step"), 0);
    cr_assert_eq(count_of(&story, "nemesis/world/strike"), 0);
    story_close(&story);
}

Test(clocks, strobe_until_they_are_cured)
{
    struct nemesis_spec spec = {.kind = "strobe clock",
                                .values = {fixed(100), fixed(10), fixed(5), fixed(1)}};
    struct story story = clock_story(&spec, 20);
    zoo_run(&story.zoo, 130 * SECOND);
    unsigned steps = count_of(&story, "world/clock/step");
    cr_assert(steps >= 10 && steps <= 11, "%u", steps);
    cr_assert_leq(furthest(&story), 5 * SECOND);
    story_close(&story);
}

Test(clocks, drift_and_recover)
{
    struct nemesis_spec spec = {.kind = "drift clock",
                                .values = {fixed(100), fixed(50), {100, 100}}};
    struct story story = clock_story(&spec, 20);
    zoo_run(&story.zoo, 120 * SECOND);
    int64_t ppm = 0;
    for (size_t i = 0; i < 3; i++)
        ppm += llabs(story.zoo.nodes[i]->clock.drift_ppm);
    cr_assert_eq(ppm, 10000, "1 %% of one of them");
    zoo_run(&story.zoo, 50 * SECOND);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(story.zoo.nodes[i]->clock.drift_ppm, 0);
    story_close(&story);
}

Test(clocks, stand_still_and_are_behind)
{
    struct nemesis_spec spec = {.kind = "stop clock", .values = {fixed(100), fixed(10)}};
    struct story story = clock_story(&spec, 20);
    zoo_run(&story.zoo, 150 * SECOND);
    cr_assert_eq(furthest(&story), 10 * SECOND);
    cr_assert_eq(count_of(&story, "world/clock/stop"), 1);
    cr_assert_eq(count_of(&story, "world/clock/go"), 1);
    story_close(&story);
}
