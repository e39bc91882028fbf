/* proc_link.c: links (two-way, at most one between two processes) and monitors (one-way, any
 * number). Both go with either of their processes; each end keeps them in the order in which they
 * were made. */
#include "sut/runtime/proc_internal.h"

#include <string.h>
#include <utlist.h>

POINT_ABOUT("proc/link/make", "Two processes are linked from now on.");
POINT_ABOUT("proc/link/drop", "A link was taken away by one of its processes.");
POINT_ABOUT("proc/monitor/make", "A process watches another one from now on.");
POINT_ABOUT("proc/monitor/drop", "A process took its monitor away.");
POINT_ABOUT("proc/monitor/down", "A process is told that one it watched has ended.");

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
    TRACE_SIGNAL(a, "proc/link/make", T_U64("pid", proc_id_of(a)), T_U64("peer", proc_id_of(b)));
    trace(a, TRACED_LINK, proc_id_of(b), 0);
    trace(b, TRACED_LINK, proc_id_of(a), 0);
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
    if (!peer && self->trap_exit)
        exit_deliver(self, other, &noproc, true);
    else if (!peer)
        proc_exit(self, reason_make(EXIT_RAISED, "noproc"));
    else if (!link_find(self, peer))
        link_add(self, peer);
}

void proc_unlink(struct proc *self, proc_id other)
{
    struct proc *peer = runtime_find(self->runtime, other);
    struct link_end *end = peer ? link_find(self, peer) : NULL;
    if (!end)
        return;
    link_remove(end);
    TRACE_SIGNAL(self, "proc/link/drop", T_U64("pid", proc_id_of(self)), T_U64("peer", other));
    trace(self, TRACED_UNLINK, other, 0);
    trace(peer, TRACED_UNLINK, proc_id_of(self), 0);
}

/* ---- monitors ---- */

void monitor_add(struct proc *watcher, struct proc *target, ref_id ref, const char *name)
{
    struct runtime *runtime = watcher->runtime;
    size_t name_size = name ? strlen(name) + 1 : 0;
    struct monitor *monitor = heap_alloc(runtime->env->heap, sizeof *monitor + name_size);
    monitor->watcher = watcher;
    monitor->target = target;
    monitor->name = name ? memcpy(monitor + 1, name, name_size) : NULL;
    id_table_insert(&runtime->monitors, &monitor->by_ref, ref);
    DL_APPEND(target->watchers, monitor);
    DL_APPEND2(watcher->monitors, monitor, mine_prev, mine_next);
    TRACE_SIGNAL(watcher, "proc/monitor/make", T_U64("ref", ref),
                 T_U64("watcher", proc_id_of(watcher)), T_U64("target", proc_id_of(target)));
}

static void monitor_forget(struct monitor *monitor)
{
    struct runtime *runtime = monitor->watcher->runtime;
    DL_DELETE(monitor->target->watchers, monitor);
    DL_DELETE2(monitor->watcher->monitors, monitor, mine_prev, mine_next);
    id_table_remove(&runtime->monitors, &monitor->by_ref);
    alias_monitor_gone(monitor->watcher, monitor->by_ref.id);
}

void monitor_remove(struct monitor *monitor)
{
    struct heap *heap = monitor->watcher->runtime->env->heap;
    monitor_forget(monitor);
    heap_release(heap, monitor);
}

static void down_post(struct proc *watcher, proc_id target, ref_id ref, const struct reason *reason,
                      const char *name)
{
    struct down {
        struct exit_message exit;
        _Alignas(16) char more[]; /* its error, and the name */
    };
    size_t room = reason_room(reason), name_size = name ? strlen(name) + 1 : 0;
    TRACE_SIGNAL(watcher, "proc/monitor/down", T_U64("ref", ref),
                 T_U64("watcher", proc_id_of(watcher)), T_U64("target", target),
                 T_STR("reason", reason_text(*reason, (char[REASON_WORDS]){0})));
    struct envelope *envelope =
        envelope_new(watcher, &(struct message){.tag = MSG_DOWN,
                                                .from = target,
                                                .ref = ref,
                                                .size = sizeof(struct down) + room + name_size});
    struct down *down = (struct down *)envelope->data;
    down->exit = (struct exit_message){
        .who = target, .reason = *reason, .name = name ? strcpy(down->more + room, name) : NULL};
    reason_settle(&down->exit.reason, down->more);
    mailbox_put(watcher, envelope);
}

void monitor_fire(struct monitor *monitor, const struct reason *reason)
{
    struct proc *watcher = monitor->watcher;
    monitor_forget(monitor);
    if (watcher->state != PROC_DEAD)
        down_post(watcher, proc_id_of(monitor->target), monitor->by_ref.id, reason, monitor->name);
    heap_release(watcher->runtime->env->heap, monitor);
}

static ref_id monitor_make(struct proc *self, proc_id other, const char *name)
{
    ref_id ref = runtime_ref(self->runtime);
    struct proc *target = runtime_find(self->runtime, other);
    if (!target)
        down_post(self, other, ref, &noproc, name);
    else if (target != self)
        monitor_add(self, target, ref, name);
    return ref;
}

ref_id proc_monitor(struct proc *self, proc_id other)
{
    return monitor_make(self, other, NULL);
}

ref_id proc_monitor_name(struct proc *self, const char *name)
{
    return monitor_make(self, runtime_whereis(self->runtime, name), name);
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
        TRACE_SIGNAL(self, "proc/monitor/drop", T_U64("ref", ref));
        monitor_remove(monitor);
        return true;
    }
    if (flush)
        mailbox_discard(self, is_down_of, &ref);
    return false;
}
