/* runner_orders.c: what to run next: what is pending first, then the canaries, then the numbered
 * runs. */
#include "harness/suite/runner_internal.h"

#include <stdlib.h>
#include <string.h>

struct order *order_add(struct runner *r, enum purpose purpose, const struct plan_run *run)
{
    struct order *grown = realloc(r->pending, (r->pending_count + 1) * sizeof *grown);
    if (!grown)
        abort();
    r->pending = grown;
    struct order *order = &grown[r->pending_count++];
    *order = (struct order){.purpose = purpose, .avoid = NO_LANE, .only = NO_LANE};
    order->job.run = *run;
    order->job.again = purpose != FIRST;
    return order;
}

static bool pending_take(struct runner *r, int lane, struct order *ret_order)
{
    for (size_t i = 0; i < r->pending_count; i++) {
        const struct order *order = &r->pending[i];
        if (order->avoid == lane || (order->only != NO_LANE && order->only != lane))
            continue;
        *ret_order = *order;
        r->pending_count--;
        memmove(&r->pending[i], &r->pending[i + 1], (r->pending_count - i) * sizeof *r->pending);
        return true;
    }
    return false;
}

static bool out_of_time(const struct runner *r)
{
    return r->setup->time_ns && r->now_ns - r->start_ns >= r->setup->time_ns;
}

static bool out_of_runs(const struct runner *r)
{
    return r->setup->plan->slot_count == 0 || (r->setup->runs && r->next_index >= r->setup->runs);
}

static bool first_take(struct runner *r, struct order *ret_order)
{
    const struct plan *plan = r->setup->plan;
    struct order order = {.purpose = FIRST, .avoid = NO_LANE, .only = NO_LANE};
    if (r->no_more)
        return false;
    if (r->next_canary < plan->canary_count) {
        order.job.run = plan_canary_at(plan, r->setup->seed, r->next_canary++);
    } else if (!out_of_time(r) && !out_of_runs(r)) {
        order.job.run = plan_run_at(plan, r->setup->seed, r->next_index);
        r->next_index += r->setup->shard.of;
    } else {
        r->no_more = true;
        return false;
    }
    r->scenario = plan->scenarios[order.job.run.scenario]->name;
    *ret_order = order;
    return true;
}

bool order_next(struct runner *r, int lane, struct order *ret_order)
{
    return pending_take(r, lane, ret_order) || (lane < r->first_lanes && first_take(r, ret_order));
}

void orders_give_up_verifying(struct runner *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->pending_count; i++)
        if (r->pending[i].job.keep[0])
            r->pending[kept++] = r->pending[i];
    r->pending_count = kept;
}
