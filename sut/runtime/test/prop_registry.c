/* Registries against a list: processes register, unregister, die, and partitions die under them. */
#include "properties/prop.h"
#include "sut/runtime/registry.h"
#include "sut/runtime/test/fake_env.h"

enum { ACTORS = 5, KEYS = 4, ENTRIES_MAX = 400 };
enum { TAG_REGISTER = MSG_USER, TAG_UNREGISTER };

struct entry {
    proc_id pid;
    int64_t key, value;
};

static struct world {
    struct fake_env fake;
    struct runtime *runtime;
    proc_id registry;
    bool unique;
    proc_id actors[ACTORS];
    int answer; /* to the last command */
    struct entry entries[ENTRIES_MAX];
    size_t count;
} world;

/* ---- the processes ---- */

static void body_actor(struct proc *self, void *arg)
{
    (void)arg;
    for (;;) {
        const struct message *message = proc_receive(self, WAIT_FOREVER);
        const struct entry *entry = message->data;
        struct value key = value_int(entry->key);
        if (message->tag == TAG_REGISTER)
            world.answer =
                registry_register(self, world.registry, key, value_int(entry->value), NULL);
        else
            world.answer = registry_unregister(self, world.registry, key);
    }
}

static proc_id actor_at(int64_t index)
{
    proc_id *actor = &world.actors[index];
    if (!*actor || !proc_alive(world.runtime, *actor))
        *actor = proc_spawn(world.runtime, &(struct proc_spec){.main = body_actor});
    return *actor;
}

static void command(proc_id actor, uint32_t tag, struct entry entry)
{
    proc_send(world.runtime, 0, actor, tag, &entry, sizeof entry);
    runtime_run(world.runtime);
}

/* ---- the model ---- */

static void entries_drop(bool (*drops)(const struct entry *entry, const struct entry *what),
                         struct entry what)
{
    size_t left = 0;
    for (size_t i = 0; i < world.count; i++)
        if (!drops(&world.entries[i], &what))
            world.entries[left++] = world.entries[i];
    world.count = left;
}

static bool same_pid(const struct entry *entry, const struct entry *what)
{
    return entry->pid == what->pid;
}

static bool same_pid_and_key(const struct entry *entry, const struct entry *what)
{
    return entry->pid == what->pid && entry->key == what->key;
}

static bool is_dead(const struct entry *entry, const struct entry *what)
{
    (void)what;
    return !proc_alive(world.runtime, entry->pid);
}

static bool key_taken(int64_t key)
{
    for (size_t i = 0; i < world.count; i++)
        if (world.entries[i].key == key)
            return true;
    return false;
}

/* ---- steps ---- */

static void step_register(void)
{
    struct entry entry = {actor_at(gen_int(prop_gen(), 0, ACTORS - 1)),
                          gen_int(prop_gen(), 0, KEYS - 1), gen_int(prop_gen(), 0, 9)};
    bool refused = world.unique && key_taken(entry.key);
    command(entry.pid, TAG_REGISTER, entry);
    prop_assert((world.answer != 0) == refused);
    if (!refused)
        world.entries[world.count++] = entry;
}

static void step(void)
{
    int64_t index = gen_int(prop_gen(), 0, ACTORS - 1), key = gen_int(prop_gen(), 0, KEYS - 1);
    proc_id actor = actor_at(index);
    switch (gen_int(prop_gen(), 0, 8)) {
    case 6:
        command(actor, TAG_UNREGISTER, (struct entry){.key = key});
        entries_drop(same_pid_and_key, (struct entry){.pid = actor, .key = key});
        break;
    case 7:
        proc_signal(world.runtime, 0, actor, (struct reason){.kind = EXIT_KILL});
        entries_drop(same_pid, (struct entry){.pid = actor});
        break;
    case 8: /* a partition, at most once: who was linked with it goes */
        if (!proc_alive(world.runtime, world.registry + 1))
            break;
        prop_label("a partition died");
        proc_signal(world.runtime, 0, world.registry + 1, (struct reason){.kind = EXIT_KILL});
        runtime_run(world.runtime);
        entries_drop(is_dead, (struct entry){0});
        break;
    default: step_register();
    }
}

static void check_key(struct heap *heap, int64_t key)
{
    struct registration *found = NULL;
    int64_t count = registry_lookup(world.runtime, world.registry, value_int(key), heap, &found),
            at = 0;
    for (size_t i = 0; i < world.count; i++) {
        if (world.entries[i].key != key)
            continue;
        prop_assert(at < count && found[at].pid == world.entries[i].pid &&
                    found[at].value.integer == world.entries[i].value);
        at++;
    }
    prop_assert(at == count);
}

static void check_actor(struct heap *heap, proc_id pid)
{
    struct value *keys = NULL;
    int64_t count = registry_keys(world.runtime, world.registry, pid, heap, &keys);
    for (size_t i = 0; i < world.count; i++)
        count -= world.entries[i].pid == pid;
    prop_assert(count == 0);
}

static void check(void)
{
    struct heap *heap = heap_new();
    prop_assert(registry_size(world.runtime, world.registry) == (int64_t)world.count);
    for (int64_t key = 0; key < KEYS; key++)
        check_key(heap, key);
    for (int i = 0; i < ACTORS; i++)
        if (world.actors[i])
            check_actor(heap, world.actors[i]);
    heap_free(heap);
}

static void world_end(void *arg)
{
    (void)arg;
    runtime_free(world.runtime);
    heap_free(world.fake.env.heap);
}

static void world_live(struct registry_spec spec)
{
    world = (struct world){.unique = spec.kind == REGISTRY_UNIQUE};
    fake_env_init(&world.fake);
    world.runtime = runtime_new(&world.fake.env, NULL);
    prop_defer(world_end, NULL);
    spec.partitions = (unsigned)prop_int("partitions", 1, 3);
    world.registry = registry_start(world.runtime, 0, &spec, NULL);
    runtime_run(world.runtime);
    for (int64_t steps = prop_int("steps", 0, 100); steps > 0; steps--) {
        gen_begin(prop_gen(), "step");
        step();
        gen_end(prop_gen());
        check();
    }
}

PROPERTY(registry, unique_keys_stand_for_whom_a_list_says, .runs = 300)
{
    world_live((struct registry_spec){.kind = REGISTRY_UNIQUE});
}

PROPERTY(registry, duplicate_keys_by_process, .runs = 300)
{
    world_live((struct registry_spec){.kind = REGISTRY_DUPLICATE});
}

PROPERTY(registry, duplicate_keys_by_key, .runs = 300)
{
    world_live((struct registry_spec){.kind = REGISTRY_DUPLICATE, .by_key = true});
}
