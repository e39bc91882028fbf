/* runs.c: see runs.h. Few attempts run at once, so a row of them is searched from end to end. */
#include "properties/runs.h"
#include "properties/array.h"

#include <stdlib.h>

struct run_span *runs_open(struct runs *runs, struct run_span span)
{
    runs->spans = array_grow(runs->spans, runs->count, &runs->capacity, sizeof *runs->spans);
    runs->spans[runs->count] = span;
    return &runs->spans[runs->count++];
}

void runs_done(struct runs *runs)
{
    free(runs->spans);
    *runs = (struct runs){0};
}

size_t runs_count(const struct runs *runs, uint32_t node, uint64_t queue)
{
    size_t count = 0;
    for (size_t i = 0; i < runs->count; i++)
        count += runs->spans[i].node == node && runs->spans[i].queue == queue;
    return count;
}

static void runs_close(struct runs *runs, bool (*over)(const struct run_span *, const void *),
                       const void *arg)
{
    size_t left = 0;
    while (left < runs->count && !over(&runs->spans[left], arg))
        left++;
    for (size_t i = left; i < runs->count; i++) {
        if (!over(&runs->spans[i], arg))
            runs->spans[left++] = runs->spans[i];
    }
    runs->count = left;
}

static bool same_run(const struct run_span *span, const void *arg)
{
    const struct run_span *ended = arg;
    return span->node == ended->node && span->job == ended->job && span->lease == ended->lease;
}

static bool same_process(const struct run_span *span, const void *arg)
{
    const struct run_span *ended = arg;
    return span->node == ended->node && span->actor == ended->actor;
}

static bool same_node(const struct run_span *span, const void *arg)
{
    return span->node == *(const uint32_t *)arg;
}

void runs_on_end(struct judge *judge, void *runs, const struct event *event)
{
    (void)judge;
    runs_close(runs, same_run,
               &(struct run_span){.node = event->node,
                                  .job = event_key(event),
                                  .lease = event_u64(event, "lease")});
}

void runs_on_process_exit(struct judge *judge, void *runs, const struct event *event)
{
    (void)judge;
    runs_close(runs, same_process,
               &(struct run_span){.node = event->node, .actor = event_key(event)});
}

void runs_on_node_gone(struct judge *judge, void *runs, const struct event *event)
{
    (void)judge;
    runs_close(runs, same_node, &event->node);
}
