/* supervisor_api.c: calls to a supervisor, both ends: asking from outside, and serving what was asked. What a call carries
 * lies in the heap of the supervisor from the beginning, so that it outlives a caller that dies meanwhile. */
#include "sut/runtime/supervisor_internal.h"

#include <errno.h>
#include <string.h>

POINT_ABOUT("sup/child/ask", "A call that concerns a child arrived at its supervisor.");

/* ---- from outside ---- */

struct proc *supervisor_find(struct runtime *runtime, proc_id id, int *ret_err)
{
    struct proc *target = runtime_find(runtime, id);
    *ret_err = !target ? -ESRCH : target->main != supervisor_main ? -EINVAL : 0;
    return *ret_err ? NULL : target;
}

int supervisor_ask(struct proc *self, proc_id supervisor, const struct request *request,
                   const char *id, const struct message **ret_answer)
{
    int err;
    if (!supervisor_find(proc_runtime(self), supervisor, &err))
        return err;
    size_t length = id ? strlen(id) : 0, size = sizeof *request + length + 1;
    struct request *sent = heap_alloc(proc_heap(self), size);
    *sent = *request;
    memcpy(sent->id, id ? id : "", length);
    err = proc_call(self, supervisor, MSG_SUPERVISOR_CALL, sent, size, WAIT_FOREVER, ret_answer);
    heap_release(proc_heap(self), sent);
    return err == -ESRCH ? -EPIPE : err;
}

static struct child_answer started_ask(struct proc *self, proc_id supervisor,
                                       const struct request *request, const char *id)
{
    const struct message *reply;
    struct child_answer answer = {.err = supervisor_ask(self, supervisor, request, id, &reply)};
    answer.started = answer.err ? started_error(reason_of_error(error_of_errno(answer.err)))
                                : *(const struct started *)reply->data;
    reason_own(proc_heap(self), &answer.started.why);
    return answer;
}

static int number_ask(struct proc *self, proc_id supervisor, const struct request *request,
                      const char *id)
{
    const struct message *reply;
    int err = supervisor_ask(self, supervisor, request, id, &reply);
    return err ? err : *(const int *)reply->data;
}

struct child_answer supervisor_start_child(struct proc *self, proc_id supervisor,
                                           const struct child_spec *spec)
{
    int err;
    struct request request = {.op = REQUEST_START};
    struct proc *target = supervisor_find(proc_runtime(self), supervisor, &err);
    if (target && target != self)
        request.child = child_new(proc_heap(target), spec);
    return started_ask(self, supervisor, &request, NULL);
}

struct child_answer supervisor_restart_child(struct proc *self, proc_id supervisor, const char *id)
{
    return started_ask(self, supervisor, &(struct request){.op = REQUEST_RESTART}, id);
}

int supervisor_terminate_child(struct proc *self, proc_id supervisor, const char *id)
{
    return number_ask(self, supervisor, &(struct request){.op = REQUEST_TERMINATE}, id);
}

int supervisor_terminate_pid(struct proc *self, proc_id supervisor, proc_id pid)
{
    return number_ask(self, supervisor, &(struct request){.op = REQUEST_TERMINATE_PID, .pid = pid},
                      NULL);
}

int supervisor_delete_child(struct proc *self, proc_id supervisor, const char *id)
{
    return number_ask(self, supervisor, &(struct request){.op = REQUEST_DELETE}, id);
}

proc_id supervisor_child(struct proc *self, proc_id supervisor, const char *id)
{
    const struct message *reply;
    int err = supervisor_ask(self, supervisor, &(struct request){.op = REQUEST_CHILD}, id, &reply);
    return err ? 0 : *(const proc_id *)reply->data;
}

int supervisor_count_children(struct proc *self, proc_id supervisor,
                              struct child_counts *ret_counts)
{
    const struct message *reply;
    int err =
        supervisor_ask(self, supervisor, &(struct request){.op = REQUEST_COUNT}, NULL, &reply);
    if (!err)
        *ret_counts = *(const struct child_counts *)reply->data;
    return err;
}

/* The answer is an array, and behind it the ids; where an id stands in it is counted from the beginning. */
int supervisor_which_children(struct proc *self, proc_id supervisor, struct child_info **ret_infos,
                              size_t *ret_count)
{
    const struct message *reply;
    int err =
        supervisor_ask(self, supervisor, &(struct request){.op = REQUEST_WHICH}, NULL, &reply);
    if (err)
        return err;
    size_t count = *(const size_t *)reply->data, head = sizeof(size_t);
    char *block = heap_alloc(proc_heap(self), reply->size);
    memcpy(block, (const char *)reply->data + head, reply->size - head);
    struct child_info *infos = (struct child_info *)(void *)block;
    for (size_t i = 0; i < count; ++i)
        if (infos[i].id)
            infos[i].id = block + (uintptr_t)infos[i].id;
    *ret_infos = infos;
    *ret_count = count;
    return 0;
}

/* ---- serving ---- */

static void request_answer(struct supervisor *sup, const struct message *message, const void *data,
                           size_t size)
{
    proc_reply(sup->self, message->from, message->ref, data, size);
}

static void counts_answer(struct supervisor *sup, const struct message *message)
{
    struct child_counts counts = {0};
    for (struct child *child = sup->children; child; child = child->next) {
        bool up = child->state == CHILD_UP;
        if (up && supervisor_has_ids(sup))
            up = proc_alive(proc_runtime(sup->self), child->pid);
        counts.active += up;
        counts.supervisors += child->spec.type == CHILD_SUPERVISOR;
        counts.workers += child->spec.type == CHILD_WORKER;
    }
    counts.specs = sup->spec.strategy == SIMPLE_ONE_FOR_ONE ? 1 : sup->child_count;
    request_answer(sup, message, &counts, sizeof counts);
}

static bool child_shows_id(const struct supervisor *sup, const struct child *child)
{
    return supervisor_has_ids(sup) && child->spec.id;
}

static size_t which_size(const struct supervisor *sup)
{
    size_t size = sizeof(size_t);
    for (struct child *child = sup->children; child; child = child->next)
        size += sizeof(struct child_info) +
                (child_shows_id(sup, child) ? strlen(child->spec.id) + 1 : 0);
    return size;
}

static void which_answer(struct supervisor *sup, const struct message *message)
{
    size_t size = which_size(sup), at = sup->child_count * sizeof(struct child_info);
    char *data = heap_alloc(sup->heap, size), *block = data + sizeof(size_t);
    memcpy(data, &sup->child_count, sizeof(size_t));
    struct child_info *info = (struct child_info *)(void *)block;
    for (struct child *child = children_last(sup); child; child = child_before(sup, child)) {
        *info = (struct child_info){.pid = child->state == CHILD_UP ? child->pid : 0,
                                    .state = child->state,
                                    .type = child->spec.type};
        if (child_shows_id(sup, child)) {
            info->id = (const char *)at;
            strcpy(block + at, child->spec.id);
            at += strlen(child->spec.id) + 1;
        }
        ++info;
    }
    request_answer(sup, message, data, size);
    heap_release(sup->heap, data);
}

static void ask_trace(struct supervisor *sup, const struct request *request)
{
    static const char *const names[] = {
        [REQUEST_START] = "start",         [REQUEST_RESTART] = "restart",
        [REQUEST_TERMINATE] = "terminate", [REQUEST_TERMINATE_PID] = "terminate",
        [REQUEST_DELETE] = "delete",       [REQUEST_RESIZE] = "resize",
    };
    if (request->op == REQUEST_CHILD || request->op == REQUEST_WHICH ||
        request->op == REQUEST_COUNT)
        return;
    TRACE(proc_site(sup->self), "sup/child/ask",
          T_STR("child", request->op == REQUEST_START ? request->child->spec.id : request->id),
          T_U64("sup", proc_self(sup->self)), T_STR("what", names[request->op]),
          T_U64("pid", request->pid));
    (void)names;
}

static void child_answer(struct supervisor *sup, const struct message *message, const char *id)
{
    const struct child *child = supervisor_has_ids(sup) ? children_by_id(sup, id) : NULL;
    proc_id pid = child && child->state == CHILD_UP ? child->pid : 0;
    request_answer(sup, message, &pid, sizeof pid);
}

static bool started_serve(struct supervisor *sup, const struct request *request,
                          struct started *ret_started)
{
    if (request->op == REQUEST_START)
        *ret_started = child_add(sup, request->child);
    else if (request->op == REQUEST_RESTART)
        *ret_started = child_start_again(sup, request->id);
    return request->op == REQUEST_START || request->op == REQUEST_RESTART;
}

static int number_serve(struct supervisor *sup, const struct request *request)
{
    switch (request->op) {
    case REQUEST_TERMINATE: return child_terminate(sup, request->id);
    case REQUEST_TERMINATE_PID: return child_terminate_pid(sup, request->pid);
    case REQUEST_DELETE: return child_delete(sup, request->id);
    default: return partitions_resize(sup, request->number);
    }
}

/* The caller gets a copy of the error, too. */
static void started_answer(struct supervisor *sup, const struct message *message,
                           struct started *started)
{
    reply_reason(sup->self, message->from, message->ref, started, sizeof *started,
                 offsetof(struct started, why));
    reason_release(sup->heap, &started->why);
}

/* The message goes with the next receive, also one inside of a child's start: what is needed of it later is copied. */
void request_serve(struct supervisor *sup, const struct message *message)
{
    const struct request *request = message->data;
    struct message from = {.from = message->from, .ref = message->ref};
    struct started started;
    ask_trace(sup, request);
    if (request->op == REQUEST_CHILD) {
        child_answer(sup, &from, request->id);
    } else if (request->op == REQUEST_WHICH) {
        which_answer(sup, &from);
    } else if (request->op == REQUEST_COUNT) {
        counts_answer(sup, &from);
    } else if (started_serve(sup, request, &started)) {
        started_answer(sup, &from, &started);
    } else {
        int err = number_serve(sup, request);
        request_answer(sup, &from, &err, sizeof err);
    }
}
