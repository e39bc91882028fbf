/* One run, phase by phase.
 *
 *   set up     the system builds its nodes and its workload, drawn from the tape
 *   safety     faults are on, until the system is settled or the scenario's time is up
 *   liveness   everything is repaired; whatever is pending must drain within the scenario's time
 *   audit      the system records what its clients can see at the end
 *
 * A safety property that fails ends the run at once: what comes after it is another story.
 * Time that stands still is a failure too: a million steps without a nanosecond is a livelock of the system.
 */
#include "harness/run.h"

#include "harness/engine.h"
#include "harness/world/disk.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_AT_ONE_TIME_MAX 1000000

struct breakpoint {
    uint64_t at;
};

/* A debugger stops here: up one frame from raise() stands the event. */
static void on_event(void *ctx, const struct event *event)
{
    const struct breakpoint *breakpoint = ctx;
    if (event->index == breakpoint->at)
        raise(SIGTRAP);
}

static void fail(struct run *run, enum outcome outcome, const char *property, const char *message)
{
    if (run->outcome != OUTCOME_PASS)
        return;
    run->outcome = outcome;
    run->event = trace_count(run->trace);
    snprintf(run->property, sizeof run->property, "%s", property);
    snprintf(run->message, sizeof run->message, "%s", message);
}

struct stage {
    struct run *run;
    const struct system *system;
    void *ctx;
    int64_t still_since;  /* the time at which we have been standing ... */
    uint64_t still_steps; /* ... for so many steps */
};

/* One step; false: nothing more to do before `until`, or the run is over. */
static bool advance(struct stage *stage, int64_t until)
{
    struct world *world = stage->run->world;
    if (panel_failed(stage->run->panel) || !world_step(world, until))
        return false;
    if (world_now(world) != stage->still_since) {
        stage->still_since = world_now(world);
        stage->still_steps = 0;
    } else if (++stage->still_steps > STEPS_AT_ONE_TIME_MAX) {
        fail(stage->run, OUTCOME_LIVENESS, "liveness",
             "livelock: a million steps, and no time has passed");
        return false;
    }
    return true;
}

static void safety_phase(struct stage *stage, const struct scenario *scenario)
{
    struct world *world = stage->run->world;
    int64_t lasts = tape_safety(world_tape(world));
    if (lasts == 0 || lasts > scenario->safety_ns)
        lasts = scenario->safety_ns;
    int64_t until = world_now(world) + lasts;
    world_set_phase(world, PHASE_SAFETY);
    while (!stage->system->settled(stage->ctx) && advance(stage, until))
        ;
}

static void liveness_phase(struct stage *stage, const struct scenario *scenario, void *nemesis)
{
    struct run *run = stage->run;
    int64_t until = world_now(run->world) + scenario->liveness_ns;
    char pending[240], message[320], within[32];
    if (panel_failed(run->panel) || run->outcome != OUTCOME_PASS)
        return;
    nemesis_engine.heal(nemesis);
    world_heal(run->world);
    while (stage->system->pending(stage->ctx, pending, sizeof pending) && advance(stage, until))
        ;
    if (panel_failed(run->panel) || run->outcome != OUTCOME_PASS ||
        !stage->system->pending(stage->ctx, pending, sizeof pending))
        return;
    snprintf(message, sizeof message, "not drained within %s after healing: %s",
             duration_print(scenario->liveness_ns, within, sizeof within), pending);
    fail(run, OUTCOME_LIVENESS, "liveness", message);
}

static void audit_phase(struct stage *stage)
{
    if (panel_failed(stage->run->panel) || stage->run->outcome != OUTCOME_PASS)
        return; /* a system that has not drained cannot be asked for its final state */
    world_set_phase(stage->run->world, PHASE_AUDIT);
    stage->system->audit(stage->ctx);
}

/* What the properties say goes before a lack that only the run saw, unless it is that same lack. */
static void judge(struct run *run)
{
    if (panel_failed(run->panel))
        run->ending = ENDING_STOPPED;
    else
        run->ending = run->outcome == OUTCOME_LIVENESS ? ENDING_UNDRAINED : ENDING_WHOLE;
    const struct verdict *first = panel_judge(run->panel, run->ending);
    if (!first)
        return;
    run->outcome = first->property->kind == PROPERTY_EVENTUALLY ? OUTCOME_LIVENESS : OUTCOME_SAFETY;
    run->event = first->event;
    snprintf(run->property, sizeof run->property, "%s", first->property->id);
    snprintf(run->message, sizeof run->message, "%s", first->message);
}

static void finish(struct run *run)
{
    run->events = trace_count(run->trace);
    run->sim_ns = world_now(run->world) - WORLD_START_NS;
    trace_fingerprint(run->trace, run->fingerprint);
    trace_seal(run->trace);
}

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (!memory)
        abort();
    return memory;
}

/* What became of the faults that the scenario promised. */
static void count_faults(const struct stage *stage, const struct scenario *scenario, void *nemesis)
{
    struct run *run = stage->run;
    size_t own = scenario->rule_count + scenario->nemesis_count; /* the first of the system's own */
    run->promise_count = own + scenario_wrongs(scenario);
    run->promises = zeroed(run->promise_count, sizeof *run->promises);
    run->nemeses = zeroed(nemesis_engine.kind_count, sizeof *run->nemeses);
    nemesis_engine.count(nemesis, run->nemeses, run->promises);
    for (size_t i = 0; i < scenario->param_count; i++)
        if (param_goes_wrong(&scenario->params[i]))
            run->promises[own++].kept = stage->system->went_wrong(stage->ctx, i);
}

void run_execute(struct run *ret_run, const struct scenario *scenario, struct tape *tape,
                 uint64_t break_at)
{
    struct run *run = ret_run;
    struct breakpoint breakpoint = {.at = break_at};
    *run = (struct run){0};
    registry_init();
    disk_sqlite_init();
    run->trace = trace_new();
    run->panel = scenario->properties ? panel_new(scenario->properties, scenario->property_count)
                                      : panel_new_usual();
    trace_listen(run->trace, panel_event, run->panel);
    if (break_at != UINT64_MAX)
        trace_listen(run->trace, on_event, &breakpoint);
    run->world = world_new(tape, run->trace, scenario->budget);
    world_schedule(run->world, scenario->schedule);
    world_back_after(run->world, scenario->back_after.lo, scenario->back_after.hi);

    struct stage stage = {.run = run, .system = scenario->system};
    stage.ctx = stage.system->setup(run->world, scenario);
    void *nemesis = nemesis_engine.start(run->world, scenario);
    if (!tape_is_void(tape)) {
        safety_phase(&stage, scenario);
        liveness_phase(&stage, scenario, nemesis);
        audit_phase(&stage);
    }
    judge(run);
    finish(run);
    count_faults(&stage, scenario, nemesis);
    nemesis_engine.stop(nemesis);
    world_clear(run->world);
    stage.system->teardown(stage.ctx);
}

void run_done(struct run *run)
{
    world_free(run->world);
    panel_free(run->panel);
    trace_free(run->trace);
    free(run->nemeses);
    free(run->promises);
    *run = (struct run){0};
}
