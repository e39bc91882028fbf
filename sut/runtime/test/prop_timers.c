/* Timers against a list that is searched from end to end. */
#include "properties/machine.h"
#include "sut/runtime/timers.h"

#include <string.h>

enum { TIMERS_MAX = 40 };

struct one {
    struct timer timer; /* first */
    struct clock_of_timers *of;
    int64_t id;
};

struct clock_of_timers {
    struct heap *heap;
    struct timers timers;
    struct one ones[TIMERS_MAX];
    int64_t fired; /* the last id, and how many at this call: in one number */
};

struct armed {
    int64_t due, order; /* order 0: not armed */
};

struct state {
    struct armed armed[TIMERS_MAX];
    int64_t orders;
};

static void *start(void)
{
    struct clock_of_timers *clock = prop_alloc(sizeof *clock);
    clock->heap = heap_new();
    timers_init(&clock->timers, clock->heap);
    return clock;
}

static void stop(void *system)
{
    struct clock_of_timers *clock = system;
    timers_done(&clock->timers);
    heap_free(clock->heap);
}

/* Ids of those that fired, in order, as digits of a number to the base 41, modulo 2^64. */
static int64_t fired_add(int64_t fired, int64_t id)
{
    return (int64_t)((uint64_t)fired * 41 + (uint64_t)id + 1);
}

static void fire(struct timer *timer)
{
    struct one *one = (struct one *)timer;
    one->of->fired = fired_add(one->of->fired, one->id);
}

static void draw_id(struct gen *gen, const void *state, struct machine_call *call)
{
    (void)state;
    call->in[0] = gen_int(gen, 0, TIMERS_MAX - 1);
}

static void draw_arm(struct gen *gen, const void *state, struct machine_call *call)
{
    draw_id(gen, state, call);
    call->in[1] = gen_int(gen, 0, 20);
}

static void draw_now(struct gen *gen, const void *state, struct machine_call *call)
{
    (void)state;
    call->in[0] = gen_int(gen, 0, 20);
}

static void run_arm(void *system, struct machine_call *call)
{
    struct clock_of_timers *clock = system;
    struct one *one = &clock->ones[call->in[0]];
    timers_disarm(&clock->timers, &one->timer);
    *one = (struct one){{.fire = fire}, clock, call->in[0]};
    timers_arm(&clock->timers, &one->timer, call->in[1]);
}

static void run_disarm(void *system, struct machine_call *call)
{
    struct clock_of_timers *clock = system;
    call->out[0] = timers_disarm(&clock->timers, &clock->ones[call->in[0]].timer);
}

static void run_fire(void *system, struct machine_call *call)
{
    struct clock_of_timers *clock = system;
    clock->fired = 0;
    timers_fire(&clock->timers, call->in[0]);
    call->out[0] = clock->fired;
}

static void run_next(void *system, struct machine_call *call)
{
    call->out[0] = timers_next(&((struct clock_of_timers *)system)->timers);
}

/* The earliest, and among these the one that was armed first; NULL: none. */
static struct armed *earliest(struct state *state)
{
    struct armed *found = NULL;
    for (int i = 0; i < TIMERS_MAX; i++) {
        struct armed *one = &state->armed[i];
        if (one->order && (!found || one->due < found->due ||
                           (one->due == found->due && one->order < found->order)))
            found = one;
    }
    return found;
}

static bool step_arm(void *model, const struct machine_call *call)
{
    struct state *state = model;
    state->armed[call->in[0]] = (struct armed){call->in[1], ++state->orders};
    return true;
}

static bool step_disarm(void *model, const struct machine_call *call)
{
    struct armed *one = &((struct state *)model)->armed[call->in[0]];
    bool was_armed = one->order != 0;
    *one = (struct armed){0};
    return machine_expect(call->out[0], was_armed);
}

static bool step_fire(void *model, const struct machine_call *call)
{
    struct state *state = model;
    int64_t fired = 0;
    for (struct armed *one; (one = earliest(state)) && one->due <= call->in[0];) {
        fired = fired_add(fired, one - state->armed);
        *one = (struct armed){0};
    }
    return machine_expect(call->out[0], fired);
}

static bool step_next(void *model, const struct machine_call *call)
{
    const struct armed *one = earliest(model);
    return machine_expect(call->out[0], one ? one->due : INT64_MAX);
}

static const struct machine_rule rules[] = {
    {"arm", 2, 0, NULL, draw_arm, run_arm, step_arm, NULL},
    {"next", 0, 1, NULL, NULL, run_next, step_next, NULL},
    {"disarm", 1, 1, NULL, draw_id, run_disarm, step_disarm, NULL},
    {"fire", 1, 1, NULL, draw_now, run_fire, step_fire, NULL},
};

PROPERTY(timers, fire_as_a_list_would, .runs = 300)
{
    static const struct machine machine = {.name = "timers",
                                           .state_size = sizeof(struct state),
                                           .start = start,
                                           .stop = stop,
                                           .rules = rules,
                                           .rule_count = 4,
                                           .steps_max = 100};
    machine_check(&machine);
}
