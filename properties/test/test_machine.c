/* Machines: planted bugs in stateful systems are found and shrink to the shortest story, in a row and concurrently. */
#include "properties/machine.h"
#include "properties/test/prop_rig.h"

/* ---- a queue of four that forgets one when it wraps around ---- */

enum { RING = 4 };

struct ring {
    int64_t items[RING];
    size_t head, count;
    bool broken;
};

struct ring_model {
    int64_t items[RING];
    int64_t count;
};

static bool broken_ring;

static void *ring_start(void)
{
    struct ring *ring = prop_alloc(sizeof *ring);
    ring->broken = broken_ring;
    return ring;
}

static bool ring_has_room(const void *state)
{
    return ((const struct ring_model *)state)->count < RING;
}

static bool ring_has_items(const void *state)
{
    return ((const struct ring_model *)state)->count > 0;
}

static void draw_value(struct gen *gen, const void *state, struct machine_call *call)
{
    (void)state;
    call->in[0] = gen_int(gen, -100, 100);
}

static void ring_push(void *system, struct machine_call *call)
{
    struct ring *ring = system;
    ring->items[(ring->head + ring->count++) % RING] = call->in[0];
}

static void ring_pop(void *system, struct machine_call *call)
{
    struct ring *ring = system;
    call->out[0] = ring->items[ring->head];
    ring->head = (ring->head + 1) % RING;
    ring->count--;
    if (ring->broken && ring->head == 0 && ring->count > 0)
        ring->items[0] = 0;
}

static bool model_push(void *state, const struct machine_call *call)
{
    struct ring_model *model = state;
    model->items[model->count++] = call->in[0];
    return true;
}

static bool model_pop(void *state, const struct machine_call *call)
{
    struct ring_model *model = state;
    int64_t expected = model->items[0];
    memmove(model->items, model->items + 1, (RING - 1) * sizeof *model->items);
    model->count--;
    return machine_expect(call->out[0], expected);
}

static void ring_counts(const void *state, const void *system)
{
    prop_assert((int64_t)((const struct ring *)system)->count ==
                ((const struct ring_model *)state)->count);
}

static const struct machine_rule ring_rules[] = {
    {"push", 1, 0, ring_has_room, draw_value, ring_push, model_push, NULL},
    {"pop", 0, 1, ring_has_items, NULL, ring_pop, model_pop, NULL},
};
static const struct machine ring_machine = {
    .name = "ring",
    .state_size = sizeof(struct ring_model),
    .start = ring_start,
    .invariant = ring_counts,
    .rules = ring_rules,
    .rule_count = 2,
};

static void ring_is_a_queue(void)
{
    machine_check(&ring_machine);
}

Test(machine, right_system_holds)
{
    broken_ring = false;
    rig_holds(RIG_PROP(ring_is_a_queue, .runs = 500), 1);
}

Test(machine, bug_shrinks_to_the_shortest_story)
{
    broken_ring = true;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct prop_result result = rig_run(RIG_PROP(ring_is_a_queue, .runs = 2000), seed);
        cr_assert_eq(result.verdict, PROP_FAILED);
        /* Five pushed, of which the fifth lies in the place that is wiped. */
        cr_assert_not_null(strstr(result.report, "10. pop() -> 0\n"), "%s", result.report);
        cr_assert_null(strstr(result.report, "11. "), "%s", result.report);
        cr_assert_not_null(strstr(result.report, "-> 0, but 1 was expected"), "%s", result.report);
        prop_result_done(&result);
    }
}

/* ---- handles ---- */

struct handles {
    struct pool open;
    int64_t last;
};

static bool any_open(const void *state)
{
    return ((const struct handles *)state)->open.count > 0;
}

static bool room_for_handle(const void *state)
{
    return ((const struct handles *)state)->open.count < POOL_MAX;
}

static void draw_fresh(struct gen *gen, const void *state, struct machine_call *call)
{
    (void)gen, (void)state;
    call->in[0] = machine_fresh();
}

static void draw_open(struct gen *gen, const void *state, struct machine_call *call)
{
    call->in[0] = pool_pick(gen, &((const struct handles *)state)->open);
}

static void draw_two(struct gen *gen, const void *state, struct machine_call *call)
{
    draw_open(gen, state, call);
    call->in[1] = pool_pick(gen, &((const struct handles *)state)->open);
}

static void run_nothing(void *system, struct machine_call *call)
{
    (void)system, (void)call;
}

static bool step_open(void *state, const struct machine_call *call)
{
    struct handles *handles = state;
    pool_add(&handles->open, call->in[0]);
    handles->last = call->in[0];
    return true;
}

/* "Only the newest may be closed" is false. */
static bool step_close(void *state, const struct machine_call *call)
{
    struct handles *handles = state;
    bool newest = call->in[0] == (int64_t)handles->open.alive[handles->open.count - 1];
    pool_remove(&handles->open, call->in[0]);
    return newest;
}

static bool step_same(void *state, const struct machine_call *call)
{
    (void)state;
    return call->in[0] == call->in[1];
}

static void last_in_first_out(void)
{
    static const struct machine_rule rules[] = {
        {"open", 1, 0, room_for_handle, draw_fresh, run_nothing, step_open, NULL},
        {"close", 1, 0, any_open, draw_open, run_nothing, step_close, NULL},
    };
    machine_check(&(struct machine){
        .name = "lifo", .state_size = sizeof(struct handles), .rules = rules, .rule_count = 2});
}

static void never_two(void)
{
    static const struct machine_rule rules[] = {
        {"new", 1, 0, room_for_handle, draw_fresh, run_nothing, step_open, NULL},
        {"pair", 2, 0, any_open, draw_two, run_nothing, step_same, NULL},
    };
    machine_check(&(struct machine){
        .name = "pair", .state_size = sizeof(struct handles), .rules = rules, .rule_count = 2});
}

Test(machine, handles_keep_their_names_when_steps_are_left_out)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        rig_fails(RIG_PROP(last_in_first_out), seed,
                  "    1. open(0)\n    2. open(1)\n    3. close(0)\n  lifo: close");
        rig_fails(RIG_PROP(never_two), seed, "    1. new(0)\n    2. new(1)\n    3. pair(0, 1)\n");
    }
}

/* ---- a counter that two may add to ---- */

struct counter {
    int64_t value;
};

static bool torn;

static void *counter_start(void)
{
    return prop_alloc(sizeof(struct counter));
}

static void counter_add(void *system, struct machine_call *call)
{
    struct counter *counter = system;
    int64_t value = counter->value;
    if (torn)
        prop_yield();
    counter->value = value + call->in[0];
    prop_yield();
}

static void counter_read(void *system, struct machine_call *call)
{
    call->out[0] = ((struct counter *)system)->value;
}

static bool model_add(void *state, const struct machine_call *call)
{
    *(int64_t *)state += call->in[0];
    return true;
}

static bool model_read(void *state, const struct machine_call *call)
{
    return machine_expect(call->out[0], *(int64_t *)state);
}

static void draw_amount(struct gen *gen, const void *state, struct machine_call *call)
{
    (void)state;
    call->in[0] = gen_int(gen, 1, 10);
}

static void counter_counts(void)
{
    static const struct machine_rule rules[] = {
        {"add", 1, 0, NULL, draw_amount, counter_add, model_add, NULL},
        {"read", 0, 1, NULL, NULL, counter_read, model_read, NULL},
    };
    static const struct machine machine = {.name = "counter",
                                           .state_size = sizeof(int64_t),
                                           .start = counter_start,
                                           .rules = rules,
                                           .rule_count = 2};
    machine_check_concurrent(&machine, 2);
}

Test(machine, concurrent_steps_of_a_right_system_are_linearizable)
{
    torn = false;
    rig_holds(RIG_PROP(counter_counts, .runs = 1000), 1);
}

Test(machine, lost_update_shrinks_to_two_adds_and_a_read)
{
    torn = true;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct prop_result result = rig_run(RIG_PROP(counter_counts, .runs = 5000), seed);
        cr_assert_eq(result.verdict, PROP_FAILED);
        cr_assert_not_null(strstr(result.report, "no order of the steps explains"), "%s",
                           result.report);
        cr_assert_eq(lines_with(result.report, "add(1) ..."), 2, "%s", result.report);
        cr_assert_eq(lines_with(result.report, "read() ..."), 1, "%s", result.report);
        /* One is enough, but two can be a dead end: the mirror image, begun by B. */
        cr_assert_leq(lines_with(result.report, "switch: "), 2, "%s", result.report);
        if (seed == 1)
            cr_log_info("%s", result.report);
        prop_result_done(&result);
    }
}
