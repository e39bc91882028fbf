/* The sink: where every hit of a point in the world ends up.
 *
 * A FAULT asks the decider, then waits (delay, timeout), records the event with what is injected, and applies it. What
 * cannot be applied here (no process that could wait, a budget that is used up) is not injected and not recorded.
 */
#include "harness/world/disk.h"
#include "harness/world/world_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

POINT_ABOUT("world/fault/wait", "An injected delay begins; the hit itself is recorded when it is "
                                "over, if anybody lives to see that.");

static struct world *world_of(struct point_sink *sink)
{
    return (struct world *)((char *)sink - offsetof(struct world, sink));
}

static void record(struct world *world, struct point_site *at, struct point *point,
                   const struct point_field *fields, unsigned count, struct fault fault)
{
    struct event event = {.time_ns = world->now,
                          .node = at->node,
                          .actor = at->actor,
                          .point = point,
                          .fields = fields,
                          .count = count,
                          .fault = fault};
    trace_record(world->trace, &event);
    tape_at_event(world->tape, event.index + 1);
}

static void sink_event(struct point_sink *sink, struct point_site *at, struct point *point,
                       const struct point_field *fields, unsigned count)
{
    struct world *world = world_of(sink);
    world->hits[point->id]++;
    if (world->by)
        world_count_hit(world, point->id, at->node, fields_key(fields, count));
    record(world, at, point, fields, count, (struct fault){0});
}

/* ---- deciding ---- */

bool world_can_inject(const struct hit *hit, const struct fault *fault)
{
    struct node *node = hit->node;
    if (!(hit->point->kinds & fault_can(fault->kind)))
        return false;
    switch (fault->kind) {
    case FAULT_NONE: return false;
    case FAULT_ERROR:
    case FAULT_SHORT:
    case FAULT_TIMEOUT:
    case FAULT_DISCONNECT: return true;
    case FAULT_LIE:
    case FAULT_MISDIRECT:
    case FAULT_FLIP: return node && node->disk && disk_may_lie(node->disk);
    case FAULT_DELAY: return node && node->ops->can_stall(node, hit->site);
    case FAULT_CRASH: return node && hit->site->actor != 0;
    case FAULT_PAUSE: return node != NULL;
    case FAULT_KILL:
    case FAULT_POWEROFF: return node && budget_allows_death(hit->world, node);
    case FAULT_KIND_COUNT: break;
    }
    return false;
}

bool budget_rules_out(const struct budget *budget, enum fault_kind kind)
{
    switch (kind) {
    case FAULT_LIE:
    case FAULT_MISDIRECT:
    case FAULT_FLIP: return budget->disks_lying == 0;
    case FAULT_KILL:
    case FAULT_POWEROFF: return budget->nodes_down == 0;
    case FAULT_NONE:
    case FAULT_DELAY:
    case FAULT_ERROR:
    case FAULT_SHORT:
    case FAULT_TIMEOUT:
    case FAULT_DISCONNECT:
    case FAULT_PAUSE:
    case FAULT_CRASH:
    case FAULT_KIND_COUNT: break;
    }
    return false;
}

static struct fault decide(const struct hit *hit)
{
    struct world *world = hit->world;
    if (!world->faults_on || !world->decide)
        return (struct fault){0};
    struct fault fault = world->decide(world->decide_ctx, hit);
    if (fault.kind != FAULT_NONE && !world_can_inject(hit, &fault))
        fault = (struct fault){0};
    return fault;
}

/* ---- applying ---- */

static void wait_for(const struct hit *hit, const struct fault *fault)
{
    struct node *node = hit->node;
    if (fault->lo_ns <= 0 || !node || !node->ops->can_stall(node, hit->site))
        return;
    TRACE(hit->site, "world/fault/wait", T_STR("where", hit->point->name),
          T_I64("ns", fault->lo_ns));
    node->ops->stall(node, hit->site, fault->lo_ns);
}

_Noreturn static void die(const struct hit *hit, bool power_loss)
{
    struct node *node = hit->node;
    node_kill(node, power_loss, true);
    node_extra(node)->comes_back = true;
    node_extra(node)->back_ns = -1;
    node->ops->leave(node, hit->site);
}

static int apply(const struct hit *hit, const struct fault *fault)
{
    struct node *node = hit->node;
    switch (fault->kind) {
    case FAULT_ERROR: return -fault->err;
    case FAULT_SHORT: return (int)fault->kind;
    case FAULT_TIMEOUT: return -ETIMEDOUT;
    case FAULT_DISCONNECT: return -ECONNRESET;
    case FAULT_LIE:
    case FAULT_MISDIRECT:
    case FAULT_FLIP: disk_lies(node->disk); return (int)fault->kind;
    case FAULT_CRASH: node->ops->crash(node, hit->site);
    case FAULT_KILL: die(hit, false);
    case FAULT_POWEROFF: die(hit, true);
    case FAULT_PAUSE:
        node_pause(node, fault->lo_ns);
        wait_for(hit, fault);
        return 0;
    case FAULT_NONE:
    case FAULT_DELAY:
    case FAULT_KIND_COUNT: break;
    }
    return 0;
}

static int sink_fault(struct point_sink *sink, struct point_site *at, struct point *point,
                      const struct point_field *fields, unsigned count)
{
    struct world *world = world_of(sink);
    world->hits[point->id]++;
    if (world->ignored[point->id] && !world->by)
        return 0;
    struct hit hit = {.world = world,
                      .node = at->owner,
                      .site = at,
                      .point = point,
                      .fields = fields,
                      .count = count,
                      .key = fields_key(fields, count)};
    if (world->by)
        world_count_hit(world, point->id, at->node, hit.key);
    struct fault fault = decide(&hit);
    if (fault.kind == FAULT_NONE) {
        if (!(point->kinds & POINT_QUIET))
            record(world, at, point, fields, count, fault);
        return 0;
    }
    if (fault.kind == FAULT_DELAY || fault.kind == FAULT_TIMEOUT)
        wait_for(&hit, &fault);
    world->injected[point->id][fault.kind]++;
    record(world, at, point, fields, count, fault);
    return apply(&hit, &fault);
}

/* ---- the world's side ---- */

void world_sink_init(struct world *world)
{
    registry_init();
    size_t points = registry_count() + 1;
    world->sink = (struct point_sink){.event = sink_event, .fault = sink_fault};
    world->site = (struct point_site){.sink = &world->sink};
    world->hits = calloc(points, sizeof *world->hits);
    world->injected = calloc(points, sizeof *world->injected);
    world->recent = calloc(points, sizeof *world->recent);
    world->ignored = calloc(points, sizeof *world->ignored);
    if (!world->hits || !world->injected || !world->recent || !world->ignored)
        abort();
}

struct point_site *world_site(struct world *world)
{
    return &world->site;
}

void world_decider(struct world *world, world_decide *decider, void *ctx)
{
    world->decide = decider;
    world->decide_ctx = ctx;
    memset(world->ignored, 0, registry_count() * sizeof *world->ignored);
}

void world_ignore(struct world *world, const struct point *point)
{
    world->ignored[point->id] = (point->kinds & POINT_QUIET) != 0;
}

static struct ordinal *ordinal_new(struct world *world)
{
    struct ordinals *block = world->ordinal_blocks;
    if (!block || world->ordinals_used == sizeof block->items / sizeof *block->items) {
        block = malloc(sizeof *block);
        if (!block)
            abort();
        block->next = world->ordinal_blocks;
        world->ordinal_blocks = block;
        world->ordinals_used = 0;
    }
    struct ordinal *ordinal = &block->items[world->ordinals_used++];
    *ordinal = (struct ordinal){0};
    return ordinal;
}

uint64_t world_ordinal(struct world *world, const struct hit *hit)
{
    struct ordinal_key key;
    memset(&key, 0, sizeof key);
    key.point = hit->point->id;
    key.node = hit->node ? hit->node->id : 0;
    key.key = hit->key;
    struct ordinal **recent = &world->recent[key.point], *ordinal = *recent;
    if (ordinal && ordinal->key.node == key.node && ordinal->key.key == key.key)
        return ++ordinal->count;
    HASH_FIND(hh, world->ordinals, &key, sizeof key, ordinal);
    if (!ordinal) {
        ordinal = ordinal_new(world);
        ordinal->key = key;
        HASH_ADD(hh, world->ordinals, key, sizeof key, ordinal);
    }
    *recent = ordinal;
    return ++ordinal->count;
}

struct hit_count *world_hit_counts(const struct world *world, size_t *ret_count)
{
    struct hit_count *counts = calloc(HASH_COUNT(world->ordinals) + 1, sizeof *counts);
    size_t used = 0;
    if (!counts)
        abort();
    for (const struct ordinal *ordinal = world->ordinals; ordinal; ordinal = ordinal->hh.next)
        counts[used++] = (struct hit_count){.point = ordinal->key.point,
                                            .node = ordinal->key.node,
                                            .key = ordinal->key.key,
                                            .count = ordinal->count};
    *ret_count = used;
    return counts;
}

uint64_t world_hits(const struct world *world, size_t point_id)
{
    return world->hits[point_id];
}

uint64_t world_injected(const struct world *world, size_t point_id, enum fault_kind kind)
{
    return world->injected[point_id][kind];
}
