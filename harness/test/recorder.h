/* recorder.h: the smallest sink there is: every hit of a point becomes an event of a trace. For tests and benchmarks. */
#ifndef DURESS_TEST_RECORDER_H
#define DURESS_TEST_RECORDER_H

#include "harness/trace/trace.h"

struct recorder {
    struct point_sink sink; /* first: the sink is the recorder */
    struct trace *trace;
    int64_t now_ns, step_ns; /* each event comes step_ns after the one before it */
};

static inline void recorder_event(struct point_sink *sink, struct point_site *at,
                                  struct point *point, const struct point_field *fields,
                                  unsigned count)
{
    struct recorder *recorder = (struct recorder *)sink;
    struct event event = {.time_ns = recorder->now_ns += recorder->step_ns,
                          .node = at->node,
                          .actor = at->actor,
                          .point = point,
                          .fields = fields,
                          .count = count};
    trace_record(recorder->trace, &event);
}

/* The trace is the caller's to free. */
static inline struct recorder recorder_make(int64_t step_ns)
{
    registry_init();
    return (struct recorder){.sink = {.event = recorder_event},
                             .trace = trace_new(),
                             .now_ns = 1000,
                             .step_ns = step_ns};
}

#endif
