/* fixture.h: a runtime on the fake environment, made before and freed after each test. The end of
 * every test also checks that the runtime left nothing behind in the heap of its node. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "fake_env.h"
#include "sut/runtime/error.h"
#include <criterion/criterion.h>

static struct fake_env fake;
static struct runtime *runtime;

static inline void setup(void)
{
    fake_env_init(&fake);
    runtime = runtime_new(&fake.env, &(struct runtime_options){.mailbox_max = 100});
}

static inline void teardown(void)
{
    runtime_free(runtime);
    cr_assert_eq(heap_blocks(fake.env.heap), 0, "the runtime leaves nothing in the heap");
    heap_free(fake.env.heap);
}

#define SUITE(name)       TestSuite(name, .init = setup, .fini = teardown)
#define said_is(expected) cr_assert_str_eq(fake.said, expected)

static inline proc_id spawn(proc_main *main, const void *arg)
{
    return proc_spawn(runtime, &(struct proc_spec){.label = "test", .main = main, .arg = arg});
}

static inline proc_id spawn_linked(proc_main *main, const void *arg, proc_id link, bool trap)
{
    return proc_spawn(
        runtime, &(struct proc_spec){
                     .label = "test", .main = main, .arg = arg, .link = link, .trap_exit = trap});
}

static inline int post(proc_id to, uint32_t tag)
{
    return proc_send(runtime, 0, to, tag, NULL, 0);
}

/* What an error says at its end; it is given back. Valid until the next one. */
static inline const char *error_said(const struct error *why)
{
    static char said[200];
    cr_assert_not_null(why);
    snprintf(said, sizeof said, "%s", error_root(why)->text);
    error_free(fake.env.heap, why);
    return said;
}

static inline struct reason error(const char *text)
{
    return reason_make(EXIT_ERROR, "%s", text);
}

static inline struct reason plain(enum reason_kind kind)
{
    return (struct reason){.kind = kind};
}

/* ---- bodies ---- */

static inline void body_return(struct proc *self, void *arg)
{
    (void)self, (void)arg;
}

static inline void body_wait(struct proc *self, void *arg)
{
    (void)arg;
    proc_receive(self, WAIT_FOREVER);
}

/* Says every message it gets; arg: the reason to exit for on the first plain one, or NULL for none.
 */
static inline void body_listen(struct proc *self, void *arg)
{
    for (;;) {
        const struct message *message = proc_receive(self, WAIT_FOREVER);
        say_message(self, message);
        if (message->tag >= MSG_USER && arg)
            proc_exit(self, *(const struct reason *)arg);
    }
}

static inline void body_die(struct proc *self, void *arg)
{
    proc_exit(self, *(const struct reason *)arg);
}

#endif
