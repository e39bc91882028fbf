/* queues.c: the processes of queues. */
#include "properties/watch.h"

static const struct property_on single_on[] = {
    ON_START("queue/process/start", .by = {"@node", "@actor"}, .group = {"@node", "queue"},
             .scope = {"@node"}),
    ON_END("proc/process/exit", .by = {"@node", "pid"}),
    ON_GONE_WITH_NODE,
    {0},
};

TRACE_PROPERTY(one_process_per_queue, .name = "a queue has one process on a node",
               .kind = PROPERTY_ALWAYS,
               .about = "Two of them claim twice as much as the limit allows, and each thinks that "
                        "it keeps to it. Trusts the runtime's record of processes.",
               .on = single_on, WATCH(.limit = 1));
