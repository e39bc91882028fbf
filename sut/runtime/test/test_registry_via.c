/* Servers by key. Process 1 is the registry, 2 its partition. */
#include "served.h"

#include "sut/runtime/registry_via.h"

SUITE(registry_via);

static struct registry_via via;

static void begin(enum registry_kind kind)
{
    via = (struct registry_via){
        .registry = registry_start(runtime, 0, &(struct registry_spec){.kind = kind}, NULL),
        .key = value_text("counter"),
        .value = value_int(7)};
    runtime_run(runtime);
}

static void say_call(struct proc *self, const struct registry_via *to)
{
    const struct message *reply = NULL;
    struct reason why;
    int err = registry_call(self, to, ADD, NULL, 0, NS_PER_S, &reply, &why);
    if (err)
        say(proc_env(self), "%s", reason_text(why, (char[REASON_WORDS]){0}));
    else
        say(proc_env(self), "%d", *(const int *)reply->data);
}

static void body_via(struct proc *self, void *arg)
{
    (void)arg;
    int init = INIT_GO;
    struct server_spec spec = served_spec(&init, false);
    say_call(self, &via);
    cr_expect_eq(registry_cast(self, &via, ADD, NULL, 0), 0);
    struct started first = registry_start_server(self, &via, &spec);
    struct started second = registry_start_server(self, &via, &spec);
    say(proc_env(self), "%d", first.how == STARTED_OK);
    say(proc_env(self), "%s %d", reason_text(second.why, (char[REASON_WORDS]){0}),
        second.pid == first.pid);
    say_call(self, &via);
    cr_expect_eq(registry_cast(self, &via, ADD, NULL, 0), 0);
    say_call(self, &via);
    proc_unlink(self, first.pid);
    proc_signal(runtime, 0, first.pid, plain(EXIT_KILL));
    say_call(self, &via);
}

Test(registry_via, a_key_is_as_good_as_a_name_REG_07)
{
    begin(REGISTRY_UNIQUE);
    spawn(body_via, NULL);
    fake_pass(&fake, runtime, NS_PER_S);
    said_is("noproc init 1 already_started 1 call:16 101 cast:16 call:16 103 noproc");
}

static void body_duplicate(struct proc *self, void *arg)
{
    (void)arg;
    say_call(self, &via);
    cr_expect_eq(registry_cast(self, &via, ADD, NULL, 0), -EINVAL);
}

Test(registry_via, a_duplicate_registry_has_none_REG_17)
{
    begin(REGISTRY_DUPLICATE);
    spawn(body_duplicate, NULL);
    runtime_run(runtime);
    said_is("badarg");
}
