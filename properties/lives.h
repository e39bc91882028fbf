/* lives.h: processes by number, across the lives of nodes: a node that boots numbers its processes anew. */
#ifndef PROPERTIES_LIVES_H
#define PROPERTIES_LIVES_H

#include "properties/life.h"
#include "properties/table.h"

struct node_life {
    uint64_t generation; /* how often it has booted or gone */
    uint64_t disturbed;  /* how often its time was interfered with: by a pause, or at its clock */
    bool paused;
};

/* A state that begins with it can subscribe to ON_NODE_LIVES. */
struct lives {
    struct table nodes; /* struct node_life */
};

static inline struct node_life *lives_node(struct lives *lives, uint32_t node)
{
    return TABLE_AT(&lives->nodes, node, struct node_life);
}

/* The key of a process of the node as it is now. */
static inline uint64_t lives_key(struct lives *lives, uint32_t node, uint64_t pid)
{
    return mix64_pair(mix64_pair(node, lives_node(lives, node)->generation), pid);
}

static inline void lives_done(struct lives *lives)
{
    table_done(&lives->nodes);
}

void lives_gone(struct judge *judge, void *lives, const struct event *event);
void lives_pause(struct judge *judge, void *lives, const struct event *event);
void lives_disturb(struct judge *judge, void *lives, const struct event *event);

#define ON_NODE_LIVES                                                                              \
    ON_NODE_GONE(lives_gone), {"world/node/pause", lives_pause},                                   \
        {"world/node/resume", lives_pause},                                                        \
    {                                                                                              \
        "world/clock/**", lives_disturb                                                            \
    }

#endif
