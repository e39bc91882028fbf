/* server.c: the life of a server.
 *
 *     BORN --init--> go: STANDS          its starter is told, once init has returned
 *                    ignore, end, fails: it ends, and its starter knows why; `terminate` is not called (GS-36)
 *     STANDS --message, time-out--> the function for it, then `proceed` as long as one asks for it
 *     STANDS --end, failure, stop, its parent's exit--> `terminate`, the reply, exit
 *
 * The state is one block with the server's own record. The reply to a call lies in the caller's heap until its function
 * has returned; if the caller is gone by then, so is the reply. */
#include "sut/runtime/server_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

POINT_ABOUT("server/turn/begin", "A server begins to handle something, or to go on.");
POINT_ABOUT("server/turn/wish", "A server has handled it, and says how it wants to go on.");
POINT_ABOUT("server/process/terminate", "A server ends in an orderly way; its terminate runs now.");

/* ---- results ---- */

struct server_next server_go(void)
{
    return (struct server_next){.how = SERVER_GO, .timeout_ns = WAIT_FOREVER};
}

struct server_next server_go_for(int64_t ns)
{
    return (struct server_next){.how = SERVER_GO, .timeout_ns = ns < 0 ? 0 : ns};
}

struct server_next server_go_on(void *what)
{
    return (struct server_next){.how = SERVER_GO_ON, .what = what};
}

struct server_next server_end(struct proc *self, struct reason reason)
{
    return (struct server_next){.how = SERVER_END, .why = reason_keep(&self->heap, &reason)};
}

struct server_next server_ignore(void)
{
    return (struct server_next){.how = SERVER_IGNORE};
}

/* ---- replies ---- */

static void reply_drop(struct server *server, struct proc *self)
{
    struct proc *caller = runtime_find(self->runtime, server->caller.pid);
    if (server->reply && caller)
        heap_release(&caller->heap, server->reply);
    server->reply = NULL;
}

static void reply_flush(struct server *server, struct proc *self)
{
    struct proc *caller =
        server->reply ? caller_find(self->runtime, server->caller.pid, server->caller.ref) : NULL;
    if (caller)
        reply_put(caller, server->reply);
    else
        reply_drop(server, self);
    server->reply = NULL;
}

int server_reply(struct proc *self, const void *data, size_t size)
{
    struct server *server = self->turn == server_turn ? self->arg : NULL;
    if (!server || !server->caller.ref)
        return -EINVAL;
    if (server->replied)
        return -EALREADY;
    server->replied = true;
    struct proc *caller = caller_find(self->runtime, server->caller.pid, server->caller.ref);
    if (caller)
        server->reply = reply_make(self, caller, server->caller.ref, data, size);
    return 0;
}

/* ---- its end ---- */

struct last {
    struct server *server;
    const struct reason *why;
};

static void last_run(struct proc *self, void *arg)
{
    const struct last *last = arg;
    last->server->ops->terminate(self, last->server->state, *last->why);
}

/* `given` may lie in a message, which goes when `terminate` receives. */
static _Noreturn void server_terminate(struct proc *self, struct server *server,
                                       const struct reason *given)
{
    const struct reason *why = reason_keep(&self->heap, given);
    struct last last = {.server = server, .why = why};
    struct reason other;
    TRACE(&self->site, "server/process/terminate", T_U64("pid", proc_id_of(self)),
          T_STR("label", self->label), T_STR("reason", reason_text(*why, (char[REASON_WORDS]){0})));
    if (server->ops->terminate && !proc_try(self, last_run, &last, &other)) {
        reply_drop(server, self);
        why = &other;
    }
    reply_flush(server, self);
    proc_exit(self, *why);
}

/* ---- one message ---- */

static const char *message_word(const struct message *message)
{
    if (!message)
        return "timeout";
    if (message->tag & MSG_CAST)
        return "cast";
    return message->tag >= MSG_USER && message->ref && message->from ? "call" : "info";
}

void turn_begin(struct proc *self, const char *what)
{
    (void)what;
    TRACE_SIGNAL(self, "server/turn/begin", T_U64("pid", proc_id_of(self)), T_STR("what", what));
}

void turn_wish(struct proc *self, const struct server_next *next)
{
    static const char *const hows[] = {[SERVER_GO] = "go",
                                       [SERVER_GO_ON] = "go_on",
                                       [SERVER_END] = "end",
                                       [SERVER_IGNORE] = "ignore"};
    (void)next, (void)hows;
    TRACE_SIGNAL(self, "server/turn/wish", T_U64("pid", proc_id_of(self)),
                 T_STR("how", next->how <= SERVER_IGNORE ? hows[next->how] : "?"),
                 T_I64("timeout_ns", next->timeout_ns));
}

static _Noreturn void clause_missing(struct proc *self, const char *what)
{
    proc_exit(self, reason_make(EXIT_RAISED, "{function_clause,%s}", what));
}

static struct server_next call_handle(struct proc *self, struct server *server,
                                      const struct message *message)
{
    server->caller = server_from(message);
    if (!server->ops->call)
        clause_missing(self, "call");
    return server->ops->call(self, server->state, message);
}

static struct server_next cast_handle(struct proc *self, struct server *server,
                                      const struct message *message)
{
    struct message plain = *message;
    plain.tag &= ~MSG_CAST;
    if (!server->ops->cast)
        clause_missing(self, "cast");
    /* cppcheck-suppress returnDanglingLifetime ; the result keeps nothing of it */
    return server->ops->cast(self, server->state, &plain);
}

static struct server_next info_handle(struct proc *self, struct server *server,
                                      const struct message *message)
{
    if (server->ops->info)
        return server->ops->info(self, server->state, message);
    env_log(self->runtime->env, LOG_WARN, "%s: message %" PRIu32 " from %" PRIu64 " dropped",
            self->label, message->tag, message->from);
    return server_go();
}

static struct server_next message_handle(struct proc *self, struct server *server,
                                         const struct message *message)
{
    if (!message)
        return server->ops->timeout ? server->ops->timeout(self, server->state) : server_go();
    if (message->tag & MSG_CAST)
        return cast_handle(self, server, message);
    if (message->tag >= MSG_USER && message->ref && message->from)
        return call_handle(self, server, message);
    return info_handle(self, server, message);
}

void server_proceed(struct proc *self, void *arg)
{
    struct step *step = arg;
    struct server *server = step->server;
    while (step->next.how == SERVER_GO_ON) {
        if (!server->ops->proceed)
            clause_missing(self, "proceed");
        turn_begin(self, "proceed");
        step->next = server->ops->proceed(self, server->state, step->next.what);
        turn_wish(self, &step->next);
    }
}

static void step_run(struct proc *self, void *arg)
{
    struct step *step = arg;
    struct server *server = step->server;
    server->caller = (struct server_from){0};
    server->replied = false;
    turn_begin(self, message_word(step->message));
    step->next = message_handle(self, server, step->message);
    turn_wish(self, &step->next);
    if (step->next.how == SERVER_END)
        return; /* terminate comes before the reply (GS-16) */
    reply_flush(server, self);
    server->caller.ref = 0;
    server_proceed(self, step);
}

int64_t server_step(struct proc *self, struct step *step, proc_main *run)
{
    struct reason why;
    if (!proc_try(self, run, step, &why)) {
        reply_drop(step->server, self);
        server_terminate(self, step->server, &why);
    }
    if (step->next.how == SERVER_END)
        server_terminate(self, step->server, step->next.why);
    if (step->next.how != SERVER_GO) {
        why = reason_make(EXIT_ERROR, "{bad_return_value,%d}", (int)step->next.how);
        server_terminate(self, step->server, &why);
    }
    return step->server->timeout_ns = step->next.timeout_ns;
}

/* ---- what every server understands ---- */

void server_words(const struct server *server, char *out, size_t size)
{
    if (server->ops->describe)
        server->ops->describe(server->state, out, size);
    else
        snprintf(out, size, "%zu bytes", server->state_size);
}

static void state_describe(struct proc *self, const struct server *server,
                           const struct message *message)
{
    char words[1024];
    server_words(server, words, sizeof words);
    proc_reply(self, message->from, message->ref, words, strlen(words) + 1);
}

static void state_replace(struct proc *self, struct server *server, const struct message *message)
{
    int err = message->size == server->state_size ? 0 : -EINVAL;
    if (!err && message->size > 0)
        memcpy(server->state, message->data, message->size);
    proc_reply(self, message->from, message->ref, &err, sizeof err);
}

/* True: it was such a message, and the wait begins anew, in full (GS-35). */
static bool system_handle(struct proc *self, struct server *server, const struct message *message)
{
    const struct exit_message *exit = message->data;
    switch (message->tag) {
    case MSG_EXIT:
        if (exit->who != server->parent)
            return false;
        server_terminate(self, server, &exit->reason);
    case MSG_SERVER_STOP: server_terminate(self, server, message->data);
    case MSG_SERVER_STATE:
        proc_reply(self, message->from, message->ref, server->state, server->state_size);
        return true;
    case MSG_SERVER_REPLACE: state_replace(self, server, message); return true;
    case MSG_SERVER_DESCRIBE: state_describe(self, server, message); return true;
    default: return false;
    }
}

int64_t server_turn(struct proc *self, void *arg, const struct message *message)
{
    struct server *server = arg;
    struct step step = {.server = server, .message = message};
    server->last_tag = message ? message->tag & ~MSG_CAST : 0;
    if (message && message->tag < MSG_USER && system_handle(self, server, message)) {
        turn_begin(self, "system");
        return server->timeout_ns;
    }
    return server_step(self, &step, step_run);
}
