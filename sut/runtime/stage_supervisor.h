/* stage_supervisor.h: a process for each event, as Elixir's ConsumerSupervisor (GST-31).
 *
 * A consumer that starts a child for each event that comes, below a dynamic supervisor of its own: at most max_demand of them
 * at once for each subscription. It asks for more when as many as min_demand have ended since it asked last (at least one). A
 * child that is restarted has not ended. When there are too many restarts all of it ends, with shutdown.
 */
#ifndef SUT_STAGE_SUPERVISOR_H
#define SUT_STAGE_SUPERVISOR_H

#include "sut/runtime/stage.h"
#include "sut/runtime/supervisor.h"

struct stage_supervisor_spec {
    const char *label;            /* not copied */
    proc_main *main;              /* of each child; its arg is a copy of the event's bytes */
    enum restart_type restart;    /* TRANSIENT or TEMPORARY: a permanent child would never end */
    int64_t shutdown_ns;          /* as in struct child_spec */
    unsigned intensity, period_s; /* SUPERVISOR_DEFAULTS */
    const struct stage_subscription *subscriptions;
    size_t subscription_count;
};

/* As stage_start_link() and stage_start(). */
struct started stage_supervisor_start_link(struct proc *self,
                                           const struct stage_supervisor_spec *spec);
struct started stage_supervisor_start(struct proc *self, const struct stage_supervisor_spec *spec);

/* Children that have not ended. Errors as server_call(). */
int64_t stage_supervisor_count(struct proc *self, proc_id stage, int64_t timeout_ns);

#endif
