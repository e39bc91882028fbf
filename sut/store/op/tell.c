/* tell.c: what other processes should hear of a request once it is committed: see watch.h. What a claim or an acknowledgement
 * does concerns nobody else, unless it released jobs. */
#include "sut/store/sql.h"
#include "sut/store/watch.h"

#include <string.h>

void store_news_add(struct store_news *news, const char *queue)
{
    for (size_t i = 0; i < news->count; ++i)
        if (strcmp(news->queues[i], queue) == 0)
            return;
    if (news->count == STORE_NEWS_QUEUES)
        news->look = true;
    else
        strcpy(news->queues[news->count++], queue);
}

/* The names of queues have been checked. */
static void specs_tell(const struct tx *tx, struct store_news *news)
{
    const struct store_request *request = tx->request;
    const char *last = NULL;
    for (size_t i = 0; i < request->spec_count; ++i) {
        const struct job_spec *spec = &request->specs[i];
        const char *queue = spec->queue ? spec->queue : "default";
        if (job_spec_state(spec, tx->now_ms) != JOB_AVAILABLE || queue == last)
            continue;
        store_news_add(news, queue);
        last = queue;
    }
}

static void tell(struct tx *tx)
{
    const struct store_reply *reply = tx->reply;
    struct store_news news = {0};
    switch (tx->request->op) {
    case STORE_INSERT: specs_tell(tx, &news); break;
    case STORE_CANCEL: news.look = reply->cut_count > 0; break;
    case STORE_STAGE:
    case STORE_RESCUE:
    case STORE_RETRY:
    case STORE_UPDATE:
    case STORE_CRON_TICK:
    case STORE_QUEUE_SET:
    case STORE_QUEUE_FORGET: news.look = reply->changed > 0; break;
    default: break;
    }
    for (size_t i = 0; i < reply->woken_count; ++i)
        store_news_add(&news, reply->woken[i]);
    if (news.look || news.count)
        tx->store->backend->tell(tx, &news);
}

void tx_tell(struct tx *tx)
{
    if (tx->store->tells)
        tell(tx);
}
