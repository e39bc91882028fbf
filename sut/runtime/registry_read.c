/* registry_read.c: what can be asked. Answers are copies, so that whoever asks may wait and change the registry. */
#include "sut/runtime/registry_internal.h"
#include "sut/runtime/task.h"

#include <errno.h>
#include <string.h>

/* Those of one partition, or (partition -1) of all. */
static size_t entries_copy(const struct registry *registry, const struct key *key, int partition,
                           struct heap *heap, struct registration *entries)
{
    size_t count = 0;
    for (const struct entry *entry = key->entries; entry; entry = entry->key_next) {
        proc_id pid = proc_id_of(entry->holder->proc);
        if (partition < 0 || shard_of_entry(registry, key->value, pid) == (unsigned)partition)
            entries[count++] = (struct registration){pid, value_copy(heap, entry->value)};
    }
    return count;
}

int64_t registry_lookup(struct runtime *runtime, proc_id id, struct value value, struct heap *heap,
                        struct registration **ret_entries)
{
    const struct registry *registry = registry_of(runtime, id);
    if (!registry)
        return -ESRCH;
    const struct key *key = key_find(registry, value);
    if (!key)
        return 0;
    *ret_entries = heap_alloc(heap, key->count * sizeof **ret_entries);
    return (int64_t)entries_copy(registry, key, -1, heap, *ret_entries);
}

static struct holder *holder_of(struct attachment *attachment, const struct registry *registry)
{
    struct holder *holder = CONTAINER_OF(attachment, struct holder, attachment);
    bool fits = attachment->release == holder_ended && holder->shard->registry == registry;
    return fits ? holder : NULL;
}

int64_t registry_keys(struct runtime *runtime, proc_id id, proc_id pid, struct heap *heap,
                      struct value **ret_keys)
{
    const struct registry *registry = registry_of(runtime, id);
    const struct proc *proc = runtime_find(runtime, pid);
    if (!registry)
        return -ESRCH;
    size_t count = 0, max = 0;
    struct value *keys = NULL;
    for (struct attachment *attachment = proc ? proc->attachments : NULL; attachment;
         attachment = attachment->next) {
        const struct holder *holder = holder_of(attachment, registry);
        const struct entry *entry = holder ? holder->entries : NULL;
        for (; entry; entry = entry->mine_next) {
            if (count == max)
                keys = heap_realloc(heap, keys, (max = max ? max * 2 : 4) * sizeof *keys);
            keys[count++] = value_copy(heap, entry->key->value);
        }
    }
    *ret_keys = keys;
    return (int64_t)count;
}

int64_t registry_size(struct runtime *runtime, proc_id id)
{
    const struct registry *registry = registry_of(runtime, id);
    return registry ? (int64_t)registry->entries : -ESRCH;
}

int registry_whereis(struct runtime *runtime, proc_id id, struct value value, proc_id *ret_pid)
{
    const struct registry *registry = registry_of(runtime, id);
    if (!registry || registry->kind != REGISTRY_UNIQUE)
        return registry ? -EINVAL : -ESRCH;
    const struct key *key = key_find(registry, value);
    if (!key)
        return -ENOENT;
    *ret_pid = proc_id_of(key->entries->holder->proc);
    return 0;
}

int registry_update_value(struct proc *self, proc_id id, struct value value,
                          struct value (*change)(struct value old, void *ctx), void *ctx)
{
    struct registry *registry = registry_of(self->runtime, id);
    if (!registry || registry->kind != REGISTRY_UNIQUE)
        return registry ? -EINVAL : -ESRCH;
    struct key *key = key_find(registry, value);
    if (!key || key->entries->holder->proc != self)
        return -ENOENT;
    struct value changed = change(key->entries->value, ctx);
    if (!value_valid(changed))
        return -EINVAL;
    struct value old = key->entries->value;
    key->entries->value = value_copy(registry->heap, changed);
    if (old.type == VALUE_BYTES)
        heap_release(registry->heap, (void *)(uintptr_t)old.bytes);
    return 0;
}

typedef void dispatch_send(struct proc *self, const struct registration *entries, size_t count,
                           void *ctx);

/* What one partition has of the key, in the heap of whoever sends: how many. */
static size_t partition_entries(struct proc *self, proc_id id, unsigned partition,
                                struct value value, struct heap *heap,
                                struct registration **ret_entries)
{
    const struct registry *registry = registry_of(self->runtime, id);
    const struct key *key = registry ? key_find(registry, value) : NULL;
    if (!key)
        return 0;
    *ret_entries = heap_alloc(heap, key->count * sizeof **ret_entries);
    return entries_copy(registry, key, (int)partition, heap, *ret_entries);
}

static bool partition_dispatch(struct proc *self, proc_id id, unsigned partition,
                               struct value value, dispatch_send *send, void *ctx)
{
    struct registration *entries = NULL;
    struct heap *heap = heap_child(&self->heap);
    size_t count = partition_entries(self, id, partition, value, heap, &entries);
    if (count > 0)
        send(self, entries, count, ctx);
    heap_free(heap);
    return count > 0;
}

int64_t registry_dispatch(struct proc *self, proc_id id, struct value value, dispatch_send *send,
                          void *ctx)
{
    const struct registry *registry = registry_of(self->runtime, id);
    if (!registry)
        return -ESRCH;
    int64_t calls = 0;
    unsigned partitions = registry->shard_count;
    for (unsigned i = 0; i < partitions; i++)
        calls += partition_dispatch(self, id, i, value, send, ctx);
    return calls;
}

/* ---- side by side ---- */

struct dispatch_order { /* of one task; the bytes of the key follow */
    proc_id registry;
    unsigned partition;
    dispatch_send *send;
    void *ctx;
    struct value key;
    char bytes[];
};

static struct task_value dispatch_task(struct proc *self, void *arg)
{
    struct dispatch_order *order = arg;
    if (order->key.type == VALUE_BYTES)
        order->key.bytes = order->bytes;
    if (partition_dispatch(self, order->registry, order->partition, order->key, order->send,
                           order->ctx))
        return (struct task_value){order, 1};
    return (struct task_value){0};
}

static int task_begin(struct proc *self, proc_id id, unsigned partition, struct value key,
                      dispatch_send *send, void *ctx, struct task *ret_task)
{
    size_t bytes = key.type == VALUE_BYTES ? key.size : 0,
           size = sizeof(struct dispatch_order) + bytes;
    struct dispatch_order *order = heap_alloc(&self->heap, size);
    *order = (struct dispatch_order){id, partition, send, ctx, key};
    if (bytes > 0)
        memcpy(order->bytes, key.bytes, bytes);
    struct task_spec spec = {
        .label = "dispatch", .body = dispatch_task, .arg = order, .arg_size = size};
    int err = task_async(self, &spec, ret_task);
    heap_release(&self->heap, order);
    return err;
}

int64_t registry_dispatch_parallel(struct proc *self, proc_id id, struct value key,
                                   dispatch_send *send, void *ctx)
{
    const struct registry *registry = registry_of(self->runtime, id);
    if (!registry)
        return -ESRCH;
    unsigned count = registry->shard_count, started = 0;
    struct heap *heap = heap_child(&self->heap);
    struct task *tasks = heap_alloc(heap, count * sizeof *tasks);
    struct task_value *values = heap_alloc(heap, count * sizeof *values);
    int64_t err = 0, calls = 0;
    for (; !err && started < count; started += !err)
        err = task_begin(self, id, started, key, send, ctx, &tasks[started]);
    int failed = task_await_many(self, tasks, started, WAIT_FOREVER, values, NULL);
    for (unsigned i = 0; !failed && i < started; i++) {
        calls += values[i].size > 0;
        heap_release(&self->heap, (void *)(uintptr_t)values[i].data);
    }
    heap_free(heap);
    return err ? err : failed ? failed : calls;
}
