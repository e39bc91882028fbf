/* proc_info.c: what can be seen of a process from outside, without asking it. */
#include "sut/runtime/proc_internal.h"

#include <stdlib.h>

static int id_compare(const void *a, const void *b)
{
    proc_id first = *(const proc_id *)a, second = *(const proc_id *)b;
    return (first > second) - (first < second);
}

/* By the table, however long ago the first of them was spawned. With too little room it goes by the ids, one after the
 * other, since the table does not know which are the first. */
size_t runtime_list(const struct runtime *runtime, proc_id *out, size_t max)
{
    const struct id_table *procs = &runtime->procs;
    size_t count = 0;
    if (max < procs->count) {
        for (proc_id id = 0; count < max && (id = proc_next(runtime, id)) != 0;)
            out[count++] = id;
        return procs->count;
    }
    for (size_t i = 0; i < procs->size; i++)
        for (const struct id_node *node = procs->chains[i]; node; node = node->next)
            out[count++] = node->id;
    if (count > 1)
        qsort(out, count, sizeof *out, id_compare);
    return count;
}

static const char *doing(const struct proc *proc)
{
    switch (proc->state) {
    case PROC_READY: return "ready";
    case PROC_RUNNING: return "running";
    case PROC_RECEIVING: return !proc->fiber ? "parked" : proc->call ? "calling" : "receiving";
    case PROC_SLEEPING: return "sleeping";
    case PROC_WORKING: return "working";
    case PROC_STALLED: return "stalled";
    case PROC_DEAD: break;
    }
    return "dead";
}

size_t runtime_links(const struct runtime *runtime, proc_id pid, proc_id *out, size_t max)
{
    const struct proc *proc = runtime_find(runtime, pid);
    size_t count = 0;
    for (const struct link_end *end = proc ? proc->links : NULL; end; end = end->next, ++count)
        if (count < max)
            out[count] = proc_id_of(end->twin->proc);
    return count;
}

size_t runtime_monitored(const struct runtime *runtime, proc_id pid, proc_id *out, size_t max)
{
    const struct proc *proc = runtime_find(runtime, pid);
    size_t count = 0;
    for (const struct monitor *m = proc ? proc->monitors : NULL; m; m = m->mine_next, ++count)
        if (count < max)
            out[count] = proc_id_of(m->target);
    return count;
}

size_t runtime_watchers(const struct runtime *runtime, proc_id pid, proc_id *out, size_t max)
{
    const struct proc *proc = runtime_find(runtime, pid);
    size_t count = 0;
    for (const struct monitor *m = proc ? proc->watchers : NULL; m; m = m->next, ++count)
        if (count < max)
            out[count] = proc_id_of(m->watcher);
    return count;
}

bool runtime_info(const struct runtime *runtime, proc_id pid, struct proc_info *ret_info)
{
    const struct proc *proc = runtime_find(runtime, pid);
    if (!proc)
        return false;
    *ret_info = (struct proc_info){
        .pid = pid,
        .label = proc->label,
        .name = proc->name ? proc->name->text : NULL,
        .doing = doing(proc),
        .trap_exit = proc->trap_exit,
        .messages = proc->mail_count,
        .links = runtime_links(runtime, pid, NULL, 0),
        .monitors = runtime_monitored(runtime, pid, NULL, 0),
        .watchers = runtime_watchers(runtime, pid, NULL, 0),
        .heap_bytes = heap_bytes(&proc->heap),
        .main = proc->main,
        .turn = proc->turn,
    };
    return true;
}
