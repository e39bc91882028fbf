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
 * An owner cuts its blocks from chunks, one free list per size: malloc() for each was a
 * tenth of a run. Chunks of the dead are kept for the next owner, so that no run but the first pays for
 * pages. Blocks too large for a chunk come from malloc() and hang on a list of their owner.
 *
 * Lost: all blocks of a node at disk_sqlite_forget(). Never lost: blocks taken while no node's
 * event runs.
 *
 * SQLite's allocator and its generator of random numbers have no context to hang state on: the one
 * variable of this file is theirs.
 */
#include "harness/world/disk.h"
#include "harness/world/disk_internal.h"
#include "harness/world/world_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

POINT_ABOUT("memory/sqlite/alloc",
            "SQLite asks for memory; an error, whichever, says that there is none.");

#define CHUNK_SIZE    ((size_t)64 * 1024)
#define STEP          16u                      /* between sizes, up to ... */
#define SMALL_MAX     1024u                    /* ... here; beyond: four sizes to the doubling */
#define SMALL_CLASSES (SMALL_MAX / STEP)       /* classes 0 .. 63 */
#define CLASSES       (SMALL_CLASSES + 4u * 4) /* up to 16 KB */
#define BLOCK_MAX     (SMALL_MAX << 4)
#define BIG           CLASSES /* the class of what malloc() gave */

/* Ahead of each block; its size keeps what follows aligned for everything. */
struct block {
    union {
        struct owner *owner;     /* while it is in use */
        struct block *next_free; /* in its class */
    };
    uint32_t size; /* of what follows */
    uint32_t class;
};
_Static_assert(sizeof(struct block) % _Alignof(max_align_t) == 0, "blocks are aligned");

struct big {
    struct big *previous, *next; /* of the owner */
    struct block block;
};

struct chunk {
    _Alignas(max_align_t) struct chunk *next;
};

struct owner {
    struct node *node; /* NULL: nobody */
    struct owner *next;
    struct chunk *chunks; /* the first one is being cut */
    size_t cut;           /* bytes of it that are */
    struct block *free[CLASSES];
    struct big *bigs;
};

static struct {
    bool ready;
    struct world *world; /* whose nodes allocate; NULL: nobody does */
    unsigned users;      /* VFSs */
    struct owner nobody; /* the first of the list of owners */
    struct owner *last;  /* the one found last; NULL: none */
    struct chunk *spare; /* of the dead */
    bool refuses;        /* something speaks of the fault point */
} sqlite;

/* ---- owners ---- */

static struct owner *owner_find(const struct node *node)
{
    struct owner *owner = &sqlite.nobody;
    while (owner && owner->node != node)
        owner = owner->next;
    return owner;
}

static struct owner *owner_new(struct node *node)
{
    struct owner *owner = disk_alloc(sizeof *owner);
    owner->node = node;
    owner->next = sqlite.nobody.next;
    sqlite.nobody.next = owner;
    return owner;
}

static inline struct owner *owner_now(void)
{
    struct node *node = sqlite.world ? sqlite.world->current : NULL;
    if (sqlite.last && sqlite.last->node == node)
        return sqlite.last;
    struct owner *owner = owner_find(node);
    sqlite.last = owner ? owner : owner_new(node);
    return sqlite.last;
}

static void owner_free(struct owner *owner)
{
    for (struct chunk *next, *chunk = owner->chunks; chunk; chunk = next) {
        next = chunk->next;
        chunk->next = sqlite.spare;
        sqlite.spare = chunk;
    }
    for (struct big *next, *big = owner->bigs; big; big = next) {
        next = big->next;
        free(big);
    }
    if (sqlite.last == owner)
        sqlite.last = NULL;
    free(owner);
}

/* ---- sizes ---- */

static inline uint32_t class_of(uint32_t size)
{
    if (size <= SMALL_MAX)
        return size ? (size - 1) / STEP : 0;
    if (size > BLOCK_MAX)
        return BIG;
    uint32_t doublings = 31 - (uint32_t)__builtin_clz((size - 1) / SMALL_MAX);
    uint32_t quarter = (SMALL_MAX << doublings) / 4;
    return SMALL_CLASSES + 4 * doublings + (size - 1 - (SMALL_MAX << doublings)) / quarter;
}

static uint32_t class_size(uint32_t class)
{
    if (class < SMALL_CLASSES)
        return (class + 1) * STEP;
    uint32_t doublings = (class - SMALL_CLASSES) / 4, quarters = (class - SMALL_CLASSES) % 4 + 1;
    return (SMALL_MAX << doublings) / 4 * (4 + quarters);
}

/* ---- blocks ---- */

static struct block *big_new(struct owner *owner, uint32_t size)
{
    struct big *big = malloc(sizeof *big + size);
    if (!big)
        return NULL;
    *big = (struct big){.next = owner->bigs, .block = {.size = size, .class = BIG}};
    if (big->next)
        big->next->previous = big;
    owner->bigs = big;
    return &big->block;
}

static void big_free(struct block *block)
{
    struct big *big = (struct big *)((char *)block - offsetof(struct big, block));
    *(big->previous ? &big->previous->next : &block->owner->bigs) = big->next;
    if (big->next)
        big->next->previous = big->previous;
    free(big);
}

static bool chunk_add(struct owner *owner)
{
    struct chunk *chunk = sqlite.spare;
    if (chunk)
        sqlite.spare = chunk->next;
    else
        chunk = malloc(CHUNK_SIZE);
    if (!chunk)
        return false;
    chunk->next = owner->chunks;
    owner->chunks = chunk;
    owner->cut = sizeof *chunk;
    return true;
}

/* What is left of a chunk that is too short is not used: that is a few percent at worst, since page caches, the largest
 * users, take blocks of one size. */
static struct block *block_cut(struct owner *owner, uint32_t class)
{
    uint32_t size = class_size(class);
    if ((!owner->chunks || CHUNK_SIZE - owner->cut < sizeof(struct block) + size) &&
        !chunk_add(owner))
        return NULL;
    struct block *block = (struct block *)((char *)owner->chunks + owner->cut);
    owner->cut += sizeof *block + size;
    block->size = size;
    block->class = class;
    return block;
}

static struct block *block_of(void *data)
{
    return (struct block *)data - 1;
}

/* ---- sqlite3_mem_methods ---- */

static bool refused(const struct owner *owner, int size)
{
    return owner->node && FAULT(&owner->node->site, "memory/sqlite/alloc", CAN_ERROR | POINT_QUIET,
                                T_STR("heap", "sqlite"), T_I64("size", size)) != 0;
}

/* Apart from what is mostly done: that needs no registers saved. */
static __attribute__((noinline)) void *memory_malloc_anyhow(int size)
{
    struct owner *owner = owner_now();
    if (sqlite.refuses && refused(owner, size))
        return NULL;
    uint32_t class = class_of((uint32_t)size);
    struct block *block;
    if (class == BIG) {
        block = big_new(owner, (uint32_t)size);
    } else if (owner->free[class]) {
        block = owner->free[class];
        owner->free[class] = block->next_free;
    } else {
        block = block_cut(owner, class);
    }
    if (!block)
        return NULL;
    block->owner = owner;
    return block + 1;
}

/* A small block that was there before, for the same owner as the last one. */
static void *memory_malloc(int size)
{
    struct owner *owner = sqlite.last;
    struct world *world = sqlite.world;
    if (size <= 0 || size > (int)SMALL_MAX || sqlite.refuses || !owner || !world ||
        owner->node != world->current)
        return memory_malloc_anyhow(size);
    struct block **free = &owner->free[((uint32_t)size - 1) / STEP], *block = *free;
    if (!block)
        return memory_malloc_anyhow(size);
    *free = block->next_free;
    block->owner = owner;
    return block + 1;
}

static void memory_free(void *data)
{
    if (!data)
        return;
    struct block *block = block_of(data);
    if (block->class == BIG) {
        big_free(block);
        return;
    }
    struct owner *owner = block->owner;
    block->next_free = owner->free[block->class];
    owner->free[block->class] = block;
}

static void *memory_realloc(void *data, int size)
{
    struct block *block = block_of(data);
    if (class_of((uint32_t)size) == block->class && block->class != BIG)
        return data;
    void *moved = memory_malloc(size);
    if (!moved)
        return NULL;
    memcpy(moved, data, block->size < (uint32_t)size ? block->size : (uint32_t)size);
    memory_free(data);
    return moved;
}

static int memory_size(void *data)
{
    return data ? (int)block_of(data)->size : 0;
}

static int memory_round_up(int size)
{
    uint32_t class = class_of((uint32_t)size);
    return class == BIG ? (size + 7) & ~7 : (int)class_size(class);
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

void disk_sqlite_refuse(bool on)
{
    sqlite.refuses = on;
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
        owner_free(owner);
        break;
    }
}
