/* registry.c: entries by key and by holder. An entry is reached from its key (in the order of registering) and from its holder,
 * which is what a process has in one partition, and hangs on the process as an attachment. A partition hangs on its
 * process in the same way. Nothing outlives the last of these: the registry is counted by its attachments.
 */
#include "sut/runtime/registry_internal.h"

#include <errno.h>
#include <utlist.h>

POINT_ABOUT("registry/entry/register", "A process stands for a key.");
POINT_ABOUT(
    "registry/entry/unregister",
    "A process does not stand for a key any more: it said so, it ended, or the partition did.");

struct registry *registry_of(const struct runtime *runtime, proc_id id)
{
    struct proc *proc = runtime_find(runtime, id);
    struct attachment *attachment = proc ? proc->attachments : NULL;
    while (attachment && attachment->release != registry_ended)
        attachment = attachment->next;
    return attachment ? CONTAINER_OF(attachment, struct registry, attachment) : NULL;
}

void registry_drop(struct registry *registry)
{
    if (--registry->attachments == 0)
        heap_free(registry->heap);
}

/* ---- keys ---- */

struct key *key_find(const struct registry *registry, struct value value)
{
    struct id_node *node = id_table_find(&registry->keys, value_hash(value));
    for (; node; node = id_table_find_next(node)) {
        struct key *key = CONTAINER_OF(node, struct key, by_hash);
        if (value_same(key->value, value))
            return key;
    }
    return NULL;
}

static struct key *key_at(struct registry *registry, struct value value)
{
    struct key *key = key_find(registry, value);
    if (key)
        return key;
    key = heap_alloc(registry->heap, sizeof *key);
    key->value = value_copy(registry->heap, value);
    id_table_insert(&registry->keys, &key->by_hash, value_hash(value));
    return key;
}

static void value_drop(struct heap *heap, struct value value)
{
    if (value.type == VALUE_BYTES)
        heap_release(heap, (void *)(uintptr_t)value.bytes);
}

static void key_leave(struct registry *registry, struct key *key)
{
    if (key->entries)
        return;
    id_table_remove(&registry->keys, &key->by_hash);
    value_drop(registry->heap, key->value);
    heap_release(registry->heap, key);
}

unsigned shard_of_key(const struct registry *registry, struct value key)
{
    return value_hash(key) % registry->shard_count;
}

/* Of the process that an entry of this key links `pid` with. */
static unsigned shard_of_link(const struct registry *registry, struct value key, proc_id pid)
{
    return registry->by_key ? shard_of_key(registry, key) : (unsigned)(pid % registry->shard_count);
}

/* Where the entry itself lies. */
unsigned shard_of_entry(const struct registry *registry, struct value key, proc_id pid)
{
    return registry->kind == REGISTRY_UNIQUE ? shard_of_key(registry, key)
                                             : shard_of_link(registry, key, pid);
}

/* ---- holders and entries ---- */

static struct holder *holder_find(const struct shard *shard, const struct proc *proc)
{
    for (struct attachment *attachment = proc->attachments; attachment;
         attachment = attachment->next) {
        struct holder *holder = CONTAINER_OF(attachment, struct holder, attachment);
        if (attachment->release == holder_ended && holder->shard == shard)
            return holder;
    }
    return NULL;
}

static void entry_remove(struct entry *entry)
{
    struct holder *holder = entry->holder;
    struct registry *registry = holder->shard->registry;
    if (!registry->quiet)
        TRACE(&holder->proc->site, "registry/entry/unregister",
              T_U64("pid", proc_id_of(holder->proc)), T_U64("registry", registry->id),
              T_STR("key", value_words(entry->key->value, (char[VALUE_WORDS]){0})));
    DL_DELETE2(entry->key->entries, entry, key_prev, key_next);
    DL_DELETE2(holder->entries, entry, mine_prev, mine_next);
    entry->key->count--;
    holder->count--;
    key_leave(registry, entry->key);
    value_drop(registry->heap, entry->value);
    heap_release(registry->heap, entry);
    registry->entries--;
}

/* Its attachment is loose already. */
static void holder_free(struct holder *holder)
{
    struct registry *registry = holder->shard->registry;
    DL_DELETE2(holder->shard->holders, holder, prev, next);
    heap_release(registry->heap, holder);
    registry_drop(registry);
}

void holder_ended(struct attachment *attachment, struct proc *proc, bool died)
{
    (void)proc;
    struct holder *holder = CONTAINER_OF(attachment, struct holder, attachment);
    holder->shard->registry->quiet = !died;
    while (holder->entries)
        entry_remove(holder->entries);
    holder_free(holder);
}

/* The last unregister unlinks (REG-13). */
static void holder_leave(struct holder *holder)
{
    if (holder->entries)
        return;
    proc_unlink(holder->proc, proc_id_of(holder->shard->proc));
    proc_detach(holder->proc, &holder->attachment);
    holder_free(holder);
}

static struct holder *holder_at(struct shard *shard, struct proc *self)
{
    struct holder *holder = holder_find(shard, self);
    if (holder)
        return holder;
    holder = heap_alloc(shard->registry->heap, sizeof *holder);
    holder->attachment.release = holder_ended;
    holder->shard = shard;
    holder->proc = self;
    DL_APPEND2(shard->holders, holder, prev, next);
    proc_attach(self, &holder->attachment);
    shard->registry->attachments++;
    proc_link(self, proc_id_of(shard->proc));
    return holder;
}

/* All that lies here, or hangs on a link with it. */
void shard_clear(struct shard *shard)
{
    struct registry *registry = shard->registry;
    unsigned index = (unsigned)(shard - registry->shards);
    while (shard->holders) {
        struct holder *holder = shard->holders;
        proc_detach(holder->proc, &holder->attachment);
        holder_ended(&holder->attachment, holder->proc, true);
    }
    for (unsigned i = 0; registry->kind == REGISTRY_UNIQUE && i < registry->shard_count; i++) {
        struct holder *holder, *next;
        DL_FOREACH_SAFE2(registry->shards[i].holders, holder, next, next)
        {
            struct entry *entry, *more;
            DL_FOREACH_SAFE2(holder->entries, entry, more, mine_next)
            if (shard_of_key(registry, entry->key->value) == index)
                entry_remove(entry);
        }
    }
}

/* ---- listeners ---- */

static size_t room_for(struct value value)
{
    return value.type == VALUE_BYTES ? (size_t)value.size + 1 : 0;
}

/* The bytes of key and value lie behind the event, in the same message. */
static void listener_tell(struct proc *listener, const struct registry_event *event)
{
    size_t size = sizeof *event + room_for(event->key) + room_for(event->value);
    struct envelope *envelope = envelope_new(
        listener, &(struct message){.tag = MSG_REGISTRY, .from = event->pid, .size = size});
    struct registry_event *told = (struct registry_event *)(void *)envelope->data;
    struct value fields[] = {event->key, event->value};
    tuple_pack((struct tuple){2, fields}, fields, (char *)(told + 1));
    *told = *event;
    told->key = fields[0];
    told->value = fields[1];
    mailbox_put(listener, envelope);
}

static void listeners_tell(const struct registry *registry, struct registry_event event)
{
    struct runtime *runtime = registry->runtime;
    event.registry = registry->id;
    for (size_t i = 0; i < registry->listener_count; i++) {
        struct proc *listener =
            runtime_find(runtime, runtime_whereis(runtime, registry->listeners[i]));
        if (listener)
            listener_tell(listener, &event);
    }
}

/* ---- register and unregister ---- */

static void entry_add(struct registry *registry, struct holder *holder, struct value key,
                      struct value value)
{
    struct entry *entry = heap_alloc(registry->heap, sizeof *entry);
    entry->key = key_at(registry, key);
    entry->holder = holder;
    entry->value = value_copy(registry->heap, value);
    DL_APPEND2(entry->key->entries, entry, key_prev, key_next);
    DL_APPEND2(holder->entries, entry, mine_prev, mine_next);
    entry->key->count++;
    holder->count++;
    registry->entries++;
    TRACE(&holder->proc->site, "registry/entry/register", T_U64("pid", proc_id_of(holder->proc)),
          T_U64("registry", registry->id), T_STR("key", value_words(key, (char[VALUE_WORDS]){0})),
          T_U64("unique", registry->kind == REGISTRY_UNIQUE));
}

int registry_register(struct proc *self, proc_id id, struct value key, struct value value,
                      proc_id *ret_holder)
{
    struct registry *registry = registry_of(self->runtime, id);
    if (!registry)
        return -ESRCH;
    if (!value_valid(key) || !value_valid(value))
        return -EINVAL;
    struct key *taken = registry->kind == REGISTRY_UNIQUE ? key_find(registry, key) : NULL;
    if (taken && ret_holder)
        *ret_holder = proc_id_of(taken->entries->holder->proc);
    if (taken)
        return -EEXIST;
    proc_id pid = proc_id_of(self);
    struct shard *shard = &registry->shards[shard_of_link(registry, key, pid)];
    if (!shard->proc || !registry->shards[shard_of_entry(registry, key, pid)].proc)
        return -EAGAIN;
    entry_add(registry, holder_at(shard, self), key, value);
    listeners_tell(registry, (struct registry_event){
                                 .pid = pid, .registered = true, .key = key, .value = value});
    return 0;
}

/* All that the holder has under the key, by the shorter of the two lists that lead there. */
static bool entries_remove(struct holder *holder, struct key *key)
{
    bool by_key = key->count < holder->count, any = false;
    struct entry *entry = by_key ? key->entries : holder->entries, *next;
    for (size_t left = by_key ? key->count : holder->count; left > 0; left--, entry = next) {
        next = by_key ? entry->key_next : entry->mine_next;
        if (entry->holder != holder || entry->key != key)
            continue;
        any = true;
        entry_remove(entry); /* with the last one the key goes; what is left is of others */
    }
    return any;
}

int registry_unregister(struct proc *self, proc_id id, struct value key)
{
    struct registry *registry = registry_of(self->runtime, id);
    if (!registry)
        return -ESRCH;
    proc_id pid = proc_id_of(self);
    struct holder *holder = holder_find(&registry->shards[shard_of_link(registry, key, pid)], self);
    struct key *found = holder ? key_find(registry, key) : NULL;
    bool any = found && entries_remove(holder, found);
    if (holder)
        holder_leave(holder);
    if (any)
        listeners_tell(registry, (struct registry_event){.pid = pid, .key = key});
    return 0;
}
