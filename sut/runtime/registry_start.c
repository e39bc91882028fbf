/* registry_start.c: a registry as a supervisor of partitions. A partition is a process that only keeps others linked with it.
 *
 *     partition    becomes
 *     down         up, when its process runs first
 *     up           down, with that process: its entries go, its links do the rest
 */
#include "sut/runtime/registry_internal.h"
#include "sut/runtime/supervisor.h"

#include <inttypes.h>
#include <stdio.h>

void registry_ended(struct attachment *attachment, struct proc *proc, bool died)
{
    (void)proc, (void)died;
    registry_drop(CONTAINER_OF(attachment, struct registry, attachment));
}

static void shard_ended(struct attachment *attachment, struct proc *proc, bool died)
{
    (void)proc;
    struct shard *shard = CONTAINER_OF(attachment, struct shard, attachment);
    struct registry *registry = shard->registry;
    registry->quiet = !died;
    shard_clear(shard);
    shard->proc = NULL;
    registry_drop(registry);
}

static int64_t shard_turn(struct proc *self, void *arg, const struct message *message)
{
    const struct shard *shard = arg;
    if (message->tag == MSG_EXIT && message->from == shard->registry->id)
        proc_exit(self, ((const struct exit_message *)message->data)->reason);
    return WAIT_FOREVER;
}

/* It traps exits, so that those who end, linked with it, do not end it. */
static void shard_main(struct proc *self, void *arg)
{
    struct shard *shard = *(struct shard **)arg;
    proc_trap_exit(self, true);
    shard->proc = self;
    shard->attachment.release = shard_ended;
    proc_attach(self, &shard->attachment);
    shard->registry->attachments++;
    proc_become(self, shard_turn, shard, WAIT_FOREVER);
}

static struct registry *registry_new(struct runtime *runtime, const struct registry_spec *spec)
{
    unsigned count = spec->partitions ? spec->partitions : 1;
    struct heap *heap = heap_child(runtime->env->heap);
    struct registry *registry =
        heap_alloc(heap, sizeof *registry + count * sizeof *registry->shards);
    registry->heap = heap;
    registry->runtime = runtime;
    registry->kind = spec->kind;
    registry->by_key = spec->by_key && spec->kind == REGISTRY_DUPLICATE;
    registry->attachment.release = registry_ended;
    registry->attachments = 1;
    id_table_init(&registry->keys, heap);
    registry->listeners = heap_alloc(heap, spec->listener_count * sizeof *registry->listeners);
    for (size_t i = 0; i < spec->listener_count; i++)
        registry->listeners[i] = heap_strdup(heap, spec->listeners[i]);
    registry->listener_count = spec->listener_count;
    registry->shard_count = count;
    for (unsigned i = 0; i < count; i++)
        registry->shards[i].registry = registry;
    return registry;
}

static proc_id supervisor_begin(struct registry *registry, proc_id parent,
                                const struct error **ret_error)
{
    unsigned count = registry->shard_count;
    struct child_spec *children = heap_alloc(registry->heap, count * sizeof *children);
    struct shard **shards = heap_alloc(registry->heap, count * sizeof(struct shard *));
    for (unsigned i = 0; i < count; i++) {
        char id[16];
        snprintf(id, sizeof id, "%u", i);
        shards[i] = &registry->shards[i];
        children[i] = (struct child_spec){.id = heap_strdup(registry->heap, id),
                                          .main = shard_main,
                                          .arg = &shards[i],
                                          .arg_size = sizeof(struct shard *)};
    }
    struct supervisor_spec spec = {
        .label = "registry",
        .strategy = registry->kind == REGISTRY_UNIQUE ? ONE_FOR_ALL : ONE_FOR_ONE,
        .intensity = 3,
        .period_s = 5,
        .children = children,
        .child_count = count,
    };
    return supervisor_start(registry->runtime, parent, &spec, ret_error);
}

proc_id registry_start(struct runtime *runtime, proc_id parent, const struct registry_spec *spec,
                       const struct error **ret_error)
{
    proc_id holder = spec->name ? runtime_whereis(runtime, spec->name) : 0;
    if (holder) {
        struct heap *heap = runtime->env->heap;
        error_hand_over(heap,
                        error_new(heap, ERROR_REFUSED, error_already_started.code,
                                  "the name '%s' is taken by process %" PRIu64, spec->name, holder),
                        ret_error);
        return 0;
    }
    struct registry *registry = registry_new(runtime, spec);
    registry->id = supervisor_begin(registry, parent, ret_error);
    struct proc *supervisor = runtime_find(runtime, registry->id);
    if (!supervisor) {
        heap_free(registry->heap);
        return 0;
    }
    proc_attach(supervisor, &registry->attachment);
    if (spec->name)
        runtime_register(runtime, spec->name, registry->id);
    return registry->id;
}

struct started registry_start_child(struct proc *supervisor, const void *arg)
{
    const struct error *error = NULL;
    struct heap *heap = supervisor->runtime->env->heap;
    proc_id id = registry_start(supervisor->runtime, proc_id_of(supervisor), arg, &error);
    if (id)
        return started_ok(id);
    struct started started = started_error(reason_of_error(error_copy(&supervisor->heap, error)));
    error_free(heap, error);
    return started;
}
