/* clocks.h: what time a node believed it was, from the events of its clock. For properties about promises that are
 * kept by the clock of the database: "due in ten minutes" means ten of *its* minutes. A node without such events
 * has an exact clock. The state of such a property lists ON_CLOCK(handler) and calls clocks_event() there. */
#ifndef PROPERTIES_CLOCKS_H
#define PROPERTIES_CLOCKS_H

#include "harness/property.h"
#include "properties/table.h"

/* From `from_ns` on the wall clock of the node was `ahead_ns` ahead, and gained `ppm`. */
struct clock_span {
    uint32_t node;
    int64_t from_ns, ahead_ns, ppm;
};

struct clocks {
    struct clock_span *spans; /* in the order of time */
    size_t count, capacity;
};

void clocks_event(struct clocks *clocks, const struct event *event);
void clocks_done(struct clocks *clocks);
/* The node's wall clock at this time, in virtual time plus what it was ahead. */
int64_t clocks_wall(const struct clocks *clocks, uint32_t node, int64_t time_ns);
/* The latest that it showed at any moment in between, both ends included: a store handle never goes back. */
int64_t clocks_latest(const struct clocks *clocks, uint32_t node, int64_t from_ns, int64_t to_ns);

#define ON_CLOCK(handler)                                                                          \
    {                                                                                              \
        "world/clock/**", handler                                                                  \
    }

#endif
