/* served.h: a server that does what each request says, and clients that say what came of it. */
#ifndef SERVED_H
#define SERVED_H

#include "fixture.h"
#include "sut/runtime/server.h"
#include <errno.h>

enum {
    ADD = MSG_USER, /* adds 1 to the count, replies with it */
    REPLY_AND_GO_ON,
    REPLY_TWICE,
    REPLY_AND_END, /* with oops */
    END,           /* with oops */
    RAISE,         /* counts, then fails with boom */
    RAISE_AFTER_REPLY,
    EXIT_NORMAL_INSIDE,
    BAD_RETURN,
    FOR_10,  /* waits 10 ns for the next message */
    FOR_0,   /* not at all */
    GO_ON_2, /* twice */
    KEEP,    /* no reply now */
    GIVE,    /* the reply to whom KEEP kept */
    SLEEP,   /* 100 ns, then as ADD */
    RECEIVE, /* takes a message out of order */
};

struct count {
    int count;
    struct server_from kept;
};

static inline struct server_next count_reply(struct proc *self, struct count *count)
{
    ++count->count;
    server_reply(self, &count->count, sizeof count->count);
    return server_go();
}

static inline struct server_next twice_reply(struct proc *self, struct count *count)
{
    int nine = 9;
    count_reply(self, count);
    say(proc_env(self), "second:%d", server_reply(self, &nine, sizeof nine));
    return server_go();
}

static inline struct server_next fail(struct proc *self, struct count *count, const char *why)
{
    ++count->count;
    proc_exit(self, reason_make(EXIT_RAISED, "%s", why));
}

static inline struct server_next count_do(struct proc *self, struct count *count,
                                          const struct message *message)
{
    switch (message->tag) {
    case REPLY_AND_GO_ON: count_reply(self, count); return server_go_on("one");
    case REPLY_TWICE: return twice_reply(self, count);
    case REPLY_AND_END: count_reply(self, count); return server_end(self, error("oops"));
    case END: return server_end(self, error("oops"));
    case RAISE: return fail(self, count, "boom");
    case RAISE_AFTER_REPLY: count_reply(self, count); return fail(self, count, "boom");
    case EXIT_NORMAL_INSIDE: proc_exit(self, plain(EXIT_NORMAL));
    case BAD_RETURN: return (struct server_next){.how = 42};
    case FOR_10: return server_go_for(10);
    case FOR_0: return server_go_for(0);
    case GO_ON_2: return server_go_on("two");
    case KEEP: count->kept = server_from(message); return server_go();
    case GIVE:
        say(proc_env(self), "gave:%d", server_reply_to(self, count->kept, &(int){7}, sizeof(int)));
        return count_reply(self, count);
    case SLEEP: proc_sleep(self, 100); return count_reply(self, count);
    case RECEIVE: say_message(self, proc_receive(self, 0)); return server_go();
    default: return count_reply(self, count);
    }
}

static struct server_next served_call(struct proc *self, void *state, const struct message *message)
{
    say(proc_env(self), "call:%u", message->tag);
    return count_do(self, state, message);
}

static struct server_next served_cast(struct proc *self, void *state, const struct message *message)
{
    say(proc_env(self), "cast:%u", message->tag);
    return count_do(self, state, message);
}

static struct server_next served_info(struct proc *self, void *state, const struct message *message)
{
    (void)state;
    say(proc_env(self), "info:");
    say_message(self, message);
    return message->tag >= MSG_USER ? count_do(self, state, message) : server_go();
}

static struct server_next served_timeout(struct proc *self, void *state)
{
    (void)state;
    say(proc_env(self), "timeout");
    return server_go();
}

static struct server_next served_proceed(struct proc *self, void *state, void *what)
{
    (void)state;
    say(proc_env(self), "proceed:%s", (const char *)what);
    return strcmp(what, "two") == 0 ? server_go_on("one") : server_go();
}

static void served_terminate(struct proc *self, void *state, struct reason reason)
{
    const struct count *count = state;
    say(proc_env(self), "terminate:%s,%d", reason_term(reason, (char[REASON_WORDS]){0}),
        count->count);
}

static void served_describe(const void *state, char *out, size_t size)
{
    snprintf(out, size, "count is %d", ((const struct count *)state)->count);
}

/* What init does, by its arg. */
enum {
    INIT_GO,
    INIT_STOP,
    INIT_IGNORE,
    INIT_RAISE,
    INIT_EXIT,
    INIT_BAD,
    INIT_PROCEED,
    INIT_FOR_10,
    INIT_HANG
};

static struct server_next served_init(struct proc *self, void *state, const void *arg)
{
    ((struct count *)state)->count = 100;
    say(proc_env(self), "init");
    switch (arg ? *(const int *)arg : INIT_GO) {
    case INIT_STOP: return server_end(self, error("oops"));
    case INIT_IGNORE: return server_ignore();
    case INIT_RAISE: proc_exit(self, reason_make(EXIT_RAISED, "boom"));
    case INIT_EXIT: proc_exit(self, error("bye"));
    case INIT_BAD: return (struct server_next){.how = 42};
    case INIT_PROCEED:
        server_cast(proc_runtime(self), 0, proc_self(self), ADD, NULL, 0);
        return server_go_on("two");
    case INIT_FOR_10: return server_go_for(10);
    case INIT_HANG: proc_sleep(self, WAIT_FOREVER); return server_go();
    default: return server_go();
    }
}

static const struct server_ops served_ops = {
    .init = served_init,
    .call = served_call,
    .cast = served_cast,
    .info = served_info,
    .timeout = served_timeout,
    .proceed = served_proceed,
    .terminate = served_terminate,
    .describe = served_describe,
};

/* ---- clients ---- */

static inline struct server_spec served_spec(const int *init, bool trap_exit)
{
    return (struct server_spec){.label = "served",
                                .ops = &served_ops,
                                .state_size = sizeof(struct count),
                                .arg = init,
                                .arg_size = init ? sizeof *init : 0,
                                .trap_exit = trap_exit};
}

static inline proc_id served(bool trap_exit)
{
    struct server_spec spec = served_spec(NULL, trap_exit);
    proc_id pid = server_spawn(runtime, 0, &spec);
    runtime_run(runtime);
    fake.said[0] = '\0';
    return pid;
}

static inline void say_started(struct proc *self, struct started started)
{
    static const char *const hows[] = {"ok", "ignore", "error"};
    say(proc_env(self), "%s%s%s", hows[started.how], started.how == STARTED_ERROR ? ":" : "",
        started.how == STARTED_ERROR ? reason_term(started.why, (char[REASON_WORDS]){0}) : "");
}

struct asked {
    proc_id server;
    uint32_t tag;
    int64_t timeout_ns; /* 0: for ever */
};

static void body_ask(struct proc *self, void *arg)
{
    const struct asked *asked = arg;
    const struct message *reply;
    struct reason why;
    int err = server_call(self, asked->server, asked->tag, NULL, 0,
                          asked->timeout_ns ? asked->timeout_ns : WAIT_FOREVER, &reply, &why);
    if (err)
        say(proc_env(self), "no:%s", reason_term(why, (char[REASON_WORDS]){0}));
    else
        say(proc_env(self), "=%d", *(const int *)reply->data);
}

static inline void body_ask_or_exit(struct proc *self, void *arg)
{
    const struct asked *asked = arg;
    server_call_or_exit(self, asked->server, asked->tag, NULL, 0,
                        asked->timeout_ns ? asked->timeout_ns : WAIT_FOREVER);
    say(proc_env(self), "replied");
}

static inline proc_id ask_with(proc_main *main, proc_id server, uint32_t tag, int64_t timeout_ns)
{
    struct asked asked = {.server = server, .tag = tag, .timeout_ns = timeout_ns};
    return proc_spawn(
        runtime, &(struct proc_spec){
                     .label = "client", .main = main, .arg = &asked, .arg_size = sizeof asked});
}

static inline proc_id ask(proc_id server, uint32_t tag)
{
    return ask_with(body_ask, server, tag, 0);
}

static inline void cast(proc_id server, uint32_t tag)
{
    server_cast(runtime, 0, server, tag, NULL, 0);
}

#endif
