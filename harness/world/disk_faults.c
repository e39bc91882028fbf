/* disk_faults.c: what may be wrong with a disk as a whole: full, slow, rotting, lying.
 *
 * Full and slow pass. A lie does not: once a disk has reported success for something it did not do, or a bit of it has
 * rotted, what it holds is worth nothing, and nobody can be blamed for it. So it is counted for ever, by the budget.
 */
#include "harness/world/disk_internal.h"
#include "harness/world/world_internal.h"

POINT_ABOUT("world/disk/lie", "From now on this disk does not deserve trust.");
POINT_ABOUT("world/disk/rot", "One bit of what is stored flipped.");

void disk_fill(struct disk *disk, bool full)
{
    disk->full = full;
}

bool disk_is_full(const struct disk *disk)
{
    return disk->full;
}

void disk_slow(struct disk *disk, int64_t ns)
{
    disk->slow_ns = ns;
}

int64_t disk_slowness(const struct disk *disk)
{
    return disk->slow_ns;
}

void disk_stall(struct disk *disk, int64_t ns)
{
    disk->stall_ns = ns;
}

/* ---- lies ---- */

bool disk_may_lie(const struct disk *disk)
{
    return disk->lied || disk->world->lying < disk->world->budget.disks_lying;
}

void disk_lies(struct disk *disk)
{
    if (disk->lied)
        return;
    disk->lied = true;
    disk->world->lying++;
    TRACE(world_site(disk->world), "world/disk/lie", T_STR("disk", disk->name));
}

bool disk_has_lied(const struct disk *disk)
{
    return disk->lied;
}

bool disk_deceive(struct disk *disk, bool on)
{
    if (on && !disk_may_lie(disk))
        return false;
    if (on)
        disk_lies(disk);
    disk->deceives = on;
    return true;
}

bool disk_deceives(const struct disk *disk)
{
    return disk->deceives;
}

/* ---- rot ---- */

uint64_t file_choose(struct disk *disk, struct node *node, struct file *file, const char *name,
                     uint64_t count)
{
    struct choice choice = {.stream = STREAM_DISK,
                            .name = name,
                            .node = node->id,
                            .key = file->key,
                            .ordinal = file->operations};
    return tape_choose(world_tape(disk->world), &choice, count);
}

static uint64_t rot_choose(const struct disk *disk, const char *name, uint64_t count)
{
    struct choice choice = {
        .stream = STREAM_DISK, .name = name, .key = disk->key, .ordinal = disk->rotted};
    return tape_choose(world_tape(disk->world), &choice, count);
}

static struct file *file_that_rots(const struct disk *disk)
{
    uint64_t count = 0;
    for (const struct file *file = disk->files; file; file = file->next)
        count += file->size > 0;
    uint64_t left = count ? rot_choose(disk, "disk/rot/file", count) : 0;
    for (struct file *file = disk->files; file; file = file->next)
        if (file->size > 0 && left-- == 0)
            return file;
    return NULL;
}

bool disk_rot(struct disk *disk)
{
    if (!disk_may_lie(disk))
        return false;
    disk->rotted++;
    struct file *file = file_that_rots(disk);
    if (!file)
        return false;
    uint64_t bit = rot_choose(disk, "disk/rot/bit", (uint64_t)file->size * 8);
    file->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    if (file->medium && bit / 8 < file->medium_size)
        file->medium[bit / 8] ^= (unsigned char)(1u << bit % 8);
    disk_lies(disk);
    TRACE(world_site(disk->world), "world/disk/rot", T_STR("disk", disk->name),
          T_STR("file", file->name), T_U64("bit", bit));
    return true;
}
