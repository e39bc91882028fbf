/* proc_link.c: links (two-way, at most one between two processes) and monitors (one-way, any
 * number). Both go with either of their processes; each end keeps them in the order in which they
 * were made. */
#include "sut/runtime/proc_internal.h"

#include <utlist.h>

static const struct reason noproc = {.kind = EXIT_NOPROC};

/* ---- links ---- */

void link_add(struct proc *a, struct proc *b)
{
    struct link *link = heap_alloc(a->runtime->env->heap, sizeof *link);
    struct link_end *at_a = &link->ends[0], *at_b = &link->ends[1];
    *at_a = (struct link_end){.twin = at_b, .proc = a};
    *at_b = (struct link_end){.twin = at_a, .proc = b};
    DL_APPEND(a->links, at_a);
    DL_APPEND(b->links, at_b);
}

void link_remove(struct link_end *end)
{
    struct link_end *twin = end->twin;
    struct heap *heap = end->proc->runtime->env->heap;
    DL_DELETE(end->proc->links, end);
    DL_DELETE(twin->proc->links, twin);
    heap_release(heap, end < twin ? CONTAINER_OF(end, struct link, ends[0])
                                  : CONTAINER_OF(twin, struct link, ends[0]));
}

/* Walks both lists in step: the cost is that of the shorter, also when one side has thousands of
 * links. */
static struct link_end *link_find(const struct proc *a, const struct proc *b)
{
    struct link_end *at_a = a->links, *at_b = b->links;
    for (; at_a && at_b; at_a = at_a->next, at_b = at_b->next) {
        if (at_a->twin->proc == b)
            return at_a;
        if (at_b->twin->proc == a)
            return at_b;
    }
    return NULL;
}

void proc_link(struct proc *self, proc_id other)
{
    struct proc *peer = runtime_find(self->runtime, other);
    if (peer == self)
        return;
    if (!peer)
        exit_deliver(self, other, &noproc, true);
    else if (!link_find(self, peer))
        link_add(self, peer);
    proc_leave_if_dead(self->runtime);
}

void proc_unlink(struct proc *self, proc_id other)
{
    struct proc *peer = runtime_find(self->runtime, other);
    struct link_end *end = peer ? link_find(self, peer) : NULL;
    if (end)
        link_remove(end);
}

/* ---- monitors ---- */

void monitor_add(struct proc *watcher, struct proc *target, ref_id ref)
{
    struct runtime *runtime = watcher->runtime;
    struct monitor *monitor = heap_alloc(runtime->env->heap, sizeof *monitor);
    monitor->watcher = watcher;
    monitor->target = target;
    id_table_insert(&runtime->monitors, &monitor->by_ref, ref);
    DL_APPEND(target->watchers, monitor);
    DL_APPEND2(watcher->monitors, monitor, mine_prev, mine_next);
}

void monitor_remove(struct monitor *monitor)
{
    struct runtime *runtime = monitor->watcher->runtime;
    DL_DELETE(monitor->target->watchers, monitor);
    DL_DELETE2(monitor->watcher->monitors, monitor, mine_prev, mine_next);
    id_table_remove(&runtime->monitors, &monitor->by_ref);
    heap_release(runtime->env->heap, monitor);
}

void monitor_notify(struct proc *watcher, proc_id target, ref_id ref, const struct reason *reason)
{
    if (watcher->state == PROC_DEAD)
        return;
    struct exit_message exit = {.who = target, .reason = *reason};
    proc_post(watcher,
              &(struct message){
                  .tag = MSG_DOWN, .from = target, .ref = ref, .size = sizeof exit, .data = &exit});
}

ref_id proc_monitor(struct proc *self, proc_id other)
{
    ref_id ref = runtime_ref(self->runtime);
    struct proc *target = runtime_find(self->runtime, other);
    if (!target)
        monitor_notify(self, other, ref, &noproc);
    else if (target != self)
        monitor_add(self, target, ref);
    return ref;
}

static bool is_down_of(const struct message *message, void *ctx)
{
    return message->tag == MSG_DOWN && message->ref == *(const ref_id *)ctx;
}

bool proc_demonitor(struct proc *self, ref_id ref, bool flush)
{
    struct id_node *node = id_table_find(&self->runtime->monitors, ref);
    struct monitor *monitor = node ? CONTAINER_OF(node, struct monitor, by_ref) : NULL;
    if (monitor && monitor->watcher == self) {
        monitor_remove(monitor);
        return true;
    }
    if (flush)
        mailbox_discard(self, is_down_of, &ref);
    return false;
}
