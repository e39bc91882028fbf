/* clocks.c: the wall clocks of nodes, as pieces of straight lines: one for each event that changed one. */
#include "properties/clocks.h"
#include "properties/array.h"

#include <stdlib.h>

#define MILLION INT64_C(1000000)

void clocks_event(struct clocks *clocks, const struct event *event)
{
    clocks->spans =
        array_grow(clocks->spans, clocks->count, &clocks->capacity, sizeof *clocks->spans);
    clocks->spans[clocks->count++] = (struct clock_span){.node = event->node,
                                                         .from_ns = event->time_ns,
                                                         .ahead_ns = event_i64(event, "ahead_ns"),
                                                         .ppm = event_i64(event, "ppm")};
}

void clocks_done(struct clocks *clocks)
{
    free(clocks->spans);
}

static int64_t span_wall(const struct clock_span *span, int64_t time_ns)
{
    int64_t passed = time_ns - span->from_ns;
    return time_ns + span->ahead_ns + passed / MILLION * span->ppm +
           passed % MILLION * span->ppm / MILLION;
}

/* The last line of the node that begins no later; a line that begins before all of them is exact. */
static struct clock_span span_at(const struct clocks *clocks, uint32_t node, int64_t time_ns)
{
    for (size_t i = clocks->count; i-- > 0;)
        if (clocks->spans[i].node == node && clocks->spans[i].from_ns <= time_ns)
            return clocks->spans[i];
    return (struct clock_span){.node = node};
}

int64_t clocks_wall(const struct clocks *clocks, uint32_t node, int64_t time_ns)
{
    struct clock_span span = span_at(clocks, node, time_ns);
    return span_wall(&span, time_ns);
}

/* A clock shows the most at the end, or right before one of its changes: no line goes down. */
int64_t clocks_latest(const struct clocks *clocks, uint32_t node, int64_t from_ns, int64_t to_ns)
{
    int64_t latest = clocks_wall(clocks, node, to_ns);
    struct clock_span before = span_at(clocks, node, from_ns);
    for (size_t i = 0; i < clocks->count; i++) {
        const struct clock_span *span = &clocks->spans[i];
        if (span->node != node || span->from_ns < from_ns || span->from_ns > to_ns)
            continue;
        int64_t shown = span_wall(&before, span->from_ns);
        latest = shown > latest ? shown : latest;
        before = *span;
        shown = span_wall(span, span->from_ns);
        latest = shown > latest ? shown : latest;
    }
    return latest;
}
