/* proc_name.c: names, one per process at most. A name is free again from the moment its process
 * ends. */
#include "sut/runtime/proc_internal.h"

#include <errno.h>
#include <string.h>

POINT_ABOUT("proc/name/take", "A process has a name from now on.");
POINT_ABOUT("proc/name/free", "A process lost its name, or ended.");

static struct name *name_find(const struct runtime *runtime, const char *text)
{
    struct id_node *node = id_table_find(&runtime->names, text_hash(text));
    for (; node; node = id_table_find_next(node)) {
        struct name *name = CONTAINER_OF(node, struct name, by_hash);
        if (strcmp(name->text, text) == 0)
            return name;
    }
    return NULL;
}

static int name_give(struct proc *proc, const char *text)
{
    struct runtime *runtime = proc->runtime;
    if (proc->name || name_find(runtime, text))
        return -EEXIST;
    struct name *name = heap_alloc(runtime->env->heap, sizeof *name + strlen(text) + 1);
    strcpy(name->text, text);
    name->proc = proc;
    id_table_insert(&runtime->names, &name->by_hash, text_hash(text));
    proc->name = name;
    TRACE_SIGNAL(proc, "proc/name/take", T_STR("name", text), T_U64("pid", proc_id_of(proc)));
    lineage_changed(proc);
    return 0;
}

int proc_register(struct proc *self, const char *text)
{
    return name_give(self, text);
}

int runtime_register(struct runtime *runtime, const char *text, proc_id pid)
{
    struct proc *proc = runtime_find(runtime, pid);
    return proc ? name_give(proc, text) : -ESRCH;
}

int runtime_unregister(struct runtime *runtime, const char *text)
{
    struct name *name = name_find(runtime, text);
    if (!name)
        return -ENOENT;
    name_release(name->proc);
    return 0;
}

void name_release(struct proc *proc)
{
    if (!proc->name)
        return;
    TRACE_SIGNAL(proc, "proc/name/free", T_STR("name", proc->name->text),
                 T_U64("pid", proc_id_of(proc)));
    id_table_remove(&proc->runtime->names, &proc->name->by_hash);
    heap_release(proc->runtime->env->heap, proc->name);
    proc->name = NULL;
    lineage_changed(proc);
}

proc_id runtime_whereis(struct runtime *runtime, const char *text)
{
    struct name *name = name_find(runtime, text);
    return name ? proc_id_of(name->proc) : 0;
}

int proc_send_name(struct runtime *runtime, proc_id from, const char *name, uint32_t tag,
                   const void *data, size_t size)
{
    proc_id to = runtime_whereis(runtime, name);
    return to ? proc_send(runtime, from, to, tag, data, size) : -ENOENT;
}
