/* moment.c: see moment.h. A waiting strike follows one effect at a time, until that ends or the strike is made. */
#include "nemesis/moment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct waiting {
    struct moments *moments;
    int64_t into_ns;
    void (*strike)(void *ctx, const struct moment *moment);
    void *ctx;
    world_timer deadline, check;
    struct moment moment; /* the effect that it follows; no node: none */
    uint64_t boots;
    uint32_t end; /* the point that ends it */
    struct waiting *prev, *next;
};

struct moments {
    struct world *world;
    struct waiting *list;
    uint32_t *ends; /* by point: not known yet, begins nothing, or the id of its end + ENDS */
};

enum { UNKNOWN, BEGINS_NOTHING, ENDS };

struct moments *moments_new(struct world *world)
{
    struct moments *moments = calloc(1, sizeof *moments);
    uint32_t *ends = calloc(registry_count() + 1, sizeof *ends);
    if (!moments || !ends)
        abort();
    *moments = (struct moments){.world = world, .ends = ends};
    return moments;
}

static void waiting_free(struct waiting *waiting)
{
    struct world *world = waiting->moments->world;
    world_cancel(world, waiting->deadline);
    world_cancel(world, waiting->check);
    DL_DELETE(waiting->moments->list, waiting);
    free(waiting);
}

void moments_free(struct moments *moments)
{
    while (moments->list)
        waiting_free(moments->list);
    free(moments->ends);
    free(moments);
}

/* ---- waiting ---- */

static void strike_now(struct waiting *waiting, struct moment moment)
{
    void (*strike)(void *ctx, const struct moment *moment) = waiting->strike;
    void *ctx = waiting->ctx;
    waiting_free(waiting);
    strike(ctx, &moment);
}

static void deadline(void *arg)
{
    struct waiting *waiting = arg;
    waiting->deadline = 0;
    strike_now(waiting, (struct moment){.during = ""});
}

static void check(void *arg)
{
    struct waiting *waiting = arg;
    const struct node *node = waiting->moment.node;
    waiting->check = 0;
    if (node && node->boots == waiting->boots && node->state != NODE_DOWN)
        strike_now(waiting, waiting->moment);
    else
        waiting->moment = (struct moment){0};
}

void moment_await(struct moments *moments, int64_t into_ns,
                  void (*strike)(void *ctx, const struct moment *moment), void *ctx)
{
    struct world *world = moments->world;
    struct waiting *waiting = calloc(1, sizeof *waiting);
    if (!waiting)
        abort();
    *waiting =
        (struct waiting){.moments = moments, .into_ns = into_ns, .strike = strike, .ctx = ctx};
    waiting->deadline =
        world_at(world, NULL, world_now(world) + MOMENT_WAIT_MAX_NS, deadline, waiting);
    DL_APPEND(moments->list, waiting);
}

/* ---- listening ---- */

static const struct {
    const char *begin, *end;
} pairs[] = {{"/send", "/reply"}, {"/start", "/stop"}};

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), end = strlen(suffix);
    return length > end && strcmp(name + length - end, suffix) == 0;
}

bool moments_listen(const char *name)
{
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (ends_with(name, pairs[i].begin) || ends_with(name, pairs[i].end))
            return true;
    return false;
}

static uint32_t find_end(const char *name)
{
    char end[128];
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (!ends_with(name, pairs[i].begin))
            continue;
        int stem = (int)(strlen(name) - strlen(pairs[i].begin));
        snprintf(end, sizeof end, "%.*s%s", stem, name, pairs[i].end);
        const struct point_info *point = registry_find(end);
        return point ? (uint32_t)(point - registry_get(0)) + ENDS : BEGINS_NOTHING;
    }
    return BEGINS_NOTHING;
}

static void follow(struct waiting *waiting, const struct hit *hit, uint32_t end)
{
    struct world *world = waiting->moments->world;
    waiting->moment = (struct moment){hit->node, hit->site->actor, hit->point->name};
    waiting->boots = hit->node->boots;
    waiting->end = end;
    world_cancel(world, waiting->check);
    waiting->check = world_at(world, NULL, world_now(world) + waiting->into_ns, check, waiting);
}

void moments_hit(struct moments *moments, const struct hit *hit)
{
    struct waiting *waiting;
    uint32_t id = hit->point->id;
    if (!moments->list || !hit->node)
        return;
    if (moments->ends[id] == UNKNOWN)
        moments->ends[id] = find_end(hit->point->name);
    DL_FOREACH (moments->list, waiting) {
        const struct moment *moment = &waiting->moment;
        if (moment->node == hit->node && moment->actor == hit->site->actor && waiting->end == id)
            waiting->moment = (struct moment){0};
        if (moments->ends[id] >= ENDS && !moment->node)
            follow(waiting, hit, moments->ends[id] - ENDS);
    }
}
