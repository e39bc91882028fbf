/* supervised_acts.c: each act of a supervisor against what is due by the reference model, and each thing that happens to it
 * as a new row of what is due. */
#include "properties/supervised.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is due, and what happens ---- */

void tree_fail(struct judge *judge, struct tree *tree, const struct event *event, const char *what)
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

static void fresh_forget(struct tree *tree)
{
    free(tree->fresh);
    tree->fresh = NULL;
}

bool tree_is_idle(struct judge *judge, struct tree *tree, const struct event *event,
                  const char *what)
{
    tree->free = false;
    tree->asked = NULL;
    if (step_due(tree) || tree->ending) {
        tree_fail(judge, tree, event, what);
        return false;
    }
    fresh_forget(tree);
    return true;
}

/* ---- a supervisor begins ---- */

void tree_on_start(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct supervised *all = ctx;
    struct tree *tree =
        TABLE_AT(&all->trees, key_of(all, event->node, event_u64(event, "sup")), struct tree);
    tree_done(tree);
    *tree = (struct tree){0};
    tree_begin(tree, event);
}

void tree_on_up(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (!tree)
        return;
    if (step_due(tree) || tree->ending)
        tree_fail(judge, tree, event, "the beginning");
    tree->started = true;
}

void tree_on_failed(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (tree && step_take(judge, tree, event, STEP_FAILED, "the failure")) {
        steps_to_stop_all(tree);
        strcpy(tree->reason, "shutdown:{failed_to_start_child,");
    }
}

/* ---- children are known ---- */

void tree_on_add(struct judge *judge, void *ctx, const struct event *event)
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
    if (!step_due(tree) && tree->fresh) /* it was ignored, and is kept (API-04) */
        step_add(tree, STEP_ADD, tree->fresh);
    struct kid *kid = step_take(judge, tree, event, STEP_ADD, "the entry");
    if (kid) {
        kid_append(tree, kid, event);
        tree->fresh = NULL;
    }
}

void tree_on_drop(struct judge *judge, void *ctx, const struct event *event)
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

void tree_on_child_start(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (!tree)
        return;
    struct kid *kid;
    if (tree->free && (kid = kid_named(tree, event_str(event, "child")))) {
        step_add(tree, STEP_START, kid);
    } else if (tree->asked && !step_due(tree) && !tree_is_full(tree) &&
               !(tree_has_ids(tree) && kid_named(tree, event_str(event, "child")))) {
        free(tree->fresh);
        tree->fresh = kid_new(event_str(event, "child"));
        step_add(tree, STEP_START, tree->fresh);
    }
    kid = step_take(judge, tree, event, STEP_START, "the start");
    if (kid)
        step_first(tree, STEP_ANSWER, kid);
}

void tree_on_child_up(struct judge *judge, void *ctx, const struct event *event)
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

void tree_on_child_ignore(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    struct kid *kid =
        tree ? step_take(judge, tree, event, STEP_ANSWER, "the refusal of the start") : NULL;
    if (!kid)
        return;
    kid->state = KID_DOWN;
    kid->pid = 0;
    if (kid == tree->fresh) {
        if (!tree_has_ids(tree))
            fresh_forget(tree);
        return; /* else its entry says whether it is kept */
    }
    if (tree->why != WHY_CALL && kid_goes(tree, kid)) {
        if (step_due(tree))
            step_first(tree, STEP_DROP, kid);
        else
            step_add(tree, STEP_DROP, kid);
    }
}

void tree_on_child_fail(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    struct kid *kid =
        tree ? step_take(judge, tree, event, STEP_ANSWER, "the failure of the start") : NULL;
    if (kid && kid == tree->fresh)
        fresh_forget(tree);
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

bool reason_word_is_calm(const char *reason)
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

void tree_on_child_end(struct judge *judge, void *ctx, const struct event *event)
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
    steps_for_end(tree, kid, reason_word_is_calm(event_str(event, "reason")));
    judge_checked(judge);
}

/* After an end, or another try of one whose restart failed. */
void tree_on_restart(struct judge *judge, void *ctx, const struct event *event)
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

void tree_on_child_stop(struct judge *judge, void *ctx, const struct event *event)
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

void tree_on_child_stopped(struct judge *judge, void *ctx, const struct event *event)
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

void tree_on_call(struct judge *judge, void *ctx, const struct event *event)
{
    struct tree *tree = tree_of(ctx, event);
    if (tree && tree_is_idle(judge, tree, event, "the call"))
        steps_for_call(tree, event);
}
