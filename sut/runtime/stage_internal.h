/* stage_internal.h: the parts of a stage. Downstream are its consumers (`struct sink`), upstream its producers (`struct source`);
 * both are found by the ref of the subscription, which the consumer made. All memory is the process's.
 */
#ifndef SUT_STAGE_INTERNAL_H
#define SUT_STAGE_INTERNAL_H

#include "sut/runtime/error.h"
#include "sut/runtime/proc_internal.h"
#include "sut/runtime/server_internal.h"
#include "sut/runtime/stage.h"

/* ---- events that wait ---- */

struct stage_node {
    struct stage_node *next;
    size_t size;
    _Alignas(16) char data[];
};

struct stage_queue {
    struct stage_node *first, *last;
    size_t count;
};

/* ---- subscriptions ---- */

struct sink {
    struct sink *prev,
        *next; /* DEMAND: by demand, the largest first; else in the order of subscribing */
    struct id_node by_ref, by_monitor;
    struct stage_from from;
    uint64_t demand;
    struct stage_subscription subscription;
};

struct source {
    struct source *prev, *next;
    struct id_node by_ref;
    struct stage_from from;
    enum stage_cancel cancel;
    enum stage_mode mode;
    uint32_t min, max;
    uint64_t pending; /* asked for, and not handled */
    uint64_t open;    /* asked for, and not come */
};

/* What came and is not handled: a message of events, or the end of a subscription behind its events. */
struct arrival {
    struct arrival *next;
    struct stage_from from;
    struct envelope *envelope; /* NULL: the end, for `why` */
    const char *at;            /* the next event in it */
    uint64_t left;             /* events */
    uint64_t credit;           /* of them, those that were asked for */
    struct reason *why;
};

/* ---- what stages say to each other: the data of MSG_STAGE ---- */

enum stage_kind {
    SAY_SUBSCRIBE,    /* consumer to producer */
    SAY_ASK,          /* likewise; count */
    SAY_CANCEL,       /* likewise; why */
    SAY_EVENTS,       /* producer to consumer; count, and the events behind */
    SAY_CANCELLED,    /* likewise; why */
    SAY_SUBSCRIBE_TO, /* anybody to a consumer, as a call; answered by struct stage_subscribed */
    SAY_FORWARD,      /* anybody to a producer */
    SAY_INSPECT,      /* anybody, as a call */
    SAY_SERVE,        /* to itself: look again what is wanted */
};

struct stage_word {
    enum stage_kind kind;
    ref_id ref;
    uint64_t count;
    struct stage_subscription subscription;
    struct reason why;
};

struct
    stage_events { /* SAY_EVENTS; each event: its size in 16 bytes, then its bytes, rounded up to 16 */
    enum stage_kind kind;
    ref_id ref;
    uint64_t count;
    _Alignas(16) char bytes[];
};

struct stage_subscribed {
    int err;
    struct stage_from from;
};

struct stage {
    struct attachment attachment; /* by which stage_of() finds it */
    struct stage_spec spec;       /* without what it says about init */
    struct runtime *runtime;

    struct sink *sinks;
    struct id_table sink_refs, sink_monitors;
    size_t sink_count;
    uint64_t demand;            /* of all sinks */
    struct stage_queue emitted; /* by the function that is running */
    struct stage_queue buffer;
    struct stage_queue *partitions; /* events for those without demand */
    struct sink **partition_sinks;
    size_t queued; /* in `partitions` */
    uint64_t outstanding, dropped;
    uint64_t first_ask; /* DEMAND */
    bool accumulate;
    uint64_t *asks; /* that wait for stage_demand_forward() */
    size_t ask_count;
    bool serve_later; /* SAY_SERVE is under way */

    struct source *sources;
    struct id_table source_refs;
    size_t source_count;
    struct arrival *arrivals, **arrivals_end;
    bool arriving; /* they are being worked off */

    _Alignas(16) char state[];
};

/* stage.c */
struct stage *stage_of(struct proc *self); /* NULL: it is none */
void stage_say(struct proc *self, proc_id to, const struct stage_word *word);

/* stage_queue.c */
void queue_add(struct heap *heap, struct stage_queue *queue, const void *data, size_t size);
struct stage_node *queue_take(struct stage_queue *queue); /* NULL: empty */
void queue_append(struct stage_queue *queue, struct stage_node *node);
void queue_move(struct stage_queue *to, struct stage_queue *from); /* all, behind what is there */
void queue_clear(struct heap *heap, struct stage_queue *queue);
struct stage_event node_event(const struct stage_node *node);

/* stage_dispatch.c */
uint64_t stage_wanted(const struct stage *stage);
void stage_dispatch_all(struct proc *self,
                        struct stage *stage); /* the buffer, as far as it is wanted */
void sink_ask(struct stage *stage, struct sink *sink, uint64_t count);

/* stage_downstream.c */
struct sink *sink_find(const struct stage *stage, ref_id ref);
struct sink *sink_by_monitor(const struct stage *stage, ref_id monitor);
void sink_subscribe(struct proc *self, struct stage *stage, struct stage_from from,
                    const struct stage_subscription *subscription);
/* It is over: the stage's own function is told; then what is wanted has changed. */
void sink_end(struct proc *self, struct stage *stage, struct sink *sink, struct reason why);
void emitted_flush(struct proc *self, struct stage *stage);
/* Serves the buffer and asks upstream for what is still wanted. */
void stage_serve(struct proc *self, struct stage *stage);
void demand_forward(struct proc *self, struct stage *stage);

/* stage_upstream.c */
int subscription_check(const struct stage_subscription *subscription);
struct stage_subscribed source_subscribe(struct proc *self, struct stage *stage,
                                         const struct stage_subscription *subscription);
struct source *source_find(const struct stage *stage, ref_id ref);
void source_ask(struct proc *self, struct source *source, uint64_t count);
void source_events(struct proc *self, struct stage *stage, const struct message *message);
void source_end(struct proc *self, struct stage *stage, ref_id ref, struct reason why);
void arrivals_take(struct proc *self, struct stage *stage); /* as far as they are wanted */

#endif
