/* watch.h: hearing at once of what other processes did to the store: that there are jobs in a queue, or that a look is worth it
 * (something that runs was cancelled, a queue was resumed, ...).
 *
 * It saves waiting, and nothing depends on it: whoever waits polls as well. Whoever changes something tells it after the
 * commit, each thing at most once in STORE_TELL_MS; so whoever hears it looks at once, and once more STORE_TELL_MS later: that
 * finds what was not told because it had just been.
 */
#ifndef SUT_STORE_WATCH_H
#define SUT_STORE_WATCH_H

#include "sut/jobs/job.h"

enum { STORE_TELL_MS = 5, STORE_NEWS_QUEUES = 8 };

struct store_news {
    int err; /* of a wait: it hears nothing; -ECANCELED: it was interrupted */
    char why[160];
    bool look;    /* whatever it is: the store knows. Also when something may have been missed. */
    size_t count; /* queues in which there are jobs now */
    char queues[STORE_NEWS_QUEUES][JOB_QUEUE_MAX + 1];
};

struct store_watch;

struct store_watch_ops {
    void (*wait)(struct store_watch *watch, struct store_news *news);
    void (*interrupt)(struct store_watch *watch);
    void (*close)(struct store_watch *watch);
};

struct store_watch {
    const struct store_watch_ops *ops;
};

/* Blocks until there are news, or an error; on any thread, one at a time. */
static inline void store_watch_wait(struct store_watch *watch, struct store_news *news)
{
    *news = (struct store_news){0};
    watch->ops->wait(watch, news);
}

/* From any thread: the wait under way, or else the next one, ends at once. */
static inline void store_watch_interrupt(struct store_watch *watch)
{
    if (watch)
        watch->ops->interrupt(watch);
}

/* Before the store of which it is. */
static inline void store_watch_close(struct store_watch *watch)
{
    if (watch)
        watch->ops->close(watch);
}

void store_news_add(struct store_news *news, const char *queue); /* op/tell.c */

#endif
