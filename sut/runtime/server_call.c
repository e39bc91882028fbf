/* server_call.c: what the clients of a server do. Every request is a call of the runtime: a monitor, and a ref that is good for
 * one reply as long as the caller waits, so that nothing of it is left behind (ALIAS-09, GS-14). */
#include "sut/runtime/server.h"

#include "sut/runtime/proc_internal.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct server_from server_from(const struct message *request)
{
    return (struct server_from){.pid = request->from, .ref = request->ref};
}

int server_reply_to(struct proc *self, struct server_from from, const void *data, size_t size)
{
    return proc_reply(self, from.pid, from.ref, data, size);
}

int server_call(struct proc *self, proc_id server, uint32_t tag, const void *data, size_t size,
                int64_t timeout_ns, const struct message **ret_reply, struct reason *ret_why)
{
    int err = proc_call(self, server, tag, data, size, timeout_ns, ret_reply);
    if (err && ret_why)
        *ret_why = call_why(self, err);
    return err;
}

static _Noreturn void call_exit(struct proc *self, proc_id server, const struct reason *why)
{
    proc_exit(self, reason_wrap(&self->heap, why, EXIT_ERROR, "call", "%" PRIu64, server));
}

const struct message *server_call_or_exit(struct proc *self, proc_id server, uint32_t tag,
                                          const void *data, size_t size, int64_t timeout_ns)
{
    const struct message *reply = NULL;
    struct reason why;
    if (server_call(self, server, tag, data, size, timeout_ns, &reply, &why) != 0)
        call_exit(self, server, &why);
    return reply;
}

int server_cast(struct runtime *runtime, proc_id from, proc_id server, uint32_t tag,
                const void *data, size_t size)
{
    return proc_send(runtime, from, server, tag | MSG_CAST, data, size);
}

int server_stop(struct proc *self, proc_id server, struct reason reason, int64_t timeout_ns,
                struct reason *ret_why)
{
    reason.error = NULL; /* the server may outlive what it lies in; the text is enough to end for */
    int err = proc_call(self, server, MSG_SERVER_STOP, &reason, sizeof reason, timeout_ns, NULL);
    struct reason why = call_why(self, err);
    bool ended = err == -ESRCH && self->replied; /* else it was dead before */
    if (ended)
        err = reason_equal(&why, &reason) ? 0 : -ECANCELED;
    if (err && ret_why)
        *ret_why = why;
    return err;
}

/* ---- looking inside ---- */

int server_get_state(struct proc *self, proc_id server, void *out, size_t size, int64_t timeout_ns)
{
    const struct message *reply;
    int err = proc_call(self, server, MSG_SERVER_STATE, NULL, 0, timeout_ns, &reply);
    if (err)
        return err;
    if (reply->size != size)
        return -EINVAL;
    if (size > 0)
        memcpy(out, reply->data, size);
    return 0;
}

int server_replace_state(struct proc *self, proc_id server, const void *state, size_t size,
                         int64_t timeout_ns)
{
    const struct message *reply;
    int err = proc_call(self, server, MSG_SERVER_REPLACE, state, size, timeout_ns, &reply);
    return err ? err : *(const int *)reply->data;
}

int server_describe(struct proc *self, proc_id server, char *out, size_t size, int64_t timeout_ns)
{
    const struct message *reply;
    int err = proc_call(self, server, MSG_SERVER_DESCRIBE, NULL, 0, timeout_ns, &reply);
    if (!err)
        snprintf(out, size, "%s", (const char *)reply->data);
    return err;
}
