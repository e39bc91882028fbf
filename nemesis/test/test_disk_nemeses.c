/* The nemeses of disks: what they break, that it heals, and that lies need a budget. */
#include "harness/world/disk.h"
#include "nemesis/test/story.h"

struct disk_story {
    struct story story;
    struct disk *disk;
};

static struct disk_story disk_story_open(struct nemesis_spec *spec, unsigned disks_lying)
{
    struct scenario scenario = {.nemeses = spec, .nemesis_count = 1};
    struct zoo zoo =
        zoo_open_within(tape_new(1), (struct budget){.nodes_down = 1, .disks_lying = disks_lying});
    struct disk_story told = {.story = {.zoo = zoo}, .disk = disk_new(zoo.world, "disk")};
    told.story.zoo.nodes[1]->disk = told.disk;
    disk_write(told.disk, "file", "data", 4, 0);
    told.story.engine = nemesis_engine.start(zoo.world, &scenario);
    return told;
}

static void disk_story_close(struct disk_story *told)
{
    nemesis_engine.stop(told->story.engine);
    world_clear(told->story.zoo.world);
    disk_free(told->disk);
    zoo_close(&told->story.zoo);
}

Test(disks, fill_up_and_have_room_again)
{
    struct nemesis_spec spec = {.kind = "full disk", .values = {fixed(10), fixed(3)}};
    struct disk_story told = disk_story_open(&spec, 0);
    zoo_run(&told.story.zoo, 11 * SECOND);
    cr_assert(disk_is_full(told.disk));
    zoo_run(&told.story.zoo, 5 * SECOND);
    cr_assert_not(disk_is_full(told.disk));
    zoo_run(&told.story.zoo, 5 * SECOND);
    cr_assert(disk_is_full(told.disk));
    nemesis_engine.heal(told.story.engine);
    cr_assert_not(disk_is_full(told.disk));
    cr_assert_eq(count_of(&told.story, "nemesis/disk/full"), 2);
    cr_assert_eq(count_of(&told.story, "nemesis/disk/heal"), 2);
    disk_story_close(&told);
}

Test(disks, become_slow_and_quick_again)
{
    struct nemesis_spec spec = {.kind = "slow disk", .values = {fixed(10), fixed(3), {7, 7}}};
    struct disk_story told = disk_story_open(&spec, 0);
    zoo_run(&told.story.zoo, 11 * SECOND);
    cr_assert_eq(disk_slowness(told.disk), 7);
    zoo_run(&told.story.zoo, 3 * SECOND);
    cr_assert_eq(disk_slowness(told.disk), 0);
    disk_story_close(&told);
}

Test(disks, stall)
{
    struct nemesis_spec spec = {.kind = "stalled disk", .values = {fixed(10), fixed(3)}};
    struct disk_story told = disk_story_open(&spec, 0);
    zoo_run(&told.story.zoo, 11 * SECOND);
    cr_assert_eq(count_of(&told.story, "nemesis/disk/stall"), 1);
    disk_story_close(&told);
}

static void lies_within(const char *kind, unsigned disks_lying)
{
    struct nemesis_spec spec = {.kind = kind, .values = {fixed(10), fixed(3)}};
    struct disk_story told = disk_story_open(&spec, disks_lying);
    zoo_run(&told.story.zoo, 31 * SECOND);
    cr_assert_eq(disk_has_lied(told.disk), disks_lying > 0, "%s", kind);
    cr_assert_eq(count_of(&told.story, "nemesis/world/strike"), disks_lying ? 3 : 0, "%s", kind);
    disk_story_close(&told);
}

Test(disks, lie_and_rot_within_the_budget)
{
    lies_within("lying disk", 1);
    lies_within("bit rot", 1);
    lies_within("lying disk", 0);
    lies_within("bit rot", 0);
}

Test(disks, there_may_be_none)
{
    struct nemesis_spec spec = {.kind = "full disk", .values = {fixed(10), fixed(3)}};
    struct scenario scenario = {.nemeses = &spec, .nemesis_count = 1};
    struct story story = story_open(tape_new(1), &scenario);
    zoo_run(&story.zoo, 31 * SECOND);
    cr_assert_eq(count_of(&story, "nemesis/world/strike"), 0);
    story_close(&story);
}
