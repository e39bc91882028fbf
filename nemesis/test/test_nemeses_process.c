/* The nemeses of processes that are more than one death: actors, disks, rolling restarts, crash loops. */
#include "nemesis/test/story.h"

#include "harness/world/disk.h"

/* A system with three actors, of which killed ones do not come back. */
struct crew {
    bool dead[4];
};

static uint64_t crew_next(const struct node *node, uint64_t after)
{
    const struct crew *crew = node->ctx;
    for (uint64_t actor = after + 1; actor < 4; actor++)
        if (!crew->dead[actor])
            return actor;
    return 0;
}

static void crew_crash(struct node *node, uint64_t actor)
{
    struct crew *crew = node->ctx;
    cr_assert(!crew->dead[actor]);
    cr_assert_eq(world_current(node->world), node);
    crew->dead[actor] = true;
}

Test(actors, are_killed_one_by_one)
{
    struct node_ops ops = zoo_ops;
    struct crew crew = {{0}};
    struct nemesis_spec spec = {.kind = "crash actor", .values = {fixed(10)}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(1), &scenario);
    ops.next_actor = crew_next;
    ops.crash_actor = crew_crash;
    struct node *node = world_node_add(story.zoo.world, "crew", &ops, &crew);
    zoo_run(&story.zoo, 15 * SECOND);
    cr_expect_eq(count_of(&story, "world/actor/crash"), 0, "the node is down");
    node_boot(node);
    zoo_run(&story.zoo, 20 * SECOND);
    cr_expect_eq(count_of(&story, "world/actor/crash"), 2);
    zoo_run(&story.zoo, 100 * SECOND);
    cr_expect_eq(count_of(&story, "world/actor/crash"), 3, "nobody is left");
    cr_expect(crew.dead[1] && crew.dead[2] && crew.dead[3]);
    story_close(&story);
}

Test(disks, are_wiped_within_the_budget_and_only_where_allowed)
{
    struct nemesis_spec spec = {.kind = "wipe node", .values = {fixed(10), fixed(1)}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = {
        .zoo = zoo_open_within(tape_new(1), (struct budget){.nodes_down = 1, .disks_wiped = 2})};
    story.engine = nemesis_engine.start(story.zoo.world, &scenario);
    struct disk *disk = disk_new(story.zoo.world, "disk");
    disk_write(disk, "a", "x", 1, 0);
    disk_sync(disk, "a");
    story.zoo.nodes[1]->disk = disk;
    zoo_run(&story.zoo, 15 * SECOND);
    cr_expect_eq(count_of(&story, "world/disk/wipe"), 0);
    story.zoo.nodes[1]->wipeable = true;
    zoo_run(&story.zoo, 10 * SECOND);
    cr_expect_eq(count_of(&story, "world/disk/wipe"), 1);
    cr_expect_lt(disk_size(disk, "a"), 0);
    zoo_run(&story.zoo, 100 * SECOND);
    cr_expect_eq(count_of(&story, "world/disk/wipe"), 2, "the budget is for the whole run");
    cr_expect_eq(story.zoo.nodes[1]->boots, 3);
    story_close(&story);
    disk_free(disk);
}

Test(rounds, a_rolling_restart_takes_one_node_after_the_other)
{
    struct nemesis_spec spec = {.kind = "rolling restart",
                                .values = {fixed(100), fixed(5), fixed(10)}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(1), &scenario);
    char times[64];
    zoo_run(&story.zoo, 160 * SECOND);
    cr_expect_str_eq(times_of(&story, "world/node/stop", times, sizeof times), " 100 115 130");
    cr_expect_str_eq(times_of(&story, "world/node/start", times, sizeof times),
                     " 0 0 0 105 120 135");
    cr_expect_eq(count_of(&story, "world/node/kill"), 0);
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(story.zoo.nodes[i]->boots, 2);
    story_close(&story);
}

Test(rounds, a_crash_loop_kills_one_node_again_and_again)
{
    struct nemesis_spec spec = {.kind = "crash loop",
                                .values = {fixed(100), fixed(5), fixed(2), {4, 4}}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(1), &scenario);
    char times[64];
    zoo_run(&story.zoo, 190 * SECOND);
    cr_expect_str_eq(times_of(&story, "world/node/kill", times, sizeof times), " 100 107 114 121");
    cr_expect_str_eq(times_of(&story, "world/node/start", times, sizeof times),
                     " 0 0 0 105 112 119 126");
    story_close(&story);
}

Test(rounds, end_with_the_safety_phase)
{
    struct nemesis_spec specs[] = {
        {.kind = "crash loop", .values = {fixed(10), fixed(5), fixed(2), {1000, 1000}}},
        {.kind = "rolling restart", .values = {fixed(7), fixed(5), fixed(1)}}};
    struct scenario scenario = {.nemeses = specs, .nemesis_count = 2};
    struct story story = story_open(tape_new(1), &scenario);
    zoo_run(&story.zoo, 61 * SECOND);
    nemesis_engine.heal(story.engine);
    world_heal(story.zoo.world);
    unsigned boots = count_of(&story, "world/node/start");
    zoo_run(&story.zoo, 500 * SECOND);
    cr_expect_eq(count_of(&story, "world/node/start"), boots);
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(story.zoo.nodes[i]->state, NODE_UP);
    story_close(&story);
}
