/* history_trace.h: histories out of traces, and trace properties that judge them at the end.
 *
 *     static const struct property_on on[] = {
 *         ON_OP("client/insert/call", .role = ROLE_INVOKE, .f = OP_ENQUEUE, .by = {"key"}, .value = "key"),
 *         ON_OP("client/insert/ok", .role = ROLE_OK, .f = OP_ENQUEUE, .by = {"key"}),
 *         ON_OP("audit/job/row", .role = ROLE_AT_ONCE, .f = OP_DEQUEUE, .value = "key"),
 *         {0}};
 *     TRACE_PROPERTY(name, ..., .on = on, HISTORY(.check = history_total_queue, .failing = TOTAL_QUEUE));
 *
 * A completion belongs to the oldest open invocation of the same operation and key (`by`). What is never completed is
 * unknown, as it should be for a client that died. A completion that nobody invoked is an operation by itself.
 */
#ifndef PROPERTIES_HISTORY_TRACE_H
#define PROPERTIES_HISTORY_TRACE_H

#include "harness/property.h"
#include "properties/history.h"
#include "properties/match.h"
#include "properties/open.h"

enum history_role {
    ROLE_INVOKE,
    ROLE_OK,
    ROLE_FAIL,
    ROLE_UNKNOWN,
    ROLE_AT_ONCE, /* invoked and ok */
    ROLE_READY,   /* no operation: from now on the history can be judged */
};

/* What an event means. Fields by name; "@node", "@actor" as in match.h. */
struct history_rule {
    enum history_role role;
    enum operation f;
    const char *field, *is;         /* only events whose field is this */
    const char *by[KEY_FIELDS_MAX]; /* which invocation a completion belongs to */
    const char *value,
        *next; /* of the operation; texts by their hash; of a completion: the answer */
    const char *object[KEY_FIELDS_MAX];  /* the key of the operation */
    const char *process[KEY_FIELDS_MAX]; /* none: node and actor */
};

/* Zeroed: nothing yet. */
struct history_maker {
    struct history history;
    struct open_spans open;
    struct findings found; /* FIELDLESS */
    bool ready;
};

void history_take(struct history_maker *maker, const struct history_rule *rule,
                  const struct event *event);
void history_maker_done(struct history_maker *maker);

/* ---- as a property ---- */

struct history_spec {
    void (*check)(const struct history *history, struct findings *found);
    uint32_t failing;
    bool waits; /* nothing is judged without ROLE_READY */
};

void history_on(struct judge *judge, void *maker, const struct event *event);
void history_end(struct judge *judge, void *maker);
void history_over(void *maker);

#define ON_OP(point, ...)                                                                          \
    {                                                                                              \
        point, history_on, &(const struct history_rule)                                            \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define HISTORY(...)                                                                               \
    .state_size = sizeof(struct history_maker), .end = history_end, .done = history_over,          \
    .spec = &(const struct history_spec)                                                           \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

#endif
