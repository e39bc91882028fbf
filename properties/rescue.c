/* rescue.c: a job that is slow but alive keeps its lease, however long it runs.
 *
 * As long as nothing has been done to the world, heartbeats arrive, and no lease runs out. So the
 * first rescue of a run is a failure if no fault can have begun before it. A delay is recorded when
 * it is over, or never if its process does not live to see that: so the verdict waits until the
 * end, and is dropped if anything stops a node meanwhile.
 */
#include "properties/life.h"

struct calm {
    bool disturbed;
    bool rescued; /* in calm, as far as is known yet */
    uint64_t job, lease;
    uint64_t index;
    int64_t time_ns;
};

static void on_any(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct calm *calm = ctx;
    if (event->fault.kind == FAULT_NONE)
        return;
    bool waits = event->fault.kind == FAULT_DELAY || event->fault.kind == FAULT_TIMEOUT;
    int64_t began_ns = event->time_ns - (waits ? event->fault.lo_ns : 0);
    calm->rescued &= began_ns > calm->time_ns;
    calm->disturbed = true;
}

static void on_disturbance(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    (void)event;
    ((struct calm *)ctx)->disturbed = true;
}

static void on_stop(struct judge *judge, void *ctx, const struct event *event)
{
    on_disturbance(judge, ctx, event);
    ((struct calm *)ctx)->rescued = false;
}

static void on_start(struct judge *judge, void *ctx, const struct event *event)
{
    (void)event;
    if (!((const struct calm *)ctx)->disturbed)
        judge_checked(judge);
}

static void on_rescue(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct calm *calm = ctx;
    if (calm->disturbed || calm->rescued)
        return;
    *calm = (struct calm){.rescued = true,
                          .job = event_key(event),
                          .lease = event_u64(event, "lease"),
                          .index = event->index,
                          .time_ns = event->time_ns};
}

static void calm_end(struct judge *judge, void *ctx)
{
    const struct calm *calm = ctx;
    if (!calm->rescued)
        return;
    struct event event = {.index = calm->index, .time_ns = calm->time_ns};
    judge_fail(judge, &event, "job %llu lost lease %llu to a rescue, though nothing had gone wrong",
               (unsigned long long)calm->job, (unsigned long long)calm->lease);
}

static const struct property_on on[] = {
    {"**", on_any},
    {"job/perform/start", on_start},
    {"store/job/rescue", on_rescue},
    {"world/node/kill", on_stop},
    {"world/node/poweroff", on_stop},
    {"world/node/stop", on_stop},
    {"jobs/drain/begin", on_stop},
    {"queue/process/stop", on_stop},
    {"sup/supervisor/giveup", on_stop},
    {"world/node/pause", on_disturbance},
    {"world/link/**", on_disturbance},
    {"world/disk/**", on_disturbance},
    {"world/clock/step", on_disturbance},
    {"world/clock/drift", on_disturbance},
    {"world/clock/stop", on_disturbance},
    {"nemesis/**", on_disturbance},
    {0},
};

TRACE_PROPERTY(
    no_needless_rescue, .name = "a job that is slow but alive is not rescued",
    .kind = PROPERTY_ALWAYS,
    .about = "Rescue is for lost leases, not for long jobs: else every long job runs twice. Judges "
             "what happens before the first fault of a run.",
    .state_size = sizeof(struct calm), .on = on, .end = calm_end);
