/* clock.c: what time the nodes believe it is.
 *
 *   wall = epoch + now + ahead + drift * (now - since)       stopped: epoch + since + ahead
 *   mono =         now + ahead + drift * (now - since)
 *
 * in whole nanoseconds, drift in parts per million. Whatever changes moves `since` to now, so that a change of the drift
 * moves no clock. A step moves the wall clock only; the monotonic clock never goes back, since no drift reaches -100 %.
 */
#include "harness/world/world_internal.h"

#include <assert.h>
#include <stdlib.h>

#define EPOCH_NS INT64_C(1767225600000000000) /* 2026-01-01T00:00:00Z: where wall clocks start */
#define MILLION  INT64_C(1000000)

POINT_ABOUT("world/clock/set", "The clock of a node that boots is not exact.");
POINT_ABOUT("world/clock/step", "The wall clock of a node was moved.");
POINT_ABOUT("world/clock/drift", "The clocks of a node run at another speed from now on.");
POINT_ABOUT("world/clock/stop", "The wall clock of a node stands still from now on.");
POINT_ABOUT("world/clock/go", "The wall clock of a node runs again.");

static int64_t drifted(const struct clock *clock, int64_t now)
{
    int64_t passed = now - clock->since_ns;
    return passed / MILLION * clock->drift_ppm + passed % MILLION * clock->drift_ppm / MILLION;
}

/* How far the wall clock is from where it should be. */
static int64_t wall_ahead(const struct node *node)
{
    const struct clock *clock = &node->clock;
    int64_t now = node->world->now;
    return clock->wall_ahead_ns + (clock->stopped ? clock->since_ns - now : drifted(clock, now));
}

int64_t node_wall_ns(const struct node *node)
{
    return EPOCH_NS + node->world->now + wall_ahead(node);
}

static int64_t mono_at(const struct node *node, int64_t now)
{
    return now + node->clock.mono_ahead_ns + drifted(&node->clock, now);
}

/* Often asked at one time; nothing makes it jump. */
int64_t node_mono_ns(const struct node *node)
{
    struct clock *clock = (struct clock *)&node->clock;
    int64_t now = node->world->now;
    if (clock->asked_ns != now) {
        clock->told_ns = mono_at(node, now);
        clock->asked_ns = now;
    }
    return clock->told_ns;
}

/* After so much of its own time, how much of virtual time? To within a nanosecond. */
static int64_t undrifted(int64_t left, int64_t drift_ppm)
{
    if (left < INT64_MAX / MILLION)
        return left * MILLION / (MILLION + drift_ppm);
    __int128 scaled = (__int128)left * MILLION / (MILLION + drift_ppm);
    return scaled < INT64_MAX ? (int64_t)scaled : INT64_MAX;
}

int64_t node_when_ns(const struct node *node, int64_t mono_ns)
{
    int64_t now = node->world->now, left = mono_ns - node_mono_ns(node);
    if (left <= 0)
        return now;
    int64_t takes = undrifted(left, node->clock.drift_ppm);
    int64_t when = takes < INT64_MAX - now ? now + takes : INT64_MAX;
    while (when > now && mono_at(node, when - 1) >= mono_ns)
        when--;
    while (mono_at(node, when) < mono_ns)
        when++;
    return when;
}

/* ---- changes ---- */

static void anchor(struct node *node)
{
    struct clock *clock = &node->clock;
    int64_t now = node->world->now;
    clock->wall_ahead_ns = wall_ahead(node);
    clock->mono_ahead_ns += drifted(clock, now);
    clock->since_ns = now;
}

static int64_t rate_ppm(const struct node *node)
{
    return node->clock.stopped ? -MILLION : node->clock.drift_ppm;
}

#define CLOCK_TRACE(node, name, by)                                                                \
    TRACE(&(node)->site, name, T_I64("by", by), T_I64("ahead_ns", wall_ahead(node)),               \
          T_I64("ppm", rate_ppm(node)))

/* 0, +1, -1, +2, -2, ... up to the limit, both ways. */
static int64_t draw(struct node *node, const char *name, int64_t limit)
{
    struct choice choice = {.stream = STREAM_CLOCK, .name = name, .node = node->id, .ordinal = 1};
    int64_t value = (int64_t)tape_choose(node->world->tape, &choice, 2 * (uint64_t)limit + 1);
    return value % 2 ? value / 2 + 1 : -(value / 2);
}

void clock_init(struct node *node)
{
    const struct budget *budget = &node->world->budget;
    node->clock = (struct clock){
        .since_ns = node->world->now,
        .wall_ahead_ns = draw(node, "world/clock/offset", budget->clock_skew_ns),
        .drift_ppm = draw(node, "world/clock/drift", budget->clock_drift * 100),
    };
    node->clock.own_ppm = node->clock.drift_ppm;
}

void clock_tell(struct node *node)
{
    if (node->clock.wall_ahead_ns != 0 || node->clock.drift_ppm != 0)
        CLOCK_TRACE(node, "world/clock/set", 0);
}

void node_clock_offset(struct node *node, int64_t ahead_ns)
{
    assert(node->boots == 0);
    node->clock.wall_ahead_ns = ahead_ns;
}

static bool budget_allows_skew(const struct node *node, int64_t ahead_ns)
{
    return llabs(ahead_ns) <= node->world->budget.clock_skew_ns;
}

bool node_clock_step(struct node *node, int64_t by_ns)
{
    if (!budget_allows_skew(node, wall_ahead(node) + by_ns))
        return false;
    anchor(node);
    node->clock.wall_ahead_ns += by_ns;
    CLOCK_TRACE(node, "world/clock/step", by_ns);
    return true;
}

void node_clock_drift(struct node *node, int64_t ppm)
{
    int64_t most = node->world->budget.clock_drift * 100;
    anchor(node);
    node->clock.drift_ppm = ppm > most ? most : ppm < -most ? -most : ppm;
    CLOCK_TRACE(node, "world/clock/drift", node->clock.drift_ppm);
}

bool node_clock_stop(struct node *node, int64_t for_ns)
{
    if (node->clock.stopped || !budget_allows_skew(node, wall_ahead(node) - for_ns))
        return false;
    anchor(node);
    node->clock.stopped = true;
    CLOCK_TRACE(node, "world/clock/stop", for_ns);
    return true;
}

void node_clock_go(struct node *node)
{
    if (!node->clock.stopped)
        return;
    anchor(node);
    node->clock.stopped = false;
    CLOCK_TRACE(node, "world/clock/go", 0);
}
