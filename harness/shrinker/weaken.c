/* weaken.c: the faults that must stay become weaker, and shorter; the values that must stay, smaller. */
#include "harness/shrinker/internal.h"

#include <errno.h>
#include <stdlib.h>

enum { LOWERED_MAX = 32 }; /* choices: of more of them, smaller values tell no shorter story */
#define MS_NS        INT64_C(1000000)
#define WEAK_LAST_NS INT64_C(1000000000) /* how long a fault lasts that was of another kind */

/* ---- round numbers ---- */

uint64_t ladder_step(size_t index)
{
    static const uint64_t steps[] = {1, 2, 5};
    uint64_t step = steps[index % 3];
    for (size_t i = 0; i < index / 3 && step < UINT64_MAX / 10; i++)
        step *= 10;
    return step;
}

/* How many of them are below. */
static size_t ladder_below(uint64_t value)
{
    size_t count = 0;
    while (ladder_step(count) < value)
        count++;
    return count;
}

/* ---- faults ---- */

struct one {
    struct tape_edit edit; /* its name is the best tape's */
};

static struct tape *with_fault(const struct shrinker *s, const struct one *one, struct fault fault)
{
    struct tape *tape = tape_copy(shrinker_best(s));
    if (one->edit.persistent)
        tape_edit_fault_from(tape, &one->edit.choice, fault);
    else
        tape_edit_fault(tape, &one->edit.choice, fault);
    return tape;
}

static bool lasts(enum fault_kind kind)
{
    return kind == FAULT_DELAY || kind == FAULT_TIMEOUT || kind == FAULT_PAUSE;
}

/* Candidate `index` is the fault of that kind, if it is weaker and can be at this point. */
static struct tape *make_kind(const struct shrinker *s, const void *ctx, size_t index)
{
    const struct one *one = ctx;
    const struct fault *now = &one->edit.fault;
    struct fault fault = {.kind = (enum fault_kind)index};
    const struct point_info *point = registry_find(one->edit.choice.name);
    if (fault.kind == FAULT_NONE || !point || !(point->kinds & fault_can(fault.kind)))
        return NULL;
    if (fault.kind == FAULT_ERROR)
        fault.err = EIO;
    if (lasts(fault.kind))
        fault.lo_ns = fault.hi_ns = lasts(now->kind) ? now->lo_ns : WEAK_LAST_NS;
    return with_fault(s, one, fault);
}

static struct tape *make_shorter(const struct shrinker *s, const void *ctx, size_t index)
{
    const struct one *one = ctx;
    struct fault fault = one->edit.fault;
    fault.lo_ns = fault.hi_ns = (int64_t)ladder_step(index) * MS_NS;
    return with_fault(s, one, fault);
}

static struct tape *make_once(const struct shrinker *s, const void *ctx, size_t index)
{
    const struct one *one = ctx;
    struct one once = *one;
    (void)index;
    once.edit.persistent = false;
    return with_fault(s, &once, one->edit.fault);
}

/* The name of an edit lives as long as its tape: the edit is fetched anew after each change. */
static struct one fetch(const struct shrinker *s, size_t number)
{
    return (struct one){tape_edit_get(shrinker_best(s), number)};
}

static void weaken(struct shrinker *s, size_t number)
{
    struct one one = fetch(s, number);
    if (one.edit.kind != EDIT_FAULT)
        return; /* a strike */
    if (one.edit.persistent && shrinker_first(s, make_once, &one, 1) != NO_CANDIDATE)
        one = fetch(s, number);
    if (shrinker_first(s, make_kind, &one, (size_t)one.edit.fault.kind) != NO_CANDIDATE)
        one = fetch(s, number);
    if (lasts(one.edit.fault.kind) && one.edit.fault.lo_ns > MS_NS)
        shrinker_first(s, make_shorter, &one,
                       ladder_below((uint64_t)((one.edit.fault.lo_ns + MS_NS - 1) / MS_NS)));
}

void shrinker_weaken(struct shrinker *s)
{
    size_t count;
    size_t *edits = edits_find(shrinker_best(s), edit_is_fault, NULL, &count);
    for (size_t i = 0; i < count && !s->stopped; i++)
        weaken(s, edits[i]);
    free(edits);
}

/* ---- values ---- */

static struct tape *make_lower(const struct shrinker *s, const void *ctx, size_t index)
{
    const struct one *one = ctx;
    struct tape *tape = tape_copy(shrinker_best(s));
    tape_edit_choice(tape, &one->edit.choice, ladder_step(index));
    return tape;
}

void shrinker_lower(struct shrinker *s)
{
    size_t count;
    size_t *edits = edits_find(shrinker_best(s), edit_is_choice, NULL, &count);
    for (size_t i = 0; i < count && count <= LOWERED_MAX && !s->stopped; i++) {
        const struct one one = fetch(s, edits[i]);
        shrinker_first(s, make_lower, &one, ladder_below(one.edit.value));
    }
    free(edits);
}
