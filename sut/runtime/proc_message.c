/* proc_message.c: mailboxes. A message is copied once, into the heap of its receiver, and dies with
 * it. Only proc_send() can be refused; what the runtime itself sends (exits, DOWNs, replies,
 * timers) is bounded by what the receiver asked for, and always arrives. A reply arrives only while
 * its call waits: late ones vanish. */
#include "sut/runtime/error.h"
#include "sut/runtime/proc_park.h"

#include <errno.h>
#include <string.h>

POINT_ABOUT("proc/call/send", "A process called another one, and waits.");
POINT_ABOUT("proc/call/reply", "A reply reached the process whose call it is for.");
POINT_ABOUT("proc/call/end", "A call is over: a reply came, time is up, or the callee ended.");

typedef bool message_match(const struct message *message, void *ctx);

/* ---- the mailbox: a list with a pointer to its last link ---- */

struct envelope *envelope_new(struct proc *to, const struct message *message)
{
    struct envelope *envelope =
        heap_take(&to->heap, &to->runtime->spares, sizeof *envelope + message->size);
    envelope->next = NULL;
    envelope->message = *message;
    envelope->message.data = message->size > 0 ? envelope->data : NULL;
    if (message->data)
        memcpy(envelope->data, message->data, message->size);
    else
        memset(envelope->data, 0, message->size);
    return envelope;
}

void mailbox_put(struct proc *to, struct envelope *envelope)
{
    *to->last = envelope;
    to->last = &envelope->next;
    ++to->mail_count;
    trace(to, TRACED_GET, envelope->message.from, envelope->message.tag);
    if (to->state == PROC_RECEIVING)
        proc_ready(to);
}

void proc_post(struct proc *to, const struct message *message)
{
    mailbox_put(to, envelope_new(to, message));
}

/* The error lies behind the data. */
static struct envelope *envelope_with_reason(struct proc *to, const struct message *message,
                                             size_t at)
{
    const struct reason *reason = (const void *)((const char *)message->data + at);
    if (!reason->error)
        return envelope_new(to, message);
    size_t front = (message->size + 15) / 16 * 16;
    struct message whole = *message;
    whole.size = front + reason_room(reason);
    whole.data = NULL;
    struct envelope *envelope = envelope_new(to, &whole);
    memcpy(envelope->data, message->data, message->size);
    reason_settle((struct reason *)(void *)(envelope->data + at), envelope->data + front);
    return envelope;
}

void proc_post_reason(struct proc *to, const struct message *message, size_t at)
{
    mailbox_put(to, envelope_with_reason(to, message, at));
}

static struct envelope *mailbox_take(struct proc *self, struct envelope **at)
{
    struct envelope *envelope = *at;
    *at = envelope->next;
    if (!*at)
        self->last = at;
    if (self->mark.at == &envelope->next)
        self->mark.at = at;
    envelope->next = NULL;
    --self->mail_count;
    return envelope;
}

void mailbox_mark(struct proc *self)
{
    if (!self->mark.at)
        self->mark = (struct mark){.at = self->last, .ref = self->runtime->last_ref + 1};
    ++self->mark.waits;
}

void mailbox_unmark(struct proc *self, ref_id ref)
{
    if (self->mark.at && ref >= self->mark.ref && --self->mark.waits == 0)
        self->mark.at = NULL;
}

void mailbox_discard(struct proc *self, message_match *match, void *ctx)
{
    for (struct envelope **at = &self->first; *at;)
        if (match(&(*at)->message, ctx))
            heap_release(&self->heap, mailbox_take(self, at));
        else
            at = &(*at)->next;
}

/* Looks from *at on, which stays valid: nobody but `self` takes from the mailbox, and it is in
 * here. */
static inline __attribute__((always_inline)) struct envelope *
mailbox_wait_inline(struct proc *self, struct envelope **at, message_match *match, void *ctx,
                    int64_t timeout_ns)
{
    int64_t deadline = timeout_ns == WAIT_FOREVER ? WAIT_FOREVER
                       : timeout_ns <= 0          ? 0
                                                  : proc_deadline(self, timeout_ns);
    for (;;) {
        for (; *at; at = &(*at)->next)
            if (!match || match(&(*at)->message, ctx))
                return mailbox_take(self, at);
        if (timeout_ns <= 0)
            return NULL;
        if (proc_park_inline(self, PROC_RECEIVING, deadline))
            timeout_ns = 0; /* one last look */
    }
}

struct envelope *mailbox_wait(struct proc *self, struct envelope **at, message_match *match,
                              void *ctx, int64_t timeout_ns)
{
    return mailbox_wait_inline(self, at, match, ctx, timeout_ns);
}

/* ---- send and receive ---- */

int proc_send(struct runtime *runtime, proc_id from, proc_id to, uint32_t tag, const void *data,
              size_t size)
{
    struct proc *target = runtime_find(runtime, to);
    struct proc *sender = runtime->traced ? runtime_find(runtime, from) : NULL;
    if (sender)
        trace(sender, TRACED_SEND, to, tag);
    if (!target)
        return 0;
    if (target->mail_count >= runtime->mailbox_max)
        return -ENOBUFS;
    proc_post(target, &(struct message){.tag = tag, .from = from, .size = size, .data = data});
    return 0;
}

static inline void envelope_drop(struct proc *self, struct envelope **kept)
{
    if (*kept)
        heap_give(&self->heap, &self->runtime->spares, *kept);
    *kept = NULL;
}

void received_drop(struct proc *self)
{
    envelope_drop(self, &self->received);
    envelope_drop(self, &self->replied);
}

const struct message *proc_receive_match(struct proc *self, message_match *match, void *ctx,
                                         int64_t timeout_ns)
{
    received_drop(self);
    self->received = mailbox_wait_inline(self, &self->first, match, ctx, timeout_ns);
    return self->received ? &self->received->message : NULL;
}

const struct message *proc_receive(struct proc *self, int64_t timeout_ns)
{
    received_drop(self);
    self->received = mailbox_wait_inline(self, &self->first, NULL, NULL, timeout_ns);
    return self->received ? &self->received->message : NULL;
}

/* ---- call and reply ---- */

static bool is_answer(const struct message *message, void *ctx)
{
    return message->ref == *(const ref_id *)ctx &&
           (message->tag == MSG_REPLY || message->tag == MSG_DOWN);
}

/* What can answer the call comes after everything that is in the mailbox now. */
static struct envelope *call_wait(struct proc *self, ref_id ref, int64_t timeout_ns)
{
    self->call = ref;
    struct envelope *answer = mailbox_wait(self, self->last, is_answer, &ref, timeout_ns);
    self->call = 0;
    return answer;
}

__attribute__((unused)) static const char *call_word(const struct proc *self)
{
    if (!self->replied)
        return "timeout";
    return self->replied->message.tag == MSG_DOWN ? "down" : "ok";
}

int proc_call(struct proc *self, proc_id to, uint32_t tag, const void *data, size_t size,
              int64_t timeout_ns, const struct message **ret_reply)
{
    struct proc *callee = runtime_find(self->runtime, to);
    envelope_drop(self, &self->replied);
    if (callee == self)
        return -EDEADLK;
    if (!callee)
        return -ESRCH;
    if (callee->mail_count >= self->runtime->mailbox_max)
        return -ENOBUFS;
    ref_id ref = proc_monitor(self, to);
    trace(self, TRACED_SEND, to, tag);
    proc_post(callee,
              &(struct message){
                  .tag = tag, .from = proc_id_of(self), .ref = ref, .size = size, .data = data});
    TRACE_SIGNAL(self, "proc/call/send", T_U64("ref", ref), T_U64("pid", proc_id_of(self)),
                 T_U64("to", to), T_I64("timeout_ns", timeout_ns));
    self->replied = call_wait(self, ref, timeout_ns);
    proc_demonitor(self, ref, true);
    TRACE_SIGNAL(self, "proc/call/end", T_U64("ref", ref), T_STR("how", call_word(self)));
    if (!self->replied)
        return -ETIMEDOUT;
    if (self->replied->message.tag == MSG_DOWN)
        return -ESRCH;
    if (ret_reply)
        *ret_reply = &self->replied->message;
    return 0;
}

struct reason call_why(const struct proc *self, int err)
{
    const struct envelope *down = self->replied;
    if (err == 0)
        return (struct reason){.kind = EXIT_NORMAL};
    if (err == -ESRCH && down)
        return ((const struct exit_message *)down->message.data)->reason;
    return reason_of_error(error_of_errno(err));
}

struct envelope *reply_make(struct proc *self, struct proc *caller, ref_id ref, const void *data,
                            size_t size)
{
    return envelope_new(
        caller,
        &(struct message){
            .tag = MSG_REPLY, .from = proc_id_of(self), .ref = ref, .size = size, .data = data});
}

struct proc *caller_find(const struct runtime *runtime, proc_id pid, ref_id ref)
{
    struct proc *caller = ref ? runtime_find(runtime, pid) : NULL;
    return caller && caller->call == ref ? caller : NULL;
}

void reply_put(struct proc *caller, struct envelope *reply)
{
    caller->call = 0;
    TRACE_SIGNAL(caller, "proc/call/reply", T_U64("ref", reply->message.ref),
                 T_U64("pid", proc_id_of(caller)), T_U64("from", reply->message.from));
    mailbox_put(caller, reply);
}

void reply_reason(struct proc *self, proc_id to, ref_id ref, const void *data, size_t size,
                  size_t at)
{
    struct proc *caller = caller_find(self->runtime, to, ref);
    struct message reply = {
        .tag = MSG_REPLY, .from = proc_id_of(self), .ref = ref, .size = size, .data = data};
    if (caller)
        reply_put(caller, envelope_with_reason(caller, &reply, at));
}

int proc_reply(struct proc *self, proc_id to, ref_id ref, const void *data, size_t size)
{
    struct proc *caller = caller_find(self->runtime, to, ref);
    if (!caller)
        return -ESRCH;
    reply_put(caller, reply_make(self, caller, ref, data, size));
    return 0;
}
