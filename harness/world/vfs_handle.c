/* vfs_handle.c: open files, and what connections to one database see of each other.
 *
 * Locks are those of SQLite on Unix, between handles instead of processes; they are advisory, never
 * wait, and a refused one is SQLITE_BUSY at once. What others may hold meanwhile:
 *
 *     SHARED      SHARED, RESERVED      reads
 *     RESERVED    SHARED                will write; a second writer is refused
 *     PENDING     SHARED, but no new    waits for the last readers to leave
 *     EXCLUSIVE   nothing               writes
 *
 * Shared memory (the index of a WAL) belongs to the file while a handle maps it. It is lost when
 * the last handle is dropped, as SQLite's first connection after a crash empties it in reality, and
 * at a power loss.
 */
#include "harness/world/disk_internal.h"
#include <stdlib.h>

struct handle *handle_of(sqlite3_file *file)
{
    return ((struct open_file *)file)->handle;
}

struct handle *handle_new(struct vfs *vfs, const char *name, int flags)
{
    struct handle *handle = disk_alloc(sizeof *handle);
    handle->vfs = vfs;
    handle->temporary = !name;
    handle->file = name ? file_create(vfs->disk, name) : file_new(vfs->disk, "(temporary)");
    handle->delete_on_close = name && (flags & SQLITE_OPEN_DELETEONCLOSE);
    handle->next = vfs->disk->handles;
    vfs->disk->handles = handle;
    return handle;
}

void handle_detach(struct handle *handle)
{
    if (handle->temporary && handle->file)
        file_free(handle->file);
    handle->file = NULL;
    handle->lock = SQLITE_LOCK_NONE;
    handle->shm_shared = handle->shm_exclusive = 0;
}

static void shm_detach(struct handle *handle)
{
    struct shm *shm = handle->shm;
    handle->shm = NULL;
    handle->shm_shared = handle->shm_exclusive = 0;
    if (!shm || --shm->users > 0)
        return;
    if (shm->file)
        shm->file->shm = NULL;
    for (size_t i = 0; i < shm->count; i++)
        free(shm->regions[i]);
    free(shm->regions);
    free(shm);
}

void handle_free(struct handle *handle)
{
    struct handle **slot = &handle->vfs->disk->handles;
    while (*slot != handle)
        slot = &(*slot)->next;
    *slot = handle->next;
    handle_detach(handle);
    shm_detach(handle);
    free(handle);
}

/* ---- file locks ---- */

static int strongest_other(const struct handle *handle)
{
    int strongest = SQLITE_LOCK_NONE;
    for (struct handle *other = handle->vfs->disk->handles; other; other = other->next)
        if (other != handle && other->file == handle->file && other->lock > strongest)
            strongest = other->lock;
    return strongest;
}

int vfs_lock(sqlite3_file *file, int level)
{
    struct handle *handle = handle_of(file);
    if (!handle->file)
        return SQLITE_IOERR_LOCK;
    if (handle->lock >= level)
        return SQLITE_OK;
    int other = strongest_other(handle);
    int refuse_at = level == SQLITE_LOCK_SHARED ? SQLITE_LOCK_PENDING : SQLITE_LOCK_RESERVED;
    if (other >= refuse_at)
        return SQLITE_BUSY;
    if (level == SQLITE_LOCK_EXCLUSIVE && other >= SQLITE_LOCK_SHARED) {
        handle->lock = SQLITE_LOCK_PENDING; /* lets readers leave and none in */
        return SQLITE_BUSY;
    }
    handle->lock = level;
    return SQLITE_OK;
}

int vfs_unlock(sqlite3_file *file, int level)
{
    struct handle *handle = handle_of(file);
    if (handle->lock > level)
        handle->lock = level;
    return SQLITE_OK;
}

int vfs_check_reserved(sqlite3_file *file, int *ret_reserved)
{
    struct handle *handle = handle_of(file);
    if (!handle->file)
        return SQLITE_IOERR_CHECKRESERVEDLOCK;
    *ret_reserved =
        handle->lock >= SQLITE_LOCK_RESERVED || strongest_other(handle) >= SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
}

/* ---- shared memory ---- */

static void shm_attach(struct handle *handle)
{
    struct file *file = handle->file;
    if (!file->shm) {
        file->shm = disk_alloc(sizeof *file->shm);
        file->shm->file = file;
    }
    file->shm->users++;
    handle->shm = file->shm;
}

static void shm_extend(struct shm *shm, size_t count, size_t region_size)
{
    size_t capacity = shm->count;
    shm->regions = disk_grow(shm->regions, &capacity, count, sizeof *shm->regions);
    while (shm->count < count)
        shm->regions[shm->count++] = disk_alloc(region_size);
}

int vfs_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret_region)
{
    struct handle *handle = handle_of(file);
    if (!handle->file)
        return SQLITE_IOERR_SHMMAP;
    if (!handle->shm)
        shm_attach(handle);
    struct shm *shm = handle->shm;
    size_t index = (size_t)region;
    if (index >= shm->count && extend)
        shm_extend(shm, index + 1, (size_t)size);
    *ret_region = index < shm->count ? shm->regions[index] : NULL;
    return SQLITE_OK;
}

static bool shm_conflict(const struct handle *handle, unsigned mask, bool exclusive)
{
    for (struct handle *other = handle->vfs->disk->handles; other; other = other->next) {
        if (other == handle || other->file != handle->file)
            continue;
        if ((other->shm_exclusive & mask) || (exclusive && (other->shm_shared & mask)))
            return true;
    }
    return false;
}

int vfs_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    struct handle *handle = handle_of(file);
    unsigned mask = ((1u << n) - 1) << offset;
    bool exclusive = flags & SQLITE_SHM_EXCLUSIVE;
    unsigned *held = exclusive ? &handle->shm_exclusive : &handle->shm_shared;
    if (flags & SQLITE_SHM_UNLOCK) {
        *held &= ~mask;
        return SQLITE_OK;
    }
    if (!handle->file)
        return SQLITE_IOERR_SHMLOCK;
    if (shm_conflict(handle, mask, exclusive))
        return SQLITE_BUSY;
    *held |= mask;
    return SQLITE_OK;
}

/* One process, one thread: memory is in order. */
void vfs_shm_barrier(sqlite3_file *file)
{
    (void)file;
}

int vfs_shm_unmap(sqlite3_file *file, int delete_it)
{
    (void)delete_it; /* it goes with its last user anyway */
    shm_detach(handle_of(file));
    return SQLITE_OK;
}
