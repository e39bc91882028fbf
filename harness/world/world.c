/* Virtual time and the event queue.
 *
 * The order among events is (time, sequence): what was scheduled first runs first at equal times. A step takes the
 * first event, moves the clock to it, and calls it; afterwards nodes that died during the call are buried. An event
 * of a node that has died since is dropped; one of a paused node waits in that node's list until it resumes.
 */
#include "harness/world/disk.h"
#include "harness/world/world_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

POINT_ABOUT("world/phase/enter", "the run enters a phase: safety, liveness or audit");

static const char *const phase_words[] = {"setup", "safety", "liveness", "audit"};

struct world *world_new(struct tape *tape, struct trace *trace, struct budget budget)
{
    struct world *world = calloc(1, sizeof *world);
    if (!world)
        abort();
    world->tape = tape;
    world->trace = trace;
    world->budget = budget;
    world->now = WORLD_START_NS;
    world->free_slot = NO_SLOT;
    world->back_lo = INT64_C(1000000000);
    world->back_hi = INT64_C(30000000000);
    world_sink_init(world);
    return world;
}

static void free_nodes(struct world *world)
{
    for (struct node *node = world->nodes, *next; node; node = next) {
        next = node->next;
        free((char *)node->name);
        free(node);
    }
}

void world_clear(struct world *world)
{
    world->faults_on = false;
    for (struct node *node = world->nodes; node; node = node->next)
        node_kill(node, false, true);
    world_drop_flying(world);
}

void world_free(struct world *world)
{
    if (!world)
        return;
    world_clear(world);
    HASH_CLEAR(hh, world->ordinals);
    for (struct ordinals *next, *block = world->ordinal_blocks; block; block = next) {
        next = block->next;
        free(block);
    }
    free_nodes(world);
    schedule_free(world->schedule);
    world_hits_free(world);
    free(world->extras);
    free(world->links);
    free(world->slots);
    free(world->heap);
    free(world->hits);
    free(world->injected);
    free(world->recent);
    free(world->ignored);
    free(world);
}

struct tape *world_tape(struct world *world)
{
    return world->tape;
}

const struct budget *world_budget(const struct world *world)
{
    return &world->budget;
}

struct trace *world_trace(struct world *world)
{
    return world->trace;
}

int64_t world_now(const struct world *world)
{
    return world->now;
}

enum phase world_phase(const struct world *world)
{
    return world->phase;
}

struct node *world_current(struct world *world)
{
    return world->current;
}

void world_set_phase(struct world *world, enum phase phase)
{
    world->phase = phase;
    world->faults_on = phase == PHASE_SAFETY;
    TRACE(&world->site, "world/phase/enter", T_STR("phase", phase_words[phase]));
}

/* ---- the queue: a binary heap of slot numbers ---- */

static bool earlier(const struct world *world, uint32_t a, uint32_t b)
{
    const struct slot *left = &world->slots[a], *right = &world->slots[b];
    return left->time_ns != right->time_ns ? left->time_ns < right->time_ns
                                           : left->sequence < right->sequence;
}

static void heap_set(struct world *world, size_t at, uint32_t slot)
{
    world->heap[at] = slot;
    world->slots[slot].at = at;
}

/* Finds the place for a slot, from a free one on towards the top. */
static void heap_rise(struct world *world, size_t at, uint32_t slot)
{
    while (at > 0 && earlier(world, slot, world->heap[(at - 1) / 2])) {
        heap_set(world, at, world->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_set(world, at, slot);
}

static void heap_push(struct world *world, uint32_t slot)
{
    if (world->heap_count == world->heap_capacity) {
        world->heap_capacity = world->heap_capacity ? world->heap_capacity * 2 : 256;
        world->heap = realloc(world->heap, world->heap_capacity * sizeof *world->heap);
        if (!world->heap)
            abort();
    }
    heap_rise(world, world->heap_count++, slot);
}

/* Takes out a slot: the free place sinks to the bottom, where the last slot rises from. */
static void heap_remove(struct world *world, uint32_t slot)
{
    size_t at = world->slots[slot].at, child;
    uint32_t last = world->heap[--world->heap_count];
    world->slots[slot].at = NOT_QUEUED;
    if (slot == last)
        return;
    for (; (child = 2 * at + 1) < world->heap_count; at = child) {
        if (child + 1 < world->heap_count &&
            earlier(world, world->heap[child + 1], world->heap[child]))
            child++;
        heap_set(world, at, world->heap[child]);
    }
    heap_rise(world, at, last);
}

static uint32_t slot_take(struct world *world)
{
    uint32_t number = world->free_slot;
    if (number != NO_SLOT) {
        world->free_slot = world->slots[number].next;
        return number;
    }
    if (world->slot_count == world->slot_capacity) {
        world->slot_capacity = world->slot_capacity ? world->slot_capacity * 2 : 256;
        world->slots = realloc(world->slots, world->slot_capacity * sizeof *world->slots);
        if (!world->slots)
            abort();
    }
    world->slots[world->slot_count].generation = 0;
    return world->slot_count++;
}

static void slot_give(struct world *world, uint32_t number)
{
    world->slots[number].generation++;
    world->slots[number].next = world->free_slot;
    world->free_slot = number;
}

world_timer world_at(struct world *world, struct node *node, int64_t time_ns, world_fn *fn,
                     void *arg)
{
    uint32_t number = slot_take(world);
    struct slot *slot = &world->slots[number];
    *slot = (struct slot){.time_ns = time_ns > world->now ? time_ns : world->now,
                          .sequence = world->sequence++,
                          .node = node,
                          .boot = node ? node->boots : 0,
                          .fn = fn,
                          .arg = arg,
                          .generation = slot->generation,
                          .next = NO_SLOT,
                          .at = NOT_QUEUED};
    heap_push(world, number);
    return (uint64_t)slot->generation << 32 | (number + 1);
}

bool world_cancel(struct world *world, world_timer timer)
{
    uint32_t number = (uint32_t)timer - 1;
    if (timer == 0 || number >= world->slot_count)
        return false;
    struct slot *slot = &world->slots[number];
    if (slot->generation != (uint32_t)(timer >> 32) || slot->cancelled)
        return false;
    if (slot->at == NOT_QUEUED) {
        slot->cancelled = true; /* it is held for a paused node */
        return true;
    }
    heap_remove(world, number);
    slot_give(world, number);
    return true;
}

/* ---- running ---- */

static void hold(struct world *world, struct held *held, uint32_t number)
{
    world->slots[number].next = NO_SLOT;
    if (held->last == NO_SLOT)
        held->first = number;
    else
        world->slots[held->last].next = number;
    held->last = number;
}

void world_release_held(struct world *world, struct held *held)
{
    uint32_t number = held->first;
    held->first = held->last = NO_SLOT;
    while (number != NO_SLOT) {
        struct slot *slot = &world->slots[number];
        uint32_t next = slot->next;
        slot->time_ns = world->now;
        slot->sequence = world->sequence++;
        heap_push(world, number);
        number = next;
    }
}

static bool dead_letter(const struct slot *slot)
{
    return slot->cancelled ||
           (slot->node && (slot->boot != slot->node->boots || slot->node->state == NODE_DOWN));
}

void world_call(struct world *world, struct node *node, world_fn *fn, void *arg)
{
    world->current = node;
    world->can_escape = true;
    if (_setjmp(world->escape) == 0)
        fn(arg);
    world->can_escape = false;
    world->current = NULL;
    world_bury(world);
}

void world_escape(struct world *world)
{
    assert(world->can_escape);
    _longjmp(world->escape, 1);
}

bool world_step(struct world *world, int64_t until_ns)
{
    while (world->heap_count > 0) {
        uint32_t number = world->heap[0];
        struct slot slot = world->slots[number];
        if (dead_letter(&slot)) {
            heap_remove(world, number);
            slot_give(world, number);
            continue;
        }
        if (slot.time_ns > until_ns)
            break;
        heap_remove(world, number);
        world->now = slot.time_ns;
        if (slot.node && slot.node->paused) {
            hold(world, &node_extra(slot.node)->held, number);
            continue;
        }
        slot_give(world, number);
        world_call(world, slot.node, slot.fn, slot.arg);
        return true;
    }
    if (until_ns > world->now && until_ns != INT64_MAX)
        world->now = until_ns;
    return false;
}
