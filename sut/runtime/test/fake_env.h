/* fake_env.h: an environment with a clock that is set by hand, and work that is done when the test
 * says so. Processes of a test leave their traces with say(); the test compares what was said with
 * one string. */
#ifndef FAKE_ENV_H
#define FAKE_ENV_H

#include "sut/env.h"
#include "sut/runtime/heap.h"
#include "sut/runtime/proc.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct fake_env {
    struct env env; /* first: struct env * is struct fake_env * */
    int64_t now;
    bool last_first; /* of the ready processes the one that became so last runs next */
    bool at_once;    /* work is done inside submit */
    struct work *submitted[16];
    size_t submitted_count;
    char logged[512];
    char said[4096];
};

static int64_t fake_mono_ns(struct env *env)
{
    return ((struct fake_env *)env)->now;
}

static uint64_t fake_entropy(struct env *env)
{
    (void)env;
    return 4;
}

static void fake_work_done(struct fake_env *fake, size_t i)
{
    struct work *work = fake->submitted[i];
    work->run(work);
    work->done(work);
}

static void fake_submit(struct env *env, struct work *work)
{
    struct fake_env *fake = (struct fake_env *)env;
    assert(fake->submitted_count < 16);
    fake->submitted[fake->submitted_count++] = work;
    if (fake->at_once)
        fake_work_done(fake, fake->submitted_count - 1);
}

static void fake_log(struct env *env, enum log_level level, const char *line)
{
    struct fake_env *fake = (struct fake_env *)env;
    snprintf(fake->logged, sizeof fake->logged, "%d %s", (int)level, line);
}

static size_t fake_pick(struct env *env, const uint64_t *ready, size_t count)
{
    assert(count >= 2 && ready[0] != ready[1]);
    return ((struct fake_env *)env)->last_first ? count - 1 : 0;
}

static const struct env_ops fake_ops = {
    .mono_ns = fake_mono_ns,
    .wall_ns = fake_mono_ns,
    .entropy = fake_entropy,
    .submit = fake_submit,
    .log = fake_log,
    .pick = fake_pick,
};

static inline void fake_env_init(struct fake_env *fake)
{
    *fake = (struct fake_env){.now = 1000 * NS_PER_S};
    fake->env.ops = &fake_ops;
    fake->env.heap = heap_new();
    fake->env.node_name = "fake";
}

/* Appends to what was said, with a blank between. */
__attribute__((format(printf, 2, 3))) static inline void say(struct env *env, const char *format,
                                                             ...)
{
    char *said = ((struct fake_env *)env)->said;
    size_t length = strlen(said);
    if (length > 0)
        said[length++] = ' ';
    va_list args;
    va_start(args, format);
    vsnprintf(said + length, sizeof((struct fake_env *)env)->said - length, format, args);
    va_end(args);
}

static inline void say_message(struct proc *self, const struct message *message)
{
    if (!message) {
        say(proc_env(self), "nothing");
    } else if (message->tag == MSG_EXIT || message->tag == MSG_DOWN) {
        const struct exit_message *exit = message->data;
        say(proc_env(self), "%s(%d,%s)", message->tag == MSG_EXIT ? "EXIT" : "DOWN", (int)exit->who,
            reason_text(exit->reason, (char[REASON_WORDS]){0}));
    } else {
        say(proc_env(self), "%u", message->tag);
    }
}

/* Lets `ns` pass, waking the runtime whenever it asked for it. */
static inline void fake_pass(struct fake_env *fake, struct runtime *runtime, int64_t ns)
{
    int64_t end = fake->now + ns;
    for (int64_t next; (next = runtime_run(runtime)) <= end;)
        fake->now = next > fake->now ? next : fake->now;
    fake->now = end;
    runtime_run(runtime);
}

#endif
