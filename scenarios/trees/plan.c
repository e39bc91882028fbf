/* plan.c: which processes a tree has. One span per process, which says under which supervisor it stands, so that a
 * shrinker can take any of them out; and one per call of an operator. */
#include "scenarios/trees/trees.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STRATEGIES = 3, REASONS = 4, CHILDREN_FEW = 3 };

static uint64_t draw(const struct draws *draws, uint64_t n)
{
    return n > 1 ? tape_draw(world_tape(draws->world), n) : 0;
}

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (!memory)
        abort();
    return memory;
}

bool seat_is_pool(const struct seat *seat)
{
    return seat->supervisor &&
           (seat->spec.strategy == DYNAMIC || seat->spec.strategy == SIMPLE_ONE_FOR_ONE);
}

/* ---- supervisors ---- */

static void draw_supervisor(const struct draws *draws, struct seat *seat)
{
    struct supervisor_spec *spec = &seat->spec;
    *spec = (struct supervisor_spec){.label = seat->id};
    bool pool = seat->above && draws_percent(draws, T_DYNAMIC);
    spec->strategy = pool ? DYNAMIC : (enum strategy)draw(draws, STRATEGIES);
    if (pool && draws_percent(draws, T_SIMPLE))
        spec->strategy = SIMPLE_ONE_FOR_ONE;
    else if (pool && draws_percent(draws, T_LIMITED))
        spec->max_children = 1 + draw(draws, CHILDREN_FEW);
    spec->intensity = (unsigned)draws_value(draws, T_INTENSITY);
    spec->period_s = (unsigned)draws_value(draws, T_PERIOD);
    if (!pool && draws_percent(draws, T_SIGNIFICANT))
        spec->auto_shutdown = draw(draws, 2) ? AUTO_ALL_SIGNIFICANT : AUTO_ANY_SIGNIFICANT;
}

/* ---- workers ---- */

static enum manner draw_manner(const struct draws *draws)
{
    if (!draws_percent(draws, T_TRAPPING))
        return MANNER_PLAIN;
    if (draws_percent(draws, T_STUBBORN))
        return MANNER_STUBBORN;
    if (draws_percent(draws, T_SLOW))
        return MANNER_SLOW;
    return draw(draws, 4) == 3 ? MANNER_ODD : MANNER_TRAPS;
}

/* A child that never stops must not be waited for without an end. */
static int64_t draw_shutdown(const struct draws *draws, enum manner manner)
{
    static const int64_t times[] = {0, SHUTDOWN_BRUTAL, 100 * MS, 2 * S, SHUTDOWN_INFINITY};
    enum { TIMES = sizeof times / sizeof times[0] };
    return times[draw(draws, manner == MANNER_STUBBORN ? TIMES - 1 : TIMES)];
}

static void draw_worker(const struct draws *draws, struct seat *seat)
{
    seat->manner = draw_manner(draws);
    seat->stop_ns = seat->manner == MANNER_SLOW ? draws_value(draws, T_STOP) : 0;
    if (!seat->itself)
        seat->child.arg = seat;
    seat->child.shutdown_ns = draw_shutdown(draws, seat->manner);
    if (draw(draws, 2))
        seat->child.start = seat_start;
    else
        seat->child.main = seat_main;
}

/* ---- the tree ---- */

/* One of the supervisors so far. */
static struct seat *draw_above(const struct draws *draws, struct plan *plan, size_t supervisors)
{
    size_t nth = draw(draws, supervisors);
    for (struct seat *seat = plan->seats;; ++seat)
        if (seat->supervisor && nth-- == 0)
            return seat;
}

static void draw_as_child(const struct draws *draws, struct seat *seat)
{
    seat->child.id = seat->id;
    seat->child.restart = (enum restart_type)draw(draws, 3);
    if (seat->above->spec.strategy == SIMPLE_ONE_FOR_ONE) {
        seat->itself = seat;
        seat->child.arg = &seat->itself;
        seat->child.arg_size = sizeof seat->itself;
    }
    bool may_end = seat->above->spec.auto_shutdown != AUTO_NEVER;
    if (may_end && seat->child.restart != RESTART_PERMANENT)
        seat->child.significant = draw(draws, 2);
}

static void draw_seat(struct tree *tree, struct seat *seat, size_t *supervisors)
{
    const struct draws *draws = &tree->trees->draws;
    struct plan *plan = &tree->plan;
    size_t index = (size_t)(seat - plan->seats);
    seat->tree = tree;
    if (index > 0)
        seat->above = draw_above(draws, plan, *supervisors);
    seat->depth = seat->above ? seat->above->depth + 1 : 1;
    bool deep = seat->depth >= (unsigned)draws_range(draws, T_DEPTH).hi;
    bool pooled = seat->above && seat_is_pool(seat->above);
    seat->supervisor = index == 0 || (draws_percent(draws, T_SUPERVISORS) && !deep && !pooled);
    snprintf(seat->id, sizeof seat->id, "%c%zu", seat->supervisor ? 's' : 'w', index);
    *supervisors += seat->supervisor;
    if (seat->above)
        draw_as_child(draws, seat);
    if (seat->supervisor)
        draw_supervisor(draws, seat);
    else
        draw_worker(draws, seat);
}

/* In the order of the seats. */
static size_t children_of(const struct plan *plan, const struct seat *above,
                          struct child_spec *into)
{
    size_t count = 0;
    for (size_t i = 1; i < plan->seat_count; ++i)
        if (plan->seats[i].above == above) {
            if (into)
                into[count] = plan->seats[i].child;
            ++count;
        }
    return count;
}

/* What its children have in common is what the first of them would be, did it stand alone; nobody waits for one without end. */
static void template_set(struct seat *pool, size_t count)
{
    struct child_spec *template = &pool->children[0];
    *template = (struct child_spec){.id = pool->id,
                                    .start = seat_start_by_template,
                                    .restart = count > 0 ? template->restart : RESTART_PERMANENT,
                                    .shutdown_ns = count > 0 ? template->shutdown_ns : 0};
    if (template->shutdown_ns == SHUTDOWN_INFINITY)
        template->shutdown_ns = 2 * S;
    pool->spec.children = template;
    pool->spec.child_count = 1;
}

/* From the last to the first, so that what stands under a seat is complete when the seat is. */
static void assemble(struct plan *plan)
{
    for (size_t i = plan->seat_count; i-- > 0;) {
        struct seat *seat = &plan->seats[i];
        if (!seat->supervisor)
            continue;
        size_t count = children_of(plan, seat, NULL);
        seat->children = zeroed(count, sizeof *seat->children);
        children_of(plan, seat, seat->children);
        seat->child.supervisor = &seat->spec;
        if (seat->spec.strategy == SIMPLE_ONE_FOR_ONE)
            template_set(seat, count);
        if (seat_is_pool(seat))
            continue;
        seat->spec.children = seat->children;
        seat->spec.child_count = count;
    }
}

static void draw_seats(struct tree *tree)
{
    struct range range = draws_range(&tree->trees->draws, T_PROCESSES);
    struct sequence_list list = {.min = 1,
                                 .usual = (size_t)range.lo,
                                 .max = (size_t)range.hi,
                                 .even = true,
                                 .label = "process"};
    size_t supervisors = 0;
    tree->plan.seats = zeroed((size_t)range.hi, sizeof *tree->plan.seats);
    while (tape_draw_more(world_tape(tree->trees->world), &list))
        draw_seat(tree, &tree->plan.seats[list.count - 1], &supervisors);
    tree->plan.seat_count = list.count;
}

/* ---- what operators ask for ---- */

/* Calls that compare equal are equal: the order does not depend on how it sorts. */
static int by_time(const void *a, const void *b)
{
    const struct call *x = a, *y = b;
    int64_t less[] = {x->at_ns - y->at_ns, (int64_t)x->action - (int64_t)y->action,
                      (int64_t)x->seat - (int64_t)y->seat, (int64_t)x->kind - (int64_t)y->kind};
    for (size_t i = 0; i < sizeof less / sizeof less[0]; ++i)
        if (less[i] != 0)
            return less[i] < 0 ? -1 : 1;
    return 0;
}

static void draw_calls(struct tree *tree)
{
    static const enum reason_kind kinds[REASONS] = {EXIT_NORMAL, EXIT_SHUTDOWN, EXIT_KILL,
                                                    EXIT_ERROR};
    const struct draws *draws = &tree->trees->draws;
    struct range range = draws_range(draws, T_CALLS);
    struct plan *plan = &tree->plan;
    struct sequence_list list = {.min = 0,
                                 .usual = (size_t)range.lo,
                                 .max = (size_t)range.hi,
                                 .even = true,
                                 .label = "call"};
    plan->calls = zeroed((size_t)range.hi, sizeof *plan->calls);
    while (tape_draw_more(world_tape(draws->world), &list))
        plan->calls[list.count - 1] = (struct call){
            .at_ns = tape_draw_between(world_tape(draws->world), 0, tree->trees->over_ns),
            .action = (enum action)draw(draws, ACTIONS),
            .seat = draw(draws, plan->seat_count),
            .kind = kinds[draw(draws, REASONS)]};
    plan->call_count = list.count;
    qsort(plan->calls, plan->call_count, sizeof *plan->calls, by_time);
}

void tree_draw(struct tree *tree)
{
    draw_seats(tree);
    assemble(&tree->plan);
    draw_calls(tree);
}

void tree_forget(struct plan *plan)
{
    for (size_t i = 0; i < plan->seat_count; ++i)
        free(plan->seats[i].children);
    free(plan->seats);
    free(plan->calls);
    *plan = (struct plan){0};
}
