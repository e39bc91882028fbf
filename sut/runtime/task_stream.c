/* task_stream.c: the consumer's side of a stream.
 *
 *     element    becomes            by
 *     running    done               its end, told by the process in the middle; its value, if any, came before
 *     done       an item, and gone  the consumer's asking, in order or not
 *
 * Elements lie in a list in the order of the input, running ones also in a table by the ref of their task.
 */
#include "sut/runtime/task_stream_internal.h"

#include <errno.h>
#include <utlist.h>

POINT_ABOUT("task/stream/open", "A stream of tasks begins.");
POINT_ABOUT("task/stream/emit", "A stream gives out the result of one element.");
POINT_ABOUT("task/stream/close", "A stream of tasks is over; what still ran was killed.");

struct element {
    struct id_node by_ref;
    struct element *prev, *next;
    uint64_t position;
    ref_id timer;
    bool done;
    struct task_result result;
    struct task_value input;
};

struct task_stream {
    struct task_stream_spec spec;
    struct heap *heap; /* of all this, below the consumer's */
    proc_id owner;
    proc_id middle;
    ref_id middle_ref;
    bool open;
    bool input_over;
    uint64_t positions;
    struct id_table running;
    struct element *elements;
    struct element *emitted; /* the last one, for its input */
    struct reason why;
};

static int spec_check(const struct task_stream_spec *spec)
{
    bool fine = spec->max_concurrency > 0 && spec->timeout_ns >= 0 && spec->body && spec->next &&
                (spec->supervisor || !spec->nolink);
    return fine ? 0 : -EINVAL;
}

int task_stream_open(struct proc *self, const struct task_stream_spec *spec,
                     struct task_stream **ret_stream)
{
    int err = spec_check(spec);
    ref_id ref = 0;
    if (err)
        return err;
    mailbox_mark(self);
    proc_id middle = middle_start(self, spec->nolink, &ref);
    if (!middle) {
        mailbox_unmark(self, UINT64_MAX);
        return -EAGAIN;
    }
    struct heap *heap = heap_child(&self->heap);
    struct task_stream *stream = heap_alloc(heap, sizeof *stream);
    stream->spec = *spec;
    if (spec->timeout_ns == 0)
        stream->spec.timeout_ns = 5 * NS_PER_S;
    stream->heap = heap;
    stream->owner = proc_id_of(self);
    stream->middle = middle;
    stream->middle_ref = ref;
    stream->open = true;
    id_table_init(&stream->running, heap);
    TRACE(&self->site, "task/stream/open", T_U64("stream", middle), T_U64("owner", stream->owner),
          T_U64("max", spec->max_concurrency), T_U64("ordered", !spec->unordered));
    *ret_stream = stream;
    return 0;
}

/* ---- the end ---- */

static bool is_of_stream(const struct message *message, void *ctx)
{
    const struct task_stream *stream = ctx;
    if (message->tag == MSG_DOWN)
        return message->ref == stream->middle_ref;
    return message->tag == MSG_TASK && id_table_find(&stream->running, message->ref);
}

static bool is_middle_down(const struct message *message, void *ctx)
{
    const struct task_stream *stream = ctx;
    return message->tag == MSG_DOWN && message->ref == stream->middle_ref;
}

/* Whatever runs is dead after it, and nothing is in the mailbox. */
static void stream_end(struct proc *self, struct task_stream *stream)
{
    if (!stream->open)
        return;
    stream->open = false;
    proc_unlink(self, stream->middle);
    struct proc *middle = runtime_find(self->runtime, stream->middle);
    if (middle)
        proc_post(middle, &(struct message){.tag = MSG_TASK, .from = stream->owner});
    struct envelope **from = mailbox_from(self, stream->middle_ref);
    heap_release(&self->heap, mailbox_wait(self, from, is_middle_down, stream, WAIT_FOREVER));
    if (stream->running.count > 0)
        mailbox_discard(self, is_of_stream, stream);
    mailbox_unmark(self, stream->middle_ref);
    TRACE(&self->site, "task/stream/close", T_U64("stream", stream->middle),
          T_U64("elements", stream->positions), T_U64("killed", stream->running.count));
}

static int stream_fail(struct proc *self, struct task_stream *stream, int err, struct reason why)
{
    stream->why = why;
    stream_end(self, stream);
    return err;
}

struct reason task_stream_why(const struct task_stream *stream)
{
    return stream->why;
}

void task_stream_close(struct proc *self, struct task_stream *stream)
{
    stream_end(self, stream);
    heap_free(stream->heap);
}

/* ---- a task for an element ---- */

static int task_begin(struct proc *self, struct task_stream *stream, const struct task_spec *task,
                      proc_id *ret_pid, ref_id *ret_ref)
{
    if (!stream->spec.supervisor) {
        *ret_pid = middle_spawn(self, stream->middle, task, ret_ref);
        return *ret_pid ? 0 : -EAGAIN;
    }
    int err = task_start_waiting(self, stream->spec.supervisor, task, ret_pid);
    if (!err) {
        *ret_ref = middle_watch(self, stream->middle, *ret_pid, !stream->spec.nolink);
        task_go(self, *ret_pid, *ret_ref);
    }
    return err;
}

static void element_add(struct proc *self, struct task_stream *stream, struct task_value input,
                        ref_id ref)
{
    struct element *element = heap_alloc(stream->heap, sizeof *element);
    element->position = stream->positions++;
    if (stream->spec.zip_input)
        element->input =
            (struct task_value){heap_memdup(stream->heap, input.data, input.size), input.size};
    id_table_insert(&stream->running, &element->by_ref, ref);
    DL_APPEND(stream->elements, element);
    if (stream->spec.timeout_ns != WAIT_FOREVER)
        element->timer = proc_send_after(self, stream->spec.timeout_ns, stream->middle, MSG_TASK,
                                         &ref, sizeof ref);
}

/* Pulls one element. 0, or an error of its task; then the stream has failed. */
static int stream_pull(struct proc *self, struct task_stream *stream)
{
    struct task_value input = {0};
    proc_id pid = 0;
    ref_id ref = 0;
    if (!stream->spec.next(self, stream->spec.ctx, &input)) {
        stream->input_over = true;
        return 0;
    }
    int err = task_begin(self, stream,
                         &(struct task_spec){.label = stream->spec.label,
                                             .body = stream->spec.body,
                                             .arg = input.data,
                                             .arg_size = input.size},
                         &pid, &ref);
    if (err)
        return stream_fail(self, stream, err,
                           reason_of_error(err == -ENOSPC ? &error_max_children : &error_no_room));
    element_add(self, stream, input, ref);
    return 0;
}

/* ---- what becomes of it ---- */

static void element_value(struct proc *self, struct element *element, const struct message *word)
{
    element->result.how = TASK_OK;
    element->result.value =
        (struct task_value){heap_memdup(&self->heap, word->data, word->size), word->size};
}

static int element_end(struct proc *self, struct task_stream *stream, struct element *element,
                       const struct middle_end *end)
{
    bool late = end->late && element->result.how != TASK_OK;
    if (late && !stream->spec.kill_late)
        return stream_fail(self, stream, -ETIMEDOUT, reason_of_error(&error_timeout));
    if (element->result.how != TASK_OK) {
        element->result.how = TASK_EXIT;
        element->result.why = late ? reason_of_error(&error_timeout) : end->why;
        reason_own(stream->heap, &element->result.why);
    }
    proc_cancel_timer(self, element->timer);
    id_table_remove(&stream->running, &element->by_ref);
    element->done = true;
    if (stream->spec.unordered) { /* whoever is done stands in front */
        DL_DELETE(stream->elements, element);
        DL_PREPEND(stream->elements, element);
    }
    return 0;
}

static int stream_wait(struct proc *self, struct task_stream *stream)
{
    int err = 0;
    struct envelope **from = mailbox_from(self, stream->middle_ref);
    struct envelope *word = mailbox_wait(self, from, is_of_stream, stream, WAIT_FOREVER);
    const struct message *message = &word->message;
    struct id_node *node = id_table_find(&stream->running, message->ref);
    if (message->tag == MSG_DOWN) {
        stream->open = false;
        mailbox_unmark(self, stream->middle_ref);
        stream->why = ((const struct exit_message *)message->data)->reason;
        reason_own(stream->heap, &stream->why);
        err = -EPIPE;
    } else if (message->from == stream->middle) {
        err = element_end(self, stream, CONTAINER_OF(node, struct element, by_ref), message->data);
    } else {
        element_value(self, CONTAINER_OF(node, struct element, by_ref), message);
    }
    heap_release(&self->heap, word);
    if (err == -EPIPE)
        mailbox_discard(self, is_of_stream, stream);
    return err;
}

static void element_drop(struct task_stream *stream, struct element *element)
{
    if (!element)
        return;
    reason_release(stream->heap, &element->result.why);
    heap_release(stream->heap, (void *)(uintptr_t)element->input.data);
    heap_release(stream->heap, element);
}

static int stream_emit(struct proc *self, struct task_stream *stream,
                       struct task_stream_item *ret_item)
{
    struct element *element = stream->elements;
    DL_DELETE(stream->elements, element);
    stream->emitted = element;
    *ret_item = (struct task_stream_item){.result = element->result};
    if (element->result.how == TASK_EXIT)
        ret_item->input = element->input;
    TRACE(&self->site, "task/stream/emit", T_U64("stream", stream->middle),
          T_U64("position", element->position), T_U64("ok", element->result.how == TASK_OK));
    return 1;
}

static bool wants_more(const struct task_stream *stream)
{
    return !stream->input_over && stream->running.count < stream->spec.max_concurrency;
}

int task_stream_next(struct proc *self, struct task_stream *stream,
                     struct task_stream_item *ret_item)
{
    if (stream->owner != proc_id_of(self))
        return -EPERM;
    element_drop(stream, stream->emitted);
    stream->emitted = NULL;
    int err = stream->why.kind == EXIT_NORMAL ? 0 : -EPIPE;
    while (!err) {
        if (stream->elements && stream->elements->done)
            return stream_emit(self, stream, ret_item);
        if (stream->input_over && !stream->elements) {
            stream_end(self, stream);
            return 0;
        }
        err = wants_more(stream) ? stream_pull(self, stream) : stream_wait(self, stream);
    }
    return err;
}

bool task_stream_next_or_exit(struct proc *self, struct task_stream *stream,
                              struct task_stream_item *ret_item)
{
    int more = task_stream_next(self, stream, ret_item);
    if (more < 0)
        task_exit(self, more, &stream->why, "stream");
    return more;
}
