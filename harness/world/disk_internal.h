/* disk_internal.h: what disk.c, vfs.c, vfs_handle.c and sqlite_memory.c share. Nobody else includes
 * it. */
#ifndef DURESS_DISK_INTERNAL_H
#define DURESS_DISK_INTERNAL_H

#include "harness/world/disk.h"
#include "harness/world/world.h"
#include <sqlite3.h>

#define SECTOR 512

/* One write or truncation that is not durable yet, with what it takes to undo it. */
struct change {
    enum { CHANGE_WRITE, CHANGE_TRUNCATE } kind;
    uint64_t number; /* 1, 2, ... in the file's life: the identity of its crash state */
    size_t offset;   /* a truncation: the new size of the file */
    size_t size;     /* bytes in the log: those overwritten, or those cut off */
    size_t old_size; /* of the file */
    size_t log_at;
};

struct file {
    char *name;
    uint64_t key;         /* of its choices */
    bool exists;          /* a deleted file stays in the list: it keeps counting its changes */
    unsigned char *bytes; /* what reads see, up to size */
    size_t size, capacity;
    struct change *changes; /* not durable, oldest first */
    size_t change_count, change_capacity;
    unsigned char *log; /* the old bytes of all changes */
    size_t log_size, log_capacity;
    uint64_t numbered;
    unsigned char *medium; /* what is durable, where a failed sync left it behind; else NULL */
    size_t medium_size, medium_capacity;
    uint64_t
        operations;  /* reads, writes and syncs so far: the identity of what a fault did to one */
    struct shm *shm; /* of the connections that are open now */
    struct file *next;
};

/* SQLite's shared memory of one database: never durable, gone with the last connection. */
struct shm {
    struct file *file; /* NULL: the power failed; only old connections still see it */
    void **regions;
    size_t count;
    unsigned users;
};

/* One open file of SQLite. Not in SQLite's memory, so that it outlives a connection that was
 * forgotten. */
struct handle {
    struct vfs *vfs;
    struct file *file; /* NULL: gone, because its node died or the power failed */
    bool temporary;    /* without a name; the file is the handle's own */
    bool delete_on_close;
    int lock;            /* SQLITE_LOCK_* */
    unsigned shm_shared; /* bit masks of SQLite's shared memory locks */
    unsigned shm_exclusive;
    struct shm *shm;
    struct handle *next; /* of the disk */
};

/* The disk as one node uses it. */
struct vfs {
    sqlite3_vfs base;
    struct disk *disk;
    struct node *node;
    uint64_t drawn; /* numbers for xRandomness */
    char name[64];
    struct vfs *next;
};

struct disk {
    struct world *world;
    char *name;
    uint64_t key;       /* of choices that concern the disk as a whole */
    struct file *files; /* in the order of their creation */
    struct handle *handles;
    struct vfs *vfses;
    bool full;        /* no file can grow */
    bool lied;        /* counted by the budget */
    bool deceives;    /* syncs do nothing */
    int64_t slow_ns;  /* that each operation takes */
    int64_t stall_ns; /* that the next one takes */
    uint64_t rotted;  /* bits so far: the identity of the next one */
};

/* ---- disk.c: files ---- */

struct file *file_new(struct disk *disk, const char *name);
void file_free(struct file *file);
/* NULL when there is none of that name. */
struct file *file_find(struct disk *disk, const char *name);
/* Creates it, empty, unless it exists. */
struct file *file_create(struct disk *disk, const char *name);
size_t file_read(const struct file *file, void *data, size_t size, size_t offset); /* bytes */
void file_write(struct file *file, const void *data, size_t size, size_t offset);
void file_truncate(struct file *file, size_t size);
void file_sync(struct file *file);
/* A sync failed, and the kernel counts as clean what it could not write: reads still see it, but no later
 * sync makes it durable. */
void file_forsake(struct file *file);
void file_delete(struct file *file);

/* Room for `need` items; never returns NULL. */
void *disk_grow(void *data, size_t *capacity, size_t need, size_t item_size);
void *disk_alloc(size_t size); /* zeroed; never NULL */

/* A keyed choice about what goes wrong with the current operation on the file: below `count`, 0 the simplest. */
uint64_t file_choose(struct disk *disk, struct node *node, struct file *file, const char *name,
                     uint64_t count);

/* ---- vfs_io.c: reading, writing and syncing, and what can go wrong with it ---- */

int vfs_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset);
int vfs_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset);
int vfs_truncate(sqlite3_file *file, sqlite3_int64 size);
int vfs_sync(sqlite3_file *file, int flags);

/* ---- vfs.c ---- */

void vfs_free(struct vfs *vfs);
/* Drops all open files of a node, on all disks. */
void vfs_forget(struct node *node);

/* ---- vfs_handle.c: open files, and the methods of sqlite3_io_methods that are about others ----
 */

/* What SQLite allocates and hands back. */
struct open_file {
    sqlite3_file base;
    struct handle *handle;
};

struct handle *handle_of(sqlite3_file *file);
/* Opens, and creates if need be. name NULL: a temporary file. */
struct handle *handle_new(struct vfs *vfs, const char *name, int flags);
/* The handle gives up its locks and its file, and fails from now on. */
void handle_detach(struct handle *handle);
void handle_free(struct handle *handle);

int vfs_lock(sqlite3_file *file, int level);
int vfs_unlock(sqlite3_file *file, int level);
int vfs_check_reserved(sqlite3_file *file, int *ret_reserved);
int vfs_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret_region);
int vfs_shm_lock(sqlite3_file *file, int offset, int n, int flags);
void vfs_shm_barrier(sqlite3_file *file);
int vfs_shm_unmap(sqlite3_file *file, int delete_it);

/* ---- sqlite_memory.c ---- */

/* SQLite's memory belongs to the nodes of this world from now on, and its generator of random
 * numbers starts again from `seed` (not 0). Each enter needs one leave. */
void sqlite_enter(struct world *world, int seed);
void sqlite_leave(void);

#endif
