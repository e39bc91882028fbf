/* Nodes: machines that start, stop, die, stand still, and come back.
 *
 *              boot                 stop
 *   DOWN ----------------> UP ----------------> STOPPING
 *    ^                      |                      |
 *    +------ kill, power loss, node_stopped() -----+
 *
 * A node that dies loses everything it had in memory at once; nothing of it runs any more. If its own code is on the
 * stack at that moment (a fault hit inside it), the code is left first and the node buried afterwards.
 */
#include "harness/world/disk.h"
#include "harness/world/world_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

POINT_ABOUT("world/node/start", "a node boots");
POINT_ABOUT("world/node/stop", "a node is asked to stop gracefully");
POINT_ABOUT("world/node/stopped", "a node has stopped gracefully");
POINT_ABOUT("world/node/kill", "a node dies as by SIGKILL");
POINT_ABOUT("world/node/poweroff", "a node loses power: its disk may lose what was not synced");
POINT_ABOUT("world/disk/wipe", "a node has lost its disk, and comes back with an empty one");
POINT_ABOUT("world/actor/crash", "an actor dies, as by an exit that it cannot trap");
POINT_ABOUT("world/node/pause", "a node stands still for a while");
POINT_ABOUT("world/node/wrong",
            "a peer that is part of the scenario's script does wrong, as it asks");
POINT_ABOUT("world/node/resume", "a paused node goes on");

struct node_extra *node_extra(struct node *node)
{
    return &node->world->extras[node->id - 1];
}

static void grow_links(struct world *world)
{
    uint32_t count = world->node_count;
    struct link *links = calloc((size_t)count * count, sizeof *links);
    if (!links)
        abort();
    for (uint32_t from = 0; from < count; from++) {
        for (uint32_t to = 0; to < count; to++) {
            struct link *link = &links[from * count + to];
            if (from + 1 < count && to + 1 < count)
                *link = world->links[from * (count - 1) + to];
            else
                *link = (struct link){.latency_lo_ns = 200000, .latency_hi_ns = 2000000};
        }
    }
    free(world->links);
    world->links = links;
}

struct node *world_node_add(struct world *world, const char *name, const struct node_ops *ops,
                            void *ctx)
{
    struct node *node = calloc(1, sizeof *node);
    world->extras = realloc(world->extras, (world->node_count + 1) * sizeof *world->extras);
    if (!node || !world->extras)
        abort();
    world->extras[world->node_count] = (struct node_extra){.held = {NO_SLOT, NO_SLOT}};
    node->id = ++world->node_count;
    node->world = world;
    node->name = strdup(name);
    node->expendable = true;
    node->ops = ops;
    node->ctx = ctx;
    node->site = (struct point_site){.sink = &world->sink, .node = node->id, .owner = node};
    if (world->last_node)
        world->last_node->next = node;
    else
        world->nodes = node;
    world->last_node = node;
    grow_links(world);
    clock_init(node);
    return node;
}

struct node *world_nodes(struct world *world)
{
    return world->nodes;
}

struct link *world_link(struct world *world, struct node *from, struct node *to)
{
    return &world->links[(from->id - 1) * world->node_count + (to->id - 1)];
}

/* ---- starting ---- */

static void boot_now(void *arg)
{
    node_boot(arg);
}

void node_boot(struct node *node)
{
    struct world *world = node->world;
    struct node_extra *extra = node_extra(node);
    if (node->state != NODE_DOWN || extra->dying)
        return;
    world_cancel(world, extra->boot);
    extra->boot = 0;
    if (node->boots > 0 && world->down > 0)
        world->down--;
    node->state = NODE_UP;
    node->boots++;
    TRACE(&node->site, "world/node/start", T_STR("name", node->name));
    if (node->boots == 1)
        clock_tell(node);
    struct node *before = world->current;
    world->current = node;
    node->ops->start(node, node->ctx);
    world->current = before;
}

void node_boot_after(struct node *node, int64_t ns)
{
    struct node_extra *extra = node_extra(node);
    world_cancel(node->world, extra->boot);
    extra->boot = world_at(node->world, NULL, node->world->now + ns, boot_now, node);
}

void world_back_after(struct world *world, int64_t lo_ns, int64_t hi_ns)
{
    world->back_lo = lo_ns;
    world->back_hi = hi_ns;
}

static void boot_by_itself(struct node *node)
{
    struct world *world = node->world;
    struct choice choice = {.stream = STREAM_NEMESIS,
                            .name = "world/node/back",
                            .node = node->id,
                            .ordinal = node->boots};
    int64_t back_ns = node_extra(node)->back_ns;
    if (back_ns < 0)
        back_ns = tape_between(world->tape, &choice, world->back_lo, world->back_hi);
    node_boot_after(node, back_ns);
}

/* ---- dying ---- */

bool budget_allows_death(const struct world *world, const struct node *node)
{
    return node->expendable && world->down < world->budget.nodes_down;
}

/* Everything but freeing the memory: from here on nothing of the node runs. */
static void node_down(struct node *node)
{
    struct node_extra *extra = node_extra(node);
    node->state = NODE_DOWN;
    node->world->down++;
    node->paused = false;
    world_cancel(node->world, extra->resume);
    world_cancel(node->world, extra->deadline);
    extra->resume = extra->deadline = 0;
}

static void bury(struct node *node)
{
    struct node_extra *extra = node_extra(node);
    struct world *world = node->world;
    extra->dying = false;
    node->world->dying--;
    node->ops->dead(node, node->ctx);
    disk_sqlite_forget(node);
    if (node->disk) {
        disk_release(node->disk);
        if (extra->power_loss)
            disk_power_loss(node->disk, node);
    }
    world_release_held(world, &extra->held); /* dead letters now, but packets find out */
    if (extra->comes_back)
        boot_by_itself(node);
}

void world_bury(struct world *world)
{
    if (world->dying == 0)
        return;
    for (struct node *node = world->nodes; node; node = node->next)
        if (node_extra(node)->dying)
            bury(node);
}

bool node_kill(struct node *node, bool power_loss, bool force)
{
    struct world *world = node->world;
    struct node_extra *extra = node_extra(node);
    if (node->state == NODE_DOWN || (!force && !budget_allows_death(world, node)))
        return false;
    if (power_loss)
        TRACE(&node->site, "world/node/poweroff", T_STR("name", node->name));
    else
        TRACE(&node->site, "world/node/kill", T_STR("name", node->name));
    node_down(node);
    extra->power_loss = power_loss;
    extra->comes_back = false;
    extra->dying = true;
    node->world->dying++;
    if (world->current != node)
        bury(node); /* else when its code has left the stack */
    return true;
}

bool node_wipe(struct node *node)
{
    struct world *world = node->world;
    if (!node->wipeable || world->wiped >= world->budget.disks_wiped ||
        !node_kill(node, false, false))
        return false;
    TRACE(&node->site, "world/disk/wipe", T_STR("name", node->name));
    world->wiped++;
    if (node->disk)
        disk_wipe(node->disk);
    return true;
}

/* ---- actors ---- */

uint64_t node_next_actor(const struct node *node, uint64_t after)
{
    bool up = node->state != NODE_DOWN && !node->paused && node->ops->next_actor;
    return up ? node->ops->next_actor(node, after) : 0;
}

void node_crash_actor(struct node *node, uint64_t actor)
{
    struct world *world = node->world;
    struct node *before = world->current;
    TRACE(&node->site, "world/actor/crash", T_U64("which", actor));
    world->current = node;
    node->ops->crash_actor(node, actor);
    world->current = before;
}

/* ---- stopping ---- */

static void stop_deadline(void *arg)
{
    struct node *node = arg;
    node_extra(node)->deadline = 0;
    if (node->state == NODE_STOPPING && node_kill(node, false, true))
        boot_by_itself(node);
}

bool node_restart(struct node *node, int64_t grace_ns, int64_t back_ns)
{
    struct world *world = node->world;
    if (node->state != NODE_UP || !budget_allows_death(world, node))
        return false;
    node->state = NODE_STOPPING;
    node_extra(node)->back_ns = back_ns;
    TRACE(&node->site, "world/node/stop", T_STR("name", node->name));
    node_extra(node)->deadline = world_at(world, NULL, world->now + grace_ns, stop_deadline, node);
    struct node *before = world->current;
    world->current = node;
    node->ops->stop(node, node->ctx);
    world->current = before;
    return true;
}

void node_stopped(struct node *node)
{
    struct node_extra *extra = node_extra(node);
    if (node->state != NODE_STOPPING)
        return;
    TRACE(&node->site, "world/node/stopped", T_STR("name", node->name));
    node_down(node);
    extra->power_loss = false;
    extra->comes_back = true;
    extra->dying = true;
    node->world->dying++;
    if (node->world->current != node)
        bury(node);
}

/* ---- standing still ---- */

static void resume_now(void *arg)
{
    struct node *node = arg;
    node_extra(node)->resume = 0;
    node_resume(node);
}

void node_pause(struct node *node, int64_t ns)
{
    struct world *world = node->world;
    struct node_extra *extra = node_extra(node);
    int64_t until = world->now + ns;
    if (node->state == NODE_DOWN || (node->paused && until <= extra->paused_until))
        return;
    if (!node->paused)
        TRACE(&node->site, "world/node/pause", T_STR("name", node->name), T_I64("ns", ns));
    node->paused = true;
    extra->paused_until = until;
    world_cancel(world, extra->resume);
    extra->resume = world_at(world, NULL, until, resume_now, node);
}

void node_resume(struct node *node)
{
    struct node_extra *extra = node_extra(node);
    if (!node->paused)
        return;
    node->paused = false;
    world_cancel(node->world, extra->resume);
    extra->resume = 0;
    TRACE(&node->site, "world/node/resume", T_STR("name", node->name));
    world_release_held(node->world, &extra->held);
}

void node_went_wrong(struct node *node, const char *how, uint64_t key)
{
    TRACE(&node->site, "world/node/wrong", T_U64("key", key), T_STR("how", how));
}

void world_heal(struct world *world)
{
    world_set_phase(world, PHASE_LIVENESS);
    for (struct node *from = world->nodes; from; from = from->next) {
        for (struct node *to = world->nodes; to; to = to->next)
            link_heal(world_link(world, from, to));
    }
    for (struct node *node = world->nodes; node; node = node->next) {
        node_resume(node);
        node_boot(node);
    }
}
