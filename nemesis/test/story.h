/* story.h: a run of nemeses in the zoo, and questions about what they left in the trace. */
#ifndef DURESS_TEST_STORY_H
#define DURESS_TEST_STORY_H

#include "nemesis/test/zoo.h"

#include "harness/engine.h"
#include "nemesis/kinds.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static inline struct range fixed(int64_t seconds)
{
    return (struct range){seconds * SECOND, seconds * SECOND};
}

/* What a run of nemeses left in the trace. */
struct story {
    struct zoo zoo;
    void *engine;
};

static inline struct story story_open(struct tape *tape, struct scenario *scenario)
{
    struct story story = {.zoo = zoo_open(tape)};
    story.engine = nemesis_engine.start(story.zoo.world, scenario);
    return story;
}

static inline void story_close(struct story *story)
{
    nemesis_engine.stop(story->engine);
    zoo_close(&story->zoo);
}

static inline unsigned count_of(const struct story *story, const char *point)
{
    struct trace_cursor cursor = {0};
    struct event event;
    unsigned count = 0;
    while (trace_next(story->zoo.trace, &cursor, &event))
        count += strcmp(event.point->name, point) == 0;
    return count;
}

/* The times of the events of a point, in seconds since the start, each preceded by a blank. */
static inline const char *times_of(const struct story *story, const char *point, char *out,
                                   size_t size)
{
    struct trace_cursor cursor = {0};
    struct event event;
    size_t used = 0;
    out[0] = '\0';
    while (used < size && trace_next(story->zoo.trace, &cursor, &event))
        if (strcmp(event.point->name, point) == 0)
            used += (size_t)snprintf(out + used, size - used, " %ld",
                                     (long)((event.time_ns - WORLD_START_NS) / SECOND));
    return out;
}

/* Directions that are cut or slow at this moment. */
static inline unsigned broken_links(const struct zoo *zoo)
{
    unsigned broken = 0;
    for (size_t from = 0; from < 3; from++) {
        for (size_t to = 0; to < 3; to++) {
            const struct link *link = world_link(zoo->world, zoo->nodes[from], zoo->nodes[to]);
            cr_assert(from != to || (!link->cut && link->slow_ns == 0));
            broken += link->cut || link->slow_ns != 0;
        }
    }
    return broken;
}

#endif
