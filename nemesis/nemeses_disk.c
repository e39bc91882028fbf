/* nemeses_disk.c: disks fill up, become slow, stall, lie about what they synced, and rot. Whether a disk may lie or rot
 * is the world's business (its budget): what it held is lost for good, whatever heals. */
#include "harness/world/disk.h"
#include "nemesis/nemeses_internal.h"

POINT_ABOUT("nemesis/disk/full", "From now on no file of this disk can grow.");
POINT_ABOUT("nemesis/disk/slow", "From now on each operation of this disk takes longer.");
POINT_ABOUT("nemesis/disk/stall", "The next operation of this disk takes long.");
POINT_ABOUT("nemesis/disk/lie", "From now on syncs of this disk make nothing durable.");
POINT_ABOUT("nemesis/disk/heal", "A disk that was full, slow or lying does its work again.");

struct disk_ailment {
    struct ailment base;
    struct disk *disk;
};

static bool has_room(const struct node *node)
{
    return node->disk && !disk_is_full(node->disk);
}

static bool is_quick(const struct node *node)
{
    return node->disk && disk_slowness(node->disk) == 0;
}

static bool is_honest(const struct node *node)
{
    return node->disk && !disk_deceives(node->disk);
}

static bool has_disk(const struct node *node)
{
    return node->disk != NULL;
}

static struct disk *pick_disk(struct nemesis *nemesis, bool (*fits)(const struct node *node))
{
    struct node *node = nemesis_pick_node(nemesis, fits);
    return node ? node->disk : NULL;
}

static void tell_heal(const struct disk_ailment *ailment, const char *was)
{
    TRACE(world_site(ailment->base.nemesis->world), "nemesis/disk/heal",
          T_STR("disk", disk_name(ailment->disk)), T_STR("was", was));
}

/* For how long. */
static int64_t disk_ails(struct nemesis *nemesis, struct disk *disk,
                         void (*cure)(struct ailment *ailment))
{
    int64_t lasts = nemesis_draw(nemesis, "lasts");
    struct disk_ailment *ailment = ailment_add(nemesis, sizeof *ailment, cure, lasts);
    ailment->disk = disk;
    return lasts;
}

static void full_cure(struct ailment *base)
{
    struct disk_ailment *ailment = (struct disk_ailment *)base;
    disk_fill(ailment->disk, false);
    tell_heal(ailment, "full");
}

enum strike strike_full_disk(struct nemesis *nemesis)
{
    struct disk *disk = pick_disk(nemesis, has_room);
    if (!disk)
        return STRIKE_NOBODY;
    disk_fill(disk, true);
    int64_t lasts = disk_ails(nemesis, disk, full_cure);
    TRACE(world_site(nemesis->world), "nemesis/disk/full", T_STR("disk", disk_name(disk)),
          T_I64("for_ns", lasts));
    return STRIKE_MADE;
}

static void slow_cure(struct ailment *base)
{
    struct disk_ailment *ailment = (struct disk_ailment *)base;
    disk_slow(ailment->disk, 0);
    tell_heal(ailment, "slow");
}

enum strike strike_slow_disk(struct nemesis *nemesis)
{
    struct disk *disk = pick_disk(nemesis, is_quick);
    if (!disk)
        return STRIKE_NOBODY;
    disk_slow(disk, nemesis_draw(nemesis, "amount"));
    int64_t lasts = disk_ails(nemesis, disk, slow_cure);
    TRACE(world_site(nemesis->world), "nemesis/disk/slow", T_STR("disk", disk_name(disk)),
          T_I64("by_ns", disk_slowness(disk)), T_I64("for_ns", lasts));
    return STRIKE_MADE;
}

enum strike strike_stall_disk(struct nemesis *nemesis)
{
    struct disk *disk = pick_disk(nemesis, has_disk);
    if (!disk)
        return STRIKE_NOBODY;
    int64_t by = nemesis_draw(nemesis, "amount");
    disk_stall(disk, by);
    TRACE(world_site(nemesis->world), "nemesis/disk/stall", T_STR("disk", disk_name(disk)),
          T_I64("by_ns", by));
    return STRIKE_MADE;
}

static void lying_cure(struct ailment *base)
{
    struct disk_ailment *ailment = (struct disk_ailment *)base;
    disk_deceive(ailment->disk, false);
    tell_heal(ailment, "lying");
}

enum strike strike_lying_disk(struct nemesis *nemesis)
{
    struct disk *disk = pick_disk(nemesis, is_honest);
    if (!disk)
        return STRIKE_NOBODY;
    if (!disk_deceive(disk, true))
        return STRIKE_REFUSED;
    int64_t lasts = disk_ails(nemesis, disk, lying_cure);
    TRACE(world_site(nemesis->world), "nemesis/disk/lie", T_STR("disk", disk_name(disk)),
          T_I64("for_ns", lasts));
    return STRIKE_MADE;
}

enum strike strike_rot(struct nemesis *nemesis)
{
    struct disk *disk = pick_disk(nemesis, has_disk);
    if (!disk)
        return STRIKE_NOBODY;
    return disk_rot(disk) ? STRIKE_MADE : STRIKE_REFUSED;
}
