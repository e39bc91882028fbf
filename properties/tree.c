/* tree.c: the reference model of a supervisor: its children, and what has to follow what (RST, AUTO, API, SHUT). */
#include "properties/tree.h"
#include "properties/array.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

static void text_copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

/* The number of the word; what is unknown counts as the first. */
static unsigned word_number(const char *word, const char *const *words, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return 0;
}

void tree_begin(struct tree *tree, const struct event *start)
{
    static const char *const strategies[] = {"one_for_one", "one_for_all", "rest_for_one",
                                             "simple_one_for_one", "dynamic"};
    static const char *const shutdowns[] = {"never", "any", "all"};
    tree->node = start->node;
    tree->pid = event_u64(start, "sup");
    tree->parent = event_u64(start, "parent");
    tree->max = event_u64(start, "max");
    text_copy(tree->label, sizeof tree->label, event_str(start, "label"));
    tree->strategy = (enum tree_strategy)word_number(event_str(start, "strategy"), strategies, 5);
    tree->shutdown = (enum tree_auto)word_number(event_str(start, "auto"), shutdowns, 3);
}

void tree_done(struct tree *tree)
{
    for (struct kid *kid = tree->kids, *next; kid; kid = next) {
        next = kid->next;
        free(kid);
    }
    free(tree->fresh);
    free(tree->steps);
    tree->kids = tree->fresh = NULL;
    tree->steps = NULL;
    tree->step_count = tree->step_at = tree->step_room = 0;
    tree->lost = true;
}

/* ---- steps ---- */

void step_add(struct tree *tree, enum step_kind kind, struct kid *kid)
{
    tree->steps = array_grow(tree->steps, tree->step_count, &tree->step_room, sizeof *tree->steps);
    tree->steps[tree->step_count++] = (struct step){kind, kid};
}

const struct step *step_due(const struct tree *tree)
{
    return tree->step_at < tree->step_count ? &tree->steps[tree->step_at] : NULL;
}

void steps_clear(struct tree *tree)
{
    tree->step_at = tree->step_count = 0;
}

const char *step_text(const struct step *step, char *out, size_t size)
{
    static const char *const words[] = {
#define X(e, text) text,
        TREE_STEPS(X)
#undef X
    };
    if (!step)
        return "nothing";
    snprintf(out, size, "%s of %s", words[step->kind], step->kid->name);
    return out;
}

/* ---- children ---- */

struct kid *kid_new(const char *name)
{
    struct kid *kid = calloc(1, sizeof *kid);
    if (!kid)
        abort();
    text_copy(kid->name, sizeof kid->name, name);
    return kid;
}

void kid_append(struct tree *tree, struct kid *kid, const struct event *add)
{
    static const char *const restarts[] = {"permanent", "transient", "temporary"};
    kid->restart = (enum kid_restart)word_number(event_str(add, "restart"), restarts, 3);
    kid->significant = event_u64(add, "significant");
    DL_APPEND(tree->kids, kid);
}

void kid_remove(struct tree *tree, struct kid *kid)
{
    DL_DELETE(tree->kids, kid);
    free(kid);
}

struct kid *kid_named(const struct tree *tree, const char *name)
{
    for (struct kid *kid = tree->kids; kid; kid = kid->next)
        if (strncmp(kid->name, name, sizeof kid->name - 1) == 0)
            return kid;
    return NULL;
}

struct kid *kid_of(const struct tree *tree, uint64_t pid)
{
    for (struct kid *kid = tree->kids; kid; kid = kid->next)
        if (pid && kid->pid == pid)
            return kid;
    return NULL;
}

struct kid *kid_retried(const struct tree *tree)
{
    struct kid *first = NULL;
    for (struct kid *kid = tree->kids; kid; kid = kid->next)
        if (kid->state == KID_RETRY && (!first || kid->failed < first->failed))
            first = kid;
    return first;
}

bool tree_is_full(const struct tree *tree)
{
    uint64_t count = 0;
    for (const struct kid *kid = tree->kids; kid; kid = kid->next)
        count++;
    return tree->max == UINT64_MAX || (tree->max && count >= tree->max);
}

bool tree_significant_left(const struct tree *tree)
{
    for (const struct kid *kid = tree->kids; kid; kid = kid->next)
        if (kid->significant && kid->state != KID_DOWN)
            return true;
    return false;
}

bool kid_goes(const struct tree *tree, const struct kid *kid)
{
    return kid->restart == KID_TEMPORARY || !tree_has_ids(tree);
}

/* ---- rows of steps ---- */

static struct kid *kid_before(const struct tree *tree, const struct kid *kid)
{
    return kid == tree->kids ? NULL : kid->prev;
}

static struct kid *kid_last(const struct tree *tree)
{
    return tree->kids ? tree->kids->prev : NULL;
}

static void kid_stop_due(struct tree *tree, struct kid *kid, bool forget)
{
    bool up = kid->state == KID_UP;
    if (up)
        step_add(tree, STEP_STOP, kid);
    if (forget && kid_goes(tree, kid))
        step_add(tree, STEP_DROP, kid);
    else if (!up)
        kid->state = KID_DOWN;
}

void steps_for_restart(struct tree *tree, struct kid *kid)
{
    tree->why = WHY_RESTART;
    kid->state = KID_DOWN;
    if (tree->strategy != TREE_ALL && tree->strategy != TREE_REST) {
        step_add(tree, STEP_START, kid);
        return;
    }
    struct kid *before = tree->strategy == TREE_ALL ? NULL : kid_before(tree, kid);
    for (struct kid *at = kid_last(tree); at != before; at = kid_before(tree, at))
        kid_stop_due(tree, at, true);
    for (struct kid *at = before ? before->next : tree->kids; at; at = at->next)
        if (at->restart != KID_TEMPORARY)
            step_add(tree, STEP_START, at);
}

void steps_for_end(struct tree *tree, struct kid *kid, bool calm)
{
    kid->state = KID_DOWN;
    if (kid->restart == KID_PERMANENT || (kid->restart == KID_TRANSIENT && !calm)) {
        step_add(tree, STEP_RESTART, kid);
        return;
    }
    bool shuts =
        kid->significant && (tree->shutdown == TREE_ANY ||
                             (tree->shutdown == TREE_ALL_ENDED && !tree_significant_left(tree)));
    if (kid_goes(tree, kid))
        step_add(tree, STEP_DROP, kid);
    if (shuts)
        step_add(tree, STEP_SHUTDOWN, kid);
}

/* Those without ids are stopped in whatever order. */
void steps_to_stop_all(struct tree *tree)
{
    tree->ending = true;
    steps_clear(tree);
    if (tree_has_ids(tree))
        for (struct kid *kid = kid_last(tree); kid; kid = kid_before(tree, kid))
            kid_stop_due(tree, kid, false);
}

static void terminate_due(struct tree *tree, const struct event *ask)
{
    uint64_t pid = event_u64(ask, "pid");
    struct kid *kid = tree_has_ids(tree) == !pid
                          ? (pid ? kid_of(tree, pid) : kid_named(tree, event_str(ask, "child")))
                          : NULL;
    if (kid)
        kid_stop_due(tree, kid, true);
}

void steps_for_call(struct tree *tree, const struct event *ask)
{
    const char *what = event_str(ask, "what");
    struct kid *kid = tree_has_ids(tree) ? kid_named(tree, event_str(ask, "child")) : NULL;
    tree->why = WHY_CALL;
    tree->asked = NULL;
    if (strcmp(what, "start") == 0)
        tree->asked = "start";
    else if (strcmp(what, "resize") == 0)
        tree->free = true;
    else if (strcmp(what, "terminate") == 0)
        terminate_due(tree, ask);
    else if (strcmp(what, "restart") == 0 && kid && kid->state == KID_DOWN)
        step_add(tree, STEP_START, kid);
    else if (strcmp(what, "delete") == 0 && kid && kid->state == KID_DOWN)
        step_add(tree, STEP_DROP, kid);
}
