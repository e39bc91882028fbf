/* boots.h: processes are numbered from 1 again when their node boots. Keys that tell the lives of a node apart. The state
 * of a property that uses them begins with a struct boots, and it subscribes boots_next to world/node/start: until then
 * the dying may have words. */
#ifndef PROPERTIES_BOOTS_H
#define PROPERTIES_BOOTS_H

#include "properties/life.h"
#include "properties/table.h"

struct boots {
    struct table lives; /* by node: how many are over */
};

static inline uint64_t boots_of(struct boots *boots, uint32_t node)
{
    return *TABLE_AT(&boots->lives, node, uint64_t);
}

/* Of a process, a ref or whatever else is numbered, in the present life of its node. */
static inline uint64_t boots_key(struct boots *boots, uint32_t node, uint64_t id)
{
    return mix64_pair(mix64_pair(node, boots_of(boots, node)), id);
}

/* Whatever ran there is gone. */
static inline void boots_next(struct judge *judge, void *boots, const struct event *event)
{
    (void)judge;
    ++*TABLE_AT(&((struct boots *)boots)->lives, event->node, uint64_t);
}

#endif
