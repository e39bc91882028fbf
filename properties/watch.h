/* watch.h: trace properties from pieces, judged event by event.
 *
 *     static const struct property_on on[] = {
 *         ON_CAUSE("order/send/call", .by = {"order"}, .scope = {"@node"}),
 *         ON_EFFECT("order/send/reply", .by = {"order"}),
 *         ON_GONE("world/node/kill", .by = {"@node"}),
 *         {0}};
 *     TRACE_PROPERTY(orders_are_answered, .name = "every order is answered", .kind = PROPERTY_ALWAYS,
 *                    .about = "...", .on = on, WATCH(.within_ns = 5 * NS_PER_S));
 *
 * Each piece is the subscription of a point, with a struct match (without `point`) in its arguments. Pieces of one sort
 * share what they remember: two ON_UNIQUE make one set of keys. What the pieces mean is said in checks.h.
 */
#ifndef PROPERTIES_WATCH_H
#define PROPERTIES_WATCH_H

#include "harness/property.h"
#include "properties/checks.h"

struct watch_spec {
    int64_t within_ns;  /* cause and effect; 0: by the end of the run */
    uint64_t limit;     /* open spans, where ON_START has no `value` */
    uint32_t failing;   /* the kinds that fail; 0: all but PENDING and RECOVERED */
    uint32_t tolerated; /* taken out of these */
};

/* The state of such a property. */
struct watch {
    struct findings found;
    struct table seen, lasts, depths;
    struct open_spans causes, spans;
};

#define WATCH_HANDLER(name) void name(struct judge *judge, void *watch, const struct event *event)
WATCH_HANDLER(watch_unique);
WATCH_HANDLER(watch_rising);
WATCH_HANDLER(watch_strictly_rising);
WATCH_HANDLER(watch_never);
WATCH_HANDLER(watch_cause);
WATCH_HANDLER(watch_effect);
WATCH_HANDLER(watch_start);
WATCH_HANDLER(watch_stop);
WATCH_HANDLER(watch_gone);
WATCH_HANDLER(watch_reach);
WATCH_HANDLER(watch_seen);

#define WATCH_PIECE(piece_point, handler, ...)                                                     \
    {                                                                                              \
        .point = piece_point, .fn = handler, .faulted = false, .arg = &(const struct match)        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
/* clang-format off */
#define ON_UNIQUE(point, ...)          WATCH_PIECE(point, watch_unique, __VA_ARGS__)
#define ON_RISING(point, ...)          WATCH_PIECE(point, watch_rising, __VA_ARGS__)
#define ON_STRICTLY_RISING(point, ...) WATCH_PIECE(point, watch_strictly_rising, __VA_ARGS__)
#define ON_NEVER(point, ...)           WATCH_PIECE(point, watch_never, __VA_ARGS__)
#define ON_CAUSE(point, ...)           WATCH_PIECE(point, watch_cause, __VA_ARGS__)
#define ON_EFFECT(point, ...)          WATCH_PIECE(point, watch_effect, __VA_ARGS__)
#define ON_START(point, ...)           WATCH_PIECE(point, watch_start, __VA_ARGS__)
#define ON_END(point, ...)             WATCH_PIECE(point, watch_stop, __VA_ARGS__)
#define ON_GONE(point, ...)            WATCH_PIECE(point, watch_gone, __VA_ARGS__) /* causes and spans */
#define ON_REACH(point, ...)           WATCH_PIECE(point, watch_reach, __VA_ARGS__) /* for SOMETIMES */
#define ON_SEEN(point, ...)            WATCH_PIECE(point, watch_seen, __VA_ARGS__) /* not vacuous now */
/* Everything that ends the life of whatever runs on a node. */
#define ON_GONE_WITH_NODE                                                                          \
    ON_GONE("world/node/kill", .by = {"@node"}), ON_GONE("world/node/poweroff", .by = {"@node"}), \
    ON_GONE("world/node/stopped", .by = {"@node"}), ON_GONE("world/node/start", .by = {"@node"})
/* clang-format on */

#define WATCH(...)                                                                                 \
    .state_size = sizeof(struct watch), .end = watch_end, .done = watch_done,                      \
    .spec = &(const struct watch_spec)                                                             \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

void watch_end(struct judge *judge, void *watch);
void watch_done(void *watch);

#endif
