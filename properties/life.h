/* life.h: the words of a job's life cycle, as events use them, and what else several properties
 * need to know. */
#ifndef PROPERTIES_LIFE_H
#define PROPERTIES_LIFE_H

#include "harness/property.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

/* X(ENUM, word) */
#define LIFE_STATES(X)                                                                             \
    X(UNKNOWN, "unknown")                                                                          \
    X(AVAILABLE, "available")                                                                      \
    X(SCHEDULED, "scheduled")                                                                      \
    X(EXECUTING, "executing")                                                                      \
    X(RETRYABLE, "retryable")                                                                      \
    X(SUSPENDED, "suspended")                                                                      \
    X(COMPLETED, "completed")                                                                      \
    X(DISCARDED, "discarded")                                                                      \
    X(CANCELLED, "cancelled")

enum life {
#define X(e, word) LIFE_##e,
    LIFE_STATES(X)
#undef X
};

enum life life_by_word(const char *word); /* LIFE_UNKNOWN: no such state */
const char *life_word(enum life state);

static inline bool life_final(enum life state)
{
    return state >= LIFE_COMPLETED;
}

/* The field `state` of an event. */
enum life event_state(const struct event *event);

/* The name of the queue whose process has this label, or NULL. */
const char *queue_of_label(const char *label);

/* The first field of an event as a number: the job, or the key, or the process that it is about. */
static inline uint64_t event_key(const struct event *event)
{
    return event->count ? event->fields[0].u64 : 0;
}

/* Doubt. A fault inside of a disk operation (a kill, a power loss, an error in the middle of a
 * commit) can leave a transaction committed that nobody recorded: the database finds it complete
 * when it opens its log again. So each such fault raises `faults`, and a property that finds a job
 * changed without a record forgives it if the job's last record is older than the last such fault.
 * The state of such a property begins with a struct doubt, and it lists ON_DISK_FAULT. */
struct doubt {
    uint64_t faults;
};
void doubt_raise(struct judge *judge, void *doubt, const struct event *event);
#define ON_DISK_FAULT                                                                              \
    {                                                                                              \
        "disk/**", doubt_raise                                                                     \
    }

/* Was there such a fault since *seen? Brings *seen up to date. */
static inline bool doubt_since(const struct doubt *doubt, uint64_t *seen)
{
    bool doubtful = *seen != doubt->faults;
    *seen = doubt->faults;
    return doubtful;
}

/* Everything that ends the life of whatever runs on a node, as subscriptions of one handler. */
#define ON_NODE_GONE(handler)                                                                      \
    {"world/node/kill", handler}, {"world/node/poweroff", handler},                                \
        {"world/node/stopped", handler},                                                           \
    {                                                                                              \
        "world/node/start", handler                                                                \
    }

#endif
