/* pubsub.c: topics on a registry. A broadcast walks the entries of its topic where they lie: nothing that it does can change
 * them, since sending never runs the receiver.
 */
#include "sut/runtime/pubsub.h"

#include "sut/runtime/registry_internal.h"

#include <errno.h>
#include <utlist.h>

POINT_ABOUT("pubsub/topic/broadcast", "A message went out to the subscribers of a topic.");

proc_id pubsub_start(struct runtime *runtime, proc_id parent, const char *name,
                     const struct error **ret_error)
{
    return registry_start(runtime, parent,
                          &(struct registry_spec){.name = name, .kind = REGISTRY_DUPLICATE},
                          ret_error);
}

int pubsub_subscribe(struct proc *self, proc_id hub, struct value topic, struct value metadata)
{
    return registry_register(self, hub, topic, metadata, NULL);
}

int pubsub_unsubscribe(struct proc *self, proc_id hub, struct value topic)
{
    return registry_unregister(self, hub, topic);
}

static bool is_wanted(const struct broadcast *broadcast, const struct entry *entry)
{
    proc_id pid = proc_id_of(entry->holder->proc);
    return pid != broadcast->except &&
           (!broadcast->wanted || broadcast->wanted(pid, entry->value, broadcast->ctx));
}

int64_t pubsub_broadcast(struct proc *self, proc_id hub, struct value topic,
                         const struct broadcast *broadcast)
{
    const struct registry *registry = registry_of(self->runtime, hub);
    const struct key *key = registry ? key_find(registry, topic) : NULL;
    if (!registry)
        return -ESRCH;
    int64_t sent = 0;
    struct entry *entry;
    DL_FOREACH2(key ? key->entries : NULL, entry, key_next)
    if (is_wanted(broadcast, entry) &&
        proc_send(self->runtime, proc_id_of(self), proc_id_of(entry->holder->proc), broadcast->tag,
                  broadcast->data, broadcast->size) == 0)
        sent++;
    TRACE(&self->site, "pubsub/topic/broadcast", T_U64("from", proc_id_of(self)),
          T_STR("topic", value_words(topic, (char[VALUE_WORDS]){0})), T_I64("sent", sent),
          T_U64("hub", hub), T_U64("except", broadcast->except),
          T_U64("wanted", broadcast->wanted != NULL));
    return sent;
}

int64_t pubsub_count(struct runtime *runtime, proc_id hub)
{
    return registry_size(runtime, hub);
}
