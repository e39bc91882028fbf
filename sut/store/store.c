/* store.c: how a request reaches the database and its reply comes back.
 *
 * A call lives in a heap of its own. While it is under way that heap is the node's, so that a
 * process may die meanwhile; once it is back it is the process's, so that a process that dies with
 * a reply in its hands leaks nothing either. What can be lost: the request before it runs (send),
 * the reply after it ran (reply), and the patience of the caller (deadline); in the last two cases
 * the effect stands although the caller sees an error. */
#include "sut/store/store.h"

#include "sut/jobs/unique.h"
#include "sut/telemetry.h"

#include <errno.h>
#include <string.h>

static const char *const op_words[] = {
#define X(e, word) word,
    STORE_OPS(X)
#undef X
};

#define CALL_POOL                                                                                  \
    (sizeof(struct store_call) + 500) /* bytes: with its request, as they mostly are */

const char *store_op_word(enum store_op op)
{
    return op < STORE_OP_COUNT ? op_words[op] : "?";
}

bool store_outcome_unknown(int err)
{
    switch (-err) {
    case 0:
    case EINVAL:
    case EACCES:
    case EBUSY:
    case ENOSPC:
    case EROFS:
    case ENOMEM:
    case ENOENT:
    case ENOTUNIQ:
    case ECONNREFUSED: return false;
    default: return true;
    }
}

/* ---- deep copies ---- */

#define COPY_ARRAY(heap, array, count)                                                             \
    ((array) && (count) ? heap_memdup((heap), (array), (count) * sizeof *(array)) : NULL)

static struct job_spec *specs_copy(struct heap *heap, const struct job_spec *specs, size_t count)
{
    struct job_spec *copies = COPY_ARRAY(heap, specs, count);
    for (size_t i = 0; i < count; ++i) {
        copies[i].queue = heap_strdup(heap, specs[i].queue);
        copies[i].worker = heap_strdup(heap, specs[i].worker);
        copies[i].args = heap_strdup(heap, specs[i].args);
        copies[i].part = heap_strdup(heap, specs[i].part);
        copies[i].meta = heap_strdup(heap, specs[i].meta);
        copies[i].tags = heap_strdup(heap, specs[i].tags);
        if (specs[i].unique) {
            bool shared = i > 0 && specs[i].unique == specs[i - 1].unique;
            copies[i].unique =
                shared ? copies[i - 1].unique : job_unique_copy(heap, specs[i].unique);
        }
        copies[i].chain = heap_strdup(heap, specs[i].chain);
    }
    return copies;
}

struct job_spec job_spec_copy(struct heap *heap, const struct job_spec *spec)
{
    return *specs_copy(heap, spec, 1);
}

static const struct store_workflow *
workflow_copy(struct heap *heap, const struct store_workflow *workflow, size_t count)
{
    if (!workflow)
        return NULL;
    struct store_workflow *copy = heap_memdup(heap, workflow, sizeof *copy);
    struct store_step *steps = COPY_ARRAY(heap, workflow->steps, count);
    for (size_t i = 0; i < count; ++i) {
        steps[i].name = heap_strdup(heap, steps[i].name);
        steps[i].deps = COPY_ARRAY(heap, steps[i].deps, steps[i].dep_count);
    }
    copy->name = heap_strdup(heap, copy->name);
    copy->steps = steps;
    return copy;
}

static const struct store_batch *batch_copy(struct heap *heap, const struct store_batch *batch)
{
    if (!batch)
        return NULL;
    struct store_batch *copy = heap_memdup(heap, batch, sizeof *copy);
    struct store_callback *callbacks = COPY_ARRAY(heap, batch->callbacks, batch->callback_count);
    for (size_t i = 0; i < batch->callback_count; ++i)
        callbacks[i].spec = job_spec_copy(heap, &callbacks[i].spec);
    copy->name = heap_strdup(heap, copy->name);
    copy->callbacks = callbacks;
    return copy;
}

static struct store_ack *acks_copy(struct heap *heap, const struct store_ack *acks, size_t count)
{
    struct store_ack *copies = COPY_ARRAY(heap, acks, count);
    for (size_t i = 0; i < count; ++i) {
        copies[i].error = heap_strdup(heap, acks[i].error);
        copies[i].result = heap_strdup(heap, acks[i].result);
    }
    return copies;
}

static struct store_note *notes_copy(struct heap *heap, const struct store_note *notes,
                                     size_t count)
{
    struct store_note *copies = COPY_ARRAY(heap, notes, count);
    for (size_t i = 0; i < count; ++i) {
        copies[i].text = heap_strdup(heap, notes[i].text);
        copies[i].checkpoint = heap_strdup(heap, notes[i].checkpoint);
    }
    return copies;
}

static const char **texts_copy(struct heap *heap, const char *const *texts, size_t count)
{
    const char **copies = COPY_ARRAY(heap, texts, count);
    for (size_t i = 0; i < count; ++i)
        copies[i] = heap_strdup(heap, texts[i]);
    return copies;
}

static struct store_queue *rules_copy(struct heap *heap, const struct store_queue *rules,
                                      size_t count)
{
    struct store_queue *copies = COPY_ARRAY(heap, rules, count);
    for (size_t i = 0; copies && i < count; ++i) {
        copies[i].name = heap_strdup(heap, rules[i].name);
        copies[i].node = heap_strdup(heap, rules[i].node);
        copies[i].turn = heap_strdup(heap, rules[i].turn);
    }
    return copies;
}

static const struct job_filter *filter_copy(struct heap *heap, const struct job_filter *filter)
{
    struct job_filter *copy = filter ? heap_memdup(heap, filter, sizeof *filter) : NULL;
    if (!copy)
        return NULL;
    copy->queue = heap_strdup(heap, filter->queue);
    copy->worker = heap_strdup(heap, filter->worker);
    copy->tag = heap_strdup(heap, filter->tag);
    copy->args = heap_strdup(heap, filter->args);
    copy->meta = heap_strdup(heap, filter->meta);
    return copy;
}

static const struct job_update *update_copy(struct heap *heap, const struct job_update *update)
{
    struct job_update *copy = update ? heap_memdup(heap, update, sizeof *update) : NULL;
    if (!copy)
        return NULL;
    copy->args = heap_strdup(heap, update->args);
    copy->meta = heap_strdup(heap, update->meta);
    copy->tags = heap_strdup(heap, update->tags);
    copy->queue = heap_strdup(heap, update->queue);
    copy->worker = heap_strdup(heap, update->worker);
    return copy;
}

static struct cron_entry *entries_copy(struct heap *heap, const struct cron_entry *entries,
                                       size_t count)
{
    struct cron_entry *copies = COPY_ARRAY(heap, entries, count);
    for (size_t i = 0; copies && i < count; ++i) {
        const char **texts[] = {&copies[i].name,  &copies[i].expression, &copies[i].zone,
                                &copies[i].queue, &copies[i].worker,     &copies[i].args,
                                &copies[i].origin};
        for (size_t j = 0; j < sizeof texts / sizeof *texts; ++j)
            *texts[j] = heap_strdup(heap, *texts[j]);
    }
    return copies;
}

static struct store_ticks *ticks_copy(struct heap *heap, const struct store_ticks *ticks,
                                      size_t count)
{
    struct store_ticks *copies = COPY_ARRAY(heap, ticks, count);
    for (size_t i = 0; i < count; ++i) {
        copies[i].entry = heap_strdup(heap, ticks[i].entry);
        copies[i].minutes_ms = COPY_ARRAY(heap, ticks[i].minutes_ms, ticks[i].minute_count);
    }
    return copies;
}

/* Most requests are of queues and of the stager, and have nothing of the rest. */
static bool is_of_the_loop(enum store_op op)
{
    return op == STORE_CLAIM || op == STORE_ACK || op == STORE_STAGE || op == STORE_HEARTBEAT ||
           op == STORE_RESCUE || op == STORE_EXPIRE;
}

static void request_rest_copy(struct heap *heap, const struct store_request *from,
                              struct store_request *to)
{
    to->specs = specs_copy(heap, from->specs, from->spec_count);
    to->tx_sql = heap_strdup(heap, from->tx_sql);
    to->ids = COPY_ARRAY(heap, from->ids, from->id_count);
    to->filter = filter_copy(heap, from->filter);
    to->update = update_copy(heap, from->update);
    to->notes = notes_copy(heap, from->notes, from->note_count);
    to->rules = rules_copy(heap, from->rules, from->rule_count);
    to->workflow = workflow_copy(heap, from->workflow, from->spec_count);
    to->batch = batch_copy(heap, from->batch);
    to->flow_kind = heap_strdup(heap, from->flow_kind);
    to->flow_name = heap_strdup(heap, from->flow_name);
    to->leader.group = heap_strdup(heap, from->leader.group);
    to->leader.term = heap_strdup(heap, from->leader.term);
    to->leader.node = heap_strdup(heap, from->leader.node);
    to->entries = entries_copy(heap, from->entries, from->entry_count);
    to->origin = heap_strdup(heap, from->origin);
    to->ticks = ticks_copy(heap, from->ticks, from->tick_count);
    to->names = texts_copy(heap, from->names, from->name_count);
}

void store_request_copy(struct heap *heap, const struct store_request *from,
                        struct store_request *to)
{
    *to = *from;
    to->queue = heap_strdup(heap, from->queue);
    to->owner = heap_strdup(heap, from->owner);
    to->node = heap_strdup(heap, from->node);
    to->acks = acks_copy(heap, from->acks, from->ack_count);
    to->leases = COPY_ARRAY(heap, from->leases, from->lease_count);
    to->queues = texts_copy(heap, from->queues, from->queue_count);
    if (!is_of_the_loop(from->op))
        request_rest_copy(heap, from, to);
}

/* All of them in one block. */
static void job_texts_copy(struct heap *heap, struct job *job)
{
#define X(field, without) &job->field,
    const char **texts[] = {JOB_TEXTS(X)};
#undef X
    size_t sizes[JOB_TEXT_COUNT], size = 0;
    for (int i = 0; i < JOB_TEXT_COUNT; ++i)
        size += sizes[i] = *texts[i] ? strlen(*texts[i]) + 1 : 0;
    char *block = size ? heap_alloc(heap, size) : NULL;
    for (int i = 0; i < JOB_TEXT_COUNT; block += sizes[i++])
        if (*texts[i])
            *texts[i] = memcpy(block, *texts[i], sizes[i]);
}

static struct job *jobs_copy(struct heap *heap, const struct job *jobs, size_t count)
{
    struct job *copies = COPY_ARRAY(heap, jobs, count);
    for (size_t i = 0; copies && i < count; ++i)
        job_texts_copy(heap, &copies[i]);
    return copies;
}

static void flow_copy(struct heap *heap, const struct store_reply *from, struct store_reply *to)
{
    if (from->flow) {
        to->flow = heap_memdup(heap, from->flow, sizeof *from->flow);
        to->flow->name = heap_strdup(heap, from->flow->name);
    }
    to->members = COPY_ARRAY(heap, from->members, from->member_count);
    for (size_t i = 0; i < from->member_count; ++i) {
        to->members[i].name = heap_strdup(heap, from->members[i].name);
        to->members[i].queue = heap_strdup(heap, from->members[i].queue);
        to->members[i].worker = heap_strdup(heap, from->members[i].worker);
    }
    to->edges = COPY_ARRAY(heap, from->edges, from->edge_count);
    to->called = COPY_ARRAY(heap, from->called, from->called_count);
}

static void reply_rest_copy(struct heap *heap, const struct store_reply *from,
                            struct store_reply *to)
{
    to->ids = COPY_ARRAY(heap, from->ids, from->id_count);
    to->conflicts = COPY_ARRAY(heap, from->conflicts, from->id_count);
    to->cut = COPY_ARRAY(heap, from->cut, from->cut_count);
    flow_copy(heap, from, to);
    to->leader_node = heap_strdup(heap, from->leader_node);
    to->entries = entries_copy(heap, from->entries, from->entry_count);
}

void store_reply_copy(struct heap *heap, const struct store_request *request,
                      const struct store_reply *from, struct store_reply *to)
{
    *to = *from;
    to->jobs = jobs_copy(heap, from->jobs, from->job_count);
    to->acks = COPY_ARRAY(heap, from->acks, request->ack_count);
    to->renewed = COPY_ARRAY(heap, from->renewed, request->lease_count + request->note_count);
    to->ready = COPY_ARRAY(heap, from->ready, request->queue_count);
    to->rules = rules_copy(heap, from->rules, from->rule_count);
    to->woken = texts_copy(heap, from->woken, from->woken_count);
    if (!is_of_the_loop(request->op))
        reply_rest_copy(heap, from, to);
}

/* ---- the local transport ---- */

static void local_run(struct work *work)
{
    struct store *store = (struct store *)((char *)work - offsetof(struct store, work));
    struct store_call *call = store->first;
    store_execute(store->db, &call->request, call->heap, &call->reply);
}

static void local_done(struct work *work)
{
    struct store *store = (struct store *)((char *)work - offsetof(struct store, work));
    struct store_call *call = store->first;
    store->first = call->next;
    if (store->first)
        env_submit(store->env, &store->work);
    else
        store->last = &store->first;
    call->work.done(&call->work); /* may free the call */
}

static void local_submit(struct store *store, struct env *env, struct store_call *call)
{
    bool idle = !store->first;
    call->next = NULL;
    *store->last = call;
    store->last = &call->next;
    store->env = env;
    if (idle)
        env_submit(env, &store->work);
}

void store_local_init(struct store *store, struct store_db *db, int64_t deadline_ns)
{
    *store = (struct store){
        .submit = local_submit,
        .db = db,
        .deadline_ns = deadline_ns,
        .work = {.run = local_run, .done = local_done},
        .last = &store->first,
    };
}

/* ---- calls ---- */

static size_t request_count(const struct store_request *request)
{
    switch (request->op) {
    case STORE_INSERT: return request->spec_count;
    case STORE_CLAIM:
    case STORE_LIST: return request->limit;
    case STORE_ACK: return request->ack_count;
    case STORE_HEARTBEAT: return request->lease_count;
    case STORE_NOTE: return request->note_count;
    case STORE_RETRY:
    case STORE_CANCEL:
    case STORE_UPDATE:
    case STORE_DELETE:
    case STORE_GET: return request->id_count;
    case STORE_QUEUE_SET: return request->rule_count;
    case STORE_QUEUE_FORGET: return request->queue_count;
    case STORE_BATCH: return request->batch->callback_count;
    case STORE_CRON_PUT: return request->entry_count;
    case STORE_CRON_TICK: return request->tick_count;
    case STORE_CRON_CHANGE: return request->name_count;
    default: return 0;
    }
}

/* A case for each operation, as every point needs a name and a place of its own. */
static int fault_send(struct point_site *site, const struct store_request *request)
{
    const char *queue = request->queue ? request->queue : "";
    size_t count = request_count(request);
    switch (request->op) {
#define X(e, word)                                                                                 \
    case STORE_##e: {                                                                              \
        POINT_ABOUT("store/" word "/send",                                                         \
                    "A request leaves for the store; it has no effect yet.");                      \
        return FAULT(site, "store/" word "/send", CAN_NET | CAN_ERROR, T_STR("queue", queue),      \
                     T_U64("count", count));                                                       \
    }
        STORE_OPS(X)
#undef X
    default: (void)queue, (void)count; return -EINVAL;
    }
}

static int fault_reply(struct point_site *site, const struct store_request *request)
{
    const char *queue = request->queue ? request->queue : "";
    size_t count = request_count(request);
    switch (request->op) {
#define X(e, word)                                                                                 \
    case STORE_##e: {                                                                              \
        POINT_ABOUT("store/" word "/reply",                                                        \
                    "The store's reply arrives; the effect has happened.");                        \
        return FAULT(site, "store/" word "/reply", CAN_NET | CAN_ERROR, T_STR("queue", queue),     \
                     T_U64("count", count));                                                       \
    }
        STORE_OPS(X)
#undef X
    default: (void)queue, (void)count; return -EINVAL;
    }
}

struct store_call *store_call_new(struct store *store, struct heap *parent,
                                  const struct store_request *request)
{
    struct heap *heap = heap_pooled(parent, CALL_POOL);
    struct store_call *call = heap_alloc(heap, sizeof *call);
    call->heap = heap;
    call->store = store;
    store_request_copy(heap, request, &call->request);
    return call;
}

void store_call_free(struct store_call *call)
{
    if (call)
        heap_free(call->heap);
}

static struct store_call *call_of(struct work *work)
{
    return (struct store_call *)((char *)work - offsetof(struct store_call, work));
}

static void call_start(void *env, struct work *work)
{
    struct store_call *call = call_of(work);
    call->store->submit(call->store, env, call);
}

static void call_drop(struct work *work)
{
    store_call_free(call_of(work));
}

static int call_result(struct proc *self, const struct store_call *call)
{
    if (call->transport_err)
        return call->transport_err;
    int err = fault_reply(proc_site(self), &call->request);
    if (err)
        return err;
    if (call->reply.err)
        env_log(proc_env(self), LOG_WARN, "store: %s: %s", store_op_word(call->request.op),
                call->reply.why);
    return call->reply.err;
}

static int call_run(struct proc *self, struct store *store, const struct store_request *request,
                    struct store_call **ret_call)
{
    int err = fault_send(proc_site(self), request);
    if (err)
        return err;
    struct env *env = proc_env(self);
    struct store_call *call = store_call_new(store, env->heap, request);
    err = proc_work_via(self, &call->work, call_start, env, call_drop, store->deadline_ns);
    if (err)
        return err; /* the call is dropped when it comes back */
    heap_adopt(proc_heap(self), call->heap);
    err = call_result(self, call);
    if (err)
        store_call_free(call);
    else
        *ret_call = call;
    return err;
}

/* An error leaves nothing of the reply. */
static void call_tell(struct proc *self, const struct store *store,
                      const struct store_request *request, const struct store_reply *reply, int err,
                      int64_t begin_ns)
{
    struct telemetry_item item = {.event = TELEMETRY_STORE_CALL,
                                  .duration_ns = proc_now(self) - begin_ns,
                                  .count = request_count(request),
                                  .queue = request->queue,
                                  .word = store_op_word(request->op),
                                  .err = err};
    if (reply) {
        bool claims = request->op == STORE_CLAIM || request->op == STORE_ACK;
        item.changed = claims ? reply->job_count : reply->changed;
        item.ids = reply->ids;
        item.id_count = reply->id_count;
    }
    telemetry_tell(store->telemetry, proc_env(self), self, item);
}

int store_call(struct proc *self, struct store *store, const struct store_request *request,
               struct store_call **ret_call)
{
    if (!telemetry_wanted(store->telemetry, TELEMETRY_STORE_CALL))
        return call_run(self, store, request, ret_call);
    int64_t begin_ns = proc_now(self);
    struct store_call *call = NULL;
    int err = call_run(self, store, request, &call);
    call_tell(self, store, request, call ? &call->reply : NULL, err, begin_ns);
    if (!err)
        *ret_call = call;
    return err;
}
