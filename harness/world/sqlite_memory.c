/* sqlite_memory.c: SQLite as part of a simulated process: configured to be deterministic, and
 * mortal.
 *
 * SQLite has one allocator for the whole process and does not tell it whose memory it takes. Here
 * each block belongs to the node whose event is running when it is allocated, so that all that a
 * node's connections hold can be dropped at once, without running any of their code: that is what a
 * SIGKILL does. It is safe because connections share nothing: no shared cache, no page cache in
 * common (SQLite has one per connection unless it was built with ENABLE_MEMORY_MANAGEMENT, which is
 * checked), no mutexes that could be left locked (single-threaded), no lookaside. What SQLite keeps
 * for the process it allocates in sqlite3_initialize(), which belongs to nobody.
 *
 * Lost: all blocks of a node at disk_sqlite_forget(). Never lost: blocks taken while no node's
 * event runs.
 *
 * SQLite's allocator and its generator of random numbers have no context to hang state on: the one
 * variable of this file is theirs.
 */
#include "harness/world/disk.h"
#include "harness/world/disk_internal.h"
#include <stdio.h>
#include <stdlib.h>

/* Ahead of each block; its size keeps what follows aligned for everything. */
struct block {
    struct owner *owner;
    struct block *previous, *next;
    size_t size;
};
_Static_assert(sizeof(struct block) % _Alignof(max_align_t) == 0, "blocks are aligned");

struct owner {
    struct node *node; /* NULL: nobody */
    struct block *blocks;
    struct owner *next;
};

static struct {
    bool ready;
    struct world *world; /* whose nodes allocate; NULL: nobody does */
    unsigned users;      /* VFSs */
    struct owner nobody; /* the first of the list of owners */
} sqlite;

/* ---- owners ---- */

static struct owner *owner_find(const struct node *node)
{
    struct owner *owner = &sqlite.nobody;
    while (owner && owner->node != node)
        owner = owner->next;
    return owner;
}

static struct owner *owner_now(void)
{
    struct node *node = sqlite.world ? world_current(sqlite.world) : NULL;
    struct owner *owner = owner_find(node);
    if (owner)
        return owner;
    owner = disk_alloc(sizeof *owner);
    owner->node = node;
    owner->next = sqlite.nobody.next;
    sqlite.nobody.next = owner;
    return owner;
}

static void block_link(struct block *block)
{
    block->previous = NULL;
    block->next = block->owner->blocks;
    if (block->next)
        block->next->previous = block;
    block->owner->blocks = block;
}

static void block_unlink(struct block *block)
{
    if (block->previous)
        block->previous->next = block->next;
    else
        block->owner->blocks = block->next;
    if (block->next)
        block->next->previous = block->previous;
}

/* ---- sqlite3_mem_methods ---- */

static struct block *block_of(void *data)
{
    return (struct block *)data - 1;
}

static void *memory_malloc(int size)
{
    struct block *block = malloc(sizeof *block + (size_t)size);
    if (!block)
        return NULL;
    block->owner = owner_now();
    block->size = (size_t)size;
    block_link(block);
    return block + 1;
}

static void memory_free(void *data)
{
    if (!data)
        return;
    block_unlink(block_of(data));
    free(block_of(data));
}

static void *memory_realloc(void *data, int size)
{
    struct block *block = block_of(data);
    block_unlink(block);
    struct block *bigger = realloc(block, sizeof *block + (size_t)size);
    if (bigger)
        bigger->size = (size_t)size;
    block_link(bigger ? bigger : block);
    return bigger ? bigger + 1 : NULL;
}

static int memory_size(void *data)
{
    return data ? (int)block_of(data)->size : 0;
}

static int memory_round_up(int size)
{
    return (size + 7) & ~7;
}

static int memory_init(void *context)
{
    (void)context;
    return SQLITE_OK;
}

static void memory_shutdown(void *context)
{
    (void)context;
}

static sqlite3_mem_methods memory_methods = {
    .xMalloc = memory_malloc,
    .xFree = memory_free,
    .xRealloc = memory_realloc,
    .xSize = memory_size,
    .xRoundup = memory_round_up,
    .xInit = memory_init,
    .xShutdown = memory_shutdown,
};

/* ---- the whole of it ---- */

static void require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "disk_sqlite_init: %s\n", what);
    abort();
}

void disk_sqlite_init(void)
{
    if (sqlite.ready)
        return;
    bool ok =
        sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK &&
        sqlite3_config(SQLITE_CONFIG_MALLOC, &memory_methods) == SQLITE_OK &&
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK &&
        sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) == SQLITE_OK &&
        sqlite3_config(SQLITE_CONFIG_URI, 0) == SQLITE_OK &&
        sqlite3_config(SQLITE_CONFIG_MMAP_SIZE, (sqlite3_int64)0, (sqlite3_int64)0) == SQLITE_OK;
    require(ok, "SQLite was used before");
    require(!sqlite3_compileoption_used("ENABLE_MEMORY_MANAGEMENT"),
            "this SQLite shares page caches between connections");
    require(sqlite3_initialize() == SQLITE_OK, "SQLite does not start");
    sqlite.ready = true;
}

/* A seed makes SQLite's generator independent of its default VFS, and with it of /dev/urandom. */
void sqlite_enter(struct world *world, int seed)
{
    require(sqlite.ready, "not called before the first disk_vfs()");
    sqlite.world = world;
    sqlite.users++;
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, seed, NULL);
}

void sqlite_leave(void)
{
    if (--sqlite.users > 0)
        return;
    sqlite.world = NULL;
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 0, NULL);
}

static void blocks_free(struct block *block)
{
    for (struct block *next; block; block = next) {
        next = block->next;
        free(block);
    }
}

void disk_sqlite_forget(struct node *node)
{
    if (!sqlite.ready)
        return;
    vfs_forget(node);
    for (struct owner **slot = &sqlite.nobody.next; *slot; slot = &(*slot)->next) {
        struct owner *owner = *slot;
        if (owner->node != node)
            continue;
        *slot = owner->next;
        blocks_free(owner->blocks);
        free(owner);
        break;
    }
}
