/* Registries. Process 1 is the registry, 2 (and 3, ...) its partitions; rule numbers are those of the OTP semantics. */
#include "tables.h"

#include "sut/runtime/registry.h"
#include "sut/runtime/supervisor.h"

SUITE(registry);

#define KEY value_text("key")

static proc_id registry;

static void registry_begin(struct registry_spec spec)
{
    const struct error *why = NULL;
    registry = registry_start(runtime, 0, &spec, &why);
    cr_assert_neq(registry, 0, "%s", why ? why->text : "");
    runtime_run(runtime);
}

/* Who has the key: [pid value] each. */
static void say_holders(struct value key)
{
    struct heap *heap = heap_new();
    struct registration *entries = NULL;
    int64_t count = registry_lookup(runtime, registry, key, heap, &entries);
    for (int64_t i = 0; i < count; i++)
        say(&fake.env, "[%d %s]", (int)entries[i].pid,
            value_words(entries[i].value, (char[VALUE_WORDS]){0}));
    if (count <= 0)
        say(&fake.env, "nobody");
    heap_free(heap);
}

struct want {
    struct value key, value;
};

/* Registers as arg (struct want) says, tells the answer, and waits. */
static void body_register(struct proc *self, void *arg)
{
    const struct want *want = arg;
    proc_id holder = 0;
    int err = registry_register(self, registry, want->key, want->value, &holder);
    say_error(self, err);
    if (holder)
        say(proc_env(self), "by %d", (int)holder);
    proc_receive(self, WAIT_FOREVER);
}

/* The same without a word, and unregisters before it ends. */
static void body_register_quietly(struct proc *self, void *arg)
{
    const struct want *want = arg;
    cr_expect_eq(registry_register(self, registry, want->key, want->value, NULL), 0);
    proc_receive(self, WAIT_FOREVER);
    registry_unregister(self, registry, want->key);
}

static proc_id holder_begin(struct value key, struct value value)
{
    struct want want = {key, value};
    proc_id pid = proc_spawn(
        runtime, &(struct proc_spec){.main = body_register, .arg = &want, .arg_size = sizeof want});
    runtime_run(runtime);
    return pid;
}

static void body_register_twice(struct proc *self, void *arg)
{
    (void)arg;
    for (int i = 0; i < 2; i++)
        say_error(self, registry_register(self, registry, KEY, value_int(i), NULL));
    proc_receive(self, WAIT_FOREVER);
}

Test(registry, a_unique_key_is_for_one_REG_01)
{
    registry_begin((struct registry_spec){0});
    run(body_register_twice);
    holder_begin(KEY, value_int(5));
    say_holders(KEY);
    said_is("0 EEXIST EEXIST by 3 [3 0]");
}

static void say_keys(proc_id pid)
{
    struct heap *heap = heap_new();
    struct value *keys = NULL;
    int64_t count = registry_keys(runtime, registry, pid, heap, &keys);
    for (int64_t i = 0; i < count; i++)
        say(&fake.env, "%s", value_words(keys[i], (char[VALUE_WORDS]){0}));
    heap_free(heap);
}

Test(registry, a_duplicate_key_may_be_held_many_times_REG_02)
{
    registry_begin((struct registry_spec){.kind = REGISTRY_DUPLICATE});
    run(body_register_twice);
    holder_begin(KEY, value_int(5));
    say_holders(KEY);
    say_keys(3);
    said_is("0 0 0 [3 0] [3 1] [4 5] key key");
    cr_assert_eq(registry_size(runtime, registry), 3);
}

Test(registry, entries_go_with_their_process_REG_03_and_the_key_is_free_at_once_REG_04)
{
    registry_begin((struct registry_spec){0});
    proc_id pid = holder_begin(KEY, value_int(1));
    proc_signal(runtime, 0, pid, plain(EXIT_KILL));
    say_holders(KEY);
    holder_begin(KEY, value_int(2));
    say_holders(KEY);
    said_is("0 nobody 0 [4 2]");
}

static void send_say(struct proc *self, const struct registration *entries, size_t count, void *ctx)
{
    (void)ctx;
    say(proc_env(self), "(");
    for (size_t i = 0; i < count; i++)
        say(proc_env(self), "%d", (int)entries[i].pid);
    say(proc_env(self), ")");
}

static void body_dispatch(struct proc *self, void *arg)
{
    (void)arg;
    say_error(self, (int)registry_dispatch(self, registry, KEY, send_say, NULL));
    say_error(self, (int)registry_dispatch(self, registry, value_int(0), send_say, NULL));
}

Test(registry, dispatch_calls_once_with_all_REG_05)
{
    registry_begin((struct registry_spec){.kind = REGISTRY_DUPLICATE});
    for (int i = 0; i < 3; i++)
        holder_begin(KEY, value_int(i));
    run(body_dispatch);
    said_is("0 0 0 ( 3 4 5 ) 1 0");
}

Test(registry, dispatch_calls_once_for_each_partition_by_process_REG_05_REG_16)
{
    registry_begin((struct registry_spec){.kind = REGISTRY_DUPLICATE, .partitions = 2});
    for (int i = 0; i < 3; i++)
        holder_begin(KEY, value_int(i));
    run(body_dispatch);
    said_is("0 0 0 ( 4 6 ) ( 5 ) 2 0");
}

Test(registry, partitions_by_key_hold_all_of_a_key_REG_16)
{
    registry_begin(
        (struct registry_spec){.kind = REGISTRY_DUPLICATE, .partitions = 2, .by_key = true});
    for (int i = 0; i < 3; i++)
        holder_begin(KEY, value_int(i));
    run(body_dispatch);
    said_is("0 0 0 ( 4 5 6 ) 1 0");
}

static void body_dispatch_parallel(struct proc *self, void *arg)
{
    (void)arg;
    say_error(self, (int)registry_dispatch_parallel(self, registry, KEY, send_say, NULL));
    say_error(self, (int)registry_dispatch_parallel(self, registry, value_int(0), send_say, NULL));
    registry = 77;
    say_error(self, (int)registry_dispatch_parallel(self, registry, KEY, send_say, NULL));
}

Test(registry, dispatch_can_run_side_by_side_REG_19)
{
    registry_begin((struct registry_spec){.kind = REGISTRY_DUPLICATE, .partitions = 2});
    for (int i = 0; i < 3; i++)
        holder_begin(KEY, value_int(i));
    run(body_dispatch_parallel);
    said_is("0 0 0 ( 4 6 ) ( 5 ) 2 0 ESRCH");
    cr_assert_eq(runtime_count(runtime), 6, "the tasks are gone");
}

static struct value add_one(struct value old, void *ctx)
{
    (void)ctx;
    return value_int(old.integer + 1);
}

static void body_update(struct proc *self, void *arg)
{
    if (arg)
        registry_register(self, registry, KEY, value_int(1), NULL);
    say_error(self, registry_update_value(self, registry, KEY, add_one, NULL));
    say_holders(KEY);
    proc_receive(self, WAIT_FOREVER);
}

Test(registry, only_the_holder_updates_the_value_REG_06)
{
    registry_begin((struct registry_spec){0});
    run_with(body_update, "register");
    run(body_update);
    said_is("0 [3 2] ENOENT [3 2]");
}

static void body_unregister(struct proc *self, void *arg)
{
    (void)arg;
    say_error(self, registry_unregister(self, registry, KEY));
}

static void body_register_and_unregister(struct proc *self, void *arg)
{
    body_register_twice(self, arg);
    registry_register(self, registry, value_int(1), value_int(1), NULL);
    body_unregister(self, arg);
    say_holders(KEY);
    body_unregister(self, arg);
    say_keys(proc_self(self));
}

Test(registry, unregister_is_for_ones_own_and_for_all_of_them_REG_06_REG_12)
{
    registry_begin((struct registry_spec){.kind = REGISTRY_DUPLICATE});
    proc_id pid = spawn(body_register_and_unregister, NULL);
    runtime_run(runtime);
    run(body_unregister);
    say_holders(KEY);
    post(pid, MSG_USER);
    runtime_run(runtime);
    said_is("0 0 0 [3 0] [3 1] 0 nobody 0 1");
}

static void body_whereis(struct proc *self, void *arg)
{
    (void)arg;
    proc_id pid = 0;
    say_error(self, registry_whereis(runtime, registry, KEY, &pid));
    say(proc_env(self), "%d", (int)pid);
}

Test(registry, a_key_stands_for_a_process_REG_07)
{
    registry_begin((struct registry_spec){0});
    run(body_whereis);
    holder_begin(KEY, value_int(1));
    run(body_whereis);
    said_is("ENOENT 0 0 0 4");
}

Test(registry, a_duplicate_key_stands_for_nobody_REG_17)
{
    registry_begin((struct registry_spec){.kind = REGISTRY_DUPLICATE});
    holder_begin(KEY, value_int(1));
    run(body_whereis);
    run(body_update);
    said_is("0 EINVAL 0 EINVAL [3 1]");
}

static void body_register_trapping(struct proc *self, void *arg)
{
    proc_trap_exit(self, true);
    body_register(self, arg);
    proc_receive(self, WAIT_FOREVER);
}

Test(registry, who_registered_dies_with_the_partition_unless_it_traps_exits_REG_08)
{
    registry_begin((struct registry_spec){.kind = REGISTRY_DUPLICATE, .partitions = 2});
    struct want want = {KEY, value_int(0)};
    proc_id linked = holder_begin(KEY, value_int(0)), other = holder_begin(KEY, value_int(0));
    proc_id trapping = spawn(body_register_trapping, &want);
    runtime_run(runtime);
    proc_signal(runtime, 0, 2, plain(EXIT_KILL));
    runtime_run(runtime);
    cr_assert_not(proc_alive(runtime, linked));
    cr_assert(proc_alive(runtime, other), "partitions by process die alone (REG-15)");
    cr_assert(proc_alive(runtime, trapping));
    say_holders(KEY);
    holder_begin(KEY, value_int(9));
    holder_begin(KEY, value_int(9));
    say_holders(KEY);
    said_is("0 0 0 [5 0] 0 0 [5 0] [8 9] [9 9]");
}

Test(registry, partitions_of_a_unique_registry_die_together_REG_15_REG_16)
{
    registry_begin((struct registry_spec){.partitions = 3});
    for (int i = 0; i < 3; i++)
        holder_begin(value_int(i), value_int(0));
    cr_assert_eq(registry_size(runtime, registry), 3);
    proc_signal(runtime, 0, 2, plain(EXIT_KILL));
    runtime_run(runtime);
    for (proc_id pid = 2; pid <= 7; pid++)
        cr_assert_not(proc_alive(runtime, pid));
    cr_assert_eq(registry_size(runtime, registry), 0);
    holder_begin(KEY, value_int(1));
    say_holders(KEY);
    said_is("0 0 0 0 [11 1]");
}

Test(registry, can_be_a_child)
{
    static const struct registry_spec spec = {.name = "names"};
    struct child_spec child = {.id = "names", .start = registry_start_child, .arg = &spec};
    struct supervisor_spec tree = {SUPERVISOR_DEFAULTS, .children = &child, .child_count = 1};
    supervisor_start(runtime, 0, &tree, NULL);
    runtime_run(runtime);
    registry = runtime_whereis(runtime, "names");
    cr_assert_eq(registry_size(runtime, registry), 0);
    proc_signal(runtime, 0, registry, plain(EXIT_KILL));
    runtime_run(runtime);
    cr_assert_neq(runtime_whereis(runtime, "names"), registry, "another one has the name");
    holder_begin(KEY, value_int(1));
    registry = runtime_whereis(runtime, "names");
    holder_begin(KEY, value_int(1));
    said_is("ESRCH 0");
}

/* Tells what it hears. */
static void body_listener(struct proc *self, void *arg)
{
    (void)arg;
    proc_register(self, "ear");
    for (;;) {
        const struct message *message = proc_receive(self, WAIT_FOREVER);
        const struct registry_event *event = message->data;
        cr_expect_eq(message->tag, MSG_REGISTRY);
        say(proc_env(self), "%s(%d %s", event->registered ? "reg" : "unreg", (int)event->pid,
            value_words(event->key, (char[VALUE_WORDS]){0}));
        if (event->registered)
            say(proc_env(self), "%s", value_words(event->value, (char[VALUE_WORDS]){0}));
        say(proc_env(self), ")");
    }
}

Test(registry, listeners_hear_of_register_and_unregister_but_not_of_deaths_REG_09)
{
    static const char *const ears[] = {"ear", "nobody"};
    registry_begin(
        (struct registry_spec){.kind = REGISTRY_DUPLICATE, .listeners = ears, .listener_count = 2});
    spawn(body_listener, NULL);
    proc_id pid = spawn(body_register_and_unregister, NULL);
    runtime_run(runtime);
    post(pid, MSG_USER);
    runtime_run(runtime);
    said_is("0 0 reg(4 key 0 ) reg(4 key 1 ) 0 nobody 0 1 reg(4 1 1 ) unreg(4 key )");
}

Test(registry, keys_are_compared_strictly_REG_10)
{
    registry_begin((struct registry_spec){0});
    holder_begin(value_int(1), value_text("integer"));
    holder_begin(value_real(1), value_text("real"));
    say_holders(value_int(1));
    say_holders(value_real(1));
    said_is("0 0 [3 integer] [4 real]");
}

static void body_unregister_and_stay(struct proc *self, void *arg)
{
    (void)arg;
    for (int i = 0; i < 2; i++)
        registry_register(self, registry, value_int(i), value_int(0), NULL);
    for (int i = 0; i < 2; i++) {
        proc_receive(self, WAIT_FOREVER);
        registry_unregister(self, registry, value_int(i));
    }
    proc_receive(self, WAIT_FOREVER);
}

Test(registry, the_last_unregister_unlinks_REG_13)
{
    registry_begin((struct registry_spec){0});
    proc_id pids[] = {spawn(body_unregister_and_stay, NULL), spawn(body_unregister_and_stay, NULL)};
    runtime_run(runtime);
    cr_assert_eq(registry_size(runtime, registry), 2, "the first one has both");
    post(pids[0], MSG_USER);
    runtime_run(runtime);
    post(pids[0], MSG_USER);
    runtime_run(runtime);
    cr_assert_eq(registry_size(runtime, registry), 0);
    proc_signal(runtime, 0, registry, plain(EXIT_KILL));
    runtime_run(runtime);
    cr_assert(proc_alive(runtime, pids[0]));
}

Test(registry, an_unknown_registry_is_told_REG_18)
{
    registry = 77;
    run(body_register_twice);
    run(body_dispatch);
    run(body_whereis);
    said_is("ESRCH ESRCH ESRCH ESRCH ESRCH 0");
}

static void send_die(struct proc *self, const struct registration *entries, size_t count, void *ctx)
{
    (void)entries, (void)count, (void)ctx;
    proc_exit(self, error("boom"));
}

static void body_dispatch_die(struct proc *self, void *arg)
{
    (void)arg;
    registry_dispatch(self, registry, KEY, send_die, NULL);
}

Test(registry, dispatch_runs_in_the_caller_REG_19)
{
    registry_begin((struct registry_spec){.kind = REGISTRY_DUPLICATE});
    proc_id watcher = spawn_linked(body_listen, NULL, 0, true);
    holder_begin(KEY, value_int(0));
    spawn_linked(body_dispatch_die, NULL, watcher, false);
    runtime_run(runtime);
    said_is("0 EXIT(5,boom)");
}

Test(registry, a_taken_name_is_refused)
{
    registry_begin((struct registry_spec){.name = "names"});
    cr_assert_eq(runtime_whereis(runtime, "names"), registry);
    cr_assert_eq(registry_start(runtime, 0, &(struct registry_spec){.name = "names"}, NULL), 0);
}

static void body_many_keys(struct proc *self, void *arg)
{
    (void)arg;
    enum { MANY = 100000 };
    for (int i = 0; i < MANY; i++)
        cr_expect_eq(registry_register(self, registry, value_int(i), value_int(0), NULL), 0);
    cr_expect_eq(registry_size(runtime, registry), MANY);
    for (int i = 0; i < MANY; i++)
        registry_unregister(self, registry, value_int(i));
    cr_expect_eq(registry_size(runtime, registry), 0);
}

Test(registry, a_hundred_thousand_keys_of_one_process)
{
    registry_begin((struct registry_spec){0});
    run(body_many_keys);
}

Test(registry, a_hundred_thousand_processes_of_one_key)
{
    enum { MANY = 100000 };
    registry_begin((struct registry_spec){.kind = REGISTRY_DUPLICATE});
    struct want want = {KEY, value_int(0)};
    fake.said[0] = '\0';
    for (int i = 0; i < MANY; i++) {
        proc_spawn(runtime, &(struct proc_spec){.main = body_register_quietly,
                                                .arg = &want,
                                                .arg_size = sizeof want});
        if (i % 1000 == 0)
            runtime_run(runtime);
    }
    runtime_run(runtime);
    cr_assert_eq(registry_size(runtime, registry), MANY);
    for (proc_id pid = 3; pid < MANY + 3; pid++)
        post(pid, MSG_USER);
    runtime_run(runtime);
    cr_assert_eq(registry_size(runtime, registry), 0);
}
