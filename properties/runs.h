/* runs.h: which attempts are running right now, on which node, as far as the trace tells.
 *
 * A run ends by itself (job/perform/stop), is ended (crash, timeout, lost), or ends with its
 * process, with the process of its queue (which it is linked to), or with its node.
 */
#ifndef PROPERTIES_RUNS_H
#define PROPERTIES_RUNS_H

#include "properties/life.h"

struct run_span {
    uint32_t node;
    uint64_t actor, job, lease;
    uint64_t queue; /* hash of the name; 0: not known */
};

/* Zeroed: nothing runs. In order of their start. */
struct runs {
    struct run_span *spans;
    size_t count, capacity;
};

struct run_span *runs_open(struct runs *runs,
                           struct run_span span); /* valid until the next change */
void runs_done(struct runs *runs);
size_t runs_count(const struct runs *runs, uint32_t node, uint64_t queue);

/* Handlers for a property whose state begins with a struct runs. */
void runs_on_end(struct judge *judge, void *runs, const struct event *event);
void runs_on_process_exit(struct judge *judge, void *runs, const struct event *event);
void runs_on_node_gone(struct judge *judge, void *runs, const struct event *event);

#define ON_RUN_END                                                                                 \
    {"job/perform/stop", runs_on_end}, {"job/perform/crash", runs_on_end},                         \
        {"job/perform/timeout", runs_on_end}, {"job/perform/lost", runs_on_end},                   \
        {"proc/process/exit", runs_on_process_exit}, ON_NODE_GONE(runs_on_node_gone)

#endif
