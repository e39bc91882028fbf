/* disk.h: simulated disks, with a SQLite VFS on top.
 *
 * A disk holds files by name. Each file has its durable content and an ordered list of writes (and truncations)
 * not yet synced; reads see both. A sync makes the list of that file durable. Creating, deleting and renaming a
 * file is durable at once (SQLite syncs the directory; a journal or WAL that comes back after power loss is
 * covered by the write list).
 *
 * At a power loss every un-synced write of every file is, by a keyed choice of the tape: dropped | kept | torn, by
 * 512-byte sector (each sector kept or dropped; 0 = all dropped, the simplest). Order is no promise: a later write may be
 * kept and an earlier one dropped, as on a real disk with a cache. After a kill without power loss everything
 * written is kept: the page cache survives the process.
 *
 * Faults, by points at the site of the node that uses the disk (POINT_QUIET, so only injected ones are recorded):
 *   disk/file/read, disk/file/write, disk/file/sync   first field: the file's name
 * An error becomes SQLITE_IOERR (ENOSPC: SQLITE_FULL); kill and poweroff leave the world event in the middle. What else
 * can go wrong is a table in vfs_io.c. After a sync that failed, what it could not write may never become durable,
 * though reads see it: by a choice of the tape, as on Linux.
 *
 * A disk that reports success for what it did not do, or that rots, is a *lying* disk: the budget says how many may.
 * No database survives that, so a scenario with one expects only what then still can be promised. */
#ifndef DURESS_DISK_H
#define DURESS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk;
struct node;
struct world;

struct disk *disk_new(struct world *world, const char *name);
void disk_free(struct disk *disk);
const char *disk_name(const struct disk *disk);

/* Everything un-synced gets its crash state. Records world/disk/loss {disk, dropped, kept, torn}. */
void disk_power_loss(struct disk *disk, struct node *node);
/* Everything on it is gone. Its owner is down. */
void disk_wipe(struct disk *disk);
/* The owner died (with or without power loss): its open files and locks are gone. */
void disk_release(struct disk *disk);

/* ---- what may be wrong with a disk for a while, or for ever ---- */

void disk_fill(struct disk *disk, bool full); /* full: writes that would make a file longer fail */
bool disk_is_full(const struct disk *disk);
void disk_slow(struct disk *disk, int64_t ns); /* each operation takes so long; 0: none */
int64_t disk_slowness(const struct disk *disk);
void disk_stall(struct disk *disk, int64_t ns); /* the next operation takes so long */
/* Syncs report success and make nothing durable, as with a cache that ignores flushes. False: the budget does not
 * allow it. Once honest again, the next sync makes durable what the others did not. */
bool disk_deceive(struct disk *disk, bool on);
bool disk_deceives(const struct disk *disk);
/* Flips one bit of what is stored; which one is a choice of the tape. False: nothing is stored, or the budget does
 * not allow it. Records world/disk/rot {disk, file, bit}. */
bool disk_rot(struct disk *disk);
/* Does the budget allow this disk to lie? One that has lied may go on. */
bool disk_may_lie(const struct disk *disk);
/* It lies now. Records world/disk/lie {disk} the first time: from here on its durability is worth nothing. */
void disk_lies(struct disk *disk);
bool disk_has_lied(const struct disk *disk);

/* ---- plain file access, for adapters and tests ---- */

int disk_read(struct disk *disk, const char *name, void *data, size_t size,
              uint64_t offset); /* bytes, or -errno */
int disk_write(struct disk *disk, const char *name, const void *data, size_t size,
               uint64_t offset);                                       /* 0, -errno */
int disk_truncate(struct disk *disk, const char *name, uint64_t size); /* 0, -ENOENT */
int disk_sync(struct disk *disk, const char *name);
int64_t disk_size(struct disk *disk, const char *name); /* -ENOENT */
bool disk_delete(struct disk *disk, const char *name);

/* ---- SQLite ---- */

/* Once per process, before anything else of SQLite: single-threaded, memory tagged by owner, deterministic. */
void disk_sqlite_init(void);

/* Names a VFS for this disk as used by this node: give it to sqlite3_open_v2(). Opening, reading, locking, shared
 * memory for WAL, time (the node's wall clock) and randomness (the tape) all go through the world. The name stays
 * valid as long as the disk; the same (disk, node) gives the same name. */
const char *disk_vfs(struct disk *disk, struct node *node);

/* Its allocations are hits of the fault point memory/sqlite/alloc from now on, or not any more. They are many, so
 * whoever has faults for it says so. */
void disk_sqlite_refuse(bool on);

/* All memory SQLite took while events of this node were running is dropped, without closing anything: the
 * connections of a dead node are simply forgotten. */
void disk_sqlite_forget(struct node *node);

#endif
