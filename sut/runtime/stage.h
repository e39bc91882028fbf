/* stage.h: producers and consumers of events with real back-pressure, as Elixir's GenStage (GST- rules).
 *
 *     PRODUCER ──events──▶ PRODUCER_CONSUMER ──events──▶ CONSUMER
 *              ◀──demand──                   ◀──demand──
 *
 * Events go downstream only as far as they were asked for. A consumer asks for max_demand when it subscribes, and again as it
 * works them off: each batch of at most max - min is counted when it has been handled, and at min_demand it asks for
 * the rest up to max (GST-02 .. GST-06). What a producer emits unasked waits in its buffer (GST-09).
 *
 * How demand becomes events, for every dispatcher:
 *
 *     wanted = what consumers have asked for and not got (DEMAND: the sum; BROADCAST: the least; PARTITION: the sum, less what
 *              waits for partitions without demand)
 *     first the buffer is served; then the `demand` function is called for wanted - outstanding, where outstanding is what it
 *     was called for before and has not emitted since
 *
 * So nothing is asked for twice, also when consumers come and go (GST-13, GST-17), and nothing waits in the buffer while every
 * consumer has demand (GST-21).
 *
 * A stage is a server (server.h): it has its own state and handles calls, casts and other messages besides. A stage function ends
 * its stage with proc_exit(), which calls `terminate`, as in any server.
 */
#ifndef SUT_STAGE_H
#define SUT_STAGE_H

#include "sut/runtime/server.h"

enum { MSG_STAGE = 11 };

enum stage_type { STAGE_PRODUCER, STAGE_PRODUCER_CONSUMER, STAGE_CONSUMER };
enum stage_dispatch {
    DISPATCH_DEMAND,    /* to who asked for most; ties in the order of asking (GST-12) */
    DISPATCH_BROADCAST, /* to all, as fast as the slowest (GST-16) */
    DISPATCH_PARTITION, /* to the one consumer of the event's partition (GST-22) */
};
/* What a consumer does when its producer cancels or is down (GST-25): exits with the reason; only if that is not calm; stays. */
enum stage_cancel { CANCEL_PERMANENT, CANCEL_TRANSIENT, CANCEL_TEMPORARY };
enum stage_mode {
    STAGE_AUTOMATIC,
    STAGE_MANUAL
}; /* who asks for events: the stage, or stage_ask() */
enum stage_side { STAGE_UPSTREAM, STAGE_DOWNSTREAM }; /* where the other one is */

struct stage_event {
    const void *data; /* aligned to 16 */
    size_t size;
};

/* One subscription, as one of its sides sees it: who is on the other one. */
struct stage_from {
    proc_id pid;
    ref_id ref;
};

#define STAGE_MIN_ZERO UINT32_MAX

struct stage_subscription {
    proc_id to;
    uint32_t max_demand; /* 0: 1000 */
    uint32_t min_demand; /* below max; 0: half of max; STAGE_MIN_ZERO: 0 (GST-01) */
    enum stage_cancel cancel;
    uint32_t partition; /* DISPATCH_PARTITION */
    /* DISPATCH_BROADCAST: only events of which it says so; runs in the producer. NULL: all (GST-18). */
    bool (*selector)(const struct stage_event *event, void *ctx);
    void *selector_ctx;
};

/* With the defaults put in. */
uint32_t stage_max(const struct stage_subscription *subscription);
uint32_t stage_min(const struct stage_subscription *subscription);

/* Those that are NULL: see each. `state` has state_size bytes, zeroed before init. */
struct stage_ops {
    struct server_next (*init)(struct proc *self, void *state, const void *arg); /* as a server's */
    /* So many events are asked for: stage_emit() them, now or later. Producers only. NULL: they come from elsewhere. */
    void (*demand)(struct proc *self, void *state, uint64_t count);
    /* Events came. Consumers and producer-consumers; they need it. `events` lives until it returns. */
    void (*events)(struct proc *self, void *state, const struct stage_event *events, size_t count,
                   struct stage_from from);
    /* A subscription begins. For consumers the answer counts. NULL: automatic. */
    enum stage_mode (*subscribe)(struct proc *self, void *state, enum stage_side side,
                                 const struct stage_subscription *subscription,
                                 struct stage_from from);
    /* A subscription is over: the other one cancelled it, or is down. */
    void (*cancel)(struct proc *self, void *state, enum stage_side side, struct reason why,
                   struct stage_from from);
    /* As a server's. Events that they emit go out before the reply does (GST-28). */
    struct server_next (*call)(struct proc *self, void *state, const struct message *request);
    struct server_next (*cast)(struct proc *self, void *state, const struct message *message);
    struct server_next (*info)(struct proc *self, void *state, const struct message *message);
    void (*terminate)(struct proc *self, void *state, struct reason reason);
};

struct stage_spec {
    const char *label;
    const char *name;
    enum stage_type type;
    const struct stage_ops *ops; /* not copied */
    size_t state_size;
    const void *arg; /* as in struct server_spec */
    size_t arg_size;
    bool trap_exit;
    /* Producers and producer-consumers: */
    enum stage_dispatch dispatch;
    uint32_t partitions; /* DISPATCH_PARTITION: how many */
    /* Which one; below 0: none, the event is dropped; beyond them: the stage fails (GST-22). */
    int64_t (*partition_of)(const struct stage_event *event, void *ctx);
    void *partition_ctx;
    size_t buffer_max; /* 0: 10,000; of producer-consumers: without limit */
    bool keep_first;   /* what overflows: the new ones; else the oldest */
    bool accumulate;   /* demand waits until stage_demand_forward() (GST-11) */
    /* Consumers and producer-consumers: to whom they subscribe when they start. */
    const struct stage_subscription *subscriptions;
    size_t subscription_count;
};

/* As server_start_link() and server_start(); also an error: a contradiction in the specification. */
struct started stage_start_link(struct proc *self, const struct stage_spec *spec);
struct started stage_start(struct proc *self, const struct stage_spec *spec);

/* Subscribes a consumer, and waits until it has. 0; -EINVAL: not a consumer, or demands that contradict each other; else as
 * server_call(). A dead producer is no error here: the consumer gets to know (GST-26). */
int stage_subscribe(struct proc *self, proc_id consumer,
                    const struct stage_subscription *subscription, int64_t timeout_ns,
                    struct stage_from *ret_from);
/* Lets a producer that accumulates demand begin: each ask is forwarded, in order. */
void stage_demand_forward(struct runtime *runtime, proc_id producer);

/* ---- in a stage ---- */

/* One event downstream, when the function that is running returns. Copied. */
void stage_emit(struct proc *self, const void *data, size_t size);
/* Manual mode: asks the producer for so many. Nothing when there is no such subscription (any more). */
void stage_ask(struct proc *self, struct stage_from producer, uint64_t count);
/* Ends a subscription; the other one is told why. A consumer goes on until the producer has confirmed, and then does as its
 * `cancel` says. */
void stage_unsubscribe(struct proc *self, struct stage_from other, struct reason why);

/* ---- looking inside ---- */

struct stage_info {
    size_t consumers, producers;
    size_t buffered; /* events that nobody has asked for */
    size_t
        queued; /* events for partitions without demand; in a producer-consumer: that came and wait for demand */
    uint64_t wanted;      /* see above */
    uint64_t outstanding; /* likewise */
    uint64_t dropped;     /* by the buffer, so far */
};
/* Errors as server_call(). */
int stage_inspect(struct proc *self, proc_id stage, int64_t timeout_ns,
                  struct stage_info *ret_info);

#endif
