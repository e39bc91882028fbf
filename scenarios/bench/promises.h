/* promises.h: promises that the job system does not make. They break in healthy runs, by known causes, and so give the
 * shrinker real failures to work on. To be included once per program; the scenario's own properties do not judge. */
#ifndef SCENARIOS_BENCH_PROMISES_H
#define SCENARIOS_BENCH_PROMISES_H

#include "harness/property.h"

/* X(ident, sentence, point, how many times it takes) */
#define PROMISES(X)                                                                                \
    X(nobody_is_rescued, "no lease ever runs out", "store/job/rescue", 1)                          \
    X(two_are_not_rescued, "one lease runs out at most", "store/job/rescue", 2)                    \
    X(nobody_dies_twice, "nodes are killed once at most", "world/node/kill", 2)                    \
    X(clients_always_know, "every insert is answered", "client/insert/unknown", 1)                 \
    X(nothing_is_late, "every result is in time", "store/job/stale", 1)

static inline void promise_on_event(struct judge *judge, void *state, const struct event *event)
{
    unsigned *times = state;
    const unsigned *most = judge_arg(judge);
    judge_checked(judge);
    if (++*times == *most)
        judge_fail(judge, event, "it happened, %u times", *times);
}

#define X(ident, sentence, where, times)                                                           \
    static const unsigned times_##ident = times;                                                   \
    static const struct property_on on_##ident[] = {{where, promise_on_event, &times_##ident},     \
                                                    {0}};                                          \
    TRACE_PROPERTY(ident, .name = sentence, .about = "Nobody promised it.",                        \
                   .kind = PROPERTY_NEVER, .state_size = sizeof(unsigned), .on = on_##ident);
PROMISES(X)
#undef X

#endif
