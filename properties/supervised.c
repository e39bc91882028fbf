/* supervised.c: a supervisor does what OTP's would: it restarts whom it must, in order, and nobody else; it stops in reverse order; it
 * escalates when it must and never otherwise. Judged against the reference model (tree.h), one supervisor at a time, and against the
 * record of the processes themselves. How many restarts fall into a window is the business of supervision.c.
 *
 * A supervisor that is killed, or crashes by a fault, may stop in the middle of anything. */
#include "properties/lives.h"
#include "properties/tree.h"

#include <stdlib.h>
#include <string.h>

#define NOTICE_NS NS_PER_S /* within this an end is noticed */

struct ended { /* a process */
    int64_t at_ns;
    uint64_t reason; /* as a hash */
};

struct supervised {
    struct lives lives;
    struct table trees; /* struct tree, by (node, generation, pid) */
    struct table ended; /* struct ended, likewise */
};

static uint64_t key_of(struct supervised *all, uint32_t node, uint64_t pid)
{
    return boots_key(&all->lives.boots, node, pid);
}

/* The supervisor that the event is about; NULL: it is not judged (any more). */
static struct tree *tree_of(struct supervised *all, const struct event *event)
{
    struct tree *tree = table_find(&all->trees, key_of(all, event->node, event_u64(event, "sup")));
    return tree && !tree->lost ? tree : NULL;
}

/* ---- what is due, and what happens ---- */

static void tree_fail(struct judge *judge, struct tree *tree, const struct event *event,
                      const char *what)
{
    char due[96];
    const char *child = event_str(event, "child");
    judge_fail(judge, event, "supervisor %s: %s%s%s, where %s was due", tree->label, what,
               *child ? " of " : "", child, step_text(step_due(tree), due, sizeof due));
    tree->lost = true;
}

/* Takes the step that is due, if it is this one. NULL: it is not; that has been told. */
static struct kid *step_take(struct judge *judge, struct tree *tree, const struct event *event,
                             enum step_kind kind, const char *what)
{
    const struct step *due = step_due(tree);
    bool right = due && due->kind == kind;
    if (right && (tree_has_ids(tree) || kind == STEP_ADD))
        right = strncmp(due->kid->name, event_str(event, "child"), sizeof due->kid->name - 1) == 0;
    if (!right) {
        tree_fail(judge, tree, event, what);
        return NULL;
    }
    judge_checked(judge);
    tree->step_at++;
    if (!step_due(tree) && kind != STEP_START && kind != STEP_STOP) {
        struct kid *kid = tree->steps[tree->step_at - 1].kid;
        steps_clear(tree);
        return kid;
    }
    return tree->steps[tree->step_at - 1].kid;
}

/* What the supervisor has to do now comes before what is still due. */
static void step_first(struct tree *tree, enum step_kind kind, struct kid *kid)
{
    tree->steps[--tree->step_at] = (struct step){kind, kid};
}

/* Something came from outside: nothing may be due. */
static bool tree_is_idle(struct judge *judge, struct tree *tree, const struct event *event,
                         const char *what)
{
    tree->free = false;
    tree->asked = NULL;
    if (!step_due(tree) && !tree->ending)
        return true;
    tree_fail(judge, tree, event, what);
    return false;
}

/* ---- a supervisor begins ---- */

static void on_start(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct supervised *all = ctx;
    struct tree *tree =
        TABLE_AT(&all->trees, key_of(all, event->node, event_u64(event, "sup")), struct tree);
    tree_done(tree);
    *tree = (struct tree){0};
    tree_begin(tree, event);
}

static void on_up(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (!tree)
        return;
    if (step_due(tree) || tree->ending)
        tree_fail(judge, tree, event, "the beginning");
    tree->started = true;
}

static void on_failed(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (tree && step_take(judge, tree, event, STEP_FAILED, "the failure")) {
        steps_to_stop_all(tree);
        strcpy(tree->reason, "shutdown:{failed_to_start_child,");
    }
}

/* ---- children are known ---- */

static void on_add(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (!tree)
        return;
    if (!tree->started) {
        struct kid *kid = kid_new(event_str(event, "child"));
        kid_append(tree, kid, event);
        step_add(tree, STEP_START, kid);
        return;
    }
    struct kid *kid = step_take(judge, tree, event, STEP_ADD, "the entry");
    if (kid) {
        kid_append(tree, kid, event);
        tree->fresh = NULL;
    }
}

static void on_drop(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (!tree)
        return;
    struct kid *kid = step_take(judge, tree, event, STEP_DROP, "the removal");
    const struct step *due = kid ? step_due(tree) : NULL;
    if (due && due->kid == kid) { /* the shutdown that follows is told by its name */
        steps_clear(tree);
        kid_remove(tree, kid);
        tree->fresh = kid_new(event_str(event, "child"));
        step_add(tree, STEP_SHUTDOWN, tree->fresh);
    } else if (kid) {
        kid_remove(tree, kid);
    }
}

/* ---- starts ---- */

static void on_child_start(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (!tree)
        return;
    struct kid *kid;
    if (tree->free) {
        kid = kid_named(tree, event_str(event, "child"));
        step_add(tree, STEP_START, kid);
    } else if (tree->asked && !step_due(tree) &&
               !(tree_has_ids(tree) && kid_named(tree, event_str(event, "child")))) {
        free(tree->fresh);
        tree->fresh = kid_new(event_str(event, "child"));
        step_add(tree, STEP_START, tree->fresh);
    }
    kid = step_take(judge, tree, event, STEP_START, "the start");
    if (kid)
        step_first(tree, STEP_ANSWER, kid);
}

static void on_child_up(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    struct kid *kid =
        tree ? step_take(judge, tree, event, STEP_ANSWER, "the success of the start") : NULL;
    if (!kid)
        return;
    kid->state = KID_UP;
    kid->pid = event_u64(event, "pid");
    if (kid == tree->fresh)
        step_add(tree, STEP_ADD, kid);
}

static void on_child_ignore(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    struct kid *kid =
        tree ? step_take(judge, tree, event, STEP_ANSWER, "the refusal of the start") : NULL;
    if (!kid)
        return;
    kid->state = KID_DOWN;
    kid->pid = 0;
    if (kid == tree->fresh)
        return; /* whether it is kept says its entry, if there is one */
    if (tree->why != WHY_CALL && kid_goes(tree, kid)) {
        if (step_due(tree))
            step_first(tree, STEP_DROP, kid);
        else
            step_add(tree, STEP_DROP, kid);
    }
}

static void on_child_fail(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    struct kid *kid =
        tree ? step_take(judge, tree, event, STEP_ANSWER, "the failure of the start") : NULL;
    if (!kid || tree->why == WHY_CALL)
        return;
    steps_clear(tree);
    if (tree->why == WHY_INIT) {
        step_add(tree, STEP_FAILED, kid);
    } else {
        kid->state = KID_RETRY;
        kid->failed = ++tree->failures;
        kid->failed_ns = event->time_ns;
    }
}

/* ---- ends and restarts ---- */

static bool reason_is_calm(const char *reason)
{
    return strcmp(reason, "normal") == 0 || strcmp(reason, "shutdown") == 0 ||
           strncmp(reason, "shutdown:", 9) == 0;
}

static void end_judge(struct judge *judge, struct supervised *all, struct tree *tree,
                      const struct event *event)
{
    uint64_t pid = event_u64(event, "pid");
    const struct ended *ended = table_find(&all->ended, key_of(all, event->node, pid));
    if (!ended || ended->reason != hash_text(event_str(event, "reason")))
        judge_fail(judge, event,
                   "supervisor %s: %s is said to have ended with %s, but its process %s",
                   tree->label, event_str(event, "child"), event_str(event, "reason"),
                   ended ? "ended otherwise" : "did not end");
}

static void on_child_end(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (!tree || !tree_is_idle(judge, tree, event, "the end"))
        return;
    struct kid *kid = kid_of(tree, event_u64(event, "pid"));
    if (!kid || kid->state != KID_UP) {
        tree_fail(judge, tree, event, "the end of what does not run, that");
        return;
    }
    end_judge(judge, ctx, tree, event);
    steps_for_end(tree, kid, reason_is_calm(event_str(event, "reason")));
    judge_checked(judge);
}

/* After an end, or another try of one whose restart failed. */
static void on_restart(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (!tree)
        return;
    struct kid *kid =
        tree_has_ids(tree) ? kid_named(tree, event_str(event, "child")) : kid_retried(tree);
    if (!step_due(tree) && !tree->ending && kid && kid->state == KID_RETRY)
        step_add(tree, STEP_RESTART, kid);
    kid = step_take(judge, tree, event, STEP_RESTART, "the restart");
    if (kid)
        steps_for_restart(tree, kid);
}

/* ---- stops ---- */

static void on_child_stop(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (!tree)
        return;
    struct kid *kid = kid_of(tree, event_u64(event, "pid"));
    if (tree->ending && !tree_has_ids(tree)) {
        if (!kid || kid->state != KID_UP || kid->stopping)
            tree_fail(judge, tree, event, "the stop of what does not run, that");
        else
            kid->stopping = true;
        return;
    }
    if (tree->free && kid)
        step_add(tree, STEP_STOP, kid);
    kid = step_take(judge, tree, event, STEP_STOP, "the stop");
    if (kid)
        step_first(tree, STEP_STOPPED, kid);
}

static void on_child_stopped(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (!tree)
        return;
    struct kid *kid = kid_of(tree, event_u64(event, "pid"));
    if (!tree->ending || tree_has_ids(tree))
        kid = step_take(judge, tree, event, STEP_STOPPED, "the end of the stop");
    if (kid) {
        kid->state = KID_DOWN;
        kid->pid = 0;
    }
}

static void on_call(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (tree && tree_is_idle(judge, tree, event, "the call"))
        steps_for_call(tree, event);
}

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
    if (strcmp(reason, "killed") == 0 || (tree->crashed && !reason_is_calm(reason)))
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
    {"sup/supervisor/start", on_start},
    {"sup/supervisor/up", on_up},
    {"sup/supervisor/failed", on_failed},
    {"sup/supervisor/giveup", on_giveup},
    {"sup/supervisor/shutdown", on_shutdown},
    {"sup/supervisor/stop", on_stop},
    {"sup/child/add", on_add},
    {"sup/child/drop", on_drop},
    {"sup/child/start", on_child_start},
    {"sup/child/up", on_child_up},
    {"sup/child/ignore", on_child_ignore},
    {"sup/child/fail", on_child_fail},
    {"sup/child/end", on_child_end},
    {"sup/child/restart", on_restart},
    {"sup/child/stop", on_child_stop},
    {"sup/child/stopped", on_child_stopped},
    {"sup/child/ask", on_call},
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
