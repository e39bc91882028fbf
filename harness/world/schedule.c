/* schedule.c: see schedule.h. What is kept per node is a count of turns and, for pct, who was demoted. */
#include "harness/world/schedule.h"

#include "harness/world/world_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

POINT_ABOUT("world/schedule/choose", "Ready processes take turns in another order than theirs.");

enum {
    PCT_DROPS = 3,    /* turns at which a priority drops: depth 4 */
    PCT_TURNS = 4096, /* among the first so many of a boot */
    PCT_PATIENCE = 64 /* turns in a row; then it is demoted, so that time goes on */
};

const char *const schedule_words[SCHEDULE_COUNT] = {
#define X(e, word) word,
    SCHEDULES(X)
#undef X
};

/* One node, since its last boot. */
struct schedule_node {
    uint64_t boot, turns;
    uint64_t *demoted; /* the latest last: the lowest priority */
    size_t demoted_count, demoted_capacity;
    uint64_t last, in_a_row;
};

struct schedule_state {
    enum schedule policy;
    struct schedule_node *nodes; /* by id - 1 */
    uint32_t count;
};

void world_schedule(struct world *world, enum schedule schedule)
{
    assert(!world->schedule);
    world->schedule = calloc(1, sizeof *world->schedule);
    if (!world->schedule)
        abort();
    if (schedule == SCHEDULE_ANY) {
        static const enum schedule drawn[] = {SCHEDULE_FIFO, SCHEDULE_FIFO, SCHEDULE_RANDOM,
                                              SCHEDULE_PCT};
        const struct choice choice = {
            .stream = STREAM_SCHEDULE, .name = "schedule/run/policy", .ordinal = 1};
        schedule = drawn[tape_choose(world->tape, &choice, sizeof drawn / sizeof *drawn)];
    }
    world->schedule->policy = schedule;
    if (schedule != SCHEDULE_FIFO)
        TRACE(world_site(world), "world/schedule/choose",
              T_STR("policy", schedule_words[schedule]));
}

void schedule_free(struct schedule_state *state)
{
    if (!state)
        return;
    for (uint32_t i = 0; i < state->count; i++)
        free(state->nodes[i].demoted);
    free(state->nodes);
    free(state);
}

static struct schedule_node *node_of(struct schedule_state *state, const struct node *node)
{
    if (node->id > state->count) {
        state->nodes = realloc(state->nodes, node->id * sizeof *state->nodes);
        if (!state->nodes)
            abort();
        memset(&state->nodes[state->count], 0, (node->id - state->count) * sizeof *state->nodes);
        state->count = node->id;
    }
    struct schedule_node *own = &state->nodes[node->id - 1];
    if (own->boot != node->boots) {
        own->boot = node->boots;
        own->turns = own->in_a_row = 0;
        own->demoted_count = 0;
    }
    return own;
}

/* ---- random ---- */

static uint64_t pick_random(struct world *world, const struct choice *turn, size_t count)
{
    struct choice choice = *turn;
    choice.name = "schedule/random/pick";
    uint64_t drawn = tape_choose(world->tape, &choice, 4 * count);
    return drawn >= 3 * count ? drawn - 3 * count : 0;
}

/* ---- pct ---- */

/* 0: never demoted; else the higher, the later. */
static size_t demotion_of(const struct schedule_node *own, uint64_t id)
{
    for (size_t i = own->demoted_count; i-- > 0;)
        if (own->demoted[i] == id)
            return i + 1;
    return 0;
}

static uint64_t priority_of(struct world *world, const struct choice *turn, uint64_t id)
{
    const struct choice choice = {.stream = STREAM_SCHEDULE,
                                  .name = "schedule/pct/priority",
                                  .node = turn->node,
                                  .key = id,
                                  .ordinal = turn->key};
    return tape_choose(world->tape, &choice, UINT32_MAX);
}

static size_t highest(struct world *world, const struct schedule_node *own,
                      const struct choice *turn, const uint64_t *ready, size_t count)
{
    size_t best = 0, best_demotion = SIZE_MAX;
    uint64_t best_priority = 0;
    for (size_t i = 0; i < count; i++) {
        size_t demotion = demotion_of(own, ready[i]);
        uint64_t priority = priority_of(world, turn, ready[i]);
        if (demotion < best_demotion || (demotion == best_demotion && priority > best_priority)) {
            best = i;
            best_demotion = demotion;
            best_priority = priority;
        }
    }
    return best;
}

static bool drops_at(struct world *world, const struct choice *turn)
{
    for (uint64_t drop = 1; drop <= PCT_DROPS; drop++) {
        const struct choice choice = {.stream = STREAM_SCHEDULE,
                                      .name = "schedule/pct/drop",
                                      .node = turn->node,
                                      .key = turn->key,
                                      .ordinal = drop};
        if (tape_choose(world->tape, &choice, PCT_TURNS) + 1 == turn->ordinal)
            return true;
    }
    return false;
}

static void demote(struct schedule_node *own, uint64_t id)
{
    if (own->demoted_count == own->demoted_capacity) {
        own->demoted_capacity = own->demoted_capacity ? 2 * own->demoted_capacity : 8;
        own->demoted = realloc(own->demoted, own->demoted_capacity * sizeof *own->demoted);
        if (!own->demoted)
            abort();
    }
    own->demoted[own->demoted_count++] = id;
}

static size_t pick_pct(struct world *world, struct schedule_node *own, const struct choice *turn,
                       const uint64_t *ready, size_t count)
{
    size_t best = highest(world, own, turn, ready, count);
    if (drops_at(world, turn) || (own->last == ready[best] && own->in_a_row >= PCT_PATIENCE)) {
        demote(own, ready[best]);
        best = highest(world, own, turn, ready, count);
    }
    return best;
}

/* ---- a turn ---- */

size_t world_pick(struct world *world, const struct node *node, const uint64_t *ready, size_t count)
{
    struct schedule_state *state = world->schedule;
    if (!state || count < 2)
        return 0;
    struct schedule_node *own = node_of(state, node);
    const struct choice turn = {.stream = STREAM_SCHEDULE,
                                .name = "schedule/process/pick",
                                .node = node->id,
                                .key = node->boots,
                                .ordinal = ++own->turns};
    uint64_t wanted = 0;
    if (state->policy == SCHEDULE_RANDOM)
        wanted = pick_random(world, &turn, count);
    else if (state->policy == SCHEDULE_PCT)
        wanted = pick_pct(world, own, &turn, ready, count);
    size_t pick = (size_t)tape_choose_from(world->tape, &turn, count, wanted);
    own->in_a_row = own->last == ready[pick] ? own->in_a_row + 1 : 1;
    own->last = ready[pick];
    return pick;
}
