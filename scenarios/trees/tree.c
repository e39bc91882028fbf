/* tree.c: a node with one tree. Its first process starts the root and, whenever that ends, starts it again a second
 * later, as an init system does with a program. */
#include "scenarios/trees/trees.h"

#include <stdio.h>

#define AGAIN_NS S

POINT_ABOUT("tree/root/start", "the root of a tree stands, or could not be started");
POINT_ABOUT("tree/root/end", "the root of a tree ended");

bool tree_is_healed(const struct tree *tree)
{
    return world_phase(tree->trees->world) != PHASE_SAFETY;
}

/* ---- the first process ---- */

static void root_start(struct proc *self, struct tree *tree)
{
    char why[REASON_WORDS];
    struct started started = supervisor_start_link(self, &tree->plan.seats[0].spec);
    tree->root = started.how == STARTED_OK ? started.pid : 0;
    TRACE(proc_site(self), "tree/root/start", T_U64("root", tree->root),
          T_STR("why", started.how == STARTED_ERROR ? reason_text(started.why, why) : ""));
}

static bool is_exit(const struct message *message, void *ctx)
{
    (void)ctx;
    return message->tag == MSG_EXIT;
}

/* Who ended; 0 is the driver: the node is to stop. */
static proc_id exit_await(struct proc *self, struct tree *tree)
{
    char why[REASON_WORDS];
    const struct message *message = proc_receive_match(self, is_exit, NULL, WAIT_FOREVER);
    const struct exit_message *exit = message->data;
    if (exit->who == tree->root) {
        TRACE(proc_site(self), "tree/root/end", T_U64("root", tree->root),
              T_STR("why", reason_text(exit->reason, why)));
        tree->root = 0;
    }
    return exit->who;
}

static void init_main(struct proc *self, void *arg)
{
    struct tree *tree = arg;
    for (;;) {
        root_start(self, tree);
        while (tree->root)
            if (exit_await(self, tree) == 0)
                break;
        if (tree->root)
            break;
        proc_sleep(self, AGAIN_NS);
    }
    proc_signal(proc_runtime(self), proc_self(self), tree->root,
                (struct reason){.kind = EXIT_SHUTDOWN});
    while (tree->root)
        exit_await(self, tree);
    node_stopped(tree->host.node);
    proc_receive_match(self, is_exit, NULL, WAIT_FOREVER); /* for the end of the node */
}

/* ---- the node ---- */

static proc_id outside(struct tree *tree, const char *label, proc_main *main)
{
    return proc_spawn(
        tree->host.runtime,
        &(struct proc_spec){.label = label, .main = main, .arg = tree, .trap_exit = true});
}

static void tree_start(struct node *node, void *ctx)
{
    struct tree *tree = ctx;
    (void)node;
    for (size_t i = 0; i < tree->plan.seat_count; ++i) {
        tree->plan.seats[i].starts = 0;
        tree->plan.seats[i].last = 0;
        tree->plan.seats[i].server = tree->plan.seats[i].partitions = 0;
        tree->plan.seats[i].meddled = false;
    }
    tree->whole = false;
    host_boot(&tree->host);
    host_run(&tree->host, true);
    belongings_boot(tree);
    sharing_boot(tree);
    tree->init = outside(tree, "init", init_main);
    tree->operators = outside(tree, "operator", operators_main);
}

static void tree_stop(struct node *node, void *ctx)
{
    struct tree *tree = ctx;
    (void)node;
    proc_signal(tree->host.runtime, 0, tree->init, (struct reason){.kind = EXIT_SHUTDOWN});
}

static void tree_dead(struct node *node, void *ctx)
{
    struct tree *tree = ctx;
    (void)node;
    host_dead(&tree->host);
    tree->root = tree->init = tree->operators = 0;
}

static uint64_t tree_next_actor(const struct node *node, uint64_t after)
{
    const struct tree *tree = node->ctx;
    do
        after = proc_next(tree->host.runtime, after);
    while (after != 0 && (after == tree->init || after == tree->operators));
    return after;
}

static const struct node_ops tree_ops = {.start = tree_start,
                                         .stop = tree_stop,
                                         .dead = tree_dead,
                                         .stall = host_stall,
                                         .crash = host_crash,
                                         .leave = host_leave,
                                         .can_stall = host_can_stall,
                                         .next_actor = tree_next_actor,
                                         .crash_actor = host_crash_actor};

void tree_init(struct tree *tree, struct trees *trees, unsigned index)
{
    char name[16];
    snprintf(name, sizeof name, "n%u", index + 1);
    *tree = (struct tree){.host.world = trees->world, .trees = trees};
    tree_draw(tree);
    tree->host.node = world_node_add(trees->world, name, &tree_ops, tree);
}
