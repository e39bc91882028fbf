/* stage.c: a stage as a server: its beginning, what it is told, and what it can do from inside. Whatever its own functions
 * emit goes out when they return.
 */
#include "sut/runtime/stage_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void stage_ended(struct attachment *attachment, struct proc *proc, bool died)
{
    (void)attachment, (void)proc, (void)died; /* all of it lies in the process */
}

struct stage *stage_of(struct proc *self)
{
    struct attachment *attachment = self->attachments;
    while (attachment && attachment->release != stage_ended)
        attachment = attachment->next;
    return attachment ? CONTAINER_OF(attachment, struct stage, attachment) : NULL;
}

void stage_say(struct proc *self, proc_id to, const struct stage_word *word)
{
    struct proc *other = runtime_find(self->runtime, to);
    if (other)
        proc_post_reason(
            other,
            &(struct message){
                .tag = MSG_STAGE, .from = proc_id_of(self), .size = sizeof *word, .data = word},
            offsetof(struct stage_word, why));
}

/* ---- its beginning ---- */

struct stage_birth {
    struct stage_spec spec; /* its arg and its subscriptions lie behind */
    _Alignas(16) char more[];
};

static size_t arg_room(const struct stage_spec *spec)
{
    return (spec->arg_size + 15) / 16 * 16;
}

static void stage_fill(struct proc *self, struct stage *stage, const struct stage_spec *spec)
{
    stage->spec = *spec;
    stage->runtime = self->runtime;
    stage->accumulate = spec->accumulate;
    stage->arrivals_end = &stage->arrivals;
    id_table_init(&stage->sink_refs, &self->heap);
    id_table_init(&stage->sink_monitors, &self->heap);
    id_table_init(&stage->source_refs, &self->heap);
    if (spec->dispatch == DISPATCH_PARTITION) {
        stage->partitions = heap_alloc(&self->heap, spec->partitions * sizeof *stage->partitions);
        stage->partition_sinks = heap_alloc(&self->heap, spec->partitions * sizeof(struct sink *));
    }
    stage->attachment.release = stage_ended;
    proc_attach(self, &stage->attachment);
}

static struct server_next stage_init(struct proc *self, void *state, const void *arg)
{
    struct stage *stage = state;
    const struct stage_birth *birth = arg;
    const struct stage_spec *spec = &birth->spec;
    const struct stage_subscription *subscriptions = (const void *)(birth->more + arg_room(spec));
    stage_fill(self, stage, spec);
    struct server_next next = server_go();
    if (spec->ops->init)
        next = spec->ops->init(self, stage->state, spec->arg_size > 0 ? birth->more : spec->arg);
    if (next.how != SERVER_GO && next.how != SERVER_GO_ON)
        return next;
    for (size_t i = 0; i < spec->subscription_count; i++)
        source_subscribe(self, stage, &subscriptions[i]);
    emitted_flush(self, stage);
    return next;
}

/* ---- what it is told ---- */

static void stage_info_reply(struct proc *self, const struct stage *stage,
                             const struct message *request)
{
    struct stage_info info = {.consumers = stage->sink_count,
                              .producers = stage->source_count,
                              .buffered = stage->buffer.count,
                              .queued = stage->queued,
                              .wanted = stage_wanted(stage),
                              .outstanding = stage->outstanding,
                              .dropped = stage->dropped};
    for (const struct arrival *arrival = stage->arrivals; arrival; arrival = arrival->next)
        info.queued += arrival->left;
    proc_reply(self, request->from, request->ref, &info, sizeof info);
}

static void ask_heard(struct proc *self, struct stage *stage, proc_id from,
                      const struct stage_word *word)
{
    struct sink *sink = sink_find(stage, word->ref);
    if (sink) {
        sink_ask(stage, sink, word->count);
        stage_serve(self, stage);
    } else {
        stage_say(self, from,
                  &(struct stage_word){.kind = SAY_CANCELLED,
                                       .ref = word->ref,
                                       .why = reason_make(EXIT_ERROR, "unknown_subscription")});
    }
}

static void cancel_heard(struct proc *self, struct stage *stage, proc_id from,
                         const struct stage_word *word)
{
    struct sink *sink = sink_find(stage, word->ref);
    if (!sink)
        return;
    stage_say(self, from,
              &(struct stage_word){.kind = SAY_CANCELLED, .ref = word->ref, .why = word->why});
    sink_end(self, stage, sink, word->why);
}

static void word_heard(struct proc *self, struct stage *stage, const struct message *message)
{
    struct stage_word word = *(const struct stage_word *)message->data;
    struct stage_from from = {message->from, word.ref};
    switch (word.kind) {
    case SAY_SUBSCRIBE: sink_subscribe(self, stage, from, &word.subscription); break;
    case SAY_ASK: ask_heard(self, stage, message->from, &word); break;
    case SAY_CANCEL: cancel_heard(self, stage, message->from, &word); break;
    case SAY_CANCELLED: source_end(self, stage, word.ref, word.why); break;
    case SAY_FORWARD: demand_forward(self, stage); break;
    case SAY_SERVE: stage_serve(self, stage); break;
    case SAY_INSPECT: stage_info_reply(self, stage, message); break;
    case SAY_SUBSCRIBE_TO: {
        struct server_from caller = server_from(message);
        struct stage_subscribed done = source_subscribe(self, stage, &word.subscription);
        server_reply_to(self, caller, &done, sizeof done);
        break;
    }
    case SAY_EVENTS: break; /* not a word */
    }
}

static bool is_known_down(const struct stage *stage, const struct message *message)
{
    return message->tag == MSG_DOWN &&
           (sink_by_monitor(stage, message->ref) || source_find(stage, message->ref));
}

static void down_heard(struct proc *self, struct stage *stage, const struct message *message)
{
    struct reason why = ((const struct exit_message *)message->data)->reason;
    struct sink *sink = sink_by_monitor(stage, message->ref);
    if (sink)
        sink_end(self, stage, sink, why);
    else
        source_end(self, stage, message->ref, why);
}

static struct server_next info_drop(struct proc *self, uint32_t tag)
{
    env_log(self->runtime->env, LOG_WARN, "%s: message %u dropped", self->label, tag);
    return server_go();
}

static struct server_next stage_hear(struct proc *self, void *state, const struct message *message)
{
    struct stage *stage = state;
    if (message->tag == MSG_STAGE) {
        if (*(const enum stage_kind *)message->data == SAY_EVENTS)
            source_events(self, stage, message);
        else
            word_heard(self, stage, message);
        emitted_flush(self, stage);
        return server_go();
    }
    if (is_known_down(stage, message)) {
        down_heard(self, stage, message);
        return server_go();
    }
    if (!stage->spec.ops->info)
        return info_drop(self, message->tag);
    struct server_next next = stage->spec.ops->info(self, stage->state, message);
    emitted_flush(self, stage);
    return next;
}

static struct server_next stage_called(struct proc *self, void *state,
                                       const struct message *request)
{
    struct stage *stage = state;
    if (!stage->spec.ops->call)
        proc_exit(self, reason_make(EXIT_RAISED, "{function_clause,call}"));
    struct server_next next = stage->spec.ops->call(self, stage->state, request);
    emitted_flush(self, stage);
    return next;
}

static struct server_next stage_cast(struct proc *self, void *state, const struct message *message)
{
    struct stage *stage = state;
    if (!stage->spec.ops->cast)
        proc_exit(self, reason_make(EXIT_RAISED, "{function_clause,cast}"));
    struct server_next next = stage->spec.ops->cast(self, stage->state, message);
    emitted_flush(self, stage);
    return next;
}

static void stage_terminate(struct proc *self, void *state, struct reason reason)
{
    struct stage *stage = state;
    if (stage->spec.ops->terminate)
        stage->spec.ops->terminate(self, stage->state, reason);
}

static const struct server_ops stage_server = {.init = stage_init,
                                               .call = stage_called,
                                               .cast = stage_cast,
                                               .info = stage_hear,
                                               .terminate = stage_terminate};

/* ---- from outside ---- */

static const char *spec_contradiction(const struct stage_spec *spec)
{
    if (spec->type != STAGE_PRODUCER && !spec->ops->events)
        return "a consumer without a function for events";
    if (spec->type == STAGE_PRODUCER && spec->subscription_count > 0)
        return "a producer that subscribes";
    if (spec->dispatch == DISPATCH_PARTITION && (spec->partitions == 0 || !spec->partition_of))
        return "partitions without their number, or without a function";
    for (size_t i = 0; i < spec->subscription_count; i++)
        if (subscription_check(&spec->subscriptions[i]) != 0)
            return "a subscription whose min_demand is not below max_demand";
    return NULL;
}

static struct stage_birth *birth_new(struct heap *heap, const struct stage_spec *spec,
                                     size_t *ret_size)
{
    size_t subscriptions = spec->subscription_count * sizeof *spec->subscriptions;
    *ret_size = sizeof(struct stage_birth) + arg_room(spec) + subscriptions;
    struct stage_birth *birth = heap_alloc(heap, *ret_size);
    birth->spec = *spec;
    if (spec->arg_size > 0)
        memcpy(birth->more, spec->arg, spec->arg_size);
    if (subscriptions > 0)
        memcpy(birth->more + arg_room(spec), spec->subscriptions, subscriptions);
    return birth;
}

static struct started stage_begin(struct proc *self, const struct stage_spec *spec, bool link)
{
    const char *contradiction = spec_contradiction(spec);
    if (contradiction)
        return started_error(
            reason_of_error(error_new(&self->heap, ERROR_INPUT, "bad_opts", "%s", contradiction)));
    size_t size;
    struct stage_birth *birth = birth_new(&self->heap, spec, &size);
    struct server_spec server = {.label = spec->label ? spec->label : "stage",
                                 .name = spec->name,
                                 .ops = &stage_server,
                                 .state_size = sizeof(struct stage) + spec->state_size,
                                 .arg = birth,
                                 .arg_size = size,
                                 .trap_exit = spec->trap_exit};
    struct started started = link ? server_start_link(self, &server) : server_start(self, &server);
    heap_release(&self->heap, birth);
    return started;
}

struct started stage_start_link(struct proc *self, const struct stage_spec *spec)
{
    return stage_begin(self, spec, true);
}

struct started stage_start(struct proc *self, const struct stage_spec *spec)
{
    return stage_begin(self, spec, false);
}

static int stage_question(struct proc *self, proc_id stage, const struct stage_word *word,
                          int64_t timeout_ns, void *answer, size_t size)
{
    const struct message *reply = NULL;
    int err = proc_call(self, stage, MSG_STAGE, word, sizeof *word, timeout_ns, &reply);
    if (!err && reply->size == size)
        memcpy(answer, reply->data, size);
    return err;
}

int stage_subscribe(struct proc *self, proc_id consumer,
                    const struct stage_subscription *subscription, int64_t timeout_ns,
                    struct stage_from *ret_from)
{
    struct stage_word word = {.kind = SAY_SUBSCRIBE_TO, .subscription = *subscription};
    struct stage_subscribed done = {0};
    int err = stage_question(self, consumer, &word, timeout_ns, &done, sizeof done);
    if (!err && !done.err && ret_from)
        *ret_from = done.from;
    return err ? err : done.err;
}

int stage_inspect(struct proc *self, proc_id stage, int64_t timeout_ns, struct stage_info *ret_info)
{
    return stage_question(self, stage, &(struct stage_word){.kind = SAY_INSPECT}, timeout_ns,
                          ret_info, sizeof *ret_info);
}

void stage_demand_forward(struct runtime *runtime, proc_id producer)
{
    struct stage_word word = {.kind = SAY_FORWARD};
    proc_send(runtime, 0, producer, MSG_STAGE, &word, sizeof word);
}

/* ---- from inside ---- */

static const struct error not_a_producer = {
    ERROR_INPUT, EXIT_RAISED, "not_a_producer", "a consumer has no events to give", NULL, 0};

void stage_emit(struct proc *self, const void *data, size_t size)
{
    struct stage *stage = stage_of(self);
    if (!stage || stage->spec.type == STAGE_CONSUMER)
        proc_exit(self, reason_of_error(&not_a_producer));
    queue_add(&self->heap, &stage->emitted, data, size);
}

void stage_ask(struct proc *self, struct stage_from producer, uint64_t count)
{
    struct stage *stage = stage_of(self);
    struct source *source = stage ? source_find(stage, producer.ref) : NULL;
    if (source && count > 0)
        source_ask(self, source, count);
}

void stage_unsubscribe(struct proc *self, struct stage_from other, struct reason why)
{
    struct stage *stage = stage_of(self);
    struct sink *sink = stage ? sink_find(stage, other.ref) : NULL;
    bool upstream = stage && source_find(stage, other.ref);
    struct stage_word word = {
        .kind = upstream ? SAY_CANCEL : SAY_CANCELLED, .ref = other.ref, .why = why};
    if (sink || upstream)
        stage_say(self, other.pid, &word);
    if (sink)
        sink_end(self, stage, sink, why);
}
