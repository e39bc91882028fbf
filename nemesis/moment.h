/* moment.h: strikes that wait until it hurts: until an effect is in flight.
 *
 * By the names of points: an effect is in flight from the hit of `.../send` to that of `.../reply` by the same actor, and from
 * `.../start` to `.../stop`. A strike that waits is made a drawn moment (3 ms at most) after such a beginning, on that
 * node, if the end has not come before; after half a minute at the latest it is made anywhere.
 */
#ifndef DURESS_MOMENT_H
#define DURESS_MOMENT_H

#include "harness/world/world.h"

#define MOMENT_INTO_MAX_NS INT64_C(3000000)
#define MOMENT_WAIT_MAX_NS INT64_C(30000000000)

/* Where it hurts. No node: nowhere in particular. */
struct moment {
    struct node *node;
    uint64_t actor;
    const char *during; /* the point where it began; "" */
};

struct moments; /* of one run */

struct moments *moments_new(struct world *world);
/* Forgets all that wait, silently. */
void moments_free(struct moments *moments);
/* Calls strike(ctx, moment) once, in an event of the world's own. */
void moment_await(struct moments *moments, int64_t into_ns,
                  void (*strike)(void *ctx, const struct moment *moment), void *ctx);
/* Can a hit of the point of this name begin or end a moment? */
bool moments_listen(const char *name);
/* Every hit of a fault point goes through here, of those at least that can. */
void moments_hit(struct moments *moments, const struct hit *hit);

#endif
