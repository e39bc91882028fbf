/* rescue.c: a job that is slow but alive keeps its lease, however long it runs.
 *
 * As long as nothing has been done to the world, heartbeats arrive, and no lease runs out. So a rescue is a failure if
 * it comes before the first fault of a run. A delay counts from its beginning (world/fault/wait).
 */
#include "properties/life.h"

struct calm {
    bool disturbed;
};

static void on_disturbance(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    (void)event;
    ((struct calm *)ctx)->disturbed = true;
}

static void on_start(struct judge *judge, void *ctx, const struct event *event)
{
    (void)event;
    if (!((const struct calm *)ctx)->disturbed)
        judge_checked(judge);
}

static void on_rescue(struct judge *judge, void *ctx, const struct event *event)
{
    if (((const struct calm *)ctx)->disturbed)
        return;
    judge_fail(judge, event, "job %llu lost lease %llu to a rescue, though nothing had gone wrong",
               (unsigned long long)event_key(event), (unsigned long long)event_u64(event, "lease"));
}

static const struct property_on on[] = {
    {"**", on_disturbance, .faulted = true},
    {"job/perform/start", on_start},
    {"store/job/rescue", on_rescue},
    {"world/node/kill", on_disturbance},
    {"world/node/poweroff", on_disturbance},
    {"world/node/stop", on_disturbance},
    {"jobs/drain/begin", on_disturbance},
    {"queue/process/stop", on_disturbance},
    {"sup/supervisor/giveup", on_disturbance},
    {"world/fault/wait", on_disturbance},
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
    .state_size = sizeof(struct calm), .on = on);
