/* flow_check.c: what is wrong with the steps of a workflow. A step is taken away when all that it waits for are; what cannot
 * be taken away waits for itself, through others. */
#include "sut/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct steps {
    const struct store_step *steps;
    size_t count;
    struct heap *heap;
    char *why;
    size_t why_size;
};

static int name_order(const void *left, const void *right)
{
    const struct store_step *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

static bool names_wrong(const struct steps *steps)
{
    const struct store_step **order = heap_alloc(steps->heap, steps->count * sizeof *order);
    bool wrong = false;
    for (size_t i = 0; i < steps->count && !wrong; ++i) {
        const char *name = steps->steps[i].name;
        order[i] = &steps->steps[i];
        wrong = !name || !*name || strlen(name) > FLOW_NAME_MAX;
        if (wrong)
            snprintf(steps->why, steps->why_size, "step %zu: a step's name has 1 to 255 bytes",
                     i + 1);
    }
    if (!wrong)
        qsort(order, steps->count, sizeof(const struct store_step *), name_order);
    for (size_t i = 1; i < steps->count && !wrong; ++i) {
        wrong = strcmp(order[i]->name, order[i - 1]->name) == 0;
        if (wrong)
            snprintf(steps->why, steps->why_size, "two steps have the name '%.60s'",
                     order[i]->name);
    }
    heap_release(steps->heap, order);
    return wrong;
}

static const char *dep_wrong(const struct steps *steps, size_t at, size_t dep)
{
    const struct store_step *step = &steps->steps[at];
    if (step->deps[dep] >= steps->count)
        return "waits for a step that there is not";
    if (step->deps[dep] == at)
        return "waits for itself";
    for (size_t i = 0; i < dep; ++i)
        if (step->deps[i] == step->deps[dep])
            return "waits for the same step twice";
    return NULL;
}

static bool deps_wrong(const struct steps *steps)
{
    for (size_t i = 0; i < steps->count; ++i)
        for (size_t j = 0; j < steps->steps[i].dep_count; ++j) {
            const char *wrong = dep_wrong(steps, i, j);
            if (!wrong)
                continue;
            snprintf(steps->why, steps->why_size, "step '%.60s' %s", steps->steps[i].name, wrong);
            return true;
        }
    return false;
}

/* Takes away what waits for nothing that is left, round by round in the order of a list. `left`: for how many each waits. */
static void steps_take(const struct steps *steps, size_t *left)
{
    size_t *first =
        heap_alloc(steps->heap, (steps->count + 1) * sizeof *first); /* children of each */
    size_t *ready = heap_alloc(steps->heap, steps->count * sizeof *ready);
    size_t edges = 0, taken = 0, found = 0;
    for (size_t i = 0; i < steps->count; ++i)
        for (size_t j = 0; j < steps->steps[i].dep_count; ++j, ++edges)
            ++first[steps->steps[i].deps[j] + 1];
    for (size_t i = 0; i < steps->count; ++i)
        first[i + 1] += first[i];
    size_t *children = heap_alloc(steps->heap, (edges + 1) * sizeof *children);
    size_t *used = heap_alloc(steps->heap, (steps->count + 1) * sizeof *used);
    for (size_t i = 0; i < steps->count; ++i) {
        for (size_t j = 0; j < steps->steps[i].dep_count; ++j) {
            uint32_t parent = steps->steps[i].deps[j];
            children[first[parent] + used[parent]++] = i;
        }
        left[i] = steps->steps[i].dep_count;
        if (left[i] == 0)
            ready[found++] = i;
    }
    for (; taken < found; ++taken)
        for (size_t at = first[ready[taken]]; at < first[ready[taken] + 1]; ++at)
            if (--left[children[at]] == 0)
                ready[found++] = children[at];
    heap_release(steps->heap, used);
    heap_release(steps->heap, children);
    heap_release(steps->heap, ready);
    heap_release(steps->heap, first);
}

static size_t first_left(const struct store_step *step, const size_t *left)
{
    for (size_t i = 0; i < step->dep_count; ++i)
        if (left[step->deps[i]])
            return step->deps[i];
    return SIZE_MAX;
}

/* From any step that is left, going from one to one that it waits for must come back somewhere. */
static void circle_tell(const struct steps *steps, const size_t *left)
{
    size_t at = 0;
    while (!left[at])
        ++at;
    for (size_t i = 0; i < steps->count; ++i)
        at = first_left(&steps->steps[at], left);
    size_t start = at, used = (size_t)snprintf(steps->why, steps->why_size,
                                               "steps wait for each other in a circle: %.40s",
                                               steps->steps[at].name);
    do {
        at = first_left(&steps->steps[at], left);
        if (used < steps->why_size)
            used += (size_t)snprintf(steps->why + used, steps->why_size - used, " -> %.40s",
                                     steps->steps[at].name);
    } while (at != start);
}

static bool circle_wrong(const struct steps *steps)
{
    size_t *left = heap_alloc(steps->heap, steps->count * sizeof *left);
    bool wrong = false;
    steps_take(steps, left);
    for (size_t i = 0; i < steps->count && !wrong; ++i)
        wrong = left[i] > 0;
    if (wrong)
        circle_tell(steps, left);
    heap_release(steps->heap, left);
    return wrong;
}

int store_steps_check(const struct store_step *steps, size_t count, struct heap *heap, char *why,
                      size_t why_size)
{
    struct steps all = {steps, count, heap, why, why_size};
    if (count == 0) {
        snprintf(why, why_size, "a workflow needs a step");
        return -EINVAL;
    }
    return names_wrong(&all) || deps_wrong(&all) || circle_wrong(&all) ? -EINVAL : 0;
}
