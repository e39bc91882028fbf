/* system.c: trees as the world sees them: set up, watched, taken down. */
#include "scenarios/trees/trees_system.h"

#include "scenarios/trees/trees.h"

#include <stdio.h>
#include <stdlib.h>

static const struct param_spec params[T_COUNT] = {
#define X(...) PARAM_SPEC(T_, __VA_ARGS__)
    TREE_PARAMS(X)
#undef X
};

static void *trees_setup(struct world *world, const struct scenario *scenario)
{
    struct trees *trees = calloc(1, sizeof *trees);
    if (!trees)
        abort();
    trees->world = world;
    trees->draws = (struct draws){world, scenario};
    trees->start_ns = world_now(world);
    trees->over_ns = draws_value(&trees->draws, T_OVER);
    trees->tree_count = draws_nodes(&trees->draws);
    trees->trees = calloc(trees->tree_count, sizeof *trees->trees);
    if (!trees->trees)
        abort();
    for (unsigned i = 0; i < trees->tree_count; i++)
        tree_init(&trees->trees[i], trees, i);
    for (unsigned i = 0; i < trees->tree_count; i++)
        node_boot(trees->trees[i].host.node);
    return trees;
}

static bool trees_settled(void *ctx)
{
    const struct trees *trees = ctx;
    return world_now(trees->world) >= trees->start_ns + trees->over_ns;
}

static bool trees_pending(void *ctx, char *text, size_t size)
{
    const struct trees *trees = ctx;
    for (unsigned i = 0; i < trees->tree_count; i++) {
        const struct tree *tree = &trees->trees[i];
        if (tree->whole)
            continue;
        snprintf(text, size, "the tree of %s: %s", tree->host.node->name,
                 tree->missing[0] ? tree->missing : "nobody has looked at it yet");
        return true;
    }
    return false;
}

static void trees_audit(void *ctx)
{
    (void)ctx; /* what there is to see is in the events */
}

static void trees_teardown(void *ctx)
{
    struct trees *trees = ctx;
    for (unsigned i = 0; i < trees->tree_count; i++)
        tree_forget(&trees->trees[i].plan);
    free(trees->trees);
    free(trees);
}

const struct system trees_system = {.name = "trees",
                                    .about = "random supervision trees on the runtime",
                                    .params = params,
                                    .param_count = T_COUNT,
                                    .setup = trees_setup,
                                    .settled = trees_settled,
                                    .pending = trees_pending,
                                    .audit = trees_audit,
                                    .teardown = trees_teardown,
                                    .leaves_nothing = true};
