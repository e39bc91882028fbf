/* disk.c: files, what of them is durable, and what a power loss does to the rest.
 *
 * A file is one buffer, as reads see it, and the list of the changes (writes, truncations) since its last sync. Each
 * change carries the bytes it replaced, so a sync is cheap: it empties the list, result (4). When the power fails, the
 * changes are undone from the newest to the oldest, which leaves what was durable; then each of them, from the oldest to
 * the newest, has one of these outcomes, by a choice of the tape:
 *
 *   (0) dropped: it never reached the medium
 *   (1) kept:    it did, though nobody had asked for it
 *   (2) torn:    of each 512-byte sector it touches, the part in it was dropped or kept, by a choice per sector;
 *                a truncation is one change of an inode and is not torn
 *
 * Each change is judged by itself: a later one may be kept and an earlier one dropped. A kept write behind the end of the
 * file leaves zeros before it. What else can become of a change:
 *
 *   (3) a process dies, the power stays: the page cache has it, nothing is lost
 *   (4) a sync makes it durable: no power loss can take it any more
 *   (5) too much is not durable: the kernel writes it back by itself, which is as good as a sync, but nobody is told
 *   (6) its file is deleted: it is forgotten. Creating and deleting are durable at once
 *   (7) a sync of it failed: it waits for the next one; or the kernel counts it as clean from then on: reads go on to
 *       see it, no later sync makes it durable, and the next power loss takes it. What is durable is then kept apart
 *       (`medium`), until every byte of it was written and synced again
 *
 * Never lost or changed: anything durable, and any sector that no pending change touches.
 */
#include "harness/world/disk.h"
#include "harness/world/disk_internal.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

POINT_ABOUT("world/disk/loss", "The power failed; what was not synced was dropped, kept or torn.");

/* Bytes of one file that may wait for a sync; a kernel flushes far less than it could hold, too. */
#define DIRTY_MAX (8u << 20)

enum outcome { DROPPED, KEPT, TORN, OUTCOME_COUNT };

void *disk_alloc(size_t size)
{
    void *data = calloc(1, size);
    if (!data)
        abort();
    return data;
}

/* Bytes of files and logs soon are many: they do not start from little. */
enum { ITEMS_MIN = 16, BYTES_MIN = 64 * 1024 };

void *disk_grow(void *data, size_t *capacity, size_t need, size_t item_size)
{
    if (need <= *capacity)
        return data;
    size_t room = *capacity ? *capacity : item_size == 1 ? BYTES_MIN : ITEMS_MIN;
    while (room < need)
        room *= 2;
    data = realloc(data, room * item_size);
    if (!data)
        abort();
    *capacity = room;
    return data;
}

/* ---- files ---- */

static uint64_t text_key(const char *text)
{
    return fields_key(&T_STR("text", text), 1);
}

struct file *file_new(struct disk *disk, const char *name)
{
    struct file *file = disk_alloc(sizeof *file);
    file->name = strdup(name);
    file->key = text_key(name) ^ disk->key;
    file->exists = true;
    return file;
}

void file_free(struct file *file)
{
    free(file->name);
    free(file->bytes);
    free(file->changes);
    free(file->log);
    free(file->medium);
    free(file);
}

static struct file **file_slot(struct disk *disk, const char *name)
{
    struct file **slot = &disk->files;
    while (*slot && strcmp((*slot)->name, name) != 0)
        slot = &(*slot)->next;
    return slot;
}

struct file *file_find(struct disk *disk, const char *name)
{
    struct file *file = *file_slot(disk, name);
    return file && file->exists ? file : NULL;
}

struct file *file_create(struct disk *disk, const char *name)
{
    struct file **slot = file_slot(disk, name);
    if (!*slot)
        *slot = file_new(disk, name);
    (*slot)->exists = true;
    return *slot;
}

size_t file_read(const struct file *file, void *data, size_t size, size_t offset)
{
    if (offset >= file->size)
        return 0;
    if (size > file->size - offset)
        size = file->size - offset;
    memcpy(data, file->bytes + offset, size);
    return size;
}

static void file_reserve(struct file *file, size_t size)
{
    file->bytes = disk_grow(file->bytes, &file->capacity, size, 1);
}

static void file_resize(struct file *file, size_t size)
{
    file_reserve(file, size);
    if (size > file->size)
        memset(file->bytes + file->size, 0, size - file->size);
    file->size = size;
}

static void file_put(struct file *file, const void *data, size_t size, size_t offset)
{
    if (size == 0)
        return;
    if (offset > file->size)
        file_resize(file, offset); /* a hole */
    file_reserve(file, offset + size);
    memcpy(file->bytes + offset, data, size);
    if (offset + size > file->size)
        file->size = offset + size;
}

/* Notes a change that is about to be made to `size` bytes at `offset`. Of those behind the end of
 * the file there is nothing to keep, but undoing it needs room for what was written there. */
static void change_note(struct file *file, struct change change)
{
    if (file->log_size + change.size > DIRTY_MAX)
        file_sync(file); /* (5) */
    file->changes = disk_grow(file->changes, &file->change_capacity, file->change_count + 1,
                              sizeof *file->changes);
    file->log = disk_grow(file->log, &file->log_capacity, file->log_size + change.size + 1, 1);
    change.number = ++file->numbered;
    change.log_at = file->log_size;
    file_read(file, file->log + change.log_at, change.size, change.offset);
    file->log_size += change.size;
    file->changes[file->change_count++] = change;
}

void file_write(struct file *file, const void *data, size_t size, size_t offset)
{
    struct change change = {
        .kind = CHANGE_WRITE, .offset = offset, .size = size, .old_size = file->size};
    if (size == 0)
        return;
    change_note(file, change);
    file_put(file, data, size, offset);
}

void file_truncate(struct file *file, size_t size)
{
    struct change change = {.kind = CHANGE_TRUNCATE, .offset = size, .old_size = file->size};
    if (size == file->size)
        return;
    change.size = change.old_size > size ? change.old_size - size : 0;
    change_note(file, change);
    file_resize(file, size);
}

static void file_clean(struct file *file)
{
    file->change_count = 0;
    file->log_size = 0;
}

/* ---- a medium that lags behind (7) ---- */

static void medium_resize(struct file *file, size_t size)
{
    file->medium = disk_grow(file->medium, &file->medium_capacity, size + 1, 1);
    if (size > file->medium_size)
        memset(file->medium + file->medium_size, 0, size - file->medium_size);
    file->medium_size = size;
}

static void medium_free(struct file *file)
{
    free(file->medium);
    file->medium = NULL;
    file->medium_size = file->medium_capacity = 0;
}

/* What was written and is now durable, as it is by now; the size of a file is always durable. */
static void medium_sync(struct file *file)
{
    for (size_t i = 0; i < file->change_count; i++) {
        const struct change *change = &file->changes[i];
        if (change->kind == CHANGE_TRUNCATE) {
            medium_resize(file, change->offset);
            continue;
        }
        size_t end = change->offset + change->size;
        if (end > file->medium_size)
            medium_resize(file, end);
        if (end > file->size)
            end = file->size;
        if (end > change->offset)
            memcpy(file->medium + change->offset, file->bytes + change->offset,
                   end - change->offset);
    }
    medium_resize(file, file->size);
    if (memcmp(file->medium, file->bytes, file->size) == 0)
        medium_free(file);
}

void file_sync(struct file *file)
{
    if (file->medium)
        medium_sync(file);
    file_clean(file); /* (4) */
}

void file_delete(struct file *file)
{
    file_resize(file, 0);
    medium_free(file);
    file_clean(file); /* (6) */
    file->exists = false;
}

/* ---- power loss ---- */

static void bytes_swap(unsigned char *a, unsigned char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = a[i];
        a[i] = b[i];
        b[i] = byte;
    }
}

/* The newest change is taken back. The bytes a write had written change places with those it had
 * replaced, so that it can be made again. */
static void change_undo(struct file *file, struct change *change)
{
    unsigned char *log = file->log + change->log_at;
    if (change->kind == CHANGE_WRITE)
        bytes_swap(file->bytes + change->offset, log, change->size);
    else
        file_put(file, log, change->size, change->offset);
    file->size = change->old_size;
}

static void changes_undo(struct file *file)
{
    for (size_t i = file->change_count; i-- > 0;)
        change_undo(file, &file->changes[i]);
}

/* After changes_undo(): the log of a write holds what it had written. */
static void change_redo(struct file *file, const struct change *change)
{
    if (change->kind == CHANGE_WRITE)
        file_put(file, file->log + change->log_at, change->size, change->offset);
    else
        file_resize(file, change->offset);
}

void file_forsake(struct file *file)
{
    if (!file->medium) {
        changes_undo(file);
        medium_resize(file, file->size);
        if (file->size)
            memcpy(file->medium, file->bytes, file->size);
        for (size_t i = 0; i < file->change_count; i++)
            change_redo(file, &file->changes[i]);
    }
    medium_resize(file, file->size);
    file_clean(file);
}

static void write_tear(struct tape *tape, struct file *file, const struct change *change,
                       struct choice choice)
{
    choice.name = "disk/sector/loss";
    choice.key += change->number;
    choice.ordinal = 0;
    size_t end = change->offset + change->size;
    for (size_t at = change->offset, next; at < end; at = next) {
        next = (at / SECTOR + 1) * SECTOR;
        if (next > end)
            next = end;
        choice.ordinal++;
        if (tape_choose(tape, &choice, 2))
            file_put(file, file->log + change->log_at + (at - change->offset), next - at, at);
    }
}

static enum outcome change_judge(struct tape *tape, struct file *file, const struct change *change,
                                 uint32_t node)
{
    struct choice choice = {.stream = STREAM_DISK,
                            .name = "disk/write/loss",
                            .node = node,
                            .key = file->key,
                            .ordinal = change->number};
    bool is_write = change->kind == CHANGE_WRITE;
    enum outcome outcome =
        (enum outcome)tape_choose(tape, &choice, is_write ? OUTCOME_COUNT : TORN);
    switch (outcome) {
    case KEPT: change_redo(file, change); break; /* (1) */
    case TORN: /* (2) */ write_tear(tape, file, change, choice); break;
    default: break; /* (0) */
    }
    return outcome;
}

static void file_power_loss(struct tape *tape, struct file *file, uint32_t node,
                            uint64_t counts[OUTCOME_COUNT])
{
    changes_undo(file);
    if (file->medium) { /* (7) */
        file_resize(file, file->medium_size);
        memcpy(file->bytes, file->medium, file->medium_size);
        medium_free(file);
    }
    for (size_t i = 0; i < file->change_count; i++)
        counts[change_judge(tape, file, &file->changes[i], node)]++;
    file_clean(file);
}

void disk_power_loss(struct disk *disk, struct node *node)
{
    uint64_t counts[OUTCOME_COUNT] = {0};
    for (struct handle *handle = disk->handles; handle; handle = handle->next)
        handle_detach(handle);
    for (struct file *file = disk->files; file; file = file->next) {
        file_power_loss(world_tape(disk->world), file, node->id, counts);
        if (file->shm)
            file->shm->file = NULL;
        file->shm = NULL;
    }
    TRACE(&node->site, "world/disk/loss", T_STR("disk", disk->name),
          T_U64("dropped", counts[DROPPED]), T_U64("kept", counts[KEPT]),
          T_U64("torn", counts[TORN]));
}

void disk_release(struct disk *disk)
{
    for (struct handle *handle = disk->handles; handle; handle = handle->next)
        if (handle->vfs->node->state == NODE_DOWN)
            handle_detach(handle); /* (3) */
}

/* ---- disks, and plain access ---- */

struct disk *disk_new(struct world *world, const char *name)
{
    struct disk *disk = disk_alloc(sizeof *disk);
    disk->world = world;
    disk->name = strdup(name);
    disk->key = text_key(name);
    return disk;
}

void disk_free(struct disk *disk)
{
    for (struct vfs *next, *vfs = disk->vfses; vfs; vfs = next) {
        next = vfs->next;
        vfs_free(vfs);
    }
    for (struct file *next, *file = disk->files; file; file = next) {
        next = file->next;
        file_free(file);
    }
    free(disk->name);
    free(disk);
}

const char *disk_name(const struct disk *disk)
{
    return disk->name;
}

int disk_read(struct disk *disk, const char *name, void *data, size_t size, uint64_t offset)
{
    struct file *file = file_find(disk, name);
    return file ? (int)file_read(file, data, size, offset) : -ENOENT;
}

int disk_write(struct disk *disk, const char *name, const void *data, size_t size, uint64_t offset)
{
    file_write(file_create(disk, name), data, size, offset);
    return 0;
}

int disk_truncate(struct disk *disk, const char *name, uint64_t size)
{
    struct file *file = file_find(disk, name);
    if (!file)
        return -ENOENT;
    file_truncate(file, size);
    return 0;
}

int disk_sync(struct disk *disk, const char *name)
{
    struct file *file = file_find(disk, name);
    if (!file)
        return -ENOENT;
    file_sync(file);
    return 0;
}

int64_t disk_size(struct disk *disk, const char *name)
{
    struct file *file = file_find(disk, name);
    return file ? (int64_t)file->size : -ENOENT;
}

bool disk_delete(struct disk *disk, const char *name)
{
    struct file *file = file_find(disk, name);
    if (file)
        file_delete(file);
    return file != NULL;
}

void disk_wipe(struct disk *disk)
{
    for (struct file *file = disk->files; file; file = file->next)
        if (file->exists)
            file_delete(file);
}
