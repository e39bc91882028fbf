/* operator.c: somebody outside of the tree who starts, stops, restarts and deletes children, at times that the plan
 * says, and sends exit signals as a stranger. After healing it looks, once a second, whether the tree is whole. */
#include "scenarios/trees/trees.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOOK_NS S

POINT_ABOUT("tree/operator/call", "an operator had something done to a child, or asked");

/* ---- finding processes ---- */

/* Of the children without ids, any that is up. */
static proc_id any_child(struct proc *self, proc_id supervisor)
{
    struct child_info *infos;
    size_t count;
    proc_id pid = 0;
    if (supervisor_which_children(self, supervisor, &infos, &count) != 0)
        return 0;
    for (size_t i = 0; i < count && !pid; ++i)
        pid = infos[i].pid;
    heap_release(proc_heap(self), infos);
    return pid;
}

static proc_id pid_of(struct proc *self, const struct seat *seat)
{
    if (!seat->above)
        return seat->tree->root;
    proc_id above = pid_of(self, seat->above);
    if (!above)
        return 0;
    return seat_is_pool(seat->above) ? any_child(self, above)
                                     : supervisor_child(self, above, seat->id);
}

/* ---- calls ---- */

static int answer_code(struct child_answer answer)
{
    return answer.err ? answer.err : answer.started.how == STARTED_ERROR ? -ECANCELED : 0;
}

static int terminate(struct proc *self, proc_id above, const struct seat *seat, proc_id pid)
{
    return seat_is_pool(seat->above) ? supervisor_terminate_pid(self, above, pid)
                                     : supervisor_terminate_child(self, above, seat->id);
}

static int stranger(struct proc *self, const struct call *call, proc_id pid)
{
    proc_signal(proc_runtime(self), proc_self(self), pid,
                reason_make(call->kind, "%s", call->kind == EXIT_ERROR ? "stranger" : ""));
    return 0;
}

static int which(struct proc *self, proc_id supervisor)
{
    struct child_info *infos = NULL;
    size_t count = 0;
    int err = supervisor_which_children(self, supervisor, &infos, &count);
    heap_release(proc_heap(self), infos);
    return err ? err : (int)count;
}

static int call_make(struct proc *self, const struct call *call, struct seat *seat, proc_id above)
{
    struct child_counts counts;
    proc_id pid = pid_of(self, seat);
    switch (call->action) {
    case ACTION_TERMINATE: return terminate(self, above, seat, pid);
    case ACTION_RESTART: return answer_code(supervisor_restart_child(self, above, seat->id));
    case ACTION_DELETE: return supervisor_delete_child(self, above, seat->id);
    case ACTION_START: return answer_code(supervisor_start_child(self, above, &seat->child));
    case ACTION_WHICH: return which(self, above);
    case ACTION_COUNT: return supervisor_count_children(self, above, &counts);
    case ACTION_SIGNAL: return pid ? stranger(self, call, pid) : -ESRCH;
    case ACTIONS: break;
    }
    return -EINVAL;
}

static void operate(struct proc *self, struct tree *tree, const struct call *call)
{
    static const char *const words[ACTIONS] = {"terminate", "restart", "delete", "start",
                                               "which",     "count",   "signal"};
    struct seat *seat = &tree->plan.seats[call->seat];
    proc_id above = seat->above ? pid_of(self, seat->above) : 0;
    if (!above)
        return;
    seat->above->meddled = true;
    int result = call_make(self, call, seat, above);
    TRACE(proc_site(self), "tree/operator/call", T_STR("seat", seat->id),
          T_STR("action", words[call->action]), T_I64("result", result));
}

/* The children of a pool, as an application would when it comes up. */
static void fill_pools(struct proc *self, struct tree *tree)
{
    for (size_t i = 1; i < tree->plan.seat_count; ++i)
        if (seat_is_pool(tree->plan.seats[i].above))
            operate(self, tree, &(struct call){.action = ACTION_START, .seat = i});
}

/* ---- is it whole? ---- */

static bool lacks(struct tree *tree, const struct seat *seat, const char *what)
{
    snprintf(tree->missing, sizeof tree->missing, "%s of %s is %s", seat->id, seat->above->id,
             what);
    return true;
}

static const struct seat *seat_named(const struct tree *tree, const char *id)
{
    for (size_t i = 1; id && i < tree->plan.seat_count; ++i)
        if (strcmp(tree->plan.seats[i].id, id) == 0)
            return &tree->plan.seats[i];
    return NULL;
}

/* A start that says "ignore" leaves a permanent child down for good (RST-19), and so does an operator; who stops the child that
 * a group restart keeps trying leaves those behind it down, too (SUP-08, RST-17). */
static bool must_be_up(const struct seat *seat)
{
    return seat->child.restart == RESTART_PERMANENT && !seat->above->meddled &&
           (seat->supervisor || draws_fixed(&seat->tree->trees->draws, T_IGNORED) == 0);
}

static bool anything_lacks(struct proc *self, struct tree *tree, const struct seat *supervisor);

static bool child_lacks(struct proc *self, struct tree *tree, const struct seat *above,
                        const struct child_info *info)
{
    const struct seat *seat = seat_named(tree, info->id);
    if (info->state == CHILD_RESTARTING)
        return lacks(tree, seat ? seat : above, "being restarted");
    if (!seat)
        return false;
    if (info->state == CHILD_DOWN && must_be_up(seat))
        return lacks(tree, seat, "down");
    return info->state == CHILD_UP && seat->supervisor && anything_lacks(self, tree, seat);
}

static bool anything_lacks(struct proc *self, struct tree *tree, const struct seat *supervisor)
{
    struct child_info *infos = NULL;
    size_t count = 0;
    proc_id pid = pid_of(self, supervisor);
    if (!pid || supervisor_which_children(self, pid, &infos, &count) != 0) {
        snprintf(tree->missing, sizeof tree->missing, "%s is down", supervisor->id);
        return true;
    }
    bool lacking = false;
    for (size_t i = 0; i < count && !lacking; ++i)
        lacking = child_lacks(self, tree, supervisor, &infos[i]);
    heap_release(proc_heap(self), infos);
    return lacking;
}

/* ---- the process ---- */

void operators_main(struct proc *self, void *arg)
{
    struct tree *tree = arg;
    int64_t start_ns = proc_now(self);
    proc_yield(self);
    fill_pools(self, tree);
    for (size_t i = 0; i < tree->plan.call_count && !tree_is_healed(tree); ++i) {
        int64_t wait_ns = start_ns + tree->plan.calls[i].at_ns - proc_now(self);
        proc_sleep(self, wait_ns > 0 ? wait_ns : 0);
        if (!tree_is_healed(tree))
            operate(self, tree, &tree->plan.calls[i]);
    }
    while (!tree->whole) {
        proc_sleep(self, LOOK_NS);
        tree->whole = tree_is_healed(tree) && !anything_lacks(self, tree, &tree->plan.seats[0]);
    }
}
