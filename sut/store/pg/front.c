/* front.c: claims behind rows that are dead and cannot go.
 *
 * A claim walks the index of available jobs from its beginning. What was claimed before still stands there until the server removes
 * it, and as long as somebody's transaction is open that is older (a report, a forgotten session, a dump), it cannot: each
 * claim would walk by all that was claimed since. So where the walk was long, the claims after it begin where the last one
 * ended, its front, one for each priority:
 *
 *     near --a walk of many pages--> far: claims begin at the front   --a whole walk was short again--> near
 *                                     |   ^
 *                                     +---+ now and then the whole is walked
 *
 * What comes to stand before the front (a rescued job, one whose insert was committed late) is found by the next whole walk: the
 * longer those take, the rarer they are, so that they cost an eighth of the time, and REST_MOST apart at most.
 *
 * Looks (pg_stage) walk, too: where that was long they are brief until the same rest is over, and send the queues to see for
 * themselves. What is due waits that long. */
#include "sut/store/pg/internal.h"

#include <stdio.h>
#include <string.h>

enum { MEASURED_EACH = 8, PAGES_SHORT = 48, ROWS_PER_PAGE = 32, WALKS_REST = 8 };
#define REST_MOST (10 * NS_PER_S)

/* Of which nothing is known yet, in place of the one that was used the longest time ago. */
static struct pg_front *front_new(struct pg_store *store, const char *queue)
{
    struct pg_front *front = &store->fronts[0];
    for (struct pg_front *each = store->fronts; each < store->fronts + PG_FRONTS; ++each)
        front = each->used < front->used ? each : front;
    *front = (struct pg_front){0};
    snprintf(front->queue, sizeof front->queue, "%s", queue);
    for (int i = 0; i < PG_PRIORITIES; ++i)
        front->ms[i] = INT64_MIN;
    return front;
}

struct pg_front *pg_front_of(struct pg_store *store, const char *queue)
{
    struct pg_front *front = store->fronts;
    while (front < store->fronts + PG_FRONTS && (!front->used || strcmp(front->queue, queue) != 0))
        ++front;
    if (front == store->fronts + PG_FRONTS)
        front = front_new(store, queue);
    front->used = ++store->fronts_used;
    return front;
}

enum pg_walk pg_front_walk(struct pg_front *front)
{
    if (front->far)
        return pg_now_ns() < front->whole_ns ? PG_WALK_FRONT : PG_WALK_MEASURED;
    return front->claims++ % MEASURED_EACH == 0 ? PG_WALK_MEASURED : PG_WALK_WHOLE;
}

int64_t pg_walk_rest(int64_t took_ns)
{
    int64_t rest_ns = took_ns * WALKS_REST;
    return rest_ns < REST_MOST ? rest_ns : REST_MOST;
}

static const char *name_once(struct pg_store *store, const char **name, const char *table)
{
    if (!*name)
        *name = pg_translate(&store->link, table);
    return *name;
}

const char *pg_available_index(struct pg_store *store)
{
    return name_once(store, &store->index, "duress_jobs_available");
}

const char *pg_wake_index(struct pg_store *store)
{
    return name_once(store, &store->wake_index, "duress_jobs_wake");
}

void pg_front_learn(struct pg_front *front, int64_t pages, size_t claimed, int64_t took_ns)
{
    front->far = pages > PAGES_SHORT + (int64_t)claimed / ROWS_PER_PAGE;
    front->whole_ns = pg_now_ns() + pg_walk_rest(took_ns);
}

void pg_front_advance(struct pg_front *front, const struct job *jobs, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        const struct job *job = &jobs[i];
        int64_t *ms = &front->ms[job->priority], *id = &front->ids[job->priority];
        if (job->scheduled_ms < *ms || (job->scheduled_ms == *ms && (int64_t)job->id <= *id))
            continue;
        *ms = job->scheduled_ms;
        *id = (int64_t)job->id;
    }
}

void pg_front_bind(struct pg_params *params, int index, struct heap *heap,
                   const struct pg_front *front)
{
    int64_t priorities[PG_PRIORITIES];
    for (int i = 0; i < PG_PRIORITIES; ++i)
        priorities[i] = i;
    pg_set_ints(params, index, heap, priorities, PG_PRIORITIES);
    pg_set_ints(params, index + 1, heap, front->ms, PG_PRIORITIES);
    pg_set_ints(params, index + 2, heap, front->ids, PG_PRIORITIES);
}
