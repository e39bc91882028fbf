/* vfs.c: SQLite on a simulated disk.
 *
 * One sqlite3_vfs per (disk, node). It promises SQLite what its own VFS for Unix promises, and no more: a torn write spoils
 * nothing outside its own bytes (disk.c keeps that), but there is no atomic write, no safe append, no order. What can
 * go wrong with reading, writing and syncing stands in vfs_io.c.
 *
 * Nothing here ever waits. A busy lock is reported at once, and a sleep is over as soon as it
 * begins without time passing, so a busy timeout merely asks a number of times again: nobody else
 * can run in between. A caller that wants to wait for another node's lock gives up with SQLITE_BUSY
 * and tries again at a later event.
 *
 * Lost when a node dies: its open files, with their locks. They are not in SQLite's memory, so it
 * does not matter whether that memory was dropped before.
 */
#include "harness/world/disk.h"
#include "harness/world/disk_internal.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Milliseconds from noon of 24 November 4714 BC, where SQLite counts from, to 1970. */
#define JULIAN_1970_MS INT64_C(210866760000000)

#define PATH_MAX_SIZE 512

/* ---- sqlite3_io_methods ---- */

static int vfs_close(sqlite3_file *base)
{
    struct handle *handle = handle_of(base);
    if (handle->delete_on_close && handle->file)
        file_delete(handle->file);
    handle_free(handle);
    return SQLITE_OK;
}

static int vfs_file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    struct handle *handle = handle_of(base);
    if (!handle->file)
        return SQLITE_IOERR_FSTAT;
    *ret_size = (sqlite3_int64)handle->file->size;
    return SQLITE_OK;
}

static int vfs_file_control(sqlite3_file *base, int op, void *arg)
{
    (void)base, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int vfs_sector_size(sqlite3_file *base)
{
    (void)base;
    return SECTOR;
}

static int vfs_device(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods io_methods = {
    .iVersion = 2,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_file_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_unlock,
    .xCheckReservedLock = vfs_check_reserved,
    .xFileControl = vfs_file_control,
    .xSectorSize = vfs_sector_size,
    .xDeviceCharacteristics = vfs_device,
    .xShmMap = vfs_shm_map,
    .xShmLock = vfs_shm_lock,
    .xShmBarrier = vfs_shm_barrier,
    .xShmUnmap = vfs_shm_unmap,
};

/* ---- sqlite3_vfs ---- */

static struct vfs *vfs_of(sqlite3_vfs *base)
{
    return (struct vfs *)base;
}

static int vfs_open(sqlite3_vfs *base, const char *name, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    struct vfs *vfs = vfs_of(base);
    struct open_file *open = (struct open_file *)file;
    bool exists = name && file_find(vfs->disk, name);
    open->base.pMethods = NULL;
    if (name && !exists && !(flags & SQLITE_OPEN_CREATE))
        return SQLITE_CANTOPEN;
    if (exists && (flags & SQLITE_OPEN_EXCLUSIVE))
        return SQLITE_CANTOPEN;
    open->handle = handle_new(vfs, name, flags);
    open->base.pMethods = &io_methods;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *name, int sync_dir)
{
    (void)sync_dir; /* a deletion is durable in any case */
    return disk_delete(vfs_of(base)->disk, name) ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
}

/* As on Unix, an empty file does not count: a journal that was just created is not a hot one. */
static int vfs_access(sqlite3_vfs *base, const char *name, int flags, int *ret_yes)
{
    (void)flags;
    *ret_yes = disk_size(vfs_of(base)->disk, name) > 0;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *base, const char *name, int size, char *out)
{
    (void)base;
    return snprintf(out, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

/* Only asked when somebody makes this VFS SQLite's default one: sqlite_memory.c seeds the generator
 * otherwise. */
static int vfs_randomness(sqlite3_vfs *base, int size, char *out)
{
    struct vfs *vfs = vfs_of(base);
    for (int i = 0; i < size; i++) {
        struct choice choice = {.stream = STREAM_ENTROPY,
                                .name = "disk/vfs/random",
                                .node = vfs->node->id,
                                .key = vfs->disk->key,
                                .ordinal = ++vfs->drawn};
        out[i] = (char)tape_choose(world_tape(vfs->disk->world), &choice, 256);
    }
    return size;
}

static int vfs_sleep(sqlite3_vfs *base, int microseconds)
{
    (void)base;
    return microseconds;
}

static int vfs_time(sqlite3_vfs *base, sqlite3_int64 *ret_ms)
{
    *ret_ms = JULIAN_1970_MS + node_wall_ns(vfs_of(base)->node) / 1000000;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *base, int size, char *out)
{
    (void)base, (void)size, (void)out;
    return 0;
}

/* ---- their life ---- */

/* "db/n1", or "db/n1#2" when another world has that one. */
static void vfs_name(struct vfs *vfs)
{
    snprintf(vfs->name, sizeof vfs->name, "%s/n%u", vfs->disk->name, vfs->node->id);
    for (unsigned n = 2; sqlite3_vfs_find(vfs->name); n++)
        snprintf(vfs->name, sizeof vfs->name, "%s/n%u#%u", vfs->disk->name, vfs->node->id, n);
}

static int vfs_seed(const struct vfs *vfs)
{
    struct choice choice = {.stream = STREAM_ENTROPY,
                            .name = "disk/vfs/seed",
                            .node = vfs->node->id,
                            .key = vfs->disk->key,
                            .ordinal = 1};
    return 1 + (int)tape_choose(world_tape(vfs->disk->world), &choice, INT32_MAX);
}

static struct vfs *vfs_new(struct disk *disk, struct node *node)
{
    struct vfs *vfs = disk_alloc(sizeof *vfs);
    vfs->disk = disk;
    vfs->node = node;
    sqlite_enter(disk->world, vfs_seed(vfs));
    vfs_name(vfs);
    vfs->base = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct open_file),
        .mxPathname = PATH_MAX_SIZE,
        .zName = vfs->name,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_time,
    };
    sqlite3_vfs_register(&vfs->base, 0);
    vfs->next = disk->vfses;
    disk->vfses = vfs;
    return vfs;
}

static void handles_free(struct vfs *vfs)
{
    for (struct handle *next, *handle = vfs->disk->handles; handle; handle = next) {
        next = handle->next;
        if (handle->vfs == vfs)
            handle_free(handle);
    }
}

void vfs_free(struct vfs *vfs)
{
    handles_free(vfs);
    sqlite3_vfs_unregister(&vfs->base);
    sqlite_leave();
    free(vfs);
}

const char *disk_vfs(struct disk *disk, struct node *node)
{
    for (struct vfs *vfs = disk->vfses; vfs; vfs = vfs->next)
        if (vfs->node == node)
            return vfs->name;
    return vfs_new(disk, node)->name;
}

/* SQLite's own list of VFSs leads to all disks of the process. */
void vfs_forget(struct node *node)
{
    for (sqlite3_vfs *base = sqlite3_vfs_find(NULL); base; base = base->pNext)
        if (base->xOpen == vfs_open && vfs_of(base)->node == node)
            handles_free(vfs_of(base));
}
