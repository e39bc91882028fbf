/* watch.c: how processes on one database file wake each other. After a commit that others should hear of, the times of
 * the file are set to now; whoever watches it (inotify) is told that its attributes have changed. Nobody has to poll for that,
 * and unlike a write to the log it comes when the commit can be seen.
 *
 * A program that inserts with a connection of its own calls store_sqlite_tell() after its commit; what is done by hand
 * is found by polling. Through a path, never a descriptor: closing one would drop SQLite's locks. */
#include "sut/store/watch.h"
#include "sut/store/sqlite/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int store_sqlite_tell(const char *path)
{
    static const struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    return utimensat(AT_FDCWD, path, now, 0) == 0 ? 0 : -errno;
}

/* ---- telling ---- */

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

bool sqlite_tells(const struct store_sqlite_options *options)
{
    const char *path = options->path;
    return !options->vfs && *path && strcmp(path, ":memory:") != 0 &&
           strncmp(path, "file:", 5) != 0;
}

void sqlite_tell(struct tx *tx, const struct store_news *news)
{
    struct sqlite_store *store = tx_sqlite(tx);
    int64_t now = now_ns();
    (void)news; /* a look finds it */
    if (store->told_ns && now - store->told_ns < STORE_TELL_MS * NS_PER_MS)
        return;
    store->told_ns = now;
    store_sqlite_tell(store->options.path); /* if not, others poll */
}

/* ---- hearing ---- */

struct sqlite_watch {
    struct store_watch base;
    struct heap *heap;
    int inotify, bell; /* the latter an eventfd: interrupted */
};

/* What came is not looked at: only that something did. */
static bool drained(int fd)
{
    char bytes[4096] __attribute__((aligned(8)));
    bool any = false;
    while (read(fd, bytes, sizeof bytes) > 0)
        any = true;
    return any;
}

static void watch_wait(struct store_watch *base, struct store_news *news)
{
    const struct sqlite_watch *watch = (const struct sqlite_watch *)base;
    struct pollfd fds[] = {{.fd = watch->inotify, .events = POLLIN},
                           {.fd = watch->bell, .events = POLLIN}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    news->look = drained(watch->inotify);
    if (drained(watch->bell)) {
        news->err = -ECANCELED;
        snprintf(news->why, sizeof news->why, "interrupted");
    }
}

static void watch_interrupt(struct store_watch *base)
{
    uint64_t one = 1;
    ssize_t written = write(((struct sqlite_watch *)base)->bell, &one, sizeof one);
    (void)written; /* it cannot block before it has rung 2^64 times */
}

static void watch_close(struct store_watch *base)
{
    struct sqlite_watch *watch = (struct sqlite_watch *)base;
    close(watch->inotify);
    close(watch->bell);
    heap_free(watch->heap);
}

static const struct store_watch_ops watch_ops = {
    .wait = watch_wait, .interrupt = watch_interrupt, .close = watch_close};

struct store_watch *store_sqlite_watch(struct store_db *db)
{
    const struct sqlite_store *store = (const struct sqlite_store *)db;
    if (!store->base.tells)
        return NULL;
    struct heap *heap = heap_child(store->options.env->heap);
    struct sqlite_watch *watch = heap_alloc(heap, sizeof *watch);
    *watch = (struct sqlite_watch){.base = {.ops = &watch_ops},
                                   .heap = heap,
                                   .inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
                                   .bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (watch->bell >= 0 && inotify_add_watch(watch->inotify, store->options.path, IN_ATTRIB) >= 0)
        return &watch->base;
    watch_close(&watch->base);
    return NULL;
}
