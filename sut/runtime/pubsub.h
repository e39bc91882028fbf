/* pubsub.h: publish and subscribe within a runtime.
 *
 * A topic is a key of a DUPLICATE registry, a subscription an entry of it; so a process may subscribe to a topic more than
 * once, and gets each message as often, and whatever ends it ends its subscriptions. Each subscription has metadata,
 * a value that whoever broadcasts may look at. Messages go out in the order of subscribing.
 *
 * `hub` is the id that pubsub_start() gave. -ESRCH: there is no such hub (any more).
 */
#ifndef SUT_PUBSUB_H
#define SUT_PUBSUB_H

#include "sut/runtime/registry.h"

/* As registry_start(). */
proc_id pubsub_start(struct runtime *runtime, proc_id parent, const char *name,
                     const struct error **ret_error);

int pubsub_subscribe(struct proc *self, proc_id hub, struct value topic, struct value metadata);
int pubsub_unsubscribe(struct proc *self, proc_id hub, struct value topic); /* all of its own */

struct broadcast {
    uint32_t tag; /* what they get: MSG_USER or above */
    const void *data;
    size_t size;
    proc_id except; /* 0: nobody; who broadcasts and does not want to hear it: oneself */
    /* NULL: all; else only those of whom it says so. Neither waits nor subscribes. */
    bool (*wanted)(proc_id subscriber, struct value metadata, void *ctx);
    void *ctx;
};
/* How many messages went out; those whose mailbox is full are left out. */
int64_t pubsub_broadcast(struct proc *self, proc_id hub, struct value topic,
                         const struct broadcast *broadcast);

int64_t pubsub_count(struct runtime *runtime, proc_id hub); /* subscriptions, to all topics */

#endif
