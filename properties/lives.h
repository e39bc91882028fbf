/* lives.h: the time of nodes: what is known by the number of a process ends with their lives (boots.h), and what is judged by how long
 * it took is not when somebody interfered with their time.
 */
#ifndef PROPERTIES_LIVES_H
#define PROPERTIES_LIVES_H

#include "properties/boots.h"

struct node_time {
    uint64_t disturbed; /* how often its time was interfered with: by a pause, or at its clock */
    bool paused;
    bool gone; /* it is down */
};

/* A state that begins with it can subscribe to ON_NODE_LIVES. */
struct lives {
    struct boots boots;
    struct table times; /* struct node_time, by node */
};

static inline struct node_time *lives_time(struct lives *lives, uint32_t node)
{
    return TABLE_AT(&lives->times, node, struct node_time);
}

/* Is it up, and running? */
static inline bool lives_runs(struct lives *lives, uint32_t node)
{
    const struct node_time *time = lives_time(lives, node);
    return !time->paused && !time->gone;
}

static inline void lives_done(struct lives *lives)
{
    table_done(&lives->boots.lives);
    table_done(&lives->times);
}

void lives_boot(struct judge *judge, void *lives, const struct event *event);
void lives_gone(struct judge *judge, void *lives, const struct event *event);
void lives_pause(struct judge *judge, void *lives, const struct event *event);
void lives_disturb(struct judge *judge, void *lives, const struct event *event);

#define ON_NODE_LIVES                                                                              \
    {"world/node/start", lives_boot}, {"world/node/kill", lives_gone},                             \
        {"world/node/poweroff", lives_gone}, {"world/node/stopped", lives_gone},                   \
        {"world/node/pause", lives_pause}, {"world/node/resume", lives_pause},                     \
    {                                                                                              \
        "world/clock/**", lives_disturb                                                            \
    }

#endif
