/* proc_alias.c: refs that can be sent to. An alias that is in the table is active:
 *
 *     kind              ends by unalias   the first message   its monitor's end
 *     EXPLICIT          yes               -                   -
 *     REPLY             yes               yes                 -
 *     DEMONITOR         yes               -                   yes
 *     REPLY_DEMONITOR   yes               yes, both           yes
 *
 * and all end with their owner. A call needs none: its ref is as good as one while it waits (proc_message.c). */
#include "sut/runtime/proc_internal.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

POINT_ABOUT("proc/alias/make", "A process has an alias from now on.");
POINT_ABOUT("proc/alias/drop", "A process took its alias back.");
POINT_ABOUT("proc/alias/use", "A message goes to its receiver through an alias.");
POINT_ABOUT("proc/alias/miss", "A message to an alias that is not active vanishes.");

static const char *const kind_words[] __attribute__((unused)) = {
    [ALIAS_EXPLICIT] = "explicit",
    [ALIAS_REPLY] = "reply",
    [ALIAS_DEMONITOR] = "demonitor",
    [ALIAS_REPLY_DEMONITOR] = "reply_demonitor",
};

static struct alias *alias_find(const struct runtime *runtime, ref_id ref)
{
    struct id_node *node = id_table_find(&runtime->aliases, ref);
    return node ? CONTAINER_OF(node, struct alias, by_ref) : NULL;
}

static void alias_add(struct proc *owner, ref_id ref, enum alias_kind kind)
{
    struct alias *alias = heap_alloc(&owner->heap, sizeof *alias);
    alias->owner = owner;
    alias->kind = kind;
    id_table_insert(&owner->runtime->aliases, &alias->by_ref, ref);
    DL_APPEND(owner->aliases, alias);
    TRACE_SIGNAL(owner, "proc/alias/make", T_U64("ref", ref), T_U64("pid", proc_id_of(owner)),
                 T_STR("kind", kind_words[kind]));
}

static void alias_remove(struct alias *alias)
{
    struct proc *owner = alias->owner;
    id_table_remove(&owner->runtime->aliases, &alias->by_ref);
    DL_DELETE(owner->aliases, alias);
    heap_release(&owner->heap, alias);
}

void alias_clear(struct proc *owner)
{
    while (owner->aliases)
        alias_remove(owner->aliases);
}

void alias_monitor_gone(struct proc *owner, ref_id ref)
{
    struct alias *alias = owner->aliases ? alias_find(owner->runtime, ref) : NULL;
    if (alias && alias->kind >= ALIAS_DEMONITOR)
        alias_remove(alias);
}

ref_id proc_alias(struct proc *self, enum alias_kind kind)
{
    assert(kind <= ALIAS_REPLY);
    ref_id ref = runtime_ref(self->runtime);
    alias_add(self, ref, kind);
    return ref;
}

ref_id proc_monitor_alias(struct proc *self, proc_id other, enum alias_kind kind)
{
    ref_id ref = proc_monitor(self, other);
    bool monitored = id_table_find(&self->runtime->monitors, ref);
    if (other != proc_id_of(self) && (monitored || kind < ALIAS_DEMONITOR))
        alias_add(self, ref, kind);
    return ref;
}

bool proc_unalias(struct proc *self, ref_id ref)
{
    struct alias *alias = alias_find(self->runtime, ref);
    if (!alias || alias->owner != self)
        return false;
    TRACE_SIGNAL(self, "proc/alias/drop", T_U64("ref", ref));
    alias_remove(alias);
    return true;
}

static void alias_used(struct alias *alias)
{
    struct runtime *runtime = alias->owner->runtime;
    struct id_node *node = id_table_find(&runtime->monitors, alias->by_ref.id);
    if (alias->kind == ALIAS_REPLY)
        alias_remove(alias);
    else if (alias->kind == ALIAS_REPLY_DEMONITOR)
        monitor_remove(CONTAINER_OF(node, struct monitor, by_ref)); /* the alias goes with it */
}

int proc_send_alias(struct runtime *runtime, proc_id from, ref_id ref, uint32_t tag,
                    const void *data, size_t size)
{
    struct alias *alias = alias_find(runtime, ref);
    if (!alias || alias->owner->state == PROC_DEAD) {
        if (runtime->current) /* somebody is there to record it */
            TRACE_SIGNAL(runtime->current, "proc/alias/miss", T_U64("ref", ref));
        return 0;
    }
    int err = proc_send(runtime, from, proc_id_of(alias->owner), tag, data, size);
    if (err != 0)
        return err;
    TRACE_SIGNAL(alias->owner, "proc/alias/use", T_U64("ref", ref),
                 T_U64("pid", proc_id_of(alias->owner)));
    alias_used(alias);
    return 0;
}
