/* tell.c: NOTIFY and LISTEN. Who notifies in a transaction holds up the commits of the whole server until its own has reached
 * the disk; so what is told is told behind the commit, in a transaction that writes nothing, and its answer is read with the
 * next request. What is lost when a node dies in between, the others find by polling.
 *
 *     store    request --commit--> tell (not within STORE_TELL_MS of the same) ~~~ the answer is owed ~~~> next request
 *     watch    none --connect, LISTEN--> listens --notification--> news, ...      who has just begun to listen is told to look:
 *                ^                          |                                     nobody knows what it missed
 *                +-------- lost, late ------+ (asked every PING_MS whether it still hears)
 *
 * A notification's payload is a queue in which there are jobs now, or nothing: look. A handle does not hear what it told.
 */
#include "sut/store/pg/internal.h"
#include "sut/store/watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { CHANNEL_SIZE = 64, PING_MS = 20000 };

/* One for each schema; of two schemas whose long names begin alike each also hears of the other, and finds nothing. */
static void channel_name(const struct pg_link *link, char channel[static CHANNEL_SIZE])
{
    int length = snprintf(channel, CHANNEL_SIZE, "duress_%s", link->options.schema);
    if (length < CHANNEL_SIZE)
        return;
    length = CHANNEL_SIZE - 1;
    while (((unsigned char)channel[length - 1] & 0xc0) == 0x80)
        --length; /* no half of a character */
    if ((unsigned char)channel[length - 1] >= 0xc0)
        --length;
    channel[length] = '\0';
}

/* ---- telling ---- */

static bool news_send(struct pg_link *link, struct heap *heap, const char *const *items,
                      size_t count)
{
    char channel[CHANNEL_SIZE];
    struct pg_params params = {0};
    channel_name(link, channel);
    pg_set_text(&params, 1, channel);
    pg_set_texts(&params, 2, heap, items, count);
    return PQsendQueryParams(link->conn, "SELECT pg_notify($1,n)FROM unnest($2)AS n", params.count,
                             params.types, params.values, params.lengths, params.formats, 1);
}

/* Was the same told a moment ago? Then whoever heard it looks once more, later than now. */
static bool told_lately(struct pg_store *store, const char *queue, int64_t now_ns)
{
    struct pg_told *oldest = store->told, *same = NULL;
    for (struct pg_told *each = store->told; each < store->told + PG_TOLD && !same; ++each) {
        if (each->at_ns && strcmp(each->queue, queue) == 0)
            same = each;
        oldest = each->at_ns < oldest->at_ns ? each : oldest;
    }
    if (same && now_ns - same->at_ns < STORE_TELL_MS * NS_PER_MS)
        return true;
    same = same ? same : oldest;
    snprintf(same->queue, sizeof same->queue, "%s", queue);
    same->at_ns = now_ns;
    return false;
}

/* In the transaction of the caller: when that commits. */
static void tell_in(struct tx *tx, const struct store_news *news)
{
    struct pg_link *link = &tx_pg(tx)->link;
    struct pg_error error = {0};
    const char *items[STORE_NEWS_QUEUES + 1] = {""};
    size_t count = news->look;
    for (size_t i = 0; i < news->count; ++i)
        items[count++] = news->queues[i];
    if (!news_send(link, tx->heap, items, count))
        pg_lost(link, &error);
    if (link->conn)
        pg_settle(link, &error);
    tx_fail_pg(tx, &error);
}

void pg_tell(struct tx *tx, const struct store_news *news)
{
    struct pg_store *store = tx_pg(tx);
    struct pg_link *link = &store->link;
    const char *items[STORE_NEWS_QUEUES + 1];
    size_t count = 0;
    int64_t now_ns = pg_now_ns();
    if (link->borrowed) {
        tell_in(tx, news);
        return;
    }
    if (news->look && !told_lately(store, "", now_ns))
        items[count++] = "";
    for (size_t i = 0; i < news->count; ++i)
        if (!told_lately(store, news->queues[i], now_ns))
            items[count++] = news->queues[i];
    if (count == 0 || !link->conn)
        return;
    link->owed = news_send(link, tx->heap, items, count);
    if (link->owed)
        PQflush(link->conn); /* what does not leave now leaves with the next request */
}

void pg_tell_settle(struct pg_link *link)
{
    struct pg_error nobody = {0};
    if (!link->conn || !link->owed)
        return;
    link->owed = false;
    pg_settle(link, &nobody);
}

/* ---- hearing ---- */

struct pg_watch {
    struct store_watch base;
    struct heap *heap;
    struct pg_link link; /* of its own */
    const struct pg_store *store;
    int bell; /* eventfd: interrupted */
};

/* On a new connection. */
static void watch_listen(struct pg_watch *watch, struct pg_error *error)
{
    struct pg_link *link = &watch->link;
    char channel[CHANNEL_SIZE], sql[2 * CHANNEL_SIZE + 16];
    channel_name(link, channel);
    char *name = PQescapeIdentifier(link->conn, channel, strlen(channel));
    if (name)
        snprintf(sql, sizeof sql, "LISTEN %s", name);
    else
        pg_lost(link, error);
    PQfreemem(name);
    pg_run(link, error, sql);
}

/* All that has come; what the store itself told is none of it. */
static bool watch_take(struct pg_watch *watch, struct store_news *news)
{
    PGnotify *notify;
    int own = __atomic_load_n(&watch->store->backend_pid, __ATOMIC_RELAXED);
    for (; (notify = PQnotifies(watch->link.conn)); PQfreemem(notify))
        if (notify->be_pid == own)
            continue;
        else if (*notify->extra && strlen(notify->extra) <= JOB_QUEUE_MAX)
            store_news_add(news, notify->extra);
        else
            news->look = true;
    return news->look || news->count;
}

/* Until something can be read, or it is time to ask whether the server is still there. False: interrupted. */
static bool watch_sleep(struct pg_watch *watch, struct pg_error *error)
{
    struct pollfd fds[] = {{.fd = PQsocket(watch->link.conn), .events = POLLIN},
                           {.fd = watch->bell, .events = POLLIN}};
    int ready = poll(fds, 2, PING_MS);
    if (fds[1].revents)
        return false;
    watch->link.deadline_ns = pg_now_ns() + watch->link.options.call_ms * NS_PER_MS;
    if (ready == 0)
        pg_run(&watch->link, error, "");
    else if (ready > 0 && !PQconsumeInput(watch->link.conn))
        pg_lost(&watch->link, error);
    return true;
}

static bool interrupted(const struct pg_watch *watch)
{
    uint64_t count;
    return read(watch->bell, &count, sizeof count) == sizeof count;
}

static void watch_wait(struct store_watch *base, struct store_news *news)
{
    struct pg_watch *watch = (struct pg_watch *)base;
    struct pg_error error = {0};
    if (!watch->link.conn) {
        pg_link_begin(&watch->link, &error);
        if (!error.err)
            watch_listen(watch, &error);
        news->look = !error.err;
    }
    while (!error.err && !watch_take(watch, news) && watch_sleep(watch, &error))
        ;
    if (error.err)
        pg_link_drop(&watch->link);
    if (interrupted(watch))
        error = (struct pg_error){.err = -ECANCELED, .why = "interrupted"};
    news->err = error.err;
    snprintf(news->why, sizeof news->why, "%s", error.why);
}

static void watch_interrupt(struct store_watch *base)
{
    uint64_t one = 1;
    ssize_t written = write(((struct pg_watch *)base)->bell, &one, sizeof one);
    (void)written; /* it cannot block before it has rung 2^64 times */
}

static void watch_close(struct store_watch *base)
{
    struct pg_watch *watch = (struct pg_watch *)base;
    pg_link_drop(&watch->link);
    close(watch->bell);
    heap_free(watch->heap);
}

static const struct store_watch_ops watch_ops = {
    .wait = watch_wait, .interrupt = watch_interrupt, .close = watch_close};

struct store_watch *store_pg_watch(struct store_db *db)
{
    const struct pg_store *store = (const struct pg_store *)db;
    const struct store_pg_options *options = &store->link.options;
    int bell = options->pooled ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell < 0)
        return NULL;
    struct heap *heap = heap_child(options->env->heap);
    struct pg_watch *watch = heap_alloc(heap, sizeof *watch);
    *watch =
        (struct pg_watch){.base = {.ops = &watch_ops}, .heap = heap, .store = store, .bell = bell};
    pg_link_init(&watch->link, heap, options);
    return &watch->base;
}
