/* telemetry.h: what the job system tells a program that wants to know: events with measurements, for metrics, logs and alarms. Also
 * in a release build, where trace points are gone; when nobody listens, an event costs a load and a branch.
 *
 *     struct telemetry telemetry = {0};
 *     telemetry_attach(&telemetry, "metrics", TELEMETRY_BIT(JOB_STOP) | TELEMETRY_BIT(JOB_EXCEPTION), count, &metrics);
 *     struct jobs_config config = {.telemetry = &telemetry, ...};
 *
 * A handler is called where the event happens, on the loop, one after the other in the order in which they were attached. It must not
 * wait, and what it is shown is gone when it returns. A handler that returns false, or ends by proc_exit(), is detached, with a word in
 * the log; nothing else happens. */
#ifndef SUT_TELEMETRY_H
#define SUT_TELEMETRY_H

#include "sut/runtime/proc.h"

/* X(ENUM, name, about) */
#define TELEMETRY_EVENTS(X)                                                                        \
    X(JOB_START, "job/start", "the worker's function is about to be called: waited_ms")            \
    X(JOB_STOP, "job/stop", "an attempt ended by ok, cancel, discard or snooze: duration_ns")      \
    X(JOB_EXCEPTION, "job/exception",                                                              \
      "an attempt ended by an error, a crash, a time limit, or its lease is lost: duration_ns")    \
    X(STORE_CALL, "store/call",                                                                    \
      "a call to the store ended (word: insert, claim, stage, ...): duration_ns, count, changed")  \
    X(QUEUE_START, "queue/start", "a queue begins to work: count is its limit")                    \
    X(QUEUE_STOP, "queue/stop", "a queue was stopped: ids of the jobs that did not end")           \
    X(LEADER_BEGIN, "leader/begin", "this node leads from here on")                                \
    X(LEADER_END, "leader/end", "it does not lead any more")

enum telemetry_event {
#define X(e, name, about) TELEMETRY_##e,
    TELEMETRY_EVENTS(X)
#undef X
        TELEMETRY_EVENT_COUNT
};

#define TELEMETRY_BIT(event) (1u << TELEMETRY_##event)
#define TELEMETRY_ALL        ((1u << TELEMETRY_EVENT_COUNT) - 1)
#define TELEMETRY_MOST       16 /* handlers */

const char *telemetry_name(enum telemetry_event event);

struct job;

/* What happened. What does not concern the event is zero. */
struct telemetry_item {
    enum telemetry_event event;
    int64_t wall_ms; /* of this node, since 1970 */
    const char *node;
    int64_t duration_ns, waited_ms; /* waited: from when the job was due until it began */
    uint64_t count, changed;
    const struct job *job;
    const char *queue;
    const char *
        word; /* how an attempt ended: ok, error, crash, timeout, ...; or the operation of the store */
    const char *text; /* of an error, for people; "" */
    int err;          /* of a call: 0, or a negative errno */
    const uint64_t *ids;
    size_t id_count;
};

/* False: it failed, and is detached. `self`: the process in which it happened; NULL: it was in none. */
typedef bool telemetry_handler(struct proc *self, const struct telemetry_item *item, void *ctx);

struct telemetry {   /* zeroed: nobody listens */
    unsigned wanted; /* bits: by anybody */
    struct telemetry_listener {
        const char *id; /* NULL: free */
        unsigned events;
        telemetry_handler *handler;
        void *ctx;
    } listeners[TELEMETRY_MOST];
};

/* `id` must stand as long as it is attached. 0; -EEXIST: there is one of that name; -ENOSPC: there are TELEMETRY_MOST; -EINVAL. */
int telemetry_attach(struct telemetry *telemetry, const char *id, unsigned events,
                     telemetry_handler *handler, void *ctx);
bool telemetry_detach(struct telemetry *telemetry, const char *id); /* false: there is none */

/* Does anybody want to know? */
static inline bool telemetry_wanted(const struct telemetry *telemetry, enum telemetry_event event)
{
    return telemetry && __builtin_expect((telemetry->wanted >> event & 1) != 0, 0);
}

/* Tells all who want to know. Fills in wall_ms and node. `self` NULL: not in a process. */
void telemetry_tell(struct telemetry *telemetry, struct env *env, struct proc *self,
                    struct telemetry_item item);

#endif
