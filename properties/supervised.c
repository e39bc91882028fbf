/* supervised.c: a supervisor does what OTP's would: it restarts whom it must, in order, and nobody else; it stops in reverse order; it
 * escalates when it must and never otherwise. Judged against the reference model (tree.h), one supervisor at a time, and against the
 * record of the processes themselves. How many restarts fall into a window is the business of supervision.c.
 *
 * A supervisor that is killed, or crashes by a fault, may stop in the middle of anything. */
#include "properties/supervised.h"

#include <string.h>

#define NOTICE_NS NS_PER_S /* within this an end is noticed */

/* ---- a supervisor ends ---- */

static void tree_ends(struct tree *tree, const char *reason)
{
    steps_to_stop_all(tree);
    snprintf(tree->reason, sizeof tree->reason, "%s", reason);
}

static void on_giveup(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (!tree)
        return;
    struct kid *retried = kid_retried(tree);
    if (!step_due(tree) && !tree->ending && retried)
        step_add(tree, STEP_RESTART, retried);
    const struct step *due = step_due(tree);
    if (!due || due->kind != STEP_RESTART) {
        tree_fail(judge, tree, event, "the end of its patience");
        return;
    }
    judge_checked(judge);
    tree_ends(tree, "shutdown");
}

static void on_shutdown(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    const struct step *due = tree ? step_due(tree) : NULL;
    if (!tree)
        return;
    if (!due || due->kind != STEP_SHUTDOWN) {
        tree_fail(judge, tree, event, "the shutdown by itself");
        return;
    }
    judge_checked(judge);
    tree_ends(tree, "shutdown");
}

static void on_stop(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (!tree || !tree_is_idle(judge, tree, event, "the order to stop"))
        return;
    uint64_t from = event_u64(event, "from");
    if (from != tree->parent && !event_u64(event, "call"))
        judge_fail(judge, event, "supervisor %s stops because of process %llu, a stranger",
                   tree->label, (unsigned long long)from);
    tree_ends(tree, event_str(event, "reason"));
}

static void crashed(struct supervised *all, uint32_t node, uint64_t pid)
{
    struct tree *tree = table_find(&all->trees, key_of(all, node, pid));
    if (tree)
        tree->crashed = true;
}

static void on_fault(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    if (event->fault.kind != FAULT_NONE)
        crashed(ctx, event->node, event->actor);
}

/* A nemesis ended it from outside. */
static void on_actor(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    crashed(ctx, event->node, event_u64(event, "which"));
}

static struct kid *kid_up(const struct tree *tree)
{
    for (struct kid *kid = tree->kids; kid; kid = kid->next)
        if (kid->state == KID_UP)
            return kid;
    return NULL;
}

/* Unless somebody else ended it, which may happen in the middle of anything, and sometimes by the very reason with which it
 * was to end, it has to be the end that it was to have, after everything that was due. */
static void tree_exit(struct judge *judge, struct tree *tree, const struct event *event)
{
    const char *reason = event_str(event, "reason");
    char due[96];
    const struct kid *up = kid_up(tree);
    tree->lost = true;
    if (strcmp(reason, "killed") == 0 || (tree->crashed && !reason_word_is_calm(reason)))
        return;
    if (!tree->ending)
        judge_fail(judge, event, "supervisor %s exits with %s, where %s was due", tree->label,
                   reason, step_text(step_due(tree), due, sizeof due));
    else if (up)
        judge_fail(judge, event, "supervisor %s exits, and leaves %s behind", tree->label,
                   up->name);
    else if (strncmp(reason, tree->reason, strlen(tree->reason)) != 0)
        judge_fail(judge, event, "supervisor %s exits with %s instead of %s", tree->label, reason,
                   tree->reason);
    else
        judge_checked(judge);
}

static void on_process_exit(struct judge *judge, void *ctx, const struct event *event)
{
    struct supervised *all = ctx;
    uint64_t key = key_of(all, event->node, event_u64(event, "pid"));
    *TABLE_AT(&all->ended, key, struct ended) =
        (struct ended){.at_ns = event->time_ns, .reason = hash_text(event_str(event, "reason"))};
    struct tree *tree = table_find(&all->trees, key);
    if (tree && !tree->lost)
        tree_exit(judge, tree, event);
}

/* ---- the end of the run ---- */

/* A child that ended some time ago, and whose supervisor is idle and thinks that it runs; or one that it should have tried to
 * start again. */
static void tree_notices(struct judge *judge, struct supervised *all, const struct tree *tree)
{
    int64_t now = judge_now_ns(judge);
    if (step_due(tree) || tree->ending || !lives_runs(&all->lives, tree->node))
        return;
    for (const struct kid *kid = tree->kids; kid; kid = kid->next) {
        const struct ended *ended = kid->state == KID_UP
                                        ? table_find(&all->ended, key_of(all, tree->node, kid->pid))
                                        : NULL;
        if (ended && ended->at_ns < now - NOTICE_NS)
            judge_fail(judge, NULL, "supervisor %s never noticed the end of %s, %lld ms before",
                       tree->label, kid->name, (long long)((now - ended->at_ns) / NS_PER_MS));
        if (kid->state == KID_RETRY && kid->failed_ns < now - NOTICE_NS)
            judge_fail(judge, NULL, "supervisor %s never tried to start %s again", tree->label,
                       kid->name);
    }
}

static void supervised_end(struct judge *judge, void *ctx)
{
    struct supervised *all = ctx;
    for (size_t i = 0; i < all->trees.count; i++) {
        const struct tree *tree = table_value(&all->trees, i);
        bool current = table_key(&all->trees, i) == key_of(all, tree->node, tree->pid);
        if (current && !tree->lost)
            tree_notices(judge, all, tree);
    }
}

static void supervised_done(void *ctx)
{
    struct supervised *all = ctx;
    for (size_t i = 0; i < all->trees.count; i++)
        tree_done(table_value(&all->trees, i));
    table_done(&all->trees);
    table_done(&all->ended);
    lives_done(&all->lives);
}

static const struct property_on on[] = {
    {"sup/supervisor/start", tree_on_start},
    {"sup/supervisor/up", tree_on_up},
    {"sup/supervisor/failed", tree_on_failed},
    {"sup/supervisor/giveup", on_giveup},
    {"sup/supervisor/shutdown", on_shutdown},
    {"sup/supervisor/stop", on_stop},
    {"sup/child/add", tree_on_add},
    {"sup/child/drop", tree_on_drop},
    {"sup/child/start", tree_on_child_start},
    {"sup/child/up", tree_on_child_up},
    {"sup/child/ignore", tree_on_child_ignore},
    {"sup/child/fail", tree_on_child_fail},
    {"sup/child/end", tree_on_child_end},
    {"sup/child/restart", tree_on_restart},
    {"sup/child/stop", tree_on_child_stop},
    {"sup/child/stopped", tree_on_child_stopped},
    {"sup/child/ask", tree_on_call},
    {"proc/process/exit", on_process_exit},
    {"**", on_fault, .faulted = true},
    {"world/actor/crash", on_actor},
    ON_NODE_LIVES,
    {0},
};

TRACE_PROPERTY(
    supervised, .name = "a supervisor restarts whom it must, in order, and nobody else",
    .kind = PROPERTY_ALWAYS,
    .about =
        "Who is restarted after whose end, in which order, what is stopped before, when it is "
        "tried again and when given up: by OTP's rules, as a reference model. Trusts the record "
        "of processes.",
    .state_size = sizeof(struct supervised), .on = on, .end = supervised_end,
    .done = supervised_done);
