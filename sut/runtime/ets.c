/* ets.c: tables as things that processes own: their ids and names, who may do what, and what becomes of them when their owner
 * ends.
 *
 *     owned by    becomes by
 *     its maker   ets_new
 *     another     ets_give_away, or the end of the owner when there is a living heir
 *     nobody      ets_drop, the end of the owner, or that of the runtime: it is deleted
 */
#include "sut/runtime/ets_internal.h"

#include <errno.h>
#include <utlist.h>

POINT_ABOUT("ets/table/create", "A table came to be.");
POINT_ABOUT("ets/table/delete", "A table is gone, with all its rows: dropped, or its owner ended.");
POINT_ABOUT("ets/table/transfer", "A table got another owner: it was given away, or inherited.");

struct ets_space {
    struct id_table ids;
    struct id_table names; /* by hash */
    ets_id last_id;
};

static struct ets_space *space_of(struct runtime *runtime)
{
    if (!runtime->ets) {
        struct heap *heap = runtime->env->heap;
        runtime->ets = heap_alloc(heap, sizeof *runtime->ets);
        id_table_init(&runtime->ets->ids, heap);
        id_table_init(&runtime->ets->names, heap);
    }
    return runtime->ets;
}

void ets_space_free(struct runtime *runtime)
{
    if (!runtime->ets)
        return;
    id_table_done(&runtime->ets->ids);
    id_table_done(&runtime->ets->names);
    heap_release(runtime->env->heap, runtime->ets);
    runtime->ets = NULL;
}

static struct ets *table_by_id(struct runtime *runtime, ets_id id)
{
    struct id_node *node = runtime->ets ? id_table_find(&runtime->ets->ids, id) : NULL;
    return node ? CONTAINER_OF(node, struct ets, by_id) : NULL;
}

static struct ets *table_by_name(struct runtime *runtime, const char *name)
{
    if (!runtime->ets)
        return NULL;
    struct id_node *node = id_table_find(&runtime->ets->names, value_hash(value_text(name)));
    for (; node; node = id_table_find_next(node)) {
        struct ets *table = CONTAINER_OF(node, struct ets, by_name);
        if (strcmp(table->name, name) == 0)
            return table;
    }
    return NULL;
}

int ets_find(struct proc *self, ets_id id, enum ets_wish wish, struct ets **ret_table)
{
    struct ets *table = table_by_id(self->runtime, id);
    if (!table)
        return -EBADF;
    bool open = table->access == ETS_PUBLIC || (table->access == ETS_PROTECTED && wish == ETS_READ);
    if (!open && table->owner != self)
        return -EACCES;
    *ret_table = table;
    return 0;
}

/* ---- the end of a table, and of its owner ---- */

static void heir_set(struct ets *table, proc_id heir, const void *data, size_t size)
{
    heap_release(table->heap, table->heir_data);
    table->heir = heir;
    table->heir_data = heap_memdup(table->heap, data, size);
    table->heir_size = size;
}

/* It is nobody's any more. */
static void table_delete(struct ets *table, struct runtime *runtime, struct point_site *site)
{
    cursors_forget(table);
    if (site)
        TRACE(site, "ets/table/delete", T_U64("table", table->by_id.id),
              T_U64("owner", proc_id_of(table->owner)), T_U64("rows", table->rows));
    id_table_remove(&runtime->ets->ids, &table->by_id);
    if (table->name)
        id_table_remove(&runtime->ets->names, &table->by_name);
    heap_free(table->heap);
}

static void owner_set(struct ets *table, struct proc *owner)
{
    table->owner = owner;
    proc_attach(owner, &table->attachment);
}

static void transfer(struct ets *table, struct proc *from, struct proc *to, const void *data,
                     size_t size)
{
    struct runtime *runtime = to->runtime;
    owner_set(table, to);
    TRACE(&from->site, "ets/table/transfer", T_U64("table", table->by_id.id),
          T_U64("from", proc_id_of(from)), T_U64("to", proc_id_of(to)));
    struct ets_transfer *told = heap_alloc(runtime->env->heap, sizeof *told + size);
    *told = (struct ets_transfer){table->by_id.id, proc_id_of(from), size};
    if (size > 0)
        memcpy(told->data, data, size);
    proc_post(to, &(struct message){.tag = MSG_ETS_TRANSFER,
                                    .from = proc_id_of(from),
                                    .size = sizeof *told + size,
                                    .data = told});
    heap_release(runtime->env->heap, told);
}

static void owner_ended(struct attachment *attachment, struct proc *owner, bool died)
{
    struct ets *table = CONTAINER_OF(attachment, struct ets, attachment);
    struct proc *heir = died ? runtime_find(owner->runtime, table->heir) : NULL;
    if (heir)
        transfer(table, owner, heir, table->heir_data, table->heir_size);
    else
        table_delete(table, owner->runtime, died ? &owner->site : NULL);
}

int ets_drop(struct proc *self, ets_id id)
{
    struct ets *table = NULL;
    int err = ets_find(self, id, ETS_WRITE, &table);
    if (err)
        return err;
    proc_detach(table->owner, &table->attachment);
    table_delete(table, self->runtime, &self->site);
    return 0;
}

/* ---- the beginning ---- */

static struct ets *table_new(struct proc *self, const struct ets_spec *spec)
{
    struct heap *heap = heap_child(self->runtime->env->heap);
    struct ets *table = heap_alloc(heap, sizeof *table);
    table->heap = heap;
    table->memory.heap = heap;
    table->type = spec->type;
    table->access = spec->access;
    table->key = spec->key;
    table->attachment.release = owner_ended;
    table->name = heap_strdup(heap, spec->name);
    heir_set(table, spec->heir, spec->heir_data, spec->heir_size);
    return table;
}

int ets_new(struct proc *self, const struct ets_spec *spec, ets_id *ret_table)
{
    static const char *const types[] = {"set", "ordered", "bag", "duplicate bag"};
    (void)types;
    struct ets_space *space = space_of(self->runtime);
    if (spec->name && table_by_name(self->runtime, spec->name))
        return -EEXIST;
    struct ets *table = table_new(self, spec);
    id_table_insert(&space->ids, &table->by_id, ++space->last_id);
    if (table->name)
        id_table_insert(&space->names, &table->by_name, value_hash(value_text(table->name)));
    owner_set(table, self);
    TRACE(&self->site, "ets/table/create", T_U64("table", table->by_id.id),
          T_STR("name", table->name), T_STR("type", types[table->type]),
          T_U64("owner", proc_id_of(self)));
    *ret_table = table->by_id.id;
    return 0;
}

/* ---- what else can be asked and changed ---- */

ets_id ets_whereis(struct runtime *runtime, const char *name)
{
    struct ets *table = table_by_name(runtime, name);
    return table ? table->by_id.id : 0;
}

proc_id ets_owner(struct runtime *runtime, ets_id id)
{
    struct ets *table = table_by_id(runtime, id);
    return table ? proc_id_of(table->owner) : 0;
}

int64_t ets_count(struct runtime *runtime, ets_id id)
{
    struct ets *table = table_by_id(runtime, id);
    return table ? (int64_t)table->rows : -EBADF;
}

static int find_own(struct proc *self, ets_id id, struct ets **ret_table)
{
    struct ets *table = table_by_id(self->runtime, id);
    if (!table)
        return -EBADF;
    *ret_table = table;
    return table->owner == self ? 0 : -EACCES;
}

int ets_heir(struct proc *self, ets_id id, proc_id heir, const void *data, size_t size)
{
    struct ets *table = NULL;
    int err = find_own(self, id, &table);
    if (!err)
        heir_set(table, heir, data, size);
    return err;
}

int ets_give_away(struct proc *self, ets_id id, proc_id to, const void *data, size_t size)
{
    struct ets *table = NULL;
    struct proc *receiver = runtime_find(self->runtime, to);
    int err = find_own(self, id, &table);
    if (err)
        return err;
    if (!receiver || receiver == self)
        return receiver ? -EINVAL : -ESRCH;
    proc_detach(self, &table->attachment);
    transfer(table, self, receiver, data, size);
    return 0;
}
