/* proc.c: how a process comes to be, and what it can ask about itself. A process that was spawned
 * runs at the next turn; its stack is taken only then. */
#include "sut/runtime/proc_internal.h"

#include <string.h>

POINT_ABOUT("memory/heap/alloc", "A process asks for memory; an error says that there is none.");
POINT_ABOUT("proc/trap/set", "A process traps exits from now on, or does so no more.");
POINT_ABOUT("proc/process/spawn", "A process came to be; it has not run yet.");

static struct proc *proc_new(struct runtime *runtime, const struct proc_spec *spec)
{
    const char *label = spec->label ? spec->label : "";
    size_t label_size = strlen(label) + 1;
    struct proc *proc = heap_alloc(runtime->env->heap, sizeof *proc + label_size);
    proc->label = memcpy(proc->label_room, label, label_size);
    proc->runtime = runtime;
    proc->trap_exit = spec->trap_exit;
    proc->wait.fire = wait_fire;
    proc->last = &proc->first;
    proc->main = spec->main;
    heap_init_like(&proc->heap, runtime->env->heap);
    proc->arg = spec->arg_size > 0 ? heap_memdup(&proc->heap, spec->arg, spec->arg_size)
                                   : (void *)(uintptr_t)spec->arg;
    proc->site = runtime->env->site;
    id_table_insert(&runtime->procs, &proc->by_id, ++runtime->last_id);
    proc->site.actor = proc_id_of(proc);
    return proc;
}

static void spawn_monitor(struct proc *proc, const struct proc_spec *spec)
{
    ref_id ref = runtime_ref(proc->runtime);
    struct proc *watcher = runtime_find(proc->runtime, spec->monitor);
    if (watcher)
        monitor_add(watcher, proc, ref, NULL);
    if (spec->ret_monitor)
        *spec->ret_monitor = ref;
}

static void spawn_link(struct proc *proc, proc_id other)
{
    static const struct reason noproc = {.kind = EXIT_NOPROC};
    struct proc *peer = runtime_find(proc->runtime, other);
    if (peer)
        link_add(peer, proc);
    else
        exit_deliver(proc, other, &noproc, true);
}

proc_id proc_spawn(struct runtime *runtime, const struct proc_spec *spec)
{
    if (runtime->procs.count >= runtime->procs_max)
        return 0;
    struct proc *proc = proc_new(runtime, spec);
    proc_id id = proc_id_of(proc);
    lineage_set(proc, spec);
    if (runtime->current)
        trace(runtime->current, TRACED_SPAWN, id, 0);
    TRACE(&proc->site, "proc/process/spawn", T_U64("pid", id), T_STR("label", proc->label),
          T_U64("parent", runtime->current ? proc_id_of(runtime->current) : 0));
    if (spec->caller)
        TRACE_SIGNAL(proc, "proc/lineage/caller", T_U64("pid", id), T_U64("caller", spec->caller));
    if (spec->trap_exit)
        TRACE_SIGNAL(proc, "proc/trap/set", T_U64("pid", id), T_U64("on", 1));
    proc_ready(proc);
    if (spec->monitor)
        spawn_monitor(proc, spec);
    if (spec->link)
        spawn_link(proc, spec->link); /* may end it */
    return id;
}

proc_id proc_self(const struct proc *self)
{
    return proc_id_of(self);
}

const char *proc_label(const struct proc *self)
{
    return self->label;
}

void proc_set_label(struct proc *self, const char *label)
{
    const char *old = self->label;
    self->label = heap_strdup(&self->heap, label);
    if (old != self->label_room)
        heap_release(&self->heap, (char *)(uintptr_t)old);
    lineage_changed(self);
}

struct runtime *proc_runtime(struct proc *self)
{
    return self->runtime;
}

struct env *proc_env(struct proc *self)
{
    return self->runtime->env;
}

struct point_site *proc_site(struct proc *self)
{
    return &self->site;
}

struct heap *proc_heap(struct proc *self)
{
    return &self->heap;
}

void *proc_alloc(struct proc *self, size_t size)
{
    int err = FAULT(&self->site, "memory/heap/alloc", CAN_ERROR | CAN_KILL | POINT_QUIET,
                    T_STR("label", self->label), T_U64("size", size));
    void *block = err ? NULL : heap_try_alloc(&self->heap, size);
    if (!block)
        proc_exit(self, reason_make(EXIT_ERROR, "nomem"));
    return block;
}

int64_t proc_now(struct proc *self)
{
    return env_mono_ns(self->runtime->env);
}

void proc_trap_exit(struct proc *self, bool on)
{
    self->trap_exit = on;
    TRACE_SIGNAL(self, "proc/trap/set", T_U64("pid", proc_id_of(self)), T_U64("on", on));
}
