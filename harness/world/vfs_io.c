/* vfs_io.c: SQLite reads, writes and syncs a file of a simulated disk, and what can go wrong with it.
 *
 * Each operation passes a fault point before it begins:
 *
 *               read                          write or truncate              sync
 *   error       nothing is read               nothing is written             nothing; see below
 *   delay       later: the operation takes so long, if the caller's time can be accounted (node_ops)
 *   short       a part, then an error         a part stays written, then     -
 *                                             SQLITE_FULL, as on Unix
 *   lie         as if the file ended within   nothing is written             nothing becomes durable
 *   misdirect   from another place            to another place               -
 *   flip        a bit of it has rotted        a bit of it is wrong           -
 *   kill        the node is left in the middle of the call; what was written before stays (disk.c, 3)
 *   poweroff    the same, and what was not synced gets its crash state (disk.c, 0 to 2)
 *
 * lie, misdirect and flip report success: they need the budget for lying disks. A sync that fails leaves what it should
 * have made durable waiting for the next sync, or forsaken (disk.c, 7), by a choice of the tape. On a full disk a
 * write that would make its file longer fails; how much of it still fits is a choice, too.
 *
 * How much, which bit, and where are keyed choices: (stream disk, the file, the how-manieth operation on it).
 */
#include "harness/world/disk_internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

POINT_ABOUT("disk/file/read", "SQLite reads from a file.");
POINT_ABOUT("disk/file/write", "SQLite writes to a file, or truncates it.");
POINT_ABOUT("disk/file/sync", "SQLite makes a file durable.");
POINT_ABOUT("disk/file/full",
            "The disk was full: a write that would have made a file longer failed.");
POINT_ABOUT("disk/file/forsake",
            "After a sync that failed the kernel forgot what was not durable: reads still see it.");

#define CAN_FAIL (CAN_ERROR | CAN_DELAY | CAN_KILL | CAN_POWEROFF | POINT_QUIET)

static int result_code(int err, int otherwise)
{
    return err == -ENOSPC ? SQLITE_FULL : otherwise;
}

/* The operation begins: it is counted, and on a disk that is slow or stalls it takes its time. */
static struct point_site *begin(struct handle *handle)
{
    struct node *node = handle->vfs->node;
    struct disk *disk = handle->vfs->disk;
    handle->file->operations++;
    if (disk->slow_ns + disk->stall_ns > 0 && node->ops->can_stall(node, &node->site)) {
        node->ops->stall(node, &node->site, disk->slow_ns + disk->stall_ns);
        disk->stall_ns = 0;
    }
    return &node->site;
}

static size_t choose(const struct handle *handle, const char *name, size_t count)
{
    return (size_t)file_choose(handle->vfs->disk, handle->vfs->node, handle->file, name, count);
}

/* Another place of the file for a piece of this size: one of its other pieces, or just behind them. */
static size_t elsewhere(const struct handle *handle, size_t offset, size_t size)
{
    size_t own = offset / size, others = handle->file->size / size;
    if (own > others || others == 0)
        return offset + size;
    size_t piece = choose(handle, "disk/file/where", others);
    return (piece + (piece >= own)) * size;
}

static void bit_flip(unsigned char *bytes, size_t bit)
{
    bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
}

/* ---- reading ---- */

static void rot(const struct handle *handle, size_t offset, size_t size)
{
    struct file *file = handle->file;
    if (offset >= file->size)
        return;
    size_t there = file->size - offset < size ? file->size - offset : size;
    bit_flip(file->bytes + offset, choose(handle, "disk/file/bit", there * 8));
}

static int read_now(const struct handle *handle, void *data, size_t size, size_t offset)
{
    size_t got = file_read(handle->file, data, size, offset);
    memset((char *)data + got, 0, size - got);
    return got == size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ; /* the end, which SQLite expects */
}

/* Only the beginning of it. */
static int read_part(const struct handle *handle, void *data, size_t size, size_t offset,
                     int result)
{
    read_now(handle, data, size, offset);
    size_t part = choose(handle, "disk/file/part", size);
    memset((char *)data + part, 0, size - part);
    return result;
}

int vfs_read(sqlite3_file *base, void *data, int size, sqlite3_int64 offset)
{
    const struct handle *handle = handle_of(base);
    if (!handle->file)
        return SQLITE_IOERR_READ;
    int fault =
        FAULT(begin(handle_of(base)), "disk/file/read", CAN_FAIL | CAN_DEVICE,
              T_STR("file", handle->file->name), T_I64("offset", offset), T_I64("size", size));
    size_t at = (size_t)offset, bytes = (size_t)size;
    switch (fault) {
    case 0: break;
    case FAULT_SHORT: return read_part(handle, data, bytes, at, SQLITE_IOERR_READ);
    case FAULT_LIE: return read_part(handle, data, bytes, at, SQLITE_IOERR_SHORT_READ);
    case FAULT_MISDIRECT: at = elsewhere(handle, at, bytes); break;
    case FAULT_FLIP: rot(handle, at, bytes); break;
    default: return result_code(fault, SQLITE_IOERR_READ);
    }
    return read_now(handle, data, bytes, at);
}

/* ---- writing ---- */

static void write_flipped(const struct handle *handle, const void *data, size_t size, size_t offset)
{
    unsigned char *copy = disk_alloc(size);
    memcpy(copy, data, size);
    bit_flip(copy, choose(handle, "disk/file/bit", size * 8));
    file_write(handle->file, copy, size, offset);
    free(copy);
}

static int write_part(const struct handle *handle, const void *data, size_t size, size_t offset)
{
    file_write(handle->file, data, choose(handle, "disk/file/part", size), offset);
    return SQLITE_FULL;
}

static int write_now(const struct handle *handle, const void *data, size_t size, size_t offset)
{
    if (handle->vfs->disk->full && offset + size > handle->file->size) {
        TRACE(&handle->vfs->node->site, "disk/file/full", T_STR("file", handle->file->name),
              T_U64("offset", offset), T_U64("size", size));
        return write_part(handle, data, size, offset);
    }
    file_write(handle->file, data, size, offset);
    return SQLITE_OK;
}

int vfs_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 offset)
{
    const struct handle *handle = handle_of(base);
    if (!handle->file)
        return SQLITE_IOERR_WRITE;
    int fault =
        FAULT(begin(handle_of(base)), "disk/file/write", CAN_FAIL | CAN_DEVICE,
              T_STR("file", handle->file->name), T_I64("offset", offset), T_I64("size", size));
    size_t at = (size_t)offset, bytes = (size_t)size;
    switch (fault) {
    case 0: break;
    case FAULT_SHORT: return write_part(handle, data, bytes, at);
    case FAULT_LIE: return SQLITE_OK;
    case FAULT_MISDIRECT: at = elsewhere(handle, at, bytes); break;
    case FAULT_FLIP: write_flipped(handle, data, bytes, at); return SQLITE_OK;
    default: return result_code(fault, SQLITE_IOERR_WRITE);
    }
    return write_now(handle, data, bytes, at);
}

int vfs_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct handle *handle = handle_of(base);
    if (!handle->file)
        return SQLITE_IOERR_TRUNCATE;
    int fault = FAULT(begin(handle), "disk/file/write", CAN_FAIL | CAN_LIE,
                      T_STR("file", handle->file->name), T_I64("offset", size), T_I64("size", 0));
    if (fault < 0)
        return result_code(fault, SQLITE_IOERR_TRUNCATE);
    if (fault == 0)
        file_truncate(handle->file, (size_t)size);
    return SQLITE_OK;
}

/* ---- syncing ---- */

static int sync_failed(struct handle *handle, int err)
{
    enum { WAITS, FORSAKEN, FATES };
    if (choose(handle, "disk/file/fate", FATES) == FORSAKEN && handle->file->change_count) {
        file_forsake(handle->file);
        TRACE(&handle->vfs->node->site, "disk/file/forsake", T_STR("file", handle->file->name));
    }
    return result_code(err, SQLITE_IOERR_FSYNC);
}

int vfs_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    struct handle *handle = handle_of(base);
    if (!handle->file)
        return SQLITE_IOERR_FSYNC;
    int fault = FAULT(begin(handle), "disk/file/sync", CAN_FAIL | CAN_LIE,
                      T_STR("file", handle->file->name), T_I64("offset", 0),
                      T_I64("size", handle->file->size));
    if (fault < 0)
        return sync_failed(handle, fault);
    if (fault == 0 && !handle->vfs->disk->deceives)
        file_sync(handle->file);
    return SQLITE_OK;
}
